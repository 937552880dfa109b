//! A bucket in S3, or in what speaks its protocol.
//!
//! Versions come from listings, which say the same of a file every time: the `HEAD` of a file that is not there is
//! answered with 403 where listing is allowed for some prefixes only, as our own policy has it. Not all servers honour
//! conditions, so what a condition guards is looked at besides.

mod connection;
mod failure;
mod trial;

use std::io::Read;

use bytes::Bytes;
use futures_util::StreamExt as _;
use opendal::options::{CopyOptions, DeleteOptions, ReaderOptions, WriteOptions};
use opendal::{Metadata, Operator, Writer};
use tokio::runtime::Handle;

pub(crate) use self::connection::{Spot, prefix};
use self::failure::{is_refused_condition, is_unsupported};
use super::{Doing, Listed, Listing, PIECE, outdated, parts, peek, unusable};
use crate::bucket::credentials::Credentials;
use crate::bucket::reach::Reach;
use crate::error::{Error, Kind, Result};
use crate::run::Version;

/// What is longer than this is written in several parts of this many bytes, one of which is held in memory. S3 allows no
/// shorter ones.
const PART: usize = 5 << 20;

/// What is longer than this is copied in several parts of this many bytes: a server may be silent while it copies one.
const COPIED_PART: usize = 64 << 20;

/// See the module's head.
pub(crate) struct S3 {
    operator: Operator,
    runtime: Handle,
    credentials: Credentials,
    bucket: String,
    /// What stands in front of every key: nothing, or the folders with a slash behind each.
    prefix: String,
}

impl S3 {
    /// Opens the bucket with the credentials for its region.
    ///
    /// # Errors
    /// `Request` if it is set up wrongly; `Busy` if its region is to be asked for, and nobody answers.
    pub(crate) fn open(
        spot: Spot<'_>,
        credentials: impl FnOnce(&str) -> Result<Credentials>,
        reach: &Reach,
    ) -> Result<S3> {
        connection::open(spot, credentials, reach)
    }

    /// All files whose keys begin like this, up to the next slash.
    pub(crate) fn starting_with(&self, start: &str) -> Result<Vec<Listed>> {
        let mut found = Vec::new();
        self.each(&self.path(start), &mut |key, metadata| {
            let key = key.strip_prefix(&self.prefix).unwrap_or(key);
            if !key.ends_with('/') {
                found.push(Listed { key: key.to_owned(), version: version(metadata) });
            }
            true
        })?;
        Ok(found)
    }

    pub(super) fn list(&self, folder: &str) -> Result<Listing> {
        parts(folder)?;
        let path = self.path(folder) + "/";
        let mut listing = Listing::default();
        self.each(&path, &mut |key, metadata| {
            add(&mut listing, folder, key.strip_prefix(&path).unwrap_or(key), metadata);
            true
        })?;
        listing.sort();
        Ok(listing)
    }

    pub(crate) fn look(&self, key: &str) -> Result<Option<Version>> {
        parts(key)?;
        let path = self.path(key);
        let mut found = None;
        self.each(&path, &mut |key, metadata| {
            if key == path {
                found = Some(version(metadata));
            }
            found.is_none()
        })?;
        Ok(found)
    }

