//! What a bump loses without a word: architectures, platforms, formats, cloud regions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::Moves;
use crate::stream::Document;
use crate::text::Printable;

/// The most names that a sentence lists.
const MOST_NAMES: usize = 40;

/// Something that the old side has and the new side lacks, on all of some architectures.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Loss {
    /// What it is.
    pub kind: LossKind,
    /// The platform of formats, the provider of regions; null for others.
    pub of: Option<String>,
    /// The architectures that lack it, and are themselves on both sides; of architectures that are gone none.
    pub arches: BTreeSet<Arc<str>>,
    /// What is gone.
    pub names: BTreeSet<String>,
}

/// The kinds of what can be gone, what concerns most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// Architectures.
    Architecture,
    /// Platforms.
    Platform,
    /// Formats of a platform that is still there.
    Format,
    /// All images in the cloud of a provider.
    Provider,
    /// Regions of a provider that is still there.
    Region,
}

/// What is gone of one kind, each name with the architectures that lack it.
type LossesByName = BTreeMap<(LossKind, Option<String>, String), BTreeSet<Arc<str>>>;

/// What one sentence says is gone.
type Alike = (LossKind, Option<String>, BTreeSet<Arc<str>>);

/// All that is gone, what is gone on the same architectures together.
pub(super) fn losses(
    old: &Document,
    new: &Document,
    [architectures, platforms, formats]: [&Moves; 3],
) -> Vec<Loss> {
    let mut gone = LossesByName::new();
    for arch in &architectures.lost {
        gone.entry((LossKind::Architecture, None, arch.clone())).or_default();
    }
    for platform in &platforms.lost {
        if let Some((arch, platform)) = platform.split_once('/') {
            gone.entry((LossKind::Platform, None, platform.to_owned())).or_default().insert(arch.into());
        }
    }
    for format in &formats.lost {
        if let Some((arch, (platform, format))) =
            format.split_once('/').and_then(|(arch, rest)| Some((arch, rest.split_once('/')?)))
        {
            let of = Some(platform.to_owned());
            gone.entry((LossKind::Format, of, format.to_owned())).or_default().insert(arch.into());
        }
    }
    add_regions(&mut gone, regions(old), &regions(new), &architectures.lost);
    let mut alike: BTreeMap<Alike, BTreeSet<String>> = BTreeMap::new();
    for ((kind, of, name), arches) in gone {
        alike.entry((kind, of, arches)).or_default().insert(name);
    }
    alike.into_iter().map(|((kind, of, arches), names)| Loss { kind, of, arches, names }).collect()
}

/// The regions of each architecture and provider; a provider may have none.
type Regions<'d> = BTreeMap<(&'d Arc<str>, &'d str), BTreeSet<&'d str>>;

fn regions(document: &Document) -> Regions<'_> {
    let mut regions = Regions::new();
    for image in &document.cloud_images {
        // `images.aws.regions.us-east-1.image`
        let mut keys = image.path.split('.').skip(1);
        let Some(provider) = keys.next() else { continue };
        let of_provider = regions.entry((&image.arch, provider)).or_default();
        if keys.next() == Some("regions") {
            of_provider.extend(keys.next());
        }
    }
    regions
}

fn add_regions(gone: &mut LossesByName, old: Regions<'_>, new: &Regions<'_>, lost: &[String]) {
    for ((arch, provider), before) in old {
        if lost.iter().any(|lost| **lost == **arch) {
            continue;
        }
        let Some(after) = new.get(&(arch, provider)) else {
            let key = (LossKind::Provider, None, provider.to_owned());
            gone.entry(key).or_default().insert(Arc::clone(arch));
            continue;
        };
        for region in before.difference(after) {
            let key = (LossKind::Region, Some(provider.to_owned()), (*region).to_owned());
            gone.entry(key).or_default().insert(Arc::clone(arch));
        }
    }
}

/// `aws me-central-1 and me-south-1 are gone on aarch64, x86_64`
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<String> =
            self.names.iter().take(MOST_NAMES).map(|name| Printable(name).to_string()).collect();
        if self.names.len() > MOST_NAMES {
            names.push(format!("{} more", self.names.len() - MOST_NAMES));
        }
        let last = names.pop().unwrap_or_default();
        let (listed, are) = match (names.is_empty(), self.kind) {
            (true, LossKind::Provider) => (last, "are"),
            (true, _) => (last, "is"),
            (false, _) => (format!("{} and {last}", names.join(", ")), "are"),
        };
        let what = match self.kind {
            LossKind::Platform => "platform ",
            LossKind::Provider => "cloud images of ",
            LossKind::Architecture | LossKind::Format | LossKind::Region => "",
        };
        let of = self.of.as_ref().map(|of| format!("{} ", Printable(of))).unwrap_or_default();
        write!(f, "{what}{of}{listed} {are} gone")?;
        if !self.arches.is_empty() {
            let arches: Vec<&str> = self.arches.iter().map(|arch| &**arch).collect();
            write!(f, " on {}", Printable(&arches.join(", ")))?;
        }
        Ok(())
    }
}
