//! The writing side of a session: transactions of objects, failures, keys and progress.
//!
//! Locks are taken in the order that all writers keep: the type, if it changes; objects; removed keys, added keys.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::Postgres;
use super::super::conn::{Conn, Params, Pool};
use super::super::leases::{self, Leases};
use super::super::reports;
use super::super::sql;
use super::super::transaction::Tx;
use super::super::views;
use super::ask;
use super::journal::{self, Keys, Neighbour};
use super::known::Fetched;
use super::puts::{Failed, Flushed};
use super::reader;
use super::rows::Rows;
use crate::error::{Error, Kind, Result};
use crate::import::Counts;
use crate::repository::{ObjectNumber, Settled, StoredType};
use crate::schema::TypeName;

/// Objects that are changed by one statement, more or less: enough that each costs little.
const ENOUGH_STAGED: usize = 2048;

/// What a commit says about the import, kept until it is made.
pub(super) struct Settling {
    counts: Counts,
    records: u64,
    /// These as JSON.
    warnings: String,
    milestones: String,
    samples: Option<String>,
}

impl Settling {
    pub(super) fn new(settled: Settled<'_>) -> Result<Settling> {
        let Settled { counts, records, warnings, milestones, samples } = settled;
        Ok(Settling {
            counts,
            records,
            warnings: sql::to_json(warnings)?,
            milestones: sql::to_json(milestones)?,
            samples: if samples.is_empty() { None } else { Some(sql::to_json(samples)?) },
        })
    }
}

/// See the module's head.
pub(super) struct Writer {
    pool: Pool,
    leases: Arc<Leases>,
    name: TypeName,
    object_type: i64,
    import: i64,
    /// The records that were settled by the last commit.
    settled: i64,
    /// The places of properties, until they are stored: those of columns that the file brought to a type without a schema
    /// are kept with the first objects that use them. A file of which nothing is applied leaves no trace in the type.
    positions: Option<String>,
    /// Whether the transaction has put them.
    positions_are_put: bool,
    /// The objects that wait in `staged_object`.
    staged: HashSet<ObjectNumber>,
    /// Whether the transaction has stored new places of properties.
    has_new_positions: bool,
    /// Between two transactions.
    conn: Option<Conn>,
    tx: Option<Tx>,
}

impl Writer {
    pub(super) fn new(repository: &Postgres, stored: &StoredType, import: i64, settled: i64) -> Result<Writer> {
        Ok(Writer {
            pool: repository.pool.clone(),
            leases: Arc::clone(&repository.leases),
            name: stored.object_type.name().clone(),
            object_type: stored.number,
            import,
            settled,
            positions: Some(sql::to_json(stored.object_type.positions())?),
            positions_are_put: false,
            staged: HashSet::new(),
            has_new_positions: false,
            conn: None,
            tx: None,
        })
    }

    /// One that writes nothing but reports.
    pub(super) fn of_reports(self) -> Writer {
        Writer { positions: None, ..self }
    }

    /// Writes what was put, still uncommitted.
    pub(super) fn put(&mut self, flushed: &Flushed) -> Result<()> {
        self.store_positions()?;
        if let Some(rows) = &flushed.created {
            let copy = "COPY object (object_type, number, id, chosen_id, revision, import, fingerprint, document) \
                        FROM STDIN BINARY";
            self.work(|tx| tx.copy(copy, rows))?;
        }
        if let Some((rows, numbers)) = &flushed.changed {
            if numbers.iter().any(|number| self.staged.contains(number)) {
                self.change()?;
            }
            let copy =
                "COPY staged_object (import, object_type, number, seen, fingerprint, document) FROM STDIN BINARY";
            self.work(|tx| tx.copy(copy, rows))?;
            self.staged.extend(numbers);
            // While the engine is at the next rounds, and not all of it when it waits for the last commit.
            if self.staged.len() >= ENOUGH_STAGED {
                self.change()?;
            }
        }
        self.keep_failures(flushed.failures.as_ref())
    }

    /// Writes failures and their groups, still uncommitted.
    pub(super) fn keep_failures(&mut self, failed: Option<&Failed>) -> Result<()> {
        let import = self.import;
        if let Some(Failed { rows, groups }) = failed {
            let copy = "COPY failure (import, row, cells, problem) FROM STDIN BINARY";
            self.work(|tx| {
                tx.copy(copy, rows)?;
                reports::store_groups(tx, import, groups)
            })?;
        }
        Ok(())
    }

