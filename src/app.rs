//! The handles that all doors share, and the only entrance to the engine: submit, wait, cancel.
//!
//! Files that are at hand are [submitted](App::submit); those that come in piece by piece are [received](receiving).

mod applying;
mod bell;
mod columns;
mod condition;
mod dropped;
mod objects;
mod prefixes;
mod receiving;
mod repeat;
mod sealing;
mod types;

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use self::prefixes::Prefixes;
use self::repeat::UnderWay;
use crate::clock;
use crate::config::Config;
use crate::engine::columns::{check_header, column_names};
use crate::engine::reader::{Format, Reader};
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::import::{Counts, Import, ImportId, State, no_import};
use crate::plan::{Caller, Origin, Plan};
use crate::repository::{Repository, Spooled, StoredType};
use crate::schema::{ObjectType, TypeName};
use crate::secret::Seal;
use crate::spool::{Incoming, Spool};

pub use self::bell::Bell;
pub use self::columns::{Column, Taken, columns_of};
pub use self::condition::Condition;
pub(crate) use self::dropped::Arrived;
pub use self::objects::Put;
pub use self::receiving::Receiving;
pub use self::repeat::Request;
pub(crate) use self::sealing::known_key;
pub use self::types::TypePut;

/// A dry run's bytes are kept for so long, so that exactly they can be applied.
pub const DRY_RUN_KEPT: Duration = Duration::from_hours(24);

/// How many imports are looked up at once by what is in the spool.
const LOOKED_UP: usize = 1000;

/// One installation: its repository, its spool, its settings.
#[derive(Debug)]
pub struct App {
    /// The settings.
    pub config: Config,
    /// All storage.
    pub repository: Repository,
    /// Where accepted bytes wait.
    pub spool: Spool,
    /// Rings when there is something to do for who runs imports.
    pub bell: Bell,
    under_way: Arc<UnderWay>,
    seal: Mutex<Option<Arc<Seal>>>,
    prefixes: Prefixes,
}

/// A file on its way to being an import.
pub struct Submission {
    /// Where its bytes are.
    pub source: Source,
    /// The file's own name, without folders.
    pub filename: String,
    /// What to do with it.
    pub plan: Plan,
}

/// Where the bytes of a submission come from.
pub enum Source {
    /// A file.
    File(PathBuf),
    /// A stream, read to its end.
    Stream(Box<dyn Read>),
}

/// What an import that is over still keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leftovers {
    /// The spooled bytes of its file.
    Bytes,
    /// Its failures too, which are then gone for good.
    BytesAndFailures,
}

impl App {
    /// Opens the installation in the data directory, making it if there is none.
    pub fn open(config: Config) -> Result<App> {
        let repository = Repository::open(&config.repository, &config.data.join("run"), config.memory)?;
        let spool = Spool::open(&config.spool, &config.data, &repository)?;
        Ok(App {
            config,
            repository,
            spool,
            bell: Bell::default(),
            under_way: Arc::default(),
            seal: Mutex::default(),
            prefixes: Prefixes::default(),
        })
    }

    /// The object type of this name.
    ///
    /// # Errors
    /// `NotFound`, with the names there are.
    pub fn object_type(&self, name: &TypeName) -> Result<StoredType> {
        match self.repository.object_type(name)? {
            Some(stored) => Ok(stored),
            None => {
                let known = self.repository.object_types()?;
                Err(name.unknown(known.iter().map(|stored| stored.object_type.name())))
            }
        }
    }

    /// Accepts files: spools their bytes, binds their headers and queues an import for each. All or none.
    ///
    /// # Errors
    /// What is wrong with the first file that cannot be accepted; then nothing is queued and nothing is left behind.
    pub fn submit(&self, submissions: Vec<Submission>) -> Result<Vec<ImportId>> {
        let accept = |submission: Submission| {
            let filename = submission.filename.clone();
            self.accept(submission).map_err(|error| error.in_file(filename))
        };
        let accepted: Vec<(Import, Incoming)> = submissions.into_iter().map(accept).collect::<Result<_>>()?;
        let (imports, mut incoming): (Vec<Import>, Vec<Incoming>) = accepted.into_iter().unzip();
        if let [_, _, ..] = imports.as_slice() {
            // One file is scanned while it is imported; of several, none is to be imported if one is damaged.
            imports.iter().try_for_each(|import| self.scan(import).map_err(|error| error.in_file(&import.filename)))?;
        }
        incoming.iter_mut().try_for_each(Incoming::publish)?;
        leave(incoming, self.repository.queue(&imports))?;
        self.bell.ring();
        Ok(imports.iter().map(|import| import.id).collect())
    }

