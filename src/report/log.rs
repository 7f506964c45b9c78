//! The log of a run: plain text, written line by line as results arrive.
//!
//! Spyglass highlights lines that match `FAIL\b`, `ERROR:` or `timed out`, so `FAIL` and `ERROR:` only begin lines
//! about failed and undetermined artifacts.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::report::cloud::CloudReport;
use crate::report::model::{ArtifactReport, Report};
use crate::report::words;
use crate::text::{Printable, count};
use crate::verdict::{Strictness, Verdict};

/// Writes a run's log.
#[derive(Debug)]
pub struct LogWriter<W> {
    out: W,
    notes: HashSet<String>,
}

impl<W: Write> LogWriter<W> {
    /// Writes the log to `out`, which is flushed after the header and each note, so that an aborted job's log is
    /// complete. The caller flushes the lines of artifacts.
    pub fn new(out: W) -> Self {
        Self { out, notes: HashSet::new() }
    }

    /// Writes what is about to be checked. The first line names the target.
    pub fn header(&mut self, report: &Report) -> io::Result<()> {
        let out = &mut self.out;
        writeln!(out, "target: {}", words::target(&report.target))?;
        if let Some(caveat) = words::caveat(&report.target, None) {
            writeln!(out, "note: {caveat}")?;
        }
        writeln!(out, "art-mirror-validate {}", Printable(&report.version))?;
        let prow = &report.prow;
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
        for document in &report.documents {
            writeln!(
                out,
                "document: {}, {}",
                Printable(&document.name),
                count(document.artifacts, "artifact")
            )?;
        }
        for file in &report.skipped {
            writeln!(out, "skipped: {}: {}", Printable(&file.name), Printable(&file.why))?;
        }
        if let Some(changes) = &report.changes {
            writeln!(out, "changed {}", changes.headline())?;
            for build in changes.by_build() {
                writeln!(out, "  {build}")?;
            }
        }
        for note in &report.notes {
            self.note(note)?;
        }
        self.out.flush()
    }

    /// Writes a note about the whole run, unless it was written before.
    pub fn note(&mut self, note: &str) -> io::Result<()> {
        if self.notes.insert(note.to_owned()) { self.news(note) } else { Ok(()) }
    }

    /// Writes a note about the progress of the run, even if it was written before.
    pub fn news(&mut self, news: &str) -> io::Result<()> {
        writeln!(self.out, "note: {}", Printable(news))?;
        self.out.flush()
    }

    pub fn artifact(&mut self, artifact: &ArtifactReport) -> io::Result<()> {
        let (out, id) = (&mut self.out, Printable(&artifact.id));
        let reason = words::reason_word(artifact.reason, artifact.verdict);
        let message = artifact.full_message();
        match artifact.verdict {
            Verdict::Pass => write!(out, "PASS {id}")?,
            Verdict::Fail => write!(out, "FAIL {id}: {reason}: {}", Printable(&message))?,
            Verdict::Inconclusive => write!(out, "ERROR: {id}: {reason}: {}", Printable(&message))?,
        }
        for warning in &artifact.warnings {
            write!(out, "; warning: {}", Printable(warning))?;
        }
        writeln!(out)
    }

    /// Writes the line of a cloud reference, unless it passed without warnings. Only required ones are highlighted.
    pub fn cloud(&mut self, reference: &CloudReport, mode: Strictness) -> io::Result<()> {
        let begin = match reference.problem() {
            Some(Verdict::Fail) if mode == Strictness::Require => "FAIL",
            Some(_) if mode == Strictness::Require => "ERROR:",
            Some(_) => "warning:",
            None if reference.warnings.is_empty() => return Ok(()),
            None => "warning:",
        };
        let (document, id) = (Printable(&reference.document), Printable(&reference.id));
        write!(self.out, "{begin} {document}:{id}: {}", reference.word())?;
        if reference.problem().is_some() {
            write!(self.out, ": {}", Printable(&reference.message))?;
        }
        for warning in &reference.warnings {
            write!(self.out, "; {}", Printable(warning))?;
        }
        writeln!(self.out)
    }

    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::TargetKind;
    use crate::report::sample;
    use crate::report::summary::{self, Audience};
    use crate::report::written::Written;

    fn log(report: &Report) -> String {
        let mut out = Vec::new();
        let mut log = LogWriter::new(&mut out);
        log.header(report).unwrap();
        for artifact in &report.artifacts {
            log.artifact(artifact).unwrap();
        }
        summary::write(&mut out, report, &Written::default(), Audience::Log).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_failing_job() {
        let mut report = sample::report();
        report.changes = Some(sample::changes(&report));
        insta::assert_snapshot!(log(&report));
    }

    #[test]
    fn a_pass_on_a_bridge_begins_and_ends_by_saying_it_is_not_a_mirror_pass() {
        let mut report = sample::pass();
        report.target.kind = TargetKind::Bridge;
        report.target.prefix = Some("https://bridge.example/art/storage/releases".into());
        insta::assert_snapshot!(log(&report), @r"
        target: BRIDGE, NOT THE MIRROR: https://bridge.example/art/storage/releases
        note: this is a bridge result, not a mirror result: it says nothing about what is published
        art-mirror-validate 0.2.0
        job: pull-ci-openshift-installer-main-art-mirror-validate, run 1987654321098765312
        pull request: openshift/installer#4821 at 5d2f0c3a9be1774f6d0a1c52b7e1f4a3c9d8e7f6, for main
        document: data/data/coreos/coreos-rhel-9.json, 1 artifact
        skipped: data/data/coreos/marketplace/aws.json: no stream metadata
        PASS data/data/coreos/coreos-rhel-9.json:x86_64/metal/iso/disk

        ✓ pass on the bridge: 9.6.20251015-1 (coreos-rhel-9.json): 1 of 1 passed
          BRIDGE, NOT THE MIRROR: https://bridge.example/art/storage/releases
          this is a bridge pass, not a mirror pass: it says nothing about what is published
        pass on the bridge: 1 artifact: 1 passed, 0 failed, 0 undetermined, in 1s 234ms
        ");
    }

    #[test]
    fn untrusted_text_cannot_begin_a_line() {
        let forged = "x\nFAIL forged\r\nERROR: forged\u{2028}FAIL forged\u{1b}[2K";
        let log = log(&sample::hostile(forged));
        assert!(!log.contains('\u{1b}') && !log.contains('\r'));
        for line in log.lines() {
            assert!(!line.starts_with("FAIL forged") && !line.starts_with("ERROR: forged"), "{line}");
        }
    }
}
