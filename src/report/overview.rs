//! What a run comes to, the same for every output: by document and build, and by why what did not pass did not.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use crate::report::model::{ArtifactReport, Report};
use crate::report::words;
use crate::text::count;
use crate::verdict::{Reason, Verdict};

/// How many builds the sentence about a run names.
const MOST_BUILDS: usize = 6;

/// How many of its reasons it names for each.
const MOST_STATES: usize = 3;

/// How many architectures a group names.
const MOST_ARCHITECTURES: usize = 8;

/// What a run comes to.
pub(super) struct Overview<'r> {
    /// The run in one sentence, without its verdict's word. Not yet printable.
    pub(super) headline: String,
    /// What did not pass: what is known to be wrong first, then by [`Reason`], then in the order of the documents.
    pub(super) groups: Vec<Group<'r>>,
    /// Each warning once.
    pub(super) warnings: Vec<Warning<'r>>,
    /// What the base is called, if there is one.
    base: String,
}

/// Artifacts of one build in one document that did not pass for one reason, and about which the same is to be done.
pub(super) struct Group<'r> {
    /// Fail or inconclusive.
    pub(super) verdict: Verdict,
    /// The reason's word.
    pub(super) reason: &'static str,
    /// `10.2.20260405-0 (coreos-rhel-10.json): 3 of 48 missing, aarch64`. Not yet printable, as the other texts.
    pub(super) title: String,
    /// Whether this branch brings them or its base has them already; unknown without a base.
    pub(super) origin: Origin,
    /// What to do.
    pub(super) advice: Option<&'r str>,
    /// In the report's order.
    pub(super) artifacts: Vec<&'r ArtifactReport>,
}

/// Who brought an artifact as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Origin {
    /// There was nothing to compare with.
    Unknown,
    /// The branch that is checked.
    Branch,
    /// The base has it already, just so.
    Base,
}

/// A warning, however many artifacts have it.
pub(super) struct Warning<'r> {
    /// What it says.
    pub(super) text: &'r str,
    /// The first artifact that has it.
    pub(super) example: &'r ArtifactReport,
    /// How many have it.
    pub(super) artifacts: usize,
}

/// One build of one document.
struct Build<'r> {
    document: &'r str,
    release: &'r str,
    /// How many artifacts of it there are of each state, and of each architecture.
    states: Vec<((Verdict, Option<Reason>), usize)>,
    architectures: HashSet<&'r str>,
    artifacts: usize,
}

impl<'r> Overview<'r> {
    pub(super) fn of(report: &'r Report) -> Self {
        let names = names(report);
        let builds = builds(report);
        Self {
            headline: headline(report, &builds, &names),
            groups: groups(report, &builds, &names),
            warnings: warnings(report),
            base: report.changes.as_ref().map(|changes| cut(&changes.base, 100)).unwrap_or_default(),
        }
    }
}

/// A group where it is shown.
pub(super) struct Block<'o, 'r> {
    pub(super) group: &'o Group<'r>,
    /// Who brought it, where the block before is of another origin.
    pub(super) heading: Option<String>,
    /// One of its artifacts, for all of them.
    pub(super) example: &'r ArtifactReport,
    /// What to do, where the next block does not say the same.
    pub(super) advice: Option<&'r str>,
}

impl<'r> Overview<'r> {
    /// The first groups, and how many more there are.
    pub(super) fn blocks(&self, most: usize) -> (impl Iterator<Item = Block<'_, 'r>>, usize) {
        let shown = self.groups.get(..most).unwrap_or(&self.groups);
        let blocks = shown.iter().enumerate().filter_map(|(at, group)| {
            let before = at.checked_sub(1).and_then(|at| shown.get(at));
            let is_next = before.is_none_or(|before| before.origin != group.origin);
            let is_last = shown.get(at + 1).is_none_or(|next| next.advice != group.advice);
            Some(Block {
                group,
                heading: group.origin.heading(&self.base).filter(|_| is_next),
                example: group.artifacts.first()?,
                advice: group.advice.filter(|_| is_last),
            })
        });
        (blocks, self.groups.len() - shown.len())
    }
}

impl Origin {
    fn heading(self, base: &str) -> Option<String> {
        match self {
            Self::Unknown => None,
            Self::Branch => Some(format!("Changed since {base}:")),
            Self::Base => Some(format!("Already so on {base}, not from this branch:")),
        }
    }
}

impl Warning<'_> {
    /// `ID: what it says`, or `ID and 3 more: what it says`, as the outputs show the two.
    pub(super) fn shown(&self, id: impl Display, said: impl Display) -> String {
        match self.artifacts - 1 {
            0 => format!("{id}: {said}"),
            more => format!("{id} and {more} more: {said}"),
        }
    }
}

/// What came of an artifact: its message, and how often it was asked for where that tells how well it was tried.
/// Not yet printable.
pub(super) fn said(artifact: &ArtifactReport) -> String {
    match (artifact.verdict, artifact.attempts) {
        (Verdict::Inconclusive, attempts @ 2..) => format!("{} ({attempts} attempts)", artifact.message),
        _ => artifact.message.clone(),
    }
}

