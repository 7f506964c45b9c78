//! `lint`: finds contradictions within documents, with their siblings or with their base. `check` has them as notes.

#![expect(clippy::doc_markdown, reason = "the comments of arguments are the help texts")]

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum, ValueHint};

use super::args::{Source, source};
use super::base::{self, Base, NoBase};
use super::{Exit, env, print, print_error, unusable};
use crate::lint::{self, Alarm, Input, LintFinding, LintReport, Marketplace, Rule, RuleSet};
use crate::location::Series;
use crate::stream::{Document, MAX_DOCUMENT_BYTES, Sources, line_of};
use crate::text::count;

/// The most findings that `check` reports as notes.
const MAX_NOTES: usize = 20;

/// The most that is read from a file to find lines and marketplace versions, in bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LintArgs {
    /// Installer checkout, stream file, ConfigMap manifest that holds one, or - for standard input
    #[arg(value_name = "SOURCE", default_value = ".", value_parser = offline, value_hint = ValueHint::AnyPath)]
    pub sources: Vec<Source>,

    /// Compare with the documents from where the checkout diverged from this branch, tag or commit
    /// [default: $PULL_BASE_SHA, if the checkout has that commit]
    #[arg(long, value_name = "REF", help_heading = "Rules")]
    pub base: Option<String>,

    /// Silence a rule, by its code, its name, or all; repeatable
    #[arg(long, value_name = "RULE", help_heading = "Rules")]
    pub allow: Vec<RuleSet>,

    /// Exit with 1 if a rule finds anything, by its code, its name, or all; repeatable
    #[arg(long, value_name = "RULE", help_heading = "Rules")]
    pub deny: Vec<RuleSet>,

    /// List the rules and the reason for each
    #[arg(long, help_heading = "Rules")]
    pub rules: bool,

    /// Output format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: LintOutput,
}

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LintOutput {
    /// One finding per line, as FILE:LINE: MESSAGE
    #[default]
    Human,
    /// JSON, described by ci/lint.schema.json
    Json,
    /// Markdown for a comment on a pull request
    Markdown,
    /// JUnit XML: a suite for each document, a case for each rule
    Junit,
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate lint --base origin/main
      show contradictions, and what this branch lost
  art-mirror-validate lint --deny all --allow L016
      fail for anything except lagging marketplace images
  art-mirror-validate lint --rules
      show what each rule means and why it exists

No server is contacted. The release of the branch comes from $PULL_BASE_REF or
the name given with --base: release-4.N.

Exit status: 0 nothing denied was found, 1 something denied was found, 2 error.";

fn offline(text: &str) -> Result<Source, String> {
    match source(text)? {
        Source::Url(_) => Err("lint is offline: expected a path, or - for standard input".to_owned()),
        source => Ok(source),
    }
}

pub(super) fn run(args: &LintArgs) -> Exit {
    if args.rules {
        return list_rules();
    }
    let report = match lint(args) {
        Ok(report) => report,
        Err(problem) => return unusable(problem),
    };
    let exit = if report.denied > 0 { Exit::Fail } else { Exit::Pass };
    print(exit, |out| match args.output {
        LintOutput::Human => report.write_human(out),
        LintOutput::Markdown => report.write_markdown(out),
        LintOutput::Json => report.write_json(out),
        LintOutput::Junit => report.write_junit(out),
    })
}

fn list_rules() -> Exit {
    print(Exit::Pass, |out| {
        Rule::ALL
            .iter()
            .try_for_each(|rule| writeln!(out, "{rule}\n    {}.\n    {}", rule.says(), rule.because()))
    })
}

fn lint(args: &LintArgs) -> Result<LintReport, String> {
    let mut inputs = Inputs::default();
    for source in &args.sources {
        inputs.read(source)?;
    }
    let base = read_base(args)?;
    let documents: Vec<&Document> = inputs.sources.documents.iter().map(|it| &it.document).collect();
    let alarms = inputs.alarms(&documents, base.as_ref());
    let is_in = |rules: &[RuleSet], rule| rules.iter().any(|rules| rules.contains(rule));
    let findings = alarms
        .into_iter()
        .filter(|alarm| !is_in(&args.allow, alarm.rule))
        .map(|alarm| inputs.finding(alarm, |rule| is_in(&args.deny, rule)));
    let findings = findings.collect();
    let names = documents.iter().map(|document| Arc::clone(&document.name)).collect();
    Ok(LintReport::of(base.map(|base| base.name().to_owned()), names, findings))
}

fn read_base(args: &LintArgs) -> Result<Option<Base>, String> {
    match base::read_blocking(args.base.clone(), &args.sources, None) {
        Ok(base) => Ok(Some(base)),
        Err(NoBase::NotGiven) => Ok(None),
        Err(NoBase::Unreadable(why)) => {
            print_error(why);
            Ok(None)
        }
        Err(NoBase::Unusable(problem)) => Err(problem),
    }
}

/// The documents and their files.
#[derive(Default)]
struct Inputs {
    sources: Sources,
    /// The file of each document, by its name.
    files: HashMap<Arc<str>, PathBuf>,
    marketplaces: Vec<Marketplace>,
    /// The text of standard input.
    stdin: Option<String>,
}

impl Inputs {
    fn read(&mut self, source: &Source) -> Result<(), String> {
        match source {
            Source::Path(path) => {
                let mut sources = Sources::default();
                sources.add_path(path).map_err(|errors| errors.to_string())?;
                self.add_files(path, &sources);
                self.sources.append(sources);
            }
            Source::Stdin => {
                let mut text = Vec::new();
                let limit = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
                let read = io::stdin().lock().take(limit).read_to_end(&mut text);
                read.map_err(|error| format!("standard input: {error}"))?;
                self.sources.add_reader("-", text.as_slice()).map_err(|error| error.to_string())?;
                self.stdin = String::from_utf8(text).ok();
            }
            Source::Url(_) => {}
        }
        Ok(())
    }

    /// Records the files of the documents of a path, and reads its marketplace files.
    fn add_files(&mut self, path: &Path, sources: &Sources) {
        let is_checkout = path.is_dir();
        let inside = |name: &str| {
            if !is_checkout {
                path.to_path_buf()
            } else if path == Path::new(".") {
                PathBuf::from(name)
            } else {
                path.join(name)
            }
        };
        for sourced in &sources.documents {
            let name = &sourced.document.name;
            self.files.insert(Arc::clone(name), inside(name));
        }
        let skipped = sources.skipped.iter().filter(|skipped| skipped.name.contains("marketplace"));
        for skipped in skipped {
            let text = read_some(&inside(&skipped.name));
            self.marketplaces.extend(text.and_then(|text| Marketplace::read(&skipped.name, text.as_bytes())));
        }
    }

    fn alarms(&self, documents: &[&Document], base: Option<&Base>) -> Vec<Alarm> {
        let before = base.map(Base::documents);
        let branch = env::value(env::PULL_BASE_REF);
        let branch = branch.as_deref().or(base.map(Base::name)).and_then(series_of_branch);
        let marketplaces = &self.marketplaces;
        lint::lint(&Input { documents, base: before.as_deref(), branch, marketplaces })
    }

    fn finding(&self, alarm: Alarm, is_denied: impl Fn(Rule) -> bool) -> LintFinding {
        let file = self.files.get(&alarm.document);
        let line = alarm.line.or_else(|| match file {
            Some(file) => line_of(&read_some(file)?, &alarm.path),
            None => line_of(self.stdin.as_deref()?, &alarm.path),
        });
        LintFinding {
            code: alarm.rule,
            rule: alarm.rule.name(),
            denied: is_denied(alarm.rule),
            document: alarm.document,
            file: file.map(|file| file.display().to_string()),
            line,
            path: alarm.path.join("."),
            message: alarm.message,
            because: alarm.rule.because(),
        }
    }
}

/// The text of a file; `None` if it cannot be read. A large file is cut off.
fn read_some(file: &Path) -> Option<String> {
    let mut text = String::new();
    let file = std::fs::File::open(file).ok()?;
    file.take(MAX_FILE_BYTES.saturating_add(1)).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The release series of a branch such as `release-4.19`, `origin/release-4.19` or `openshift-4.19`.
fn series_of_branch(name: &str) -> Option<Series> {
    let branch = name.rsplit('/').next().unwrap_or_default();
    ["release-", "openshift-"].iter().find_map(|prefix| branch.strip_prefix(prefix)?.parse().ok())
}

/// The findings, as notes of `check`.
pub(super) fn notes(args: &[Source], sources: &Sources, base: Option<&Base>) -> Vec<String> {
    let mut inputs = Inputs::default();
    for source in args {
        // If two sources have documents of the same name, the last one's file is used for the line.
        if let Source::Path(path) = source {
            inputs.add_files(path, sources);
        }
    }
    let documents: Vec<&Document> = sources.documents.iter().map(|it| &it.document).collect();
    let alarms = inputs.alarms(&documents, base);
    let more = alarms.len().saturating_sub(MAX_NOTES);
    // The reports of `check` name documents, not files.
    let note = |alarm| {
        let finding = LintFinding { file: None, ..inputs.finding(alarm, |_| false) };
        format!("lint: {}", finding.shown())
    };
    let mut notes: Vec<String> = alarms.into_iter().take(MAX_NOTES).map(note).collect();
    if more > 0 {
        notes.push(format!(
            "lint: {}; run art-mirror-validate lint to list them",
            count(more, "more finding")
        ));
    }
    notes
}
