//! The applying side of a pass: takes rounds, gives their records outcomes, and commits.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use super::apply::Candidates;
use super::fold::Folds;
use super::milestones::Milestones;
use super::pass::{Commits, Pass, Passed};
use super::round::{Key, Round};
use super::samples::Samples;
use super::touched::Touched;
use super::warnings::{Rows, Warnings};
use crate::error::{Error, Result};
use crate::import::Counts;
use crate::repository::{Due, ObjectNumber, Settled};

/// The state of a pass between rounds.
pub(super) struct Applier<'a> {
    pub(super) pass: Pass<'a>,
    /// Tells the reading thread whether to make entries.
    pub(super) eager: &'a AtomicBool,
    pub(super) counts: Counts,
    /// Those of the last commit.
    committed: Counts,
    /// Records from the start of the file that have an outcome.
    settled: u64,
    pub(super) touched: Touched,
    pub(super) folds: Folds,
    pub(super) warnings: Warnings,
    /// Records that are about no object, where none is to be made.
    pub(super) left_out: Rows,
    /// The hashes of their keys, if a second record of a key fails: 10 to 20 bytes each, which the plan's limit of records
    /// bounds.
    pub(super) left_out_keys: HashSet<u64>,
    milestones: Milestones,
    /// Of a dry run.
    pub(super) samples: Option<Samples>,
    /// When the transaction began.
    opened: Instant,
    pub(super) scratch: Scratch,
}

/// Whether a commit is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Now,
    Soon,
}

/// Room that rounds use again.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) hashes: Vec<u64>,
    pub(super) candidates: Vec<Candidates>,
    pub(super) numbers: Vec<ObjectNumber>,
    pub(super) holders: Vec<ObjectNumber>,
    pub(super) document: String,
    pub(super) key: String,
}

