//! Writing files atomically: a reader sees the whole file or none.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};
use tempfile::NamedTempFile;

/// The beginning and end of the name of an incomplete file.
const PREFIX: &str = ".art-mirror-validate-";
const SUFFIX: &str = ".part";

/// The path to link an open file from; a minimal root file system has no `/proc`.
const DESCRIPTORS: &str = "/proc/self/fd";

/// An incomplete file.
#[derive(Debug)]
enum Temporary {
    /// Unnamed (`O_TMPFILE`), so that it disappears however the process ends.
    Unnamed(File),
    /// For file systems without unnamed files.
    Named(NamedTempFile),
}

/// Writes a file with mode 0644 and replaces `path` with it atomically. It is not synced to disk: a killed process
/// cannot leave a partial file, and files of a CI node need not survive a power failure.
pub(crate) fn write(
    directory: &Path,
    path: &Path,
    render: &dyn Fn(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let unfinished = match unnamed(directory) {
        Ok(file) => Temporary::Unnamed(file),
        Err(_) => Temporary::Named(named(directory)?),
    };
    let handle = match &unfinished {
        Temporary::Unnamed(file) => file,
        Temporary::Named(file) => file.as_file(),
    };
    // Independent of the umask, because the uploader runs as another user.
    handle.set_permissions(Permissions::from_mode(0o644))?;
    let mut out = BufWriter::new(handle.try_clone()?);
    render(&mut out)?;
    out.flush()?;
    let named = match unfinished {
        Temporary::Named(file) => file,
        Temporary::Unnamed(file) => link_named(directory, &file)?,
    };
    named.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Creates an unnamed file, if the file system supports it and it can be linked later.
fn unnamed(directory: &Path) -> io::Result<File> {
    std::fs::metadata(DESCRIPTORS)?;
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    Ok(openat(CWD, directory, flags, Mode::from(0o644))?.into())
}

fn named(directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(directory)
}

/// Links a complete file to a temporary name, from which it is renamed: a link cannot replace an existing file.
fn link_named(directory: &Path, file: &File) -> io::Result<NamedTempFile> {
    use std::os::fd::AsRawFd as _;

    let unnamed = format!("{DESCRIPTORS}/{}", file.as_raw_fd());
    let link = |path: &Path| {
        linkat(CWD, &unnamed, CWD, path, AtFlags::SYMLINK_FOLLOW)?;
        file.try_clone()
    };
    tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).make_in(directory, link)
}
