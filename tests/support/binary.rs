//! Starts the built program. No other code does.

#![allow(dead_code, reason = "each test program uses what it needs")]

use std::ffi::OsStr;
use std::process::Command;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_art-mirror-validate");

/// The program with nothing in its environment but `PATH`, where git and gpgv are.
pub(crate) fn program<A: AsRef<OsStr>>(arguments: &[A]) -> Command {
    let mut command = clean(PROGRAM);
    command.args(arguments);
    command
}

/// The same of another program, which may start this one.
pub(crate) fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}
