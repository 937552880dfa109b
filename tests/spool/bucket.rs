//! A spool in a bucket.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::{GO_ON, IDENTITY, IMPORT, USERS, are_there, forget, installation, settings, spooled, state, waiting};
use crate::crash::until;
use crate::dropping::{drop_csv, mark};
use crate::harness::{Folder, plan};
use crate::s3::S3Server;
use crate::service::Service;

#[test]
fn what_is_typed_goes_through_the_bucket() {
    let s3 = S3Server::new();
    let folder = installation(&settings(&s3));
    let _ = folder.run(IMPORT).success();
    are_there(&folder);
    assert!(s3.log().iter().any(|request| request.action == "PutObject" && request.key.ends_with(".csv")));
    assert_eq!(s3.keys(), [IDENTITY]);
}

#[test]
fn what_is_uploaded_goes_through_the_bucket() {
    let s3 = S3Server::new();
    let service = Service::on(installation(&settings(&s3)));
    let lease = service.folder.busy();
    let ids = service.upload("managed/user?uniqueProperty=userName", "users.csv");
    let keys = spooled(&s3);
    assert!(keys.len() == 1 && keys[0].starts_with(&format!("spool/{}.", ids[0])), "{keys:?}");
    assert_eq!(s3.text(&keys[0]), USERS);
    drop(lease);
    assert_eq!(service.finished(&ids[0])["created"], 2);
    until(|| spooled(&s3).is_empty());
}

#[test]
fn what_is_dropped_goes_through_the_bucket() {
    let s3 = S3Server::new();
    let folder = installation(&format!("{}{}", settings(&s3), crate::dropping::USERS));
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id,email\n1,a@example.com\n");
    mark(&folder, "users_import", "20210228");
    let _ = folder.run("drop-folder poll px-users").success();
    assert!(s3.log().iter().any(|request| request.action == "PutObject" && request.key.ends_with(".csv")));
    assert_eq!(s3.keys(), [IDENTITY]);
    let status = folder.read("rollbook-data/drop/users_import/processed/20210228/status.txt");
    assert_eq!(status, "SUCCESS\n1 records were uploaded\n");
}

/// Whoever runs an import brings its bytes back.
#[test]
fn what_one_machine_has_queued_another_one_runs() {
    let s3 = S3Server::new();
    let folder = waiting(&settings(&s3));
    let _ = folder.run(GO_ON).success();
    are_there(&folder);
    assert_eq!(s3.keys(), [IDENTITY]);
    assert_eq!(fs::read_dir(folder.path("rollbook-data/spool")).unwrap().count(), 0, "a copy is left");
}

/// S3 takes more than 5 MB in several parts only.
#[test]
fn a_large_file_comes_through() {
    let s3 = S3Server::new();
    let mut csv = "userName,givenName,sn,mail\n".to_owned();
    let long = "x".repeat(100_000);
    (0..130).for_each(|number| csv += &format!("user{number},{long}{number},Jensen,b@example.com\n"));
    let folder = installation(&settings(&s3)).file("users.csv", &csv);
    folder.submit("users.csv", plan("managed/user", "userName"));
    assert_eq!(s3.text(&spooled(&s3)[0]), csv);
    assert!(s3.log().iter().any(|request| request.action == "CompleteMultipartUpload"));
    forget(&folder);
    let _ = folder.run(GO_ON).success();
    assert_eq!(folder.objects("managed/user").lines().count(), 130);
    assert_eq!(s3.keys(), [IDENTITY]);
}

#[test]
fn a_dry_run_is_applied_from_the_bucket() {
    let s3 = S3Server::new();
    let folder = installation(&settings(&s3));
    let _ = folder.run(&format!("{IMPORT} --dry-run")).success();
    let id = folder.last_import();
    assert_eq!(spooled(&s3).len(), 1);
    forget(&folder);
    let _ = folder.run(&format!("imports apply {id}")).success();
    are_there(&folder);
    assert_eq!(spooled(&s3).len(), 1);
    let _ = folder.run(&format!("imports cleanup {id}")).success();
    assert_eq!(spooled(&s3), Vec::<String>::new());
}

/// A file that is refused is in nobody's way.
#[test]
fn nothing_is_left_of_what_is_refused() {
    let s3 = S3Server::new();
    let folder = installation(&settings(&s3)).file("users.csv", "userName,colour\nbjensen,red\n");
    let _ = folder.run(IMPORT).refused();
    assert_eq!(spooled(&s3), Vec::<String>::new());
}

/// Only who keeps the files knows how old they are.
#[test]
fn what_belongs_to_nobody_is_removed_after_a_day() {
    let s3 = S3Server::new();
    let folder = waiting(&settings(&s3));
    let wanted = spooled(&s3).remove(0);
    let [young, old] = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"]
        .map(|id| format!("spool/{id}.00.csv"));
    for key in [&young, &old] {
        s3.plant(key, "left behind");
    }
    s3.plant("spool/ours.txt", "somebody else's");
    age(&s3, &old, Duration::from_hours(25));
    age(&s3, &wanted, Duration::from_hours(25));
    age(&s3, "spool/ours.txt", Duration::from_hours(25));
    folder.installation().sweep().unwrap();
    let mut expected = [wanted.as_str(), &young, "spool/ours.txt", IDENTITY, "spool/rollbook.time"];
    expected.sort_unstable();
    assert_eq!(s3.keys(), expected);
}

/// Given an object that was written so long ago.
fn age(s3: &S3Server, key: &str, age: Duration) {
    let file = File::options().append(true).open(s3.path(key)).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

/// Copies that were brought back do not stay.
#[test]
fn copies_on_this_machine_are_cleared_away() {
    let s3 = S3Server::new();
    let folder = installation(&settings(&s3));
    folder.submit("users.csv", plan("managed/user", "userName"));
    let installation = folder.installation();
    let copies = |folder: &Folder| fs::read_dir(folder.path("rollbook-data/spool")).unwrap().count();
    installation.sweep().unwrap();
    assert_eq!(copies(&folder), 1);
    for file in fs::read_dir(folder.path("rollbook-data/spool")).unwrap() {
        let file = File::options().append(true).open(file.unwrap().path()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_hours(2)).unwrap();
    }
    installation.sweep().unwrap();
    assert_eq!((copies(&folder), spooled(&s3).len()), (0, 1));
    let _ = folder.run(GO_ON).success();
    are_there(&folder);
}

#[test]
fn a_file_that_is_gone_ends_its_import() {
    let s3 = S3Server::new();
    let folder = waiting(&settings(&s3));
    s3.remove(&spooled(&s3)[0]);
    let _ = folder.run(GO_ON).success();
    let lost = "failed: users.csv: the copy of the file was lost before it was imported; import it again";
    assert_eq!(state(&folder, "users.csv"), lost);
}

#[test]
fn a_file_that_was_cut_ends_its_import() {
    let s3 = S3Server::new();
    let folder = waiting(&settings(&s3));
    s3.plant(&spooled(&s3)[0], &USERS[..40]);
    let _ = folder.run(GO_ON).success();
    let lost = "failed: users.csv: the copy of the file was lost before it was imported; import it again";
    assert_eq!(state(&folder, "users.csv"), lost);
}
