//! `[import]`: what a file may do to us, and how an import divides its work and its memory.

use std::time::Duration;

use serde::Deserialize;

use super::values::Values;
use crate::plan::UTC;
use crate::schema::DateFormats;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ImportSection {
    memory: Option<String>,
    time_zone: Option<String>,
    commit_every: Option<String>,
    round: Option<usize>,
    max_columns: Option<usize>,
    max_record_size: Option<String>,
    max_line_breaks: Option<usize>,
    max_decompressed_size: Option<String>,
    max_ratio: Option<u64>,
}

/// What `[import]` means.
#[derive(Debug)]
pub(super) struct ImportSettings {
    pub(super) memory: Memory,
    pub(super) limits: Limits,
    pub(super) time_zone: String,
    pub(super) pace: Pace,
}

/// Caps on what a file may do to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most columns that a record may have, the header included.
    pub max_columns: usize,
    /// The most bytes that a record may have in the file, without its line end.
    pub max_record_size: usize,
    /// The most line breaks that a cell may have. A quote that is missing somewhere shows as a cell with absurdly many.
    pub max_line_breaks: usize,
    /// The most bytes that a gzip file may decompress to; 0 is no limit.
    pub max_decompressed_size: u64,
    /// The most that a gzip file may grow by decompression, looked at after 64 MiB; 0 is no limit.
    pub max_ratio: u64,
    /// How many bytes of the file are in memory at once, if no record is larger. At least 512, by which a file's format
    /// is recognised.
    pub window_size: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_columns: 2000,
            max_record_size: 1024 * 1024,
            max_line_breaks: 100,
            max_decompressed_size: 0,
            max_ratio: 200,
            // Large enough to make system calls rare, small enough for the processor's second-level cache.
            window_size: 256 * 1024,
        }
    }
}

/// How an import divides its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Records that are looked up, decided and put together; between two rounds an import sees that it was cancelled.
    pub round: usize,
    /// For about this long a batched import holds the repository's write lock at a time.
    pub commit_every: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            // Enough that asking for a round's objects at once pays, few enough that the rounds in flight stay small.
            round: 16_384,
            commit_every: Duration::from_millis(1800),
        }
    }
}

/// How many bytes an import may keep in memory of what is stored.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Altogether, as it is set.
    pub written: u64,
    /// Of database pages, dirty ones included.
    pub pages: u64,
    /// Of keys.
    pub keys: u64,
    /// Of fingerprints.
    pub fingerprints: u64,
}

/// What an import needs besides stored pages and keys: rounds in flight, what waits to be written, the program itself.
const BESIDES: u64 = 150 << 20;

/// What `max_record_size` may be set to: escaped as JSON, a record must still be a value that SQLite takes.
const MAX_RECORD_SIZE: usize = 64 << 20;

const DEFAULT_MEMORY: u64 = 380 << 20;

impl ImportSection {
    pub(super) fn read(self, values: &mut Values) -> ImportSettings {
        let limits = self.limits(values);
        let memory = values.size("import.memory", self.memory.as_deref(), DEFAULT_MEMORY);
        let stored = memory.saturating_sub(BESIDES).max(64 << 20);
        if limits.max_record_size > MAX_RECORD_SIZE {
            values.mistake("import.max_record_size is at most '64MB': a record is held in memory several times");
        }
        let pace = self.pace(values);
        let time_zone = self.time_zone.unwrap_or_else(|| UTC.to_owned());
        if let Err(error) = DateFormats::iso8601().with_time_zone(&time_zone) {
            values.mistake(format!("import.time_zone: {error}"));
        }
        // Pages and fingerprints are mostly passed through once; keys are asked for at random.
        let memory = Memory { written: memory, pages: stored / 8 * 2, keys: stored / 8 * 5, fingerprints: stored / 8 };
        ImportSettings { memory, limits, time_zone, pace }
    }

    fn limits(&self, values: &mut Values) -> Limits {
        let standard = Limits::default();
        let mut size = |key, text: &Option<String>, default| values.size(key, text.as_deref(), default);
        let max_record_size =
            size("import.max_record_size", &self.max_record_size, standard.max_record_size as u64) as usize;
        let max_decompressed_size =
            size("import.max_decompressed_size", &self.max_decompressed_size, standard.max_decompressed_size);
        Limits {
            max_columns: self.max_columns.unwrap_or(standard.max_columns),
            max_record_size,
            max_line_breaks: self.max_line_breaks.unwrap_or(standard.max_line_breaks),
            max_decompressed_size,
            max_ratio: self.max_ratio.unwrap_or(standard.max_ratio),
            ..standard
        }
    }

    fn pace(&self, values: &mut Values) -> Pace {
        let standard = Pace::default();
        if self.round == Some(0) {
            values.mistake("import.round = 0 makes no progress: write at least 1");
        }
        let commit_every = values.duration("import.commit_every", self.commit_every.as_deref(), standard.commit_every);
        Pace { round: self.round.unwrap_or(standard.round), commit_every }
    }
}