    fn accept(&self, submission: Submission) -> Result<(Import, Incoming)> {
        let Submission { source, filename, plan } = submission;
        let plan = plan.normalised();
        let stored = self.check_plan(&plan)?;
        let id = ImportId::random();
        let incoming = match source {
            Source::File(path) => self.spool.accept_file(id, &path)?,
            Source::Stream(mut stream) => self.spool.accept(id, &mut stream)?,
        };
        let reader = self.open_spooled(id, &plan)?;
        let header = column_names(&reader);
        check_header(&header, reader.header_row(), &stored.object_type, &plan)?;
        let import = Import { size: incoming.size(), ..Import::queued(id, plan, filename, header, clock::now()) };
        Ok((import, incoming))
    }

    /// Looks for damage in the spooled file of an import.
    fn scan(&self, import: &Import) -> Result<()> {
        self.open_spooled(import.id, &import.plan)?.into_structure().map(drop)
    }

    /// Opens the spooled file of an import of this plan.
    pub(crate) fn open_spooled(&self, id: ImportId, plan: &Plan) -> Result<Reader<File>> {
        Reader::open_as(self.spool.read(id)?, &self.config.limits, Format::of(plan)?)
    }

    /// The object type of a plan that can be followed.
    ///
    /// # Errors
    /// What in the plan makes no sense, or names what is not there.
    fn check_plan(&self, plan: &Plan) -> Result<StoredType> {
        plan.validate()?;
        let stored = self.object_type(&plan.object_type)?;
        check_correlation(&stored.object_type, &plan.correlation)?;
        Ok(stored)
    }

