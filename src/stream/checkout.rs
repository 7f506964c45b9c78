//! The stream metadata of an installer checkout, wherever its year put it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::build_metadata::BuildMetadata;
use super::claim;
use super::source::{Skipped, SourceError, Sourced, Sources, read_file};
use super::{Document, MAX_DOCUMENT_BYTES};
use crate::text::path_name;

/// Where the stream document was from 2021-03 to 2021-10.
const HOME_2021: &str = "data/data/rhcos-stream.json";

/// Where the stream document of 2021 and the legacy metadata beside it are.
pub(super) const DATA: &str = "data/data";

/// Where stream documents have been since.
const HOME: &str = "data/data/coreos";

/// The files of `data/data/coreos` that the installer itself reads as stream metadata. One of these that
/// makes no claim to be it is a fault, not another kind of file.
const READ_BY_THE_INSTALLER: [&str; 5] =
    ["rhcos.json", "fcos.json", "scos.json", "coreos-rhel-9.json", "coreos-rhel-10.json"];

/// Legacy metadata, 2019 to 2021, beside `rhcos-stream.json`.
const LEGACY: [&str; 4] =
    ["rhcos-amd64.json", "rhcos-aarch64.json", "rhcos-ppc64le.json", "rhcos-s390x.json"];

/// Everything that is read of a checkout with a `data/data`, as paths of files and directories. Beside what is
/// named above, the metadata of 2019, which says which build it is of.
pub(crate) const CHECKOUT_PLACES: [&str; 7] = [
    HOME_2021,
    HOME,
    "data/data/rhcos.json",
    "data/data/rhcos-amd64.json",
    "data/data/rhcos-aarch64.json",
    "data/data/rhcos-ppc64le.json",
    "data/data/rhcos-s390x.json",
];

/// The most that all stream documents of a checkout may have together, in bytes: as much as one alone.
const MAX_CHECKOUT_BYTES: usize = MAX_DOCUMENT_BYTES;

/// How deep below `data/data/coreos` files are looked for.
const MAX_DEPTH: usize = 4;

/// Where the files are that [`read`] asks for: a tree that lists itself in advance needs no more than these.
pub(super) const PLACES: [&str; 6] = [
    HOME,
    HOME_2021,
    "data/data/rhcos-amd64.json",
    "data/data/rhcos-aarch64.json",
    "data/data/rhcos-ppc64le.json",
    "data/data/rhcos-s390x.json",
];

/// A tree of files: a directory, or a commit. Paths are relative to its root.
pub(super) trait Tree {
    /// What people call it.
    fn name(&self) -> String;

    /// Whether there is something at a path.
    fn has(&self, path: &Path) -> bool;

    /// The `*.json` files of a directory in the order of their names, those of its subdirectories after them,
    /// `depth` directories deep. None if there is no such directory.
    fn json_files(&self, directory: &Path, depth: usize) -> Result<Vec<PathBuf>, SourceError>;

    /// Reads a regular file, at most one byte more than a document may have.
    fn read(&self, path: &Path) -> Result<Vec<u8>, SourceError>;
}

