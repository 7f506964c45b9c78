//! Documents good and bad.

use std::fs;
use std::path::Path;

use super::*;

mod go;

const DIGEST: &str = "f6e4458958f38a7bccae4a89a73134d431b86b183ebcf76542446c959fa2d520";

/// A document around the text of one component object.
fn with_component(component: &str) -> String {
    format!(
        r#"{{"stream": "rhcos-4.99", "metadata": {{}}, "architectures": {{"x86_64": {{"artifacts": {{
            "metal": {{"formats": {{"iso": {{"disk": {component}}}}}, "release": "499.98.1-0"}}}}}}}}}}"#
    )
}

fn good_component() -> String {
    format!(r#"{{"location": "https://h/f.iso", "sha256": "{DIGEST}"}}"#)
}

fn faults(text: &str) -> String {
    Document::parse("rhcos.json", text.as_bytes()).expect_err(text).to_string()
}

#[test]
fn an_artifact_carries_all_that_the_document_says_of_it() {
    let text = with_component(&format!(
        r#"{{"location": "https:\/\/h\/f.iso", "signature": "https://h/f.iso.sig", "sha256": "{DIGEST}",
            "uncompressed-sha256": "{DIGEST}", "size": 7, "uncompressed-size": 9, "later": {{"x": [1, null]}}}}"#
    ));
    let document = Document::parse("rhcos.json", text.as_bytes()).unwrap();
    assert_eq!(document.stream, "rhcos-4.99");
    let [artifact] = document.artifacts.as_slice() else { panic!("{:?}", document.artifacts) };
    assert_eq!(artifact.id.to_string(), "x86_64/metal/iso/disk");
    assert_eq!(&*artifact.release, "499.98.1-0", "although the release stands after the formats");
    assert_eq!(artifact.location, "https://h/f.iso");
    assert_eq!(artifact.signature.as_deref(), Some("https://h/f.iso.sig"));
    assert_eq!((artifact.size, artifact.uncompressed_size), (Some(7), Some(9)));
    assert!(artifact.uncompressed_sha256.is_some());
}

#[test]
fn what_is_unknown_is_carried() {
    let text = format!(
        r#"{{"stream": "s", "new": [{{"deep": {{}}}}], "architectures": {{"riscv64": {{"new": 1,
            "images": {{"aws": {{"regions": {{"us-east-1": {{"image": "ami-1", "n": 2}}}}}}}},
            "artifacts": {{"moon": {{"release": "r", "formats": {{"cheese": {{"rind": {good},
            "note": "text", "about": {{"text": "x"}}}}}}}}}}}}}}}}"#,
        good = good_component()
    );
    let document = Document::parse("rhcos.json", text.as_bytes()).unwrap();
    assert_eq!(document.artifacts.len(), 1);
    assert_eq!(document.artifacts[0].id.to_string(), "riscv64/moon/cheese/rind");
    let images: Vec<_> = document.cloud_images.iter().map(|image| (&*image.path, &*image.value)).collect();
    assert_eq!(
        images,
        [("images.aws.regions.us-east-1.image", "ami-1"), ("images.aws.regions.us-east-1.n", "2")]
    );
}

#[test]
fn optional_fields_may_be_null_or_empty_as_go_reads_them() {
    let text = with_component(&format!(
        r#"{{"location": "https://h/f", "signature": "", "sha256": "{DIGEST}", "uncompressed-sha256": null}}"#
    ));
    let document = Document::parse("rhcos.json", text.as_bytes()).unwrap();
    assert_eq!(document.artifacts[0].signature, None);
    assert_eq!(document.artifacts[0].uncompressed_sha256, None);
}

