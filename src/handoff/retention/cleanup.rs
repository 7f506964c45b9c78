//! What was pruned of a build that is still listed: `policy-cleanup` of cosa's `builds.json`.
//!
//! `cosa coreos-prune` deletes the images of a build and keeps its entry. It writes an object with a key for
//! each action (`"cloud-uploads": true`, `"containers": true`, `"images-kept": ["qemu"]`); earlier versions
//! wrote a list of the actions (`["cloud-uploads", "images"]`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// What was pruned of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleanup {
    /// The actions, as the listing names them.
    pub actions: BTreeSet<String>,
    pub images: PrunedImages,
}

/// Which images pruning left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PrunedImages {
    #[default]
    All,
    /// Only those with these names in `meta.json`.
    Only(BTreeSet<String>),
    /// The entry has an unknown form, so any may be gone.
    Unknown,
}

/// The action that deletes images, all but those in [`KEPT`].
const IMAGES: &str = "images";
const KEPT: &str = "images-kept";

impl Cleanup {
    /// Reads the value of `policy-cleanup`.
    pub(super) fn read(value: &Value) -> Self {
        let done = Value::Bool(true);
        let actions: Option<BTreeMap<&str, &Value>> = match value {
            Value::Null => Some(BTreeMap::new()),
            Value::Array(names) => names.iter().map(|name| Some((name.as_str()?, &done))).collect(),
            Value::Object(fields) => {
                Some(fields.iter().map(|(name, value)| (name.as_str(), value)).collect())
            }
            _ => None,
        };
        let Some(actions) = actions else { return Self { images: PrunedImages::Unknown, ..Self::default() } };
        // In alphabetical order, so that `images-kept` is applied after `images`.
        let images = if actions.get("build") == Some(&&done) {
            // The whole build was deleted, whatever else was done to it.
            Some(PrunedImages::Only(BTreeSet::new()))
        } else {
            actions.iter().try_fold(PrunedImages::All, |images, (name, value)| match (*name, *value) {
                ("cloud-uploads" | "containers", _) => Some(images),
                (IMAGES, Value::Bool(true)) => Some(PrunedImages::Only(BTreeSet::new())),
                (KEPT, Value::Array(kept)) => {
                    let names = kept.iter().map(|name| name.as_str().map(str::to_owned));
                    names.collect::<Option<_>>().map(PrunedImages::Only)
                }
                _ => None,
            })
        };
        Self {
            images: images.unwrap_or(PrunedImages::Unknown),
            actions: actions.into_keys().map(str::to_owned).collect(),
        }
    }

    /// Combines the entries of two listings for one build: what is gone in either is gone.
    pub(super) fn and(&mut self, other: Self) {
        self.actions.extend(other.actions);
        self.images.and(other.images);
    }

    /// Such as `images pruned but for qemu, live-iso; cloud-uploads pruned`; empty if nothing was.
    pub(super) fn shown(&self) -> String {
        let images = match &self.images {
            PrunedImages::All => None,
            PrunedImages::Only(kept) if kept.is_empty() => Some("images pruned".to_owned()),
            PrunedImages::Only(kept) => {
                Some(format!("images pruned but for {}", kept.iter().cloned().collect::<Vec<_>>().join(", ")))
            }
            PrunedImages::Unknown => Some("images perhaps pruned".to_owned()),
        };
        let others = self.actions.iter().filter(|action| ![IMAGES, KEPT].contains(&action.as_str()));
        images
            .into_iter()
            .chain(others.map(|action| format!("{action} pruned")))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl PrunedImages {
    fn and(&mut self, other: Self) {
        match (&mut *self, other) {
            (_, Self::All) => {}
            (Self::Only(one), Self::Only(other)) => one.retain(|name| other.contains(name)),
            (_, Self::Unknown) => *self = Self::Unknown,
            (Self::Unknown, _) => {}
            (Self::All, other) => *self = other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_says_which_images_are_left() {
        use PrunedImages::{All, Only, Unknown};
        let only = |names: &[&str]| Only(names.iter().map(|name| (*name).to_owned()).collect());
        let cases = [
            ("null", All),
            ("[]", All),
            ("{}", All),
            (r#"["cloud-uploads"]"#, All),
            (r#"{"cloud-uploads": true, "containers": true}"#, All),
            (r#"["images"]"#, only(&[])),
            (r#"["cloud-uploads", "images"]"#, only(&[])),
            (r#"{"images": true}"#, only(&[])),
            (r#"{"images-kept": []}"#, only(&[])),
            (r#"{"images-kept": ["qemu", "live-iso"]}"#, only(&["live-iso", "qemu"])),
            (r#"{"images": true, "images-kept": ["qemu"]}"#, only(&["qemu"])),
            (r#"{"images-kept": "qemu"}"#, Unknown),
            (r#"{"images-kept": [1]}"#, Unknown),
            (r#"{"images": "2y"}"#, Unknown),
            (r#"{"images": false}"#, Unknown),
            (r#"{"everything": true}"#, Unknown),
            ("true", Unknown),
            (r#""images""#, Unknown),
            (r#"["images", {"images-kept": ["qemu"]}]"#, Unknown),
            (r#"["build"]"#, only(&[])),
            (r#"{"build": true, "images-kept": ["qemu"]}"#, only(&[])),
            ("[1]", Unknown),
        ];
        for (text, images) in cases {
            assert_eq!(Cleanup::read(&serde_json::from_str(text).unwrap()).images, images, "{text}");
        }
    }

    #[test]
    fn what_one_listing_says_is_gone_stays_gone() {
        let read = |text: &str| Cleanup::read(&serde_json::from_str(text).unwrap());
        let mut both = read(r#"{"images-kept": ["qemu", "aws"]}"#);
        both.and(read("[]"));
        both.and(read(r#"{"images-kept": ["qemu", "gcp"], "containers": true}"#));
        assert_eq!(both.shown(), "images pruned but for qemu; containers pruned");
        both.and(read(r#"{"odd": true}"#));
        assert_eq!(both.images, PrunedImages::Unknown);
    }
}