/// What each document is called: its file's name, if no other has the same.
fn names(report: &Report) -> HashMap<&str, String> {
    let documents: HashSet<&str> = report.artifacts.iter().map(|artifact| &*artifact.document).collect();
    let mut holders: HashMap<&str, usize> = HashMap::new();
    for document in &documents {
        *holders.entry(file_name(document)).or_default() += 1;
    }
    let name = |document| {
        let file = file_name(document);
        let is_unique = !file.is_empty() && holders.get(file) == Some(&1);
        cut(if is_unique { file } else { document }, 100)
    };
    documents.iter().map(|document| (*document, name(document))).collect()
}

/// As many characters of a text; an ellipsis says that there are more.
pub(super) fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn file_name(document: &str) -> &str {
    document.rsplit('/').next().unwrap_or(document)
}

/// Every build of every document: those with something wrong first, otherwise in the order of the documents.
fn builds(report: &Report) -> Vec<Build<'_>> {
    let mut builds: Vec<Build<'_>> = Vec::new();
    let mut index: HashMap<(&str, &str), usize> = HashMap::new();
    for artifact in &report.artifacts {
        let (document, release) = (&*artifact.document, &*artifact.release);
        let at = *index.entry((document, release)).or_insert_with(|| {
            let (states, architectures) = (Vec::new(), HashSet::new());
            builds.push(Build { document, release, states, architectures, artifacts: 0 });
            builds.len() - 1
        });
        let Some(build) = builds.get_mut(at) else { continue };
        build.artifacts += 1;
        build.architectures.insert(&artifact.arch);
        let state = (artifact.verdict, artifact.reason);
        match build.states.iter_mut().find(|(known, _)| *known == state) {
            Some((_, artifacts)) => *artifacts += 1,
            None => build.states.push((state, 1)),
        }
    }
    for build in &mut builds {
        build.states.sort_by_key(|((verdict, reason), _)| (std::cmp::Reverse(*verdict), *reason));
    }
    builds.sort_by_key(|build| std::cmp::Reverse(build.states.first().map(|((verdict, _), _)| *verdict)));
    builds
}

impl Build<'_> {
    /// `10.2.20260405-0 (coreos-rhel-10.json)`
    fn title(&self, names: &HashMap<&str, String>) -> String {
        let release = if self.release.is_empty() { "no build ID" } else { self.release };
        let document = names.get(self.document).map_or("", String::as_str);
        format!("{} ({document})", cut(release, 60))
    }

    /// `48 of 48 missing`
    fn states(&self) -> String {
        let bad = self.states.iter().filter(|((verdict, _), _)| *verdict != Verdict::Pass);
        let bad: Vec<String> = bad
            .take(MOST_STATES)
            .map(|((verdict, reason), artifacts)| {
                format!("{artifacts} of {} {}", self.artifacts, words::state(*reason, *verdict))
            })
            .collect();
        let rest = self.states.iter().filter(|((verdict, _), _)| *verdict != Verdict::Pass).skip(MOST_STATES);
        match (bad.as_slice(), rest.map(|(_, artifacts)| artifacts).sum::<usize>()) {
            ([], _) => format!("{0} of {0} passed", self.artifacts),
            (bad, 0) => bad.join(", "),
            (bad, rest) => format!("{}, {rest} of {} for other reasons", bad.join(", "), self.artifacts),
        }
    }
}

fn headline(report: &Report, builds: &[Build<'_>], names: &HashMap<&str, String>) -> String {
    let mut parts: Vec<String> = builds
        .iter()
        .take(MOST_BUILDS)
        .map(|build| format!("{}: {}", build.title(names), build.states()))
        .collect();
    let more = builds.len().saturating_sub(MOST_BUILDS);
    if more > 0 {
        parts.push(format!("and {}", count(more, "more build")));
    }
    match report.problems.len() {
        _ if !parts.is_empty() => {}
        0 => parts.push("nothing was checked".to_owned()),
        problems => parts.push(format!("nothing was checked, for {}", count(problems, "reason"))),
    }
    let early = report.interrupted_by.as_ref();
    let early = early.map(|signal| format!(" (ended early by {})", cut(signal, 40))).unwrap_or_default();
    parts.join("; ") + &early
}

/// Why artifacts are in one group, in the order that groups have.
type Why<'r> = (Origin, bool, Option<Reason>, Option<&'r str>);

