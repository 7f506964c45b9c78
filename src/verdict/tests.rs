//! The judge's tables of cases.

mod laws;

use super::*;
use crate::probe::{
    Absence, ContentEvidence, DigestSource, Evidence, Observation, PublishedDigest, Refusal, SignatureCheck,
    Trouble, TroubleKind, Uncompressed, Unread,
};
use crate::stream::{BuildFile, Sha256};

const RIGHT: Sha256 = Sha256::from_bytes([1; 32]);
const WRONG: Sha256 = Sha256::from_bytes([2; 32]);
const INNER: Sha256 = Sha256::from_bytes([3; 32]);

fn expected(verify: Verify) -> Expectation {
    Expectation {
        sha256: RIGHT,
        uncompressed_sha256: Some(INNER),
        size: None,
        uncompressed_size: None,
        legacy: Vec::new(),
        names_signature: false,
        verify,
        signatures: Signatures::Warn,
    }
}

fn present(size: Option<u64>) -> Observation {
    Observation::Present { status: 200, size }
}

fn absent(status: u16) -> Observation {
    Observation::Absent { status, how: Absence::Status }
}

fn trouble(kind: TroubleKind) -> Trouble {
    Trouble { kind, status: None, detail: "it went wrong".to_owned() }
}

fn said(sha256: Sha256, size: Option<u64>) -> BuildFile {
    BuildFile {
        said_by: "meta.json".into(),
        sha256: Some(sha256),
        size,
        uncompressed_sha256: None,
        uncompressed_size: None,
    }
}

fn published(source: DigestSource, sha256: Sha256) -> PublishedDigest {
    PublishedDigest { source, sha256, can_prove: true }
}

/// One from a list that is malformed elsewhere.
fn doubtful(source: DigestSource, sha256: Sha256) -> PublishedDigest {
    PublishedDigest { can_prove: false, ..published(source, sha256) }
}

/// A file that is there, 7 bytes long, with the right digest in a header.
fn good() -> Evidence {
    Evidence {
        published: vec![published(DigestSource::Header, RIGHT)],
        attempts: 1,
        ..Evidence::only(present(Some(7)))
    }
}

/// Bytes that were read to their end: 7 of them, the right ones, inside and out.
fn read() -> ContentEvidence {
    let uncompressed = Some(Uncompressed::Whole { bytes: 20, sha256: INNER });
    ContentEvidence { bytes: 7, sha256: RIGHT, uncompressed, resumed: false }
}

