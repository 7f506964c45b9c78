//! The `JUnit` report for Spyglass's lens, and for the histories of Testgrid and Sippy.
//!
//! There is one suite per document and one test case per artifact. Case names omit the build, so that they are the same
//! in all builds. Everything that did not pass is a `<failure>`, because the lens does not show an `<error>`. Its type
//! is the reason if the artifact failed, and `undetermined` otherwise.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::Duration;

use crate::report::cloud::{CloudReport, CloudVerdict};
use crate::report::model::{ArtifactReport, Report};
use crate::report::overview::Overview;
use crate::report::{advice, words};
use crate::text::Printable;
use crate::text::junit::{self, Suite, TestCase, TestStatus};
use crate::verdict::{Strictness, Verdict};

/// The suite of skipped files.
const SKIPPED: &str = "files that are not stream documents";

/// The suite of a run that could not check anything.
const RUN: &str = "the run itself";

/// The type of a failure that is not known to be the artifact's.
const UNDETERMINED: &str = "undetermined";

pub fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let time = Duration::from_millis(report.elapsed_ms);
    junit::write(out, "art-mirror-validate", Some(time), &suites(report))?;
    out.flush()
}

fn suites(report: &Report) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    let documents = report.documents.iter().map(|document| &*document.name);
    for name in documents.chain(report.artifacts.iter().map(|artifact| &*artifact.document)) {
        index.entry(name).or_insert_with(|| {
            suites.push(suite(name, report));
            suites.len() - 1
        });
    }
    for artifact in &report.artifacts {
        if let Some(suite) = index.get(&*artifact.document).and_then(|at| suites.get_mut(*at)) {
            suite.cases.push(case(artifact, report));
        }
    }
    for reference in &report.cloud_images {
        if let Some(suite) = index.get(&*reference.document).and_then(|at| suites.get_mut(*at)) {
            suite.cases.push(cloud_case(reference, report));
        }
    }
    if report.artifacts.is_empty() && (!report.problems.is_empty() || report.interrupted_by.is_some()) {
        let mut run = suite(RUN, report);
        let name = "documents are readable and usable".to_owned();
        run.cases.push(TestCase { name, status: nothing_checked(report), ..TestCase::default() });
        suites.push(run);
    }
    if !report.skipped.is_empty() {
        let cases = report.skipped.iter().map(|file| {
            let (name, status) = (printable(&file.name), TestStatus::Skipped(printable(&file.why)));
            TestCase { name, status, ..TestCase::default() }
        });
        suites.push(Suite { name: SKIPPED.to_owned(), cases: cases.collect(), ..Suite::default() });
    }
    suites
}

fn suite(name: &str, report: &Report) -> Suite {
    Suite {
        name: printable(name),
        properties: vec![("target", words::target(&report.target)), ("version", printable(&report.version))],
        cases: Vec::new(),
        out: words::caveat(&report.target, Some(report.verdict)).unwrap_or_default(),
    }
}

fn case(artifact: &ArtifactReport, report: &Report) -> TestCase {
    let reason = artifact.reason.map_or("", |reason| reason.as_str());
    let properties = [
        ("arch", &*artifact.arch),
        ("platform", &*artifact.platform),
        ("release", &*artifact.release),
        ("url", artifact.url_or_location()),
        ("reason", reason),
    ];
    let warnings = artifact.warnings.iter().map(|warning| ("warning", &**warning));
    let properties = properties.into_iter().filter(|(_, value)| !value.is_empty()).chain(warnings);
    let mut out = String::new();
    for warning in &artifact.warnings {
        let _ = writeln!(out, "warning: {}", Printable(warning));
    }
    TestCase {
        name: printable(&artifact.bare_id()),
        class: printable(&artifact.document),
        properties: properties.map(|(name, value)| (name, printable(value))).collect(),
        status: status(artifact, report),
        out,
    }
}

