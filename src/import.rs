//! Imports: one file's journey, and the plan it follows.
//!
//! A [`Plan`] is everything the engine needs besides bytes; the engine cannot tell which door made it. An [`Import`]
//! is what can be said of the journey at any moment. Both are pure: storage and execution live below and above.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::schema::{DateFormats, TypeName};

/// The id of an import: a UUID in lower case, PingIDM's `importUUID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImportId(uuid::Uuid);

impl ImportId {
    /// An id that nobody has.
    pub fn random() -> ImportId {
        ImportId(uuid::Uuid::new_v4())
    }
}

impl fmt::Display for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ImportId {
    type Err = Error;

    fn from_str(text: &str) -> Result<ImportId> {
        let uuid = text.parse().map_err(|_| Error::not_found(format!("there is no import '{text}'")))?;
        Ok(ImportId(uuid))
    }
}

/// Everything the engine needs to know besides the bytes of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the records become.
    pub object_type: TypeName,
    /// The properties whose values together find the existing object; never empty.
    pub correlation: Vec<String>,
    /// What one failed record means for the file.
    pub on_failure: OnFailure,
    /// What an empty cell says.
    pub blank_cells: BlankCells,
    /// What happens when a key comes twice.
    pub duplicate_keys: DuplicateKeys,
    /// Java patterns tried in order; none means ISO 8601.
    pub date_formats: Vec<String>,
    /// How many records the file may have; 0 is no limit.
    pub max_records: u64,
    /// The door the file came through.
    pub origin: Origin,
    /// Who asked.
    pub caller: Caller,
    /// Report what would happen and change nothing.
    pub dry_run: bool,
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

/// What one failed record means for the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing of the file is applied (Gainsight PX: "the file is skipped").
    RejectFile,
    /// The record fails, the rest goes in (PingIDM).
    SkipRecord,
}

/// What an empty cell says about its property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlankCells {
    /// Nothing: the property stays as it is (Gainsight PX).
    Keep,
    /// The property is removed; on a new object its default applies (PingIDM).
    Clear,
}

/// What happens when a key comes twice in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateKeys {
    /// The records are folded in file order and decided once. Goes with [`OnFailure::RejectFile`] only.
    LastWins,
    /// The first valid record has the key; later ones fail with `UNIQUE`.
    FailLater,
}

/// The door an import came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The command line.
    Cli,
    /// The REST upload.
    Upload,
    /// A drop folder.
    DropFolder,
}

/// Who asked for the import, in PingIDM's two words for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// The name.
    pub auth_id: String,
    /// Where the name is known.
    pub authz_component: String,
}

impl Plan {
    /// The plan with its property names as the object type has them: without outer blanks and slashes.
    pub fn normalised(mut self) -> Plan {
        for property in &mut self.correlation {
            *property = property.trim().trim_matches('/').to_owned();
        }
        self
    }

    /// Checks what the parts cannot check alone.
    pub fn validate(&self) -> Result<()> {
        if self.correlation.is_empty() {
            return Err(Error::request("at least one unique property is needed to find existing objects"));
        }
        if self.duplicate_keys == DuplicateKeys::LastWins && self.on_failure != OnFailure::RejectFile {
            return Err(Error::request("'last wins' for duplicate keys goes with atomic imports only"));
        }
        self.dates().map(drop)
    }

    /// The formats of the file's dates.
    pub fn dates(&self) -> Result<DateFormats> {
        match self.date_formats.as_slice() {
            [] => Ok(DateFormats::iso8601()),
            patterns => DateFormats::compile(patterns),
        }
    }
}

/// What became of the records of a file. The sums hold at every moment: see [`Counts::success`] and
/// [`Counts::unprocessed`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records in the file, blank lines and the header not counted; while the file is still being read, those found so
    /// far.
    pub total: u64,
    /// Records that made an object.
    pub created: u64,
    /// Records that changed an object.
    pub updated: u64,
    /// Records that equal their object.
    pub unchanged: u64,
    /// Records that were refused.
    pub failure: u64,
}

impl Counts {
    /// Records that are in.
    pub fn success(&self) -> u64 {
        self.created + self.updated + self.unchanged
    }

    /// Records that have no outcome: not yet, or because the import ended before them.
    pub fn unprocessed(&self) -> u64 {
        self.total.saturating_sub(self.success() + self.failure)
    }

    /// Counts one more.
    pub fn count(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Updated => &mut self.updated,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Failed => &mut self.failure,
        } += 1;
    }

    /// The counts of a file of which nothing was applied.
    pub fn nothing_applied(self) -> Counts {
        Counts { created: 0, updated: 0, unchanged: 0, ..self }
    }
}

