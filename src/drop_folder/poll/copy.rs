//! The third step of a run: everything that was taken lies in `processed`, as it was when it was taken.

use super::Look;
use super::trouble::Stuck;
use crate::drop_folder::layout::{self, MARKER};
use crate::error::{Error, Kind, Result};
use crate::run::{Run, RunFile, Version};

impl Look<'_> {
    /// Copies all files, then the marker.
    pub(super) fn copy(&self, run: &Run) -> Result<(), Stuck> {
        run.files.iter().try_for_each(|file| self.copy_file(run, file))?;
        let to = layout::key(&layout::processed(&run.partition), MARKER);
        match self.changing()?.copy(&layout::key(&layout::current(&run.partition), MARKER), &run.marker, &to) {
            // The partition was dropped anew, or the marker was taken away.
            Err(error) if is_other(&error) => Ok(self.changing()?.write(&to, 0, &mut [].as_slice())?),
            copied => Ok(copied?),
        }
    }

    fn copy_file(&self, run: &Run, file: &RunFile) -> Result<(), Stuck> {
        let key = layout::key(&layout::current(&run.partition), &file.name);
        let to = layout::key(&layout::processed(&run.partition), &file.name);
        match self.changing()?.copy(&key, &file.version, &to) {
            Err(error) if is_other(&error) => Ok(self.write_spooled(file, &to)?),
            Err(error) if was_read(file) => Err(error.into()),
            Err(error) if error.kind() == Kind::Forbidden || self.is_given_up(run, &file.name) => {
                tracing::warn!(drop_folder = run.drop_folder, key, %error, "a file stays where it is");
                Ok(())
            }
            copied => copied.map_err(|error| Stuck::at(&file.name, error)),
        }
    }

    /// Writes the bytes that were read of a file that lies there no more. Of one that was never read there are none, and
    /// what lies there instead is not ours.
    fn write_spooled(&self, file: &RunFile, to: &str) -> Result<()> {
        let Version { size, .. } = file.version;
        let is_whole = |import| Ok::<_, Error>(self.app.spool.is_whole(import, size)?.then_some(import));
        match file.import.map(is_whole).transpose()?.flatten() {
            Some(import) => self.changing()?.write(to, size, &mut self.app.spool.read(import)?),
            None => match self.bucket.look(to)? {
                Some(version) => self.changing()?.delete(to, &version),
                None => Ok(()),
            },
        }
    }
}

/// Whether a file is copied in any case. One that could not be read may be impossible to copy for the same reason; it is
/// reported all the same.
fn was_read(file: &RunFile) -> bool {
    file.ignored.is_some() || file.digest.is_some()
}

fn is_other(error: &Error) -> bool {
    matches!(error.kind(), Kind::Outdated | Kind::NotFound)
}
