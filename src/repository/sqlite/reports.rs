//! What an import tells besides its counts: its failures in groups, some of its changes, how fast it was; and the latest
//! imports of a kind.

use rusqlite::{Connection, params};

use super::imports::{self, number};
use super::sql::{from_json, to_json};
use super::{Sqlite, sql};
use crate::error::Result;
use crate::failure::Failure;
use crate::import::{Import, ImportId};
use crate::report::{FailureFilter, FailureGroup, FailuresPage, ImportFilter, ImportsPage, Milestone, Sample};
use crate::repository::grouping::{self, Groups};
use crate::repository::latest::{self, ENOUGH, Question};

/// Failures that are put into groups together when a repository comes from a form without groups.
const BATCH: i64 = 4096;

impl Sqlite {
    pub(in crate::repository) fn imports_before(
        &self,
        filter: &ImportFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<ImportsPage> {
        latest::imports_before(&mut Latest(&*self.conn()?), filter, before, limit)
    }

    pub(in crate::repository) fn failure_groups(&self, id: ImportId) -> Result<Vec<FailureGroup>> {
        let conn = self.conn()?;
        groups(&conn, number(&conn, id)?)
    }

    pub(in crate::repository) fn failures_of(
        &self,
        id: ImportId,
        filter: &FailureFilter,
        after: u64,
        limit: usize,
    ) -> Result<FailuresPage> {
        let conn = self.conn()?;
        let import = number(&conn, id)?;
        grouping::failures_of(&mut Failures { conn: &conn, import }, filter, after, limit)
    }

    pub(in crate::repository) fn samples(&self, id: ImportId) -> Result<Vec<Sample>> {
        let conn = self.conn()?;
        let sql = "SELECT samples FROM import_samples WHERE import = ?1";
        let stored = sql::first(&conn, sql, [number(&conn, id)?], |row| sql::get::<String>(row, 0))?;
        stored.map_or_else(|| Ok(Vec::new()), |stored| from_json(&stored))
    }

    pub(in crate::repository) fn milestones(&self, id: ImportId) -> Result<Vec<Milestone>> {
        let conn = self.conn()?;
        let sql = "SELECT milestones FROM import WHERE number = ?1";
        let stored = sql::first(&conn, sql, [number(&conn, id)?], |row| sql::get::<String>(row, 0))?;
        stored.map_or_else(|| Ok(Vec::new()), |stored| from_json(&stored))
    }
}

/// Puts the failures of a flush into their groups.
pub(super) fn store_groups(conn: &Connection, import: i64, groups: &Groups) -> Result<()> {
    for group in groups.iter() {
        let packed = group.packed();
        let (requirement, property) = (&group.requirement, &group.property);
        let count = "INSERT INTO failure_group (import, requirement, property, column_name, failures, first_row, example) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (import, requirement, property) \
                     DO UPDATE SET failures = failures + excluded.failures";
        let values = params![import, requirement, property, group.column, packed.count, packed.first, group.example];
        sql::run(conn, count, values)?;
        let keep = "INSERT INTO failure_rows (import, requirement, property, last_row, packed) \
                    VALUES (?1, ?2, ?3, ?4, ?5)";
        sql::run(conn, keep, params![import, requirement, property, packed.last, packed.bytes])?;
    }
    Ok(())
}

/// Stores some of the changes of a dry run.
pub(super) fn store_samples(conn: &Connection, import: i64, samples: &[Sample]) -> Result<()> {
    if samples.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO import_samples (import, samples) VALUES (?1, ?2) \
               ON CONFLICT (import) DO UPDATE SET samples = excluded.samples";
    sql::run(conn, sql, params![import, to_json(samples)?]).map(drop)
}

/// Removes the failures of an import, and their groups.
pub(super) fn delete_failures(conn: &Connection, import: i64) -> Result<()> {
    for delete in [
        "DELETE FROM failure WHERE import = ?1",
        "DELETE FROM failure_rows WHERE import = ?1",
        "DELETE FROM failure_group WHERE import = ?1",
    ] {
        sql::run(conn, delete, [import])?;
    }
    Ok(())
}

/// Removes all that an import has reported.
pub(super) fn delete_report(conn: &Connection, import: i64) -> Result<()> {
    delete_failures(conn, import)?;
    sql::run(conn, "DELETE FROM import_samples WHERE import = ?1", [import]).map(drop)
}

/// Puts the failures of all imports into groups.
pub(super) fn group_all(conn: &Connection) -> Result<()> {
    let next = "SELECT import, row, cells, problem FROM failure WHERE (import, row) > (?1, ?2) \
                ORDER BY import, row LIMIT ?3";
    let (mut import, mut row) = (0_i64, 0_i64);
    loop {
        let found = sql::all(conn, next, [import, row, BATCH], |found| {
            Ok((sql::get::<i64>(found, 0)?, imports::read_failure_at(found, 1)?))
        })?;
        let Some((last, failure)) = found.last() else { return Ok(()) };
        (import, row) = (*last, failure.row.cast_signed());
        for of_one in found.chunk_by(|(one, _), (other, _)| one == other) {
            let mut groups = Groups::default();
            of_one.iter().for_each(|(_, failure)| groups.add(failure));
            store_groups(conn, of_one[0].0, &groups)?;
        }
    }
}

fn groups(conn: &Connection, import: i64) -> Result<Vec<FailureGroup>> {
    let sql = "SELECT requirement, property, column_name, failures, first_row, example FROM failure_group \
               WHERE import = ?1";
    let mut groups = sql::all(conn, sql, [import], |row| {
        Ok(FailureGroup {
            requirement: sql::get(row, 0)?,
            property: Some(sql::get::<String>(row, 1)?).filter(|property| !property.is_empty()),
            column: sql::get(row, 2)?,
            failures: sql::get::<i64>(row, 3)?.cast_unsigned(),
            first_row: sql::get::<i64>(row, 4)?.cast_unsigned(),
            example: sql::get(row, 5)?,
        })
    })?;
    grouping::sort(&mut groups);
    Ok(groups)
}

struct Failures<'c> {
    conn: &'c Connection,
    import: i64,
}

