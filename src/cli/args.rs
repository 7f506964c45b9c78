//! The command line, as a person sees it in `--help`.

#![expect(
    rustdoc::bare_urls,
    clippy::doc_markdown,
    reason = "these comments are the help texts, where backticks would show"
)]

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCandidates;

use super::completions::{CompletionsArgs, architectures};
use super::diff::DiffArgs;
use super::env;
use super::lint::LintArgs;
use super::mirror::MirrorArgs;
use super::resolve::ResolveArgs;
use super::retention::RetentionArgs;
use super::rewrite::RewriteArgs;
use super::sync_list::SyncListArgs;
use crate::http::{AllowedHost, check_trust_roots};
use crate::location::{Literal, MirrorVersion, Prefix};
use crate::stream::Partition;
use crate::verdict::{Signatures, Verify};

/// The gate that keeps RHEL CoreOS boot-image bumps from merging before ART's mirror has every byte.
#[derive(Debug, Parser)]
#[command(name = "art-mirror-validate", version = super::version(), max_term_width = 100, propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Say on standard error what had to be tried again; twice, what became of every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,

    /// Say only what failed, and the summary
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fail until every artifact of the stream metadata is on the mirror, and is the right one
    Check(Box<CheckArgs>),
    /// Print the URL that an e2e job should fetch
    Resolve(Box<ResolveArgs>),
    /// Print a stream document with its URLs moved to another place, every other byte as it was
    Rewrite(Box<RewriteArgs>),
    /// Print what a shell completes
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_help = MAN_EXAMPLES)]
    Man,
    /// List what ART is to mirror, in the form that its sync job takes
    SyncList(Box<SyncListArgs>),
    /// Copy the artifacts to a directory, verified
    Mirror(Box<MirrorArgs>),
    /// Say what a bump changes: builds, artifacts, platforms, cloud images
    Diff(Box<DiffArgs>),

    /// Say what in the documents contradicts itself, its siblings or its base; offline
    Lint(Box<LintArgs>),
    /// Join the JSON reports of all parts of a run (check --partition) into one verdict
    Merge(MergeArgs),
    /// Say which mirrored builds are pinned, newest, orphaned, and which are pinned and gone
    Retention(Box<RetentionArgs>),
}

/// Where documents come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A checkout, a stream file or a manifest.
    Path(PathBuf),
    /// Standard input.
    Stdin,
    /// A document on the web.
    Url(Literal),
}

/// `check`
#[derive(Debug, Args)]
#[command(after_help = CHECK_EXAMPLES)]
pub struct CheckArgs {
    /// An installer checkout, a stream file, a manifest or a directory of manifests with ConfigMaps that hold
    /// streams, an https:// URL of a stream file, or - for standard input
    #[arg(value_name = "SOURCE", default_value = ".", value_parser = source, value_hint = ValueHint::AnyPath)]
    pub sources: Vec<Source>,

    /// How much proof is wanted
    #[arg(long, value_enum, default_value_t, help_heading = "What is checked")]
    pub verify: Verify,

    /// What a missing detached signature is
    #[arg(long, value_enum, default_value_t, help_heading = "What is checked")]
    pub signatures: Signatures,

    /// Say also which artifacts the checkout changes since it left this branch, tag or commit; no verdict
    /// depends on it [default: $PULL_BASE_SHA, if the checkout has that commit]
    #[arg(long, value_name = "REF", help_heading = "What is checked")]
    pub base: Option<String>,
    /// OpenPGP public keys to verify signatures with, as gpg --export writes them: sha256sum.txt.gpg, and
    /// the signatures of artifacts, which are downloaded for it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "What is checked")]
    pub keyring: Option<PathBuf>,

    /// Only the K-th of N disjoint parts, decided by a hash of each artifact alone
    #[arg(long, value_name = "K/N", help_heading = "What is checked")]
    pub partition: Option<Partition>,

    /// Which artifacts.
    #[command(flatten)]
    pub filters: Filters,

    /// Where to look.
    #[command(flatten)]
    pub target: TargetArgs,

    /// How requests are made.
    #[command(flatten)]
    pub network: NetworkArgs,

    /// How long the whole run may take [default: 4h, and the time of --wait]
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Time")]
    pub deadline: Option<Duration>,

