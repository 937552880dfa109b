//! Imports: their queue, their leases, their ends and what is kept of them.

use std::time::Duration;

use rollbook::clock;
use rollbook::error::Kind;
use rollbook::import::{Counts, Import, ImportId, State, Structure};
use rollbook::repository::{Attempt, KeyedRequest, Repository, Settled, Spooled};
use serde_json::json;

use super::{Open, commit, failure, import, put, queued, session, thing, type_name};

pub(super) fn queue(repository: &Repository, open: Open<'_>) {
    let things = type_name("managed/thing");
    thing(repository);
    assert_eq!(repository.next_import(&things).unwrap(), None);
    assert!(repository.waiting_types().unwrap().is_empty());
    let imports = ["managed/user", "managed/thing", "managed/thing", "managed/user"].map(import);
    repository.queue(&imports).unwrap();
    let other = open();
    let ids: Vec<_> = other.imports().unwrap().into_iter().map(|import| import.id).collect();
    assert_eq!(ids, imports.each_ref().map(|import| import.id), "oldest first");
    assert_eq!(other.waiting_types().unwrap(), ["managed/user", "managed/thing"].map(type_name));
    assert_eq!(other.next_import(&things).unwrap().unwrap().id, imports[1].id);
    // One that is running is still the next: whoever ran it is no more, if we have the lease.
    other.start(imports[1].id, Attempt::Anew).unwrap();
    assert_eq!(repository.next_import(&things).unwrap().unwrap().state, State::Running);
    finish(&other, &imports[1], &State::Finished { end: clock::now() });
    assert_eq!(repository.next_import(&things).unwrap().unwrap().id, imports[2].id);
    finish(&other, &imports[2], &State::Cancelled { end: clock::now(), by: None });
    assert_eq!(repository.next_import(&things).unwrap(), None);
    assert_eq!(repository.waiting_types().unwrap(), [type_name("managed/user")]);
    // All or none: the second of these is there already.
    let both = [import("managed/thing"), imports[0].clone()];
    assert!(repository.queue(&both).is_err());
    assert_eq!(repository.import(both[0].id).unwrap(), None);
    assert_eq!(repository.imports().unwrap().len(), 4);
}

pub(super) fn answered_once(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let request = |caller: &str, key: &str, digest| {
        let [caller, key] = [caller, key].map(str::to_owned);
        KeyedRequest { caller, key, digest: [digest; 32] }
    };
    let imports = [(); 2].map(|()| import("managed/thing"));
    let ids = imports.each_ref().map(|import| import.id);
    assert_eq!(repository.answered_request("a", "k").unwrap(), None);
    repository.queue_once(&imports, &request("a", "k", 7)).unwrap();
    let other = open();
    let answered = other.answered_request("a", "k").unwrap().unwrap();
    assert_eq!((answered.digest, answered.imports), ([7; 32], ids.to_vec()));
    // All or nothing, whatever is asked for.
    let second = import("managed/thing");
    for digest in [7, 8] {
        let error = other.queue_once(std::slice::from_ref(&second), &request("a", "k", digest)).unwrap_err();
        assert_eq!(error.kind(), Kind::Conflict);
    }
    assert!(other.queue_once(&imports, &request("a", "l", 7)).is_err(), "these imports are there already");
    assert_eq!(other.imports().unwrap().len(), 2);
    assert_eq!(other.answered_request("a", "l").unwrap(), None);
    assert_eq!(other.answered_request("b", "k").unwrap(), None, "callers have nothing to do with each other");
    // The key is free again once nobody knows any of its imports.
    for import in &imports {
        assert!(other.answered_request("a", "k").unwrap().is_some());
        finish(&other, import, &State::Cancelled { end: clock::now(), by: None });
        let revision = other.import(import.id).unwrap().unwrap().revision;
        assert!(other.delete_import(import.id, revision).unwrap());
    }
    assert_eq!(repository.answered_request("a", "k").unwrap(), None);
    repository.queue_once(std::slice::from_ref(&second), &request("a", "k", 9)).unwrap();
    assert_eq!(open().answered_request("a", "k").unwrap().unwrap().imports, [second.id]);
}

fn finish(repository: &Repository, import: &Import, state: &State) {
    repository.finish(import.id, state, Counts::default(), &[], Spooled::Unneeded).unwrap();
}

