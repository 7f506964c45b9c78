//! The ways in which the mirror can answer a request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Method, StatusCode};

use crate::resource::{Resource, header_name, header_value};

/// How a request is answered.
///
/// Behaviours that violate the protocol write raw bytes on HTTP/1.1, plain or over TLS. On HTTP/2 the nearest
/// equivalent is used, which each variant names.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// As a correct server would.
    Normal,
    /// With this response, whatever the resource's content is.
    Answer(Answer),
    /// Normal, without the length: HEAD without `Content-Length`, GET chunked.
    NoContentLength,
    /// Normal, with this `Content-Length`. A longer body is truncated to it; after a shorter one the connection breaks.
    ContentLength(u64),
    /// Normal, until that many bytes of the body are sent; then the connection closes (HTTP/2: the stream is
    /// reset). HEAD has no body, so its response is normal.
    DropAfter(u64),
    /// Normal, until that many bytes of the body are sent; then the connection stays open without further data.
    /// With 0, only the headers are sent.
    StallAfter(u64),
    /// Normal, with a pause after each piece of the body.
    Paced {
        /// The size of a piece in bytes.
        bytes: u64,
        /// The pause.
        every: Duration,
    },
    /// Headers without a length and a body that never ends, for HEAD too.
    EndlessBody,
    /// As [`Self::EndlessBody`], one byte at a time with this pause between them.
    Trickle(Duration),
    /// Normal, with an additional header `X-Huge` of that many bytes.
    HugeHeader(usize),
    /// Headers that never end (HTTP/2: ten thousand headers, together about 1 MiB).
    EndlessHeaders,
    /// A header that never ends, sent one byte at a time with this pause between them (HTTP/2: no response).
    SlowLoris(Duration),
    /// A part of a header, then no further data (HTTP/2: no response).
    StallInHeaders,
    /// These bytes instead of a response, then the connection closes (HTTP/2: the stream is reset).
    Garbage(Bytes),
    /// The connection (HTTP/2: the stream) is reset without a response, by TCP RST.
    Reset,
    /// The connection closes (TCP FIN) without a response, on HTTP/2 with all its streams.
    Close,
    /// No response; the connection stays open.
    Hang,
    /// As the other behaviour, after this delay.
    After(Duration, Box<Self>),
    /// One behaviour for each successive request; the last one is repeated. Requests are counted per resource, and
    /// per method if the behaviour is set for one method only.
    Sequence(Vec<Self>),
    /// As [`Self::Sequence`], starting over after the last one.
    Cycle(Vec<Self>),
    /// The fault for a pseudo-random selection of requests, else normal. The seed and the request's number determine
    /// the selection, so it is the same in each run.
    Lossy {
        /// The probability of the fault, in thousandths.
        per_mille: u16,
        /// The seed of the selection.
        seed: u64,
        /// The behaviour for selected requests.
        fault: Box<Self>,
    },
    /// As this resource would answer: for files that change.
    Serve(Arc<Resource>),
}

impl Behaviour {
    /// A response with this status, and the status as text in the body.
    pub fn status(status: u16) -> Self {
        Self::Answer(Answer::status(status))
    }

    /// A response with this status and `Retry-After` in seconds or as a date.
    pub fn retry_after(status: u16, value: &str) -> Self {
        Self::Answer(Answer::status(status).header(RETRY_AFTER.as_str(), value))
    }

    /// A redirect to `target`, which is sent unchanged.
    pub fn redirect(status: u16, target: &str) -> Self {
        Self::Answer(Answer::status(status).header(LOCATION.as_str(), target))
    }

    /// Status 200 with an HTML page that says "No such page".
    pub fn soft_404() -> Self {
        let page =
            "<!DOCTYPE html><html><head><title>Not found</title></head><body>No such page.</body></html>\n";
        Self::Answer(Answer::status(200).header(CONTENT_TYPE.as_str(), "text/html; charset=utf-8").body(page))
    }

    /// Normal after a delay.
    pub fn slow(delay: Duration) -> Self {
        Self::After(delay, Box::new(Self::Normal))
    }

    /// The fault for the first `times` requests, then normal.
    pub fn recovering(times: usize, fault: Self) -> Self {
        let mut sequence = vec![fault; times];
        sequence.push(Self::Normal);
        Self::Sequence(sequence)
    }

    /// The fault for every other request, starting with the first.
    pub fn flapping(fault: Self) -> Self {
        Self::Cycle(vec![fault, Self::Normal])
    }

    /// [`Self::Lossy`].
    pub fn lossy(per_mille: u16, seed: u64, fault: Self) -> Self {
        Self::Lossy { per_mille, seed, fault: Box::new(fault) }
    }

