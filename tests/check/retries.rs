//! What is retried, how often and when, and what replaces a refused HEAD.

use std::time::Duration;

use embedded_mirror::{Behaviour, Config, Connections, Mirror, Resource, artifact_content, hex_sha256};
use serde_json::{Value, json};

use crate::support::server::{Server, artifact, file, published, status};
use crate::support::{Checkout, Nobody, Program, Stream, check_locally, component, size_of};

/// `check` of the existence and size of the file at this URL, which takes only a HEAD request.
fn only_head(location: &str) -> Program {
    let mut component = component(location);
    component["size"] = json!(size_of(location));
    check_locally(Checkout::of(&Stream::of(component))).args(["--verify", "exists"])
}

#[test]
fn transient_failures_are_retried() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    let status = |times, status| Behaviour::recovering(times, Behaviour::status(status));
    for (name, behaviour, attempts) in [
        ("408", status(1, 408), 2),
        ("425", status(1, 425), 2),
        ("429", status(1, 429), 2),
        ("500", status(2, 500), 3),
        ("502", status(1, 502), 2),
        ("503", status(3, 503), 4),
        ("504", status(1, 504), 2),
        ("reset", Behaviour::recovering(1, Behaviour::Reset), 2),
        ("close", Behaviour::recovering(2, Behaviour::Close), 3),
        ("garbage", Behaviour::recovering(1, Behaviour::Garbage("220 ftp\r\n".into())), 2),
        ("huge", Behaviour::recovering(1, Behaviour::HugeHeader(1 << 20)), 2),
        ("flapping", Behaviour::flapping(Behaviour::status(503)), 2),
    ] {
        mirror.forget();
        mirror.put("/f.iso", Resource::artifact("f.iso").behaves(behaviour));
        let report = only_head(&mirror.url("/f.iso")).run().exits(0).report();
        assert_eq!(report.only()["attempts"], attempts, "{name}");
        assert_eq!(mirror.count("HEAD", "/f.iso"), attempts, "{name}: the same as reported");
    }
}

#[test]
fn permanent_failures_are_not_retried() {
    let server = Server::start();
    // 403 may refuse only HEAD, so it is followed by a GET of one byte.
    for (code, attempts) in [(400, 1), (401, 1), (403, 2), (404, 1), (410, 1), (451, 1)] {
        server.forget();
        server.put("/f.iso", status(code));
        let finished = only_head(&server.url("/f.iso")).run();
        assert_eq!(
            (finished.report().only()["attempts"].as_u64(), server.request_count() as u64),
            (Some(attempts), attempts),
            "{code}"
        );
    }
}

#[test]
fn the_retries_option_limits_the_attempts() {
    let server = Server::start();
    server.put("/f.iso", status(503));
    for retries in [0, 1, 3] {
        server.forget();
        let program = only_head(&server.url("/f.iso")).arg("--retries").arg(retries.to_string());
        let report = program.run().exits(3).report();
        assert_eq!(report.only()["attempts"], retries + 1);
        assert_eq!(server.request_count(), retries + 1);
        assert_eq!(
            (&report.only()["reason"], &report.only()["http_status"]),
            (&json!("server-error"), &json!(503))
        );
        let again = report.only()["message"].as_str().unwrap().contains("when retried");
        assert_eq!(again, retries > 0, "only a retried request is reported as retried");
    }
}

#[test]
fn retry_after_is_obeyed() {
    let obeyed = |code, value: &str, at_least| {
        let server = Server::start();
        let busy = status(code).insert_header("retry-after", value);
        server.put_in_turn("/f.iso", [busy, artifact("f.iso")]);
        only_head(&server.url("/f.iso")).run().exits(0);
        let requests = server.requests();
        let waited = requests[1].0 - requests[0].0;
        assert!(waited >= Duration::from_secs(at_least), "{value}: {waited:?}");
    };
    // One second is the smallest positive value. Dates are covered by unit tests.
    std::thread::scope(|scope| {
        for (code, value, at_least) in [(429, "1", 1), (503, "1", 1), (429, "soon", 0)] {
            scope.spawn(move || obeyed(code, value, at_least));
        }
    });
}

