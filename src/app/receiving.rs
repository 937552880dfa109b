//! Files that come in piece by piece, to become imports together.
//!
//! The bytes go to the spool as they come, while they are scanned; what is wrong with a file is told while the rest of it
//! is still on its way. Nothing is queued before all files of the request are here, sound, and on the disk. Whoever gives
//! up drops a [`Receiving`], and nothing of it stays.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use serde_json::json;

use super::repeat::{Claim, Request};
use super::{App, leave};
use crate::clock;
use crate::engine::columns::check_header;
use crate::engine::reader::Format;
use crate::engine::scan::arrival::{ArrivalScan, Arrived};
use crate::error::{Error, Kind, Result};
use crate::fault::Fault;
use crate::import::{Counts, Import, ImportId};
use crate::plan::Plan;
use crate::schema::ObjectType;
use crate::spool::Incoming;

/// The files of one request on their way in.
pub struct Receiving {
    app: Arc<App>,
    object_type: Arc<ObjectType>,
    plan: Plan,
    claim: Option<Claim>,
    /// Whether all that is wrong with a file is told together.
    is_thorough: bool,
    /// How many files were begun.
    files: usize,
    current: Option<Arriving>,
    arrived: Vec<(Import, Incoming)>,
}

/// A file of which a part is here.
struct Arriving {
    id: ImportId,
    filename: String,
    incoming: Incoming,
    scan: ArrivalScan,
    seen: Arc<OnceLock<Seen>>,
}

/// What was seen of a header.
struct Seen {
    names: Vec<String>,
    /// What is wrong with it, if the scan went on in spite of that.
    refusal: Option<Error>,
}

impl App {
    /// Begins to receive files for this plan. Where the same `request` was answered before, its answer is given again.
    ///
    /// # Errors
    /// What in the plan makes no sense; `Conflict` while a request of the same key is under way.
    pub fn receive(self: &Arc<App>, plan: Plan, request: Option<Request>) -> Result<Receiving> {
        let plan = plan.normalised();
        let object_type = Arc::new(self.check_plan(&plan)?.object_type);
        let claim = request.map(|request| Claim::new(self, &plan.caller, request)).transpose()?;
        let app = Arc::clone(self);
        Ok(Receiving {
            app,
            object_type,
            plan,
            claim,
            is_thorough: false,
            files: 0,
            current: None,
            arrived: Vec::new(),
        })
    }
}

impl Receiving {
    /// Has all that is wrong with a file told together, once it is wholly here. The detail of the error has its `header`
    /// then, if it could be read: for somebody who is to see all of it.
    pub fn thorough(self) -> Receiving {
        Receiving { is_thorough: true, ..self }
    }

    /// How many files were begun.
    pub fn files(&self) -> usize {
        self.files
    }

    /// Begins the next file; the one before is whole.
    ///
    /// # Errors
    /// What is wrong with the file before.
    pub fn begin_file(&mut self, filename: String) -> Result<()> {
        self.end_file()?;
        self.files += 1;
        if let Some(claim) = &mut self.claim {
            claim.begin_file(&filename);
            if claim.is_repeated() {
                // What these bytes become is known, if they are the same.
                return Ok(());
            }
        }
        let id = ImportId::random();
        let incoming = self.app.spool.receive(id)?;
        let (object_type, plan) = (Arc::clone(&self.object_type), self.plan.clone());
        let (seen, is_thorough) = (Arc::new(OnceLock::new()), self.is_thorough);
        let told = Arc::clone(&seen);
        let scan = ArrivalScan::start(&self.app.config.limits, Format::of(&plan)?, move |header, row| {
            let checked = check_header(header, row, &object_type, &plan);
            if !is_thorough {
                return checked;
            }
            let _ = told.set(Seen { names: header.to_vec(), refusal: checked.err() });
            Ok(())
        })?;
        self.current = Some(Arriving { id, filename, incoming, scan, seen });
        Ok(())
    }

