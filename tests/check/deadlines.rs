//! Waiting for missing files, deadlines and signals.

use std::time::Duration;

use embedded_mirror::{Behaviour, Config, Mirror, Resource};
use rustix::process::Signal;
use serde_json::json;

use crate::support::server::{Server, artifact, digested, file, never, published, status};
use crate::support::{Checkout, Nobody, Stream, check_checkout, check_locally, component, until};

/// A document with `good.iso`, `late.iso` and `later.iso` on this server, which only has the first.
fn three_files(server: &Server) -> Checkout {
    server.put("/good.iso", published("good.iso"));
    let stream = ["good", "late", "later"].iter().fold(Stream::new(), |stream, name| {
        stream.with(&format!("x86_64/metal/{name}/disk"), component(&server.url(&format!("/{name}.iso"))))
    });
    Checkout::of(&stream)
}

#[test]
fn waiting_repeats_requests_for_missing_files_only() {
    let server = Server::start();
    let program =
        check_checkout(three_files(&server)).locally().args(["--wait", "1m", "--wait-interval", "200ms"]);
    let running = program.start();
    let put = |name: &str| {
        server.put(&format!("/{name}.iso"), published(&format!("{name}.iso")));
    };
    until("three rounds", || server.count("HEAD", "/late.iso") >= 3);
    put("late");
    until("two more", || server.count("HEAD", "/later.iso") >= 6);
    put("later");
    let finished = running.finish().exits(0);
    assert_eq!(server.count("HEAD", "/good.iso"), 1, "passed files are not requested again");
    let log = &finished.stdout;
    let two = log.matches("note: 2 artifacts left; asking again in 200ms").count();
    let one = log.matches("note: 1 artifact left; asking again in 200ms").count();
    assert!(two >= 3 && one >= 1, "each round logs how many are left:\n{log}");
    assert!(log.contains("\npass: 3 artifacts: 3 passed"), "{log}");
    assert!(!log.contains("FAIL"), "a file that appears is not a failure:\n{log}");
}

#[test]
fn waiting_ends_when_its_time_is_over() {
    let server = Server::start();
    // Time for two rounds and the last one.
    let program = check_locally(three_files(&server)).args(["--wait", "400ms", "--wait-interval", "200ms"]);
    let finished = program.run().exits(1);
    assert_eq!(finished.report().counts(), [1, 2, 0]);
    // Rounds at the start, after each interval, and when the time is over.
    assert!((2..=4).contains(&server.count("HEAD", "/late.iso")), "{}", server.count("HEAD", "/late.iso"));
    assert!(finished.stderr.contains("2 artifacts left"), "standard output is for JSON: {finished:?}");
}

#[test]
fn waiting_is_limited_to_findings_that_can_change() {
    let server = Server::start();
    server.put("/wrong.iso", digested("something else"));
    let checkout = Checkout::of(&Stream::of(component(&server.url("/wrong.iso"))));
    check_locally(checkout).args(["--wait", "1h"]).run().exits(1);
    assert_eq!(server.count("HEAD", "/wrong.iso"), 1);

    // A host that recovers, and a sidecar that appears.
    server.put("/f.iso", artifact("f.iso"));
    server.put("/sha256sum.txt", status(503));
    let checkout = Checkout::of(&Stream::of(component(&server.url("/f.iso"))));
    let program =
        check_locally(checkout).args(["--wait", "1m", "--wait-interval", "100ms", "--retries", "0"]);
    let running = program.start();
    until("a round", || server.count("GET", "/sha256sum.txt") >= 1);
    let sums = embedded_mirror::sha256sum_txt([("f.iso", embedded_mirror::artifact_content("f.iso"))]);
    server.put("/sha256sum.txt", file(sums));
    running.finish().exits(0);
}

#[test]
fn a_host_that_was_down_is_tried_again_in_the_next_round() {
    let nobody = Nobody::new();
    let addr = nobody.addr;
    let checkout = Checkout::of(&Stream::of(component(&format!("http://{addr}/f.iso"))));
    let program = check_checkout(checkout).locally().args([
        "--wait",
        "1m",
        "--wait-interval",
        "200ms",
        "--retries",
        "0",
    ]);
    let running = program.start();
    // Allows time for two rounds; with no server, their requests cannot be observed.
    std::thread::sleep(Duration::from_millis(500));
    let mirror = Mirror::start(Config::plain().bind(addr)).unwrap();
    mirror.put("/f.iso", Resource::artifact("f.iso").repr_digest());
    running.finish().exits(0);
}

#[test]
fn no_duration_is_too_long() {
    const LONG: &str = "500000000000years";
    let server = Server::start();
    let server = &server;
    std::thread::scope(|scope| {
        // All requests must have been made by the end of the shortest limit, even on a busy machine.
        for (options, waits) in [
            (["--retries", "4294967295"].as_slice(), false),
            (&["--timeout", LONG], false),
            (&["--deadline", LONG], false),
            (&["--wait", "1s", "--wait-interval", LONG], true),
            (&["--wait", LONG, "--wait-interval", LONG, "--deadline", "2s"], true),
            (&["--wait", LONG, "--deadline", "2s"], true),
        ] {
            scope.spawn(move || {
                let finished = check_locally(three_files(server)).args(options).run();
                assert_eq!(finished.code, Some(1), "{options:?}: {finished:?}");
                assert_eq!(finished.report().counts(), [1, 2, 0], "{options:?}");
                assert_eq!(finished.stderr.contains("2 artifacts left"), waits, "{options:?}: {finished:?}");
            });
        }
    });
}

