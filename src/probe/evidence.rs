//! What servers report about an artifact. The judge decides what it means.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::content::ContentEvidence;
use super::openpgp::SignatureCheck;
use crate::http::{Failure, ProbeError, ProbeErrorKind, Refusal, StatusCode};
use crate::stream::{BuildFile, DocumentBuild, Sha256};

/// Everything that is known about one artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub file: Observation,
    /// Every sha256 that a server published for the file.
    pub published: Vec<PublishedDigest>,
    /// Every sha256 that a server published for the decompressed file.
    pub published_uncompressed: Vec<PublishedDigest>,
    /// The entries for the file in its directory's `meta.json`.
    pub meta_json: Vec<BuildFile>,
    /// The build-wide fields of that `meta.json`.
    pub build: Option<Arc<DocumentBuild>>,
    /// The file's size on the bridge, in bytes.
    pub bridge_size: Option<u64>,
    /// Sidecars that may exist but could not be read.
    pub unread: Vec<Unread>,
    /// What was computed from the bytes, or why they could not be read to the end; `None` if not requested.
    pub content: Option<Result<ContentEvidence, ProbeError>>,
    /// The result of the request for the signature; `None` if not requested.
    pub signature: Option<Observation>,
    /// The check of the signature over the bytes; `None` without keyring or signature, or if reading failed.
    pub signature_check: Option<SignatureCheck>,
    /// The check of the signature over `sha256sum.txt`; `None` without a keyring or a readable sidecar.
    pub sums_check: Option<SignatureCheck>,
    /// The attempts to request the file, redirects not counted.
    pub attempts: u32,
    /// The host that answered for the file, after all redirects; `None` if none did.
    pub answered_by: Option<Arc<str>>,
    /// Unusable answers: a malformed digest header or sidecar.
    pub remarks: Vec<String>,
    /// What ended the run before the evidence was complete.
    pub cut_short: Option<ProbeError>,
}

impl Evidence {
    /// Evidence with an observation of the file alone.
    pub fn only(file: Observation) -> Self {
        Self {
            file,
            published: Vec::new(),
            published_uncompressed: Vec::new(),
            meta_json: Vec::new(),
            build: None,
            bridge_size: None,
            unread: Vec::new(),
            content: None,
            signature: None,
            signature_check: None,
            sums_check: None,
            attempts: 0,
            answered_by: None,
            remarks: Vec::new(),
            cut_short: None,
        }
    }

    /// The evidence before any answer.
    pub fn unanswered() -> Self {
        let detail = "no answer".to_owned();
        Self::only(Observation::Undetermined(ProbeError {
            kind: ProbeErrorKind::Deadline,
            status: None,
            detail,
        }))
    }

    /// Marks the evidence as incomplete because the run ended.
    pub fn cut_short(mut self, error: ProbeError) -> Self {
        match &mut self.file {
            Observation::Undetermined(unknown) if unknown.kind == ProbeErrorKind::Deadline => {
                *unknown = error;
            }
            _ => self.cut_short = Some(error),
        }
        self
    }

    /// Whether a server published a digest that can prove the file.
    pub fn has_published_proof(&self) -> bool {
        self.published.iter().any(|digest| digest.can_prove)
    }
}

/// The result of requesting one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    Present {
        status: u16,
        /// The size in bytes, if the server reports a usable one.
        size: Option<u64>,
    },
    Absent {
        status: u16,
        how: Absence,
    },
    /// The rules forbid the request, or following a redirect.
    Refused(Refusal),
    Undetermined(ProbeError),
}

impl Observation {
    pub(super) fn present(status: StatusCode, size: Option<u64>) -> Self {
        Self::Present { status: status.as_u16(), size }
    }

    /// The size, if the file is present and the server reported one.
    pub(super) fn size(&self) -> Option<u64> {
        if let Self::Present { size, .. } = self { *size } else { None }
    }

    pub(super) fn absent(status: StatusCode, how: Absence) -> Self {
        Self::Absent { status: status.as_u16(), how }
    }

    /// The error for a caller that needs the file itself and did not get it.
    pub(super) fn into_error(self) -> ProbeError {
        let unusable = |status, detail| ProbeError { kind: ProbeErrorKind::ServerError, status, detail };
        match self {
            Self::Undetermined(error) => error,
            Self::Refused(refusal) => unusable(None, refusal.to_string()),
            Self::Absent { status, how } => unusable(Some(status), how.describe(status)),
            Self::Present { status, .. } => unusable(Some(status), format!("the server answered {status}")),
        }
    }
}

impl From<Failure> for Observation {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Self::Refused(refusal),
            Failure::ProbeError(error, _) => Self::Undetermined(error),
        }
    }
}

/// How a server shows that a file is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// By the status: 404, 410, or a 403 that is not a firewall's.
    Status,
    Html,
    Empty,
    /// By its storage class: it exists but is not served.
    Archived,
}

impl Absence {
    pub fn describe(self, status: u16) -> String {
        match (self, status) {
            (Self::Status, 403) => {
                "the server answered 403, as S3 does for an object that does not exist".to_owned()
            }
            (Self::Status, _) => format!("the server answered {status}"),
            (Self::Html, _) => {
                format!("the server answered {status} with an HTML page instead of the file")
            }
            (Self::Empty, _) => format!("the server answered {status} with an empty file"),
            (Self::Archived, _) => {
                "it is archived and cannot be downloaded until it is restored from the archive storage class"
                    .to_owned()
            }
        }
    }
}

/// A sha256 that a server published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublishedDigest {
    pub source: DigestSource,
    pub sha256: Sha256,
    /// Whether it can prove the file. A digest from a list with a malformed entry can only contradict it.
    pub can_prove: bool,
}

/// A sidecar that may exist but could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub sidecar: &'static str,
    pub error: ProbeError,
}

/// The source of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum DigestSource {
    /// A digest header of the response.
    #[serde(rename = "header")]
    Header,
    /// The directory's `sha256sum.txt`.
    #[serde(rename = "sha256sum.txt")]
    Sha256sumTxt,
    /// The build's `meta.json`.
    #[serde(rename = "meta.json")]
    MetaJson,
    /// The bytes themselves.
    #[serde(rename = "content")]
    Content,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_run_replaces_only_a_pending_answer() {
        let error = |kind, detail: &str| ProbeError { kind, status: None, detail: detail.to_owned() };
        let end = error(ProbeErrorKind::Deadline, "the run was interrupted");
        let awaited = Evidence::unanswered().cut_short(end.clone());
        assert_eq!(awaited, Evidence::only(Observation::Undetermined(end.clone())));

        let timeout = error(ProbeErrorKind::Timeout, "no answer within 30s");
        for known in [Observation::Undetermined(timeout), Observation::Present { status: 200, size: Some(7) }]
        {
            let cut = Evidence::only(known.clone()).cut_short(end.clone());
            assert_eq!(cut, Evidence { cut_short: Some(end.clone()), ..Evidence::only(known) });
        }
    }
}
