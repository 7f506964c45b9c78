//! The reports of all parts of a run, as one.

use std::collections::BTreeSet;

use super::bounds::Room;
use super::build::part_note;
use super::model::{PartitionReport, Report, SCHEMA_VERSION};
use crate::stream::{ArtifactId, Partition};
use crate::text::{Printable, count};

/// Why reports are not those of all parts of one run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// None.
    #[error("there is no report to merge")]
    Nothing,
    /// A report of another shape.
    #[error("{name}: found schema_version {found}, expected {SCHEMA_VERSION}")]
    Schema {
        /// The report.
        name: String,
        /// Its version.
        found: u32,
    },
    /// A report that is not of a part.
    #[error("{name}: found the report of a whole run, expected one made with --partition")]
    Whole {
        /// The report.
        name: String,
    },
    /// Reports of two runs.
    #[error("{name}: its {what} differs from that of {first}")]
    Different {
        /// The report.
        name: String,
        /// The report that it was compared with.
        first: String,
        /// What differs.
        what: &'static str,
    },
    /// A part that is there twice.
    #[error("{name}: part {part} is already there, from {first}")]
    Duplicate {
        /// The report.
        name: String,
        /// The report that was first.
        first: String,
        /// The part.
        part: u32,
    },
    /// Parts that are not there.
    #[error("of {of} parts these are missing: {}", missing.iter().map(u32::to_string).collect::<Vec<_>>().join(", "))]
    Missing {
        /// How many parts there are.
        of: u32,
        /// Which are missing.
        missing: Vec<u32>,
    },
    /// A report with an artifact that is not of its part.
    #[error("{name}: the artifact {} does not belong to part {part}", Printable(id))]
    Misplaced {
        /// The report.
        name: String,
        /// The artifact.
        id: String,
        /// The part.
        part: u32,
    },
    /// The parts do not add up to the documents.
    #[error("the parts have {found}, their documents {expected}: a report is not whole")]
    Incomplete {
        /// What the parts have.
        found: String,
        /// What the documents have.
        expected: usize,
    },
}

/// Merges the reports of all parts of one run, each with the name of its file. The verdict is what the whole
/// run would have said.
pub fn merge(reports: Vec<(String, Report)>) -> Result<Report, MergeError> {
    let of = agree(&reports)?;
    let mut places: Vec<usize> = reports
        .iter()
        .flat_map(|(_, report)| report.artifacts.iter().map(|artifact| artifact.index))
        .collect();
    places.sort_unstable();
    let mut reports = reports.into_iter().map(|(_, report)| report);
    let first = reports.next().ok_or(MergeError::Nothing)?;
    let expected: usize =
        first.documents.iter().fold(0, |sum, document| sum.saturating_add(document.artifacts));
    if places.len() != expected || places.iter().enumerate().any(|(index, place)| index != *place) {
        return Err(MergeError::Incomplete { found: count(places.len(), "artifact"), expected });
    }
    let begun = Report {
        verify: first.verify,
        documents: first.documents.clone(),
        skipped: first.skipped.clone(),
        ..Report::begun(first.target.clone())
    };
    let (mut artifacts, mut notes) = (Vec::with_capacity(expected), Vec::new());
    let (mut interrupted_by, mut elapsed_ms) = (None, 0);
    let own: BTreeSet<String> =
        (1..=of).filter_map(|part| Partition::new(part, of).ok()).map(part_note).collect();
    for report in std::iter::once(first).chain(reports) {
        artifacts.extend(report.artifacts);
        interrupted_by = interrupted_by.or(report.interrupted_by);
        // They ran side by side.
        elapsed_ms = elapsed_ms.max(report.elapsed_ms);
        for note in report.notes {
            if !own.contains(&note) {
                notes.push(note);
            }
        }
    }
    artifacts.sort_by_key(|artifact| artifact.index);
    // Each part had as much room as the whole has.
    let mut room = Room::default();
    for artifact in &mut artifacts {
        room.fit(artifact);
    }
    Ok(Report { interrupted_by, elapsed_ms, notes, ..begun }.of(artifacts))
}

/// Whether the reports are those of all parts of one run. The number of parts.
fn agree(reports: &[(String, Report)]) -> Result<u32, MergeError> {
    let mut seen: Vec<Option<&str>> = Vec::new();
    let Some((first_name, first)) = reports.first() else { return Err(MergeError::Nothing) };
    for (given_name, report) in reports {
        let given_name = given_name.as_str();
        let name = given_name.to_owned();
        if report.schema_version != SCHEMA_VERSION {
            return Err(MergeError::Schema { name, found: report.schema_version });
        }
        let Some(PartitionReport { part, of, scope }) = report.partition else {
            return Err(MergeError::Whole { name });
        };
        let what = if report.documents != first.documents {
            Some("list of documents")
        } else if report.target != first.target {
            Some("target")
        } else if report.verify != first.verify {
            Some("--verify")
        } else if first.partition.is_some_and(|first| first.of != of) {
            Some("number of parts")
        } else if first.partition.is_some_and(|first| first.scope != scope) {
            Some("choice of artifacts, or what they are judged by,")
        } else {
            None
        };
        if let Some(what) = what {
            return Err(MergeError::Different { name, first: first_name.clone(), what });
        }
        let Ok(partition) = Partition::new(part, of) else {
            return Err(MergeError::Different { name, first: first_name.clone(), what: "partition" });
        };
        seen.resize(usize::try_from(of).unwrap_or(0), None);
        let place = usize::try_from(part).unwrap_or(0).checked_sub(1).and_then(|place| seen.get_mut(place));
        if let Some(place) = place
            && let Some(first) = place.replace(given_name)
        {
            return Err(MergeError::Duplicate { name, first: first.to_owned(), part });
        }
        let stranger = report.artifacts.iter().find(|artifact| {
            let id = ArtifactId {
                arch: artifact.arch.clone(),
                platform: artifact.platform.clone(),
                format: artifact.format.clone(),
                component: artifact.component.clone(),
            };
            !partition.contains(&id, &artifact.sha256.expected)
        });
        if let Some(stranger) = stranger {
            return Err(MergeError::Misplaced { name, id: stranger.id.clone(), part });
        }
    }
    let missing: Vec<u32> =
        (1_u32..).zip(&seen).filter(|(_, seen)| seen.is_none()).map(|(part, _)| part).collect();
    let of = u32::try_from(seen.len()).unwrap_or(u32::MAX);
    if missing.is_empty() { Ok(of) } else { Err(MergeError::Missing { of, missing }) }
}
