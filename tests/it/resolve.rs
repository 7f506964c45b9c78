//! `resolve`, `rewrite` and the environment overrides, with the built binary.

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::handoff_support::run;
use crate::support::binary::{PROGRAM, program};
use crate::support::child::Watched;
use crate::support::ground::{files_below, real_checkouts, testdata};
use crate::support::server::{Server, file, published};
use crate::support::{Checkout, DEAD_PROXY, Finished, WATCHDOG};

const PREFIX: &str = "OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX";
const BOOTIMAGES: &str = "OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES";
const QEMU: &str = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/48.83.202102230316-0/rhcos-48.83.202102230316-0-qemu.x86_64.qcow2.gz";
const QEMU_AT_B: &str = "https://B/art/storage/releases/rhcos-4.8/48.83.202102230316-0/x86_64/rhcos-48.83.202102230316-0-qemu.x86_64.qcow2.gz";

fn run_with_input(arguments: &[&str], input: &[u8]) -> Finished {
    feed(&mut program(arguments), input)
}

/// The path of a file below `testdata/`, as an argument.
fn sample(path: &str) -> String {
    testdata(path).to_str().unwrap().to_owned()
}

fn feed(command: &mut Command, input: &[u8]) -> Finished {
    Watched::fed(command, Cursor::new(input.to_vec())).end(WATCHDOG).into()
}

#[track_caller]
fn assert_prints(output: &Finished, expected: &str) {
    assert_eq!((output.code, &*output.stdout), (Some(0), expected), "{}", output.stderr);
}

#[track_caller]
fn assert_refuses(output: &Finished, says: &str) {
    assert_eq!((output.code, &*output.stdout), (Some(2), ""), "{}", output.stderr);
    assert!(output.stderr.contains(says), "{}", output.stderr);
}

/// The real documents, if they are available.
fn corpus() -> Vec<PathBuf> {
    let checkouts = real_checkouts();
    let files = checkouts.iter().flat_map(|root| files_below(root).into_iter().map(|file| root.join(file)));
    let is_document = |path: &PathBuf| fs::read_to_string(path).unwrap().contains("\"architectures\"");
    let found: Vec<PathBuf> = files.filter(is_document).collect();
    assert_eq!(found.is_empty(), checkouts.is_empty());
    found
}

#[test]
fn the_table_of_the_contract() {
    let b = "https://B/art/storage/releases";
    let streams = "https://B/art/storage/prod/streams";
    let storage = "https://B/art/storage";
    let tail = "rhcos-4.11/411.85.202205101201-0/x86_64/rhcos-411.85.202205101201-0-live.x86_64.iso";
    let releases = format!("https://rhcos.mirror.openshift.com/art/storage/releases/{tail}");
    let new_tail = "4.14-9.2/builds/414.92.202306141028-0/x86_64/rhcos-414.92.202306141028-0-live.x86_64.iso";
    let new = format!("https://rhcos.mirror.openshift.com/art/storage/prod/streams/{new_tail}");
    let cases = [
        (QEMU, b, QEMU_AT_B.to_owned()),
        (
            "https://mirror.openshift.com/pub/openshift-v4/ppc64le/dependencies/rhcos/4.8/47.83.202102091015-0/rhcos-47.83.202102091015-0-openstack.ppc64le.qcow2.gz",
            b,
            format!(
                "{b}/rhcos-4.7-ppc64le/47.83.202102091015-0/ppc64le/rhcos-47.83.202102091015-0-openstack.ppc64le.qcow2.gz"
            ),
        ),
        (&releases, b, format!("{b}/{tail}")),
        (&releases, storage, format!("{storage}/releases/{tail}")),
        (&new, streams, format!("{streams}/{new_tail}")),
        (&new, storage, format!("{storage}/prod/streams/{new_tail}")),
        (
            &new,
            "http://[::1]:8080/art/storage/",
            format!("http://[::1]:8080/art/storage/prod/streams/{new_tail}"),
        ),
        (
            &releases,
            streams,
            format!(
                "{streams}/4.11/builds/411.85.202205101201-0/x86_64/rhcos-411.85.202205101201-0-live.x86_64.iso"
            ),
        ),
        (
            "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.13/413.86.202302150245-0/rhcos-413.86.202302150245-0-live.x86_64.iso",
            streams,
            format!(
                "{streams}/4.13/builds/413.86.202302150245-0/x86_64/rhcos-413.86.202302150245-0-live.x86_64.iso"
            ),
        ),
    ];
    for (url, prefix, place) in cases {
        assert_prints(&run(&["resolve", url, "--stream-prefix", prefix]), &format!("{place}\n"));
        assert_prints(&Finished::of(program(&["resolve", url]).env(PREFIX, prefix)), &format!("{place}\n"));
        assert_prints(&run(&["resolve", url]), &format!("{url}\n"));
    }
}

