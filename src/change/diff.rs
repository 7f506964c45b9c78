//! Comparing two documents or two checkouts, artifact by artifact.

mod cloud;
mod human;
mod markdown;
mod step;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

pub use cloud::CloudChange;
pub use step::{Newer, Step};

use super::artifacts::{self, ArtifactChange, Difference};
use super::missing::Missing;
use super::pairing::{Pair, PairedBy, Pairing};
use crate::stream::Document;

/// The version of the JSON schema.
pub const SCHEMA_VERSION: u32 = 2;

#[derive(Debug, Clone)]
pub struct Side {
    /// The name that the user gave.
    pub name: String,
    pub documents: Vec<Document>,
    /// Whether it is a single document rather than a checkout.
    pub single: bool,
}

/// The comparison of two sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Diff {
    /// The version of this schema; it changes when fields are renamed or removed.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// The name of the old side.
    pub old: String,
    /// The name of the new side.
    pub new: String,
    /// Whether nothing differs.
    pub same: bool,
    /// The documents of both sides, compared, in the order of the new side.
    pub documents: Vec<DocumentDiff>,
    /// Documents that only the old side has.
    pub only_in_old: Vec<Arc<str>>,
    /// Documents that only the new side has.
    pub only_in_new: Vec<Arc<str>>,
    /// Documents that were not compared because the other side is a single document.
    pub left_out: Vec<Arc<str>>,
}

/// The comparison of two versions of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DocumentDiff {
    /// The name on each side.
    pub document: Sides<Arc<str>>,
    /// Why the two are considered versions of one document.
    pub paired_by: PairedBy,
    /// The stream on each side.
    pub stream: Sides<String>,
    /// Whether nothing differs, ignoring `metadata` and unknown fields.
    pub same: bool,
    /// The architectures whose builds changed.
    pub builds: Vec<BuildChange>,
    /// What only the new side has.
    pub gained: Vec<Missing>,
    /// What only the old side has; each is an alarm.
    pub lost: Vec<Missing>,
    /// Every artifact that differs: first those of the new side, then removed ones.
    pub artifacts: Vec<ArtifactChange>,
    /// Every value of cloud images that differs.
    pub cloud_images: Vec<CloudChange>,
    /// Whether two copies of one stream have the same builds.
    pub step: Step,
}

/// A value of both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sides<T> {
    /// The value of the old side.
    pub old: T,
    /// The value of the new side.
    pub new: T,
}

/// An architecture whose builds changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BuildChange {
    /// The architecture.
    pub arch: Arc<str>,
    /// The distinct releases of its platforms on the old side, usually one.
    pub old: Vec<Arc<str>>,
    /// The distinct releases on the new side.
    pub new: Vec<Arc<str>>,
}

impl Diff {
    /// Whether a document, or a part of one, was removed.
    pub fn has_losses(&self) -> bool {
        !self.only_in_old.is_empty() || self.documents.iter().any(|document| !document.lost.is_empty())
    }

    /// The documents that were not compared, and the reasons.
    fn not_compared(&self) -> impl Iterator<Item = (&Arc<str>, &'static str)> {
        let with = |why| move |name| (name, why);
        let old = self.only_in_old.iter().map(with("only in the old side: it was removed"));
        let new = self.only_in_new.iter().map(with("only in the new side"));
        let left_out = self.left_out.iter().map(with("left out because the other side is a single document"));
        old.chain(new).chain(left_out)
    }

