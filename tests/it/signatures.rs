//! Verification of signatures with a keyring: which key made them, and whether they are good. The keys and signatures
//! are in `testdata/openpgp`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use art_mirror_validate::gate::Case;
use art_mirror_validate::location::ArtifactUrl;
use art_mirror_validate::probe::{Client, Keyring, KeyringError, Prober};
use art_mirror_validate::verdict::{Outcome, Reason, Strictness, Verify};
use embedded_mirror::{Config, Mirror, Resource, hex_sha256};
use serde_json::json;

use crate::content_support::{case, outcomes, settings};
use crate::support::ground::testdata;
use crate::support::server::{Server, digested, file};
use crate::support::{Checkout, Program, Stream, check_locally, watch};

const BYTES: &[u8] = b"a boot image, or what passes for one";

fn openpgp(name: &str) -> Vec<u8> {
    fs::read(testdata("openpgp").join(name)).unwrap()
}

/// The fingerprints of the key, of its subkey, and of a stranger's key.
fn fingerprints() -> [String; 3] {
    let text = String::from_utf8(openpgp("fingerprints")).unwrap();
    text.lines().map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()
}

fn keyring(name: &str) -> Keyring {
    Keyring::open(&openpgp(name)).unwrap()
}

fn signed(server: &Server, signature: &[u8]) -> Case {
    server.put("/b/f", file(BYTES));
    server.put("/b/f.sig", file(signature));
    let mut case = case(&server.url("/b/f"), BYTES);
    case.signature = Some(ArtifactUrl::parse(&server.url("/b/f.sig")));
    case.expectation.names_signature = true;
    case.expectation.signatures = Strictness::Warn;
    case
}

fn check(case: Case, keyring: Option<Keyring>) -> Outcome {
    outcomes(&Prober::new(Client::new(settings())).with_keyring(keyring), &[case]).remove(0)
}

fn with_signature(signature: &[u8], keyring: Option<Keyring>) -> Outcome {
    let server = Server::start();
    let case = signed(&server, signature);
    check(case, keyring)
}

#[test]
fn a_good_signature_names_its_key_and_counts_only_with_a_keyring() {
    let [primary, subkey, _] = fingerprints();
    for (signature, keys, key) in [
        ("good.sig", "key.gpg", &primary),
        ("good.asc", "key.gpg", &primary),
        ("good.sig", "two.asc", &primary),
        ("subkey.sig", "key.gpg", &subkey),
        ("subkey.sig", "two.asc", &subkey),
        // The first signature in the file is by another key.
        ("two.sig", "key.gpg", &primary),
        ("good.sig", "subkey-revoked.gpg", &primary),
        ("good.sig", "subkey-expired.gpg", &primary),
    ] {
        let outcome = with_signature(&openpgp(signature), Some(keyring(keys)));
        assert_eq!(outcome.reason(), None, "{signature}, {keys}: {}", outcome.message());
        assert_eq!(outcome.signed, [("the file", key.clone())], "{signature}, {keys}");
    }
    let without = with_signature(&openpgp("good.sig"), None);
    assert_eq!(without.reason(), None);
    assert!(without.signed.is_empty() && !without.message().contains("signed"), "{}", without.message());
}

#[test]
fn every_fault_of_a_signature_is_a_failure_that_names_the_key() {
    const WEAK: &str = "a digest that is no longer secure";
    let [primary, subkey, stranger] = fingerprints();
    for (signature, keys, key, why) in [
        ("other-bytes.sig", "key.gpg", &primary, "does not match the bytes"),
        ("critical.sig", "key.gpg", &primary, "does not match the bytes"),
        ("stranger.sig", "key.gpg", &stranger, "is not in the keyring"),
        ("nine.sig", "key.gpg", &stranger, "is not in the keyring"),
        ("expired.sig", "key.gpg", &primary, "is expired"),
        ("future.sig", "key.gpg", &primary, "is from the future"),
        ("early.sig", "key.gpg", &primary, "is older than the key"),
        ("text.sig", "key.gpg", &primary, "is not a signature of a file's bytes"),
        ("md5.sig", "key.gpg", &primary, WEAK),
        ("sha1.sig", "key.gpg", &primary, WEAK),
        ("ripemd160.sig", "key.gpg", &primary, WEAK),
        ("good.sig", "revoked.gpg", &primary, "is revoked"),
        ("subkey.sig", "revoked.gpg", &subkey, "is revoked"),
        ("subkey.sig", "subkey-revoked.gpg", &subkey, "is revoked"),
        ("good.sig", "expired.gpg", &primary, "is expired"),
        ("subkey.sig", "expired.gpg", &subkey, "is expired"),
        ("subkey.sig", "subkey-expired.gpg", &subkey, "is expired"),
        ("good.sig", "unnamed.gpg", &primary, "no valid signature of its own"),
        // Another key's subkey, copied into this certificate.
        ("subkey.sig", "thief.gpg", &subkey, "is not bound to its certificate"),
    ] {
        let outcome = with_signature(&openpgp(signature), Some(keyring(keys)));
        let message = outcome.message();
        assert_eq!(outcome.reason(), Some(Reason::BadSignature), "{signature}, {keys}: {message}");
        assert!(message.contains(why), "{signature}, {keys}: {message}");
        // The message has the fingerprint, or its end (the key ID).
        assert!(message.contains(&key[24..]), "{signature}, {keys}: {message}");
        assert!(outcome.signed.is_empty());
    }
}

