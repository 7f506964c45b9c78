//! Finds out whether a file is present, its size and its published digests, without reading it.

use std::sync::Arc;

use url::Url;

use super::answer::{error_observation, not_the_file};
use super::content::{Validators, decimal};
use super::digest_headers::{CHECKSUM_MODE, HeaderDigests, WANT};
use super::evidence::{Absence, Observation};
use crate::http::header::{self, HeaderMap};
use crate::http::{Answer, Ask, Client, ErrorAnswer, Failure, Method, StatusCode, Traffic};

/// A range of one byte: the answer has the total size (RFC 9110, section 14.4).
const FIRST_BYTE: (&str, &str) = ("range", "bytes=0-0");

/// What a server shows about a file.
#[derive(Debug)]
pub(super) struct FileInfo {
    pub(super) observation: Observation,
    pub(super) digests: HeaderDigests,
    /// Azure's type of blob (`x-ms-blob-type`).
    pub(super) blob_type: Option<String>,
    pub(super) attempts: u32,
    pub(super) answered_by: Option<Arc<str>>,
}

/// Requests a file with HEAD. If the server refuses HEAD or reports no usable length, a GET of one byte
/// follows.
pub(super) async fn observe(client: &Client, url: &Url) -> FileInfo {
    let mut attempts = 0;
    let ask = Ask {
        method: &Method::HEAD,
        headers: &[WANT, CHECKSUM_MODE],
        bearer: None,
        traffic: Traffic::Requests,
    };
    let (status, answered_by, headers) = match client.ask(ask, url, &mut attempts).await {
        Ok(answer) => (answer.status(), answer.host(), answer.without_body()),
        Err(failure) => return FileInfo::failed(failure, attempts),
    };
    let info = |observation| FileInfo::of(observation, &headers, attempts, answered_by);
    match status {
        StatusCode::OK => match (not_the_file(status, &headers), content_length(&headers)) {
            (Some(observation), _) => info(observation),
            (None, Some(size)) if size > 0 => info(Observation::present(status, Some(size))),
            _ => {
                let (mut info, later) = first_byte(client, url, attempts).await;
                // HEAD's digests count unless the file has changed since.
                if later.is_none_or(|later| !Validators::of(&headers).contradicts(&Validators::of(&later))) {
                    let head = HeaderDigests::of(&headers);
                    info.digests.digests.extend(head.digests);
                    info.digests.remarks.extend(head.remarks);
                }
                info
            }
        },
        // HEAD alone may be refused: a URL may be signed for GET, a store may authorise methods separately.
        StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED | StatusCode::FORBIDDEN => {
            first_byte(client, url, attempts).await.0
        }
        _ => {
            let (start, headers) = (Vec::new(), headers.clone());
            info(error_observation(&ErrorAnswer { status, headers, start, is_cut: false, attempts }))
        }
    }
}

/// Requests one byte of a file with GET. Also returns the headers of the answer, if there was one.
async fn first_byte(client: &Client, url: &Url, mut attempts: u32) -> (FileInfo, Option<HeaderMap>) {
    let ask = Ask {
        method: &Method::GET,
        headers: &[FIRST_BYTE, WANT, CHECKSUM_MODE],
        bearer: None,
        traffic: Traffic::Requests,
    };
    let answer = match client.ask(ask, url, &mut attempts).await {
        Ok(answer) => answer,
        Err(failure) => return (FileInfo::failed(failure, attempts), None),
    };
    let (status, answered_by) = (answer.status(), answer.host());
    if !matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
        let error = answer.into_error(attempts, client.settings().timeout).await;
        let observation = match status {
            StatusCode::RANGE_NOT_SATISFIABLE if content_range(&error.headers) == Some(0) => {
                Observation::absent(status, Absence::Empty)
            }
            _ => error_observation(&error),
        };
        let headers = error.headers;
        return (FileInfo::of(observation, &headers, attempts, answered_by), Some(headers));
    }
    let headers = answer.headers().clone();
    let size = if status == StatusCode::OK { content_length(&headers) } else { content_range(&headers) };
    let observation = match (not_the_file(status, &headers), size) {
        (Some(observation), _) => observation,
        (None, Some(0)) => Observation::absent(status, Absence::Empty),
        // The rest is not read: it is one byte, or the whole file if the server ignores ranges.
        (None, Some(size)) => Observation::present(status, Some(size)),
        (None, None) => has_content(client, answer, status).await,
    };
    (FileInfo::of(observation, &headers, attempts, answered_by), Some(headers))
}

/// Whether a file without a reported size has any bytes: reads up to the first one.
async fn has_content(client: &Client, mut answer: Answer, status: StatusCode) -> Observation {
    let first = async {
        while let Some(data) = answer.chunk().await? {
            if !data.is_empty() {
                return Ok(Observation::present(status, None));
            }
        }
        Ok(Observation::absent(status, Absence::Empty))
    };
    match tokio::time::timeout(client.settings().timeout, first).await {
        Ok(observed) => observed.unwrap_or_else(Observation::Undetermined),
        Err(_) => Observation::Undetermined(client.timed_out()),
    }
}

impl FileInfo {
    fn of(
        observation: Observation,
        headers: &HeaderMap,
        attempts: u32,
        answered_by: Option<Arc<str>>,
    ) -> Self {
        let blob_type = headers.get("x-ms-blob-type").and_then(|it| it.to_str().ok());
        let blob_type = blob_type.map(|it| crate::text::excerpt(it, 40));
        Self { observation, digests: HeaderDigests::of(headers), blob_type, attempts, answered_by }
    }

    fn failed(failure: Failure, attempts: u32) -> Self {
        let (observation, digests) = (failure.into(), HeaderDigests::default());
        Self { observation, digests, blob_type: None, attempts, answered_by: None }
    }
}

/// The length of a body, if the server reports it. Beside `Transfer-Encoding`, `Content-Length` is ignored
/// (RFC 9112, section 6.3).
pub(super) fn content_length(headers: &HeaderMap) -> Option<u64> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return None;
    }
    let mut values = headers.get_all(header::CONTENT_LENGTH).iter();
    let value = decimal(values.next()?.to_str().ok()?.trim())?;
    values.all(|other| other.to_str().ok().and_then(|it| decimal(it.trim())) == Some(value)).then_some(value)
}

/// The complete length in `Content-Range: bytes 0-0/TOTAL` or `bytes */TOTAL`.
fn content_range(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    let (range, total) = value.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    matches!(range, "0-0" | "*").then(|| decimal(total.trim())).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_length_is_a_plain_decimal_number() {
        for (value, length) in [
            ("5", Some(5)),
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("+5", None),
            ("-5", None),
            ("5, 5", None),
            ("", None),
            ("0x5", None),
        ] {
            assert_eq!(content_length(&headers(&[("content-length", value)])), length, "{value}");
        }
        let chunked = [("content-length", "5"), ("transfer-encoding", "chunked")];
        assert_eq!(content_length(&headers(&chunked)), None);
        for (value, total) in [
            ("bytes 0-0/9", Some(9)),
            ("bytes */0", Some(0)),
            ("bytes 0-0/*", None),
            ("bytes 0-1/9", None),
            ("9", None),
            ("items 0-0/9", None),
        ] {
            assert_eq!(content_range(&headers(&[("content-range", value)])), total, "{value}");
        }
    }
}
