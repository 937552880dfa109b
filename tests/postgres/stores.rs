//! What several processes do at once with imports, tokens, drop folders and the ledger: nothing happens twice, and nothing
//! is lost.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rollbook::clock;
use rollbook::config::SetBy;
use rollbook::error::{Kind, Result};
use rollbook::import::{Counts, Import, ImportId, State};
use rollbook::repository::{
    Attempt, DropFolderChange, DropFolderState, KeyedRequest, Remains, Repository, Spooled, StoredDropFolder,
};
use rollbook::run::{CallbackAttempt, CallbackState, FileOutcome, Run, RunFile, RunId, Step, Version};
use rollbook::token::{Digest, Role, Token};
use serde_json::{Value, json};

use super::folder;
use crate::conformance::import;
use crate::harness::Folder;

pub(super) const PROCESSES: usize = 8;

const PLACE: &str = "file:/drop";

/// A database, and its repository as each of several processes has opened it.
pub(super) struct Processes {
    pub(super) repositories: Vec<Repository>,
    pub(super) folder: Folder,
}

impl Processes {
    pub(super) fn new() -> Processes {
        let folder = folder("");
        let repositories = (0..PROCESSES).map(|_| folder.installation().repository).collect();
        Processes { repositories, folder }
    }

    pub(super) fn one(&self) -> &Repository {
        &self.repositories[0]
    }

    /// Has all of them do something at the same moment, and says what became of it.
    pub(super) fn at_once<T: Send>(&self, work: impl Fn(usize, &Repository) -> T + Sync) -> Vec<T> {
        let (barrier, work) = (Barrier::new(PROCESSES), &work);
        thread::scope(|scope| {
            let begun = self.repositories.iter().enumerate().map(|(process, repository)| {
                let barrier = &barrier;
                scope.spawn(move || {
                    barrier.wait();
                    work(process, repository)
                })
            });
            let begun: Vec<_> = begun.collect();
            begun.into_iter().map(|process| process.join().unwrap()).collect()
        })
    }

    /// What happens while this process is frozen: another one takes over all of its leases.
    fn take_over(&self) {
        self.folder
            .look()
            .run("UPDATE lease SET owner = 'another', token = token + 1, until = now() + interval '1 hour'");
    }

    fn queued(&self) -> Import {
        let import = import("managed/thing");
        self.one().queue(std::slice::from_ref(&import)).unwrap();
        self.stored(import.id)
    }

    fn stored(&self, id: ImportId) -> Import {
        self.one().import(id).unwrap().unwrap()
    }
}

/// Exactly one of them did it, and all others were told that it was done.
#[track_caller]
fn assert_one_did<T>(outcomes: &[Result<T>]) {
    let done = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let told = outcomes.iter().filter(|outcome| outcome.as_ref().is_err_and(|error| error.kind() == Kind::Conflict));
    assert_eq!((done, told.count()), (1, PROCESSES - 1));
}

fn version(tag: &str) -> Version {
    Version { size: 3, tag: tag.to_owned(), modified: "2026-02-28T17:05:00Z".to_owned() }
}

fn run(marker: &str) -> Run {
    let file = |name: &str| RunFile {
        name: name.to_owned(),
        version: version(name),
        ignored: None,
        import: None,
        digest: None,
        outcome: None,
    };
    Run {
        id: RunId::new(),
        drop_folder: "users".to_owned(),
        place: PLACE.to_owned(),
        partition: "20260228".to_owned(),
        marker: version(marker),
        files: vec![file("1.csv.gz"), file("2.csv.gz")],
        step: Step::Claimed,
        aside: None,
        begin: clock::now(),
        end: None,
        trouble: None,
    }
}

fn claimed(repository: &Repository, marker: &str) -> Run {
    let run = run(marker);
    assert!(repository.claim_run(&run).unwrap());
    run
}

#[test]
fn a_marker_is_claimed_once() {
    let processes = Processes::new();
    for round in 0..10 {
        let claims = processes.at_once(|_, repository| {
            let run = run(&round.to_string());
            repository.claim_run(&run).unwrap().then_some(run)
        });
        let claims: Vec<Run> = claims.into_iter().flatten().collect();
        assert_eq!(claims.len(), 1);
        assert_eq!(processes.one().partition_run(claims[0].id).unwrap().as_ref(), Some(&claims[0]), "with its files");
    }
    assert_eq!(processes.one().open_runs(PLACE).unwrap().len(), 10);
}

