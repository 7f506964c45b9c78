//! The ways in which a server can answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Method, StatusCode};

use crate::resource::{Resource, header_name, header_value};

/// How a request is answered.
///
/// What breaks the protocol itself does so byte by byte on HTTP/1.1, plain or TLS. HTTP/2 has no such bytes; its
/// nearest equivalent is noted at each.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// As a good server would.
    Normal,
    /// With this answer, whatever the resource is.
    Answer(Answer),
    /// Normal, without saying the length: HEAD without `Content-Length`, GET chunked.
    NoContentLength,
    /// Normal, claiming this length. A GET's body is cut there, or ends early with the connection.
    ContentLength(u64),
    /// Normal, until that many bytes of the body are sent; then the connection closes (HTTP/2: the stream is
    /// reset). HEAD has no body and is answered normally.
    DropAfter(u64),
    /// Normal, until that many bytes of the body are sent; then nothing more, and the connection stays open.
    /// With 0: the headers alone.
    StallAfter(u64),
    /// Normal, the body in pieces of `bytes` with a pause of `every` between them.
    Paced {
        /// The size of a piece in bytes.
        bytes: u64,
        /// The pause.
        every: Duration,
    },
    /// Headers without a length and a body that never ends, to GET and to HEAD alike.
    EndlessBody,
    /// The same, a byte at a time with this pause between them.
    Trickle(Duration),
    /// Normal, with a header `X-Huge` of that many bytes.
    HugeHeader(usize),
    /// Headers that never end (HTTP/2: some ten thousand of them, 1 MiB).
    EndlessHeaders,
    /// A header that never ends, sent one byte at a time with this pause between (HTTP/2: no answer).
    SlowLoris(Duration),
    /// Half a header, then silence (HTTP/2: no answer).
    StallInHeaders,
    /// These bytes instead of a response, then the connection closes (HTTP/2: the stream is reset).
    Garbage(Bytes),
    /// The connection is reset (TCP RST) without an answer (HTTP/2: the stream is).
    Reset,
    /// The connection closes (TCP FIN) without an answer, on HTTP/2 with all its streams.
    Close,
    /// No answer, ever.
    Hang,
    /// After this delay, as the other.
    After(Duration, Box<Self>),
    /// The first request as the first says, and so on; the last one goes on for ever. Requests are counted by
    /// resource, and by method where the behaviour is for a method alone.
    Sequence(Vec<Self>),
    /// As [`Self::Sequence`], beginning again after the last.
    Cycle(Vec<Self>),
    /// In so many of a thousand requests the fault, else normal: chosen by the seed and the request's number,
    /// so the same in each run.
    Lossy {
        /// How many of a thousand requests.
        per_mille: u16,
        /// What chooses them.
        seed: u64,
        /// How those are answered.
        fault: Box<Self>,
    },
    /// As that resource would be: for files that change.
    Serve(Arc<Resource>),
}

impl Behaviour {
    /// This status with a line of text.
    pub fn status(status: u16) -> Self {
        Self::Answer(Answer::status(status))
    }

    /// This status with `Retry-After`: seconds or a date.
    pub fn retry_after(status: u16, value: &str) -> Self {
        Self::Answer(Answer::status(status).header(RETRY_AFTER.as_str(), value))
    }

    /// A redirect to `target`, sent as it is given.
    pub fn redirect(status: u16, target: &str) -> Self {
        Self::Answer(Answer::status(status).header(LOCATION.as_str(), target))
    }

    /// 200 and an HTML page that says there is no such page.
    pub fn soft_404() -> Self {
        let page =
            "<!DOCTYPE html><html><head><title>Not found</title></head><body>No such page.</body></html>\n";
        Self::Answer(Answer::status(200).header(CONTENT_TYPE.as_str(), "text/html; charset=utf-8").body(page))
    }

    /// Normal after a delay.
    pub fn slow(delay: Duration) -> Self {
        Self::After(delay, Box::new(Self::Normal))
    }

    /// The fault so many times, then normal.
    pub fn recovering(times: usize, fault: Self) -> Self {
        let mut sequence = vec![fault; times];
        sequence.push(Self::Normal);
        Self::Sequence(sequence)
    }

    /// The fault at every other request, the first included.
    pub fn flapping(fault: Self) -> Self {
        Self::Cycle(vec![fault, Self::Normal])
    }

    /// The fault in so many of a thousand requests.
    pub fn lossy(per_mille: u16, seed: u64, fault: Self) -> Self {
        Self::Lossy { per_mille, seed, fault: Box::new(fault) }
    }

    /// As that resource would be.
    pub fn serve(resource: Resource) -> Self {
        Self::Serve(Arc::new(resource))
    }
}

/// How often a resource was asked for before: by any method, by HEAD, by GET.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) any: usize,
    pub(crate) head: usize,
    pub(crate) get: usize,
}

/// What a resource does with a request once sequences, delays and chances are resolved.
pub(crate) struct Resolved<'a> {
    pub(crate) resource: &'a Resource,
    pub(crate) behaviour: &'a Behaviour,
    pub(crate) delay: Duration,
}

/// Resolves what `resource` does with its request number `counts`.
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

/// A number below 1000 that looks like chance (splitmix64).
fn chance(seed: u64, count: u64) -> u64 {
    let mut z = seed.wrapping_add(count.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) % 1000
}

/// A whole response, as a test wants it.
#[derive(Debug, Clone)]
#[must_use]
pub struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// This status with a line of text.
    ///
    /// # Panics
    /// On what is no status, at once and where the test wrote it.
    #[expect(clippy::panic, reason = "a test that misspells a status should fail there and then")]
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or_else(|_| panic!("{status} is no status"));
        let text = HeaderValue::from_static("text/plain");
        Self {
            status,
            headers: HeaderMap::from_iter([(CONTENT_TYPE, text)]),
            body: Bytes::from(format!("{status}\n")),
        }
    }

    /// Adds a header, replacing `Content-Type` alone.
    ///
    /// # Panics
    /// On what is no header.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let (name, value) = (header_name(name), header_value(value.as_ref()));
        if name == CONTENT_TYPE {
            self.headers.insert(name, value);
        } else {
            self.headers.append(name, value);
        }
        self
    }

    /// Sets the body. HEAD gets its length without it.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// What S3 says of an object that isn't there to somebody who may not list the bucket: 403.
    pub fn s3_access_denied() -> Self {
        let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code>\
                    <Message>Access Denied</Message><RequestId>0123456789ABCDEF</RequestId></Error>";
        Self::s3_error(body)
    }

    /// What S3 says to a GET of an object that was moved to an archive.
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

    /// A firewall's page in a server's place: CloudFront's own, or a challenge with this header.
    pub fn firewall(mark: Option<(&str, &str)>) -> Self {
        let answer = Self::status(403).header(CONTENT_TYPE.as_str(), "text/html");
        let answer = answer.body("<!DOCTYPE html><title>ERROR</title><h1>403 ERROR</h1>Request blocked.");
        match mark {
            Some((name, value)) => answer.header(name, value),
            None => answer.header("server", "CloudFront").header("x-cache", "Error from cloudfront"),
        }
    }
}
