//! Writing objects one by one, each in a short transaction of its own.
//!
//! Whoever writes has looked before. Here it is made sure that what was seen is still so: the type, of which a share is
//! held until the commit, and the object, by its revision. If not, nothing is written and the writer looks again. Nothing
//! is judged, except that a value which must be unique is no other object's: the pairs of its index say so, of which one
//! that somebody else is about to put is waited for.

mod keys;

use uuid::Uuid;

use self::keys::KeyChange;
use super::conn::Conn;
use super::leases::of_type;
use super::sql::{from_json, to_json};
use super::transaction::{Tx, take_numbers};
use super::{Postgres, objects, sql, views};
use crate::clock;
use crate::error::{Error, Result};
use crate::filter::fold;
use crate::object::Object;
use crate::repository::ids::Ids;
use crate::repository::leasing;
use crate::repository::{Lease, ObjectNumber, StoredType, Written};
use crate::schema::Positions;

impl Postgres {
    pub(in crate::repository) fn create_object(
        &self,
        stored: &StoredType,
        id: Option<&str>,
        document: &str,
    ) -> Result<Written> {
        // Taken by itself, so that nobody waits for it. If it is not used there is a gap.
        let counter = format!("object {}", stored.number);
        let number = self.read(|conn| take_numbers(conn, &counter, 1))?;
        let ours = Ids::new().next(number, clock::unix_millis());
        self.write_object(stored, |tx| {
            if let Some(id) = id
                && (objects::find(tx, stored, id)?.is_some() || !choose(tx, stored, id, number)?)
            {
                return Ok(Written::Exists);
            }
            let changes = self.key_changes(tx, stored, None, Some(document))?;
            let taken = keys::taken(tx, stored, &changes, None)?;
            if !taken.is_empty() {
                return Ok(Written::Taken(taken));
            }
            insert(tx, stored, number, ours, id, document)?;
            if let Some(taken) = keys::change(tx, stored, &changes, number)? {
                return Ok(Written::Taken(vec![taken]));
            }
            let id = id.map_or_else(|| ours.to_string(), str::to_owned);
            Ok(Written::Done(Object { id, revision: 1, import: None, document: document.to_owned() }))
        })
    }

    pub(in crate::repository) fn replace_object(
        &self,
        stored: &StoredType,
        seen: &Object,
        document: &str,
    ) -> Result<Written> {
        self.write_object(stored, |tx| {
            let Some(number) = unchanged(tx, stored, seen)? else { return Ok(Written::Outdated) };
            let changes = self.key_changes(tx, stored, Some(&seen.document), Some(document))?;
            let taken = keys::taken(tx, stored, &changes, Some(number))?;
            if !taken.is_empty() {
                return Ok(Written::Taken(taken));
            }
            let put = "UPDATE object SET revision = revision + 1, import = 0, fingerprint = 0, document = $4 \
                       WHERE object_type = $1 AND number = $2 AND revision = $3";
            if tx.run(put, &[&stored.number, &number, &seen.revision.cast_signed(), &document])? == 0 {
                return Ok(Written::Outdated);
            }
            if let Some(taken) = keys::change(tx, stored, &changes, number)? {
                return Ok(Written::Taken(vec![taken]));
            }
            let revision = seen.revision + 1;
            Ok(Written::Done(Object { id: seen.id.clone(), revision, import: None, document: document.to_owned() }))
        })
    }

    pub(in crate::repository) fn delete_object(&self, stored: &StoredType, seen: &Object) -> Result<Written> {
        self.write_object(stored, |tx| {
            let Some(number) = unchanged(tx, stored, seen)? else { return Ok(Written::Outdated) };
            let delete = "DELETE FROM object WHERE object_type = $1 AND number = $2 AND revision = $3";
            if tx.run(delete, &[&stored.number, &number, &seen.revision.cast_signed()])? == 0 {
                return Ok(Written::Outdated);
            }
            let forget = "DELETE FROM chosen_id WHERE object_type = $1 AND id = $2";
            tx.run(forget, &[&stored.number, &seen.id])?;
            let changes = self.key_changes(tx, stored, Some(&seen.document), None)?;
            keys::change(tx, stored, &changes, number)?;
            Ok(Written::Done(seen.clone()))
        })
    }

    pub(in crate::repository) fn taken(
        &self,
        stored: &StoredType,
        document: &str,
        except: Option<&Object>,
    ) -> Result<Vec<String>> {
        self.read(|conn| {
            let except = except.map(|object| objects::find(conn, stored, &object.id)).transpose()?.flatten();
            let changes = self.key_changes(conn, stored, None, Some(document))?;
            keys::taken(conn, stored, &changes, except.map(|(number, _)| number))
        })
    }

