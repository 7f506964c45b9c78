//! `diff`: shows what a bump changes.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum, ValueHint};

use super::args::{NetworkArgs, Output, Source, source};
use super::load::load_blocking;
use super::{Exit, print, unusable};
use crate::change::diff::{Diff, Side};
use crate::stream::{Checkout, CommitId, Repository, Sources, read_commit, read_file_of};
use crate::text::{Printable, json};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DiffArgs {
    /// Checkout, stream file or manifest, https:// URL, - for standard input, or git revision: REV (or REV:) for all
    /// its documents, REV:PATH for one; OLD..NEW for both sides, OLD...NEW for what NEW changed since it diverged from
    /// OLD
    #[arg(value_name = "OLD", value_hint = ValueHint::AnyPath)]
    pub old: String,

    /// Like OLD [default: the checkout in --git]
    #[arg(value_name = "NEW", value_hint = ValueHint::AnyPath)]
    pub new: Option<String>,

    /// Git repository that revisions belong to
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub git: PathBuf,

    /// What makes the exit status 1
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub exit_status: ExitStatus,

    /// Output format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: Output,

    #[command(flatten)]
    pub network: NetworkArgs,
}

/// What makes the exit status 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ExitStatus {
    /// Any difference
    #[default]
    Differences,
    /// A removed document, architecture, platform, format or cloud region
    Losses,
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate diff main                   what this checkout changes
  art-mirror-validate diff main...HEAD            what this branch changes
  art-mirror-validate diff --exit-status losses release-4.18 release-4.19
  art-mirror-validate diff HEAD:data/data/coreos/rhcos.json ../rhcos-4.19.json
                                                  are the two copies in step?

A name that exists as a file is read as a file, even if it is also a revision.
Parts of a document that are not read (metadata, unknown fields) do not count.

Exit status: 0 no difference (with --exit-status losses: nothing removed),
1 different, 2 error.";

pub(super) fn run(args: &DiffArgs) -> Exit {
    let (old, new) = match sides(args) {
        Ok(sides) => sides,
        Err(problem) => return unusable(problem),
    };
    let diff = Diff::of(&old, &new);
    let differs = match args.exit_status {
        ExitStatus::Differences => !diff.same,
        ExitStatus::Losses => diff.has_losses(),
    };
    let printed = print(Exit::Pass, |out| match args.output {
        Output::Human => diff.write_human(out),
        Output::Markdown => diff.write_markdown(out),
        Output::Json => json::pretty(out, &diff),
    });
    match printed {
        Exit::Pass if differs => Exit::Fail,
        Exit::Pass => Exit::Pass,
        // As for diff(1), the exit status of an error is neither that of the same nor of different sides.
        _ => Exit::Unusable,
    }
}

fn sides(args: &DiffArgs) -> Result<(Side, Side), String> {
    let DiffArgs { old, new, git, .. } = args;
    if let Some((one, other, from_merge_base)) = range(old) {
        if let Some(new) = new {
            let (range, new) = (Printable(old), Printable(new));
            return Err(format!("{range}: it names both sides already; found a third, {new}"));
        }
        let repository = Repository::at(git);
        let commit = |revision| repository.commit(revision).map_err(|error| error.to_string());
        let (mut before, after) = (commit(one)?, commit(other)?);
        if from_merge_base {
            before = repository.merge_base(&before, &after).ok_or_else(|| {
                let range = Printable(old);
                format!(
                    "{range}: found no common ancestor; a shallow clone may lack it (git fetch --unshallow)"
                )
            })?;
        }
        let side =
            |name: &str, commit| Ok::<_, String>(side_of(name, documents_at(&repository, commit)?, false));
        return Ok((side(one, &before)?, side(other, &after)?));
    }
    let new = new.clone().unwrap_or_else(|| git.display().to_string());
    Ok((side(old, args)?, side(&new, args)?))
}

/// The sides of `OLD..NEW` or `OLD...NEW`, each `HEAD` if omitted, and whether the old side is their merge base.
fn range(name: &str) -> Option<(&str, &str, bool)> {
    if is_not_revision(name) || name.contains(':') {
        return None;
    }
    let (old, new, from_merge_base) = match name.split_once("...") {
        Some((old, new)) => (old, new, true),
        None => name.split_once("..").map(|(old, new)| (old, new, false))?,
    };
    // `..` and `../x` are paths, even if they do not exist.
    let is_path = |side: &str| side.starts_with(['.', '/']) || side.ends_with('/');
    if is_path(old) || is_path(new) || (old.is_empty() && new.is_empty()) {
        return None;
    }
    let or_head = |side| if matches!(side, "") { "HEAD" } else { side };
    Some((or_head(old), or_head(new), from_merge_base))
}

fn side(name: &str, args: &DiffArgs) -> Result<Side, String> {
    if !is_not_revision(name) {
        match name.split_once(':') {
            Some((revision, path)) if !revision.is_empty() => {
                let sources = at_revision(name, revision, path, &args.git)?;
                return Ok(side_of(name, sources, !path.is_empty()));
            }
            _ => {
                let repository = Repository::at(&args.git);
                let commit = repository
                    .commit(name)
                    .map_err(|error| format!("{}: there is no such file, and {error}", Printable(name)))?;
                return Ok(side_of(name, documents_at(&repository, &commit)?, false));
            }
        }
    }
    let source = source(name)?;
    let single = !matches!(&source, Source::Path(path) if path.is_dir());
    Ok(side_of(name, load_blocking(&[source], &args.network)?, single))
}

fn side_of(name: &str, sources: Sources, single: bool) -> Side {
    let documents = sources.documents.into_iter().map(|sourced| sourced.document).collect();
    Side { name: name.to_owned(), documents, single }
}

/// Whether a name is not a revision but an existing file, a URL or standard input.
fn is_not_revision(name: &str) -> bool {
    name == "-" || name.contains("://") || Path::new(name).exists()
}

fn at_revision(name: &str, revision: &str, path: &str, git: &Path) -> Result<Sources, String> {
    let repository = Repository::at(git);
    let commit = repository.commit(revision).map_err(|error| error.to_string())?;
    if path.is_empty() {
        return documents_at(&repository, &commit);
    }
    let text = read_file_of(&repository, &commit, Path::new(path)).map_err(|error| error.to_string())?;
    let text = text.ok_or_else(|| format!("{}: the commit has no such file", Printable(name)))?;
    let mut sources = Sources::default();
    sources.add_reader(name, text.as_slice()).map_err(|error| error.to_string())?;
    Ok(sources)
}

fn documents_at(repository: &Repository, commit: &CommitId) -> Result<Sources, String> {
    let Checkout { sources, errors } = read_commit(repository, commit);
    errors.into_result().map(|()| sources).map_err(|errors| errors.to_string())
}
