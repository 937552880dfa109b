//! Killed at random moments, gone on with, and killed again.

use std::time::{Duration, Instant};

use super::account::{Account, imports_of, look, look_at_rest, must_equal, users};
use super::{Dice, GO_ON, IMPORT, folder, go_on, kill_after, people, rounds};
use crate::harness::Folder;

/// An import that nobody disturbed.
struct Undisturbed {
    took: Duration,
    first: Account,
    again: Account,
    users: Vec<(String, u64)>,
}

impl Undisturbed {
    fn of(file: &[u8], command: &str) -> Undisturbed {
        let folder = folder(file);
        let begun = Instant::now();
        let _ = folder.run(command);
        let took = begun.elapsed();
        let _ = folder.run(command);
        look_at_rest(&folder, "undisturbed");
        let imports = imports_of(&folder, "users.csv.gz");
        let [first, again] = [0, 1].map(|at| Account::of(&folder, &imports[at]));
        Undisturbed { took, first, again, users: users(&folder) }
    }
}

/// Kills an import, up to two times more while it is gone on with, and compares what comes of it.
fn kill_loop(file: &[u8], command: &str) -> Undisturbed {
    let undisturbed = Undisturbed::of(file, command);
    let mut dice = Dice::new();
    let mut killed = 0;
    while killed < rounds() {
        let folder = folder(file);
        let mut context = String::from("killed");
        for attempt in 0..=dice.below(3).min(rounds() - killed - 1) {
            let delay = dice.moment(undisturbed.took, killed);
            kill_after(&folder, if attempt == 0 { command } else { GO_ON }, delay);
            context += &format!(" after {delay:?}");
            look(&folder, &context);
            killed += 1;
        }
        let _ = folder.run(command);
        compare(&folder, &undisturbed, &context);
    }
    undisturbed
}

fn compare(folder: &Folder, undisturbed: &Undisturbed, context: &str) {
    let imports = imports_of(folder, "users.csv.gz");
    Account::of(folder, &imports[0]).must_equal(&undisturbed.first, context);
    for again in &imports[1..] {
        Account::of(folder, again).must_equal(&undisturbed.again, &format!("{context}, again"));
    }
    must_equal(&users(folder), &undisturbed.users, context);
    look_at_rest(folder, context);
}

#[test]
fn batched() {
    let undisturbed = kill_loop(people::faulty(), IMPORT);
    let total = people::records() as u64;
    let [failed, again] = [undisturbed.first.counts[4], undisturbed.again.counts[3]];
    assert_eq!((failed, again), (total / 100, total - total / 100));
}

#[test]
fn atomic() {
    let undisturbed = kill_loop(people::sound(), &format!("{IMPORT} --atomic"));
    let total = people::records() as u64;
    assert_eq!(undisturbed.first.counts, [total, total / 2, total / 4, total / 4, 0, 0]);
}

#[test]
fn atomic_and_refused() {
    let undisturbed = kill_loop(people::faulty(), &format!("{IMPORT} --atomic"));
    let total = people::records() as u64;
    assert_eq!(undisturbed.first.counts, [total, 0, 0, 0, total / 100, total - total / 100]);
}

#[test]
fn dry_run() {
    kill_loop(people::faulty(), &format!("{IMPORT} --dry-run"));
}

#[test]
fn atomic_dry_run() {
    kill_loop(people::faulty(), &format!("{IMPORT} --dry-run --atomic"));
}

/// The very first command makes the installation; killed while at it, the next one does.
#[test]
fn while_the_installation_is_made() {
    let small = || Folder::new().file("roles.csv", "name\nadmin\n");
    let undisturbed = small();
    let begun = Instant::now();
    let _ = undisturbed.run(GO_ON).success();
    let took = begun.elapsed();
    let mut dice = Dice::new();
    for part in 0..rounds() {
        let folder = small();
        let delay = dice.moment(took, part);
        kill_after(&folder, GO_ON, delay);
        let context = format!("killed after {delay:?}");
        look(&folder, &context);
        go_on(&folder);
        look_at_rest(&folder, &context);
        assert_eq!(folder.run("types list").stdout(), undisturbed.run("types list").stdout(), "{context}");
    }
}
