//! Imports: one file's journey, as it can be told at any moment.
//!
//! An [`Import`] is what is stored of the journey and shown by every door: where it stands, what became of its records
//! so far, and the [`Plan`] it follows. Pure: the repository keeps it, the worker moves it on, neither is known here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::plan::{Destination, Dropped, OnFailure, Plan};

/// The id of an import: a UUID in lower case, PingIDM's `importUUID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImportId(uuid::Uuid);

impl ImportId {
    /// An id that nobody has.
    pub fn random() -> ImportId {
        ImportId(uuid::Uuid::new_v4())
    }

    pub(crate) fn of_uuid(uuid: uuid::Uuid) -> ImportId {
        ImportId(uuid)
    }

    pub(crate) fn uuid(self) -> uuid::Uuid {
        self.0
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
        text.parse().map(ImportId).map_err(|_| no_import(text))
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

/// What a file consists of, if nothing is wrong with it as a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Structure {
    /// The header's row, which is 1 unless blank lines come before it.
    pub header_row: u64,
    /// How many records there are, the header not counted.
    pub records: u64,
    /// How many of them have more or fewer cells than the header.
    pub ragged: u64,
    /// How many of them contain a NUL byte.
    pub with_nul: u64,
    /// How many of them have a quote inside an unquoted cell.
    pub stray_quotes: u64,
    /// The size of the file after decompression.
    pub size: u64,
}

impl Structure {
    /// Refuses a file with more records than `most`; 0 is no limit.
    ///
    /// # Errors
    /// `File`, with both numbers.
    pub fn check_record_count(&self, most: u64) -> Result<()> {
        match self.records {
            records if most > 0 && records > most => Err(Fault::TooManyRecords { records, maximum: most }.error()),
            _ => Ok(()),
        }
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

/// The error about an id that no import has.
pub(crate) fn no_import(id: impl fmt::Display) -> Error {
    Error::not_found(format!("there is no import '{id}'"))
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
        /// Who stopped it, if that is known.
        by: Option<String>,
    },
}

impl State {
    /// The words for all of them.
    pub const NAMES: [&str; 5] = ["queued", "running", "finished", "failed", "cancelled"];

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
            State::Finished { end } | State::Failed { end, .. } | State::Cancelled { end, .. } => Some(end),
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
    /// When it was queued, RFC 3339 UTC with milliseconds: PingIDM's `begin`.
    pub begin: String,
    /// When the attempt began that it is in, or ended with; not by a restart that goes on behind a commit.
    pub started: Option<String>,
    /// What became of the records so far.
    pub counts: Counts,
    /// What was odd and no error.
    pub warnings: Vec<String>,
    /// Records from the start of the file whose outcome is committed; a restart goes on behind them.
    pub settled: u64,
    /// Bytes of the spooled file.
    pub size: u64,
    /// What the file consists of, if it was scanned before it was queued; its bytes had then reached the disk too.
    pub structure: Option<Structure>,
    /// Whether the spooled file was removed.
    pub spool_purged: bool,
    /// Whether the failures were removed.
    pub failures_purged: bool,
    /// Rises with every change of the record.
    pub revision: u64,
}

impl Import {
    /// A new import, which waits from the moment `begin`. Nothing is known of its bytes yet.
    pub fn queued(id: ImportId, plan: Plan, filename: String, header: Vec<String>, begin: String) -> Import {
        Import {
            id,
            plan,
            filename,
            header,
            state: State::Queued,
            begin,
            started: None,
            counts: Counts::default(),
            warnings: Vec::new(),
            settled: 0,
            size: 0,
            structure: None,
            spool_purged: false,
            failures_purged: false,
            revision: 1,
        }
    }

    /// Whether this is an atomic import whose one transaction was committed. Its end may not be noted yet, but for a
    /// cancel it is too late.
    pub(crate) fn is_applied(&self) -> bool {
        self.plan.on_failure == OnFailure::RejectFile && !self.plan.dry_run && self.settled > 0
    }

    /// The revision as it is shown: `_rev`.
    pub fn rev(&self) -> String {
        format!("{:016x}", self.revision)
    }

    /// The metadata record with PingIDM's field names in PingIDM's order, then ours.
    pub fn to_json(&self) -> Value {
        let counts = &self.counts;
        let mut record = serde_json::Map::new();
        let mut put = |name: &str, value: Value| record.insert(name.to_owned(), value);
        put("_id", self.id.to_string().into());
        put("_rev", self.rev().into());
        put("header", self.header.clone().into());
        if self.started.is_some() {
            // PingIDM names the transaction that the import is, and counts what is done in it.
            put("reconId", format!("{}-1", self.id).into());
        }
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
        // The file is kept whole until the end.
        put("tempRecords", if self.spool_purged { 0 } else { counts.total }.into());
        put("purgedTempRecords", self.spool_purged.into());
        put("purgedErrorRecords", self.failures_purged.into());
        put("authId", self.plan.caller.auth_id.clone().into());
        put("authzComponent", self.plan.caller.authz_component.clone().into());
        put("state", self.state.name().into());
        put("unprocessed", counts.unprocessed().into());
        put("origin", serde_json::to_value(self.plan.origin).expect("an enum of words is JSON"));
        if let Some(Dropped { drop_folder, partition, destination }) = &self.plan.dropped {
            put("dropFolder", drop_folder.clone().into());
            put("partition", partition.clone().into());
            if let Some(Destination { product, channel, environment }) = destination {
                put("destination", json!({ "product": product, "channel": channel, "environment": environment }));
            }
        }
        put("dryRun", self.plan.dry_run.into());
        if let State::Cancelled { by: Some(by), .. } = &self.state {
            put("cancelledBy", by.clone().into());
        }
        if let State::Failed { problem, .. } = &self.state {
            put("problem", problem.clone());
        }
        if !self.warnings.is_empty() {
            put("warnings", self.warnings.clone().into());
        }
        Value::Object(record)
    }
}
