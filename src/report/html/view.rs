//! What the page shows, ready to be laid out: every text cut and printable, every list bounded.

use std::collections::HashMap;

use askama::Template;

use super::matrix::{self, Matrix};
use crate::report::facts::{self, Fact};
use crate::report::group::{self, Group};
use crate::report::model::{ArtifactReport, ChangeKind, Changes, Report, Summary};
use crate::report::{RunContext, advice, art_request, words};
use crate::text::{count, excerpt};
use crate::verdict::Verdict;

/// What became of which artifact.
type Marks<'a> = HashMap<&'a str, ChangeKind>;

/// How many artifacts are shown with all that is known of them.
const MOST_DETAILED: usize = 1_000;
/// How many rows the list of all artifacts has.
const MOST_ROWS: usize = 5_000;
/// How many documents, skipped files, notes and warnings are listed.
const MOST_REMARKS: usize = 50;
/// How many artifacts a line of the to-do list names.
const MOST_EXAMPLES: usize = 3;
/// Up to so many artifacts, the list of all stands open.
const FEW: usize = 40;

#[derive(Template)]
#[template(path = "report.html")]
pub(super) struct Page {
    verdict: Verdict,
    headline: String,
    target: String,
    caveat: Option<String>,
    summary: Summary,
    pull_request: Option<String>,
    pull_request_url: Option<String>,
    todo: Vec<Todo>,
    retest: Option<String>,
    matrices: Vec<Matrix>,
    more_documents: usize,
    groups: Vec<Reasons>,
    problems: Vec<String>,
    more_problems: usize,
    changes: Option<Changed>,
    request: Option<String>,
    lists: Vec<List>,
    more_artifacts: usize,
    warnings: Vec<(String, String)>,
    more_warnings: usize,
    run: Vec<(&'static str, String)>,
}

/// What the pull request changes.
struct Changed {
    headline: String,
    rows: Vec<ChangedRow>,
    more: usize,
    open: bool,
}

/// One artifact that is not as it was.
struct ChangedRow {
    change: &'static str,
    id: String,
    builds: String,
}

/// One line of what to do.
struct Todo {
    verdict: Verdict,
    reason: &'static str,
    artifacts: String,
    what: String,
    examples: Vec<String>,
    more: usize,
}

/// What did not pass for one reason.
struct Reasons {
    verdict: Verdict,
    reason: &'static str,
    title: &'static str,
    artifacts: String,
    /// Said once where all share it.
    message: Option<String>,
    failures: Vec<Failure>,
    more: usize,
}

/// One artifact that did not pass.
struct Failure {
    id: String,
    release: String,
    change: Option<&'static str>,
    place: String,
    message: Option<String>,
    advice: Option<String>,
    facts: Vec<Fact>,
}

/// One document's artifacts.
struct List {
    document: String,
    rows: Vec<Row>,
    open: bool,
}

/// One artifact in the list of all.
struct Row {
    verdict: Verdict,
    state: &'static str,
    id: String,
    release: String,
    change: Option<&'static str>,
    status: Option<u16>,
    size: String,
    digest: String,
    warnings: usize,
}

impl Page {
    pub(super) fn new(report: &Report, context: &RunContext) -> Self {
        let groups = group::by_reason(report);
        let documents = by_document(report);
        let changed = report.changes.as_ref().map(Changes::by_id).unwrap_or_default();
        let warnings = report.artifacts.iter().flat_map(|artifact| {
            artifact.warnings.iter().map(|warning| (excerpt(&artifact.id, 500), excerpt(warning, 500)))
        });
        Self {
            verdict: report.verdict,
            headline: excerpt(&words::headline(report), 1_000),
            target: excerpt(&words::target(&report.target), 1_000),
            caveat: words::caveat(&report.target, Some(report.verdict)),
            summary: report.summary,
            pull_request: context.prow.pull_request().map(|text| excerpt(&text, 200)),
            pull_request_url: context.prow.pull_request_url(),
            todo: groups.iter().map(|group| todo(group)).collect(),
            retest: context.retest().map(|retest| excerpt(retest, 200)),
            matrices: documents
                .iter()
                .take(MOST_REMARKS)
                .map(|(document, artifacts)| matrix::of(document, artifacts))
                .collect(),
            more_documents: documents.len().saturating_sub(MOST_REMARKS),
            groups: reasons(&groups, &changed),
            problems: report.problems.iter().take(MOST_REMARKS).map(|text| excerpt(text, 2_000)).collect(),
            more_problems: report.problems.len().saturating_sub(MOST_REMARKS),
            changes: report.changes.as_ref().map(changes),
            request: art_request(report, context).map(|text| cut(&text)),
            lists: lists(&documents, report.artifacts.len(), &changed),
            more_artifacts: report.artifacts.len().saturating_sub(MOST_ROWS),
            warnings: warnings.take(MOST_REMARKS).collect(),
            more_warnings: report.summary.warnings.saturating_sub(MOST_REMARKS),
            run: run(report, context),
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
        what: excerpt(&group.to_do(), 500),
        examples: group
            .artifacts
            .iter()
            .take(MOST_EXAMPLES)
            .map(|artifact| excerpt(&artifact.bare_id(), 200))
            .collect(),
        more: group.artifacts.len().saturating_sub(MOST_EXAMPLES),
    }
}

fn changes(changes: &Changes) -> Changed {
    let rows = changes.artifacts.iter().take(MOST_DETAILED).map(|change| ChangedRow {
        change: change.change.word(),
        id: excerpt(&change.id, 500),
        builds: excerpt(&change.builds(), 400),
    });
    Changed {
        headline: excerpt(&changes.headline(), 500),
        rows: rows.collect(),
        more: changes.artifacts.len().saturating_sub(MOST_DETAILED),
        open: changes.artifacts.len() <= FEW,
    }
}

fn reasons(groups: &[Group<'_>], changed: &Marks<'_>) -> Vec<Reasons> {
    let mut room = MOST_DETAILED;
    groups
        .iter()
        .map(|group| {
            let shown = group.artifacts.len().min(room);
            room -= shown;
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

fn shared_message(group: &Group<'_>) -> Option<String> {
    let first = &group.artifacts.first()?.message;
    group.artifacts.iter().all(|artifact| artifact.message == *first).then(|| excerpt(first, 1_000))
}

fn failure(artifact: &ArtifactReport, with_message: bool, with_advice: bool, changed: &Marks<'_>) -> Failure {
    Failure {
        id: excerpt(&artifact.id, 500),
        release: excerpt(&artifact.release, 200),
        change: changed.get(artifact.id.as_str()).map(|change| change.word()),
        place: excerpt(artifact.url.as_deref().unwrap_or(&artifact.location), 2_000),
        message: with_message.then(|| excerpt(&artifact.message, 1_000)),
        advice: artifact.advice.as_deref().filter(|_| with_advice).map(|advice| excerpt(advice, 500)),
        facts: facts::of(artifact),
    }
}

fn lists(documents: &[(&str, Vec<&ArtifactReport>)], all: usize, changed: &Marks<'_>) -> Vec<List> {
    let mut room = MOST_ROWS;
    let mut lists = Vec::new();
    for (document, artifacts) in documents {
        if room == 0 {
            break;
        }
        let rows: Vec<Row> = artifacts.iter().take(room).map(|artifact| row(artifact, changed)).collect();
        room -= rows.len();
        lists.push(List { document: excerpt(document, 500), rows, open: all <= FEW });
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
        id: excerpt(&artifact.bare_id(), 500),
        release: excerpt(&artifact.release, 200),
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

fn run(report: &Report, context: &RunContext) -> Vec<(&'static str, String)> {
    let prow = &context.prow;
    let mut run = Vec::new();
    let mut add = |label, text: Option<&str>| {
        if let Some(text) = text {
            run.push((label, excerpt(text, 500)));
        }
    };
    add("Commit", prow.pull_pull_sha.as_deref());
    add("For branch", prow.pull_base_ref.as_deref());
    add("Job", prow.job_name.as_deref());
    add("Job's run", prow.build_id.as_deref());
    for document in context.documents.iter().take(MOST_REMARKS) {
        add("Document", Some(&format!("{}, {}", document.name, count(document.artifacts, "artifact"))));
    }
    for file in context.skipped.iter().take(MOST_REMARKS) {
        add("Skipped", Some(&format!("{}: {}", file.name, file.why)));
    }
    for note in report.notes.iter().take(MOST_REMARKS) {
        add("Note", Some(note));
    }
    add("Time", Some(&words::elapsed(report.elapsed_ms)));
    add("Version", Some(&format!("art-mirror-validate {}", context.tool_version)));
    run
}

/// The request has its own bound in locations; this one is for the length of each.
fn cut(text: &str) -> String {
    text.lines().map(|line| excerpt(line, 2_000)).collect::<Vec<_>>().join("\n")
}
