//! Which mirrored builds are pinned, newest or orphaned, and which pinned ones are gone.
//!
//! ART prunes old builds, but never one that any commit of a branch pins, since a release may have been cut
//! from that commit; so whatever cannot be read counts as pinned, and nothing here deletes anything.

mod cleanup;
mod files;
mod human;
mod keep_list;
mod listing;
mod pins;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

pub use cleanup::{Cleanup, PrunedImages};
pub use keep_list::KeepList;
pub use listing::{Held, Listing, ListingError};
pub use pins::{Ami, Pin, Pins, Reach, Unreadable};

use crate::location::{BuildAge, BuildContent, BuildId};

/// The version of the JSON output.
pub const SCHEMA_VERSION: u32 = 2;

/// Which builds must be kept, which may be pruned, and which are missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Retention {
    /// The version of this schema; it changes when fields are renamed or removed.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// The number of builds by status. A build counts once for each status of its architectures.
    pub summary: RetentionSummary,
    /// The option that ignores commits from which a release may have been cut: their builds may be among the
    /// orphans. Null if every commit of the refs counts.
    pub narrowed_by: Option<String>,
    /// What is pinned and missing: installations that need it fail.
    pub gone: Vec<Missing>,
    /// What is pinned and may be missing: the listing does not say.
    pub undetermined: Vec<Missing>,
    /// The listed builds, by directory, oldest first.
    pub builds: Vec<Build>,
    /// Refs and documents that cannot be read. They may pin any build.
    pub unreadable: Vec<Unreadable>,
    /// Pinned builds of streams that the listing does not cover.
    pub not_covered: Vec<String>,
}

/// The numbers of builds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RetentionSummary {
    /// Pinned and listed.
    pub pinned: usize,
    /// Not pinned, but the newest of their stream.
    pub newest: usize,
    /// Kept because something cannot be read.
    pub kept: usize,
    /// None of these: they may be pruned.
    pub orphans: usize,
    /// How many bytes pruning the orphans frees; null if the listing lacks the size of one.
    pub orphan_bytes: Option<u64>,
    /// Pinned and missing, in whole or in part.
    pub gone: usize,
    /// Pinned and perhaps missing, in whole or in part.
    pub undetermined: usize,
}

/// One build of a directory, for the architectures that share a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Build {
    /// The directory that holds it, such as `4.19-9.6`; empty if the listing does not say.
    pub directory: Arc<str>,
    /// The name under which it is listed: a build ID, or a release of OpenShift.
    pub name: Arc<str>,
    /// The build ID; null if it is unknown.
    pub build_id: Option<String>,
    /// The architectures; empty if the listing does not say.
    pub arches: Vec<Arc<str>>,
    /// Whether it must be kept, and why.
    pub status: Status,
    /// Whether it is the newest of its directory, pinned or not.
    pub newest: bool,
    /// The refs or documents that pin it; then the earlier commits that do, as `REF at COMMIT`.
    pub pinned_by: Vec<Arc<str>>,
    /// The size of its files in bytes; null if the listing lacks the size of one.
    pub bytes: Option<u64>,
    /// What was pruned of it although it is listed, in words; null if nothing was.
    pub pruned: Option<String>,
}

/// Whether a build must be kept, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A ref or document pins it: it must be kept.
    Pinned,
    /// It is the newest of its stream: the next bump may need it.
    Newest,
    /// Its build ID is unknown, so it counts as pinned.
    Unreadable,
    /// Nothing readable pins it, but something unreadable may, so it counts as pinned.
    PerhapsPinned,
    /// It may be pruned.
    Orphan,
}

/// A pinned build, or files of one, missing or not known to be present.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Missing {
    /// The build ID.
    pub build_id: Arc<str>,
    /// The architecture.
    pub arch: Arc<str>,
    /// What the listing shows about it.
    #[serde(flatten)]
    pub absence: Absence,
    /// The files that are missing, or may be; empty if the whole build is, or if the pins name no files.
    pub files: Vec<Arc<str>>,
    /// The refs or documents that pin it.
    pub pinned_by: Vec<Arc<str>>,
}

/// How a listing shows that something is or may be missing. The worse is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Absence {
    /// It may be missing.
    Undetermined {
        /// Why it cannot be determined, in one sentence.
        why: &'static str,
    },
    /// It is missing.
    Gone {
        /// How the listing shows it.
        how: HowGone,
    },
}

/// How a listing shows that something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HowGone {
    /// The listing covers its stream and does not list it.
    NotListed,
    /// The listing says that the build was removed (`tombstone-builds`).
    Removed,
    /// The listing says that these images were pruned (`policy-cleanup`).
    Pruned,
    /// The listing names other files of the build, and not these.
    FilesNotListed,
}

