//! One value per host and port: its reqwest clients, their permits, and its health.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::{Client, Request, Response, redirect};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use url::Url;

use super::failure::{Cause, ExchangeError, ProbeError};
use super::proxy::Proxy;
use super::resolver::{LookUp, Resolver};
use super::retry::{Health, Outage};
use super::settings::{ClientSettings, Traffic};
use super::trust::Trust;
use crate::location::HostKind;

/// The most connections to a host that does not speak HTTP/2, including those that found this out.
const MAX_HTTP1_CONNECTIONS: usize = 50;

/// The most parallel downloads from one host: more would not be faster, and would be impolite.
const MAX_DOWNLOADS: usize = 16;

/// The most parallel requests on one HTTP/2 connection: h2 opens no more streams before the server's SETTINGS
/// arrive, and all of the first requests should be sent at once.
const MAX_STREAMS: usize = 100;

/// The flow-control window of a stream, in bytes. A connection's window has room for all its streams, so that
/// one that is not being read does not block the others.
pub(super) const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 100 * STREAM_WINDOW;

/// The most bytes of response headers over HTTP/2. Over HTTP/1.1 hyper allows 400 KiB and 100 headers.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

/// How long an HTTP/2 connection with open requests may be silent before a PING is sent, and how long the
/// reply may take.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The longest connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The `User-Agent`.
const AGENT: &str = concat!("art-mirror-validate/", env!("CARGO_PKG_VERSION"));

/// A host and port, and how to reach it.
#[derive(Debug)]
pub(super) struct Host {
    name: String,
    proxy: Option<Proxy>,
    private_addresses: bool,
    timeout: Duration,
    permits: Arc<Semaphore>,
    http1_permits: Arc<Semaphore>,
    download_permits: Arc<Semaphore>,
    clients: Mutex<Clients>,
    failures: Arc<AtomicUsize>,
    look_up: LookUp,
    /// The health of small requests, and that of downloads: a host that fails one kind until the time is over
    /// may still answer the other.
    health: [Health; 2],
}

#[derive(Debug)]
struct Clients {
    protocol: Protocol,
    http2: Vec<Arc<Connection>>,
    http1: Option<Arc<Connection>>,
    downloads: Option<Arc<Connection>>,
}

/// The protocol for small requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
    /// No answer so far; this is tried next.
    Unknown {
        http2: bool,
    },
}

/// A reqwest client. With HTTP/2 it has one connection, since hyper-util's pool opens one per client.
#[derive(Debug)]
struct Connection {
    client: Client,
    kind: Kind,
    streams: Arc<Semaphore>,
    /// Why the connection failed, for the requests that wait for it. Without this hyper-util would let each
    /// of them try again, one after the other.
    failed: watch::Sender<Option<ExchangeError>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Http1,
    Http2,
    /// HTTP/1.1, whatever else the host speaks.
    Downloads,
}

/// A client for one request, and the permits for it.
#[derive(Debug)]
pub(super) struct RequestPermit {
    connection: Arc<Connection>,
    permits: Permits,
}

/// Held until the body of the answer was read.
#[derive(Debug)]
pub(super) struct Permits {
    _permits: [Option<OwnedSemaphorePermit>; 2],
}

/// Why a request got no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    ExchangeError(ExchangeError),
    /// The host does not speak the protocol that was tried, or not for this request. The other is tried next.
    OtherProtocol(ExchangeError),
    TimedOut,
}

