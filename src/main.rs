//! The `art-mirror-validate` command.

use art_mirror_validate::cli::{self, Exit};

fn main() -> Exit {
    cli::main()
}
