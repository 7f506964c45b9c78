//! `mirror` from a bridge on loopback, and checks of the result, which is served again.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use embedded_mirror::{Behaviour, Config, Connections, Mirror, Resource, artifact_content};

use crate::handoff_support::{
    Finished, Nginx, STORAGE, bridge, documents, files, files_below, program, serve, serve_below, testdata,
};

const BUILD: &str = "419.96.202506171412-0";
const METAL: &str = "rhcos-419.96.202506171412-0-metal.x86_64.raw.gz";

fn document() -> PathBuf {
    testdata("checkout/data/data/coreos/rhcos.json")
}

fn full_bridge() -> Mirror {
    let server = Mirror::start(Config::plain()).unwrap();
    for (path, bytes) in files(&documents(&document())[0], &bridge(&server.url(STORAGE)), |_| true) {
        server.put(&path, Resource::bytes(bytes).repr_digest());
    }
    server
}

fn path_at_bridge(name: &str) -> String {
    format!("/art/storage/prod/streams/4.19-9.6/builds/{BUILD}/x86_64/{name}")
}

fn mirror_of(document: &Path, server: &Mirror, dest: &Path, more: &[&str]) -> Finished {
    Finished::of(
        program(&["mirror", document.to_str().unwrap(), "--dest", dest.to_str().unwrap()])
            .args(["--stream-prefix", &server.url(STORAGE), "--allow-private-addresses", "--retries", "1"])
            .args(more),
    )
}

fn mirror(server: &Mirror, dest: &Path, more: &[&str]) -> Finished {
    mirror_of(&document(), server, dest, more)
}

const ONE: [&str; 6] = ["-a", "x86_64", "-p", "metal", "-f", "raw.gz"];

#[test]
fn correct_files_are_kept_and_wrong_files_replaced() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    mirror(&server, dest.path(), &["-a", "x86_64"]).exits(0);
    let names = files_below(dest.path());
    assert_eq!(names.len(), 13, "only the files: {names:?}");
    assert_eq!(fs::read(dest.path().join(METAL)).unwrap(), artifact_content(METAL));

    // The correct size, but other content.
    let wrong = vec![0; artifact_content(METAL).len()];
    fs::write(dest.path().join(METAL), wrong).unwrap();
    server.forget();
    let ran = mirror(&server, dest.path(), &["-a", "x86_64"]).exits(0);
    assert!(ran.stdout.contains(&format!("replaced {METAL}")), "{}", ran.stdout);
    assert_eq!(ran.stdout.matches("kept ").count(), 12, "{}", ran.stdout);
    let gets = server.requests().iter().filter(|request| request.method == "GET").count();
    assert_eq!(gets, 1, "one file was downloaded");
    assert_eq!(fs::read(dest.path().join(METAL)).unwrap(), artifact_content(METAL));
}

#[test]
fn the_json_output_has_the_result_of_each_file() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    let result = |more: &[&str]| {
        let json = mirror(&server, dest.path(), &[&ONE[..], &["--output", "json"], more].concat()).json();
        let file = &json[0];
        assert_eq!((&file["path"], &file["id"]), (&METAL.into(), &"x86_64/metal/raw.gz/disk".into()));
        assert_eq!(file["size"], artifact_content(METAL).len());
        (file["result"].as_str().unwrap().to_owned(), file["message"].is_string())
    };
    assert_eq!(result(&["--dry-run"]), ("planned".to_owned(), false));
    assert_eq!(result(&[]), ("fetched".to_owned(), false));
    assert_eq!(result(&["--quiet"]), ("kept".to_owned(), false));
    fs::remove_file(dest.path().join(METAL)).unwrap();
    server.put(&path_at_bridge(METAL), Resource::bytes(vec![0; artifact_content(METAL).len()]));
    assert_eq!(result(&[]), ("failed".to_owned(), true));
}

