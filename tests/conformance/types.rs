//! Object types as they come and change.

use std::sync::Barrier;
use std::thread;

use rollbook::error::Kind;
use rollbook::import::Import;
use rollbook::plan::{OnFailure, Plan};
use rollbook::repository::{Attempt, Repository, StoredType};
use serde_json::{Value, json};

use super::{Open, apply, commit, definition, holders, import, index, put, queued, session, thing, type_name};

fn string() -> Value {
    json!({"type": "string"})
}

fn unique() -> Value {
    json!({"type": "string", "policies": [{"policyId": "unique"}]})
}

fn position(stored: &StoredType, path: &str) -> u32 {
    stored.object_type.property(path).unwrap().position
}

pub(super) fn versions(repository: &Repository, open: Open<'_>) {
    let name = type_name("managed/thing");
    assert!(repository.object_type(&name).unwrap().is_none());
    let starters: Vec<String> =
        repository.object_types().unwrap().iter().map(|stored| stored.object_type.name().to_string()).collect();
    assert!(starters.is_sorted() && starters.contains(&"managed/user".to_owned()), "{starters:?}");
    assert_eq!(thing(repository).version, 1);
    let other = open();
    let second = apply(&other, json!({"id": unique(), "note": string()}));
    assert_eq!(second.version, 2);
    let stored = repository.object_type(&name).unwrap().unwrap();
    assert_eq!((stored.version, stored.number), (2, second.number));
    assert_eq!(stored.object_type.definition(), &definition("thing", json!({"id": unique(), "note": string()})));
    assert_eq!(repository.object_types().unwrap().len(), starters.len() + 1);
}

pub(super) fn positions(repository: &Repository, open: Open<'_>) {
    let first = thing(repository);
    let (id, code) = (position(&first, "id"), position(&first, "code"));
    assert!(id > 0 && code > 0 && id != code);
    let second = apply(repository, json!({"note": string(), "id": unique()}));
    assert_eq!(position(&second, "id"), id);
    assert!(![id, code].contains(&position(&second, "note")), "what code was is not used again");
    let third = apply(&open(), json!({"code": string(), "id": unique(), "note": string()}));
    assert_eq!((position(&third, "id"), position(&third, "code")), (id, code), "and is there when it comes back");
    assert_eq!(position(&third, "note"), position(&second, "note"));
}

pub(super) fn refuses_what_objects_cannot_be(repository: &Repository, _: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut session = session(repository, &stored, &import);
    for id in ["a", "b"] {
        put(repository, &mut session, &stored, id, "shared");
    }
    commit(&mut session, 2);
    drop(session);
    let error = repository.apply_types(&[definition("thing", json!({"id": unique(), "code": unique()}))]);
    assert_eq!(
        error.expect_err("they share it").message(),
        "'code' of managed/thing cannot become unique: 1 of its values are shared by several objects"
    );
    for properties in [
        json!({"id": unique(), "code": {"type": "number"}}),
        json!({"id": unique(), "code": unique()}),
        json!({"id": {"type": "boolean"}, "code": string()}),
    ] {
        let error = repository.apply_types(&[definition("thing", properties.clone())]).expect_err("cannot be");
        assert_eq!(error.kind(), Kind::Conflict, "{properties}: {error}");
    }
    let after = repository.object_type(&type_name("managed/thing")).unwrap().unwrap();
    assert_eq!((after.version, after.indexes.len()), (1, 1), "nothing of it stays");
    let shared = json!({"type": ["array", "string"]});
    apply(repository, json!({"id": unique(), "code": shared}));
    apply(repository, json!({"id": unique(), "code": string()}));
    // What nobody has a value of may change.
    apply(repository, json!({"id": unique(), "code": string(), "size": string()}));
    apply(repository, json!({"id": unique(), "code": string(), "size": {"type": "number"}}));
}

/// What was written without being declared was never judged.
pub(super) fn refuses_what_was_never_declared(repository: &Repository, _: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut session = session(repository, &stored, &import);
    for undeclared in [r#"{"more":1,"some":{"text":"a"}}"#, r#"{"more":"b"}"#, "0"] {
        let _ = session.create(&format!("[{undeclared},null,\"more\"]"));
    }
    commit(&mut session, 3);
    drop(session);
    let apply_with = |name: &str, property: Value| {
        let properties = json!({"id": unique(), "code": string(), name: property});
        repository.apply_types(&[definition("thing", properties)])
    };
    let nested = json!({"type": "object", "properties": {"text": string()}});
    for (name, property, path) in [
        ("more", string(), "'more' (2 of them)"),
        ("more", nested.clone(), "'more/text' (2 of them)"),
        ("some", nested, "'some/text' (1 of them)"),
    ] {
        let error = apply_with(name, property).expect_err(path);
        assert_eq!((error.kind(), error.message().ends_with(path)), (Kind::Conflict, true), "{error}");
    }
    apply_with("text", string()).unwrap();
    apply_with("some", json!({"type": "object", "properties": {"other": string()}})).unwrap();
}

