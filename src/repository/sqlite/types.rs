//! Object types and their key indexes.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::keys::KeyTable;
use super::sql::{from_json, to_json};
use super::{Sqlite, sql, views};
use crate::error::{Error, Result};
use crate::import::State;
use crate::object::write_key;
use crate::repository::compatibility::{Change, Suspects};
use crate::repository::leasing::{self, Leasing};
use crate::repository::{Hashes, KeyIndex, Lease, Mode, StoredType};
use crate::schema::{ObjectType, TypeName};

/// For the keys of an index while it is built.
const BUILD_MEMORY: u64 = 64 << 20;

impl Sqlite {
    pub(in crate::repository) fn object_types(&self) -> Result<Vec<StoredType>> {
        let conn = self.conn()?;
        let names =
            sql::all(&conn, "SELECT name FROM object_type ORDER BY name", [], |row| sql::get::<String>(row, 0))?;
        names.iter().filter_map(|name| find(&conn, name).transpose()).collect()
    }

    pub(in crate::repository) fn object_type(&self, name: &TypeName) -> Result<Option<StoredType>> {
        find(&*self.conn()?, &name.to_string())
    }

    pub(in crate::repository) fn apply_types(&self, definitions: &[Value]) -> Result<Vec<(StoredType, Vec<String>)>> {
        let _leases = leasing::for_definitions(definitions, self)?;
        self.write(|conn| definitions.iter().map(|definition| apply(conn, definition, self.hashes)).collect())
    }

    pub(in crate::repository) fn apply_type_if(
        &self,
        definition: &Value,
        allows: impl Fn(Option<&StoredType>) -> Result<()>,
    ) -> Result<(StoredType, Vec<String>)> {
        let name = TypeName::of(definition)?;
        let _lease = leasing::for_definition(definition, self)?;
        self.write(|conn| {
            allows(find(conn, name.as_str())?.as_ref())?;
            apply(conn, definition, self.hashes)
        })
    }

    pub(in crate::repository) fn prepare_type(
        &self,
        name: &TypeName,
        columns: &[String],
        correlation: &[String],
    ) -> Result<StoredType> {
        let missing = || Error::not_found(format!("there is no object type '{name}'"));
        let stored = self.object_type(name)?.ok_or_else(missing)?;
        let object_type = stored.object_type.with_columns(columns)?;
        let stored = StoredType { object_type, ..stored };
        if stored.index(correlation).is_some() {
            return Ok(stored);
        }
        self.write_patiently(|conn| {
            ensure_index(conn, &stored, correlation, self.hashes)?;
            Ok(StoredType { indexes: indexes(conn, stored.number)?, ..stored.clone() })
        })
    }
}

impl Leasing for Sqlite {
    fn take(&self, name: &TypeName) -> Result<Option<Lease>> {
        self.lease(name)
    }

    fn is_importing(&self, name: &TypeName) -> Result<bool> {
        Ok(self.next_import(name)?.is_some_and(|import| import.state == State::Running))
    }
}

/// Stores one definition, inside a transaction.
pub(super) fn apply(conn: &Connection, definition: &Value, hashes: Hashes) -> Result<(StoredType, Vec<String>)> {
    let name = TypeName::of(definition)?.to_string();
    let before = find(conn, &name)?;
    let positions = before.as_ref().map(|stored| stored.object_type.positions().clone()).unwrap_or_default();
    let (object_type, warnings) = ObjectType::parse(definition, &positions)?;
    if let Some(before) = &before {
        refuse_incompatible(conn, before, &object_type)?;
    }
    sql::run(
        conn,
        "INSERT INTO object_type (name, version, definition, positions, next_object) VALUES (?1, 1, ?2, ?3, 1) \
         ON CONFLICT (name) DO UPDATE SET version = version + 1, definition = excluded.definition, \
         positions = excluded.positions",
        params![name, definition.to_string(), to_json(object_type.positions())?],
    )?;
    let stored = find(conn, &name)?.ok_or_else(|| Error::internal("a type just stored is gone"))?;
    sql::batch(
        conn,
        &format!(
            "CREATE TABLE IF NOT EXISTS object_{n} (number INTEGER PRIMARY KEY, id ANY NOT NULL, \
             revision INTEGER NOT NULL, import INTEGER, document TEXT NOT NULL) STRICT; \
             CREATE TABLE IF NOT EXISTS change_{n} (number INTEGER PRIMARY KEY, revision INTEGER NOT NULL, \
             import INTEGER, document TEXT NOT NULL) STRICT; \
             CREATE TABLE IF NOT EXISTS fingerprint_{n} (chunk INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT; \
             CREATE VIEW IF NOT EXISTS current_{n} AS SELECT o.number AS number, o.id AS id, \
             coalesce(c.revision, o.revision) AS revision, coalesce(c.import, o.import) AS import, \
             coalesce(c.document, o.document) AS document \
             FROM object_{n} AS o LEFT JOIN change_{n} AS c ON c.number = o.number",
            n = stored.number
        ),
    )?;
    views::make(conn, stored.number, &object_type)?;
    for property in object_type.properties().iter().filter(|property| property.unique) {
        let index = ensure_index(conn, &stored, std::slice::from_ref(&property.path), hashes)?;
        refuse_shared_values(conn, &stored, &index, &property.path)?;
    }
    Ok((StoredType { indexes: indexes(conn, stored.number)?, ..stored }, warnings))
}

