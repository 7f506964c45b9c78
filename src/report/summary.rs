//! The summary at the end of a run, for the terminal, the log, and a pod's termination message.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::report::model::Report;
use crate::report::overview::{Block, Overview};
use crate::report::words;
use crate::report::written::Written;
use crate::text::{Printable, count, excerpt};
use crate::verdict::{Strictness, Verdict};

/// The rows of a small terminal, without the shell's prompt, and its columns.
const SCREEN: (usize, usize) = (23, 80);

/// The bytes at the end of a log that a pod's termination message contains.
const TERMINATION_MESSAGE: usize = 2_048;

/// The most groups and changed builds that are shown.
const MAX_GROUPS: usize = 12;

/// The most notes, kinds of warnings, refs and cloud references that are shown.
const MAX_REMARKS: usize = 3;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();

/// Who reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A terminal. The caller removes the colours if they are not wanted.
    Terminal,
    /// The end of a log with a header and a line for each artifact.
    Log,
    /// A log that only contains the summary.
    QuietLog,
}

/// Writes the summary: the verdict by build, the groups that did not pass, each with an example and advice, and the
/// paths of the reports. The last screen has the verdict, and as many groups with their advice as fit.
pub fn write(out: &mut impl Write, report: &Report, written: &Written, reader: Audience) -> io::Result<()> {
    let text = render(report, written, reader);
    match reader {
        Audience::Terminal => out.write_all(text.as_bytes())?,
        Audience::Log | Audience::QuietLog => write!(out, "{}", plain(&text))?,
    }
    out.flush()
}

fn render(report: &Report, written: &Written, reader: Audience) -> String {
    let overview = Overview::of(report);
    let mut text = String::new();
    if reader != Audience::Log {
        remarks(&mut text, report, written);
    }
    warnings(&mut text, report, &overview, written);
    if reader == Audience::Log || !text.is_empty() {
        text.push('\n');
    }
    let end = |limit: usize, examples: bool| {
        let mut end = String::new();
        head(&mut end, report, &overview);
        groups(&mut end, &overview, written, (limit, examples));
        cloud(&mut end, report, written, limit.min(MAX_REMARKS));
        tail(&mut end, report, written);
        end
    };
    let whole = end(MAX_GROUPS, true);
    if fits(&whole) {
        return text + &whole;
    }
    if reader != Audience::Log {
        groups(&mut text, &overview, written, (MAX_GROUPS, true));
        text.push('\n');
    }
    let shorter = (1..=MAX_GROUPS).rev().map(|limit| end(limit, false)).find(|end| fits(end));
    text + &shorter.unwrap_or_else(|| end(0, false))
}

