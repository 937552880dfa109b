//! Looking for the objects that a filter chooses.

use rusqlite::Connection;

use super::keys::KeyTable;
use super::loan::Loan;
use super::objects::{COLUMNS, read as read_object};
use super::{Sqlite, sql};
use crate::error::Result;
use crate::filter::Filter;
use crate::object::Visible;
use crate::repository::long_looks::LongLook;
use crate::repository::search::{Among, Lookups, Search, Step, WINDOW, window};
use crate::repository::{FoundPage, Hashes, KeyIndex, Mode, ObjectNumber, StoredType};

impl Sqlite {
    pub(in crate::repository) fn search(
        &self,
        stored: &StoredType,
        filter: &Filter,
        visible: Visible,
    ) -> Result<Search> {
        self.now()?.search(stored, filter, visible)
    }

    pub(in crate::repository) fn step(
        &self,
        stored: &StoredType,
        search: &Search,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<FoundPage> {
        self.now()?.step(stored, search, after, limit)
    }

    pub(in crate::repository) fn search_at_once(
        &self,
        stored: &StoredType,
        filter: &Filter,
        visible: Visible,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<(Search, FoundPage)> {
        let mut moment = self.now()?;
        let search = moment.search(stored, filter, visible)?;
        let first = moment.step(stored, &search, after, limit)?;
        Ok((search, first))
    }

    pub(in crate::repository) fn moment(&self) -> Result<Moment<'_>> {
        let look = self.long_look()?;
        let mut moment = self.now()?;
        moment.look = Some(look);
        Ok(moment)
    }

    /// A moment for what is over soon.
    fn now(&self) -> Result<Moment<'_>> {
        let conn = self.conn()?;
        sql::batch(&conn, "BEGIN")?;
        Ok(Moment { conn, hashes: self.hashes, look: None })
    }
}

/// A transaction that only reads. Its state is that of its first look.
pub(in crate::repository) struct Moment<'r> {
    conn: Loan<'r>,
    hashes: Hashes,
    /// Over behind the connection.
    look: Option<LongLook>,
}

impl Moment<'_> {
    pub(in crate::repository) fn search(
        &mut self,
        stored: &StoredType,
        filter: &Filter,
        visible: Visible,
    ) -> Result<Search> {
        let mut tables = Tables { conn: &self.conn, type_number: stored.number };
        Search::begin(stored, self.hashes, filter, visible, &mut tables)
    }

    pub(in crate::repository) fn step(
        &mut self,
        stored: &StoredType,
        search: &Search,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<FoundPage> {
        let step = Step::new(search, limit);
        match &search.among {
            Among::Through(last) => scan(&self.conn, stored, after, *last, step),
            Among::Candidates(candidates) => {
                let (window, last) = window(candidates, after);
                look_up(&self.conn, stored, window, last, step)
            }
        }
    }
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        // If it cannot be ended, the connection is not kept.
        let _ = sql::batch(&self.conn, "COMMIT");
    }
}

/// Looks at the next window of all objects.
fn scan(
    conn: &Connection,
    stored: &StoredType,
    after: ObjectNumber,
    last: ObjectNumber,
    mut step: Step<'_>,
) -> Result<FoundPage> {
    let through = last.min(after.saturating_add(WINDOW as ObjectNumber));
    let sql = format!("{} WHERE o.number > ?1 AND o.number <= ?2 ORDER BY o.number", select(stored));
    let mut statement = sql::prepare(conn, &sql)?;
    let mut rows = sql::query(&mut statement, [after, through])?;
    while let Some(row) = sql::next(&mut rows)? {
        let (number, object) = read_object(row)?;
        if step.take(number, object).is_break() {
            break;
        }
    }
    Ok(step.page(through, last))
}

/// Looks at a window of the objects that an index found.
fn look_up(
    conn: &Connection,
    stored: &StoredType,
    window: &[ObjectNumber],
    last: ObjectNumber,
    mut step: Step<'_>,
) -> Result<FoundPage> {
    let sql = format!("{} WHERE o.number = ?1", select(stored));
    for number in window {
        if let Some((_, object)) = sql::first(conn, &sql, [number], read_object)?
            && step.take(*number, object).is_break()
        {
            break;
        }
    }
    Ok(step.page(window.last().copied().unwrap_or(last), last))
}

/// What is looked up in.
struct Tables<'c> {
    conn: &'c Connection,
    type_number: i64,
}

impl Lookups for Tables<'_> {
    fn last(&mut self) -> Result<ObjectNumber> {
        let last = format!("SELECT coalesce(max(number), 0) FROM object_{}", self.type_number);
        Ok(sql::first(self.conn, &last, [], |row| sql::get(row, 0))?.unwrap_or(0))
    }

    fn alike(&mut self, index: &KeyIndex, upper: &[u64]) -> Result<Vec<ObjectNumber>> {
        let mut table = KeyTable::new(index, Mode::Write, 0);
        table.reset(self.conn)?;
        let mut found = Vec::new();
        for upper in upper {
            found.extend(table.alike(self.conn, *upper)?);
        }
        Ok(found)
    }

    fn chosen(&mut self, ids: &[String]) -> Result<Vec<ObjectNumber>> {
        let chosen = "SELECT object FROM chosen_id WHERE object_type = ?1 AND id LIKE ?2 ESCAPE '\\'";
        let mut found: Vec<ObjectNumber> = Vec::new();
        for id in ids {
            found.extend(sql::all(self.conn, chosen, (self.type_number, pattern(id)), |row| {
                sql::get::<ObjectNumber>(row, 0)
            })?);
        }
        Ok(found)
    }
}

/// A pattern that finds at least the texts that equal this one but for their case. SQLite knows the case of ASCII
/// letters only, and some of these have other letters for their equals.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            'i' | 'I' | 'k' | 'K' | 's' | 'S' => pattern.push('_'),
            '%' | '_' | '\\' => pattern.extend(['\\', c]),
            c if c.is_ascii() => pattern.push(c),
            _ => pattern.push('_'),
        }
    }
    pattern
}

fn select(stored: &StoredType) -> String {
    let number = stored.number;
    format!("SELECT {COLUMNS} FROM current_{number} AS o LEFT JOIN import AS i ON i.number = o.import")
}
