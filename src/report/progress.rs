//! The progress of a run, for a terminal and for a log.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::http::Outage;
use crate::probe::TransfersNow;
use crate::report::model::Summary;
use crate::text::{Printable, count};
use crate::verdict::Verdict;

/// The most downloads with a bar of their own.
const MAX_BARS: usize = 12;

/// The interval of log lines about downloads.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// The shortest outage of a host that gets a line.
const MIN_OUTAGE: Duration = Duration::from_secs(1);

/// The interval of lines about an outage.
const OUTAGE_INTERVAL: Duration = Duration::from_secs(30);

/// Progress bars on standard error; hidden if it is not a terminal.
#[derive(Debug)]
pub struct Progress {
    multi: MultiProgress,
    artifacts: ProgressBar,
    counts: Summary,
    /// All downloads together, once there are any.
    downloads: Option<ProgressBar>,
    files: HashMap<u64, ProgressBar>,
    /// The number of files to read at the last update.
    last_count: usize,
    last_line: Option<Instant>,
}

impl Progress {
    /// A bar for `total` artifacts.
    pub fn new(total: usize) -> Self {
        Self::drawn(total, ProgressDrawTarget::stderr())
    }

    /// No bars, for `--quiet`.
    pub fn hidden() -> Self {
        Self::drawn(0, ProgressDrawTarget::hidden())
    }

    fn drawn(total: usize, target: ProgressDrawTarget) -> Self {
        let multi = MultiProgress::with_draw_target(target);
        let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
        let artifacts = styled(multi.add(bar), "{bar:30.cyan/dim} {pos}/{len} {wide_msg} {elapsed:.dim}");
        Self {
            multi,
            artifacts,
            counts: Summary::default(),
            downloads: None,
            files: HashMap::new(),
            last_count: 0,
            last_line: None,
        }
    }

    /// Adds the verdict of an artifact to the bar.
    pub fn tick(&mut self, verdict: Verdict) {
        self.counts.count(verdict);
        let Summary { artifacts, failed, inconclusive, .. } = self.counts;
        let counts = [(failed, "✗", "failed"), (inconclusive, "?", "undetermined")];
        let counts = counts.into_iter().filter(|(number, ..)| *number > 0);
        let parts: Vec<String> =
            counts.map(|(number, sign, word)| format!("{sign} {number} {word}")).collect();
        self.artifacts.set_message(parts.join(", "));
        self.artifacts.set_position(u64::try_from(artifacts).unwrap_or(u64::MAX));
    }

    /// Updates the bars of downloads, and returns a line for the log if one is due.
    pub fn downloading(&mut self, now: &TransfersNow) -> Option<String> {
        let all = self.downloads.get_or_insert_with(|| {
            styled(self.multi.add(ProgressBar::new(0)), "{msg}, {binary_bytes_per_sec}, {eta} left")
        });
        let files = now.done.saturating_add(now.waiting).saturating_add(now.files.len());
        let (received, total) = (BinaryBytes(now.received), BinaryBytes(now.total));
        let done = format!("{received} of {total} in {} of {}", now.done, count(files, "file"));
        all.set_length(now.total);
        all.set_message(done.clone());
        all.set_position(now.received);
        let line = format!("downloaded {done}, {}, {} left", rate(all), HumanDuration(all.eta()));
        self.files.retain(|id, bar| {
            let stays = now.files.iter().any(|file| file.id == *id);
            if !stays {
                bar.finish_and_clear();
                self.multi.remove(bar);
            }
            stays
        });
        let multi = &self.multi;
        for file in now.files.iter().take(MAX_BARS).filter(|_| !multi.is_hidden()) {
            let bar = self.files.entry(file.id).or_insert_with(|| {
                let (bar, template) = match file.size {
                    Some(size) => (
                        ProgressBar::new(size),
                        "  {wide_msg} {bar:12.cyan/dim} {binary_bytes:>10}/{binary_total_bytes:10}",
                    ),
                    None => (ProgressBar::new_spinner(), "  {wide_msg} {binary_bytes:>10}"),
                };
                let bar = styled(multi.insert(0, bar), template);
                bar.set_message(Printable(&file.name).to_string());
                bar
            });
            bar.set_position(file.received);
        }
        let line = match self.last_line {
            Some(last) => (last.elapsed() >= LOG_INTERVAL).then_some(line),
            // The first line announces the downloads, once their number is stable.
            None if self.last_count == files => {
                Some(format!("reading the content of {}, {total}", count(files, "file")))
            }
            None => None,
        };
        self.last_count = files;
        line.inspect(|_| self.last_line = Some(Instant::now()))
    }

