//! The contents of files: downloads that survive a bad connection, hashing and decompression.
//!
//! Each download has its own HTTP/1.1 connection: TCP's back-pressure slows it down if hashing is slower than
//! the network, a dropped connection affects one file only, and no small request waits behind a large one.
//!
//! | file | what |
//! | --- | --- |
//! | `sink` | receives bytes in order, and can start over |
//! | `transfer` | one file through as many connections as it takes |
//! | `ranges` | range responses and validators (RFC 9110, sections 8.8, 13 and 14) |
//! | `meter` | the progress of all downloads |
//! | `tap` | the bytes on a blocking thread, hashed as they are read |
//! | `drain` | decompressed bytes, read to their end within fixed limits |
//! | `unpack` | gzip, xz, zstd and zip |
//! | `unzip` | the one member of a zip archive |
//! | `proof` | all of these together: from a URL to evidence |

mod drain;
mod meter;
mod proof;
mod ranges;
mod sink;
mod tap;
mod transfer;
mod unpack;
mod unzip;

pub use drain::{MAX_UNCOMPRESSED_BYTES, Uncompressed};
pub use meter::{FileProgress, Transfers, TransfersNow};
pub use proof::ContentRequest;
pub(super) use proof::{ProofOrder, Prover};
pub(super) use ranges::{Validators, decimal};
pub use sink::Sink;
pub use transfer::{Extent, Transferred, Unfinished};

use crate::stream::Sha256;

/// What was computed from the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentEvidence {
    pub bytes: u64,
    pub sha256: Sha256,
    /// The result of decompressing them; `None` if not requested.
    pub uncompressed: Option<Uncompressed>,
    /// Whether the download took more than one response.
    pub resumed: bool,
}
