//! `diff`: what a bump changes.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use super::args::{NetworkArgs, Output, Source, source};
use super::load::load_blocking;
use super::{Exit, complain, network};
use crate::change::diff::{Diff, Side};
use crate::stream::{Checkout, Repository, Sources, read_commit, read_file_of};
use crate::text::{Printable, json};

/// `diff`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DiffArgs {
    /// A checkout, a stream file or manifest, an https:// URL, - for standard input, or a git revision: REV:
    /// for all documents of it, REV:PATH for one
    #[arg(value_name = "OLD", value_hint = ValueHint::AnyPath)]
    pub old: String,

    /// The same
    #[arg(value_name = "NEW", value_hint = ValueHint::AnyPath)]
    pub new: String,

    /// The git repository of revisions
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub git: PathBuf,

    /// What standard output gets
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: Output,

    /// How an https:// source is read.
    #[command(flatten)]
    pub network: NetworkArgs,
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate diff main: .                what this branch changes
  art-mirror-validate diff release-4.18: release-4.19:
  art-mirror-validate diff HEAD:data/data/coreos/rhcos.json ../rhcos-4.19.json
                                                  are the two copies in step?

A document that exists as a file is read as a file, whatever else its name could
mean. What is not read of a document (metadata, unknown fields) makes no
difference.

Exit status: 0 the same, 1 different, 2 error.";

/// Compares and prints.
pub(super) fn run(args: &DiffArgs) -> Exit {
    let sides = side(&args.old, args).and_then(|old| Ok((old, side(&args.new, args)?)));
    let (old, new) = match sides {
        Ok(sides) => sides,
        Err(problem) => {
            complain(problem);
            return Exit::Unusable;
        }
    };
    let diff = Diff::of(&old, &new);
    let mut out = io::BufWriter::new(anstream::stdout());
    let written = match args.output {
        Output::Human => diff.write_human(&mut out),
        Output::Markdown => diff.write_markdown(&mut out),
        Output::Json => json::pretty(&mut out, &diff),
    };
    match network::shown(written.and_then(|()| out.flush()), Exit::Pass) {
        Exit::Pass if diff.same => Exit::Pass,
        Exit::Pass => Exit::Fail,
        // As diff(1) has it: trouble is neither.
        _ => Exit::Unusable,
    }
}

fn side(name: &str, args: &DiffArgs) -> Result<Side, String> {
    let (sources, single) = match name.split_once(':') {
        Some((revision, path)) if is_revision(name, revision) => {
            (at_revision(name, revision, path, &args.git)?, !path.is_empty())
        }
        _ => {
            let source = source(name)?;
            let single = !matches!(&source, Source::Path(path) if path.is_dir());
            (load_blocking(&[source], &args.network)?, single)
        }
    };
    let documents = sources.documents.into_iter().map(|sourced| sourced.document).collect();
    Ok(Side { name: name.to_owned(), documents, single })
}

/// Whether `REV:…` is meant: not if there is such a file, nor if it is the beginning of a URL.
fn is_revision(name: &str, revision: &str) -> bool {
    !revision.is_empty() && !name.contains("://") && !Path::new(name).exists()
}

fn at_revision(name: &str, revision: &str, path: &str, git: &Path) -> Result<Sources, String> {
    let repository = Repository::at(git);
    let commit = repository.commit(revision).map_err(|error| error.to_string())?;
    if path.is_empty() {
        let Checkout { sources, errors } = read_commit(&repository, &commit);
        return errors.into_result().map(|()| sources).map_err(|errors| errors.to_string());
    }
    let text = read_file_of(&repository, &commit, Path::new(path)).map_err(|error| error.to_string())?;
    let text = text.ok_or_else(|| format!("{}: the commit has no such file", Printable(name)))?;
    let mut sources = Sources::default();
    sources.add_reader(name, text.as_slice()).map_err(|error| error.to_string())?;
    Ok(sources)
}
