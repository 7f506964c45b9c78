use std::fs;

use super::*;
use crate::stream::{Checkout, Sources, read_checkout, read_commit, read_file_of};
use crate::test_support::{Repo, testdata};

/// Commits all files.
fn commit_all(repo: &Repo) -> CommitId {
    CommitId::parse(&repo.commit("x")).unwrap()
}

fn sources(checkout: Checkout) -> Sources {
    checkout.errors.into_result().unwrap();
    checkout.sources
}

fn names(sources: &Sources) -> Vec<&str> {
    sources.documents.iter().map(|sourced| &*sourced.document.name).collect()
}

#[test]
fn a_commit_has_the_documents_that_its_checkout_has() {
    for (checkout, below) in [("checkout", ""), ("checkout-2021", ""), ("checkout", "sub/dir")] {
        let scratch = Repo::new();
        scratch.copy(&testdata(checkout), below);
        let commit = commit_all(&scratch);
        let directory = scratch.path().join(below);
        let on_disk = sources(read_checkout(&directory));
        let repository = Repository::of(&directory, None).unwrap();
        let at_commit = sources(read_commit(&repository, &commit));
        assert_eq!(names(&at_commit), names(&on_disk));
        assert_eq!(at_commit.skipped, on_disk.skipped);
        assert_eq!(at_commit.legacy_builds, on_disk.legacy_builds);
        for (committed, real) in at_commit.documents.iter().zip(&on_disk.documents) {
            assert_eq!(committed.document, real.document);
            assert_eq!(committed.legacy, real.legacy);
        }
    }
}

#[test]
fn the_bump_repository_keeps_documents_at_its_root() {
    let scratch = Repo::new();
    let document = fs::read(testdata("checkout/data/data/coreos/rhcos.json")).unwrap();
    scratch.write("rhcos-4.8.json", &document);
    scratch.write("other/rhcos-4.9.json", "{");
    let commit = commit_all(&scratch);
    let repository = Repository::of(scratch.path(), None).unwrap();
    assert_eq!(names(&sources(read_commit(&repository, &commit))), ["rhcos-4.8.json"]);
}

#[test]
fn the_commit_is_read_and_not_the_working_tree() {
    let scratch = Repo::new();
    scratch.copy(&testdata("checkout"), "");
    let commit = commit_all(&scratch);
    fs::remove_dir_all(scratch.path().join("data")).unwrap();
    let repository = Repository::of(scratch.path(), None).unwrap();
    assert_eq!(sources(read_commit(&repository, &commit)).documents.len(), 2);
    let file = Path::new("data/data/coreos/rhcos.json");
    assert!(read_file_of(&repository, &commit, file).unwrap().is_some());
    assert!(read_file_of(&repository, &commit, Path::new("data/data/none.json")).unwrap().is_none());
}

#[test]
fn commits_are_found_by_branch_tag_and_abbreviated_id() {
    let scratch = Repo::new();
    let first = commit_all(&scratch);
    scratch.git(&["branch", "release-4.19"]);
    scratch.git(&["tag", "-a", "-m", "x", "v1"]);
    scratch.git(&["checkout", "--quiet", "-b", "pull"]);
    scratch.write("of", "the pull request");
    commit_all(&scratch);
    scratch.git(&["checkout", "--quiet", "main"]);
    scratch.write("of", "the branch");
    let main = commit_all(&scratch);
    scratch.git(&["checkout", "--quiet", "pull"]);
    let repository = Repository::of(scratch.path(), None).unwrap();
    for name in ["release-4.19", "v1", "main~1", &first.as_str()[..12]] {
        assert_eq!(repository.commit(name).unwrap(), first, "{name}");
    }
    assert_eq!(
        repository.merge_base(&main, &repository.commit("HEAD").unwrap()),
        Some(first.clone()),
        "not the branch's newest commit"
    );
    let id = first.to_string();
    let patterns = ["refs/heads/release-*".to_owned(), "main".to_owned(), "nothing*".to_owned()];
    assert_eq!(
        repository.refs(&patterns[..2], &[]).unwrap(),
        [("refs/heads/release-4.19".to_owned(), id), ("refs/heads/main".to_owned(), main.to_string())]
    );
    assert!(matches!(repository.refs(&patterns, &[]), Err(GitError::NoRef { .. })));
    let tag = repository.refs(&["v1".to_owned()], &[]).unwrap();
    assert_eq!(repository.commit(&tag[0].1).unwrap(), first, "a tag leads to its commit");
}

