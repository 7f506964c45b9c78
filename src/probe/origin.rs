//! One value per host and port: it owns that host's connections and the permits to use them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

use super::backoff::wait_after;
use super::client::Lane;
use super::connect::{ConnectError, Connection, Connector, Forwarded, causes};

/// The most connections to a host that does not speak HTTP/2.
const MAX_HTTP1_CONNECTIONS: usize = 50;

/// The most bytes of response headers that are read.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

/// The longest body that is read only to use its connection again, in bytes, and how long that may take.
const MAX_DISCARDED_BYTES: u64 = 64 * 1024;
const LONGEST_DISCARD: Duration = Duration::from_secs(1);

/// HTTP/2 flow-control windows, in bytes: enough for one large sidecar, or a few files, in full flow.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

type Body = Empty<Bytes>;

/// A host and port, and how it is reached.
pub(super) struct Origin {
    url: Url,
    lane: Lane,
    concurrency: usize,
    connect_attempts: u32,
    permits: Arc<Semaphore>,
    http1_permits: Arc<Semaphore>,
    /// Locked while the first connection is made, so that one is made and not fifty.
    link: tokio::sync::Mutex<Link>,
    /// How many HTTP/2 connections were made so far. No two have the same number, or the last requests of an
    /// old connection would retire the new one with it.
    generations: AtomicU64,
    idle: Mutex<Vec<Http1>>,
}

enum Link {
    /// Not connected so far, or not any more.
    New,
    /// The host speaks HTTP/1.1: a connection for each request at a time.
    Http1,
    /// The one HTTP/2 connection, and which of the connections made so far it is.
    Http2(http2::SendRequest<Body>, u64),
    /// The host could not be reached, often enough.
    Dead(ConnectError),
}

struct Http1 {
    sender: http1::SendRequest<Body>,
    forwarded: Option<Forwarded>,
}

/// A connection, to be used for one request.
enum Lease {
    Http1 { connection: Http1, reused: bool, _permit: OwnedSemaphorePermit },
    Http2 { sender: http2::SendRequest<Body>, generation: u64 },
}

/// The right to make one request, while others wait.
pub(super) struct Turn {
    origin: Arc<Origin>,
    lease: Lease,
    permit: OwnedSemaphorePermit,
}

/// A response, with the connection that it came on.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    /// The HTTP/1.1 connection, to be given back once the body was read.
    connection: Option<(Arc<Origin>, Http1, OwnedSemaphorePermit)>,
    permit: OwnedSemaphorePermit,
}

/// An exchange that broke.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) detail: String,
    /// Whether the server surely did nothing with the request: it arrived on a connection that was being
    /// closed, or the server refused the stream. Asking again costs the server nothing.
    pub(super) unprocessed: bool,
}

impl Origin {
    pub(super) fn new(url: Url, lane: Lane, concurrency: usize, connect_attempts: u32) -> Self {
        Self {
            url,
            lane,
            concurrency,
            connect_attempts,
            permits: Arc::new(Semaphore::new(concurrency)),
            http1_permits: Arc::new(Semaphore::new(concurrency.min(MAX_HTTP1_CONNECTIONS))),
            link: tokio::sync::Mutex::new(Link::New),
            generations: AtomicU64::new(0),
            idle: Mutex::default(),
        }
    }

    /// Waits for a turn, and for a connection to use in it.
    pub(super) async fn turn(self: &Arc<Self>, connector: &Connector) -> Result<Turn, ConnectError> {
        let permit = acquire(&self.permits).await?;
        let lease = self.lease(connector).await?;
        Ok(Turn { origin: Arc::clone(self), lease, permit })
    }

    /// Forgets that the host could not be reached: another round may try again.
    pub(super) async fn revive(&self) {
        let mut link = self.link.lock().await;
        if matches!(*link, Link::Dead(_)) {
            *link = Link::New;
        }
    }

