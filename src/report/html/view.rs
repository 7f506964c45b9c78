//! What the page shows, ready to be laid out: every text cut and printable, every list as long as the limits let it be.

use std::collections::HashMap;

use askama::Template;

use super::escape::{Text, plain};
use super::matrix::{self, Matrix};
use crate::report::files::Written;
use crate::report::model::{ArtifactReport, Changes, Report, Summary};
use crate::report::overview::{Group, Overview, Warning, said};
use crate::report::words;
use crate::text::count;
use crate::verdict::Verdict;

/// How much of what there may be any number of is shown; the rest is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many artifacts that did not pass are listed with their groups.
    detailed: usize,
    /// How many rows the list of all artifacts has.
    rows: usize,
    /// How many rows a document's table of platforms has.
    matrix_rows: usize,
    /// How many groups, documents, skipped files, notes, problems, warnings and changed builds are listed.
    remarks: usize,
    /// How many bytes of the request to ART are shown.
    request: usize,
}

impl Limits {
    /// More than a person reads.
    pub(super) const WIDEST: Self =
        Self { detailed: 1_000, rows: 5_000, matrix_rows: 200, remarks: 50, request: 200_000 };

    /// Half of it; in the end nothing.
    pub(super) const fn halved(self) -> Self {
        Self {
            detailed: self.detailed / 2,
            rows: self.rows / 2,
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

/// Up to so many artifacts, the list of all stands open.
const FEW: usize = 40;

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
    lists: Vec<List>,
    more_artifacts: usize,
    warnings: Vec<Warned>,
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

/// A [`Group`].
struct Shown {
    /// Who brought it, where the group before is another's.
    heading: Option<Text>,
    verdict: Verdict,
    reason: &'static str,
    title: Text,
    example: Failure,
    /// What to do, where the next group does not say the same.
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

/// A [`Warning`].
struct Warned {
    text: Text,
    id: Text,
    more: usize,
}

/// One document's artifacts.
struct List {
    document: Text,
    rows: Vec<Row>,
    open: bool,
}

/// One artifact in the list of all.
struct Row {
    verdict: Verdict,
    state: &'static str,
    id: Text,
    release: Text,
    status: Option<u16>,
    size: String,
    digest: String,
    warnings: usize,
}

impl Page {
    pub(super) fn new(report: &Report, written: &Written, limits: Limits) -> Self {
        let Overview { headline, groups, warnings } = Overview::of(report);
        let documents = by_document(report);
        Self {
            verdict: report.verdict,
            word: words::verdict(report),
            title: plain(&headline, 200),
            headline: Text::new(&headline, 1_000),
            target: Text::new(&words::target(&report.target), 1_000),
            caveat: words::caveat(&report.target, Some(report.verdict)).map(|text| Text::new(&text, 500)),
            summary: report.summary,
            pull_request: report.prow.pull_request().map(|text| Text::new(&text, 200)),
            pull_request_url: report.prow.pull_request_url(),
            groups: shown(report, &groups, limits),
            more_groups: groups.len().saturating_sub(limits.remarks),
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
            lists: lists(&documents, report.artifacts.len(), limits),
            more_artifacts: report.artifacts.len().saturating_sub(limits.rows),
            warnings: warnings.iter().take(limits.remarks).map(warned).collect(),
            more_warnings: warnings.len().saturating_sub(limits.remarks),
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

fn shown(report: &Report, groups: &[Group<'_>], limits: Limits) -> Vec<Shown> {
    let (mut left, mut before) = (limits.detailed, None);
    let mut shown = Vec::new();
    for (at, group) in groups.iter().enumerate().take(limits.remarks) {
        let Some(first) = group.example() else { continue };
        let all = if group.artifacts.len() > 1 { group.artifacts.len().min(left) } else { 0 };
        left -= all;
        let is_next = before.replace(group.origin) != Some(group.origin);
        let is_last = groups.get(at + 1).is_none_or(|next| next.advice != group.advice);
        shown.push(Shown {
            heading: group.heading(report).filter(|_| is_next).map(|text| Text::new(&text, 200)),
            verdict: group.verdict,
            reason: group.reason,
            title: Text::new(&group.title, 500),
            example: failure(first, None),
            advice: group.advice.filter(|_| is_last).map(|advice| Text::new(advice, 500)),
            all: group.artifacts.iter().take(all).map(|it| failure(it, Some(&first.message))).collect(),
            more: group.artifacts.len().saturating_sub(all.max(1)),
        });
    }
    shown
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

fn warned(warning: &Warning<'_>) -> Warned {
    Warned {
        text: Text::new(warning.text, 500),
        id: Text::new(&warning.example.id, 500),
        more: warning.artifacts - 1,
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

fn lists(documents: &[(&str, Vec<&ArtifactReport>)], all: usize, limits: Limits) -> Vec<List> {
    let mut left = limits.rows;
    let mut lists = Vec::new();
    for (document, artifacts) in documents {
        if left == 0 {
            break;
        }
        let rows: Vec<Row> = artifacts.iter().take(left).map(|artifact| row(artifact)).collect();
        left -= rows.len();
        lists.push(List { document: Text::new(document, 500), rows, open: all <= FEW });
    }
    lists
}

fn row(artifact: &ArtifactReport) -> Row {
    let digests = &artifact.sha256;
    let shown = digests.observed.unwrap_or(digests.expected).to_string();
    let source = match digests.observed_from {
        Some(source) if digests.observed.is_some() => source.as_str(),
        _ => "not confirmed",
    };
    Row {
        verdict: artifact.verdict,
        state: words::reason_word(artifact.reason, artifact.verdict),
        id: Text::new(&artifact.bare_id(), 500),
        release: Text::new(&artifact.release, 200),
        status: artifact.http_status,
        size: artifact
            .size
            .observed
            .map_or_else(|| "–".to_owned(), |size| indicatif::BinaryBytes(size).to_string()),
        digest: format!("{}…, {source}", shown.chars().take(12).collect::<String>()),
        warnings: artifact.warnings.len(),
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
