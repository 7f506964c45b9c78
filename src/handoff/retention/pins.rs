//! Which builds are pinned: by stream documents, in checkouts or in the history of a git repository.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use super::Held;
use crate::location::{BuildId, Location};
use crate::stream::{
    Artifact, ArtifactId, Checkout, CommitId, Document, GitError, MAX_HISTORY_BYTES, Past, Repository,
    SourceError, list_commit, read_listed, walk_history,
};
use crate::text::excerpt;

/// The most unreadable refs and documents that are listed; the rest are merged into one entry.
const MOST_UNREADABLE: usize = 200;

/// How much newer a build may be than the commit that names it: clocks differ.
const SLACK: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A build that a document pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The ref or document; for an earlier commit, `REF at COMMIT` with the commit that introduced it.
    pub by: Arc<str>,
    /// Whether only an earlier commit of the ref pins it, and no longer its tip.
    pub is_past: bool,
    /// The build ID; if the document's cannot be read, the directory in the location.
    pub build: Arc<str>,
    pub arch: Arc<str>,
    /// The directory of builds in the location.
    pub directory: Option<Arc<str>>,
    /// The directory below it in the location: a build ID, or a release on the mirror by release.
    pub release: Option<Arc<str>>,
    /// Whether files are pinned. A build that is pinned only by cloud images must stay, but need not be
    /// mirrored.
    pub of_files: bool,
    /// The names of the pinned files, as far as locations have them.
    pub files: BTreeSet<Arc<str>>,
}

/// A ref or document that may pin builds but cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unreadable {
    pub by: Arc<str>,
    /// Why it cannot be read.
    pub why: String,
    /// The time, `YYYYMMDDhhmm`, of the newest build that it may pin: no later than its commit, with some
    /// slack. Null if it may pin any build.
    pub newest_build: Option<u64>,
}

/// A cloud image of a pinned build.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ami {
    /// The architecture.
    pub arch: Arc<str>,
    /// The region: `name` in `meta.json`.
    pub name: Arc<str>,
    /// The image: `hvm` in `meta.json`.
    pub hvm: Arc<str>,
}

/// Everything that pins builds.
#[derive(Debug, Clone, Default)]
pub struct Pins {
    /// The pins; one ref may pin a build more than once.
    pub pins: Vec<Pin>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    pub amis: BTreeMap<Arc<str>, BTreeSet<Ami>>,
    /// The option that ignores commits from which a release may have been cut.
    pub narrowed_by: Option<String>,
}

/// Which commits of a ref count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every commit that was ever the tip: a release may have been cut from any of them.
    History,
    /// The commit that was the tip at that time, in seconds since 1970, and all later ones.
    Since(u64),
    /// The tip alone.
    Tips,
}

/// The directories in a location.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct PinnedPlace {
    directory: Option<Arc<str>>,
    release: Option<Arc<str>>,
}

/// A build, an architecture, a place, and whether files are pinned.
type PinKey = (Arc<str>, Arc<str>, PinnedPlace, bool);

/// A path, and the object ID of its content.
type FileVersion = (PathBuf, String);

/// What the versions of documents in a repository pin, each read once.
struct Versions<'r> {
    repository: &'r Repository,
    read: HashMap<FileVersion, Rc<Pins>>,
    /// How many bytes may still be read.
    left: usize,
}

impl Pin {
    /// Whether it pins a listed build: the same build ID, or the directory in the location. A build that is
    /// listed without architecture matches any.
    pub(super) fn pins(&self, held: &Held) -> bool {
        let is_build = held.build.as_ref().is_some_and(|build| build.as_str() == &*self.build);
        (is_build || self.names_directory(held)) && held.arch.as_ref().is_none_or(|arch| *arch == self.arch)
    }

    /// Whether a listed build that it pins is the pinned one, as far as both IDs are known: the directory in
    /// the location may hold another build by now.
    pub(super) fn is_held_as(&self, held: &Held) -> bool {
        let both = held.build.as_ref().zip(self.build_id());
        both.is_none_or(|(held, pinned)| *held == pinned)
    }

