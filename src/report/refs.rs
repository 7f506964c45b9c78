//! A run over the refs of a repository: the builds that users of each branch install, and which of them are outdated.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::location::{BuildId, Series};
use crate::report::model::{ArtifactReport, Report, Summary};
use crate::stream::RefDocuments;
use crate::text::{count, excerpt};
use crate::verdict::Verdict;

/// The first release whose installer has stream metadata.
const FIRST_WITH_STREAMS: Series = Series { major: 4, minor: 8 };

/// The most builds of a ref. A real one has fifteen: three documents of five architectures.
const MAX_BUILDS: usize = 40;

/// The most builds that the line of a ref names.
const MAX_NAMED_BUILDS: usize = 3;

/// A ref of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefReport {
    /// The ref, such as `release-4.16`.
    pub name: Arc<str>,
    /// The worst verdict of its artifacts; at least `inconclusive` if not all of its documents could be read.
    pub verdict: Verdict,
    /// The number of artifacts of its documents, by verdict.
    pub summary: Summary,
    /// The names of its documents, as in `artifacts`. Several refs can share a document.
    pub documents: Vec<Arc<str>>,
    /// The builds that it pins, by product and architecture.
    pub builds: Vec<RefBuild>,
    /// Remarks about the ref, one sentence each: documents that could not be read, builds older than those of other
    /// branches, marketplace images older than the builds.
    pub remarks: Vec<String>,
}

/// A build that a ref pins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefBuild {
    /// The product: `RHEL 9.6`, or the name of another product's document, such as `scos`.
    pub of: String,
    /// The architecture.
    pub arch: Arc<str>,
    /// The build ID.
    pub build: Arc<str>,
}

impl RefReport {
    /// The result of the ref in one line.
    pub fn line(&self) -> String {
        let Summary { artifacts, passed, failed, inconclusive, .. } = self.summary;
        let builds: BTreeSet<&str> = self.builds.iter().map(|build| &*build.build).collect();
        let mut named: Vec<&str> = builds.iter().copied().take(MAX_NAMED_BUILDS).collect();
        let more = format!("and {} more", builds.len().saturating_sub(MAX_NAMED_BUILDS));
        named.extend((builds.len() > MAX_NAMED_BUILDS).then_some(&*more));
        let state = match (failed, inconclusive) {
            (1.., _) => {
                format!("{failed} of {artifacts} missing or wrong: users of this branch cannot install")
            }
            (0, 1..) => format!("{inconclusive} of {artifacts} undetermined"),
            (0, 0) if artifacts == 0 => "cannot determine what it pins".to_owned(),
            (0, 0) => format!("{passed} of {artifacts} passed"),
        };
        let builds = if named.is_empty() { String::new() } else { format!("{}: ", named.join(", ")) };
        format!("{}: {builds}{state}", self.name)
    }
}

impl Report {
    /// Adds the results of the refs, each given with remarks. If a ref could not be read completely, the run does not
    /// pass.
    pub fn with_refs(mut self, refs: &[(RefDocuments, Vec<String>)], documents: &[Arc<str>]) -> Self {
        let mut of_document: HashMap<&str, Vec<&ArtifactReport>> = HashMap::new();
        for artifact in &self.artifacts {
            of_document.entry(&*artifact.document).or_default().push(artifact);
        }
        let mut reports: Vec<RefReport> = Vec::new();
        for (of_ref, known) in refs {
            let names: Vec<Arc<str>> =
                of_ref.documents.iter().filter_map(|&document| documents.get(document).cloned()).collect();
            let artifacts: Vec<&ArtifactReport> =
                names.iter().filter_map(|name| of_document.get(&**name)).flatten().copied().collect();
            let mut summary = Summary::default();
            for artifact in &artifacts {
                summary.add(artifact);
            }
            let mut verdict =
                artifacts.iter().map(|artifact| artifact.verdict).max().unwrap_or(Verdict::Pass);
            let mut remarks = Vec::new();
            if let Some(why) = &of_ref.unreadable {
                verdict = verdict.max(Verdict::Inconclusive);
                remarks.push(format!("it could not be read: {why}"));
            }
            if of_ref.is_without && series(&of_ref.name).is_some_and(|series| series < FIRST_WITH_STREAMS) {
                remarks.push("it has no stream metadata, like all branches before 4.8".to_owned());
            } else if of_ref.is_without {
                // Later branches should have some, so it is unknown what their users install.
                verdict = verdict.max(Verdict::Inconclusive);
                remarks.push("it has no stream metadata in any of the known locations".to_owned());
            }
            remarks.extend(known.iter().map(|remark| excerpt(remark, 400)));
            let builds: BTreeSet<RefBuild> =
                artifacts.iter().map(|artifact| RefBuild::of(artifact)).collect();
            let builds = builds.into_iter().take(MAX_BUILDS).collect();
            reports.push(RefReport {
                name: Arc::clone(&of_ref.name),
                verdict,
                summary,
                documents: names,
                builds,
                remarks,
            });
        }
        let behind = behind(&reports);
        for (report, behind) in reports.iter_mut().zip(behind) {
            report.remarks.extend(behind);
        }
        self.verdict = reports.iter().map(|report| report.verdict).fold(self.verdict, Verdict::max);
        let unread = refs.iter().filter(|(of_ref, _)| of_ref.unreadable.is_some()).count();
        if unread > 0 {
            self.notes.push(format!(
                "{} could not be read, so what its users install cannot be determined",
                count(unread, "ref")
            ));
        }
        Self { refs: reports, ..self }
    }
}

