//! The third step of a run: everything that was taken lies in `processed`, as it was when it was taken.

use super::Look;
use crate::drop_folder::layout::{self, MARKER};
use crate::error::{Error, Kind, Result};
use crate::run::{Run, RunFile, Version};

impl Look<'_> {
    /// Copies all files, then the marker.
    pub(super) fn copy(&self, run: &Run) -> Result<()> {
        run.files.iter().try_for_each(|file| self.copy_file(run, file))?;
        let to = layout::key(&layout::processed(&run.partition), MARKER);
        match self.bucket.copy(&layout::key(&layout::current(&run.partition), MARKER), &run.marker, &to) {
            // The partition was dropped anew, or the marker was taken away.
            Err(error) if is_other(&error) => self.bucket.write(&to, 0, &mut [].as_slice()),
            copied => copied,
        }
    }

    fn copy_file(&self, run: &Run, file: &RunFile) -> Result<()> {
        let key = layout::key(&layout::current(&run.partition), &file.name);
        let to = layout::key(&layout::processed(&run.partition), &file.name);
        match self.bucket.copy(&key, &file.version, &to) {
            Err(error) if is_other(&error) => self.write_spooled(file, &to),
            Err(error) if self.is_unreadable(run, file, &error) => {
                tracing::warn!(drop_folder = run.drop_folder, key, %error, "a file stays where it is");
                Ok(())
            }
            copied => copied,
        }
    }

    /// Writes the bytes that were read of a file that lies there no more. Of one that was never read there are none, and
    /// what lies there instead is not ours.
    fn write_spooled(&self, file: &RunFile, to: &str) -> Result<()> {
        let Version { size, .. } = file.version;
        match file.import.filter(|import| self.app.spool.is_whole(*import, size)) {
            Some(import) => self.bucket.write(to, size, &mut self.app.spool.read(import)?),
            None => match self.bucket.look(to)? {
                Some(version) => self.bucket.delete(to, &version),
                None => Ok(()),
            },
        }
    }

    /// Whether a file cannot be copied for the reason why it could not be read. It is reported all the same.
    fn is_unreadable(&self, run: &Run, file: &RunFile, error: &Error) -> bool {
        let was_read = file.ignored.is_some() || file.digest.is_some();
        !was_read && (error.kind() == Kind::Forbidden || self.is_given_up(run))
    }
}

fn is_other(error: &Error) -> bool {
    matches!(error.kind(), Kind::Outdated | Kind::NotFound)
}
