//! Stream metadata, read strictly where the installer reads it and leniently everywhere else.
//!
//! The reference types are in coreos/stream-metadata-go, `stream/stream.go`.

use std::ops::Range;
use std::sync::Arc;

use serde::de::MapAccess;
use serde_json::value::RawValue;
use url::Url;

use super::fault::Faults;
use super::id::UrlField;
use super::limits::{MAX_NAME, MAX_RELEASE, MAX_STREAM, MAX_URL};
use super::reader::{Expected, Read, Reader, Shape};
use super::{Artifact, ArtifactId, CloudImage, Document, Form, Sha256};
use crate::text::printed_length;

impl Document {
    /// Reads a stream document. All its faults are reported together.
    pub fn parse(name: &str, text: &[u8]) -> Result<Self, Faults> {
        Parsed::read(name, text, None).map(|parsed| parsed.document)
    }
}

pub(super) struct Parsed {
    pub(super) document: Document,
    /// Where the URLs of its artifacts are, if anybody asks.
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
        Reader::read(name, text, Stream { parsed: &mut parsed, stream: false, architectures: false })?;
        parsed.document.form = std::str::from_utf8(text).map(Form::of).unwrap_or_default();
        Ok(parsed)
    }

    /// Notes where a URL of the next artifact is.
    fn found(&mut self, field: UrlField, reader: &Reader<'_>, raw: &RawValue) {
        if let (Some(spans), Some(start)) = (&mut self.spans, reader.offset(raw)) {
            let artifact = self.document.artifacts.len();
            spans.push(UrlSpan { artifact, field, bytes: start..start + raw.get().len() });
        }
    }
}

struct Stream<'d> {
    parsed: &'d mut Parsed,
    stream: bool,
    architectures: bool,
}

impl<'t> Shape<'t> for Stream<'_> {
    const FIELDS: &'static [&'static str] = &["stream", "metadata", "architectures"];
    const EXPECTED: &'static str = "stream metadata, an object";

    fn entry<A: MapAccess<'t>>(&mut self, reader: &Reader<'t>, key: String, map: &mut A) -> Read<'t, A> {
        match key.as_str() {
            "stream" => {
                self.stream = true;
                if let Some(stream) = reader.text(map.next_value()?, MAX_STREAM) {
                    self.parsed.document.stream = stream;
                }
                Ok(())
            }
            "architectures" => {
                self.architectures = true;
                map.next_value_seed(reader.object(Architectures { parsed: self.parsed }))
            }
            "metadata" => reader.judge(map, of_metadata),
            _ => reader.skip(map),
        }
    }

    fn end(self, reader: &Reader<'t>) {
        if !self.stream {
            reader.missing("stream", "the stream's name, a string");
        }
        if !self.architectures {
            reader.missing("architectures", "an object of architectures");
        } else if self.parsed.document.artifacts.is_empty() && reader.is_clean() {
            reader.fault(None, "no artifact".to_owned(), "at least one");
        }
    }
}

struct Architectures<'d> {
    parsed: &'d mut Parsed,
}

impl<'t> Shape<'t> for Architectures<'_> {
    const NULLABLE: bool = true;
    const EXPECTED: &'static str = "an object of architectures";

    fn entry<A: MapAccess<'t>>(&mut self, reader: &Reader<'t>, key: String, map: &mut A) -> Read<'t, A> {
        reader.judge_name(&key);
        let architecture = Architecture { parsed: self.parsed, arch: &key };
        map.next_value_seed(reader.object(architecture))
    }
}

struct Architecture<'d> {
    parsed: &'d mut Parsed,
    arch: &'d str,
}

/// One of which only cloud images are made has no `artifacts`.
impl<'t> Shape<'t> for Architecture<'_> {
    const NULLABLE: bool = true;
    const FIELDS: &'static [&'static str] = &["artifacts", "images", "rhel-coreos-extensions"];

    fn entry<A: MapAccess<'t>>(&mut self, reader: &Reader<'t>, key: String, map: &mut A) -> Read<'t, A> {
        match key.as_str() {
            "artifacts" => {
                let platforms = Platforms { parsed: self.parsed, arch: self.arch };
                map.next_value_seed(reader.object(platforms))
            }
            "images" | "rhel-coreos-extensions" => {
                let (arch, images) = (reader.interned(self.arch), &mut self.parsed.document.cloud_images);
                reader.leaves(map, of_cloud_images, &mut |path, value| {
                    // The path's first two keys are `architectures` and the architecture.
                    let path = path.get(2..).unwrap_or_default().join(".");
                    images.push(CloudImage { arch: Arc::clone(&arch), path, value: value.to_owned() });
                })
            }
            _ => reader.skip(map),
        }
    }
}

struct Platforms<'d> {
    parsed: &'d mut Parsed,
    arch: &'d str,
}

