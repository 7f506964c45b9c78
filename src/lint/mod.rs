//! Finds contradictions within stream documents, with sibling documents, and with earlier versions.
//!
//! Everything here is pure: no network, files, clock or arguments.

mod alarms;
mod builds;
mod compare;
mod files;
mod label;
mod marketplace;
mod report;
mod rule;

pub use alarms::Alarm;
pub use marketplace::Marketplace;
pub use report::{LintFinding, LintReport};
pub use rule::{Rule, RuleSet, UnknownRule};

use std::collections::BTreeMap;

use crate::change::Pairing;
use crate::location::{BuildId, Location, Product, Series};
use crate::stream::{Artifact, CloudImage, Document};
use alarms::Alarms;

#[derive(Debug, Clone, Copy, Default)]
pub struct Input<'a> {
    pub documents: &'a [&'a Document],
    pub base: Option<&'a [&'a Document]>,
    /// The release of the target branch.
    pub branch: Option<Series>,
    /// The marketplace files beside the documents.
    pub marketplaces: &'a [Marketplace],
}

/// Applies all rules. Alarms are in the order of the documents and, within one, of the rules.
pub fn lint(input: &Input<'_>) -> Vec<Alarm> {
    let mut alarms = Alarms::default();
    let all: Vec<Subject<'_>> = input.documents.iter().map(|document| Subject::of(document)).collect();
    let base: Option<Vec<Subject<'_>>> =
        input.base.map(|base| base.iter().map(|document| Subject::of(document)).collect());
    let pairing = input.base.map(|base| Pairing::of(base, input.documents));
    for subject in &all {
        let pair =
            pairing.as_ref().and_then(|pairing| pairing.pairs.iter().find(|pair| subject.is(pair.new)));
        let before = pair.and_then(|pair| base.iter().flatten().find(|before| before.is(pair.old)));
        label::check(subject, input.branch, &all, &mut alarms);
        builds::check(subject, before, &mut alarms);
        compare::check(subject, before, &all, base.as_deref(), &mut alarms);
        files::check(subject, before, &mut alarms);
        marketplace::check(subject, input.marketplaces, &mut alarms);
    }
    for gone in pairing.iter().flat_map(|pairing| &pairing.only_in_old) {
        let stream = crate::text::excerpt(&gone.stream, 80);
        let message = format!("the base has this document, of the stream {stream}; it is missing here");
        alarms.add(Rule::Lost, gone, || (Vec::new(), message));
    }
    alarms.into_sorted(input.documents)
}

/// A document, with values that several rules use.
struct Subject<'a> {
    document: &'a Document,
    product: Option<Product>,
    /// The OpenShift release that the stream label names.
    label: Option<Series>,
    builds: BTreeMap<&'a str, Builds<'a>>,
}

/// The builds of an architecture: each `release` with its number of occurrences and the path of the first.
type Builds<'a> = BTreeMap<&'a str, (usize, Vec<String>)>;

impl<'a> Subject<'a> {
    fn of(document: &'a Document) -> Self {
        let location =
            document.artifacts.iter().find_map(|artifact| Location::parse(&artifact.location).ok());
        let mut builds: BTreeMap<&str, Builds<'_>> = BTreeMap::new();
        let mut add = |arch: &'a str, release: &'a str, path: &dyn Fn() -> Vec<String>| {
            let (count, _) = builds.entry(arch).or_default().entry(release).or_insert_with(|| (0, path()));
            *count += 1;
        };
        for artifact in &document.artifacts {
            add(&artifact.id.arch, &artifact.release, &|| release_path(artifact));
        }
        for image in &document.cloud_images {
            if leaf(image) == "release" {
                add(&image.arch, &image.value, &|| image_path(image));
            }
        }
        Self {
            document,
            product: location.and_then(|location| location.file().product()),
            label: document.stream.strip_prefix("rhcos-").and_then(|label| label.parse().ok()),
            builds,
        }
    }

    fn is(&self, document: &Document) -> bool {
        std::ptr::eq(self.document, document)
    }

    fn build(&self, arch: &str) -> Option<BuildId> {
        self.release(arch)?.parse().ok()
    }

    fn release(&self, arch: &str) -> Option<&'a str> {
        let builds = self.builds.get(arch)?;
        builds.iter().max_by_key(|(_, (count, _))| *count).map(|(release, _)| *release)
    }

    /// The directory of its file, which siblings share.
    fn directory(&self) -> &str {
        self.document.name.rsplit_once('/').map_or("", |(directory, _)| directory)
    }

    fn file_name(&self) -> &str {
        self.document.name.rsplit('/').next().unwrap_or_default()
    }

    /// Whether the other document has the same product and directory.
    fn is_sibling(&self, other: &Self) -> bool {
        self.document.name != other.document.name
            && self.directory() == other.directory()
            && self.product.is_some()
            && self.product == other.product
    }
}

/// The last key of a cloud image's path.
fn leaf(image: &CloudImage) -> &str {
    image.path.rsplit('.').next().unwrap_or_default()
}

fn keys(path: &[&str]) -> Vec<String> {
    path.iter().map(|&key| key.to_owned()).collect()
}

fn arch_path(arch: &str) -> Vec<String> {
    keys(&["architectures", arch])
}

fn release_path(artifact: &Artifact) -> Vec<String> {
    keys(&["architectures", &artifact.id.arch, "artifacts", &artifact.id.platform, "release"])
}

fn artifact_path(artifact: &Artifact, field: &str) -> Vec<String> {
    let id = &artifact.id;
    let (arch, platform, format, component) = (&id.arch, &id.platform, &id.format, &id.component);
    keys(&["architectures", arch, "artifacts", platform, "formats", format, component, field])
}

fn image_path(image: &CloudImage) -> Vec<String> {
    let mut path = arch_path(&image.arch);
    path.extend(image.path.split('.').map(str::to_owned));
    path
}

/// The date of a build as a day number; `None` if its ID has no valid date.
fn day(build: &BuildId) -> Option<i64> {
    day_of(build.time() / 10_000)
}

/// The day number of a date `YYYYMMDD`.
fn day_of(date: u64) -> Option<i64> {
    let (year, month, day) = (date / 10_000, date / 100 % 100, date % 100);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some(())?;
    // With years that begin in March, the leap day is the last day of the year.
    let year = if month < 3 { year.checked_sub(1)? } else { year };
    let month = (month + 9) % 12;
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day;
    i64::try_from(days).ok()
}

/// `a`, `b` and 3 more.
fn list(items: &[&str]) -> String {
    const SHOWN: usize = 8;
    let shown: Vec<String> = items.iter().take(SHOWN).map(|item| crate::text::excerpt(item, 80)).collect();
    let more = items.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

#[cfg(test)]
mod corpus_tests;
#[cfg(test)]
mod tests;
