//! What a mirror holds: a `builds.json`, a directory tree, or a list of URLs or paths.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::location::{Arch, BuildId};
use crate::text::excerpt;

/// The longest listing that is read, in bytes: some ten million lines.
const MAX_LISTING_BYTES: u64 = 1024 * 1024 * 1024;

/// How deep below its root a directory tree is looked into.
const MAX_DEPTH: usize = 16;

/// The sidecar that says which build a release's directory holds.
const RHCOS_ID: &str = "rhcos-id.txt";

/// One architecture of a build that a mirror holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The directory of builds, such as `4.19-9.6`, `rhcos-4.8-s390x` or `4.8`; empty if the listing does not
    /// say.
    pub directory: Arc<str>,
    /// The name of the build's directory.
    pub name: Arc<str>,
    /// The build; none if that cannot be told.
    pub build: Option<BuildId>,
    /// The architecture; none if the listing does not say.
    pub arch: Option<Arc<str>>,
}

/// What a mirror holds.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Every architecture of every build, each once.
    pub held: Vec<Held>,
    /// Lines that belong to no build.
    pub ignored: usize,
    found: BTreeMap<Key, Option<BuildId>>,
}

type Key = (Arc<str>, Arc<str>, Option<Arc<str>>);

/// Why a listing cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// It could not be read.
    #[error("{path}: {error}")]
    Io {
        /// What was to be read.
        path: String,
        /// What the system says.
        error: io::Error,
    },
    /// It begins as JSON does and is no `builds.json`.
    #[error("{path}: it is no builds.json: {error}")]
    Json {
        /// The file.
        path: String,
        /// What is wrong.
        error: serde_json::Error,
    },
    /// It names no build at all: a mistake, and no empty mirror.
    #[error("{path}: it names no build; expected a builds.json, a directory, or URLs or paths, one per line")]
    Empty {
        /// What was read.
        path: String,
    },
}

/// coreos-assembler's `builds.json`, of either of its versions.
#[derive(Deserialize)]
struct BuildsJson {
    builds: Vec<BuildsEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum BuildsEntry {
    /// Until 2019: the ID alone.
    Id(String),
    Build {
        id: String,
        #[serde(default)]
        arches: Vec<String>,
    },
}

impl Listing {
    /// Adds what a file or directory lists; `-` is standard input.
    pub fn add(&mut self, path: &Path) -> Result<(), ListingError> {
        let name = excerpt(&path.display().to_string(), 300);
        let io = |error| ListingError::Io { path: name.clone(), error };
        let before = self.found.len();
        if path == Path::new("-") {
            self.add_text(path, &name, io::stdin().lock())?;
        } else if fs::metadata(path).map_err(io)?.is_dir() {
            let root = fs::canonicalize(path).map_err(io)?;
            let above: Vec<String> = segments(&root.display().to_string()).map(str::to_owned).collect();
            let mut relative = Vec::new();
            self.add_tree(&root, &above, &mut relative).map_err(io)?;
        } else {
            self.add_text(path, &name, fs::File::open(path).map_err(io)?)?;
        }
        if self.found.len() == before {
            return Err(ListingError::Empty { path: name });
        }
        self.settle();
        Ok(())
    }

    fn add_text(&mut self, path: &Path, name: &str, reader: impl Read) -> Result<(), ListingError> {
        let mut bytes = Vec::new();
        let io = |error| ListingError::Io { path: name.to_owned(), error };
        reader.take(MAX_LISTING_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_LISTING_BYTES) {
            return Err(io(io::Error::other("it has more than 1 GiB")));
        }
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            let json = serde_json::from_slice(&bytes)
                .map_err(|error| ListingError::Json { path: name.to_owned(), error })?;
            self.add_builds_json(path, json);
            return Ok(());
        }
        for line in String::from_utf8_lossy(&bytes).lines().map(str::trim).filter(|line| !line.is_empty()) {
            let path =
                line.split_once("://").map_or(line, |(_, rest)| rest.split_once('/').map_or("", |it| it.1));
            let segments: Vec<&str> = segments(path).collect();
            self.add_path(&segments, 0, line.ends_with('/'));
        }
        Ok(())
    }

    fn add_builds_json(&mut self, path: &Path, json: BuildsJson) {
        let text = path.display().to_string();
        let mut above: Vec<&str> = segments(&text).collect();
        above.pop();
        let directory = match above.as_slice() {
            [.., directory, "builds"] => *directory,
            _ => "",
        };
        for build in json.builds {
            let (id, arches) = match build {
                BuildsEntry::Id(id) => (id, Vec::new()),
                BuildsEntry::Build { id, arches } => (id, arches),
            };
            if arches.is_empty() {
                self.found(directory, &id, None);
            }
            for arch in &arches {
                self.found(directory, &id, Some(arch));
            }
        }
    }

