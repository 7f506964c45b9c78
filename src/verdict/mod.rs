//! The judge: expectation × evidence → outcome.
//!
//! Everything here is pure: no I/O, no clock, no idea of how evidence was got or how an outcome is shown.

mod cloud;
mod expectation;
mod finding;
mod judge;
mod reading;
mod reason;

pub use cloud::judge_cloud;
pub use expectation::{Expectation, SizeSource, Strictness, Verify};
pub use finding::Finding;
pub use judge::{Outcome, judge};
pub use reading::must_be_read;
pub use reason::{Reason, Verdict};

#[cfg(test)]
mod tests;