impl Absence {
    /// The absence in words, for people.
    pub(super) const fn shown(self) -> &'static str {
        match self {
            Self::Undetermined { why } => why,
            Self::Gone { how: HowGone::NotListed } => "not listed",
            Self::Gone { how: HowGone::Removed } => "removed as a whole (tombstone-builds)",
            Self::Gone { how: HowGone::Pruned } => "pruned (policy-cleanup)",
            Self::Gone { how: HowGone::FilesNotListed } => "not among the listed files",
        }
    }
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Newest => "newest",
            Self::Unreadable => "unreadable",
            Self::PerhapsPinned => "perhaps-pinned",
            Self::Orphan => "orphan",
        }
    }

    pub(super) const fn meaning(self) -> &'static str {
        match self {
            Self::Pinned => {
                "a document names it, now or in a commit that a release may have been cut from; keep it"
            }
            Self::Newest => {
                "nothing pins it, but it is the newest in its directory; keep it for the next bump"
            }
            Self::Unreadable => "its name is not a build ID, and nothing else identifies the build; keep it",
            Self::PerhapsPinned => "nothing readable pins it, but something unreadable may; keep it",
            Self::Orphan => "nothing pins it, and there is a newer one; it may be pruned",
        }
    }
}

impl Retention {
    /// Judges every build of a listing.
    ///
    /// A pinned build counts as gone only if the listing covers its stream and architecture: a `builds.json`
    /// is of one stream, perhaps of one architecture. With `complete` it is taken to cover everything.
    pub fn of(pins: &Pins, listing: &Listing, complete: bool) -> Self {
        let (by_held, by_pin) = pairs(pins, listing);
        let mut retention = Self {
            schema_version: SCHEMA_VERSION,
            summary: RetentionSummary::default(),
            narrowed_by: pins.narrowed_by.clone(),
            gone: Vec::new(),
            undetermined: Vec::new(),
            builds: builds(pins, listing, &by_held),
            unreadable: pins.unreadable.clone(),
            not_covered: Vec::new(),
        };
        retention.look_for_pins(pins, listing, &by_pin, complete);
        retention.count();
        retention
    }

    fn look_for_pins(&mut self, pins: &Pins, listing: &Listing, by_pin: &[Vec<&Held>], complete: bool) {
        let removed = listing.removed.iter().filter_map(|(name, _)| name.parse().ok());
        let streams: BTreeSet<String> = listing
            .held
            .iter()
            .filter_map(|held| held.build.clone())
            .chain(removed)
            .map(|it| stream(&it))
            .collect();
        let directories: BTreeSet<&str> = listing.held.iter().map(|held| &*held.directory).collect();
        // The releases layout has a builds.json for each architecture.
        let arches: BTreeSet<Option<&Arc<str>>> =
            listing.held.iter().map(|held| held.arch.as_ref()).collect();
        let only_arch = arches.first().copied().flatten().filter(|_| arches.len() == 1);
        let covers = |pin: &Pin| {
            if complete {
                return true;
            }
            if only_arch.is_some_and(|arch| *arch != pin.arch) {
                return false;
            }
            pin.build_id().is_some_and(|build| streams.contains(&stream(&build)))
                || pin.directory.as_deref().is_some_and(|directory| directories.contains(directory))
        };
        let mut findings = files::MissingByBuild::default();
        let mut not_covered = BTreeSet::new();
        for (pin, held) in pins.pins.iter().zip(by_pin).filter(|(pin, _)| pin.of_files) {
            let held: Vec<&Held> = held.iter().copied().filter(|held| pin.is_held_as(held)).collect();
            let removed = |arch| listing.removed.contains(&(Arc::clone(&pin.build), arch));
            let was_removed = removed(None) || removed(Some(Arc::clone(&pin.arch)));
            if !held.is_empty() {
                findings.look_for_files(pin, &held);
            } else if was_removed {
                findings.gone(pin, HowGone::Removed);
            } else if covers(pin) {
                findings.gone(pin, HowGone::NotListed);
            } else {
                not_covered.insert(pin.build.to_string());
            }
        }
        self.not_covered = not_covered.into_iter().collect();
        (self.gone, self.undetermined) = findings.into_lists();
    }

    fn count(&mut self) {
        let count =
            |statuses: &[Status]| self.builds.iter().filter(|build| statuses.contains(&build.status)).count();
        let orphans = self.builds.iter().filter(|build| build.status == Status::Orphan);
        self.summary = RetentionSummary {
            pinned: count(&[Status::Pinned]),
            orphan_bytes: orphans.map(|build| build.bytes).sum(),
            newest: count(&[Status::Newest]),
            kept: count(&[Status::Unreadable, Status::PerhapsPinned]),
            orphans: count(&[Status::Orphan]),
            gone: self.gone.len(),
            undetermined: self.undetermined.len(),
        };
    }
}

