//! The second step of a run: what lies under the date in `processed` is moved aside, so that nothing of an earlier run is
//! overwritten or taken for a part of this one. `status.txt` leaves first: whoever waits for it waits for ours.

use super::Look;
use crate::bucket::Listed;
use crate::drop_folder::layout::{self, STATUS};
use crate::error::{Error, Kind, Result};
use crate::run::Run;

/// Files that others write there meanwhile are moved aside too, but not for ever.
const ATTEMPTS: usize = 5;

impl Look<'_> {
    /// Moves aside whatever lies directly in the date's folder, whoever put it there.
    pub(super) fn make_room(&self, run: &mut Run) -> Result<()> {
        let processed = layout::processed(&run.partition);
        for _ in 0..ATTEMPTS {
            let mut lying = self.bucket.list(&processed)?.files;
            if lying.is_empty() {
                return Ok(());
            }
            let aside = layout::key(&layout::earlier_runs(&run.partition), &self.aside(run)?.to_string());
            lying.sort_by_key(|file| layout::name(&file.key) != STATUS);
            lying.iter().try_for_each(|file| self.move_to(file, &aside))?;
        }
        Err(Error::new(Kind::Busy, format!("others write files to '{processed}'")))
    }

    /// The number that what lies there gets; decided once.
    fn aside(&self, run: &mut Run) -> Result<u32> {
        if let Some(aside) = run.aside {
            return Ok(aside);
        }
        let aside = layout::next_number(&self.bucket.list(&layout::earlier_runs(&run.partition))?.folders);
        self.app.repository.note_aside(run.id, aside)?;
        run.aside = Some(aside);
        Ok(aside)
    }

    /// Moves a file that was listed, if it is still what it was.
    fn move_to(&self, Listed { key, version }: &Listed, folder: &str) -> Result<()> {
        let to = layout::key(folder, layout::name(key));
        let bucket = self.changing()?;
        match bucket.copy(key, version, &to).and_then(|()| bucket.delete(key, version)) {
            // The next listing shows what is there instead.
            Err(error) if matches!(error.kind(), Kind::Outdated | Kind::NotFound) => Ok(()),
            moved => moved,
        }
    }
}