pub(super) fn all_or_none(repository: &Repository, open: Open<'_>) {
    let good = definition("good", json!({"id": string()}));
    let bad = json!({"name": "bad", "schema": {"properties": 7}});
    assert!(repository.apply_types(&[good.clone(), bad]).is_err());
    assert!(repository.apply_types(&[good.clone(), good.clone()]).is_err(), "one name twice");
    assert!(open().object_type(&type_name("managed/good")).unwrap().is_none());
    let applied = repository.apply_types(&[good, definition("other", json!({"id": unique()}))]).unwrap();
    assert_eq!(applied.len(), 2);
    assert_eq!(index(&applied[1].0, "id"), 0, "a unique property has an index");
}

pub(super) fn busy(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let other = open();
    let lease = other.lease(&type_name("managed/thing")).unwrap().unwrap();
    assert!(other.start(queued(repository).id, Attempt::Anew).unwrap());
    let error = repository.apply_types(&[definition("thing", json!({"id": string()}))]).expect_err("busy");
    assert_eq!(error.kind(), Kind::Busy);
    drop(lease);
    apply(repository, json!({"id": string()}));
}

pub(super) fn changed_by_many(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let processes = [open(), open(), open()];
    let together = Barrier::new(processes.len());
    let change = |process: &Repository| {
        together.wait();
        for _ in 0..2 {
            apply(process, json!({"id": string()}));
        }
    };
    thread::scope(|scope| processes.iter().for_each(|process| drop(scope.spawn(move || change(process)))));
    let stored = repository.object_type(&type_name("managed/thing")).unwrap().unwrap();
    assert_eq!(stored.version, 7, "each of them came to its turn");
}

pub(super) fn columns(repository: &Repository, open: Open<'_>) {
    repository.apply_types(&[json!({"name": "anything"})]).unwrap();
    let name = type_name("managed/anything");
    let column = |name: &str| name.to_owned();
    let first = repository.prepare_type(&name, &[column("id"), column("a")], &[column("id")]).unwrap();
    assert_ne!(position(&first, "id"), position(&first, "a"));
    let stored = || repository.object_type(&name).unwrap().unwrap();
    assert!(stored().object_type.positions().is_empty(), "no object has a column yet");
    let both = open().prepare_type(&name, &[column("b"), column("id")], &[column("id")]).unwrap();
    assert_eq!((stored().indexes, stored().version), (first.indexes, both.version));
    assert_eq!(both.version, first.version, "it is the same type still");
}

/// An import that is all or nothing looks before it puts. Whoever brings other columns must find its own.
pub(super) fn columns_of_an_atomic_import(repository: &Repository, open: Open<'_>) {
    repository.apply_types(&[json!({"name": "anything"})]).unwrap();
    let name = type_name("managed/anything");
    let [id, code, size] = ["id", "code", "size"].map(str::to_owned);
    let first = repository.prepare_type(&name, &[id.clone(), code.clone()], std::slice::from_ref(&id)).unwrap();
    let import = import("managed/anything");
    let import = Import { plan: Plan { on_failure: OnFailure::RejectFile, ..import.plan.clone() }, ..import };
    repository.queue(std::slice::from_ref(&import)).unwrap();
    for is_kept in [false, true] {
        let mut session = session(repository, &first, &import);
        assert!(holders(repository, &mut session, 0, "a").is_empty());
        put(repository, &mut session, &first, "a", "x");
        session.end_round().unwrap();
        match is_kept {
            true => commit(&mut session, 1),
            false => session.roll_back().unwrap(),
        }
        drop(session);
        let stored = open().object_type(&name).unwrap().unwrap().object_type;
        assert_eq!(stored.positions().len(), if is_kept { first.object_type.positions().len() } else { 0 });
    }
    let second = open().prepare_type(&name, &[id.clone(), size, code], &[id]).unwrap();
    for path in ["id", "code"] {
        assert_eq!(position(&second, path), position(&first, path));
    }
    assert!(![position(&first, "id"), position(&first, "code")].contains(&position(&second, "size")));
}
