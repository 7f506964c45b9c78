//! What a run comes to, the same for every output: by document and build, and by why what did not pass did not.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;

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
    pub(super) reason: &'static str,
    /// `10.2.20260405-0 (coreos-rhel-10.json): 3 of 48 missing, aarch64`. Not yet printable, as the other texts.
    pub(super) title: String,
    /// Whether this branch brings them or its base has them already; unknown without a base.
    pub(super) origin: Origin,
    pub(super) advice: Option<&'r str>,
    /// In the report's order.
    pub(super) artifacts: Vec<&'r ArtifactReport>,
}

/// Who brought an artifact as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Origin {
    /// There was nothing to compare with.
    Unknown,
    Branch,
    /// The base has it already, just so.
    Base,
}

/// A warning, however many artifacts have it.
pub(super) struct Warning<'r> {
    pub(super) text: &'r str,
    /// The first artifact that has it.
    pub(super) example: &'r ArtifactReport,
    pub(super) artifacts: usize,
}

/// What an artifact is, the worst first.
type Severity = (Reverse<Verdict>, Option<Reason>);

struct BuildRows<'r> {
    /// `10.2.20260405-0 (coreos-rhel-10.json)`
    title: String,
    /// How many artifacts of it there are of each.
    states: Vec<(Severity, usize)>,
    architectures: HashSet<&'r str>,
    artifacts: usize,
}

/// The items of each key, keys and items in the order that they come in.
pub(super) fn grouped<K: Copy + Eq + Hash, V>(items: impl Iterator<Item = (K, V)>) -> Vec<(K, Vec<V>)> {
    let mut groups: Vec<(K, Vec<V>)> = Vec::new();
    let mut index: HashMap<K, usize> = HashMap::new();
    for (key, item) in items {
        let at = *index.entry(key).or_insert_with(|| {
            groups.push((key, Vec::new()));
            groups.len() - 1
        });
        if let Some((_, items)) = groups.get_mut(at) {
            items.push(item);
        }
    }
    groups
}

impl<'r> Overview<'r> {
    pub(super) fn of(report: &'r Report) -> Self {
        let by_build = |it: &'r ArtifactReport| ((&*it.document, &*it.release), it);
        let names = names(report);
        let mut builds: Vec<_> = grouped(report.artifacts.iter().map(by_build))
            .into_iter()
            .map(|(key, artifacts)| (key, BuildRows::of(key, &artifacts, &names)))
            .collect();
        // What is wrong first, otherwise in the order of the documents.
        builds.sort_by_key(|(_, build)| build.states.first().map(|((verdict, _), _)| *verdict));
        let warnings =
            report.artifacts.iter().flat_map(|it| it.warnings.iter().map(move |text| (&**text, it)));
        Self {
            headline: headline(report, &builds),
            groups: groups(report, &builds.iter().map(|(key, build)| (*key, build)).collect()),
            warnings: grouped(warnings)
                .into_iter()
                .filter_map(|(text, its)| Some(Warning { text, example: its.first()?, artifacts: its.len() }))
                .collect(),
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

/// What each document is called: its file's name, if no other has the same.
fn names(report: &Report) -> HashMap<&str, String> {
    let documents: HashSet<&str> = report.artifacts.iter().map(|artifact| &*artifact.document).collect();
    let by_file = grouped(documents.iter().map(|document| (file_name(document), ())));
    let holders: HashMap<&str, usize> = by_file.iter().map(|(file, its)| (*file, its.len())).collect();
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

impl<'r> BuildRows<'r> {
    fn of(
        (document, release): (&str, &str),
        artifacts: &[&'r ArtifactReport],
        names: &HashMap<&str, String>,
    ) -> Self {
        let release = if release.is_empty() { "no build ID" } else { release };
        let document = names.get(document).map_or("", String::as_str);
        let states = artifacts.iter().map(|it| ((Reverse(it.verdict), it.reason), ()));
        let mut states: Vec<_> = grouped(states).into_iter().map(|(state, its)| (state, its.len())).collect();
        states.sort_unstable();
        Self {
            title: format!("{} ({document})", cut(release, 60)),
            states,
            architectures: artifacts.iter().map(|it| &*it.arch).collect(),
            artifacts: artifacts.len(),
        }
    }

    /// `10.2.20260405-0 (coreos-rhel-10.json): 48 of 48 missing`
    fn said(&self) -> String {
        let bad = self.states.iter().filter(|((Reverse(verdict), _), _)| *verdict != Verdict::Pass);
        let said = bad.clone().take(MOST_STATES).map(|((Reverse(verdict), reason), artifacts)| {
            format!("{artifacts} of {} {}", self.artifacts, words::state(*reason, *verdict))
        });
        let mut said: Vec<String> = said.collect();
        let rest: usize = bad.skip(MOST_STATES).map(|(_, artifacts)| artifacts).sum();
        if rest > 0 {
            said.push(format!("{rest} of {} for other reasons", self.artifacts));
        }
        if said.is_empty() {
            said.push(format!("{0} of {0} passed", self.artifacts));
        }
        format!("{}: {}", self.title, said.join(", "))
    }
}

fn headline<K>(report: &Report, builds: &[(K, BuildRows<'_>)]) -> String {
    let mut parts: Vec<String> = builds.iter().take(MOST_BUILDS).map(|(_, build)| build.said()).collect();
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

fn groups<'r>(report: &'r Report, builds: &HashMap<(&str, &str), &BuildRows<'_>>) -> Vec<Group<'r>> {
    let origin = origins(report);
    let failing = report.artifacts.iter().filter(|artifact| artifact.verdict != Verdict::Pass);
    let mut groups = grouped(failing.map(|artifact| {
        let is_unknown = artifact.verdict != Verdict::Fail;
        let why: Why<'_> = (origin(artifact), is_unknown, artifact.reason, artifact.advice.as_deref());
        ((why, &*artifact.document, &*artifact.release), artifact)
    }));
    groups.sort_by_key(|((why, ..), _)| *why);
    let group = |(((origin, _, reason, advice), document, release), artifacts): ((Why<'r>, _, _), Vec<_>)| {
        let build = builds.get(&(document, release))?;
        let verdict = artifacts.first().map(|first: &&ArtifactReport| first.verdict)?;
        let state = words::state(reason, verdict);
        let mut title = format!("{}: {} of {} {state}", build.title, artifacts.len(), build.artifacts);
        let architectures = grouped(artifacts.iter().map(|it| (&*it.arch, ())));
        if architectures.len() < build.architectures.len() && architectures.len() <= MOST_ARCHITECTURES {
            for (arch, _) in architectures {
                title = format!("{title}, {}", cut(arch, 20));
            }
        }
        let reason = words::reason_word(reason, verdict);
        Some(Group { verdict, reason, title, origin, advice, artifacts })
    };
    groups.into_iter().filter_map(group).collect()
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
