//! The limits of what is read. The largest values of the real documents of 2019 to 2026 are in parentheses.
//!
//! Strings are limited by their length *as printed*, in bytes, so that escapes cannot make the reports, which repeat
//! strings for each artifact, much larger than the document.

/// The largest document, and the most that is read from one checkout, in bytes. (real: 60 KiB)
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024 * 1024;

/// The deepest nesting of values, the default limit of `serde_json`. (real: 8; schemas in other manifests: 50)
pub(super) const MAX_NESTING: usize = 127;

/// The most that is parsed of one text, in bytes: each level of nesting parses all of its content again.
pub(super) const MAX_READ: usize = 16 * MAX_DOCUMENT_BYTES;

/// The largest manifest, in bytes: Kubernetes allows 1 MiB of data in a `ConfigMap` (its documentation,
/// "Motivation"), and etcd 1.5 MiB of any object. (real: 200 KiB; other manifests of a release payload: 2 MiB)
pub(super) const MAX_MANIFEST_BYTES: usize = 8 * 1024 * 1024;

/// The longest URL. (real: 181)
pub(super) const MAX_URL: usize = 2_048;

/// The longest `release` or `buildid`. (real: 21)
pub(super) const MAX_RELEASE: usize = 128;

/// The longest name of a stream. (real: 10)
pub(super) const MAX_STREAM: usize = 128;

/// The longest name of an architecture, platform, format or component. (real: 22)
pub(super) const MAX_NAME: usize = 64;

/// The longest path of a file in a checkout. (real: 48)
pub(super) const MAX_PATH: usize = 256;

/// The longest file name in legacy metadata or a `meta.json`. (real: 77)
pub(super) const MAX_FILE_NAME: usize = 512;

/// The longest path of keys to a value of the cloud images. (real: 48)
pub(super) const MAX_CLOUD_PATH: usize = 512;

/// The longest value of the cloud images. (real: 137)
pub(super) const MAX_CLOUD_VALUE: usize = 2_048;

/// The most memory for cloud images and their paths, in bytes. (real: 0.1 MiB)
pub(super) const MAX_CLOUD_BYTES: usize = 16 * 1024 * 1024;

/// The most images in build metadata. (real: 25)
pub(super) const MAX_IMAGES: usize = 10_000;

/// The most images with the same file. (real: 1)
pub(super) const MAX_IMAGES_OF_A_FILE: usize = 4;

/// The deepest nesting of directories below `data/data/coreos`. (real: 1)
pub(super) const MAX_DEPTH: usize = 16;

/// The most names listed in a checkout. (real: a release payload has 1,000 manifests)
pub(super) const MAX_FILES: usize = 10_000;

/// The most that is read from all commits of a history together, in bytes. (real: 0.1 GiB)
pub const MAX_HISTORY_BYTES: usize = 512 * 1024 * 1024;

/// The most faults of one document that are listed; the rest is counted.
pub(super) const MAX_FAULTS: usize = 50;

/// The most faults and other errors of a run that are listed; the rest is counted.
pub(super) const MAX_PROBLEMS: usize = 100;

/// The length after which the path of a fault is cut.
pub(super) const MAX_FAULT_PATH: usize = 400;

/// The longest excerpt of a found value in a fault, or of one key of a path.
pub(super) const MAX_EXCERPT: usize = 80;