#[test]
fn a_url_by_release_is_resolved_with_the_build_in_its_document() {
    let url = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/4.8.2/rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz";
    let document = format!(
        r#"{{"stream": "rhcos-4.8", "architectures": {{"x86_64": {{"artifacts": {{"qemu": {{
            "release": "48.84.202107202156-0", "formats": {{"qcow2.gz": {{"disk": {{
            "location": "{url}", "sha256": "{}"}}}}}}}}}}}}}}}}"#,
        "ab".repeat(32)
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), document).unwrap();
    let place = "https://B/art/storage/releases/rhcos-4.8/48.84.202107202156-0/x86_64/rhcos-48.84.202107202156-0-qemu.x86_64.qcow2.gz\n";
    let source = file.path().to_str().unwrap();
    let prefix = "https://B/art/storage/releases";
    assert_prints(&run(&["resolve", "--source", source, "--stream-prefix", prefix]), place);
    assert_prints(&run(&["resolve", url, "--source", source, "--stream-prefix", prefix]), place);
    assert_refuses(&run(&["resolve", url, "--stream-prefix", prefix]), "does not say which build");
}

#[test]
fn the_query_of_an_install_configs_url_is_kept() {
    let source = &sample("checkout-2021");
    let args = ["resolve", "--source", source, "-a", "x86_64", "-p", "qemu"];
    let json = run(&[&args[..], &["--json"]].concat()).json();
    let [url, digest, inner] =
        ["url", "sha256", "uncompressed_sha256"].map(|key| json[key].as_str().unwrap().to_owned());
    let prefix = "https://B/art/storage/releases";
    let moved = run(&["resolve", &url, "--stream-prefix", prefix]);
    let moved = moved.stdout.trim();
    let other = "ab".repeat(32);
    for query in [
        format!("?sha256={inner}"),
        format!("?sha256={digest}"),
        format!("?sha256={}", inner.to_uppercase()),
        format!("?sha256={inner}&compressed-sha256={digest}"),
        "?sha256=".to_owned(),
        "?compressed-sha256=".to_owned(),
    ] {
        let text = format!("{url}{query}");
        assert_prints(&run(&["resolve", &text]), &format!("{text}\n"));
        assert_prints(&run(&["resolve", &text, "--stream-prefix", prefix]), &format!("{moved}{query}\n"));
        let with_source = ["resolve", &text, "--source", source, "--stream-prefix", prefix];
        assert_prints(&run(&with_source), &format!("{moved}{query}\n"));
        let with_checksum = run(&[&with_source[..], &["--with-checksum"]].concat());
        assert_prints(&with_checksum, &format!("{moved}?sha256={inner}\n"));
        let list = run_with_input(&["resolve", "-", "--stream-prefix", prefix], text.as_bytes());
        assert_prints(&list, &format!("{moved}{query}\n"));
    }
    for (query, says) in [
        (format!("?sha256={other}"), format!("its query names {other}")),
        (format!("?compressed-sha256={inner}"), format!("its query names {inner}")),
    ] {
        let text = format!("{url}{query}");
        assert_prints(&run(&["resolve", &text]), &format!("{text}\n"));
        assert_refuses(&run(&["resolve", &text, "--source", source]), &says);
    }
    for query in ["?sha256=12", "?sha512=", "?", "?sha256", "?sha256=#x"] {
        assert_refuses(&run(&["resolve", &format!("{url}{query}")]), "query");
    }
    let secret = run(&["resolve", "https://u:secret@h/x?y=1"]);
    assert_refuses(&secret, "query");
    assert!(!secret.stderr.contains("secret"));
}

