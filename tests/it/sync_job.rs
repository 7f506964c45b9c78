//! The effect of ART's sync job on a mirror with the lists of `sync-list`, and of `mirror --request` with the same
//! request.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use embedded_mirror::{Config, Mirror, Resource, artifact_content, hex_sha256};
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Value, json};

use crate::handoff_support::sync_job::{SyncJob, sums_of};
use crate::handoff_support::{
    Finished, PUB, STORAGE, bridge as at_bridge, documents, download, files, program, serve, testdata,
};

const VERSION: &str = "4.19.2";
const BUILD: &str = "9.6.20250701-0";
const OTHER: &str = "9.6.20250601-0";
const STREAMS: &str = "prod/streams/rhel-9.6/builds";
const FILES: [(&str, &str, &str); 4] = [
    ("metal", "raw.gz", "metal.x86_64.raw.gz"),
    ("metal", "iso", "live-iso.x86_64.iso"),
    ("qemu", "qcow2.gz", "qemu.x86_64.qcow2.gz"),
    // Only another branch's document of the same build names this file.
    ("azure", "vhd.gz", "azure.x86_64.vhd.gz"),
];

/// The content of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Nothing,
    Right,
    OfTheOtherBuild,
    Damaged,
}

/// A directory of the mirror before the job runs, and the files on the bridge.
#[derive(Debug, Clone)]
struct State {
    files: [Content; 4],
    id: Option<&'static str>,
    has_sums: bool,
    latest: [Option<&'static str>; 2],
    has_next_series: bool,
    on_bridge: [Content; 3],
    bridge_says_digests: bool,
    only: &'static [&'static str],
}

fn states() -> impl Strategy<Value = State> {
    use Content::{Damaged, Nothing, OfTheOtherBuild, Right};
    let content =
        prop_oneof![3 => Just(Right), 3 => Just(Nothing), 1 => Just(OfTheOtherBuild), 1 => Just(Damaged)];
    // Mostly typical directories; one in six is arbitrary.
    let files = prop_oneof![
        Just([Nothing; 4]),
        Just([Right; 4]),
        Just([Right, Right, Damaged, Nothing]),
        Just([Right, Right, Nothing, Nothing]),
        Just([OfTheOtherBuild; 4]),
        prop::array::uniform4(content),
    ];
    let id = prop_oneof![2 => Just(None), 3 => Just(Some(BUILD)), 1 => Just(Some(OTHER))];
    let builds = [None, Some("9.6.20250101-0"), Some("9.6.20250801-0")];
    let latest = prop::sample::select(builds.to_vec());
    let bridge = prop::array::uniform3(prop_oneof![2 => Just(Right), 1 => Just(Nothing), 1 => Just(Damaged)]);
    let bridge = prop_oneof![3 => Just([Right; 3]), 1 => bridge];
    let only: [&'static [&'static str]; 4] = [&[], &[], &[], &["--platform", "metal"]];
    let latest = prop::array::uniform2(latest);
    let rest = (any::<bool>(), bridge, any::<bool>(), prop::sample::select(only.to_vec()));
    (files, id, prop::bool::weighted(0.75), latest, rest).prop_map(|(files, id, has_sums, latest, rest)| {
        let (has_next_series, on_bridge, bridge_says_digests, only) = rest;
        // A file that no document names and no sidecar lists cannot be known.
        let is_hidden = files[3] != Nothing && files[..3].iter().all(|it| *it == Nothing) && id.is_none();
        let has_sums = has_sums || is_hidden;
        State { files, id, has_sums, latest, has_next_series, on_bridge, bridge_says_digests, only }
    })
}

fn file_name(build: &str, middle: &str) -> String {
    format!("rhcos-{build}-{middle}")
}

fn content(content: Content, middle: &str) -> Option<Vec<u8>> {
    match content {
        Content::Nothing => None,
        Content::Right => Some(artifact_content(&file_name(BUILD, middle))),
        Content::OfTheOtherBuild => Some(artifact_content(&file_name(OTHER, middle))),
        // The correct size.
        Content::Damaged => Some(vec![0; artifact_content(&file_name(BUILD, middle)).len()]),
    }
}

/// The stream document of a build with these files.
fn document(build: &str, files: &[(&str, &str, &str)]) -> Value {
    let mut artifacts = json!({});
    for (platform, format, middle) in files {
        let name = file_name(build, middle);
        let location =
            format!("https://rhcos.mirror.openshift.com/art/storage/{STREAMS}/{build}/x86_64/{name}");
        let disk = json!({"disk": {"location": location, "sha256": hex_sha256(&artifact_content(&name))}});
        artifacts[*platform]["release"] = build.into();
        artifacts[*platform]["formats"][*format] = disk;
    }
    json!({"stream": "rhel-9.6", "metadata": {"last-modified": "2025-07-01T00:00:00Z"},
        "architectures": {"x86_64": {"artifacts": artifacts}}})
}

