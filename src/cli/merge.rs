//! `merge`: merges the reports of the parts of a run.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use super::args::Output;
use super::check::finish;
use super::{Exit, unusable};
use crate::report::merge;
use crate::report::model::Report;
use crate::report::summary::Audience;

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::doc_markdown, reason = "the comments of arguments are the help texts")]
pub struct MergeArgs {
    /// JSON report of each part: art-mirror-validate.json in its artifacts directory
    #[arg(value_name = "REPORT", required = true, value_hint = ValueHint::FilePath)]
    pub reports: Vec<PathBuf>,

    /// Output format
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub output: Output,

    /// Directory for the merged reports: JUnit XML, JSON, HTML [default: $ARTIFACTS, or $ARTIFACT_DIR]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output")]
    pub artifacts_dir: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  art-mirror-validate check --published --verify content --partition 1/3 \\
      --artifacts-dir 1
  art-mirror-validate merge */art-mirror-validate.json

The verdict and exit status are those of an unpartitioned run. Reports that are
not exactly the parts of one run (a missing or duplicate part, other documents,
another target) are refused.

Exit status: as for check; 2 if the reports are refused";

pub(super) fn run(args: &MergeArgs) -> Exit {
    let mut problems = Vec::new();
    let mut reports = Vec::with_capacity(args.reports.len());
    for path in &args.reports {
        match read(path) {
            Ok(report) => reports.push((path.display().to_string(), report)),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return unusable(problems.join("\n"));
    }
    match merge(reports) {
        Ok(report) => {
            let report = Report { prow: super::prow::context(), ..report };
            finish(args.output, Audience::QuietLog, args.artifacts_dir.as_deref(), report)
        }
        Err(problem) => unusable(problem),
    }
}

fn read(path: &Path) -> Result<Report, String> {
    let problem = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let bytes = fs::read(path).map_err(|error| problem(&error))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| problem(&format_args!("expected the JSON report of a part: {error}")))
}
