//! The heads of texts, in order; see [`Prefix`].
//!
//! SQLite keeps an index of an expression by itself, whoever writes: one over the objects as they were first written, and
//! one over those that were changed since. A candidate of the first may be outdated, so its head is compared with that of
//! the object as it is. The name of an index says which property it is of; the place of a property in documents is never
//! another one's.

use rusqlite::{Connection, Row, params};

use super::objects::{COLUMNS, read};
use super::{Sqlite, sql, transaction_to_read};
use crate::error::Result;
use crate::repository::prefix::{Behind, Candidate, HEAD};
use crate::repository::{Prefix, PrefixPage, PrefixPlace, StoredType};

/// The tables that documents lie in.
const TABLES: [&str; 2] = ["object", "change"];

impl Sqlite {
    pub(in crate::repository) fn has_prefix_index(&self, stored: &StoredType, prefix: &Prefix) -> Result<bool> {
        has_index(&*self.conn()?, stored, prefix)
    }

    pub(in crate::repository) fn make_prefix_index(&self, stored: &StoredType, prefix: &Prefix) -> Result<()> {
        self.write_patiently(|conn| {
            for table in TABLES {
                let (name, head) = (index(table, stored, prefix), head(prefix));
                let table = format!("{table}_{}", stored.number);
                sql::batch(conn, &format!("CREATE INDEX IF NOT EXISTS {name} ON {table} ({head})"))?;
            }
            Ok(())
        })
    }

    pub(in crate::repository) fn step_by_prefix(
        &self,
        stored: &StoredType,
        prefix: &Prefix,
        after: Option<&PrefixPlace>,
        limit: usize,
        enough: usize,
    ) -> Result<PrefixPage> {
        let mut conn = self.conn()?;
        transaction_to_read(&mut conn, |conn| {
            prefix.step(after, limit, enough, |behind, count| {
                let mut places = places(conn, stored, prefix, behind, count)?;
                places.truncate(count);
                places.into_iter().map(|place| candidate(conn, stored, prefix, place)).collect()
            })
        })
    }
}

fn has_index(conn: &Connection, stored: &StoredType, prefix: &Prefix) -> Result<bool> {
    let known = "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1";
    let [first, second] = TABLES.map(|table| sql::first(conn, known, [index(table, stored, prefix)], |_| Ok(())));
    Ok(first?.is_some() && second?.is_some())
}

fn index(table: &str, stored: &StoredType, prefix: &Prefix) -> String {
    format!("prefix_{table}_{}_{}", stored.number, prefix.position)
}

/// The head of a document's text. A text with a NUL ends there for SQLite.
fn head(prefix: &Prefix) -> String {
    format!("lower(substr(document ->> '$[{}]', 1, {HEAD}))", prefix.position)
}

/// Where objects with heads behind a place are, or were: in order, each once.
fn places(
    conn: &Connection,
    stored: &StoredType,
    prefix: &Prefix,
    behind: &Behind<'_>,
    count: usize,
) -> Result<Vec<PrefixPlace>> {
    let head = head(prefix);
    let count = count as i64;
    let mut places = Vec::new();
    for table in TABLES {
        let (table, index) = (format!("{table}_{}", stored.number), index(table, stored, prefix));
        // Two statements, because SQLite does not look for a pair in an index over an expression.
        let same = format!(
            "SELECT {head}, number FROM {table} INDEXED BY {index} WHERE {head} = ?1 AND number > ?2 ORDER BY number LIMIT ?3"
        );
        let further = format!(
            "SELECT {head}, number FROM {table} INDEXED BY {index} WHERE {head} > ?1 AND {head} < ?2 \
             ORDER BY {head}, number LIMIT ?3"
        );
        places.extend(sql::all(conn, &same, params![behind.head, behind.number, count], place)?);
        places.extend(sql::all(conn, &further, params![behind.head, behind.end, count], place)?);
    }
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

fn place(row: &Row<'_>) -> Result<PrefixPlace> {
    Ok(PrefixPlace { head: sql::get(row, 0)?, number: sql::get(row, 1)? })
}

fn candidate(conn: &Connection, stored: &StoredType, prefix: &Prefix, place: PrefixPlace) -> Result<Candidate> {
    let sql = format!(
        "SELECT {COLUMNS} FROM current_{} AS o LEFT JOIN import AS i ON i.number = o.import \
         WHERE o.number = ?1 AND {} = ?2",
        stored.number,
        head(prefix)
    );
    let object = sql::first(conn, &sql, params![place.number, place.head], read)?;
    Ok(Candidate { place, object: object.map(|(_, object)| object) })
}
