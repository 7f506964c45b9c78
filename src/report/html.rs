//! The report as a page: for a person who clicks a red check and has ten seconds.
//!
//! One file, without scripts, links within the page or anything from elsewhere. Spyglass shows it in a
//! sandboxed frame whose base address is not the page's, where neither would work. Everything is escaped by
//! the template engine, and a content security policy stands behind that.

mod matrix;
mod view;

use std::io::{self, BufWriter, Write};

use askama::Template as _;

use crate::report::RunContext;
use crate::report::model::Report;

/// Writes the page. Its length is bounded: what is left out is counted and said to be in the JSON report.
pub fn write(out: &mut impl Write, report: &Report, context: &RunContext) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    view::Page::new(report, context).write_into(&mut out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::TargetKind;
    use crate::report::sample;

    fn page(report: &Report, context: &RunContext) -> String {
        let mut out = Vec::new();
        write(&mut out, report, context).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_page_has_the_verdict_every_failure_and_the_request() {
        let report = sample::report();
        let page = page(&report, &sample::context());
        assert!(page.contains("<title>✗ fail: 6 of 23 artifacts"), "{page}");
        for artifact in report.artifacts.iter().filter(|artifact| artifact.reason.is_some()) {
            let heading = format!("<h4><code>{}</code> ", artifact.id);
            assert!(page.contains(&heading), "{heading}");
        }
        assert!(page.contains("Please mirror these boot images; openshift/installer#4821 waits"));
        assert!(page.contains("href=\"https://github.com/openshift/installer/pull/4821\""));
    }

    #[test]
    fn what_the_pull_request_changes_is_listed_and_marked() {
        let mut report = sample::report();
        report.changes = Some(sample::changes(&report));
        let page = page(&report, &sample::context());
        assert!(page.contains("since main (1be3d1d1cbad): 1 added, 1 removed, 1 with a new digest"));
        let failed = "<code>data/data/coreos/coreos-rhel-9.json:x86_64/metal/pxe/rootfs</code> \
                      <small>build 9.6.20251015-1</small> <small class=\"mark\">new digest</small>";
        assert!(page.contains(failed), "{page}");
        assert!(
            page.contains(
                "<code>x86_64/metal/iso/disk</code> <small>! 1</small> <small class=\"mark\">added"
            )
        );
    }

    #[test]
    fn a_run_that_checks_nothing_says_why_and_shows_no_empty_tables() {
        let page = page(&sample::unusable("r.json:1:2: found <x>"), &RunContext::default());
        assert!(page.contains("nothing was checked, for 2 reasons") && page.contains("found &#60;x&#62;"));
        assert!(
            !page.contains("Checked at") && !page.contains("<table") && !page.contains("All artifacts"),
            "{page}"
        );
    }

    #[test]
    fn a_bridge_is_said_loudly() {
        let mut report = sample::pass();
        report.target.kind = TargetKind::Bridge;
        report.target.prefix = Some("https://bridge.example".into());
        let page = page(&report, &sample::context());
        assert!(page.contains("BRIDGE, NOT THE MIRROR: https://bridge.example"), "{page}");
        assert!(page.contains("no mirror pass"));
    }

    #[test]
    fn nothing_in_the_page_could_run_or_ask_for_anything() {
        let text = "\"'><script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>";
        let page = page(&sample::hostile(text), &sample::hostile_context(text));
        for forbidden in ["<script", "<img", "<link", "<iframe", "@import", "url(", "src=\"", "href="] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"));
    }

    #[test]
    fn the_page_stays_bounded_however_long_the_report() {
        let short = page(&sample::large(10_000), &sample::context()).len();
        let long = page(&sample::large(20_000), &sample::context());
        assert!(long.len() < short + 10_000, "{} after {short}", long.len());
        assert!(long.len() < 6_000_000, "{}", long.len());
        assert!(long.contains("19000 more"), "what is left out of the details is counted");
        assert!(long.contains("15000 more"), "what is left out of the list is counted");
        let text = "x".repeat(1_000_000);
        assert!(page(&sample::hostile(&text), &sample::hostile_context(&text)).len() < 200_000);
    }
}
