//! Requests: under the rules, through redirects, within a time, again if that may help.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty};
use tokio::sync::Semaphore;
use url::{Position, Url};

use super::backoff::{is_transient, retry_after, wait_after};
use super::connect::{ConnectError, Connector};
use super::evidence::{Trouble, TroubleKind};
use super::origin::{Answer, Broken, Origin};
use super::rules::{MAX_REDIRECTS, Refusal, Rules};
use super::tls::Tls;
use crate::location::BadLocation;

/// How often a request that the server surely did not process is sent again, without counting as an attempt.
pub(super) const MAX_UNPROCESSED: u32 = 8;

/// The longest that one connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The most downloads from one host at a time: more would not be faster, and is impolite.
pub(super) const MAX_DOWNLOADS_PER_HOST: usize = 16;

/// The most bytes of a small file that are held without a thought. Real sidecars have ten kilobytes; one that has
/// more waits until no other such is being read, so that many directories cost no more memory than one.
const UNREMARKABLE_BYTES: usize = 256 * 1024;

/// What the gate calls itself.
const AGENT: &str = concat!("art-mirror-validate/", env!("CARGO_PKG_VERSION"));

/// How requests are made.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Where they may go.
    pub rules: Rules,
    /// PEM files with further trust roots.
    pub extra_roots: Vec<PathBuf>,
    /// The most requests to one host at a time.
    pub concurrency: usize,
    /// How often a request is made again after a failure that may pass.
    pub retries: u32,
    /// How long one request may take, from the moment it is sent to its answer.
    pub timeout: Duration,
}

/// Makes requests.
pub struct Client {
    settings: ClientSettings,
    connector: Connector,
    origins: Mutex<HashMap<Lane, HashMap<String, Arc<Origin>>>>,
    /// Whose turn it is to hold a small file that is not so small.
    large: Semaphore,
}

/// What is asked.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) method: &'a Method,
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) lane: Lane,
}

/// Which connections a request goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// Small answers: those of one host share a connection where it speaks HTTP/2.
    Requests,
    /// Whole files: HTTP/1.1, each on a connection that is its own as long as it takes.
    Downloads,
}

/// Why there is no response.
#[derive(Debug, Clone)]
pub(super) enum Failure {
    /// The rules forbid it.
    Refused(Refusal),
    /// Something went wrong. Whether another attempt may help.
    Trouble(Trouble, Again),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It may help.
    Maybe,
    /// It won't: the host was tried often enough already.
    No,
    /// It will, and costs nothing: the server did not process the request.
    AtOnce,
}

/// A small file, or why there is none.
#[derive(Debug, Clone)]
pub(super) enum Small {
    /// All of it.
    Body(Bytes),
    /// More than was asked for.
    TooLarge,
    /// Another status than 200.
    Status(StatusCode),
    /// No response.
    Failed(Failure),
}

impl Client {
    /// A client. Nothing is opened, loaded or resolved before the first request.
    pub fn new(settings: ClientSettings) -> Self {
        let tls = Tls::new(settings.extra_roots.clone());
        let timeout = settings.timeout.min(CONNECT_TIMEOUT);
        let connector = Connector::new(timeout, settings.rules.private_addresses, tls);
        Self { settings, connector, origins: Mutex::default(), large: Semaphore::new(1) }
    }

    /// The rules that requests are made under.
    pub fn rules(&self) -> &Rules {
        &self.settings.rules
    }

    /// How requests are made.
    pub fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Gives hosts that could not be reached another chance.
    pub async fn revive(&self) {
        let origins: Vec<Arc<Origin>> = self.origins().values().flat_map(HashMap::values).cloned().collect();
        for origin in origins {
            origin.revive().await;
        }
    }

