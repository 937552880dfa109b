//! Requests with keys, and the imports they became.

use super::conn::Conn;
use super::sql::{from_json, to_json};
use super::{Postgres, imports, sql};
use crate::clock;
use crate::error::{Error, Result};
use crate::import::{Import, ImportId};
use crate::repository::{AnsweredRequest, KeyedRequest};

/// A request as stored, whatever became of its imports.
struct Stored {
    request: AnsweredRequest,
    /// As it is written, to be compared.
    imports: String,
}

impl Postgres {
    pub(in crate::repository) fn queue_once(&self, imports: &[Import], request: &KeyedRequest) -> Result<()> {
        let KeyedRequest { caller, key, digest } = request;
        let ids: Vec<ImportId> = imports.iter().map(|import| import.id).collect();
        let ids = to_json(&ids)?;
        let answered = || {
            let message = format!("a request with the Idempotency-Key '{key}' was answered meanwhile");
            Err(Error::conflict(message))
        };
        self.write(|tx| {
            let sql = "INSERT INTO idempotency (caller, key, request, imports, at) VALUES ($1, $2, $3, $4, $5) \
                       ON CONFLICT (caller, key) DO NOTHING";
            let (digest, at) = (digest.as_slice(), clock::now());
            if tx.run(sql, &[caller, key, &digest, &ids, &at])? == 0 {
                // One whose imports are all deleted gives way, to one other.
                let Some(earlier) = stored(tx, caller, key)? else { return answered() };
                let replace = "UPDATE idempotency SET request = $3, imports = $4, at = $5 \
                               WHERE caller = $1 AND key = $2 AND imports = $6";
                if is_known(tx, &earlier.request)?
                    || tx.run(replace, &[caller, key, &digest, &ids, &at, &earlier.imports])? == 0
                {
                    return answered();
                }
            }
            imports::insert(tx, imports)
        })
    }

    pub(in crate::repository) fn answered_request(&self, caller: &str, key: &str) -> Result<Option<AnsweredRequest>> {
        self.read(|conn| {
            let Some(Stored { request, .. }) = stored(conn, caller, key)? else { return Ok(None) };
            Ok(is_known(conn, &request)?.then_some(request))
        })
    }
}

fn stored(conn: &mut Conn, caller: &str, key: &str) -> Result<Option<Stored>> {
    let sql = "SELECT request, imports FROM idempotency WHERE caller = $1 AND key = $2";
    conn.first(sql, &[&caller, &key], |row| {
        let (digest, imports): (Vec<u8>, String) = (sql::get(row, 0)?, sql::get(row, 1)?);
        let digest = sql::digest(digest)?;
        Ok(Stored { request: AnsweredRequest { digest, imports: from_json(&imports)? }, imports })
    })
}

/// Whether any of its imports is still there.
fn is_known(conn: &mut Conn, request: &AnsweredRequest) -> Result<bool> {
    let ids: Vec<uuid::Uuid> = request.imports.iter().map(|import| import.uuid()).collect();
    let found = conn.first("SELECT 1 FROM import WHERE id = ANY($1) LIMIT 1", &[&ids], |_| Ok(()))?;
    Ok(found.is_some())
}
