//! The report files of a run, for outputs that refer to them.

use std::path::PathBuf;

/// The paths of the reports that were written completely.
#[derive(Debug, Default)]
pub struct Written {
    pub json: Option<PathBuf>,
    /// The request to ART, if there is one.
    pub request: Option<PathBuf>,
    /// Reports that could not be written, and why. Those of an earlier run may still exist.
    pub errors: Vec<String>,
}
