//! `sync-list` against a bridge and a mirror on loopback.

use std::fs;

use art_mirror_validate::location::{Mirror as MirrorPlace, MirrorVersion, Prefix, Target, resolve};
use art_mirror_validate::stream::{Artifact, Sha256};
use serde_json::Value;

use crate::handoff_support::{
    Finished, PUB, STORAGE, bridge as bridge_at, documents, files, files_below, program, public, run,
    testdata,
};
use crate::support::Nobody;
use crate::support::server::{Server, file, status};

/// A mirror without the files of s390x, and a bridge that lacks one of those.
struct Servers {
    mirror: Server,
    bridge: Server,
    /// The prefix passed to the program.
    prefix: String,
}

fn servers() -> Servers {
    let (mirror, bridge) = (Server::start(), Server::start());
    let servers = Servers { prefix: bridge.url(STORAGE), mirror, bridge };
    let document = &documents(&document())[0];
    let public = public(&servers.mirror.url(PUB));
    servers.mirror.put_all(files(document, &public, |artifact| &*artifact.id.arch != "s390x"));
    let target = bridge_at(&servers.prefix);
    servers.bridge.put_all(files(document, &target, |artifact| &*artifact.id.platform != "qemu-secex"));
    servers
}

fn document() -> std::path::PathBuf {
    testdata("checkout/data/data/coreos/rhcos.json")
}

impl Servers {
    /// Fills the directory of a release as the job does, with the artifacts selected by `keep`.
    fn release_of(&self, arch: &str, keep: impl Fn(&Artifact) -> bool) {
        let base = Prefix::parse(&self.mirror.url(PUB)).unwrap();
        let version = MirrorVersion::Release("4.19.2".parse().unwrap());
        let release = Target::Mirror(MirrorPlace::new(base, Some(version), false).unwrap());
        let document = &documents(&document())[0];
        let wanted = |artifact: &Artifact| &*artifact.id.arch == arch && keep(artifact);
        self.mirror.put_all(files(document, &release, wanted));
        let kept = document.artifacts.iter().filter(|artifact| wanted(artifact));
        let sums: Vec<String> = kept
            .map(|artifact| {
                let place = resolve(&artifact.location, Some(&artifact.release), &release).unwrap();
                format!("{}  {}\n", artifact.sha256, place.file_name())
            })
            .collect();
        let sums = sums.concat();
        let directory = format!("{PUB}/{arch}/dependencies/rhcos/4.19/4.19.2");
        self.mirror.put(&format!("{directory}/sha256sum.txt"), file(sums));
    }

