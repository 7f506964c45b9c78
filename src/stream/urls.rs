//! The URLs of a stream document as places in its text, so that they can be changed and nothing else.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::ArtifactId;

/// One URL of a document's artifacts, and where it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUrl {
    /// The artifact.
    pub id: ArtifactId,
    /// Which of the artifact's URLs.
    pub field: UrlField,
    /// The `release` of the artifact's platform, a build ID.
    pub release: Option<Arc<str>>,
    /// The URL, its JSON escapes undone.
    pub url: String,
    /// The bytes of the JSON string, quotation marks included.
    span: Range<usize>,
}

impl FoundUrl {
    /// Where in the document the URL is, such as
    /// `architectures.x86_64.artifacts.metal.formats.iso.disk.location`.
    pub fn path(&self) -> String {
        let ArtifactId { arch, platform, format, component } = &self.id;
        format!("architectures.{arch}.artifacts.{platform}.formats.{format}.{component}.{}", self.field)
    }
}

/// The fields of an artifact that hold a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UrlField {
    /// The file itself.
    Location,
    /// Its detached OpenPGP signature.
    Signature,
}

impl fmt::Display for UrlField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Location => "location",
            Self::Signature => "signature",
        })
    }
}

/// Finds every URL of a document's artifacts, in the document's order.
///
/// What is not an artifact (cloud images, unknown fields) is passed over, whatever it is.
pub fn find_urls(text: &str) -> Result<Vec<FoundUrl>, FindUrlsError> {
    let mut finder = Finder { text, found: Vec::new() };
    let mut sections = 0;
    named("the document", text, "architectures", |_, architectures| {
        sections += 1;
        each("architectures", architectures.get(), |arch, body| {
            let path = format!("architectures.{arch}");
            named(&path, body.get(), "artifacts", |_, artifacts| finder.platforms(&arch, artifacts))
        })
    })?;
    if sections == 0 {
        return Err(FindUrlsError::NoStream);
    }
    Ok(finder.found)
}

/// The document with some of its URLs replaced, every other byte as it was.
///
/// The URLs come from [`find_urls`] on the same text. One that is replaced by itself keeps its bytes, whatever
/// escapes they use.
pub fn replace_urls<'a>(text: &str, urls: impl IntoIterator<Item = (&'a FoundUrl, &'a str)>) -> String {
    let mut changed = String::with_capacity(text.len() + text.len() / 8);
    let mut done = 0;
    for (found, url) in urls {
        if found.url == url {
            continue;
        }
        // Spans of another text would not fit; then the rest of the text stays as it is.
        let Some(before) = text.get(done..found.span.start) else { break };
        changed.push_str(before);
        changed.push_str(&serde_json::Value::from(url).to_string());
        done = found.span.end;
    }
    changed.push_str(text.get(done..).unwrap_or_default());
    changed
}

struct Finder<'a> {
    text: &'a str,
    found: Vec<FoundUrl>,
}

impl<'a> Finder<'a> {
    fn platforms(&mut self, arch: &str, artifacts: &'a RawValue) -> Result<(), FindUrlsError> {
        let path = format!("architectures.{arch}.artifacts");
        let arch: Arc<str> = arch.into();
        each(&path, artifacts.get(), |platform, body| {
            let path = format!("{path}.{platform}");
            let mut release: Option<Arc<str>> = None;
            named(&path, body.get(), "release", |name, value| {
                release = Some(string(&format!("{path}.{name}"), value)?.into());
                Ok(())
            })?;
            let platform: Arc<str> = platform.into();
            named(&path, body.get(), "formats", |_, formats| {
                each(&format!("{path}.formats"), formats.get(), |format, components| {
                    let path = format!("{path}.formats.{format}");
                    let format: Arc<str> = format.into();
                    each(&path, components.get(), |component, body| {
                        let (arch, platform, format) = (arch.clone(), platform.clone(), format.clone());
                        let id = ArtifactId { arch, platform, format, component: component.into() };
                        self.component(&id, release.as_ref(), body)
                    })
                })
            })
        })
    }

    fn component(
        &mut self,
        id: &ArtifactId,
        release: Option<&Arc<str>>,
        body: &'a RawValue,
    ) -> Result<(), FindUrlsError> {
        let path = format!("the artifact {id}");
        each(&path, body.get(), |name, value| {
            let field = match name.as_str() {
                "location" => UrlField::Location,
                "signature" if value.get() != "null" => UrlField::Signature,
                _ => return Ok(()),
            };
            let url = string(&format!("{path}.{name}"), value)?;
            // A raw value is a part of the very text that it was read from.
            let start = value.get().as_ptr().addr().saturating_sub(self.text.as_ptr().addr());
            let span = start..start + value.get().len();
            self.found.push(FoundUrl { id: id.clone(), field, release: release.cloned(), url, span });
            Ok(())
        })
    }
}

