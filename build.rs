//! Tells the program the commit that it is built from.

#![allow(clippy::print_stdout, reason = "that is how a build script speaks to cargo")]

use std::path::Path;
use std::process::Command;

/// The commit, for builds without a repository, such as an image's. It wins over the repository.
const VARIABLE: &str = "ART_MIRROR_VALIDATE_COMMIT";

/// The same as a file, for builds that can be given one but no variable.
const FILE: &str = ".commit";

/// How much of a commit's id is shown.
const DIGITS: usize = 10;

fn main() {
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    println!("cargo::rerun-if-changed=build.rs");
    let commit = of_variable().or_else(of_repository).or_else(of_file).unwrap_or("unknown".to_owned());
    println!("cargo::rustc-env=ART_MIRROR_VALIDATE_VERSION={} ({commit})", env!("CARGO_PKG_VERSION"));
}

fn of_variable() -> Option<String> {
    short(&std::env::var(VARIABLE).ok()?)
}

fn of_file() -> Option<String> {
    let commit = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)).ok()?;
    println!("cargo::rerun-if-changed={FILE}");
    short(&commit)
}

fn of_repository() -> Option<String> {
    // Sources that merely lie inside another repository are not at its commit.
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    let commit = short(&git(&["rev-parse", "--verify", "HEAD"])?)?;
    // A commit moves the log of HEAD, whatever branch it is on.
    for name in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    Some(commit)
}

/// The beginning of what is a commit's id and nothing else.
fn short(id: &str) -> Option<String> {
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
