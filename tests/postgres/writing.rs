//! What several processes do at once with objects and their types: no write is lost, no value is given twice, and no index
//! misses an object.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rollbook::filter::Filter;
use rollbook::object::{Object, Visible, write_key};
use rollbook::repository::{Repository, StoredType, Written};
use rollbook::schema::TypeName;
use serde_json::{Value, json};

use super::stores::{PROCESSES, Processes};

fn name() -> TypeName {
    "managed/thing".parse().unwrap()
}

fn definition(code: Value) -> Value {
    let id = json!({"type": "string", "policies": [{"policyId": "unique"}]});
    json!({"name": "thing", "schema": {"properties": {"id": id, "code": code, "note": {"type": "string"}}}})
}

fn string() -> Value {
    json!({"type": "string"})
}

fn unique() -> Value {
    json!({"type": "string", "policies": [{"policyId": "unique"}]})
}

fn things() -> Processes {
    let processes = Processes::new();
    processes.one().apply_types(&[definition(string())]).unwrap();
    processes
}

fn stored(repository: &Repository) -> StoredType {
    repository.object_type(&name()).unwrap().unwrap()
}

fn document(id: &str, code: &str, note: u64) -> String {
    format!("[0,\"{id}\",\"{code}\",\"{note}\"]")
}

/// Does it again until nobody has been faster.
fn insist(repository: &Repository, write: impl Fn(&StoredType) -> Written) -> Written {
    loop {
        match write(&stored(repository)) {
            Written::Outdated => {}
            other => return other,
        }
    }
}

fn is_done(written: &Written) -> bool {
    matches!(written, Written::Done(_))
}

/// Every index has the keys of all objects and no others, and there is an object for each of them.
#[track_caller]
fn assert_keys_are_right(processes: &Processes) {
    let (repository, stored) = (processes.one(), stored(processes.one()));
    let mut objects = Vec::new();
    let mut look = processes.folder.look();
    let rows = format!("SELECT number, document FROM object WHERE object_type = {}", stored.number);
    for row in look.rows(&rows) {
        let [Some(number), Some(document)] = row.as_slice() else { panic!("{row:?}") };
        objects.push((number.clone(), document.clone()));
    }
    for index in &stored.indexes {
        let positions =
            index.properties.iter().map(|path| stored.object_type.property(path).unwrap().position as usize);
        let positions: Vec<usize> = positions.collect();
        let mut key = String::new();
        let mut hash_of = |document: &str| {
            write_key(document, &positions, &mut key).then(|| repository.hashes().key(&key).cast_signed().to_string())
        };
        let keys = objects.iter().filter_map(|(number, document)| Some((number.clone(), hash_of(document)?)));
        let expected: BTreeSet<(String, String)> = keys.collect();
        let pairs = format!("SELECT object, hash FROM key_pair WHERE key_index = {}", index.number);
        let pairs = look.rows(&pairs);
        let count = pairs.len();
        let found: BTreeSet<(String, String)> =
            pairs.into_iter().map(|row| (row[0].clone().unwrap(), row[1].clone().unwrap())).collect();
        assert!(found == expected, "{:?}: {} of {}", index.properties, found.len(), expected.len());
        assert_eq!(count, expected.len(), "{:?}", index.properties);
    }
}

#[test]
fn one_of_all_has_a_unique_value() {
    let processes = things();
    for round in 0..20 {
        let document = document(&round.to_string(), "c", 0);
        let written =
            processes.at_once(|_, repository| repository.create_object(&stored(repository), None, &document).unwrap());
        let taken = Written::Taken(vec!["id".to_owned()]);
        assert_eq!(written.iter().filter(|written| is_done(written)).count(), 1, "{written:?}");
        assert_eq!(written.iter().filter(|written| **written == taken).count(), PROCESSES - 1, "{written:?}");
    }
    assert_keys_are_right(&processes);
}

#[test]
fn one_of_all_has_a_chosen_id() {
    let processes = things();
    for round in 0..20 {
        let written = processes.at_once(|process, repository| {
            let document = document(&format!("{round} of {process}"), "c", 0);
            repository.create_object(&stored(repository), Some(&round.to_string()), &document).unwrap()
        });
        assert_eq!(written.iter().filter(|written| is_done(written)).count(), 1, "{written:?}");
        assert_eq!(written.iter().filter(|written| **written == Written::Exists).count(), PROCESSES - 1);
    }
    assert_keys_are_right(&processes);
}

