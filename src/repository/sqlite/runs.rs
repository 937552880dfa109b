//! The ledger of the drop folders: runs of partitions, and the callbacks about them.

use std::collections::HashSet;

use rusqlite::{Connection, Row, params};

use super::sql::{from_json, to_json};
use super::{Sqlite, imports, sql};
use crate::error::{Error, Result};
use crate::import::{Import, ImportId};
use crate::repository::stored::{callback_state, word_of_callback};
use crate::run::{
    Callback, CallbackAttempt, CallbackState, FileOutcome, Run, RunFile, RunId, Step, Trouble, Version, no_run,
};
use crate::schema::TypeName;

const COLUMNS: &str = "number, id, drop_folder, place, partition, marker, step, aside, begin, \"end\", trouble";

const CALLBACK: &str = "SELECT run.id, run.drop_folder, callback.body, callback.state, callback.due, callback.attempts \
                        FROM callback JOIN run ON run.number = callback.run";

impl Sqlite {
    pub(in crate::repository) fn claim_run(&self, run: &Run) -> Result<bool> {
        self.write_patiently(|conn| {
            let sql = "INSERT INTO run (id, drop_folder, place, partition, marker, step, begin) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (place, partition, marker) DO NOTHING";
            let (id, marker, step) = (run.id.to_string(), to_json(&run.marker)?, run.step.name());
            let values = params![id, run.drop_folder, run.place, run.partition, marker, step, run.begin];
            if sql::run(conn, sql, values)? == 0 {
                return Ok(false);
            }
            let number = conn.last_insert_rowid();
            for RunFile { name, version, ignored, .. } in &run.files {
                let sql = "INSERT INTO run_file (run, name, version, ignored) VALUES (?1, ?2, ?3, ?4)";
                sql::run(conn, sql, params![number, name, to_json(version)?, ignored])?;
            }
            Ok(true)
        })
    }

    pub(in crate::repository) fn run_of_marker(
        &self,
        place: &str,
        partition: &str,
        marker: &Version,
    ) -> Result<Option<Run>> {
        let sql = format!("SELECT {COLUMNS} FROM run WHERE place = ?1 AND partition = ?2 AND marker = ?3");
        one(&*self.conn()?, &sql, params![place, partition, to_json(marker)?])
    }

    pub(in crate::repository) fn open_runs(&self, place: &str) -> Result<Vec<Run>> {
        let sql = format!("SELECT {COLUMNS} FROM run WHERE place = ?1 AND \"end\" IS NULL ORDER BY partition, number");
        several(&*self.conn()?, &sql, [place])
    }

