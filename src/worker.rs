//! Runs the imports that wait.
//!
//! Whoever holds the lease of an object type runs its imports one after the other; a process that dies loses its
//! leases, and the next one to look goes on where the last commit was. Everything here is synchronous.

mod attempt;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use self::attempt::{Ended, Started};
use crate::app::App;
use crate::clock;
use crate::engine::progress::Progress;
use crate::error::{Error, Result, unpanicked};
use crate::fault::Fault;
use crate::import::{Counts, Import, ImportId, State};
use crate::plan::OnFailure;
use crate::repository::Attempt;
use crate::schema::TypeName;

/// Runs imports, and tells whoever watches which ones and how far they are.
///
/// Several threads may run imports with one worker: those of one object type then still run one after the other.
#[derive(Debug)]
pub struct Worker {
    app: Arc<App>,
    running: Mutex<BTreeMap<ImportId, (Import, Arc<Progress>)>>,
    /// What kept imports from going on when they were last tried.
    troubles: Mutex<BTreeMap<ImportId, Error>>,
    stopping: AtomicBool,
}

impl Worker {
    /// A worker for this installation.
    pub fn new(app: Arc<App>) -> Worker {
        Worker { app, running: Mutex::default(), troubles: Mutex::default(), stopping: AtomicBool::new(false) }
    }

    /// The imports that run now, with their progress.
    pub fn running(&self) -> Vec<(Import, Arc<Progress>)> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// The progress of an import, if it runs now.
    pub fn progress(&self, id: ImportId) -> Option<Arc<Progress>> {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.get(&id).map(|(_, progress)| Arc::clone(progress))
    }

    /// What kept an import from going on when it was last tried, if nobody has asked since. It is tried again.
    pub fn trouble_of(&self, id: ImportId) -> Option<Error> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
    }

    fn note_trouble(&self, id: ImportId, error: &Error) {
        let trouble = Error::new(error.kind(), error.to_string());
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner).insert(id, trouble);
    }

    /// Has the imports that run stop after their current round, with what they have done committed, and starts no more.
    /// They are still to be run: the next worker goes on with them.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.app.bell.ring();
    }

    /// Whether the worker was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Runs every import that waits and that no other process runs, oldest first; says how many.
    ///
    /// # Errors
    /// Only what is not the data's fault: the import then stays, and the next run goes on with it.
    pub fn run_waiting(&self) -> Result<usize> {
        let mut count = 0;
        let mut failed = None;
        for object_type in self.app.repository.waiting_types()? {
            // What stops the imports of one type is no reason not to run those of the others.
            match unpanicked("an import", || self.run_type(&object_type)) {
                Ok(ran) => count += ran,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(count), Err)
    }

    fn run_type(&self, object_type: &TypeName) -> Result<usize> {
        let Some(_lease) = self.app.repository.lease(object_type)? else { return Ok(0) };
        let mut count = 0;
        while !self.is_stopping()
            && let Some(import) = self.app.repository.next_import(object_type)?
        {
            drop(self.trouble_of(import.id));
            self.run(&import).inspect_err(|error| self.note_trouble(import.id, error))?;
            count += 1;
        }
        Ok(count)
    }

    /// Runs one import to its end. To be called with the lease of its type.
    fn run(&self, import: &Import) -> Result<()> {
        tracing::info!(import = %import.id, into = %import.plan.object_type, settled = import.settled, "import runs");
        let progress = Arc::new(Progress::default());
        let shown = self.show(import, &progress);
        let outcome = self.attempt(import, &progress);
        drop(shown);
        let total = progress.total();
        match outcome {
            Ok(Some(Ended { state, counts, warnings })) => self.app.finish(import, state, counts, &warnings),
            Ok(None) => Ok(()),
            Err(error) if !error.kind().may_pass() => {
                // Nearly always none: what is wrong with a file as a whole is found before anything is committed.
                let Import { counts: committed, warnings, .. } = self.app.import(import.id)?;
                let counts = Counts { total: total.max(progress.applied()).max(committed.total), ..committed };
                let problem = Fault::told(error).in_file(&import.filename).problem();
                self.app.finish(import, State::Failed { end: clock::now(), problem }, counts, &warnings)
            }
            Err(error) => Err(error),
        }
    }

    fn show(&self, import: &Import, progress: &Arc<Progress>) -> Shown<'_> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.insert(import.id, (import.clone(), Arc::clone(progress)));
        Shown { worker: self, id: import.id }
    }

    /// How the import ended; nothing if it has to go on later.
    fn attempt(&self, import: &Import, progress: &Arc<Progress>) -> Result<Option<Ended>> {
        let repository = &self.app.repository;
        if import.is_applied() {
            return Ok(Some(Ended::finished(import.counts, import.warnings.clone())));
        }
        if repository.is_cancelled(import.id) {
            return Ok(Some(Ended::cancelled(
                import.counts,
                import.warnings.clone(),
                repository.cancelled_by(import.id),
            )));
        }
        let atomic = import.plan.on_failure == OnFailure::RejectFile;
        if !self.app.spool.is_whole(import.id, import.size)? {
            // A power loss may have taken bytes that were never synced; nothing was committed of them.
            return Err(Error::file("the copy of the file was lost before it was imported; import it again"));
        }
        // A batched import goes on behind its last commit; all others begin anew.
        let attempt = match !atomic && !import.plan.dry_run && import.settled > 0 {
            true => Attempt::Resumed,
            false => Attempt::Anew,
        };
        if !repository.start(import.id, attempt)? {
            return Ok(None);
        }
        let import = self.app.import(import.id)?;
        Started { worker: self, app: &self.app, import, progress }.run()
    }
}

/// An import that is shown as running, also until a panic.
struct Shown<'a> {
    worker: &'a Worker,
    id: ImportId,
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.worker.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
