//! Which partitions are taken, and in which order.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use super::{
    POLL, at, dropped, first_name, imported, lying, named, notices, put, set, set_settling, status, until, users,
};
use crate::dropping::{drop_file, mark};

#[test]
fn a_partition_without_its_marker_is_left_alone() {
    let folder = users("");
    put(&folder, "20210228", "users.csv.gz", &named("Ada"));
    assert_eq!(notices(&folder), "partition 20210228 waits for its marker '_SUCCESS'");
    let _ = folder.run(POLL).success();
    assert_eq!(lying(&folder), "current/dt=20210228/users.csv.gz");
    assert!(imported(&folder).is_empty());
    mark(&folder, "users_import", "20210228");
    let _ = folder.run(POLL).success();
    assert_eq!(first_name(&folder), "Ada");
}

#[test]
fn a_partition_that_is_being_forgotten_is_told() {
    let folder = users("stale_after = '0s'");
    put(&folder, "20210228", "users.csv.gz", &named("Ada"));
    let notice = notices(&folder);
    assert!(notice.starts_with("partition 20210228 has no marker '_SUCCESS', and nothing new since 20"), "{notice}");
    fs::remove_file(folder.path(&at("current/dt=20210228/users.csv.gz"))).unwrap();
    assert_eq!(notices(&folder), "", "an empty folder is nothing to speak of");
}

#[test]
fn the_oldest_date_goes_first_and_files_go_by_name() {
    let folder = users("");
    for (partition, name) in [
        ("20210301", "users.csv.gz"),
        ("20210228", "b.csv.gz"),
        ("20210228", "B.csv.gz"),
        ("20210228", "10.csv.gz"),
        ("20210228", "9.csv.gz"),
        ("19991231", "zoë.csv.gz"),
        ("99991231", "a.csv.gz"),
    ] {
        put(&folder, partition, name, &named(&format!("{partition} {name}")));
        mark(&folder, "users_import", partition);
    }
    let _ = folder.run(POLL).success();
    let order = [
        "19991231/zoë.csv.gz",
        "20210228/10.csv.gz",
        "20210228/9.csv.gz",
        "20210228/B.csv.gz",
        "20210228/b.csv.gz",
        "20210301/users.csv.gz",
        "99991231/a.csv.gz",
    ];
    assert_eq!(imported(&folder), order);
    assert_eq!(first_name(&folder), "99991231 a.csv.gz", "what comes last counts");
}

