//! Imports, their failures and their cancel marks.
//!
//! How far an import is stands in a row of its own. Whoever changes both rows changes that of the import first, so that
//! two who do so wait for each other and nothing worse.

use std::collections::HashSet;

use postgres::Row;
use postgres::fallible_iterator::FallibleIterator as _;
use uuid::Uuid;

use super::conn::{Conn, Params, Purpose};
use super::sql::{from_json, to_json};
use super::transaction::Tx;
use super::{Postgres, leases, reports, sql};
use crate::clock;
use crate::error::{Error, Result};
use crate::failure::Failure;
use crate::import::{Counts, Import, ImportId, State, no_import};
use crate::repository::{Attempt, Spooled};
use crate::schema::TypeName;

const IMPORTS: &str = "SELECT import.number, import.id, import.plan, import.filename, import.header, import.state, \
                       import.began, import.started, import.ended, import.problem, import.size, import.structure, \
                       import.cancelled_by, import.spool_purged, import.failures_purged, \
                       import.revision + import_progress.revision, import_progress.total, import_progress.created, \
                       import_progress.updated, import_progress.unchanged, import_progress.failure, \
                       import_progress.settled, import_progress.warnings \
                       FROM import JOIN import_progress ON import_progress.import = import.number";

impl Postgres {
    pub(in crate::repository) fn queue(&self, imports: &[Import]) -> Result<()> {
        self.write(|tx| insert(tx, imports))
    }

    pub(in crate::repository) fn import(&self, id: ImportId) -> Result<Option<Import>> {
        let sql = format!("{IMPORTS} WHERE import.id = $1");
        self.read(|conn| conn.first(&sql, &[&id.uuid()], read))
    }

    pub(in crate::repository) fn imports(&self) -> Result<Vec<Import>> {
        let sql = format!("{IMPORTS} ORDER BY import.number");
        self.read(|conn| conn.all(&sql, &[], read))
    }

