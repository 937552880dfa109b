//! Where accepted bytes wait.
//!
//! A file is spooled before its import is queued, and stays until the import is over, that of a dry run for a day more:
//! what is imported are exactly the bytes that were accepted, whatever happens to the customer's file meanwhile. What is
//! in the bytes is not known here.
//!
//! A spool is the data directory's own, a directory that several processes share, or a bucket. Whatever it is, a file comes
//! in in a directory, and imports read it from there: what lies in a bucket is brought back once.
//!
//! Whoever brings a file in holds a lock on it until its import is queued. So what a process left behind that was killed
//! can be told from what comes in slowly, and is swept away. The name of a file says how far it is: `.new` is not held
//! yet, `.incoming` is not whole yet, `.csv` is what imports read. Locks reach all processes of one machine, and over NFS
//! version 4 other machines; because they may not, what lies in a shared directory or a bucket and belongs to no import is
//! swept away only when it is older than a day by the clock of whoever keeps it.
//!
//! Anybody may remove the bytes of an import that is over, and nobody those of one that is not: the record of the import
//! decides, and not who ran it. So a process whose lease was taken over takes nothing away from the new holder.

mod identity;
mod incoming;
mod remote;
mod sweep;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::identity::Identity;
pub(crate) use self::identity::{known_identity, put_identity};
pub use self::incoming::Incoming;
use self::remote::Remote;
use crate::config::SpoolSettings;
use crate::error::{Error, Result, is_full, unwritten};
use crate::import::ImportId;
use crate::repository::Repository;

/// How the name of a new file ends.
const NEW: &str = "new";

/// One file for each import that is not over.
#[derive(Clone, Debug)]
pub struct Spool {
    /// Where files come in and imports read them.
    directory: PathBuf,
    /// For what is no other process's business.
    own: PathBuf,
    place: Place,
    identity: Identity,
}

/// Where the bytes of imports are kept.
#[derive(Clone, Debug)]
enum Place {
    /// In the directory, which is that of one machine.
    Own,
    /// In the directory, which several processes see.
    Shared,
    /// In a bucket; in the directory is what comes in and what is needed now.
    Bucket(Arc<Remote>),
}

impl Spool {
    /// Opens the spool of an installation whose other storage this is, making its directory if need be.
    ///
    /// # Errors
    /// `Conflict` if it is not the spool that the installation's other processes use.
    pub fn open(settings: &SpoolSettings, data: &Path, repository: &Repository) -> Result<Spool> {
        let own = data.join("spool");
        make(&own)?;
        let (directory, place) = match settings {
            SpoolSettings::Own => (own.clone(), Place::Own),
            SpoolSettings::Directory(directory) => (directory.clone(), Place::Shared),
            SpoolSettings::Bucket(bucket) => (own.clone(), Place::Bucket(Arc::new(Remote::new(bucket)?))),
        };
        let mut spool = Spool { directory, own, place, identity: Identity::default() };
        spool.identify(repository)?;
        Ok(spool)
    }

    /// Makes sure that the spool can be used, which is otherwise seen when it is first needed.
    ///
    /// # Errors
    /// `Conflict` if it is not the spool that the installation's other processes use; what keeps it from being reached.
    pub fn check(&self) -> Result<()> {
        match &self.place {
            Place::Own | Place::Shared => self.expect_identity(),
            Place::Bucket(remote) => remote.check(),
        }
    }

    /// How people know it.
    fn name(&self) -> String {
        match &self.place {
            Place::Own | Place::Shared => self.directory.display().to_string(),
            Place::Bucket(remote) => remote.url().to_owned(),
        }
    }

    /// Opens the bytes of an import. They have to be [whole](Spool::is_whole).
    pub fn read(&self, id: ImportId) -> Result<File> {
        let path = self.path(id);
        let doing = || format!("the spooled file '{}' could not be read", path.display());
        match (File::open(&path), &self.place) {
            (Err(error), Place::Bucket(remote)) if error.kind() == io::ErrorKind::NotFound => {
                self.bring_back(remote, id)?;
                File::open(&path).map(held).map_err(|error| Error::storage(doing(), error))
            }
            (opened, Place::Bucket(_)) => opened.map(held).map_err(|error| Error::storage(doing(), error)),
            (opened, _) => opened.map_err(|error| Error::storage(doing(), error)),
        }
    }

    /// Copies the bytes of an import from the bucket.
    fn bring_back(&self, remote: &Remote, id: ImportId) -> Result<()> {
        // Two threads may do it at the same time: the name is that of no import.
        let mut copy = self.receive(ImportId::random())?;
        copy.place = self.path(id);
        remote.fetch(id, &mut copy)?;
        copy.sync()?;
        copy.placed()?.keep();
        Ok(())
    }

