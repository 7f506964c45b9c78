//! What goes where. Every name is made of parts that are known to be plain, so that none leaves the directory,
//! whatever a document or a list says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::location::{
    Arch, BuildId, FileId, Literal, Location, Mirror, MirrorVersion, OcpVersion, Prefix, Series, Target,
    is_plain_segment,
};
use crate::stream::Sha256;
use crate::text::excerpt;

/// A base to put places under; only what follows it is used.
const BASE: &str = "http://mirror.invalid/root";

/// Names that are sidecars' own.
const RESERVED: [&str; 4] = ["sha256sum.txt", "sha256sum.txt.gpg", "rhcos-id.txt", "meta.json"];

/// How files are arranged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrangement {
    /// All in one directory, by their names.
    Flat,
    /// `ARCH/dependencies/rhcos/4.M/BUILDID/FILE`; the series for builds that say none.
    Build(Option<Series>),
    /// `ARCH/dependencies/rhcos/4.M/VERSION/rhcos-VERSION-ARCH-…`, or in `pre-release/` where the version is
    /// not final.
    Release(OcpVersion),
}

/// One file to be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// What it is called in messages.
    pub title: String,
    /// Where it comes from.
    pub url: Literal,
    /// What it must be.
    pub sha256: Sha256,
    /// Its size in bytes, as far as anybody says.
    pub size: Option<u64>,
    /// Where it goes, below the directory.
    pub path: PathBuf,
    /// Further names in the same directory.
    pub links: Vec<String>,
}

/// A directory with sidecars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The build that its files are of.
    pub build: BuildId,
    /// Where the build's `meta.json` is, if it is copied.
    pub meta_json: Option<Literal>,
}

/// What goes where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The files, each once.
    pub files: Vec<Planned>,
    /// The directories that get sidecars.
    pub directories: BTreeMap<PathBuf, Directory>,
}

/// Why something has no place in a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The location has no place in the arrangement.
    #[error("{title}: {why}")]
    NoPlace {
        /// The file.
        title: String,
        /// Why not.
        why: String,
    },
    /// Two files want one name.
    #[error("{title}: {path} is already the place of {other}, which has other bytes")]
    Taken {
        /// The file.
        title: String,
        /// The place.
        path: String,
        /// The file that is there.
        other: String,
    },
    /// A list of `sync-list` that is none.
    #[error("{name}: {why}")]
    List {
        /// The list.
        name: String,
        /// What is wrong with it.
        why: String,
    },
}

/// `sync.json`, as far as it is carried out.
#[derive(Deserialize)]
struct ListedRequest {
    schema_version: u32,
    builds: Vec<ListedBuild>,
}

#[derive(Deserialize)]
struct ListedBuild {
    arch: String,
    build_id: String,
    version: Option<String>,
    mirror_prefix: Option<String>,
    base_dir: String,
    files: Vec<ListedFile>,
}

#[derive(Deserialize)]
struct ListedFile {
    id: String,
    url: String,
    sha256: String,
    size: Option<u64>,
}

impl Arrangement {
    /// The same below a base: where `check` and the installer find the files once the directory is served there.
    pub fn target(&self, base: Prefix) -> Result<Target, String> {
        let mirror = match self {
            Self::Flat => return Ok(Target::Flat(base)),
            Self::Build(series) => Mirror::new(base, series.map(MirrorVersion::Series), false),
            Self::Release(version) => {
                let pre_release = version.as_str().contains('-');
                Mirror::new(base, Some(MirrorVersion::Release(version.clone())), pre_release)
            }
        };
        mirror.map(Target::Mirror).map_err(|error| error.to_string())
    }

    const fn has_sidecars(&self) -> bool {
        !matches!(self, Self::Flat)
    }
}

impl Plan {
    /// Plans a file of a document. `location` is the document's, `url` where it is fetched from.
    pub fn add(
        &mut self,
        arrangement: &Arrangement,
        title: &str,
        (location, release): (&str, &str),
        (url, sha256, size): (Literal, Sha256, Option<u64>),
    ) -> Result<(), PlanError> {
        let no_place = |why: String| PlanError::NoPlace { title: excerpt(title, 300), why };
        let base = Prefix::parse(BASE).map_err(|error| no_place(error.to_string()))?;
        let target = arrangement.target(base).map_err(no_place)?;
        let literal = Literal::parse(location).map_err(|error| no_place(error.to_string()))?;
        let place = target
            .place(&literal, (!release.is_empty()).then_some(release))
            .map_err(|error| no_place(error.to_string()))?;
        let tail = place.as_str().strip_prefix(BASE).unwrap_or_default();
        let segments: Vec<&str> = tail.split('/').skip(1).collect();
        let path = path_of(&segments).ok_or_else(|| no_place(odd(tail)))?;
        let mut links = Vec::new();
        let mut sidecars = None;
        if arrangement.has_sidecars() {
            let read = Location::read(&place).map_err(|error| no_place(error.to_string()))?;
            links = second_names(&read);
            let build = match read.build() {
                Some(build) => build.clone(),
                None => release
                    .parse()
                    .map_err(|error: crate::location::BuildIdError| no_place(error.to_string()))?,
            };
            let meta_json = matches!(arrangement, Arrangement::Build(_)).then(|| url.sibling("meta.json"));
            sidecars = Some(Directory { build, meta_json });
        }
        self.put(Planned { title: excerpt(title, 300), url, sha256, size, path, links }, sidecars)
    }

