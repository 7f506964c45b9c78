//! Accepts connections and serves requests.

use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio_rustls::TlsAcceptor;

use crate::background::next_connection;
use crate::behaviour::{Answer, Counts};
use crate::body::Outgoing;
use crate::log::Log;
use crate::mirror::Connections;
use crate::raw::{Raw, Wire};
use crate::resource::Resource;
use crate::respond::{Plan, Reply, answer, plan};
use crate::table::Table;

/// The state shared by all connections.
pub(crate) struct State {
    pub(crate) table: Table,
    /// If set, answers all requests instead of the table.
    pub(crate) outage: RwLock<Option<Resource>>,
    pub(crate) log: Arc<Log>,
    pub(crate) connections: AtomicU8,
    pub(crate) next_connection: AtomicU64,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) max_concurrent_streams: u32,
    pub(crate) requests_per_connection: Option<u64>,
}

impl State {
    fn plan<B>(&self, request: &Request<B>) -> Plan {
        if let Some(resource) = &*self.outage.read().unwrap_or_else(PoisonError::into_inner) {
            return plan(resource, request, Counts::default());
        }
        if let Some(entry) = self.table.entry(request.uri().path()) {
            let counts = entry.count(request.method());
            return plan(&entry.resource, request, counts);
        }
        Plan { delay: Duration::ZERO, reply: Reply::Http(answer(&Answer::status(404), request.method())) }
    }
}

pub(crate) async fn accept(state: Arc<State>, listener: TcpListener) {
    loop {
        let stream = next_connection(&listener).await;
        state.log.connections.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(connection(Arc::clone(&state), stream));
    }
}

async fn connection(state: Arc<State>, stream: TcpStream) {
    match Connections::from_u8(state.connections.load(Ordering::Relaxed)) {
        Connections::Serve => {}
        Connections::Reset => {
            let _ = stream.set_zero_linger();
            return;
        }
        Connections::BlackHole => {
            let _held = stream;
            return pending().await;
        }
    }
    let _ = stream.set_nodelay(true);
    let number = state.next_connection.fetch_add(1, Ordering::Relaxed);
    // Errors of a connection are reported by the client under test.
    let _ = match state.tls.clone() {
        None => serve_http1(state, number, stream).await,
        Some(tls) => {
            let Ok(stream) = tls.accept(stream).await else { return };
            state.log.handshakes.fetch_add(1, Ordering::Relaxed);
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                serve_http2(state, number, stream).await
            } else {
                serve_http1(state, number, stream).await
            }
        }
    };
}

async fn serve_http1<S: Wire>(state: Arc<State>, number: u64, stream: S) -> io::Result<()> {
    let (raw, mut raws) = mpsc::channel(1);
    let service = service_fn(move |request| handle(Arc::clone(&state), number, raw.clone(), request));
    let mut connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let raw = tokio::select! {
        biased;
        done = &mut connection => return done.map_err(io::Error::other),
        raw = raws.recv() => raw,
    };
    // The service is now pending forever, so the socket can be taken from the connection.
    match raw {
        Some(raw) => raw.write(connection.into_parts().io.into_inner()).await,
        None => Ok(()),
    }
}

async fn serve_http2<S: Wire>(state: Arc<State>, number: u64, stream: S) -> io::Result<()> {
    let (raw, mut raws) = mpsc::channel(1);
    let streams = state.max_concurrent_streams;
    let mut max_requests = state.requests_per_connection;
    let used_up = Arc::new(Notify::new());
    let notifier = Arc::clone(&used_up);
    let left = AtomicU64::new(max_requests.unwrap_or(u64::MAX));
    let service = service_fn(move |request| {
        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
            notifier.notify_one();
        }
        handle(Arc::clone(&state), number, raw.clone(), request)
    });
    let mut connection = pin!(
        http2::Builder::new(TokioExecutor::new())
            .max_concurrent_streams(streams)
            .serve_connection(TokioIo::new(stream), service)
    );
    // Until the connection ends, or a raw reply requires dropping it.
    loop {
        tokio::select! {
            biased;
            done = &mut connection => return done.map_err(io::Error::other),
            _ = raws.recv() => return Ok(()),
            () = used_up.notified(), if max_requests.is_some() => {
                max_requests = None;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Answers a request. On HTTP/2, an error resets the stream.
async fn handle(
    state: Arc<State>,
    number: u64,
    raw: mpsc::Sender<Raw>,
    request: Request<Incoming>,
) -> io::Result<Response<Outgoing>> {
    let guard = state.log.begin(&request, number);
    let Plan { delay, reply } = state.plan(&request);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    match reply {
        Reply::Http(response) => return Ok(response.map(|body| body.guarded(guard))),
        Reply::Hang => {}
        Reply::Raw(what) if request.version() == http::Version::HTTP_2 => match what {
            Raw::Reset | Raw::Send(_) => return Err(io::ErrorKind::ConnectionReset.into()),
            Raw::Close => {
                let _ = raw.send(what).await;
            }
            Raw::Stall(_) | Raw::Repeat { .. } => {}
        },
        Reply::Raw(what) => {
            let _ = raw.send(what).await;
        }
    }
    pending().await
}
