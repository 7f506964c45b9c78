//! `retention` of the branches of a git repository, compared with a listing of a mirror.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::handoff_support::{Finished, Repo, program, testdata};
use crate::support::ground::{git, skip};

const HOME: &str = "data/data/coreos/rhcos.json";
const OLD: &str = "419.96.202506171412-0";
const NEW: &str = "419.96.202507010000-0";

/// Branches of every age: one pins the old build, one the new, and one only has metadata of 2019.
fn repo() -> Repo {
    let text = fs::read_to_string(testdata("checkout").join(HOME)).unwrap();
    let repo = Repo::new();
    repo.write("data/data/rhcos-amd64.json", r#"{"buildid": "42.81.20190919.0", "images": {}}"#);
    repo.write("data/data/rhcos.json", r#"{"buildid": "42.81.20190919.0", "images": {}}"#);
    repo.commit("2019");
    repo.git(&["branch", "release-4.2"]);
    repo.git(&["rm", "-rq", "data"]);
    repo.write(HOME, &text);
    repo.commit("4.19");
    repo.git(&["branch", "release-4.19"]);
    repo.git(&["tag", "v4.19.0"]);
    repo.write(HOME, &text.replace(OLD, NEW));
    repo.commit("a bump");
    repo
}

fn builds_json(dir: &std::path::Path, builds: &[&str]) -> String {
    let builds: Vec<_> =
        builds.iter().map(|id| serde_json::json!({"id": id, "arches": ["aarch64", "x86_64"]})).collect();
    let path = dir.join("4.19-9.6/builds/builds.json");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, serde_json::json!({"schema-version": "1.0.0", "builds": builds}).to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn retention(repo: &Repo, args: &[&str]) -> Finished {
    Finished::of(program(&["retention", "--git", repo.path().to_str().unwrap()]).args(args))
}

#[test]
fn refs_pin_builds_and_the_others_are_orphans() {
    let repo = repo();
    let dir = tempfile::tempdir().unwrap();
    let listing =
        builds_json(dir.path(), &["419.96.202508010000-0", NEW, "419.96.202506200000-0", OLD, "odd"]);
    let refs = ["--ref", "main", "--ref", "release-*", "--ref", "v*", "--listing", &listing];
    let ran = retention(&repo, &refs);
    insta::assert_snapshot!("human", ran.stdout);
    assert_eq!(ran.status(), 1, "builds of other architectures are missing: {}", ran.all());
    let json = retention(&repo, &[&refs[..], &["--output", "json"]].concat()).json_of("retention");
    assert_eq!(json["summary"]["orphans"], 3);
    assert_eq!(json["not_covered"][0], "42.81.20190919.0", "the branch with metadata of 2019 is read too");
}

#[test]
fn an_unreadable_ref_keeps_every_build() {
    let repo = repo();
    repo.git(&["checkout", "-q", "-b", "release-broken"]);
    repo.write(HOME, "{\"stream\": 1}");
    repo.commit("broken");
    let dir = tempfile::tempdir().unwrap();
    let listing = dir.path().join("list");
    fs::write(&listing, format!("4.18/419.96.202501010000-0/x86_64/f\n4.18/{NEW}/x86_64/f\n")).unwrap();
    let listing = listing.to_str().unwrap();
    let all = ["--ref", "release-broken", "--tips-only", "--listing", listing];
    let ran = retention(&repo, &all).exits(3);
    assert!(ran.stdout.contains("perhaps-pinned 419.96.202501010000-0"), "{}", ran.stdout);
    assert!(ran.stdout.contains("ERROR: refs/heads/release-broken cannot be read"), "{}", ran.stdout);
    let json = retention(&repo, &[&all[..], &["--output", "json"]].concat()).json_of("retention");
    assert_eq!(json["unreadable"][0]["by"], "refs/heads/release-broken");
}

#[test]
fn patterns_without_refs_and_listings_without_builds_are_usage_errors() {
    let repo = repo();
    let dir = tempfile::tempdir().unwrap();
    let good = builds_json(dir.path(), &[NEW]);
    for args in [
        vec!["--ref", "no-such-*", "--listing", &good],
        vec!["--ref", "--upload-pack=x", "--listing", &good],
        vec!["--ref", "main", "--listing", "/dev/null"],
        vec!["--ref", "main"],
        vec!["--listing", &good],
    ] {
        let ran = retention(&repo, &args);
        assert_eq!(ran.status(), 2, "{args:?}: {}", ran.all());
    }
}

#[test]
fn pruned_images_are_gone_even_if_their_build_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let document = dir.path().join("rhcos.json");
    fs::write(&document, fs::read_to_string(testdata("checkout").join(HOME)).unwrap()).unwrap();
    let listing = dir.path().join("builds.json");
    let prune = |cleanup: &str| {
        let text = format!(
            r#"{{"builds": [{{"id": "{OLD}", "arches": ["x86_64"], "policy-cleanup": {cleanup}}},
            {{"id": "{NEW}", "arches": ["x86_64"], "policy-cleanup": ["cloud-uploads"]}}],
            "tombstone-builds": [{{"id": "419.96.202501010000-0", "arches": ["x86_64"]}}]}}"#
        );
        fs::write(&listing, text).unwrap();
        let mut program = program(&["retention", document.to_str().unwrap(), "--listing"]);
        program.arg(&listing);
        program
    };
    let ran = Finished::of(&mut prune(r#"{"images": true, "images-kept": ["qemu", "live-iso"]}"#)).exits(1);
    let shown = ran.stdout.replace(&*document.display().to_string(), "rhcos.json");
    insta::assert_snapshot!("pruned", shown);
    assert_eq!(Finished::of(&mut prune(r#"["images"]"#)).status(), 1);
    let json = Finished::of(prune("7").args(["--output", "json"])).exits(3).json_of("retention");
    assert_eq!((&json["gone"], json["summary"]["undetermined"].as_u64()), (&serde_json::json!([]), Some(1)));
    assert_eq!(json["builds"][0]["pruned"], "images perhaps pruned");
    Finished::of(&mut prune(r#"["cloud-uploads", "containers"]"#)).exits(0);
}

/// In a git hook, these variables name the hook's repository and override `git -C`.
#[test]
fn git_variables_in_the_environment_are_ignored() {
    let repo = repo();
    let other = Repo::new();
    other.write("README", "no boot images");
    other.commit("empty");
    let dir = tempfile::tempdir().unwrap();
    let listing = builds_json(dir.path(), &[NEW]);
    let git = other.path().join(".git");
    let mut command = program(&["retention", "--git", repo.path().to_str().unwrap(), "--ref", "main"]);
    command.args(["--listing", &listing, "--output", "json"]);
    for variable in ["GIT_DIR", "GIT_COMMON_DIR"] {
        command.env(variable, &git);
    }
    command.env("GIT_WORK_TREE", other.path()).env("GIT_INDEX_FILE", git.join("index"));
    command.env("GIT_OBJECT_DIRECTORY", git.join("objects"));
    command
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "core.bare")
        .env("GIT_CONFIG_VALUE_0", "true");
    let ran = Finished::of(&mut command);
    let json = ran.json_of("retention");
    assert_eq!(json["summary"]["pinned"], 1, "{}", ran.all());
    assert_eq!(json["unreadable"].as_array().unwrap().len(), 0, "{}", ran.all());
}

/// As in Prow, where the checkout belongs to another user.
#[test]
fn a_repository_of_another_user_is_read() {
    let repo = repo();
    let owner = Command::new("chown").args(["-R", "12345"]).arg(repo.path()).output().unwrap();
    if !owner.status.success() {
        skip("only root gives files away");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let listing = builds_json(dir.path(), &[NEW]);
    let ran = retention(&repo, &["--ref", "main", "--listing", &listing, "--output", "json"]);
    assert_eq!(ran.json_of("retention")["summary"]["pinned"], 1, "{}", ran.all());
    Finished::of(&mut program(&["diff", "--git", repo.path().to_str().unwrap(), "main:", "main:"])).exits(0);
}

#[test]
fn documents_of_any_name_pin_builds() {
    let repo = Repo::new();
    let text = fs::read_to_string(testdata("checkout").join(HOME)).unwrap();
    repo.write("data/data/fcos-stream.json", &text);
    repo.write("data/data/coreos/a/b/c/d/e/deep.json", &text.replace(OLD, NEW));
    repo.commit("both");
    let dir = tempfile::tempdir().unwrap();
    let listing = builds_json(dir.path(), &[NEW, OLD]);
    let json =
        retention(&repo, &["--ref", "main", "--listing", &listing, "--output", "json"]).json_of("retention");
    assert_eq!(json["summary"]["pinned"], 2, "{json}");

    // So does every stream of a manifest.
    let data = serde_json::json!({"streams": format!("{{\"rhel-9\": {text}, \"rhel-10\": {}}}", text.replace(OLD, NEW))});
    let manifest = dir.path().join("0000_50_installer_coreos-bootimages.yaml");
    let name = serde_json::json!({"name": "coreos-bootimages"});
    let config_map = serde_json::json!({"kind": "ConfigMap", "metadata": name, "data": data});
    fs::write(&manifest, format!("---\n{config_map}\n---\n")).unwrap();
    let manifests = tempfile::tempdir().unwrap();
    fs::copy(&manifest, manifests.path().join("0000_50_installer_coreos-bootimages.yaml")).unwrap();
    for source in [manifest.as_path(), manifests.path()] {
        let args = ["retention", source.to_str().unwrap(), "--listing", &listing, "--output", "json"];
        let json = Finished::of(&mut program(&args)).json_of("retention");
        assert_eq!(json["summary"]["pinned"], 2, "{json}");
    }
}

/// Commits for `git fast-import`.
#[derive(Default)]
struct Commits(Vec<u8>);

impl Commits {
    /// Adds a commit of this day to a branch, which writes these files, or deletes those with an empty text.
    fn on(&mut self, branch: &str, day: &str, files: &[(&str, &str)]) {
        self.commit(branch, day, "", files);
    }

    fn commit(&mut self, branch: &str, day: &str, parents: &str, files: &[(&str, &str)]) {
        let time = humantime::parse_rfc3339(&format!("{day}T00:00:00Z")).unwrap();
        let seconds = time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let who = format!("committer t <t@example.com> {seconds} +0000\ndata 1\nx\n{parents}");
        self.0.extend(format!("commit refs/heads/{branch}\n{who}").bytes());
        for (path, text) in files {
            let line = if text.is_empty() {
                format!("D {path}\n")
            } else {
                format!("M 644 inline {path}\ndata {}\n{text}\n", text.len())
            };
            self.0.extend(line.bytes());
        }
        self.0.push(b'\n');
    }

    fn branch(&mut self, name: &str, from: &str) {
        self.0.extend(format!("reset refs/heads/{name}\nfrom refs/heads/{from}\n\n").bytes());
    }

    fn repo(&self) -> Repo {
        let repo = Repo::new();
        git(repo.path(), &["fast-import", "--quiet"], &self.0);
        repo
    }
}

/// A document with one artifact and one AMI of a build.
fn document(build: &str) -> String {
    let location = format!(
        "https://rhcos.mirror.openshift.com/art/storage/prod/streams/4.19-9.6/builds/{build}/x86_64/rhcos-{build}-qemu.x86_64.qcow2.gz"
    );
    let disk = serde_json::json!({"location": location, "sha256": "ab".repeat(32)});
    let qemu = serde_json::json!({"release": build, "formats": {"qcow2.gz": {"disk": disk}}});
    let ami = format!("ami-{}", build.replace(|it: char| !it.is_ascii_digit(), ""));
    let regions = serde_json::json!({"us-east-1": {"release": build, "image": ami}});
    serde_json::json!({"stream": "rhcos-4.19", "metadata": {}, "architectures": {"x86_64": {
        "artifacts": {"qemu": qemu}, "images": {"aws": {"regions": regions}}}}})
    .to_string()
}

/// The exit status of `retention`, `BUILD STATUS` for each of these builds, and the JSON report.
fn statuses(repo: &Repo, builds: &[&str], args: &[&str]) -> (i32, Vec<String>, Value) {
    let dir = tempfile::tempdir().unwrap();
    let listing = dir.path().join("list");
    let lines =
        builds.iter().map(|it| format!("4.19-9.6/builds/{it}/x86_64/rhcos-{it}-qemu.x86_64.qcow2.gz\n"));
    fs::write(&listing, lines.collect::<String>()).unwrap();
    let ran =
        retention(repo, &[&["--listing", listing.to_str().unwrap(), "--output", "json"], args].concat());
    let json = ran.json_of("retention");
    let of =
        |build: &Value| format!("{} {}", build["name"].as_str().unwrap(), build["status"].as_str().unwrap());
    (ran.status(), json["builds"].as_array().unwrap().iter().map(of).collect(), json)
}

const FIRST: &str = "419.96.202501010000-0";
const SECOND: &str = "419.96.202502010000-0";
const THIRD: &str = "419.96.202503010000-0";
const NEVER: &str = "419.96.202502150000-0";
const NEWEST: &str = "419.96.202512010000-0";
const ALL: [&str; 5] = [FIRST, SECOND, NEVER, THIRD, NEWEST];

/// A branch that pinned three builds, one after the other.
fn bumped_twice() -> Commits {
    let mut commits = Commits::default();
    commits.on("main", "2025-01-02", &[(HOME, &document(FIRST)), ("README", "x")]);
    commits.on("main", "2025-01-03", &[("README", "y")]);
    commits.on("main", "2025-02-02", &[(HOME, &document(SECOND))]);
    commits.on("main", "2025-03-02", &[(HOME, &document(THIRD))]);
    commits
}

#[test]
fn every_commit_of_a_branch_pins_builds() {
    let repo = bumped_twice().repo();
    let [first, second, never, third, newest] = ALL;
    let pinned = |builds: &[&str]| {
        let of = |build: &&str| {
            let status = if builds.contains(build) { "pinned" } else { "orphan" };
            format!("{build} {}", if **build == *newest { "newest" } else { status })
        };
        ALL.iter().map(of).collect::<Vec<_>>()
    };
    let (status, found, json) = statuses(&repo, &ALL, &["--ref", "main"]);
    assert_eq!((status, found), (0, pinned(&[first, second, third])));
    assert_eq!(json["summary"]["pinned"], 3);
    assert_eq!(json["narrowed_by"], Value::Null);
    let by = json["builds"][0]["pinned_by"][0].as_str().unwrap();
    assert!(by.starts_with("refs/heads/main at ") && by.len() == "refs/heads/main at ".len() + 12, "{by}");
    assert_eq!(json["builds"][3]["pinned_by"], serde_json::json!(["refs/heads/main"]), "{never}");

    let (status, found, json) = statuses(&repo, &ALL, &["--ref", "main", "--tips-only"]);
    assert_eq!((status, found, &json["narrowed_by"]), (0, pinned(&[third]), &"--tips-only".into()));
    // A release of the next day was cut from the commit that was the newest then.
    let (_, found, json) = statuses(&repo, &ALL, &["--ref", "main", "--since", "2025-02-20"]);
    assert_eq!((found, &json["narrowed_by"]), (pinned(&[second, third]), &"--since 2025-02-20".into()));

    let dir = tempfile::tempdir().unwrap();
    let listing = builds_json(dir.path(), &[first, newest]);
    let shown = retention(&repo, &["--ref", "main", "--tips-only", "--listing", &listing]).stdout;
    assert!(shown.contains("--tips-only ignores earlier commits"), "{shown}");
    let ran = retention(&repo, &["--ref", "main", "--since", "last week", "--listing", &listing]);
    assert_eq!((ran.status(), ran.stderr.contains("expected a day")), (2, true), "{}", ran.all());
}

#[test]
fn a_document_pins_builds_under_all_its_former_names() {
    let mut commits = Commits::default();
    let legacy = |build: &str| {
        format!(r#"{{"buildid": "{build}", "images": {{}}, "amis": {{"us-east-1": {{"hvm": "ami-1"}}}}}}"#)
    };
    let z = "42s390x.81.20191224.0";
    commits.on(
        "main",
        "2019-12-25",
        &[("data/data/rhcos.json", &legacy("42.81.20190919.0")), ("data/data/rhcos-s390x.json", &legacy(z))],
    );
    commits.on(
        "main",
        "2025-01-02",
        &[("data/data/rhcos-stream.json", &document(FIRST)), ("data/data/rhcos-s390x.json", "")],
    );
    commits.on("main", "2025-02-02", &[("data/data/rhcos-stream.json", ""), (HOME, &document(SECOND))]);
    commits.on(
        "main",
        "2025-03-02",
        &[(HOME, ""), ("data/data/coreos/a/coreos-rhel-9.json", &document(THIRD))],
    );
    let repo = commits.repo();
    let (_, found, json) = statuses(&repo, &[z, FIRST, SECOND, NEVER, THIRD, NEWEST], &["--ref", "main"]);
    let status =
        |build: &str| found.iter().find(|it| it.starts_with(build)).unwrap().split_once(' ').unwrap().1;
    assert_eq!([FIRST, SECOND, NEVER, THIRD].map(status), ["pinned", "pinned", "orphan", "pinned"], "{json}");
    // The listing is of `x86_64`, for which nothing pins this build; it is readable, so nothing is undetermined.
    assert_eq!((status(z), &json["unreadable"]), ("orphan", &serde_json::json!([])));

    let list = retention(&repo, &["--ref", "main", "--output", "keep-list"]).json_of("keep-list");
    let ami = serde_json::json!([{"arch": "x86_64", "name": "us-east-1", "hvm": "ami-1"}]);
    let of = |id: &str| list["builds"].as_array().unwrap().iter().find(|it| it["id"] == id).unwrap().clone();
    assert_eq!(of("42.81.20190919.0")["amis"], ami);
    assert_eq!(
        (&of(z)["arches"], &of(z)["amis"][0]["arch"]),
        (&serde_json::json!(["s390x"]), &"s390x".into())
    );

    // The bump repository has its documents in the root.
    let mut commits = Commits::default();
    commits.on("main", "2025-01-02", &[("rhcos-4.19.json", &document(FIRST))]);
    commits.on("main", "2025-02-02", &[("rhcos-4.19.json", &document(SECOND))]);
    commits.on("main", "2025-03-02", &[("rhcos-4.19.json", ""), (HOME, &document(THIRD))]);
    let (_, found, json) = statuses(&commits.repo(), &ALL, &["--ref", "main"]);
    assert_eq!(found.iter().filter(|it| it.ends_with(" pinned")).count(), 3, "{json}");
}

#[test]
fn merges_pin_builds_but_intermediate_commits_of_their_branches_do_not() {
    let mut commits = Commits::default();
    commits.on("main", "2025-01-02", &[(HOME, &document(FIRST))]);
    commits.branch("pull", "main");
    commits.on("pull", "2025-02-02", &[(HOME, &document(NEVER))]);
    commits.on("pull", "2025-02-03", &[(HOME, &document(SECOND))]);
    let parents = "merge refs/heads/pull\n";
    commits.commit("main", "2025-02-04", parents, &[(HOME, &document(SECOND))]);
    commits.on("main", "2025-03-02", &[(HOME, &document(THIRD))]);
    let (_, found, json) = statuses(&commits.repo(), &ALL, &["--ref", "main"]);
    assert_eq!(found.iter().filter(|it| it.ends_with(" pinned")).count(), 3, "{json}");
    assert!(found.contains(&format!("{NEVER} orphan")), "{json}");
}

#[test]
fn an_unreadable_old_commit_unpins_nothing_and_does_not_affect_newer_builds() {
    let later = "419.96.202509010000-0";
    for broken in [
        "{",
        r#"{"stream": 1}"#,
        r#"{"stream": "s", "architectures": {"x86_64": {"artifacts": {"p": {"release": "odd", "formats": {"f": {"disk": {"location": "https://h/f", "sha256": "00"}}}}}}}}"#,
    ] {
        let mut commits = Commits::default();
        commits.on("main", "2025-01-02", &[(HOME, &document(FIRST))]);
        commits.on("main", "2025-03-05", &[(HOME, broken)]);
        commits.on("main", "2025-10-02", &[(HOME, &document(THIRD))]);
        let repo = commits.repo();
        let builds = [FIRST, SECOND, THIRD, later, NEWEST];
        let (status, found, json) = statuses(&repo, &builds, &["--ref", "main"]);
        let expected = ["pinned", "perhaps-pinned", "pinned", "orphan", "newest"];
        let expected: Vec<String> =
            builds.iter().zip(expected).map(|(it, status)| format!("{it} {status}")).collect();
        assert_eq!((status, found), (3, expected), "{broken}");
        let by = json["unreadable"][0]["by"].as_str().unwrap();
        assert!(
            by.starts_with("refs/heads/main at ") && json["unreadable"].as_array().unwrap().len() == 1,
            "{json}"
        );
        assert_eq!(json["unreadable"][0]["newest_build"], 202_504_040_000_u64, "one month after its commit");
        let list = retention(&repo, &["--ref", "main", "--output", "keep-list"]);
        assert_eq!((list.status(), &list.json_of("keep-list")["complete"]), (3, &false.into()));
    }
}

#[test]
fn an_incomplete_history_is_never_taken_for_complete() {
    let origin = bumped_twice().repo();
    origin.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", origin.path().display());
    let builds = [FIRST, SECOND, NEVER, THIRD, "419.96.202509010000-0", NEWEST];
    for clone in [&["--depth", "1"][..], &["--depth", "2"], &["--filter=tree:0"], &["--filter=blob:none"]] {
        let directory = tempfile::tempdir().unwrap();
        let to = directory.path().join("clone");
        origin.git(&[&["clone", "-q"], clone, &[&url, to.to_str().unwrap()]].concat());
        let clone_of = |args: &[&str]| {
            let listing = directory.path().join("list");
            let lines = builds
                .iter()
                .map(|it| format!("4.19-9.6/builds/{it}/x86_64/rhcos-{it}-qemu.x86_64.qcow2.gz\n"));
            fs::write(&listing, lines.collect::<String>()).unwrap();
            let mut command =
                program(&["retention", "--git", to.to_str().unwrap(), "--ref", "main", "--listing"]);
            Finished::of(command.arg(&listing).args(args))
        };
        let ran = clone_of(&[]);
        assert_eq!(ran.status(), 3, "{clone:?}: {}", ran.all());
        for build in [FIRST, SECOND, NEVER] {
            assert!(!ran.stdout.contains(&format!("orphan         {build}")), "{clone:?}: {}", ran.stdout);
        }
        assert!(ran.stdout.contains("orphan         419.96.202509010000-0"), "{clone:?}: {}", ran.stdout);
        if clone[0] == "--depth" {
            assert!(ran.stdout.contains("git fetch --unshallow"), "{}", ran.stdout);
            assert_eq!(clone_of(&["--tips-only"]).status(), 0, "the tips suffice");
        }
    }
}

#[test]
fn refs_can_be_named_as_in_git_and_excluded() {
    let mut commits = bumped_twice();
    commits.branch("release-4.19", "main");
    commits.on("release-4.19", "2025-04-02", &[("README", "z")]);
    commits.branch("gh-pages", "main");
    commits.on("gh-pages", "2025-05-02", &[("data", ""), ("index.html", "<html>")]);
    let repo = commits.repo();
    repo.git(&["update-ref", "refs/remotes/origin/release-4.18", "main"]);
    repo.git(&["tag", "v1", "main~1"]);
    let by = |args: &[&str]| {
        let (_, _, json) = statuses(&repo, &[THIRD, NEWEST], args);
        let by = json["builds"][0]["pinned_by"].as_array().unwrap().clone();
        (by.iter().map(|it| it.as_str().unwrap().to_owned()).collect::<Vec<_>>(), json)
    };
    for name in ["release-4.18", "origin/release-4.18", "remotes/origin/release-4.18", "origin", "origin/*"] {
        assert_eq!(by(&["--ref", name]).0, ["refs/remotes/origin/release-4.18"], "{name}");
    }
    assert_eq!(by(&["--ref", "heads/main"]).0, ["refs/heads/main"]);
    assert_eq!(by(&["--ref", "release-4.19~1"]).0, ["release-4.19~1"]);
    let (_, json) = by(&["--ref", "refs/heads/*"]);
    assert_eq!(json["unreadable"][0]["by"], "refs/heads/gh-pages");
    assert!(json["unreadable"][0]["why"].as_str().unwrap().contains("--exclude-ref"), "{json}");
    let (found, json) = by(&["--ref", "refs/heads/*", "--exclude-ref", "gh-pages"]);
    assert_eq!((found.len(), &json["unreadable"]), (2, &serde_json::json!([])));
    let listing = tempfile::tempdir().unwrap();
    let listing = builds_json(listing.path(), &[THIRD]);
    for args in [["--exclude-ref", "no-such"], ["--ref", "-x"]] {
        retention(&repo, &[&["--ref", "main", "--listing", &listing], &args[..]].concat()).exits(2);
    }
}

#[test]
fn the_commits_of_listed_payloads_pin_builds() {
    let repo = bumped_twice().repo();
    repo.git(&["tag", "v4.19.1", "main~3"]);
    let dir = tempfile::tempdir().unwrap();
    let payloads = dir.path().join("payloads");
    let with = |text: &str| {
        fs::write(&payloads, text).unwrap();
        statuses(&repo, &ALL, &["--payloads", payloads.to_str().unwrap()])
    };
    let (status, found, json) = with("# released\nv4.19.1 4.19.1\n\nmain~1\n");
    assert_eq!((status, found.iter().filter(|it| it.ends_with(" pinned")).count()), (0, 2), "{json}");
    assert_eq!(json["builds"][0]["pinned_by"][0], "v4.19.1 4.19.1");
    let (status, found, json) = with("main\n0123456789012345678901234567890123456789 4.19.7\n");
    assert_eq!((status, found.iter().filter(|it| it.ends_with(" orphan")).count()), (3, 0), "{json}");
    for text in ["", "# nothing\n"] {
        fs::write(&payloads, text).unwrap();
        let ran = retention(&repo, &["--payloads", payloads.to_str().unwrap(), "--output", "keep-list"]);
        assert_eq!((ran.status(), ran.stderr.contains("lists no commit")), (2, true), "{}", ran.all());
    }
}

#[test]
fn a_keep_list_has_all_that_a_pruner_needs() {
    let repo = bumped_twice().repo();
    let ran = retention(&repo, &["--ref", "main", "--output", "keep-list"]).exits(0);
    let list = ran.json_of("keep-list");
    assert_eq!(list["complete"], true);
    let ids: Vec<&str> =
        list["builds"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [FIRST, SECOND, THIRD]);
    let ami = serde_json::json!({"arch": "x86_64", "name": "us-east-1", "hvm": "ami-419962025010100000"});
    assert_eq!(
        (&list["builds"][0]["arches"], &list["builds"][0]["amis"]),
        (&serde_json::json!(["x86_64"]), &serde_json::json!([ami]))
    );
    // With a listing, builds that must be kept for other reasons are included.
    let dir = tempfile::tempdir().unwrap();
    let listing = builds_json(dir.path(), &[NEWEST, NEVER, THIRD, SECOND, FIRST]);
    let args = ["--ref", "main", "--tips-only", "--output", "keep-list", "--listing", &listing];
    let list = retention(&repo, &args).json_of("keep-list");
    let ids: Vec<&str> =
        list["builds"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!((ids, &list["complete"]), (vec![THIRD, NEWEST], &false.into()), "narrowed");
}

#[test]
fn the_freed_bytes_are_reported_if_the_listing_has_sizes() {
    let repo = bumped_twice().repo();
    let dir = tempfile::tempdir().unwrap();
    let listing = dir.path().join("list");
    let path = |build: &str| {
        format!("prod/streams/4.19-9.6/builds/{build}/x86_64/rhcos-{build}-qemu.x86_64.qcow2.gz")
    };
    let orphan_bytes = |lines: &[String]| {
        fs::write(&listing, lines.join("\n")).unwrap();
        let args = ["--ref", "main", "--listing", listing.to_str().unwrap(), "--output", "json"];
        retention(&repo, &args).json_of("retention")["summary"]["orphan_bytes"].as_u64()
    };
    for (orphan, expected) in [
        (format!("2025-02-15 10:11:12  123456789 {}", path(NEVER)), Some(123_456_789)),
        (format!("  123456789  2025-02-15T10:11:12Z  gs://bucket/{}", path(NEVER)), Some(123_456_789)),
        (format!("123456789 {}", path(NEVER)), Some(123_456_789)),
        (format!("1 {0}\n2 {0}.sig", path(NEVER)), Some(3)),
        (format!("1 {0}\n{0}.sig", path(NEVER)), None),
        (path(NEVER), None),
    ] {
        let newest = path(NEWEST);
        assert_eq!(orphan_bytes(&[orphan.clone(), newest]), expected, "{orphan}");
    }
    let ran = retention(&repo, &["--ref", "main", "--listing", listing.to_str().unwrap()]);
    assert!(ran.stdout.contains("1 orphan, "), "{}", ran.stdout);
    fs::write(&listing, format!("20480 {}\n1 {}\n", path(NEVER), path(NEWEST))).unwrap();
    let ran = retention(&repo, &["--ref", "main", "--listing", listing.to_str().unwrap()]);
    assert!(ran.stdout.contains("1 orphan (20480 bytes (20.00 KiB) to be freed), "), "{}", ran.stdout);
    assert!(ran.stdout.contains("note: orphan: nothing pins it, and there is a newer one"), "{}", ran.stdout);
}

/// 25 branches of 160 commits each after 2,000 common ones, with 500 bumps of documents of realistic size.
#[test]
fn the_history_of_an_installer_is_read_in_seconds() {
    let real = fs::read_to_string(testdata("checkout").join(HOME)).unwrap();
    let mut commits = Commits::default();
    let mut bumps = 0;
    let mut bump = || {
        bumps += 1;
        (format!("419.96.2025{:02}{:02}{:04}-0", 1 + bumps / 28 % 12, 1 + bumps % 28, bumps), bumps)
    };
    let day = |number: usize| {
        format!("20{:02}-{:02}-{:02}", 20 + number / 336 % 6, 1 + number / 28 % 12, 1 + number % 28)
    };
    let step = |commits: &mut Commits, branch: &str, number: usize, build: Option<String>| {
        let text = number.to_string();
        let other = format!("data/data/aws/{}.tf", number % 40);
        let document = build.map(|build| real.replace(OLD, &build)).unwrap_or_default();
        let mut files = vec![("pkg/code.go", text.as_str()), (other.as_str(), text.as_str())];
        if !document.is_empty() {
            files.push((HOME, &document));
        }
        commits.on(branch, &day(number), &files);
    };
    for number in 0..2_000 {
        let build = (number % 20 == 0).then(|| bump().0);
        step(&mut commits, "main", number, build);
    }
    for branch in 0..25 {
        let name = format!("release-4.{branch}");
        commits.branch(&name, "main");
        for number in 0..160 {
            let build = (number % 10 == 0).then(|| bump().0);
            step(&mut commits, &name, 2_000 + number, build);
        }
    }
    let repo = commits.repo();
    let dir = tempfile::tempdir().unwrap();
    let listing = builds_json(dir.path(), &[NEVER, NEWEST]);
    let began = Instant::now();
    let args =
        ["--ref", "main", "--ref", "release-*", "--listing", &listing, "--complete", "--output", "json"];
    let json = retention(&repo, &args).json_of("retention");
    let took = began.elapsed();
    println!("{} bumps on 26 branches of {} commits were read in {took:?}", bumps, 2_000 + 25 * 160);
    let gone: std::collections::BTreeSet<&str> =
        json["gone"].as_array().unwrap().iter().map(|it| it["build_id"].as_str().unwrap()).collect();
    // Three architectures of the document have other builds, which the bumps do not change.
    assert_eq!((gone.len(), &json["unreadable"]), (bumps + 3, &serde_json::json!([])), "every bump is found");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

/// Ways to give git another history than that of the commits.
#[test]
fn grafts_replacements_and_settings_do_not_change_the_history() {
    let repo = bumped_twice().repo();
    let pinned = |repo: &Repo| {
        let (status, found, json) = statuses(repo, &ALL, &["--ref", "main"]);
        assert_eq!((status, found.iter().filter(|it| it.ends_with(" pinned")).count()), (0, 3), "{json}");
    };
    repo.git(&["replace", "--graft", "main"]);
    pinned(&repo);
    repo.write(".git/info/grafts", &(repo.git(&["rev-parse", "main"]) + "\n"));
    pinned(&repo);
    for (setting, value) in
        [("log.showSignature", "true"), ("core.commitGraph", "true"), ("log.excludeDecoration", "*")]
    {
        repo.git(&["config", setting, value]);
    }
    pinned(&repo);
}

#[test]
fn the_target_of_a_link_can_change_with_any_commit() {
    let path = "data/data/coreos/rhcos.json";
    for link in ["data", "data/data", "data/data/coreos", path] {
        let repo = Repo::new();
        repo.write("README", "x");
        repo.commit("the link comes later");
        let at = repo.path().join(link);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        let up = "../".repeat(link.split('/').count() - 1);
        std::os::unix::fs::symlink(format!("{up}kept/{link}"), &at).unwrap();
        for build in [FIRST, SECOND, THIRD] {
            repo.write(&format!("kept/{path}"), &document(build));
            repo.commit("a bump");
        }
        let (_, found, json) = statuses(&repo, &ALL, &["--ref", "main"]);
        assert_eq!(found.iter().filter(|it| it.ends_with(" pinned")).count(), 3, "{link}: {json}");
    }
}

#[test]
fn a_commit_is_never_dated_before_its_parents() {
    let mut commits = Commits::default();
    commits.on("main", "2025-06-02", &[("README", "x")]);
    commits.on("main", "1990-01-01", &[(HOME, "{")]);
    commits.on("main", "2025-10-02", &[(HOME, &document(NEWEST))]);
    let (status, found, json) = statuses(&commits.repo(), &[SECOND, THIRD, NEWEST], &["--ref", "main"]);
    assert_eq!((status, json["unreadable"][0]["newest_build"].as_u64()), (3, Some(202_507_020_000)));
    assert_eq!(found.iter().filter(|it| it.ends_with(" perhaps-pinned")).count(), 2, "{json}");
}

#[test]
fn reports_of_a_history_of_broken_documents_are_limited() {
    let mut commits = Commits::default();
    commits.on("main", "2025-01-02", &[(HOME, &document(FIRST))]);
    for number in 0..1_000 {
        commits.on("main", "2025-01-03", &[(HOME, &format!("{{\"stream\": {number}}}"))]);
    }
    commits.on("main", "2025-02-02", &[(HOME, "{")]);
    let (status, found, json) =
        statuses(&commits.repo(), &[FIRST, "419.96.202502050000-0", NEWEST], &["--ref", "main"]);
    assert_eq!(status, 3);
    assert_eq!(found[1], "419.96.202502050000-0 perhaps-pinned", "the last one counts too");
    assert!(json["unreadable"].as_array().unwrap().len() <= 201, "{}", json["unreadable"]);
}
