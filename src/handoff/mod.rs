//! Mirroring a bump's files, and what mirrors must retain.

pub mod directory;
pub mod mirror;
pub mod request;
pub mod retention;
pub mod sync;

#[cfg(test)]
mod schemas;
