//! Key indexes: objects by the values of some properties.

use rollbook::repository::{Mode, Repository, Session, StoredType};

use super::{Open, commit, hash, holders, index, put, queued, session, thing, type_name};

/// Enough that an index doubles several times.
const MANY: usize = 40_000;

pub(super) fn shared_and_removed(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let stored = repository.prepare_type(&type_name("managed/thing"), &[], &["code".to_owned()]).unwrap();
    let by_code = index(&stored, "code");
    let import = queued(repository);
    let mut first = session(repository, &stored, &import);
    let numbers = ["a", "b", "c"].map(|id| put(repository, &mut first, &stored, id, "shared"));
    assert_eq!(holders(repository, &mut first, by_code, "shared"), numbers);
    commit(&mut first, 3);
    first.begin().unwrap();
    assert_eq!(holders(repository, &mut first, by_code, "shared"), numbers);
    first.remove_key(by_code, hash(repository, "shared"), numbers[1]);
    first.add_key(by_code, hash(repository, "own"), numbers[1]);
    assert_eq!(holders(repository, &mut first, by_code, "shared"), [numbers[0], numbers[2]]);
    // Away and back again, and there and away again.
    first.remove_key(by_code, hash(repository, "shared"), numbers[2]);
    first.add_key(by_code, hash(repository, "shared"), numbers[2]);
    first.add_key(by_code, hash(repository, "brief"), numbers[0]);
    first.remove_key(by_code, hash(repository, "brief"), numbers[0]);
    commit(&mut first, 3);
    let other = open();
    let mut next = session(&other, &stored, &import);
    assert_eq!(holders(&other, &mut next, by_code, "shared"), [numbers[0], numbers[2]]);
    assert_eq!(holders(&other, &mut next, by_code, "own"), [numbers[1]]);
    assert!(holders(&other, &mut next, by_code, "brief").is_empty());
    let stored = other.object_type(&type_name("managed/thing")).unwrap().unwrap();
    assert!(!stored.indexes[by_code].is_empty);
}

/// Puts things numbered so, asking for all of a round's keys at once as an import does.
fn put_many(repository: &Repository, session: &mut Session, stored: &StoredType, things: std::ops::Range<usize>) {
    let by_id = index(stored, "id");
    let mut hashes: Vec<u64> = things.clone().map(|n| hash(repository, &n.to_string())).collect();
    session.prefetch(by_id, &mut hashes).unwrap();
    for n in things {
        assert_eq!(session.holders(by_id, hash(repository, &n.to_string())).count(), 0, "{n}");
        put(repository, session, stored, &n.to_string(), "x");
    }
    session.end_round().unwrap();
}

fn all(repository: &Repository, session: &mut Session, stored: &StoredType) -> Vec<usize> {
    let by_id = index(stored, "id");
    let mut hashes: Vec<u64> = (0..MANY).map(|n| hash(repository, &n.to_string())).collect();
    session.prefetch(by_id, &mut hashes).unwrap();
    (0..MANY).filter(|n| session.holders(by_id, hash(repository, &n.to_string())).count() == 1).collect()
}

pub(super) fn grows(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut first = session(repository, &stored, &import);
    // Rounds of different sizes, some of them committed together.
    for (things, ends) in [(0..10, true), (10..3000, false), (3000..9000, true), (9000..MANY, true)] {
        put_many(repository, &mut first, &stored, things.clone());
        if ends {
            commit(&mut first, things.end as u64);
            first.begin().unwrap();
        }
    }
    drop(first);
    let other = open();
    let mut next = session(&other, &stored, &import);
    assert_eq!(all(&other, &mut next, &stored).len(), MANY);
    let by_id = index(&stored, "id");
    let gone = |n: &usize| n.is_multiple_of(7);
    for n in (0..MANY).filter(gone) {
        let number = holders(&other, &mut next, by_id, &n.to_string())[0];
        next.remove_key(by_id, hash(&other, &n.to_string()), number);
    }
    commit(&mut next, 0);
    let mut last = session(repository, &stored, &import);
    let left: Vec<usize> = (0..MANY).filter(|n| !gone(n)).collect();
    assert!(all(repository, &mut last, &stored) == left);
    drop(last);
    let stored = repository.object_type(&type_name("managed/thing")).unwrap().unwrap();
    assert!(!stored.indexes[by_id].is_empty);
}

pub(super) fn grows_in_a_dry_run(repository: &Repository, _: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut first = session(repository, &stored, &import);
    put_many(repository, &mut first, &stored, 0..MANY / 2);
    commit(&mut first, MANY as u64 / 2);
    drop(first);
    let mut dry = repository.session(&stored, &import, Mode::DryRun).unwrap();
    dry.begin().unwrap();
    put_many(repository, &mut dry, &stored, MANY / 2..MANY);
    assert_eq!(all(repository, &mut dry, &stored).len(), MANY);
    commit(&mut dry, MANY as u64);
    drop(dry);
    let mut last = session(repository, &stored, &import);
    assert_eq!(all(repository, &mut last, &stored).len(), MANY / 2);
}

pub(super) fn built_when_asked_for(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut first = session(repository, &stored, &import);
    let numbers: Vec<_> =
        (0..3000).map(|n| put(repository, &mut first, &stored, &n.to_string(), &(n / 2).to_string())).collect();
    let without = first.create("[0,\"alone\"]");
    commit(&mut first, 3001);
    drop(first);
    assert_eq!(stored.indexes.len(), 1);
    let name = type_name("managed/thing");
    let both = ["code".to_owned(), "id".to_owned()];
    let stored = repository.prepare_type(&name, &[], &both[..1]).unwrap();
    let stored_again = open().prepare_type(&name, &[], &both).unwrap();
    assert_eq!((stored.indexes.len(), stored_again.indexes.len()), (2, 3));
    let reversed = [both[1].clone(), both[0].clone()];
    assert_eq!(stored_again.index(&both), stored_again.index(&reversed), "the order of properties does not matter");
    assert!(stored_again.indexes.iter().all(|index| !index.is_empty));
    let mut next = session(repository, &stored_again, &import);
    let by_code = index(&stored_again, "code");
    for (n, pair) in numbers.chunks(2).enumerate() {
        assert_eq!(holders(repository, &mut next, by_code, &n.to_string()), pair);
    }
    let place = stored_again.indexes.iter().position(|index| index.properties == both).unwrap();
    let hash = repository.hashes().key("\"5\"\0\"11\"\0");
    next.prefetch(place, &mut [hash]).unwrap();
    assert_eq!(next.holders(place, hash).collect::<Vec<_>>(), [numbers[11]]);
    assert!(!numbers.contains(&without));
}
