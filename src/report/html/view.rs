//! The data of the page's template, which makes each text printable, and limits texts and lists.

use askama::Template;

use super::escape::{self, Text};
use super::matrix::{self, Matrix};
use crate::report::model::{ArtifactReport, Changes, CloudReport, Report};
use crate::report::overview::{Block, Overview, grouped};
use crate::report::written::Written;
use crate::report::{refs, words};
use crate::text::count;

/// The limits of lists, beyond what people read; the rest is counted: artifacts that did not pass; rows of a table;
/// groups, documents, skipped files, notes, problems, warnings and changed builds; bytes of the request to ART.
const LIMITS: [usize; 4] = [2_000, 200, 50, 200_000];

/// After this many halvings, all limits are zero.
pub(super) const MAX_HALVINGS: u32 = 18;

#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct HtmlPage<'r> {
    report: &'r Report,
    overview: &'r Overview<'r>,
    rows: usize,
    remarks: usize,
    /// The groups, each with the artifacts that are listed.
    groups: Vec<(Block<'r, 'r>, &'r [&'r ArtifactReport])>,
    more_groups: usize,
    request: Option<(Text, usize)>,
    matrices: Vec<Matrix<'r>>,
    more_documents: usize,
    branches: refs::Table<'r>,
    /// The cloud references, failures first, each with the CSS class and symbol of its verdict.
    references: Vec<(String, char, &'r CloudReport)>,
    changed: Vec<String>,
    run: Vec<(&'static str, Vec<String>)>,
    /// References to the files that contain everything, or empty.
    see_json: &'static str,
    see_request: &'static str,
}

impl<'r> HtmlPage<'r> {
    pub(super) fn new(
        report: &'r Report,
        overview: &'r Overview<'r>,
        written: &Written,
        halvings: u32,
    ) -> Self {
        let [mut left, rows, remarks, request] = LIMITS.map(|limit| limit >> halvings);
        let (blocks, more_groups) = overview.blocks(remarks);
        let with_listed = |block: Block<'r, 'r>| {
            let all = &block.group.artifacts;
            // A single artifact is already shown as the example.
            let listed = all.get(..left.min(all.len())).filter(|_| all.len() > 1).unwrap_or_default();
            left -= listed.len();
            (block, listed)
        };
        let documents = grouped(report.artifacts.iter().map(|artifact| (&*artifact.document, artifact)));
        let mut references: Vec<_> = report.cloud_images.iter().collect();
        references.sort_by_key(|reference| std::cmp::Reverse(reference.problem()));
        let with_style = |it: &'r CloudReport| match it.verdict.as_artifact_verdict() {
            Some(verdict) => (verdict.to_string(), words::symbol(verdict), it),
            None => ("none".to_owned(), '·', it),
        };
        Self {
            report,
            overview,
            rows,
            remarks,
            groups: blocks.map(with_listed).collect(),
            more_groups,
            request: report.request.as_deref().map(|text| Text::lines(text, 2_000, request)),
            matrices: documents
                .iter()
                .take(remarks)
                .map(|(document, artifacts)| matrix::of(document, artifacts, rows))
                .collect(),
            more_documents: documents.len().saturating_sub(remarks),
            branches: refs::table(report),
            references: references.into_iter().map(with_style).collect(),
            changed: report.changes.as_ref().map(Changes::by_build).unwrap_or_default(),
            run: run(report),
            see_json: written.json.as_ref().map_or("", |_| ", see art-mirror-validate.json"),
            see_request: written.request.as_ref().map_or("", |_| ", see art-mirror-validate-request.md"),
        }
    }
}

fn run(report: &Report) -> Vec<(&'static str, Vec<String>)> {
    let prow = &report.prow;
    let documents = report
        .documents
        .iter()
        .map(|document| format!("{}, {}", document.name, count(document.artifacts, "artifact")));
    let skipped = report.skipped.iter().map(|file| format!("{}: {}", file.name, file.why));
    let optional = |text: &Option<String>| text.iter().cloned().collect();
    let mut run = vec![
        ("Commit", optional(&prow.pull_pull_sha)),
        ("For branch", optional(&prow.pull_base_ref)),
        ("Job", optional(&prow.job_name)),
        ("Job's run", optional(&prow.build_id)),
        ("Documents", documents.collect()),
        ("Skipped", skipped.collect()),
        ("Notes", report.notes.clone()),
        ("Time", vec![words::elapsed(report.elapsed_ms)]),
        ("Version", vec![format!("art-mirror-validate {}", report.version)]),
    ];
    run.retain(|(_, texts)| !texts.is_empty());
    run
}
