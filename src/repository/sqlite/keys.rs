//! The key table of one index during a session.
//!
//! An entry is `(hash of the key, object)`, 16 bytes. Hashes are spread evenly, so the table is an array of *buckets*
//! by their leading bits, each bucket one row with its entries packed in order; the number of buckets doubles when they
//! get full. A round reads the buckets it needs, a few microseconds for some hundred entries, and looks up without SQL.
//! New entries are held back and written bucket by bucket when the session flushes; until then look-ups see them here.

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use rusqlite::{Connection, params};

use super::sql;
use crate::error::Result;
use crate::repository::{KeyIndex, ObjectNumber};

/// Entries of a bucket on average, at most: two full buckets fill a page.
const BUCKET: u64 = 440;

/// Entries of read buckets kept in memory at most, 48 MB.
const MAX_CACHED: usize = 3 << 20;

/// Entries held back at most, 40 MB.
const MAX_PENDING: usize = 1 << 20;

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

/// `(hash, object)`.
type Entry = (u64, ObjectNumber);

/// Entries by hash; nearly always one each.
#[derive(Default)]
struct Pending {
    first: ByHash<ObjectNumber>,
    /// Those beyond the first.
    more: ByHash<Vec<ObjectNumber>>,
}

impl Pending {
    fn get(&self, hash: u64) -> impl Iterator<Item = ObjectNumber> + '_ {
        let first = self.first.get(&hash).copied();
        let more = first.and_then(|_| if self.more.is_empty() { None } else { self.more.get(&hash) });
        first.into_iter().chain(more.into_iter().flatten().copied())
    }

    fn insert(&mut self, hash: u64, object: ObjectNumber) {
        match self.first.entry(hash) {
            Place::Vacant(place) => drop(place.insert(object)),
            Place::Occupied(_) => self.more.entry(hash).or_default().push(object),
        }
    }

    /// Says whether the entry was there.
    fn remove(&mut self, hash: u64, object: ObjectNumber) -> bool {
        let mut objects: Vec<_> = self.get(hash).collect();
        let Some(at) = objects.iter().position(|other| *other == object) else { return false };
        objects.swap_remove(at);
        self.first.remove(&hash);
        self.more.remove(&hash);
        objects.into_iter().for_each(|object| self.insert(hash, object));
        true
    }

    fn take_sorted(&mut self) -> Vec<Entry> {
        let more = self.more.drain().flat_map(|(hash, objects)| objects.into_iter().map(move |object| (hash, object)));
        let mut entries: Vec<Entry> = self.first.drain().chain(more).collect();
        entries.sort_unstable();
        entries
    }
}

/// Where a flush goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The table itself.
    Table,
    /// A table of the same form in the session's scratch database, whose buckets stand for those of the table.
    Scratch,
}

/// One index, as a session sees and changes it.
pub(super) struct KeyTable {
    number: i64,
    target: Target,
    /// Whether the scratch table is there, and whether it has taken the place of the whole table.
    scratch: bool,
    rebuilt: bool,
    /// How many leading bits of a hash say its bucket.
    bits: u32,
    /// Entries in the table, without the pending changes.
    stored: u64,
    /// The buckets that were read.
    buckets: Vec<Option<Box<[Entry]>>>,
    cached: usize,
    pending: Pending,
    removed: HashSet<Entry>,
}

impl KeyTable {
    pub(super) fn new(index: &KeyIndex, target: Target) -> KeyTable {
        KeyTable {
            number: index.number,
            target,
            scratch: false,
            rebuilt: false,
            bits: 0,
            stored: 0,
            buckets: vec![None],
            cached: 0,
            pending: Pending::default(),
            removed: HashSet::new(),
        }
    }

    /// Begins anew with what is stored now. Pending changes are forgotten.
    pub(super) fn reset(&mut self, conn: &Connection) -> Result<()> {
        self.pending = Pending::default();
        self.removed.clear();
        let size = "SELECT bits, entries FROM key_index WHERE number = ?1";
        let size = sql::first(conn, size, [self.number], |row| Ok((sql::get(row, 0)?, sql::get::<i64>(row, 1)?)))?;
        let (bits, stored) = size.unwrap_or_default();
        self.stored = stored.unsigned_abs();
        self.set_bits(bits);
        Ok(())
    }

    /// Makes the holders of these hashes known until the next call.
    pub(super) fn prefetch(&mut self, conn: &Connection, hashes: &mut Vec<u64>) -> Result<()> {
        if self.cached > MAX_CACHED {
            self.set_bits(self.bits);
        }
        // In order, so that neighbours in the file are read together.
        hashes.sort_unstable();
        for &hash in hashes.iter() {
            self.load(conn, self.bucket_of(hash))?;
        }
        Ok(())
    }

