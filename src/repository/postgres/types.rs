//! Object types and their key indexes.
//!
//! Whoever changes a type or builds an index holds the type's row, of which everybody who writes an object holds a share.
//! So an index misses no object, and no object is written by a definition that is over.

mod filling;

use serde_json::Value;

use super::conn::Conn;
use super::leases::of_type;
use super::sql::{from_json, to_json};
use super::transaction::Tx;
use super::{Postgres, sql, views};
use crate::error::{Error, Kind, Result};
use crate::import::State;
use crate::repository::compatibility::{Change, Suspects};
use crate::repository::leasing::{self, Leasing};
use crate::repository::{Hashes, KeyIndex, Lease, StoredType};
use crate::schema::{ObjectType, TypeName};

/// The first index of a type has the number behind so many times the type's. No type has more indexes.
const INDEXES: i64 = 1_000_000;

/// What takes as long as there are objects must not be broken off.
const NO_HURRY: &str = "SET LOCAL statement_timeout = 0";

impl Postgres {
    pub(in crate::repository) fn object_types(&self) -> Result<Vec<StoredType>> {
        self.read(|conn| {
            let select = "SELECT name FROM object_type";
            // In order of their bytes, which not every database sorts by.
            let mut names = conn.all(select, &[], |row| sql::get::<String>(row, 0))?;
            names.sort_unstable();
            names.iter().filter_map(|name| find(conn, name).transpose()).collect()
        })
    }

    pub(in crate::repository) fn object_type(&self, name: &TypeName) -> Result<Option<StoredType>> {
        self.read(|conn| find(conn, name.as_str()))
    }

    pub(in crate::repository) fn apply_types(&self, definitions: &[Value]) -> Result<Vec<(StoredType, Vec<String>)>> {
        let leases = leasing::for_definitions(definitions, self)?;
        let applied = self.write(|tx| {
            let applied: Vec<_> =
                definitions.iter().map(|definition| apply(tx, definition, self.hashes)).collect::<Result<_>>()?;
            leases.keys().try_for_each(|name| self.leases.fence(tx, &of_type(name)))?;
            Ok(applied)
        })?;
        leases.keys().for_each(|name| views::make_view(&self.pool, name));
        Ok(applied)
    }

    pub(in crate::repository) fn apply_type_if(
        &self,
        definition: &Value,
        allows: impl Fn(Option<&StoredType>) -> Result<()>,
    ) -> Result<(StoredType, Vec<String>)> {
        let name = TypeName::of(definition)?;
        let _lease = leasing::for_definition(definition, self)?;
        let applied = self.write(|tx| {
            allows(find(tx, name.as_str())?.as_ref())?;
            let applied = apply(tx, definition, self.hashes)?;
            self.leases.fence(tx, &of_type(&name))?;
            Ok(applied)
        })?;
        views::make_view(&self.pool, &name);
        Ok(applied)
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
        self.write(|tx| {
            tx.batch(NO_HURRY)?;
            tx.query("SELECT number FROM object_type WHERE number = $1 FOR UPDATE", &[&stored.number])?;
            ensure_index(tx, &stored, correlation, self.hashes)?;
            let indexes = indexes(tx, stored.number)?;
            self.leases.fence(tx, &of_type(name))?;
            Ok(StoredType { indexes, ..stored.clone() })
        })
    }
}

impl Leasing for Postgres {
    fn take(&self, name: &TypeName) -> Result<Option<Lease>> {
        self.lease(name)
    }

    fn is_importing(&self, name: &TypeName) -> Result<bool> {
        Ok(self.next_import(name)?.is_some_and(|import| import.state == State::Running))
    }
}

/// Stores one definition, inside a transaction. Its view has to be made afterwards.
pub(super) fn apply(tx: &mut Tx, definition: &Value, hashes: Hashes) -> Result<(StoredType, Vec<String>)> {
    let name = TypeName::of(definition)?;
    tx.batch(NO_HURRY)?;
    tx.query("SELECT number FROM object_type WHERE name = $1 FOR UPDATE", &[&name.as_str()])?;
    let before = find(tx, name.as_str())?;
    let positions = before.as_ref().map(|stored| stored.object_type.positions().clone()).unwrap_or_default();
    let (object_type, warnings) = ObjectType::parse(definition, &positions)?;
    if let Some(before) = &before {
        refuse_incompatible(tx, before, &object_type)?;
    }
    let (text, positions) = (definition.to_string(), to_json(object_type.positions())?);
    match &before {
        Some(before) => {
            let change = "UPDATE object_type SET version = version + 1, definition = $2, positions = $3 \
                          WHERE number = $1";
            tx.run(change, &[&before.number, &text, &positions])?;
        }
        None => {
            let number = tx.take_numbers("object_type", 1)?;
            let insert = "INSERT INTO object_type (number, name, version, definition, positions) \
                          VALUES ($1, $2, 1, $3, $4) ON CONFLICT (name) DO NOTHING";
            if tx.run(insert, &[&number, &name.as_str(), &text, &positions])? == 0 {
                return Err(Error::new(
                    Kind::Busy,
                    format!("{name} has just been defined by somebody else; try again"),
                ));
            }
        }
    }
    let stored = find(tx, name.as_str())?.ok_or_else(|| Error::internal("a type just stored is gone"))?;
    for property in object_type.unique_properties() {
        let path = &property.path;
        let index = ensure_index(tx, &stored, std::slice::from_ref(path), hashes)?;
        let was_unique = |before: &StoredType| before.object_type.property(path).is_some_and(|old| old.unique);
        if !before.as_ref().is_some_and(was_unique) {
            make_unique(tx, &stored, &index, path)?;
        }
    }
    Ok((StoredType { indexes: indexes(tx, stored.number)?, ..stored }, warnings))
}

