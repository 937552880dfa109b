//! What an import tells besides its counts: its failures in groups, some of its changes, how fast it was; and the latest
//! imports of a kind.

use super::conn::Conn;
use super::imports::{self, number};
use super::session::rows::Rows;
use super::sql::from_json;
use super::{Postgres, sql};
use crate::error::Result;
use crate::failure::Failure;
use crate::import::{Import, ImportId};
use crate::plan::Plan;
use crate::report::{FailureFilter, FailureGroup, FailuresPage, ImportFilter, ImportsPage, Milestone, Sample};
use crate::repository::grouping::{self, Groups};
use crate::repository::latest::{self, ENOUGH, Question};

/// Rows that are brought up to date together when a database comes from a form without groups and doors.
const BATCH: i64 = 4096;

impl Postgres {
    pub(in crate::repository) fn imports_before(
        &self,
        filter: &ImportFilter,
        before: Option<i64>,
        limit: usize,
    ) -> Result<ImportsPage> {
        self.read(|conn| latest::imports_before(&mut Latest(conn), filter, before, limit))
    }

    pub(in crate::repository) fn failure_groups(&self, id: ImportId) -> Result<Vec<FailureGroup>> {
        self.read(|conn| {
            let import = number(conn, id)?;
            groups(conn, import)
        })
    }

    pub(in crate::repository) fn failures_of(
        &self,
        id: ImportId,
        filter: &FailureFilter,
        after: u64,
        limit: usize,
    ) -> Result<FailuresPage> {
        self.read(|conn| {
            let import = number(conn, id)?;
            grouping::failures_of(&mut Failures { conn, import }, filter, after, limit)
        })
    }

    pub(in crate::repository) fn samples(&self, id: ImportId) -> Result<Vec<Sample>> {
        self.read(|conn| {
            let import = number(conn, id)?;
            let stored = conn.first("SELECT samples FROM import_samples WHERE import = $1", &[&import], |row| {
                sql::get::<String>(row, 0)
            })?;
            stored.map_or_else(|| Ok(Vec::new()), |stored| from_json(&stored))
        })
    }

    pub(in crate::repository) fn milestones(&self, id: ImportId) -> Result<Vec<Milestone>> {
        self.read(|conn| {
            let import = number(conn, id)?;
            let stored = conn.first("SELECT milestones FROM import_progress WHERE import = $1", &[&import], |row| {
                sql::get::<String>(row, 0)
            })?;
            stored.map_or_else(|| Ok(Vec::new()), |stored| from_json(&stored))
        })
    }
}

/// Puts the failures of a flush into their groups.
pub(super) fn store_groups(conn: &mut Conn, import: i64, groups: &Groups) -> Result<()> {
    let count = "INSERT INTO failure_group (import, requirement, property, column_name, failures, first_row, example) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (import, requirement, property) \
                 DO UPDATE SET failures = failure_group.failures + excluded.failures";
    let mut rows = Rows::default();
    for group in groups.iter() {
        let packed = group.packed();
        let (requirement, property) = (&group.requirement, &group.property);
        conn.run(
            count,
            &[&import, requirement, property, &group.column, &packed.count, &packed.first, &group.example],
        )?;
        rows.begin(5);
        rows.number(import);
        rows.text(requirement);
        rows.text(property);
        rows.number(packed.last);
        rows.bytes(&packed.bytes);
    }
    if rows.is_empty() {
        return Ok(());
    }
    let copy = "COPY failure_rows (import, requirement, property, last_row, packed) FROM STDIN BINARY";
    conn.copy(copy, &rows.finished()).map(drop)
}

/// Stores some of the changes of a dry run, as JSON.
pub(super) fn store_samples(conn: &mut Conn, import: i64, samples: &str) -> Result<()> {
    let sql = "INSERT INTO import_samples (import, samples) VALUES ($1, $2) \
               ON CONFLICT (import) DO UPDATE SET samples = excluded.samples";
    conn.run(sql, &[&import, &samples]).map(drop)
}