#[test]
fn a_document_on_a_bridge_is_rewritten_to_published_locations_without_further_options() {
    for path in corpus() {
        let original = fs::read_to_string(&path).unwrap();
        let published = run(&["rewrite", path.to_str().unwrap(), "--to", "published"]).exits(0);
        let published = published.stdout;
        assert!(
            original.contains("art-rhcos.svc") || original.contains("redirector") || published == original
        );
        for bridge in
            ["releases-art-rhcos.svc.ci.openshift.org", "rhcos-redirector.apps.art.xq1c.p1.openshiftapps.com"]
        {
            for storage in ["art/storage", "art/storage/releases"] {
                let prefix = format!("https://{bridge}/{storage}");
                let to = ["rewrite", "-", "--to", "bridge", "--stream-prefix", &prefix];
                let there = run_with_input(&to, published.as_bytes());
                if storage.ends_with("releases") && there.code == Some(2) {
                    assert!(there.stderr.contains("releases layout"), "{}", there.stderr);
                    continue;
                }
                // The environment's bridge prefix does not matter for the way back.
                let mut back = program(&["rewrite", "-", "--to", "published"]);
                back.env(PREFIX, "nonsense");
                assert_prints(&feed(&mut back, there.stdout.as_bytes()), &published);
            }
        }
    }
    assert_refuses(
        &run(&["rewrite", "x", "--to", "published", "--mirror", "https://m/x"]),
        "takes no other location",
    );
}

#[test]
fn the_advice_for_a_location_on_a_bridge_works_as_it_is_printed() {
    let root = copy_of("checkout");
    let checkout = root.path().to_str().unwrap();
    let document = root.path().join("data/data/coreos/rhcos.json");
    let before = fs::read_to_string(&document).unwrap();
    let redirector = "https://rhcos-redirector.apps.art.xq1c.p1.openshiftapps.com/art/storage";
    let to_bridge =
        ["rewrite", document.to_str().unwrap(), "-i", "--to", "bridge", "--stream-prefix", redirector];
    assert_prints(&run(&to_bridge), "");
    assert_ne!(fs::read_to_string(&document).unwrap(), before);

    let check = ["check", checkout, "--published", "--output", "json", "-a", "x86_64", "--retries", "0"];
    let advice_of = |command: &mut Command| -> String {
        let output = Finished::of(command.env("HTTPS_PROXY", DEAD_PROXY)).exits(1);
        let report = output.json();
        let artifacts = report["artifacts"].as_array().unwrap();
        let moved = artifacts.iter().find(|artifact| artifact["reason"] == "not-published").unwrap();
        moved["advice"].as_str().unwrap().to_owned()
    };
    let advice = advice_of(&mut program(&check));
    let printed = advice.split('`').nth(1).unwrap();
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", printed]).env("PATH", Path::new(PROGRAM).parent().unwrap()).current_dir("/");
    let output = Finished::of(&mut shell);
    assert_eq!(output.code, Some(0), "{advice}: {}", output.stderr);
    assert_eq!(fs::read_to_string(&document).unwrap(), before);

    // A reader of the pull request has a checkout at another path.
    assert_prints(&run(&to_bridge), "");
    let mut in_prow = program(&check);
    in_prow.envs([("REPO_OWNER", "openshift"), ("REPO_NAME", "installer"), ("PULL_NUMBER", "1")]);
    let advice = advice_of(&mut in_prow);
    assert!(advice.ends_with("rewrite --to published --in-place data/data/coreos/rhcos.json`."), "{advice}");
}

#[test]
fn a_url_that_cannot_be_resolved_is_never_printed() {
    let cases = [
        (
            "https://mirror.openshift.com/some/other/file.iso",
            "https://mirror.openshift.com/some/other/file.iso",
        ),
        ("not a url", "not a url"),
        (
            "https://rhcos.mirror.openshift.com/art/storage/prod/streams/rhel-9.6/builds/9.6.20251015-1/x86_64/rhcos-9.6.20251015-1-live-iso.x86_64.iso",
            "has no location under",
        ),
        (
            "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/../4.8/48.83.202102230316-0/rhcos-48.83.202102230316-0-qemu.x86_64.qcow2.gz",
            "spelling",
        ),
        ("https://u:secret@mirror.openshift.com/x", "user name or password"),
    ];
    for (url, says) in cases {
        let output = run(&["resolve", url, "--stream-prefix", "https://b.example/art/storage/releases"]);
        assert_refuses(&output, says);
        assert!(!output.stderr.contains("secret"));
    }
    // If one URL cannot be resolved, none is printed.
    assert_refuses(
        &run(&["resolve", QEMU, "nonsense", "--stream-prefix", "https://b.example/x/releases"]),
        "nonsense",
    );
    let list = format!("{QEMU}\nnonsense\n\n{QEMU}\nmore nonsense\n");
    let output =
        run_with_input(&["resolve", "-", "--stream-prefix", "https://b.example/releases"], list.as_bytes());
    assert_refuses(&output, "line 2");
    assert!(output.stderr.contains("line 5"), "{}", output.stderr);
    assert_refuses(&run_with_input(&["resolve", "-"], b"\xff\xfe\n"), "line 1");
}

