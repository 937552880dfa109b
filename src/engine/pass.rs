//! One pass over a file: every record gets its outcome.
//!
//! The pass runs on the calling thread, one round behind the thread that reads. For each round it asks the session for
//! the keys and objects that the round needs, decides record by record in the order of the file, and puts. It commits
//! about every two seconds or once at the end ([`Commits`]); objects, failures, counts and progress go together.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::time::{Duration, Instant};

use super::entry::{Entries, meant};
use super::header::Binding;
use super::outcome::{Decision, decide};
use super::progress::Progress;
use super::reader::{Limits, Reader};
use super::round::{Key, Round, RoundReader};
use super::scan::StructuralScan;
use super::touched::Touched;
use super::survey::survey;
use crate::error::{Error, Result};
use crate::import::{Counts, DuplicateKeys, Failure, Import, Outcome};
use crate::object::elements;
use crate::repository::{Hashes, Holder, ObjectNumber, Session, Settled};
use crate::schema::{Violation, policy_problem};

/// A batched import holds the repository's write lock for about this long at a time.
const LOCK_TIME: Duration = Duration::from_millis(1800);

/// Warnings are listed up to here, then counted.
const MAX_WARNINGS: usize = 100;

/// When a pass commits, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Batches of what is done so far: a restart goes on behind the last one.
    Batches,
    /// Everything at the end, if no record failed; otherwise only the failures.
    Atomic,
    /// Nothing but the failures: the look ahead of an atomic import, in a dry run's session.
    Failures,
}

/// What a pass needs.
pub struct Pass<'a> {
    pub import: &'a Import,
    pub limits: &'a Limits,
    pub binding: &'a Binding,
    pub hashes: Hashes,
    pub session: &'a mut Session,
    pub file: File,
    pub scan: &'a mut StructuralScan,
    pub progress: &'a Progress,
    pub commits: Commits,
    /// Rows that an earlier run of the same import has stored as failed, in order; it settled `import.settled` records.
    pub failed_rows: Vec<u64>,
    /// Asked once a round.
    pub is_cancelled: &'a dyn Fn() -> bool,
}

/// How a pass ended.
#[derive(Debug)]
pub struct Passed {
    pub counts: Counts,
    pub warnings: Vec<String>,
    pub cancelled: bool,
}

impl Pass<'_> {
    /// Runs to the end of the file, or until cancelled.
    ///
    /// # Errors
    /// What is wrong with the file as a whole, or with the repository. What was committed before stays.
    pub fn run(self) -> Result<Passed> {
        let reader = Reader::open(self.file.try_clone().map_err(unreadable)?, self.limits)?;
        let repeated = match self.import.plan.duplicate_keys {
            DuplicateKeys::FailLater => HashMap::new(),
            DuplicateKeys::LastWins => {
                let (_, repeated) = survey(reader, self.binding, self.hashes, self.progress)?;
                repeated
            }
        };
        let mut file = self.file;
        std::io::Seek::rewind(&mut file).map_err(unreadable)?;
        let reader = Reader::open(file, self.limits)?;
        let eager = AtomicBool::new(true);
        let rounds = RoundReader {
            reader,
            binding: self.binding,
            hashes: self.hashes,
            progress: self.progress,
            settled: self.import.settled,
            eager: &eager,
        };
        let (filled_sender, filled) = sync_channel(1);
        let (emptied, emptied_receiver) = channel();
        let mut applier = Applier {
            binding: self.binding,
            hashes: self.hashes,
            session: self.session,
            commits: self.commits,
            scan: self.scan,
            progress: self.progress,
            max_records: self.import.plan.max_records,
            is_cancelled: self.is_cancelled,
            eager: &eager,
            settled_before: self.import.settled,
            failed_rows: self.failed_rows,
            counts: self.import.counts,
            settled: 0,
            touched: Touched::default(),
            folds: Folds { repeated, open: HashMap::new() },
            warnings: Warnings { list: self.import.warnings.clone(), more: 0 },
            opened: Instant::now(),
            scratch: Scratch::default(),
        };
        std::thread::scope(|scope| {
            let reading = std::thread::Builder::new().name("reader".into());
            reading
                .spawn_scoped(scope, move || rounds.run(&filled_sender, &emptied_receiver))
                .map_err(|error| Error::storage("the reading thread could not start", error))?;
            applier.run(filled, emptied)
        })
    }
}

