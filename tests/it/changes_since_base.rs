//! `check --base`, on the command line and from Prow's variables, with a temporary git repository.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::binary::program;
use crate::support::ground::{Repo, testdata};
use crate::support::{DEAD_PROXY, Finished};

/// A checkout whose `main` lacks what its branch has, and the other way round.
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
        // What happens to the base meanwhile is not the pull request's doing.
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

    /// Checks without a network: what is compared needs none.
    fn check(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
        let mut program = program(&["check", "--retries", "0", "--verify", "exists"]);
        program.args(if arguments.contains(&"--output") { &[][..] } else { &["--output", "json"] });
        program.args(arguments).current_dir(self.repo.path()).env("HTTPS_PROXY", DEAD_PROXY);
        Finished::of(program.envs(environment.iter().copied()))
    }
}

/// `change id` of each.
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
fn a_base_tells_what_the_pull_request_changes_and_no_verdict_depends_on_it() {
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

/// People hear of builds, not of artifacts, and what the branch brings stands apart from what its base has already.
#[test]
fn a_log_tells_what_changed_by_build_and_whose_each_failure_is() {
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
fn filters_hold_for_what_changed_too() {
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
fn in_prow_the_base_is_the_one_of_the_job() {
    let checkout = Checkout::new();
    let environment = [("PULL_BASE_SHA", checkout.base.as_str()), ("PULL_BASE_REF", "main")];
    let report = checkout.check(&[], &environment).json();
    assert_eq!(changes(&report).len(), 3);
    assert_eq!(report["changes"]["base"], "main");
}

#[test]
fn a_base_of_prow_that_is_not_there_is_not_spoken_of() {
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
    assert_eq!(output.json()["changes"], Value::Null, "nor where there is no repository");
}

#[test]
fn a_base_that_is_asked_for_must_be_there() {
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
fn a_base_that_cannot_be_read_is_no_reason_to_stop() {
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

/// What git would have to say is worth some of the time, and no verdict.
#[test]
fn a_repository_that_hangs_git_takes_no_verdict_away() {
    let checkout = Checkout::new();
    let config = checkout.repo.path().join(".git/config");
    fs::remove_file(&config).unwrap();
    assert!(Command::new("mkfifo").arg(&config).status().unwrap().success());
    // A quarter of it is for git, the rest for all that must be asked for.
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
        // Nobody listens at the proxy; had git used up the time, that would be the reason.
        let reasons = report["artifacts"].as_array().unwrap().iter().map(|it| it["reason"].as_str().unwrap());
        assert!(reasons.clone().all(|reason| reason == "unreachable"), "{:?}", reasons.collect::<Vec<_>>());
    }
}
