//! Writing objects one by one, each in a short transaction of its own.
//!
//! Whoever writes has looked before, without a lock. Here, under the lock, it is made sure that what was seen is still
//! so, the object and its type alike; if not, nothing is written and the writer looks again. Nothing is judged, except
//! that a value which must be unique is no other object's: that can only be known under the lock.

use rusqlite::{Connection, params};

use super::fingerprints::Fingerprints;
use super::keys::KeyTable;
use super::sql::{from_json, to_json};
use super::{Sqlite, objects, sql, types, views};
use crate::clock;
use crate::error::{Error, Result};
use crate::object::{Object, write_key};
use crate::repository::ids::Ids;
use crate::repository::leasing;
use crate::repository::{Hashes, KeyIndex, Lease, Mode, ObjectNumber, StoredType, Written};
use crate::schema::Positions;

/// For the buckets and chunks that one write reads.
const MEMORY: u64 = 1 << 20;

/// In place of the import that last wrote an object, of objects that somebody wrote directly. No import has the number;
/// without any, that of the version before would show.
const NO_IMPORT: i64 = 0;

impl Sqlite {
    pub(in crate::repository) fn create_object(
        &self,
        stored: &StoredType,
        id: Option<&str>,
        document: &str,
    ) -> Result<Written> {
        self.write_object(stored, |writing| {
            if let Some(id) = id
                && objects::find(writing.conn, stored, id)?.is_some()
            {
                return Ok(Written::Exists);
            }
            match writing.key_changes(None, None, Some(document))? {
                Ok(changes) => writing.create(id, document, changes),
                Err(taken) => Ok(Written::Taken(taken)),
            }
        })
    }

    pub(in crate::repository) fn replace_object(
        &self,
        stored: &StoredType,
        seen: &Object,
        document: &str,
    ) -> Result<Written> {
        self.write_object(stored, |writing| {
            let Some(number) = writing.unchanged(seen)? else { return Ok(Written::Outdated) };
            match writing.key_changes(Some(number), Some(&seen.document), Some(document))? {
                Ok(changes) => writing.replace(number, seen, document, changes),
                Err(taken) => Ok(Written::Taken(taken)),
            }
        })
    }

    pub(in crate::repository) fn delete_object(&self, stored: &StoredType, seen: &Object) -> Result<Written> {
        self.write_object(stored, |writing| {
            let Some(number) = writing.unchanged(seen)? else { return Ok(Written::Outdated) };
            match writing.key_changes(Some(number), Some(&seen.document), None)? {
                Ok(changes) => writing.delete(number, seen, changes),
                Err(taken) => Ok(Written::Taken(taken)),
            }
        })
    }

    pub(in crate::repository) fn taken(
        &self,
        stored: &StoredType,
        document: &str,
        except: Option<&Object>,
    ) -> Result<Vec<String>> {
        let conn = self.conn()?;
        let writing = Writing { conn: &conn, stored, hashes: self.hashes };
        let except = except.map(|object| objects::find(&conn, stored, &object.id)).transpose()?.flatten();
        let changes = writing.key_changes(except.map(|(number, _)| number), None, Some(document))?;
        Ok(changes.err().unwrap_or_default())
    }

    fn write_object(&self, stored: &StoredType, work: impl FnOnce(&Writing<'_>) -> Result<Written>) -> Result<Written> {
        // Kept until the transaction is over: the next import must find the new properties.
        let lease = self.lease_for_new_properties(stored)?;
        self.write(|conn| {
            let writing = Writing { conn, stored, hashes: self.hashes };
            if !writing.type_is_current(lease.as_ref())? {
                return Ok(Written::Outdated);
            }
            let written = work(&writing)?;
            if let (Written::Done(_), Some(_)) = (&written, &lease) {
                writing.keep_positions()?;
            }
            Ok(written)
        })
    }

    fn lease_for_new_properties(&self, stored: &StoredType) -> Result<Option<Lease>> {
        let (_, known) = type_now(&*self.conn()?, stored)?;
        leasing::for_new_properties(stored, &known, self)
    }
}

/// One write, under the lock.
struct Writing<'a> {
    conn: &'a Connection,
    stored: &'a StoredType,
    hashes: Hashes,
}