/// The case of a cloud reference. One that is not verifiable is skipped, and so are failures if they do not count.
fn cloud_case(reference: &CloudReport, report: &Report) -> TestCase {
    let counts = report.cloud_summary.is_some_and(|summary| summary.mode == Strictness::Require);
    let message = format!("{}: {}", reference.word(), Printable(&reference.message));
    let status = match reference.problem() {
        Some(verdict) if counts => {
            let advice = reference.advice.as_deref().unwrap_or_default();
            let kind = if verdict == Verdict::Fail { reference.word() } else { UNDETERMINED };
            let text = format!("{message}\nto do: {advice}\n");
            TestStatus::Failed { kind: kind.to_owned(), message, text }
        }
        None if reference.verdict == CloudVerdict::Pass => TestStatus::Passed,
        _ => TestStatus::Skipped(message),
    };
    let warnings = reference.warnings.iter().map(|warning| ("warning", printable(warning)));
    TestCase {
        name: printable(&reference.id),
        class: printable(&reference.document),
        properties: warnings.collect(),
        status,
        ..TestCase::default()
    }
}

fn status(artifact: &ArtifactReport, report: &Report) -> TestStatus {
    let reason = words::reason_word(artifact.reason, artifact.verdict);
    let kind = match artifact.verdict {
        Verdict::Pass => return TestStatus::Passed,
        Verdict::Fail => reason,
        Verdict::Inconclusive => UNDETERMINED,
    };
    // The first and last lines are the most visible: what is wrong, and the next step.
    let message = format!("{reason}: {}", Printable(&artifact.full_message()));
    let mut text = format!("{message}\nurl: {}\n", Printable(artifact.url_or_location()));
    if let Some(caveat) = words::caveat(&report.target, Some(artifact.verdict)) {
        let _ = writeln!(text, "{caveat}");
    }
    if let Some(to_do) = &artifact.advice {
        let _ = writeln!(text, "to do: {}", Printable(to_do));
    }
    TestStatus::Failed { kind: kind.to_owned(), message, text }
}

/// The failure of a run that checked nothing.
fn nothing_checked(report: &Report) -> TestStatus {
    let message = printable(&Overview::of(report).headline);
    let mut text = format!("{message}\n");
    for problem in &report.problems {
        let _ = writeln!(text, "{}", Printable(problem));
    }
    let _ = writeln!(text, "to do: {}", advice::of_run(report));
    TestStatus::Failed { kind: UNDETERMINED.to_owned(), message, text }
}

fn printable(text: &str) -> String {
    Printable(text).to_string()
}

#[cfg(test)]
mod tests {
    use junit_parser::{TestFailure, TestStatus, TestSuites};
    use proptest::prelude::*;

    use super::*;
    use crate::report::sample;

