//! Processes on several machines, with one PostgreSQL database.

use std::fs;

use super::{GO_ON, IDENTITY, USERS, are_there, settings, spooled};
use crate::crash::until;
use crate::database::Backend;
use crate::harness::{Folder, plan};
use crate::s3::S3Server;

/// Given another machine that works with the database of this one.
fn another(folder: &Folder, settings: &str) -> Folder {
    let other = Folder::on(Backend::Sqlite).file("roles.csv", "name\nadmin\n").file("users.csv", USERS);
    assert!(!folder.variables().is_empty(), "the database is not shared");
    other.file("rollbook-data/rollbook.toml", settings)
}

/// When this is typed on the other machine, then: the exit code, and what was said.
fn run(folder: &Folder, other: &Folder, command: &str) -> (Option<i32>, String) {
    let output = other.command(command).envs(folder.variables()).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn machine(settings: &str) -> Folder {
    Folder::on(Backend::Postgres).file("rollbook-data/rollbook.toml", settings).file("users.csv", USERS)
}

#[test]
fn what_one_machine_has_queued_another_one_runs() {
    let s3 = S3Server::new();
    let one = machine(&settings(&s3));
    one.submit("users.csv", plan("managed/user", "userName"));
    assert_eq!(spooled(&s3).len(), 1);
    let other = another(&one, &settings(&s3));
    let (code, said) = run(&one, &other, GO_ON);
    assert_eq!(code, Some(0), "{said}");
    are_there(&one);
    assert_eq!(s3.keys(), [IDENTITY]);
    assert_eq!(fs::read_dir(other.path("rollbook-data/spool")).unwrap().count(), 0, "a copy is left");
    one.installation().sweep().unwrap();
    assert_eq!(fs::read_dir(one.path("rollbook-data/spool")).unwrap().count(), 0, "a copy is left");
}

/// Imports that others queue could not be run.
#[test]
fn a_machine_with_a_spool_of_its_own_is_refused() {
    let one = machine("").after("import users.csv --into managed/user --unique userName");
    let other = another(&one, "");
    let (code, said) = run(&one, &other, GO_ON);
    assert_eq!(code, Some(2));
    assert!(said.contains("has no file 'rollbook.spool', so it is not the one that the other processes"), "{said}");
}

/// Whoever is first makes what the others find.
#[test]
fn machines_that_begin_together_have_one_spool() {
    let s3 = S3Server::new();
    let one = machine(&settings(&s3));
    let others = [(); 3].map(|()| another(&one, &settings(&s3)));
    let mut processes: Vec<_> = others
        .iter()
        .map(|other| {
            let import = "import users.csv --into managed/user --unique userName";
            other.command(import).envs(one.variables()).stdout(std::process::Stdio::null()).spawn().unwrap()
        })
        .collect();
    for process in &mut processes {
        assert!(process.wait().unwrap().success());
    }
    are_there(&one);
    until(|| spooled(&s3).is_empty());
}
