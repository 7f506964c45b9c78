use std::fs;

use super::*;

const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

/// A repository to test with. The git of the person who runs the tests takes no part in it.
struct Scratch {
    directory: tempfile::TempDir,
}

impl Scratch {
    /// None, with a notice, where git is not installed.
    fn new() -> Option<Self> {
        if Command::new("git").arg("--version").output().is_err() {
            println!("skipped: git is not installed");
            return None;
        }
        let scratch = Self { directory: tempfile::tempdir().unwrap() };
        scratch.git(&["init", "--quiet", "--initial-branch=main"]);
        Some(scratch)
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.path())
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgSign=false"])
            .args(arguments)
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1")])
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn copy(&self, checkout: &str, to: &str) {
        let from = Path::new(TESTDATA).join(checkout);
        let mut all = vec![from.clone()];
        while let Some(path) = all.pop() {
            if path.is_dir() {
                all.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let below = Path::new(to).join(path.strip_prefix(&from).unwrap());
                self.write(below.to_str().unwrap(), fs::read(&path).unwrap());
            }
        }
    }

    fn commit(&self) -> CommitId {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", "x"]);
        CommitId::parse(&self.git(&["rev-parse", "HEAD"])).unwrap()
    }
}

fn names(sources: &Sources) -> Vec<&str> {
    sources.documents.iter().map(|sourced| &*sourced.document.name).collect()
}

#[test]
fn a_commit_has_the_documents_that_its_checkout_has() {
    for (checkout, below) in [("checkout", ""), ("checkout-2021", ""), ("checkout", "sub/dir")] {
        let Some(scratch) = Scratch::new() else { return };
        scratch.copy(checkout, below);
        let commit = scratch.commit();
        let directory = scratch.path().join(below);
        let mut on_disk = Sources::default();
        on_disk.add_path(&directory).unwrap();
        let repository = Repository::of(&directory).unwrap();
        let at_commit = repository.documents_at(&commit).unwrap();
        assert_eq!(names(&at_commit), names(&on_disk));
        assert_eq!(at_commit.skipped, on_disk.skipped);
        for (committed, real) in at_commit.documents.iter().zip(&on_disk.documents) {
            assert_eq!(committed.document, real.document);
            assert_eq!(committed.legacy, real.legacy);
        }
    }
}

#[test]
fn the_bump_repository_keeps_documents_at_its_root() {
    let Some(scratch) = Scratch::new() else { return };
    let document = fs::read(Path::new(TESTDATA).join("checkout/data/data/coreos/rhcos.json")).unwrap();
    scratch.write("rhcos-4.8.json", document);
    scratch.write("other/rhcos-4.9.json", "{");
    let commit = scratch.commit();
    let sources = Repository::of(scratch.path()).unwrap().documents_at(&commit).unwrap();
    assert_eq!(names(&sources), ["rhcos-4.8.json"]);
}

#[test]
fn what_is_committed_counts_not_what_lies_there() {
    let Some(scratch) = Scratch::new() else { return };
    scratch.copy("checkout", "");
    let commit = scratch.commit();
    fs::remove_dir_all(scratch.path().join("data")).unwrap();
    let repository = Repository::of(scratch.path()).unwrap();
    assert_eq!(repository.documents_at(&commit).unwrap().documents.len(), 2);
    let file = Path::new("data/data/coreos/rhcos.json");
    assert!(repository.file_at(&commit, file).unwrap().is_some());
    assert!(repository.file_at(&commit, Path::new("data/data/none.json")).unwrap().is_none());
}

