//! The `art-mirror-validate` command.

fn main() {}
