//! Arguments, environment and exit statuses; one file per command.

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

/// The program's version, with the commit it was built from if known.
pub const fn version() -> &'static str {
    env!("ART_MIRROR_VALIDATE_VERSION")
}

/// Parses the command line and runs the command.
pub fn main() -> Exit {
    completions::complete().unwrap_or_else(|| match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(error) => without_bad_suggestion(error).exit(),
    })
}

/// Removes clap's suggestion to put an unknown option after `--`, where it would be a file name.
fn without_bad_suggestion(mut error: clap::Error) -> clap::Error {
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

/// Runs the command of a parsed command line.
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

/// Enables logging as `RUST_LOG` says, or else `-v` and `-vv`.
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
        Err(error) => return print_error(format!("{}: {error}", env::RUST_LOG)),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    // If an embedding program calls this twice, the first subscriber stays.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// Writes to standard output, and returns the exit status: `exit`, unless the output is incomplete.
pub(crate) fn print(
    exit: Exit,
    write: impl FnOnce(&mut BufWriter<StdoutLock<'_>>) -> io::Result<()>,
) -> Exit {
    let mut out = BufWriter::new(io::stdout().lock());
    printed(write(&mut out).and_then(|()| out.flush()), exit)
}

/// The exit status of a command after it wrote to standard output: with incomplete output it cannot be a pass.
pub(crate) fn printed(written: io::Result<()>, exit: Exit) -> Exit {
    match check_written(written) {
        Ok(()) => exit,
        Err(problem) => {
            print_error(problem);
            if exit == Exit::Pass { Exit::Inconclusive } else { exit }
        }
    }
}

/// Returns an error if standard output is incomplete, for example on a full disk. A closed pipe is not an error: its
/// reader has read enough.
pub(crate) fn check_written(written: io::Result<()>) -> Result<(), String> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("standard output: {error}")),
        _ => Ok(()),
    }
}

/// Prints why a command cannot run, and returns its exit status.
pub(crate) fn unusable(problem: impl std::fmt::Display) -> Exit {
    print_error(problem);
    Exit::Unusable
}

/// Prints an error to standard error.
pub(crate) fn print_error(problem: impl std::fmt::Display) {
    let mut stderr = anstream::stderr().lock();
    // A failure to write to standard error cannot be reported anywhere.
    for line in problem.to_string().lines() {
        let _ = writeln!(stderr, "error: {line}");
    }
}
