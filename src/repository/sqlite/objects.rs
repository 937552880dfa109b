//! Reading objects one by one and page by page.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::{Sqlite, sql, transaction_to_read};
use crate::error::{Error, Result};
use crate::object::Object;
use crate::repository::{LastWriter, ObjectNumber, ObjectPage, StoredType, ids};

pub(super) const COLUMNS: &str = "o.number, o.id, o.revision, i.id, o.document";

impl Sqlite {
    pub(in crate::repository) fn object(&self, stored: &StoredType, id: &str) -> Result<Option<Object>> {
        Ok(find(&*self.conn()?, stored, id)?.map(|(_, object)| object))
    }

    pub(in crate::repository) fn objects(
        &self,
        stored: &StoredType,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<ObjectPage> {
        page(&*self.conn()?, stored, after, limit)
    }

    pub(in crate::repository) fn object_count(&self, stored: &StoredType) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM object_{}", stored.number);
        let count = sql::first(&*self.conn()?, &sql, [], |row| sql::get::<i64>(row, 0))?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    pub(in crate::repository) fn object_count_to(&self, stored: &StoredType, most: u32) -> Result<u64> {
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM object_{} LIMIT ?1)", stored.number);
        let count = sql::first(&*self.conn()?, &sql, [most], |row| sql::get::<i64>(row, 0))?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    pub(in crate::repository) fn last_writer(&self, stored: &StoredType, id: &str) -> Result<Option<LastWriter>> {
        let mut conn = self.conn()?;
        let sql = format!("SELECT coalesce(import, 0) FROM current_{} WHERE number = ?1", stored.number);
        transaction_to_read(&mut conn, |conn| {
            let Some((number, object)) = find(conn, stored, id)? else { return Ok(None) };
            let import = sql::first(conn, &sql, [number], |row| sql::get::<i64>(row, 0))?;
            Ok(Some(match (object.import, import) {
                (Some(id), _) => LastWriter::Import(id),
                (None, None | Some(0)) => LastWriter::Somebody,
                (None, Some(_)) => LastWriter::ForgottenImport,
            }))
        })
    }

    pub(in crate::repository) fn each_object(
        &self,
        stored: &StoredType,
        mut each: impl FnMut(Object) -> Result<()>,
    ) -> Result<()> {
        let _look = self.long_look()?;
        let conn = self.conn()?;
        let sql = format!(
            "SELECT {COLUMNS} FROM current_{} AS o LEFT JOIN import AS i ON i.number = o.import ORDER BY o.number",
            stored.number
        );
        let mut statement = sql::prepare(&conn, &sql)?;
        let mut rows = sql::query(&mut statement, [])?;
        while let Some(row) = sql::next(&mut rows)? {
            each(read(row)?.1)?;
        }
        Ok(())
    }
}

/// The object of this id, and where it lies. An id of ours names the place, and is the same in either case; those that
/// clients chose are looked up to the letter.
pub(super) fn find(conn: &Connection, stored: &StoredType, id: &str) -> Result<Option<(ObjectNumber, Object)>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM current_{} AS o LEFT JOIN import AS i ON i.number = o.import WHERE o.number = ?1",
        stored.number
    );
    let at = |number: ObjectNumber| sql::first(conn, &sql, [number], read);
    let named = match ids::named(id) {
        Some((number, ours)) => at(number)?.filter(|(_, object)| object.id == ours),
        None => None,
    };
    if named.is_some() {
        return Ok(named);
    }
    let chosen = "SELECT object FROM chosen_id WHERE object_type = ?1 AND id = ?2";
    let chosen = sql::first(conn, chosen, (stored.number, id), |row| sql::get(row, 0))?;
    chosen.map_or(Ok(None), at)
}

fn page(conn: &Connection, stored: &StoredType, after: ObjectNumber, limit: usize) -> Result<ObjectPage> {
    let sql = format!(
        "SELECT {COLUMNS} FROM current_{} AS o LEFT JOIN import AS i ON i.number = o.import \
         WHERE o.number > ?1 ORDER BY o.number LIMIT ?2",
        stored.number
    );
    // One more than asked for tells whether there is a next page.
    let wanted = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
    let mut found = sql::all(conn, &sql, [after, wanted], read)?;
    let next = (found.len() > limit).then(|| {
        found.truncate(limit);
        found.last().map_or(after, |(number, _)| *number)
    });
    Ok(ObjectPage { objects: found.into_iter().map(|(_, object)| object).collect(), next })
}

/// The id of the object of this number, if there is one.
pub(super) fn id_at(conn: &Connection, object_type: i64, number: ObjectNumber) -> Result<Option<String>> {
    let sql = format!("SELECT id FROM current_{object_type} WHERE number = ?1");
    sql::first(conn, &sql, [number], |row| read_id(row, 0))
}

fn read_id(row: &Row<'_>, column: usize) -> Result<String> {
    const UNREADABLE: &str = "the id of an object could not be read";
    match row.get_ref(column).map_err(|error| sql::failed("reading the id of an object", error))? {
        ValueRef::Blob(bytes) => {
            Ok(Uuid::from_slice(bytes).map_err(|error| Error::storage(UNREADABLE, error))?.to_string())
        }
        other => Ok(other.as_str().map_err(|error| Error::storage(UNREADABLE, error))?.to_owned()),
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<(ObjectNumber, Object)> {
    let id = read_id(row, 1)?;
    let revision: i64 = sql::get(row, 2)?;
    let object =
        Object { id, revision: revision.unsigned_abs(), import: sql::get(row, 3)?, document: sql::get(row, 4)? };
    Ok((sql::get(row, 0)?, object))
}