#[test]
fn a_file_becomes_one_import() {
    let processes = Processes::new();
    for round in 0..5 {
        let run = claimed(processes.one(), &round.to_string());
        let queued = processes.at_once(|process, repository| {
            let import = import("managed/thing");
            let digest = [u8::try_from(process).unwrap(); 32];
            repository.queue_file(run.id, "1.csv.gz", &import, &digest).map(|()| (import.id, digest))
        });
        assert_one_did(&queued);
        let (import, digest) = queued.into_iter().flatten().next().unwrap();
        let noted = processes.one().partition_run(run.id).unwrap().unwrap().files.remove(0);
        assert_eq!((noted.import, noted.digest), (Some(import), Some(digest)));
        assert_eq!(processes.one().imports().unwrap().len(), round + 1);
    }
}

#[test]
fn a_run_ends_once_and_late_notes_change_nothing() {
    let processes = Processes::new();
    let run = claimed(processes.one(), "a");
    processes.at_once(|process, repository| {
        repository.end_run(run.id, &format!("2026-03-01T00:00:0{process}.000Z"), Some(&process.to_string())).unwrap();
    });
    let ended = processes.one().partition_run(run.id).unwrap().unwrap();
    let callback = processes.one().callback(run.id).unwrap().unwrap();
    assert_eq!(ended.end, Some(format!("2026-03-01T00:00:0{}.000Z", callback.body)), "the callback tells of this end");
    let outcome = FileOutcome {
        success: true,
        records: 1,
        metadata: Value::Null,
        errors: Vec::new(),
        more_errors: 0,
        warnings: Vec::new(),
    };
    let late = processes.one();
    late.note_outcome(run.id, "1.csv.gz", Some(&[1; 32]), &outcome).unwrap();
    late.note_version(run.id, "1.csv.gz", &version("late")).unwrap();
    late.note_step(run.id, Step::Imported).unwrap();
    late.note_aside(run.id, 7).unwrap();
    late.hand_over_run(run.id, "late").unwrap();
    let import = import("managed/thing");
    assert_eq!(late.queue_file(run.id, "1.csv.gz", &import, &[1; 32]).unwrap_err().kind(), Kind::Conflict);
    assert_eq!(late.import(import.id).unwrap(), None);
    assert_eq!(late.partition_run(run.id).unwrap().unwrap(), ended);
}

#[test]
fn attempts_are_counted_one_by_one() {
    let processes = Processes::new();
    let run = claimed(processes.one(), "a");
    processes.one().end_run(run.id, "2026-03-01T00:00:00.000Z", Some("{}")).unwrap();
    let attempt =
        |at: usize| CallbackAttempt { at: at.to_string(), status: Some(500), problem: Some("500".to_owned()) };
    let state = |due: usize| CallbackState::Waiting { due: format!("2026-03-01T00:00:0{due}.000Z") };
    processes.at_once(|at, repository| repository.note_attempt(run.id, &attempt(at), &state(at)).unwrap());
    let attempts = processes.one().callback_attempts(run.id).unwrap();
    let noted: BTreeSet<String> = attempts.iter().map(|attempt| attempt.at.clone()).collect();
    assert_eq!(noted, (0..PROCESSES).map(|at| at.to_string()).collect());
    let callback = processes.one().callback(run.id).unwrap().unwrap();
    let last: usize = attempts.last().unwrap().at.parse().unwrap();
    assert_eq!((callback.attempts as usize, callback.state), (PROCESSES, state(last)), "as the last one left it");
    processes.one().note_attempt(run.id, &attempt(8), &CallbackState::Delivered).unwrap();
    processes.one().note_attempt(run.id, &attempt(9), &CallbackState::GivenUp).unwrap();
    let callback = processes.one().callback(run.id).unwrap().unwrap();
    assert_eq!((callback.attempts, callback.state), (10, CallbackState::Delivered), "what has arrived has arrived");
}

#[test]
fn a_request_with_a_key_is_answered_once() {
    let processes = Processes::new();
    let request = KeyedRequest { caller: "a".to_owned(), key: "k".to_owned(), digest: [7; 32] };
    for _ in 0..5 {
        let queued = processes.at_once(|_, repository| {
            let imports = [(); 2].map(|()| import("managed/thing"));
            repository.queue_once(&imports, &request).map(|()| imports.map(|import| import.id))
        });
        assert_one_did(&queued);
        let ids = queued.into_iter().flatten().next().unwrap();
        let imports: Vec<ImportId> = processes.one().imports().unwrap().iter().map(|import| import.id).collect();
        assert_eq!(imports, ids);
        assert_eq!(processes.one().answered_request("a", "k").unwrap().unwrap().imports, ids);
        // The key is free again once nobody knows any of them.
        for id in ids {
            assert!(processes.one().delete_import(id, processes.stored(id).revision).unwrap());
        }
    }
}

