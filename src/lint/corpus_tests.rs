//! The rules, applied to the real checkouts under `STREAM_CORPUS`. Each expected alarm was checked by hand and is
//! justified.

use super::*;
use crate::stream::Sources;

/// A checkout and all its alarms: the document, the rule, and a part of the message.
type ExpectedAlarms = (&'static str, &'static [(&'static str, Rule, &'static str)]);

const EXPECTED: [ExpectedAlarms; 5] = [
    // The first bump had builds of the previous release for two architectures.
    ("2021-03", &[("rhcos-stream.json", Rule::LabelRelease, "47.83.202102091015-0 of 4.7 (ppc64le)")]),
    ("2021-09", &[]),
    ("2022-07", &[]),
    ("2023-06", &[]),
    // The label was not bumped with the sibling's, and the paid marketplace images are a year older.
    (
        "2026-04",
        &[
            ("coreos-rhel-9.json", Rule::LabelSiblings, "4.21, but that of coreos-rhel-10.json names 4.22"),
            ("coreos-rhel-9.json", Rule::MarketplaceLag, "388 days behind the build 9.8.20260403-0"),
        ],
    ),
];

#[test]
fn real_checkouts_raise_only_justified_alarms() {
    let Some(root) = crate::test_support::corpus() else { return };
    for (checkout, expected) in EXPECTED {
        let path = root.join("checkouts").join(checkout);
        let mut sources = Sources::default();
        sources.add_path(&path).unwrap();
        let documents: Vec<&Document> = sources.documents.iter().map(|it| &it.document).collect();
        let marketplaces: Vec<Marketplace> = sources
            .skipped
            .iter()
            .filter_map(|it| Marketplace::read(&it.name, &std::fs::read(path.join(&it.name)).unwrap()))
            .collect();
        let alarms = lint(&Input { documents: &documents, marketplaces: &marketplaces, ..Input::default() });
        let matches = |alarm: &Alarm, (document, rule, message): &(&str, Rule, &str)| {
            alarm.document.ends_with(document) && alarm.rule == *rule && alarm.message.contains(message)
        };
        assert!(
            alarms.len() == expected.len()
                && alarms.iter().zip(expected).all(|(alarm, expected)| matches(alarm, expected)),
            "{checkout}: {alarms:#?}"
        );
        // A document compared with itself as the base raises no further alarm.
        let unchanged = Input {
            documents: &documents,
            base: Some(&documents),
            marketplaces: &marketplaces,
            branch: None,
        };
        assert_eq!(lint(&unchanged).len(), expected.len(), "{checkout}");
    }
}
