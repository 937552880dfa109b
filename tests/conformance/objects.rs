//! Objects, read one by one and page by page.

use std::collections::HashSet;

use rollbook::clock;
use rollbook::import::{Counts, State};
use rollbook::repository::{LastWriter, Repository, Spooled, Written};
use serde_json::json;

use super::{Open, commit, committed, definition, document, put, queued, session, thing};

pub(super) fn ids_find_their_objects(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let other_type =
        repository.apply_types(&[definition("other", json!({"id": {"type": "string"}}))]).unwrap().remove(0).0;
    let names: Vec<String> = (0..2000).map(|n| n.to_string()).collect();
    committed(repository, &stored, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut ids = HashSet::new();
    let other = open();
    repository
        .each_object(&stored, |object| {
            assert_eq!(other.object(&stored, &object.id).unwrap().as_ref(), Some(&object));
            assert_eq!(other.object(&other_type, &object.id).unwrap(), None);
            ids.insert(object.id);
            Ok(())
        })
        .unwrap();
    assert_eq!(ids.len(), 2000);
    // One bit more, and it is nobody's.
    let id = ids.iter().next().unwrap();
    let near = format!("{}{}", &id[..id.len() - 1], if id.ends_with('0') { '1' } else { '0' });
    for unknown in [near.as_str(), "", "1", "00000000-0000-0000-0000-000000000000", "'; --", "ÿ"] {
        assert_eq!(repository.object(&stored, unknown).unwrap(), None, "{unknown}");
    }
}

pub(super) fn pages(repository: &Repository, _: Open<'_>) {
    let stored = thing(repository);
    let empty = repository.objects(&stored, 0, 10).unwrap();
    assert_eq!((empty.objects.len(), empty.next), (0, None));
    let names: Vec<String> = (0..250).map(|n| n.to_string()).collect();
    committed(repository, &stored, &names.iter().map(String::as_str).collect::<Vec<_>>());
    let expected: Vec<String> = names.iter().map(|name| document(name, "c")).collect();
    for limit in [1, 7, 50, 249, 250, 251, 10_000] {
        let (mut found, mut after) = (Vec::new(), 0);
        loop {
            let page = repository.objects(&stored, after, limit).unwrap();
            assert!(page.objects.len() <= limit && !page.objects.is_empty(), "{limit}");
            found.extend(page.objects.into_iter().map(|object| object.document));
            match page.next {
                Some(next) => after = next,
                None => break,
            }
        }
        assert!(found == expected, "{limit}");
    }
}

pub(super) fn updates(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let first = committed(repository, &stored, &["a", "b"]);
    let before = repository.objects(&stored, 0, 9).unwrap().objects;
    let second = queued(repository);
    let mut session = session(repository, &stored, &second);
    let number = super::holders(repository, &mut session, super::index(&stored, "id"), "a")[0];
    for revision in 1..4 {
        session.update(number, revision, &document("a", &revision.to_string()));
        session.end_round().unwrap();
    }
    let created = put(repository, &mut session, &stored, "c", "c");
    assert!(created > number);
    commit(&mut session, 1);
    let after = open().objects(&stored, 0, 9).unwrap().objects;
    assert_eq!((after[0].id.as_str(), after[0].revision), (before[0].id.as_str(), 4));
    assert_eq!(after[0].document, document("a", "3"));
    assert_eq!(after[1], before[1]);
    let imports: Vec<_> = after.iter().map(|object| object.import.clone().unwrap()).collect();
    assert_eq!(imports, [second.id, first.id, second.id].map(|id| id.to_string()));
}

pub(super) fn read_as_of_one_moment(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    committed(repository, &stored, &["a", "b", "c"]);
    let other = open();
    let mut seen = Vec::new();
    repository
        .each_object(&stored, |object| {
            committed(&other, &stored, &[&format!("while {}", seen.len())]);
            seen.push(object.document);
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, ["a", "b", "c"].map(|id| document(id, "c")));
    assert_eq!(repository.object_count(&stored).unwrap(), 6);
}

pub(super) fn last_writer(repository: &Repository, open: Open<'_>) {
    let stored = thing(repository);
    let import = committed(repository, &stored, &["a", "b"]);
    let other = open();
    let objects = other.objects(&stored, 0, 9).unwrap().objects;
    let (imported, written) = (&objects[0], &objects[1]);
    let writer = |id: &str| other.last_writer(&stored, id).unwrap();
    assert_eq!(writer(&imported.id), Some(LastWriter::Import(import.id.to_string())));
    assert!(matches!(other.replace_object(&stored, written, &document("b", "z")).unwrap(), Written::Done(_)));
    assert_eq!(writer(&written.id), Some(LastWriter::Somebody));
    let Written::Done(created) = other.create_object(&stored, Some("chosen"), &document("c", "z")).unwrap() else {
        panic!("not written")
    };
    assert_eq!(writer(&created.id), Some(LastWriter::Somebody));
    assert_eq!(writer("nobody"), None);
    repository
        .finish(import.id, &State::Finished { end: clock::now() }, Counts::default(), &[], Spooled::Unneeded)
        .unwrap();
    let revision = repository.import(import.id).unwrap().unwrap().revision;
    assert!(repository.delete_import(import.id, revision).unwrap());
    assert_eq!(writer(&imported.id), Some(LastWriter::ForgottenImport));
    assert_eq!(writer(&created.id), Some(LastWriter::Somebody));
    assert_eq!([1, 2, 3, 4].map(|most| other.object_count_to(&stored, most).unwrap()), [1, 2, 3, 3]);
}
