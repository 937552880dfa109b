//! Drop folders, and the ledger of their runs.

use std::collections::HashSet;

use super::{Repository, hand};
use crate::error::Result;
use crate::import::{Import, ImportId};
use crate::repository::{DropFolderChange, DropFolderState, Remains, StoredDropFolder};
use crate::run::{Callback, CallbackAttempt, CallbackState, FileOutcome, Run, RunFile, RunId, Step, Trouble, Version};
use crate::schema::TypeName;

impl Repository {
    /// The drop folders that are stored, by name.
    pub fn drop_folders(&self) -> Result<Vec<StoredDropFolder>> {
        hand!(self.drop_folders())
    }

    /// The stored drop folder of this name, if there is one.
    pub fn drop_folder(&self, name: &str) -> Result<Option<StoredDropFolder>> {
        hand!(self.drop_folder(name))
    }

    /// Stores drop folders with what is made up for them, all or none, if what is stored now is what was seen of each: says
    /// whether. Callbacks that were off are on again.
    pub fn put_drop_folders(&self, folders: &[DropFolderChange]) -> Result<bool> {
        hand!(self.put_drop_folders(folders))
    }

    /// Sets whether a stored drop folder is paused, and nothing else; of one that is not there, nothing.
    pub fn pause_drop_folder(&self, name: &str, paused: bool) -> Result<()> {
        hand!(self.pause_drop_folder(name, paused))
    }

    /// Removes a stored drop folder, and what was made up for it unless that remains, if it has this revision; says
    /// whether. The ledger of its runs stays.
    pub fn remove_drop_folder(&self, name: &str, revision: u64, remains: Remains) -> Result<bool> {
        hand!(self.remove_drop_folder(name, revision, remains))
    }

    /// How a drop folder stands, if anything was made up for it.
    pub fn drop_folder_state(&self, name: &str) -> Result<Option<DropFolderState>> {
        hand!(self.drop_folder_state(name))
    }

    /// Stores what was made up for a drop folder, unless something was before.
    pub fn add_drop_folder_state(&self, name: &str, new: &DropFolderState) -> Result<()> {
        hand!(self.add_drop_folder_state(name, new))
    }

    /// Notes that a look at a drop folder began, what kept it from its end, and what it saw and left alone.
    pub fn note_poll(&self, name: &str, at: &str, trouble: Option<&Trouble>, notices: &[String]) -> Result<()> {
        hand!(self.note_poll(name, at, trouble, notices))
    }

    /// Switches the callback of a drop folder off, or on again.
    pub fn switch_callback(&self, name: &str, off: bool) -> Result<()> {
        hand!(self.switch_callback(name, off))
    }

    /// Takes a partition: stores its run, unless one of the same place, partition and marker is known; says whether.
    pub fn claim_run(&self, run: &Run) -> Result<bool> {
        hand!(self.claim_run(run))
    }

    /// The run that this marker made, if it was ever seen.
    pub fn run_of_marker(&self, place: &str, partition: &str, marker: &Version) -> Result<Option<Run>> {
        hand!(self.run_of_marker(place, partition, marker))
    }

    /// The runs of a place that are not over, by partition, the oldest first.
    pub fn open_runs(&self, place: &str) -> Result<Vec<Run>> {
        hand!(self.open_runs(place))
    }

    /// The latest run of a partition of a place, if there was one.
    pub fn last_run(&self, place: &str, partition: &str) -> Result<Option<Run>> {
        hand!(self.last_run(place, partition))
    }

    /// The imports of runs whose files are not all filed: they still need the bytes.
    pub fn unfiled_imports(&self) -> Result<HashSet<ImportId>> {
        hand!(self.unfiled_imports())
    }

    /// The run of this id, if there is one.
    pub fn partition_run(&self, id: RunId) -> Result<Option<Run>> {
        hand!(self.partition_run(id))
    }

    /// The latest runs of a drop folder, the newest first.
    pub fn runs(&self, drop_folder: &str, limit: usize) -> Result<Vec<Run>> {
        hand!(self.runs(drop_folder, limit))
    }