    /// The objects that have a key of this hash, which must have been prefetched.
    pub(super) fn holders(&self, hash: u64) -> impl Iterator<Item = ObjectNumber> + '_ {
        let bucket = self.buckets[self.bucket_of(hash)].as_deref().unwrap_or_default();
        let stored = bucket[self.place_in(bucket, hash)..].iter().take_while(move |entry| entry.0 == hash);
        let kept = stored.filter(|entry| self.removed.is_empty() || !self.removed.contains(entry));
        kept.map(|entry| entry.1).chain(self.pending.get(hash))
    }

    pub(super) fn add(&mut self, hash: u64, object: ObjectNumber) {
        if !self.removed.remove(&(hash, object)) {
            self.pending.insert(hash, object);
        }
    }

    pub(super) fn remove(&mut self, hash: u64, object: ObjectNumber) {
        if !self.pending.remove(hash, object) {
            self.removed.insert((hash, object));
        }
    }

    /// How many hashes have several objects, pending changes not counted.
    pub(super) fn shared(&self, conn: &Connection) -> Result<usize> {
        (0..self.buckets.len()).map(|bucket| Ok(shared_hashes(&self.read(conn, bucket)?))).sum()
    }

    /// Whether so much is held back that it should be flushed.
    pub(super) fn is_full(&self) -> bool {
        self.pending.first.len() + self.removed.len() > MAX_PENDING
    }

    /// Writes what is pending.
    pub(super) fn flush(&mut self, conn: &Connection) -> Result<()> {
        let added = self.pending.take_sorted();
        let mut removed: Vec<Entry> = self.removed.drain().collect();
        if added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        removed.sort_unstable();
        self.stored = self.stored + added.len() as u64 - removed.len() as u64;
        self.make_scratch(conn)?;
        while self.stored > BUCKET << self.bits {
            self.double(conn)?;
        }
        let (mut added, mut removed) = (added.as_slice(), removed.as_slice());
        while let Some(first) = added.first().into_iter().chain(removed.first()).min() {
            let bucket = self.bucket_of(first.0);
            let within = |entries: &[Entry]| entries.partition_point(|entry| self.bucket_of(entry.0) == bucket);
            let (coming, going);
            (coming, added) = added.split_at(within(added));
            (going, removed) = removed.split_at(within(removed));
            self.load(conn, bucket)?;
            let old = self.buckets[bucket].as_deref().unwrap_or_default();
            let kept = old.iter().filter(|entry| going.binary_search(entry).is_err());
            let mut entries: Vec<Entry> = kept.chain(coming).copied().collect();
            entries.sort_unstable();
            self.write(conn, bucket, entries)?;
        }
        self.note_size(conn)
    }

    fn bucket_of(&self, hash: u64) -> usize {
        // A shift by all 64 bits would be none.
        (hash >> 1 >> (63 - self.bits)) as usize
    }

    /// Where a hash stands in its bucket, or would stand: about where it stands among all hashes of the bucket.
    fn place_in(&self, bucket: &[Entry], hash: u64) -> usize {
        let within = (hash << self.bits) >> 32;
        let mut at = ((within * bucket.len() as u64) >> 32) as usize;
        while at > 0 && bucket[at - 1].0 >= hash {
            at -= 1;
        }
        while at < bucket.len() && bucket[at].0 < hash {
            at += 1;
        }
        at
    }

    fn set_bits(&mut self, bits: u32) {
        self.bits = bits;
        self.buckets.clear();
        self.buckets.resize(1 << bits, None);
        self.cached = 0;
    }

    fn load(&mut self, conn: &Connection, bucket: usize) -> Result<()> {
        if self.buckets[bucket].is_none() {
            let entries = self.read(conn, bucket)?;
            self.cached += entries.len();
            self.buckets[bucket] = Some(entries);
        }
        Ok(())
    }

    fn read(&self, conn: &Connection, bucket: usize) -> Result<Box<[Entry]>> {
        let select = |database: &str| {
            let sql = format!("SELECT data FROM {database}.key_{} WHERE bucket = ?1", self.number);
            sql::first(conn, &sql, [bucket as i64], |row| {
                let data = row.get_ref(0).map_err(|error| sql::failed("reading keys", error))?;
                Ok(unpack(data.as_blob().unwrap_or_default()))
            })
        };
        let own = if self.scratch { select("scratch")? } else { None };
        let found = if own.is_some() || self.rebuilt { own } else { select("main")? };
        Ok(found.unwrap_or_default())
    }

    fn write(&mut self, conn: &Connection, bucket: usize, entries: Vec<Entry>) -> Result<()> {
        let put = format!(
            "INSERT INTO {}.key_{} (bucket, data) VALUES (?1, ?2) ON CONFLICT (bucket) DO UPDATE SET data = excluded.data",
            self.database(),
            self.number
        );
        sql::execute(&mut *sql::prepare(conn, &put)?, params![bucket as i64, pack(&entries)])?;
        let before = self.buckets[bucket].replace(entries.into()).map_or(0, |old| old.len());
        self.cached = self.cached - before + self.buckets[bucket].as_ref().map_or(0, |new| new.len());
        Ok(())
    }

    /// Doubles the number of buckets: each gives half of its entries to its new neighbour.
    fn double(&mut self, conn: &Connection) -> Result<()> {
        let old: Vec<Box<[Entry]>> = (0..self.buckets.len()).map(|bucket| self.read(conn, bucket)).collect::<Result<_>>()?;
        sql::run(conn, &format!("DELETE FROM {}.key_{}", self.database(), self.number), [])?;
        self.rebuilt = self.target == Target::Scratch;
        self.set_bits(self.bits + 1);
        for (bucket, entries) in old.into_iter().enumerate() {
            let middle = entries.partition_point(|entry| self.bucket_of(entry.0) == 2 * bucket);
            let (lower, upper) = entries.split_at(middle);
            for (bucket, half) in [(2 * bucket, lower), (2 * bucket + 1, upper)] {
                if !half.is_empty() {
                    self.write(conn, bucket, half.to_vec())?;
                }
            }
        }
        Ok(())
    }

    fn database(&self) -> &'static str {
        match self.target {
            Target::Table => "main",
            Target::Scratch => "scratch",
        }
    }

    fn make_scratch(&mut self, conn: &Connection) -> Result<()> {
        if self.target == Target::Scratch && !self.scratch {
            let number = self.number;
            sql::batch(conn, &format!("CREATE TABLE scratch.key_{number} (bucket INTEGER PRIMARY KEY, data BLOB)"))?;
            self.scratch = true;
        }
        Ok(())
    }

    fn note_size(&self, conn: &Connection) -> Result<()> {
        match self.target {
            Target::Scratch => Ok(()),
            Target::Table => {
                let note = "UPDATE key_index SET bits = ?2, entries = ?3 WHERE number = ?1";
                sql::run(conn, note, params![self.number, self.bits, self.stored.cast_signed()]).map(drop)
            }
        }
    }
}