/// Removes the failures of an import, and their groups.
pub(super) fn delete_failures(conn: &mut Conn, import: i64) -> Result<()> {
    for delete in [
        "DELETE FROM failure WHERE import = $1",
        "DELETE FROM failure_rows WHERE import = $1",
        "DELETE FROM failure_group WHERE import = $1",
    ] {
        conn.run(delete, &[&import])?;
    }
    Ok(())
}

/// Removes all that an import has reported.
pub(super) fn delete_report(conn: &mut Conn, import: i64) -> Result<()> {
    delete_failures(conn, import)?;
    conn.run("DELETE FROM import_samples WHERE import = $1", &[&import]).map(drop)
}

/// Completes what a database has from a form without groups and doors. May be done again.
pub(super) fn complete(conn: &mut Conn) -> Result<()> {
    name_doors(conn)?;
    conn.run("DELETE FROM failure_rows", &[])?;
    conn.run("DELETE FROM failure_group", &[])?;
    let next = "SELECT failure.import, failure.row, cells, problem FROM failure \
                WHERE failure.import = $1 AND failure.row > $2 ORDER BY failure.row LIMIT $3";
    let after = "SELECT min(failure.import) FROM failure WHERE failure.import > $1";
    let mut import = 0_i64;
    while let Some(failed) = conn.first(after, &[&import], |row| sql::get::<Option<i64>>(row, 0))?.flatten() {
        import = failed;
        let mut last = 0_i64;
        loop {
            let found = conn.all(next, &[&import, &last, &BATCH], |row| imports::read_failure_at(row, 1))?;
            let Some(failure) = found.last() else { break };
            last = failure.row.cast_signed();
            store_groups(conn, import, &Groups::of(&found))?;
        }
    }
    Ok(())
}

/// Notes the door of every import beside its plan.
fn name_doors(conn: &mut Conn) -> Result<()> {
    let next = "SELECT number, plan FROM import WHERE number > $1 ORDER BY number LIMIT $2";
    let mut last = 0_i64;
    loop {
        let found = conn.all(next, &[&last, &BATCH], |row| {
            Ok((sql::get::<i64>(row, 0)?, from_json::<Plan>(&sql::get::<String>(row, 1)?)?.origin.name()))
        })?;
        let Some((number, _)) = found.last() else { return Ok(()) };
        last = *number;
        for origin in crate::plan::Origin::ALL.map(|origin| origin.name()) {
            let numbers: Vec<i64> =
                found.iter().filter(|(_, name)| *name == origin).map(|(number, _)| *number).collect();
            if !numbers.is_empty() {
                conn.run("UPDATE import SET origin = $1 WHERE number = ANY($2)", &[&origin, &numbers])?;
            }
        }
    }
}

fn groups(conn: &mut Conn, import: i64) -> Result<Vec<FailureGroup>> {
    let sql = "SELECT requirement, property, column_name, failures, first_row, example FROM failure_group \
               WHERE import = $1";
    let mut groups = conn.all(sql, &[&import], |row| {
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
    conn: &'c mut Conn,
    import: i64,
}

impl grouping::Lookups for Failures<'_> {
    fn groups(&mut self) -> Result<Vec<FailureGroup>> {
        groups(self.conn, self.import)
    }

    fn piece(&mut self, group: &FailureGroup, after: u64) -> Result<Option<(u64, Vec<u8>)>> {
        let sql = "SELECT last_row, packed FROM failure_rows WHERE import = $1 AND requirement = $2 AND property = $3 \
                   AND last_row > $4 ORDER BY last_row LIMIT 1";
        let property = group.property.as_deref().unwrap_or_default();
        let values: super::conn::Params<'_> = &[&self.import, &group.requirement, &property, &after.cast_signed()];
        self.conn.first(sql, values, |row| Ok((sql::get::<i64>(row, 0)?.cast_unsigned(), sql::get(row, 1)?)))
    }

    fn at(&mut self, rows: &[u64]) -> Result<Vec<Failure>> {
        let sql = "SELECT failure.row, cells, problem FROM failure WHERE import = $1 AND failure.row = ANY($2) \
                   ORDER BY failure.row";
        let rows: Vec<i64> = rows.iter().map(|row| row.cast_signed()).collect();
        self.conn.all(sql, &[&self.import, &rows], |row| imports::read_failure_at(row, 0))
    }

    fn behind(&mut self, after: u64, limit: usize) -> Result<Vec<Failure>> {
        imports::failures_behind(self.conn, self.import, after, limit)
    }
}

struct Latest<'c>(&'c mut Conn);