pub(super) fn kept_as_it_is(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let import = queued(repository);
    let kept = open().import(import.id).unwrap().unwrap();
    assert_eq!(kept, import);
    let structure = Structure { header_row: 3, records: 5, ragged: 1, with_nul: 2, stray_quotes: 4, size: 1 << 40 };
    let counts = Counts { total: 5, ..Counts::default() };
    let scanned = Import { structure: Some(structure), counts, ..super::import("managed/thing") };
    repository.queue(std::slice::from_ref(&scanned)).unwrap();
    assert_eq!(open().import(scanned.id).unwrap(), Some(scanned));
    assert_eq!(repository.import(super::import("managed/thing").id).unwrap(), None);
}

pub(super) fn begin_anew_or_resume(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    repository.start(import.id, Attempt::Anew).unwrap();
    let started = repository.import(import.id).unwrap().unwrap().started;
    assert!(started.as_ref() >= Some(&import.begin));
    std::thread::sleep(Duration::from_millis(2));
    let mut first = session(repository, &stored, &import);
    put(repository, &mut first, &stored, "a", "x");
    first.fail(failure(2));
    let counts = Counts { total: 5, created: 1, failure: 1, ..Counts::default() };
    first.commit(Settled { counts, records: 2, warnings: &["careful".to_owned()], ..Settled::default() }).unwrap();
    drop(first);
    let other = open();
    other.start(import.id, Attempt::Resumed).unwrap();
    let resumed = other.import(import.id).unwrap().unwrap();
    assert_eq!(resumed.started, started);
    assert_eq!((resumed.state, resumed.counts, resumed.settled), (State::Running, counts, 2));
    assert_eq!((resumed.warnings.len(), other.failed_rows(import.id).unwrap()), (1, vec![2]));
    other.start(import.id, Attempt::Anew).unwrap();
    let anew = other.import(import.id).unwrap().unwrap();
    assert_eq!((anew.counts.success(), anew.counts.failure, anew.settled), (0, 0, 0));
    assert_eq!((anew.warnings.len(), other.failed_rows(import.id).unwrap().len()), (0, 0));
    assert!(anew.revision > resumed.revision && anew.started > started);
}

pub(super) fn end(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let counts = Counts { total: 9, created: 1, updated: 2, unchanged: 3, failure: 1 };
    let warnings = ["one".to_owned(), "two \"quoted\"\n".to_owned()];
    let problem = json!({"code": 400, "reason": "Bad Request", "message": "no", "detail": {"z": [1, null], "a": "ü"}});
    let end = clock::now();
    for (state, spooled) in [
        (State::Finished { end: end.clone() }, Spooled::Unneeded),
        (State::Finished { end: end.clone() }, Spooled::Kept),
        (State::Failed { end: end.clone(), problem }, Spooled::Unneeded),
        (State::Cancelled { end: end.clone(), by: None }, Spooled::Unneeded),
        (State::Cancelled { end, by: Some("zoë".to_owned()) }, Spooled::Unneeded),
    ] {
        let import = queued(repository);
        repository.start(import.id, Attempt::Anew).unwrap();
        repository.finish(import.id, &state, counts, &warnings, spooled).unwrap();
        let ended = open().import(import.id).unwrap().unwrap();
        assert_eq!((&ended.state, ended.counts, ended.warnings.as_slice()), (&state, counts, &warnings[..]));
        assert_eq!(ended.spool_purged, spooled == Spooled::Unneeded);
        assert!(ended.revision > import.revision);
        assert!(!repository.start(import.id, Attempt::Anew).unwrap() && !repository.cancel_queued(import.id).unwrap());
        finish(repository, &import, &State::Cancelled { end: "2000-01-01T00:00:00.000Z".to_owned(), by: None });
        assert_eq!(open().import(import.id).unwrap(), Some(ended), "nothing changes after the end");
    }
}

