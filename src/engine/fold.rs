//! Folding the records of a key that occurs more than once, where the last record wins.
//!
//! The records are merged in the order of the file, each saying what it says and keeping what it says nothing about;
//! the last one carries the outcome of all.

use std::collections::HashMap;

use super::entry::{Entries, Entry};
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

    /// What the records of this key have said so far, if the last one is still to come.
    pub(super) fn so_far(&self, hash: u64) -> Option<Entry<'_>> {
        self.open.get(&hash).map(|(_, entries)| entries.get(0))
    }

    /// Passes over a record that is wrong by itself.
    pub(super) fn pass_over(&mut self, hash: u64) {
        if self.count_down(hash) == 0 {
            self.open.remove(&hash);
        }
    }

    /// Adds a record. Gives the row of the record before it with the same key, if there was one, and all records of the
    /// key as one entry if this is the last.
    pub(super) fn fold(&mut self, hash: u64, round: &Round, at: usize) -> (Option<u64>, Option<Entries>) {
        let (earlier, older) = self.open.remove(&hash).unzip();
        let folded = Entries::folded(older.as_ref().map(|entries| entries.get(0)), round.entry(at));
        if self.count_down(hash) == 0 {
            return (earlier, Some(folded));
        }
        self.open.insert(hash, (round.records.get(at).row(), folded));
        (earlier, None)
    }

    /// How many records of the key are still to come after this one.
    fn count_down(&mut self, hash: u64) -> u32 {
        self.repeated.get_mut(&hash).map_or(0, |left| {
            *left -= 1;
            *left
        })
    }
}
