//! Leases: rows with an end, which are prolonged while their holder lives, and fencing tokens.
//!
//! A process that is frozen, or cut off, loses its leases without knowing. So everything that is done under a lease looks
//! at the lease's token as the last thing before its commit, and holds the row until the commit is over: whoever takes the
//! lease over waits for that, and whoever has lost it fails. Who takes a lease over first has the server close the
//! connections of the process that held it: what it is in the middle of would be in the way for as long as it is frozen.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tokio::runtime::Handle;

use super::conn::{Conn, Engine, Pool, Purpose, whose};
use super::sql;
use super::transaction::Tx;
use crate::error::{Error, Kind, Result};
use crate::schema::TypeName;

/// The leases of this process.
pub(super) struct Leases {
    book: Arc<Book>,
    heart: Mutex<Option<JoinHandle<()>>>,
}

/// A lease that is held.
#[derive(Debug)]
pub(in crate::repository) struct HeldRow {
    book: Arc<Book>,
    name: String,
    token: i64,
    taken: Instant,
}

/// What is known of the leases of this process, by name. Nothing is known of those that it does not have.
struct Book {
    pool: Pool,
    entries: Mutex<Entries>,
    /// When the last beat began that prolonged all leases.
    beaten: Mutex<Option<Instant>>,
    closing: Condvar,
}

#[derive(Default)]
struct Entries {
    by_name: HashMap<String, Entry>,
    is_closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// It is being taken, or given back.
    Changing,
    Held(i64),
    /// Another process has it; who held it here does not know yet.
    Lost,
}

/// The name of an object type's lease.
pub(super) fn of_type(object_type: &TypeName) -> String {
    format!("type {object_type}")
}

/// The name of the lease of a drop folder's place, which may be longer than is good for a key.
pub(super) fn of_place(place: &str) -> String {
    format!("place {}", blake3::hash(place.as_bytes()).to_hex())
}

/// The name of the lease under which an index is made.
pub(super) fn of_index(index: &str) -> String {
    format!("index {index}")
}

impl Leases {
    pub(super) fn new(pool: &Pool) -> Leases {
        let book =
            Book { pool: pool.clone(), entries: Mutex::default(), beaten: Mutex::default(), closing: Condvar::new() };
        Leases { book: Arc::new(book), heart: Mutex::default() }
    }

    /// Takes a lease, unless somebody has it.
    pub(super) fn take(&self, name: &str) -> Result<Option<HeldRow>> {
        {
            let mut entries = self.book.entries();
            if entries.by_name.contains_key(name) {
                return Ok(None);
            }
            entries.by_name.insert(name.to_owned(), Entry::Changing);
        }
        let begun = Instant::now();
        let taken = self.beat().and_then(|()| self.book.take(name));
        let mut entries = self.book.entries();
        match taken {
            Ok(Some(token)) => {
                entries.by_name.insert(name.to_owned(), Entry::Held(token));
                Ok(Some(HeldRow { book: Arc::clone(&self.book), name: name.to_owned(), token, taken: begun }))
            }
            other => {
                entries.by_name.remove(name);
                other.map(|_| None)
            }
        }
    }

    /// To be called in a transaction, as the last statement before COMMIT: fails if this process has lost the lease of
    /// this name that it held. Nobody else can take it before the transaction is over.
    ///
    /// # Errors
    /// `Busy` if it was lost.
    pub(super) fn fence(&self, tx: &mut Tx, name: &str) -> Result<()> {
        let entry = self.book.entries().by_name.get(name).copied();
        let token = match entry {
            None | Some(Entry::Changing) => return Ok(()),
            Some(Entry::Lost) => return Err(lost(name)),
            Some(Entry::Held(token)) => token,
        };
        let sql = "SELECT 1 FROM lease WHERE name = $1 AND owner = $2 AND token = $3 FOR UPDATE";
        match tx.first(sql, &[&name, &self.book.pool.owner(), &token], |_| Ok(()))? {
            Some(()) => Ok(()),
            None => {
                self.book.note_lost(name, token);
                Err(lost(name))
            }
        }
    }

    /// Has the leases prolonged from now on.
    fn beat(&self) -> Result<()> {
        let mut heart = self.heart.lock().unwrap_or_else(PoisonError::into_inner);
        if heart.is_none() {
            let book = Arc::clone(&self.book);
            let thread = thread::Builder::new().name("leases".to_owned()).spawn(move || book.keep_prolonging());
            *heart = Some(thread.map_err(|error| Error::storage("a thread for leases could not start", error))?);
        }
        Ok(())
    }
}

