//! The cloud references of a run: counted apart from the artifacts, and towards the verdict only if that was asked for.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::report::model::Report;
use crate::stream::{CloudReference, CloudResource};
use crate::text::{count, excerpt};
use crate::verdict::{Outcome, Reason, Strictness, Verdict};

/// The longest text of a reference, in characters.
const MAX_TEXT: usize = 300;

/// The most warnings of a reference: one for each other release, or one of the tag.
const MAX_WARNINGS: usize = 3;

/// What is known of a cloud reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CloudVerdict {
    /// Its cloud has it.
    Pass,
    /// It is known to be wrong.
    Fail,
    /// It could not be determined.
    Inconclusive,
    /// It has the form that it should have, and nobody can see it without an account.
    NotVerifiable,
}

/// One cloud reference's part of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CloudReport {
    /// The document's name.
    pub document: Arc<str>,
    /// `ARCH/images/CLOUD`, `ARCH/images/CLOUD/REGION` or `ARCH/extensions/NAME`.
    pub id: String,
    /// Its release, a build ID; null if it has none of its own.
    pub release: Option<String>,
    /// The URL, or the container image by digest, as the document has it; null for what only an account can see.
    pub reference: Option<String>,
    /// How many images it stands for: one, or one for each region.
    pub images: usize,
    /// What is known of it.
    pub verdict: CloudVerdict,
    /// Why it did not pass; null if it did.
    pub reason: Option<Reason>,
    /// One sentence for a person.
    pub message: String,
    /// What to do about it, one sentence for a person; null if nothing is to be done.
    pub advice: Option<String>,
    /// The status of the last response, null if there was none.
    pub http_status: Option<u16>,
    /// The host that answered, at the end of all redirects; null if none did.
    pub answered_by: Option<Arc<str>>,
    /// How often it was asked for; 0 if it never was.
    pub attempts: u32,
    /// What is not wrong but should be known, one sentence each.
    pub warnings: Vec<String>,
}

/// How many cloud references there are of each verdict, and what they count for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CloudSummary {
    /// What they count for.
    pub mode: Strictness,
    /// Those whose cloud has them.
    pub passed: usize,
    /// Those known to be wrong.
    pub failed: usize,
    /// Those undetermined.
    pub inconclusive: usize,
    /// Those that nobody can see without an account.
    pub not_verifiable: usize,
}

impl CloudReport {
    /// The report of one reference, as yet without advice.
    pub fn of(document: &Arc<str>, reference: &CloudReference, outcome: &Outcome) -> Self {
        let (named, images) = match &reference.resource {
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
            CloudVerdict::NotVerifiable if named.is_some() => {
                "the registry requires an account to see it; not verified".to_owned()
            }
            CloudVerdict::NotVerifiable => {
                format!(
                    "{} of {}, not verifiable without an account",
                    count(images, "image"),
                    reference.platform()
                )
            }
            // The digest is what a registry knows a manifest by; its size is nobody's concern.
            CloudVerdict::Pass if matches!(reference.resource, CloudResource::Container { .. }) => {
                "present, with the expected digest".to_owned()
            }
            _ => excerpt(&outcome.message(), MAX_TEXT),
        };
        Self {
            document: Arc::clone(document),
            id: excerpt(&reference.id(), MAX_TEXT),
            release: reference.release.as_deref().map(|release| excerpt(release, MAX_TEXT)),
            reference: named.map(|named| excerpt(named, MAX_TEXT)),
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
}

impl CloudVerdict {
    /// The verdict, for who shows it as one of an artifact; none of what cannot be verified.
    pub(super) const fn known(self) -> Option<Verdict> {
        match self {
            Self::Pass => Some(Verdict::Pass),
            Self::Fail => Some(Verdict::Fail),
            Self::Inconclusive => Some(Verdict::Inconclusive),
            Self::NotVerifiable => None,
        }
    }
}

impl CloudReport {
    /// The verdict of a reference that is wrong or undetermined.
    pub(super) fn trouble(&self) -> Option<Verdict> {
        self.verdict.known().filter(|verdict| *verdict != Verdict::Pass)
    }

    /// What it is in one word: its reason, or its verdict.
    pub(super) const fn word(&self) -> &'static str {
        match (self.reason, self.verdict) {
            (Some(reason), _) => reason.as_str(),
            (None, CloudVerdict::NotVerifiable) => "not verifiable",
            (None, _) => "pass",
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

    /// One line for a person; none where there are no references.
    pub fn sentence(&self) -> Option<String> {
        let parts = [
            (self.passed, "there"),
            (self.failed, "wrong or missing"),
            (self.inconclusive, "undetermined"),
            (self.not_verifiable, "not verifiable without an account"),
        ];
        let said: Vec<String> = parts
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
        (!said.is_empty()).then(|| format!("cloud references: {}{uncounted}", said.join(", ")))
    }
}

impl Report {
    /// The report with what is known of its cloud references. The verdict follows from theirs too, if they are
    /// required.
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
