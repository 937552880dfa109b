//! Rounds: the records that are looked up, decided and put together.
//!
//! A reading thread fills rounds, the applying thread empties them and gives them back to be filled again, so memory
//! is a few rounds whatever the size of the file.

use std::io::Read;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use super::binding::Binding;
use super::decision::{Decision, decide};
use super::entry::{Entries, Entry, cell_text, is_misshapen};
use super::reader::{Reader, RecordRef, Records};
use super::tempo::Tempo;
use crate::error::Result;
use crate::object::write_key_value;
use crate::repository::{Hashes, ObjectNumber};

/// A round of long records is over sooner.
const MAX_BYTES: usize = 8 << 20;

/// Documents made ahead for a round take at most about so many bytes; a type with many properties has long ones.
const MAX_FRESH: usize = 16 << 20;

/// A round of records with their keys and, if the reading thread had reason to make them, their entries.
#[derive(Default)]
pub(crate) struct Round {
    /// How many records of the file come before this round.
    pub(crate) first: u64,
    pub(crate) records: Records,
    pub(crate) keys: Vec<Key>,
    key_texts: String,
    entries: Entries,
    /// For each record its entry, if it has been read.
    entry_of: Vec<Option<u32>>,
    /// The records with a complete key, in the order of its hash: so are keys looked up, neighbour after neighbour.
    pub(crate) by_hash: Vec<(u64, u32)>,
    /// For each record the object that still equals it, if that was found.
    same: Vec<Option<ObjectNumber>>,
    /// The documents that new objects would have, and where each record's lies; empty for records that would fail.
    fresh: String,
    fresh_places: Vec<Range<u32>>,
}

/// How a record is found again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    /// The record has too few cells, too many, or a NUL: it has no key and will be no entry.
    Misshapen,
    /// A property of the key is empty, or not of its type.
    Incomplete,
    Complete {
        hash: u64,
        fingerprint: u64,
        start: u32,
        end: u32,
    },
}

impl Key {
    pub(crate) fn hash(&self) -> Option<u64> {
        match self {
            Key::Complete { hash, .. } => Some(*hash),
            Key::Misshapen | Key::Incomplete => None,
        }
    }
}

impl Round {
    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// A complete key, as [`write_key`](crate::object::write_key) writes it.
    pub(crate) fn key_text(&self, index: usize) -> &str {
        match self.keys[index] {
            Key::Complete { start, end, .. } => &self.key_texts[start as usize..end as usize],
            Key::Misshapen | Key::Incomplete => "",
        }
    }

    /// The document of the object that a record would create, if the reading thread has made it.
    pub(crate) fn fresh_document(&self, index: usize) -> Option<&str> {
        let place = self.fresh_places.get(index)?.clone();
        (!place.is_empty()).then(|| &self.fresh[place.start as usize..place.end as usize])
    }

    /// Makes a record's entry, unless that has been done.
    pub(crate) fn make_entry(&mut self, index: usize, binding: &Binding) {
        if self.entry_of[index].is_some() {
            return;
        }
        let entry = match self.keys[index] {
            Key::Misshapen => self.entries.push_nothing(),
            Key::Incomplete | Key::Complete { .. } => self.entries.push(self.records.get(index), &binding.layout),
        };
        self.entry_of[index] = Some(entry as u32);
    }

    /// Makes all entries, and the documents that they would create.
    fn make_everything(&mut self, binding: &Binding) {
        let mut document = String::new();
        for index in 0..self.len() {
            self.make_entry(index, binding);
            let start = self.fresh.len() as u32;
            if self.fresh.len() < MAX_FRESH
                && matches!(self.keys[index], Key::Complete { .. })
                && decide(self.entry(index), &binding.layout, None, &mut document) == Decision::Create
            {
                self.fresh.push_str(&document);
            }
            self.fresh_places.push(start..self.fresh.len() as u32);
        }
    }

    /// Notes that an object still equals a record.
    pub(crate) fn mark_same(&mut self, index: usize, object: ObjectNumber) {
        self.same[index] = Some(object);
    }

    pub(crate) fn same(&self, index: usize) -> Option<ObjectNumber> {
        self.same[index]
    }

    pub(crate) fn has_entry(&self, index: usize) -> bool {
        self.entry_of[index].is_some()
    }

