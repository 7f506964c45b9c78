//! Signature files: detached ones over a file, and what signs a `sha256sum.txt`.

use std::sync::Arc;
use std::time::SystemTime;

use digest::DynDigest;
use pgp::composed::{CleartextSignedMessage, Deserializable, DetachedSignature};
use pgp::packet::{Signature, SignatureType, SignatureVersionSpecific};

use super::SignatureCheck;
use super::certificate::Key;
use super::keyring::Keyring;

/// The largest signature file that is read, in bytes.
pub(in crate::probe) const MAX_SIGNATURE_BYTES: usize = 64 * 1024;

/// The most signatures in one file that are looked at.
const MAX_SIGNATURES: usize = 8;

/// The most lines of a clear-signed text that is looked at, since the time that takes grows with their square. A
/// `sha256sum.txt` of the largest size has fewer.
const MAX_CLEAR_LINES: usize = 16_000;

/// The signatures of a file.
pub(in crate::probe) struct SignatureFile {
    signatures: Vec<Signature>,
}

impl SignatureFile {
    /// Reads a detached signature file, armored or binary. The error is for a person.
    pub(in crate::probe) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let unreadable = |error: pgp::errors::Error| {
            format!("it is no OpenPGP signature: {}", crate::text::excerpt(&error.to_string(), 200))
        };
        let (parsed, _) = DetachedSignature::from_reader_many(bytes).map_err(unreadable)?;
        let mut signatures = Vec::new();
        for signature in parsed.take(MAX_SIGNATURES) {
            signatures.push(signature.map_err(unreadable)?.signature);
        }
        if signatures.is_empty() {
            return Err("it holds no signature".to_owned());
        }
        Ok(Self { signatures })
    }

    /// Prepares to check the signatures over bytes that come piece by piece.
    pub(in crate::probe) fn begin(&self, keyring: Arc<Keyring>) -> Pending {
        let running = self.signatures.iter().map(|signature| (signature.clone(), start(signature)));
        Pending { keyring, running: running.collect() }
    }
}

/// Signatures whose bytes are still coming.
pub(in crate::probe) struct Pending {
    keyring: Arc<Keyring>,
    running: Vec<(Signature, Option<Box<dyn DynDigest + Send>>)>,
}

impl Pending {
    /// The next bytes.
    pub(in crate::probe) fn update(&mut self, bytes: &[u8]) {
        for (_, hash) in &mut self.running {
            if let Some(hash) = hash {
                hash.update(bytes);
            }
        }
    }

    /// That was all: one good signature is enough, as keys change while files stay.
    pub(in crate::probe) fn finish(self) -> SignatureCheck {
        let now = SystemTime::now();
        let keyring = self.keyring;
        best(self.running.into_iter().map(|(signature, hash)| {
            let digest = hash.and_then(|hash| conclude(&signature, hash));
            keyring.check(&signature, now, |key| holds(&signature, digest.as_deref(), key))
        }))
    }
}

/// The hash of a signature's data, begun; none for a kind of signature that is not over a file's bytes.
fn start(signature: &Signature) -> Option<Box<dyn DynDigest + Send>> {
    let config = signature.config()?;
    if config.typ() != SignatureType::Binary {
        return None;
    }
    let mut hash = config.hash_alg.new_hasher().ok()?;
    if let SignatureVersionSpecific::V6 { salt } = &config.version_specific {
        if config.hash_alg.salt_len() != Some(salt.len()) {
            return None;
        }
        hash.update(salt);
    }
    Some(hash)
}

/// The digest that is signed: the data, and what the signature says of itself (RFC 9580, section 5.2.4).
fn conclude(signature: &Signature, mut hash: Box<dyn DynDigest + Send>) -> Option<Box<[u8]>> {
    let config = signature.config()?;
    let length = config.hash_signature_data(&mut hash).ok()?;
    hash.update(&config.trailer(length).ok()?);
    Some(hash.finalize())
}

fn holds(signature: &Signature, digest: Option<&[u8]>, key: &Key<'_>) -> pgp::errors::Result<()> {
    let unfit = || pgp::errors::Error::from(std::io::Error::other("no digest"));
    let (config, digest) = signature.config().zip(digest).ok_or_else(unfit)?;
    let bytes = signature.signature().ok_or_else(unfit)?;
    if signature.signed_hash_value().as_ref().map(<[u8; 2]>::as_slice) != digest.get(..2) {
        return Err(unfit());
    }
    key.verify(config.hash_alg, digest, bytes)
}

impl Keyring {
    /// Checks what signs a text file: a detached signature, or a clear-signed copy of the same text.
    pub(in crate::probe) fn check_text(&self, text: &[u8], signature: &[u8]) -> SignatureCheck {
        let now = SystemTime::now();
        let check = |signature: &Signature, text: &[u8]| {
            self.check(signature, now, |key| match key {
                Key::Primary(key) => signature.verify(key, text),
                Key::Subkey(key) => signature.verify(key, text),
            })
        };
        let Some(clear) = clear_signed(signature) else {
            return match SignatureFile::parse(signature) {
                Ok(file) => best(file.signatures.iter().map(|signature| check(signature, text))),
                Err(why) => SignatureCheck::Bad(why),
            };
        };
        if clear.lines().nth(MAX_CLEAR_LINES).is_some() {
            return SignatureCheck::Bad(format!("it has more than {MAX_CLEAR_LINES} lines"));
        }
        let message = match CleartextSignedMessage::from_string(clear) {
            Ok((message, _)) => message,
            Err(error) => {
                let error = crate::text::excerpt(&error.to_string(), 200);
                return SignatureCheck::Bad(format!("it is no OpenPGP signature: {error}"));
            }
        };
        let signed = message.signed_text();
        if !same_lines(signed.as_bytes(), text) {
            return SignatureCheck::Bad("it signs another text".to_owned());
        }
        let signatures = message.signatures().iter().take(MAX_SIGNATURES);
        best(signatures.map(|signature| check(signature, signed.as_bytes())))
    }
}

fn clear_signed(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.trim_start().starts_with("-----BEGIN PGP SIGNED MESSAGE-----").then(|| text.trim_start())
}

/// Whether two texts have the same lines. A clear-signed text has its own line endings, and none at its end
/// (RFC 9580, section 7.2).
fn same_lines(one: &[u8], other: &[u8]) -> bool {
    let lines = |text: &[u8]| -> Vec<Vec<u8>> {
        let text = text.trim_ascii_end();
        text.split(|&byte| byte == b'\n').map(|line| line.trim_ascii_end().to_vec()).collect()
    };
    lines(one) == lines(other)
}

fn best(checks: impl Iterator<Item = SignatureCheck>) -> SignatureCheck {
    let mut first = None;
    for check in checks {
        match check {
            SignatureCheck::Good { .. } => return check,
            SignatureCheck::Bad(_) | SignatureCheck::Absent | SignatureCheck::NotMade => {
                first.get_or_insert(check);
            }
        }
    }
    first.unwrap_or_else(|| SignatureCheck::Bad("it holds no signature".to_owned()))
}
