//! The shell scripts in `ci/` and `.ci/`: strict mode, quoting, and shellcheck.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::ground::complaint;
use crate::shape::{CI, container_tests};

/// Every script and command that a job runs, with the lines that ci-operator puts before it.
fn scripts() -> Vec<(String, String)> {
    let file = "step-registry/art-mirror-validate/art-mirror-validate-commands.sh";
    let mut scripts = vec![(file.to_owned(), fs::read_to_string(Path::new(CI).join(file)).unwrap())];
    for (test, commands) in container_tests() {
        scripts.push((test.r#as, format!("#!/bin/bash\nset -eu\n{commands}")));
    }
    scripts
}

/// The scripts that no job runs.
const OTHERS: [(&str, &str); 6] = [
    ("ci/image/build.sh", "sh"),
    ("ci/nightly", "bash"),
    ("ci/release", "bash"),
    ("ci/test", "bash"),
    (".ci/image", "bash"),
    (".ci/run", "bash"),
];

#[test]
fn scripts_are_strict_and_exec_the_program() {
    for (name, text) in scripts() {
        assert!(text.starts_with("#!/bin/bash\n"), "{name}");
        assert!(text.lines().any(|line| line.starts_with("set -eu")), "{name}");
        // If the shell waited for the program, the program would not get the signal that aborts the job.
        assert!(text.lines().any(|line| line.starts_with("exec art-mirror-validate ")), "{name}");
    }
}

/// A release has the targets that can be built here, and names the others. `rustc`, `cargo` and the linker are stubs:
/// one target has a standard library, and `cargo` compiles a C program.
#[test]
fn a_release_has_the_static_programs_that_can_be_built_and_names_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let tool = |name: &str, script: &str| {
        fs::write(path(name), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(path(name), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    tool("rustc", "case $* in *x86_64*) echo /;; *) echo /nowhere;; esac");
    for name in ["podman", "docker"] {
        tool(name, "exit 1");
    }
    fs::remove_file(path("podman")).unwrap();
    tool("x86_64-linux-musl-gcc", "exit 1");
    let release = |linking: &str| {
        tool(
            "cargo",
            &format!(
                "out=$CARGO_TARGET_DIR/x86_64-unknown-linux-musl/release; mkdir -p $out; \
             echo 'int main(void) {{ return 0; }}' | cc -x c - {linking} -s -o $out/art-mirror-validate"
            ),
        );
        Command::new(Path::new(CI).join("release"))
            .arg(path("out"))
            .env("PATH", format!("{}:{}", directory.path().display(), std::env::var("PATH").unwrap()))
            .env("CARGO_TARGET_DIR", path("target"))
            .output()
            .unwrap()
    };
    // A dynamically linked program is rejected.
    let dynamic = release("");
    assert_eq!(dynamic.status.code(), Some(1), "{dynamic:?}");
    let made = release("-static");
    let said = String::from_utf8_lossy(&made.stderr);
    assert_eq!(made.status.code(), Some(3), "{made:?}");
    assert!(
        said.contains("rustup target add aarch64-unknown-linux-musl") && said.contains("podman"),
        "{said}"
    );
    // The archive has the name that cargo binstall expects.
    let manifest = fs::read_to_string(Path::new(CI).parent().unwrap().join("Cargo.toml")).unwrap();
    let (_, url) = manifest.split_once("pkg-url = \"").unwrap();
    let name = url.split_once('"').unwrap().0.rsplit('/').next().unwrap();
    let name = name
        .replace("{ name }", "art-mirror-validate")
        .replace("{ version }", env!("CARGO_PKG_VERSION"))
        .replace("{ target }", "x86_64-unknown-linux-musl");
    let sums = fs::read_to_string(path("out/SHA256SUMS")).unwrap();
    assert!(sums.trim_end().ends_with(&format!("  {name}")), "{sums}");
    let packed = Command::new("tar").arg("-tzf").arg(path("out").join(&name)).output().unwrap();
    let packed = String::from_utf8(packed.stdout).unwrap();
    assert_eq!(
        packed.lines().collect::<Vec<_>>(),
        ["art-mirror-validate", "LICENSE", "README.md", "CHANGELOG.md"]
    );
}

#[test]
fn shellcheck_has_no_complaint() {
    let mut scripts: Vec<_> = scripts().into_iter().map(|(name, text)| (name, text, "bash")).collect();
    for (name, shell) in OTHERS {
        let text = fs::read_to_string(Path::new(CI).parent().unwrap().join(name)).unwrap();
        scripts.push((name.to_owned(), text, shell));
    }
    for (name, text, shell) in scripts {
        let options = [&format!("--shell={shell}"), "--severity=style", "-"];
        assert_eq!(complaint("shellcheck", &options, text.as_bytes()), "", "{name}");
    }
}
