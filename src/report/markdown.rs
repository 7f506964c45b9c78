//! The report as a comment on a pull request.
//!
//! Untrusted text is either code or escaped prose (`text::markdown`): it cannot begin a table cell, a tag or a link, or
//! mention a user.

use std::io::{self, Write};

use crate::report::model::Report;
use crate::report::overview::{Block, Group, Overview};
use crate::report::written::Written;
use crate::report::{refs, words};
use crate::text::count;
use crate::text::markdown::{code, fence, prose};
use crate::verdict::Verdict;

/// The limit of a comment in bytes. GitHub's is 65,536 characters; the difference leaves room for quoting it.
const MAX_LENGTH: usize = 60_000;
/// The limit up to the end of the request to ART.
const REQUEST_END: usize = 35_000;
/// The limit up to the end of the list of failures. The rest is short.
const FAILURES_END: usize = 50_000;
/// The limit of groups that are not folded.
const MAX_GROUPS: usize = 6;
/// The limit of warnings, changed builds and other folded lines, of each kind.
const MAX_FOLDED: usize = 20;
const MAX_NOTES: usize = 5;

/// Writes the comment, which is never longer than GitHub's limit.
pub fn write(out: &mut impl Write, report: &Report, written: &Written) -> io::Result<()> {
    out.write_all(render(report, written).as_bytes())?;
    out.flush()
}

fn render(report: &Report, written: &Written) -> String {
    let overview = Overview::of(report);
    let mut page = BoundedText(String::new());
    head(&mut page, report, &overview);
    refs(&mut page, report);
    groups(&mut page, &overview);
    request(&mut page, report);
    failures(&mut page, &overview, written);
    cloud(&mut page, report);
    warnings(&mut page, report, &overview);
    if let Some(changes) = &report.changes {
        let lines = changes.by_build().into_iter().map(|line| prose(&line, 400));
        page.folded(&format!("Changed {}", prose(&changes.headline(), 300)), lines);
    }
    remarks(&mut page, report);
    page.0
}

/// A text that drops lines beyond its limit.
struct BoundedText(String);

impl BoundedText {
    fn line(&mut self, line: &str) {
        let _ = self.line_until(MAX_LENGTH, line);
    }

    /// Adds a line if the text then still ends before `end`, and returns whether it was added.
    #[must_use]
    fn line_until(&mut self, end: usize, line: &str) -> bool {
        let fits = self.0.len() + line.len() < end;
        if fits {
            self.0.push_str(line);
            self.0.push('\n');
        }
        fits
    }

    /// A list that a reader has to open, of at most [`MAX_FOLDED`] items.
    fn folded(&mut self, summary: &str, items: impl Iterator<Item = String>) {
        self.line(&format!("<details><summary>{summary}</summary>"));
        self.line("");
        self.items(MAX_FOLDED, items);
        self.line("");
        self.line("</details>");
        self.line("");
    }

    /// The first items of a list, and how many more there are.
    fn items(&mut self, limit: usize, mut items: impl Iterator<Item = String>) {
        for item in items.by_ref().take(limit) {
            self.line(&format!("- {item}"));
        }
        let more = items.count();
        if more > 0 {
            self.line(&format!("- and {more} more"));
        }
    }
}

fn head(page: &mut BoundedText, report: &Report, overview: &Overview<'_>) {
    let verdict = report.verdict;
    page.line(&format!("### {} art-mirror-validate: {}", words::symbol(verdict), words::verdict(report)));
    page.line("");
    page.line(&format!("{}.", prose(&overview.headline, 1_000)));
    page.line("");
    if let Some(caveat) = words::caveat(&report.target, Some(verdict)) {
        page.line("> [!WARNING]");
        page.line(&format!("> **{}**", prose(&words::target(&report.target), 400)));
        page.line(&format!("> {}.", prose(&caveat, 400)));
        page.line("");
    }
}

fn groups(page: &mut BoundedText, overview: &Overview<'_>) {
    let (blocks, more) = overview.blocks(MAX_GROUPS);
    for Block { group, heading, example, advice } in blocks {
        if let Some(heading) = heading {
            page.line(&format!("{}\n", prose(&heading, 200)));
        }
        page.line(&title(group));
        let (id, url) = (code(&example.bare_id(), 200), code(example.url_or_location(), 500));
        page.line(&format!("  {id}: {}<br>{url}", prose(&example.full_message(), 500)));
        if let Some(advice) = advice {
            page.line(&format!("\n**{}**\n", prose(advice, 400)));
        }
    }
    if more > 0 {
        page.line(&format!("and {}, below.\n", count(more, "more group")));
    }
}

fn title(group: &Group<'_>) -> String {
    format!("- {} **{}**: {}", words::symbol(group.verdict), group.reason, prose(&group.title, 500))
}

