//! Installations that move from SQLite into a PostgreSQL database.
//!
//! A test reads: given an installation, when it moves into this folder's database, then the same is there.

use std::fs;
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::Instant;

use crate::crash::{Dice, until};
use crate::database::Backend;
use crate::dropping::{ACCOUNTS, USERS, drop_csv, mark};
use crate::harness::{Folder, SECRETS_KEY, plan};
use crate::service::Service;
use rollbook::import::Import;
use rollbook::report::{FailureFilter, ImportFilter};

const PEOPLE: &str = "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,b@example.com\nscarter,Sam,Carter,s@example.com\n\
                      ,Nobody,Nowhere,none\n";

const IMPORT: &str = "import users.csv --into managed/user --unique userName";

/// Nobody listens there.
const CALLBACK: &str = "callback = { url = 'http://127.0.0.1:9/told', api_key = 'sesame', allow_private = true }\n";

/// Settings for both sides.
const SETTINGS: &str = "[repository]\nlease = '1s'\n";

/// What a person can see of an installation.
const LISTINGS: [&str; 10] = [
    "imports list --json",
    "types list --json",
    "types show managed/user",
    "objects list managed/user --json",
    "objects list managed/role --json",
    "objects list managed/anything --json",
    "objects list managed/px_user --json",
    "token list --json",
    "drop-folder runs px-users --json",
    "drop-folder show px-accounts --json",
];

/// Given an installation with something of everything, and the token of somebody who may come in.
fn furnished() -> (Folder, String) {
    let anything = r#"{"name": "anything"}"#;
    let folder = Folder::on(Backend::Sqlite)
        .file(
            "rollbook-data/rollbook.toml",
            format!("{USERS}{CALLBACK}{SETTINGS}[secrets]\nkey = {{ file = 'key.txt' }}\n"),
        )
        .file("rollbook-data/key.txt", SECRETS_KEY)
        .file("users.csv", PEOPLE)
        .file("roles.csv", "name\nadmin\n")
        .file("broken.csv", "userName,colour\nx,red\n")
        .file("things.csv", "code,size\na,1\nb,2\n")
        .file("later.csv", "userName,givenName,sn,mail\nlate,Lara,Late,l@example.com\n")
        .file("anything.json", anything)
        .file("accounts.toml", format!("{ACCOUNTS}{CALLBACK}"))
        .after("drop-folder set accounts.toml")
        .after("types apply anything.json")
        .after("import things.csv --into managed/anything --unique code")
        .after("import roles.csv --into managed/role --unique name")
        .after_refusal("--into managed/user --unique userName");
    let _ = folder.run("import broken.csv --into managed/user --unique userName").refused();
    let _ = folder.run(&format!("{} --dry-run", IMPORT.replace("users.csv", "later.csv"))).success();
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id,email\n1,a@example.com\n");
    drop_csv(&folder, "users_import", "20210228", "wrong.csv.gz", "id,colour\n1,red\n");
    mark(&folder, "users_import", "20210228");
    let _ = folder.run("drop-folder poll px-users").refused();
    let mut service = Service::on(folder);
    let token = service.token("--name hr --role importer");
    let body = r#"'{"name":"Chosen","description":"by a client"}'"#;
    let put = "--request PUT --header Content-Type:application/json --data";
    assert_eq!(service.curl(&format!("{put} {body} /openidm/managed/role/Chosen-1")).status, 201);
    let upload = "--header Idempotency-Key:monday --form upload=@roles.csv";
    assert_eq!(service.curl(&format!("{upload} '/upload/csv/managed/role?uniqueProperty=name'")).status, 200);
    until(|| service.folder.run("imports list --json").json().iter().all(|import| import.get("end").is_some()));
    assert_eq!(service.stop(), Some(0));
    let folder = service.into_folder();
    let cancelled = folder.leave_running("users.csv");
    folder.installation().repository.cancel(cancelled.parse().unwrap(), "barbara").unwrap();
    folder.submit("later.csv", plan("managed/user", "userName"));
    (folder, token)
}

/// Given a folder whose database has nothing yet, with the same settings and files.
fn target(source: &Folder) -> Folder {
    let target =
        Folder::on(Backend::Postgres).file("rollbook-data/rollbook.toml", format!("{USERS}{CALLBACK}{SETTINGS}"));
    ["users.csv", "roles.csv", "later.csv"].into_iter().fold(target, |target, file| {
        let content = fs::read(source.path(file)).unwrap_or_default();
        target.file(file, content)
    })
}

