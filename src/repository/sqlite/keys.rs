//! The key table of one index during a session.
//!
//! A *pair* is `(hash of the key, object)`, 12 bytes. Hashes are spread evenly, so the table is an array of *buckets* by
//! their leading bits, each bucket one row with its pairs packed in order; the number of buckets doubles when they get
//! full. A round reads the buckets it needs, a few microseconds for some hundred pairs, and looks up without SQL. New
//! pairs are held back and written bucket by bucket when the session flushes; until then look-ups see them here.

pub(super) mod bucket;
mod pending;

use std::collections::HashSet;

use rusqlite::{Connection, params};

use self::bucket::{Bucket, PAIR_SIZE, pack};
use self::pending::Pending;
use super::sql;
use crate::error::Result;
use crate::repository::{KeyIndex, Mode, ObjectNumber};

/// Pairs of a bucket on average, at most: two full buckets fill a page.
const BUCKET: u64 = 600;

/// Pairs held back at most: 20 MB.
const MAX_PENDING: usize = 1 << 20;

/// `(hash, object)`.
type Pair = (u64, ObjectNumber);

/// Where the buckets lie. What a dry run writes goes to a table of the same form in its scratch database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    /// In the table, for good.
    Table,
    /// In the table; the dry run has written nothing yet.
    Untouched,
    /// Those that the dry run has written in the scratch table, which stand for those of the table.
    Overlaid,
    /// All in the scratch table, since their number has doubled there.
    Scratch,
}

/// One index, as a session sees and changes it.
pub(super) struct KeyTable {
    number: i64,
    home: Home,
    /// How many leading bits of a hash say its bucket.
    bits: u32,
    /// Pairs in the table, without the pending changes.
    stored: u64,
    /// The buckets that were read, up to so many pairs.
    buckets: Vec<Option<Bucket>>,
    cached: usize,
    max_cached: usize,
    pending: Pending,
    removed: HashSet<Pair>,
}

impl KeyTable {
    /// `memory` is how many bytes of read buckets may be kept.
    pub(super) fn new(index: &KeyIndex, mode: Mode, memory: u64) -> KeyTable {
        KeyTable {
            number: index.number,
            home: match mode {
                Mode::Write => Home::Table,
                Mode::DryRun => Home::Untouched,
            },
            bits: 0,
            stored: 0,
            buckets: vec![None],
            cached: 0,
            max_cached: memory as usize / PAIR_SIZE,
            pending: Pending::default(),
            removed: HashSet::new(),
        }
    }

