//! The key changes of one commit, on their way into the table.

use crate::repository::ObjectNumber;

/// See the module's head.
#[derive(Default)]
pub(super) struct Keys {
    /// In the order they were made.
    pub(super) changes: Vec<KeyChange>,
    pub(super) neighbours: Vec<Neighbour>,
}

/// An object that was seen to have a key of the hash of a value that must be unique and is another object's from now on: so
/// its own value is another one. If it is not, or no longer, the table would not keep the value from being put twice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbour {
    pub(super) index: i64,
    pub(super) hash: i64,
    pub(super) object: ObjectNumber,
    /// The revision that was seen; 0 if it was not there.
    pub(super) revision: u64,
}

/// That an object has a key, or no longer has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct KeyChange {
    pub(super) index: i64,
    pub(super) hash: i64,
    pub(super) object: ObjectNumber,
    /// See the table.
    pub(super) tie: i64,
    pub(super) is_added: bool,
}

impl KeyChange {
    fn pair(&self) -> (i64, i64, ObjectNumber) {
        (self.index, self.hash, self.object)
    }
}

/// What remains of changes in the order they were made: removals and additions, both in the order of the table.
pub(super) fn net(mut changes: Vec<KeyChange>) -> (Vec<KeyChange>, Vec<KeyChange>) {
    // Stable: of each pair, the changes stay in order.
    changes.sort_by_key(KeyChange::pair);
    let (mut removals, mut additions) = (Vec::new(), Vec::with_capacity(changes.len()));
    for changes in changes.chunk_by(|one, other| one.pair() == other.pair()) {
        // What was there before the first is there again after one of the other kind.
        if let (first, Some(last)) = (changes[0], changes.last().copied())
            && first.is_added == last.is_added
        {
            if last.is_added { additions.push(last) } else { removals.push(last) }
        }
    }
    (removals, additions)
}

#[cfg(test)]
mod tests {
    use super::{KeyChange, net};

    #[test]
    fn what_comes_and_goes_leaves_nothing() {
        let change = |hash, object, is_added| KeyChange { index: 1, hash, object, tie: 0, is_added };
        let there_and_away = [change(5, 1, true), change(5, 1, false)];
        let away_and_back = [change(4, 2, false), change(4, 2, true)];
        let (removal, addition) = (change(3, 1, false), change(3, 9, true));
        let changes = [&there_and_away[..], &[addition, removal], &away_and_back].concat();
        assert_eq!(net(changes), (vec![removal], vec![addition]));
        let again = vec![addition, change(3, 9, false), addition];
        assert_eq!(net(again), (vec![], vec![addition]));
    }
}
