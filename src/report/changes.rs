//! What a pull request changes: the artifacts of a base commit against those of the run. It explains the
//! verdicts and takes no part in them.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::stream::{Artifact, Document, Sha256};
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

/// What a document says of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pinned {
    /// The platform's release, a build ID.
    pub release: Arc<str>,
    /// The digest.
    #[cfg_attr(test, schemars(with = "String", regex(pattern = "^[0-9a-f]{64}$")))]
    pub sha256: Sha256,
    /// The location.
    pub location: String,
}

impl Pinned {
    fn of(artifact: &Artifact) -> Self {
        Self {
            release: Arc::clone(&artifact.release),
            sha256: artifact.sha256,
            location: artifact.location.clone(),
        }
    }
}

impl Changes {
    /// Compares documents by their names and artifacts by their ids. With `several`, ids carry their document's
    /// name, as those of the run do.
    pub fn between(
        base: String,
        commit: String,
        before: &[Document],
        after: &[&Document],
        several: bool,
    ) -> Self {
        let key = |document: &Document, artifact: &Artifact| {
            let name = Arc::clone(&document.name);
            (name, artifact.id.clone())
        };
        let mut old = HashMap::new();
        for document in before {
            old.extend(document.artifacts.iter().map(|artifact| (key(document, artifact), artifact)));
        }
        let change = |document: &Document, artifact: &Artifact, change| Change {
            document: Arc::clone(&document.name),
            id: if several { format!("{}:{}", document.name, artifact.id) } else { artifact.id.to_string() },
            change,
            before: None,
            after: None,
        };
        let mut artifacts = Vec::new();
        let mut kept = HashSet::new();
        for document in after {
            for artifact in &document.artifacts {
                let key = key(document, artifact);
                let was = old.get(&key).copied();
                kept.insert(key);
                let kind = match was {
                    None => ChangeKind::Added,
                    Some(was) if was.sha256 != artifact.sha256 => ChangeKind::NewDigest,
                    Some(was) if was.location != artifact.location => ChangeKind::NewLocation,
                    Some(_) => continue,
                };
                artifacts.push(Change {
                    before: was.map(Pinned::of),
                    after: Some(Pinned::of(artifact)),
                    ..change(document, artifact, kind)
                });
            }
        }
        for document in before {
            for artifact in &document.artifacts {
                if !kept.contains(&key(document, artifact)) {
                    artifacts.push(Change {
                        before: Some(Pinned::of(artifact)),
                        ..change(document, artifact, ChangeKind::Removed)
                    });
                }
            }
        }
        Self { base, commit, artifacts }
    }

    /// `since main (1be3d1d1cbad): 2 added, 21 with a new digest`
    pub(super) fn headline(&self) -> String {
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
    pub(super) fn by_id(&self) -> HashMap<&str, ChangeKind> {
        self.artifacts.iter().map(|change| (change.id.as_str(), change.change)).collect()
    }
}

impl Change {
    /// The builds: `build 9.6.20251015-1 → 9.6.20260101-0`. Not yet printable.
    pub(super) fn builds(&self) -> String {
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
    /// For a person.
    pub(super) const fn word(self) -> &'static str {
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
    fn documents_are_compared_by_name() {
        let one = || document("a", &[("p", 1, "h")]);
        insta::assert_snapshot!(lines(&[one()], &[one()], false), @"since main (1be3d1d1cbad): no artifact");
        let other = document("b", &[("p", 1, "h")]);
        insta::assert_snapshot!(lines(&[one()], &[other], true), @r"
        since main (1be3d1d1cbad): 1 added, 1 removed
        added b:x86_64/p/iso/disk, build 9.6.1-0
        removed a:x86_64/p/iso/disk, build 9.6.1-0
        ");
    }
}
