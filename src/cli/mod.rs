//! Arguments, environment, exit status; one file per command.

mod args;
mod base;
mod check;
mod cloud;
mod command;
mod completions;
mod diff;
pub mod env;
mod exit;
mod filters;
mod lint;
mod load;
mod man;
mod merge;
mod mirror;
mod network;
mod prow;
mod refs;
mod resolve;
mod retention;
mod rewrite;
mod signals;
mod sync_list;
mod target;

pub use command::{Cli, Command};
pub use exit::Exit;

use std::io::{self, BufWriter, StdoutLock, Write};

use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The program's version, with the commit it was built from where that is known.
pub const fn version() -> &'static str {
    env!("ART_MIRROR_VALIDATE_VERSION")
}

/// The program: reads the command line and does what it says.
pub fn main() -> Exit {
    completions::answer().unwrap_or_else(|| match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(error) => with_good_advice(error).exit(),
    })
}

/// An error of usage without the advice to hide an unknown option behind `--`, which makes it a file name.
fn with_good_advice(mut error: clap::Error) -> clap::Error {
    let unknown = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    let misleads = matches!(error.get(ContextKind::Suggested), Some(ContextValue::StyledStrs(_)));
    if misleads {
        error.remove(ContextKind::Suggested);
    }
    if unknown == "--json" {
        error.insert(ContextKind::SuggestedArg, ContextValue::String("--output json".to_owned()));
    }
    error
}

/// Does what a command line says.
pub fn run(cli: Cli) -> Exit {
    log_to_stderr(cli.verbose);
    match cli.command {
        Command::Check(args) => check::run(*args, cli.quiet),
        Command::Resolve(args) => resolve::run(&args),
        Command::Rewrite(args) => rewrite::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man => man::run(),
        Command::Diff(args) => diff::run(&args),
        Command::Mirror(args) => mirror::run(&args, cli.quiet),
        Command::Retention(args) => retention::run(&args),
        Command::SyncList(args) => sync_list::run(&args, cli.quiet),
        Command::Lint(args) => lint::run(&args),
        Command::Merge(args) => merge::run(&args),
    }
}

/// Diagnostics for those who look into the program itself: `-v`, `-vv`, `RUST_LOG`.
fn log_to_stderr(verbose: u8) {
    let directives = env::value(env::RUST_LOG).unwrap_or_else(|| {
        match verbose {
            0 => return String::new(),
            1 => "art_mirror_validate=info",
            _ => "art_mirror_validate=debug",
        }
        .to_owned()
    });
    if directives.is_empty() {
        return;
    }
    let filter: Targets = match directives.parse() {
        Ok(filter) => filter,
        Err(error) => return complain(format!("{}: {error}", env::RUST_LOG)),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    // A second call, from an embedding program's second run, keeps the first's choice.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Writes standard output, and says how a command exits that would exit so.
pub(crate) fn print(
    exit: Exit,
    write: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> io::Result<()>,
) -> Exit {
    let mut out = BufWriter::new(io::stdout().lock());
    printed(write(&mut out).and_then(|()| out.flush()), exit)
}

/// The exit status of a command that has written its standard output so.
pub(crate) fn printed(written: io::Result<()>, exit: Exit) -> Exit {
    match whole(written) {
        Ok(()) => exit,
        Err(problem) => {
            complain(problem);
            if exit == Exit::Pass { Exit::Inconclusive } else { exit }
        }
    }
}

/// Whether standard output has all that its reader wants. One that has gone away has read enough; but nobody shall take
/// the part that a full disk has room for as the whole.
pub(crate) fn whole(written: io::Result<()>) -> Result<(), String> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(()),
    }
}

/// The exit of a command that cannot be carried out, once it has said why.
pub(crate) fn unusable(problem: impl std::fmt::Display) -> Exit {
    complain(problem);
    Exit::Unusable
}

/// Says on standard error why a command can't be done.
pub(crate) fn complain(problem: impl std::fmt::Display) {
    let mut stderr = anstream::stderr().lock();
    // With standard error gone there is nobody left to tell.
    for line in problem.to_string().lines() {
        let _ = writeln!(stderr, "error: {line}");
    }
}
