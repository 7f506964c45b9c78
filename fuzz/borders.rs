//! Entry points for fuzzing the parsers of untrusted bytes.
//!
//! None of them may panic. A returned error names a violated invariant, and the caller fails. They are shared by the
//! fuzz targets, each of which uses one of them, and `tests/it/fuzzing.rs`.
#![allow(dead_code, unreachable_pub)]

use std::fmt::Display;

use art_mirror_validate::http::header::{HeaderMap, HeaderName, HeaderValue};
use art_mirror_validate::location::{
    ArtifactUrl, Location, PUBLISHED_HOSTS, Prefix, Target, resolve, rewrite,
};
use art_mirror_validate::probe::{HeaderDigests, Rules, Sha256sum};
use art_mirror_validate::stream::{BuildMetadata, Sources, find_urls, replace_urls};
use art_mirror_validate::text::{excerpt, is_unsafe_to_print};

/// The description of a violated invariant, for the fuzzer's output.
pub type Violation = String;

/// An entry point: parses the bytes, and checks the invariants of the result.
pub type Border = fn(&[u8]) -> Result<(), Violation>;

/// All entry points with their names, which are also those of the fuzz targets and of the directories of seeds.
pub const BORDERS: [(&str, Border); 5] = [
    ("documents", document),
    ("locations", location),
    ("sidecars", sidecar),
    ("digest_headers", digest_headers),
    ("metadata", metadata),
];

/// The bridge to which locations are rewritten.
const BRIDGE: &str = "https://bridge.example/art/storage";

/// A stream document, or a manifest with one.
pub fn document(bytes: &[u8]) -> Result<(), Violation> {
    let mut sources = Sources::default();
    match sources.add_reader("-", bytes) {
        Err(error) => printable(&error)?,
        Ok(()) if sources.documents.len() == 1 => {}
        Ok(()) => return Err("not one document".to_owned()),
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return Ok(()) };
    if let Ok(found) = find_urls("-", text) {
        let same = replace_urls(text, found.iter().map(|url| (url, url.url.as_str())));
        hold(same == text, "replacing each URL by itself leaves a document unchanged")?;
    }
    if let Err(error) = rewrite("-", text, &bridge()?) {
        printable(&error)?;
    }
    Ok(())
}

/// A location, and the requests it can cause.
pub fn location(bytes: &[u8]) -> Result<(), Violation> {
    let text = String::from_utf8_lossy(bytes);
    if let Err(error) = Location::parse(&text) {
        printable(&error)?;
    }
    match resolve(&text, None, &bridge()?) {
        Ok(url) => hold(url.as_str().starts_with(BRIDGE), "a resolved URL is below its prefix")?,
        Err(error) => printable(&error)?,
    }
    let location = match ArtifactUrl::parse(&text) {
        Ok(location) => location,
        Err(error) => return printable(&error),
    };
    let reparsed = ArtifactUrl::parse(location.as_str());
    hold(reparsed.as_ref() == Ok(&location), "an artifact URL parses to itself")?;
    hold(!location.file_name().is_empty(), "an artifact URL names a file")?;
    let url = location.url();
    hold(url.username().is_empty() && url.password().is_none(), "an artifact URL has no credentials")?;
    for sidecar in ["sha256sum.txt", "meta.json"] {
        let sibling = location.sibling(sidecar);
        hold(sibling.url().origin() == url.origin(), "a sidecar is on its artifact's host")?;
    }
    if let Err(refusal) = Rules::default().admit(&location) {
        return printable(&refusal);
    }
    let published = url.host_str().is_some_and(|host| PUBLISHED_HOSTS.contains(&host));
    hold(published && url.port().is_none(), "only the published hosts are requested")?;
    hold(matches!(url.scheme(), "http" | "https"), "only http and https are requested")
}

/// A `sha256sum.txt`.
pub fn sidecar(bytes: &[u8]) -> Result<(), Violation> {
    let (sums, outcome) = Sha256sum::parse(bytes);
    hold(sums.of("").is_empty(), "no file has an empty name")?;
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    for (name, digests) in sums.files() {
        let written = digests.iter().all(|digest| text.contains(&digest.to_string()));
        hold(written, &format!("the digests of {name:?} are in the file"))?;
    }
    outcome.or_else(|error| printable(&error))
}

/// The digest headers of a response, one `name: value` per line.
pub fn digest_headers(bytes: &[u8]) -> Result<(), Violation> {
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            // A header map is limited in size; further headers are ignored.
            let _ = headers.try_append(name, value);
        }
    }
    let found = HeaderDigests::of(&headers);
    found.remarks.iter().try_for_each(printable)
}

/// Legacy metadata or a build's `meta.json`.
pub fn metadata(bytes: &[u8]) -> Result<(), Violation> {
    let (lossy, outcome) = BuildMetadata::parse_lossy("meta.json", bytes);
    match BuildMetadata::parse("meta.json", bytes) {
        Ok(metadata) => hold(outcome.is_ok() && metadata == lossy, "valid metadata is parsed without loss"),
        Err(faults) => {
            hold(outcome.as_ref() == Err(&faults), "lossy parsing reports the same faults")?;
            printable(&faults)
        }
    }
}

fn bridge() -> Result<Target, Violation> {
    let prefix: Result<Prefix, _> = BRIDGE.parse();
    prefix.map(Target::Bridge).map_err(|error| error.to_string())
}

/// Checks that a message has no control characters except line ends.
fn printable(message: &impl Display) -> Result<(), Violation> {
    let message = message.to_string();
    let raw = message.lines().find(|line| line.contains(is_unsafe_to_print));
    raw.map_or(Ok(()), |line| Err(format!("a message with control characters: {}", excerpt(line, 200))))
}

fn hold(holds: bool, invariant: &str) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(format!("does not hold: {invariant}")) }
}
