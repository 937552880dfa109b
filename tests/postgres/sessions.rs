//! What imports do over their two connections: what becomes of them when one is lost, or another process writes the same.

use std::thread::{self, sleep};
use std::time::Duration;

use rollbook::app::App;
use rollbook::error::{Error, Kind, Result};
use rollbook::object::Object;
use rollbook::repository::{Mode, Repository, Session, Settled, StoredType, Written};

use super::folder;
use super::proxy::{Cut, Proxy};
use crate::conformance::{commit, document, hash, holders, index, put, queued, session, thing};
use crate::crash::until;
use crate::database::Look;
use crate::harness::Folder;

/// The connections of imports.
const CONNECTIONS: &str =
    "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% import'";

/// Those of them that write.
const WRITERS: &str = "FROM pg_stat_activity WHERE datname = current_database() \
                       AND application_name LIKE '% import' AND application_name NOT LIKE '%look-ups%'";

fn end_writers(look: &mut Look) -> i64 {
    look.number(&format!("SELECT count(pg_terminate_backend(pid)) {WRITERS}"))
}

fn commit_nothing(session: &mut Session) -> Result<()> {
    session.commit(Settled { counts: Default::default(), records: 1, ..Settled::default() })
}

#[track_caller]
fn assert_outdated<T: std::fmt::Debug>(done: Result<T>) {
    assert_eq!(done.as_ref().map_err(Error::kind).err(), Some(Kind::Outdated), "{done:?}");
}

#[test]
fn there_are_two_connections() {
    let folder = folder("");
    let repository = folder.installation().repository;
    let (stored, mut look) = (thing(&repository), folder.look());
    let mut session = session(&repository, &stored, &queued(&repository));
    let mut hashes: Vec<u64> = (0..10_000).collect();
    session.prefetch(0, &mut hashes).unwrap();
    let number = put(&repository, &mut session, &stored, "a", "x");
    session.end_round().unwrap();
    session.prefetch_objects(&mut vec![number]).unwrap();
    assert_eq!(look.number(&format!("SELECT count(*) {CONNECTIONS}")), 2);
}

/// What was put is lost with the connection, also for who waits to read it.
#[test]
fn a_reader_hears_why_a_commit_failed() {
    let folder = folder("");
    let repository = folder.installation().repository;
    let stored = thing(&repository);
    let mut session = session(&repository, &stored, &queued(&repository));
    let number = put(&repository, &mut session, &stored, "a", "x");
    let mut other = folder.look();
    other.run("BEGIN; LOCK TABLE key_pair IN EXCLUSIVE MODE");
    session.commit_soon(Settled { counts: Default::default(), records: 1, ..Settled::default() }).unwrap();
    let ended = thread::scope(|scope| {
        let ending = scope.spawn(|| {
            let mut look = folder.look();
            until(|| look.number(&format!("SELECT count(*) {WRITERS} AND wait_event_type = 'Lock'")) == 1);
            // Until somebody waits for what the transaction has put.
            sleep(Duration::from_millis(300));
            end_writers(&mut look)
        });
        assert_outdated(session.prefetch_objects(&mut vec![number]));
        ending.join().unwrap()
    });
    assert_eq!(ended, 1);
}

#[test]
fn a_connection_is_lost_between_two_commits() {
    let folder = folder("");
    let repository = folder.installation().repository;
    let stored = thing(&repository);
    let import = queued(&repository);
    let mut first = session(&repository, &stored, &import);
    put(&repository, &mut first, &stored, "a", "x");
    commit(&mut first, 1);
    assert_eq!(end_writers(&mut folder.look()), 1);
    first.begin().unwrap();
    put(&repository, &mut first, &stored, "b", "x");
    assert_outdated(commit_nothing(&mut first));
    drop(first);
    let mut again = session(&repository, &stored, &import);
    put(&repository, &mut again, &stored, "b", "x");
    commit(&mut again, 2);
    assert_eq!(repository.object_count(&stored).unwrap(), 2);
}

/// An installation behind a proxy.
fn behind_a_proxy(folder: &Folder) -> (App, Proxy) {
    drop(folder.installation());
    let proxy = Proxy::to(folder);
    let app = App::open(folder.config_with(&[("ROLLBOOK_REPOSITORY_URL", &proxy.url)])).unwrap();
    (app, proxy)
}

/// Also where they begin.
#[test]
fn sessions_that_are_cut_say_that_they_may_begin_anew() {
    let folder = folder("");
    let (app, proxy) = behind_a_proxy(&folder);
    let repository = &app.repository;
    let stored = thing(repository);
    for mode in [Mode::Write, Mode::DryRun] {
        let mut cuts = 0;
        for place in (1..4000).step_by(150) {
            let mut session = repository.session(&stored, &queued(repository), mode).unwrap();
            proxy.cut(Cut::OnceAfter(place));
            let done = session.begin().and_then(|()| {
                let number = session.create(&document("a", "x"));
                session.stamp(number, 7)?;
                commit_nothing(&mut session)
            });
            let was_cut = proxy.was_cut();
            proxy.cut(Cut::Never);
            match done {
                Ok(()) => {}
                failed => assert_outdated(failed),
            }
            cuts += u32::from(was_cut);
        }
        assert!(cuts > 10, "{mode:?}: {cuts}");
    }
}