impl Drop for Leases {
    fn drop(&mut self) {
        self.book.entries().is_closed = true;
        self.book.closing.notify_all();
        let heart = self.heart.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(heart) = heart {
            let _ = heart.join();
        }
    }
}

impl HeldRow {
    /// Whether another process has taken it meanwhile, or may have: who was frozen has not heard of it when it goes on.
    pub(in crate::repository) fn is_lost(&self) -> bool {
        let beaten = *self.book.beaten.lock().unwrap_or_else(PoisonError::into_inner);
        let prolonged = beaten.map_or(self.taken, |beaten| beaten.max(self.taken));
        self.is_known_to_be_lost() || prolonged.elapsed() > self.book.pool.lease()
    }

    fn is_known_to_be_lost(&self) -> bool {
        self.book.entries().by_name.get(&self.name) != Some(&Entry::Held(self.token))
    }
}

impl Drop for HeldRow {
    fn drop(&mut self) {
        if self.is_known_to_be_lost() {
            self.book.entries().by_name.remove(&self.name);
            return;
        }
        self.book.entries().by_name.insert(self.name.clone(), Entry::Changing);
        let (book, name, token) = (&self.book, &self.name, self.token);
        match Handle::try_current() {
            Err(_) => book.give_back(name, token),
            // The driver cannot be used within a runtime.
            Ok(_) => {
                thread::scope(|scope| scope.spawn(|| book.give_back(name, token)).join()).unwrap_or_default();
            }
        }
        self.book.entries().by_name.remove(&self.name);
    }
}

impl Book {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_lost(&self, name: &str, token: i64) {
        let mut entries = self.entries();
        if let Some(entry) = entries.by_name.get_mut(name)
            && *entry == Entry::Held(token)
        {
            *entry = Entry::Lost;
            tracing::warn!(lease = name, "a lease was lost: this process was not heard of for too long");
        }
    }

    /// How long a lease is good for, as SQL counts.
    fn seconds(&self) -> f64 {
        self.pool.lease().as_secs_f64()
    }

    /// Takes a lease that nobody has, and gives its token.
    fn take(&self, name: &str) -> Result<Option<i64>> {
        let us = self.pool.owner();
        self.pool.read(|conn| {
            let sql = "SELECT owner, token, until < now(), \
                       until < now() + CAST($2 AS double precision) * interval '0.5 second' \
                       FROM lease WHERE name = $1";
            let found = conn.first(sql, &[&name, &self.seconds()], |row| {
                let [is_over, is_silent] = [sql::get(row, 2)?, sql::get(row, 3)?];
                Ok((sql::get::<String>(row, 0)?, sql::get::<i64>(row, 1)?, is_over, is_silent))
            })?;
            let (owner, token, is_over, is_silent): (_, _, bool, bool) = found.unwrap_or_default();
            // An earlier attempt of ours may have taken it without hearing so.
            if !owner.is_empty() && owner != us {
                match is_over {
                    true => close_connections(conn, &owner)?,
                    // Who lives prolongs it sooner, also if all connections were cut.
                    false if is_silent && is_gone(conn, &owner)? => {}
                    false => return Ok(None),
                }
            }
            let sql = "INSERT INTO lease (name, owner, token, until) \
                       VALUES ($1, $2, 1, now() + CAST($3 AS double precision) * interval '1 second') \
                       ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, token = lease.token + 1, \
                       until = excluded.until WHERE lease.owner = $4 AND lease.token = $5 RETURNING token";
            conn.first(sql, &[&name, &us, &self.seconds(), &owner, &token], |row| sql::get(row, 0))
        })
    }

    /// Best effort: a lease that is not given back is over by itself.
    fn give_back(&self, name: &str, token: i64) {
        let sql = "UPDATE lease SET owner = '', until = now() - interval '1 second' \
                   WHERE name = $1 AND owner = $2 AND token = $3";
        let given_back = self.pool.get().and_then(|mut conn| {
            let done = conn.run(sql, &[&name, &self.pool.owner(), &token]);
            conn.give_back();
            done
        });
        if let Err(error) = given_back {
            tracing::warn!(lease = name, %error, "a lease could not be given back; it ends by itself");
        }
    }

