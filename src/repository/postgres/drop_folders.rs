//! Drop folders that were set elsewhere than in `rollbook.toml`, and how all of them stand.

use super::Postgres;
use crate::error::Result;
use crate::repository::{DropFolderState, Remains, StoredDropFolder};
use crate::run::Trouble;

impl Postgres {
    pub(in crate::repository) fn drop_folders(&self) -> Result<Vec<StoredDropFolder>> {
        todo!()
    }

    pub(in crate::repository) fn drop_folder(&self, name: &str) -> Result<Option<StoredDropFolder>> {
        let _ = (name,);
        todo!()
    }

    pub(in crate::repository) fn put_drop_folders(&self, folders: &[(StoredDropFolder, Option<u64>)]) -> Result<bool> {
        let _ = (folders,);
        todo!()
    }

    pub(in crate::repository) fn pause_drop_folder(&self, name: &str, paused: bool) -> Result<()> {
        let _ = (name, paused);
        todo!()
    }

    pub(in crate::repository) fn remove_drop_folder(
        &self,
        name: &str,
        revision: u64,
        remains: Remains,
    ) -> Result<bool> {
        let _ = (name, revision, remains);
        todo!()
    }

    pub(in crate::repository) fn drop_folder_state(
        &self,
        name: &str,
        new: impl FnOnce() -> Result<DropFolderState>,
    ) -> Result<DropFolderState> {
        let _ = (name, new);
        todo!()
    }

    pub(in crate::repository) fn note_poll(
        &self,
        name: &str,
        at: &str,
        trouble: Option<&Trouble>,
        notices: &[String],
    ) -> Result<()> {
        let _ = (name, at, trouble, notices);
        todo!()
    }

    pub(in crate::repository) fn switch_callback(&self, name: &str, off: bool) -> Result<()> {
        let _ = (name, off);
        todo!()
    }
}
