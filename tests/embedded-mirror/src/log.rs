//! Records and counts requests.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::header::{HOST, HeaderMap};
use http::{Method, Request, Version};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// The method.
    pub method: Method,
    /// The path, without query.
    pub path: String,
    /// The query, without its question mark.
    pub query: Option<String>,
    /// The requested host and port: HTTP/2's `:authority`, else the `Host` header.
    pub host: Option<String>,
    /// The headers.
    pub headers: HeaderMap,
    /// The protocol's version.
    pub version: Version,
    /// The number of its connection, from 0.
    pub connection: u64,
    /// When it arrived.
    pub at: Instant,
}

impl Recorded {
    /// A header's value; `None` if the header is missing or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The recorded requests and the counters of a mirror.
#[derive(Debug, Default)]
pub(crate) struct Log {
    record: bool,
    entries: Mutex<Vec<Recorded>>,
    pub(crate) connections: AtomicU64,
    pub(crate) handshakes: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) peak: AtomicUsize,
    in_flight: AtomicUsize,
}

impl Log {
    pub(crate) fn new(record: bool) -> Self {
        Self { record, ..Self::default() }
    }

    /// Counts and records a request, which is in flight until the guard is dropped.
    pub(crate) fn begin<B>(self: &Arc<Self>, request: &Request<B>, connection: u64) -> InFlight {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
        if self.record {
            let uri = request.uri();
            let host = uri.authority().map(ToString::to_string).or_else(|| {
                request.headers().get(HOST).map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned())
            });
            let recorded = Recorded {
                method: request.method().clone(),
                path: uri.path().to_owned(),
                query: uri.query().map(ToOwned::to_owned),
                host,
                headers: request.headers().clone(),
                version: request.version(),
                connection,
                at: Instant::now(),
            };
            self.entries().push(recorded);
        }
        InFlight(Arc::clone(self))
    }

    pub(crate) fn entries(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Clears the requests and counters. Requests in flight still count towards the peak.
    pub(crate) fn forget(&self) {
        self.entries().clear();
        for counter in [&self.connections, &self.handshakes, &self.requests] {
            counter.store(0, Ordering::Relaxed);
        }
        self.peak.store(self.in_flight.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Counts a request as in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Log>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