#[test]
fn every_fault_names_its_place_what_was_found_and_what_was_expected() {
    let disk = "architectures.x86_64.artifacts.metal.formats.iso.disk";
    let cases: Vec<(String, String)> = vec![
        (String::new(), "rhcos.json:1:1: found malformed JSON (EOF while parsing a value), expected".into()),
        ("{".into(), "rhcos.json:1:1: found malformed JSON (EOF while parsing an object)".into()),
        ("[]".into(), "found an array, expected stream metadata, an object".into()),
        ("7".into(), "found the number 7, expected stream metadata".into()),
        ("{}".into(), "rhcos.json: stream: found nothing, expected the stream's name, a string".into()),
        (r#"{"stream": "s"}"#.into(), "rhcos.json: architectures: found nothing, expected".into()),
        (
            r#"{"stream": 1, "architectures": {}}"#.into(),
            "rhcos.json:1:12: stream: found the number 1, expected a string".into(),
        ),
        (r#"{"stream": "s", "architectures": {}}"#.into(), "found no artifact, expected at least one".into()),
        (
            r#"{"stream": "s", "architectures": {"x86_64": {"artifacts": {"metal": {}}}}}"#.into(),
            "artifacts.metal.formats: found nothing".into(),
        ),
        (with_component("null"), format!("{disk}: found null, expected an object with location and sha256")),
        (
            with_component(&format!(r#"{{"sha256": "{DIGEST}"}}"#)),
            format!("{disk}.location: found nothing, expected a URL"),
        ),
        (
            with_component(r#"{"location": "https://h/f"}"#),
            format!("{disk}.sha256: found nothing, expected 64 hexadecimal digits"),
        ),
        (
            with_component(r#"{"location": "https://h/f", "sha256": "abc"}"#),
            format!("rhcos.json:2:89: {disk}.sha256: found \"abc\", expected 64 hexadecimal digits"),
        ),
        (
            with_component(&format!(r#"{{"location": "not a url", "sha256": "{DIGEST}"}}"#)),
            "found \"not a url\", expected an absolute URL (relative URL without a base)".into(),
        ),
        (
            with_component(&format!(r#"{{"location": ["x"], "sha256": "{DIGEST}"}}"#)),
            format!("{disk}.location: found an array, expected a string"),
        ),
        (
            with_component(&format!(r#"{{"location": "https://h/f", "sha256": "{DIGEST}", "size": -1}}"#)),
            "found the number -1, expected a whole number of bytes".into(),
        ),
        (
            with_component(&format!(
                r#"{{"location": "https://h/f", "location": "https://h/g", "sha256": "{DIGEST}"}}"#
            )),
            format!("{disk}.location: found the key a second time, expected each key once"),
        ),
        (
            r#"{"unknown": {"a": 1, "a": 2}, "stream": "s", "architectures": {}}"#.into(),
            "unknown.a: found the key a second time".into(),
        ),
        (
            with_component(&format!(
                r#"{{"location": "https://h/f", "Location": "https://evil/f", "sha256": "{DIGEST}"}}"#
            )),
            format!("{disk}.Location: found the key \"Location\", expected \"location\" in that spelling"),
        ),
        (
            with_component(&format!(
                r#"{{"location": "https://h/f", "ſha256": "{DIGEST}", "sha256": "{DIGEST}"}}"#
            )),
            "expected \"sha256\" in that spelling".into(),
        ),
        (
            with_component(&good_component()).replace("\"metal\"", "\"a/b\""),
            "found a name with a slash or a colon".into(),
        ),
        (
            with_component(&format!(r#"{{"location": "x\u001b[31m", "sha256": "{DIGEST}"}}"#)),
            "found \"x\\u{1b}[31m\"".into(),
        ),
        (format!("{} trailing", with_component(&good_component())), "trailing characters".into()),
        ("[".repeat(100_000), "found malformed JSON".into()),
        (format!("{{\"a\": {}", "[".repeat(100_000)), "recursion limit exceeded".into()),
        (r#"{"a": 1e999}"#.into(), "number out of range".into()),
        (r#"{"a": "\ud800"}"#.into(), "malformed JSON".into()),
    ];
    for (text, says) in cases {
        let shown = faults(&text);
        assert!(shown.contains(&says), "{text}\n  says: {shown}\n  not: {says}");
    }
    let error = Document::parse("f", b"{\n \"\xff\"").unwrap_err().to_string();
    assert_eq!(error, "f:2:3: found bytes that are not UTF-8, expected UTF-8 text");
}

#[test]
fn what_nobody_makes_for_a_cloud_is_not_listed() {
    let text = with_component(&good_component()).replacen(
        "\"artifacts\"",
        r#""images": {"aws": null, "gcp": {"name": "n"}}, "artifacts""#,
        1,
    );
    let document = Document::parse("rhcos.json", text.as_bytes()).unwrap();
    let images: Vec<_> = document.cloud_images.iter().map(|image| (&*image.path, &*image.value)).collect();
    assert_eq!(images, [("images.gcp.name", "n")]);
}

/// Each string at its bound and one beyond, as printed.
#[test]
fn strings_are_bounded_as_they_are_printed() {
    type Make = fn(&str) -> String;
    fn url(file: &str) -> String {
        with_component(&good_component().replace("https://h/f.iso", file))
    }
    fn image(path: &str, value: &str) -> String {
        let images = format!(r#""images": {{"{path}": "{value}"}}, "artifacts""#);
        with_component(&good_component()).replacen("\"artifacts\"", &images, 1)
    }
    let cases: [(&str, usize, Make); 9] = [
        ("location", 2_048, |text| url(&format!("https://h/{}", text.get(10..).unwrap()))),
        ("signature", 2_048, |text| {
            let signature = format!(r#"{{"signature": "https://h/{}", "#, text.get(10..).unwrap());
            with_component(&good_component().replacen('{', &signature, 1))
        }),
        ("release", 128, |text| with_component(&good_component()).replace("499.98.1-0", text)),
        ("stream", 128, |text| with_component(&good_component()).replace("rhcos-4.99", text)),
        ("arch", 64, |text| with_component(&good_component()).replace("x86_64", text)),
        ("platform", 64, |text| with_component(&good_component()).replace("metal", text)),
        ("format", 64, |text| with_component(&good_component()).replace("\"iso\"", &format!("\"{text}\""))),
        ("cloud value", 2_048, |text| image("x", text)),
        ("cloud path", 512 - "architectures.x86_64.images..".len(), |text| image(text, "x")),
    ];
    for (name, limit, make) in cases {
        let document = make(&"a".repeat(limit));
        assert!(
            Document::parse("f", document.as_bytes()).is_ok(),
            "{name} at its bound: {}",
            faults(&document)
        );
        let error = faults(&make(&"a".repeat(limit + 1)));
        assert!(error.contains("at most"), "{name}: {error}");
        assert!(error.len() < 1_000, "{name}: {error}");
    }
    // A character that prints as eight counts as eight.
    let escaped =
        |times: usize| with_component(&good_component()).replace("rhcos-4.99", &"\\u202e".repeat(times));
    assert!(Document::parse("f", escaped(16).as_bytes()).is_ok());
    assert!(faults(&escaped(17)).contains("at most 128 characters"));
    // Keys that nobody asks about are of any length, and so is the path to a fault; its text is not.
    let keys = r#"{"\u202e\u202e\u202e\u202e\u202e\u202e\u202e\u202e\u202e\u202e\u202e": "#.repeat(100);
    let end = "}".repeat(100);
    let deep = format!(r#"{{"stream": "s", "x": {keys}{{"a": 1, "a": 1}}{end}}}"#);
    let error = faults(&deep);
    assert!(error.contains("….…: found the key a second time") && error.len() < 1_000, "{error}");
}

#[test]
fn several_faults_are_reported_together_and_a_flood_is_cut() {
    let text = with_component(r#"{"location": 5, "sha256": "x"}"#).replace("\"stream\"", "\"scream\"");
    assert_eq!(faults(&text).lines().count(), 3, "{}", faults(&text));
    let flood = format!(r#"{{"stream": "s", "x": {{{}}}}}"#, vec![r#""a": 1"#; 1000].join(","));
    let shown = faults(&flood);
    assert!(shown.ends_with("… and 950 more faults"), "{shown}");
}

/// A directory with these files.
fn checkout(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn read(path: &Path) -> Result<Sources, String> {
    let mut sources = Sources::default();
    sources.add_path(path).map_err(|errors| errors.to_string())?;
    Ok(sources)
}

fn names(sources: &Sources) -> Vec<&str> {
    sources.documents.iter().map(|sourced| &*sourced.document.name).collect()
}

fn skipped(sources: &Sources) -> Vec<(&str, &str)> {
    sources.skipped.iter().map(|skipped| (skipped.name.as_str(), skipped.why.as_str())).collect()
}

#[test]
fn a_checkout_gives_its_stream_documents_and_names_what_it_skips() {
    let good = with_component(&good_component());
    let legacy = format!(
        r#"{{"buildid": "42.81.20190919.0", "images": {{"x": {{"path": "f", "sha256": "{DIGEST}"}}}}}}"#
    );
    let root = checkout(&[
        ("data/data/rhcos-stream.json", &good),
        ("data/data/fcos-stream.json", &good),
        ("data/data/other.json", "[1]"),
        ("data/data/rhcos.json", &legacy),
        ("data/data/rhcos-amd64.json", &legacy),
        ("data/data/manifests/not-looked-at.json", "nonsense"),
        ("data/data/coreos/rhcos.json", &good),
        ("data/data/coreos/new-name.json", &good),
        ("data/data/coreos/.json", &good),
        ("data/data/coreos/a/b/c/d/e/five.json", &good),
        ("data/data/coreos/empty.json", "{}"),
        ("data/data/coreos/marketplace/coreos-rhel-9.json", r#"{"x86_64": {"azure": {}}}"#),
        ("data/data/coreos/README.md", "text"),
    ]);
    let sources = read(root.path()).unwrap();
    assert_eq!(
        names(&sources),
        [
            "data/data/fcos-stream.json",
            "data/data/rhcos-stream.json",
            "data/data/coreos/.json",
            "data/data/coreos/new-name.json",
            "data/data/coreos/rhcos.json",
            "data/data/coreos/a/b/c/d/e/five.json",
        ]
    );
    let no_architectures = "not stream metadata: it has no `architectures`";
    assert_eq!(
        skipped(&sources),
        [
            ("data/data/other.json", "not stream metadata: it is not an object"),
            ("data/data/rhcos.json", no_architectures),
            ("data/data/coreos/empty.json", no_architectures),
            ("data/data/coreos/marketplace/coreos-rhel-9.json", no_architectures),
        ]
    );
    let builds: Vec<_> = sources.legacy_builds.iter().map(|it| (&*it.name, it.build_id.as_deref())).collect();
    let build = Some("42.81.20190919.0");
    assert_eq!(builds, [("data/data/rhcos-amd64.json", build), ("data/data/rhcos.json", build)]);
}

#[test]
fn a_stream_document_cannot_be_hidden_among_other_files() {
    let good = with_component(&good_component());
    let deep = format!("data/data/coreos/{}x.json", "d/".repeat(20));
    let long = format!("data/data/coreos/{}.json", "x".repeat(240));
    let cases = [
        ("data/data/coreos/rhcos.json", r#"{"stream": "s"}"#.to_owned(), "architectures: found nothing"),
        ("data/data/coreos/x.json", good.replace("architectures", "Architectures"), "in that spelling"),
        ("data/data/coreos/x.json", good.replace("stream", "scream") + "x", "malformed JSON"),
        ("data/data/coreos/x.JSON", "nonsense".to_owned(), "malformed JSON"),
        ("data/data/x.json", "nonsense".to_owned(), "data/data/x.json:1:2: found malformed JSON"),
        ("data/data/x.json", format!("\u{feff}{good}"), "x.json:1:1: found malformed JSON"),
        (&deep, good.clone(), "expected at most 16 directories in each other"),
        (&long, good.clone(), "found a longer path, expected a path of at most 256 characters"),
    ];
    for (name, text, says) in cases {
        let root = checkout(&[("data/data/coreos/fcos.json", &good), (name, &text)]);
        let error = read(root.path()).expect_err(name);
        assert!(error.contains(says), "{name}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf_8_is_not_passed_over() {
    use std::os::unix::ffi::OsStrExt as _;
    let good = with_component(&good_component());
    let root = checkout(&[("data/data/coreos/fcos.json", &good)]);
    let name = std::ffi::OsStr::from_bytes(b"\xff.json");
    fs::write(root.path().join("data/data/coreos").join(name), &good).unwrap();
    let sources = read(root.path()).unwrap();
    assert_eq!(names(&sources), ["data/data/coreos/fcos.json", "data/data/coreos/\\xff.json"]);
}

#[test]
fn a_checkout_without_stream_metadata_says_where_it_looked() {
    let root = checkout(&[("data/data/install.yaml", "")]);
    let error = read(root.path()).unwrap_err();
    let says = "found no stream metadata; looked at data/data/*.json, data/data/coreos/**/*.json";
    assert!(error.ends_with(says), "{error}");
    let root = checkout(&[("install.yaml", "")]);
    let error = read(root.path()).unwrap_err();
    assert!(error.ends_with("data/data/coreos/**/*.json, *.json, *.yaml"), "{error}");
    let error = read(Path::new("/nonexistent/checkout")).unwrap_err();
    assert!(error.starts_with("/nonexistent/checkout: "), "{error}");
}

#[test]
fn the_faults_of_many_files_are_bounded_and_counted() {
    let bad = with_component(&good_component()).replace("x86_64", &"\\u202e".repeat(5_000));
    let bad = bad.replacen('{', &format!("{{{}", r#""a": 1, "#.repeat(60)), 1);
    let files: Vec<(String, &str)> =
        (0..50).map(|it| (format!("data/data/coreos/{it}.json"), &*bad)).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (&**name, *text)).collect();
    let error = read(checkout(&files).path()).unwrap_err();
    assert!(error.len() < 100_000, "{} bytes", error.len());
    assert!(error.ends_with("more faults in other files"), "{error}");
}

#[test]
fn there_are_no_more_files_than_a_checkout_could_have() {
    let root = checkout(&[("data/data/coreos/fcos.json", &with_component(&good_component()))]);
    let directory = root.path().join("data/data/coreos/many");
    fs::create_dir_all(&directory).unwrap();
    // With the directories that lead there.
    let most = 10_000 - 3;
    for index in 0..most {
        fs::write(directory.join(format!("{index}.txt")), "").unwrap();
    }
    assert_eq!(read(root.path()).unwrap().documents.len(), 1);
    fs::write(directory.join("one.txt"), "").unwrap();
    let error = read(root.path()).unwrap_err();
    assert!(error.contains("found more than 10000 names"), "{error}");
}

#[test]
fn the_bump_repository_keeps_its_document_at_the_root() {
    let root = checkout(&[("rhcos-4.8.json", &with_component(&good_component())), ("package.json", "{}")]);
    let sources = read(root.path()).unwrap();
    assert_eq!(names(&sources), ["rhcos-4.8.json"]);
    assert_eq!(skipped(&sources), [("package.json", "not stream metadata: it has no `architectures`")]);
}

#[cfg(unix)]
#[test]
fn a_link_may_lead_within_the_checkout_but_not_out_of_it() {
    let good = with_component(&good_component());
    let outside = checkout(&[("secret.json", &good)]);
    let root = checkout(&[("data/data/coreos/fcos.json", &good)]);
    let home = root.path().join("data/data/coreos");
    std::os::unix::fs::symlink("fcos.json", home.join("rhcos.json")).unwrap();
    assert_eq!(read(root.path()).unwrap().documents.len(), 2);
    std::os::unix::fs::symlink(outside.path().join("secret.json"), home.join("scos.json")).unwrap();
    let error = read(root.path()).unwrap_err();
    assert!(error.contains("found a link out of the checkout"), "{error}");
}

#[test]
fn legacy_metadata_is_found_around_the_document() {
    let good = with_component(&good_component());
    let legacy = format!(r#"{{"images": {{"iso": {{"path": "f.iso", "sha256": "{DIGEST}", "size": 5}}}}}}"#);
    let root = checkout(&[
        ("data/data/rhcos-stream.json", &good),
        ("data/data/coreos/rhcos.json", &good),
        ("data/data/rhcos-amd64.json", &legacy),
    ]);
    for source in ["", "data/data/rhcos-stream.json", "data/data/coreos/rhcos.json"] {
        let sources = read(&root.path().join(source)).unwrap();
        assert_eq!(sources.documents[0].legacy.of("f.iso")[0].size, Some(5), "{source}");
    }
    fs::write(root.path().join("data/data/rhcos-s390x.json"), r#"{"images": {"x": {"size": "5"}}}"#).unwrap();
    let error = read(root.path()).unwrap_err();
    assert!(error.contains("data/data/rhcos-s390x.json:1:27: images.x.size: found the string"), "{error}");
}

/// A ConfigMap with these data.
fn config_map(data: &serde_json::Value) -> serde_json::Value {
    let metadata = serde_json::json!({"name": "coreos-bootimages"});
    serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
}

fn from_text(name: &str, text: &str) -> Result<Sources, String> {
    let mut sources = Sources::default();
    sources.add_reader(name, text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(sources)
}

/// A document of a stream with one artifact of a name.
fn document_of(stream: &str, file: &str) -> String {
    with_component(&good_component().replace("f.iso", file)).replace("rhcos-4.99", stream)
}

#[test]
fn a_manifest_holds_documents_in_stream_and_streams() {
    let (nine, ten) = (document_of("rhel-9", "nine"), document_of("rhel-10", "ten"));
    // The default stream is one of the others, in other bytes.
    let compact = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap().to_string();
    let streams = |entries: &[(&str, &str)]| {
        let entries: Vec<String> = entries.iter().map(|(key, text)| format!("{key:?}: {text}")).collect();
        format!("{{{}}}", entries.join(","))
    };
    let both = streams(&[("rhel-9", &compact(&nine)), ("rhel-10", &ten)]);
    let json = |data: serde_json::Value| config_map(&data).to_string();
    let indented = |text: &str| format!("    {}\n", text.replace('\n', "\n    "));
    let yaml = format!(
        "# what a cluster boots from\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: coreos-bootimages\n\
         data:\n  releaseVersion: 4.9.0\n  stream: |\n{}",
        indented(&nine)
    );
    let secret = serde_json::json!({"kind": "Secret", "data": {"stream-x": 1}});
    let list = |items: &[serde_json::Value]| serde_json::json!({"kind": "List", "items": items}).to_string();
    let one = config_map(&serde_json::json!({"stream": nine}));
    let other = config_map(&serde_json::json!({"streams": both}));
    let long = "x".repeat(128);
    let of_long = format!("cm.json#{long}");
    let of_long = [&*of_long];
    let cases: Vec<(&str, String, &[&str])> = vec![
        ("cm.json", json(serde_json::json!({"stream": nine, "releaseVersion": "4.99"})), &["cm.json"]),
        ("cm.yaml", yaml.clone(), &["cm.yaml"]),
        ("-", yaml.clone(), &["-"]),
        (
            "cm.json",
            json(serde_json::json!({"stream": nine, "streams": both})),
            &["cm.json#rhel-9", "cm.json#rhel-10"],
        ),
        ("cm.json", json(serde_json::json!({"streams": both})), &["cm.json#rhel-9", "cm.json#rhel-10"]),
        (
            "cm.json",
            json(serde_json::json!({"stream": document_of("rhel-8", "eight"), "streams": both})),
            &["cm.json", "cm.json#rhel-9", "cm.json#rhel-10"],
        ),
        (
            "cm.json",
            json(serde_json::json!({"streams": streams(&[("a", &nine), ("b", &nine)])})),
            &["cm.json#a"],
        ),
        ("l.json", list(&[secret.clone(), one.clone(), other.clone()]), &["l.json", "l.json[1]#rhel-10"]),
        ("l.json", list(&[other.clone(), one.clone()]), &["l.json#rhel-9", "l.json#rhel-10"]),
        (
            "all.yaml",
            format!("{yaml}---\n{secret}\n---\n# nothing\n---\n{other}\n---\n"),
            &["all.yaml", "all.yaml[1]#rhel-10"],
        ),
        ("-", format!("---\n{other}\n"), &["-#rhel-9", "-#rhel-10"]),
        ("cm.json", json(serde_json::json!({"streams": streams(&[(&long, &nine)])})), &of_long),
        // What is no list, or has no items, is one manifest.
        ("l.yaml", format!("{one}\n---\nkind: SecretList\n"), &["l.yaml"]),
        (
            "l.yaml",
            format!("{one}\n---\n{}\n", serde_json::json!({"kind": "Secret", "items": [other]})),
            &["l.yaml"],
        ),
    ];
    for (name, text, documents) in cases {
        let sources = from_text(name, &text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(names(&sources), documents, "{text}");
        assert!(sources.documents.iter().all(|sourced| sourced.document.artifacts.len() == 1));
        let has_other = text.contains("Secret");
        assert_eq!(
            skipped(&sources),
            if has_other { vec![(name, "1 manifest without stream metadata")] } else { vec![] }
        );
    }
    let sources =
        from_text("cm.json", &json(serde_json::json!({"streams": streams(&[("a", &nine), ("b", &nine)])})))
            .unwrap();
    let streams: Vec<&str> = sources.documents[0].document.streams().collect();
    assert_eq!(streams, ["rhel-9", "a", "b"], "a document that stands for several is found by each name");
}

#[test]
fn a_directory_of_manifests_is_a_source() {
    let text = config_map(&serde_json::json!({"stream": document_of("rhel-9", "nine")})).to_string();
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: b, streaming: x}\n";
    let root = checkout(&[
        ("0000_50_installer_coreos-bootimages.yaml", &text),
        (
            "0000_10_config-operator_01_crd.yaml",
            "kind: CustomResourceDefinition\nspec: [1, 2.5, true, null]\n---\n",
        ),
        ("0000_20_other.yml", other),
        ("release-metadata", "{}"),
        ("sub/not-looked-at.yaml", "a: ["),
    ]);
    let sources = read(root.path()).unwrap();
    assert_eq!(names(&sources), ["0000_50_installer_coreos-bootimages.yaml"]);
    let name = root.path().display().to_string();
    assert_eq!(skipped(&sources), [(name.as_str(), "2 manifests without stream metadata")]);
    fs::write(root.path().join("x.yaml"), "a: [").unwrap();
    let error = read(root.path()).unwrap_err();
    assert!(error.contains("x.yaml: found malformed YAML"), "{error}");
}

/// The installer reads such a file as stream metadata and has no notion of manifests.
#[test]
fn a_document_is_not_hidden_by_a_manifest_in_it() {
    let good = with_component(&good_component());
    let both = good.replacen('{', r#"{"kind": "ConfigMap", "data": {"stream": "{}"}, "#, 1);
    assert_eq!(from_text("-", &both).unwrap().documents[0].document.artifacts.len(), 1);
}

#[test]
fn a_manifest_without_a_document_says_what_is_missing() {
    let good = document_of("rhel-9", "nine");
    let with =
        |key: &str, value: &str| config_map(&serde_json::json!({"stream": good, key: value})).to_string();
    let unnamed =
        |data: serde_json::Value| serde_json::json!({"kind": "ConfigMap", "data": data}).to_string();
    let streams = |text: &str| config_map(&serde_json::json!({"streams": text})).to_string();
    let large = format!("kind: ConfigMap\n# {}\n", "x".repeat(9 << 20));
    let cases: Vec<(&str, String, &str)> = vec![
        ("cm.json", unnamed(serde_json::json!({"releaseVersion": "1"})), "data.stream: found nothing"),
        (
            "cm.json",
            r#"{"kind": "Secret", "data": {}}"#.into(),
            "kind: found \"Secret\", expected \"ConfigMap\"",
        ),
        ("cm.yaml", "a: b\n".into(), "kind: found nothing, expected \"ConfigMap\""),
        (
            "cm.yaml",
            "kind: ConfigMap\ndata: {stream: '{}'}\n".into(),
            "cm.yaml (data.stream): stream: found nothing",
        ),
        ("cm.yaml", "kind: ConfigMap\ndata: {stream: {}}\n".into(), "data.stream: found something else"),
        ("cm.yaml", "a: [".into(), "malformed YAML"),
        ("cm.yaml", "kind: ConfigMap\nkind: Secret\n".into(), "malformed YAML"),
        ("cm.yaml", large, "bytes, expected a manifest of at most 8388608"),
        ("-", "<html>".into(), "malformed JSON"),
        (
            "cm.json",
            with("stream-rhel-10", "{}"),
            "data.stream-rhel-10: found the key \"stream-rhel-10\", expected stream metadata under",
        ),
        ("cm.json", with("Streams", "{}"), "found the key \"Streams\""),
        ("cm.json", with("rhel-10", &good), "found the key \"rhel-10\""),
        ("cm.json", unnamed(serde_json::json!({"x": good})), "found the key \"x\""),
        (
            "cm.json",
            unnamed(serde_json::json!({"stream": good, "Streams": "{}"})),
            "found the key \"Streams\"",
        ),
        (
            "cm.json",
            unnamed(serde_json::json!({"streams": "{}", "stream-x": "{}"})),
            "found the key \"stream-x\"",
        ),
        (
            "cm.json",
            config_map(&serde_json::json!({"stream-x": "{}"})).to_string(),
            "found the key \"stream-x\"",
        ),
        ("cm.json", streams("{}"), "cm.json (data.streams): found no stream, expected at least one"),
        ("cm.json", streams("[]"), "found an array, expected an object of stream documents"),
        ("cm.json", streams(r#"{"rhel-9": null}"#), "cm.json#rhel-9: found null, expected stream metadata"),
        (
            "cm.json",
            streams(r#"{"rhel-9": {"stream": "x"}}"#),
            "cm.json#rhel-9: architectures: found nothing",
        ),
        ("cm.json", streams(&format!(r#"{{"a": {good}, "a": {good}}}"#)), "a: found the key a second time"),
        (
            "cm.json",
            streams(&format!(r#"{{"{}": {good}}}"#, "x".repeat(129))),
            "expected a name of 1 to 128 characters",
        ),
    ];
    for (name, text, says) in cases {
        let short: String = text.chars().take(300).collect();
        let error = from_text(name, &text).expect_err(&short);
        assert!(error.contains(says), "{short}\n  says: {error}\n  not: {says}");
        assert!(!error.contains("from_"), "no advice for programmers: {error}");
    }
}
