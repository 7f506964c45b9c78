//! Requests under the rules, with redirects, timeouts and retries.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::{self, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode, Version};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use url::{Position, Url};

use super::failure::{
    Again, Cause, ExchangeError, Failure, ProbeError, ProbeErrorKind, is_transient, probe_error, status_error,
};
use super::host::{Host, Permits, STREAM_WINDOW, Unanswered};
use super::resolver::{LookUp, system};
use super::retry::{Failed, Outage, Retries, retry_after};
use super::rules::{MAX_REDIRECTS, Refusal, Rules};
use super::settings::{ClientSettings, Traffic};
use super::trust::Trust;
use crate::location::{CloudHost, HostKind};

/// Files up to this size in bytes are buffered without a permit. Real sidecars have ten kilobytes; larger
/// ones share [`LARGE_BYTES`], so that many directories take no more memory than one.
const SMALL_BYTES: usize = STREAM_WINDOW as usize;

/// The memory that larger files share, in bytes: one of the largest, or ten of three megabytes.
const LARGE_BYTES: usize = 32 * 1024 * 1024;

/// The longest body, in bytes, that is read only to reuse its connection, and how long that may take.
const MAX_DISCARDED_BYTES: u64 = 64 * 1024;
const LONGEST_DISCARD: Duration = Duration::from_secs(1);

/// An HTTP client under [`Rules`], with one set of connections per scheme, host and port.
pub struct Client {
    settings: ClientSettings,
    trust: Arc<Trust>,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
    /// Permits for [`LARGE_BYTES`], one per KiB.
    large: Semaphore,
    look_up: LookUp,
}

#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a Method,
    pub(crate) headers: &'a [(&'static str, &'a str)],
    /// A token for the host of the URL, dropped when a redirect leads to another host.
    pub(crate) bearer: Option<&'a str>,
    pub(crate) traffic: Traffic,
}

#[derive(Debug)]
pub(crate) struct Answer {
    response: Response,
    _permits: Permits,
    is_down: bool,
}

/// A response that is not the file, with what shows who answered.
#[derive(Debug, Clone)]
pub(crate) struct ErrorAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The start of the body, for a 403 only.
    pub(crate) start: Vec<u8>,
    /// Whether reading it failed: the rest might have said something else.
    pub(crate) is_cut: bool,
    pub(crate) attempts: u32,
}

/// The most bytes of an error's body that are read. S3's errors have some 300.
const MAX_ERROR_BYTES: usize = 4 * 1024;

/// A small file, or why it was not read.
#[derive(Debug, Clone)]
pub(crate) enum Small {
    /// The whole file, and its headers, which show whether it is the requested file.
    Body(HeaderMap, Bytes),
    TooLarge(HeaderMap),
    /// A status other than 200.
    Error(ErrorAnswer),
    Failed(Failure),
}

impl Client {
    /// Opens, loads and resolves nothing before the first request.
    pub fn new(settings: ClientSettings) -> Self {
        let trust = Arc::new(Trust::new(settings.extra_roots.clone()));
        Self {
            settings,
            trust,
            hosts: Mutex::default(),
            large: Semaphore::new(LARGE_BYTES / 1024),
            look_up: system,
        }
    }

    /// Loads the trust roots on another thread, ahead of the first request.
    pub fn prepare(&self) {
        let trust = Arc::clone(&self.trust);
        std::thread::spawn(move || drop(trust.config()));
    }

    pub fn rules(&self) -> &Rules {
        &self.settings.rules
    }

    pub fn settings(&self) -> &ClientSettings {
        &self.settings
    }

    /// Marks all hosts as up, so that those that were given up are tried again.
    pub fn revive(&self) {
        self.all_hosts().iter().for_each(|host| host.revive());
    }

    /// The hosts that are down and still retried.
    pub fn outages(&self) -> Vec<Outage> {
        self.all_hosts().iter().filter_map(|host| host.outage()).collect()
    }

    pub(crate) fn retries(&self) -> Retries {
        Retries::new(self.settings.policy())
    }