/// How one key of an object changes.
struct KeyChange {
    table: KeyTable,
    old: Option<u64>,
    new: Option<u64>,
}

impl Writing<'_> {
    fn type_is_current(&self, lease: Option<&Lease>) -> Result<bool> {
        let (version, positions) = type_now(self.conn, self.stored)?;
        let seen = self.stored.object_type.positions();
        let fits = match lease {
            None => positions.len() == seen.len(),
            Some(_) => positions.len() <= seen.len(),
        };
        let same = positions.iter().zip(seen.iter()).all(|(now, seen)| now == seen);
        Ok(version == self.stored.version && fits && same)
    }

    fn keep_positions(&self) -> Result<()> {
        let StoredType { number, object_type, .. } = self.stored;
        let keep = "UPDATE object_type SET positions = ?2 WHERE number = ?1";
        sql::run(self.conn, keep, params![number, to_json(object_type.positions())?])?;
        views::make(self.conn, *number, object_type)
    }

    /// Where an object lies, if it is still the one that was seen.
    fn unchanged(&self, seen: &Object) -> Result<Option<ObjectNumber>> {
        let now = objects::find(self.conn, self.stored, &seen.id)?;
        // One that was removed and created again may have the same revision.
        let is_same = |now: &Object| now.revision == seen.revision && now.document == seen.document;
        Ok(now.filter(|(_, object)| is_same(object)).map(|(number, _)| number))
    }

    /// How the keys of an object change with its document, or which of its values are another object's.
    fn key_changes(
        &self,
        object: Option<ObjectNumber>,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<Result<Vec<KeyChange>, Vec<String>>> {
        let (mut changes, mut taken) = (Vec::new(), Vec::new());
        // Asked for under the lock: an import may have had one built since the type was read.
        for index in types::indexes(self.conn, self.stored.number)? {
            let Some(positions) = self.positions(&index) else { continue };
            let mut key = String::new();
            let mut hash_of = |document: &str| write_key(document, &positions, &mut key).then(|| self.hashes.key(&key));
            let old = before.and_then(&mut hash_of);
            let new = after.and_then(&mut hash_of);
            if old == new {
                continue;
            }
            let mut table = KeyTable::new(&index, Mode::Write, MEMORY);
            table.reset(self.conn)?;
            if let (Some(path), Some(hash)) = (self.unique(&index), new) {
                table.prefetch(self.conn, &mut [hash])?;
                let others: Vec<ObjectNumber> = table.holders(hash).filter(|other| Some(*other) != object).collect();
                if self.any_holds(&others, &positions, &key)? {
                    taken.push(path.to_owned());
                }
            }
            changes.push(KeyChange { table, old, new });
        }
        Ok(if taken.is_empty() { Ok(changes) } else { Err(taken) })
    }

    /// The places of the properties of an index; none if no object has one of them yet.
    fn positions(&self, index: &KeyIndex) -> Option<Vec<usize>> {
        let positions = self.stored.object_type.positions();
        index.properties.iter().map(|path| positions.get(path).map(|position| position as usize)).collect()
    }

    /// The property of an index, if no two objects may have the same value of it.
    fn unique<'i>(&self, index: &'i KeyIndex) -> Option<&'i str> {
        let [path] = index.properties.as_slice() else { return None };
        self.stored.object_type.property(path).filter(|property| property.unique).map(|_| path.as_str())
    }

    /// Whether one of these objects, which have a key of the same hash, really has this key.
    fn any_holds(&self, objects: &[ObjectNumber], positions: &[usize], key: &str) -> Result<bool> {
        let select = format!("SELECT document FROM current_{} WHERE number = ?1", self.stored.number);
        let mut held = String::new();
        for object in objects {
            let document = sql::first(self.conn, &select, [object], |row| sql::get::<String>(row, 0))?;
            if document.is_some_and(|document| write_key(&document, positions, &mut held) && held == key) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn create(&self, chosen: Option<&str>, document: &str, changes: Vec<KeyChange>) -> Result<Written> {
        let type_number = self.stored.number;
        let take = "UPDATE object_type SET next_object = next_object + 1 WHERE number = ?1 RETURNING next_object - 1";
        let number: ObjectNumber = sql::first(self.conn, take, [type_number], |row| sql::get(row, 0))?
            .ok_or_else(|| Error::internal("a type that was just read is gone"))?;
        let insert = format!(
            "INSERT INTO object_{type_number} (number, id, revision, import, document) VALUES (?1, ?2, 1, ?3, ?4)"
        );
        let id = match chosen {
            Some(id) => {
                let choose = "INSERT INTO chosen_id (object_type, id, object) VALUES (?1, ?2, ?3)";
                sql::run(self.conn, choose, params![type_number, id, number])?;
                sql::run(self.conn, &insert, params![number, id, NO_IMPORT, document])?;
                id.to_owned()
            }
            None => {
                let id = Ids::new().next(number, clock::unix_millis());
                sql::run(self.conn, &insert, params![number, id.as_bytes().as_slice(), NO_IMPORT, document])?;
                id.to_string()
            }
        };
        self.change_keys(number, changes)?;
        Ok(Written::Done(Object { id, revision: 1, import: None, document: document.to_owned() }))
    }

    fn replace(&self, number: ObjectNumber, seen: &Object, document: &str, changes: Vec<KeyChange>) -> Result<Written> {
        let revision = seen.revision + 1;
        let put = format!(
            "INSERT INTO change_{} (number, revision, import, document) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (number) DO UPDATE SET revision = excluded.revision, import = excluded.import, \
             document = excluded.document",
            self.stored.number
        );
        sql::run(self.conn, &put, params![number, revision.cast_signed(), NO_IMPORT, document])?;
        self.change_keys(number, changes)?;
        self.forget_fingerprint(number)?;
        Ok(Written::Done(Object { id: seen.id.clone(), revision, import: None, document: document.to_owned() }))
    }

    fn delete(&self, number: ObjectNumber, seen: &Object, changes: Vec<KeyChange>) -> Result<Written> {
        let type_number = self.stored.number;
        for table in ["object", "change"] {
            sql::run(self.conn, &format!("DELETE FROM {table}_{type_number} WHERE number = ?1"), [number])?;
        }
        let forget = "DELETE FROM chosen_id WHERE object_type = ?1 AND id = ?2";
        sql::run(self.conn, forget, params![type_number, seen.id])?;
        self.change_keys(number, changes)?;
        self.forget_fingerprint(number)?;
        Ok(Written::Done(seen.clone()))
    }

    fn change_keys(&self, object: ObjectNumber, changes: Vec<KeyChange>) -> Result<()> {
        for KeyChange { mut table, old, new } in changes {
            old.into_iter().for_each(|hash| table.remove(hash, object));
            new.into_iter().for_each(|hash| table.add(hash, object));
            table.flush(self.conn)?;
        }
        Ok(())
    }

    /// The object no longer equals the record that an import wrote it from.
    fn forget_fingerprint(&self, object: ObjectNumber) -> Result<()> {
        let mut fingerprints = Fingerprints::new(self.stored.number, MEMORY);
        if fingerprints.get(self.conn, object)? != 0 {
            fingerprints.set(self.conn, object, 0)?;
        }
        fingerprints.flush(self.conn)
    }
}

/// The version of a type and the places of its properties, as they are stored now.
fn type_now(conn: &Connection, stored: &StoredType) -> Result<(u64, Positions)> {
    let select = "SELECT version, positions FROM object_type WHERE number = ?1";
    let found = sql::first(conn, select, [stored.number], |row| {
        let (version, positions): (i64, String) = (sql::get(row, 0)?, sql::get(row, 1)?);
        Ok((version.unsigned_abs(), from_json(&positions)?))
    })?;
    found.ok_or_else(|| Error::not_found(format!("there is no object type '{}'", stored.object_type.name())))
}