#[test]
fn an_import_is_cancelled_or_begins() {
    let processes = Processes::new();
    for round in 0..10 {
        let import = processes.queued();
        processes.at_once(|process, repository| repository.cancel(import.id, &process.to_string()).unwrap());
        let who: BTreeSet<_> =
            processes.at_once(|_, repository| repository.cancelled_by(import.id)).into_iter().collect();
        assert_eq!(who.len(), 1, "all know the same one: {who:?}");
        let done = processes.at_once(|process, repository| match (process + round) % 2 {
            0 => (repository.cancel_queued(import.id).unwrap(), false),
            _ => (false, repository.start(import.id, Attempt::Resumed).unwrap()),
        });
        let cancelled = done.iter().filter(|(cancelled, _)| *cancelled).count();
        let started = done.iter().filter(|(_, started)| *started).count();
        match processes.stored(import.id).state {
            State::Cancelled { by, .. } => {
                assert_eq!((cancelled, started), (1, 0));
                assert_eq!(who, BTreeSet::from([by]));
                assert!(!processes.one().is_cancelled(import.id), "nobody has to be told any more");
            }
            State::Running => {
                assert_eq!((cancelled, started), (0, PROCESSES / 2));
                assert!(processes.one().is_cancelled(import.id), "whoever runs it is to end it");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_import_ends_once() {
    let processes = Processes::new();
    for _ in 0..5 {
        let import = processes.queued();
        let states = processes.at_once(|process, repository| {
            let (total, end) = (process as u64, format!("2026-03-01T00:00:0{process}.000Z"));
            let state = match process % 2 {
                0 => State::Finished { end },
                _ => State::Cancelled { end, by: None },
            };
            let counts = Counts { total, created: total, ..Counts::default() };
            repository.finish(import.id, &state, counts, &[process.to_string()], Spooled::Kept).unwrap();
            let seen = repository.import(import.id).unwrap().unwrap();
            (state, counts, process.to_string(), seen)
        });
        let ended = processes.stored(import.id);
        assert!(states.iter().all(|(.., seen)| *seen == ended), "nothing changes after the end");
        let (_, counts, warning, _) = states.into_iter().find(|(state, ..)| *state == ended.state).unwrap();
        assert_eq!((ended.counts, ended.warnings), (counts, vec![warning]), "what one of them said, and nothing else");
    }
}

/// Who deletes says which revision he has seen. Whatever changed meanwhile, he must be told.
#[test]
fn nothing_is_deleted_that_was_not_seen() {
    let processes = Processes::new();
    for _ in 0..10 {
        let import = processes.queued();
        let changes = processes.at_once(|process, repository| {
            let (mut changes, mut deleted) = (0, None);
            for _ in 0..5 {
                let Some(seen) = repository.import(import.id).unwrap().map(|import| import.revision) else { break };
                if process % 2 == 0 {
                    changes += u64::from(repository.purge_failures(import.id).is_ok());
                } else if repository.delete_import(import.id, seen).is_ok_and(|deleted| deleted) {
                    deleted = Some(seen);
                }
            }
            (changes, deleted)
        });
        let all: u64 = changes.iter().map(|(changes, _)| changes).sum();
        let deleted: Vec<u64> = changes.iter().filter_map(|(_, deleted)| *deleted).collect();
        match deleted.as_slice() {
            [] => assert_eq!(processes.stored(import.id).revision, import.revision + all),
            [seen] => assert_eq!(*seen, import.revision + all, "no change was lost"),
            more => panic!("deleted {} times", more.len()),
        }
    }
    // The same where not the import itself has changed but how far it is.
    let import = processes.queued();
    processes.one().note_warnings(import.id, &["odd".to_owned()]).unwrap();
    assert!(!processes.one().delete_import(import.id, import.revision).unwrap());
    assert!(processes.one().delete_import(import.id, processes.stored(import.id).revision).unwrap());
}

/// Somebody goes through all imports while others queue more: he must not pass over any.
#[test]
fn whoever_pages_misses_nothing() {
    let processes = Processes::new();
    let over = AtomicBool::new(false);
    let runs: Vec<Run> = (0..PROCESSES).map(|process| claimed(processes.one(), &process.to_string())).collect();
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let (mut found, mut behind) = (Vec::new(), 0);
            loop {
                let was_over = over.load(Ordering::SeqCst);
                let page = processes.one().imports_behind(behind, 7).unwrap();
                for (position, import) in &page {
                    assert!(*position > behind);
                    behind = *position;
                    found.push(import.id);
                }
                if was_over && page.is_empty() {
                    return found;
                }
            }
        });
        processes.at_once(|process, repository| {
            for round in 0..15 {
                let imports: Vec<Import> = (0..round % 3 + 1).map(|_| import("managed/thing")).collect();
                let request = KeyedRequest { caller: process.to_string(), key: round.to_string(), digest: [0; 32] };
                match round {
                    0 => repository.queue_file(runs[process].id, "1.csv.gz", &imports[0], &[0; 32]).unwrap(),
                    _ if round % 2 == 0 => repository.queue(&imports).unwrap(),
                    _ => repository.queue_once(&imports, &request).unwrap(),
                }
            }
        });
        over.store(true, Ordering::SeqCst);
        let all: Vec<ImportId> = processes.one().imports().unwrap().iter().map(|import| import.id).collect();
        assert_eq!(all.len(), PROCESSES * 30);
        assert_eq!(reader.join().unwrap(), all);
    });
}

