//! Stream metadata in the `ConfigMap` `coreos-bootimages` of released clusters.
//!
//! The installer's `hack/build-coreos-manifest.go` writes the key `stream`, a stream document, and from OpenShift
//! 5.0 also (or only) `streams`, a JSON map from a stream's name to a stream document.

use std::path::Path;

use serde_json::{Map, Value};

use super::Document;
use super::claim::Claim;
use super::fault::{Fault, Faults, quoted};
use super::limits::{MAX_EXCERPT, MAX_MANIFEST_BYTES, MAX_STREAM};
use super::reader::{Reader, Shape};
use crate::text::{excerpt, printed_length};

/// The name of the `ConfigMap` with stream metadata in a cluster.
const NAME: &str = "coreos-bootimages";

/// The content of a file of manifests.
#[derive(Debug, Default)]
pub(super) struct Manifests {
    pub(super) documents: Vec<Document>,
    /// The number of manifests without stream metadata.
    pub(super) others: usize,
}

/// Parses a stream document, or manifests (JSON or YAML) of which at least one has stream metadata.
pub(super) fn parse(name: &str, text: &[u8]) -> Result<Manifests, Faults> {
    let claim = Claim::of(text);
    let nodes = match claim {
        Claim::Manifest => from_json(name, text)?,
        Claim::Stream => return single_document(name, text),
        _ if is_yaml(name.as_ref()) => from_yaml(name, text)?,
        Claim::Malformed => match from_yaml(name, text) {
            Ok(nodes) if nodes.iter().any(|node| node.get("kind").is_some()) => nodes,
            _ => return single_document(name, text),
        },
        Claim::Object | Claim::Value => return single_document(name, text),
    };
    let mut reader = ManifestReader { name, found: Manifests::default(), other_kind: None };
    reader.add_all(&nodes)?;
    if !reader.found.documents.is_empty() {
        return Ok(reader.found);
    }
    Err(match reader.other_kind {
        Some(kind) => fault(name, "kind", kind, "\"ConfigMap\""),
        None => fault(name, "data.stream", "nothing".to_owned(), "stream metadata, a string of JSON"),
    }
    .into())
}

/// Parses a file of a directory of manifests, which need not have stream metadata.
pub(super) fn parse_any(name: &str, text: &[u8]) -> Result<Manifests, Faults> {
    let nodes =
        if Claim::of(text) == Claim::Manifest { from_json(name, text)? } else { from_yaml(name, text)? };
    let mut reader = ManifestReader { name, found: Manifests::default(), other_kind: None };
    reader.add_all(&nodes)?;
    Ok(reader.found)
}

pub(super) fn is_yaml(path: &Path) -> bool {
    let extension = path.extension();
    extension.is_some_and(|it| it.eq_ignore_ascii_case("yaml") || it.eq_ignore_ascii_case("yml"))
}

fn single_document(name: &str, text: &[u8]) -> Result<Manifests, Faults> {
    Ok(Manifests { documents: vec![Document::parse(name, text)?], others: 0 })
}

struct ManifestReader<'n> {
    name: &'n str,
    found: Manifests,
    /// The kind of the first manifest that is not a `ConfigMap`.
    other_kind: Option<String>,
}

