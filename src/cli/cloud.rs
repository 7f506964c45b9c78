//! The cloud references of a run of `check`.

use std::sync::Arc;

use super::filters::Filters;
use crate::gate::Clouds;
use crate::report::cloud::CloudReport;
use crate::stream::{CloudReference, Sourced, Sources};
use crate::verdict::{Outcome, Strictness};

/// The most cloud references in a run. A document has about twenty; thirty branches have seven hundred.
const MOST: usize = 1_500;

/// The selected cloud references, each with its document's name.
pub(super) struct References {
    mode: Strictness,
    documents: Vec<Arc<str>>,
    references: Vec<CloudReference>,
}

impl References {
    /// The references in all documents that match the filters. Fails if the documents have too many.
    pub(super) fn of(mode: Strictness, filters: &Filters, sources: &Sources) -> Result<Self, String> {
        let mut found = Self { mode, documents: Vec::new(), references: Vec::new() };
        if mode == Strictness::Ignore {
            return Ok(found);
        }
        for Sourced { document, .. } in &sources.documents {
            let references = document.cloud_references();
            let number = found.references.len() + references.len();
            if number > MOST {
                let name = &document.name;
                return Err(format!(
                    "{name}: found {number} cloud references, expected at most {MOST} in a run"
                ));
            }
            for reference in references.into_iter().filter(|it| filters.match_cloud(document, it)) {
                found.documents.push(Arc::clone(&document.name));
                found.references.push(reference);
            }
        }
        Ok(found)
    }

    pub(super) fn to_judge(&self) -> Clouds<'_> {
        Clouds { references: &self.references, count: self.mode == Strictness::Require }
    }

    pub(super) fn reports(&self, outcomes: &[Outcome]) -> Vec<CloudReport> {
        let references = self.documents.iter().zip(&self.references).zip(outcomes);
        references
            .map(|((document, reference), outcome)| CloudReport::of(document, reference, outcome))
            .collect()
    }
}
