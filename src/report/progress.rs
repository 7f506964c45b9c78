//! How far a run is, for a person who waits: at a terminal or in front of a log.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, HumanDuration, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::http::Outage;
use crate::probe::TransfersNow;
use crate::report::model::Summary;
use crate::text::{Printable, count};
use crate::verdict::Verdict;

/// The most files that have a bar of their own.
const MOST_BARS: usize = 12;

/// How often a log says how downloads go.
const LOG_INTERVAL: Duration = Duration::from_secs(10);

/// How long a host must be down before it is worth a line, and how often the line is repeated.
const OUTAGE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Bars on standard error; none at all where that is no terminal.
#[derive(Debug)]
pub struct Progress {
    multi: MultiProgress,
    artifacts: ProgressBar,
    counts: Summary,
    /// All downloads together, once there are any.
    downloads: Option<ProgressBar>,
    files: HashMap<u64, ProgressBar>,
    /// How many files there are to read, as far as it was known the last time.
    known: usize,
    said: Option<Instant>,
}

impl Progress {
    /// A bar for so many artifacts.
    pub fn new(total: usize) -> Self {
        Self::drawn(total, ProgressDrawTarget::stderr())
    }

    /// No bar, wherever standard error goes: for `--quiet`.
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
            known: 0,
            said: None,
        }
    }

    /// One more artifact is known: shows how many there are of each verdict.
    pub fn tick(&mut self, verdict: Verdict) {
        self.counts.count(verdict);
        let Summary { artifacts, failed, inconclusive, .. } = self.counts;
        let counts = [(failed, "✗", "failed"), (inconclusive, "?", "undetermined")];
        let bad = counts.into_iter().filter(|(number, ..)| *number > 0);
        let bad: Vec<String> = bad.map(|(number, sign, word)| format!("{sign} {number} {word}")).collect();
        self.artifacts.set_message(bad.join(", "));
        self.artifacts.set_position(u64::try_from(artifacts).unwrap_or(u64::MAX));
    }

    /// Shows how far downloads are, each of them and all together. The line for a log, if it is time for one.
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
        for file in now.files.iter().take(MOST_BARS).filter(|_| !multi.is_hidden()) {
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
        let line = match self.said {
            Some(said) => (said.elapsed() >= LOG_INTERVAL).then_some(line),
            // Beforehand: as soon as no more files join those that are known.
            None if self.known == files => {
                Some(format!("reading the content of {}, {total}", count(files, "file")))
            }
            None => None,
        };
        self.known = files;
        line.inspect(|_| self.said = Some(Instant::now()))
    }

    /// Runs something that writes to the terminal, with the bars out of its way.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.multi.suspend(write)
    }

    /// Takes the bars away, so that the summary stands alone.
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

/// What was told of hosts that are down, and when.
#[derive(Debug, Default)]
pub struct OutageNotes(HashMap<String, Instant>);

impl OutageNotes {
    /// The lines that are due: `HOST: the server answered 503 Service Unavailable, asking again for 1m45s more`.
    pub fn due(&mut self, now: Instant, outages: &[Outage]) -> Vec<String> {
        let (worth_telling, interval) = OUTAGE;
        self.0.retain(|host, _| outages.iter().any(|outage| outage.host == *host));
        let mut lines = Vec::new();
        for Outage { host, why, lasted, left } in outages {
            let told = self.0.get(host).is_some_and(|told| now.saturating_duration_since(*told) < interval);
            if *lasted >= worth_telling && !told {
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
    fn only_what_is_not_well_is_said() {
        let mut progress = Progress::hidden();
        for (verdict, says) in [
            (Verdict::Pass, ""),
            (Verdict::Fail, "✗ 1 failed"),
            (Verdict::Inconclusive, "✗ 1 failed, ? 1 undetermined"),
            (Verdict::Fail, "✗ 2 failed, ? 1 undetermined"),
        ] {
            progress.tick(verdict);
            assert_eq!(progress.artifacts.message(), says);
        }
        assert_eq!(progress.artifacts.position(), 4);
        assert_eq!(progress.suspend(|| 7), 7);
        progress.finish();
        assert!(progress.artifacts.is_finished() && progress.artifacts.is_hidden());
    }

    #[test]
    fn a_log_hears_of_downloads_now_and_then() {
        let mut progress = Progress::hidden();
        let file = FileProgress { id: 3, name: "a.iso".into(), received: 0, size: Some(10) };
        let total = 1 << 30;
        let now = TransfersNow { files: vec![file], waiting: 5, done: 3, total, ..TransfersNow::default() };
        assert_eq!(progress.downloading(&now), None);
        let announced = progress.downloading(&now);
        assert_eq!(announced.as_deref(), Some("reading the content of 9 files, 1.00 GiB"));
        assert_eq!(progress.downloading(&now), None);
        progress.said = Instant::now().checked_sub(LOG_INTERVAL);
        let line = progress.downloading(&TransfersNow { received: total / 2, ..now.clone() });
        let line = line.unwrap();
        assert!(line.starts_with("downloaded 512.00 MiB of 1.00 GiB in 3 of 9 files, "), "{line}");
        assert_eq!(progress.downloading(&now), None);
        progress.finish();
    }

    #[test]
    fn an_outage_is_told_of_once_it_lasts_and_now_and_then() {
        let outage = |lasted| Outage {
            host: "mirror.example".to_owned(),
            why: "the server answered 503 Service Unavailable".to_owned(),
            lasted: Duration::from_millis(lasted),
            left: Duration::from_millis(120_000 - lasted),
        };
        let (mut notes, began) = (OutageNotes::default(), Instant::now());
        let mut told = |at: u64| notes.due(began + Duration::from_millis(at), &[outage(at)]);
        assert!(told(200).is_empty());
        let line =
            "mirror.example: the server answered 503 Service Unavailable, asking again for 1m 58s more";
        assert_eq!(told(1_200), [line]);
        assert!(told(20_000).is_empty());
        assert_eq!(told(40_000).len(), 1);
        // Back, and down again.
        let at = |seconds| began + Duration::from_secs(seconds);
        assert!(notes.due(at(41), &[]).is_empty());
        assert_eq!(notes.due(at(43), &[outage(1_000)]).len(), 1);
    }
}