#[test]
fn a_long_retry_after_does_not_outlast_the_deadline() {
    let server = Server::start();
    server.put("/f.iso", status(429).insert_header("retry-after", "86400"));
    server.put("/g.iso", published("g.iso"));
    let stream = Stream::of(component(&server.url("/f.iso")))
        .with("x86_64/metal/raw/disk", component(&server.url("/g.iso")));
    let program = check_locally(Checkout::of(&stream)).args(["--retries", "1000", "--timeout", "1h"]);
    // The other file must have been requested by then.
    let finished = program.args(["--deadline", "1s"]).run().exits(3);
    let report = finished.report();
    assert_eq!(report.counts(), [1, 0, 1], "the results so far are reported");
    let artifact = report.artifact("x86_64/metal/iso/disk");
    assert_eq!(artifact["reason"], "deadline", "{artifact:#}");
    assert!(artifact["advice"].as_str().unwrap().contains("--deadline"), "{artifact:#}");
    assert!(finished.elapsed < Duration::from_secs(8), "{:?}", finished.elapsed);
}

#[test]
fn a_silent_server_times_out_and_is_retried() {
    let once = |silence: Behaviour| {
        let mirror = Mirror::start(Config::plain()).unwrap();
        let once = Behaviour::recovering(1, silence.clone());
        mirror.put("/once.iso", Resource::artifact("once.iso").behaves(once));
        // Long enough for a real answer on a busy machine.
        let program = only_head(&mirror.url("/once.iso")).args(["--timeout", "400ms"]);
        let report = program.run().exits(0).report();
        assert!(report.only()["attempts"].as_u64() >= Some(2), "{silence:?}");
    };
    std::thread::scope(|scope| {
        for silence in
            [Behaviour::Hang, Behaviour::StallInHeaders, Behaviour::SlowLoris(Duration::from_millis(50))]
        {
            scope.spawn(|| once(silence));
        }
    });
    let mirror = Mirror::start(Config::plain()).unwrap();
    mirror.put("/ever.iso", Resource::artifact("ever.iso").behaves(Behaviour::Hang));
    let program = only_head(&mirror.url("/ever.iso")).args(["--timeout", "200ms", "--retries", "2"]);
    let report = program.run().exits(3).report();
    let artifact = report.only();
    assert_eq!((&artifact["reason"], &artifact["attempts"]), (&json!("timeout"), &json!(3)));
    assert_eq!(artifact["message"], "no answer within 200ms");
    assert_eq!(mirror.request_count(), 3);
}

#[test]
fn unavailable_sidecars_do_not_prevent_a_file_from_being_read() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    for fault in [Behaviour::status(503), Behaviour::Reset] {
        mirror.put("/f.iso", Resource::artifact("f.iso"));
        for sidecar in ["/sha256sum.txt", "/meta.json"] {
            mirror.put(sidecar, Resource::bytes("").behaves(fault.clone()));
        }
        let program = check_locally(Checkout::of(&Stream::of(component(&mirror.url("/f.iso")))));
        // The sidecars are retried for this long; then the content proves the file.
        let program = program.args(["--verify", "content", "--retry-for", "300ms"]);
        assert_eq!(program.run().exits(0).report().only()["sha256"]["observed_from"], "content");
    }
}

#[test]
fn an_unreachable_host_is_tried_few_times_for_all_files_together() {
    let mirror = Mirror::start(Config::tls_http2()).unwrap();
    for connections in [Connections::Reset, Connections::BlackHole] {
        mirror.forget();
        mirror.set_connections(connections);
        let stream = fifty(|file| component(&mirror.url(file)));
        let program = check_locally(Checkout::of(&stream)).args(["--retries", "2", "--timeout", "200ms"]);
        let report = program.run().exits(3).report();
        assert_eq!(report.counts(), [0, 0, 50]);
        assert_eq!(mirror.connections(), 3, "{connections:?}");
        let expected = if connections == Connections::Reset { "unreachable" } else { "timeout" };
        assert_eq!(report.0["artifacts"][0]["reason"], expected);
    }
    let dead = Nobody::new();
    let stream = fifty(|file| component(&format!("http://{}{file}", dead.addr)));
    let program = check_locally(Checkout::of(&stream)).args(["--retry-for", "200ms"]);
    let report = program.run().exits(3).report();
    assert!(report.0["artifacts"].as_array().unwrap().iter().all(|it| it["reason"] == "unreachable"));
}

