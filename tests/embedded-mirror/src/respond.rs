//! Determines the response to a request, without I/O or waiting.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, HeaderName,
    HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE, WWW_AUTHENTICATE,
};
use http::{Method, Request, Response, StatusCode};

use crate::behaviour::{Answer, Behaviour, Counts, resolve};
use crate::body::{Cut, Outgoing};
use crate::raw::Raw;
use crate::resource::Resource;

/// The reply to a request, and the delay before it.
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    pub(crate) reply: Reply,
}

/// The reply to a request.
pub(crate) enum Reply {
    /// An HTTP response.
    Http(Response<Outgoing>),
    /// A raw response.
    Raw(Raw),
    /// No response.
    Hang,
}

/// Determines the reply to a request for `resource`.
pub(crate) fn plan<B>(resource: &Resource, request: &Request<B>, counts: Counts) -> Plan {
    let shown = request.headers().get(AUTHORIZATION);
    if let Some(bearer) = resource.bearer.as_ref().filter(|bearer| shown != Some(&bearer.authorization)) {
        let unauthorized = Answer::status(401).header(WWW_AUTHENTICATE.as_str(), &bearer.challenge);
        let reply = Reply::Http(answer(&unauthorized, request.method()));
        return Plan { delay: Duration::ZERO, reply };
    }
    let resolved = resolve(resource, request.method(), counts);
    Plan { delay: resolved.delay, reply: reply(resolved.resource, resolved.behaviour, request) }
}

/// The response for an [`Answer`], without the body for HEAD.
pub(crate) fn answer(answer: &Answer, method: &Method) -> Response<Outgoing> {
    let body = if method == Method::HEAD { Outgoing::empty() } else { Outgoing::bytes(answer.body.clone()) };
    let mut headers = answer.headers.clone();
    if let Some(claim) = headers.get(CONTENT_LENGTH) {
        let claim = claim.to_str().ok().and_then(|claim| claim.parse().ok());
        let body = if method == Method::HEAD { body } else { body.claiming(claim.unwrap_or(0)) };
        return response(answer.status, headers, body);
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(answer.body.len()));
    response(answer.status, headers, body)
}

fn response(status: StatusCode, headers: HeaderMap, body: Outgoing) -> Response<Outgoing> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn reply<B>(resource: &Resource, behaviour: &Behaviour, request: &Request<B>) -> Reply {
    let method = request.method();
    let good = || normal(resource, request);
    let head = method == Method::HEAD;
    Reply::Http(match behaviour {
        Behaviour::Answer(it) => answer(it, method),
        Behaviour::NoContentLength => {
            let mut response = good().map(Outgoing::unsized_);
            response.headers_mut().remove(CONTENT_LENGTH);
            if head { response.map(|_| Outgoing::empty()) } else { response }
        }
        Behaviour::ContentLength(length) => {
            let mut response = good().map(|body| body.claiming(*length));
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(*length));
            if head { response.map(|_| Outgoing::empty()) } else { response }
        }
        Behaviour::DropAfter(bytes) if !head => good().map(|body| body.cut(Cut::Drop(*bytes))),
        Behaviour::StallAfter(bytes) if !head => good().map(|body| body.cut(Cut::Stall(*bytes))),
        Behaviour::Paced { bytes, every } => good().map(|body| body.paced(*bytes, *every)),
        Behaviour::EndlessBody | Behaviour::Trickle(_) if head && !is_http2(request) => {
            let (unit, every) = match behaviour {
                Behaviour::Trickle(every) => (Bytes::from_static(b"x"), *every),
                _ => (Bytes::from(vec![b'x'; 8192]), Duration::ZERO),
            };
            return Reply::Raw(Raw::Repeat {
                head: Bytes::from_static(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n",
                ),
                unit,
                every,
            });
        }
        Behaviour::Trickle(every) => {
            response(StatusCode::OK, HeaderMap::new(), Outgoing::endless().paced(1, *every))
        }
        Behaviour::EndlessBody => response(StatusCode::OK, HeaderMap::new(), Outgoing::endless()),
        Behaviour::HugeHeader(size) => {
            let mut response = good();
            if let Ok(value) = HeaderValue::from_bytes(&vec![b'x'; *size]) {
                response.headers_mut().insert(HeaderName::from_static("x-huge"), value);
            }
            response
        }
        Behaviour::EndlessHeaders if is_http2(request) => {
            let mut response = good();
            let value =
                HeaderValue::from_static("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
            for _ in 0..10_000 {
                response.headers_mut().append(HeaderName::from_static("x-filler"), value.clone());
            }
            response
        }
        Behaviour::EndlessHeaders => {
            return Reply::Raw(Raw::Repeat {
                head: Bytes::from_static(b"HTTP/1.1 200 OK\r\n"),
                unit: Bytes::from(
                    "X-Filler: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n".repeat(64),
                ),
                every: Duration::ZERO,
            });
        }
        Behaviour::SlowLoris(every) => {
            return Reply::Raw(Raw::Repeat {
                head: Bytes::from_static(b"HTTP/1.1 200 OK\r\nX-Slow: "),
                unit: Bytes::from_static(b"x"),
                every: *every,
            });
        }
        Behaviour::StallInHeaders => {
            return Reply::Raw(Raw::Stall(Bytes::from_static(b"HTTP/1.1 200 OK\r\nContent-Le")));
        }
        Behaviour::Garbage(bytes) => return Reply::Raw(Raw::Send(bytes.clone())),
        Behaviour::Reset => return Reply::Raw(Raw::Reset),
        Behaviour::Close => return Reply::Raw(Raw::Close),
        Behaviour::Hang => return Reply::Hang,
        // The last five were already resolved.
        Behaviour::Normal
        | Behaviour::DropAfter(_)
        | Behaviour::StallAfter(_)
        | Behaviour::After(..)
        | Behaviour::Sequence(_)
        | Behaviour::Cycle(_)
        | Behaviour::Lossy { .. }
        | Behaviour::Serve(_) => good(),
    })
}

