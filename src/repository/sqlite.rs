//! The embedded repository: one SQLite file in the data directory.
//!
//! Objects of one type lie in a table of their own, in order of creation; each key index is a table of its own too
//! (see `session` and `keys` for why that is fast). The write-ahead log makes a commit durable before it is reported
//! (`synchronous = FULL`), and after a kill or a power loss the database is the one before or the one after a commit.
//!
//! Leases and cancel marks are files under `run/`, so that they need no write lock: an import that applies a large
//! atomic file holds it for long. A lease is a lock of the operating system, which a dead process loses at once.

mod checkpoint;
mod drop_folders;
mod fingerprints;
mod idempotency;
mod imports;
mod keys;
mod leaving;
mod loan;
mod locks;
mod objects;
mod prefix;
mod rehearsal;
mod reports;
mod runs;
mod search;
mod session;
mod sign_ins;
mod sql;
mod tokens;
mod types;
mod views;
mod writing;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use self::checkpoint::Checkpointer;
pub(super) use self::leaving::Leaving;
use self::loan::{Idle, Loan};
pub(super) use self::locks::Lock;
use self::locks::{Turn, claim_service, lease, lease_place, patiently, take_turn};
pub(super) use self::rehearsal::Rehearsal;
pub(super) use self::search::Moment;
pub(super) use self::session::Session;
use super::long_looks::{LongLook, LongLooks};
use super::{Hashes, Lease, Mode, StoredType};
use crate::config::Memory;
use crate::error::{Error, Kind, Result};
use crate::import::Import;
use crate::schema::{TypeName, starter_definitions};

/// Older versions can damage a database in write-ahead mode when a checkpoint meets a writer (mended in 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;

/// 16 KiB pages: a quarter fewer page headers and splits than with SQLite's 4 KiB, measured 0.9 times the time of an
/// import.
const PAGE_SIZE: u32 = 16_384;

/// Pages that a connection keeps, in KiB. There may be many connections; only an import's keeps more.
const CACHE_KIB: u32 = 4 << 10;

/// How long a statement waits for the write lock. An import holds it for about two seconds at a time.
const LOCK_TIMEOUT: Duration = Duration::from_secs(20);

const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/sqlite/001_first.sql"),
    include_str!("../../migrations/sqlite/002_rest.sql"),
    include_str!("../../migrations/sqlite/003_drop_folders.sql"),
    include_str!("../../migrations/sqlite/004_console.sql"),
];

/// In forms before this one the hashes of keys were others.
const HASHES_AGAIN: usize = 2;

/// In forms before this one failures were in no groups.
const GROUPS: usize = 4;

/// See the module's head.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    run: PathBuf,
    memory: Memory,
    hashes: Hashes,
    idle: Idle,
    long_looks: LongLooks,
}

impl Sqlite {
    pub(in crate::repository) fn open(path: &Path, run: &Path, memory: Memory) -> Result<Sqlite> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            let version = rusqlite::version();
            return Err(Error::internal(format!("SQLite {version} is too old: at least 3.51.3 is needed")));
        }
        for directory in [path.parent().unwrap_or(Path::new(".")), run] {
            let doing = || format!("the directory '{}' could not be made", directory.display());
            fs::create_dir_all(directory).map_err(|error| Error::storage(doing(), error))?;
        }
        let mut repository = Sqlite {
            path: path.to_owned(),
            run: run.to_owned(),
            memory,
            hashes: Hashes::new(&[]),
            idle: Idle::default(),
            long_looks: LongLooks::default(),
        };
        let turn = take_turn(run, Turn::Open, LOCK_TIMEOUT)?;
        let mut conn = repository.connect()?;
        migrate(&mut conn)?;
        drop(turn);
        repository.hashes = Hashes::new(&secret(&conn)?);
        repository.idle.put(conn);
        Ok(repository)
    }

    /// The form that the file has, and the one that this program knows.
    pub(in crate::repository) fn forms(path: &Path) -> Result<(usize, usize)> {
        if !path.exists() {
            return Ok((0, MIGRATIONS.len()));
        }
        let opened = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let doing = || format!("the repository '{}' could not be opened", path.display());
        let conn = opened.map_err(|error| Error::storage(doing(), error))?;
        wait_for_locks(&conn, LOCK_TIMEOUT)?;
        Ok((form(&conn)?, MIGRATIONS.len()))
    }

    pub(in crate::repository) fn hashes(&self) -> Hashes {
        self.hashes
    }

    pub(in crate::repository) fn installation_value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        installation_value(&*self.conn()?, name)
    }

    pub(in crate::repository) fn put_installation_value(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        self.write(|conn| {
            let sql = "INSERT INTO installation (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
            sql::run(conn, sql, (name, value))?;
            Ok(installation_value(conn, name)?.unwrap_or_default())
        })
    }

    pub(in crate::repository) fn session(&self, stored: &StoredType, import: &Import, mode: Mode) -> Result<Session> {
        Session::open(self, stored, import, mode)
    }

    pub(in crate::repository) fn lease(&self, object_type: &TypeName) -> Result<Option<Lease>> {
        lease(&self.run, object_type)
    }

    pub(in crate::repository) fn claim_service(&self) -> Result<Option<Lease>> {
        claim_service(&self.run)
    }

    pub(in crate::repository) fn lease_place(&self, place: &str) -> Result<Option<Lease>> {
        lease_place(&self.run, place)
    }

    /// A connection for a short while.
    fn conn(&self) -> Result<Loan<'_>> {
        let conn = self.idle.take().map_or_else(|| self.connect(), Ok)?;
        Ok(self.idle.lend(conn))
    }

    fn connect(&self) -> Result<Connection> {
        let doing = || format!("the repository '{}' could not be opened", self.path.display());
        let conn = Connection::open(&self.path).map_err(|error| Error::storage(doing(), error))?;
        conn.set_prepared_statement_cache_capacity(64);
        wait_for_locks(&conn, LOCK_TIMEOUT)?;
        sql::batch(
            &conn,
            &format!(
                "PRAGMA page_size = {PAGE_SIZE}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                 PRAGMA cache_size = -{CACHE_KIB};",
            ),
        )?;
        Ok(conn)
    }

    fn checkpointer(&self) -> Result<Checkpointer> {
        Checkpointer::start(self.connect()?, self.log())
    }

    fn log(&self) -> PathBuf {
        let mut log = self.path.clone().into_os_string();
        log.push("-wal");
        log.into()
    }

    /// Begins a look that takes long. While the log is long it waits for all others: the log can begin anew only when nobody
    /// looks.
    fn long_look(&self) -> Result<LongLook> {
        let log = self.log();
        self.long_looks.begin(|| checkpoint::is_long(&log))
    }

    /// Runs `work` in one transaction that holds the write lock.
    fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.write_within(LOCK_TIMEOUT, work)
    }

    /// The same, unless the turn and the lock together are longer to be waited for than this.
    fn write_within<T>(&self, patience: Duration, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        let _turn = take_turn(&self.run, Turn::Write, patience)?;
        let mut conn = self.conn()?;
        wait_for_locks(&conn, patience.saturating_sub(begun.elapsed()))?;
        let done = transaction(&mut conn, work);
        wait_for_locks(&conn, LOCK_TIMEOUT)?;
        done
    }

    /// The same for an import, which waits as long as it takes: another one may hold the lock for minutes.
    fn write_patiently<T>(&self, work: impl Fn(&Connection) -> Result<T>) -> Result<T> {
        patiently(|| self.write(&work))
    }
}