fn shared_hashes(bucket: &[Entry]) -> usize {
    bucket.chunk_by(|one, next| one.0 == next.0).filter(|same| same.len() > 1).count()
}

fn pack(entries: &[Entry]) -> Vec<u8> {
    entries.iter().flat_map(|(hash, object)| [*hash, object.cast_unsigned()]).flat_map(u64::to_le_bytes).collect()
}

fn unpack(data: &[u8]) -> Box<[Entry]> {
    let (words, _) = data.as_chunks::<8>();
    let (pairs, _) = words.as_chunks::<2>();
    pairs.iter().map(|[hash, object]| (u64::from_le_bytes(*hash), i64::from_le_bytes(*object))).collect()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{KeyTable, Target};
    use crate::repository::KeyIndex;

    fn database() -> Connection {
        let conn = Connection::open_in_memory().expect("a database");
        let tables = "ATTACH '' AS scratch; CREATE TABLE key_index (number INTEGER PRIMARY KEY, bits, entries); \
                      INSERT INTO key_index VALUES (1, 0, 0); CREATE TABLE key_1 (bucket INTEGER PRIMARY KEY, data BLOB);";
        conn.execute_batch(tables).expect("tables");
        conn
    }

    /// The same hash for the same number, spread evenly.
    fn hash(n: u64) -> u64 {
        n.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    fn holders(table: &mut KeyTable, conn: &Connection, hash: u64) -> Vec<i64> {
        table.prefetch(conn, &mut vec![hash]).expect("read");
        let mut found: Vec<_> = table.holders(hash).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn finds_what_was_put_however_often_it_was_flushed() {
        for target in [Target::Table, Target::Scratch] {
            let conn = database();
            let mut table = KeyTable::new(&KeyIndex { number: 1, properties: Vec::new(), entries: 0 }, target);
            table.reset(&conn).expect("empty");
            for n in 0..5000 {
                table.add(hash(n), n as i64);
                if n % 10 == 0 {
                    table.add(hash(n), -(n as i64) - 1);
                }
                if n % 1234 == 0 {
                    table.flush(&conn).expect("flushed");
                }
            }
            for n in (0..5000).step_by(7) {
                table.prefetch(&conn, &mut vec![hash(n)]).expect("read");
                table.remove(hash(n), n as i64);
            }
            for flushed in [false, true] {
                if flushed {
                    table.flush(&conn).expect("flushed");
                }
                for n in 0..5010 {
                    let mut expected = Vec::new();
                    expected.extend((n < 5000 && n % 10 == 0).then_some(-(n as i64) - 1));
                    expected.extend((n < 5000 && n % 7 != 0).then_some(n as i64));
                    assert_eq!(holders(&mut table, &conn, hash(n)), expected, "{n} {target:?} {flushed}");
                }
            }
            if target == Target::Table {
                let mut later = KeyTable::new(&KeyIndex { number: 1, properties: Vec::new(), entries: 0 }, target);
                later.reset(&conn).expect("stored");
                assert_eq!(holders(&mut later, &conn, hash(20)), [-21, 20]);
                assert_eq!(later.stored, 5000 + 500 - 715);
            } else {
                let rows: i64 = conn.query_row("SELECT count(*) FROM main.key_1", [], |row| row.get(0)).expect("a count");
                assert_eq!(rows, 0, "a dry run leaves the table alone");
            }
        }
    }
}
