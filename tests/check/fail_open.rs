//! The known ways in which such tools pass what they should not: the gate passes none of them.
//!
//! SECURITY.md has the table.

use embedded_mirror::{artifact_content, hex_sha256};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use crate::support::server::{Server, file, never, page, published, status};
use crate::support::{
    Checkout, Finished, Program, Stream, check_checkout, check_locally, component, size_of,
};

fn good() -> ResponseTemplate {
    published("rhcos.iso")
}

/// A server that only has `/rhcos.iso`.
fn serving(answer: ResponseTemplate) -> Server {
    let server = Server::start();
    server.put("/rhcos.iso", answer);
    server
}

/// A checkout whose document names `/rhcos.iso`.
fn checkout(server: &Server) -> Checkout {
    Checkout::of(&Stream::of(component(&server.url("/rhcos.iso"))))
}

/// Runs `check` for `/rhcos.iso`.
fn check_file(server: &Server, more: &[&str]) -> Finished {
    let timeout = if more.contains(&"--timeout") { &[][..] } else { &["--timeout", "10s"] };
    check_locally(checkout(server)).args(["--retry-for", "0s"]).args(timeout).args(more).run()
}

/// Asserts the exit status and the reason of the only artifact.
#[track_caller]
fn assert_not_passed(finished: Finished, code: i32, reason: &str) {
    let report = finished.exits(code).report();
    assert_eq!(report.only()["reason"], reason, "{:#}", report.0);
}

#[test]
fn a_source_that_is_missing_or_unreadable_is_not_skipped() {
    let server = serving(good());
    let good = checkout(&server);
    for (path, text) in [
        ("data/data/coreos/other.json", "{\"stream\": \"s\", \"architectures\": {"),
        (
            "data/data/coreos/other.json",
            "{\"stream\": \"s\", \"architectures\": {\"x86_64\": {\"artifacts\": 7}}}",
        ),
    ] {
        let both = Checkout::of(&Stream::of(component(&server.url("/rhcos.iso")))).file(path, text);
        let finished = check_checkout(both).locally().run().exits(2);
        assert!(finished.stderr.contains(path), "{}", finished.stderr);
    }
    let missing = good.path().join("no-such.json");
    check_checkout(good).locally().arg(missing).run().exits(2);
    assert_eq!(server.request_count(), 0, "nothing is requested for an incomplete run");
}

#[test]
fn a_challenge_page_is_never_the_file_whatever_its_status() {
    for status in [200, 202, 403, 429, 503] {
        let page = page(status, "<title>Just a moment...</title>").insert_header("cf-mitigated", "challenge");
        let server = serving(page);
        check_file(&server, &[]).exits(3);
    }
    // An HTML error page with status 200 does not count as the file either.
    for size in [9, usize::try_from(size_of("/rhcos.iso")).unwrap()] {
        let page = page(200, &format!("{:<size$}", "<html>"));
        assert_not_passed(check_file(&serving(page), &["--verify", "exists"]), 1, "missing");
    }
}

#[test]
fn a_listing_that_cannot_be_read_does_not_count_as_empty() {
    let server = serving(good());
    for (sums, timeout) in [(status(500), "10s"), (never(), "200ms"), (status(401), "10s")] {
        server.put("/sha256sum.txt", sums);
        check_file(&server, &["--timeout", timeout]).exits(3);
    }
    // The mirror listing that `retention` reads.
    let checkout = checkout(&server);
    let listing = checkout.path().join("no-such-listing.json");
    Program::new("retention").arg(checkout.path()).arg("--listing").arg(&listing).run().exits(2);
    std::fs::write(&listing, "{\"builds\": [").unwrap();
    Program::new("retention").arg(checkout.path()).arg("--listing").arg(&listing).run().exits(2);
}

#[test]
fn a_wrong_size_is_a_failure_even_if_only_existence_is_verified() {
    let mut component = json!({});
    let server = serving(good());
    component["location"] = json!(server.url("/rhcos.iso"));
    component["sha256"] = json!(hex_sha256(&artifact_content("rhcos.iso")));
    component["size"] = json!(size_of("/rhcos.iso") + 1);
    let wrong = Checkout::of(&Stream::of(component));
    assert_not_passed(check_locally(wrong).args(["--verify", "exists"]).run(), 1, "size-mismatch");
    // A truncated copy: a prefix of the file.
    let content = artifact_content("rhcos.iso");
    let half = file(content[..content.len() / 2].to_vec());
    assert_not_passed(check_file(&serving(half), &["--verify", "content"]), 1, "sha256-mismatch");
}

#[test]
fn an_object_that_head_shows_and_get_refuses_is_missing() {
    let archived = "<Error><Code>InvalidObjectState</Code></Error>";
    let server = serving(status(403).set_body_raw(archived, "application/xml"));
    server.put("HEAD /rhcos.iso", good().insert_header("x-amz-storage-class", "GLACIER"));
    for verify in ["exists", "published", "auto", "content"] {
        assert_not_passed(check_file(&server, &["--verify", verify]), 1, "missing");
    }
}

/// All outputs and the exit status agree on whether a run passed.
#[test]
fn no_output_says_pass_where_the_exit_status_does_not() {
    let server = serving(status(404));
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("art-mirror-validate.json");
    for output in ["human", "json", "markdown"] {
        let artifacts = directory.path().to_str().unwrap();
        let program = check_checkout(checkout(&server)).locally();
        let finished = program.args(["--output", output, "--artifacts-dir", artifacts]).run().exits(1);
        assert!(!finished.stdout.contains("0 failed"), "{}", finished.stdout);
        let written: Value = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
        assert_eq!(written["verdict"], "fail");
    }
}
