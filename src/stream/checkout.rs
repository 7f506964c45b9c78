//! The stream metadata of an installer checkout of any year, or of a directory of manifests.
//!
//! Because file names have changed over the years, every `*.json` directly in `data/data` and anywhere below
//! `data/data/coreos` is examined. A file that is not stream metadata is listed as skipped, with the reason; one for
//! which that cannot be determined is an error.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::Document;
use super::build_metadata::BuildMetadata;
use super::claim::Claim;
use super::git::{CommitId, Repository};
use super::limits::{MAX_DEPTH, MAX_DOCUMENT_BYTES, MAX_FILES, MAX_PATH};
use super::manifest::{self, Manifests};
use super::source::{LegacyBuild, SourceError, SourceErrors, Sourced, Sources};
use super::tree::{Commit, Directory, Entry, EntryKind, Tree, TreeListing};
use crate::text::{count, path_name, printed_length};

/// The data that the installer embeds. In 2021 it held the stream document, beside the legacy metadata.
pub(super) const DATA: &str = "data/data";

/// The directory of stream documents since then.
const COREOS: &str = "data/data/coreos";

/// Legacy metadata of 2019 to 2021: its file name, its architecture, and whether it describes the files of the
/// `rhcos-stream.json` beside it. `rhcos.json` is for older builds.
const LEGACY: [(&str, &str, bool); 5] = [
    ("rhcos.json", "x86_64", false),
    ("rhcos-amd64.json", "x86_64", true),
    ("rhcos-aarch64.json", "aarch64", true),
    ("rhcos-ppc64le.json", "ppc64le", true),
    ("rhcos-s390x.json", "s390x", true),
];

const LOOKED_AT: &str = "data/data/*.json, data/data/coreos/**/*.json";
const LOOKED_AT_ROOT: &str = "data/data/*.json, data/data/coreos/**/*.json, *.json, *.yaml";

/// What was read from a checkout, and the errors.
#[derive(Debug, Default)]
pub struct Checkout {
    pub sources: Sources,
    pub errors: SourceErrors,
}

pub fn read_checkout(root: &Path) -> Checkout {
    Files::of(&Directory(root)).read(&mut { MAX_DOCUMENT_BYTES })
}

pub fn read_commit(repository: &Repository, commit: &CommitId) -> Checkout {
    Files::of(&Commit { repository, id: commit }).read(&mut { MAX_DOCUMENT_BYTES })
}

/// The files that [`read_commit`] would read.
#[derive(Debug, Default)]
pub struct CommitFiles {
    /// The paths and object IDs; the ID is empty for a link, whose target can change in another commit.
    pub files: Vec<(PathBuf, String)>,
    /// Whether there are links to files or directories.
    pub has_links: bool,
    pub errors: SourceErrors,
}

impl CommitFiles {
    /// The paths and IDs that identify everything [`read_commit`] would read; `None` if links or errors make that
    /// impossible.
    pub(super) fn into_key(self) -> Option<Vec<(PathBuf, String)>> {
        (self.errors.is_empty() && !self.has_links).then_some(self.files)
    }
}

/// Lists the files that [`read_commit`] would read.
pub fn list_commit(repository: &Repository, commit: &CommitId) -> CommitFiles {
    let tree = Commit { repository, id: commit };
    let Files { found, has_links, checkout, .. } = Files::of(&tree);
    CommitFiles { files: found, has_links, errors: checkout.errors }
}

/// Reads one of the files listed by [`list_commit`], if it has at most `left` bytes.
pub fn read_listed(repository: &Repository, commit: &CommitId, path: &Path, left: &mut usize) -> Checkout {
    let tree = Commit { repository, id: commit };
    let found = vec![(path.to_path_buf(), String::new())];
    let (looked_at, checkout) = (LOOKED_AT, Checkout::default());
    Files { tree: &tree, found, has_links: false, seen: 0, looked_at, checkout }.read(left)
}

/// The content of a file of a commit; `None` if the commit has no such file.
pub fn read_file_of(
    repository: &Repository,
    commit: &CommitId,
    path: &Path,
) -> Result<Option<Vec<u8>>, SourceError> {
    let tree = Commit { repository, id: commit };
    if tree.has(path)? { tree.read(path, MAX_DOCUMENT_BYTES).map(Some) } else { Ok(None) }
}

/// The error for a directory that its parent lists and that cannot be read, as in a partial clone.
fn missing_directory(name: &str) -> SourceError {
    let (path, found) = (name.to_owned(), "a directory that this clone does not have".to_owned());
    SourceError::Unusable { path, found, expected: "one that is readable" }
}

impl TreeListing {
    fn has_directory(&self, name: &str) -> bool {
        let is_it = |entry: &Entry| entry.kind == EntryKind::Directory && entry.name == name;
        self.entries.iter().any(is_it)
    }
}