impl Latest<'_> {
    /// The number at which so many imports end, if there are so many.
    fn end(&mut self, sql: &str, moment: &str) -> Result<Option<i64>> {
        let found = self
            .0
            .first(sql, &[&moment, &ENOUGH], |row| Ok((sql::get::<i64>(row, 0)?, sql::get::<Option<i64>>(row, 1)?)))?;
        Ok(found.filter(|(count, _)| *count == ENOUGH).and_then(|(_, number)| number))
    }
}

impl latest::Lookups for Latest<'_> {
    fn from(&mut self, moment: &str) -> Result<Option<i64>> {
        let sql = "SELECT count(*), max(number) FROM \
                   (SELECT number FROM import WHERE began >= $1 ORDER BY began LIMIT $2) AS later";
        self.end(sql, moment)
    }

    fn until(&mut self, moment: &str) -> Result<Option<i64>> {
        let sql = "SELECT count(*), min(number) FROM \
                   (SELECT number FROM import WHERE began < $1 ORDER BY began DESC LIMIT $2) AS earlier";
        self.end(sql, moment)
    }

    fn look(&mut self, question: &Question<'_>) -> Result<Vec<(i64, String)>> {
        let Question { kinds, behind, before, from, until, most } = question;
        // Texts between these are all times.
        let (from, until) = (from.unwrap_or("0"), until.unwrap_or("9999"));
        let read = |row: &postgres::Row| Ok((sql::get(row, 0)?, sql::get(row, 1)?));
        let Some(kinds) = kinds else {
            let sql = "SELECT number, object_type FROM import WHERE number > $1 AND number < $2 \
                       AND began >= $3 AND began < $4 ORDER BY number DESC LIMIT $5";
            return self.0.all(sql, &[behind, before, &from, &until, most], read);
        };
        let states: Vec<&str> = kinds.iter().map(|kind| kind.state).collect();
        let origins: Vec<&str> = kinds.iter().map(|kind| kind.origin).collect();
        // In the order of each index, see there.
        let among = |number: &str| {
            format!(
                "{number} < -CAST($1 AS bigint) AND {number} > -CAST($2 AS bigint) \
                 AND import.began >= $3 AND import.began < $4 ORDER BY {number} LIMIT $5"
            )
        };
        let select = "SELECT latest.number, latest.object_type FROM";
        let types: Option<Vec<String>> = kinds.iter().map(|kind| kind.object_type.map(ToString::to_string)).collect();
        match types {
            Some(types) => {
                let among = among("(-import.number)");
                let sql = format!(
                    "{select} unnest(CAST($6 AS text[]), CAST($7 AS text[]), CAST($8 AS text[])) \
                     AS kind (object_type, state, origin) CROSS JOIN LATERAL \
                     (SELECT import.number, import.object_type FROM import WHERE import.object_type = kind.object_type \
                     AND import.state = kind.state AND import.origin = kind.origin AND {among}) AS latest \
                     ORDER BY latest.number DESC LIMIT $5"
                );
                self.0.all(&sql, &[behind, before, &from, &until, most, &types, &states, &origins], read)
            }
            None => {
                let among = among("(0 - import.number)");
                let sql = format!(
                    "{select} unnest(CAST($6 AS text[]), CAST($7 AS text[])) AS kind (state, origin) CROSS JOIN LATERAL \
                     (SELECT import.number, import.object_type FROM import \
                     WHERE import.state = kind.state AND import.origin = kind.origin AND {among}) AS latest \
                     ORDER BY latest.number DESC LIMIT $5"
                );
                self.0.all(&sql, &[behind, before, &from, &until, most, &states, &origins], read)
            }
        }
    }

    fn at(&mut self, positions: &[i64]) -> Result<Vec<(i64, Import)>> {
        imports::at(self.0, positions)
    }
}
