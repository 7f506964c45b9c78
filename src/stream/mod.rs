//! Stream metadata: the documents of an installer checkout and the artifacts they name.
//!
//! The format is the one of coreos/stream-metadata-go. Whatever this version does not know (fields,
//! platforms, formats, components) is carried or ignored, never rejected: documents of later years must work.

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

/// One stream document, as far as the gate needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What people call it: the path inside its checkout, a file's path, a URL, or `-` for standard input.
    pub name: Arc<str>,
    /// The digest of the document's bytes; in a manifest those of its `data.stream`.
    pub sha256: Sha256,
    /// The keys of a manifest's `data.streams` that hold the document.
    pub keys: Vec<Arc<str>>,
    /// The `stream` field, such as `rhcos-4.8`. It does not say in which directory the files are.
    pub stream: String,
    pub form: Form,
    /// Every artifact, in the document's order.
    pub artifacts: Vec<Artifact>,
    /// Every scalar under `images` and `rhel-coreos-extensions`, in the document's order.
    pub cloud_images: Vec<CloudImage>,
}

impl Document {
    /// Whether another document says the same of the same artifacts, in whatever bytes.
    fn says_the_same(&self, other: &Self) -> bool {
        (&self.stream, &self.artifacts, &self.cloud_images)
            == (&other.stream, &other.artifacts, &other.cloud_images)
    }

    /// The names of its stream: the field, and the keys of a manifest.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.stream).chain(self.keys.iter().map(|key| &**key))
    }
}

/// One downloadable file: a component of a format of a platform of an architecture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Which artifact this is, unique within its document.
    pub id: ArtifactId,
    /// The platform's `release`, a build ID.
    pub release: Arc<str>,
    /// The `location`, exactly as the document has it. Not yet a URL that anybody should request.
    pub location: String,
    /// The `signature`, exactly as the document has it.
    pub signature: Option<String>,
    pub sha256: Sha256,
    /// The digest of the file's bytes once decompressed.
    pub uncompressed_sha256: Option<Sha256>,
    /// The file's size in bytes, if the document says one.
    pub size: Option<u64>,
    /// The decompressed size in bytes, if the document says one.
    pub uncompressed_size: Option<u64>,
}

/// One scalar of the cloud images, flattened: `x86_64`, `images.aws.regions.us-east-1.image`, `ami-…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloudImage {
    pub arch: Arc<str>,
    /// The path of keys below the architecture, joined with dots.
    pub path: String,
    /// The value; a scalar other than a string in its JSON form.
    pub value: String,
}

#[cfg(test)]
mod tests;
