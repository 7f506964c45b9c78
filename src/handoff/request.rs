//! The request to ART that the gate leaves beside its reports: written by `check`, carried out by
//! `mirror --request`. Every line that is read is written here.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::location::{ArtifactUrl, Owner, bucket_directory};
use crate::report::ProwContext;
use crate::report::model::{ArtifactReport, Report, TargetKind};
use crate::stream::Sha256;
use crate::text::{Printable, count, excerpt};
use crate::verdict::Reason;

/// How many locations a request lists. Beyond, the JSON report is the better list.
const MOST_LOCATIONS: usize = 2_000;

/// How a request says that it is cut.
const CUT: &str = "more, which do not fit here";

/// A file that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Requested {
    #[serde(rename = "id")]
    pub title: String,
    pub document: String,
    /// The build, as far as anything but the URLs says it.
    #[serde(skip)]
    pub release: String,
    pub destination: ArtifactUrl,
    pub url: ArtifactUrl,
    pub sha256: Sha256,
    /// Its size in bytes, as far as anybody says.
    pub size: Option<u64>,
}

/// Who is asked for a file, what is wrong with it, and the build that it is of.
type Ask = (usize, usize, String);

/// What is to be done before the gate can turn green, as plain text: the locations that have no file or the wrong
/// one, by who fills them, architecture and build, and the digest of each. What is only archived is to be restored.
///
/// None if there is nothing to ask for, or if the run asked a bridge, which says nothing of the mirror.
pub fn write(report: &Report) -> Option<String> {
    if report.target.kind == TargetKind::Bridge {
        return None;
    }
    let mut files: Vec<(Ask, &ArtifactReport)> =
        report.artifacts.iter().filter_map(|artifact| Some((ask(artifact)?, artifact))).collect();
    if files.is_empty() {
        return None;
    }
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut text = opening(&report.prow);
    let mut left = MOST_LOCATIONS;
    for of_filler in files.chunk_by(|(one, _), (other, _)| one.0 == other.0) {
        for (at, alike) in of_filler.chunk_by(|(one, _), (other, _)| one.1 == other.1).enumerate() {
            let Some(((filler, wrong, _), _)) = alike.first() else { continue };
            if at == 0 {
                let _ = writeln!(text, "\n{}", FILLERS.get(*filler).unwrap_or(&""));
            }
            let title = TITLES.get(*wrong).unwrap_or(&"");
            let _ = writeln!(text, "\n{title}: {}", count(alike.len(), "file"));
            let listed = alike.get(..left).unwrap_or(alike);
            left -= listed.len();
            for build in listed.chunk_by(|(one, _), (other, _)| one == other) {
                for (at, ((.., heading), artifact)) in build.iter().enumerate() {
                    if at == 0 {
                        let _ = writeln!(text, "\n  {heading}");
                    }
                    let _ = writeln!(text, "    {}", Printable(artifact.url_or_location()));
                    let _ = writeln!(text, "      sha256 {}", artifact.sha256.expected);
                }
            }
            if listed.len() < alike.len() {
                let _ = writeln!(text, "\n  and {} {CUT}", alike.len() - listed.len());
            }
        }
    }
    if let Some(retest) = report.prow.retest() {
        let _ = writeln!(text, "\nOnce they are mirrored: {} on the pull request.", Printable(retest));
    }
    Some(text)
}

/// Whom to ask for a file, and for what; none where mirroring would not correct what is wrong.
fn ask(artifact: &ArtifactReport) -> Option<Ask> {
    let wrong = match artifact.reason? {
        Reason::Missing if artifact.archived => 2,
        Reason::Missing => 0,
        Reason::SizeMismatch | Reason::Sha256Mismatch | Reason::UncompressedSha256Mismatch => 1,
        _ => return None,
    };
    let build = format!("{}, build {}", Printable(&artifact.arch), Printable(&artifact.release));
    let place = ArtifactUrl::parse(artifact.url_or_location()).ok();
    Some(match place.as_ref().and_then(bucket_directory) {
        Some(directory) => (1, wrong, format!("{build}{TO}{directory} in the bucket")),
        None if place.as_ref().is_some_and(|it| Owner::of_path(it) == Owner::SyncJob) => (0, wrong, build),
        None => (2, wrong, build),
    })
}

