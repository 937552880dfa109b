//! Transactions that are made again when they meet another one, and of which the outcome is always known.
//!
//! Whoever loses the connection in a COMMIT does not know what became of it. So every transaction that writes puts an id
//! of its own into `committed`; putting it there once more, over another connection, says whether it was there.

use std::error::Error as StdError;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::thread::sleep;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::conn::{Conn, Pool};
use super::{Postgres, sql};
use crate::error::{Error, Kind, Result};

/// How long it is tried to get a transaction through.
const PATIENCE: Duration = Duration::from_secs(20);

/// The first pause before something is tried again, and the longest one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// One of so many commits, by chance, removes the ids of those that nobody can be in doubt of any more: processes may be
/// short.
const SWEEP_EVERY: u32 = 1024;

/// A transaction that is open. It is over when it is dropped: its connection is closed then.
pub(super) struct Tx {
    conn: Conn,
    id: Uuid,
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl Tx {
    pub(super) fn begin(mut conn: Conn) -> Result<Tx> {
        match conn.batch("BEGIN") {
            Ok(()) => Ok(Tx { conn, id: Uuid::new_v4() }),
            Err(error) => {
                conn.give_back();
                Err(error)
            }
        }
    }

    /// Commits, and gives the connection back, or another one if it was lost.
    ///
    /// # Errors
    /// Nothing is committed then, unless the server could not be asked for so long that the error says so.
    pub(super) fn commit(mut self) -> Result<Conn> {
        let commit = format!("INSERT INTO committed (id, at) VALUES ('{}', now()); COMMIT", self.id);
        match self.conn.batch(&commit) {
            Ok(()) => {
                if getrandom::u32().is_ok_and(|random| random % SWEEP_EVERY == 0) {
                    sweep(&mut self.conn);
                }
                Ok(self.conn)
            }
            Err(error) if self.conn.is_lost() || sql::is_in_doubt(&error) => self.ask(error),
            Err(error) => Err(error),
        }
    }

    /// Finds out what became of a commit that was not answered.
    fn ask(self, lost: Error) -> Result<Conn> {
        let Tx { conn, id } = self;
        let pool = conn.pool().clone();
        conn.give_back();
        let mut patience = Patience::new();
        loop {
            match pool.get().and_then(|conn| was_committed(conn, id)) {
                Ok((conn, true)) => return Ok(conn),
                Ok((conn, false)) => {
                    conn.give_back();
                    return Err(lost);
                }
                Err(error) => patience.pause(error).map_err(|error| {
                    let said = "it is not known whether a change was stored: the connection was lost";
                    Error::new(Kind::Storage, said).caused_by(InDoubt(error))
                })?,
            }
        }
    }

    /// Gives everything up, and the connection back to the pool.
    pub(super) fn roll_back(mut self) {
        if !self.conn.is_lost() {
            // If it fails, the connection is closed, and the server rolls back.
            let _ = self.conn.batch("ROLLBACK");
        }
        self.conn.give_back();
    }

    /// The next `count` numbers of a counter, as the first of them.
    pub(super) fn take_numbers(&mut self, counter: &str, count: i64) -> Result<i64> {
        take_numbers(&mut self.conn, counter, count)
    }
}

/// Why nobody could be asked what became of a commit.
#[derive(Debug)]
struct InDoubt(Error);

impl fmt::Display for InDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for InDoubt {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// Whether this error of a commit leaves open what became of it.
pub(in crate::repository) fn is_in_doubt(error: &Error) -> bool {
    error.source().is_some_and(|source| source.is::<InDoubt>())
}

/// Whether the transaction of this id was committed. If not, it never will be.
fn was_committed(mut conn: Conn, id: Uuid) -> Result<(Conn, bool)> {
    // Waits for the transaction if it is not over.
    let put = conn.run("INSERT INTO committed (id, at) VALUES ($1, now()) ON CONFLICT DO NOTHING", &[&id])?;
    Ok((conn, put == 0))
}

/// Best effort: the next one does it too.
fn sweep(conn: &mut Conn) {
    if let Err(error) = conn.run("DELETE FROM committed WHERE at < now() - interval '1 hour'", &[]) {
        tracing::debug!(%error, "ids of old transactions could not be removed");
    }
}

/// The next `count` numbers of a counter, as the first of them. The first of all is 1.
pub(super) fn take_numbers(conn: &mut Conn, counter: &str, count: i64) -> Result<i64> {
    let sql = "INSERT INTO counter (name, next) VALUES ($1, 1 + CAST($2 AS bigint)) \
               ON CONFLICT (name) DO UPDATE SET next = counter.next + $2 RETURNING next - $2";
    let first = conn.first(sql, &[&counter, &count], |row| sql::get(row, 0))?;
    Ok(first.unwrap_or(1))
}

/// How much longer something is tried again, and the pauses in between, which become longer.
pub(super) struct Patience {
    end: Instant,
    pause: Duration,
}

impl Patience {
    pub(super) fn new() -> Patience {
        Patience { end: Instant::now() + PATIENCE, pause: SHORTEST_PAUSE }
    }

