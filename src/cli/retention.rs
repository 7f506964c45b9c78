//! `retention`: shows which mirrored builds are pinned, newest or orphaned, and which pinned builds are gone.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use clap::{Args, ValueEnum, ValueHint};

use super::args::{NetworkArgs, Source, source};
use super::load::load_blocking;
use super::{Exit, print, unusable};
use crate::handoff::retention::{KeepList, Listing, Pins, Reach, Retention};
use crate::stream::{GitError, Repository, read_checkout};
use crate::text::{Printable, json, path_name};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RetentionArgs {
    /// Documents that pin builds: checkouts, stream files, manifests, https:// URLs of stream files
    #[arg(value_name = "PIN", value_parser = source, value_hint = ValueHint::AnyPath, required_unless_present_any = ["refs", "payloads"])]
    pub pins: Vec<Source>,

    /// What the mirror holds: a coreos-assembler builds.json, a directory tree, or a file of URLs or paths, one
    /// per line, such as the output of aws s3 ls --recursive; - for standard input; repeatable; required except for
    /// --output keep-list
    #[arg(long, value_name = "LISTING", value_hint = ValueHint::AnyPath)]
    pub listing: Vec<PathBuf>,

    /// Git repository for --ref and --payloads
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub git: PathBuf,

    /// Branches, remote branches and tags that pin builds, including every commit that was ever the tip of one: a
    /// name or a pattern such as 'release-*', or a full name that begins with refs/; repeatable
    #[arg(long = "ref", value_name = "PATTERN")]
    pub refs: Vec<String>,

    /// Refs to skip even though --ref matches them; repeatable
    #[arg(long = "exclude-ref", value_name = "PATTERN", requires = "refs")]
    pub excluded: Vec<String>,

    /// File of released commits or tags that pin builds, one per line; text after the first word is a comment, as are
    /// lines that begin with #
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub payloads: Option<PathBuf>,

    /// Ignore commits that were the tip of a ref only before this day, such as 2024-01-31. Releases that were cut from
    /// them lose their pins
    #[arg(long, value_name = "DATE", value_parser = seconds, requires = "refs", conflicts_with = "tips_only")]
    pub since: Option<Since>,

    /// Use only the tip of each ref. Releases that were cut from earlier commits lose their pins
    #[arg(long, requires = "refs")]
    pub tips_only: bool,

    /// The listing is complete: a pinned build that it lacks is gone, whatever its stream
    #[arg(long, requires = "listing")]
    pub complete: bool,

    /// Output format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: RetentionOutput,

    #[command(flatten)]
    pub network: NetworkArgs,
}

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RetentionOutput {
    /// A list of builds and the counts
    #[default]
    Human,
    /// The same for programs
    Json,
    /// The builds that must stay, for a pruner: JSON with their IDs, architectures and AMIs; needs no --listing
    KeepList,
}

/// A day as given, and its start in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    text: String,
    seconds: u64,
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate retention --git installer --ref main --ref 'release-*' \\
      --exclude-ref release-4.1 --listing builds.json
  aws s3 ls --recursive s3://… |
    art-mirror-validate retention --git installer --ref 'release-*' --listing -
  art-mirror-validate retention --git installer --ref main --ref 'release-*' \\
      --output keep-list > keep.json
  art-mirror-validate retention checkout/ --listing /srv/pub/openshift-v4

Nothing is deleted. A document that cannot be read counts as pinning every build
that is older than its commit. The clone must have its full history (in Prow:
git fetch --unshallow), or older builds stay undetermined.

Exit status:
  0  every pinned build of the listing's streams is present
  1  at least one, or a pinned image of one, is gone
  2  usage error or unusable listing
  3  a ref or document cannot be read, so nothing is called an orphan; or the
     listing does not show whether a pinned image is present";

pub(super) fn run(args: &RetentionArgs) -> Exit {
    let (pins, retention) = match judge(args) {
        Ok((_, None)) if args.output != RetentionOutput::KeepList => {
            return unusable("--listing is required: what the mirror holds");
        }
        Ok(judged) => judged,
        Err(problem) => return unusable(problem),
    };
    let has = |found: fn(&Retention) -> bool| retention.as_ref().is_some_and(found);
    let exit = if has(|it| !it.gone.is_empty()) {
        Exit::Fail
    } else if !pins.unreadable.is_empty() || has(|it| !it.undetermined.is_empty()) {
        Exit::Inconclusive
    } else {
        Exit::Pass
    };
    print(exit, |out| match (args.output, &retention) {
        (RetentionOutput::Human, Some(retention)) => retention.write_human(out),
        (RetentionOutput::Json, Some(retention)) => json::pretty(out, retention),
        (RetentionOutput::KeepList, _) | (_, None) => {
            json::pretty(out, &KeepList::of(&pins, retention.as_ref()))
        }
    })
}

fn judge(args: &RetentionArgs) -> Result<(Pins, Option<Retention>), String> {
    let mut listing = Listing::default();
    for path in &args.listing {
        listing.add(path).map_err(|error| format!("{}: {error}", Printable(&path_name(path))))?;
    }
    let mut pins = Pins::default();
    for pin in &args.pins {
        match pin {
            Source::Path(path) if path.is_dir() => {
                pins.add_checkout(&path.display().to_string().into(), read_checkout(path));
            }
            // If a named document cannot be read, that is a usage error, unlike an unreadable document of a branch.
            _ => {
                for sourced in load_blocking(std::slice::from_ref(pin), &args.network)?.documents {
                    pins.add_document(&Arc::clone(&sourced.document.name), &sourced.document);
                }
            }
        }
    }
    let (reach, narrowed_by) = match &args.since {
        _ if args.tips_only => (Reach::Tips, Some("--tips-only".to_owned())),
        Some(since) => (Reach::Since(since.seconds), Some(format!("--since {}", since.text))),
        None => (Reach::History, None),
    };
    pins.narrowed_by = narrowed_by;
    let repository = Repository::at(&args.git);
    let git = |error: GitError| error.to_string();
    let refs = repository.refs(&args.refs, &args.excluded).map_err(git)?;
    pins.add_refs(&repository, &refs, &reach).map_err(git)?;
    if let Some(path) = &args.payloads {
        let payloads = payloads(path).map_err(|error| format!("{}: {error}", Printable(&path_name(path))))?;
        pins.add_refs(&repository, &payloads, &Reach::Tips).map_err(git)?;
    }
    let retention = (!args.listing.is_empty()).then(|| Retention::of(&pins, &listing, args.complete));
    Ok((pins, retention))
}

/// The lines of a payloads file, each with its revision.
fn payloads(path: &Path) -> io::Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(path)?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let payload = |line: &str| {
        let revision = line.split_whitespace().next().unwrap_or_default();
        (line.to_owned(), revision.to_owned())
    };
    let payloads: Vec<_> = lines.map(payload).collect();
    if payloads.is_empty() { Err(io::Error::other("it lists no commit or tag")) } else { Ok(payloads) }
}

fn seconds(text: &str) -> Result<Since, String> {
    let time = humantime::parse_rfc3339(&format!("{text}T00:00:00Z"));
    let time = time.or_else(|_| humantime::parse_rfc3339(text));
    let since = time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let seconds = since.ok_or("expected a day, such as 2024-01-31")?.as_secs();
    Ok(Since { text: text.to_owned(), seconds })
}
