//! Stream metadata: the documents of an installer checkout and the artifacts they name.
//!
//! The format is that of coreos/stream-metadata-go. Unknown fields, platforms, formats and components are accepted,
//! so that later documents work too.

mod build_metadata;
mod checkout;
mod claim;
mod cloud;
mod derivation;
mod digest;
mod fault;
mod form;
mod git;
mod history;
mod id;
mod json;
mod limits;
mod load;
mod manifest;
mod parse;
mod partition;
mod reader;
mod refs;
mod source;
mod tree;
mod urls;

pub use build_metadata::{BuildFile, BuildMetadata};
pub use checkout::{
    Checkout, CommitFiles, list_commit, read_checkout, read_commit, read_file_of, read_listed,
};
pub use cloud::{AccountImage, CloudReference, CloudResource};
pub use derivation::{Claims, Differences, DocumentBuild, MetaJsonClaim};
pub use digest::{Sha256, Sha256Error};
pub use fault::{Fault, Faults};
pub use form::Form;
pub use git::{CommitId, GitError, Repository};
pub use history::{Past, walk_history};
pub use id::{ArtifactId, UrlField};
pub use json::line_of;
pub use limits::{MAX_DOCUMENT_BYTES, MAX_HISTORY_BYTES};
pub use partition::{Partition, PartitionError};
pub use refs::{RefDocuments, RefSources, short_name};
pub use source::{LegacyBuild, Skipped, SourceError, SourceErrors, Sourced, Sources};
pub use urls::{FoundUrl, find_urls, replace_urls};

use std::sync::Arc;

/// One stream document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The path in its checkout, a file's path, a URL, or `-` for standard input.
    pub name: Arc<str>,
    /// The digest of the document's bytes; in a manifest, of its text there.
    pub sha256: Sha256,
    /// The keys of a manifest's `data.streams` whose value is this document.
    pub keys: Vec<Arc<str>>,
    /// The `stream` field, such as `rhcos-4.8`. It does not determine the directory of the files.
    pub stream: String,
    pub form: Form,
    /// Every artifact, in the document's order.
    pub artifacts: Vec<Artifact>,
    /// Every scalar under `images` and `rhel-coreos-extensions`, in the document's order.
    pub cloud_images: Vec<CloudImage>,
}

impl Document {
    /// Whether another document has the same content, ignoring formatting.
    fn says_the_same(&self, other: &Self) -> bool {
        (&self.stream, &self.artifacts, &self.cloud_images)
            == (&other.stream, &other.artifacts, &other.cloud_images)
    }

    /// The names of its stream: the `stream` field, and its keys in a manifest.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.stream).chain(self.keys.iter().map(|key| &**key))
    }
}

/// One downloadable file: a component of a format of a platform of an architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Unique within its document.
    pub id: ArtifactId,
    /// The platform's `release`, a build ID.
    pub release: Arc<str>,
    /// The `location` from the document, not yet checked whether it may be requested.
    pub location: String,
    /// The `signature` from the document, unchecked like `location`.
    pub signature: Option<String>,
    pub sha256: Sha256,
    /// The digest of the decompressed bytes.
    pub uncompressed_sha256: Option<Sha256>,
    /// The size of the file in bytes, if the document has it.
    pub size: Option<u64>,
    /// The decompressed size in bytes, if the document has it.
    pub uncompressed_size: Option<u64>,
}

/// One scalar of the cloud images: `x86_64`, `images.aws.regions.us-east-1.image`, `ami-…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudImage {
    pub arch: Arc<str>,
    /// The path of keys below the architecture, joined with dots.
    pub path: String,
    /// The value; a scalar other than a string as JSON.
    pub value: String,
}

#[cfg(test)]
mod tests;
