//! The contents of a mirror: a `builds.json`, a directory tree, or URLs or paths, with or without sizes.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::cleanup::Cleanup;
use crate::location::{Arch, BuildId, FileName, Location};

/// The longest listing that is read, in bytes: some ten million lines.
const MAX_LISTING_BYTES: u64 = 1024 * 1024 * 1024;

/// How many levels of a directory tree are read.
const MAX_DEPTH: usize = 16;

/// The sidecar with the build ID of a release's directory.
const RHCOS_ID: &str = "rhcos-id.txt";

/// One architecture of a build that a mirror holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The directory of builds, such as `4.19-9.6`, `rhcos-4.8-s390x` or `4.8`; empty if the listing does not
    /// say.
    pub directory: Arc<str>,
    /// The name of the build's directory.
    pub name: Arc<str>,
    /// The build ID; `None` if it is unknown.
    pub build: Option<BuildId>,
    /// The architecture; `None` if the listing does not say.
    pub arch: Option<Arc<str>>,
    /// The listed files, as [`FileName::tail`] names them; `None` if the listing names the build alone.
    pub files: Option<BTreeSet<Arc<str>>>,
    /// Their total size in bytes; `None` if the listing names no files, or lacks the size of one.
    pub bytes: Option<u64>,
    /// What was pruned of it.
    pub cleanup: Cleanup,
}

/// What a mirror holds.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Every architecture of every build, each once.
    pub held: Vec<Held>,
    /// Builds that were removed as a whole: their names, and the architecture if the listing has it.
    pub removed: BTreeSet<(Arc<str>, Option<Arc<str>>)>,
    found: BTreeMap<ListedKey, Held>,
    /// How many times a build was named.
    named: usize,
    tails: HashSet<Arc<str>>,
}

/// A directory, a name and an architecture.
type ListedKey = (Arc<str>, Arc<str>, Option<Arc<str>>);

/// Why a listing cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("it is not a builds.json: {0}")]
    Json(#[from] serde_json::Error),
    /// An error, since an empty mirror is unlikely.
    #[error("it names no build; expected a builds.json, a directory, or URLs or paths, one per line")]
    Empty,
}

/// Either version of coreos-assembler's `builds.json`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BuildsJson {
    builds: Vec<BuildsEntry>,
    #[serde(default)]
    tombstone_builds: Vec<BuildsEntry>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum BuildsEntry {
    /// The ID alone, until 2019.
    Id(String),
    Build {
        id: String,
        #[serde(default)]
        arches: Vec<String>,
        #[serde(default, rename = "policy-cleanup")]
        cleanup: serde_json::Value,
    },
}

impl BuildsEntry {
    /// The ID, the architectures (`None` for an unknown one), and what was pruned.
    fn parts(self) -> (String, Vec<Option<String>>, Cleanup) {
        let (id, arches, cleanup) = match self {
            Self::Id(id) => (id, Vec::new(), Cleanup::default()),
            Self::Build { id, arches, cleanup } => (id, arches, Cleanup::read(&cleanup)),
        };
        let arches = if arches.is_empty() { vec![None] } else { arches.into_iter().map(Some).collect() };
        (id, arches, cleanup)
    }
}

impl Listing {
    /// Adds the builds in a file or below a directory; `-` is standard input.
    pub fn add(&mut self, path: &Path) -> Result<(), ListingError> {
        let before = self.named;
        if path == Path::new("-") {
            self.add_text(path, io::stdin().lock())?;
        } else if fs::metadata(path)?.is_dir() {
            let root = fs::canonicalize(path)?;
            let above: Vec<String> = segments(&root.display().to_string()).map(str::to_owned).collect();
            self.add_tree(&root, &above, &mut Vec::new())?;
        } else {
            self.add_text(path, fs::File::open(path)?)?;
        }
        if self.named == before {
            return Err(ListingError::Empty);
        }
        self.fill_held();
        Ok(())
    }

