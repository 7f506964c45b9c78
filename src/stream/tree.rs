//! Trees of files that documents are read from: a directory on disk, or a commit.
//!
//! The content is chosen by the pull request, so links are followed only inside the tree, and only regular files are
//! opened.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::git::{CommitId, Object, Repository};
use super::limits::MAX_DOCUMENT_BYTES;
use super::source::SourceError;
use crate::text::path_name;

/// A tree of files. Paths are relative to its root.
pub(super) trait Tree {
    fn name(&self) -> String;

    fn list(&self, directory: &Path) -> Result<Option<TreeListing>, SourceError>;

    /// Reads a regular file of at most `limit` bytes. A longer one is an error.
    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, SourceError>;
}

pub(super) struct TreeListing {
    /// Equal for a directory that is reached by two paths.
    pub(super) identity: String,
    pub(super) entries: Vec<Entry>,
}

pub(super) struct Entry {
    pub(super) name: OsString,
    pub(super) kind: EntryKind,
    /// The git object ID; empty on disk and for links.
    pub(super) id: String,
}

/// The type of a file, after following links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Directory,
    /// Not readable, with a description.
    Other(&'static str),
}

const LINK_OUT: &str = "a link out of the checkout";
const BROKEN_LINK: &str = "a link to nothing";

fn unusable(path: &Path, found: impl Into<String>, expected: &'static str) -> SourceError {
    SourceError::Unusable { path: path_name(path), found: found.into(), expected }
}

const A_FILE: &str = "a regular file inside the checkout";
const A_DIRECTORY: &str = "a directory inside the checkout";

fn too_large(path: &Path, bytes: u64, limit: usize) -> SourceError {
    let path = path_name(path);
    SourceError::TooMuch { path, bytes, left: limit, limit: MAX_DOCUMENT_BYTES }
}

pub(super) struct Directory<'r>(pub(super) &'r Path);

impl Directory<'_> {
    /// The canonical path of a file below the directory; `None` if it does not exist.
    fn real(&self, path: &Path) -> Result<Option<PathBuf>, SourceError> {
        let full = self.0.join(path);
        match fs::symlink_metadata(&full) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            // A component of the path is a file.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
            _ => {}
        }
        let io = |error| SourceError::io(&full, error);
        let real = fs::canonicalize(&full).map_err(io)?;
        if real.starts_with(fs::canonicalize(self.0).map_err(io)?) {
            Ok(Some(real))
        } else {
            Err(unusable(&full, LINK_OUT, A_FILE))
        }
    }

    fn target(&self, path: &Path) -> EntryKind {
        match self.real(path) {
            Ok(Some(real)) => {
                fs::metadata(real).map_or(EntryKind::Other(BROKEN_LINK), |it| kind(it.file_type()))
            }
            Err(SourceError::Unusable { .. }) => EntryKind::Other(LINK_OUT),
            Ok(None) | Err(_) => EntryKind::Other(BROKEN_LINK),
        }
    }
}

fn kind(kind: fs::FileType) -> EntryKind {
    if kind.is_file() {
        EntryKind::File
    } else if kind.is_dir() {
        EntryKind::Directory
    } else {
        EntryKind::Other("a special file")
    }
}

impl Tree for Directory<'_> {
    fn name(&self) -> String {
        self.0.display().to_string()
    }

    fn list(&self, directory: &Path) -> Result<Option<TreeListing>, SourceError> {
        let Some(real) = self.real(directory)? else { return Ok(None) };
        let io = |error| SourceError::io(&self.0.join(directory), error);
        if !fs::metadata(&real).map_err(io)?.is_dir() {
            return Err(unusable(directory, "a file", A_DIRECTORY));
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(&real).map_err(io)? {
            let entry = entry.map_err(io)?;
            let file_type = entry.file_type().map_err(io)?;
            let name = entry.file_name();
            let kind =
                if file_type.is_symlink() { self.target(&directory.join(&name)) } else { kind(file_type) };
            entries.push(Entry { name, kind, id: String::new() });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Some(TreeListing { identity: path_name(&real), entries }))
    }

    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, SourceError> {
        let full = self.0.join(path);
        let real = self.real(path)?.ok_or_else(|| unusable(&full, "nothing", A_FILE))?;
        // Opening a special file such as a FIFO could block for ever.
        match fs::metadata(&real).map(|it| kind(it.file_type())) {
            Ok(EntryKind::File) => {}
            Ok(EntryKind::Directory) => return Err(unusable(&full, "a directory", A_FILE)),
            Ok(EntryKind::Other(what)) => return Err(unusable(&full, what, A_FILE)),
            Err(error) => return Err(SourceError::io(&full, error)),
        }
        let bytes = read_file(&real, limit).map_err(|error| SourceError::io(&full, error))?;
        if bytes.len() > limit {
            let length = fs::metadata(&real).map_or(0, |it| it.len());
            return Err(too_large(path, length, limit));
        }
        Ok(bytes)
    }
}

