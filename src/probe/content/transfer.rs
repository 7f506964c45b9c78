//! One file through as many connections as it takes.

use std::time::SystemTime;

use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use url::Url;

use super::ranges::{Part, Version};
use super::sink::Sink;
use crate::probe::backoff::{is_transient, retry_after, wait_after};
use crate::probe::client::{Again, Ask, Client, Failure, Lane, MAX_UNPROCESSED, trouble};
use crate::probe::evidence::{Absence, Observation, Trouble, TroubleKind};
use crate::probe::observe::{content_length, is_html, otherwise, status_trouble};
use crate::probe::origin::Answer;

/// The most answers that one file is put together from, however much each brings.
const MAX_LEGS: u32 = 1000;

/// A file that was read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transferred {
    /// Its size in bytes.
    pub bytes: u64,
    /// The status of the last answer.
    pub status: u16,
    /// How many answers its bytes are from; with more than one the transfer was resumed.
    pub pieces: u32,
}

/// A file that was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfinished<E> {
    /// The server does not have it, or nothing is known: never [`Observation::Present`].
    Observed(Observation),
    /// The sink took no more.
    Sink(E),
}

/// How far a transfer is.
#[derive(Debug, Default)]
struct Journey {
    /// The bytes that the sink has.
    position: u64,
    /// The size that the first answer told.
    total: Option<u64>,
    version: Version,
    /// The bytes so far are from an earlier run, and of which version they are is not known.
    of_unknown_version: bool,
    pieces: u32,
    /// Every byte that came, those that were thrown away included.
    received: u64,
    start_overs: u32,
}

/// How one answer ended.
enum Leg<E> {
    Done(StatusCode),
    /// What is there is no use, or not the same any more.
    StartOver(&'static str),
    /// Something that may pass. What the server asks for in between.
    Failed(Trouble, Option<std::time::Duration>),
    /// The server did not process the request.
    AtOnce(Trouble),
    Unfinished(Unfinished<E>),
}

impl Client {
    /// Reads a file into a sink. A connection that drops, or brings nothing for as long as the client's
    /// timeout, is replaced and the transfer resumed where it was, if the server can do that and still has
    /// the same file; else it starts over. Every failure without a byte of progress counts against the
    /// client's retries, and so does every start over.
    ///
    /// At most `limit` bytes are taken. `attempts` counts the requests along, redirects not counted.
    pub async fn download<S: Sink>(
        &self,
        url: &Url,
        limit: u64,
        sink: &mut S,
        attempts: &mut u32,
    ) -> Result<Transferred, Unfinished<S::Error>> {
        self.download_on(url, limit, 0, sink, attempts).await
    }

    /// The same, where the sink has the first `held` bytes of an earlier run. Whether those were of the same
    /// file is for the caller to find out, by the digest of the whole: their version is not known any more.
    pub async fn download_on<S: Sink>(
        &self,
        url: &Url,
        limit: u64,
        held: u64,
        sink: &mut S,
        attempts: &mut u32,
    ) -> Result<Transferred, Unfinished<S::Error>> {
        let mut journey = Journey { position: held, of_unknown_version: held > 0, ..Journey::default() };
        let (mut failures, mut unprocessed) = (0_u32, 0_u32);
        let retries = self.settings().retries;
        for _ in 0..MAX_LEGS {
            if journey.version.if_range().is_none() && !journey.of_unknown_version {
                journey.start_over(sink).await.map_err(Unfinished::Sink)?;
            }
            let before = journey.received;
            let leg = self.leg(url, limit, &mut journey, sink).await;
            if !matches!(leg, Leg::AtOnce(_)) {
                *attempts = attempts.saturating_add(1);
            }
            if journey.received > before {
                (failures, unprocessed) = (0, 0);
            }
            let (trouble, asked_for) = match leg {
                Leg::Done(status) => {
                    let Journey { position, pieces, .. } = journey;
                    return Ok(Transferred { bytes: position, status: status.as_u16(), pieces });
                }
                Leg::Unfinished(unfinished) => return Err(unfinished),
                Leg::AtOnce(_) if unprocessed < MAX_UNPROCESSED => {
                    unprocessed += 1;
                    continue;
                }
                Leg::AtOnce(trouble) => (trouble, None),
                Leg::Failed(trouble, asked_for) => (trouble, asked_for),
                Leg::StartOver(why) => {
                    tracing::debug!(%url, why, position = journey.position, "the download starts over");
                    journey.start_over(sink).await.map_err(Unfinished::Sink)?;
                    (trouble_of(why), None)
                }
            };
            failures = failures.saturating_add(1);
            if failures > retries || journey.start_overs > retries {
                return Err(Unfinished::Observed(Observation::Undetermined(trouble)));
            }
            tracing::debug!(%url, position = journey.position, detail = trouble.detail, "the download goes on");
            tokio::time::sleep(wait_after(failures, asked_for)).await;
        }
        Err(Unfinished::Observed(Observation::Undetermined(trouble_of(
            "the connection broke too often to read it whole",
        ))))
    }

