//! Cases with content that was read or should have been, and without published digests.

use super::*;

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn the_table_of_cases_with_content() {
    type Row = (
        &'static str,
        fn(&mut Expectation, &mut Evidence, &mut ContentEvidence),
        Option<Reason>,
        &'static str,
    );
    const SAID: &str = "sha256 matches (from the bytes that were served)";
    let rows: Vec<Row> = vec![
        ("good", |_, _, _| {}, None, SAID),
        ("in auto", |want, _, _| want.verify = Verify::Auto, None, SAID),
        ("resumed", |_, _, read| read.resumed = true, None, SAID),
        (
            "other bytes",
            |_, _, read| read.sha256 = WRONG,
            Some(Reason::Sha256Mismatch),
            "(the bytes that were served)",
        ),
        (
            "other bytes, with the right digest published",
            |_, it, read| {
                read.sha256 = WRONG;
                it.published = vec![published(DigestSource::Header, RIGHT)];
            },
            Some(Reason::Sha256Mismatch),
            "(the bytes that were served)",
        ),
        (
            "the right bytes, with another digest in a sidecar",
            |_, it, _| it.published = vec![published(DigestSource::Sha256sumTxt, WRONG)],
            Some(Reason::Sha256Mismatch),
            "sha256sum.txt beside it",
        ),
        (
            "the right bytes, with another digest in meta.json",
            |_, it, _| it.meta_json = vec![file(WRONG, None)],
            Some(Reason::MetadataConflict),
            "meta.json says sha256",
        ),
        (
            "the right bytes, of which meta.json says another inside",
            |_, it, _| {
                it.meta_json = vec![BuildFile { uncompressed_sha256: Some(WRONG), ..file(RIGHT, None) }];
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
            |_, it, _| it.meta_json = vec![file(RIGHT, Some(8))],
            Some(Reason::SizeMismatch),
            "(from meta.json)",
        ),
        (
            "a size that the document says and meta.json does not",
            |want, it, _| {
                want.size = Some(7);
                it.meta_json = vec![file(RIGHT, Some(8))];
            },
            None,
            SAID,
        ),
        (
            "another size inside",
            |want, _, _| want.uncompressed_size = Some(19),
            Some(Reason::SizeMismatch),
            "it has 20 bytes after decompression, expected 19 bytes (from the document)",
        ),
        (
            "another size inside, by meta.json",
            |_, it, _| it.meta_json = vec![BuildFile { uncompressed_size: Some(19), ..file(RIGHT, None) }],
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
        ("a HEAD without a size", |_, it, _| it.file = present(None), None, SAID),
        ("a HEAD with another size", |_, it, _| it.file = present(Some(9)), None, SAID),
        (
            "other bytes inside",
            |_, _, read| read.uncompressed = Some(Uncompressed::Whole { bytes: 20, sha256: WRONG }),
            Some(Reason::UncompressedSha256Mismatch),
            "after decompression",
        ),
        (
            "cannot be decompressed",
            |_, _, read| read.uncompressed = Some(Uncompressed::Unusable("a bomb".to_owned())),
            Some(Reason::UncompressedSha256Mismatch),
            "it cannot be decompressed: a bomb",
        ),
        (
            "a container that is not opened",
            |_, _, read| read.uncompressed = Some(Uncompressed::NotOpened("a bzip2 file".to_owned())),
            None,
            SAID,
        ),
        (
            "a container that is not opened, of which the server publishes what is inside",
            |_, it, read| {
                it.published_uncompressed = vec![published(DigestSource::MetaJson, INNER)];
                read.uncompressed = Some(Uncompressed::NotOpened("a bzip2 file".to_owned()));
            },
            None,
            SAID,
        ),
        (
            "not compressed, with an unknown suffix",
            |want, _, read| {
                want.uncompressed_sha256 = Some(RIGHT);
                read.uncompressed = Some(Uncompressed::NotOpened("unknown".to_owned()));
            },
            None,
            SAID,
        ),
        (
            "not decompressed, though the document says what is inside",
            |_, _, read| read.uncompressed = None,
            Some(Reason::NoDigest),
            "its content was not read",
        ),
        (
            "not decompressed, without an uncompressed digest",
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
                it.unread = vec![Unread { sidecar: "meta.json", error: error(ProbeErrorKind::Timeout) }];
            },
            None,
            SAID,
        ),
        (
            "a signature that could not be read",
            |_, it, _| {
                it.unread = vec![Unread { sidecar: "signature", error: error(ProbeErrorKind::Timeout) }];
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
            "a bad signature, even where signatures are ignored",
            |want, it, _| {
                want.signatures = Strictness::Ignore;
                it.signature_check = Some(SignatureCheck::Bad("not by KEY".to_owned()));
            },
            Some(Reason::BadSignature),
            "its signature: not by KEY",
        ),
        (
            "no signature over the sums, where signatures are required",
            |want, it, _| {
                want.names_signature = true;
                want.signatures = Strictness::Require;
                it.signature = Some(present(Some(500)));
                it.sums_check = Some(SignatureCheck::Absent);
            },
            Some(Reason::BadSignature),
            "sha256sum.txt.gpg is missing",
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
        assert!(outcome.message().contains(says), "{name}: {}", outcome.message());
        let expected: &[&str] = match name {
            "a container that is not opened" => &["uncompressed-sha256 not verified: a bzip2 file"],
            "a HEAD with another size" => &["the server reported 9 bytes and served 7 bytes"],
            "a sidecar that could not be read" => &["meta.json could not be read: it went wrong"],
            "a size that the document says and meta.json does not" => {
                &["meta.json says a size of 8 bytes, the document says 7 bytes"]
            }
            _ => &[],
        };
        assert_eq!(outcome.warnings, expected, "{name}");
    }
}

#[test]
fn required_content_that_was_not_read_does_not_pass() {
    let outcome = judge(&expected(Verify::Content), &good());
    assert_eq!(outcome.reason(), Some(Reason::NoDigest), "{}", outcome.message());
}

#[test]
fn a_failed_download_keeps_the_reported_size() {
    let mut want = expected(Verify::Content);
    let broken = Evidence { content: Some(Err(error(ProbeErrorKind::Timeout))), ..good() };
    assert_eq!(judge(&want, &broken).reason(), Some(Reason::Timeout));
    want.size = Some(8);
    assert_eq!(judge(&want, &broken).reason(), Some(Reason::SizeMismatch));
    let untold = Evidence { file: present(None), ..broken };
    assert_eq!(judge(&want, &untold).reason(), Some(Reason::Timeout));
}