    /// Waits a while, after which it may be tried again.
    ///
    /// # Errors
    /// This one, if it may not pass, or has not for long enough; it is `Busy` then.
    pub(super) fn pause(&mut self, error: Error) -> Result<()> {
        if sql::is_passing(&error) { self.pause_anyway(error) } else { Err(error) }
    }

    /// The same for an error that may pass where it was met.
    pub(super) fn pause_anyway(&mut self, error: Error) -> Result<()> {
        // Those who were in each other's way must not meet again.
        let share = getrandom::u32().map_or(1.0, |random| f64::from(random) / f64::from(u32::MAX));
        let pause = self.pause.mul_f64(0.5 + share);
        if Instant::now() + pause > self.end {
            return Err(Error::new(Kind::Busy, error.to_string()).caused_by(error));
        }
        sleep(pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Ok(())
    }
}

impl Pool {
    /// Runs `work`, which only reads, with one connection. It may be run several times, of which only the last one counts.
    pub(super) fn read<T>(&self, mut work: impl FnMut(&mut Conn) -> Result<T>) -> Result<T> {
        let mut patience = Patience::new();
        loop {
            let done = self.get().and_then(|mut conn| {
                let done = work(&mut conn);
                conn.give_back();
                done
            });
            match done {
                Ok(done) => return Ok(done),
                Err(error) => patience.pause(error)?,
            }
        }
    }

    /// Runs `work` in one transaction. It may be run several times, of which only the last one counts.
    ///
    /// # Errors
    /// `Busy` if others are in its way, or the server is away, for longer than a while.
    pub(super) fn write<T>(&self, mut work: impl FnMut(&mut Tx) -> Result<T>) -> Result<T> {
        let mut patience = Patience::new();
        loop {
            match self.try_to_write(&mut work) {
                Ok(done) => return Ok(done),
                Err(error) => patience.pause(error)?,
            }
        }
    }

    fn try_to_write<T>(&self, work: &mut impl FnMut(&mut Tx) -> Result<T>) -> Result<T> {
        let mut tx = Tx::begin(self.get()?)?;
        match work(&mut tx) {
            Ok(done) => {
                tx.commit()?.give_back();
                Ok(done)
            }
            Err(error) => {
                tx.roll_back();
                Err(error)
            }
        }
    }
}

impl Postgres {
    /// See [`Pool::read`].
    pub(super) fn read<T>(&self, work: impl FnMut(&mut Conn) -> Result<T>) -> Result<T> {
        self.pool.read(work)
    }

    /// See [`Pool::write`].
    pub(super) fn write<T>(&self, work: impl FnMut(&mut Tx) -> Result<T>) -> Result<T> {
        self.pool.write(work)
    }
}
