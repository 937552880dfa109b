//! The ledger of the drop folders: runs of partitions, and the callbacks about them.
//!
//! A run that is over is not changed any more: who comes late with a note was frozen, and others went on without him.

use std::collections::{HashMap, HashSet};

use postgres::Row;

use super::conn::{Conn, Params};
use super::sql::{from_json, to_json};
use super::transaction::Tx;
use super::{Postgres, imports, leases, sql};
use crate::error::{Error, Result};
use crate::import::{Import, ImportId};
use crate::repository::stored::{callback_state, word_of_callback};
use crate::run::{
    Callback, CallbackAttempt, CallbackState, FileOutcome, Run, RunFile, RunId, Step, Trouble, Version, no_run,
};
use crate::schema::TypeName;

const RUNS: &str =
    "SELECT number, id, drop_folder, place, partition, marker, step, aside, began, ended, trouble FROM run";

const CALLBACKS: &str = "SELECT run.number, run.id, run.drop_folder, callback.body, callback.state, callback.due, \
                         callback.attempts FROM callback JOIN run ON run.number = callback.run";

impl Postgres {
    pub(in crate::repository) fn claim_run(&self, run: &Run) -> Result<bool> {
        let (marker, began) = (to_json(&run.marker)?, &run.begin);
        self.write(|tx| {
            let number = tx.take_numbers("run", 1)?;
            let sql = "INSERT INTO run (number, id, drop_folder, place, partition, marker, step, began) \
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (place, partition, marker) DO NOTHING";
            let Run { drop_folder, place, partition, step, .. } = run;
            let values: Params<'_> =
                &[&number, &run.id.uuid(), drop_folder, place, partition, &marker, &step.name(), began];
            if tx.run(sql, values)? == 0 {
                return Ok(false);
            }
            let names: Vec<&str> = run.files.iter().map(|file| file.name.as_str()).collect();
            let versions: Vec<String> = run.files.iter().map(|file| to_json(&file.version)).collect::<Result<_>>()?;
            let ignored: Vec<Option<&str>> = run.files.iter().map(|file| file.ignored.as_deref()).collect();
            let sql = "INSERT INTO run_file (run, name, version, ignored) \
                       SELECT $1, new.name, new.version, new.ignored \
                       FROM unnest($2::text[], $3::text[], $4::text[]) AS new (name, version, ignored)";
            tx.run(sql, &[&number, &names, &versions, &ignored])?;
            self.leases.fence(tx, &leases::of_place(place))?;
            Ok(true)
        })
    }

    pub(in crate::repository) fn run_of_marker(
        &self,
        place: &str,
        partition: &str,
        marker: &Version,
    ) -> Result<Option<Run>> {
        let sql = format!("{RUNS} WHERE place = $1 AND partition = $2 AND marker = $3");
        let marker = to_json(marker)?;
        self.read(|conn| one(conn, &sql, &[&place, &partition, &marker]))
    }

    pub(in crate::repository) fn open_runs(&self, place: &str) -> Result<Vec<Run>> {
        let sql = format!("{RUNS} WHERE place = $1 AND ended IS NULL ORDER BY number");
        let mut runs = self.read(|conn| several(conn, &sql, &[&place]))?;
        runs.sort_by(|one, other| one.partition.cmp(&other.partition));
        Ok(runs)
    }

    pub(in crate::repository) fn last_run(&self, place: &str, partition: &str) -> Result<Option<Run>> {
        let sql = format!("{RUNS} WHERE place = $1 AND partition = $2 ORDER BY ended IS NOT NULL, number DESC LIMIT 1");
        self.read(|conn| one(conn, &sql, &[&place, &partition]))
    }

    pub(in crate::repository) fn unfiled_imports(&self) -> Result<HashSet<ImportId>> {
        let sql = "SELECT run_file.import FROM run JOIN run_file ON run_file.run = run.number \
                   WHERE run.ended IS NULL AND run.step IN ('claimed', 'imported', 'room_made') \
                   AND run_file.import IS NOT NULL";
        let ids = self.read(|conn| conn.all(sql, &[], |row| Ok(ImportId::of_uuid(sql::get(row, 0)?))))?;
        Ok(ids.into_iter().collect())
    }

