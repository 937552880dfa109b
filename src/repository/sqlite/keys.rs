//! The key table of one index during a session.
//!
//! Entries are `(hash, object)`. New ones are held back and written in key order when the session
//! flushes, so that each page of the index is touched once; until then, look-ups see them here. While the whole table
//! fits into [`MAX_CACHED`] entries it is read once, sequentially, and look-ups need no SQL at all.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use rusqlite::{Connection, params};

use super::sql;
use crate::error::Result;
use crate::repository::ObjectNumber;

/// Entries kept in memory at most: a table of 2^21 slots at its full load, 50 MB.
pub(super) const MAX_CACHED: usize = (1 << 21) / 8 * 7;

/// Hashes are hashed already.
#[derive(Default)]
pub(super) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are written as u64")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

type ByHash<T> = HashMap<u64, T, BuildHasherDefault<Identity>>;

/// Objects by the hash of their key; nearly always one each.
#[derive(Default)]
struct Holders {
    first: ByHash<ObjectNumber>,
    /// Those beyond the first.
    more: ByHash<Vec<ObjectNumber>>,
}

impl Holders {
    fn get(&self, hash: u64) -> impl Iterator<Item = ObjectNumber> + '_ {
        let first = self.first.get(&hash).copied();
        let more = first.and_then(|_| if self.more.is_empty() { None } else { self.more.get(&hash) });
        first.into_iter().chain(more.into_iter().flatten().copied())
    }

    fn insert(&mut self, hash: u64, object: ObjectNumber) {
        match self.first.entry(hash) {
            Entry::Vacant(place) => drop(place.insert(object)),
            Entry::Occupied(_) => self.more.entry(hash).or_default().push(object),
        }
    }

    fn remove(&mut self, hash: u64, object: ObjectNumber) {
        let more = self.more.get_mut(&hash);
        match self.first.get_mut(&hash) {
            Some(first) if *first == object => match more.and_then(Vec::pop) {
                Some(next) => *first = next,
                None => drop(self.first.remove(&hash)),
            },
            _ => more.into_iter().for_each(|more| more.retain(|other| *other != object)),
        }
        if self.more.get(&hash).is_some_and(Vec::is_empty) {
            self.more.remove(&hash);
        }
    }

    fn clear(&mut self) {
        self.first.clear();
        self.more.clear();
    }
}

/// Where a flush goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The table itself.
    Table,
    /// Tables of the same form in the session's scratch database, which end with the session.
    Scratch,
}

/// One index, as a session sees and changes it.
pub(super) struct KeyTable {
    number: i64,
    target: Target,
    spilled: bool,
    /// The whole table, pending entries included, when `complete`; else what this round asked for.
    known: Holders,
    complete: bool,
    /// The entries in `added`, when the table is not complete.
    pending: Holders,
    added: Vec<(u64, ObjectNumber)>,
    /// No object below this one is in `added`.
    first_added: ObjectNumber,
    removed: HashSet<(u64, ObjectNumber)>,
}

impl KeyTable {
    pub(super) fn new(number: i64, target: Target) -> KeyTable {
        KeyTable {
            number,
            target,
            spilled: false,
            known: Holders::default(),
            complete: false,
            pending: Holders::default(),
            added: Vec::new(),
            first_added: ObjectNumber::MAX,
            removed: HashSet::new(),
        }
    }

    /// Forgets everything, pending changes too.
    pub(super) fn reset(&mut self) {
        *self = KeyTable::new(self.number, self.target);
    }

    /// Reads the whole table. To be called with nothing pending.
    pub(super) fn load(&mut self, conn: &Connection) -> Result<()> {
        self.forget();
        let sql = format!("SELECT hash, object FROM key_{}", self.number);
        let mut statement = sql::prepare(conn, &sql)?;
        let mut rows = sql::query(&mut statement, [])?;
        while let Some(row) = sql::next(&mut rows)? {
            let (hash, object) = entry(row)?;
            self.known.insert(hash, object);
        }
        self.complete = true;
        Ok(())
    }

    /// Drops what was read, because somebody else may have written since. To be called with nothing pending.
    pub(super) fn forget(&mut self) {
        debug_assert_eq!(self.pending(), 0);
        self.known = Holders::default();
        self.complete = false;
    }

