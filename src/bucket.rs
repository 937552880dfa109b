//! Buckets: where the files of a drop folder lie, and the spool if it is no directory.
//!
//! Keys are relative to the place in the bucket that is ours, with `/` between their parts. Every operation blocks, and is
//! repeated by itself a few times if what went wrong may pass. What is left tells by its kind what to do: `Busy` may be
//! better later, `Forbidden` wants a right, `Outdated` says that the file is not the version it was, `Request` that the
//! bucket does not exist or is set up wrongly.

pub(crate) mod credentials;
mod directory;
pub(crate) mod reach;
pub(crate) mod s3;
mod trial;

use std::io::Read;

use bytes::Bytes;

use self::credentials::Credentials;
use self::directory::Directory;
use self::reach::Reach;
pub(crate) use self::s3::prefix;
use self::s3::{S3, Spot};
use crate::config::{self, DropFolder};
use crate::error::{Error, Kind, Result, shown};
use crate::run::Version;

/// So many bytes of a file are handed on at once.
const PIECE: usize = 128 << 10;

/// How the hidden names of files start that are not written whole yet, or are there to try something. Of a directory they
/// are not listed.
pub(crate) const UNFINISHED: &str = ".rollbook-";

/// So many folders are looked into when something is tried.
pub(crate) const LOOKED_INTO: usize = 10;

/// How much of a name is shown.
const MOST_SHOWN: usize = 200;

/// Where the files of a drop folder lie.
pub(crate) enum Bucket {
    Directory(Directory),
    S3(S3),
}

/// A file that was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: String,
    pub(crate) version: Version,
}

/// What lies directly in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// In byte order of the keys. Markers of folders (empty files whose key ends with `/`) are not among them.
    pub(crate) files: Vec<Listed>,
    /// The names of folders, in byte order, without slashes.
    pub(crate) folders: Vec<String>,
    /// What else lies there and is left alone, with the reason: each a sentence.
    pub(crate) notices: Vec<String>,
}

impl Listing {
    fn sort(&mut self) {
        self.files.sort_by(|one, other| one.key.cmp(&other.key));
        self.folders.sort();
        self.notices.sort();
    }
}

/// What is done in a bucket, for the error about it. Each store has a right of its own for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    List,
    Read,
    Write,
    Delete,
}

impl Doing {
    /// What could not be done.
    fn done(self) -> &'static str {
        match self {
            Doing::List => "listed",
            Doing::Read => "read",
            Doing::Write => "written",
            Doing::Delete => "deleted",
        }
    }
}

/// The parts of a key.
///
/// # Errors
/// `Request` if one of them is empty or leads elsewhere, or has a character in it that some store could read otherwise.
fn parts(key: &str) -> Result<Vec<&str>> {
    let fits = |part: &&str| {
        !matches!(*part, "" | "." | "..")
            && !part.contains(|c: char| c.is_control() || c == '\\')
            && part.trim() == *part
    };
    let parts: Vec<&str> = key.split('/').collect();
    match parts.iter().find(|part| !fits(part)) {
        Some(part) => Err(Error::request(format!(
            "'{}' cannot be a part of the path of a file: no part is '.', '..' or empty, starts or ends with a blank, or \
             has a backslash or a control character",
            shown(part, MOST_SHOWN)
        ))),
        None => Ok(parts),
    }
}

/// The error about a file that is another version than is asked for.
fn outdated(key: &str) -> Error {
    Error::new(Kind::Outdated, format!("the file '{key}' is not the version any more that was listed"))
}

/// The notice about something whose name is refused by [`parts`].
fn unusable(name: &str) -> String {
    format!("'{}' has a name that cannot be used, and is left alone", shown(name, MOST_SHOWN))
}

/// Reads no more than the beginning, to see whether it can be read.
fn peek(read: impl FnOnce(&mut dyn FnMut(Bytes) -> Result<()>) -> Result<()>) -> Result<()> {
    let mut was_read = false;
    let read = read(&mut |_| {
        was_read = true;
        Err(Error::conflict("enough was read"))
    });
    if was_read { Ok(()) } else { read }
}

impl Bucket {
    /// The bucket of a drop folder, which has this ExternalId.
    ///
    /// # Errors
    /// `Request` if it is set up wrongly, or we lack what it takes; `Busy` if it takes asking the network, and that does
    /// not answer.
    pub(crate) fn open(folder: &DropFolder, external_id: &str, reach: &Reach) -> Result<Bucket> {
        match &folder.bucket {
            config::Bucket::Directory(directory) => {
                Ok(Bucket::Directory(Directory::open(directory, &folder.base_folder)?))
            }
            config::Bucket::S3 { name, folders } => {
                let spot = Spot { bucket: name, prefix: prefix(folders, &folder.base_folder), settings: &folder.s3 };
                let credentials = |region: &str| Credentials::of(folder, external_id, region, reach);
                Ok(Bucket::S3(S3::open(spot, credentials, reach)?))
            }
        }
    }

    /// What lies in a folder (`current/dt=20210228`): all of it, or an error. A folder that is not there is empty.
    pub(crate) fn list(&self, folder: &str) -> Result<Listing> {
        match self {
            Bucket::Directory(directory) => directory.list(folder),
            Bucket::S3(s3) => s3.list(folder),
        }
    }

    /// Which version of a file there is now, if there is one.
    pub(crate) fn look(&self, key: &str) -> Result<Option<Version>> {
        match self {
            Bucket::Directory(directory) => directory.look(key),
            Bucket::S3(s3) => s3.look(key),
        }
    }

    /// Hands the bytes of this version of a file to `take`, piece by piece.
    ///
    /// # Errors
    /// `Outdated` if it is, or becomes while it is read, another version; `NotFound`; whatever `take` says.
    pub(crate) fn read(&self, key: &str, version: &Version, take: &mut dyn FnMut(Bytes) -> Result<()>) -> Result<()> {
        match self {
            Bucket::Directory(directory) => directory.read(key, version, take),
            Bucket::S3(s3) => s3.read(key, version, take),
        }
    }

    /// Copies this version of a file, in the place of what lies there, and makes sure that the copy is whole.
    ///
    /// # Errors
    /// `Outdated` if the file is another version; then there may be a copy of it, which is to be replaced.
    pub(crate) fn copy(&self, from: &str, version: &Version, to: &str) -> Result<()> {
        match self {
            Bucket::Directory(directory) => directory.copy(from, version, to),
            Bucket::S3(s3) => s3.copy(from, version, to),
        }
    }

    /// Writes a file of so many bytes in the place of what lies there, whole or not at all.
    pub(crate) fn write(&self, key: &str, size: u64, content: &mut dyn Read) -> Result<()> {
        match self {
            Bucket::Directory(directory) => directory.write(key, size, content),
            Bucket::S3(s3) => s3.write(key, size, content),
        }
    }

    /// Removes this version of a file; one that is gone already is no error.
    ///
    /// # Errors
    /// `Outdated` if it is another version now. It stays then.
    pub(crate) fn delete(&self, key: &str, version: &Version) -> Result<()> {
        match self {
            Bucket::Directory(directory) => directory.delete(key, version),
            Bucket::S3(s3) => s3.delete(key, version),
        }
    }

    /// Removes a folder that is empty, where folders are something of their own.
    pub(crate) fn remove_empty_folder(&self, folder: &str) -> Result<()> {
        match self {
            Bucket::Directory(directory) => directory.remove_empty_folder(folder),
            Bucket::S3(_) => Ok(()),
        }
    }
}
