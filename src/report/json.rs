//! The JSON report. Its schema, `ci/art-mirror-validate.schema.json`, is generated from the types.

use std::io::{self, Write};

use crate::report::model::Report;
use crate::text::json;

/// Writes the report without building its text in memory.
pub fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    json::pretty(out, report)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::report::sample;
    use crate::text::is_unsafe_to_print;
    use crate::text::schema::stale;
    use crate::verdict::Reason;

    const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ci/art-mirror-validate.schema.json");

    fn text(report: &Report) -> String {
        let mut out = Vec::new();
        write(&mut out, report).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn schema() -> Value {
        serde_json::from_str(&std::fs::read_to_string(SCHEMA).unwrap()).unwrap()
    }

    #[test]
    fn untrusted_text_is_escaped_and_nothing_is_lost() {
        let hostile = "\u{1b}[31m\u{9b}2J\u{7f}\u{202e}\u{e0041}\u{ffff}é";
        let report = sample::hostile(hostile);
        let text = text(&report);
        assert_eq!(text.chars().find(|it| *it != '\n' && is_unsafe_to_print(*it)), None, "{text}");
        assert!(text.contains(r"\u001b[31m\u009b2J\u007f\u202e\udb40\udc41\uffffé"), "{text}");
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, serde_json::to_value(&report).unwrap());
        // `merge` reads reports.
        let request = report.request.clone();
        assert_eq!(Report { request, ..serde_json::from_value(read).unwrap() }, report);
    }

    #[test]
    fn a_failing_run() {
        insta::assert_snapshot!(text(&sample::report()));
    }

    #[test]
    fn the_committed_schema_is_up_to_date() {
        let title = "The JSON report of art-mirror-validate, version 1";
        assert_eq!(stale::<Report>("art-mirror-validate", title), None);
    }

    #[test]
    fn reports_follow_the_schema() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let mut reports =
            vec![sample::report(), sample::pass(), sample::hostile("\u{0}\u{ffff}"), sample::empty()];
        reports.push(sample::unusable("\u{0}"));
        let mut changed = sample::report();
        changed.changes = Some(sample::changes(&changed));
        reports.push(changed);
        for reason in Reason::ALL {
            let mut report = sample::pass();
            report.artifacts.push(sample::of_reason(*reason));
            reports.push(report);
        }
        for report in reports {
            let value: Value = serde_json::from_str(&text(&report)).unwrap();
            let faults: Vec<String> = validator
                .iter_errors(&value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{faults:?}");
        }
    }

    #[test]
    fn the_schema_rejects_invalid_reports() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let valid: Value = serde_json::from_str(&text(&sample::report())).unwrap();
        assert!(validator.is_valid(&valid));
        let cases = [
            ("/schema_version", Value::from(2)),
            ("/verdict", "maybe".into()),
            ("/target/kind", "elsewhere".into()),
            ("/artifacts/0/reason", "because".into()),
            ("/artifacts/0/sha256/expected", "abc".into()),
            ("/artifacts/0/size/expected", Value::from(-1)),
            ("/artifacts/0/size/expected_from", "hearsay".into()),
            ("/artifacts/0/sha256/observed_from", "hearsay".into()),
            ("/summary", Value::Null),
        ];
        for (pointer, value) in cases {
            let mut invalid = valid.clone();
            *invalid.pointer_mut(pointer).unwrap() = value;
            assert!(!validator.is_valid(&invalid), "{pointer}");
        }
        let mut incomplete = valid.clone();
        incomplete["artifacts"][0].as_object_mut().unwrap().remove("http_status");
        assert!(!validator.is_valid(&incomplete), "unknown values are null, not absent");
    }

    proptest! {
        #[test]
        fn any_text_survives(raw: String) {
            let value: Value = serde_json::from_str(&text(&sample::hostile(&raw))).unwrap();
            prop_assert_eq!(value["artifacts"][1]["message"].as_str(), Some(raw.as_str()));
        }
    }
}
