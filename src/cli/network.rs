//! The runtime, signal handling and progress bar that commands with network access share.

use std::future::Future;
use std::io::Write;
use std::pin::Pin;

use tokio::time::Instant;

use super::signals::{self, Interrupt};
use super::{Exit, print_error};
use crate::gate::{self, Case, Clouds, Ended, Observer, TimeLimits};
use crate::probe::Prober;
use crate::report::progress::Progress;
use crate::text::Printable;
use crate::verdict::Outcome;

/// Resolves on SIGINT or SIGTERM.
pub(super) type Stop<'s> = Pin<&'s mut dyn Future<Output = Interrupt>>;

/// Runs a command, which must end when `Stop` resolves.
pub(super) fn run(command: impl AsyncFnOnce(Stop<'_>) -> Exit) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            print_error(format!("cannot set up the network: {error}"));
            return Exit::Inconclusive;
        }
    };
    let exit = runtime.block_on(async {
        match signals::next() {
            Ok(stop) => command(std::pin::pin!(stop)).await,
            Err(error) => {
                print_error(format!("cannot handle signals: {error}"));
                Exit::Inconclusive
            }
        }
    });
    // The process is about to exit, and dropping the runtime would delay that: by a second for ten thousand concurrent
    // requests on one connection, and by the whole duration of a pending name resolution.
    std::mem::forget(runtime);
    exit
}

/// The result of `work`. The error is the exit status of a command that is interrupted first.
pub(super) async fn unless_stopped<T>(stop: &mut Stop<'_>, work: impl Future<Output = T>) -> Result<T, Exit> {
    tokio::select! {
        biased;
        interrupt = stop => Err(interrupt.exit),
        done = work => Ok(done),
    }
}

/// Judges every case, with a progress bar. The error is the exit status of an interrupted command.
pub(super) async fn judge(
    prober: &Prober,
    cases: &[Case],
    deadline: Option<Instant>,
    stop: Stop<'_>,
    quiet: bool,
) -> Result<Vec<Outcome>, Exit> {
    let mut ticker = Ticker(if quiet { Progress::hidden() } else { Progress::new(cases.len()) });
    let limits = TimeLimits { deadline, wait: None };
    let judged = gate::run(prober, cases, Clouds::default(), limits, stop, &mut ticker).await;
    ticker.0.finish();
    match judged.ended {
        Some(Ended::Stopped(interrupt)) => Err(interrupt.exit),
        Some(Ended::Deadline) | None => Ok(judged.artifacts),
    }
}

/// Prints a note that is not an error to standard error.
pub(super) fn print_note(note: &str) {
    // A failure to write to standard error cannot be reported anywhere.
    let _ = writeln!(anstream::stderr(), "{}", Printable(note));
}

struct Ticker(Progress);

impl Observer for Ticker {
    fn judged(&mut self, _index: usize, outcome: &Outcome) {
        self.0.tick(outcome.verdict());
    }
}
