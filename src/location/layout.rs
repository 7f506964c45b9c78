//! What a URL means: its layout, base, architecture, build or release, and file.

use std::fmt;

use url::Url;

use super::arch::Arch;
use super::artifact_url::ArtifactUrl;
use super::build_id::BuildId;
use super::file_name::{FileId, FileName};
use super::version::{OcpVersion, Series};

/// What the mirror calls its copies of the newest release, and cosa its link to the newest build.
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
    /// Whether it is one of the public mirror's.
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

/// A URL that is understood: parts that are named, and as they are written, so that [`Location::url`] gives
/// back the very same URL.
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

/// The directory of a file under its base. Builds keep their directory where layouts agree, so its name need not be a
/// build ID that can be read.
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
    /// `latest`, which repeats the newest series, or holds files itself.
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
    /// Neither a build ID nor a version that can be read.
    Other,
}

impl Location {
    /// Reads a URL, as [`ArtifactUrl::parse`] and then [`Location::read`].
    pub fn parse(text: &str) -> Result<Self, NotUnderstood> {
        let literal = ArtifactUrl::parse(text).map_err(NotUnderstood::BadLocation)?;
        Self::read(&literal)
    }

    /// Reads what a literal location means. The host is not judged.
    pub fn read(literal: &ArtifactUrl) -> Result<Self, NotUnderstood> {
        let segments: Vec<&str> = segments(literal.url()).collect();
        if let Some(odd) = segments.iter().find(|segment| !is_plain(segment)) {
            return Err(NotUnderstood::OddSegment { segment: crate::text::excerpt(odd, 80) });
        }
        Self::of(literal.as_str(), &segments)
    }

    /// Reads what a file's path means, such as a bucket's key. Its base is the path before the layout begins.
    pub fn of_path(segments: &[&str]) -> Result<Self, NotUnderstood> {
        Self::of(&segments.join("/"), segments)
    }

    fn of(text: &str, segments: &[&str]) -> Result<Self, NotUnderstood> {
        let (directory, depth) = LayoutDirectory::read(segments)?;
        let file = FileName::read(segments.last().copied().unwrap_or_default(), directory.arch());
        // The base is the text without its last segments, whatever the segments before them are.
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

    /// Scheme, host, port and the path before the layout begins, without a slash at its end.
    pub fn base(&self) -> &str {
        self.text.get(..self.base).unwrap_or_default()
    }

    /// The architecture.
    pub fn arch(&self) -> Arch {
        self.directory.arch()
    }

    /// The build, if the URL says which.
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

    /// The name of the directory that holds the file's build or release, which need not be a build ID or version
    /// that can be read; none in a `latest` directory.
    pub fn build_directory(&self) -> Option<&str> {
        let from_right = match &self.directory {
            LayoutDirectory::Releases { .. } | LayoutDirectory::Streams { .. } => 2,
            LayoutDirectory::Mirror { leaf: Leaf::Latest, .. } => return None,
            LayoutDirectory::Mirror { .. } => 1,
        };
        self.text.rsplit('/').nth(from_right)
    }

    /// The OpenShift release, if the URL says one.
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

    /// The directory that holds the builds or releases, as it is written: `rhcos-4.8`, `4.14-9.2`, `c10s`,
    /// and on the mirror `4.8`, `latest`, `pre-release` or `pre-release/4.8`.
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

    /// The URL, exactly as it was read.
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
    /// Reads the directory, and counts how many of the last segments belong to it and the file. (The count
    /// is less by one: it is the index, from the right, of the slash that ends the base.)
    fn read(segments: &[&str]) -> Result<(Self, usize), NotUnderstood> {
        let rhcos = segments.windows(2).rposition(|pair| pair == ["dependencies", "rhcos"]);
        if let Some((before, inside)) = rhcos.and_then(|at| segments.split_at_checked(at)) {
            return Self::read_mirror(before, inside).ok_or(NotUnderstood::OddMirror);
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
        // The form without an architecture is that of x86_64.
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

/// Whether every server reads the segment the same way: it is not empty, no dot segment, and nothing in it is
/// encoded or could be decoded.
///
/// No real location has another kind, and one server's `%2f` is the next one's `/`.
pub(crate) fn is_plain(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-~+=,:@".contains(&byte);
    segment.bytes().all(plain) && segment.bytes().any(|byte| byte != b'.')
}

/// Why the meaning of a URL is not known.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    #[error(transparent)]
    BadLocation(#[from] super::artifact_url::BadLocation),
    #[error(
        "the path segment `{segment}` is empty, percent-encoded or otherwise unusual, and servers differ in how they read it"
    )]
    OddSegment { segment: String },
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
    OddMirror,
    #[error(
        "its path matches none of the known layouts: `rhcos-4.M/BUILDID/ARCH/FILE`, \
         `DIR/builds/BUILDID/ARCH/FILE`, `ARCH/dependencies/rhcos/…`"
    )]
    NoLayout,
}