    fn add_text(&mut self, path: &Path, reader: impl Read) -> Result<(), ListingError> {
        let mut bytes = Vec::new();
        reader.take(MAX_LISTING_BYTES + 1).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_LISTING_BYTES) {
            return Err(io::Error::other("it has more than 1 GiB").into());
        }
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
            self.add_builds_json(path, serde_json::from_slice(&bytes)?);
            return Ok(());
        }
        for line in String::from_utf8_lossy(&bytes).lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (size, line) = split_size(line);
            let path =
                line.split_once("://").map_or(line, |(_, rest)| rest.split_once('/').map_or("", |it| it.1));
            let segments: Vec<&str> = segments(path).collect();
            self.add_path(&segments, 0, line.ends_with('/'), size);
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
        for (id, arches, cleanup) in json.builds.into_iter().map(BuildsEntry::parts) {
            for arch in arches {
                self.held_entry(directory, &id, arch.as_deref()).cleanup.and(cleanup.clone());
            }
        }
        for (id, arches, _) in json.tombstone_builds.into_iter().map(BuildsEntry::parts) {
            let id: Arc<str> = id.into();
            self.named += 1;
            self.removed.extend(arches.into_iter().map(|arch| (Arc::clone(&id), arch.map(Arc::from))));
        }
    }

    /// Adds the builds of the files below a directory. An empty directory holds no build, whatever its name.
    fn add_tree(&mut self, at: &Path, above: &[String], relative: &mut Vec<String>) -> io::Result<()> {
        let mut entries: Vec<fs::DirEntry> = fs::read_dir(at)?.collect::<Result<_, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Hidden files are incomplete (`mirror` writes to `.FILE.part`), and a broken link has no file.
            let leads_nowhere = || !entry.path().exists();
            if name.starts_with('.') || (entry.file_type()?.is_symlink() && leads_nowhere()) {
                continue;
            }
            relative.push(name);
            // A link to a directory is not followed: its target is listed where it is.
            if entry.file_type()?.is_dir() && relative.len() < MAX_DEPTH {
                self.add_tree(&entry.path(), above, relative)?;
            } else {
                let all: Vec<&str> = above.iter().chain(&*relative).map(String::as_str).collect();
                let path = entry.path();
                // A link has no size of its own.
                let metadata = entry.metadata()?;
                let size = if metadata.is_file() { metadata.len() } else { 0 };
                if let Some(found) = self.add_path(&all, above.len(), false, Some(size))
                    && all.last() == Some(&RHCOS_ID)
                {
                    found.read_rhcos_id(&path);
                }
            }
            relative.pop();
        }
        Ok(())
    }

    /// Adds the build of a path. The first `above` segments lead to the root of the listing.
    fn add_path(
        &mut self,
        segments: &[&str],
        above: usize,
        is_directory: bool,
        size: Option<u64>,
    ) -> Option<&mut Held> {
        let place = ListedPlace::find(segments, above, is_directory)?;
        let tail = place.file.map(|file| self.intern(&file.tail()));
        let found = self.held_entry(&place.directory, &place.name, place.arch.map(Arch::rpm_name));
        if let Some(tail) = tail {
            found.files.get_or_insert_default().insert(tail);
        }
        if !is_directory {
            found.bytes = found.bytes.zip(size).map(|(one, other)| one.saturating_add(other));
        }
        Some(found)
    }

    /// Shares one copy of each name: most builds have the same ones.
    fn intern(&mut self, tail: &str) -> Arc<str> {
        if let Some(known) = self.tails.get(tail) {
            return Arc::clone(known);
        }
        let tail: Arc<str> = tail.into();
        self.tails.insert(Arc::clone(&tail));
        tail
    }

    fn held_entry(&mut self, directory: &str, name: &str, arch: Option<&str>) -> &mut Held {
        self.named += 1;
        let key: ListedKey = (directory.into(), name.into(), arch.map(Arc::from));
        self.found.entry(key).or_insert_with_key(|(directory, name, arch)| Held {
            directory: Arc::clone(directory),
            name: Arc::clone(name),
            build: name.parse().ok(),
            arch: arch.clone(),
            files: None,
            bytes: Some(0),
            cleanup: Cleanup::default(),
        })
    }

    /// Fills `held`. An entry without architecture is dropped if the same build is there with one.
    fn fill_held(&mut self) {
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
        let of_files = |held: &Held| held.bytes.filter(|_| held.files.is_some());
        self.held = all.map(|(_, held)| Held { bytes: of_files(held), ..held.clone() }).collect();
    }
}

impl Held {
    fn read_rhcos_id(&mut self, path: &Path) {
        let mut text = String::new();
        let read = fs::File::open(path).and_then(|file| file.take(1024).read_to_string(&mut text));
        if let (Ok(_), Ok(build)) = (read, text.trim().parse()) {
            self.build.get_or_insert(build);
        }
    }
}

/// The build that a path belongs to.
struct ListedPlace {
    directory: String,
    name: String,
    arch: Option<Arch>,
    /// The file, if it is directly in the directory of the build's files.
    file: Option<FileName>,
}

impl ListedPlace {
    fn find(segments: &[&str], above: usize, is_directory: bool) -> Option<Self> {
        if let (false, Ok(location)) = (is_directory, Location::of_path(segments)) {
            let name = location.build_directory()?.to_owned();
            let at = segments.iter().rposition(|segment| *segment == name)?;
            return (at >= above).then(|| Self {
                directory: location.directory().to_owned(),
                name,
                arch: Some(location.arch()),
                file: Some(location.file().clone()),
            });
        }
        // A truncated path, or a directory: look for a name that is a build ID.
        let last = segments.len().checked_sub(1)?;
        let mut directories = (above..segments.len()).filter(|&at| at < last || is_directory).rev();
        let get = |at: usize| segments.get(at).copied();
        let at = directories.find(|&at| get(at).is_some_and(|name| name.parse::<BuildId>().is_ok()))?;
        let parent = match at.checked_sub(1).and_then(get) {
            Some("builds") => at.checked_sub(2).and_then(get),
            parent => parent,
        };
        let arch =
            get(at + 1).and_then(|name| Arch::from_rpm_name(name).or_else(|| Arch::from_go_name(name)));
        let file = arch.zip(get(at + 2)).filter(|_| at + 2 == last && !is_directory);
        Some(Self {
            directory: parent.unwrap_or_default().to_owned(),
            name: get(at)?.to_owned(),
            arch,
            file: file.map(|(arch, name)| FileName::read(name, arch)),
        })
    }
}

/// Splits a line into its size and its path, without the date: `aws s3 ls --recursive`, `gsutil ls -l` and
/// `find -printf '%s %p\n'` print these first.
fn split_size(mut line: &str) -> (Option<u64>, &str) {
    let is_date = |text: &str| {
        text.starts_with(|it: char| it.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:TZ+".contains(&byte))
    };
    let mut size = None;
    while let Some((field, rest)) = line.split_once(char::is_whitespace) {
        match field.parse() {
            Ok(number) if size.is_none() => size = Some(number),
            _ if is_date(field) => {}
            _ => break,
        }
        line = rest.trim_start();
    }
    (size, line)
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !matches!(*segment, "" | "."))
}
