//! One attempt at an import: from its spooled bytes to its end, or to where it was stopped.

use std::sync::Arc;
use std::time::Duration;

use super::Worker;
use crate::app::App;
use crate::clock;
use crate::engine::binding::Binding;
use crate::engine::columns::{Columns, column_names};
use crate::engine::inspect::Inspection;
use crate::engine::layout::Layout;
use crate::engine::pass::{Commits, Pass, Passed};
use crate::engine::progress::Progress;
use crate::engine::reader::Format;
use crate::engine::references::{Referring, Target, Unresolved};
use crate::engine::scan::StructuralScan;
use crate::engine::tempo::Tempo;
use crate::error::{Error, Kind, Result};
use crate::fault::Fault;
use crate::import::{Counts, Import, State};
use crate::plan::OnFailure;
use crate::repository::{Attempt, Mode, StoredType};
use crate::schema::TypeName;

/// What references hold: the property that finds Gainsight PX's users and accounts.
const ID: &str = "id";

/// Passes over a file that may be in vain one after the other, and how long to wait between two of them.
const MOST_SETBACKS: u32 = 100;
const SETBACK: Duration = Duration::from_millis(10);
const LONGEST_SETBACK: Duration = Duration::from_millis(500);

/// An import that has begun to run.
pub(super) struct Started<'a> {
    pub(super) worker: &'a Worker,
    pub(super) app: &'a App,
    pub(super) import: Import,
    pub(super) progress: &'a Arc<Progress>,
}

impl Started<'_> {
    /// How the import ended; nothing if it has to go on later.
    pub(super) fn run(mut self) -> Result<Option<Ended>> {
        let reader = self.app.open_spooled(self.import.id, &self.import.plan)?;
        self.note_header(column_names(&reader))?;
        let Import { header, plan, .. } = &self.import;
        let stored = self.app.object_type(&plan.object_type)?;
        let columns = Columns::new(header, &stored.object_type, plan);
        let row = reader.header_row();
        let mut scan = self.scan()?;
        if let Some(refusal) = columns.refusal(&stored.object_type, row) {
            // A file that is all or nothing is corrected once, so all that is wrong with it is told at once.
            return match plan.on_failure {
                OnFailure::SkipRecord => Err(refusal),
                OnFailure::RejectFile => self.refuse(&columns, refusal, &stored, &mut scan),
            };
        }
        let stored = self.app.repository.prepare_type(&plan.object_type, &columns.filled(), &plan.correlation);
        let stored = stored.map_err(|error| if error.kind() == Kind::File { error.at_row(row) } else { error })?;
        let binding = Binding::new(header, &columns, &stored, plan, self.app.repository.hashes())?;
        let atomic = plan.on_failure == OnFailure::RejectFile;
        let tempo = Tempo::new(self.app.config.pace.round);
        let mut passing = Passing { started: &self, stored: &stored, binding, tempo };
        let passed = match (atomic, plan.dry_run) {
            (false, false) => passing.batched(&mut scan)?,
            (_, true) => passing.dry_run(&mut scan)?,
            (true, false) => passing.atomic(&mut scan)?,
        };
        let Some(passed) = passed else { return Ok(None) };
        Ok(self.ended(passed, |passed, by| Ended::of(passed, atomic, &self.import, by)))
    }

    /// Notes the names of the columns. Whoever queued the import may not have looked at its bytes.
    fn note_header(&mut self, header: Vec<String>) -> Result<()> {
        if header != self.import.header {
            self.app.repository.note_header(self.import.id, &header)?;
            self.import.header = header;
        }
        Ok(())
    }

    fn scan(&self) -> Result<StructuralScan> {
        let Started { app, import, progress, .. } = self;
        match &import.structure {
            Some(structure) => Ok(StructuralScan::known(structure.clone(), progress)),
            None => {
                let file = app.spool.read(import.id)?;
                StructuralScan::start(file, &app.config.limits, Format::of(&import.plan)?, progress)
            }
        }
    }

    /// Ends an import whose columns do not fit, once it is known what else is wrong with its file.
    fn refuse(
        &self,
        columns: &Columns,
        refusal: Error,
        stored: &StoredType,
        scan: &mut StructuralScan,
    ) -> Result<Option<Ended>> {
        let counted = scan.wait().and_then(|structure| structure.check_record_count(self.import.plan.max_records));
        match counted {
            Err(error) if error.kind() == Kind::File => {
                let more = Fault::all_of(&Fault::told(error).problem());
                let faults: Vec<Fault> = columns.faults.iter().cloned().chain(more).collect();
                return Err(Fault::errors(format!("the file does not fit {}", stored.object_type.name()), &faults));
            }
            counted => counted?,
        }
        let mut setbacks = Setbacks::default();
        let inspected = loop {
            match self.inspect(columns, stored) {
                Ok(inspected) => break inspected,
                Err(error) => setbacks.bear(error)?,
            }
            if !self.is_ours_still(Attempt::Anew)? {
                return Ok(None);
            }
        };
        let problem = refusal.in_file(&self.import.filename).problem();
        Ok(self.ended(inspected, |Passed { counts, warnings, stopped }, by| match stopped {
            true => Ended::cancelled(counts, warnings, by),
            false => Ended { state: State::Failed { end: clock::now(), problem }, counts, warnings },
        }))
    }

    /// Keeps what is wrong with the records in the sound columns.
    fn inspect(&self, columns: &Columns, stored: &StoredType) -> Result<Passed> {
        let Import { header, plan, .. } = &self.import;
        let opened = stored.object_type.with_columns(&columns.filled());
        // An open type whose columns do not go together takes none of them.
        let object_type = opened.unwrap_or_else(|_| stored.object_type.clone());
        let layout = Layout::new(header, columns, object_type, plan)?;
        let reader = self.app.open_spooled(self.import.id, plan)?;
        let mut session = self.app.repository.session(stored, &self.import, Mode::DryRun)?;
        let (progress, warnings) = (self.progress.as_ref(), columns.warnings.as_slice());
        let is_stopped = &|| self.is_stopped();
        Inspection { layout: &layout, reader, session: &mut session, progress, warnings, is_stopped }.run()
    }

    /// Marks the import as running once more, when something was in vain. False if another process has brought it to its
    /// end meanwhile.
    ///
    /// # Errors
    /// `Busy` if another process goes on with it.
    fn is_ours_still(&self, attempt: Attempt) -> Result<bool> {
        self.app.repository.start(self.import.id, attempt)
    }

    fn is_stopped(&self) -> bool {
        self.worker.is_stopping() || self.app.repository.is_cancelled(self.import.id)
    }

    /// The end of an import, unless it gave way and has to go on later. `end` gets who cancelled it, if somebody did.
    fn ended(&self, passed: Passed, end: impl FnOnce(Passed, Option<String>) -> Ended) -> Option<Ended> {
        let repository = &self.app.repository;
        if passed.stopped && !repository.is_cancelled(self.import.id) {
            return None;
        }
        Some(end(passed, repository.cancelled_by(self.import.id)))
    }
}

