//! Which drop folders there are: those of `rollbook.toml`, and those that were set otherwise.

use super::DropFolders;
use crate::config::DropFolder;
use crate::error::Result;
use crate::repository::DropFolderState;

impl DropFolders {
    /// All drop folders, by name.
    pub fn all(&self) -> Result<Vec<DropFolder>> {
        todo!()
    }

    /// The drop folder of this name.
    ///
    /// # Errors
    /// `NotFound`, with the names there are.
    pub fn get(&self, _name: &str) -> Result<DropFolder> {
        todo!()
    }

    /// How a drop folder stands. What has to be made up for it is, when this is first asked.
    pub fn state(&self, _folder: &DropFolder) -> Result<DropFolderState> {
        todo!()
    }
}
