//! Stream metadata of a git repository, at any revision, without a checkout.
//!
//! The `git` program is asked, directly and never through a shell. Whatever a person gives as a revision or
//! pattern stands behind `--end-of-options` (git 2.24) and is turned into an object ID once; from then on only
//! the ID is used.

use std::fs;
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::stream::{CHECKOUT_PLACES, MAX_DOCUMENT_BYTES, SourceError, Sources};
use crate::text::excerpt;

/// The most metadata files that are read at one revision. Real checkouts have ten.
const MAX_FILES: usize = 1_000;

/// A git repository.
#[derive(Debug, Clone)]
pub struct Repository {
    directory: PathBuf,
}

/// A git object, by its ID in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(String);

/// A ref, and what it points to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    /// The full name: `refs/heads/release-4.19`.
    pub name: String,
    /// The commit, or the tag that leads to one.
    pub target: ObjectId,
}

/// The metadata files of a revision, in a directory that goes away with this value.
#[derive(Debug)]
pub struct Extract {
    directory: tempfile::TempDir,
}

/// A metadata file of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    link: bool,
    object: ObjectId,
    path: PathBuf,
}

/// Why git had no answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program could not be run.
    #[error("git could not be run: {0}")]
    Run(io::Error),
    /// It ran and failed.
    #[error("{what}: git says: {said}")]
    Failed {
        /// What was asked.
        what: String,
        /// What it said, made safe to print.
        said: String,
    },
    /// It said something that is not understood.
    #[error("{what}: found {found}, expected {expected}")]
    Odd {
        /// What was asked.
        what: String,
        /// What it said, made safe to print.
        found: String,
        /// What would have been understood.
        expected: &'static str,
    },
    /// Its files could not be put into a directory.
    #[error("a temporary directory for files of {what}: {error}")]
    Extract {
        /// The revision.
        what: String,
        /// What the system says.
        error: io::Error,
    },
}

impl ObjectId {
    fn read(text: &str) -> Option<Self> {
        let hex = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then(|| Self(text.to_owned()))
    }

    /// The ID.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Repository {
    /// The repository at a path: a work tree, any directory in one, or a bare repository.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// The commit that a revision names, as `git rev-parse` understands it.
    pub fn commit(&self, revision: &str) -> Result<ObjectId, GitError> {
        let what = excerpt(revision, 200);
        let commit = format!("{revision}^{{commit}}");
        let output = self.ask(&what, &["rev-parse", "--verify", "--end-of-options", &commit])?;
        let text = String::from_utf8_lossy(&output);
        ObjectId::read(text.trim()).ok_or_else(|| odd(&what, &text, "the ID of a commit"))
    }

    /// The refs that match one of the patterns, each once, in git's order. A pattern that does not begin with
    /// `refs/` is looked for among branches, remote branches and tags.
    pub fn refs(&self, patterns: &[String]) -> Result<Vec<Ref>, GitError> {
        let mut found: Vec<Ref> = Vec::new();
        for pattern in patterns {
            let what = format!("--ref {}", excerpt(pattern, 200));
            let full = if pattern.starts_with("refs/") {
                vec![pattern.clone()]
            } else {
                ["refs/heads/", "refs/remotes/*/", "refs/tags/"]
                    .map(|place| format!("{place}{pattern}"))
                    .into()
            };
            let mut arguments = vec!["for-each-ref", "--format=%(objectname) %(refname)", "--end-of-options"];
            arguments.extend(full.iter().map(String::as_str));
            let output = self.ask(&what, &arguments)?;
            let text = String::from_utf8_lossy(&output);
            let before = found.len();
            let mut matched = false;
            for line in text.lines() {
                let read = line.split_once(' ').and_then(|(id, name)| Some((ObjectId::read(id)?, name)));
                let (target, name) = read.ok_or_else(|| odd(&what, line, "an object ID and a ref"))?;
                matched = true;
                // `refs/remotes/origin/HEAD` is another name of a branch that is there too.
                if !name.ends_with("/HEAD") && !found.iter().any(|known| known.name == name) {
                    found.push(Ref { name: name.to_owned(), target });
                }
            }
            if !matched && found.len() == before {
                return Err(odd(&what, "no ref that matches", "at least one"));
            }
        }
        Ok(found)
    }