#[test]
fn what_is_no_date_is_left_alone_and_told() {
    let folder = users("");
    for name in ["dt=20210231", "dt=2021-02-28", "DT=20210228", "20210228", "_temporary", ".hidden"] {
        fs::create_dir_all(folder.path(&at(&format!("current/{name}")))).unwrap();
        fs::write(folder.path(&at(&format!("current/{name}/users.csv.gz"))), "").unwrap();
        fs::write(folder.path(&at(&format!("current/{name}/_SUCCESS"))), "").unwrap();
    }
    fs::write(folder.path(&at("current/_SUCCESS")), "").unwrap();
    let before = lying(&folder);
    insta::assert_snapshot!(notices(&folder), @r"
    '_SUCCESS' lies in 'current' itself and is left alone: files lie in dt=YYYYMMDD
    '20210228' in 'current' is left alone: a partition is called dt=YYYYMMDD
    'DT=20210228' in 'current' is left alone: a partition is called dt=YYYYMMDD
    'dt=2021-02-28' in 'current' is left alone: a partition is called dt=YYYYMMDD
    'dt=20210231' in 'current' is left alone: there is no such date
    ");
    let _ = folder.run(POLL).success();
    assert_eq!(lying(&folder), before);
    dropped(&folder, "20210228", &named("Ada"));
    let _ = folder.run(POLL).success();
    assert_eq!(status(&folder, "20210228"), "SUCCESS\n1 records were uploaded\n", "it holds up nobody");
}

#[test]
fn an_empty_drop_folder_is_no_trouble() {
    let folder = users("");
    fs::create_dir_all(folder.path("rollbook-data/drop")).unwrap();
    let _ = folder.run(POLL).success();
    fs::create_dir_all(folder.path(&at("current/dt=20210228"))).unwrap();
    assert_eq!(notices(&folder), "");
    let _ = folder.run(POLL).success();
}

#[test]
fn a_marker_may_have_something_in_it() {
    let folder = users("");
    put(&folder, "20210228", "users.csv.gz", &named("Ada"));
    drop_file(&folder, "users_import", "20210228", "_SUCCESS", "{\"rows\": 1}\n");
    let _ = folder.run(POLL).success();
    assert_eq!(folder.read(&at("processed/20210228/_SUCCESS")), "{\"rows\": 1}\n");
    assert_eq!(first_name(&folder), "Ada");
}

#[test]
fn a_marker_alone_is_an_error() {
    let folder = users("");
    mark(&folder, "users_import", "20210228");
    drop_file(&folder, "users_import", "20210228", "users.csv", named("Ada"));
    let told = folder.run(POLL);
    assert_eq!(told.code(), Some(1));
    let told = told.stdout();
    assert!(told.contains("No data files found (*.csv.gz)"), "{told}");
    insta::assert_snapshot!(status(&folder, "20210228"), @r"
    ERROR
    No data files found (*.csv.gz)
    Ignored: users.csv (only *.csv.gz files are imported)
    ");
    insta::assert_snapshot!(lying(&folder), @r"
    processed/20210228/_SUCCESS
    processed/20210228/status.json
    processed/20210228/status.txt
    processed/20210228/users.csv
    ");
}

#[test]
fn a_file_that_still_grows_is_waited_for() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    set_settling(&folder, "");
    let is_written = AtomicBool::new(false);
    scope(|scope| {
        let path = folder.path(&at("current/dt=20210228/users.csv.gz"));
        let more = crate::dropping::gzip("1,Grace\n");
        let is_written = &is_written;
        scope.spawn(move || {
            while !is_written.load(Ordering::Relaxed) {
                File::options().append(true).open(&path).unwrap().write_all(&more).unwrap();
                sleep(Duration::from_millis(5));
            }
        });
        let notice = notices(&folder);
        is_written.store(true, Ordering::Relaxed);
        assert_eq!(notice, "partition 20210228 is still being written, although it has its marker '_SUCCESS'");
    });
    assert!(imported(&folder).is_empty());
    let _ = folder.run(POLL).success();
    assert_eq!(first_name(&folder), "Grace");
}

#[test]
fn two_processes_that_look_at_once_import_once() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    let lease = folder.busy_with("managed/px_user");
    let looks = [(); 3].map(|()| super::Look::at(&folder));
    until("one of them has read the file", || imported(&folder).len() == 1);
    drop(lease);
    assert_eq!(looks.map(super::Look::ended), [Some(0); 3]);
    assert_eq!(imported(&folder), ["20210228/users.csv.gz"]);
    assert_eq!(status(&folder, "20210228"), "SUCCESS\n1 records were uploaded\n");
}

#[test]
fn a_drop_folder_with_another_name_does_not_import_again() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    let lease = folder.busy_with("managed/px_user");
    let (look, _) = super::held_up(&folder, 1);
    look.killed();
    drop(lease);
    let renamed = folder.read("rollbook-data/rollbook.toml").replace("px-users", "renamed");
    fs::write(folder.path("rollbook-data/rollbook.toml"), renamed).unwrap();
    let _ = folder.run("drop-folder poll renamed").success();
    assert_eq!(imported(&folder), ["20210228/users.csv.gz"]);
    assert!(status(&folder, "20210228").starts_with("SUCCESS\n"));
}

