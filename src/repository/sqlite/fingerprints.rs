//! The fingerprints of a type's objects during a session.
//!
//! A fingerprint belongs to the raw record that an object equals. They lie in an array of their own, cut into chunks, so
//! that a file of which nothing has changed reads 8 bytes an object and touches no object at all.

use rusqlite::{Connection, params};

use super::sql;
use crate::error::Result;
use crate::repository::ObjectNumber;

/// Objects of a chunk: two chunks fill a page.
const CHUNK: i64 = 1000;

struct Chunk {
    values: Vec<u64>,
    changed: bool,
}

/// See the module's head.
pub(super) struct Fingerprints {
    type_number: i64,
    /// The chunks that were read, by number.
    chunks: Vec<Option<Chunk>>,
    read: usize,
    max_read: usize,
}

impl Fingerprints {
    /// `memory` is how many bytes of read chunks may be kept.
    pub(super) fn new(type_number: i64, memory: u64) -> Fingerprints {
        let max_read = memory as usize / (CHUNK as usize * size_of::<u64>());
        Fingerprints { type_number, chunks: Vec::new(), read: 0, max_read }
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
        self.read = 0;
    }

    /// Writes what has changed.
    pub(super) fn flush(&mut self, conn: &Connection) -> Result<()> {
        let put = format!(
            "INSERT INTO fingerprint_{} (chunk, data) VALUES (?1, ?2) \
             ON CONFLICT (chunk) DO UPDATE SET data = excluded.data",
            self.type_number
        );
        let mut put = sql::prepare(conn, &put)?;
        for (number, chunk) in self.chunks.iter_mut().enumerate() {
            if let Some(chunk) = chunk.as_mut().filter(|chunk| chunk.changed) {
                let data: Vec<u8> = chunk.values.iter().flat_map(|value| value.to_le_bytes()).collect();
                sql::execute(&mut put, params![number as i64, data])?;
                chunk.changed = false;
            }
        }
        Ok(())
    }

    fn chunk(&mut self, conn: &Connection, number: i64) -> Result<&mut Chunk> {
        let place = number as usize;
        if self.chunks.get(place).is_none_or(Option::is_none) {
            self.make_room(conn)?;
            let chunk = self.read(conn, number)?;
            if self.chunks.len() <= place {
                self.chunks.resize_with(place + 1, || None);
            }
            self.chunks[place] = Some(chunk);
            self.read += 1;
        }
        Ok(self.chunks[place].as_mut().expect("was just read"))
    }

    /// Lets go of all chunks when there are too many.
    fn make_room(&mut self, conn: &Connection) -> Result<()> {
        if self.read >= self.max_read {
            self.flush(conn)?;
            self.forget();
        }
        Ok(())
    }

    fn read(&self, conn: &Connection, number: i64) -> Result<Chunk> {
        let select = format!("SELECT data FROM fingerprint_{} WHERE chunk = ?1", self.type_number);
        let data = sql::first(conn, &select, [number], |row| sql::get::<Vec<u8>>(row, 0))?.unwrap_or_default();
        let (stored, _) = data.as_chunks::<8>();
        let mut values: Vec<u64> = stored.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
        values.resize(CHUNK as usize, 0);
        Ok(Chunk { values, changed: false })
    }
}
