//! One run of the gate: requests and judges artifacts and cloud references, in one or more rounds.

mod cloud;

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::stream::StreamExt as _;
use tokio::time::{Instant, MissedTickBehavior};

use crate::http::Outage;
use crate::location::{ArtifactUrl, BadLocation};
use crate::probe::{
    ContentRequest, Evidence, Observation, ProbeError, ProbeErrorKind, ProbeRequest, Prober, Refusal,
    SidecarPolicy, TransfersNow,
};
use crate::stream::CloudReference;
use crate::verdict::{Expectation, Outcome, Reason, Strictness, Verdict, Verify, judge, must_be_read};

/// How often an observer is called about downloads and hosts that are down.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// How long a round waits for cloud references that do not affect the verdict, after all its artifacts are judged.
const GRACE: Duration = Duration::from_secs(3);

/// One artifact of a run.
#[derive(Debug, Clone)]
pub struct Case {
    pub location: Result<ArtifactUrl, BadLocation>,
    pub signature: Option<Result<ArtifactUrl, BadLocation>>,
    /// The URL of the file on a bridge, whose size is requested if the documents have none.
    pub bridge: Option<ArtifactUrl>,
    pub expectation: Expectation,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct TimeLimits {
    /// The time at which the run ends, even if it is incomplete.
    pub deadline: Option<Instant>,
    /// The time until which missing or undetermined files are requested again, and the interval.
    pub wait: Option<(Instant, Duration)>,
}

/// The cloud references of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clouds<'c> {
    pub references: &'c [CloudReference],
    /// Whether the verdict depends on them. If not, they cause no further rounds.
    pub count: bool,
}

/// The outcomes of a run, in the order of its cases and cloud references.
#[derive(Debug)]
pub struct Judged<S> {
    pub artifacts: Vec<Outcome>,
    pub clouds: Vec<Outcome>,
    pub ended: Option<Ended<S>>,
}

/// What ended a run early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended<S> {
    Deadline,
    /// The output of the caller's `stop` future, such as a signal.
    Stopped(S),
}

pub trait Observer {
    /// An artifact has its final outcome. Called once for each, in any order.
    fn judged(&mut self, index: usize, outcome: &Outcome);

    /// The progress of downloads. Called several times a second while there are any.
    fn downloading(&mut self, _now: &TransfersNow) {}

    /// The hosts that are down and are being retried. Called several times a second while there are any.
    fn hosts_down(&mut self, _outages: &[Outage]) {}

    /// A round is over; this many artifacts and cloud references will be requested again.
    fn waiting(&mut self, _artifacts: usize, _references: usize, _again_in: Duration) {}
}