fn request(page: &mut BoundedText, report: &Report) {
    let Some(request) = &report.request else { return };
    let fence = fence(request);
    page.line("<details><summary>The request to ART, to copy</summary>");
    page.line("");
    page.line(&format!("{fence}text"));
    let mut lines = request.lines();
    let fits = lines.all(|line| page.line_until(REQUEST_END, line));
    page.line(&fence);
    if !fits {
        page.line("");
        page.line(&format!("and {} that do not fit here.", count(lines.count() + 1, "more line")));
    }
    page.line("");
    page.line("</details>");
    page.line("");
}

fn failures(page: &mut BoundedText, overview: &Overview<'_>, written: &Written) {
    let all: usize = overview.groups.iter().map(|group| group.artifacts.len()).sum();
    if all == 0 {
        return;
    }
    page.line(&format!("<details><summary>All that did not pass: {}</summary>", count(all, "artifact")));
    page.line("");
    let mut shown = 0;
    'groups: for group in &overview.groups {
        let shared = group.artifacts.first().map(|example| &example.message);
        for (at, artifact) in group.artifacts.iter().enumerate() {
            let title = if at == 0 { format!("{}\n", title(group)) } else { String::new() };
            let differs = at > 0 && shared != Some(&artifact.message);
            let message =
                if differs { format!(": {}", prose(&artifact.full_message(), 500)) } else { String::new() };
            let line = format!("{title}  - {}{message}", code(&artifact.bare_id(), 200));
            if !page.line_until(FAILURES_END, &line) {
                break 'groups;
            }
            shown += 1;
        }
    }
    if shown < all {
        let hint = written.json.as_ref().map_or("shown with --output json", |_| "listed in the JSON report");
        page.line(&format!("\nand {} more, {hint}.", all - shown));
    }
    page.line("");
    page.line("</details>");
    page.line("");
}

/// The refs that did not pass, and a table of all refs and the builds that they pin.
fn refs(page: &mut BoundedText, report: &Report) {
    if report.refs.is_empty() {
        return;
    }
    for of_ref in report.refs.iter().filter(|of_ref| of_ref.verdict != Verdict::Pass) {
        page.line(&format!("- {} {}", words::symbol(of_ref.verdict), prose(&of_ref.line(), 300)));
    }
    page.line("");
    let table = refs::table(report);
    let columns: Vec<String> = table.columns.iter().map(|column| prose(column, 60)).collect();
    page.line(&format!("| branch | state | {} |", columns.join(" | ")));
    page.line(&format!("| --- | --- |{}", " --- |".repeat(columns.len())));
    for (of_ref, cells) in &table.rows {
        let cells: Vec<String> = cells.iter().map(|cell| prose(cell, 200)).collect();
        let state = format!(
            "{} {} of {}",
            words::symbol(of_ref.verdict),
            of_ref.summary.passed,
            of_ref.summary.artifacts
        );
        page.line(&format!("| {} | {state} | {} |", code(&of_ref.name, 100), cells.join(" | ")));
    }
    page.line("");
    let remarks = || report.refs.iter().flat_map(|of_ref| of_ref.remarks.iter().map(move |it| (of_ref, it)));
    let lines = remarks().map(|(of_ref, it)| format!("{}: {}", code(&of_ref.name, 100), prose(it, 300)));
    if remarks().next().is_some() {
        page.folded(&count(remarks().count(), "remark about branches"), lines);
    }
}

/// The cloud references that are wrong or undetermined.
fn cloud(page: &mut BoundedText, report: &Report) {
    let wrong: Vec<_> = report.cloud_images.iter().filter(|it| it.problem().is_some()).collect();
    if wrong.is_empty() {
        return;
    }
    let lines = wrong.iter().map(|it| {
        let advice = it.advice.as_deref().unwrap_or_default();
        let (document, id) = (code(&it.document, 200), code(&it.id, 200));
        format!("{document} {id}: **{}**: {}. {}", it.word(), prose(&it.message, 300), prose(advice, 200))
    });
    page.folded(&format!("{} wrong or undetermined", count(wrong.len(), "cloud reference")), lines);
}

fn warnings(page: &mut BoundedText, report: &Report, overview: &Overview<'_>) {
    if overview.warnings.is_empty() {
        return;
    }
    let lines = overview.warnings.iter().map(|warning| {
        let (id, message) = (code(&warning.example.id, 300), prose(warning.text, 300));
        warning.line(id, message)
    });
    page.folded(&count(report.summary.warnings, "warning"), lines);
}

fn remarks(page: &mut BoundedText, report: &Report) {
    page.items(MAX_NOTES, report.notes.iter().map(|note| prose(note, 100)));
    if !report.notes.is_empty() {
        page.line("");
    }
    if let Some(retest) = report.prow.retest()
        && report.verdict != Verdict::Pass
    {
        page.line(&format!("To check again: {}", code(retest, 100)));
        page.line("");
    }
    let sha = report.prow.pull_pull_sha.as_deref().map(|sha| format!(" at {}", code(sha, 64)));
    page.line(&format!(
        "<sub>{}, in {}; art-mirror-validate {}{}</sub>",
        words::counts(&report.summary),
        words::elapsed(report.elapsed_ms),
        prose(&report.version, 40),
        sha.unwrap_or_default()
    ));
}