    pub(in crate::repository) fn last_run(&self, place: &str, partition: &str) -> Result<Option<Run>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM run WHERE place = ?1 AND partition = ?2 ORDER BY \"end\" IS NOT NULL, number DESC LIMIT 1"
        );
        one(&*self.conn()?, &sql, [place, partition])
    }

    pub(in crate::repository) fn unfiled_imports(&self) -> Result<HashSet<ImportId>> {
        let sql = "SELECT run_file.import FROM run_file JOIN run ON run.number = run_file.run \
                   WHERE run.\"end\" IS NULL AND run.step IN ('claimed', 'imported', 'room_made') \
                   AND run_file.import IS NOT NULL";
        let ids = sql::all(&*self.conn()?, sql, [], |row| sql::get::<String>(row, 0)?.parse())?;
        Ok(ids.into_iter().collect())
    }

    pub(in crate::repository) fn partition_run(&self, id: RunId) -> Result<Option<Run>> {
        one(&*self.conn()?, &format!("SELECT {COLUMNS} FROM run WHERE id = ?1"), [id.to_string()])
    }

    pub(in crate::repository) fn runs(&self, drop_folder: &str, limit: usize) -> Result<Vec<Run>> {
        let sql = format!("SELECT {COLUMNS} FROM run WHERE drop_folder = ?1 ORDER BY number DESC LIMIT ?2");
        several(&*self.conn()?, &sql, params![drop_folder, i64::try_from(limit).unwrap_or(i64::MAX)])
    }

    pub(in crate::repository) fn runs_behind(
        &self,
        drop_folder: &str,
        behind: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Run)>> {
        let sql =
            format!("SELECT {COLUMNS} FROM run WHERE drop_folder = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3");
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let numbered = numbered(&*self.conn()?, &sql, params![drop_folder, i64::MAX - behind, limit])?;
        Ok(numbered.into_iter().map(|(number, run)| (i64::MAX - number, run)).collect())
    }

    pub(in crate::repository) fn run_totals(&self) -> Result<Vec<(String, bool, u64)>> {
        let sql =
            "SELECT drop_folder, success, count(*) FROM run WHERE \"end\" IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2";
        sql::all(&*self.conn()?, sql, [], |row| {
            Ok((sql::get(row, 0)?, sql::get(row, 1)?, sql::get::<i64>(row, 2)?.unsigned_abs()))
        })
    }

    pub(in crate::repository) fn oldest_open_run(&self) -> Result<Option<String>> {
        let sql = "SELECT min(begin) FROM run WHERE \"end\" IS NULL";
        Ok(sql::first(&*self.conn()?, sql, [], |row| sql::get(row, 0))?.flatten())
    }

    pub(in crate::repository) fn undelivered_callbacks(&self) -> Result<(u64, u64)> {
        let sql = "SELECT coalesce(sum(state = 'waiting'), 0), coalesce(sum(state = 'given_up'), 0) FROM callback \
                   WHERE state <> 'delivered'";
        let count = |row: &Row<'_>, column| sql::get::<i64>(row, column).map(i64::unsigned_abs);
        let found = sql::first(&*self.conn()?, sql, [], |row| Ok((count(row, 0)?, count(row, 1)?)))?;
        Ok(found.unwrap_or_default())
    }

    pub(in crate::repository) fn identical_file(
        &self,
        run: &Run,
        object_type: &TypeName,
        digest: &[u8; 32],
    ) -> Result<Option<(Run, RunFile)>> {
        let conn = self.conn()?;
        let is_it = "digest = ?3 AND import IS NOT NULL AND outcome ->> 'success' = 1 \
                     AND outcome -> 'metadata' ->> 'resourcePath' = ?4";
        let sql = format!(
            "SELECT {COLUMNS} FROM run WHERE id <> ?1 AND place = ?2 AND number IN \
             (SELECT run FROM run_file WHERE {is_it}) ORDER BY number DESC LIMIT 1"
        );
        let values = params![run.id.to_string(), run.place, digest.as_slice(), object_type.to_string()];
        let found = one(&conn, &sql, values)?;
        Ok(found.and_then(|earlier| {
            let is_it = |file: &&RunFile| {
                let imported = file.outcome.as_ref().is_some_and(|outcome| outcome.success) && file.import.is_some();
                imported && file.digest.as_ref() == Some(digest)
            };
            let file = earlier.files.iter().find(is_it).cloned();
            file.map(|file| (earlier, file))
        }))
    }

    pub(in crate::repository) fn hand_over_run(&self, run: RunId, drop_folder: &str) -> Result<()> {
        self.write_patiently(|conn| {
            sql::run(conn, "UPDATE run SET drop_folder = ?2 WHERE id = ?1", [&run.to_string(), drop_folder]).map(drop)
        })
    }

    pub(in crate::repository) fn queue_file(
        &self,
        run: RunId,
        name: &str,
        import: &Import,
        digest: &[u8; 32],
    ) -> Result<()> {
        self.write_patiently(|conn| {
            imports::insert(conn, import)?;
            let sql = "UPDATE run_file SET import = ?3, digest = ?4 WHERE run = ?1 AND name = ?2 AND import IS NULL";
            let values = params![number(conn, run)?, name, import.id.to_string(), digest.as_slice()];
            match sql::run(conn, sql, values)? {
                0 => Err(Error::conflict(format!("'{name}' of run {run} has an import already"))),
                _ => Ok(()),
            }
        })
    }

    pub(in crate::repository) fn note_version(&self, run: RunId, name: &str, version: &Version) -> Result<()> {
        self.write_patiently(|conn| {
            let sql = "UPDATE run_file SET version = ?3 WHERE run = ?1 AND name = ?2";
            sql::run(conn, sql, params![number(conn, run)?, name, to_json(version)?]).map(drop)
        })
    }

    pub(in crate::repository) fn note_outcome(
        &self,
        run: RunId,
        name: &str,
        digest: Option<&[u8; 32]>,
        outcome: &FileOutcome,
    ) -> Result<()> {
        self.write_patiently(|conn| {
            let sql = "UPDATE run_file SET outcome = ?3, digest = coalesce(?4, digest) WHERE run = ?1 AND name = ?2";
            let digest = digest.map(<[u8; 32]>::as_slice);
            sql::run(conn, sql, params![number(conn, run)?, name, to_json(outcome)?, digest]).map(drop)
        })
    }

    pub(in crate::repository) fn note_aside(&self, run: RunId, aside: u32) -> Result<()> {
        self.write_patiently(|conn| {
            sql::run(conn, "UPDATE run SET aside = ?2 WHERE id = ?1", params![run.to_string(), aside]).map(drop)
        })
    }

    pub(in crate::repository) fn note_step(&self, run: RunId, step: Step) -> Result<()> {
        self.write_patiently(|conn| {
            let sql = "UPDATE run SET step = ?2, trouble = NULL WHERE id = ?1";
            sql::run(conn, sql, params![run.to_string(), step.name()]).map(drop)
        })
    }

    pub(in crate::repository) fn note_trouble(&self, run: RunId, trouble: Option<&Trouble>) -> Result<()> {
        self.write_patiently(|conn| {
            let sql = "UPDATE run SET trouble = ?2 WHERE id = ?1";
            sql::run(conn, sql, params![run.to_string(), trouble.map(to_json).transpose()?]).map(drop)
        })
    }

    pub(in crate::repository) fn end_run(&self, run: RunId, end: &str, callback: Option<&str>) -> Result<()> {
        self.write_patiently(|conn| {
            let sql = "UPDATE run SET step = ?2, \"end\" = ?3, trouble = NULL, success = \
                       (SELECT count(*) > 0 AND coalesce(min(outcome ->> 'success'), 0) = 1 AND count(outcome) = count(*) \
                       FROM run_file WHERE run_file.run = run.number AND ignored IS NULL) \
                       WHERE id = ?1 AND \"end\" IS NULL";
            if sql::run(conn, sql, params![run.to_string(), Step::Cleared.name(), end])? == 0 {
                return Ok(());
            }
            let Some(body) = callback else { return Ok(()) };
            let sql = "INSERT INTO callback (run, body, state, due) VALUES (?1, ?2, 'waiting', ?3)";
            sql::run(conn, sql, params![number(conn, run)?, body, end]).map(drop)
        })
    }

    pub(in crate::repository) fn due_callbacks(&self, now: &str) -> Result<Vec<Callback>> {
        let sql = format!("{CALLBACK} WHERE state = 'waiting' AND due <= ?1 ORDER BY due, callback.run");
        sql::all(&*self.conn()?, &sql, [now], read_callback)
    }

    pub(in crate::repository) fn callback(&self, run: RunId) -> Result<Option<Callback>> {
        sql::first(&*self.conn()?, &format!("{CALLBACK} WHERE run.id = ?1"), [run.to_string()], read_callback)
    }

    pub(in crate::repository) fn callback_attempts(&self, run: RunId) -> Result<Vec<CallbackAttempt>> {
        let conn = self.conn()?;
        let sql = "SELECT at, status, problem FROM callback_attempt WHERE run = ?1 ORDER BY number";
        sql::all(&conn, sql, [number(&conn, run)?], |row| {
            Ok(CallbackAttempt { at: sql::get(row, 0)?, status: sql::get(row, 1)?, problem: sql::get(row, 2)? })
        })
    }

    pub(in crate::repository) fn note_attempt(
        &self,
        run: RunId,
        attempt: &CallbackAttempt,
        state: &CallbackState,
    ) -> Result<()> {
        self.write_patiently(|conn| {
            let run = number(conn, run)?;
            let sql = "INSERT INTO callback_attempt (run, number, at, status, problem) VALUES \
                       (?1, (SELECT count(*) + 1 FROM callback_attempt WHERE run = ?1), ?2, ?3, ?4)";
            sql::run(conn, sql, params![run, attempt.at, attempt.status, attempt.problem])?;
            let (state, due) = word_of_callback(state);
            let sql = "UPDATE callback SET state = ?2, due = ?3, attempts = attempts + 1 WHERE run = ?1";
            sql::run(conn, sql, params![run, state, due]).map(drop)
        })
    }

    pub(in crate::repository) fn send_callback_again(&self, run: RunId, now: &str) -> Result<()> {
        self.write(|conn| {
            let sql = "UPDATE callback SET state = 'waiting', due = ?2, attempts = 0 WHERE run = ?1";
            match sql::run(conn, sql, params![number(conn, run)?, now])? {
                0 => Err(Error::not_found(format!("nobody was to be told of run {run}"))),
                _ => Ok(()),
            }
        })
    }
}

