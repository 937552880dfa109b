//! The questions of a session.

use super::super::conn::Conn;
use super::super::sql;
use super::known::{Fetched, Holders};
use crate::error::Result;
use crate::repository::ObjectNumber;

/// Numbers that lie in a span at most so many times as long are read with all others of the span: that is how objects
/// lie in the order of their creation, so that it costs less than to look for each.
const SPREAD: i64 = 4;

/// The fingerprint of an object, and its revision then.
pub(super) type Fingerprint = (u64, u64);

/// Who has a key of these hashes. Answers come as arrays, because rows are dear.
pub(super) fn holders(conn: &mut Conn, index: i64, hashes: &[i64], found: &mut Holders) -> Result<()> {
    let sql = "SELECT array_agg(hash), array_agg(object) FROM key_pair WHERE key_index = $1 AND hash = ANY($2)";
    let pairs = conn.first(sql, &[&index, &hashes], |row| Ok((sql::get(row, 0)?, sql::get(row, 1)?)))?;
    found.note_asked(hashes);
    if let Some((Some(hashes), Some(objects))) = pairs {
        let (hashes, objects): (Vec<i64>, Vec<ObjectNumber>) = (hashes, objects);
        hashes.into_iter().zip(objects).for_each(|(hash, object)| found.add(hash.cast_unsigned(), object));
    }
    Ok(())
}

/// The fingerprints of these objects, which are in order, and perhaps of more.
pub(super) fn fingerprints(
    conn: &mut Conn,
    object_type: i64,
    numbers: &[ObjectNumber],
    mut found: impl FnMut(ObjectNumber, Fingerprint),
) -> Result<()> {
    let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else { return Ok(()) };
    const SELECT: &str = "SELECT array_agg(number), array_agg(fingerprint), array_agg(revision) FROM object WHERE ";
    type Arrays = (Option<Vec<i64>>, Option<Vec<i64>>, Option<Vec<i64>>);
    let read = |row: &postgres::Row| Ok((sql::get(row, 0)?, sql::get(row, 1)?, sql::get(row, 2)?));
    let answer: Option<Arrays> = if last - first < numbers.len() as i64 * SPREAD {
        let sql = format!("{SELECT} object_type = $1 AND number BETWEEN $2 AND $3");
        conn.first(&sql, &[&object_type, &first, &last], read)?
    } else {
        let sql = format!("{SELECT} object_type = $1 AND number = ANY($2)");
        conn.first(&sql, &[&object_type, &numbers], read)?
    };
    if let Some((Some(numbers), Some(fingerprints), Some(revisions))) = answer {
        for ((number, fingerprint), revision) in numbers.into_iter().zip(fingerprints).zip(revisions) {
            found(number, (fingerprint.cast_unsigned(), revision.cast_unsigned()));
        }
    }
    Ok(())
}

/// These objects.
pub(super) fn objects(conn: &mut Conn, object_type: i64, numbers: &[ObjectNumber], found: &mut Fetched) -> Result<()> {
    let sql = "SELECT number, revision, document FROM object WHERE object_type = $1 AND number = ANY($2)";
    for row in conn.query(sql, &[&object_type, &numbers])? {
        let document: &str = row.try_get(2).map_err(|error| sql::failed("reading a document", error))?;
        found.keep(sql::get(&row, 0)?, sql::get::<i64>(&row, 1)?.cast_unsigned(), document);
    }
    Ok(())
}
