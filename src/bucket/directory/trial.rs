//! Tries what may be done in a directory.

use super::Directory;
use crate::bucket::{LOOKED_INTO, peek};
use crate::error::{Error, Result};

impl Directory {
    pub(in crate::bucket) fn has_folder(&self, folder: &str) -> Result<bool> {
        Ok(self.folder(folder)?.is_some())
    }

    pub(in crate::bucket) fn try_write(&self, key: &str, content: &[u8]) -> Result<()> {
        self.write(key, content.len() as u64, &mut &*content)
    }

    pub(in crate::bucket) fn try_read(&self, key: &str) -> Result<()> {
        let version = self.look(key)?.ok_or_else(|| Error::not_found(format!("there is no file '{key}'")))?;
        peek(|take| self.read(key, &version, take))
    }

    /// Deletes a file. If it is not there, its folder is tried, and the folders in it: with a file that is written first.
    pub(in crate::bucket) fn try_delete(&self, key: &str) -> Result<()> {
        if let Some(version) = self.look(key)? {
            return self.delete(key, &version);
        }
        let Some((folder, name)) = key.rsplit_once('/') else { return Ok(()) };
        if self.folder(folder)?.is_none() {
            return Ok(());
        }
        self.come_and_go(key)?;
        let inner = self.list(folder)?.folders;
        inner.iter().take(LOOKED_INTO).try_for_each(|inner| self.come_and_go(&format!("{folder}/{inner}/{name}")))
    }

    fn come_and_go(&self, key: &str) -> Result<()> {
        self.try_write(key, b"")?;
        self.look(key)?.map_or(Ok(()), |version| self.delete(key, &version))
    }
}
