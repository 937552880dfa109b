//! Imports, their failures and their cancel marks.

use super::Postgres;
use crate::error::Result;
use crate::failure::Failure;
use crate::import::{Counts, Import, ImportId, State};
use crate::repository::{Attempt, Spooled};
use crate::schema::TypeName;

impl Postgres {
    pub(in crate::repository) fn queue(&self, imports: &[Import]) -> Result<()> {
        let _ = (imports,);
        todo!()
    }

    pub(in crate::repository) fn import(&self, id: ImportId) -> Result<Option<Import>> {
        let _ = (id,);
        todo!()
    }

    pub(in crate::repository) fn imports(&self) -> Result<Vec<Import>> {
        todo!()
    }

    pub(in crate::repository) fn import_totals(&self) -> Result<Vec<(String, u64, Counts)>> {
        todo!()
    }

    pub(in crate::repository) fn imports_behind(&self, after: i64, limit: usize) -> Result<Vec<(i64, Import)>> {
        let _ = (after, limit);
        todo!()
    }

    pub(in crate::repository) fn waiting_types(&self) -> Result<Vec<TypeName>> {
        todo!()
    }

    pub(in crate::repository) fn next_import(&self, object_type: &TypeName) -> Result<Option<Import>> {
        let _ = (object_type,);
        todo!()
    }

    pub(in crate::repository) fn start(&self, id: ImportId, attempt: Attempt) -> Result<bool> {
        let _ = (id, attempt);
        todo!()
    }

    pub(in crate::repository) fn note_header(&self, id: ImportId, header: &[String]) -> Result<()> {
        let _ = (id, header);
        todo!()
    }

    pub(in crate::repository) fn cancel_queued(&self, id: ImportId) -> Result<bool> {
        let _ = (id,);
        todo!()
    }

    pub(in crate::repository) fn finish(
        &self,
        id: ImportId,
        state: &State,
        counts: Counts,
        warnings: &[String],
        spooled: Spooled,
    ) -> Result<()> {
        let _ = (id, state, counts, warnings, spooled);
        todo!()
    }

    pub(in crate::repository) fn cancel(&self, id: ImportId, by: &str) -> Result<()> {
        let _ = (id, by);
        todo!()
    }

    pub(in crate::repository) fn forget_cancel(&self, id: ImportId) {
        let _ = (id,);
        todo!()
    }

    pub(in crate::repository) fn cancelled_by(&self, id: ImportId) -> Option<String> {
        let _ = (id,);
        todo!()
    }

    pub(in crate::repository) fn is_cancelled(&self, id: ImportId) -> bool {
        let _ = (id,);
        todo!()
    }

    pub(in crate::repository) fn failures(&self, id: ImportId, after: u64, limit: usize) -> Result<Vec<Failure>> {
        let _ = (id, after, limit);
        todo!()
    }

    pub(in crate::repository) fn each_failure(
        &self,
        id: ImportId,
        most: u64,
        each: impl FnMut(Failure) -> Result<()>,
    ) -> Result<()> {
        let _ = (id, most, each);
        todo!()
    }

    pub(in crate::repository) fn purge_failures(&self, id: ImportId) -> Result<()> {
        let _ = (id,);
        todo!()
    }

    pub(in crate::repository) fn note_warnings(&self, id: ImportId, warnings: &[String]) -> Result<()> {
        let _ = (id, warnings);
        todo!()
    }

    pub(in crate::repository) fn note_spool_purged(&self, id: ImportId) -> Result<()> {
        let _ = (id,);
        todo!()
    }

    pub(in crate::repository) fn delete_import(&self, id: ImportId, revision: u64) -> Result<bool> {
        let _ = (id, revision);
        todo!()
    }

    pub(in crate::repository) fn imports_to_clean_up(&self) -> Result<Vec<(ImportId, TypeName)>> {
        todo!()
    }

    pub(in crate::repository) fn failed_rows(&self, id: ImportId) -> Result<Vec<u64>> {
        let _ = (id,);
        todo!()
    }
}
