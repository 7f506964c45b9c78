//! The URL of a file at a target.

use super::artifact_url::ArtifactUrl;
use super::build_id::{BuildContent, BuildId};
use super::file_name::FileId;
use super::host::{HostKind, PUBLIC_MIRROR};
use super::layout::{Layout, LayoutDirectory, Leaf, Location, NotUnderstood, Parent, is_plain};
use super::place_error::{NoPlace, PlaceError};
use super::prefix::{Prefix, PrefixKind};
use super::product::Product;
use super::target::{MirrorArea, Target};
use super::version::{OcpVersion, Series};
use crate::text::excerpt;

/// The first series with all builds in the streams layout.
const FIRST_OF_STREAMS: Series = Series { major: 4, minor: 13 };

/// After this time (`YYYYMMDDhhmm`), builds of this and later series are in the streams layout too: 4.12 has
/// `releases/rhcos-4.12/412.86.202209302317-0` and `prod/streams/4.12/builds/412.86.202212081411-0`.
/// OpenShift's release controller uses the same limit.
const CHANGEOVER: (Series, u64) = (Series { major: 4, minor: 9 }, 202_212_000_000);

/// ART's CDN, which the build pipeline fills.
const CDN: &str = "https://rhcos.mirror.openshift.com/art/storage";

/// The mirror's directory of unreleased builds.
const PRE_RELEASE: &str = "pre-release";

/// Fedora's builds.
const FEDORA: &str = "https://builds.coreos.fedoraproject.org/prod/streams";

impl Target {
    /// The URL of an artifact or signature at this target, always under the target's prefix, if it has one.
    ///
    /// `release` is the artifact's build ID from the document. It is needed where the URL does not name the build,
    /// as on the mirror by release.
    pub fn place(&self, location: &ArtifactUrl, release: Option<&str>) -> Result<ArtifactUrl, PlaceError> {
        let understood =
            || Location::read(location).map_err(|why| PlaceError::not_understood(location.as_str(), why));
        let parse = |place: &str| {
            ArtifactUrl::parse(place).map_err(|why| PlaceError::not_understood(location.as_str(), why.into()))
        };
        let (prefix, tail) = match self {
            Self::Published => return Ok(location.clone()),
            Self::PublishedPlace if is_published(location) => return Ok(location.clone()),
            Self::PublishedPlace => {
                let source = understood()?;
                let place = published_place(&source, release).map_err(|why| self.no_place(&source, why))?;
                return parse(&place);
            }
            Self::Flat(prefix) => {
                let file = location.file_name();
                if !is_plain(file) {
                    let segment = excerpt(file, 80);
                    let why = NotUnderstood::UnusualSegment { segment };
                    return Err(PlaceError::not_understood(location.as_str(), why));
                }
                (prefix, file.to_owned())
            }
            Self::Bridge(prefix) => {
                let source = understood()?;
                let area = MirrorArea::Builds(None);
                (prefix, under(prefix, &area, &source, release).map_err(|why| self.no_place(&source, why))?)
            }
            Self::Mirror(mirror) => {
                let source = understood()?;
                let tail = match mirror.base().kind() {
                    PrefixKind::Other => on_mirror(mirror.area(), &source, release),
                    _ => under(mirror.base(), mirror.area(), &source, release),
                };
                (mirror.base(), tail.map_err(|why| self.no_place(&source, why))?)
            }
        };
        parse(&format!("{prefix}/{tail}"))
    }

    fn no_place(&self, source: &Location, why: NoPlace) -> PlaceError {
        PlaceError::NoPlace {
            url: source.url().to_owned(),
            understood: source.description(),
            target: self.prefix().map_or_else(|| "a published host".to_owned(), Prefix::to_string),
            why,
        }
    }
}

