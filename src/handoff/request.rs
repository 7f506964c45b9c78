//! The request to ART, a file next to the gate's reports: written by `check`, and read by `mirror --request`.

use std::fmt::Write as _;

use serde::Deserialize;

use crate::location::{ArtifactUrl, Owner, bucket_directory};
use crate::report::ProwContext;
use crate::report::model::{ArtifactReport, Report, TargetKind};
use crate::stream::Sha256;
use crate::text::{Printable, count, excerpt};
use crate::verdict::Reason;

/// The most locations of a request. The JSON report has all.
const MAX_LOCATIONS: usize = 2_000;

/// The end of a line that counts omitted files.
const OMITTED: &str = "more, which do not fit here";

/// A file that a request asks for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Requested {
    #[serde(rename = "id")]
    pub title: String,
    pub document: String,
    /// The build ID, or empty if only the URLs contain it.
    #[serde(skip)]
    pub release: String,
    pub destination: ArtifactUrl,
    pub url: ArtifactUrl,
    pub sha256: Sha256,
    /// The size in bytes, if known.
    pub size: Option<u64>,
}

/// The sort key of a file: the indices of its uploader and of what is wrong with it, and the heading of its build.
type Key = (usize, usize, String);

/// The request as plain text: the locations whose file is missing, wrong or archived, each with its digest, by
/// uploader, architecture and build.
///
/// `None` if nothing needs mirroring, or if the target is a bridge, which is not evidence about the mirror.
pub fn write(report: &Report) -> Option<String> {
    if report.target.kind == TargetKind::Bridge {
        return None;
    }
    let mut files: Vec<(Key, &ArtifactReport)> =
        report.artifacts.iter().filter_map(|artifact| Some((key(artifact)?, artifact))).collect();
    if files.is_empty() {
        return None;
    }
    files.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut text = opening(&report.prow);
    let mut left = MAX_LOCATIONS;
    for of_uploader in files.chunk_by(|(one, _), (other, _)| one.0 == other.0) {
        for (at, of_title) in of_uploader.chunk_by(|(one, _), (other, _)| one.1 == other.1).enumerate() {
            let Some(((uploader, title, _), _)) = of_title.first() else { continue };
            if at == 0 {
                let _ = writeln!(text, "\n{}", UPLOADERS.get(*uploader).unwrap_or(&""));
            }
            let title = TITLES.get(*title).unwrap_or(&"");
            let _ = writeln!(text, "\n{title}: {}", count(of_title.len(), "file"));
            let listed = of_title.get(..left).unwrap_or(of_title);
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
            if listed.len() < of_title.len() {
                let _ = writeln!(text, "\n  and {} {OMITTED}", of_title.len() - listed.len());
            }
        }
    }
    if let Some(retest) = report.prow.retest() {
        let _ = writeln!(text, "\nOnce they are mirrored: {} on the pull request.", Printable(retest));
    }
    Some(text)
}

/// The sort key of a file; `None` if mirroring would not correct it.
fn key(artifact: &ArtifactReport) -> Option<Key> {
    let title = match artifact.reason? {
        Reason::Missing if artifact.archived => 2,
        Reason::Missing => 0,
        Reason::SizeMismatch | Reason::Sha256Mismatch | Reason::UncompressedSha256Mismatch => 1,
        _ => return None,
    };
    let build = format!("{}, build {}", Printable(&artifact.arch), Printable(&artifact.release));
    let url = ArtifactUrl::parse(artifact.url_or_location()).ok();
    Some(match url.as_ref().and_then(bucket_directory) {
        Some(directory) => (1, title, format!("{build}{TO}{directory} in the bucket")),
        None if url.as_ref().is_some_and(|it| Owner::of_path(it) == Owner::SyncJob) => (0, title, build),
        None => (2, title, build),
    })
}

const TITLES: [&str; 3] = [
    "Missing",
    "Present, but not the bytes that the document names",
    "Archived, to be restored permanently from the archive storage class",
];