/// The connection that asks what became of a commit is one of those for short statements.
#[test]
fn an_import_goes_on_over_a_connection_of_its_own() {
    let folder = folder("");
    let (app, proxy) = behind_a_proxy(&folder);
    let repository = &app.repository;
    let stored = thing(repository);
    let mut session = session(repository, &stored, &queued(repository));
    put(repository, &mut session, &stored, "a", "x");
    proxy.cut(Cut::AfterCommit(1));
    commit(&mut session, 1);
    assert!(proxy.was_cut());
    proxy.cut(Cut::Never);
    session.begin().unwrap();
    let number = put(repository, &mut session, &stored, "b", "x");
    session.end_round().unwrap();
    session.prefetch_objects(&mut vec![number]).unwrap();
    let open = format!("SELECT count(*) {WRITERS} AND state = 'idle in transaction'");
    assert_eq!(folder.look().number(&open), 1);
}

/// Whoever has lost the lease leaves the import to who has it now.
#[test]
fn who_has_lost_the_lease_does_not_try_again() {
    let folder = folder("");
    let repository = folder.installation().repository;
    let stored = thing(&repository);
    let lease = repository.lease(stored.object_type.name()).unwrap().unwrap();
    let mut session = session(&repository, &stored, &queued(&repository));
    put(&repository, &mut session, &stored, "a", "x");
    let mut look = folder.look();
    look.run("UPDATE lease SET owner = 'another', token = token + 1, until = now() + interval '1 hour'");
    look.run("UPDATE import_progress SET settled = 7");
    let error = commit_nothing(&mut session).expect_err("it is another's");
    assert_eq!(error.kind(), Kind::Busy, "{error}");
    drop(lease);
}

/// Records that come again before their first ones are committed are not looked up one by one.
#[test]
fn repeated_records_are_not_asked_for_one_by_one() {
    const RECORDS: usize = 5000;
    let users: String = (0..RECORDS).map(|n| format!("u{n},Given,Name,u{n}@example.com\n")).collect();
    let folder = folder("[import]\nround = 1000\ncommit_every = '1h'\n")
        .file("users.csv", format!("userName,givenName,sn,mail\n{users}{users}"));
    drop(folder.installation());
    let mut look = folder.look();
    let mut transactions = || {
        // A server counts those of a connection when that is closed.
        let others =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        until(|| look.number(others) == 0);
        look.number("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
    };
    let before = transactions();
    let account = folder.account("import users.csv --into managed/user --unique userName");
    assert!(account.starts_with("exit 1, created 5000, failure 5000, total 10000"), "{account:.200}");
    let count = transactions() - before;
    assert!(count < RECORDS as i64 / 4, "{count} transactions");
}

/// A thing that was written by itself.
fn written(repository: &Repository, stored: &StoredType, id: &str) -> Object {
    match repository.create_object(stored, None, &document(id, "x")).unwrap() {
        Written::Done(object) => object,
        other => panic!("{other:?}"),
    }
}

/// Gives a thing another id.
fn renamed(repository: &Repository, stored: &StoredType, object: &Object, id: &str) -> Object {
    match repository.replace_object(stored, object, &document(id, "x")).unwrap() {
        Written::Done(object) => object,
        other => panic!("{other:?}"),
    }
}

/// An import that finds the key of a thing which gives up its id before the thing itself is read; so it puts the id.
fn put_beside<'a>(repository: &'a Repository, stored: &'a StoredType) -> (Session, Object) {
    let first = written(repository, stored, "v");
    let mut session = session(repository, stored, &queued(repository));
    let found = holders(repository, &mut session, index(stored, "id"), "v");
    assert_eq!(found.len(), 1);
    let first = renamed(repository, stored, &first, "w");
    session.prefetch_objects(&mut found.clone()).unwrap();
    assert_eq!(session.object(found[0]).unwrap().document, document("w", "x"));
    put(repository, &mut session, stored, "v", "x");
    (session, first)
}

#[test]
fn a_value_given_up_meanwhile_is_not_given_twice() {
    let folder = folder("");
    let repository = folder.installation().repository;
    let stored = thing(&repository);
    let (mut session, _) = put_beside(&repository, &stored);
    written(&repository, &stored, "v");
    assert_outdated(commit_nothing(&mut session));
    assert_eq!(repository.object_count(&stored).unwrap(), 2);
}

#[test]
fn a_value_given_up_and_taken_back_is_not_given_twice() {
    let folder = folder("");
    let repository = folder.installation().repository;
    let stored = thing(&repository);
    let (mut session, first) = put_beside(&repository, &stored);
    renamed(&repository, &stored, &first, "v");
    assert_outdated(commit_nothing(&mut session));
    assert_eq!(repository.object_count(&stored).unwrap(), 1);
}

/// Of two values with one hash both are put.
#[test]
fn different_values_may_have_one_hash() {
    let folder = folder("");
    let repository = folder.installation().repository;
    let stored = thing(&repository);
    let by_id = index(&stored, "id");
    let import = queued(&repository);
    let mut session = session(&repository, &stored, &import);
    let first = session.create(&document("another", "x"));
    session.add_key(by_id, hash(&repository, "v"), first);
    commit(&mut session, 1);
    session.begin().unwrap();
    assert_eq!(holders(&repository, &mut session, by_id, "v"), [first]);
    session.prefetch_objects(&mut vec![first]).unwrap();
    let second = put(&repository, &mut session, &stored, "v", "x");
    commit(&mut session, 2);
    session.begin().unwrap();
    assert_eq!(holders(&repository, &mut session, by_id, "v"), [first, second]);
}
