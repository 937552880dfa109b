//! The fourth step of a run: it is said what became of it. `status.txt` comes last, because people and scripts wait for it.

use std::io::{Seek, Write};

use super::Look;
use crate::drop_folder::layout::{self, STATUS, STATUS_JSON};
use crate::drop_folder::status;
use crate::error::unwritten;
use crate::error::{Error, Result};
use crate::failure::{Escape, FailuresWriter};
use crate::import::ImportId;
use crate::run::Run;

impl Look<'_> {
    /// Writes the failed records of each refused file, then `status.json`, then `status.txt`.
    pub(super) fn report(&self, run: &Run) -> Result<()> {
        let processed = layout::processed(&run.partition);
        for file in &run.files {
            if let (Some(import), Some(outcome)) = (file.import, &file.outcome)
                && !outcome.success
            {
                self.write_errors(import, &layout::key(&processed, &layout::errors_file(&file.name)))?;
            }
        }
        let json = serde_json::to_string_pretty(&status::json(run));
        let json = json.map_err(|error| Error::storage("a status could not be written as JSON", error))?;
        self.write_text(&layout::key(&processed, STATUS_JSON), &format!("{json}\n"))?;
        self.write_text(&layout::key(&processed, STATUS), &status::text(run))
    }

    fn write_text(&self, key: &str, text: &str) -> Result<()> {
        self.changing()?.write(key, text.len() as u64, &mut text.as_bytes())
    }

    /// Writes the failed records of an import, if it has any. They are put together on our disk first: there may be many.
    fn write_errors(&self, id: ImportId, key: &str) -> Result<()> {
        let Some(import) = self.app.repository.import(id)? else { return Ok(()) };
        if self.app.repository.failures(id, 0, 1)?.is_empty() {
            return Ok(());
        }
        let failed = |error| unwritten("the failed records could not be put together", error);
        let mut scratch = self.app.spool.scratch()?;
        let mut writer = FailuresWriter::new(std::io::BufWriter::new(&mut scratch), &import.header, Escape::default())
            .map_err(failed)?;
        self.app.repository.each_failure(id, u64::MAX, |failure| {
            writer.write(&failure.cells, &failure.plain_problem()).map_err(failed)
        })?;
        writer.finish().and_then(|mut out| out.flush()).map_err(failed)?;
        let size = scratch.stream_position().and_then(|size| scratch.rewind().map(|()| size)).map_err(failed)?;
        self.changing()?.write(key, size, &mut scratch)
    }
}
