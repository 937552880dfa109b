//! Runs: the journey of one partition of a drop folder, as it is recorded.
//!
//! A partition is a `dt=YYYYMMDD` directory; with its success marker it is ready, and what is done with it then is one
//! [`Run`]. The records of all runs are the *ledger*. It says which markers were seen, what was read at which version,
//! which import that became, and which step is next; it never forgets. The key of a run is the place of the drop folder,
//! the partition and the version of its marker, and not the drop folder's name, so that nothing is imported again
//! because a drop folder was renamed or made anew. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::import::ImportId;
use crate::json::without_nulls;

/// What is wrong with a partition whose marker stands alone.
pub const NO_DATA_FILES: &str = "No data files found (*.csv.gz)";

/// The id of a run: a UUID in lower case, which is also in the `webhook-id` of its callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunId(uuid::Uuid);

impl RunId {
    /// An id that nobody has; later ones are greater.
    pub fn new() -> RunId {
        RunId(uuid::Uuid::now_v7())
    }

    pub(crate) fn of_uuid(uuid: uuid::Uuid) -> RunId {
        RunId(uuid)
    }

    pub(crate) fn uuid(self) -> uuid::Uuid {
        self.0
    }

    /// The `webhook-id` of its callback (Standard Webhooks): the same in every attempt.
    pub fn webhook(self) -> String {
        format!("msg_{self}")
    }
}

impl Default for RunId {
    fn default() -> RunId {
        RunId::new()
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = Error;

    fn from_str(text: &str) -> Result<RunId> {
        text.parse().map(RunId).map_err(|_| no_run(text))
    }
}

/// The error about an id that no run has.
pub fn no_run(id: impl fmt::Display) -> Error {
    Error::not_found(format!("there is no run '{id}'"))
}

/// Which file it is that lies, or lay, under a name. Two versions of one name differ in at least one of these.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// In bytes.
    pub size: u64,
    /// S3's entity tag, without quotes; in a directory the number of the file.
    pub tag: String,
    /// When it was last written, as its store says it: in S3 to the second, in a directory to the nanosecond.
    pub modified: String,
}

/// How far a run is: the last step that is done. Every step can be done again without harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The partition is ours, with the files of the listing.
    Claimed,
    /// Every file is imported or refused.
    Imported,
    /// What an earlier run of the date left under `processed` is moved to `_runs`.
    RoomMade,
    /// The files lie under `processed`.
    Copied,
    /// The status files lie there too, `status.txt` last.
    Reported,
    /// What was taken is removed from `current`.
    Cleared,
}

impl Step {
    /// The word for it, as it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Step::Claimed => "claimed",
            Step::Imported => "imported",
            Step::RoomMade => "room_made",
            Step::Copied => "copied",
            Step::Reported => "reported",
            Step::Cleared => "cleared",
        }
    }
}

/// One journey of one partition.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The drop folder that took it.
    pub drop_folder: String,
    /// Where that drop folder's files lie: see [`DropFolder::place`](crate::config::DropFolder::place).
    pub place: String,
    /// The date, as `20210228`.
    pub partition: String,
    /// The marker that made it ready.
    pub marker: Version,
    /// What it consists of besides the marker, in byte order of the names.
    pub files: Vec<RunFile>,
    /// How far it is.
    pub step: Step,
    /// The number under `_runs` that what lay under `processed` before is moved to, once that is decided.
    pub aside: Option<u32>,
    /// When it was claimed, RFC 3339 UTC with milliseconds.
    pub begin: String,
    /// When it was over, if it is: the step is then [`Step::Cleared`].
    pub end: Option<String>,
    /// What keeps it from its next step, if anything does.
    pub trouble: Option<Trouble>,
}

impl Run {
    /// Its data files, in their order.
    pub fn data_files(&self) -> impl Iterator<Item = &RunFile> {
        self.files.iter().filter(|file| file.ignored.is_none())
    }

    /// Whether the run is a success: all records of all data files are in, and there is a data file.
    pub fn is_success(&self) -> bool {
        let mut data_files = self.data_files().peekable();
        let is_in = |file: &RunFile| file.outcome.as_ref().is_some_and(|outcome| outcome.success);
        data_files.peek().is_some() && data_files.all(is_in)
    }