    /// The response to a request, after its redirects and retries. A transient status is returned once the
    /// retries are used up. Updates `attempts`.
    pub(crate) async fn ask(&self, ask: Ask<'_>, url: &Url, attempts: &mut u32) -> Result<Answer, Failure> {
        let mut retries = self.retries();
        let mut was_misdirected = false;
        loop {
            let outcome = self.follow(ask, url).await;
            *attempts = match outcome {
                Err(Failure::ProbeError(_, Again::AtOnce)) => *attempts,
                // Other requests made these attempts to connect, for this one too.
                Err(Failure::ProbeError(_, Again::NotSent(connections))) => connections.max(*attempts),
                _ => attempts.saturating_add(1),
            };
            let (asked_for, is_down, why) = match &outcome {
                Err(Failure::ProbeError(_, Again::AtOnce)) => continue,
                // Retried on a new connection (RFC 9110, section 15.5.20).
                Ok(answer) if answer.status() == StatusCode::MISDIRECTED_REQUEST && !was_misdirected => {
                    was_misdirected = true;
                    self.host(answer.response.url()).renew();
                    continue;
                }
                Ok(answer) if is_transient(answer.status()) => {
                    let asked_for = retry_after(answer.headers(), SystemTime::now());
                    (asked_for, answer.is_down, answer.status().to_string())
                }
                Err(Failure::ProbeError(error, again @ (Again::Maybe | Again::WhenBack))) => {
                    (None, *again == Again::WhenBack, error.detail.clone())
                }
                Ok(_) | Err(_) => return outcome,
            };
            let Some(wait) = retries.after_failure(asked_for) else { return outcome };
            tracing::info!(method = %ask.method, url = shown(url), attempts, why, ?wait, is_down, "asked again");
            if let Ok(answer) = outcome {
                answer.without_body();
            }
            if !is_down {
                tokio::time::sleep(wait).await;
            }
        }
    }

    /// Reads a file of at most `limit` bytes, with retries.
    pub(crate) async fn small_file(&self, url: &Url, limit: usize) -> Small {
        let ask = Ask { method: &Method::GET, headers: &[], bearer: None, traffic: Traffic::Requests };
        let (mut retries, mut attempts) = (self.retries(), 0);
        loop {
            let answer = match self.ask(ask, url, &mut attempts).await {
                Ok(answer) => answer,
                Err(failure) => return Small::Failed(failure),
            };
            let status = answer.status();
            if status != StatusCode::OK {
                return Small::Error(answer.into_error(attempts, self.settings.timeout).await);
            }
            let headers = answer.headers().clone();
            let error = match self.read_small(answer, limit).await {
                Ok(Some(body)) => return Small::Body(headers, body),
                Ok(None) => return Small::TooLarge(headers),
                Err(error) => error,
            };
            match retries.after_failure(None) {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Small::Failed(Failure::ProbeError(error, Again::No)),
            }
        }
    }

    /// The body, or `None` if it has more than `limit` bytes.
    async fn read_small(&self, mut answer: Answer, limit: usize) -> Result<Option<Bytes>, ProbeError> {
        let length = answer.response.content_length().and_then(|length| usize::try_from(length).ok());
        if length.is_some_and(|length| length > limit) {
            return Ok(None);
        }
        let most = length.unwrap_or(limit);
        let mut bytes = BytesMut::new();
        let mut large: Option<SemaphorePermit<'_>> = None;
        let mut left = self.settings.timeout;
        loop {
            let began = Instant::now();
            let chunk = match tokio::time::timeout(left, answer.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Ok(Some(bytes.freeze())),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(self.timed_out()),
            };
            left = left.saturating_sub(began.elapsed());
            if bytes.len() + chunk.len() > limit {
                return Ok(None);
            }
            if bytes.len() + chunk.len() > SMALL_BYTES && large.is_none() {
                // The semaphore is never closed. Waiting for it is not the server's fault, so no timeout counts.
                let share = u32::try_from(most.min(LARGE_BYTES) / 1024).unwrap_or(u32::MAX);
                large = self.large.acquire_many(share).await.ok();
                // At once, as doubling would hold twice as much. Pages that are not written take no memory.
                bytes.reserve(most.saturating_sub(bytes.len()));
            }
            bytes.extend_from_slice(&chunk);
        }
    }

