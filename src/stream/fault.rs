//! What is wrong with a document, said so that a person can go and mend it.

use std::fmt;

use crate::text::{Printable, count, excerpt};

/// The longest excerpt of a found value that a fault quotes, in characters.
const EXCERPT: usize = 80;

/// The number of faults of one document that are kept; the rest is only counted.
const KEPT: usize = 50;

/// One thing that keeps a document from being used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The document's name.
    pub file: String,
    /// The line and column, both from 1, where they are known.
    pub position: Option<(usize, usize)>,
    /// The JSON path, keys joined with dots and very long ones cut; empty for the document itself.
    pub path: String,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Printable(&self.file))?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        if !self.path.is_empty() {
            write!(f, ": {}", Printable(&self.path))?;
        }
        write!(f, ": found {}, expected {}", self.found, self.expected)
    }
}

/// Everything that is wrong with one document, in the order of the document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    kept: Vec<Fault>,
    dropped: usize,
}

impl Faults {
    /// The faults, the first fifty of them.
    pub fn kept(&self) -> &[Fault] {
        &self.kept
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn push(&mut self, fault: Fault) {
        self.push_with(|| fault);
    }

    /// Adds a fault that is only put into words if it is kept: finding its place takes time, and a document
    /// may have as many faults as bytes.
    pub(super) fn push_with(&mut self, fault: impl FnOnce() -> Fault) {
        if self.kept.len() < KEPT {
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

/// The JSON path of some keys. A key may be as long as a document.
pub(super) fn path(keys: &[String]) -> String {
    let mut path = String::new();
    for key in keys {
        if !path.is_empty() {
            path.push('.');
        }
        match key.char_indices().nth(EXCERPT) {
            Some((end, _)) => path.extend([key.get(..end).unwrap_or_default(), "…"]),
            None => path.push_str(key),
        }
    }
    path
}

/// A found JSON string, quoted and cut.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", excerpt(text, EXCERPT))
}

/// A found JSON value by its text in the document: strings and scalars quoted, the rest named.
pub(super) fn described(raw: &str) -> String {
    match raw.as_bytes().first() {
        Some(b'{') => "an object".to_owned(),
        Some(b'[') => "an array".to_owned(),
        Some(b'"') => format!("the string {}", excerpt(raw, EXCERPT)),
        Some(b't' | b'f' | b'n') => raw.to_owned(),
        _ => format!("the number {}", excerpt(raw, EXCERPT)),
    }
}
