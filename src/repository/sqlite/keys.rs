//! The key table of one index during a session.
//!
//! An entry is `(hash of the key, object)`, 12 bytes. Hashes are spread evenly, so the table is an array of *buckets*
//! by their leading bits, each bucket one row with its entries packed in order; the number of buckets doubles when they
//! get full. A round reads the buckets it needs, a few microseconds for some hundred entries, and looks up without SQL.
//! New entries are held back and written bucket by bucket when the session flushes; until then look-ups see them here.

use std::collections::hash_map::Entry as Place;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use rusqlite::{Connection, params};

use super::sql;
use crate::error::{Error, Result};
use crate::repository::{KeyIndex, ObjectNumber};

/// Entries of a bucket on average, at most: two full buckets fill a page.
const BUCKET: u64 = 600;

/// Bytes of an entry: a hash of eight and an object's number of four.
const ENTRY_SIZE: usize = 12;

/// Entries held back at most: 20 MB.
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
    more: ByHash<HashSet<ObjectNumber>>,
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
            Place::Occupied(_) => drop(self.more.entry(hash).or_default().insert(object)),
        }
    }

    /// Says whether the entry was there.
    fn remove(&mut self, hash: u64, object: ObjectNumber) -> bool {
        let more = self.more.get_mut(&hash);
        if self.first.get(&hash) != Some(&object) {
            return more.is_some_and(|more| more.remove(&object));
        }
        match more.and_then(|more| more.iter().next().copied().and_then(|next| more.take(&next))) {
            Some(next) => drop(self.first.insert(hash, next)),
            None => drop(self.first.remove(&hash)),
        }
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
    /// The buckets that were read, up to so many entries.
    buckets: Vec<Option<Bucket>>,
    cached: usize,
    max_cached: usize,
    pending: Pending,
    removed: HashSet<Entry>,
}

