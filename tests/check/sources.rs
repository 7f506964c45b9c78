//! Every kind of SOURCE, the filters, and unusable documents.

use std::path::Path;

use embedded_mirror::{Config, Mirror, Proxy, ProxyConfig, Resource};
use serde_json::{Value, json};

use crate::support::ground::{corpus, files_below, testdata};
use crate::support::world::{CDN, CaFile, MIRROR, World};
use crate::support::{Checkout, Program, Stream, check, check_checkout, component};

/// Serves every artifact of a document at its location, and returns their number.
fn mirror_all(mirror: &Mirror, document: &Path) -> usize {
    let text = std::fs::read_to_string(document).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let locations = locations(&document);
    for location in &locations {
        let name = location.rsplit('/').next().unwrap();
        mirror.put(location, Resource::artifact(name).repr_digest());
    }
    locations.len()
}

/// The locations in a stream document, found independently of the program's parser.
fn locations(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) if fields.contains_key("location") && fields.contains_key("sha256") => {
            vec![fields["location"].as_str().unwrap().to_owned()]
        }
        Value::Object(fields) => fields.values().flat_map(locations).collect(),
        _ => vec![],
    }
}

#[test]
fn the_documents_of_a_checkout_are_found_and_checked() {
    let world = World::start();
    let root = testdata("checkout");
    let count = mirror_all(&world.cdn, &root.join("data/data/coreos/rhcos.json"))
        + mirror_all(&world.cdn, &root.join("data/data/coreos/scos.json"));
    assert_eq!(count, 23);
    let finished = world.check_source(&root).run().exits(0);
    for line in [
        "document: data/data/coreos/rhcos.json, 21 artifacts\n",
        "document: data/data/coreos/scos.json, 2 artifacts\n",
        "skipped: data/data/coreos/marketplace/rhcos.json: not stream metadata: it has no `architectures`\n",
        "\nPASS data/data/coreos/scos.json:x86_64/metal/iso/disk\n",
        "\npass: 23 artifacts: 23 passed, 0 failed, 0 undetermined",
    ] {
        assert!(finished.stdout.contains(line), "{line}\n{}", finished.stdout);
    }

    // The default source is the current directory.
    let program = Program::new("check").arg("--ca-file").arg(world.ca.path()).args(["--output", "json"]);
    let program = program.env("HTTPS_PROXY", world.proxy.url()).in_directory(&root);
    assert_eq!(program.run().exits(0).report().counts(), [23, 0, 0]);
}

#[test]
fn a_checkout_of_2021_has_its_sizes_in_legacy_metadata() {
    let world = World::start();
    let root = testdata("checkout-2021");
    assert_eq!(mirror_all(&world.cdn, &root.join("data/data/rhcos-stream.json")), 10);
    let program = world.check_source(&root).args(["--output", "json"]);
    let finished = program.run();
    let report = finished.report();
    let sizes = report.0["artifacts"].as_array().unwrap().iter().map(|it| &it["size"]["expected_from"]);
    assert_eq!(sizes.filter(|from| **from == "legacy").count(), 5);
    // Missing signatures are warnings; artifacts on the bridge are failures.
    assert!(report.0["summary"]["warnings"].as_u64() > Some(0));
    let bridged =
        report.0["artifacts"].as_array().unwrap().iter().filter(|it| it["reason"] == "not-published");
    let [_, failed, undetermined] = report.counts();
    assert_eq!((bridged.count() as u64, undetermined), (failed, 0));
    assert_eq!(finished.code, Some(i32::from(failed > 0)));
}

