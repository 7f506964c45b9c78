//! The documents of a commit, read with the `git` binary.
//!
//! The repository is as untrusted as the pull request: nothing of its configuration may run a program, change
//! what is read, or reach the network. No shell is involved, every output is bounded, and so is the time.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::MAX_DOCUMENT_BYTES;
use super::checkout::{self, Tree};
use super::source::{SourceError, Sources};
use crate::text::{Printable, excerpt};

/// The longest that one call of git may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most that git may list, in bytes. A listing of the installer's documents has about one KiB.
const MAX_LISTING: usize = 16 * 1024 * 1024;

/// The most that is read of what git complains about, in bytes.
const MAX_COMPLAINT: u64 = 4 * 1024;

/// Settings that stand before every call, above whatever the repository's own configuration says.
///
/// None of the commands below runs any of these programs today; that is to stay so. `safe.directory`: in Prow
/// the checkout belongs to another user than the job, and with these settings, reading it is as harmless as
/// reading its files.
const SETTINGS: [&str; 9] = [
    "safe.directory=*",
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.pager=cat",
    "diff.external=",
    "protocol.allow=never",
    "gc.auto=0",
];

/// The environment of every call. All other variables of git's own are taken away.
const ENVIRONMENT: [(&str, &str); 10] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    // A partial clone fetches what it lacks: never here.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", "none"),
    // A replacement would let one commit pass for another.
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    ("LC_ALL", "C"),
];

/// Why git could not say what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The program could not be started, or its output not be read.
    #[error("git could not be run: {0}")]
    Run(#[from] io::Error),
    /// Git refused.
    #[error("git {what} failed in {}: {complaint}", Printable(directory))]
    Failed {
        /// The command.
        what: &'static str,
        /// Where.
        directory: String,
        /// What git said, cut and printable.
        complaint: String,
    },
    /// No commit has this name.
    #[error("{}: the repository has no commit \"{}\"", Printable(directory), excerpt(reference, 200))]
    NoCommit {
        /// The repository.
        directory: String,
        /// The name.
        reference: String,
    },
    /// Git took too long, or said too much.
    #[error("git {what} was ended in {}: {why}", Printable(directory))]
    Ended {
        /// The command.
        what: &'static str,
        /// Where.
        directory: String,
        /// Why.
        why: &'static str,
    },
}

/// The full object id of a commit: 40 or 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(String);

