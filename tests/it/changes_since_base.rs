//! `check --base` and Prow's variables for the base, in a temporary git repository.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::binary::program;
use crate::support::ground::{Repo, testdata};
use crate::support::{DEAD_PROXY, Finished};

/// A checkout whose branch and `main` have diverged.
struct Checkout {
    repo: Repo,
    base: String,
}

impl Checkout {
    fn new() -> Self {
        let real = |name: &str| fs::read_to_string(testdata("checkout/data/data/coreos").join(name)).unwrap();
        let mut checkout = Self { repo: Repo::new(), base: String::new() };
        let text = real("rhcos.json");
        checkout.write("scos.json", &real("scos.json"));
        checkout.write("rhcos.json", &text);
        checkout.base = checkout.commit();
        checkout.repo.git(&["checkout", "--quiet", "-b", "pull"]);
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let artifacts = &mut document["architectures"]["x86_64"]["artifacts"];
        let qemu = artifacts.as_object_mut().unwrap().remove("qemu").unwrap();
        artifacts["moon"] = qemu;
        artifacts["metal"]["formats"]["iso"]["disk"]["sha256"] = "0".repeat(64).into();
        checkout.write("rhcos.json", &document.to_string());
        checkout.commit();
        // Later changes of the base are not changes of the pull request.
        checkout.repo.git(&["checkout", "--quiet", "main"]);
        checkout.write("scos.json", "{\"stream\": \"no longer\"}");
        checkout.commit();
        checkout.repo.git(&["checkout", "--quiet", "pull"]);
        checkout
    }

    fn write(&self, name: &str, text: &str) {
        self.repo.write(&format!("data/data/coreos/{name}"), text);
    }

    fn commit(&self) -> String {
        self.repo.commit("x")
    }

    /// Checks without a network, which the comparison does not need.
    fn check(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
        let mut program = program(&["check", "--retries", "0", "--verify", "exists"]);
        program.args(if arguments.contains(&"--output") { &[][..] } else { &["--output", "json"] });
        program.args(arguments).current_dir(self.repo.path()).env("HTTPS_PROXY", DEAD_PROXY);
        Finished::of(program.envs(environment.iter().copied()))
    }
}

/// `CHANGE ID` of each changed artifact.
fn changes(report: &Value) -> Vec<String> {
    let all = report["changes"]["artifacts"].as_array().unwrap().iter();
    all.map(|it| format!("{} {}", it["change"].as_str().unwrap(), it["id"].as_str().unwrap())).collect()
}

