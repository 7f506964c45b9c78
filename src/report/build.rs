//! Building a report from outcomes.

use std::collections::HashSet;
use std::sync::Arc;

use url::Url;

use crate::location::HostKind;
use crate::probe::Absence;
use crate::report::bounds::fit_lines;
use crate::report::model::{
    ArtifactReport, PartitionReport, Report, ReportedTarget, SCHEMA_VERSION, Sha256Report, SizeReport,
    Summary, UncompressedReport,
};
use crate::stream::{Artifact, Partition, Sha256};
use crate::verdict::{Finding, Outcome, Verdict};

impl Report {
    /// The report of a run of which only the target is known yet.
    pub fn begun(target: ReportedTarget) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            version: env!("ART_MIRROR_VALIDATE_VERSION").to_owned(),
            verdict: Verdict::Inconclusive,
            target,
            ..Self::default()
        }
    }

    /// Adds the artifacts, and derives the verdict from theirs.
    pub fn of(self, artifacts: Vec<ArtifactReport>) -> Self {
        let mut summary = Summary::default();
        for artifact in &artifacts {
            summary.add(artifact);
        }
        let mut notes = self.notes;
        notes.extend(redirect_notes(&artifacts));
        let mut seen = HashSet::new();
        notes.retain(|note| seen.insert(note.clone()));
        fit_lines(&mut notes);
        Self { verdict: summary.verdict(), summary, artifacts, notes, ..self }
    }

    /// Marks the report as one of a part of a run. A part without artifacts passes, because the verdict on the whole
    /// run comes from merging all parts.
    pub fn part(mut self, partition: Partition, scope: Sha256) -> Self {
        self.partition = Some(PartitionReport { part: partition.part(), of: partition.of(), scope });
        if self.artifacts.is_empty() && self.documents.iter().any(|document| document.artifacts > 0) {
            self.verdict = Verdict::Pass;
        }
        self.notes.push(part_note(partition));
        self
    }
}

/// One sentence for each host that redirected to another, because what other users get may differ.
fn redirect_notes(artifacts: &[ArtifactReport]) -> Vec<String> {
    let mut notes = Vec::new();
    for artifact in artifacts {
        let url = artifact.url.as_deref().and_then(|url| Url::parse(url).ok());
        let (Some(host), Some(by)) = (url.as_ref().and_then(Url::host_str), &artifact.answered_by) else {
            continue;
        };
        let note = match HostKind::of(by) {
            _ if **by == *host => continue,
            HostKind::RedirectTarget => format!(
                "answered by the bucket, not the CDN: {host} redirected to {by}, as it does for clients in EC2; this does not show what users elsewhere get"
            ),
            _ => format!("answered by {by}, to which {host} redirected"),
        };
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

/// The note that distinguishes the report of a part from that of the whole run.
pub(super) fn part_note(partition: Partition) -> String {
    format!(
        "part {} of {} only: the verdict on the whole run comes from merging all parts",
        partition.part(),
        partition.of()
    )
}

impl Summary {
    pub(super) fn add(&mut self, artifact: &ArtifactReport) {
        self.count(artifact.verdict);
        self.warnings += artifact.warnings.len();
    }

    pub fn count(&mut self, verdict: Verdict) {
        self.artifacts += 1;
        match verdict {
            Verdict::Pass => self.passed += 1,
            Verdict::Fail => self.failed += 1,
            Verdict::Inconclusive => self.inconclusive += 1,
        }
    }

    /// A failure takes precedence over an undetermined artifact. A run without artifacts does not pass.
    fn verdict(self) -> Verdict {
        if self.failed > 0 {
            Verdict::Fail
        } else if self.inconclusive > 0 || self.passed == 0 {
            Verdict::Inconclusive
        } else {
            Verdict::Pass
        }
    }
}

impl ArtifactReport {
    /// The report of one artifact, without advice or index. `id` is as in [`ArtifactReport::id`].
    pub fn of(
        document: &Arc<str>,
        id: &str,
        artifact: &Artifact,
        url: Option<String>,
        outcome: &Outcome,
    ) -> Self {
        let reason = outcome.reason();
        Self {
            index: 0,
            document: Arc::clone(document),
            id: id.to_owned(),
            arch: Arc::clone(&artifact.id.arch),
            platform: Arc::clone(&artifact.id.platform),
            format: Arc::clone(&artifact.id.format),
            component: Arc::clone(&artifact.id.component),
            release: Arc::clone(&artifact.release),
            location: artifact.location.clone(),
            url,
            verdict: outcome.verdict(),
            reason,
            archived: matches!(
                outcome.findings.first(),
                Some(Finding::Missing { how: Absence::Archived, .. })
            ),
            message: outcome.message(),
            advice: None,
            http_status: outcome.http_status,
            answered_by: outcome.answered_by.clone(),
            size: SizeReport {
                expected: outcome.expected_size.map(|(size, _)| size),
                expected_from: outcome.expected_size.map(|(_, from)| from),
                observed: outcome.observed_size,
            },
            sha256: Sha256Report {
                expected: artifact.sha256,
                observed: outcome.observed_sha256.map(|(digest, _)| digest),
                observed_from: outcome.observed_sha256.map(|(_, from)| from),
            },
            uncompressed_sha256: UncompressedReport {
                expected: artifact.uncompressed_sha256,
                observed: outcome.observed_uncompressed_sha256,
            },
            attempts: outcome.attempts,
            warnings: outcome.warnings.clone(),
        }
    }
}
