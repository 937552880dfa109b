//! A directory of this machine as a bucket.
//!
//! Whoever may write into it is not trusted with the rest of the machine: below the directory no symbolic link is
//! followed, and nothing but regular files is opened. A file is written under a hidden name first, so that it is there
//! whole or not at all, and what was done is on the disk when it is said to be done.

mod path;
mod trial;

use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;
use jiff::Timestamp;

use self::path::{failed, is_foreign, kind, sync};
use super::{Doing, Listed, Listing, PIECE, UNFINISHED, outdated, parts, unusable};
use crate::error::{Error, Result};
use crate::run::Version;

/// See the module's head.
pub(crate) struct Directory {
    root: PathBuf,
    base_folder: String,
}

impl Directory {
    pub(super) fn open(directory: &Path, base_folder: &str) -> Result<Directory> {
        if !base_folder.is_empty() {
            parts(base_folder)?;
        }
        Ok(Directory { root: directory.to_owned(), base_folder: base_folder.to_owned() })
    }

    pub(super) fn list(&self, folder: &str) -> Result<Listing> {
        let mut listing = Listing::default();
        let Some(path) = self.folder(folder)? else { return Ok(listing) };
        for entry in fs::read_dir(&path).map_err(|error| failed(Doing::List, &path, error))? {
            add(&mut listing, folder, &entry.map_err(|error| failed(Doing::List, &path, error))?)?;
        }
        listing.sort();
        Ok(listing)
    }

    pub(super) fn look(&self, key: &str) -> Result<Option<Version>> {
        Ok(self.find(key)?.map(|(_, metadata)| version(&metadata)))
    }

    pub(super) fn read(&self, key: &str, version: &Version, take: &mut dyn FnMut(Bytes) -> Result<()>) -> Result<()> {
        let (path, mut file) = self.source(key, version)?;
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = file.by_ref().take(PIECE as u64).read_to_end(&mut piece);
            match read.map_err(|error| failed(Doing::Read, &path, error))? {
                0 => return self.expect_unchanged(key, version, &path, &file),
                _ => take(piece.into())?,
            }
        }
    }

    pub(super) fn copy(&self, from: &str, version: &Version, to: &str) -> Result<()> {
        let (path, mut file) = self.source(from, version)?;
        let read = file.try_clone().map_err(|error| failed(Doing::Read, &path, error))?;
        self.put(to, version.size, &mut file, || self.expect_unchanged(from, version, &path, &read))
    }

    pub(super) fn write(&self, key: &str, size: u64, content: &mut dyn Read) -> Result<()> {
        self.put(key, size, content, || Ok(()))
    }

    pub(super) fn delete(&self, key: &str, version: &Version) -> Result<()> {
        let Some((path, metadata)) = self.find(key)? else { return Ok(()) };
        if self::version(&metadata) != *version {
            return Err(outdated(key));
        }
        gone_or(Doing::Delete, &path, fs::remove_file(&path))?;
        sync(parent(&path))
    }

    pub(super) fn remove_empty_folder(&self, folder: &str) -> Result<()> {
        let Some(path) = self.folder(folder)? else { return Ok(()) };
        match fs::remove_dir(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) => Ok(()),
            removed => gone_or(Doing::Delete, &path, removed).and_then(|()| sync(parent(&path))),
        }
    }

    /// The path of a folder, if it is there.
    fn folder(&self, folder: &str) -> Result<Option<PathBuf>> {
        self.walk(&parts(folder)?)
    }

    /// The path of these parts below the base folder, if all of them are folders.
    ///
    /// # Errors
    /// `Request` if the directory is missing, or if one of the parts leads elsewhere.
    fn walk(&self, below: &[&str]) -> Result<Option<PathBuf>> {
        let mut path = self.root()?;
        for part in self.base().chain(below.iter().copied()) {
            path.push(part);
            match kind(Doing::List, &path)? {
                Some(metadata) if metadata.is_dir() => {}
                Some(metadata) => return Err(is_foreign(&path, &metadata)),
                None => return Ok(None),
            }
        }
        Ok(Some(path))
    }

    /// The same, with every folder made that is missing.
    fn make(&self, below: &[&str]) -> Result<PathBuf> {
        let mut path = self.root()?;
        for part in self.base().chain(below.iter().copied()) {
            path.push(part);
            match kind(Doing::Write, &path)? {
                Some(metadata) if metadata.is_dir() => {}
                Some(metadata) => return Err(is_foreign(&path, &metadata)),
                None => {
                    fs::create_dir(&path).map_err(|error| failed(Doing::Write, &path, error))?;
                    sync(parent(&path))?;
                }
            }
        }
        Ok(path)
    }

    fn root(&self) -> Result<PathBuf> {
        match fs::metadata(&self.root) {
            Ok(metadata) if metadata.is_dir() => Ok(self.root.clone()),
            Ok(metadata) => Err(is_foreign(&self.root, &metadata)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::request(format!(
                "there is no directory '{}': make it, and in it the folder '{}'",
                self.root.display(),
                self.base().chain(["current"]).collect::<Vec<_>>().join("/")
            ))),
            Err(error) => Err(failed(Doing::List, &self.root, error)),
        }
    }

    fn base(&self) -> impl Iterator<Item = &str> {
        self.base_folder.split('/').filter(|part| !part.is_empty())
    }

    /// The regular file of this key, if there is one.
    fn find(&self, key: &str) -> Result<Option<(PathBuf, Metadata)>> {
        let parts = parts(key)?;
        let Some((name, folders)) = parts.split_last() else { return Ok(None) };
        let Some(folder) = self.walk(folders)? else { return Ok(None) };
        let path = folder.join(name);
        let metadata = kind(Doing::Read, &path)?.filter(Metadata::is_file);
        Ok(metadata.map(|metadata| (path, metadata)))
    }

    /// Opens this version of a file.
    fn source(&self, key: &str, version: &Version) -> Result<(PathBuf, File)> {
        let missing = || Error::not_found(format!("there is no file '{key}'"));
        let (path, _) = self.find(key)?.ok_or_else(missing)?;
        let file = path::open(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => missing(),
            _ => failed(Doing::Read, &path, error),
        })?;
        self.expect_unchanged(key, version, &path, &file)?;
        Ok((path, file))
    }

    /// Makes sure that an open file is this version, and that it is what lies under its key.
    fn expect_unchanged(&self, key: &str, version: &Version, path: &Path, file: &File) -> Result<()> {
        let open = file.metadata().map_err(|error| failed(Doing::Read, path, error))?;
        let found = self.look(key)?;
        let same = open.is_file() && self::version(&open) == *version && found.as_ref() == Some(version);
        if same { Ok(()) } else { Err(outdated(key)) }
    }

    /// Puts a file of so many bytes under a key, if `check` has nothing against it once they are written.
    fn put(&self, key: &str, size: u64, content: &mut dyn Read, check: impl FnOnce() -> Result<()>) -> Result<()> {
        let parts = parts(key)?;
        let (name, folders) = parts.split_last().ok_or_else(|| Error::internal("a key has no parts"))?;
        let folder = self.make(folders)?;
        let (path, unfinished) = (folder.join(name), folder.join(unfinished_name(name)));
        let put = fill(&unfinished, content).and_then(|written| {
            check()?;
            if written != size {
                return Err(Error::internal(format!("{written} bytes came for the file '{key}' of {size} bytes")));
            }
            fs::rename(&unfinished, &path).map_err(|error| failed(Doing::Write, &path, error))?;
            sync(&folder)
        });
        if put.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        put
    }
}

