//! The judge: expectation × evidence → outcome.
//!
//! Everything here is pure: no I/O, no clock, no idea of how evidence was got or how an outcome is shown.

mod expectation;
mod reason;

pub use expectation::SizeSource;
pub use reason::{Reason, Verdict};
