//! Documents good and bad.

use std::fs;
use std::path::Path;

use super::*;

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
            r#"{"stream": "s", "architectures": {"x86_64": {}}}"#.into(),
            "architectures.x86_64.artifacts: found nothing, expected an object of platforms".into(),
        ),
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
    match sources.add_path(path) {
        Ok(()) => Ok(sources),
        Err(errors) => Err(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

#[test]
fn a_checkout_gives_its_stream_documents_and_names_what_it_skips() {
    let good = with_component(&good_component());
    let root = checkout(&[
        ("data/data/rhcos-stream.json", &good),
        ("data/data/coreos/rhcos.json", &good),
        ("data/data/coreos/new-name.json", &good),
        ("data/data/coreos/marketplace/coreos-rhel-9.json", r#"{"x86_64": {"azure": {}}}"#),
        ("data/data/coreos/README.md", "text"),
        ("data/data/other.json", "not even json"),
    ]);
    let sources = read(root.path()).unwrap();
    let names: Vec<_> = sources.documents.iter().map(|sourced| &*sourced.document.name).collect();
    assert_eq!(
        names,
        ["data/data/rhcos-stream.json", "data/data/coreos/new-name.json", "data/data/coreos/rhcos.json"]
    );
    assert_eq!(sources.skipped, [Skipped { name: "data/data/coreos/marketplace/coreos-rhel-9.json".into() }]);
}

#[test]
fn a_stream_document_cannot_be_hidden_among_other_files() {
    let good = with_component(&good_component());
    let cases = [
        ("data/data/coreos/rhcos.json", "{}".to_owned(), "stream: found nothing"),
        ("data/data/coreos/x.json", good.replace("architectures", "Architectures"), "in that spelling"),
        ("data/data/coreos/x.json", good.replace("stream", "scream") + "x", "malformed JSON"),
        ("data/data/coreos/x.JSON", "nonsense".to_owned(), "malformed JSON"),
    ];
    for (name, text, says) in cases {
        let root = checkout(&[("data/data/coreos/fcos.json", &good), (name, &text)]);
        let error = read(root.path()).expect_err(name);
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_checkout_without_stream_metadata_says_where_it_looked() {
    let root = checkout(&[("data/data/install.yaml", "")]);
    let error = read(root.path()).unwrap_err();
    assert!(
        error.contains("found no stream metadata; looked at data/data/rhcos-stream.json, data/data/coreos/"),
        "{error}"
    );
    let error = read(Path::new("/nonexistent/checkout")).unwrap_err();
    assert!(error.starts_with("/nonexistent/checkout: "), "{error}");
}

#[test]
fn the_bump_repository_keeps_its_document_at_the_root() {
    let root = checkout(&[("rhcos-4.8.json", &with_component(&good_component())), ("package.json", "{}")]);
    let sources = read(root.path()).unwrap();
    assert_eq!(&*sources.documents[0].document.name, "rhcos-4.8.json");
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

#[test]
fn a_manifest_holds_the_document_in_data_stream() {
    let good = with_component(&good_component());
    let json = serde_json::json!({"kind": "ConfigMap", "data": {"stream": good, "releaseVersion": "4.99"}});
    let indented = format!("    {}\n", good.replace('\n', "\n    "));
    let yaml =
        format!("apiVersion: v1\nkind: ConfigMap\ndata:\n  releaseVersion: 4.9.0\n  stream: |\n{indented}");
    for (name, text) in [("cm.json", json.to_string()), ("cm.yaml", yaml.clone()), ("-", yaml)] {
        let mut sources = Sources::default();
        sources.add_reader(name, text.as_bytes()).unwrap();
        assert_eq!(&*sources.documents[0].document.name, name);
        assert_eq!(sources.documents[0].document.artifacts.len(), 1);
    }
}

/// The installer reads such a file as stream metadata and has no notion of manifests.
#[test]
fn a_document_is_not_hidden_by_a_manifest_in_it() {
    let good = with_component(&good_component());
    let both = good.replacen('{', r#"{"kind": "ConfigMap", "data": {"stream": "{}"}, "#, 1);
    let mut sources = Sources::default();
    sources.add_reader("-", both.as_bytes()).unwrap();
    assert_eq!(sources.documents[0].document.artifacts.len(), 1);
}

#[test]
fn a_manifest_without_a_document_says_what_is_missing() {
    let cases = [
        (
            "cm.json",
            r#"{"kind": "ConfigMap", "data": {"releaseVersion": "1"}}"#,
            "data.stream: found nothing",
        ),
        ("cm.json", r#"{"kind": "Secret", "data": {}}"#, "kind: found \"Secret\", expected \"ConfigMap\""),
        (
            "cm.yaml",
            "kind: ConfigMap\ndata: {stream: '{}'}\n",
            "cm.yaml (data.stream): stream: found nothing",
        ),
        ("cm.yaml", "a: [", "malformed YAML"),
        ("-", "<html>", "malformed JSON"),
    ];
    for (name, text, says) in cases {
        let error = Sources::default().add_reader(name, text.as_bytes()).expect_err(text).to_string();
        assert!(error.contains(says), "{error}");
    }
}
