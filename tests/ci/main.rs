//! The files in `ci/`: they have the shape that their consumers read, and the commands in them do what they are
//! for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "the helpers of a test fail as its test does, and say what they skip"
)]

mod ci_operator;
mod gate;
mod image;
mod prow;
mod scripts;
mod shape;
mod signals;
mod world;