    fn keep_prolonging(&self) {
        // At once: by its connections it is known that a process lives.
        let mut conn = self.connect().ok();
        let usual = self.pool.lease() / 3;
        let mut pause = usual;
        loop {
            let entries = self.entries();
            let waited = self.closing.wait_timeout_while(entries, pause, |entries| !entries.is_closed);
            let (entries, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if entries.is_closed {
                return;
            }
            let held = |(name, entry): (&String, &Entry)| match entry {
                Entry::Held(token) => Some((name.clone(), *token)),
                Entry::Changing | Entry::Lost => None,
            };
            let held: Vec<(String, i64)> = entries.by_name.iter().filter_map(held).collect();
            drop(entries);
            let begun = Instant::now();
            pause = match self.prolong(&mut conn, &held) {
                Ok(()) => {
                    *self.beaten.lock().unwrap_or_else(PoisonError::into_inner) = Some(begun);
                    usual
                }
                Err(error) => {
                    tracing::warn!(%error, "leases could not be prolonged; it is tried again");
                    usual / 4
                }
            };
        }
    }

    fn connect(&self) -> Result<Conn> {
        self.pool.connect(Purpose::Within(self.pool.lease() / 4))
    }

    /// Prolongs all leases at once; or, if somebody stands in the way of one, those that nobody does.
    fn prolong(&self, kept: &mut Option<Conn>, held: &[(String, i64)]) -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        if let Some(mut conn) = kept.take() {
            let done = self.prolong_each(&mut conn, held);
            if !conn.is_lost() {
                *kept = Some(conn);
                return done;
            }
            // Without a connection others might hold us for dead.
        }
        let mut conn = self.connect()?;
        let done = self.prolong_each(&mut conn, held);
        if !conn.is_lost() {
            *kept = Some(conn);
        }
        done
    }

    fn prolong_each(&self, conn: &mut Conn, held: &[(String, i64)]) -> Result<()> {
        match self.prolong_some(conn, held) {
            Err(error) if error.kind() == Kind::Busy => {
                // A commit that takes long holds the row of its lease.
                let failed = held.chunks(1).map(|one| self.prolong_some(conn, one).err());
                let failed: Vec<Option<Error>> = failed.collect();
                failed.into_iter().flatten().next().map_or(Ok(()), Err)
            }
            done => done,
        }
    }

    fn prolong_some(&self, conn: &mut Conn, held: &[(String, i64)]) -> Result<()> {
        let names: Vec<&str> = held.iter().map(|(name, _)| name.as_str()).collect();
        let sql = "UPDATE lease SET until = now() + CAST($3 AS double precision) * interval '1 second' \
                   WHERE name = ANY($1) AND owner = $2 RETURNING name, token";
        let read = |row: &postgres::Row| Ok((sql::get::<String>(row, 0)?, sql::get::<i64>(row, 1)?));
        let prolonged = conn.all(sql, &[&names, &self.pool.owner(), &self.seconds()], read)?;
        for (name, token) in held {
            if !prolonged.iter().any(|(kept, with)| kept == name && with == token) {
                self.note_lost(name, *token);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Leases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.book.fmt(f)
    }
}

impl fmt::Debug for Book {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.entries().by_name).finish()
    }
}

fn lost(name: &str) -> Error {
    Error::new(Kind::Busy, format!("another process has taken over the lease '{name}' and goes on with the work"))
}

/// The connections of a process, its name being $1 and as long as $2.
const CONNECTIONS: &str =
    "FROM pg_stat_activity WHERE datname = current_database() AND left(application_name, $2) = $1";

/// Whether a process that should have connections has none, also none over which it is in the middle of something: it was
/// killed, or cannot reach the server, and what it does next fails. Where connections may be those of another node, nobody
/// knows.
fn is_gone(conn: &mut Conn, owner: &str) -> Result<bool> {
    if conn.pool().engine() != Engine::PostgreSql {
        return Ok(false);
    }
    let (whose, length) = whose_and_length(owner);
    let sql = format!("SELECT count(*) {CONNECTIONS}");
    let count: Option<i64> = conn.first(&sql, &[&whose, &length], |row| sql::get(row, 0))?;
    Ok(count == Some(0))
}

/// Has the server close the connections of a process that has not been heard of. Where the server does not know how, they
/// end by the time-outs of their sessions.
fn close_connections(conn: &mut Conn, owner: &str) -> Result<()> {
    tracing::warn!(owner, "a process was not heard of for too long; its connections are closed");
    if conn.pool().engine() == Engine::CockroachDb {
        return Ok(());
    }
    let (whose, length) = whose_and_length(owner);
    let sql = format!("SELECT count(pg_terminate_backend(pid)) {CONNECTIONS} AND usename = current_user");
    conn.query(&sql, &[&whose, &length]).map(drop)
}

fn whose_and_length(owner: &str) -> (String, i32) {
    let whose = whose(owner);
    let length = i32::try_from(whose.len()).unwrap_or(i32::MAX);
    (whose, length)
}
