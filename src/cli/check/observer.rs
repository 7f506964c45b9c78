//! How a run is told while it goes.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use super::{CheckArgs, CheckedArtifact, complain_softly};
use crate::cli::args::Output;
use crate::gate::{Case, Observer};
use crate::probe::{Outage, TransfersNow};
use crate::report::bounds::Room;
use crate::report::log::LogWriter;
use crate::report::model::{ArtifactReport, Report};
use crate::report::progress::{OutageNotes, Progress};
use crate::text::count;
use crate::verdict::{Outcome, Verdict};

pub(super) type Log = LogWriter<Box<dyn Write>>;

/// Tells how the run goes, while it goes: a log line for each artifact in the order of the documents, or a
/// progress bar on a terminal.
pub(super) struct RunObserver<'s> {
    subjects: &'s [CheckedArtifact<'s>],
    cases: &'s [Case],
    log: Option<Log>,
    progress: Progress,
    outages: OutageNotes,
    quiet: bool,
    /// Of thousands of artifacts of branches nobody reads the passes one by one.
    says_passes: bool,
    /// The reports so far; those before `told` were told.
    reports: Vec<Option<ArtifactReport>>,
    told: usize,
    /// What is left for texts of artifacts in all outputs.
    room: Room,
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
            says_passes: !args.refs.is_asked(),
            reports: vec![None; subjects.len()],
            told: 0,
            room: Room::default(),
        }
    }

    pub(super) fn begin(&mut self, report: &Report) {
        if let Some(log) = &mut self.log {
            // Where nobody reads, the reports and the exit status still tell.
            let _ = log.header(report);
        }
    }

    fn tell(&mut self) {
        let before = self.told;
        while let Some(Some(report)) = self.reports.get(self.told) {
            if let Some(log) = &mut self.log
                && (self.says_passes || report.verdict != Verdict::Pass)
            {
                let _ = log.artifact(report);
            }
            self.told += 1;
        }
        if let Some(log) = &mut self.log
            && self.told > before
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
            None => self.progress.suspend(|| complain_softly(news)),
        }
    }

    /// The reports, and the log if there is one.
    pub(super) fn into_artifacts(mut self, outcomes: &[Outcome]) -> (Vec<ArtifactReport>, Option<Log>) {
        self.tell();
        self.progress.finish();
        let reports = std::mem::take(&mut self.reports);
        let all = reports.into_iter().zip(self.subjects).zip(self.cases).zip(outcomes);
        let artifacts = all.map(|(((report, subject), case), outcome)| {
            report.unwrap_or_else(|| {
                let mut report = subject.report(Some(case), outcome);
                self.room.fit(&mut report);
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
        self.room.fit(&mut report);
        self.progress.tick(report.verdict);
        if let Some(slot) = self.reports.get_mut(index) {
            *slot = Some(report);
        }
        self.tell();
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
