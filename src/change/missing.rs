//! What one document has and another lacks: architectures, platforms, formats, components, cloud images and regions.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::stream::Document;
use crate::text::excerpt;

/// The most names that a sentence lists.
const MOST_NAMES: usize = 40;

/// A path in a document, from the architecture on.
pub(crate) type Path<'d> = Vec<&'d str>;

/// The missing keys by the path of their parent.
pub(crate) type MissingKeys<'d> = BTreeMap<Path<'d>, BTreeSet<&'d str>>;

/// Keys that are missing under one parent in some architectures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Missing {
    /// The parent's path below the architecture: `["artifacts"]` lacks platforms, `["artifacts", "metal"]` formats,
    /// `["images", "aws"]` regions. Empty for architectures, and for all artifacts or images of one.
    pub place: Vec<String>,
    /// The architectures that lack the names; empty if architectures are missing.
    pub arches: BTreeSet<String>,
    /// The missing keys.
    pub names: BTreeSet<String>,
}

/// The paths of everything that a document has, sorted.
pub(crate) fn paths(document: &Document) -> Vec<Path<'_>> {
    let artifacts = document.artifacts.iter().map(|artifact| {
        let id = &artifact.id;
        vec![&*id.arch, "artifacts", &*id.platform, &*id.format, &*id.component]
    });
    let images = document.cloud_images.iter().map(|image| {
        // Regions are compared for `images.aws.regions.us-east-1.image`, only the cloud for `images.gcp.name`.
        let mut keys = image.path.split('.');
        let mut path = vec![&*image.arch];
        path.extend(keys.by_ref().take(2));
        if keys.next() == Some("regions") {
            path.extend(keys.next());
        }
        path
    });
    let mut paths: Vec<Path<'_>> = artifacts.chain(images).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// What `here` lacks of `there`, both sorted: the name of a missing platform, not each of its files.
pub(crate) fn missing<'d>(here: &[Path<'_>], there: &[Path<'d>]) -> MissingKeys<'d> {
    let mut missing = MissingKeys::new();
    for path in there {
        // The longest common prefix is with a neighbour in the sorted order.
        let at = here.partition_point(|it| it < path);
        let before = at.checked_sub(1).and_then(|at| here.get(at));
        let neighbours = [here.get(at), before].into_iter().flatten();
        let common = neighbours.map(|it| it.iter().zip(path).take_while(|(a, b)| a == b).count()).max();
        let common = common.unwrap_or_default();
        if let Some((place, [key, ..])) = path.split_at_checked(common) {
            missing.entry(place.to_vec()).or_default().insert(key);
        }
    }
    missing
}

impl Missing {
    pub fn of(place: &[&str], keys: &BTreeSet<&str>) -> Self {
        Self {
            place: place.iter().skip(1).map(|&key| key.to_owned()).collect(),
            arches: place.first().map(|&arch| arch.to_owned()).into_iter().collect(),
            names: keys.iter().map(|&key| key.to_owned()).collect(),
        }
    }

    /// What `here` lacks of `there`, grouped by parent and architectures.
    pub(super) fn between(here: &Document, there: &Document) -> Vec<Self> {
        let mut by_name: BTreeMap<(Vec<String>, String), BTreeSet<String>> = BTreeMap::new();
        for (place, keys) in missing(&paths(here), &paths(there)) {
            let Self { place, arches, names } = Self::of(&place, &keys);
            for name in names {
                by_name.entry((place.clone(), name)).or_default().extend(arches.iter().cloned());
            }
        }
        let mut alike: BTreeMap<(Vec<String>, BTreeSet<String>), BTreeSet<String>> = BTreeMap::new();
        for ((place, name), arches) in by_name {
            alike.entry((place, arches)).or_default().insert(name);
        }
        alike.into_iter().map(|((place, arches), names)| Self { place, arches, names }).collect()
    }

    /// `aws me-central-1 and me-south-1`
    pub fn what(&self) -> String {
        let mut names: Vec<String> =
            self.names.iter().take(MOST_NAMES).map(|name| excerpt(name, 80)).collect();
        if self.names.len() > MOST_NAMES {
            names.push(format!("{} more", self.names.len() - MOST_NAMES));
        }
        let last = names.pop().unwrap_or_default();
        let names = if names.is_empty() { last } else { format!("{} and {last}", names.join(", ")) };
        match self.place.as_slice() {
            [] if self.arches.is_empty() => format!("architecture {names}"),
            [] => names,
            [section] if section == "artifacts" => format!("platform {names}"),
            [section] if section == "images" => format!("cloud images of {names}"),
            [_, of @ ..] if !of.is_empty() => format!("{} {names}", excerpt(&of.join(" "), 200)),
            [section, ..] => format!("{} {names}", excerpt(section, 80)),
        }
    }

    /// ` on aarch64, x86_64`
    pub fn on(&self) -> String {
        let arches: Vec<&str> = self.arches.iter().map(String::as_str).collect();
        if arches.is_empty() { String::new() } else { format!(" on {}", excerpt(&arches.join(", "), 300)) }
    }

    /// `aws me-central-1 and me-south-1 are gone on aarch64, x86_64`
    pub fn gone(&self) -> String {
        let are_several = self.names.len() > 1 || self.place == ["images"];
        let are = if are_several { "are" } else { "is" };
        format!("{} {are} gone{}", self.what(), self.on())
    }
}
