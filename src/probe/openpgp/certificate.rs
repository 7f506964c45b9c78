//! One certificate: which of its keys may sign, and until when.

use std::time::SystemTime;

use pgp::composed::{SignedPublicKey, SignedPublicSubKey};
use pgp::packet::{KeyFlags, PublicKey, PublicSubkey, Signature, SignatureType};
use pgp::types::{KeyDetails, Tag, Timestamp, VerifyingKey};

/// A key of a certificate that may have made a signature.
#[derive(Clone, Copy)]
pub(super) enum Candidate<'k> {
    Primary(&'k SignedPublicKey),
    Subkey(&'k SignedPublicKey, &'k SignedPublicSubKey),
}

/// The key itself.
pub(super) enum Key<'k> {
    Primary(&'k PublicKey),
    Subkey(&'k PublicSubkey),
}

impl<'k> Candidate<'k> {
    /// Every key of a certificate.
    pub(super) fn all(certificate: &'k SignedPublicKey) -> impl Iterator<Item = Self> {
        let subkeys = certificate.public_subkeys.iter();
        std::iter::once(Self::Primary(certificate))
            .chain(subkeys.map(move |subkey| Self::Subkey(certificate, subkey)))
    }

    pub(super) fn key(self) -> Key<'k> {
        match self {
            Self::Primary(certificate) => Key::Primary(&certificate.primary_key),
            Self::Subkey(_, subkey) => Key::Subkey(&subkey.key),
        }
    }

    pub(super) fn fingerprint(self) -> String {
        match self.key() {
            Key::Primary(key) => format!("{:X}", key.fingerprint()),
            Key::Subkey(key) => format!("{:X}", key.fingerprint()),
        }
    }

    /// Whether a signature names this key as its issuer.
    pub(super) fn issued(self, signature: &Signature) -> bool {
        let (id, fingerprint) = match self.key() {
            Key::Primary(key) => (key.legacy_key_id(), key.fingerprint()),
            Key::Subkey(key) => (key.legacy_key_id(), key.fingerprint()),
        };
        let fingerprints = signature.issuer_fingerprint();
        if fingerprints.is_empty() {
            return signature.issuer_key_id().into_iter().any(|issuer| *issuer == id);
        }
        fingerprints.into_iter().any(|issuer| *issuer == fingerprint)
    }

    /// Why the key may not sign at this time, if it may not.
    ///
    /// A key that is revoked or expired by now proves nothing, whenever the signature says it was made: who
    /// has a stolen key can write any date.
    pub(super) fn objection(self, now: SystemTime) -> Option<&'static str> {
        let (Self::Primary(certificate) | Self::Subkey(certificate, _)) = self;
        let primary = &certificate.primary_key;
        let details = &certificate.details;
        if details.revocation_signatures.iter().any(|revocation| revocation.verify_key(primary).is_ok()) {
            return Some("is revoked");
        }
        let Some(own) = newest(self_signatures(certificate)) else {
            return Some("has no valid signature of its own");
        };
        if is_over(primary.created_at(), own, now) {
            return Some("is expired");
        }
        let Self::Subkey(_, subkey) = self else {
            let flags = own.key_flags();
            // Old keys say nothing of what they are for.
            return (flags != KeyFlags::default() && !flags.sign()).then_some("is not for signing");
        };
        let valid = || {
            let signatures = subkey.signatures.iter();
            signatures.filter(|signature| signature.verify_subkey_binding(primary, &subkey.key).is_ok())
        };
        if valid().any(|signature| signature.typ() == Some(SignatureType::SubkeyRevocation)) {
            return Some("is revoked");
        }
        let bindings = valid().filter(|signature| signature.typ() == Some(SignatureType::SubkeyBinding));
        let Some(binding) = newest(bindings) else {
            return Some("is not bound to its certificate");
        };
        // A subkey that signs has to say so itself (RFC 9580, section 10.1.5): else anybody could claim it.
        let back = binding.embedded_signature();
        if !binding.key_flags().sign() {
            return Some("is not for signing");
        }
        if back.is_none_or(|back| back.verify_primary_key_binding(&subkey.key, primary).is_err()) {
            return Some("is not bound to its certificate");
        }
        is_over(subkey.key.created_at(), binding, now).then_some("is expired")
    }
}

impl Key<'_> {
    /// The key, as the crate's generic functions take it.
    pub(super) fn verify(
        &self,
        hash: pgp::crypto::hash::HashAlgorithm,
        digest: &[u8],
        signature: &pgp::types::SignatureBytes,
    ) -> pgp::errors::Result<()> {
        match self {
            Self::Primary(key) => key.verify(hash, digest, signature),
            Self::Subkey(key) => key.verify(hash, digest, signature),
        }
    }

    pub(super) fn version(&self) -> pgp::types::KeyVersion {
        match self {
            Self::Primary(key) => key.version(),
            Self::Subkey(key) => key.version(),
        }
    }

    pub(super) fn created_at(&self) -> Timestamp {
        match self {
            Self::Primary(key) => key.created_at(),
            Self::Subkey(key) => key.created_at(),
        }
    }
}

/// The valid signatures of a certificate about itself: direct ones, and those over user ids that are not
/// revoked.
fn self_signatures(certificate: &SignedPublicKey) -> impl Iterator<Item = &Signature> {
    let primary = &certificate.primary_key;
    let direct = certificate.details.direct_signatures.iter();
    let direct = direct.filter(move |signature| signature.verify_key(primary).is_ok());
    let certified = certificate.details.users.iter().flat_map(move |user| {
        let own = move |signature: &&Signature| {
            signature.verify_certification(primary, Tag::UserId, &user.id).is_ok()
        };
        let is_revocation = |signature: &&Signature| signature.typ() == Some(SignatureType::CertRevocation);
        let revoked = user.signatures.iter().filter(is_revocation).any(|signature| own(&signature));
        user.signatures
            .iter()
            .filter(move |signature| !revoked && !is_revocation(signature) && own(signature))
    });
    direct.chain(certified)
}

fn newest<'s>(signatures: impl Iterator<Item = &'s Signature>) -> Option<&'s Signature> {
    signatures.max_by_key(|signature| signature.created().map(Timestamp::as_secs))
}

/// Whether a key that was created then has expired by what this signature says of it.
fn is_over(created: Timestamp, signature: &Signature, now: SystemTime) -> bool {
    let validity: Option<std::time::Duration> = signature.key_expiration_time().map(Into::into);
    ends_before(created, validity, now)
}

/// Whether a time that began then and lasts so long is over. None and zero are for ever (RFC 9580, sections
/// 5.2.3.13 and 5.2.3.18).
pub(super) fn ends_before(
    created: Timestamp,
    validity: Option<std::time::Duration>,
    now: SystemTime,
) -> bool {
    let Some(validity) = validity.filter(|validity| !validity.is_zero()) else { return false };
    SystemTime::from(created).checked_add(validity).is_some_and(|end| end <= now)
}
