//! Manifests: the documents in `stream` and `streams`, in a file or a directory.

use super::*;

fn config_map(data: &serde_json::Value) -> serde_json::Value {
    let metadata = serde_json::json!({"name": "coreos-bootimages"});
    serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
}

fn from_text(name: &str, text: &str) -> Result<Sources, String> {
    let mut sources = Sources::default();
    sources.add_reader(name, text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(sources)
}

fn document_of(stream: &str, file: &str) -> String {
    with_component(&valid_component().replace("f.iso", file)).replace("rhcos-4.99", stream)
}

#[test]
fn a_manifest_holds_documents_in_stream_and_streams() {
    let (nine, ten) = (document_of("rhel-9", "nine"), document_of("rhel-10", "ten"));
    // The default stream equals one of `streams`, with different formatting.
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
        // Anything but a list with items counts as one manifest.
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

/// The installer reads such a file as stream metadata and ignores `kind`.
#[test]
fn a_document_is_not_hidden_by_a_manifest_in_it() {
    let valid = with_component(&valid_component());
    let both = valid.replacen('{', r#"{"kind": "ConfigMap", "data": {"stream": "{}"}, "#, 1);
    assert_eq!(from_text("-", &both).unwrap().documents[0].document.artifacts.len(), 1);
}

#[test]
fn a_manifest_without_a_document_says_what_is_missing() {
    let valid = document_of("rhel-9", "nine");
    let with =
        |key: &str, value: &str| config_map(&serde_json::json!({"stream": valid, key: value})).to_string();
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
        ("cm.json", with("rhel-10", &valid), "found the key \"rhel-10\""),
        ("cm.json", unnamed(serde_json::json!({"x": valid})), "found the key \"x\""),
        (
            "cm.json",
            unnamed(serde_json::json!({"stream": valid, "Streams": "{}"})),
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
        (
            "cm.json",
            streams(r#"{"rhel-9": null}"#),
            "cm.json#rhel-9:1:1: found null, expected stream metadata",
        ),
        (
            "cm.json",
            streams(r#"{"rhel-9": {"stream": "x"}}"#),
            "cm.json#rhel-9: architectures: found nothing",
        ),
        ("cm.json", streams(&format!(r#"{{"a": {valid}, "a": {valid}}}"#)), "a: found a duplicate key"),
        (
            "cm.json",
            streams(&format!(r#"{{"{}": {valid}}}"#, "x".repeat(129))),
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
