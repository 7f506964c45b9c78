//! A failed check is readable in seconds: the length of outputs and the content of the last screen, for a bump of 143
//! artifacts that are all missing.

use std::path::Path;

use embedded_mirror::Resource;

use crate::outputs::on_a_terminal;
use crate::support::bump;
use crate::support::ground::testdata;
use crate::support::server::Server;
use crate::support::world::{CDN, World};
use crate::support::{Program, Stream, check, component};

const TO_DO: &str = "→ Ask the owners of the RHEL CoreOS build pipeline whether the upload is still to come or the \
                     build was pruned, then check again.";

/// Calls the test for each bump with nothing mirrored, and with the lines expected for its verdict and groups.
fn on_each_bump(test: impl Fn(&Program, &[String])) {
    let world = World::start();
    for checkout in bump::checkouts() {
        let builds = bump::builds(&checkout);
        assert_eq!(builds.iter().map(|(.., artifacts)| artifacts).sum::<usize>(), 143);
        let said: Vec<String> = builds
            .iter()
            .map(|(build, document, all)| format!("{build} ({document}): {all} of {all} missing"))
            .collect();
        let groups = said.iter().map(|said| format!("✗ missing: {said}"));
        let expected: Vec<String> =
            std::iter::once(format!("✗ fail: {}", said.join("; "))).chain(groups).collect();
        test(&world.check_source(checkout), &expected);
    }
}

/// The rows of a text on a terminal of 80 columns.
fn rows(text: &str) -> Vec<String> {
    let wrapped = |line: &str| -> Vec<String> {
        let line: Vec<char> = line.chars().collect();
        if line.is_empty() { vec![String::new()] } else { line.chunks(80).map(String::from_iter).collect() }
    };
    text.lines().flat_map(wrapped).collect()
}

#[track_caller]
fn assert_is_complete(end: &str, expected: &[String], directory: &Path) {
    let request = directory.join("art-mirror-validate-request.md").display().to_string();
    let counts = "fail: 143 artifacts: 0 passed, 143 failed, 0 undetermined, in ";
    for part in [TO_DO, &request, counts].into_iter().chain(expected.iter().map(String::as_str)) {
        // Line breaks from wrapping are removed.
        assert!(end.replace('\n', "").contains(part), "{part}\n{end}");
    }
}

#[test]
fn the_end_of_a_terminal_and_of_a_log_has_the_verdict_and_the_advice() {
    on_each_bump(|program, expected| {
        let directory = tempfile::tempdir().unwrap();
        let program = program.clone().arg("--artifacts-dir").arg(directory.path());

        let shown = rows(&on_a_terminal(&program, &[("NO_COLOR", "1")]));
        assert!(shown.len() <= 30, "{} rows:\n{}", shown.len(), shown.join("\n"));
        let last_screen = shown.iter().skip(shown.len().saturating_sub(23));
        assert_is_complete(
            &last_screen.map(String::as_str).collect::<Vec<_>>().join("\n"),
            expected,
            directory.path(),
        );

        let log = program.run().exits(1).stdout;
        assert!(log.lines().count() <= 200, "{} lines", log.lines().count());
        assert_eq!(log.lines().filter(|line| line.starts_with("FAIL ")).count(), 143);
        let last_bytes = log.as_bytes().get(log.len() - 2_048..).unwrap();
        assert_is_complete(&String::from_utf8_lossy(last_bytes), expected, directory.path());

        let quiet = program.arg("--quiet").run().exits(1).stdout;
        assert!(!quiet.contains("FAIL ") && quiet.lines().count() <= 30, "{quiet}");
        assert_is_complete(&quiet, expected, directory.path());
    });
}

#[test]
fn no_output_refers_to_a_file_that_was_not_written() {
    on_each_bump(|program, _| {
        for output in ["human", "markdown"] {
            let finished = program.clone().args(["--output", output]).run().exits(1);
            for text in [finished.stdout, finished.stderr] {
                assert!(!text.contains("art-mirror-validate-") && !text.contains("validate.json"), "{text}");
            }
        }
    });
}

