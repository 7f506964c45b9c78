//! `diff` of files, checkouts and git revisions.

use std::fs;

use crate::handoff_support::{Finished, Repo, program, run, testdata};

const HOME: &str = "data/data/coreos/rhcos.json";

fn text() -> String {
    fs::read_to_string(testdata("checkout").join(HOME)).unwrap()
}

/// A newer build on `x86_64` without one of its formats, and a new digest on s390x.
fn bumped() -> String {
    let mut document: serde_json::Value =
        serde_json::from_str(&text().replace("419.96.202506171412-0", "419.96.202507010000-0")).unwrap();
    let metal = &mut document["architectures"]["x86_64"]["artifacts"]["metal"]["formats"];
    metal.as_object_mut().unwrap().remove("4k.raw.gz");
    let secex = &mut document["architectures"]["s390x"]["artifacts"]["qemu-secex"]["formats"]["qcow2.gz"];
    secex["disk"]["sha256"] = "0".repeat(64).into();
    serde_json::to_string_pretty(&document).unwrap()
}

fn repo() -> Repo {
    let repo = Repo::new();
    repo.write(HOME, &text());
    repo.write("data/data/coreos/marketplace/rhcos.json", "{\"x\": {}}");
    repo.commit("before");
    repo.git(&["tag", "before"]);
    repo.write(HOME, &bumped());
    repo.commit("after");
    repo
}

fn diff(repo: &Repo, args: &[&str]) -> Finished {
    Finished::of(program(&["diff", "--git", repo.path().to_str().unwrap()]).args(args))
}

#[test]
fn a_bump_is_shown_between_two_revisions() {
    let repo = repo();
    let ran = diff(&repo, &["before:", "HEAD:"]).exits(1);
    insta::assert_snapshot!("human", ran.stdout);
    insta::assert_snapshot!("markdown", diff(&repo, &["before:", "HEAD:", "--output", "markdown"]).stdout);
    let json = diff(&repo, &["before:", "HEAD:", "--output", "json"]).json_of("diff");
    assert_eq!(json["documents"][0]["document"]["new"], HOME);
    assert_eq!(json["documents"][0]["step"]["newer"], "new");
    assert_eq!(json["documents"][0]["builds"][0]["new"][0], "419.96.202507010000-0");
}

#[test]
fn equal_documents_of_different_sources_do_not_differ() {
    let repo = repo();
    let file = repo.path().join(HOME);
    let (file, path) = (file.to_str().unwrap(), repo.path().to_str().unwrap());
    let after = format!("HEAD:{HOME}");
    for (old, new) in [(file, "HEAD:"), ("HEAD:", path), (after.as_str(), file), ("HEAD:", "main:")] {
        let ran = diff(&repo, &[old, new]);
        assert_eq!(ran.status(), 0, "{old} {new}: {}", ran.all());
    }
    let ran = diff(&repo, &[file, &format!("before:{HOME}")]);
    assert!(ran.stdout.contains("the OLD side has newer builds of rhcos-4.19"), "{}", ran.stdout);
}

#[test]
fn errors_have_a_status_of_their_own() {
    let repo = repo();
    repo.write("data/data/coreos/rhcos.json", "{\"stream\": \"s\"}");
    repo.commit("broken");
    let file = repo.path().join("nothing.json");
    let cases = [
        (["no-such-branch:", "HEAD:"], "no-such-branch"),
        (["HEAD:", "before:"], "architectures"),
        (["before:no/such/file", "before:"], "no/such/file"),
        ([file.to_str().unwrap(), "before:"], "nothing.json: there is no such file"),
        (["--output=x:", "before:"], "--output"),
    ];
    for (args, says) in cases {
        let ran = diff(&repo, &args);
        assert_eq!(ran.status(), 2, "{args:?}: {}", ran.all());
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
        assert!(!ran.stderr.contains("art-mirror-validate-"), "no temporary path: {}", ran.stderr);
    }
    let ran = run(&["diff", "--git", "/", "HEAD:", "HEAD:"]);
    assert_eq!((ran.status(), ran.stderr.contains("git says")), (2, true), "{}", ran.stderr);
}

