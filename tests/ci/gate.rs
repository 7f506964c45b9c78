//! Runs the commands in the files as their consumers do: they fail before ART has mirrored, and pass on a retest.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::shape::{CI, container_tests, containers, reference};
use crate::world::{PROGRAM, World, stdout};

/// Asserts that a run fails with reports and a log that say what to do, and passes once ART has mirrored.
fn red_then_green(world: &World, run: impl Fn() -> Output) {
    let red = run();
    let log = stdout(&red);
    assert_eq!(red.status.code(), Some(1), "{log}");
    assert!(log.contains("FAIL ") && log.contains("missing"), "{log}");
    world.assert_complete_reports();
    let report = world.report();
    assert_eq!((&report["verdict"], &report["target"]["kind"]), (&"fail".into(), &"published".into()));
    assert_eq!(report["summary"]["failed"], world.locations.len());

    world.mirror_everything();
    let green = run();
    assert_eq!(green.status.code(), Some(0), "{}", stdout(&green));
    world.assert_complete_reports();
    let report = world.report();
    assert_eq!((&report["verdict"], &report["target"]["kind"]), (&"pass".into(), &"published".into()));
    assert_eq!(report["summary"]["passed"], world.locations.len());
}

/// A test's commands as ci-operator runs them: in bash, after a shebang and `set -eu`.
fn step(world: &World, commands: &str) -> Command {
    let mut command = world.in_ci_operator("bash");
    command.arg("-c").arg(format!("#!/bin/bash\nset -eu\n{commands}"));
    command
}

#[test]
fn the_tests_of_ci_operator_are_red_until_art_has_mirrored() {
    for (_, commands) in container_tests() {
        let world = World::new();
        red_then_green(&world, || step(&world, &commands).output().unwrap());
    }
}

#[test]
fn the_jobs_of_prow_are_red_until_art_has_mirrored() {
    for container in containers() {
        let world = World::new();
        // The program has this path in the image; the test runs it from elsewhere.
        assert_eq!(container.command, ["/usr/bin/art-mirror-validate"]);
        red_then_green(&world, || world.in_prow(PROGRAM).args(&container.args).output().unwrap());
    }
}

#[test]
fn a_leaked_override_does_not_turn_the_required_test_green() {
    let world = World::new();
    world.mirror_everything();
    let (_, commands) = container_tests().remove(0);
    let leaked = [
        ("OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX", "https://bridge.example/art/storage"),
        ("OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES", "1"),
    ];
    let output = step(&world, &commands).envs(leaked).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(world.report()["target"]["kind"], "published");
    assert!(stdout(&output).contains("ignored because of --published"), "{}", stdout(&output));
}

#[test]
fn the_step_of_the_registry_passes_the_prefix_on() {
    let world = World::new();
    let script = Path::new(CI).join("step-registry").join("art-mirror-validate").join(reference().commands);
    let script = fs::read_to_string(script).unwrap();
    let parameter = &reference().env[0];
    let default = parameter.default.as_deref().unwrap();
    let run = |prefix: &str| step(&world, &script).env(&parameter.name, prefix).output().unwrap();
    red_then_green(&world, || run(default));

    // A prefix set by the test: the bridge has no files, and those on the mirror do not count.
    let host = world.locations[0].split('/').nth(2).unwrap();
    let prefix = format!("https://{host}/bridge");
    let output = run(&prefix);
    assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
    let report = world.report();
    assert_eq!(report["target"]["prefix"], prefix.as_str());
    assert!(report["artifacts"][0]["url"].as_str().unwrap().starts_with(&prefix));
}

#[test]
fn the_first_lines_of_the_log_name_the_target_the_job_and_the_documents() {
    let world = World::new();
    let output = world.in_prow(PROGRAM).args(["check", "--published"]).output().unwrap();
    let log = String::from_utf8(output.stdout).unwrap();
    let head: Vec<&str> =
        log.lines().take(6).filter(|line| !line.starts_with("art-mirror-validate ")).collect();
    assert_eq!(
        head,
        [
            "target: published locations, exactly as the documents have them",
            "job: pull-ci-openshift-installer-main-art-mirror-validate, run 1987654321098765312",
            "pull request: openshift/installer#4821 at 5d2f0c3a9be1774f6d0a1c52b7e1f4a3c9d8e7f6, for main",
            "document: data/data/coreos/rhcos.json, 21 artifacts",
            "document: data/data/coreos/scos.json, 2 artifacts",
        ]
    );
}

#[test]
fn an_unusable_document_is_explained_in_the_reports() {
    let world = World::new();
    fs::write(world.checkout().join("data/data/coreos/rhcos.json"), "{\"stream\": 1}").unwrap();
    let output = world.in_prow(PROGRAM).args(["check", "--published"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    world.assert_complete_reports();
    let report = world.report();
    assert_eq!(
        (&report["verdict"], report["artifacts"].as_array().unwrap().len()),
        (&"inconclusive".into(), 0)
    );
    let problem = report["problems"][0].as_str().unwrap();
    assert!(problem.starts_with("data/data/coreos/rhcos.json:1:12: stream: found"), "{problem}");
    assert_eq!(world.mirror.request_count(), 0, "nothing was requested");
}