fn unreadable(error: std::io::Error) -> Error {
    Error::storage("the spooled file could not be read", error)
}

/// The state of a pass between rounds.
struct Applier<'a> {
    binding: &'a Binding,
    hashes: Hashes,
    session: &'a mut Session,
    commits: Commits,
    scan: &'a mut StructuralScan,
    progress: &'a Progress,
    max_records: u64,
    is_cancelled: &'a dyn Fn() -> bool,
    eager: &'a AtomicBool,
    /// Records settled by an earlier run, and the rows among them that failed.
    settled_before: u64,
    failed_rows: Vec<u64>,
    counts: Counts,
    settled: u64,
    touched: Touched,
    folds: Folds,
    warnings: Warnings,
    opened: Instant,
    scratch: Scratch,
}

/// Room that rounds use again.
#[derive(Default)]
struct Scratch {
    hashes: Vec<u64>,
    numbers: Vec<ObjectNumber>,
    holders: Vec<Holder>,
    document: String,
    key: String,
}

/// What was found out about a complete key.
enum Found {
    /// No object has it.
    Nobody,
    /// An object that still equals this very record.
    Same(Holder),
    One(Holder),
    /// A record of this file has it already.
    Taken,
    Many(usize),
}

impl Applier<'_> {
    fn run(&mut self, filled: Receiver<Result<Round>>, emptied: Sender<Round>) -> Result<Passed> {
        let mut cancelled = false;
        for round in &filled {
            let mut round = round?;
            if (self.is_cancelled)() {
                cancelled = true;
                break;
            }
            self.take(&mut round)?;
            // The reader may be at the end already, and then wants none back.
            let _ = emptied.send(round);
        }
        // Closed before the scan is waited for, so that a cancelled reader stops reading.
        drop(filled);
        if !cancelled {
            self.counts.total = self.scan.wait()?;
        }
        self.finish(cancelled)?;
        Ok(Passed { counts: self.counts, warnings: self.warnings.all(), cancelled })
    }

    fn take(&mut self, round: &mut Round) -> Result<()> {
        let end = round.first + round.len() as u64;
        if self.max_records > 0 && end > self.max_records {
            let total = self.scan.wait()?;
            return Err(Error::file(format!("too many rows: {total} (maximum {})", self.max_records)));
        }
        if !self.session.is_open() {
            self.scan.wait_nearly();
            self.session.begin()?;
            self.opened = Instant::now();
        }
        let settled_before = self.settled_before.saturating_sub(round.first).min(round.len() as u64) as usize;
        if settled_before > 0 {
            self.recall(round, settled_before)?;
        }
        self.apply(round, settled_before)?;
        self.session.end_round()?;
        self.settled = end;
        self.counts.total = self.counts.total.max(end).max(self.progress.total());
        self.progress.set_applied(end);
        if self.commits == Commits::Batches && self.opened.elapsed() >= LOCK_TIME {
            self.commit()?;
        }
        Ok(())
    }

    /// Commits what is done, once the whole structure of the file is known to be sound.
    fn commit(&mut self) -> Result<()> {
        self.counts.total = self.scan.wait()?;
        if self.settled > self.settled_before || self.counts.total == 0 {
            let warnings = self.warnings.all();
            self.session.commit(Settled { counts: self.counts, records: self.settled, warnings: &warnings })?;
        }
        Ok(())
    }

    fn finish(&mut self, cancelled: bool) -> Result<()> {
        let applied = match self.commits {
            Commits::Batches if self.session.is_open() => return self.commit(),
            Commits::Batches => return Ok(()),
            Commits::Failures => false,
            Commits::Atomic => self.counts.failure == 0 && !cancelled,
        };
        if applied {
            if !self.session.is_open() {
                self.session.begin()?;
            }
            return self.commit();
        }
        self.session.roll_back()?;
        self.session.begin()?;
        let counts = self.counts.nothing_applied();
        let warnings = self.warnings.all();
        self.session.commit(Settled { counts, records: 0, warnings: &warnings })
    }

    /// Learns which objects the records of an earlier run have touched, so that a key still counts once.
    fn recall(&mut self, round: &Round, count: usize) -> Result<()> {
        let index = self.binding.correlation.0;
        self.scratch.hashes.clear();
        self.scratch.hashes.extend(round.keys[..count].iter().filter_map(Key::hash));
        self.session.prefetch(index, &mut self.scratch.hashes)?;
        for (at, key) in round.keys[..count].iter().enumerate() {
            let failed = self.failed_rows.binary_search(&round.records.get(at).row()).is_ok();
            if let (Some(hash), false) = (key.hash(), failed)
                && let Some(holder) = self.session.holders(index, hash).next()
            {
                self.touched.insert(holder.object);
            }
        }
        Ok(())
    }

    /// Gives every record from `start` its outcome.
    fn apply(&mut self, round: &mut Round, start: usize) -> Result<()> {
        let index = self.binding.correlation.0;
        self.scratch.hashes.clear();
        self.scratch.hashes.extend(round.keys[start..].iter().filter_map(Key::hash));
        self.session.prefetch(index, &mut self.scratch.hashes)?;
        let same = self.look_ahead(round, start)?;
        // Whether most of the next round will be settled by fingerprints, as most of this one was.
        self.eager.store(same * 2 < round.len() - start, Ordering::Relaxed);
        for at in start..round.len() {
            let outcome = self.settle(round, at)?;
            self.counts.count(outcome);
        }
        Ok(())
    }

    /// Makes the entries that are needed and reads the objects they will be compared with. Gives the number of records
    /// that need neither.
    fn look_ahead(&mut self, round: &mut Round, start: usize) -> Result<usize> {
        let index = self.binding.correlation.0;
        let mut same = 0;
        let mut numbers = std::mem::take(&mut self.scratch.numbers);
        numbers.clear();
        for at in start..round.len() {
            if let Key::Complete { hash, fingerprint, .. } = round.keys[at] {
                let mut holders = self.session.holders(index, hash);
                let first = holders.next();
                let more = holders.next().is_some();
                if first.is_some_and(|first| !more && first.fingerprint == fingerprint) && !self.folds.concern(hash) {
                    same += 1;
                    continue;
                }
                if first.is_some() {
                    numbers.extend(self.session.holders(index, hash).map(|holder| holder.object));
                }
            }
            round.make_entry(at, self.binding);
        }
        self.prefetch_unique(round, start, &mut numbers)?;
        self.session.prefetch_objects(&mut numbers)?;
        self.scratch.numbers = numbers;
        Ok(same)
    }

    /// Asks for the holders of all values that must be unique, besides the correlation's.
    fn prefetch_unique(&mut self, round: &Round, start: usize, numbers: &mut Vec<ObjectNumber>) -> Result<()> {
        for key in &self.binding.indexes {
            if key.unique.is_none() || key.index == self.binding.correlation.0 {
                continue;
            }
            let mut hashes = Vec::new();
            for at in (start..round.len()).filter(|&at| round.has_entry(at)) {
                let slot = self.binding.places[key.positions[0]].slot;
                if let Some(super::entry::Said::Value(json)) = slot.map(|slot| round.entry(at).said(slot)) {
                    hashes.push(self.hashes.key(&format!("{json}\0")));
                }
            }
            self.session.prefetch(key.index, &mut hashes)?;
            for hash in hashes {
                numbers.extend(self.session.holders(key.index, hash).map(|holder| holder.object));
            }
        }
        Ok(())
    }

    /// Decides about one record and puts what is decided.
    fn settle(&mut self, round: &Round, at: usize) -> Result<Outcome> {
        let (hash, fingerprint) = match round.keys[at] {
            Key::Misshapen => return Ok(self.fail_misshapen(round, at)),
            Key::Incomplete => return Ok(self.fail_without_key(round, at)),
            Key::Complete { hash, fingerprint, .. } => (hash, fingerprint),
        };
        let found = self.find(round, at, hash, fingerprint);
        let mut fingerprint = fingerprint;
        let mut folded = None;
        if self.folds.concern(hash) && round.entry(at).violations().is_empty() {
            match self.folds.fold(hash, round, at) {
                Ok(entries) => folded = Some(entries),
                Err(earlier) => {
                    self.warnings.add(format!(
                        "rows {} and {earlier} have the same {}: the last one counts",
                        round.records.get(at).row(),
                        self.describe_key(round, at)
                    ));
                    return Ok(Outcome::Unchanged);
                }
            }
            // The object will equal several records together, none of them alone.
            fingerprint = 0;
        }
        let holder = match found {
            Found::Same(holder) => {
                self.touched.insert(holder.object);
                return Ok(Outcome::Unchanged);
            }
            Found::Taken => return Ok(self.fail_taken(round, at)),
            Found::Many(count) => {
                let message = format!("{count} objects have the same {}", self.describe_key(round, at));
                return Ok(self.fail(round, at, Error::conflict(message).problem()));
            }
            Found::Nobody => None,
            Found::One(holder) => Some(holder),
        };
        let entry = folded.as_ref().map_or_else(|| round.entry(at), |entries: &Entries| entries.get(0));
        let existing = holder.and_then(|holder| self.session.object(holder.object)).map(|object| object.document);
        let mut document = std::mem::take(&mut self.scratch.document);
        let decision = decide(entry, self.binding, existing, &mut document);
        let outcome = match decision {
            Decision::Refuse(violations) => self.fail_policies(round, at, &violations),
            Decision::Unchanged => {
                let holder = holder.ok_or_else(|| Error::internal("nothing that exists is unchanged"))?;
                self.touched.insert(holder.object);
                if holder.fingerprint != fingerprint {
                    self.session.stamp(self.binding.correlation.0, hash, Holder { fingerprint, ..holder });
                }
                Outcome::Unchanged
            }
            Decision::Create | Decision::Update => self.put(round, at, hash, fingerprint, holder, &document),
        };
        self.scratch.document = document;
        Ok(outcome)
    }

    fn find(&mut self, round: &Round, at: usize, hash: u64, fingerprint: u64) -> Found {
        self.scratch.holders.clear();
        self.scratch.holders.extend(self.session.holders(self.binding.correlation.0, hash));
        let touched = &self.touched;
        match self.scratch.holders.as_slice() {
            [] => return Found::Nobody,
            [holder] if touched.contains(holder.object) => return Found::Taken,
            [holder] if holder.fingerprint == fingerprint && !self.folds.concern(hash) => return Found::Same(*holder),
            _ => {}
        }
        if self.scratch.holders.iter().any(|holder| touched.contains(holder.object)) {
            return Found::Taken;
        }
        // Equal hashes are nearly always equal keys; the stored values decide.
        let Key::Complete { start, end, .. } = round.keys[at] else { return Found::Nobody };
        let wanted = round.key_text(start, end);
        let positions = &self.binding.indexes[self.binding.correlation.0].positions;
        let session = &self.session;
        let key = &mut self.scratch.key;
        self.scratch.holders.retain(|holder| {
            session.object(holder.object).is_some_and(|object| {
                write_key(object.document, positions, key);
                key == wanted
            })
        });
        match self.scratch.holders.as_slice() {
            [] => Found::Nobody,
            [holder] => Found::One(*holder),
            several => Found::Many(several.len()),
        }
    }

    /// Puts a new document, unless a value that must be unique is another object's.
    fn put(
        &mut self,
        round: &Round,
        at: usize,
        hash: u64,
        fingerprint: u64,
        holder: Option<Holder>,
        document: &str,
    ) -> Outcome {
        let changes = match self.key_changes(holder, document) {
            Ok(changes) => changes,
            Err(violations) => return self.fail_policies(round, at, &violations),
        };
        let correlation = self.binding.correlation.0;
        let (object, outcome) = match holder {
            None => (self.session.create(document), Outcome::Created),
            Some(holder) => {
                self.session.update(holder.object, document);
                (holder.object, Outcome::Updated)
            }
        };
        match holder {
            None => self.session.add_key(correlation, hash, Holder { object, fingerprint }),
            Some(_) => self.session.stamp(correlation, hash, Holder { object, fingerprint }),
        }
        for KeyChange { index, old, new } in changes {
            match (old, new) {
                // The record that wrote the object by this key no longer tells what the object is.
                (Some(old), Some(new)) if old == new => {
                    self.session.stamp(index, new, Holder { object, fingerprint: 0 });
                }
                (old, new) => {
                    old.into_iter().for_each(|old| self.session.remove_key(index, old, object));
                    new.into_iter().for_each(|new| self.session.add_key(index, new, Holder { object, fingerprint: 0 }));
                }
            }
        }
        self.touched.insert(object);
        outcome
    }

    /// How the other keys of an object change with its new document, or which of its values are taken.
    fn key_changes(&mut self, holder: Option<Holder>, document: &str) -> Result<Vec<KeyChange>, Vec<Violation>> {
        let mut changes = Vec::new();
        let mut taken = Vec::new();
        let existing = holder.and_then(|holder| self.session.object(holder.object));
        for place in self.binding.indexes.iter().filter(|place| place.index != self.binding.correlation.0) {
            let mut hash_of = |document: &str| {
                write_key(document, &place.positions, &mut self.scratch.key).then(|| self.hashes.key(&self.scratch.key))
            };
            let old = existing.and_then(|object| hash_of(object.document));
            let new = hash_of(document);
            if let (Some(path), Some(hash)) = (&place.unique, new)
                && old != new
            {
                let value = self.scratch.key.trim_end_matches('\0').to_owned();
                let own = holder.map(|holder| holder.object);
                let has_it = |other: Holder| {
                    // One that this file has just put is not among the objects read; its hash must do.
                    Some(other.object) != own
                        && self.session.object(other.object).is_none_or(|object| {
                            self.touched.contains(other.object)
                                || elements_at(object.document, place.positions[0]).as_deref() == Some(value.as_str())
                        })
                };
                if self.session.holders(place.index, hash).any(has_it) {
                    taken.push(Violation::unique(path, &crate::object::plain_text(&value)));
                }
            }
            changes.push(KeyChange { index: place.index, old, new });
        }
        if taken.is_empty() { Ok(changes) } else { Err(taken) }
    }

    fn fail_misshapen(&mut self, round: &Round, at: usize) -> Outcome {
        let record = round.records.get(at);
        let error = if record.has_nul() {
            let column = (0..record.width()).find(|&column| record.cell(column).contains('\0')).unwrap_or(0);
            Error::record(format!("cell {} holds a NUL character, which no property can", column + 1))
        } else {
            let (width, wanted) = (record.width(), self.binding.width);
            let cells = if width == 1 { "cell" } else { "cells" };
            Error::record(format!("the record has {width} {cells}, the header has {wanted} columns"))
        };
        self.fail(round, at, error.problem())
    }

    fn fail_without_key(&mut self, round: &Round, at: usize) -> Outcome {
        let mut violations = round.entry(at).violations().to_vec();
        for &slot in &self.binding.correlation.1 {
            let path = &self.binding.property(&self.binding.slots[slot]).path;
            let is_blank = !matches!(round.entry(at).said(slot), super::entry::Said::Value(_) | super::entry::Said::Wrong);
            if is_blank {
                violations.push(Violation::required(path));
            }
        }
        // What else such an object would lack.
        if let Decision::Refuse(more) = decide(round.entry(at), self.binding, None, &mut self.scratch.document) {
            let known: Vec<_> = violations.iter().map(|violation| violation.property.clone()).collect();
            violations.extend(more.into_iter().filter(|violation| !known.contains(&violation.property)));
        }
        self.fail_policies(round, at, &violations)
    }

    fn fail_taken(&mut self, round: &Round, at: usize) -> Outcome {
        let mut violations =
            if round.has_entry(at) { round.entry(at).violations().to_vec() } else { Vec::new() };
        let record = round.records.get(at);
        for &slot in &self.binding.correlation.1 {
            let slot = &self.binding.slots[slot];
            let value = super::entry::cell_text(record, slot, self.binding);
            violations.push(Violation::unique(&self.binding.property(slot).path, value));
        }
        self.fail_policies(round, at, &violations)
    }

    fn fail_policies(&mut self, round: &Round, at: usize, violations: &[Violation]) -> Outcome {
        let problem = policy_problem(violations);
        self.fail(round, at, problem)
    }

    fn fail(&mut self, round: &Round, at: usize, problem: serde_json::Value) -> Outcome {
        let record = round.records.get(at);
        let cells = (0..record.width()).map(|column| meant(record, column, self.binding).to_owned()).collect();
        self.session.fail(Failure { row: record.row(), cells, problem });
        Outcome::Failed
    }

    /// `userName 'bjensen'`, for messages.
    fn describe_key(&self, round: &Round, at: usize) -> String {
        let record = round.records.get(at);
        let parts: Vec<String> = self
            .binding
            .correlation
            .1
            .iter()
            .map(|&slot| {
                let slot = &self.binding.slots[slot];
                let value = super::entry::cell_text(record, slot, self.binding);
                format!("{} '{value}'", self.binding.property(slot).path)
            })
            .collect();
        parts.join(" and ")
    }
}

