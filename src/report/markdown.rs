//! The report as a comment on a pull request.
//!
//! Text from outside is either code or escaped prose (`escape`): it can't open a table cell, a tag or a
//! link, and it mentions nobody.

pub(crate) mod escape;

use std::io::{self, Write};

use crate::report::group::Group;
use crate::report::model::{ArtifactReport, Report};
use crate::report::{RunContext, advice, facts, group, words};
use crate::text::{Printable, count};
use crate::verdict::Verdict;

use escape::{code, fence, prose};

/// GitHub takes comments of up to 65,536 characters; the rest is for whoever quotes this one. Counted in bytes, which
/// are never fewer.
const LONGEST: usize = 60_000;
/// By where the table of failures ends, so that the request still has room.
const FAILURES_END: usize = 33_000;
/// By where the request to ART ends.
const REQUEST_END: usize = 50_000;
/// By where the list of changes ends.
const CHANGES_END: usize = 52_000;
/// By where the list of what passed ends; what follows is short.
const PASSED_END: usize = 54_000;

/// Writes the comment: the verdict, the counts, what did not pass, and the rest folded away. Whatever the
/// report's length, the comment is one that GitHub takes.
pub fn write(out: &mut impl Write, report: &Report, context: &RunContext) -> io::Result<()> {
    out.write_all(render(report, context).as_bytes())?;
    out.flush()
}

fn render(report: &Report, context: &RunContext) -> String {
    let mut page = Page(String::new());
    head(&mut page, report);
    failures(&mut page, report);
    request(&mut page, context);
    changes(&mut page, report);
    passed(&mut page, report);
    remarks(&mut page, report, context);
    page.0
}

/// A text that grows only as far as it may.
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        let _ = self.line_until(LONGEST, line);
    }

    /// Adds a line if the text then still ends before `end`.
    #[must_use]
    fn line_until(&mut self, end: usize, line: &str) -> bool {
        let fits = self.0.len() + line.len() < end;
        if fits {
            self.0.push_str(line);
            self.0.push('\n');
        }
        fits
    }
}

fn head(page: &mut Page, report: &Report) {
    let verdict = report.verdict;
    page.line(&format!("### {} art-mirror-validate: {}", words::symbol(verdict), words::word(verdict)));
    page.line("");
    page.line(&format!("{}.", prose(&capitalised(&words::headline(report)), 600)));
    page.line("");
    if let Some(caveat) = words::caveat(&report.target, Some(verdict)) {
        page.line("> [!WARNING]");
        page.line(&format!("> **{}**", prose(&words::target(&report.target), 400)));
        page.line(&format!("> {}.", prose(&capitalised(&caveat), 400)));
        page.line("");
    }
    page.line("| artifacts | ✓ passed | ✗ failed | ? undetermined | ! warnings |");
    page.line("| ---: | ---: | ---: | ---: | ---: |");
    let summary = report.summary;
    page.line(&format!(
        "| {} | {} | {} | {} | {} |",
        summary.artifacts, summary.passed, summary.failed, summary.inconclusive, summary.warnings
    ));
    page.line("");
}

fn failures(page: &mut Page, report: &Report) {
    let groups = group::by_reason(report);
    if groups.is_empty() {
        return;
    }
    page.line("#### What to do");
    page.line("");
    for group in &groups {
        page.line(&to_do(group));
    }
    page.line("");
    page.line("#### What did not pass");
    page.line("");
    page.line("| | artifact | why | expected | found |");
    page.line("| --- | --- | --- | --- | --- |");
    let all: usize = groups.iter().map(|group| group.artifacts.len()).sum();
    let rows = groups.iter().flat_map(|group| &group.artifacts);
    let shown =
        rows.map(|artifact| row(artifact)).take_while(|row| page.line_until(FAILURES_END, row)).count();
    page.line("");
    if shown < all {
        page.line(&format!("and {} more, listed in the JSON report.", all - shown));
        page.line("");
    }
}

fn to_do(group: &Group<'_>) -> String {
    format!(
        "- {} **{}**, {}: {}. **{}**",
        words::symbol(group.verdict),
        words::reason_word(group.reason, group.verdict),
        count(group.artifacts.len(), "artifact"),
        advice::title(group.reason),
        prose(&group.to_do(), 400),
    )
}

fn row(artifact: &ArtifactReport) -> String {
    let facts = facts::of(artifact);
    let column = |text: fn(&facts::Fact) -> &str| {
        let cells: Vec<String> =
            facts.iter().map(|fact| format!("{} {}", fact.what, code(text(fact), 300))).collect();
        cells.join("<br>")
    };
    let place = artifact.url_or_location();
    format!(
        "| {} | {}<br>{} | **{}**: {} | {} | {} |",
        words::symbol(artifact.verdict),
        code(&artifact.id, 300),
        code(place, 500),
        words::reason_word(artifact.reason, artifact.verdict),
        prose(&artifact.message, 400),
        column(|fact| &fact.expected),
        column(|fact| &fact.found),
    )
}

