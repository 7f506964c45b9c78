//! Verdicts as text, JSON, `JUnit`, HTML and Markdown. Nothing here touches the network.
//!
//! Everything is rendered from one [`Report`](model::Report) and one [`RunContext`], by reader:
//!
//! | module | for |
//! | --- | --- |
//! | [`terminal`] | a person at a terminal |
//! | [`log`] | a person who reads a job's log, and Spyglass, which highlights its lines |
//! | [`json`] | programs |
//! | [`junit`] | Spyglass's `JUnit` lens, Testgrid's and Sippy's history |
//! | [`html`] | a person who clicks a red check |
//! | [`markdown`] | a comment on the pull request |
//! | [`files`] | the ones that a job leaves in `$ARTIFACTS` |
//! | [`progress`] | a person who waits |

mod advice;
pub mod bounds;
mod build;
mod context;
mod facts;
pub mod files;
mod group;
pub mod html;
pub mod json;
pub mod junit;
pub mod log;
pub mod markdown;
mod merge;
pub mod model;
mod outages;
pub mod progress;
#[cfg(test)]
pub(crate) mod sample;
pub mod terminal;
mod transfers;
mod words;

pub use advice::advise;
pub use context::{DocumentContext, ProwContext, RunContext, SkippedFile};
pub use merge::{MergeError, merge};
pub use outages::OutageNotes;
pub use transfers::LogPace;
