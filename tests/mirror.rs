//! `mirror` from a bridge on loopback, and what it wrote served again.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

mod handoff_support;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use embedded_mirror::{Behaviour, Config, Connections, Mirror, Resource, artifact_content};
use handoff_support::{Nginx, Ran, STORAGE, bridge, documents, files_below, program, put, serve, testdata};

const BUILD: &str = "419.96.202506171412-0";
const METAL: &str = "rhcos-419.96.202506171412-0-metal.x86_64.raw.gz";

fn document() -> PathBuf {
    testdata("checkout/data/data/coreos/rhcos.json")
}

fn full_bridge() -> Mirror {
    let server = Mirror::start(Config::plain()).unwrap();
    put(&server, &documents(&document())[0], &bridge(&server), |_| true);
    server
}

fn path_at_bridge(name: &str) -> String {
    format!("/art/storage/prod/streams/4.19-9.6/builds/{BUILD}/x86_64/{name}")
}

fn mirror(server: &Mirror, dest: &Path, more: &[&str]) -> Ran {
    Ran::of(
        program(&["mirror", document().to_str().unwrap(), "--dest", dest.to_str().unwrap()])
            .args(["--stream-prefix", &server.url(STORAGE), "--allow-private-addresses", "--retries", "1"])
            .args(more),
    )
}

const ONE: [&str; 6] = ["-a", "x86_64", "-p", "metal", "-f", "raw.gz"];

#[test]
fn what_is_there_and_right_is_kept_and_what_is_wrong_is_replaced() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    let ran = mirror(&server, dest.path(), &["-a", "x86_64"]);
    assert_eq!(ran.status, 0, "{}", ran.all());
    let names = files_below(dest.path());
    assert_eq!(names.len(), 13, "nothing but the files: {names:?}");
    assert_eq!(fs::read(dest.path().join(METAL)).unwrap(), artifact_content(METAL));

    // As many bytes as there should be, but not those.
    let wrong = vec![0; artifact_content(METAL).len()];
    fs::write(dest.path().join(METAL), wrong).unwrap();
    server.forget();
    let ran = mirror(&server, dest.path(), &["-a", "x86_64"]);
    assert_eq!(ran.status, 0, "{}", ran.all());
    assert!(ran.stdout.contains(&format!("replaced {METAL}")), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("kept ").count(), 12, "{}", ran.stdout);
    let gets = server.requests().iter().filter(|request| request.method == "GET").count();
    assert_eq!(gets, 1, "one file was fetched");
    assert_eq!(fs::read(dest.path().join(METAL)).unwrap(), artifact_content(METAL));
}

#[test]
fn a_file_gets_its_name_only_if_it_is_the_right_one() {
    let server = full_bridge();
    server.put(&path_at_bridge(METAL), Resource::bytes("other bytes"));
    let dest = tempfile::tempdir().unwrap();
    let ran = mirror(&server, dest.path(), &ONE);
    assert_eq!(ran.status, 1, "{}", ran.all());
    assert!(ran.stdout.contains("its server has other bytes: sha256"), "{}", ran.stdout);
    assert_eq!(files_below(dest.path()), Vec::<String>::new());

    server.remove(&path_at_bridge(METAL));
    assert_eq!(mirror(&server, dest.path(), &ONE).status, 1);
    server.set_connections(Connections::Reset);
    assert_eq!(mirror(&server, dest.path(), &ONE).status, 3);
}

