//! The ledger: runs are claimed once, go on step by step, and are never forgotten; callbacks wait until they are made.

use std::collections::HashSet;

use rollbook::clock;
use rollbook::error::Kind;
use rollbook::import::{Counts, Import, ImportId, State};
use rollbook::repository::{Repository, Spooled};
use rollbook::run::{
    Callback, CallbackAttempt, CallbackState, FileOutcome, Run, RunFile, RunId, Step, Trouble, Version,
};
use serde_json::json;

use super::{Open, import, thing, type_name};

const PLACE: &str = "s3:aws/ABC123/export";

fn version(tag: &str) -> Version {
    Version { size: 20, tag: tag.to_owned(), modified: "2021-02-28T03:04:05Z".to_owned() }
}

/// A run of this date, begun by the marker of this tag, with a data file and one that is none.
fn run(partition: &str, marker: &str) -> Run {
    let file = |name: &str, ignored: Option<&str>| RunFile {
        name: name.to_owned(),
        version: version(name),
        ignored: ignored.map(str::to_owned),
        import: None,
        digest: None,
        outcome: None,
    };
    Run {
        id: RunId::new(),
        drop_folder: "users".to_owned(),
        place: PLACE.to_owned(),
        partition: partition.to_owned(),
        marker: version(marker),
        files: vec![file("1 Ö, \"1\".csv.gz", None), file("read me.txt", Some("it's none"))],
        step: Step::Claimed,
        aside: None,
        begin: clock::now(),
        end: None,
        trouble: None,
    }
}

fn claimed(repository: &Repository, partition: &str, marker: &str) -> Run {
    let run = run(partition, marker);
    assert!(repository.claim_run(&run).unwrap());
    run
}

fn stored(repository: &Repository, run: &Run) -> Run {
    repository.partition_run(run.id).unwrap().unwrap()
}

fn outcome(success: bool) -> FileOutcome {
    FileOutcome {
        success,
        records: 7,
        metadata: json!({"resourcePath": "managed/thing", "begin": "2021-02-28T03:04:06.789Z"}),
        errors: vec!["Unknown PX Column: 'a'".to_owned()],
        more_errors: 3,
        warnings: vec!["odd".to_owned()],
    }
}

pub(super) fn claimed_once(repository: &Repository, open: Open<'_>) {
    let first = claimed(repository, "20210228", "a");
    let other = open();
    assert_eq!(stored(&other, &first), first, "kept as it is");
    assert!(!other.claim_run(&run("20210228", "a")).unwrap(), "the marker is known");
    let renamed = Run { drop_folder: "renamed".to_owned(), ..run("20210228", "a") };
    assert!(!other.claim_run(&renamed).unwrap(), "whatever the drop folder is called");
    let elsewhere = Run { place: "file:/drop".to_owned(), ..run("20210228", "a") };
    assert!(other.claim_run(&elsewhere).unwrap());
    let anew = claimed(&other, "20210228", "b");
    let earlier = claimed(&other, "20210227", "a");
    let open_runs = repository.open_runs(PLACE).unwrap();
    assert_eq!(open_runs, [earlier.clone(), first.clone(), anew.clone()], "the oldest date first");
    assert_eq!(repository.run_of_marker(PLACE, "20210228", &version("b")).unwrap(), Some(anew.clone()));
    assert_eq!(repository.run_of_marker(PLACE, "20210228", &version("c")).unwrap(), None);
    assert_eq!(repository.runs("users", 3).unwrap(), [earlier, anew, elsewhere], "the latest first");
    assert_eq!(repository.partition_run(RunId::new()).unwrap(), None);
    // A run that is over is never claimed again.
    repository.end_run(first.id, &clock::now(), None).unwrap();
    assert!(!open().claim_run(&run("20210228", "a")).unwrap());
}

pub(super) fn step_by_step(repository: &Repository, open: Open<'_>) {
    let mut run = claimed(repository, "20210228", "a");
    let trouble = Trouble { since: clock::now(), message: "no 'right'".to_owned(), blocked: true, reading: None };
    repository.note_trouble(run.id, Some(&trouble)).unwrap();
    run.trouble = Some(trouble.clone());
    assert_eq!(stored(&open(), &run), run);
    repository.note_trouble(run.id, None).unwrap();
    assert_eq!(stored(&open(), &run).trouble, None);
    for step in [Step::Imported, Step::RoomMade, Step::Copied, Step::Reported] {
        repository.note_trouble(run.id, Some(&trouble)).unwrap();
        repository.note_step(run.id, step).unwrap();
        (run.step, run.trouble) = (step, None);
        assert_eq!(stored(&open(), &run), run, "what stood in the way does not any more");
    }
    repository.note_aside(run.id, 2).unwrap();
    repository.hand_over_run(run.id, "renamed").unwrap();
    repository.note_version(run.id, "read me.txt", &version("new")).unwrap();
    repository.note_outcome(run.id, "1 Ö, \"1\".csv.gz", Some(&[9; 32]), &outcome(false)).unwrap();
    run.aside = Some(2);
    run.drop_folder = "renamed".to_owned();
    run.files[1].version = version("new");
    run.files[0].digest = Some([9; 32]);
    run.files[0].outcome = Some(outcome(false));
    assert_eq!(stored(&open(), &run), run);
    // What is known of the bytes is not lost when the outcome comes without.
    repository.note_outcome(run.id, "1 Ö, \"1\".csv.gz", None, &outcome(true)).unwrap();
    assert_eq!(stored(&open(), &run).files[0].digest, Some([9; 32]));
    let end = clock::now();
    repository.end_run(run.id, &end, None).unwrap();
    repository.end_run(run.id, "2099-01-01T00:00:00.000Z", Some("late")).unwrap();
    let ended = stored(&open(), &run);
    assert_eq!((ended.step, ended.end), (Step::Cleared, Some(end)), "it ends once");
    assert_eq!(repository.callback(run.id).unwrap(), None);
    assert!(repository.open_runs(PLACE).unwrap().is_empty());
}