impl ManifestReader<'_> {
    fn add_all(&mut self, nodes: &[Value]) -> Result<(), Faults> {
        for node in nodes {
            match node.get("kind").and_then(Value::as_str) {
                Some("ConfigMap") => self.add_config_map(node)?,
                Some(kind) if kind.ends_with("List") && node.get("items").is_some() => {
                    if let Some(Value::Array(items)) = node.get("items") {
                        self.add_all(items)?;
                    }
                }
                kind => {
                    let kind = kind.map_or_else(|| "nothing".to_owned(), quoted);
                    self.other_kind.get_or_insert(kind);
                    self.found.others += 1;
                }
            }
        }
        Ok(())
    }

    fn add_config_map(&mut self, node: &Value) -> Result<(), Faults> {
        let nothing = Map::new();
        let data = node.get("data").and_then(Value::as_object).unwrap_or(&nothing);
        let is_named = node.get("metadata").and_then(|metadata| metadata.get("name")?.as_str()) == Some(NAME);
        let holds_streams = is_named || data.keys().any(|key| key == "stream" || key == "streams");
        // A second ConfigMap with streams in a file gets a number in its name.
        let others = self.found.documents.len();
        let name = if others == 0 { self.name.to_owned() } else { format!("{}[{others}]", self.name) };
        let (mut default, mut entries) = (None, Vec::new());
        for (key, value) in data {
            let at = format!("data.{}", excerpt(key, MAX_EXCERPT));
            match (key.as_str(), value.as_str()) {
                ("stream" | "streams", None) => {
                    return Err(fault(&name, &at, "something else".to_owned(), "a string of JSON").into());
                }
                ("stream", Some(text)) => {
                    let mut document = Document::parse(&format!("{name} (data.stream)"), text.as_bytes())?;
                    document.name = name.as_str().into();
                    default = Some(document);
                }
                ("streams", Some(text)) => {
                    let file = format!("{name} (data.streams)");
                    entries = streams(&name, &file, text)?;
                }
                (_, text) => {
                    let is_stream = text.is_some_and(|text| Claim::of(text.as_bytes()) == Claim::Stream);
                    let is_near = holds_streams && key.to_ascii_lowercase().starts_with("stream");
                    if is_stream || is_near {
                        let found = format!("the key {}", quoted(key));
                        return Err(
                            fault(&name, &at, found, "stream metadata under `stream` or `streams`").into()
                        );
                    }
                }
            }
        }
        if default.is_none() && entries.is_empty() {
            if is_named {
                let expected = "stream metadata, a string of JSON";
                return Err(fault(&name, "data.stream", "nothing".to_owned(), expected).into());
            }
            self.found.others += 1;
        }
        // Of two equal documents, the entry of `streams` is kept, because it is named after its key.
        let differs = |default: &Document| !entries.iter().any(|entry| entry.says_the_same(default));
        let default = default.filter(differs);
        for document in default.into_iter().chain(entries) {
            match self.found.documents.iter_mut().find(|known| known.says_the_same(&document)) {
                Some(known) => known.keys.extend(document.keys),
                None => self.found.documents.push(document),
            }
        }
        Ok(())
    }
}

/// Parses `data.streams`.
fn streams(name: &str, file: &str, text: &str) -> Result<Vec<Document>, Faults> {
    let mut found = Vec::new();
    Reader::read(file, text.as_bytes(), |reader, raw| {
        let is_object = reader.object(raw, &STREAMS, |reader, key, raw| {
            if key.is_empty() || printed_length(key) > MAX_STREAM {
                let expected = format!("a name of 1 to {MAX_STREAM} characters");
                return reader.fault(Some(raw), format!("the key {}", quoted(key)), &expected);
            }
            match Document::parse(&format!("{name}#{key}"), raw.as_bytes()) {
                Ok(document) => found.push(Document { keys: vec![key.into()], ..document }),
                Err(faults) => reader.append(faults),
            }
        });
        if is_object && found.is_empty() && reader.is_clean() {
            reader.fault(None, "no stream".to_owned(), "at least one");
        }
    })?;
    Ok(found)
}

const STREAMS: Shape = Shape { fields: &[], is_nullable: false, expected: "an object of stream documents" };

fn fault(name: &str, path: &str, found: String, expected: &str) -> Fault {
    let (file, path) = (name.to_owned(), path.to_owned());
    Fault { file, position: None, path, found, expected: expected.to_owned() }
}

fn from_json(name: &str, text: &[u8]) -> Result<Vec<Value>, Faults> {
    bounded(name, text)?;
    // Rejects duplicate keys, of which `serde_json` would use the last.
    Reader::read(name, text, Reader::skip)?;
    serde_json::from_slice(text)
        .map(|value| vec![value])
        .map_err(|error| malformed(name, "JSON", &error.to_string()))
}

/// Parses the YAML documents of a file. The parser limits aliases and depth, so that a small file cannot expand
/// without bound.
fn from_yaml(name: &str, text: &[u8]) -> Result<Vec<Value>, Faults> {
    bounded(name, text)?;
    serde_saphyr::from_slice_multiple(text).map_err(|error| malformed(name, "YAML", &error.to_string()))
}

fn bounded(name: &str, text: &[u8]) -> Result<(), Faults> {
    if text.len() <= MAX_MANIFEST_BYTES {
        return Ok(());
    }
    let expected = format!("a manifest of at most {MAX_MANIFEST_BYTES}");
    Err(fault(name, "", format!("{} bytes", text.len()), &expected).into())
}

fn malformed(name: &str, what: &str, why: &str) -> Faults {
    let first = why.lines().next().unwrap_or_default();
    let found = format!("malformed {what} ({})", excerpt(first, 200));
    fault(name, "", found, "a ConfigMap manifest").into()
}
