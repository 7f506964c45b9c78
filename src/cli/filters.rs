//! The filters that select artifacts.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::PathBuf;

use clap::Args;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use crate::location::Arch;
use crate::stream::{ArtifactId, CloudReference, Document, Sources};
use crate::text::Printable;

/// The most available values or ids that an error lists.
const MOST_LISTED: usize = 50;

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Only this architecture, by its RPM name; repeatable
    #[arg(short, long, value_name = "ARCH", add = ArgValueCandidates::new(architectures))]
    pub architecture: Vec<String>,

    /// Only this platform; repeatable
    #[arg(short, long, value_name = "PLATFORM", add = ArgValueCandidates::new(platforms))]
    pub platform: Vec<String>,

    /// Only this format; repeatable
    #[arg(short, long, value_name = "FORMAT", add = ArgValueCandidates::new(formats))]
    pub format: Vec<String>,

    /// Only this component: disk, kernel, initramfs or rootfs; repeatable
    #[arg(short, long, value_name = "COMPONENT", add = ArgValueCandidates::new(components))]
    pub component: Vec<String>,

    /// Only this stream: its key in a manifest's streams (rhel-9) or the document's own name; repeatable
    #[arg(long, value_name = "STREAM", add = ArgValueCandidates::new(streams))]
    pub stream: Vec<String>,
}

/// The architectures that boot images are built for.
fn architectures() -> Vec<CompletionCandidate> {
    Arch::ALL.iter().map(|arch| CompletionCandidate::new(OsStr::new(arch.rpm_name()))).collect()
}

pub(super) fn platforms() -> Vec<CompletionCandidate> {
    of_documents(|document| document.artifacts.iter().map(|artifact| &*artifact.id.platform).collect())
}

fn formats() -> Vec<CompletionCandidate> {
    of_documents(|document| document.artifacts.iter().map(|artifact| &*artifact.id.format).collect())
}

fn components() -> Vec<CompletionCandidate> {
    of_documents(|document| document.artifacts.iter().map(|artifact| &*artifact.id.component).collect())
}

fn streams() -> Vec<CompletionCandidate> {
    of_documents(|document| document.streams().collect())
}

/// The values in the documents that the command line names, or else in the checkout in this directory. URLs are not
/// fetched: completion must be fast.
fn of_documents(values: fn(&Document) -> BTreeSet<&str>) -> Vec<CompletionCandidate> {
    let words = std::env::args_os().map(PathBuf::from).skip(1);
    let mut named: Vec<PathBuf> = words.filter(|word| word.is_file() || word.is_dir()).collect();
    if named.is_empty() {
        named.push(".".into());
    }
    let mut sources = Sources::default();
    for path in named {
        // The command itself reports what cannot be read.
        let _ = sources.add_path(&path);
    }
    let found: BTreeSet<&str> = sources.documents.iter().flat_map(|it| values(&it.document)).collect();
    // The values come from an untrusted document and go to a shell.
    let is_plain = |value: &&str| value.chars().all(|it| it.is_ascii_alphanumeric() || "._+-".contains(it));
    let found = found.into_iter().filter(is_plain);
    found.map(|value| CompletionCandidate::new(OsStr::new(value))).collect()
}

/// A filter that matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMatch {
    #[error("no artifact has the {what} {found}; available: {}", existing.join(", "))]
    Value { what: &'static str, found: String, existing: Vec<String> },
    #[error("no artifact matches all filters; available: {}", existing.join(", "))]
    Together { existing: Vec<String> },
}

/// One filter: its name, the wanted values, and the value of an id.
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

    /// Whether an artifact matches. An empty filter matches everything.
    pub fn matches(&self, document: &Document, id: &ArtifactId) -> bool {
        self.dimensions()
            .iter()
            .all(|(_, wanted, of)| wanted.is_empty() || wanted.iter().any(|value| value == of(id)))
            && (self.stream.is_empty()
                || document.streams().any(|name| self.stream.iter().any(|it| it == name)))
    }

    /// Whether a cloud reference matches. It has no format or component, so a filter for these never matches it.
    pub fn match_cloud(&self, document: &Document, reference: &CloudReference) -> bool {
        let is = |wanted: &[String], value: &str| wanted.is_empty() || wanted.iter().any(|it| it == value);
        is(&self.architecture, &reference.arch)
            && is(&self.platform, reference.platform())
            && self.format.is_empty()
            && self.component.is_empty()
            && (self.stream.is_empty() || document.streams().any(|name| is(&self.stream, name)))
    }

    /// Removes the artifacts that do not match from a document.
    pub fn keep(&self, document: &mut Document) {
        let mut artifacts = std::mem::take(&mut document.artifacts);
        artifacts.retain(|artifact| self.matches(document, &artifact.id));
        document.artifacts = artifacts;
    }

    /// Removes the artifacts that do not match from the documents. Fails if a value or all filters together match none.
    pub fn apply(&self, documents: &mut [&mut Document]) -> Result<(), NoMatch> {
        let ids =
            || documents.iter().flat_map(|document| document.artifacts.iter().map(|artifact| &artifact.id));
        let no_match = |what, wanted: &[String], existing: BTreeSet<&str>| {
            let found = wanted.iter().find(|value| !existing.contains(value.as_str()))?;
            let existing = existing.iter().take(MOST_LISTED);
            Some(NoMatch::Value {
                what,
                found: format!("\"{}\"", Printable(found)),
                existing: existing.map(|value| Printable(value).to_string()).collect(),
            })
        };
        for (what, wanted, of) in self.dimensions() {
            if let Some(error) = no_match(what, wanted, ids().map(of).collect()) {
                return Err(error);
            }
        }
        let streams = documents.iter().flat_map(|document| document.streams());
        if let Some(error) = no_match("stream", &self.stream, streams.collect()) {
            return Err(error);
        }
        let matches = |document: &&mut Document| {
            document.artifacts.iter().any(|artifact| self.matches(document, &artifact.id))
        };
        if !documents.iter().any(matches) {
            let existing: BTreeSet<String> = ids().map(|id| Printable(&id.to_string()).to_string()).collect();
            return Err(NoMatch::Together { existing: existing.into_iter().take(MOST_LISTED).collect() });
        }
        for document in documents {
            self.keep(document);
        }
        Ok(())
    }
}
