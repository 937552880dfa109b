//! The shapes of the answers about drop folders, for the description of the routes. Others write them.
#![expect(dead_code, reason = "only described, never made")]

use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::http::metadata::record::PageMembers;

/// How a drop folder stands.
#[derive(ToSchema)]
#[schema(as = DropFolderStanding)]
pub(in crate::http) struct StandingRecord {
    /// Its name.
    #[schema(rename = "_id")]
    id: String,
    /// What its records become.
    #[schema(rename = "objectType")]
    object_type: String,
    /// `ok`, `retrying`, `blocked` or `paused`.
    state: String,
    /// What is in its way.
    #[schema(required = false)]
    problem: Option<String>,
    /// Since when.
    #[schema(required = false)]
    since: Option<String>,
    /// When the last look at it began.
    #[schema(required = false, rename = "lastPoll")]
    last_poll: Option<String>,
    /// When it is looked at next, if nobody asks before.
    #[schema(required = false, rename = "nextPoll")]
    next_poll: Option<String>,
    /// Whether its callback is off: it was answered with 410.
    #[schema(rename = "callbackOff")]
    callback_off: bool,
    /// How many of its runs are not over.
    #[schema(rename = "openRuns")]
    open_runs: u64,
    /// What the last look saw and left alone, each in a sentence; at most a hundred.
    notices: Vec<String>,
}

/// A page of drop folders.
#[derive(ToSchema)]
#[schema(as = DropFolderStandings)]
pub(in crate::http) struct StandingRecords {
    result: Vec<StandingRecord>,
    #[schema(inline)]
    #[serde(flatten)]
    page: PageMembers,
}

/// What a drop folder is set to: what can be put, all settings with their defaults filled in, but no secrets.
#[derive(ToSchema)]
#[schema(as = DropFolder)]
pub(in crate::http) struct SettingsRecord {
    /// Its name.
    #[schema(rename = "_id")]
    id: String,
    /// The revision of its settings.
    #[schema(rename = "_rev")]
    rev: String,
    /// `file`: in rollbook.toml, where alone it can be changed. `operator`: on the command line. `administrator`: here.
    #[schema(rename = "_setBy")]
    set_by: String,
    /// With it its role is assumed, and with no other. It is made up, and cannot be chosen.
    #[schema(required = false, rename = "_externalId")]
    external_id: Option<String>,
    /// Where its files lie.
    #[schema(required = false, rename = "_place")]
    place: Option<String>,
    /// Why it cannot be worked with.
    #[schema(required = false, rename = "_problem")]
    problem: Option<String>,
    /// What the records become.
    #[schema(rename = "objectType")]
    object_type: String,
    /// The bucket and its sub-folders, `ABC123/export`, or a directory, `file:drop`.
    bucket: String,
}

/// A page of drop folders, as they are set.
#[derive(ToSchema)]
#[schema(as = DropFolders)]
pub(in crate::http) struct SettingsRecords {
    result: Vec<SettingsRecord>,
    #[schema(inline)]
    #[serde(flatten)]
    page: PageMembers,
}

/// What is put into AWS.
#[derive(ToSchema)]
#[schema(as = Policies)]
pub(in crate::http) struct PoliciesRecord {
    /// The drop folder.
    #[schema(rename = "_id")]
    id: String,
    /// With it the role is assumed.
    #[schema(rename = "externalId")]
    external_id: String,
    /// Who may assume the role; nothing for who comes with access keys.
    #[schema(required = false)]
    trust: Option<Object>,
    /// What the role, or the user of the access keys, may do.
    role: Object,
}

/// The journey of a partition.
#[derive(ToSchema)]
#[schema(as = Run)]
pub(in crate::http) struct RunRecord {
    /// A UUID; `msg_` and it are the `webhook-id` of the callback.
    #[schema(rename = "_id")]
    id: String,
    /// The drop folder that took it.
    #[schema(rename = "dropFolder")]
    drop_folder: String,
    /// The date, as 20210228.
    partition: String,
    /// The last step that is done: `claimed`, `imported`, `room_made`, `copied`, `reported` or `cleared`.
    step: String,
    /// When it was claimed.
    begin: String,
    /// When it was over; not before.
    #[schema(required = false)]
    end: Option<String>,
    /// Of a run that is over: whether all records of all data files are in.
    #[schema(required = false)]
    success: Option<bool>,
    /// What keeps it from its next step.
    #[schema(required = false)]
    trouble: Option<TroubleRecord>,
    /// What it consists of besides the marker.
    files: Vec<FileRecord>,
    /// The callback about it, if somebody is to be told.
    #[schema(required = false)]
    callback: Option<CallbackRecord>,
}

