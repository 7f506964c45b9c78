//! Parsing stream metadata, strictly where the installer reads it and leniently elsewhere.
//!
//! The reference types are in coreos/stream-metadata-go, `stream/stream.go`.

use std::ops::Range;
use std::sync::Arc;

use url::Url;

use super::fault::Faults;
use super::id::UrlField;
use super::limits::{MAX_NAME, MAX_RELEASE, MAX_STREAM, MAX_URL};
use super::reader::{Expected, Reader, Shape};
use super::{Artifact, ArtifactId, CloudImage, Document, Form, Sha256};
use crate::text::printed_length;

impl Document {
    /// Parses a stream document. All its faults are reported together.
    pub fn parse(name: &str, text: &[u8]) -> Result<Self, Faults> {
        Parsed::read(name, text, None).map(|parsed| parsed.document)
    }
}

pub(super) struct Parsed {
    pub(super) document: Document,
    /// The positions of the URLs of its artifacts, if requested.
    pub(super) spans: Option<Vec<UrlSpan>>,
}

pub(super) struct UrlSpan {
    pub(super) artifact: usize,
    pub(super) field: UrlField,
    /// The bytes of the JSON string, quotation marks included.
    pub(super) bytes: Range<usize>,
}

impl Parsed {
    pub(super) fn read(name: &str, text: &[u8], spans: Option<Vec<UrlSpan>>) -> Result<Self, Faults> {
        let document = Document {
            name: name.into(),
            sha256: Sha256::of(text),
            keys: Vec::new(),
            stream: String::new(),
            form: Form::default(),
            artifacts: Vec::new(),
            cloud_images: Vec::new(),
        };
        let mut parsed = Self { document, spans };
        Reader::read(name, text, |reader, raw| parsed.stream(reader, raw))?;
        parsed.document.form = std::str::from_utf8(text).map(Form::of).unwrap_or_default();
        Ok(parsed)
    }

