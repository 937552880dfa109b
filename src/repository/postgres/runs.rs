//! The ledger of the drop folders: runs of partitions, and the callbacks about them.

use std::collections::HashSet;

use super::Postgres;
use crate::error::Result;
use crate::import::{Import, ImportId};
use crate::run::{Callback, CallbackAttempt, CallbackState, FileOutcome, Run, RunFile, RunId, Step, Trouble, Version};
use crate::schema::TypeName;

impl Postgres {
    pub(in crate::repository) fn claim_run(&self, run: &Run) -> Result<bool> {
        let _ = (run,);
        todo!()
    }

    pub(in crate::repository) fn run_of_marker(
        &self,
        place: &str,
        partition: &str,
        marker: &Version,
    ) -> Result<Option<Run>> {
        let _ = (place, partition, marker);
        todo!()
    }

    pub(in crate::repository) fn open_runs(&self, place: &str) -> Result<Vec<Run>> {
        let _ = (place,);
        todo!()
    }

    pub(in crate::repository) fn last_run(&self, place: &str, partition: &str) -> Result<Option<Run>> {
        let _ = (place, partition);
        todo!()
    }

    pub(in crate::repository) fn unfiled_imports(&self) -> Result<HashSet<ImportId>> {
        todo!()
    }

    pub(in crate::repository) fn partition_run(&self, id: RunId) -> Result<Option<Run>> {
        let _ = (id,);
        todo!()
    }

    pub(in crate::repository) fn runs(&self, drop_folder: &str, limit: usize) -> Result<Vec<Run>> {
        let _ = (drop_folder, limit);
        todo!()
    }

    pub(in crate::repository) fn runs_behind(
        &self,
        drop_folder: &str,
        behind: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Run)>> {
        let _ = (drop_folder, behind, limit);
        todo!()
    }

    pub(in crate::repository) fn run_totals(&self) -> Result<Vec<(String, bool, u64)>> {
        todo!()
    }

    pub(in crate::repository) fn oldest_open_run(&self) -> Result<Option<String>> {
        todo!()
    }

    pub(in crate::repository) fn undelivered_callbacks(&self) -> Result<(u64, u64)> {
        todo!()
    }

    pub(in crate::repository) fn identical_file(
        &self,
        run: &Run,
        object_type: &TypeName,
        digest: &[u8; 32],
    ) -> Result<Option<(Run, RunFile)>> {
        let _ = (run, object_type, digest);
        todo!()
    }

    pub(in crate::repository) fn hand_over_run(&self, run: RunId, drop_folder: &str) -> Result<()> {
        let _ = (run, drop_folder);
        todo!()
    }

    pub(in crate::repository) fn queue_file(
        &self,
        run: RunId,
        name: &str,
        import: &Import,
        digest: &[u8; 32],
    ) -> Result<()> {
        let _ = (run, name, import, digest);
        todo!()
    }

    pub(in crate::repository) fn note_version(&self, run: RunId, name: &str, version: &Version) -> Result<()> {
        let _ = (run, name, version);
        todo!()
    }

    pub(in crate::repository) fn note_outcome(
        &self,
        run: RunId,
        name: &str,
        digest: Option<&[u8; 32]>,
        outcome: &FileOutcome,
    ) -> Result<()> {
        let _ = (run, name, digest, outcome);
        todo!()
    }

    pub(in crate::repository) fn note_aside(&self, run: RunId, aside: u32) -> Result<()> {
        let _ = (run, aside);
        todo!()
    }

    pub(in crate::repository) fn note_step(&self, run: RunId, step: Step) -> Result<()> {
        let _ = (run, step);
        todo!()
    }

    pub(in crate::repository) fn note_trouble(&self, run: RunId, trouble: Option<&Trouble>) -> Result<()> {
        let _ = (run, trouble);
        todo!()
    }

    pub(in crate::repository) fn end_run(&self, run: RunId, end: &str, callback: Option<&str>) -> Result<()> {
        let _ = (run, end, callback);
        todo!()
    }

    pub(in crate::repository) fn due_callbacks(&self, now: &str) -> Result<Vec<Callback>> {
        let _ = (now,);
        todo!()
    }

    pub(in crate::repository) fn callback(&self, run: RunId) -> Result<Option<Callback>> {
        let _ = (run,);
        todo!()
    }

    pub(in crate::repository) fn callback_attempts(&self, run: RunId) -> Result<Vec<CallbackAttempt>> {
        let _ = (run,);
        todo!()
    }

    pub(in crate::repository) fn note_attempt(
        &self,
        run: RunId,
        attempt: &CallbackAttempt,
        state: &CallbackState,
    ) -> Result<()> {
        let _ = (run, attempt, state);
        todo!()
    }

    pub(in crate::repository) fn send_callback_again(&self, run: RunId, now: &str) -> Result<()> {
        let _ = (run, now);
        todo!()
    }
}
