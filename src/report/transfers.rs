//! How downloads go, for a person who waits: bytes, rate, time left.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use indicatif::{BinaryBytes, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};

use crate::probe::{FileProgress, TransfersNow};
use crate::text::{Printable, count, excerpt};

/// How often a log says how downloads go.
const LOG_INTERVAL: Duration = Duration::from_secs(30);

/// The most files that have a bar of their own.
const MOST_BARS: usize = 12;

/// The longest file name that is shown, in characters.
const MOST_NAME: usize = 48;

/// How much of the rate is the newest observation, for each second of it.
const SMOOTHING: f64 = 0.2;

/// The rate of all downloads, smoothed so that it can be read.
#[derive(Debug, Default)]
pub(super) struct Rate {
    last: Option<(Instant, u64)>,
    per_second: Option<f64>,
}

impl Rate {
    /// Takes note of the bytes that came so far, and says the rate in bytes per second.
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown in three digits")]
    pub(super) fn observe(&mut self, now: Instant, wire: u64) -> Option<f64> {
        let Some((then, before)) = self.last else {
            self.last = Some((now, wire));
            return None;
        };
        let seconds = now.saturating_duration_since(then).as_secs_f64();
        if seconds < 0.1 {
            return self.per_second;
        }
        self.last = Some((now, wire));
        let newest = wire.saturating_sub(before) as f64 / seconds;
        let weight = 1.0 - (1.0 - SMOOTHING).powf(seconds);
        let smoothed = self.per_second.map_or(newest, |old| old + (newest - old) * weight);
        self.per_second = Some(smoothed);
        self.per_second
    }
}

/// `5.00 GiB of 7.25 GiB in 3 of 9 files, 100.00 MiB/s, 22 seconds left`, as far as it is known.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shown rounded"
)]
fn summary(now: &TransfersNow, rate: Option<f64>) -> String {
    let all = now.done.saturating_add(now.waiting).saturating_add(now.files.len());
    let mut line = format!(
        "{} of {} in {} of {}",
        BinaryBytes(now.received),
        BinaryBytes(now.total),
        now.done,
        count(all, "file")
    );
    if let Some(rate) = rate.filter(|rate| *rate >= 1.0) {
        let left = now.total.saturating_sub(now.received) as f64 / rate;
        let _ = write!(line, ", {}/s", BinaryBytes(rate as u64));
        if let Ok(left) = Duration::try_from_secs_f64(left.ceil()) {
            let _ = write!(line, ", {} left", HumanDuration(left));
        }
    }
    line
}

/// A log's lines about downloads, one now and then.
#[derive(Debug, Default)]
pub struct LogPace {
    rate: Rate,
    said: Option<Instant>,
}

impl LogPace {
    /// The line to log, if it is time for one.
    pub fn line(&mut self, at: Instant, now: &TransfersNow) -> Option<String> {
        let rate = self.rate.observe(at, now.wire);
        let said = *self.said.get_or_insert(at);
        if at.saturating_duration_since(said) < LOG_INTERVAL {
            return None;
        }
        self.said = Some(at);
        Some(format!("downloaded {}", summary(now, rate)))
    }
}

/// A bar for each file under way, and a line for all.
#[derive(Debug)]
pub(super) struct Bars {
    multi: MultiProgress,
    files: HashMap<u64, ProgressBar>,
    all: Option<ProgressBar>,
    rate: Rate,
}

impl Bars {
    pub(super) fn new(multi: MultiProgress) -> Self {
        Self { multi, files: HashMap::new(), all: None, rate: Rate::default() }
    }

    pub(super) fn show(&mut self, at: Instant, now: &TransfersNow) {
        self.files.retain(|id, bar| {
            let stays = now.files.iter().any(|file| file.id == *id);
            if !stays {
                bar.finish_and_clear();
                self.multi.remove(bar);
            }
            stays
        });
        for file in now.files.iter().take(MOST_BARS) {
            let multi = &self.multi;
            let bar = self.files.entry(file.id).or_insert_with(|| multi.insert(0, file_bar(file)));
            bar.set_position(file.received);
        }
        let multi = &self.multi;
        let all = self.all.get_or_insert_with(|| {
            let bar = multi.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar
        });
        all.set_message(summary(now, self.rate.observe(at, now.wire)));
    }