/// The URL of an artifact at a target: [`ArtifactUrl::parse`], then [`Target::place`].
///
/// ```
/// use art_mirror_validate::location::{Prefix, Target, resolve};
///
/// let bridge = Target::Bridge(Prefix::parse("https://bridge.example/art/storage/releases")?);
/// let place = resolve(
///     "https://mirror.openshift.com/pub/openshift-v4/x86_64/dependencies/rhcos/4.8/4.8.2/\
///      rhcos-4.8.2-x86_64-qemu.x86_64.qcow2.gz",
///     // The URL does not name the build; the document does.
///     Some("48.84.202107202156-0"),
///     &bridge,
/// )?;
/// assert_eq!(
///     place.as_str(),
///     "https://bridge.example/art/storage/releases/rhcos-4.8/48.84.202107202156-0/x86_64/\
///      rhcos-48.84.202107202156-0-qemu.x86_64.qcow2.gz",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resolve(location: &str, release: Option<&str>, target: &Target) -> Result<ArtifactUrl, PlaceError> {
    let url = ArtifactUrl::parse(location).map_err(|why| PlaceError::not_understood(location, why.into()))?;
    target.place(&url, release)
}

/// The path under a prefix, in the layout of the prefix's kind.
fn under(
    prefix: &Prefix,
    area: &MirrorArea,
    source: &Location,
    release: Option<&str>,
) -> Result<String, NoPlace> {
    let streams = match prefix.kind() {
        PrefixKind::Mirror => return on_mirror(area, source, release),
        PrefixKind::Releases => false,
        PrefixKind::Streams => true,
        PrefixKind::Storage | PrefixKind::Other => match source.layout() {
            Layout::Releases => false,
            Layout::Streams => true,
            // A file of the mirror goes to the layout of other builds of its time.
            _ => is_of_streams(&build_of(source, release)?),
        },
    };
    let tail = match (streams, source.layout()) {
        (false, Layout::Releases) | (true, Layout::Streams) => source.tail().to_owned(),
        (false, _) => in_releases(source, release)?,
        (true, _) => in_streams(source, release)?,
    };
    Ok(match (prefix.kind(), streams) {
        (PrefixKind::Storage, false) => format!("releases/{tail}"),
        (PrefixKind::Storage, true) => format!("prod/streams/{tail}"),
        _ => tail,
    })
}

/// Whether builds of this series and time are in the streams layout.
fn is_of_streams(build: &BuildId) -> bool {
    let (since, time) = CHANGEOVER;
    build.ocp().is_none_or(|series| series >= FIRST_OF_STREAMS || (series >= since && build.time() > time))
}

fn in_releases(source: &Location, release: Option<&str>) -> Result<String, NoPlace> {
    let build = build_of(source, release)?;
    let file = file_of_build(source, &build)?;
    let directory = product_of(source)?.releases_directory(&build, source.arch())?;
    Ok(format!("{directory}/{build}/{}/{file}", source.arch()))
}

fn in_streams(source: &Location, release: Option<&str>) -> Result<String, NoPlace> {
    let build = build_of(source, release)?;
    let file = file_of_build(source, &build)?;
    let directory = product_of(source)?.streams_directory(&build)?;
    Ok(format!("{directory}/builds/{build}/{}/{file}", source.arch()))
}

fn on_mirror(area: &MirrorArea, source: &Location, release: Option<&str>) -> Result<String, NoPlace> {
    if is_in_area(area, source) {
        return Ok(source.tail().to_owned());
    }
    let product = product_of(source)?;
    if product != Product::Rhcos {
        return Err(NoPlace::MirrorHoldsRhcosOnly { product });
    }
    let (parent, leaf, file) = match area {
        MirrorArea::Builds(series) => {
            let build = build_of(source, release)?;
            let series = series
                .or_else(|| build.ocp())
                .ok_or_else(|| NoPlace::NoSeries { build: build.to_string() })?;
            (series.to_string(), build.to_string(), file_of_build(source, &build)?)
        }
        MirrorArea::PreRelease(None) => {
            let build = build_of(source, release)?;
            (PRE_RELEASE.to_owned(), build.to_string(), file_of_build(source, &build)?)
        }
        MirrorArea::Release(version) => {
            (version.series().to_string(), version.to_string(), file_of_release(source, version)?)
        }
        MirrorArea::PreRelease(Some(version)) => {
            (PRE_RELEASE.to_owned(), version.to_string(), file_of_release(source, version)?)
        }
    };
    Ok(format!("{}/dependencies/rhcos/{parent}/{leaf}/{file}", source.arch()))
}

