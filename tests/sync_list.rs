//! `sync-list` against a bridge and a mirror on loopback.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

mod handoff_support;

use std::fs;

use embedded_mirror::{Config, Connections, Mirror};
use handoff_support::{PUB, Ran, STORAGE, bridge, documents, program, public, put, run, testdata};

/// A mirror without the files of s390x, and a bridge without one of those.
struct Servers {
    mirror: Mirror,
    bridge: Mirror,
}

fn servers() -> Servers {
    let servers = Servers {
        mirror: Mirror::start(Config::plain()).unwrap(),
        bridge: Mirror::start(Config::plain()).unwrap(),
    };
    let document = &documents(&document())[0];
    put(&servers.mirror, document, &public(&servers.mirror), |artifact| &*artifact.id.arch != "s390x");
    put(&servers.bridge, document, &bridge(&servers.bridge), |artifact| {
        &*artifact.id.platform != "qemu-secex"
    });
    servers
}

fn document() -> std::path::PathBuf {
    testdata("checkout/data/data/coreos/rhcos.json")
}

impl Servers {
    fn list(&self, more: &[&str]) -> Ran {
        let mut ran = Ran::of(
            program(&["sync-list", document().to_str().unwrap()])
                .args(["--stream-prefix", &self.bridge.url(STORAGE), "--mirror", &self.mirror.url(PUB)])
                .args(["--allow-private-addresses", "--retries", "0"])
                .args(more),
        );
        for text in [&mut ran.stdout, &mut ran.stderr] {
            *text = text
                .replace(env!("CARGO_MANIFEST_DIR"), "…")
                .replace(&self.bridge.addr().to_string(), "BRIDGE")
                .replace(&self.mirror.addr().to_string(), "MIRROR");
        }
        ran
    }
}

#[test]
fn what_the_mirror_lacks_is_listed_and_what_the_bridge_lacks_is_reported() {
    let servers = servers();
    let ran = servers.list(&[]);
    assert_eq!(ran.status, 1, "{}", ran.all());
    insta::assert_snapshot!(ran.stdout);

    let ran = servers.list(&["--output", "markdown"]);
    insta::assert_snapshot!(ran.stdout);

    let ran = servers.list(&["--output", "json", "--release-version", "4.19.0-ec.0"]);
    insta::assert_snapshot!(ran.stdout);
    let json = servers.list(&["--output", "json"]).json_of("sync-list");
    assert!(json["unlisted"][0]["url"].is_string() && json["missing_from"]["prefix"].is_string());
}

#[test]
fn everything_is_listed_if_it_is_asked_for() {
    let servers = servers();
    let json = servers.list(&["--all", "-a", "x86_64", "--output", "json"]);
    assert_eq!(json.status, 0, "{}", json.all());
    let json = json.json_of("sync-list");
    assert_eq!(json["builds"][0]["files"].as_array().unwrap().len(), 13);
    assert!(json["missing_from"].is_null());
    assert_eq!(servers.mirror.request_count(), 0, "nobody asks the mirror");
}

#[test]
fn with_nothing_missing_there_is_nothing_to_list() {
    let ran = servers().list(&["-a", "x86_64"]);
    assert_eq!(ran.status, 0, "{}", ran.all());
    assert!(ran.stdout.starts_with("nothing to list\n"), "{}", ran.stdout);
}

#[test]
fn a_directory_gets_the_lists_the_request_and_the_json() {
    let servers = servers();
    let root = tempfile::tempdir().unwrap();
    let dest = root.path().join("new/request");
    let ran = servers.list(&["--dest", dest.to_str().unwrap()]);
    assert_eq!(ran.status, 1, "{}", ran.all());
    let mut names: Vec<String> =
        fs::read_dir(&dest).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["request.md", "sync.json", "synclist-s390x-419.96.202506171417-0.txt"]);
    let list = fs::read_to_string(dest.join("synclist-s390x-419.96.202506171417-0.txt")).unwrap();
    assert_eq!(
        list,
        servers.bridge.url(
            "/art/storage/prod/streams/4.19-9.6/builds/419.96.202506171417-0/s390x/\
             rhcos-419.96.202506171417-0-metal.s390x.raw.gz"
        ) + "\n"
    );
}

#[test]
fn a_bridge_that_cannot_be_reached_leaves_it_undetermined() {
    let servers = servers();
    servers.bridge.set_connections(Connections::Reset);
    let ran = servers.list(&["-a", "s390x", "--output", "json"]);
    assert_eq!(ran.status, 3, "{}", ran.all());
    let json = ran.json_of("sync-list");
    assert_eq!(json["builds"].as_array().unwrap().len(), 0);
    assert_eq!(json["unlisted"][0]["why"], "undetermined");
}

#[test]
fn nothing_is_asked_without_a_bridge() {
    let document = document();
    let ran = run(&["sync-list", document.to_str().unwrap()]);
    assert_eq!(ran.status, 2);
    insta::assert_snapshot!(ran.stderr, @"error: the files are fetched from a bridge, and nothing says which: pass --stream-prefix, or set OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX");
}

#[test]
fn a_name_that_would_leave_the_directory_is_no_build() {
    let servers = servers();
    let root = tempfile::tempdir().unwrap();
    let hostile = root.path().join("hostile.json");
    let text = fs::read_to_string(document()).unwrap();
    fs::write(&hostile, text.replace("419.96.202506171417-0", "../../../../tmp/x")).unwrap();
    let dest = root.path().join("dest");
    let ran = Ran::of(program(&["sync-list", hostile.to_str().unwrap(), "--all", "-a", "s390x"]).args([
        "--stream-prefix",
        &servers.bridge.url(STORAGE),
        "--allow-private-addresses",
        "--dest",
        dest.to_str().unwrap(),
    ]));
    assert_eq!(ran.status, 1, "{}", ran.all());
    assert_eq!(servers.bridge.request_count(), 0);
    let names: Vec<_> = fs::read_dir(&dest).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
