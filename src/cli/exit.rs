//! The exit statuses.

use std::process::{ExitCode, Termination};

#[expect(missing_docs, reason = "`about` describes each")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Pass = 0,
    Fail = 1,
    Unusable = 2,
    Inconclusive = 3,
    /// 128 + SIGINT.
    Interrupted = 130,
    /// 128 + SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// All exit statuses.
    pub const ALL: &[Self] =
        &[Self::Pass, Self::Fail, Self::Unusable, Self::Inconclusive, Self::Interrupted, Self::Terminated];

    /// The meaning, for the manual page.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Pass => "Every artifact passed, or the command did what it was asked.",
            Self::Fail => "At least one artifact is missing, wrong or not at a published location.",
            Self::Unusable => "Usage error or unusable document; nothing was requested.",
            Self::Inconclusive => {
                "Nothing is known to be wrong, but something could not be determined: a server was unreachable or kept failing, or the deadline passed."
            }
            Self::Interrupted => "Interrupted by SIGINT; the reports contain what was known.",
            Self::Terminated => "Terminated by SIGTERM; the reports contain what was known.",
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}
