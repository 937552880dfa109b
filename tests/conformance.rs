//! What a repository is: every backend must pass these checks, and nothing else may be expected of one.
//!
//! A check is a plain function. It gets a repository to which nothing was done yet, and the way by which other processes
//! come to the same one.

mod drop_folders;
mod imports;
mod keys;
mod ledger;
mod objects;
mod prefixes;
pub(crate) mod reports;
mod runs;
mod searches;
mod sessions;
mod tokens;
mod types;
mod writing;

use std::panic::{self, AssertUnwindSafe};

use crate::database::Backend;
use crate::harness::Folder;
use rollbook::app::App;
use rollbook::clock;
use rollbook::failure::Failure;
use rollbook::import::{Counts, Import, ImportId, State};
use rollbook::plan::{BlankCells, Caller, ColumnRules, DuplicateKeys, OnFailure, Origin, Plan};
use rollbook::repository::{Mode, ObjectNumber, Repository, Session, Settled, StoredType};
use rollbook::schema::TypeName;
use serde_json::{Value, json};

/// Opens the repository once more.
type Open<'a> = &'a dyn Fn() -> Repository;

type Check = fn(&Repository, Open<'_>);

const CHECKS: &[(&str, Check)] = &[
    ("a session sees its own puts", sessions::sees_its_own_puts),
    ("a commit is all or nothing", sessions::commits_all_or_nothing),
    ("a session that is dropped leaves nothing", sessions::dropped_leaves_nothing),
    ("a session rolled back starts anew", sessions::rolls_back),
    ("a session sees what others have committed", sessions::sees_what_others_have_committed),
    ("a dry run leaves its report and nothing else", sessions::dry_run_leaves_its_report),
    ("a dry run looks at one moment", sessions::dry_run_looks_at_one_moment),
    ("fingerprints are kept and forgotten", sessions::fingerprints),
    ("keys are shared, removed and added again", keys::shared_and_removed),
    ("an index grows", keys::grows),
    ("an index grows in a dry run too", keys::grows_in_a_dry_run),
    ("an index is built when it is asked for", keys::built_when_asked_for),
    ("ids find their objects", objects::ids_find_their_objects),
    ("pages are complete and in order", objects::pages),
    ("an update keeps the id and raises the revision", objects::updates),
    ("all objects are read as of one moment", objects::read_as_of_one_moment),
    ("indexes find what a filter chooses", searches::indexed),
    ("a search goes on while others write", searches::while_others_write),
    ("a search in one moment sees nothing of what others write", searches::in_one_moment),
    ("a search finds what the filter says", searches::as_the_filter_says),
    ("an index finds texts by how they begin", prefixes::as_the_filter_says),
    ("an index is asked for beginnings only where it helps", prefixes::only_where_it_helps),
    ("who wrote an object last is known", objects::last_writer),
    ("imports are queued together, oldest first", imports::queue),
    ("an import is kept as it is", imports::kept_as_it_is),
    ("a request with a key is answered once", imports::answered_once),
    ("an import begins anew or is resumed", imports::begin_anew_or_resume),
    ("an import ends once and for all", imports::end),
    ("a lease is exclusive", imports::lease),
    ("a cancel mark stays until the end", imports::cancel_mark),
    ("an import that waits is cancelled", imports::cancel_queued),
    ("failures come page by page", imports::failures),
    ("failures and bytes are purged", imports::purge),
    ("imports are looked up together", imports::look_up_together),
    ("cancel marks are swept", imports::sweep_cancel_marks),
    ("imports come page by page", imports::page_by_page),
    ("an import is deleted, its objects stay", imports::delete),
    ("failures are counted in groups", reports::groups_are_counted),
    ("failures of a dry run are counted in groups", reports::groups_of_a_dry_run),
    ("failures are found by what is wrong", reports::failures_are_found),
    ("imports come latest first, of each kind", reports::latest_first),
    ("imports of many types come latest first", reports::many_types),
    ("milestones and samples are kept", reports::milestones_and_samples),
    ("warnings are noted", runs::warnings_are_noted),
    ("a run is claimed once", runs::claimed_once),
    ("a run goes on step by step", runs::step_by_step),
    ("the last run of a date is known", runs::last_of_a_date),
    ("a file and its import are noted together", runs::import_and_note_together),
    ("bytes are needed until the file is filed", runs::bytes_are_needed_until_filed),
    ("files with the very same bytes are known", runs::identical_files),
    ("callbacks wait until they are made", runs::callbacks),
    ("the lease of a place is exclusive", runs::lease_of_a_place),
    ("drop folders are put together", drop_folders::put_all_or_none),
    ("drop folders are put with what is made up", drop_folders::put_with_what_is_made_up),
    ("a drop folder goes with what was made up for it", drop_folders::remove),
    ("a drop folder is paused, and nothing else changes", drop_folders::pause),
    ("runs come page by page", ledger::page_by_page),
    ("runs are counted by what became of them", ledger::totals),
    ("callbacks are counted that did not arrive", ledger::undelivered),
    ("a type is applied and rises in version", types::versions),
    ("positions are never used again", types::positions),
    ("a type does not become what objects cannot be", types::refuses_what_objects_cannot_be),
    ("what was never declared does not become a property", types::refuses_what_was_never_declared),
    ("types are applied together", types::all_or_none),
    ("a type with an import under way stays", types::busy),
    ("changes of a type wait for each other", types::changed_by_many),
    ("tokens are kept as they are", tokens::kept_as_they_are),
    ("no two tokens share a name or a secret", tokens::names_and_secrets_are_not_shared),
    ("tokens expire", tokens::expire),
    ("a token takes the place of another", tokens::replaced),
    ("a token is revoked", tokens::revoked),
    ("a type without a schema takes columns", types::columns),
    ("an import that is all or nothing keeps its columns", types::columns_of_an_atomic_import),
    ("objects are written one by one", writing::one_by_one),
    ("only what was seen is written", writing::only_what_was_seen),
    ("ids may be chosen", writing::chosen_ids),
    ("keys follow the objects", writing::keys_follow),
    ("a unique value is one object's", writing::unique),
    ("fingerprints are cleared by other writes", writing::fingerprints_are_cleared),
    ("numbers are not used again", writing::numbers_are_not_used_again),
    ("writing extends a type without a schema", writing::columns_of_an_open_type),
];

#[test]
fn sqlite() {
    check_all(Backend::Sqlite);
}

/// The distribution's.
#[test]
fn postgres() {
    check_all(Backend::Postgres);
}

#[test]
fn postgres_new() {
    check_all(Backend::PostgresNew);
}

/// Checks on an installation each, and says of all that fail which they are.
#[track_caller]
fn check_all(backend: Backend) {
    let failed = CHECKS.iter().filter(|(name, check)| {
        let folder = Folder::on(backend);
        let open = || folder.installation().repository;
        // What it says follows its name.
        println!("{name}");
        panic::catch_unwind(AssertUnwindSafe(|| check(&open(), &open))).is_err()
    });
    let failed: Vec<&str> = failed.map(|(name, _)| *name).collect();
    assert!(failed.is_empty(), "{} of {} checks failed: {failed:#?}", failed.len(), CHECKS.len());
}

/// The hashes of keys and fingerprints come from a secret, which an installation has for good and no other one has.
#[test]
fn the_secret_of_an_installation_is_its_own() {
    for backend in [Backend::Sqlite, Backend::Postgres, Backend::PostgresNew] {
        let [one, other] = [(); 2].map(|()| Folder::on(backend));
        let key = |folder: &Folder| {
            let hashes = folder.installation().repository.hashes();
            (hashes.key("\"a\"\0"), hashes.context("a"))
        };
        assert_eq!(key(&one), key(&one));
        assert_ne!(key(&one), key(&other));
    }
}

/// An older program must not touch what a newer one has made.
#[test]
fn a_newer_form_is_refused() {
    let folder = Folder::on(Backend::Sqlite);
    let config = || folder.config();
    drop(App::open(config()).unwrap());
    let conn = rusqlite::Connection::open(config().repository.file().unwrap()).unwrap();
    let form: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    conn.pragma_update(None, "user_version", 1_000_000).unwrap();
    let error = App::open(config()).expect_err("a newer form");
    assert!(error.message().contains("use a newer rollbook"), "{error}");
    conn.pragma_update(None, "user_version", form).unwrap();
    drop(App::open(config()).unwrap());
}

/// What was stored in an older form is found again: its keys had other hashes.
#[test]
fn an_older_form_is_brought_up_to_date() {
    let import = "import users.csv --into managed/user --unique userName";
    let users = "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,b@example.com\nscarter,Sam,Carter,s@example.com\n";
    let folder = Folder::on(Backend::Sqlite).file("users.csv", users).after(import);
    let conn = rusqlite::Connection::open(folder.path("rollbook-data/rollbook.db")).unwrap();
    let forget_keys = "SELECT group_concat('DELETE FROM key_' || number, '; ') FROM key_index";
    let forget_keys: String = conn.query_row(forget_keys, [], |row| row.get(0)).unwrap();
    conn.execute_batch(&forget_keys).unwrap();
    conn.execute_batch(
        "DROP TABLE token; DROP TABLE idempotency; DROP TABLE chosen_id; ALTER TABLE import DROP COLUMN structure; \
         DROP TABLE callback_attempt; DROP TABLE callback; DROP TABLE run_file; DROP TABLE run; DROP TABLE drop_folder; \
         DROP TABLE drop_folder_state; ALTER TABLE import DROP COLUMN cancelled_by; DROP TABLE sign_in; \
         DROP INDEX import_of_kind; DROP INDEX import_in_state; DROP INDEX import_begin; \
         ALTER TABLE import DROP COLUMN origin; ALTER TABLE import DROP COLUMN milestones; \
         DROP TABLE failure_group; DROP TABLE failure_rows; DROP TABLE import_samples; PRAGMA user_version = 1",
    )
    .unwrap();
    drop(conn);
    assert_eq!(folder.account(import), "exit 0, unchanged 2, total 2");
    let other = "userName,givenName,sn,mail\nscarter,Sara,Carter,sara@example.com\n";
    let account = folder.file("other.csv", other).account("import other.csv --into managed/user --unique mail");
    assert!(account.contains("'scarter' is taken"), "{account}");
}

/// Failures of an import of an older form are in groups from then on, and the import is found by its door.
#[test]
fn failures_of_an_older_form_are_grouped() {
    let users = "userName,givenName,sn,mail\na,A,A,a@example.com\nb,B,B,none\nc,,C,none\nd,D\n";
    let folder =
        Folder::on(Backend::Sqlite).file("users.csv", users).after_refusal("--into managed/user --unique userName");
    let id = folder.last_import().parse().unwrap();
    let groups = folder.installation().repository.failure_groups(id).unwrap();
    assert_eq!(groups.iter().map(|group| group.failures).collect::<Vec<_>>(), [2, 1, 1]);
    let conn = rusqlite::Connection::open(folder.path("rollbook-data/rollbook.db")).unwrap();
    conn.execute_batch(
        "DROP TABLE sign_in; DROP INDEX import_of_kind; DROP INDEX import_in_state; DROP INDEX import_begin; \
         ALTER TABLE import DROP COLUMN origin; ALTER TABLE import DROP COLUMN milestones; \
         DROP TABLE failure_group; DROP TABLE failure_rows; DROP TABLE import_samples; PRAGMA user_version = 3",
    )
    .unwrap();
    drop(conn);
    reports::must_be_as_it_was(&folder.installation().repository, id, &groups);
}

/// A dry run whose report could not be stored tries again, and is a dry run still.
#[test]
fn a_dry_run_stays_one_when_its_report_fails() {
    let folder = Folder::on(Backend::Sqlite);
    let config = || folder.config();
    let repository = App::open(config()).unwrap().repository;
    let (stored, conn) = (thing(&repository), rusqlite::Connection::open(config().repository.file().unwrap()).unwrap());
    let import = queued(&repository);
    let mut session = repository.session(&stored, &import, Mode::DryRun).unwrap();
    session.begin().unwrap();
    put(&repository, &mut session, &stored, "a", "x");
    session.fail(failure(3));
    conn.execute_batch("CREATE TRIGGER full BEFORE INSERT ON failure BEGIN SELECT RAISE(ABORT, 'full'); END").unwrap();
    let settled = || Settled { counts: Counts { total: 2, ..Counts::default() }, records: 2, ..Settled::default() };
    assert!(session.commit(settled()).is_err());
    conn.execute_batch("DROP TRIGGER full").unwrap();
    session.commit(settled()).unwrap();
    assert_eq!(repository.failed_rows(import.id).unwrap(), [3]);
    assert_eq!(repository.object_count(&stored).unwrap(), 0);
    drop(session);
    let mut later = self::session(&repository, &stored, &import);
    assert!(holders(&repository, &mut later, index(&stored, "id"), "a").is_empty());
}

/// The type of the checks: a unique id and a code that may be shared.
pub(crate) fn thing(repository: &Repository) -> StoredType {
    apply(
        repository,
        json!({"id": {"type": "string", "policies": [{"policyId": "unique"}]}, "code": {"type": "string"}}),
    )
}

fn apply(repository: &Repository, properties: Value) -> StoredType {
    repository.apply_types(&[definition("thing", properties)]).unwrap().remove(0).0
}

fn definition(name: &str, properties: Value) -> Value {
    json!({"name": name, "schema": {"properties": properties}})
}

fn type_name(name: &str) -> TypeName {
    name.parse().unwrap()
}

/// An import into things, queued.
pub(crate) fn queued(repository: &Repository) -> Import {
    let import = import("managed/thing");
    repository.queue(std::slice::from_ref(&import)).unwrap();
    import
}

pub(crate) fn import(object_type: &str) -> Import {
    Import {
        id: ImportId::random(),
        plan: Plan {
            object_type: type_name(object_type),
            correlation: vec!["id".to_owned()],
            on_failure: OnFailure::SkipRecord,
            blank_cells: BlankCells::Clear,
            duplicate_keys: DuplicateKeys::FailLater,
            date_formats: vec!["yyyy-MM-dd".to_owned()],
            time_zone: "UTC".to_owned(),
            max_records: 7,
            columns: ColumnRules::default(),
            null_token: None,
            create_missing: true,
            encoding: None,
            gzip_only: false,
            dropped: None,
            origin: Origin::Cli,
            caller: Caller { auth_id: "Bjørn 'B' \"Ö\"".to_owned(), authz_component: "cli".to_owned() },
            dry_run: false,
        },
        filename: "things, and\nmore.csv".to_owned(),
        header: vec!["id".to_owned(), "code, \"kind\"".to_owned()],
        state: State::Queued,
        begin: clock::now(),
        started: None,
        counts: Counts::default(),
        warnings: Vec::new(),
        settled: 0,
        size: 4711,
        structure: None,
        spool_purged: false,
        failures_purged: false,
        revision: 1,
    }
}

pub(crate) fn session(repository: &Repository, stored: &StoredType, import: &Import) -> Session {
    let mut session = repository.session(stored, import, Mode::Write).unwrap();
    session.begin().unwrap();
    session
}

/// The place of the index over this property.
pub(crate) fn index(stored: &StoredType, property: &str) -> usize {
    stored.indexes.iter().position(|index| index.properties == [property]).unwrap()
}

/// Puts a thing with its keys.
pub(crate) fn put(
    repository: &Repository,
    session: &mut Session,
    stored: &StoredType,
    id: &str,
    code: &str,
) -> ObjectNumber {
    let number = session.create(&document(id, code));
    for (property, value) in [("id", id), ("code", code)] {
        if let Some(index) = stored.indexes.iter().position(|index| index.properties == [property]) {
            session.add_key(index, hash(repository, value), number);
        }
    }
    number
}

pub(crate) fn document(id: &str, code: &str) -> String {
    format!("[0,\"{id}\",\"{code}\"]")
}

pub(crate) fn hash(repository: &Repository, value: &str) -> u64 {
    repository.hashes().key(&format!("\"{value}\"\0"))
}

/// The objects with this value, sorted.
pub(crate) fn holders(repository: &Repository, session: &mut Session, index: usize, value: &str) -> Vec<ObjectNumber> {
    let hash = hash(repository, value);
    session.prefetch(index, &mut [hash]).unwrap();
    let mut holders: Vec<ObjectNumber> = session.holders(index, hash).collect();
    holders.sort_unstable();
    holders
}

/// Commits as many records as created.
pub(crate) fn commit(session: &mut Session, created: u64) {
    let counts = Counts { total: created, created, ..Counts::default() };
    session.commit(Settled { counts, records: created, ..Settled::default() }).unwrap();
}

/// Commits things with these ids.
fn committed(repository: &Repository, stored: &StoredType, ids: &[&str]) -> Import {
    let import = queued(repository);
    let mut session = session(repository, stored, &import);
    for id in ids {
        put(repository, &mut session, stored, id, "c");
    }
    commit(&mut session, ids.len() as u64);
    import
}

fn failure(row: u64) -> Failure {
    Failure {
        row,
        cells: vec![format!("cell {row}"), "=1+1, \"quoted\"\n".to_owned()],
        problem: json!({"code": 403, "message": format!("row {row}"), "detail": {"z": 1, "a": [null, 1.5]}}),
    }
}
