//! What a pull request changes: the artifacts of the run compared with those of a base commit. Verdicts do not depend
//! on it.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::artifacts::{self, ArtifactChange, Difference, Pinned};
use super::pairing::Pairing;
use crate::stream::Document;
use crate::text::{Printable, excerpt};

/// The changes since a base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Changes {
    /// The base as given: a branch, tag or commit.
    pub base: String,
    /// The commit compared with: the merge base with the run's commit or, without one, the base.
    pub commit: String,
    /// The documents that were compared. For others it is unknown whether the base has them.
    pub documents: Vec<Arc<str>>,
    /// Every artifact that changed: those of the run in the order of the documents, then removed ones.
    pub artifacts: Vec<Change>,
}

/// One artifact that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// The document's name.
    pub document: Arc<str>,
    /// The artifact's id, as in `artifacts`.
    pub id: String,
    /// The kind of change.
    pub change: ChangeKind,
    /// The artifact in the base; null if it was added.
    pub before: Option<Pinned>,
    /// The artifact in the run; null if it was removed.
    pub after: Option<Pinned>,
}

/// How an artifact changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// The base does not have it.
    Added,
    /// Only the base has it.
    Removed,
    /// Its sha256 changed, and possibly other fields.
    NewDigest,
    /// Its location changed, but not its sha256.
    NewLocation,
    /// Its sha256 and location are the same, but another field changed: build, size, signature or uncompressed
    /// digest.
    NewDescription,
}

impl Changes {
    /// Compares documents with their earlier versions, by artifact id. With `several`, ids begin with the document's
    /// name, like those of the run.
    pub fn between(
        base: String,
        commit: String,
        before: &[Document],
        after: &[&Document],
        several: bool,
    ) -> Self {
        let before: Vec<&Document> = before.iter().collect();
        let Pairing { pairs, only_in_old, .. } = Pairing::of(&before, after);
        let change = |document: &Document, change: ArtifactChange| {
            let ArtifactChange { id, change, old: before, new: after } = change;
            let kind = ChangeKind::of(change, before.as_ref(), after.as_ref());
            let id = if several { format!("{}:{id}", document.name) } else { id.to_string() };
            Change { document: Arc::clone(&document.name), id, change: kind, before, after }
        };
        let mut artifacts = Vec::new();
        let mut gone = Vec::new();
        for document in after {
            let old = pairs.iter().find(|pair| std::ptr::eq(pair.new, *document)).map(|pair| pair.old);
            for it in artifacts::changes(old, Some(document)) {
                match it.change {
                    Difference::Removed => gone.push(change(old.unwrap_or(document), it)),
                    _ => artifacts.push(change(document, it)),
                }
            }
        }
        for document in only_in_old {
            gone.extend(artifacts::changes(Some(document), None).into_iter().map(|it| change(document, it)));
        }
        artifacts.append(&mut gone);
        let documents = after.iter().map(|document| Arc::clone(&document.name)).collect();
        Self { base, commit, documents, artifacts }
    }

    /// `since main (1be3d1d1cbad): 2 added, 21 with a new digest`
    pub(crate) fn headline(&self) -> String {
        let commit: String = self.commit.chars().take(12).collect();
        let since = if self.commit.starts_with(&self.base) {
            excerpt(&commit, 12)
        } else {
            format!("{} ({})", excerpt(&self.base, 200), Printable(&commit))
        };
        let kinds: Vec<ChangeKind> = self.artifacts.iter().map(|change| change.change).collect();
        format!("since {since}: {}", counted(&kinds))
    }

    /// The changes of each build of each document, one printable line each:
    /// `coreos-rhel-9.json: 9.6.20250101-0 → 9.6.20251015-1: 48 with a new digest`.
    pub(crate) fn by_build(&self) -> Vec<String> {
        let mut lines: Vec<(&Change, Vec<ChangeKind>)> = Vec::new();
        let (mut by_new, mut by_old) = (HashMap::new(), HashMap::new());
        // Added and removed artifacts are counted in the line of the build that the others change to or from.
        let mut changes: Vec<&Change> = self.artifacts.iter().collect();
        changes.sort_by_key(|change| change.before.is_none() || change.after.is_none());
        for change in changes {
            let key = |pinned: &Option<Pinned>| Some((&change.document, pinned.as_ref()?.release.clone()));
            let (old, new) = (key(&change.before), key(&change.after));
            let line = new.as_ref().map_or_else(|| by_old.get(&old), |_| by_new.get(&new)).copied();
            let at = line.unwrap_or_else(|| {
                lines.push((change, Vec::new()));
                lines.len() - 1
            });
            by_new.entry(new).or_insert(at);
            by_old.entry(old).or_insert(at);
            if let Some((_, kinds)) = lines.get_mut(at) {
                kinds.push(change.change);
            }
        }
        let line = |(change, kinds): &(&Change, Vec<ChangeKind>)| {
            let (document, builds) = (excerpt(&change.document, 200), excerpt(&change.builds(), 150));
            format!("{document}: {builds}: {}", counted(kinds))
        };
        lines.iter().map(line).collect()
    }
}

