//! Which artifacts a command is about.

use std::collections::BTreeSet;

use super::args::Filters;
use crate::stream::{ArtifactId, Document};
use crate::text::Printable;

/// A filter that matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMatch {
    /// A value that no artifact has.
    #[error("no artifact has the {what} {found}; there are: {}", existing.join(", "))]
    Value {
        /// Architecture, platform, format or component.
        what: &'static str,
        /// The value.
        found: String,
        /// The values that artifacts have.
        existing: Vec<String>,
    },
    /// Values that no artifact has together.
    #[error("no artifact matches all the filters; there are: {}", existing.join(", "))]
    Together {
        /// The ids that match the architectures and platforms, or all of them.
        existing: Vec<String>,
    },
}

/// One filter: what it is about, the values asked for, and where an id has it.
type Dimension<'f> = (&'static str, &'f [String], fn(&ArtifactId) -> &str);

impl Filters {
    fn dimensions(&self) -> [Dimension<'_>; 4] {
        [
            ("architecture", &self.architecture, |id| &id.arch),
            ("platform", &self.platform, |id| &id.platform),
            ("format", &self.format, |id| &id.format),
            ("component", &self.component, |id| &id.component),
        ]
    }

    /// Whether an artifact is asked for. No filter asks for all.
    pub fn matches(&self, id: &ArtifactId) -> bool {
        self.dimensions()
            .iter()
            .all(|(_, wanted, of)| wanted.is_empty() || wanted.iter().any(|value| value == of(id)))
    }

    /// Leaves only the artifacts that are asked for in the documents.
    pub fn apply(&self, documents: &mut [&mut Document]) -> Result<(), NoMatch> {
        let ids =
            || documents.iter().flat_map(|document| document.artifacts.iter().map(|artifact| &artifact.id));
        for (what, wanted, of) in self.dimensions() {
            let existing: BTreeSet<&str> = ids().map(of).collect();
            if let Some(found) = wanted.iter().find(|value| !existing.contains(value.as_str())) {
                return Err(NoMatch::Value {
                    what,
                    found: format!("\"{}\"", Printable(found)),
                    existing: existing.iter().map(|value| Printable(value).to_string()).collect(),
                });
            }
        }
        if !ids().any(|id| self.matches(id)) {
            let existing: BTreeSet<String> = ids().map(|id| Printable(&id.to_string()).to_string()).collect();
            return Err(NoMatch::Together { existing: existing.into_iter().take(50).collect() });
        }
        for document in documents {
            document.artifacts.retain(|artifact| self.matches(&artifact.id));
        }
        Ok(())
    }
}