/// Two objects that exchange their values, and others that want them too.
#[test]
fn values_go_from_one_object_to_another() {
    let processes = things();
    let create = |process: usize| {
        let stored = stored(processes.one());
        let document = document(&process.to_string(), &process.to_string(), 0);
        match processes.one().create_object(&stored, Some(&format!("object {process}")), &document).unwrap() {
            Written::Done(object) => object.id,
            other => panic!("{other:?}"),
        }
    };
    let ids: Vec<String> = (0..PROCESSES).map(create).collect();
    processes.one().apply_types(&[definition(unique())]).unwrap();
    processes.at_once(|process, repository| {
        for turn in 0..30 {
            let stored = stored(repository);
            let mine = repository.object(&stored, &ids[process]).unwrap().unwrap();
            // Any value, of which all have as many as there are objects and some more; the two go opposite ways.
            let (id, code) =
                ((process + turn) % (PROCESSES + 3), (process + PROCESSES + 3 - turn % 7) % (PROCESSES + 3));
            let written =
                repository.replace_object(&stored, &mine, &document(&id.to_string(), &code.to_string(), 0)).unwrap();
            assert!(matches!(written, Written::Done(_) | Written::Taken(_)), "{written:?}");
        }
    });
    let mut codes = BTreeSet::new();
    let stored = stored(processes.one());
    for object in processes.one().objects(&stored, 0, 99).unwrap().objects {
        assert!(codes.insert(object.cell(&stored.object_type, "code")), "{codes:?}");
    }
    assert_keys_are_right(&processes);
}

#[test]
fn no_write_is_lost() {
    let processes = things();
    let first = processes.one().create_object(&stored(processes.one()), None, &document("a", "c", 0)).unwrap();
    let Written::Done(Object { id, .. }) = first else { panic!("{first:?}") };
    let turns = 25;
    processes.at_once(|_, repository| {
        for _ in 0..turns {
            let written = insist(repository, |stored| {
                let now = repository.object(stored, &id).unwrap().unwrap();
                let note: u64 = now.cell(&stored.object_type, "note").parse().unwrap();
                repository.replace_object(stored, &now, &document("a", "c", note + 1)).unwrap()
            });
            assert!(is_done(&written), "{written:?}");
        }
    });
    let stored = stored(processes.one());
    let last = processes.one().object(&stored, &id).unwrap().unwrap();
    let writes = (PROCESSES * turns) as u64;
    assert_eq!((last.revision, last.cell(&stored.object_type, "note")), (1 + writes, writes.to_string()));
    assert_keys_are_right(&processes);
}

/// Writes objects with so many codes without a pause until it is told to stop, and says how many are there then.
fn write_on(process: usize, repository: &Repository, codes: u64, is_over: &AtomicBool) -> usize {
    let mut ids: Vec<String> = Vec::new();
    let mut turn = 0;
    while !is_over.load(Ordering::Relaxed) {
        turn += 1;
        let document = document(&format!("{process}/{turn}"), &format!("{process}/{}", turn % codes), turn);
        let at = usize::try_from(turn).unwrap() * 7 % (ids.len() + 1);
        let now = |stored: &StoredType| repository.object(stored, &ids[at]).unwrap().unwrap();
        let written = insist(repository, |stored| match turn % 4 {
            2 if at < ids.len() => repository.replace_object(stored, &now(stored), &document).unwrap(),
            3 if at < ids.len() => repository.delete_object(stored, &now(stored)).unwrap(),
            _ => repository.create_object(stored, None, &document).unwrap(),
        });
        match written {
            Written::Done(object) if ids.contains(&object.id) => {
                if turn % 4 == 3 {
                    ids.retain(|id| *id != object.id);
                }
            }
            Written::Done(object) => ids.push(object.id),
            other => panic!("{other:?}"),
        }
    }
    ids.len()
}

/// While all others write, one does this; in the end everything is there, and so are its keys.
fn while_all_others_write(codes: u64, work: impl Fn(&Repository) + Sync) -> Processes {
    let processes = things();
    let is_over = AtomicBool::new(false);
    let written = processes.at_once(|process, repository| {
        if process > 0 {
            return write_on(process, repository, codes, &is_over);
        }
        let done = catch_unwind(AssertUnwindSafe(|| work(repository)));
        is_over.store(true, Ordering::Relaxed);
        done.unwrap();
        0
    });
    let there = processes.one().object_count(&stored(processes.one())).unwrap();
    assert_eq!(there, written.iter().sum::<usize>() as u64);
    assert_keys_are_right(&processes);
    processes
}

