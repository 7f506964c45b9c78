//! The summary for a person at a terminal.

use std::fmt::{self, Display};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::report::group::Group;
use crate::report::model::{ArtifactReport, Report};
use crate::report::{RunContext, advice, facts, group, words};
use crate::text::{Printable, count};
use crate::verdict::Verdict;

/// How many artifacts of one reason are listed, and how many warnings.
const MOST_LISTED: usize = 20;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const LOUD: Style = AnsiColor::Yellow.on_default().bold();

/// Writes the summary, coloured; whoever owns the terminal strips the colours where they are not wanted.
pub fn write(out: &mut impl Write, report: &Report, context: &RunContext) -> io::Result<()> {
    let mut out = io::BufWriter::new(out);
    let style = verdict_style(report.verdict);
    writeln!(
        out,
        "{} {}",
        styled(
            style.bold(),
            format_args!("{} {}:", words::symbol(report.verdict), words::word(report.verdict))
        ),
        styled(BOLD, words::headline(report))
    )?;
    if let Some(caveat) = words::caveat(&report.target, Some(report.verdict)) {
        writeln!(out, "  {}", styled(LOUD, words::target(&report.target)))?;
        writeln!(out, "  {}", styled(LOUD, caveat))?;
    } else {
        writeln!(out, "  {}", styled(DIM, words::target(&report.target)))?;
    }
    for group in group::by_reason(report) {
        writeln!(out)?;
        write_group(&mut out, &group)?;
    }
    write_warnings(&mut out, report)?;
    write_changes(&mut out, report)?;
    for (at, note) in report.notes.iter().enumerate() {
        if at == 0 {
            writeln!(out)?;
        }
        writeln!(out, "{} {}", styled(DIM, "note:"), Printable(note))?;
    }
    writeln!(out)?;
    if let Some(retest) = context.retest()
        && context.request.is_some()
    {
        let retest = styled(BOLD, Printable(retest));
        writeln!(out, "Once the files are there: {retest} on the pull request")?;
    }
    writeln!(
        out,
        "{} {}",
        words::counts(&report.summary),
        styled(DIM, format_args!("in {}", words::elapsed(report.elapsed_ms)))
    )?;
    out.flush()
}

fn write_group(out: &mut impl Write, group: &Group<'_>) -> io::Result<()> {
    let style = verdict_style(group.verdict).bold();
    writeln!(
        out,
        "{} {} {}",
        styled(
            style,
            format_args!(
                "{} {}:",
                words::symbol(group.verdict),
                words::reason_word(group.reason, group.verdict)
            )
        ),
        styled(BOLD, advice::title(group.reason)),
        styled(DIM, format_args!("({})", count(group.artifacts.len(), "artifact")))
    )?;
    writeln!(out, "  {}", styled(BOLD, format_args!("→ {}", Printable(&group.to_do()))))?;
    let advice_differs = group.shared_advice().is_none();
    for artifact in group.artifacts.iter().take(MOST_LISTED) {
        write_artifact(out, artifact, advice_differs)?;
    }
    let more = group.artifacts.len().saturating_sub(MOST_LISTED);
    if more > 0 {
        writeln!(out, "  and {more} more, see the JSON report")?;
    }
    Ok(())
}

fn write_artifact(out: &mut impl Write, artifact: &ArtifactReport, with_advice: bool) -> io::Result<()> {
    writeln!(out, "  {}", styled(BOLD, Printable(&artifact.id)))?;
    writeln!(out, "    {}", Printable(&artifact.message))?;
    for line in facts::lines(artifact) {
        writeln!(out, "    {line}")?;
    }
    if with_advice && let Some(advice) = &artifact.advice {
        writeln!(out, "    → {}", Printable(advice))?;
    }
    Ok(())
}

fn write_warnings(out: &mut impl Write, report: &Report) -> io::Result<()> {
    if report.summary.warnings == 0 {
        return Ok(());
    }
    writeln!(out, "\n{}", styled(LOUD, format_args!("! {}", count(report.summary.warnings, "warning"))))?;
    let warnings = report
        .artifacts
        .iter()
        .flat_map(|artifact| artifact.warnings.iter().map(move |warning| (&artifact.id, warning)));
    for (id, warning) in warnings.take(MOST_LISTED) {
        writeln!(out, "  {}: {}", Printable(id), Printable(warning))?;
    }
    let more = report.summary.warnings.saturating_sub(MOST_LISTED);
    if more > 0 {
        writeln!(out, "  and {more} more, see the JSON report")?;
    }
    Ok(())
}

