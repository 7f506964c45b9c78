//! The parts of a URL: its layout, base, architecture, build or release, and file.

use std::fmt;

use url::Url;

use super::arch::Arch;
use super::artifact_url::ArtifactUrl;
use super::build_id::BuildId;
use super::file_name::{FileId, FileName};
use super::version::{OcpVersion, Series};

/// The mirror's name for copies of the newest release, and cosa's for the link to the newest build.
const LATEST: &str = "latest";

/// The ways in which servers arrange boot images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `{base}/rhcos-4.M[-ARCH]/BUILDID/ARCH/FILE`.
    Releases,
    /// `{base}/DIR/builds/BUILDID/ARCH/FILE`.
    Streams,
    /// `{base}/[ARCH/]dependencies/rhcos/4.M/BUILDID/FILE`.
    MirrorByBuild,
    /// `{base}/[ARCH/]dependencies/rhcos/4.M/VERSION/FILE`, and its `latest` directories.
    MirrorByRelease,
    /// `{base}/[ARCH/]dependencies/rhcos/pre-release/VERSION-or-BUILDID/FILE`, and its `latest` directories.
    MirrorPreRelease,
}

impl Layout {
    /// Whether it is one of the public mirror's layouts.
    pub const fn is_mirror(self) -> bool {
        matches!(self, Self::MirrorByBuild | Self::MirrorByRelease | Self::MirrorPreRelease)
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Releases => "releases layout",
            Self::Streams => "streams layout",
            Self::MirrorByBuild => "mirror by build",
            Self::MirrorByRelease => "mirror by release",
            Self::MirrorPreRelease => "mirror pre-release",
        })
    }
}

/// A URL split into its parts. The text is kept, so that [`Location::url`] returns the same URL.
///
/// ```
/// use art_mirror_validate::location::{Arch, Layout, Location};
///
/// let location = Location::parse(
///     "https://rhcos.mirror.openshift.com/art/storage/releases/rhcos-4.8-ppc64le/48.84.202109242319-0/\
///      ppc64le/rhcos-48.84.202109242319-0-metal.ppc64le.raw.gz",
/// )?;
/// assert_eq!(location.layout(), Layout::Releases);
/// assert_eq!(location.base(), "https://rhcos.mirror.openshift.com/art/storage/releases");
/// assert_eq!(location.arch(), Arch::Ppc64le);
/// assert_eq!(location.build().map(|build| build.as_str()), Some("48.84.202109242319-0"));
/// assert_eq!(location.directory(), "rhcos-4.8-ppc64le");
/// # Ok::<(), art_mirror_validate::location::NotUnderstood>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    text: Box<str>,
    /// The length of the base.
    base: usize,
    pub(super) directory: LayoutDirectory,
    file: FileName,
}

/// The directory of a file under its base. Between prefixes of one layout the path is kept as it is, so the directory
/// of a build need not have a valid build ID as its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LayoutDirectory {
    Releases { build: Option<BuildId>, arch: Arch },
    Streams { build: Option<BuildId>, arch: Arch },
    Mirror { arch: Arch, parent: Parent, leaf: Leaf },
}

/// The directory under `dependencies/rhcos` on the mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    /// `4.8`.
    Series(Series),
    /// `latest`, which has the directories of the newest series, or files.
    Latest,
    /// `pre-release`.
    PreRelease,
    /// `pre-release/4.8`.
    PreReleaseSeries(Series),
}

/// The directory that holds the file on the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leaf {
    Build(BuildId),
    Release(OcpVersion),
    /// `latest`, `latest-4.9`.
    Latest,
    /// Neither a valid build ID nor a valid version.
    Other,
}

impl Location {
    /// Parses a URL: [`ArtifactUrl::parse`], then [`Location::read`].
    pub fn parse(text: &str) -> Result<Self, NotUnderstood> {
        let url = ArtifactUrl::parse(text).map_err(NotUnderstood::BadLocation)?;
        Self::read(&url)
    }

    /// Splits a URL into its parts. Any host is accepted.
    pub fn read(url: &ArtifactUrl) -> Result<Self, NotUnderstood> {
        let segments: Vec<&str> = segments(url.url()).collect();
        if let Some(segment) = segments.iter().find(|segment| !is_plain(segment)) {
            return Err(NotUnderstood::UnusualSegment { segment: crate::text::excerpt(segment, 80) });
        }
        Self::of(url.as_str(), &segments)
    }

    /// Splits a path, such as a bucket's key. The base is the path before the layout begins.
    pub fn of_path(segments: &[&str]) -> Result<Self, NotUnderstood> {
        Self::of(&segments.join("/"), segments)
    }

