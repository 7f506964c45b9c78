//! Starts the built program. Tests start it only through this module.

#![allow(dead_code, reason = "each test program uses what it needs")]

use std::ffi::OsStr;
use std::process::Command;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_art-mirror-validate");

/// The program with only `PATH` in its environment, for git and gpgv.
pub(crate) fn program<A: AsRef<OsStr>>(arguments: &[A]) -> Command {
    let mut command = clean(PROGRAM);
    command.args(arguments);
    command
}

/// Any program with only `PATH` in its environment.
pub(crate) fn clean(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}
