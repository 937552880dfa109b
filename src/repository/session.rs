//! One import's view of the repository: it looks up, puts and commits, a round at a time. A session sees its own puts.

use super::{Due, Existing, ObjectNumber, Settled, postgres, sqlite};
use crate::error::Result;
use crate::failure::Failure;

/// See the module's head.
pub enum Session {
    /// Of the embedded repository.
    Sqlite(Box<sqlite::Session>),
    /// Of a PostgreSQL server.
    Postgres(Box<postgres::Session>),
}

/// Hands a call to the backend's session.
macro_rules! hand {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match $self {
            Session::Sqlite(session) => session.$method($($argument),*),
            Session::Postgres(session) => session.$method($($argument),*),
        }
    };
}

impl Session {
    /// Opens the transaction that the next commit ends; waits for the write lock if need be.
    pub fn begin(&mut self) -> Result<()> {
        hand!(self.begin())
    }

    /// Whether a transaction is open.
    pub fn is_open(&self) -> bool {
        hand!(self.is_open())
    }

    /// Begins a round of so many records: what was prefetched for the round before is forgotten.
    pub fn begin_round(&mut self, records: usize) -> Result<()> {
        hand!(self.begin_round(records))
    }

    /// Makes the holders of these hashes known, until the end of the round. `index` is a place in
    /// [`StoredType::indexes`](super::StoredType::indexes).
    pub fn prefetch(&mut self, index: usize, hashes: &mut [u64]) -> Result<()> {
        hand!(self.prefetch(index, hashes))
    }

    /// The objects with a key of this hash. To be checked against the objects, unless the fingerprint is equal.
    pub fn holders(&self, index: usize, hash: u64) -> impl Iterator<Item = ObjectNumber> + '_ {
        let (embedded, remote) = match self {
            Session::Sqlite(session) => (Some(session.holders(index, hash)), None),
            Session::Postgres(session) => (None, Some(session.holders(index, hash))),
        };
        embedded.into_iter().flatten().chain(remote.into_iter().flatten())
    }

    /// Reads these objects, until the next call.
    pub fn prefetch_objects(&mut self, numbers: &mut Vec<ObjectNumber>) -> Result<()> {
        hand!(self.prefetch_objects(numbers))
    }

    /// The fingerprint of the record that an object equals; 0 if none is known.
    pub fn fingerprint(&mut self, object: ObjectNumber) -> Result<u64> {
        hand!(self.fingerprint(object))
    }

    /// An object that was asked for with [`Session::prefetch_objects`], if there is one of this number.
    pub fn object(&self, number: ObjectNumber) -> Option<Existing<'_>> {
        hand!(self.object(number))
    }

    /// The ids of these objects, with their numbers, of those there are as far as others know.
    pub fn ids(&mut self, numbers: &[ObjectNumber]) -> Result<Vec<(ObjectNumber, String)>> {
        hand!(self.ids(numbers))
    }

    /// Puts a new object and says which number it has. Its keys are added separately.
    pub fn create(&mut self, document: &str) -> ObjectNumber {
        hand!(self.create(document))
    }

    /// Puts the new document of an existing object, which has this revision now. Changes of its keys are told
    /// separately.
    pub fn update(&mut self, number: ObjectNumber, revision: u64, document: &str) {
        hand!(self.update(number, revision, document))
    }

    /// An object has a key of this hash from now on.
    pub fn add_key(&mut self, index: usize, hash: u64, object: ObjectNumber) {
        hand!(self.add_key(index, hash, object))
    }

    /// An object no longer has a key of this hash.
    pub fn remove_key(&mut self, index: usize, hash: u64, object: ObjectNumber) {
        hand!(self.remove_key(index, hash, object))
    }

    /// Notes which raw record an object now equals, or with fingerprint 0 that it equals none. It has to be one that was put
    /// just now, or that was read, or whose fingerprint was.
    pub fn stamp(&mut self, object: ObjectNumber, fingerprint: u64) -> Result<()> {
        hand!(self.stamp(object, fingerprint))
    }

    /// Whether a commit should come because much waits for it.
    pub fn due(&self) -> Due {
        hand!(self.due())
    }

    /// Whether what was put takes so much memory that [`Session::end_round`] should write it.
    pub fn is_heavy(&self) -> bool {
        hand!(self.is_heavy())
    }

    /// Keeps a failed record.
    pub fn fail(&mut self, failure: Failure) {
        hand!(self.fail(failure))
    }

    /// Writes what the round put, still uncommitted. The failures of a dry run wait for a commit.
    pub fn end_round(&mut self) -> Result<()> {
        hand!(self.end_round())
    }

    /// Commits objects, failures, counts and progress together; in a dry run the report only.
    ///
    /// # Errors
    /// `Outdated` if what was seen is no longer so, or if what was put since the last commit is lost: it has to be decided
    /// again from behind the last commit. That may come of every call.
    pub fn commit(&mut self, settled: Settled<'_>) -> Result<()> {
        hand!(self.commit(settled))
    }

    /// Like [`Session::commit`], but need not wait for it. What goes wrong is told by a later call, at the latest by the
    /// next [`Session::commit`], which ends those before it.
    pub fn commit_soon(&mut self, settled: Settled<'_>) -> Result<()> {
        hand!(self.commit_soon(settled))
    }

    /// Waits for the commits that are under way.
    pub fn wait(&mut self) -> Result<()> {
        hand!(self.wait())
    }

    /// Forgets everything since [`Session::begin`].
    pub fn roll_back(&mut self) -> Result<()> {
        hand!(self.roll_back())
    }
}
