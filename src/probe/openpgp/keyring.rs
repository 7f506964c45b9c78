//! The keys for checking signatures.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::packets::{KEY_PACKETS, PUBLIC_KEY, SIGNATURE, dearmor, packets};

/// The largest signature file that is read, in bytes.
pub(in crate::probe) const MAX_SIGNATURE_BYTES: usize = 64 * 1024;

/// The most signatures in one file that are checked.
const MAX_SIGNATURES: usize = 8;

/// The magic of GnuPG's keybox format, at offset 8.
const KEYBOX: &[u8] = b"KBXf";

/// Public keys, as `gpg --export` writes them, in a temporary directory that is removed on drop.
#[derive(Debug)]
pub struct Keyring {
    pub(super) gpgv: PathBuf,
    /// Also gpgv's home, which has no configuration, and the place for signatures while they are checked.
    pub(super) directory: TempDir,
}

/// Why signatures cannot be checked with these keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error("expected OpenPGP public keys, armored or binary: {0}")]
    Unreadable(&'static str),
    #[error("it contains no OpenPGP public key")]
    Empty,
    #[error(
        "signatures are verified by GnuPG's gpgv, which is missing from PATH; install the package gpgv (Debian, \
         Ubuntu) or gnupg2 (Fedora, RHEL)"
    )]
    NoGpgv,
    #[error("it cannot be copied to a temporary directory ($TMPDIR names one): {0}")]
    NotCopied(#[from] std::io::Error),
}

pub(in crate::probe) struct SignaturePackets(pub(super) Vec<u8>);

impl Keyring {
    /// Reads public keys: any number of them, binary or in any number of armored blocks.
    pub fn open(bytes: &[u8]) -> Result<Self, KeyringError> {
        let dearmored = dearmor(bytes, "PUBLIC KEY BLOCK").transpose().map_err(KeyringError::Unreadable)?;
        let keys = dearmored.as_deref().unwrap_or(bytes);
        if !bytes.get(8..).is_some_and(|rest| rest.starts_with(KEYBOX)) {
            let mut tags = packets(keys).map(|packet| packet.map(|(tag, _)| tag));
            match tags.next() {
                None => return Err(KeyringError::Empty),
                Some(Some(PUBLIC_KEY)) => {}
                Some(_) => return Err(KeyringError::Unreadable("it begins with something else")),
            }
            if !tags.all(|tag| tag.is_some_and(|tag| KEY_PACKETS.contains(&tag))) {
                return Err(KeyringError::Unreadable("it also contains something else"));
            }
        }
        let gpgv = find_gpgv().ok_or(KeyringError::NoGpgv)?;
        // Where the root file system is read-only, shared memory may be writable.
        let directory =
            tempfile::tempdir().or_else(|error| tempfile::tempdir_in("/dev/shm").map_err(|_| error))?;
        let keyring = Self { gpgv, directory };
        fs::write(keyring.keys(), keys)?;
        Ok(keyring)
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.directory.path().join("keyring.gpg")
    }
}

/// Finds gpgv in an absolute directory of `PATH`: a relative one would lead into the checkout.
fn find_gpgv() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut programs = std::env::split_paths(&path).filter(|it| it.is_absolute()).map(|it| it.join("gpgv"));
    programs.find(|it| fs::metadata(it).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0))
}

impl SignaturePackets {
    /// Reads a detached signature file, armored or binary.
    pub(in crate::probe) fn parse(bytes: &[u8]) -> Result<Self, String> {
        const EXPECTED: &str = "it is not an OpenPGP signature";
        let dearmored =
            dearmor(bytes, "SIGNATURE").transpose().map_err(|why| format!("{EXPECTED}: {why}"))?;
        let mut signatures = Vec::new();
        // No other packets are accepted, such as compressed data.
        for packet in packets(dearmored.as_deref().unwrap_or(bytes)).take(MAX_SIGNATURES) {
            let Some((SIGNATURE, packet)) = packet else { return Err(EXPECTED.to_owned()) };
            signatures.extend_from_slice(packet);
        }
        if signatures.is_empty() { Err(EXPECTED.to_owned()) } else { Ok(Self(signatures)) }
    }
}
