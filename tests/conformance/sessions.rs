//! Sessions: what they see, what others see of them, and what stays.

use rollbook::import::Counts;
use rollbook::repository::{Mode, Repository, Settled};

use super::{Open, commit, committed, document, failure, hash, holders, index, put, queued, session, thing};

pub(super) fn sees_its_own_puts(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let by_id = index(&stored, "id");
    let mut session = session(repository, &stored, &import);
    assert!(session.is_open());
    assert!(holders(repository, &mut session, by_id, "a").is_empty());
    let number = put(repository, &mut session, &stored, "a", "x");
    assert_eq!(holders(repository, &mut session, by_id, "a"), [number]);
    session.end_round().unwrap();
    session.prefetch_objects(&mut vec![number, number + 1]).unwrap();
    let existing = session.object(number).unwrap();
    assert_eq!((existing.revision, existing.document), (1, document("a", "x").as_str()));
    assert!(session.object(number + 1).is_none(), "there is no such object");
    session.update(number, 1, &document("a", "y"));
    session.end_round().unwrap();
    session.prefetch_objects(&mut vec![number]).unwrap();
    let existing = session.object(number).unwrap();
    assert_eq!((existing.revision, existing.document), (2, document("a", "y").as_str()));
    assert_eq!(open().object_count(&stored).unwrap(), 0, "nobody else sees it");
}

pub(super) fn commits_all_or_nothing(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let other = open();
    let seen = || {
        let record = other.import(import.id).unwrap().unwrap();
        let failures: Vec<u64> =
            other.failures(import.id, 0, 9).unwrap().into_iter().map(|failure| failure.row).collect();
        (other.object_count(&stored).unwrap(), failures, record.counts, record.settled, record.warnings)
    };
    let nothing = seen();
    assert_eq!(nothing, (0, Vec::new(), Counts::default(), 0, Vec::new()));
    let mut session = session(repository, &stored, &import);
    put(repository, &mut session, &stored, "a", "x");
    session.fail(failure(3));
    session.end_round().unwrap();
    assert_eq!(seen(), nothing);
    put(repository, &mut session, &stored, "b", "x");
    session.fail(failure(5));
    let warnings = ["mind the gap".to_owned()];
    let counts = Counts { total: 9, created: 2, updated: 1, unchanged: 1, failure: 2 };
    session.commit(Settled { counts, records: 6, warnings: &warnings, ..Settled::default() }).unwrap();
    assert!(!session.is_open());
    assert_eq!(seen(), (2, vec![3, 5], counts, 6, warnings.to_vec()));
    // The next commit adds to the first one.
    session.begin().unwrap();
    put(repository, &mut session, &stored, "c", "x");
    session.fail(failure(8));
    let counts = Counts { created: 3, failure: 3, ..counts };
    session.commit(Settled { counts, records: 9, ..Settled::default() }).unwrap();
    assert_eq!(seen(), (3, vec![3, 5, 8], counts, 9, Vec::new()));
}

pub(super) fn dropped_leaves_nothing(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut first = session(repository, &stored, &import);
    let number = put(repository, &mut first, &stored, "a", "x");
    first.stamp(number, 7).unwrap();
    first.fail(failure(2));
    first.end_round().unwrap();
    drop(first);
    assert_eq!(repository.object_count(&stored).unwrap(), 0);
    assert!(repository.failures(import.id, 0, 9).unwrap().is_empty());
    // And it holds up nobody.
    let other = open();
    let mut next = session(&other, &stored, &import);
    assert!(holders(&other, &mut next, index(&stored, "id"), "a").is_empty());
    assert!(put(&other, &mut next, &stored, "b", "x") >= number, "it may or may not be used up");
    assert_eq!(next.fingerprint(number).unwrap(), 0);
    commit(&mut next, 1);
}

pub(super) fn rolls_back(repository: &Repository, _: Open<'_>) {
    let stored = thing(repository);
    let import = committed(repository, &stored, &["kept"]);
    let by_id = index(&stored, "id");
    let mut session = session(repository, &stored, &import);
    let kept = holders(repository, &mut session, by_id, "kept")[0];
    put(repository, &mut session, &stored, "gone", "x");
    session.remove_key(by_id, hash(repository, "kept"), kept);
    session.update(kept, 1, &document("kept", "changed"));
    session.stamp(kept, 7).unwrap();
    session.fail(failure(2));
    session.end_round().unwrap();
    session.roll_back().unwrap();
    assert!(!session.is_open());
    session.begin().unwrap();
    assert!(holders(repository, &mut session, by_id, "gone").is_empty());
    assert_eq!(holders(repository, &mut session, by_id, "kept"), [kept]);
    assert_eq!(session.fingerprint(kept).unwrap(), 0);
    session.prefetch_objects(&mut vec![kept]).unwrap();
    assert_eq!(session.object(kept).unwrap().revision, 1);
    put(repository, &mut session, &stored, "new", "x");
    commit(&mut session, 2);
    assert_eq!(repository.object_count(&stored).unwrap(), 2);
    assert!(repository.failures(import.id, 0, 9).unwrap().is_empty(), "failures are rolled back too");
}