/// Judges every case and every cloud reference. Each gets an outcome even if the run ends early.
pub async fn run<S>(
    prober: &Prober,
    cases: &[Case],
    clouds: Clouds<'_>,
    limits: TimeLimits,
    stop: impl Future<Output = S>,
    observer: &mut dyn Observer,
) -> Judged<S> {
    // Bad locations are judged at once, because nothing may be requested.
    let mut outcomes: Vec<Option<Outcome>> = cases.iter().map(Case::judge_location).collect();
    for (index, outcome) in outcomes.iter().enumerate() {
        if let Some(outcome) = outcome {
            observer.judged(index, outcome);
        }
    }
    let mut cloud_outcomes: Vec<_> = clouds.references.iter().map(cloud::unrequestable).collect();
    let (mut left, mut clouds_left) = (unjudged(&outcomes), unjudged(&cloud_outcomes));
    let (mut ended, mut partial) = (None, HashMap::new());
    {
        let mut end = pin!(limits.end(stop));
        let mut clock = tokio::time::interval(PROGRESS_INTERVAL);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        'rounds: loop {
            let (requests, duplicates) = requests(cases, &left);
            let with_duplicates =
                |at: usize| std::iter::once(at).chain(duplicates.get(&at).into_iter().flatten().copied());
            let must_be_read = |index: usize, evidence: &Evidence| {
                let mut cases = with_duplicates(index).filter_map(|index| cases.get(index));
                cases.any(|case| must_be_read(&case.expectation, evidence))
            };
            let mut examination = prober.examine(requests, must_be_read);
            let mut judged_clouds = cloud::judge_all(prober, clouds.references, &clouds_left);
            // The time at which all artifacts were judged, and whether all cloud references are.
            let (mut done_at, mut clouds_are_done) = (None, false);
            while done_at.is_none() || !clouds_are_done {
                let grace = done_at.unwrap_or_else(Instant::now) + GRACE;
                tokio::select! {
                    biased;
                    end = &mut end => {
                        ended = Some(end);
                        for (index, evidence) in examination.into_known() {
                            partial.extend(with_duplicates(index).map(|index| (index, evidence.clone())));
                        }
                        break 'rounds;
                    }
                    _ = clock.tick() => report_progress(prober, observer),
                    next = examination.next(), if done_at.is_none() => {
                        let Some((index, evidence)) = next else {
                            done_at = Some(Instant::now());
                            continue;
                        };
                        for index in with_duplicates(index) {
                            let Some(case) = cases.get(index) else { continue };
                            let outcome = case.judge(evidence.clone());
                            if limits.wait.is_none() || !may_change(&outcome) {
                                observer.judged(index, &outcome);
                            }
                            if let Some(slot) = outcomes.get_mut(index) {
                                *slot = Some(outcome);
                            }
                        }
                    }
                    next = judged_clouds.next(), if !clouds_are_done => match next {
                        Some((index, outcome)) => {
                            if let Some(slot) = cloud_outcomes.get_mut(index) {
                                *slot = Some(outcome);
                            }
                        }
                        None => clouds_are_done = true,
                    },
                    () = tokio::time::sleep_until(grace), if done_at.is_some() && !clouds.count => break,
                }
            }
            retain_unsettled(&mut left, &outcomes);
            retain_unsettled(&mut clouds_left, &cloud_outcomes);
            let counted = if clouds.count { clouds_left.len() } else { 0 };
            let Some(interval) = limits.until_next_round(left.len() + counted) else { break };
            observer.waiting(left.len(), counted, interval);
            tokio::select! {
                biased;
                end = &mut end => {
                    ended = Some(end);
                    break 'rounds;
                }
                () = tokio::time::sleep(interval) => {}
            }
            prober.refresh();
        }
    }
    let outcomes = outcomes.into_iter().zip(cases).enumerate().map(|(index, (outcome, case))| {
        let was_reported = outcome.as_ref().is_some_and(|it| limits.wait.is_none() || !may_change(it));
        let outcome = match (outcome, partial.remove(&index)) {
            (Some(earlier), None) => earlier,
            // The last round was cut short: its partial evidence counts if it is worse than the round before.
            (Some(earlier), Some(found)) => {
                let now = cut_short(case, found, ended.as_ref());
                if now.verdict() > earlier.verdict() { now } else { earlier }
            }
            (None, found) => cut_short(case, found.unwrap_or_else(Evidence::unanswered), ended.as_ref()),
        };
        if !was_reported {
            observer.judged(index, &outcome);
        }
        outcome
    });
    let clouds = cloud_outcomes.into_iter().zip(clouds.references);
    let clouds = clouds.map(|(outcome, reference)| outcome.unwrap_or_else(|| cloud::unanswered(reference)));
    Judged { artifacts: outcomes.collect(), clouds: clouds.collect(), ended }
}

fn report_progress(prober: &Prober, observer: &mut dyn Observer) {
    let (transfers, outages) = (prober.transfers().now(), prober.outages());
    if transfers.any() {
        observer.downloading(&transfers);
    }
    if !outages.is_empty() {
        observer.hosts_down(&outages);
    }
}

/// The indices of cases with the same request as an earlier case, by the index of that case.
type Duplicates = HashMap<usize, Vec<usize>>;

/// The distinct requests, each with the index of the first case that has it, and the duplicates, which are common
/// because branches and documents share artifacts.
fn requests(cases: &[Case], left: &[usize]) -> (Vec<(usize, ProbeRequest)>, Duplicates) {
    let mut requests: Vec<(usize, ProbeRequest)> = Vec::with_capacity(left.len());
    let mut duplicates = Duplicates::new();
    let mut known: HashMap<&ArtifactUrl, usize> = HashMap::new();
    for &index in left {
        let Some((case, request)) = cases.get(index).and_then(|case| Some((case, case.request()?))) else {
            continue;
        };
        let Ok(location) = &case.location else { continue };
        let at = *known.entry(location).or_insert(requests.len());
        match requests.get(at) {
            Some((first, same)) if *same == request => duplicates.entry(*first).or_default().push(index),
            _ => requests.push((index, request)),
        }
    }
    (requests, duplicates)
}

