//! `merge`: one verdict from the parts of a run.

use std::fs;
use std::path::Path;

use super::args::MergeArgs;
use super::check::finish;
use super::{Exit, complain};
use crate::report::model::Report;
use crate::report::{DocumentContext, RunContext, merge};

/// Merges reports.
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
        complain(problems.join("\n"));
        return Exit::Unusable;
    }
    let report = match merge(reports) {
        Ok(report) => report,
        Err(error) => {
            complain(error);
            return Exit::Unusable;
        }
    };
    let documents = report
        .documents
        .iter()
        .map(|document| DocumentContext { name: document.name.clone(), artifacts: document.artifacts });
    let context = RunContext {
        tool_version: super::version().to_owned(),
        prow: super::prow::context(),
        documents: documents.collect(),
        ..RunContext::default()
    };
    finish(args.output, args.artifacts_dir.as_deref(), &report, &context)
}

fn read(path: &Path) -> Result<Report, String> {
    let problem = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let bytes = fs::read(path).map_err(|error| problem(&error))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| problem(&format_args!("expected the JSON report of a part: {error}")))
}
