//! The shell in `ci/`: strict, quoted, and known to shellcheck.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::shape::{CI, ci_operator};

/// Every script and every command in the files, each with the head that ci-operator gives it.
fn scripts() -> Vec<(String, String)> {
    let file = "step-registry/art-mirror-validate/art-mirror-validate-commands.sh";
    let mut scripts = vec![(file.to_owned(), fs::read_to_string(Path::new(CI).join(file)).unwrap())];
    for test in ci_operator().tests {
        for step in test.steps.unwrap().test {
            let text = format!("#!/bin/bash\nset -eu\n{}", step.commands);
            scripts.push((format!("{} {}", test.r#as, step.r#as), text));
        }
    }
    scripts
}

#[test]
fn the_step_is_strict_and_gives_way_to_the_program() {
    for (name, text) in scripts() {
        assert!(text.starts_with("#!/bin/bash\n"), "{name}");
        assert!(text.lines().any(|line| line.starts_with("set -eu")), "{name}");
        // A shell that waited for the program would keep the job's abort from it.
        assert!(text.lines().any(|line| line.starts_with("exec art-mirror-validate ")), "{name}");
    }
}

#[test]
fn shellcheck_has_no_complaint() {
    for (name, text) in scripts() {
        let started = Command::new("shellcheck")
            .args(["--shell=bash", "--severity=style", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = started else {
            println!("skipped: shellcheck is not installed");
            return;
        };
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
