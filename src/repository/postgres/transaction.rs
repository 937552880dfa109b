//! Transactions that are made again when they meet another one, and of which the outcome is always known.

use std::ops::{Deref, DerefMut};

use super::Postgres;
use super::conn::{Conn, Pool};
use crate::error::Result;

/// A transaction that is open.
pub(super) struct Tx {
    conn: Conn,
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
        conn.batch("BEGIN")?;
        Ok(Tx { conn })
    }

    /// Commits, and gives the connection back.
    pub(super) fn commit(mut self) -> Result<Conn> {
        self.conn.batch("COMMIT")?;
        Ok(self.conn)
    }

    /// The next `count` numbers of a counter, as the first of them.
    pub(super) fn take_numbers(&mut self, counter: &str, count: i64) -> Result<i64> {
        take_numbers(&mut self.conn, counter, count)
    }
}

/// The next `count` numbers of a counter, as the first of them. The first of all is 1.
pub(super) fn take_numbers(conn: &mut Conn, counter: &str, count: i64) -> Result<i64> {
    let sql = "INSERT INTO counter (name, next) VALUES ($1, 1 + CAST($2 AS bigint)) \
               ON CONFLICT (name) DO UPDATE SET next = counter.next + $2 RETURNING next - $2";
    let first = conn.first(sql, &[&counter, &count], |row| super::sql::get(row, 0))?;
    Ok(first.unwrap_or(1))
}

impl Pool {
    /// Runs `work`, which only reads, with one connection.
    pub(super) fn read<T>(&self, mut work: impl FnMut(&mut Conn) -> Result<T>) -> Result<T> {
        let mut conn = self.get()?;
        let done = work(&mut conn);
        self.put(conn);
        done
    }

    /// Runs `work` in one transaction. It may be run several times, of which only the last one counts.
    pub(super) fn write<T>(&self, mut work: impl FnMut(&mut Tx) -> Result<T>) -> Result<T> {
        let mut tx = Tx::begin(self.get()?)?;
        let done = work(&mut tx)?;
        self.put(tx.commit()?);
        Ok(done)
    }
}

impl Postgres {
    pub(super) fn read<T>(&self, work: impl FnMut(&mut Conn) -> Result<T>) -> Result<T> {
        self.pool.read(work)
    }

    pub(super) fn write<T>(&self, work: impl FnMut(&mut Tx) -> Result<T>) -> Result<T> {
        self.pool.write(work)
    }
}
