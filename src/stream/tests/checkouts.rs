//! Checkouts: which files are documents, which are reported as skipped, and legacy metadata.

use super::*;

#[test]
fn a_checkout_gives_its_stream_documents_and_names_what_it_skips() {
    let valid = with_component(&valid_component());
    let legacy = format!(
        r#"{{"buildid": "42.81.20190919.0", "images": {{"x": {{"path": "f", "sha256": "{DIGEST}"}}}}}}"#
    );
    let root = checkout(&[
        ("data/data/rhcos-stream.json", &valid),
        ("data/data/fcos-stream.json", &valid),
        ("data/data/other.json", "[1]"),
        ("data/data/rhcos.json", &legacy),
        ("data/data/rhcos-amd64.json", &legacy),
        ("data/data/manifests/not-looked-at.json", "nonsense"),
        ("data/data/coreos/rhcos.json", &valid),
        ("data/data/coreos/new-name.json", &valid),
        ("data/data/coreos/.json", &valid),
        ("data/data/coreos/a/b/c/d/e/five.json", &valid),
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
    let valid = with_component(&valid_component());
    let deep = format!("data/data/coreos/{}x.json", "d/".repeat(20));
    let long = format!("data/data/coreos/{}.json", "x".repeat(240));
    let cases = [
        ("data/data/coreos/rhcos.json", r#"{"stream": "s"}"#.to_owned(), "architectures: found nothing"),
        ("data/data/coreos/x.json", valid.replace("architectures", "Architectures"), "in that spelling"),
        ("data/data/coreos/x.json", valid.replace("stream", "scream") + "x", "malformed JSON"),
        ("data/data/coreos/x.JSON", "nonsense".to_owned(), "malformed JSON"),
        ("data/data/x.json", "nonsense".to_owned(), "data/data/x.json:1:2: found malformed JSON"),
        ("data/data/x.json", format!("\u{feff}{valid}"), "x.json:1:1: found malformed JSON"),
        (&deep, valid.clone(), "expected directories nested at most 16 deep"),
        (&long, valid.clone(), "found a longer path, expected a path of at most 256 characters"),
    ];
    for (name, text, says) in cases {
        let root = checkout(&[("data/data/coreos/fcos.json", &valid), (name, &text)]);
        let error = read(root.path()).expect_err(name);
        assert!(error.contains(says), "{name}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_not_utf_8_is_not_passed_over() {
    use std::os::unix::ffi::OsStrExt as _;
    let valid = with_component(&valid_component());
    let root = checkout(&[("data/data/coreos/fcos.json", &valid)]);
    let name = std::ffi::OsStr::from_bytes(b"\xff.json");
    fs::write(root.path().join("data/data/coreos").join(name), &valid).unwrap();
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
    let bad = with_component(&valid_component()).replace("x86_64", &"\\u202e".repeat(5_000));
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
    let root = checkout(&[("data/data/coreos/fcos.json", &with_component(&valid_component()))]);
    let directory = root.path().join("data/data/coreos/many");
    fs::create_dir_all(&directory).unwrap();
    // Including the parent directories.
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
    let root = checkout(&[("rhcos-4.8.json", &with_component(&valid_component())), ("package.json", "{}")]);
    let sources = read(root.path()).unwrap();
    assert_eq!(names(&sources), ["rhcos-4.8.json"]);
    assert_eq!(skipped(&sources), [("package.json", "not stream metadata: it has no `architectures`")]);
}

#[cfg(unix)]
#[test]
fn a_link_may_lead_within_the_checkout_but_not_out_of_it() {
    let valid = with_component(&valid_component());
    let outside = checkout(&[("secret.json", &valid)]);
    let root = checkout(&[("data/data/coreos/fcos.json", &valid)]);
    let home = root.path().join("data/data/coreos");
    std::os::unix::fs::symlink("fcos.json", home.join("rhcos.json")).unwrap();
    assert_eq!(read(root.path()).unwrap().documents.len(), 2);
    std::os::unix::fs::symlink(outside.path().join("secret.json"), home.join("scos.json")).unwrap();
    let error = read(root.path()).unwrap_err();
    assert!(error.contains("found a link out of the checkout"), "{error}");
}

#[test]
fn legacy_metadata_is_found_around_the_document() {
    let valid = with_component(&valid_component());
    let legacy = format!(r#"{{"images": {{"iso": {{"path": "f.iso", "sha256": "{DIGEST}", "size": 5}}}}}}"#);
    let root = checkout(&[
        ("data/data/rhcos-stream.json", &valid),
        ("data/data/coreos/rhcos.json", &valid),
        ("data/data/rhcos-amd64.json", &legacy),
    ]);
    // A directory can be reached under another name, such as `.`.
    std::os::unix::fs::symlink("data/data/coreos", root.path().join("here")).unwrap();
    for source in ["", "data/data/rhcos-stream.json", "data/data/coreos/rhcos.json", "here/rhcos.json"] {
        let sources = read(&root.path().join(source)).unwrap();
        assert_eq!(sources.documents[0].legacy.of("f.iso")[0].size, Some(5), "{source}");
    }
    fs::write(root.path().join("data/data/rhcos-s390x.json"), r#"{"images": {"x": {"size": "5"}}}"#).unwrap();
    let error = read(root.path()).unwrap_err();
    assert!(error.contains("data/data/rhcos-s390x.json:1:27: images.x.size: found the string"), "{error}");
}
