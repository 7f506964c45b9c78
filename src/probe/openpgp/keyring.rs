//! The keys that signatures are checked with.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use pgp::composed::{Deserializable, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::errors::Result as PgpResult;
use pgp::packet::{Signature, SignatureVersion};
use pgp::types::KeyVersion;

use super::SignatureCheck;
use super::certificate::{Candidate, Key, ends_before};

/// The beginning of each armored key.
const ARMOR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// By how much clocks may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// Public keys, as `gpg --export` writes them.
#[derive(Debug, Clone)]
pub struct Keyring {
    certificates: Vec<SignedPublicKey>,
}

/// A file that is no keyring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// It has something that is no public key.
    #[error("expected OpenPGP public keys, armored or binary: {0}")]
    Unreadable(String),
    /// It has no key.
    #[error("it holds no OpenPGP public key")]
    Empty,
}

impl Keyring {
    /// Reads public keys: any number of them, binary or in any number of armored blocks.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyringError> {
        let unreadable = |error: &dyn std::fmt::Display| {
            KeyringError::Unreadable(crate::text::excerpt(&error.to_string(), 200))
        };
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.contains(ARMOR));
        let blocks: Vec<Cow<'_, [u8]>> = match text {
            // The parser reads one block at a time; what stands around blocks is for people.
            Some(text) => {
                let blocks = text.split(ARMOR).skip(1);
                blocks.map(|block| Cow::Owned(format!("{ARMOR}{block}").into_bytes())).collect()
            }
            None => vec![Cow::Borrowed(bytes)],
        };
        let mut certificates = Vec::new();
        for block in blocks {
            let keys = if text.is_some() {
                SignedPublicKey::from_armor_many(&*block).map(|(keys, _)| keys)
            } else {
                SignedPublicKey::from_bytes_many(&*block)
            };
            for key in keys.map_err(|error| unreadable(&error))? {
                certificates.push(key.map_err(|error| unreadable(&error))?);
            }
        }
        if certificates.is_empty() { Err(KeyringError::Empty) } else { Ok(Self { certificates }) }
    }

    /// Judges a signature. `holds` says whether it is one of the data by a key.
    pub(super) fn check(
        &self,
        signature: &Signature,
        now: SystemTime,
        holds: impl Fn(&Key<'_>) -> PgpResult<()>,
    ) -> SignatureCheck {
        let issuer = issuer(signature);
        let bad = |why: &str| SignatureCheck::Bad(format!("the signature by {issuer} {why}"));
        let hash = signature.hash_alg();
        if matches!(
            hash,
            None | Some(
                HashAlgorithm::None | HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Ripemd160
            )
        ) {
            return bad("is over a digest that proves nothing any more");
        }
        let Some(created) = signature.created() else {
            return bad("does not say when it was made");
        };
        if SystemTime::from(created).checked_sub(CLOCK_SKEW).is_some_and(|begin| begin > now) {
            return bad("is from the future");
        }
        if ends_before(created, signature.signature_expiration_time().map(Into::into), now) {
            return bad("is expired");
        }
        if has_unknown_critical_subpacket(signature) {
            return bad("has a condition that is not understood");
        }
        let keys = self.certificates.iter().flat_map(Candidate::all);
        let mut worst = format!("{issuer} is not among the keys of the keyring");
        for candidate in keys.filter(|candidate| candidate.issued(signature)) {
            let key = candidate.key();
            let fingerprint = candidate.fingerprint();
            let aligned = (signature.version() == SignatureVersion::V6) == (key.version() == KeyVersion::V6);
            if !aligned || created.as_secs() < key.created_at().as_secs() {
                worst = format!("the signature by {fingerprint} cannot be that key's");
            } else if holds(&key).is_err() {
                worst = format!("the signature by {fingerprint} does not fit the bytes");
            } else if let Some(objection) = candidate.objection(now) {
                worst = format!("the key {fingerprint} {objection}");
            } else {
                return SignatureCheck::Good { key: fingerprint };
            }
        }
        SignatureCheck::Bad(worst)
    }
}

/// Who a signature says it is by.
fn issuer(signature: &Signature) -> String {
    if let Some(fingerprint) = signature.issuer_fingerprint().first() {
        return format!("the key {fingerprint:X}");
    }
    match signature.issuer_key_id().first() {
        Some(id) => format!("the key {}", id.to_string().to_uppercase()),
        None => "an unnamed key".to_owned(),
    }
}

/// A signature with a critical part that nobody understands is an error (RFC 9580, section 5.2.3.7).
fn has_unknown_critical_subpacket(signature: &Signature) -> bool {
    use pgp::packet::SubpacketData::{Experimental, Notation, Other};
    let Some(config) = signature.config() else { return true };
    let unknown = |data| matches!(data, &(Notation(_) | Experimental(..) | Other(..)));
    config.hashed_subpackets().any(|subpacket| subpacket.is_critical && unknown(&subpacket.data))
}
