//! When `auto` reads the bytes of a file, and what is reported where they are not read.

use super::*;

#[test]
fn bytes_are_read_where_what_is_published_leaves_something_open() {
    use DigestSource::{MetaJson, Sha256sumTxt};
    type Row = (&'static str, fn(&mut Expectation, &mut Evidence), bool);
    let rows: Vec<Row> = vec![
        ("all is published", |_, _| {}, false),
        ("a file that is missing", |_, it| it.file = absent(404), false),
        ("no digest of the file", |_, it| it.published.clear(), true),
        ("one from a malformed list", |_, it| it.published = vec![doubtful(Sha256sumTxt, RIGHT)], true),
        // It fails without reading the bytes.
        ("another digest of the file", |_, it| it.published = vec![published(Sha256sumTxt, WRONG)], false),
        ("no digest of what is inside", |_, it| it.published_uncompressed.clear(), true),
        (
            "no digest of what is inside, and the document has none",
            |want, it| {
                want.uncompressed_sha256 = None;
                it.published_uncompressed.clear();
            },
            false,
        ),
        (
            "one of what is inside from a malformed meta.json",
            |_, it| it.published_uncompressed = vec![doubtful(MetaJson, INNER)],
            true,
        ),
        (
            "one of what is inside in sha256sum.txt",
            |_, it| it.published_uncompressed = vec![published(Sha256sumTxt, INNER)],
            false,
        ),
        // An entry of that name may be for another file.
        (
            "another of what is inside in sha256sum.txt",
            |_, it| it.published_uncompressed = vec![published(Sha256sumTxt, WRONG)],
            true,
        ),
        (
            "another of what is inside in meta.json",
            |_, it| {
                it.published_uncompressed = vec![published(MetaJson, WRONG)];
                it.meta_json = vec![BuildFile { uncompressed_sha256: Some(WRONG), ..file(RIGHT, None) }];
            },
            false,
        ),
        // Sizes, most authoritative source first.
        ("the size that meta.json says", |_, it| it.meta_json = vec![file(RIGHT, Some(7))], false),
        ("another size by meta.json alone", |_, it| it.meta_json = vec![file(RIGHT, Some(8))], false),
        (
            "a size that the document and meta.json say",
            |want, it| {
                want.size = Some(7);
                it.meta_json = vec![file(RIGHT, Some(7))];
            },
            false,
        ),
        (
            "a size that the document says and meta.json does not",
            |want, it| {
                want.size = Some(7);
                it.meta_json = vec![file(RIGHT, Some(8))];
            },
            true,
        ),
        (
            "a size that the document says and legacy metadata does not",
            |want, _| {
                want.size = Some(7);
                want.legacy = vec![file(RIGHT, Some(8))];
            },
            true,
        ),
        (
            "two sizes by meta.json",
            |_, it| it.meta_json = vec![file(RIGHT, Some(7)), file(RIGHT, Some(8))],
            true,
        ),
        (
            "a size that meta.json says and the document does not",
            |want, it| {
                want.size = Some(8);
                it.meta_json = vec![file(RIGHT, Some(7))];
            },
            false,
        ),
    ];
    for (name, change, read) in rows {
        let (mut want, mut evidence) = (expected(Verify::Auto), good());
        change(&mut want, &mut evidence);
        assert_eq!(must_be_read(&want, &evidence), read, "{name}");
        // A file that must be read and was not does not pass.
        let outcome = judge(&want, &evidence);
        assert!(!read || outcome.verdict() != Verdict::Pass, "{name}: {}", outcome.message());
    }
}

/// The installer's cache checks the digest of the decompressed file whatever this run verified.
#[test]
fn a_digest_that_nobody_checked_is_named() {
    let open = Evidence { published_uncompressed: Vec::new(), ..good() };
    let named =
        |outcome: &Outcome| outcome.warnings.iter().any(|it| it.contains("uncompressed-sha256 not verified"));
    for (verify, reason, is_named) in [
        (Verify::Exists, None, false),
        (Verify::Published, None, true),
        (Verify::Auto, Some(Reason::NoDigest), false),
        (Verify::Content, Some(Reason::NoDigest), false),
    ] {
        let outcome = judge(&expected(verify), &open);
        assert_eq!((outcome.reason(), named(&outcome)), (reason, is_named), "{verify:?}: {outcome:?}");
    }
    assert!(!named(&judge(&expected(Verify::Published), &good())));
    let none = Expectation { uncompressed_sha256: None, ..expected(Verify::Published) };
    assert!(!named(&judge(&none, &open)));
}
