//! Whether the `stream` label, the file name, the branch and the builds agree.

use std::collections::BTreeMap;

use super::alarms::Alarms;
use super::rule::Rule;
use super::{Subject, artifact_path, keys, list};
use crate::location::{BuildId, Layout, Location, Product, Series};
use crate::text::excerpt;

pub(super) fn check(subject: &Subject<'_>, branch: Option<Series>, all: &[Subject<'_>], alarms: &mut Alarms) {
    let document = subject.document;
    if let Some(label) = subject.label {
        release_of_builds(subject, label, alarms);
        if let Some(branch) = branch.filter(|&branch| branch != label) {
            alarms.add(Rule::LabelBranch, document, || {
                let message =
                    format!("the stream label names OpenShift {label}, but the branch is for {branch}");
                (keys(&["stream"]), message)
            });
        }
        let newer = all.iter().filter(|other| subject.is_sibling(other) && other.label > Some(label));
        if let Some((sibling, newest)) =
            newer.filter_map(|other| Some((other, other.label?))).max_by_key(|it| it.1)
        {
            alarms.add(Rule::LabelSiblings, document, || {
                let sibling = excerpt(sibling.file_name(), 80);
                let message =
                    format!("the stream label names OpenShift {label}, but that of {sibling} names {newest}");
                (keys(&["stream"]), message)
            });
        }
    }
    directories(subject, alarms);
    if let Some(message) = file_name_contradicts(subject) {
        alarms.add(Rule::FileName, document, || (keys(&["stream"]), message));
    }
}

fn release_of_builds(subject: &Subject<'_>, label: Series, alarms: &mut Alarms) {
    let mut others: BTreeMap<&str, (Series, Vec<&str>)> = BTreeMap::new();
    for (arch, builds) in &subject.builds {
        for release in builds.keys() {
            let series = release.parse::<BuildId>().ok().and_then(|build| build.ocp());
            if let Some(series) = series.filter(|&series| series != label) {
                others.entry(release).or_insert_with(|| (series, Vec::new())).1.push(arch);
            }
        }
    }
    if others.is_empty() {
        return;
    }
    alarms.add(Rule::LabelRelease, subject.document, || {
        let builds =
            others.iter().map(|(build, (series, archs))| format!("{build} of {series} ({})", list(archs)));
        let builds: Vec<String> = builds.collect();
        let builds = list(&builds.iter().map(String::as_str).collect::<Vec<_>>());
        (
            keys(&["stream"]),
            format!(
                "the stream label names OpenShift {label}, but these builds are for another release: {builds}"
            ),
        )
    });
}

/// Compares each location's directory with its build and, except for RHEL CoreOS, with the stream label.
fn directories(subject: &Subject<'_>, alarms: &mut Alarms) {
    let label = subject.document.stream.as_str();
    for artifact in &subject.document.artifacts {
        let Ok(location) = Location::parse(&artifact.location) else { continue };
        let (Some(product), Some(build)) = (location.file().product(), location.build()) else { continue };
        let expected = match location.layout() {
            Layout::Releases => product.releases_directory(build, location.arch()).ok(),
            Layout::Streams => product.streams_directory(build).ok(),
            _ => continue,
        };
        let found = location.directory();
        let path = || artifact_path(artifact, "location");
        if let Some(expected) = expected.filter(|expected| *expected != found) {
            alarms.add(Rule::Directory, subject.document, || {
                let found = excerpt(found, 80);
                (path(), format!("the build {build} is in the directory {found}, expected {expected}"))
            });
        } else if product != Product::Rhcos && found != label {
            alarms.add(Rule::Directory, subject.document, || {
                let (found, label) = (excerpt(found, 80), excerpt(label, 80));
                (path(), format!("the file is in the directory {found}, but the stream label is {label}"))
            });
        }
    }
}

fn file_name_contradicts(subject: &Subject<'_>) -> Option<String> {
    let (stem, _) = subject.file_name().split_once(".json")?;
    let stem = stem.strip_suffix("-stream").unwrap_or(stem);
    let expected = match stem {
        "scos" => Product::Scos,
        "fcos" => Product::FedoraCoreos,
        _ if stem == "rhcos" || stem.starts_with("rhcos-4.") || stem.starts_with("coreos-rhel-") => {
            Product::Rhcos
        }
        _ => return None,
    };
    if let Some(product) = subject.product.filter(|&product| product != expected) {
        return Some(format!("the file is named {stem}, but its artifacts are {product}"));
    }
    if let Some(series) = stem.strip_prefix("rhcos-").and_then(|series| series.parse::<Series>().ok()) {
        let label = subject.label.filter(|&label| label != series)?;
        return Some(format!("the file is named {stem}, but the stream label names OpenShift {label}"));
    }
    let major: u16 = stem.strip_prefix("coreos-rhel-")?.parse().ok()?;
    let builds = subject.builds.values().flat_map(|builds| builds.keys());
    let others = builds.filter(|release| {
        let rhel = release.parse::<BuildId>().ok().and_then(|build| build.rhel());
        rhel.is_some_and(|rhel| rhel.major != major)
    });
    let mut others: Vec<&str> = others.copied().collect();
    others.dedup();
    let found = list(&others);
    (!others.is_empty()).then(|| format!("the file is named {stem}, but has builds of another RHEL: {found}"))
}