fn is_http2<B>(request: &Request<B>) -> bool {
    request.version() == http::Version::HTTP_2
}

/// The response of a correct server, which supports GET, HEAD, one range and `If-Range`.
fn normal<B>(resource: &Resource, request: &Request<B>) -> Response<Outgoing> {
    let head = request.method() == Method::HEAD;
    if !head && request.method() != Method::GET {
        return answer(&Answer::status(405).header(ALLOW.as_str(), "GET, HEAD"), request.method());
    }
    let size = resource.content.size();
    let mut headers = resource.headers.clone();
    if resource.ranges {
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    if let Some(checksum) = &resource.s3_checksum
        && request.headers().get("x-amz-checksum-mode").is_some_and(|mode| mode.as_bytes() == b"ENABLED")
    {
        headers.insert(HeaderName::from_static("x-amz-checksum-sha256"), checksum.clone());
    }
    if head {
        // Only GET supports ranges (RFC 9110, 14.2).
        headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
        return response(StatusCode::OK, headers, Outgoing::empty());
    }
    let (status, range) = match wanted(resource, request.headers(), size) {
        Wanted::All => (StatusCode::OK, 0..size),
        Wanted::Part(range) => {
            let (first, last) = (range.start, range.end.saturating_sub(1));
            let total = resource.total_in_ranges.as_deref().map_or_else(|| size.to_string(), str::to_owned);
            set(&mut headers, &format!("bytes {first}-{last}/{total}"));
            (StatusCode::PARTIAL_CONTENT, range)
        }
        Wanted::Nothing => {
            set(&mut headers, &format!("bytes */{size}"));
            (StatusCode::RANGE_NOT_SATISFIABLE, 0..0)
        }
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    response(status, headers, Outgoing::range(resource.content.clone(), range.start, range.end))
}

fn set(headers: &mut HeaderMap, content_range: &str) {
    if let Ok(value) = HeaderValue::from_str(content_range) {
        headers.insert(CONTENT_RANGE, value);
    }
}

/// The requested part of a file.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    /// A range that is not satisfiable.
    Nothing,
}

fn wanted(resource: &Resource, headers: &HeaderMap, size: u64) -> Wanted {
    let Some(range) = headers.get(RANGE).filter(|_| resource.ranges) else { return Wanted::All };
    if let Some(condition) = headers.get(IF_RANGE) {
        // Strong comparison: a weak tag is never equal (RFC 9110, 13.1.5).
        let same = [ETAG, LAST_MODIFIED].iter().any(|name| resource.headers.get(name) == Some(condition));
        if !same || condition.as_bytes().starts_with(b"W/") {
            return Wanted::All;
        }
    }
    range.to_str().ok().and_then(|range| part(range, size)).unwrap_or(Wanted::All)
}

/// Parses one range of bytes. Returns `None` for anything else, such as several ranges: the whole file is sent.
fn part(range: &str, size: u64) -> Option<Wanted> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let range = if first.is_empty() {
        let suffix: u64 = last.parse().ok()?;
        size.saturating_sub(suffix)..size
    } else {
        let first: u64 = first.parse().ok()?;
        let last: u64 = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
        if last < first {
            return None;
        }
        first..last.saturating_add(1).min(size)
    };
    Some(if range.start < range.end { Wanted::Part(range) } else { Wanted::Nothing })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_parsed_as_in_rfc_9110() {
        for (range, wanted) in [
            ("bytes=0-0", Some(Wanted::Part(0..1))),
            ("bytes=5-", Some(Wanted::Part(5..10))),
            ("bytes=5-99", Some(Wanted::Part(5..10))),
            ("bytes=-3", Some(Wanted::Part(7..10))),
            ("bytes=-99", Some(Wanted::Part(0..10))),
            ("bytes=10-", Some(Wanted::Nothing)),
            ("bytes=-0", Some(Wanted::Nothing)),
            ("bytes=3-2", None),
            ("bytes=0-1,3-4", None),
            ("items=0-1", None),
            ("bytes=x-1", None),
        ] {
            assert_eq!(part(range, 10), wanted, "{range}");
        }
    }
}
