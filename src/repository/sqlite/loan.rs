//! Connections on loan: kept for the next who needs one, since opening one costs more than most statements, and the last
//! one to close would fold the log into the database each time.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use rusqlite::Connection;

/// Connections kept at most.
const MAX_IDLE: usize = 4;

/// Connections that nobody uses now.
#[derive(Debug, Default)]
pub(super) struct Idle(Mutex<Vec<Connection>>);

impl Idle {
    pub(super) fn take(&self) -> Option<Connection> {
        self.0.lock().map_or(None, |mut idle| idle.pop())
    }

    /// Keeps a connection, unless there are enough.
    pub(super) fn put(&self, conn: Connection) {
        if let Ok(mut idle) = self.0.lock()
            && idle.len() < MAX_IDLE
        {
            idle.push(conn);
        }
    }

    /// Lends a connection, which is kept when it comes back.
    pub(super) fn lend(&self, conn: Connection) -> Loan<'_> {
        Loan { conn: Some(conn), idle: self }
    }
}

/// A connection on loan.
pub(super) struct Loan<'a> {
    conn: Option<Connection>,
    idle: &'a Idle,
}

impl Deref for Loan<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.conn.as_ref().expect("given back on drop only")
    }
}

impl DerefMut for Loan<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        self.conn.as_mut().expect("given back on drop only")
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        // One that stopped within a transaction is closed, which ends it.
        if let Some(conn) = self.conn.take().filter(Connection::is_autocommit) {
            self.idle.put(conn);
        }
    }
}