/// One row of the table: what is changed from a good case, and what the judge must say.
type Row = (&'static str, fn(&mut Expectation, &mut Evidence), Option<Reason>);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_table_of_cases() {
    use DigestSource::{Header, MetaJson, Sha256sumTxt};
    let rows: Vec<Row> = vec![
        ("good", |_, _| {}, None),
        // Whether it is there.
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
            |_, it| it.file = Observation::Undetermined(trouble(TroubleKind::Unreachable)),
            Some(Reason::Unreachable),
        ),
        (
            "timeout",
            |_, it| it.file = Observation::Undetermined(trouble(TroubleKind::Timeout)),
            Some(Reason::Timeout),
        ),
        (
            "server error",
            |_, it| it.file = Observation::Undetermined(trouble(TroubleKind::ServerError)),
            Some(Reason::ServerError),
        ),
        (
            "rate limited",
            |_, it| it.file = Observation::Undetermined(trouble(TroubleKind::RateLimited)),
            Some(Reason::RateLimited),
        ),
        (
            "deadline",
            |_, it| it.file = Observation::Undetermined(trouble(TroubleKind::Deadline)),
            Some(Reason::Deadline),
        ),
        // Where it is.
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
        // Its size.
        ("size of the document", |want, _| want.size = Some(7), None),
        ("other size than the document's", |want, _| want.size = Some(8), Some(Reason::SizeMismatch)),
        ("size of legacy metadata", |want, _| want.legacy = vec![said(RIGHT, Some(7))], None),
        (
            "other size than legacy metadata's",
            |want, _| want.legacy = vec![said(RIGHT, Some(8))],
            Some(Reason::SizeMismatch),
        ),
        (
            "other size than meta.json's",
            |_, it| it.meta_json = vec![said(RIGHT, Some(8))],
            Some(Reason::SizeMismatch),
        ),
        ("other size than the bridge's", |_, it| it.bridge_size = Some(8), Some(Reason::SizeMismatch)),
        (
            "the document's size comes before legacy's",
            |want, _| {
                want.size = Some(7);
                want.legacy = vec![said(RIGHT, Some(8))];
            },
            None,
        ),
        (
            "legacy's size comes before meta.json's",
            |want, it| {
                want.legacy = vec![said(RIGHT, Some(7))];
                it.meta_json = vec![said(RIGHT, Some(8))];
            },
            None,
        ),
        ("no size told, none expected", |_, it| it.file = present(None), None),
        (
            "no size told, one expected",
            |want, it| {
                want.size = Some(7);
                it.file = present(None);
            },
            Some(Reason::ServerError),
        ),
        // Its digest.
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
            "no digest, and nobody asked",
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
            "wrong digest in a header, and nobody asked",
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
                it.meta_json = vec![said(RIGHT, Some(7))];
            },
            None,
        ),
        // Build metadata.
        (
            "meta.json disagrees",
            |_, it| {
                it.published.push(published(MetaJson, WRONG));
                it.meta_json = vec![said(WRONG, Some(7))];
            },
            Some(Reason::MetadataConflict),
        ),
        (
            "legacy metadata disagrees",
            |want, _| want.legacy = vec![said(RIGHT, None), said(WRONG, None)],
            Some(Reason::MetadataConflict),
        ),
        (
            "legacy metadata disagrees about the decompressed file",
            |want, _| want.legacy = vec![BuildFile { uncompressed_sha256: Some(WRONG), ..said(RIGHT, None) }],
            Some(Reason::MetadataConflict),
        ),
        (
            "legacy metadata disagrees, and nothing else is known: wrong is wrong",
            |want, it| {
                want.legacy = vec![said(WRONG, None)];
                *it = Evidence::only(Observation::Undetermined(trouble(TroubleKind::Unreachable)));
            },
            Some(Reason::MetadataConflict),
        ),
        (
            "sha256sum.txt disagrees, and the file timed out",
            |_, it| {
                it.file = Observation::Undetermined(trouble(TroubleKind::Timeout));
                it.published = vec![published(Sha256sumTxt, WRONG)];
            },
            Some(Reason::Sha256Mismatch),
        ),
        // Sidecars that could not be read might disagree.
        (
            "unread sidecar",
            |_, it| {
                let trouble = trouble(TroubleKind::ServerError);
                it.unread = vec![Unread { sidecar: "sha256sum.txt", trouble }];
            },
            Some(Reason::ServerError),
        ),
        (
            "unread meta.json, and only existence matters, and the size is known",
            |want, it| {
                want.verify = Verify::Exists;
                want.size = Some(7);
                it.unread = vec![Unread { sidecar: "meta.json", trouble: trouble(TroubleKind::Timeout) }];
            },
            None,
        ),
        (
            "unread meta.json, and only existence matters, and the size is not known",
            |want, it| {
                want.verify = Verify::Exists;
                it.unread = vec![Unread { sidecar: "meta.json", trouble: trouble(TroubleKind::Timeout) }];
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
                want.signatures = Signatures::Require;
                it.signature = Some(absent(404));
            },
            Some(Reason::BadSignature),
        ),
        (
            "no signature named is a failure where it is required",
            |want, _| want.signatures = Signatures::Require,
            Some(Reason::BadSignature),
        ),
        (
            "undetermined signature is undetermined where it is required",
            |want, it| {
                want.names_signature = true;
                want.signatures = Signatures::Require;
                it.signature = Some(Observation::Undetermined(trouble(TroubleKind::Timeout)));
            },
            Some(Reason::Timeout),
        ),
        (
            "a required signature that is missing is known to be, whatever becomes of its file",
            |want, it| {
                want.names_signature = true;
                want.signatures = Signatures::Require;
                it.file = Observation::Undetermined(trouble(TroubleKind::ServerError));
                it.signature = Some(absent(404));
            },
            Some(Reason::BadSignature),
        ),
        (
            "signature that is there",
            |want, it| {
                want.names_signature = true;
                want.signatures = Signatures::Require;
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
        let verdict = reason.map_or(Verdict::Pass, Reason::verdict);
        assert_eq!(outcome.verdict(), verdict, "{name}");
    }
}