#[test]
fn a_comment_is_short_until_it_is_unfolded() {
    on_each_bump(|program, _| {
        let comment = program.clone().args(["--output", "markdown"]).run().exits(1).stdout;
        let mut depth = 0_usize;
        let seen = comment.lines().filter(|line| {
            let seen = depth == 0;
            depth += line.matches("<details>").count();
            depth -= line.matches("</details>").count();
            seen
        });
        let seen: Vec<&str> = seen.collect();
        assert!(seen.len() <= 40, "{}", seen.join("\n"));
        assert!(seen.iter().any(|line| line.contains("The request to ART")), "{}", seen.join("\n"));
        assert!(seen.iter().any(|line| line.contains("48 of 48 missing")), "{}", seen.join("\n"));
    });
}

/// Mirroring an archived file again would not help, so a restore is requested, apart from the missing files.
#[test]
fn a_restore_is_requested_for_archived_files() {
    let world = World::start();
    let at = |name: &str| format!("/art/storage/prod/streams/rhel-9.8/builds/9.8.20260403-0/x86_64/{name}");
    let location = |name: &str| component(&format!("https://{CDN}{}", at(name)));
    world.cdn.put(&at("a.iso"), Resource::artifact("a.iso").header("x-amz-storage-class", "GLACIER"));
    let stream = Stream::new()
        .with("x86_64/metal/iso/disk", location("a.iso"))
        .with("x86_64/metal/raw/disk", location("b.raw"));
    let directory = tempfile::tempdir().unwrap();
    let program = world.check(&stream).arg("--artifacts-dir").arg(directory.path());
    let report = program.run().exits(1).report();
    let of = |id: &str| {
        let artifact = report.artifact(id);
        (
            artifact["reason"].clone(),
            artifact["archived"].clone(),
            artifact["advice"].as_str().unwrap().to_owned(),
        )
    };
    let (archived, missing) = (of("x86_64/metal/iso/disk"), of("x86_64/metal/raw/disk"));
    assert_eq!((archived.0, archived.1), ("missing".into(), true.into()));
    assert_eq!((missing.0, missing.1), ("missing".into(), false.into()));
    assert!(
        archived.2.contains("to restore the files permanently from the archive storage class"),
        "{}",
        archived.2
    );
    assert!(missing.2.contains("whether the upload is still to come"), "{}", missing.2);
    let request = std::fs::read_to_string(directory.path().join("art-mirror-validate-request.md")).unwrap();
    let sections = ["\nMissing: 1 file\n", "b.raw", "\nArchived, to be restored", "a.iso"];
    let places: Vec<_> = sections.iter().map(|text| request.find(text).expect(text)).collect();
    assert!(places.is_sorted(), "{request}");
}

/// An unsuitable layout is an error of the whole run, not of each location.
#[test]
fn an_unsuitable_layout_is_a_usage_error_that_is_reported_once() {
    let server = Server::start();
    let checkout = testdata("checkout-2026");
    let base = server.url("/pub/openshift-v4");
    let program = || check(&checkout).locally().args(["--mirror", &base]);
    let refused = program().run().exits(2);
    let says = format!(
        "error: {base}: the mirror's directories are named after OpenShift versions, which `10.2.20260612-0` does \
         not contain: name the version with --mirror-version\n"
    );
    assert_eq!((refused.stdout.as_str(), refused.stderr.as_str()), ("", says.as_str()));
    let refused = program().args(["--mirror-version", "4.22.0"]).run().exits(2);
    let says = format!(
        "error: {base} has no location for data/data/coreos/scos.json: the public mirror's layout \
         (`dependencies/rhcos`) holds only rhcos, not scos; choose the others with --stream rhcos-4.21 --stream \
         rhcos-4.22\n"
    );
    assert_eq!((refused.stdout.as_str(), refused.stderr.as_str()), ("", says.as_str()));
    // Likewise for a bridge whose layout does not have such builds.
    let bridge = server.url("/art/storage/releases");
    let refused = check(&checkout).locally().args(["--stream-prefix", &bridge]).run().exits(2);
    assert_eq!(refused.stderr.lines().count(), 1, "{}", refused.stderr);
    assert!(refused.stderr.contains("use a prefix that ends with `/prod/streams`"), "{}", refused.stderr);
    assert_eq!(server.request_count(), 0, "nothing was requested");
    let streams = ["--mirror-version", "4.22.0", "--stream", "rhcos-4.21", "--stream", "rhcos-4.22"];
    let finished = program().args(streams).run().exits(1);
    assert!(finished.stdout.contains("✗ missing: 9.8.20260611-0"), "{}", finished.stdout);
}
