//! How far a run is, for a person who waits.

use std::time::Instant;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::transfers::Bars;
use crate::probe::TransfersNow;

/// A bar on standard error; none at all where that is no terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    multi: MultiProgress,
    bars: Bars,
}

impl Progress {
    /// A bar for so many artifacts.
    pub fn new(total: usize) -> Self {
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let bar = multi.add(ProgressBar::new(total));
        if let Ok(style) = ProgressStyle::with_template("{bar:30.cyan/dim} {pos}/{len} {msg} {elapsed:.dim}")
        {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self::of(bar, multi)
    }

    fn of(bar: ProgressBar, multi: MultiProgress) -> Self {
        Self { bar, bars: Bars::new(multi.clone()), multi }
    }

    /// No bar, wherever standard error goes: for `--quiet`.
    pub fn hidden() -> Self {
        let multi = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        Self::of(multi.add(ProgressBar::hidden()), multi)
    }

    /// Shows how many artifacts of each verdict are known by now.
    pub fn tick(&self, passed: usize, failed: usize, inconclusive: usize) {
        let done = passed.saturating_add(failed).saturating_add(inconclusive);
        self.bar.set_message(message(failed, inconclusive));
        self.bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    }

    /// Shows how far downloads are, each of them and all together.
    pub fn downloading(&mut self, now: &TransfersNow) {
        if !self.multi.is_hidden() {
            self.bars.show(Instant::now(), now);
        }
    }

    /// Runs something that writes to the terminal, with the bar out of its way.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.multi.suspend(write)
    }

    /// Takes the bar away, so that the summary stands alone.
    pub fn finish(&mut self) {
        self.bars.finish();
        self.bar.finish_and_clear();
    }
}

fn message(failed: usize, inconclusive: usize) -> String {
    match (failed, inconclusive) {
        (0, 0) => String::new(),
        (failed, 0) => format!("✗ {failed} failed"),
        (0, inconclusive) => format!("? {inconclusive} undetermined"),
        (failed, inconclusive) => format!("✗ {failed} failed, ? {inconclusive} undetermined"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_well_is_said() {
        assert_eq!(message(0, 0), "");
        assert_eq!(message(2, 0), "✗ 2 failed");
        assert_eq!(message(0, 1), "? 1 undetermined");
        assert_eq!(message(2, 1), "✗ 2 failed, ? 1 undetermined");
    }

    #[test]
    fn without_a_terminal_nothing_is_drawn() {
        let mut progress = Progress::hidden();
        progress.tick(2, 1, 0);
        assert_eq!((progress.bar.position(), progress.bar.message().as_str()), (3, "✗ 1 failed"));
        assert_eq!(progress.suspend(|| 7), 7);
        progress.finish();
        assert!(progress.bar.is_finished() && progress.bar.is_hidden());
    }
}
