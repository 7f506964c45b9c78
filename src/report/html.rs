//! The report as an HTML page, for people who open a failed check and want the reason at once.
//!
//! The page is one file without scripts, links within the page or external resources. None would work in Spyglass,
//! which shows it in a sandboxed frame with another base URL. Untrusted text is escaped for that frame (`escape`); when
//! the page is opened directly, a content security policy is a second defence.

mod escape;
mod matrix;
mod view;

use std::io::{self, Write};

use askama::Template as _;

use crate::report::model::Report;
use crate::report::overview::Overview;
use crate::report::written::Written;

/// The most bytes of a page. Longer ones are slow to open in Spyglass, which puts them into an attribute.
const MAX_LENGTH: usize = 1_000_000;

/// Writes the page, which refers to the reports in `written`. What exceeds its limit of a megabyte is counted instead.
pub fn write(out: &mut impl Write, report: &Report, written: &Written) -> io::Result<()> {
    let overview = Overview::of(report);
    let mut halvings = 0;
    let page = loop {
        let page = view::HtmlPage::new(report, &overview, written, halvings);
        let page = page.render().map_err(io::Error::other)?;
        if page.len() <= MAX_LENGTH || halvings == view::MAX_HALVINGS {
            break page;
        }
        halvings += 1;
    };
    out.write_all(page.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::TargetKind;
    use crate::report::sample;

    fn page(report: &Report) -> String {
        let mut out = Vec::new();
        let written = Written { json: Some("art-mirror-validate.json".into()), ..Written::default() };
        write(&mut out, report, &written).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_page_has_the_verdict_every_group_and_the_request_before_the_tables() {
        let report = sample::report();
        let page = page(&report);
        assert!(
            page.contains("<title>✗ fail: 9.6.20251015-1 (coreos-rhel-9.json): 2 of 20 missing"),
            "{page}"
        );
        for artifact in report.artifacts.iter().filter(|artifact| artifact.reason.is_some()) {
            let id = format!("<code>{}</code>", artifact.bare_id());
            assert!(page.contains(&id), "{id}");
        }
        let order = [
            "<h2>What to do",
            "Please mirror these boot images; openshift/installer#4821 waits",
            "<h2>At a glance",
        ];
        let positions: Vec<usize> = order.iter().map(|text| page.find(text).unwrap()).collect();
        assert!(positions.is_sorted(), "{positions:?}");
        assert!(page.contains("href=\"https://github.com/openshift/installer/pull/4821\""));
    }

    #[test]
    fn changes_of_the_branch_are_listed_by_build_and_before_the_rest() {
        let mut report = sample::report();
        report.changes = Some(sample::changes(&report));
        let page = page(&report);
        assert!(
            page.contains("since main (1be3d1d1cbad): 1 added, 1 removed, 1 with a new digest"),
            "{page}"
        );
        let headings = ["Changed since main:", "Already so on main, not from this branch:"];
        let positions: Vec<usize> = headings.iter().map(|text| page.find(text).unwrap()).collect();
        assert!(positions.is_sorted(), "{positions:?}");
    }

    #[test]
    fn a_run_that_checks_nothing_shows_why_and_no_empty_tables() {
        let page = page(&sample::unusable("r.json:1:2: found <x>"));
        assert!(
            page.contains("nothing was checked, for 2 reasons") && page.contains("found &lt;<!---->x&gt;")
        );
        assert!(
            !page.contains("Checked at") && !page.contains("<table") && !page.contains("All artifacts"),
            "{page}"
        );
    }

    #[test]
    fn a_bridge_result_has_a_warning() {
        let mut report = sample::pass();
        report.target.kind = TargetKind::Bridge;
        report.target.prefix = Some("https://bridge.example".into());
        let page = page(&report);
        assert!(page.contains("BRIDGE, NOT THE MIRROR: https://bridge.example"), "{page}");
        assert!(page.contains("not a mirror pass"));
    }

    #[test]
    fn the_page_has_no_scripts_links_or_external_resources() {
        let text = "\"'><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>";
        let page = page(&sample::hostile(text));
        for forbidden in ["<script", "<img", "<link", "<iframe", "@import", "url(", "src=\"", "href="] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"));
    }

    /// Text that is only escaped by the template library would run in Spyglass's frame.
    #[test]
    fn the_template_escapes_all_untrusted_text() {
        let template = include_str!("../../templates/report.html");
        let written = template.split("{{").skip(1).map(|rest| rest.split_once("}}").unwrap().0.trim());
        let is_safe = |it: &&str| {
            it.starts_with("Text::new(")
                || it.starts_with("escape::plain(")
                || it.starts_with("words::symbol(")
        };
        let mut others: Vec<&str> = written.filter(|it| !is_safe(it)).collect();
        others.sort_unstable();
        others.dedup();
        insta::assert_snapshot!(others.join("\n"), @r"
        all - shown
        cell.affected
        cell.components
        cell.short_word()
        cell.verdict
        cell.word()
        class
        group.artifacts.len()
        group.reason
        group.verdict
        it.summary.artifacts
        it.summary.passed
        it.verdict
        it.word()
        label
        loop.index
        matrix.more_architectures
        matrix.more_rows
        more_documents
        more_groups
        report.summary.failed
        report.summary.inconclusive
        report.summary.passed
        report.summary.warnings
        report.verdict
        request.0
        request.1
        retest
        see_json
        see_request
        state
        symbol
        url
        warning.artifacts - 1
        what
        words::verdict(report)
        ");
    }

    #[test]
    fn the_page_stays_bounded_whatever_the_document() {
        let long = page(&sample::large(10_000));
        assert!((500_000..MAX_LENGTH).contains(&long.len()), "{}", long.len());
        assert!(long.contains(" more, see art-mirror-validate.json"), "what is left out is counted");
        for text in ["x", "<", "&", "\u{e0041}", "\u{1b}"] {
            let text = text.repeat(2_500);
            let mut report = sample::hostile(&text);
            report.artifacts = vec![report.artifacts.remove(0); 400];
            report.notes = vec![text.clone(); 100];
            report.problems = vec![text.clone(); 100];
            report.interrupted_by = Some(text.clone());
            report.documents = vec![report.documents.remove(0); 100];
            report.skipped = vec![report.skipped.remove(0); 100];
            let page = page(&report);
            assert!(page.len() < MAX_LENGTH && page.ends_with("</html>"), "{}", page.len());
        }
    }

    #[test]
    fn the_page_is_valid() {
        let mut failing = sample::report();
        failing.changes = Some(sample::changes(&failing));
        let mut bridge = sample::pass();
        bridge.target.kind = TargetKind::Bridge;
        let pages =
            [page(&failing), page(&bridge), page(&sample::unusable("x")), page(&sample::hostile("<&\"'>"))];
        for page in &pages {
            assert_is_valid(page);
        }
    }

    /// Checks the rules of an HTML validator that the template could break: elements are closed in order, IDs are
    /// unique, references to them resolve, and only elements with a role have labels.
    fn assert_is_valid(page: &str) {
        const LABELLED: [&str; 2] = ["role=\"region\"", "role=\"group\""];
        let (_, body) = page.split_once("<!DOCTYPE html>").unwrap();
        let mut open: Vec<&str> = Vec::new();
        let mut ids: Vec<&str> = Vec::new();
        let mut labels: Vec<&str> = Vec::new();
        for tag in body.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').unwrap();
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "{tag}");
                continue;
            }
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            assert!(attributes.matches('"').count() % 2 == 0, "{tag}");
            if !["meta", "br", "!----"].contains(&name) {
                open.push(name);
            }
            let value = |attribute: &str| {
                attributes.split_once(&format!("{attribute}=\""))?.1.split_once('"').map(|(value, _)| value)
            };
            ids.extend(value(" id").or(value("id")));
            if let Some(label) = value("aria-labelledby") {
                labels.push(label);
            }
            if attributes.contains("aria-label") || attributes.contains("tabindex") {
                assert!(LABELLED.iter().any(|role| attributes.contains(role)), "{tag}");
            }
        }
        assert_eq!(open, Vec::<&str>::new());
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "IDs are unique");
        assert!(labels.iter().all(|label| ids.contains(label)), "{labels:?} of {ids:?}");
    }
}