/// The same where the bytes were read, and nothing was published.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_table_of_cases_where_the_bytes_were_read() {
    type Row = (
        &'static str,
        fn(&mut Expectation, &mut Evidence, &mut ContentEvidence),
        Option<Reason>,
        &'static str,
    );
    const SAID: &str = "with the right sha256 (from content)";
    let rows: Vec<Row> = vec![
        ("good", |_, _, _| {}, None, SAID),
        ("in auto", |want, _, _| want.verify = Verify::Auto, None, SAID),
        ("resumed", |_, _, read| read.resumed = true, None, SAID),
        (
            "other bytes",
            |_, _, read| read.sha256 = WRONG,
            Some(Reason::Sha256Mismatch),
            "(of the bytes that were served)",
        ),
        (
            "other bytes, with the right digest published",
            |_, it, read| {
                read.sha256 = WRONG;
                it.published = vec![published(DigestSource::Header, RIGHT)];
            },
            Some(Reason::Sha256Mismatch),
            "(of the bytes that were served)",
        ),
        (
            "the right bytes, with another digest in a sidecar",
            |_, it, _| it.published = vec![published(DigestSource::Sha256sumTxt, WRONG)],
            Some(Reason::Sha256Mismatch),
            "sha256sum.txt beside it",
        ),
        (
            "the right bytes, with another digest in meta.json",
            |_, it, _| it.meta_json = vec![said(WRONG, None)],
            Some(Reason::MetadataConflict),
            "meta.json says sha256",
        ),
        (
            "the right bytes, of which meta.json says another inside",
            |_, it, _| {
                it.meta_json = vec![BuildFile { uncompressed_sha256: Some(WRONG), ..said(RIGHT, None) }];
            },
            Some(Reason::MetadataConflict),
            "meta.json says uncompressed-sha256",
        ),
        (
            "the right bytes, where the document says another size",
            |want, _, _| want.size = Some(8),
            Some(Reason::SizeMismatch),
            "it has 7 bytes, expected 8 bytes (from the document)",
        ),
        (
            "the right bytes, where meta.json says another size",
            |_, it, _| it.meta_json = vec![said(RIGHT, Some(8))],
            Some(Reason::SizeMismatch),
            "(from meta.json)",
        ),
        (
            "a size that the document says and meta.json does not",
            |want, it, _| {
                want.size = Some(7);
                it.meta_json = vec![said(RIGHT, Some(8))];
            },
            None,
            SAID,
        ),
        (
            "another size inside",
            |want, _, _| want.uncompressed_size = Some(19),
            Some(Reason::SizeMismatch),
            "it has 20 bytes once decompressed, expected 19 bytes (from the document)",
        ),
        (
            "another size inside, by meta.json",
            |_, it, _| it.meta_json = vec![BuildFile { uncompressed_size: Some(19), ..said(RIGHT, None) }],
            Some(Reason::SizeMismatch),
            "(from meta.json)",
        ),
        (
            "not decompressed, though the document says how large that is",
            |want, _, read| {
                (want.uncompressed_sha256, want.uncompressed_size) = (None, Some(20));
                read.uncompressed = None;
            },
            Some(Reason::NoDigest),
            "its content was not read",
        ),
        ("a HEAD that told no size", |_, it, _| it.file = present(None), None, SAID),
        ("a HEAD that told another size", |_, it, _| it.file = present(Some(9)), None, SAID),
        (
            "other bytes inside",
            |_, _, read| read.uncompressed = Some(Uncompressed::Whole { bytes: 20, sha256: WRONG }),
            Some(Reason::UncompressedSha256Mismatch),
            "once decompressed",
        ),
        (
            "no end inside",
            |_, _, read| read.uncompressed = Some(Uncompressed::Unusable("a bomb".to_owned())),
            Some(Reason::UncompressedSha256Mismatch),
            "it cannot be decompressed: a bomb",
        ),
        (
            "not decompressed, though the document says what is inside",
            |_, _, read| read.uncompressed = None,
            Some(Reason::NoDigest),
            "its content was not read",
        ),
        (
            "not decompressed, and nobody says what is inside",
            |want, _, read| {
                want.uncompressed_sha256 = None;
                read.uncompressed = None;
            },
            None,
            SAID,
        ),
        (
            "a sidecar that could not be read",
            |_, it, _| {
                it.unread = vec![Unread { sidecar: "meta.json", trouble: trouble(TroubleKind::Timeout) }];
            },
            None,
            SAID,
        ),
        (
            "a signature that could not be read",
            |_, it, _| {
                it.unread = vec![Unread { sidecar: "signature", trouble: trouble(TroubleKind::Timeout) }];
            },
            Some(Reason::Timeout),
            "signature: it went wrong",
        ),
        (
            "a good signature",
            |_, it, _| it.signature_check = Some(SignatureCheck::Good { key: "KEY".to_owned() }),
            None,
            "the file is signed by KEY",
        ),
        (
            "a bad signature, even where signatures are not asked for",
            |want, it, _| {
                want.signatures = Signatures::Ignore;
                it.signature_check = Some(SignatureCheck::Bad("not by KEY".to_owned()));
            },
            Some(Reason::BadSignature),
            "its signature: not by KEY",
        ),
        (
            "no signature over the sums, where signatures are required",
            |want, it, _| {
                want.names_signature = true;
                want.signatures = Signatures::Require;
                it.signature = Some(present(Some(500)));
                it.sums_check = Some(SignatureCheck::Absent);
            },
            Some(Reason::BadSignature),
            "sha256sum.txt.gpg is not there",
        ),
        (
            "a bad signature over the sums",
            |_, it, _| it.sums_check = Some(SignatureCheck::Bad("expired".to_owned())),
            Some(Reason::BadSignature),
            "sha256sum.txt.gpg: expired",
        ),
    ];
    for (name, change, reason, says) in rows {
        let (mut want, mut evidence) = (expected(Verify::Content), Evidence::only(present(Some(7))));
        let mut content = read();
        change(&mut want, &mut evidence, &mut content);
        let outcome = judge(&want, &Evidence { content: Some(Ok(content)), ..evidence });
        assert_eq!(outcome.reason(), reason, "{name}: {}", outcome.message());
        assert_eq!(outcome.verdict(), reason.map_or(Verdict::Pass, Reason::verdict), "{name}");
        assert!(outcome.message().contains(says), "{name}: {}", outcome.message());
    }
}

