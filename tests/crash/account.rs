//! What can be said of an installation from outside, and what must hold of it at every moment.

use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::database::Row;
use crate::harness::Folder;

/// What became of one import, apart from its id and the time it took.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Account {
    pub(super) state: String,
    pub(super) counts: [u64; 6],
    pub(super) failures: Vec<Value>,
    pub(super) warnings: Value,
}

/// The names of the counts of an [`Account`].
const COUNTS: [&str; 6] = ["total", "created", "updated", "unchanged", "failure", "unprocessed"];

impl Account {
    pub(super) fn of(folder: &Folder, import: &Value) -> Account {
        let failures = folder.run(&format!("imports failures {} --json", import["_id"].as_str().unwrap())).json();
        Account {
            state: import["state"].as_str().unwrap().to_owned(),
            counts: COUNTS.map(|name| import[name].as_u64().unwrap()),
            failures,
            warnings: import["warnings"].clone(),
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.counts[0]
    }

    pub(super) fn created(&self) -> u64 {
        self.counts[1]
    }

    pub(super) fn unprocessed(&self) -> u64 {
        self.counts[5]
    }

    /// Says of two accounts only what differs.
    #[track_caller]
    pub(super) fn must_equal(&self, other: &Account, what: &str) {
        let brief = |account: &Account| (account.state.clone(), account.counts, account.warnings.clone());
        assert_eq!(brief(self), brief(other), "{what} {COUNTS:?}");
        must_equal(&self.failures, &other.failures, what);
    }
}

/// Compares long lists.
#[track_caller]
pub(crate) fn must_equal<T: PartialEq + std::fmt::Debug>(ours: &[T], others: &[T], what: &str) {
    let difference = ours.iter().zip(others).position(|(our, other)| our != other);
    if let Some(at) = difference {
        assert_eq!(ours[at], others[at], "{what}: the first difference is at {at}");
    }
    assert_eq!(ours.len(), others.len(), "{what}");
}

/// The imports of a file, oldest first.
pub(super) fn imports_of(folder: &Folder, file: &str) -> Vec<Value> {
    let mut imports = folder.run("imports list --json").json();
    imports.retain(|import| import["filename"] == file);
    imports
}

/// The documents of all users with their revisions.
pub(super) fn users(folder: &Folder) -> Vec<(String, u64)> {
    documents(folder, "managed/user")
}

/// The documents of all objects of a type with their revisions.
pub(crate) fn documents(folder: &Folder, object_type: &str) -> Vec<(String, u64)> {
    let mut look = folder.look();
    let objects = look.objects(object_type);
    let rows = look.rows(&format!("SELECT document, revision FROM {objects}"));
    let [document, revision] = [0, 1].map(|at| move |row: &Row| row[at].clone().unwrap());
    let mut documents: Vec<_> =
        rows.iter().map(|row| (document(row), revision(row).parse::<i64>().unwrap().unsigned_abs())).collect();
    documents.sort();
    documents
}

/// What holds at every moment that anyone can look, whoever was killed: objects, failures, counts and progress were
/// committed together. `context` is told if it does not.
#[track_caller]
pub(crate) fn look(folder: &Folder, context: &str) {
    if !folder.can_be_looked_into() {
        return;
    }
    let mut look = folder.look();
    // One snapshot for all questions.
    look.stay();
    if !look.is_made() {
        return;
    }
    let import = look.imports();
    let wrong = "created + updated + unchanged + failure > total";
    assert_eq!(look.number(&format!("SELECT count(*) FROM {import} WHERE {wrong}")), 0, "{context}: sums");
    let atomic = "plan LIKE '%\"reject_file\"%'";
    let wrong = "failure <> (SELECT count(*) FROM failure WHERE import = number)";
    // What is not applied is not counted before all of it is known, but is reported already.
    let counted = format!("NOT (state = 'running' AND ({atomic} OR plan LIKE '%\"dry_run\":true%'))");
    assert_eq!(
        look.number(&format!("SELECT count(*) FROM {import} WHERE {wrong} AND {counted}")),
        0,
        "{context}: failures"
    );
    let half = "created + updated + unchanged NOT IN (0, total)";
    assert_eq!(
        look.number(&format!("SELECT count(*) FROM {import} WHERE {atomic} AND {half}")),
        0,
        "{context}: half a file"
    );
    let counted = "SELECT import, requirement, property, failures, first_row FROM failure_group";
    assert_eq!(look.groups(counted), look.groups_of_failures(), "{context}: groups of failures");
    for object_type in ["managed/user", "managed/px_user", "managed/px_account"] {
        let real = format!("plan LIKE '%\"dry_run\":false%' AND object_type = '{object_type}'");
        let current = look.objects(object_type);
        let objects = look.number(&format!("SELECT count(*) FROM {current}"));
        let created = look.number(&format!("SELECT coalesce(sum(created), 0) FROM {import} WHERE {real}"));
        assert_eq!(objects, created, "{context}: objects and counts of {object_type}");
        let changes = look.number(&format!("SELECT coalesce(sum(revision - 1), 0) FROM {current}"));
        let updated = look.number(&format!("SELECT coalesce(sum(updated), 0) FROM {import} WHERE {real}"));
        assert_eq!(changes, updated, "{context}: revisions and counts of {object_type}");
    }
}

/// What holds when all imports are over: the repository is sound, every object is found by its key, and nothing is left in
/// the spool but what dry runs keep.
#[track_caller]
pub(super) fn look_at_rest(folder: &Folder, context: &str) {
    look(folder, context);
    sweep(folder);
    let mut look = folder.look();
    look.must_be_sound(context);
    // Every user has exactly one key in the index over user names. That they are found by it shows when a file is imported
    // again.
    let users = look.objects("managed/user");
    let users = look.number(&format!("SELECT count(*) FROM {users}"));
    assert_eq!(look.keys("managed/user", "userName"), users, "{context}: keys");
    assert_eq!(look.cancel_marks(), Vec::<String>::new(), "{context}: cancel marks");
    let imports = folder.run("imports list --json").json();
    assert!(imports.iter().all(|import| import["end"].is_string()), "{context}: an import is not over");
    let kept = imports.iter().filter(|import| import["dryRun"] == true && import["state"] == "finished");
    let mut kept: Vec<String> = kept.map(|import| format!("{}.csv", import["_id"].as_str().unwrap())).collect();
    kept.sort();
    assert_eq!(folder.spooled(), kept, "{context}: the spool");
}

/// Lets the left-overs of killed processes look old, and has them swept away.
pub(crate) fn sweep(folder: &Folder) {
    let long_ago = SystemTime::now() - Duration::from_hours(48);
    for name in folder.spooled() {
        let file = fs::File::open(folder.path(&format!("rollbook-data/spool/{name}"))).unwrap();
        file.set_modified(long_ago).unwrap();
    }
    super::go_on(folder);
}
