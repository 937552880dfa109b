//! The looking side of a session: connections that are made again when they are lost.

use std::time::{Duration, Instant};

use super::super::conn::{Conn, Pool, Purpose};
use crate::error::{Error, Result};

/// Values asked for at once, at most: more than a round.
const MOST: usize = 1 << 16;

/// Values that two share.
const MUCH: usize = 2048;

/// For so long a question is asked again that was answered by nothing but lost connections.
const PATIENCE: Duration = Duration::from_secs(20);

/// One of them.
struct Reader {
    pool: Pool,
    conn: Option<Conn>,
    /// Values asked for at once: fewer after every lost connection, because that may have been what was too much for it.
    most: usize,
}

impl Reader {
    fn new(pool: &Pool) -> Reader {
        Reader { pool: pool.clone(), conn: None, most: MOST }
    }

    /// Asks for all values, some at a time, and gives all answers.
    fn ask<T, A>(&mut self, values: &[T], mut ask: impl FnMut(&mut Conn, &[T]) -> Result<Vec<A>>) -> Result<Vec<A>> {
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
                        return Err(error);
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
            None => connect(&self.pool)?,
        };
        Ok(self.conn.insert(conn))
    }
}

/// Two readers, who share what is much: a server answers each connection with a processor of its own.
pub(super) struct Readers([Reader; 2]);

impl Readers {
    pub(super) fn new(pool: &Pool) -> Readers {
        Readers([Reader::new(pool), Reader::new(pool)])
    }

    /// Asks for all values, and gives all answers.
    pub(super) fn ask<T: Sync, A: Send>(
        &mut self,
        values: &[T],
        ask: impl Fn(&mut Conn, &[T]) -> Result<Vec<A>> + Sync,
    ) -> Result<Vec<A>> {
        let Readers([first, second]) = self;
        if values.len() < MUCH {
            return first.ask(values, ask);
        }
        let (one_half, other_half) = values.split_at(values.len() / 2);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| second.ask(other_half, &ask));
            let mut answers = first.ask(one_half, &ask)?;
            let other = other.join().unwrap_or_else(|_| Err(Error::internal("a look-up panicked")))?;
            answers.extend(other);
            Ok(answers)
        })
    }
}

/// A connection whose plans do not depend on how many values are asked for: judging a round's takes longer than finding
/// them.
pub(super) fn connect(pool: &Pool) -> Result<Conn> {
    let mut conn = pool.connect(Purpose::Long("look-ups of an import"))?;
    conn.batch("SET plan_cache_mode = force_generic_plan")?;
    Ok(conn)
}
