//! Databases that are brought to this program's form: by many at once, by nobody to the end, and not at all.

use std::process::Stdio;
use std::thread::sleep;

use super::folder;
use crate::conformance::reports::must_be_as_it_was;
use crate::crash::{Dice, rounds, start};
use crate::harness::Folder;

/// What makes an installation where there is none.
const OPEN: &str = "migrate";

/// What a made installation has, each once.
#[track_caller]
fn must_be_made(folder: &Folder, context: &str) {
    let mut look = folder.look();
    assert_eq!(look.rows("SELECT version FROM schema_migration ORDER BY version").len(), 3, "{context}");
    assert_eq!(look.number("SELECT count(*) FROM installation WHERE name = 'secret'"), 1, "{context}");
    let types = look.rows("SELECT name, version FROM object_type");
    assert!(types.len() > 4 && types.iter().all(|row| row[1].as_deref() == Some("1")), "{context}: {types:?}");
}

#[test]
fn eight_processes_make_an_installation_at_the_same_time() {
    for round in 0..rounds().min(3) {
        let folder = folder("");
        let mut processes: Vec<_> = (0..8)
            .map(|_| folder.command(OPEN).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
            .collect();
        for process in processes.drain(..) {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success(), "round {round}: {}", String::from_utf8_lossy(&output.stderr));
        }
        must_be_made(&folder, &format!("round {round}"));
    }
}

/// A kill leaves the form before or the form after of each migration.
#[test]
fn killed_while_it_is_made() {
    let whole = folder("");
    let begun = std::time::Instant::now();
    let _ = whole.run(OPEN).success();
    let took = begun.elapsed();
    let count = |folder: &Folder| {
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migration'";
        folder.look().number(tables)
    };
    let first = include_str!("../../migrations/postgres/001_first.sql").matches("CREATE TABLE").count() as i64;
    let mut dice = Dice::new();
    for round in 0..rounds() {
        let folder = folder("");
        let delay = dice.moment(took, round);
        let mut process = start(&folder, OPEN);
        sleep(delay);
        process.kill().unwrap();
        process.wait().unwrap();
        let context = format!("killed after {delay:?}");
        let made = count(&folder);
        assert!([0, first, count(&whole)].contains(&made), "{context}: {made} tables");
        let _ = folder.run(OPEN).success();
        must_be_made(&folder, &context);
    }
}

#[test]
fn a_command_says_what_was_done() {
    let folder = folder("");
    assert_eq!(folder.run("migrate").success(), "The repository is made, in form 2.\n");
    must_be_made(&folder, "migrate");
    assert_eq!(folder.run("migrate").success(), "The repository has form 2 already.\n");
    assert_eq!(folder.run("migrate --json").json(), [serde_json::json!({ "from": 2, "to": 2 })]);
}

/// Failures of an import of the form before are in groups from then on, and the import is found by its door.
#[test]
fn failures_of_the_first_form_are_grouped() {
    let users = "userName,givenName,sn,mail\na,A,A,a@example.com\nb,B,B,none\nc,,C,none\nd,D\n";
    let folder = folder("").file("users.csv", users).after_refusal("--into managed/user --unique userName");
    let id = folder.last_import().parse().unwrap();
    let groups = folder.installation().repository.failure_groups(id).unwrap();
    assert_eq!(groups.iter().map(|group| group.failures).collect::<Vec<_>>(), [2, 1, 1]);
    folder.look().run(
        "DROP TABLE sign_in; DROP INDEX import_of_kind; DROP INDEX import_in_state; DROP INDEX import_began; \
         ALTER TABLE import DROP COLUMN origin; ALTER TABLE import_progress DROP COLUMN milestones; \
         DROP TABLE failure_group; DROP TABLE failure_rows; DROP TABLE import_samples; \
         DELETE FROM schema_migration WHERE version = 2",
    );
    assert_eq!(folder.run("migrate --json").json(), [serde_json::json!({ "from": 1, "to": 2 })]);
    must_be_as_it_was(&folder.installation().repository, id, &groups);
}

/// Secrets that one process seals must be for the others to open.
#[test]
fn the_key_of_secrets_is_set_and_the_same_for_all() {
    let drop_folder = "name = 'px'\nobject_type = 'managed/px_user'\nbucket = 'bucket'\n\
                       access_key = { id = 'AKIA', secret = 'sesame' }\ns3 = { region = 'eu-central-1' }\n";
    let folder = folder("").file("px.toml", drop_folder);
    let set = |key: &str| {
        let mut command = folder.command("drop-folder set px.toml");
        let output = command.env("ROLLBOOK_SECRETS_KEY", key).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(set("").contains("secrets.key is not set: with PostgreSQL all processes"), "{}", set(""));
    let [one, other] = ["one key of thirty-two characters!", "another key of 32 characters, yes"];
    assert_eq!(set(one), "");
    assert!(set(other).contains("secrets.key is not the key that the secrets of this installation"), "{}", set(other));
    assert_eq!(set(one), "");
}

#[test]
fn a_newer_form_is_refused() {
    let folder = folder("");
    drop(folder.installation());
    folder.look().run("INSERT INTO schema_migration (version, name, at) VALUES (1000, 'later', now())");
    let said = folder.run(OPEN).failed();
    assert!(said.contains("the repository has form 1000, this program knows forms up to"), "{said}");
    assert!(said.contains("use a newer rollbook"), "{said}");
}

#[test]
fn a_database_in_another_encoding_is_refused() {
    let folder = folder("");
    let url = folder.variables().remove(0).1;
    let (server, name) = url.rsplit_once('/').unwrap();
    let other = format!("{name}_latin");
    let make = format!("CREATE DATABASE {other} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
    folder.look().run(&make);
    let mut process = folder.command(OPEN);
    let output = process.env("ROLLBOOK_REPOSITORY_URL", format!("{server}/{other}")).output().unwrap();
    folder.look().run(&format!("DROP DATABASE {other} WITH (FORCE)"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("a database with the encoding 'LATIN1': make one with the encoding 'UTF8'"), "{said}");
}
