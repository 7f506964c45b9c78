//! The keys that signatures are checked with.

use std::path::PathBuf;

use tempfile::TempDir;

use super::SignatureCheck;
use super::gpgv::{self, SigType, Verification};
use super::packets::{OF_PUBLIC_KEYS, PUBLIC_KEY, SIGNATURE, dearmor, packets};

/// The largest signature file that is read, in bytes.
pub(in crate::probe) const MAX_SIGNATURE_BYTES: usize = 64 * 1024;

/// The most signatures in one file that are looked at.
const MAX_SIGNATURES: usize = 8;

/// How many bytes of a text gpgv is given at a time.
const CHUNK_BYTES: usize = 128 * 1024;

/// How a clear-signed text begins (RFC 9580, section 7).
const CLEAR_SIGNED: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// How a file of GnuPG's keybox format begins, from its ninth byte.
const KEYBOX: &[u8] = b"KBXf";

/// Public keys, as `gpg --export` writes them, in a directory that lasts as long as this.
#[derive(Debug)]
pub struct Keyring {
    pub(super) gpgv: PathBuf,
    /// Also gpgv's home, which holds no configuration, and where signatures lie while they are checked.
    pub(super) directory: TempDir,
}

/// Why signatures cannot be checked with these keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// It has something that is not a public key.
    #[error("expected OpenPGP public keys, armored or binary: {0}")]
    Unreadable(&'static str),
    /// It has no key.
    #[error("it has no OpenPGP public key")]
    Empty,
    /// There is no gpgv.
    #[error(
        "signatures are verified by GnuPG's gpgv, which is missing from PATH; install the package gpgv (Debian, \
         Ubuntu) or gnupg2 (Fedora, RHEL)"
    )]
    NoGpgv,
    /// There is no place for the keys.
    #[error("it cannot be copied to a temporary directory ($TMPDIR names one): {0}")]
    NotCopied(#[from] std::io::Error),
}

/// The signatures of a file.
pub(in crate::probe) struct Signatures(pub(super) Vec<u8>);

impl Keyring {
    /// Prepares to check with these public keys: any number of them, binary or in any number of armored blocks.
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
            if !tags.all(|tag| tag.is_some_and(|tag| OF_PUBLIC_KEYS.contains(&tag))) {
                return Err(KeyringError::Unreadable("it also has something else"));
            }
        }
        let gpgv = gpgv::find().ok_or(KeyringError::NoGpgv)?;
        // Where the root is read-only there may still be shared memory.
        let directory =
            tempfile::tempdir().or_else(|error| tempfile::tempdir_in("/dev/shm").map_err(|_| error))?;
        let keyring = Self { gpgv, directory };
        std::fs::write(keyring.keys(), keys)?;
        Ok(keyring)
    }

    pub(super) fn keys(&self) -> PathBuf {
        self.directory.path().join("keyring.gpg")
    }

    /// Checks what signs a text file: a detached signature, or a clear-signed copy of the same text. The error says
    /// why that could not be found out.
    pub(in crate::probe) async fn check_text(
        &self,
        text: &[u8],
        signature: &[u8],
    ) -> Result<SignatureCheck, String> {
        let signatures = match Signatures::parse(signature) {
            Ok(signatures) => signatures,
            Err(why) => return Ok(SignatureCheck::Bad(why)),
        };
        // What the copy says is not of interest: its signature has to fit our text.
        let is_clear = signature.trim_ascii_start().starts_with(CLEAR_SIGNED);
        let (text, types) = if is_clear {
            (&*clear_text(text), &[SigType::Text][..])
        } else {
            (text, &[SigType::Binary, SigType::Text][..])
        };
        let mut verification = Verification::begin(self, &signatures)?;
        for chunk in text.chunks(CHUNK_BYTES) {
            verification.update(chunk).await;
        }
        verification.finish(types).await
    }
}

impl Signatures {
    /// Reads a detached signature file, armored or binary. The error is for a person.
    pub(in crate::probe) fn parse(bytes: &[u8]) -> Result<Self, String> {
        const EXPECTED: &str = "it is not an OpenPGP signature";
        let dearmored =
            dearmor(bytes, "SIGNATURE").transpose().map_err(|why| format!("{EXPECTED}: {why}"))?;
        let mut signatures = Vec::new();
        // Nothing else that OpenPGP has: data that is compressed, say.
        for packet in packets(dearmored.as_deref().unwrap_or(bytes)).take(MAX_SIGNATURES) {
            let Some((SIGNATURE, packet)) = packet else { return Err(EXPECTED.to_owned()) };
            signatures.extend_from_slice(packet);
        }
        if signatures.is_empty() { Err(EXPECTED.to_owned()) } else { Ok(Self(signatures)) }
    }
}

/// A text as a clear signature is over it: without what is at the ends of lines, and without the last line's end
/// (RFC 9580, section 7.2).
fn clear_text(text: &[u8]) -> Vec<u8> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
    let mut clear = Vec::with_capacity(text.len().saturating_add(text.len() / 64));
    clear.extend_from_slice(lines.next().unwrap_or_default());
    for line in lines {
        clear.extend_from_slice(b"\r\n");
        clear.extend_from_slice(line);
    }
    clear
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clear_text_has_its_own_line_ends() {
        for (text, clear) in
            [("", ""), ("\n", ""), ("a  \nb\r\n", "a\r\nb"), ("a\n\nb\n\n", "a\r\n\r\nb\r\n")]
        {
            assert_eq!(clear_text(text.as_bytes()), clear.as_bytes(), "{text:?}");
        }
    }
}
