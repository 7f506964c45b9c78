//! Helpers for all tests, including those in `src`: skipping tests, files of this repository, real documents, and git
//! repositories.

#![allow(dead_code, reason = "each test program uses what it needs")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Reports that the current test, or a part of it, is skipped, and why: on standard error, bypassing cargo's capture,
/// and in the file `$SKIPPED_TESTS`, which `ci/test` lists at the end.
pub(crate) fn skip(why: &str) {
    let program = std::env::current_exe().unwrap();
    let program = program.file_stem().unwrap().to_string_lossy().into_owned();
    let program = program.rsplit_once('-').map_or(&*program, |(name, _hash)| name);
    let thread = std::thread::current();
    let line = format!("skipped: {program}::{}: {why}\n", thread.name().unwrap_or_default());
    std::io::stderr().write_all(line.as_bytes()).unwrap();
    if let Some(path) = std::env::var_os("SKIPPED_TESTS") {
        let mut file = std::fs::File::options().append(true).create(true).open(path).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// Whether a program is in `PATH`. If not, reports the test as skipped.
pub(crate) fn installed(program: &str) -> bool {
    let directories = std::env::var_os("PATH").unwrap_or_default();
    let mut directories = std::env::split_paths(&directories);
    let found = directories.any(|directory| directory.join(program).is_file());
    if !found {
        skip(&format!("{program} is not installed"));
    }
    found
}

/// A linter's output for the text on its standard input, with its status if it failed. Empty if it is not installed.
pub(crate) fn complaint(program: &str, arguments: &[&str], text: &[u8]) -> String {
    if !installed(program) {
        return String::new();
    }
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    let status = if output.status.success() { String::new() } else { output.status.to_string() };
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned() + &status
}

/// The root of this repository.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().find(|path| path.join("Cargo.lock").exists()).unwrap().to_owned()
}

/// A file below `testdata/`.
pub(crate) fn testdata(path: &str) -> PathBuf {
    root().join("testdata").join(path)
}

/// `$STREAM_CORPUS`: real documents of 2021 to 2026, which we may not publish. If unset, reports the test as skipped.
pub(crate) fn corpus() -> Option<PathBuf> {
    let corpus = std::env::var_os("STREAM_CORPUS").map(PathBuf::from);
    if corpus.is_none() {
        skip("STREAM_CORPUS is not set");
    }
    corpus
}

/// The real checkouts, oldest first; empty without the corpus.
pub(crate) fn real_checkouts() -> Vec<PathBuf> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let entries = std::fs::read_dir(corpus.join("checkouts")).unwrap();
    let mut checkouts: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    checkouts.sort();
    assert!(!checkouts.is_empty());
    checkouts
}

/// The files below a directory, including hidden ones, as sorted relative paths.
pub(crate) fn files_below(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                left.push(entry.path());
            } else {
                found.push(entry.path().strip_prefix(directory).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// Runs git in a directory with `input` on standard input, and returns its trimmed output. Fails the test if git fails.
/// The global and system configuration of git is ignored.
pub(crate) fn git(directory: &Path, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false"])
        .args(arguments)
        .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A git repository in a temporary directory.
#[derive(Debug)]
pub(crate) struct Repo(pub(crate) tempfile::TempDir);

impl Repo {
    pub(crate) fn new() -> Self {
        let repo = Self(tempfile::tempdir().unwrap());
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        git(self.path(), arguments, b"")
    }

    /// Writes a file, and creates its parent directories.
    pub(crate) fn write(&self, path: &str, content: &(impl AsRef<[u8]> + ?Sized)) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Copies all files below `from` to the directory `to` of the repository.
    pub(crate) fn copy(&self, from: &Path, to: &str) {
        for file in files_below(from) {
            self.write(Path::new(to).join(&file).to_str().unwrap(), &std::fs::read(from.join(file)).unwrap());
        }
    }

    /// Commits all files, and returns the commit's ID.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }
}