/// Has the statements of a connection wait so long for locks that others hold.
fn wait_for_locks(conn: &Connection, patience: Duration) -> Result<()> {
    conn.busy_timeout(patience).map_err(|error| Error::storage("the time to wait for locks could not be set", error))
}

fn transaction<T>(conn: &mut Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let begun = conn.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = begun.map_err(|error| sql::failed("BEGIN IMMEDIATE", error))?;
    let done = work(&transaction)?;
    transaction.commit().map_err(|error| sql::failed("COMMIT", error))?;
    Ok(done)
}

/// Runs `work` on one state of the database.
fn transaction_to_read<T>(conn: &mut Connection, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
    let begun = conn.transaction_with_behavior(TransactionBehavior::Deferred);
    let transaction = begun.map_err(|error| sql::failed("BEGIN", error))?;
    work(&transaction)
}

/// What the hashes of this installation are made with.
fn secret(conn: &Connection) -> Result<Vec<u8>> {
    installation_value(conn, "secret")?.ok_or_else(|| Error::internal("the installation has no secret"))
}

fn installation_value(conn: &Connection, name: &str) -> Result<Option<Vec<u8>>> {
    sql::first(conn, "SELECT value FROM installation WHERE name = ?1", [name], |row| sql::get(row, 0))
}

fn form(conn: &Connection) -> Result<usize> {
    let version = sql::first(conn, "PRAGMA user_version", [], |row| sql::get::<i64>(row, 0))?;
    Ok(usize::try_from(version.unwrap_or(0)).unwrap_or(usize::MAX))
}

/// Brings the database to this binary's form. One transaction: a kill leaves the form before or the form after.
fn migrate(conn: &mut Connection) -> Result<()> {
    if form(conn)? == MIGRATIONS.len() {
        return Ok(());
    }
    transaction(conn, |conn| {
        // Asked again under the lock: another process may have been faster.
        let done = form(conn)?;
        if done > MIGRATIONS.len() {
            let known = MIGRATIONS.len();
            return Err(Error::new(
                Kind::Conflict,
                format!("the repository has form {done}, this program knows forms up to {known}: use a newer rollbook"),
            ));
        }
        for migration in &MIGRATIONS[done..] {
            sql::batch(conn, migration)?;
        }
        if (1..HASHES_AGAIN).contains(&done) {
            types::rebuild_indexes(conn, Hashes::new(&secret(conn)?))?;
        }
        if (1..GROUPS).contains(&done) {
            reports::group_all(conn)?;
        }
        if done == 0 {
            let secret = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
            sql::run(conn, "INSERT INTO installation (name, value) VALUES ('secret', ?1)", [secret])?;
            for definition in starter_definitions() {
                types::apply(conn, &definition, Hashes::new(&[]))?;
            }
        }
        sql::batch(conn, &format!("PRAGMA user_version = {}", MIGRATIONS.len()))
    })
}
