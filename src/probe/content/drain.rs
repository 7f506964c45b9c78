//! Reads decompressed bytes to their end, within fixed limits.

use std::io::{self, Read};

use ring::digest::{Context, SHA256};

use crate::stream::Sha256;

/// The most bytes that one file is decompressed to, whatever a document says.
pub const MAX_UNCOMPRESSED_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// The highest ratio of decompressed to compressed size, if no size is expected and [`RATIO_FREE_BYTES`] is
/// exceeded. Boot images have two to five; deflate reaches about 1032.
const MAX_RATIO: u64 = 250;

/// Up to this decompressed size in bytes any ratio is accepted.
const RATIO_FREE_BYTES: u64 = 1024 * 1024 * 1024;

/// The size of the buffer in bytes: it fits a core's own cache.
const BUFFER_BYTES: usize = 128 * 1024;

/// The result of decompressing a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uncompressed {
    Whole {
        /// The decompressed size in bytes.
        bytes: u64,
        /// The digest of the decompressed bytes.
        sha256: Sha256,
    },
    /// It cannot be decompressed, or not within the limits, for this reason.
    Unusable(String),
    /// It may be valid, but its format is not supported, for this reason.
    NotOpened(String),
}

/// A file that may be valid but has an unsupported format.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotOpened(String);

pub(super) fn not_opened(why: &str) -> io::Error {
    io::Error::other(NotOpened(why.to_owned()))
}

/// Reads to the end, within the limits. `size` is the expected size in bytes.
pub(super) fn drain(
    decoder: &mut impl Read,
    size: Option<u64>,
    compressed: impl Fn() -> u64,
) -> io::Result<Uncompressed> {
    let limit = size.map_or(MAX_UNCOMPRESSED_BYTES, |size| size.min(MAX_UNCOMPRESSED_BYTES));
    let mut hash = Context::new(&SHA256);
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0_u64;
    loop {
        let read = match decoder.read(&mut buffer) {
            Ok(0) => return Ok(Uncompressed::Whole { bytes, sha256: Sha256::of_hashed(hash) }),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes = bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        if bytes > limit {
            let known =
                if size == Some(limit) { "as it should have" } else { "that are decompressed at most" };
            let limit = crate::text::bytes(limit);
            return Ok(Uncompressed::Unusable(format!("it decompresses to more than the {limit} {known}")));
        }
        if bytes > RATIO_FREE_BYTES && size.is_none() && bytes / MAX_RATIO > compressed() {
            return Ok(Uncompressed::Unusable(format!(
                "it decompresses to more than {MAX_RATIO} times its size, which no real boot image does"
            )));
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}
