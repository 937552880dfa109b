//! What was there before, and what comes while something is being done.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::{
    POLL, at, dropped, first_name, held_up, imported, imports, lying, named, notices, put, status, unzipped, users,
};
use crate::dropping::{drop_file, mark};

#[test]
fn a_date_that_is_dropped_again_keeps_what_was_there() {
    let folder = users("");
    for name in ["Ada", "Grace", "Joan"] {
        dropped(&folder, "20210228", &named(name));
        let _ = folder.run(POLL).success();
    }
    insta::assert_snapshot!(lying(&folder), @r"
    processed/20210228/_SUCCESS
    processed/20210228/_runs/1/_SUCCESS
    processed/20210228/_runs/1/status.json
    processed/20210228/_runs/1/status.txt
    processed/20210228/_runs/1/users.csv.gz
    processed/20210228/_runs/2/_SUCCESS
    processed/20210228/_runs/2/status.json
    processed/20210228/_runs/2/status.txt
    processed/20210228/_runs/2/users.csv.gz
    processed/20210228/status.json
    processed/20210228/status.txt
    processed/20210228/users.csv.gz
    ");
    let path = |run: &str| format!("processed/20210228/{run}users.csv.gz");
    let names = ["_runs/1/", "_runs/2/", ""].map(|run| unzipped(&folder, &path(run)));
    assert_eq!(names, ["Ada", "Grace", "Joan"].map(named));
    assert_eq!(first_name(&folder), "Joan");
}

#[test]
fn a_marker_that_was_copied_with_its_time_is_a_new_one() {
    let folder = users("");
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    for name in ["Ada", "Grace", "Joan"] {
        dropped(&folder, "20210228", &named(name));
        // As `cp -p`, rsync and SFTP do.
        let marker = File::options().write(true).open(folder.path(&at("current/dt=20210228/_SUCCESS"))).unwrap();
        marker.set_modified(long_ago).unwrap();
        let _ = folder.run(POLL).success();
        assert_eq!(first_name(&folder), name);
    }
}

#[test]
fn what_others_put_there_is_kept_aside() {
    let folder = users("");
    for name in ["status.txt", "users.csv.gz", "notes.txt", "_runs/7/users.csv.gz", "pictures/cat.png"] {
        fs::create_dir_all(folder.path(&at(&format!("processed/20210228/{name}"))).parent().unwrap()).unwrap();
        fs::write(folder.path(&at(&format!("processed/20210228/{name}"))), "theirs").unwrap();
    }
    dropped(&folder, "20210228", &named("Ada"));
    let _ = folder.run(POLL).success();
    insta::assert_snapshot!(lying(&folder), @r"
    processed/20210228/_SUCCESS
    processed/20210228/_runs/7/users.csv.gz
    processed/20210228/_runs/8/notes.txt
    processed/20210228/_runs/8/status.txt
    processed/20210228/_runs/8/users.csv.gz
    processed/20210228/pictures/cat.png
    processed/20210228/status.json
    processed/20210228/status.txt
    processed/20210228/users.csv.gz
    ");
    assert_eq!(folder.read(&at("processed/20210228/_runs/8/users.csv.gz")), "theirs");
    assert_eq!(status(&folder, "20210228"), "SUCCESS\n1 records were uploaded\n");
}

#[test]
fn a_late_file_waits_for_a_new_marker() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    let lease = folder.busy_with("managed/px_user");
    let (look, _) = held_up(&folder, 1);
    put(&folder, "20210228", "late.csv.gz", &named("Grace"));
    drop(lease);
    assert_eq!(look.ended(), Some(0));
    assert_eq!(imported(&folder), ["20210228/users.csv.gz"]);
    insta::assert_snapshot!(lying(&folder), @r"
    current/dt=20210228/_SUCCESS
    current/dt=20210228/late.csv.gz
    processed/20210228/_SUCCESS
    processed/20210228/status.json
    processed/20210228/status.txt
    processed/20210228/users.csv.gz
    ");
    assert_eq!(notices(&folder), "late file 'late.csv.gz' in partition 20210228: it needs a new _SUCCESS");
    assert_eq!(imports(&folder).len(), 1, "a marker counts once");
    mark(&folder, "users_import", "20210228");
    let _ = folder.run(POLL).success();
    assert_eq!(imported(&folder), ["20210228/users.csv.gz", "20210228/late.csv.gz"]);
    insta::assert_snapshot!(lying(&folder), @r"
    processed/20210228/_SUCCESS
    processed/20210228/_runs/1/_SUCCESS
    processed/20210228/_runs/1/status.json
    processed/20210228/_runs/1/status.txt
    processed/20210228/_runs/1/users.csv.gz
    processed/20210228/late.csv.gz
    processed/20210228/status.json
    processed/20210228/status.txt
    ");
    assert_eq!(notices(&folder), "");
}

#[test]
fn a_partition_that_is_dropped_anew_meanwhile_is_imported_anew() {
    let folder = users("");
    put(&folder, "20210228", "only then.csv.gz", &named("Ada"));
    drop_file(&folder, "users_import", "20210228", "notes.txt", "first");
    dropped(&folder, "20210228", &named("Ada"));
    let lease = folder.busy_with("managed/px_user");
    let (look, _) = held_up(&folder, 1);
    fs::remove_file(folder.path(&at("current/dt=20210228/only then.csv.gz"))).unwrap();
    drop_file(&folder, "users_import", "20210228", "notes.txt", "second, longer");
    dropped(&folder, "20210228", &named("Grace"));
    drop(lease);
    assert_eq!(look.ended(), Some(0));
    let files = ["only then.csv.gz", "users.csv.gz", "users.csv.gz"].map(|name| format!("20210228/{name}"));
    assert_eq!(imported(&folder), files);
    insta::assert_snapshot!(lying(&folder), @r"
    processed/20210228/_SUCCESS
    processed/20210228/_runs/1/_SUCCESS
    processed/20210228/_runs/1/only then.csv.gz
    processed/20210228/_runs/1/status.json
    processed/20210228/_runs/1/status.txt
    processed/20210228/_runs/1/users.csv.gz
    processed/20210228/notes.txt
    processed/20210228/status.json
    processed/20210228/status.txt
    processed/20210228/users.csv.gz
    ");
    assert_eq!(unzipped(&folder, "processed/20210228/users.csv.gz"), named("Grace"));
    assert_eq!(unzipped(&folder, "processed/20210228/_runs/1/only then.csv.gz"), named("Ada"), "what was read is kept");
    assert_eq!(folder.read(&at("processed/20210228/notes.txt")), "second, longer");
    assert_eq!(first_name(&folder), "Grace");
}

#[test]
fn a_file_that_is_replaced_after_it_was_read_stays() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    let lease = folder.busy_with("managed/px_user");
    let (look, _) = held_up(&folder, 1);
    put(&folder, "20210228", "users.csv.gz", &named("Grace Hopper"));
    drop(lease);
    assert_eq!(look.ended(), Some(0));
    assert_eq!(first_name(&folder), "Ada");
    assert_eq!(unzipped(&folder, "processed/20210228/users.csv.gz"), named("Ada"), "what was imported");
    assert_eq!(unzipped(&folder, "current/dt=20210228/users.csv.gz"), named("Grace Hopper"), "never deleted unread");
    assert_eq!(notices(&folder), "late file 'users.csv.gz' in partition 20210228: it needs a new _SUCCESS");
    mark(&folder, "users_import", "20210228");
    let _ = folder.run(POLL).success();
    assert_eq!(first_name(&folder), "Grace Hopper");
    assert_eq!(unzipped(&folder, "processed/20210228/_runs/1/users.csv.gz"), named("Ada"));
}

#[test]
fn a_file_that_is_replaced_before_it_is_read_is_read_as_it_is_then() {
    let folder = users("");
    for name in ["1.csv.gz", "2.csv.gz", "3.csv.gz"] {
        put(&folder, "20210228", name, &named(name));
    }
    mark(&folder, "users_import", "20210228");
    let lease = folder.busy_with("managed/px_user");
    let (look, _) = held_up(&folder, 1);
    put(&folder, "20210228", "2.csv.gz", "id,firstName\n2,Grace\n3,Joan\n");
    fs::remove_file(folder.path(&at("current/dt=20210228/3.csv.gz"))).unwrap();
    drop(lease);
    assert_eq!(look.ended(), Some(1));
    insta::assert_snapshot!(status(&folder, "20210228"), @r"
    ERROR
    3 records were uploaded
    1.csv.gz: SUCCESS, 1 records were uploaded
    2.csv.gz: SUCCESS, 2 records were uploaded
    3.csv.gz: ERROR, File was removed before it was read
    ");
    insta::assert_snapshot!(lying(&folder), @r"
    processed/20210228/1.csv.gz
    processed/20210228/2.csv.gz
    processed/20210228/_SUCCESS
    processed/20210228/status.json
    processed/20210228/status.txt
    ");
    assert_eq!(unzipped(&folder, "processed/20210228/2.csv.gz"), "id,firstName\n2,Grace\n3,Joan\n");
}

#[test]
fn a_killed_look_is_gone_on_with() {
    let folder = users("");
    for name in ["1.csv.gz", "2.csv.gz"] {
        put(&folder, "20210228", name, &named(name));
    }
    mark(&folder, "users_import", "20210228");
    let lease = folder.busy_with("managed/px_user");
    let (look, _) = held_up(&folder, 1);
    look.killed();
    drop(lease);
    let _ = folder.run(POLL).success();
    assert_eq!(imported(&folder), ["20210228/1.csv.gz", "20210228/2.csv.gz"]);
    insta::assert_snapshot!(status(&folder, "20210228"), @r"
    SUCCESS
    2 records were uploaded
    1.csv.gz: SUCCESS, 1 records were uploaded
    2.csv.gz: SUCCESS, 1 records were uploaded
    ");
    assert_eq!(folder.spooled(), Vec::<String>::new(), "nothing is left in the spool");
}

#[test]
fn a_cancelled_import_is_reported_and_filed() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    let lease = folder.busy_with("managed/px_user");
    let (look, ids) = held_up(&folder, 1);
    put(&folder, "20210228", "users.csv.gz", &named("Grace"));
    let _ = folder.run(&format!("imports cancel {}", ids[0])).success();
    let _ = folder.run(&format!("imports cleanup {}", ids[0])).success();
    drop(lease);
    assert_eq!(look.ended(), Some(1));
    insta::assert_snapshot!(status(&folder, "20210228"), @r"
    ERROR
    cancelled by barbara
    ");
    assert_eq!(unzipped(&folder, "processed/20210228/users.csv.gz"), named("Ada"), "what was read is not lost");
    let _ = folder.run(&format!("imports cleanup {}", ids[0])).success();
    assert_eq!(folder.spooled(), Vec::<String>::new(), "nothing is left in the spool");
}

#[test]
fn an_import_whose_record_was_deleted_is_not_done_again() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    let lease = folder.busy_with("managed/px_user");
    let (look, ids) = held_up(&folder, 1);
    look.killed();
    put(&folder, "20210228", "users.csv.gz", &named("Grace"));
    drop(lease);
    let _ = folder.run(&format!("imports cancel {}", ids[0])).success();
    let _ = folder.run(&format!("imports delete {}", ids[0])).success();
    let _ = folder.run(POLL).refused();
    assert!(imports(&folder).is_empty());
    let status = status(&folder, "20210228").replace(&ids[0], "ID");
    insta::assert_snapshot!(status, @r"
    ERROR
    What became of the file is not known: the record of import ID was deleted
    ");
    assert_eq!(unzipped(&folder, "processed/20210228/users.csv.gz"), named("Ada"), "what was read is not lost");
}
