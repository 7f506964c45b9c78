//! The log of a run: plain text, a line at a time, as things happen.
//!
//! Spyglass highlights lines that match `FAIL\b`, `ERROR:` or `timed out`, so those words begin the lines that
//! deserve it and no others of ours.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::report::model::{ArtifactReport, Changes, Report, Target};
use crate::report::{RunContext, advice, facts, group, words};
use crate::text::{Printable, count};
use crate::verdict::Verdict;

/// Writes a run's log.
#[derive(Debug)]
pub struct LogWriter<W> {
    out: W,
    noted: HashSet<String>,
}

impl<W: Write> LogWriter<W> {
    /// A log that goes to `out`, which is flushed after each part so that an aborted job's log is whole. The
    /// artifacts' lines are flushed by whoever writes them, who knows when the next one comes.
    pub fn new(out: W) -> Self {
        Self { out, noted: HashSet::new() }
    }

    /// What is about to be checked and where: the first lines. The very first names the target.
    pub fn header(&mut self, target: &Target, context: &RunContext) -> io::Result<()> {
        let out = &mut self.out;
        writeln!(out, "target: {}", words::target(target))?;
        if let Some(caveat) = words::caveat(target, None) {
            writeln!(out, "note: {caveat}")?;
        }
        writeln!(out, "art-mirror-validate {}", Printable(&context.tool_version))?;
        let prow = &context.prow;
        if let Some(job) = &prow.job_name {
            write!(out, "job: {}", Printable(job))?;
            if let Some(build) = &prow.build_id {
                write!(out, ", run {}", Printable(build))?;
            }
            writeln!(out)?;
        }
        if let Some(pull_request) = prow.pull_request() {
            write!(out, "pull request: {}", Printable(&pull_request))?;
            if let Some(sha) = &prow.pull_pull_sha {
                write!(out, " at {}", Printable(sha))?;
            }
            if let Some(base) = &prow.pull_base_ref {
                write!(out, ", for {}", Printable(base))?;
            }
            writeln!(out)?;
        }
        for document in &context.documents {
            writeln!(
                out,
                "document: {}, {}",
                Printable(&document.name),
                count(document.artifacts, "artifact")
            )?;
        }
        for file in &context.skipped {
            writeln!(out, "skipped: {}: {}", Printable(&file.name), Printable(&file.why))?;
        }
        out.flush()
    }

    /// A remark about the run as a whole, once, however often it is made.
    pub fn note(&mut self, note: &str) -> io::Result<()> {
        if self.noted.insert(note.to_owned()) { self.news(note) } else { Ok(()) }
    }

    /// A remark about how far the run is, each time that it is made.
    pub fn news(&mut self, news: &str) -> io::Result<()> {
        writeln!(self.out, "note: {}", Printable(news))?;
        self.out.flush()
    }

    /// What the pull request changes: a line for each artifact.
    pub fn changes(&mut self, changes: &Changes) -> io::Result<()> {
        writeln!(self.out, "changed {}", changes.headline())?;
        for change in &changes.artifacts {
            writeln!(self.out, "  {change}")?;
        }
        self.out.flush()
    }

    /// One artifact's line.
    pub fn artifact(&mut self, artifact: &ArtifactReport) -> io::Result<()> {
        write_line(&mut self.out, artifact)
    }