    /// Up to `limit` runs of a drop folder behind position `behind`, the newest first, each with its position. The first
    /// position is greater than 0, and that of a run stays.
    pub fn runs_behind(&self, drop_folder: &str, behind: i64, limit: usize) -> Result<Vec<(i64, Run)>> {
        hand!(self.runs_behind(drop_folder, behind, limit))
    }

    /// How many runs of each drop folder are over, and whether they are successes.
    pub fn run_totals(&self) -> Result<Vec<(String, bool, u64)>> {
        hand!(self.run_totals())
    }

    /// When the oldest run was claimed that is not over, if there is one.
    pub fn oldest_open_run(&self) -> Result<Option<String>> {
        hand!(self.oldest_open_run())
    }

    /// How many callbacks wait for their next attempt, and how many are given up.
    pub fn undelivered_callbacks(&self) -> Result<(u64, u64)> {
        hand!(self.undelivered_callbacks())
    }

    /// The latest other run of the place that has imported the very same bytes into this object type, all of their
    /// records, with the file.
    pub fn identical_file(
        &self,
        run: &Run,
        object_type: &TypeName,
        digest: &[u8; 32],
    ) -> Result<Option<(Run, RunFile)>> {
        hand!(self.identical_file(run, object_type, digest))
    }

    /// Has a run belong to this drop folder: the one that took it is called otherwise now.
    pub fn hand_over_run(&self, run: RunId, drop_folder: &str) -> Result<()> {
        hand!(self.hand_over_run(run, drop_folder))
    }

    /// Queues the import that a file of a run becomes, and notes it in the ledger, both or none.
    ///
    /// # Errors
    /// `Conflict` if the file has an import already.
    pub fn queue_file(&self, run: RunId, name: &str, import: &Import, digest: &[u8; 32]) -> Result<()> {
        hand!(self.queue_file(run, name, import, digest))
    }

    /// Notes that another version of a file is taken than the one that was listed: it was replaced before it was read.
    pub fn note_version(&self, run: RunId, name: &str, version: &Version) -> Result<()> {
        hand!(self.note_version(run, name, version))
    }

    /// Notes what became of a file.
    pub fn note_outcome(&self, run: RunId, name: &str, digest: Option<&[u8; 32]>, outcome: &FileOutcome) -> Result<()> {
        hand!(self.note_outcome(run, name, digest, outcome))
    }

    /// Notes the number under `_runs` that an earlier run of the date is moved to.
    pub fn note_aside(&self, run: RunId, aside: u32) -> Result<()> {
        hand!(self.note_aside(run, aside))
    }

    /// Notes that a step is done; what stood in its way does not any more.
    pub fn note_step(&self, run: RunId, step: Step) -> Result<()> {
        hand!(self.note_step(run, step))
    }

    /// Notes what keeps a run from its next step, or that nothing does any more.
    pub fn note_trouble(&self, run: RunId, trouble: Option<&Trouble>) -> Result<()> {
        hand!(self.note_trouble(run, trouble))
    }

    /// Ends a run, and from now on its callback is to be made, both or none. The first attempt is due at once.
    pub fn end_run(&self, run: RunId, end: &str, callback: Option<&str>) -> Result<()> {
        hand!(self.end_run(run, end, callback))
    }

    /// The callbacks whose next attempt is due, the longest waiting first.
    pub fn due_callbacks(&self, now: &str) -> Result<Vec<Callback>> {
        hand!(self.due_callbacks(now))
    }

    /// The callback about a run, if one was ever to be made.
    pub fn callback(&self, run: RunId) -> Result<Option<Callback>> {
        hand!(self.callback(run))
    }

    /// The attempts at a callback, the first one first.
    pub fn callback_attempts(&self, run: RunId) -> Result<Vec<CallbackAttempt>> {
        hand!(self.callback_attempts(run))
    }

    /// Notes an attempt at a callback, and where the callback stands now.
    pub fn note_attempt(&self, run: RunId, attempt: &CallbackAttempt, state: &CallbackState) -> Result<()> {
        hand!(self.note_attempt(run, attempt, state))
    }

    /// Has a callback made again, as if it had never been tried.
    ///
    /// # Errors
    /// `NotFound` if there is none about this run.
    pub fn send_callback_again(&self, run: RunId, now: &str) -> Result<()> {
        hand!(self.send_callback_again(run, now))
    }
}