    pub(super) fn finish(&mut self) {
        for (_, bar) in self.files.drain() {
            bar.finish_and_clear();
        }
        if let Some(all) = self.all.take() {
            all.finish_and_clear();
        }
    }
}

fn file_bar(file: &FileProgress) -> ProgressBar {
    let bar = file.size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = if file.size.is_some() {
        "  {msg:48!} {bar:20.cyan/dim} {binary_bytes:>10}/{binary_total_bytes:10} {binary_bytes_per_sec:>12} {eta:>4}"
    } else {
        "  {msg:48!} {binary_bytes:>10} {binary_bytes_per_sec:>12}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar.set_message(short(&file.name));
    bar
}

/// The end of a long name says more than its beginning: `…-metal.x86_64.raw.gz`.
fn short(name: &str) -> String {
    let name = Printable(name).to_string();
    let length = name.chars().count();
    if length <= MOST_NAME {
        return name;
    }
    let end: String = name.chars().skip(length - MOST_NAME + 1).collect();
    format!("…{}", excerpt(&end, MOST_NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(received: u64) -> TransfersNow {
        let file = FileProgress { id: 3, name: "a.iso".into(), received: 0, size: Some(10) };
        TransfersNow { files: vec![file], waiting: 5, done: 3, received, total: 1 << 30, wire: received }
    }

    #[test]
    fn a_summary_says_as_much_as_is_known() {
        assert_eq!(summary(&now(0), None), "0 B of 1.00 GiB in 3 of 9 files");
        assert_eq!(
            summary(&now(1 << 29), Some(f64::from(1 << 20))),
            "512.00 MiB of 1.00 GiB in 3 of 9 files, 1.00 MiB/s, 9 minutes left"
        );
        assert_eq!(summary(&now(0), Some(0.0)), "0 B of 1.00 GiB in 3 of 9 files");
    }

    #[test]
    fn a_log_has_a_line_now_and_then() {
        let start = Instant::now();
        let mut pace = LogPace::default();
        let lines: Vec<(u64, String)> = (0..=100)
            .filter_map(|second| {
                let line = pace.line(start + Duration::from_secs(second), &now(second << 20))?;
                Some((second, line))
            })
            .collect();
        assert_eq!(lines.iter().map(|(second, _)| *second).collect::<Vec<_>>(), [30, 60, 90]);
        assert!(lines[0].1.contains(", 1.00 MiB/s, "), "{lines:?}");
    }

    #[test]
    fn a_rate_is_smoothed_and_never_of_no_time() {
        let start = Instant::now();
        let mut rate = Rate::default();
        assert_eq!(rate.observe(start, 100), None);
        assert_eq!(rate.observe(start, 200), None);
        assert_eq!(rate.observe(start + Duration::from_secs(1), 1100), Some(1000.0));
        let slower = rate.observe(start + Duration::from_secs(2), 1100).unwrap();
        assert!((700.0..900.0).contains(&slower), "{slower}");
    }

    #[test]
    fn bars_come_and_go_with_their_files() {
        let mut bars = Bars::new(MultiProgress::with_draw_target(indicatif::ProgressDrawTarget::hidden()));
        let at = Instant::now();
        bars.show(at, &now(5));
        assert_eq!(bars.files.keys().copied().collect::<Vec<_>>(), [3]);
        bars.show(at, &TransfersNow { done: 1, ..TransfersNow::default() });
        assert!(bars.files.is_empty());
        bars.finish();
    }

    #[test]
    fn of_a_long_name_the_end_is_shown() {
        assert_eq!(short("a.iso"), "a.iso");
        let long = short(&format!("rhcos-{}-metal.x86_64.raw.gz", "9".repeat(60)));
        assert!(long.starts_with('…') && long.ends_with("-metal.x86_64.raw.gz"));
        assert_eq!(long.chars().count(), MOST_NAME);
    }
}