    async fn lease(&self, connector: &Connector) -> Result<Lease, ConnectError> {
        {
            let mut link = self.link.lock().await;
            match &*link {
                Link::Http2(sender, generation) if !sender.is_closed() => {
                    return Ok(Lease::Http2 { sender: sender.clone(), generation: *generation });
                }
                Link::Dead(error) => return Err(error.clone()),
                Link::Http1 => {}
                Link::New | Link::Http2(..) => match self.first_connection(connector).await {
                    Ok(connection) if connection.http2 => {
                        let sender = self.open_http2(connection).await?;
                        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
                        *link = Link::Http2(sender.clone(), generation);
                        return Ok(Lease::Http2 { sender, generation });
                    }
                    Ok(connection) => {
                        *link = Link::Http1;
                        drop(link);
                        let permit = acquire(&self.http1_permits).await?;
                        let connection = open_http1(connection).await?;
                        return Ok(Lease::Http1 { connection, reused: false, _permit: permit });
                    }
                    Err(error) => {
                        *link = Link::Dead(error.clone());
                        return Err(error);
                    }
                },
            }
        }
        let permit = acquire(&self.http1_permits).await?;
        let mut attempt = 1;
        loop {
            while let Some(mut connection) = self.take_idle() {
                if connection.sender.ready().await.is_ok() {
                    return Ok(Lease::Http1 { connection, reused: true, _permit: permit });
                }
            }
            match connector.connect(&self.url, self.lane).await {
                Ok(connection) => {
                    let connection = open_http1(connection).await?;
                    return Ok(Lease::Http1 { connection, reused: false, _permit: permit });
                }
                Err(error) => self.pause_after(error, &mut attempt).await?,
            }
        }
    }

    /// A connection, after some tries: a host that can't be reached is tried few times in all, not few times
    /// for each artifact.
    async fn first_connection(&self, connector: &Connector) -> Result<Connection, ConnectError> {
        let mut attempt = 1;
        loop {
            match connector.connect(&self.url, self.lane).await {
                Ok(connection) => return Ok(connection),
                Err(error) => self.pause_after(error, &mut attempt).await?,
            }
        }
    }

    /// Waits before the next try to connect; gives the error back if there shall be none.
    async fn pause_after(&self, error: ConnectError, attempt: &mut u32) -> Result<(), ConnectError> {
        let hopeless = !matches!(error, ConnectError::Failed { permanent: false, .. });
        if hopeless || *attempt >= self.connect_attempts {
            return Err(error);
        }
        tracing::info!(origin = %self.url, attempt, ?error, "no connection");
        tokio::time::sleep(wait_after(*attempt, None)).await;
        *attempt += 1;
        Ok(())
    }

    async fn open_http2(&self, connection: Connection) -> Result<http2::SendRequest<Body>, ConnectError> {
        let (sender, task) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            // Before the server's SETTINGS arrive nothing limits the streams but this (RFC 9113, section
            // 5.1.2). All requests shall leave in the first flight; what a server refuses is sent again.
            .initial_max_send_streams(self.concurrency)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADER_BYTES)
            .handshake(TokioIo::new(connection.stream))
            .await
            .map_err(|error| failed(&error))?;
        tokio::spawn(async move {
            if let Err(error) = task.await {
                tracing::debug!(%error, "an HTTP/2 connection ended");
            }
        });
        Ok(sender)
    }

    fn take_idle(&self) -> Option<Http1> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give_back(&self, connection: Http1) {
        if !connection.sender.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    /// Lets go of an HTTP/2 connection that takes no more requests. Those under way on it go on.
    async fn retire(&self, generation: u64) {
        let mut link = self.link.lock().await;
        if matches!(&*link, Link::Http2(_, current) if *current == generation) {
            *link = Link::New;
        }
    }
}

/// An HTTP/2 connection, which requests share.
pub(super) struct SharedConnection {
    origin: Arc<Origin>,
    generation: u64,
}

impl SharedConnection {
    /// Lets go of it: something between the two ends may have forgotten it without a word to either, and then
    /// nothing that is sent on it is ever answered.
    pub(super) async fn retire(self) {
        self.origin.retire(self.generation).await;
    }
}

impl Turn {
    /// The connection that this turn shares with others.
    pub(super) fn shared_connection(&self) -> Option<SharedConnection> {
        match &self.lease {
            Lease::Http1 { .. } => None,
            Lease::Http2 { generation, .. } => {
                Some(SharedConnection { origin: Arc::clone(&self.origin), generation: *generation })
            }
        }
    }

    /// Makes the request. Its URI is absolute.
    pub(super) async fn send(self, mut request: Request<Body>) -> Result<Answer, Broken> {
        let Self { origin, lease, permit } = self;
        match lease {
            Lease::Http2 { mut sender, generation } => {
                *request.version_mut() = Version::HTTP_2;
                request.headers_mut().remove(http::header::HOST);
                match sender.send_request(request).await {
                    Ok(response) => Ok(Answer { response, connection: None, permit }),
                    Err(error) => {
                        let fate = Fate::of(&error);
                        if fate != Fate::StreamOnly || sender.is_closed() {
                            origin.retire(generation).await;
                        }
                        Err(Broken { detail: causes(&error), unprocessed: fate.is_unprocessed(&error) })
                    }
                }
            }
            Lease::Http1 { mut connection, reused, _permit: http1_permit } => {
                match &connection.forwarded {
                    Some(Forwarded { authorization: Some(value) }) => {
                        request.headers_mut().insert(http::header::PROXY_AUTHORIZATION, value.clone());
                    }
                    Some(_) => {}
                    None => {
                        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
                        *request.uri_mut() = path.parse::<Uri>().unwrap_or_default();
                    }
                }
                match connection.sender.send_request(request).await {
                    Ok(response) => {
                        let connection = Some((origin, connection, http1_permit));
                        Ok(Answer { response, connection, permit })
                    }
                    Err(error) => {
                        let gone = error.is_canceled() || error.is_closed() || error.is_incomplete_message();
                        let detail = causes(&error);
                        Err(Broken { unprocessed: reused && (gone || is_reset(&error)), detail })
                    }
                }
            }
        }
    }
}

