//! `[[drop_folder]]`: a bucket and a base folder whose partitions are imported, and how.
//!
//! A drop folder is written in `rollbook.toml`, in a file for `drop-folder set`, or as JSON over REST; whichever way, it
//! is read by the same rules and becomes a [`DropFolder`].

mod limits;
mod place;
mod reading;
mod schedule;
mod section;
mod shown;
mod written;

use std::path::PathBuf;
use std::time::Duration;

pub use self::limits::DropFolderLimits;
pub(super) use self::limits::{DropFoldersSection, Surroundings};
pub use self::place::Ground;
pub(super) use self::place::read_bucket;
pub use self::reading::about;
pub(super) use self::reading::{endpoint_fault, is_key_id, is_region};
pub use self::section::DropFolderSettings;
pub use self::shown::filled;
pub use self::written::WrittenDropFolder;
pub(super) use self::written::in_one_spelling;
use crate::plan::{BlankCells, Caller, ColumnRules, Destination, Dropped, DuplicateKeys, OnFailure, Origin, Plan};
use crate::schema::TypeName;
use crate::secret::Secret;

/// What a drop folder is, with everything parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct DropFolder {
    /// Its name: letters, digits, `-`, `_` and `.`, up to 100.
    pub name: String,
    /// Who said so, and how far he is trusted.
    pub set_by: SetBy,
    /// What the records become.
    pub object_type: TypeName,
    /// Where its files lie.
    pub bucket: Bucket,
    /// The same as it was written: `ABC123/export`, `file:drop`.
    pub location: String,
    /// The path below the bucket, and its sub-folders, that `current` and `processed` lie in; without outer slashes,
    /// empty if they lie at the top.
    pub base_folder: String,
    /// How the bucket lets us in.
    pub authorization: Authorization,
    /// What is particular to an S3 bucket.
    pub s3: S3Settings,
    /// What the objects are for.
    pub destination: Option<Destination>,
    /// Java patterns tried in order; none means ISO 8601.
    pub date_formats: Vec<String>,
    /// The IANA time zone of dates that name none.
    pub time_zone: String,
    /// When it is looked at.
    pub schedule: Schedule,
    /// Whether it is looked at only when asked for.
    pub paused: bool,
    /// How long nothing of a partition may have changed before it is taken.
    pub settle_time: Duration,
    /// The most records of a file; more refuse it.
    pub max_records: u64,
    /// The most bytes of a file as it lies in the bucket.
    pub max_file_size: u64,
    /// How files are read.
    pub rules: FileRules,
    /// How long reading a file is tried before it is reported as unreadable.
    pub give_up_after: Duration,
    /// How old a partition without a marker may become before it is warned of.
    pub stale_after: Duration,
    /// After so long what lies under `processed` is removed; without it never.
    pub keep_processed: Option<Duration>,
    /// Who is told of a run that is over.
    pub callback: Option<CallbackSettings>,
}

/// Who has set a drop folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetBy {
    /// The operator, in `rollbook.toml`: it can only be changed there.
    File,
    /// The operator, with `drop-folder set`. Any directory and private endpoints are allowed.
    Operator,
    /// An administrator over REST or in the console: directories under `drop_folders.local_roots` only, and private
    /// endpoints only with `drop_folders.allow_private`.
    Administrator,
}

impl SetBy {
    /// Whether endpoints of a drop folder may be private addresses. A callback says that of itself; see
    /// [`CallbackSettings::allow_private`].
    pub fn reaches_private(self, limits: &DropFolderLimits) -> bool {
        self != SetBy::Administrator || limits.allow_private
    }
}

/// Where files lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bucket {
    /// In a directory of this machine.
    Directory(PathBuf),
    /// In S3, or what speaks its protocol.
    S3 {
        /// The bucket's name.
        name: String,
        /// The optional sub-folders, without outer slashes.
        folders: String,
    },
}

/// How a bucket lets us in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// A directory needs none.
    None,
    /// Gainsight PX's "User Access Keys".
    AccessKey {
        /// The key's id: "AWS Access Key".
        id: String,
        /// The key: "AWS Security Token".
        secret: Secret,
        /// With temporary keys: their session token.
        session_token: Option<Secret>,
    },
    /// Gainsight PX's "IAM User Roles": the role is assumed with an ExternalId that is ours.
    Role {
        /// The ARN of the role.
        arn: String,
    },
}

/// What is particular to an S3 bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct S3Settings {
    /// The region; without it S3 is asked, and of an endpoint of one's own it is `us-east-1`.
    pub region: Option<String>,
    /// Where a server other than AWS is: `http://127.0.0.1:9000`.
    pub endpoint: Option<String>,
    /// Whether the bucket stands in the path and not in the host name; by default with an endpoint of one's own.
    pub path_style: Option<bool>,
    /// Where roles are assumed, if not at AWS in the region.
    pub sts_endpoint: Option<String>,
}

/// When a drop folder is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// So long after it was looked at last.
    Every(Duration),
    /// At the moments of a cron expression, in UTC.
    Cron(String),
}

/// How the files of a drop folder are read.
#[derive(Clone, Debug, PartialEq)]
pub struct FileRules {
    /// What an empty cell says.
    pub blank_cells: BlankCells,
    /// A cell that removes its property.
    pub null_token: Option<String>,
    /// What is taken for a column.
    pub columns: ColumnRules,
    /// Whether a record whose key no object has makes one.
    pub create_missing: bool,
    /// Whether a key that comes twice in a file is an error; otherwise the last record counts.
    pub strict_duplicates: bool,
    /// The encoding, by its name in the WHATWG standard; none means UTF-8.
    pub encoding: Option<String>,
    /// Whether a file that was imported before, byte for byte, is imported again.
    pub on_identical: OnIdentical,
    /// Whether the files behind one that is refused are left unread and reported as such.
    pub stop_on_error: bool,
}

/// What happens to a file of which the very bytes were imported before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnIdentical {
    /// It is imported, and the earlier import is named.
    Process,
    /// It is passed over as a success, and the earlier import is named.
    Skip,
}

/// Who is told of a run that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackSettings {
    /// Where to.
    pub url: String,
    /// The `x-api-key`.
    pub api_key: Secret,
    /// Whether the address may be a private one.
    pub allow_private: bool,
}

/// The property that finds the object of a record: Gainsight PX's `id`.
pub const KEY: &str = "id";

impl DropFolder {
    /// The plan of a file of this partition. It is Gainsight PX's way: a file goes in as a whole or not at all.
    pub fn plan(&self, partition: &str) -> Plan {
        let rules = &self.rules;
        Plan {
            object_type: self.object_type.clone(),
            correlation: vec![KEY.to_owned()],
            on_failure: OnFailure::RejectFile,
            blank_cells: rules.blank_cells,
            duplicate_keys: match rules.strict_duplicates {
                true => DuplicateKeys::FailLater,
                false => DuplicateKeys::LastWins,
            },
            date_formats: self.date_formats.clone(),
            time_zone: self.time_zone.clone(),
            max_records: self.max_records,
            columns: rules.columns,
            null_token: rules.null_token.clone(),
            create_missing: rules.create_missing,
            encoding: rules.encoding.clone(),
            gzip_only: true,
            dropped: Some(Dropped {
                drop_folder: self.name.clone(),
                partition: partition.to_owned(),
                destination: self.destination.clone(),
            }),
            origin: Origin::DropFolder,
            caller: Caller { auth_id: self.name.clone(), authz_component: "dropFolder".to_owned() },
            dry_run: false,
        }
    }
}