#[test]
fn a_file_gets_its_final_name_only_if_it_is_correct() {
    let server = full_bridge();
    server.put(&path_at_bridge(METAL), Resource::bytes("other bytes"));
    let dest = tempfile::tempdir().unwrap();
    let ran = mirror(&server, dest.path(), &ONE).exits(1);
    assert!(ran.stdout.contains("the server has different content: sha256"), "{}", ran.stdout);
    assert_eq!(files_below(dest.path()), Vec::<String>::new());

    server.remove(&path_at_bridge(METAL));
    assert_eq!(mirror(&server, dest.path(), &ONE).status(), 1);
    server.set_connections(Connections::Reset);
    assert_eq!(mirror(&server, dest.path(), &ONE).status(), 3);
}

#[test]
fn an_interrupted_download_is_resumed() {
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

    // The part belongs to another file, which the digest shows, so the download starts over.
    fs::remove_file(dest.path().join(METAL)).unwrap();
    fs::write(&part, vec![0; half]).unwrap();
    mirror(&server, dest.path(), &ONE).exits(0);
    assert_eq!(fs::read(dest.path().join(METAL)).unwrap(), content);

    // The part is complete and only needs its final name.
    fs::rename(dest.path().join(METAL), &part).unwrap();
    server.forget();
    assert_eq!(mirror(&server, dest.path(), &ONE).status(), 0);
    assert!(server.requests().iter().all(|request| request.method == "HEAD"), "no new download");
}

#[test]
fn a_download_is_resumed_after_a_dropped_connection() {
    let server = full_bridge();
    let resource = Resource::bytes(artifact_content(METAL)).etag("\"1\"");
    let drops = Behaviour::Sequence(vec![Behaviour::DropAfter(40), Behaviour::Normal]);
    server.put(&path_at_bridge(METAL), resource.on_get(drops));
    let dest = tempfile::tempdir().unwrap();
    mirror(&server, dest.path(), &ONE).exits(0);
    assert!(server.requests().iter().any(|request| request.header("range") == Some("bytes=40-")));
}

/// Mirrors everything in a layout, then checks a server of the result.
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
    assert_eq!((ran.status(), ran.stderr.as_str()), (0, ""), "{}", ran.all());
    let Some((base, _server)) = serve(dest.path()) else { return };
    Finished::of(
        program(&["check", document().to_str().unwrap(), "--mirror", &base, "--verify", "published"])
            .args(["--allow-private-addresses"])
            .args(check),
    )
    .exits(0);
}

#[allow(clippy::unnecessary_wraps, reason = "the other server can be missing")]
fn embedded(directory: &Path) -> Option<(String, Box<dyn std::any::Any>)> {
    let server = serve(directory);
    Some((server.url(""), Box::new(server)))
}

fn nginx(directory: &Path) -> Option<(String, Box<dyn std::any::Any>)> {
    let server = Nginx::start(directory)?;
    Some((server.url(), Box::new(server)))
}

#[test]
fn a_mirror_in_the_build_layout_passes_the_gate() {
    passes_check(&["--layout", "build"], &[], embedded);
    passes_check(&["--layout", "build"], &[], nginx);
}

#[test]
fn a_mirror_in_the_release_layout_passes_the_gate() {
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
    let ran = mirror(&server, dest.path(), &[&layout[..], &["-f", "iso"]].concat()).exits(0);
    assert!(ran.stderr.contains("meta.json was not copied"), "{}", ran.stderr);
    // A second run for another file adds to the first one's result.
    mirror(&server, dest.path(), &[&layout[..], &["-f", "raw.gz"]].concat()).exits(0);
    insta::assert_snapshot!(files_below(dest.path()).join("\n"));
    let directory = dest.path().join("x86_64/dependencies/rhcos/4.19").join(BUILD);
    insta::assert_snapshot!(fs::read_to_string(directory.join("sha256sum.txt")).unwrap());
    assert_eq!(fs::read_to_string(directory.join("rhcos-id.txt")).unwrap(), format!("{BUILD}\n"));
    assert_eq!(fs::metadata(directory.join(METAL)).unwrap().nlink(), 2, "a link, not a copy");
}

