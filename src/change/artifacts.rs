//! Artifacts that differ between two versions of a document.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::stream::{Artifact, ArtifactId, Document, Sha256};

/// One artifact that differs between two versions of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ArtifactChange {
    /// The artifact's id.
    #[cfg_attr(test, schemars(with = "String"))]
    pub id: ArtifactId,
    /// How it differs.
    pub change: Difference,
    /// The old version; null if the artifact was added.
    pub old: Option<Pinned>,
    /// The new version; null if the artifact was removed.
    pub new: Option<Pinned>,
}

/// An artifact of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pinned {
    /// The platform's release, a build ID.
    pub release: Arc<str>,
    /// The URL of the file.
    pub location: String,
    /// The digest of the file.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub sha256: Sha256,
}

/// How an artifact differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// Only the new side has it.
    Added,
    /// Only the old side has it.
    Removed,
    /// The bytes of the same build differ, which a bump must not cause.
    ReDigested,
    /// The same bytes have another location.
    Moved,
    /// It is from another build.
    Rebuilt,
    /// Digest and location are the same, but another field differs: a size, a signature, or an uncompressed digest
    /// that only one side has.
    Annotated,
}

impl Difference {
    pub(super) const ALL: [Self; 6] =
        [Self::Added, Self::Removed, Self::ReDigested, Self::Moved, Self::Rebuilt, Self::Annotated];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::ReDigested => "re-digested",
            Self::Moved => "moved",
            Self::Rebuilt => "from another build",
            Self::Annotated => "other fields changed",
        }
    }

    pub(super) const fn sign(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::ReDigested => '!',
            Self::Moved | Self::Rebuilt | Self::Annotated => '~',
        }
    }

    fn between(old: &Artifact, new: &Artifact) -> Option<Self> {
        if old == new {
            None
        } else if old.release != new.release {
            Some(Self::Rebuilt)
        } else if old.sha256 != new.sha256 || unpacks_otherwise(old, new) {
            Some(Self::ReDigested)
        } else if old.location != new.location {
            Some(Self::Moved)
        } else {
            Some(Self::Annotated)
        }
    }
}

/// Whether both sides have an uncompressed digest and the two differ.
fn unpacks_otherwise(old: &Artifact, new: &Artifact) -> bool {
    old.uncompressed_sha256.zip(new.uncompressed_sha256).is_some_and(|(old, new)| old != new)
}

impl ArtifactChange {
    /// What changed, as text for people.
    pub(super) fn shown(&self) -> String {
        match (self.change, &self.old, &self.new) {
            (Difference::ReDigested, Some(old), Some(new)) if old.sha256 == new.sha256 => {
                format!(
                    "the same build {}, the same sha256, but a different uncompressed-sha256",
                    new.release
                )
            }
            (Difference::ReDigested, Some(old), Some(new)) => format!(
                "the same build {} has different bytes: sha256 {} is now {}",
                new.release, old.sha256, new.sha256
            ),
            (Difference::Moved, Some(old), Some(new)) => format!("from {} to {}", old.location, new.location),
            (Difference::Annotated, ..) => "same bytes, same location; other fields differ".to_owned(),
            (Difference::Rebuilt, Some(old), Some(new)) => format!("{} → {}", old.release, new.release),
            (_, old, new) => {
                new.as_ref().or(old.as_ref()).map(|facts| facts.location.clone()).unwrap_or_default()
            }
        }
    }
}

impl From<&Artifact> for Pinned {
    fn from(artifact: &Artifact) -> Self {
        Self {
            release: Arc::clone(&artifact.release),
            location: artifact.location.clone(),
            sha256: artifact.sha256,
        }
    }
}

/// The artifacts that differ between two versions of a document, one of which may be missing.
pub(super) fn changes(old: Option<&Document>, new: Option<&Document>) -> Vec<ArtifactChange> {
    let old = old.map(|document| document.artifacts.as_slice()).unwrap_or_default();
    let new = new.map(|document| document.artifacts.as_slice()).unwrap_or_default();
    let old_by_id: HashMap<&ArtifactId, &Artifact> = old.iter().map(|it| (&it.id, it)).collect();
    let new_ids: HashSet<&ArtifactId> = new.iter().map(|artifact| &artifact.id).collect();
    let change = |id: &ArtifactId, change, old: Option<&Artifact>, new: Option<&Artifact>| ArtifactChange {
        id: id.clone(),
        change,
        old: old.map(Pinned::from),
        new: new.map(Pinned::from),
    };
    let mut changes: Vec<ArtifactChange> = Vec::new();
    for artifact in new {
        let before = old_by_id.get(&artifact.id).copied();
        let kind = before.map_or(Some(Difference::Added), |before| Difference::between(before, artifact));
        changes.extend(kind.map(|kind| change(&artifact.id, kind, before, Some(artifact))));
    }
    let removed = old.iter().filter(|artifact| !new_ids.contains(&artifact.id));
    changes.extend(removed.map(|artifact| change(&artifact.id, Difference::Removed, Some(artifact), None)));
    changes
}