    /// Keep checking what is missing until it is there or this time has passed
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Time")]
    pub wait: Option<Duration>,

    /// How long to wait between two checks of what is missing
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = pause, help_heading = "Time")]
    pub wait_interval: Duration,

    /// What standard output gets
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: Output,

    /// Where reports go: JUnit XML, JSON and HTML [default: $ARTIFACTS, or $ARTIFACT_DIR]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub artifacts_dir: Option<PathBuf>,
}

/// `merge`
#[derive(Debug, Args)]
#[command(after_help = MERGE_HELP)]
pub struct MergeArgs {
    /// The JSON report of each part: art-mirror-validate.json of its artifacts directory
    #[arg(value_name = "REPORT", required = true, value_hint = ValueHint::FilePath)]
    pub reports: Vec<PathBuf>,

    /// What standard output gets
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: Output,

    /// Where the reports of the whole go: JUnit XML, JSON and HTML [default: $ARTIFACTS]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub artifacts_dir: Option<PathBuf>,
}

/// What standard output gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Output {
    /// A summary on a terminal, else a log
    #[default]
    Human,
    /// The JSON report
    Json,
    /// A comment for a pull request
    Markdown,
}

/// Which artifacts.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Only this architecture, by its RPM name; repeatable
    #[arg(short, long, value_name = "ARCH", add = ArgValueCandidates::new(architectures))]
    pub architecture: Vec<String>,

    /// Only this platform; repeatable
    #[arg(short, long, value_name = "PLATFORM")]
    pub platform: Vec<String>,

    /// Only this format; repeatable
    #[arg(short, long, value_name = "FORMAT")]
    pub format: Vec<String>,

    /// Only this component: disk, kernel, initramfs or rootfs; repeatable
    #[arg(short, long, value_name = "COMPONENT")]
    pub component: Vec<String>,

    /// Only this stream, by the key of a manifest's streams (rhel-9) or the document's own name; repeatable
    #[arg(long, value_name = "STREAM")]
    pub stream: Vec<String>,
}

/// Where to look.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where to look")]
pub struct TargetArgs {
    /// The literal locations, whatever the environment says; what the required presubmit runs
    #[arg(long, conflicts_with_all = ["stream_prefix", "mirror"])]
    pub published: bool,

    /// The bridge at this prefix, such as https://HOST/art/storage/releases
    /// [also: $OPENSHIFT_INSTALL_COREOS_STREAM_PREFIX, and $OPENSHIFT_INSTALL_CI_COREOS_BOOTIMAGES=1 for the
    /// bridge of 2021]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub stream_prefix: Option<String>,

    /// The mirror at this base, such as https://mirror.openshift.com/pub/openshift-v4
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub mirror: Option<Prefix>,

    /// The mirror's directory of this release (4.8.2, dev-4.19) or series (4.8)
    #[arg(long, value_name = "VERSION")]
    pub mirror_version: Option<MirrorVersion>,

    /// The mirror's pre-release directories
    #[arg(long)]
    pub pre_release: bool,
}

/// How requests are made.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
pub struct NetworkArgs {
    /// A further host that may be requested: HOST or HOST:PORT; repeatable
    #[arg(long, value_name = "HOST")]
    pub allow_host: Vec<AllowedHost>,

    /// Hosts may have loopback, private or link-local addresses
    #[arg(long)]
    pub allow_private_addresses: bool,

    /// A PEM file with further trust roots [also: $SSL_CERT_FILE]
    #[arg(long, value_name = "PEM", value_hint = ValueHint::FilePath, value_parser = PathBufValueParser::new().try_map(trust_roots))]
    pub ca_file: Option<PathBuf>,

    /// The most requests to one host at a time
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = positive)]
    pub concurrency: usize,

    /// How long transient failures of a host are retried (5xx, 429, resets, timeouts, name resolution); 0 for no
    /// retries
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration)]
    pub retry_for: Duration,

    /// The most retries of a request within that time [default: no limit]
    #[arg(long, value_name = "N")]
    pub retries: Option<u32>,

    /// How long one request may take
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub timeout: Duration,
}

