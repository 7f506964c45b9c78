//! The rehearsal, played with the program that cargo built: every step of the story, on every checkout at hand.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails where it stands")]

#[path = "../examples/rehearsal/play/mod.rs"]
mod play;

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

#[derive(Clone, Default)]
struct Audience(Rc<RefCell<Vec<u8>>>);

impl Write for Audience {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn played(checkout: &Path) -> String {
    let audience = Audience::default();
    let program = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_art-mirror-validate"));
        program.env_clear();
        program
    };
    let played = play::rehearse(checkout, program, Box::new(audience.clone()));
    let text = String::from_utf8(audience.0.take()).unwrap();
    assert!(played.is_ok(), "{text}\n{}", played.unwrap_err());
    text
}

fn checkouts() -> Vec<PathBuf> {
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/checkout");
    let Some(corpus) = std::env::var_os("STREAM_CORPUS") else {
        println!("STREAM_CORPUS is not set: the bundled checkout alone is played");
        return vec![bundled];
    };
    let real = std::fs::read_dir(Path::new(&corpus).join("checkouts")).unwrap();
    let mut all: Vec<PathBuf> = real.map(|entry| entry.unwrap().path()).collect();
    all.push(bundled);
    all
}

#[test]
fn every_step_of_the_story_is_seen() {
    for checkout in checkouts() {
        let text = played(&checkout);
        println!("{text}");
        // In this order, each once at least.
        let steps = [
            "── Yesterday.",
            "── Morning. A pull request",
            "$ art-mirror-validate diff main: bump:",
            "the new one has newer builds",
            "exit status 1",
            "── The required presubmit is red",
            "$ art-mirror-validate check --published",
            ": 0 passed, ",
            "exit status 1",
            "$ cat ../artifacts/art-mirror-validate-request.md",
            "Please mirror these boot images.",
            "Not there: ",
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
            "There, but not the bytes that the document names: 1 file",
            "replaced ",
            "exit status 0",
            "── Evening.",
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
fn a_single_document_can_be_played_and_what_is_none_is_said() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/checkout/data/data/coreos/scos.json");
    assert!(played(&document).contains("data/data/coreos/scos.json"));
    let nothing = play::rehearse(Path::new("no/such"), || Command::new("false"), Box::new(io::sink()));
    assert!(nothing.unwrap_err().to_string().contains("no/such"));
}