#[test]
fn content_that_was_wanted_and_not_read_does_not_pass() {
    let outcome = judge(&expected(Verify::Content), &good());
    assert_eq!(outcome.reason(), Some(Reason::NoDigest), "{}", outcome.message());
}

#[test]
fn content_that_broke_off_leaves_what_was_told_before() {
    let mut want = expected(Verify::Content);
    let broken = Evidence { content: Some(Err(trouble(TroubleKind::Timeout))), ..good() };
    assert_eq!(judge(&want, &broken).reason(), Some(Reason::Timeout));
    want.size = Some(8);
    assert_eq!(judge(&want, &broken).reason(), Some(Reason::SizeMismatch));
    let untold = Evidence { file: present(None), ..broken };
    assert_eq!(judge(&want, &untold).reason(), Some(Reason::Timeout));
}

#[test]
fn a_missing_signature_is_said_only_where_somebody_cares() {
    let mut want = expected(Verify::Published);
    want.names_signature = true;
    let evidence = Evidence { signature: Some(absent(404)), ..good() };
    assert_eq!(judge(&want, &evidence).warnings, ["the signature is not there: its server answered 404"]);
    want.signatures = Signatures::Ignore;
    assert!(judge(&want, &evidence).warnings.is_empty());
}

#[test]
fn a_message_says_everything_that_is_wrong() {
    let mut want = expected(Verify::Published);
    want.size = Some(8);
    let evidence = Evidence { published: vec![published(DigestSource::Sha256sumTxt, WRONG)], ..good() };
    let outcome = judge(&want, &evidence);
    assert_eq!(
        outcome.message(),
        format!(
            "it has 7 bytes, expected 8 bytes (from the document); its sha256 is {WRONG} (sha256sum.txt beside \
             it), expected {RIGHT}"
        )
    );
    assert_eq!(outcome.observed_sha256, Some((WRONG, DigestSource::Sha256sumTxt)));
}