pub(super) fn cancel_queued(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let [waiting, running] = [(); 2].map(|()| queued(repository));
    repository.cancel(waiting.id, "barbara").unwrap();
    assert!(open().cancel_queued(waiting.id).unwrap());
    let ended = repository.import(waiting.id).unwrap().unwrap();
    assert!(
        matches!(&ended.state, State::Cancelled { end, by } if *end >= waiting.begin && by.as_deref() == Some("barbara"))
    );
    assert!(ended.spool_purged && ended.started.is_none() && ended.revision > waiting.revision);
    assert!(!repository.is_cancelled(waiting.id), "nobody has to be told any more");
    assert!(repository.start(running.id, Attempt::Anew).unwrap());
    assert!(!repository.cancel_queued(running.id).unwrap(), "whoever runs it is to end it");
    assert_eq!(open().import(running.id).unwrap().unwrap().state, State::Running);
}

pub(super) fn lease(repository: &Repository, open: Open<'_>) {
    let (things, users) = (type_name("managed/thing"), type_name("managed/user"));
    let other = open();
    let lease = repository.lease(&things).unwrap().unwrap();
    assert!(other.lease(&things).unwrap().is_none());
    assert!(repository.lease(&things).unwrap().is_none(), "not even twice by one");
    assert!(other.lease(&users).unwrap().is_some(), "types do not wait for each other");
    drop(lease);
    assert!(other.lease(&things).unwrap().is_some());
}

pub(super) fn cancel_mark(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let [import, other] = [(); 2].map(|()| queued(repository));
    assert!(!repository.is_cancelled(import.id));
    assert_eq!(repository.cancelled_by(import.id), None);
    repository.cancel(import.id, "zoë").unwrap();
    repository.cancel(import.id, "sam").unwrap();
    assert!(repository.is_cancelled(import.id));
    assert_eq!(open().cancelled_by(import.id).as_deref(), Some("zoë"), "the first who asked");
    assert!(open().is_cancelled(import.id), "it is kept");
    assert!(!open().is_cancelled(other.id));
    repository.start(import.id, Attempt::Anew).unwrap();
    assert!(repository.is_cancelled(import.id), "a start does not undo it");
    finish(repository, &import, &State::Cancelled { end: clock::now(), by: None });
    assert!(!open().is_cancelled(import.id));
    repository.cancel(other.id, "sam").unwrap();
    repository.forget_cancel(other.id);
    assert!(!open().is_cancelled(other.id));
}

pub(super) fn failures(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let [import, empty] = [(); 2].map(|()| queued(repository));
    let mut session = session(repository, &stored, &import);
    let rows: Vec<u64> = (0..500).map(|n| 2 + 3 * n).collect();
    for row in rows.iter().rev() {
        session.fail(failure(*row));
    }
    commit(&mut session, 0);
    let other = open();
    for limit in [1, 99, 500, 501] {
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let page = other.failures(import.id, after, limit).unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit);
            after = last.row;
            found.extend(page);
        }
        assert!(found == rows.iter().map(|row| failure(*row)).collect::<Vec<_>>(), "{limit}");
    }
    assert_eq!(other.failed_rows(import.id).unwrap(), rows);
    assert!(other.failures(empty.id, 0, 9).unwrap().is_empty());
}

pub(super) fn purge(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut session = session(repository, &stored, &import);
    session.fail(failure(2));
    let counts = Counts { total: 1, failure: 1, ..Counts::default() };
    session.commit(Settled { counts, records: 1, ..Settled::default() }).unwrap();
    repository.finish(import.id, &State::Finished { end: clock::now() }, counts, &[], Spooled::Kept).unwrap();
    let kept = repository.import(import.id).unwrap().unwrap();
    assert!(!kept.spool_purged && !kept.failures_purged);
    queued(repository);
    let to_clean_up = || repository.imports_to_clean_up().unwrap().into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(to_clean_up(), [import.id], "those that are over");
    repository.note_spool_purged(import.id).unwrap();
    assert_eq!(to_clean_up(), [import.id], "there are failures");
    let purged = repository.import(import.id).unwrap().unwrap();
    assert!(purged.spool_purged && purged.revision > kept.revision);
    repository.note_spool_purged(import.id).unwrap();
    assert_eq!(repository.import(import.id).unwrap().unwrap(), purged, "once is enough");
    repository.purge_failures(import.id).unwrap();
    assert!(to_clean_up().is_empty());
    let purged = open().import(import.id).unwrap().unwrap();
    assert!(purged.failures_purged);
    assert_eq!(purged.counts, counts, "that they were there is not forgotten");
    assert!(repository.failures(import.id, 0, 9).unwrap().is_empty());
}

