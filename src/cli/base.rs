//! `--base`: what the pull request changes, reported beside the verdicts.

use std::path::Path;
use std::time::Instant;

use super::args::Source;
use super::env;
use super::filters::Filters;
use crate::report::model::Changes;
use crate::stream::{Checkout, CommitId, Document, GitError, Repository, SourceError, Sources, read_commit};

/// The commit and documents that the run's documents are compared with.
pub(super) struct Base {
    /// The name shown to people.
    name: String,
    commit: CommitId,
    documents: Vec<Document>,
}

/// Why there is no comparison.
pub(super) enum NoBase {
    /// No base was given, or Prow's base is not in this checkout, which is not reported.
    NotGiven,
    /// The base exists but cannot be read. The run continues without it.
    Unreadable(String),
    /// The given base does not exist, which is a usage error.
    Unusable(String),
}

/// The base from the command line, or else Prow's. Runs git on a blocking thread, to keep handling signals.
///
/// No verdict depends on the base, so reading it is limited to a quarter of the time until the run's deadline.
pub(super) async fn read(
    asked: Option<String>,
    sources: &[Source],
    deadline: Option<Instant>,
) -> Result<Base, NoBase> {
    let now = Instant::now();
    let deadline = deadline.map(|deadline| now + deadline.saturating_duration_since(now) / 4);
    let sources = sources.to_vec();
    let reading = tokio::task::spawn_blocking(move || read_blocking(asked, &sources, deadline));
    reading.await.unwrap_or(Err(NoBase::NotGiven))
}

pub(super) fn read_blocking(
    asked: Option<String>,
    sources: &[Source],
    deadline: Option<Instant>,
) -> Result<Base, NoBase> {
    let checkout = match sources {
        [Source::Path(path)] if path.is_dir() => path,
        _ if asked.is_none() => return Err(NoBase::NotGiven),
        _ => {
            let why =
                "--base needs one SOURCE, a checkout; filters such as --stream choose among its documents";
            return Err(NoBase::Unusable(why.to_owned()));
        }
    };
    if let Some(reference) = asked {
        return read_at(&reference, &reference, checkout, deadline);
    }
    let commit = env::value(env::PULL_BASE_SHA).ok_or(NoBase::NotGiven)?;
    let name = env::value(env::PULL_BASE_REF).unwrap_or_else(|| commit.clone());
    read_at(&commit, &name, checkout, deadline).map_err(|error| match error {
        NoBase::Unusable(_) => NoBase::NotGiven,
        error => error,
    })
}

fn read_at(reference: &str, name: &str, checkout: &Path, deadline: Option<Instant>) -> Result<Base, NoBase> {
    let unusable = |error: GitError| NoBase::of_git(&error, name);
    let repository = Repository::of(checkout, deadline).map_err(unusable)?;
    let named = repository.commit(reference).map_err(unusable)?;
    // Later changes of the base branch are not changes of this pull request.
    let head = repository.commit("HEAD").ok();
    let commit = head.and_then(|head| repository.merge_base(&named, &head)).unwrap_or(named);
    let Checkout { sources, errors } = read_commit(&repository, &commit);
    match errors.kept().first() {
        // If the base has no documents, the pull request adds them all.
        None | Some(SourceError::NoDocument { .. }) => {}
        Some(SourceError::Git(error)) => return Err(NoBase::of_git(error, name)),
        Some(error) => return Err(NoBase::unreadable(error, name)),
    }
    let documents = sources.documents.into_iter().map(|sourced| sourced.document).collect();
    Ok(Base { name: name.to_owned(), commit, documents })
}

impl NoBase {
    fn of_git(error: &GitError, name: &str) -> Self {
        match error {
            // A hostile repository can make git hang, and no verdict may depend on that.
            GitError::Ended { .. } => Self::unreadable(error, name),
            error => Self::Unusable(format!("--base {error}")),
        }
    }

    fn unreadable(error: &dyn std::fmt::Display, name: &str) -> Self {
        let first = error.to_string();
        let first = first.lines().next().unwrap_or_default();
        Self::Unreadable(format!("cannot determine what changed since {name}: {first}"))
    }
}

impl Base {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn documents(&self) -> Vec<&Document> {
        self.documents.iter().collect()
    }

    /// The changes from the base to the documents of the run, for artifacts that match the filters.
    pub(super) fn changes_to(mut self, filters: &Filters, sources: &Sources) -> Changes {
        for document in &mut self.documents {
            filters.keep(document);
        }
        let after: Vec<&Document> = sources.documents.iter().map(|sourced| &sourced.document).collect();
        let several = sources.documents.len() > 1;
        Changes::between(self.name, self.commit.to_string(), &self.documents, &after, several)
    }
}