pub(super) fn last_of_a_date(repository: &Repository, open: Open<'_>) {
    let [first, second] = ["a", "b"].map(|marker| claimed(repository, "20210228", marker));
    let _ = claimed(repository, "20210301", "c");
    let last = || open().last_run(PLACE, "20210228").unwrap().map(|run| run.id);
    repository.end_run(second.id, &clock::now(), None).unwrap();
    assert_eq!(last(), Some(first.id), "one that is not over comes after all others");
    repository.end_run(first.id, &clock::now(), None).unwrap();
    assert_eq!(last(), Some(second.id));
    assert_eq!(repository.last_run(PLACE, "20210227").unwrap(), None);
    assert_eq!(repository.last_run("file:/drop", "20210228").unwrap(), None);
}

pub(super) fn import_and_note_together(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let run = claimed(repository, "20210228", "a");
    let name = &run.files[0].name;
    let [first, second] = [(); 2].map(|()| import("managed/thing"));
    repository.queue_file(run.id, name, &first, &[1; 32]).unwrap();
    let other = open();
    let noted = || stored(&other, &run).files[0].clone();
    assert_eq!((noted().import, noted().digest), (Some(first.id), Some([1; 32])));
    assert_eq!(other.next_import(&type_name("managed/thing")).unwrap().unwrap().id, first.id);
    assert_eq!(other.queue_file(run.id, name, &second, &[2; 32]).unwrap_err().kind(), Kind::Conflict);
    assert!(other.queue_file(run.id, "another.csv.gz", &second, &[2; 32]).is_err());
    assert!(other.queue_file(RunId::new(), name, &second, &[2; 32]).is_err());
    assert_eq!(repository.import(second.id).unwrap(), None, "both or none");
    assert!(repository.queue_file(run.id, "read me.txt", &first, &[1; 32]).is_err());
    assert_eq!(stored(repository, &run).files[1].import, None, "both or none");
    // The record of the import may go. The ledger never forgets.
    finish(repository, first.id);
    let revision = repository.import(first.id).unwrap().unwrap().revision;
    assert!(repository.delete_import(first.id, revision).unwrap());
    assert_eq!(noted().import, Some(first.id));
}

fn finish(repository: &Repository, id: ImportId) {
    let state = State::Finished { end: clock::now() };
    repository.finish(id, &state, Counts::default(), &[], Spooled::Kept).unwrap();
}

pub(super) fn bytes_are_needed_until_filed(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let queue = |partition: &str| {
        let (run, import) = (claimed(repository, partition, "a"), import("managed/thing"));
        repository.queue_file(run.id, &run.files[0].name, &import, &[1; 32]).unwrap();
        (run, import.id)
    };
    let ((run, import), (ended, _)) = (queue("20210228"), queue("20210301"));
    repository.end_run(ended.id, &clock::now(), None).unwrap();
    let needed = || open().unfiled_imports().unwrap();
    assert_eq!(needed(), HashSet::from([import]));
    finish(repository, import);
    for step in [Step::Imported, Step::RoomMade] {
        repository.note_step(run.id, step).unwrap();
        assert_eq!(needed(), HashSet::from([import]));
    }
    repository.note_step(run.id, Step::Copied).unwrap();
    assert!(needed().is_empty());
}

pub(super) fn identical_files(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let things = type_name("managed/thing");
    let imported = |partition: &str, digest: u8, success: bool| -> (Run, Import) {
        let (run, import) = (claimed(repository, partition, "a"), import("managed/thing"));
        repository.queue_file(run.id, &run.files[0].name, &import, &[digest; 32]).unwrap();
        repository.note_outcome(run.id, &run.files[0].name, None, &outcome(success)).unwrap();
        (run, import)
    };
    let (run, _) = imported("20210301", 1, true);
    let found = |digest: u8| open().identical_file(&run, &things, &[digest; 32]).unwrap();
    assert_eq!(found(1), None, "a run is not its own forerunner");
    let (_, earlier) = imported("20210227", 1, true);
    let (latest_run, latest) = imported("20210226", 1, true);
    let _ = imported("20210225", 1, false);
    let _ = imported("20210224", 2, false);
    assert_ne!(earlier.id, latest.id);
    let (other, file) = found(1).unwrap();
    assert_eq!((other.id, file.import), (latest_run.id, Some(latest.id)), "the latest that went in");
    assert_eq!(found(2), None, "one that was refused is none");
    assert_eq!(found(3), None);
    let users = type_name("managed/user");
    assert_eq!(repository.identical_file(&run, &users, &[1; 32]).unwrap(), None, "into another object type");
    let elsewhere = Run { place: "file:/drop".to_owned(), ..run.clone() };
    assert_eq!(repository.identical_file(&elsewhere, &things, &[1; 32]).unwrap(), None);
    // One that was passed over names no import of its own.
    let skipped = claimed(repository, "20210302", "a");
    repository.note_outcome(skipped.id, &skipped.files[0].name, Some(&[1; 32]), &outcome(true)).unwrap();
    assert_eq!(found(1).unwrap().0.id, latest_run.id);
}

