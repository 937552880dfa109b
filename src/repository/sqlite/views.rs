//! A view of each object type for people with SQL tools: `"managed/user"` has a row for each object, with its `_id`, its
//! `_rev` and a column for each property. Rollbook itself does not read it.

use rusqlite::Connection;

use super::sql;
use crate::error::Result;
use crate::schema::ObjectType;

/// Properties that have a column, because SQLite allows 2,000 columns. Those beyond are in `current_N` only.
const MAX_PROPERTIES: usize = 2000 - 2;

/// Ids are stored as 16 bytes if they are ours.
const ID: &str = "CASE typeof(id) WHEN 'blob' THEN lower(substr(hex(id), 1, 8) || '-' || substr(hex(id), 9, 4) || '-' || \
                  substr(hex(id), 13, 4) || '-' || substr(hex(id), 17, 4) || '-' || substr(hex(id), 21)) ELSE id END";

/// Makes the view of a type anew. SQL does not tell names apart that differ in the case of letters only: of such types
/// the oldest has the view.
pub(super) fn make(conn: &Connection, type_number: i64, object_type: &ObjectType) -> Result<()> {
    let name = object_type.name().as_str();
    let older = "SELECT 1 FROM object_type WHERE name = ?1 COLLATE NOCASE AND number < ?2";
    if sql::first(conn, older, (name, type_number), |_| Ok(()))?.is_some() {
        return Ok(());
    }
    // A statement ends at a NUL, and a name that has one cannot be written in SQL.
    let properties = object_type.properties().iter().filter(|property| !property.path.contains('\0'));
    let columns: String = properties
        .take(MAX_PROPERTIES)
        .map(|property| format!(", json_extract(document, '$[{}]') AS {}", property.position, quoted(&property.path)))
        .collect();
    let view = quoted(name);
    let revision = "printf('%016x', revision)";
    sql::batch(
        conn,
        &format!(
            "DROP VIEW IF EXISTS {view}; \
             CREATE VIEW {view} AS SELECT {ID} AS _id, {revision} AS _rev{columns} FROM current_{type_number}"
        ),
    )
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
