//! What pins builds: stream documents, in checkouts or at the refs of a git repository.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;

use super::Held;
use crate::location::{BuildId, Location};
use crate::stream::{
    Artifact, ArtifactId, Checkout, Document, Repository, SourceError, commit_key, read_commit,
};
use crate::text::excerpt;

/// A build that something pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The ref, or the document.
    pub by: Arc<str>,
    /// The build ID; where a document's is none that can be read, the name of the directory that its location names.
    pub build: Arc<str>,
    /// The architecture.
    pub arch: Arc<str>,
    /// The directory of builds that the location names.
    pub directory: Option<Arc<str>>,
    /// The directory in it that the location names: a build ID, or a release on the mirror by release.
    pub release: Option<Arc<str>>,
    /// Whether files are pinned. A build that only names cloud images must stay, but need not have been
    /// mirrored.
    pub of_files: bool,
    /// The names of the files that are pinned, as far as locations say them.
    pub files: BTreeSet<Arc<str>>,
}

/// Something that pins builds, and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Unreadable {
    /// The ref, or the document.
    pub by: Arc<str>,
    /// Why it cannot be read.
    pub why: String,
}

/// Everything that pins builds.
#[derive(Debug, Clone, Default)]
pub struct Pins {
    /// The pins; one build may have several of one ref.
    pub pins: Vec<Pin>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
}

/// What a location says of where its build is.
#[derive(Debug, Clone, Default)]
struct Place {
    directory: Option<Arc<str>>,
    release: Option<Arc<str>>,
    file: Option<Arc<str>>,
}

impl Place {
    fn of(location: &Location) -> Self {
        Self {
            directory: Some(location.directory().into()),
            release: location.build_directory().map(Arc::from),
            file: Some(location.file().as_str().into()),
        }
    }
}

impl Pin {
    /// Whether it pins what a mirror holds: the build, or the very directory that the location names. Where the
    /// listing does not tell architectures, any is meant.
    pub(super) fn pins(&self, held: &Held) -> bool {
        let is_build = held.build.as_ref().is_some_and(|build| build.as_str() == &*self.build);
        (is_build || self.names(held)) && held.arch.as_ref().is_none_or(|arch| *arch == self.arch)
    }

    /// Whether what is held is what is pinned, as far as anything says: the directory that the location names may hold
    /// another build by now.
    pub(super) fn is_held_as(&self, held: &Held) -> bool {
        let told = held.build.as_ref().zip(self.build_id());
        self.pins(held) && told.is_none_or(|(held, pinned)| *held == pinned)
    }

    /// Whether the location names the directory that is held.
    fn names(&self, held: &Held) -> bool {
        self.release.as_ref() == Some(&held.name) && self.directory.as_ref() == Some(&held.directory)
    }

    /// The build, if its ID can be read.
    pub(super) fn build_id(&self) -> Option<BuildId> {
        self.build.parse().ok()
    }
}

impl Pins {
    /// Adds what a document pins.
    pub fn add_document(&mut self, by: &Arc<str>, document: &Document) {
        for artifact in &document.artifacts {
            let Artifact { id: ArtifactId { arch, .. }, release, location, .. } = artifact;
            let location = Location::parse(location).ok();
            let place = location.as_ref().map(Place::of).unwrap_or_default();
            // A location that is of another build than its release is a fault, and still keeps users going: the file
            // is then of that build.
            let located = location.as_ref().and_then(|location| match location.build() {
                Some(build) => Some(build.as_str()),
                None => location.build_directory().filter(|_| release.parse::<BuildId>().is_err()),
            });
            let is_elsewhere = located.is_some_and(|build| *build != **release);
            if let Some(build) = located.filter(|_| is_elsewhere) {
                self.push(by, build.into(), arch, place.clone(), true);
            }
            match release.parse::<BuildId>() {
                Ok(_) if is_elsewhere => self.push(by, Arc::clone(release), arch, Place::default(), true),
                Ok(_) => self.push(by, Arc::clone(release), arch, place, true),
                // It pins what its URL names.
                Err(_) if located.is_some() => {
                    if !is_elsewhere {
                        self.push(by, Arc::clone(release), arch, place, true);
                    }
                }
                Err(error) => self.unreadable(by, &format!("a release of {arch}: {error}")),
            }
        }
        let releases = document.cloud_images.iter().filter(|image| image.path.ends_with(".release"));
        for image in releases {
            // Clouds have their own names for their images; what is no build ID here pins nothing.
            if image.value.parse::<BuildId>().is_ok() {
                self.push(by, image.value.as_str().into(), &image.arch, Place::default(), false);
            }
        }
    }