#[test]
fn a_name_has_one_token() {
    let processes = Processes::new();
    let token = |id: String, name: &str| Token {
        id,
        name: name.parse().unwrap(),
        role: Role::Viewer,
        object_types: None,
        created: clock::now(),
        expires: None,
    };
    for round in 0..5 {
        let name = format!("name {round}");
        let id = |process: usize| format!("{round} {process}");
        let added = processes
            .at_once(|process, repository| repository.add_token(&token(id(process), &name), &Digest::of(&id(process))));
        assert_one_did(&added);
        // One secret is no more than one token's, whatever the tokens are called.
        let secret = Digest::of(&format!("secret {round}"));
        let added = processes.at_once(|process, repository| {
            repository.add_token(&token(format!("s{}", id(process)), &format!("{round} {process}")), &secret)
        });
        assert_one_did(&added);
        // Who replaces comes first or later, and is never refused.
        processes.at_once(|process, repository| {
            let id = format!("again {}", id(process));
            repository.put_token(&token(id.clone(), &name), &Digest::of(&id)).unwrap();
        });
        let tokens = processes.one().tokens().unwrap();
        assert_eq!(tokens.iter().filter(|token| token.name.as_str() == name).count(), 1);
        assert_eq!(tokens.len(), 2 * (round + 1));
        let revoked = tokens.iter().find(|token| token.name.as_str() == name).unwrap();
        let revoked = processes.at_once(|_, repository| repository.revoke_token(&revoked.id).is_ok());
        assert_eq!(revoked.into_iter().filter(|revoked| *revoked).count(), 1);
        processes.one().put_token(&token(format!("last {round}"), &name), &Digest::of(&name)).unwrap();
    }
}

#[test]
fn settings_are_not_lost() {
    let processes = Processes::new();
    let new = |name: &str| {
        let folder = StoredDropFolder {
            name: name.to_owned(),
            settings: json!({ "changes": 0, "paused": false }),
            secrets: Vec::new(),
            set_by: SetBy::Operator,
            revision: 0,
        };
        DropFolderChange { folder, seen: None, made_up: made_up(0) }
    };
    let put = processes.at_once(|_, repository| repository.put_drop_folders(&[new("b"), new("a")]).unwrap());
    assert_eq!(put.into_iter().filter(|put| *put).count(), 1, "all or none, and once");
    // Four change both, the others pause one of them.
    let changes = processes.at_once(|process, repository| {
        let mut changes = 0;
        for round in 0..10 {
            if process % 2 == 0 {
                repository.pause_drop_folder("a", round % 2 == 0).unwrap();
                continue;
            }
            let changed = ["b", "a"].map(|name| {
                let mut stored = repository.drop_folder(name).unwrap().unwrap();
                stored.settings["changes"] = (stored.settings["changes"].as_i64().unwrap() + 1).into();
                let seen = Some(stored.revision);
                DropFolderChange { folder: stored, seen, made_up: made_up(process) }
            });
            changes += i64::from(repository.put_drop_folders(&changed).unwrap());
        }
        changes
    });
    let changes: i64 = changes.into_iter().sum();
    let [a, b] = ["a", "b"].map(|name| processes.one().drop_folder(name).unwrap().unwrap());
    assert_eq!((&a.settings["changes"], &b.settings["changes"]), (&changes.into(), &changes.into()));
    assert_eq!(b.revision, 1 + changes.unsigned_abs());
    assert_eq!(a.revision, b.revision + 10 * (PROCESSES as u64 / 2), "every pause counts");
    let removed =
        processes.at_once(|_, repository| repository.remove_drop_folder("a", a.revision, Remains::Nothing).unwrap());
    assert_eq!(removed.into_iter().filter(|removed| *removed).count(), 1);
}