#[test]
fn a_signal_ends_the_run_at_once_with_reports_of_what_is_known() {
    for (signal, name, code) in [(Signal::INT, "SIGINT", 130), (Signal::TERM, "SIGTERM", 143)] {
        let server = Server::start();
        server.put("/later.iso", never());
        let directory = tempfile::tempdir().unwrap();
        let artifacts = directory.path().join("artifacts");
        let program = check_checkout(three_files(&server)).locally().arg("--artifacts-dir").arg(&artifacts);
        let running = program.start();
        until("the requests", || server.count("HEAD", "/later.iso") == 1 && server.request_count() >= 5);
        // The responses that have arrived must still be read.
        std::thread::sleep(Duration::from_millis(300));
        running.signal(signal);
        let finished = running.finish().exits(code);
        assert!(finished.stdout.contains(&format!("(ended early by {name})")), "{finished:?}");

        let report = std::fs::read_to_string(artifacts.join("art-mirror-validate.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["interrupted_by"], name);
        let said: Vec<_> = report["artifacts"].as_array().unwrap().iter().map(|it| &it["reason"]).collect();
        assert_eq!(said, [&json!(null), &json!("missing"), &json!("deadline")]);
        let interrupted = report["artifacts"][2]["message"].as_str().unwrap();
        assert!(interrupted.contains("interrupted"), "{interrupted}");
        for name in ["junit_art-mirror-validate.xml", "art-mirror-validate-summary.html"] {
            assert!(artifacts.join(name).is_file(), "{name}");
        }
    }
}

#[test]
fn a_signal_ends_the_waiting() {
    let server = Server::start();
    let running =
        check_locally(three_files(&server)).args(["--wait", "1h", "--wait-interval", "50m"]).start();
    until("a round", || server.count("HEAD", "/later.iso") == 1);
    std::thread::sleep(Duration::from_millis(200));
    running.signal(Signal::TERM);
    let report = running.finish().exits(143).report();
    assert_eq!(report.counts(), [1, 2, 0], "the results of the last round remain");
}

/// A deadline or signal does not remove known failures, even if other answers are outstanding.
#[test]
fn known_failures_remain_when_time_is_up() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    mirror.put("/b/meta.json", Resource::bytes("").behaves(Behaviour::Hang));
    mirror.put("/b/short.iso", Resource::artifact("short.iso").repr_digest());
    let slow = Behaviour::Paced { bytes: 1, every: Duration::from_millis(50) };
    mirror.put("/c/long.iso", Resource::bytes(vec![7; 4096]).on_get(slow));
    let mut stream = Stream::new().with("x86_64/metal/gone/disk", component(&mirror.url("/b/gone.iso")));
    for (name, path) in [("short", "/b/short.iso"), ("long", "/c/long.iso")] {
        let mut component = component(&mirror.url(path));
        component["size"] = json!(1);
        stream = stream.with(&format!("x86_64/metal/{name}/disk"), component);
    }
    let expect = |report: &crate::support::Report| {
        for (name, reason) in [("gone", "missing"), ("short", "size-mismatch"), ("long", "size-mismatch")] {
            let artifact = report.artifact(&format!("x86_64/metal/{name}/disk"));
            assert_eq!(artifact["reason"], reason, "{artifact:#}");
            assert!(
                artifact["message"].as_str().unwrap().contains("before all answers arrived"),
                "{artifact:#}"
            );
        }
    };
    let check = || check_locally(Checkout::of(&stream)).args(["--verify", "content"]);
    // Both artifacts must have been requested by the deadline.
    expect(&check().args(["--deadline", "1s"]).run().exits(1).report());

    mirror.forget();
    let running = check().start();
    until("all are asked for", || {
        mirror.count("GET", "/c/long.iso") == 1 && mirror.count("HEAD", "/b/gone.iso") == 1
    });
    // The responses must still be read.
    std::thread::sleep(Duration::from_millis(300));
    running.signal(Signal::TERM);
    expect(&running.finish().exits(143).report());
}

#[test]
fn the_results_of_an_interrupted_round_count() {
    let server = Server::start();
    server.put_in_turn("/f.iso", [status(503), status(404)]);
    server.put_in_turn("/meta.json", [status(404), never()]);
    let program = check_locally(Checkout::of(&Stream::of(component(&server.url("/f.iso")))));
    // The second round must have begun by then.
    let times = ["--retries", "0", "--wait", "1m", "--wait-interval", "100ms", "--deadline", "1s"];
    let report = program.args(times).run().exits(1).report();
    assert_eq!(report.only()["reason"], "missing");
}