/// The command that moves an installation.
fn moving(source: &Folder, target: &Folder) -> Command {
    target.command(&format!("migrate --from '{}'", source.path("rollbook-data").display()))
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// When an installation moves, then it goes well. Gives what was printed.
#[track_caller]
fn moved(source: &Folder, target: &Folder) -> String {
    let output = moving(source, target).output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// When an installation is to move, then it does not, for this reason.
#[track_caller]
fn refused(source: &Folder, target: &Folder, why: &str) {
    let output = moving(source, target).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains(why), "{}", told(&output));
}

fn listings(folder: &Folder) -> Vec<String> {
    let seen = |command: &str| {
        let outcome = folder.run(command);
        assert_eq!(outcome.code(), Some(0), "{outcome:?}");
        // The directories of drop folders are those of the machine.
        outcome.stdout().replace(folder.path("").to_str().unwrap(), "")
    };
    let mut shown: Vec<String> = LISTINGS.iter().map(|listing| seen(listing)).collect();
    for import in folder.run("imports list --json").json() {
        let id = import["_id"].as_str().unwrap().to_owned();
        shown.push(seen(&format!("imports show {id} --json")));
        shown.push(seen(&format!("imports failures {id} --json")));
    }
    shown
}

/// What all imports tell besides their counts.
fn reports(folder: &Folder) -> String {
    let repository = folder.installation().repository;
    let report = |(_, import): (i64, Import)| {
        let [groups, samples, milestones, rest] = [
            format!("{:?}", repository.failure_groups(import.id)),
            format!("{:?}", repository.samples(import.id)),
            format!("{:?}", repository.milestones(import.id)),
            format!("{:?}", repository.failures_of(import.id, &FailureFilter::default(), 0, 9)),
        ];
        format!("{groups}\n{samples}\n{milestones}\n{rest}\n")
    };
    let found = repository.imports_before(&ImportFilter::default(), None, 99).unwrap();
    found.imports.into_iter().map(report).collect()
}

#[test]
fn everything_moves() {
    let (source, token) = furnished();
    let target = target(&source);
    let (before, reported) = (listings(&source), reports(&source));
    assert!(reported.contains("VALID_EMAIL_ADDRESS_FORMAT") && reported.contains("Lara"), "{reported}");
    let printed = moved(&source, &target);
    assert!(printed.contains("with 3 spooled files"), "{printed}");
    for (there, here) in listings(&target).iter().zip(&before) {
        assert_eq!(there, here);
    }
    assert_eq!(listings(&source), before, "the source has changed");
    assert_eq!(reports(&target), reported);

    // A record that equals an object is known by its fingerprint, and an object by its key.
    let again = target.run(&format!("{IMPORT} --json")).json().remove(0);
    assert_eq!((&again["unchanged"], &again["failure"], &again["created"]), (&2.into(), &1.into(), &0.into()));
    let users = target.objects("managed/user");
    assert!(users.contains("\"late\""), "the import that waited was not run: {users}");
    let imports = target.run("imports list --json").json();
    let cancelled = imports.iter().find(|import| import["state"] == "cancelled").expect("a mark was lost");
    assert_eq!(cancelled["cancelledBy"], "barbara", "{cancelled}");
    let dry = before[0].lines().find(|line| line.contains("\"dryRun\":true") || line.contains("\"dry_run\":true"));
    let dry: serde_json::Value = serde_json::from_str(dry.expect(&before[0])).unwrap();
    let _ = target.run(&format!("imports apply {}", dry["_id"].as_str().unwrap())).success();

    // What was dropped before is not taken again, and secrets can be opened.
    let _ = target.run("drop-folder show px-users --json").success();
    let service = Service::on(target);
    assert_eq!(service.ask(&token, "/openidm/managed/role/Chosen-1").status, 200);
    let upload = "--header Idempotency-Key:monday --form upload=@roles.csv";
    let imports = service.folder.run("imports list --json").json().len();
    let reply = service.curl(&format!("{upload} '/upload/csv/managed/role?uniqueProperty=name'"));
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(service.folder.run("imports list --json").json().len(), imports, "the request was answered before");
    let put = "--request PUT --header Content-Type:application/json --header 'If-None-Match: *' --data";
    let body = r#"'{"name":"Chosen"}'"#;
    assert_eq!(service.curl(&format!("{put} {body} /openidm/managed/role/another")).status, 403, "a name is taken");
}

#[test]
fn what_is_in_use_does_not_move() {
    let source =
        Folder::on(Backend::Sqlite).file("users.csv", PEOPLE).after_refusal("--into managed/user --unique userName");
    let target = target(&source);
    let lease = source.busy();
    refused(&source, &target, "is in use by an import of managed/user: stop it");
    drop(lease);
    let mut service = Service::on(source);
    refused(&service.folder, &target, "is in use by a 'rollbook serve': stop it");
    assert_eq!(service.stop(), Some(0));
    let source = service.into_folder();
    let busy = Service::on(target);
    refused(&source, &busy.folder, "is an installation already, with tokens, drop folders: make a new database");
}

#[test]
fn a_database_that_is_used_is_no_target() {
    let source =
        Folder::on(Backend::Sqlite).file("users.csv", PEOPLE).after_refusal("--into managed/user --unique userName");
    let target = target(&source);
    let _ = target.run("import users.csv --into managed/user --unique userName").refused();
    let before = listings_of(&target);
    refused(&source, &target, "is an installation already, with objects, imports, failures: make a new database");
    assert_eq!(listings_of(&target), before);
    let output = target.command("migrate --from nowhere").output().unwrap();
    assert!(told(&output).contains("there is no data directory 'nowhere' to be moved"), "{}", told(&output));
}

/// Who works with the database can go on when a move was refused.
#[test]
fn a_refused_move_leaves_no_mark() {
    let source =
        Folder::on(Backend::Sqlite).file("users.csv", PEOPLE).after_refusal("--into managed/user --unique userName");
    let target = target(&source);
    let used = target.installation();
    refused(&source, &target, "another rollbook works with this database: stop it first");
    let _ = target.run("types list").success();
    drop(used);
    moved(&source, &target);
}

fn listings_of(folder: &Folder) -> Vec<String> {
    ["imports list --json", "objects list managed/user --json"].map(|listing| folder.run(listing).success()).into()
}

/// Sealed secrets could not be opened.
#[test]
fn the_key_has_to_come_along() {
    let (source, _) = furnished();
    let target = target(&source);
    let output =
        moving(&source, &target).env("ROLLBOOK_SECRETS_KEY", "another key that is long enough for it").output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("has secrets that are sealed with its key, and the target has not that key"),
        "{}",
        told(&output)
    );
    moved(&source, &target);
}

