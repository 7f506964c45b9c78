//! One file: kept if it is right, else resumed or fetched, verified, named, linked.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::plan::Planned;
use super::sink::{FileSink, Hash, Received};
use crate::location::ArtifactUrl;
use crate::probe::{Client, Extent, Observation, Unfinished};
use crate::stream::Sha256;

/// A file may be larger than anybody said by so much, in bytes, before it is taken to have no end.
const SLACK_BYTES: u64 = 1024 * 1024;

/// The largest file of which nobody says the size, in bytes.
const MAX_UNSAID_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// Fetches files into a directory.
pub struct Fetcher<'f> {
    client: &'f Client,
    directory: PathBuf,
    received: Received,
}

/// Why a file is not there.
#[derive(Debug, thiserror::Error)]
pub enum FetchFailure {
    #[error("{}", said(.0))]
    Observed(Observation),
    #[error("the server has different content: sha256 {found}, expected {expected}")]
    Sha256 { expected: Sha256, found: Sha256 },
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

impl FetchFailure {
    /// Whether something is known to be wrong, rather than not known to be right.
    pub const fn is_wrong(&self) -> bool {
        match self {
            Self::Sha256 { .. } => true,
            Self::Observed(observation) => !matches!(observation, Observation::Undetermined(_)),
            Self::Io { .. } => false,
        }
    }
}

fn said(observation: &Observation) -> String {
    match observation {
        Observation::Present { status, .. } => format!("the server answered {status}"),
        Observation::Absent { status, how } => how.describe(*status),
        Observation::Refused(refusal) => refusal.to_string(),
        Observation::Undetermined(error) => error.detail.clone(),
    }
}

impl<'f> Fetcher<'f> {
    /// Fetches into a directory. `received` counts bytes.
    pub fn new(client: &'f Client, directory: &Path, received: Received) -> Self {
        Self { client, directory: directory.to_owned(), received }
    }

    /// Sees to it that a file is there, and right, under all its names. How it came to be: `kept`, `fetched`,
    /// `resumed` from an earlier run's bytes, or `replaced`.
    pub async fn fetch(&self, planned: &Planned) -> Result<&'static str, FetchFailure> {
        let path = self.directory.join(&planned.path);
        let io = |error| FetchFailure::Io { path: path.clone(), error };
        let parent = path.parent().unwrap_or(&self.directory);
        fs::create_dir_all(parent).map_err(io)?;
        let there = digest_aside(&path).await.map_err(io)?;
        let fetched = if there == Some(planned.sha256) {
            self.received.fetch_add(planned.size.unwrap_or(0), Ordering::Relaxed);
            "kept"
        } else {
            let resumed = self.download(planned, &path).await?;
            match (there, resumed) {
                (Some(_), _) => "replaced",
                (None, true) => "resumed",
                (None, false) => "fetched",
            }
        };
        for name in &planned.links {
            let link_path = parent.join(name);
            link(&path, &link_path).map_err(|error| FetchFailure::Io { path: link_path, error })?;
        }
        Ok(fetched)
    }

    /// Fetches to a name beside the file's own, and gives it that once it is verified. Whether an earlier run's
    /// bytes were used.
    async fn download(&self, planned: &Planned, path: &Path) -> Result<bool, FetchFailure> {
        let part = part_of(path);
        let io = |error| FetchFailure::Io { path: part.clone(), error };
        let mut held = held(&part, planned.size).await.map_err(io)?;
        loop {
            let had = held.1;
            let found = if planned.size == Some(had) && had > 0 {
                held.0.finish()
            } else {
                let limit = planned.size.map_or(MAX_UNSAID_BYTES, |size| size.saturating_add(SLACK_BYTES));
                self.transfer(&planned.url, limit, &part, held).await?
            };
            if found == planned.sha256 {
                readable(&part).and_then(|()| fs::rename(&part, path)).map_err(io)?;
                return Ok(had > 0);
            }
            fs::remove_file(&part).map_err(io)?;
            if had == 0 {
                return Err(FetchFailure::Sha256 { expected: planned.sha256, found });
            }
            // What was there may have been of another file: once more, from the beginning.
            held = (Hash::new(), 0);
        }
    }

    /// Fetches at most so many bytes behind those that are there, and says the digest of all.
    async fn transfer(
        &self,
        url: &ArtifactUrl,
        limit: u64,
        part: &Path,
        (hash, had): (Hash, u64),
    ) -> Result<Sha256, FetchFailure> {
        let io = |error| FetchFailure::Io { path: part.to_owned(), error };
        self.client
            .rules()
            .admit(url)
            .map_err(|refusal| FetchFailure::Observed(Observation::Refused(refusal)))?;
        let file = OpenOptions::new().append(true).create(true).open(part).map_err(io)?;
        let mut sink = FileSink::new(file, hash, had, self.received.clone());
        let extent = Extent { limit, size: None };
        let outcome = self.client.download_on(url.url(), extent, had, &mut sink, &mut 0).await;
        match outcome {
            Ok(_) => sink.finish().await.map_err(io),
            Err(Unfinished::Observed(observation)) => {
                // Nothing that was written is lost for the next run, and nothing empty is left behind.
                drop(sink);
                if matches!(observation, Observation::Absent { .. } | Observation::Refused(_)) {
                    let _ = fs::remove_file(part);
                }
                Err(FetchFailure::Observed(observation))
            }
            Err(Unfinished::Sink(_)) => {
                let why = sink.finish().await.err();
                Err(io(why.unwrap_or_else(|| io::Error::other("the file could not be written"))))
            }
        }
    }
}

/// The name of a file that is on its way. No planned file's name begins with a dot.
pub(super) fn part_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.part"))
}

/// What an earlier run left of a file. More than the file can have is no beginning of it.
async fn held(part: &Path, size: Option<u64>) -> io::Result<(Hash, u64)> {
    let nothing = (Hash::new(), 0);
    match fs::symlink_metadata(part) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(nothing),
        Err(error) => return Err(error),
        Ok(metadata) if metadata.is_file() && size.is_none_or(|size| metadata.len() <= size) => {}
        Ok(_) => {
            fs::remove_file(part)?;
            return Ok(nothing);
        }
    }
    let part = part.to_owned();
    let hashed = tokio::task::spawn_blocking(move || Hash::of(File::open(part)?));
    hashed.await.map_err(io::Error::other)?
}

/// The digest of a file, if there is one. A link is not followed: it may lead anywhere.
pub(super) fn digest_of(path: &Path) -> io::Result<Option<Sha256>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(metadata) if metadata.is_file() => Ok(Some(Hash::of(File::open(path)?)?.0.finish())),
        Ok(_) => Err(io::Error::other("its path is not a regular file")),
    }
}

async fn digest_aside(path: &Path) -> io::Result<Option<Sha256>> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || digest_of(&path)).await.map_err(io::Error::other)?
}

/// Gives a file a second name, in place of whatever has that now. Where links cannot be, a copy is made.
fn link(file: &Path, name: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let node = |path: &Path| fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()));
    if node(name).is_ok_and(|there| node(file).is_ok_and(|file| file == there)) {
        return Ok(());
    }
    let part = part_of(name);
    remove_if_there(&part)?;
    if fs::hard_link(file, &part).is_err() {
        fs::copy(file, &part)?;
    }
    fs::rename(&part, name)
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}
