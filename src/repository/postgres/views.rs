//! A view of each object type for people with SQL tools: `"managed/user"` has a row for each object, with its `_id`, its
//! `_rev` and a column of text for each property. Rollbook itself does not read it.
//!
//! A view is made anew after the transaction that changed its type. Not every engine changes tables inside of one, and
//! whoever reads the view just then must not keep anybody from writing objects.

use std::collections::HashSet;
use std::time::Duration;

use super::conn::{Pool, Purpose};
use super::sql::{self, from_json};
use super::transaction::Tx;
use crate::error::Result;
use crate::schema::{ObjectType, TypeName};

/// Properties that have a column, because PostgreSQL allows 1,600 columns. Those beyond are in `object` only.
const MAX_PROPERTIES: usize = 1600 - 2;

/// Bytes of a name; PostgreSQL cuts what is longer.
const LONGEST_NAME: usize = 63;

/// Who reads the view holds it, and is not waited for longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

/// Makes the view of a type as it is now. If that fails, the view of before stays until the type changes again: nothing
/// depends on it.
pub(super) fn make_view(pool: &Pool, name: &TypeName) {
    let made = pool.connect(Purpose::Within(PATIENCE)).and_then(|conn| {
        let mut tx = Tx::begin(conn)?;
        make(&mut tx, name)?;
        tx.commit().map(drop)
    });
    if let Err(error) = made {
        tracing::warn!(object_type = %name, %error, "the view of an object type could not be made anew");
    }
}

fn make(tx: &mut Tx, name: &TypeName) -> Result<()> {
    // Whoever comes later waits here, and then finds the type as it is then.
    tx.take_numbers(&format!("view {name}"), 1)?;
    let select = "SELECT number, definition, positions FROM object_type WHERE name = $1";
    let found = tx.first(select, &[&name.as_str()], |row| {
        let (definition, positions): (String, String) = (sql::get(row, 1)?, sql::get(row, 2)?);
        let (object_type, _) = ObjectType::parse(&from_json(&definition)?, &from_json(&positions)?)?;
        Ok((sql::get::<i64>(row, 0)?, object_type))
    })?;
    let Some((type_number, object_type)) = found else { return Ok(()) };
    let view = fitting(name.as_str(), type_number);
    let columns = columns(&object_type);
    let existing = "SELECT column_name::text FROM information_schema.columns \
                    WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position";
    let existing = tx.all(existing, &[&view], |row| sql::get::<String>(row, 0))?;
    // A view that only gets more columns keeps its grants and the views that others have made of it.
    let names: Vec<&str> = ["_id", "_rev"].into_iter().chain(columns.iter().map(|(name, _)| name.as_str())).collect();
    if existing == names {
        return Ok(());
    }
    let view = quoted(&view);
    if !existing.iter().zip(&names).all(|(old, new)| old == new) || existing.len() > names.len() {
        tx.batch(&format!("DROP VIEW {view}"))?;
    }
    let columns: String = columns.iter().map(|(name, value)| format!(", {value} AS {}", quoted(name))).collect();
    tx.batch(&format!(
        "CREATE OR REPLACE VIEW {view} AS SELECT coalesce(chosen_id, id::text) AS _id, \
         lpad(to_hex(revision), 16, '0') AS _rev{columns} FROM (SELECT id, chosen_id, revision, \
         replace(document, '\\u0000', '\\ufffd')::json AS document FROM object \
         WHERE object_type = {type_number}) AS o"
    ))
}

/// The columns of the properties, as their names and the expressions that give their values: strings as they are and
/// everything else as JSON. In the place of a NUL, which no text can hold here, is U+FFFD.
fn columns(object_type: &ObjectType) -> Vec<(String, String)> {
    // A name that has a NUL cannot be written in SQL.
    let properties = object_type.properties().iter().filter(|property| !property.path.contains('\0'));
    let mut known = HashSet::new();
    let column = |path: &str, position: u32| (fitting(path, i64::from(position)), format!("document ->> {position}"));
    properties
        .map(|property| column(&property.path, property.position))
        .filter(|(name, _)| known.insert(name.clone()))
        .take(MAX_PROPERTIES)
        .collect()
}

/// A name that is not longer than names may be: of one that is, the beginning with `~` and a number.
fn fitting(name: &str, number: i64) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let end = format!("~{number}");
    format!("{}{end}", &name[..name.floor_char_boundary(LONGEST_NAME - end.len())])
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::fitting;

    #[test]
    fn names_fit() {
        let long = "ü".repeat(40);
        assert_eq!(fitting(&long[..62], 7), long[..62]);
        assert_eq!(fitting(&long, 7), format!("{}~7", &long[..60]));
        assert_eq!(fitting(&format!("x{long}"), 7), format!("x{}~7", &long[..60]));
    }
}
