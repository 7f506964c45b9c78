//! Which reports a run has left, for those that refer to them.

use std::io;
use std::path::PathBuf;

/// What became of the reports: the files that are there now, whole.
#[derive(Debug, Default)]
pub struct Written {
    pub json: Option<PathBuf>,
    pub junit: Option<PathBuf>,
    pub html: Option<PathBuf>,
    /// The request to ART, if there is something to ask.
    pub request: Option<PathBuf>,
    /// What could not be written, and why. The report of an earlier run may still stand there.
    pub errors: Vec<FileError>,
}

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The directory is not there and could not be made.
    #[error("could not create the directory {}: {source}; no report was written", path.display())]
    CreateDirectory {
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file could not be written, or not be moved to its name.
    #[error("could not write {}: {source}", path.display())]
    Write {
        /// The file, by the name that it was to have.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
