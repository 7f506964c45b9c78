//! The mirror server.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;

use crate::background::Background;
use crate::behaviour::Behaviour;
use crate::config::{Config, Protocol};
use crate::log::{Log, Recorded};
use crate::resource::Resource;
use crate::serve::{State, accept};
use crate::table::Table;
use crate::tls::Authority;

/// A mirror on loopback, which runs on its own thread until it is dropped.
#[must_use]
pub struct Mirror {
    addr: SocketAddr,
    protocol: Protocol,
    authority: Option<Authority>,
    state: Arc<State>,
    _background: Background,
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror")
            .field("addr", &self.addr)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

impl Mirror {
    /// Starts a mirror, which is listening when this returns.
    pub fn start(config: Config) -> io::Result<Self> {
        let (authority, tls) = match config.protocol {
            Protocol::Plain => (None, None),
            Protocol::TlsHttp1 | Protocol::TlsHttp2 => {
                let authority = config.authority.map_or_else(Authority::new, Ok)?;
                let alpn: &[&[u8]] = if config.protocol == Protocol::TlsHttp2 {
                    &[b"h2", b"http/1.1"]
                } else {
                    &[b"http/1.1"]
                };
                let server = authority.server(&config.names, alpn)?;
                (Some(authority), Some(TlsAcceptor::from(server)))
            }
        };
        let state = Arc::new(State {
            table: config.table,
            outage: RwLock::default(),
            log: Arc::new(Log::new(config.record)),
            connections: AtomicU8::new(Connections::Serve as u8),
            next_connection: AtomicU64::new(0),
            tls,
            max_concurrent_streams: config.max_concurrent_streams,
            requests_per_connection: config.requests_per_connection,
        });
        let shared = Arc::clone(&state);
        let (addr, background) = Background::listen("mirror", config.bind, |it| accept(shared, it))?;
        Ok(Self { addr, protocol: config.protocol, authority, state, _background: background })
    }

    /// The address of the mirror.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a path at this address.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.protocol == Protocol::Plain { "http" } else { "https" };
        let slash = if path.starts_with('/') { "" } else { "/" };
        format!("{scheme}://{}{slash}{path}", self.addr)
    }

    /// The certificate of the mirror's authority, in PEM; empty without TLS.
    pub fn ca_pem(&self) -> String {
        self.authority.as_ref().map(Authority::pem).unwrap_or_default()
    }

    /// The served resources, which can be changed at any time from any thread.
    pub fn table(&self) -> &Table {
        &self.state.table
    }

    /// [`Table::put`].
    pub fn put(&self, place: &str, resource: Resource) {
        self.state.table.put(place, resource);
    }

    /// [`Table::remove`].
    pub fn remove(&self, place: &str) -> bool {
        self.state.table.remove(place)
    }

    /// Answers all requests with this behaviour; with `None`, by resource again.
    pub fn set_outage(&self, behaviour: Option<Behaviour>) {
        let resource = behaviour.map(|behaviour| Resource::bytes("").behaves(behaviour));
        *self.state.outage.write().unwrap_or_else(PoisonError::into_inner) = resource;
    }

    /// Sets how new connections are treated.
    pub fn set_connections(&self, connections: Connections) {
        self.state.connections.store(connections as u8, Ordering::Relaxed);
    }

    /// The recorded requests, in the order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.log.entries().clone()
    }

    /// The number of recorded requests with this method and the path of `place`.
    pub fn count(&self, method: &str, place: &str) -> usize {
        let path = crate::table::path_of(place);
        let entries = self.state.log.entries();
        entries.iter().filter(|it| it.method.as_str() == method && it.path == path).count()
    }

    /// The number of requests, including those not recorded.
    pub fn request_count(&self) -> u64 {
        self.state.log.requests.load(Ordering::Relaxed)
    }

    /// The number of accepted connections.
    pub fn connections(&self) -> u64 {
        self.state.log.connections.load(Ordering::Relaxed)
    }

    /// The number of successful TLS handshakes.
    pub fn handshakes(&self) -> u64 {
        self.state.log.handshakes.load(Ordering::Relaxed)
    }

    /// The largest number of requests in flight at the same time.
    pub fn peak(&self) -> usize {
        self.state.log.peak.load(Ordering::Relaxed)
    }

    /// Clears the recorded requests and all counts. Connections stay open and keep their numbers.
    pub fn forget(&self) {
        self.state.log.forget();
    }
}

/// How new connections are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// They are served.
    Serve = 0,
    /// They are reset (TCP RST) as soon as they are accepted.
    Reset = 1,
    /// They are accepted, and nothing is read or sent.
    BlackHole = 2,
}

impl Connections {
    pub(crate) fn from_u8(number: u8) -> Self {
        match number {
            1 => Self::Reset,
            2 => Self::BlackHole,
            _ => Self::Serve,
        }
    }
}
