//! The cloud references of a run of `check`: which are asked for, and how long.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::filters::Filters;
use super::network::Stop;
use super::signals::Interrupt;
use crate::gate::{self, Case, Ended, Observer, TimeLimits};
use crate::probe::Prober;
use crate::report::cloud::CloudReport;
use crate::stream::{CloudReference, Sourced, Sources};
use crate::verdict::{Outcome, Strictness};

/// The most of a run. A document has some twenty; thirty branches have seven hundred.
const MOST: usize = 1_500;

/// How long those that do not count have, once all artifacts are known.
const GRACE: Duration = Duration::from_secs(3);

/// The outcomes of a run.
pub(super) struct Judged {
    pub(super) artifacts: Vec<Outcome>,
    pub(super) clouds: Vec<Outcome>,
    pub(super) ended: Option<Ended<Interrupt>>,
}

/// The cloud references that are asked for, each with its document's name.
pub(super) struct References {
    mode: Strictness,
    documents: Vec<Arc<str>>,
    references: Vec<CloudReference>,
}

impl References {
    /// Those of all documents that the filters leave. The error is one of documents that have too many.
    pub(super) fn of(mode: Strictness, filters: &Filters, sources: &Sources) -> Result<Self, String> {
        let mut found = Self { mode, documents: Vec::new(), references: Vec::new() };
        if mode == Strictness::Ignore {
            return Ok(found);
        }
        for Sourced { document, .. } in &sources.documents {
            let references = document.cloud_references();
            let number = found.references.len() + references.len();
            if number > MOST {
                let name = &document.name;
                return Err(format!(
                    "{name}: found {number} cloud references, expected at most {MOST} in a run"
                ));
            }
            for reference in references.into_iter().filter(|it| filters.match_cloud(document, it)) {
                found.documents.push(Arc::clone(&document.name));
                found.references.push(reference);
            }
        }
        Ok(found)
    }

    /// Judges the cases, and these beside them. What does not count is not waited for; the signal and the deadline end
    /// both.
    pub(super) async fn beside(
        &self,
        prober: &Prober,
        cases: &[Case],
        limits: TimeLimits,
        mut stop: Stop<'_>,
        observer: &mut dyn Observer,
    ) -> Judged {
        let counts = self.mode == Strictness::Require;
        let cloud_limits = TimeLimits { wait: limits.wait.filter(|_| counts), ..limits };
        // Its other half is dropped with `clouds`: then these are all known.
        let (mut end, ended) = oneshot::channel::<()>();
        let clouds = gate::run_cloud(prober, &self.references, cloud_limits, async {
            let _ = ended.await;
        });
        let artifacts = async move {
            let (artifacts, mut ended) = gate::run(prober, cases, limits, stop.as_mut(), observer).await;
            let mut grace = pin!(tokio::time::sleep(GRACE));
            let mut clock = tokio::time::interval(gate::PROGRESS_INTERVAL);
            while ended.is_none() && !end.is_closed() {
                tokio::select! {
                    biased;
                    interrupt = &mut stop => ended = Some(Ended::Stopped(interrupt)),
                    () = end.closed() => {}
                    () = &mut grace, if !counts => break,
                    _ = clock.tick() => observer.hosts_down(&prober.outages()),
                }
            }
            (artifacts, ended)
        };
        let ((artifacts, ended), clouds) = tokio::join!(artifacts, clouds);
        Judged { artifacts, clouds, ended }
    }

    /// The reports of the outcomes.
    pub(super) fn reports(&self, outcomes: &[Outcome]) -> Vec<CloudReport> {
        let references = self.documents.iter().zip(&self.references).zip(outcomes);
        references
            .map(|((document, reference), outcome)| CloudReport::of(document, reference, outcome))
            .collect()
    }
}
