//! Puts the commit that the program is built from into its version.

#![allow(clippy::print_stdout, reason = "build scripts pass instructions to cargo on standard output")]

use std::path::Path;
use std::process::Command;

/// The commit, for builds without a repository, such as an image build. It takes precedence over the repository.
const VARIABLE: &str = "ART_MIRROR_VALIDATE_COMMIT";

/// A file with the commit, for builds that have neither a repository nor the variable.
const FILE: &str = ".commit";

/// The number of digits of the commit ID in the version.
const DIGITS: usize = 10;

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    println!("cargo::rerun-if-changed=build.rs");
    let commit = from_variable().or_else(from_repository).or_else(from_file).unwrap_or("unknown".to_owned());
    println!("cargo::rustc-env=ART_MIRROR_VALIDATE_VERSION={} ({commit})", env!("CARGO_PKG_VERSION"));
}

fn from_variable() -> Option<String> {
    abbreviate(&std::env::var(VARIABLE).ok()?)
}

fn from_file() -> Option<String> {
    let commit = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)).ok()?;
    println!("cargo::rerun-if-changed={FILE}");
    abbreviate(&commit)
}

fn from_repository() -> Option<String> {
    // If the sources are in a subdirectory of another repository, its commit is not theirs.
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    let commit = abbreviate(&git(&["rev-parse", "--verify", "HEAD"])?)?;
    // Every commit is appended to the log of HEAD, whatever the branch.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    Some(commit)
}

/// The first digits of a commit ID, if the text is one.
fn abbreviate(id: &str) -> Option<String> {
    let id = id.trim();
    let is_id = (7..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.chars().take(DIGITS).collect())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| line.trim().to_owned())
}
