//! Stream metadata inside a `coreos-bootimages` ConfigMap, as released clusters carry it.

use std::path::Path;

use serde::Deserialize;

use super::fault::{Fault, Faults, quoted};
use super::{Document, claim};

/// A ConfigMap, as far as it matters here.
#[derive(Deserialize)]
struct Manifest {
    kind: Option<String>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Data {
    stream: Option<String>,
}

/// Reads a stream document, or a ConfigMap manifest (JSON or YAML) that holds one in `data.stream`.
pub(super) fn parse(name: &str, text: &[u8]) -> Result<Document, Faults> {
    let manifest = match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => match serde_json::from_slice::<Manifest>(text) {
            // The installer reads a document whatever `kind` it has besides.
            Ok(manifest) if manifest.kind.is_some() && claim::is_none_made(text) => manifest,
            _ => return Document::parse(name, text),
        },
        _ if is_yaml_name(name) => from_yaml(name, text)?,
        Some(_) if from_yaml(name, text).is_ok_and(|manifest| manifest.kind.is_some()) => {
            from_yaml(name, text)?
        }
        _ => return Document::parse(name, text),
    };
    let fault = |path: &str, found: String, expected: &str| Fault {
        file: name.to_owned(),
        position: None,
        path: path.to_owned(),
        found,
        expected: expected.to_owned(),
    };
    if manifest.kind.as_deref() != Some("ConfigMap") {
        let found = manifest.kind.map_or_else(|| "nothing".to_owned(), |kind| quoted(&kind));
        return Err(fault("kind", found, "\"ConfigMap\"").into());
    }
    let Some(stream) = manifest.data.and_then(|data| data.stream) else {
        return Err(fault("data.stream", "nothing".to_owned(), "stream metadata, a string of JSON").into());
    };
    let mut document = Document::parse(&format!("{name} (data.stream)"), stream.as_bytes())?;
    document.name = name.into();
    Ok(document)
}

fn is_yaml_name(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| ["yaml", "yml"].contains(&extension.to_ascii_lowercase().as_str()))
}

/// Reads a YAML manifest. The parser bounds aliases and depth, so that a small file can't become a large one.
fn from_yaml(name: &str, text: &[u8]) -> Result<Manifest, Faults> {
    serde_saphyr::from_slice(text).map_err(|error| {
        let what = error.to_string();
        let first = what.lines().next().unwrap_or_default();
        Fault {
            file: name.to_owned(),
            position: None,
            path: String::new(),
            found: format!("malformed YAML ({})", crate::text::excerpt(first, 200)),
            expected: "a ConfigMap manifest".to_owned(),
        }
        .into()
    })
}
