//! Whether each architecture has one build, the same for all architectures, and not older than the base's.

use super::alarms::Alarms;
use super::rule::Rule;
use super::{Subject, arch_path, artifact_path, day, image_path, leaf, list};
use crate::location::{FileId, Layout, Location};
use crate::text::{count, excerpt};

/// The most days between the builds of a bump that were not built together.
const MAX_DAYS: i64 = 2;

pub(super) fn check(subject: &Subject<'_>, before: Option<&Subject<'_>>, alarms: &mut Alarms) {
    mixed(subject, alarms);
    other_build(subject, alarms);
    apart(subject, before, alarms);
    if let Some(before) = before {
        older(subject, before, alarms);
    }
}

fn mixed(subject: &Subject<'_>, alarms: &mut Alarms) {
    for (arch, builds) in &subject.builds {
        let Some(most) = subject.release(arch) else { continue };
        for (release, (times, path)) in builds.iter().filter(|(release, _)| **release != most) {
            alarms.add(Rule::MixedBuilds, subject.document, || {
                let (release, most) = (excerpt(release, 80), excerpt(most, 80));
                let times = count(*times, "place");
                let message = format!("{arch} has the build {release} in {times}, and {most} elsewhere");
                (path.clone(), excerpt(&message, 300))
            });
        }
    }
}

fn other_build(subject: &Subject<'_>, alarms: &mut Alarms) {
    for artifact in &subject.document.artifacts {
        let Ok(location) = Location::parse(&artifact.location) else { continue };
        let of_file = match location.file().id() {
            Some(FileId::Build(build)) => Some(build),
            _ => None,
        };
        let other =
            location.build().into_iter().chain(of_file).find(|build| build.as_str() != &*artifact.release);
        if let Some(build) = other {
            alarms.add(Rule::OtherBuild, subject.document, || {
                let release = excerpt(&artifact.release, 80);
                (
                    artifact_path(artifact, "location"),
                    format!("it belongs to build {build}, but the release is {release}"),
                )
            });
        }
    }
    for image in &subject.document.cloud_images {
        if !matches!(leaf(image), "name" | "url" | "object") {
            continue;
        }
        // Object and image names have hyphens in place of dots.
        let value = image.value.replace('.', "-");
        let Some(builds) = subject.builds.get(&*image.arch) else { continue };
        if !builds.keys().any(|release| value.contains(&release.replace('.', "-"))) {
            alarms.add(Rule::OtherBuild, subject.document, || {
                let value = excerpt(&image.value, 120);
                let message = format!("{value} is not named after any build of {}", image.arch);
                (image_path(image), excerpt(&message, 300))
            });
        }
    }
}

fn apart(subject: &Subject<'_>, before: Option<&Subject<'_>>, alarms: &mut Alarms) {
    let days = |subject: &Subject<'_>| -> Vec<(String, i64)> {
        let archs = subject.builds.keys();
        archs.filter_map(|arch| Some(((*arch).to_owned(), day(&subject.build(arch)?)?))).collect()
    };
    let spread = |days: &[(String, i64)]| {
        let newest = days.iter().map(|it| it.1).max().unwrap_or_default();
        newest - days.iter().map(|it| it.1).min().unwrap_or_default()
    };
    if is_built_at_once(subject) {
        let mut releases: Vec<&str> =
            subject.builds.keys().filter_map(|arch| subject.release(arch)).collect();
        releases.sort_unstable();
        let all = releases.len();
        let common = releases.chunk_by(PartialEq::eq).find(|same| same.len() * 2 > all || all == 2);
        // Without a majority, no architecture is the exception.
        let Some(&common) = common.and_then(<[_]>::first) else { return };
        let others = subject.builds.keys().filter(|arch| subject.release(arch) != Some(common));
        for arch in others {
            alarms.add(Rule::BuildsApart, subject.document, || {
                let release = excerpt(subject.release(arch).unwrap_or_default(), 80);
                let common = excerpt(common, 80);
                (
                    arch_path(arch),
                    format!("{} has the build {release}, the others {common}", excerpt(arch, 80)),
                )
            });
        }
        return;
    }
    let (now, was) = (days(subject), before.map(days).unwrap_or_default());
    if was.len() > 1 && spread(&was) <= MAX_DAYS && spread(&now) > MAX_DAYS {
        let newest = now.iter().map(|it| it.1).max().unwrap_or_default();
        let late: Vec<&str> =
            now.iter().filter(|it| newest - it.1 > MAX_DAYS).map(|it| it.0.as_str()).collect();
        alarms.add(Rule::BuildsApart, subject.document, || {
            let message = format!(
                "the builds for {} are up to {} days older than the newest; those of the base were not",
                list(&late),
                spread(&now)
            );
            (late.first().map(|arch| arch_path(arch)).unwrap_or_default(), message)
        });
    }
}

/// Whether all architectures are built in one run of the pipeline, as in the streams layout, where the directory of a
/// build contains all its architectures.
fn is_built_at_once(subject: &Subject<'_>) -> bool {
    let mut archs: Vec<&str> = Vec::new();
    subject.document.artifacts.iter().all(|artifact| {
        if archs.contains(&&*artifact.id.arch) {
            return true;
        }
        archs.push(&artifact.id.arch);
        Location::parse(&artifact.location).is_ok_and(|location| location.layout() == Layout::Streams)
    })
}

fn older(subject: &Subject<'_>, before: &Subject<'_>, alarms: &mut Alarms) {
    for arch in subject.builds.keys() {
        let (Some(now), Some(was)) = (subject.build(arch), before.build(arch)) else { continue };
        if now.age() < was.age() {
            alarms.add(Rule::OlderBuild, subject.document, || {
                let path = subject.builds.get(arch).and_then(|builds| builds.get(now.as_str()));
                let path = path.map(|(_, path)| path.clone()).unwrap_or_default();
                (path, format!("the build {now} of {} is older than the base's {was}", excerpt(arch, 80)))
            });
        }
    }
}