fn string(path: &str, value: &RawValue) -> Result<String, FindUrlsError> {
    serde_json::from_str(value.get()).map_err(|error| FindUrlsError::Json { path: path.to_owned(), error })
}

/// Does something with the value of every field of one name.
fn named<'a>(
    path: &str,
    text: &'a str,
    name: &str,
    mut entry: impl FnMut(String, &'a RawValue) -> Result<(), FindUrlsError>,
) -> Result<(), FindUrlsError> {
    each(path, text, |key, value| if key == name { entry(key, value) } else { Ok(()) })
}

/// Does something with each field of a JSON object, values unread. None is kept: a hostile object has millions.
fn each<'a>(
    path: &str,
    text: &'a str,
    entry: impl FnMut(String, &'a RawValue) -> Result<(), FindUrlsError>,
) -> Result<(), FindUrlsError> {
    let mut outcome = Ok(());
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = deserializer.deserialize_map(Each { entry, outcome: &mut outcome });
    read.and_then(|()| deserializer.end())
        .map_err(|error| FindUrlsError::Json { path: path.to_owned(), error })?;
    outcome
}

struct Each<'o, F> {
    entry: F,
    /// The first error of `entry`.
    outcome: &'o mut Result<(), FindUrlsError>,
}

impl<'de, F: FnMut(String, &'de RawValue) -> Result<(), FindUrlsError>> Visitor<'de> for Each<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry()? {
            if self.outcome.is_ok() {
                *self.outcome = (self.entry)(key, value);
            }
        }
        Ok(())
    }
}

/// Why the URLs of a document could not be found.
#[derive(Debug, thiserror::Error)]
pub enum FindUrlsError {
    /// The text is no JSON, or a part of it is of another kind than stream metadata has there.
    #[error("{}: {error}", crate::text::Printable(path))]
    Json {
        /// Where in the document.
        path: String,
        /// What is wrong there; lines and columns count from the beginning of that part.
        #[source]
        error: serde_json::Error,
    },
    /// No `architectures`.
    #[error("the document is no stream metadata: it has no `architectures`")]
    NoStream,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"stream": "s", "x": [1e3, {"location": "https://not/this"}],
	"architectures": { "x86_64" : {"artifacts":{"metal":{"formats":{"iso":{"disk":
	  {"sha256":"00","location" :  "https:\/\/h\/a.iso","signature": "https://h/a.iso.sig" , "new": null}}},
	  "release":"1"}}, "images": {"aws": {"location": "https://nor/this"}}}}}
"#;

    #[test]
    fn only_the_urls_of_artifacts_are_found() {
        let found = find_urls(DOCUMENT).unwrap();
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
    fn only_the_bytes_of_what_changes_are_changed() {
        let found = find_urls(DOCUMENT).unwrap();
        let same = replace_urls(DOCUMENT, found.iter().map(|it| (it, it.url.as_str())));
        assert_eq!(same, DOCUMENT);
        let moved = replace_urls(DOCUMENT, found.iter().map(|it| (it, "https://g/\"\n\u{1}ü")));
        let escaped = "\"https://g/\\\"\\n\\u0001ü\"";
        let expected =
            DOCUMENT.replace(r#""https:\/\/h\/a.iso""#, escaped).replace(r#""https://h/a.iso.sig""#, escaped);
        assert_eq!(moved, expected);
    }

    #[test]
    fn what_is_no_stream_document_is_refused_with_its_place() {
        let cases = [
            ("", "the document: EOF"),
            ("[]", "the document: invalid type: sequence, expected an object"),
            ("{}", "no `architectures`"),
            (r#"{"architectures": 1}"#, "architectures: invalid type"),
            (r#"{"architectures": {}} x"#, "the document: trailing characters"),
            (
                r#"{"architectures": {"a": {"artifacts": {"p": {"formats": {"f": {"c": {"location": 1}}}}}}}}"#,
                "the artifact a/p/f/c.location: invalid type: integer `1`, expected a string",
            ),
        ];
        for (text, says) in cases {
            let error = find_urls(text).expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
