//! Where artifacts are looked up.

use std::str::FromStr;

use super::artifact_url::ArtifactUrl;
use super::prefix::{Prefix, PrefixKind};
use super::version::{OcpVersion, Series, VersionError};

/// Where artifacts are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The locations as they are in the document.
    Published,
    /// The published location of each artifact. Locations on a published host are kept; from any other host, the
    /// mirror layouts map to the public mirror, the streams and releases layouts to ART's CDN or Fedora's host.
    PublishedPlace,
    /// A bridge. The end of the prefix determines the layout; where it does not, builds keep theirs, and files of
    /// the mirror go to the layout of their build (streams from 4.13 and, for 4.9 to 4.12, from December 2022).
    Bridge(Prefix),
    /// A mirror.
    Mirror(Mirror),
    /// A flat directory: `BASE/FILE`, as written by `plume stream-mirror`.
    Flat(Prefix),
}

/// A mirror, and its directories to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    base: Prefix,
    area: MirrorArea,
}

/// The directories of the public mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MirrorArea {
    /// By build: `4.M/BUILDID`. Without a series, it is that of the build, and URLs in the public mirror's layout
    /// keep their directories.
    Builds(Option<Series>),
    /// By release: `4.M/VERSION`.
    Release(OcpVersion),
    /// Pre-release: `pre-release/VERSION`, or `pre-release/BUILDID` without a version.
    PreRelease(Option<OcpVersion>),
}

/// The version that a mirror's directory is named after: a series (`4.8`) or a release (`4.8.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MirrorVersion {
    /// The builds of a series.
    Series(Series),
    /// One release.
    Release(OcpVersion),
}

impl FromStr for MirrorVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        text.parse().map(Self::Series).or_else(|_| text.parse().map(Self::Release))
    }
}

/// The arguments of a mirror contradict each other.
#[expect(missing_docs, reason = "each message says what it is")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    #[error(
        "{base} is the base of a {layout}, which has no directories for OpenShift versions or pre-releases; expected one such as https://mirror.openshift.com/pub/openshift-v4"
    )]
    NoVersions { base: String, layout: &'static str },
    #[error(
        "pre-release directories are named after releases, not after the series {series}; expected one such as \
         {series}.0-rc.1"
    )]
    PreReleaseSeries { series: Series },
}

impl Mirror {
    /// A mirror at a base.
    ///
    /// A base that ends with `/releases`, `/streams` or `/storage` has the layout of that name, without versions
    /// or pre-releases. Any other base has the layout of the public mirror: by build, by release if a version is
    /// given, or pre-release (always for a `dev-` version).
    pub fn new(base: Prefix, version: Option<MirrorVersion>, pre_release: bool) -> Result<Self, MirrorError> {
        let layout = match base.kind() {
            PrefixKind::Releases => Some("releases layout"),
            PrefixKind::Streams => Some("streams layout"),
            PrefixKind::Storage => Some("releases and streams layouts"),
            PrefixKind::Mirror | PrefixKind::Other => None,
        };
        if let Some(layout) = layout.filter(|_| version.is_some() || pre_release) {
            return Err(MirrorError::NoVersions { base: base.to_string(), layout });
        }
        let area = match (version, pre_release) {
            (None, false) => MirrorArea::Builds(None),
            (Some(MirrorVersion::Series(series)), false) => MirrorArea::Builds(Some(series)),
            (Some(MirrorVersion::Release(version)), false) if !version.is_dev() => {
                MirrorArea::Release(version)
            }
            (None, true) => MirrorArea::PreRelease(None),
            (Some(MirrorVersion::Release(version)), _) => MirrorArea::PreRelease(Some(version)),
            (Some(MirrorVersion::Series(series)), true) => {
                return Err(MirrorError::PreReleaseSeries { series });
            }
        };
        Ok(Self { base, area })
    }

    /// The base.
    pub fn base(&self) -> &Prefix {
        &self.base
    }

    /// The directories of the mirror.
    pub fn area(&self) -> &MirrorArea {
        &self.area
    }
}

impl Target {
    /// The prefix that locations are resolved to; `None` for published locations.
    pub fn prefix(&self) -> Option<&Prefix> {
        match self {
            Self::Published | Self::PublishedPlace => None,
            Self::Bridge(prefix) | Self::Flat(prefix) | Self::Mirror(Mirror { base: prefix, .. }) => {
                Some(prefix)
            }
        }
    }

    /// A URL at this target, with the prefix as the user spelled it.
    pub fn as_written(&self, place: &ArtifactUrl) -> String {
        let under = self.prefix().and_then(|prefix| {
            let tail = place.as_str().strip_prefix(prefix.as_str())?;
            Some(format!("{}{tail}", prefix.as_written()))
        });
        under.unwrap_or_else(|| place.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_under_the_prefix_as_it_was_given() {
        let bridge = Target::Bridge(Prefix::parse("https://Bridge.example:443/art/storage").unwrap());
        for (target, place, written) in [
            (&bridge, "https://bridge.example/art/storage/f", "https://Bridge.example:443/art/storage/f"),
            (&bridge, "https://other.example/art/storage/f", "https://other.example/art/storage/f"),
            (&Target::Published, "https://bridge.example/f", "https://bridge.example/f"),
        ] {
            assert_eq!(target.as_written(&ArtifactUrl::parse(place).unwrap()), written);
        }
    }
}
