//! Files that appear under their name whole or not at all.

use std::fs::{File, Permissions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};
use tempfile::NamedTempFile;

/// How the name of a file begins and ends that is not whole yet.
const PREFIX: &str = ".art-mirror-validate-";
const SUFFIX: &str = ".part";

/// Where an open file can be linked from; a bare root has no `/proc`.
const DESCRIPTORS: &str = "/proc/self/fd";

/// A file that has no name while it is written, or one that says so.
#[derive(Debug)]
enum Temporary {
    /// Without a name it is gone whatever ends the program.
    Nameless(File),
    /// Where the file system has no files without a name.
    Named(NamedTempFile),
}

/// Writes a file, readable by everybody, and gives it its name, which replaces what was there in one step. Not synced
/// to the disk: a kill cannot tear the file, and what survives a power failure of a CI node is nobody's concern.
pub(crate) fn write(
    directory: &Path,
    path: &Path,
    render: &dyn Fn(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let unfinished = match nameless(directory) {
        Ok(file) => Temporary::Nameless(file),
        Err(_) => Temporary::Named(named(directory)?),
    };
    let handle = match &unfinished {
        Temporary::Nameless(file) => file,
        Temporary::Named(file) => file.as_file(),
    };
    // Whatever the process's mask says: the uploader runs as another user.
    handle.set_permissions(Permissions::from_mode(0o644))?;
    let mut out = BufWriter::new(handle.try_clone()?);
    render(&mut out)?;
    out.flush()?;
    let named = match unfinished {
        Temporary::Named(file) => file,
        Temporary::Nameless(file) => give_a_name(directory, &file)?,
    };
    named.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A file without a name, if the file system has such files and one can be given a name later.
fn nameless(directory: &Path) -> io::Result<File> {
    std::fs::metadata(DESCRIPTORS)?;
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    Ok(openat(CWD, directory, flags, Mode::from(0o644))?.into())
}

fn named(directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).tempfile_in(directory)
}

/// Links a whole file to a name of its own, from where it can be moved over another: a link replaces nothing.
fn give_a_name(directory: &Path, file: &File) -> io::Result<NamedTempFile> {
    use std::os::fd::AsRawFd as _;

    let nameless = format!("{DESCRIPTORS}/{}", file.as_raw_fd());
    let link = |path: &Path| {
        linkat(CWD, &nameless, CWD, path, AtFlags::SYMLINK_FOLLOW)?;
        file.try_clone()
    };
    tempfile::Builder::new().prefix(PREFIX).suffix(SUFFIX).make_in(directory, link)
}
