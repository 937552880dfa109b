//! What happens in S3 when a right is missing, and when somebody writes just then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};
use rollbook::app::App;
use serde_json::Value;

use super::{POLL, first_name, held_up, imported, named, notices, troubles};
use crate::dropping::{USERS, drop_folder, gzip};
use crate::harness::Folder;
use crate::s3::{BUCKET, Fate, S3Server};

/// Where the drop folder looks.
const BASE: &str = "export/users_import";

/// Given a drop folder for users in this bucket, with these settings more.
fn users(s3: &S3Server, more: &str) -> Folder {
    drop_folder(&settings(s3, more))
}

fn settings(s3: &S3Server, more: &str) -> String {
    let users = USERS.replace("file:drop", &format!("{BUCKET}/export"));
    format!("{users}{more}\n{}[drop_folders]\nallow_private = true\n", s3.settings())
}

fn put(s3: &S3Server, partition: &str, name: &str, csv: &str) {
    s3.plant(&format!("{BASE}/current/dt={partition}/{name}"), gzip(csv));
}

fn mark(s3: &S3Server, partition: &str) {
    s3.plant(&format!("{BASE}/current/dt={partition}/_SUCCESS"), "");
}

fn dropped(s3: &S3Server, partition: &str, csv: &str) {
    put(s3, partition, "users.csv.gz", csv);
    mark(s3, partition);
}

fn status(s3: &S3Server, partition: &str) -> String {
    s3.text(&format!("{BASE}/processed/{partition}/status.txt"))
}

fn unzipped(s3: &S3Server, path: &str) -> String {
    super::unpacked(&s3.read(&format!("{BASE}/{path}")))
}

/// Everything that lies there, one path to a line.
fn lying(s3: &S3Server) -> String {
    s3.keys().iter().map(|key| key.strip_prefix(&format!("{BASE}/")).unwrap()).collect::<Vec<_>>().join("\n")
}

/// The only trouble there is: what is wrong, and whether somebody has to do something.
fn trouble(folder: &Folder) -> (String, Value) {
    let troubles = troubles(folder);
    assert_eq!(troubles.len(), 1, "{troubles:?}");
    (troubles[0]["message"].as_str().unwrap().to_owned(), troubles[0]["blocked"].clone())
}

const DONE: &str = "SUCCESS\n1 records were uploaded\n";

#[test]
fn a_day_of_many_files_and_pages() {
    let s3 = S3Server::new();
    let folder = users(&s3, "");
    s3.page(2);
    s3.plant_folder(&format!("{BASE}/current/"));
    s3.plant_folder(&format!("{BASE}/current/dt=20210228/"));
    let names = ["1", "10", "2", "3", "4", "5", "6"].map(|name| format!("{name}.csv.gz"));
    for name in &names {
        put(&s3, "20210228", name, &named(name));
    }
    mark(&s3, "20210228");
    dropped(&s3, "20210301", &named("Ada"));
    let _ = folder.run(POLL).success();
    let mut order: Vec<String> = names.iter().map(|name| format!("20210228/{name}")).collect();
    order.push("20210301/users.csv.gz".to_owned());
    assert_eq!(imported(&folder), order);
    assert!(!lying(&s3).contains("csv.gz\ncurrent"), "{}", lying(&s3));
    assert!(status(&s3, "20210228").starts_with("SUCCESS\n7 records were uploaded\n"));
    dropped(&s3, "20210228", &named("Grace"));
    let _ = folder.run(POLL).success();
    assert_eq!(unzipped(&s3, "processed/20210228/_runs/1/10.csv.gz"), named("10.csv.gz"));
    assert_eq!(unzipped(&s3, "processed/20210228/users.csv.gz"), named("Grace"));
    assert_eq!(notices(&folder), "");
}