    pub(in crate::repository) fn partition_run(&self, id: RunId) -> Result<Option<Run>> {
        let sql = format!("{RUNS} WHERE id = $1");
        self.read(|conn| one(conn, &sql, &[&id.uuid()]))
    }

    pub(in crate::repository) fn runs(&self, drop_folder: &str, limit: usize) -> Result<Vec<Run>> {
        Ok(self.runs_behind(drop_folder, 0, limit)?.into_iter().map(|(_, run)| run).collect())
    }

    pub(in crate::repository) fn runs_behind(
        &self,
        drop_folder: &str,
        behind: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Run)>> {
        if !sql::is_storable(drop_folder) {
            return Ok(Vec::new());
        }
        let sql = format!("{RUNS} WHERE drop_folder = $1 AND number < $2 ORDER BY number DESC LIMIT $3");
        let (before, limit) = (i64::MAX - behind, i64::try_from(limit).unwrap_or(i64::MAX));
        let numbered = self.read(|conn| numbered(conn, &sql, &[&drop_folder, &before, &limit]))?;
        Ok(numbered.into_iter().map(|(number, run)| (i64::MAX - number, run)).collect())
    }

    pub(in crate::repository) fn run_totals(&self) -> Result<Vec<(String, bool, u64)>> {
        let sql =
            "SELECT drop_folder, success, count(*) FROM run WHERE ended IS NOT NULL GROUP BY drop_folder, success";
        let mut totals = self.read(|conn| {
            conn.all(sql, &[], |row| {
                Ok((sql::get(row, 0)?, sql::get(row, 1)?, sql::get::<i64>(row, 2)?.unsigned_abs()))
            })
        })?;
        totals.sort();
        Ok(totals)
    }

    pub(in crate::repository) fn oldest_open_run(&self) -> Result<Option<String>> {
        let sql = "SELECT began FROM run WHERE ended IS NULL";
        let began = self.read(|conn| conn.all(sql, &[], |row| sql::get::<String>(row, 0)))?;
        Ok(began.into_iter().min())
    }

    pub(in crate::repository) fn undelivered_callbacks(&self) -> Result<(u64, u64)> {
        let sql = "SELECT state, count(*) FROM callback WHERE state <> 'delivered' GROUP BY state";
        let counts: HashMap<String, i64> = self
            .read(|conn| conn.all(sql, &[], |row| Ok((sql::get(row, 0)?, sql::get(row, 1)?))))?
            .into_iter()
            .collect();
        let count = |state| counts.get(state).map_or(0, |count| count.unsigned_abs());
        Ok((count("waiting"), count("given_up")))
    }

    pub(in crate::repository) fn identical_file(
        &self,
        run: &Run,
        object_type: &TypeName,
        digest: &[u8; 32],
    ) -> Result<Option<(Run, RunFile)>> {
        let same_bytes = "SELECT run.number, run_file.outcome FROM run_file JOIN run ON run.number = run_file.run \
                          WHERE run_file.digest = $1 AND run_file.import IS NOT NULL AND run_file.outcome IS NOT NULL \
                          AND run.id <> $2 AND run.place = $3 ORDER BY run.number DESC";
        let object_type = object_type.to_string();
        let is_it = |outcome: &FileOutcome| outcome.success && outcome.metadata["resourcePath"] == object_type;
        let found = self.read(|conn| {
            let values: Params<'_> = &[&digest.as_slice(), &run.id.uuid(), &run.place];
            for row in conn.query(same_bytes, values)? {
                if is_it(&from_json(&sql::get::<String>(&row, 1)?)?) {
                    return one(conn, &format!("{RUNS} WHERE number = $1"), &[&sql::get::<i64>(&row, 0)?]);
                }
            }
            Ok(None)
        })?;
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
        let sql = "UPDATE run SET drop_folder = $2 WHERE id = $1 AND ended IS NULL RETURNING place";
        self.write(|tx| self.note(tx, sql, &[&run.uuid(), &drop_folder]))
    }

