//! Retries of transient failures, and which hosts are down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::{Mutex, OwnedMutexGuard, watch};
use tokio::time::{Instant, sleep_until};

use super::ProbeError;
use super::header::{HeaderMap, RETRY_AFTER};

/// The first wait's upper bound: about one round trip, so that an occasional lost request costs little.
const FIRST: Duration = Duration::from_millis(50);

/// The longest wait of the back-off.
const LONGEST: Duration = Duration::from_secs(15);

/// How long transient failures are retried.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// The most retries of one request; `None` limits them by time alone.
    pub(super) retries: Option<u32>,
    /// Counted from the first failure.
    pub(super) time: Duration,
}

impl Policy {
    fn is_over(self, failures: u32, since: Instant, now: Instant) -> bool {
        self.retries.is_some_and(|retries| failures > retries)
            || now.saturating_duration_since(since) >= self.time
    }

    /// The wait before a retry: exponential, with full jitter (Brooker, "Exponential Backoff And Jitter"),
    /// within the time that is left. A wait that the server asks for comes on top, in full.
    fn wait(self, failures: u32, asked_for: Option<Duration>, since: Instant, now: Instant) -> Duration {
        let ceiling = FIRST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST);
        let left = self.time.saturating_sub(now.saturating_duration_since(since));
        let jittered = ceiling.mul_f64(fastrand::f64()).min(left);
        asked_for.map_or(jittered, |asked_for| asked_for.saturating_add(jittered))
    }
}

#[derive(Debug)]
pub(crate) struct Retries {
    policy: Policy,
    failures: u32,
    since: Option<Instant>,
}

impl Retries {
    pub(super) const fn new(policy: Policy) -> Self {
        Self { policy, failures: 0, since: None }
    }

    /// Counts a failure and returns the wait before a retry; `None` if there is no retry.
    pub(crate) fn after_failure(&mut self, asked_for: Option<Duration>) -> Option<Duration> {
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        let over = self.policy.is_over(self.failures, since, now);
        (!over).then(|| self.policy.wait(self.failures, asked_for, since, now))
    }

    /// Resets the count after an attempt that made progress.
    pub(crate) fn progressed(&mut self) {
        *self = Self::new(self.policy);
    }
}

/// The wait that a response asks for, in seconds or until a date (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

/// A host that is down and still retried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// The host, with its port unless it is the default one.
    pub host: String,
    pub why: String,
    pub lasted: Duration,
    pub left: Duration,
}

/// Whether a host answers, as shared by all requests to it. While it is down, one request at a time probes it
/// and the others wait.
#[derive(Debug)]
pub(super) struct Health {
    policy: Policy,
    state: watch::Sender<HostState>,
    /// Held by the request that probes; the queue is fair, so that each gets to probe.
    probe: Arc<Mutex<()>>,
    answers: AtomicU64,
}

#[derive(Debug)]
enum HostState {
    Up,
    Down {
        since: Instant,
        failures: u32,
        until: Instant,
        error: ProbeError,
    },
    /// For good, after this many failed connections.
    GivenUp(ProbeError, u32),
}

/// Permission to make one request.
#[derive(Debug)]
pub(super) struct Admission {
    answers: u64,
    probe: Option<OwnedMutexGuard<()>>,
}

#[derive(Debug)]
pub(super) struct Failed {
    pub(super) error: ProbeError,
    pub(super) asked_for: Option<Duration>,
    pub(super) is_connect: bool,
}

impl Health {
    pub(super) fn new(policy: Policy) -> Self {
        let state = watch::Sender::new(HostState::Up);
        Self { policy, state, probe: Arc::default(), answers: AtomicU64::new(0) }
    }

    /// Waits until a request may be made: at once while the host is up, else when this request may probe it.
    /// The error says why the host was given up, and after how many failed connections.
    pub(super) async fn admit(&self) -> Result<Admission, (ProbeError, u32)> {
        let mut state = self.state.subscribe();
        let mut probe = None;
        loop {
            let answers = self.answers.load(Ordering::Relaxed);
            let until = match &*state.borrow_and_update() {
                HostState::Up => return Ok(Admission { answers, probe: None }),
                HostState::GivenUp(error, connections) => return Err((error.clone(), *connections)),
                HostState::Down { until, .. } => *until,
            };
            if probe.is_none() {
                probe = Some(Arc::clone(&self.probe).lock_owned().await);
            } else if Instant::now() >= until {
                return Ok(Admission { answers, probe });
            } else {
                tokio::select! {
                    () = sleep_until(until) => {}
                    _ = state.changed() => {}
                }
            }
        }
    }

    /// Whether the host has answered anything since a request was admitted.
    pub(super) fn has_answered_since(&self, admission: &Admission) -> bool {
        self.answers.load(Ordering::Relaxed) > admission.answers
    }

