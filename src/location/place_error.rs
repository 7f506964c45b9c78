//! Why a URL has no equivalent at a target.

use super::build_id::BuildIdError;
use super::layout::NotUnderstood;
use super::product::{NoDirectory, Product};
use crate::text::excerpt;

/// Why a URL has no equivalent at a target: the URL, its parts as parsed, and what is missing.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    #[error("{url}: {why}")]
    NotUnderstood {
        url: String,
        #[source]
        why: NotUnderstood,
    },
    #[error("{url} (understood as {understood}) has no location under {target}: {why}")]
    NoPlace {
        url: String,
        understood: String,
        target: String,
        #[source]
        why: NoPlace,
    },
}

impl PlaceError {
    pub(super) fn not_understood(url: &str, why: NotUnderstood) -> Self {
        use super::BadLocation::{Query, QueryDigest, Userinfo};
        let may_hold_password = matches!(why, NotUnderstood::BadLocation(Query | QueryDigest | Userinfo));
        // A password must not reach a log through an error message.
        let url = if may_hold_password && url.contains('@') {
            "a URL with `@`".to_owned()
        } else {
            excerpt(url, 500)
        };
        Self::NotUnderstood { url, why }
    }
}

/// Why no URL can be derived from one that was parsed.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    #[error(transparent)]
    NoDirectory(#[from] NoDirectory),
    #[error(
        "the URL does not say which build the file belongs to; resolve it from its stream document, whose `release` does"
    )]
    BuildUnknown,
    #[error("the location follows from the build ID, and {0}")]
    UnknownBuild(BuildIdError),
    #[error("neither the URL nor the document's release says which build the file belongs to: {0}")]
    Release(BuildIdError),
    #[error("the URL is for RHEL CoreOS, but the document's release `{build}` is a Fedora build")]
    WrongRelease { build: String },
    #[error("the file name `{file}` does not begin with rhcos-, scos- or fedora-coreos- and a version")]
    FileUnknown { file: String },
    #[error("its directory belongs to build {directory}, but its file name to build {file}")]
    TwoBuilds { directory: String, file: String },
    #[error("the public mirror's layout (`dependencies/rhcos`) holds only rhcos, not {product}")]
    MirrorHoldsRhcosOnly { product: Product },
    #[error(
        "the mirror's directories are named after OpenShift versions, which `{build}` does not contain: name the version"
    )]
    NoSeries { build: String },
}