#[test]
fn what_stopped_half_way_goes_on_where_it_was() {
    let server = full_bridge();
    let content = artifact_content(METAL);
    let half = content.len() / 2;
    let dest = tempfile::tempdir().unwrap();
    let part = dest.path().join(format!(".{METAL}.part"));
    fs::write(&part, &content[..half]).unwrap();
    let ran = mirror(&server, dest.path(), &ONE);
    assert!(ran.stdout.contains(&format!("resumed  {METAL}")), "{}", ran.all());
    let range = format!("bytes={half}-");
    assert!(server.requests().iter().any(|request| request.header("range") == Some(&range)));
    assert_eq!(fs::read(dest.path().join(METAL)).unwrap(), content);
    assert!(!part.exists());

    // What is there is the beginning of something else: found out by the digest, and begun anew.
    fs::remove_file(dest.path().join(METAL)).unwrap();
    fs::write(&part, vec![0; half]).unwrap();
    let ran = mirror(&server, dest.path(), &ONE);
    assert_eq!(ran.status, 0, "{}", ran.all());
    assert_eq!(fs::read(dest.path().join(METAL)).unwrap(), content);

    // All of it is there, and only the name is missing.
    fs::rename(dest.path().join(METAL), &part).unwrap();
    server.forget();
    assert_eq!(mirror(&server, dest.path(), &ONE).status, 0);
    assert!(server.requests().iter().all(|request| request.method == "HEAD"), "nothing is fetched again");
}

#[test]
fn a_connection_that_drops_is_no_reason_to_begin_again() {
    let server = full_bridge();
    let resource = Resource::bytes(artifact_content(METAL)).etag("\"1\"");
    let drops = Behaviour::Sequence(vec![Behaviour::DropAfter(40), Behaviour::Normal]);
    server.put(&path_at_bridge(METAL), resource.on_get(drops));
    let dest = tempfile::tempdir().unwrap();
    let ran = mirror(&server, dest.path(), &ONE);
    assert_eq!(ran.status, 0, "{}", ran.all());
    assert!(server.requests().iter().any(|request| request.header("range") == Some("bytes=40-")));
}

/// Mirrors everything in a layout, and checks it against a server of the directory.
fn passes_check(
    layout: &[&str],
    check: &[&str],
    serve: impl Fn(&Path) -> Option<(String, Box<dyn std::any::Any>)>,
) {
    let server = full_bridge();
    for arch in ["x86_64", "s390x", "ppc64le", "aarch64"] {
        let build = documents(&document())[0]
            .artifacts
            .iter()
            .find(|artifact| &*artifact.id.arch == arch)
            .unwrap()
            .release
            .to_string();
        let path = format!("/art/storage/prod/streams/4.19-9.6/builds/{build}/{arch}/meta.json");
        let none: [(&str, &[u8]); 1] = [("other.raw", b"x")];
        server.put(&path, Resource::bytes(embedded_mirror::meta_json(&build, none)));
    }
    let dest = tempfile::tempdir().unwrap();
    let ran = mirror(&server, dest.path(), layout);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{}", ran.all());
    let Some((base, _server)) = serve(dest.path()) else { return };
    let ran = Ran::of(
        program(&["check", document().to_str().unwrap(), "--mirror", &base, "--verify", "published"])
            .args(["--allow-private-addresses"])
            .args(check),
    );
    assert_eq!(ran.status, 0, "{}", ran.all());
}

#[allow(clippy::unnecessary_wraps, reason = "where nginx may be missing")]
fn embedded(directory: &Path) -> Option<(String, Box<dyn std::any::Any>)> {
    let server = serve(directory);
    Some((server.url(""), Box::new(server)))
}

fn nginx(directory: &Path) -> Option<(String, Box<dyn std::any::Any>)> {
    let server = Nginx::start(directory)?;
    Some((server.url(), Box::new(server)))
}

#[test]
fn what_was_mirrored_by_build_passes_the_gate() {
    passes_check(&["--layout", "build"], &[], embedded);
    passes_check(&["--layout", "build"], &[], nginx);
}

#[test]
fn what_was_mirrored_by_release_passes_the_gate() {
    passes_check(
        &["--layout", "release", "--release-version", "4.19.2"],
        &["--mirror-version", "4.19.2"],
        embedded,
    );
    passes_check(
        &["--layout", "release", "--release-version", "4.19.0-ec.0"],
        &["--mirror-version", "4.19.0-ec.0", "--pre-release"],
        nginx,
    );
}

