//! The numbers of new objects, taken ahead of time and some at once: nobody waits for who has taken them, and those that
//! nobody uses are gaps.

use std::ops::Range;

use super::super::conn::{Conn, Pool};
use super::super::sql;
use super::super::transaction::take_numbers;
use crate::error::Result;
use crate::repository::ObjectNumber;

/// How many are taken at once, at most, where nobody says how many are needed.
const MOST: usize = 4096;

/// See the module's head.
pub(super) struct Numbers {
    pool: Pool,
    counter: String,
    left: Range<ObjectNumber>,
    /// How many to take next.
    expected: usize,
    imagined: bool,
}

impl Numbers {
    pub(super) fn new(pool: &Pool, object_type: i64) -> Numbers {
        let counter = format!("object {object_type}");
        Numbers { pool: pool.clone(), counter, left: 0..0, expected: 1, imagined: false }
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    /// From now on takes none, but gives those that would be next.
    pub(super) fn imagine(&mut self, conn: &mut Conn) -> Result<()> {
        let next = conn.first("SELECT next FROM counter WHERE name = $1", &[&self.counter], |row| sql::get(row, 0))?;
        self.left = next.unwrap_or(1)..ObjectNumber::MAX;
        self.imagined = true;
        Ok(())
    }

    /// So many may be needed soon.
    pub(super) fn expect(&mut self, count: usize) {
        self.expected = count.max(1);
    }

    /// Leaves what is left to be a gap: somebody else may have taken later ones.
    pub(super) fn forget(&mut self) {
        if !self.imagined {
            self.left = 0..0;
        }
    }

    pub(super) fn next(&mut self) -> Result<ObjectNumber> {
        if let Some(number) = self.left.next() {
            return Ok(number);
        }
        let count = self.expected as i64;
        let first = self.pool.read(|conn| take_numbers(conn, &self.counter, count))?;
        self.left = first + 1..first + count;
        self.expected = (self.expected * 2).min(MOST.max(self.expected));
        Ok(first)
    }
}
