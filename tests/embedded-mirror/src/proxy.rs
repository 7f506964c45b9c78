//! A forward proxy that maps the names of real hosts to mirrors.

use std::collections::HashMap;
use std::future::{Future, pending};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::background::{Background, next_connection};
use crate::tls::Authority;

/// The most bytes read before the end of a request's head.
const MAX_HEAD: usize = 64 * 1024;

/// The configuration of a [`Proxy`].
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ProxyConfig {
    hosts: HashMap<String, SocketAddr>,
    established: Option<String>,
    fault: Option<(ProxyFault, u64)>,
    dies_after: Option<u64>,
    tls: Option<Authority>,
    socks: bool,
}

impl ProxyConfig {
    /// An HTTP proxy without hosts or faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Maps a host to an address, for all ports (`mirror.openshift.com`) or for one (`mirror.openshift.com:443`).
    /// Requests for other hosts are answered with 502, so that no test ever leaves loopback.
    pub fn host(mut self, host: &str, addr: SocketAddr) -> Self {
        self.hosts.insert(host.to_ascii_lowercase(), addr);
        self
    }

    /// Answers every request with this status, such as 407 or 503.
    pub fn refuses(self, status: u16) -> Self {
        self.fails(u64::MAX, ProxyFault::status(status))
    }

    /// Fails the first `times` requests, whatever their target.
    pub fn fails(mut self, times: u64, fault: ProxyFault) -> Self {
        self.fault = Some((fault, times));
        self
    }

    /// Responds to a successful CONNECT with this head, instead of `HTTP/1.1 200 Connection established`.
    pub fn establishes(mut self, head: &str) -> Self {
        self.established = Some(head.to_owned());
        self
    }

    /// Dies after sending that many bytes to clients in total: open connections are reset, and new ones are
    /// refused.
    pub fn dies_after(mut self, bytes: u64) -> Self {
        self.dies_after = Some(bytes);
        self
    }

    /// Uses TLS to clients, with a certificate of this authority.
    pub fn tls(mut self, authority: &Authority) -> Self {
        self.tls = Some(authority.clone());
        self
    }

    /// Speaks SOCKS 5 (RFC 1928) instead of HTTP, and resolves names itself.
    pub fn socks(mut self) -> Self {
        self.socks = true;
        self
    }

    fn find(&self, host_and_port: &str) -> Option<SocketAddr> {
        let whole = host_and_port.to_ascii_lowercase();
        let host = whole.rsplit_once(':').map_or(whole.as_str(), |(host, _)| host);
        self.hosts.get(&whole).or_else(|| self.hosts.get(host)).copied()
    }
}

/// What a proxy does instead of forwarding a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyFault {
    /// It sends this text and closes the connection.
    Says(String),
    /// It sends nothing, and keeps the connection open.
    Hangs,
    /// It closes the connection.
    Closes,
    /// It resets the connection.
    Resets,
}

impl ProxyFault {
    /// It answers with this status.
    pub fn status(status: u16) -> Self {
        Self::Says(format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    }
}

/// A request to a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxied {
    /// `CONNECT`, `SOCKS`, or the method of a plain request.
    pub method: String,
    /// The target as received: `host:port`, or an absolute URL.
    pub target: String,
    /// The header lines, without the request line.
    pub headers: Vec<String>,
    /// Whether the proxy knows the host.
    pub known: bool,
}

/// A forward proxy on loopback: CONNECT tunnels, plain requests in absolute form, or SOCKS 5. It handles one request
/// per connection.
#[must_use]
pub struct Proxy {
    addr: SocketAddr,
    state: Arc<State>,
    _background: Background,
}

struct State {
    config: ProxyConfig,
    tls: Option<TlsAcceptor>,
    asked: Mutex<Vec<Proxied>>,
    connections: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
    dead: watch::Sender<bool>,
}

