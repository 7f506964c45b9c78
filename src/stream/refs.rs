//! The documents of the refs of a git repository.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build_metadata::BuildMetadata;
use super::source::{SourceError, Sources};
use super::{Checkout, CommitId, Repository, Sha256, list_commit, read_commit, read_file_of};
use crate::text::excerpt;

/// The documents of some refs. Equal documents of several refs are listed once, unless they have legacy metadata.
#[derive(Debug, Default)]
pub struct RefSources {
    /// The documents, each named after the first ref that has it: `release-4.16:data/data/coreos/rhcos.json`.
    pub sources: Sources,
    /// The refs, in the requested order.
    pub refs: Vec<RefDocuments>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefDocuments {
    /// The short name of the ref, such as `release-4.16` or `origin/main`.
    pub name: Arc<str>,
    /// The indices of its documents in [`RefSources::sources`].
    pub documents: Vec<usize>,
    /// Why some of its documents could not be read, one sentence; `None` if all could.
    pub unreadable: Option<String>,
    /// Whether it has no stream metadata, as in branches before 4.8.
    pub is_without: bool,
    /// The paths and contents of its marketplace files.
    pub marketplaces: Vec<(String, Vec<u8>)>,
}

impl RefSources {
    /// Reads the documents of the refs returned by [`Repository::refs`]. An error in one ref does not affect others.
    pub fn read(repository: &Repository, refs: &[(String, String)]) -> Self {
        let mut read = RefReader::default();
        for (name, target) in refs {
            let name: Arc<str> = short_name(name).into();
            let commit = match repository.commit(target) {
                Ok(commit) => commit,
                Err(error) => {
                    let unreadable = Some(excerpt(&error.to_string(), 500));
                    read.all.refs.push(RefDocuments { unreadable, ..RefDocuments::of(name) });
                    continue;
                }
            };
            let key = list_commit(repository, &commit).into_key();
            let known =
                key.as_ref().and_then(|key| read.trees.get(key)).and_then(|&at| read.all.refs.get(at));
            let documents = if let Some(same) = known {
                RefDocuments { name, ..same.clone() }
            } else {
                let documents = read.documents(name, read_commit(repository, &commit));
                documents.with_marketplaces(repository, &commit)
            };
            if let Some(key) = key {
                read.trees.entry(key).or_insert(read.all.refs.len());
            }
            read.all.refs.push(documents);
        }
        read.all
    }
}

impl RefDocuments {
    fn of(name: Arc<str>) -> Self {
        Self { name, documents: Vec::new(), unreadable: None, is_without: false, marketplaces: Vec::new() }
    }

    /// Reads its marketplace files; the content of an unreadable one is empty.
    fn with_marketplaces(mut self, repository: &Repository, commit: &CommitId) -> Self {
        for (path, text) in &mut self.marketplaces {
            *text = read_file_of(repository, commit, Path::new(path)).ok().flatten().unwrap_or_default();
        }
        self
    }
}

/// The state while refs are read.
#[derive(Default)]
struct RefReader {
    all: RefSources,
    /// The index of the first ref with these files, by their paths and IDs.
    trees: HashMap<Vec<(PathBuf, String)>, usize>,
    /// The indices of documents without legacy metadata, by path and digest.
    documents: HashMap<(Arc<str>, Sha256), usize>,
}

impl RefReader {
    fn documents(&mut self, name: Arc<str>, checkout: Checkout) -> RefDocuments {
        let Checkout { sources: Sources { documents, skipped, .. }, errors } = checkout;
        let mut found = Vec::new();
        for mut sourced in documents {
            let of_content = (Arc::clone(&sourced.document.name), sourced.document.sha256);
            let stands_alone = *sourced.legacy == BuildMetadata::default();
            if let Some(&known) = self.documents.get(&of_content).filter(|_| stands_alone) {
                found.push(known);
                continue;
            }
            let at = self.all.sources.documents.len();
            sourced.document.name = format!("{name}:{}", sourced.document.name).into();
            self.all.sources.documents.push(sourced);
            if stands_alone {
                self.documents.insert(of_content, at);
            }
            found.push(at);
        }
        let marketplaces = skipped.iter().filter(|file| file.name.contains("/marketplace"));
        let marketplaces = marketplaces.map(|file| (file.name.clone(), Vec::new())).collect();
        for file in skipped {
            let all = &self.all.sources.skipped;
            let is_known =
                all.iter().any(|it| it.why == file.why && it.name.ends_with(&format!(":{}", file.name)));
            if !is_known {
                self.all.sources.skip(format!("{name}:{}", file.name), file.why);
            }
        }
        let has_no_document = |error: &SourceError| matches!(error, SourceError::NoDocument { .. });
        let is_without = !errors.is_empty() && errors.kept().iter().all(has_no_document);
        let unreadable = (!errors.is_empty() && !is_without).then(|| excerpt(&errors.to_string(), 500));
        RefDocuments { documents: found, unreadable, is_without, marketplaces, ..RefDocuments::of(name) }
    }
}

/// The short name of a branch, a remote's branch, or a tag.
pub fn short_name(name: &str) -> &str {
    let below = ["refs/heads/", "refs/remotes/", "refs/tags/"];
    below.iter().find_map(|below| name.strip_prefix(below)).unwrap_or(name)
}
