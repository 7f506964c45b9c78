//! Laws of the judge, over any expectation and any evidence.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;

fn any_error() -> impl Strategy<Value = ProbeError> {
    prop_oneof![
        Just(ProbeErrorKind::Unreachable),
        Just(ProbeErrorKind::Timeout),
        Just(ProbeErrorKind::ServerError),
        Just(ProbeErrorKind::RateLimited),
        Just(ProbeErrorKind::Deadline),
    ]
    .prop_map(error)
}

fn any_observation() -> impl Strategy<Value = Observation> {
    prop_oneof![
        4 => proptest::option::of(6_u64..9).prop_map(present),
        1 => Just(absent(404)),
        1 => Just(Observation::Absent { status: 200, how: Absence::Html }),
        1 => Just(Observation::Refused(Refusal::Host { host: "h".into() })),
        1 => any_error().prop_map(Observation::Undetermined),
    ]
}

fn any_digest() -> impl Strategy<Value = Sha256> {
    prop_oneof![3 => Just(RIGHT), 1 => Just(WRONG)]
}

fn any_build_file() -> impl Strategy<Value = BuildFile> {
    let inside = proptest::option::of(prop_oneof![3 => Just(INNER), 1 => Just(WRONG)]);
    (proptest::option::of(any_digest()), proptest::option::of(6_u64..9), inside).prop_map(
        |(sha256, size, uncompressed_sha256)| BuildFile {
            said_by: Arc::from("some metadata"),
            sha256,
            size,
            uncompressed_sha256,
            uncompressed_size: None,
        },
    )
}

fn any_evidence() -> impl Strategy<Value = Evidence> {
    let source = prop_oneof![Just(DigestSource::Header), Just(DigestSource::Sha256sumTxt)];
    let digest = (source, any_digest(), proptest::bool::weighted(0.8))
        .prop_map(|(source, sha256, can_prove)| PublishedDigest { source, sha256, can_prove });
    let unread = any_error().prop_map(|error| Unread { sidecar: "meta.json", error });
    (
        any_observation(),
        proptest::collection::vec(digest, 0..3),
        proptest::collection::vec(any_build_file(), 0..2),
        any::<bool>(),
        proptest::collection::vec(unread, 0..2),
        proptest::option::of(any_observation()),
        proptest::option::of(prop_oneof![3 => any_content().prop_map(Ok), 1 => any_error().prop_map(Err)]),
    )
        .prop_map(|(file, mut published, meta_json, can_prove, unread, signature, content)| {
            let source = DigestSource::MetaJson;
            let publish = |sha256| PublishedDigest { source, sha256, can_prove };
            published.extend(meta_json.iter().filter_map(|file| file.sha256).map(publish));
            let inside = meta_json.iter().filter_map(|file| file.uncompressed_sha256);
            let published_uncompressed = inside.map(publish).collect();
            Evidence {
                published,
                published_uncompressed,
                meta_json,
                unread,
                content,
                signature,
                ..Evidence::only(file)
            }
        })
}

/// A change that makes evidence worse. Removing a sidecar that contradicts the document is not one: its
/// contradiction goes with it.
#[derive(Debug, Clone)]
enum Damage {
    /// A present file gets another observation.
    File(Observation),
    /// Another digest is published.
    Contradicted(DigestSource),
    /// Every list has a malformed line.
    Malformed,
    /// No matching digest is published.
    Unsupported,
    /// A sidecar cannot be read.
    Unread(ProbeError),
    /// The bytes differ, or could not be read.
    Content(Option<ProbeError>),
    /// The signature is missing or undetermined.
    Signature(Observation),
}

impl Damage {
    fn done_to(self, mut evidence: Evidence) -> Evidence {
        match self {
            Self::File(file) if matches!(evidence.file, Observation::Present { .. }) => evidence.file = file,
            Self::File(_) => {}
            Self::Contradicted(source) => evidence.published.push(published(source, WRONG)),
            Self::Malformed => {
                let inside = evidence.published_uncompressed.iter_mut();
                evidence.published.iter_mut().chain(inside).for_each(|digest| digest.can_prove = false);
            }
            Self::Unsupported => {
                evidence.published.retain(|digest| digest.sha256 != RIGHT);
                evidence.published_uncompressed.clear();
            }
            Self::Unread(error) => evidence.unread.push(Unread { sidecar: "sha256sum.txt", error }),
            Self::Content(Some(error)) => evidence.content = evidence.content.map(|_| Err(error)),
            Self::Content(None) => {
                if let Some(Ok(content)) = &mut evidence.content {
                    content.sha256 = WRONG;
                }
            }
            Self::Signature(signature) => evidence.signature = evidence.signature.map(|_| signature),
        }
        evidence
    }
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let bad = prop_oneof![
        Just(absent(404)),
        Just(Observation::Refused(Refusal::Host { host: "h".into() })),
        any_error().prop_map(Observation::Undetermined),
    ];
    let source = prop_oneof![Just(DigestSource::Header), Just(DigestSource::Sha256sumTxt)];
    prop_oneof![
        bad.clone().prop_map(Damage::File),
        // A size that no document expects.
        Just(Damage::File(present(Some(99)))),
        Just(Damage::File(present(None))),
        source.prop_map(Damage::Contradicted),
        Just(Damage::Malformed),
        Just(Damage::Unsupported),
        any_error().prop_map(Damage::Unread),
        proptest::option::of(any_error()).prop_map(Damage::Content),
        bad.prop_map(Damage::Signature),
    ]
}

