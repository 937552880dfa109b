//! All storage, behind one narrow interface.
//!
//! A repository only finds and puts. Whether a record is created, updated, unchanged or failed is decided above it, in
//! the engine, so that the two backends cannot come to differ. What an implementation must do is defined by the
//! conformance suite (`tests/conformance.rs`).
//!
//! An import works through a [`Session`]: it asks for the round's keys and objects at once (`prefetch`), looks at the
//! answers one by one, puts what it decided, and commits objects, failures, counts and progress together. A session
//! sees its own puts.

mod compatibility;
mod grouping;
mod identity;
mod ids;
mod interface;
mod latest;
mod leasing;
mod long_looks;
mod postgres;
mod prefix;
mod search;
mod session;
mod sqlite;
mod stored;
mod transfer;

use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

pub use interface::{Lease, Moment, Repository};
pub use prefix::{Prefix, PrefixPage, PrefixPlace};
pub use search::Search;
pub use session::Session;
pub use transfer::{Compared, Source, Tally, Target};

use crate::config::SetBy;
use crate::filter::fold;
use crate::import::{Counts, ImportId};
use crate::object::Object;
use crate::report::{Milestone, Sample};
use crate::run::Trouble;
use crate::schema::ObjectType;

/// Where an object lies: its number within its object type, given in order of creation and never again.
pub type ObjectNumber = i64;

/// An object type as stored.
#[derive(Clone, Debug)]
pub struct StoredType {
    /// Short for its name, in tables.
    pub number: i64,
    /// Rises with every definition applied.
    pub version: u64,
    /// The definition, compiled.
    pub object_type: ObjectType,
    /// One for each unique property, and those that correlation has asked for.
    pub indexes: Vec<KeyIndex>,
}

impl StoredType {
    /// The version as clients see revisions: 16 hexadecimal digits.
    pub fn rev(&self) -> String {
        format!("{:016x}", self.version)
    }

    /// The index over exactly these properties, in any order.
    pub fn index(&self, properties: &[String]) -> Option<&KeyIndex> {
        let wanted = KeyIndex::canonical(properties);
        self.indexes.iter().find(|index| index.properties == wanted)
    }
}

/// An index of the objects of one type by the values of some properties.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyIndex {
    /// Short for its properties, in tables.
    pub number: i64,
    /// Paths, in their canonical order.
    pub properties: Vec<String>,
    /// Whether no object has a key here.
    pub is_empty: bool,
}

impl KeyIndex {
    pub(crate) fn canonical(properties: &[String]) -> Vec<String> {
        let mut properties = properties.to_vec();
        properties.sort();
        properties
    }
}

/// A stored object as a session reads it.
#[derive(Clone, Copy, Debug)]
pub struct Existing<'a> {
    /// Which version of the object this is.
    pub revision: u64,
    /// See [`object`](crate::object).
    pub document: &'a str,
}

/// Whether a session means it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Puts are committed.
    Write,
    /// Puts are seen by the session itself and by nobody else, and are forgotten with it. Failures and counts are kept.
    DryRun,
}

/// Whether it is time for a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Little waits for it.
    NotYet,
    /// It will be before long.
    Soon,
    /// What waits for it takes much room.
    Now,
}

/// How an import starts to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// From the start of its file; what an earlier attempt reported is removed.
    Anew,
    /// Behind its last commit.
    Resumed,
}

/// What becomes of the spooled bytes of an import that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spooled {
    /// They are kept: somebody may still ask for them.
    Kept,
    /// They are needed no more.
    Unneeded,
}

/// What a commit says about the import besides its objects and failures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settled<'a> {
    /// What became of the records so far.
    pub counts: Counts,
    /// Records from the start of the file whose outcome this commit makes final.
    pub records: u64,
    /// What was odd and no error.
    pub warnings: &'a [String],
    /// How far the import was when.
    pub milestones: &'a [Milestone],
    /// Some of the changes that a dry run would make; those that were stored before stay if there are none.
    pub samples: &'a [Sample],
}

/// A request that may be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedRequest {
    /// Who sent it: keys of different callers have nothing to do with each other.
    pub caller: String,
    /// The word by which its sender knows it.
    pub key: String,
    /// The digest of all that was asked.
    pub digest: [u8; 32],
}

/// A request that may be repeated and was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnsweredRequest {
    /// The digest of all that was asked.
    pub digest: [u8; 32],
    /// What it became.
    pub imports: Vec<ImportId>,
}

/// A drop folder as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredDropFolder {
    /// Its name.
    pub name: String,
    /// What was set, without its secrets.
    pub settings: Value,
    /// The secrets, sealed.
    pub secrets: Vec<u8>,
    /// Who has set it.
    pub set_by: SetBy,
    /// Rises with every change.
    pub revision: u64,
}

