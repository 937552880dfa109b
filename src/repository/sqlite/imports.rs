//! Imports, their failures and their cancel marks.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::{Connection, Row, params};

use super::sql::{from_json, to_json};
use super::{Sqlite, reports, sql};
use crate::clock;
use crate::error::{Error, Result};
use crate::failure::Failure;
use crate::import::{Counts, Import, ImportId, State, no_import};
use crate::repository::grouping::Groups;
use crate::repository::{Attempt, Settled, Spooled};
use crate::schema::TypeName;

/// How long somebody who cancels waits for the write lock; the import ends by the cancel mark otherwise.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(3);

/// What the files of cancel marks end with: those that are set, and those that somebody is setting.
const MARKED: &str = "cancel";
const MARKING: &str = "cancelling";

const COLUMNS: &str = "id, plan, filename, header, state, begin, \"end\", problem, warnings, size, total, created, \
                       updated, unchanged, failure, settled, spool_purged, failures_purged, revision, started, structure, \
                       cancelled_by";

impl Sqlite {
    pub(in crate::repository) fn queue(&self, imports: &[Import]) -> Result<()> {
        self.write(|conn| imports.iter().try_for_each(|import| insert(conn, import)))
    }

    pub(in crate::repository) fn import(&self, id: ImportId) -> Result<Option<Import>> {
        let sql = format!("SELECT {COLUMNS} FROM import WHERE id = ?1");
        sql::first(&*self.conn()?, &sql, [id.to_string()], read)
    }

    pub(in crate::repository) fn imports(&self) -> Result<Vec<Import>> {
        sql::all(&*self.conn()?, &format!("SELECT {COLUMNS} FROM import ORDER BY number"), [], read)
    }

    pub(in crate::repository) fn imports_of(&self, ids: &[ImportId]) -> Result<Vec<Import>> {
        let ids: Vec<String> = ids.iter().map(ImportId::to_string).collect();
        let sql = format!("SELECT {COLUMNS} FROM import WHERE id IN (SELECT value FROM json_each(?1))");
        sql::all(&*self.conn()?, &sql, [to_json(&ids)?], read)
    }

    pub(in crate::repository) fn open_imports(&self) -> Result<Vec<Import>> {
        let sql = format!("SELECT {COLUMNS} FROM import WHERE state IN ('queued', 'running') ORDER BY number");
        sql::all(&*self.conn()?, &sql, [], read)
    }

    pub(in crate::repository) fn import_totals(&self) -> Result<Vec<(String, u64, Counts)>> {
        let sql = "SELECT state, count(*), sum(total), sum(created), sum(updated), sum(unchanged), sum(failure) \
                   FROM import GROUP BY state ORDER BY state";
        sql::all(&*self.conn()?, sql, [], |row| {
            let number = |column| sql::get::<i64>(row, column).map(i64::unsigned_abs);
            let counts = Counts {
                total: number(2)?,
                created: number(3)?,
                updated: number(4)?,
                unchanged: number(5)?,
                failure: number(6)?,
            };
            Ok((sql::get(row, 0)?, number(1)?, counts))
        })
    }

    pub(in crate::repository) fn imports_behind(&self, after: i64, limit: usize) -> Result<Vec<(i64, Import)>> {
        let sql = format!("SELECT {COLUMNS}, number FROM import WHERE number > ?1 ORDER BY number LIMIT ?2");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        sql::all(&*self.conn()?, &sql, [after, limit], |row| {
            let last = row.as_ref().column_count() - 1;
            Ok((sql::get(row, last)?, read(row)?))
        })
    }

    pub(in crate::repository) fn waiting_types(&self) -> Result<Vec<TypeName>> {
        let sql = "SELECT object_type FROM import WHERE state IN ('queued', 'running') \
                   GROUP BY object_type ORDER BY min(number)";
        sql::all(&*self.conn()?, sql, [], |row| sql::get::<String>(row, 0)?.parse())
    }