    /// Changes objects and their keys, still uncommitted.
    pub(super) fn put_keys(&mut self, Keys { changes, neighbours }: Keys) -> Result<()> {
        self.change()?;
        let (removals, additions) = journal::net(changes);
        if !removals.is_empty() {
            let import = self.import;
            let mut rows = Rows::default();
            for pair in removals {
                rows.begin(4);
                for value in [import, pair.index, pair.hash, pair.object] {
                    rows.number(value);
                }
            }
            let rows = rows.finished();
            let copy = "COPY staged_removal (import, key_index, hash, object) FROM STDIN BINARY";
            let delete = "DELETE FROM key_pair USING staged_removal AS staged WHERE staged.import = $1 \
                          AND key_pair.key_index = staged.key_index AND key_pair.hash = staged.hash \
                          AND key_pair.object = staged.object";
            self.work(|tx| {
                tx.copy(copy, &rows)?;
                tx.run(delete, &[&import])?;
                tx.run("DELETE FROM staged_removal WHERE import = $1", &[&import])
            })?;
        }
        self.look_at_neighbours(&neighbours)?;
        if !additions.is_empty() {
            let mut rows = Rows::default();
            for pair in additions {
                rows.begin(4);
                for value in [pair.index, pair.hash, pair.tie, pair.object] {
                    rows.number(value);
                }
            }
            let rows = rows.finished();
            let copy = "COPY key_pair (key_index, hash, tie, object) FROM STDIN BINARY";
            self.work(|tx| tx.copy(copy, &rows))?;
        }
        Ok(())
    }

    /// Commits what was written, with the counts and how far they reach.
    pub(super) fn commit(&mut self, settling: &Settling) -> Result<()> {
        self.store_positions()?;
        let (leases, lease) = (Arc::clone(&self.leases), leases::of_type(&self.name));
        let (import, before) = (self.import, self.settled);
        let after = settling.records.cast_signed();
        let Counts { total, created, updated, unchanged, failure } = settling.counts;
        let [total, created, updated, unchanged, failure] =
            [total, created, updated, unchanged, failure].map(u64::cast_signed);
        let settle = "UPDATE import_progress SET total = $2, created = $3, updated = $4, unchanged = $5, failure = $6, \
                      settled = $7, warnings = $8, milestones = $10, revision = revision + 1 \
                      WHERE import = $1 AND settled = $9";
        let Settling { warnings, milestones, samples, .. } = settling;
        let settled = self.work(|tx| {
            let values: Params<'_> =
                &[&import, &total, &created, &updated, &unchanged, &failure, &after, warnings, &before, milestones];
            let settled = tx.run(settle, values)?;
            samples.as_ref().map_or(Ok(()), |samples| reports::store_samples(tx, import, samples))?;
            Ok(settled)
        })?;
        // Whoever has lost the lease must not try again.
        self.work(|tx| leases.fence(tx, &lease))?;
        if settled == 0 {
            return Err(overtaken("its record is no longer as it was"));
        }
        if let Some(tx) = self.tx.take() {
            let conn = tx.commit().map_err(repairable)?;
            // One that was lent, to ask what became of the commit, is for short statements.
            if conn.is_lent() {
                conn.give_back();
            } else {
                self.conn = Some(conn);
            }
        }
        self.settled = after;
        self.positions = None;
        if std::mem::take(&mut self.has_new_positions) {
            views::make_view(&self.pool, &self.name);
        }
        Ok(())
    }

    /// Forgets what was written since the last commit.
    pub(super) fn roll_back(&mut self) {
        self.tx.take().into_iter().for_each(Tx::roll_back);
        self.staged.clear();
        self.positions_are_put = false;
        self.has_new_positions = false;
    }

    /// These objects as the transaction sees them.
    pub(super) fn objects(&mut self, numbers: &[ObjectNumber]) -> Result<Fetched> {
        let object_type = self.object_type;
        self.change()?;
        self.work(|tx| {
            let mut found = Fetched::default();
            ask::objects(tx, object_type, numbers, |number, revision, document| {
                found.keep(number, revision, document)
            })?;
            Ok(found)
        })
    }

    /// Whether a transaction is open.
    pub(super) fn is_open(&self) -> bool {
        self.tx.is_some()
    }