#[test]
fn an_index_that_is_built_misses_no_object() {
    let processes = while_all_others_write(50, |repository| {
        for correlation in [&["code"][..], &["note"], &["code", "note"], &["id", "note"]] {
            thread::sleep(Duration::from_millis(200));
            let correlation: Vec<String> = correlation.iter().map(|path| (*path).to_owned()).collect();
            let _lease = repository.lease(&name()).unwrap().unwrap();
            let stored = repository.prepare_type(&name(), &[], &correlation).unwrap();
            assert!(stored.index(&correlation).is_some_and(|index| !index.is_empty));
        }
    });
    assert_eq!(stored(processes.one()).indexes.len(), 5);
}

#[test]
fn a_type_changes_while_objects_are_written() {
    let changes = AtomicU64::new(0);
    let processes = while_all_others_write(50, |repository| {
        for more in 0..8 {
            thread::sleep(Duration::from_millis(100));
            let mut definition = definition(string());
            definition["schema"]["properties"][format!("more{more}")] = string();
            repository.apply_types(&[definition]).unwrap();
            changes.fetch_add(1, Ordering::Relaxed);
        }
    });
    assert_eq!(stored(processes.one()).version, 1 + changes.into_inner());
}

#[test]
fn a_property_becomes_unique_while_objects_are_written() {
    let processes = while_all_others_write(u64::MAX, |repository| {
        let lease = repository.lease(&name()).unwrap().unwrap();
        repository.prepare_type(&name(), &[], &["code".to_owned()]).unwrap();
        drop(lease);
        thread::sleep(Duration::from_millis(200));
        repository.apply_types(&[definition(unique())]).unwrap();
        thread::sleep(Duration::from_millis(200));
    });
    let mut look = processes.folder.look();
    for index in stored(processes.one()).indexes {
        let ties = format!("SELECT count(*) FROM key_pair WHERE key_index = {} AND tie <> 0", index.number);
        assert_eq!(look.rows(&ties), [[Some("0".to_owned())]], "{:?}", index.properties);
    }
    let written = processes.at_once(|process, repository| {
        let document = document(&format!("last {process}"), "last", 0);
        repository.create_object(&stored(repository), None, &document).unwrap()
    });
    assert_eq!(written.iter().filter(|written| is_done(written)).count(), 1, "{written:?}");
}

/// An import goes over the same objects: whoever comes second looks again, so that every write counts once.
#[test]
fn imports_and_other_writes_meet() {
    const THINGS: usize = 400;
    let processes = things();
    let stored_type = stored(processes.one());
    for n in 0..THINGS / 2 {
        let written = processes.one().create_object(&stored_type, None, &document(&n.to_string(), "c", 0)).unwrap();
        assert!(is_done(&written));
    }
    let (is_over, replaced) = (AtomicBool::new(false), AtomicU64::new(0));
    let counts = processes.at_once(|process, repository| {
        if process == 0 {
            let counts: Vec<(u64, u64)> = (0..3).map(|round| import(&processes, round, THINGS)).collect();
            is_over.store(true, Ordering::Relaxed);
            return counts;
        }
        let mut turn = process;
        while !is_over.load(Ordering::Relaxed) {
            turn = turn * 31 % 997;
            let stored = stored(repository);
            let page = repository.objects(&stored, turn as i64 % (THINGS as i64 / 2), 1).unwrap();
            let Some(object) = page.objects.first() else { continue };
            let note: u64 = object.cell(&stored.object_type, "note").parse().unwrap_or(0);
            let (id, code) = (object.cell(&stored.object_type, "id"), object.cell(&stored.object_type, "code"));
            let written = repository.replace_object(&stored, object, &document(&id, &code, note + 1)).unwrap();
            assert!(matches!(written, Written::Done(_) | Written::Outdated), "{written:?}");
            replaced.fetch_add(u64::from(is_done(&written)), Ordering::Relaxed);
            thread::sleep(Duration::from_millis(5));
        }
        Vec::new()
    });
    let (created, updated) = counts.iter().flatten().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    let stored = stored(processes.one());
    let objects = processes.one().objects(&stored, 0, 9999).unwrap().objects;
    assert_eq!((objects.len(), created), (THINGS, THINGS as u64 / 2));
    let (mut notes, mut revisions) = (0, 0);
    for object in &objects {
        revisions += object.revision - 1;
        notes += object.cell(&stored.object_type, "note").parse::<u64>().unwrap_or(0);
        assert_eq!(object.cell(&stored.object_type, "code"), "2");
    }
    let replaced = replaced.into_inner();
    assert!(replaced > 0);
    assert_eq!((notes, revisions), (replaced, replaced + updated));
    assert_keys_are_right(&processes);
}

