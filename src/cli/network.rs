//! What commands that use the network share: the runtime, signals, a look at many files.

use std::future::Future;
use std::io::Write;
use std::pin::Pin;

use tokio::time::Instant;

use super::signals::{self, Interrupt};
use super::{Exit, complain};
use crate::gate::{self, Case, Clouds, Ended, Observer, TimeLimits};
use crate::probe::Prober;
use crate::report::progress::Progress;
use crate::text::Printable;
use crate::verdict::Outcome;

/// Until SIGINT or SIGTERM.
pub(super) type Stop<'s> = Pin<&'s mut dyn Future<Output = Interrupt>>;

/// Runs a command to its end, or to the signal that it is told of.
pub(super) fn run(command: impl AsyncFnOnce(Stop<'_>) -> Exit) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format!("cannot set up the network: {error}"));
            return Exit::Inconclusive;
        }
    };
    let exit = runtime.block_on(async {
        match signals::next() {
            Ok(stop) => command(std::pin::pin!(stop)).await,
            Err(error) => {
                complain(format!("cannot handle signals: {error}"));
                Exit::Inconclusive
            }
        }
    });
    // The process ends here, and has nothing left to say. Taking it all down in good order would hold up the end:
    // by a second for ten thousand requests under way on one connection, and for a name resolution by as long
    // as that takes.
    std::mem::forget(runtime);
    exit
}

/// What work comes to. The error is the exit status of a command that a signal ends before.
pub(super) async fn unless_stopped<T>(stop: &mut Stop<'_>, work: impl Future<Output = T>) -> Result<T, Exit> {
    tokio::select! {
        biased;
        interrupt = stop => Err(interrupt.exit),
        done = work => Ok(done),
    }
}

/// Judges every case, with a progress bar. The error is the exit status of a command that a signal ends.
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

/// Says something that is worth knowing, and no error.
pub(super) fn remark(note: &str) {
    // With standard error gone there is nobody left to tell.
    let _ = writeln!(anstream::stderr(), "{}", Printable(note));
}

struct Ticker(Progress);

impl Observer for Ticker {
    fn judged(&mut self, _index: usize, outcome: &Outcome) {
        self.0.tick(outcome.verdict());
    }
}
