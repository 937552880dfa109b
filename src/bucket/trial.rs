//! Trying a bucket out: one right at a time.

use super::Bucket;
use crate::bucket::credentials::Role;
use crate::error::Result;

/// What a file says that is there to try something.
const PROBE: &[u8] = b"Rollbook tries here whether it may write.\n";

impl Bucket {
    /// The role that lets us in, if it is one that does.
    pub(crate) fn role(&self) -> Option<&Role> {
        match self {
            Bucket::Directory(_) => None,
            Bucket::S3(s3) => s3.role(),
        }
    }

    /// Whether a folder is there; where folders are nothing of their own, any is.
    pub(crate) fn has_folder(&self, folder: &str) -> Result<bool> {
        match self {
            Bucket::Directory(directory) => directory.has_folder(folder),
            Bucket::S3(_) => Ok(true),
        }
    }

    /// Writes a small file.
    pub(crate) fn try_write(&self, key: &str) -> Result<()> {
        match self {
            Bucket::Directory(directory) => directory.try_write(key, PROBE),
            Bucket::S3(s3) => s3.try_write(key, PROBE),
        }
    }

    /// Reads the beginning of a file.
    pub(crate) fn try_read(&self, key: &str) -> Result<()> {
        match self {
            Bucket::Directory(directory) => directory.try_read(key),
            Bucket::S3(s3) => s3.try_read(key),
        }
    }

    /// Deletes a file, or sees whether one could be deleted in its folder.
    pub(crate) fn try_delete(&self, key: &str) -> Result<()> {
        match self {
            Bucket::Directory(directory) => directory.try_delete(key),
            Bucket::S3(s3) => s3.try_delete(key),
        }
    }
}