impl KeyTable {
    /// `memory` is how many bytes of read buckets may be kept.
    pub(super) fn new(index: &KeyIndex, target: Target, memory: u64) -> KeyTable {
        KeyTable {
            number: index.number,
            target,
            scratch: false,
            rebuilt: false,
            bits: 0,
            stored: 0,
            buckets: vec![None],
            cached: 0,
            max_cached: memory as usize / ENTRY_SIZE,
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
    pub(super) fn prefetch(&mut self, conn: &Connection, hashes: &mut [u64]) -> Result<()> {
        if self.cached > self.max_cached {
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
        let stored = self.buckets[self.bucket_of(hash)].iter().flat_map(move |bucket| bucket.holders(hash, self.bits));
        let kept = stored.filter(move |object| self.removed.is_empty() || !self.removed.contains(&(hash, *object)));
        kept.chain(self.pending.get(hash))
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
        (0..self.buckets.len()).map(|bucket| Ok(self.read(conn, bucket)?.shared())).sum()
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
            let old = match self.keep(bucket, None) {
                Some(known) => known,
                None => self.read(conn, bucket)?,
            };
            let kept = old.entries().filter(|entry| going.binary_search(entry).is_err());
            let mut entries: Vec<Entry> = kept.chain(coming.iter().copied()).collect();
            entries.sort_unstable();
            self.write(conn, bucket, &entries)?;
            if self.cached < self.max_cached {
                self.keep(bucket, Some(Bucket::new(&entries)));
            }
        }
        self.note_size(conn)
    }

    fn bucket_of(&self, hash: u64) -> usize {
        // A shift by all 64 bits would be none.
        (hash >> 1 >> (63 - self.bits)) as usize
    }

    fn set_bits(&mut self, bits: u32) {
        self.bits = bits;
        self.buckets.clear();
        self.buckets.resize(1 << bits, None);
        self.cached = 0;
    }

    fn load(&mut self, conn: &Connection, bucket: usize) -> Result<()> {
        if self.buckets[bucket].is_none() {
            let read = self.read(conn, bucket)?;
            self.keep(bucket, Some(read));
        }
        Ok(())
    }

    /// Replaces what is kept of a bucket.
    fn keep(&mut self, bucket: usize, content: Option<Bucket>) -> Option<Bucket> {
        let len = |content: &Option<Bucket>| content.as_ref().map_or(0, |bucket| bucket.hashes.len());
        self.cached += len(&content);
        self.cached -= len(&self.buckets[bucket]);
        std::mem::replace(&mut self.buckets[bucket], content)
    }

    fn read(&self, conn: &Connection, bucket: usize) -> Result<Bucket> {
        let select = |database: &str| {
            let sql = format!("SELECT data FROM {database}.key_{} WHERE bucket = ?1", self.number);
            sql::first(conn, &sql, [bucket as i64], |row| {
                let data = row.get_ref(0).map_err(|error| sql::failed("reading keys", error))?;
                Ok(Bucket::unpack(data.as_blob().unwrap_or_default()))
            })
        };
        let own = if self.scratch { select("scratch")? } else { None };
        let found = if own.is_some() || self.rebuilt { own } else { select("main")? };
        Ok(found.unwrap_or_default())
    }

    fn write(&self, conn: &Connection, bucket: usize, entries: &[Entry]) -> Result<()> {
        let put = format!(
            "INSERT INTO {}.key_{} (bucket, data) VALUES (?1, ?2) ON CONFLICT (bucket) DO UPDATE SET data = excluded.data",
            self.database(),
            self.number
        );
        sql::execute(&mut *sql::prepare(conn, &put)?, params![bucket as i64, pack(entries)?]).map(drop)
    }

    /// Doubles the number of buckets: the content of each goes to the two of twice its number. From the last to the
    /// first, so that none is overwritten before it has moved.
    fn double(&mut self, conn: &Connection) -> Result<()> {
        let count = self.buckets.len();
        let mut old = KeyTable::new(&KeyIndex { number: self.number, ..KeyIndex::default() }, self.target, 0);
        (old.scratch, old.rebuilt) = (self.scratch, self.rebuilt);
        self.set_bits(self.bits + 1);
        let delete = format!("DELETE FROM {}.key_{} WHERE bucket = ?1", self.database(), self.number);
        for bucket in (0..count).rev() {
            let entries: Vec<Entry> = old.read(conn, bucket)?.entries().collect();
            let (lower, upper) =
                entries.split_at(entries.partition_point(|entry| self.bucket_of(entry.0) == 2 * bucket));
            sql::run(conn, &delete, [bucket as i64])?;
            for (bucket, half) in [(2 * bucket, lower), (2 * bucket + 1, upper)] {
                if !half.is_empty() {
                    self.write(conn, bucket, half)?;
                }
            }
        }
        self.rebuilt = self.target == Target::Scratch;
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

/// Entries in order: the hashes, and the objects that belong to them.
#[derive(Clone, Debug, Default)]
struct Bucket {
    hashes: Box<[u64]>,
    objects: Box<[u32]>,
}

impl Bucket {
    fn new(entries: &[Entry]) -> Bucket {
        // `pack` has refused numbers that do not fit.
        Bucket {
            hashes: entries.iter().map(|(hash, _)| *hash).collect(),
            objects: entries.iter().map(|(_, object)| *object as u32).collect(),
        }
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.hashes.iter().copied().zip(self.objects.iter().map(|object| ObjectNumber::from(*object)))
    }

    /// The objects with this hash, whose first `bits` bits are those of the bucket.
    fn holders(&self, hash: u64, bits: u32) -> impl Iterator<Item = ObjectNumber> + '_ {
        let start = self.place_of(hash, bits);
        let count = self.hashes[start..].iter().take_while(|other| **other == hash).count();
        self.objects[start..start + count].iter().map(|object| ObjectNumber::from(*object))
    }

    /// Where a hash stands, or would stand: about where it stands among all hashes that the bucket can have.
    fn place_of(&self, hash: u64, bits: u32) -> usize {
        let within = (hash << bits) >> 32;
        let mut at = ((within * self.hashes.len() as u64) >> 32) as usize;
        while at > 0 && self.hashes[at - 1] >= hash {
            at -= 1;
        }
        while at < self.hashes.len() && self.hashes[at] < hash {
            at += 1;
        }
        at
    }

    fn unpack(data: &[u8]) -> Bucket {
        let (entries, _) = data.as_chunks::<ENTRY_SIZE>();
        let hash = |entry: &[u8; ENTRY_SIZE]| entry.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let object = |entry: &[u8; ENTRY_SIZE]| entry.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        Bucket { hashes: entries.iter().map(hash).collect(), objects: entries.iter().map(object).collect() }
    }

    /// How many hashes have several objects.
    fn shared(&self) -> usize {
        self.hashes.chunk_by(|one, next| one == next).filter(|same| same.len() > 1).count()
    }
}

fn pack(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut data = Vec::with_capacity(entries.len() * ENTRY_SIZE);
    for (hash, object) in entries {
        let object = u32::try_from(*object)
            .map_err(|_| Error::conflict("an object type holds at most 4,294,967,295 objects in this repository"))?;
        data.extend_from_slice(&hash.to_le_bytes());
        data.extend_from_slice(&object.to_le_bytes());
    }
    Ok(data)
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
        table.prefetch(conn, &mut [hash]).expect("read");
        let mut found: Vec<_> = table.holders(hash).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn finds_what_was_put_however_often_it_was_flushed() {
        for target in [Target::Table, Target::Scratch] {
            let conn = database();
            let mut table = KeyTable::new(&KeyIndex { number: 1, ..KeyIndex::default() }, target, 6000);
            table.reset(&conn).expect("empty");
            for n in 0..5000 {
                table.add(hash(n), n as i64);
                if n % 10 == 0 {
                    table.add(hash(n), n as i64 + 10_000);
                }
                if n % 1234 == 0 {
                    table.flush(&conn).expect("flushed");
                }
            }
            for n in (0..5000).step_by(7) {
                table.prefetch(&conn, &mut [hash(n)]).expect("read");
                table.remove(hash(n), n as i64);
            }
            for flushed in [false, true] {
                if flushed {
                    table.flush(&conn).expect("flushed");
                }
                for n in 0..5010 {
                    let mut expected = Vec::new();
                    expected.extend((n < 5000 && n % 7 != 0).then_some(n as i64));
                    expected.extend((n < 5000 && n % 10 == 0).then_some(n as i64 + 10_000));
                    assert_eq!(holders(&mut table, &conn, hash(n)), expected, "{n} {target:?} {flushed}");
                }
            }
            if target == Target::Table {
                let mut later = KeyTable::new(&KeyIndex { number: 1, ..KeyIndex::default() }, target, 6000);
                later.reset(&conn).expect("stored");
                assert_eq!(holders(&mut later, &conn, hash(20)), [20, 10_020]);
                assert_eq!(later.stored, 5000 + 500 - 715);
            } else {
                let rows: i64 =
                    conn.query_row("SELECT count(*) FROM main.key_1", [], |row| row.get(0)).expect("a count");
                assert_eq!(rows, 0, "a dry run leaves the table alone");
            }
        }
    }
}
