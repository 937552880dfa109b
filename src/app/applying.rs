//! Dry runs that are applied: an import of exactly the bytes that were looked at.

use super::{App, has_expired, leave};
use crate::clock;
use crate::engine::columns::check_header;
use crate::error::{Error, Kind, Result};
use crate::import::{Counts, Import, ImportId, State};
use crate::plan::{Caller, Plan};
use crate::repository::KeyedRequest;

/// Who is noted to have asked that a dry run be applied, whoever it was: what counts is that it was. Callers have a slash
/// in their names.
const ANYBODY: &str = "anybody";

/// Why a dry run cannot be applied whose bytes should be there.
const LOST: &str = "its bytes are gone; import the file again";

impl App {
    /// Queues an import of exactly the bytes that a dry run looked at, for whoever asks now.
    ///
    /// # Errors
    /// `Conflict` if the import was no dry run, is not over, or its bytes are gone: 24 hours after its end, or lost.
    pub fn apply_dry_run(&self, id: ImportId, caller: Caller) -> Result<ImportId> {
        let key = self.applications(id)?.key;
        self.apply(id, caller, key, Repeated::ImportsAnew)
    }

    /// The same for somebody who may ask twice for one thing: what was applied before is not applied again, unless that
    /// import was cancelled or has failed.
    ///
    /// # Errors
    /// See [`App::apply_dry_run`].
    pub fn apply_dry_run_once(&self, id: ImportId, caller: Caller) -> Result<ImportId> {
        match self.applications(id)? {
            Applications { latest: Some(latest), .. } if !is_in_vain(&latest) => Ok(latest.id),
            // By the key of this look: it is no good any more if somebody is faster from now on.
            Applications { key, .. } => self.apply(id, caller, key, Repeated::IsOne),
        }
    }

    /// What a dry run became when it was applied, if it was and that is known still; of several imports the latest that
    /// those before had come to nothing for.
    pub fn applied(&self, id: ImportId) -> Result<Option<ImportId>> {
        Ok(self.applications(id)?.latest.map(|latest| latest.id))
    }

    fn applications(&self, id: ImportId) -> Result<Applications> {
        let mut known = Applications { latest: None, key: format!("apply {id}") };
        while let Some(noted) = self.repository.answered_request(ANYBODY, &known.key)? {
            let Some(applied) = noted.imports.first().copied() else { break };
            let Some(import) = self.repository.import(applied)? else { break };
            let is_last = !is_in_vain(&import);
            known = Applications { latest: Some(import), key: format!("apply {id} after {applied}") };
            if is_last {
                break;
            }
        }
        Ok(known)
    }

    fn apply(&self, id: ImportId, caller: Caller, key: String, repeated: Repeated) -> Result<ImportId> {
        let dry = self.import(id)?;
        let refuse = |why: &str| Err(Error::conflict(format!("import {id} cannot be applied: {why}")));
        match dry.state {
            _ if !dry.plan.dry_run => return refuse("it was not a dry run"),
            State::Finished { .. } if !has_expired(&dry) => {}
            State::Finished { .. } => {
                return refuse("its bytes are kept for 24 hours and are gone; import the file again");
            }
            _ => return refuse("only a finished dry run can be"),
        }
        let plan = Plan { dry_run: false, caller, ..dry.plan };
        let stored = self.check_plan(&plan)?;
        // The type may have changed since. Of the rows in front of the header nothing is left to be told.
        let header_row = dry.structure.as_ref().map_or(1, |structure| structure.header_row);
        check_header(&dry.header, header_row, &stored.object_type, &plan)
            .map_err(|error| error.in_file(&dry.filename))?;
        let applied = ImportId::random();
        let is_lost = || self.spool.is_whole(id, dry.size).map(|is_whole| !is_whole);
        let mut incoming = match is_lost()? {
            true => return refuse(LOST),
            false => match self.spool.share(id, applied) {
                // They have gone in between.
                Err(_) if is_lost()? => return refuse(LOST),
                shared => shared?,
            },
        };
        if dry.structure.is_some() {
            incoming.sync()?;
            self.spool.sync()?;
        }
        incoming.publish()?;
        let counts = Counts { total: dry.counts.total, ..Counts::default() };
        let import = Import::queued(applied, plan, dry.filename, dry.header, clock::now());
        let import = Import { size: dry.size, structure: dry.structure, counts, ..import };
        let digest = *blake3::hash(id.to_string().as_bytes()).as_bytes();
        let request = KeyedRequest { caller: ANYBODY.to_owned(), key, digest };
        let imports = [import];
        let queued = match (self.repository.queue_once(&imports, &request), repeated) {
            (Err(error), Repeated::ImportsAnew) if error.kind() == Kind::Conflict => self.repository.queue(&imports),
            (Err(error), Repeated::IsOne) if error.kind() == Kind::Conflict => {
                // Somebody was faster.
                return self.applied(id)?.ok_or(error);
            }
            (queued, _) => queued,
        };
        leave([incoming], queued)?;
        self.bell.ring();
        Ok(applied)
    }
}

/// What it is to apply a dry run a second time.
#[derive(Clone, Copy, Debug)]
enum Repeated {
    /// Another import.
    ImportsAnew,
    /// The import that there is already.
    IsOne,
}

/// The imports that a dry run became.
struct Applications {
    /// The last one.
    latest: Option<Import>,
    /// By which it is noted what it becomes next.
    key: String,
}

/// Whether an import has ended and not done what it was to do.
fn is_in_vain(import: &Import) -> bool {
    matches!(import.state, State::Cancelled { .. } | State::Failed { .. })
}