fn any_content() -> impl Strategy<Value = ContentEvidence> {
    let uncompressed = prop_oneof![
        3 => Just(Some(Uncompressed::Whole { bytes: 20, sha256: INNER })),
        1 => Just(Some(Uncompressed::Whole { bytes: 20, sha256: WRONG })),
        1 => Just(Some(Uncompressed::Unusable("cut off".to_owned()))),
        1 => Just(Some(Uncompressed::NotOpened("unknown".to_owned()))),
        1 => Just(None),
    ];
    (6_u64..9, any_digest(), uncompressed, any::<bool>()).prop_map(
        |(bytes, sha256, uncompressed, resumed)| ContentEvidence { bytes, sha256, uncompressed, resumed },
    )
}

fn any_expectation() -> impl Strategy<Value = Expectation> {
    (
        prop_oneof![Just(Verify::Exists), Just(Verify::Published), Just(Verify::Auto), Just(Verify::Content)],
        prop_oneof![Just(Strictness::Ignore), Just(Strictness::Warn), Just(Strictness::Require)],
        proptest::option::of(6_u64..9),
        proptest::collection::vec(any_build_file(), 0..2),
        any::<bool>(),
    )
        .prop_map(|(verify, signatures, size, legacy, names_signature)| Expectation {
            size,
            legacy,
            names_signature,
            signatures,
            ..expected(verify)
        })
}

proptest! {
    /// States the safety of the judge independently: a pass needs a present file, no digest that disagrees,
    /// and, where one is required, one that agrees.
    #[test]
    fn a_pass_is_always_earned(want in any_expectation(), evidence in any_evidence()) {
        let outcome = judge(&want, &evidence);
        if outcome.verdict() == Verdict::Pass {
            let Observation::Present { size, .. } = evidence.file else {
                return Err(TestCaseError::fail("a pass without a file"));
            };
            prop_assert!(evidence.published.iter().all(|digest| digest.sha256 == RIGHT));
            let mut builds = want.legacy.iter().chain(&evidence.meta_json);
            let agrees = |it: &BuildFile| {
                it.sha256.is_none_or(|it| it == RIGHT) && it.uncompressed_sha256.is_none_or(|it| it == INNER)
            };
            prop_assert!(builds.all(agrees));
            prop_assert!(!matches!(evidence.content, Some(Err(_))));
            let read = evidence.content.as_ref().and_then(|read| read.as_ref().ok());
            prop_assert!(read.is_none_or(|read| read.sha256 == RIGHT));
            let inside = Some(Uncompressed::Whole { bytes: 20, sha256: INNER });
            let opened = read.is_some_and(|read| read.uncompressed == inside);
            let not_opened = read.is_some_and(|read| matches!(read.uncompressed, Some(Uncompressed::NotOpened(_))));
            prop_assert!(read.is_none() || opened || not_opened);
            // The digest that the installer checks was verified, or the report says that it was not.
            let confirmed = evidence.published_uncompressed.iter().any(|it| it.can_prove && it.sha256 == INNER);
            let named = outcome.warnings.iter().any(|it| it.contains("uncompressed-sha256 not verified"));
            prop_assert!(want.verify == Verify::Exists || opened || confirmed || named);
            match want.verify {
                Verify::Exists => {}
                Verify::Published | Verify::Auto => {
                    prop_assert!(want.verify == Verify::Published || read.is_some() || confirmed);
                    prop_assert!(read.is_some() || evidence.published.iter().any(|digest| digest.can_prove));
                }
                Verify::Content => prop_assert!(read.is_some()),
            }
            let signed = matches!(evidence.signature, Some(Observation::Present { .. }));
            prop_assert!(want.signatures != Strictness::Require || signed);
            prop_assert!(want.size.is_none() || want.size == read.map_or(size, |read| Some(read.bytes)));
        }
    }

    /// Worse evidence never turns another verdict into a pass.
    #[test]
    fn no_damage_earns_a_pass(want in any_expectation(), evidence in any_evidence(), damage in any_damage()) {
        let before = judge(&want, &evidence).verdict();
        let after = judge(&want, &damage.done_to(evidence)).verdict();
        prop_assert!(before == Verdict::Pass || after != Verdict::Pass, "{before:?} became {after:?}");
    }

    /// A failure stays a failure with more evidence, and an unreadable sidecar never improves a verdict.
    #[test]
    fn evidence_of_wrong_outweighs_everything(want in any_expectation(), evidence in any_evidence()) {
        let before = judge(&want, &evidence).verdict();
        for wrong in [published(DigestSource::Header, WRONG), doubtful(DigestSource::Sha256sumTxt, WRONG)] {
            let mut damaged = evidence.clone();
            damaged.published.push(wrong);
            prop_assert_eq!(judge(&want, &damaged).verdict(), Verdict::Fail);
        }
        let hampered = Damage::Unread(error(ProbeErrorKind::Timeout)).done_to(evidence);
        prop_assert!(judge(&want, &hampered).verdict() >= before);
    }

    #[test]
    fn verdict_reason_and_message_agree(want in any_expectation(), evidence in any_evidence()) {
        let outcome = judge(&want, &evidence);
        prop_assert_eq!(outcome.reason().map_or(Verdict::Pass, Reason::verdict), outcome.verdict());
        prop_assert!(!outcome.message().is_empty());
        prop_assert!(outcome.findings.is_sorted_by_key(|finding| std::cmp::Reverse(finding.verdict())));
    }
}
