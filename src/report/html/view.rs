//! What the page shows, ready to be laid out: every text cut and printable, every list as long as the limits let it be.

use askama::Template;

use super::escape::{Text, plain};
use super::matrix::{self, Matrix};
use crate::report::model::{ArtifactReport, CloudReport, RefReport, Report, Summary};
use crate::report::overview::{Block, Overview, cut, grouped, said};
use crate::report::written::Written;
use crate::report::{refs, words};
use crate::text::count;
use crate::verdict::Verdict;

/// How much of what there may be any number of is shown; the rest is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many artifacts that did not pass are listed with their groups.
    detailed: usize,
    /// How many rows a document's table of platforms has.
    matrix_rows: usize,
    /// How many groups, documents, skipped files, notes, problems, warnings and changed builds are listed.
    remarks: usize,
    /// How many bytes of the request to ART are shown.
    request: usize,
}

impl Limits {
    /// More than a person reads.
    pub(super) const WIDEST: Self = Self { detailed: 2_000, matrix_rows: 200, remarks: 50, request: 200_000 };

    /// Half of it; in the end nothing.
    pub(super) const fn halved(self) -> Self {
        Self {
            detailed: self.detailed / 2,
            matrix_rows: self.matrix_rows / 2,
            remarks: self.remarks / 2,
            request: self.request / 2,
        }
    }

    fn listed(self, texts: impl ExactSizeIterator<Item = String>) -> Listed {
        let more = texts.len().saturating_sub(self.remarks);
        Listed { texts: texts.take(self.remarks).map(|text| Text::new(&text, 1_000)).collect(), more }
    }

    /// Whether nothing is left to leave out.
    pub(super) const fn are_zero(self) -> bool {
        self.request == 0
    }
}

/// How many remarks of a ref are shown.
const MOST_REMARKS: usize = 5;

#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct HtmlPage {
    verdict: Verdict,
    /// The verdict's word, and where it holds.
    word: String,
    /// In characters that the title may have.
    title: String,
    headline: Text,
    target: Text,
    caveat: Option<Text>,
    summary: Summary,
    pull_request: Option<Text>,
    pull_request_url: Option<String>,
    groups: Vec<Shown>,
    more_groups: usize,
    request: Option<(Text, usize)>,
    retest: Option<Text>,
    matrices: Vec<Matrix>,
    more_documents: usize,
    problems: Listed,
    changes: Option<(Text, Listed)>,
    warnings: Listed,
    cloud: Option<Cloud>,
    branches: Option<Branches>,
    run: Vec<(&'static str, Vec<Text>)>,
    /// Where the rest can be read, if anywhere.
    elsewhere: &'static str,
    request_elsewhere: &'static str,
}

/// The refs of a run over branches.
struct Branches {
    columns: Vec<Text>,
    rows: Vec<Branch>,
    more: usize,
}

struct Branch {
    verdict: Verdict,
    name: Text,
    state: Text,
    cells: Vec<Text>,
    remarks: Vec<Text>,
}

struct Cloud {
    sentence: Text,
    rows: Vec<CloudRow>,
    more: usize,
    /// Whether any of them is wrong or undetermined.
    open: bool,
}

struct CloudRow {
    class: &'static str,
    symbol: char,
    state: &'static str,
    document: Text,
    id: Text,
    message: Text,
    advice: Option<Text>,
}

/// As many texts as the limits let there be, and how many more there are.
struct Listed {
    texts: Vec<Text>,
    more: usize,
}

struct Shown {
    heading: Option<Text>,
    verdict: Verdict,
    reason: &'static str,
    title: Text,
    example: FailedArtifact,
    advice: Option<Text>,
    /// All of them, if there are others than the example.
    all: Vec<FailedArtifact>,
    more: usize,
}

/// One artifact that did not pass.
struct FailedArtifact {
    id: Text,
    url: Text,
    message: Option<Text>,
}

impl HtmlPage {
    pub(super) fn new(report: &Report, written: &Written, limits: Limits) -> Self {
        let overview = Overview::of(report);
        let (groups, more_groups) = shown(&overview, limits);
        let documents = grouped(report.artifacts.iter().map(|artifact| (&*artifact.document, artifact)));
        Self {
            verdict: report.verdict,
            word: words::verdict(report),
            title: plain(&overview.headline, 200),
            headline: Text::new(&overview.headline, 1_000),
            target: Text::new(&words::target(&report.target), 1_000),
            caveat: words::caveat(&report.target, Some(report.verdict)).map(|text| Text::new(&text, 500)),
            summary: report.summary,
            pull_request: report.prow.pull_request().map(|text| Text::new(&text, 200)),
            pull_request_url: report.prow.pull_request_url(),
            groups,
            more_groups,
            request: report.request.as_deref().map(|text| Text::lines(text, 2_000, limits.request)),
            retest: report.prow.retest().map(|retest| Text::new(retest, 200)),
            matrices: documents
                .iter()
                .take(limits.remarks)
                .map(|(document, artifacts)| matrix::of(document, artifacts, limits.matrix_rows))
                .collect(),
            more_documents: documents.len().saturating_sub(limits.remarks),
            problems: limits.listed(report.problems.iter().cloned()),
            changes: report.changes.as_ref().map(|changes| {
                let builds = limits.listed(changes.by_build().into_iter());
                (Text::new(&changes.headline(), 500), builds)
            }),
            warnings: limits
                .listed(overview.warnings.iter().map(|it| it.shown(cut(&it.example.id, 500), it.text))),
            cloud: cloud(report, limits),
            branches: branches(report, limits),
            run: run(report, limits),
            elsewhere: written.json.as_ref().map_or("", |_| ", see art-mirror-validate.json"),
            request_elsewhere: written
                .request
                .as_ref()
                .map_or("", |_| ", see art-mirror-validate-request.md"),
        }
    }
}