impl<'t> Shape<'t> for Platforms<'_> {
    const NULLABLE: bool = true;
    const EXPECTED: &'static str = "an object of platforms";

    fn entry<A: MapAccess<'t>>(&mut self, reader: &Reader<'t>, key: String, map: &mut A) -> Read<'t, A> {
        let first = self.parsed.document.artifacts.len();
        reader.judge_name(&key);
        map.next_value_seed(reader.object(Platform {
            arch: self.arch,
            platform: &key,
            first,
            parsed: self.parsed,
            release: None,
            formats: false,
        }))
    }
}

struct Platform<'d> {
    parsed: &'d mut Parsed,
    arch: &'d str,
    platform: &'d str,
    /// The index of this platform's first artifact. Its release may stand after its formats.
    first: usize,
    release: Option<Arc<str>>,
    formats: bool,
}

impl<'t> Shape<'t> for Platform<'_> {
    const FIELDS: &'static [&'static str] = &["release", "formats"];

    fn entry<A: MapAccess<'t>>(&mut self, reader: &Reader<'t>, key: String, map: &mut A) -> Read<'t, A> {
        match key.as_str() {
            "release" => {
                // A mistyped release is a fault of its own, not a missing one.
                self.release = Some(reader.text(map.next_value()?, MAX_RELEASE).unwrap_or_default().into());
                Ok(())
            }
            "formats" => {
                self.formats = true;
                map.next_value_seed(reader.object(Formats {
                    parsed: self.parsed,
                    arch: self.arch,
                    platform: self.platform,
                }))
            }
            _ => reader.skip(map),
        }
    }

    fn end(self, reader: &Reader<'t>) {
        if !self.formats {
            reader.missing("formats", "an object of formats");
        }
        let Some(release) = self.release else {
            return reader.missing("release", "a build ID, a string");
        };
        for artifact in self.parsed.document.artifacts.iter_mut().skip(self.first) {
            artifact.release = Arc::clone(&release);
        }
    }
}

struct Formats<'d> {
    parsed: &'d mut Parsed,
    arch: &'d str,
    platform: &'d str,
}

impl<'t> Shape<'t> for Formats<'_> {
    const NULLABLE: bool = true;
    const EXPECTED: &'static str = "an object of formats";

    fn entry<A: MapAccess<'t>>(&mut self, reader: &Reader<'t>, key: String, map: &mut A) -> Read<'t, A> {
        reader.judge_name(&key);
        map.next_value_seed(reader.object(Components {
            parsed: self.parsed,
            arch: self.arch,
            platform: self.platform,
            format: &key,
        }))
    }
}

struct Components<'d> {
    parsed: &'d mut Parsed,
    arch: &'d str,
    platform: &'d str,
    format: &'d str,
}

/// The components that the installer knows.
const COMPONENTS: &[&str] = &["disk", "kernel", "initramfs", "rootfs"];

impl<'t> Shape<'t> for Components<'_> {
    const FIELDS: &'static [&'static str] = COMPONENTS;
    const EXPECTED: &'static str = "an object of components";

    fn entry<A: MapAccess<'t>>(&mut self, reader: &Reader<'t>, key: String, map: &mut A) -> Read<'t, A> {
        let known = COMPONENTS.contains(&key.as_str());
        reader.judge_name(&key);
        let id = [self.arch, self.platform, self.format, &key];
        let component = Component { parsed: self.parsed, id, known, fields: Fields::default() };
        map.next_value_seed(reader.object(component))
    }
}

struct Component<'d> {
    parsed: &'d mut Parsed,
    /// The names of the architecture, the platform, the format and the component.
    id: [&'d str; 4],
    /// Whether the installer knows the component. One that it does not know may be something else entirely.
    known: bool,
    fields: Fields,
}

/// The fields of a component: the outer option is whether it was there, the inner whether it was good.
#[derive(Default)]
#[expect(clippy::option_option, reason = "absent, bad and good are three things, for these few lines")]
struct Fields {
    location: Option<Option<String>>,
    signature: Option<String>,
    sha256: Option<Option<Sha256>>,
    uncompressed_sha256: Option<Sha256>,
    size: Option<u64>,
    uncompressed_size: Option<u64>,
}