#[test]
fn commits_have_names() {
    let Some(scratch) = Scratch::new() else { return };
    let first = scratch.commit();
    scratch.git(&["branch", "release-4.19"]);
    scratch.git(&["tag", "-a", "-m", "x", "v1"]);
    scratch.git(&["checkout", "--quiet", "-b", "pull"]);
    scratch.write("of", "the pull request");
    scratch.commit();
    scratch.git(&["checkout", "--quiet", "main"]);
    scratch.write("of", "the branch");
    let main = scratch.commit();
    scratch.git(&["checkout", "--quiet", "pull"]);
    let repository = Repository::of(scratch.path()).unwrap();
    for name in ["release-4.19", "v1", "main~1", &first.as_str()[..12]] {
        assert_eq!(repository.commit(name).unwrap(), first, "{name}");
    }
    assert_eq!(repository.merge_base(&main), Some(first.clone()), "not the branch's newest commit");
    assert_eq!(
        repository.references(&["refs/heads/release-*", "refs/tags"]).unwrap(),
        [("refs/heads/release-4.19".to_owned(), first.clone()), ("refs/tags/v1".to_owned(), first)]
    );
}

#[test]
fn what_is_no_commit_is_named() {
    let Some(scratch) = Scratch::new() else { return };
    scratch.commit();
    let repository = Repository::of(scratch.path()).unwrap();
    let absent = "0123456789".repeat(4);
    for name in ["nowhere", &absent, "", "-h", "--all", "--output=x", "main:path", "a\u{1b}b", "main\n"] {
        let error = repository.commit(name).unwrap_err();
        assert!(matches!(error, GitError::NoCommit { .. }), "{name:?}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
    let outside = tempfile::tempdir().unwrap();
    assert!(matches!(Repository::of(outside.path()), Err(GitError::Failed { .. })));
}

#[test]
fn links_and_submodules_are_refused() {
    let Some(scratch) = Scratch::new() else { return };
    scratch.write("data/data/coreos/real.txt", "x");
    std::os::unix::fs::symlink("/etc/hostname", scratch.path().join("data/data/coreos/rhcos.json")).unwrap();
    let commit = scratch.commit();
    let errors = Repository::of(scratch.path()).unwrap().documents_at(&commit).unwrap_err();
    assert!(errors[0].to_string().contains("found a link"), "{}", errors[0]);
}

/// Every setting by which a repository's own configuration could run something, set to something.
#[test]
fn a_hostile_repository_runs_nothing() {
    let Some(scratch) = Scratch::new() else { return };
    scratch.copy("checkout", "");
    scratch.write(".gitattributes", "*.json filter=evil diff=evil\n");
    let commit = scratch.commit();
    let mark = scratch.path().join("ran");
    let script = format!("touch {}", mark.display());
    for setting in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.alternateRefsCommand",
        "core.gitProxy",
        "diff.external",
        "diff.evil.command",
        "diff.evil.textconv",
        "filter.evil.smudge",
        "filter.evil.clean",
        "filter.evil.process",
        "gpg.program",
        "pager.rev-parse",
        "pager.ls-tree",
        "credential.helper",
        "uploadpack.packObjectsHook",
        "remote.origin.uploadpack",
        "alias.cat-file",
    ] {
        scratch.git(&["config", setting, &format!("!{script}")]);
        scratch.git(&["config", "--add", setting, &script]);
    }
    // A promisor remote would be asked for what is missing.
    scratch.git(&["config", "remote.origin.url", &format!("ext::sh -c {script}")]);
    scratch.git(&["config", "remote.origin.promisor", "true"]);
    scratch.git(&["config", "extensions.partialClone", "origin"]);
    scratch.git(&["config", "protocol.ext.allow", "always"]);
    let hook = scratch.path().join(".git/hooks/post-index-change");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();

    let repository = Repository::of(scratch.path()).unwrap();
    assert_eq!(repository.documents_at(&commit).unwrap().documents.len(), 2);
    assert!(repository.commit(&"0123456789".repeat(4)).is_err());
    assert!(repository.merge_base(&commit).is_some());
    assert!(!mark.exists(), "nothing ran");
}

#[test]
fn an_endless_answer_is_ended() {
    let mut child = Command::new("yes").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let outcome = bounded_output(&mut child, 1_000);
    assert!(matches!(outcome, Err(Stop::Why(_))));
    child.kill().unwrap();
    child.wait().unwrap();
}