/// What happened to one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An object was made.
    Created,
    /// An object was changed.
    Updated,
    /// The object equals the record already.
    Unchanged,
    /// The record was refused.
    Failed,
}

/// Where an import stands: `queued -> running -> finished | failed | cancelled`.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It waits for its turn.
    Queued,
    /// It is being run, or was when its process died.
    Running,
    /// The file was read to its end; single records may have failed.
    Finished {
        /// When it was over, RFC 3339 UTC with milliseconds.
        end: String,
    },
    /// The file as a whole was refused, and nothing more of it will be applied.
    Failed {
        /// When it was over.
        end: String,
        /// Why.
        problem: Value,
    },
    /// Somebody stopped it; what was committed before stays.
    Cancelled {
        /// When it was over.
        end: String,
    },
}

impl State {
    /// The word for it.
    pub fn name(&self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Running => "running",
            State::Finished { .. } => "finished",
            State::Failed { .. } => "failed",
            State::Cancelled { .. } => "cancelled",
        }
    }

    /// When it was over, if it is.
    pub fn end(&self) -> Option<&str> {
        match self {
            State::Queued | State::Running => None,
            State::Finished { end } | State::Failed { end, .. } | State::Cancelled { end } => Some(end),
        }
    }
}

/// One file's journey, as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// What was asked for.
    pub plan: Plan,
    /// The file's own name, without folders.
    pub filename: String,
    /// The columns of the file, in its order.
    pub header: Vec<String>,
    /// Where it stands.
    pub state: State,
    /// RFC 3339 UTC with milliseconds.
    pub begin: String,
    /// What became of the records so far.
    pub counts: Counts,
    /// What was odd and no error.
    pub warnings: Vec<String>,
    /// Records from the start of the file whose outcome is committed; a restart goes on behind them.
    pub settled: u64,
    /// Bytes of the spooled file.
    pub size: u64,
    /// Whether the spooled file was removed.
    pub spool_purged: bool,
    /// Whether the failures were removed.
    pub failures_purged: bool,
    /// Rises with every change of the record.
    pub revision: u64,
}

impl Import {
    /// Whether this is an atomic import whose one transaction was committed. Its end may not be noted yet, but for a
    /// cancel it is too late.
    pub(crate) fn is_applied(&self) -> bool {
        self.plan.on_failure == OnFailure::RejectFile && !self.plan.dry_run && self.settled > 0
    }

    /// The metadata record with PingIDM's field names in PingIDM's order, then ours.
    pub fn to_json(&self) -> Value {
        let counts = &self.counts;
        let mut record = serde_json::Map::new();
        let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
        put("_id", self.id.to_string().into());
        put("_rev", format!("{:016x}", self.revision).into());
        put("header", self.header.clone().into());
        put("filename", self.filename.clone().into());
        put("resourcePath", self.plan.object_type.to_string().into());
        put("total", counts.total.into());
        put("success", counts.success().into());
        put("failure", counts.failure.into());
        put("created", counts.created.into());
        put("updated", counts.updated.into());
        put("unchanged", counts.unchanged.into());
        put("begin", self.begin.clone().into());
        if let Some(end) = self.state.end() {
            put("end", end.into());
        }
        put("cancelled", matches!(self.state, State::Cancelled { .. }).into());
        put("importDeleted", false.into());
        let waiting = if self.spool_purged { 0 } else { counts.unprocessed() };
        put("tempRecords", waiting.into());
        put("purgedTempRecords", self.spool_purged.into());
        put("purgedErrorRecords", self.failures_purged.into());
        put("authId", self.plan.caller.auth_id.clone().into());
        put("authzComponent", self.plan.caller.authz_component.clone().into());
        put("state", self.state.name().into());
        put("unprocessed", counts.unprocessed().into());
        put("origin", serde_json::to_value(self.plan.origin).expect("an enum of words is JSON"));
        put("dryRun", self.plan.dry_run.into());
        if let State::Failed { problem, .. } = &self.state {
            put("problem", problem.clone());
        }
        if !self.warnings.is_empty() {
            put("warnings", self.warnings.clone().into());
        }
        Value::Object(record)
    }
}

/// A failed record, kept with its original cells so that it can be corrected and imported again.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The record's row as a spreadsheet shows it.
    pub row: u64,
    /// Its cells as they were meant: unquoted, without formula guards.
    pub cells: Vec<String>,
    /// The problem, and beside PingIDM's members a list of `violations`.
    pub problem: Value,
}
