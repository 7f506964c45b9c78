//! `retention`: which mirrored builds are pinned, newest, orphaned.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueHint};

use super::args::{NetworkArgs, Output, Source, source};
use super::load::load_blocking;
use super::{Exit, complain, network};
use crate::handoff::retention::{Listing, Pins, Retention};
use crate::stream::{Repository, read_checkout};
use crate::text::json;

/// `retention`
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RetentionArgs {
    /// What pins builds: checkouts, stream files, manifests, https:// URLs of stream files
    #[arg(value_name = "PIN", value_parser = source, value_hint = ValueHint::AnyPath, required_unless_present = "refs")]
    pub pins: Vec<Source>,

    /// What the mirror holds: a coreos-assembler builds.json, a directory tree, or a file of URLs or paths, one
    /// per line; - for standard input; repeatable
    #[arg(long, value_name = "LISTING", required = true, value_hint = ValueHint::AnyPath)]
    pub listing: Vec<PathBuf>,

    /// The git repository of --ref
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub git: PathBuf,

    /// Branches, remote branches and tags that pin builds, as a name or a pattern such as 'release-*', or a
    /// full one that begins with refs/; repeatable
    #[arg(long = "ref", value_name = "PATTERN")]
    pub refs: Vec<String>,

    /// The listing is all there is: what is pinned and not in it is gone, whatever its stream
    #[arg(long)]
    pub complete: bool,

    /// What standard output gets
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: Output,

    /// How an https:// source is read.
    #[command(flatten)]
    pub network: NetworkArgs,
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate retention --git installer --ref main --ref 'release-*' \\
      --listing builds.json
  aws s3 ls --recursive s3://… | awk '{print $4}' |
    art-mirror-validate retention --git installer --ref 'release-*' --listing -
  art-mirror-validate retention checkout/ --listing /srv/pub/openshift-v4

Nothing is deleted. What cannot be read counts as pinned.

Exit status:
  0  every pinned build of the listing's streams is there
  1  at least one is gone, or some of its pinned images are
  2  wrong usage, or a listing that cannot be used
  3  a ref or document cannot be read, so nothing is called an orphan; or the
     listing does not say whether a pinned image is there";

/// Reads, judges and prints.
pub(super) fn run(args: &RetentionArgs) -> Exit {
    let retention = match judge(args) {
        Ok(retention) => retention,
        Err(problem) => {
            complain(problem);
            return Exit::Unusable;
        }
    };
    let mut out = io::BufWriter::new(anstream::stdout());
    let written = match args.output {
        Output::Human => retention.write_human(&mut out),
        Output::Markdown => retention.write_markdown(&mut out),
        Output::Json => json::pretty(&mut out, &retention),
    };
    let exit = if !retention.gone.is_empty() {
        Exit::Fail
    } else if !retention.unreadable.is_empty() || !retention.undetermined.is_empty() {
        Exit::Inconclusive
    } else {
        Exit::Pass
    };
    network::shown(written.and_then(|()| out.flush()), exit)
}

fn judge(args: &RetentionArgs) -> Result<Retention, String> {
    let mut listing = Listing::default();
    for path in &args.listing {
        listing.add(path).map_err(|error| error.to_string())?;
    }
    let mut pins = Pins::default();
    for pin in &args.pins {
        match pin {
            Source::Path(path) if path.is_dir() => {
                pins.add_checkout(&path.display().to_string().into(), read_checkout(path));
            }
            // A document that a person names and that cannot be read is a mistake to mend, not a branch to keep.
            _ => {
                for sourced in load_blocking(std::slice::from_ref(pin), &args.network)?.documents {
                    pins.add_document(&Arc::clone(&sourced.document.name), &sourced.document);
                }
            }
        }
    }
    if !args.refs.is_empty() {
        let repository = Repository::at(&args.git);
        let refs = repository.refs(&args.refs).map_err(|error| error.to_string())?;
        pins.add_refs(&repository, &refs);
    }
    Ok(Retention::of(&pins, &listing, args.complete))
}
