//! Where documents come from: a checkout, a file, a manifest, standard input, a URL.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build_metadata::BuildMetadata;
use super::checkout;
use super::fault::Faults;
use super::git::GitError;
use super::manifest;
use super::{Document, MAX_DOCUMENT_BYTES};
use crate::text::{Printable, path_name};

/// A document, with what its surroundings say of its files.
#[derive(Debug, Clone)]
pub struct Sourced {
    /// The document.
    pub document: Document,
    /// The legacy metadata of the same checkout; empty outside a checkout.
    pub legacy: Arc<BuildMetadata>,
}

/// A JSON file of a checkout that is no stream metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The file's path inside the checkout.
    pub name: String,
}

/// Everything that the sources gave.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The documents, in order.
    pub documents: Vec<Sourced>,
    /// What was looked at and left out.
    pub skipped: Vec<Skipped>,
}

/// Why a source cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A file or directory could not be read.
    #[error("{}: {error}", Printable(path))]
    Io {
        /// What was to be read.
        path: String,
        /// Why it wasn't.
        error: io::Error,
    },
    /// A file of a checkout is a link out of it, or no regular file.
    #[error("{}: found {found}, expected a regular file inside the checkout", Printable(path))]
    NotAFile {
        /// The file.
        path: String,
        /// What it is.
        found: &'static str,
    },
    /// The documents of a checkout have too many bytes together.
    #[error(
        "{}: found {bytes} bytes, expected at most {room}: all stream documents of a checkout together have at most {limit}",
        Printable(path)
    )]
    TooMuch {
        /// The first file that is one too many.
        path: String,
        /// How many bytes it has.
        bytes: usize,
        /// How many it could have had.
        room: usize,
        /// How many all could have had.
        limit: usize,
    },
    /// A checkout without stream metadata.
    #[error("{}: found no stream metadata; looked at {}", Printable(source_name), .looked_at.join(", "))]
    NoDocument {
        /// The checkout.
        source_name: String,
        /// The places that were looked at.
        looked_at: Vec<String>,
    },
    /// A commit's files could not be read.
    #[error("{0}")]
    Git(#[from] GitError),
    /// A document with faults.
    #[error("{0}")]
    Faults(#[from] Faults),
}

impl SourceError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.display().to_string(), error }
    }
}

impl Sources {
    /// Adds the documents of a path: a checkout, a stream file, or a ConfigMap manifest.
    ///
    /// All that is wrong is reported, not just the first of it.
    pub fn add_path(&mut self, path: &Path) -> Result<(), Vec<SourceError>> {
        let metadata = fs::metadata(path).map_err(|error| vec![SourceError::io(path, error)])?;
        if metadata.is_dir() {
            return checkout::read(&checkout::Directory(path), self);
        }
        let bytes = read_file(path).map_err(|error| vec![error])?;
        let beside = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        let legacy = checkout::legacy_around(&beside)?;
        self.add_bytes(&path_name(path), &bytes, Arc::new(legacy)).map_err(|error| vec![error])
    }

    /// Adds the document that a reader holds, such as standard input or the body of a response.
    pub fn add_reader(&mut self, name: &str, reader: impl Read) -> Result<(), SourceError> {
        let bytes =
            read_capped(reader, 0).map_err(|error| SourceError::Io { path: name.to_owned(), error })?;
        self.add_bytes(name, &bytes, Arc::default())
    }

    /// Adds what other sources gave, after these.
    pub fn append(&mut self, mut other: Self) {
        self.documents.append(&mut other.documents);
        self.skipped.append(&mut other.skipped);
    }

    fn add_bytes(&mut self, name: &str, bytes: &[u8], legacy: Arc<BuildMetadata>) -> Result<(), SourceError> {
        let document = manifest::parse(name, bytes)?;
        self.documents.push(Sourced { document, legacy });
        Ok(())
    }
}

/// Reads a file, at most one byte more than a document may have.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, SourceError> {
    let read = |file: fs::File| {
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        read_capped(file, length)
    };
    fs::File::open(path).and_then(read).map_err(|error| SourceError::io(path, error))
}

/// Room is made at once for as many bytes as are expected: a buffer that grows is twice there for a while.
fn read_capped(reader: impl Read, expected: usize) -> io::Result<Vec<u8>> {
    let limit = MAX_DOCUMENT_BYTES.saturating_add(1);
    let mut bytes = Vec::with_capacity(expected.min(limit));
    reader.take(u64::try_from(limit).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
