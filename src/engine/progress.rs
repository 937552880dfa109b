//! How far an import is: what a progress bar shows. It promises nothing; the counts of the import do.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Written by the engine's threads, read by whoever watches.
#[derive(Debug, Default)]
pub struct Progress {
    total: AtomicU64,
    applied: AtomicU64,
    /// Whether the file is only looked at, before all of it is applied.
    looking: AtomicBool,
}

impl Progress {
    /// Records in the file, 0 while not known.
    pub fn total(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }

    /// Records that have an outcome, committed or not.
    pub fn applied(&self) -> u64 {
        self.applied.load(Ordering::Relaxed)
    }

    /// Whether nothing is applied yet: the file of an atomic import is looked at first, from its beginning to its end.
    pub fn is_looking(&self) -> bool {
        self.looking.load(Ordering::Relaxed)
    }

    pub(crate) fn set_looking(&self, looking: bool) {
        self.looking.store(looking, Ordering::Relaxed);
    }

    pub(crate) fn set_total(&self, records: u64) {
        self.total.store(records, Ordering::Relaxed);
    }

    pub(crate) fn set_applied(&self, records: u64) {
        self.applied.store(records, Ordering::Relaxed);
    }
}
