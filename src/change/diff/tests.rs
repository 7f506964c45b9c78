use super::*;
use crate::stream::ArtifactId;

/// A document with artifacts `(id, release, digit of the sha256)` and cloud images.
fn document(name: &str, stream: &str, artifacts: &[(&str, &str, char)], images: &[(&str, &str)]) -> Document {
    let id = |text: &str| {
        let mut parts = text.split('/').map(Arc::from);
        let mut next = || parts.next().unwrap();
        ArtifactId { arch: next(), platform: next(), format: next(), component: "disk".into() }
    };
    let artifacts = artifacts.iter().map(|&(text, release, digit)| crate::stream::Artifact {
        id: id(text),
        release: release.into(),
        location: format!("https://h/{release}/{text}"),
        signature: None,
        sha256: digit.to_string().repeat(64).parse().unwrap(),
        uncompressed_sha256: None,
        size: None,
        uncompressed_size: None,
    });
    Document {
        keys: Vec::new(),
        name: name.into(),
        sha256: crate::stream::Sha256::from_bytes([0; 32]),
        form: crate::stream::Form::default(),
        stream: stream.into(),
        artifacts: artifacts.collect(),
        cloud_images: images
            .iter()
            .map(|&(path, value)| crate::stream::CloudImage {
                arch: "x86_64".into(),
                path: path.into(),
                value: value.into(),
            })
            .collect(),
    }
}

#[test]
fn only_other_bytes_are_an_alarm() {
    use Difference::{Annotated, ReDigested};
    let bare = document("d", "s", &[("x86_64/m/r", OLD, '1')], &[]);
    let with = |digit: char| {
        let mut document = bare.clone();
        document.artifacts[0].uncompressed_sha256 = Some(digit.to_string().repeat(64).parse().unwrap());
        document
    };
    let cases = [
        (bare.clone(), with('2'), Annotated, "other fields differ"),
        (with('2'), bare.clone(), Annotated, "other fields differ"),
        (with('2'), with('3'), ReDigested, "a different uncompressed-sha256"),
    ];
    for (old, new, change, says) in cases {
        let changes = artifacts::changes(Some(&old), Some(&new));
        assert_eq!(changes[0].change, change);
        assert!(changes[0].shown().contains(says), "{}", changes[0].shown());
    }
}

fn side(documents: Vec<Document>, single: bool) -> Side {
    Side { name: "side".into(), documents, single }
}

const OLD: &str = "419.96.202506171412-0";
const NEW: &str = "419.96.202507010000-0";

#[test]
fn every_kind_of_change_is_told_from_the_others() {
    let old = [
        ("x86_64/metal/iso", OLD, '1'),
        ("x86_64/metal/gone.gz", OLD, '1'),
        ("x86_64/lost/raw", OLD, '1'),
        ("s390x/same/raw", OLD, '1'),
        ("s390x/redone/raw", OLD, '1'),
        ("ppc64le/metal/raw", OLD, '1'),
    ];
    let new = [
        ("x86_64/metal/iso", NEW, '2'),
        ("x86_64/metal/came.gz", NEW, '2'),
        ("x86_64/won/raw", NEW, '2'),
        ("s390x/same/raw", OLD, '1'),
        ("s390x/redone/raw", OLD, '2'),
        ("aarch64/metal/raw", NEW, '2'),
    ];
    let images_old = [("images.aws.regions.a.image", "ami-1"), ("images.aws.regions.b.image", "ami-2")];
    let images_new = [("images.aws.regions.a.image", "ami-3"), ("images.gcp.name", "n")];
    let old = document("a.json", "s", &old, &images_old);
    let new = document("a.json", "s", &new, &images_new);
    let mut out = Vec::new();
    let diff = Diff::of(&side(vec![old.clone()], true), &side(vec![new], true));
    diff.write_human(&mut out).unwrap();
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
    assert!(!diff.same);
    let same = Diff::of(&side(vec![old.clone()], true), &side(vec![old], true));
    assert!(same.same && same.documents[0].step.newer == Newer::InStep);
}

