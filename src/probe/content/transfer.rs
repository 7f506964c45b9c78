//! Downloads one file over as many connections as it takes.

use std::time::{Duration, Instant, SystemTime};

use url::Url;

use super::ranges::{ContentRange, Validators};
use super::sink::Sink;
use crate::http::header::{self, HeaderMap};
use crate::http::{
    Again, Answer, Ask, Client, Failure, Method, ProbeError, ProbeErrorKind, StatusCode, Traffic,
    is_transient, probe_error, retry_after, status_error,
};
use crate::probe::answer::{error_observation, not_the_file};
use crate::probe::evidence::{Absence, Observation};
use crate::probe::observe::content_length;

/// The most responses that one file may take, however much each brings.
const MAX_ATTEMPTS: u32 = 1000;

/// The most times that one download starts over.
const MAX_START_OVERS: u32 = 4;

/// The least that a server must send, in bytes a second, over each period of the client's timeout. A slower
/// download would take too long to be useful.
const LEAST_BYTES_A_SECOND: u64 = 1024;

/// What is known about the length of a file before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub limit: u64,
    /// The size that its server reported before, in bytes.
    pub size: Option<u64>,
}

/// A completed download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transferred {
    /// Its size in bytes.
    pub bytes: u64,
    pub status: u16,
    /// How many responses the bytes came from; more than one means that the transfer was resumed.
    pub pieces: u32,
}

/// Why a download was not completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfinished<E> {
    /// What the server answered instead: never [`Observation::Present`].
    Observed(Observation),
    Sink(E),
}

#[derive(Debug, Default)]
struct Transfer {
    position: u64,
    /// The size in the first response.
    total: Option<u64>,
    version: Validators,
    /// The bytes so far are from an earlier run, and their version is unknown.
    of_unknown_version: bool,
    pieces: u32,
    /// Every byte received, including discarded ones.
    received: u64,
    start_overs: u32,
}

/// Requires a minimum of progress, and does not limit the total time: slow files pass, dead connections and
/// trickles do not. Only the time spent waiting for the server counts, not the sink's.
struct StallTimer {
    /// How long the next [`Self::least`] bytes may take.
    timeout: Duration,
    waited: Duration,
    came: u64,
}

/// The result of one attempt.
enum Attempt<E> {
    Done(StatusCode),
    StartOver(&'static str),
    /// A transient failure, with the wait that the server asks for, and whether the next request itself waits
    /// until the host is up.
    Failed {
        error: ProbeError,
        asked_for: Option<Duration>,
        is_down: bool,
    },
    /// The server did not process the request: it can be repeated at once.
    AtOnce,
    Unfinished(Unfinished<E>),
}

impl Client {
    /// Reads a file into a sink. A connection that drops, or brings less than a kibibyte a second for as long
    /// as the client's timeout, is replaced. The transfer is resumed if the server supports that and still
    /// has the same file; otherwise it starts over, a few times at most. Failures without progress count
    /// against the client's retries.
    ///
    /// Adds the requests to `attempts`, redirects not counted.
    pub async fn download<S: Sink>(
        &self,
        url: &Url,
        extent: Extent,
        sink: &mut S,
        attempts: &mut u32,
    ) -> Result<Transferred, Unfinished<S::Error>> {
        self.download_on(url, extent, 0, sink, attempts).await
    }

    /// Like [`Self::download`], for a sink that has the first `held` bytes from an earlier run. Their version
    /// is unknown, so the caller must verify the digest of the whole file.
    pub async fn download_on<S: Sink>(
        &self,
        url: &Url,
        extent: Extent,
        held: u64,
        sink: &mut S,
        attempts: &mut u32,
    ) -> Result<Transferred, Unfinished<S::Error>> {
        let mut transfer = Transfer { position: held, of_unknown_version: held > 0, ..Transfer::default() };
        let mut retries = self.retries();
        let start_overs =
            self.settings().retries.map_or(MAX_START_OVERS, |retries| retries.min(MAX_START_OVERS));
        for _ in 0..MAX_ATTEMPTS {
            if transfer.version.if_range().is_none() && !transfer.of_unknown_version {
                transfer.start_over(sink).await.map_err(Unfinished::Sink)?;
            }
            let before = transfer.received;
            let attempt = self.attempt(url, extent, &mut transfer, sink, *attempts).await;
            if !matches!(attempt, Attempt::AtOnce) {
                *attempts = attempts.saturating_add(1);
            }
            let came = transfer.received.saturating_sub(before);
            let progress = match &attempt {
                Attempt::Failed { error: ProbeError { kind: ProbeErrorKind::Timeout, .. }, .. } => {
                    came >= StallTimer::least(self.settings().timeout)
                }
                _ => came > 0,
            };
            if progress {
                retries.progressed();
            }
            let (error, asked_for, is_down) = match attempt {
                Attempt::Done(status) => {
                    let Transfer { position, pieces, .. } = transfer;
                    return Ok(Transferred { bytes: position, status: status.as_u16(), pieces });
                }
                Attempt::Unfinished(unfinished) => return Err(unfinished),
                Attempt::AtOnce => continue,
                Attempt::Failed { error, asked_for, is_down } => (error, asked_for, is_down),
                Attempt::StartOver(why) => {
                    tracing::info!(%url, why, position = transfer.position, "the download starts over");
                    transfer.start_over(sink).await.map_err(Unfinished::Sink)?;
                    (interrupted(why), None, false)
                }
            };
            let wait = retries.after_failure(asked_for).filter(|_| transfer.start_overs <= start_overs);
            let Some(wait) = wait else {
                return Err(Unfinished::Observed(Observation::Undetermined(error)));
            };
            tracing::info!(%url, position = transfer.position, detail = error.detail, "the download goes on");
            if !is_down {
                tokio::time::sleep(wait).await;
            }
        }
        Err(Unfinished::Observed(Observation::Undetermined(interrupted(
            "the connection broke too often to download all of it",
        ))))
    }

