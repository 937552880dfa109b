//! Clearing away what nobody needs.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::identity::IDENTITY;
use super::{NEW, Place, Spool};
use crate::error::{Error, Result, unwritten};
use crate::import::ImportId;

/// A new file is left alone for so long after it was written to: who made it does not hold it yet.
const FRESH: Duration = Duration::from_mins(1);

/// What others may see is left alone for so long, if it belongs to no import.
const OLD: Duration = Duration::from_hours(24);

/// What was brought back from a bucket stays for so long while its import is not over.
const CACHED: Duration = Duration::from_hours(1);

impl Spool {
    /// Removes files that belong to none of the imports that are `kept` and that nobody is bringing in.
    ///
    /// `kept` is told of which imports there may be files, once it is known which files nobody holds: what was let go by then
    /// was queued, or never will be.
    pub fn sweep(&self, kept: impl FnOnce(&[ImportId]) -> Result<HashSet<ImportId>>) -> Result<()> {
        let doing = || format!("the spool '{}' could not be read", self.directory.display());
        let failed = |error| Error::storage(doing(), error);
        let mut free = Vec::new();
        for file in fs::read_dir(&self.directory).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            if is_free(&path) && path.file_name().is_some_and(|name| name != IDENTITY) {
                free.push(path);
            }
        }
        let stored = match &self.place {
            Place::Bucket(remote) => remote.listed()?,
            _ => Vec::new(),
        };
        if free.is_empty() && stored.is_empty() {
            return Ok(());
        }
        let now = self.clock(&free)?;
        let named: HashSet<ImportId> =
            free.iter().filter_map(|path| import_of(path)).chain(stored.iter().map(|stored| stored.import)).collect();
        let kept = kept(&named.into_iter().collect::<Vec<_>>())?;
        for path in free {
            let least = self.least_age(import_of(&path).is_some_and(|id| kept.contains(&id)));
            if least.is_some_and(|least| least.is_zero() || age(&path, now).is_some_and(|age| age >= least)) {
                let _ = fs::remove_file(&path);
            }
        }
        let Place::Bucket(remote) = &self.place else { return Ok(()) };
        let lost: Vec<_> = stored.into_iter().filter(|stored| !kept.contains(&stored.import)).collect();
        if lost.is_empty() {
            return Ok(());
        }
        let Some(now) = remote.now()? else { return Ok(()) };
        for stored in lost {
            let age = stored.modified.and_then(|modified| Duration::try_from(now.duration_since(modified)).ok());
            if age.is_some_and(|age| age >= OLD) {
                remote.remove(stored.import)?;
            }
        }
        Ok(())
    }

    /// How old a file must be to be removed that nobody holds; nothing if it stays.
    fn least_age(&self, is_kept: bool) -> Option<Duration> {
        match (&self.place, is_kept) {
            (Place::Own | Place::Shared, true) => None,
            (Place::Own, false) | (Place::Bucket(_), false) => Some(Duration::ZERO),
            (Place::Shared, false) => Some(OLD),
            (Place::Bucket(_), true) => Some(CACHED),
        }
    }

    /// What time it is for the directory, if there is something whose age counts.
    fn clock(&self, free: &[PathBuf]) -> Result<Option<SystemTime>> {
        if free.is_empty() || matches!(self.place, Place::Own) {
            return Ok(None);
        }
        let path = self.new_file(ImportId::random());
        let touch = || -> io::Result<SystemTime> {
            let modified = File::create_new(&path)?.metadata()?.modified();
            fs::remove_file(&path)?;
            modified
        };
        touch().map(Some).map_err(|error| unwritten("a file could not be made in the spool", error))
    }
}

/// The import that a file belongs to.
fn import_of(path: &Path) -> Option<ImportId> {
    path.file_stem()?.to_str()?.parse().ok()
}

fn age(path: &Path, now: Option<SystemTime>) -> Option<Duration> {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    now?.duration_since(modified).ok()
}

/// Whether nobody holds a file, nor is about to.
fn is_free(path: &Path) -> bool {
    let Ok(file) = File::open(path) else { return false };
    let modified = file.metadata().and_then(|metadata| metadata.modified()).ok();
    let is_fresh = || modified.and_then(|modified| modified.elapsed().ok()).is_none_or(|elapsed| elapsed < FRESH);
    let is_new = path.extension().is_some_and(|extension| extension == NEW);
    !(is_new && is_fresh()) && file.try_lock().is_ok()
}
