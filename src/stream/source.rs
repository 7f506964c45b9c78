//! The documents and errors that sources give.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Document;
use super::build_metadata::BuildMetadata;
use super::fault::Faults;
use super::git::GitError;
use super::limits::MAX_PROBLEMS;
use crate::text::{Printable, count, path_name};

/// A document, with legacy metadata about its files.
#[derive(Debug, Clone)]
pub struct Sourced {
    pub document: Document,
    /// The legacy metadata of the same checkout; empty outside a checkout.
    pub legacy: Arc<BuildMetadata>,
}

/// Something of a checkout, manifest or directory that was looked at and is not read as a stream document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Skipped {
    /// What people call it.
    pub name: String,
    /// Why it was skipped.
    pub why: String,
}

/// The build of legacy metadata, which names it in `buildid` since 2019.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyBuild {
    /// The path of the metadata in the checkout.
    pub name: String,
    pub arch: &'static str,
    pub build_id: Option<String>,
    /// Its images in AWS by region; empty if unreadable.
    pub amis: BTreeMap<String, String>,
}

/// Everything that the sources gave.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    pub documents: Vec<Sourced>,
    pub skipped: Vec<Skipped>,
    pub legacy_builds: Vec<LegacyBuild>,
}

impl Sources {
    /// Appends other sources.
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
    #[error("{}: {error}", Printable(path))]
    Io { path: String, error: io::Error },
    #[error("{}: found {found}, expected {expected}", Printable(path))]
    Unusable { path: String, found: String, expected: &'static str },
    #[error(
        "{}: found {bytes} bytes, expected at most {left}: all files of a checkout together have at most {limit}",
        Printable(path)
    )]
    TooMuch { path: String, bytes: u64, left: usize, limit: usize },
    #[error("{}: found no stream metadata; looked at {looked_at}", Printable(source_name))]
    NoDocument { source_name: String, looked_at: &'static str },
    #[error("{0}")]
    Git(#[from] GitError),
    #[error("{0}")]
    Faults(#[from] Faults),
    #[error("{0}")]
    Other(String),
}

impl SourceError {
    pub(super) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path_name(path), error }
    }
}

/// The errors of some sources, at most `MAX_PROBLEMS` faults; further ones are counted.
#[derive(Debug, Default)]
pub struct SourceErrors {
    kept: Vec<SourceError>,
    lines: usize,
    more: usize,
}

impl SourceErrors {
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub fn kept(&self) -> &[SourceError] {
        &self.kept
    }

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

    pub fn append(&mut self, other: Self) {
        other.kept.into_iter().for_each(|error| self.push(error));
        self.more = self.more.saturating_add(other.more);
    }

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
