//! Objects, written one by one.

use rollbook::object::Object;
use rollbook::repository::{Attempt, Repository, StoredType, Written};
use serde_json::json;

use super::{
    Open, apply, commit, committed, definition, document, holders, import, index, put, queued, session, thing,
    type_name,
};

fn done(written: Written) -> Object {
    match written {
        Written::Done(object) => object,
        other => panic!("{other:?}"),
    }
}

fn create(repository: &Repository, stored: &StoredType, id: &str, code: &str) -> Object {
    done(repository.create_object(stored, None, &document(id, code)).unwrap())
}

pub(super) fn one_by_one(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = committed(repository, &stored, &["a"]);
    let imported = repository.objects(&stored, 0, 9).unwrap().objects.remove(0);
    assert_eq!(imported.import, Some(import.id.to_string()));
    let created = create(repository, &stored, "b", "x");
    assert_eq!((created.revision, created.import.as_deref(), created.document.as_str()), (1, None, "[0,\"b\",\"x\"]"));
    let other = open();
    assert_eq!(other.object(&stored, &created.id).unwrap().as_ref(), Some(&created));
    let replaced = done(other.replace_object(&stored, &imported, &document("a", "new")).unwrap());
    assert_eq!((&replaced.id, replaced.revision, &replaced.import), (&imported.id, 2, &None));
    assert_eq!(repository.object(&stored, &imported.id).unwrap(), Some(replaced.clone()));
    assert_eq!(done(repository.delete_object(&stored, &replaced).unwrap()), replaced);
    assert_eq!(other.object(&stored, &imported.id).unwrap(), None);
    assert_eq!(repository.objects(&stored, 0, 9).unwrap().objects, [created]);
    assert_eq!(repository.object_count(&stored).unwrap(), 1);
}

pub(super) fn only_what_was_seen(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let first = create(repository, &stored, "a", "x");
    let second = done(open().replace_object(&stored, &first, &document("a", "y")).unwrap());
    for written in [
        repository.replace_object(&stored, &first, &document("a", "z")).unwrap(),
        repository.delete_object(&stored, &first).unwrap(),
    ] {
        assert_eq!(written, Written::Outdated);
    }
    // The type is part of what was seen.
    let declared = json!({"id": {"type": "string"}, "code": {"type": "string"}, "more": {"type": "string"}});
    let now = apply(repository, declared);
    for written in [
        repository.replace_object(&stored, &second, &document("a", "z")).unwrap(),
        repository.delete_object(&stored, &second).unwrap(),
        repository.create_object(&stored, None, &document("b", "z")).unwrap(),
    ] {
        assert_eq!(written, Written::Outdated);
    }
    assert_eq!(repository.objects(&now, 0, 9).unwrap().objects, std::slice::from_ref(&second));
    done(repository.delete_object(&now, &second).unwrap());
    assert_eq!(repository.replace_object(&now, &second, &document("a", "z")).unwrap(), Written::Outdated);
    assert_eq!(repository.delete_object(&now, &second).unwrap(), Written::Outdated);
}

