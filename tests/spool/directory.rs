//! A spool in a directory that several processes see.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use rollbook::import::ImportId;

use super::{GO_ON, IMPORT, are_there, installation, state};
use crate::harness::{Folder, plan};

/// Given an installation whose spool is the directory `shared` of its folder.
fn sharing() -> Folder {
    let folder = installation("");
    fs::create_dir(folder.path("shared")).unwrap();
    let settings = format!("[spool]\nurl = 'file://{}'\n", folder.path("shared").display());
    folder.file("rollbook-data/rollbook.toml", settings)
}

fn shared(folder: &Folder) -> Vec<String> {
    crate::dropping::files(&folder.path("shared"))
}

#[test]
fn files_wait_in_the_directory() {
    let folder = sharing();
    let id = folder.submit("users.csv", plan("managed/user", "userName"));
    assert_eq!(shared(&folder), [format!("{id}.csv"), "rollbook.spool".to_owned()]);
    let _ = folder.run(GO_ON).success();
    are_there(&folder);
    assert_eq!(shared(&folder), ["rollbook.spool"]);
    let _ = folder.run(&format!("{IMPORT} --dry-run")).success();
    assert_eq!(shared(&folder).len(), 2);
}

/// Locks may not reach whoever brings a file in.
#[test]
fn what_belongs_to_nobody_is_removed_after_a_day() {
    let folder = sharing().after(IMPORT);
    let [young, old] = ["1", "2"]
        .map(|digit| format!("shared/{}.incoming", "1111111D-1111-4111-8111-111111111111".replace('D', digit)));
    for name in [&young, &old] {
        fs::write(folder.path(name), "left behind").unwrap();
    }
    let file = File::options().append(true).open(folder.path(&old)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(25)).unwrap();
    drop(file);
    folder.installation().sweep().unwrap();
    assert_eq!(shared(&folder), [young.replace("shared/", ""), "rollbook.spool".to_owned()]);
}

/// What is kept elsewhere has nothing to do with it.
#[test]
fn the_rest_is_removed_while_the_directory_is_away() {
    let folder = sharing();
    let installation = folder.installation();
    installation.repository.cancel(ImportId::random(), "sam").unwrap();
    assert_eq!(folder.look().cancel_marks().len(), 1);
    fs::rename(folder.path("shared"), folder.path("elsewhere")).unwrap();
    let error = installation.sweep().unwrap_err();
    assert!(error.to_string().contains("could not be read"), "{error}");
    assert_eq!(folder.look().cancel_marks(), Vec::<String>::new());
}

/// Where a directory of the network is not mounted lies an empty one.
#[test]
fn a_directory_that_is_not_there_now_loses_nothing() {
    let folder = sharing();
    folder.submit("users.csv", plan("managed/user", "userName"));
    fs::rename(folder.path("shared"), folder.path("elsewhere")).unwrap();
    fs::create_dir(folder.path("shared")).unwrap();
    let said = folder.run(GO_ON).failed();
    assert!(said.contains("has no file 'rollbook.spool', so it is not the one"), "{said}");
    fs::remove_dir_all(folder.path("shared")).unwrap();
    fs::rename(folder.path("elsewhere"), folder.path("shared")).unwrap();
    assert_eq!(state(&folder, "users.csv"), "queued");
    let _ = folder.run(GO_ON).success();
    are_there(&folder);
}

/// The same while a process works with it.
#[test]
fn a_directory_that_goes_away_loses_nothing() {
    let folder = sharing();
    let id = folder.submit("users.csv", plan("managed/user", "userName"));
    let installation = folder.installation();
    let size = installation.import(id).unwrap().size;
    assert!(installation.spool.is_whole(id, size).unwrap());
    fs::rename(folder.path("shared"), folder.path("elsewhere")).unwrap();
    fs::create_dir(folder.path("shared")).unwrap();
    let error = installation.spool.is_whole(id, size).unwrap_err();
    assert!(error.to_string().contains("has no file 'rollbook.spool'"), "{error}");
    fs::copy(folder.path("elsewhere/rollbook.spool"), folder.path("shared/rollbook.spool")).unwrap();
    assert!(!installation.spool.is_whole(id, size).unwrap(), "the file is gone for good");
}
