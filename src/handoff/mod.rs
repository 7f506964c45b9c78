//! What surrounds a bump: the request to ART, what a bump changes, what a mirror must keep.

pub mod diff;
pub mod git;
pub mod mirror;
pub mod retention;
pub mod sync;

#[cfg(test)]
mod schemas;
