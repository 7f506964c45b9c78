//! Which mirrored builds are pinned, newest, orphaned, and which are pinned and gone.
//!
//! ART collects garbage. It must never prune a build that any commit of a branch pins, since a release may have been
//! cut from it; so whatever cannot be read counts as pinned, and nothing here ever deletes anything.

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

/// The version of the JSON form.
pub const SCHEMA_VERSION: u32 = 2;

/// What must be kept, what may go, and what is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Retention {
    /// The version of this shape; another one means that fields were renamed or taken away.
    #[cfg_attr(test, schemars(extend("const" = SCHEMA_VERSION)))]
    pub schema_version: u32,
    /// How many builds of each status there are. A build counts once for each status of its architectures.
    pub summary: RetentionSummary,
    /// The option that leaves out commits which a release may have been cut from: what they pin may be among the
    /// orphans. Null if every commit of the refs counts.
    pub narrowed_by: Option<String>,
    /// What is pinned and not there: somebody's installation fails.
    pub gone: Vec<Missing>,
    /// What is pinned, and may be gone: the listing does not say.
    pub undetermined: Vec<Missing>,
    /// What is there, by directory, the oldest first.
    pub builds: Vec<Build>,
    /// What pins something, and cannot be read. Any build may be pinned by it.
    pub unreadable: Vec<Unreadable>,
    /// Builds that are pinned, of streams that the listing does not cover.
    pub not_covered: Vec<String>,
}

/// The counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RetentionSummary {
    /// Pinned, and there.
    pub pinned: usize,
    /// Not pinned, but the newest of their stream.
    pub newest: usize,
    /// Kept because something cannot be read.
    pub kept: usize,
    /// Neither: they may be pruned.
    pub orphans: usize,
    /// How many bytes pruning the orphans frees; null if the listing does not say the size of each.
    pub orphan_bytes: Option<u64>,
    /// Pinned, and not there as a whole.
    pub gone: usize,
    /// Pinned, and perhaps not there as a whole.
    pub undetermined: usize,
}

/// One build of a directory, for the architectures that share a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Build {
    /// The directory that holds it, such as `4.19-9.6`; empty where the listing does not say.
    pub directory: Arc<str>,
    /// The name that it is listed by: a build ID, or a release of OpenShift.
    pub name: Arc<str>,
    /// The build ID; null if nothing says it.
    pub build_id: Option<String>,
    /// The architectures; empty where the listing does not say.
    pub arches: Vec<Arc<str>>,
    /// What is to become of it.
    pub status: Status,
    /// Whether it is the newest of its directory, pinned or not.
    pub newest: bool,
    /// The refs or documents that pin it; then, of refs' histories, `REF at COMMIT`.
    pub pinned_by: Vec<Arc<str>>,
    /// How many bytes its files have; null if the listing does not say that of all.
    pub bytes: Option<u64>,
    /// What was pruned of it although it is listed, for a person; null if nothing was.
    pub pruned: Option<String>,
}

/// What is to become of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Something pins it: it must stay.
    Pinned,
    /// It is the newest of its stream: the next bump may want it.
    Newest,
    /// Which build it is cannot be told, so it counts as pinned.
    Unreadable,
    /// Nothing that could be read pins it, but something that may pin it could not be read, so it counts as pinned.
    PerhapsPinned,
    /// It may be pruned.
    Orphan,
}

/// A build that is pinned and not there, or not known to be there, or files of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Missing {
    /// The build ID.
    pub build_id: Arc<str>,
    /// The architecture.
    pub arch: Arc<str>,
    /// What the listing says of it.
    #[serde(flatten)]
    pub absence: Absence,
    /// The files that are gone, or may be; empty if the whole build is, or if the pins do not name any.
    pub files: Vec<Arc<str>>,
    /// The refs or documents that pin it.
    pub pinned_by: Vec<Arc<str>>,
}

/// What a listing says of something that it does not show to be there. What is worse is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Absence {
    /// It may be gone.
    Undetermined {
        /// Why it cannot be determined, one sentence for a person.
        why: &'static str,
    },
    /// It is gone.
    Gone {
        /// How it shows.
        how: HowGone,
    },
}

/// How it shows that something is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum HowGone {
    /// The listing covers its stream and does not have it.
    NotListed,
    /// The listing says that the build was removed (`tombstone-builds`).
    Removed,
    /// The listing says that these images were pruned (`policy-cleanup`).
    Pruned,
    /// The listing names other files of the build, and not these.
    FilesNotListed,
}

impl Absence {
    /// The same for a person.
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
    /// The status in one word.
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
    /// A pin is missed only if the listing covers its stream: a `builds.json` is of one stream, and says nothing
    /// of others; a listing of one architecture says nothing of others. With `complete`, the listing is all there is, and every pin must be in it.
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

/// The pins of each that is held, and what is held of each pin.
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

/// The builds of a listing, those of one name and status together.
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
        // Tips come first: there may be many other commits.
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

/// A directory, or what stands for it, and an architecture.
type OfDirectory = (String, Option<Arc<str>>);

/// Builds among which one is the newest: a directory's of an architecture; where no directory is known, those
/// made for the same OpenShift and RHEL.
fn group(held: &Held) -> OfDirectory {
    let directory = match &held.build {
        Some(build) if held.directory.is_empty() => stream(build),
        _ => held.directory.to_string(),
    };
    (directory, held.arch.clone())
}

fn newest(listing: &Listing) -> BTreeMap<OfDirectory, BuildAge> {
    let mut newest = BTreeMap::new();
    for held in &listing.held {
        if let Some(build) = &held.build {
            let most = newest.entry(group(held)).or_default();
            *most = build.age().max(*most);
        }
    }
    newest
}

/// What a build ID says of its stream, which is what the streams layout names its directories after.
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