pub(super) fn warnings_are_noted(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let import = import("managed/thing");
    repository.queue(std::slice::from_ref(&import)).unwrap();
    finish(repository, import.id);
    let before = open().import(import.id).unwrap().unwrap();
    repository.note_warnings(import.id, &["odd".to_owned()]).unwrap();
    let after = open().import(import.id).unwrap().unwrap();
    assert_eq!(after.warnings, ["odd"]);
    assert!(after.revision > before.revision);
}

pub(super) fn callbacks(repository: &Repository, open: Open<'_>) {
    let [first, second] = ["20210228", "20210301"].map(|date| claimed(repository, date, "a"));
    let quiet = claimed(repository, "20210302", "a");
    repository.end_run(first.id, "2021-03-01T00:00:02.000Z", Some("{\"first\": 1}")).unwrap();
    repository.end_run(second.id, "2021-03-01T00:00:01.000Z", Some("{}")).unwrap();
    repository.end_run(quiet.id, "2021-03-01T00:00:01.000Z", None).unwrap();
    let due = |now: &str| -> Vec<RunId> {
        open().due_callbacks(now).unwrap().into_iter().map(|callback| callback.run).collect()
    };
    assert!(due("2021-03-01T00:00:00.999Z").is_empty());
    assert_eq!(due("2021-03-01T00:00:01.000Z"), [second.id]);
    assert_eq!(due("2021-03-01T00:00:02.000Z"), [second.id, first.id], "the longest waiting first");
    let waiting = |due: &str| CallbackState::Waiting { due: due.to_owned() };
    let callback = Callback {
        run: first.id,
        drop_folder: "users".to_owned(),
        body: "{\"first\": 1}".to_owned(),
        state: waiting("2021-03-01T00:00:02.000Z"),
        attempts: 0,
    };
    assert_eq!(open().callback(first.id).unwrap(), Some(callback.clone()));
    let attempt = |at: &str, status, problem: Option<&str>| CallbackAttempt {
        at: at.to_owned(),
        status,
        problem: problem.map(str::to_owned),
    };
    let attempts = [
        attempt("2021-03-01T00:00:02.100Z", None, Some("nobody is there")),
        attempt("2021-03-01T00:05:02.000Z", Some(500), Some("500")),
        attempt("2021-03-01T00:10:02.000Z", Some(200), None),
    ];
    repository.note_attempt(first.id, &attempts[0], &waiting("2021-03-01T00:05:00.000Z")).unwrap();
    assert_eq!(due("2021-03-01T00:04:59.999Z"), [second.id]);
    repository.note_attempt(first.id, &attempts[1], &CallbackState::GivenUp).unwrap();
    assert_eq!(due("2099-01-01T00:00:00.000Z"), [second.id]);
    repository.send_callback_again(first.id, "2021-03-01T00:10:00.000Z").unwrap();
    let again = Callback { state: waiting("2021-03-01T00:10:00.000Z"), ..callback.clone() };
    assert_eq!(open().callback(first.id).unwrap(), Some(again), "as if it had never been tried");
    repository.note_attempt(first.id, &attempts[2], &CallbackState::Delivered).unwrap();
    let delivered = Callback { state: CallbackState::Delivered, attempts: 1, ..callback };
    assert_eq!(open().callback(first.id).unwrap(), Some(delivered));
    assert_eq!(open().callback_attempts(first.id).unwrap(), attempts);
    assert!(open().callback_attempts(second.id).unwrap().is_empty());
    for run in [quiet.id, RunId::new()] {
        assert_eq!(repository.send_callback_again(run, "2021-03-01T00:00:00.000Z").unwrap_err().kind(), Kind::NotFound);
    }
}

pub(super) fn lease_of_a_place(repository: &Repository, open: Open<'_>) {
    let other = open();
    let lease = repository.lease_place(PLACE).unwrap();
    assert!(lease.is_some());
    assert!(other.lease_place(PLACE).unwrap().is_none());
    assert!(repository.lease_place(PLACE).unwrap().is_none(), "within one process too");
    assert!(other.lease_place(&"long/".repeat(1000)).unwrap().is_some());
    drop(lease);
    assert!(other.lease_place(PLACE).unwrap().is_some());
}