/// The files of a tree that can be documents.
struct Files<'t> {
    tree: &'t dyn Tree,
    /// The paths and git object IDs.
    found: Vec<(PathBuf, String)>,
    has_links: bool,
    seen: usize,
    looked_at: &'static str,
    checkout: Checkout,
}

impl<'t> Files<'t> {
    fn of(tree: &'t dyn Tree) -> Self {
        let checkout = Checkout::default();
        let mut files =
            Self { tree, found: Vec::new(), has_links: false, seen: 0, looked_at: LOOKED_AT, checkout };
        let result = match tree.list(Path::new(DATA)) {
            Ok(Some(data)) => {
                files.add(Path::new(DATA), &data, is_json);
                match files.add_below(Path::new(COREOS), &mut Vec::new()) {
                    Ok(false) if data.has_directory("coreos") => Err(missing_directory(COREOS)),
                    below => below.map(drop),
                }
            }
            Ok(None) => {
                // The bump repository has `rhcos-4.8.json` at its root; `oc adm release extract` writes manifests.
                files.looked_at = LOOKED_AT_ROOT;
                files.add_root()
            }
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            files.checkout.errors.push(error);
        }
        files
    }

    /// Adds the files of the root of a tree without `data/data`.
    fn add_root(&mut self) -> Result<(), SourceError> {
        let Some(root) = self.tree.list(Path::new(""))? else {
            return Err(missing_directory(&self.tree.name()));
        };
        if root.has_directory("data") {
            match self.tree.list(Path::new("data"))? {
                Some(data) if !data.has_directory("data") => {}
                _ => return Err(missing_directory(DATA)),
            }
        }
        self.add(Path::new(""), &root, is_json_or_yaml);
        Ok(())
    }

    /// Adds the files of a directory and its subdirectories. Returns whether the directory exists.
    fn add_below(&mut self, directory: &Path, above: &mut Vec<String>) -> Result<bool, SourceError> {
        let Some(listing) = self.tree.list(directory)? else { return Ok(false) };
        if above.contains(&listing.identity) {
            let name = directory.display().to_string();
            self.checkout.sources.skip(name, "a link to one of its parent directories");
            return Ok(true);
        }
        if above.len() >= MAX_DEPTH {
            let (path, found) = (directory.display().to_string(), "a deeper directory".to_owned());
            return Err(SourceError::Unusable {
                path,
                found,
                expected: "directories nested at most 16 deep",
            });
        }
        self.add(directory, &listing, is_json);
        above.push(listing.identity);
        for entry in listing.entries.iter().filter(|entry| entry.kind == EntryKind::Directory) {
            if self.seen > MAX_FILES {
                break;
            }
            let path = directory.join(&entry.name);
            match self.add_below(&path, above) {
                Ok(true) => {}
                Ok(false) => self.checkout.errors.push(missing_directory(&path_name(&path))),
                Err(error) => self.checkout.errors.push(error),
            }
        }
        above.pop();
        Ok(true)
    }

    /// Adds the files of a directory with matching names.
    fn add(&mut self, directory: &Path, listing: &TreeListing, fits: impl Fn(&OsStr) -> bool) {
        for entry in &listing.entries {
            self.seen += 1;
            self.has_links |= entry.id.is_empty();
            let path = directory.join(&entry.name);
            let name = path_name(&path);
            let unusable =
                |found: String, expected| SourceError::Unusable { path: name.clone(), found, expected };
            if self.seen > MAX_FILES {
                let found = format!("more than {MAX_FILES} names");
                self.checkout.errors.push(unusable(found, "a checkout, or a directory of manifests"));
                return;
            }
            let error = match entry.kind {
                EntryKind::Directory if !fits(&entry.name) => continue,
                EntryKind::File if !fits(&entry.name) => continue,
                EntryKind::Other(what) if !fits(&entry.name) => {
                    // The target of such a link could be a directory with documents.
                    if directory != Path::new(DATA) {
                        self.checkout.sources.skip(name, what);
                    }
                    continue;
                }
                _ if printed_length(&name) > MAX_PATH => {
                    unusable("a longer path".to_owned(), "a path of at most 256 characters")
                }
                EntryKind::File => {
                    self.found.push((path, entry.id.clone()));
                    continue;
                }
                EntryKind::Directory => {
                    if !directory.starts_with(COREOS) {
                        self.checkout.sources.skip(name, "a directory");
                    }
                    continue;
                }
                EntryKind::Other(what) => unusable(what.to_owned(), "a regular file inside the checkout"),
            };
            self.checkout.errors.push(error);
        }
    }

