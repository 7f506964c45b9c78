//! Which reports a run has left, for those that refer to them.

use std::path::PathBuf;

/// What became of the reports: the files that others refer to, if they are there now, whole.
#[derive(Debug, Default)]
pub struct Written {
    pub json: Option<PathBuf>,
    /// The request to ART, if there is something to ask.
    pub request: Option<PathBuf>,
    /// What could not be written, and why. The report of an earlier run may still stand there.
    pub errors: Vec<String>,
}
