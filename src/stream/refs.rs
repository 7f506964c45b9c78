//! The documents of the refs of a git repository: what the users of every branch install from.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build_metadata::BuildMetadata;
use super::source::{SourceError, Sources};
use super::{Checkout, CommitId, Repository, Sha256, list_commit, read_commit, read_file_of};
use crate::text::excerpt;

/// The documents of some refs, each once however many refs have it.
#[derive(Debug, Default)]
pub struct RefSources {
    /// The documents, named after the first ref that has each: `release-4.16:data/data/coreos/rhcos.json`.
    pub sources: Sources,
    /// The refs, in the order that they were asked for.
    pub refs: Vec<RefDocuments>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefDocuments {
    /// The ref as people write it, such as `release-4.16` or `origin/main`.
    pub name: Arc<str>,
    /// The places of its documents in [`RefSources::sources`].
    pub documents: Vec<usize>,
    /// Why not all of its documents are known, one sentence; `None` if they are.
    pub unreadable: Option<String>,
    /// Whether it has no stream metadata at all, as branches before 4.8.
    pub is_without: bool,
    /// Its marketplace files, by their paths. They are beside the documents, and are none.
    pub marketplaces: Vec<(String, Vec<u8>)>,
}

impl RefSources {
    /// Reads the documents of refs, as [`Repository::refs`] names them. What cannot be read of one ref keeps no other
    /// from being read.
    pub fn read(repository: &Repository, refs: &[(String, String)]) -> Self {
        let mut read = RefReading::default();
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

    /// The same with the content of its marketplace files, as far as they can be read.
    fn with_marketplaces(mut self, repository: &Repository, commit: &CommitId) -> Self {
        for (path, text) in &mut self.marketplaces {
            *text = read_file_of(repository, commit, Path::new(path)).ok().flatten().unwrap_or_default();
        }
        self
    }
}

/// What is known while refs are read.
#[derive(Default)]
struct RefReading {
    all: RefSources,
    /// The first ref with the same files, by the paths and IDs of these.
    trees: HashMap<Vec<(PathBuf, String)>, usize>,
    /// The documents without legacy metadata beside them, by path and content.
    documents: HashMap<(Arc<str>, Sha256), usize>,
}

impl RefReading {
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
        let is_none = |error: &SourceError| matches!(error, SourceError::NoDocument { .. });
        let is_without = !errors.is_empty() && errors.kept().iter().all(is_none);
        let unreadable = (!errors.is_empty() && !is_without).then(|| excerpt(&errors.to_string(), 500));
        RefDocuments { documents: found, unreadable, is_without, marketplaces, ..RefDocuments::of(name) }
    }
}

/// A ref as people write it: a branch, a branch of a remote, a tag.
pub fn short_name(name: &str) -> &str {
    let below = ["refs/heads/", "refs/remotes/", "refs/tags/"];
    below.iter().find_map(|below| name.strip_prefix(below)).unwrap_or(name)
}