/// Reads a file, at most one byte more than `limit`.
pub(super) fn read_file(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    read_capped(file, length, limit)
}

/// Reads at most one byte more than `limit`. The expected size is allocated at once, because a growing buffer exists
/// twice while it is copied.
pub(super) fn read_capped(reader: impl Read, expected: usize, limit: usize) -> io::Result<Vec<u8>> {
    let most = limit.saturating_add(1);
    let mut bytes = Vec::with_capacity(expected.min(most));
    reader.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) struct Commit<'r> {
    pub(super) repository: &'r Repository,
    pub(super) id: &'r CommitId,
}

impl Commit<'_> {
    fn path(&self, path: &Path) -> PathBuf {
        format!("{} at {}", path.display(), self.id).into()
    }

    pub(super) fn has(&self, path: &Path) -> Result<bool, SourceError> {
        Ok(self.repository.object(self.id, path, 0)? != Object::Missing)
    }

    fn target(&self, path: &Path) -> Result<EntryKind, SourceError> {
        Ok(match self.repository.object(self.id, path, MAX_DOCUMENT_BYTES)? {
            Object::File(..) | Object::TooLarge(_) => EntryKind::File,
            Object::Directory(..) => EntryKind::Directory,
            Object::BadLink(what) => EntryKind::Other(what),
            Object::Missing | Object::Other => EntryKind::Other(BROKEN_LINK),
        })
    }
}

impl Tree for Commit<'_> {
    fn name(&self) -> String {
        format!("{} at {}", self.repository.name(), self.id)
    }

    fn list(&self, directory: &Path) -> Result<Option<TreeListing>, SourceError> {
        let (identity, found) = match self.repository.object(self.id, directory, MAX_DOCUMENT_BYTES)? {
            Object::Directory(id, entries) => (id, entries),
            Object::Missing => return Ok(None),
            Object::BadLink(what) => return Err(unusable(&self.path(directory), what, A_DIRECTORY)),
            Object::File(..) => return Err(unusable(&self.path(directory), "a file", A_DIRECTORY)),
            Object::TooLarge(_) | Object::Other => {
                return Err(unusable(&self.path(directory), "something else", A_DIRECTORY));
            }
        };
        let mut entries = Vec::with_capacity(found.len());
        for entry in found {
            let name = entry.name;
            let kind = match entry.mode.as_str() {
                // Git does not write such names, but a hostile tree can have them.
                _ if name.as_encoded_bytes().contains(&b'/')
                    || name.is_empty()
                    || name == "."
                    || name == ".." =>
                {
                    EntryKind::Other("a name that no file can have")
                }
                "120000" => self.target(&directory.join(&name))?,
                "40000" => EntryKind::Directory,
                "160000" => EntryKind::Other("a submodule"),
                _ => EntryKind::File,
            };
            let id = if entry.mode == "120000" { String::new() } else { entry.id };
            entries.push(Entry { name, kind, id });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Some(TreeListing { identity, entries }))
    }

    fn read(&self, path: &Path, limit: usize) -> Result<Vec<u8>, SourceError> {
        let refuse = |found| Err(unusable(&self.path(path), found, A_FILE));
        match self.repository.object(self.id, path, limit)? {
            Object::File(_, content) => Ok(content),
            Object::TooLarge(bytes) => Err(too_large(&self.path(path), bytes, limit)),
            Object::Directory(..) => refuse("a directory"),
            Object::BadLink(what) => refuse(what),
            Object::Missing => refuse("nothing"),
            Object::Other => refuse("something else"),
        }
    }
}