    fn list(&self, more: &[&str]) -> Finished {
        let mut ran = Finished::of(
            program(&["sync-list", document().to_str().unwrap()])
                .args(["--stream-prefix", &self.prefix, "--mirror", &self.mirror.url(PUB)])
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

const RELEASE: [&str; 2] = ["--release-version", "4.19.2"];

#[test]
fn a_build_is_listed_completely_with_missing_files_marked() {
    let servers = servers();
    let whole = [&["-a", "aarch64"][..], &RELEASE].concat();
    servers.release_of("aarch64", |artifact| &*artifact.id.format != "iso");
    let ran = servers.list(&whole).exits(0);
    insta::assert_snapshot!(ran.stdout);
    let ran = servers.list(&[&whole[..], &["--output", "markdown"]].concat());
    insta::assert_snapshot!(ran.stdout);
    let json = servers.list(&[&whole[..], &["--output", "json"]].concat()).json_of("sync-list");
    let files = json["builds"][0]["files"].as_array().unwrap();
    assert_eq!(
        (files.len(), files.iter().filter(|file| file["state"] == "missing").count()),
        (3, 1),
        "{json}"
    );
}

#[test]
fn a_part_of_a_build_is_only_for_mirror() {
    let servers = servers();
    let root = tempfile::tempdir().unwrap();
    let dest = root.path().to_str().unwrap();
    let list = |more: &[&str]| {
        let ran = servers.list(&[&RELEASE[..], &["--output", "json", "--dest", dest], more].concat());
        let lists = files_below(root.path()).iter().filter(|name| name.starts_with("synclist")).count();
        (ran.status(), ran.json_of("sync-list"), lists)
    };
    let (status, json, lists) = list(&["-a", "aarch64"]);
    assert_eq!((status, lists), (0, 1), "{json}");
    let command = json["builds"][0]["sync_job"]["command"].as_str().unwrap();
    assert!(
        command.contains(" --version 4.19.2 --mirror-prefix 4.19 --base-dir /pub/openshift-v4/aarch64/"),
        "{command}"
    );

    // The list of an earlier run is deleted, so that it is not mistaken for this run's.
    for (more, why) in [(&["-p", "metal"][..], "part"), (&[], "incomplete")] {
        let arch = if why == "part" { "aarch64" } else { "s390x" };
        servers.release_of("aarch64", |artifact| &*artifact.id.format != "iso");
        let (status, json, lists) = list(&[&["-a", arch][..], more].concat());
        assert_eq!((status, lists), (i32::from(why != "part"), 0), "{more:?} {json}");
        let build = &json["builds"][0];
        assert_eq!((&build["refused"][0]["why"], &build["sync_job"]["command"]), (&why.into(), &Value::Null));
        assert!(!build["files"].as_array().unwrap().is_empty(), "mirror --request can use it");
    }
}

/// `--release-version` is for documents that name no directory of a release.
#[test]
fn a_directory_that_the_document_names_is_the_destination() {
    let servers = servers();
    let directory = format!("{PUB}/x86_64/dependencies/rhcos/4.8/4.8.2");
    let location = servers.mirror.url(&format!("{directory}/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz"));
    let document = serde_json::json!({"stream": "rhcos-4.8", "architectures": {"x86_64": {"artifacts": {"qemu": {
        "release": "48.84.202107202156-0",
        "formats": {"qcow2.gz": {"disk": {"location": location, "sha256": Sha256::of(b"image")}}},
    }}}}});
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("rhcos.json");
    fs::write(&path, document.to_string()).unwrap();
    let build = "48.84.202107202156-0";
    let at_bridge = format!("releases/rhcos-4.8/{build}/x86_64/rhcos-{build}-qemu.x86_64.qcow2.gz");
    servers.bridge.put(&format!("{STORAGE}/{at_bridge}"), file("image"));
    let ran = Finished::of(
        program(&["sync-list", path.to_str().unwrap(), "--stream-prefix", &servers.prefix])
            .args(["--release-version", "4.8.14", "--output", "json", "--allow-private-addresses"])
            .args(["--allow-host", "127.0.0.1", "--retries", "0"]),
    );
    let json = ran.json_of("sync-list");
    assert_eq!(json["builds"][0]["files"][0]["destination"], location, "{json}");
}

#[test]
fn two_builds_for_one_directory_are_refused_before_any_request() {
    let servers = servers();
    let root = tempfile::tempdir().unwrap();
    let directory = root.path().join("data/data/coreos");
    fs::create_dir_all(&directory).unwrap();
    let text = fs::read_to_string(document()).unwrap();
    fs::write(directory.join("coreos-rhel-9.json"), &text).unwrap();
    let other = text.replace("419.96.202506171412-0", "419.102.202506171412-0");
    fs::write(directory.join("coreos-rhel-10.json"), other).unwrap();
    let list = |more: &[&str]| {
        Finished::of(
            program(&["sync-list", root.path().to_str().unwrap(), "-a", "x86_64"])
                .args(["--stream-prefix", &servers.bridge.url(STORAGE), "--mirror", &servers.mirror.url(PUB)])
                .args(["--allow-private-addresses", "--retries", "0"])
                .args(more),
        )
    };
    let ran = list(&RELEASE).exits(2);
    for part in
        ["coreos-rhel-9.json", "coreos-rhel-10.json", "419.96.202506171412-0", "419.102.202506171412-0"]
    {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(
        ran.stderr.contains("one stream at a time, each with its own --release-version"),
        "{}",
        ran.stderr
    );
    assert_eq!(servers.mirror.request_count() + servers.bridge.request_count(), 0);
}

#[test]
fn a_location_that_the_build_pipeline_fills_is_not_for_the_job() {
    let servers = servers();
    let mirror = servers.mirror.url("/art/storage/prod/streams");
    let list = |more: &[&str]| {
        Finished::of(
            program(&["sync-list", document().to_str().unwrap(), "-a", "x86_64", "--mirror", &mirror])
                .args(["--stream-prefix", &servers.bridge.url(STORAGE)])
                .args(["--allow-private-addresses", "--retries", "0"])
                .args(more),
        )
    };
    let json = list(&["--output", "json"]).json_of("sync-list");
    let build = &json["builds"][0];
    assert_eq!(build["upload_to"], "prod/streams/4.19-9.6/builds/419.96.202506171412-0/x86_64/");
    assert_eq!((&build["sync_job"], build["files"].as_array().unwrap().len()), (&Value::Null, 13));
    let ran = list(&["--output", "markdown"]);
    assert!(ran.stdout.contains("ART's sync job does not upload there."), "{}", ran.stdout);
    assert!(ran.stdout.contains("To `prod/streams/4.19-9.6/builds/"), "{}", ran.stdout);
}

#[test]
fn existing_files_are_deleted_only_with_replace() {
    let servers = servers();
    let release = [&["-a", "x86_64"][..], &RELEASE].concat();
    let directory = "/pub/openshift-v4/x86_64/dependencies/rhcos/4.19/4.19.2";
    servers.mirror.put(&format!("{directory}/rhcos-id.txt"), file("419.96.202501010000-0\n"));
    let sums = format!("{:064}  rhcos-4.19.2-x86_64-exoscale.x86_64.qcow2.gz\n", 1);
    servers.mirror.put(&format!("{directory}/sha256sum.txt"), file(sums));
    let ran = servers.list(&release).exits(1);
    let loss = "rhcos-id.txt names build 419.96.202501010000-0; the job would delete \
                rhcos-4.19.2-x86_64-exoscale.x86_64.qcow2.gz";
    assert!(ran.stdout.contains(&format!("4.19.2/: {loss}. If nothing needs")), "{}", ran.stdout);
    assert!(!ran.stdout.contains("artcd"), "{}", ran.stdout);
    let ran = servers.list(&[&release[..], &["--replace"]].concat()).exits(0);
    assert!(
        ran.stdout.contains(&format!("4.19.2/: {loss}")) && ran.stdout.contains("artcd"),
        "{}",
        ran.stdout
    );

    servers.mirror.put(&format!("{directory}/rhcos-id.txt"), status(503));
    servers.mirror.remove(&format!("{directory}/sha256sum.txt"));
    let ran = servers.list(&release);
    assert_eq!((ran.status(), ran.stdout.contains("artcd")), (3, false), "{}", ran.all());
}

#[test]
fn a_complete_build_is_listed_on_request() {
    let servers = servers();
    let json = servers.list(&["--all", "-a", "x86_64", "--output", "json"]).json_of("sync-list");
    assert_eq!(json["builds"][0]["files"].as_array().unwrap().len(), 13);
    // The mirror's layout is by build, but the job would write other names.
    assert_eq!(json["builds"][0]["refused"][0]["why"], "other-names");
}

#[test]
fn a_complete_build_is_not_listed() {
    let ran = servers().list(&["-a", "x86_64"]).exits(0);
    assert!(ran.stdout.starts_with("There is nothing to mirror.\n"), "{}", ran.stdout);
}

#[test]
fn a_directory_gets_the_lists_the_request_and_the_json() {
    let servers = servers();
    let root = tempfile::tempdir().unwrap();
    let dest = root.path().join("new/request");
    servers.list(&[&RELEASE[..], &["-a", "aarch64", "--dest", dest.to_str().unwrap()]].concat()).exits(0);
    assert_eq!(files_below(&dest), ["request.md", "sync.json", "synclist-aarch64-419.96.202506171413-0.txt"]);
    let list = fs::read_to_string(dest.join("synclist-aarch64-419.96.202506171413-0.txt")).unwrap();
    assert_eq!(list.lines().count(), 3);
    let builds =
        servers.bridge.url("/art/storage/prod/streams/4.19-9.6/builds/419.96.202506171413-0/aarch64/");
    assert!(list.lines().all(|url| url.starts_with(&builds)), "{list}");
}

#[test]
fn an_unreachable_bridge_leaves_the_build_undetermined() {
    let nobody = Nobody::new();
    let servers = Servers { prefix: format!("http://{}{STORAGE}", nobody.addr), ..servers() };
    let ran = servers.list(&["-a", "s390x", "--output", "json"]).exits(3);
    let json = ran.json_of("sync-list");
    assert_eq!(json["builds"].as_array().unwrap().len(), 0);
    assert_eq!(json["unlisted"][0]["why"], "undetermined");
}

#[test]
fn nothing_is_requested_without_a_bridge() {
    let document = document();
    let ran = run(&["sync-list", document.to_str().unwrap()]);
    assert_eq!(ran.status(), 2);
    insta::assert_snapshot!(ran.stderr, @"error: the files are fetched from a bridge: name it with --stream-prefix, or set OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX");
}

#[test]
fn a_path_out_of_the_directory_is_not_a_build() {
    let servers = servers();
    let root = tempfile::tempdir().unwrap();
    let hostile = root.path().join("hostile.json");
    let text = fs::read_to_string(document()).unwrap();
    fs::write(&hostile, text.replace("419.96.202506171417-0", "../../../../tmp/x")).unwrap();
    let dest = root.path().join("dest");
    Finished::of(program(&["sync-list", hostile.to_str().unwrap(), "--all", "-a", "s390x"]).args([
        "--stream-prefix",
        &servers.bridge.url(STORAGE),
        "--allow-private-addresses",
        "--dest",
        dest.to_str().unwrap(),
    ]))
    .exits(1);
    assert_eq!(servers.bridge.request_count(), 0);
    let names: Vec<_> = fs::read_dir(&dest).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
