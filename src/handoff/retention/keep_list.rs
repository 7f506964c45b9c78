//! The builds that a pruner must keep, with the field names of its input: `id` and `arches` as in
//! coreos-assembler's `builds.json`, `name` and `hvm` of an AMI as in a build's `meta.json`.
//!
//! `cosa coreos-prune` goes through the builds of a `builds.json` by ID and reads the AMIs to deregister from
//! each `meta.json`; its own list of what must stay has only the update graph's barrier releases.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;

use super::{Ami, Pins, Retention, SCHEMA_VERSION, Status, Unreadable};

/// The builds that must stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KeepList {
    /// The version of this schema; it changes when fields are renamed or removed.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// Whether the list is complete. If not, a build that it lacks must not be pruned for that.
    pub complete: bool,
    /// The option that ignores commits from which a release may have been cut; null if every commit counts.
    pub narrowed_by: Option<String>,
    /// The builds, by ID.
    pub builds: Vec<Kept>,
    /// Refs and documents that cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A build that must stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Kept {
    /// The build ID, or the name under which it is pinned or listed if the ID is unknown.
    pub id: Arc<str>,
    /// The architectures; empty if unknown: then all must stay.
    pub arches: BTreeSet<Arc<str>>,
    /// The AMIs that documents name for it.
    pub amis: BTreeSet<Ami>,
}

impl KeepList {
    /// The pinned builds, and those of a listing that must stay for other reasons.
    pub fn of(pins: &Pins, listed: Option<&Retention>) -> Self {
        let mut builds: BTreeMap<Arc<str>, Kept> = BTreeMap::new();
        let mut keep = |id: &Arc<str>, arches: &[Arc<str>]| {
            let kept = builds.entry(Arc::clone(id)).or_insert_with(|| Kept {
                id: Arc::clone(id),
                arches: BTreeSet::new(),
                amis: pins.amis.get(id).cloned().unwrap_or_default(),
            });
            kept.arches.extend(arches.iter().cloned());
        };
        for pin in &pins.pins {
            keep(&pin.build, std::slice::from_ref(&pin.arch));
        }
        let listed = listed.map(|retention| retention.builds.as_slice()).unwrap_or_default();
        for build in listed.iter().filter(|build| build.status != Status::Orphan) {
            let id = build.build_id.as_deref().map_or_else(|| Arc::clone(&build.name), Arc::from);
            keep(&id, &build.arches);
        }
        Self {
            schema_version: SCHEMA_VERSION,
            complete: pins.unreadable.is_empty() && pins.narrowed_by.is_none(),
            narrowed_by: pins.narrowed_by.clone(),
            builds: builds.into_values().collect(),
            unreadable: pins.unreadable.clone(),
        }
    }
}
