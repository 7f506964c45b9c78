//! Whether each location, signature and digest belongs to its artifact.

use std::collections::HashMap;

use super::alarms::Alarms;
use super::rule::Rule;
use super::{Subject, artifact_path};
use crate::location::Location;
use crate::stream::{Artifact, ArtifactId, Sha256};
use crate::text::excerpt;

pub(super) fn check(subject: &Subject<'_>, before: Option<&Subject<'_>>, alarms: &mut Alarms) {
    let document = subject.document;
    let mut first: HashMap<Sha256, &Artifact> = HashMap::new();
    for artifact in &document.artifacts {
        if let Some(why) = of_other_file(artifact) {
            alarms.add(Rule::OtherFile, document, || (artifact_path(artifact, "location"), why));
        }
        let sign = artifact.signature.as_deref();
        if let Some(sign) = sign.filter(|sign| sign.strip_suffix(".sig") != Some(&artifact.location)) {
            alarms.add(Rule::OtherFile, document, || {
                let sign = excerpt(sign, 200);
                (artifact_path(artifact, "signature"), format!("{sign} is not a signature of the location"))
            });
        }
        let earlier = first.entry(artifact.sha256).or_insert(artifact);
        if earlier.location != artifact.location {
            alarms.add(Rule::SameDigest, document, || {
                let (id, other) = (short(&artifact.id), short(&earlier.id));
                let message = format!("{id} has the same sha256 as {other}, a different file");
                (artifact_path(artifact, "sha256"), message)
            });
        }
    }
    let Some(before) = before else { return };
    changed_digests(subject, before, alarms);
    let (was, is) = (&before.document.form, &document.form);
    let message = if was.unformatted_line.is_some() || was == is {
        return;
    } else if was.indent != is.indent && is.unformatted_line.is_none() {
        format!("it is indented by {}, was by {}", width(&is.indent), width(&was.indent))
    } else if is.unformatted_line.is_some() {
        "a generator would not format this line like this; the base was formatted as generators do".to_owned()
    } else if is.final_newline {
        "it ends with a newline, which the base's did not".to_owned()
    } else {
        "it does not end with a newline, as the base's did".to_owned()
    };
    alarms.add_at(Rule::Formatting, document, is.unformatted_line, message);
}

fn width(indent: &str) -> String {
    if indent.contains('\t') { "a tab".to_owned() } else { crate::text::count(indent.len(), "space") }
}

fn short(id: &ArtifactId) -> String {
    excerpt(&id.to_string(), 120)
}

/// Why the location is for another architecture or image than the artifact, if its file name shows that.
fn of_other_file(artifact: &Artifact) -> Option<String> {
    let location = Location::parse(&artifact.location).ok()?;
    let id = &artifact.id;
    if location.arch().rpm_name() != &*id.arch {
        return Some(format!(
            "the location is for {}, but is listed under {}",
            location.arch(),
            excerpt(&id.arch, 80)
        ));
    }
    location.file().product()?;
    let (_, rest) = location.file().as_str().split_once(&*format!("-{}-", artifact.release))?;
    // The file name after the build ID: `metal4k.x86_64.raw.gz`, `live-kernel-x86_64`, `live.x86_64.iso`.
    let name = rest.split('.').next().unwrap_or_default();
    let name = name.strip_suffix(&*format!("-{}", id.arch)).unwrap_or(name);
    let is_expected = match (&*id.platform, &*id.format, &*id.component) {
        ("metal", "iso", _) => matches!(name, "live" | "live-iso"),
        ("metal", "installer.iso" | "installer-pxe", _) => name.starts_with("installer"),
        ("metal", "pxe", component) => name.strip_prefix("live-") == Some(component),
        ("metal", format, _) if format.starts_with("4k.") => name == "metal4k",
        (platform, _, _) => name == platform,
    };
    (!is_expected).then(|| format!("the file is {}, but is listed under {}", excerpt(rest, 80), short(id)))
}

fn changed_digests(subject: &Subject<'_>, before: &Subject<'_>, alarms: &mut Alarms) {
    let file = |artifact: &Artifact| artifact.location.rsplit('/').next().unwrap_or_default().to_owned();
    let was: HashMap<&ArtifactId, &Artifact> =
        before.document.artifacts.iter().map(|artifact| (&artifact.id, artifact)).collect();
    for artifact in &subject.document.artifacts {
        let Some(was) = was.get(&artifact.id) else { continue };
        if was.release != artifact.release || file(was) != file(artifact) {
            continue;
        }
        let changed = if was.sha256 == artifact.sha256 {
            let both = was.uncompressed_sha256.zip(artifact.uncompressed_sha256);
            both.is_some_and(|(was, is)| was != is).then_some("uncompressed-sha256")
        } else {
            Some("sha256")
        };
        if let Some(field) = changed {
            alarms.add(Rule::ChangedDigest, subject.document, || {
                let message = format!(
                    "the {field} of {} changed, but its build {} did not",
                    short(&artifact.id),
                    artifact.release
                );
                (artifact_path(artifact, field), excerpt(&message, 300))
            });
        }
    }
}
