//! Leases and turns: locks of the operating system on files under `run/`, which a dead process loses at once.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::error::{Error, Kind, Result};
use crate::repository::Lease;
use crate::schema::TypeName;

/// How long somebody who waits for a turn sleeps before looking again.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A locked file.
#[derive(Debug)]
pub(in crate::repository) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child process that is being started still has the file for a moment.
        let _ = self.0.unlock();
    }
}

/// The lease of an object type, unless another process has it.
pub(super) fn lease(run: &Path, object_type: &TypeName) -> Result<Option<Lease>> {
    let path = run.join(format!("{}.lock", object_type.to_string().replace('/', ".")));
    Ok(try_lock(&path)?.map(Lease::of_file))
}

/// The place of the one service, unless another process has it.
pub(super) fn claim_service(run: &Path) -> Result<Option<Lease>> {
    // No object type is called so: their names have a slash.
    Ok(try_lock(&run.join("service.lock"))?.map(Lease::of_file))
}

/// The lease of a drop folder's place, unless another process has it.
pub(super) fn lease_place(run: &Path, place: &str) -> Result<Option<Lease>> {
    // A place may be longer than file names can be.
    let path = run.join(format!("{}.place", blake3::hash(place.as_bytes()).to_hex()));
    Ok(try_lock(&path)?.map(Lease::of_file))
}

/// What processes take turns with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Opening the repository. Of two processes that would make it at the same time, SQLite lets one fail.
    Open,
    /// Asking for the write lock. An import gives the lock back only for a moment; without turns, somebody who waits for
    /// it would hardly ever be the one to get it.
    Write,
}

impl Turn {
    fn file(self) -> &'static str {
        match self {
            Turn::Open => "open.turn",
            Turn::Write => "write.turn",
        }
    }
}

/// Waits for the turn, which lasts until the lock is dropped.
pub(super) fn take_turn(run: &Path, turn: Turn, patience: Duration) -> Result<Lock> {
    let path = run.join(turn.file());
    let deadline = Instant::now() + patience;
    loop {
        match try_lock(&path)? {
            Some(lock) => return Ok(lock),
            None if Instant::now() > deadline => return Err(busy()),
            None => sleep(LOOK_AGAIN),
        }
    }
}

/// Does again what found the repository busy, until it does not.
pub(super) fn patiently<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    loop {
        match work() {
            Err(error) if error.kind() == Kind::Busy => {}
            other => return other,
        }
    }
}

pub(super) fn busy() -> Error {
    Error::new(Kind::Busy, "the repository is busy with an import; try again in a few seconds")
}

/// The lock on this file, which is made if need be; nothing if somebody else has it.
fn try_lock(path: &Path) -> Result<Option<Lock>> {
    let failed = |error| Error::storage(format!("the lock '{}' could not be used", path.display()), error);
    let file = File::options().create(true).append(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
