//! The bytes themselves: downloads that survive a bad connection, and the proof of what came.
//!
//! A download has connections of its own, HTTP/1.1 and one file on each at a time: TCP's own back-pressure
//! holds it where hashing is slower than the network, a connection that drops takes one file with it and not
//! all, and no small request waits behind a large one.
//!
//! | file | what |
//! | --- | --- |
//! | `sink` | where bytes go, in order; may be told to start over |
//! | `transfer` | one file through as many connections as it takes |
//! | `ranges` | what a server says of a part of a file (RFC 9110, sections 8.8, 13 and 14) |
//! | `meter` | how far all downloads are |
//! | `tap` | the bytes on the blocking thread: hashed as they are read |
//! | `drain` | decompressed bytes, read to their end within fixed limits |
//! | `unpack` | gzip, xz, zstd and zip |
//! | `unzip` | the one member of a zip archive |
//! | `proof` | all of it together: from a URL to evidence |

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

/// What the bytes of a file say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentEvidence {
    pub bytes: u64,
    pub sha256: Sha256,
    /// What came of decompressing them; `None` if nobody asked.
    pub uncompressed: Option<Uncompressed>,
    /// The transfer was put together from several answers of the server.
    pub resumed: bool,
}
