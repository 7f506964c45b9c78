//! `check --ref`: the documents of every branch, each artifact checked once, reported by branch.

use serde_json::{Value, json};

use crate::support::ground::Repo;
use crate::support::server::{Server, published};
use crate::support::{Program, component};

const RHCOS: &str = "data/data/coreos/rhcos.json";

/// A repository with branches, and the server that their documents refer to.
struct Branches {
    repo: Repo,
    server: Server,
}

impl Branches {
    fn new() -> Self {
        Self { repo: Repo::new(), server: Server::start() }
    }

    /// Creates a branch with exactly these files.
    fn branch(&self, name: &str, files: &[(&str, String)]) {
        self.repo.git(&["checkout", "--quiet", "--orphan", name]);
        self.repo.git(&["rm", "-r", "-f", "--quiet", "--ignore-unmatch", "."]);
        for (path, text) in files {
            self.repo.write(path, text);
        }
        self.repo.git(&["add", "--all", "."]);
        self.repo.git(&["commit", "--quiet", "--allow-empty", "-m", name]);
    }

    /// A document with an ISO of a build for each architecture. The server has those of the architectures in `served`.
    fn document(&self, build: &str, served: &[&str]) -> String {
        let mut architectures = json!({});
        for arch in ["aarch64", "x86_64"] {
            let path = format!("/{build}/{arch}/rhcos-{build}-live.{arch}.iso");
            if served.contains(&arch) {
                self.server.put(&path, published(path.rsplit('/').next().unwrap()));
            }
            architectures[arch]["artifacts"]["metal"] = json!({
                "release": build,
                "formats": { "iso": { "disk": component(&self.server.url(&path)) } },
            });
        }
        json!({ "stream": "rhcos", "metadata": {}, "architectures": architectures }).to_string()
    }

    fn check(&self, refs: &[&str]) -> Program {
        let program = Program::new("check").locally().arg("--git").arg(self.repo.path());
        program.args(refs)
    }
}

/// The entry of a ref in a report.
fn of_ref<'r>(report: &'r Value, name: &str) -> &'r Value {
    let refs = report["refs"].as_array().unwrap();
    refs.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("no {name} in {refs:#?}"))
}

const BOTH: [&str; 2] = ["aarch64", "x86_64"];

#[test]
fn every_branch_is_judged_and_every_artifact_asked_for_once() {
    let branches = Branches::new();
    let (new, old) = ("9.6.20260301-0", "9.6.20250101-0");
    let shared = branches.document(new, &BOTH);
    branches.branch("release-4.20", &[(RHCOS, shared.clone())]);
    // The same artifacts, but different bytes, so another document.
    branches.branch("main", &[(RHCOS, format!("{shared}\n"))]);
    branches.branch("release-4.19", &[(RHCOS, shared)]);
    branches.branch("release-4.12", &[(RHCOS, branches.document(old, &["x86_64"]))]);
    branches.branch("release-4.2", &[("README", "no metadata yet".to_owned())]);
    branches.branch("release-4.1", &[("README", "nor here".to_owned())]);
    let arguments =
        ["--ref", "release-*", "--ref", "main", "--exclude-ref", "release-4.1", "--output", "json"];
    let report = branches.check(&arguments).run().exits(1).report().0;
    let names: Vec<&str> =
        report["refs"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["release-4.12", "release-4.19", "release-4.2", "release-4.20", "main"]);
    for (name, verdict, counts) in [
        ("release-4.12", "fail", [2, 1, 1]),
        ("release-4.19", "pass", [2, 2, 0]),
        ("release-4.20", "pass", [2, 2, 0]),
        ("main", "pass", [2, 2, 0]),
        ("release-4.2", "pass", [0, 0, 0]),
    ] {
        let said = of_ref(&report, name);
        let summary = ["artifacts", "passed", "failed"].map(|count| said["summary"][count].as_u64().unwrap());
        assert_eq!((said["verdict"].as_str().unwrap(), summary), (verdict, counts), "{said:#}");
    }
    assert!(of_ref(&report, "release-4.2")["remarks"][0].as_str().unwrap().contains("no stream metadata"));
    let behind = of_ref(&report, "release-4.12")["remarks"].to_string();
    assert!(behind.contains("RHEL 9.6: 9.6.20250101-0 is behind 9.6.20260301-0"), "{behind}");
    for arch in BOTH {
        let path = format!("/{new}/{arch}/rhcos-{new}-live.{arch}.iso");
        assert_eq!(branches.server.count("HEAD", &path), 1, "{arch}");
    }
}