    pub(in crate::repository) fn imports_of(&self, ids: &[ImportId]) -> Result<Vec<Import>> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let sql = format!("{IMPORTS} WHERE import.id = ANY($1)");
        self.read(|conn| conn.all(&sql, &[&ids], read))
    }

    pub(in crate::repository) fn open_imports(&self) -> Result<Vec<Import>> {
        let sql = format!("{IMPORTS} WHERE import.state IN ('queued', 'running') ORDER BY import.number");
        self.read(|conn| conn.all(&sql, &[], read))
    }

    pub(in crate::repository) fn import_totals(&self) -> Result<Vec<(String, u64, Counts)>> {
        let sql = "SELECT import.state, count(*), CAST(sum(total) AS bigint), CAST(sum(created) AS bigint), \
                   CAST(sum(updated) AS bigint), CAST(sum(unchanged) AS bigint), CAST(sum(failure) AS bigint) \
                   FROM import JOIN import_progress ON import_progress.import = import.number GROUP BY import.state";
        let mut totals = self.read(|conn| {
            conn.all(sql, &[], |row| Ok((sql::get::<String>(row, 0)?, count(row, 1)?, read_counts(row, 2)?)))
        })?;
        totals.sort_by(|(one, ..), (other, ..)| one.cmp(other));
        Ok(totals)
    }

    pub(in crate::repository) fn imports_behind(&self, after: i64, limit: usize) -> Result<Vec<(i64, Import)>> {
        // Said of both, so that neither is read from its beginning.
        let behind = "import.number > $1 AND import_progress.import > $1";
        let sql = format!("{IMPORTS} WHERE {behind} ORDER BY import.number LIMIT $2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(|conn| conn.all(&sql, &[&after, &limit], |row| Ok((sql::get(row, 0)?, read(row)?))))
    }

    pub(in crate::repository) fn waiting_types(&self) -> Result<Vec<TypeName>> {
        let sql = "SELECT object_type FROM import WHERE state IN ('queued', 'running') \
                   GROUP BY object_type ORDER BY min(number)";
        self.read(|conn| conn.all(sql, &[], |row| sql::get::<String>(row, 0)?.parse()))
    }

    pub(in crate::repository) fn next_import(&self, object_type: &TypeName) -> Result<Option<Import>> {
        let sql = format!(
            "{IMPORTS} WHERE import.object_type = $1 AND import.state IN ('queued', 'running') \
             ORDER BY import.number LIMIT 1"
        );
        self.read(|conn| conn.first(&sql, &[&object_type.to_string()], read))
    }

    pub(in crate::repository) fn start(&self, id: ImportId, attempt: Attempt) -> Result<bool> {
        self.write(|tx| {
            let sql = match attempt {
                Attempt::Anew => {
                    "UPDATE import SET state = 'running', started = $2, revision = revision + 1 \
                     WHERE id = $1 AND ended IS NULL RETURNING number, object_type"
                }
                Attempt::Resumed => {
                    "UPDATE import SET state = 'running', started = coalesce(started, $2), revision = revision + 1 \
                     WHERE id = $1 AND ended IS NULL RETURNING number, object_type"
                }
            };
            let Some((number, object_type)) = tx.first(sql, &[&id.uuid(), &clock::now()], read_key)? else {
                return Ok(false);
            };
            if attempt == Attempt::Anew {
                reports::delete_report(tx, number)?;
                let sql = "UPDATE import_progress SET created = 0, updated = 0, unchanged = 0, failure = 0, \
                           settled = 0, warnings = '[]', milestones = '[]' WHERE import = $1";
                tx.run(sql, &[&number])?;
            }
            self.leases.fence(tx, &leases::of_type(&object_type))?;
            Ok(true)
        })
    }

    pub(in crate::repository) fn note_header(&self, id: ImportId, header: &[String]) -> Result<()> {
        let header = to_json(header)?;
        let sql = "UPDATE import SET header = $2, revision = revision + 1 WHERE id = $1 RETURNING number, object_type";
        self.write(|tx| match tx.first(sql, &[&id.uuid(), &header], read_key)? {
            Some((_, object_type)) => self.leases.fence(tx, &leases::of_type(&object_type)),
            None => Ok(()),
        })
    }

    pub(in crate::repository) fn cancel_queued(&self, id: ImportId) -> Result<bool> {
        self.write(|tx| {
            let by = mark(tx, id)?.flatten().map(|by| to_json(&by)).transpose()?;
            let sql = "UPDATE import SET state = 'cancelled', ended = $2, cancelled_by = $3, spool_purged = true, \
                       revision = revision + 1 WHERE id = $1 AND state = 'queued'";
            if tx.run(sql, &[&id.uuid(), &clock::now(), &by])? == 0 {
                return Ok(false);
            }
            unmark(tx, id)?;
            Ok(true)
        })
    }

    pub(in crate::repository) fn finish(
        &self,
        id: ImportId,
        state: &State,
        counts: Counts,
        warnings: &[String],
        spooled: Spooled,
    ) -> Result<()> {
        let (problem, cancelled_by) = match state {
            State::Failed { problem, .. } => (Some(problem.to_string()), None),
            State::Cancelled { by, .. } => (None, by.as_ref().map(to_json).transpose()?),
            _ => (None, None),
        };
        let purged = spooled == Spooled::Unneeded;
        self.write(|tx| {
            // The revision rises with the counts.
            let sql = "UPDATE import SET state = $2, ended = $3, problem = $4, cancelled_by = $5, spool_purged = $6 \
                       WHERE id = $1 AND ended IS NULL RETURNING number, object_type";
            let values: Params<'_> = &[&id.uuid(), &state.name(), &state.end(), &problem, &cancelled_by, &purged];
            let ended = tx.first(sql, values, read_key)?;
            if let Some((number, _)) = &ended {
                store_counts(tx, *number, counts, warnings)?;
            } else {
                number(tx, id)?;
            }
            unmark(tx, id)?;
            ended.map_or(Ok(()), |(_, object_type)| self.leases.fence(tx, &leases::of_type(&object_type)))
        })
    }

    pub(in crate::repository) fn cancel(&self, id: ImportId, by: &str) -> Result<()> {
        let sql = "INSERT INTO cancel_mark (import, who) VALUES ($1, $2) ON CONFLICT (import) DO NOTHING";
        let by = to_json(by)?;
        self.write(|tx| tx.run(sql, &[&id.uuid(), &by]).map(drop))
    }

    pub(in crate::repository) fn forget_cancel(&self, id: ImportId) {
        if let Err(error) = self.write(|tx| unmark(tx, id)) {
            tracing::warn!(import = %id, %error, "the cancel mark could not be removed");
        }
    }

    pub(in crate::repository) fn cancelled_by(&self, id: ImportId) -> Option<String> {
        self.cancel_mark(id).flatten()
    }

    pub(in crate::repository) fn is_cancelled(&self, id: ImportId) -> bool {
        self.cancel_mark(id).is_some()
    }

    /// The cancel mark of an import, if it has one. Where that cannot be said it has none: it will be asked again.
    fn cancel_mark(&self, id: ImportId) -> Option<Option<String>> {
        self.read(|conn| mark(conn, id)).unwrap_or_else(|error| {
            tracing::warn!(import = %id, %error, "the cancel mark could not be read");
            None
        })
    }

    pub(in crate::repository) fn failures(&self, id: ImportId, after: u64, limit: usize) -> Result<Vec<Failure>> {
        self.read(|conn| {
            let number = number(conn, id)?;
            failures_behind(conn, number, after, limit)
        })
    }

    pub(in crate::repository) fn each_failure(
        &self,
        id: ImportId,
        most: u64,
        mut each: impl FnMut(Failure) -> Result<()>,
    ) -> Result<()> {
        // Whoever takes them may be slow. The connection goes with it if they are not all taken.
        let mut conn = self.pool.connect(Purpose::Long("failures"))?;
        let number = number(&mut conn, id)?;
        let sql = "SELECT failure.row, cells, problem FROM failure WHERE import = $1 ORDER BY failure.row LIMIT $2";
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let failed = |error| sql::failed(sql, error);
        let mut rows = conn.client().query_raw(sql, [number, limit]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(read_failure_at(&row, 0)?)?;
        }
        Ok(())
    }

    pub(in crate::repository) fn purge_failures(&self, id: ImportId) -> Result<()> {
        self.write(|tx| {
            let sql = "UPDATE import SET failures_purged = true, revision = revision + 1 WHERE id = $1 \
                       RETURNING number, object_type";
            let (number, _) = tx.first(sql, &[&id.uuid()], read_key)?.ok_or_else(|| no_import(id))?;
            reports::delete_failures(tx, number)
        })
    }

    pub(in crate::repository) fn note_warnings(&self, id: ImportId, warnings: &[String]) -> Result<()> {
        let warnings = to_json(warnings)?;
        let sql = "UPDATE import_progress SET warnings = $2, revision = revision + 1 \
                   WHERE import = (SELECT number FROM import WHERE id = $1)";
        self.write(|tx| tx.run(sql, &[&id.uuid(), &warnings]).map(drop))
    }

    pub(in crate::repository) fn note_spool_purged(&self, id: ImportId) -> Result<()> {
        let sql = "UPDATE import SET spool_purged = true, revision = revision + 1 WHERE id = $1 AND NOT spool_purged";
        self.write(|tx| tx.run(sql, &[&id.uuid()]).map(drop))
    }

    pub(in crate::repository) fn delete_import(&self, id: ImportId, revision: u64) -> Result<bool> {
        let revisions = "SELECT import.number, import.revision, import_progress.revision \
                         FROM import JOIN import_progress ON import_progress.import = import.number \
                         WHERE import.id = $1";
        self.write(|tx| {
            let found = tx.first(revisions, &[&id.uuid()], |row| {
                Ok((sql::get::<i64>(row, 0)?, sql::get::<i64>(row, 1)?, sql::get::<i64>(row, 2)?))
            })?;
            let (number, own, progress) = found.ok_or_else(|| no_import(id))?;
            // Both rows are held as they were seen before anything is removed.
            let keep_import = "UPDATE import SET revision = revision WHERE number = $1 AND revision = $2";
            let keep_progress = "UPDATE import_progress SET revision = revision WHERE import = $1 AND revision = $2";
            if own + progress != revision.cast_signed()
                || tx.run(keep_import, &[&number, &own])? == 0
                || tx.run(keep_progress, &[&number, &progress])? == 0
            {
                return Ok(false);
            }
            tx.run("DELETE FROM import WHERE number = $1", &[&number])?;
            tx.run("DELETE FROM import_progress WHERE import = $1", &[&number])?;
            reports::delete_report(tx, number)?;
            unmark(tx, id)?;
            Ok(true)
        })
    }

    pub(in crate::repository) fn imports_to_clean_up(&self) -> Result<Vec<(ImportId, TypeName)>> {
        let over = "SELECT number, id, object_type, spool_purged FROM import \
                    WHERE ended IS NOT NULL AND (NOT spool_purged OR NOT failures_purged) ORDER BY number";
        // From one import that has failures to the next, instead of a look at all failures of all.
        let next = "SELECT min(failure.import) FROM failure WHERE failure.import > $1";
        self.read(|conn| {
            let over = conn.all(over, &[], |row| {
                let import = (ImportId::of_uuid(sql::get(row, 1)?), sql::get::<String>(row, 2)?.parse::<TypeName>()?);
                Ok((sql::get::<i64>(row, 0)?, import, sql::get::<bool>(row, 3)?))
            })?;
            let (mut failed, mut last) = (HashSet::new(), over.first().map(|(first, ..)| first - 1));
            while let Some(behind) = last {
                last = conn.first(next, &[&behind], |row| sql::get::<Option<i64>>(row, 0))?.flatten();
                failed.extend(last);
            }
            let unclean = over.into_iter().filter(|(number, _, is_purged)| !is_purged || failed.contains(number));
            Ok(unclean.map(|(_, import, _)| import).collect())
        })
    }

    pub(in crate::repository) fn failed_rows(&self, id: ImportId) -> Result<Vec<u64>> {
        let sql = "SELECT failure.row FROM failure WHERE import = $1 ORDER BY failure.row";
        self.read(|conn| {
            let number = number(conn, id)?;
            conn.all(sql, &[&number], |row| count(row, 0))
        })
    }

    pub(in crate::repository) fn sweep(&self) -> Result<()> {
        let now = clock::now();
        let has_any = self.read(|conn| {
            let marked = conn.first("SELECT 1 FROM cancel_mark LIMIT 1", &[], |_| Ok(()))?;
            let expired = conn.first("SELECT 1 FROM sign_in WHERE expires <= $1 LIMIT 1", &[&now], |_| Ok(()))?;
            Ok(marked.or(expired).is_some())
        })?;
        if !has_any {
            return Ok(());
        }
        let sql = "DELETE FROM cancel_mark WHERE NOT EXISTS \
                   (SELECT 1 FROM import WHERE import.id = cancel_mark.import AND import.ended IS NULL)";
        self.write(|tx| {
            tx.run(sql, &[])?;
            tx.run("DELETE FROM sign_in WHERE expires <= $1", &[&now]).map(drop)
        })
    }
}

