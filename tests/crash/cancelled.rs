//! Cancelled at random moments, also by somebody whose process is killed next.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::account::{Account, imports_of, look, look_at_rest};
use super::{Dice, IMPORT, folder, go_on, people, rounds, start, until};
use crate::harness::Folder;

/// Starts an import and waits until it is queued. Gives its id.
fn queued(folder: &Folder, command: &str) -> (Child, String) {
    let process = start(folder, command);
    until(|| !imports_of(folder, "users.csv.gz").is_empty());
    let import = imports_of(folder, "users.csv.gz").remove(0);
    (process, import["_id"].as_str().unwrap().to_owned())
}

fn only_import(folder: &Folder) -> Value {
    let mut imports = imports_of(folder, "users.csv.gz");
    assert_eq!(imports.len(), 1);
    imports.remove(0)
}

#[test]
fn ends_cancelled_or_finished_and_stays_so() {
    let mut dice = Dice::new();
    let undisturbed = folder(people::sound());
    let begun = Instant::now();
    let _ = undisturbed.run(IMPORT).success();
    let took = begun.elapsed();
    let mut cancelled = 0;
    for part in 0..rounds() {
        let atomic = part % 2 == 1;
        let folder = folder(people::sound());
        let (mut process, id) = queued(&folder, &if atomic { format!("{IMPORT} --atomic") } else { IMPORT.to_owned() });
        let delay = dice.moment(took, part);
        thread::sleep(delay);
        let _ = folder.run(&format!("imports cancel {id}")).success();
        let code = process.wait().unwrap().code();
        let context = format!("cancelled after {delay:?}");
        let import = only_import(&folder);
        let account = Account::of(&folder, &import);
        match account.state.as_str() {
            "cancelled" => assert_eq!(code, Some(2), "{context}"),
            "finished" => assert_eq!((code, account.unprocessed()), (Some(0), 0), "{context}"),
            other => panic!("{context}: {other}"),
        }
        cancelled += usize::from(account.state == "cancelled");
        look_at_rest(&folder, &context);
        assert_eq!(
            folder.run(&format!("imports cancel {id} --json")).json(),
            std::slice::from_ref(&import),
            "{context}, again"
        );
        assert_eq!(only_import(&folder), import, "{context}: changed after its end");
    }
    assert!(cancelled > 0, "no cancel came in time");
}

#[test]
fn stays_cancelled_when_it_is_killed_before_it_notices() {
    let mut dice = Dice::new();
    for part in 0..rounds() {
        let folder = folder(people::sound());
        let (mut process, id) = queued(&folder, IMPORT);
        thread::sleep(Duration::from_millis(dice.below(150).into()));
        let _ = folder.run(&format!("imports cancel {id}")).success();
        process.kill().unwrap();
        process.wait().unwrap();
        let context = format!("round {part}");
        look(&folder, &context);
        go_on(&folder);
        let account = Account::of(&folder, &only_import(&folder));
        let finished = account.state == "finished" && account.unprocessed() == 0;
        assert!(account.state == "cancelled" || finished, "{context}: {account:?}");
        look_at_rest(&folder, &context);
        // What was not done can be done now.
        let _ = folder.run(IMPORT).success();
        let again = Account::of(&folder, &imports_of(&folder, "users.csv.gz")[1]);
        assert_eq!(account.created() + again.created(), people::records() as u64 / 2, "{context}");
    }
}

#[test]
fn before_it_runs() {
    let folder = folder(people::sound());
    let lease = folder.busy();
    let (mut process, id) = queued(&folder, IMPORT);
    let _ = folder.run(&format!("imports cancel {id}")).success();
    drop(lease);
    assert_eq!(process.wait().unwrap().code(), Some(2));
    let account = Account::of(&folder, &only_import(&folder));
    assert_eq!((account.state.as_str(), account.counts), ("cancelled", [0; 6]));
    look_at_rest(&folder, "cancelled before it ran");
}

/// Between the one commit of an atomic import and the note of its end it may be cancelled and killed. All of it is in, so
/// it is not called cancelled.
#[test]
fn too_late_for_an_atomic_import() {
    let folder = folder(people::sound());
    let _ = folder.run(&format!("{IMPORT} --atomic")).success();
    let before = only_import(&folder);
    folder.look().forget_end(before["_id"].as_str().unwrap());
    let id = before["_id"].as_str().unwrap().parse().unwrap();
    folder.installation().repository.cancel(id, "somebody").unwrap();
    go_on(&folder);
    let after = only_import(&folder);
    Account::of(&folder, &after).must_equal(&Account::of(&folder, &before), "cancelled too late");
    look_at_rest(&folder, "cancelled too late");
}