/// `2 added, 21 with a new digest`
fn counted(kinds: &[ChangeKind]) -> String {
    let counts = ChangeKind::ALL.iter().filter_map(|kind| {
        let count = kinds.iter().filter(|it| *it == kind).count();
        (count > 0).then(|| format!("{count} {}", kind.words()))
    });
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() { "no artifact".to_owned() } else { counts.join(", ") }
}

impl Change {
    /// The builds: `9.6.20251015-1 → 9.6.20260101-0`. Not safe to print.
    fn builds(&self) -> String {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if before.release != after.release => {
                format!("{} → {}", before.release, after.release)
            }
            (_, Some(pinned)) | (Some(pinned), None) => pinned.release.to_string(),
            (None, None) => String::new(),
        }
    }
}

impl ChangeKind {
    const ALL: [Self; 5] =
        [Self::Added, Self::Removed, Self::NewDigest, Self::NewLocation, Self::NewDescription];

    /// The kind of change by what verdicts depend on: the digest and the location.
    fn of(difference: Difference, before: Option<&Pinned>, after: Option<&Pinned>) -> Self {
        match (difference, before, after) {
            (Difference::Added, ..) => Self::Added,
            (Difference::Removed, ..) => Self::Removed,
            (_, Some(before), Some(after)) if before.sha256 != after.sha256 => Self::NewDigest,
            (_, Some(before), Some(after)) if before.location != after.location => Self::NewLocation,
            _ => Self::NewDescription,
        }
    }

    /// Text that follows a number.
    const fn words(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::NewDigest => "with a new digest",
            Self::NewLocation => "at a new location",
            Self::NewDescription => "with other fields changed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Sha256;

    /// A document with artifacts of these platforms, digests and hosts.
    fn document(name: &str, artifacts: &[(&str, u8, &str)]) -> Document {
        let platforms: Vec<String> = artifacts
            .iter()
            .map(|(platform, digest, host)| {
                let sha256 = Sha256::from_bytes([*digest; 32]);
                format!(
                    r#""{platform}": {{"release": "9.6.{digest}-0", "formats": {{"iso": {{"disk": {{
                        "location": "https://{host}/f.iso", "sha256": "{sha256}"}}}}}}}}"#
                )
            })
            .collect();
        let text = format!(
            r#"{{"stream": "s", "architectures": {{"x86_64": {{"artifacts": {{{}}}}}}}}}"#,
            platforms.join(",")
        );
        Document::parse(name, text.as_bytes()).unwrap()
    }

    fn lines(before: &[Document], after: &[Document], several: bool) -> String {
        let after: Vec<&Document> = after.iter().collect();
        let changes = Changes::between("main".into(), "1be3d1d1cbade5058484".into(), before, &after, several);
        let change = |it: &Change| format!("{:?} {}", it.change, it.id);
        let lines: Vec<String> =
            changes.by_build().into_iter().chain(changes.artifacts.iter().map(change)).collect();
        format!("{}\n{}", changes.headline(), lines.join("\n"))
    }

    #[test]
    fn an_artifact_is_added_removed_renewed_or_moved() {
        let before = document("r", &[("same", 1, "h"), ("gone", 1, "h"), ("moved", 1, "h"), ("new", 1, "h")]);
        let after = document("r", &[("new", 2, "i"), ("same", 1, "h"), ("moved", 1, "i"), ("come", 1, "h")]);
        insta::assert_snapshot!(lines(&[before], &[after], false), @r"
        since main (1be3d1d1cbad): 1 added, 1 removed, 1 with a new digest, 1 at a new location
        r: 9.6.1-0 → 9.6.2-0: 1 removed, 1 with a new digest
        r: 9.6.1-0: 1 added, 1 at a new location
        NewDigest x86_64/new/iso/disk
        NewLocation x86_64/moved/iso/disk
        Added x86_64/come/iso/disk
        Removed x86_64/gone/iso/disk
        ");
    }

    /// A wrong size is the branch's fault, even if digest and location are unchanged.
    #[test]
    fn a_change_of_other_fields_is_a_change() {
        let before = document("r", &[("same", 1, "h"), ("sized", 1, "h")]);
        let mut after = before.clone();
        after.artifacts[1].size = Some(7);
        insta::assert_snapshot!(lines(&[before], &[after], false), @r"
        since main (1be3d1d1cbad): 1 with other fields changed
        r: 9.6.1-0: 1 with other fields changed
        NewDescription x86_64/sized/iso/disk
        ");
    }

    #[test]
    fn documents_are_compared_with_their_earlier_versions_even_if_renamed() {
        let one = |name: &str| document(name, &[("p", 1, "h")]);
        insta::assert_snapshot!(lines(&[one("a")], &[one("a")], false), @"since main (1be3d1d1cbad): no artifact");
        insta::assert_snapshot!(lines(&[one("a")], &[one("b")], true), @"since main (1be3d1d1cbad): no artifact");
        insta::assert_snapshot!(lines(&[one("a")], &[one("b"), one("a")], true), @r"
        since main (1be3d1d1cbad): 1 added
        b: 9.6.1-0: 1 added
        Added b:x86_64/p/iso/disk
        ");
        insta::assert_snapshot!(lines(&[one("b"), one("a")], &[one("a")], true), @r"
        since main (1be3d1d1cbad): 1 removed
        b: 9.6.1-0: 1 removed
        Removed b:x86_64/p/iso/disk
        ");
    }
}
