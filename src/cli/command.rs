//! The command line: the global options, and the commands.

use clap::{Parser, Subcommand};

use super::check::CheckArgs;
use super::completions::CompletionsArgs;
use super::diff::DiffArgs;
use super::lint::LintArgs;
use super::merge::MergeArgs;
use super::mirror::MirrorArgs;
use super::resolve::ResolveArgs;
use super::retention::RetentionArgs;
use super::rewrite::RewriteArgs;
use super::sync_list::SyncListArgs;

/// The gate that keeps RHEL CoreOS boot-image bumps from merging before ART's mirror has every byte.
#[derive(Debug, Parser)]
#[command(name = "art-mirror-validate", version = super::version(), max_term_width = 100, propagate_version = true)]
#[command(subcommand_required = true, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Log retries on standard error; twice, log every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,

    /// Print only failures and the summary
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fail until the mirror has every artifact of the stream metadata, with the right size and digest
    Check(Box<CheckArgs>),
    /// Print the URL that an e2e job should fetch
    Resolve(Box<ResolveArgs>),
    /// Print a stream document with its URLs moved elsewhere and every other byte unchanged
    Rewrite(Box<RewriteArgs>),
    /// Print shell completions
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_help = MAN_EXAMPLES)]
    Man,
    /// List what ART must mirror, in the format of its sync job
    SyncList(Box<SyncListArgs>),
    /// Copy artifacts to a directory and verify them
    Mirror(Box<MirrorArgs>),
    /// Show what a bump changes: builds, artifacts, platforms, cloud images
    Diff(Box<DiffArgs>),
    /// Find contradictions within documents, with their siblings or with their base; offline
    Lint(Box<LintArgs>),
    /// Merge the JSON reports of all parts of a run (check --partition) into one verdict
    Merge(MergeArgs),
    /// Show which mirrored builds are pinned, newest or orphaned, and which pinned builds are gone
    Retention(Box<RetentionArgs>),
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate check
      check that the mirror has everything this installer checkout names
  art-mirror-validate resolve -p qemu --stream-prefix https://HOST/art/storage
      print where the bridge has it until then
  art-mirror-validate check --help
      show all options of a command";

const MAN_EXAMPLES: &str = "\
Examples:
  art-mirror-validate man | man -l -
  art-mirror-validate man >/usr/share/man/man1/art-mirror-validate.1";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Wrapped lines would break the examples.
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
