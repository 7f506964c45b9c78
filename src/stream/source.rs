//! What sources of documents give, and why one cannot be used.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::Document;
use super::build_metadata::BuildMetadata;
use super::fault::Faults;
use super::git::GitError;
use super::limits::MAX_PROBLEMS;
use crate::text::{Printable, count};

/// A document, with what its surroundings say of its files.
#[derive(Debug, Clone)]
pub struct Sourced {
    /// The document.
    pub document: Document,
    /// The legacy metadata of the same checkout; empty outside a checkout.
    pub legacy: Arc<BuildMetadata>,
}

/// Something of a checkout, manifest or directory that was looked at and is not read as a stream document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The path inside the checkout.
    pub name: String,
    /// Why it is not read.
    pub why: String,
}

/// A build that legacy metadata is of: the metadata of 2019 and later names it in `buildid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyBuild {
    /// The file's path inside the checkout.
    pub name: String,
    /// The architecture, by its RPM name.
    pub arch: &'static str,
    /// The build ID; none if the file does not say it.
    pub build_id: Option<String>,
}

/// Everything that the sources gave.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The documents, in order.
    pub documents: Vec<Sourced>,
    /// What was looked at and left out.
    pub skipped: Vec<Skipped>,
    /// The builds of legacy metadata.
    pub legacy_builds: Vec<LegacyBuild>,
}

impl Sources {
    /// Adds what other sources gave, after these.
    pub fn append(&mut self, mut other: Self) {
        self.documents.append(&mut other.documents);
        self.skipped.append(&mut other.skipped);
        self.legacy_builds.append(&mut other.legacy_builds);
    }

    pub(super) fn skip(&mut self, name: impl Into<String>, why: impl Into<String>) {
        self.skipped.push(Skipped { name: name.into(), why: why.into() });
    }
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
    /// Something of a checkout is a link out of it, or not what its name says.
    #[error("{}: found {found}, expected {expected}", Printable(path))]
    Unusable {
        /// What was to be read.
        path: String,
        /// What it is.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The files of a checkout have too many bytes together.
    #[error(
        "{}: found {bytes} bytes, expected at most {left}: all files of a checkout together have at most {limit}",
        Printable(path)
    )]
    TooMuch {
        /// The first file that is one too many.
        path: String,
        /// How many bytes it has.
        bytes: u64,
        /// How many it could have had.
        left: usize,
        /// How many all could have had.
        limit: usize,
    },
    /// A checkout or directory without stream metadata.
    #[error("{}: found no stream metadata; looked at {looked_at}", Printable(source_name))]
    NoDocument {
        /// The checkout.
        source_name: String,
        /// The places that were looked at.
        looked_at: &'static str,
    },
    /// Git could not answer.
    #[error("{0}")]
    Git(#[from] GitError),
    /// A document with faults.
    #[error("{0}")]
    Faults(#[from] Faults),
    /// Anything else, in words for a person.
    #[error("{0}")]
    Other(String),
}

impl SourceError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.display().to_string(), error }
    }
}

/// Everything that is wrong with some sources, as far as it can be put into words of bounded length.
#[derive(Debug, Default)]
pub struct SourceErrors {
    kept: Vec<SourceError>,
    /// How many lines the kept ones have.
    lines: usize,
    /// How many more there are.
    more: usize,
}

impl SourceErrors {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The errors, those that are kept.
    pub fn kept(&self) -> &[SourceError] {
        &self.kept
    }

    /// Adds an error.
    pub fn push(&mut self, mut error: SourceError) {
        let left = MAX_PROBLEMS.saturating_sub(self.lines);
        let count = if let SourceError::Faults(faults) = &error { faults.count() } else { 1 };
        if left == 0 {
            self.more = self.more.saturating_add(count);
            return;
        }
        if let SourceError::Faults(faults) = &mut error {
            faults.cut(left);
        }
        self.lines = self.lines.saturating_add(count);
        self.kept.push(error);
    }

    /// Adds the errors of other sources.
    pub fn append(&mut self, other: Self) {
        other.kept.into_iter().for_each(|error| self.push(error));
        self.more = self.more.saturating_add(other.more);
    }

    /// Nothing, if nothing is wrong.
    pub fn into_result(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl<E: Into<SourceError>> From<E> for SourceErrors {
    fn from(error: E) -> Self {
        let mut errors = Self::default();
        errors.push(error.into());
        errors
    }
}

impl fmt::Display for SourceErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.kept.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        if self.more > 0 {
            write!(f, "\n… and {} in other files", count(self.more, "more fault"))?;
        }
        Ok(())
    }
}

impl std::error::Error for SourceErrors {}
