//! The table of a document's verdicts, by platform and format, and by architecture.

use crate::report::model::ArtifactReport;
use crate::report::overview::grouped;
use crate::report::words;
use crate::verdict::{Reason, Verdict};

/// The most columns. Real documents have four or five architectures.
const MAX_COLUMNS: usize = 12;

/// One document's table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Matrix<'r> {
    pub(super) document: &'r str,
    /// The state of all artifacts, if they have the same one; the table is collapsed then.
    pub(super) uniform: Option<&'static str>,
    pub(super) architectures: Vec<&'r str>,
    pub(super) rows: Vec<Row<'r>>,
    /// The number of rows that are left out.
    pub(super) more_rows: usize,
    pub(super) more_architectures: usize,
}

/// A format of a platform.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row<'r> {
    pub(super) platform: &'r str,
    pub(super) format: &'r str,
    /// Whether this is the first row of the platform.
    pub(super) starts_platform: bool,
    /// One per architecture; `None` if the architecture lacks the format.
    pub(super) cells: Vec<Option<Cell>>,
}

/// The combined state of a format's components on one architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// The worst verdict of the components.
    pub(super) verdict: Verdict,
    /// The reason of the first component with that verdict.
    pub(super) reason: Option<Reason>,
    /// The number of components with that verdict.
    pub(super) affected: usize,
    pub(super) components: usize,
}

impl Cell {
    pub(super) fn word(&self) -> &'static str {
        words::reason_word(self.reason, self.verdict)
    }

    /// A word that fits into a column on a phone. The details are below the table.
    pub(super) fn short_word(&self) -> &'static str {
        match self.verdict {
            Verdict::Pass => "pass",
            Verdict::Inconclusive => "unsure",
            Verdict::Fail => "fail",
        }
    }

    /// `None` without components.
    fn of(components: &[&ArtifactReport]) -> Option<Self> {
        let verdict = components.iter().map(|it| it.verdict).max()?;
        let affected = || components.iter().filter(|it| it.verdict == verdict);
        let reason = affected().next()?.reason;
        Some(Self { verdict, reason, affected: affected().count(), components: components.len() })
    }
}

/// The table of one document's artifacts: in the document's order, but with the rows of a platform together.
pub(super) fn of<'r>(document: &'r str, artifacts: &[&'r ArtifactReport], most_rows: usize) -> Matrix<'r> {
    let mut architectures: Vec<&str> =
        grouped(artifacts.iter().map(|it| (&*it.arch, ()))).into_iter().map(|(arch, _)| arch).collect();
    let more_architectures = architectures.len().saturating_sub(MAX_COLUMNS);
    architectures.truncate(MAX_COLUMNS);
    let (mut rows, mut more_rows) = (Vec::new(), 0);
    for (platform, artifacts) in grouped(artifacts.iter().map(|it| (&*it.platform, *it))) {
        let formats = grouped(artifacts.into_iter().map(|it| (&*it.format, it)));
        for (at, (format, artifacts)) in formats.into_iter().enumerate() {
            if rows.len() == most_rows {
                more_rows += 1;
                continue;
            }
            let on =
                |arch: &str| artifacts.iter().copied().filter(|it| *it.arch == *arch).collect::<Vec<_>>();
            let cells = architectures.iter().map(|arch| Cell::of(&on(arch))).collect();
            rows.push(Row { platform, format, starts_platform: at == 0, cells });
        }
    }
    let mut states = artifacts.iter().map(|artifact| words::state(artifact.reason, artifact.verdict));
    let first = states.next();
    let uniform = first.filter(|first| states.all(|state| state == *first));
    Matrix { document, uniform, architectures, rows, more_rows, more_architectures }
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
    fn an_architecture_without_the_format_has_no_cell() {
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
    fn the_rows_are_limited() {
        let report = sample::large(5_000);
        let matrix = of("d", &report.artifacts.iter().collect::<Vec<_>>(), 200);
        assert_eq!((matrix.rows.len(), matrix.more_rows), (200, 4_800));
    }
}