/// An import whose header fits.
struct Passing<'a> {
    started: &'a Started<'a>,
    stored: &'a StoredType,
    binding: Binding,
    tempo: Tempo,
}

/// Passes that were in vain one after the other.
#[derive(Default)]
struct Setbacks(u32);

impl Setbacks {
    /// Ends with the error, unless it says that the same may go well right now: somebody wrote what was looked up, or a
    /// connection was lost.
    fn bear(&mut self, error: Error) -> Result<()> {
        self.0 += 1;
        match error.kind() {
            Kind::Outdated if self.0 < MOST_SETBACKS => {
                tracing::info!("{error}; it is decided again");
                std::thread::sleep((SETBACK * self.0).min(LONGEST_SETBACK));
                Ok(())
            }
            Kind::Outdated => Err(Error::new(Kind::Busy, error.to_string())),
            _ => Err(error),
        }
    }
}

impl Passing<'_> {
    /// Goes on behind the last commit when somebody has overtaken it, with smaller steps. Nothing, as in all of these, if
    /// another process has brought the import to its end.
    fn batched(&self, scan: &mut StructuralScan) -> Result<Option<Passed>> {
        let (mut import, mut setbacks) = (self.started.import.clone(), Setbacks::default());
        loop {
            match self.pass(&import, Mode::Write, Commits::Batches, scan) {
                Ok(passed) => return Ok(Some(passed)),
                Err(error) => setbacks.bear(error)?,
            }
            if !self.started.is_ours_still(Attempt::Resumed)? {
                return Ok(None);
            }
            let now = self.started.app.import(import.id)?;
            if now.settled > import.settled {
                setbacks = Setbacks::default();
            }
            import = now;
            self.tempo.slow_down();
        }
    }

    /// Begins anew when the moment it looked at is lost.
    fn dry_run(&self, scan: &mut StructuralScan) -> Result<Option<Passed>> {
        let mut setbacks = Setbacks::default();
        loop {
            match self.pass(&self.started.import, Mode::DryRun, Commits::Failures, scan) {
                Ok(passed) => return Ok(Some(passed)),
                Err(error) => setbacks.bear(error)?,
            }
            if !self.started.is_ours_still(Attempt::Anew)? {
                return Ok(None);
            }
        }
    }

    /// Looks at all of the file first, with nothing locked, and applies it in one transaction if no record would fail.
    fn atomic(&mut self, scan: &mut StructuralScan) -> Result<Option<Passed>> {
        let columns = self.binding.warnings.len();
        let mut setbacks = Setbacks::default();
        loop {
            match self.look_and_apply(columns, scan) {
                Ok(Some(passed)) => return Ok(Some(passed)),
                // Somebody wrote between the two passes, so that a record fails now. Looking again says which ones.
                Ok(None) => {}
                Err(error) => setbacks.bear(error)?,
            }
            if !self.started.is_ours_still(Attempt::Anew)? {
                return Ok(None);
            }
        }
    }

    /// Nothing if it has to be looked at again. The first warnings are those about the columns.
    fn look_and_apply(&mut self, columns: usize, scan: &mut StructuralScan) -> Result<Option<Passed>> {
        let import = &self.started.import;
        self.started.progress.set_looking(true);
        let looked = self.pass(import, Mode::DryRun, Commits::Failures, scan)?;
        if looked.counts.failure > 0 || looked.stopped {
            return Ok(Some(looked));
        }
        self.binding.warnings.truncate(columns);
        let unresolved = self.unresolved_references()?;
        self.binding.warnings.extend(unresolved);
        self.started.progress.set_applied(0);
        self.started.progress.set_looking(false);
        let applied = self.pass(import, Mode::Write, Commits::Atomic, scan)?;
        Ok(Some(applied).filter(|applied| applied.counts.failure == 0))
    }

    fn pass(&self, import: &Import, mode: Mode, commits: Commits, scan: &mut StructuralScan) -> Result<Passed> {
        let Passing { started, stored, binding, tempo } = self;
        let Started { app, progress, .. } = started;
        let mut session = app.repository.session(stored, import, mode)?;
        let (failed_rows, milestones) = match import.settled {
            0 => (Vec::new(), Vec::new()),
            _ => (app.repository.failed_rows(import.id)?, app.repository.milestones(import.id)?),
        };
        Pass {
            import,
            limits: &app.config.limits,
            pace: app.config.pace,
            tempo,
            binding,
            hashes: app.repository.hashes(),
            session: &mut session,
            file: &|| app.spool.read(import.id),
            scan,
            progress,
            commits,
            failed_rows,
            milestones,
            is_stopped: &|| started.is_stopped(),
        }
        .run()
    }

    /// Warnings about the records of a dropped file that refer to what does not exist.
    fn unresolved_references(&self) -> Result<Vec<String>> {
        let Started { app, import, .. } = self.started;
        let layout = &self.binding.layout;
        let referring = layout.slots.iter().enumerate().filter_map(|(slot, filled)| {
            let references = layout.property(filled).references.as_ref()?;
            import.plan.dropped.as_ref().map(|_| self.target(slot, references))
        });
        let targets: Vec<Target> = referring.filter_map(Result::transpose).collect::<Result<_>>()?;
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let reader = app.open_spooled(import.id, &import.plan)?;
        let (hashes, round) = (app.repository.hashes(), app.config.pace.round);
        Referring { layout, reader, hashes, round, is_stopped: &|| self.started.is_stopped() }.warnings(targets)
    }

    /// The objects of a type by their `id`; nothing if there is no such type, or its objects have no such key, or they are
    /// what the file itself brings.
    fn target(&self, slot: usize, name: &TypeName) -> Result<Option<Target>> {
        let Started { app, import, .. } = self.started;
        let other = Some(name).filter(|name| **name != import.plan.object_type);
        let Some(stored) = other.map(|name| app.repository.object_type(name)).transpose()?.flatten() else {
            return Ok(None);
        };
        let key = stored.index(&[ID.to_owned()]);
        let Some(index) = key.and_then(|key| stored.indexes.iter().position(|index| index == key)) else {
            return Ok(None);
        };
        let mut session = app.repository.session(&stored, import, Mode::DryRun)?;
        session.begin()?;
        Ok(Some(Target { slot, object_type: name.clone(), session, index, unresolved: Unresolved::default() }))
    }
}