#[cfg(test)]
mod tests {
    use comrak::nodes::NodeValue;
    use comrak::{Arena, Options, parse_document};
    use proptest::prelude::*;

    use super::*;
    use crate::report::model::TargetKind;
    use crate::report::sample;

    fn comment(report: &Report) -> String {
        render(report, &Written::default())
    }

    #[test]
    fn a_failing_run() {
        insta::assert_snapshot!(comment(&sample::report()));
    }

    #[test]
    fn a_pass_on_a_bridge_is_marked_as_one() {
        let mut report = sample::pass();
        report.target.kind = TargetKind::Bridge;
        report.target.prefix = Some("https://bridge.example".into());
        insta::assert_snapshot!(comment(&report));
    }

    #[test]
    fn changes_of_the_pull_request_are_folded() {
        let mut report = sample::pass();
        report.changes = Some(sample::changes(&sample::report()));
        let text = comment(&report);
        let start = text.find("<details><summary>Changed").unwrap();
        insta::assert_snapshot!(&text[start..text.find("<sub>").unwrap()], @r"
        <details><summary>Changed since main (1be3d1d1cbad): 1 added, 1 removed, 1 with a new digest, 1 at a new location</summary>

        - data/data/coreos/coreos-rhel-9.json: 9.6.20250101-0 → 9.6.20251015-1: 1 added, 1 removed, 1 with a new digest, 1 at a new location

        </details>
        ");
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let mut report = sample::pass();
        report.notes = (0..7).map(|number| format!("note {number}")).collect();
        assert!(comment(&report).contains("- note 4\n- and 2 more\n"), "{}", comment(&report));
    }

    #[test]
    fn a_comment_is_never_longer_than_its_limit() {
        let long = "`|@\\".repeat(30_000);
        let mut all_changed = sample::large(10_000);
        let mut changes = sample::changes(&sample::report());
        changes.artifacts = vec![changes.artifacts[0].clone(); 10_000];
        all_changed.changes = Some(changes);
        for report in [all_changed, sample::large(10_000), sample::hostile(&long)] {
            let text = comment(&report);
            assert!(text.len() <= MAX_LENGTH, "{}", text.len());
            assert!(text.ends_with("</sub>\n"), "the end is missing");
        }
        let text = comment(&sample::large(10_000));
        assert!(text.contains(" more, shown with --output json."), "no file was written");
        assert!(text.contains(" more lines that do not fit here."));
    }

    /// Parses a comment as GitHub does, and returns the markup that is not the template's.
    fn foreign_markup(comment: &str) -> Vec<String> {
        let mut options = Options::default();
        options.extension.table = true;
        options.extension.autolink = true;
        options.extension.strikethrough = true;
        options.extension.tasklist = true;
        options.extension.footnotes = true;
        let arena = Arena::new();
        let root = parse_document(&arena, comment, &options);
        let mut foreign_markup = Vec::new();
        for node in root.descendants() {
            let value = &node.data.borrow().value;
            match value {
                NodeValue::HtmlInline(html)
                    if !matches!(html.as_str(), "<br>" | "<code>" | "</code>" | "<sub>" | "</sub>") =>
                {
                    foreign_markup.push(html.clone());
                }
                NodeValue::HtmlBlock(block) => {
                    let ours = ["<details><summary>", "</details>", "<sub>"];
                    if !ours.iter().any(|start| block.literal.starts_with(start))
                        || block.literal.trim_end().contains('\n')
                    {
                        foreign_markup.push(block.literal.clone());
                    }
                }
                NodeValue::Link(_)
                | NodeValue::Image(_)
                | NodeValue::Emph
                | NodeValue::Strikethrough
                | NodeValue::FootnoteReference(_) => foreign_markup.push(format!("{value:?}")),
                NodeValue::Text(text) if mentions(text) => foreign_markup.push(text.to_string()),
                _ => {}
            }
        }
        foreign_markup
    }

    fn mentions(text: &str) -> bool {
        text.split(['@', '#']).skip(1).any(|rest| rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    }

    #[test]
    fn markup_in_untrusted_text_stays_text() {
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
            let comment = comment(&sample::hostile(text));
            assert_eq!(foreign_markup(&comment), Vec::<String>::new(), "{text:?}\n{comment}");
        }
    }

    proptest! {
        #[test]
        fn no_text_becomes_markup(text in "[-`|@\\\\<>&#*_~\\[\\]()!:/.wa1 ]{0,24}|\\PC{0,12}") {
            let comment = comment(&sample::hostile(&text));
            prop_assert_eq!(foreign_markup(&comment), Vec::<String>::new(), "{}", comment);
        }
    }
}
