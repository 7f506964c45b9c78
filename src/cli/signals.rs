//! SIGINT and SIGTERM.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

use super::Exit;

/// A signal that interrupts a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interrupt {
    pub(super) name: &'static str,
    pub(super) exit: Exit,
}

/// Resolves with the first of the two signals. From this call on, they no longer kill the process.
pub(super) fn next() -> io::Result<impl Future<Output = Interrupt>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            // Ctrl-C.
            _ = interrupt.recv() => Interrupt { name: "SIGINT", exit: Exit::Interrupted },
            // Sent by Prow when it aborts the job.
            _ = terminate.recv() => Interrupt { name: "SIGTERM", exit: Exit::Terminated },
        }
    })
}
