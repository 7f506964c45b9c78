//! The stream metadata of an installer checkout, wherever its year put it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Document;
use super::build_metadata::BuildMetadata;
use super::source::{Skipped, SourceError, Sourced, Sources, read_file};

/// Where the stream document was from 2021-03 to 2021-10.
const HOME_2021: &str = "data/data/rhcos-stream.json";

/// Where stream documents have been since.
const HOME: &str = "data/data/coreos";

/// The files of `data/data/coreos` that the installer itself reads as stream metadata. One of these that
/// makes no claim to be it is a fault, not another kind of file.
const READ_BY_THE_INSTALLER: [&str; 5] =
    ["rhcos.json", "fcos.json", "scos.json", "coreos-rhel-9.json", "coreos-rhel-10.json"];

/// Legacy metadata, 2019 to 2021, beside `rhcos-stream.json`.
const LEGACY: [&str; 4] =
    ["rhcos-amd64.json", "rhcos-aarch64.json", "rhcos-ppc64le.json", "rhcos-s390x.json"];

/// How deep below `data/data/coreos` files are looked for.
const MAX_DEPTH: usize = 4;

/// The keys by which a JSON object claims to be stream metadata.
const CLAIMS: [&str; 2] = ["stream", "architectures"];

/// Reads every stream document of a checkout.
pub(super) fn read(root: &Path, sources: &mut Sources) -> Result<(), Vec<SourceError>> {
    let mut errors = Vec::new();
    let mut found = Vec::new();
    let mut candidates = vec![root.join(HOME_2021)];
    list(&root.join(HOME), MAX_DEPTH, &mut candidates).unwrap_or_else(|error| errors.push(error));
    let mut looked_at = vec![HOME_2021.to_owned(), format!("{HOME}/**/*.json")];
    if !root.join("data/data").exists() {
        // The bump repository keeps `rhcos-4.8.json` at its root.
        looked_at.push("*.json".to_owned());
        list(root, 1, &mut candidates).unwrap_or_else(|error| errors.push(error));
    }
    for path in candidates {
        match read_candidate(root, &path) {
            Ok(Candidate::Document(document)) => found.push(*document),
            Ok(Candidate::Other(name)) => sources.skipped.push(Skipped { name }),
            Ok(Candidate::Absent) => {}
            Err(error) => errors.push(error),
        }
    }
    let legacy = legacy_in(&root.join("data/data"), Some(root)).unwrap_or_else(|mut faults| {
        errors.append(&mut faults);
        BuildMetadata::default()
    });
    if found.is_empty() && errors.is_empty() {
        errors.push(SourceError::NoDocument { source_name: root.display().to_string(), looked_at });
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

fn read_candidate(root: &Path, path: &Path) -> Result<Candidate, SourceError> {
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
    if fs::symlink_metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(Candidate::Absent);
    }
    let bytes = read_inside(root, path)?;
    let home = Path::new(HOME);
    let must_be =
        name == HOME_2021 || READ_BY_THE_INSTALLER.iter().any(|file| Path::new(&name) == home.join(file));
    if !must_be && makes_no_claim(&bytes) {
        return Ok(Candidate::Other(name));
    }
    Ok(Candidate::Document(Box::new(Document::parse(&name, &bytes)?)))
}

/// Whether a text is a well-formed JSON value without the keys that stream metadata has. Case is ignored, as
/// the installer's reader does, so that no spelling hides a document from the gate alone.
fn makes_no_claim(bytes: &[u8]) -> bool {
    match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(serde_json::Value::Object(keys)) => {
            !keys.keys().any(|key| CLAIMS.contains(&key.to_lowercase().as_str()))
        }
        Ok(_) => true,
        Err(_) => false,
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
    legacy_in(&home, None)
}

/// The legacy metadata of a directory. `root` is the checkout that links may not leave, if there is one.
fn legacy_in(directory: &Path, root: Option<&Path>) -> Result<BuildMetadata, Vec<SourceError>> {
    let mut all = BuildMetadata::default();
    let mut errors = Vec::new();
    for file in LEGACY {
        let path = directory.join(file);
        if fs::symlink_metadata(&path).is_err() {
            continue;
        }
        let root = root.unwrap_or(directory);
        let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let read = read_inside(root, &path)
            .and_then(|bytes| BuildMetadata::parse(&name, &bytes).map_err(SourceError::from));
        match read {
            Ok(metadata) => all.extend(metadata),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(all) } else { Err(errors) }
}