/// What is wrong with files, and so what is asked for.
const TITLES: [&str; 3] = [
    "Missing",
    "Present, but not the bytes that the document names",
    "Archived, to be restored permanently from the archive storage class",
];

/// Who fills the places.
const FILLERS: [&str; 3] = [
    "\
For ART's sync job. It deletes from a directory what its list does not name, so give it the complete lists of
`art-mirror-validate sync-list`, not these lines.",
    "\
For the build pipeline, which uploads to its own bucket. ART's sync job does not upload there.",
    "For the owners of these hosts; neither ART's sync job nor its build pipeline uploads there.",
];

/// What follows a build ID where the build pipeline's directory is named.
const TO: &str = ", to ";

/// The first sentence of a request, and its line break.
pub(super) fn opening(prow: &ProwContext) -> String {
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

/// Reads what a request asks for: `ARCH, build BUILDID`, then URLs, each with `sha256 DIGEST` after it. `source`
/// says where the bridge has the file of a location and a release.
///
/// What a ticket system does to white space and to what is around the lines does no harm.
pub fn read(
    name: &str,
    text: &str,
    source: impl Fn(&str, &str) -> Result<ArtifactUrl, String>,
) -> Result<Vec<Requested>, String> {
    let mut requested: Vec<Requested> = Vec::new();
    let mut release = "";
    // The last location, until its digest comes.
    let mut open: Option<&str> = None;
    for line in text.lines().map(str::trim) {
        let is_url = line.starts_with("https://") || line.starts_with("http://");
        if let (true, Some(url)) = (is_url, open) {
            return Err(format!("{}: no sha256 follows it", excerpt(url, 300)));
        }
        if is_url {
            open = Some(line);
        } else if let Some(digest) = line.strip_prefix("sha256 ") {
            let location = open.take().ok_or_else(|| format!("`{}` follows no URL", excerpt(line, 100)))?;
            let bad = |why: String| format!("{}: {why}", excerpt(location, 300));
            let destination = ArtifactUrl::parse(location).map_err(|error| bad(error.to_string()))?;
            requested.push(Requested {
                title: excerpt(destination.file_name(), 300),
                document: name.to_owned(),
                release: release.to_owned(),
                url: source(location, release).map_err(bad)?,
                destination,
                sha256: digest.trim().parse().map_err(|error| bad(format!("{error}")))?,
                size: None,
            });
        } else if let Some((_, build)) = line.split_once(", build ") {
            release = build.split_once(TO).map_or(build, |(build, _)| build);
        } else if line.starts_with("and ") && line.contains(" more, ") {
            return Err("it leaves files out; mirror these artifacts from the document".to_owned());
        }
    }
    if let Some(url) = open {
        return Err(format!("{}: no sha256 follows it", excerpt(url, 300)));
    }
    Ok(requested)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_request_lists_locations_by_who_fills_them_architecture_and_build() {
        let mut report = sample::report();
        let on_mirror = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/4.8.2/f";
        let failed = report.artifacts.iter_mut().filter(|artifact| artifact.reason == Some(Reason::Missing));
        failed.take(1).for_each(|artifact| artifact.url = Some(on_mirror.into()));
        insta::assert_snapshot!(write(&report).unwrap());
    }

    #[test]
    fn what_is_written_is_read() {
        let report = sample::report();
        let text = write(&report).unwrap();
        let read = read("request", &text, |location, _| Ok(ArtifactUrl::parse(location).unwrap())).unwrap();
        let failed =
            |it: &&ArtifactReport| read.iter().any(|file| file.destination.as_str() == it.url_or_location());
        for artifact in report.artifacts.iter().filter(failed) {
            let its =
                read.iter().find(|file| file.destination.as_str() == artifact.url_or_location()).unwrap();
            assert_eq!((its.sha256, &*its.release), (artifact.sha256.expected, &*artifact.release));
        }
        assert_eq!(read.len(), 4);
    }

    #[test]
    fn nothing_is_asked_for_after_a_bridge_run_or_a_pass() {
        let mut report = sample::report();
        report.target.kind = TargetKind::Bridge;
        assert_eq!(write(&report), None);
        assert_eq!(write(&sample::pass()), None);
    }

    #[test]
    fn a_request_is_bounded() {
        let text = write(&sample::large(10_000)).unwrap();
        assert!(text.contains("and 8000 more, which do not fit here"), "{}", text.len());
    }
}