fn write_changes(out: &mut impl Write, report: &Report) -> io::Result<()> {
    let Some(changes) = &report.changes else { return Ok(()) };
    writeln!(out, "\n{} {}", styled(BOLD, "changed"), changes.headline())?;
    for change in changes.artifacts.iter().take(MOST_LISTED) {
        writeln!(out, "  {change}")?;
    }
    let more = changes.artifacts.len().saturating_sub(MOST_LISTED);
    if more > 0 {
        writeln!(out, "  and {more} more, see the JSON report")?;
    }
    Ok(())
}

const fn verdict_style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Pass => AnsiColor::Green.on_default(),
        Verdict::Inconclusive => AnsiColor::Yellow.on_default(),
        Verdict::Fail => AnsiColor::Red.on_default(),
    }
}

fn styled<T: Display>(style: Style, text: T) -> impl Display {
    struct Styled<T>(Style, T);
    impl<T: Display> Display for Styled<T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}{}{:#}", self.0, self.1, self.0)
        }
    }
    Styled(style, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::TargetKind;
    use crate::report::sample;

    fn summary(report: &Report) -> String {
        let mut out = Vec::new();
        write(&mut out, report, &sample::context_of(report)).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn plain(report: &Report) -> String {
        anstream::adapter::strip_str(&summary(report)).to_string()
    }

    #[test]
    fn a_failing_run() {
        insta::assert_snapshot!(plain(&sample::report()));
    }

    #[test]
    fn a_passing_run() {
        insta::assert_snapshot!(plain(&sample::pass()), @r"
        ✓ pass: 1 artifact checked and published as the documents say
          published locations, exactly as the documents have them

        1 artifact: 1 passed, 0 failed, 0 undetermined in 1s 234ms
        ");
    }

    #[test]
    fn a_run_against_a_bridge_says_so_at_once() {
        let mut report = sample::pass();
        report.target.kind = TargetKind::Bridge;
        report.target.prefix = Some("https://bridge.example".into());
        insta::assert_snapshot!(plain(&report), @r"
        ✓ pass: 1 artifact checked and on the bridge; this is no mirror pass
          BRIDGE, NOT THE MIRROR: https://bridge.example
          this is a bridge pass, no mirror pass: it does not say that anything is published

        1 artifact: 1 passed, 0 failed, 0 undetermined in 1s 234ms
        ");
    }

    #[test]
    fn a_run_with_a_base_says_what_changed() {
        let mut report = sample::pass();
        report.changes = Some(sample::changes(&sample::report()));
        insta::assert_snapshot!(plain(&report), @r"
        ✓ pass: 1 artifact checked and published as the documents say
          published locations, exactly as the documents have them

        changed since main (1be3d1d1cbad): 1 added, 1 removed, 1 with a new digest, 1 at a new location
          added data/data/coreos/coreos-rhel-9.json:x86_64/metal/iso/disk, build 9.6.20251015-1
          new digest data/data/coreos/coreos-rhel-9.json:x86_64/metal/pxe/rootfs, build 9.6.20250101-0 → 9.6.20251015-1
          new location data/data/coreos/coreos-rhel-9.json:x86_64/qemu/qcow2.gz/disk, build 9.6.20250101-0 → 9.6.20251015-1
          removed data/data/coreos/coreos-rhel-9.json:x86_64/exoscale/qcow2/disk, build 9.6.20250101-0

        1 artifact: 1 passed, 0 failed, 0 undetermined in 1s 234ms
        ");
    }

    #[test]
    fn colours_are_there_to_be_stripped() {
        assert!(summary(&sample::report()).contains("\u{1b}[1m\u{1b}[31m✗ fail:\u{1b}[0m"));
    }

    #[test]
    fn ten_thousand_failures_stay_readable() {
        let text = plain(&sample::large(10_000));
        assert!(text.lines().count() < 150, "{} lines", text.lines().count());
        assert!(text.contains("and 9980 more, see the JSON report"), "{text}");
    }

    #[test]
    fn nothing_from_outside_reaches_the_terminal_unescaped() {
        let text = summary(&sample::hostile("\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}"));
        assert!(!text.contains('\u{7}') && !text.contains('\u{9b}') && !text.contains('\u{202e}'));
        assert!(!text.contains("\u{1b}]"));
    }
}