/// What a process makes up for a drop folder.
fn made_up(process: usize) -> DropFolderState {
    DropFolderState {
        external_id: process.to_string(),
        signing_secret: vec![u8::try_from(process).unwrap()],
        since: clock::now(),
        last_poll: None,
        trouble: None,
        notices: Vec::new(),
        callback_off: false,
    }
}

#[test]
fn one_makes_up_what_a_drop_folder_is_known_by() {
    let processes = Processes::new();
    let states = processes.at_once(|process, repository| {
        repository.add_drop_folder_state("a", &made_up(process)).unwrap();
        repository.drop_folder_state("a").unwrap().unwrap()
    });
    assert!(states.iter().all(|state| *state == states[0]), "{states:?}");
}

/// PostgreSQL has no texts with a NUL.
#[test]
fn a_nul_is_kept_and_finds_nothing() {
    let processes = Processes::new();
    let repository = processes.one();
    let import = Import { filename: "a\0b.csv".to_owned(), header: vec!["\0".to_owned()], ..import("managed/thing") };
    repository.queue(std::slice::from_ref(&import)).unwrap();
    assert_eq!(repository.import(import.id).unwrap().unwrap(), import);
    repository.cancel(import.id, "a\0b").unwrap();
    assert!(repository.cancel_queued(import.id).unwrap());
    let state = processes.stored(import.id).state;
    assert!(matches!(&state, State::Cancelled { by: Some(by), .. } if by == "a\0b"), "{state:?}");
    assert_eq!(repository.drop_folder("a\0b").unwrap(), None);
    repository.pause_drop_folder("a\0b", true).unwrap();
    assert!(repository.runs("a\0b", 9).unwrap().is_empty());
    assert_eq!(repository.revoke_token("a\0b").unwrap_err().kind(), Kind::NotFound);
}

/// Whoever was frozen and has lost its lease changes nothing any more.
#[test]
fn who_has_lost_the_lease_of_a_place_changes_no_run() {
    let processes = Processes::new();
    let frozen = &processes.repositories[1];
    let run = claimed(processes.one(), "a");
    let lease = frozen.lease_place(PLACE).unwrap().expect("free");
    frozen.note_aside(run.id, 7).unwrap();
    let before = processes.one().partition_run(run.id).unwrap();
    processes.take_over();
    let (import, next) = (import("managed/thing"), self::run("b"));
    let refused = [
        frozen.claim_run(&next).map(drop),
        frozen.hand_over_run(run.id, "late"),
        frozen.queue_file(run.id, "1.csv.gz", &import, &[1; 32]),
        frozen.note_version(run.id, "1.csv.gz", &version("late")),
        frozen.note_aside(run.id, 8),
        frozen.note_step(run.id, Step::Imported),
        frozen.note_trouble(run.id, None),
        frozen.end_run(run.id, &clock::now(), Some("{}")),
    ]
    .map(|outcome| outcome.unwrap_err().kind());
    assert_eq!(refused, [Kind::Busy; 8]);
    assert!(lease.is_lost());
    assert_eq!(processes.one().partition_run(run.id).unwrap(), before);
    assert_eq!(processes.one().callback(run.id).unwrap(), None);
    assert_eq!(processes.one().import(import.id).unwrap(), None);
    assert_eq!(processes.one().partition_run(next.id).unwrap(), None);
    processes.one().note_step(run.id, Step::Imported).unwrap();
}

#[test]
fn who_has_lost_the_lease_of_a_type_ends_no_import() {
    let processes = Processes::new();
    let frozen = &processes.repositories[1];
    let [import, other] = [processes.queued(), processes.queued()];
    let _lease = frozen.lease(&import.plan.object_type).unwrap().expect("free");
    assert!(frozen.start(import.id, Attempt::Anew).unwrap());
    frozen.note_header(import.id, &["id".to_owned()]).unwrap();
    let before = [import.id, other.id].map(|id| processes.stored(id));
    processes.take_over();
    let end = State::Finished { end: clock::now() };
    let refused = [
        frozen.start(other.id, Attempt::Anew).map(drop),
        frozen.start(import.id, Attempt::Resumed).map(drop),
        frozen.note_header(import.id, &[]),
        frozen.finish(import.id, &end, Counts::default(), &[], Spooled::Kept),
    ]
    .map(|outcome| outcome.unwrap_err().kind());
    assert_eq!(refused, [Kind::Busy; 4]);
    assert_eq!([import.id, other.id].map(|id| processes.stored(id)), before);
    processes.one().finish(import.id, &end, Counts::default(), &[], Spooled::Kept).unwrap();
}
