//! Reading more than memory holds, and reading as of one moment.

use std::ops::ControlFlow;

use postgres::fallible_iterator::FallibleIterator;
use postgres::{Row, RowIter};

use super::conn::{Conn, Params};
use crate::error::Result;

/// Hands the rows of an answer over as they come in. What breaks off leaves rows behind, which the next statement of the
/// connection has to wait for.
pub(super) fn each_row(
    conn: &mut Conn,
    sql: &str,
    params: Params<'_>,
    mut each: impl FnMut(&Row) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let statement = conn.prepare(sql)?;
    let asked = conn.client().query_raw(&statement, params.iter().copied());
    let done = asked.and_then(|rows| hand_over(rows, &mut each));
    conn.told(sql, done)?
}

/// What the driver said, and then what whoever looks at the rows said.
fn hand_over(
    mut rows: RowIter<'_>,
    each: &mut impl FnMut(&Row) -> Result<ControlFlow<()>>,
) -> Result<Result<()>, postgres::Error> {
    while let Some(row) = rows.next()? {
        match each(&row) {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) => break,
            Err(error) => return Ok(Err(error)),
        }
    }
    Ok(Ok(()))
}

/// Begins a transaction that only reads, and sees one state of the database.
pub(super) const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Runs `work`, which only reads, on one state of the database.
pub(super) fn snapshot<T>(conn: &mut Conn, work: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    conn.batch(SNAPSHOT)?;
    let done = work(conn);
    let ended = conn.batch("COMMIT");
    let done = done?;
    ended?;
    Ok(done)
}