    /// Adds the builds of the files below a directory. One that was emptied holds no build, whatever its name.
    fn add_tree(&mut self, at: &Path, above: &[String], relative: &mut Vec<String>) -> io::Result<()> {
        let mut entries: Vec<fs::DirEntry> = fs::read_dir(at)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            // What is hidden is on its way (`mirror` calls it `.FILE.part`), and not there yet.
            if name.starts_with('.') {
                continue;
            }
            relative.push(name);
            // A link is the name of something else, which is listed where it is.
            if entry.file_type()?.is_dir() && relative.len() < MAX_DEPTH {
                self.add_tree(&entry.path(), above, relative)?;
            } else {
                let all: Vec<&str> = above.iter().chain(&*relative).map(String::as_str).collect();
                let held = self.add_path(&all, above.len(), false);
                if let (Some(key), true) = (held, all.last() == Some(&RHCOS_ID)) {
                    self.read_rhcos_id(&key, &entry.path());
                }
            }
            relative.pop();
        }
        Ok(())
    }

    fn read_rhcos_id(&mut self, key: &Key, path: &Path) {
        let mut text = String::new();
        let read = fs::File::open(path).and_then(|file| file.take(1024).read_to_string(&mut text));
        if let (Ok(_), Ok(build)) = (read, text.trim().parse())
            && let Some(slot) = self.found.get_mut(key)
        {
            slot.get_or_insert(build);
        }
    }

    /// Adds the build that a path belongs to. The first `above` segments lead to the listing itself.
    fn add_path(&mut self, segments: &[&str], above: usize, is_directory: bool) -> Option<Key> {
        let Some(place) = Place::find(segments, above, is_directory) else {
            self.ignored += usize::from(!segments.is_empty());
            return None;
        };
        Some(self.found(place.directory, place.name, place.arch))
    }

    fn found(&mut self, directory: &str, name: &str, arch: Option<&str>) -> Key {
        let key: Key = (directory.into(), name.into(), arch.map(Arc::from));
        self.found.entry(key.clone()).or_insert_with(|| name.parse().ok());
        key
    }

    /// What was found, without the builds of no architecture that are there with one.
    fn settle(&mut self) {
        let with_arch: BTreeSet<(&Arc<str>, &Arc<str>)> = self
            .found
            .keys()
            .filter(|(_, _, arch)| arch.is_some())
            .map(|(directory, name, _)| (directory, name))
            .collect();
        let all = self
            .found
            .iter()
            .filter(|((directory, name, arch), _)| arch.is_some() || !with_arch.contains(&(directory, name)));
        self.held = all
            .map(|((directory, name, arch), build)| Held {
                directory: Arc::clone(directory),
                name: Arc::clone(name),
                build: build.clone(),
                arch: arch.clone(),
            })
            .collect();
    }
}

/// Where in a path a build is.
struct Place<'p> {
    directory: &'p str,
    name: &'p str,
    arch: Option<&'p str>,
}

impl<'p> Place<'p> {
    fn find(segments: &[&'p str], above: usize, is_directory: bool) -> Option<Self> {
        let get = |at: usize| segments.get(at).copied();
        // The best evidence is a directory that is named after a build; the next, one where builds must be.
        let last = segments.len().checked_sub(1)?;
        let directories = (above..segments.len()).filter(|&at| at < last || is_directory);
        let named =
            directories.clone().rev().find(|&at| get(at).is_some_and(|it| it.parse::<BuildId>().is_ok()));
        let at = named.or_else(|| directories.clone().find(|&at| at > 0 && must_be_a_build(segments, at)))?;
        let name = get(at).filter(|name| !name.starts_with("latest"))?;
        let parent = at.checked_sub(1).and_then(get);
        let directory = match parent {
            Some("builds") => at.checked_sub(2).and_then(get),
            parent => parent,
        };
        let rhcos = segments.windows(2).rposition(|pair| pair == ["dependencies", "rhcos"]);
        let arch = match rhcos.filter(|&rhcos| rhcos < at) {
            // On the public mirror the architecture comes first; without one it is x86_64.
            Some(rhcos) => {
                Some(rhcos.checked_sub(1).and_then(get).and_then(arch_of).unwrap_or(Arch::X86_64.rpm_name()))
            }
            None => get(at + 1).and_then(arch_of),
        };
        Some(Self { directory: directory.unwrap_or_default(), name, arch })
    }
}

/// Whether a directory stands where the layouts have builds, whatever its name is.
fn must_be_a_build(segments: &[&str], at: usize) -> bool {
    let before = segments.get(..at).unwrap_or_default();
    match before {
        [.., "dependencies", "rhcos", _series] => true,
        [.., _directory, "builds"] => true,
        [.., directory] => is_releases_directory(directory),
        [] => false,
    }
}

/// `rhcos-4.8`, `rhcos-4.8-ppc64le`.
fn is_releases_directory(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("rhcos-") else { return false };
    let (series, arch) = rest.split_once('-').map_or((rest, None), |(series, arch)| (series, Some(arch)));
    series.parse::<crate::location::Series>().is_ok() && arch.is_none_or(|arch| arch_of(arch).is_some())
}

fn arch_of(name: &str) -> Option<&'static str> {
    Arch::from_rpm_name(name).or_else(|| Arch::from_go_name(name)).map(Arch::rpm_name)
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !matches!(*segment, "" | "."))
}
