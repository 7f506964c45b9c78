//! The sentences that several outputs share, so that they say the same.

use std::time::Duration;

use crate::report::model::{Report, Summary, Target, TargetKind};
use crate::text::{Printable, count};
use crate::verdict::{Reason, Verdict};

/// A verdict's sign: never the only carrier of it, always beside a word.
pub(super) const fn symbol(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => '✓',
        Verdict::Inconclusive => '?',
        Verdict::Fail => '✗',
    }
}

/// A verdict's word for a person.
pub(super) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Inconclusive => "undetermined",
        Verdict::Fail => "fail",
    }
}

/// The reason's word in reports; an artifact without one is just its verdict.
pub(super) const fn reason_word(reason: Option<Reason>, verdict: Verdict) -> &'static str {
    match reason {
        Some(reason) => reason.as_str(),
        None => word(verdict),
    }
}

/// The run in one sentence, without its verdict's word.
pub(super) fn headline(report: &Report) -> String {
    let Summary { artifacts, passed: _, failed, inconclusive, warnings: _ } = report.summary;
    let all = count(artifacts, "artifact");
    let nothing = match report.problems.len() {
        0 => "nothing was checked".to_owned(),
        problems => format!("nothing was checked, for {}", count(problems, "reason")),
    };
    let sentence = match (report.verdict, report.target.kind) {
        (Verdict::Pass, TargetKind::Published) => {
            format!("{all} checked and published as the documents say")
        }
        (Verdict::Pass, TargetKind::Bridge) => {
            format!("{all} checked and on the bridge; this is no mirror pass")
        }
        (Verdict::Pass, TargetKind::Mirror) => format!("{all} checked and on this mirror"),
        (Verdict::Fail, _) if inconclusive == 0 => {
            format!("{failed} of {all} missing, wrong or not on a published place")
        }
        (Verdict::Fail, _) => format!(
            "{failed} of {all} missing, wrong or not on a published place; {inconclusive} undetermined"
        ),
        (Verdict::Inconclusive, _) if artifacts == 0 => nothing,
        (Verdict::Inconclusive, _) => {
            format!("nothing known to be wrong, but {inconclusive} of {all} undetermined")
        }
    };
    match &report.interrupted_by {
        Some(signal) => format!("{sentence} (ended early by {})", Printable(signal)),
        None => sentence,
    }
}

/// Which place the verdict speaks of. Anything but the literal locations is said loudly: a pass elsewhere
/// must never be taken for a mirror pass.
pub(super) fn target(target: &Target) -> String {
    let prefix = Printable(target.prefix.as_deref().unwrap_or("an unknown place"));
    match target.kind {
        TargetKind::Published => "published locations, exactly as the documents have them".into(),
        TargetKind::Bridge => format!("BRIDGE, NOT THE MIRROR: {prefix}"),
        TargetKind::Mirror => format!("MIRROR, NOT THE DOCUMENTS' OWN LOCATIONS: {prefix}"),
    }
}

/// What a verdict about this target does not mean; nothing for the literal locations.
pub(super) fn caveat(report_target: &Target, verdict: Option<Verdict>) -> Option<String> {
    let outcome = verdict.map_or("result", word);
    match report_target.kind {
        TargetKind::Published => None,
        TargetKind::Bridge => Some(format!(
            "this is a bridge {outcome}, no mirror {outcome}: it does not say that anything is published"
        )),
        TargetKind::Mirror => Some(format!(
            "this is a {outcome} for that mirror alone: the documents' own locations were not asked for"
        )),
    }
}

/// The counts: `29 artifacts: 25 passed, 3 failed, 1 undetermined, 2 warnings`.
pub(super) fn counts(summary: &Summary) -> String {
    let Summary { artifacts, passed, failed, inconclusive, warnings } = *summary;
    let mut line = format!(
        "{}: {passed} passed, {failed} failed, {inconclusive} undetermined",
        count(artifacts, "artifact")
    );
    if warnings > 0 {
        line.push_str(", ");
        line.push_str(&count(warnings, "warning"));
    }
    line
}

/// The time of a run, to the millisecond below a minute and to the second above.
pub(super) fn elapsed(milliseconds: u64) -> String {
    let exact = Duration::from_millis(milliseconds);
    let shown = if milliseconds < 60_000 { exact } else { Duration::from_secs(exact.as_secs()) };
    humantime::format_duration(shown).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridge_is_never_called_a_mirror_pass() {
        let bridge = Target { kind: TargetKind::Bridge, prefix: Some("https://b/x".into()) };
        assert_eq!(target(&bridge), "BRIDGE, NOT THE MIRROR: https://b/x");
        assert!(caveat(&bridge, Some(Verdict::Pass)).unwrap().contains("bridge pass, no mirror pass"));
        assert_eq!(caveat(&Target { kind: TargetKind::Published, prefix: None }, None), None);
    }

    #[test]
    fn a_run_over_nothing_does_not_count() {
        let mut report = crate::report::sample::unusable("x");
        assert_eq!(headline(&report), "nothing was checked, for 2 reasons");
        report.problems.clear();
        report.interrupted_by = Some("SIGTERM".into());
        assert_eq!(headline(&report), "nothing was checked (ended early by SIGTERM)");
    }

    #[test]
    fn time_is_exact_where_it_is_short() {
        assert_eq!(elapsed(1_234), "1s 234ms");
        assert_eq!(elapsed(61_234), "1m 1s");
    }
}