#[test]
fn a_document_comes_from_a_file_standard_input_or_the_web() {
    let world = World::start();
    let manifest = std::fs::read(testdata("configmap.json")).unwrap();
    let yaml = std::fs::read(testdata("configmap.yaml")).unwrap();
    let manifest_value: Value = serde_json::from_slice(&manifest).unwrap();
    let stream = manifest_value["data"]["stream"].as_str().unwrap().to_owned();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stream.json");
    std::fs::write(&file, &stream).unwrap();
    assert_eq!(mirror_all(&world.cdn, &file), 2);
    let path = "/pub/openshift-v4/x86_64/dependencies/rhcos-4.19.json";
    world.mirror.put(path, Resource::bytes(stream.clone()));
    let url = format!("https://{MIRROR}{path}");

    let stdin = |bytes: Vec<u8>| world.check_source("-").stdin(bytes);
    for (name, program) in [
        (file.display().to_string(), world.check_source(&file)),
        (testdata("configmap.json").display().to_string(), world.check_source(testdata("configmap.json"))),
        (testdata("configmap.yaml").display().to_string(), world.check_source(testdata("configmap.yaml"))),
        ("-".to_owned(), stdin(stream.into_bytes())),
        ("-".to_owned(), stdin(manifest)),
        ("-".to_owned(), stdin(yaml)),
        (url.clone(), world.check_source(&url)),
    ] {
        let report = program.args(["--output", "json"]).run().exits(0).report();
        assert_eq!(report.counts(), [2, 0, 0], "{name}");
        assert_eq!(report.artifact("x86_64/metal/iso/disk")["document"], name);
    }

    // With several documents, IDs begin with the document.
    let program = world.check_source(&file).arg(&url).args(["--output", "json"]);
    let report = program.run().exits(0).report();
    assert_eq!(report.counts(), [4, 0, 0]);
    report.artifact(&format!("{url}:x86_64/metal/iso/disk"));
}

#[test]
fn the_same_rules_apply_to_the_url_of_a_document() {
    let mirror = Mirror::start(Config::tls_http2()).unwrap();
    let ca = CaFile::of(&mirror.ca_pem());
    mirror.put("/f.iso", Resource::artifact("f.iso").repr_digest());
    let stream = Stream::of(component(&mirror.url("/f.iso"))).json().to_string();
    mirror.put("/stream.json", Resource::bytes(stream));
    mirror.put("/away.json", Resource::redirect(302, "https://evil.example/stream.json"));
    let get = |url: &str| {
        check(url).arg("--ca-file").arg(ca.path()).env("NO_PROXY", "127.0.0.1").args(["--retries", "0"])
    };
    get(&mirror.url("/stream.json")).locally().run().exits(0);

    mirror.forget();
    for (program, says) in [
        (get(&mirror.url("/stream.json")), "is not one of the hosts that may be requested"),
        (
            get(&mirror.url("/stream.json")).args(["--allow-host", "127.0.0.1"]),
            "which is not a public address",
        ),
        (get("https://evil.example/stream.json"), "is not one of the hosts that may be requested"),
        (get("http://mirror.openshift.com/stream.json"), "may only come from an https:// URL"),
        (get("https://u:p@mirror.openshift.com/stream.json"), "a user name or password"),
    ] {
        let finished = program.run().exits(2);
        assert!(finished.stderr.contains(says), "{says}\n{}", finished.stderr);
    }
    assert_eq!(mirror.connections(), 0, "nothing was requested");
    for (path, says) in [
        ("/absent.json", "the server answered 404 Not Found; expected 200 OK"),
        ("/away.json", "a redirect leads to https://evil.example/stream.json"),
        ("/f.iso", "found malformed JSON"),
    ] {
        let finished = get(&mirror.url(path)).locally().run().exits(2);
        assert!(finished.stderr.contains(says), "{says}\n{}", finished.stderr);
    }
}

/// Asserts that a run fails with status 2 and without requests, and returns its standard error.
fn assert_unusable(program: Program) -> String {
    let proxy = Proxy::start(ProxyConfig::new()).unwrap();
    let program = program.env("HTTPS_PROXY", proxy.url()).env("HTTP_PROXY", proxy.url()).env("NO_PROXY", "");
    let finished = program.run().exits(2);
    assert_eq!(proxy.connections(), 0, "nothing was requested");
    assert_eq!(finished.stdout, "", "{}", finished.stderr);
    finished.stderr
}

