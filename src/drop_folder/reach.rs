//! The bucket of a drop folder, and what it is reached with.

use super::DropFolders;
use crate::bucket::Bucket;
use crate::bucket::reach::Reach;
use crate::config::DropFolder;
use crate::error::Result;
use crate::repository::DropFolderState;

impl DropFolders {
    /// The bucket of a drop folder.
    ///
    /// # Errors
    /// See [`Bucket::open`].
    pub(super) fn bucket(&self, folder: &DropFolder, state: &DropFolderState) -> Result<Bucket> {
        Bucket::open(folder, &state.external_id, &self.reach(folder)?)
    }

    /// What it is reached with.
    pub(super) fn reach(&self, folder: &DropFolder) -> Result<Reach> {
        let config = &self.app.config;
        let allow_private = folder.set_by.reaches_private(&config.drop_folder_limits);
        Ok(Reach {
            client: self.outbound.client(allow_private)?,
            runtime: self.outbound.runtime.handle().clone(),
            allow_private,
            identity: config.environment.aws_identity(),
        })
    }
}