    /// The import of this id.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn import(&self, id: ImportId) -> Result<Import> {
        self.repository.import(id)?.ok_or_else(|| no_import(id))
    }

    /// Cancels an import. What is committed stays; an import that is over stays as it is. One that waits for its
    /// turn is over at once, a running one after its current round. It tells who cancelled it: the first who asked.
    pub fn cancel(&self, id: ImportId, caller: &Caller) -> Result<()> {
        let import = self.import(id)?;
        if import.state.end().is_some() {
            return Ok(());
        }
        self.repository.cancel(id, &caller.auth_id)?;
        let state = self.import(id)?.state;
        if state.end().is_some() {
            // It has ended while we set the mark.
            self.repository.forget_cancel(id);
            return Ok(());
        }
        if state == State::Queued {
            match self.repository.cancel_queued(id) {
                Ok(true) => {
                    tracing::info!(import = %id, state = "cancelled", total = import.counts.total, "import is over");
                    return self.let_go(&import);
                }
                // It has begun.
                Ok(false) => {}
                // Whoever comes to run it will see the mark.
                Err(error) if error.kind() == Kind::Busy => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        if let Some(_lease) = self.repository.lease(&import.plan.object_type)? {
            let import = self.import(id)?;
            let end = clock::now();
            let state = match import.is_applied() {
                true => State::Finished { end },
                false => State::Cancelled { end, by: self.repository.cancelled_by(id) },
            };
            if import.state.end().is_none() {
                self.finish(&import, state, import.counts, &import.warnings)?;
            }
        }
        Ok(())
    }

    /// Removes what an import that is over still keeps.
    ///
    /// # Errors
    /// `Conflict` while the import is not over.
    pub fn clean_up(&self, id: ImportId, leftovers: Leftovers) -> Result<()> {
        let import = self.ended(id, "cleaned up")?;
        if !self.is_unfiled(&import)? {
            self.repository.note_spool_purged(id)?;
            self.spool.remove(id)?;
        }
        if leftovers == Leftovers::BytesAndFailures {
            self.repository.purge_failures(id)?;
        }
        Ok(())
    }

    /// Removes the record of an import, if the condition holds, and gives it. The objects that the import wrote stay.
    ///
    /// # Errors
    /// `Conflict` while the import is not over; `Outdated` if the condition does not hold.
    pub fn delete_import(&self, id: ImportId, condition: &Condition) -> Result<Import> {
        loop {
            let import = self.ended(id, "deleted")?;
            condition.check(&format!("import {id}"), Some(import.rev()), || no_import(id))?;
            if self.repository.delete_import(id, import.revision)? {
                self.let_go(&import)?;
                return Ok(import);
            }
        }
    }

    /// The import, which has to be over.
    fn ended(&self, id: ImportId, what: &str) -> Result<Import> {
        let import = self.import(id)?;
        match import.state.end() {
            Some(_) => Ok(import),
            None => Err(Error::conflict(format!("import {id} is not over and cannot be {what}: cancel it first"))),
        }
    }

    /// Removes the spooled bytes of an import, unless its drop folder still needs them.
    fn let_go(&self, import: &Import) -> Result<()> {
        if self.is_unfiled(import)? { Ok(()) } else { self.spool.remove(import.id) }
    }

    /// Ends an import and lets its bytes go, except those of a dry run, which may still be applied, and those of a dropped
    /// file, which are let go when it is filed.
    pub(crate) fn finish(&self, import: &Import, state: State, counts: Counts, warnings: &[String]) -> Result<()> {
        let spooled = match state {
            State::Finished { .. } if import.plan.dry_run => Spooled::Kept,
            _ if import.plan.origin == Origin::DropFolder => Spooled::Kept,
            _ => Spooled::Unneeded,
        };
        self.repository.finish(import.id, &state, counts, warnings, spooled)?;
        let Counts { total, created, updated, unchanged, failure } = counts;
        let state = state.name();
        tracing::info!(import = %import.id, state, total, created, updated, unchanged, failure, "import is over");
        self.bell.ring();
        match spooled {
            Spooled::Kept => Ok(()),
            Spooled::Unneeded => self.spool.remove(import.id),
        }
    }

    /// Removes what nobody will ask for: cancel marks, spooled bytes of imports that are over or never were queued, of
    /// dropped files that are filed, and the bytes of dry runs after a day.
    ///
    /// # Errors
    /// What came first in the way. What can be removed is removed all the same.
    pub fn sweep(&self) -> Result<()> {
        let spool = self.spool.sweep(|spooled| {
            let (wanted, let_go) = self.wanted(spooled)?;
            let_go.into_iter().try_for_each(|id| self.repository.note_spool_purged(id))?;
            Ok(wanted)
        });
        let repository = self.repository.sweep();
        spool.and(repository)
    }

    /// The imports whose bytes are still wanted, as far as they are among these; and those whose bytes were, until now.
    fn wanted(&self, spooled: &[ImportId]) -> Result<(HashSet<ImportId>, Vec<ImportId>)> {
        let (mut wanted, mut over) = (HashSet::new(), Vec::new());
        for ids in spooled.chunks(LOOKED_UP) {
            for import in self.repository.imports_of(ids)? {
                match import.state.end() {
                    None => drop(wanted.insert(import.id)),
                    Some(_) => over.push(import),
                }
            }
        }
        // Asked for later than the imports: a file that is queued and imported in between must not be missed.
        wanted.extend(self.repository.unfiled_imports()?);
        let mut let_go = Vec::new();
        for import in over {
            if import.plan.origin != Origin::DropFolder && !has_expired(&import) {
                wanted.insert(import.id);
            } else if !import.spool_purged && !wanted.contains(&import.id) {
                let_go.push(import.id);
            }
        }
        Ok((wanted, let_go))
    }
}

/// Whether the bytes of an import that is over are gone, or were promised to nobody for so long: of those that were lost it is
/// not noted that they are.
pub(crate) fn has_expired(import: &Import) -> bool {
    import.spool_purged || import.state.end().is_some_and(|end| clock::since(end) >= DRY_RUN_KEPT)
}

/// Leaves files to their imports, which were queued so. If they were not the files go again; if that is not known they stay
/// where the imports would look for them, and are swept away some day if there are none.
fn leave<T>(files: impl IntoIterator<Item = Incoming>, queued: Result<T>) -> Result<T> {
    if queued.as_ref().err().is_none_or(Repository::may_be_stored) {
        files.into_iter().for_each(Incoming::keep);
    }
    queued
}

/// Refuses correlation by properties that the type does not have.
fn check_correlation(object_type: &ObjectType, correlation: &[String]) -> Result<()> {
    let is_known =
        |path: &String| object_type.property(path).is_some() || object_type.is_open() && !path.starts_with('_');
    let unknown = correlation.iter().filter(|path| !is_known(path));
    let faults: Vec<String> =
        unknown.map(|path| format!("'{path}'{}", did_you_mean(object_type.suggest(path)))).collect();
    match faults.as_slice() {
        [] => Ok(()),
        faults => Err(Error::request(format!("{} has no property {}", object_type.name(), faults.join(", ")))),
    }
}
