//! The last step of a run: what was taken is removed from `current`, and nothing else. Then it is over.
//!
//! Nothing is removed that was not imported or reported: each file goes only as the version that was taken. The marker goes
//! last, so that a partition without one has either not been dropped yet or is done. One that has to stay harms nobody,
//! because the ledger knows it.

use serde_json::json;

use super::Look;
use crate::bucket::prefix;
use crate::clock;
use crate::config;
use crate::drop_folder::layout::{self, MARKER};
use crate::drop_folder::status;
use crate::error::{Kind, Result};
use crate::run::{Run, RunFile, Step};

impl Look<'_> {
    /// Removes the files that were taken, then the marker.
    pub(super) fn clear(&self, run: &Run) -> Result<()> {
        let current = layout::current(&run.partition);
        let marker = layout::key(&current, MARKER);
        if self.bucket.look(&marker)?.is_some_and(|version| version != run.marker) {
            // The partition was dropped anew: all that lies there belongs to the next run.
            return Ok(());
        }
        for file in &run.files {
            if self.is_filed(run, file)? {
                unless_outdated(self.changing()?.delete(&layout::key(&current, &file.name), &file.version))?;
            }
        }
        let left = self.contents(&run.partition)?;
        let is_taken = |file: &RunFile| run.files.iter().any(|taken| is_same(taken, file));
        if left.marker.as_ref() == Some(&run.marker) && left.data().all(is_taken) {
            unless_outdated(self.changing()?.delete(&marker, &run.marker))?;
        }
        self.changing()?.remove_empty_folder(&current)
    }

    /// Whether a file lies in `processed`. What was read does: it was copied, or written from the spool.
    fn is_filed(&self, run: &Run, file: &RunFile) -> Result<bool> {
        if file.import.is_some() {
            return Ok(true);
        }
        let filed = self.bucket.look(&layout::key(&layout::processed(&run.partition), &file.name))?;
        Ok(filed.is_some_and(|version| version.size == file.version.size))
    }

    /// Ends a run. From now on its callback is to be made.
    pub(super) fn end(&self, run: &mut Run) -> Result<()> {
        let success = run.is_success();
        let body = json!({
            "folder_path": self.folder_path(run),
            "success": success,
            "message": status::message(run),
        });
        let callback = self.folder.callback.as_ref().map(|_| body.to_string());
        let end = clock::now();
        self.app.repository.end_run(run.id, &end, callback.as_deref())?;
        run.step = Step::Cleared;
        run.end = Some(end);
        run.trouble = None;
        let records: u64 =
            run.files.iter().filter_map(|file| file.outcome.as_ref()).map(|outcome| outcome.records).sum();
        let Run { id, drop_folder, partition, .. } = &*run;
        tracing::info!(drop_folder, partition, run = %id, success, records, "partition is done");
        Ok(())
    }

    /// Where the run's files lie now: the whole key inside the bucket, without outer slashes.
    fn folder_path(&self, run: &Run) -> String {
        let folders = match &self.folder.bucket {
            config::Bucket::Directory(_) => "",
            config::Bucket::S3 { folders, .. } => folders,
        };
        prefix(folders, &self.folder.base_folder) + &layout::processed(&run.partition)
    }
}

fn is_same(one: &RunFile, other: &RunFile) -> bool {
    (&one.name, &one.version) == (&other.name, &other.version)
}

/// What is another version now stays, and nothing is wrong with that.
fn unless_outdated(deleted: Result<()>) -> Result<()> {
    match deleted {
        Err(error) if error.kind() == Kind::Outdated => Ok(()),
        other => other,
    }
}