    pub(in crate::repository) fn queue_file(
        &self,
        run: RunId,
        name: &str,
        import: &Import,
        digest: &[u8; 32],
    ) -> Result<()> {
        self.write(|tx| {
            let (number, place, is_open) = key(tx, run)?;
            if !is_open {
                self.leases.fence(tx, &leases::of_place(&place))?;
                return Err(Error::conflict(format!("run {run} is over, and none of its files can be imported")));
            }
            let sql = "UPDATE run_file SET import = $3, digest = $4 WHERE run = $1 AND name = $2 AND import IS NULL";
            if tx.run(sql, &[&number, &name, &import.id.uuid(), &digest.as_slice()])? == 0 {
                return Err(Error::conflict(format!("'{name}' of run {run} has an import already")));
            }
            imports::insert(tx, std::slice::from_ref(import))?;
            self.leases.fence(tx, &leases::of_place(&place))
        })
    }

    pub(in crate::repository) fn note_version(&self, run: RunId, name: &str, version: &Version) -> Result<()> {
        let sql = "UPDATE run_file SET version = $3 WHERE run = $1 AND name = $2";
        let version = to_json(version)?;
        self.note_of_file(run, |tx, number| tx.run(sql, &[&number, &name, &version]).map(drop))
    }

    pub(in crate::repository) fn note_outcome(
        &self,
        run: RunId,
        name: &str,
        digest: Option<&[u8; 32]>,
        outcome: &FileOutcome,
    ) -> Result<()> {
        let sql = "UPDATE run_file SET outcome = $3, digest = coalesce($4, digest) WHERE run = $1 AND name = $2";
        let (outcome, digest) = (to_json(outcome)?, digest.map(<[u8; 32]>::as_slice));
        self.note_of_file(run, |tx, number| tx.run(sql, &[&number, &name, &outcome, &digest]).map(drop))
    }

    pub(in crate::repository) fn note_aside(&self, run: RunId, aside: u32) -> Result<()> {
        let sql = "UPDATE run SET aside = $2 WHERE id = $1 AND ended IS NULL RETURNING place";
        self.write(|tx| self.note(tx, sql, &[&run.uuid(), &i64::from(aside)]))
    }

    pub(in crate::repository) fn note_step(&self, run: RunId, step: Step) -> Result<()> {
        let sql = "UPDATE run SET step = $2, trouble = NULL WHERE id = $1 AND ended IS NULL RETURNING place";
        self.write(|tx| self.note(tx, sql, &[&run.uuid(), &step.name()]))
    }

    pub(in crate::repository) fn note_trouble(&self, run: RunId, trouble: Option<&Trouble>) -> Result<()> {
        let sql = "UPDATE run SET trouble = $2 WHERE id = $1 AND ended IS NULL RETURNING place";
        let trouble = trouble.map(to_json).transpose()?;
        self.write(|tx| self.note(tx, sql, &[&run.uuid(), &trouble]))
    }

    /// Changes a row of the ledger by a statement that gives the place of the run.
    ///
    /// A run that is over is left as it is; but if somebody else ended it, who asks must not go on either.
    fn note(&self, tx: &mut Tx, sql: &str, values: Params<'_>) -> Result<()> {
        let read = |row: &Row| sql::get::<String>(row, 0);
        let place = match tx.first(sql, values, read)? {
            None => tx.first("SELECT place FROM run WHERE id = $1", &values[..1], read)?,
            place => place,
        };
        place.map_or(Ok(()), |place| self.leases.fence(tx, &leases::of_place(&place)))
    }

