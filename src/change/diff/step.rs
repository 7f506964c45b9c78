//! Whether two copies of a stream have the same builds, and which has newer ones.

use std::cmp::Ordering;

use serde::Serialize;

use super::BuildChange;
use crate::location::BuildId;
use crate::stream::Document;

/// Whether two copies of one stream have the same builds: those of the installer and the bump repository, or of two
/// branches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Step {
    /// Which side has newer builds.
    pub newer: Newer,
    /// The same as one sentence.
    pub message: String,
}

/// Which of two copies has newer builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Newer {
    /// Neither: every architecture has the same builds.
    InStep,
    /// The old side, so that the change would be a downgrade.
    Old,
    /// The new side.
    New,
    /// Each side for some architectures.
    Mixed,
    /// The two are not copies of one stream.
    OtherStream,
    /// A release is not a build ID, the sides have different architectures, or builds differ and neither is newer.
    Unknown,
}

impl Step {
    pub(super) fn of(old: &Document, new: &Document, builds: &[BuildChange]) -> Self {
        let stream = &new.stream;
        if old.stream != new.stream {
            let message = format!("they are of different streams, {} and {stream}", old.stream);
            return Self { newer: Newer::OtherStream, message };
        }
        let mut ahead = (Vec::new(), Vec::new());
        let mut unknown = Vec::new();
        // An architecture that only one side has is neither older nor newer.
        let in_both = builds.iter().filter(|change| !change.old.is_empty() && !change.new.is_empty());
        for change in in_both {
            match order(change) {
                Some(Ordering::Greater) => ahead.0.push(&*change.arch),
                Some(Ordering::Less) => ahead.1.push(&*change.arch),
                Some(Ordering::Equal) | None => unknown.push(&*change.arch),
            }
        }
        let (newer, message) = match (ahead.0.as_slice(), ahead.1.as_slice(), unknown.as_slice()) {
            ([], [], []) if !builds.is_empty() => {
                (Newer::Unknown, "not in step: one has architectures that the other lacks".to_owned())
            }
            ([], [], []) => (Newer::InStep, format!("in step: both have the same builds of {stream}")),
            (_, _, [_, ..]) => (
                Newer::Unknown,
                format!("not in step; cannot determine which is newer for {}", unknown.join(", ")),
            ),
            ([], _, []) => (Newer::New, format!("not in step: the new side has newer builds of {stream}")),
            (_, [], []) => (
                Newer::Old,
                format!("not in step: the OLD side has newer builds of {stream}; this would be a downgrade"),
            ),
            (old, new, []) => (
                Newer::Mixed,
                format!(
                    "not in step: the old side is newer for {}, the new side for {}",
                    old.join(", "),
                    new.join(", ")
                ),
            ),
        };
        Self { newer, message }
    }
}

/// Compares the newest old build of an architecture with the newest new one.
fn order(change: &BuildChange) -> Option<Ordering> {
    let newest = |releases: &[std::sync::Arc<str>]| {
        let ages = releases.iter().map(|release| release.parse::<BuildId>().ok().map(|build| build.age()));
        ages.collect::<Option<Vec<_>>>()?.into_iter().max()
    };
    Some(newest(&change.old)?.cmp(&newest(&change.new)?))
}
