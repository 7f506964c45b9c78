//! The image, as far as it can be told without a container engine, and what it needs of the program.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::shape::containers;
use crate::world::{PROGRAM, World, stdout};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The instructions, continued lines joined, comments and `ARG`s before the first stage apart.
fn instructions() -> Vec<(String, String)> {
    let text = fs::read_to_string(Path::new(ROOT).join("Dockerfile")).unwrap();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let lines = joined.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (name, rest) = line.split_once(' ').unwrap();
            (name.to_owned(), rest.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

/// The instructions of each stage.
fn stages() -> Vec<Vec<(String, String)>> {
    let mut stages: Vec<Vec<(String, String)>> = Vec::new();
    for instruction in instructions() {
        if instruction.0 == "FROM" {
            stages.push(Vec::new());
        }
        if let Some(stage) = stages.last_mut() {
            stage.push(instruction);
        }
    }
    stages
}

fn all<'s>(stage: &'s [(String, String)], name: &str) -> Vec<&'s str> {
    stage.iter().filter(|(it, _)| it == name).map(|(_, rest)| rest.as_str()).collect()
}

#[test]
fn the_program_is_built_with_the_locked_dependencies_and_copied_into_a_small_image() {
    let stages = stages();
    let [build, last] = stages.as_slice() else { panic!("two stages") };
    assert_eq!(all(build, "FROM"), ["${RUST_IMAGE} AS build"]);
    assert!(all(build, "RUN").iter().any(|run| run.contains("cargo build --release --locked")));
    let copies = all(last, "COPY");
    let [copy] = copies.as_slice() else { panic!("nothing but the program: {copies:?}") };
    assert!(copy.starts_with("--from=build ") && copy.ends_with(" /usr/bin/art-mirror-validate"), "{copy}");
    assert!(
        all(last, "RUN")
            .iter()
            .any(|run| ["ca-certificates", "git-core", "gnupg2"].iter().all(|package| run.contains(package)))
    );
    assert!(all(last, "ADD").is_empty() && all(build, "ADD").is_empty());
    for (_, default) in instructions().iter().filter(|(name, rest)| name == "ARG" && rest.contains("IMAGE="))
    {
        let (_, tag) = default.rsplit_once(':').unwrap();
        assert!(tag != "latest" && tag.starts_with(|first: char| first.is_ascii_digit()), "{default}");
    }
}

#[test]
fn it_runs_as_anybody_but_root() {
    let stages = stages();
    let last = stages.last().unwrap();
    let users = all(last, "USER");
    let (user, group) = users.last().unwrap().split_once(':').unwrap();
    assert!(user.parse::<u32>().unwrap() > 0 && group.parse::<u32>().unwrap() > 0);
    let position = |name: &str| last.iter().rposition(|(it, _)| it == name).unwrap();
    assert!(position("USER") > position("RUN"), "nothing is installed as nobody");
    let entry: Vec<String> = serde_json::from_str(all(last, "ENTRYPOINT")[0]).unwrap();
    assert_eq!(entry, containers()[0].command, "the jobs spell out what the image would run");
    assert!(all(last, "CMD").is_empty() && all(last, "VOLUME").is_empty() && all(last, "EXPOSE").is_empty());
}

#[test]
fn it_has_the_labels_that_registries_and_openshift_show() {
    let stages = stages();
    let labels = all(stages.last().unwrap(), "LABEL").join(" ");
    for label in [
        "org.opencontainers.image.title=",
        "org.opencontainers.image.description=",
        "org.opencontainers.image.licenses=\"Apache-2.0\"",
        "org.opencontainers.image.revision=\"${COMMIT}\"",
        "io.k8s.display-name=",
        "io.k8s.description=",
        "io.openshift.tags=",
    ] {
        assert!(labels.contains(label), "{label}");
    }
}

/// What `.dockerignore` keeps out must not be missed by the build.
#[test]
fn the_build_has_what_it_needs() {
    let ignored = fs::read_to_string(Path::new(ROOT).join(".dockerignore")).unwrap();
    let ignored: Vec<&str> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(ignored.contains(&"target") && ignored.contains(&".git"));
    for needed in ["Cargo.lock", "Cargo.toml", "build.rs", "src", "templates", "tests"] {
        assert!(Path::new(ROOT).join(needed).exists() && !ignored.contains(&needed), "{needed}");
    }
}

/// A read-only root and a user without a home: only `$ARTIFACTS` may be written to. With `unshare`, where it is
/// allowed, everything else is read-only for real.
#[test]
fn nothing_but_the_artifacts_is_written_to() {
    let world = World::new();
    world.mirror_everything();
    let artifacts = world.artifacts();
    // The build may lie where only its owner gets to.
    let program = artifacts.parent().unwrap().join("program");
    fs::copy(PROGRAM, &program).unwrap();
    let script = format!(
        "mount --make-rprivate / && mount -o remount,bind,ro / && \
         for m in /tmp /var/tmp /run /dev/shm; do \
         if [ -d $m ]; then mount --bind $m $m && mount -o remount,bind,ro $m; fi; done && \
         mount --bind {0} {0} && mount -o remount,bind,rw {0} && \
         exec setpriv --reuid 1000680000 --regid 0 --clear-groups {1} check --published",
        artifacts.display(),
        program.display()
    );
    // The directory belongs to another user than the job, but everybody may write there, as in Prow.
    let open = std::os::unix::fs::PermissionsExt::from_mode;
    fs::set_permissions(artifacts.parent().unwrap(), open(0o755)).unwrap();
    fs::set_permissions(&artifacts, open(0o777)).unwrap();
    let possible = Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|it| it.success());
    if !possible {
        println!("skipped: mounts cannot be made read-only here");
        return;
    }
    let mut job = world.in_prow("unshare");
    let output = job.args(["--mount", "sh", "-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    world.assert_complete_reports();
}

/// Of a release that was built before; building one takes too long for a test.
#[test]
fn a_release_is_small_and_stripped() {
    let program = Path::new(PROGRAM).parent().unwrap().join("../release/art-mirror-validate");
    let Ok(bytes) = fs::read(&program) else {
        println!("skipped: there is no release build");
        return;
    };
    assert!(bytes.len() < 12 * 1024 * 1024, "{} bytes", bytes.len());
    let symbols = b".symtab\0";
    assert!(!bytes.windows(symbols.len()).any(|window| window == symbols), "it is stripped");
}