/// Stores new imports. Their numbers are in the order in which such transactions are committed.
pub(super) fn insert(tx: &mut Tx, imports: &[Import]) -> Result<()> {
    let many = i64::try_from(imports.len()).unwrap_or(i64::MAX);
    let first = tx.take_numbers("import", many)?;
    for (number, import) in (first..).zip(imports) {
        let sql = "INSERT INTO import (number, id, object_type, plan, filename, header, state, began, size, structure, \
                   origin) VALUES ($1, $2, $3, $4, $5, $6, 'queued', $7, $8, $9, $10)";
        let object_type = import.plan.object_type.to_string();
        let [plan, filename, header] = [to_json(&import.plan)?, to_json(&import.filename)?, to_json(&import.header)?];
        let structure = import.structure.as_ref().map(to_json).transpose()?;
        let (id, size, origin) = (import.id.uuid(), import.size.cast_signed(), import.plan.origin.name());
        let values: Params<'_> =
            &[&number, &id, &object_type, &plan, &filename, &header, &import.begin, &size, &structure, &origin];
        tx.run(sql, values)?;
        let sql = "INSERT INTO import_progress (import, total) VALUES ($1, $2)";
        tx.run(sql, &[&number, &import.counts.total.cast_signed()])?;
    }
    Ok(())
}