#[test]
fn a_document_that_cannot_be_used_is_explained_and_nothing_is_requested() {
    let disk = "architectures.x86_64.artifacts.metal.formats.iso.disk";
    let cases: &[(&str, &[&str])] = &[
        ("malformed.json", &[":3:3: found malformed JSON", "expected valid JSON"]),
        ("truncated.json", &["malformed JSON (EOF"]),
        ("trailing-data.json", &["malformed JSON (trailing characters)"]),
        ("empty.json", &["empty.json:1:1: found malformed JSON (EOF"]),
        ("invalid-utf-8.json", &[":2:20: found bytes that are not UTF-8, expected UTF-8 text"]),
        ("duplicate-key-top.json", &[": stream: found a duplicate key, expected each key once"]),
        ("duplicate-key-component.json", &["disk.location: found a duplicate key"]),
        ("missing-stream.json", &[": stream: found nothing, expected the stream's name"]),
        ("missing-release.json", &["artifacts.metal.release: found nothing, expected a build ID"]),
        ("missing-formats.json", &["artifacts.metal.formats: found nothing, expected an object of formats"]),
        ("missing-location.json", &["disk.location: found nothing, expected a URL"]),
        ("missing-sha256.json", &["disk.sha256: found nothing, expected 64 hexadecimal digits"]),
        ("mistyped-architectures.json", &[": architectures: found an array, expected an object"]),
        ("mistyped-location.json", &["disk.location: found an array, expected a string"]),
        ("mistyped-sha256.json", &["disk.sha256: found the number 42, expected a string"]),
        ("mistyped-size.json", &["disk.size: found the string \"12\", expected a whole number of bytes"]),
        ("bad-sha256-short.json", &[":15:27: ", disk, "expected 64 hexadecimal digits"]),
        ("bad-sha256-not-hex.json", &[":15:27: ", disk, "found \"gfd9bb4f5"]),
        ("bad-url-relative.json", &["found \"/art/storage/rhcos.iso\", expected an absolute URL"]),
        ("no-artifacts.json", &["found no artifact, expected at least one"]),
        (
            "several-faults.json",
            &[
                "disk.location: found nothing",
                "qemu.release: found null",
                "disk.sha256: found \"not hexadecimal\"",
                "disk.uncompressed-sha256: found the number 7",
            ],
        ),
        ("configmap-without-stream.json", &[": data.stream: found nothing, expected stream metadata"]),
        ("configmap-without-stream.yaml", &[": data.stream: found nothing, expected stream metadata"]),
        ("configmap-missing-sha256.yaml", &["(data.stream)", "disk.sha256: found nothing"]),
    ];
    for (file, says) in cases {
        let path = testdata("faulty").join(file);
        let stderr = assert_unusable(check(&path));
        for part in *says {
            assert!(stderr.contains(part), "{file}: {part}\n{stderr}");
        }
        assert!(stderr.lines().all(|line| line.starts_with("error: ") && line.contains(file)), "{stderr}");
        // Likewise on standard input, where there is no file name.
        assert_unusable(check("-").stdin(std::fs::read(&path).unwrap()));
    }

    // All faults are reported together, even if other documents are good.
    let stderr = assert_unusable(
        check(testdata("checkout"))
            .arg(testdata("faulty/malformed.json"))
            .arg(testdata("faulty/no-artifacts.json")),
    );
    assert!(stderr.contains("malformed.json:3:3") && stderr.contains("no artifact"), "{stderr}");

    // A valid URL that must not be requested is a finding about its artifact.
    let urls = ["bad-url-scheme.json", "bad-url-userinfo.json", "bad-url-spelling.json"];
    for file in urls {
        let proxy = Proxy::start(ProxyConfig::new()).unwrap();
        let program = check(testdata("faulty").join(file)).args(["--output", "json", "--retries", "0"]);
        let report = program.env("HTTPS_PROXY", proxy.url()).run().exits(1).report();
        assert_eq!(report.artifact("x86_64/metal/iso/disk")["reason"], "bad-location");
        assert!(
            proxy.asked().iter().all(|asked| asked.target == format!("{CDN}:443")),
            "{:?}",
            proxy.asked()
        );
    }
    let all = std::fs::read_dir(testdata("faulty")).unwrap().count();
    assert_eq!(all, cases.len() + urls.len(), "every file of testdata/faulty is tested");
}

#[test]
fn without_a_document_the_searched_paths_are_named() {
    let stderr = assert_unusable(check_checkout(Checkout::empty()));
    assert!(stderr.contains("found no stream metadata; looked at data/data/*.json"), "{stderr}");
    assert!(stderr.contains("data/data/coreos/**/*.json"), "{stderr}");
    let marketplace = Checkout::empty().file("data/data/coreos/marketplace/rhcos.json", "{\"x86_64\": {}}");
    assert!(assert_unusable(check_checkout(marketplace)).contains("found no stream metadata"));
    assert!(assert_unusable(check("/nowhere/at/all")).contains("/nowhere/at/all: No such file or directory"));
    assert!(assert_unusable(check("-").stdin("")).contains("error: -:"));
}

