//! The judge: expectation × evidence → outcome.
//!
//! Pure: no I/O, no clock, and no knowledge of how evidence is gathered or how an outcome is shown.

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