    /// Changes what is known of a file of this run.
    fn note_of_file(&self, run: RunId, mut change: impl FnMut(&mut Tx, i64) -> Result<()>) -> Result<()> {
        self.write(|tx| {
            let (number, place, is_open) = key(tx, run)?;
            if is_open {
                change(tx, number)?;
            }
            self.leases.fence(tx, &leases::of_place(&place))
        })
    }

    pub(in crate::repository) fn end_run(&self, run: RunId, end: &str, callback: Option<&str>) -> Result<()> {
        self.write(|tx| {
            let Some((number, ended)) = numbered(tx, &format!("{RUNS} WHERE id = $1"), &[&run.uuid()])?.pop() else {
                return Ok(());
            };
            let sql = "UPDATE run SET step = $2, ended = $3, trouble = NULL, success = $4 \
                       WHERE number = $1 AND ended IS NULL";
            if tx.run(sql, &[&number, &Step::Cleared.name(), &end, &ended.is_success()])? == 0 {
                return self.leases.fence(tx, &leases::of_place(&ended.place));
            }
            if let Some(body) = callback {
                let sql = "INSERT INTO callback (run, body, state, due) VALUES ($1, $2, 'waiting', $3)";
                tx.run(sql, &[&number, &body, &end])?;
            }
            self.leases.fence(tx, &leases::of_place(&ended.place))
        })
    }

    pub(in crate::repository) fn due_callbacks(&self, now: &str) -> Result<Vec<Callback>> {
        // All moments have one form, so that every collation compares them as bytes.
        let sql = format!("{CALLBACKS} WHERE callback.state = 'waiting' AND callback.due <= $1 ORDER BY run.number");
        let mut due = self.read(|conn| {
            let read = |row: &Row| Ok((sql::get::<String>(row, 5)?, read_callback(row)?));
            conn.all(&sql, &[&now], read)
        })?;
        due.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(due.into_iter().map(|(_, callback)| callback).collect())
    }

    pub(in crate::repository) fn callback(&self, run: RunId) -> Result<Option<Callback>> {
        let sql = format!("{CALLBACKS} WHERE run.id = $1");
        self.read(|conn| conn.first(&sql, &[&run.uuid()], read_callback))
    }

    pub(in crate::repository) fn callback_attempts(&self, run: RunId) -> Result<Vec<CallbackAttempt>> {
        let sql = "SELECT at, status, problem FROM callback_attempt WHERE run = $1 ORDER BY number";
        self.read(|conn| {
            let (number, ..) = key(conn, run)?;
            conn.all(sql, &[&number], |row| {
                let status = sql::get::<Option<i64>>(row, 1)?.and_then(|status| u16::try_from(status).ok());
                Ok(CallbackAttempt { at: sql::get(row, 0)?, status, problem: sql::get(row, 2)? })
            })
        })
    }

    pub(in crate::repository) fn note_attempt(
        &self,
        run: RunId,
        attempt: &CallbackAttempt,
        state: &CallbackState,
    ) -> Result<()> {
        let CallbackAttempt { at, status, problem } = attempt;
        let status = status.map(i64::from);
        let (state, due) = word_of_callback(state);
        self.write(|tx| {
            let (number, ..) = key(tx, run)?;
            // First of all, so that of two attempts that are noted at once the second counts the first. What has arrived
            // stays so, whoever could not deliver it a second time.
            let sql = "UPDATE callback SET attempts = attempts + 1, \
                       due = CASE WHEN state = 'delivered' THEN due ELSE $3 END, \
                       state = CASE WHEN state = 'delivered' THEN state ELSE $2 END WHERE run = $1";
            tx.run(sql, &[&number, &state, &due])?;
            let sql = "INSERT INTO callback_attempt (run, number, at, status, problem) \
                       SELECT $1, count(*) + 1, $2, $3, $4 FROM callback_attempt WHERE run = $1";
            tx.run(sql, &[&number, at, &status, problem]).map(drop)
        })
    }

