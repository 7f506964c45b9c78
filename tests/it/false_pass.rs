//! Disagreements found by random rounds (`tests/oracle`), with one test each.

use embedded_mirror::{Behaviour, Config, Mirror, Resource, hex_sha256};
use serde_json::{Value, json};

use crate::support::server::{Server, status};
use crate::support::{Checkout, Stream, check_locally};

/// Checks one file, which a document describes as having these bytes.
fn judge(mirror: &Mirror, path: &str, meant: &[u8], more: &[&str]) -> (Option<i32>, Value) {
    judge_component(json!({ "location": mirror.url(path), "sha256": hex_sha256(meant) }), more)
}

/// Checks one file with this component, and returns the exit status and the artifact's report.
fn judge_component(component: Value, more: &[&str]) -> (Option<i32>, Value) {
    let program = check_locally(Checkout::of(&Stream::of(component))).args(["--retries", "0"]);
    let finished = program.args(["--timeout", "5s"]).args(more).run();
    (finished.code, finished.report().only().clone())
}

#[test]
fn an_empty_file_is_missing_even_if_no_header_gives_its_size() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    for (name, body, status) in [("empty", "", 1), ("full", "bytes", 0)] {
        // No Content-Length in answer to HEAD, and a chunked body of the whole file in answer to GET.
        let resource = Resource::bytes(body).ignores_range().repr_digest();
        mirror.put(&format!("/{name}"), resource.behaves(Behaviour::NoContentLength));
        for verify in ["exists", "published", "auto"] {
            let said = judge(&mirror, &format!("/{name}"), body.as_bytes(), &["--verify", verify]);
            assert_eq!(said.0, Some(status), "{name} by {verify}: {}", said.1);
            if status == 1 {
                assert_eq!(said.1["reason"], "missing", "{}", said.1);
            }
        }
    }
}

/// HEAD returns a digest but no size, so the size comes from GET; if GET returns another version of the file, the
/// digest is not that of the current one.
#[test]
fn a_digest_and_a_size_of_different_versions_prove_nothing() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    let (meant, other) = (b"the file that was meant", b"another that took its place");
    for (now, tag, status) in [(&meant[..], "one", 0), (&other[..], "two", 3)] {
        let then = Resource::bytes(&meant[..]).repr_digest().etag("one");
        let now = Resource::bytes(now).etag(tag);
        mirror.put("/f", then.on_head(Behaviour::NoContentLength).on_get(Behaviour::serve(now)));
        let said = judge(&mirror, "/f", meant, &["--verify", "published"]);
        assert_eq!(said.0, Some(status), "{tag}: {}", said.1);
        if status == 3 {
            assert_eq!(said.1["reason"], "no-digest", "{}", said.1);
        }
        // With `--verify content`, the content decides.
        let said = judge(&mirror, "/f", meant, &["--verify", "content"]);
        assert_eq!(said.0, Some(i32::from(status != 0)), "{tag}: {}", said.1);
    }
}

/// A known failure takes precedence over an undetermined result, wherever each was found.
#[test]
fn a_missing_required_signature_fails_even_if_its_file_is_undetermined() {
    let server = Server::start();
    server.put("/f", status(503));
    server.put("/broken.sig", status(503));
    let signed = |name: &str| json!({ "location": server.url("/f"), "signature": server.url(name), "sha256": hex_sha256(b"x") });
    for (signature, signatures, code, reason) in [
        ("/missing.sig", "require", 1, "bad-signature"),
        ("/missing.sig", "warn", 3, "server-error"),
        ("/broken.sig", "require", 3, "server-error"),
    ] {
        let said = judge_component(signed(signature), &["--signatures", signatures]);
        assert_eq!((said.0, &said.1["reason"]), (Some(code), &reason.into()), "{signature}: {}", said.1);
    }
}

/// A broken download leaves the content undetermined, but the size from HEAD still counts.
#[test]
fn a_size_from_head_counts_even_if_the_download_breaks() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    mirror.put("/f", Resource::bytes("some bytes").on_get(Behaviour::DropAfter(3)));
    for (size, status, reason) in [(10, 3, "unreachable"), (11, 1, "size-mismatch")] {
        let component = json!({ "location": mirror.url("/f"), "sha256": hex_sha256(b"x"), "size": size });
        let said = judge_component(component, &["--verify", "content"]);
        assert_eq!((said.0, &said.1["reason"]), (Some(status), &reason.into()), "{size}: {}", said.1);
    }
}
