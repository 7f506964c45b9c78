//! A stream's files in a directory, each verified before it has its name.
//!
//! | file | what |
//! | --- | --- |
//! | `plan` | what goes where: names that cannot leave the directory |
//! | `request` | the requests that are carried out: `sync-list`'s and the gate's |
//! | `fetch` | one file: kept if it is right, else resumed or fetched, verified, named, linked |
//! | `sink` | the bytes on a blocking thread: written and hashed in one pass |
//! | `sidecars` | `sha256sum.txt`, `rhcos-id.txt`, `meta.json` |

mod fetch;
mod plan;
mod request;
mod sidecars;
mod sink;

pub use fetch::{Copied, Failure, Fetched, Fetcher};
pub use plan::{Arrangement, Directory, Plan, PlanError, Planned, PlannedSignature, Wanted};
pub use request::is_of_the_gate;
pub use sidecars::write_sidecars;

use std::fs;
use std::io;
use std::path::Path;

/// The bytes that are still to come into a directory, as far as sizes are known. What an earlier run left of a
/// file is there already.
pub fn to_come(directory: &Path, plan: &Plan) -> u64 {
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