    /// Makes the holders of these hashes known until the next round asks for its own.
    pub(super) fn prefetch(&mut self, conn: &Connection, hashes: &mut Vec<u64>) -> Result<()> {
        if self.complete {
            return Ok(());
        }
        self.known.clear();
        // In key order, each page of the index is visited once.
        hashes.sort_unstable_by_key(|hash| hash.cast_signed());
        hashes.dedup();
        let n = self.number;
        let sql = match self.spilled {
            false => format!("SELECT hash, object FROM key_{n} WHERE hash = ?1"),
            true => format!(
                "SELECT hash, object FROM main.key_{n} AS k WHERE hash = ?1 AND NOT EXISTS \
                 (SELECT 1 FROM scratch.gone_{n} AS g WHERE g.hash = k.hash AND g.object = k.object) \
                 UNION ALL SELECT hash, object FROM scratch.key_{n} WHERE hash = ?1"
            ),
        };
        let mut statement = sql::prepare(conn, &sql)?;
        for &hash in hashes.iter() {
            let mut rows = sql::query(&mut statement, params![hash.cast_signed()])?;
            while let Some(row) = sql::next(&mut rows)? {
                let (hash, object) = entry(row)?;
                if self.removed.is_empty() || !self.removed.contains(&(hash, object)) {
                    self.known.insert(hash, object);
                }
            }
        }
        Ok(())
    }

    /// The objects that have a key of this hash, among those prefetched or put since.
    pub(super) fn holders(&self, hash: u64) -> impl Iterator<Item = ObjectNumber> + '_ {
        self.known.get(hash).chain(self.pending.get(hash))
    }

    pub(super) fn add(&mut self, hash: u64, object: ObjectNumber) {
        if self.complete { &mut self.known } else { &mut self.pending }.insert(hash, object);
        self.first_added = self.first_added.min(object);
        self.added.push((hash, object));
    }

    pub(super) fn remove(&mut self, hash: u64, object: ObjectNumber) {
        self.known.remove(hash, object);
        self.pending.remove(hash, object);
        let added = (object >= self.first_added)
            .then(|| self.added.iter().rposition(|added| *added == (hash, object)))
            .flatten();
        match added {
            Some(at) => drop(self.added.swap_remove(at)),
            None => drop(self.removed.insert((hash, object))),
        }
    }

    /// Changes that wait for a flush.
    pub(super) fn pending(&self) -> usize {
        self.added.len() + self.removed.len()
    }

    /// Writes what is pending, in key order.
    pub(super) fn flush(&mut self, conn: &Connection) -> Result<()> {
        let n = self.number;
        self.added.sort_unstable_by_key(|(hash, object)| (hash.cast_signed(), *object));
        let mut removed: Vec<_> = self.removed.drain().map(|(hash, object)| (hash.cast_signed(), object)).collect();
        removed.sort_unstable();
        let (remove, insert) = match self.target {
            Target::Table => (
                format!("DELETE FROM key_{n} WHERE hash = ?1 AND object = ?2"),
                format!("INSERT INTO key_{n} (hash, object) VALUES (?1, ?2)"),
            ),
            Target::Scratch => {
                self.make_scratch_tables(conn)?;
                (
                    format!("INSERT INTO scratch.gone_{n} (hash, object) VALUES (?1, ?2)"),
                    format!("INSERT INTO scratch.key_{n} (hash, object) VALUES (?1, ?2)"),
                )
            }
        };
        let mut remove = sql::prepare(conn, &remove)?;
        for (hash, object) in removed {
            sql::execute(&mut remove, params![hash, object])?;
        }
        let mut insert = sql::prepare(conn, &insert)?;
        for (hash, object) in self.added.drain(..) {
            sql::execute(&mut insert, params![hash.cast_signed(), object])?;
        }
        self.first_added = ObjectNumber::MAX;
        self.pending.clear();
        if self.known.first.len() > MAX_CACHED {
            self.forget();
        }
        Ok(())
    }

    /// Whether so much is held in memory that it should be flushed.
    pub(super) fn is_full(&self) -> bool {
        self.added.len() > MAX_CACHED / 2 || self.removed.len() > MAX_CACHED / 8 || self.known.first.len() > MAX_CACHED
    }

    fn make_scratch_tables(&mut self, conn: &Connection) -> Result<()> {
        if !self.spilled {
            let n = self.number;
            sql::batch(
                conn,
                &format!(
                    "CREATE TABLE scratch.key_{n} (hash INTEGER, object INTEGER, \
                     PRIMARY KEY (hash, object)) WITHOUT ROWID; \
                     CREATE TABLE scratch.gone_{n} (hash INTEGER, object INTEGER, PRIMARY KEY (hash, object)) \
                     WITHOUT ROWID;"
                ),
            )?;
            self.spilled = true;
        }
        Ok(())
    }
}

fn entry(row: &rusqlite::Row<'_>) -> Result<(u64, ObjectNumber)> {
    let hash: i64 = sql::get(row, 0)?;
    Ok((hash.cast_unsigned(), sql::get(row, 1)?))
}