/// The short form of an import's id, which objects and failures carry.
pub(super) fn number(conn: &mut Conn, id: ImportId) -> Result<i64> {
    let found = conn.first("SELECT number FROM import WHERE id = $1", &[&id.uuid()], |row| sql::get(row, 0))?;
    found.ok_or_else(|| no_import(id))
}

/// Who set the cancel mark of an import, if it has one and if he is known.
fn mark(conn: &mut Conn, id: ImportId) -> Result<Option<Option<String>>> {
    let found = conn.first("SELECT who FROM cancel_mark WHERE import = $1", &[&id.uuid()], |row| {
        from_json::<String>(&sql::get::<String>(row, 0)?)
    })?;
    Ok(found.map(|who| Some(who).filter(|who| !who.is_empty())))
}

fn unmark(tx: &mut Tx, id: ImportId) -> Result<()> {
    tx.run("DELETE FROM cancel_mark WHERE import = $1", &[&id.uuid()]).map(drop)
}

/// The imports of these numbers, with them.
pub(super) fn at(conn: &mut Conn, numbers: &[i64]) -> Result<Vec<(i64, Import)>> {
    // Said of both, so that both are looked up.
    let sql = format!("{IMPORTS} WHERE import.number = ANY($1) AND import_progress.import = ANY($1)");
    conn.all(&sql, &[&numbers], |row| Ok((sql::get(row, 0)?, read(row)?)))
}

