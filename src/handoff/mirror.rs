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

pub use fetch::{Failure, Fetched, Fetcher};
pub use plan::{Arrangement, Directory, Plan, PlanError, Planned};
pub use sidecars::write_sidecars;

use std::io;
use std::path::Path;

/// The space that is free for a directory's files, in bytes.
pub fn free_space(directory: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(directory)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(test)]
mod tests;
