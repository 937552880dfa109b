//! The embedded repository as one that is moved elsewhere: locked against everybody, read as of one moment.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use uuid::Uuid;

use super::keys::bucket::Bucket;
use super::loan::Idle;
use super::locks::{Lock, Turn, take_turn};
use super::{MIGRATIONS, Sqlite, sql};
use crate::clock;
use crate::config::Memory;
use crate::error::{Error, Result};
use crate::filter::fold;
use crate::import::Import;
use crate::repository::ids::Ids;
use crate::repository::long_looks::LongLooks;
use crate::repository::transfer::{Cell, Column, Origin, Table};
use crate::repository::{Hashes, Lease};
use crate::schema::{ObjectType, TypeName};

/// How long a write of somebody else is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Objects of one chunk of fingerprints.
const CHUNK: i64 = 1000;

/// See the module's head.
pub(in crate::repository) struct Leaving<'a> {
    sqlite: &'a Sqlite,
    conn: Connection,
    _leases: Vec<Lease>,
    _turn: Lock,
}

/// What takes a row.
type Take<'a> = &'a mut dyn FnMut(&[Cell<'_>]) -> Result<()>;

impl Sqlite {
    /// Opens a repository that is there, and of this program's form.
    pub(in crate::repository) fn open_as_it_is(path: &Path, run: &Path, memory: Memory) -> Result<Sqlite> {
        if !path.is_file() {
            return Err(Error::not_found(format!("there is no repository '{}' to be moved", path.display())));
        }
        let conn = read_only(path)?;
        let form = sql::first(&conn, "PRAGMA user_version", [], |row| sql::get::<i64>(row, 0))?.unwrap_or(0);
        let known = MIGRATIONS.len() as i64;
        if form != known {
            let what = if form < known { "run 'rollbook migrate' there first" } else { "use a newer rollbook" };
            return Err(Error::conflict(format!(
                "the repository '{}' has form {form}, and only one of form {known} can be moved: {what}",
                path.display()
            )));
        }
        let hashes = Hashes::new(&super::secret(&conn)?);
        let (idle, long_looks) = (Idle::default(), LongLooks::default());
        Ok(Sqlite { path: path.to_owned(), run: run.to_owned(), memory, hashes, idle, long_looks })
    }
}

fn read_only(path: &Path) -> Result<Connection> {
    let opened = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
    opened.map_err(|error| Error::storage(format!("the repository '{}' could not be opened", path.display()), error))
}

impl<'a> Leaving<'a> {
    pub(in crate::repository) fn begin(sqlite: &'a Sqlite) -> Result<Leaving<'a>> {
        let used = |by: &str| {
            let path = sqlite.path.display();
            Error::conflict(format!(
                "the repository '{path}' is in use by {by}: stop it, and have nothing started again"
            ))
        };
        let mut leases = vec![sqlite.claim_service()?.ok_or_else(|| used("a 'rollbook serve'"))?];
        let conn = read_only(&sqlite.path)?;
        let names = "SELECT name FROM object_type ORDER BY number";
        for name in sql::all(&conn, names, [], |row| sql::get::<String>(row, 0)?.parse::<TypeName>())? {
            leases.push(sqlite.lease(&name)?.ok_or_else(|| used(&format!("an import of {name}")))?);
        }
        let places = "SELECT DISTINCT place FROM run WHERE \"end\" IS NULL";
        for place in sql::all(&conn, places, [], |row| sql::get::<String>(row, 0))? {
            leases.push(sqlite.lease_place(&place)?.ok_or_else(|| used("a look at a drop folder"))?);
        }
        let turn = take_turn(&sqlite.run, Turn::Write, PATIENCE).map_err(|_| used("another command"))?;
        // One state of it, whoever writes past all locks.
        sql::batch(&conn, "BEGIN")?;
        Ok(Leaving { sqlite, conn, _leases: leases, _turn: turn })
    }

    /// All imports, oldest first.
    pub(in crate::repository) fn imports(&self) -> Result<Vec<Import>> {
        self.sqlite.imports()
    }

    /// A sealed text, with what it is sealed for.
    pub(in crate::repository) fn sealed(&self) -> Result<Option<(String, Vec<u8>)>> {
        let sql = "SELECT name, signing_secret FROM drop_folder_state ORDER BY name LIMIT 1";
        let read = |row: &rusqlite::Row<'_>| Ok((sql::get::<String>(row, 0)?, sql::get(row, 1)?));
        sql::first(&self.conn, sql, [], read)
    }

    /// Hands the rows that a table of the target is to have over.
    pub(in crate::repository) fn rows(&self, table: &Table, take: Take<'_>) -> Result<()> {
        match table.origin {
            Origin::Query(query, columns) => self.query(query, columns, take),
            Origin::Objects => self.types()?.into_iter().try_for_each(|(number, _)| self.objects(number, take)),
            Origin::ChosenIds => self.chosen_ids(take),
            Origin::Pairs => self.pairs(take),
            Origin::Counters => self.counters(take),
            Origin::CancelMarks => self.cancel_marks(take),
        }
    }

    fn query(&self, query: &str, columns: &[Column], take: Take<'_>) -> Result<()> {
        let mut statement = sql::prepare(&self.conn, query)?;
        let mut rows = sql::query(&mut statement, [])?;
        let mut texts: Vec<String> = vec![String::new(); columns.len()];
        while let Some(row) = sql::next(&mut rows)? {
            for ((at, column), text) in columns.iter().enumerate().zip(&mut texts) {
                if let (Column::AnyText, ValueRef::Text(_)) = (column, value(row, at)?) {
                    *text = sql::to_json(&sql::get::<String>(row, at)?)?;
                }
            }
            let cell = |(at, column): (usize, &Column)| match (column, value(row, at)?) {
                (_, ValueRef::Null) => Ok(Cell::Null),
                (Column::Number, ValueRef::Integer(number)) => Ok(Cell::Number(number)),
                (Column::Flag, ValueRef::Integer(number)) => Ok(Cell::Flag(number != 0)),
                (Column::AnyText, ValueRef::Text(_)) => Ok(Cell::Text(&texts[at])),
                (Column::Id, ValueRef::Text(text)) => utf8(text)?.parse().map(Cell::Id).map_err(|_| unreadable(query)),
                (Column::Text, ValueRef::Text(text)) => utf8(text).map(Cell::Text),
                (Column::Bytes, ValueRef::Blob(bytes)) => Ok(Cell::Bytes(bytes)),
                _ => Err(unreadable(query)),
            };
            let cells: Vec<Cell<'_>> = columns.iter().enumerate().map(cell).collect::<Result<_>>()?;
            take(&cells)?;
        }
        Ok(())
    }

    /// The numbers of all types, with the number that the next object of each has.
    fn types(&self) -> Result<Vec<(i64, i64)>> {
        let types = "SELECT number, next_object FROM object_type ORDER BY number";
        sql::all(&self.conn, types, [], |row| Ok((sql::get(row, 0)?, sql::get(row, 1)?)))
    }

    fn objects(&self, object_type: i64, take: Take<'_>) -> Result<()> {
        let (mut ids, now) = (Ids::new(), clock::unix_millis());
        let chunk = format!("SELECT data FROM fingerprint_{object_type} WHERE chunk = ?1");
        let (mut chunk_number, mut fingerprints) = (-1, Vec::<u8>::new());
        let objects = format!(
            "SELECT number, id, revision, coalesce(import, 0), document FROM current_{object_type} ORDER BY number"
        );
        let mut statement = sql::prepare(&self.conn, &objects)?;
        let mut rows = sql::query(&mut statement, [])?;
        while let Some(row) = sql::next(&mut rows)? {
            let number: i64 = sql::get(row, 0)?;
            if number / CHUNK != chunk_number {
                chunk_number = number / CHUNK;
                let read = sql::first(&self.conn, &chunk, [chunk_number], |row| sql::get(row, 0))?;
                fingerprints = read.unwrap_or_default();
            }
            let (all, _) = fingerprints.as_chunks::<8>();
            let fingerprint = all.get((number % CHUNK) as usize).map_or(0, |bytes| i64::from_le_bytes(*bytes));
            let (id, chosen) = match value(row, 1)? {
                ValueRef::Blob(bytes) => (Uuid::from_slice(bytes).map_err(|_| unreadable(&objects))?, Cell::Null),
                // Besides the chosen one every object has an id of ours.
                ValueRef::Text(text) => (ids.next(number, now), Cell::Text(utf8(text)?)),
                _ => return Err(unreadable(&objects)),
            };
            let ValueRef::Text(document) = value(row, 4)? else { return Err(unreadable(&objects)) };
            take(&[
                Cell::Number(object_type),
                Cell::Number(number),
                Cell::Id(id),
                chosen,
                Cell::Number(sql::get(row, 2)?),
                Cell::Number(sql::get(row, 3)?),
                Cell::Number(fingerprint),
                Cell::Text(utf8(document)?),
            ])?;
        }
        Ok(())
    }

    fn chosen_ids(&self, take: Take<'_>) -> Result<()> {
        let chosen = "SELECT object_type, id, object FROM chosen_id";
        let mut statement = sql::prepare(&self.conn, chosen)?;
        let mut rows = sql::query(&mut statement, [])?;
        while let Some(row) = sql::next(&mut rows)? {
            let id: String = sql::get(row, 1)?;
            let (object_type, object) = (sql::get(row, 0)?, sql::get(row, 2)?);
            take(&[Cell::Number(object_type), Cell::Text(&id), Cell::Text(&fold(&id)), Cell::Number(object)])?;
        }
        Ok(())
    }

    fn pairs(&self, take: Take<'_>) -> Result<()> {
        let indexes = "SELECT i.number, i.properties, t.definition, t.positions FROM key_index AS i \
                       JOIN object_type AS t ON t.number = i.object_type ORDER BY i.number";
        let mut statement = sql::prepare(&self.conn, indexes)?;
        let mut rows = sql::query(&mut statement, [])?;
        while let Some(row) = sql::next(&mut rows)? {
            let [properties, definition, positions] = [1, 2, 3].map(|at| sql::get::<String>(row, at));
            let properties: Vec<String> = sql::from_json(&properties?)?;
            let (object_type, _) = ObjectType::parse(&sql::from_json(&definition?)?, &sql::from_json(&positions?)?)?;
            let is_unique = match properties.as_slice() {
                [path] => object_type.property(path).is_some_and(|property| property.unique),
                _ => false,
            };
            self.pairs_of(sql::get(row, 0)?, is_unique, take)?;
        }
        Ok(())
    }

    fn pairs_of(&self, index: i64, is_unique: bool, take: Take<'_>) -> Result<()> {
        let buckets = format!("SELECT data FROM key_{index} ORDER BY bucket");
        let mut statement = sql::prepare(&self.conn, &buckets)?;
        let mut rows = sql::query(&mut statement, [])?;
        let mut last = None;
        while let Some(row) = sql::next(&mut rows)? {
            for (hash, object) in Bucket::unpack(&sql::get::<Vec<u8>>(row, 0)?).pairs() {
                // Of different values with one hash, only the first one can be told without its object.
                let tie = if is_unique && last != Some(hash) { 0 } else { object };
                last = Some(hash);
                take(&[
                    Cell::Number(index),
                    Cell::Number(hash.cast_signed()),
                    Cell::Number(tie),
                    Cell::Number(object),
                ])?;
            }
        }
        Ok(())
    }

    /// The next number of everything that is numbered.
    fn counters(&self, take: Take<'_>) -> Result<()> {
        let types = self.types()?;
        for (number, next) in &types {
            take(&[Cell::Text(&format!("object {number}")), Cell::Number(*next)])?;
        }
        let last = types.iter().map(|(number, _)| *number).max().unwrap_or(0);
        take(&[Cell::Text("object_type"), Cell::Number(last + 1)])?;
        for name in ["import", "run"] {
            // Numbers of rows that were deleted are never given again.
            let last = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
            let last = sql::first(&self.conn, last, [name], |row| sql::get::<i64>(row, 0))?.unwrap_or(0);
            take(&[Cell::Text(name), Cell::Number(last + 1)])?;
        }
        Ok(())
    }

    fn cancel_marks(&self, take: Take<'_>) -> Result<()> {
        for import in self.sqlite.open_imports()? {
            if self.sqlite.is_cancelled(import.id) {
                let who = sql::to_json(&self.sqlite.cancelled_by(import.id).unwrap_or_default())?;
                take(&[Cell::Id(import.id.uuid()), Cell::Text(&who)])?;
            }
        }
        Ok(())
    }
}

fn value<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> Result<ValueRef<'a>> {
    row.get_ref(column).map_err(|error| sql::failed("reading a stored value", error))
}

fn utf8(text: &[u8]) -> Result<&str> {
    std::str::from_utf8(text).map_err(|error| Error::storage("a stored text is not UTF-8", error))
}

fn unreadable(query: &str) -> Error {
    Error::internal(format!("'{query}' has given something else than it should"))
}