fn number(conn: &Connection, run: RunId) -> Result<i64> {
    let found = sql::first(conn, "SELECT number FROM run WHERE id = ?1", [run.to_string()], |row| sql::get(row, 0))?;
    found.ok_or_else(|| no_run(run))
}

fn one(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Option<Run>> {
    Ok(several(conn, sql, params)?.into_iter().next())
}

fn several(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Run>> {
    Ok(numbered(conn, sql, params)?.into_iter().map(|(_, run)| run).collect())
}

fn numbered(conn: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<(i64, Run)>> {
    let mut runs = sql::all(conn, sql, params, |row| Ok((sql::get::<i64>(row, 0)?, read(row)?)))?;
    for (number, run) in &mut runs {
        let sql = "SELECT name, version, ignored, import, digest, outcome FROM run_file WHERE run = ?1 ORDER BY name";
        run.files = sql::all(conn, sql, [*number], read_file)?;
    }
    Ok(runs)
}

fn read(row: &Row<'_>) -> Result<Run> {
    let text = |column| sql::get::<String>(row, column);
    Ok(Run {
        id: text(1)?.parse()?,
        drop_folder: text(2)?,
        place: text(3)?,
        partition: text(4)?,
        marker: from_json(&text(5)?)?,
        files: Vec::new(),
        step: from_json(&format!("\"{}\"", text(6)?))?,
        aside: sql::get(row, 7)?,
        begin: text(8)?,
        end: sql::get(row, 9)?,
        trouble: sql::get::<Option<String>>(row, 10)?.map(|text| from_json(&text)).transpose()?,
    })
}

fn read_file(row: &Row<'_>) -> Result<RunFile> {
    Ok(RunFile {
        name: sql::get(row, 0)?,
        version: from_json(&sql::get::<String>(row, 1)?)?,
        ignored: sql::get(row, 2)?,
        import: sql::get::<Option<String>>(row, 3)?.map(|id| id.parse()).transpose()?,
        digest: sql::get(row, 4)?,
        outcome: sql::get::<Option<String>>(row, 5)?.map(|text| from_json(&text)).transpose()?,
    })
}

fn read_callback(row: &Row<'_>) -> Result<Callback> {
    let text = |column| sql::get::<String>(row, column);
    Ok(Callback {
        run: text(0)?.parse()?,
        drop_folder: text(1)?,
        body: text(2)?,
        state: callback_state(&text(3)?, || text(4))?,
        attempts: sql::get(row, 5)?,
    })
}
