//! The fingerprints of a type's objects during a session.
//!
//! A fingerprint belongs to the raw record that an object equals. They lie in an array of their own, cut into chunks, so
//! that a file of which nothing has changed reads 8 bytes an object and touches no object at all.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::sql;
use crate::error::Result;
use crate::repository::ObjectNumber;

/// Objects of a chunk: two chunks fill a page.
const CHUNK: i64 = 1000;

/// Chunks kept in memory at most, 32 MB.
const MAX_CHUNKS: usize = 4096;

struct Chunk {
    values: Vec<u64>,
    changed: bool,
}

/// See the module's head.
pub(super) struct Fingerprints {
    type_number: i64,
    chunks: HashMap<i64, Chunk>,
    /// The chunk asked for last, out of its place in `chunks`: objects of one file lie near each other.
    last: Option<(i64, Chunk)>,
}

impl Fingerprints {
    pub(super) fn new(type_number: i64) -> Fingerprints {
        Fingerprints { type_number, chunks: HashMap::new(), last: None }
    }

    /// The fingerprint of the record that an object equals; 0 if none is known.
    pub(super) fn get(&mut self, conn: &Connection, object: ObjectNumber) -> Result<u64> {
        Ok(self.chunk(conn, object / CHUNK)?.values[(object % CHUNK) as usize])
    }

    pub(super) fn set(&mut self, conn: &Connection, object: ObjectNumber, fingerprint: u64) -> Result<()> {
        let chunk = self.chunk(conn, object / CHUNK)?;
        chunk.values[(object % CHUNK) as usize] = fingerprint;
        chunk.changed = true;
        Ok(())
    }

    /// Drops what was read, because somebody else may have written since, and what was changed and not written.
    pub(super) fn forget(&mut self) {
        self.chunks.clear();
        self.last = None;
    }

    /// Writes what has changed.
    pub(super) fn flush(&mut self, conn: &Connection) -> Result<()> {
        self.chunks.extend(self.last.take());
        let mut changed: Vec<_> = self.chunks.iter_mut().filter(|(_, chunk)| chunk.changed).collect();
        changed.sort_unstable_by_key(|(number, _)| **number);
        let put = format!(
            "INSERT INTO fingerprint_{} (chunk, data) VALUES (?1, ?2) \
             ON CONFLICT (chunk) DO UPDATE SET data = excluded.data",
            self.type_number
        );
        let mut put = sql::prepare(conn, &put)?;
        for (number, chunk) in changed {
            let data: Vec<u8> = chunk.values.iter().flat_map(|value| value.to_le_bytes()).collect();
            sql::execute(&mut put, params![number, data])?;
            chunk.changed = false;
        }
        Ok(())
    }

    fn chunk(&mut self, conn: &Connection, number: i64) -> Result<&mut Chunk> {
        if self.last.as_ref().is_none_or(|(last, _)| *last != number) {
            self.chunks.extend(self.last.take());
            let chunk = match self.chunks.remove(&number) {
                Some(chunk) => chunk,
                None => self.read(conn, number)?,
            };
            self.last = Some((number, chunk));
        }
        Ok(self.last.as_mut().map(|(_, chunk)| chunk).expect("was just set"))
    }

    fn read(&mut self, conn: &Connection, number: i64) -> Result<Chunk> {
        if self.chunks.len() >= MAX_CHUNKS {
            self.chunks.retain(|_, chunk| chunk.changed);
            if self.chunks.len() >= MAX_CHUNKS {
                self.flush(conn)?;
                self.chunks.clear();
            }
        }
        let select = format!("SELECT data FROM fingerprint_{} WHERE chunk = ?1", self.type_number);
        let data = sql::first(conn, &select, [number], |row| sql::get::<Vec<u8>>(row, 0))?.unwrap_or_default();
        let (stored, _) = data.as_chunks::<8>();
        let mut values: Vec<u64> = stored.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        values.resize(CHUNK as usize, 0);
        Ok(Chunk { values, changed: false })
    }
}
