//! A relay that delays every byte, to simulate a distant server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::background::{Background, next_connection};

/// The most chunks in flight in each direction of a connection.
const IN_FLIGHT: usize = 1024;

/// A relay on loopback that makes a server appear distant: bytes are forwarded after a fixed delay in both
/// directions, without loss of throughput.
///
/// The kernel accepts a connection immediately. To account for the round trip of a TCP handshake, the relay delays
/// a client's first bytes by one more round trip. A client that sends first then measures the same times as over a
/// real network: one round trip for TCP, and one for each exchange after it.
#[derive(Debug)]
#[must_use]
pub struct Relay {
    addr: SocketAddr,
    connections: Arc<AtomicU64>,
    _background: Background,
}

impl Relay {
    /// Starts a relay to `upstream` with that delay each way.
    pub fn start(upstream: SocketAddr, one_way_delay: Duration) -> io::Result<Self> {
        let connections = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&connections);
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (addr, background) = Background::listen("relay", any, move |listener| {
            accept(listener, upstream, one_way_delay, counter)
        })?;
        Ok(Self { addr, connections, _background: background })
    }

    /// The address of the relay.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The number of accepted connections.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, delay: Duration, counter: Arc<AtomicU64>) {
    loop {
        let client = next_connection(&listener).await;
        counter.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let established = Instant::now() + 2 * delay;
            let Ok(server) = TcpStream::connect(upstream).await else { return };
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let (client_in, client_out) = client.into_split();
            let (server_in, server_out) = server.into_split();
            tokio::spawn(carry(client_in, server_out, established, delay));
            carry(server_in, client_out, Instant::now(), delay).await;
        });
    }
}

/// Copies bytes one way until either end closes.
async fn carry(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin,
    not_before: Instant,
    delay: Duration,
) {
    let (line, mut arrivals) = mpsc::channel::<(Instant, Bytes)>(IN_FLIGHT);
    let reader = tokio::spawn(async move {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(64 * 1024);
            let ended = !matches!(from.read_buf(&mut buffer).await, Ok(read) if read > 0);
            let due = Instant::now().max(not_before) + delay;
            // The end of the stream is an empty chunk, so that it is delayed like the bytes before it.
            if line.send((due, buffer.split().freeze())).await.is_err() || ended {
                return;
            }
        }
    });
    while let Some((due, bytes)) = arrivals.recv().await {
        sleep_until(due).await;
        if bytes.is_empty() || to.write_all(&bytes).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
    reader.abort();
}
