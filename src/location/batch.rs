//! Many URLs at once: all of them, or none and every error.

use std::io::{self, BufRead};

use super::checksum::ChecksumUrl;
use super::place::resolve;
use super::place_error::PlaceError;
use super::target::Target;

/// The places of a list of URLs, one per line, in its order, under the target's prefix as it was given.
///
/// Blank lines are skipped, and so is white space around a URL. A query that says the file's digest stays at its
/// URL. If any URL has no place, the result is every
/// error and no place: half a list is worse than none for who downloads from it.
///
/// ```
/// use art_mirror_validate::location::{Prefix, Target, resolve_lines};
///
/// let target = Target::Bridge(Prefix::parse("http://127.0.0.1:8080/art/storage/prod/streams")?);
/// let list = "https://builds.coreos.fedoraproject.org/prod/streams/stable/builds/35.20220327.3.0/x86_64/\
///             fedora-coreos-35.20220327.3.0-live-kernel-x86_64\n";
/// let places = resolve_lines(list.as_bytes(), &target)?;
/// assert_eq!(
///     places.first().map(String::as_str),
///     Some(
///         "http://127.0.0.1:8080/art/storage/prod/streams/stable/builds/35.20220327.3.0/x86_64/\
///          fedora-coreos-35.20220327.3.0-live-kernel-x86_64"
///     ),
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resolve_lines(mut input: impl BufRead, target: &Target) -> Result<Vec<String>, BatchError> {
    let mut places = Vec::new();
    let mut failures = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(BatchError::Read)? == 0 {
            break;
        }
        // What is no text is no URL either, and the error shows where it went wrong.
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match place_of(text, target) {
            Ok(place) => places.push(place),
            Err(error) => failures.push(LineError { line: number, error }),
        }
    }
    if failures.is_empty() { Ok(places) } else { Err(BatchError::NoPlaces(failures)) }
}

fn place_of(text: &str, target: &Target) -> Result<String, PlaceError> {
    let url = ChecksumUrl::parse(text)?;
    let place = resolve(url.location(), None, target)?;
    Ok(target.as_written(&place) + url.query())
}

/// Why a list of URLs was not resolved.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    #[error("the list of URLs could not be read: {0}")]
    Read(#[source] io::Error),
    #[error("{} of the URLs could not be placed, so none is:{}", .0.len(), shown(.0))]
    NoPlaces(Vec<LineError>),
}

fn shown(failures: &[LineError]) -> String {
    failures.iter().flat_map(|one| ["\n  ".to_owned(), one.to_string()]).collect()
}

/// A line without a place.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {error}")]
pub struct LineError {
    pub line: u64,
    #[source]
    pub error: PlaceError,
}