#[test]
fn old_dates_are_removed_where_that_is_wished() {
    let folder = users("");
    for partition in ["20210228", "20210301"] {
        dropped(&folder, partition, &named("Ada"));
    }
    let _ = folder.run(POLL).success();
    dropped(&folder, "20210228", &named("Grace"));
    let _ = folder.run(POLL).success();
    fs::create_dir_all(folder.path(&at("processed/20190101"))).unwrap();
    fs::write(folder.path(&at("processed/20190101/of somebody else.txt")), "").unwrap();
    fs::write(folder.path(&at("processed/notes.txt")), "").unwrap();
    let before = lying(&folder);
    set(&folder, "keep_processed = '1d'");
    let _ = folder.run(POLL).success();
    assert_eq!(lying(&folder), before, "not yet");
    set(&folder, "keep_processed = '1ms'");
    let _ = folder.run(POLL).success();
    assert_eq!(lying(&folder), "processed/20190101/of somebody else.txt\nprocessed/notes.txt");
    assert!(!folder.path(&at("processed/20210228")).exists());
    // What was imported is imported, and the dates may come again.
    assert_eq!(first_name(&folder), "Grace");
    set(&folder, "");
    dropped(&folder, "20210228", &named("Joan"));
    let _ = folder.run(POLL).success();
    assert!(status(&folder, "20210228").starts_with("SUCCESS\n"));
}

#[test]
fn a_date_that_is_kept_by_what_is_no_file_is_removed_once() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    let _ = folder.run(POLL).success();
    symlink("elsewhere", folder.path(&at("processed/20210228/link"))).unwrap();
    set(&folder, "keep_processed = '1ms'");
    let mut serve = folder.command("serve --listen 127.0.0.1:0");
    let log = File::create(folder.path("log")).unwrap();
    let mut serve = serve.stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let removed = |partition: &str| {
        let log = folder.read("log");
        log.lines().filter(|line| line.contains("removed from") && line.contains(partition)).count()
    };
    for partition in ["20210301", "20210302"] {
        dropped(&folder, partition, &named("Grace"));
        until("one look after the other", || removed(partition) == 1);
    }
    serve.kill().unwrap();
    serve.wait().unwrap();
    assert_eq!(removed("20210228"), 1, "{}", folder.read("log"));
    assert_eq!(lying(&folder), "processed/20210228/link");
}

#[test]
fn the_log_says_what_was_done_and_says_it_once() {
    let folder = users("");
    fs::create_dir_all(folder.path(&at("current/dt=20210231"))).unwrap();
    dropped(&folder, "20210228", &named("Ada"));
    let mut serve = folder.command("serve --listen 127.0.0.1:0");
    let log = File::create(folder.path("log")).unwrap();
    let mut serve = serve.stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let is_done = |partition: &str| folder.path(&at(&format!("processed/{partition}/status.txt"))).exists();
    for (partition, csv) in [("20210301", named("Grace")), ("20210302", "id,nmae\n".to_owned())] {
        until("one look after the other", || is_done("20210228"));
        dropped(&folder, partition, &csv);
        until("one look after the other", || is_done(partition));
    }
    until("the last partition is done", || folder.read("log").matches("partition is done").count() == 3);
    serve.kill().unwrap();
    serve.wait().unwrap();
    let log = folder.read("log");
    let lines = |words: &[&str]| log.lines().filter(|line| words.iter().all(|word| line.contains(word))).count();
    assert_eq!(lines(&["there is no such date", "px-users"]), 1, "{log}");
    assert_eq!(lines(&["partition is taken"]), 3, "{log}");
    assert_eq!(lines(&["partition is done", "20210301", "\"success\":true,\"records\":1}"]), 1, "{log}");
    assert_eq!(lines(&["partition is done", "20210302", "\"success\":false,\"records\":0}"]), 1, "{log}");
    assert_eq!(lines(&["Grace"]), 0, "no cell is logged: {log}");
}
