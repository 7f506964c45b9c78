//! A stream's files in a directory, each verified before it has its name.
//!
//! | file | what |
//! | --- | --- |
//! | `plan` | what goes where: names that cannot leave the directory |
//! | `fetch` | one file: kept if it is right, else resumed or fetched, verified, named, linked |
//! | `sink` | the bytes on a blocking thread: written and hashed in one pass |
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

/// Why nothing is written to a directory.
#[derive(Debug, thiserror::Error)]
pub enum NotClaimed {
    #[error("{}: another run is writing here; try again when it has finished", .0.display())]
    Busy(PathBuf),
    #[error("{}: {found}, but build {build} would go there; if nothing needs the existing files, pass --replace", path.display())]
    Occupied { path: PathBuf, found: String, build: String },
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// Makes a plan's directories this run's own, until the result is dropped: no other run may write to them, and unless
/// what is there may be replaced, they hold nothing of another build. A directory says from the beginning which
/// build it gets.
pub fn claim(root: &Path, plan: &MirrorPlan, replace: bool) -> Result<Vec<File>, NotClaimed> {
    let mut locks = Vec::new();
    let parents = plan.files.iter().filter_map(|file| file.path.parent());
    let directories: BTreeSet<PathBuf> = parents.map(|parent| root.join(parent)).collect();
    for path in std::iter::once(root.to_owned()).chain(directories.into_iter().filter(|path| path != root)) {
        let opened = fs::create_dir_all(&path).and_then(|()| File::open(&path));
        let file = opened.map_err(|error| NotClaimed::Io { path: path.clone(), error })?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(NotClaimed::Busy(path)),
            // Some network file systems lock no directories: then nobody else could either.
            Ok(()) | Err(TryLockError::Error(_)) => locks.push(file),
        }
    }
    for (path, PlannedDirectory { build, .. }) in &plan.directories {
        let directory = root.join(path);
        let id = directory.join(RHCOS_ID_TXT);
        let io = |path: &Path, error| NotClaimed::Io { path: path.to_owned(), error };
        let occupied =
            |path: PathBuf, found: String| NotClaimed::Occupied { path, found, build: build.to_string() };
        let held = match fs::read_to_string(&id) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            read => Some(read.map_err(|error| io(&id, error))?),
        };
        let held = held.as_deref().map(str::trim);
        if let Some(held) = held.filter(|held| !replace && *held != build.as_str()) {
            return Err(occupied(directory, format!("{RHCOS_ID_TXT} names build {}", excerpt(held, 80))));
        }
        // A name with the build ID is of no other build, and what should be the right bytes may be replaced.
        let sums = sidecars::earlier(&directory);
        let is_ours = |file: &Planned| {
            let name = file.path.file_name().unwrap_or_default().to_string_lossy();
            name.contains(build.as_str()) || sums.get(&*name) == Some(&file.sha256)
        };
        let others = plan.files.iter().filter(|file| file.path.parent() == Some(path) && !is_ours(file));
        for file in others.filter(|_| !replace) {
            let path = root.join(&file.path);
            let there = fetch::digest_of(&path).map_err(|error| io(&path, error))?;
            if there.is_some_and(|it| it != file.sha256) {
                return Err(occupied(
                    path,
                    format!("its content differs, and no {SHA256SUM_TXT} says that it is damaged"),
                ));
            }
        }
        if held != Some(build.as_str()) {
            sidecars::write_id(&directory, build).map_err(|error| io(&id, error))?;
        }
    }
    Ok(locks)
}

/// The bytes that are still to come into a directory, as far as sizes are known. What an earlier run left of a
/// file is there already.
pub fn to_come(directory: &Path, plan: &MirrorPlan) -> u64 {
    let length = |path: &Path| {
        let metadata = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file);
        metadata.map(|metadata| metadata.len())
    };
    let bytes = plan.files.iter().filter_map(|file| {
        let (path, size) = (directory.join(&file.path), file.size?);
        if length(&path) == Some(size) {
            return None;
        }
        let begun = length(&fetch::part_of(&path)).filter(|begun| *begun <= size);
        Some(size - begun.unwrap_or(0))
    });
    bytes.fold(0, u64::saturating_add)
}

/// The space that is free for a directory's files, in bytes.
pub fn free_space(directory: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(directory)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests;