impl RefBuild {
    fn of(artifact: &ArtifactReport) -> Self {
        let file = artifact.document.rsplit('/').next().unwrap_or_default();
        let stem = file.strip_suffix(".json").unwrap_or(file);
        let is_other = stem.starts_with("scos") || stem.starts_with("fcos");
        let rhel =
            artifact.release.parse::<BuildId>().ok().and_then(|build| build.rhel()).filter(|_| !is_other);
        let of = rhel.map_or_else(|| excerpt(stem, 60), |rhel| format!("RHEL {rhel}"));
        let (arch, build) = (Arc::clone(&artifact.arch), Arc::clone(&artifact.release));
        Self { of, arch, build }
    }
}

/// For each ref, remarks on builds that are older than those of the same RHEL version on other refs.
///
/// Reviewers ask for one build per RHEL version. A branch that is behind an *older* branch is worse, because a backport
/// skipped it.
fn behind(refs: &[RefReport]) -> Vec<Vec<String>> {
    let mut by_product: BTreeMap<(&str, &str), Vec<(usize, BuildId)>> = BTreeMap::new();
    for (at, report) in refs.iter().enumerate() {
        for RefBuild { of, arch, build } in &report.builds {
            // A build made for one OpenShift release cannot be compared with those of other branches.
            if let Some(build) = build.parse::<BuildId>().ok().filter(|build| build.ocp().is_none()) {
                by_product.entry((of, arch)).or_default().push((at, build));
            }
        }
    }
    // The architectures by remark, for each ref.
    let mut remarks: Vec<BTreeMap<String, Vec<&str>>> = refs.iter().map(|_| BTreeMap::new()).collect();
    for ((of, arch), builds) in &by_product {
        for (at, build) in builds {
            let newer = || builds.iter().filter(|(_, other)| other.age() > build.age());
            let Some((newest, newest_build)) = newer().max_by_key(|(_, other)| other.age()) else { continue };
            let own = refs.get(*at).and_then(|it| series(&it.name));
            let is_older = |(other, _): &&(usize, BuildId)| {
                let series = refs.get(*other).and_then(|it| series(&it.name));
                matches!((series, own), (Some(series), own) if own.is_none_or(|own| series < own))
            };
            let of_older = newer().filter(is_older).max_by_key(|(_, other)| other.age());
            let (ahead, ahead_build) = of_older.map_or((*newest, newest_build), |(at, build)| (*at, build));
            let Some(name) = refs.get(ahead).map(|it| &it.name) else { continue };
            let remark = if of_older.is_some() {
                format!("{of}: {build} is behind {ahead_build} of the older branch {name}")
            } else {
                format!("{of}: {build} is behind {ahead_build} of {name}")
            };
            if let Some(remarks) = remarks.get_mut(*at) {
                remarks.entry(remark).or_default().push(arch);
            }
        }
    }
    let shown =
        |(remark, arches): (String, Vec<&str>)| excerpt(&format!("{remark} ({})", arches.join(", ")), 400);
    remarks.into_iter().map(|of_ref| of_ref.into_iter().map(shown).collect()).collect()
}

/// The OpenShift series of a branch such as `release-4.16`, `origin/release-4.16` or `openshift-4.16`.
fn series(name: &str) -> Option<Series> {
    name.rsplit('/').next()?.rsplit('-').next()?.parse().ok()
}

/// The builds that each ref pins, by product.
pub(super) struct Table<'r> {
    pub(super) columns: Vec<&'r str>,
    pub(super) rows: Vec<(&'r RefReport, Vec<String>)>,
}

/// The most columns, which are versions of RHEL and other products.
const MAX_COLUMNS: usize = 12;

/// The table of a report's refs. A cell contains one build, or several with their architectures.
pub(super) fn table(report: &Report) -> Table<'_> {
    let all: BTreeSet<&str> = report.refs.iter().flat_map(|it| &it.builds).map(|build| &*build.of).collect();
    let columns: Vec<&str> = all.into_iter().take(MAX_COLUMNS).collect();
    let cell = |of_ref: &RefReport, column: &str| {
        let mut builds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for RefBuild { arch, build, .. } in of_ref.builds.iter().filter(|build| build.of == column) {
            builds.entry(build).or_default().push(arch);
        }
        if builds.len() == 1 {
            return builds.keys().copied().collect();
        }
        let each = builds.iter().map(|(build, arches)| format!("{build} ({})", arches.join(", ")));
        each.collect::<Vec<_>>().join(", ")
    };
    let rows = report.refs.iter().map(|of_ref| {
        let cells = columns.iter().map(|column| cell(of_ref, column)).collect();
        (of_ref, cells)
    });
    let rows = rows.collect();
    Table { columns, rows }
}
