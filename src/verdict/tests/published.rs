//! Cases judged by published evidence alone.

use std::sync::Arc;

use super::*;
use crate::stream::{ArtifactId, BuildMetadata, MetaJsonClaim};

/// A row of the table: name, change to a passing case, and expected reason.
type Row = (&'static str, fn(&mut Expectation, &mut Evidence), Option<Reason>);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_table_of_cases() {
    use DigestSource::{Header, MetaJson, Sha256sumTxt};
    let rows: Vec<Row> = vec![
        ("good", |_, _| {}, None),
        // Presence.
        ("404", |_, it| it.file = absent(404), Some(Reason::Missing)),
        ("403", |_, it| it.file = absent(403), Some(Reason::Missing)),
        ("410", |_, it| it.file = absent(410), Some(Reason::Missing)),
        (
            "soft 404",
            |_, it| it.file = Observation::Absent { status: 200, how: Absence::Html },
            Some(Reason::Missing),
        ),
        (
            "empty",
            |_, it| it.file = Observation::Absent { status: 200, how: Absence::Empty },
            Some(Reason::Missing),
        ),
        (
            "unreachable",
            |_, it| it.file = Observation::Undetermined(error(ProbeErrorKind::Unreachable)),
            Some(Reason::Unreachable),
        ),
        (
            "timeout",
            |_, it| it.file = Observation::Undetermined(error(ProbeErrorKind::Timeout)),
            Some(Reason::Timeout),
        ),
        (
            "server error",
            |_, it| it.file = Observation::Undetermined(error(ProbeErrorKind::ServerError)),
            Some(Reason::ServerError),
        ),
        (
            "rate limited",
            |_, it| it.file = Observation::Undetermined(error(ProbeErrorKind::RateLimited)),
            Some(Reason::RateLimited),
        ),
        (
            "deadline",
            |_, it| it.file = Observation::Undetermined(error(ProbeErrorKind::Deadline)),
            Some(Reason::Deadline),
        ),
        // Location.
        (
            "bad location",
            |_, it| it.file = Observation::Refused(Refusal::BadLocation(crate::location::BadLocation::Query)),
            Some(Reason::BadLocation),
        ),
        (
            "bridge",
            |_, it| it.file = Observation::Refused(Refusal::Bridge { host: "b".into() }),
            Some(Reason::NotPublished),
        ),
        (
            "host",
            |_, it| it.file = Observation::Refused(Refusal::Host { host: "h".into() }),
            Some(Reason::HostNotAllowed),
        ),
        (
            "redirect",
            |_, it| it.file = Observation::Refused(Refusal::Redirect { target: "t".into(), why: "w" }),
            Some(Reason::RedirectNotAllowed),
        ),
        (
            "address",
            |_, it| {
                it.file =
                    Observation::Refused(Refusal::Address { host: "h".into(), addresses: "::1".into() });
            },
            Some(Reason::AddressNotAllowed),
        ),
        // Size.
        ("size of the document", |want, _| want.size = Some(7), None),
        ("other size than the document's", |want, _| want.size = Some(8), Some(Reason::SizeMismatch)),
        ("size of legacy metadata", |want, _| want.legacy = vec![file(RIGHT, Some(7))], None),
        (
            "other size than legacy metadata's",
            |want, _| want.legacy = vec![file(RIGHT, Some(8))],
            Some(Reason::SizeMismatch),
        ),
        (
            "other size than meta.json's",
            |_, it| it.meta_json = vec![file(RIGHT, Some(8))],
            Some(Reason::SizeMismatch),
        ),
        ("other size than the bridge's", |_, it| it.bridge_size = Some(8), Some(Reason::SizeMismatch)),
        (
            "the document's size comes before legacy's",
            |want, _| {
                want.size = Some(7);
                want.legacy = vec![file(RIGHT, Some(8))];
            },
            None,
        ),
        (
            "legacy's size comes before meta.json's",
            |want, it| {
                want.legacy = vec![file(RIGHT, Some(7))];
                it.meta_json = vec![file(RIGHT, Some(8))];
            },
            None,
        ),
        ("no reported size, none expected", |_, it| it.file = present(None), None),
        (
            "no reported size, one expected",
            |want, it| {
                want.size = Some(7);
                it.file = present(None);
            },
            Some(Reason::ServerError),
        ),
        // Digest.
        ("no digest", |_, it| it.published.clear(), Some(Reason::NoDigest)),
        (
            "the right digest in a malformed list",
            |_, it| it.published = vec![doubtful(Sha256sumTxt, RIGHT)],
            Some(Reason::NoDigest),
        ),
        (
            "another digest in a malformed list",
            |_, it| it.published.push(doubtful(Sha256sumTxt, WRONG)),
            Some(Reason::Sha256Mismatch),
        ),
        (
            "no digest, and none is required",
            |want, it| {
                want.verify = Verify::Exists;
                it.published.clear();
            },
            None,
        ),
        (
            "wrong digest in a header",
            |_, it| it.published = vec![published(Header, WRONG)],
            Some(Reason::Sha256Mismatch),
        ),
        (
            "wrong digest in a header, and none is required",
            |want, it| {
                want.verify = Verify::Exists;
                it.published = vec![published(Header, WRONG)];
            },
            Some(Reason::Sha256Mismatch),
        ),
        (
            "right in the header, wrong in sha256sum.txt",
            |_, it| it.published.push(published(Sha256sumTxt, WRONG)),
            Some(Reason::Sha256Mismatch),
        ),
        (
            "wrong in one line of sha256sum.txt, right in another",
            |_, it| it.published = vec![published(Sha256sumTxt, WRONG), published(Sha256sumTxt, RIGHT)],
            Some(Reason::Sha256Mismatch),
        ),
        (
            "right digest in sha256sum.txt alone",
            |_, it| it.published = vec![published(Sha256sumTxt, RIGHT)],
            None,
        ),
        (
            "right digest in meta.json alone",
            |_, it| {
                it.published = vec![published(MetaJson, RIGHT)];
                it.meta_json = vec![file(RIGHT, Some(7))];
            },
            None,
        ),
        // Build metadata.
        (
            "meta.json disagrees",
            |_, it| {
                it.published.push(published(MetaJson, WRONG));
                it.meta_json = vec![file(WRONG, Some(7))];
            },
            Some(Reason::MetadataConflict),
        ),
        (
            "legacy metadata disagrees",
            |want, _| want.legacy = vec![file(RIGHT, None), file(WRONG, None)],
            Some(Reason::MetadataConflict),
        ),
        (
            "legacy metadata disagrees about the decompressed file",
            |want, _| want.legacy = vec![BuildFile { uncompressed_sha256: Some(WRONG), ..file(RIGHT, None) }],
            Some(Reason::MetadataConflict),
        ),
        (
            "legacy metadata disagrees, and nothing else is known",
            |want, it| {
                want.legacy = vec![file(WRONG, None)];
                *it = Evidence::only(Observation::Undetermined(error(ProbeErrorKind::Unreachable)));
            },
            Some(Reason::MetadataConflict),
        ),
        (
            "sha256sum.txt disagrees, and the file timed out",
            |_, it| {
                it.file = Observation::Undetermined(error(ProbeErrorKind::Timeout));
                it.published = vec![published(Sha256sumTxt, WRONG)];
            },
            Some(Reason::Sha256Mismatch),
        ),
        // A sidecar that could not be read may disagree.
        (
            "unread sidecar",
            |_, it| {
                let error = error(ProbeErrorKind::ServerError);
                it.unread = vec![Unread { sidecar: "sha256sum.txt", error }];
            },
            Some(Reason::ServerError),
        ),
        (
            "unread meta.json, and only existence matters, and the size is known",
            |want, it| {
                want.verify = Verify::Exists;
                want.size = Some(7);
                it.unread = vec![Unread { sidecar: "meta.json", error: error(ProbeErrorKind::Timeout) }];
            },
            None,
        ),
        (
            "unread meta.json, and only existence matters, and the size is not known",
            |want, it| {
                want.verify = Verify::Exists;
                it.unread = vec![Unread { sidecar: "meta.json", error: error(ProbeErrorKind::Timeout) }];
            },
            Some(Reason::Timeout),
        ),
        // Signatures.
        (
            "missing signature is a warning",
            |want, it| {
                want.names_signature = true;
                it.signature = Some(absent(404));
            },
            None,
        ),
        (
            "missing signature is a failure where it is required",
            |want, it| {
                want.names_signature = true;
                want.signatures = Strictness::Require;
                it.signature = Some(absent(404));
            },
            Some(Reason::BadSignature),
        ),
        (
            "no signature named is a failure where it is required",
            |want, _| want.signatures = Strictness::Require,
            Some(Reason::BadSignature),
        ),
        (
            "a signature that was not requested is undetermined where it is required",
            |want, _| {
                want.names_signature = true;
                want.signatures = Strictness::Require;
            },
            Some(Reason::Deadline),
        ),
        (
            "undetermined signature is undetermined where it is required",
            |want, it| {
                want.names_signature = true;
                want.signatures = Strictness::Require;
                it.signature = Some(Observation::Undetermined(error(ProbeErrorKind::Timeout)));
            },
            Some(Reason::Timeout),
        ),
        (
            "a required signature is missing, and the file is undetermined",
            |want, it| {
                want.names_signature = true;
                want.signatures = Strictness::Require;
                it.file = Observation::Undetermined(error(ProbeErrorKind::ServerError));
                it.signature = Some(absent(404));
            },
            Some(Reason::BadSignature),
        ),
        (
            "signature that is there",
            |want, it| {
                want.names_signature = true;
                want.signatures = Strictness::Require;
                it.signature = Some(present(Some(500)));
            },
            None,
        ),
    ];
    for (name, change, reason) in rows {
        let (mut want, mut evidence) = (expected(Verify::Published), good());
        change(&mut want, &mut evidence);
        let outcome = judge(&want, &evidence);
        assert_eq!(outcome.reason(), reason, "{name}: {}", outcome.message());
    }
}

