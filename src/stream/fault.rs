//! Faults of a document, with what a person needs to correct them.

use std::fmt;

use super::limits::{MAX_EXCERPT, MAX_FAULT_PATH, MAX_FAULTS};
use crate::text::{Printable, count, excerpt};

/// One reason why a document cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub file: String,
    /// The line and column, both from 1, if known.
    pub position: Option<(usize, usize)>,
    /// The JSON path, keys joined with dots, shortened and printable; empty for the document itself.
    pub path: String,
    pub found: String,
    pub expected: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Printable(&self.file))?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", self.path)?;
        }
        write!(f, ": found {}, expected {}", self.found, self.expected)
    }
}

/// All faults of one document, in the order of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    dropped: usize,
}

impl Faults {
    pub(super) fn count(&self) -> usize {
        self.kept.len().saturating_add(self.dropped)
    }

    /// Adds the faults of a document inside this one.
    pub(super) fn append(&mut self, other: Self) {
        self.dropped += other.dropped;
        other.kept.into_iter().for_each(|fault| self.push(fault));
    }

    /// Keeps the first `limit` faults and only counts the others.
    pub(super) fn cut(&mut self, limit: usize) {
        let count = self.count();
        self.kept.truncate(limit);
        self.dropped = count - self.kept.len();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn push(&mut self, fault: Fault) {
        self.push_with(|| fault);
    }

    /// Adds a fault, which is built only if it is below the limit: finding its position takes time, and a document
    /// can have as many faults as bytes.
    pub(super) fn push_with(&mut self, fault: impl FnOnce() -> Fault) {
        if self.kept.len() < MAX_FAULTS {
            self.kept.push(fault());
        } else {
            self.dropped += 1;
        }
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self { kept: vec![fault], dropped: 0 }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.kept.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{fault}")?;
        }
        if self.dropped > 0 {
            write!(f, "\n… and {}", count(self.dropped, "more fault"))?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// The JSON path of some keys, shortened, because a key can be as long as a document.
pub(super) fn path(keys: &[String]) -> String {
    let mut path = String::new();
    for key in keys {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(&excerpt(key, MAX_EXCERPT));
        if path.len() > MAX_FAULT_PATH {
            path.push_str(".…");
            break;
        }
    }
    path
}

/// A found JSON string, quoted and shortened.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", excerpt(text, MAX_EXCERPT))
}

/// Describes a found JSON value: its text for strings and scalars, its type for objects and arrays.
pub(super) fn described(raw: &str) -> String {
    match raw.as_bytes().first() {
        Some(b'{') => "an object".to_owned(),
        Some(b'[') => "an array".to_owned(),
        Some(b'"') => format!("the string {}", excerpt(raw, MAX_EXCERPT)),
        Some(b't' | b'f' | b'n') => excerpt(raw, MAX_EXCERPT),
        _ => format!("the number {}", excerpt(raw, MAX_EXCERPT)),
    }
}