/// As in plume, which however changes the locations of artifacts excluded by `--artifact` too, to missing copies.
#[test]
fn the_options_of_plume_work_and_name_only_copied_files() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    let out = dest.path().join("out.json");
    let images = dest.path().join("images");
    Finished::of(
        program(&["mirror", "--src-file", document().to_str().unwrap(), "--dest", images.to_str().unwrap()])
            .args(["--dest-file", out.to_str().unwrap(), "--url", "http://host:8080/images"])
            .args([
                "--artifact",
                "metal",
                "--stream-prefix",
                &server.url(STORAGE),
                "--allow-private-addresses",
            ]),
    )
    .exits(0);
    let written = documents(&out).remove(0);
    for artifact in &written.artifacts {
        let is_metal = &*artifact.id.platform == "metal";
        let name = artifact.location.strip_prefix("http://host:8080/images/");
        assert_eq!(is_metal, name.is_some_and(|name| images.join(name).is_file()), "{}", artifact.location);
    }

    // Without --url, the document is copied unchanged.
    let out = dest.path().join("copy.json");
    mirror(&server, &images, &[&ONE[..], &["--dest-file", out.to_str().unwrap()]].concat()).exits(0);
    assert_eq!(fs::read(out).unwrap(), fs::read(document()).unwrap());

    // A platform that the document does not have is an error; plume succeeds and copies nothing.
    let ran = mirror(&server, &images, &["--artifact", "metall"]);
    assert_eq!((ran.status(), ran.stderr.contains("available: ")), (2, true), "{}", ran.all());
    let ran = mirror(&server, &images, &["-a", "metal"]);
    assert!(
        ran.status() == 2 && ran.stderr.contains("for plume's -a (a platform), pass --artifact"),
        "{}",
        ran.all()
    );
}

#[test]
fn a_mirror_in_the_streams_layout_passes_the_gate_without_a_version() {
    let streams = |directory: &Path| {
        let server = serve_below(directory, "streams");
        let base = server.url("/streams");
        assert_eq!(server.table().paths().iter().filter(|path| path.ends_with("/meta.json")).count(), 4);
        Some((base, Box::new(server) as Box<dyn std::any::Any>))
    };
    passes_check(&["--layout", "streams"], &[], streams);
}

#[test]
fn two_builds_do_not_share_a_directory() {
    let server = full_bridge();
    let root = tempfile::tempdir().unwrap();
    let other = root.path().join("other.json");
    fs::write(&other, fs::read_to_string(document()).unwrap().replace(BUILD, "419.96.202507010000-0"))
        .unwrap();
    let both = root.path().join("checkout/data/data/coreos");
    fs::create_dir_all(&both).unwrap();
    fs::copy(document(), both.join("rhel-9.json")).unwrap();
    fs::copy(&other, both.join("rhel-10.json")).unwrap();
    let dest = root.path().join("dest");
    let release = ["-a", "x86_64", "--layout", "release", "--release-version", "4.19.2"];
    let ran = mirror_of(&root.path().join("checkout"), &server, &dest, &release).exits(2);
    for part in [BUILD, "419.96.202507010000-0", "rhel-9.json", "rhel-10.json", "one stream at a time"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(!dest.exists());

    // If run one after the other, the second would destroy the first one's result.
    mirror(&server, &dest, &release).exits(0);
    let before: Vec<_> = files_below(&dest).iter().map(|file| fs::read(dest.join(file)).unwrap()).collect();
    let ran = mirror_of(&other, &server, &dest, &release).exits(2);
    assert!(ran.stderr.contains("rhcos-id.txt names build 419.96.202506171412-0"), "{}", ran.stderr);
    let after: Vec<_> = files_below(&dest).iter().map(|file| fs::read(dest.join(file)).unwrap()).collect();
    assert_eq!(before, after);
    let directory = dest.join("x86_64/dependencies/rhcos/4.19/4.19.2");
    let file = directory.join("rhcos-4.19.2-x86_64-metal.x86_64.raw.gz");

    // Damaged files of this build are replaced; files that could be another build's are not.
    fs::write(&file, "damaged").unwrap();
    assert_eq!(mirror(&server, &dest, &release).status(), 0);
    fs::write(&file, "damaged").unwrap();
    fs::remove_file(directory.join("sha256sum.txt")).unwrap();
    assert_eq!(mirror(&server, &dest, &release).status(), 2);
    assert_eq!(mirror(&server, &dest, &[&release[..], &["--replace"]].concat()).status(), 0);
    assert_eq!(fs::read(file).unwrap(), artifact_content(METAL));
}

#[test]
fn two_runs_cannot_write_to_a_directory_at_the_same_time() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    let below = dest.path().join("x86_64/dependencies/rhcos/4.19").join(BUILD);
    fs::create_dir_all(&below).unwrap();
    for directory in [dest.path(), &below] {
        let lock = fs::File::open(directory).unwrap();
        lock.lock().unwrap();
        let ran = mirror(&server, dest.path(), &[&ONE[..], &["--layout", "build"]].concat());
        assert_eq!(
            (ran.status(), ran.stderr.contains("another run is writing here")),
            (3, true),
            "{}",
            ran.all()
        );
    }
    assert_eq!(mirror(&server, dest.path(), &[&ONE[..], &["--layout", "build"]].concat()).status(), 0);
}