#[test]
fn a_file_that_is_not_a_signature_is_a_bad_one() {
    let inline = openpgp("inline.gpg");
    let clear = openpgp("sums.asc");
    let followed = [openpgp("good.sig"), inline.clone()].concat();
    for bytes in [
        &b""[..],
        b"garbage",
        b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n",
        b"-----BEGIN PGP SIGNATURE-----\n\nAAA",
        // Signatures of content in the same file.
        &inline,
        &clear,
        &followed,
    ] {
        let outcome = with_signature(bytes, Some(keyring("key.gpg")));
        let is_bad = outcome.reason() == Some(Reason::BadSignature);
        // An empty file counts as missing.
        assert!(is_bad || bytes.is_empty() && !outcome.warnings.is_empty(), "{outcome:?}");
        assert!(outcome.signed.is_empty());
    }
}

#[test]
fn auto_reads_a_signed_file_to_check_its_signature() {
    for (keyring, reads) in [(Some(keyring("key.gpg")), 1), (None, 0)] {
        let server = Server::start();
        let mut case = signed(&server, &openpgp("good.sig"));
        server.put("/b/f", digested(BYTES));
        case.expectation.verify = Verify::Auto;
        let outcome = check(case, keyring);
        assert_eq!(outcome.reason(), None);
        assert_eq!(server.count("GET", "/b/f"), reads);
        assert_eq!(outcome.signed.len(), reads);
    }
}

