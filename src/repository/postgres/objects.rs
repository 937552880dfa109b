//! Reading objects one by one and page by page.

use std::ops::ControlFlow;

use postgres::Row;
use uuid::Uuid;

use super::conn::{Conn, Purpose};
use super::{Postgres, sql, streams};
use crate::error::Result;
use crate::object::Object;
use crate::repository::{LastWriter, ObjectNumber, ObjectPage, StoredType, ids};

/// The objects of type `$1`, as [`read`] reads them.
pub(super) const SELECT: &str = "SELECT o.number, o.id, o.chosen_id, o.revision, i.id, o.document \
                                 FROM object AS o LEFT JOIN import AS i ON i.number = o.import WHERE o.object_type = $1";

impl Postgres {
    pub(in crate::repository) fn object(&self, stored: &StoredType, id: &str) -> Result<Option<Object>> {
        Ok(self.read(|conn| find(conn, stored, id))?.map(|(_, object)| object))
    }

    pub(in crate::repository) fn objects(
        &self,
        stored: &StoredType,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<ObjectPage> {
        let sql = format!("{SELECT} AND o.number > $2 ORDER BY o.number LIMIT $3");
        // One more than asked for tells whether there is a next page.
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1;
        let mut found = self.read(|conn| conn.all(&sql, &[&stored.number, &after, &wanted], read))?;
        let next = (found.len() > limit).then(|| {
            found.truncate(limit);
            found.last().map_or(after, |(number, _)| *number)
        });
        Ok(ObjectPage { objects: found.into_iter().map(|(_, object)| object).collect(), next })
    }

    pub(in crate::repository) fn object_count(&self, stored: &StoredType) -> Result<u64> {
        let count = "SELECT count(*) FROM object WHERE object_type = $1";
        let count = self.read(|conn| conn.first(count, &[&stored.number], |row| sql::get::<i64>(row, 0)))?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    pub(in crate::repository) fn object_count_to(&self, stored: &StoredType, most: u32) -> Result<u64> {
        let count = "SELECT count(*) FROM (SELECT 1 FROM object WHERE object_type = $1 LIMIT $2) AS counted";
        let most = i64::from(most);
        let count = self.read(|conn| conn.first(count, &[&stored.number, &most], |row| sql::get::<i64>(row, 0)))?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    pub(in crate::repository) fn last_writer(&self, stored: &StoredType, id: &str) -> Result<Option<LastWriter>> {
        let import = "SELECT import FROM object WHERE object_type = $1 AND number = $2";
        self.read(|conn| {
            let Some((number, object)) = find(conn, stored, id)? else { return Ok(None) };
            if let Some(id) = object.import {
                return Ok(Some(LastWriter::Import(id)));
            }
            let import = conn.first(import, &[&stored.number, &number], |row| sql::get::<i64>(row, 0))?;
            Ok(import.map(|import| if import == 0 { LastWriter::Somebody } else { LastWriter::ForgottenImport }))
        })
    }

    pub(in crate::repository) fn each_object(
        &self,
        stored: &StoredType,
        mut each: impl FnMut(Object) -> Result<()>,
    ) -> Result<()> {
        let sql = format!("{SELECT} ORDER BY o.number");
        let _look = self.long_looks.begin(|| false)?;
        // A connection of its own, because what breaks off leaves a long answer behind.
        let mut conn = self.pool.connect(Purpose::Long("export"))?;
        streams::each_row(&mut conn, &sql, &[&stored.number], |row| {
            each(read(row)?.1)?;
            Ok(ControlFlow::Continue(()))
        })
    }
}

/// The object of this id, and where it lies. An id of ours names the place, and is the same in either case; those that
/// clients chose are looked up to the letter.
pub(super) fn find(conn: &mut Conn, stored: &StoredType, id: &str) -> Result<Option<(ObjectNumber, Object)>> {
    let sql = format!("{SELECT} AND o.number = $2");
    if let Some((number, ours)) = ids::named(id)
        && let Some(found) = conn.first(&sql, &[&stored.number, &number], read)?
        && found.1.id == ours
    {
        return Ok(Some(found));
    }
    if id.contains('\0') {
        return Ok(None);
    }
    let chosen = "SELECT object FROM chosen_id WHERE object_type = $1 AND id = $2";
    let chosen = conn.first(chosen, &[&stored.number, &id], |row| sql::get::<ObjectNumber>(row, 0))?;
    chosen.map_or(Ok(None), |number| conn.first(&sql, &[&stored.number, &number], read))
}

/// An object, and where it lies.
pub(super) fn read(row: &Row) -> Result<(ObjectNumber, Object)> {
    let (ours, chosen): (Uuid, Option<String>) = (sql::get(row, 1)?, sql::get(row, 2)?);
    let import: Option<Uuid> = sql::get(row, 4)?;
    let object = Object {
        id: chosen.unwrap_or_else(|| ours.to_string()),
        revision: sql::get::<i64>(row, 3)?.unsigned_abs(),
        import: import.map(|id| id.to_string()),
        document: sql::get(row, 5)?,
    };
    Ok((sql::get(row, 0)?, object))
}
