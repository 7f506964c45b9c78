//! The cloud references of a run of `check`: which are asked for, and how long.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::filters::Filters;
use crate::gate::{self, TimeLimits};
use crate::probe::Prober;
use crate::report::cloud::{CloudImages, CloudReport};
use crate::stream::{CloudReference, Sourced, Sources};
use crate::verdict::Outcome;

/// The most of a run. A document has some fifty; thirty branches have a thousand.
const MOST: usize = 4_000;

/// How long those that do not count have, once all artifacts are known.
const GRACE: Duration = Duration::from_secs(3);

/// The cloud references that are asked for, each with its document's name.
pub(super) struct References {
    mode: CloudImages,
    documents: Vec<Arc<str>>,
    references: Vec<CloudReference>,
}

impl References {
    /// Those of all documents that the filters leave. The error is one of documents that have too many.
    pub(super) fn of(mode: CloudImages, filters: &Filters, sources: &Sources) -> Result<Self, String> {
        let mut found = Self { mode, documents: Vec::new(), references: Vec::new() };
        if mode == CloudImages::Ignore {
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

    /// Asks for them while the artifacts are asked for. What does not count is not waited for.
    pub(super) async fn beside<T>(
        &self,
        prober: &Prober,
        limits: TimeLimits,
        artifacts: impl Future<Output = T>,
        is_cut_short: impl Fn(&T) -> bool,
    ) -> (T, Vec<Outcome>) {
        let (sender, done) = oneshot::channel();
        let artifacts = async {
            let known = artifacts.await;
            // Nobody waits for it where all references are known.
            let _ = sender.send(is_cut_short(&known));
            known
        };
        let counts = self.mode == CloudImages::Require;
        let end = async {
            if done.await.unwrap_or(true) {
                return;
            }
            if counts {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(GRACE).await;
        };
        let limits = TimeLimits { wait: limits.wait.filter(|_| counts), ..limits };
        tokio::join!(artifacts, gate::run_cloud(prober, &self.references, limits, end))
    }

    /// The reports of the outcomes.
    pub(super) fn reports(&self, outcomes: &[Outcome]) -> Vec<CloudReport> {
        let references = self.documents.iter().zip(&self.references).zip(outcomes);
        references
            .map(|((document, reference), outcome)| CloudReport::of(document, reference, outcome))
            .collect()
    }
}
