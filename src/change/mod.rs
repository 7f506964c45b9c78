//! What a bump changes: two copies of stream documents, compared artifact by artifact.
//!
//! `diff` shows all of it; `check --base` says of each artifact whether the pull request changes it.

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
