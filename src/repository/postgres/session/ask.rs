//! The questions of a session.

use postgres::Row;

use super::super::conn::Conn;
use super::super::sql;

use crate::error::Result;
use crate::repository::ObjectNumber;

/// Numbers that lie in a span at most so many times as long are read with all others of the span: that is how objects
/// lie in the order of their creation, so that it costs less than to look for each.
const SPREAD: i64 = 4;

/// The fingerprint of an object, and its revision then.
pub(super) type Fingerprint = (u64, u64);

/// The hash of a key, as it is stored, and an object that has the key.
pub(super) type Pair = (i64, ObjectNumber);

/// The pairs with these hashes. Answers come as arrays, because rows are dear.
pub(super) fn pairs(conn: &mut Conn, index: i64, hashes: &[i64]) -> Result<Vec<Pair>> {
    let sql = "SELECT array_agg(hash), array_agg(object) FROM key_pair WHERE key_index = $1 AND hash = ANY($2)";
    type Arrays = (Option<Vec<i64>>, Option<Vec<ObjectNumber>>);
    let read = |row: &Row| Ok((sql::get(row, 0)?, sql::get(row, 1)?));
    let answer: Option<Arrays> = conn.first(sql, &[&index, &hashes], read)?;
    let (Some(hashes), Some(objects)) = answer.unwrap_or_default() else { return Ok(Vec::new()) };
    Ok(hashes.into_iter().zip(objects).collect())
}

/// The fingerprints of these objects, which are in order, and perhaps of more.
pub(super) fn fingerprints(
    conn: &mut Conn,
    object_type: i64,
    numbers: &[ObjectNumber],
) -> Result<Vec<(ObjectNumber, Fingerprint)>> {
    let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else { return Ok(Vec::new()) };
    const SELECT: &str = "SELECT array_agg(number), array_agg(fingerprint), array_agg(revision) FROM object WHERE ";
    type Arrays = (Option<Vec<ObjectNumber>>, Option<Vec<i64>>, Option<Vec<i64>>);
    let read = |row: &Row| Ok((sql::get(row, 0)?, sql::get(row, 1)?, sql::get(row, 2)?));
    let answer: Option<Arrays> = if last - first < numbers.len() as i64 * SPREAD {
        let sql = format!("{SELECT} object_type = $1 AND number BETWEEN $2 AND $3");
        conn.first(&sql, &[&object_type, &first, &last], read)?
    } else {
        let sql = format!("{SELECT} object_type = $1 AND number = ANY($2)");
        conn.first(&sql, &[&object_type, &numbers], read)?
    };
    let (Some(numbers), Some(fingerprints), Some(revisions)) = answer.unwrap_or_default() else {
        return Ok(Vec::new());
    };
    let seen = fingerprints.into_iter().zip(revisions);
    let seen = seen.map(|(fingerprint, revision)| (fingerprint.cast_unsigned(), revision.cast_unsigned()));
    Ok(numbers.into_iter().zip(seen).collect())
}

/// These objects, each as `read` keeps it.
pub(super) fn objects<T>(
    conn: &mut Conn,
    object_type: i64,
    numbers: &[ObjectNumber],
    mut read: impl FnMut(ObjectNumber, u64, &str) -> T,
) -> Result<Vec<T>> {
    let sql = "SELECT number, revision, document FROM object WHERE object_type = $1 AND number = ANY($2)";
    conn.all(sql, &[&object_type, &numbers], |row| {
        let document: &str = row.try_get(2).map_err(|error| sql::failed("reading a document", error))?;
        Ok(read(sql::get(row, 0)?, sql::get::<i64>(row, 1)?.cast_unsigned(), document))
    })
}

/// The ids of these objects.
pub(super) fn ids(conn: &mut Conn, object_type: i64, numbers: &[ObjectNumber]) -> Result<Vec<(ObjectNumber, String)>> {
    let sql = "SELECT number, coalesce(chosen_id, CAST(id AS text)) FROM object \
               WHERE object_type = $1 AND number = ANY($2)";
    conn.all(sql, &[&object_type, &numbers], |row| Ok((sql::get(row, 0)?, sql::get(row, 1)?)))
}
