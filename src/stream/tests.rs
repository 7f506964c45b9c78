//! Valid and invalid documents.

use std::fs;
use std::path::Path;

use super::*;

mod checkouts;
mod go;
mod manifests;

const DIGEST: &str = "f6e4458958f38a7bccae4a89a73134d431b86b183ebcf76542446c959fa2d520";

/// A document with the text of one component object.
fn with_component(component: &str) -> String {
    format!(
        r#"{{"stream": "rhcos-4.99", "metadata": {{}}, "architectures": {{"x86_64": {{"artifacts": {{
            "metal": {{"formats": {{"iso": {{"disk": {component}}}}}, "release": "499.98.1-0"}}}}}}}}}}"#
    )
}

fn valid_component() -> String {
    format!(r#"{{"location": "https://h/f.iso", "sha256": "{DIGEST}"}}"#)
}

fn faults(text: &str) -> String {
    Document::parse("rhcos.json", text.as_bytes()).expect_err(text).to_string()
}

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
fn an_artifact_has_all_fields_of_the_document() {
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
fn unknown_keys_are_accepted() {
    let text = format!(
        r#"{{"stream": "s", "new": [{{"deep": {{}}}}], "architectures": {{"riscv64": {{"new": 1,
            "images": {{"aws": {{"regions": {{"us-east-1": {{"image": "ami-1", "n": 2}}}}}}}},
            "artifacts": {{"moon": {{"release": "r", "formats": {{"cheese": {{"rind": {valid},
            "note": "text", "about": {{"text": "x"}}}}}}}}}}}}}}}}"#,
        valid = valid_component()
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
fn every_fault_has_a_position_what_was_found_and_what_was_expected() {
    let disk = "architectures.x86_64.artifacts.metal.formats.iso.disk";
    let sized =
        |size: &str| with_component(&valid_component().replace('}', &format!(r#", "size": {size}}}"#)));
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
        (sized("-1"), "found the number -1, expected a whole number of bytes".into()),
        (sized("1.5"), "found the number 1.5, expected a whole number of bytes".into()),
        (sized("18446744073709551616"), "expected a whole number of bytes".into()),
        (
            with_component(&format!(
                r#"{{"location": "https://h/f", "\u0073ha256": "", "sha256": "{DIGEST}"}}"#
            )),
            format!("{disk}.sha256: found a duplicate key, expected each key once"),
        ),
        (
            with_component(&format!(
                r#"{{"location": "https://h/f", "location": "https://h/g", "sha256": "{DIGEST}"}}"#
            )),
            format!("{disk}.location: found a duplicate key, expected each key once"),
        ),
        (
            r#"{"unknown": {"a": 1, "a": 2}, "stream": "s", "architectures": {}}"#.into(),
            "unknown.a: found a duplicate key".into(),
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
            with_component(&valid_component()).replace("\"metal\"", "\"a/b\""),
            "found a name with a slash or a colon".into(),
        ),
        (
            with_component(&format!(r#"{{"location": "x\u001b[31m", "sha256": "{DIGEST}"}}"#)),
            "found \"x\\u{1b}[31m\"".into(),
        ),
        (format!("{} trailing", with_component(&valid_component())), "trailing characters".into()),
        (format!("{}\0", with_component(&valid_component())), "trailing characters".into()),
        ("[".repeat(100_000), "found malformed JSON".into()),
        (
            format!(r#"{{"a": {}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)),
            "found too many levels of nesting, expected at most 127 levels, fewer in a large document".into(),
        ),
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
fn a_cloud_without_images_is_not_listed() {
    let text = with_component(&valid_component()).replacen(
        "\"artifacts\"",
        r#""images": {"aws": null, "gcp": {"name": "n"}}, "artifacts""#,
        1,
    );
    let document = Document::parse("rhcos.json", text.as_bytes()).unwrap();
    let images: Vec<_> = document.cloud_images.iter().map(|image| (&*image.path, &*image.value)).collect();
    assert_eq!(images, [("images.gcp.name", "n")]);
}

/// Each string with its maximum printed length, and one more.
#[test]
fn strings_are_bounded_as_they_are_printed() {
    type Make = fn(&str) -> String;
    fn url(file: &str) -> String {
        with_component(&valid_component().replace("https://h/f.iso", file))
    }
    fn image(path: &str, value: &str) -> String {
        let images = format!(r#""images": {{"{path}": "{value}"}}, "artifacts""#);
        with_component(&valid_component()).replacen("\"artifacts\"", &images, 1)
    }
    let cases: [(&str, usize, Make); 9] = [
        ("location", 2_048, |text| url(&format!("https://h/{}", text.get(10..).unwrap()))),
        ("signature", 2_048, |text| {
            let signature = format!(r#"{{"signature": "https://h/{}", "#, text.get(10..).unwrap());
            with_component(&valid_component().replacen('{', &signature, 1))
        }),
        ("release", 128, |text| with_component(&valid_component()).replace("499.98.1-0", text)),
        ("stream", 128, |text| with_component(&valid_component()).replace("rhcos-4.99", text)),
        ("arch", 64, |text| with_component(&valid_component()).replace("x86_64", text)),
        ("platform", 64, |text| with_component(&valid_component()).replace("metal", text)),
        ("format", 64, |text| with_component(&valid_component()).replace("\"iso\"", &format!("\"{text}\""))),
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
        |times: usize| with_component(&valid_component()).replace("rhcos-4.99", &"\\u202e".repeat(times));
    assert!(Document::parse("f", escaped(16).as_bytes()).is_ok());
    assert!(faults(&escaped(17)).contains("at most 128 characters"));
    // Unused keys can have any length; the text of a fault is limited.
    let keys = r#"{"\u202e\u202e\u202e\u202e\u202e\u202e\u202e\u202e\u202e\u202e\u202e": "#.repeat(100);
    let end = "}".repeat(100);
    let deep = format!(r#"{{"stream": "s", "x": {keys}{{"a": 1, "a": 1}}{end}}}"#);
    let error = faults(&deep);
    assert!(error.contains("….…: found a duplicate key") && error.len() < 1_000, "{error}");
}

/// Each level of nesting is read with all that it holds, so a large value cannot be as deep as a small one.
#[test]
fn a_large_document_cannot_be_nested_deeply() {
    let nested = |bytes: usize, levels: usize| {
        let (begin, end, value) = ("[".repeat(levels), "]".repeat(levels), "a".repeat(bytes));
        with_component(&valid_component()).replacen('{', &format!(r#"{{"x": {begin}"{value}"{end}, "#), 1)
    };
    let parse = |text: &str| Document::parse("f", text.as_bytes());
    assert!(parse(&nested(1, 126)).is_ok() && parse(&nested(9 << 20, 100)).is_ok());
    let error = parse(&nested(63 << 20, 126)).unwrap_err().to_string();
    assert!(error.contains("found too many levels of nesting"), "{error:.300}");
}

#[test]
fn several_faults_are_reported_together_and_a_flood_is_cut() {
    let text = with_component(r#"{"location": 5, "sha256": "x"}"#).replace("\"stream\"", "\"scream\"");
    assert_eq!(faults(&text).lines().count(), 3, "{}", faults(&text));
    let flood = format!(r#"{{"stream": "s", "x": {{{}}}}}"#, vec![r#""a": 1"#; 1000].join(","));
    let shown = faults(&flood);
    assert!(shown.ends_with("… and 950 more faults"), "{shown}");
}
