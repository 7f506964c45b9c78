//! OpenPGP signatures (RFC 9580): whose they are, and whether they hold.
//!
//! Cryptography is the `pgp` crate's. Which key may sign what and until when is decided here: the crate leaves
//! that to its users.

mod certificate;
mod detached;
mod keyring;

pub(super) use detached::{MAX_SIGNATURE_BYTES, Pending, SignatureFile};
pub use keyring::{Keyring, KeyringError};

/// What became of a signature that a keyring was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureCheck {
    /// It holds, and its key may sign.
    Good {
        /// The signing key's fingerprint.
        key: String,
    },
    /// It does not. Why, for a person: it names the key.
    Bad(String),
    /// There is none.
    Absent,
    /// There is one, and the bytes that it is over were not read.
    NotMade,
}
