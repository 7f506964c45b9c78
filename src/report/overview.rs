//! A summary of a run, shared by all outputs: by document and build, and by the reasons why artifacts did not pass.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::hash::Hash;

use crate::report::model::{ArtifactReport, Report};
use crate::report::words;
use crate::text::count;
use crate::verdict::{Reason, Verdict};

/// The most builds that a headline names.
const MAX_BUILDS: usize = 6;

/// The most states that a headline names for each build.
const MAX_STATES: usize = 3;

/// The most architectures that a group's title names.
const MAX_ARCHITECTURES: usize = 8;

pub(super) struct Overview<'r> {
    /// The run in one sentence, without the verdict. Not yet printable.
    pub(super) headline: String,
    /// The artifacts that did not pass: by [`Origin`], failures first, by [`Reason`], in the order of the documents.
    pub(super) groups: Vec<Group<'r>>,
    /// The warnings, without duplicates.
    pub(super) warnings: Vec<Warning<'r>>,
    /// The name of the base, or empty.
    base: String,
}

/// Artifacts of one build in one document that did not pass for the same reason, and have the same advice.
pub(super) struct Group<'r> {
    pub(super) verdict: Verdict,
    pub(super) reason: &'static str,
    /// `10.2.20260405-0 (coreos-rhel-10.json): 3 of 48 missing, aarch64`. Not yet printable.
    pub(super) title: String,
    pub(super) origin: Origin,
    pub(super) advice: Option<&'r str>,
    /// The artifacts, in the report's order.
    pub(super) artifacts: Vec<&'r ArtifactReport>,
}

/// Whether an artifact that did not pass is new on the branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Origin {
    /// Its document was not compared with a base.
    Unknown,
    /// The branch adds or changes it.
    Branch,
    /// The base has the same artifact.
    Base,
}

/// A warning of one or more artifacts.
pub(super) struct Warning<'r> {
    pub(super) text: &'r str,
    /// The first artifact that has it.
    pub(super) example: &'r ArtifactReport,
    pub(super) artifacts: usize,
}

/// The verdict and reason of artifacts, ordered from the worst.
type State = (Reverse<Verdict>, Option<Reason>);

struct BuildRows<'r> {
    /// `10.2.20260405-0 (coreos-rhel-10.json)`
    title: String,
    /// The number of artifacts by state.
    states: Vec<(State, usize)>,
    architectures: HashSet<&'r str>,
    artifacts: usize,
}

/// The items by key; keys and items are in the order of their first occurrence.
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
        // Failures first, otherwise in the order of the documents.
        builds.sort_by_key(|(_, build)| build.states.first().map(|((verdict, _), _)| *verdict));
        let warnings =
            report.artifacts.iter().flat_map(|it| it.warnings.iter().map(move |text| (&**text, it)));
        Self {
            headline: headline(report, &builds),
            groups: groups(report, &builds.iter().map(|(key, build)| (*key, build)).collect()),
            warnings: grouped(warnings)
                .into_iter()
                .filter_map(|(text, of)| Some(Warning { text, example: of.first()?, artifacts: of.len() }))
                .collect(),
            base: report.changes.as_ref().map(|changes| cut(&changes.base, 100)).unwrap_or_default(),
        }
    }

    /// The first `limit` groups, and the number of the others.
    pub(super) fn blocks(&self, limit: usize) -> (impl Iterator<Item = Block<'_, 'r>>, usize) {
        let shown = self.groups.get(..limit).unwrap_or(&self.groups);
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

/// A group with its heading and advice, which are omitted where they would repeat those of its neighbours.
pub(super) struct Block<'o, 'r> {
    pub(super) group: &'o Group<'r>,
    /// The origin; `None` if unknown, or the same as in the previous block.
    pub(super) heading: Option<String>,
    pub(super) example: &'r ArtifactReport,
    /// The advice; `None` if the next block has the same.
    pub(super) advice: Option<&'r str>,
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
    /// `ID: TEXT` or `ID and 3 more: TEXT`, with both already escaped for the output.
    pub(super) fn line(&self, id: impl Display, text: impl Display) -> String {
        match self.artifacts - 1 {
            0 => format!("{id}: {text}"),
            more => format!("{id} and {more} more: {text}"),
        }
    }
}

/// The short names of documents: the file name, if it is unique.
fn names(report: &Report) -> HashMap<&str, String> {
    let documents: HashSet<&str> = report.artifacts.iter().map(|artifact| &*artifact.document).collect();
    let by_file = grouped(documents.iter().map(|document| (file_name(document), ())));
    let counts: HashMap<&str, usize> = by_file.iter().map(|(file, of)| (*file, of.len())).collect();
    let name = |document| {
        let file = file_name(document);
        let is_unique = !file.is_empty() && counts.get(file) == Some(&1);
        cut(if is_unique { file } else { document }, 100)
    };
    documents.iter().map(|document| (*document, name(document))).collect()
}

/// The first `limit` characters of a text, with an ellipsis if there are more.
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
        let mut states: Vec<_> = grouped(states).into_iter().map(|(state, of)| (state, of.len())).collect();
        states.sort_unstable();
        Self {
            title: format!("{} ({document})", cut(release, 60)),
            states,
            architectures: artifacts.iter().map(|it| &*it.arch).collect(),
            artifacts: artifacts.len(),
        }
    }

    /// `10.2.20260405-0 (coreos-rhel-10.json): 48 of 48 missing`
    fn line(&self) -> String {
        let failing = self.states.iter().filter(|((Reverse(verdict), _), _)| *verdict != Verdict::Pass);
        let parts = failing.clone().take(MAX_STATES).map(|((Reverse(verdict), reason), artifacts)| {
            format!("{artifacts} of {} {}", self.artifacts, words::state(*reason, *verdict))
        });
        let mut parts: Vec<String> = parts.collect();
        let rest: usize = failing.skip(MAX_STATES).map(|(_, artifacts)| artifacts).sum();
        if rest > 0 {
            parts.push(format!("{rest} of {} for other reasons", self.artifacts));
        }
        if parts.is_empty() {
            parts.push(format!("{0} of {0} passed", self.artifacts));
        }
        format!("{}: {}", self.title, parts.join(", "))
    }
}

