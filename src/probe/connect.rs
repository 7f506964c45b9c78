//! One connection: name resolution under the rules, TCP, perhaps a proxy, perhaps TLS.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use super::address::is_global;
use super::client::Lane;
use super::rules::Refusal;
use super::tls::Tls;

/// Makes connections.
#[derive(Debug)]
pub(super) struct Connector {
    direct: HttpConnector<GuardedResolver>,
    to_proxy: HttpConnector,
    proxies: Matcher,
    tls: Tls,
    timeout: Duration,
}

/// A connection, ready for HTTP.
pub(super) struct Connection {
    pub(super) stream: Box<dyn Stream>,
    /// Whether the server chose HTTP/2.
    pub(super) http2: bool,
    /// What requests on it must carry, if an http proxy forwards them.
    pub(super) forwarded: Option<Forwarded>,
}

/// How requests reach a plain http server through a proxy: in absolute form, perhaps with credentials.
#[derive(Debug, Clone)]
pub(super) struct Forwarded {
    pub(super) authorization: Option<HeaderValue>,
}

/// A byte stream of any kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Why there is no connection.
#[derive(Debug, Clone)]
pub(super) enum ConnectError {
    /// The rules do not allow the host's addresses.
    Refused(Refusal),
    /// It did not work, and may work another time unless it is permanent.
    Failed {
        detail: String,
        /// Whether another try would end the same way: an untrusted certificate, an unusable proxy.
        permanent: bool,
        timed_out: bool,
    },
}

impl Connector {
    pub(super) fn new(timeout: Duration, private_addresses: bool, tls: Tls) -> Self {
        let resolver = GuardedResolver { private_addresses, look_up: system };
        let mut direct = HttpConnector::new_with_resolver(resolver);
        let mut to_proxy = HttpConnector::new();
        direct.enforce_http(false);
        direct.set_nodelay(true);
        direct.set_connect_timeout(Some(timeout));
        to_proxy.enforce_http(false);
        to_proxy.set_nodelay(true);
        to_proxy.set_connect_timeout(Some(timeout));
        Self { direct, to_proxy, proxies: Matcher::from_env(), tls, timeout }
    }

    /// Connects to the host and port of a URL.
    pub(super) async fn connect(&self, url: &Url, lane: Lane) -> Result<Connection, ConnectError> {
        match tokio::time::timeout(self.timeout, self.connect_in_any_time(url, lane)).await {
            Ok(connection) => connection,
            Err(_) => Err(ConnectError::Failed {
                detail: format!("no connection within {}", humantime::format_duration(self.timeout)),
                permanent: false,
                timed_out: true,
            }),
        }
    }

    async fn connect_in_any_time(&self, url: &Url, lane: Lane) -> Result<Connection, ConnectError> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let secure = url.scheme() == "https";
        let uri: Uri = format!("{}://{host}:{port}/", url.scheme())
            .parse()
            .map_err(|error| permanent(format!("the host {host} cannot be asked for: {error}")))?;
        let mut forwarded = None;
        let tcp = async {
            Ok(match self.proxies.intercept(&uri) {
                None => self.direct.clone().call(uri).await.map_err(|error| classify(&error))?,
                Some(proxy) if secure => self.tunnel(&proxy, uri).await?,
                Some(proxy) => {
                    forwarded = Some(Forwarded { authorization: proxy.basic_auth().cloned() });
                    let address = http_proxy(&proxy)?;
                    self.to_proxy.clone().call(address).await.map_err(|error| through(&proxy, &error))?
                }
            })
        };
        // The trust roots take some milliseconds to load: those that the other side takes to answer.
        let tls = async { secure.then(|| self.tls.connector()).transpose().map_err(permanent) };
        let (tcp, tls) = tokio::join!(tcp, tls);
        let tcp = tcp?.into_inner();
        let Some(connector) = tls? else {
            return Ok(Connection { stream: Box::new(tcp), http2: false, forwarded });
        };
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| permanent(format!("{host} is no name for TLS: {error}")))?;
        let handshake = match lane {
            Lane::Requests => connector.connect(name, tcp),
            Lane::Downloads => connector.with_alpn(vec![b"http/1.1".to_vec()]).connect(name, tcp),
        };
        let stream = handshake.await.map_err(|error| tls_error(&error))?;
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        Ok(Connection { stream: Box::new(stream), http2, forwarded })
    }

    async fn tunnel(&self, proxy: &Intercept, uri: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let mut tunnel = Tunnel::new(http_proxy(proxy)?, self.to_proxy.clone());
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        tunnel.call(uri).await.map_err(|error| through(proxy, &error))
    }
}

fn permanent(detail: String) -> ConnectError {
    ConnectError::Failed { detail, permanent: true, timed_out: false }
}

/// The address of a proxy, if it is one that speaks plain HTTP.
fn http_proxy(proxy: &Intercept) -> Result<Uri, ConnectError> {
    let uri = proxy.uri();
    if uri.scheme_str() == Some("http") {
        return Ok(uri.clone());
    }
    let scheme = uri.scheme_str().unwrap_or_default();
    Err(permanent(format!("the environment names a proxy of the kind {scheme}://; expected http://")))
}

