//! The output during a run.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::{CheckArgs, CheckedArtifact, print_line};
use crate::cli::args::Output;
use crate::gate::{Case, Observer};
use crate::probe::{Outage, TransfersNow};
use crate::report::bounds::SizeBudget;
use crate::report::log::LogWriter;
use crate::report::model::{ArtifactReport, Report};
use crate::report::progress::{OutageNotes, Progress};
use crate::text::count;
use crate::verdict::{Outcome, Verdict};

pub(super) type Log = LogWriter<Box<dyn Write>>;

/// Shows the progress of a run: a log line for each artifact, in the order of the documents, or a progress bar on a
/// terminal.
pub(super) struct RunObserver<'s> {
    subjects: &'s [CheckedArtifact<'s>],
    cases: &'s [Case],
    log: Option<Log>,
    progress: Progress,
    outages: OutageNotes,
    quiet: bool,
    /// Off with `--ref`: branches have thousands of artifacts that pass.
    logs_passes: bool,
    /// The reports so far, of which the first `logged` were logged.
    reports: Vec<Option<ArtifactReport>>,
    logged: usize,
    /// The remaining size limit for the texts of all artifacts.
    budget: SizeBudget,
}

impl<'s> RunObserver<'s> {
    pub(super) fn new(
        args: &CheckArgs,
        quiet: bool,
        subjects: &'s [CheckedArtifact<'s>],
        cases: &'s [Case],
    ) -> Self {
        let logs = args.output == Output::Human && !quiet && !io::stdout().is_terminal();
        let out: Box<dyn Write> = Box::new(io::BufWriter::new(anstream::stdout()));
        Self {
            subjects,
            cases,
            log: logs.then(|| LogWriter::new(out)),
            progress: if quiet { Progress::hidden() } else { Progress::new(subjects.len()) },
            outages: OutageNotes::default(),
            quiet,
            logs_passes: !args.refs.is_given(),
            reports: vec![None; subjects.len()],
            logged: 0,
            budget: SizeBudget::default(),
        }
    }

    pub(super) fn begin(&mut self, report: &Report) {
        if let Some(log) = &mut self.log {
            // If standard output is closed, the reports and the exit status still have the result.
            let _ = log.header(report);
        }
    }

    fn log_known(&mut self) {
        let before = self.logged;
        while let Some(Some(report)) = self.reports.get(self.logged) {
            if let Some(log) = &mut self.log
                && (self.logs_passes || report.verdict != Verdict::Pass)
            {
                let _ = log.artifact(report);
            }
            self.logged += 1;
        }
        if let Some(log) = &mut self.log
            && self.logged > before
        {
            let _ = log.flush();
        }
    }

    fn news(&mut self, news: &str) {
        match &mut self.log {
            Some(log) => {
                let _ = log.news(news);
            }
            None if self.quiet => {}
            None => self.progress.suspend(|| print_line(news)),
        }
    }

    /// The reports, and the log if there is one.
    pub(super) fn into_artifacts(mut self, outcomes: &[Outcome]) -> (Vec<ArtifactReport>, Option<Log>) {
        self.log_known();
        self.progress.finish();
        let reports = std::mem::take(&mut self.reports);
        let all = reports.into_iter().zip(self.subjects).zip(self.cases).zip(outcomes);
        let artifacts = all.map(|(((report, subject), case), outcome)| {
            report.unwrap_or_else(|| {
                let mut report = subject.report(Some(case), outcome);
                self.budget.fit(&mut report);
                report
            })
        });
        (artifacts.collect(), self.log)
    }
}

impl Observer for RunObserver<'_> {
    fn judged(&mut self, index: usize, outcome: &Outcome) {
        let Some(subject) = self.subjects.get(index) else { return };
        let mut report = subject.report(self.cases.get(index), outcome);
        self.budget.fit(&mut report);
        self.progress.tick(report.verdict);
        if let Some(slot) = self.reports.get_mut(index) {
            *slot = Some(report);
        }
        self.log_known();
    }

    fn downloading(&mut self, now: &TransfersNow) {
        let line = self.progress.downloading(now);
        if let (Some(log), Some(line)) = (&mut self.log, line) {
            let _ = log.note(&line);
        }
    }

    fn hosts_down(&mut self, outages: &[Outage]) {
        for note in self.outages.due(std::time::Instant::now(), outages) {
            self.news(&note);
        }
    }

    fn waiting(&mut self, artifacts: usize, references: usize, again_in: Duration) {
        let mut left = count(artifacts, "artifact");
        if references > 0 {
            left = format!("{left} and {}", count(references, "cloud reference"));
        }
        self.news(&format!("{left} left; asking again in {}", humantime::format_duration(again_in)));
    }
}
