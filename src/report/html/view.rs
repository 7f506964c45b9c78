//! What the page shows, ready to be laid out: every text cut and printable, every list as long as the limits let it be.

use std::collections::HashMap;

use askama::Template;

use super::escape::{Text, plain};
use super::matrix::{self, Matrix};
use crate::report::files::Written;
use crate::report::model::{ArtifactReport, Changes, Report, Summary};
use crate::report::overview::{Block, Overview, cut, said};
use crate::report::words;
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

    /// Whether nothing is left to leave out.
    pub(super) const fn are_zero(self) -> bool {
        self.request == 0
    }
}

#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page {
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
    problems: Vec<Text>,
    more_problems: usize,
    changes: Option<Changed>,
    warnings: Vec<Text>,
    more_warnings: usize,
    run: Vec<(&'static str, Vec<Text>)>,
    /// Where the rest can be read, if anywhere.
    elsewhere: &'static str,
    /// The same of the request.
    request_elsewhere: &'static str,
}

/// What the branch changes, by build.
struct Changed {
    headline: Text,
    builds: Vec<Text>,
    more: usize,
}

/// A [`Block`].
struct Shown {
    heading: Option<Text>,
    verdict: Verdict,
    reason: &'static str,
    title: Text,
    example: Failure,
    advice: Option<Text>,
    /// All of them, if there are others than the example.
    all: Vec<Failure>,
    more: usize,
}

/// One artifact that did not pass.
struct Failure {
    id: Text,
    url: Text,
    message: Option<Text>,
}

impl Page {
    pub(super) fn new(report: &Report, written: &Written, limits: Limits) -> Self {
        let overview = Overview::of(report);
        let (groups, more_groups) = shown(&overview, limits);
        let documents = by_document(report);
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
            problems: report
                .problems
                .iter()
                .take(limits.remarks)
                .map(|text| Text::new(text, 2_000))
                .collect(),
            more_problems: report.problems.len().saturating_sub(limits.remarks),
            changes: report.changes.as_ref().map(|of| changed(of, limits)),
            warnings: overview
                .warnings
                .iter()
                .take(limits.remarks)
                .map(|it| Text::new(&it.shown(cut(&it.example.id, 500), it.text), 1_000))
                .collect(),
            more_warnings: overview.warnings.len().saturating_sub(limits.remarks),
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
    /// Its sign.
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

fn by_document(report: &Report) -> Vec<(&str, Vec<&ArtifactReport>)> {
    let mut documents: Vec<(&str, Vec<&ArtifactReport>)> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    for artifact in &report.artifacts {
        let at = *index.entry(&*artifact.document).or_insert_with(|| {
            documents.push((&artifact.document, Vec::new()));
            documents.len() - 1
        });
        if let Some((_, artifacts)) = documents.get_mut(at) {
            artifacts.push(artifact);
        }
    }
    documents
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
fn failure(artifact: &ArtifactReport, known: Option<&String>) -> Failure {
    let message = Some(said(artifact)).filter(|_| known != Some(&artifact.message));
    Failure {
        id: Text::new(&artifact.bare_id(), 500),
        url: Text::new(artifact.url_or_location(), 2_000),
        message: message.map(|message| Text::new(&message, 1_000)),
    }
}

fn changed(changes: &Changes, limits: Limits) -> Changed {
    let builds = changes.by_build();
    Changed {
        headline: Text::new(&changes.headline(), 500),
        builds: builds.iter().take(limits.remarks).map(|build| Text::new(build, 500)).collect(),
        more: builds.len().saturating_sub(limits.remarks),
    }
}

fn run(report: &Report, limits: Limits) -> Vec<(&'static str, Vec<Text>)> {
    let prow = &report.prow;
    let documents = report.documents.iter().map(|document| {
        let artifacts = count(document.artifacts, "artifact");
        format!("{}, {artifacts}", document.name)
    });
    let skipped = report.skipped.iter().map(|file| format!("{}: {}", file.name, file.why));
    let listed = |texts: &mut dyn Iterator<Item = String>| {
        texts.take(limits.remarks).map(|text| Text::new(&text, 500)).collect()
    };
    let one = |text: Option<&String>| listed(&mut text.cloned().into_iter());
    let mut run = vec![
        ("Commit", one(prow.pull_pull_sha.as_ref())),
        ("For branch", one(prow.pull_base_ref.as_ref())),
        ("Job", one(prow.job_name.as_ref())),
        ("Job's run", one(prow.build_id.as_ref())),
        ("Documents", listed(&mut documents.into_iter())),
        ("Skipped", listed(&mut skipped.into_iter())),
        ("Notes", listed(&mut report.notes.iter().cloned())),
        ("Time", vec![Text::new(&words::elapsed(report.elapsed_ms), 500)]),
        ("Version", vec![Text::new(&format!("art-mirror-validate {}", report.version), 500)]),
    ];
    run.retain(|(_, texts)| !texts.is_empty());
    run
}