    async fn attempt<S: Sink>(
        &self,
        url: &Url,
        extent: Extent,
        transfer: &mut Transfer,
        sink: &mut S,
        attempts: u32,
    ) -> Attempt<S::Error> {
        let range = format!("bytes={}-", transfer.position);
        let if_range = transfer.version.if_range().map(str::to_owned);
        let conditions = [("range", range.as_str()), ("if-range", if_range.as_deref().unwrap_or_default())];
        let headers: &[(&'static str, &str)] = match &conditions {
            _ if transfer.position == 0 => &[],
            [range, _] if transfer.of_unknown_version => std::slice::from_ref(range),
            both => both,
        };
        let ask = Ask { method: &Method::GET, headers, bearer: None, traffic: Traffic::Downloads };
        let answer = match self.follow(ask, url).await {
            Ok(answer) => answer,
            Err(Failure::Refused(refusal)) => {
                return Attempt::Unfinished(Unfinished::Observed(Observation::Refused(refusal)));
            }
            Err(Failure::ProbeError(_, Again::AtOnce)) => return Attempt::AtOnce,
            Err(Failure::ProbeError(error, Again::No | Again::NotSent(_))) => {
                return Attempt::Unfinished(Unfinished::Observed(Observation::Undetermined(error)));
            }
            Err(Failure::ProbeError(error, again @ (Again::Maybe | Again::WhenBack))) => {
                return Attempt::Failed { error, asked_for: None, is_down: again == Again::WhenBack };
            }
        };
        let status = answer.status();
        match transfer.accept(status, answer.headers()) {
            Accepted::Body => {
                if std::mem::take(&mut transfer.of_unknown_version) {
                    let headers = answer.headers();
                    transfer.total = ContentRange::of(headers).and_then(|part| part.total);
                    transfer.version = Validators::of(headers);
                }
            }
            Accepted::BodyFromTheStart => {
                if let Err(error) = transfer.start_over(sink).await {
                    return Attempt::Unfinished(Unfinished::Sink(error));
                }
                transfer.total = content_length(answer.headers());
                if transfer.total.is_none() && ends_with_its_connection(answer.headers()) {
                    transfer.total = extent.size;
                }
                transfer.version = Validators::of(answer.headers());
            }
            Accepted::StartOver(why) => return Attempt::StartOver(why),
            Accepted::Not => {
                if let Some(observation) = not_the_file(status, answer.headers()) {
                    return Attempt::Unfinished(Unfinished::Observed(observation));
                }
                let observation = error_observation(&answer.into_error(1, self.settings().timeout).await);
                return Attempt::Unfinished(Unfinished::Observed(observation));
            }
            Accepted::NotNow => {
                let asked_for = retry_after(answer.headers(), SystemTime::now());
                let error = status_error(attempts.saturating_add(1), status);
                return Attempt::Failed { error, asked_for, is_down: answer.is_down() };
            }
        }
        transfer.pieces = transfer.pieces.saturating_add(1);
        self.body(answer, extent.limit, transfer, sink).await
    }

    async fn body<S: Sink>(
        &self,
        mut answer: Answer,
        limit: u64,
        transfer: &mut Transfer,
        sink: &mut S,
    ) -> Attempt<S::Error> {
        let status = answer.status();
        let failed = |kind, detail| Attempt::Failed {
            error: probe_error(kind, detail),
            asked_for: None,
            is_down: false,
        };
        let mut stall_timer = StallTimer::new(self.settings().timeout);
        loop {
            let data = match stall_timer.wait_for(answer.chunk()).await {
                Some(Ok(Some(data))) => data,
                Some(Ok(None)) => break,
                Some(Err(ProbeError { detail, .. })) => {
                    let detail = format!("the connection broke after {} bytes: {detail}", transfer.position);
                    return failed(ProbeErrorKind::Unreachable, detail);
                }
                None => {
                    let timeout = humantime::format_duration(self.settings().timeout);
                    let came = match stall_timer.came {
                        0 => "nothing".to_owned(),
                        some => format!("no more than {some} bytes"),
                    };
                    let detail = format!("{came} came in {timeout} after {} bytes", transfer.position);
                    return failed(ProbeErrorKind::Timeout, detail);
                }
            };
            if data.is_empty() {
                continue;
            }
            let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
            stall_timer.received(length);
            let position = transfer.position.saturating_add(length);
            if position > limit {
                let detail = format!("it continues after {limit} bytes, the most that it can have");
                let error = probe_error(ProbeErrorKind::ServerError, detail);
                return Attempt::Unfinished(Unfinished::Observed(Observation::Undetermined(error)));
            }
            if let Err(error) = sink.take(data).await {
                return Attempt::Unfinished(Unfinished::Sink(error));
            }
            transfer.position = position;
            transfer.received = transfer.received.saturating_add(length);
        }
        if let Some(total) = transfer.total
            && transfer.position != total
        {
            let detail = format!("the response ended after {} of {total} bytes", transfer.position);
            return failed(ProbeErrorKind::Unreachable, detail);
        }
        if transfer.position == 0 {
            let observation = Observation::Absent { status: status.as_u16(), how: Absence::Empty };
            return Attempt::Unfinished(Unfinished::Observed(observation));
        }
        Attempt::Done(status)
    }
}

impl StallTimer {
    const fn new(timeout: Duration) -> Self {
        Self { timeout, waited: Duration::ZERO, came: 0 }
    }