    /// Lets the lines so far be read.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The end: what did not pass again, with all there is to say of it, and one line of counts and time.
    pub fn summary(&mut self, report: &Report) -> io::Result<()> {
        for note in &report.notes {
            self.note(note)?;
        }
        let out = &mut self.out;
        for group in group::by_reason(report) {
            let reason = words::reason_word(group.reason, group.verdict);
            writeln!(
                out,
                "\n{reason}: {}, {}",
                advice::title(group.reason),
                count(group.artifacts.len(), "artifact")
            )?;
            writeln!(out, "to do: {}", Printable(&group.to_do()))?;
            let advice_differs = group.shared_advice().is_none();
            for artifact in &group.artifacts {
                write_line(out, artifact)?;
                write_details(out, artifact, advice_differs)?;
            }
        }
        if report.summary.artifacts > report.summary.passed {
            writeln!(out)?;
        }
        if let Some(caveat) = words::caveat(&report.target, Some(report.verdict)) {
            writeln!(out, "note: {caveat}")?;
        }
        if let Some(signal) = &report.interrupted_by {
            writeln!(out, "note: the run was ended early by {}", Printable(signal))?;
        }
        writeln!(
            out,
            "{}: {}, in {}",
            words::word(report.verdict),
            words::counts(&report.summary),
            words::elapsed(report.elapsed_ms)
        )?;
        out.flush()
    }
}

fn write_line(out: &mut impl Write, artifact: &ArtifactReport) -> io::Result<()> {
    let id = Printable(&artifact.id);
    let message = Printable(&artifact.message);
    let reason = words::reason_word(artifact.reason, artifact.verdict);
    match artifact.verdict {
        Verdict::Pass => write!(out, "PASS {id}")?,
        Verdict::Fail => write!(out, "FAIL {id}: {reason}: {message}")?,
        Verdict::Inconclusive => write!(out, "ERROR: {id}: {reason}: {message}")?,
    }
    for warning in &artifact.warnings {
        write!(out, "; warning: {}", Printable(warning))?;
    }
    writeln!(out)
}

fn write_details(out: &mut impl Write, artifact: &ArtifactReport, with_advice: bool) -> io::Result<()> {
    for line in facts::lines(artifact) {
        writeln!(out, "  {line}")?;
    }
    if with_advice && let Some(advice) = &artifact.advice {
        writeln!(out, "  to do: {}", Printable(advice))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::TargetKind;
    use crate::report::sample;

    fn log(report: &Report, context: &RunContext) -> String {
        let mut out = Vec::new();
        let mut log = LogWriter::new(&mut out);
        log.header(&report.target, context).unwrap();
        for note in &report.notes {
            log.note(note).unwrap();
        }
        if let Some(changes) = &report.changes {
            log.changes(changes).unwrap();
        }
        for artifact in &report.artifacts {
            log.artifact(artifact).unwrap();
        }
        log.summary(report).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_failing_job() {
        insta::assert_snapshot!(log(&sample::report(), &sample::context()));
    }

    #[test]
    fn what_the_pull_request_changes_comes_before_the_verdicts() {
        let mut report = sample::report();
        report.changes = Some(sample::changes(&report));
        report.artifacts.clear();
        let log = log(&report, &RunContext::default());
        insta::assert_snapshot!(log.lines().skip(3).take(5).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_pass_on_a_bridge_says_first_and_last_that_it_is_no_mirror_pass() {
        let mut report = sample::pass();
        report.target.kind = TargetKind::Bridge;
        report.target.prefix = Some("https://bridge.example/art/storage/releases".into());
        insta::assert_snapshot!(log(&report, &RunContext::default()), @r"
        target: BRIDGE, NOT THE MIRROR: https://bridge.example/art/storage/releases
        note: this is a bridge result, no mirror result: it does not say that anything is published
        art-mirror-validate 
        PASS data/data/coreos/coreos-rhel-9.json:x86_64/metal/iso/disk
        note: this is a bridge pass, no mirror pass: it does not say that anything is published
        pass: 1 artifact: 1 passed, 0 failed, 0 undetermined, in 1s 234ms
        ");
    }

    #[test]
    fn no_text_from_outside_makes_a_line() {
        let forged = "x\nFAIL forged\r\nERROR: forged\u{2028}FAIL forged\u{1b}[2K";
        let log = log(&sample::hostile(forged), &sample::hostile_context(forged));
        assert!(!log.contains('\u{1b}') && !log.contains('\r'));
        for line in log.lines() {
            assert!(!line.starts_with("FAIL forged") && !line.starts_with("ERROR: forged"), "{line}");
        }
    }
}
