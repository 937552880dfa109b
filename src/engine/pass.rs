//! One pass over a file: every record gets its outcome.
//!
//! The pass runs on the calling thread, one round behind the thread that reads. For each round it asks the session for
//! the keys and objects that the round needs, decides record by record in the order of the file, and puts. It commits
//! every now and then ([`Pace`]) or once at the end ([`Commits`]); objects, failures, counts and progress go together.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::time::Instant;

use super::apply::Candidates;
use super::fold::Folds;
use super::header::Binding;
use super::progress::Progress;
use super::reader::Reader;
use super::round::{Key, Round, RoundReader};
use super::scan::StructuralScan;
use super::survey::survey;
use super::touched::Touched;
use crate::config::{Limits, Pace};
use crate::error::{Error, Result};
use crate::import::{Counts, Import};
use crate::plan::DuplicateKeys;
use crate::repository::{Hashes, ObjectNumber, Session, Settled};

/// Warnings are listed up to here, then counted.
const MAX_WARNINGS: usize = 100;

/// When a pass commits, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commits {
    /// Batches of what is done so far: a restart goes on behind the last one.
    Batches,
    /// Everything at the end. A record that fails ends the pass, and nothing is applied.
    Atomic,
    /// Nothing but the failures: the look ahead of an atomic import, in a dry run's session.
    Failures,
}

/// What a pass needs.
pub(crate) struct Pass<'a> {
    pub(crate) import: &'a Import,
    pub(crate) limits: &'a Limits,
    pub(crate) pace: Pace,
    pub(crate) binding: &'a Binding,
    pub(crate) hashes: Hashes,
    pub(crate) session: &'a mut Session,
    pub(crate) file: File,
    pub(crate) scan: &'a mut StructuralScan,
    pub(crate) progress: &'a Progress,
    pub(crate) commits: Commits,
    /// Rows that an earlier run of the same import has stored as failed, in order; it settled `import.settled` records.
    pub(crate) failed_rows: Vec<u64>,
    /// Asked once a round.
    pub(crate) is_cancelled: &'a dyn Fn() -> bool,
}

/// How a pass ended.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) counts: Counts,
    pub(crate) warnings: Vec<String>,
    pub(crate) cancelled: bool,
}