    /// Hides the bars while `write` writes to the terminal.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.multi.suspend(write)
    }

    /// Removes the bars.
    pub fn finish(&mut self) {
        let files = self.files.drain().map(|(_, bar)| bar);
        files.chain(self.downloads.take()).for_each(|bar| bar.finish_and_clear());
        self.artifacts.finish_and_clear();
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shown rounded")]
fn rate(bar: &ProgressBar) -> String {
    format!("{}/s", BinaryBytes(bar.per_sec() as u64))
}

/// The hosts whose outage was reported, and when.
#[derive(Debug, Default)]
pub struct OutageNotes(HashMap<String, Instant>);

impl OutageNotes {
    /// The lines that are due: `HOST: the server answered 503 Service Unavailable, asking again for 1m45s more`.
    pub fn due(&mut self, now: Instant, outages: &[Outage]) -> Vec<String> {
        self.0.retain(|host, _| outages.iter().any(|outage| outage.host == *host));
        let mut lines = Vec::new();
        for Outage { host, why, lasted, left } in outages {
            let last = self.0.get(host);
            let is_due = last.is_none_or(|last| now.saturating_duration_since(*last) >= OUTAGE_INTERVAL);
            if *lasted >= MIN_OUTAGE && is_due {
                self.0.insert(host.clone(), now);
                let left = humantime::format_duration(Duration::from_secs(left.as_secs()));
                lines.push(format!("{host}: {why}, asking again for {left} more"));
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::FileProgress;

    #[test]
    fn the_bar_counts_artifacts_that_did_not_pass() {
        let mut progress = Progress::hidden();
        for (verdict, message) in [
            (Verdict::Pass, ""),
            (Verdict::Fail, "✗ 1 failed"),
            (Verdict::Inconclusive, "✗ 1 failed, ? 1 undetermined"),
            (Verdict::Fail, "✗ 2 failed, ? 1 undetermined"),
        ] {
            progress.tick(verdict);
            assert_eq!(progress.artifacts.message(), message);
        }
        assert_eq!(progress.artifacts.position(), 4);
        assert_eq!(progress.suspend(|| 7), 7);
        progress.finish();
        assert!(progress.artifacts.is_finished() && progress.artifacts.is_hidden());
    }

    #[test]
    fn a_log_gets_lines_about_downloads_at_intervals() {
        let mut progress = Progress::hidden();
        let file = FileProgress { id: 3, name: "a.iso".into(), received: 0, size: Some(10) };
        let total = 1 << 30;
        let now = TransfersNow { files: vec![file], waiting: 5, done: 3, total, ..TransfersNow::default() };
        assert_eq!(progress.downloading(&now), None);
        let announced = progress.downloading(&now);
        assert_eq!(announced.as_deref(), Some("reading the content of 9 files, 1.00 GiB"));
        assert_eq!(progress.downloading(&now), None);
        progress.last_line = Instant::now().checked_sub(LOG_INTERVAL);
        let line = progress.downloading(&TransfersNow { received: total / 2, ..now.clone() });
        let line = line.unwrap();
        assert!(line.starts_with("downloaded 512.00 MiB of 1.00 GiB in 3 of 9 files, "), "{line}");
        assert_eq!(progress.downloading(&now), None);
        progress.finish();
    }

    #[test]
    fn a_lasting_outage_gets_lines_at_intervals() {
        let outage = |lasted| Outage {
            host: "mirror.example".to_owned(),
            why: "the server answered 503 Service Unavailable".to_owned(),
            lasted: Duration::from_millis(lasted),
            left: Duration::from_millis(120_000 - lasted),
        };
        let (mut notes, began) = (OutageNotes::default(), Instant::now());
        let mut due = |at: u64| notes.due(began + Duration::from_millis(at), &[outage(at)]);
        assert!(due(200).is_empty());
        let line =
            "mirror.example: the server answered 503 Service Unavailable, asking again for 1m 58s more";
        assert_eq!(due(1_200), [line]);
        assert!(due(20_000).is_empty());
        assert_eq!(due(40_000).len(), 1);
        // The host recovers and goes down again.
        let at = |seconds| began + Duration::from_secs(seconds);
        assert!(notes.due(at(41), &[]).is_empty());
        assert_eq!(notes.due(at(43), &[outage(1_000)]).len(), 1);
    }
}
