//! Merging the reports of all parts of a run.

use std::collections::BTreeSet;

use super::bounds::SizeBudget;
use super::build::part_note;
use super::model::{PartitionReport, Report, SCHEMA_VERSION};
use crate::stream::{ArtifactId, Partition};
use crate::text::{Printable, count};

/// Merges the reports of all parts of one run, each given with its file name, into the report of the whole run. The
/// error says why they are not the reports of all parts of one run.
pub fn merge(reports: Vec<(String, Report)>) -> Result<Report, String> {
    let of = check_parts(&reports)?;
    let mut indices: Vec<usize> = reports
        .iter()
        .flat_map(|(_, report)| report.artifacts.iter().map(|artifact| artifact.index))
        .collect();
    indices.sort_unstable();
    let mut reports = reports.into_iter().map(|(_, report)| report);
    let Some(first) = reports.next() else { return Err("there are no reports to merge".to_owned()) };
    let expected: usize =
        first.documents.iter().fold(0, |sum, document| sum.saturating_add(document.artifacts));
    if !indices.iter().copied().eq(0..expected) {
        let found = count(indices.len(), "artifact");
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
    let part_notes: BTreeSet<String> =
        (1..=of).filter_map(|part| Partition::new(part, of).ok()).map(part_note).collect();
    let mode = first.cloud_summary.map(|summary| summary.mode).unwrap_or_default();
    let mut cloud_images = Vec::new();
    for report in std::iter::once(first).chain(reports) {
        artifacts.extend(report.artifacts);
        cloud_images.extend(report.cloud_images);
        whole.interrupted_by = whole.interrupted_by.or(report.interrupted_by);
        // The parts run in parallel.
        whole.elapsed_ms = whole.elapsed_ms.max(report.elapsed_ms);
        whole.notes.extend(report.notes.into_iter().filter(|note| !part_notes.contains(note)));
    }
    artifacts.sort_by_key(|artifact| artifact.index);
    // The limit of a single part is that of the whole run.
    let mut budget = SizeBudget::default();
    for artifact in &mut artifacts {
        budget.fit(artifact);
    }
    Ok(whole.of(artifacts).with_cloud(mode, cloud_images))
}

/// Checks that the reports are those of all parts of one run, and returns the number of parts.
fn check_parts(reports: &[(String, Report)]) -> Result<u32, String> {
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
        let slot = usize::try_from(part).unwrap_or(0).checked_sub(1).and_then(|at| seen.get_mut(at));
        if let Some(first) = slot.and_then(|slot| slot.replace(name)) {
            return Err(format!("{name}: part {part} is already there, from {first}"));
        }
        let is_foreign = |partition: &Partition, artifact: &super::model::ArtifactReport| {
            let id = ArtifactId {
                arch: artifact.arch.clone(),
                platform: artifact.platform.clone(),
                format: artifact.format.clone(),
                component: artifact.component.clone(),
            };
            !partition.contains(&id, &artifact.sha256.expected)
        };
        let foreign = |partition| report.artifacts.iter().find(|artifact| is_foreign(&partition, artifact));
        if let Some(foreign) = partition.ok().and_then(foreign) {
            let id = Printable(&foreign.id);
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
