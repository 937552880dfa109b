//! Files on their way to imports.

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use super::Place;
use super::remote::Remote;
use crate::error::{Result, unwritten};
use crate::import::ImportId;

/// So many bytes are written before they are synced, so that little is left to be done when the last ones are here.
const SYNC_EVERY: u64 = 64 << 20;

/// A file on its way to an import. Unless it is [kept](Incoming::keep) it goes again, and while it is here nobody sweeps
/// it away.
#[derive(Debug)]
pub struct Incoming {
    id: ImportId,
    /// Where it is now; nowhere in particular once it is kept.
    path: PathBuf,
    /// Where it is when it is whole.
    pub(super) place: PathBuf,
    /// Locked.
    pub(super) file: File,
    size: u64,
    /// How many of the bytes were synced while others came in.
    synced: u64,
    is_shared: bool,
    /// The bucket that it goes to.
    remote: Option<Arc<Remote>>,
    /// Whether it may be in the bucket.
    is_published: bool,
}

impl Incoming {
    pub(super) fn new(id: ImportId, path: PathBuf, place: PathBuf, file: File, size: u64, spool: &Place) -> Incoming {
        let remote = match spool {
            Place::Bucket(remote) => Some(Arc::clone(remote)),
            _ => None,
        };
        let is_shared = matches!(spool, Place::Shared);
        Incoming { id, path, place, file, size, synced: 0, is_shared, remote, is_published: false }
    }

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

    /// Adds all of a stream to the end.
    pub(super) fn copy(&mut self, source: &mut dyn Read) -> Result<()> {
        let copied = io::copy(source, &mut self.file);
        self.size += copied.map_err(|error| unwritten("the file could not be spooled", error))?;
        Ok(())
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Waits until the bytes have reached the disk. [`Spool::sync`](super::Spool::sync) does the rest.
    pub fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(|error| unwritten("the spooled file could not be synced", error))
    }

    /// Gives it the name by which imports find it: under that a file is whole.
    pub fn placed(mut self) -> Result<Incoming> {
        self.rename(self.place.clone()).map_err(|error| unwritten("the spooled file could not be placed", error))?;
        Ok(self)
    }

    pub(super) fn rename(&mut self, path: PathBuf) -> io::Result<()> {
        fs::rename(&self.path, &path)?;
        self.path = path;
        Ok(())
    }

    /// Has every process of the installation find the whole file. To be called before the import is queued, which any of
    /// them may run.
    ///
    /// # Errors
    /// `Busy` or `Storage` if the place where it goes cannot be reached.
    pub fn publish(&mut self) -> Result<()> {
        match &self.remote {
            None if self.is_shared => self.sync(),
            None => Ok(()),
            Some(remote) => {
                // What lies here under the name of the import is taken for whole, also after a power loss.
                self.sync()?;
                self.is_published = true;
                remote.put(self.id, &self.path)
            }
        }
    }

    /// Leaves it to its import, which is queued.
    pub fn keep(mut self) {
        self.path = PathBuf::new();
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if self.path.as_os_str().is_empty() {
            return;
        }
        let _ = fs::remove_file(&self.path);
        if let Some(remote) = self.remote.take().filter(|_| self.is_published) {
            remote.give_up(self.id);
        }
    }
}