    /// The least bytes that must arrive within the timeout.
    fn least(timeout: Duration) -> u64 {
        let least = u128::from(LEAST_BYTES_A_SECOND).saturating_mul(timeout.as_millis()) / 1000;
        u64::try_from(least).unwrap_or(u64::MAX).max(1)
    }

    /// The result of `next`; `None` if too little arrives for too long.
    async fn wait_for<T>(&mut self, next: impl Future<Output = T>) -> Option<T> {
        let began = Instant::now();
        let came = tokio::time::timeout(self.timeout.saturating_sub(self.waited), next).await.ok();
        self.waited = self.waited.saturating_add(began.elapsed());
        came
    }

    fn received(&mut self, bytes: u64) {
        self.came = self.came.saturating_add(bytes);
        if self.came >= Self::least(self.timeout) {
            *self = Self::new(self.timeout);
        }
    }
}

/// What the head of a response means for its body.
enum Accepted {
    Body,
    BodyFromTheStart,
    StartOver(&'static str),
    Not,
    NotNow,
}

impl Transfer {
    /// Discards the bytes so far, if there are any.
    async fn start_over<S: Sink>(&mut self, sink: &mut S) -> Result<(), S::Error> {
        if self.position > 0 {
            sink.start_over().await?;
            self.start_overs = self.start_overs.saturating_add(1);
        }
        *self = Self { received: self.received, start_overs: self.start_overs, ..Self::default() };
        Ok(())
    }

    fn accept(&self, status: StatusCode, headers: &HeaderMap) -> Accepted {
        let asked_for_a_part = self.position > 0;
        match status {
            _ if not_the_file(status, headers).is_some() => Accepted::Not,
            // Also for a range request: the server ignores ranges, or the file has changed.
            StatusCode::OK => Accepted::BodyFromTheStart,
            StatusCode::PARTIAL_CONTENT if asked_for_a_part => self.accept_part(headers),
            StatusCode::RANGE_NOT_SATISFIABLE if asked_for_a_part => {
                Accepted::StartOver("the file became shorter")
            }
            _ if is_transient(status) => Accepted::NotNow,
            _ => Accepted::Not,
        }
    }

    fn accept_part(&self, headers: &HeaderMap) -> Accepted {
        let Some(part) = ContentRange::of(headers) else {
            return Accepted::StartOver("the server sent a range without saying which");
        };
        if part.first != self.position {
            return Accepted::StartOver("the server sent a different range than requested");
        }
        if self.version.contradicts(&Validators::of(headers))
            || matches!((part.total, self.total), (Some(now), Some(then)) if now != then)
        {
            return Accepted::StartOver("the file changed while it was being read");
        }
        // Without a total, the end of this range may not be the end of the file.
        if self.total.is_none() && part.total != Some(part.last.saturating_add(1)) {
            return Accepted::StartOver("the server does not report where the file ends");
        }
        Accepted::Body
    }
}

/// Whether a body ends with its connection, so that a truncated one looks complete (RFC 9112, section 6.3).
/// Downloads use HTTP/1.1, where every other body has a length or is chunked.
fn ends_with_its_connection(headers: &HeaderMap) -> bool {
    !headers.contains_key(header::CONTENT_LENGTH) && !headers.contains_key(header::TRANSFER_ENCODING)
}

fn interrupted(why: &str) -> ProbeError {
    probe_error(ProbeErrorKind::ServerError, format!("it could not be read in one piece: {why}"))
}
