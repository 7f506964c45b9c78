//! The target of a command, from the flags or else the environment.

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

/// The chosen target, and the notes on the choice.
pub(super) struct Choice {
    pub(super) target: Target,
    /// The configured bridge, if any, even if it is not the target.
    pub(super) bridge: Option<Prefix>,
    pub(super) notes: Vec<String>,
}

impl Choice {
    /// The hosts that may be requested: a user who names a prefix trusts its host.
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
            // A pass on a bridge is not a pass on the mirror, even if --mirror names the bridge.
            target
                if target.prefix().is_some_and(|prefix| HostKind::of(prefix.host()) == HostKind::Bridge) =>
            {
                model::TargetKind::Bridge
            }
            Target::Mirror(_) | Target::Flat(_) => model::TargetKind::Mirror,
        };
        model::ReportedTarget { kind, prefix: self.target.prefix().map(ToString::to_string) }
    }

    /// The URL of a document's file at the target.
    pub(super) fn locate(&self, location: &str, release: &str) -> Result<ArtifactUrl, BadLocation> {
        match &self.target {
            Target::Published => ArtifactUrl::parse(location),
            target => locate_at(target, location, release),
        }
    }

    /// Why the target cannot have some of the artifacts, if that is not the fault of their locations. It is a usage
    /// error, which is reported once.
    pub(super) fn unsuitable<'d>(
        &self,
        artifacts: impl Iterator<Item = (&'d Document, &'d Artifact)>,
    ) -> Option<String> {
        let prefix = self.target.prefix()?;
        let (mut suited, mut problem) = (BTreeSet::new(), None);
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
                    problem.get_or_insert_with(|| {
                        format!("{prefix} has no location for {}: {why}", excerpt(&document.name, 100))
                    });
                }
                _ => {
                    suited.insert(format!(" --stream {}", excerpt(&document.stream, 60)));
                }
            }
        }
        let others: String = suited.into_iter().collect();
        problem
            .map(|why| if others.is_empty() { why } else { format!("{why}; choose the others with{others}") })
    }

    /// The gate's case for an artifact of a document.
    pub(super) fn case(
        &self,
        sourced: &Sourced,
        artifact: &Artifact,
        verify: Verify,
        signatures: Strictness,
    ) -> Case {
        let file_name = artifact.location.rsplit('/').next().unwrap_or_default();
        Case {
            location: self.locate(&artifact.location, &artifact.release),
            signature: artifact.signature.as_deref().map(|url| self.locate(url, &artifact.release)),
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

    /// The URL of the file on the bridge, to get its size from when a mirror is the target.
    fn bridge_for_sizes(&self, location: &str, release: &str) -> Option<ArtifactUrl> {
        match (&self.target, &self.bridge) {
            (Target::Mirror(_) | Target::Flat(_), Some(bridge)) => {
                locate_at(&Target::Bridge(bridge.clone()), location, release).ok()
            }
            _ => None,
        }
    }
}

fn locate_at(target: &Target, location: &str, release: &str) -> Result<ArtifactUrl, BadLocation> {
    let release = (!release.is_empty()).then_some(release);
    resolve(location, release, target).map_err(|error| BadLocation::NoPlace { why: error.to_string() })
}

impl TargetArgs {
    /// The target that the flags or the environment select. The error is a usage error.
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

/// The variables that select another target than the published locations.
fn overrides() -> Vec<&'static str> {
    let bootimages = env::value(env::CI_BOOTIMAGES);
    let is_set = Prefix::from_environment(None, bootimages.as_deref()).is_ok_and(|prefix| prefix.is_some());
    let mut names = Vec::new();
    names.extend(env::value(env::STREAM_PREFIX).map(|_| env::STREAM_PREFIX));
    names.extend(is_set.then_some(env::CI_BOOTIMAGES));
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
