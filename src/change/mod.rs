//! What a bump changes: two versions of stream documents, compared artifact by artifact.
//!
//! `diff` shows all differences; `check --base` shows which artifacts the pull request changes.

mod artifacts;
pub mod diff;
mod missing;
mod pairing;
mod since_base;

pub use artifacts::{ArtifactChange, Difference, Pinned};
pub(crate) use missing::{Missing, missing, paths};
pub use pairing::PairedBy;
pub(crate) use pairing::Pairing;
pub use since_base::{Change, ChangeKind, Changes};