    /// Whether the location names the directory of a listed build.
    fn names_directory(&self, held: &Held) -> bool {
        self.release.as_ref() == Some(&held.name) && self.directory.as_ref() == Some(&held.directory)
    }

    /// The build ID, if it can be read.
    pub(super) fn build_id(&self) -> Option<BuildId> {
        self.build.parse().ok()
    }
}

impl Pins {
    pub fn add_document(&mut self, by: &Arc<str>, document: &Document) {
        let mut found: BTreeMap<PinKey, BTreeSet<Arc<str>>> = BTreeMap::new();
        for artifact in &document.artifacts {
            let Artifact { id: ArtifactId { arch, .. }, release, location, .. } = artifact;
            let location = Location::parse(location).ok();
            let place = location.as_ref().map(|location| PinnedPlace {
                directory: Some(location.directory().into()),
                release: location.build_directory().map(Arc::from),
            });
            let file = location.as_ref().map(|location| Arc::from(location.file().as_str()));
            let mut pin = |build: Arc<str>, at: Option<&PinnedPlace>| {
                let key = (build, Arc::clone(arch), at.cloned().unwrap_or_default(), true);
                found.entry(key).or_default().extend(at.and(file.clone()));
            };
            // A location of another build than the release is an error, but installations use it, so both
            // builds are pinned, and the file belongs to the location's.
            let located = location.as_ref().and_then(|location| match location.build() {
                Some(build) => Some(build.as_str()),
                None => location.build_directory().filter(|_| release.parse::<BuildId>().is_err()),
            });
            let elsewhere = located.filter(|build| **build != **release);
            if let Some(build) = elsewhere {
                pin(build.into(), place.as_ref());
            }
            match release.parse::<BuildId>() {
                Ok(_) => pin(Arc::clone(release), place.as_ref().filter(|_| elsewhere.is_none())),
                // The build in its URL is pinned instead.
                Err(_) if elsewhere.is_some() => {}
                Err(_) if located.is_some() => pin(Arc::clone(release), place.as_ref()),
                Err(error) => self.unreadable(by, &format!("a release of {arch}: {error}"), None),
            }
        }
        let images = &document.cloud_images;
        let releases =
            images.iter().filter_map(|it| Some(((&it.arch, it.path.strip_suffix(".release")?), it)));
        // Clouds name images in their own ways; a release that is not a build ID pins nothing.
        let releases: BTreeMap<_, _> =
            releases.filter(|(_, it)| it.value.parse::<BuildId>().is_ok()).collect();
        for ((arch, _), release) in &releases {
            let key = (release.value.as_str().into(), Arc::clone(arch), PinnedPlace::default(), false);
            found.entry(key).or_default();
        }
        for image in images.iter().filter(|image| image.value.starts_with("ami-")) {
            if let Some(of) = image.path.strip_suffix(".image")
                && let Some(release) = releases.get(&(&image.arch, of))
            {
                let (arch, hvm) = (Arc::clone(&image.arch), image.value.as_str().into());
                let name = of.rsplit('.').next().unwrap_or(of).into();
                self.amis.entry(release.value.as_str().into()).or_default().insert(Ami { arch, name, hvm });
            }
        }
        self.pins.extend(found.into_iter().map(|((build, arch, place, of_files), files)| {
            let (by, PinnedPlace { directory, release }) = (Arc::clone(by), place);
            Pin { by, is_past: false, build, arch, directory, release, of_files, files }
        }));
    }

    /// Adds the pins of a checkout: its stream documents and its legacy metadata.
    pub fn add_checkout(&mut self, by: &Arc<str>, checkout: Checkout) {
        if checkout.sources.documents.is_empty()
            && checkout.sources.legacy_builds.is_empty()
            && checkout.errors.kept().iter().all(is_no_document)
        {
            self.no_metadata(by, None);
        }
        self.add_files(by, checkout);
    }

