//! The key changes of a session that its look-ups cannot see yet.
//!
//! Changes belong to *generations*, of which each becomes visible at once, with its commit. A change stays here until what
//! was looked up before that is forgotten; so it does no harm that look-ups may show it already.

use std::collections::hash_map::Entry;

use crate::repository::ObjectNumber;
use crate::repository::identity::ByHash;

/// The latest change of one pair.
#[derive(Clone, Copy)]
struct Change {
    object: ObjectNumber,
    is_added: bool,
    generation: u64,
}

/// The changes of one index.
#[derive(Default)]
pub(super) struct Overlay {
    first: ByHash<Change>,
    /// Those beyond the first of a hash.
    more: ByHash<Vec<Change>>,
}

impl Overlay {
    pub(super) fn add(&mut self, hash: u64, object: ObjectNumber, generation: u64) {
        self.note(hash, Change { object, is_added: true, generation });
    }

    pub(super) fn remove(&mut self, hash: u64, object: ObjectNumber, generation: u64) {
        self.note(hash, Change { object, is_added: false, generation });
    }

    /// The objects that have a key of this hash, of which `known` have it without the changes.
    pub(super) fn holders<'a>(
        &'a self,
        hash: u64,
        known: &'a [ObjectNumber],
    ) -> impl Iterator<Item = ObjectNumber> + 'a {
        let unchanged =
            known.iter().copied().filter(move |object| self.of(hash).all(|change| change.object != *object));
        unchanged.chain(self.of(hash).filter(|change| change.is_added).map(|change| change.object))
    }

    /// Forgets the generations up to this one.
    pub(super) fn retire(&mut self, generation: u64) {
        self.first.retain(|_, change| change.generation > generation);
        self.more.retain(|_, changes| {
            changes.retain(|change| change.generation > generation);
            !changes.is_empty()
        });
    }

    fn of(&self, hash: u64) -> impl Iterator<Item = &Change> {
        let more = if self.more.is_empty() { None } else { self.more.get(&hash) };
        self.first.get(&hash).into_iter().chain(more.into_iter().flatten())
    }

    fn note(&mut self, hash: u64, new: Change) {
        match self.first.entry(hash) {
            Entry::Occupied(mut place) if place.get().object == new.object => drop(place.insert(new)),
            Entry::Vacant(place) if !self.more.contains_key(&hash) => drop(place.insert(new)),
            _ => {
                let changes = self.more.entry(hash).or_default();
                match changes.iter_mut().find(|change| change.object == new.object) {
                    Some(change) => *change = new,
                    None => changes.push(new),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Overlay;

    fn holders(overlay: &Overlay, known: &[i64]) -> Vec<i64> {
        let mut holders: Vec<i64> = overlay.holders(7, known).collect();
        holders.sort_unstable();
        holders
    }

    #[test]
    fn the_latest_change_of_a_pair_counts_until_it_is_seen() {
        let mut overlay = Overlay::default();
        overlay.add(7, 1, 1);
        overlay.remove(7, 5, 1);
        overlay.add(7, 2, 2);
        overlay.remove(7, 1, 2);
        overlay.add(7, 1, 3);
        assert_eq!(holders(&overlay, &[5, 6]), [1, 2, 6]);
        assert_eq!(holders(&overlay, &[1, 6]), [1, 2, 6], "already seen");
        overlay.retire(1);
        assert_eq!(holders(&overlay, &[1, 6]), [1, 2, 6]);
        overlay.remove(7, 1, 4);
        overlay.retire(3);
        assert_eq!(holders(&overlay, &[1, 2, 6]), [2, 6]);
        overlay.retire(4);
        assert_eq!(holders(&overlay, &[2, 6]), [2, 6]);
    }
}