/// Up to `limit` failures behind a row, in order.
pub(super) fn failures_behind(conn: &mut Conn, import: i64, after: u64, limit: usize) -> Result<Vec<Failure>> {
    let sql = "SELECT failure.row, cells, problem FROM failure WHERE import = $1 AND failure.row > $2 \
               ORDER BY failure.row LIMIT $3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conn.all(sql, &[&import, &after.cast_signed(), &limit], |row| read_failure_at(row, 0))
}

fn store_counts(tx: &mut Tx, import: i64, counts: Counts, warnings: &[String]) -> Result<()> {
    let sql = "UPDATE import_progress SET total = $2, created = $3, updated = $4, unchanged = $5, failure = $6, \
               warnings = $7, revision = revision + 1 WHERE import = $1";
    let Counts { total, created, updated, unchanged, failure } = counts;
    let [total, created, updated, unchanged, failure] =
        [total, created, updated, unchanged, failure].map(u64::cast_signed);
    let warnings = to_json(warnings)?;
    match tx.run(sql, &[&import, &total, &created, &updated, &unchanged, &failure, &warnings])? {
        0 => Err(Error::not_found("the record of the import was deleted")),
        _ => Ok(()),
    }
}

fn read_key(row: &Row) -> Result<(i64, TypeName)> {
    Ok((sql::get(row, 0)?, sql::get::<String>(row, 1)?.parse()?))
}

fn read(row: &Row) -> Result<Import> {
    let text = |column| sql::get::<String>(row, column);
    let perhaps = |column| sql::get::<Option<String>>(row, column);
    let id = ImportId::of_uuid(sql::get(row, 1)?);
    let ended = || perhaps(8)?.ok_or_else(|| Error::internal("an import that is over has no end"));
    let problem = || perhaps(9)?.ok_or_else(|| Error::internal("an import that has failed has no problem"));
    let state = match text(5)?.as_str() {
        "queued" => State::Queued,
        "running" => State::Running,
        "finished" => State::Finished { end: ended()? },
        "cancelled" => State::Cancelled { end: ended()?, by: perhaps(12)?.map(|text| from_json(&text)).transpose()? },
        "failed" => State::Failed { end: ended()?, problem: from_json(&problem()?)? },
        other => return Err(Error::internal(format!("import {id} is stored as '{other}', which is no state"))),
    };
    Ok(Import {
        id,
        plan: from_json(&text(2)?)?,
        filename: from_json(&text(3)?)?,
        header: from_json(&text(4)?)?,
        state,
        begin: text(6)?,
        started: perhaps(7)?,
        size: count(row, 10)?,
        structure: perhaps(11)?.map(|text| from_json(&text)).transpose()?,
        spool_purged: sql::get(row, 13)?,
        failures_purged: sql::get(row, 14)?,
        revision: count(row, 15)?,
        counts: read_counts(row, 16)?,
        settled: count(row, 21)?,
        warnings: from_json(&text(22)?)?,
    })
}

/// The counts in five columns, from `first` on.
fn read_counts(row: &Row, first: usize) -> Result<Counts> {
    Ok(Counts {
        total: count(row, first)?,
        created: count(row, first + 1)?,
        updated: count(row, first + 2)?,
        unchanged: count(row, first + 3)?,
        failure: count(row, first + 4)?,
    })
}

fn count(row: &Row, column: usize) -> Result<u64> {
    sql::get::<i64>(row, column).map(i64::unsigned_abs)
}

/// The failure in three columns, from `first` on.
pub(super) fn read_failure_at(row: &Row, first: usize) -> Result<Failure> {
    let (cells, problem): (String, String) = (sql::get(row, first + 1)?, sql::get(row, first + 2)?);
    Ok(Failure { row: count(row, first)?, cells: from_json(&cells)?, problem: from_json(&problem)? })
}
