//! The shell in `ci/`: strict, quoted, and known to shellcheck.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::ground::skip;
use crate::shape::{CI, container_tests};

/// Every script and every command in the files, each with the head that ci-operator gives it.
fn scripts() -> Vec<(String, String)> {
    let file = "step-registry/art-mirror-validate/art-mirror-validate-commands.sh";
    let mut scripts = vec![(file.to_owned(), fs::read_to_string(Path::new(CI).join(file)).unwrap())];
    for (test, commands) in container_tests() {
        scripts.push((test.r#as, format!("#!/bin/bash\nset -eu\n{commands}")));
    }
    scripts
}

/// The scripts that no job runs.
const OTHERS: [(&str, &str); 5] = [
    ("ci/image/build.sh", "sh"),
    ("ci/release", "bash"),
    ("ci/test", "bash"),
    (".ci/image", "bash"),
    (".ci/run", "bash"),
];

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
    let mut scripts: Vec<_> = scripts().into_iter().map(|(name, text)| (name, text, "bash")).collect();
    for (name, shell) in OTHERS {
        let text = fs::read_to_string(Path::new(CI).parent().unwrap().join(name)).unwrap();
        scripts.push((name.to_owned(), text, shell));
    }
    for (name, text, shell) in scripts {
        let started = Command::new("shellcheck")
            .args([&format!("--shell={shell}"), "--severity=style", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = started else {
            skip("shellcheck is not installed");
            return;
        };
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