impl CheckArgs {
    /// How long the whole run may take.
    pub fn deadline(&self) -> Duration {
        const FOR_ONE_ROUND: Duration = Duration::from_secs(4 * 60 * 60);
        self.deadline.unwrap_or_else(|| FOR_ONE_ROUND.saturating_add(self.wait.unwrap_or_default()))
    }
}

impl NetworkArgs {
    /// The files with further trust roots, those of the environment among them.
    pub fn extra_roots(&self) -> Vec<PathBuf> {
        let from_environment = env::path(env::SSL_CERT_FILE);
        self.ca_file.clone().into_iter().chain(from_environment).collect()
    }
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate check
      does this installer checkout name only what the mirror has?
  art-mirror-validate resolve -p qemu --stream-prefix https://HOST/art/storage
      where is it until then?
  art-mirror-validate check --help
      all there is to say of a command";

const MAN_EXAMPLES: &str = "\
Examples:
  art-mirror-validate man | man -l -
  art-mirror-validate man >/usr/share/man/man1/art-mirror-validate.1";
const MERGE_HELP: &str = "\
Examples:
  art-mirror-validate check --published --verify content --partition 1/3 \\
      --artifacts-dir 1
  art-mirror-validate merge */art-mirror-validate.json

The verdict and the exit status are those that the whole run would have had.
Reports that are not those of all parts of one run (a part missing or there
twice, other documents, another target) are refused.

Exit status: as of check; 2 if the reports are refused";

const CHECK_EXAMPLES: &str = "\
Examples:
  art-mirror-validate check
      the installer checkout in this directory
  art-mirror-validate check --published
      the same, whatever the environment says: the required presubmit
  art-mirror-validate check -a s390x -p metal
      only the metal artifacts of s390x
  art-mirror-validate check --base origin/main
      and say what this branch changes
  art-mirror-validate check --wait 2h
      until ART has mirrored everything, or two hours have passed
  oc get -n openshift-machine-config-operator configmap coreos-bootimages \\
    -o yaml | art-mirror-validate check -
      what a cluster boots from

Exit status:
  0    every artifact passed
  1    at least one artifact is missing, wrong or not on a published place
  2    wrong usage, or a document that cannot be used; nothing was requested
  3    nothing is known to be wrong, but something could not be determined
  130  interrupted (143: terminated); the reports say what was known";

pub(super) fn source(text: &str) -> Result<Source, String> {
    if text == "-" {
        return Ok(Source::Stdin);
    }
    if text.starts_with("https://") {
        return Literal::parse(text).map(Source::Url).map_err(|error| error.to_string());
    }
    if text.starts_with("http://") {
        return Err("a document may only come from an https:// URL".to_owned());
    }
    if text.is_empty() {
        return Err("expected a path, an https:// URL or -".to_owned());
    }
    Ok(Source::Path(text.into()))
}

/// A duration such as `90s`, `5m` or `1h30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; expected a duration such as 90s, 5m or 1h30m"))
}

/// The path of a file with trust roots.
fn trust_roots(path: PathBuf) -> Result<PathBuf, String> {
    check_trust_roots(&path).map_err(|why| format!("no trust root could be read: {why}"))?;
    Ok(path)
}

/// A duration of more than nothing.
fn pause(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("expected more than nothing".to_owned()),
        pause => Ok(pause),
    }
}

pub(super) fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..=10_000) => Ok(number),
        _ => Err("expected a whole number from 1 to 10000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// The lines of examples are not made to be broken.
    #[test]
    fn every_command_has_examples_that_fit_a_terminal() {
        let command = Cli::command();
        let all = command.get_subcommands().chain([&command]);
        for command in all.filter(|command| command.get_name() != "help") {
            let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(after.starts_with("Examples:\n"), "{}", command.get_name());
            for line in after.lines() {
                assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            }
        }
    }

    #[test]
    fn the_version_names_the_commit_where_it_is_known() {
        let version = super::super::version();
        let (number, commit) = version.split_once(" (").unwrap_or((version, ""));
        assert_eq!(number, env!("CARGO_PKG_VERSION"));
        let commit = commit.strip_suffix(')').unwrap_or(commit);
        assert!(commit.len() <= 10 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{version}");
    }
}
