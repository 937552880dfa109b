//! The heads of texts, in order; see [`Prefix`].
//!
//! The server keeps an index of an expression by itself, whoever writes: a partial one, over the objects of one type. It is
//! made while others write (`CONCURRENTLY`), which is done outside of transactions and may leave an index behind that is
//! not valid; the next one who wants it makes it anew. The name of an index says which property it is of; the place of a
//! property in documents is never another one's.

use super::conn::{Conn, Engine, Purpose};
use super::objects::read;
use super::{Postgres, leases, sql};
use crate::error::Result;
use crate::repository::prefix::{Behind, Candidate, HEAD};
use crate::repository::{Prefix, PrefixPage, PrefixPlace, StoredType};

impl Postgres {
    pub(in crate::repository) fn has_prefix_index(&self, stored: &StoredType, prefix: &Prefix) -> Result<bool> {
        self.read(|conn| Ok(is_valid(conn, &index(stored, prefix))?.unwrap_or(false)))
    }

    pub(in crate::repository) fn make_prefix_index(&self, stored: &StoredType, prefix: &Prefix) -> Result<()> {
        let index = index(stored, prefix);
        let Some(_lease) = self.leases.take(&leases::of_index(&index))? else { return Ok(()) };
        let mut conn = self.pool.connect(Purpose::Long("index"))?;
        // Made in this way, an index waits for all transactions that may not know of it, however long they are.
        conn.batch("SET lock_timeout = 0")?;
        let concurrently = if self.pool.engine() == Engine::CockroachDb { "" } else { " CONCURRENTLY" };
        match is_valid(&mut conn, &index)? {
            Some(true) => return Ok(()),
            Some(false) => conn.batch(&format!("DROP INDEX{concurrently} IF EXISTS {index}"))?,
            None => {}
        }
        let (head, object_type) = (head(prefix), stored.number);
        let made = conn.batch(&format!(
            "CREATE INDEX{concurrently} {index} ON object (({head}) ASC, number ASC) WHERE object_type = {object_type}"
        ));
        if made.is_err() {
            // What is left of it would cost every write and serve nobody. Where that fails too, the next search sees to it.
            let _ = conn.batch(&format!("DROP INDEX{concurrently} IF EXISTS {index}"));
        }
        made
    }

    pub(in crate::repository) fn step_by_prefix(
        &self,
        stored: &StoredType,
        prefix: &Prefix,
        after: Option<&PrefixPlace>,
        limit: usize,
        enough: usize,
    ) -> Result<PrefixPage> {
        let (head, object_type) = (head(prefix), stored.number);
        // The type as it stands in the index, which is not chosen for a value that is not known yet.
        let sql = format!(
            "SELECT o.number, o.id, o.chosen_id, o.revision, i.id, o.document, {head} \
             FROM object AS o LEFT JOIN import AS i ON i.number = o.import WHERE o.object_type = {object_type} \
             AND ({head}, o.number) > ($1, $2) AND {head} < $3 ORDER BY {head}, o.number LIMIT $4"
        );
        self.read(|conn| {
            prefix.step(after, limit, enough, |Behind { head, number, end }, count| {
                // What comes from an address may have a NUL, which no head has.
                if !sql::is_storable(head) {
                    return Ok(Vec::new());
                }
                conn.all(&sql, &[head, number, end, &(count as i64)], |row| {
                    let (number, object) = read(row)?;
                    let place = PrefixPlace { head: sql::get(row, 6)?, number };
                    Ok(Candidate { place, object: Some(object) })
                })
            })
        })
    }
}

/// Whether the index can be used; nothing if there is none.
fn is_valid(conn: &mut Conn, index: &str) -> Result<Option<bool>> {
    let valid = "SELECT i.indisvalid FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid \
                 JOIN pg_namespace AS n ON n.oid = c.relnamespace \
                 WHERE c.relname = $1 AND n.nspname = current_schema()";
    conn.first(valid, &[&index], |row| sql::get(row, 0))
}

fn index(stored: &StoredType, prefix: &Prefix) -> String {
    format!("prefix_{}_{}", stored.number, prefix.position)
}

/// The head of a document's text. No text has a NUL here; in its place, and in that of what is written like one, is U+FFFD.
fn head(prefix: &Prefix) -> String {
    let position = prefix.position;
    format!("lower(\"left\"((replace(document, '\\u0000', '\\ufffd')::json ->> {position}), {HEAD}) COLLATE \"C\")")
}