    /// The response to a request, at the end of its redirects and after as many attempts as it takes. A
    /// transient status is returned once the attempts are used up. `attempts` counts along.
    pub(super) async fn ask(&self, ask: Ask<'_>, url: &Url, attempts: &mut u32) -> Result<Answer, Failure> {
        let mut failures = 0;
        let mut unprocessed = 0;
        loop {
            let outcome = self.follow(ask, url).await;
            let asked_for = match &outcome {
                Err(Failure::Trouble(_, Again::AtOnce)) if unprocessed < MAX_UNPROCESSED => {
                    unprocessed += 1;
                    continue;
                }
                Ok(answer) if is_transient(answer.response.status()) => {
                    retry_after(answer.response.headers(), SystemTime::now())
                }
                Err(Failure::Trouble(_, Again::Maybe | Again::AtOnce)) => None,
                Ok(_) | Err(_) => {
                    *attempts += 1;
                    return outcome;
                }
            };
            *attempts += 1;
            failures += 1;
            if failures > self.settings.retries {
                return outcome;
            }
            let wait = wait_after(failures, asked_for);
            tracing::info!(method = %ask.method, url = place(url), failures, ?wait, "asked again");
            if let Ok(answer) = outcome {
                answer.without_body();
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Reads a file of at most `limit` bytes, with as many attempts as it takes.
    pub(super) async fn small_file(&self, url: &Url, limit: usize) -> Small {
        let ask = Ask { method: &Method::GET, headers: &[], lane: Lane::Requests };
        let mut failures = 0;
        loop {
            let answer = match self.ask(ask, url, &mut 0).await {
                Ok(answer) => answer,
                Err(failure) => return Small::Failed(failure),
            };
            let status = answer.response.status();
            if status != StatusCode::OK {
                answer.without_body();
                return Small::Status(status);
            }
            match tokio::time::timeout(self.settings.timeout, self.read_small(answer, limit)).await {
                Ok(Ok(Some(body))) => return Small::Body(body),
                Ok(Ok(None)) => return Small::TooLarge,
                Ok(Err(broken)) if failures >= self.settings.retries => {
                    let trouble = trouble(TroubleKind::Unreachable, broken);
                    return Small::Failed(Failure::Trouble(trouble, Again::No));
                }
                Err(_) if failures >= self.settings.retries => {
                    return Small::Failed(Failure::Trouble(self.timed_out(), Again::No));
                }
                Ok(Err(_)) | Err(_) => {
                    failures += 1;
                    tokio::time::sleep(wait_after(failures, None)).await;
                }
            }
        }
    }

    /// The body, or `None` if it has more than `limit` bytes.
    async fn read_small(&self, answer: Answer, limit: usize) -> Result<Option<Bytes>, String> {
        let (response, finished) = answer.into_parts();
        let mut body = response.into_body();
        let mut bytes = BytesMut::new();
        let mut turn = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| super::connect::causes(&error))?;
            if let Some(data) = frame.data_ref() {
                if bytes.len() + data.len() > limit {
                    return Ok(None);
                }
                if bytes.len() + data.len() > UNREMARKABLE_BYTES && turn.is_none() {
                    // Never closed; without a turn there would only be more of them at a time.
                    turn = self.large.acquire().await.ok();
                    // All at once: growing by halves would hold twice as much. What is not written takes no memory.
                    bytes.reserve(limit.saturating_sub(bytes.len()));
                }
                bytes.extend_from_slice(data);
            }
        }
        finished.body_was_read();
        Ok(Some(bytes.freeze()))
    }

    /// One attempt: the request and its redirects, each judged by the rules.
    pub(super) async fn follow(&self, ask: Ask<'_>, url: &Url) -> Result<Answer, Failure> {
        let mut target: Option<Url> = None;
        for _ in 0..=MAX_REDIRECTS {
            let url = target.as_ref().unwrap_or(url);
            let answer = self.exchange(ask, url).await?;
            let status = answer.response.status();
            if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            let Some(leads_to) = answer.response.headers().get(header::LOCATION) else {
                return Ok(answer);
            };
            let leads_to = String::from_utf8_lossy(leads_to.as_bytes()).into_owned();
            answer.without_body();
            target = Some(self.settings.rules.admit_redirect(url, &leads_to).map_err(Failure::Refused)?);
        }
        let url = target.as_ref().unwrap_or(url);
        Err(Failure::Refused(Refusal::Redirect {
            target: crate::text::excerpt(url.as_str(), 300),
            why: "after more redirects than the 5 that are followed",
        }))
    }

    /// One request to one host.
    async fn exchange(&self, ask: Ask<'_>, url: &Url) -> Result<Answer, Failure> {
        let answer = self.exchange_unheard(ask, url).await;
        match &answer {
            Ok(answer) => {
                let status = answer.response.status().as_u16();
                tracing::debug!(method = %ask.method, url = place(url), status, "answered");
            }
            Err(failure) => tracing::debug!(method = %ask.method, url = place(url), ?failure, "not answered"),
        }
        answer
    }

    async fn exchange_unheard(&self, ask: Ask<'_>, url: &Url) -> Result<Answer, Failure> {
        let request = request(ask, url).map_err(Failure::Refused)?;
        let turn = self.origin(url, ask.lane).turn(&self.connector).await.map_err(|error| match error {
            ConnectError::Refused(refusal) => Failure::Refused(refusal),
            ConnectError::Failed { detail, timed_out, .. } => {
                let kind = if timed_out { TroubleKind::Timeout } else { TroubleKind::Unreachable };
                Failure::Trouble(trouble(kind, detail), Again::No)
            }
        })?;
        let shared = turn.shared_connection();
        match tokio::time::timeout(self.settings.timeout, turn.send(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(Broken { detail, unprocessed })) => {
                let again = if unprocessed { Again::AtOnce } else { Again::Maybe };
                Err(Failure::Trouble(trouble(TroubleKind::Unreachable, detail), again))
            }
            Err(_) => {
                if let Some(shared) = shared {
                    shared.retire().await;
                }
                Err(Failure::Trouble(self.timed_out(), Again::Maybe))
            }
        }
    }

    /// What a request is that takes too long.
    pub(super) fn timed_out(&self) -> Trouble {
        let timeout = humantime::format_duration(self.settings.timeout);
        trouble(TroubleKind::Timeout, format!("no answer within {timeout}"))
    }

    fn origin(&self, url: &Url, lane: Lane) -> Arc<Origin> {
        let key = scheme_and_host(url);
        let mut origins = self.origins();
        let origins = origins.entry(lane).or_default();
        if let Some(known) = origins.get(key) {
            return Arc::clone(known);
        }
        let mut root = url.clone();
        root.set_path("/");
        root.set_query(None);
        let settings = &self.settings;
        let concurrency = match lane {
            Lane::Requests => settings.concurrency,
            Lane::Downloads => settings.concurrency.min(MAX_DOWNLOADS_PER_HOST),
        };
        let attempts = settings.retries.saturating_add(1);
        let origin = Arc::new(Origin::new(root, lane, concurrency, attempts));
        origins.insert(key.to_owned(), Arc::clone(&origin));
        origin
    }

    fn origins(&self) -> std::sync::MutexGuard<'_, HashMap<Lane, HashMap<String, Arc<Origin>>>> {
        self.origins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The part of a URL that says which host is asked and how, without a copy: no URL that is requested has a user
/// name before its host, and the parser leaves out default ports.
pub(super) fn scheme_and_host(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

/// A URL for diagnostics: without its query, since S3's has a signature in it.
fn place(url: &Url) -> &str {
    &url[..Position::AfterPath]
}

pub(super) fn trouble(kind: TroubleKind, detail: String) -> Trouble {
    Trouble { kind, status: None, detail }
}

fn request(ask: Ask<'_>, url: &Url) -> Result<Request<Empty<Bytes>>, Refusal> {
    let no_url = |why: String| Refusal::BadLocation(BadLocation::NotAUrl { why });
    let uri: Uri = url.as_str().parse().map_err(|error: http::uri::InvalidUri| no_url(error.to_string()))?;
    let host = uri.authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    let Some(Ok(host)) = host else {
        return Err(no_url("it names no host".to_owned()));
    };
    let mut request = Request::new(Empty::new());
    *request.method_mut() = ask.method.clone();
    *request.uri_mut() = uri;
    let headers: &mut HeaderMap = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    // Whatever a server calls the encoding, the bytes on the wire are the file.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(AGENT));
    for (name, value) in ask.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    Ok(request)
}
