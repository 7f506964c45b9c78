//! OpenPGP signatures (RFC 9580), verified by GnuPG's own `gpgv`, as package managers do.
//!
//! | file | what |
//! | --- | --- |
//! | `packets` | armor and packets, so that gpgv gets only signatures and keys |
//! | `keyring` | the keys, in a temporary directory, and the parsing of signature files |
//! | `gpgv` | the child process and its report |

mod gpgv;
mod keyring;
mod packets;

pub(super) use gpgv::{SigType, Verification};
pub use keyring::{Keyring, KeyringError};
pub(super) use keyring::{MAX_SIGNATURE_BYTES, SignaturePackets};

/// The result of checking a signature with a keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureCheck {
    Good {
        key: String,
    },
    Bad(String),
    Absent,
    /// There is a signature, but the bytes that it signs were not read.
    NotMade,
}