    /// Whether the bytes of an import are there, all of them.
    ///
    /// # Errors
    /// What keeps that from being known.
    pub fn is_whole(&self, id: ImportId, size: u64) -> Result<bool> {
        let path = self.path(id);
        match (fs::metadata(&path), &self.place) {
            (Ok(metadata), Place::Bucket(remote)) if metadata.len() != size => {
                let _ = fs::remove_file(&path);
                remote.is_whole(id, size)
            }
            (Ok(metadata), _) => Ok(metadata.len() == size),
            (Err(error), Place::Bucket(remote)) if error.kind() == io::ErrorKind::NotFound => remote.is_whole(id, size),
            (Err(error), _) if error.kind() == io::ErrorKind::NotFound => {
                // A directory of the network that is not there now looks like an empty one.
                self.expect_identity()?;
                Ok(false)
            }
            (Err(error), _) => {
                Err(Error::storage(format!("the spooled file '{}' could not be looked at", path.display()), error))
            }
        }
    }

    /// Where the bytes of an import lie, or are brought back to.
    fn path(&self, id: ImportId) -> PathBuf {
        self.directory.join(format!("{id}.csv"))
    }

    /// Makes room for bytes that come in piece by piece.
    pub fn receive(&self, id: ImportId) -> Result<Incoming> {
        let failed = |error| unwritten("the file could not be spooled", error);
        let path = self.new_file(id);
        let file = File::create_new(&path).and_then(|file| file.lock().map(|()| file)).map_err(failed)?;
        let mut incoming = self.incoming(id, path, file, 0);
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
            Ok((size, file)) => self.incoming(id, path, file, size).placed(),
            Err(error) => {
                let _ = fs::remove_file(&path);
                Err(unreadable(error))
            }
        }
    }

    /// Copies a stream into the spool.
    pub fn accept(&self, id: ImportId, source: &mut dyn Read) -> Result<Incoming> {
        let mut incoming = self.receive(id)?;
        incoming.copy(source)?;
        incoming.placed()
    }

    /// The same bytes for another import.
    pub fn share(&self, from: ImportId, to: ImportId) -> Result<Incoming> {
        // In a directory they are there.
        drop(self.read(from)?);
        self.accept_file(to, &self.path(from))
    }

    fn incoming(&self, id: ImportId, path: PathBuf, file: File, size: u64) -> Incoming {
        Incoming::new(id, path, self.path(id), file, size, &self.place)
    }

    /// Has the names of files that were placed survive a power loss.
    pub fn sync(&self) -> Result<()> {
        let synced = File::open(&self.directory).and_then(|directory| directory.sync_all());
        synced.map_err(|error| unwritten("the spool could not be synced", error))
    }

    /// A file for what is put together before it goes elsewhere. It has no name, and is gone when it is closed.
    pub(crate) fn scratch(&self) -> Result<File> {
        let path = self.own.join(format!("{}.{NEW}", ImportId::random()));
        let made = File::options().read(true).write(true).create_new(true).open(&path);
        let made = made.and_then(|file| fs::remove_file(&path).map(|()| file));
        made.map_err(|error| unwritten("a file could not be made in the spool", error))
    }

    fn new_file(&self, id: ImportId) -> PathBuf {
        self.directory.join(format!("{id}.{NEW}"))
    }

    /// Removes the bytes of an import, if they are there. What cannot be removed from a bucket now is swept away later.
    pub fn remove(&self, id: ImportId) -> Result<()> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::storage(format!("the spooled file of import {id} could not be removed"), error));
            }
            _ => {}
        }
        if let Place::Bucket(remote) = &self.place {
            remote.remove(id).unwrap_or_else(|error| {
                tracing::warn!(import = %id, %error, "spooled bytes could not be removed yet");
            });
        }
        Ok(())
    }
}

/// Has nobody sweep a file away while it is open.
fn held(file: File) -> File {
    // Whoever brings it in may hold it already.
    let _ = file.try_lock_shared();
    file
}

/// Makes a directory.
fn make(directory: &Path) -> Result<()> {
    if directory.exists() {
        return Ok(());
    }
    let made = fs::create_dir_all(directory);
    let synced = made.and_then(|()| File::open(directory.parent().unwrap_or(Path::new(".")))?.sync_all());
    synced.map_err(|error| Error::storage(format!("the spool '{}' could not be made", directory.display()), error))
}
