//! `retention` of a git repository's branches against what a mirror lists.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

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