fn headline<K>(report: &Report, builds: &[(K, BuildRows<'_>)]) -> String {
    let mut parts: Vec<String> = builds.iter().take(MAX_BUILDS).map(|(_, build)| build.line()).collect();
    let more = builds.len().saturating_sub(MAX_BUILDS);
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

/// The key of a group, which also sorts the groups: the origin, whether it is undetermined, the reason and the advice.
type GroupKey<'r> = (Origin, bool, Option<Reason>, Option<&'r str>);

fn groups<'r>(report: &'r Report, builds: &HashMap<(&str, &str), &BuildRows<'_>>) -> Vec<Group<'r>> {
    let origin = origins(report);
    let failing = report.artifacts.iter().filter(|artifact| artifact.verdict != Verdict::Pass);
    let mut groups = grouped(failing.map(|artifact| {
        let is_undetermined = artifact.verdict != Verdict::Fail;
        let key: GroupKey<'_> =
            (origin(artifact), is_undetermined, artifact.reason, artifact.advice.as_deref());
        ((key, &*artifact.document, &*artifact.release), artifact)
    }));
    groups.sort_by_key(|((key, ..), _)| *key);
    let group =
        |(((origin, _, reason, advice), document, release), artifacts): ((GroupKey<'r>, _, _), Vec<_>)| {
            let build = builds.get(&(document, release))?;
            let verdict = artifacts.first().map(|first: &&ArtifactReport| first.verdict)?;
            let state = words::state(reason, verdict);
            let mut title = format!("{}: {} of {} {state}", build.title, artifacts.len(), build.artifacts);
            let architectures = grouped(artifacts.iter().map(|it| (&*it.arch, ())));
            if architectures.len() < build.architectures.len() && architectures.len() <= MAX_ARCHITECTURES {
                for (arch, _) in architectures {
                    title = format!("{title}, {}", cut(arch, 20));
                }
            }
            let reason = words::reason_word(reason, verdict);
            Some(Group { verdict, reason, title, origin, advice, artifacts })
        };
    groups.into_iter().filter_map(group).collect()
}

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
    fn failures_come_before_undetermined_artifacts_by_build_and_reason() {
        let report = sample::report();
        insta::assert_snapshot!(titles(&report).join("\n"));
        let grouped: usize = Overview::of(&report).groups.iter().map(|group| group.artifacts.len()).sum();
        assert_eq!(grouped, report.summary.failed + report.summary.inconclusive);
    }

    #[test]
    fn the_headline_of_a_run_without_artifacts_says_that_nothing_was_checked() {
        let headline = |report: &Report| Overview::of(report).headline;
        let mut report = sample::unusable("x");
        assert_eq!(headline(&report), "nothing was checked, for 2 reasons");
        report.problems.clear();
        report.interrupted_by = Some("SIGTERM".into());
        assert_eq!(headline(&report), "nothing was checked (ended early by SIGTERM)");
    }

    #[test]
    fn documents_with_the_same_file_name_are_named_by_path() {
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
    fn artifacts_that_the_base_has_are_in_groups_of_their_own() {
        let mut report = sample::report();
        report.changes = Some(sample::changes(&report));
        let overview = Overview::of(&report);
        let headings: Vec<_> = overview.blocks(100).0.filter_map(|block| block.heading).collect();
        assert_eq!(headings, ["Changed since main:", "Already so on main, not from this branch:"]);
        // Artifacts of a document that was not compared have no known origin.
        report.changes.as_mut().unwrap().documents.clear();
        let unknown = Overview::of(&report).groups.into_iter().filter(|group| group.origin == Origin::Base);
        assert_eq!(unknown.count(), 0);
    }
}
