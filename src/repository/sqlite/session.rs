//! One import's view of the repository: it looks up, puts and commits, a round at a time.
//!
//! In [`Mode::Write`] everything from [`Session::begin`] to [`Session::commit`] is one transaction that holds SQLite's
//! write lock. In [`Mode::DryRun`] the session reads one snapshot from beginning to end, keeps its puts to itself and
//! commits only the report, over a second connection.

use std::ops::Range;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::checkpoint::Checkpointer;
use super::fingerprints::Fingerprints;
use super::keys::KeyTable;
use super::locks::{Turn, patiently, take_turn};
use super::{LOCK_TIMEOUT, Sqlite, imports, objects, sql, views};
use crate::clock;
use crate::error::{Error, Result};
use crate::failure::Failure;
use crate::import::Import;
use crate::repository::identity::ByHash;
use crate::repository::ids::Ids;
use crate::repository::{Due, Existing, Mode, ObjectNumber, Settled, StoredType};
use crate::schema::ObjectType;

/// Bytes of documents that are held back before they are written.
const HEAVY: usize = 16 << 20;

/// Failures that a dry run holds in memory at most: some megabytes.
const MANY_FAILURES: usize = 4096;

/// See the module's head.
pub struct Session {
    conn: Connection,
    run: PathBuf,
    side: Side,
    type_number: i64,
    object_type: ObjectType,
    import_number: i64,
    tables: Vec<KeyTable>,
    fingerprints: Fingerprints,
    open: bool,
    /// When the transaction began, in milliseconds: the time in the ids it makes.
    opened: u64,
    data_version: i64,
    next_object: ObjectNumber,
    fetched: Fetched,
    puts: Puts,
    failures: Vec<Failure>,
    ids: Ids,
    checkpointer: Checkpointer,
}

/// The [`Mode`] of a session, with what it takes.
enum Side {
    Write,
    /// The report is committed over a connection of its own.
    DryRun {
        report: Connection,
    },
}

/// The objects that a round asked for.
#[derive(Default)]
struct Fetched {
    text: String,
    objects: ByHash<(u64, Range<usize>)>,
}

/// Objects put in a round and not yet written.
#[derive(Default)]
struct Puts {
    text: String,
    created: Vec<(ObjectNumber, Uuid, Range<usize>)>,
    updated: Vec<(ObjectNumber, u64, Range<usize>)>,
}

impl Session {
    pub(super) fn open(repository: &Sqlite, stored: &StoredType, import: &Import, mode: Mode) -> Result<Session> {
        let conn = repository.connect()?;
        // The checkpointer does it, at times of our choosing.
        sql::batch(&conn, "PRAGMA wal_autocheckpoint = 0")?;
        sql::batch(&conn, &format!("PRAGMA cache_size = -{}", repository.memory.pages / 1024))?;
        let side = match mode {
            Mode::Write => Side::Write,
            Mode::DryRun => {
                sql::batch(&conn, "ATTACH '' AS scratch")?;
                Side::DryRun { report: repository.connect()? }
            }
        };
        let memory = repository.memory.keys / stored.indexes.len().max(1) as u64;
        Ok(Session {
            run: repository.run.clone(),
            side,
            type_number: stored.number,
            object_type: stored.object_type.clone(),
            import_number: imports::number(&conn, import.id)?,
            tables: stored.indexes.iter().map(|index| KeyTable::new(index, mode, memory)).collect(),
            fingerprints: Fingerprints::new(stored.number, repository.memory.fingerprints),
            open: false,
            opened: 0,
            data_version: 0,
            next_object: 0,
            fetched: Fetched::default(),
            puts: Puts::default(),
            failures: Vec::new(),
            ids: Ids::new(),
            checkpointer: repository.checkpointer()?,
            conn,
        })
    }

    pub(in crate::repository) fn begin(&mut self) -> Result<()> {
        match self.side {
            Side::Write => begin_write(&self.conn, &self.run)?,
            Side::DryRun { .. } => sql::batch(&self.conn, "BEGIN")?,
        }
        self.open = true;
        self.opened = clock::unix_millis();
        // The version moves when another connection has committed: what we remember of the keys may be outdated then.
        let version = sql::first(&self.conn, "PRAGMA data_version", [], |row| sql::get(row, 0))?.unwrap_or(0);
        let next = "SELECT next_object FROM object_type WHERE number = ?1";
        let next = sql::first(&self.conn, next, [self.type_number], |row| sql::get(row, 0))?;
        self.next_object = next.unwrap_or(1);
        if version != self.data_version {
            self.data_version = version;
            self.tables.iter_mut().try_for_each(|table| table.reset(&self.conn))?;
            self.fingerprints.forget();
        }
        Ok(())
    }

