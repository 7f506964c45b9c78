//! The reports that a run leaves in a directory, `$ARTIFACTS` in Prow.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::atomic;
use crate::report::model::Report;
use crate::report::written::Written;
use crate::report::{html, json, junit};
use crate::text::markdown::fence;

/// The name that Spyglass's `JUnit` lens looks for.
pub const JUNIT: &str = "junit_art-mirror-validate.xml";
/// The JSON report's name.
pub const JSON: &str = "art-mirror-validate.json";
/// The HTML report's name. OpenShift's Prow shows pages whose names have `-summary` in them, and a few others.
pub const HTML: &str = "art-mirror-validate-summary.html";

/// The name of the request to ART, which is there while ART has something to do.
pub const REQUEST: &str = "art-mirror-validate-request.md";

/// Takes away an earlier run's reports, that nobody may take for those of a run that ends without any. What cannot be
/// taken away cannot be replaced either, and that is said when this run's are written.
pub fn remove_earlier(directory: &Path) {
    for name in [JSON, JUNIT, HTML, REQUEST] {
        let _ = std::fs::remove_file(directory.join(name));
    }
}

/// Writes the three reports into a directory, which is made if it is missing, and the request to ART if files
/// are missing or wrong. An earlier run's request goes away where there is nothing to ask.
///
/// Each appears under its name whole or not at all, readable by everybody (the uploader runs as another user),
/// and the failure of one does not keep the others from being written.
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
    // The HTML comes last: it is the longest, and an aborted job has little time. It also refers to the others.
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

/// The request as Markdown to paste into a ticket: text in a fence, so that nothing in it is markup.
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
    fn whole_files_and_nothing_else_appear() {
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
    fn the_uploader_may_read_them() {
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
    fn the_prow_of_openshift_shows_them() {
        let shows = |lens: &str, name: &str| {
            regex::Regex::new(lens).unwrap().is_match(&format!("artifacts/art-mirror-validate/{name}"))
        };
        assert!(shows(r".*/junit.*\.xml", JUNIT));
        assert!(shows(r".*/custom-link-.*\.html|.*/test-risk-analysis.*\.html|.*-summary.*\.html", HTML));
    }

    #[test]
    fn one_that_cannot_be_written_does_not_stop_the_others() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(JSON)).unwrap();
        let written = write(directory.path(), &sample::pass());
        assert_eq!(names(directory.path()), [HTML, JSON, JUNIT], "no part is left behind");
        assert_eq!(written.json, None);
        let page = fs::read_to_string(directory.path().join(HTML)).unwrap();
        assert!(!page.contains(JSON), "nothing refers to what is missing");
        let error = written.errors.first().unwrap();
        assert!(error.contains("could not write") && error.contains(JSON), "{error}");
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        let written = write(&file.join("below"), &sample::pass());
        assert_eq!(written.json, None);
        let error = written.errors.first().unwrap();
        assert!(error.contains("could not create the directory") && error.contains("below"), "{error}");
    }
}