fn request(page: &mut Page, context: &RunContext) {
    let Some(request) = &context.request else { return };
    let fence = fence(request);
    page.line("<details><summary>The request to ART</summary>");
    page.line("");
    page.line(&format!("{fence}text"));
    let mut lines = request.lines();
    let fits = lines.all(|line| page.line_until(REQUEST_END, line));
    page.line(&fence);
    if !fits {
        page.line("");
        page.line(&format!("and {} more lines, in art-mirror-validate-request.md.", lines.count() + 1));
    }
    page.line("");
    page.line("</details>");
    page.line("");
}

fn changes(page: &mut Page, report: &Report) {
    let Some(changes) = &report.changes else { return };
    page.line(&format!("<details><summary>Changed {}</summary>", prose(&changes.headline(), 300)));
    page.line("");
    let lines = changes.artifacts.iter().map(|change| {
        let builds = prose(&change.builds(), 200);
        format!("- {}: {}, {builds}", change.change.word(), code(&change.id, 300))
    });
    let shown = lines.take_while(|line| page.line_until(CHANGES_END, line)).count();
    if shown < changes.artifacts.len() {
        page.line(&format!("- and {} more, listed in the JSON report.", changes.artifacts.len() - shown));
    }
    page.line("");
    page.line("</details>");
    page.line("");
}

fn passed(page: &mut Page, report: &Report) {
    if report.summary.passed == 0 {
        return;
    }
    page.line(&format!("<details><summary>{} passed</summary>", count(report.summary.passed, "artifact")));
    page.line("");
    let passed = report.artifacts.iter().filter(|artifact| artifact.verdict == Verdict::Pass);
    let shown = passed
        .map(|artifact| {
            let mut line = format!("- {}, build {}", code(&artifact.id, 300), code(&artifact.release, 100));
            for warning in &artifact.warnings {
                line.push_str("; warning: ");
                line.push_str(&prose(warning, 300));
            }
            line
        })
        .take_while(|line| page.line_until(PASSED_END, line))
        .count();
    if shown < report.summary.passed {
        page.line(&format!("- and {} more, listed in the JSON report.", report.summary.passed - shown));
    }
    page.line("");
    page.line("</details>");
    page.line("");
}

fn remarks(page: &mut Page, report: &Report, context: &RunContext) {
    for note in report.notes.iter().take(5) {
        page.line(&format!("- {}", prose(note, 100)));
    }
    if !report.notes.is_empty() {
        page.line("");
    }
    if let Some(retest) = context.retest()
        && report.verdict != Verdict::Pass
    {
        page.line(&format!("To check again: {}", code(retest, 100)));
        page.line("");
    }
    let sha = context.prow.pull_pull_sha.as_deref().map(|sha| format!(" at {}", code(sha, 64)));
    page.line(&format!(
        "<sub>art-mirror-validate {}{}, {}</sub>",
        prose(&context.tool_version, 40),
        sha.unwrap_or_default(),
        words::elapsed(report.elapsed_ms)
    ));
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}", Printable(characters.as_str()))
}

#[cfg(test)]
mod tests {
    use comrak::nodes::NodeValue;
    use comrak::{Arena, Options, parse_document};
    use proptest::prelude::*;

    use super::*;
    use crate::report::model::TargetKind;
    use crate::report::sample;

    #[test]
    fn a_failing_run() {
        insta::assert_snapshot!(render(&sample::report(), &sample::context_of(&sample::report())));
    }

    #[test]
    fn a_pass_on_a_bridge_is_marked_as_one() {
        let mut report = sample::pass();
        report.target.kind = TargetKind::Bridge;
        report.target.prefix = Some("https://bridge.example".into());
        insta::assert_snapshot!(render(&report, &sample::context_of(&report)));
    }

