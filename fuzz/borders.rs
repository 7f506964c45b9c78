//! The functions that read bytes from outside, each as a function that a fuzzer can call.
//!
//! None panics on any input. A returned error names a violated invariant, and the caller fails on it. Shared by the
//! fuzz targets, each of which uses one function, and `tests/it/fuzzing.rs`.
#![allow(dead_code, unreachable_pub)]

use std::fmt::Display;

use art_mirror_validate::http::header::{HeaderMap, HeaderName, HeaderValue};
use art_mirror_validate::location::{
    ArtifactUrl, Location, PUBLISHED_HOSTS, Prefix, Target, resolve, rewrite,
};
use art_mirror_validate::probe::{HeaderDigests, Rules, Sha256sum};
use art_mirror_validate::stream::{BuildMetadata, Sources, find_urls, replace_urls};
use art_mirror_validate::text::{excerpt, is_unsafe_to_print};

/// What does not hold, for a person who reads a fuzzer's output.
pub type Broken = String;

/// A border: bytes in, and whether what must hold of them does.
pub type Border = fn(&[u8]) -> Result<(), Broken>;

/// Every border by its name, which is also that of its fuzz target and of its directory of seeds.
pub const BORDERS: [(&str, Border); 5] = [
    ("documents", document),
    ("locations", location),
    ("sidecars", sidecar),
    ("digest_headers", digest_headers),
    ("metadata", metadata),
];

/// A bridge that locations are moved to.
const BRIDGE: &str = "https://bridge.example/art/storage";

/// A stream document, or a manifest that holds one.
pub fn document(bytes: &[u8]) -> Result<(), Broken> {
    let mut sources = Sources::default();
    match sources.add_reader("-", bytes) {
        Err(error) => printable(&error)?,
        Ok(()) if sources.documents.len() == 1 => {}
        Ok(()) => return Err("not one document".to_owned()),
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    if let Ok(found) = find_urls("-", text) {
        let same = replace_urls(text, found.iter().map(|url| (url, url.url.as_str())));
        hold(same == text, "a document with its own URLs is the same document")?;
    }
    if let Err(error) = rewrite("-", text, &bridge()?) {
        printable(&error)?;
    }
    Ok(())
}

/// A location, and where it may lead.
pub fn location(bytes: &[u8]) -> Result<(), Broken> {
    let text = String::from_utf8_lossy(bytes);
    if let Err(error) = Location::parse(&text) {
        printable(&error)?;
    }
    match resolve(&text, None, &bridge()?) {
        Ok(place) => hold(place.as_str().starts_with(BRIDGE), "a place is under its prefix")?,
        Err(error) => printable(&error)?,
    }
    let literal = match ArtifactUrl::parse(&text) {
        Ok(literal) => literal,
        Err(error) => return printable(&error),
    };
    hold(ArtifactUrl::parse(literal.as_str()).as_ref() == Ok(&literal), "a literal reads itself")?;
    hold(!literal.file_name().is_empty(), "a literal names a file")?;
    let url = literal.url();
    hold(url.username().is_empty() && url.password().is_none(), "a literal carries no credentials")?;
    for sidecar in ["sha256sum.txt", "meta.json"] {
        let sibling = literal.sibling(sidecar);
        hold(sibling.url().origin() == url.origin(), "a sidecar is on its artifact's host")?;
    }
    if let Err(refusal) = Rules::default().admit(&literal) {
        return printable(&refusal);
    }
    let published = url.host_str().is_some_and(|host| PUBLISHED_HOSTS.contains(&host));
    hold(published && url.port().is_none(), "only the published hosts are requested")?;
    hold(matches!(url.scheme(), "http" | "https"), "only http and https are requested")
}

/// A `sha256sum.txt`.
pub fn sidecar(bytes: &[u8]) -> Result<(), Broken> {
    let (sums, outcome) = Sha256sum::parse(bytes);
    hold(sums.of("").is_empty(), "no file has an empty name")?;
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    for (name, digests) in sums.files() {
        let written = digests.iter().all(|digest| text.contains(&digest.to_string()));
        hold(written, &format!("the digests of {name:?} are in the file"))?;
    }
    outcome.or_else(|error| printable(&error))
}

/// The digest headers of a response, one `name: value` a line.
pub fn digest_headers(bytes: &[u8]) -> Result<(), Broken> {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            // A map holds so many headers and no more.
            let _ = headers.try_append(name, value);
        }
    }
    let found = HeaderDigests::of(&headers);
    found.remarks.iter().try_for_each(printable)
}

/// Legacy metadata or a build's `meta.json`.
pub fn metadata(bytes: &[u8]) -> Result<(), Broken> {
    let (salvaged, outcome) = BuildMetadata::parse_lossy("meta.json", bytes);
    match BuildMetadata::parse("meta.json", bytes) {
        Ok(metadata) => hold(outcome.is_ok() && metadata == salvaged, "of good metadata all is salvaged"),
        Err(faults) => {
            hold(outcome.as_ref() == Err(&faults), "both ways to read have the same faults")?;
            printable(&faults)
        }
    }
}

fn bridge() -> Result<Target, Broken> {
    let prefix: Result<Prefix, _> = BRIDGE.parse();
    prefix.map(Target::Bridge).map_err(|error| error.to_string())
}

/// What reaches a person has no control characters but the ends of its lines.
fn printable(said: &impl Display) -> Result<(), Broken> {
    let said = said.to_string();
    let raw = said.lines().find(|line| line.contains(is_unsafe_to_print));
    raw.map_or(Ok(()), |line| Err(format!("a message with control characters: {}", excerpt(line, 200))))
}

fn hold(holds: bool, law: &str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(format!("does not hold: {law}")) }
}