fn find(conn: &mut Conn, name: &str) -> Result<Option<StoredType>> {
    let select = "SELECT number, version, definition, positions FROM object_type WHERE name = $1";
    let found = conn.first(select, &[&name], |row| {
        let (definition, positions): (String, String) = (sql::get(row, 2)?, sql::get(row, 3)?);
        let (object_type, _) = ObjectType::parse(&from_json(&definition)?, &from_json(&positions)?)?;
        Ok((sql::get::<i64>(row, 0)?, sql::get::<i64>(row, 1)?.unsigned_abs(), object_type))
    })?;
    let Some((number, version, object_type)) = found else { return Ok(None) };
    let indexes = indexes(conn, number)?;
    Ok(Some(StoredType { number, version, object_type, indexes }))
}

fn indexes(conn: &mut Conn, type_number: i64) -> Result<Vec<KeyIndex>> {
    let select = "SELECT number, properties FROM key_index WHERE object_type = $1 ORDER BY number";
    let indexes = conn.all(select, &[&type_number], |row| {
        Ok((sql::get::<i64>(row, 0)?, from_json::<Vec<String>>(&sql::get::<String>(row, 1)?)?))
    })?;
    // One by one: where the pairs are spread over servers, they cannot be looked for in the middle of another query.
    let pair = "SELECT 1 FROM key_pair WHERE key_index = $1 LIMIT 1";
    let index = |(number, properties)| {
        let is_empty = conn.first(pair, &[&number], |_| Ok(()))?.is_none();
        Ok(KeyIndex { number, properties, is_empty })
    };
    indexes.into_iter().map(index).collect()
}

/// The index over these properties, built from the objects there are if it is new. To be called with the type's row.
fn ensure_index(tx: &mut Tx, stored: &StoredType, properties: &[String], hashes: Hashes) -> Result<KeyIndex> {
    let properties = KeyIndex::canonical(properties);
    let known = indexes(tx, stored.number)?.into_iter().find(|index| index.properties == properties);
    if let Some(index) = known {
        return Ok(index);
    }
    // Not from a counter, which others would wait for as long as the index is built.
    let last = "SELECT coalesce(max(number), 0) FROM key_index WHERE object_type = $1";
    let last = tx.first(last, &[&stored.number], |row| sql::get::<i64>(row, 0))?;
    let number = last.unwrap_or(0).max(stored.number * INDEXES) + 1;
    let insert = "INSERT INTO key_index (number, object_type, properties) VALUES ($1, $2, $3)";
    tx.run(insert, &[&number, &stored.number, &to_json(&properties)?])?;
    let index = KeyIndex { number, properties, is_empty: true };
    filling::fill(tx, stored, &index, hashes)?;
    Ok(index)
}

/// From now on no two objects may have the same value, which the pairs themselves prevent.
fn make_unique(tx: &mut Tx, stored: &StoredType, index: &KeyIndex, path: &str) -> Result<()> {
    let shared = "SELECT count(*) FROM (SELECT hash FROM key_pair WHERE key_index = $1 GROUP BY hash \
                  HAVING count(*) > 1) AS shared";
    let shared = tx.first(shared, &[&index.number], |row| sql::get::<i64>(row, 0))?;
    match shared.unwrap_or(0) {
        0 => tx.run("UPDATE key_pair SET tie = 0 WHERE key_index = $1 AND tie <> 0", &[&index.number]).map(drop),
        shared => Err(Error::conflict(format!(
            "'{path}' of {} cannot become unique: {shared} of its values are shared by several objects",
            stored.object_type.name()
        ))),
    }
}

/// Refuses what the objects there are do not allow.
fn refuse_incompatible(tx: &mut Tx, before: &StoredType, after: &ObjectType) -> Result<()> {
    let mut change = Change::new(&before.object_type, after);
    let document = match change.suspects() {
        Suspects::Nobody => return Ok(()),
        Suspects::Undeclared => "CASE WHEN document LIKE '[{%' THEN document END",
        Suspects::Everybody => "document",
    };
    filling::each_document(tx, before.number, document, |_, document| change.look_at(document))?;
    change.verdict()
}
