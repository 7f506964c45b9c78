//! The gate's day, offline: a boot-image bump from the pull request to the merge.
//!
//! ```text
//! cargo run --release --example rehearsal [CHECKOUT]
//! ```
//!
//! The bridge and the mirror are embedded, on loopback, behind their hosts' names by a proxy of their own. What is
//! run against them is the program itself: this example starts itself again as `art-mirror-validate`.

mod play;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use art_mirror_validate::cli;

/// Set in the environment of the second self, which is the program.
const AS_THE_PROGRAM: &str = "REHEARSAL_AS_THE_PROGRAM";

fn main() -> ExitCode {
    use std::process::Termination as _;
    if std::env::var_os(AS_THE_PROGRAM).is_some() {
        return cli::main().report();
    }
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/checkout");
    let checkout = std::env::args_os().nth(1).map_or(bundled, PathBuf::from);
    let played = std::env::current_exe().map_err(Into::into).and_then(|itself| {
        let program = move || {
            let mut program = Command::new(&itself);
            program.env_clear().env(AS_THE_PROGRAM, "1");
            program
        };
        play::rehearse(&checkout, program, Box::new(io::stdout()))
    });
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use io::Write as _;
            let _ = writeln!(io::stderr(), "\nThe rehearsal failed: {error}");
            ExitCode::FAILURE
        }
    }
}