#[test]
fn broken_branches_are_named_in_the_log_and_the_comment() {
    let branches = Branches::new();
    branches.branch("release-4.19", &[(RHCOS, branches.document("9.6.20260301-0", &BOTH))]);
    branches.branch("release-4.12", &[(RHCOS, branches.document("412.86.202301311551-0", &["x86_64"]))]);
    let log = branches.check(&["--ref", "release-*"]).run().exits(1).stdout;
    let said =
        "release-4.12: 412.86.202301311551-0: 1 of 2 missing or wrong: users of this branch cannot install";
    assert_eq!(log.matches(said).count(), 2, "in the log and in its last lines:\n{log}");
    assert!(log.contains("release-4.19: 9.6.20260301-0: 2 of 2 passed") && !log.contains("\nPASS "), "{log}");
    let comment = branches.check(&["--ref", "release-*", "--output", "markdown"]).run().exits(1).stdout;
    assert!(comment.contains("| branch | state | RHEL 8.6 | RHEL 9.6 |"), "{comment}");
    assert!(comment.contains("| `release-4.12` | ✗ 1 of 2 | 412.86.202301311551-0 |  |"), "{comment}");
}

#[test]
fn an_unreadable_branch_does_not_pass_and_the_others_are_checked() {
    let branches = Branches::new();
    branches.branch("release-4.19", &[(RHCOS, branches.document("9.6.20260301-0", &BOTH))]);
    branches.branch("release-4.18", &[(RHCOS, "{\"stream\": \"s\", \"architectures\": 7}".to_owned())]);
    let report = branches.check(&["--ref", "release-*", "--output", "json"]).run().exits(3).report().0;
    assert_eq!(of_ref(&report, "release-4.19")["verdict"], "pass");
    let unread = of_ref(&report, "release-4.18");
    assert_eq!(unread["verdict"], "inconclusive");
    assert!(unread["remarks"][0].as_str().unwrap().contains("it could not be read"), "{unread:#}");
}

#[test]
fn a_branch_without_documents_passes_only_where_there_were_none_yet() {
    let branches = Branches::new();
    branches.branch("release-4.19", &[(RHCOS, branches.document("9.6.20260301-0", &BOTH))]);
    branches
        .branch("release-4.18", &[("data/elsewhere/rhcos.json", branches.document("9.6.20260301-0", &[]))]);
    let report = branches.check(&["--ref", "release-*", "--output", "json"]).run().exits(3).report().0;
    let moved = of_ref(&report, "release-4.18");
    assert_eq!(moved["verdict"], "inconclusive");
    assert!(moved["remarks"][0].as_str().unwrap().contains("no stream metadata"), "{moved:#}");
}

#[test]
fn marketplace_images_that_lag_are_named() {
    let branches = Branches::new();
    let marketplace = json!({ "x86_64": { "azure": { "ocp": { "hyperVGen2": {
        "publisher": "redhat", "offer": "rh-ocp-worker", "sku": "rh-ocp-worker", "version": "417.94.20240701",
    } } } } });
    let files = [
        (RHCOS, branches.document("9.6.20260301-0", &BOTH)),
        ("data/data/coreos/marketplace/rhcos.json", marketplace.to_string()),
    ];
    branches.branch("release-4.19", &files);
    let report = branches.check(&["--ref", "release-4.19", "--output", "json"]).run().exits(0).report().0;
    let remarks = of_ref(&report, "release-4.19")["remarks"].to_string();
    assert!(
        remarks.contains("marketplace/rhcos.json is up to") && remarks.contains("days behind"),
        "{remarks}"
    );
}

#[test]
fn refs_without_stream_metadata_are_a_usage_error() {
    let branches = Branches::new();
    branches.branch("release-4.2", &[("README", "no metadata yet".to_owned())]);
    for (arguments, says) in [
        (&["--ref", "release-9.*"][..], "release-9.*"),
        (&["--ref", "release-4.2"], "no ref has stream metadata"),
        (&["--ref", "release-4.2", "--base", "main"], "--base"),
        (&["--exclude-ref", "release-4.2"], "--ref"),
    ] {
        let finished = branches.check(arguments).run().exits(2);
        assert!(finished.stderr.contains(says), "{arguments:?}: {}", finished.stderr);
    }
    let missing = Program::new("check").args(["--git", "no-such-directory", "--ref", "main"]).run().exits(2);
    assert!(missing.stderr.contains("no-such-directory"), "{}", missing.stderr);
}
