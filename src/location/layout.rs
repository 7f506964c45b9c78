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
    base: Box<str>,
    pub(super) directory: LayoutDirectory,
    file: FileName,
}

/// The directory of a file under its base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LayoutDirectory {
    Releases { name: Box<str>, build: BuildDirectory, arch: Arch },
    Streams { name: Box<str>, build: BuildDirectory, arch: Arch },
    Mirror { arch: MirrorArch, parent: Parent, leaf: Leaf },
}

/// The directory of a build. Builds keep their directory where layouts agree, so the name need not be a build ID
/// that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BuildDirectory {
    name: Box<str>,
    id: Option<BuildId>,
}

/// How the architecture of a mirror directory is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MirrorArch {
    pub(super) arch: Arch,
    /// As written; none in the arch-less form, which is `x86_64`.
    pub(super) written: Option<&'static str>,
}

impl MirrorArch {
    pub(super) fn rpm(arch: Arch) -> Self {
        Self { arch, written: Some(arch.rpm_name()) }
    }

    fn read(segment: &str) -> Option<Self> {
        if let Some(arch) = Arch::from_rpm_name(segment) {
            return Some(Self::rpm(arch));
        }
        Arch::from_go_name(segment).map(|arch| Self { arch, written: Some(arch.go_name()) })
    }
}

/// The directory under `dependencies/rhcos` on the mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    /// `4.8`.
    Series(Series),
    /// `latest`, which repeats the newest series.
    Latest,
    /// None: the directory `dependencies/rhcos/latest` holds files itself.
    None,
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
    Latest(Option<Series>),
    /// Neither a build ID nor a version that can be read.
    Other(Box<str>),
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
        let (directory, file, depth) = read_segments(&segments)?;
        // The base is the URL without its last segments, whatever the segments before them are.
        let text = literal.as_str();
        let slash = text.rmatch_indices('/').nth(depth);
        let (base, _) = slash.and_then(|(at, _)| text.split_at_checked(at)).ok_or(NotUnderstood::NoLayout)?;
        Ok(Self { base: base.into(), directory, file })
    }

    /// Reads what a file's path means, such as a bucket's key. Its base is the path before the layout begins.
    pub fn of_path(segments: &[&str]) -> Result<Self, NotUnderstood> {
        let (directory, file, depth) = read_segments(segments)?;
        let above = segments.len().saturating_sub(depth + 1);
        let base = segments.get(..above).unwrap_or_default().join("/");
        Ok(Self { base: base.into(), directory, file })
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
        &self.base
    }

    /// The architecture.
    pub fn arch(&self) -> Arch {
        self.directory.arch()
    }

    /// The build, if the URL says which.
    pub fn build(&self) -> Option<&BuildId> {
        match (&self.directory, self.file.id()) {
            (LayoutDirectory::Releases { build, .. } | LayoutDirectory::Streams { build, .. }, _) => {
                build.id.as_ref()
            }
            (LayoutDirectory::Mirror { leaf: Leaf::Build(build), .. }, _)
            | (LayoutDirectory::Mirror { .. }, Some(FileId::Build(build))) => Some(build),
            _ => None,
        }
    }

    /// The name of the directory that holds the file's build or release, which need not be a build ID or version
    /// that can be read; none in a `latest` directory.
    pub fn build_directory(&self) -> Option<&str> {
        match &self.directory {
            LayoutDirectory::Releases { build, .. } | LayoutDirectory::Streams { build, .. } => {
                Some(&build.name)
            }
            LayoutDirectory::Mirror { leaf: Leaf::Build(build), .. } => Some(build.as_str()),
            LayoutDirectory::Mirror { leaf: Leaf::Release(version), .. } => Some(version.as_str()),
            LayoutDirectory::Mirror { leaf: Leaf::Other(name), .. } => Some(name),
            LayoutDirectory::Mirror { leaf: Leaf::Latest(_), .. } => None,
        }
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
    /// and on the mirror `4.8`, `latest` or `pre-release`.
    pub fn directory(&self) -> String {
        match &self.directory {
            LayoutDirectory::Releases { name, .. } | LayoutDirectory::Streams { name, .. } => {
                name.to_string()
            }
            LayoutDirectory::Mirror { parent, .. } => parent.to_string(),
        }
    }

    /// The URL, exactly as it was read.
    pub fn url(&self) -> String {
        format!("{}/{}", self.base, self.tail())
    }

    /// The URL without its base.
    pub(super) fn tail(&self) -> String {
        format!("{}/{}", self.directory, self.file.as_str())
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

/// Reads the segments of a path: the directory, the file, and the index, from the right, of the slash that ends
/// the base.
fn read_segments(segments: &[&str]) -> Result<(LayoutDirectory, FileName, usize), NotUnderstood> {
    let (directory, depth) = LayoutDirectory::read(segments)?;
    let file = segments.last().copied().unwrap_or_default();
    let file = FileName::read(file, directory.arch());
    Ok((directory, file, depth))
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
            [.., name, "builds", build, arch, _file] => {
                let (build, arch) = read_build(build, arch)?;
                Ok((Self::Streams { name: (*name).into(), build, arch }, 4))
            }
            [.., name, build, arch, _file] if name.starts_with("rhcos-") => {
                let (build, arch) = read_build(build, arch)?;
                Ok((Self::Releases { name: (*name).into(), build, arch }, 3))
            }
            _ => Err(NotUnderstood::NoLayout),
        }
    }

    fn read_mirror(before: &[&str], inside: &[&str]) -> Option<(Self, usize)> {
        let (_, below) = inside.split_at_checked(2)?;
        let (parent, leaf) = match below {
            ["latest", _file] => (Parent::None, "latest"),
            ["latest", leaf, _file] => (Parent::Latest, *leaf),
            ["pre-release", leaf, _file] => (Parent::PreRelease, *leaf),
            ["pre-release", series, leaf, _file] => (Parent::PreReleaseSeries(series.parse().ok()?), *leaf),
            [series, leaf, _file] => (Parent::Series(series.parse().ok()?), *leaf),
            _ => return None,
        };
        let leaf = Leaf::read(leaf);
        let written = before.last().and_then(|segment| MirrorArch::read(segment));
        let depth = inside.len() - 1 + usize::from(written.is_some());
        let arch = written.unwrap_or(MirrorArch { arch: Arch::X86_64, written: None });
        Some((Self::Mirror { arch, parent, leaf }, depth))
    }

    fn arch(&self) -> Arch {
        match self {
            Self::Releases { arch, .. } | Self::Streams { arch, .. } => *arch,
            Self::Mirror { arch, .. } => arch.arch,
        }
    }
}

