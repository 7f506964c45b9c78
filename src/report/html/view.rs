//! What the page shows, ready to be laid out: every text cut and printable, every list as long as the limits let it be.

use std::collections::HashMap;

use askama::Template;

use super::escape::{Text, plain};
use super::matrix::{self, Matrix};
use crate::report::facts::{self, Fact};
use crate::report::group::{self, Group};
use crate::report::model::{ArtifactReport, ChangeKind, Changes, Report, Summary};
use crate::report::{RunContext, advice, words};
use crate::text::count;
use crate::verdict::Verdict;

/// What became of which artifact.
type Marks<'a> = HashMap<&'a str, ChangeKind>;

/// How much of what there may be any number of is shown; the rest is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// How many artifacts are shown with all that is known of them.
    detailed: usize,
    /// How many rows the list of all artifacts has.
    rows: usize,
    /// How many rows a document's table of platforms has.
    matrix_rows: usize,
    /// How many documents, skipped files, notes, problems and warnings are listed.
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

/// How many artifacts a line of the to-do list names.
const MOST_EXAMPLES: usize = 3;
/// Up to so many artifacts, the list of all stands open.
const FEW: usize = 40;

#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page {
    verdict: Verdict,
    /// In characters that the title may have.
    title: String,
    headline: Text,
    target: Text,
    caveat: Option<Text>,
    summary: Summary,
    pull_request: Option<Text>,
    pull_request_url: Option<String>,
    todo: Vec<Todo>,
    retest: Option<Text>,
    matrices: Vec<Matrix>,
    more_documents: usize,
    groups: Vec<Reasons>,
    problems: Vec<Text>,
    more_problems: usize,
    changes: Option<Changed>,
    request: Option<(Text, usize)>,
    lists: Vec<List>,
    more_artifacts: usize,
    warnings: Vec<(Text, Text)>,
    more_warnings: usize,
    run: Vec<(&'static str, Vec<Text>)>,
}

/// What the pull request changes.
struct Changed {
    headline: Text,
    rows: Vec<ChangedRow>,
    more: usize,
    open: bool,
}

/// One artifact that is not as it was.
struct ChangedRow {
    change: &'static str,
    id: Text,
    builds: Text,
}

/// One line of what to do.
struct Todo {
    verdict: Verdict,
    reason: &'static str,
    artifacts: String,
    what: Text,
    examples: Vec<Text>,
    more: usize,
}

/// What did not pass for one reason.
struct Reasons {
    verdict: Verdict,
    reason: &'static str,
    title: &'static str,
    artifacts: String,
    /// Said once where all share it.
    message: Option<Text>,
    failures: Vec<Failure>,
    more: usize,
}

/// One artifact that did not pass.
struct Failure {
    id: Text,
    release: Text,
    change: Option<&'static str>,
    place: Text,
    message: Option<Text>,
    advice: Option<Text>,
    facts: Vec<Compared>,
}

/// A [`Fact`].
struct Compared {
    what: &'static str,
    expected: Text,
    found: Text,
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
    change: Option<&'static str>,
    status: Option<u16>,
    size: String,
    digest: String,
    warnings: usize,
}

impl Page {
    pub(super) fn new(report: &Report, context: &RunContext, limits: Limits) -> Self {
        let groups = group::by_reason(report);
        let documents = by_document(report);
        let changed = report.changes.as_ref().map(Changes::by_id).unwrap_or_default();
        let warnings = report.artifacts.iter().flat_map(|artifact| {
            artifact.warnings.iter().map(|warning| (Text::new(&artifact.id, 500), Text::new(warning, 500)))
        });
        Self {
            verdict: report.verdict,
            title: plain(&words::headline(report), 200),
            headline: Text::new(&words::headline(report), 1_000),
            target: Text::new(&words::target(&report.target), 1_000),
            caveat: words::caveat(&report.target, Some(report.verdict)).map(|text| Text::new(&text, 500)),
            summary: report.summary,
            pull_request: context.prow.pull_request().map(|text| Text::new(&text, 200)),
            pull_request_url: context.prow.pull_request_url(),
            todo: groups.iter().map(|group| todo(group)).collect(),
            retest: context.retest().map(|retest| Text::new(retest, 200)),
            matrices: documents
                .iter()
                .take(limits.remarks)
                .map(|(document, artifacts)| matrix::of(document, artifacts, limits.matrix_rows))
                .collect(),
            more_documents: documents.len().saturating_sub(limits.remarks),
            groups: reasons(&groups, &changed, limits),
            problems: report
                .problems
                .iter()
                .take(limits.remarks)
                .map(|text| Text::new(text, 2_000))
                .collect(),
            more_problems: report.problems.len().saturating_sub(limits.remarks),
            changes: report.changes.as_ref().map(|of| changes(of, limits)),
            request: context.request.as_deref().map(|text| Text::lines(text, 2_000, limits.request)),
            lists: lists(&documents, report.artifacts.len(), &changed, limits),
            more_artifacts: report.artifacts.len().saturating_sub(limits.rows),
            warnings: warnings.take(limits.remarks).collect(),
            more_warnings: report.summary.warnings.saturating_sub(limits.remarks),
            run: run(report, context, limits),
        }
    }
}

/// How the template shows a verdict.
trait Shown {
    /// The name that the style sheet knows it by.
    fn class(&self) -> &'static str;
    /// Its sign.
    fn symbol(&self) -> char;
    /// Its word.
    fn word(&self) -> &'static str;
}

