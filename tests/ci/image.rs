//! The image, as far as it can be tested without a container engine, and what it needs from the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::ground::skip;
use crate::shape::containers;
use crate::world::{PROGRAM, World, stdout};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The instructions of the Dockerfile, with continued lines joined and without comments.
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

/// The instructions of each stage, without the `ARG`s before the first.
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
fn the_program_is_built_and_copied_into_a_small_image() {
    let stages = stages();
    let [build, last] = stages.as_slice() else { panic!("two stages") };
    assert_eq!(all(build, "FROM"), ["${RUST_IMAGE} AS build"]);
    assert_eq!(all(last, "COPY"), ["--from=build /out/art-mirror-validate /usr/bin/art-mirror-validate"]);
    for installs in [all(build, "RUN")[0], all(last, "RUN")[0]] {
        for manager in ["microdnf install", "dnf install", "apk add", "apt-get install"] {
            assert!(installs.contains(manager), "{manager}");
        }
        assert!(installs.starts_with("set -eu; if command -v "), "nothing is installed twice");
    }
    let installs = all(last, "RUN")[0];
    for needed in ["ca-certificates", "git-core", "gnupg2", "gpgv"] {
        assert!(installs.contains(needed), "{needed}");
    }
    assert!(all(last, "ADD").is_empty() && all(build, "ADD").is_empty());
    for (_, default) in instructions().iter().filter(|(name, rest)| name == "ARG" && rest.contains("IMAGE="))
    {
        let (_, tag) = default.rsplit_once(':').unwrap();
        assert!(tag != "latest" && tag.starts_with(|first: char| first.is_ascii_digit()), "{default}");
    }
}

/// A layer is rebuilt when anything changes that was copied or set before it.
#[test]
fn a_change_of_the_source_does_not_rebuild_the_dependencies() {
    let stages = stages();
    let dependencies =
        stages[0].iter().position(|(_, rest)| rest == "ci/image/build.sh dependencies").unwrap();
    let (before, after) = stages[0].split_at(dependencies);
    let copied: Vec<&str> =
        all(before, "COPY").iter().flat_map(|copy| copy.rsplit_once(' ').unwrap().0.split(' ')).collect();
    let manifest = fs::read_to_string(Path::new(ROOT).join("Cargo.toml")).unwrap();
    let (_, members) = manifest.split_once("members = [").unwrap();
    for member in members.split_once(']').unwrap().0.split(',').map(|it| it.trim().trim_matches('"')) {
        let manifest = format!("{member}/Cargo.toml");
        assert!(copied.contains(&manifest.as_str()), "cargo reads {manifest}");
    }
    for source in copied {
        let is_manifest = source.ends_with("Cargo.toml") || source == "Cargo.lock";
        assert!(is_manifest || ["ci/image/build.sh", "vendo[r]"].contains(&source), "{source}");
    }
    assert!(!all(before, "ARG").iter().any(|it| it.contains("COMMIT")), "a commit rebuilds nothing");
    assert_eq!(all(after, "COPY"), [". ."]);
    assert_eq!(all(after, "RUN"), ["ci/image/build.sh dependencies", "ci/image/build.sh program"]);
}

#[test]
fn it_runs_as_any_user_but_root() {
    let stages = stages();
    let last = stages.last().unwrap();
    let users = all(last, "USER");
    let (user, group) = users.last().unwrap().split_once(':').unwrap();
    assert!(user.parse::<u32>().unwrap() > 0 && group.parse::<u32>().unwrap() > 0);
    let position = |name: &str| last.iter().rposition(|(it, _)| it == name).unwrap();
    assert!(position("USER") > position("RUN"), "packages are installed as root");
    let entry: Vec<String> = serde_json::from_str(all(last, "ENTRYPOINT")[0]).unwrap();
    assert_eq!(entry, containers()[0].command, "the jobs run the image's entry point");
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
        "org.opencontainers.image.revision=\"${COMMIT:-unknown}\"",
        concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""),
        concat!("org.opencontainers.image.version=\"", env!("CARGO_PKG_VERSION"), "\""),
        // Without these, the image would have those of its base image.
        "release=",
        "vendor=",
        "com.redhat.component=\"art-mirror-validate\"",
        "vcs-ref=\"${COMMIT:-unknown}\"",
        "io.k8s.display-name=",
        "io.k8s.description=",
        "io.openshift.tags=",
    ] {
        assert!(format!(" {labels}").contains(&format!(" {label}")), "{label}");
    }
}