pub(super) fn chosen_ids(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let other_type = repository.apply_types(&[definition("other", json!({"id": {}}))]).unwrap().remove(0).0;
    let ours = create(repository, &stored, "x", "c").id;
    let near = format!("{}{}", &ours[..ours.len() - 1], if ours.ends_with('0') { '1' } else { '0' });
    let ids =
        ["bjensen", "Bjensen", "2f7a0bd1-6f4c-4b7d-9d5b-9b1f6a0c1f11", &near, "ÿ 'quoted' \"%\"", &"x".repeat(255)];
    for (at, id) in ids.iter().enumerate() {
        let created = repository.create_object(&stored, Some(id), &document(&at.to_string(), "c")).unwrap();
        assert_eq!(done(created).id, *id);
        assert_eq!(repository.create_object(&stored, Some(id), &document("new", "c")).unwrap(), Written::Exists);
    }
    assert_eq!(repository.create_object(&stored, Some(&ours), &document("new", "c")).unwrap(), Written::Exists);
    let other = open();
    for (at, id) in ids.iter().enumerate() {
        let found = other.object(&stored, id).unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.document), (*id, document(&at.to_string(), "c")));
        assert_eq!(other.object(&other_type, id).unwrap(), None);
    }
    let gone = other.object(&stored, ids[0]).unwrap().unwrap();
    done(other.delete_object(&stored, &gone).unwrap());
    assert_eq!(repository.object(&stored, ids[0]).unwrap(), None);
    let again = done(repository.create_object(&stored, Some(ids[0]), &document("0", "d")).unwrap());
    assert_eq!((again.id.as_str(), again.revision), (ids[0], 1));
    assert_eq!(again.revision, gone.revision);
    for written in [
        repository.replace_object(&stored, &gone, &document("0", "e")).unwrap(),
        repository.delete_object(&stored, &gone).unwrap(),
    ] {
        assert_eq!(written, Written::Outdated, "it is another object");
    }
    let listed: Vec<String> =
        repository.objects(&stored, 0, 99).unwrap().objects.into_iter().map(|object| object.id).collect();
    assert_eq!(listed, [&ours, ids[1], ids[2], &near, ids[4], ids[5], ids[0]]);
}

pub(super) fn keys_follow(repository: &Repository, open: Open<'_>) {
    thing(repository);
    let stored = repository.prepare_type(&type_name("managed/thing"), &[], &["code".to_owned()]).unwrap();
    let (id, code) = (index(&stored, "id"), index(&stored, "code"));
    let import = queued(repository);
    let held = |value: &str| {
        let other = open();
        let mut session = session(&other, &stored, &import);
        [id, code].map(|index| holders(&other, &mut session, index, value).len())
    };
    let object = create(repository, &stored, "a", "x");
    create(repository, &stored, "b", "x");
    assert_eq!((held("a"), held("x")), ([1, 0], [0, 2]));
    let object = done(repository.replace_object(&stored, &object, &document("c", "y")).unwrap());
    assert_eq!((held("a"), held("c"), held("x"), held("y")), ([0, 0], [1, 0], [0, 1], [0, 1]));
    let object = done(repository.replace_object(&stored, &object, "[0,\"c\"]").unwrap());
    assert_eq!((held("c"), held("y")), ([1, 0], [0, 0]));
    done(repository.delete_object(&stored, &object).unwrap());
    assert_eq!(held("c"), [0, 0]);
    let is_empty = || {
        let stored = repository.object_type(&type_name("managed/thing")).unwrap().unwrap();
        [id, code].map(|index| stored.indexes[index].is_empty)
    };
    assert_eq!(is_empty(), [false, false]);
    for object in repository.objects(&stored, 0, 9).unwrap().objects {
        done(repository.delete_object(&stored, &object).unwrap());
    }
    assert_eq!(is_empty(), [true, true]);
}

pub(super) fn unique(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    committed(repository, &stored, &["a"]);
    let imported = repository.objects(&stored, 0, 9).unwrap().objects.remove(0);
    let taken = || Written::Taken(vec!["id".to_owned()]);
    for document in [document("a", "x"), document("  a\\t", "x")] {
        assert_eq!(repository.create_object(&stored, None, &document).unwrap(), taken());
        assert_eq!(repository.taken(&stored, &document, None).unwrap(), ["id"]);
        assert_eq!(repository.taken(&stored, &document, Some(&imported)).unwrap(), [""; 0]);
    }
    let other = open();
    let second = create(&other, &stored, "b", "x");
    assert_eq!(other.replace_object(&stored, &second, &document("a", "x")).unwrap(), taken());
    assert_eq!(other.object(&stored, &second.id).unwrap(), Some(second.clone()));
    done(other.replace_object(&stored, &second, &document("b", "y")).unwrap());
    // No value is nobody's.
    for document in ["[0]", "[0,null,\"x\"]", "[0,\"\"]", "[0,\" \"]"] {
        for _ in 0..2 {
            done(repository.create_object(&stored, None, document).unwrap());
        }
    }
    done(repository.delete_object(&stored, &imported).unwrap());
    create(repository, &stored, "a", "x");
}