    fn xml(report: &Report) -> String {
        let mut out = Vec::new();
        write(&mut out, report).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn read_back(report: &Report) -> TestSuites {
        let xml = xml(report);
        roxmltree::Document::parse(&xml).unwrap();
        junit_parser::from_reader(xml.as_bytes()).unwrap()
    }

    #[test]
    fn a_document_is_a_suite_and_an_artifact_a_case() {
        let report = sample::report();
        let suites = read_back(&report).suites;
        let names: Vec<&str> = suites.iter().map(|suite| suite.name.as_str()).collect();
        assert_eq!(
            names,
            ["data/data/coreos/coreos-rhel-9.json", "data/data/coreos/coreos-rhel-10.json", SKIPPED]
        );
        let mut cases = suites.iter().flat_map(|suite| &suite.cases);
        for artifact in &report.artifacts {
            let case = cases.next().unwrap();
            assert_eq!(case.original_name, artifact.bare_id());
            assert_eq!(case.classname.as_deref(), Some(&*artifact.document));
            match (&case.status, artifact.verdict) {
                (TestStatus::Success, Verdict::Pass) => {}
                (TestStatus::Failure(failure), Verdict::Fail) => {
                    assert_eq!(failure.failure_type, artifact.reason.unwrap().as_str());
                    assert_reads_as_a_failure(failure, artifact.reason.unwrap().as_str());
                }
                (TestStatus::Failure(failure), Verdict::Inconclusive) => {
                    assert_eq!(failure.failure_type, "undetermined");
                    assert_reads_as_a_failure(failure, artifact.reason.unwrap().as_str());
                }
                (status, verdict) => panic!("{} is {verdict} and shown as {status:?}", artifact.id),
            }
        }
        assert!(matches!(cases.next().unwrap().status, TestStatus::Skipped(_)));
        assert!(cases.next().is_none());
    }

    /// Checks that the text, which Spyglass shows, begins with the reason and ends with the advice.
    fn assert_reads_as_a_failure(failure: &TestFailure, reason: &str) {
        let start = format!("{reason}: ");
        assert!(failure.message.starts_with(&start) && failure.text.starts_with(&start), "{failure:?}");
        let (_, end) = failure.text.rsplit_once("\nto do: ").unwrap();
        assert!(!end.trim().is_empty() && !end.contains("\nurl: "), "{failure:?}");
    }

    #[test]
    fn a_case_has_properties_a_failure_and_warnings() {
        let xml = xml(&sample::report());
        let document = roxmltree::Document::parse(&xml).unwrap();
        let case = document
            .descendants()
            .find(|node| node.attribute("name") == Some("aarch64/metal/pxe/rootfs"))
            .unwrap();
        let properties: Vec<_> = case
            .descendants()
            .filter(|node| node.has_tag_name("property"))
            .map(|node| format!("{}={}", node.attribute("name").unwrap(), node.attribute("value").unwrap()))
            .collect();
        insta::assert_snapshot!(properties.join("\n"), @r"
        arch=aarch64
        platform=metal
        release=9.6.20251015-1
        url=https://rhcos.mirror.openshift.com/art/storage/prod/streams/rhel-9.6/builds/9.6.20251015-1/aarch64/rhcos-9.6.20251015-1-metal-rootfs.aarch64.pxe
        reason=missing
        ");
        let failure = case.children().find(|node| node.has_tag_name("failure")).unwrap();
        insta::assert_snapshot!(failure.text().unwrap(), @r"
        missing: the server answered 404
        url: https://rhcos.mirror.openshift.com/art/storage/prod/streams/rhel-9.6/builds/9.6.20251015-1/aarch64/rhcos-9.6.20251015-1-metal-rootfs.aarch64.pxe
        to do: Ask the owners of the RHEL CoreOS build pipeline whether the upload is still to come or the build was pruned, then comment /retest.
        ");
        let warned = document.descendants().find(|node| node.has_tag_name("system-out")).unwrap();
        assert_eq!(warned.text(), Some("warning: the signature is missing: the server answered 404\n"));
    }

    #[test]
    fn a_run_that_checks_nothing_is_a_failure_with_the_problems() {
        let suites = read_back(&sample::unusable("r.json:1:2: found x")).suites;
        let [suite] = suites.as_slice() else { panic!("{suites:?}") };
        let TestStatus::Failure(failure) = &suite.cases[0].status else { panic!("{suite:?}") };
        assert_eq!(failure.failure_type, "undetermined");
        assert_eq!(failure.message, "nothing was checked, for 2 reasons");
        insta::assert_snapshot!(failure.text, @r"
        nothing was checked, for 2 reasons
        r.json:1:2: found x
        a second problem
        to do: Correct the problems above, then check again.
        ");
    }

    #[test]
    fn an_empty_document_is_an_empty_suite() {
        let suites = read_back(&sample::empty()).suites;
        assert_eq!((suites.len(), suites[0].cases.len()), (3, 0));
    }

    /// Texts that have broken XML writers before.
    const HOSTILE: [&str; 9] = [
        "]]>",
        "<![CDATA[ x ]]> <script>alert(1)</script>",
        "\"' onload=\"x\" <!-- --> <?xml?> &amp; &#0; &#xD800; &xxe;",
        "\u{0}\u{1}\u{8}\u{b}\u{c}\u{1f}\u{7f}\u{85}\u{9f}",
        "\u{fffe}\u{ffff}",
        "\\ud800\\udfff",
        "\u{1b}[31mred\u{1b}[0m \u{1b}]8;;https://evil.example\u{7}",
        "line\nline\r\nline\tindent",
        "\u{feff}\u{202e}\u{2028}\u{10ffff}\u{1fffe}",
    ];

    #[test]
    fn known_hostile_text_does_not_break_the_xml() {
        for text in HOSTILE {
            let suites = read_back(&sample::hostile(text)).suites;
            assert_eq!(suites[0].cases.len(), 4, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_xml_or_is_lost(text in "\\PC*|(?s).*") {
            let suites = read_back(&sample::hostile(&text)).suites;
            prop_assert_eq!(suites[0].cases.len(), 4);
            prop_assert_eq!(&suites[0].name, &printable(&text));
        }
    }
}