#[test]
fn sidecars_and_second_names_are_those_of_the_sync_job() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    let layout = ["-a", "x86_64", "-p", "metal", "--layout", "build"];
    let ran = mirror(&server, dest.path(), &[&layout[..], &["-f", "iso"]].concat());
    assert_eq!(ran.status, 0, "{}", ran.all());
    assert!(ran.stderr.contains("meta.json was not copied"), "{}", ran.stderr);
    // A second run for another file adds to what the first one wrote.
    let ran = mirror(&server, dest.path(), &[&layout[..], &["-f", "raw.gz"]].concat());
    assert_eq!(ran.status, 0, "{}", ran.all());
    insta::assert_snapshot!(files_below(dest.path()).join("\n"));
    let directory = dest.path().join("x86_64/dependencies/rhcos/4.19").join(BUILD);
    insta::assert_snapshot!(fs::read_to_string(directory.join("sha256sum.txt")).unwrap());
    assert_eq!(fs::read_to_string(directory.join("rhcos-id.txt")).unwrap(), format!("{BUILD}\n"));
    assert_eq!(fs::metadata(directory.join(METAL)).unwrap().nlink(), 2, "a link, no copy");
}

#[test]
fn plumes_options_do_what_they_do_there() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    let out = dest.path().join("out.json");
    let images = dest.path().join("images");
    let ran = Ran::of(
        program(&["mirror", "--src-file", document().to_str().unwrap(), "--dest", images.to_str().unwrap()])
            .args(["--dest-file", out.to_str().unwrap(), "--url", "http://host:8080/images"])
            .args([
                "--artifact",
                "metal",
                "--stream-prefix",
                &server.url(STORAGE),
                "--allow-private-addresses",
            ]),
    );
    assert_eq!(ran.status, 0, "{}", ran.all());
    let written = documents(&out).remove(0);
    for artifact in &written.artifacts {
        let is_metal = &*artifact.id.platform == "metal";
        let name = artifact.location.strip_prefix("http://host:8080/images/");
        assert_eq!(is_metal, name.is_some_and(|name| images.join(name).is_file()), "{}", artifact.location);
    }
}

#[test]
fn a_dry_run_fetches_nothing_and_makes_nothing() {
    let server = full_bridge();
    let root = tempfile::tempdir().unwrap();
    let dest = root.path().join("dest");
    let ran = mirror(&server, &dest, &[&ONE[..], &["--dry-run"]].concat());
    assert_eq!(ran.status, 0, "{}", ran.all());
    assert!(ran.stdout.starts_with(&format!("{METAL} from http://")), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 file, 106 bytes to come"), "{}", ran.stdout);
    assert!(!dest.exists());
}

#[test]
fn too_little_space_is_found_out_before_the_first_byte() {
    let server = full_bridge();
    let huge = Resource::synthetic(1, 1 << 60);
    server.put(&path_at_bridge(METAL), huge);
    let dest = tempfile::tempdir().unwrap();
    let ran = mirror(&server, dest.path(), &ONE);
    assert_eq!(ran.status, 2, "{}", ran.all());
    assert!(ran.stderr.contains("nothing was fetched"), "{}", ran.stderr);
    assert!(server.requests().iter().all(|request| request.method == "HEAD"));
}

#[test]
fn a_link_in_the_directory_is_not_followed() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    let victim = outside.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    std::os::unix::fs::symlink(&victim, dest.path().join(METAL)).unwrap();
    let ran = mirror(&server, dest.path(), &ONE);
    assert_eq!(ran.status, 3, "{}", ran.all());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_file(dest.path().join(METAL)).unwrap();
    std::os::unix::fs::symlink(&victim, dest.path().join(format!(".{METAL}.part"))).unwrap();
    let ran = mirror(&server, dest.path(), &ONE);
    assert_eq!(ran.status, 0, "{}", ran.all());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}
