//! The end of a run as text: what a person sees last on a terminal, and what a pod's termination message keeps of a log.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::report::model::Report;
use crate::report::overview::{Block, Overview};
use crate::report::words;
use crate::report::written::Written;
use crate::text::{Printable, count, excerpt};
use crate::verdict::{Strictness, Verdict};

/// What a small terminal shows, but for the line that its shell's prompt takes, and how wide that is.
const SCREEN: (usize, usize) = (23, 80);

/// What a pod's termination message keeps of a log: its last 2 KiB.
const TERMINATION_MESSAGE: usize = 2_048;

/// How many groups are shown, and how many builds that changed.
const MOST: usize = 12;

/// How many notes and kinds of warnings are shown.
const MOST_REMARKS: usize = 3;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const LOUD: Style = AnsiColor::Yellow.on_default().bold();

/// Who reads the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A person at a terminal. Whoever owns it strips the colours where they are not wanted.
    Terminal,
    /// A person who has the log before it: its header, and a line for each artifact.
    Log,
    /// A person whose log is nothing but this.
    QuietLog,
}

/// Writes the summary: the verdict by build, what did not pass by group with one example of each, what to do about it,
/// and where the reports are. The verdict, the groups and what to do are on the last screen whatever the run.
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
    let end = |most: usize, examples: bool| {
        let mut end = String::new();
        head(&mut end, report, &overview);
        groups(&mut end, &overview, written, (most, examples));
        cloud(&mut end, report, written, most.min(MOST_REMARKS));
        tail(&mut end, report, written);
        end
    };
    let whole = end(MOST, true);
    if fits(&whole) {
        return text + &whole;
    }
    if reader != Audience::Log {
        groups(&mut text, &overview, written, (MOST, true));
        text.push('\n');
    }
    let shorter = (1..=MOST).rev().map(|most| end(most, false)).find(|end| fits(end));
    text + &shorter.unwrap_or_else(|| end(0, false))
}