#[test]
fn links_and_file_names_in_a_pull_request_do_no_harm() {
    let checkout = Checkout::empty().file("data/data/coreos/rhcos.json", "{}");
    let home = checkout.path().join("data/data/coreos");
    std::os::unix::fs::symlink("/etc/passwd", home.join("out.json")).unwrap();
    std::os::unix::fs::symlink("nowhere", home.join("evil\u{1b}]0;owned\u{7}\nerror: forged.json")).unwrap();
    let stderr = assert_unusable(check_checkout(checkout).env("CLICOLOR_FORCE", "1"));
    assert!(stderr.contains("out.json: found a link out of the checkout"), "{stderr}");
    assert!(!stderr.contains(['\u{1b}', '\u{7}']), "{stderr:?}");
    assert!(!stderr.contains("\nerror: forged"), "{stderr}");
    assert!(!stderr.contains("root:"), "{stderr}");
}

#[test]
fn filters_select_artifacts_and_list_the_available_values() {
    let world = World::start();
    let root = testdata("checkout");
    mirror_all(&world.cdn, &root.join("data/data/coreos/rhcos.json"));
    mirror_all(&world.cdn, &root.join("data/data/coreos/scos.json"));
    for (filters, count) in [
        (&["-a", "s390x"][..], 2),
        (&["--architecture", "s390x", "-a", "aarch64"], 5),
        (&["-p", "metal", "-f", "iso"], 4),
        (&["--format", "pxe", "--component", "rootfs"], 1),
        (&["-c", "kernel", "-c", "initramfs"], 2),
    ] {
        let report =
            world.check_source(&root).args(filters).args(["--output", "json"]).run().exits(0).report();
        assert_eq!(report.counts(), [count, 0, 0], "{filters:?}");
    }
    for (filters, says) in [
        (
            &["-a", "amd64"][..],
            "no artifact has the architecture \"amd64\"; available: aarch64, ppc64le, s390x, x86_64",
        ),
        (
            &["-c", "disc"],
            "no artifact has the component \"disc\"; available: disk, initramfs, kernel, rootfs",
        ),
        (&["-f", "qcow3"], "no artifact has the format \"qcow3\"; available: "),
        (&["-a", "s390x", "-p", "aws"], "no artifact matches all filters; available: "),
        (&["-p", "\u{1b}[31m"], "\"\\u{1b}[31m\""),
    ] {
        let stderr = assert_unusable(check(&root).args(filters));
        assert!(stderr.contains(says), "{stderr}");
    }
}

#[test]
fn the_streams_of_a_manifest_are_checked_and_chosen_by_name() {
    let text = std::fs::read_to_string(testdata("checkout").join("data/data/coreos/scos.json")).unwrap();
    let other = text.replace("c10s", "c11s");
    let streams = format!("{{\"rhel-9\": {text}, \"rhel-10\": {other}}}");
    let name = serde_json::json!({"name": "coreos-bootimages"});
    let data = serde_json::json!({"stream": text, "streams": streams});
    let manifest = serde_json::json!({"kind": "ConfigMap", "metadata": name, "data": data}).to_string();
    let ids = |arguments: &[&str]| -> Vec<String> {
        let finished =
            check("-").stdin(&*manifest).args(arguments).args(["--output", "json", "--retries", "0"]).run();
        let report = finished.report();
        let all = report.0["artifacts"].as_array().unwrap().iter();
        all.map(|it| it["id"].as_str().unwrap().to_owned()).collect()
    };
    let [nine, ten] = ["rhel-9", "rhel-10"]
        .map(|key| ["metal/iso/disk", "qemu/qcow2.gz/disk"].map(|id| format!("-#{key}:x86_64/{id}")));
    assert_eq!(ids(&[]), [nine.clone(), ten.clone()].concat());
    assert_eq!(ids(&["--stream", "rhel-10"]), ten);
    assert_eq!(
        ids(&["--stream", "rhel-10", "--stream", "rhel-9", "-p", "qemu"]),
        [&nine[1..], &ten[1..]].concat()
    );
    let stderr = assert_unusable(check("-").stdin(&*manifest).args(["--stream", "rhel-8"]));
    assert!(stderr.contains("no artifact has the stream \"rhel-8\"; available: "), "{stderr}");
    assert!(stderr.contains("rhel-10, rhel-9"), "{stderr}");
}