impl Answer {
    /// Takes the body. The connection goes back once the body was read to its end: see [`Finished`].
    pub(super) fn into_parts(self) -> (Response<Incoming>, Finished) {
        (self.response, Finished { connection: self.connection, _permit: self.permit })
    }

    /// Takes the head alone. An HTTP/1.1 connection can be used again once the body was read, so a short one (a
    /// page that says 404) is read to its end, aside; a longer one costs more than another handshake.
    pub(super) fn without_body(self) -> http::response::Parts {
        let (response, finished) = self.into_parts();
        let (parts, mut body) = response.into_parts();
        if body.is_end_stream() {
            finished.body_was_read();
        } else if finished.connection.is_some()
            && body.size_hint().upper().is_some_and(|bytes| bytes <= MAX_DISCARDED_BYTES)
        {
            tokio::spawn(tokio::time::timeout(LONGEST_DISCARD, async move {
                while let Some(frame) = body.frame().await {
                    if frame.is_err() {
                        return;
                    }
                }
                finished.body_was_read();
            }));
        }
        parts
    }
}

/// What is left of an [`Answer`] without its body. Dropped as it is, it closes an HTTP/1.1 connection.
pub(super) struct Finished {
    connection: Option<(Arc<Origin>, Http1, OwnedSemaphorePermit)>,
    _permit: OwnedSemaphorePermit,
}

impl Finished {
    /// Gives the connection back for other requests.
    pub(super) fn body_was_read(self) {
        if let Some((origin, connection, _permit)) = self.connection {
            origin.give_back(connection);
        }
    }
}

/// What an error on an HTTP/2 connection says about the connection.
#[derive(PartialEq, Eq)]
enum Fate {
    /// Only this stream is affected.
    StreamOnly,
    /// The server takes no more requests on this connection.
    GoingAway,
    /// The connection broke.
    Broken,
}

impl Fate {
    fn of(error: &hyper::Error) -> Self {
        match h2_error(error) {
            Some(error) if error.is_go_away() => Self::GoingAway,
            Some(error) if error.is_reset() => Self::StreamOnly,
            _ => Self::Broken,
        }
    }

    /// A refused stream (RFC 9113, section 8.7), a graceful GOAWAY, or a request that never left.
    fn is_unprocessed(&self, error: &hyper::Error) -> bool {
        let reason = h2_error(error).and_then(h2::Error::reason);
        error.is_canceled()
            || error.is_closed()
            || reason == Some(h2::Reason::REFUSED_STREAM)
            || *self == Self::GoingAway && reason == Some(h2::Reason::NO_ERROR)
    }
}

fn h2_error(error: &hyper::Error) -> Option<&h2::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

fn is_reset(error: &hyper::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    std::error::Error::source(error)
        .and_then(|cause| cause.downcast_ref::<std::io::Error>())
        .is_some_and(|error| matches!(error.kind(), BrokenPipe | ConnectionReset))
}

async fn open_http1(connection: Connection) -> Result<Http1, ConnectError> {
    let (sender, task) = http1::Builder::new()
        .max_buf_size(MAX_HEADER_BYTES as usize)
        .handshake(TokioIo::new(connection.stream))
        .await
        .map_err(|error| failed(&error))?;
    tokio::spawn(async move {
        if let Err(error) = task.await {
            tracing::debug!(%error, "an HTTP/1.1 connection ended");
        }
    });
    Ok(Http1 { sender, forwarded: connection.forwarded })
}

fn failed(error: &hyper::Error) -> ConnectError {
    ConnectError::Failed { detail: causes(error), permanent: false, timed_out: false }
}

async fn acquire(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ConnectError> {
    // The semaphores live as long as their origin and are never closed.
    Arc::clone(permits).acquire_owned().await.map_err(|_| ConnectError::Failed {
        detail: "the run is over".to_owned(),
        permanent: true,
        timed_out: false,
    })
}
