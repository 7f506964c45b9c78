//! What pins builds: stream documents, in checkouts or at the refs of a git repository.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Held;
use crate::handoff::git::{Entry, Ref, Repository};
use crate::location::{BuildId, Location};
use crate::stream::{Artifact, ArtifactId, Document, SourceError, Sources};
use crate::text::excerpt;

/// The metadata of 2019 and later, which says in `buildid` which build it is of, and its architecture.
const LEGACY: [(&str, &str); 5] = [
    ("rhcos.json", "x86_64"),
    ("rhcos-amd64.json", "x86_64"),
    ("rhcos-aarch64.json", "aarch64"),
    ("rhcos-ppc64le.json", "ppc64le"),
    ("rhcos-s390x.json", "s390x"),
];

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

/// The one field of legacy metadata that matters here.
#[derive(Deserialize)]
struct Legacy {
    buildid: Option<String>,
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
    pub fn add_checkout(&mut self, by: &Arc<str>, root: &Path) {
        let mut sources = Sources::default();
        let mut found = false;
        match sources.add_path(root) {
            Ok(()) => {
                for sourced in &sources.documents {
                    self.add_document(by, &sourced.document);
                    found = true;
                }
            }
            Err(errors) if errors.iter().all(|error| matches!(error, SourceError::NoDocument { .. })) => {}
            Err(errors) => {
                found = true;
                let root = format!("{}/", root.display());
                for error in errors {
                    self.unreadable(by, &error.to_string().replace(&root, ""));
                }
            }
        }
        for (name, arch) in LEGACY {
            match legacy(root, name) {
                None => {}
                Some(Ok(build)) => {
                    found = true;
                    self.add(by, &build, &arch.into());
                }
                Some(Err(why)) => {
                    found = true;
                    self.unreadable(by, &format!("data/data/{name}: {why}"));
                }
            }
        }
        if !found {
            self.unreadable(by, "no boot-image metadata is where any year's checkout has it");
        }
    }

    /// Adds what every one of these refs pins. Refs with the same metadata are read once.
    pub fn add_refs(&mut self, repository: &Repository, refs: &[Ref]) {
        let mut known: HashMap<Vec<Entry>, Self> = HashMap::new();
        for Ref { name, target } in refs {
            let by: Arc<str> = name.as_str().into();
            match repository.metadata(target) {
                Err(error) => self.unreadable(&by, &error.to_string()),
                Ok(entries) => {
                    if !known.contains_key(&entries) {
                        let read = Self::of_tree(repository, &entries, &by);
                        known.insert(entries.clone(), read);
                    }
                    if let Some(same) = known.get(&entries) {
                        self.pins
                            .extend(same.pins.iter().map(|pin| Pin { by: Arc::clone(&by), ..pin.clone() }));
                        let unreadable = same.unreadable.iter();
                        self.unreadable
                            .extend(unreadable.map(|it| Unreadable { by: Arc::clone(&by), ..it.clone() }));
                    }
                }
            }
        }
    }

    fn of_tree(repository: &Repository, entries: &[Entry], by: &Arc<str>) -> Self {
        let mut pins = Self::default();
        match repository.extract(entries) {
            Ok(extract) => pins.add_checkout(by, extract.path()),
            Err(error) => pins.unreadable(by, &error.to_string()),
        }
        pins
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

/// The build that a file of legacy metadata is of; none if there is no such file. A link must not lead out of
/// the checkout.
fn legacy(root: &Path, name: &str) -> Option<Result<String, String>> {
    let path = root.join("data/data").join(name);
    fs::symlink_metadata(&path).ok()?;
    let read = || {
        let real = fs::canonicalize(&path).map_err(|error| error.to_string())?;
        if !real.starts_with(fs::canonicalize(root).map_err(|error| error.to_string())?) {
            return Err("it is a link out of the checkout".to_owned());
        }
        let text = fs::read(&real).map_err(|error| error.to_string())?;
        let legacy: Legacy = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
        legacy.buildid.ok_or_else(|| "it has no buildid".to_owned())
    };
    Some(read())
}
