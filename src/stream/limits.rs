//! The bounds of what is read, in one place. Each has room over the real documents of 2019 to 2026, whose
//! largest values are in parentheses.
//!
//! Strings are bounded by their length *as printed*, in bytes: what is escaped in every report counts as it is
//! there. A string that is copied into the report of each artifact can so not multiply.

/// The largest document, in bytes, and the most that is read of one checkout. (real: 60 KiB)
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024 * 1024;

/// How deep the values of a document may be nested. (real: 8)
pub(super) const MAX_NESTING: usize = 32;

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

/// How much the cloud images may take with their paths, in bytes. (real: 0.1 MiB)
pub(super) const MAX_CLOUD_BYTES: usize = 16 * 1024 * 1024;

/// The most images that build metadata may describe. (real: 25)
pub(super) const MAX_IMAGES: usize = 10_000;

/// The most images that may be one file. (real: 1)
pub(super) const MAX_IMAGES_OF_A_FILE: usize = 4;

/// How deep directories may be nested below `data/data/coreos`. (real: 1)
pub(super) const MAX_DEPTH: usize = 16;

/// The most files and directories that are looked at in a checkout. (real: a release payload has 1,000 manifests)
pub(super) const MAX_FILES: usize = 10_000;

/// The most that is read of the documents of all commits of a history together, in bytes. (real: 0.1 GiB)
pub const MAX_HISTORY_BYTES: usize = 512 * 1024 * 1024;

/// The most faults of one document that are put into words; the rest is counted.
pub(super) const MAX_FAULTS: usize = 50;

/// The most faults and other problems of a whole run that are put into words; the rest is counted.
pub(super) const MAX_PROBLEMS: usize = 100;

/// The longest path of keys in a fault.
pub(super) const MAX_FAULT_PATH: usize = 400;

/// The longest excerpt of a found value in a fault, or of one key of a path.
pub(super) const MAX_EXCERPT: usize = 80;
