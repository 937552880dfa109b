//! What lies at a path, and how it is opened, without following anything.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::bucket::Doing;
use crate::error::unwritten;
use crate::error::{Error, Kind, Result};

/// The right that it needs.
fn right(doing: Doing) -> &'static str {
    match doing {
        Doing::List => "to read and enter it",
        Doing::Read => "to read it",
        Doing::Write | Doing::Delete => "to write to its folder",
    }
}

/// What went wrong, as far as it is not something that we can go on with.
pub(super) fn failed(doing: Doing, path: &Path, error: io::Error) -> Error {
    let (done, right) = (doing.done(), right(doing));
    let doing = format!("'{}' could not be {done}", path.display());
    match error.kind() {
        ErrorKind::PermissionDenied => {
            Error::new(Kind::Forbidden, format!("{doing}: give the user that Rollbook runs as the right {right}"))
        }
        ErrorKind::ReadOnlyFilesystem => Error::new(Kind::Forbidden, format!("{doing}: it lies on a read-only disk")),
        ErrorKind::IsADirectory | ErrorKind::NotADirectory => Error::request(format!("{doing}: {error}")),
        _ => unwritten(&doing, error),
    }
}

/// What lies at a path, if anything does.
pub(super) fn kind(doing: Doing, path: &Path) -> Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(doing, path, error)),
    }
}

/// The error about something that should be a folder.
pub(super) fn is_foreign(path: &Path, metadata: &Metadata) -> Error {
    Error::request(format!("'{}' is {}: it must be a directory", path.display(), called(metadata)))
}

/// What somebody would call it.
pub(super) fn called(metadata: &Metadata) -> &'static str {
    match metadata {
        metadata if metadata.is_symlink() => "a symbolic link, which is not followed",
        metadata if metadata.is_file() => "a file",
        metadata if metadata.is_dir() => "a directory",
        _ => "neither a file nor a directory",
    }
}

/// Has the names in a directory survive a power loss.
pub(super) fn sync(directory: &Path) -> Result<()> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| failed(Doing::Write, directory, error))
}

/// Opens a file for reading. If something else took its place since it was looked at, this neither follows nor waits.
pub(super) fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)
}

/// The number of the file: another one under the same name has another, while both are there.
pub(super) fn number(metadata: &Metadata) -> String {
    metadata.ino().to_string()
}