/// Whether a text fits on a screen and into a termination message.
fn fits(text: &str) -> bool {
    let plain = plain(text);
    let (rows, columns) = SCREEN;
    let taken = plain.lines().map(|line| line.chars().count().max(1).div_ceil(columns));
    plain.len() <= TERMINATION_MESSAGE && taken.sum::<usize>() <= rows
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Writes what a log contains in its header.
fn remarks(text: &mut String, report: &Report, written: &Written) {
    for note in report.notes.iter().take(MAX_REMARKS) {
        line(text, format_args!("{} {}", styled(DIM, "note:"), excerpt(note, 300)));
    }
    rest(text, report.notes.len().saturating_sub(MAX_REMARKS), "note", written);
    for of_ref in &report.refs {
        line(text, format_args!("{} {}", words::symbol(of_ref.verdict), Printable(&of_ref.line())));
        for remark in &of_ref.remarks {
            line(text, format_args!("    {}", Printable(remark)));
        }
    }
    if let Some(changes) = &report.changes {
        line(text, format_args!("{} {}", styled(BOLD, "changed"), changes.headline()));
        for build in changes.by_build().iter().take(MAX_GROUPS) {
            line(text, format_args!("  {build}"));
        }
    }
}

fn warnings(text: &mut String, report: &Report, overview: &Overview<'_>, written: &Written) {
    if overview.warnings.is_empty() {
        return;
    }
    line(text, styled(WARNING, format_args!("! {}", count(report.summary.warnings, "warning"))));
    for warning in overview.warnings.iter().take(MAX_REMARKS) {
        let (id, message) = (excerpt(&warning.example.id, 200), excerpt(warning.text, 120));
        line(text, format_args!("  {}", warning.line(id, message)));
    }
    rest(text, overview.warnings.len().saturating_sub(MAX_REMARKS), "kind", written);
}

fn head(text: &mut String, report: &Report, overview: &Overview<'_>) {
    let style = verdict_style(report.verdict).bold();
    let verdict = format!("{} {}:", words::symbol(report.verdict), words::verdict(report));
    line(text, format_args!("{} {}", styled(style, verdict), styled(BOLD, Printable(&overview.headline))));
    if let Some(caveat) = words::caveat(&report.target, Some(report.verdict)) {
        line(text, format_args!("  {}", styled(WARNING, words::target(&report.target))));
        line(text, format_args!("  {}", styled(WARNING, caveat)));
    } else {
        line(text, format_args!("  {}", styled(DIM, words::target(&report.target))));
    }
    let wrong = || report.refs.iter().filter(|of_ref| of_ref.verdict != Verdict::Pass);
    for of_ref in wrong().take(MAX_REMARKS) {
        let style = verdict_style(of_ref.verdict).bold();
        line(
            text,
            format_args!(
                "  {} {}",
                styled(style, words::symbol(of_ref.verdict)),
                excerpt(&of_ref.line(), 200)
            ),
        );
    }
    let more = wrong().count().saturating_sub(MAX_REMARKS);
    if more > 0 {
        line(text, format_args!("  and {} above", count(more, "more ref")));
    }
}

/// Writes up to `limit` groups, with or without examples.
fn groups(text: &mut String, overview: &Overview<'_>, written: &Written, (limit, examples): (usize, bool)) {
    let (blocks, more) = overview.blocks(limit);
    for Block { group, heading, example, advice } in blocks {
        if let Some(heading) = heading {
            line(text, styled(DIM, Printable(&heading)));
        }
        let style = verdict_style(group.verdict).bold();
        let reason = styled(style, format!("{} {}:", words::symbol(group.verdict), group.reason));
        line(text, format_args!("{reason} {}", Printable(&group.title)));
        if examples {
            let (id, message) = (excerpt(&example.bare_id(), 200), excerpt(&example.full_message(), 600));
            line(text, format_args!("  {id}: {message}"));
            line(text, format_args!("  {}", excerpt(example.url_or_location(), 600)));
        }
        if let Some(advice) = advice {
            line(text, styled(BOLD, format!("→ {}", excerpt(advice, 400))));
        }
    }
    if more > 0 && !examples {
        line(text, format_args!("  and {} above", count(more, "more group")));
    } else {
        rest(text, more, "group", written);
    }
}

/// Writes up to `limit` cloud references that are wrong or undetermined.
fn cloud(text: &mut String, report: &Report, written: &Written, limit: usize) {
    let wrong: Vec<_> = report.cloud_images.iter().filter_map(|it| Some((it, it.problem()?))).collect();
    let shown = wrong.get(..limit).unwrap_or(&wrong);
    let counts = report.cloud_summary.is_some_and(|summary| summary.mode == Strictness::Require);
    for (at, (reference, verdict)) in shown.iter().enumerate() {
        let style = if counts { verdict_style(*verdict).bold() } else { WARNING };
        let symbol = if counts { words::symbol(*verdict) } else { '!' };
        let word = format_args!("{symbol} cloud {}:", reference.word()).to_string();
        let document =
            if report.documents.len() > 1 { format!("{}:", reference.document) } else { String::new() };
        let id = excerpt(&format!("{document}{}", reference.id), 150);
        line(text, format_args!("{} {id}: {}", styled(style, word), excerpt(&reference.message, 200)));
        if let Some(advice) = &reference.advice
            && shown.get(at + 1).is_none_or(|(next, _)| next.advice != reference.advice)
        {
            line(text, styled(BOLD, format_args!("→ {advice}")));
        }
    }
    rest(text, wrong.len().saturating_sub(limit), "cloud reference", written);
}

/// Writes how many items are left out, and the path of the report that contains them.
fn rest(text: &mut String, more: usize, what: &str, written: &Written) {
    if more > 0 {
        let see = match &written.json {
            Some(path) => format!(", see {}", path.display()),
            None => String::new(),
        };
        line(text, format_args!("  and {}{see}", count(more, &format!("more {what}"))));
    }
}

fn tail(text: &mut String, report: &Report, written: &Written) {
    match (&written.request, &report.request) {
        (Some(path), _) => line(text, format_args!("  the request, to copy: {}", path.display())),
        (None, Some(_)) if written.json.is_none() => {
            line(text, "  for the request to copy, add --artifacts-dir DIR");
        }
        _ => {}
    }
    let style = verdict_style(report.verdict).bold();
    let (verdict, counts) = (words::verdict(report), words::counts(&report.summary));
    line(
        text,
        format_args!(
            "{} {counts}, in {}",
            styled(style, format!("{verdict}:")),
            words::elapsed(report.elapsed_ms)
        ),
    );
}

const fn verdict_style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => AnsiColor::Green.on_default(),
        Verdict::Inconclusive => AnsiColor::Yellow.on_default(),
        Verdict::Fail => AnsiColor::Red.on_default(),
    }
}

