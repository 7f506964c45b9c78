//! Report files of a run in a directory, `$ARTIFACTS` in Prow.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::atomic;
use crate::report::model::Report;
use crate::report::written::Written;
use crate::report::{html, json, junit};
use crate::text::markdown::fence;

/// The `JUnit` report, whose name matches Spyglass's `JUnit` lens.
pub const JUNIT: &str = "junit_art-mirror-validate.xml";
pub const JSON: &str = "art-mirror-validate.json";
/// The HTML report. OpenShift's Prow shows pages whose names contain `-summary`.
pub const HTML: &str = "art-mirror-validate-summary.html";

/// The request to ART, which only exists if something needs mirroring.
pub const REQUEST: &str = "art-mirror-validate-request.md";

/// Removes the reports of an earlier run, so that they are not mistaken for those of a run that ends without any.
/// Errors are ignored: the files of this run cannot be written then, and [`write`] reports that.
pub fn remove_earlier(directory: &Path) {
    for name in [JSON, JUNIT, HTML, REQUEST] {
        let _ = std::fs::remove_file(directory.join(name));
    }
}

/// Writes the three reports into a directory, which is created if missing, and the request to ART, if there is one.
/// Otherwise the request of an earlier run is removed.
///
/// Files are written atomically and are world-readable, because the uploader runs as another user. If one cannot be
/// written, the others still are.
pub fn write(directory: &Path, report: &Report) -> Written {
    let mut written = Written::default();
    if let Err(error) = std::fs::create_dir_all(directory) {
        let directory = directory.display();
        written
            .errors
            .push(format!("could not create the directory {directory}: {error}; no report was written"));
        return written;
    }
    let mut errors = Vec::new();
    let failed = |path: &Path, error| format!("could not write {}: {error}", path.display());
    let mut add = |name: &str, render: &dyn Fn(&mut BufWriter<File>) -> io::Result<()>| {
        let path = directory.join(name);
        let result = atomic::write(directory, &path, render).map_err(|error| failed(&path, error));
        result.map(|()| path).map_err(|error| errors.push(error)).ok()
    };
    written.json = add(JSON, &|out| json::write(out, report));
    add(JUNIT, &|out| junit::write(out, report));
    if let Some(request) = &report.request {
        written.request = add(REQUEST, &|out| write_request(out, request));
    }
    // The HTML page is last, because it refers to the others, and takes longest while an aborted job has little time.
    add(HTML, &|out| html::write(out, report, &written));
    let path = directory.join(REQUEST);
    if report.request.is_none()
        && let Err(error) = std::fs::remove_file(&path)
        && error.kind() != io::ErrorKind::NotFound
    {
        errors.push(failed(&path, error));
    }
    Written { errors, ..written }
}

/// Writes the request as Markdown to paste into a ticket: in a code block, so that nothing in it is markup.
fn write_request(out: &mut impl Write, request: &str) -> io::Result<()> {
    let fence = fence(request);
    writeln!(out, "{fence}\n{}\n{fence}\n", request.trim_end())?;
    writeln!(
        out,
        "For the input of ART's sync job or the build pipeline, run `art-mirror-validate sync-list --stream-prefix \
         BRIDGE` on the same commit. To copy the files without deleting anything: `art-mirror-validate mirror \
         --request {REQUEST} --stream-prefix BRIDGE --dest ROOT`."
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::report::sample;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_complete_files_appear() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("not/there/yet");
        let report = sample::report();
        let written = write(&directory, &report);
        assert!(written.errors.is_empty(), "{:?}", written.errors);
        assert_eq!(names(&directory), [REQUEST, HTML, JSON, JUNIT]);
        assert!(written.json.is_some());
        let request = fs::read_to_string(written.request.unwrap()).unwrap();
        insta::assert_snapshot!(request);

        let written = write(&directory, &sample::pass());
        assert!(written.errors.is_empty(), "{:?}", written.errors);
        assert_eq!(names(&directory), [HTML, JSON, JUNIT], "the request of the earlier run is gone");
        let json = fs::read_to_string(directory.join(JSON)).unwrap();
        assert!(json.contains("\"verdict\": \"pass\"") && json.ends_with("}\n"));
    }

    #[cfg(unix)]
    #[test]
    fn the_reports_are_world_readable() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), &sample::pass());
        for name in [HTML, JSON, JUNIT] {
            let mode = fs::metadata(directory.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o444, 0o444, "{name}: {mode:o}");
        }
    }

    /// openshift/release, `core-services/prow/02_config/_config.yaml`: the lenses' `required_files`.
    #[test]
    fn the_lenses_of_openshifts_prow_match_the_names() {
        let shows = |lens: &str, name: &str| {
            regex::Regex::new(lens).unwrap().is_match(&format!("artifacts/art-mirror-validate/{name}"))
        };
        assert!(shows(r".*/junit.*\.xml", JUNIT));
        assert!(shows(r".*/custom-link-.*\.html|.*/test-risk-analysis.*\.html|.*-summary.*\.html", HTML));
    }

    #[test]
    fn a_report_that_cannot_be_written_does_not_stop_the_others() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(JSON)).unwrap();
        let written = write(directory.path(), &sample::pass());
        assert_eq!(names(directory.path()), [HTML, JSON, JUNIT], "no temporary file is left");
        assert_eq!(written.json, None);
        let page = fs::read_to_string(directory.path().join(HTML)).unwrap();
        assert!(!page.contains(JSON), "nothing refers to what is missing");
        let error = written.errors.first().unwrap();
        assert!(error.contains("could not write") && error.contains(JSON), "{error}");
    }

    #[test]
    fn a_directory_that_cannot_be_created_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let written = write(&file.join("below"), &sample::pass());
        assert_eq!(written.json, None);
        let error = written.errors.first().unwrap();
        assert!(error.contains("could not create the directory") && error.contains("below"), "{error}");
    }
}
