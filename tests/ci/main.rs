//! The files in `ci/`: their format is what their consumers read, and the commands in them do what they are for. Also
//! the conventions of all sources.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail as its test does"
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