/// An object that somebody has written no longer equals the record it came from.
pub(super) fn fingerprints_are_cleared(repository: &Repository, _: Open<'_>) {
    let stored = thing(repository);
    let import = queued(repository);
    let mut session = session(repository, &stored, &import);
    let names: Vec<String> = (0..1500).map(|n| n.to_string()).collect();
    let numbers: Vec<i64> = names.iter().map(|name| put(repository, &mut session, &stored, name, "c")).collect();
    for number in &numbers {
        session.stamp(*number, 7).unwrap();
    }
    commit(&mut session, 1500);
    let objects = repository.objects(&stored, 0, 1500).unwrap().objects;
    done(repository.replace_object(&stored, &objects[3], &document("3", "new")).unwrap());
    done(repository.delete_object(&stored, &objects[1400]).unwrap());
    let created = create(repository, &stored, "new", "c");
    session.begin().unwrap();
    let found = holders(repository, &mut session, index(&stored, "id"), "new");
    let [created] = found.as_slice() else { panic!("{created:?}: {found:?}") };
    assert!(*created > numbers[1499]);
    for (number, fingerprint) in
        [(numbers[2], 7), (numbers[3], 0), (numbers[1399], 7), (numbers[1400], 0), (*created, 0)]
    {
        assert_eq!(session.fingerprint(number).unwrap(), fingerprint, "{number}");
    }
    // The session goes on from there.
    let next = put(repository, &mut session, &stored, "after", "c");
    assert!(next > *created);
    commit(&mut session, 1501);
    assert_eq!(repository.object_count(&stored).unwrap(), 1501);
}

/// Numbers are never given again, whatever is removed.
pub(super) fn numbers_are_not_used_again(repository: &Repository, _: Open<'_>) {
    let stored = thing(repository);
    let mut last = String::new();
    for _ in 0..5 {
        let object = create(repository, &stored, "a", "c");
        assert!(object.id > last, "{} after {last}", object.id);
        last.clone_from(&object.id);
        done(repository.delete_object(&stored, &object).unwrap());
    }
    let import = queued(repository);
    let mut session = session(repository, &stored, &import);
    assert_eq!(put(repository, &mut session, &stored, "a", "c"), 6);
}

pub(super) fn columns_of_an_open_type(repository: &Repository, open: Open<'_>) {
    repository.apply_types(&[json!({"name": "misc"})]).unwrap();
    let name = type_name("managed/misc");
    let known = || repository.object_type(&name).unwrap().unwrap();
    let opened = |columns: &[&str]| {
        let stored = known();
        let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        StoredType { object_type: stored.object_type.with_columns(&columns).unwrap(), ..stored }
    };
    let first = opened(&["a"]);
    let object = done(repository.create_object(&first, None, "[0,\"1\"]").unwrap());
    assert_eq!(known().object_type.positions().iter().collect::<Vec<_>>(), [("a", 1)]);
    // Two who add a property each at the same time: the second looks again.
    let (one, other) = (opened(&["b"]), opened(&["c"]));
    let object = done(repository.replace_object(&one, &object, "[0,\"1\",\"b\"]").unwrap());
    assert_eq!(open().replace_object(&other, &object, "[0,\"1\",\"c\"]").unwrap(), Written::Outdated);
    // Whoever knows less than there is has to look again too.
    assert_eq!(repository.replace_object(&first, &object, "[0,\"2\"]").unwrap(), Written::Outdated);
    // An import that runs has its own idea of what comes next.
    let lease = open().lease(&name).unwrap().unwrap();
    let import = import("managed/misc");
    repository.queue(std::slice::from_ref(&import)).unwrap();
    assert!(open().start(import.id, Attempt::Anew).unwrap());
    let busy = repository.replace_object(&opened(&["c"]), &object, "[0,\"1\",\"b\",\"c\"]").unwrap_err();
    assert_eq!(busy.kind(), rollbook::error::Kind::Busy);
    done(repository.replace_object(&known(), &object, "[0,\"2\",\"b\"]").unwrap());
    drop(lease);
    assert_eq!(known().object_type.positions().len(), 2);
}