    pub(in crate::repository) fn next_import(&self, object_type: &TypeName) -> Result<Option<Import>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM import WHERE object_type = ?1 AND state IN ('queued', 'running') \
             ORDER BY number LIMIT 1"
        );
        sql::first(&*self.conn()?, &sql, [object_type.to_string()], read)
    }

    pub(in crate::repository) fn start(&self, id: ImportId, attempt: Attempt) -> Result<bool> {
        self.write_patiently(|conn| {
            let sql = "UPDATE import SET state = 'running', revision = revision + 1 WHERE id = ?1 AND \"end\" IS NULL";
            if sql::run(conn, sql, [id.to_string()])? == 0 {
                return Ok(false);
            }
            if attempt == Attempt::Anew {
                reports::delete_report(conn, number(conn, id)?)?;
                let sql = "UPDATE import SET created = 0, updated = 0, unchanged = 0, failure = 0, settled = 0, \
                           warnings = '[]', milestones = '[]', started = NULL WHERE id = ?1";
                sql::run(conn, sql, [id.to_string()])?;
            }
            let sql = "UPDATE import SET started = coalesce(started, ?2) WHERE id = ?1";
            sql::run(conn, sql, [id.to_string(), clock::now()]).map(|_| true)
        })
    }

    pub(in crate::repository) fn note_header(&self, id: ImportId, header: &[String]) -> Result<()> {
        let header = to_json(header)?;
        let sql = "UPDATE import SET header = ?2, revision = revision + 1 WHERE id = ?1";
        self.write_patiently(|conn| sql::run(conn, sql, params![id.to_string(), header]).map(drop))
    }

    pub(in crate::repository) fn cancel_queued(&self, id: ImportId) -> Result<bool> {
        let cancelled = self.write_within(CANCEL_TIMEOUT, |conn| {
            let sql = "UPDATE import SET state = 'cancelled', \"end\" = ?2, cancelled_by = ?3, spool_purged = 1, \
                       revision = revision + 1 WHERE id = ?1 AND state = 'queued'";
            let values = params![id.to_string(), clock::now(), self.cancelled_by(id)];
            sql::run(conn, sql, values).map(|changed| changed > 0)
        })?;
        if cancelled {
            self.forget_cancel(id);
        }
        Ok(cancelled)
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
            State::Cancelled { by, .. } => (None, by.as_deref()),
            _ => (None, None),
        };
        let purged = spooled == Spooled::Unneeded;
        self.write_patiently(|conn| {
            let number = number(conn, id)?;
            let sql = "UPDATE import SET state = ?2, \"end\" = ?3, problem = ?4, cancelled_by = ?5, spool_purged = ?6 \
                       WHERE number = ?1 AND \"end\" IS NULL";
            match sql::run(conn, sql, params![number, state.name(), state.end(), problem, cancelled_by, purged])? {
                0 => Ok(()),
                _ => store_counts(conn, number, counts, warnings),
            }
        })?;
        self.forget_cancel(id);
        Ok(())
    }

    pub(in crate::repository) fn cancel(&self, id: ImportId, by: &str) -> Result<()> {
        let mark = self.cancel_mark(id);
        let doing = || format!("the cancel mark '{}' could not be set", mark.display());
        self.set_cancel_mark(id, by)
            .and_then(|()| fs::File::open(&self.run)?.sync_all())
            .map_err(|error| Error::storage(doing(), error))
    }

    /// The mark is there with the name in it, or not at all: whoever ends the import reads it at any moment.
    fn set_cancel_mark(&self, id: ImportId, by: &str) -> io::Result<()> {
        let (mark, unfinished) = (self.cancel_mark(id), self.unfinished_cancel_mark(id));
        if mark.exists() {
            return Ok(());
        }
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(by.as_bytes())?;
        file.sync_all()?;
        match fs::rename(&unfinished, &mark) {
            // Somebody else, who cancels at the same time, has set it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    pub(in crate::repository) fn forget_cancel(&self, id: ImportId) {
        let _ = fs::remove_file(self.cancel_mark(id));
        let _ = fs::remove_file(self.unfinished_cancel_mark(id));
    }

    pub(in crate::repository) fn sweep(&self) -> Result<()> {
        for marked in self.marked()? {
            if self.import(marked)?.is_none_or(|import| import.state.end().is_some()) {
                self.forget_cancel(marked);
            }
        }
        let now = clock::now();
        let expired = "SELECT 1 FROM sign_in WHERE expires <= ?1 LIMIT 1";
        if sql::first(&*self.conn()?, expired, [&now], |_| Ok(()))?.is_some() {
            self.write(|conn| sql::run(conn, "DELETE FROM sign_in WHERE expires <= ?1", [&now]))?;
        }
        Ok(())
    }

    pub(in crate::repository) fn cancelled_by(&self, id: ImportId) -> Option<String> {
        let name = fs::read(self.cancel_mark(id)).ok()?;
        Some(String::from_utf8_lossy(&name).into_owned()).filter(|name| !name.is_empty())
    }

    pub(in crate::repository) fn is_cancelled(&self, id: ImportId) -> bool {
        self.cancel_mark(id).exists()
    }

    fn cancel_mark(&self, id: ImportId) -> PathBuf {
        self.run.join(format!("{id}.{MARKED}"))
    }

    fn unfinished_cancel_mark(&self, id: ImportId) -> PathBuf {
        self.run.join(format!("{id}.{MARKING}"))
    }

    /// The imports with a cancel mark, or an unfinished one.
    fn marked(&self) -> Result<HashSet<ImportId>> {
        let failed = |error| Error::storage(format!("'{}' could not be read", self.run.display()), error);
        let mut marked = HashSet::new();
        for file in fs::read_dir(&self.run).map_err(failed)? {
            let name = file.map_err(failed)?.file_name();
            let parts = name.to_str().and_then(|name| name.rsplit_once('.'));
            if let Some((id, MARKED | MARKING)) = parts {
                marked.extend(id.parse::<ImportId>());
            }
        }
        Ok(marked)
    }

    pub(in crate::repository) fn failures(&self, id: ImportId, after: u64, limit: usize) -> Result<Vec<Failure>> {
        let conn = self.conn()?;
        failures_behind(&conn, number(&conn, id)?, after, limit)
    }

    pub(in crate::repository) fn each_failure(
        &self,
        id: ImportId,
        most: u64,
        mut each: impl FnMut(Failure) -> Result<()>,
    ) -> Result<()> {
        let conn = self.conn()?;
        let sql = "SELECT row, cells, problem FROM failure WHERE import = ?1 ORDER BY row LIMIT ?2";
        let mut statement = sql::prepare(&conn, sql)?;
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let mut rows = sql::query(&mut statement, params![number(&conn, id)?, limit])?;
        while let Some(row) = sql::next(&mut rows)? {
            each(read_failure_at(row, 0)?)?;
        }
        Ok(())
    }

    pub(in crate::repository) fn purge_failures(&self, id: ImportId) -> Result<()> {
        self.write(|conn| {
            reports::delete_failures(conn, number(conn, id)?)?;
            let sql = "UPDATE import SET failures_purged = 1, revision = revision + 1 WHERE id = ?1";
            sql::run(conn, sql, [id.to_string()]).map(drop)
        })
    }

    pub(in crate::repository) fn note_warnings(&self, id: ImportId, warnings: &[String]) -> Result<()> {
        self.write_patiently(|conn| {
            let sql = "UPDATE import SET warnings = ?2, revision = revision + 1 WHERE id = ?1";
            sql::run(conn, sql, params![id.to_string(), to_json(warnings)?]).map(drop)
        })
    }

    pub(in crate::repository) fn note_spool_purged(&self, id: ImportId) -> Result<()> {
        let sql = "UPDATE import SET spool_purged = 1, revision = revision + 1 WHERE id = ?1 AND spool_purged = 0";
        self.write(|conn| sql::run(conn, sql, [id.to_string()]).map(drop))
    }

    pub(in crate::repository) fn delete_import(&self, id: ImportId, revision: u64) -> Result<bool> {
        let deleted = self.write(|conn| {
            let number = number(conn, id)?;
            let delete = "DELETE FROM import WHERE number = ?1 AND revision = ?2";
            if sql::run(conn, delete, [number, revision.cast_signed()])? == 0 {
                return Ok(false);
            }
            reports::delete_report(conn, number)?;
            Ok(true)
        })?;
        if deleted {
            self.forget_cancel(id);
        }
        Ok(deleted)
    }

    pub(in crate::repository) fn imports_to_clean_up(&self) -> Result<Vec<(ImportId, TypeName)>> {
        let sql = "SELECT id, object_type FROM import WHERE \"end\" IS NOT NULL AND (spool_purged = 0 \
                   OR EXISTS (SELECT 1 FROM failure WHERE failure.import = import.number)) ORDER BY number";
        sql::all(&*self.conn()?, sql, [], |row| {
            Ok((sql::get::<String>(row, 0)?.parse()?, sql::get::<String>(row, 1)?.parse()?))
        })
    }

    pub(in crate::repository) fn failed_rows(&self, id: ImportId) -> Result<Vec<u64>> {
        let conn = self.conn()?;
        let sql = "SELECT row FROM failure WHERE import = ?1 ORDER BY row";
        sql::all(&conn, sql, [number(&conn, id)?], |row| Ok(sql::get::<i64>(row, 0)?.unsigned_abs()))
    }
}

