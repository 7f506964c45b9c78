//! One run of the gate: artifacts in, outcomes out, through as many rounds as it takes.

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

/// How often an observer hears of downloads.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// How long a round waits for cloud references that do not count, once all its artifacts are known.
const GRACE: Duration = Duration::from_secs(3);

/// One artifact of a run.
#[derive(Debug, Clone)]
pub struct Case {
    pub location: Result<ArtifactUrl, BadLocation>,
    pub signature: Option<Result<ArtifactUrl, BadLocation>>,
    /// Where a bridge has the file, to ask for its size if nobody else says it.
    pub bridge: Option<ArtifactUrl>,
    pub expectation: Expectation,
}

/// How long a run goes on.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimeLimits {
    /// When the run ends, whatever is known by then.
    pub deadline: Option<Instant>,
    /// Until when what is missing or undetermined is asked for again, and how long to wait in between.
    pub wait: Option<(Instant, Duration)>,
}

/// The cloud references of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Clouds<'c> {
    pub references: &'c [CloudReference],
    /// Whether the verdict depends on them: what does not count is not waited for.
    pub count: bool,
}

/// What a run found, in the order in which it was asked.
#[derive(Debug)]
pub struct Judged<S> {
    pub artifacts: Vec<Outcome>,
    pub clouds: Vec<Outcome>,
    pub ended: Option<Ended<S>>,
}

/// What ended a run before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended<S> {
    Deadline,
    /// A signal, or whatever the caller stopped it with.
    Stopped(S),
}

/// Hears how a run goes.
pub trait Observer {
    /// An artifact has its final outcome. They come in any order.
    fn judged(&mut self, index: usize, outcome: &Outcome);

    /// Time has passed, and files are being downloaded: how far they are. Several times a second.
    fn downloading(&mut self, _now: &TransfersNow) {}

    /// Hosts are down, and are asked again. Several times a second while they are.
    fn hosts_down(&mut self, _outages: &[Outage]) {}

    /// A round is over, and so many artifacts and cloud references are left that will be asked for again.
    fn waiting(&mut self, _artifacts: usize, _references: usize, _again_in: Duration) {}
}

