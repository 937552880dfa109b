//! A file that a command was asked to write: it appears whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rollbook::error::{Error, Result};

/// A file being written, under another name until it is complete. A pipe or a device is written as it is.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    /// The name until then; none for a pipe or a device.
    incoming: Option<PathBuf>,
    out: BufWriter<File>,
}

impl NewFile {
    pub(crate) fn create(path: &Path) -> Result<NewFile> {
        let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
        let incoming = (!is_special).then(|| {
            let mut name = path.file_name().map(OsString::from).unwrap_or_default();
            name.push(".incoming");
            path.with_file_name(name)
        });
        let target = incoming.as_deref().unwrap_or(path);
        let file = match is_special {
            true => File::options().write(true).open(target),
            false => File::create(target),
        };
        let file = file.map_err(|error| unwritable(path, error))?;
        Ok(NewFile { path: path.to_owned(), incoming, out: BufWriter::new(file) })
    }

    /// Gives the file its name.
    pub(crate) fn finish(mut self) -> Result<()> {
        let done = self.out.flush().and_then(|()| match &self.incoming {
            Some(incoming) => fs::rename(incoming, &self.path),
            None => Ok(()),
        });
        done.map_err(|error| unwritable(&self.path, error))?;
        self.incoming = None;
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(incoming) = &self.incoming {
            let _ = fs::remove_file(incoming);
        }
    }
}

/// Checks that a file can be made there, before anything is done whose account would be lost.
///
/// # Errors
/// `Request` if the folder is not there or the path is a folder itself.
pub(crate) fn check_place(path: &Path) -> Result<()> {
    let refuse = |why: &str| Err(Error::request(format!("'{}' cannot be written: {why}", path.display())));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.is_dir() {
        false => refuse("there is no such folder"),
        true if path.is_dir() => refuse("it is a folder"),
        true => Ok(()),
    }
}

fn unwritable(path: &Path, error: io::Error) -> Error {
    Error::storage(format!("the file '{}' could not be written", path.display()), error)
}