/// `.dockerignore` must not exclude what the build needs.
#[test]
fn the_build_has_what_it_needs() {
    let ignored = fs::read_to_string(Path::new(ROOT).join(".dockerignore")).unwrap();
    let ignored: Vec<&str> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(ignored.contains(&"target") && ignored.contains(&".git"));
    assert!(
        ignored.contains(&"!ci/image") && !ignored.iter().any(|it| it.starts_with("**/*.md")),
        "vendor/ has Markdown files"
    );
    for needed in ["Cargo.lock", "Cargo.toml", "build.rs", "src", "templates", "tests"] {
        assert!(Path::new(ROOT).join(needed).exists() && !ignored.contains(&needed), "{needed}");
    }
}

/// With a read-only root and a user without a home, only `$ARTIFACTS` can be written. Needs `unshare` for read-only
/// mounts.
#[test]
fn only_the_artifacts_directory_is_written_to() {
    let world = World::new();
    world.mirror_everything();
    let artifacts = world.artifacts();
    // The build directory may be accessible to its owner only.
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
    // As in Prow, the directory belongs to another user, but is writable by everyone.
    let open = std::os::unix::fs::PermissionsExt::from_mode;
    fs::set_permissions(artifacts.parent().unwrap(), open(0o755)).unwrap();
    fs::set_permissions(&artifacts, open(0o777)).unwrap();
    let possible = Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|it| it.success());
    if !possible {
        skip("mounts cannot be made read-only here");
        return;
    }
    let mut job = world.in_prow("unshare");
    let output = job.args(["--mount", "sh", "-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    world.assert_complete_reports();
}

/// Runs the image built and unpacked by `.ci/image` as the jobs do: a read-only root and checkout, the image's own
/// user and one of OpenShift's, no capabilities.
#[test]
fn the_built_image_checks_a_checkout_as_any_user() {
    let Some(root) = std::env::var_os("IMAGE_ROOT").map(PathBuf::from) else {
        skip("IMAGE_ROOT is not set, so no image was built");
        return;
    };
    let program = &containers()[0].command[0];
    for user in ["65532", "1000670000"] {
        let world = World::new();
        world.mirror_everything();
        let artifacts = world.artifacts();
        let directory = artifacts.parent().unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode;
        fs::set_permissions(directory, open(0o755)).unwrap();
        fs::set_permissions(&artifacts, open(0o777)).unwrap();
        // The world has the same path inside the image's root, so that all paths are valid in both.
        let script = format!(
            "mount --make-rprivate / && mkdir -p {root}{world} && mount --bind {root} {root} && \
             mount --rbind /dev {root}/dev && mount --bind {world} {root}{world} && \
             mount --bind {artifacts} {root}{artifacts} && mount -o remount,bind,ro {root}{world} && \
             mount -o remount,bind,ro {root} && \
             run() {{ chroot --userspec={user}:0 --groups= {root} \"$@\"; }} && \
             ! run /bin/sh -c 'touch /tmp/x {world}/checkout/x' 2>/dev/null && \
             run git --version && run gpgv --version && run {program} --version && \
             exec chroot --userspec={user}:0 --groups= {root} {program} check {world}/checkout --published",
            root = root.display(),
            world = directory.display(),
            artifacts = artifacts.display(),
        );
        let output = world.in_prow("unshare").args(["--mount", "sh", "-c", &script]).output().unwrap();
        let shown = stdout(&output);
        assert_eq!(output.status.code(), Some(0), "{shown}");
        assert!(!shown.contains("unknown"), "it knows its commit: {shown}");
        world.assert_complete_reports();
        assert_eq!(world.report()["summary"]["passed"], world.locations.len());
    }
}
