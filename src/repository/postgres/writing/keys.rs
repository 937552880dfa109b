//! How the keys of an object change with its document.

use std::collections::HashMap;

use crate::error::Result;
use crate::object::write_key;
use crate::repository::postgres::conn::Conn;
use crate::repository::postgres::sql::{self, from_json};
use crate::repository::{Hashes, ObjectNumber, StoredType};

/// How one key of an object changes.
pub(super) struct KeyChange {
    index: i64,
    old: Option<u64>,
    new: Option<u64>,
    /// What the index is over, if no two objects may have the same value.
    unique: Option<String>,
    positions: Vec<usize>,
    /// The new key.
    key: String,
}

/// The keys that change, in the order of their indexes. To be called with a share of the type's row: an import may have had
/// an index built since the type was read.
pub(super) fn changes(
    conn: &mut Conn,
    stored: &StoredType,
    hashes: Hashes,
    before: Option<&str>,
    after: Option<&str>,
) -> Result<Vec<KeyChange>> {
    let object_type = &stored.object_type;
    let select = "SELECT number, properties FROM key_index WHERE object_type = $1 ORDER BY number";
    let indexes = conn.all(select, &[&stored.number], |row| {
        Ok((sql::get::<i64>(row, 0)?, from_json::<Vec<String>>(&sql::get::<String>(row, 1)?)?))
    })?;
    let mut changes = Vec::new();
    for (index, properties) in indexes {
        // If one of them has no place, no object has it yet.
        let position = |path: &String| object_type.positions().get(path).map(|position| position as usize);
        let Some(positions) = properties.iter().map(position).collect::<Option<Vec<usize>>>() else { continue };
        let mut key = String::new();
        let mut hash_of = |document: &str| write_key(document, &positions, &mut key).then(|| hashes.key(&key));
        let (old, new) = (before.and_then(&mut hash_of), after.and_then(&mut hash_of));
        if old == new {
            continue;
        }
        let unique = match properties.as_slice() {
            [path] => object_type.property(path).filter(|property| property.unique).map(|_| path.clone()),
            _ => None,
        };
        changes.push(KeyChange { index, old, new, unique, positions, key });
    }
    Ok(changes)
}

/// The properties whose new values are another object's than this one.
pub(super) fn taken(
    conn: &mut Conn,
    stored: &StoredType,
    changes: &[KeyChange],
    object: Option<ObjectNumber>,
) -> Result<Vec<String>> {
    let unique = changes.iter().filter(|change| change.unique.is_some());
    let (indexes, hashes): (Vec<i64>, Vec<i64>) =
        unique.filter_map(|change| Some((change.index, change.new?.cast_signed()))).unzip();
    if indexes.is_empty() {
        return Ok(Vec::new());
    }
    // Two queries: where the tables are spread over servers, an object and its pairs lie on different ones.
    let pairs = "SELECT key_index, object FROM key_pair \
                 WHERE key_index = ANY($1) AND hash = ANY($2)";
    let mut pairs =
        conn.all(pairs, &[&indexes, &hashes], |row| Ok((sql::get::<i64>(row, 0)?, sql::get::<ObjectNumber>(row, 1)?)))?;
    pairs.retain(|(_, holder)| Some(*holder) != object);
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<ObjectNumber> = pairs.iter().map(|(_, holder)| *holder).collect();
    let documents = "SELECT number, document FROM object WHERE object_type = $1 AND number = ANY($2)";
    let documents = conn.all(documents, &[&stored.number, &numbers], |row| {
        Ok((sql::get::<ObjectNumber>(row, 0)?, sql::get::<String>(row, 1)?))
    })?;
    let documents: HashMap<ObjectNumber, String> = documents.into_iter().collect();
    // Different values may have one hash.
    let mut held = String::new();
    let mut is_held = |change: &KeyChange| {
        let of_index = pairs.iter().filter(|(index, _)| *index == change.index);
        let mut documents = of_index.filter_map(|(_, holder)| documents.get(holder));
        documents.any(|document| write_key(document, &change.positions, &mut held) && held == change.key)
    };
    Ok(changes.iter().filter(|change| is_held(change)).filter_map(|change| change.unique.clone()).collect())
}

/// Changes the keys of an object, unless somebody has put one of the values meanwhile that must be unique: then says of
/// which property.
pub(super) fn change(
    conn: &mut Conn,
    stored: &StoredType,
    changes: &[KeyChange],
    object: ObjectNumber,
) -> Result<Option<String>> {
    for change in changes {
        let Some(hash) = change.old.map(u64::cast_signed) else { continue };
        let remove = "DELETE FROM key_pair WHERE key_index = $1 AND hash = $2 AND object = $3";
        conn.run(remove, &[&change.index, &hash, &object])?;
    }
    // One by one in the order of the indexes, as everybody does it, so that of two who put the same keys one waits.
    for change in changes {
        let Some(hash) = change.new.map(u64::cast_signed) else { continue };
        if let Some(taken) = put(conn, stored, change, hash, object)? {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// Puts a new key; see [`change`].
fn put(
    conn: &mut Conn,
    stored: &StoredType,
    change: &KeyChange,
    hash: i64,
    object: ObjectNumber,
) -> Result<Option<String>> {
    let put = "INSERT INTO key_pair (key_index, hash, tie, object) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    if change.unique.is_none() {
        conn.run(put, &[&change.index, &hash, &object, &object])?;
        return Ok(None);
    }
    let none: ObjectNumber = 0;
    while conn.run(put, &[&change.index, &hash, &none, &object])? == 0 {
        // Who has the place keeps it until we are done: whoever puts the same value later must meet somebody there.
        let lock = "SELECT 1 FROM key_pair WHERE key_index = $1 AND hash = $2 AND tie = 0 FOR UPDATE";
        if conn.first(lock, &[&change.index, &hash], |_| Ok(()))?.is_none() {
            continue;
        }
        let taken = taken(conn, stored, std::slice::from_ref(change), Some(object))?;
        if taken.is_empty() {
            // Another value of the same hash.
            conn.run(put, &[&change.index, &hash, &object, &object])?;
        }
        return Ok(taken.into_iter().next());
    }
    Ok(None)
}