    #[test]
    fn what_the_pull_request_changes_is_folded_away() {
        let mut report = sample::pass();
        report.changes = Some(sample::changes(&sample::report()));
        let text = render(&report, &sample::context_of(&report));
        let start = text.find("<details><summary>Changed").unwrap();
        insta::assert_snapshot!(&text[start..text.find("<details><summary>1 artifact").unwrap()], @r"
        <details><summary>Changed since main (1be3d1d1cbad): 1 added, 1 removed, 1 with a new digest, 1 at a new location</summary>

        - added: `data/data/coreos/coreos-rhel-9.json:x86_64/metal/iso/disk`, build 9.6.20251015-1
        - new digest: `data/data/coreos/coreos-rhel-9.json:x86_64/metal/pxe/rootfs`, build 9.6.20250101-0 → 9.6.20251015-1
        - new location: `data/data/coreos/coreos-rhel-9.json:x86_64/qemu/qcow2.gz/disk`, build 9.6.20250101-0 → 9.6.20251015-1
        - removed: `data/data/coreos/coreos-rhel-9.json:x86_64/exoscale/qcow2/disk`, build 9.6.20250101-0

        </details>
        ");
    }

    #[test]
    fn a_comment_is_never_longer_than_github_takes() {
        let mut many_passes = sample::pass();
        many_passes.artifacts = vec![many_passes.artifacts[0].clone(); 10_000];
        many_passes.summary.passed = 10_000;
        let long = "`|@\\".repeat(30_000);
        let mut all_changed = sample::large(10_000);
        let mut changes = sample::changes(&sample::report());
        changes.artifacts = vec![changes.artifacts[0].clone(); 10_000];
        all_changed.changes = Some(changes);
        for (report, context) in [
            (all_changed.clone(), sample::context_of(&all_changed)),
            (sample::large(10_000), sample::context_of(&sample::large(10_000))),
            (many_passes.clone(), sample::context_of(&many_passes)),
            (sample::hostile(&long), sample::hostile_context(&long)),
        ] {
            let text = render(&report, &context);
            assert!(text.len() <= LONGEST, "{}", text.len());
            assert!(text.ends_with("</sub>\n"), "the end is there");
        }
        let text = render(&sample::large(10_000), &sample::context_of(&sample::large(10_000)));
        assert!(text.contains(" more, listed in the JSON report."));
        assert!(text.contains(" more lines, in art-mirror-validate-request.md."));
    }

    /// Reads a comment as GitHub does and says what in it was not put there by us.
    fn intruders(comment: &str) -> Vec<String> {
        let mut options = Options::default();
        options.extension.table = true;
        options.extension.autolink = true;
        options.extension.strikethrough = true;
        options.extension.tasklist = true;
        options.extension.footnotes = true;
        let arena = Arena::new();
        let root = parse_document(&arena, comment, &options);
        let mut intruders = Vec::new();
        for node in root.descendants() {
            let value = &node.data.borrow().value;
            match value {
                NodeValue::HtmlInline(html)
                    if !matches!(html.as_str(), "<br>" | "<code>" | "</code>" | "<sub>" | "</sub>") =>
                {
                    intruders.push(html.clone());
                }
                NodeValue::HtmlBlock(block) => {
                    let ours = ["<details><summary>", "</details>", "<sub>"];
                    if !ours.iter().any(|start| block.literal.starts_with(start))
                        || block.literal.trim_end().contains('\n')
                    {
                        intruders.push(block.literal.clone());
                    }
                }
                NodeValue::Link(_)
                | NodeValue::Image(_)
                | NodeValue::Emph
                | NodeValue::Strikethrough
                | NodeValue::FootnoteReference(_) => intruders.push(format!("{value:?}")),
                NodeValue::Text(text) if mentions(text) => intruders.push(text.to_string()),
                _ => {}
            }
        }
        let rows: Vec<usize> = root
            .descendants()
            .filter(|node| matches!(node.data.borrow().value, NodeValue::TableRow(_)))
            .map(|row| row.children().count())
            .collect();
        // Two rows of counts; a head and three artifacts that did not pass.
        if rows != [5; 6] {
            intruders.push(format!("rows of {rows:?} cells"));
        }
        intruders
    }

    fn mentions(text: &str) -> bool {
        text.split(['@', '#']).skip(1).any(|rest| rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    }

    #[test]
    fn markup_stays_text() {
        for text in [
            "@openshift/team-art and #123",
            "<script>alert(1)</script><img src=x onerror=y>",
            "a | b \\| c \\\\| d",
            "`code` ``more`` \\`",
            "[link](https://evil.example) ![image](https://evil.example/x.png) <https://evil.example>",
            "https://evil.example www.evil.example http://x",
            "**bold** _emphasis_ ~~gone~~ [^1]",
            "</details></summary>",
            "```\nfence\n~~~",
            "&lt;b&gt; &#64;user &commat;user",
        ] {
            let comment = render(&sample::hostile(text), &sample::hostile_context(text));
            assert_eq!(intruders(&comment), Vec::<String>::new(), "{text:?}\n{comment}");
        }
    }

    proptest! {
        #[test]
        fn no_text_becomes_markup(text in "[-`|@\\\\<>&#*_~\\[\\]()!:/.wa1 ]{0,24}|\\PC{0,12}") {
            let comment = render(&sample::hostile(&text), &sample::hostile_context(&text));
            prop_assert_eq!(intruders(&comment), Vec::<String>::new(), "{}", comment);
        }
    }
}
