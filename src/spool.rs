//! Where accepted bytes wait.
//!
//! A file is spooled before its import is queued, and stays until the import is over, that of a dry run for a day more:
//! what is imported are exactly the bytes that were accepted, whatever happens to the customer's file meanwhile. What is
//! in the bytes is not known here.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::import::ImportId;

/// A directory with one file for each import that is not over.
#[derive(Clone, Debug)]
pub struct Spool {
    directory: PathBuf,
}

impl Spool {
    /// Opens a spool, making its directory if need be.
    pub fn open(directory: PathBuf) -> Result<Spool> {
        let doing = || format!("the spool '{}' could not be made", directory.display());
        fs::create_dir_all(&directory).map_err(|error| Error::storage(doing(), error))?;
        Ok(Spool { directory })
    }

    /// Opens the bytes of an import.
    pub fn read(&self, id: ImportId) -> Result<File> {
        let path = self.path(id);
        let doing = || format!("the spooled file '{}' could not be read", path.display());
        File::open(&path).map_err(|error| Error::storage(doing(), error))
    }

    /// Whether the bytes of an import are there, all of them.
    pub fn is_whole(&self, id: ImportId, size: u64) -> bool {
        fs::metadata(self.path(id)).is_ok_and(|metadata| metadata.len() == size)
    }

    /// Where the bytes of an import lie.
    fn path(&self, id: ImportId) -> PathBuf {
        self.directory.join(format!("{id}.csv"))
    }

    /// Copies a file into the spool, by reference where the file system can; says how many bytes it has.
    ///
    /// # Errors
    /// `Request` if there is no such file, `Storage` if it cannot be copied.
    pub fn accept_file(&self, id: ImportId, source: &Path) -> Result<u64> {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Error::request("there is no such file").in_file(source.display().to_string()),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Error::storage(format!("there is no room for a copy of '{}'", source.display()), error)
            }
            _ => Error::storage(format!("the file '{}' could not be read", source.display()), error),
        };
        let metadata = fs::metadata(source).map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Error::request("this is a directory, not a file").in_file(source.display().to_string()));
        }
        self.place(id, |incoming| match metadata.is_file() {
            true => reflink_copy::reflink_or_copy(source, incoming).map(drop).map_err(unreadable),
            // A pipe has no length and cannot be copied by reference.
            false => copy(&mut File::open(source).map_err(unreadable)?, incoming),
        })
    }

    /// Copies a stream into the spool; says how many bytes it had.
    pub fn accept(&self, id: ImportId, source: &mut dyn Read) -> Result<u64> {
        self.place(id, |incoming| copy(source, incoming))
    }

    /// The same bytes for another import.
    pub fn share(&self, from: ImportId, to: ImportId) -> Result<u64> {
        self.accept_file(to, &self.path(from))
    }

    /// Removes the bytes of an import, if they are there.
    pub fn remove(&self, id: ImportId) -> Result<()> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::storage(format!("the spooled file of import {id} could not be removed"), error))
            }
            _ => Ok(()),
        }
    }

    /// Removes files that belong to none of these imports and are older than `age`, so that one just being accepted
    /// is left alone.
    pub fn sweep(&self, keep: &HashSet<ImportId>, age: Duration) -> Result<()> {
        let doing = || format!("the spool '{}' could not be read", self.directory.display());
        let failed = |error| Error::storage(doing(), error);
        for file in fs::read_dir(&self.directory).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            let id = path.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            let modified = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
            let is_old = modified.and_then(|modified| modified.elapsed().ok()).is_some_and(|elapsed| elapsed > age);
            if is_old && !id.is_some_and(|id| keep.contains(&id)) {
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }

    /// A file appears in the spool whole or not at all.
    fn place(&self, id: ImportId, write: impl FnOnce(&Path) -> Result<()>) -> Result<u64> {
        let incoming = self.directory.join(format!("{id}.incoming"));
        let _ = fs::remove_file(&incoming);
        let placed = write(&incoming).and_then(|()| {
            let size = fs::metadata(&incoming).map(|metadata| metadata.len());
            let renamed = size.and_then(|size| fs::rename(&incoming, self.path(id)).map(|()| size));
            renamed.map_err(|error| Error::storage("the spooled file could not be placed", error))
        });
        if placed.is_err() {
            let _ = fs::remove_file(&incoming);
        }
        placed
    }
}

fn copy(source: &mut dyn Read, target: &Path) -> Result<()> {
    let copied = File::create(target).and_then(|mut target| io::copy(source, &mut target));
    copied.map(drop).map_err(|error| Error::storage("the file could not be spooled", error))
}
