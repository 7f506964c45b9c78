//! Rehearses a boot-image bump offline, from the pull request to the merge.
//!
//! ```text
//! cargo run -p rehearsal [CHECKOUT]
//! ```
//!
//! The bridge and the mirror run in this process on loopback; an embedded proxy gives them their host names. To run a
//! command of the program, this binary starts itself as `art-mirror-validate`.

mod documents;
mod lab;
mod steps;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use art_mirror_validate::cli;

/// Set in the environment of child processes that run as `art-mirror-validate`.
pub(crate) const AS_THE_PROGRAM: &str = "REHEARSAL_AS_THE_PROGRAM";

fn main() -> ExitCode {
    use std::process::Termination as _;
    if std::env::var_os(AS_THE_PROGRAM).is_some() {
        return cli::main().report();
    }
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/checkout");
    let checkout = std::env::args_os().nth(1).map_or(bundled, PathBuf::from);
    match steps::run_all(&checkout) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "\nThe rehearsal failed: {error}");
            ExitCode::FAILURE
        }
    }
}