impl<'t> Shape<'t> for Component<'_> {
    const FIELDS: &'static [&'static str] =
        &["location", "signature", "sha256", "uncompressed-sha256", "size", "uncompressed-size"];
    const EXPECTED: &'static str = "an object with location and sha256";

    fn entry<A: MapAccess<'t>>(&mut self, reader: &Reader<'t>, key: String, map: &mut A) -> Read<'t, A> {
        let fields = &mut self.fields;
        match key.as_str() {
            "location" => {
                let raw = map.next_value()?;
                fields.location = Some(reader.location(raw));
                self.parsed.found(UrlField::Location, reader, raw);
            }
            "signature" => {
                let raw = map.next_value()?;
                fields.signature = reader.optional(raw, Reader::url);
                if fields.signature.is_some() {
                    self.parsed.found(UrlField::Signature, reader, raw);
                }
            }
            "sha256" => fields.sha256 = Some(reader.parsed(map.next_value()?)),
            "uncompressed-sha256" => {
                fields.uncompressed_sha256 = reader.optional(map.next_value()?, Reader::parsed);
            }
            "size" => fields.size = reader.optional(map.next_value()?, Reader::size),
            "uncompressed-size" => {
                fields.uncompressed_size = reader.optional(map.next_value()?, Reader::size);
            }
            _ => reader.skip(map)?,
        }
        Ok(())
    }

    fn end(self, reader: &Reader<'t>) {
        let fields = self.fields;
        if !self.known && fields.location.is_none() && fields.sha256.is_none() {
            let next = self.parsed.document.artifacts.len();
            self.parsed.spans.iter_mut().for_each(|spans| spans.retain(|span| span.artifact < next));
            return;
        }
        if fields.location.is_none() {
            reader.missing("location", "a URL, a string");
        }
        if fields.sha256.is_none() {
            reader.missing("sha256", "64 hexadecimal digits, a string");
        }
        // Of a document with faults nothing is used, and its names may be as long as it is.
        if let (Some(Some(location)), Some(Some(sha256)), true) =
            (fields.location, fields.sha256, reader.is_clean())
        {
            let [arch, platform, format, component] = self.id.map(|name| reader.interned(name));
            self.parsed.document.artifacts.push(Artifact {
                id: ArtifactId { arch, platform, format, component },
                release: Arc::default(),
                location,
                signature: fields.signature,
                sha256,
                uncompressed_sha256: fields.uncompressed_sha256,
                size: fields.size,
                uncompressed_size: fields.uncompressed_size,
            });
        }
    }

    fn mistyped(self, reader: &Reader<'t>, found: String) {
        if self.known {
            reader.fault(None, found, Self::EXPECTED);
        }
    }
}

impl<'t> Reader<'t> {
    /// A string that is an absolute URL, or a fault. Which URLs may be requested is not asked here.
    fn url(&self, raw: &'t RawValue) -> Option<String> {
        let text = self.text(raw, MAX_URL)?;
        match Url::parse(&text) {
            Ok(_) => Some(text),
            Err(error) => {
                self.bad_string(raw, &text, format!("an absolute URL ({error})"));
                None
            }
        }
    }

    /// A URL that the installer can use, or a fault. It never reads signatures.
    fn location(&self, raw: &'t RawValue) -> Option<String> {
        let text = self.url(raw)?;
        match refused_by_go(&text) {
            None => Some(text),
            Some(why) => {
                self.bad_string(raw, &text, format!("an absolute URL ({why})"));
                None
            }
        }
    }

    /// Whether a key can be part of an artifact's id.
    fn judge_name(&self, key: &str) {
        if key.is_empty() {
            self.fault(None, "an empty name".to_owned(), "a name");
        } else if printed_length(key) > MAX_NAME {
            let expected = format!("a name of at most {MAX_NAME} characters");
            self.fault(None, format!("a name of {} characters", printed_length(key)), &expected);
        } else if key.contains(['/', ':']) {
            // They part an artifact's names, and its document's from them.
            self.fault(None, "a name with a slash or a colon".to_owned(), "a name without one");
        }
    }
}

/// Why Go's `net/url` or `net/http` refuses what the URL Standard takes, if it does (`url.Parse` and what it calls:
/// `stringContainsCTLByte`, `getScheme`, `parseHost`, `unescape`). The installer cannot use such a location,
/// whatever a server makes of it.
fn refused_by_go(url: &str) -> Option<&'static str> {
    if url.bytes().any(|byte| byte.is_ascii_control()) {
        return Some("control character");
    }
    if !url.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Some("no scheme at its beginning");
    }
    // What is between the slashes; a request without it is refused ("no Host in request URL"). Other schemes are
    // not requested at all.
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
    // It is strict with everything but the query, which it only reads when asked to.
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let before_query = rest.split('?').next().unwrap_or_default();
    let has_bad_escape = [before_query, fragment].into_iter().any(has_bad_escape);
    has_bad_escape.then_some("a % without two hexadecimal digits")
}

fn has_bad_escape(text: &str) -> bool {
    let is_bad =
        |after: &[u8]| !matches!(after, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    text.as_bytes().split(|&byte| byte == b'%').skip(1).any(is_bad)
}

/// What Go's reader takes below `metadata` (stream-metadata-go, `stream.Metadata`).
fn of_metadata(path: &[String]) -> Expected {
    match keys(path, &mut [""; KNOWN_DEPTH]) {
        ["metadata"] => Expected::Object,
        ["metadata", "last-modified" | "generator"] => Expected::Text,
        _ => Expected::Anything,
    }
}

/// What Go's reader takes of the cloud images of an architecture (stream-metadata-go, `stream.Images` and
/// `rhcos.Extensions`).
fn of_cloud_images(path: &[String]) -> Expected {
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

/// The deepest path that anything is known of.
const KNOWN_DEPTH: usize = 5;

/// The keys of a path; none of one that is too deep to be known.
fn keys<'p>(path: &'p [String], room: &'p mut [&'p str; KNOWN_DEPTH]) -> &'p [&'p str] {
    for (slot, key) in room.iter_mut().zip(path) {
        *slot = key;
    }
    room.get(..path.len()).unwrap_or_default()
}
