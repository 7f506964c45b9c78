//! What did not pass, by reason: ten thousand failures are seldom more than three stories.

use crate::report::model::{ArtifactReport, Report};
use crate::verdict::{Reason, Verdict};

/// The artifacts that share a verdict and a reason.
pub(super) struct Group<'a> {
    /// Fail or inconclusive.
    pub(super) verdict: Verdict,
    /// Why.
    pub(super) reason: Option<Reason>,
    /// In the report's order; never empty.
    pub(super) artifacts: Vec<&'a ArtifactReport>,
}

/// How many pieces of advice a heading has room for.
const MOST_ADVICE: usize = 3;

impl Group<'_> {
    /// What to do about all of them: every advice that they bring, once.
    pub(super) fn to_do(&self) -> String {
        self.shared_advice().unwrap_or_else(|| "See the advice of each.".to_owned())
    }

    /// The advice of all its artifacts, if it is little enough to be said once. It names the document or host that it
    /// is about.
    pub(super) fn shared_advice(&self) -> Option<String> {
        let mut all: Vec<&str> = Vec::new();
        for advice in self.artifacts.iter().filter_map(|artifact| artifact.advice.as_deref()) {
            if !all.contains(&advice) {
                all.push(advice);
            }
            if all.len() > MOST_ADVICE {
                return None;
            }
        }
        (!all.is_empty()).then(|| all.join(" "))
    }
}

/// The groups: what is known to be wrong first, then what is undetermined, each in the order of [`Reason`].
pub(super) fn by_reason(report: &Report) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for artifact in report.artifacts.iter().filter(|artifact| artifact.verdict != Verdict::Pass) {
        let key = (artifact.verdict, artifact.reason);
        match groups.iter_mut().find(|group| (group.verdict, group.reason) == key) {
            Some(group) => group.artifacts.push(artifact),
            None => groups.push(Group {
                verdict: artifact.verdict,
                reason: artifact.reason,
                artifacts: vec![artifact],
            }),
        }
    }
    groups.sort_by_key(|group| (group.verdict != Verdict::Fail, group.reason));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn what_is_wrong_comes_before_what_is_undetermined() {
        let report = sample::report();
        let groups = by_reason(&report);
        let order: Vec<_> = groups.iter().filter_map(|group| group.reason).map(Reason::as_str).collect();
        assert_eq!(
            order,
            [
                "not-published",
                "missing",
                "size-mismatch",
                "sha256-mismatch",
                "metadata-conflict",
                "unreachable",
                "no-digest"
            ]
        );
        let grouped: usize = groups.iter().map(|group| group.artifacts.len()).sum();
        assert_eq!(grouped, report.summary.failed + report.summary.inconclusive);
    }
}
