//! Pairs that wait to be written.

use std::collections::HashSet;
use std::collections::hash_map::Entry as Place;

use super::Pair;
use crate::repository::ObjectNumber;
use crate::repository::identity::ByHash;

/// Pairs by hash; nearly always one each.
#[derive(Default)]
pub(super) struct Pending {
    first: ByHash<ObjectNumber>,
    /// Those beyond the first.
    more: ByHash<HashSet<ObjectNumber>>,
    len: usize,
}

impl Pending {
    pub(super) fn get(&self, hash: u64) -> impl Iterator<Item = ObjectNumber> + '_ {
        let first = self.first.get(&hash).copied();
        let more = first.and_then(|_| if self.more.is_empty() { None } else { self.more.get(&hash) });
        first.into_iter().chain(more.into_iter().flatten().copied())
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn insert(&mut self, hash: u64, object: ObjectNumber) {
        self.len += 1;
        match self.first.entry(hash) {
            Place::Vacant(place) => drop(place.insert(object)),
            Place::Occupied(_) => drop(self.more.entry(hash).or_default().insert(object)),
        }
    }

    /// Says whether the pair was there.
    pub(super) fn remove(&mut self, hash: u64, object: ObjectNumber) -> bool {
        let more = self.more.get_mut(&hash);
        if self.first.get(&hash) != Some(&object) {
            let was_there = more.is_some_and(|more| more.remove(&object));
            self.len -= usize::from(was_there);
            return was_there;
        }
        self.len -= 1;
        match more.and_then(|more| more.iter().next().copied().and_then(|next| more.take(&next))) {
            Some(next) => drop(self.first.insert(hash, next)),
            None => drop(self.first.remove(&hash)),
        }
        true
    }

    pub(super) fn take_sorted(&mut self) -> Vec<Pair> {
        let more = self.more.drain().flat_map(|(hash, objects)| objects.into_iter().map(move |object| (hash, object)));
        let mut pairs: Vec<Pair> = self.first.drain().chain(more).collect();
        pairs.sort_unstable();
        self.len = 0;
        pairs
    }
}
