//! The narrow interface itself: what every backend can do. Which one it is was chosen when the repository was opened, and
//! nobody above has to know.

mod imports;
mod ledger;

use std::path::Path;

use serde_json::Value;

use super::postgres::Postgres;
use super::sqlite::Sqlite;
use super::{
    FoundPage, Hashes, LastWriter, Mode, ObjectNumber, ObjectPage, Prefix, PrefixPage, PrefixPlace, Search, Session,
    StoredType, Written, postgres, sqlite,
};
use crate::config::{Memory, RepositorySettings};
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::import::Import;
use crate::object::{Object, Visible};
use crate::schema::TypeName;

/// All storage of an installation.
#[derive(Debug)]
pub enum Repository {
    /// Embedded: one file in the data directory.
    Sqlite(Sqlite),
    /// A PostgreSQL server, or what speaks its protocol.
    Postgres(Postgres),
}

/// Hands a call to the backend.
macro_rules! hand {
    ($self:ident.$method:ident($($argument:expr),*)) => {
        match $self {
            Repository::Sqlite(backend) => backend.$method($($argument),*),
            Repository::Postgres(backend) => backend.$method($($argument),*),
        }
    };
}

pub(super) use hand;

/// One moment of a repository: what is written after it is not seen.
pub struct Moment<'r> {
    of: Of<'r>,
}

/// Of which backend.
enum Of<'r> {
    Sqlite(sqlite::Moment<'r>),
    Postgres(Box<postgres::Moment>),
}

impl Moment<'_> {
    /// See [`Repository::search`].
    pub fn search(&mut self, stored: &StoredType, filter: &Filter, visible: Visible) -> Result<Search> {
        match &mut self.of {
            Of::Sqlite(moment) => moment.search(stored, filter, visible),
            Of::Postgres(moment) => moment.search(stored, filter, visible),
        }
    }

    /// See [`Repository::step`].
    pub fn step(
        &mut self,
        stored: &StoredType,
        search: &Search,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<FoundPage> {
        match &mut self.of {
            Of::Sqlite(moment) => moment.step(stored, search, after, limit),
            Of::Postgres(moment) => moment.step(stored, search, after, limit),
        }
    }
}

/// The right to do what only one process may do at a time; given back when dropped, and lost with the process.
#[derive(Debug)]
pub struct Lease {
    held: Held,
}

/// How a lease is held.
#[derive(Debug)]
enum Held {
    /// By a lock of the operating system.
    File {
        _lock: sqlite::Lock,
    },
    /// By a row of the database.
    Row {
        row: postgres::HeldRow,
    },
    Nothing,
}

impl Lease {
    pub(super) fn of_file(lock: sqlite::Lock) -> Lease {
        Lease { held: Held::File { _lock: lock } }
    }

    pub(super) fn of_row(row: postgres::HeldRow) -> Lease {
        Lease { held: Held::Row { row } }
    }

    /// Whether another process has taken it over meanwhile, as far as is known: this one was not heard of for too long.
    /// Nothing that is done under it can be committed then.
    pub fn is_lost(&self) -> bool {
        match &self.held {
            Held::File { .. } | Held::Nothing => false,
            Held::Row { row } => row.is_lost(),
        }
    }

    /// Where there is nothing to be kept from others.
    pub(super) fn of_nothing() -> Lease {
        Lease { held: Held::Nothing }
    }
}

impl Repository {
    /// Opens the repository that the settings name, making it with the starter types if there is none. `run` is the
    /// directory for leases and cancel marks of an embedded one.
    ///
    /// # Errors
    /// `Conflict` if a newer program has made it.
    pub fn open(settings: &RepositorySettings, run: &Path, memory: Memory) -> Result<Repository> {
        match settings {
            RepositorySettings::Sqlite(path) => Sqlite::open(path, run, memory).map(Repository::Sqlite),
            RepositorySettings::Postgres(settings) => Postgres::open(settings, memory).map(Repository::Postgres),
        }
    }

    /// Whether any number of processes on any number of machines may work with it.
    pub fn is_shared(&self) -> bool {
        matches!(self, Repository::Postgres(_))
    }

