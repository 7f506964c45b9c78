//! Why a URL has no place at a target.

use super::build_id::BuildIdError;
use super::layout::NotUnderstood;
use super::product::{NoDirectory, Product};
use crate::text::excerpt;

/// Why a URL has no place at a target: the URL, what was understood of it, and what is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// The URL means nothing that is known.
    #[error("{url}: {why}")]
    NotUnderstood {
        /// The URL, made safe to print.
        url: String,
        /// Why not.
        #[source]
        why: NotUnderstood,
    },
    /// The URL is understood, but no place follows from it.
    #[error("{url} (understood as {understood}) has no place under {target}: {why}")]
    NoPlace {
        /// The URL.
        url: String,
        /// What was understood of it.
        understood: String,
        /// The prefix of the target.
        target: String,
        /// Why not.
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

/// Why no place follows from a URL that is understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// The layout has no directory for the build.
    #[error(transparent)]
    NoDirectory(#[from] NoDirectory),
    /// Nothing says which build the file is of.
    #[error(
        "the URL does not say which build the file is of; resolve it from its stream document, whose `release` \
         does"
    )]
    BuildUnknown,
    /// Directories of other layouts are named after what a build ID says, and the build's name is no such ID.
    #[error("the place follows from the build ID, and {0}")]
    UnknownBuild(BuildIdError),
    /// The document's `release` is needed, and is no build ID.
    #[error(
        "the URL does not say which build the file is of, and the document's release does not either: {0}"
    )]
    Release(BuildIdError),
    /// The document's `release` is needed, and is of another product.
    #[error("the URL is of RHEL CoreOS, but the document's release `{build}` is a build of Fedora")]
    WrongRelease {
        /// The build ID.
        build: String,
    },
    /// The file's name has no known form, so that it cannot be renamed or attributed to a product.
    #[error("the file name `{file}` does not begin with rhcos-, scos- or fedora-coreos- and a version")]
    FileUnknown {
        /// The name, made safe to print.
        file: String,
    },
    /// Directory and file name contradict each other.
    #[error("its directory is of build {directory}, but its file name is of build {file}")]
    TwoBuilds {
        /// The build that the directory is of.
        directory: String,
        /// The build that the file's name is of.
        file: String,
    },
    /// A product that the public mirror does not hold.
    #[error("the public mirror's layout (`dependencies/rhcos`) holds rhcos alone, not {product}")]
    MirrorHoldsRhcosOnly {
        /// The product.
        product: Product,
    },
    /// A build that says no OpenShift series, for a directory that is named after one.
    #[error(
        "the mirror's directories are named after OpenShift versions, and `{build}` does not say one: the \
         version must be given"
    )]
    NoSeries {
        /// The build ID.
        build: String,
    },
}