#[test]
fn a_sha256sum_txt_can_have_a_detached_or_a_cleartext_signature() {
    const DIFFERS: Option<&str> = Some("does not match the bytes");
    const UNKNOWN: Option<&str> = Some("is not in the keyring");
    let lines = "\n".repeat(1_000_000);
    let endless = format!("-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{lines}").into_bytes();
    for (what, signature, fault) in [
        ("apart", Some(openpgp("sums.sig")), None),
        ("in clear", Some(openpgp("sums.asc")), None),
        ("apart, of another", Some(openpgp("sums-other.sig")), DIFFERS),
        ("in clear, of another", Some(openpgp("sums-other.asc")), DIFFERS),
        ("by another, apart", Some(openpgp("sums-stranger.sig")), UNKNOWN),
        ("by another, in clear", Some(openpgp("sums-stranger.asc")), UNKNOWN),
        ("garbage", Some(b"garbage".to_vec()), Some("is not an OpenPGP signature")),
        ("in clear, of very many lines", Some(endless), Some("is not an OpenPGP signature")),
        ("missing", None, None),
    ] {
        for verify in [Verify::Published, Verify::Content] {
            let server = Server::start();
            server.put("/b/f", file(BYTES));
            server.put("/b/sha256sum.txt", file(openpgp("sha256sum.txt")));
            if let Some(signature) = &signature {
                server.put("/b/sha256sum.txt.gpg", file(signature.clone()));
            }
            let mut case = case(&server.url("/b/f"), BYTES);
            case.expectation.verify = verify;
            case.expectation.signatures = Strictness::Warn;
            let outcome = check(case, Some(keyring("key.gpg")));
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
fn a_file_that_is_not_a_keyring_is_refused() {
    assert!(matches!(Keyring::open(b"").unwrap_err(), KeyringError::Empty));
    for other in
        [b"garbage".to_vec(), openpgp("good.sig"), openpgp("secret.gpg"), openpgp("key.gpg")[..99].to_vec()]
    {
        assert!(matches!(Keyring::open(&other).unwrap_err(), KeyringError::Unreadable(_)));
    }
}

const SIGNED: &str = "/b/rhcos-419.96.202506171412-0-live.x86_64.iso";
const SIGNATURE: &str = "/b/rhcos-419.96.202506171412-0-live.x86_64.iso.sig";

/// A server with a file of these bytes, and the signature of [`BYTES`].
fn signed_bytes(bytes: &[u8]) -> Server {
    let server = Server::start();
    server.put(SIGNED, file(bytes));
    server.put(SIGNATURE, file(openpgp("good.sig")));
    server
}

/// `check` of a signed file, with this script as gpgv.
fn with_gpgv(location: &str, sha256: &str, directory: &Path, gpgv: Option<&str>) -> Program {
    if let Some(gpgv) = gpgv {
        let program = directory.join("gpgv");
        fs::write(&program, format!("#!/bin/sh\n{gpgv}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let signature = format!("{location}.sig");
    let component = json!({ "location": location, "sha256": sha256, "signature": signature });
    check_locally(Checkout::of(&Stream::of(component)))
        .args(["--verify", "content", "--keyring"])
        .arg(testdata("openpgp/key.gpg"))
        .env("PATH", directory)
        .env("TMPDIR", directory)
}

/// The temporary files that are left in a directory.
fn temporary_files(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(".tmp")).collect()
}

#[test]
fn without_gpgv_nothing_is_requested_and_the_package_is_named() {
    let server = signed_bytes(BYTES);
    let directory = tempfile::tempdir().unwrap();
    let program = with_gpgv(&server.url(SIGNED), &hex_sha256(BYTES), directory.path(), None);
    let ran = program.clone().run().exits(2);
    assert!(ran.stderr.contains("gpgv (Debian, Ubuntu) or gnupg2 (Fedora, RHEL)"), "{}", ran.stderr);
    // A gpgv in the checkout is not run.
    let checkout = tempfile::tempdir().unwrap();
    fs::write(checkout.path().join("gpgv"), "#!/bin/sh\ntouch ran\n").unwrap();
    fs::set_permissions(checkout.path().join("gpgv"), fs::Permissions::from_mode(0o755)).unwrap();
    program.in_directory(checkout.path()).env("PATH", ".::").run().exits(2);
    assert!(!checkout.path().join("ran").exists());
    assert_eq!(server.request_count(), 0);
}

#[test]
fn gpgv_gets_an_empty_environment_and_leaves_no_files() {
    let server = signed_bytes(BYTES);
    let directory = tempfile::tempdir().unwrap();
    let gpgv = format!("export -p > {0}/environment; exec /usr/bin/gpgv \"$@\"", directory.path().display());
    let program = with_gpgv(&server.url(SIGNED), &hex_sha256(BYTES), directory.path(), Some(&gpgv));
    program.env("GNUPGHOME", "/elsewhere").env("LD_PRELOAD_", "x").run().exits(0);
    let environment = fs::read_to_string(directory.path().join("environment")).unwrap();
    let names = environment.lines().map(|line| line.split_once('=').map_or(line, |(name, _)| name));
    let mut names: Vec<_> = names.filter(|name| !matches!(*name, "export PWD" | "export OLDPWD")).collect();
    names.sort_unstable();
    assert_eq!(names, ["export GNUPGHOME", "export LC_ALL"]);
    assert!(!environment.contains("elsewhere"), "{environment}");
    assert_eq!(temporary_files(directory.path()), [""; 0]);
}

#[test]
fn a_failing_gpgv_causes_no_delay_and_an_undetermined_signature() {
    let bytes = vec![7; 4 << 20];
    let (server, sha256) = (signed_bytes(&bytes), hex_sha256(&bytes));
    for gpgv in ["exit 0", "exit 3", "kill -9 $$", "echo '[GNUPG:] GOODSIG ID name'; exec cat > /dev/null"] {
        let directory = tempfile::tempdir().unwrap();
        let program = with_gpgv(&server.url(SIGNED), &sha256, directory.path(), Some(gpgv));
        let report = program.run().exits(3).report();
        let artifact = report.only();
        assert_eq!(artifact["sha256"]["observed"], sha256, "{gpgv}: {artifact:#}");
        assert!(artifact["message"].as_str().unwrap().contains("gpgv"), "{gpgv}: {artifact:#}");
    }
}

#[test]
fn a_gpgv_that_hangs_ends_with_the_run() {
    let bytes = vec![7; 4 << 20];
    let server = signed_bytes(&bytes);
    let directory = tempfile::tempdir().unwrap();
    let gpgv = format!("echo $$ > {0}/pid; exec /bin/sleep 1000", directory.path().display());
    let program = with_gpgv(&server.url(SIGNED), &hex_sha256(&bytes), directory.path(), Some(&gpgv));
    // gpgv must have been started by then.
    let ran = program.args(["--deadline", "1s"]).run().exits(3);
    assert!(ran.elapsed < Duration::from_secs(10), "{:?}", ran.elapsed);
    let pid = fs::read_to_string(directory.path().join("pid")).unwrap();
    // It can be a zombie for a moment, which has no command line.
    let command = fs::read(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default();
    assert!(command.is_empty(), "{}", String::from_utf8_lossy(&command));
    assert_eq!(temporary_files(directory.path()), [""; 0]);
}

#[test]
fn a_large_signed_file_takes_no_more_memory_than_a_small_one() {
    let peak = |mebibytes: u64| {
        let mirror = Mirror::start(Config::plain()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let large = Resource::synthetic(1, mebibytes << 20);
        let sha256 = data_encoding::HEXLOWER.encode(&large.content().sha256());
        mirror.put(SIGNED, large);
        mirror.put(SIGNATURE, Resource::bytes(openpgp("good.sig")));
        let gpgv = "exec /usr/bin/gpgv \"$@\"";
        let (ran, peak) = watch(&with_gpgv(&mirror.url(SIGNED), &sha256, directory.path(), Some(gpgv)));
        // This is not the signed file.
        assert_eq!(ran.exits(1).report().only()["reason"], "bad-signature");
        peak
    };
    let (small, large) = (peak(1), peak(256));
    eprintln!("{small} KiB with a file of 1 MiB, {large} KiB with one of 256 MiB");
    assert!(small > 0 && large <= small + 8 * 1024, "{small} and {large} KiB");
}