    fn stream<'t>(&mut self, reader: &mut Reader<'t>, raw: &'t str) {
        let (mut has_stream, mut has_architectures) = (false, false);
        let is_object = reader.object(raw, &STREAM, |reader, key, raw| match key {
            "stream" => {
                has_stream = true;
                if let Some(stream) = reader.text(raw, MAX_STREAM) {
                    self.document.stream = stream;
                }
            }
            "architectures" => {
                has_architectures = true;
                reader.object(raw, &ARCHITECTURES, |reader, arch, raw| {
                    reader.check_name(arch);
                    self.architecture(reader, raw, arch);
                });
            }
            "metadata" => reader.check(raw, expected_in_metadata),
            _ => reader.skip(raw),
        });
        if !is_object {
            return;
        }
        if !has_stream {
            reader.missing("stream", "the stream's name, a string");
        }
        if !has_architectures {
            reader.missing("architectures", "an object of architectures");
        } else if self.document.artifacts.is_empty() && reader.is_clean() {
            reader.fault(None, "no artifact".to_owned(), "at least one");
        }
    }

    /// An architecture with only cloud images has no `artifacts`.
    fn architecture<'t>(&mut self, reader: &mut Reader<'t>, raw: &'t str, arch: &str) {
        reader.object(raw, &ARCHITECTURE, |reader, key, raw| match key {
            "artifacts" => {
                reader.object(raw, &PLATFORMS, |reader, platform, raw| {
                    reader.check_name(platform);
                    self.platform(reader, raw, [arch, platform]);
                });
            }
            "images" | "rhel-coreos-extensions" => {
                let (arch, images) = (reader.interned(arch), &mut self.document.cloud_images);
                reader.leaves(raw, expected_in_cloud_images, |path, value| {
                    // The path's first two keys are `architectures` and the architecture.
                    let path = path.get(2..).unwrap_or_default().join(".");
                    images.push(CloudImage { arch: Arc::clone(&arch), path, value: value.to_owned() });
                });
            }
            _ => reader.skip(raw),
        });
    }

    fn platform<'t>(&mut self, reader: &mut Reader<'t>, raw: &'t str, [arch, platform]: [&str; 2]) {
        let first = self.document.artifacts.len();
        let (mut release, mut has_formats) = (None, false);
        let is_object = reader.object(raw, &PLATFORM, |reader, key, raw| match key {
            // A mistyped release is a fault of its own, not a missing one.
            "release" => release = Some(reader.text(raw, MAX_RELEASE).unwrap_or_default()),
            "formats" => {
                has_formats = true;
                reader.object(raw, &FORMATS, |reader, format, raw| {
                    reader.check_name(format);
                    reader.object(raw, &COMPONENTS, |reader, component, raw| {
                        reader.check_name(component);
                        self.component(reader, raw, [arch, platform, format, component]);
                    });
                });
            }
            _ => reader.skip(raw),
        });
        if !is_object {
            return;
        }
        if !has_formats {
            reader.missing("formats", "an object of formats");
        }
        let Some(release) = release else { return reader.missing("release", "a build ID, a string") };
        let release: Arc<str> = release.into();
        for artifact in self.document.artifacts.iter_mut().skip(first) {
            artifact.release = Arc::clone(&release);
        }
    }

    fn component<'t>(&mut self, reader: &mut Reader<'t>, raw: &'t str, id: [&str; 4]) {
        // The value of a component unknown to the installer can be anything.
        let [.., component] = id;
        let is_known = COMPONENTS.fields.contains(&component);
        if !is_known && !raw.starts_with('{') {
            return reader.skip(raw);
        }
        // The outer option says whether the field exists, the inner one whether it is valid.
        let (mut location, mut sha256) = (None, None);
        let (mut signature, mut uncompressed_sha256, mut size, mut uncompressed_size) =
            (None, None, None, None);
        let is_object = reader.object(raw, &COMPONENT, |reader, key, raw| match key {
            "location" => {
                location = Some(reader.location(raw));
                self.record_url(UrlField::Location, reader, raw);
            }
            "signature" => {
                signature = reader.optional(raw, Reader::url);
                if signature.is_some() {
                    self.record_url(UrlField::Signature, reader, raw);
                }
            }
            "sha256" => sha256 = Some(reader.parsed(raw)),
            "uncompressed-sha256" => uncompressed_sha256 = reader.optional(raw, Reader::parsed),
            "size" => size = reader.optional(raw, Reader::size),
            "uncompressed-size" => uncompressed_size = reader.optional(raw, Reader::size),
            _ => reader.skip(raw),
        });
        if !is_object {
            return;
        }
        if !is_known && location.is_none() && sha256.is_none() {
            let next = self.document.artifacts.len();
            self.spans.iter_mut().for_each(|spans| spans.retain(|span| span.artifact < next));
            return;
        }
        if location.is_none() {
            reader.missing("location", "a URL, a string");
        }
        if sha256.is_none() {
            reader.missing("sha256", "64 hexadecimal digits, a string");
        }
        // A document with faults is not used, and its names can be as long as the document.
        if let (Some(Some(location)), Some(Some(sha256)), true) = (location, sha256, reader.is_clean()) {
            let [arch, platform, format, component] = id.map(|name| reader.interned(name));
            self.document.artifacts.push(Artifact {
                id: ArtifactId { arch, platform, format, component },
                release: Arc::default(),
                location,
                signature,
                sha256,
                uncompressed_sha256,
                size,
                uncompressed_size,
            });
        }
    }

    /// Records the position of a URL of the next artifact.
    fn record_url(&mut self, field: UrlField, reader: &Reader<'_>, raw: &str) {
        if let (Some(spans), Some(start)) = (&mut self.spans, reader.offset(raw)) {
            let artifact = self.document.artifacts.len();
            spans.push(UrlSpan { artifact, field, bytes: start..start + raw.len() });
        }
    }
}

const STREAM: Shape = Shape {
    fields: &["stream", "metadata", "architectures"],
    is_nullable: false,
    expected: "stream metadata, an object",
};

const ARCHITECTURES: Shape = Shape { fields: &[], is_nullable: true, expected: "an object of architectures" };

const ARCHITECTURE: Shape = Shape {
    fields: &["artifacts", "images", "rhel-coreos-extensions"],
    is_nullable: true,
    expected: "an object",
};

const PLATFORMS: Shape = Shape { fields: &[], is_nullable: true, expected: "an object of platforms" };

const PLATFORM: Shape = Shape { fields: &["release", "formats"], is_nullable: false, expected: "an object" };

const FORMATS: Shape = Shape { fields: &[], is_nullable: true, expected: "an object of formats" };

/// The components that the installer knows.
const COMPONENTS: Shape = Shape {
    fields: &["disk", "kernel", "initramfs", "rootfs"],
    is_nullable: false,
    expected: "an object of components",
};

const COMPONENT: Shape = Shape {
    fields: &["location", "signature", "sha256", "uncompressed-sha256", "size", "uncompressed-size"],
    is_nullable: false,
    expected: "an object with location and sha256",
};

impl<'t> Reader<'t> {
    /// A string that is an absolute URL, or a fault. Whether it may be requested is checked elsewhere.
    fn url(&mut self, raw: &'t str) -> Option<String> {
        let text = self.text(raw, MAX_URL)?;
        match Url::parse(&text) {
            Ok(_) => Some(text),
            Err(error) => {
                self.invalid_string(raw, &text, format!("an absolute URL ({error})"));
                None
            }
        }
    }