fn release_directory(store: &Path) -> PathBuf {
    store.join(&PUB[1..]).join("x86_64/dependencies/rhcos/4.19").join(VERSION)
}

/// The artifacts of all documents that `check --verify content` would pass, each with its build.
fn passing(store: &Path) -> BTreeSet<(&'static str, &'static str)> {
    let directory = release_directory(store);
    let all = [BUILD, OTHER].into_iter().flat_map(|build| FILES.iter().map(move |file| (build, file.2)));
    all.filter(|(build, middle)| {
        let there = fs::read(directory.join(file_name(&format!("{VERSION}-x86_64"), middle)));
        there.is_ok_and(|bytes| bytes == artifact_content(&file_name(build, middle)))
    })
    .collect()
}

fn make_store(state: &State, store: &Path) {
    let directory = release_directory(store);
    fs::create_dir_all(&directory).unwrap();
    for (held, (_, _, middle)) in state.files.iter().zip(FILES) {
        if let Some(bytes) = content(*held, middle) {
            fs::write(directory.join(file_name(&format!("{VERSION}-x86_64"), middle)), &bytes).unwrap();
            fs::write(directory.join(format!("rhcos-{middle}")), &bytes).unwrap();
        }
    }
    if state.has_sums && state.files.iter().any(|it| *it != Content::Nothing) {
        fs::write(directory.join("sha256sum.txt"), sums_of(&directory)).unwrap();
    }
    if let Some(id) = state.id {
        fs::write(directory.join("rhcos-id.txt"), format!("{id}\n")).unwrap();
    }
    let rhcos = store.join(&PUB[1..]).join("x86_64/dependencies/rhcos");
    let next = state.has_next_series.then_some(("4.20/latest", OTHER));
    let latest = ["4.19/latest", "latest"].into_iter().zip(state.latest);
    for (name, id) in latest.filter_map(|(name, id)| Some((name, id?))).chain(next) {
        fs::create_dir_all(rhcos.join(name)).unwrap();
        fs::write(rhcos.join(name).join("rhcos-id.txt"), format!("{id}\n")).unwrap();
    }
}

fn make_bridge(state: &State) -> Mirror {
    let bridge = Mirror::start(Config::plain()).unwrap();
    for (held, (_, _, middle)) in state.on_bridge.iter().zip(FILES) {
        if let Some(bytes) = content(*held, middle) {
            let resource = Resource::bytes(bytes);
            let resource = if state.bridge_says_digests { resource.repr_digest() } else { resource };
            let name = file_name(BUILD, middle);
            bridge.put(&format!("{STORAGE}/{STREAMS}/{BUILD}/x86_64/{name}"), resource);
        }
    }
    bridge
}

/// Runs `sync-list`, and `mirror --request` and the job on its output; returns whether the job had a list.
fn carry_out(state: &State) -> bool {
    let scratch = tempfile::tempdir().unwrap();
    let (store, request) = (scratch.path().join("store"), scratch.path().join("request"));
    make_store(state, &store);
    let bridge = make_bridge(state);
    let source = scratch.path().join("rhel-9.json");
    fs::write(&source, document(BUILD, &FILES[..3]).to_string()).unwrap();
    let (before, mirror) = (passing(&store), serve(&store));
    let ran = Finished::of(
        program(&["sync-list", source.to_str().unwrap(), "--release-version", VERSION, "--retries", "0"])
            .args(["--stream-prefix", &bridge.url(STORAGE), "--mirror", &mirror.url(PUB)])
            .args(["--allow-private-addresses", "--dest", request.to_str().unwrap()])
            .args(state.only),
    );
    assert!(matches!(ran.status(), 0 | 1), "{}", ran.all());
    let all_that_the_bridge_has: BTreeSet<_> =
        (0..3).filter(|at| state.on_bridge[*at] == Content::Right).map(|at| (BUILD, FILES[at].2)).collect();

    // With `mirror --request`, into a copy of the mirror's root.
    let list: Value = serde_json::from_slice(&fs::read(request.join("sync.json")).unwrap()).unwrap();
    let by_hand = scratch.path().join("by-hand");
    make_store(state, &by_hand);
    let sync_json = request.join("sync.json");
    let merged = Finished::of(
        program(&["mirror", "--request", sync_json.to_str().unwrap(), "--dest", by_hand.to_str().unwrap()])
            .args(["--allow-private-addresses", "--retries", "0"]),
    );
    let after = passing(&by_hand);
    assert!(before.is_subset(&after), "{before:?} {after:?}\n{}", merged.all());
    if merged.status() == 0 && state.only != ["--platform", "metal"] && list["builds"] != json!([]) {
        assert!(all_that_the_bridge_has.is_subset(&after), "{after:?}\n{}{}", ran.all(), merged.all());
    }

    let job = &list["builds"][0]["sync_job"];
    let Some(command) = job["command"].as_str() else {
        assert!(!request.join(format!("synclist-x86_64-{BUILD}.txt")).exists(), "{list}");
        return false;
    };
    let job = SyncJob::of(command);
    assert_eq!(
        list["builds"][0]["sync_job"]["jenkins"].as_array().unwrap().contains(&json!("FORCE=true")),
        !job.jenkins_would_run(&store, false),
        "{list}"
    );
    let rhcos = store.join(&PUB[1..]).join("x86_64/dependencies/rhcos");
    let latest = |name: &str| fs::read_to_string(rhcos.join(name).join("rhcos-id.txt")).unwrap_or_default();
    let ids = [latest("4.19/latest"), latest("latest")];
    job.run(&request, &store, &|url| download(&bridge, url));
    let after = passing(&store);
    assert!(before.is_subset(&after), "{before:?} {after:?}\n{}", ran.all());
    assert!(all_that_the_bridge_has.is_subset(&after), "{after:?}\n{}", ran.all());
    for (name, before) in ["4.19/latest", "latest"].into_iter().zip(ids) {
        let after = latest(name);
        assert!(before.is_empty() || before <= after, "{name} went from {before} to {after}");
    }
    assert!(release_directory(&store).join("sha256sum.txt.gpg").exists(), "signed as before");
    true
}

