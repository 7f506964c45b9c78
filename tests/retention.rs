//! `retention` of a git repository's branches against what a mirror lists.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail as tests do, and say what they skip"
)]

mod handoff_support;

use std::fs;

use handoff_support::{Ran, Repo, program, testdata};

const HOME: &str = "data/data/coreos/rhcos.json";
const OLD: &str = "419.96.202506171412-0";
const NEW: &str = "419.96.202507010000-0";

/// Branches of every age: one pins the old build, one the new, one has the metadata of 2019 alone.
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

fn retention(repo: &Repo, args: &[&str]) -> Ran {
    Ran::of(program(&["retention", "--git", repo.path().to_str().unwrap()]).args(args))
}

#[test]
fn refs_pin_builds_and_the_rest_may_go() {
    let repo = repo();
    let dir = tempfile::tempdir().unwrap();
    let listing =
        builds_json(dir.path(), &["419.96.202508010000-0", NEW, "419.96.202506200000-0", OLD, "odd"]);
    let refs = ["--ref", "main", "--ref", "release-*", "--ref", "v*", "--listing", &listing];
    let ran = retention(&repo, &refs);
    insta::assert_snapshot!("human", ran.stdout);
    assert_eq!(ran.status, 1, "the other architectures are not there: {}", ran.all());
    let markdown = retention(&repo, &[&refs[..], &["--output", "markdown"]].concat());
    insta::assert_snapshot!("markdown", markdown.stdout);
    let json = retention(&repo, &[&refs[..], &["--output", "json"]].concat()).json_of("retention");
    assert_eq!(json["summary"]["orphans"], 3);
    assert_eq!(json["not_covered"][0], "42.81.20190919.0", "the branch of 2019 is read too");
}

#[test]
fn a_ref_that_cannot_be_read_makes_everything_stay() {
    let repo = repo();
    repo.git(&["checkout", "-q", "-b", "release-broken"]);
    repo.write(HOME, "{\"stream\": 1}");
    repo.commit("broken");
    let dir = tempfile::tempdir().unwrap();
    let listing = dir.path().join("list");
    fs::write(&listing, format!("4.18/419.96.202501010000-0/x86_64/f\n4.18/{NEW}/x86_64/f\n")).unwrap();
    let listing = listing.to_str().unwrap();
    let all = ["--ref", "release-broken", "--listing", listing];
    let ran = retention(&repo, &all);
    assert_eq!(ran.status, 3, "{}", ran.all());
    assert!(ran.stdout.contains("perhaps-pinned 419.96.202501010000-0"), "{}", ran.stdout);
    assert!(ran.stdout.contains("ERROR: refs/heads/release-broken cannot be read"), "{}", ran.stdout);
    let json = retention(&repo, &[&all[..], &["--output", "json"]].concat()).json_of("retention");
    assert_eq!(json["unreadable"][0]["by"], "refs/heads/release-broken");
}

#[test]
fn a_pattern_without_a_ref_and_a_listing_without_a_build_are_mistakes() {
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
        assert_eq!(ran.status, 2, "{args:?}: {}", ran.all());
    }
}

#[test]
fn images_that_were_pruned_are_gone_although_their_build_is_listed() {
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
    let ran = Ran::of(&mut prune(r#"{"images": true, "images-kept": ["qemu", "live-iso"]}"#));
    assert_eq!(ran.status, 1, "{}", ran.all());
    let shown = ran.stdout.replace(&*document.display().to_string(), "rhcos.json");
    insta::assert_snapshot!("pruned", shown);
    let markdown = Ran::of(prune(r#"["images"]"#).args(["--output", "markdown"]));
    assert!(markdown.stdout.contains("### Pinned, and gone"), "{}", markdown.stdout);
    let json = Ran::of(prune("7").args(["--output", "json"]));
    assert_eq!(json.status, 3, "{}", json.all());
    let json = json.json_of("retention");
    assert_eq!((&json["gone"], json["summary"]["undetermined"].as_u64()), (&serde_json::json!([]), Some(1)));
    assert_eq!(json["builds"][0]["pruned"], "images perhaps pruned");
    let ran = Ran::of(&mut prune(r#"["cloud-uploads", "containers"]"#));
    assert_eq!(ran.status, 0, "{}", ran.all());
}

/// In a git hook these name the hook's repository, and beat `git -C`.
#[test]
fn the_repository_is_the_one_that_is_named_whatever_the_environment_says() {
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
    let ran = Ran::of(&mut command);
    let json = ran.json_of("retention");
    assert_eq!(json["summary"]["pinned"], 1, "{}", ran.all());
    assert_eq!(json["unreadable"].as_array().unwrap().len(), 0, "{}", ran.all());
}

/// As in Prow, where the checkout belongs to another user than the job.
#[test]
fn a_repository_of_another_user_is_read() {
    let repo = repo();
    let owner = std::process::Command::new("chown").args(["-R", "12345"]).arg(repo.path()).output().unwrap();
    if !owner.status.success() {
        println!("skipped: only root gives files away");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let listing = builds_json(dir.path(), &[NEW]);
    let ran = retention(&repo, &["--ref", "main", "--listing", &listing, "--output", "json"]);
    assert_eq!(ran.json_of("retention")["summary"]["pinned"], 1, "{}", ran.all());
    let diff = Ran::of(&mut program(&["diff", "--git", repo.path().to_str().unwrap(), "main:", "main:"]));
    assert_eq!(diff.status, 0, "{}", diff.all());
}

#[test]
fn every_document_pins_whatever_its_name_is() {
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

    // And so does every stream of a manifest.
    let data = serde_json::json!({"streams": format!("{{\"rhel-9\": {text}, \"rhel-10\": {}}}", text.replace(OLD, NEW))});
    let manifest = dir.path().join("0000_50_installer_coreos-bootimages.yaml");
    let name = serde_json::json!({"name": "coreos-bootimages"});
    let config_map = serde_json::json!({"kind": "ConfigMap", "metadata": name, "data": data});
    fs::write(&manifest, format!("---\n{config_map}\n---\n")).unwrap();
    let manifests = tempfile::tempdir().unwrap();
    fs::copy(&manifest, manifests.path().join("0000_50_installer_coreos-bootimages.yaml")).unwrap();
    for source in [manifest.as_path(), manifests.path()] {
        let args = ["retention", source.to_str().unwrap(), "--listing", &listing, "--output", "json"];
        let json = Ran::of(&mut program(&args)).json_of("retention");
        assert_eq!(json["summary"]["pinned"], 2, "{json}");
    }
}