impl grouping::Lookups for Failures<'_> {
    fn groups(&mut self) -> Result<Vec<FailureGroup>> {
        groups(self.conn, self.import)
    }

    fn piece(&mut self, group: &FailureGroup, after: u64) -> Result<Option<(u64, Vec<u8>)>> {
        let sql = "SELECT last_row, packed FROM failure_rows WHERE import = ?1 AND requirement = ?2 AND property = ?3 \
                   AND last_row > ?4 ORDER BY last_row LIMIT 1";
        let property = group.property.as_deref().unwrap_or_default();
        sql::first(self.conn, sql, params![self.import, group.requirement, property, after.cast_signed()], |row| {
            Ok((sql::get::<i64>(row, 0)?.cast_unsigned(), sql::get(row, 1)?))
        })
    }

    fn at(&mut self, rows: &[u64]) -> Result<Vec<Failure>> {
        let sql = "SELECT row, cells, problem FROM failure WHERE import = ?1 AND row = ?2";
        let read = |row: &u64| {
            sql::first(self.conn, sql, [self.import, row.cast_signed()], |row| imports::read_failure_at(row, 0))
        };
        rows.iter().filter_map(|row| read(row).transpose()).collect()
    }

    fn behind(&mut self, after: u64, limit: usize) -> Result<Vec<Failure>> {
        imports::failures_behind(self.conn, self.import, after, limit)
    }
}

struct Latest<'c>(&'c Connection);

impl Latest<'_> {
    /// The number at which so many imports end, if there are so many.
    fn end(&self, sql: &str, moment: &str) -> Result<Option<i64>> {
        let found = sql::first(self.0, sql, params![moment, ENOUGH], |row| {
            Ok((sql::get::<i64>(row, 0)?, sql::get::<Option<i64>>(row, 1)?))
        })?;
        Ok(found.filter(|(count, _)| *count == ENOUGH).and_then(|(_, number)| number))
    }
}

impl latest::Lookups for Latest<'_> {
    fn from(&mut self, moment: &str) -> Result<Option<i64>> {
        let sql = "SELECT count(*), max(number) FROM \
                   (SELECT number FROM import WHERE begin >= ?1 ORDER BY begin LIMIT ?2)";
        self.end(sql, moment)
    }

    fn until(&mut self, moment: &str) -> Result<Option<i64>> {
        let sql = "SELECT count(*), min(number) FROM \
                   (SELECT number FROM import WHERE begin < ?1 ORDER BY begin DESC LIMIT ?2)";
        self.end(sql, moment)
    }

    fn look(&mut self, question: &Question<'_>) -> Result<Vec<(i64, String)>> {
        let Question { kinds, behind, before, from, until, most } = question;
        let (from, until) = (from.unwrap_or(""), until.unwrap_or("~"));
        let among = "number > ?1 AND number < ?2 AND begin >= ?3 AND begin < ?4";
        let order = "ORDER BY number DESC LIMIT ?5";
        let read = |row: &rusqlite::Row<'_>| Ok((sql::get(row, 0)?, sql::get(row, 1)?));
        let Some(kinds) = kinds else {
            let sql = format!("SELECT number, object_type FROM import NOT INDEXED WHERE {among} {order}");
            return sql::all(self.0, &sql, params![behind, before, from, until, most], read);
        };
        let mut found = Vec::new();
        for kind in kinds {
            let (state, origin) = (kind.state, kind.origin);
            found.extend(match kind.object_type {
                Some(name) => {
                    let sql = format!(
                        "SELECT number, object_type FROM import INDEXED BY import_of_kind \
                         WHERE {among} AND object_type = ?6 AND state = ?7 AND origin = ?8 {order}"
                    );
                    let name = name.to_string();
                    sql::all(self.0, &sql, params![behind, before, from, until, most, name, state, origin], read)
                }
                None => {
                    let sql = format!(
                        "SELECT number, object_type FROM import INDEXED BY import_in_state \
                         WHERE {among} AND state = ?6 AND origin = ?7 {order}"
                    );
                    sql::all(self.0, &sql, params![behind, before, from, until, most, state, origin], read)
                }
            }?);
        }
        found.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
        found.truncate(usize::try_from(*most).unwrap_or(usize::MAX));
        Ok(found)
    }

    fn at(&mut self, positions: &[i64]) -> Result<Vec<(i64, Import)>> {
        let at = |number: &i64| Ok(imports::at(self.0, *number)?.map(|import| (*number, import)));
        positions.iter().filter_map(|number| at(number).transpose()).collect()
    }
}