/// A document of fifty artifacts.
pub(crate) fn fifty(component: impl Fn(&str) -> Value) -> Stream {
    (0..50).fold(Stream::new(), |stream, number| {
        stream.with(&format!("x86_64/metal/{number:02}/disk"), component(&format!("/b/{number:02}.iso")))
    })
}

#[test]
fn one_byte_is_requested_if_the_answer_to_head_is_not_enough() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    let good = || Resource::artifact("f.iso").repr_digest();
    for (name, resource) in [
        ("405", good().on_head(Behaviour::status(405))),
        ("501", good().on_head(Behaviour::status(501))),
        ("no length", good().on_head(Behaviour::NoContentLength)),
        ("zero length", good().on_head(Behaviour::ContentLength(0))),
        ("no ranges", good().on_head(Behaviour::status(405)).ignores_range()),
        (
            "busy GET",
            good().on_head(Behaviour::status(405)).on_get(Behaviour::recovering(1, Behaviour::status(503))),
        ),
    ] {
        mirror.forget();
        mirror.put("/f.iso", resource);
        let mut component = component(&mirror.url("/f.iso"));
        component["size"] = json!(size_of("f.iso"));
        let report = check_locally(Checkout::of(&Stream::of(component))).run().exits(0).report();
        assert_eq!(report.only()["size"]["observed"], size_of("f.iso"), "{name}");
        assert_eq!(report.only()["sha256"]["observed_from"], "header", "{name}");
        let gets: Vec<_> =
            mirror.requests().into_iter().filter(|it| it.method == "GET" && it.path == "/f.iso").collect();
        assert!(gets.iter().all(|get| get.header("range") == Some("bytes=0-0")), "{name}");
        assert_eq!(report.only()["attempts"], 1 + gets.len(), "{name}");
    }
}

#[test]
fn a_server_that_ignores_ranges_causes_no_download() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    // Far more than a test could read, so it passes only if the body is not read.
    let huge =
        Resource::synthetic(1, 1 << 50).header("x-amz-meta-sha256", hex_sha256(&artifact_content("f.iso")));
    mirror.put("/f.iso", huge.on_head(Behaviour::status(405)).ignores_range());
    let report =
        check_locally(Checkout::of(&Stream::of(component(&mirror.url("/f.iso"))))).run().exits(0).report();
    assert_eq!(report.only()["size"]["observed"], 1_u64 << 50);
}

#[test]
fn a_body_that_never_ends_is_never_read() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    mirror.put("/f.iso", Resource::artifact("f.iso").behaves(Behaviour::EndlessBody));
    let program = check_locally(Checkout::of(&Stream::of(component(&mirror.url("/f.iso")))));
    let report = program.run().exits(3).report();
    assert_eq!(report.only()["reason"], "no-digest");
    assert_eq!(report.only()["size"]["observed"], Value::Null);
}

#[test]
fn a_content_encoding_changes_nothing() {
    let server = Server::start();
    server.put("/f.raw.gz", published("f.raw.gz").insert_header("content-encoding", "x-gzip"));
    let sums = format!("{}  f.raw.gz\n", hex_sha256(&artifact_content("f.raw.gz")));
    server.put("/sha256sum.txt", file(sums).insert_header("content-encoding", "x-gzip"));
    let mut component = component(&server.url("/f.raw.gz"));
    component["size"] = json!(size_of("f.raw.gz"));
    let report = check_locally(Checkout::of(&Stream::of(component))).run().exits(0).report();
    assert_eq!(report.only()["warnings"], json!([]));
    for (_, request) in server.requests() {
        assert_eq!(request.headers["accept-encoding"], "identity", "{request:?}");
    }
    let (_, head) = server.requests().into_iter().find(|(_, it)| it.method == "HEAD").unwrap();
    assert_eq!(head.headers["x-amz-checksum-mode"], "ENABLED");
    assert_eq!(head.headers["want-repr-digest"], "sha-256=10");
    assert!(head.headers["user-agent"].to_str().unwrap().starts_with("art-mirror-validate/"));
}