/// Adds what lies in a folder to what is listed of it.
fn add(listing: &mut Listing, folder: &str, entry: &DirEntry) -> Result<()> {
    let name = entry.file_name();
    let Some(name) = name.to_str().filter(|name| parts(name).is_ok()) else {
        listing.notices.push(unusable(&name.to_string_lossy()));
        return Ok(());
    };
    match kind(Doing::List, &entry.path())? {
        Some(_) if name.starts_with(UNFINISHED) => {}
        Some(metadata) if metadata.is_dir() => listing.folders.push(name.to_owned()),
        Some(metadata) if metadata.is_file() => {
            listing.files.push(Listed { key: format!("{folder}/{name}"), version: version(&metadata) });
        }
        Some(metadata) => {
            listing.notices.push(format!("'{name}' is {}, and is left alone", path::called(&metadata)));
        }
        None => {}
    }
    Ok(())
}

/// Writes a file and has it on the disk. Returns its size.
fn fill(path: &Path, content: &mut dyn Read) -> Result<u64> {
    let unwritten = |error| failed(Doing::Write, path, error);
    gone_or(Doing::Write, path, fs::remove_file(path))?;
    let mut file = File::create_new(path).map_err(unwritten)?;
    let written = io::copy(content, &mut file).map_err(unwritten)?;
    file.sync_all().map_err(unwritten)?;
    Ok(written)
}

/// The hidden name of a file while it is written. It is always the same, so that what a kill left is written over.
fn unfinished_name(name: &str) -> String {
    let digest = blake3::hash(name.as_bytes()).to_hex();
    format!("{UNFINISHED}{}", &digest[..16])
}

/// Takes it that what was to be removed is gone already.
fn gone_or(doing: Doing, path: &Path, removed: io::Result<()>) -> Result<()> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(doing, path, error)),
        _ => Ok(()),
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// Numbers of files are given out again, and times of change may be copied along (`cp -p`, rsync, SFTP). When a file was
/// made, where the file system knows it, nobody can set.
fn version(metadata: &Metadata) -> Version {
    let made = metadata.created().map(|moment| format!("@{}", shown(moment))).unwrap_or_default();
    let modified = metadata.modified().map(shown).unwrap_or_default();
    Version { size: metadata.len(), tag: path::number(metadata) + &made, modified }
}

fn shown(moment: SystemTime) -> String {
    Timestamp::try_from(moment).map_or_else(|_| format!("{moment:?}"), |moment| format!("{moment:.9}"))
}

#[cfg(test)]
mod tests;
