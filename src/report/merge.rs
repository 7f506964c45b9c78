//! The reports of all parts of a run, as one.

use std::collections::BTreeSet;

use super::bounds::Room;
use super::build::part_note;
use super::model::{PartitionReport, Report, SCHEMA_VERSION};
use crate::stream::{ArtifactId, Partition};
use crate::text::{Printable, count};

/// Merges the reports of all parts of one run, each with the name of its file. The verdict is what the whole run would
/// have said. The error says why they are not those of all parts of one run.
pub fn merge(reports: Vec<(String, Report)>) -> Result<Report, String> {
    let of = agree(&reports)?;
    let mut places: Vec<usize> = reports
        .iter()
        .flat_map(|(_, report)| report.artifacts.iter().map(|artifact| artifact.index))
        .collect();
    places.sort_unstable();
    let mut reports = reports.into_iter().map(|(_, report)| report);
    let Some(first) = reports.next() else { return Err("there are no reports to merge".to_owned()) };
    let expected: usize =
        first.documents.iter().fold(0, |sum, document| sum.saturating_add(document.artifacts));
    if places.len() != expected || places.iter().enumerate().any(|(index, place)| index != *place) {
        let found = count(places.len(), "artifact");
        return Err(format!(
            "the parts have {found}, but their documents have {expected}: a report is incomplete"
        ));
    }
    let mut whole = Report {
        verify: first.verify,
        documents: first.documents.clone(),
        skipped: first.skipped.clone(),
        ..Report::begun(first.target.clone())
    };
    let mut artifacts = Vec::with_capacity(expected);
    let own: BTreeSet<String> =
        (1..=of).filter_map(|part| Partition::new(part, of).ok()).map(part_note).collect();
    let mode = first.cloud_summary.map(|summary| summary.mode).unwrap_or_default();
    let mut cloud_images = Vec::new();
    for report in std::iter::once(first).chain(reports) {
        artifacts.extend(report.artifacts);
        cloud_images.extend(report.cloud_images);
        whole.interrupted_by = whole.interrupted_by.or(report.interrupted_by);
        // They ran side by side.
        whole.elapsed_ms = whole.elapsed_ms.max(report.elapsed_ms);
        whole.notes.extend(report.notes.into_iter().filter(|note| !own.contains(note)));
    }
    artifacts.sort_by_key(|artifact| artifact.index);
    // Each part had as much room as the whole has.
    let mut room = Room::default();
    for artifact in &mut artifacts {
        room.fit(artifact);
    }
    Ok(whole.of(artifacts).with_cloud(mode, cloud_images))
}

/// Whether the reports are those of all parts of one run. The number of parts.
fn agree(reports: &[(String, Report)]) -> Result<u32, String> {
    let mut seen: Vec<Option<&str>> = Vec::new();
    let Some((first_name, first)) = reports.first() else {
        return Err("there are no reports to merge".to_owned());
    };
    for (name, report) in reports {
        if report.schema_version != SCHEMA_VERSION {
            let found = report.schema_version;
            return Err(format!("{name}: found schema_version {found}, expected {SCHEMA_VERSION}"));
        }
        let Some(PartitionReport { part, of, scope }) = report.partition else {
            return Err(format!(
                "{name}: found the report of a whole run, expected one made with --partition"
            ));
        };
        let partition = Partition::new(part, of);
        let (of_first, scope_of_first) = first.partition.map(|first| (first.of, first.scope)).unzip();
        let differences = [
            (report.documents != first.documents, "list of documents"),
            (report.target != first.target, "target"),
            (report.verify != first.verify, "--verify"),
            (of_first != Some(of), "number of parts"),
            (scope_of_first != Some(scope), "selection of artifacts or options"),
            (partition.is_err(), "partition"),
        ];
        if let Some((_, what)) = differences.iter().find(|(differs, _)| *differs) {
            return Err(format!("{name}: its {what} differs from that of {first_name}"));
        }
        seen.resize(usize::try_from(of).unwrap_or(0), None);
        let place = usize::try_from(part).unwrap_or(0).checked_sub(1).and_then(|place| seen.get_mut(place));
        if let Some(first) = place.and_then(|place| place.replace(name)) {
            return Err(format!("{name}: part {part} is already there, from {first}"));
        }
        let is_stranger = |partition: &Partition, artifact: &super::model::ArtifactReport| {
            let id = ArtifactId {
                arch: artifact.arch.clone(),
                platform: artifact.platform.clone(),
                format: artifact.format.clone(),
                component: artifact.component.clone(),
            };
            !partition.contains(&id, &artifact.sha256.expected)
        };
        let stranger = |partition| report.artifacts.iter().find(|artifact| is_stranger(&partition, artifact));
        if let Some(stranger) = partition.ok().and_then(stranger) {
            let id = Printable(&stranger.id);
            return Err(format!("{name}: the artifact {id} does not belong to part {part}"));
        }
    }
    let missing = (1_u32..).zip(&seen).filter(|(_, seen)| seen.is_none());
    let missing: Vec<String> = missing.map(|(part, _)| part.to_string()).collect();
    match missing.as_slice() {
        [] => Ok(u32::try_from(seen.len()).unwrap_or(u32::MAX)),
        missing => Err(format!("these of {} parts are missing: {}", seen.len(), missing.join(", "))),
    }
}