#[test]
fn the_digest_that_is_shown_is_one_that_disagrees() {
    let want = expected(Verify::Published);
    for digests in [[RIGHT, WRONG], [WRONG, RIGHT]] {
        let digests = digests.map(|digest| published(DigestSource::Header, digest)).to_vec();
        let outcome = judge(&want, &Evidence { published: digests, ..good() });
        assert_eq!(outcome.observed_sha256, Some((WRONG, DigestSource::Header)));
    }
}

/// What is known when the run ends may be wrong enough already, and is never enough to pass.
#[test]
fn what_was_known_when_the_run_ended_still_counts() {
    let mut want = expected(Verify::Auto);
    want.size = Some(7);
    for (name, evidence, reason) in [
        ("nothing", Evidence::unanswered(), Reason::Deadline),
        ("the file alone", good(), Reason::Deadline),
        ("that it is missing", Evidence::only(absent(404)), Reason::Missing),
        ("that it is too short", Evidence::only(present(Some(6))), Reason::SizeMismatch),
        ("no size", Evidence::only(present(None)), Reason::Deadline),
        (
            "a wrong digest alone",
            Evidence {
                published: vec![published(DigestSource::Sha256sumTxt, WRONG)],
                ..Evidence::unanswered()
            },
            Reason::Sha256Mismatch,
        ),
    ] {
        let outcome = judge(&want, &evidence.cut_short(trouble(TroubleKind::Deadline)));
        assert_eq!(outcome.reason(), Some(reason), "{name}: {}", outcome.message());
        assert!(outcome.message().contains("it went wrong"), "{name}: {}", outcome.message());
    }
}

/// Who brings keys and requires signatures does not pass by one that nobody looked at.
#[test]
fn a_required_signature_that_no_key_was_asked_about_is_undetermined() {
    let sums = |sha256| Evidence {
        published: vec![published(DigestSource::Sha256sumTxt, sha256)],
        sums_check: Some(SignatureCheck::Good { key: "KEY".to_owned() }),
        ..good()
    };
    for (signatures, evidence, reason) in [
        (Signatures::Warn, good(), None),
        (Signatures::Require, good(), Some(Reason::NoDigest)),
        (Signatures::Require, sums(RIGHT), None),
        (Signatures::Require, sums(WRONG), Some(Reason::Sha256Mismatch)),
    ] {
        let want = Expectation { signatures, names_signature: true, ..expected(Verify::Published) };
        let signature = Some(present(Some(500)));
        let evidence = Evidence { signature, signature_check: Some(SignatureCheck::NotMade), ..evidence };
        let outcome = judge(&want, &evidence);
        assert_eq!(outcome.reason(), reason, "{}", outcome.message());
        let said = format!("{} {:?}", outcome.message(), outcome.warnings);
        assert!(said.contains("the signature was not checked"), "{said}");
    }
}