/// Whether the outcome may change in another round, because the mirror is being filled or a host recovers.
fn may_change(outcome: &Outcome) -> bool {
    let is_transient =
        |reason: Reason| reason == Reason::Missing || reason.verdict() == Verdict::Inconclusive;
    !outcome.findings.is_empty() && outcome.findings.iter().all(|finding| is_transient(finding.reason()))
}

/// The outcome of a case when the run ended before all its answers: those that arrived can make it a failure.
fn cut_short<S>(case: &Case, evidence: Evidence, ended: Option<&Ended<S>>) -> Outcome {
    let detail = match ended {
        Some(Ended::Stopped(_)) => "the run was interrupted before all answers arrived",
        _ => "the deadline passed before all answers arrived",
    };
    let error = ProbeError { kind: ProbeErrorKind::Deadline, status: None, detail: detail.to_owned() };
    case.judge(evidence.cut_short(error))
}

/// The indices without an outcome.
fn unjudged(outcomes: &[Option<Outcome>]) -> Vec<usize> {
    outcomes.iter().enumerate().filter_map(|(index, it)| it.is_none().then_some(index)).collect()
}

/// Keeps the indices without an outcome, and those whose outcome may change in another round.
fn retain_unsettled(left: &mut Vec<usize>, outcomes: &[Option<Outcome>]) {
    left.retain(|&index| outcomes.get(index).is_some_and(|it| it.as_ref().is_none_or(may_change)));
}

impl TimeLimits {
    /// Resolves when the run must end.
    async fn end<S>(self, stop: impl Future<Output = S>) -> Ended<S> {
        let deadline = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            signal = stop => Ended::Stopped(signal),
            () = deadline => Ended::Deadline,
        }
    }

    /// The time until the next round; `None` if there is none.
    fn until_next_round(self, left: usize) -> Option<Duration> {
        let (until, interval) = self.wait?;
        // The last round takes place at the end of the waiting time.
        let interval = interval.min(until.saturating_duration_since(Instant::now()));
        (left > 0 && !interval.is_zero()).then_some(interval)
    }
}

impl Case {
    fn judge_location(&self) -> Option<Outcome> {
        let refusal = Refusal::BadLocation(self.location.as_ref().err()?.clone());
        Some(self.judge(Evidence::only(Observation::Refused(refusal))))
    }

    /// The outcome. Adds the observation of a signature with a bad location, which was not requested.
    fn judge(&self, mut evidence: Evidence) -> Outcome {
        if let Some(Err(bad)) = &self.signature
            && self.expectation.signatures != Strictness::Ignore
        {
            evidence.signature = Some(Observation::Refused(Refusal::BadLocation(bad.clone())));
        }
        judge(&self.expectation, &evidence)
    }

    /// The request; `None` for a bad location.
    fn request(&self) -> Option<ProbeRequest> {
        let expectation = &self.expectation;
        let knows_size = expectation.sizes().next().is_some();
        Some(ProbeRequest {
            location: self.location.clone().ok()?,
            signature: match expectation.signatures {
                Strictness::Ignore => None,
                Strictness::Warn | Strictness::Require => self.signature.clone().and_then(Result::ok),
            },
            size_from: self.bridge.clone().filter(|_| !knows_size),
            sidecars: match expectation.verify {
                Verify::Exists if knows_size => SidecarPolicy::None,
                Verify::Exists => SidecarPolicy::Size,
                Verify::Published | Verify::Auto | Verify::Content => SidecarPolicy::All,
            },
            content: match expectation.verify {
                Verify::Exists | Verify::Published => None,
                Verify::Auto | Verify::Content => Some(ContentRequest {
                    sizes: expectation.sizes().map(|(size, _)| size).collect(),
                    uncompress: expectation.uncompressed_sha256.is_some()
                        || expectation.uncompressed_size.is_some(),
                    uncompressed_size: expectation.uncompressed_sizes().next().map(|(size, _)| size),
                }),
            },
        })
    }
}

#[cfg(test)]
mod tests;
