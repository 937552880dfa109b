//! How far an import is: what a progress bar shows. It promises nothing; the counts of the import do.

use std::sync::atomic::{AtomicU64, Ordering};

/// Written by the engine's threads, read by whoever watches.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of the spooled file.
    size: AtomicU64,
    read: AtomicU64,
    total: AtomicU64,
    applied: AtomicU64,
}

impl Progress {
    /// Nothing read yet of a file of so many bytes.
    pub fn new(size: u64) -> Progress {
        Progress { size: AtomicU64::new(size), ..Progress::default() }
    }

    /// The bytes of the file and how many of them have been read.
    pub fn bytes(&self) -> (u64, u64) {
        (self.size.load(Ordering::Relaxed), self.read.load(Ordering::Relaxed))
    }

    /// Records in the file, 0 while not known.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Records that have an outcome, committed or not.
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }

    pub(crate) fn set_read(&self, bytes: u64) {
        self.read.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_total(&self, records: u64) {
        self.total.store(records, Ordering::Relaxed);
    }

    pub(crate) fn set_applied(&self, records: u64) {
        self.applied.store(records, Ordering::Relaxed);
    }
}
