//! What an artifact should be.

use serde::{Deserialize, Serialize};

use crate::stream::{BuildFile, MetaJsonClaim, Sha256};

/// The expected properties of an artifact, and how much proof is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    pub sha256: Sha256,
    /// The document's digest of the decompressed file.
    pub uncompressed_sha256: Option<Sha256>,
    /// The document's size in bytes.
    pub size: Option<u64>,
    /// The document's size of the decompressed file, in bytes.
    pub uncompressed_size: Option<u64>,
    /// Entries of legacy metadata in the same checkout for this file.
    pub legacy: Vec<BuildFile>,
    /// What to compare with the build's `meta.json`, where the layout has one beside the file.
    pub claim: Option<MetaJsonClaim>,
    pub names_signature: bool,
    pub verify: Verify,
    pub signatures: Strictness,
}

impl Expectation {
    /// The expected sizes that need no request, in bytes, each with its source, most authoritative first: the
    /// document, then legacy metadata.
    pub fn sizes(&self) -> impl Iterator<Item = (u64, SizeSource)> {
        self.ranked(self.size, |file| file.size)
    }

    /// Like [`Self::sizes`], for the decompressed file.
    pub fn uncompressed_sizes(&self) -> impl Iterator<Item = (u64, SizeSource)> {
        self.ranked(self.uncompressed_size, |file| file.uncompressed_size)
    }

    fn ranked(
        &self,
        stream: Option<u64>,
        size: fn(&BuildFile) -> Option<u64>,
    ) -> impl Iterator<Item = (u64, SizeSource)> {
        let legacy = self.legacy.iter().filter_map(size);
        let stream = stream.into_iter().map(|size| (size, SizeSource::Stream));
        stream.chain(legacy.map(|size| (size, SizeSource::Legacy)))
    }
}

/// How much proof is required.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Verify {
    /// Status and size
    Exists,
    /// Also a sha256 that the server publishes: a digest header, sha256sum.txt or meta.json
    Published,
    /// Published where there is one, else content
    #[default]
    Auto,
    /// Download and hash
    Content,
}

/// What a missing companion of the artifacts means: a detached signature, a cloud image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Strictness {
    /// Not checked.
    Ignore,
    /// A warning: the verdict does not depend on it.
    #[default]
    Warn,
    /// A failure.
    Require,
}

/// The source of an expected size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum SizeSource {
    /// The stream document's optional `size`.
    #[serde(rename = "stream")]
    Stream,
    /// Legacy metadata in the same checkout.
    #[serde(rename = "legacy")]
    Legacy,
    /// The build's `meta.json`.
    #[serde(rename = "meta.json")]
    MetaJson,
    /// A HEAD of the same file on the bridge.
    #[serde(rename = "bridge")]
    Bridge,
}

impl std::fmt::Display for SizeSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Stream => "the document",
            Self::Legacy => "legacy metadata",
            Self::MetaJson => "meta.json",
            Self::Bridge => "the bridge",
        })
    }
}