/// Each warning appears where it should, and no other.
#[test]
fn a_pass_has_exactly_its_warnings() {
    type Row = (&'static str, fn(&mut Expectation, &mut Evidence), &'static [&'static str]);
    let rows: &[Row] = &[
        ("nothing to warn of", |_, _| {}, &[]),
        ("no reported size", |_, it| it.file = present(None), &["the server does not report its size"]),
        ("legacy metadata has the same size", |want, _| want.legacy = vec![file(RIGHT, Some(7))], &[]),
        (
            "legacy metadata has another size than the document",
            |want, _| {
                want.size = Some(7);
                want.legacy = vec![BuildFile { said_by: "old.json".into(), ..file(RIGHT, Some(8)) }];
            },
            &["old.json says a size of 8 bytes, the document says 7 bytes"],
        ),
        (
            "two sources of the uncompressed size",
            |want, it| {
                want.uncompressed_size = Some(20);
                it.meta_json = vec![BuildFile { uncompressed_size: Some(21), ..file(RIGHT, None) }];
            },
            &["meta.json says an uncompressed size of 21 bytes, the document says 20 bytes"],
        ),
        (
            "an undetermined signature",
            |want, it| {
                want.names_signature = true;
                it.signature = Some(Observation::Undetermined(error(ProbeErrorKind::Timeout)));
            },
            &["the signature is missing: it went wrong"],
        ),
        ("a signature that was not requested", |want, _| want.names_signature = true, &[]),
        (
            "sums that are not signed",
            |_, it| it.sums_check = Some(SignatureCheck::Absent),
            &["sha256sum.txt is not signed: sha256sum.txt.gpg is missing"],
        ),
        (
            "sums that are not signed, with signatures ignored",
            |want, it| {
                want.signatures = Strictness::Ignore;
                it.sums_check = Some(SignatureCheck::Absent);
            },
            &[],
        ),
    ];
    for (name, change, says) in rows {
        let (mut want, mut evidence) = (expected(Verify::Published), good());
        change(&mut want, &mut evidence);
        let outcome = judge(&want, &evidence);
        assert_eq!(outcome.verdict(), Verdict::Pass, "{name}: {}", outcome.message());
        assert_eq!(outcome.warnings, *says, "{name}");
    }
}

/// The document's claims about a build are compared with the build's own `meta.json`.
#[test]
fn a_document_of_another_build_does_not_pass() {
    let meta_json = br#"{"buildid": "9.6.20251015-1", "coreos-assembler.basearch": "x86_64",
        "images": {"qemu": {"path": "rhcos-9.6.20251015-1-qemu.x86_64.qcow2.gz"}}}"#;
    let build = BuildMetadata::parse("meta.json", meta_json).unwrap().build().cloned();
    assert!(build.is_some());
    let id = ["x86_64", "qemu", "qcow2.gz", "disk"].map(Arc::from);
    let [arch, platform, format, component] = id;
    let id = ArtifactId { arch, platform, format, component };
    for (release, reason) in [("9.6.20251015-1", None), ("9.6.20251015-0", Some(Reason::MetadataConflict))] {
        let file_name = format!("rhcos-{release}-qemu.x86_64.qcow2.gz").into();
        let claim = MetaJsonClaim { id: id.clone(), release: release.into(), file_name, claims: None };
        let want = Expectation { claim: Some(claim), ..expected(Verify::Published) };
        let outcome = judge(&want, &Evidence { build: build.clone(), ..good() });
        assert_eq!(outcome.reason(), reason, "{}", outcome.message());
    }
}