#[test]
fn only_the_newest_form_moves() {
    let source =
        Folder::on(Backend::Sqlite).file("users.csv", PEOPLE).after_refusal("--into managed/user --unique userName");
    let target = target(&source);
    for (form, why) in [(2, "run 'rollbook migrate' there first"), (99, "use a newer rollbook")] {
        let database = rusqlite::Connection::open(source.path("rollbook-data/rollbook.db")).unwrap();
        database.execute_batch(&format!("PRAGMA user_version = {form}")).unwrap();
        drop(database);
        refused(&source, &target, why);
    }
}

/// Wherever it is broken off, there is a whole installation in the end.
#[test]
fn a_move_that_was_killed_is_made_again() {
    let people: String = (0..4000).map(|number| format!("user{number},Ann,Other,a@example.com\n")).collect();
    let source =
        Folder::on(Backend::Sqlite).file("users.csv", format!("userName,givenName,sn,mail\n{people}")).after(IMPORT);
    let begun = Instant::now();
    moved(&source, &target(&source));
    let (whole, mut dice) = (begun.elapsed(), Dice::new());
    for part in 0..4 {
        let target = target(&source);
        let moment = whole / 4 * part + whole / 4 * dice.below(1000) / 1000;
        let mut process = moving(&source, &target).spawn().unwrap();
        sleep(moment);
        process.kill().unwrap();
        process.wait().unwrap();
        let listed = target.run("objects list managed/user --json");
        let is_moving = listed.code() == Some(2);
        let listed = listed.stdout();
        assert!(is_moving || [0, 4000].contains(&listed.lines().count()), "{moment:?}");
        // The lease of who was killed is good for a while.
        until(|| {
            let output = moving(&source, &target).output().unwrap();
            let said = told(&output);
            assert!(
                output.status.success()
                    || ["another 'rollbook migrate'", "another rollbook works", "an installation already"]
                        .iter()
                        .any(|passing| said.contains(passing)),
                "{said}"
            );
            output.status.success() || said.contains("an installation already")
        });
        assert_eq!(target.run("objects list managed/user --json").success().lines().count(), 4000, "{moment:?}");
    }
}
