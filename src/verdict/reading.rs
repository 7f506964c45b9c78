//! Whether what servers say of a file is enough to judge it, or its bytes must be read.

use super::{Expectation, SizeSource, Verify};
use crate::probe::{Evidence, Observation};
use crate::stream::BuildFile;

/// Whether the bytes of a file must be read before it can be judged.
///
/// In `auto` that is so where no digest of the file is published, where its size is contested, or where the document
/// has a digest of what is inside and nothing published confirms it.
pub fn must_be_read(expected: &Expectation, evidence: &Evidence) -> bool {
    let Observation::Present { size: told, .. } = evidence.file else { return false };
    match expected.verify {
        Verify::Exists | Verify::Published => false,
        Verify::Content => true,
        Verify::Auto => {
            !evidence.has_published_proof()
                || told.is_some_and(|told| is_contested(told, expected, evidence))
                || leaves_inside_open(expected, evidence) && !contradicts_inside(expected, evidence)
        }
    }
}

/// Whether the first who says a size says this one, and somebody else says another. A digest that was published for a
/// longer file would prove one that was cut short.
fn is_contested(told: u64, expected: &Expectation, evidence: &Evidence) -> bool {
    let mut sizes = sizes(expected, evidence).map(|(size, _)| size);
    sizes.next() == Some(told) && sizes.any(|size| size != told)
}

/// Whether the document has a digest of the decompressed file that nothing published confirms.
pub(super) fn leaves_inside_open(expected: &Expectation, evidence: &Evidence) -> bool {
    expected.uncompressed_sha256.is_some_and(|expected| {
        !evidence.published_uncompressed.iter().any(|digest| digest.can_prove && digest.sha256 == expected)
    })
}

/// Whether `meta.json` has another digest of the decompressed file: the document is known to be wrong without it.
fn contradicts_inside(expected: &Expectation, evidence: &Evidence) -> bool {
    let mut inside = evidence.meta_json.iter().filter_map(|file| file.uncompressed_sha256);
    inside.any(|inside| expected.uncompressed_sha256.is_some_and(|expected| expected != inside))
}

/// The sizes that the file should have, in bytes, and who says so. Who counts most is first.
pub(super) fn sizes(expected: &Expectation, evidence: &Evidence) -> impl Iterator<Item = (u64, SizeSource)> {
    expected.sizes().chain(sizes_of_build(evidence, |file| file.size))
}

/// What the build's `meta.json` says.
pub(super) fn sizes_of_build(
    evidence: &Evidence,
    size: fn(&BuildFile) -> Option<u64>,
) -> impl Iterator<Item = (u64, SizeSource)> {
    evidence.meta_json.iter().filter_map(size).map(|size| (size, SizeSource::MetaJson))
}
