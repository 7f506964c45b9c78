//! Signatures against a keyring: whose they are, and whether they hold.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails where it stands")]

mod content_support;

use std::time::Duration;

use art_mirror_validate::gate::Case;
use art_mirror_validate::location::Literal;
use art_mirror_validate::probe::{Client, Keyring, KeyringError, Prober};
use art_mirror_validate::verdict::{Outcome, Reason, Signatures, Verify};
use content_support::{case, outcomes, settings};
use embedded_mirror::{Config, Mirror, Resource, sha256sum_txt};
use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, DetachedSignature, KeyType, SecretKeyParamsBuilder,
    SignedPublicKey, SignedSecretKey, SubkeyParamsBuilder, SubpacketConfig,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize as _;
use pgp::types::{KeyDetails as _, Password, SigningKey, Tag, Timestamp};
use rand::thread_rng;

const BYTES: &[u8] = b"a boot image, or what passes for one";

fn ago(seconds: u32) -> Timestamp {
    Timestamp::from_secs(Timestamp::now().as_secs() - seconds)
}

/// A key made a day ago that signs, and has a subkey that signs too.
fn key(name: &str) -> SignedSecretKey {
    let subkey = SubkeyParamsBuilder::default()
        .key_type(KeyType::Ed25519Legacy)
        .can_sign(true)
        .created_at(ago(86_400))
        .build()
        .unwrap();
    let mut builder = SecretKeyParamsBuilder::default();
    builder
        .key_type(KeyType::Ed25519Legacy)
        .can_sign(true)
        .can_certify(true)
        .created_at(ago(86_400))
        .primary_user_id(name.to_owned())
        .subkey(subkey);
    builder.build().unwrap().generate(thread_rng()).unwrap()
}

fn sign(key: &impl SigningKey, bytes: &[u8]) -> Vec<u8> {
    let hash = HashAlgorithm::Sha256;
    let signature =
        DetachedSignature::sign_binary_data(thread_rng(), key, &Password::empty(), hash, bytes).unwrap();
    signature.to_bytes().unwrap()
}

/// A signature of these dates.
fn sign_at(key: &SignedSecretKey, created: Timestamp, lasts: Duration) -> Vec<u8> {
    let data = [
        SubpacketData::IssuerFingerprint(key.fingerprint()),
        SubpacketData::SignatureCreationTime(created),
        SubpacketData::SignatureExpirationTime(lasts.try_into().unwrap()),
    ];
    let hashed = data.map(|data| Subpacket::regular(data).unwrap()).to_vec();
    let subpackets = SubpacketConfig::UserDefined { hashed, unhashed: vec![] };
    let signature = DetachedSignature::sign_binary_data_with_subpackets(
        thread_rng(),
        &key.primary_key,
        &Password::empty(),
        HashAlgorithm::Sha256,
        BYTES,
        subpackets,
    );
    signature.unwrap().to_bytes().unwrap()
}

/// The certificate, with its primary key revoked.
fn revoked(key: &SignedSecretKey) -> SignedPublicKey {
    let mut public = key.to_public_key();
    let mut config =
        SignatureConfig::from_key(thread_rng(), &key.primary_key, SignatureType::KeyRevocation).unwrap();
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::now())).unwrap(),
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint())).unwrap(),
    ];
    let signature = config.sign_key(&key.primary_key, &Password::empty(), &public.primary_key).unwrap();
    public.details.revocation_signatures.push(signature);
    public
}

/// The certificate, expired an hour ago.
fn expired(key: &SignedSecretKey) -> SignedPublicKey {
    let mut public = key.to_public_key();
    let user = &mut public.details.users[0];
    let mut config =
        SignatureConfig::from_key(thread_rng(), &key.primary_key, SignatureType::CertPositive).unwrap();
    let lasts = Duration::from_secs(86_400 - 3600).try_into().unwrap();
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::now())).unwrap(),
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint())).unwrap(),
        Subpacket::regular(SubpacketData::KeyExpirationTime(lasts)).unwrap(),
    ];
    let signature = config
        .sign_certification(&key.primary_key, &public.primary_key, &Password::empty(), Tag::UserId, &user.id)
        .unwrap();
    user.signatures = vec![signature];
    public
}

fn keyring(keys: &[SignedPublicKey]) -> Keyring {
    let bytes: Vec<u8> = keys.iter().flat_map(|key| key.to_bytes().unwrap()).collect();
    Keyring::parse(&bytes).unwrap()
}