impl<'a> Applier<'a> {
    pub(super) fn new(mut pass: Pass<'a>, eager: &'a AtomicBool, folds: Folds) -> Applier<'a> {
        let earlier = std::mem::take(&mut pass.milestones);
        Applier {
            eager,
            counts: pass.import.counts,
            committed: pass.import.counts,
            settled: 0,
            touched: Touched::default(),
            folds,
            warnings: Warnings::new(pass.import.warnings.clone()),
            left_out: Rows::default(),
            left_out_keys: HashSet::new(),
            milestones: Milestones::new(earlier, pass.import.started.as_deref(), pass.import.settled),
            samples: pass.import.plan.dry_run.then(|| Samples::new(&pass.binding.layout.object_type)),
            opened: Instant::now(),
            scratch: Scratch::default(),
            pass,
        }
    }

    /// Applies what the reading thread has filled until the end of the file, or until stopped.
    pub(super) fn run(&mut self, filled: Receiver<Result<Round>>, emptied: Sender<Round>) -> Result<Passed> {
        let (mut stopped, mut refused) = (false, false);
        for warning in &self.pass.binding.warnings {
            self.warnings.add_once(warning.clone());
        }
        for round in &filled {
            let mut round = round?;
            stopped = (self.pass.is_stopped)();
            if stopped {
                break;
            }
            self.take(&mut round)?;
            refused = self.pass.commits == Commits::Atomic && self.counts.failure > 0;
            if refused {
                break;
            }
            // The reader may be at the end already, and then wants none back.
            let _ = emptied.send(round);
        }
        // Closed before the scan is waited for, so that a stopped reader stops reading.
        drop(filled);
        if !stopped {
            self.note_structure()?;
            let left_out = self.left_out.warning("has no object and was left out", "have no object and were left out");
            left_out.into_iter().for_each(|warning| self.warnings.add(warning));
        }
        if !stopped && !refused && self.settled != self.counts.total {
            let (settled, total) = (self.settled, self.counts.total);
            return Err(Error::internal(format!("the file has {total} records, and {settled} of them were read")));
        }
        self.finish(stopped)?;
        Ok(Passed { counts: self.counts, warnings: self.warnings.all(), stopped })
    }

    fn take(&mut self, round: &mut Round) -> Result<()> {
        let end = round.first + round.len() as u64;
        if self.pass.import.plan.max_records > 0 && end > self.pass.import.plan.max_records {
            self.pass.check_record_count()?;
        }
        if !self.pass.session.is_open() {
            self.pass.scan.wait_nearly();
            self.pass.session.begin()?;
            self.opened = Instant::now();
        }
        self.pass.session.begin_round(round.len())?;
        let settled_before = self.pass.import.settled.saturating_sub(round.first).min(round.len() as u64) as usize;
        if settled_before > 0 {
            self.recall(round, settled_before)?;
        }
        self.apply(round, settled_before)?;
        self.pass.session.end_round()?;
        self.settled = end.max(self.pass.import.settled);
        self.counts.total = self.counts.total.max(end).max(self.pass.progress.total());
        self.pass.progress.set_applied(end);
        self.milestones.reach(self.settled);
        self.keep_pace()
    }

    /// Commits when it is time.
    fn keep_pace(&mut self) -> Result<()> {
        let held = self.opened.elapsed();
        let due = match self.pass.session.due() {
            _ if held >= self.pass.pace.commit_every => Due::Now,
            Due::NotYet if held >= self.pass.pace.commit_every / 2 => Due::Soon,
            due => due,
        };
        match (self.pass.commits, due) {
            (Commits::Failures, _) if self.pass.session.due() == Due::Now => self.commit(When::Now),
            (Commits::Atomic | Commits::Failures, _) => Ok(()),
            (Commits::Batches, _) if self.pass.tempo.is_slow() => {
                self.pass.scan.wait_durable()?;
                self.commit(When::Now)?;
                self.pass.tempo.note_commit();
                Ok(())
            }
            (Commits::Batches, Due::Now) => {
                // The rest of the file will be needed even after a power loss.
                self.pass.scan.wait_durable()?;
                self.commit(When::Soon)
            }
            (Commits::Batches, Due::Soon) => self.pass.scan.start_sync(),
            (Commits::Batches, Due::NotYet) => Ok(()),
        }
    }

    /// Counts the records of the file, and warns of what is legal in it but odd.
    fn note_structure(&mut self) -> Result<()> {
        let structure = self.pass.scan.wait()?;
        self.counts.total = structure.records;
        if structure.records == 0 {
            self.warnings.add_once("the file has a header and no records".to_owned());
        }
        if structure.stray_quotes > 0 {
            let records = if structure.stray_quotes == 1 { "record has" } else { "records have" };
            self.warnings.add_once(format!(
                "{} {records} a quote inside a cell that is not quoted; it was taken as it is",
                structure.stray_quotes
            ));
        }
        Ok(())
    }

    /// Commits what is done, once the whole structure of the file is known to be sound.
    fn commit(&mut self, when: When) -> Result<()> {
        self.pass.check_record_count()?;
        self.counts.total = self.pass.scan.wait()?.records;
        let samples = match &self.samples {
            Some(samples) => samples.all(self.pass.session)?,
            None => Vec::new(),
        };
        let (counts, records) = match self.pass.commits {
            Commits::Batches | Commits::Atomic => (self.counts, self.settled),
            // What is not applied is not counted before all of it is known.
            Commits::Failures => (Counts { total: self.counts.total, ..Counts::default() }, 0),
        };
        let warnings = self.warnings.all();
        let milestones = self.milestones.all();
        let settled = Settled { counts, records, warnings: &warnings, milestones, samples: &samples };
        match when {
            When::Now => self.pass.session.commit(settled)?,
            When::Soon => self.pass.session.commit_soon(settled)?,
        }
        self.committed = self.counts;
        self.opened = Instant::now();
        Ok(())
    }

    fn finish(&mut self, stopped: bool) -> Result<()> {
        let refused = self.counts.failure > 0 || stopped;
        match self.pass.commits {
            Commits::Atomic if refused => self.pass.session.roll_back(),
            Commits::Atomic if !self.pass.session.is_open() => {
                self.pass.session.begin()?;
                self.commit(When::Now)
            }
            _ if !self.pass.session.is_open() => self.pass.session.wait(),
            // Who stops it does not want to wait for the rest of the scan, and without it nothing may be committed.
            _ if stopped && !self.pass.scan.is_sound() => {
                self.counts = self.committed;
                self.pass.session.roll_back()
            }
            _ => {
                if stopped {
                    // Unless it was cancelled, the rest of the file will be needed.
                    self.pass.scan.wait_durable()?;
                }
                self.commit(When::Now)
            }
        }
    }

    /// Learns which objects the records of an earlier run have touched, so that a key still counts once.
    fn recall(&mut self, round: &Round, count: usize) -> Result<()> {
        let index = self.pass.binding.correlation.key.index;
        self.scratch.hashes.clear();
        self.scratch.hashes.extend(round.keys[..count].iter().filter_map(Key::hash));
        self.pass.session.prefetch(index, &mut self.scratch.hashes)?;
        for (at, key) in round.keys[..count].iter().enumerate() {
            let failed = self.pass.failed_rows.binary_search(&round.records.get(at).row()).is_ok();
            if let (Some(hash), false) = (key.hash(), failed)
                && let Some(object) = self.pass.session.holders(index, hash).next()
            {
                self.touched.insert(object);
            }
        }
        Ok(())
    }
}