/// For every state of a mirror for which `sync-list` writes a request: what passed `check` still passes afterwards,
/// and so does everything on the bridge.
#[test]
fn the_job_never_removes_files_that_passed() {
    use Content::{Damaged, Nothing, Right};
    let whole = [Right; 3];
    for (files, id, on_bridge, listed) in [
        // The job fills or completes a directory.
        ([Nothing; 4], None, whole, true),
        ([Right, Right, Nothing, Nothing], Some(BUILD), whole, true),
        // A damaged file that sha256sum.txt lists with its actual digest could belong to another build.
        ([Right, Damaged, Right, Nothing], Some(BUILD), whole, false),
        // The job does not verify its downloads, and here the bridge publishes no digests.
        ([Right, Right, Nothing, Nothing], Some(BUILD), [Damaged, Right, Right], false),
    ] {
        let state = State {
            files,
            id,
            has_sums: true,
            latest: [Some("9.6.20250101-0"), Some("9.6.20250801-0")],
            has_next_series: false,
            on_bridge,
            bridge_says_digests: false,
            only: &[],
        };
        assert_eq!(carry_out(&state), listed, "{state:?}");
    }
    let mut runner = TestRunner::new(Cases { cases: 64, failure_persistence: None, ..Cases::default() });
    let ran = runner.run(&states(), |state| {
        carry_out(&state);
        Ok(())
    });
    if let Err(error) = ran {
        panic!("{error}");
    }
}

/// A release of every architecture, from the documents to the check, as ART runs it.
#[test]
fn the_files_of_the_job_pass_the_gate() {
    let (store, request) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bridge = Mirror::start(Config::plain()).unwrap();
    let path = testdata("checkout/data/data/coreos/rhcos.json");
    for (path, bytes) in files(&documents(&path)[0], &at_bridge(&bridge.url(STORAGE)), |_| true) {
        bridge.put(&path, Resource::bytes(bytes).repr_digest());
    }
    let mirror = Mirror::start(Config::plain()).unwrap();
    let source = path.to_str().unwrap();
    let bridge_at = bridge.url(STORAGE);
    let list = |version: &str, mirror: &Mirror| {
        let ran = Finished::of(
            program(&["sync-list", source, "--release-version", version, "--mirror", &mirror.url(PUB)])
                .args(["--stream-prefix", &bridge_at, "--allow-private-addresses"])
                .args(["--dest", request.path().join(version).to_str().unwrap(), "--output", "json"]),
        )
        .exits(0);
        ran.json_of("sync-list")
    };
    let check = |mirror: &Mirror, place: &[&str]| {
        let check = ["check", source, "--verify", "content", "--mirror", &mirror.url(PUB)];
        Finished::of(program(&check).arg("--allow-private-addresses").args(place))
    };
    for (version, place) in [
        ("4.19.2", &["--mirror-version", "4.19.2"][..]),
        ("4.20.0-ec.1", &["--mirror-version", "4.20.0-ec.1", "--pre-release"]),
        ("dev-4.20", &["--mirror-version", "dev-4.20"]),
    ] {
        assert_eq!(check(&mirror, place).status(), 1, "the test can fail");
        let list = list(version, &mirror);
        assert_eq!(list["builds"].as_array().unwrap().len(), 4);
        for build in list["builds"].as_array().unwrap() {
            let job = SyncJob::of(build["sync_job"]["command"].as_str().unwrap());
            job.run(&request.path().join(version), store.path(), &|url| download(&bridge, url));
        }
        check(&serve(store.path()), place).exits(0);
    }
}
