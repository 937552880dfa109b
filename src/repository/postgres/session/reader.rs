//! The looking side of a session: a connection that is made again when it is lost.

use std::time::{Duration, Instant};

use super::super::conn::{Conn, Pool, Purpose};
use super::writer::repairable;
use crate::error::Result;

/// Values asked for at once, at most: more than a round.
const MOST: usize = 1 << 16;

/// For so long a question is asked again that was answered by nothing but lost connections.
const PATIENCE: Duration = Duration::from_secs(20);

/// See the module's head.
pub(super) struct Reader {
    pool: Pool,
    conn: Option<Conn>,
    /// Values asked for at once: fewer after every lost connection, because that may have been what was too much for it.
    most: usize,
}

impl Reader {
    pub(super) fn new(pool: &Pool) -> Reader {
        Reader { pool: pool.clone(), conn: None, most: MOST }
    }

    /// Asks for all values, some at a time, and gives all answers.
    pub(super) fn ask<T, A>(
        &mut self,
        values: &[T],
        mut ask: impl FnMut(&mut Conn, &[T]) -> Result<Vec<A>>,
    ) -> Result<Vec<A>> {
        let (mut left, mut answers) = (values, Vec::new());
        let mut since = Instant::now();
        while !left.is_empty() {
            let (some, rest) = left.split_at(self.most.min(left.len()));
            let asked = self.connected().and_then(|conn| ask(conn, some));
            match asked {
                Ok(answer) => {
                    answers.extend(answer);
                    left = rest;
                    since = Instant::now();
                    self.most = (self.most * 2).min(MOST);
                }
                Err(error) => {
                    let is_lost = self.conn.as_ref().is_none_or(Conn::is_lost);
                    if !is_lost || since.elapsed() > PATIENCE {
                        return Err(repairable(error));
                    }
                    if self.conn.take().is_some() {
                        self.most = (self.most.min(values.len()) / 4).max(1);
                    } else {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                }
            }
        }
        Ok(answers)
    }

    fn connected(&mut self) -> Result<&mut Conn> {
        let conn = match self.conn.take() {
            Some(conn) => conn,
            None => connect(&self.pool, "look-ups of an import")?,
        };
        Ok(self.conn.insert(conn))
    }
}

/// A connection whose plans do not depend on how many values are asked for: judging a round's takes longer than finding
/// them.
pub(super) fn connect(pool: &Pool, what: &'static str) -> Result<Conn> {
    let mut conn = pool.connect(Purpose::Long(what))?;
    conn.batch("SET plan_cache_mode = force_generic_plan")?;
    Ok(conn)
}
