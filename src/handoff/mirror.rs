//! Copies the files of a stream to a directory, where each gets its name only after verification.
//!
//! | file | content |
//! | --- | --- |
//! | `plan` | the path of each file, which cannot leave the directory |
//! | `fetch` | one file: kept if it is right, else resumed or downloaded, verified, renamed, linked |
//! | `sink` | writes and hashes a download in one pass, on a blocking thread |
//! | `sidecars` | `sha256sum.txt`, `rhcos-id.txt`, `meta.json` |

mod fetch;
mod plan;
mod sidecars;
mod sink;

pub use fetch::{FetchFailure, Fetcher};
pub use plan::{Arrangement, MirrorPlan, PlanError, Planned, PlannedDirectory};
pub use sidecars::write_sidecars;
pub use sink::Received;

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::directory::{RHCOS_ID_TXT, SHA256SUM_TXT};
use crate::text::excerpt;

/// Why a run must not write to a directory.
#[derive(Debug, thiserror::Error)]
pub enum NotClaimed {
    #[error("{}: another run is writing here; try again when it has finished", .0.display())]
    Busy(PathBuf),
    #[error("{}: {found}, but build {build} would go there; if nothing needs the existing files, pass --replace", path.display())]
    Occupied { path: PathBuf, found: String, build: String },
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// Locks a plan's directories until the result is dropped, so that no other run writes to them, and writes their
/// `rhcos-id.txt`. Without `replace`, files of another build in a directory are an error.
pub fn claim(root: &Path, plan: &MirrorPlan, replace: bool) -> Result<Vec<File>, NotClaimed> {
    let mut locks = Vec::new();
    let parents = plan.files.iter().filter_map(|file| file.path.parent());
    let directories: BTreeSet<PathBuf> = parents.map(|parent| root.join(parent)).collect();
    for path in std::iter::once(root.to_owned()).chain(directories.into_iter().filter(|path| path != root)) {
        let opened = fs::create_dir_all(&path).and_then(|()| File::open(&path));
        let file = opened.map_err(|error| NotClaimed::Io { path: path.clone(), error })?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(NotClaimed::Busy(path)),
            // Some network file systems cannot lock directories; runs there are not protected from each other.
            Ok(()) | Err(TryLockError::Error(_)) => locks.push(file),
        }
    }
    for (path, PlannedDirectory { build, .. }) in &plan.directories {
        let directory = root.join(path);
        let id = directory.join(RHCOS_ID_TXT);
        let io = |path: &Path, error| NotClaimed::Io { path: path.to_owned(), error };
        let occupied =
            |path: PathBuf, found: String| NotClaimed::Occupied { path, found, build: build.to_string() };
        let existing = match fs::read_to_string(&id) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => Some(read.map_err(|error| io(&id, error))?),
        };
        let existing = existing.as_deref().map(str::trim);
        if let Some(other) = existing.filter(|existing| !replace && *existing != build.as_str()) {
            return Err(occupied(directory, format!("{RHCOS_ID_TXT} names build {}", excerpt(other, 80))));
        }
        // A name with the build ID, or a sum of the planned content, shows that the file is of this build.
        let sums = sidecars::earlier_sums(&directory);
        let is_of_build = |file: &Planned| {
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            name.contains(build.as_str()) || sums.get(&*name) == Some(&file.sha256)
        };
        let others = plan.files.iter().filter(|file| file.path.parent() == Some(path) && !is_of_build(file));
        for file in others.filter(|_| !replace) {
            let path = root.join(&file.path);
            let found = fetch::digest_of(&path).map_err(|error| io(&path, error))?;
            if found.is_some_and(|it| it != file.sha256) {
                return Err(occupied(
                    path,
                    format!("its content differs, and no {SHA256SUM_TXT} says that it is damaged"),
                ));
            }
        }
        if existing != Some(build.as_str()) {
            sidecars::write_id(&directory, build).map_err(|error| io(&id, error))?;
        }
    }
    Ok(locks)
}

/// The bytes that remain to be downloaded for files of known size, without those of an earlier, interrupted run.
pub fn bytes_to_fetch(directory: &Path, plan: &MirrorPlan) -> u64 {
    let length = |path: &Path| {
        let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file);
        metadata.map(|metadata| metadata.len())
    };
    let bytes = plan.files.iter().filter_map(|file| {
        let (path, size) = (directory.join(&file.path), file.size?);
        if length(&path) == Some(size) {
            return None;
        }
        let earlier = length(&fetch::part_path(&path)).filter(|earlier| *earlier <= size);
        Some(size - earlier.unwrap_or(0))
    });
    bytes.fold(0, u64::saturating_add)
}

/// The free space of a directory's file system, in bytes.
pub fn free_space(directory: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(directory)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests;
