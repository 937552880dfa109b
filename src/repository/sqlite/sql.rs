//! Calls into the driver, with its errors turned into ours: a locked database is somebody else's turn
//! ([`Kind::Busy`](crate::error::Kind::Busy)), everything else is the machine's fault and names the statement.

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Connection, Params, Row, Rows, Statement};

use super::locks::busy;
use crate::error::{Error, Result};
pub(super) use crate::repository::stored::{from_json, to_json};

pub(super) fn failed(doing: &str, error: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, DiskFull};
    match error.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => busy(),
        Some(DiskFull) => Error::no_room("the disk of the data directory is full", error),
        _ => Error::storage(format_args!("the repository failed at '{}'", doing.trim()), error),
    }
}

pub(super) fn prepare<'conn>(conn: &'conn Connection, sql: &str) -> Result<CachedStatement<'conn>> {
    conn.prepare_cached(sql).map_err(|error| failed(sql, error))
}

pub(super) fn query<'stmt>(statement: &'stmt mut Statement<'_>, params: impl Params) -> Result<Rows<'stmt>> {
    statement.query(params).map_err(|error| failed("a query", error))
}

pub(super) fn next<'stmt>(rows: &'stmt mut Rows<'_>) -> Result<Option<&'stmt Row<'stmt>>> {
    rows.next().map_err(|error| failed("reading a query's answer", error))
}

pub(super) fn get<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T> {
    row.get(column).map_err(|error| failed("reading a stored value", error))
}

/// Runs a statement and says how many rows it changed.
pub(super) fn execute(statement: &mut Statement<'_>, params: impl Params) -> Result<usize> {
    statement.execute(params).map_err(|error| failed("a change", error))
}

/// Prepares and runs a statement once.
pub(super) fn run(conn: &Connection, sql: &str, params: impl Params) -> Result<usize> {
    conn.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).map_err(|error| failed(sql, error))
}

/// The first row of an answer, as `read` sees it.
pub(super) fn first<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    let mut statement = prepare(conn, sql)?;
    let mut rows = query(&mut statement, params)?;
    next(&mut rows)?.map(read).transpose()
}

/// All rows of an answer, as `read` sees them.
pub(super) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = prepare(conn, sql)?;
    let mut rows = query(&mut statement, params)?;
    let mut answers = Vec::new();
    while let Some(row) = next(&mut rows)? {
        answers.push(read(row)?);
    }
    Ok(answers)
}

pub(super) fn batch(conn: &Connection, sql: &str) -> Result<()> {
    conn.execute_batch(sql).map_err(|error| failed(sql, error))
}