/// A drop folder that is to be stored.
#[derive(Clone, Debug, PartialEq)]
pub struct DropFolderChange {
    /// As it is to be stored; its revision does not count.
    pub folder: StoredDropFolder,
    /// The revision that was seen of what is stored; none, if there was nothing.
    pub seen: Option<u64>,
    /// What is made up for it, which counts unless something was before.
    pub made_up: DropFolderState,
}

/// What remains of a drop folder that is removed, besides the ledger of its runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    /// Nothing.
    Nothing,
    /// How it stands and what was made up for it: one of the same name is in `rollbook.toml`.
    State,
}

/// How a drop folder stands, and what was made up for it.
#[derive(Clone, Debug, PartialEq)]
pub struct DropFolderState {
    /// With it, and no other, its role is assumed.
    pub external_id: String,
    /// What callbacks are signed with, sealed.
    pub signing_secret: Vec<u8>,
    /// When it was first known, RFC 3339 UTC with milliseconds.
    pub since: String,
    /// When the last look at it began.
    pub last_poll: Option<String>,
    /// What kept it from being looked at.
    pub trouble: Option<Trouble>,
    /// What the last look at it saw and left alone, each in a sentence.
    pub notices: Vec<String>,
    /// Whether its callback is off: it was answered with 410.
    pub callback_off: bool,
}

/// The half of a key's hash that does not depend on case.
pub(crate) const ALIKE: u64 = 0xFFFF_FFFF_0000_0000;

/// The keyed hashes of this installation. Their seed is a secret, so nobody can prepare values that collide.
#[derive(Clone, Copy, Debug)]
pub struct Hashes {
    seed: u64,
}

impl Hashes {
    pub(crate) fn new(secret: &[u8]) -> Hashes {
        Hashes { seed: xxh3_64(secret) }
    }

    /// The hash of a key: the JSON texts of its properties' values in the index's order, each followed by a NUL.
    /// Equal keys have equal hashes; the converse must be checked against the stored object.
    ///
    /// Its upper half is that of the key without its case, see [`Hashes::alike`].
    pub fn key(&self, texts: &str) -> u64 {
        self.alike(texts) | (xxh3_64_with_seed(texts.as_bytes(), self.seed) & !ALIKE)
    }

    /// What the hashes of all keys have in common that differ from this one in nothing but case: their upper half, as a
    /// hash whose lower half is 0. So an index, which is ordered by hash, also answers who equals a text without regard
    /// to case.
    pub fn alike(&self, texts: &str) -> u64 {
        let mut short = [0; 128];
        let hash = match short.get_mut(..texts.len()).filter(|_| texts.is_ascii()) {
            // Nearly always: without an allocation.
            Some(short) => {
                short.copy_from_slice(texts.as_bytes());
                short.make_ascii_lowercase();
                xxh3_64_with_seed(short, self.seed)
            }
            None => xxh3_64_with_seed(fold(texts).as_bytes(), self.seed),
        };
        hash & ALIKE
    }

    /// The fingerprint of a raw record under `context`, the hash of all that decides what the record means. Never 0.
    pub fn fingerprint(&self, context: u64, record: &str) -> u64 {
        xxh3_64_with_seed(record.as_bytes(), context).max(1)
    }

    /// A seed for [`Hashes::fingerprint`].
    pub fn context(&self, description: &str) -> u64 {
        xxh3_64_with_seed(description.as_bytes(), !self.seed)
    }
}

/// A page of objects in order of creation.
#[derive(Debug)]
pub struct ObjectPage {
    /// At most as many as asked for.
    pub objects: Vec<Object>,
    /// Where the next page starts, if there is one.
    pub next: Option<ObjectNumber>,
}

/// An object that a search has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it lies.
    pub number: ObjectNumber,
    /// The object.
    pub object: Object,
}

/// Who wrote an object last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastWriter {
    /// The import of this id.
    Import(String),
    /// An import of which there is no record any more.
    ForgottenImport,
    /// Somebody who wrote this one object.
    Somebody,
}

/// What one step of a search has found.
#[derive(Debug, Default)]
pub struct FoundPage {
    /// At most as many as asked for, in order of creation.
    pub found: Vec<Found>,
    /// Where the search goes on, if it is not over.
    pub next: Option<ObjectNumber>,
    /// How many objects were looked at.
    pub looked_at: u64,
}

/// What became of the writing of one object.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    /// It is done. This is the object: as it is now, or as it was before it was removed.
    Done(Object),
    /// The object, or its type, is no longer what it was when it was read: it has to be read again.
    Outdated,
    /// There is an object of this id already.
    Exists,
    /// Values of these properties must be unique, and another object has them.
    Taken(Vec<String>),
}