    pub(in crate::repository) fn send_callback_again(&self, run: RunId, now: &str) -> Result<()> {
        self.write(|tx| {
            let (number, ..) = key(tx, run)?;
            let sql = "UPDATE callback SET state = 'waiting', due = $2, attempts = 0 WHERE run = $1";
            match tx.run(sql, &[&number, &now])? {
                0 => Err(Error::not_found(format!("nobody was to be told of run {run}"))),
                _ => Ok(()),
            }
        })
    }
}

/// The number of a run, its place, and whether it is not over.
fn key(conn: &mut Conn, run: RunId) -> Result<(i64, String, bool)> {
    let found = conn.first("SELECT number, place, ended IS NULL FROM run WHERE id = $1", &[&run.uuid()], |row| {
        Ok((sql::get(row, 0)?, sql::get(row, 1)?, sql::get(row, 2)?))
    })?;
    found.ok_or_else(|| no_run(run))
}

fn one(conn: &mut Conn, sql: &str, values: Params<'_>) -> Result<Option<Run>> {
    Ok(several(conn, sql, values)?.into_iter().next())
}

fn several(conn: &mut Conn, sql: &str, values: Params<'_>) -> Result<Vec<Run>> {
    Ok(numbered(conn, sql, values)?.into_iter().map(|(_, run)| run).collect())
}

/// The runs that a statement finds, with their numbers, and with their files, which are asked for all at once.
fn numbered(conn: &mut Conn, sql: &str, values: Params<'_>) -> Result<Vec<(i64, Run)>> {
    let mut runs = conn.all(sql, values, |row| Ok((sql::get::<i64>(row, 0)?, read(row)?)))?;
    let numbers: Vec<i64> = runs.iter().map(|(number, _)| *number).collect();
    if numbers.is_empty() {
        return Ok(runs);
    }
    let sql = "SELECT run, name, version, ignored, import, digest, outcome FROM run_file WHERE run = ANY($1)";
    let mut files: HashMap<i64, Vec<RunFile>> = HashMap::new();
    for (run, file) in conn.all(sql, &[&numbers], |row| Ok((sql::get::<i64>(row, 0)?, read_file(row)?)))? {
        files.entry(run).or_default().push(file);
    }
    for (number, run) in &mut runs {
        run.files = files.remove(number).unwrap_or_default();
        run.files.sort_by(|one, other| one.name.cmp(&other.name));
    }
    Ok(runs)
}

fn read(row: &Row) -> Result<Run> {
    let text = |column| sql::get::<String>(row, column);
    Ok(Run {
        id: RunId::of_uuid(sql::get(row, 1)?),
        drop_folder: text(2)?,
        place: text(3)?,
        partition: text(4)?,
        marker: from_json(&text(5)?)?,
        files: Vec::new(),
        step: from_json(&format!("\"{}\"", text(6)?))?,
        aside: sql::get::<Option<i64>>(row, 7)?.and_then(|aside| u32::try_from(aside).ok()),
        begin: text(8)?,
        end: sql::get(row, 9)?,
        trouble: sql::get::<Option<String>>(row, 10)?.map(|text| from_json(&text)).transpose()?,
    })
}

fn read_file(row: &Row) -> Result<RunFile> {
    Ok(RunFile {
        name: sql::get(row, 1)?,
        version: from_json(&sql::get::<String>(row, 2)?)?,
        ignored: sql::get(row, 3)?,
        import: sql::get::<Option<uuid::Uuid>>(row, 4)?.map(ImportId::of_uuid),
        digest: sql::get::<Option<Vec<u8>>>(row, 5)?.map(sql::digest).transpose()?,
        outcome: sql::get::<Option<String>>(row, 6)?.map(|text| from_json(&text)).transpose()?,
    })
}

fn read_callback(row: &Row) -> Result<Callback> {
    let text = |column| sql::get::<String>(row, column);
    let attempts = sql::get::<i64>(row, 6)?;
    Ok(Callback {
        run: RunId::of_uuid(sql::get(row, 1)?),
        drop_folder: text(2)?,
        body: text(3)?,
        state: callback_state(&text(4)?, || text(5))?,
        attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
    })
}
