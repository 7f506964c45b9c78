//! Words and sentences that several outputs share.

use std::time::Duration;

use crate::report::model::{Report, ReportedTarget, Summary, TargetKind};
use crate::text::{count, excerpt};
use crate::verdict::{Reason, Verdict};

/// The symbol of a verdict, which is always shown with a word.
pub(super) const fn symbol(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => '✓',
        Verdict::Inconclusive => '?',
        Verdict::Fail => '✗',
    }
}

pub(super) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Inconclusive => "undetermined",
        Verdict::Fail => "fail",
    }
}

/// The verdict of a run, with its target unless that is the published locations: a pass elsewhere must not be mistaken
/// for a mirror pass.
pub(super) fn verdict(report: &Report) -> String {
    let target = match report.target.kind {
        TargetKind::Published => "",
        TargetKind::Bridge => " on the bridge",
        TargetKind::Mirror => " on this mirror",
    };
    format!("{}{target}", word(report.verdict))
}

/// The reason, or else the verdict.
pub(super) const fn reason_word(reason: Option<Reason>, verdict: Verdict) -> &'static str {
    match reason {
        Some(reason) => reason.as_str(),
        None => word(verdict),
    }
}

/// The state of artifacts, as in `48 of 48 missing`.
pub(super) const fn state(reason: Option<Reason>, verdict: Verdict) -> &'static str {
    match (reason, verdict) {
        (Some(Reason::BadLocation), _) => "without a usable URL",
        (Some(Reason::NotPublished), _) => "not at a published location",
        (Some(Reason::HostNotAllowed), _) => "on a host that is not allowed",
        (Some(Reason::RedirectNotAllowed), _) => "redirected to a host that is not allowed",
        (Some(Reason::AddressNotAllowed), _) => "at an address that is not allowed",
        (Some(Reason::Missing), _) => "missing",
        (Some(Reason::SizeMismatch), _) => "of the wrong size",
        (Some(Reason::Sha256Mismatch), _) => "with the wrong sha256",
        (Some(Reason::UncompressedSha256Mismatch), _) => "with the wrong sha256 after decompression",
        (Some(Reason::MetadataConflict), _) => "contradicted by build metadata",
        (Some(Reason::BadSignature), _) => "without a good signature",
        (Some(Reason::BadReference), _) => "without a usable cloud reference",
        (Some(Reason::ImageMismatch), _) => "with a different image in the cloud",
        (Some(Reason::Unreachable), _) => "unreachable",
        (Some(Reason::Timeout), _) => "not answered in time",
        (Some(Reason::ServerError), _) => "without a usable answer",
        (Some(Reason::RateLimited), _) => "rate-limited",
        (Some(Reason::Deadline), _) => "not checked before the run ended",
        (Some(Reason::NoDigest), _) => "without a published sha256",
        (None, Verdict::Pass) => "passed",
        (None, Verdict::Inconclusive) => "undetermined",
        (None, Verdict::Fail) => "failed",
    }
}

pub(super) fn target(target: &ReportedTarget) -> String {
    let prefix = excerpt(target.prefix.as_deref().unwrap_or("an unknown location"), 300);
    match target.kind {
        TargetKind::Published => "published locations, exactly as the documents have them".into(),
        TargetKind::Bridge => format!("BRIDGE, NOT THE MIRROR: {prefix}"),
        TargetKind::Mirror => format!("MIRROR, NOT THE DOCUMENTS' OWN LOCATIONS: {prefix}"),
    }
}

/// What a verdict does not mean; `None` for the published locations.
pub(super) fn caveat(target: &ReportedTarget, verdict: Option<Verdict>) -> Option<String> {
    let outcome = match verdict {
        None | Some(Verdict::Inconclusive) => "result",
        Some(Verdict::Pass) => "pass",
        Some(Verdict::Fail) => "failure",
    };
    match target.kind {
        TargetKind::Published => None,
        TargetKind::Bridge => Some(format!(
            "this is a bridge {outcome}, not a mirror {outcome}: it says nothing about what is published"
        )),
        TargetKind::Mirror => Some(
            "this is about that mirror only: nothing was requested from the documents' own locations"
                .to_owned(),
        ),
    }
}

/// Such as `29 artifacts: 25 passed, 3 failed, 1 undetermined, 2 warnings`.
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

/// The duration of a run, to the millisecond below a minute, else to the second.
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
        let bridge = ReportedTarget { kind: TargetKind::Bridge, prefix: Some("https://b/x".into()) };
        assert_eq!(target(&bridge), "BRIDGE, NOT THE MIRROR: https://b/x");
        assert!(caveat(&bridge, Some(Verdict::Pass)).unwrap().contains("bridge pass, not a mirror pass"));
        assert_eq!(caveat(&ReportedTarget { kind: TargetKind::Published, prefix: None }, None), None);
    }

    #[test]
    fn every_reason_has_a_state_of_its_own() {
        let mut states: Vec<_> =
            Reason::ALL.iter().map(|reason| state(Some(*reason), reason.verdict())).collect();
        states.sort_unstable();
        states.dedup();
        assert_eq!(states.len(), Reason::ALL.len());
    }

    #[test]
    fn a_short_duration_is_exact() {
        assert_eq!(elapsed(1_234), "1s 234ms");
        assert_eq!(elapsed(61_234), "1m 1s");
    }
}