pub(super) fn insert(conn: &Connection, import: &Import) -> Result<()> {
    let sql = "INSERT INTO import (id, object_type, plan, filename, header, state, begin, size, total, structure, origin) \
               VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?7, ?8, ?9, ?10)";
    let plan = to_json(&import.plan)?;
    let header = to_json(&import.header)?;
    let object_type = import.plan.object_type.to_string();
    let (size, total) = (import.size.cast_signed(), import.counts.total.cast_signed());
    let structure = import.structure.as_ref().map(to_json).transpose()?;
    let id = import.id.to_string();
    let origin = import.plan.origin.name();
    let values = params![id, object_type, plan, import.filename, header, import.begin, size, total, structure, origin];
    sql::run(conn, sql, values).map(drop)
}

/// The short form of an import's id, which objects and failures carry.
pub(super) fn number(conn: &Connection, id: ImportId) -> Result<i64> {
    let found = sql::first(conn, "SELECT number FROM import WHERE id = ?1", [id.to_string()], |row| sql::get(row, 0))?;
    found.ok_or_else(|| no_import(id))
}

pub(super) fn store_failures(conn: &Connection, import: i64, failures: &[Failure]) -> Result<()> {
    let insert = "INSERT INTO failure (import, row, cells, problem) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = sql::prepare(conn, insert)?;
    for failure in failures {
        let cells = to_json(&failure.cells)?;
        sql::execute(&mut insert, params![import, failure.row.cast_signed(), cells, failure.problem.to_string()])?;
    }
    reports::store_groups(conn, import, &Groups::of(failures))
}