fn line(text: &mut String, line: impl Display) {
    text.push_str(&line.to_string());
    text.push('\n');
}

fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::TargetKind;
    use crate::report::sample;

    fn shown(report: &Report) -> String {
        plain(&render(report, &Written::default(), Audience::Terminal))
    }

    #[test]
    fn a_failing_run() {
        insta::assert_snapshot!(shown(&sample::report()));
    }

    #[test]
    fn a_passing_run() {
        insta::assert_snapshot!(shown(&sample::pass()), @r"
        ✓ pass: 9.6.20251015-1 (coreos-rhel-9.json): 1 of 1 passed
          published locations, exactly as the documents have them
        pass: 1 artifact: 1 passed, 0 failed, 0 undetermined, in 1s 234ms
        ");
    }

    #[test]
    fn a_pass_on_a_bridge_is_marked_as_one() {
        let mut report = sample::pass();
        report.target.kind = TargetKind::Bridge;
        report.target.prefix = Some("https://bridge.example".into());
        insta::assert_snapshot!(shown(&report), @r"
    ✓ pass on the bridge: 9.6.20251015-1 (coreos-rhel-9.json): 1 of 1 passed
      BRIDGE, NOT THE MIRROR: https://bridge.example
      this is a bridge pass, not a mirror pass: it says nothing about what is published
    pass on the bridge: 1 artifact: 1 passed, 0 failed, 0 undetermined, in 1s 234ms
    ");
    }

    #[test]
    fn a_run_with_a_base_shows_the_changes_and_groups_failures_by_origin() {
        let mut report = sample::report();
        report.changes = Some(sample::changes(&report));
        insta::assert_snapshot!(shown(&report));
    }

    #[test]
    fn terminal_output_has_colours() {
        let text = render(&sample::report(), &Written::default(), Audience::Terminal);
        assert!(text.contains("\u{1b}[1m\u{1b}[31m✗ fail:\u{1b}[0m"), "{text}");
    }

    #[test]
    fn verdict_groups_and_request_are_on_the_last_screen() {
        let request = || Written { request: Some("artifacts/request.md".into()), ..Written::default() };
        let mut with_base = sample::report();
        with_base.changes = Some(sample::changes(&with_base));
        for report in
            [sample::report(), with_base, sample::large(10_000), sample::hostile(&"x".repeat(5_000))]
        {
            for reader in [Audience::Terminal, Audience::Log, Audience::QuietLog] {
                let text = plain(&render(&report, &request(), reader));
                let from = text.rfind("✗ fail").unwrap();
                let end = text.get(from..).unwrap();
                assert!(fits(end), "{} bytes:\n{end}", end.len());
                assert!(end.contains("artifacts/request.md\nfail"), "{end}");
            }
        }
    }

    #[test]
    fn ten_thousand_failures_stay_readable() {
        let text = shown(&sample::large(10_000));
        assert!(text.lines().count() <= 30, "{text}");
        assert!(text.contains("10000 of 10000 missing"), "{text}");
    }

    #[test]
    fn untrusted_text_is_escaped_for_the_terminal() {
        let text = render(
            &sample::hostile("\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}"),
            &Written::default(),
            Audience::Terminal,
        );
        assert!(!text.contains('\u{7}') && !text.contains('\u{9b}') && !text.contains('\u{202e}'));
        assert!(!text.contains("\u{1b}]"));
    }
}
