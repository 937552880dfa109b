//! Taking a partition: from here on it is ours, with the files that lie in it now.

use super::Look;
use super::look::changing;
use crate::clock;
use crate::drop_folder::layout::Contents;
use crate::error::Result;
use crate::run::{Run, RunId, Step};

impl Look<'_> {
    /// Takes a partition that has settled, unless it has changed since: then the next look at it decides.
    pub(super) fn claim(&self, partition: &str, settled: &Contents, notices: &mut Vec<String>) -> Result<Option<Run>> {
        let now = self.contents(partition)?;
        let Some(marker) = now.marker.clone().filter(|_| now.is_as(settled)) else {
            notices.push(changing(partition));
            return Ok(None);
        };
        let run = Run {
            id: RunId::new(),
            drop_folder: self.folder.name.clone(),
            place: self.place.to_owned(),
            partition: partition.to_owned(),
            marker,
            files: now.files,
            step: Step::Claimed,
            aside: None,
            begin: clock::now(),
            end: None,
            trouble: None,
        };
        if !self.app.repository.claim_run(&run)? {
            return Ok(None);
        }
        let files = run.files.len();
        tracing::info!(drop_folder = run.drop_folder, partition, run = %run.id, files, "partition is taken");
        Ok(Some(run))
    }
}