/// A page of runs.
#[derive(ToSchema)]
#[schema(as = Runs)]
pub(in crate::http) struct RunRecords {
    result: Vec<RunRecord>,
    #[schema(inline)]
    #[serde(flatten)]
    page: PageMembers,
}

/// What keeps a drop folder or a run from going on.
#[derive(ToSchema)]
#[schema(as = Trouble)]
pub(in crate::http) struct TroubleRecord {
    /// Since when; of a file that cannot be read, since the first reading of it that failed.
    since: String,
    /// What is wrong, and what would help.
    message: String,
    /// Whether somebody has to do something; otherwise it is tried again.
    blocked: bool,
    /// The reading that failed, if it is that.
    #[schema(required = false)]
    reading: Option<FailedReadingRecord>,
}

/// The last time that a file could not be read.
#[derive(ToSchema)]
#[schema(as = FailedReading)]
pub(in crate::http) struct FailedReadingRecord {
    /// Its name.
    file: String,
    /// When that was.
    at: String,
}

/// A file of a run.
#[derive(ToSchema)]
#[schema(as = RunFile)]
pub(in crate::http) struct FileRecord {
    /// Its name.
    name: String,
    /// Its bytes as it lay in the bucket.
    size: u64,
    /// When it was last written, as its store says it.
    modified: String,
    /// Why it is no data file, if it is none.
    #[schema(required = false)]
    ignored: Option<String>,
    /// The import that it became.
    #[schema(required = false)]
    import: Option<String>,
    /// Whether all of its records are in, once that is known; if not, none is.
    #[schema(required = false)]
    success: Option<bool>,
    /// Records that are in.
    #[schema(required = false)]
    records: Option<u64>,
    /// What is wrong with it, as `status.txt` says it.
    #[schema(required = false)]
    errors: Option<Vec<String>>,
    /// How many more there are.
    #[schema(required = false, rename = "moreErrors")]
    more_errors: Option<u64>,
    /// What was odd and no error.
    #[schema(required = false)]
    warnings: Option<Vec<String>>,
    /// The record of the import as it was at its end; that may be deleted, this is kept.
    #[schema(required = false)]
    metadata: Option<Object>,
}

/// The callback about a run.
#[derive(ToSchema)]
#[schema(as = Callback)]
pub(in crate::http) struct CallbackRecord {
    /// `waiting`, `delivered` or `given-up`.
    state: String,
    /// When the next attempt is due, if there is to be one.
    #[schema(required = false)]
    due: Option<String>,
    /// The attempts so far, the first one first.
    attempts: Vec<AttemptRecord>,
}

/// An attempt at a callback.
#[derive(ToSchema)]
#[schema(as = CallbackAttempt)]
pub(in crate::http) struct AttemptRecord {
    /// When it was made.
    at: String,
    /// The status of the answer, if there was one.
    #[schema(required = false)]
    status: Option<u16>,
    /// What went wrong, if something did.
    #[schema(required = false)]
    problem: Option<String>,
}

/// What an action was answered with.
#[derive(ToSchema)]
#[serde(untagged)]
pub(in crate::http) enum ActedOnDropFolder {
    /// `poll`: what came of the look.
    Polled(PolledRecord),
    /// `test`: what trying showed.
    Tried(ProbeRecord),
    /// `pause`, `resume`: how the drop folder stands now.
    Standing(StandingRecord),
}

/// What came of a look.
#[derive(ToSchema)]
#[schema(as = Polled)]
pub(in crate::http) struct PolledRecord {
    /// The drop folder.
    #[schema(rename = "_id")]
    id: String,
    /// `ACTIVE` if it is not over, `SUCCESS` if nothing was in its way, `FAILED` otherwise.
    state: String,
    /// What kept the look from its end.
    #[schema(required = false)]
    trouble: Option<TroubleRecord>,
    /// The runs that went on.
    #[schema(required = false)]
    runs: Option<Vec<RunRecord>>,
    /// What was seen and left alone, each in a sentence.
    #[schema(required = false)]
    notices: Option<Vec<String>>,
}

/// What trying a drop folder showed.
#[derive(ToSchema)]
#[schema(as = Probe)]
pub(in crate::http) struct ProbeRecord {
    /// The drop folder.
    #[schema(rename = "_id")]
    id: String,
    /// Where it looks.
    place: String,
    /// Whether it can be worked with.
    ok: bool,
    /// Each right that was tried.
    rights: Vec<RightRecord>,
}

/// A right that was tried.
#[derive(ToSchema)]
#[schema(as = Right)]
pub(in crate::http) struct RightRecord {
    /// `assume`, `guard`, `list`, `read`, `write` or `delete`.
    right: String,
    /// Whether it is there.
    ok: bool,
    /// What is wrong and what would help.
    #[schema(required = false)]
    problem: Option<String>,
}