/// Reads every stream document of a checkout.
pub(super) fn read(tree: &dyn Tree, sources: &mut Sources) -> Result<(), Vec<SourceError>> {
    let mut errors = Vec::new();
    let mut found = Vec::new();
    let mut candidates = vec![PathBuf::from(HOME_2021)];
    let mut list = |directory: &str, depth| match tree.json_files(Path::new(directory), depth) {
        Ok(files) => candidates.extend(files),
        Err(error) => errors.push(error),
    };
    let mut looked_at = vec![HOME_2021.to_owned(), format!("{HOME}/**/*.json")];
    list(HOME, MAX_DEPTH);
    if !tree.has(Path::new(DATA)) {
        // The bump repository keeps `rhcos-4.8.json` at its root.
        looked_at.push("*.json".to_owned());
        list("", 1);
    }
    let mut room = MAX_CHECKOUT_BYTES;
    for path in candidates {
        match read_candidate(tree, &path, &mut room) {
            Ok(Candidate::Document(document)) => found.push(*document),
            Ok(Candidate::Other(name)) => sources.skipped.push(Skipped { name }),
            Ok(Candidate::Absent) => {}
            Err(error) => errors.push(error),
        }
    }
    let legacy = legacy_in(tree, Path::new(DATA)).unwrap_or_else(|mut faults| {
        errors.append(&mut faults);
        BuildMetadata::default()
    });
    if found.is_empty() && errors.is_empty() {
        errors.push(SourceError::NoDocument { source_name: tree.name(), looked_at });
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let legacy = Arc::new(legacy);
    sources
        .documents
        .extend(found.into_iter().map(|document| Sourced { document, legacy: Arc::clone(&legacy) }));
    Ok(())
}

enum Candidate {
    Document(Box<Document>),
    Other(String),
    Absent,
}

/// Reads a file that may be a stream document. Of the `room` that is left for documents it takes its size.
fn read_candidate(tree: &dyn Tree, path: &Path, room: &mut usize) -> Result<Candidate, SourceError> {
    if !tree.has(path) {
        return Ok(Candidate::Absent);
    }
    let name = path_name(path);
    let bytes = tree.read(path)?;
    let home = Path::new(HOME);
    let must_be =
        name == HOME_2021 || READ_BY_THE_INSTALLER.iter().any(|file| Path::new(&name) == home.join(file));
    if !must_be && claim::is_none_made(&bytes) {
        return Ok(Candidate::Other(name));
    }
    *room = room.checked_sub(bytes.len()).ok_or_else(|| SourceError::TooMuch {
        path: name.clone(),
        bytes: bytes.len(),
        room: *room,
        limit: MAX_CHECKOUT_BYTES,
    })?;
    Ok(Candidate::Document(Box::new(Document::parse(&name, &bytes)?)))
}

/// A checkout on the disk.
pub(super) struct Directory<'r>(pub(super) &'r Path);

impl Tree for Directory<'_> {
    fn name(&self) -> String {
        self.0.display().to_string()
    }

    fn has(&self, path: &Path) -> bool {
        let found = fs::symlink_metadata(self.0.join(path));
        !found.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    }

    fn json_files(&self, directory: &Path, depth: usize) -> Result<Vec<PathBuf>, SourceError> {
        let mut files = Vec::new();
        list(&self.0.join(directory), depth, &mut files)?;
        let relative = |path: PathBuf| path.strip_prefix(self.0).map(Path::to_path_buf).unwrap_or(path);
        Ok(files.into_iter().map(relative).collect())
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, SourceError> {
        read_inside(self.0, &self.0.join(path))
    }
}

/// Reads a regular file of a checkout. A link may lead to another file of the checkout, not out of it: the
/// pull request chose it.
fn read_inside(root: &Path, path: &Path) -> Result<Vec<u8>, SourceError> {
    let refuse = |found| SourceError::NotAFile { path: path.display().to_string(), found };
    let io = |error| SourceError::io(path, error);
    let real = fs::canonicalize(path).map_err(io)?;
    if !real.starts_with(fs::canonicalize(root).map_err(io)?) {
        return Err(refuse("a link out of the checkout"));
    }
    let kind = fs::metadata(&real).map_err(io)?;
    if kind.is_file() {
        read_file(&real)
    } else {
        Err(refuse(if kind.is_dir() { "a directory" } else { "a special file" }))
    }
}

/// The `*.json` files of a directory in the order of their names, those of its subdirectories after them.
fn list(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), SourceError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(SourceError::io(directory, error)),
    };
    let mut entries: Vec<fs::DirEntry> =
        entries.collect::<Result<_, _>>().map_err(|error| SourceError::io(directory, error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    let mut directories = Vec::new();
    for entry in entries {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            directories.push(path);
        } else if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) {
            files.push(path);
        }
    }
    if depth > 1 {
        for directory in directories {
            list(&directory, depth - 1, files)?;
        }
    }
    Ok(())
}

/// The legacy metadata around a stream file that was named by itself: beside it, or one directory up for the
/// files of `data/data/coreos`.
pub(super) fn legacy_around(directory: &Path) -> Result<BuildMetadata, Vec<SourceError>> {
    let home = if directory.ends_with("coreos") { directory.join("..") } else { directory.to_path_buf() };
    legacy_in(&Directory(&home), Path::new(""))
}

/// The legacy metadata of a directory.
fn legacy_in(tree: &dyn Tree, directory: &Path) -> Result<BuildMetadata, Vec<SourceError>> {
    let mut all = BuildMetadata::default();
    let mut errors = Vec::new();
    for file in LEGACY {
        let path = directory.join(file);
        if !tree.has(&path) {
            continue;
        }
        let read =
            tree.read(&path).and_then(|bytes| Ok(BuildMetadata::parse(&path.display().to_string(), &bytes)?));
        match read {
            Ok(metadata) => all.extend(metadata),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}