    fn read(mut self, left: &mut usize) -> Checkout {
        let mut legacy = BuildMetadata::default();
        let mut documents = Vec::new();
        let mut others = 0;
        for (path, _) in std::mem::take(&mut self.found) {
            match self.read_one(&path, left, &mut legacy) {
                Ok(Manifests { documents: mut found, others: more }) => {
                    documents.append(&mut found);
                    others += more;
                }
                Err(errors) => self.checkout.errors.append(errors),
            }
        }
        let Checkout { mut sources, mut errors } = self.checkout;
        if others > 0 {
            sources.skip(self.tree.name(), format!("{} without stream metadata", count(others, "manifest")));
        }
        if documents.is_empty() && errors.is_empty() {
            errors.push(SourceError::NoDocument { source_name: self.tree.name(), looked_at: self.looked_at });
        }
        let legacy = Arc::new(legacy);
        let sourced = |document| Sourced { document, legacy: Arc::clone(&legacy) };
        sources.documents.extend(documents.into_iter().map(sourced));
        Checkout { sources, errors }
    }

    fn read_one(
        &mut self,
        path: &Path,
        left: &mut usize,
        legacy: &mut BuildMetadata,
    ) -> Result<Manifests, SourceErrors> {
        let name = path_name(path);
        let bytes = self.tree.read(path, (*left).min(MAX_DOCUMENT_BYTES))?;
        let is_manifest = manifest::is_yaml(path);
        let claim = Claim::of(&bytes);
        let holds_manifests = path.parent() == Some(Path::new("")) && claim == Claim::Manifest;
        if is_manifest || holds_manifests {
            let found = manifest::parse_any(&name, &bytes)?;
            // Other manifests do not count: a release payload has many large ones.
            if !found.documents.is_empty() {
                *left = left.saturating_sub(bytes.len());
            }
            return Ok(found);
        }
        *left = left.saturating_sub(bytes.len());
        let mut errors = SourceErrors::default();
        let legacy_file = LEGACY.iter().find(|(file, ..)| path == Path::new(DATA).join(file));
        if let Some((_, arch, says_sizes)) = legacy_file {
            let (metadata, outcome) = BuildMetadata::parse_lossy(&name, &bytes);
            let build_id = metadata.build_id().map(str::to_owned);
            let (name, amis) = (name.clone(), legacy_amis(&bytes));
            self.checkout.sources.legacy_builds.push(LegacyBuild { name, arch, build_id, amis });
            if *says_sizes {
                legacy.extend(metadata);
                if let Err(faults) = outcome {
                    errors.push(faults.into());
                }
            }
        }
        match (claim.why_not(), legacy_file) {
            (None, _) if errors.is_empty() => match Document::parse(&name, &bytes) {
                Ok(document) => return Ok(Manifests { documents: vec![document], others: 0 }),
                Err(faults) => errors.push(faults.into()),
            },
            // Legacy metadata was read above, and a document with errors is reported below.
            (_, Some((_, _, true))) | (None, _) => {}
            (Some(why), _) => self.checkout.sources.skip(name, why),
        }
        errors.into_result().map(|()| Manifests::default())
    }
}

/// `amis.REGION.hvm` of legacy metadata.
fn legacy_amis(bytes: &[u8]) -> BTreeMap<String, String> {
    #[derive(Default, Deserialize)]
    struct Legacy {
        #[serde(default)]
        amis: BTreeMap<String, Ami>,
    }
    #[derive(Deserialize)]
    struct Ami {
        hvm: String,
    }
    let legacy: Legacy = serde_json::from_slice(bytes).unwrap_or_default();
    legacy.amis.into_iter().map(|(region, ami)| (region, ami.hvm)).collect()
}

/// Whether a name ends in `.json`, in any letter case. The name can be just `.json`.
fn is_json(name: &OsStr) -> bool {
    name.to_ascii_lowercase().as_encoded_bytes().ends_with(b".json")
}

fn is_json_or_yaml(name: &OsStr) -> bool {
    is_json(name) || manifest::is_yaml(name.as_ref())
}

/// The legacy metadata for a single stream file: in its directory, or one directory up for files of
/// `data/data/coreos`.
pub(super) fn legacy_beside(directory: &Path) -> Result<BuildMetadata, SourceErrors> {
    // The directory can be named `.`, or by a link.
    let canonical = fs::canonicalize(directory).map_err(|error| SourceError::io(directory, error))?;
    let is_coreos = canonical.file_name() == Some(OsStr::new("coreos"));
    let beside = if is_coreos { directory.join("..") } else { directory.to_path_buf() };
    let tree = Directory(&beside);
    let mut all = BuildMetadata::default();
    let mut errors = SourceErrors::default();
    let Some(listing) = tree.list(Path::new(""))? else { return Ok(all) };
    for (file, _, says_sizes) in LEGACY {
        if !says_sizes || !listing.entries.iter().any(|entry| entry.name.as_os_str() == file) {
            continue;
        }
        let path = beside.join(file);
        let read = tree
            .read(Path::new(file), MAX_DOCUMENT_BYTES)
            .and_then(|bytes| Ok(BuildMetadata::parse(&path.display().to_string(), &bytes)?));
        match read {
            Ok(metadata) => all.extend(metadata),
            Err(error) => errors.push(error),
        }
    }
    errors.into_result().map(|()| all)
}

#[cfg(test)]
mod tests;
