//! Where a command looks: the flags first, then the environment.

use clap::ValueEnum;
use clap::builder::PossibleValue;

use std::collections::BTreeSet;

use super::args::TargetArgs;
use super::env;
use crate::gate::Case;
use crate::location::{
    ArtifactUrl, BadLocation, HostKind, Mirror, NoDirectory, NoPlace, PlaceError, Prefix, Target, resolve,
};
use crate::probe::{AllowedHost, Rules};
use crate::report::model;
use crate::stream::{Artifact, Document, Sourced};
use crate::text::excerpt;
use crate::verdict::{Expectation, Strictness, Verify};

/// Where to look, and why.
pub(super) struct Choice {
    pub(super) target: Target,
    /// The bridge, if one is configured, whether or not it is the target.
    pub(super) bridge: Option<Prefix>,
    /// What a person should know of the choice.
    pub(super) notes: Vec<String>,
}

impl Choice {
    /// What the choice allows: whoever names a place trusts its host.
    pub(super) fn rules(&self) -> Rules {
        let named = self.target.prefix().into_iter().chain(&self.bridge);
        Rules {
            allowed: named.filter_map(|prefix| AllowedHost::of(&prefix.url()?)).collect(),
            bridges: self.target != Target::Published,
            ..Rules::default()
        }
    }

    pub(super) fn reported(&self) -> model::ReportedTarget {
        let kind = match &self.target {
            Target::Published | Target::PublishedPlace => model::TargetKind::Published,
            Target::Bridge(_) => model::TargetKind::Bridge,
            // A pass on a bridge is no mirror pass, whatever the flag that led there is called.
            target
                if target.prefix().is_some_and(|prefix| HostKind::of(prefix.host()) == HostKind::Bridge) =>
            {
                model::TargetKind::Bridge
            }
            Target::Mirror(_) | Target::Flat(_) => model::TargetKind::Mirror,
        };
        model::ReportedTarget { kind, prefix: self.target.prefix().map(ToString::to_string) }
    }

    /// Where a file of a document is at the target.
    pub(super) fn place(&self, location: &str, release: &str) -> Result<ArtifactUrl, BadLocation> {
        match &self.target {
            Target::Published => ArtifactUrl::parse(location),
            target => place_at(target, location, release),
        }
    }

    /// What keeps the target from having a place for artifacts, whatever they are: an error of usage that is said once,
    /// and no fault of each location.
    pub(super) fn misfit<'d>(
        &self,
        artifacts: impl Iterator<Item = (&'d Document, &'d Artifact)>,
    ) -> Option<String> {
        let prefix = self.target.prefix()?;
        let (mut fit, mut unfit) = (BTreeSet::new(), None);
        for (document, artifact) in artifacts {
            let release = (!artifact.release.is_empty()).then_some(&*artifact.release);
            let why = match resolve(&artifact.location, release, &self.target) {
                Err(PlaceError::NoPlace { why, .. }) => Some(why),
                _ => None,
            };
            match why {
                Some(why @ NoPlace::NoSeries { .. }) => {
                    return Some(format!("{prefix}: {why} with --mirror-version"));
                }
                Some(
                    why @ (NoPlace::MirrorHoldsRhcosOnly { .. }
                    | NoPlace::NoDirectory(
                        NoDirectory::RhelInReleases { .. } | NoDirectory::ProductInReleases { .. },
                    )),
                ) => {
                    unfit.get_or_insert_with(|| {
                        format!("{prefix} has no location for {}: {why}", excerpt(&document.name, 100))
                    });
                }
                _ => {
                    fit.insert(format!(" --stream {}", excerpt(&document.stream, 60)));
                }
            }
        }
        let fit: String = fit.into_iter().collect();
        unfit
            .map(|unfit| if fit.is_empty() { unfit } else { format!("{unfit}; choose the others with{fit}") })
    }

    /// What is to be found out about an artifact of a document.
    pub(super) fn case(
        &self,
        sourced: &Sourced,
        artifact: &Artifact,
        verify: Verify,
        signatures: Strictness,
    ) -> Case {
        let file_name = artifact.location.rsplit('/').next().unwrap_or_default();
        Case {
            location: self.place(&artifact.location, &artifact.release),
            signature: artifact.signature.as_deref().map(|url| self.place(url, &artifact.release)),
            bridge: self.bridge_for_sizes(&artifact.location, &artifact.release),
            expectation: Expectation {
                sha256: artifact.sha256,
                uncompressed_sha256: artifact.uncompressed_sha256,
                size: artifact.size,
                uncompressed_size: artifact.uncompressed_size,
                legacy: sourced.legacy.of(file_name).to_vec(),
                claim: None,
                names_signature: artifact.signature.is_some(),
                verify,
                signatures,
            },
        }
    }

    /// Where the bridge has the file, for a size that nobody else says, where another place is checked.
    fn bridge_for_sizes(&self, location: &str, release: &str) -> Option<ArtifactUrl> {
        match (&self.target, &self.bridge) {
            (Target::Mirror(_) | Target::Flat(_), Some(bridge)) => {
                place_at(&Target::Bridge(bridge.clone()), location, release).ok()
            }
            _ => None,
        }
    }
}

