//! Files of a drop folder, on their way to being imports.
//!
//! What is wrong with such a file is not told to anybody who waits, so it is queued whatever is in it: the worker finds out
//! and the record of the import says it. The bytes stay in the spool until the drop folder has filed the file, because they
//! may be all that is left of it.

use blake3::Hasher;

use super::{App, leave};
use crate::clock;
use crate::engine::columns::column_names;
use crate::error::Result;
use crate::import::{Import, ImportId};
use crate::plan::{Origin, Plan};
use crate::run::RunId;
use crate::spool::Incoming;

/// A file of which a part is here. Whoever gives up drops it, and nothing of it stays.
pub(crate) struct Arriving {
    id: ImportId,
    plan: Plan,
    incoming: Incoming,
    digest: Hasher,
}

/// A file that is here, on the disk.
pub(crate) struct Arrived {
    id: ImportId,
    plan: Plan,
    incoming: Incoming,
    digest: [u8; 32],
}

impl Arriving {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// `NoRoom` if the disk is full.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.digest.update(bytes);
        self.incoming.write(bytes)
    }

    /// There are no more bytes.
    pub(crate) fn end(self) -> Result<Arrived> {
        let Arriving { id, plan, incoming, digest } = self;
        incoming.sync()?;
        Ok(Arrived { id, plan, incoming: incoming.placed()?, digest: *digest.finalize().as_bytes() })
    }
}

impl Arrived {
    /// How many bytes there are.
    pub(crate) fn size(&self) -> u64 {
        self.incoming.size()
    }

    /// Their digest (BLAKE3).
    pub(crate) fn digest(&self) -> [u8; 32] {
        self.digest
    }
}

impl App {
    /// Makes room for a file of a drop folder.
    ///
    /// # Errors
    /// What in the plan makes no sense: the settings of the drop folder do not fit the object types.
    pub(crate) fn receive_dropped(&self, plan: Plan) -> Result<Arriving> {
        let plan = plan.normalised();
        self.check_plan(&plan)?;
        let id = ImportId::random();
        Ok(Arriving { id, plan, incoming: self.spool.receive(id)?, digest: Hasher::new() })
    }

    /// Queues the import of a file of a run.
    ///
    /// # Errors
    /// `Conflict` if the file has an import already.
    pub(crate) fn queue_dropped(&self, file: Arrived, run: RunId, name: &str) -> Result<ImportId> {
        let Arrived { id, plan, mut incoming, digest } = file;
        incoming.publish()?;
        self.spool.sync()?;
        // A best guess: the worker reads it again, and tells what is wrong with it.
        let header = self.open_spooled(id, &plan).map(|reader| column_names(&reader)).unwrap_or_default();
        let import = Import::queued(id, plan, name.to_owned(), header, clock::now());
        let import = Import { size: incoming.size(), ..import };
        leave([incoming], self.repository.queue_file(run, name, &import, &digest))?;
        self.bell.ring();
        Ok(id)
    }

    /// Removes the spooled bytes of a file that is filed. Its record may be gone by now.
    pub(crate) fn let_go_dropped(&self, id: ImportId) -> Result<()> {
        if self.repository.import(id)?.is_some_and(|import| import.state.end().is_none()) {
            // Whoever believes it to be filed was overtaken.
            return Ok(());
        }
        self.repository.note_spool_purged(id)?;
        self.spool.remove(id)
    }

    /// Whether the spooled bytes of an import, which is over, belong to a run that is not filed.
    pub(super) fn is_unfiled(&self, import: &Import) -> Result<bool> {
        Ok(import.plan.origin == Origin::DropFolder && self.repository.unfiled_imports()?.contains(&import.id))
    }
}