    fn add_files(&mut self, by: &Arc<str>, checkout: Checkout) {
        let Checkout { sources, errors } = checkout;
        for sourced in &sources.documents {
            self.add_document(by, &sourced.document);
        }
        for legacy in &sources.legacy_builds {
            let build = legacy.build_id.as_deref().unwrap_or_default();
            for (name, hvm) in &legacy.amis {
                let ami =
                    Ami { arch: legacy.arch.into(), name: name.as_str().into(), hvm: hvm.as_str().into() };
                self.amis.entry(build.into()).or_default().insert(ami);
            }
            match legacy.build_id.as_deref().map(|build| (build, build.parse::<BuildId>())) {
                Some((build, Ok(_))) => self.pins.push(Pin {
                    by: Arc::clone(by),
                    is_past: false,
                    build: build.into(),
                    arch: legacy.arch.into(),
                    directory: None,
                    release: None,
                    of_files: true,
                    files: BTreeSet::new(),
                }),
                Some((_, Err(error))) => self.unreadable(by, &format!("{}: {error}", legacy.name), None),
                None => self.unreadable(by, &format!("{}: it has no buildid", legacy.name), None),
            }
        }
        for error in errors.kept().iter().filter(|error| !is_no_document(error)) {
            self.unreadable(by, &error.to_string(), None);
        }
    }

    /// Adds the pins of these refs, given as names and what each points to.
    pub fn add_refs(
        &mut self,
        repository: &Repository,
        refs: &[(String, String)],
        reach: &Reach,
    ) -> Result<(), GitError> {
        let mut versions = Versions { repository, read: HashMap::new(), left: MAX_HISTORY_BYTES };
        let (mut names, mut tips): (Vec<Arc<str>>, Vec<CommitId>) = (Vec::new(), Vec::new());
        for (name, target) in refs {
            match repository.commit(target) {
                Ok(commit) => {
                    names.push(name.as_str().into());
                    tips.push(commit);
                }
                Err(error) => self.unreadable(&name.as_str().into(), &error.to_string(), None),
            }
        }
        let mut past: Vec<(Arc<str>, Past, FileVersion)> = Vec::new();
        // The first commit time of each version, which pins no later build.
        let mut since: HashMap<FileVersion, u64> = HashMap::new();
        let name_of = |it: &Past| names.get(it.tip).cloned().unwrap_or_default();
        if *reach != Reach::Tips {
            let from = if let Reach::Since(time) = reach { Some(*time) } else { None };
            let cut_off = walk_history(repository, &tips, from, |it, files| {
                let by = name_of(it);
                for error in files.errors.kept() {
                    self.unreadable(&ref_at(&by, &it.commit), &error.to_string(), Some(it.time));
                }
                for version in files.files {
                    let is_new = version.1.is_empty() || !since.contains_key(&version);
                    if is_new {
                        since.insert(version.clone(), it.time);
                        past.push((Arc::clone(&by), it.clone(), version));
                    }
                }
            })?;
            for it in cut_off {
                let why = format!(
                    "its history before {} is missing from this shallow clone; fetch it with git fetch --unshallow",
                    short_id(&it.commit)
                );
                self.unreadable(&name_of(&it), &why, Some(it.time));
            }
        }
        let mut at_tips = HashSet::new();
        for (by, tip) in names.iter().zip(&tips) {
            let files = list_commit(repository, tip);
            let made = repository.commit_time(tip)?;
            for error in files.errors.kept() {
                self.unreadable(by, &error.to_string(), Some(made));
            }
            let mut pins = Self::default();
            for version in files.files {
                let first = since.get(&version).copied().unwrap_or(made);
                pins.add_as(by, &versions.pins(tip, &version), false, first);
                at_tips.insert(version);
            }
            if pins.pins.is_empty() && pins.unreadable.is_empty() && files.errors.is_empty() {
                self.no_metadata(by, Some(made));
            }
            self.append(pins);
        }
        for (by, Past { commit, time, .. }, version) in past {
            if version.1.is_empty() || !at_tips.contains(&version) {
                self.add_as(&ref_at(&by, &commit), &versions.pins(&commit, &version), true, time);
            }
        }
        Ok(())
    }