#[test]
fn a_revision_is_never_taken_for_an_option_of_git() {
    let repo = repo();
    let target = repo.path().join("written");
    let revision = format!("--output={}:", target.display());
    diff(&repo, &["--", &revision, "HEAD:"]).exits(2);
    assert!(!target.exists());
}

#[test]
fn a_link_out_of_a_tree_is_not_followed() {
    let repo = repo();
    let secret = repo.path().join("secret.json");
    fs::write(&secret, text()).unwrap();
    fs::remove_file(repo.path().join(HOME)).unwrap();
    std::os::unix::fs::symlink(&secret, repo.path().join(HOME)).unwrap();
    repo.git(&["add", HOME]);
    repo.git(&["commit", "-q", "-m", "a link out"]);
    let ran = diff(&repo, &["before:", "HEAD:"]).exits(2);
    assert!(ran.stderr.contains("a link out of the checkout"), "{}", ran.stderr);
}

#[test]
fn revisions_can_be_named_as_in_git() {
    let repo = repo();
    repo.git(&["checkout", "-q", "-b", "pull", "before"]);
    repo.write("README", "x");
    repo.commit("of the pull request");
    let shown = |args: &[&str]| {
        let ran = diff(&repo, args);
        assert_eq!(ran.stderr, "", "{args:?}");
        (ran.status(), ran.stdout)
    };
    let changed = shown(&["before:", "main:"]);
    let same = shown(&["before:", "before:"]);
    assert_ne!(changed, same);
    for args in [
        &["before", "main"][..],
        &["before..main"],
        &["pull...main"],
        &["HEAD...main"],
        &["...main"],
        &["..main"],
    ] {
        assert_eq!(shown(args), changed, "{args:?}");
    }
    for args in [&["before", "HEAD"][..], &["before"], &["before..HEAD"], &["main...pull"], &["before.."]] {
        assert_eq!(shown(args), same, "{args:?}");
    }
    // An existing file takes precedence over a revision of the same name.
    for name in ["main", "before..main"] {
        fs::write(repo.path().join(name), bumped()).unwrap();
    }
    let mut at = program(&["diff", "main", "before..main"]);
    assert_eq!(Finished::of(at.current_dir(repo.path())).status(), 0);
    for (args, says) in [
        (&["nowhere"][..], "nowhere: there is no such file"),
        (&["nowhere..main"], "no commit \"nowhere\""),
        (&["main..nowhere"], "no commit \"nowhere\""),
        (&["before..main", "main"], "found a third, main"),
        (&["--", "--output=x..main"], "no commit \"--output=x\""),
        (&["--", "-x"], "-x: there is no such file"),
        (&["before", "../nowhere"], "../nowhere: there is no such file"),
        (&["a\u{1b}b", "main"], "a\\u{1b}b: there is no such file"),
    ] {
        let ran = diff(&repo, args);
        assert_eq!((ran.status(), ran.stdout.as_str()), (2, ""), "{args:?}: {}", ran.all());
        assert!(ran.stderr.contains(says), "{args:?}: {}", ran.stderr);
    }
}