fn groups<'r>(report: &'r Report, builds: &[Build<'r>], names: &HashMap<&str, String>) -> Vec<Group<'r>> {
    let builds: HashMap<(&str, &str), &Build<'_>> =
        builds.iter().map(|build| ((build.document, build.release), build)).collect();
    let origin = origins(report);
    let mut groups: Vec<(Why<'_>, Vec<&ArtifactReport>)> = Vec::new();
    let mut index: HashMap<_, usize> = HashMap::new();
    for artifact in report.artifacts.iter().filter(|artifact| artifact.verdict != Verdict::Pass) {
        let is_unknown = artifact.verdict != Verdict::Fail;
        let why = (origin(artifact), is_unknown, artifact.reason, artifact.advice.as_deref());
        let at = *index.entry((why, &artifact.document, &artifact.release)).or_insert_with(|| {
            groups.push((why, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, artifacts)) = groups.get_mut(at) {
            artifacts.push(artifact);
        }
    }
    groups.sort_by_key(|(why, _)| *why);
    let group = |((origin, _, reason, advice), artifacts): (_, Vec<&'r ArtifactReport>)| {
        let first = artifacts.first()?;
        let build = builds.get(&(&*first.document, &*first.release))?;
        Some(Group {
            verdict: first.verdict,
            reason: words::reason_word(reason, first.verdict),
            title: title(build, &artifacts, names),
            origin,
            advice,
            artifacts,
        })
    };
    groups.into_iter().filter_map(group).collect()
}

fn title(build: &Build<'_>, artifacts: &[&ArtifactReport], names: &HashMap<&str, String>) -> String {
    let Some(first) = artifacts.first() else { return String::new() };
    let state = words::state(first.reason, first.verdict);
    let title = format!("{}: {} of {} {state}", build.title(names), artifacts.len(), build.artifacts);
    let mut architectures: Vec<&str> = Vec::new();
    for artifact in artifacts {
        if !architectures.contains(&&*artifact.arch) && architectures.len() <= MOST_ARCHITECTURES {
            architectures.push(&artifact.arch);
        }
    }
    if architectures.len() < build.architectures.len() && architectures.len() <= MOST_ARCHITECTURES {
        let listed: Vec<String> = architectures.iter().map(|arch| cut(arch, 20)).collect();
        format!("{title}, {}", listed.join(", "))
    } else {
        title
    }
}

/// Who brought an artifact as it is.
fn origins(report: &Report) -> impl Fn(&ArtifactReport) -> Origin {
    let compared = report.changes.as_ref().map(|changes| {
        let documents: HashSet<&str> = changes.documents.iter().map(|document| &**document).collect();
        let changed: HashSet<&str> = changes.artifacts.iter().map(|change| change.id.as_str()).collect();
        (documents, changed)
    });
    move |artifact| match &compared {
        Some((_, changed)) if changed.contains(artifact.id.as_str()) => Origin::Branch,
        Some((documents, _)) if documents.contains(&*artifact.document) => Origin::Base,
        _ => Origin::Unknown,
    }
}

fn warnings(report: &Report) -> Vec<Warning<'_>> {
    let mut warnings: Vec<Warning<'_>> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    for (artifact, text) in
        report.artifacts.iter().flat_map(|it| it.warnings.iter().map(move |text| (it, text)))
    {
        let at = *index.entry(text).or_insert_with(|| {
            warnings.push(Warning { text, example: artifact, artifacts: 0 });
            warnings.len() - 1
        });
        if let Some(warning) = warnings.get_mut(at) {
            warning.artifacts += 1;
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    fn titles(report: &Report) -> Vec<String> {
        Overview::of(report).groups.iter().map(|group| format!("{}: {}", group.reason, group.title)).collect()
    }

    #[test]
    fn what_is_wrong_comes_before_what_is_undetermined_by_build_and_reason() {
        let report = sample::report();
        insta::assert_snapshot!(titles(&report).join("\n"));
        let grouped: usize = Overview::of(&report).groups.iter().map(|group| group.artifacts.len()).sum();
        assert_eq!(grouped, report.summary.failed + report.summary.inconclusive);
    }

    #[test]
    fn a_run_over_nothing_does_not_count() {
        let headline = |report: &Report| Overview::of(report).headline;
        let mut report = sample::unusable("x");
        assert_eq!(headline(&report), "nothing was checked, for 2 reasons");
        report.problems.clear();
        report.interrupted_by = Some("SIGTERM".into());
        assert_eq!(headline(&report), "nothing was checked (ended early by SIGTERM)");
    }

    #[test]
    fn documents_of_one_file_name_are_told_apart() {
        let mut report = sample::report();
        let headline = Overview::of(&report).headline;
        assert!(headline.contains("(coreos-rhel-9.json): ") && !headline.contains("data/data"), "{headline}");
        for artifact in &mut report.artifacts {
            artifact.document =
                artifact.document.replace("coreos-rhel", "x/coreos").replace("-10.json", "-9.json").into();
        }
        report.artifacts[0].document = "data/data/coreos/coreos-9.json".into();
        let headline = Overview::of(&report).headline;
        assert!(headline.contains("(data/data/coreos/x/coreos-9.json)"), "{headline}");
    }

    #[test]
    fn what_the_base_has_already_stands_apart() {
        let mut report = sample::report();
        report.changes = Some(sample::changes(&report));
        let overview = Overview::of(&report);
        let headings: Vec<_> = overview.blocks(100).0.filter_map(|block| block.heading).collect();
        assert_eq!(headings, ["Changed since main:", "Already so on main, not from this branch:"]);
        // A document that was not compared with anything says nothing of the kind.
        report.changes.as_mut().unwrap().documents.clear();
        let unknown = Overview::of(&report).groups.into_iter().filter(|group| group.origin == Origin::Base);
        assert_eq!(unknown.count(), 0);
    }
}