impl Pass<'_> {
    /// Runs to the end of the file, or until cancelled.
    ///
    /// # Errors
    /// What is wrong with the file as a whole, or with the repository. What was committed before stays.
    pub(crate) fn run(self) -> Result<Passed> {
        let reader = Reader::open(self.file.try_clone().map_err(unreadable)?, self.limits)?;
        let repeated = match self.import.plan.duplicate_keys {
            DuplicateKeys::FailLater => HashMap::new(),
            DuplicateKeys::LastWins => {
                let (_, repeated) = survey(reader, self.pace.round, self.binding, self.hashes, self.progress)?;
                repeated
            }
        };
        let mut file = self.file;
        std::io::Seek::rewind(&mut file).map_err(unreadable)?;
        let reader = Reader::open(file, self.limits)?;
        let eager = AtomicBool::new(self.binding.nothing_exists);
        let rounds = RoundReader {
            reader,
            size: self.pace.round,
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
            pace: self.pace,
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
            folds: Folds::new(repeated),
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
pub(super) struct Applier<'a> {
    pub(super) binding: &'a Binding,
    pub(super) hashes: Hashes,
    pub(super) session: &'a mut Session,
    pub(super) pace: Pace,
    pub(super) commits: Commits,
    pub(super) scan: &'a mut StructuralScan,
    pub(super) progress: &'a Progress,
    pub(super) max_records: u64,
    pub(super) is_cancelled: &'a dyn Fn() -> bool,
    pub(super) eager: &'a AtomicBool,
    /// Records settled by an earlier run, and the rows among them that failed.
    pub(super) settled_before: u64,
    pub(super) failed_rows: Vec<u64>,
    pub(super) counts: Counts,
    pub(super) settled: u64,
    pub(super) touched: Touched,
    pub(super) folds: Folds,
    pub(super) warnings: Warnings,
    pub(super) opened: Instant,
    pub(super) scratch: Scratch,
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
            if self.commits == Commits::Atomic && self.counts.failure > 0 {
                break;
            }
            // The reader may be at the end already, and then wants none back.
            let _ = emptied.send(round);
        }
        // Closed before the scan is waited for, so that a cancelled reader stops reading.
        drop(filled);
        if !cancelled {
            self.note_structure()?;
        }
        self.finish(cancelled)?;
        Ok(Passed { counts: self.counts, warnings: self.warnings.all(), cancelled })
    }

    fn take(&mut self, round: &mut Round) -> Result<()> {
        let end = round.first + round.len() as u64;
        if self.max_records > 0 && end > self.max_records {
            self.check_size()?;
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
        self.settled = end.max(self.settled_before);
        self.counts.total = self.counts.total.max(end).max(self.progress.total());
        self.progress.set_applied(end);
        self.keep_pace()
    }

    /// Commits when it is time.
    fn keep_pace(&mut self) -> Result<()> {
        let held = self.opened.elapsed();
        match self.commits {
            Commits::Atomic => Ok(()),
            Commits::Failures | Commits::Batches if self.session.has_many_failures() => self.commit(),
            Commits::Failures => Ok(()),
            Commits::Batches if held >= self.pace.commit_every => {
                // The rest of the file will be needed even after a power loss.
                self.scan.wait_durable()?;
                self.commit()
            }
            Commits::Batches if held >= self.pace.commit_every / 2 => self.scan.start_sync(),
            Commits::Batches => Ok(()),
        }
    }

    /// Refuses a file with more records than the plan allows.
    fn check_size(&mut self) -> Result<()> {
        match self.scan.wait()?.records {
            total if self.max_records > 0 && total > self.max_records => {
                Err(Error::file(format!("the file has {total} records, and {} are allowed", self.max_records)))
            }
            _ => Ok(()),
        }
    }

    /// Counts the records of the file, and warns of what is legal in it but odd.
    fn note_structure(&mut self) -> Result<()> {
        let structure = self.scan.wait()?;
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
    fn commit(&mut self) -> Result<()> {
        self.check_size()?;
        self.counts.total = self.scan.wait()?.records;
        let (counts, records) = match self.commits {
            Commits::Batches | Commits::Atomic => (self.counts, self.settled),
            // What is not applied is not counted before all of it is known.
            Commits::Failures => (Counts { total: self.counts.total, ..Counts::default() }, 0),
        };
        let warnings = self.warnings.all();
        self.session.commit(Settled { counts, records, warnings: &warnings })?;
        self.opened = Instant::now();
        Ok(())
    }

    fn finish(&mut self, cancelled: bool) -> Result<()> {
        let refused = self.counts.failure > 0 || cancelled;
        match self.commits {
            Commits::Atomic if refused => self.session.roll_back(),
            Commits::Atomic if !self.session.is_open() => {
                self.session.begin()?;
                self.commit()
            }
            _ if self.session.is_open() => self.commit(),
            _ => Ok(()),
        }
    }

    /// Learns which objects the records of an earlier run have touched, so that a key still counts once.
    fn recall(&mut self, round: &Round, count: usize) -> Result<()> {
        let index = self.binding.correlation.index;
        self.scratch.hashes.clear();
        self.scratch.hashes.extend(round.keys[..count].iter().filter_map(Key::hash));
        self.session.prefetch(index, &mut self.scratch.hashes)?;
        for (at, key) in round.keys[..count].iter().enumerate() {
            let failed = self.failed_rows.binary_search(&round.records.get(at).row()).is_ok();
            if let (Some(hash), false) = (key.hash(), failed)
                && let Some(object) = self.session.holders(index, hash).next()
            {
                self.touched.insert(object);
            }
        }
        Ok(())
    }
}

/// Warnings, of which only the first are kept.
pub(super) struct Warnings {
    list: Vec<String>,
    more: usize,
}

impl Warnings {
    pub(super) fn add(&mut self, warning: String) {
        if self.list.len() < MAX_WARNINGS { self.list.push(warning) } else { self.more += 1 }
    }

    /// For what a restart or a second pass finds again.
    fn add_once(&mut self, warning: String) {
        if !self.list.contains(&warning) {
            self.add(warning);
        }
    }

    fn all(&self) -> Vec<String> {
        let mut all = self.list.clone();
        if self.more > 0 {
            all.push(format!("... and {} more", self.more));
        }
        all
    }
}