pub(super) fn look_up_together(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let all = [(); 5].map(|()| queued(repository));
    let other = open();
    other.start(all[1].id, Attempt::Anew).unwrap();
    finish(&other, &all[0], &State::Finished { end: clock::now() });
    finish(&other, &all[3], &State::Cancelled { end: clock::now(), by: None });
    let open: Vec<Import> = repository.open_imports().unwrap();
    let as_it_is = |import: &Import| repository.import(import.id).unwrap().unwrap();
    assert_eq!(open, [&all[1], &all[2], &all[4]].map(as_it_is), "oldest first");
    let mut found = repository.imports_of(&[all[4].id, ImportId::random(), all[0].id]).unwrap();
    found.sort_by_key(|import| import.id == all[4].id);
    assert_eq!(found, [&all[0], &all[4]].map(as_it_is));
    assert!(repository.imports_of(&[]).unwrap().is_empty());
    let mut many: Vec<ImportId> = (0..3000).map(|_| ImportId::random()).collect();
    many.extend(all.iter().map(|import| import.id));
    assert_eq!(repository.imports_of(&many).unwrap().len(), 5);
}

/// One that nobody is there to remove does not stay for ever, and one that is needed does.
pub(super) fn sweep_cancel_marks(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let [over, waiting, running] = [(); 3].map(|()| queued(repository));
    repository.start(running.id, Attempt::Anew).unwrap();
    finish(repository, &over, &State::Finished { end: clock::now() });
    let unknown = ImportId::random();
    let marked = [over.id, waiting.id, running.id, unknown];
    for id in marked {
        repository.cancel(id, "sam").unwrap();
    }
    let other = open();
    other.sweep().unwrap();
    assert_eq!(marked.map(|id| repository.is_cancelled(id)), [false, true, true, false]);
    assert_eq!(other.cancelled_by(waiting.id).as_deref(), Some("sam"));
}

pub(super) fn page_by_page(repository: &Repository, open: Open<'_>) {
    let ids: Vec<ImportId> = (0..5).map(|_| queued(repository).id).collect();
    let gone = repository.import(ids[1]).unwrap().unwrap();
    assert!(repository.delete_import(gone.id, gone.revision).unwrap());
    let other = open();
    let (mut found, mut behind) = (Vec::new(), 0);
    loop {
        let page = other.imports_behind(behind, 2).unwrap();
        let Some((last, _)) = page.last() else { break };
        assert!(page.len() <= 2 && *last > behind);
        behind = *last;
        found.extend(page.into_iter().map(|(_, import)| import));
    }
    let all = repository.imports().unwrap();
    assert_eq!(found, all);
    assert_eq!(found.iter().map(|import| import.id).collect::<Vec<_>>(), [ids[0], ids[2], ids[3], ids[4]]);
}

pub(super) fn delete(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut session = session(repository, &stored, &import);
    put(repository, &mut session, &stored, "a", "x");
    session.fail(failure(2));
    commit(&mut session, 1);
    finish(repository, &import, &State::Finished { end: clock::now() });
    let revision = repository.import(import.id).unwrap().unwrap().revision;
    assert!(!repository.delete_import(import.id, revision - 1).unwrap(), "it has changed");
    assert_eq!(repository.failed_rows(import.id).unwrap(), [2]);
    assert!(repository.delete_import(import.id, revision).unwrap());
    let other = open();
    assert_eq!(other.import(import.id).unwrap(), None);
    assert!(other.imports().unwrap().is_empty());
    let kinds = [
        other.failures(import.id, 0, 9).map(drop),
        other.delete_import(import.id, revision).map(drop),
        other.purge_failures(import.id),
        other.finish(import.id, &State::Finished { end: clock::now() }, Counts::default(), &[], Spooled::Unneeded),
    ]
    .map(|outcome| outcome.unwrap_err().kind());
    assert_eq!(kinds, [Kind::NotFound; 4]);
    // A new import must not come into the possession of what the deleted one wrote.
    let next = queued(&other);
    assert!(other.failures(next.id, 0, 9).unwrap().is_empty());
    let object = other.objects(&stored, 0, 9).unwrap().objects.remove(0);
    assert_eq!(object.import, None, "objects stay, and their import is forgotten");
}