const UPLOADERS: [&str; 3] = [
    "\
For ART's sync job. It deletes from a directory what its list does not name, so give it the complete lists of
`art-mirror-validate sync-list`, not these lines.",
    "\
For the build pipeline, which uploads to its own bucket. ART's sync job does not upload there.",
    "For the owners of these hosts; neither ART's sync job nor its build pipeline uploads there.",
];

/// The text between a build ID and the build pipeline's directory.
const TO: &str = ", to ";

/// The first sentence of a request, with a line break.
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

/// Parses a request: lines of `ARCH, build BUILDID`, then URLs, each followed by `sha256 DIGEST`. `source` returns the
/// bridge's URL for a location and a release.
///
/// White space and other lines are ignored, because ticket systems change them.
pub fn read(
    name: &str,
    text: &str,
    source: impl Fn(&str, &str) -> Result<ArtifactUrl, String>,
) -> Result<Vec<Requested>, String> {
    let mut requested: Vec<Requested> = Vec::new();
    let mut release = "";
    // A location whose digest has not followed yet.
    let mut pending: Option<&str> = None;
    for line in text.lines().map(str::trim) {
        let is_url = line.starts_with("https://") || line.starts_with("http://");
        if let (true, Some(url)) = (is_url, pending) {
            return Err(format!("{}: no sha256 follows it", excerpt(url, 300)));
        }
        if is_url {
            pending = Some(line);
        } else if let Some(digest) = line.strip_prefix("sha256 ") {
            let location =
                pending.take().ok_or_else(|| format!("`{}` follows no URL", excerpt(line, 100)))?;
            let error = |why: String| format!("{}: {why}", excerpt(location, 300));
            let destination = ArtifactUrl::parse(location).map_err(|why| error(why.to_string()))?;
            requested.push(Requested {
                title: excerpt(destination.file_name(), 300),
                document: name.to_owned(),
                release: release.to_owned(),
                url: source(location, release).map_err(error)?,
                destination,
                sha256: digest.trim().parse().map_err(|why| error(format!("{why}")))?,
                size: None,
            });
        } else if let Some((_, build)) = line.split_once(", build ") {
            release = build.split_once(TO).map_or(build, |(build, _)| build);
        } else if line.starts_with("and ") && line.contains(" more, ") {
            return Err("it leaves files out; mirror these artifacts from the document".to_owned());
        }
    }
    if let Some(url) = pending {
        return Err(format!("{}: no sha256 follows it", excerpt(url, 300)));
    }
    Ok(requested)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_request_lists_locations_by_uploader_architecture_and_build() {
        let mut report = sample::report();
        let on_mirror = "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/4.8.2/f";
        let failed = report.artifacts.iter_mut().filter(|artifact| artifact.reason == Some(Reason::Missing));
        failed.take(1).for_each(|artifact| artifact.url = Some(on_mirror.into()));
        insta::assert_snapshot!(write(&report).unwrap());
    }

    #[test]
    fn a_written_request_can_be_read() {
        let report = sample::report();
        let text = write(&report).unwrap();
        let read = read("request", &text, |location, _| Ok(ArtifactUrl::parse(location).unwrap())).unwrap();
        let failed =
            |it: &&ArtifactReport| read.iter().any(|file| file.destination.as_str() == it.url_or_location());
        for artifact in report.artifacts.iter().filter(failed) {
            let file =
                read.iter().find(|file| file.destination.as_str() == artifact.url_or_location()).unwrap();
            assert_eq!((file.sha256, &*file.release), (artifact.sha256.expected, &*artifact.release));
        }
        assert_eq!(read.len(), 4);
    }

    #[test]
    fn there_is_no_request_after_a_bridge_run_or_a_pass() {
        let mut report = sample::report();
        report.target.kind = TargetKind::Bridge;
        assert_eq!(write(&report), None);
        assert_eq!(write(&sample::pass()), None);
    }

    #[test]
    fn the_locations_of_a_request_are_limited() {
        let text = write(&sample::large(10_000)).unwrap();
        assert!(text.contains("and 8000 more, which do not fit here"), "{}", text.len());
    }
}