impl CommitId {
    fn parse(text: &str) -> Option<Self> {
        let is_id = [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_id.then(|| Self(text.to_ascii_lowercase()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A directory of a git repository's working tree.
#[derive(Debug, Clone)]
pub struct Repository {
    directory: PathBuf,
    /// Where the directory is below the repository's root, such as `sub/directory`; empty at the root.
    prefix: OsString,
}

impl Repository {
    /// The repository whose working tree a directory is in.
    pub fn of(directory: &Path) -> Result<Self, GitError> {
        let mut repository = Self { directory: directory.to_path_buf(), prefix: OsString::new() };
        let answer = repository.git("rev-parse", &["--show-prefix"], MAX_LISTING)?;
        let line = answer.strip_suffix(b"\n").unwrap_or(&answer);
        OsStr::from_bytes(line.strip_suffix(b"/").unwrap_or(line)).clone_into(&mut repository.prefix);
        Ok(repository)
    }

    /// The commit of a branch, tag or (abbreviated) id.
    pub fn commit(&self, reference: &str) -> Result<CommitId, GitError> {
        let wanted = format!("{reference}^{{commit}}");
        let answer =
            self.git("rev-parse", &["--verify", "--quiet", "--end-of-options", &wanted], MAX_LISTING);
        match answer {
            Ok(line) => CommitId::parse(String::from_utf8_lossy(&line).trim()),
            Err(GitError::Failed { .. }) => None,
            Err(error) => return Err(error),
        }
        .ok_or_else(|| GitError::NoCommit { directory: self.name(), reference: reference.to_owned() })
    }

    /// Where what is checked out branched off a commit's history; none where the histories share nothing, or
    /// a shallow clone does not reach so far.
    pub fn merge_base(&self, commit: &CommitId) -> Option<CommitId> {
        let head = self.commit("HEAD").ok()?;
        let line = self.git("merge-base", &["--end-of-options", &commit.0, &head.0], MAX_LISTING).ok()?;
        CommitId::parse(String::from_utf8_lossy(&line).trim())
    }

    /// The branches, remote-tracking branches and tags that match patterns of `git for-each-ref`, such as
    /// `refs/remotes/origin/release-*`, each with its commit, in the order of their names.
    pub fn references(&self, patterns: &[&str]) -> Result<Vec<(String, CommitId)>, GitError> {
        let mut arguments = vec!["--format=%(refname)%00%(objectname)%00%(*objectname)", "--end-of-options"];
        arguments.extend(patterns);
        let lines = self.git("for-each-ref", &arguments, MAX_LISTING)?;
        let parse = |line: &str| {
            let mut fields = line.split('\0');
            let (name, object, peeled) = (fields.next()?, fields.next()?, fields.next()?);
            let id = CommitId::parse(if peeled.is_empty() { object } else { peeled })?;
            Some((name.to_owned(), id))
        };
        Ok(String::from_utf8_lossy(&lines).lines().filter_map(parse).collect())
    }

    /// The stream documents of a commit, where [`Sources::add_path`] finds them in a checkout. Their names are
    /// the same as there.
    pub fn documents_at(&self, commit: &CommitId) -> Result<Sources, Vec<SourceError>> {
        let snapshot = Snapshot::of(self, commit).map_err(|error| vec![error.into()])?;
        let mut sources = Sources::default();
        checkout::read(&snapshot, &mut sources)?;
        Ok(sources)
    }

    /// A file of a commit, by its path below this directory; none if the commit has no such file.
    pub fn file_at(&self, commit: &CommitId, path: &Path) -> Result<Option<Vec<u8>>, SourceError> {
        let mut snapshot = Snapshot::empty(self, commit)?;
        snapshot.list(&[OsStr::new("-r")], &[path.as_os_str()])?;
        if snapshot.has(path) { snapshot.read(path).map(Some) } else { Ok(None) }
    }

    fn name(&self) -> String {
        self.directory.display().to_string()
    }

    /// Runs a command and gives its output, at most `limit` bytes of it.
    fn git(
        &self,
        what: &'static str,
        arguments: &[impl AsRef<OsStr>],
        limit: usize,
    ) -> Result<Vec<u8>, GitError> {
        let mut command = Command::new("git");
        command.arg("--no-pager").arg("-C").arg(&self.directory);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.arg(what).args(arguments);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_bytes().starts_with(b"GIT_")) {
            command.env_remove(name);
        }
        command.envs(ENVIRONMENT);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let outcome = bounded_output(&mut child, limit);
        if outcome.is_err() {
            // Whatever it still does is of no use.
            let _ = child.kill();
        }
        let status = child.wait()?;
        let (output, complaint) = outcome.map_err(|stop| match stop {
            Stop::Io(error) => GitError::Run(error),
            Stop::Why(why) => GitError::Ended { what, directory: self.name(), why },
        })?;
        if status.success() {
            return Ok(output);
        }
        let complaint = String::from_utf8_lossy(&complaint);
        let first = complaint.lines().map(str::trim).find(|line| !line.is_empty());
        Err(GitError::Failed {
            what,
            directory: self.name(),
            complaint: excerpt(first.unwrap_or("it does not say why"), 300),
        })
    }
}

/// Why an output was not read to its end.
enum Stop {
    Io(io::Error),
    Why(&'static str),
}

/// Reads what a process says, in bounded time and space. Its end is left to the caller.
fn bounded_output(child: &mut Child, limit: usize) -> Result<(Vec<u8>, Vec<u8>), Stop> {
    let complaints = read_aside(child.stderr.take(), MAX_COMPLAINT);
    let output = read_aside(child.stdout.take(), u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1));
    let wait = |read: mpsc::Receiver<io::Result<Vec<u8>>>| {
        read.recv_timeout(PATIENCE).map_err(|_| Stop::Why("it took too long"))?.map_err(Stop::Io)
    };
    let output = wait(output)?;
    if output.len() > limit {
        return Err(Stop::Why("its answer is longer than any real one"));
    }
    Ok((output, wait(complaints)?))
}

/// Reads on a thread of its own, so that neither pipe can block the other.
fn read_aside(pipe: Option<impl Read + Send + 'static>, limit: u64) -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.map_or(Ok(0), |pipe| pipe.take(limit).read_to_end(&mut bytes));
        // Nobody listens any more once the time is over.
        let _ = sender.send(read.map(|_| bytes));
    });
    receiver
}

/// The files of a commit, as far as they were listed.
struct Snapshot<'r> {
    repository: &'r Repository,
    commit: CommitId,
    /// The id of the tree that the repository's directory had; none if the commit had no such directory.
    tree: Option<String>,
    entries: BTreeMap<PathBuf, Entry>,
}

struct Entry {
    /// `100644`, `100755`: a file; `120000`: a link; `160000`: a submodule; `040000`: a directory.
    mode: String,
    id: String,
}

impl<'r> Snapshot<'r> {
    /// Without any file.
    fn empty(repository: &'r Repository, commit: &CommitId) -> Result<Self, GitError> {
        let mut tree = OsString::from(format!("{commit}:"));
        tree.push(&repository.prefix);
        let arguments =
            [OsStr::new("--verify"), OsStr::new("--quiet"), OsStr::new("--end-of-options"), &tree];
        let tree = match repository.git("rev-parse", &arguments, MAX_LISTING) {
            Ok(line) => CommitId::parse(String::from_utf8_lossy(&line).trim()).map(|id| id.0),
            Err(GitError::Failed { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Self { repository, commit: commit.clone(), tree, entries: BTreeMap::new() })
    }

    /// With all files that may matter.
    fn of(repository: &'r Repository, commit: &CommitId) -> Result<Self, GitError> {
        let mut snapshot = Self::empty(repository, commit)?;
        snapshot.list(&[OsStr::new("-r")], &checkout::PLACES.map(OsStr::new))?;
        if snapshot.entries.is_empty() {
            snapshot.list(&[], &[OsStr::new(checkout::DATA)])?;
        }
        if snapshot.entries.is_empty() {
            snapshot.list(&[], &[])?;
        }
        Ok(snapshot)
    }

    fn list(&mut self, options: &[&OsStr], paths: &[&OsStr]) -> Result<(), GitError> {
        let Some(tree) = &self.tree else { return Ok(()) };
        let mut arguments = vec![OsStr::new("-z"), OsStr::new("--full-tree")];
        arguments.extend(options);
        arguments.extend([OsStr::new(tree), OsStr::new("--")]);
        arguments.extend(paths);
        let listing = self.repository.git("ls-tree", &arguments, MAX_LISTING)?;
        // Each is `MODE TYPE ID<TAB>PATH`.
        for line in listing.split(|&byte| byte == 0) {
            let Some(tab) = line.iter().position(|&byte| byte == b'\t') else { continue };
            let (fields, path) = line.split_at(tab);
            let fields = String::from_utf8_lossy(fields);
            let mut fields = fields.split(' ');
            let (Some(mode), Some(id)) = (fields.next(), fields.nth(1)) else { continue };
            let path = PathBuf::from(OsStr::from_bytes(path.get(1..).unwrap_or_default()));
            self.entries.insert(path, Entry { mode: mode.to_owned(), id: id.to_owned() });
        }
        Ok(())
    }
}

impl Tree for Snapshot<'_> {
    fn name(&self) -> String {
        format!("{} at {}", self.repository.name(), self.commit)
    }

    fn has(&self, path: &Path) -> bool {
        self.entries.keys().any(|entry| entry.starts_with(path))
    }

    fn json_files(&self, directory: &Path, depth: usize) -> Result<Vec<PathBuf>, SourceError> {
        let is_json = |path: &Path| path.extension().is_some_and(|it| it.eq_ignore_ascii_case("json"));
        let mut files: Vec<&Path> = Vec::new();
        for (path, entry) in &self.entries {
            let inside = path.strip_prefix(directory).is_ok_and(|rest| rest.components().count() <= depth);
            if inside && is_json(path) && entry.mode != "040000" {
                files.push(path);
            }
        }
        files.sort_by_cached_key(|path| {
            let directories = path.parent().into_iter().flat_map(Path::components).map(|name| (true, name));
            let key = directories.chain(path.components().next_back().map(|name| (false, name)));
            key.map(|(deeper, name)| (deeper, name.as_os_str().to_owned())).collect::<Vec<_>>()
        });
        Ok(files.into_iter().map(Path::to_path_buf).collect())
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, SourceError> {
        let refuse = |found| {
            let path = format!("{} at {}", path.display(), self.commit);
            Err(SourceError::NotAFile { path, found })
        };
        let Some(entry) = self.entries.get(path) else { return refuse("nothing") };
        match entry.mode.as_str() {
            "100644" | "100755" => {}
            "120000" => return refuse("a link"),
            "040000" => return refuse("a directory"),
            _ => return refuse("a submodule"),
        }
        let limit = MAX_DOCUMENT_BYTES.saturating_add(1);
        Ok(self.repository.git("cat-file", &["blob", &entry.id], limit)?)
    }
}

#[cfg(test)]
mod tests;