/// The import of this number, if there is one.
pub(super) fn at(conn: &Connection, number: i64) -> Result<Option<Import>> {
    sql::first(conn, &format!("SELECT {COLUMNS} FROM import WHERE number = ?1"), [number], read)
}

/// Up to `limit` failures behind a row, in order.
pub(super) fn failures_behind(conn: &Connection, import: i64, after: u64, limit: usize) -> Result<Vec<Failure>> {
    let sql = "SELECT row, cells, problem FROM failure WHERE import = ?1 AND row > ?2 ORDER BY row LIMIT ?3";
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    sql::all(conn, sql, [import, after.cast_signed(), limit], |row| read_failure_at(row, 0))
}

/// Writes the counts of a commit, and how far it got.
pub(super) fn settle(conn: &Connection, import: i64, settled: Settled<'_>) -> Result<()> {
    store_counts(conn, import, settled.counts, settled.warnings)?;
    let sql = "UPDATE import SET settled = ?2, milestones = ?3 WHERE number = ?1";
    sql::run(conn, sql, params![import, settled.records.cast_signed(), to_json(settled.milestones)?])?;
    reports::store_samples(conn, import, settled.samples)
}

fn store_counts(conn: &Connection, import: i64, counts: Counts, warnings: &[String]) -> Result<()> {
    let sql = "UPDATE import SET total = ?2, created = ?3, updated = ?4, unchanged = ?5, failure = ?6, warnings = ?7, \
               revision = revision + 1 WHERE number = ?1";
    let [total, created, updated, unchanged, failure] =
        [counts.total, counts.created, counts.updated, counts.unchanged, counts.failure].map(u64::cast_signed);
    let warnings = to_json(warnings)?;
    sql::run(conn, sql, params![import, total, created, updated, unchanged, failure, warnings]).map(drop)
}

fn read(row: &Row<'_>) -> Result<Import> {
    let text = |column| sql::get::<String>(row, column);
    let count = |column| sql::get::<i64>(row, column).map(i64::unsigned_abs);
    let end = sql::get::<Option<String>>(row, 6)?;
    let ended = || end.clone().ok_or_else(|| Error::internal("an import that is over has no end"));
    let state = match text(4)?.as_str() {
        "queued" => State::Queued,
        "running" => State::Running,
        "finished" => State::Finished { end: ended()? },
        "cancelled" => State::Cancelled { end: ended()?, by: sql::get(row, 21)? },
        "failed" => State::Failed { end: ended()?, problem: from_json(&text(7)?)? },
        other => return Err(Error::internal(format!("import {} is stored as '{other}', which is no state", text(0)?))),
    };
    Ok(Import {
        id: text(0)?.parse()?,
        plan: from_json(&text(1)?)?,
        filename: text(2)?,
        header: from_json(&text(3)?)?,
        state,
        begin: text(5)?,
        warnings: from_json(&text(8)?)?,
        size: count(9)?,
        counts: Counts {
            total: count(10)?,
            created: count(11)?,
            updated: count(12)?,
            unchanged: count(13)?,
            failure: count(14)?,
        },
        settled: count(15)?,
        spool_purged: sql::get(row, 16)?,
        failures_purged: sql::get(row, 17)?,
        revision: count(18)?,
        started: sql::get(row, 19)?,
        structure: sql::get::<Option<String>>(row, 20)?.map(|text| from_json(&text)).transpose()?,
    })
}

/// The failure in three columns, from `first` on.
pub(super) fn read_failure_at(row: &Row<'_>, first: usize) -> Result<Failure> {
    let (cells, problem): (String, String) = (sql::get(row, first + 1)?, sql::get(row, first + 2)?);
    Ok(Failure {
        row: sql::get::<i64>(row, first)?.unsigned_abs(),
        cells: from_json(&cells)?,
        problem: from_json(&problem)?,
    })
}
