//! Drop folders as they are stored.

use rollbook::config::SetBy;
use rollbook::repository::{DropFolderChange, DropFolderState, Remains, Repository, StoredDropFolder};
use serde_json::json;

use super::Open;

fn folder(name: &str, max_records: u64) -> StoredDropFolder {
    StoredDropFolder {
        name: name.to_owned(),
        settings: json!({ "name": name, "maxRecords": max_records }),
        secrets: vec![1, 2, 3],
        set_by: SetBy::Operator,
        revision: 0,
    }
}

fn known() -> DropFolderState {
    DropFolderState {
        external_id: "an id".to_owned(),
        signing_secret: vec![7],
        since: "2026-02-28T17:05:00.000Z".to_owned(),
        last_poll: None,
        trouble: None,
        notices: Vec::new(),
        callback_off: false,
    }
}

/// A drop folder of which this revision was seen.
fn change(folder: StoredDropFolder, seen: Option<u64>) -> DropFolderChange {
    DropFolderChange { folder, seen, made_up: known() }
}

/// When this is made up for a drop folder. Gives what counts.
fn made_up(repository: &Repository, name: &str, new: &DropFolderState) -> DropFolderState {
    repository.add_drop_folder_state(name, new).unwrap();
    repository.drop_folder_state(name).unwrap().unwrap()
}

pub(super) fn put_all_or_none(repository: &Repository, _: Open<'_>) {
    assert!(repository.put_drop_folders(&[change(folder("b", 1), None), change(folder("a", 1), None)]).unwrap());
    let stored = repository.drop_folders().unwrap();
    assert_eq!(
        stored,
        [StoredDropFolder { revision: 1, ..folder("a", 1) }, StoredDropFolder { revision: 1, ..folder("b", 1) }]
    );
    // One of them is not what was seen: there is one, there is none, it is of another revision.
    for seen in [None, Some(2)] {
        assert!(
            !repository.put_drop_folders(&[change(folder("a", 2), Some(1)), change(folder("b", 2), seen)]).unwrap()
        );
    }
    assert!(!repository.put_drop_folders(&[change(folder("a", 2), Some(1)), change(folder("c", 2), Some(1))]).unwrap());
    assert_eq!(repository.drop_folders().unwrap(), stored);
    assert_eq!(repository.drop_folder_state("c").unwrap(), None);
    let changed = StoredDropFolder { set_by: SetBy::Administrator, secrets: vec![4], ..folder("a", 2) };
    assert!(repository.put_drop_folders(&[change(changed.clone(), Some(1))]).unwrap());
    assert_eq!(repository.drop_folder("a").unwrap(), Some(StoredDropFolder { revision: 2, ..changed }));
}

/// Nobody sees one without what it is known by, and that stays the same.
pub(super) fn put_with_what_is_made_up(repository: &Repository, open: Open<'_>) {
    assert!(repository.put_drop_folders(&[change(folder("a", 1), None), change(folder("b", 1), None)]).unwrap());
    let other = DropFolderState { external_id: "another id".to_owned(), signing_secret: vec![8], ..known() };
    let again = |name, seen| DropFolderChange { made_up: other.clone(), ..change(folder(name, 2), seen) };
    assert!(repository.put_drop_folders(&[again("c", None), again("a", Some(1))]).unwrap());
    let states = ["a", "b", "c"].map(|name| open().drop_folder_state(name).unwrap());
    assert_eq!(states, [Some(known()), Some(known()), Some(other)]);
}

pub(super) fn remove(repository: &Repository, _: Open<'_>) {
    assert!(repository.put_drop_folders(&[change(folder("a", 1), None)]).unwrap());
    let other = DropFolderState { external_id: "another id".to_owned(), ..known() };
    assert_eq!(made_up(repository, "a", &other), known(), "what was first counts");
    // Setting it again switches its callback on.
    repository.switch_callback("a", true).unwrap();
    assert!(repository.drop_folder_state("a").unwrap().unwrap().callback_off);
    assert!(repository.put_drop_folders(&[change(folder("a", 1), Some(1))]).unwrap());
    assert_eq!(repository.drop_folder_state("a").unwrap(), Some(known()));
    assert!(!repository.remove_drop_folder("a", 1, Remains::Nothing).unwrap(), "it was changed");
    assert!(repository.remove_drop_folder("a", 2, Remains::Nothing).unwrap());
    assert!(!repository.remove_drop_folder("a", 2, Remains::Nothing).unwrap(), "it is gone");
    assert_eq!(repository.drop_folder("a").unwrap(), None);
    assert_eq!(repository.drop_folder_state("a").unwrap(), None);
    assert_eq!(made_up(repository, "a", &other), other);
}

pub(super) fn pause(repository: &Repository, _: Open<'_>) {
    assert!(repository.put_drop_folders(&[change(folder("a", 1), None), change(folder("b", 1), None)]).unwrap());
    repository.switch_callback("a", true).unwrap();
    for (paused, revision) in [(true, 2), (true, 3), (false, 4)] {
        repository.pause_drop_folder("a", paused).unwrap();
        let settings = json!({ "name": "a", "maxRecords": 1, "paused": paused });
        let stored = repository.drop_folder("a").unwrap();
        assert_eq!(stored, Some(StoredDropFolder { settings, revision, ..folder("a", 1) }));
        assert!(repository.drop_folder_state("a").unwrap().unwrap().callback_off, "it stays off");
    }
    repository.pause_drop_folder("c", true).unwrap();
    let names: Vec<String> = repository.drop_folders().unwrap().into_iter().map(|stored| stored.name).collect();
    assert_eq!(names, ["a", "b"]);
}
