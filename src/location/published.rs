//! The published place of a file that a document has elsewhere: on a bridge, on a private mirror.

use super::artifact_url::ArtifactUrl;
use super::host::HostKind;
use super::layout::{Layout, Location};
use super::place_error::NoPlace;
use super::product::Product;
use super::target::{build_of, in_streams, is_of_streams};

/// ART's CDN, which the build pipeline fills.
const CDN: &str = "https://rhcos.mirror.openshift.com/art/storage";

/// ART's public mirror, which its sync job fills.
pub const PUBLIC_MIRROR: &str = "https://mirror.openshift.com/pub/openshift-v4";

/// Fedora's own builds.
const FEDORA: &str = "https://builds.coreos.fedoraproject.org/prod/streams";

/// Whether a location is on a published host as its users reach it.
pub(super) fn is_published(location: &ArtifactUrl) -> bool {
    let url = location.url();
    url.scheme() == "https" && url.port().is_none() && HostKind::of(location.host()) == HostKind::Published
}

/// The published place of a file. Everything after `/art/storage/` stays as it is; but a build that never was in
/// the releases layout of a published host is where its kind is, in the streams layout.
pub(super) fn published_place(source: &Location, release: Option<&str>) -> Result<String, NoPlace> {
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

/// What stands between `/art/storage/` and the layout, if it ends with the layout's directory.
fn parent<'l>(source: &'l Location, directory: &str) -> Option<&'l str> {
    let (_, parent) = source.base().rsplit_once("/art/storage/")?;
    (parent.rsplit('/').next() == Some(directory)).then_some(parent)
}
