//! To be written.

use std::io::Read;

use bytes::Bytes;

use super::Listing;
use crate::config::DropFolder;
use crate::drop_folder::outbound::Outbound;
use crate::error::Result;
use crate::repository::DropFolderState;
use crate::run::Version;

pub(in crate::drop_folder) struct S3;

impl S3 {
    pub(super) fn open(_folder: &DropFolder, _state: &DropFolderState, _outbound: &Outbound) -> Result<S3> {
        todo!()
    }

    pub(super) fn list(&self, _folder: &str) -> Result<Listing> {
        todo!()
    }

    pub(super) fn look(&self, _key: &str) -> Result<Option<Version>> {
        todo!()
    }

    pub(super) fn read(
        &self,
        _key: &str,
        _version: &Version,
        _take: &mut dyn FnMut(Bytes) -> Result<()>,
    ) -> Result<()> {
        todo!()
    }

    pub(super) fn copy(&self, _from: &str, _version: &Version, _to: &str) -> Result<()> {
        todo!()
    }

    pub(super) fn write(&self, _key: &str, _size: u64, _content: &mut dyn Read) -> Result<()> {
        todo!()
    }

    pub(super) fn delete(&self, _key: &str, _version: &Version) -> Result<()> {
        todo!()
    }
}
