//! Rows in the binary form of COPY.

use uuid::Uuid;

/// Signature, flags and the length of nothing more.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// Rows on their way into a table.
#[derive(Clone)]
pub(in crate::repository::postgres) struct Rows {
    bytes: Vec<u8>,
    count: usize,
}

impl Default for Rows {
    fn default() -> Rows {
        Rows { bytes: HEADER.to_vec(), count: 0 }
    }
}

impl Rows {
    pub(in crate::repository::postgres) fn count(&self) -> usize {
        self.count
    }

    pub(in crate::repository::postgres) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes so far.
    pub(in crate::repository::postgres) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Begins a row of so many fields, which are to follow.
    pub(in crate::repository::postgres) fn begin(&mut self, fields: i16) {
        self.count += 1;
        self.bytes.extend_from_slice(&fields.to_be_bytes());
    }

    /// Adds a number, and says where it lies.
    pub(in crate::repository::postgres) fn number(&mut self, value: i64) -> usize {
        self.field(&value.to_be_bytes());
        self.bytes.len() - size_of::<i64>()
    }

    /// Replaces the number that lies there.
    pub(in crate::repository::postgres) fn set_number(&mut self, place: usize, value: i64) {
        self.bytes[place..place + size_of::<i64>()].copy_from_slice(&value.to_be_bytes());
    }

    pub(in crate::repository::postgres) fn uuid(&mut self, value: Uuid) {
        self.field(value.as_bytes());
    }

    pub(in crate::repository::postgres) fn text(&mut self, value: &str) {
        self.field(value.as_bytes());
    }

    pub(in crate::repository::postgres) fn bytes(&mut self, value: &[u8]) {
        self.field(value);
    }

    pub(in crate::repository::postgres) fn null(&mut self) {
        self.bytes.extend_from_slice(&(-1_i32).to_be_bytes());
    }

    /// All rows and the end.
    pub(in crate::repository::postgres) fn finished(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&(-1_i16).to_be_bytes());
        self.bytes
    }

    fn field(&mut self, value: &[u8]) {
        // A document is far shorter than the longest record that is read.
        self.bytes.extend_from_slice(&(value.len() as i32).to_be_bytes());
        self.bytes.extend_from_slice(value);
    }
}