    /// Looks for something, in the transaction if one is open.
    pub(super) fn look<T>(&mut self, look: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
        if self.is_open() {
            return self.work(|tx| look(tx));
        }
        let mut conn = self.connected()?;
        let found = look(&mut conn)?;
        self.conn = Some(conn);
        Ok(found)
    }

    fn connected(&mut self) -> Result<Conn> {
        self.conn.take().map_or_else(|| reader::connect(&self.pool, "import"), Ok)
    }

    /// Does something in the transaction, which is begun if need be.
    pub(super) fn work<T>(&mut self, work: impl FnOnce(&mut Tx) -> Result<T>) -> Result<T> {
        if self.tx.is_none() {
            self.tx = Some(self.connected().and_then(Tx::begin).map_err(repairable)?);
        }
        let Some(tx) = &mut self.tx else { return Err(Error::internal("a transaction that was begun is gone")) };
        let done = work(tx);
        done.map_err(repairable)
    }

    /// Changes objects, unless one is no longer what was seen.
    fn change(&mut self) -> Result<()> {
        let staged = std::mem::take(&mut self.staged).len() as u64;
        if staged == 0 {
            return Ok(());
        }
        let change = "UPDATE object SET \
                      revision = object.revision + CASE WHEN staged.document IS NULL THEN 0 ELSE 1 END, \
                      import = CASE WHEN staged.document IS NULL THEN object.import ELSE staged.import END, \
                      fingerprint = staged.fingerprint, document = coalesce(staged.document, object.document) \
                      FROM staged_object AS staged WHERE staged.import = $1 AND object.object_type = $2 \
                      AND object.object_type = staged.object_type AND object.number = staged.number \
                      AND object.revision = staged.seen";
        let (import, object_type) = (self.import, self.object_type);
        let changed = self.work(|tx| {
            let changed = tx.run(change, &[&import, &object_type])?;
            tx.run("DELETE FROM staged_object WHERE import = $1", &[&import]).map(|_| changed)
        })?;
        if changed == staged { Ok(()) } else { Err(overtaken("another process has written objects of the file")) }
    }

    /// Makes sure, until the commit, that values with the hash of a value that must be unique are other ones still: of each
    /// hash, the object that has the place of those that are alone is one that was seen, and is as it was seen. Nearly always
    /// there are none; those there are were nearly always seen while somebody changed them.
    fn look_at_neighbours(&mut self, neighbours: &[Neighbour]) -> Result<()> {
        let hold = "SELECT object FROM key_pair WHERE key_index = $1 AND hash = $2 AND tie = 0 FOR UPDATE";
        let look = "SELECT revision FROM object WHERE object_type = $1 AND number = $2";
        let object_type = self.object_type;
        for seen in neighbours.chunk_by(|one, other| (one.index, one.hash) == (other.index, other.hash)) {
            let Neighbour { index, hash, .. } = seen[0];
            let now = self.work(|tx| {
                let Some(object) = tx.first(hold, &[&index, &hash], |row| sql::get(row, 0))? else { return Ok(None) };
                let revision: Option<i64> = tx.first(look, &[&object_type, &object], |row| sql::get(row, 0))?;
                Ok(revision.map(|revision| (object, revision.cast_unsigned())))
            })?;
            if !seen.iter().any(|neighbour| Some((neighbour.object, neighbour.revision)) == now) {
                return Err(overtaken("another process has changed a value that must be unique"));
            }
        }
        Ok(())
    }

    fn store_positions(&mut self) -> Result<()> {
        let object_type = self.object_type;
        if let (Some(positions), false) = (self.positions.clone(), self.positions_are_put) {
            let keep = "UPDATE object_type SET positions = $2 WHERE number = $1 AND positions <> $2";
            self.has_new_positions = self.work(|tx| tx.run(keep, &[&object_type, &positions]))? > 0;
            self.positions_are_put = true;
        }
        Ok(())
    }
}

/// What the server says, unless deciding again may help: another process was faster, or what was written is lost.
pub(super) fn repairable(error: Error) -> Error {
    let helps = sql::is_passing(&error) || sql::is_taken(&error);
    if helps { overtaken(&error.to_string()).caused_by(error) } else { error }
}

/// What was decided has to be decided again.
pub(super) fn overtaken(why: &str) -> Error {
    Error::new(Kind::Outdated, format!("what the import put is not committed: {why}"))
}