    fn of(text: &str, segments: &[&str]) -> Result<Self, NotUnderstood> {
        let (directory, depth) = LayoutDirectory::read(segments)?;
        let file = FileName::read(segments.last().copied().unwrap_or_default(), directory.arch());
        // The base is the text before the last `depth + 1` segments.
        let base = text.rmatch_indices('/').nth(depth).map_or(0, |(at, _)| at);
        Ok(Self { text: text.into(), base, directory, file })
    }

    /// The layout.
    pub fn layout(&self) -> Layout {
        match &self.directory {
            LayoutDirectory::Releases { .. } => Layout::Releases,
            LayoutDirectory::Streams { .. } => Layout::Streams,
            LayoutDirectory::Mirror { parent: Parent::PreRelease | Parent::PreReleaseSeries(_), .. } => {
                Layout::MirrorPreRelease
            }
            LayoutDirectory::Mirror { leaf: Leaf::Build(_), .. } => Layout::MirrorByBuild,
            LayoutDirectory::Mirror { .. } => Layout::MirrorByRelease,
        }
    }

    /// Scheme, host, port and the path before the layout begins, without a trailing slash.
    pub fn base(&self) -> &str {
        self.text.get(..self.base).unwrap_or_default()
    }

    /// The architecture.
    pub fn arch(&self) -> Arch {
        self.directory.arch()
    }

    /// The build, if the URL names one.
    pub fn build(&self) -> Option<&BuildId> {
        match (&self.directory, self.file.id()) {
            (LayoutDirectory::Releases { build, .. } | LayoutDirectory::Streams { build, .. }, _) => {
                build.as_ref()
            }
            (LayoutDirectory::Mirror { leaf: Leaf::Build(build), .. }, _)
            | (LayoutDirectory::Mirror { .. }, Some(FileId::Build(build))) => Some(build),
            _ => None,
        }
    }

    /// The name of the directory of the file's build or release, which need not be a valid build ID or version;
    /// `None` in a `latest` directory.
    pub fn build_directory(&self) -> Option<&str> {
        let from_right = match &self.directory {
            LayoutDirectory::Releases { .. } | LayoutDirectory::Streams { .. } => 2,
            LayoutDirectory::Mirror { leaf: Leaf::Latest, .. } => return None,
            LayoutDirectory::Mirror { .. } => 1,
        };
        self.text.rsplit('/').nth(from_right)
    }

    /// The OpenShift release, if the URL names one.
    pub fn release(&self) -> Option<&OcpVersion> {
        match (&self.directory, self.file.id()) {
            (LayoutDirectory::Mirror { leaf: Leaf::Release(version), .. }, _)
            | (_, Some(FileId::Release(version))) => Some(version),
            _ => None,
        }
    }

    /// The file.
    pub fn file(&self) -> &FileName {
        &self.file
    }

    /// The directory of the builds or releases, unchanged: `rhcos-4.8`, `4.14-9.2`, `c10s`, and on the mirror
    /// `4.8`, `latest`, `pre-release` or `pre-release/4.8`.
    pub fn directory(&self) -> &str {
        let (tail, segments) = match &self.directory {
            LayoutDirectory::Mirror { parent, .. } => {
                let (_, tail) = self.tail().split_once("dependencies/rhcos/").unwrap_or_default();
                (tail, if matches!(parent, Parent::PreReleaseSeries(_)) { 2 } else { 1 })
            }
            _ => (self.tail(), 1),
        };
        let end = tail.match_indices('/').nth(segments - 1).map(|(at, _)| at);
        end.and_then(|end| tail.get(..end)).unwrap_or(tail)
    }

    /// The URL, unchanged.
    pub fn url(&self) -> &str {
        &self.text
    }

    /// The URL without its base.
    pub(super) fn tail(&self) -> &str {
        self.text.get(self.base..).unwrap_or_default().trim_start_matches('/')
    }

    pub(super) fn description(&self) -> String {
        let product =
            self.file.product().map_or_else(|| "a file of no known form".to_owned(), |it| it.to_string());
        let version = match (self.build(), self.release()) {
            (Some(build), _) => format!("build {build}"),
            (None, Some(version)) => format!("OpenShift {version}"),
            (None, None) => match self.build_directory() {
                Some(name) => format!("`{}`", crate::text::excerpt(name, 80)),
                None => "no version".to_owned(),
            },
        };
        format!("{}: {product}, {version}, {}, in `{}`", self.layout(), self.arch(), self.directory())
    }
}

