//! Platforms and formats by architecture: one document at a glance.

use std::collections::{HashMap, HashSet};

use crate::report::model::ArtifactReport;
use crate::report::words;
use crate::verdict::{Reason, Verdict};

/// Real documents have four or five architectures.
const MOST_COLUMNS: usize = 12;

/// One document's table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Matrix<'r> {
    pub(super) document: &'r str,
    /// What all artifacts are, if it is one thing, so that the table tells nothing more.
    pub(super) uniform: Option<&'static str>,
    pub(super) architectures: Vec<&'r str>,
    pub(super) rows: Vec<Row<'r>>,
    /// How many rows and columns are left out.
    pub(super) more_rows: usize,
    pub(super) more_architectures: usize,
}

/// A platform's format.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'r> {
    pub(super) platform: &'r str,
    pub(super) format: &'r str,
    /// Whether the row before is of another platform.
    pub(super) starts_platform: bool,
    /// One per architecture; none where the architecture lacks the format.
    pub(super) cells: Vec<Option<Cell>>,
}

/// The components of a format on one architecture, taken together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// The worst of its components.
    pub(super) verdict: Verdict,
    /// The first reason of the worst.
    pub(super) reason: Option<Reason>,
    /// How many components have that verdict, of how many.
    pub(super) affected: usize,
    pub(super) components: usize,
}

impl Cell {
    pub(super) fn word(&self) -> &'static str {
        words::reason_word(self.reason, self.verdict)
    }

    /// What fits a column on a phone; the details follow below the table.
    pub(super) fn short_word(&self) -> &'static str {
        match self.verdict {
            Verdict::Pass => "pass",
            Verdict::Inconclusive => "unsure",
            Verdict::Fail => "fail",
        }
    }

    fn add(&mut self, artifact: &ArtifactReport) {
        self.components += 1;
        if artifact.verdict > self.verdict {
            (self.verdict, self.reason, self.affected) = (artifact.verdict, artifact.reason, 1);
        } else if artifact.verdict == self.verdict {
            self.affected += 1;
        }
    }

    fn new(artifact: &ArtifactReport) -> Self {
        Self { verdict: artifact.verdict, reason: artifact.reason, affected: 1, components: 1 }
    }
}

/// The table of one document's artifacts. Rows of a platform stand together, otherwise everything is in the
/// document's order.
pub(super) fn of<'r>(document: &'r str, artifacts: &[&'r ArtifactReport], most_rows: usize) -> Matrix<'r> {
    let mut architectures: Vec<&str> = Vec::new();
    let mut columns: HashMap<&str, usize> = HashMap::new();
    let mut platforms: HashMap<&str, usize> = HashMap::new();
    let mut rows: Vec<(usize, &str, &str)> = Vec::new();
    let mut known_rows: HashSet<(&str, &str)> = HashSet::new();
    let mut cells: HashMap<(&str, &str, usize), Cell> = HashMap::new();
    for artifact in artifacts {
        let (platform, format) = (&*artifact.platform, &*artifact.format);
        let column = *columns.entry(&*artifact.arch).or_insert_with(|| {
            architectures.push(&artifact.arch);
            architectures.len() - 1
        });
        let next = platforms.len();
        let order = *platforms.entry(platform).or_insert(next);
        if known_rows.insert((platform, format)) {
            rows.push((order, platform, format));
        }
        cells
            .entry((platform, format, column))
            .and_modify(|cell| cell.add(artifact))
            .or_insert_with(|| Cell::new(artifact));
    }
    rows.sort_by_key(|(order, _, _)| *order);

    let mut states = artifacts.iter().map(|artifact| words::state(artifact.reason, artifact.verdict));
    let first = states.next();
    let shown = architectures.len().min(MOST_COLUMNS);
    let mut before = None;
    Matrix {
        document,
        uniform: first.filter(|first| states.all(|state| state == *first)),
        more_rows: rows.len().saturating_sub(most_rows),
        more_architectures: architectures.len() - shown,
        rows: rows
            .iter()
            .take(most_rows)
            .map(|(order, platform, format)| Row {
                platform,
                format,
                starts_platform: before.replace(*order) != Some(*order),
                cells: (0..shown).map(|column| cells.get(&(*platform, *format, column)).copied()).collect(),
            })
            .collect(),
        architectures: architectures.into_iter().take(shown).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::report::sample;

    fn drawn(matrix: &Matrix<'_>) -> String {
        let mut text = matrix.architectures.join(" ");
        for row in &matrix.rows {
            write!(text, "\n{} {}:", row.platform, row.format).unwrap();
            for cell in &row.cells {
                match cell {
                    Some(cell) => {
                        write!(text, " {} {}/{}", cell.word(), cell.affected, cell.components).unwrap();
                    }
                    None => text.push_str(" -"),
                }
            }
        }
        text
    }

    #[test]
    fn a_cell_shows_the_worst_of_its_components() {
        let report = sample::report();
        let artifacts: Vec<_> = report.artifacts.iter().take(20).collect();
        insta::assert_snapshot!(drawn(&of("d", &artifacts, 200)), @r"
        aarch64 ppc64le s390x x86_64
        metal iso: pass 1/1 pass 1/1 pass 1/1 pass 1/1
        metal pxe: missing 1/3 missing 1/3 size-mismatch 1/3 unreachable 1/3
        qemu qcow2.gz: pass 1/1 sha256-mismatch 1/1 pass 1/1 pass 1/1
        ");
    }

    #[test]
    fn an_architecture_without_the_format_has_no_state() {
        let report = sample::report();
        let artifacts: Vec<_> = report.artifacts.iter().skip(20).collect();
        insta::assert_snapshot!(drawn(&of("d", &artifacts, 200)), @r"
        x86_64 aarch64
        aws vmdk.gz: not-published 1/1 -
        openstack qcow2.gz: - metadata-conflict 1/1
        qemu qcow2.gz: no-digest 1/1 -
        ");
    }

    #[test]
    fn a_hostile_document_gets_no_hostile_table() {
        let report = sample::large(5_000);
        let matrix = of("d", &report.artifacts.iter().collect::<Vec<_>>(), 200);
        assert_eq!((matrix.rows.len(), matrix.more_rows), (200, 4_800));
    }
}