    /// [`Self::Serve`].
    pub fn serve(resource: Resource) -> Self {
        Self::Serve(Arc::new(resource))
    }
}

/// The numbers of earlier requests for a resource: with any method, HEAD, and GET.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) any: usize,
    pub(crate) head: usize,
    pub(crate) get: usize,
}

/// The behaviour for one request, with sequences, delays and random selections resolved.
pub(crate) struct Resolved<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) behaviour: &'a Behaviour,
    pub(crate) delay: Duration,
}

/// Resolves the behaviour of `resource` for a request that follows `counts` others.
pub(crate) fn resolve<'a>(mut resource: &'a Resource, method: &Method, counts: Counts) -> Resolved<'a> {
    let mut delay = Duration::ZERO;
    let (mut behaviour, mut count) = chosen(resource, method, counts);
    loop {
        behaviour = match behaviour {
            Behaviour::Sequence(list) => list.get(count).or(list.last()).unwrap_or(&Behaviour::Normal),
            Behaviour::Cycle(list) => {
                list.get(count.checked_rem(list.len()).unwrap_or(0)).unwrap_or(&Behaviour::Normal)
            }
            Behaviour::Lossy { per_mille, seed, fault } => {
                if chance(*seed, count as u64) < u64::from(*per_mille) { fault } else { &Behaviour::Normal }
            }
            Behaviour::After(more, then) => {
                delay = delay.saturating_add(*more);
                then
            }
            Behaviour::Serve(other) => {
                resource = other;
                let (next, its_count) = chosen(resource, method, counts);
                count = its_count;
                next
            }
            _ => return Resolved { resource, behaviour, delay },
        };
    }
}

fn chosen<'a>(resource: &'a Resource, method: &Method, counts: Counts) -> (&'a Behaviour, usize) {
    match (&resource.head, &resource.get) {
        (Some(head), _) if method == Method::HEAD => (head, counts.head),
        (_, Some(get)) if method == Method::GET => (get, counts.get),
        _ => (&resource.any, counts.any),
    }
}

/// A pseudo-random number below 1000 (splitmix64).
fn chance(seed: u64, count: u64) -> u64 {
    let mut z = seed.wrapping_add(count.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % 1000
}

/// A complete response chosen by a test.
#[derive(Debug, Clone)]
#[must_use]
pub struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A response with this status, and the status as text in the body.
    ///
    /// # Panics
    /// If the number is not a valid status.
    #[expect(clippy::panic, reason = "a test that misspells a status should fail where it does")]
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or_else(|_| panic!("{status} is not a status"));
        let text = HeaderValue::from_static("text/plain");
        Self {
            status,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, text)]),
            body: Bytes::from(format!("{status}\n")),
        }
    }

    /// Adds a header. `Content-Type` is replaced.
    ///
    /// # Panics
    /// If the name or value is not valid.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let (name, value) = (header_name(name), header_value(value.as_ref()));
        if name == CONTENT_TYPE {
            self.headers.insert(name, value);
        } else {
            self.headers.append(name, value);
        }
        self
    }

    /// Sets the body. The response to HEAD only has its length.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// The 403 response of S3 for a missing object to a client without permission to list the bucket.
    pub fn s3_access_denied() -> Self {
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>\
                    <Message>Access Denied</Message><RequestId>0123456789ABCDEF</RequestId></Error>";
        Self::s3_error(body)
    }

    /// The response of S3 to a GET of an archived object.
    pub fn s3_archived() -> Self {
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>InvalidObjectState</Code>\
                    <Message>The operation is not valid for the object's storage class</Message>\
                    <RequestId>0123456789ABCDEF</RequestId></Error>";
        Self::s3_error(body)
    }

    fn s3_error(body: &'static str) -> Self {
        let answer = Self::status(403).header(CONTENT_TYPE.as_str(), "application/xml").body(body);
        answer.header("server", "AmazonS3").header("x-amz-request-id", "0123456789ABCDEF")
    }

    /// A firewall's page instead of the server's response: CloudFront's own, or a challenge with this header.
    pub fn firewall(mark: Option<(&str, &str)>) -> Self {
        let answer = Self::status(403).header(CONTENT_TYPE.as_str(), "text/html");
        let answer = answer.body("<!DOCTYPE html><title>ERROR</title><h1>403 ERROR</h1>Request blocked.");
        match mark {
            Some((name, value)) => answer.header(name, value),
            None => answer.header("server", "CloudFront").header("x-cache", "Error from cloudfront"),
        }
    }
}