impl LayoutDirectory {
    /// Parses the directory. The number is the index, from the right, of the slash that ends the base: one less
    /// than the number of segments of directory and file.
    fn read(segments: &[&str]) -> Result<(Self, usize), NotUnderstood> {
        let rhcos = segments.windows(2).rposition(|pair| pair == ["dependencies", "rhcos"]);
        if let Some((before, inside)) = rhcos.and_then(|at| segments.split_at_checked(at)) {
            return Self::read_mirror(before, inside).ok_or(NotUnderstood::UnknownMirrorPath);
        }
        match segments {
            [.., _name, "builds", build, arch, _file] => {
                let (build, arch) = read_build(build, arch)?;
                Ok((Self::Streams { build, arch }, 4))
            }
            [.., name, build, arch, _file] if name.starts_with("rhcos-") => {
                let (build, arch) = read_build(build, arch)?;
                Ok((Self::Releases { build, arch }, 3))
            }
            _ => Err(NotUnderstood::NoLayout),
        }
    }

    fn read_mirror(before: &[&str], inside: &[&str]) -> Option<(Self, usize)> {
        let (_, below) = inside.split_at_checked(2)?;
        let (parent, leaf) = match below {
            ["latest", _file] => (Parent::Latest, "latest"),
            ["latest", leaf, _file] => (Parent::Latest, *leaf),
            ["pre-release", leaf, _file] => (Parent::PreRelease, *leaf),
            ["pre-release", series, leaf, _file] => (Parent::PreReleaseSeries(series.parse().ok()?), *leaf),
            [series, leaf, _file] => (Parent::Series(series.parse().ok()?), *leaf),
            _ => return None,
        };
        let leaf = Leaf::read(leaf);
        let arch =
            before.last().and_then(|name| Arch::from_rpm_name(name).or_else(|| Arch::from_go_name(name)));
        let depth = inside.len() - 1 + usize::from(arch.is_some());
        // A path without an architecture is for x86_64.
        Some((Self::Mirror { arch: arch.unwrap_or(Arch::X86_64), parent, leaf }, depth))
    }

    fn arch(&self) -> Arch {
        match self {
            Self::Releases { arch, .. } | Self::Streams { arch, .. } | Self::Mirror { arch, .. } => *arch,
        }
    }
}

fn read_build(name: &str, arch: &str) -> Result<(Option<BuildId>, Arch), NotUnderstood> {
    if name.starts_with(LATEST) {
        return Err(NotUnderstood::Latest);
    }
    let unknown = || NotUnderstood::Arch { found: crate::text::excerpt(arch, 40) };
    Ok((name.parse().ok(), Arch::from_rpm_name(arch).ok_or_else(unknown)?))
}

impl Leaf {
    fn read(segment: &str) -> Self {
        let of_series = |rest: &str| rest.strip_prefix('-').is_some_and(|it| it.parse::<Series>().is_ok());
        if segment.strip_prefix(LATEST).is_some_and(|rest| rest.is_empty() || of_series(rest)) {
            return Self::Latest;
        }
        let build = segment.parse().map(Self::Build).ok();
        let release = || segment.parse().map(Self::Release).ok();
        build.or_else(release).unwrap_or(Self::Other)
    }
}

pub(super) fn segments(url: &Url) -> impl Iterator<Item = &str> {
    url.path_segments().into_iter().flatten()
}

/// Whether every server reads the segment the same way: it is not empty, not a dot segment, and has no
/// percent-encoding or characters that need it. Servers differ in whether `%2f` is a `/`.
pub(crate) fn is_plain(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-~+=,:@".contains(&byte);
    segment.bytes().all(plain) && segment.bytes().any(|byte| byte != b'.')
}

/// Why a URL cannot be split into its parts.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    #[error(transparent)]
    BadLocation(#[from] super::artifact_url::BadLocation),
    #[error(
        "the path segment `{segment}` is empty, percent-encoded or otherwise unusual, and servers differ in how they read it"
    )]
    UnusualSegment { segment: String },
    #[error("it is in a `latest` directory, whose build changes")]
    Latest,
    #[error(
        "it looks like a build's directory, but `{found}` is not an architecture; expected x86_64, aarch64, \
         ppc64le, s390x or riscv64"
    )]
    Arch { found: String },
    #[error(
        "it is under `dependencies/rhcos`, but does not match `4.M/BUILDID/FILE`, `4.M/VERSION/FILE`, \
         `pre-release/VERSION/FILE` or in a `latest` directory"
    )]
    UnknownMirrorPath,
    #[error(
        "its path matches none of the known layouts: `rhcos-4.M/BUILDID/ARCH/FILE`, \
         `DIR/builds/BUILDID/ARCH/FILE`, `ARCH/dependencies/rhcos/…`"
    )]
    NoLayout,
}
