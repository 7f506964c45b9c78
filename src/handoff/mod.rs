//! What surrounds a bump: the request to ART, what a mirror must keep.

pub mod directory;
pub mod mirror;
pub mod request;
pub mod retention;
pub mod sync;

#[cfg(test)]
mod schemas;
