//! Cloud images that differ.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Serialize;

use crate::stream::{CloudImage, Document};

/// One value of cloud images that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CloudChange {
    /// The architecture.
    pub arch: Arc<str>,
    /// The path of keys below the architecture: `images.aws.regions.us-east-1.image`.
    pub path: String,
    /// The old value; null if it was added.
    pub old: Option<String>,
    /// The new value; null if it was removed.
    pub new: Option<String>,
}

pub(super) fn changes(old: &Document, new: &Document) -> Vec<CloudChange> {
    let key = |image: &CloudImage| (Arc::clone(&image.arch), image.path.clone());
    let mut old_values: HashMap<(Arc<str>, String), &str> =
        old.cloud_images.iter().map(|image| (key(image), image.value.as_str())).collect();
    let mut changes: Vec<CloudChange> = Vec::new();
    for image in &new.cloud_images {
        let before = old_values.remove(&key(image));
        if before != Some(image.value.as_str()) {
            let (arch, path) = key(image);
            let new = Some(image.value.clone());
            changes.push(CloudChange { arch, path, old: before.map(str::to_owned), new });
        }
    }
    for image in &old.cloud_images {
        let (arch, path) = key(image);
        if let Some(value) = old_values.remove(&(Arc::clone(&arch), path.clone())) {
            changes.push(CloudChange { arch, path, old: Some(value.to_owned()), new: None });
        }
    }
    changes
}

/// The number of values that differ by architecture and provider (`images.aws`), because there can be an image for
/// each of 30 regions.
pub(super) fn by_provider(changes: &[CloudChange]) -> BTreeMap<(&str, &str), usize> {
    let mut values: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for change in changes {
        let second_dot = change.path.match_indices('.').nth(1).map_or(change.path.len(), |(at, _)| at);
        let provider = change.path.get(..second_dot).unwrap_or(&change.path);
        *values.entry((&change.arch, provider)).or_default() += 1;
    }
    values
}
