//! `--base`: what the pull request changes, told beside the verdicts.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::args::Source;
use super::env;
use super::filters::Filters;
use crate::report::model::Changes;
use crate::stream::{
    Checkout, CommitId, Document, GitError, Repository, SourceError, Sources, read_commit, read_file_of,
};

/// What the run's documents are compared with.
pub(super) struct Base {
    /// What people call it.
    name: String,
    commit: CommitId,
    documents: Vec<Document>,
}

/// Why there is nothing to compare with.
pub(super) enum NoBase {
    /// Nobody asked, or Prow's base is not in this checkout: nothing is said.
    Unsaid,
    /// The base is there and cannot be read. The run goes on without it.
    Unreadable(String),
    /// Somebody asked for what is not there, an error of usage.
    Unusable(String),
}

/// The base that the command line names, or else Prow's. Runs git, apart from the thread that answers signals.
///
/// No verdict depends on it, so it may take a quarter of the time that is left until the deadline of the run.
pub(super) async fn read(
    asked: Option<String>,
    sources: &[Source],
    deadline: Option<Instant>,
) -> Result<Base, NoBase> {
    let now = Instant::now();
    let deadline = deadline.map(|deadline| now + deadline.saturating_duration_since(now) / 4);
    let sources = sources.to_vec();
    let reading = tokio::task::spawn_blocking(move || read_blocking(asked, &sources, deadline));
    reading.await.unwrap_or(Err(NoBase::Unsaid))
}

pub(super) fn read_blocking(
    asked: Option<String>,
    sources: &[Source],
    deadline: Option<Instant>,
) -> Result<Base, NoBase> {
    let paths: Vec<PathBuf> = sources.iter().filter_map(path).map(Path::to_path_buf).collect();
    if let Some(reference) = asked {
        return read_at(&reference, &reference, &paths, deadline);
    }
    let commit = env::value(env::PULL_BASE_SHA).ok_or(NoBase::Unsaid)?;
    let name = env::value(env::PULL_BASE_REF).unwrap_or_else(|| commit.clone());
    read_at(&commit, &name, &paths, deadline).map_err(|error| match error {
        NoBase::Unusable(_) => NoBase::Unsaid,
        error => error,
    })
}

fn path(source: &Source) -> Option<&Path> {
    match source {
        Source::Path(path) => Some(path),
        Source::Stdin | Source::Url(_) => None,
    }
}

fn read_at(
    reference: &str,
    name: &str,
    paths: &[PathBuf],
    deadline: Option<Instant>,
) -> Result<Base, NoBase> {
    let unusable = |error: GitError| NoBase::of_git(&error, name);
    let mut base = None;
    for path in paths {
        let is_checkout = path.is_dir();
        let directory = match path.parent() {
            _ if is_checkout => path,
            Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
            Some(parent) => parent,
            None => Path::new("."),
        };
        let repository = Repository::of(directory, deadline).map_err(unusable)?;
        let named = repository.commit(reference).map_err(unusable)?;
        // What others did to the base since is not this pull request's doing.
        let head = repository.commit("HEAD").ok();
        let commit = head.and_then(|head| repository.merge_base(&named, &head)).unwrap_or(named);
        let Checkout { sources: found, errors } = if is_checkout {
            read_commit(&repository, &commit)
        } else {
            match file_at(&repository, &commit, path) {
                Ok(sources) => Checkout { sources, ..Checkout::default() },
                Err(error) => Checkout { errors: error.into(), ..Checkout::default() },
            }
        };
        match errors.kept().first() {
            // A base without documents is an empty one: the pull request adds them all.
            None | Some(SourceError::NoDocument { .. }) => {}
            Some(SourceError::Git(error)) => return Err(NoBase::of_git(error, name)),
            Some(error) => return Err(NoBase::unreadable(error, name)),
        }
        let base = base.get_or_insert_with(|| Base { name: name.to_owned(), commit, documents: Vec::new() });
        base.documents.extend(found.documents.into_iter().map(|sourced| sourced.document));
    }
    base.ok_or_else(|| {
        NoBase::Unusable("--base needs a checkout, or a file in one, to compare with its history".to_owned())
    })
}

/// A document that was named by itself, as it was. Its name is the one that it has in the run.
fn file_at(repository: &Repository, commit: &CommitId, path: &Path) -> Result<Sources, SourceError> {
    let mut sources = Sources::default();
    let file = path.file_name().map_or(path, Path::new);
    if let Some(bytes) = read_file_of(repository, commit, file)? {
        sources.add_reader(&path.display().to_string(), bytes.as_slice())?;
    }
    Ok(sources)
}

impl NoBase {
    fn of_git(error: &GitError, name: &str) -> Self {
        match error {
            // Whoever made the repository can see to it that git hangs, and no verdict is to depend on that.
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

    /// The changes from here to the run, as far as the run's filters let them be seen.
    pub(super) fn changes_to(mut self, filters: &Filters, asked: &[Source], sources: &Sources) -> Changes {
        for document in &mut self.documents {
            filters.keep(document);
        }
        let from_elsewhere: Vec<String> = asked
            .iter()
            .filter_map(|source| match source {
                Source::Path(_) => None,
                Source::Stdin => Some("-".to_owned()),
                Source::Url(url) => Some(url.to_string()),
            })
            .collect();
        let after: Vec<&Document> = sources
            .documents
            .iter()
            .map(|sourced| &sourced.document)
            .filter(|document| !from_elsewhere.iter().any(|name| **name == *document.name))
            .collect();
        let several = sources.documents.len() > 1;
        Changes::between(self.name, self.commit.to_string(), &self.documents, &after, several)
    }
}