    /// Adds pins that were read for another ref, by a commit of that time.
    fn add_as(&mut self, by: &Arc<str>, other: &Self, is_past: bool, time: u64) {
        self.pins.extend(other.pins.iter().map(|pin| Pin { by: Arc::clone(by), is_past, ..pin.clone() }));
        for unreadable in &other.unreadable {
            self.unreadable(by, &unreadable.why, Some(time));
        }
        self.add_amis(&other.amis);
    }

    fn append(&mut self, mut other: Self) {
        self.pins.append(&mut other.pins);
        self.unreadable.append(&mut other.unreadable);
        self.add_amis(&other.amis);
    }

    fn add_amis(&mut self, amis: &BTreeMap<Arc<str>, BTreeSet<Ami>>) {
        for (build, amis) in amis {
            self.amis.entry(Arc::clone(build)).or_default().extend(amis.iter().cloned());
        }
    }

    fn no_metadata(&mut self, by: &Arc<str>, time: Option<u64>) {
        let why = "it has no boot-image metadata in any of the known locations; if that is expected, skip it with --exclude-ref";
        self.unreadable(by, why, time);
    }

    /// Records what cannot be read, and the time of its commit in seconds since 1970.
    fn unreadable(&mut self, by: &Arc<str>, why: &str, time: Option<u64>) {
        let newest_build = time.and_then(|time| build_time(Duration::from_secs(time).checked_add(SLACK)?));
        let unreadable = Unreadable { by: Arc::clone(by), why: excerpt(why, 500), newest_build };
        if self.unreadable.contains(&unreadable) {
            return;
        }
        match self.unreadable.get_mut(MOST_UNREADABLE) {
            None => self.unreadable.push(unreadable),
            // The last entry stands for all the others, whatever they may pin.
            Some(rest) => {
                rest.newest_build = rest.newest_build.zip(newest_build).map(|(one, other)| one.max(other));
                rest.by = "others".into();
                "more than are listed here".clone_into(&mut rest.why);
            }
        }
    }
}

impl Versions<'_> {
    /// The pins of a version, with `by` left empty. It is read at a commit that has it.
    fn pins(&mut self, commit: &CommitId, version: &FileVersion) -> Rc<Pins> {
        let (path, id) = version;
        if let Some(known) = self.read.get(version).filter(|_| !id.is_empty()) {
            return Rc::clone(known);
        }
        let mut pins = Pins::default();
        pins.add_files(&Arc::default(), read_listed(self.repository, commit, path, &mut self.left));
        let pins = Rc::new(pins);
        self.read.insert(version.clone(), Rc::clone(&pins));
        pins
    }
}

fn is_no_document(error: &SourceError) -> bool {
    matches!(error, SourceError::NoDocument { .. })
}

/// `refs/heads/main at 1be3d1d1cbad`.
fn ref_at(by: &str, commit: &CommitId) -> Arc<str> {
    format!("{by} at {}", short_id(commit)).into()
}

fn short_id(commit: &CommitId) -> String {
    commit.as_str().chars().take(12).collect()
}

/// A time since 1970 in the form of build IDs: `YYYYMMDDhhmm`.
fn build_time(since_1970: Duration) -> Option<u64> {
    let time = UNIX_EPOCH.checked_add(since_1970).filter(|_| since_1970.as_secs() < 253_000_000_000)?;
    let digits = humantime::format_rfc3339_seconds(time).to_string();
    digits.chars().filter(char::is_ascii_digit).take(12).collect::<String>().parse().ok()
}
