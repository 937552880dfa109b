//! Folding the records of a key that occurs more than once, where the last record wins.
//!
//! The records are merged in the order of the file, each saying what it says and keeping what it says nothing about;
//! the last one carries the outcome of all.

use std::collections::HashMap;

use super::entry::Entries;
use super::round::Round;

/// Records of repeated keys on their way to being one.
pub(super) struct Folds {
    /// How many records each repeated key still has to come.
    repeated: HashMap<u64, u32>,
    open: HashMap<u64, (u64, Entries)>,
}

impl Folds {
    pub(super) fn new(repeated: HashMap<u64, u32>) -> Folds {
        Folds { repeated, open: HashMap::new() }
    }

    /// Whether the key of this hash occurs more than once in the file.
    pub(super) fn concern(&self, hash: u64) -> bool {
        !self.repeated.is_empty() && self.repeated.contains_key(&hash)
    }

    /// Adds a record. Gives all records of its key as one entry when it is the last, else the row it is merged with.
    pub(super) fn fold(&mut self, hash: u64, round: &Round, at: usize) -> Result<Entries, u64> {
        let row = round.records.get(at).row();
        let entry = round.entry(at);
        let older = self.open.remove(&hash);
        let folded = Entries::folded(older.as_ref().map(|(_, entries)| entries.get(0)), entry);
        let left = self.repeated.get_mut(&hash).map_or(0, |left| {
            *left -= 1;
            *left
        });
        if left == 0 {
            return Ok(folded);
        }
        self.open.insert(hash, (row, folded));
        Err(older.map_or(row, |(row, _)| row))
    }
}
