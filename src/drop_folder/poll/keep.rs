//! Removing what was processed long ago, where somebody wants that: it is the customer's bucket.

use super::Look;
use crate::clock;
use crate::drop_folder::layout::{self, STATUS};
use crate::error::Result;

impl Look<'_> {
    /// Removes the dates from `processed` whose last run ended longer ago than they are to be kept. The ledger says when
    /// that was: dates that it does not know stay, and so does everything that is no date.
    pub(super) fn remove_old(&self) -> Result<()> {
        let Some(kept) = self.folder.keep_processed else { return Ok(()) };
        for partition in self.bucket.list(layout::PROCESSED)?.folders.iter().filter(|name| layout::is_real(name)) {
            if self.is_stopping() {
                return Ok(());
            }
            let last = self.app.repository.last_run(self.place, partition)?;
            let is_old = last.and_then(|run| run.end).is_some_and(|end| clock::since(&end) >= kept);
            if is_old && self.remove_all(&layout::processed(partition))? {
                tracing::info!(drop_folder = self.folder.name, partition, "a date is removed from 'processed'");
            }
        }
        Ok(())
    }

    /// Removes a folder with all that is in it, and says whether there was a file. What no listing has, a name that is no
    /// text say, stays, and its folder with it.
    fn remove_all(&self, folder: &str) -> Result<bool> {
        let mut listing = self.bucket.list(folder)?;
        // Without its status a date is not taken for one that is still there.
        listing.files.sort_by_key(|file| layout::name(&file.key) != STATUS);
        listing.files.iter().try_for_each(|file| self.changing()?.delete(&file.key, &file.version))?;
        let mut any = !listing.files.is_empty();
        for name in &listing.folders {
            any |= self.remove_all(&layout::key(folder, name))?;
        }
        self.changing()?.remove_empty_folder(folder)?;
        Ok(any)
    }
}
