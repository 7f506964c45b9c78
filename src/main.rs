//! The `art-mirror-validate` command.

use art_mirror_validate::cli::{self, Exit};

/// With 100,000 artifacts the system's allocator is what most of the time goes to; musl's all the more so.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Exit {
    cli::main()
}