/// Judges every case and every cloud reference. Each gets an outcome, whatever ends the run.
pub async fn run<S>(
    prober: &Prober,
    cases: &[Case],
    clouds: Clouds<'_>,
    limits: TimeLimits,
    stop: impl Future<Output = S>,
    observer: &mut dyn Observer,
) -> Judged<S> {
    // A location that nobody should ask is judged at once.
    let mut outcomes: Vec<Option<Outcome>> = cases.iter().map(Case::judge_location).collect();
    for (index, outcome) in outcomes.iter().enumerate() {
        if let Some(outcome) = outcome {
            observer.judged(index, outcome);
        }
    }
    let mut clouds_known: Vec<Option<Outcome>> = clouds.references.iter().map(cloud::unasked).collect();
    let (mut left, mut clouds_left) = (unknown(&outcomes), unknown(&clouds_known));
    let (mut ended, mut known) = (None, HashMap::new());
    {
        let mut end = pin!(limits.end(stop));
        let mut clock = tokio::time::interval(PROGRESS_INTERVAL);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        'rounds: loop {
            let (requests, twins) = requests(cases, &left);
            let alike =
                |index: usize| std::iter::once(index).chain(twins.get(&index).into_iter().flatten().copied());
            let must_be_read = |index: usize, evidence: &Evidence| {
                let mut alike = alike(index).filter_map(|index| cases.get(index));
                alike.any(|case| must_be_read(&case.expectation, evidence))
            };
            let mut examination = prober.examine(requests, must_be_read);
            let mut asked = cloud::ask(prober, clouds.references, &clouds_left);
            // When all artifacts were known, and whether all cloud references are.
            let (mut known_at, mut clouds_are_known) = (None, false);
            while known_at.is_none() || !clouds_are_known {
                let grace = known_at.unwrap_or_else(Instant::now) + GRACE;
                tokio::select! {
                    biased;
                    end = &mut end => {
                        ended = Some(end);
                        for (index, evidence) in examination.into_known() {
                            known.extend(alike(index).map(|index| (index, evidence.clone())));
                        }
                        break 'rounds;
                    }
                    _ = clock.tick() => tell(prober, observer),
                    next = examination.next(), if known_at.is_none() => {
                        let Some((index, evidence)) = next else {
                            known_at = Some(Instant::now());
                            continue;
                        };
                        for index in alike(index) {
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
                    next = asked.next(), if !clouds_are_known => match next {
                        Some((index, outcome)) => {
                            if let Some(slot) = clouds_known.get_mut(index) {
                                *slot = Some(outcome);
                            }
                        }
                        None => clouds_are_known = true,
                    },
                    () = tokio::time::sleep_until(grace), if known_at.is_some() && !clouds.count => break,
                }
            }
            keep_unsettled(&mut left, &outcomes);
            keep_unsettled(&mut clouds_left, &clouds_known);
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
        let was_told = outcome.as_ref().is_some_and(|outcome| limits.wait.is_none() || !may_change(outcome));
        let outcome = match (outcome, known.remove(&index)) {
            (Some(earlier), None) => earlier,
            // The last round was not over: what it found may be worse than what the one before did.
            (Some(earlier), Some(known)) => {
                let now = cut_short(case, known, ended.as_ref());
                if now.verdict() > earlier.verdict() { now } else { earlier }
            }
            (None, known) => cut_short(case, known.unwrap_or_else(Evidence::unanswered), ended.as_ref()),
        };
        if !was_told {
            observer.judged(index, &outcome);
        }
        outcome
    });
    let clouds = clouds_known.into_iter().zip(clouds.references);
    let clouds = clouds.map(|(outcome, reference)| outcome.unwrap_or_else(|| cloud::unanswered(reference)));
    Judged { artifacts: outcomes.collect(), clouds: clouds.collect(), ended }
}

/// Tells how far downloads are and which hosts are down, if there are any.
fn tell(prober: &Prober, observer: &mut dyn Observer) {
    let (transfers, outages) = (prober.transfers().now(), prober.outages());
    if transfers.any() {
        observer.downloading(&transfers);
    }
    if !outages.is_empty() {
        observer.hosts_down(&outages);
    }
}

/// The cases that ask the same as another, by that one.
type Twins = HashMap<usize, Vec<usize>>;

/// What is to be asked, by the case that asks it first, and the other cases that ask the same: branches and documents
/// share artifacts.
fn requests(cases: &[Case], left: &[usize]) -> (Vec<(usize, ProbeRequest)>, Twins) {
    let mut requests: Vec<(usize, ProbeRequest)> = Vec::with_capacity(left.len());
    let mut twins = Twins::new();
    let mut known: HashMap<&ArtifactUrl, usize> = HashMap::new();
    for &index in left {
        let Some((case, request)) = cases.get(index).and_then(|case| Some((case, case.request()?))) else {
            continue;
        };
        let Ok(location) = &case.location else { continue };
        let at = *known.entry(location).or_insert(requests.len());
        match requests.get(at) {
            Some((first, same)) if *same == request => twins.entry(*first).or_default().push(index),
            _ => requests.push((index, request)),
        }
    }
    (requests, twins)
}

/// Whether another round may bring another outcome: the mirror is being filled, a host comes back.
fn may_change(outcome: &Outcome) -> bool {
    let passing = |reason: Reason| reason == Reason::Missing || reason.verdict() == Verdict::Inconclusive;
    !outcome.findings.is_empty() && outcome.findings.iter().all(|finding| passing(finding.reason()))
}

/// The outcome where the run ended before everything was known: what was known may be wrong already.
fn cut_short<S>(case: &Case, known: Evidence, ended: Option<&Ended<S>>) -> Outcome {
    let detail = match ended {
        Some(Ended::Stopped(_)) => "the run was interrupted before all answers arrived",
        _ => "the deadline passed before all answers arrived",
    };
    let error = ProbeError { kind: ProbeErrorKind::Deadline, status: None, detail: detail.to_owned() };
    case.judge(known.cut_short(error))
}

/// The indices of what is not known without asking.
fn unknown(outcomes: &[Option<Outcome>]) -> Vec<usize> {
    outcomes.iter().enumerate().filter_map(|(index, it)| it.is_none().then_some(index)).collect()
}

/// Keeps the indices of what another round may still change.
fn keep_unsettled(left: &mut Vec<usize>, outcomes: &[Option<Outcome>]) {
    left.retain(|&index| outcomes.get(index).is_some_and(|it| it.as_ref().is_none_or(may_change)));
}

impl TimeLimits {
    /// Ends when the run does.
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

    /// How long to wait before what is left is asked for again; nothing if it is not.
    fn until_next_round(self, left: usize) -> Option<Duration> {
        let (until, interval) = self.wait?;
        // The last round is when the time is over, not an interval before.
        let interval = interval.min(until.saturating_duration_since(Instant::now()));
        (left > 0 && !interval.is_zero()).then_some(interval)
    }
}

impl Case {
    fn judge_location(&self) -> Option<Outcome> {
        let refusal = Refusal::BadLocation(self.location.as_ref().err()?.clone());
        Some(self.judge(Evidence::only(Observation::Refused(refusal))))
    }

    /// The outcome, with what is known of the signature's location without asking.
    fn judge(&self, mut evidence: Evidence) -> Outcome {
        if let Some(Err(bad)) = &self.signature
            && self.expectation.signatures != Strictness::Ignore
        {
            evidence.signature = Some(Observation::Refused(Refusal::BadLocation(bad.clone())));
        }
        judge(&self.expectation, &evidence)
    }

    /// What is asked; nothing of a location that nobody should ask.
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
