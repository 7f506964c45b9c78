//! The files in `ci/` have the format that their consumers read, and the commands in them work. Also, conventions of
//! all source files.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test helpers can panic like tests"
)]

#[path = "../support/binary.rs"]
mod binary;
mod ci_operator;
mod gate;
#[path = "../support/ground.rs"]
mod ground;
mod image;
mod prow;
mod scripts;
mod shape;
mod signals;
mod sources;
mod world;