fn signed(mirror: &Mirror, signature: &[u8]) -> Case {
    mirror.put("/b/f", Resource::bytes(BYTES));
    mirror.put("/b/f.sig", Resource::bytes(signature.to_vec()));
    let mut case = case(mirror, "/b/f", BYTES);
    case.signature = Some(Literal::parse(&mirror.url("/b/f.sig")));
    case.expectation.names_signature = true;
    case.expectation.signatures = Signatures::Warn;
    case
}

fn check(mirror: &Mirror, case: Case, keyring: Option<Keyring>) -> Outcome {
    outcomes(&Prober::new(Client::new(settings(mirror))).with_keyring(keyring), &[case]).remove(0)
}

fn with_signature(signature: &[u8], keyring: Option<Keyring>) -> Outcome {
    let mirror = Mirror::start(Config::plain()).unwrap();
    let case = signed(&mirror, signature);
    check(&mirror, case, keyring)
}

#[test]
fn a_good_signature_names_its_key_and_only_a_keyring_makes_it_one() {
    let key = key("Good");
    let armored = |key: &SignedPublicKey| key.to_armored_bytes(ArmorOptions::default()).unwrap();
    let public = key.to_public_key();
    let several = [armored(&self::key("Other").to_public_key()), armored(&public)].concat();
    for keyring in [keyring(&[public]), Keyring::parse(&several).unwrap()] {
        let by_primary = with_signature(&sign(&key.primary_key, BYTES), Some(keyring.clone()));
        assert_eq!(by_primary.reason(), None, "{}", by_primary.message());
        assert_eq!(by_primary.signed, [("the file", format!("{:X}", key.fingerprint()))]);
        let subkey = &key.secret_subkeys[0].key;
        let by_subkey = with_signature(&sign(subkey, BYTES), Some(keyring));
        assert_eq!(by_subkey.reason(), None, "{}", by_subkey.message());
        assert_eq!(by_subkey.signed, [("the file", format!("{:X}", subkey.fingerprint()))]);
    }
    let without = with_signature(&sign(&key.primary_key, BYTES), None);
    assert_eq!(without.reason(), None);
    assert!(without.signed.is_empty() && !without.message().contains("signed"), "{}", without.message());
}

#[test]
fn whatever_is_wrong_with_a_signature_is_bad_and_names_the_key() {
    let (key, stranger) = (key("Key"), key("Stranger"));
    let good = sign(&key.primary_key, BYTES);
    let public = || keyring(&[key.to_public_key()]);
    let day = Duration::from_secs(86_400);
    let hour = Duration::from_secs(3600);
    let mut tampered = key.to_public_key();
    tampered.details.users.clear();
    for (what, signature, keyring, who, why) in [
        ("other bytes", sign(&key.primary_key, b"other"), public(), &key, "does not fit the bytes"),
        ("an unknown key", sign(&stranger.primary_key, BYTES), public(), &stranger, "is not among the keys"),
        ("expired", sign_at(&key, ago(7200), hour), public(), &key, "is expired"),
        (
            "early",
            sign_at(&key, Timestamp::from_secs(Timestamp::now().as_secs() + 3600), day),
            public(),
            &key,
            "from the future",
        ),
        ("before its key", sign_at(&key, ago(100_000), day * 30), public(), &key, "cannot be that key's"),
        ("a revoked key", good.clone(), keyring(&[revoked(&key)]), &key, "is revoked"),
        ("an expired key", good.clone(), keyring(&[expired(&key)]), &key, "is expired"),
        ("a key without a name", good.clone(), keyring(&[tampered]), &key, "no valid signature of its own"),
    ] {
        let outcome = with_signature(&signature, Some(keyring));
        assert_eq!(outcome.reason(), Some(Reason::BadSignature), "{what}: {}", outcome.message());
        let message = outcome.message();
        assert!(message.contains(why), "{what}: {message}");
        assert!(message.contains(&format!("{:X}", who.fingerprint())), "{what}: {message}");
        assert!(outcome.signed.is_empty());
    }
}

#[test]
fn a_revoked_or_unbound_subkey_signs_nothing() {
    let (key, other) = (key("Key"), key("Other"));
    let signature = sign(&key.secret_subkeys[0].key, BYTES);
    // Somebody else's subkey, taken without its consent.
    let mut thief = other.to_public_key();
    thief.public_subkeys = key.to_public_key().public_subkeys;
    let outcome = with_signature(&signature, Some(keyring(&[thief])));
    assert!(outcome.message().contains("is not bound to its certificate"), "{}", outcome.message());
    let outcome = with_signature(&signature, Some(keyring(&[revoked(&key)])));
    assert!(outcome.message().contains("is revoked"), "{}", outcome.message());
}

