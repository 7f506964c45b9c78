//! What a pull request changes: the artifacts of a base commit against those of the run. It explains the
//! verdicts and takes no part in them.

use std::collections::HashMap;
use std::fmt;
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
    /// The base as it was named: a branch, a tag, a commit.
    pub base: String,
    /// The commit that the run's documents were compared with: where their history left the base's.
    pub commit: String,
    /// Every artifact that is not as it was: those of the run in the order of the documents, then those that
    /// are gone.
    pub artifacts: Vec<Change>,
}

/// One artifact that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// The document's name.
    pub document: Arc<str>,
    /// The artifact's id, as in `artifacts`.
    pub id: String,
    /// What became of it.
    pub change: ChangeKind,
    /// What the base has; null if it was added.
    pub before: Option<Pinned>,
    /// What the run's document has; null if it was removed.
    pub after: Option<Pinned>,
}

/// What became of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// The base does not have it.
    Added,
    /// Only the base has it.
    Removed,
    /// Its sha256 is another one, whatever else changed.
    NewDigest,
    /// Its sha256 is the same, its location another one.
    NewLocation,
}

impl Changes {
    /// Compares documents with their earlier versions, and artifacts by their ids. With `several`, ids carry their
    /// document's name, as those of the run do.
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
            let kind = ChangeKind::of(change, before.as_ref(), after.as_ref())?;
            let id = if several { format!("{}:{id}", document.name) } else { id.to_string() };
            Some(Change { document: Arc::clone(&document.name), id, change: kind, before, after })
        };
        let mut artifacts = Vec::new();
        let mut gone = Vec::new();
        for document in after {
            let old = pairs.iter().find(|pair| std::ptr::eq(pair.new, *document)).map(|pair| pair.old);
            for it in artifacts::changes(old, Some(document)) {
                match it.change {
                    Difference::Removed => gone.extend(change(old.unwrap_or(document), it)),
                    _ => artifacts.extend(change(document, it)),
                }
            }
        }
        for document in only_in_old {
            gone.extend(
                artifacts::changes(Some(document), None).into_iter().filter_map(|it| change(document, it)),
            );
        }
        artifacts.append(&mut gone);
        Self { base, commit, artifacts }
    }

    /// `since main (1be3d1d1cbad): 2 added, 21 with a new digest`
    pub(crate) fn headline(&self) -> String {
        let commit: String = self.commit.chars().take(12).collect();
        let since = if self.commit.starts_with(&self.base) {
            excerpt(&commit, 12)
        } else {
            format!("{} ({})", excerpt(&self.base, 200), Printable(&commit))
        };
        let counts: Vec<String> = [
            (ChangeKind::Added, "added"),
            (ChangeKind::Removed, "removed"),
            (ChangeKind::NewDigest, "with a new digest"),
            (ChangeKind::NewLocation, "at a new location"),
        ]
        .iter()
        .filter_map(|(kind, words)| {
            let count = self.artifacts.iter().filter(|change| change.change == *kind).count();
            (count > 0).then(|| format!("{count} {words}"))
        })
        .collect();
        let counts = if counts.is_empty() { "no artifact".to_owned() } else { counts.join(", ") };
        format!("since {since}: {counts}")
    }

    /// What became of each artifact that is not as it was.
    pub(crate) fn by_id(&self) -> HashMap<&str, ChangeKind> {
        self.artifacts.iter().map(|change| (change.id.as_str(), change.change)).collect()
    }
}

impl Change {
    /// The builds: `build 9.6.20251015-1 → 9.6.20260101-0`. Not yet printable.
    pub(crate) fn builds(&self) -> String {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) if before.release != after.release => {
                format!("build {} → {}", before.release, after.release)
            }
            (_, Some(pinned)) | (Some(pinned), None) => format!("build {}", pinned.release),
            (None, None) => String::new(),
        }
    }
}

impl ChangeKind {
    /// What matters of a difference to those who look at verdicts, which are about bytes and their place.
    fn of(difference: Difference, before: Option<&Pinned>, after: Option<&Pinned>) -> Option<Self> {
        match (difference, before, after) {
            (Difference::Added, ..) => Some(Self::Added),
            (Difference::Removed, ..) => Some(Self::Removed),
            (_, Some(before), Some(after)) if before.sha256 != after.sha256 => Some(Self::NewDigest),
            (_, Some(before), Some(after)) if before.location != after.location => Some(Self::NewLocation),
            _ => None,
        }
    }

    /// For a person.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::NewDigest => "new digest",
            Self::NewLocation => "new location",
        }
    }
}

/// A line of text: `new digest x86_64/metal/iso/disk, build A → B`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}, {}", self.change.word(), Printable(&self.id), Printable(&self.builds()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Sha256;

    /// A document of these artifacts: platform, digest, host.
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
        let lines: Vec<String> = changes.artifacts.iter().map(ToString::to_string).collect();
        format!("{}\n{}", changes.headline(), lines.join("\n"))
    }

    #[test]
    fn an_artifact_is_added_removed_renewed_or_moved() {
        let before = document("r", &[("same", 1, "h"), ("gone", 1, "h"), ("moved", 1, "h"), ("new", 1, "h")]);
        let after = document("r", &[("new", 2, "i"), ("same", 1, "h"), ("moved", 1, "i"), ("come", 1, "h")]);
        insta::assert_snapshot!(lines(&[before], &[after], false), @r"
        since main (1be3d1d1cbad): 1 added, 1 removed, 1 with a new digest, 1 at a new location
        new digest x86_64/new/iso/disk, build 9.6.1-0 → 9.6.2-0
        new location x86_64/moved/iso/disk, build 9.6.1-0
        added x86_64/come/iso/disk, build 9.6.1-0
        removed x86_64/gone/iso/disk, build 9.6.1-0
        ");
    }

    #[test]
    fn documents_are_compared_with_their_earlier_versions_whatever_they_are_called() {
        let one = |name: &str| document(name, &[("p", 1, "h")]);
        insta::assert_snapshot!(lines(&[one("a")], &[one("a")], false), @"since main (1be3d1d1cbad): no artifact");
        insta::assert_snapshot!(lines(&[one("a")], &[one("b")], true), @"since main (1be3d1d1cbad): no artifact");
        insta::assert_snapshot!(lines(&[one("a")], &[one("b"), one("a")], true), @r"
        since main (1be3d1d1cbad): 1 added
        added b:x86_64/p/iso/disk, build 9.6.1-0
        ");
        insta::assert_snapshot!(lines(&[one("b"), one("a")], &[one("a")], true), @r"
        since main (1be3d1d1cbad): 1 removed
        removed b:x86_64/p/iso/disk, build 9.6.1-0
        ");
    }
}
