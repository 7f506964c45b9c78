//! Runs the rehearsal as a user does, on every available checkout.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests can panic")]

#[path = "../../../tests/support/ground.rs"]
mod ground;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ground::{real_checkouts, testdata};

fn rehearse(checkout: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rehearsal")).arg(checkout).output().unwrap()
}

fn checkouts() -> Vec<PathBuf> {
    [real_checkouts(), vec![testdata("checkout")]].concat()
}

#[test]
fn the_output_shows_every_step_in_order() {
    for checkout in checkouts() {
        let output = rehearse(&checkout);
        let text = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}:\n{text}\n{errors}", checkout.display());
        // Each must occur after the previous one.
        let steps = [
            "── Before.",
            "── A pull request",
            "$ art-mirror-validate diff main: bump:",
            "the new side has newer builds",
            "exit status 1",
            "── The required presubmit is red",
            "$ art-mirror-validate check --published",
            ": 0 passed, ",
            "exit status 1",
            "$ cat ../artifacts/art-mirror-validate-request.md",
            "Please mirror these boot images.",
            "Missing: ",
            "an e2e job",
            "$ art-mirror-validate resolve --json -a ",
            "exit status 0",
            "GET http://bridge.example/art/storage/",
            "their sha256 is the document's",
            "ART takes the request",
            "$ art-mirror-validate mirror --request ../artifacts/art-mirror-validate-request.md",
            "fetched ",
            "exit status 0",
            "only half arrives",
            "still red",
            " 1 failed, ",
            "exit status 1",
            "Present, but not the bytes that the document names: 1 file",
            "replaced ",
            "exit status 0",
            "── Another /retest.",
            ", 0 failed, 0 undetermined",
            "exit status 0",
            "── After the merge.",
            "$ art-mirror-validate retention --ref main --ref release-4.y --listing ../web",
            " 0 gone",
            "exit status 0",
            "release-4.y still pins ",
        ];
        let mut rest = text.as_str();
        for step in steps {
            let (_, after) = rest.split_once(step).unwrap_or_else(|| {
                unreachable!("{}: no {step:?} in what follows:\n{rest}", checkout.display())
            });
            rest = after;
        }
    }
}

#[test]
fn a_single_document_can_be_rehearsed_and_a_missing_one_is_an_error() {
    let document = rehearse(&testdata("checkout/data/data/coreos/scos.json"));
    assert!(document.status.success());
    assert!(String::from_utf8_lossy(&document.stdout).contains("data/data/coreos/scos.json"));
    let nothing = rehearse(Path::new("no/such"));
    assert!(!nothing.status.success());
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("no/such"));
}
