//! What random rounds (`tests/oracle`) once found, each as a case of its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may end in a panic")]

use std::process::Command;

use embedded_mirror::{Behaviour, Config, Mirror, Resource, hex_sha256};
use serde_json::{Value, json};

/// What the gate says of one file, which a document describes as these bytes.
fn judge(mirror: &Mirror, path: &str, meant: &[u8], more: &[&str]) -> (Option<i32>, Value) {
    let component = json!({ "location": mirror.url(path), "sha256": hex_sha256(meant) });
    let document = json!({
        "stream": "rhcos-4.8",
        "metadata": { "last-modified": "2021-03-31T10:00:00Z" },
        "architectures": { "x86_64": { "artifacts": { "metal": {
            "release": "48.83.202102230316-0",
            "formats": { "iso": { "disk": component } },
        } } } },
    });
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stream.json");
    std::fs::write(&file, document.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_art-mirror-validate"))
        .env_clear()
        .arg("check")
        .arg(file)
        .args(["--output", "json", "--retries", "0", "--timeout", "5s", "--allow-private-addresses"])
        .args(["--allow-host", &mirror.addr().to_string()])
        .args(more)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    (output.status.code(), report["artifacts"][0].clone())
}

#[test]
fn zero_bytes_are_no_artifact_even_where_nobody_says_that_it_is_zero() {
    let mirror = Mirror::start(Config::plain()).unwrap();
    for (name, body, status) in [("empty", "", 1), ("full", "bytes", 0)] {
        // No Content-Length to HEAD, and GET answers with all of it in chunks.
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