#[test]
fn losses_are_alarms() {
    let repo = repo();
    let mut document: serde_json::Value = serde_json::from_str(&text()).unwrap();
    let arches = document["architectures"].as_object_mut().unwrap();
    for arch in ["aarch64", "x86_64"] {
        let regions = |names: &[&str]| {
            names
                .iter()
                .map(|it| {
                    (
                        (*it).to_owned(),
                        serde_json::json!({"release": "419.96.202506171412-0", "image": "ami-1"}),
                    )
                })
                .collect::<serde_json::Map<_, _>>()
        };
        arches[arch]["images"] = serde_json::json!({
            "aws": {"regions": regions(&["us-east-1", "me-central-1", "me-south-1"])},
            "gcp": {"release": "419.96.202506171412-0", "project": "p", "name": "n"}});
    }
    repo.write(HOME, &serde_json::to_string_pretty(&document).unwrap());
    repo.commit("with images");
    repo.git(&["tag", "with"]);
    let arches = document["architectures"].as_object_mut().unwrap();
    arches.remove("ppc64le").unwrap();
    for arch in ["aarch64", "x86_64"] {
        let regions = arches[arch]["images"]["aws"]["regions"].as_object_mut().unwrap();
        regions.retain(|name, _| name == "us-east-1");
    }
    arches["x86_64"]["images"].as_object_mut().unwrap().remove("gcp");
    arches["x86_64"]["artifacts"].as_object_mut().unwrap().remove("vmware").unwrap();
    arches["x86_64"]["artifacts"]["metal"]["formats"].as_object_mut().unwrap().remove("4k.raw.gz").unwrap();
    repo.write(HOME, &serde_json::to_string_pretty(&document).unwrap());
    repo.commit("without");
    let ran = diff(&repo, &["with", "HEAD"]);
    let alarms: Vec<&str> = ran.stdout.lines().filter_map(|line| line.strip_prefix("  ALARM: ")).collect();
    assert_eq!(
        alarms,
        [
            "architecture ppc64le is gone",
            "platform vmware is gone on x86_64",
            "metal 4k.raw.gz is gone on x86_64",
            "cloud images of gcp are gone on x86_64",
            "aws me-central-1 and me-south-1 are gone on aarch64, x86_64",
        ]
    );
    let markdown = diff(&repo, &["with", "HEAD", "--output", "markdown"]).stdout;
    assert_eq!(markdown.matches("- **Alarm:** ").count(), 5, "{markdown}");
    let json = diff(&repo, &["with", "HEAD", "--output", "json"]).json_of("diff");
    assert_eq!(json["documents"][0]["lost"][4]["names"], serde_json::json!(["me-central-1", "me-south-1"]));

    let status = |args: &[&str]| diff(&repo, &[&["--exit-status", "losses"], args].concat()).status();
    assert_eq!(status(&["with", "HEAD"]), 1);
    assert_eq!(status(&["HEAD", "with"]), 0, "additions are not losses");
    assert_eq!(status(&["with", "with"]), 0);
    repo.git(&["rm", "-q", HOME]);
    repo.write(
        "data/data/coreos/fcos.json",
        &text().replace("rhcos-4.19", "stable").replace("419.96.", "38."),
    );
    repo.commit("another document alone");
    let ran = diff(&repo, &["with", "HEAD"]);
    assert!(status(&["with", "HEAD"]) == 1, "{}", ran.all());
}

#[test]
fn a_split_document_is_compared_with_its_predecessor() {
    let repo = repo();
    // Two documents of one stream, of which the one for RHEL 10 is first by name.
    let ten = text()
        .replace("419.96.202506171412-0", "10.2.20260403-0")
        .replace("streams/4.19-9.6/", "streams/rhel-10.2/");
    fs::remove_file(repo.path().join(HOME)).unwrap();
    repo.write("data/data/coreos/coreos-rhel-10.json", &ten);
    repo.write("data/data/coreos/coreos-rhel-9.json", &bumped());
    repo.commit("split");
    let ran = diff(&repo, &["before:", "HEAD:"]).exits(1);
    let title = "data/data/coreos/rhcos.json → data/data/coreos/coreos-rhel-9.json (rhcos-4.19)";
    assert!(
        ran.stdout.contains(&format!("{title}\n  paired by the directory in their URLs\n")),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("data/data/coreos/coreos-rhel-10.json: only in the new side"),
        "{}",
        ran.stdout
    );
    let json = diff(&repo, &["before:", "HEAD:", "--output", "json"]).json_of("diff");
    assert_eq!(json["documents"][0]["paired_by"], "directory");
    let markdown = diff(&repo, &["before:", "HEAD:", "--output", "markdown"]);
    assert!(
        markdown.stdout.contains("The two are paired by the directory in their URLs."),
        "{}",
        markdown.stdout
    );
}