    /// What is known of the installation under a name, if anything.
    pub fn installation_value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        hand!(self.installation_value(name))
    }

    /// Keeps something about the installation under a name, unless there is something already; gives what there is then.
    pub fn put_installation_value(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        hand!(self.put_installation_value(name, value))
    }

    /// The form of the repository that the settings name, which is left as it is, and the one that this program would
    /// bring it to; 0 is that of one that is not made yet.
    pub fn forms(settings: &RepositorySettings) -> Result<(usize, usize)> {
        match settings {
            RepositorySettings::Sqlite(path) => Sqlite::forms(path),
            RepositorySettings::Postgres(settings) => Postgres::forms(settings),
        }
    }

    /// The keyed hashes of this installation.
    pub fn hashes(&self) -> Hashes {
        hand!(self.hashes())
    }

    /// One import's view of the repository.
    pub fn session(&self, stored: &StoredType, import: &Import, mode: Mode) -> Result<Session> {
        match self {
            Repository::Sqlite(backend) => Ok(Session::Sqlite(Box::new(backend.session(stored, import, mode)?))),
            Repository::Postgres(backend) => Ok(Session::Postgres(Box::new(backend.session(stored, import, mode)?))),
        }
    }

    /// Takes the lease of an object type, unless another process has it.
    pub fn lease(&self, object_type: &TypeName) -> Result<Option<Lease>> {
        hand!(self.lease(object_type))
    }

    /// Takes the place of the one service that works with this installation, unless another process has it.
    pub fn claim_service(&self) -> Result<Option<Lease>> {
        hand!(self.claim_service())
    }

    /// Takes the lease of a drop folder's place, unless another process has it.
    pub fn lease_place(&self, place: &str) -> Result<Option<Lease>> {
        hand!(self.lease_place(place))
    }

    /// All object types, by name.
    pub fn object_types(&self) -> Result<Vec<StoredType>> {
        hand!(self.object_types())
    }

    /// The object type of this name, if there is one.
    pub fn object_type(&self, name: &TypeName) -> Result<Option<StoredType>> {
        hand!(self.object_type(name))
    }

    /// Stores definitions, new or changed, and builds what their unique properties need. Also gives the warnings. All
    /// or none.
    ///
    /// # Errors
    /// `Conflict` if a property that objects have values of would change to a type that cannot hold them, or if
    /// objects share a value that is to be unique. `Busy` while an import of the type runs.
    pub fn apply_types(&self, definitions: &[Value]) -> Result<Vec<(StoredType, Vec<String>)>> {
        hand!(self.apply_types(definitions))
    }

    /// Stores one definition, if the type as it is then allows it, which may be asked several times.
    ///
    /// # Errors
    /// Those of `allows`, and see [`Repository::apply_types`].
    pub fn apply_type_if(
        &self,
        definition: &Value,
        allows: impl Fn(Option<&StoredType>) -> Result<()>,
    ) -> Result<(StoredType, Vec<String>)> {
        hand!(self.apply_type_if(definition, allows))
    }

    /// The type, extended by string properties for these columns if it is one without a schema, and with an index over
    /// the correlation properties, which is built if there is none. To be called with the lease of the type. The new
    /// properties are stored by the first commit of objects that may have them.
    pub fn prepare_type(&self, name: &TypeName, columns: &[String], correlation: &[String]) -> Result<StoredType> {
        hand!(self.prepare_type(name, columns, correlation))
    }

    /// The object of this id, if there is one.
    pub fn object(&self, stored: &StoredType, id: &str) -> Result<Option<Object>> {
        hand!(self.object(stored, id))
    }

    /// Up to `limit` objects behind `after`, in order of creation.
    pub fn objects(&self, stored: &StoredType, after: ObjectNumber, limit: usize) -> Result<ObjectPage> {
        hand!(self.objects(stored, after, limit))
    }

    /// How many objects the type has.
    pub fn object_count(&self, stored: &StoredType) -> Result<u64> {
        hand!(self.object_count(stored))
    }

    /// How many objects the type has, but no more than `most`, for whoever does not want to wait for a large number.
    pub fn object_count_to(&self, stored: &StoredType, most: u32) -> Result<u64> {
        hand!(self.object_count_to(stored, most))
    }

    /// Who wrote the object of this id last; nobody if there is no such object.
    pub fn last_writer(&self, stored: &StoredType, id: &str) -> Result<Option<LastWriter>> {
        hand!(self.last_writer(stored, id))
    }

    /// Hands every object of the type, in order of creation and as of one moment, to `each`.
    pub fn each_object(&self, stored: &StoredType, each: impl FnMut(Object) -> Result<()>) -> Result<()> {
        hand!(self.each_object(stored, each))
    }

    /// Puts a new object, with an id that the caller has chosen or with one of ours.
    ///
    /// # Errors
    /// `Busy` if others write for longer than a while, or if the object would bring new properties to a type without a
    /// schema while an import of the type runs.
    pub fn create_object(&self, stored: &StoredType, id: Option<&str>, document: &str) -> Result<Written> {
        hand!(self.create_object(stored, id, document))
    }

    /// Puts the new document of an object that was `seen`, and of which nobody else may have written since.
    ///
    /// # Errors
    /// See [`Repository::create_object`].
    pub fn replace_object(&self, stored: &StoredType, seen: &Object, document: &str) -> Result<Written> {
        hand!(self.replace_object(stored, seen, document))
    }

    /// Removes an object that was `seen`, and of which nobody else may have written since.
    ///
    /// # Errors
    /// `Busy` if others write for longer than a while.
    pub fn delete_object(&self, stored: &StoredType, seen: &Object) -> Result<Written> {
        hand!(self.delete_object(stored, seen))
    }

    /// The properties of which a document has values that must be unique and are those of another object than this one.
    pub fn taken(&self, stored: &StoredType, document: &str, except: Option<&Object>) -> Result<Vec<String>> {
        hand!(self.taken(stored, document, except))
    }

    /// Begins a search for the objects that match by what is visible of them.
    pub fn search(&self, stored: &StoredType, filter: &Filter, visible: Visible) -> Result<Search> {
        hand!(self.search(stored, filter, visible))
    }

    /// The next step of a search: up to `limit` matches behind `after`, in order of creation.
    ///
    /// It looks at so few objects that it is short; so there may be more matches also where it found none.
    pub fn step(&self, stored: &StoredType, search: &Search, after: ObjectNumber, limit: usize) -> Result<FoundPage> {
        hand!(self.step(stored, search, after, limit))
    }

    /// Begins a search and makes its first step behind `after`, both in one moment.
    pub fn search_at_once(
        &self,
        stored: &StoredType,
        filter: &Filter,
        visible: Visible,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<(Search, FoundPage)> {
        hand!(self.search_at_once(stored, filter, visible, after, limit))
    }

    /// The moment that is now, for a search of which all steps are to see the same. Whatever is written meanwhile takes room
    /// until it is dropped, so it is to be dropped soon.
    ///
    /// # Errors
    /// `Busy` if there are too many.
    pub fn moment(&self) -> Result<Moment<'_>> {
        Ok(match self {
            Repository::Sqlite(backend) => Moment { of: Of::Sqlite(backend.moment()?) },
            Repository::Postgres(backend) => Moment { of: Of::Postgres(Box::new(backend.moment()?)) },
        })
    }

    /// Whether there is an index by which a search for texts that begin with a text can go.
    pub fn has_prefix_index(&self, stored: &StoredType, prefix: &Prefix) -> Result<bool> {
        hand!(self.has_prefix_index(stored, prefix))
    }

    /// Has the index made that such a search goes by, unless it is there or somebody else is making it, and waits for it.
    /// That takes as long as reading all objects. From then on it is kept with every write.
    pub fn make_prefix_index(&self, stored: &StoredType, prefix: &Prefix) -> Result<()> {
        hand!(self.make_prefix_index(stored, prefix))
    }

    /// The next step of a search for texts that begin with a text: up to `limit` matches behind a place, in the order of
    /// the texts without their case in ASCII, as far as they are indexed. It ends before that when it has looked at about
    /// `enough` objects. To be asked only if there is the index.
    pub fn step_by_prefix(
        &self,
        stored: &StoredType,
        prefix: &Prefix,
        after: Option<&PrefixPlace>,
        limit: usize,
        enough: usize,
    ) -> Result<PrefixPage> {
        hand!(self.step_by_prefix(stored, prefix, after, limit, enough))
    }

    /// Whether what was to be stored may be stored although storing it failed so: the connection was lost when everything was
    /// done, and nobody could be asked what became of it.
    pub fn may_be_stored(error: &Error) -> bool {
        postgres::is_in_doubt(error)
    }

    /// Removes what nobody needs any more and nothing else would remove: cancel marks of imports that are over, or that there
    /// are not, and sign-ins that do not count any more.
    pub fn sweep(&self) -> Result<()> {
        hand!(self.sweep())
    }
}
