//! `mirror` from a bridge on loopback, and checks of what it wrote, served again.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail as tests do")]

mod handoff_support;
mod support;

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use embedded_mirror::{Behaviour, Config, Connections, Mirror, Resource, artifact_content};
use handoff_support::{
    Finished, Nginx, STORAGE, bridge, documents, files_below, program, put, serve, serve_below, testdata,
};
use serde_json::Value;

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

fn mirror(server: &Mirror, dest: &Path, more: &[&str]) -> Finished {
    Finished::of(
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
    assert_eq!(ran.status(), 0, "{}", ran.all());
    let names = files_below(dest.path());
    assert_eq!(names.len(), 13, "nothing but the files: {names:?}");
    assert_eq!(fs::read(dest.path().join(METAL)).unwrap(), artifact_content(METAL));

    // As many bytes as there should be, but not those.
    let wrong = vec![0; artifact_content(METAL).len()];
    fs::write(dest.path().join(METAL), wrong).unwrap();
    server.forget();
    let ran = mirror(&server, dest.path(), &["-a", "x86_64"]);
    assert_eq!(ran.status(), 0, "{}", ran.all());
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
    assert_eq!(ran.status(), 1, "{}", ran.all());
    assert!(ran.stdout.contains("its server has other bytes: sha256"), "{}", ran.stdout);
    assert_eq!(files_below(dest.path()), Vec::<String>::new());

    server.remove(&path_at_bridge(METAL));
    assert_eq!(mirror(&server, dest.path(), &ONE).status(), 1);
    server.set_connections(Connections::Reset);
    assert_eq!(mirror(&server, dest.path(), &ONE).status(), 3);
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
    assert_eq!(ran.status(), 0, "{}", ran.all());
    assert_eq!(fs::read(dest.path().join(METAL)).unwrap(), content);

    // All of present, and only the name is missing.
    fs::rename(dest.path().join(METAL), &part).unwrap();
    server.forget();
    assert_eq!(mirror(&server, dest.path(), &ONE).status(), 0);
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
    assert_eq!(ran.status(), 0, "{}", ran.all());
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
    assert_eq!((ran.status(), ran.stderr.as_str()), (0, ""), "{}", ran.all());
    let Some((base, _server)) = serve(dest.path()) else { return };
    let ran = Finished::of(
        program(&["check", document().to_str().unwrap(), "--mirror", &base, "--verify", "published"])
            .args(["--allow-private-addresses"])
            .args(check),
    );
    assert_eq!(ran.status(), 0, "{}", ran.all());
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
    assert_eq!(ran.status(), 0, "{}", ran.all());
    assert!(ran.stderr.contains("meta.json was not copied"), "{}", ran.stderr);
    // A second run for another file adds to what the first one wrote.
    let ran = mirror(&server, dest.path(), &[&layout[..], &["-f", "raw.gz"]].concat());
    assert_eq!(ran.status(), 0, "{}", ran.all());
    insta::assert_snapshot!(files_below(dest.path()).join("\n"));
    let directory = dest.path().join("x86_64/dependencies/rhcos/4.19").join(BUILD);
    insta::assert_snapshot!(fs::read_to_string(directory.join("sha256sum.txt")).unwrap());
    assert_eq!(fs::read_to_string(directory.join("rhcos-id.txt")).unwrap(), format!("{BUILD}\n"));
    assert_eq!(fs::metadata(directory.join(METAL)).unwrap().nlink(), 2, "a link, no copy");
}

/// As plume does, but for the locations of what `--artifact` left out: plume points them at copies that are missing.
#[test]
fn plumes_options_do_what_they_do_there_and_name_only_what_was_copied() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    let out = dest.path().join("out.json");
    let images = dest.path().join("images");
    let ran = Finished::of(
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
    assert_eq!(ran.status(), 0, "{}", ran.all());
    let written = documents(&out).remove(0);
    for artifact in &written.artifacts {
        let is_metal = &*artifact.id.platform == "metal";
        let name = artifact.location.strip_prefix("http://host:8080/images/");
        assert_eq!(is_metal, name.is_some_and(|name| images.join(name).is_file()), "{}", artifact.location);
    }

    // Without --url the document is copied as it is.
    let out = dest.path().join("copy.json");
    let ran = mirror(&server, &images, &[&ONE[..], &["--dest-file", out.to_str().unwrap()]].concat());
    assert_eq!(ran.status(), 0, "{}", ran.all());
    assert_eq!(fs::read(out).unwrap(), fs::read(document()).unwrap());

    // Nothing is copied where the document has no such artifact; plume succeeds with nothing.
    let ran = mirror(&server, &images, &["--artifact", "metall"]);
    assert_eq!((ran.status(), ran.stderr.contains("there are: ")), (2, true), "{}", ran.all());
    let ran = mirror(&server, &images, &["-a", "metal"]);
    assert!(
        ran.status() == 2 && ran.stderr.contains("for plume's -a, a platform, pass --artifact"),
        "{}",
        ran.all()
    );
}

#[test]
fn what_was_mirrored_in_the_streams_layout_passes_the_gate_without_a_version() {
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
    let ran = mirror_of(&root.path().join("checkout"), &server, &dest, &release);
    assert_eq!(ran.status(), 2, "{}", ran.all());
    for part in [BUILD, "419.96.202507010000-0", "rhel-9.json", "rhel-10.json", "one stream at a time"] {
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
    }
    assert!(!dest.exists());

    // One after the other, the second would destroy what the first one wrote.
    let ran = mirror(&server, &dest, &release);
    assert_eq!(ran.status(), 0, "{}", ran.all());
    let before: Vec<_> = files_below(&dest).iter().map(|file| fs::read(dest.join(file)).unwrap()).collect();
    let ran = mirror_of(&other, &server, &dest, &release);
    assert_eq!(ran.status(), 2, "{}", ran.all());
    assert!(ran.stderr.contains("rhcos-id.txt names build 419.96.202506171412-0"), "{}", ran.stderr);
    let after: Vec<_> = files_below(&dest).iter().map(|file| fs::read(dest.join(file)).unwrap()).collect();
    assert_eq!(before, after);
    let directory = dest.join("x86_64/dependencies/rhcos/4.19/4.19.2");
    let file = directory.join("rhcos-4.19.2-x86_64-metal.x86_64.raw.gz");

    // What should be right is replaced, what nobody can tell from another build's is not.
    fs::write(&file, "damaged").unwrap();
    assert_eq!(mirror(&server, &dest, &release).status(), 0);
    fs::write(&file, "damaged").unwrap();
    fs::remove_file(directory.join("sha256sum.txt")).unwrap();
    assert_eq!(mirror(&server, &dest, &release).status(), 2);
    assert_eq!(mirror(&server, &dest, &[&release[..], &["--replace"]].concat()).status(), 0);
    assert_eq!(fs::read(file).unwrap(), artifact_content(METAL));
}

#[test]
fn two_runs_do_not_write_to_one_directory_at_a_time() {
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
fn a_dry_run_fetches_nothing_and_makes_nothing() {
    let server = full_bridge();
    let root = tempfile::tempdir().unwrap();
    let dest = root.path().join("dest");
    let ran = mirror(&server, &dest, &[&ONE[..], &["--dry-run"]].concat());
    assert_eq!(ran.status(), 0, "{}", ran.all());
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
    assert_eq!(ran.status(), 2, "{}", ran.all());
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
    assert_eq!(ran.status(), 3, "{}", ran.all());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    fs::remove_file(dest.path().join(METAL)).unwrap();
    std::os::unix::fs::symlink(&victim, dest.path().join(format!(".{METAL}.part"))).unwrap();
    let ran = mirror(&server, dest.path(), &ONE);
    assert_eq!(ran.status(), 0, "{}", ran.all());
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

/// The document, with a signature for each artifact of `x86_64`: where `at` says it is, by the artifact's location.
fn signed_document(directory: &Path, at: impl Fn(&str) -> String) -> PathBuf {
    let mut document: Value = serde_json::from_str(&fs::read_to_string(document()).unwrap()).unwrap();
    let platforms = document["architectures"]["x86_64"]["artifacts"].as_object_mut().unwrap();
    for platform in platforms.values_mut() {
        for format in platform["formats"].as_object_mut().unwrap().values_mut() {
            for component in format.as_object_mut().unwrap().values_mut() {
                component["signature"] = at(component["location"].as_str().unwrap()).into();
            }
        }
    }
    let path = directory.join("signed.json");
    fs::write(&path, document.to_string()).unwrap();
    path
}

fn mirror_of(document: &Path, server: &Mirror, dest: &Path, more: &[&str]) -> Finished {
    let ran = ["mirror", document.to_str().unwrap(), "--dest", dest.to_str().unwrap()];
    let prefix = server.url(STORAGE);
    let bridge = ["--stream-prefix", &prefix, "--allow-private-addresses", "--retries", "0"];
    Finished::of(program(&ran).args(bridge).args(more))
}

fn beside(location: &str) -> String {
    format!("{location}.sig")
}

#[test]
fn signatures_are_copied_beside_their_files_and_pass_the_gate() {
    let server = full_bridge();
    let root = tempfile::tempdir().unwrap();
    let document = signed_document(root.path(), beside);
    for artifact in &documents(&document)[0].artifacts {
        if artifact.signature.is_some() {
            let name = artifact.location.rsplit('/').next().unwrap();
            server.put(&path_at_bridge(&beside(name)), Resource::bytes(format!("signs {name}")));
        }
    }
    let dest = root.path().join("web");
    let layout = ["-a", "x86_64", "--layout", "build"];
    let ran = mirror_of(&document, &server, &dest, &layout);
    assert_eq!(ran.status(), 0, "{}", ran.all());
    let directory = dest.join("x86_64/dependencies/rhcos/4.19").join(BUILD);
    let signature = directory.join(beside(METAL));
    assert_eq!(fs::read_to_string(&signature).unwrap(), format!("signs {METAL}"));
    let web = serve(&dest);
    let check = |more: &[&str]| {
        let base = web.url("");
        let gate = ["check", document.to_str().unwrap(), "-a", "x86_64", "--mirror", &base];
        Finished::of(program(&gate).args(["--allow-private-addresses", "--verify", "published"]).args(more))
    };
    let ran = check(&["--signatures", "require"]);
    assert_eq!(ran.status(), 0, "{}", ran.all());
    web.remove(&format!("/x86_64/dependencies/rhcos/4.19/{BUILD}/{}", beside(METAL)));
    assert_eq!(check(&["--signatures", "require"]).status(), 1, "the test can fail");

    // The next run keeps what is right still, and replaces what was signed anew.
    server.put(&path_at_bridge(&beside(METAL)), Resource::bytes("signs it anew"));
    let ran = mirror_of(&document, &server, &dest, &layout);
    assert_eq!((ran.status(), ran.stdout.matches("kept ").count()), (0, 25), "{}", ran.all());
    assert!(ran.stdout.contains("replaced "), "{}", ran.all());
    assert_eq!(fs::read_to_string(&signature).unwrap(), "signs it anew");
    assert!(!files_below(&dest).iter().any(|name| name.contains("/.")));

    // A document of the copies names those of the signatures too.
    let (flat, out) = (root.path().join("flat"), root.path().join("out.json"));
    let urls = ["--url", "http://host/images", "--dest-file", out.to_str().unwrap()];
    let ran = mirror_of(&document, &server, &flat, &[&ONE[..], &urls].concat());
    assert_eq!(ran.status(), 0, "{}", ran.all());
    let written = documents(&out).remove(0);
    let copied = written.artifacts.iter().find(|artifact| artifact.location.ends_with(METAL)).unwrap();
    assert_eq!(copied.signature.as_deref(), Some(format!("http://host/images/{METAL}.sig").as_str()));
    assert!(flat.join(beside(METAL)).is_file());
}

#[test]
fn a_signature_that_was_never_published_is_said_and_no_fault() {
    let server = full_bridge();
    let root = tempfile::tempdir().unwrap();
    let document = signed_document(root.path(), beside);
    let dest = root.path().join("dest");
    let dry = mirror_of(&document, &server, &dest, &[&ONE[..], &["--dry-run"]].concat());
    assert!(dry.stdout.contains(&format!("\n{METAL}.sig from http://")), "{}", dry.all());
    assert!(!dest.exists());
    let ran = mirror_of(&document, &server, &dest, &ONE);
    assert_eq!(ran.status(), 0, "{}", ran.all());
    let said =
        format!("unsigned {METAL}.sig: x86_64/metal/raw.gz/disk: it is missing: the server answered 404");
    assert!(ran.stdout.contains(&said), "{}", ran.stdout);
    assert_eq!(files_below(&dest), [METAL]);
    let json = |more: &str| {
        mirror_of(&document, &server, &dest, &[&ONE[..], &["--output", "json", more]].concat()).json()
    };
    let (planned, done) = (json("--dry-run"), json("--quiet"));
    let of = |json: &Value| json[0]["result"].as_str().unwrap().to_owned();
    assert_eq!((of(&planned), of(&done)), ("planned".to_owned(), "kept".to_owned()));
    assert_eq!(done[0]["signature"]["result"], "failed", "{done}");
    // Nobody knows whether there is one.
    server.put(&path_at_bridge(&beside(METAL)), Resource::bytes("x").behaves(Behaviour::status(503)));
    assert_eq!(mirror_of(&document, &server, &dest, &ONE).status(), 3);
}

#[test]
fn a_signature_without_end_is_not_taken() {
    let server = full_bridge();
    let root = tempfile::tempdir().unwrap();
    let document = signed_document(root.path(), beside);
    server.put(&path_at_bridge(&beside(METAL)), Resource::synthetic(1, 1 << 40));
    let dest = root.path().join("dest");
    let ran = mirror_of(&document, &server, &dest, &ONE);
    assert_eq!(ran.status(), 3, "{}", ran.all());
    assert!(ran.stdout.contains("after 65536 bytes, the most that it can have"), "{}", ran.stdout);
    assert_eq!(files_below(&dest), [METAL], "nothing is left of it");
}

#[test]
fn a_signature_that_is_elsewhere_is_refused() {
    let server = full_bridge();
    let evil = Mirror::start(Config::plain()).unwrap();
    let root = tempfile::tempdir().unwrap();
    // On a bridge every place follows from the bridge; whatever has none is refused before anything is fetched.
    let hostile = [
        evil.url("/f.sig"),
        "https://mirror.openshift.com/..%2f..%2f..%2fetc%2fpasswd".to_owned(),
        "file:///etc/passwd".to_owned(),
        format!(
            "https://mirror.openshift.com/pub/openshift-v4/s390x/dependencies/rhcos/4.19/{BUILD}/{METAL}.sig"
        ),
    ];
    for (number, signature) in hostile.iter().enumerate() {
        let directory = root.path().join(number.to_string());
        fs::create_dir(&directory).unwrap();
        let document = signed_document(&directory, |_| signature.clone());
        let dest = directory.join("dest");
        let ran = mirror_of(&document, &server, &dest, &[&ONE[..], &["--layout", "build"]].concat());
        assert_eq!(ran.status(), 2, "{signature}: {}", ran.all());
        assert!(!dest.exists());
    }
    // From the literal locations, another host may not be asked.
    let metal = artifact_content(METAL);
    let file = server.url(&format!("/{METAL}"));
    server.put(&format!("/{METAL}"), Resource::bytes(metal));
    let document = signed_document(root.path(), |_| evil.url(&format!("/{METAL}.sig")));
    let text = fs::read_to_string(&document).unwrap();
    let named = documents(&document).remove(0).artifacts;
    let named = named.iter().find(|artifact| artifact.location.ends_with(METAL)).unwrap();
    fs::write(&document, text.replace(&named.location, &file)).unwrap();
    let dest = root.path().join("dest");
    let ran = Finished::of(
        program(&["mirror", document.to_str().unwrap(), "--dest", dest.to_str().unwrap()])
            .args(["--allow-host", &server.addr().to_string(), "--allow-private-addresses"])
            .args(ONE),
    );
    assert_eq!(ran.status(), 1, "{}", ran.all());
    assert!(ran.stdout.contains(&format!("FAIL {METAL}.sig: ")), "{}", ran.stdout);
    assert_eq!(evil.request_count(), 0);
    assert_eq!(files_below(&dest), [METAL], "the file itself is right, and kept");
}

#[test]
fn a_list_that_was_signed_before_it_changed_is_to_be_signed_again() {
    let server = full_bridge();
    let dest = tempfile::tempdir().unwrap();
    let layout = ["-a", "x86_64", "-p", "metal", "--layout", "build"];
    let ran = mirror(&server, dest.path(), &[&layout[..], &["-f", "iso"]].concat());
    assert_eq!(ran.status(), 0, "{}", ran.all());
    let directory = dest.path().join("x86_64/dependencies/rhcos/4.19").join(BUILD);
    fs::write(directory.join("sha256sum.txt.gpg"), "a signature").unwrap();
    let ran = mirror(&server, dest.path(), &[&layout[..], &["-f", "iso"]].concat());
    assert!(!ran.stderr.contains("sign it again"), "the same list: {}", ran.stderr);
    let ran = mirror(&server, dest.path(), &[&layout[..], &["-f", "raw.gz"]].concat());
    assert!(ran.stderr.contains("sha256sum.txt.gpg signs an earlier sha256sum.txt"), "{}", ran.stderr);
}

#[test]
fn the_gates_request_needs_a_bridge_and_chooses_no_host() {
    let server = full_bridge();
    let root = tempfile::tempdir().unwrap();
    let request = root.path().join("request.md");
    let location = format!("https://evil.example{}", path_at_bridge(METAL));
    let digest = embedded_mirror::hex_sha256(&artifact_content(METAL));
    fs::write(&request, format!("  x86_64, build {BUILD}\n    {location}\n      sha256 {digest}\n")).unwrap();
    let dest = root.path().join("web");
    let carry_out = |more: &[&str]| {
        let request = ["mirror", "--request", request.to_str().unwrap(), "--dest", dest.to_str().unwrap()];
        Finished::of(program(&request).args(["--allow-private-addresses", "--retries", "0"]).args(more))
    };
    let ran = carry_out(&[]);
    assert_eq!((ran.status(), ran.stderr.contains("pass --stream-prefix")), (2, true), "{}", ran.all());
    let ran = carry_out(&["--stream-prefix", &server.url(STORAGE)]);
    assert_eq!(ran.status(), 0, "{}", ran.all());
    let path = dest.join(&path_at_bridge(METAL)[1..]);
    assert_eq!(fs::read(path).unwrap(), artifact_content(METAL), "from the bridge, whatever the host was");
}
