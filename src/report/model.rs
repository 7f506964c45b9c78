//! The report of a run: what every output is rendered from, and version 1 of the JSON report.
//!
//! Fields may be added, never renamed. Unknown values are `null`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use super::cloud::{CloudReport, CloudSummary};
pub use super::prow::ProwContext;
pub use super::refs::{RefBuild, RefReport};
pub use crate::change::{Change, ChangeKind, Changes, Pinned};
use crate::probe::DigestSource;
use crate::stream::{Sha256, Skipped};
use crate::verdict::{Reason, SizeSource, Verdict, Verify};

/// The version of the JSON report's shape.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// The version of this shape; another one means that fields were renamed or taken away.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// The program's version, with the commit it was built from where that is known.
    pub version: String,
    /// `fail` if any artifact failed, else `inconclusive` if any is undetermined, else `pass`.
    pub verdict: Verdict,
    /// Where the artifacts were looked for.
    pub target: ReportedTarget,
    /// The counts.
    pub summary: Summary,
    /// How much proof was wanted; null if the report does not know.
    pub verify: Option<Verify>,
    /// Which part of a whole run this is; null if it is a whole run.
    pub partition: Option<PartitionReport>,
    /// Prow's job, as far as there is one.
    pub prow: ProwContext,
    /// Every document, in the order of the run.
    pub documents: Vec<DocumentReport>,
    /// Every file that was looked at and is no stream document.
    pub skipped: Vec<Skipped>,
    /// Every artifact, in the order of the documents.
    pub artifacts: Vec<ArtifactReport>,
    /// Every cloud reference that was looked at, in the order of the documents.
    #[serde(default)]
    pub cloud_images: Vec<CloudReport>,
    /// How many of these there are of each verdict; null if there was no looking at them.
    #[serde(default)]
    pub cloud_summary: Option<CloudSummary>,
    /// Every ref of a run over the refs of a repository, in the order of the run.
    #[serde(default)]
    pub refs: Vec<RefReport>,
    /// What the pull request changes; null where there was nothing to compare with. No verdict depends on it.
    pub changes: Option<Changes>,
    /// What kept the run from checking anything, one sentence each: faults of documents, wrong usage.
    pub problems: Vec<String>,
    /// `SIGINT` or `SIGTERM` if the run was ended by one, else null.
    pub interrupted_by: Option<String>,
    /// The whole run's time in milliseconds.
    pub elapsed_ms: u64,
    /// Remarks about the run as a whole: files skipped, overrides ignored.
    pub notes: Vec<String>,
    /// What is to be mirrored before the gate can turn green, as text to paste; none if there is nothing. It follows
    /// from the artifacts, which is why the JSON report does not have it.
    #[serde(skip)]
    pub request: Option<String>,
}

/// Which part of a run a report is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PartitionReport {
    /// The number of the part, from 1.
    pub part: u32,
    /// How many parts there are.
    pub of: u32,
    /// The digest of what the whole run is about: its artifacts in their order, and the options that they are
    /// judged by. All parts have the same.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub scope: Sha256,
}

/// One document of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DocumentReport {
    /// What people call it.
    pub name: Arc<str>,
    /// The digest of its bytes.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub sha256: Sha256,
    /// How many of its artifacts the filters left for the whole run, all parts together.
    pub artifacts: usize,
}

/// Where the artifacts were looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ReportedTarget {
    /// The literal locations, a bridge, or a mirror.
    pub kind: TargetKind,
    /// The prefix or base that locations were resolved to; null for `published`.
    pub prefix: Option<String>,
}

/// The kinds of [`ReportedTarget`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TargetKind {
    /// The literal locations.
    #[default]
    Published,
    /// A bridge server. A pass there is no mirror pass.
    Bridge,
    /// A mirror other than the literal locations.
    Mirror,
}

/// How many artifacts there are of each verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Summary {
    /// All of them.
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

/// One artifact's part of the report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArtifactReport {
    /// Its place in the whole run, from 0, all parts together: the order of the documents.
    pub index: usize,
    /// The document's name.
    pub document: Arc<str>,
    /// `ARCH/PLATFORM/FORMAT/COMPONENT`; in a run over several documents preceded by `DOCUMENT:`.
    pub id: String,
    /// The architecture.
    pub arch: Arc<str>,
    /// The platform.
    pub platform: Arc<str>,
    /// The format.
    pub format: Arc<str>,
    /// The component.
    pub component: Arc<str>,
    /// The platform's release, a build ID.
    pub release: Arc<str>,
    /// The location as in the document.
    pub location: String,
    /// The URL that was requested, or would have been; null if the location is none.
    pub url: Option<String>,
    /// What is known of the artifact.
    pub verdict: Verdict,
    /// Why it did not pass; null if it did.
    pub reason: Option<Reason>,
    /// Whether it is missing because it was moved to an archive storage class, from which it can be restored.
    pub archived: bool,
    /// One sentence for a person.
    pub message: String,
    /// What to do about it, one sentence for a person; null if it passed.
    pub advice: Option<String>,
    /// The status of the last response, null if there was none.
    pub http_status: Option<u16>,
    /// The host that answered, at the end of all redirects; null if none did. In EC2, the CDN redirects to a bucket.
    pub answered_by: Option<Arc<str>>,
    /// The sizes, in bytes.
    pub size: SizeReport,
    /// The digests.
    pub sha256: Sha256Report,
    /// The digests of the bytes once decompressed.
    pub uncompressed_sha256: UncompressedReport,
    /// How often the artifact was asked for, redirects not counted; 0 if it never was.
    pub attempts: u32,
    /// What is not wrong but should be known, one sentence each.
    pub warnings: Vec<String>,
}

impl ArtifactReport {
    /// The URL that was requested, or would have been; as the document has it where it is none.
    pub fn url_or_location(&self) -> &str {
        self.url.as_deref().unwrap_or(&self.location)
    }

    /// Its message, and how often it was asked for where that tells how well it was tried. Not yet printable.
    pub(super) fn said(&self) -> String {
        match (self.verdict, self.attempts) {
            (Verdict::Inconclusive, attempts @ 2..) => format!("{} ({attempts} attempts)", self.message),
            _ => self.message.clone(),
        }
    }

    /// `ARCH/PLATFORM/FORMAT/COMPONENT`, without the document's name: what lines up from build to build.
    pub fn bare_id(&self) -> String {
        format!("{}/{}/{}/{}", self.arch, self.platform, self.format, self.component)
    }
}

/// An artifact's sizes in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SizeReport {
    /// The size that the file should have.
    pub expected: Option<u64>,
    /// Who says so.
    pub expected_from: Option<SizeSource>,
    /// The size that the server gave.
    pub observed: Option<u64>,
}

/// An artifact's sha256 digests once decompressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct UncompressedReport {
    /// The digest that the document names.
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{64}$")))]
    pub expected: Option<Sha256>,
    /// The digest of what was downloaded and decompressed.
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{64}$")))]
    pub observed: Option<Sha256>,
}

/// An artifact's sha256 digests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sha256Report {
    /// The digest that the document names.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub expected: Sha256,
    /// A digest that was found; where several were, one that disagrees.
    #[cfg_attr(test, schemars(with = "Option<String>", regex(pattern = "^[0-9a-f]{64}$")))]
    pub observed: Option<Sha256>,
    /// Where it was found.
    pub observed_from: Option<DigestSource>,
}
