//! Single requests, each of which needs one right only.

use super::S3;
use crate::bucket::Doing;
use crate::bucket::credentials::Role;
use crate::error::Result;
use crate::run::Version;

impl S3 {
    /// The role that lets us in, if it is one that does.
    pub(in crate::bucket) fn role(&self) -> Option<&Role> {
        self.credentials.role()
    }

    pub(in crate::bucket) fn try_write(&self, key: &str, content: &'static [u8]) -> Result<()> {
        let written = self.runtime.block_on(self.operator.write(&self.path(key), content));
        written.map(|_| ()).map_err(|error| self.failed(Doing::Write, key, error))
    }

    pub(in crate::bucket) fn try_read(&self, key: &str) -> Result<()> {
        self.peek(key, &Version { size: 0, tag: String::new(), modified: String::new() })
    }

    /// Who may delete a file may also delete one that is not there.
    pub(in crate::bucket) fn try_delete(&self, key: &str) -> Result<()> {
        self.remove(key, None).map_err(|error| self.failed(Doing::Delete, key, error))
    }
}