fn through(proxy: &Intercept, error: &(dyn Error + 'static)) -> ConnectError {
    let proxy = proxy.uri().authority().map(ToString::to_string).unwrap_or_default();
    let proxy = proxy.rsplit('@').next().unwrap_or_default();
    ConnectError::Failed {
        detail: format!("through the proxy {proxy}: {}", causes(error)),
        permanent: false,
        timed_out: false,
    }
}

fn classify(error: &(dyn Error + 'static)) -> ConnectError {
    let mut cause = Some(error);
    while let Some(this) = cause {
        if let Some(NotGlobal { host, addresses }) = this.downcast_ref() {
            return ConnectError::Refused(Refusal::Address {
                host: host.clone(),
                addresses: addresses.clone(),
            });
        }
        // An `io::Error` hides the error that it wraps from `source`.
        if let Some(inner) = this.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            cause = Some(inner);
            continue;
        }
        cause = this.source();
    }
    let detail = causes(error);
    let timed_out = detail.contains("timed out") || detail.contains("deadline has elapsed");
    ConnectError::Failed { detail, permanent: false, timed_out }
}

fn tls_error(error: &io::Error) -> ConnectError {
    let certificate = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        .is_some_and(|error| matches!(error, rustls::Error::InvalidCertificate(_)));
    let hint = if certificate { " (further trust roots: --ca-file)" } else { "" };
    ConnectError::Failed { detail: format!("TLS: {error}{hint}"), permanent: certificate, timed_out: false }
}

/// An error and its causes in one line, each said once.
pub(super) fn causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(this) = cause {
        let said = this.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = this.source();
    }
    crate::text::excerpt(&text, 300)
}

/// Resolves names and keeps only the addresses that may be requested. What it returns is what is dialled, so
/// a name that changes its address between two look-ups gets nowhere.
#[derive(Debug, Clone)]
struct GuardedResolver {
    private_addresses: bool,
    look_up: fn(String) -> Addresses,
}

/// The addresses of a name, as they come.
type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// As the system resolves names. The connector puts the port in.
fn system(host: String) -> Addresses {
    Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.collect()) })
}

/// A name whose addresses are all ones that may not be requested.
#[derive(Debug, thiserror::Error)]
#[error("{host} has the address {addresses}, which is not a public one")]
struct NotGlobal {
    host: String,
    addresses: String,
}

impl Service<Name> for GuardedResolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { private_addresses, look_up } = *self;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let all = look_up(host.clone()).await?;
            let (allowed, refused): (Vec<SocketAddr>, Vec<SocketAddr>) =
                all.into_iter().partition(|address| private_addresses || is_global(address.ip()));
            if allowed.is_empty() && !refused.is_empty() {
                let addresses: Vec<String> = refused.iter().map(|address| address.ip().to_string()).collect();
                return Err(io::Error::other(NotGlobal { host, addresses: addresses.join(", ") }));
            }
            Ok(allowed.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A name that is a public address at first, and an inner one from then on.
    fn rebinding(_: String) -> Addresses {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let public: SocketAddr = ([1, 1, 1, 1], 0).into();
        let inner: SocketAddr = ([169, 254, 169, 254], 0).into();
        let first = ASKED.fetch_add(1, Ordering::Relaxed) == 0;
        Box::pin(async move { Ok(if first { vec![inner, public] } else { vec![inner] }) })
    }

    #[tokio::test]
    async fn a_name_that_rebinds_is_judged_at_each_look_up_and_never_dialled_unjudged() {
        let mut resolver = GuardedResolver { private_addresses: false, look_up: rebinding };
        let mut resolve = async || {
            let found = resolver.call("mirror.example".parse().map_err(io::Error::other)?).await?;
            io::Result::Ok(found.map(|address| address.ip().to_string()).collect::<Vec<_>>())
        };
        assert_eq!(resolve().await.ok(), Some(vec!["1.1.1.1".to_owned()]));
        let refused = resolve().await.map_err(|error| classify(&error));
        assert!(matches!(refused, Err(ConnectError::Refused(Refusal::Address { .. }))), "{refused:?}");
    }

    /// A name that is this machine at first, and nothing after.
    fn once(_: String) -> Addresses {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let here = (ASKED.fetch_add(1, Ordering::Relaxed) == 0).then(|| ([127, 0, 0, 1], 0).into());
        Box::pin(async move { Ok(here.into_iter().collect()) })
    }

    #[tokio::test]
    async fn what_was_judged_is_what_is_dialled() -> Result<(), Box<dyn Error>> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let uri: Uri = format!("http://mirror.example:{}/", listener.local_addr()?.port()).parse()?;
        let resolver = GuardedResolver { private_addresses: true, look_up: once };
        let mut direct = HttpConnector::new_with_resolver(resolver);
        // One look-up is all that a connection takes: a second would find nothing.
        let (dialled, accepted) = tokio::join!(direct.call(uri.clone()), listener.accept());
        assert_eq!(dialled?.into_inner().local_addr()?, accepted?.1);
        assert!(direct.call(uri).await.is_err());
        Ok(())
    }

    #[tokio::test]
    async fn a_resolver_that_hangs_costs_no_more_than_the_timeout() -> Result<(), Box<dyn Error>> {
        let resolver =
            GuardedResolver { private_addresses: false, look_up: |_| Box::pin(std::future::pending()) };
        let timeout = Duration::from_millis(50);
        let connector = Connector {
            direct: HttpConnector::new_with_resolver(resolver),
            to_proxy: HttpConnector::new(),
            proxies: Matcher::builder().build(),
            tls: Tls::new(Vec::new()),
            timeout,
        };
        let url = "http://mirror.example/".parse()?;
        // Far more than it takes, and far less than for ever.
        let connecting =
            tokio::time::timeout(Duration::from_secs(30), connector.connect(&url, Lane::Requests));
        let Err(ConnectError::Failed { detail, permanent: false, timed_out: true }) = connecting.await?
        else {
            return Err("it did not time out".into());
        };
        assert_eq!(detail, "no connection within 50ms");
        Ok(())
    }
}