    /// Plans what a list of `sync-list` asks for, as ART's sync job would carry it out: below
    /// `BASE_DIR/MIRROR_PREFIX/VERSION`.
    pub fn of_request(name: &str, text: &[u8]) -> Result<Self, PlanError> {
        let bad = |why: String| PlanError::List { name: excerpt(name, 300), why };
        let request: ListedRequest = serde_json::from_slice(text)
            .map_err(|error| bad(format!("it is no list of sync-list: {error}")))?;
        if request.schema_version != super::super::sync::SCHEMA_VERSION {
            return Err(bad(format!("it has schema_version {}; expected 1", request.schema_version)));
        }
        let mut plan = Self::default();
        for build in request.builds {
            let arch = Arch::from_rpm_name(&build.arch)
                .ok_or_else(|| bad(format!("{} is no architecture", excerpt(&build.arch, 40))))?;
            let id: BuildId = build.build_id.parse().map_err(|error| bad(format!("{error}")))?;
            let what = format!("{arch}, build {id}");
            let version = build.version.ok_or_else(|| {
                bad(format!("{what}: it does not say the version; make it with --release-version"))
            })?;
            let prefix = build
                .mirror_prefix
                .ok_or_else(|| bad(format!("{what}: it does not say the mirror prefix")))?;
            let directory = [build.base_dir.as_str(), prefix.as_str(), version.as_str()].join("/");
            let above: Vec<&str> = directory.split('/').filter(|segment| !segment.is_empty()).collect();
            for file in build.files {
                let url = Literal::parse(&file.url).map_err(|error| bad(format!("{what}: {error}")))?;
                let sha256 = file.sha256.parse().map_err(|error| bad(format!("{what}: {error}")))?;
                let named = url.file_name();
                let (file_name, link) = renamed(named, arch, &id, &version);
                let mut segments = above.clone();
                segments.push(&file_name);
                let path = path_of(&segments).ok_or_else(|| bad(odd(&directory)))?;
                let links = link.into_iter().flat_map(with_installer_name).collect();
                let meta_json = (version == id.as_str()).then(|| url.sibling("meta.json"));
                let sidecars = Directory { build: id.clone(), meta_json };
                let title = excerpt(&file.id, 300);
                plan.put(Planned { title, url, sha256, size: file.size, path, links }, Some(sidecars))?;
            }
        }
        Ok(plan)
    }

    fn put(&mut self, planned: Planned, sidecars: Option<Directory>) -> Result<(), PlanError> {
        if let Some(other) = self.files.iter().find(|other| other.path == planned.path) {
            if other.sha256 == planned.sha256 {
                return Ok(());
            }
            return Err(PlanError::Taken {
                title: planned.title,
                path: planned.path.display().to_string(),
                other: other.title.clone(),
            });
        }
        if let (Some(sidecars), Some(directory)) = (sidecars, planned.path.parent()) {
            self.directories.entry(directory.to_owned()).or_insert(sidecars);
        }
        self.files.push(planned);
        Ok(())
    }
}

/// The name that the sync job gives a file, and the second one without any version.
fn renamed(file_name: &str, arch: Arch, build: &BuildId, version: &str) -> (String, Option<String>) {
    let unversioned = file_name.replacen(&format!("-{build}"), "", 1);
    let link = (unversioned != file_name).then_some(unversioned);
    if version == build.as_str() {
        return (file_name.to_owned(), link);
    }
    let release =
        if version.contains(arch.rpm_name()) { version.to_owned() } else { format!("{version}-{arch}") };
    (file_name.replacen(build.as_str(), &release, 1), link)
}

/// The names without any version that a file of the mirror also has.
fn second_names(place: &Location) -> Vec<String> {
    let named = match place.file().id() {
        Some(FileId::Build(build)) => format!("-{build}"),
        Some(FileId::Release(version)) => format!("-{}", version.in_file_name(place.arch())),
        Some(FileId::Unversioned) | None => return Vec::new(),
    };
    with_installer_name(place.file().as_str().replacen(&named, "", 1)).collect()
}

/// A name without version, and for live images the older one that some portals still use.
fn with_installer_name(name: String) -> impl Iterator<Item = String> {
    let installer = name.strip_prefix("rhcos-live-").map(|rest| format!("rhcos-installer-{rest}"));
    [Some(name), installer].into_iter().flatten()
}

/// A relative path of plain names; none if any is not, or if the file's name is a sidecar's.
fn path_of(segments: &[&str]) -> Option<PathBuf> {
    let file = segments.last()?;
    // A leading dot would hide a file, or be one that is still on its way.
    let plain = |segment: &&str| is_plain_segment(segment) && !segment.starts_with('.');
    (segments.iter().all(plain) && !RESERVED.contains(file)).then(|| segments.iter().collect())
}

fn odd(path: &str) -> String {
    format!("`{}` is no path that a file may have here", excerpt(path, 300))
}
