//! The configuration of a mirror.

use std::net::{Ipv4Addr, SocketAddr};

use crate::table::Table;
use crate::tls::Authority;

/// The protocol of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 in plain text.
    Plain,
    /// HTTP/1.1 over TLS (ALPN `http/1.1`).
    TlsHttp1,
    /// HTTP/2 over TLS, or HTTP/1.1 for clients without HTTP/2 (ALPN `h2`, `http/1.1`).
    TlsHttp2,
}

/// The configuration of a [`Mirror`](crate::Mirror).
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
    /// An empty mirror on a free port of 127.0.0.1, which records requests and answers 404 for missing files.
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

    /// Listens at this address, for example that of a dropped mirror.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.bind = addr;
        self
    }

    /// Additional DNS names for the certificate, besides `localhost`, `127.0.0.1` and `::1`.
    pub fn names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.names.extend(names.into_iter().map(Into::into));
        self
    }

    /// Uses a certificate of this authority, so that one PEM file is enough to trust several mirrors.
    pub fn authority(mut self, authority: &Authority) -> Self {
        self.authority = Some(authority.clone());
        self
    }

    /// Serves this table, which other mirrors can serve too.
    pub fn table(mut self, table: &Table) -> Self {
        self.table = table.clone();
        self
    }

    /// Whether requests are recorded. They are counted in any case.
    pub fn record(mut self, record: bool) -> Self {
        self.record = record;
        self
    }

    /// The limit of concurrent streams on an HTTP/2 connection; the default is 128, as in nginx.
    pub fn max_concurrent_streams(mut self, streams: u32) -> Self {
        self.max_concurrent_streams = streams;
        self
    }

    /// Ends an HTTP/2 connection with GOAWAY after that many requests, as nginx does after 1,000. Requests that
    /// arrived before are still answered.
    pub fn requests_per_connection(mut self, requests: u64) -> Self {
        self.requests_per_connection = Some(requests);
        self
    }
}
