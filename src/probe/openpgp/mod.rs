//! OpenPGP signatures (RFC 9580), judged by GnuPG's own `gpgv`, as every package manager does.
//!
//! | file | what |
//! | --- | --- |
//! | `packets` | armor and packets: gpgv is given signatures and keys, and nothing else that OpenPGP has |
//! | `keyring` | the keys, in a directory of their own; which signatures are asked about, and over which bytes |
//! | `gpgv` | the child process, and what it reports |

mod gpgv;
mod keyring;
mod packets;

pub(super) use gpgv::{SigType, Verification};
pub use keyring::{Keyring, KeyringError};
pub(super) use keyring::{MAX_SIGNATURE_BYTES, SignaturePackets};

/// What became of a signature that a keyring was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureCheck {
    Good {
        key: String,
    },
    Bad(String),
    Absent,
    /// There is one, and the bytes that it is over were not read.
    NotMade,
}
