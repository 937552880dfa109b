//! The structural scan that runs ahead of an import.
//!
//! Nothing of a file is committed before its whole structure is known: quotes, encoding, limits, checksums. The scan
//! reads the file on a thread of its own, and the pass asks it before its first commit.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::progress::Progress;
use super::reader::{self, Limits};
use crate::error::{Error, Result};

/// An import begins to apply when the scan should be over within this time, so that it never holds the repository's
/// write lock for long only to wait for the scan.
const NEARLY: Duration = Duration::from_secs(1);

/// The scan of one file, under way or over.
pub struct StructuralScan {
    state: State,
    started: Instant,
    progress: Arc<Progress>,
}

enum State {
    Running(JoinHandle<Result<u64>>),
    Done { records: u64 },
}

impl StructuralScan {
    /// Starts to scan the spooled file. The file is also synced to disk, so that nothing is committed of bytes that a
    /// power loss could take back.
    pub fn start(path: &Path, limits: &Limits, progress: &Arc<Progress>) -> Result<StructuralScan> {
        let file = open(path)?;
        let limits = limits.clone();
        let size = file.metadata().map_or(0, |metadata| metadata.len());
        let scanned = Arc::new(Progress::new(size));
        let (total, watched) = (Arc::clone(progress), Arc::clone(&scanned));
        let work = move || {
            let counting = Counting { file: &file, progress: &watched, read: 0 };
            let structure = reader::scan(counting, &limits)?;
            total.set_total(structure.records);
            file.sync_all().map_err(|error| Error::storage("the spooled file could not be synced", error))?;
            Ok(structure.records)
        };
        let thread = std::thread::Builder::new().name("structural scan".into()).spawn(work);
        let thread = thread.map_err(|error| Error::storage("the structural scan could not start", error))?;
        Ok(StructuralScan { state: State::Running(thread), started: Instant::now(), progress: scanned })
    }

    /// A file that has been read to its end before.
    pub fn known(records: u64, progress: &Arc<Progress>) -> StructuralScan {
        progress.set_total(records);
        StructuralScan { state: State::Done { records }, started: Instant::now(), progress: Arc::clone(progress) }
    }

    /// Waits for the end of the scan and says how many records the file has.
    ///
    /// # Errors
    /// What is wrong with the structure of the file.
    pub fn wait(&mut self) -> Result<u64> {
        let records = match std::mem::replace(&mut self.state, State::Done { records: 0 }) {
            State::Done { records } => records,
            State::Running(thread) => {
                thread.join().unwrap_or_else(|_| Err(Error::internal("the structural scan panicked")))?
            }
        };
        self.state = State::Done { records };
        Ok(records)
    }

    /// Waits until the scan is nearly over.
    pub fn wait_nearly(&self) {
        while let State::Running(thread) = &self.state {
            let (size, read) = self.progress.bytes();
            let elapsed = self.started.elapsed();
            let left = elapsed.mul_f64(size.saturating_sub(read) as f64 / read.max(1) as f64);
            if thread.is_finished() || (read > 0 && left < NEARLY) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Opens a spooled file.
pub fn open(path: &Path) -> Result<File> {
    let doing = || format!("the spooled file '{}' could not be read", path.display());
    File::open(path).map_err(|error| Error::storage(doing(), error))
}

/// A file that tells how much of it has been read.
struct Counting<'a> {
    file: &'a File,
    progress: &'a Progress,
    read: u64,
}

impl std::io::Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        self.progress.set_read(self.read);
        Ok(count)
    }
}