#[test]
fn two_copies_of_a_stream_are_in_step_or_one_is_ahead() {
    let of = |stream: &str, x86_64: &str, s390x: &str| {
        document("d", stream, &[("x86_64/m/r", x86_64, '1'), ("s390x/m/r", s390x, '1')], &[])
    };
    let several = |builds: &[&str]| {
        let names: Vec<String> = (0..builds.len()).map(|number| format!("x86_64/m{number}/r")).collect();
        let artifacts: Vec<(&str, &str, char)> =
            names.iter().zip(builds).map(|(name, build)| (name.as_str(), *build, '1')).collect();
        document("d", "s", &artifacts, &[])
    };
    let cases = [
        (of("s", OLD, OLD), of("s", OLD, OLD), Newer::InStep),
        (of("s", OLD, OLD), of("s", NEW, OLD), Newer::New),
        (of("s", NEW, NEW), of("s", NEW, OLD), Newer::Old),
        (of("s", NEW, OLD), of("s", OLD, NEW), Newer::Mixed),
        (of("s", OLD, OLD), of("t", OLD, OLD), Newer::OtherStream),
        (of("s", OLD, OLD), of("s", "latest", OLD), Newer::Unknown),
        (several(&[OLD, "latest"]), several(&[NEW]), Newer::Unknown),
        (several(&[OLD, NEW]), several(&[NEW]), Newer::Unknown),
        (several(&[OLD, "419.96.202506010000-0"]), several(&[OLD, NEW]), Newer::New),
    ];
    for (old, new, newer) in cases {
        let diff = DocumentDiff::of(Pair { old: &old, new: &new, by: PairedBy::Name });
        assert_eq!(diff.step.newer, newer, "{}", diff.step.message);
    }
}

#[test]
fn documents_are_paired_by_name_then_by_stream() {
    let of = |name: &str, stream: &str| document(name, stream, &[("x86_64/m/r", OLD, '1')], &[]);
    let paired = |old: Vec<Document>, old_single, new: Vec<Document>, new_single| {
        let diff = Diff::of(&side(old, old_single), &side(new, new_single));
        let pairs: Vec<String> = diff.documents.iter().map(DocumentDiff::title).collect();
        (pairs.join(", "), diff.only_in_old, diff.only_in_new, diff.left_out, diff.same)
    };
    let none: Vec<Arc<str>> = Vec::new();
    let checkout = || vec![of("rhcos.json", "rhcos-4.19"), of("scos.json", "scos")];
    // The installer's checkout, compared with the bump repository's file.
    assert_eq!(
        paired(checkout(), false, vec![of("rhcos-4.19.json", "rhcos-4.19")], true),
        ("rhcos.json → rhcos-4.19.json".into(), none.clone(), none.clone(), vec!["scos.json".into()], true)
    );
    // A document that was added to a checkout.
    assert_eq!(
        paired(vec![of("rhcos.json", "rhcos-4.19")], false, checkout(), false),
        ("rhcos.json".into(), none.clone(), vec!["scos.json".into()], none.clone(), false)
    );
    // Two single files are always paired, even if their streams differ.
    assert_eq!(
        paired(vec![of("a", "s")], true, vec![of("b", "t")], true),
        ("a → b".into(), none.clone(), none.clone(), none, false)
    );
}

proptest::proptest! {
    /// Text of a document cannot create markup or a new line.
    #[test]
    fn hostile_names_stay_in_their_place(text in "[^\\u{0}]{1,20}") {
        let old = document("d", &text, &[], &[(text.as_str(), text.as_str())]);
        let new = document(&text, "s", &[("x86_64/m/r", text.as_str(), '1')], &[]);
        let diff = Diff::of(&side(vec![old], true), &side(vec![new], true));
        let mut out = Vec::new();
        diff.write_human(&mut out).unwrap();
        diff.write_markdown(&mut out).unwrap();
        let out = String::from_utf8(out).unwrap();
        let clean = !out.chars().any(|it| it.is_control() && it != '\n');
        proptest::prop_assert!(clean, "{out:?}");
    }
}
