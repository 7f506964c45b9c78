//! Decides whether published evidence is enough to judge a file, or its bytes must be read.

use super::{Expectation, SizeSource, Verify};
use crate::probe::{Evidence, Observation};
use crate::stream::BuildFile;

/// Whether the bytes of a file must be read before it can be judged.
///
/// `auto` reads them if no digest of the file is published, if sources disagree on its size, or if nothing
/// published confirms the document's digest of the decompressed file.
pub fn must_be_read(expected: &Expectation, evidence: &Evidence) -> bool {
    let Observation::Present { size: reported, .. } = evidence.file else { return false };
    match expected.verify {
        Verify::Exists | Verify::Published => false,
        Verify::Content => true,
        Verify::Auto => {
            !evidence.has_published_proof()
                || reported.is_some_and(|reported| is_contested(reported, expected, evidence))
                || inside_unconfirmed(expected, evidence) && !contradicts_uncompressed(expected, evidence)
        }
    }
}

/// Whether the most authoritative source agrees with the reported size and another does not: a digest
/// published for a longer file would prove one that was cut short.
fn is_contested(reported: u64, expected: &Expectation, evidence: &Evidence) -> bool {
    let mut sizes = sizes(expected, evidence).map(|(size, _)| size);
    sizes.next() == Some(reported) && sizes.any(|size| size != reported)
}

/// Whether the document has a digest of the decompressed file that nothing published confirms.
pub(super) fn inside_unconfirmed(expected: &Expectation, evidence: &Evidence) -> bool {
    expected.uncompressed_sha256.is_some_and(|expected| {
        !evidence.published_uncompressed.iter().any(|digest| digest.can_prove && digest.sha256 == expected)
    })
}

/// Whether `meta.json` has another digest of the decompressed file: then the document fails as it is.
fn contradicts_uncompressed(expected: &Expectation, evidence: &Evidence) -> bool {
    let mut inside = evidence.meta_json.iter().filter_map(|file| file.uncompressed_sha256);
    inside.any(|inside| expected.uncompressed_sha256.is_some_and(|expected| expected != inside))
}

/// The expected sizes of the file in bytes, each with its source, most authoritative first.
pub(super) fn sizes(expected: &Expectation, evidence: &Evidence) -> impl Iterator<Item = (u64, SizeSource)> {
    expected.sizes().chain(sizes_of_build(evidence, |file| file.size))
}

/// The sizes in the build's `meta.json`, in bytes.
pub(super) fn sizes_of_build(
    evidence: &Evidence,
    size: fn(&BuildFile) -> Option<u64>,
) -> impl Iterator<Item = (u64, SizeSource)> {
    evidence.meta_json.iter().filter_map(size).map(|size| (size, SizeSource::MetaJson))
}