impl Shown for Verdict {
    fn class(&self) -> &'static str {
        self.as_str()
    }

    fn symbol(&self) -> char {
        words::symbol(*self)
    }

    fn word(&self) -> &'static str {
        words::word(*self)
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

fn todo(group: &Group<'_>) -> Todo {
    Todo {
        verdict: group.verdict,
        reason: words::reason_word(group.reason, group.verdict),
        artifacts: count(group.artifacts.len(), "artifact"),
        what: Text::new(&group.to_do(), 500),
        examples: group
            .artifacts
            .iter()
            .take(MOST_EXAMPLES)
            .map(|artifact| Text::new(&artifact.bare_id(), 200))
            .collect(),
        more: group.artifacts.len().saturating_sub(MOST_EXAMPLES),
    }
}

fn changes(changes: &Changes, limits: Limits) -> Changed {
    let rows = changes.artifacts.iter().take(limits.detailed).map(|change| ChangedRow {
        change: change.change.word(),
        id: Text::new(&change.id, 500),
        builds: Text::new(&change.builds(), 400),
    });
    Changed {
        headline: Text::new(&changes.headline(), 500),
        rows: rows.collect(),
        more: changes.artifacts.len().saturating_sub(limits.detailed),
        open: changes.artifacts.len() <= FEW,
    }
}

fn reasons(groups: &[Group<'_>], changed: &Marks<'_>, limits: Limits) -> Vec<Reasons> {
    let mut left = limits.detailed;
    groups
        .iter()
        .map(|group| {
            let shown = group.artifacts.len().min(left);
            left -= shown;
            let message = shared_message(group);
            let advice_is_shared = group.shared_advice().is_some();
            Reasons {
                verdict: group.verdict,
                reason: words::reason_word(group.reason, group.verdict),
                title: advice::title(group.reason),
                artifacts: count(group.artifacts.len(), "artifact"),
                failures: group
                    .artifacts
                    .iter()
                    .take(shown)
                    .map(|artifact| failure(artifact, message.is_none(), !advice_is_shared, changed))
                    .collect(),
                message,
                more: group.artifacts.len() - shown,
            }
        })
        .collect()
}

fn shared_message(group: &Group<'_>) -> Option<Text> {
    let first = &group.artifacts.first()?.message;
    group.artifacts.iter().all(|artifact| artifact.message == *first).then(|| Text::new(first, 1_000))
}

fn failure(artifact: &ArtifactReport, with_message: bool, with_advice: bool, changed: &Marks<'_>) -> Failure {
    Failure {
        id: Text::new(&artifact.id, 500),
        release: Text::new(&artifact.release, 200),
        change: changed.get(artifact.id.as_str()).map(|change| change.word()),
        place: Text::new(artifact.url_or_location(), 2_000),
        message: with_message.then(|| Text::new(&artifact.message, 1_000)),
        advice: artifact.advice.as_deref().filter(|_| with_advice).map(|advice| Text::new(advice, 500)),
        facts: facts::of(artifact).into_iter().map(compared).collect(),
    }
}

fn compared(fact: Fact) -> Compared {
    let Fact { what, expected, found } = fact;
    Compared { what, expected: Text::new(&expected, 500), found: Text::new(&found, 500) }
}

fn lists(
    documents: &[(&str, Vec<&ArtifactReport>)],
    all: usize,
    changed: &Marks<'_>,
    limits: Limits,
) -> Vec<List> {
    let mut left = limits.rows;
    let mut lists = Vec::new();
    for (document, artifacts) in documents {
        if left == 0 {
            break;
        }
        let rows: Vec<Row> = artifacts.iter().take(left).map(|artifact| row(artifact, changed)).collect();
        left -= rows.len();
        lists.push(List { document: Text::new(document, 500), rows, open: all <= FEW });
    }
    lists
}

fn row(artifact: &ArtifactReport, changed: &Marks<'_>) -> Row {
    let digests = &artifact.sha256;
    let shown = digests.observed.unwrap_or(digests.expected).to_string();
    let source = match digests.observed_from {
        Some(source) if digests.observed.is_some() => facts::digest_source(source),
        _ => ", not confirmed",
    };
    Row {
        verdict: artifact.verdict,
        state: words::reason_word(artifact.reason, artifact.verdict),
        id: Text::new(&artifact.bare_id(), 500),
        release: Text::new(&artifact.release, 200),
        change: changed.get(artifact.id.as_str()).map(|change| change.word()),
        status: artifact.http_status,
        size: artifact
            .size
            .observed
            .map_or_else(|| "–".to_owned(), |size| indicatif::BinaryBytes(size).to_string()),
        digest: format!("{}…{source}", shown.chars().take(12).collect::<String>()),
        warnings: artifact.warnings.len(),
    }
}

fn run(report: &Report, context: &RunContext, limits: Limits) -> Vec<(&'static str, Vec<Text>)> {
    let prow = &context.prow;
    let documents = context.documents.iter().map(|document| {
        let artifacts = count(document.artifacts, "artifact");
        format!("{}, {artifacts}", document.name)
    });
    let skipped = context.skipped.iter().map(|file| format!("{}: {}", file.name, file.why));
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
        ("Version", vec![Text::new(&format!("art-mirror-validate {}", context.tool_version), 500)]),
    ];
    run.retain(|(_, texts)| !texts.is_empty());
    run
}