pub(super) fn sees_what_others_have_committed(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let by_id = index(&stored, "id");
    let mut ours = session(repository, &stored, &import);
    let first = put(repository, &mut ours, &stored, "a", "x");
    commit(&mut ours, 1);
    let other = open();
    let theirs = queued(&other);
    let mut their_session = session(&other, &stored, &theirs);
    assert_eq!(holders(&other, &mut their_session, by_id, "a"), [first]);
    let second = put(&other, &mut their_session, &stored, "b", "x");
    their_session.update(first, 1, &document("a", "y"));
    their_session.stamp(first, 11).unwrap();
    commit(&mut their_session, 1);
    ours.begin().unwrap();
    assert_eq!(holders(repository, &mut ours, by_id, "b"), [second]);
    assert_eq!(ours.fingerprint(first).unwrap(), 11);
    ours.prefetch_objects(&mut vec![first]).unwrap();
    assert_eq!(ours.object(first).unwrap().document, document("a", "y"));
    let third = put(repository, &mut ours, &stored, "c", "x");
    assert!(first < second && second < third, "numbers are given once");
    commit(&mut ours, 2);
    assert_eq!(repository.object_count(&stored).unwrap(), 3);
}

pub(super) fn dry_run_leaves_its_report(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let by_id = index(&stored, "id");
    committed(repository, &stored, &["old"]);
    let import = queued(repository);
    let mut session = repository.session(&stored, &import, Mode::DryRun).unwrap();
    session.begin().unwrap();
    let old = holders(repository, &mut session, by_id, "old")[0];
    let number = put(repository, &mut session, &stored, "a", "x");
    session.update(old, 1, &document("old", "changed"));
    session.remove_key(by_id, hash(repository, "old"), old);
    session.stamp(old, 7).unwrap();
    session.fail(failure(4));
    session.end_round().unwrap();
    assert_eq!(holders(repository, &mut session, by_id, "a"), [number]);
    assert!(holders(repository, &mut session, by_id, "old").is_empty());
    commit(&mut session, 1);
    // A report may be committed in parts.
    session.fail(failure(6));
    let counts = Counts { total: 3, created: 1, failure: 2, ..Counts::default() };
    session.commit(Settled { counts, records: 3, ..Settled::default() }).unwrap();
    drop(session);
    let record = repository.import(import.id).unwrap().unwrap();
    assert_eq!((record.counts, record.settled), (counts, 3));
    assert_eq!(repository.failed_rows(import.id).unwrap(), [4, 6]);
    let other = open();
    assert_eq!(other.object_count(&stored).unwrap(), 1);
    let objects = other.objects(&stored, 0, 9).unwrap().objects;
    assert_eq!((objects[0].revision, objects[0].document.as_str()), (1, document("old", "c").as_str()));
    let mut session = super::session(&other, &stored, &import);
    assert!(holders(&other, &mut session, by_id, "a").is_empty());
    assert_eq!(holders(&other, &mut session, by_id, "old"), [old]);
    assert_eq!(session.fingerprint(old).unwrap(), 0);
    assert_eq!(put(&other, &mut session, &stored, "b", "x"), number, "no number was used up");
}

pub(super) fn dry_run_looks_at_one_moment(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let by_id = index(&stored, "id");
    let import = queued(repository);
    let mut session = repository.session(&stored, &import, Mode::DryRun).unwrap();
    session.begin().unwrap();
    assert!(holders(repository, &mut session, by_id, "a").is_empty());
    let other = open();
    committed(&other, &stored, &["a", "b"]);
    assert!(holders(repository, &mut session, by_id, "a").is_empty());
    assert!(holders(repository, &mut session, by_id, "b").is_empty());
    commit(&mut session, 0);
    drop(session);
    let mut session = repository.session(&stored, &import, Mode::DryRun).unwrap();
    session.begin().unwrap();
    assert_eq!(holders(repository, &mut session, by_id, "b").len(), 1);
}

pub(super) fn fingerprints(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut first = session(repository, &stored, &import);
    let numbers: Vec<_> = (0..5000).map(|n| put(repository, &mut first, &stored, &n.to_string(), "x")).collect();
    for number in &numbers {
        first.stamp(*number, number.unsigned_abs() * 3 + 1).unwrap();
    }
    commit(&mut first, 5000);
    let other = open();
    let mut next = session(&other, &stored, &import);
    for number in numbers.iter().rev() {
        assert_eq!(next.fingerprint(*number).unwrap(), number.unsigned_abs() * 3 + 1);
    }
    assert_eq!(next.fingerprint(numbers[4999] + 1_000_000).unwrap(), 0, "there is no such object");
    next.stamp(numbers[7], 0).unwrap();
    assert_eq!(next.fingerprint(numbers[7]).unwrap(), 0);
    commit(&mut next, 0);
    let mut last = session(repository, &stored, &import);
    let found = [6, 7, 8].map(|at: usize| last.fingerprint(numbers[at]).unwrap());
    assert_eq!(found, [6, 7, 8].map(|at: usize| if at == 7 { 0 } else { numbers[at].unsigned_abs() * 3 + 1 }));
}