#[test]
fn a_dry_run_downloads_and_creates_nothing() {
    let server = full_bridge();
    let root = tempfile::tempdir().unwrap();
    let dest = root.path().join("dest");
    let ran = mirror(&server, &dest, &[&ONE[..], &["--dry-run"]].concat()).exits(0);
    assert!(ran.stdout.starts_with(&format!("{METAL} from http://")), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 file, 106 bytes to fetch"), "{}", ran.stdout);
    assert!(!dest.exists());
}

#[test]
fn insufficient_space_is_reported_before_the_first_download() {
    let server = full_bridge();
    let huge = Resource::synthetic(1, 1 << 60);
    server.put(&path_at_bridge(METAL), huge);
    let dest = tempfile::tempdir().unwrap();
    let ran = mirror(&server, dest.path(), &ONE).exits(2);
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
    mirror(&server, dest.path(), &ONE).exits(3);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_file(dest.path().join(METAL)).unwrap();
    std::os::unix::fs::symlink(&victim, dest.path().join(format!(".{METAL}.part"))).unwrap();
    mirror(&server, dest.path(), &ONE).exits(0);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn a_signature_of_an_earlier_list_is_reported() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    let layout = ["-a", "x86_64", "-p", "metal", "--layout", "build"];
    mirror(&server, dest.path(), &[&layout[..], &["-f", "iso"]].concat()).exits(0);
    let directory = dest.path().join("x86_64/dependencies/rhcos/4.19").join(BUILD);
    fs::write(directory.join("sha256sum.txt.gpg"), "a signature").unwrap();
    let ran = mirror(&server, dest.path(), &[&layout[..], &["-f", "iso"]].concat());
    assert!(!ran.stderr.contains("sign it again"), "the same list: {}", ran.stderr);
    let ran = mirror(&server, dest.path(), &[&layout[..], &["-f", "raw.gz"]].concat());
    assert!(ran.stderr.contains("sha256sum.txt.gpg signs an earlier sha256sum.txt"), "{}", ran.stderr);
}

#[test]
fn a_request_of_the_gate_needs_a_bridge_and_does_not_choose_the_host() {
    let server = full_bridge();
    let root = tempfile::tempdir().unwrap();
    let request = root.path().join("request.md");
    let location = format!("https://evil.example{}", path_at_bridge(METAL));
    let digest = embedded_mirror::hex_sha256(&artifact_content(METAL));
    fs::write(&request, format!("  x86_64, build {BUILD}\n    {location}\n      sha256 {digest}\n")).unwrap();
    let dest = root.path().join("web");
    let carry_out_request = |more: &[&str]| {
        let request = ["mirror", "--request", request.to_str().unwrap(), "--dest", dest.to_str().unwrap()];
        Finished::of(program(&request).args(["--allow-private-addresses", "--retries", "0"]).args(more))
    };
    let ran = carry_out_request(&[]);
    assert_eq!((ran.status(), ran.stderr.contains("pass --stream-prefix")), (2, true), "{}", ran.all());
    carry_out_request(&["--stream-prefix", &server.url(STORAGE)]).exits(0);
    let path = dest.join(&path_at_bridge(METAL)[1..]);
    assert_eq!(fs::read(path).unwrap(), artifact_content(METAL), "from the bridge, not the named host");
}