impl State {
    fn note(&self, method: &str, target: &str, headers: Vec<String>, known: bool) {
        let (method, target) = (method.to_owned(), target.to_owned());
        let asked = Proxied { method, target, headers, known };
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Starts a proxy, which is listening when this returns.
    pub fn start(config: ProxyConfig) -> io::Result<Self> {
        let tls = config.tls.as_ref().map(|authority| authority.server(&[], &[])).transpose()?;
        let state = Arc::new(State {
            config,
            tls: tls.map(TlsAcceptor::from),
            asked: Mutex::default(),
            connections: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dead: watch::Sender::new(false),
        });
        let shared = Arc::clone(&state);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (addr, background) = Background::listen("proxy", any, |listener| accept(shared, listener))?;
        Ok(Self { addr, state, _background: background })
    }

    /// The address of the proxy.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of the proxy, for `HTTPS_PROXY` and similar.
    pub fn url(&self) -> String {
        let config = &self.state.config;
        let scheme = if config.socks {
            "socks5h"
        } else if config.tls.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.addr)
    }

    /// The requests so far, in order.
    pub fn asked(&self) -> Vec<Proxied> {
        self.state.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of accepted connections.
    pub fn connections(&self) -> u64 {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Whether the proxy has died ([`ProxyConfig::dies_after`]).
    pub fn is_dead(&self) -> bool {
        *self.state.dead.borrow()
    }
}

async fn accept(state: Arc<State>, listener: TcpListener) {
    let mut dead = state.dead.subscribe();
    loop {
        let client = tokio::select! {
            biased;
            _ = dead.wait_for(|dead| *dead) => break,
            client = next_connection(&listener) => client,
        };
        state.connections.fetch_add(1, Ordering::Relaxed);
        let _ = client.set_nodelay(true);
        let (state, mut dead) = (Arc::clone(&state), state.dead.subscribe());
        tokio::spawn(async move {
            let mut client = client;
            tokio::select! {
                biased;
                _ = dead.wait_for(|dead| *dead) => {}
                // After most errors the connection is closed; only `ProxyFault::Resets` resets it.
                ended = begin(&state, &mut client) => match ended {
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    _ => return,
                },
            }
            let _ = client.set_zero_linger();
        });
    }
    // A bound socket that does not listen refuses connections and keeps other servers from getting the port.
    let addr = listener.local_addr();
    drop(listener);
    let _reserved = addr.and_then(|addr| {
        let socket = TcpSocket::new_v4()?;
        socket.bind(addr).map(|()| socket)
    });
    pending::<()>().await;
}

async fn begin(state: &State, client: &mut TcpStream) -> io::Result<()> {
    match &state.tls {
        Some(tls) => serve(state, &mut tls.accept(client).await?).await,
        None if state.config.socks => serve_socks(state, client).await,
        None => serve(state, client).await,
    }
}

/// Serves one SOCKS 5 connection to a host name, without authentication.
async fn serve_socks(state: &State, client: &mut TcpStream) -> io::Result<()> {
    let [_, methods] = read::<2>(client).await?;
    client.read_exact(&mut vec![0; methods.into()]).await?;
    client.write_all(&[5, 0]).await?;
    let [_, _, _, kind, length] = read::<5>(client).await?;
    let mut name = vec![0; length.into()];
    client.read_exact(&mut name).await?;
    let port = u16::from_be_bytes(read(client).await?);
    let target = format!("{}:{port}", String::from_utf8_lossy(&name));
    let addr = state.config.find(&target).filter(|_| kind == 3);
    state.note("SOCKS", &target, Vec::new(), addr.is_some());
    let Some(addr) = addr else {
        // Reply 4: host unreachable.
        return client.write_all(&[5, 4, 0, 1, 0, 0, 0, 0, 0, 0]).await;
    };
    let mut server = TcpStream::connect(addr).await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    relay(state, client, &mut server).await
}

async fn read<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).await.map(|_| bytes)
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(state: &State, client: &mut S) -> io::Result<()> {
    let (head, rest) = read_head(client).await?;
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().splitn(3, ' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let headers: Vec<String> = lines.map(ToOwned::to_owned).collect();

    let tunnel = method == "CONNECT";
    let (host, origin) = if tunnel { (target, "") } else { split_absolute(target) };
    let addr = state.config.find(host);
    state.note(method, target, headers.clone(), addr.is_some());
    if let Some((fault, times)) = &state.config.fault
        && state.failed.fetch_add(1, Ordering::Relaxed) < *times
    {
        return match fault {
            ProxyFault::Says(bytes) => say(client, bytes).await,
            ProxyFault::Hangs => pending().await,
            ProxyFault::Closes => Ok(()),
            ProxyFault::Resets => Err(io::ErrorKind::ConnectionAborted.into()),
        };
    }

    let server = match addr {
        Some(addr) => TcpStream::connect(addr).await.ok(),
        None => None,
    };
    let Some(mut server) = server else {
        return say(client, "HTTP/1.1 502 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await;
    };
    let _ = server.set_nodelay(true);
    if tunnel {
        let head =
            state.config.established.as_deref().unwrap_or("HTTP/1.1 200 Connection established\r\n\r\n");
        client.write_all(head.as_bytes()).await?;
    } else {
        // With one request per connection, only its head needs to be parsed.
        let mut request = format!("{method} {origin} HTTP/1.1\r\nConnection: close\r\n");
        for line in headers.iter().filter(|line| !is_hop_by_hop(line)) {
            request.push_str(line);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        server.write_all(request.as_bytes()).await?;
    }
    server.write_all(&rest).await?;
    relay(state, client, &mut server).await
}

async fn say<S: AsyncWrite + Unpin>(client: &mut S, bytes: &str) -> io::Result<()> {
    client.write_all(bytes.as_bytes()).await?;
    client.shutdown().await
}

/// Reads a request's head up to the empty line, and returns it with the bytes already read after it.
async fn read_head<S: AsyncRead + Unpin>(client: &mut S) -> io::Result<(String, Vec<u8>)> {
    let mut buffer = Vec::new();
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = buffer.split_off(end + 4);
            buffer.truncate(end);
            return Ok((String::from_utf8_lossy(&buffer).into_owned(), rest));
        }
        if buffer.len() > MAX_HEAD || client.read_buf(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
}

/// Splits `http://host:port/path` into `host:port` and `/path`.
fn split_absolute(target: &str) -> (&str, &str) {
    let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
    match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    }
}

fn is_hop_by_hop(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    ["connection", "proxy-connection", "proxy-authorization", "keep-alive"]
        .iter()
        .any(|hop| name.eq_ignore_ascii_case(hop))
}

/// Copies bytes both ways until both ends have closed or the proxy dies.
async fn relay<S: AsyncRead + AsyncWrite + Unpin>(
    state: &State,
    client: &mut S,
    server: &mut TcpStream,
) -> io::Result<()> {
    let (mut client_in, mut client_out) = tokio::io::split(client);
    let (mut server_in, mut server_out) = server.split();
    let up = async {
        tokio::io::copy(&mut client_in, &mut server_out).await?;
        server_out.shutdown().await
    };
    let down = async {
        let mut buffer = Vec::with_capacity(64 * 1024);
        while server_in.read_buf(&mut buffer).await? > 0 {
            let length = buffer.len() as u64;
            let before = state.sent.fetch_add(length, Ordering::Relaxed);
            if let Some(limit) = state.config.dies_after
                && before.saturating_add(length) >= limit
            {
                buffer.truncate(usize::try_from(limit.saturating_sub(before)).unwrap_or(0));
                client_out.write_all(&buffer).await?;
                let _ = state.dead.send_replace(true);
                return pending().await;
            }
            client_out.write_all(&buffer).await?;
            buffer.clear();
        }
        client_out.shutdown().await
    };
    both(up, down).await
}

async fn both(
    up: impl Future<Output = io::Result<()>>,
    down: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    tokio::try_join!(up, down).map(|_| ())
}
