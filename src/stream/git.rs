//! Reading commits, trees and files of a git repository with the `git` program.
//!
//! The repository is as untrusted as the pull request: its configuration must not run a program, change what is read,
//! or cause network access. No shell is used, and every answer is limited in bytes and time.

mod process;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::text::{Printable, excerpt};
use process::{AnswerError, MAX_LINE, ObjectAnswer, Process, is_object_id};

/// The time limit of one answer.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The largest output of one command, in bytes. A listing of the installer's documents has about one KiB.
const MAX_LISTING: usize = 16 * 1024 * 1024;

/// Settings for every call, which override the repository's configuration.
///
/// None of the commands used today runs the programs set here; this keeps it so. `safe.directory` is needed because
/// in Prow the checkout belongs to another user, and is harmless with the other settings.
const SETTINGS: [&str; 10] = [
    "safe.directory=*",
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    // This file could give commits other parents than the commits themselves.
    "core.commitGraph=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.pager=cat",
    "diff.external=",
    "protocol.allow=never",
    "gc.auto=0",
];

/// The environment of every call. All other `GIT_*` variables are removed: in a hook, `GIT_DIR` and the like name
/// another repository and take precedence over `-C`.
const ENVIRONMENT: [(&str, &str); 10] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    // A partial clone must not fetch missing objects.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    // A replacement object would substitute one commit for another.
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_GRAFT_FILE", "/dev/null"),
    ("LC_ALL", "C"),
];

/// Why git could not answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program could not be started, or its output could not be read.
    #[error("could not run git: {0}")]
    Run(#[from] io::Error),
    /// Git refused.
    #[error("{}: git says: {complaint}", Printable(directory))]
    Failed {
        directory: String,
        /// Git's error message, shortened and printable.
        complaint: String,
    },
    #[error("{}: the repository has no commit \"{}\"", Printable(directory), excerpt(revision, 200))]
    NoCommit { directory: String, revision: String },
    /// No branch or tag matches a pattern.
    #[error(
        "{}: no branch or tag of the repository matches \"{}\"",
        Printable(directory),
        excerpt(pattern, 200)
    )]
    NoRef { directory: String, pattern: String },
    /// Git exceeded a limit of time or size.
    #[error("{}: git was stopped: {why}", Printable(directory))]
    Ended { directory: String, why: &'static str },
}

/// The full object ID of a commit: 40 or 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(String);