/// How an import ended.
pub(super) struct Ended {
    pub(super) state: State,
    pub(super) counts: Counts,
    pub(super) warnings: Vec<String>,
}

impl Ended {
    pub(super) fn finished(counts: Counts, warnings: Vec<String>) -> Ended {
        Ended { state: State::Finished { end: clock::now() }, counts, warnings }
    }

    pub(super) fn cancelled(counts: Counts, warnings: Vec<String>, by: Option<String>) -> Ended {
        Ended { state: State::Cancelled { end: clock::now(), by }, counts, warnings }
    }

    fn of(passed: Passed, atomic: bool, import: &Import, cancelled_by: Option<String>) -> Ended {
        let Passed { counts, warnings, stopped } = passed;
        match (stopped, atomic && counts.failure > 0) {
            (true, _) if atomic => Ended::cancelled(counts.nothing_applied(), warnings, cancelled_by),
            (true, _) => Ended::cancelled(counts, warnings, cancelled_by),
            (false, true) => {
                let records =
                    if counts.failure == 1 { "1 record is".into() } else { format!("{} records are", counts.failure) };
                let message = format!("{records} wrong, so nothing of the file was imported");
                let problem = Error::file(message).in_file(&import.filename).problem();
                let state = State::Failed { end: clock::now(), problem };
                Ended { state, counts: counts.nothing_applied(), warnings }
            }
            (false, false) => Ended::finished(counts, warnings),
        }
    }
}
