//! Where accepted bytes wait.
//!
//! A file is spooled before its import is queued, and stays until the import is over, that of a dry run for a day more:
//! what is imported are exactly the bytes that were accepted, whatever happens to the customer's file meanwhile. What is
//! in the bytes is not known here.
//!
//! Whoever brings a file in holds a lock on it until its import is queued. So what a process left behind that was killed
//! can be told from what comes in slowly, and is swept away. The name of a file says how far it is: `.new` is not held
//! yet, `.incoming` is not whole yet, `.csv` is what imports read.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::import::ImportId;

/// A new file is left alone for so long after it was written to: who made it does not hold it yet.
const FRESH: Duration = Duration::from_mins(1);

/// How the name of a new file ends.
const NEW: &str = "new";

/// So many bytes are written before they are synced, so that little is left to be done when the last ones are here.
const SYNC_EVERY: u64 = 64 << 20;

/// A directory with one file for each import that is not over.
#[derive(Clone, Debug)]
pub struct Spool {
    directory: PathBuf,
}

impl Spool {
    /// Opens a spool, making its directory if need be.
    pub fn open(directory: PathBuf) -> Result<Spool> {
        let doing = || format!("the spool '{}' could not be made", directory.display());
        if !directory.exists() {
            let made = fs::create_dir_all(&directory);
            let synced = made.and_then(|()| File::open(directory.parent().unwrap_or(Path::new(".")))?.sync_all());
            synced.map_err(|error| Error::storage(doing(), error))?;
        }
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

    /// Makes room for bytes that come in piece by piece.
    pub fn receive(&self, id: ImportId) -> Result<Incoming> {
        let failed = |error| unwritten("the file could not be spooled", error);
        let path = self.new_file(id);
        let file = File::create_new(&path).and_then(|file| file.lock().map(|()| file)).map_err(failed)?;
        let mut incoming = Incoming { path, place: self.path(id), file, size: 0, synced: 0 };
        incoming.rename(self.directory.join(format!("{id}.incoming"))).map_err(failed)?;
        Ok(incoming)
    }

    /// Copies a file into the spool, by reference where the file system can.
    ///
    /// # Errors
    /// `Request` if there is no such file, `Storage` or `NoRoom` if it cannot be copied.
    pub fn accept_file(&self, id: ImportId, source: &Path) -> Result<Incoming> {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Error::request("there is no such file").in_file(source.display().to_string()),
            _ if is_full(&error) => {
                Error::no_room(format!("there is no room for a copy of '{}'", source.display()), error)
            }
            _ => Error::storage(format!("the file '{}' could not be read", source.display()), error),
        };
        let metadata = fs::metadata(source).map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(Error::request("this is a directory, not a file").in_file(source.display().to_string()));
        }
        if !metadata.is_file() {
            // A pipe has no length and cannot be copied by reference.
            return self.accept(id, &mut File::open(source).map_err(unreadable)?);
        }
        let path = self.new_file(id);
        let copied = reflink_copy::reflink_or_copy(source, &path);
        let held = copied.and_then(|_| File::options().append(true).open(&path));
        let held = held.and_then(|file| Ok((file.metadata()?.len(), file.lock().map(|()| file)?)));
        match held {
            Ok((size, file)) => Incoming { path, place: self.path(id), file, size, synced: 0 }.placed(),
            Err(error) => {
                let _ = fs::remove_file(&path);
                Err(unreadable(error))
            }
        }
    }

    /// Copies a stream into the spool.
    pub fn accept(&self, id: ImportId, source: &mut dyn Read) -> Result<Incoming> {
        let mut incoming = self.receive(id)?;
        let copied = io::copy(source, &mut incoming.file);
        incoming.size = copied.map_err(|error| unwritten("the file could not be spooled", error))?;
        incoming.placed()
    }

    /// The same bytes for another import.
    pub fn share(&self, from: ImportId, to: ImportId) -> Result<Incoming> {
        self.accept_file(to, &self.path(from))
    }

    /// Has the names of files that were placed survive a power loss.
    pub fn sync(&self) -> Result<()> {
        let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
        synced.map_err(|error| unwritten("the spool could not be synced", error))
    }

    /// A file for what is put together before it goes elsewhere. It has no name, and is gone when it is closed.
    pub(crate) fn scratch(&self) -> Result<File> {
        let path = self.new_file(ImportId::random());
        let made = File::options().read(true).write(true).create_new(true).open(&path);
        let made = made.and_then(|file| fs::remove_file(&path).map(|()| file));
        made.map_err(|error| unwritten("a file could not be made in the spool", error))
    }

    fn new_file(&self, id: ImportId) -> PathBuf {
        self.directory.join(format!("{id}.{NEW}"))
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

    /// Removes files that belong to none of the imports in `kept` and that nobody is bringing in.
    ///
    /// `kept` is asked once it is known which files nobody holds: what was let go by then was queued, or never will be.
    pub fn sweep(&self, kept: impl FnOnce() -> Result<HashSet<ImportId>>) -> Result<()> {
        let doing = || format!("the spool '{}' could not be read", self.directory.display());
        let failed = |error| Error::storage(doing(), error);
        let mut free = Vec::new();
        for file in fs::read_dir(&self.directory).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            if is_free(&path) {
                free.push(path);
            }
        }
        if free.is_empty() {
            return Ok(());
        }
        let kept = kept()?;
        for path in free {
            let id = path.file_stem().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
            if !id.is_some_and(|id| kept.contains(&id)) {
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }
}

/// A file on its way to an import. Unless it is [kept](Incoming::keep) it goes again, and while it is here nobody sweeps
/// it away.
#[derive(Debug)]
pub struct Incoming {
    /// Where it is now; nowhere in particular once it is kept.
    path: PathBuf,
    place: PathBuf,
    /// Locked.
    file: File,
    size: u64,
    /// How many of the bytes were synced while others came in.
    synced: u64,
}

impl Incoming {
    /// Adds bytes to the end.
    ///
    /// # Errors
    /// `NoRoom` if the disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| unwritten("the file could not be spooled", error))?;
        self.size += bytes.len() as u64;
        if self.size - self.synced >= SYNC_EVERY {
            self.sync()?;
            self.synced = self.size;
        }
        Ok(())
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Waits until the bytes have reached the disk. [`Spool::sync`] does the rest.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| unwritten("the spooled file could not be synced", error))
    }

    /// Gives it the name by which imports find it: under that a file is whole.
    pub fn placed(mut self) -> Result<Incoming> {
        self.rename(self.place.clone()).map_err(|error| unwritten("the spooled file could not be placed", error))?;
        Ok(self)
    }

    fn rename(&mut self, path: PathBuf) -> io::Result<()> {
        fs::rename(&self.path, &path)?;
        self.path = path;
        Ok(())
    }

    /// Leaves it to its import, which is queued.
    pub fn keep(mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether nobody holds a file, nor is about to.
fn is_free(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let is_fresh = || modified.and_then(|modified| modified.elapsed().ok()).is_none_or(|elapsed| elapsed < FRESH);
    let is_new = path.extension().is_some_and(|extension| extension == NEW);
    !(is_new && is_fresh()) && file.try_lock().is_ok()
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

pub(crate) fn unwritten(doing: &str, error: io::Error) -> Error {
    if is_full(&error) { Error::no_room(doing, error) } else { Error::storage(doing, error) }
}
