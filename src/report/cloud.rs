//! The cloud references of a run. They are counted apart from artifacts, and affect the verdict only if required.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::report::model::Report;
use crate::stream::{CloudReference, CloudResource};
use crate::text::{count, excerpt};
use crate::verdict::{Outcome, Reason, Strictness, Verdict};

/// The limit of a reference's texts, in characters.
const MAX_TEXT: usize = 300;

/// The most warnings of a reference.
const MAX_WARNINGS: usize = 3;

/// The result of checking a cloud reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CloudVerdict {
    /// The cloud has it.
    Pass,
    /// It is known to be wrong.
    Fail,
    /// It could not be determined.
    Inconclusive,
    /// It is well-formed, but only visible with an account.
    NotVerifiable,
}

/// The result of checking a cloud reference, in the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CloudReport {
    /// The document's name.
    pub document: Arc<str>,
    /// `ARCH/images/CLOUD`, `ARCH/images/CLOUD/REGION` or `ARCH/extensions/NAME`.
    pub id: String,
    /// Its release, a build ID; null if it has none.
    pub release: Option<String>,
    /// The URL, or the container image by digest, as in the document; null for images that require an account.
    pub reference: Option<String>,
    /// The number of images that it stands for: one, or one for each region.
    pub images: usize,
    /// The result of the check.
    pub verdict: CloudVerdict,
    /// Why it is wrong or undetermined, else null.
    pub reason: Option<Reason>,
    /// The result in one sentence.
    pub message: String,
    /// What to do about it, in one sentence; null if nothing needs doing.
    pub advice: Option<String>,
    /// The HTTP status of the last response; null if there was none.
    pub http_status: Option<u16>,
    /// The host that answered, after all redirects; null if none did.
    pub answered_by: Option<Arc<str>>,
    /// The number of requests for it; 0 if there was none.
    pub attempts: u32,
    /// Facts worth knowing that are not failures, one sentence each.
    pub warnings: Vec<String>,
}

/// The number of cloud references by verdict, and their effect on the verdict of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CloudSummary {
    /// Their effect on the verdict of the run.
    pub mode: Strictness,
    /// Those that their cloud has.
    pub passed: usize,
    /// Those known to be wrong.
    pub failed: usize,
    /// Those undetermined.
    pub inconclusive: usize,
    /// Those only visible with an account.
    pub not_verifiable: usize,
}

impl CloudReport {
    /// The report of one reference, without advice.
    pub fn of(document: &Arc<str>, reference: &CloudReference, outcome: &Outcome) -> Self {
        let (resource, images) = match &reference.resource {
            CloudResource::Blob { url } | CloudResource::Object { url, .. } => (Some(url), 1),
            CloudResource::Container { digest_ref, .. } => (Some(digest_ref), 1),
            CloudResource::Account(images) => (None, images.len()),
        };
        let verdict = match outcome.verdict() {
            Verdict::Pass if outcome.needs_account => CloudVerdict::NotVerifiable,
            Verdict::Pass => CloudVerdict::Pass,
            Verdict::Fail => CloudVerdict::Fail,
            Verdict::Inconclusive => CloudVerdict::Inconclusive,
        };
        let message = match verdict {
            CloudVerdict::NotVerifiable if resource.is_some() => {
                "the registry requires an account to see it; not verified".to_owned()
            }
            CloudVerdict::NotVerifiable => {
                format!(
                    "{} of {}, not verifiable without an account",
                    count(images, "image"),
                    reference.platform()
                )
            }
            // A registry identifies a manifest by its digest; the size does not matter.
            CloudVerdict::Pass if matches!(reference.resource, CloudResource::Container { .. }) => {
                "present, with the expected digest".to_owned()
            }
            _ => excerpt(&outcome.message(), MAX_TEXT),
        };
        Self {
            document: Arc::clone(document),
            id: excerpt(&reference.id(), MAX_TEXT),
            release: reference.release.as_deref().map(|release| excerpt(release, MAX_TEXT)),
            reference: resource.map(|resource| excerpt(resource, MAX_TEXT)),
            images,
            verdict,
            reason: outcome.reason(),
            message,
            advice: None,
            http_status: outcome.http_status,
            answered_by: outcome.answered_by.clone(),
            attempts: outcome.attempts,
            warnings: outcome.warnings.iter().take(MAX_WARNINGS).map(|it| excerpt(it, MAX_TEXT)).collect(),
        }
    }

    /// The verdict if the reference is wrong or undetermined.
    pub(super) fn problem(&self) -> Option<Verdict> {
        self.verdict.as_artifact_verdict().filter(|verdict| *verdict != Verdict::Pass)
    }

    /// Its reason, or else its verdict.
    pub(super) const fn word(&self) -> &'static str {
        match (self.reason, self.verdict) {
            (Some(reason), _) => reason.as_str(),
            (None, CloudVerdict::NotVerifiable) => "not verifiable",
            (None, _) => "pass",
        }
    }
}

impl CloudVerdict {
    /// The same as the verdict on an artifact; `None` if it is not verifiable.
    pub(super) const fn as_artifact_verdict(self) -> Option<Verdict> {
        match self {
            Self::Pass => Some(Verdict::Pass),
            Self::Fail => Some(Verdict::Fail),
            Self::Inconclusive => Some(Verdict::Inconclusive),
            Self::NotVerifiable => None,
        }
    }
}

impl CloudSummary {
    fn of(mode: Strictness, references: &[CloudReport]) -> Self {
        let number = |verdict| references.iter().filter(|it| it.verdict == verdict).count();
        Self {
            mode,
            passed: number(CloudVerdict::Pass),
            failed: number(CloudVerdict::Fail),
            inconclusive: number(CloudVerdict::Inconclusive),
            not_verifiable: number(CloudVerdict::NotVerifiable),
        }
    }

    /// The summary as a line of text; `None` if there are no references.
    pub fn sentence(&self) -> Option<String> {
        let parts = [
            (self.passed, "there"),
            (self.failed, "wrong or missing"),
            (self.inconclusive, "undetermined"),
            (self.not_verifiable, "not verifiable without an account"),
        ];
        let counts: Vec<String> = parts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        let uncounted = match self.mode {
            Strictness::Warn if self.failed + self.inconclusive > 0 => {
                " (the verdict does not depend on them: --cloud-images require)"
            }
            _ => "",
        };
        (!counts.is_empty()).then(|| format!("cloud references: {}{uncounted}", counts.join(", ")))
    }
}

impl Report {
    /// Adds the cloud references. If they are required, the verdict depends on theirs too.
    pub fn with_cloud(mut self, mode: Strictness, references: Vec<CloudReport>) -> Self {
        let summary = CloudSummary::of(mode, &references);
        if mode == Strictness::Require {
            let worst = match summary {
                CloudSummary { failed: 1.., .. } => Verdict::Fail,
                CloudSummary { inconclusive: 1.., .. } => Verdict::Inconclusive,
                _ => Verdict::Pass,
            };
            self.verdict = self.verdict.max(worst);
        }
        let sentence = summary.sentence().filter(|sentence| !self.notes.contains(sentence));
        self.notes.extend(sentence);
        Self { cloud_images: references, cloud_summary: Some(summary), ..self }
    }
}