/// Whether a URL is already in the requested directories, so that it is not changed.
fn is_in_area(area: &MirrorArea, source: &Location) -> bool {
    let LayoutDirectory::Mirror { parent, leaf, .. } = &source.directory else { return false };
    match (area, parent) {
        // Without a series, the directories of the URL are kept.
        (MirrorArea::Builds(None), _) => true,
        (MirrorArea::Builds(Some(series)), Parent::Series(parent)) => {
            matches!(leaf, Leaf::Build(_)) && series == parent
        }
        (MirrorArea::PreRelease(None), Parent::PreRelease | Parent::PreReleaseSeries(_)) => true,
        (MirrorArea::Release(version), Parent::Series(_))
        | (MirrorArea::PreRelease(Some(version)), Parent::PreRelease | Parent::PreReleaseSeries(_)) => {
            matches!(leaf, Leaf::Release(leaf) if leaf == version)
        }
        _ => false,
    }
}

fn product_of(source: &Location) -> Result<Product, NoPlace> {
    source.file().product().ok_or_else(|| file_unknown(source))
}

/// The build of a URL: from its path, else from its document's `release`.
fn build_of(source: &Location, release: Option<&str>) -> Result<BuildId, NoPlace> {
    if let Some(build) = source.build() {
        return Ok(build.clone());
    }
    // On the mirror the directory can be a release's; elsewhere it is always a build's.
    if let (false, Some(name)) = (source.layout().is_mirror(), source.build_directory()) {
        return name.parse().map_err(NoPlace::UnknownBuild);
    }
    let release = release.ok_or(NoPlace::BuildUnknown)?;
    let build: BuildId = release.parse().map_err(NoPlace::Release)?;
    match build.content() {
        // Only mirror URLs can lack the build, and the mirror holds only RHEL CoreOS.
        BuildContent::Fedora { .. } => Err(NoPlace::WrongRelease { build: build.to_string() }),
        BuildContent::Ocp { .. } | BuildContent::Rhel(_) => Ok(build),
    }
}

fn file_of_build(source: &Location, build: &BuildId) -> Result<String, NoPlace> {
    if let Some(FileId::Build(named)) = source.file().id()
        && named != build
    {
        return Err(NoPlace::TwoBuilds { directory: build.to_string(), file: named.to_string() });
    }
    source.file().of_build(build).ok_or_else(|| file_unknown(source))
}

fn file_of_release(source: &Location, version: &OcpVersion) -> Result<String, NoPlace> {
    if let (Some(build), Some(FileId::Build(named))) = (source.build(), source.file().id())
        && named != build
    {
        return Err(NoPlace::TwoBuilds { directory: build.to_string(), file: named.to_string() });
    }
    source.file().of_release(version, source.arch()).ok_or_else(|| file_unknown(source))
}

fn file_unknown(source: &Location) -> NoPlace {
    NoPlace::FileUnknown { file: excerpt(source.file().as_str(), 120) }
}

/// Whether a location is on a published host, by HTTPS and on the default port.
fn is_published(location: &ArtifactUrl) -> bool {
    let url = location.url();
    url.scheme() == "https" && url.port().is_none() && HostKind::of(location.host()) == HostKind::Published
}

/// The published location of a file. Everything after `/art/storage/` is kept, except for a build in the releases
/// layout that published hosts have only in the streams layout.
fn published_place(source: &Location, release: Option<&str>) -> Result<String, NoPlace> {
    let fedora = source.file().product() == Some(Product::FedoraCoreos);
    let tail = source.tail();
    Ok(match source.layout() {
        Layout::MirrorByBuild | Layout::MirrorByRelease | Layout::MirrorPreRelease => {
            format!("{PUBLIC_MIRROR}/{tail}")
        }
        Layout::Streams if fedora => format!("{FEDORA}/{tail}"),
        Layout::Streams => format!("{CDN}/{}/{tail}", parent(source, "streams").unwrap_or("prod/streams")),
        Layout::Releases if build_of(source, release).is_ok_and(|build| is_of_streams(&build)) => {
            format!("{CDN}/prod/streams/{}", in_streams(source, release)?)
        }
        Layout::Releases => format!("{CDN}/{}/{tail}", parent(source, "releases").unwrap_or("releases")),
    })
}

/// The path between `/art/storage/` and the layout, if it ends with the layout's directory.
fn parent<'l>(source: &'l Location, directory: &str) -> Option<&'l str> {
    let (_, parent) = source.base().rsplit_once("/art/storage/")?;
    (parent.rsplit('/').next() == Some(directory)).then_some(parent)
}