    /// Adds what a checkout pins: its stream documents and its legacy metadata.
    pub fn add_checkout(&mut self, by: &Arc<str>, checkout: Checkout) {
        let Checkout { sources, errors } = checkout;
        for sourced in &sources.documents {
            self.add_document(by, &sourced.document);
        }
        for legacy in &sources.legacy_builds {
            match &legacy.build_id {
                Some(build) => self.add(by, build, &legacy.arch.into()),
                None => self.unreadable(by, &format!("{}: it has no buildid", legacy.name)),
            }
        }
        let is_none = |error: &SourceError| matches!(error, SourceError::NoDocument { .. });
        if !errors.kept().iter().all(is_none) {
            errors.kept().iter().for_each(|error| self.unreadable(by, &error.to_string()));
        } else if sources.documents.is_empty() && sources.legacy_builds.is_empty() {
            self.unreadable(by, "no boot-image metadata is where any year's checkout has it");
        }
    }

    /// Adds what every one of these refs pins. Commits with the same metadata are read once.
    pub fn add_refs(&mut self, repository: &Repository, refs: &[(String, String)]) {
        let mut known = HashMap::new();
        for (name, target) in refs {
            let by: Arc<str> = name.as_str().into();
            let commit = match repository.commit(target) {
                Ok(commit) => commit,
                Err(error) => {
                    self.unreadable(&by, &error.to_string());
                    continue;
                }
            };
            let key = commit_key(repository, &commit);
            let read = || {
                let mut pins = Self::default();
                pins.add_checkout(&by, read_commit(repository, &commit));
                pins
            };
            match key {
                Some(key) => self.add_as(&by, known.entry(key).or_insert_with(read)),
                None => self.add_as(&by, &read()),
            }
        }
    }

    /// Adds what another ref pins too.
    fn add_as(&mut self, by: &Arc<str>, other: &Self) {
        self.pins.extend(other.pins.iter().map(|pin| Pin { by: Arc::clone(by), ..pin.clone() }));
        let unreadable = other.unreadable.iter();
        self.unreadable.extend(unreadable.map(|it| Unreadable { by: Arc::clone(by), ..it.clone() }));
    }

    fn add(&mut self, by: &Arc<str>, release: &str, arch: &Arc<str>) {
        match release.parse::<BuildId>() {
            Ok(_) => self.push(by, release.into(), arch, Place::default(), true),
            Err(error) => self.unreadable(by, &format!("a release of {arch}: {error}")),
        }
    }

    fn push(&mut self, by: &Arc<str>, build: Arc<str>, arch: &Arc<str>, place: Place, of_files: bool) {
        let Place { directory, release, file } = place;
        let same = |pin: &&mut Pin| {
            pin.build == build
                && pin.arch == *arch
                && pin.directory == directory
                && pin.release == release
                && pin.of_files == of_files
                && pin.by == *by
        };
        match self.pins.iter_mut().rev().find(same) {
            Some(pin) => pin.files.extend(file),
            None => self.pins.push(Pin {
                by: Arc::clone(by),
                build,
                arch: Arc::clone(arch),
                directory,
                release,
                of_files,
                files: file.into_iter().collect(),
            }),
        }
    }

    fn unreadable(&mut self, by: &Arc<str>, why: &str) {
        let unreadable = Unreadable { by: Arc::clone(by), why: excerpt(why, 500) };
        if !self.unreadable.contains(&unreadable) {
            self.unreadable.push(unreadable);
        }
    }
}
