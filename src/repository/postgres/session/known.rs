//! What a round has looked up: who has its keys, which records those objects equal, and the objects themselves.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use crate::repository::identity::ByHash;
use crate::repository::{Existing, ObjectNumber};

/// The objects with a key of one hash.
enum Held {
    Nobody,
    One([ObjectNumber; 1]),
    Several(Vec<ObjectNumber>),
}

/// The keys of one index that were looked up.
#[derive(Default)]
pub(super) struct Holders(ByHash<Held>);

impl Holders {
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    pub(super) fn is_known(&self, hash: u64) -> bool {
        self.0.contains_key(&hash)
    }

    /// Notes that these hashes were looked up; who has them is to follow.
    pub(super) fn note_asked(&mut self, hashes: &[i64]) {
        self.0.extend(hashes.iter().map(|hash| (hash.cast_unsigned(), Held::Nobody)));
    }

    pub(super) fn add(&mut self, hash: u64, object: ObjectNumber) {
        match self.0.entry(hash) {
            Entry::Vacant(place) => drop(place.insert(Held::One([object]))),
            Entry::Occupied(mut place) => match place.get_mut() {
                held @ Held::Nobody => *held = Held::One([object]),
                held @ &mut Held::One([first]) => *held = Held::Several(vec![first, object]),
                Held::Several(objects) => objects.push(object),
            },
        }
    }

    pub(super) fn get(&self, hash: u64) -> &[ObjectNumber] {
        match self.0.get(&hash) {
            None | Some(Held::Nobody) => &[],
            Some(Held::One(object)) => object,
            Some(Held::Several(objects)) => objects,
        }
    }
}

/// The objects that were read.
#[derive(Default)]
pub(super) struct Fetched {
    text: String,
    objects: HashMap<ObjectNumber, (u64, Range<usize>)>,
}

impl Fetched {
    pub(super) fn forget(&mut self) {
        self.text.clear();
        self.objects.clear();
    }

    pub(super) fn keep(&mut self, number: ObjectNumber, revision: u64, document: &str) {
        let start = self.text.len();
        self.text.push_str(document);
        self.objects.insert(number, (revision, start..self.text.len()));
    }

    pub(super) fn get(&self, number: ObjectNumber) -> Option<Existing<'_>> {
        let (revision, place) = self.objects.get(&number)?;
        Some(Existing { revision: *revision, document: &self.text[place.clone()] })
    }
}