/// How the template shows a verdict.
trait Drawn {
    /// The name that the style sheet knows it by.
    fn class(&self) -> &'static str;
    fn symbol(&self) -> char;
}

impl Drawn for Verdict {
    fn class(&self) -> &'static str {
        self.as_str()
    }

    fn symbol(&self) -> char {
        words::symbol(*self)
    }
}

fn shown(overview: &Overview<'_>, limits: Limits) -> (Vec<Shown>, usize) {
    let mut left = limits.detailed;
    let (blocks, more) = overview.blocks(limits.remarks);
    let shown = blocks.map(|Block { group, heading, example, advice }| {
        let all = if group.artifacts.len() > 1 { group.artifacts.len().min(left) } else { 0 };
        left -= all;
        Shown {
            heading: heading.map(|text| Text::new(&text, 200)),
            verdict: group.verdict,
            reason: group.reason,
            title: Text::new(&group.title, 500),
            example: failure(example, None),
            advice: advice.map(|advice| Text::new(advice, 500)),
            all: group.artifacts.iter().take(all).map(|it| failure(it, Some(&example.message))).collect(),
            more: group.artifacts.len().saturating_sub(all.max(1)),
        }
    });
    (shown.collect(), more)
}

/// An artifact that did not pass, without its message where that is the known one.
fn failure(artifact: &ArtifactReport, known: Option<&String>) -> FailedArtifact {
    let message = Some(said(artifact)).filter(|_| known != Some(&artifact.message));
    FailedArtifact {
        id: Text::new(&artifact.bare_id(), 500),
        url: Text::new(artifact.url_or_location(), 2_000),
        message: message.map(|message| Text::new(&message, 1_000)),
    }
}

fn branches(report: &Report, limits: Limits) -> Option<Branches> {
    let table = refs::table(report);
    let row = |(of_ref, cells): &(&RefReport, Vec<String>)| Branch {
        verdict: of_ref.verdict,
        name: Text::new(&of_ref.name, 200),
        state: Text::new(&format!("{} of {}", of_ref.summary.passed, of_ref.summary.artifacts), 100),
        cells: cells.iter().map(|cell| Text::new(cell, 300)).collect(),
        remarks: of_ref.remarks.iter().take(MOST_REMARKS).map(|remark| Text::new(remark, 300)).collect(),
    };
    (!table.rows.is_empty()).then(|| Branches {
        columns: table.columns.iter().map(|column| Text::new(column, 100)).collect(),
        rows: table.rows.iter().take(limits.matrix_rows).map(row).collect(),
        more: table.rows.len().saturating_sub(limits.matrix_rows),
    })
}

/// The cloud references, what is wrong with them first.
fn cloud(report: &Report, limits: Limits) -> Option<Cloud> {
    let sentence = report.cloud_summary.and_then(|summary| summary.sentence())?;
    let mut references: Vec<_> = report.cloud_images.iter().collect();
    references.sort_by_key(|reference| std::cmp::Reverse(reference.trouble()));
    let row = |reference: &&CloudReport| CloudRow {
        class: reference.verdict.known().map_or("none", |verdict| verdict.as_str()),
        symbol: reference.verdict.known().map_or('·', words::symbol),
        state: reference.word(),
        document: Text::new(&reference.document, 500),
        id: Text::new(&reference.id, 500),
        message: Text::new(&reference.message, 500),
        advice: reference.advice.as_deref().map(|advice| Text::new(advice, 300)),
    };
    Some(Cloud {
        sentence: Text::new(&sentence, 500),
        rows: references.iter().take(limits.matrix_rows).map(row).collect(),
        more: references.len().saturating_sub(limits.matrix_rows),
        open: references.first().is_some_and(|reference| reference.trouble().is_some()),
    })
}

fn run(report: &Report, limits: Limits) -> Vec<(&'static str, Vec<Text>)> {
    let prow = &report.prow;
    let documents = report
        .documents
        .iter()
        .map(|document| format!("{}, {}", document.name, count(document.artifacts, "artifact")));
    let skipped = report.skipped.iter().map(|file| format!("{}: {}", file.name, file.why));
    let one = |text: &Option<String>| limits.listed(text.as_slice().iter().cloned()).texts;
    let mut run = vec![
        ("Commit", one(&prow.pull_pull_sha)),
        ("For branch", one(&prow.pull_base_ref)),
        ("Job", one(&prow.job_name)),
        ("Job's run", one(&prow.build_id)),
        ("Documents", limits.listed(documents).texts),
        ("Skipped", limits.listed(skipped).texts),
        ("Notes", limits.listed(report.notes.iter().cloned()).texts),
        ("Time", one(&Some(words::elapsed(report.elapsed_ms)))),
        ("Version", one(&Some(format!("art-mirror-validate {}", report.version)))),
    ];
    run.retain(|(_, texts)| !texts.is_empty());
    run
}
