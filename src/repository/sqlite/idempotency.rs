//! Requests with keys, and the imports they became.

use rusqlite::{Connection, params};

use super::imports::insert;
use super::sql::{from_json, to_json};
use super::{Sqlite, sql};
use crate::clock;
use crate::error::{Error, Result};
use crate::import::Import;
use crate::repository::{AnsweredRequest, KeyedRequest};

impl Sqlite {
    pub(in crate::repository) fn queue_once(&self, imports: &[Import], request: &KeyedRequest) -> Result<()> {
        let KeyedRequest { caller, key, digest } = request;
        let ids: Vec<_> = imports.iter().map(|import| import.id).collect();
        self.write(|conn| {
            if answered(conn, caller, key)?.is_some() {
                let message = format!("a request with the Idempotency-Key '{key}' was answered meanwhile");
                return Err(Error::conflict(message));
            }
            imports.iter().try_for_each(|import| insert(conn, import))?;
            // One whose imports are all deleted gives way.
            let sql = "INSERT OR REPLACE INTO idempotency (caller, key, request, imports, at) \
                       VALUES (?1, ?2, ?3, ?4, ?5)";
            sql::run(conn, sql, params![caller, key, digest, to_json(&ids)?, clock::now()]).map(drop)
        })
    }

    pub(in crate::repository) fn answered_request(&self, caller: &str, key: &str) -> Result<Option<AnsweredRequest>> {
        answered(&*self.conn()?, caller, key)
    }
}

fn answered(conn: &Connection, caller: &str, key: &str) -> Result<Option<AnsweredRequest>> {
    let sql = "SELECT request, imports FROM idempotency WHERE caller = ?1 AND key = ?2 AND EXISTS \
               (SELECT 1 FROM import WHERE id IN (SELECT value FROM json_each(imports)))";
    sql::first(conn, sql, [caller, key], |row| {
        Ok(AnsweredRequest { digest: sql::get(row, 0)?, imports: from_json(&sql::get::<String>(row, 1)?)? })
    })
}