/// The pins of each listed build, and the listed builds of each pin.
fn pairs<'a>(pins: &'a Pins, listing: &'a Listing) -> (Vec<Vec<&'a Pin>>, Vec<Vec<&'a Held>>) {
    let mut by_build: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut by_place: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
    for (at, pin) in pins.pins.iter().enumerate() {
        by_build.entry(&pin.build).or_default().push(at);
        if let (Some(directory), Some(release)) = (&pin.directory, &pin.release) {
            by_place.entry((directory, release)).or_default().push(at);
        }
    }
    let mut by_pin: Vec<Vec<&Held>> = vec![Vec::new(); pins.pins.len()];
    let by_held = listing.held.iter().map(|held| {
        let of_build = held.build.as_ref().and_then(|build| by_build.get(build.as_str()));
        let of_place = by_place.get(&(&*held.directory, &*held.name));
        let found: BTreeSet<usize> = of_build.into_iter().chain(of_place).flatten().copied().collect();
        let mut of_held = Vec::new();
        for at in found {
            if let (Some(pin), Some(of_pin)) = (pins.pins.get(at), by_pin.get_mut(at))
                && pin.pins(held)
            {
                of_pin.push(held);
                of_held.push(pin);
            }
        }
        of_held
    });
    let by_held = by_held.collect();
    (by_held, by_pin)
}

/// The builds of a listing; architectures with the same status are one entry.
fn builds(pins: &Pins, listing: &Listing, by_held: &[Vec<&Pin>]) -> Vec<Build> {
    let newest = newest(listing);
    let may_be_pinned = |held: &Held| {
        let time = held.build.as_ref().map(BuildId::time);
        let may_pin = |it: &Unreadable| it.newest_build.zip(time).is_none_or(|(newest, time)| time <= newest);
        pins.unreadable.iter().any(may_pin)
    };
    let mut builds: BTreeMap<_, Vec<Build>> = BTreeMap::new();
    for (held, pinned) in listing.held.iter().zip(by_held) {
        let age = held.build.as_ref().map(BuildId::age);
        let is_newest = age.is_some_and(|age| newest.get(&group(held)).is_some_and(|most| *most == age));
        // Tips come first: there may be many earlier commits.
        let by: BTreeSet<(bool, &Arc<str>)> = pinned.iter().map(|pin| (pin.is_past, &pin.by)).collect();
        let status = if !by.is_empty() {
            Status::Pinned
        } else if held.build.is_none() {
            Status::Unreadable
        } else if is_newest {
            Status::Newest
        } else if may_be_pinned(held) {
            Status::PerhapsPinned
        } else {
            Status::Orphan
        };
        let pinned_by: Vec<Arc<str>> = by.into_iter().map(|(_, by)| Arc::clone(by)).collect();
        let pruned = Some(held.cleanup.shown()).filter(|pruned| !pruned.is_empty());
        let same = builds.entry((&*held.directory, age.unwrap_or_default(), &*held.name)).or_default();
        let alike = |build: &&mut Build| {
            build.status == status
                && build.newest == is_newest
                && build.pinned_by == pinned_by
                && build.pruned == pruned
        };
        if let Some(build) = same.iter_mut().find(alike) {
            build.arches.extend(held.arch.clone());
            build.bytes = build.bytes.zip(held.bytes).map(|(one, other)| one.saturating_add(other));
        } else {
            same.push(Build {
                directory: Arc::clone(&held.directory),
                name: Arc::clone(&held.name),
                build_id: held.build.as_ref().map(ToString::to_string),
                arches: held.arch.clone().into_iter().collect(),
                status,
                newest: is_newest,
                pinned_by,
                bytes: held.bytes,
                pruned,
            });
        }
    }
    builds.into_values().flatten().collect()
}

/// A directory, or the stream where the directory is unknown, and an architecture.
type GroupKey = (String, Option<Arc<str>>);

/// The group of builds of which one is the newest: an architecture's in a directory or, where the directory
/// is unknown, in a stream.
fn group(held: &Held) -> GroupKey {
    let directory = match &held.build {
        Some(build) if held.directory.is_empty() => stream(build),
        _ => held.directory.to_string(),
    };
    (directory, held.arch.clone())
}

fn newest(listing: &Listing) -> BTreeMap<GroupKey, BuildAge> {
    let mut newest = BTreeMap::new();
    for held in &listing.held {
        if let Some(build) = &held.build {
            let most = newest.entry(group(held)).or_default();
            *most = build.age().max(*most);
        }
    }
    newest
}

/// The stream of a build ID, spelled as the streams layout names its directories.
fn stream(build: &BuildId) -> String {
    match build.content() {
        BuildContent::Ocp { series, rhel } if rhel.major < 9 => series.to_string(),
        BuildContent::Ocp { series, rhel } => format!("{series}-{rhel}"),
        BuildContent::Rhel(rhel) => format!("rhel-{rhel}"),
        BuildContent::Fedora { stream: Some(stream), .. } => format!("fedora-{stream}"),
        BuildContent::Fedora { stream: None, release } => format!("fedora {release}"),
    }
}

#[cfg(test)]
mod tests;