    pub(crate) fn read(&self, key: &str, version: &Version, take: &mut dyn FnMut(Bytes) -> Result<()>) -> Result<()> {
        parts(key)?;
        let mut size = 0;
        let read = self.stream(key, version, &mut |piece| {
            size += piece.len() as u64;
            take(piece)
        });
        match read {
            Ok(()) => {}
            // This is also said of a file that is not there.
            Err(error) if error.kind() == Kind::Forbidden => {
                self.expect(key, version)?;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        self.expect(key, version)?;
        match size == version.size {
            true => Ok(()),
            false => Err(Error::new(Kind::Busy, format!("'{key}' came in short: {size} of {} bytes", version.size))),
        }
    }

    pub(super) fn copy(&self, from: &str, version: &Version, to: &str) -> Result<()> {
        parts(to)?;
        self.expect(from, version)?;
        let (source, target) = (self.path(from), self.path(to));
        // With its length given, the source is not asked for its number in a versioned bucket, which needs a further right.
        let options = CopyOptions {
            source_content_length_hint: Some(version.size),
            chunk: Some(COPIED_PART),
            ..CopyOptions::default()
        };
        let copied = self.runtime.block_on(self.operator.copy_options(&source, &target, options));
        if let Err(error) = copied {
            let error = self.failed(Doing::Write, to, error);
            self.expect(from, version)?;
            // What cannot be read cannot be copied either, and the server says only that something is forbidden.
            return Err(match error.kind() {
                Kind::Forbidden => self.peek(from, version).err().unwrap_or(error),
                _ => error,
            });
        }
        let copy = self.look(to)?;
        self.expect(from, version)?;
        match copy {
            Some(copy) if self.is_same(from, version, to, &copy)? => Ok(()),
            _ => Err(Error::new(Kind::Busy, format!("'{to}' is not what was copied from '{from}'"))),
        }
    }

    pub(crate) fn write(&self, key: &str, size: u64, content: &mut dyn Read) -> Result<()> {
        parts(key)?;
        let options = WriteOptions { chunk: Some(PART), ..WriteOptions::default() };
        let writer = self.runtime.block_on(self.operator.writer_options(&self.path(key), options));
        let mut writer = writer.map_err(|error| self.failed(Doing::Write, key, error))?;
        if let Err(error) = self.fill(&mut writer, key, size, content) {
            // What is left of it is not a file.
            let _ = self.runtime.block_on(writer.abort());
            return Err(error);
        }
        match self.look(key)? {
            Some(version) if version.size == size => Ok(()),
            _ => Err(Error::new(Kind::Busy, format!("'{key}' is not what was written"))),
        }
    }

    pub(crate) fn delete(&self, key: &str, version: &Version) -> Result<()> {
        match self.look(key)? {
            None => return Ok(()),
            Some(found) if found == *version => {}
            Some(_) => return Err(outdated(key)),
        }
        match self.remove(key, quoted(&version.tag)) {
            Err(error) if is_unsupported(&error) => {
                self.remove(key, None).map_err(|error| self.failed(Doing::Delete, key, error))
            }
            Err(error) if is_refused_condition(&error) => match self.look(key)? {
                None => Ok(()),
                Some(_) => Err(outdated(key)),
            },
            removed => removed.map_err(|error| self.failed(Doing::Delete, key, error)),
        }
    }

    fn remove(&self, key: &str, if_match: Option<String>) -> opendal::Result<()> {
        let options = DeleteOptions { if_match, ..DeleteOptions::default() };
        self.runtime.block_on(self.operator.delete_options(&self.path(key), options))
    }

    fn path(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// Hands all keys that begin with a path, up to the next slash, to `take`, until it has enough.
    fn each(&self, path: &str, take: &mut dyn FnMut(&str, &Metadata) -> bool) -> Result<()> {
        let listed = self.runtime.block_on(async {
            let mut lister = self.operator.lister(path).await?;
            while let Some(entry) = lister.next().await {
                let entry = entry?;
                if !take(entry.path(), entry.metadata()) {
                    break;
                }
            }
            Ok(())
        });
        listed.map_err(|error| self.failed(Doing::List, path.strip_prefix(&self.prefix).unwrap_or(path), error))
    }

    /// Reads a file under the condition that it is this version.
    fn stream(&self, key: &str, version: &Version, take: &mut dyn FnMut(Bytes) -> Result<()>) -> Result<()> {
        let failed = |error| self.failed(Doing::Read, key, error);
        let options = ReaderOptions { if_match: quoted(&version.tag), ..ReaderOptions::default() };
        let stream = self.runtime.block_on(async {
            let reader = self.operator.reader_options(&self.path(key), options).await?;
            reader.into_stream(..).await
        });
        let mut stream = stream.map_err(failed)?;
        while let Some(pieces) = self.runtime.block_on(stream.next()) {
            pieces.map_err(failed)?.into_iter().try_for_each(&mut *take)?;
        }
        Ok(())
    }

    /// Reads the beginning of a file.
    fn peek(&self, key: &str, version: &Version) -> Result<()> {
        peek(|take| self.stream(key, version, take))
    }

    fn fill(&self, writer: &mut Writer, key: &str, size: u64, mut content: &mut dyn Read) -> Result<()> {
        let failed = |error| self.failed(Doing::Write, key, error);
        let mut written = 0;
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = (&mut content).take(PIECE as u64).read_to_end(&mut piece);
            read.map_err(|error| Error::storage(format!("what '{key}' is to be could not be read"), error))?;
            if piece.is_empty() {
                break;
            }
            written += piece.len() as u64;
            self.runtime.block_on(writer.write(piece)).map_err(failed)?;
        }
        if written != size {
            return Err(Error::internal(format!("{written} bytes came for the file '{key}' of {size} bytes")));
        }
        self.runtime.block_on(writer.close()).map(|_| ()).map_err(failed)
    }

    /// Makes sure that a file is this version.
    fn expect(&self, key: &str, version: &Version) -> Result<()> {
        match self.look(key)? {
            Some(found) if found == *version => Ok(()),
            Some(_) => Err(outdated(key)),
            None => {
                Err(Error::not_found(format!("there is no file '{}' in the bucket '{}'", self.path(key), self.bucket)))
            }
        }
    }

    /// Whether a copy is whole. Tags that look like digests and are none, as with keys of KMS, say nothing if they differ:
    /// then the bytes are compared. Of tags that are no digests at all, as of files in several parts, nothing is to be had.
    fn is_same(&self, from: &str, version: &Version, to: &str, copy: &Version) -> Result<bool> {
        let is_digest = |tag: &str| tag.len() == 32 && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
        if version.size != copy.size {
            return Ok(false);
        }
        if version.tag == copy.tag || !is_digest(&version.tag) || !is_digest(&copy.tag) {
            return Ok(true);
        }
        Ok(self.digest(from, version)? == self.digest(to, copy)?)
    }

    fn digest(&self, key: &str, version: &Version) -> Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        self.read(key, version, &mut |piece| {
            hasher.update(&piece);
            Ok(())
        })?;
        Ok(hasher.finalize())
    }
}

/// Adds what was listed of a folder, by its name in it.
fn add(listing: &mut Listing, folder: &str, name: &str, metadata: &Metadata) {
    let (name, is_folder) = name.strip_suffix('/').map_or((name, false), |name| (name, true));
    match (name, is_folder) {
        // The marker of the folder itself.
        ("", false) => {}
        _ if parts(name).is_err() => {
            listing.notices.push(unusable(name));
        }
        (_, true) => listing.folders.push(name.to_owned()),
        (_, false) => listing.files.push(Listed { key: format!("{folder}/{name}"), version: version(metadata) }),
    }
}

/// Listings may say the time to the millisecond, and answers about one file only to the second.
fn version(metadata: &Metadata) -> Version {
    let modified =
        metadata.last_modified().map(|moment| moment.into_inner().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    Version {
        size: metadata.content_length(),
        tag: metadata.etag().unwrap_or_default().trim_matches('"').to_owned(),
        modified: modified.unwrap_or_default(),
    }
}

/// A tag as a condition has it.
fn quoted(tag: &str) -> Option<String> {
    (!tag.is_empty()).then(|| format!("\"{tag}\""))
}
