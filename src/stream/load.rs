//! Reads documents from the sources that the user names.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::build_metadata::BuildMetadata;
use super::checkout::{Checkout, legacy_beside, read_checkout};
use super::limits::MAX_DOCUMENT_BYTES;
use super::manifest::{self, Manifests};
use super::source::{SourceError, SourceErrors, Sourced, Sources};
use super::tree::{read_capped, read_file};
use crate::text::{count, path_name};

impl Sources {
    /// Adds the documents of a path: a checkout, a directory of manifests, a stream file, or a manifest.
    ///
    /// All errors are reported, not just the first.
    pub fn add_path(&mut self, path: &Path) -> Result<(), SourceErrors> {
        let io = |error| SourceError::io(path, error);
        if fs::metadata(path).map_err(io)?.is_dir() {
            let Checkout { sources, errors } = read_checkout(path);
            self.append(sources);
            return errors.into_result();
        }
        let bytes = read_file(path, MAX_DOCUMENT_BYTES).map_err(io)?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let legacy = legacy_beside(parent.unwrap_or(Path::new(".")))?;
        Ok(self.add_bytes(&path_name(path), &bytes, &Arc::new(legacy))?)
    }

    /// Adds the documents from a reader, such as standard input or the body of a response.
    pub fn add_reader(&mut self, name: &str, reader: impl Read) -> Result<(), SourceError> {
        let bytes = read_capped(reader, 0, MAX_DOCUMENT_BYTES)
            .map_err(|error| SourceError::Io { path: name.to_owned(), error })?;
        self.add_bytes(name, &bytes, &Arc::default())
    }

    fn add_bytes(
        &mut self,
        name: &str,
        bytes: &[u8],
        legacy: &Arc<BuildMetadata>,
    ) -> Result<(), SourceError> {
        let Manifests { documents, others } = manifest::parse(name, bytes)?;
        if others > 0 {
            self.skip(name, format!("{} without stream metadata", count(others, "manifest")));
        }
        let sourced = |document| Sourced { document, legacy: Arc::clone(legacy) };
        self.documents.extend(documents.into_iter().map(sourced));
        Ok(())
    }
}