const EXPECTED: [&str; 3] = [
    "new-digest data/data/coreos/rhcos.json:x86_64/metal/iso/disk",
    "added data/data/coreos/rhcos.json:x86_64/moon/qcow2.gz/disk",
    "removed data/data/coreos/rhcos.json:x86_64/qemu/qcow2.gz/disk",
];

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn a_base_adds_the_changes_of_the_pull_request_and_affects_no_verdict() {
    let checkout = Checkout::new();
    let without = checkout.check(&[], &[]).json();
    assert_eq!(without["changes"], Value::Null);
    let mut with = checkout.check(&["--base", "main"], &[]).json();
    assert_eq!(sorted(changes(&with)), sorted(EXPECTED.map(str::to_owned).to_vec()));
    assert_eq!(
        (&with["changes"]["base"], &with["changes"]["commit"]),
        (&"main".into(), &checkout.base.as_str().into())
    );
    for timed in ["changes", "elapsed_ms", "notes"] {
        with[timed] = without[timed].clone();
    }
    let strip = |report: &Value| {
        let artifacts = report["artifacts"].as_array().unwrap().iter();
        artifacts
            .map(|it| (it["id"].clone(), it["verdict"].clone(), it["reason"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(strip(&with), strip(&without));
}

/// The log lists changes by build, and separates the branch's failures from those that its base has already.
#[test]
fn a_log_lists_changes_by_build_and_separates_failures_of_the_base() {
    let checkout = Checkout::new();
    for arguments in
        [&["--base", "main", "--output", "human"][..], &["--base", "main", "--output", "human", "-q"]]
    {
        let log = checkout.check(arguments, &[]).stdout;
        let changed: Vec<&str> =
            log.lines().skip_while(|line| !line.starts_with("changed since main ")).take(2).collect();
        assert_eq!(
            changed[1],
            "  data/data/coreos/rhcos.json: 419.96.202506171412-0: 1 added, 1 removed, 1 with a new digest",
            "{log}"
        );
        assert_eq!(log.matches(": 1 added").count(), 2, "one line in all, and one for each build: {log}");
        let order = [
            "\nChanged since main:\n? unreachable: 419.96.202506171412-0 (rhcos.json): 2 of 13 unreachable\n",
            "\nAlready so on main, not from this branch:\n? unreachable: 419.96.202506171413-0 (rhcos.json): 3 of 3",
            "\n? unreachable: 419.96.202506171412-0 (rhcos.json): 11 of 13 unreachable\n",
        ];
        let places: Vec<_> = order.iter().map(|text| log.find(text)).collect();
        assert!(places.is_sorted() && places[0].is_some(), "{places:?}\n{log}");
    }
}

#[test]
fn filters_also_apply_to_the_changes() {
    let checkout = Checkout::new();
    let report = checkout.check(&["--base", "main", "-p", "moon"], &[]).json();
    assert_eq!(changes(&report), [EXPECTED[1]]);
}

#[test]
fn only_a_checkout_has_a_base() {
    let checkout = Checkout::new();
    let file = "data/data/coreos/rhcos.json";
    for arguments in [&[file, "--base", "main"][..], &[".", file, "--base", "main"]] {
        let complaint = checkout.check(arguments, &[]).exits(2).stderr;
        assert!(complaint.contains("--base needs one SOURCE, a checkout"), "{complaint}");
    }
    let report = checkout.check(&[file], &[("PULL_BASE_SHA", checkout.base.as_str())]).json();
    assert_eq!(report["changes"], Value::Null);
}

#[test]
fn in_prow_the_default_is_the_base_of_the_job() {
    let checkout = Checkout::new();
    let environment = [("PULL_BASE_SHA", checkout.base.as_str()), ("PULL_BASE_REF", "main")];
    let report = checkout.check(&[], &environment).json();
    assert_eq!(changes(&report).len(), 3);
    assert_eq!(report["changes"]["base"], "main");
}

#[test]
fn a_missing_base_of_prow_is_not_mentioned() {
    let checkout = Checkout::new();
    let absent = "0123456789".repeat(4);
    let environment = [("PULL_BASE_SHA", absent.as_str()), ("PULL_BASE_REF", "main")];
    let output = checkout.check(&[], &environment);
    let report = output.json();
    let notes = report["notes"].as_array().unwrap();
    assert_eq!(report["changes"], Value::Null);
    let is_of_others = |note: &Value| {
        ["lint: ", "cloud references: "].iter().any(|it| note.as_str().unwrap().starts_with(it))
    };
    assert!(notes.iter().all(is_of_others), "{notes:?}");
    assert_eq!(output.stderr, "");
    fs::remove_dir_all(checkout.repo.path().join(".git")).unwrap();
    let output = checkout.check(&[], &environment);
    assert_eq!(output.json()["changes"], Value::Null, "likewise without a repository");
}

#[test]
fn a_requested_base_must_exist() {
    let checkout = Checkout::new();
    let artifacts = tempfile::tempdir().unwrap();
    let environment = [("ARTIFACTS", artifacts.path().to_str().unwrap())];
    let output = checkout.check(&["--base", "nowhere"], &environment);
    let complaint = output.exits(2).stderr;
    assert!(complaint.contains("the repository has no commit \"nowhere\""), "{complaint}");
    let page = fs::read_to_string(artifacts.path().join("art-mirror-validate-summary.html")).unwrap();
    assert!(page.contains("the repository has no commit"), "the reports say why nothing was checked");
}

#[test]
fn an_unreadable_base_is_only_noted() {
    let checkout = Checkout::new();
    checkout.write("rhcos.json", "{");
    let broken = checkout.commit();
    checkout.repo.git(&["revert", "--no-edit", "HEAD"]);
    let report = checkout.check(&[], &[("PULL_BASE_SHA", broken.as_str())]).json();
    assert_eq!(report["changes"], Value::Null);
    let note = report["notes"][0].as_str().unwrap();
    let says = format!("cannot determine what changed since {broken}: data/data/coreos/rhcos.json");
    assert!(note.contains(&says), "{note}");
}

/// Comparing with the base must not use up the deadline.
#[test]
fn a_repository_in_which_git_hangs_changes_no_verdict() {
    let checkout = Checkout::new();
    let config = checkout.repo.path().join(".git/config");
    fs::remove_file(&config).unwrap();
    assert!(Command::new("mkfifo").arg(&config).status().unwrap().success());
    // A quarter of the time is for git, the rest for requests.
    for arguments in [&["--deadline", "2s"][..], &["--deadline", "2s", "--base", "main"]] {
        let began = std::time::Instant::now();
        let output = checkout.check(arguments, &[("PULL_BASE_SHA", checkout.base.as_str())]);
        assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
        let report = output.json();
        let note = report["notes"][0].as_str().unwrap();
        assert!(
            note.contains("cannot determine what changed since") && note.contains("took too long"),
            "{note}"
        );
        // No proxy listens; if git had used up the time, the reason would be the deadline.
        let reasons = report["artifacts"].as_array().unwrap().iter().map(|it| it["reason"].as_str().unwrap());
        assert!(reasons.clone().all(|reason| reason == "unreachable"), "{:?}", reasons.collect::<Vec<_>>());
    }
}