    /// Compares two sides.
    pub fn of(old: &Side, new: &Side) -> Self {
        let old_documents: Vec<&Document> = old.documents.iter().collect();
        let new_documents: Vec<&Document> = new.documents.iter().collect();
        let pairing = Pairing::of(&old_documents, &new_documents);
        let names = |documents: Vec<&Document>| documents.iter().map(|it| Arc::clone(&it.name)).collect();
        // A single document is compared with one document of a checkout; the others are left out.
        let (mut left_out, mut only_in_old, mut only_in_new) = (Vec::new(), Vec::new(), Vec::new());
        if old.single { &mut left_out } else { &mut only_in_new }
            .extend::<Vec<_>>(names(pairing.only_in_new));
        if new.single { &mut left_out } else { &mut only_in_old }
            .extend::<Vec<_>>(names(pairing.only_in_old));
        let mut diff = Self {
            schema_version: SCHEMA_VERSION,
            old: old.name.clone(),
            new: new.name.clone(),
            same: true,
            documents: pairing.pairs.iter().map(|pair| DocumentDiff::of(*pair)).collect(),
            only_in_old,
            only_in_new,
            left_out,
        };
        // Two sides without a common document differ, even if all documents were left out.
        diff.same = !diff.documents.is_empty()
            && diff.documents.iter().all(|document| document.same)
            && diff.only_in_old.is_empty()
            && diff.only_in_new.is_empty();
        diff
    }
}

impl DocumentDiff {
    /// Compares two versions of a document.
    fn of(pair: Pair<'_>) -> Self {
        let Pair { old, new, by } = pair;
        let builds = build_changes(old, new);
        let artifacts = artifacts::changes(Some(old), Some(new));
        let cloud_images = cloud::changes(old, new);
        Self {
            document: Sides { old: Arc::clone(&old.name), new: Arc::clone(&new.name) },
            same: artifacts.is_empty() && cloud_images.is_empty() && old.stream == new.stream,
            step: Step::of(old, new, &builds),
            paired_by: by,
            stream: Sides { old: old.stream.clone(), new: new.stream.clone() },
            builds,
            gained: Missing::between(old, new),
            lost: Missing::between(new, old),
            artifacts,
            cloud_images,
        }
    }

    /// The name to show: both names, if they differ.
    fn title(&self) -> String {
        let Sides { old, new } = &self.document;
        if old == new { new.to_string() } else { format!("{old} → {new}") }
    }

    fn stream_title(&self) -> String {
        let Sides { old, new } = &self.stream;
        if old == new { new.clone() } else { format!("{old} → {new}") }
    }

    /// The number of artifacts with each kind of change that occurs.
    fn counts(&self) -> Vec<(Difference, usize)> {
        let count = |kind| self.artifacts.iter().filter(|artifact| artifact.change == kind).count();
        Difference::ALL
            .into_iter()
            .map(|kind| (kind, count(kind)))
            .filter(|(_, number)| *number > 0)
            .collect()
    }

    /// `3 added, 1 removed`.
    fn counted(&self) -> String {
        let counts: Vec<String> =
            self.counts().into_iter().map(|(kind, number)| format!("{number} {}", kind.as_str())).collect();
        counts.join(", ")
    }

    /// The artifacts to list one by one: all except those from another build.
    fn notable(&self) -> impl Iterator<Item = &ArtifactChange> {
        self.artifacts.iter().filter(|artifact| artifact.change != Difference::Rebuilt)
    }
}

fn build_changes(old: &Document, new: &Document) -> Vec<BuildChange> {
    let archs: BTreeSet<&Arc<str>> =
        old.artifacts.iter().chain(&new.artifacts).map(|artifact| &artifact.id.arch).collect();
    let changes = archs.into_iter().map(|arch| BuildChange {
        arch: Arc::clone(arch),
        old: releases(old, arch),
        new: releases(new, arch),
    });
    changes.filter(|change| change.old != change.new).collect()
}

/// The distinct releases of an architecture.
fn releases(document: &Document, arch: &str) -> Vec<Arc<str>> {
    let all = document.artifacts.iter().filter(|artifact| &*artifact.id.arch == arch);
    let all: BTreeSet<&Arc<str>> = all.map(|artifact| &artifact.release).collect();
    all.into_iter().map(Arc::clone).collect()
}

impl BuildChange {
    fn shown(&self) -> Sides<String> {
        let joined = |releases: &[Arc<str>]| {
            if releases.is_empty() { "none".to_owned() } else { releases.join(", ") }
        };
        Sides { old: joined(&self.old), new: joined(&self.new) }
    }
}

#[cfg(test)]
mod tests;
