//! What the network said of an artifact. What it means is for the judge to say.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::content::ContentEvidence;
use super::openpgp::SignatureCheck;
use crate::http::{Failure, ProbeError, ProbeErrorKind, Refusal, StatusCode};
use crate::stream::{BuildFile, DocumentBuild, Sha256};

/// Everything that is known of one artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    pub file: Observation,
    /// Every sha256 that a server published for the file.
    pub published: Vec<PublishedDigest>,
    /// Every sha256 that a server published for the file once decompressed.
    pub published_uncompressed: Vec<PublishedDigest>,
    /// What the `meta.json` of the file's directory says of it.
    pub meta_json: Vec<BuildFile>,
    /// What that `meta.json` says of the whole build.
    pub build: Option<Arc<DocumentBuild>>,
    /// The file's size in bytes at the bridge that was asked for it.
    pub bridge_size: Option<u64>,
    /// Sidecars that may exist but could not be read.
    pub unread: Vec<Unread>,
    /// What its bytes say, or why they could not be read to their end; `None` if nobody asked.
    pub content: Option<Result<ContentEvidence, ProbeError>>,
    /// What came of asking for the signature; `None` if nobody asked.
    pub signature: Option<Observation>,
    /// What a keyring says of the signature over the bytes; `None` without one, or if they were not read.
    pub signature_check: Option<SignatureCheck>,
    /// What a keyring says of the `sha256sum.txt`; `None` without a keyring or without the sidecar.
    pub sums_check: Option<SignatureCheck>,
    /// How often the file was asked for, redirects not counted.
    pub attempts: u32,
    /// The host that answered for the file, at the end of all redirects; `None` if none did.
    pub answered_by: Option<Arc<str>>,
    /// What a server said that could not be used: a malformed digest header, a sidecar that is none.
    pub remarks: Vec<String>,
    /// What ended the asking before all of this was known.
    pub cut_short: Option<ProbeError>,
}

impl Evidence {
    /// The evidence of a file that nobody asked anything else about.
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

    /// The evidence before anybody answered.
    pub fn unanswered() -> Self {
        let detail = "no answer".to_owned();
        Self::only(Observation::Undetermined(ProbeError {
            kind: ProbeErrorKind::Deadline,
            status: None,
            detail,
        }))
    }

    /// The same evidence, of which some may be missing: the run ended first.
    pub fn cut_short(mut self, error: ProbeError) -> Self {
        match &mut self.file {
            Observation::Undetermined(unknown) if unknown.kind == ProbeErrorKind::Deadline => {
                *unknown = error;
            }
            _ => self.cut_short = Some(error),
        }
        self
    }

    /// Whether any server published a digest that proves the file, if it is the right one.
    pub fn has_published_proof(&self) -> bool {
        self.published.iter().any(|digest| digest.can_prove)
    }
}

/// What came of asking for one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    Present {
        status: u16,
        /// The size in bytes, if the server told a usable one.
        size: Option<u64>,
    },
    Absent {
        status: u16,
        how: Absence,
    },
    /// It was not asked, or the answer not followed, because of the rules.
    Refused(Refusal),
    Undetermined(ProbeError),
}

impl Observation {
    pub(super) fn present(status: StatusCode, size: Option<u64>) -> Self {
        Self::Present { status: status.as_u16(), size }
    }

    pub(super) fn absent(status: StatusCode, how: Absence) -> Self {
        Self::Absent { status: status.as_u16(), how }
    }

    /// What an answer is to somebody who needs the file itself, and did not get it.
    pub(super) fn into_error(self) -> ProbeError {
        let unusable = |status, detail| ProbeError { kind: ProbeErrorKind::ServerError, status, detail };
        match self {
            Self::Undetermined(error) => error,
            Self::Refused(refusal) => unusable(None, refusal.to_string()),
            Self::Absent { status, how } => unusable(Some(status), how.said(status)),
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

/// How a server shows that it does not have a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// By the status: 404, 410, or a 403 that is not a firewall's.
    Status,
    Html,
    Empty,
    /// By its storage class: it is there and is not served.
    Archived,
}

impl Absence {
    pub fn said(self, status: u16) -> String {
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
    /// Whether it can prove the file. One from a list that is malformed elsewhere can only contradict.
    pub can_prove: bool,
}

/// A sidecar that may exist but could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    pub sidecar: &'static str,
    pub error: ProbeError,
}

/// Where a digest was found.
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

impl DigestSource {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Sha256sumTxt => "sha256sum.txt",
            Self::MetaJson => "meta.json",
            Self::Content => "content",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_the_run_takes_the_place_of_an_answer_that_was_still_awaited_and_of_no_other() {
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