    /// The run as it is shown. What is not known yet is absent.
    pub fn to_json(&self) -> Value {
        let Run { id, drop_folder, place: _, partition, marker: _, files, step, aside: _, begin, end, trouble } = self;
        without_nulls(json!({
            "_id": id,
            "dropFolder": drop_folder,
            "partition": partition,
            "step": step.name(),
            "begin": begin,
            "end": end,
            "success": end.as_ref().map(|_| self.is_success()),
            "trouble": trouble,
            "files": files.iter().map(RunFile::to_json).collect::<Vec<_>>(),
        }))
    }
}

impl RunFile {
    fn to_json(&self) -> Value {
        let RunFile { name, version, ignored, import, digest: _, outcome } = self;
        let mut json = json!({
            "name": name,
            "size": version.size,
            "modified": version.modified,
            "ignored": ignored,
            "import": import,
        });
        if let Some(FileOutcome { success, records, metadata, errors, more_errors, warnings }) = outcome {
            json["success"] = (*success).into();
            json["records"] = (*records).into();
            json["errors"] = errors.clone().into();
            json["moreErrors"] = (*more_errors).into();
            json["warnings"] = warnings.clone().into();
            json["metadata"] = metadata.clone();
        }
        without_nulls(json)
    }
}

/// One file of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFile {
    /// Its name in the partition.
    pub name: String,
    /// The version that is taken.
    pub version: Version,
    /// Why it is no data file, if it is none.
    pub ignored: Option<String>,
    /// The import that it became.
    pub import: Option<ImportId>,
    /// The digest (BLAKE3) of its bytes, once they were read.
    pub digest: Option<[u8; 32]>,
    /// What became of it, once that is known.
    pub outcome: Option<FileOutcome>,
}

/// What became of a file of a run. It is kept here because the record of the import may be deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileOutcome {
    /// Whether all of its records are in. If not, none is.
    pub success: bool,
    /// Records that are in: created, updated and unchanged ones.
    pub records: u64,
    /// The metadata record of the import at its end, as JSON; null if there was no import.
    pub metadata: Value,
    /// What is wrong with the file, in the words of `status.txt`: at most a hundred lines.
    pub errors: Vec<String>,
    /// How many more there are.
    pub more_errors: u64,
    /// What was odd and no error: the warnings of the import, and that an earlier one was of the very same bytes.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// What keeps a run, or a drop folder, from going on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Since when, RFC 3339 UTC with milliseconds; of a file that cannot be read, since the first reading of it that
    /// failed.
    pub since: String,
    /// What is wrong, and what would help.
    pub message: String,
    /// Whether somebody has to do something: a right is missing, say. Otherwise trying again may be enough.
    pub blocked: bool,
    /// The reading that failed, if it is that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<FailedReading>,
}

impl Trouble {
    /// The name of the file that cannot be read, if it is that.
    pub fn file(&self) -> Option<&str> {
        self.reading.as_ref().map(|reading| reading.file.as_str())
    }
}

/// The last time that a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedReading {
    /// Its name in the partition.
    pub file: String,
    /// When that was, RFC 3339 UTC with milliseconds.
    pub at: String,
}

/// The callback about a run: it is to be made, was made, or is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The run.
    pub run: RunId,
    /// The drop folder, whose settings say where to and with which key.
    pub drop_folder: String,
    /// The body, which is the same in every attempt.
    pub body: String,
    /// Where it stands.
    pub state: CallbackState,
    /// How many attempts were made since it was last asked for.
    pub attempts: u32,
}

impl Callback {
    /// The callback as it is shown, with the attempts at it.
    pub fn to_json(&self, attempts: &[CallbackAttempt]) -> Value {
        let (state, due) = match &self.state {
            CallbackState::Waiting { due } => ("waiting", Some(due)),
            CallbackState::Delivered => ("delivered", None),
            CallbackState::GivenUp => ("given-up", None),
        };
        let attempt = |CallbackAttempt { at, status, problem }: &CallbackAttempt| {
            without_nulls(json!({ "at": at, "status": status, "problem": problem }))
        };
        let attempts: Vec<Value> = attempts.iter().map(attempt).collect();
        without_nulls(json!({ "state": state, "due": due, "attempts": attempts }))
    }
}

/// Where a callback stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackState {
    /// The next attempt is due at this moment.
    Waiting {
        /// RFC 3339 UTC with milliseconds.
        due: String,
    },
    /// It was answered with success.
    Delivered,
    /// It is not tried any more.
    GivenUp,
}