#[test]
fn what_is_no_signature_is_a_bad_one() {
    let public = keyring(&[key("Key").to_public_key()]);
    for bytes in
        [&b""[..], b"garbage", b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"]
    {
        let outcome = with_signature(bytes, Some(public.clone()));
        let is_bad = outcome.reason() == Some(Reason::BadSignature);
        // An empty file is no file at all.
        assert!(is_bad || bytes.is_empty() && !outcome.warnings.is_empty(), "{outcome:?}");
        assert!(outcome.signed.is_empty());
    }
}

#[test]
fn auto_reads_a_signed_file_to_check_its_signature() {
    let key = key("Key");
    for (keyring, reads) in [(Some(keyring(&[key.to_public_key()])), 1), (None, 0)] {
        let mirror = Mirror::start(Config::plain()).unwrap();
        let mut case = signed(&mirror, &sign(&key.primary_key, BYTES));
        mirror.put("/b/f", Resource::bytes(BYTES).repr_digest());
        case.expectation.verify = Verify::Auto;
        let outcome = check(&mirror, case, keyring);
        assert_eq!(outcome.reason(), None);
        assert_eq!(mirror.count("GET", "/b/f"), reads);
        assert_eq!(outcome.signed.len(), reads);
    }
}

#[test]
fn a_sha256sum_txt_is_signed_apart_or_in_clear() {
    let (key, stranger) = (key("Key"), key("Stranger"));
    let sums = sha256sum_txt([("f", BYTES), ("- g", b"g")]);
    let clear = |text: &str, key: &SignedSecretKey| {
        let message = CleartextSignedMessage::sign(thread_rng(), text, &key.primary_key, &Password::empty());
        message.unwrap().to_armored_bytes(ArmorOptions::default()).unwrap()
    };
    let other = sha256sum_txt([("f", b"other")]);
    let endless = format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{}", "\n".repeat(1_000_000));
    let endless = endless.into_bytes();
    for (what, signature, fault) in [
        ("apart", Some(sign(&key.primary_key, sums.as_bytes())), None),
        ("in clear", Some(clear(&sums, &key)), None),
        ("apart, of another", Some(sign(&key.primary_key, other.as_bytes())), Some("does not fit the bytes")),
        ("in clear, of another", Some(clear(&other, &key)), Some("signs another text")),
        (
            "by another, apart",
            Some(sign(&stranger.primary_key, sums.as_bytes())),
            Some("is not among the keys"),
        ),
        ("by another, in clear", Some(clear(&sums, &stranger)), Some("is not among the keys")),
        ("garbage", Some(b"garbage".to_vec()), Some("is no OpenPGP signature")),
        // Whose checking would take minutes, in which no deadline is heard.
        ("in clear, of very many lines", Some(endless), Some("more than 16000 lines")),
        ("missing", None, None),
    ] {
        for verify in [Verify::Published, Verify::Content] {
            let mirror = Mirror::start(Config::plain()).unwrap();
            mirror.put("/b/f", Resource::bytes(BYTES));
            mirror.put("/b/sha256sum.txt", Resource::bytes(sums.clone()));
            if let Some(signature) = &signature {
                mirror.put("/b/sha256sum.txt.gpg", Resource::bytes(signature.clone()));
            }
            let mut case = case(&mirror, "/b/f", BYTES);
            case.expectation.verify = verify;
            case.expectation.signatures = Signatures::Warn;
            let outcome = check(&mirror, case, Some(keyring(&[key.to_public_key()])));
            let reason = fault.map(|_| Reason::BadSignature);
            assert_eq!(outcome.reason(), reason, "{what}: {}", outcome.message());
            assert!(outcome.message().contains(fault.unwrap_or_default()), "{what}: {}", outcome.message());
            let is_signed = fault.is_none() && signature.is_some();
            assert_eq!(outcome.signed.len(), usize::from(is_signed), "{what}");
            assert_eq!(outcome.warnings.is_empty(), signature.is_some(), "{what}: {:?}", outcome.warnings);
        }
    }
}

#[test]
fn what_is_no_keyring_is_refused() {
    assert_eq!(Keyring::parse(b"").unwrap_err(), KeyringError::Empty);
    assert!(Keyring::parse(b"garbage").is_err());
    let signature = sign(&key("Key").primary_key, BYTES);
    assert!(Keyring::parse(&signature).is_err());
}