fn find(conn: &Connection, name: &str) -> Result<Option<StoredType>> {
    let sql = "SELECT number, version, definition, positions FROM object_type WHERE name = ?1";
    let found = sql::first(conn, sql, [name], |row| {
        let version: i64 = sql::get(row, 1)?;
        let (definition, positions): (String, String) = (sql::get(row, 2)?, sql::get(row, 3)?);
        let (object_type, _) = ObjectType::parse(&from_json(&definition)?, &from_json(&positions)?)?;
        Ok((sql::get::<i64>(row, 0)?, version.unsigned_abs(), object_type))
    })?;
    let Some((number, version, object_type)) = found else { return Ok(None) };
    let indexes = indexes(conn, number)?;
    Ok(Some(StoredType { number, version, object_type, indexes }))
}

pub(super) fn indexes(conn: &Connection, type_number: i64) -> Result<Vec<KeyIndex>> {
    let sql = "SELECT number, properties, pairs = 0 FROM key_index WHERE object_type = ?1 ORDER BY number";
    sql::all(conn, sql, [type_number], |row| {
        let properties: String = sql::get(row, 1)?;
        Ok(KeyIndex { number: sql::get(row, 0)?, properties: from_json(&properties)?, is_empty: sql::get(row, 2)? })
    })
}

/// Builds all indexes anew: those of unique properties now, the others when they are next needed.
pub(super) fn rebuild_indexes(conn: &Connection, hashes: Hashes) -> Result<()> {
    for number in sql::all(conn, "SELECT number FROM key_index", [], |row| sql::get::<i64>(row, 0))? {
        sql::batch(conn, &format!("DROP TABLE key_{number}"))?;
    }
    sql::batch(conn, "DELETE FROM key_index")?;
    let names = sql::all(conn, "SELECT name FROM object_type", [], |row| sql::get::<String>(row, 0))?;
    for name in names {
        let Some(stored) = find(conn, &name)? else { continue };
        for property in stored.object_type.unique_properties() {
            ensure_index(conn, &stored, std::slice::from_ref(&property.path), hashes)?;
        }
    }
    Ok(())
}

/// The index over these properties, built from the objects there are if it is new.
fn ensure_index(conn: &Connection, stored: &StoredType, properties: &[String], hashes: Hashes) -> Result<KeyIndex> {
    let properties = KeyIndex::canonical(properties);
    let known = indexes(conn, stored.number)?.into_iter().find(|index| index.properties == properties);
    if let Some(index) = known {
        return Ok(index);
    }
    let insert = "INSERT INTO key_index (object_type, properties) VALUES (?1, ?2)";
    sql::run(conn, insert, params![stored.number, to_json(&properties)?])?;
    let number = conn.last_insert_rowid();
    sql::batch(conn, &format!("CREATE TABLE key_{number} (bucket INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT"))?;
    let index = KeyIndex { number, properties, is_empty: true };
    fill(conn, stored, &index, hashes)?;
    Ok(index)
}

fn fill(conn: &Connection, stored: &StoredType, index: &KeyIndex, hashes: Hashes) -> Result<()> {
    let positions: Vec<usize> = index
        .properties
        .iter()
        .map(|path| stored.object_type.property(path).map(|property| property.position as usize))
        .collect::<Option<_>>()
        .ok_or_else(|| Error::internal("an index over a property that the type does not have"))?;
    let select = format!("SELECT number, document FROM current_{}", stored.number);
    let mut statement = sql::prepare(conn, &select)?;
    let mut rows = sql::query(&mut statement, [])?;
    let mut table = KeyTable::new(index, Mode::Write, BUILD_MEMORY);
    table.reset(conn)?;
    let mut key = String::new();
    while let Some(row) = sql::next(&mut rows)? {
        let document = row.get_ref(1).map_err(|error| sql::failed("reading a document", error))?;
        let document = document.as_str().map_err(|error| Error::storage("a document could not be read", error))?;
        if write_key(document, &positions, &mut key) {
            table.add(hashes.key(&key), sql::get(row, 0)?);
            if table.is_full() {
                table.flush(conn)?;
            }
        }
    }
    table.flush(conn)
}

fn refuse_shared_values(conn: &Connection, stored: &StoredType, index: &KeyIndex, path: &str) -> Result<()> {
    let mut table = KeyTable::new(index, Mode::Write, BUILD_MEMORY);
    table.reset(conn)?;
    match table.shared(conn)? {
        0 => Ok(()),
        shared => Err(Error::conflict(format!(
            "'{path}' of {} cannot become unique: {shared} of its values are shared by several objects",
            stored.object_type.name()
        ))),
    }
}

/// Refuses what the objects there are do not allow.
fn refuse_incompatible(conn: &Connection, before: &StoredType, after: &ObjectType) -> Result<()> {
    let mut change = Change::new(&before.object_type, after);
    let which = match change.suspects() {
        Suspects::Nobody => return Ok(()),
        Suspects::Undeclared => "WHERE document GLOB '[[]{*'",
        Suspects::Everybody => "",
    };
    let select = format!("SELECT document FROM current_{} {which}", before.number);
    let mut statement = sql::prepare(conn, &select)?;
    let mut rows = sql::query(&mut statement, [])?;
    while let Some(row) = sql::next(&mut rows)? {
        let document = row.get_ref(0).map_err(|error| sql::failed("reading a document", error))?;
        let document = document.as_str().map_err(|error| Error::storage("a document could not be read", error))?;
        if change.look_at(document)?.is_break() {
            break;
        }
    }
    change.verdict()
}