    /// One attempt: the request and its redirects, each checked against the rules.
    pub(crate) async fn follow(&self, ask: Ask<'_>, url: &Url) -> Result<Answer, Failure> {
        let mut target: Option<Url> = None;
        for _ in 0..=MAX_REDIRECTS {
            let is_elsewhere = target.as_ref().is_some_and(|it| scheme_and_host(it) != scheme_and_host(url));
            // A token for one host is not sent to another.
            let ask = if is_elsewhere { Ask { bearer: None, ..ask } } else { ask };
            let url = target.as_ref().unwrap_or(url);
            let answer = self.exchange(ask, url).await?;
            if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(answer);
            }
            let Some(leads_to) = answer.headers().get(header::LOCATION) else {
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

    async fn exchange(&self, ask: Ask<'_>, url: &Url) -> Result<Answer, Failure> {
        let answer = self.exchange_unlogged(ask, url).await;
        match &answer {
            Ok(answer) => {
                let status = answer.status().as_u16();
                tracing::debug!(method = %ask.method, url = shown(url), status, "answered");
            }
            Err(failure) => tracing::debug!(method = %ask.method, url = shown(url), ?failure, "not answered"),
        }
        answer
    }

    async fn exchange_unlogged(&self, ask: Ask<'_>, url: &Url) -> Result<Answer, Failure> {
        let host = self.host(url);
        let health = host.health(ask.traffic);
        let permit = host.permit(ask.traffic).await;
        let admission = health
            .admit()
            .await
            .map_err(|(error, connections)| Failure::ProbeError(error, Again::NotSent(connections)))?;
        let permit = host
            .request_permit(ask.traffic, permit, &self.trust)
            .await
            .map_err(|why| Failure::ProbeError(probe_error(ProbeErrorKind::Unreachable, why), Again::No))?;
        let failed = |error: ProbeError, asked_for, is_connect| {
            health.failed(&admission, Failed { error, asked_for, is_connect })
        };
        let again = |is_down| if is_down { Again::WhenBack } else { Again::Maybe };
        match host.send(permit, request(ask, url)).await {
            Ok((response, permits)) => {
                let status = response.status();
                let is_down = is_transient(status) && {
                    let asked_for = retry_after(response.headers(), SystemTime::now());
                    failed(status_error(1, status), asked_for, false)
                };
                if !is_transient(status) {
                    health.answered();
                }
                Ok(Answer { response, _permits: permits, is_down })
            }
            Err(Unanswered::TimedOut) => {
                let error = self.timed_out();
                let is_down = failed(error.clone(), None, false);
                Err(Failure::ProbeError(error, again(is_down)))
            }
            Err(Unanswered::OtherProtocol(broken)) => {
                Err(Failure::ProbeError(broken.probe_error(), Again::AtOnce))
            }
            Err(Unanswered::ExchangeError(broken)) => {
                let error = broken.probe_error();
                match broken.cause {
                    Cause::NotGlobal { addresses } => Err(not_global(&host, url, addresses)),
                    Cause::Permanent => {
                        host.give_up(&error);
                        Err(Failure::ProbeError(error, Again::No))
                    }
                    Cause::Unprocessed if health.has_answered_since(&admission) => {
                        Err(Failure::ProbeError(error, Again::AtOnce))
                    }
                    _ => {
                        let is_connect = ExchangeError::is_connect(&broken);
                        let is_down = failed(error.clone(), None, is_connect);
                        Err(Failure::ProbeError(error, again(is_down)))
                    }
                }
            }
        }
    }

    /// The error of a request that took too long.
    pub(crate) fn timed_out(&self) -> ProbeError {
        let timeout = humantime::format_duration(self.settings.timeout);
        probe_error(ProbeErrorKind::Timeout, format!("no answer within {timeout}"))
    }

    fn host(&self, url: &Url) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = hosts.get(scheme_and_host(url)) {
            return Arc::clone(known);
        }
        let host = Arc::new(Host::new(url, &self.settings, self.look_up));
        hosts.insert(scheme_and_host(url).to_owned(), Arc::clone(&host));
        host
    }

    fn all_hosts(&self) -> Vec<Arc<Host>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

impl Answer {
    /// The answer as an error, with as much of a 403's body as arrives in time.
    pub(crate) async fn into_error(mut self, attempts: u32, timeout: Duration) -> ErrorAnswer {
        let (status, mut start, mut is_cut) = (self.status(), Vec::new(), false);
        if status != StatusCode::FORBIDDEN {
            return ErrorAnswer { status, headers: self.without_body(), start, is_cut, attempts };
        }
        let reading = async {
            while let Some(data) = self.chunk().await? {
                let missing = MAX_ERROR_BYTES.saturating_sub(start.len());
                start.extend_from_slice(data.get(..missing).unwrap_or(&data));
                if start.len() >= MAX_ERROR_BYTES {
                    break;
                }
            }
            Ok::<(), ProbeError>(())
        };
        if !matches!(tokio::time::timeout(timeout, reading).await, Ok(Ok(()))) {
            is_cut = true;
        }
        ErrorAnswer { status, headers: self.without_body(), start, is_cut, attempts }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The host that answered, after all redirects.
    pub(crate) fn host(&self) -> Option<Arc<str>> {
        self.response.url().host_str().map(Arc::from)
    }

    /// Whether this answer marked the host as down: the next request waits until it is up.
    pub(crate) const fn is_down(&self) -> bool {
        self.is_down
    }

    /// The next chunk of the body; `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, ProbeError> {
        self.response.chunk().await.map_err(|error| {
            let host = self.response.url().host_str().unwrap_or_default();
            ExchangeError::of(&error, host).probe_error()
        })
    }

    /// Returns the headers and drops the body. An HTTP/1.1 connection can be reused once the body was read,
    /// so a short one (a 404 page) is read in the background; a longer one costs more than another handshake.
    pub(crate) fn without_body(mut self) -> HeaderMap {
        let headers = std::mem::take(self.response.headers_mut());
        let length = self.response.content_length();
        let is_short = length.is_some_and(|length| (1..=MAX_DISCARDED_BYTES).contains(&length));
        if is_short && self.response.version() < Version::HTTP_2 {
            tokio::spawn(tokio::time::timeout(LONGEST_DISCARD, async move {
                while let Ok(Some(_)) = self.chunk().await {}
            }));
        }
        headers
    }
}

/// The failure of a name without a public address: unreachable for a known host, since this network is at
/// fault, and a refusal for any other, which only an option can have allowed.
fn not_global(host: &Host, url: &Url, addresses: String) -> Failure {
    let name = host.name().to_owned();
    let host_name = url.host_str().unwrap_or_default();
    if HostKind::of(host_name) == HostKind::Other && !CloudHost::ALL.iter().any(|kind| kind.is(host_name)) {
        return Failure::Refused(Refusal::Address { host: name, addresses });
    }
    let detail = format!(
        "{name} resolves to {addresses} here, which is not a public address, so no connection was made (if this is intended, pass --allow-private-addresses)"
    );
    let error = probe_error(ProbeErrorKind::Unreachable, detail);
    host.give_up(&error);
    Failure::ProbeError(error, Again::No)
}

/// The scheme, host and port of a URL: no requested URL has a user name, and the parser omits default ports.
pub(crate) fn scheme_and_host(url: &Url) -> &str {
    &url[..Position::BeforePath]
}

/// A URL for logs, without its query: S3's holds a signature.
fn shown(url: &Url) -> &str {
    &url[..Position::AfterPath]
}

fn request(ask: Ask<'_>, url: &Url) -> Request {
    let mut request = Request::new(ask.method.clone(), url.clone());
    let headers = request.headers_mut();
    // The bytes on the wire are the file, whatever encoding a server names.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in ask.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Some(Ok(mut value)) = ask.bearer.map(|token| HeaderValue::from_str(&format!("Bearer {token}"))) {
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Proxies;

    #[tokio::test]
    async fn a_published_host_with_inner_addresses_is_a_fault_of_the_network_and_an_allowed_one_of_the_run() {
        let settings = ClientSettings {
            rules: Rules { allowed: vec!["allowed.example".parse().unwrap()], ..Rules::default() },
            proxies: Proxies::default(),
            extra_roots: Vec::new(),
            concurrency: 1,
            retries: None,
            retry_for: Duration::from_secs(120),
            timeout: Duration::from_secs(30),
        };
        let inner: LookUp =
            |_| Box::pin(async { Ok(vec![([10, 0, 0, 1], 0).into(), ([0, 0, 0, 0], 0).into()]) });
        let client = Client { look_up: inner, ..Client::new(settings) };
        let ask = Ask { method: &Method::HEAD, headers: &[], bearer: None, traffic: Traffic::Requests };
        let asked = async |url: &str| client.ask(ask, &url.parse().unwrap(), &mut 0).await.unwrap_err();
        for url in [
            "https://mirror.openshift.com/f",
            "https://art-rhcos-ci.s3.amazonaws.com/f",
            "https://rhcos.blob.core.windows.net/f",
        ] {
            let Failure::ProbeError(error, Again::No) = asked(url).await else { panic!("{url}") };
            assert_eq!(error.kind, ProbeErrorKind::Unreachable);
            assert!(error.detail.contains("resolves to") && error.detail.contains("10.0.0.1, 0.0.0.0"));
        }
        let refused = asked("http://allowed.example/f").await;
        assert!(matches!(refused, Failure::Refused(Refusal::Address { .. })), "{refused:?}");
    }
}
