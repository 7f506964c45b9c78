//! Reports as text, JSON, `JUnit`, HTML and Markdown. Nothing here uses the network.
//!
//! Every output is rendered from one [`Report`](model::Report), which `overview` summarizes for all of them:
//!
//! | module | output for |
//! | --- | --- |
//! | [`log`] | readers of a job's log, and Spyglass, which highlights some of its lines |
//! | [`summary`] | a terminal, or the end of a log |
//! | [`json`] | programs |
//! | [`junit`] | Spyglass's `JUnit` lens, and the histories of Testgrid and Sippy |
//! | [`html`] | people who open a failed check |
//! | [`markdown`] | a comment on the pull request |
//! | [`files`] | `$ARTIFACTS`, the directory of a job's reports |
//! | [`progress`] | people who wait for a run |

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