    /// Takes the next bytes of the file that was begun.
    ///
    /// # Errors
    /// What is wrong with the file, as far as it is known; `NoRoom` if the disk is full. There is no going on then.
    pub fn write(&mut self, bytes: Bytes) -> Result<()> {
        if let Some(claim) = &mut self.claim {
            claim.write(&bytes);
        }
        let Some(current) = &mut self.current else { return Ok(()) };
        current.incoming.write(&bytes).map_err(|error| error.in_file(&current.filename))?;
        if current.scan.take(bytes) {
            return Ok(());
        }
        self.end_file()?;
        Err(Error::internal("the scan ended before the file did"))
    }

    /// Ends the file that was begun, if there is one: it is whole.
    fn end_file(&mut self) -> Result<()> {
        let Some(Arriving { id, filename, incoming, scan, seen }) = self.current.take() else { return Ok(()) };
        let checked = scan.finish().and_then(|arrived| {
            arrived.structure.check_record_count(self.plan.max_records)?;
            Ok(arrived)
        });
        let arrived = match Arc::into_inner(seen).and_then(OnceLock::into_inner) {
            Some(seen) => seen.told_with(checked),
            None if self.is_thorough => checked.map_err(Fault::told),
            None => checked,
        };
        let arrived = arrived.and_then(|arrived| {
            // Only now, so that who sends a file that is refused does not wait for the disk.
            incoming.sync()?;
            Ok(arrived)
        });
        let Arrived { header, structure } = arrived.map_err(|error| error.in_file(&filename))?;
        let counts = Counts { total: structure.records, ..Counts::default() };
        let import = Import::queued(id, self.plan.clone(), filename, header, clock::now());
        let import = Import { size: incoming.size(), structure: Some(structure), counts, ..import };
        self.arrived.push((import, incoming.placed()?));
        Ok(())
    }

    /// Queues an import for each file, in the order of the files: all are whole. Once that is done it lasts.
    ///
    /// # Errors
    /// What is wrong with the last file; `Request` if there was none; `Conflict` if a request of the same key was
    /// another one.
    pub fn queue(mut self) -> Result<Vec<ImportId>> {
        self.end_file()?;
        if self.files == 0 {
            return Err(Error::request("there is no file in the request: a file is a part with a file name"));
        }
        if let Some(claim) = &mut self.claim
            && let Some(earlier) = claim.earlier()?
        {
            return Ok(earlier);
        }
        self.arrived.iter_mut().try_for_each(|(_, incoming)| incoming.publish())?;
        self.app.spool.sync()?;
        let (imports, incoming): (Vec<Import>, Vec<Incoming>) = self.arrived.drain(..).unzip();
        let queued = match &mut self.claim {
            Some(claim) => self.app.repository.queue_once(&imports, &claim.request()),
            None => self.app.repository.queue(&imports),
        };
        if let Err(error) = leave(incoming, queued) {
            return match &mut self.claim {
                Some(claim) if error.kind() == Kind::Conflict => claim.answered_meanwhile(&self.app)?.ok_or(error),
                _ => Err(error),
            };
        }
        self.app.bell.ring();
        Ok(imports.iter().map(|import| import.id).collect())
    }
}

impl Seen {
    /// What is wrong with the header, and what with the rest.
    fn told_with(self, checked: Result<Arrived>) -> Result<Arrived> {
        let wrong = match (self.refusal, checked) {
            (None, Ok(arrived)) => return Ok(arrived),
            (Some(refusal), Ok(_)) => refusal,
            (None, Err(error)) => error,
            // What the machine does not let us know is not to be laid upon the file.
            (Some(_), Err(error)) if error.kind() != Kind::File => return Err(error),
            (Some(refusal), Err(error)) => {
                let (refusal, error) = (Fault::told(refusal), Fault::told(error));
                let faults = [refusal.problem(), error.problem()].iter().flat_map(Fault::all_of).collect::<Vec<_>>();
                Error::listing(Kind::File, "the file does not fit", vec![refusal.to_string(), error.to_string()])
                    .with_detail(json!({ "faults": faults }))
            }
        };
        if wrong.kind() != Kind::File {
            return Err(wrong);
        }
        let wrong = Fault::told(wrong);
        let mut detail = wrong.detail().cloned().unwrap_or_default();
        detail["header"] = self.names.into();
        Err(wrong.with_detail(detail))
    }
}