impl CommitId {
    pub(super) fn parse(text: &str) -> Option<Self> {
        is_object_id(text).then(|| Self(text.to_ascii_lowercase()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The time and first parent of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parentage {
    /// The time of the commit, in seconds since 1970.
    pub(super) time: u64,
    pub(super) first_parent: Option<CommitId>,
}

#[derive(Debug)]
pub struct Repository {
    directory: PathBuf,
    /// The directory's path from the repository's root, such as `sub/directory`, which paths are relative to.
    prefix: PathBuf,
    /// The deadline for all answers.
    deadline: Option<Instant>,
    /// The process that reads objects, started with the first request.
    objects: RefCell<Option<Process>>,
}

/// The object at a path of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Object {
    /// The ID and content of a file.
    File(String, Vec<u8>),
    /// The ID and entries of a directory, in git's order.
    Directory(String, Vec<TreeEntry>),
    /// Another type, such as a submodule, or a path that cannot be requested.
    Other,
    Missing,
    /// A link that cannot be followed, with a description of its target.
    BadLink(&'static str),
    /// A file or directory of this many bytes, more than the limit.
    TooLarge(u64),
}

/// An entry of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeEntry {
    /// `100644`, `100755`: file; `120000`: link; `160000`: submodule; `40000`: directory.
    pub(super) mode: String,
    pub(super) name: OsString,
    pub(super) id: String,
}

impl Repository {
    /// The repository whose working tree contains a directory. Paths are relative to this directory.
    pub fn of(directory: &Path, deadline: Option<Instant>) -> Result<Self, GitError> {
        let mut repository = Self { deadline, ..Self::at(directory) };
        let answer = repository.git(&["rev-parse", "--show-prefix"])?;
        let line = answer.strip_suffix(b"\n").unwrap_or(&answer);
        OsStr::from_bytes(line).clone_into(repository.prefix.as_mut_os_string());
        Ok(repository)
    }

    /// The repository at a path: a working tree, any directory in one, or a bare repository. Paths are relative
    /// to the repository's root.
    pub fn at(directory: &Path) -> Self {
        Self {
            directory: directory.to_path_buf(),
            prefix: PathBuf::new(),
            deadline: None,
            objects: RefCell::default(),
        }
    }

    pub(super) fn name(&self) -> String {
        self.directory.display().to_string()
    }

    /// The commit of a branch, tag, (abbreviated) ID, or any other revision that `git rev-parse` understands.
    pub fn commit(&self, revision: &str) -> Result<CommitId, GitError> {
        let named = || GitError::NoCommit { directory: self.name(), revision: revision.to_owned() };
        // A request is one line, and git reads an empty name as HEAD.
        if revision.is_empty() || revision.contains('\n') {
            return Err(named());
        }
        let found = self.ask(format!("{revision}^{{commit}}").as_bytes(), MAX_LISTING)?;
        match found {
            ObjectAnswer::Object { id, kind, .. } if kind == "commit" => {
                CommitId::parse(&id).ok_or_else(named)
            }
            _ => Err(named()),
        }
    }

    /// The merge base of two commits; `None` if they share no history, or a shallow clone lacks it.
    pub fn merge_base(&self, one: &CommitId, other: &CommitId) -> Option<CommitId> {
        let line = self.git(&["merge-base", "--end-of-options", &one.0, &other.0]).ok()?;
        CommitId::parse(String::from_utf8_lossy(&line).trim())
    }

    /// The refs that match one of the patterns (of `git for-each-ref`) and no excluded one, without duplicates, each
    /// with the ID of its object. A pattern can omit `refs/`, `refs/heads/`, `refs/remotes/`, `refs/remotes/REMOTE/`
    /// or `refs/tags/`. If no ref matches, the pattern is tried as a commit.
    pub fn refs(&self, patterns: &[String], excluded: &[String]) -> Result<Vec<(String, String)>, GitError> {
        let mut found: Vec<(String, String)> = Vec::new();
        for pattern in patterns {
            let mut matching = self.matching_refs(pattern)?;
            if matching.is_empty() {
                let commit = self.commit(pattern).map_err(|_| self.no_ref(pattern))?;
                matching.push((pattern.clone(), commit.0));
            }
            for (name, id) in matching {
                // `refs/remotes/origin/HEAD` is an alias of a branch that is listed too.
                if !name.ends_with("/HEAD") && !found.iter().any(|(known, _)| *known == name) {
                    found.push((name, id));
                }
            }
        }
        for pattern in excluded {
            let matching = self.matching_refs(pattern)?;
            if matching.is_empty() {
                return Err(self.no_ref(pattern));
            }
            found.retain(|(name, _)| !matching.iter().any(|(excluded, _)| excluded == name));
        }
        Ok(found)
    }

    fn no_ref(&self, pattern: &str) -> GitError {
        GitError::NoRef { directory: self.name(), pattern: pattern.to_owned() }
    }

    fn matching_refs(&self, pattern: &str) -> Result<Vec<(String, String)>, GitError> {
        let below: &[&str] = if pattern.starts_with("refs/") {
            &[""]
        } else {
            &["refs/heads/", "refs/remotes/*/", "refs/remotes/", "refs/tags/", "refs/"]
        };
        let full: Vec<String> = below.iter().map(|below| format!("{below}{pattern}")).collect();
        let mut arguments = vec!["for-each-ref", "--format=%(objectname) %(refname)", "--end-of-options"];
        arguments.extend(full.iter().map(String::as_str));
        let lines = self.git(&arguments)?;
        let lines = String::from_utf8_lossy(&lines);
        let refs = lines.lines().filter_map(|line| line.split_once(' '));
        Ok(refs.map(|(id, name)| (name.to_owned(), id.to_owned())).collect())
    }

    /// The first-parent history of these tips: every commit that was once the tip of its branch.
    pub(super) fn first_parents(&self, tips: &[CommitId]) -> Result<HashMap<CommitId, Parentage>, GitError> {
        if tips.is_empty() {
            return Ok(HashMap::new());
        }
        let mut arguments =
            vec!["rev-list", "--first-parent", "--parents", "--timestamp", "--end-of-options"];
        arguments.extend(tips.iter().map(CommitId::as_str));
        let lines = self.git(&arguments)?;
        let parentage = |line: &str| {
            let mut fields = line.split(' ');
            let (time, id) = (seconds(fields.next()?), CommitId::parse(fields.next()?)?);
            Some((id, Parentage { time, first_parent: fields.next().and_then(CommitId::parse) }))
        };
        let error = || GitError::Ended { directory: self.name(), why: "its list of commits is unreadable" };
        String::from_utf8_lossy(&lines).lines().map(parentage).collect::<Option<_>>().ok_or_else(error)
    }

    /// The commits of [`Self::first_parents`] that differ from their first parent in one of these pathspecs.
    pub(super) fn commits_that_change(
        &self,
        tips: &[CommitId],
        paths: &[&str],
    ) -> Result<HashSet<CommitId>, GitError> {
        let mut arguments = vec!["rev-list", "--first-parent"];
        arguments.extend(tips.iter().map(CommitId::as_str));
        arguments.push("--");
        arguments.extend(paths);
        let lines = self.git(&arguments)?;
        Ok(String::from_utf8_lossy(&lines).lines().filter_map(CommitId::parse).collect())
    }

    /// The time and first parent from the commit object, which names a parent even if a shallow clone lacks it.
    pub(super) fn parentage(&self, commit: &CommitId) -> Result<Parentage, GitError> {
        let none = || GitError::NoCommit { directory: self.name(), revision: commit.0.clone() };
        let ObjectAnswer::Object { content, .. } = self.ask(commit.0.as_bytes(), MAX_LISTING)? else {
            return Err(none());
        };
        let text = String::from_utf8_lossy(&content);
        let headers = || text.lines().take_while(|line| !line.is_empty());
        let parent = headers().find_map(|line| CommitId::parse(line.strip_prefix("parent ")?));
        // `committer NAME <ADDRESS> SECONDS ZONE`
        let time = headers().find_map(|line| line.strip_prefix("committer ")?.rsplit(' ').nth(1));
        Ok(Parentage { time: seconds(time.unwrap_or_default()), first_parent: parent })
    }

    /// The time of a commit, in seconds since 1970.
    pub fn commit_time(&self, commit: &CommitId) -> Result<u64, GitError> {
        self.parentage(commit).map(|it| it.time)
    }

    /// The object at a path of a commit, if it has at most `limit` bytes. Links inside the repository are followed.
    pub(super) fn object(&self, commit: &CommitId, path: &Path, limit: usize) -> Result<Object, GitError> {
        let path = self.prefix.join(path);
        let mut name = format!("{commit}:").into_bytes();
        let components: Vec<&[u8]> = path.components().map(|part| part.as_os_str().as_bytes()).collect();
        name.extend(components.join(&b'/'));
        if name.contains(&b'\n') || name.len() > MAX_LINE / 2 {
            return Ok(Object::Other);
        }
        Ok(match self.ask(&name, limit)? {
            ObjectAnswer::Missing => Object::Missing,
            ObjectAnswer::BadLink(what) => Object::BadLink(what),
            ObjectAnswer::TooLarge(size) => Object::TooLarge(size),
            ObjectAnswer::Object { id, kind, content } => match kind.as_str() {
                "blob" => Object::File(id, content),
                "tree" => match tree_entries(&content, id.len() / 2) {
                    Some(entries) => Object::Directory(id, entries),
                    None => Object::Other,
                },
                _ => Object::Other,
            },
        })
    }

    /// Requests an object by a name without line feeds.
    fn ask(&self, name: &[u8], limit: usize) -> Result<ObjectAnswer, GitError> {
        let mut objects = self.objects.borrow_mut();
        let process = match &mut *objects {
            Some(process) => process,
            none => none.insert(self.start(&["cat-file", "--batch", "--follow-symlinks"], true)?),
        };
        let until = self.until();
        let answer = process.ask(name).and_then(|()| process.answer(limit, until));
        if matches!(
            answer,
            Ok(ObjectAnswer::Object { .. } | ObjectAnswer::Missing | ObjectAnswer::BadLink(_))
        ) {
            return answer.map_err(|stop| self.error(stop, None, until));
        }
        // The process may still be writing an answer, so it cannot be reused.
        let ended = objects.take();
        answer.map_err(|stop| self.error(stop, ended, until))
    }

    /// Runs a command and returns its output.
    fn git(&self, arguments: &[&str]) -> Result<Vec<u8>, GitError> {
        let mut process = self.start(arguments, false)?;
        let until = self.until();
        let output = match process.output.rest(MAX_LISTING, until) {
            Ok(output) => output,
            Err(stop) => return Err(self.error(stop, Some(process), until)),
        };
        let status = loop {
            match process.child.try_wait()? {
                Some(status) => break status,
                None if Instant::now() > until => {
                    return Err(self.error(AnswerError::TimedOut, Some(process), until));
                }
                // It has closed its output, so it ends soon.
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        if status.success() { Ok(output) } else { Err(self.error(AnswerError::Closed, Some(process), until)) }
    }

    fn start(&self, arguments: &[&str], asks: bool) -> Result<Process, GitError> {
        let mut command = Command::new("git");
        command.arg("--no-pager").arg("-C").arg(&self.directory);
        // A bare repository is accepted only where the user names it: git could find a hostile one inside a checkout.
        let at = |name| self.directory.join(name);
        if at("HEAD").is_file() && at("objects").is_dir() && !at(".git").exists() {
            command.arg("--git-dir=.");
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(arguments);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_bytes().starts_with(b"GIT_")) {
            command.env_remove(name);
        }
        command.envs(ENVIRONMENT);
        command.stdin(if asks { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(Process::start(command)?)
    }

    fn until(&self) -> Instant {
        let one = Instant::now() + MAX_WAIT;
        self.deadline.map_or(one, |deadline| deadline.min(one))
    }

    fn error(&self, stop: AnswerError, process: Option<Process>, until: Instant) -> GitError {
        let directory = self.name();
        match stop {
            AnswerError::Io(error) => GitError::Run(error),
            AnswerError::TimedOut => GitError::Ended { directory, why: "it took too long" },
            AnswerError::TooLong => GitError::Ended { directory, why: "its output is too long" },
            AnswerError::Closed => {
                let stderr = process.map(|process| process.complaint(until)).unwrap_or_default();
                let stderr = String::from_utf8_lossy(&stderr);
                let first = stderr.lines().map(str::trim).find(|line| !line.is_empty());
                let complaint = excerpt(first.unwrap_or("nothing; it ended"), 300);
                GitError::Failed { directory, complaint }
            }
        }
    }
}

/// An unreadable time counts as the latest possible one, so that no commit seems older than it is.
fn seconds(text: &str) -> u64 {
    text.parse().unwrap_or(u64::MAX)
}

/// The entries of a tree object: `MODE NAME`, a zero byte, and the ID's bytes (gitformat-pack, "tree").
fn tree_entries(mut content: &[u8], id_bytes: usize) -> Option<Vec<TreeEntry>> {
    let mut entries = Vec::new();
    while !content.is_empty() {
        let space = content.iter().position(|&byte| byte == b' ')?;
        let (mode, rest) = content.split_at(space);
        let zero = rest.iter().position(|&byte| byte == 0)?;
        let (name, rest) = rest.split_at(zero);
        let (id, rest) = rest.get(1..)?.split_at_checked(id_bytes)?;
        entries.push(TreeEntry {
            mode: std::str::from_utf8(mode).ok()?.to_owned(),
            name: OsStr::from_bytes(name.get(1..)?).to_owned(),
            id: data_encoding::HEXLOWER.encode(id),
        });
        content = rest;
    }
    Some(entries)
}

#[cfg(test)]
mod tests;