    /// A URL that the installer can use, or a fault. Not for signatures, which the installer does not read.
    fn location(&mut self, raw: &'t str) -> Option<String> {
        let text = self.url(raw)?;
        match refused_by_go(&text) {
            None => Some(text),
            Some(why) => {
                self.invalid_string(raw, &text, format!("an absolute URL ({why})"));
                None
            }
        }
    }

    /// Checks that a key can be part of an artifact's id.
    fn check_name(&mut self, key: &str) {
        if key.is_empty() {
            self.fault(None, "an empty name".to_owned(), "a name");
        } else if printed_length(key) > MAX_NAME {
            let expected = format!("a name of at most {MAX_NAME} characters");
            self.fault(None, format!("a name of {} characters", printed_length(key)), &expected);
        } else if key.contains(['/', ':']) {
            // Both are separators in `DOCUMENT:ARCH/PLATFORM/FORMAT/COMPONENT`.
            self.fault(None, "a name with a slash or a colon".to_owned(), "a name without one");
        }
    }
}

/// Why Go's `net/url` or `net/http` refuses a URL that the URL Standard accepts, if it does (`url.Parse` and what it
/// calls: `stringContainsCTLByte`, `getScheme`, `parseHost`, `unescape`). The installer cannot use such a location.
fn refused_by_go(url: &str) -> Option<&'static str> {
    if url.bytes().any(|byte| byte.is_ascii_control()) {
        return Some("control character");
    }
    if !url.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Some("no scheme at its beginning");
    }
    // Go refuses a request without a host ("no Host in request URL"). Other schemes are never requested.
    let is_http = url
        .split(':')
        .next()
        .is_some_and(|it| it.eq_ignore_ascii_case("http") || it.eq_ignore_ascii_case("https"));
    let host = url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
    match host {
        _ if !is_http => {}
        None | Some("") => return Some("no host after ://"),
        Some(host) if host.contains(['\\', '%', '`', '^', '{', '|', '}', ' ']) => {
            return Some("invalid character in the host");
        }
        Some(_) => {}
    }
    // Go checks escapes everywhere except in the query, which it does not parse here.
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let before_query = rest.split('?').next().unwrap_or_default();
    let has_invalid_escape = [before_query, fragment].into_iter().any(has_invalid_escape);
    has_invalid_escape.then_some("a % without two hexadecimal digits")
}

fn has_invalid_escape(text: &str) -> bool {
    let is_invalid =
        |after: &[u8]| !matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    text.as_bytes().split(|&byte| byte == b'%').skip(1).any(is_invalid)
}

/// What Go's reader expects below `metadata` (stream-metadata-go, `stream.Metadata`).
fn expected_in_metadata(path: &[String]) -> Expected {
    match keys(path, &mut [""; KNOWN_DEPTH]) {
        ["metadata"] => Expected::Object,
        ["metadata", "last-modified" | "generator"] => Expected::Text,
        _ => Expected::Anything,
    }
}

/// What Go's reader expects of an architecture's cloud images (stream-metadata-go, `stream.Images` and
/// `rhcos.Extensions`).
fn expected_in_cloud_images(path: &[String]) -> Expected {
    match keys(path.get(2..).unwrap_or_default(), &mut [""; KNOWN_DEPTH]) {
        ["images" | "rhel-coreos-extensions"]
        | ["images", "aws" | "aliyun" | "gcp" | "ibmcloud" | "kubevirt" | "powervs"]
        | ["images", "aws" | "aliyun" | "ibmcloud" | "powervs", "regions"]
        | ["images", "aws" | "aliyun" | "ibmcloud" | "powervs", "regions", _]
        | ["rhel-coreos-extensions", "aws-winli" | "azure-disk" | "marketplace"]
        | ["rhel-coreos-extensions", "aws-winli", "regions"]
        | ["rhel-coreos-extensions", "aws-winli", "regions", _] => Expected::Object,
        ["images", "aws" | "aliyun", "regions", _, "release" | "image"]
        | ["images", "ibmcloud" | "powervs", "regions", _, "release" | "object" | "bucket" | "url"]
        | ["images", "gcp", "release" | "project" | "family" | "name"]
        | ["images", "kubevirt", "release" | "image" | "digest-ref"]
        | ["rhel-coreos-extensions", "azure-disk", "release" | "url"]
        | ["rhel-coreos-extensions", "aws-winli", "regions", _, "release" | "image"] => Expected::Text,
        _ => Expected::Anything,
    }
}

/// The depth of the longest known path.
const KNOWN_DEPTH: usize = 5;

/// The keys of a path; empty for a path deeper than any known one.
fn keys<'p>(path: &'p [String], buffer: &'p mut [&'p str; KNOWN_DEPTH]) -> &'p [&'p str] {
    for (slot, key) in buffer.iter_mut().zip(path) {
        *slot = key;
    }
    buffer.get(..path.len()).unwrap_or_default()
}