/// How one key of an object changes.
struct KeyChange {
    index: usize,
    old: Option<u64>,
    new: Option<u64>,
}

/// Writes the JSON texts at these places, each followed by a NUL; false if one has no value.
fn write_key(document: &str, positions: &[usize], key: &mut String) -> bool {
    let mut parts = Vec::with_capacity(32);
    elements(document, &mut parts);
    key.clear();
    positions.iter().all(|&position| match parts.get(position) {
        None | Some(&"null") => false,
        Some(part) => {
            key.push_str(part);
            key.push('\0');
            true
        }
    })
}

fn elements_at(document: &str, position: usize) -> Option<String> {
    let mut parts = Vec::new();
    elements(document, &mut parts);
    parts.get(position).map(|part| (*part).to_owned())
}

/// Records of repeated keys on their way to being one.
struct Folds {
    /// How many records each repeated key still has to come.
    repeated: HashMap<u64, u32>,
    open: HashMap<u64, (u64, Entries)>,
}

impl Folds {
    fn concern(&self, hash: u64) -> bool {
        !self.repeated.is_empty() && self.repeated.contains_key(&hash)
    }

    /// Adds a record. Gives all records of its key as one entry when it is the last, else the row it is merged with.
    fn fold(&mut self, hash: u64, round: &Round, at: usize) -> Result<Entries, u64> {
        let row = round.records.get(at).row();
        let entry = round.entry(at);
        let older = self.open.remove(&hash);
        let folded = Entries::folded(older.as_ref().map(|(_, entries)| entries.get(0)), entry);
        let left = self.repeated.get_mut(&hash).map_or(0, |left| {
            *left -= 1;
            *left
        });
        if left == 0 {
            return Ok(folded);
        }
        self.open.insert(hash, (row, folded));
        Err(older.map_or(row, |(row, _)| row))
    }
}

/// Warnings, of which only the first are kept.
struct Warnings {
    list: Vec<String>,
    more: usize,
}

impl Warnings {
    fn add(&mut self, warning: String) {
        if self.list.len() < MAX_WARNINGS { self.list.push(warning) } else { self.more += 1 }
    }

    fn all(&self) -> Vec<String> {
        let mut all = self.list.clone();
        if self.more > 0 {
            all.push(format!("... and {} more", self.more));
        }
        all
    }
}
