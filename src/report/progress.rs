//! How far a run is, for a person who waits.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error; none at all where that is no terminal.
#[derive(Debug)]
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar for so many artifacts.
    pub fn new(total: usize) -> Self {
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30.cyan/dim} {pos}/{len} {msg} {elapsed:.dim}")
        {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self(bar)
    }

    /// No bar, wherever standard error goes: for `--quiet`.
    pub fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Shows how many artifacts of each verdict are known by now.
    pub fn tick(&self, passed: usize, failed: usize, inconclusive: usize) {
        let done = passed.saturating_add(failed).saturating_add(inconclusive);
        self.0.set_message(message(failed, inconclusive));
        self.0.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    }

    /// Runs something that writes to the terminal, with the bar out of its way.
    pub fn suspend<T>(&self, write: impl FnOnce() -> T) -> T {
        self.0.suspend(write)
    }

    /// Takes the bar away, so that the summary stands alone.
    pub fn finish(&self) {
        self.0.finish_and_clear();
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
        let progress = Progress::hidden();
        progress.tick(2, 1, 0);
        assert_eq!((progress.0.position(), progress.0.message().as_str()), (3, "✗ 1 failed"));
        assert_eq!(progress.suspend(|| 7), 7);
        progress.finish();
        assert!(progress.0.is_finished() && progress.0.is_hidden());
    }
}