#[test]
fn a_revision_that_is_not_a_commit_is_an_error() {
    let scratch = Repo::new();
    commit_all(&scratch);
    let repository = Repository::of(scratch.path(), None).unwrap();
    let absent = "0123456789".repeat(4);
    for name in ["nowhere", &absent, "", "-h", "--all", "--output=x", "main:path", "a\u{1b}b", "main\n"] {
        let error = repository.commit(name).unwrap_err();
        assert!(matches!(error, GitError::NoCommit { .. }), "{name:?}: {error}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
    let outside = tempfile::tempdir().unwrap();
    assert!(matches!(Repository::of(outside.path(), None), Err(GitError::Failed { .. })));
}

#[test]
fn a_link_leads_within_the_commit_or_is_refused() {
    let scratch = Repo::new();
    scratch.copy(&testdata("checkout"), "");
    let link = |to: &str, name: &str| {
        let path = scratch.path().join("data/data/coreos").join(name);
        let _ = fs::remove_file(&path);
        std::os::unix::fs::symlink(to, path).unwrap();
    };
    link("../../../elsewhere", "directory");
    link("../coreos", "loop");
    link("scos.json", "link.json");
    let document = fs::read(testdata("checkout/data/data/coreos/rhcos.json")).unwrap();
    scratch.write("elsewhere/one.json", &document);
    let commit = commit_all(&scratch);
    let repository = Repository::of(scratch.path(), None).unwrap();
    let found = sources(read_commit(&repository, &commit));
    assert!(names(&found).contains(&"data/data/coreos/directory/one.json"), "{:?}", names(&found));
    assert!(names(&found).contains(&"data/data/coreos/link.json"));
    assert_eq!(names(&found), names(&sources(read_checkout(scratch.path()))), "as on the disk");
    let skipped: Vec<_> = found.skipped.iter().map(|it| (it.name.as_str(), it.why.as_str())).collect();
    assert!(
        skipped.contains(&("data/data/coreos/loop", "a link to one of its parent directories")),
        "{skipped:?}"
    );

    for (to, says) in
        [("/etc/hostname", "a link out of"), ("../../../../x", "found a link"), ("no", "a link to nothing")]
    {
        link(to, "link.json");
        let commit = commit_all(&scratch);
        for read in [read_commit(&repository, &commit), read_checkout(scratch.path())] {
            let errors = read.errors.to_string();
            assert!(errors.contains("data/data/coreos/link.json: found a link"), "{to}: {errors}");
            assert!(errors.contains(says), "{to}: {errors}");
        }
    }
}

/// Sets every setting by which a repository's configuration could run a program.
#[test]
fn a_hostile_repository_runs_nothing() {
    let scratch = Repo::new();
    scratch.copy(&testdata("checkout"), "");
    scratch.write(".gitattributes", "*.json filter=evil diff=evil\n");
    let commit = commit_all(&scratch);
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
    // Git could fetch missing objects from a promisor remote.
    scratch.git(&["config", "remote.origin.url", &format!("ext::sh -c {script}")]);
    scratch.git(&["config", "remote.origin.promisor", "true"]);
    scratch.git(&["config", "extensions.partialClone", "origin"]);
    scratch.git(&["config", "protocol.ext.allow", "always"]);
    let hook = scratch.path().join(".git/hooks/post-index-change");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();

    let repository = Repository::of(scratch.path(), None).unwrap();
    assert_eq!(sources(read_commit(&repository, &commit)).documents.len(), 2);
    assert!(repository.commit(&"0123456789".repeat(4)).is_err());
    assert!(repository.merge_base(&commit, &commit).is_some());
    assert!(!mark.exists(), "nothing ran");
}

impl Process {
    fn ask_one(&mut self, until: Instant) -> Result<ObjectAnswer, AnswerError> {
        self.ask(b"x")?;
        self.answer(10, until)
    }
}

fn process(script: &str) -> Process {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Process::start(command).unwrap()
}

#[test]
fn answers_are_bounded_in_bytes_and_in_time() {
    let soon = || Instant::now() + Duration::from_secs(20);
    assert!(matches!(process("yes").output.rest(1_000, soon()), Err(AnswerError::TooLong)));
    assert!(matches!(process("yes | tr -d '\\n'").ask_one(soon()), Err(AnswerError::TooLong)));
    let now = Instant::now() + Duration::from_millis(50);
    assert!(matches!(process("sleep 100").ask_one(now), Err(AnswerError::TimedOut)));
    assert!(matches!(process("read x").ask_one(soon()), Err(AnswerError::Closed)));
    assert!(matches!(process("exit 3").ask_one(soon()), Err(AnswerError::Closed)));
}

#[test]
fn what_git_started_ends_with_it() {
    let mut process = process("sleep 1000 & echo $!; wait");
    let line = process.output.line(Instant::now() + Duration::from_secs(20)).ok().unwrap();
    let child = PathBuf::from("/proc").join(String::from_utf8(line).unwrap());
    assert!(child.exists());
    drop(process);
    let is_gone = || fs::read_to_string(child.join("stat")).map_or(true, |stat| stat.contains(") Z "));
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_gone() {
        assert!(Instant::now() < deadline, "it still runs");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_repository_that_hangs_git_costs_no_more_than_the_deadline() {
    let scratch = Repo::new();
    commit_all(&scratch);
    let config = scratch.path().join(".git/config");
    fs::remove_file(&config).unwrap();
    assert!(Command::new("mkfifo").arg(&config).status().unwrap().success());
    let began = Instant::now();
    let deadline = Some(began + Duration::from_millis(300));
    let error = Repository::of(scratch.path(), deadline).unwrap_err();
    assert!(matches!(error, GitError::Ended { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_large_file_is_not_read() {
    let scratch = Repo::new();
    scratch.write("large", &vec![b'x'; 100_000]);
    scratch.write("small", "y");
    let commit = commit_all(&scratch);
    let repository = Repository::at(scratch.path());
    let object = |name: &str, limit| repository.object(&commit, Path::new(name), limit).unwrap();
    assert_eq!(object("large", 99_999), Object::TooLarge(100_000));
    assert!(matches!(object("small", 1), Object::File(_, content) if content == b"y"), "and git goes on");
    assert!(matches!(object("large", 100_000), Object::File(_, content) if content.len() == 100_000));
    for name in ["none", "small/none", "no\nline"] {
        assert!(matches!(object(name, 10), Object::Missing | Object::Other), "{name:?}");
    }
}

#[test]
fn a_bare_repository_can_be_named() {
    let scratch = Repo::new();
    scratch.copy(&testdata("checkout"), "");
    let commit = commit_all(&scratch);
    let bare = tempfile::tempdir().unwrap();
    let to = bare.path().join("r.git");
    scratch.git(&["clone", "--quiet", "--bare", ".", to.to_str().unwrap()]);
    let repository = Repository::at(&to);
    assert_eq!(repository.commit("main").unwrap(), commit);
    assert_eq!(sources(read_commit(&repository, &commit)).documents.len(), 2);
}

#[test]
fn time_and_parent_are_read_from_the_commit_itself() {
    let scratch = Repo::new();
    let (first, second) = (commit_all(&scratch), commit_all(&scratch));
    let repository = Repository::at(scratch.path());
    let all = repository.first_parents(std::slice::from_ref(&second)).unwrap();
    assert_eq!(all.len(), 2);
    for (commit, parent) in [(&first, None), (&second, Some(&first))] {
        let alone = repository.parentage(commit).unwrap();
        assert_eq!((alone.first_parent.as_ref(), Some(&alone)), (parent, all.get(commit)));
    }
    assert_eq!(seconds("-1"), u64::MAX, "as late as any");
    assert!(repository.parentage(&CommitId::parse(&"0123456789".repeat(4)).unwrap()).is_err());
}
