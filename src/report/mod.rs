//! Verdicts as text, JSON, `JUnit`, HTML and Markdown. Nothing here touches the network.
//!
//! Everything is rendered from one [`Report`](model::Report), and what it comes to is worked out in one place
//! (`overview`), by reader:
//!
//! | module | for |
//! | --- | --- |
//! | [`log`] | a person who reads a job's log, and Spyglass, which highlights its lines |
//! | [`summary`] | a person at a terminal, or at the end of a log |
//! | [`json`] | programs |
//! | [`junit`] | Spyglass's `JUnit` lens, Testgrid's and Sippy's history |
//! | [`html`] | a person who clicks a red check |
//! | [`markdown`] | a comment on the pull request |
//! | [`files`] | the ones that a job leaves in `$ARTIFACTS` |
//! | [`progress`] | a person who waits |

mod advice;
pub mod bounds;
mod build;
pub mod cloud;
pub mod files;
pub mod html;
pub mod json;
pub mod junit;
pub mod log;
pub mod markdown;
mod merge;
pub mod model;
mod overview;
pub mod progress;
mod prow;
pub mod refs;
#[cfg(test)]
pub(crate) mod sample;
pub mod summary;
mod words;
pub mod written;

pub use advice::advise;
pub use merge::merge;
pub use model::ProwContext;
