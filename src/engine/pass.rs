//! One pass over a file: every record gets its outcome.
//!
//! The pass runs on the calling thread, one round behind the thread that reads. For each round it asks the session for
//! the keys and objects that the round needs, decides record by record in the order of the file, and puts. It commits
//! every now and then ([`Pace`]) or once at the end ([`Commits`]); objects, failures, counts and progress go together.

use std::collections::HashMap;
use std::fs::File;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{channel, sync_channel};

use super::applier::Applier;
use super::binding::Binding;
use super::fold::Folds;
use super::progress::Progress;
use super::reader::{Format, Reader};
use super::round::{RoundReader, Rounds};
use super::scan::StructuralScan;
use super::survey::survey;
use super::tempo::Tempo;
use crate::config::{Limits, Pace};
use crate::error::{Error, Result};
use crate::import::{Counts, Import};
use crate::plan::DuplicateKeys;
use crate::report::Milestone;
use crate::repository::{Hashes, Session};

/// When a pass commits, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Commits {
    /// Batches of what is done so far: a restart goes on behind the last one.
    Batches,
    /// Everything at the end. A record that fails ends the pass, and nothing is applied.
    Atomic,
    /// Nothing but the failures, in a dry run's session: a dry run, and the look ahead of an atomic import. A restart
    /// begins anew, so there are no counts before the end that it would have to take back.
    Failures,
}

/// What a pass needs.
pub(crate) struct Pass<'a> {
    pub(crate) import: &'a Import,
    pub(crate) limits: &'a Limits,
    pub(crate) pace: Pace,
    pub(crate) tempo: &'a Tempo,
    pub(crate) binding: &'a Binding,
    pub(crate) hashes: Hashes,
    pub(crate) session: &'a mut Session,
    /// Opens the spooled file.
    pub(crate) file: &'a dyn Fn() -> Result<File>,
    pub(crate) scan: &'a mut StructuralScan,
    pub(crate) progress: &'a Progress,
    pub(crate) commits: Commits,
    /// Rows that an earlier run of the same import has stored as failed, in order; it settled `import.settled` records.
    pub(crate) failed_rows: Vec<u64>,
    /// How far that run was when.
    pub(crate) milestones: Vec<Milestone>,
    /// Asked once a round: whether the import was cancelled, or has to give way.
    pub(crate) is_stopped: &'a dyn Fn() -> bool,
}

/// How a pass ended.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) counts: Counts,
    pub(crate) warnings: Vec<String>,
    /// Before the end of the file, because it was asked to.
    pub(crate) stopped: bool,
}

impl<'a> Pass<'a> {
    /// Runs to the end of the file, or until stopped.
    ///
    /// # Errors
    /// What is wrong with the file as a whole, or with the repository. What was committed before stays.
    pub(crate) fn run(mut self) -> Result<Passed> {
        let repeated = match self.import.plan.duplicate_keys {
            DuplicateKeys::FailLater => HashMap::new(),
            DuplicateKeys::LastWins => {
                self.check_record_count()?;
                survey(self.rounds()?)?
            }
        };
        let eager = AtomicBool::new(self.binding.nothing_exists);
        let reader = RoundReader { rounds: self.rounds()?, eager: &eager };
        let (filled_sender, filled) = sync_channel(1);
        let (emptied, emptied_receiver) = channel();
        let mut applier = Applier::new(self, &eager, Folds::new(repeated));
        std::thread::scope(|scope| {
            let reading = std::thread::Builder::new().name("reader".into());
            reading
                .spawn_scoped(scope, move || reader.run(&filled_sender, &emptied_receiver))
                .map_err(|error| Error::storage("the reading thread could not start", error))?;
            applier.run(filled, emptied)
        })
    }

    /// Refuses a file with more records than the plan allows.
    pub(super) fn check_record_count(&mut self) -> Result<()> {
        self.scan.wait()?.check_record_count(self.import.plan.max_records)
    }

    /// The rounds of the file from its start.
    fn rounds(&self) -> Result<Rounds<'a, File>> {
        let reader = Reader::open_as((self.file)()?, self.limits, Format::of(&self.import.plan)?)?;
        Ok(Rounds {
            reader,
            tempo: self.tempo,
            settled: self.import.settled,
            binding: self.binding,
            hashes: self.hashes,
        })
    }
}