    /// One request and its answer's body.
    async fn leg<S: Sink>(
        &self,
        url: &Url,
        limit: u64,
        journey: &mut Journey,
        sink: &mut S,
    ) -> Leg<S::Error> {
        let range = format!("bytes={}-", journey.position);
        let if_range = journey.version.if_range().map(str::to_owned);
        let conditions = [("range", range.as_str()), ("if-range", if_range.as_deref().unwrap_or_default())];
        let headers: &[(&'static str, &str)] = match &conditions {
            _ if journey.position == 0 => &[],
            [range, _] if journey.of_unknown_version => std::slice::from_ref(range),
            both => both,
        };
        let ask = Ask { method: &Method::GET, headers, lane: Lane::Downloads };
        let answer = match self.follow(ask, url).await {
            Ok(answer) => answer,
            Err(Failure::Refused(refusal)) => {
                return Leg::Unfinished(Unfinished::Observed(Observation::Refused(refusal)));
            }
            Err(Failure::Trouble(trouble, Again::AtOnce)) => return Leg::AtOnce(trouble),
            Err(Failure::Trouble(trouble, Again::Maybe | Again::No)) => return Leg::Failed(trouble, None),
        };
        let status = answer.response.status();
        match journey.accept(status, answer.response.headers()) {
            Accepted::Body => {
                if std::mem::take(&mut journey.of_unknown_version) {
                    let headers = answer.response.headers();
                    journey.total = Part::of(headers).and_then(|part| part.total);
                    journey.version = Version::of(headers);
                }
            }
            Accepted::BodyFromTheStart => {
                if let Err(error) = journey.start_over(sink).await {
                    return Leg::Unfinished(Unfinished::Sink(error));
                }
                journey.total = content_length(answer.response.headers());
                journey.version = Version::of(answer.response.headers());
            }
            Accepted::StartOver(why) => return Leg::StartOver(why),
            Accepted::Not(observation) => return Leg::Unfinished(Unfinished::Observed(observation)),
            Accepted::NotNow => {
                let asked_for = retry_after(answer.response.headers(), SystemTime::now());
                return Leg::Failed(status_trouble(self.settings().retries, status), asked_for);
            }
        }
        journey.pieces = journey.pieces.saturating_add(1);
        self.body(answer, limit, journey, sink).await
    }

    async fn body<S: Sink>(
        &self,
        answer: Answer,
        limit: u64,
        journey: &mut Journey,
        sink: &mut S,
    ) -> Leg<S::Error> {
        let status = answer.response.status();
        let (response, finished) = answer.into_parts();
        let mut body = response.into_body();
        loop {
            // A minimum of progress, not a total: a slow file passes, a dead connection is noticed.
            let frame = match tokio::time::timeout(self.settings().timeout, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => {
                    let detail = format!(
                        "the connection broke after {} bytes: {}",
                        journey.position,
                        crate::probe::connect::causes(&error)
                    );
                    return Leg::Failed(trouble(TroubleKind::Unreachable, detail), None);
                }
                Ok(None) => break,
                Err(_) => {
                    let timeout = humantime::format_duration(self.settings().timeout);
                    let detail = format!("nothing came for {timeout} after {} bytes", journey.position);
                    return Leg::Failed(trouble(TroubleKind::Timeout, detail), None);
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            if data.is_empty() {
                continue;
            }
            let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
            let position = journey.position.saturating_add(length);
            if position > limit {
                let detail = format!("it goes on after {} bytes, more than it could have", journey.position);
                let trouble = trouble(TroubleKind::ServerError, detail);
                return Leg::Unfinished(Unfinished::Observed(Observation::Undetermined(trouble)));
            }
            if let Err(error) = sink.take(data).await {
                return Leg::Unfinished(Unfinished::Sink(error));
            }
            journey.position = position;
            journey.received = journey.received.saturating_add(length);
        }
        if let Some(total) = journey.total
            && journey.position != total
        {
            let detail = format!("the answer ended after {} of {total} bytes", journey.position);
            return Leg::Failed(trouble(TroubleKind::Unreachable, detail), None);
        }
        finished.body_was_read();
        if journey.position == 0 {
            let observation = Observation::Absent { status: status.as_u16(), how: Absence::Empty };
            return Leg::Unfinished(Unfinished::Observed(observation));
        }
        Leg::Done(status)
    }
}

/// What an answer's head says of its body.
enum Accepted {
    /// It goes on where the transfer is.
    Body,
    /// It is the whole file.
    BodyFromTheStart,
    StartOver(&'static str),
    Not(Observation),
    NotNow,
}

impl Journey {
    /// Forgets what came so far, if anything did.
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
            StatusCode::OK | StatusCode::PARTIAL_CONTENT if is_html(headers) => {
                Accepted::Not(Observation::Absent { status: status.as_u16(), how: Absence::Html })
            }
            // Also where a part was asked for: the server knows no ranges, or the file changed.
            StatusCode::OK => Accepted::BodyFromTheStart,
            StatusCode::PARTIAL_CONTENT if asked_for_a_part => self.accept_part(headers),
            StatusCode::RANGE_NOT_SATISFIABLE if asked_for_a_part => {
                Accepted::StartOver("the file has become shorter")
            }
            _ if is_transient(status) => Accepted::NotNow,
            _ => Accepted::Not(otherwise(0, status)),
        }
    }

    fn accept_part(&self, headers: &HeaderMap) -> Accepted {
        let Some(part) = Part::of(headers) else {
            return Accepted::StartOver("the server sends a part without saying which");
        };
        if part.first != self.position {
            return Accepted::StartOver("the server sends another part than was asked for");
        }
        if self.version.contradicts(&Version::of(headers))
            || matches!((part.total, self.total), (Some(now), Some(then)) if now != then)
        {
            return Accepted::StartOver("the file changed while it was read");
        }
        // Without a total this part's end might not be the file's.
        if self.total.is_none() && part.total != Some(part.last.saturating_add(1)) {
            return Accepted::StartOver("the server does not say where the file ends");
        }
        Accepted::Body
    }
}

fn trouble_of(why: &str) -> Trouble {
    trouble(TroubleKind::ServerError, format!("it could not be read in one piece: {why}"))
}
