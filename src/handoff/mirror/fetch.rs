//! Fetches one file: kept if it is right, else resumed or downloaded, verified, renamed, linked.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::plan::Planned;
use super::sink::{FileSink, Hash, Received};
use crate::location::ArtifactUrl;
use crate::probe::{Client, Extent, Observation, Unfinished};
use crate::stream::Sha256;

/// The most bytes that a file may have beyond its known size, against an endless response.
const SLACK_BYTES: u64 = 1024 * 1024;

/// The size limit of a file of unknown size, in bytes.
const MAX_UNKNOWN_BYTES: u64 = 64 * 1024 * 1024 * 1024;

/// Fetches files into a directory.
pub struct Fetcher<'f> {
    client: &'f Client,
    directory: PathBuf,
    received: Received,
}

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchFailure {
    #[error("{}", description(.0))]
    Observed(Observation),
    #[error("the server has different content: sha256 {found}, expected {expected}")]
    Sha256 { expected: Sha256, found: Sha256 },
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

impl FetchFailure {
    /// Whether the file is known to be missing or wrong, instead of undetermined.
    pub const fn is_wrong(&self) -> bool {
        match self {
            Self::Sha256 { .. } => true,
            Self::Observed(observation) => !matches!(observation, Observation::Undetermined(_)),
            Self::Io { .. } => false,
        }
    }
}

fn description(observation: &Observation) -> String {
    match observation {
        Observation::Present { status, .. } => format!("the server answered {status}"),
        Observation::Absent { status, how } => how.describe(*status),
        Observation::Refused(refusal) => refusal.to_string(),
        Observation::Undetermined(error) => error.detail.clone(),
    }
}

impl<'f> Fetcher<'f> {
    /// Fetches to a directory, and counts the bytes in `received`.
    pub fn new(client: &'f Client, directory: &Path, received: Received) -> Self {
        Self { client, directory: directory.to_owned(), received }
    }

    /// Makes a verified file available under all its names. Returns `kept`, `fetched`, `resumed` (from an earlier run's
    /// bytes) or `replaced`.
    pub async fn fetch(&self, planned: &Planned) -> Result<&'static str, FetchFailure> {
        let path = self.directory.join(&planned.path);
        let io = |error| FetchFailure::Io { path: path.clone(), error };
        let parent = path.parent().unwrap_or(&self.directory);
        fs::create_dir_all(parent).map_err(io)?;
        let existing = digest_off_thread(&path).await.map_err(io)?;
        let result = if existing == Some(planned.sha256) {
            self.received.fetch_add(planned.size.unwrap_or(0), Ordering::Relaxed);
            "kept"
        } else {
            let resumed = self.download(planned, &path).await?;
            match (existing, resumed) {
                (Some(_), _) => "replaced",
                (None, true) => "resumed",
                (None, false) => "fetched",
            }
        };
        for name in &planned.links {
            let link_path = parent.join(name);
            link(&path, &link_path).map_err(|error| FetchFailure::Io { path: link_path, error })?;
        }
        Ok(result)
    }

    /// Downloads to a temporary name, and renames the file once it is verified. Returns whether an earlier run's bytes
    /// were used.
    async fn download(&self, planned: &Planned, path: &Path) -> Result<bool, FetchFailure> {
        let part = part_path(path);
        let io = |error| FetchFailure::Io { path: part.clone(), error };
        let (mut hash, mut length) = earlier_part(&part, planned.size).await.map_err(io)?;
        loop {
            let found = if planned.size == Some(length) && length > 0 {
                hash.finish()
            } else {
                let limit = planned.size.map_or(MAX_UNKNOWN_BYTES, |size| size.saturating_add(SLACK_BYTES));
                self.transfer(&planned.url, limit, &part, (hash, length)).await?
            };
            if found == planned.sha256 {
                make_readable(&part).and_then(|()| fs::rename(&part, path)).map_err(io)?;
                return Ok(length > 0);
            }
            fs::remove_file(&part).map_err(io)?;
            if length == 0 {
                return Err(FetchFailure::Sha256 { expected: planned.sha256, found });
            }
            // The earlier run's bytes may be of another file, so the download starts over.
            (hash, length) = (Hash::new(), 0);
        }
    }

    /// Downloads the bytes after an earlier run's, which have this hash and length. Returns the digest of the file, which
    /// can have at most `limit` bytes.
    async fn transfer(
        &self,
        url: &ArtifactUrl,
        limit: u64,
        part: &Path,
        (hash, length): (Hash, u64),
    ) -> Result<Sha256, FetchFailure> {
        let io = |error| FetchFailure::Io { path: part.to_owned(), error };
        self.client
            .rules()
            .admit(url)
            .map_err(|refusal| FetchFailure::Observed(Observation::Refused(refusal)))?;
        let file = OpenOptions::new().append(true).create(true).open(part).map_err(io)?;
        let mut sink = FileSink::new(file, hash, length, self.received.clone());
        let extent = Extent { limit, size: None };
        let outcome = self.client.download_on(url.url(), extent, length, &mut sink, &mut 0).await;
        match outcome {
            Ok(_) => sink.finish().await.map_err(io),
            Err(Unfinished::Observed(observation)) => {
                // The next run resumes after the bytes so far, unless the file is gone or may not be requested.
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

/// The temporary path of a download. No planned file's name begins with a dot.
pub(super) fn part_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.part"))
}

/// The hash and length of what an earlier run downloaded of a file. If that is longer than the file, it is deleted.
async fn earlier_part(part: &Path, size: Option<u64>) -> io::Result<(Hash, u64)> {
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

/// The digest of a file; `None` if there is none. A link, which could lead anywhere, is an error.
pub(super) fn digest_of(path: &Path) -> io::Result<Option<Sha256>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(metadata) if metadata.is_file() => Ok(Some(Hash::of(File::open(path)?)?.0.finish())),
        Ok(_) => Err(io::Error::other("its path is not a regular file")),
    }
}

async fn digest_off_thread(path: &Path) -> io::Result<Option<Sha256>> {
    let path = path.to_owned();
    tokio::task::spawn_blocking(move || digest_of(&path)).await.map_err(io::Error::other)?
}

/// Gives a file a second name, replacing an existing file. If the file system has no hard links, the file is copied.
fn link(file: &Path, name: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let node = |path: &Path| fs::symlink_metadata(path).map(|metadata| (metadata.dev(), metadata.ino()));
    if node(name).is_ok_and(|existing| node(file).is_ok_and(|file| file == existing)) {
        return Ok(());
    }
    let part = part_path(name);
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

fn make_readable(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o644))
}
