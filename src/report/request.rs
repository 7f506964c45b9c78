//! The request to ART: what to mirror, as text to paste.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::report::model::{ArtifactReport, Report, TargetKind};
use crate::report::{ProwContext, RunContext, advice};
use crate::text::{Printable, count};
use crate::verdict::{Reason, Verdict};

/// How many locations a request lists. Beyond, the JSON report is the better list.
const MOST_LOCATIONS: usize = 2_000;

/// What ART is to do before the gate can turn green, as plain text: the locations that have no file or the
/// wrong one, by architecture and build, and the digest of each. `mirror --request` carries it out, so its
/// lines are read again, by `handoff::mirror`.
///
/// None if there is nothing to ask of ART, or if the run asked a bridge, which says nothing of the mirror.
pub fn art_request(report: &Report, context: &RunContext) -> Option<String> {
    if report.target.kind == TargetKind::Bridge {
        return None;
    }
    let missing = builds(report, |reason| reason == Reason::Missing);
    let wrong = builds(report, |reason| {
        matches!(reason, Reason::SizeMismatch | Reason::Sha256Mismatch | Reason::UncompressedSha256Mismatch)
    });
    if missing.is_empty() && wrong.is_empty() {
        return None;
    }
    let mut text = opening(&context.prow);
    let mut room = MOST_LOCATIONS;
    section(&mut text, "Not there", &missing, &mut room);
    section(&mut text, "There, but not the bytes that the document names", &wrong, &mut room);
    let all: Vec<&ArtifactReport> =
        missing.iter().chain(&wrong).flat_map(|build| &build.artifacts).copied().collect();
    if let Some(note) = advice::not_for_sync_job(&all) {
        let _ = writeln!(text, "\n{note}");
    }
    if let Some(retest) = context.retest() {
        let _ = writeln!(text, "\nOnce they are there: {} on the pull request.", Printable(retest));
    }
    Some(text)
}

/// The first sentence of a request, and its line break.
pub fn opening(prow: &ProwContext) -> String {
    let mut text = String::from("Please mirror these boot images");
    if let Some(pull_request) = prow.pull_request() {
        let _ = write!(text, "; {} waits for them", Printable(&pull_request));
        if let Some(sha) = &prow.pull_pull_sha {
            let _ = write!(text, " (at {})", Printable(sha));
        }
    }
    text.push_str(".\n");
    text
}

/// One architecture's part of a build.
struct Build<'a> {
    arch: &'a str,
    release: &'a str,
    artifacts: Vec<&'a ArtifactReport>,
}

fn builds(report: &Report, wanted: impl Fn(Reason) -> bool) -> Vec<Build<'_>> {
    let mut builds: Vec<Build<'_>> = Vec::new();
    let mut index: HashMap<(&str, &str), usize> = HashMap::new();
    for artifact in &report.artifacts {
        if artifact.verdict != Verdict::Fail || !artifact.reason.is_some_and(&wanted) {
            continue;
        }
        let (arch, release) = (&*artifact.arch, &*artifact.release);
        let at = *index.entry((arch, release)).or_insert_with(|| {
            builds.push(Build { arch, release, artifacts: Vec::new() });
            builds.len() - 1
        });
        if let Some(build) = builds.get_mut(at) {
            build.artifacts.push(artifact);
        }
    }
    builds
}

fn section(text: &mut String, title: &str, builds: &[Build<'_>], room: &mut usize) {
    let all: usize = builds.iter().map(|build| build.artifacts.len()).sum();
    if all == 0 {
        return;
    }
    let _ = writeln!(text, "\n{title}: {}", count(all, "file"));
    let mut listed = 0;
    for build in builds {
        if *room == 0 {
            break;
        }
        let _ = writeln!(text, "\n  {}, build {}", Printable(build.arch), Printable(build.release));
        for artifact in build.artifacts.iter().take(*room) {
            let place = artifact.url_or_location();
            let _ = writeln!(text, "    {}", Printable(place));
            let _ = writeln!(text, "      sha256 {}", artifact.sha256.expected);
            listed += 1;
        }
        *room = room.saturating_sub(build.artifacts.len());
    }
    if listed < all {
        let _ = writeln!(text, "\n  and {} more, listed in art-mirror-validate.json", all - listed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_request_lists_locations_by_architecture_and_build() {
        insta::assert_snapshot!(art_request(&sample::report(), &sample::context()).unwrap());
    }

    #[test]
    fn nothing_is_asked_of_art_after_a_bridge_run_or_a_pass() {
        let mut report = sample::report();
        report.target.kind = TargetKind::Bridge;
        assert_eq!(art_request(&report, &sample::context()), None);
        assert_eq!(art_request(&sample::pass(), &sample::context()), None);
    }

    #[test]
    fn a_request_is_bounded() {
        let text = art_request(&sample::large(10_000), &sample::context()).unwrap();
        assert!(text.contains("and 8000 more, listed in art-mirror-validate.json"), "{}", text.len());
    }
}
