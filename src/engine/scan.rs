//! The structural scan that runs ahead of an import.
//!
//! Nothing of a file is committed before its whole structure is known: quotes, encoding, limits, checksums. The scan
//! reads the file on a thread of its own, and the pass asks it before its first commit. It also knows whether the bytes
//! have reached the disk, which must be so before a part of them is committed and the rest still needed. A file that was
//! scanned while it came in ([`arrival`]) is not scanned again.

pub(crate) mod arrival;

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::progress::Progress;
use super::reader::{Format, Reader};
use crate::config::Limits;
use crate::error::{Error, Result};
use crate::import::Structure;

/// An import begins to apply when the scan should be over within this time, so that it never holds the repository's
/// write lock for long only to wait for the scan.
const NEARLY: Duration = Duration::from_secs(1);

/// The scan of one file, under way or over.
pub(crate) struct StructuralScan {
    state: State,
    durability: Durability,
    started: Instant,
    /// Bytes of the file.
    size: u64,
    /// How many of them have been scanned.
    scanned: Arc<AtomicU64>,
}

enum State {
    Running(JoinHandle<Result<Structure>>),
    Done(Structure),
    /// It was not sound, and who asked has been told.
    Failed,
}

enum Durability {
    Unknown(Arc<File>),
    Syncing(JoinHandle<Result<()>>),
    Durable,
}

impl StructuralScan {
    /// What is known of a file that was scanned, and had reached the disk, before its import was queued.
    pub(crate) fn known(structure: Structure, progress: &Progress) -> StructuralScan {
        progress.set_total(structure.records);
        let size = structure.size;
        let (state, durability) = (State::Done(structure), Durability::Durable);
        StructuralScan { state, durability, started: Instant::now(), size, scanned: Arc::default() }
    }

    /// Starts to scan the spooled file.
    pub(crate) fn start(
        file: File,
        limits: &Limits,
        format: Format,
        progress: &Arc<Progress>,
    ) -> Result<StructuralScan> {
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let (file, scanned) = (Arc::new(file), Arc::default());
        let counting = Counting { file: Arc::clone(&file), count: Arc::clone(&scanned) };
        let (limits, progress) = (limits.clone(), Arc::clone(progress));
        let work = move || {
            let structure = Reader::open_as(counting, &limits, format)?.into_structure()?;
            progress.set_total(structure.records);
            Ok(structure)
        };
        let thread = std::thread::Builder::new().name("structural scan".into()).spawn(work);
        let thread = thread.map_err(|error| Error::storage("the structural scan could not start", error))?;
        let (state, durability) = (State::Running(thread), Durability::Unknown(file));
        Ok(StructuralScan { state, durability, started: Instant::now(), size, scanned })
    }

    /// Waits for the end of the scan.
    ///
    /// # Errors
    /// What is wrong with the structure of the file.
    pub(crate) fn wait(&mut self) -> Result<&Structure> {
        if let State::Running(_) = self.state
            && let State::Running(thread) = std::mem::replace(&mut self.state, State::Failed)
        {
            let structure = thread.join().unwrap_or_else(|_| Err(Error::internal("the structural scan panicked")))?;
            self.state = State::Done(structure);
        }
        match &self.state {
            State::Done(structure) => Ok(structure),
            State::Running(_) | State::Failed => Err(Error::internal("the structure of the file is not sound")),
        }
    }

    /// Whether the scan is over and found nothing wrong.
    pub(crate) fn is_sound(&mut self) -> bool {
        match &self.state {
            State::Running(thread) if !thread.is_finished() => false,
            _ => self.wait().is_ok(),
        }
    }

    /// Starts to sync the file to disk, if that has not been done.
    pub(crate) fn start_sync(&mut self) -> Result<()> {
        if let Durability::Unknown(file) = &self.durability {
            let failed = |error| Error::storage("the spooled file could not be synced", error);
            let file = Arc::clone(file);
            let thread = std::thread::Builder::new().name("spool sync".into());
            let thread = thread.spawn(move || file.sync_all().map_err(failed)).map_err(failed)?;
            self.durability = Durability::Syncing(thread);
        }
        Ok(())
    }

    /// Waits until the file has reached the disk.
    pub(crate) fn wait_durable(&mut self) -> Result<()> {
        self.start_sync()?;
        if let Durability::Syncing(thread) = std::mem::replace(&mut self.durability, Durability::Durable) {
            thread.join().unwrap_or_else(|_| Err(Error::internal("the sync of the spooled file panicked")))?;
        }
        Ok(())
    }

    /// Waits until the scan is nearly over.
    pub(crate) fn wait_nearly(&self) {
        while let State::Running(thread) = &self.state {
            let scanned = self.scanned.load(Ordering::Relaxed);
            let elapsed = self.started.elapsed();
            let left = elapsed.mul_f64(self.size.saturating_sub(scanned) as f64 / scanned.max(1) as f64);
            if thread.is_finished() || (scanned > 0 && left < NEARLY) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A file that tells how much of it has been read.
struct Counting {
    file: Arc<File>,
    count: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.as_ref().read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
