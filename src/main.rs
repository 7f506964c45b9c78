//! The `art-mirror-validate` command.

use art_mirror_validate::cli::{self, Exit};

/// With 100,000 artifacts, most of the time is spent in the system's allocator, even more so with musl.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Exit {
    cli::main()
}