#[test]
fn wrong_usage_is_exit_2() {
    for args in [
        &["--no-such-option"][..],
        &["--timeout", "soon"],
        &["--concurrency", "0"],
        &["--verify", "maybe"],
        &["--allow-host", "https://h/"],
        &["--wait", "-1s"],
        &["-q", "-v"],
    ] {
        let stderr = assert_unusable(check(testdata("checkout")).args(args));
        assert!(stderr.starts_with("error: "), "{args:?}: {stderr}");
    }
    assert!(assert_unusable(check("")).contains("expected a path"));
    // The advice is not to pass the option as a file name (`-- --json`).
    for (args, advice) in [(["--json"], "'--output json'"), (["--no-such-option"], "try '--help'")] {
        let stderr = assert_unusable(check(testdata("checkout")).args(args));
        assert!(stderr.contains(advice) && !stderr.contains("-- --"), "{stderr}");
    }
    Program::new("no-such-command").run().exits(2);
    let help = check(".").arg("--help").run().exits(0);
    assert!(help.stdout.contains("Exit status:") && help.stdout.contains("--allow-private-addresses"));
}

#[test]
fn unknown_fields_of_later_documents_are_accepted() {
    let world = World::start();
    world.cdn.put("/art/f.iso", Resource::artifact("f.iso").repr_digest());
    let mut component = component(&format!("https://{CDN}/art/f.iso"));
    component["provenance"] = json!({ "sigstore": [1, 2.5, null, true] });
    let mut document = Stream::of(component).json();
    document["schema"] = json!("v9");
    document["architectures"]["riscv64"] = json!({ "artifacts": {}, "images": { "moon": ["base"] } });
    let artifacts = &mut document["architectures"]["x86_64"]["artifacts"];
    artifacts["metal"]["formats"]["iso"]["manifest"] = json!({ "media-type": "unheard of" });
    artifacts["quantum"] = json!({ "release": "x", "formats": { "qubits": {} } });
    let report = world.check_source("-").stdin(document.to_string()).args(["--output", "json"]).run();
    assert_eq!(report.exits(0).report().counts(), [1, 0, 0]);
}

/// Real documents of 2021 to 2026, below the directory named by `STREAM_CORPUS`; they are not ours to publish.
#[test]
fn every_artifact_of_every_real_document_is_read() {
    let Some(corpus) = corpus() else { return };
    let (mut documents, mut seen) = (0, vec![]);
    for file in files_below(&corpus) {
        let file = corpus.join(file);
        let bytes = std::fs::read(&file).unwrap();
        let Ok(value) = serde_json::from_slice::<Value>(&bytes) else { continue };
        let mut streams: Vec<Value> = vec![];
        if let Some(text) = value["data"]["streams"].as_str() {
            let entries: Value = serde_json::from_str(text).unwrap();
            streams.extend(entries.as_object().unwrap().values().cloned());
        }
        if let Some(text) = value["data"]["stream"].as_str() {
            let default: Value = serde_json::from_str(text).unwrap();
            if !streams.contains(&default) {
                streams.push(default);
            }
        }
        if value["architectures"].is_object() {
            streams.push(value);
        }
        // No server is reachable through the proxy, so the results do not matter, only the locations.
        let finished = check(&file).args(["--output", "json", "--retries", "0"]).run();
        if streams.is_empty() {
            assert_eq!(finished.code, Some(2), "{}: {}", file.display(), finished.stderr);
            continue;
        }
        documents += 1;
        let expected: Vec<String> = streams.iter().flat_map(locations).collect();
        let report = finished.report();
        let found: Vec<&str> = report.0["artifacts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["location"].as_str().unwrap())
            .collect();
        assert_eq!(
            sorted(&found),
            sorted(&expected.iter().map(String::as_str).collect::<Vec<_>>()),
            "{}",
            file.display()
        );
        seen.push((file, expected.len()));
    }
    println!("{documents} documents: {seen:?}");
    assert!(documents > 0, "no stream document below {}", corpus.display());
    // Its legacy metadata has 13 artifacts, 9 of them with sizes.
    let first = check(corpus.join("checkouts/2021-03")).args(["--output", "json", "--retries", "0"]).run();
    let report = first.report();
    let artifacts = report.0["artifacts"].as_array().unwrap();
    let sized = artifacts.iter().filter(|it| it["size"]["expected_from"] == "legacy").count();
    assert_eq!((artifacts.len(), sized), (29, 9));
}

fn sorted<'t>(texts: &[&'t str]) -> Vec<&'t str> {
    let mut texts = texts.to_vec();
    texts.sort_unstable();
    texts
}
