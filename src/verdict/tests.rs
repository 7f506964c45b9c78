//! Tests of the judge: tables of cases, laws and messages.

mod cloud;
mod content;
mod laws;
mod published;
mod reading;

use super::*;
use crate::probe::{
    Absence, ContentEvidence, DigestSource, Evidence, Observation, ProbeError, ProbeErrorKind,
    PublishedDigest, Refusal, SignatureCheck, Uncompressed, Unread,
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
        claim: None,
        names_signature: false,
        verify,
        signatures: Strictness::Warn,
    }
}

fn present(size: Option<u64>) -> Observation {
    Observation::Present { status: 200, size }
}

fn absent(status: u16) -> Observation {
    Observation::Absent { status, how: Absence::Status }
}

fn error(kind: ProbeErrorKind) -> ProbeError {
    ProbeError { kind, status: None, detail: "it went wrong".to_owned() }
}

fn file(sha256: Sha256, size: Option<u64>) -> BuildFile {
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

/// A digest from a list with a malformed line.
fn doubtful(source: DigestSource, sha256: Sha256) -> PublishedDigest {
    PublishedDigest { can_prove: false, ..published(source, sha256) }
}

/// Evidence of a present file of 7 bytes with the right digest in a header.
fn good() -> Evidence {
    Evidence {
        published: vec![published(DigestSource::Header, RIGHT)],
        published_uncompressed: vec![published(DigestSource::MetaJson, INNER)],
        attempts: 1,
        ..Evidence::only(present(Some(7)))
    }
}

/// The right content, read to its end: 7 bytes, 20 decompressed.
fn read() -> ContentEvidence {
    let uncompressed = Some(Uncompressed::Whole { bytes: 20, sha256: INNER });
    ContentEvidence { bytes: 7, sha256: RIGHT, uncompressed, resumed: false }
}

#[test]
fn a_missing_signature_is_a_warning_unless_signatures_are_ignored() {
    let mut want = expected(Verify::Published);
    want.names_signature = true;
    let evidence = Evidence { signature: Some(absent(404)), ..good() };
    assert_eq!(judge(&want, &evidence).warnings, ["the signature is missing: the server answered 404"]);
    want.signatures = Strictness::Ignore;
    assert!(judge(&want, &evidence).warnings.is_empty());
}

#[test]
fn an_outcome_has_the_remarks_attempts_and_host_of_its_evidence() {
    let remarks = vec!["the header digest is not text".to_owned()];
    let evidence =
        Evidence { remarks: remarks.clone(), attempts: 3, answered_by: Some("h".into()), ..good() };
    let outcome = judge(&expected(Verify::Published), &evidence);
    assert_eq!((outcome.warnings, outcome.attempts), (remarks, 3));
    assert_eq!(outcome.answered_by.as_deref(), Some("h"));
}

#[test]
fn a_message_lists_every_finding() {
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
fn a_disagreeing_digest_is_shown_before_a_proving_one() {
    use DigestSource::{Content, Header, Sha256sumTxt};
    let (right, wrong) = (published(Header, RIGHT), published(Header, WRONG));
    let doubtful = doubtful(Sha256sumTxt, RIGHT);
    for (published, shown, shown_if_read) in [
        (vec![], None, (RIGHT, Content)),
        (vec![doubtful], None, (RIGHT, Content)),
        (vec![doubtful, right], Some((RIGHT, Header)), (RIGHT, Content)),
        (vec![right, wrong], Some((WRONG, Header)), (WRONG, Header)),
        (vec![wrong, right], Some((WRONG, Header)), (WRONG, Header)),
    ] {
        let evidence = Evidence { published, ..good() };
        assert_eq!(judge(&expected(Verify::Published), &evidence).observed_sha256, shown, "{evidence:?}");
        let evidence = Evidence { content: Some(Ok(read())), ..evidence };
        let shown = judge(&expected(Verify::Content), &evidence).observed_sha256;
        assert_eq!(shown, Some(shown_if_read), "{evidence:?}");
    }
}

/// Partial evidence may be enough to fail, never to pass.
#[test]
fn evidence_from_before_the_deadline_counts() {
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
        let outcome = judge(&want, &evidence.cut_short(error(ProbeErrorKind::Deadline)));
        assert_eq!(outcome.reason(), Some(reason), "{name}: {}", outcome.message());
        assert!(outcome.message().contains("it went wrong"), "{name}: {}", outcome.message());
    }
}

/// A required signature is not satisfied by one that was never checked.
#[test]
fn a_required_signature_that_was_not_checked_is_undetermined() {
    use DigestSource::{Header, Sha256sumTxt};
    let good_sums = Some(SignatureCheck::Good { key: "KEY".to_owned() });
    let sums = |published: &[PublishedDigest]| Evidence {
        published: published.to_vec(),
        sums_check: good_sums.clone(),
        ..good()
    };
    let (header, right) = (published(Header, RIGHT), published(Sha256sumTxt, RIGHT));
    for (signatures, evidence, reason) in [
        (Strictness::Warn, good(), None),
        (Strictness::Require, good(), Some(Reason::NoDigest)),
        (Strictness::Require, sums(&[right]), None),
        (Strictness::Require, sums(&[published(Sha256sumTxt, WRONG)]), Some(Reason::Sha256Mismatch)),
        // The list that has the digest must be the signed one, well-formed and with a good signature.
        (Strictness::Require, sums(&[header]), Some(Reason::NoDigest)),
        (Strictness::Require, sums(&[header, doubtful(Sha256sumTxt, RIGHT)]), Some(Reason::NoDigest)),
        (Strictness::Require, Evidence { sums_check: None, ..sums(&[right]) }, Some(Reason::NoDigest)),
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