fn read_build(name: &str, arch: &str) -> Result<(BuildDirectory, Arch), NotUnderstood> {
    if name.starts_with(LATEST) {
        return Err(NotUnderstood::Latest);
    }
    let known = Arch::from_rpm_name(arch);
    let build = BuildDirectory { name: name.into(), id: name.parse().ok() };
    Ok((build, known.ok_or_else(|| NotUnderstood::Arch { found: crate::text::excerpt(arch, 40) })?))
}

impl Leaf {
    fn read(segment: &str) -> Self {
        if segment == LATEST {
            return Self::Latest(None);
        }
        if let Some(series) =
            segment.strip_prefix(LATEST).and_then(|rest| rest.strip_prefix('-')?.parse().ok())
        {
            return Self::Latest(Some(series));
        }
        let build = segment.parse().map(Self::Build).ok();
        let release = || segment.parse().map(Self::Release).ok();
        build.or_else(release).unwrap_or_else(|| Self::Other(segment.into()))
    }
}

impl fmt::Display for LayoutDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Releases { name, build, arch } => write!(f, "{name}/{}/{arch}", build.name),
            Self::Streams { name, build, arch } => write!(f, "{name}/builds/{}/{arch}", build.name),
            Self::Mirror { arch, parent, leaf } => {
                if let Some(written) = arch.written {
                    write!(f, "{written}/")?;
                }
                f.write_str("dependencies/rhcos/")?;
                if *parent != Parent::None {
                    write!(f, "{parent}/")?;
                }
                write!(f, "{leaf}")
            }
        }
    }
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Series(series) => write!(f, "{series}"),
            Self::Latest | Self::None => f.write_str("latest"),
            Self::PreRelease => f.write_str("pre-release"),
            Self::PreReleaseSeries(series) => write!(f, "pre-release/{series}"),
        }
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(build) => write!(f, "{build}"),
            Self::Release(version) => write!(f, "{version}"),
            Self::Latest(None) => f.write_str(LATEST),
            Self::Latest(Some(series)) => write!(f, "{LATEST}-{series}"),
            Self::Other(name) => f.write_str(name),
        }
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