    pub(in crate::repository) fn is_open(&self) -> bool {
        self.open
    }

    /// The buckets that were read serve the next round too.
    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as of every session")]
    pub(in crate::repository) fn begin_round(&mut self, _records: usize) -> Result<()> {
        Ok(())
    }

    pub(in crate::repository) fn prefetch(&mut self, index: usize, hashes: &mut [u64]) -> Result<()> {
        self.tables[index].prefetch(&self.conn, hashes)
    }

    pub(in crate::repository) fn holders(&self, index: usize, hash: u64) -> impl Iterator<Item = ObjectNumber> + '_ {
        self.tables[index].holders(hash)
    }

    pub(in crate::repository) fn prefetch_objects(&mut self, numbers: &mut Vec<ObjectNumber>) -> Result<()> {
        numbers.sort_unstable();
        numbers.dedup();
        self.fetched.text.clear();
        self.fetched.objects.clear();
        // The latest version first.
        for table in ["change", "object"] {
            let select = format!("SELECT revision, document FROM {table}_{} WHERE number = ?1", self.type_number);
            let mut statement = sql::prepare(&self.conn, &select)?;
            for &number in numbers.iter() {
                if !self.fetched.objects.contains_key(&number.unsigned_abs()) {
                    let mut rows = sql::query(&mut statement, [number])?;
                    sql::next(&mut rows)?.map(|row| self.fetched.keep(number, row)).transpose()?;
                }
            }
        }
        Ok(())
    }

    pub(in crate::repository) fn fingerprint(&mut self, object: ObjectNumber) -> Result<u64> {
        self.fingerprints.get(&self.conn, object)
    }

    pub(in crate::repository) fn object(&self, number: ObjectNumber) -> Option<Existing<'_>> {
        let (revision, place) = self.fetched.objects.get(&number.unsigned_abs())?;
        Some(Existing { revision: *revision, document: &self.fetched.text[place.clone()] })
    }

    pub(in crate::repository) fn ids(&mut self, numbers: &[ObjectNumber]) -> Result<Vec<(ObjectNumber, String)>> {
        let id = |number: &ObjectNumber| objects::id_at(&self.conn, self.type_number, *number);
        numbers.iter().filter_map(|number| id(number).map(|id| id.map(|id| (*number, id))).transpose()).collect()
    }

    pub(in crate::repository) fn create(&mut self, document: &str) -> ObjectNumber {
        let number = self.next_object;
        self.next_object += 1;
        if self.writes() {
            let id = self.ids.next(number, self.opened);
            let place = self.puts.keep(document);
            self.puts.created.push((number, id, place));
        }
        number
    }

    pub(in crate::repository) fn update(&mut self, number: ObjectNumber, revision: u64, document: &str) {
        if self.writes() {
            let place = self.puts.keep(document);
            self.puts.updated.push((number, revision + 1, place));
        }
    }

    pub(in crate::repository) fn add_key(&mut self, index: usize, hash: u64, object: ObjectNumber) {
        self.tables[index].add(hash, object);
    }

    pub(in crate::repository) fn remove_key(&mut self, index: usize, hash: u64, object: ObjectNumber) {
        self.tables[index].remove(hash, object);
    }

    pub(in crate::repository) fn stamp(&mut self, object: ObjectNumber, fingerprint: u64) -> Result<()> {
        match self.side {
            Side::Write => self.fingerprints.set(&self.conn, object, fingerprint),
            // A dry run touches an object once, so its fingerprint is not looked at again.
            Side::DryRun { .. } => Ok(()),
        }
    }

    pub(in crate::repository) fn due(&self) -> Due {
        if self.failures.len() >= MANY_FAILURES { Due::Now } else { Due::NotYet }
    }

    pub(in crate::repository) fn is_heavy(&self) -> bool {
        self.puts.text.len() > HEAVY
    }

    pub(in crate::repository) fn fail(&mut self, failure: Failure) {
        self.failures.push(failure);
    }

    pub(in crate::repository) fn end_round(&mut self) -> Result<()> {
        let Puts { text, created, updated } = &mut self.puts;
        let insert = format!(
            "INSERT INTO object_{} (number, id, revision, import, document) VALUES (?1, ?2, 1, ?3, ?4)",
            self.type_number
        );
        let mut insert = sql::prepare(&self.conn, &insert)?;
        for (number, id, place) in created.drain(..) {
            let id: &[u8] = id.as_bytes();
            sql::execute(&mut insert, params![number, id, self.import_number, &text[place]])?;
        }
        // In order of number, each page is visited once.
        updated.sort_unstable_by_key(|(number, ..)| *number);
        let update = format!(
            "INSERT INTO change_{} (number, revision, import, document) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (number) DO UPDATE SET revision = excluded.revision, import = excluded.import, \
             document = excluded.document",
            self.type_number
        );
        let mut update = sql::prepare(&self.conn, &update)?;
        for (number, revision, place) in updated.drain(..) {
            let values = params![number, revision.cast_signed(), self.import_number, &text[place]];
            sql::execute(&mut update, values)?;
        }
        text.clear();
        if self.writes() {
            imports::store_failures(&self.conn, self.import_number, &self.failures)?;
            self.failures.clear();
        }
        for table in &mut self.tables {
            if table.is_full() {
                table.flush(&self.conn)?;
            }
        }
        Ok(())
    }

    pub(in crate::repository) fn commit(&mut self, settled: Settled<'_>) -> Result<()> {
        match &self.side {
            Side::Write => self.commit_puts(settled),
            Side::DryRun { report } => {
                begin_write(report, &self.run)?;
                let put = imports::store_failures(report, self.import_number, &self.failures)
                    .and_then(|()| imports::settle(report, self.import_number, settled))
                    .and_then(|()| sql::batch(report, "COMMIT"));
                if put.is_err() && !report.is_autocommit() {
                    sql::batch(report, "ROLLBACK")?;
                }
                put?;
                self.failures.clear();
                Ok(())
            }
        }
    }

    pub(in crate::repository) fn commit_soon(&mut self, settled: Settled<'_>) -> Result<()> {
        self.commit(settled)
    }

    #[expect(clippy::unnecessary_wraps, clippy::unused_self, reason = "as of every session")]
    pub(in crate::repository) fn wait(&mut self) -> Result<()> {
        Ok(())
    }

    fn commit_puts(&mut self, settled: Settled<'_>) -> Result<()> {
        self.end_round()?;
        for table in &mut self.tables {
            table.flush(&self.conn)?;
        }
        self.fingerprints.flush(&self.conn)?;
        // The places of columns that the file brought to a type without a schema are kept with the first objects that
        // use them: a file of which nothing is applied leaves no trace in the type.
        let positions = sql::to_json(self.object_type.positions())?;
        let kept = "UPDATE object_type SET positions = ?2 WHERE number = ?1 AND positions <> ?2";
        if sql::run(&self.conn, kept, params![self.type_number, positions])? > 0 {
            views::make(&self.conn, self.type_number, &self.object_type)?;
        }
        let next = "UPDATE object_type SET next_object = ?2 WHERE number = ?1";
        sql::run(&self.conn, next, [self.type_number, self.next_object])?;
        imports::settle(&self.conn, self.import_number, settled)?;
        sql::batch(&self.conn, "COMMIT")?;
        self.open = false;
        self.checkpointer.committed()
    }

    pub(in crate::repository) fn roll_back(&mut self) -> Result<()> {
        if self.open {
            sql::batch(&self.conn, "ROLLBACK")?;
            self.open = false;
        }
        self.puts = Puts::default();
        self.failures.clear();
        // What is remembered of keys and fingerprints never happened; the next begin reads them again.
        self.data_version = 0;
        Ok(())
    }

    fn writes(&self) -> bool {
        matches!(self.side, Side::Write)
    }
}

/// Waits as long as it takes: an import may hold the lock for minutes, and one that died has lost it.
fn begin_write(conn: &Connection, run: &Path) -> Result<()> {
    patiently(|| take_turn(run, Turn::Write, LOCK_TIMEOUT).and_then(|_turn| sql::batch(conn, "BEGIN IMMEDIATE")))
}

impl Fetched {
    fn keep(&mut self, number: ObjectNumber, row: &rusqlite::Row<'_>) -> Result<()> {
        let revision: i64 = sql::get(row, 0)?;
        let document = row.get_ref(1).map_err(|error| sql::failed("reading a document", error))?;
        let document = document.as_str().map_err(|error| Error::storage("a document could not be read", error))?;
        let start = self.text.len();
        self.text.push_str(document);
        self.objects.insert(number.unsigned_abs(), (revision.unsigned_abs(), start..self.text.len()));
        Ok(())
    }
}

impl Puts {
    fn keep(&mut self, document: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(document);
        start..self.text.len()
    }
}