impl Host {
    pub(super) fn new(url: &Url, settings: &ClientSettings, look_up: LookUp) -> Self {
        let name = url.host_str().unwrap_or_default();
        // Plain http is HTTP/1.1, and S3 speaks nothing else.
        let on_http2 = settings.concurrency.div_ceil(MAX_STREAMS);
        let http1_permits = MAX_HTTP1_CONNECTIONS.saturating_sub(on_http2).clamp(1, settings.concurrency);
        let http1 = url.scheme() != "https" || HostKind::of(name) == HostKind::RedirectTarget;
        Self {
            name: url.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}")),
            proxy: settings.proxies.of(url).cloned(),
            private_addresses: settings.rules.private_addresses,
            timeout: settings.timeout,
            permits: Arc::new(Semaphore::new(settings.concurrency)),
            http1_permits: Arc::new(Semaphore::new(http1_permits)),
            download_permits: Arc::new(Semaphore::new(settings.concurrency.min(MAX_DOWNLOADS))),
            clients: Mutex::new(Clients {
                protocol: if http1 { Protocol::Http1 } else { Protocol::Unknown { http2: true } },
                http2: Vec::new(),
                http1: None,
                downloads: None,
            }),
            failures: Arc::default(),
            look_up,
            health: [Health::new(settings.policy()), Health::new(settings.policy())],
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Fails all further requests: a retry would end the same way.
    pub(super) fn give_up(&self, error: &ProbeError) {
        self.health.iter().for_each(|health| health.give_up(error.clone()));
    }

    pub(super) fn health(&self, traffic: Traffic) -> &Health {
        let [requests, downloads] = &self.health;
        match traffic {
            Traffic::Requests => requests,
            Traffic::Downloads => downloads,
        }
    }

    /// Marks the host as up.
    pub(super) fn revive(&self) {
        self.health.iter().for_each(Health::revive);
    }

    /// The outage to report while the host is down.
    pub(super) fn outage(&self) -> Option<Outage> {
        self.health.iter().find_map(|health| health.outage(&self.name))
    }

    /// Acquires the permit for a request. It is held while the request waits for the host: it keeps its place.
    pub(super) async fn permit(&self, traffic: Traffic) -> Option<OwnedSemaphorePermit> {
        let permits = match traffic {
            Traffic::Requests => &self.permits,
            Traffic::Downloads => &self.download_permits,
        };
        // The semaphore is never closed.
        Arc::clone(permits).acquire_owned().await.ok()
    }

    /// The client for a request. The error names the file of trust roots that could not be read.
    pub(super) async fn request_permit(
        &self,
        traffic: Traffic,
        permit: Option<OwnedSemaphorePermit>,
        trust: &Trust,
    ) -> Result<RequestPermit, String> {
        let permit_on =
            |connection, other| RequestPermit { connection, permits: Permits { _permits: [permit, other] } };
        if traffic == Traffic::Downloads {
            let mut clients = self.clients();
            let connection = self.client(&mut clients.downloads, Kind::Downloads, trust)?;
            return Ok(permit_on(connection, None));
        }
        {
            let mut clients = self.clients();
            if matches!(clients.protocol, Protocol::Http2 | Protocol::Unknown { http2: true }) {
                for connection in &clients.http2 {
                    if let Ok(stream) = Arc::clone(&connection.streams).try_acquire_owned() {
                        return Ok(permit_on(Arc::clone(connection), Some(stream)));
                    }
                }
                let connection = Arc::new(self.build(Kind::Http2, trust)?);
                let stream = Arc::clone(&connection.streams).try_acquire_owned().ok();
                clients.http2.push(Arc::clone(&connection));
                return Ok(permit_on(connection, stream));
            }
        }
        let permit = Arc::clone(&self.http1_permits).acquire_owned().await.ok();
        let mut clients = self.clients();
        let connection = self.client(&mut clients.http1, Kind::Http1, trust)?;
        Ok(permit_on(connection, permit))
    }

    fn client(
        &self,
        known: &mut Option<Arc<Connection>>,
        kind: Kind,
        trust: &Trust,
    ) -> Result<Arc<Connection>, String> {
        if let Some(connection) = known {
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(self.build(kind, trust)?);
        Ok(Arc::clone(known.insert(connection)))
    }

    fn build(&self, kind: Kind, trust: &Trust) -> Result<Connection, String> {
        let mut tls = trust.config()?;
        tls.alpn_protocols = vec![if kind == Kind::Http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
        let resolver = Resolver {
            private_addresses: self.private_addresses,
            proxy: self.proxy.as_ref().map(|proxy| proxy.host().to_owned()),
            failures: Arc::clone(&self.failures),
            look_up: self.look_up,
        };
        let mut builder = Client::builder()
            .user_agent(AGENT)
            .redirect(redirect::Policy::none())
            .connect_timeout(self.connect_timeout())
            .dns_resolver(resolver)
            .tls_backend_preconfigured(tls)
            .no_proxy();
        if let Some(proxy) = &self.proxy {
            let proxy =
                reqwest::Proxy::all(proxy.url().clone()).map_err(|error| error.without_url().to_string())?;
            builder = builder.proxy(proxy);
        }
        builder = if kind == Kind::Http2 {
            builder
                .http2_prior_knowledge()
                .http2_initial_stream_window_size(STREAM_WINDOW)
                .http2_initial_connection_window_size(CONNECTION_WINDOW)
                .http2_max_header_list_size(MAX_HEADER_BYTES)
                .http2_keep_alive_interval(KEEP_ALIVE)
                .http2_keep_alive_timeout(KEEP_ALIVE)
        } else {
            builder.http1_only()
        };
        let client = builder.build().map_err(|error| error.without_url().to_string())?;
        let (streams, failed) = (Arc::new(Semaphore::new(MAX_STREAMS)), watch::Sender::new(None));
        Ok(Connection { client, kind, streams, failed })
    }

    fn connect_timeout(&self) -> Duration {
        self.timeout.min(CONNECT_TIMEOUT)
    }

    pub(super) async fn send(
        &self,
        permit: RequestPermit,
        request: Request,
    ) -> Result<(Response, Permits), Unanswered> {
        let RequestPermit { connection, permits } = permit;
        let mut failed = connection.failed.subscribe();
        // Connecting has a timeout of its own.
        let timeout = self.timeout.saturating_add(self.connect_timeout());
        let url = request.url().clone();
        let answer = tokio::select! {
            biased;
            Ok(failed) = failed.wait_for(Option::is_some) => {
                let broken = (*failed).clone().unwrap_or_else(ExchangeError::unknown);
                return Err(self.classify_failure(&connection, broken));
            }
            answer = tokio::time::timeout(timeout, connection.client.execute(request)) => answer,
        };
        match answer {
            Ok(Ok(response)) => {
                self.record_protocol(&connection);
                Ok((response, permits))
            }
            Ok(Err(error)) => {
                let broken = ExchangeError::of(&error, &self.name);
                if broken.cause == Cause::Cancelled
                    && connection.kind == Kind::Http2
                    && let Ok(Ok(known)) =
                        tokio::time::timeout(self.connect_timeout(), failed.wait_for(Option::is_some)).await
                {
                    let known = (*known).clone().unwrap_or(broken);
                    return Err(self.classify_failure(&connection, known));
                }
                let broken = self.explain(broken, &url).await;
                if broken.is_connect() {
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    if connection.kind == Kind::Http2 {
                        self.retire(&connection);
                        connection.failed.send_replace(Some(broken.clone()));
                    }
                }
                Err(self.classify_failure(&connection, broken))
            }
            Err(_) => {
                // A device on the path may have dropped the connection without telling either end.
                self.retire(&connection);
                Err(Unanswered::TimedOut)
            }
        }
    }

    /// Adds what only this host knows to an error: its proxy and its connect timeout.
    async fn explain(&self, mut broken: ExchangeError, url: &Url) -> ExchangeError {
        if broken.cause == Cause::ConnectTimeout {
            let timeout = humantime::format_duration(self.connect_timeout());
            broken.detail = format!("no connection within {timeout}");
        }
        let Some(proxy) = &self.proxy else { return broken };
        if broken.cause == Cause::ProxyRefused {
            let status = proxy.status_of_connect(url, self.connect_timeout()).await;
            broken.detail = match status {
                Some(200) | None => "it refused to connect".to_owned(),
                Some(407) => "proxy authorization required (it answered CONNECT with 407)".to_owned(),
                Some(status @ 201..=299) => {
                    format!("it answered CONNECT with {status}; expected 200")
                }
                Some(status) => format!("it refused to connect (it answered CONNECT with {status})"),
            };
        }
        if broken.is_connect() { broken.through(Some(proxy.name())) } else { broken }
    }

    /// Records the protocol of a connection that answered.
    fn record_protocol(&self, connection: &Connection) {
        let mut clients = self.clients();
        if matches!(clients.protocol, Protocol::Unknown { .. }) {
            match connection.kind {
                Kind::Http2 => clients.protocol = Protocol::Http2,
                Kind::Http1 => clients.protocol = Protocol::Http1,
                Kind::Downloads => {}
            }
        }
    }

    /// Records what a failure shows about the protocol.
    fn classify_failure(&self, connection: &Connection, broken: ExchangeError) -> Unanswered {
        let (tried, other) = match connection.kind {
            Kind::Http2 => (Protocol::Http2, Protocol::Http1),
            Kind::Http1 => (Protocol::Http1, Protocol::Http2),
            Kind::Downloads => return Unanswered::ExchangeError(broken),
        };
        let mut clients = self.clients();
        let unknown = Protocol::Unknown { http2: tried == Protocol::Http2 };
        match broken.cause {
            Cause::OtherProtocol if clients.protocol != tried => clients.protocol = other,
            Cause::Http1Required => clients.protocol = Protocol::Http1,
            // A server without ALPN cannot parse HTTP/2.
            Cause::Exchange if clients.protocol == unknown => {
                clients.protocol = Protocol::Unknown { http2: other == Protocol::Http2 };
                return Unanswered::ExchangeError(broken);
            }
            _ => return Unanswered::ExchangeError(broken),
        }
        Unanswered::OtherProtocol(broken)
    }

    /// Makes no new requests on a client. Those in progress continue.
    fn retire(&self, connection: &Arc<Connection>) {
        let mut clients = self.clients();
        clients.http2.retain(|other| !Arc::ptr_eq(other, connection));
        if clients.http1.as_ref().is_some_and(|other| Arc::ptr_eq(other, connection)) {
            clients.http1 = None;
        }
    }

    /// Makes all new requests on new connections.
    pub(super) fn renew(&self) {
        let mut clients = self.clients();
        clients.http2.clear();
        (clients.http1, clients.downloads) = (None, None);
    }

    fn clients(&self) -> MutexGuard<'_, Clients> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::Method;

    use super::super::{Proxies, Rules};
    use super::*;

    #[tokio::test]
    async fn a_resolver_that_hangs_costs_no_more_than_the_timeout() -> Result<(), Box<dyn std::error::Error>>
    {
        let settings = ClientSettings {
            rules: Rules::default(),
            proxies: Proxies::default(),
            extra_roots: Vec::new(),
            concurrency: 1,
            retries: Some(0),
            retry_for: Duration::ZERO,
            timeout: Duration::from_millis(50),
        };
        for url in ["http://mirror.example/", "https://mirror.example/"] {
            let url: Url = url.parse()?;
            let host = Host::new(&url, &settings, |_| Box::pin(std::future::pending()));
            let permit = host.request_permit(Traffic::Requests, None, &Trust::default()).await?;
            // A generous bound, so that a hang fails the test.
            let sending = host.send(permit, Request::new(Method::HEAD, url));
            let sent = tokio::time::timeout(Duration::from_secs(30), sending).await?;
            let Err(Unanswered::ExchangeError(broken)) = sent else { return Err("it was answered".into()) };
            assert_eq!((broken.cause, &*broken.detail), (Cause::ConnectTimeout, "no connection within 50ms"));
        }
        Ok(())
    }
}
