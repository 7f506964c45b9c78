//! SIGINT and SIGTERM.

use std::future::Future;
use std::io;

use tokio::signal::unix::{SignalKind, signal};

use super::Exit;

/// A signal that ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// SIGINT, a person's Ctrl-C.
    Interrupted,
    /// SIGTERM, Prow's abort.
    Terminated,
}

impl Interrupt {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Interrupted => "SIGINT",
            Self::Terminated => "SIGTERM",
        }
    }

    pub(super) const fn exit(self) -> Exit {
        match self {
            Self::Interrupted => Exit::Interrupted,
            Self::Terminated => Exit::Terminated,
        }
    }
}

/// The next of the two signals. From this call on they no longer end the process by themselves.
pub(super) fn next() -> io::Result<impl Future<Output = Interrupt>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => Interrupt::Interrupted,
            _ = terminate.recv() => Interrupt::Terminated,
        }
    })
}