    fn key_changes(
        &self,
        conn: &mut Conn,
        stored: &StoredType,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<Vec<KeyChange>> {
        keys::changes(conn, stored, self.hashes, before, after)
    }

    /// Commits what `work` has written, if it has done so.
    fn write_object(&self, stored: &StoredType, work: impl Fn(&mut Tx) -> Result<Written>) -> Result<Written> {
        // Kept until the transaction is over: the next import must find the new properties.
        let lease = self.lease_for_new_properties(stored)?;
        let name = stored.object_type.name();
        let mut refused = None;
        let done = self.write(|tx| {
            refused = None;
            let written = if type_is_current(tx, stored, lease.as_ref())? { work(tx)? } else { Written::Outdated };
            if !matches!(written, Written::Done(_)) {
                // What was written until then is not to stay.
                refused = Some(written);
                return Err(Error::conflict("the object cannot be written like this"));
            }
            if lease.is_some() {
                let keep = "UPDATE object_type SET positions = $2 WHERE number = $1";
                tx.run(keep, &[&stored.number, &to_json(stored.object_type.positions())?])?;
                self.leases.fence(tx, &of_type(name))?;
            }
            Ok(written)
        });
        if let Some(refused) = refused {
            return Ok(refused);
        }
        let written = done?;
        if lease.is_some() {
            drop(lease);
            views::make_view(&self.pool, name);
        }
        Ok(written)
    }

    fn lease_for_new_properties(&self, stored: &StoredType) -> Result<Option<Lease>> {
        let (_, known) = self.read(|conn| type_now(conn, stored, ""))?;
        leasing::for_new_properties(stored, &known, self)
    }
}

/// Whether the type is what was seen, which it is until the transaction is over.
fn type_is_current(tx: &mut Tx, stored: &StoredType, lease: Option<&Lease>) -> Result<bool> {
    // With the lease, properties are added to it.
    let lock = if lease.is_some() { "FOR UPDATE" } else { "FOR SHARE" };
    let (version, positions) = type_now(tx, stored, lock)?;
    let seen = stored.object_type.positions();
    let fits = match lease {
        None => positions.len() == seen.len(),
        Some(_) => positions.len() <= seen.len(),
    };
    let same = positions.iter().zip(seen.iter()).all(|(now, seen)| now == seen);
    Ok(version == stored.version && fits && same)
}

/// The version of a type and the places of its properties, as they are stored now.
fn type_now(conn: &mut Conn, stored: &StoredType, lock: &str) -> Result<(u64, Positions)> {
    let select = format!("SELECT version, positions FROM object_type WHERE number = $1 {lock}");
    let found = conn.first(&select, &[&stored.number], |row| {
        let (version, positions): (i64, String) = (sql::get(row, 0)?, sql::get(row, 1)?);
        Ok((version.unsigned_abs(), from_json(&positions)?))
    })?;
    found.ok_or_else(|| Error::not_found(format!("there is no object type '{}'", stored.object_type.name())))
}

/// Where an object lies, if it is still the one that was seen.
fn unchanged(tx: &mut Tx, stored: &StoredType, seen: &Object) -> Result<Option<ObjectNumber>> {
    let now = objects::find(tx, stored, &seen.id)?;
    // One that was removed and created again may have the same revision.
    let is_same = |now: &Object| now.revision == seen.revision && now.document == seen.document;
    Ok(now.filter(|(_, object)| is_same(object)).map(|(number, _)| number))
}

/// Takes an id that a client chose, unless it is taken; says whether.
fn choose(tx: &mut Tx, stored: &StoredType, id: &str, number: ObjectNumber) -> Result<bool> {
    let choose = "INSERT INTO chosen_id (object_type, id, folded, object) VALUES ($1, $2, $3, $4) \
                  ON CONFLICT (object_type, id) DO NOTHING";
    Ok(tx.run(choose, &[&stored.number, &id, &fold(id), &number])? > 0)
}

fn insert(
    tx: &mut Tx,
    stored: &StoredType,
    number: ObjectNumber,
    ours: Uuid,
    chosen: Option<&str>,
    document: &str,
) -> Result<()> {
    let insert = "INSERT INTO object (object_type, number, id, chosen_id, revision, import, fingerprint, document) \
                  VALUES ($1, $2, $3, $4, 1, 0, 0, $5)";
    tx.run(insert, &[&stored.number, &number, &ours, &chosen, &document]).map(drop)
}