    /// A record's entry; [`Round::make_entry`] must have been called.
    pub(crate) fn entry(&self, index: usize) -> Entry<'_> {
        self.entries.get(self.entry_of[index].expect("the entry was made") as usize)
    }

    /// Reads the next records; false at the end of the file.
    fn fill<R: Read>(&mut self, from: &mut Rounds<'_, R>) -> Result<bool> {
        let size = from.size(self.first);
        let &mut Rounds { ref mut reader, binding, hashes, .. } = from;
        if !reader.read(&mut self.records, size, MAX_BYTES)? {
            return Ok(false);
        }
        self.keys.clear();
        self.key_texts.clear();
        self.entries.clear(&binding.layout);
        self.entry_of.clear();
        self.entry_of.resize(self.records.len(), None);
        self.same.clear();
        self.same.resize(self.records.len(), None);
        self.fresh.clear();
        self.fresh_places.clear();
        for index in 0..self.records.len() {
            let key = find_key(self.records.get(index), binding, hashes, &mut self.key_texts);
            self.keys.push(key);
        }
        self.by_hash.clear();
        self.by_hash.extend(self.keys.iter().zip(0..).filter_map(|(key, index)| Some((key.hash()?, index))));
        self.by_hash.sort_unstable();
        Ok(true)
    }
}

fn find_key(record: RecordRef<'_>, binding: &Binding, hashes: Hashes, texts: &mut String) -> Key {
    let layout = &binding.layout;
    if is_misshapen(record, layout) {
        return Key::Misshapen;
    }
    let start = texts.len();
    for &slot in &binding.correlation.slots {
        let slot = &layout.slots[slot];
        let cell = cell_text(record, slot, layout);
        match layout.property(slot).read(cell, &layout.dates) {
            Ok(value) if !cell.is_empty() && !layout.is_null(cell) => {
                write_key_value(texts, |text| value.write_json(text))
            }
            _ => {
                texts.truncate(start);
                return Key::Incomplete;
            }
        }
    }
    let hash = hashes.key(&texts[start..]);
    let fingerprint = hashes.fingerprint(binding.context, record.text());
    Key::Complete { hash, fingerprint, start: start as u32, end: texts.len() as u32 }
}

/// The rounds of a file, one after the other.
pub(crate) struct Rounds<'a, R: Read> {
    pub(crate) reader: Reader<R>,
    pub(crate) tempo: &'a Tempo,
    /// Records that an earlier run of the import has settled.
    pub(crate) settled: u64,
    pub(crate) binding: &'a Binding,
    pub(crate) hashes: Hashes,
}

impl<R: Read> Rounds<'_, R> {
    /// Records of a round, at most, before which there are `first`.
    fn size(&self, first: u64) -> usize {
        match self.settled.saturating_sub(first) {
            0 => self.tempo.round(),
            settled => usize::try_from(settled).map_or(self.tempo.most(), |settled| settled.min(self.tempo.most())),
        }
    }

    /// Shows every round to `look`.
    pub(crate) fn each(mut self, mut look: impl FnMut(&Round)) -> Result<()> {
        let mut round = Round::default();
        while round.fill(&mut self)? {
            look(&round);
        }
        Ok(())
    }
}

/// What the reading thread needs.
pub(crate) struct RoundReader<'a, R: Read> {
    pub(crate) rounds: Rounds<'a, R>,
    /// Whether it pays to make all entries here: not when most records are found unchanged by their fingerprint.
    pub(crate) eager: &'a AtomicBool,
}

impl<R: Read> RoundReader<'_, R> {
    /// Fills rounds until the end of the file, an error, or nobody takes them any more.
    pub(crate) fn run(mut self, filled: &SyncSender<Result<Round>>, emptied: &Receiver<Round>) {
        let mut first = 0;
        loop {
            let mut round = emptied.try_recv().unwrap_or_default();
            round.first = first;
            let sent = match round.fill(&mut self.rounds) {
                Ok(false) => return,
                Err(error) => filled.send(Err(error)),
                Ok(true) => {
                    first += round.len() as u64;
                    if self.eager.load(Ordering::Relaxed) && first > self.rounds.settled {
                        round.make_everything(self.rounds.binding);
                    }
                    filled.send(Ok(round))
                }
            };
            if sent.is_err() {
                return;
            }
        }
    }
}
