//! The planned path of each file. Paths consist only of validated segments, so that no document or list can make one
//! leave the directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::handoff::directory::{Directories, SIDECARS, TwoBuilds, build_of, second_names};
use crate::handoff::request::Requested;
use crate::location::{
    ArtifactUrl, BuildId, Location, Mirror, MirrorVersion, OcpVersion, Prefix, PrefixKind, Series, Target,
    is_plain_segment,
};
use crate::stream::{Artifact, Sha256};
use crate::text::excerpt;

/// A placeholder base with the streams layout, which is removed from URLs to get paths.
const STREAMS: &str = "http://mirror.invalid/streams";

/// The placeholder base of all other arrangements.
const BASE: &str = "http://mirror.invalid/root";

/// How files are arranged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrangement {
    Flat,
    /// `DIR/builds/BUILDID/ARCH/FILE`.
    Streams,
    /// `ARCH/dependencies/rhcos/4.M/BUILDID/FILE`; the series is for builds whose ID has none.
    Build(Option<Series>),
    /// `ARCH/dependencies/rhcos/4.M/VERSION/rhcos-VERSION-ARCH-…`, or in `pre-release/` for a pre-release.
    Release(OcpVersion),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    pub title: String,
    pub document: String,
    pub url: ArtifactUrl,
    pub sha256: Sha256,
    /// The size in bytes, if known.
    pub size: Option<u64>,
    pub path: PathBuf,
    /// Further names in the same directory.
    pub links: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedDirectory {
    pub build: BuildId,
    /// The URL of the build's `meta.json`; `None` if it is not copied.
    pub meta_json: Option<ArtifactUrl>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MirrorPlan {
    pub files: Vec<Planned>,
    pub directories: BTreeMap<PathBuf, PlannedDirectory>,
    /// The file and digest of every planned path, including second names.
    names: BTreeMap<PathBuf, (String, Sha256)>,
    builds: Directories,
}

/// Why a file cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("{title}: {why}")]
    NoPlace { title: String, why: String },
    #[error("{path} would be the name of both {first} and {second}, which differ")]
    Taken { path: String, first: String, second: String },
    #[error(transparent)]
    TwoBuilds(#[from] TwoBuilds),
}

impl Arrangement {
    /// The target at which `check` and the installer find the files if the directory is served at `base`.
    pub fn target(&self, base: Prefix) -> Result<Target, String> {
        let mirror = match self {
            Self::Flat => return Ok(Target::Flat(base)),
            Self::Streams if base.kind() != PrefixKind::Streams => {
                return Err(format!(
                    "{base} is not the base of a streams layout; expected one that ends in /streams"
                ));
            }
            Self::Streams => Mirror::new(base, None, false),
            Self::Build(series) => Mirror::new(base, series.map(MirrorVersion::Series), false),
            Self::Release(version) => {
                let pre_release = version.as_str().contains('-');
                Mirror::new(base, Some(MirrorVersion::Release(version.clone())), pre_release)
            }
        };
        mirror.map(Target::Mirror).map_err(|error| error.to_string())
    }

    /// The URL of a document's file below the placeholder base, and its path.
    fn place(&self, location: &str, release: &str) -> Result<(ArtifactUrl, PathBuf), String> {
        let base = if matches!(self, Self::Streams) { STREAMS } else { BASE };
        let target = self.target(Prefix::parse(base).map_err(|error| error.to_string())?)?;
        let literal = ArtifactUrl::parse(location).map_err(|error| error.to_string())?;
        let release = (!release.is_empty()).then_some(release);
        // Errors must not show the placeholder.
        let place =
            target.place(&literal, release).map_err(|error| error.to_string().replace(base, "DIR"))?;
        let path = path_of(place.as_str().strip_prefix(base).unwrap_or_default())?;
        Ok((place, path))
    }

    const fn has_sidecars(&self) -> bool {
        !matches!(self, Self::Flat)
    }
}

impl MirrorPlan {
    /// Plans an artifact of a document, to be fetched from `url`; `size` is in bytes.
    pub fn add(
        &mut self,
        arrangement: &Arrangement,
        document: &str,
        artifact: &Artifact,
        url: ArtifactUrl,
        size: Option<u64>,
    ) -> Result<(), PlanError> {
        let Artifact { id, release, location, sha256, .. } = artifact;
        let title = excerpt(&id.to_string(), 300);
        let no_place = |why: String| PlanError::NoPlace { title: title.clone(), why };
        let (place, path) = arrangement.place(location, release).map_err(no_place)?;
        let extras = arrangement.has_sidecars().then(|| Extras::of(&place, release, &url));
        let Extras { links, directory } = extras.transpose().map_err(no_place)?.unwrap_or_default();
        let document = document.to_owned();
        self.put(Planned { title, document, url, sha256: *sha256, size, path, links }, directory)
    }

    /// Plans the files of a request, with paths below the root of the destinations' web server.
    pub fn of_request(requested: Vec<Requested>) -> Result<Self, PlanError> {
        let mut plan = Self::default();
        for Requested { title, document, release, destination, url, sha256, size } in requested {
            let no_place = |why: String| PlanError::NoPlace { title: title.clone(), why };
            let path = path_of(destination.url().path()).map_err(no_place)?;
            let Extras { links, directory } = Extras::of(&destination, &release, &url).map_err(no_place)?;
            plan.put(Planned { title, document, url, sha256, size, path, links }, directory)?;
        }
        Ok(plan)
    }

    /// Adds a file and its names, unless a file with the same path and digest is planned already.
    fn put(&mut self, planned: Planned, directory: Option<PlannedDirectory>) -> Result<(), PlanError> {
        let parent = planned.path.parent().unwrap_or_else(|| Path::new("")).to_owned();
        let links = planned.links.iter().map(|name| parent.join(name));
        let names: Vec<PathBuf> = std::iter::once(planned.path.clone()).chain(links).collect();
        if let Some(directory) = &directory {
            self.builds.check(&parent.to_string_lossy(), &planned.document, &directory.build)?;
        }
        let title = format!("{} of {}", planned.title, excerpt(&planned.document, 200));
        for path in &names {
            if let Some((first, _)) = self.names.get(path).filter(|(_, other)| *other != planned.sha256) {
                let (first, path) = (first.clone(), path.display().to_string());
                return Err(PlanError::Taken { path, first, second: title });
            }
        }
        if self.names.contains_key(&planned.path) {
            return Ok(());
        }
        for path in names {
            self.names.insert(path, (title.clone(), planned.sha256));
        }
        if let Some(directory) = directory {
            self.builds.claim(parent.display(), &planned.document, &directory.build)?;
            self.directories.entry(parent).or_insert(directory);
        }
        self.files.push(planned);
        Ok(())
    }
}

/// The second names and sidecars that the sync job adds to a file.
#[derive(Default)]
struct Extras {
    links: Vec<String>,
    /// `None` if the directory gets no sidecars.
    directory: Option<PlannedDirectory>,
}

impl Extras {
    /// The extras of a file at `place` that is fetched from `url`.
    fn of(place: &ArtifactUrl, release: &str, url: &ArtifactUrl) -> Result<Self, String> {
        let read = Location::read(place).map_err(|error| error.to_string())?;
        let build = build_of(&read, release).map_err(|error| error.to_string())?;
        // It refers to files by name, so it is useful only if the names stay the same.
        let meta_json = (place.file_name() == url.file_name()).then(|| url.sibling("meta.json"));
        // In other layouts, each file has one name.
        let links = if read.layout().is_mirror() { second_names(&read) } else { Vec::new() };
        Ok(Self { links, directory: Some(PlannedDirectory { build, meta_json }) })
    }
}

/// Parses a relative path, whose segments must be plain and whose file name must not be a sidecar's.
fn path_of(path: &str) -> Result<PathBuf, String> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    // A leading dot would hide the file, or be the temporary name of a download.
    let plain = |segment: &&str| is_plain_segment(segment) && !segment.starts_with('.');
    if segments.iter().all(plain) && segments.last().is_some_and(|file| !SIDECARS.contains(file)) {
        Ok(segments.iter().collect())
    } else {
        Err(format!("`{}` is not an allowed path", excerpt(path, 300)))
    }
}