/// Imports ids and codes, of which notes know nothing, and says how many were created and updated.
fn import(processes: &Processes, round: usize, things: usize) -> (u64, u64) {
    let records: String = (0..things).map(|n| format!("{n},{round}\n")).collect();
    let file = processes.folder.path("things.csv");
    std::fs::write(&file, format!("id,code\n{records}")).unwrap();
    let account = processes.folder.account("import things.csv --into managed/thing --unique id");
    let count = |name: &str| {
        let counted = account.split(", ").find_map(|part| part.strip_prefix(name));
        counted.map_or(0, |number| number.trim().parse().unwrap())
    };
    assert!(account.starts_with("exit 0") && count("total ") == things as u64, "{account}");
    (count("created "), count("updated "))
}

/// Numbers that nobody has used are not looked at one by one.
#[test]
fn a_search_goes_over_gaps() {
    let processes = things();
    let (repository, stored) = (processes.one(), stored(processes.one()));
    for n in 0..6 {
        let written = repository.create_object(&stored, None, &document(&n.to_string(), "c", 0)).unwrap();
        assert!(is_done(&written));
        let skip = format!("UPDATE counter SET next = next + 1000000000 WHERE name = 'object {}'", stored.number);
        processes.folder.look().run(&skip);
    }
    let filter = Filter::parse("code eq 'c'").unwrap();
    let search = repository.search(&stored, &filter, Visible::Public).unwrap();
    let (mut found, mut after, mut steps) = (0, Some(0), 0);
    while let Some(start) = after {
        let page = repository.step(&stored, &search, start, 4).unwrap();
        (found, after, steps) = (found + page.found.len(), page.next, steps + 1);
    }
    assert_eq!((found, steps), (6, 2));
}

/// The value is nobody's any more at the moment when its place is found to be taken: it gets the place, where everybody
/// who puts the same value looks.
#[test]
fn a_value_gets_the_place_that_comes_free() {
    let processes = things();
    let repository = processes.one();
    let stored = stored(repository);
    let document = document("value", "c", 0);
    let Written::Done(object) = repository.create_object(&stored, None, &document).unwrap() else { panic!("taken") };
    let mut look = processes.folder.look();
    let unique = stored.index(&["id".to_owned()]).unwrap().number;
    let hash = look.number(&format!("SELECT hash FROM key_pair WHERE key_index = {unique}"));
    assert!(is_done(&repository.delete_object(&stored, &object).unwrap()));
    // Of an object that is gone.
    look.run(&format!("INSERT INTO key_pair (key_index, hash, tie, object) VALUES ({unique}, {hash}, 0, 999)"));
    let place = format!("FROM key_pair WHERE key_index = {unique} AND hash = {hash} AND tie = 0");
    look.run(&format!("BEGIN; SELECT 1 {place} FOR UPDATE"));
    let written = thread::scope(|scope| {
        let writing = scope.spawn(|| repository.create_object(&stored, None, &document).unwrap());
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let mut other = processes.folder.look();
        while other.number(waits) == 0 && !writing.is_finished() {
            thread::sleep(Duration::from_millis(5));
        }
        look.run(&format!("DELETE {place}; COMMIT"));
        writing.join().unwrap()
    });
    assert!(is_done(&written), "{written:?}");
    assert_eq!(look.number(&format!("SELECT count(*) {place}")), 1);
}

/// A server that does not know what became of a COMMIT is asked, and what was not done is done again.
#[test]
fn a_commit_that_is_in_doubt_is_asked_about() {
    let processes = things();
    // The first one fails so, at the very end.
    processes.folder.look().run(
        "CREATE SEQUENCE doubts; \
         CREATE FUNCTION doubt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         IF nextval('doubts') = 1 THEN RAISE EXCEPTION 'who knows' USING ERRCODE = '40003'; END IF; \
         RETURN NULL; END $$; \
         CREATE CONSTRAINT TRIGGER doubts AFTER INSERT ON object DEFERRABLE INITIALLY DEFERRED \
         FOR EACH ROW EXECUTE FUNCTION doubt()",
    );
    let repository = processes.one();
    let written = repository.create_object(&stored(repository), None, &document("value", "c", 0)).unwrap();
    assert!(is_done(&written), "{written:?}");
    assert_eq!(processes.folder.look().number("SELECT last_value FROM doubts"), 2);
    assert_eq!(processes.folder.look().number("SELECT count(*) FROM object"), 1);
    assert_keys_are_right(&processes);
}