fn place_at(target: &Target, location: &str, release: &str) -> Result<ArtifactUrl, BadLocation> {
    let release = (!release.is_empty()).then_some(release);
    resolve(location, release, target).map_err(|error| BadLocation::NoPlace { why: error.to_string() })
}

impl TargetArgs {
    /// What the flags and the environment ask for. The error is one of usage.
    pub(super) fn choose(&self) -> Result<Choice, String> {
        let mut notes = Vec::new();
        if self.published {
            for name in overrides() {
                notes.push(format!("{name} is set but ignored because of --published"));
            }
            return Ok(Choice { target: Target::Published, bridge: None, notes });
        }
        let bridge = self.bridge(&mut notes)?;
        if self.mirror.is_none() && (self.mirror_version.is_some() || self.pre_release) {
            return Err("--mirror-version and --pre-release require --mirror".to_owned());
        }
        let target = match (&self.mirror, &bridge) {
            (Some(base), _) => {
                let mirror = Mirror::new(base.clone(), self.mirror_version.clone(), self.pre_release);
                Target::Mirror(mirror.map_err(|error| error.to_string())?)
            }
            (None, Some(prefix)) => Target::Bridge(prefix.clone()),
            (None, None) => Target::Published,
        };
        Ok(Choice { target, bridge, notes })
    }

    fn bridge(&self, notes: &mut Vec<String>) -> Result<Option<Prefix>, String> {
        if let Some(prefix) = self.stream_prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
            return Prefix::parse(prefix).map(Some).map_err(|error| format!("--stream-prefix: {error}"));
        }
        let (prefix, bootimages) = (env::value(env::STREAM_PREFIX), env::value(env::CI_BOOTIMAGES));
        let name = if prefix.is_some() { env::STREAM_PREFIX } else { env::CI_BOOTIMAGES };
        let chosen = Prefix::from_environment(prefix.as_deref(), bootimages.as_deref())
            .map_err(|error| format!("{name}: {error}"))?;
        if let Some(prefix) = &chosen {
            notes.push(format!("{name} asks for the bridge at {prefix}"));
        }
        Ok(chosen)
    }
}

/// The variables that ask for another place than the published one.
fn overrides() -> Vec<&'static str> {
    let bootimages = env::value(env::CI_BOOTIMAGES);
    let asks = Prefix::from_environment(None, bootimages.as_deref()).is_ok_and(|prefix| prefix.is_some());
    let mut names = Vec::new();
    names.extend(env::value(env::STREAM_PREFIX).map(|_| env::STREAM_PREFIX));
    names.extend(asks.then_some(env::CI_BOOTIMAGES));
    names
}

impl ValueEnum for Verify {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Exists, Self::Published, Self::Auto, Self::Content]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Exists => ("exists", "Status and size"),
            Self::Published => (
                "published",
                "Also a sha256 published by the server: a digest header, sha256sum.txt or meta.json",
            ),
            Self::Auto => ("auto", "Published where available, else content"),
            Self::Content => ("content", "Download and hash"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

impl ValueEnum for Strictness {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Ignore, Self::Warn, Self::Require]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Ignore => ("ignore", "Not checked"),
            Self::Warn => ("warn", "A warning; the verdict does not depend on it"),
            Self::Require => ("require", "A failure"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}