#[test]
fn where_nothing_may_be_deleted_it_is_imported_once() {
    let s3 = S3Server::new();
    let folder = users(&s3, "");
    dropped(&s3, "20210228", &named("Ada"));
    s3.forbid("s3:DeleteObject", &format!("{BASE}/current/"));
    let _ = folder.run(POLL).failed();
    let (message, blocked) = trouble(&folder);
    insta::assert_snapshot!(message, @"'export/users_import/current/dt=20210228/users.csv.gz' in the bucket 'exports' could not be deleted: allow s3:DeleteObject (S3 says AccessDenied: Access Denied)");
    assert_eq!(blocked, true);
    let _ = folder.run(POLL).failed();
    assert_eq!((imported(&folder).len(), status(&s3, "20210228").as_str()), (1, DONE));
    // A partition that is dropped anew is imported all the same, and later ones are too.
    dropped(&s3, "20210228", &named("Grace"));
    let _ = folder.run(POLL).failed();
    dropped(&s3, "20210301", &named("Joan"));
    let _ = folder.run(POLL).failed();
    assert_eq!((imported(&folder).len(), first_name(&folder)), (3, "Joan".to_owned()));
    s3.allow_all();
    let _ = folder.run(POLL).success();
    assert_eq!(imported(&folder).len(), 3);
    insta::assert_snapshot!(lying(&s3), @r"
    processed/20210228/_SUCCESS
    processed/20210228/_runs/1/_SUCCESS
    processed/20210228/_runs/1/status.json
    processed/20210228/_runs/1/status.txt
    processed/20210228/_runs/1/users.csv.gz
    processed/20210228/status.json
    processed/20210228/status.txt
    processed/20210228/users.csv.gz
    processed/20210301/_SUCCESS
    processed/20210301/status.json
    processed/20210301/status.txt
    processed/20210301/users.csv.gz
    ");
}

#[test]
fn where_nothing_may_be_written_it_is_imported_once() {
    let s3 = S3Server::new();
    let folder = users(&s3, "");
    dropped(&s3, "20210228", &named("Ada"));
    s3.forbid("s3:PutObject", &format!("{BASE}/processed/"));
    let _ = folder.run(POLL).failed();
    let (message, blocked) = trouble(&folder);
    insta::assert_snapshot!(message, @"'export/users_import/processed/20210228/users.csv.gz' in the bucket 'exports' could not be written: allow s3:PutObject (S3 says AccessDenied: Access Denied)");
    assert_eq!(blocked, true);
    // What was read is kept until it is filed, whatever becomes of the file.
    put(&s3, "20210228", "users.csv.gz", &named("Grace"));
    let _ = folder.run(POLL).failed();
    s3.allow_all();
    let _ = folder.run(POLL).success();
    assert_eq!(imported(&folder).len(), 1);
    assert_eq!(unzipped(&s3, "processed/20210228/users.csv.gz"), named("Ada"));
    assert_eq!(unzipped(&s3, "current/dt=20210228/users.csv.gz"), named("Grace"), "never deleted unread");
}

#[test]
fn where_nothing_may_be_listed_it_is_told() {
    let s3 = S3Server::new();
    let folder = users(&s3, "");
    dropped(&s3, "20210228", &named("Ada"));
    s3.forbid("s3:ListBucket", "");
    let (message, blocked) = trouble(&folder);
    insta::assert_snapshot!(message, @"'export/users_import/current/' in the bucket 'exports' could not be listed: allow s3:ListBucket (S3 says AccessDenied: Access Denied)");
    assert_eq!(blocked, true);
    s3.allow_all();
    let _ = folder.run(POLL).success();
    assert_eq!(status(&s3, "20210228"), DONE);
}

#[test]
fn a_file_that_may_not_be_read_is_given_up_in_the_end() {
    let s3 = S3Server::new();
    let folder = users(&s3, "");
    put(&s3, "20210228", "secret.csv.gz", &named("Ada"));
    dropped(&s3, "20210228", &named("Grace"));
    dropped(&s3, "20210301", &named("Joan"));
    s3.forbid("s3:GetObject", &format!("{BASE}/current/dt=20210228/secret"));
    let _ = folder.run(POLL).failed();
    let (message, blocked) = trouble(&folder);
    insta::assert_snapshot!(message, @"'export/users_import/current/dt=20210228/secret.csv.gz' in the bucket 'exports' could not be read: allow s3:GetObject (S3 says AccessDenied: Access Denied)");
    assert_eq!(blocked, true);
    assert!(imported(&folder).is_empty(), "what comes later does not overtake");
    set(&s3, &folder, "give_up_after = '0s'");
    let _ = folder.run(POLL).refused();
    insta::assert_snapshot!(status(&s3, "20210228"), @r"
    ERROR
    1 records were uploaded
    secret.csv.gz: ERROR, 'export/users_import/current/dt=20210228/secret.csv.gz' in the bucket 'exports' could not be read: allow s3:GetObject (S3 says AccessDenied: Access Denied)
    users.csv.gz: SUCCESS, 1 records were uploaded
    ");
    insta::assert_snapshot!(lying(&s3), @r"
    current/dt=20210228/secret.csv.gz
    processed/20210228/_SUCCESS
    processed/20210228/status.json
    processed/20210228/status.txt
    processed/20210228/users.csv.gz
    processed/20210301/_SUCCESS
    processed/20210301/status.json
    processed/20210301/status.txt
    processed/20210301/users.csv.gz
    ");
    assert_eq!(first_name(&folder), "Joan");
}

/// Given a partition of these files, which nobody may read.
fn unreadable(s3: &S3Server, names: &[&str]) {
    for name in names {
        put(s3, "20210228", name, &named(name));
    }
    mark(s3, "20210228");
    s3.forbid("s3:GetObject", &format!("{BASE}/current/dt=20210228/users"));
}

fn set(s3: &S3Server, folder: &Folder, more: &str) {
    std::fs::write(folder.path("rollbook-data/rollbook.toml"), settings(s3, more)).unwrap();
}

/// Given that the only file was first found unreadable so many hours ago, and last so many.
fn unread(folder: &Folder, first: i64, last: i64) {
    let config = folder.config();
    let place = config.drop_folders.all().unwrap()[0].place();
    let app = App::open(config).unwrap();
    let run = app.repository.open_runs(&place).unwrap().remove(0);
    let ago = |hours| format!("{:.3}", Timestamp::now() - SignedDuration::from_hours(hours));
    let mut trouble = run.trouble.unwrap();
    trouble.since = ago(first);
    trouble.reading.as_mut().unwrap().at = ago(last);
    app.repository.note_trouble(run.id, Some(&trouble)).unwrap();
}

#[test]
fn each_file_is_tried_again_before_it_is_given_up() {
    let s3 = S3Server::new();
    let folder = users(&s3, "give_up_after = '0s'");
    unreadable(&s3, &["users1.csv.gz", "users2.csv.gz"]);
    let tried = || troubles(&folder)[0]["reading"]["file"].clone();
    assert_eq!([tried(), tried()], ["users1.csv.gz", "users2.csv.gz"]);
    s3.allow_all();
    let _ = folder.run(POLL).refused();
    assert_eq!(imported(&folder), ["20210228/users2.csv.gz"]);
}

#[test]
fn trouble_of_our_own_does_not_count_against_a_file() {
    let s3 = S3Server::new();
    let folder = users(&s3, "");
    unreadable(&s3, &["users1.csv.gz"]);
    let _ = folder.run(POLL).failed();
    let without_type = settings(&s3, "").replace("px_user", "nobody");
    std::fs::write(folder.path("rollbook-data/rollbook.toml"), without_type).unwrap();
    assert_eq!(troubles(&folder)[0]["reading"], Value::Null);
    set(&s3, &folder, "give_up_after = '0s'");
    let _ = folder.run(POLL).failed();
    s3.allow_all();
    let _ = folder.run(POLL).success();
    assert_eq!(imported(&folder), ["20210228/users1.csv.gz"]);
}

#[test]
fn time_in_which_nobody_tries_does_not_count_against_a_file() {
    for (schedule, last, is_given_up) in [
        ("poll_interval = '100ms'", 2, false),
        ("poll_interval = '100ms'", 0, true),
        ("poll_interval = '5h'", 11, false),
        ("poll_interval = '5h'", 9, true),
        ("cron = '30 2 * * *'", 49, false),
        ("cron = '30 2 * * *'", 23, true),
    ] {
        let s3 = S3Server::new();
        let folder = drop_folder(&settings(&s3, "").replace("poll_interval = \"100ms\"", schedule));
        unreadable(&s3, &["users1.csv.gz"]);
        let _ = folder.run(POLL).failed();
        unread(&folder, 60, last);
        let polled = folder.run(POLL);
        let _ = if is_given_up { polled.refused() } else { polled.failed() };
    }
}

/// Given that this happens once, just before the first such request is done.
fn just_before(
    s3: &Arc<S3Server>,
    action: &'static str,
    key: &'static str,
    then: impl Fn(&S3Server) + Send + Sync + 'static,
) {
    let (happened, server) = (AtomicBool::new(false), Arc::downgrade(s3));
    s3.decide(move |request| {
        if request.action == action && request.key.ends_with(key) && !happened.swap(true, Ordering::Relaxed) {
            then(&server.upgrade().unwrap());
        }
        Fate::Done
    });
}

#[test]
fn a_partition_that_is_dropped_anew_while_it_is_copied() {
    let s3 = Arc::new(S3Server::new());
    let folder = users(&s3, "");
    dropped(&s3, "20210228", &named("Ada"));
    just_before(&s3, "CopyObject", "processed/20210228/users.csv.gz", |s3| dropped(s3, "20210228", &named("Grace")));
    let _ = folder.run(POLL).success();
    assert_eq!(imported(&folder).len(), 2);
    assert_eq!(unzipped(&s3, "processed/20210228/_runs/1/users.csv.gz"), named("Ada"), "as it was read");
    assert_eq!(unzipped(&s3, "processed/20210228/users.csv.gz"), named("Grace"));
    assert!(!lying(&s3).contains("current/"), "{}", lying(&s3));
}

#[test]
fn a_file_that_comes_while_the_others_are_deleted() {
    let s3 = Arc::new(S3Server::new());
    let folder = users(&s3, "");
    dropped(&s3, "20210228", &named("Ada"));
    just_before(&s3, "DeleteObject", "users.csv.gz", |s3| put(s3, "20210228", "late.csv.gz", &named("Grace")));
    let _ = folder.run(POLL).success();
    insta::assert_snapshot!(lying(&s3), @r"
    current/dt=20210228/_SUCCESS
    current/dt=20210228/late.csv.gz
    processed/20210228/_SUCCESS
    processed/20210228/status.json
    processed/20210228/status.txt
    processed/20210228/users.csv.gz
    ");
    assert_eq!(notices(&folder), "late file 'late.csv.gz' in partition 20210228: it needs a new _SUCCESS");
    mark(&s3, "20210228");
    let _ = folder.run(POLL).success();
    assert_eq!(first_name(&folder), "Grace");
}

#[test]
fn a_file_that_is_replaced_just_when_it_is_read_or_deleted() {
    let s3 = Arc::new(S3Server::new());
    let folder = users(&s3, "");
    dropped(&s3, "20210228", &named("Ada"));
    just_before(&s3, "GetObject", "users.csv.gz", |s3| put(s3, "20210228", "users.csv.gz", &named("Grace")));
    let _ = folder.run(POLL).success();
    assert_eq!((imported(&folder).len(), first_name(&folder)), (1, "Grace".to_owned()));
    assert_eq!(unzipped(&s3, "processed/20210228/users.csv.gz"), named("Grace"));
    dropped(&s3, "20210301", &named("Joan"));
    just_before(&s3, "DeleteObject", "users.csv.gz", |s3| put(s3, "20210301", "users.csv.gz", &named("Mary")));
    let _ = folder.run(POLL).success();
    assert_eq!(unzipped(&s3, "current/dt=20210301/users.csv.gz"), named("Mary"), "never deleted unread");
    assert_eq!(unzipped(&s3, "processed/20210301/users.csv.gz"), named("Joan"));
}

#[test]
fn a_marker_that_comes_again_while_files_are_imported_counts() {
    let s3 = S3Server::new();
    let folder = users(&s3, "");
    dropped(&s3, "20210228", &named("Ada"));
    let lease = folder.busy_with("managed/px_user");
    let (look, _) = held_up(&folder, 1);
    // Nothing but the time tells it from the one before.
    mark(&s3, "20210228");
    drop(lease);
    assert_eq!(look.ended(), Some(0));
    assert_eq!(imported(&folder).len(), 2);
    assert!(!lying(&s3).contains("current/"), "{}", lying(&s3));
}
