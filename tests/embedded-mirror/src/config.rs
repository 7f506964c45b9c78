//! The configuration of a mirror.

use std::net::{Ipv4Addr, SocketAddr};

use crate::table::Table;
use crate::tls::Authority;

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 in plain text.
    Plain,
    /// HTTP/1.1 over TLS, and nothing else by ALPN.
    TlsHttp1,
    /// HTTP/2 over TLS, or HTTP/1.1 for who prefers it (ALPN `h2`, `http/1.1`).
    TlsHttp2,
}

/// What kind of mirror.
#[derive(Debug, Clone)]
#[must_use]
pub struct Config {
    pub(crate) protocol: Protocol,
    pub(crate) bind: SocketAddr,
    pub(crate) names: Vec<String>,
    pub(crate) authority: Option<Authority>,
    pub(crate) table: Table,
    pub(crate) record: bool,
    pub(crate) max_concurrent_streams: u32,
    pub(crate) requests_per_connection: Option<u64>,
}

impl Config {
    /// A mirror of that protocol on 127.0.0.1 and any free port: empty, 404 for what is missing, recording.
    pub fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            names: Vec::new(),
            authority: None,
            table: Table::new(),
            record: true,
            max_concurrent_streams: 128,
            requests_per_connection: None,
        }
    }

    /// [`Protocol::Plain`].
    pub fn plain() -> Self {
        Self::new(Protocol::Plain)
    }

    /// [`Protocol::TlsHttp1`].
    pub fn tls_http1() -> Self {
        Self::new(Protocol::TlsHttp1)
    }

    /// [`Protocol::TlsHttp2`].
    pub fn tls_http2() -> Self {
        Self::new(Protocol::TlsHttp2)
    }

    /// Listens at this address, say to come back where a dropped mirror was.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.bind = addr;
        self
    }

    /// Further DNS names in the certificate, besides `localhost`, `127.0.0.1` and `::1`.
    pub fn names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names.extend(names.into_iter().map(Into::into));
        self
    }

    /// Certified by this authority, so that several mirrors are trusted by one PEM file.
    pub fn authority(mut self, authority: &Authority) -> Self {
        self.authority = Some(authority.clone());
        self
    }

    /// Serves this table, which other mirrors may serve too.
    pub fn table(mut self, table: &Table) -> Self {
        self.table = table.clone();
        self
    }

    /// Whether requests are recorded. Counters count anyway.
    pub fn record(mut self, record: bool) -> Self {
        self.record = record;
        self
    }

    /// How many streams a client of HTTP/2 may have open on a connection; 128 as nginx has it.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.max_concurrent_streams = streams;
        self
    }

    /// After how many requests an HTTP/2 connection is ended with GOAWAY, as nginx does after 1,000. What
    /// arrived by then is answered.
    pub fn requests_per_connection(mut self, requests: u64) -> Self {
        self.requests_per_connection = Some(requests);
        self
    }
}
