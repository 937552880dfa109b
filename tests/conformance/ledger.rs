//! The ledger as it is read: page by page, and counted.

use rollbook::clock;
use rollbook::repository::Repository;
use rollbook::run::{Callback, CallbackAttempt, CallbackState, FileOutcome, Run, RunFile, RunId, Step, Version};
use serde_json::Value;

use super::Open;

/// A run of `drop_folder` that has just been claimed, of these files; those that end in `.txt` are ignored.
fn claimed(repository: &Repository, drop_folder: &str, partition: &str, files: &[&str]) -> Run {
    let id = RunId::new();
    let version = |tag: &str| Version { size: 3, tag: tag.to_owned(), modified: "2026-02-28T17:05:00Z".to_owned() };
    let file = |name: &&str| RunFile {
        name: (*name).to_owned(),
        version: version(name),
        ignored: name.ends_with(".txt").then(|| "not *.csv.gz".to_owned()),
        import: None,
        digest: None,
        outcome: None,
    };
    let run = Run {
        id,
        drop_folder: drop_folder.to_owned(),
        place: format!("file:/{drop_folder}"),
        partition: partition.to_owned(),
        marker: version(&id.to_string()),
        files: files.iter().map(file).collect(),
        step: Step::Claimed,
        aside: None,
        begin: clock::now(),
        end: None,
        trouble: None,
    };
    assert!(repository.claim_run(&run).unwrap());
    run
}

/// Ends a run whose data files have these outcomes.
fn end(repository: &Repository, run: &Run, outcomes: &[bool], callback: Option<&str>) {
    let data_files = run.files.iter().filter(|file| file.ignored.is_none());
    for (file, success) in data_files.zip(outcomes) {
        let outcome = FileOutcome {
            success: *success,
            records: 1,
            metadata: Value::Null,
            errors: Vec::new(),
            more_errors: 0,
            warnings: Vec::new(),
        };
        repository.note_outcome(run.id, &file.name, None, &outcome).unwrap();
    }
    repository.end_run(run.id, &clock::now(), callback).unwrap();
}

pub(super) fn page_by_page(repository: &Repository, open: Open<'_>) {
    let runs: Vec<Run> =
        (1..=5).map(|day| claimed(repository, "a", &format!("2026022{day}"), &["users.csv.gz", "x.txt"])).collect();
    claimed(repository, "b", "20260228", &[]);
    let other = open();
    let (mut found, mut behind) = (Vec::new(), 0);
    loop {
        let page = other.runs_behind("a", behind, 2).unwrap();
        let Some((last, _)) = page.last() else { break };
        assert!(page.len() <= 2 && *last > behind);
        behind = *last;
        found.extend(page.into_iter().map(|(_, run)| run));
        if found.len() == 2 {
            // What comes first from now on is not met on this way, and moves nothing.
            claimed(repository, "a", "20260301", &[]);
        }
    }
    assert_eq!(found, runs.into_iter().rev().collect::<Vec<_>>());
    assert!(other.runs_behind("nothing", 0, 9).unwrap().is_empty());
}

pub(super) fn totals(repository: &Repository, open: Open<'_>) {
    let other = open();
    assert_eq!((other.run_totals().unwrap(), other.oldest_open_run().unwrap()), (Vec::new(), None));
    let mut successes = 0;
    for (drop_folder, files, outcomes) in [
        ("a", &["1.csv.gz", "2.csv.gz", "x.txt"][..], &[true, true][..]),
        ("a", &["1.csv.gz", "2.csv.gz"], &[true, false]),
        ("a", &["1.csv.gz", "2.csv.gz"], &[false, false]),
        // Without a data file nothing is a success, and neither is what has no outcome.
        ("b", &["x.txt"], &[]),
        ("b", &["1.csv.gz", "2.csv.gz"], &[true]),
        ("c", &["1.csv.gz"], &[true]),
    ] {
        let run = claimed(repository, drop_folder, "20260228", files);
        end(repository, &run, outcomes, None);
        successes += u64::from(repository.partition_run(run.id).unwrap().unwrap().is_success());
    }
    let open = [(); 2].map(|()| claimed(repository, "c", "20260228", &["1.csv.gz"]));
    let named = |name: &str, success, count| (name.to_owned(), success, count);
    let totals = [named("a", false, 2), named("a", true, 1), named("b", false, 2), named("c", true, 1)];
    assert_eq!((other.run_totals().unwrap(), successes), (totals.to_vec(), 2));
    assert_eq!(other.oldest_open_run().unwrap().as_ref(), Some(&open[0].begin));
}

pub(super) fn undelivered(repository: &Repository, open: Open<'_>) {
    let other = open();
    assert_eq!(other.undelivered_callbacks().unwrap(), (0, 0));
    let states = [
        CallbackState::Waiting { due: clock::now() },
        CallbackState::Waiting { due: clock::now() },
        CallbackState::GivenUp,
        CallbackState::Delivered,
    ];
    for state in states {
        let run = claimed(repository, "a", "20260228", &[]);
        end(repository, &run, &[], Some("{}"));
        let attempt = CallbackAttempt { at: clock::now(), status: Some(200), problem: None };
        repository.note_attempt(run.id, &attempt, &state).unwrap();
        let Callback { state: stored, .. } = other.callback(run.id).unwrap().unwrap();
        assert_eq!(stored, state);
    }
    assert_eq!(other.undelivered_callbacks().unwrap(), (2, 1));
}