/// One attempt at a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackAttempt {
    /// When it was made.
    pub at: String,
    /// The HTTP status of the answer, if there was one.
    pub status: Option<u16>,
    /// What went wrong, if something did.
    pub problem: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Callback, CallbackAttempt, CallbackState, FileOutcome, Run, RunFile, Step, Trouble, Version};

    fn run() -> Run {
        let version = Version { size: 20, tag: "a".to_owned(), modified: "2021-02-28T03:04:05Z".to_owned() };
        let file = |name: &str| RunFile {
            name: name.to_owned(),
            version: version.clone(),
            ignored: None,
            import: None,
            digest: None,
            outcome: None,
        };
        let outcome = FileOutcome {
            success: false,
            records: 0,
            metadata: Value::Null,
            errors: vec!["File is empty".to_owned()],
            more_errors: 2,
            warnings: Vec::new(),
        };
        Run {
            id: "0199f3a4-0000-7000-8000-000000000000".parse().expect("an id"),
            drop_folder: "px-users".to_owned(),
            place: "file:/drop".to_owned(),
            partition: "20210228".to_owned(),
            marker: version.clone(),
            files: vec![
                RunFile { outcome: Some(outcome), ..file("users.csv.gz") },
                RunFile { ignored: Some("no data".to_owned()), ..file("x.txt") },
            ],
            step: Step::Claimed,
            aside: None,
            begin: "2021-02-28T03:05:00.000Z".to_owned(),
            end: None,
            trouble: None,
        }
    }

    #[test]
    fn what_is_not_known_is_not_shown() {
        let open = run();
        insta::assert_snapshot!(open.to_json(), @r#"{"_id":"0199f3a4-0000-7000-8000-000000000000","dropFolder":"px-users","partition":"20210228","step":"claimed","begin":"2021-02-28T03:05:00.000Z","files":[{"name":"users.csv.gz","size":20,"modified":"2021-02-28T03:04:05Z","success":false,"records":0,"errors":["File is empty"],"moreErrors":2,"warnings":[]},{"name":"x.txt","size":20,"modified":"2021-02-28T03:04:05Z","ignored":"no data"}]}"#);
        let trouble = Trouble {
            since: "2021-02-28T03:06:00.000Z".to_owned(),
            message: "no".to_owned(),
            blocked: true,
            reading: None,
        };
        let mut stuck = Run { trouble: Some(trouble), ..open.clone() };
        stuck.files.clear();
        insta::assert_snapshot!(stuck.to_json(), @r#"{"_id":"0199f3a4-0000-7000-8000-000000000000","dropFolder":"px-users","partition":"20210228","step":"claimed","begin":"2021-02-28T03:05:00.000Z","trouble":{"since":"2021-02-28T03:06:00.000Z","message":"no","blocked":true},"files":[]}"#);
        let over = Run { step: Step::Cleared, end: Some("2021-02-28T03:07:00.000Z".to_owned()), ..open };
        assert_eq!((&over.to_json()["success"], &over.to_json()["step"]), (&json!(false), &json!("cleared")));
    }

    #[test]
    fn a_callback_is_shown_with_its_attempts() {
        let due = "2021-02-28T03:08:00.000Z".to_owned();
        let told = Callback {
            run: run().id,
            drop_folder: "px-users".to_owned(),
            body: "{}".to_owned(),
            state: CallbackState::Waiting { due },
            attempts: 1,
        };
        let attempts = [
            CallbackAttempt { at: "2021-02-28T03:07:30.000Z".to_owned(), status: Some(500), problem: None },
            CallbackAttempt {
                at: "2021-02-28T03:07:45.000Z".to_owned(),
                status: None,
                problem: Some("nobody answers".to_owned()),
            },
        ];
        insta::assert_snapshot!(told.to_json(&attempts), @r#"{"state":"waiting","due":"2021-02-28T03:08:00.000Z","attempts":[{"at":"2021-02-28T03:07:30.000Z","status":500},{"at":"2021-02-28T03:07:45.000Z","problem":"nobody answers"}]}"#);
        assert_eq!(
            Callback { state: CallbackState::GivenUp, ..told }.to_json(&[]),
            json!({ "state": "given-up", "attempts": [] })
        );
    }
}
