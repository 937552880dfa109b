//! Not alone: several processes on one data directory, readers who stay, and others who hold the lock.

use std::thread;
use std::time::Duration;

use super::account::{Account, imports_of, look, look_at_rest};
use super::{GO_ON, IMPORT, folder, people, rounds, start, until};
use crate::harness::Folder;

/// Two files with common users, imported at once into an installation that both must make: each user is created once.
#[test]
fn two_imports_of_one_type() {
    let [threes, fives] = [people::every(3, 0), people::every(5, 0)];
    for round in 0..rounds() {
        let folder = Folder::new()
            .file("threes.csv.gz", &threes)
            .file("fives.csv.gz", &fives)
            .file("roles.csv", "name\nadmin\n");
        let [mut one, mut other] = ["threes", "fives"]
            .map(|name| start(&folder, &format!("import {name}.csv.gz --into managed/user --unique userName")));
        assert_eq!([one.wait().unwrap().code(), other.wait().unwrap().code()], [Some(0); 2], "round {round}");
        let total = |divisor: usize| people::records().div_ceil(divisor) as u64;
        let accounts =
            ["threes.csv.gz", "fives.csv.gz"].map(|file| Account::of(&folder, &imports_of(&folder, file)[0]));
        assert_eq!([accounts[0].total(), accounts[1].total()], [total(3), total(5)], "round {round}");
        let unchanged = [accounts[0].counts[3], accounts[1].counts[3]];
        assert!([[total(15), 0], [0, total(15)]].contains(&unchanged), "round {round}: {unchanged:?}");
        assert_eq!(accounts[0].created() + accounts[1].created(), total(3) + total(5) - total(15), "round {round}");
        look_at_rest(&folder, "two of one type");
    }
}

#[test]
fn two_imports_of_different_types() {
    let names: String = (0..people::records()).map(|n| format!("role{n}\n")).collect();
    let folder = folder(people::sound()).file("many.csv", format!("name\n{names}"));
    let mut users = start(&folder, IMPORT);
    let mut roles = start(&folder, "import many.csv --into managed/role --unique name");
    assert_eq!([users.wait().unwrap().code(), roles.wait().unwrap().code()], [Some(0); 2]);
    let total = people::records() as u64;
    let account = |file: &str| Account::of(&folder, &imports_of(&folder, file)[0]);
    assert_eq!(account("users.csv.gz").counts, [total, total / 2, total / 4, total / 4, 0, 0]);
    assert_eq!(account("many.csv").counts, [total, total, 0, 0, 0, 0]);
    look_at_rest(&folder, "two types");
}

/// While somebody else runs imports of users, ours of users waits and one of roles does not.
#[test]
fn imports_of_different_types_do_not_wait_for_each_other() {
    let folder = folder(people::sound());
    let lease = folder.busy();
    let mut users = start(&folder, IMPORT);
    until(|| !imports_of(&folder, "users.csv.gz").is_empty());
    let _ = folder.run(GO_ON).success();
    assert_eq!(imports_of(&folder, "users.csv.gz")[0]["state"], "queued");
    assert_eq!(users.try_wait().unwrap(), None);
    drop(lease);
    assert_eq!(users.wait().unwrap().code(), Some(0));
    look_at_rest(&folder, "one waited");
}

/// Whoever looks while an import runs sees sums that hold, counts that only grow, and of an atomic file all or nothing.
#[test]
fn readers_see_whole_commits() {
    for command in [IMPORT.to_owned(), format!("{IMPORT} --atomic")] {
        let folder = folder(people::sound());
        let mut process = start(&folder, &command);
        let mut seen = 0;
        let mut last = [0; 3];
        while process.try_wait().unwrap().is_none() {
            look(&folder, &command);
            let imports = imports_of(&folder, "users.csv.gz");
            let now = ["created", "updated", "unchanged"]
                .map(|name| imports.first().map_or(0, |import| import[name].as_u64().unwrap()));
            assert!(now.iter().zip(last).all(|(now, last)| *now >= last), "{command}: {last:?}, then {now:?}");
            last = now;
            seen += 1;
        }
        assert!(seen > 3, "{command}: looked {seen} times");
        assert_eq!(process.wait().unwrap().code(), Some(0));
        look_at_rest(&folder, &command);
    }
}

/// Somebody holds the write lock, as a backup tool might.
#[test]
fn somebody_else_holds_the_lock() {
    for command in [IMPORT.to_owned(), format!("{IMPORT} --atomic"), format!("{IMPORT} --dry-run")] {
        let folder = folder(people::sound());
        let held = folder.look().hold_writers();
        let mut process = start(&folder, &command);
        thread::sleep(Duration::from_secs(3));
        assert_eq!(process.try_wait().unwrap(), None, "{command}: did not wait");
        drop(held);
        assert_eq!(process.wait().unwrap().code(), Some(0), "{command}");
        look_at_rest(&folder, &command);
    }
}

/// An import waits for the write lock as long as it takes: a large atomic import of another type may hold it for minutes.
#[test]
fn somebody_else_holds_the_lock_for_long() {
    let folder = folder(people::sound());
    let lease = folder.busy();
    let mut process = start(&folder, IMPORT);
    until(|| !imports_of(&folder, "users.csv.gz").is_empty());
    let held = folder.look().hold_writers();
    drop(lease);
    // Longer than a statement waits.
    thread::sleep(Duration::from_secs(22));
    drop(held);
    assert_eq!(process.wait().unwrap().code(), Some(0));
    look_at_rest(&folder, "held for long");
}

/// A reader who stays keeps the log from starting anew, but not an import from finishing; and sees what it saw.
#[test]
fn a_reader_stays() {
    let folder = folder(people::sound());
    let mut reader = folder.look();
    let created = format!("SELECT sum(created) FROM {}", reader.imports());
    reader.stay();
    let mut count = || reader.number(&created);
    let before = count();
    let _ = folder.run(IMPORT).success();
    assert_eq!(count(), before);
    reader.run("COMMIT");
    assert_eq!(reader.number(&created), people::records() as i64);
    look_at_rest(&folder, "a reader stayed");
}
