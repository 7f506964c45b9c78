//! The URLs of a stream document with their positions, so that they can be replaced without other changes.

use std::ops::Range;
use std::sync::Arc;

use super::fault::Faults;
use super::id::{ArtifactId, UrlField};
use super::parse::{Parsed, UrlSpan};

/// One URL of a document's artifacts, and its position in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUrl {
    pub id: ArtifactId,
    pub field: UrlField,
    /// The `release` of the artifact's platform, a build ID; `None` if it is empty.
    pub release: Option<Arc<str>>,
    pub url: String,
    /// The bytes of the JSON string, quotation marks included.
    span: Range<usize>,
}

impl FoundUrl {
    /// The JSON path of the URL: `architectures.x86_64.artifacts.metal.formats.iso.disk.location`.
    pub fn path(&self) -> String {
        let ArtifactId { arch, platform, format, component } = &self.id;
        format!("architectures.{arch}.artifacts.{platform}.formats.{format}.{component}.{}", self.field)
    }
}

/// Parses a stream document and returns every URL of its artifacts, in the order of the text.
pub fn find_urls(name: &str, text: &str) -> Result<Vec<FoundUrl>, Faults> {
    let Parsed { document, spans } = Parsed::read(name, text.as_bytes(), Some(Vec::new()))?;
    let found = spans.into_iter().flatten().filter_map(|UrlSpan { artifact, field, bytes }| {
        let artifact = document.artifacts.get(artifact)?;
        let url = match field {
            UrlField::Location => artifact.location.clone(),
            UrlField::Signature => artifact.signature.clone()?,
        };
        let release = Some(&artifact.release).filter(|release| !release.is_empty()).cloned();
        Some(FoundUrl { id: artifact.id.clone(), field, release, url, span: bytes })
    });
    Ok(found.collect())
}

/// The document with some of its URLs replaced and every other byte unchanged.
///
/// The URLs must come from [`find_urls`] on the same text. A URL replaced by itself keeps its bytes, escapes
/// included.
pub fn replace_urls<'a>(text: &str, urls: impl IntoIterator<Item = (&'a FoundUrl, &'a str)>) -> String {
    let mut changed = String::with_capacity(text.len() + text.len() / 8);
    let mut done = 0;
    for (found, url) in urls {
        if found.url == url {
            continue;
        }
        // With spans of another text, the rest of the text is not changed.
        let Some(before) = text.get(done..found.span.start) else { break };
        changed.push_str(before);
        changed.push_str(&serde_json::Value::from(url).to_string());
        done = found.span.end;
    }
    changed.push_str(text.get(done..).unwrap_or_default());
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"stream": "s", "x": [1e3, {"location": "https://not/this"}],
	"architectures": { "x86_64" : {"artifacts":{"metal":{"formats":{"iso":{"disk":
	  {"sha256":"b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c","location" :  "https:\/\/h\/a.iso","signature": "https://h/a.iso.sig" , "new": null}}},
	  "release":"1"}}, "images": {"aws": {"location": "https://nor/this"}}}}}
"#;

    #[test]
    fn only_the_urls_of_artifacts_are_found() {
        let found = find_urls("d", DOCUMENT).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|it| {
                (it.path(), it.url.as_str(), it.release.as_deref(), DOCUMENT.get(it.span.clone()).unwrap())
            })
            .collect();
        let path = "architectures.x86_64.artifacts.metal.formats.iso.disk";
        assert_eq!(
            shown,
            [
                (format!("{path}.location"), "https://h/a.iso", Some("1"), r#""https:\/\/h\/a.iso""#),
                (format!("{path}.signature"), "https://h/a.iso.sig", Some("1"), r#""https://h/a.iso.sig""#),
            ]
        );
    }

    #[test]
    fn only_the_bytes_of_replaced_urls_change() {
        let found = find_urls("d", DOCUMENT).unwrap();
        let same = replace_urls(DOCUMENT, found.iter().map(|it| (it, it.url.as_str())));
        assert_eq!(same, DOCUMENT);
        let moved = replace_urls(DOCUMENT, found.iter().map(|it| (it, "https://g/\"\n\u{1}ü")));
        let escaped = "\"https://g/\\\"\\n\\u0001ü\"";
        let expected =
            DOCUMENT.replace(r#""https:\/\/h\/a.iso""#, escaped).replace(r#""https://h/a.iso.sig""#, escaped);
        assert_eq!(moved, expected);
    }

    #[test]
    fn text_that_is_not_a_stream_document_is_refused_with_its_position() {
        let cases = [
            ("", "d:1:1: found malformed JSON (EOF"),
            ("[]", "found an array, expected stream metadata, an object"),
            ("{}", "d: architectures: found nothing"),
            (r#"{"architectures": 1}"#, "d:1:19: architectures: found the number 1"),
            (r#"{"architectures": {}} x"#, "malformed JSON (trailing characters)"),
            (
                r#"{"architectures": {"a": {"artifacts": {"p": {"formats": {"f": {"c": {"location": 1}}}}}}}}"#,
                "architectures.a.artifacts.p.formats.f.c.location: found the number 1, expected a string",
            ),
        ];
        for (text, says) in cases {
            let error = find_urls("d", text).expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
