//! Looking for the objects that a filter chooses.

use std::ops::ControlFlow;

use super::conn::{Conn, Purpose};
use super::objects::{SELECT, read as read_object};
use super::transaction::Patience;
use super::{Postgres, sql, streams};
use crate::error::Result;
use crate::filter::{Filter, fold};
use crate::object::Visible;
use crate::repository::long_looks::LongLook;
use crate::repository::search::{Among, Lookups, Search, Step, WINDOW, window};
use crate::repository::{ALIKE, FoundPage, Hashes, KeyIndex, ObjectNumber, StoredType};

/// Objects that are asked for first: where most objects match, a step needs no more than it may find.
const FEWEST: usize = 100;

impl Postgres {
    pub(in crate::repository) fn search(
        &self,
        stored: &StoredType,
        filter: &Filter,
        visible: Visible,
    ) -> Result<Search> {
        self.read(|conn| streams::snapshot(conn, |conn| begin(conn, self.hashes, stored, filter, visible)))
    }

    pub(in crate::repository) fn step(
        &self,
        stored: &StoredType,
        search: &Search,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<FoundPage> {
        self.read(|conn| step(conn, stored, search, after, limit))
    }

    pub(in crate::repository) fn search_at_once(
        &self,
        stored: &StoredType,
        filter: &Filter,
        visible: Visible,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<(Search, FoundPage)> {
        self.read(|conn| {
            streams::snapshot(conn, |conn| {
                let search = begin(conn, self.hashes, stored, filter, visible)?;
                let first = step(conn, stored, &search, after, limit)?;
                Ok((search, first))
            })
        })
    }

    pub(in crate::repository) fn moment(&self) -> Result<Moment> {
        let look = self.long_looks.begin(|| false)?;
        let mut patience = Patience::new();
        loop {
            match self.snapshot() {
                Ok(conn) => return Ok(Moment { conn, hashes: self.hashes, _look: look }),
                Err(error) => patience.pause(error)?,
            }
        }
    }

    fn snapshot(&self) -> Result<Conn> {
        let mut conn = self.pool.connect(Purpose::Long("search"))?;
        conn.batch(streams::SNAPSHOT)?;
        // Whoever is shown what is found may take his time.
        conn.batch("SET LOCAL idle_in_transaction_session_timeout = 0")?;
        Ok(conn)
    }
}

/// A transaction that only reads, on a connection of its own.
pub(in crate::repository) struct Moment {
    conn: Conn,
    hashes: Hashes,
    _look: LongLook,
}

impl Moment {
    pub(in crate::repository) fn search(
        &mut self,
        stored: &StoredType,
        filter: &Filter,
        visible: Visible,
    ) -> Result<Search> {
        begin(&mut self.conn, self.hashes, stored, filter, visible)
    }

    pub(in crate::repository) fn step(
        &mut self,
        stored: &StoredType,
        search: &Search,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<FoundPage> {
        step(&mut self.conn, stored, search, after, limit)
    }
}

fn begin(conn: &mut Conn, hashes: Hashes, stored: &StoredType, filter: &Filter, visible: Visible) -> Result<Search> {
    Search::begin(stored, hashes, filter, visible, &mut Tables { conn, type_number: stored.number })
}

fn step(conn: &mut Conn, stored: &StoredType, search: &Search, after: ObjectNumber, limit: usize) -> Result<FoundPage> {
    let step = Step::new(search, limit);
    match &search.among {
        Among::Through(last) => scan(conn, stored, after, *last, limit, step),
        Among::Candidates(candidates) => {
            let (window, last) = window(candidates, after);
            look_up(conn, stored, window, last, limit, step)
        }
    }
}

/// Looks at the next window of all objects, wherever it ends: there may be gaps between their numbers.
fn scan(
    conn: &mut Conn,
    stored: &StoredType,
    after: ObjectNumber,
    last: ObjectNumber,
    limit: usize,
    mut step: Step<'_>,
) -> Result<FoundPage> {
    let sql = format!("{SELECT} AND o.number > $2 AND o.number <= $3 ORDER BY o.number LIMIT $4");
    let mut through = after;
    for count in portions(limit) {
        let (behind, mut read, mut flow) = (through, 0, ControlFlow::Continue(()));
        streams::each_row(conn, &sql, &[&stored.number, &behind, &last, &(count as i64)], |row| {
            let (number, object) = read_object(row)?;
            (read, through) = (read + 1, number);
            flow = step.take(number, object);
            Ok(flow)
        })?;
        if flow.is_break() {
            break;
        }
        if read < count {
            through = last;
            break;
        }
    }
    Ok(step.page(through, last))
}

/// Looks at a window of the objects that an index found.
fn look_up(
    conn: &mut Conn,
    stored: &StoredType,
    window: &[ObjectNumber],
    last: ObjectNumber,
    limit: usize,
    mut step: Step<'_>,
) -> Result<FoundPage> {
    let sql = format!("{SELECT} AND o.number = ANY($2) ORDER BY o.number");
    let mut rest = window;
    for count in portions(limit) {
        let (portion, behind) = rest.split_at(count.min(rest.len()));
        rest = behind;
        let mut flow = ControlFlow::Continue(());
        streams::each_row(conn, &sql, &[&stored.number, &portion], |row| {
            let (number, object) = read_object(row)?;
            flow = step.take(number, object);
            Ok(flow)
        })?;
        if flow.is_break() || rest.is_empty() {
            break;
        }
    }
    Ok(step.page(window.last().copied().unwrap_or(last), last))
}

/// How many objects are asked for at a time, until a window is full.
fn portions(limit: usize) -> impl Iterator<Item = usize> {
    let mut asked = 0;
    std::iter::from_fn(move || {
        let count = if asked == 0 { limit.max(FEWEST) } else { 3 * asked };
        let count = count.min(WINDOW - asked);
        asked += count;
        (count > 0).then_some(count)
    })
}

/// What is looked up in.
struct Tables<'c> {
    conn: &'c mut Conn,
    type_number: i64,
}

impl Lookups for Tables<'_> {
    fn last(&mut self) -> Result<ObjectNumber> {
        let last = "SELECT number FROM object WHERE object_type = $1 ORDER BY number DESC LIMIT 1";
        Ok(self.conn.first(last, &[&self.type_number], |row| sql::get(row, 0))?.unwrap_or(0))
    }

    fn alike(&mut self, index: &KeyIndex, upper: &[u64]) -> Result<Vec<ObjectNumber>> {
        // The upper half has the sign, so these are next to each other as signed numbers too.
        let first: Vec<i64> = upper.iter().map(|upper| upper.cast_signed()).collect();
        let last: Vec<i64> = upper.iter().map(|upper| (upper | !ALIKE).cast_signed()).collect();
        let alike = "SELECT p.object FROM unnest($2::bigint[], $3::bigint[]) AS alike (first, last) \
                     JOIN key_pair AS p ON p.key_index = $1 AND p.hash BETWEEN alike.first AND alike.last";
        self.conn.all(alike, &[&index.number, &first, &last], |row| sql::get(row, 0))
    }

    fn chosen(&mut self, ids: &[String]) -> Result<Vec<ObjectNumber>> {
        // No id has a NUL, and nothing that has one can be asked for.
        let folded: Vec<String> = ids.iter().filter(|id| !id.contains('\0')).map(|id| fold(id)).collect();
        let chosen = "SELECT object FROM chosen_id WHERE object_type = $1 AND folded = ANY($2)";
        self.conn.all(chosen, &[&self.type_number, &folded], |row| sql::get(row, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::portions;

    #[test]
    fn a_window_is_asked_for_in_portions() {
        assert_eq!(portions(20).collect::<Vec<_>>(), [100, 300, 1200, 4800, 3600]);
        assert_eq!(portions(9000).collect::<Vec<_>>(), [9000, 1000]);
        assert_eq!(portions(50_000).collect::<Vec<_>>(), [10_000]);
    }
}