#[test]
fn many_urls_are_read_from_standard_input() {
    let list = format!("{QEMU}\n").repeat(2_000);
    let output = run_with_input(
        &["resolve", "-", "--stream-prefix", "https://B/art/storage/releases"],
        list.as_bytes(),
    );
    assert_prints(&output, &format!("{QEMU_AT_B}\n").repeat(2_000));

    let between = format!("\n  {QEMU}\r\n\n");
    let output = run_with_input(&["resolve", QEMU, "-", QEMU, "--json"], between.as_bytes());
    assert_eq!((output.code, output.stdout.lines().count()), (Some(0), 3), "{}", output.stderr);
    assert_refuses(&run_with_input(&["resolve", "-", "--source", "-"], b"{}"), "standard input");
}

#[test]
fn the_environment_variables_follow_the_contract() {
    let of_2021 = "https://releases-art-rhcos.svc.ci.openshift.org/art/storage/releases/rhcos-4.8/48.83.202102230316-0/x86_64/rhcos-48.83.202102230316-0-qemu.x86_64.qcow2.gz\n";
    let at_b = format!("{QEMU_AT_B}\n");
    let unchanged = format!("{QEMU}\n");
    let b = "https://B/art/storage/releases";
    let cases: [(&[(&str, &str)], &str); 7] = [
        (&[], &unchanged),
        (&[(PREFIX, "")], &unchanged),
        (&[(BOOTIMAGES, "1")], of_2021),
        (&[(BOOTIMAGES, "0")], &unchanged),
        (&[(BOOTIMAGES, "false")], &unchanged),
        (&[(BOOTIMAGES, "")], &unchanged),
        (&[(BOOTIMAGES, "1"), (PREFIX, b)], &at_b),
    ];
    for (environment, printed) in cases {
        let output = Finished::of(program(&["resolve", QEMU]).envs(environment.iter().copied()));
        assert_prints(&output, printed);
        let output =
            Finished::of(program(&["resolve", QEMU, "--published"]).envs(environment.iter().copied()));
        assert_prints(&output, &unchanged);
    }
    assert_prints(
        &Finished::of(program(&["resolve", QEMU, "--stream-prefix", ""]).env(BOOTIMAGES, "1")),
        of_2021,
    );
    let output = Finished::of(program(&["resolve", QEMU]).env(PREFIX, "ftp://b"));
    assert_refuses(&output, "OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX: ftp://b is not a prefix");
}

#[test]
fn json_and_checksums_come_from_the_document() {
    let source = &sample("checkout-2021");
    let args = ["resolve", "--source", source, "-a", "x86_64", "-p", "qemu"];
    let plain = run(&args);
    let url = plain.stdout.trim().to_owned();
    let json = run(&[&args[..], &["--json"]].concat());
    let place = json.json();
    assert_eq!(place["url"], url);
    assert_eq!(place["id"], "x86_64/qemu/qcow2.gz/disk");
    let inner = place["uncompressed_sha256"].as_str().unwrap();
    assert_ne!(place["sha256"], inner);
    assert_prints(&run(&[&args[..], &["--with-checksum"]].concat()), &format!("{url}?sha256={inner}\n"));
    assert_prints(
        &run(&["resolve", &url, "--source", source, "--with-checksum"]),
        &format!("{url}?sha256={inner}\n"),
    );
    assert_refuses(&run(&["resolve", &url, "--with-checksum"]), "its sha256 is unknown");
}

#[test]
fn a_filter_that_matches_nothing_lists_what_exists() {
    let args = ["resolve", "--source", &sample("checkout-2021")];
    assert_refuses(
        &run(&[&args[..], &["-p", "qmeu"]].concat()),
        "no artifact has the platform \"qmeu\"; available: ",
    );
    assert_refuses(
        &run(&[&args[..], &["-p", "qemu", "-f", "iso"]].concat()),
        "no artifact matches all filters",
    );
}