    /// The metadata files at a revision, wherever its year put them, without their content.
    pub fn metadata(&self, revision: &ObjectId) -> Result<Vec<Entry>, GitError> {
        let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", revision.as_str(), "--"];
        arguments.extend(CHECKOUT_PLACES);
        let mut entries = self.list(revision, &arguments)?;
        if entries.is_empty() {
            let data = ["ls-tree", "-z", "--full-tree", revision.as_str(), "--", "data/data"];
            if self.ask(revision.as_str(), &data)?.is_empty() {
                entries = self.list(revision, &["ls-tree", "-z", "--full-tree", revision.as_str()])?;
            }
        }
        entries.retain(|entry| entry.path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json")));
        if entries.len() > MAX_FILES {
            let found = format!("{} JSON files where stream metadata is", entries.len());
            return Err(odd(revision.as_str(), &found, "at most 1000"));
        }
        Ok(entries)
    }

    fn list(&self, revision: &ObjectId, arguments: &[&str]) -> Result<Vec<Entry>, GitError> {
        let output = self.ask(revision.as_str(), arguments)?;
        let odd = |line: &[u8]| {
            odd(revision.as_str(), &String::from_utf8_lossy(line), "a line as of `git ls-tree`")
        };
        let lines = output.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let mut entries = Vec::new();
        for line in lines {
            let text = std::str::from_utf8(line).map_err(|_| odd(line))?;
            let (facts, path) = text.split_once('\t').ok_or_else(|| odd(line))?;
            let mut facts = facts.split(' ');
            let (mode, kind) = (facts.next().unwrap_or_default(), facts.next().unwrap_or_default());
            let object = facts.next().and_then(ObjectId::read).ok_or_else(|| odd(line))?;
            let path = PathBuf::from(path);
            // git keeps such paths out of what it makes itself; a tree may be made by something else.
            if !path.components().all(|part| matches!(part, Component::Normal(_))) {
                return Err(odd(line));
            }
            if kind == "blob" {
                entries.push(Entry { link: mode == "120000", object, path });
            }
        }
        Ok(entries)
    }

    /// Puts files of a tree into a directory, so that they are read as those of any checkout are.
    pub fn extract(&self, entries: &[Entry]) -> Result<Extract, GitError> {
        let failed =
            |entry: &Entry, error| GitError::Extract { what: entry.path.display().to_string(), error };
        let directory = tempfile::Builder::new()
            .prefix("art-mirror-validate-")
            .tempdir()
            .map_err(|error| GitError::Extract { what: "a revision".to_owned(), error })?;
        // A tree may name one thing as a link and as a directory. With the links last, and none of them below
        // another, nothing is ever written through one.
        let root = fs::canonicalize(directory.path())
            .map_err(|error| GitError::Extract { what: "a revision".to_owned(), error })?;
        let (links, files): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| entry.link);
        for entry in files.into_iter().chain(links) {
            let path = root.join(&entry.path);
            let content = self.blob(&entry.object, &entry.path.display().to_string())?;
            place(&root, &path, &content, entry.link).map_err(|error| failed(entry, error))?;
        }
        Ok(Extract { directory })
    }

    /// A file at a revision.
    pub fn file(&self, revision: &ObjectId, path: &str) -> Result<Vec<u8>, GitError> {
        let what = format!("{}:{}", revision.as_str(), excerpt(path, 200));
        let name = format!("{}:{path}", revision.as_str());
        let output = self.ask(&what, &["rev-parse", "--verify", "--end-of-options", &name])?;
        let text = String::from_utf8_lossy(&output);
        let object = ObjectId::read(text.trim()).ok_or_else(|| odd(&what, &text, "the ID of a file"))?;
        self.blob(&object, &what)
    }

    fn blob(&self, object: &ObjectId, what: &str) -> Result<Vec<u8>, GitError> {
        let size = self.ask(what, &["cat-file", "-s", object.as_str()])?;
        let text = String::from_utf8_lossy(&size);
        match text.trim().parse::<usize>() {
            Ok(size) if size <= MAX_DOCUMENT_BYTES => self.ask(what, &["cat-file", "blob", object.as_str()]),
            _ => Err(odd(what, &format!("{} bytes", text.trim()), "a stream document, at most 64 MiB")),
        }
    }

    fn ask(&self, what: &str, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        let mut command = Command::new("git");
        // Nothing that a repository's own configuration could have git run is needed here.
        command.arg("-C").arg(&self.directory).args(["--no-pager", "-c", "core.fsmonitor=false"]);
        command.args(arguments).stdin(Stdio::null());
        command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_OPTIONAL_LOCKS", "0").env("LC_ALL", "C");
        let Output { status, stdout, stderr } = command.output().map_err(GitError::Run)?;
        if status.success() {
            return Ok(stdout);
        }
        let said = String::from_utf8_lossy(&stderr);
        let said = said.lines().next().map_or_else(|| status.to_string(), |line| excerpt(line, 300));
        Err(GitError::Failed { what: what.to_owned(), said })
    }
}

impl Extract {
    /// The directory, laid out as a checkout.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The documents, under the names that they have in the checkout.
    pub fn documents(&self) -> Result<Sources, Vec<SourceError>> {
        let mut sources = Sources::default();
        sources.add_path(self.directory.path())?;
        Ok(sources)
    }
}

fn odd(what: &str, found: &str, expected: &'static str) -> GitError {
    GitError::Odd { what: what.to_owned(), found: excerpt(found.trim(), 300), expected }
}

/// Writes a file, or makes a link as the tree has it: what it may lead to is for the reader of checkouts to say.
fn place(root: &Path, path: &Path, content: &[u8], link: bool) -> io::Result<()> {
    let parent = path.parent().unwrap_or(root);
    fs::create_dir_all(parent)?;
    if fs::canonicalize(parent)? != parent {
        return Err(io::Error::other("its directory is a link"));
    }
    if link {
        let target = std::str::from_utf8(content).map_err(io::Error::other)?;
        std::os::unix::fs::symlink(target, path)
    } else {
        fs::File::create_new(path)?.write_all(content)
    }
}
