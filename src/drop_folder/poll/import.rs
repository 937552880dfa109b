//! The first step of a run: every data file is read and imported, one after the other, or it is said why not.
//!
//! A file is read once. From then on its bytes are in the spool and its import is in the ledger, both or none, so that
//! what is imported is what was read, and never twice.

use super::Look;
use super::trouble::Stuck;
use crate::app::Arrived;
use crate::config::OnIdentical;
use crate::drop_folder::{layout, status};
use crate::error::{Error, Kind, Result};
use crate::import::{Import, ImportId};
use crate::run::{FileOutcome, Run, Version};

/// A file that is replaced so often while we read it is tried again at the next look.
const ATTEMPTS: usize = 5;

/// What reading a file came to.
enum Fetched {
    /// Its import waits.
    Queued(ImportId),
    /// No import is made of it.
    Over(FileOutcome),
}

impl Look<'_> {
    /// Has every data file imported, in the order of their names; says whether all of them are over.
    pub(super) fn import(&self, run: &mut Run) -> Result<bool, Stuck> {
        for at in 0..run.files.len() {
            if run.files[at].ignored.is_some() || run.files[at].outcome.is_some() {
                continue;
            }
            let Some(outcome) = self.outcome(run, at)? else { return Ok(false) };
            let file = &mut run.files[at];
            self.app.repository.note_outcome(run.id, &file.name, file.digest.as_ref(), &outcome)?;
            file.outcome = Some(outcome);
        }
        Ok(true)
    }

    /// What becomes of a file; nothing if that is not known before we have to stop.
    fn outcome(&self, run: &mut Run, at: usize) -> Result<Option<FileOutcome>, Stuck> {
        if self.is_stopping() {
            return Ok(None);
        }
        let import = match (run.files[at].import, self.stopped_by(run, at)) {
            (Some(import), _) => import,
            (None, Some(error)) => return Ok(Some(status::refused(&error))),
            (None, None) => match self.fetch(run, at)? {
                Fetched::Queued(import) => import,
                Fetched::Over(outcome) => return Ok(Some(outcome)),
            },
        };
        Ok(self.wait(run, at, import)?)
    }

    /// Why a file is left unread, if one before it was refused.
    fn stopped_by(&self, run: &Run, at: usize) -> Option<Error> {
        let mut before = run.files[..at].iter().filter(|_| self.folder.rules.stop_on_error);
        let refused = before.find(|file| file.outcome.as_ref().is_some_and(|outcome| !outcome.success))?;
        Some(Error::file(format!("Not imported, because '{}' was refused", refused.name)))
    }

    /// Reads a file and queues its import. One that could not be read for long is reported as such.
    fn fetch(&self, run: &mut Run, at: usize) -> Result<Fetched, Stuck> {
        let fetched = self.try_to_fetch(run, at)?;
        let file = &run.files[at].name;
        match fetched {
            // What we broke off ourselves says nothing of the file.
            Err(error) if self.is_given_up(run, file) && !self.is_stopping() => {
                Ok(Fetched::Over(status::refused(&error)))
            }
            fetched => fetched.map_err(|error| Stuck::at(file, error)),
        }
    }

    /// The same at once. What is wrong with the bucket is the inner error; nobody gives a file up because something is
    /// wrong with us.
    fn try_to_fetch(&self, run: &mut Run, at: usize) -> Result<Result<Fetched>> {
        let name = run.files[at].name.clone();
        let key = layout::key(&layout::current(&run.partition), &name);
        for _ in 0..ATTEMPTS {
            let version = run.files[at].version.clone();
            let (size, most) = (version.size, self.folder.max_file_size);
            if size > most {
                let message = format!("File is too large: {size} bytes (maximum {most})");
                return Ok(Ok(Fetched::Over(status::refused(&Error::new(Kind::TooLarge, message)))));
            }
            match self.read(run, &key, &version)? {
                Ok(arrived) => return self.queue(run, at, arrived).map(Ok),
                Err(error) if matches!(error.kind(), Kind::Outdated | Kind::NotFound) => {}
                Err(error) => return Ok(Err(error)),
            }
            match self.settled_version(&key) {
                Ok(Some(version)) => {
                    self.app.repository.note_version(run.id, &name, &version)?;
                    run.files[at].version = version;
                }
                Ok(None) => {
                    let message = "File was removed before it was read";
                    return Ok(Ok(Fetched::Over(status::refused(&Error::file(message)))));
                }
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Err(still_written(&key)))
    }

    /// Reads a version of a file into the spool. Again what is wrong with the bucket is the inner error.
    fn read(&self, run: &Run, key: &str, version: &Version) -> Result<Result<Arrived>> {
        let mut arriving = self.app.receive_dropped(self.folder.plan(&run.partition))?;
        let mut unwritten = None;
        let read = self.bucket.read(key, version, &mut |bytes| {
            if self.is_stopping() {
                return Err(Error::conflict("the look is over"));
            }
            arriving.write(&bytes).map_err(|error| {
                let message = error.to_string();
                unwritten = Some(error);
                Error::conflict(message)
            })
        });
        if let Some(error) = unwritten {
            return Err(error);
        }
        if let Err(error) = read {
            return Ok(Err(error));
        }
        let arrived = arriving.end()?;
        if arrived.size() != version.size {
            let message = format!("{} of {} bytes of '{key}' came", arrived.size(), version.size);
            return Ok(Err(Error::new(Kind::Busy, message)));
        }
        Ok(Ok(arrived))
    }

    /// The version of a file that was replaced, once it does not change any more; nothing if it is gone.
    fn settled_version(&self, key: &str) -> Result<Option<Version>> {
        let mut version = self.bucket.look(key)?;
        for _ in 0..ATTEMPTS {
            self.settle();
            let now = self.bucket.look(key)?;
            if now == version {
                return Ok(now);
            }
            version = now;
        }
        Err(still_written(key))
    }

    /// Queues the import of a file that is here, unless it is to be passed over.
    fn queue(&self, run: &mut Run, at: usize, arrived: Arrived) -> Result<Fetched> {
        self.forget_trouble(run)?;
        let digest = arrived.digest();
        run.files[at].digest = Some(digest);
        if self.folder.rules.on_identical == OnIdentical::Skip
            && let Some(warning) = self.identical(run, &digest)?
        {
            let warnings = vec![format!("Not imported: {warning}")];
            let nothing = serde_json::Value::Null;
            let outcome = FileOutcome {
                success: true,
                records: 0,
                metadata: nothing,
                errors: Vec::new(),
                more_errors: 0,
                warnings,
            };
            return Ok(Fetched::Over(outcome));
        }
        let import = self.app.queue_dropped(arrived, run.id, &run.files[at].name)?;
        run.files[at].import = Some(import);
        Ok(Fetched::Queued(import))
    }

    /// What is said if an earlier import was of the very same bytes.
    fn identical(&self, run: &Run, digest: &[u8; 32]) -> Result<Option<String>> {
        let found = self.app.repository.identical_file(run, &self.folder.object_type, digest)?;
        Ok(found.and_then(|(earlier, file)| {
            let began = file.outcome.as_ref().and_then(|outcome| outcome.metadata["begin"].as_str());
            Some(format!("identical to import {} of {}", file.import?, began.unwrap_or(&earlier.begin)))
        }))
    }

    /// Waits for the import of a file, and gives what became of it; nothing if we have to stop before it is over.
    fn wait(&self, run: &mut Run, at: usize, id: ImportId) -> Result<Option<FileOutcome>> {
        let waited = self.imports.wait(id);
        let Some(import) = self.app.repository.import(id)? else {
            // Whoever deleted it did so when it was over.
            let message = format!("What became of the file is not known: the record of import {id} was deleted");
            return Ok(Some(status::refused(&Error::not_found(message))));
        };
        if import.state.end().is_none() {
            return waited.map(|()| None);
        }
        self.forget_trouble(run)?;
        let import = self.with_warning(run, at, import)?;
        let failures = self.app.repository.failures(id, 0, status::MOST_ENTRIES)?;
        Ok(Some(status::outcome(&import, &failures)))
    }

    /// The record of an import, which says so if an earlier one was of the very same bytes.
    fn with_warning(&self, run: &Run, at: usize, mut import: Import) -> Result<Import> {
        let digest = run.files[at].digest;
        let Some(warning) = digest.map(|digest| self.identical(run, &digest)).transpose()?.flatten() else {
            return Ok(import);
        };
        if !import.warnings.contains(&warning) {
            import.warnings.push(warning);
            self.app.repository.note_warnings(import.id, &import.warnings)?;
        }
        Ok(import)
    }
}

fn still_written(key: &str) -> Error {
    Error::new(Kind::Busy, format!("the file '{key}' is still being written"))
}
