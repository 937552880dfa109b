//! One import's view of the repository.

use super::Postgres;
use crate::error::Result;
use crate::failure::Failure;
use crate::import::Import;
use crate::repository::{Existing, Mode, ObjectNumber, Settled, StoredType};

/// See the module's head.
pub struct Session {}

impl Session {
    pub(super) fn open(repository: &Postgres, stored: &StoredType, import: &Import, mode: Mode) -> Result<Session> {
        let _ = (repository, stored, import, mode);
        todo!()
    }

    pub(in crate::repository) fn begin(&mut self) -> Result<()> {
        todo!()
    }

    pub(in crate::repository) fn is_open(&self) -> bool {
        todo!()
    }

    pub(in crate::repository) fn prefetch(&mut self, index: usize, hashes: &mut [u64]) -> Result<()> {
        let _ = (index, hashes);
        todo!()
    }

    pub(in crate::repository) fn holders(&self, index: usize, hash: u64) -> impl Iterator<Item = ObjectNumber> + '_ {
        let _ = (index, hash);
        std::iter::empty()
    }

    pub(in crate::repository) fn prefetch_objects(&mut self, numbers: &mut Vec<ObjectNumber>) -> Result<()> {
        let _ = (numbers,);
        todo!()
    }

    pub(in crate::repository) fn fingerprint(&mut self, object: ObjectNumber) -> Result<u64> {
        let _ = (object,);
        todo!()
    }

    pub(in crate::repository) fn object(&self, number: ObjectNumber) -> Option<Existing<'_>> {
        let _ = (number,);
        todo!()
    }

    pub(in crate::repository) fn create(&mut self, document: &str) -> ObjectNumber {
        let _ = (document,);
        todo!()
    }

    pub(in crate::repository) fn update(&mut self, number: ObjectNumber, revision: u64, document: &str) {
        let _ = (number, revision, document);
        todo!()
    }

    pub(in crate::repository) fn add_key(&mut self, index: usize, hash: u64, object: ObjectNumber) {
        let _ = (index, hash, object);
        todo!()
    }

    pub(in crate::repository) fn remove_key(&mut self, index: usize, hash: u64, object: ObjectNumber) {
        let _ = (index, hash, object);
        todo!()
    }

    pub(in crate::repository) fn stamp(&mut self, object: ObjectNumber, fingerprint: u64) -> Result<()> {
        let _ = (object, fingerprint);
        todo!()
    }

    pub(in crate::repository) fn has_many_failures(&self) -> bool {
        todo!()
    }

    pub(in crate::repository) fn is_heavy(&self) -> bool {
        todo!()
    }

    pub(in crate::repository) fn fail(&mut self, failure: Failure) {
        let _ = (failure,);
        todo!()
    }

    pub(in crate::repository) fn end_round(&mut self) -> Result<()> {
        todo!()
    }

    pub(in crate::repository) fn commit(&mut self, settled: Settled<'_>) -> Result<()> {
        let _ = (settled,);
        todo!()
    }

    pub(in crate::repository) fn roll_back(&mut self) -> Result<()> {
        todo!()
    }
}
