//! What a bump changes: two documents, or two checkouts, compared artifact by artifact.

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

/// The version of the JSON form.
pub const SCHEMA_VERSION: u32 = 2;

#[derive(Debug, Clone)]
pub struct Side {
    /// What a person called it.
    pub name: String,
    pub documents: Vec<Document>,
    /// Whether it is one document that was named, rather than all of a checkout.
    pub single: bool,
}

/// Two sides compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Diff {
    /// The version of this shape; another one means that fields were renamed or taken away.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// What the old side was called.
    pub old: String,
    /// What the new side was called.
    pub new: String,
    /// Whether nothing differs.
    pub same: bool,
    /// The documents that both sides have, compared, in the new side's order.
    pub documents: Vec<DocumentDiff>,
    /// Documents that the old side alone has.
    pub only_in_old: Vec<Arc<str>>,
    /// Documents that the new side alone has.
    pub only_in_new: Vec<Arc<str>>,
    /// Documents that were left out, because the other side is one document.
    pub left_out: Vec<Arc<str>>,
}

/// One document compared with its other version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct DocumentDiff {
    /// The document's name on each side.
    pub document: Sides<Arc<str>>,
    /// How it is known that they are versions of one document.
    pub paired_by: PairedBy,
    /// The stream on each side.
    pub stream: Sides<String>,
    /// Whether nothing differs. What is not read (`metadata`, unknown fields) does not count.
    pub same: bool,
    /// The architectures whose builds changed.
    pub builds: Vec<BuildChange>,
    /// What the new side has and the old one lacks.
    pub gained: Vec<Missing>,
    /// What the new side lacks: an alarm each.
    pub lost: Vec<Missing>,
    /// Every artifact that differs: first those of the new side, then those that are gone.
    pub artifacts: Vec<ArtifactChange>,
    /// Every value of the cloud images that differs.
    pub cloud_images: Vec<CloudChange>,
    /// Whether two copies of one stream are in step.
    pub step: Step,
}

/// Something on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Sides<T> {
    /// On the old side.
    pub old: T,
    /// On the new side.
    pub new: T,
}

/// An architecture whose builds changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BuildChange {
    /// The architecture.
    pub arch: Arc<str>,
    /// The releases of its platforms on the old side, each once; usually one.
    pub old: Vec<Arc<str>>,
    /// The same on the new side.
    pub new: Vec<Arc<str>>,
}

impl Diff {
    /// Whether anything is gone: a document, or something that one has.
    pub fn has_losses(&self) -> bool {
        !self.only_in_old.is_empty() || self.documents.iter().any(|document| !document.lost.is_empty())
    }

    /// The documents that were not compared, and why.
    fn not_compared(&self) -> impl Iterator<Item = (&Arc<str>, &'static str)> {
        let with = |why| move |name| (name, why);
        let old = self.only_in_old.iter().map(with("only in the old side: it was removed"));
        let new = self.only_in_new.iter().map(with("only in the new side"));
        let left_out = self.left_out.iter().map(with("left out because the other side is a single document"));
        old.chain(new).chain(left_out)
    }

    /// Compares two sides.
    pub fn of(old: &Side, new: &Side) -> Self {
        let olds: Vec<&Document> = old.documents.iter().collect();
        let news: Vec<&Document> = new.documents.iter().collect();
        let pairing = Pairing::of(&olds, &news);
        let names = |documents: Vec<&Document>| documents.iter().map(|it| Arc::clone(&it.name)).collect();
        // Against a single document, the others of a checkout are not at issue.
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
        // Two sides without a common document are not the same, even if all was left out.
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

    /// The name to show: both, where they differ.
    fn title(&self) -> String {
        let Sides { old, new } = &self.document;
        if old == new { new.to_string() } else { format!("{old} → {new}") }
    }

    fn stream_title(&self) -> String {
        let Sides { old, new } = &self.stream;
        if old == new { new.clone() } else { format!("{old} → {new}") }
    }

    /// How many artifacts have each kind of change; kinds without any are left out.
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

    /// The artifacts that a person should see one by one: not those that merely are of another build now.
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

/// The releases of an architecture, each once.
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