/// Whether a text is seen at once: on a screen, and in a termination message.
fn fits(text: &str) -> bool {
    let plain = plain(text);
    let (rows, columns) = SCREEN;
    let taken = plain.lines().map(|line| line.chars().count().max(1).div_ceil(columns));
    plain.len() <= TERMINATION_MESSAGE && taken.sum::<usize>() <= rows
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// What a log says before its artifacts, and others hear first.
fn remarks(text: &mut String, report: &Report, written: &Written) {
    for note in report.notes.iter().take(MOST_REMARKS) {
        line(text, format_args!("{} {}", styled(DIM, "note:"), excerpt(note, 300)));
    }
    rest(text, report.notes.len().saturating_sub(MOST_REMARKS), "note", written);
    for of_ref in &report.refs {
        line(text, format_args!("{} {}", words::symbol(of_ref.verdict), Printable(&of_ref.line())));
        for remark in &of_ref.remarks {
            line(text, format_args!("    {}", Printable(remark)));
        }
    }
    if let Some(changes) = &report.changes {
        line(text, format_args!("{} {}", styled(BOLD, "changed"), changes.headline()));
        for build in changes.by_build().iter().take(MOST) {
            line(text, format_args!("  {build}"));
        }
    }
}

fn warnings(text: &mut String, report: &Report, overview: &Overview<'_>, written: &Written) {
    if overview.warnings.is_empty() {
        return;
    }
    line(text, styled(LOUD, format_args!("! {}", count(report.summary.warnings, "warning"))));
    for warning in overview.warnings.iter().take(MOST_REMARKS) {
        let (id, said) = (excerpt(&warning.example.id, 200), excerpt(warning.text, 120));
        line(text, format_args!("  {}", warning.shown(id, said)));
    }
    rest(text, overview.warnings.len().saturating_sub(MOST_REMARKS), "kind", written);
}

fn head(text: &mut String, report: &Report, overview: &Overview<'_>) {
    let style = verdict_style(report.verdict).bold();
    let verdict = format!("{} {}:", words::symbol(report.verdict), words::verdict(report));
    line(text, format_args!("{} {}", styled(style, verdict), styled(BOLD, Printable(&overview.headline))));
    if let Some(caveat) = words::caveat(&report.target, Some(report.verdict)) {
        line(text, format_args!("  {}", styled(LOUD, words::target(&report.target))));
        line(text, format_args!("  {}", styled(LOUD, caveat)));
    } else {
        line(text, format_args!("  {}", styled(DIM, words::target(&report.target))));
    }
    let wrong = || report.refs.iter().filter(|of_ref| of_ref.verdict != Verdict::Pass);
    for of_ref in wrong().take(MOST_REMARKS) {
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
    let more = wrong().count().saturating_sub(MOST_REMARKS);
    if more > 0 {
        line(text, format_args!("  and {} above", count(more, "more ref")));
    }
}

/// The groups, as many as are wanted, with or without an example of each; what to do is said once for those that
/// follow each other and share it.
fn groups(text: &mut String, overview: &Overview<'_>, written: &Written, (most, examples): (usize, bool)) {
    let (blocks, more) = overview.blocks(most);
    for Block { group, heading, example, advice } in blocks {
        if let Some(heading) = heading {
            line(text, styled(DIM, Printable(&heading)));
        }
        let style = verdict_style(group.verdict).bold();
        let reason = styled(style, format!("{} {}:", words::symbol(group.verdict), group.reason));
        line(text, format_args!("{reason} {}", Printable(&group.title)));
        if examples {
            let (id, said) = (excerpt(&example.bare_id(), 200), excerpt(&example.said(), 600));
            line(text, format_args!("  {id}: {said}"));
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

/// The cloud references that are wrong or undetermined, one line each.
fn cloud(text: &mut String, report: &Report, written: &Written, most: usize) {
    let wrong: Vec<_> = report.cloud_images.iter().filter_map(|it| Some((it, it.trouble()?))).collect();
    let shown = wrong.get(..most).unwrap_or(&wrong);
    let counts = report.cloud_summary.is_some_and(|summary| summary.mode == Strictness::Require);
    for (at, (reference, verdict)) in shown.iter().enumerate() {
        let style = if counts { verdict_style(*verdict).bold() } else { LOUD };
        let symbol = if counts { words::symbol(*verdict) } else { '!' };
        let word = format_args!("{symbol} cloud {}:", reference.word()).to_string();
        let place =
            if report.documents.len() > 1 { format!("{}:", reference.document) } else { String::new() };
        let place = excerpt(&format!("{place}{}", reference.id), 150);
        line(text, format_args!("{} {place}: {}", styled(style, word), excerpt(&reference.message, 200)));
        if let Some(advice) = &reference.advice
            && shown.get(at + 1).is_none_or(|(next, _)| next.advice != reference.advice)
        {
            line(text, styled(BOLD, format_args!("→ {advice}")));
        }
    }
    rest(text, wrong.len().saturating_sub(most), "cloud reference", written);
}

/// What is left out, and where it can be read.
fn rest(text: &mut String, more: usize, what: &str, written: &Written) {
    if more > 0 {
        let place = match &written.json {
            Some(path) => format!(", see {}", path.display()),
            None => String::new(),
        };
        line(text, format_args!("  and {}{place}", count(more, &format!("more {what}"))));
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
    fn a_run_against_a_bridge_says_so_at_once() {
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
    fn a_run_with_a_base_says_what_changed_and_whose_the_failures_are() {
        let mut report = sample::report();
        report.changes = Some(sample::changes(&report));
        insta::assert_snapshot!(shown(&report));
    }

    #[test]
    fn colours_are_there_to_be_stripped() {
        let text = render(&sample::report(), &Written::default(), Audience::Terminal);
        assert!(text.contains("\u{1b}[1m\u{1b}[31m✗ fail:\u{1b}[0m"), "{text}");
    }

    /// Whatever a run comes to, the end of it can be seen at once.
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
    fn nothing_from_outside_reaches_the_terminal_unescaped() {
        let text = render(
            &sample::hostile("\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}"),
            &Written::default(),
            Audience::Terminal,
        );
        assert!(!text.contains('\u{7}') && !text.contains('\u{9b}') && !text.contains('\u{202e}'));
        assert!(!text.contains("\u{1b}]"));
    }
}
