//! The key changes of a dry run against another server, in bounded memory: they go to a private database that is gone
//! with the session.

use rusqlite::Connection;

use super::keys::KeyTable;
use super::sql;
use crate::error::Result;
use crate::repository::{KeyIndex, Mode, ObjectNumber};

/// See the module's head.
pub(in crate::repository) struct Rehearsal {
    conn: Connection,
    indexes: Vec<Changes>,
}

/// The changes of one index.
struct Changes {
    added: KeyTable,
    removed: KeyTable,
}

impl Rehearsal {
    /// `memory` is how many bytes of keys may be kept.
    pub(in crate::repository) fn new(indexes: usize, memory: u64) -> Result<Rehearsal> {
        let conn = Connection::open("").map_err(|error| sql::failed("making room for a dry run", error))?;
        sql::batch(
            &conn,
            "PRAGMA journal_mode = OFF; CREATE TABLE key_index (number INTEGER PRIMARY KEY, bits INTEGER, pairs INTEGER)",
        )?;
        let memory = memory / (2 * indexes.max(1)) as u64;
        let mut number = 0;
        let mut table = || {
            number += 1;
            let create = format!(
                "INSERT INTO key_index VALUES ({number}, 0, 0); \
                 CREATE TABLE key_{number} (bucket INTEGER PRIMARY KEY, data BLOB NOT NULL)"
            );
            sql::batch(&conn, &create)?;
            let mut table = KeyTable::new(&KeyIndex { number, ..KeyIndex::default() }, Mode::Write, memory);
            table.reset(&conn).map(|()| table)
        };
        let indexes =
            (0..indexes).map(|_| Ok(Changes { added: table()?, removed: table()? })).collect::<Result<_>>()?;
        Ok(Rehearsal { conn, indexes })
    }

    /// Makes the changes of these keys known.
    pub(in crate::repository) fn prefetch(&mut self, index: usize, hashes: &mut [u64]) -> Result<()> {
        let Changes { added, removed } = &mut self.indexes[index];
        added.prefetch(&self.conn, hashes)?;
        removed.prefetch(&self.conn, hashes)
    }

    pub(in crate::repository) fn add(&mut self, index: usize, hash: u64, object: ObjectNumber) -> Result<()> {
        self.change(index, hash, object, |changes| (&mut changes.removed, &mut changes.added))
    }

    pub(in crate::repository) fn remove(&mut self, index: usize, hash: u64, object: ObjectNumber) -> Result<()> {
        self.change(index, hash, object, |changes| (&mut changes.added, &mut changes.removed))
    }

    /// The objects that have a key of this hash, of which `known` have it without the changes.
    pub(in crate::repository) fn holders<'a>(
        &'a self,
        index: usize,
        hash: u64,
        known: &'a [ObjectNumber],
    ) -> impl Iterator<Item = ObjectNumber> + 'a {
        let Changes { added, removed } = &self.indexes[index];
        let kept = known.iter().copied().filter(move |object| removed.holders(hash).all(|gone| gone != *object));
        kept.chain(added.holders(hash))
    }

    /// Lets go of memory.
    pub(in crate::repository) fn end_round(&mut self) -> Result<()> {
        for Changes { added, removed } in &mut self.indexes {
            for table in [added, removed] {
                if table.is_full() {
                    table.flush(&self.conn)?;
                }
            }
        }
        Ok(())
    }

    /// Takes a pair from one table, or else adds it to the other.
    fn change(
        &mut self,
        index: usize,
        hash: u64,
        object: ObjectNumber,
        tables: impl FnOnce(&mut Changes) -> (&mut KeyTable, &mut KeyTable),
    ) -> Result<()> {
        let (from, to) = tables(&mut self.indexes[index]);
        from.prefetch(&self.conn, &mut [hash])?;
        if from.holders(hash).any(|holder| holder == object) {
            from.remove(hash, object);
        } else {
            to.add(hash, object);
        }
        Ok(())
    }
}
