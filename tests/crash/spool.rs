//! What happens to the bytes of an import, in the spool and where they came from.

use std::fs;

use super::account::{Account, imports_of, look_at_rest, users};
use super::{IMPORT, folder, go_on, people, start, until};
use crate::harness::Folder;

/// Leaves an import of which a part is committed.
fn leave_half_done(folder: &Folder) {
    let mut process = start(folder, IMPORT);
    until(|| imports_of(folder, "users.csv.gz").first().is_some_and(|import| import["success"].as_u64() > Some(0)));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(imports_of(folder, "users.csv.gz")[0]["state"], "running", "it was faster than we");
}

fn spooled(folder: &Folder) -> std::path::PathBuf {
    let id = imports_of(folder, "users.csv.gz")[0]["_id"].as_str().unwrap().to_owned();
    folder.path(&format!("rollbook-data/spool/{id}.csv"))
}

fn gone_on(folder: &Folder) -> Account {
    go_on(folder);
    let import = imports_of(folder, "users.csv.gz").remove(0);
    if import["state"] == "failed" {
        let message = import["problem"]["message"].as_str().unwrap();
        assert_eq!(message, "users.csv.gz: the copy of the file was lost before it was imported; import it again");
    }
    look_at_rest(folder, "gone on");
    Account::of(folder, &import)
}

/// What was committed stays, and stays counted.
#[test]
fn the_copy_is_lost() {
    let folder = folder(people::sound());
    leave_half_done(&folder);
    let before = Account::of(&folder, &imports_of(&folder, "users.csv.gz")[0]);
    fs::remove_file(spooled(&folder)).unwrap();
    let after = gone_on(&folder);
    assert_eq!(after.state, "failed");
    assert_eq!(after.counts, before.counts);
    assert!(after.created() > 0);
}

#[test]
fn the_copy_is_cut() {
    let folder = folder(people::sound());
    leave_half_done(&folder);
    let before = Account::of(&folder, &imports_of(&folder, "users.csv.gz")[0]);
    let copy = fs::File::options().write(true).open(spooled(&folder)).unwrap();
    copy.set_len(copy.metadata().unwrap().len() / 2).unwrap();
    let after = gone_on(&folder);
    assert_eq!((after.state.as_str(), after.counts), ("failed", before.counts));
}

#[test]
fn the_copy_is_lost_before_the_first_commit() {
    let folder = folder(people::sound());
    let lease = folder.busy();
    let mut process = start(&folder, IMPORT);
    until(|| !imports_of(&folder, "users.csv.gz").is_empty());
    fs::remove_file(spooled(&folder)).unwrap();
    drop(lease);
    assert_eq!(process.wait().unwrap().code(), Some(1));
    let account = gone_on(&folder);
    assert_eq!((account.state.as_str(), account.counts), ("failed", [0; 6]));
}

/// What is imported are the bytes that were accepted.
#[test]
fn the_file_changes_after_it_was_accepted() {
    let undisturbed = folder(people::sound());
    let _ = undisturbed.run(IMPORT).success();
    for (name, change) in [
        ("replaced", (|path| fs::write(path, "userName\nnobody\n")) as fn(std::path::PathBuf) -> std::io::Result<()>),
        ("cut", |path| fs::File::options().write(true).open(path)?.set_len(100)),
        ("removed", fs::remove_file),
    ] {
        let folder = folder(people::sound());
        let lease = folder.busy();
        let mut process = start(&folder, IMPORT);
        until(|| !imports_of(&folder, "users.csv.gz").is_empty());
        change(folder.path("users.csv.gz")).unwrap();
        drop(lease);
        assert_eq!(process.wait().unwrap().code(), Some(0), "{name}");
        assert_eq!(users(&folder), users(&undisturbed), "{name}");
        look_at_rest(&folder, name);
    }
}

/// The limit is of the file, not of what is committed of it.
#[test]
fn a_file_with_too_many_records_is_refused_as_a_whole() {
    let folder = folder(people::sound());
    let limit = people::records() - 1;
    let _ = folder.run(&format!("{IMPORT} --max-records {limit}")).refused();
    let account = Account::of(&folder, &imports_of(&folder, "users.csv.gz")[0]);
    let total = people::records() as u64;
    assert_eq!((account.state.as_str(), account.counts), ("failed", [total, 0, 0, 0, 0, total]));
    look_at_rest(&folder, "too many records");
    let _ = folder.run(&format!("{IMPORT} --max-records {total}")).success();
}
