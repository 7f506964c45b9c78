//! What a mirror directory may hold, and under which names.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::location::{ArtifactUrl, BuildId, BuildIdError, FileId, Location};
use crate::text::excerpt;

/// The sidecar with the build ID of a directory.
pub(super) const RHCOS_ID_TXT: &str = "rhcos-id.txt";

/// The sidecar with the digests of a directory's files.
pub(super) const SHA256SUM_TXT: &str = "sha256sum.txt";

/// Names that belong to sidecars.
pub(super) const SIDECARS: [&str; 4] = [SHA256SUM_TXT, "sha256sum.txt.gpg", RHCOS_ID_TXT, "meta.json"];

/// The build of each directory, and the document that assigned it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directories(BTreeMap<String, (String, BuildId)>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{directory} can hold one build of an architecture, but two would go there: {first}, and {second}. Handle one stream at a time, each with its own --release-version; mirror --layout build gives each build a directory"
)]
pub struct TwoBuilds {
    directory: String,
    first: String,
    second: String,
}

impl Directories {
    /// Assigns the directory of a file to the build of the file or its document. A file of unknown build
    /// assigns nothing: it is not mirrored either.
    pub fn claim_for(&mut self, file: &ArtifactUrl, document: &str, release: &str) -> Result<(), TwoBuilds> {
        let build = Location::read(file).ok().and_then(|location| build_of(&location, release).ok());
        build.map_or(Ok(()), |build| self.claim(file.directory(), document, &build))
    }

    /// Assigns a directory to a build of a document.
    pub fn claim(
        &mut self,
        directory: impl Display,
        document: &str,
        build: &BuildId,
    ) -> Result<(), TwoBuilds> {
        let directory = directory.to_string();
        self.check(&directory, document, build)?;
        self.0.entry(directory).or_insert_with(|| (document.to_owned(), build.clone()));
        Ok(())
    }

    pub(super) fn check(&self, directory: &str, document: &str, build: &BuildId) -> Result<(), TwoBuilds> {
        let shown = |document: &str, build: &BuildId| format!("build {build} of {}", excerpt(document, 200));
        match self.0.get(directory) {
            Some((other, assigned)) if assigned != build => Err(TwoBuilds {
                directory: excerpt(directory, 300),
                first: shown(other, assigned),
                second: shown(document, build),
            }),
            _ => Ok(()),
        }
    }
}

/// The build of a file, from its URL, or else from its document.
pub(super) fn build_of(location: &Location, release: &str) -> Result<BuildId, BuildIdError> {
    location.build().cloned().map_or_else(|| release.parse(), Ok)
}

/// The version-less names that the mirror adds for a file: for live images also the older one that some
/// portals still use.
pub(super) fn second_names(location: &Location) -> Vec<String> {
    let version = match location.file().id() {
        Some(FileId::Build(build)) => format!("-{build}"),
        Some(FileId::Release(version)) => format!("-{}", version.in_file_name(location.arch())),
        Some(FileId::Unversioned) | None => return Vec::new(),
    };
    let name = location.file().as_str().replacen(&version, "", 1);
    let installer = name.strip_prefix("rhcos-live-").map(|rest| format!("rhcos-installer-{rest}"));
    [Some(name), installer].into_iter().flatten().collect()
}