    pub(super) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
        self.state.send_if_modified(|state| {
            let was_away = !matches!(state, HostState::Up);
            *state = HostState::Up;
            was_away
        });
    }

    /// Records a failed request. Returns whether the host is down, so that a retry waits for it.
    ///
    /// With a limit on retries each request counts its own failures; failed connections are counted per host.
    pub(super) fn failed(&self, admission: &Admission, failed: Failed) -> bool {
        let Failed { error, asked_for, is_connect } = failed;
        if !is_connect && (self.policy.retries.is_some() || self.policy.time.is_zero()) {
            if admission.probe.is_some() {
                // The host was reached, which is all that the other requests wait for.
                self.answered();
            }
            return false;
        }
        let others_were_answered = self.has_answered_since(admission);
        let now = Instant::now();
        let mut is_down = true;
        self.state.send_if_modified(|state| {
            let (since, failures) = match state {
                HostState::Up if others_were_answered => {
                    is_down = false;
                    return false;
                }
                HostState::Up => (now, 1),
                HostState::Down { since, failures, .. } if admission.probe.is_some() => {
                    (*since, failures.saturating_add(1))
                }
                HostState::Down { .. } | HostState::GivenUp(..) => return false,
            };
            *state = if self.policy.is_over(failures, since, now) {
                HostState::GivenUp(error, if is_connect { failures } else { 0 })
            } else {
                let wait = self.policy.wait(failures, asked_for, since, now);
                HostState::Down { since, failures, until: later(now, wait), error }
            };
            true
        });
        is_down
    }

    /// Gives the host up: a retry would end the same way.
    pub(super) fn give_up(&self, error: ProbeError) {
        self.state.send_replace(HostState::GivenUp(error, 1));
    }

    /// Marks the host as up, so that another round tries it again.
    pub(super) fn revive(&self) {
        self.state.send_replace(HostState::Up);
    }

    /// The outage to report while the host is down.
    pub(super) fn outage(&self, host: &str) -> Option<Outage> {
        let HostState::Down { since, error, .. } = &*self.state.borrow() else { return None };
        let lasted = since.elapsed();
        let why = error.detail.clone();
        Some(Outage { host: host.to_owned(), why, lasted, left: self.policy.time.saturating_sub(lasted) })
    }
}

/// `now + wait`, with a bound against overflow.
fn later(now: Instant, wait: Duration) -> Instant {
    const A_CENTURY: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    now + wait.min(A_CENTURY)
}

#[cfg(test)]
mod tests {
    use super::super::{ProbeErrorKind, probe_error};
    use super::*;

    const TWO_MINUTES: Policy = Policy { retries: None, time: Duration::from_secs(120) };

    fn failed(is_connect: bool) -> Failed {
        let error = probe_error(ProbeErrorKind::Unreachable, "it is down".to_owned());
        Failed { error, asked_for: None, is_connect }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_retried_for_two_minutes() {
        for _ in 0..20 {
            let (began, mut retries, mut attempts) = (Instant::now(), Retries::new(TWO_MINUTES), 1);
            while let Some(wait) = retries.after_failure(None) {
                assert!(wait <= LONGEST, "{wait:?}");
                tokio::time::sleep(wait).await;
                attempts += 1;
            }
            let took = began.elapsed();
            assert!(took >= TWO_MINUTES.time && took < TWO_MINUTES.time + LONGEST, "{took:?}");
            assert!((10..100).contains(&attempts), "{attempts}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn retries_end_at_their_limit_and_without_time_there_are_none() {
        for (retries, time, attempts) in [(Some(3), 120, 4), (Some(0), 120, 1), (None, 0, 1), (Some(9), 0, 1)]
        {
            let mut all = Retries::new(Policy { retries, time: Duration::from_secs(time) });
            let mut made = 1;
            while all.after_failure(None).is_some() {
                made += 1;
            }
            assert_eq!(made, attempts, "{retries:?} {time}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_retry_after_is_respected_and_followed_by_one_attempt() {
        let mut retries = Retries::new(TWO_MINUTES);
        let wait = retries.after_failure(Some(Duration::from_secs(3600))).unwrap();
        assert!(wait >= Duration::from_secs(3600));
        tokio::time::sleep(wait).await;
        assert_eq!(retries.after_failure(Some(Duration::from_secs(3600))), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_request_probes_a_host_that_is_down_and_none_one_that_is_given_up() {
        let health = Arc::new(Health::new(TWO_MINUTES));
        let began = Instant::now();
        let probes = Arc::new(AtomicU64::new(0));
        let first = health.admit().await.unwrap();
        assert!(health.failed(&first, failed(false)));
        let all = (0..143).map(|_| {
            let (health, probes) = (Arc::clone(&health), Arc::clone(&probes));
            tokio::spawn(async move {
                while let Ok(admission) = health.admit().await {
                    probes.fetch_add(1, Ordering::Relaxed);
                    health.failed(&admission, failed(false));
                }
            })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        assert!((120..136).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
        assert!((10..100).contains(&probes.load(Ordering::Relaxed)), "{probes:?}");
        health.revive();
        assert!(health.admit().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn all_requests_proceed_at_once_when_a_host_is_back() {
        let health = Arc::new(Health::new(TWO_MINUTES));
        let first = health.admit().await.unwrap();
        health.failed(&first, failed(true));
        assert_eq!(
            health.outage("h").map(|outage| (outage.host, outage.why)),
            Some(("h".into(), "it is down".into()))
        );
        let began = Instant::now();
        let all = (0..143).map(|_| {
            let health = Arc::clone(&health);
            tokio::spawn(async move {
                let admission = health.admit().await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
                health.answered();
                drop(admission);
            })
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        assert_eq!(health.outage("h"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_answers_other_requests_is_not_down() {
        let health = Health::new(TWO_MINUTES);
        let (one, _other) = (health.admit().await.unwrap(), health.admit().await.unwrap());
        health.answered();
        assert!(!health.failed(&one, failed(false)));
        assert!(health.admit().await.unwrap().probe.is_none());
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let cases = [
            ("3", Some(3)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ];
        for (value, seconds) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