    /// Begins anew with what is stored now. Pending changes are forgotten.
    pub(super) fn reset(&mut self, conn: &Connection) -> Result<()> {
        self.pending = Pending::default();
        self.removed.clear();
        if self.home != Home::Table {
            self.home = Home::Untouched;
        }
        let size = "SELECT bits, pairs FROM key_index WHERE number = ?1";
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

    /// The stored objects with a hash that has this upper half: never are there so many buckets that it does not say in
    /// which of them.
    pub(super) fn alike(&self, conn: &Connection, upper: u64) -> Result<Vec<ObjectNumber>> {
        Ok(self.read(conn, self.bucket_of(upper))?.alike(upper, self.bits).collect())
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
        self.pending.len() + self.removed.len() > MAX_PENDING
    }

    /// Writes what is pending.
    pub(super) fn flush(&mut self, conn: &Connection) -> Result<()> {
        let added = self.pending.take_sorted();
        let mut removed: Vec<Pair> = self.removed.drain().collect();
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
            let within = |pairs: &[Pair]| pairs.partition_point(|pair| self.bucket_of(pair.0) == bucket);
            let (coming, going);
            (coming, added) = added.split_at(within(added));
            (going, removed) = removed.split_at(within(removed));
            let old = match self.keep(bucket, None) {
                Some(known) => known,
                None => self.read(conn, bucket)?,
            };
            let kept = old.pairs().filter(|pair| going.binary_search(pair).is_err());
            let mut pairs: Vec<Pair> = kept.chain(coming.iter().copied()).collect();
            pairs.sort_unstable();
            self.write(conn, bucket, &pairs)?;
            if self.cached < self.max_cached {
                self.keep(bucket, Some(Bucket::new(&pairs)));
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
        let found = match self.home {
            Home::Table | Home::Untouched => select("main")?,
            Home::Overlaid => select("scratch")?.map_or_else(|| select("main"), |own| Ok(Some(own)))?,
            Home::Scratch => select("scratch")?,
        };
        Ok(found.unwrap_or_default())
    }

    fn write(&self, conn: &Connection, bucket: usize, pairs: &[Pair]) -> Result<()> {
        let put = format!(
            "INSERT INTO {}.key_{} (bucket, data) VALUES (?1, ?2) ON CONFLICT (bucket) DO UPDATE SET data = excluded.data",
            self.database(),
            self.number
        );
        sql::execute(&mut *sql::prepare(conn, &put)?, params![bucket as i64, pack(pairs)?]).map(drop)
    }

    /// Doubles the number of buckets: the content of each goes to the two of twice its number. From the last to the
    /// first, so that none is overwritten before it has moved.
    fn double(&mut self, conn: &Connection) -> Result<()> {
        let count = self.buckets.len();
        self.set_bits(self.bits + 1);
        let delete = format!("DELETE FROM {}.key_{} WHERE bucket = ?1", self.database(), self.number);
        for bucket in (0..count).rev() {
            let pairs: Vec<Pair> = self.read(conn, bucket)?.pairs().collect();
            let (lower, upper) = pairs.split_at(pairs.partition_point(|pair| self.bucket_of(pair.0) == 2 * bucket));
            sql::run(conn, &delete, [bucket as i64])?;
            for (bucket, half) in [(2 * bucket, lower), (2 * bucket + 1, upper)] {
                if !half.is_empty() {
                    self.write(conn, bucket, half)?;
                }
            }
        }
        if self.home == Home::Overlaid {
            self.home = Home::Scratch;
        }
        Ok(())
    }

    /// Where a flush writes.
    fn database(&self) -> &'static str {
        match self.home {
            Home::Table => "main",
            Home::Untouched | Home::Overlaid | Home::Scratch => "scratch",
        }
    }

    fn make_scratch(&mut self, conn: &Connection) -> Result<()> {
        if self.home == Home::Untouched {
            let number = self.number;
            sql::batch(
                conn,
                &format!(
                    "DROP TABLE IF EXISTS scratch.key_{number}; \
                     CREATE TABLE scratch.key_{number} (bucket INTEGER PRIMARY KEY, data BLOB)"
                ),
            )?;
            self.home = Home::Overlaid;
        }
        Ok(())
    }

    fn note_size(&self, conn: &Connection) -> Result<()> {
        match self.home {
            Home::Table => {
                let note = "UPDATE key_index SET bits = ?2, pairs = ?3 WHERE number = ?1";
                sql::run(conn, note, params![self.number, self.bits, self.stored.cast_signed()]).map(drop)
            }
            Home::Untouched | Home::Overlaid | Home::Scratch => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::KeyTable;
    use crate::repository::{KeyIndex, Mode};

    fn database() -> Connection {
        let conn = Connection::open_in_memory().expect("a database");
        let tables = "ATTACH '' AS scratch; CREATE TABLE key_index (number INTEGER PRIMARY KEY, bits, pairs); \
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
        for mode in [Mode::Write, Mode::DryRun] {
            let conn = database();
            let mut table = KeyTable::new(&KeyIndex { number: 1, ..KeyIndex::default() }, mode, 6000);
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
                    assert_eq!(holders(&mut table, &conn, hash(n)), expected, "{n} {mode:?} {flushed}");
                }
            }
            if mode == Mode::Write {
                let mut later = KeyTable::new(&KeyIndex { number: 1, ..KeyIndex::default() }, mode, 6000);
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