/// The keys of all values that differ between two JSON texts of the same structure.
fn differences(before: &str, after: &str) -> BTreeSet<String> {
    fn walk(path: &str, before: &serde_json::Value, after: &serde_json::Value, found: &mut BTreeSet<String>) {
        match (before, after) {
            (serde_json::Value::Object(before), serde_json::Value::Object(after)) => {
                assert!(before.keys().eq(after.keys()));
                for (key, value) in before {
                    walk(&format!("{path}/{key}"), value, &after[key], found);
                }
            }
            _ if before != after => {
                found.insert(path.rsplit('/').next().unwrap().to_owned());
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    walk("", &serde_json::from_str(before).unwrap(), &serde_json::from_str(after).unwrap(), &mut found);
    found
}

#[test]
fn rewriting_real_documents_changes_their_urls_and_no_other_byte() {
    for path in corpus() {
        let name = path.to_str().unwrap();
        let original = fs::read_to_string(&path).unwrap();
        let moved =
            run(&["rewrite", name, "--stream-prefix", "https://bridge.example/deep/art/storage"]).exits(0);
        let moved = moved.stdout;
        assert!(
            differences(&original, &moved).iter().all(|key| key == "location" || key == "signature"),
            "{name}"
        );
        // Only lines with URLs differ.
        assert_eq!(original.split('\n').count(), moved.split('\n').count());
        for (before, after) in original.split('\n').zip(moved.split('\n')) {
            assert!(before == after || before.contains("https://"), "{name}: {before}");
        }
        // Moving it to the same place changes nothing; moving it back restores it, if its URLs had one prefix.
        let to = ["rewrite", "-", "--stream-prefix", "https://bridge.example/deep/art/storage"];
        assert_prints(&run_with_input(&to, moved.as_bytes()), &moved);
        for host in ["rhcos.mirror.openshift.com", "rhcos-redirector.apps.art.xq1c.p1.openshiftapps.com"] {
            let home = format!("https://{host}/art/storage");
            if !original.contains(&home)
                || original.matches("/art/storage/").count() != original.matches(&home).count()
            {
                continue;
            }
            let back = run_with_input(&["rewrite", "-", "--stream-prefix", &home], moved.as_bytes());
            assert_prints(&back, &original);
        }
        let flat = run(&["rewrite", name, "--base-url", "http://127.0.0.1:8080/images"]).exits(0);
        assert_eq!(
            flat.stdout.matches("\"http://127.0.0.1:8080/images/").count(),
            original.matches("\"location\"").count() + original.matches("\"signature\"").count()
        );
    }
}

/// A copy of a checkout below `testdata/`.
fn copy_of(directory: &str) -> Checkout {
    let files = files_below(&testdata(directory));
    let read = |file: &str| fs::read(testdata(directory).join(file)).unwrap();
    files.iter().fold(Checkout::empty(), |copy, file| copy.file(file, read(file)))
}

#[test]
fn in_place_changes_every_document_of_a_checkout_or_none() {
    let root = copy_of("checkout");
    let path = root.path().join("data/data/coreos/rhcos.json");
    let other = root.path().join("data/data/coreos/scos.json");
    let (before, scos) = (fs::read_to_string(&path).unwrap(), fs::read_to_string(&other).unwrap());
    let checkout = root.path().to_str().unwrap();

    assert_refuses(&run(&["rewrite", checkout, "--base-url", "http://h"]), "; name one, or change all");
    // scos builds have no location on the public mirror, so nothing is changed.
    assert_refuses(&run(&["rewrite", checkout, "--to", "mirror", "--in-place"]), "scos");
    assert_eq!(fs::read_to_string(&path).unwrap(), before);

    let to = [
        "rewrite",
        checkout,
        "--to",
        "bridge",
        "--stream-prefix",
        "https://b.example/art/storage",
        "--in-place",
    ];
    assert_prints(&run(&to), "");
    let after = fs::read_to_string(&path).unwrap();
    assert_eq!(after, before.replace("https://rhcos.mirror.openshift.com/", "https://b.example/"));
    assert_ne!(fs::read_to_string(&other).unwrap(), scos);
    let left: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "no temporary file stays: {left:?}");
}

#[test]
fn rewrite_says_what_is_missing() {
    let file = &sample("checkout/data/data/coreos/rhcos.json");
    assert_refuses(&run(&["rewrite", file]), "nowhere to move URLs to");
    assert_refuses(&run(&["rewrite", file, "--to", "bridge"]), "--to bridge needs the bridge's prefix");
    assert_refuses(&run(&["rewrite", "-", "--in-place", "--base-url", "http://h"]), "-");
    assert_refuses(
        &run(&["rewrite", &sample("faulty/malformed.json"), "--base-url", "http://h"]),
        "malformed",
    );
    assert_refuses(&run(&["rewrite", "/nonexistent", "--base-url", "http://h"]), "/nonexistent");
}

/// A server that has the files of the bundled checkout in the streams layout below `/art/storage`.
fn bridge() -> Server {
    let server = Server::start();
    let places =
        run(&["resolve", "--source", &sample("checkout"), "--stream-prefix", &server.url("/art/storage")]);
    for place in places.exits(0).stdout.lines() {
        server.put(place, published(place.rsplit('/').next().unwrap()));
    }
    server
}

#[test]
fn a_check_of_the_bridge_says_that_it_is_not_a_check_of_the_mirror() {
    let server = bridge();
    let prefix = server.url("/art/storage");
    let check = ["check", &sample("checkout"), "--allow-private-addresses", "--retries", "0"];
    let output = Finished::of(program(&check).env(PREFIX, &prefix)).exits(0);
    let first = output.stdout.lines().next().unwrap();
    assert!(first.starts_with("target: BRIDGE, NOT THE MIRROR: "), "{first}");
    assert!(output.stdout.contains(&format!("{PREFIX} asks for the bridge at {prefix}")));

    let json = run(&[&check[..], &["--output", "json", "--stream-prefix", &prefix]].concat());
    let report = json.json();
    assert_eq!(report["target"]["kind"], "bridge");
    assert_eq!(report["target"]["prefix"], prefix);
    assert_eq!(report["verdict"], "pass");
    let artifact = &report["artifacts"][0];
    assert!(artifact["url"].as_str().unwrap().starts_with(&prefix));
    assert!(artifact["location"].as_str().unwrap().starts_with("https://rhcos.mirror.openshift.com/"));

    // A leaked override can't make the gate pass: the real host is requested, and can't be reached here.
    let asked = server.request_count();
    let mut published = program(&[&check[..], &["--published"]].concat());
    let output = Finished::of(published.env(PREFIX, &prefix).env("HTTPS_PROXY", DEAD_PROXY)).exits(3);
    assert!(output.stdout.contains(&format!("{PREFIX} is set but ignored because of --published")));
    assert_eq!(server.request_count(), asked);
}

#[test]
fn a_check_of_a_mirror_requests_the_files_there() {
    let server = bridge();
    let base = server.url("/art/storage");
    let check =
        ["check", &sample("checkout"), "--allow-private-addresses", "--retries", "0", "--output", "json"];
    let output = run(&[&check[..], &["--mirror", &base]].concat());
    let report = output.json();
    assert_eq!((&report["verdict"], &report["target"]["kind"]), (&"pass".into(), &"mirror".into()));

    // A base in the public mirror's layout has no location for scos builds, which is reported once.
    let at =
        |more: &[&str]| run(&[&check[..], &["--mirror", &server.url("/pub/openshift-v4")], more].concat());
    assert_refuses(
        &at(&[]),
        "has no location for data/data/coreos/scos.json: the public mirror's layout (`dependencies/rhcos`) \
         holds only rhcos, not scos; choose the others with --stream rhcos-4.19",
    );
    let output = at(&["--stream", "rhcos-4.19"]).exits(1);
    let report = output.json();
    let mut reasons = report["artifacts"].as_array().unwrap().iter().map(|artifact| &artifact["reason"]);
    assert!(reasons.all(|reason| reason == "missing"), "{report:#}");
    assert_refuses(&run(&["check", &sample("checkout"), "--pre-release"]), "require --mirror");
}

#[test]
fn a_check_of_a_mirror_takes_sizes_from_the_bridge() {
    let server = bridge();
    let elsewhere = Server::start();
    let check = [
        "check",
        &sample("checkout"),
        "-a",
        "x86_64",
        "-p",
        "gcp",
        "--allow-private-addresses",
        "--retries",
        "0",
        "--output",
        "json",
        "--verify",
        "exists",
    ];
    let place = run(&[
        "resolve",
        "--source",
        &sample("checkout"),
        "-a",
        "x86_64",
        "-p",
        "gcp",
        "--stream-prefix",
        &elsewhere.url("/art/storage"),
    ]);
    elsewhere.put(place.stdout.trim(), file("too short"));
    let both = ["--mirror", &elsewhere.url("/art/storage"), "--stream-prefix", &server.url("/art/storage")];
    let output = run(&[&check[..], &both].concat());
    let report = output.json();
    assert_eq!(report["artifacts"][0]["reason"], "size-mismatch");
    assert_eq!(report["artifacts"][0]["size"]["expected_from"], "bridge");
}
