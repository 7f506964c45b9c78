//! The report of a run, from which every output is rendered. Serialized, it is version 1 of the JSON report.
//!
//! Fields can be added, but not renamed. Unknown values are `null`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use super::cloud::{CloudReport, CloudSummary};
pub use super::prow::ProwContext;
pub use super::refs::{RefBuild, RefReport};
pub use crate::change::{Change, ChangeKind, Changes, Pinned};
use crate::probe::DigestSource;
use crate::stream::{Sha256, Skipped};
use crate::verdict::{Reason, SizeSource, Verdict, Verify};

/// The version of the JSON report's schema.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// The version of this schema. It changes when fields are renamed or removed.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// The program's version, with the commit that it was built from, if known.
    pub version: String,
    /// `fail` if any artifact, ref or required cloud reference failed, `pass` if all passed, else `inconclusive`.
    pub verdict: Verdict,
    /// Where the artifacts were checked.
    pub target: ReportedTarget,
    /// The number of artifacts by verdict.
    pub summary: Summary,
    /// The required evidence (`--verify`); null if unknown.
    pub verify: Option<Verify>,
    /// The part of the run that this report covers; null if it covers the whole run.
    pub partition: Option<PartitionReport>,
    /// The Prow job; its fields are null outside Prow.
    pub prow: ProwContext,
    /// All documents, in the order of the run.
    pub documents: Vec<DocumentReport>,
    /// All files that were examined and are not stream documents.
    pub skipped: Vec<Skipped>,
    /// All artifacts, in the order of the documents.
    pub artifacts: Vec<ArtifactReport>,
    /// All cloud references that were checked, in the order of the documents.
    #[serde(default)]
    pub cloud_images: Vec<CloudReport>,
    /// The number of cloud references by verdict; null if they were not checked.
    #[serde(default)]
    pub cloud_summary: Option<CloudSummary>,
    /// All refs of a run over the refs of a repository, in the order of the run.
    #[serde(default)]
    pub refs: Vec<RefReport>,
    /// What the pull request changes; null if there was no base to compare with. No verdict depends on it.
    pub changes: Option<Changes>,
    /// Why the run could not check anything, one sentence each: faults of documents, usage errors.
    pub problems: Vec<String>,
    /// The signal that ended the run, `SIGINT` or `SIGTERM`; null if none did.
    pub interrupted_by: Option<String>,
    /// The duration of the run in milliseconds.
    pub elapsed_ms: u64,
    /// Remarks about the run as a whole: files skipped, overrides ignored.
    pub notes: Vec<String>,
    /// The request to ART, to paste into a ticket; `None` if nothing needs mirroring. It is derived from the artifacts,
    /// so the JSON report omits it.
    #[serde(skip)]
    pub request: Option<String>,
}

/// The part of a run that a report covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PartitionReport {
    /// The number of the part, from 1.
    pub part: u32,
    /// The total number of parts.
    pub of: u32,
    /// The digest of the whole run's artifacts, in order, and of the options that they are judged by. It is the same in
    /// all parts.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub scope: Sha256,
}

/// A document of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DocumentReport {
    /// The document's name in messages.
    pub name: Arc<str>,
    /// The digest of its bytes.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub sha256: Sha256,
    /// The number of its artifacts that the filters selected, over all parts of the run.
    pub artifacts: usize,
}

/// Where the artifacts were checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportedTarget {
    /// The kind of the target.
    pub kind: TargetKind,
    /// The URL prefix that locations were resolved to; null for `published`.
    pub prefix: Option<String>,
}

/// The kinds of [`ReportedTarget`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// The locations exactly as in the documents.
    #[default]
    Published,
    /// A bridge server. A pass there is not a mirror pass.
    Bridge,
    /// A mirror other than the documents' own locations.
    Mirror,
}

/// The number of artifacts by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// All artifacts.
    pub artifacts: usize,
    /// Those that passed.
    pub passed: usize,
    /// Those known to be wrong.
    pub failed: usize,
    /// Those undetermined.
    pub inconclusive: usize,
    /// The number of warnings, over all artifacts.
    pub warnings: usize,
}

/// The result of checking an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArtifactReport {
    /// Its position in the whole run, from 0, over all parts, in the order of the documents.
    pub index: usize,
    /// The document's name.
    pub document: Arc<str>,
    /// `ARCH/PLATFORM/FORMAT/COMPONENT`, preceded by `DOCUMENT:` in a run over several documents.
    pub id: String,
    /// The architecture.
    pub arch: Arc<str>,
    /// The platform.
    pub platform: Arc<str>,
    /// The format.
    pub format: Arc<str>,
    /// The component.
    pub component: Arc<str>,
    /// The release of its platform, a build ID.
    pub release: Arc<str>,
    /// The location as in the document.
    pub location: String,
    /// The URL that was or would have been requested; null if the location has none.
    pub url: Option<String>,
    /// The result of the check.
    pub verdict: Verdict,
    /// Why it did not pass; null if it did.
    pub reason: Option<Reason>,
    /// Whether it is missing because it is in an archive storage class, from which it can be restored.
    pub archived: bool,
    /// The result in one sentence.
    pub message: String,
    /// What to do about it, in a sentence or two; null if it passed.
    pub advice: Option<String>,
    /// The HTTP status of the last response; null if there was none.
    pub http_status: Option<u16>,
    /// The host that answered, after all redirects; null if none did. In EC2, the CDN redirects to a bucket.
    pub answered_by: Option<Arc<str>>,
    /// The sizes, in bytes.
    pub size: SizeReport,
    /// The digests.
    pub sha256: Sha256Report,
    /// The digests of the decompressed bytes.
    pub uncompressed_sha256: UncompressedReport,
    /// The number of requests for the artifact, not counting redirects; 0 if there was none.
    pub attempts: u32,
    /// Facts worth knowing that are not failures, one sentence each.
    pub warnings: Vec<String>,
}

impl ArtifactReport {
    /// The URL that was or would have been requested, or else the location.
    pub fn url_or_location(&self) -> &str {
        self.url.as_deref().unwrap_or(&self.location)
    }

    /// The message, with the number of attempts if the artifact is undetermined. Not yet printable.
    pub(super) fn full_message(&self) -> String {
        match (self.verdict, self.attempts) {
            (Verdict::Inconclusive, attempts @ 2..) => format!("{} ({attempts} attempts)", self.message),
            _ => self.message.clone(),
        }
    }

    /// `ARCH/PLATFORM/FORMAT/COMPONENT`, without the document's name, so that it is the same in all builds.
    pub fn bare_id(&self) -> String {
        format!("{}/{}/{}/{}", self.arch, self.platform, self.format, self.component)
    }
}

/// An artifact's sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SizeReport {
    /// The expected size.
    pub expected: Option<u64>,
    /// The source of the expected size.
    pub expected_from: Option<SizeSource>,
    /// The size that the server reported or served.
    pub observed: Option<u64>,
}

/// The sha256 digests of an artifact's decompressed bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UncompressedReport {
    /// The digest in the document.
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{64}$")))]
    pub expected: Option<Sha256>,
    /// The digest of the downloaded and decompressed bytes.
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{64}$")))]
    pub observed: Option<Sha256>,
}

/// An artifact's sha256 digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sha256Report {
    /// The digest in the document.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub expected: Sha256,
    /// The digest that was found; if sources disagree, one that differs from the document's.
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{64}$")))]
    pub observed: Option<Sha256>,
    /// The source of the observed digest.
    pub observed_from: Option<DigestSource>,
}
