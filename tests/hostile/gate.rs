//! Runs the built binary and measures its time and its peak memory.

use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::binary::program;
use crate::child::{Ended, Watched};

/// The documented limit of memory for documents of ordinary size, in MiB.
pub const MEMORY: u64 = 150;

/// Twice the memory of any run, in MiB. Short runs have limits this close to their measured values, so that even
/// slight growth with time or size is noticed.
pub const ITSELF: u64 = 60;

/// The reports that a run leaves in `--artifacts-dir`.
pub const REPORTS: [&str; 3] =
    ["art-mirror-validate-summary.html", "art-mirror-validate.json", "junit_art-mirror-validate.xml"];

/// The result of a run.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub took: Duration,
    /// The peak resident memory, in MiB.
    pub peak: u64,
}

impl Run {
    pub fn report(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|_| panic!("no report: {}", self.said()))
    }

    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// The binary with an empty environment.
pub fn gate(arguments: &[&str]) -> Command {
    program(arguments)
}

/// `check` with short time limits and the JSON report.
pub fn check(source: &Path, more: &[&str]) -> Command {
    let mut command = gate(&["check", "--output", "json", "--retries", "0"]);
    for (option, value) in [("--timeout", "10s"), ("--deadline", "20s")] {
        if !more.contains(&option) {
            command.args([option, value]);
        }
    }
    command.args(more).arg(source);
    command
}

/// Runs a command to its end, which must come within `limit`.
#[track_caller]
pub fn run_within(limit: Duration, mut command: Command, input: impl Read + Send + 'static) -> Run {
    let (Ended { output, took }, peak) = Watched::fed(&mut command, input).end_measured(limit);
    Run { code: output.status.code(), stdout: output.stdout, stderr: output.stderr, took, peak: peak / 1024 }
}

/// [`run_within`] 30 seconds, without input.
#[track_caller]
pub fn run(command: Command) -> Run {
    run_within(Duration::from_secs(30), command, std::io::empty())
}

/// A document with these locations, each on a platform of its own.
pub fn document(locations: &[String]) -> String {
    let platforms: serde_json::Map<String, Value> = locations
        .iter()
        .enumerate()
        .map(|(index, location)| {
            let disk = json!({ "location": location, "sha256": "00".repeat(32) });
            let formats = json!({ "iso": { "disk": disk } });
            (format!("p{index:06}"), json!({ "release": "48.83.202102230316-0", "formats": formats }))
        })
        .collect();
    json!({
        "stream": "rhcos-4.8",
        "metadata": { "last-modified": "2021-03-31T10:00:00Z" },
        "architectures": { "x86_64": { "artifacts": platforms } },
    })
    .to_string()
}
