//! What happens when something is not allowed, or is in the way.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use rollbook::app::App;
use rollbook::clock;
use rollbook::drop_folder::{DropFolders, Imports};
use rollbook::error::Result;
use rollbook::import::ImportId;
use rollbook::run::{FailedReading, Trouble};
use serde_json::Value;

use super::{
    POLL, at, dropped, first_name, held_up, imported, named, notices, put, set, set_settling, status, troubles, until,
    unzipped, users,
};
use crate::dropping::{gzip, mark};
use crate::harness::Folder;
use crate::service::Service;

/// What keeps the look, or the first run, from going on.
fn message(folder: &Folder, troubles: &[Value]) -> String {
    troubles[0]["message"].as_str().unwrap().replace(folder.path("").to_str().unwrap(), "")
}

#[test]
fn what_cannot_be_filed_is_not_imported_again() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    fs::write(folder.path(&at("processed")), "not a folder").unwrap();
    let _ = folder.run(POLL).failed();
    let troubles = troubles(&folder);
    assert_eq!(troubles.len(), 1);
    insta::assert_snapshot!(message(&folder, &troubles), @"'rollbook-data/drop/users_import/processed' is a file: it must be a directory");
    assert_eq!(troubles[0]["blocked"], true);
    assert_eq!((imported(&folder).len(), first_name(&folder)), (1, "Ada".to_owned()));
    // It holds up nobody.
    dropped(&folder, "20210301", &named("Grace"));
    let _ = folder.run(POLL).failed();
    assert_eq!((imported(&folder).len(), first_name(&folder)), (2, "Grace".to_owned()));
    let since = super::troubles(&folder)[0]["since"].clone();
    assert_eq!(since, troubles[0]["since"], "it is the same trouble still");
    // What was read is kept until it is filed, whatever becomes of the file.
    put(&folder, "20210228", "users.csv.gz", &named("Mary"));
    let _ = folder.run(POLL).failed();
    fs::remove_file(folder.path(&at("processed"))).unwrap();
    let _ = folder.run(POLL).success();
    assert_eq!(unzipped(&folder, "processed/20210228/users.csv.gz"), named("Ada"));
    assert_eq!(unzipped(&folder, "current/dt=20210228/users.csv.gz"), named("Mary"), "never deleted unread");
    assert_eq!(imported(&folder).len(), 2);
    for partition in ["20210228", "20210301"] {
        assert_eq!(status(&folder, partition), "SUCCESS\n1 records were uploaded\n");
    }
    assert!(!folder.path(&at("current/dt=20210301")).exists());
}

#[test]
fn a_bucket_that_is_not_there_is_told() {
    let folder = users("");
    let troubles = troubles(&folder);
    insta::assert_snapshot!(message(&folder, &troubles), @"there is no directory 'rollbook-data/drop': make it, and in it the folder 'users_import/current'");
    assert_eq!(troubles[0]["blocked"], true);
    dropped(&folder, "20210228", &named("Ada"));
    let _ = folder.run(POLL).success();
    assert_eq!(first_name(&folder), "Ada");
}

#[test]
fn settings_that_do_not_fit_are_told_and_nothing_is_lost() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    let settings = folder.read("rollbook-data/rollbook.toml");
    fs::write(folder.path("rollbook-data/rollbook.toml"), settings.replace("px_user", "nobody")).unwrap();
    let troubles = troubles(&folder);
    insta::assert_snapshot!(message(&folder, &troubles), @"there is no object type 'managed/nobody'; there are managed/assignment, managed/px_account, managed/px_user, managed/role, managed/user");
    assert_eq!(troubles[0]["blocked"], true);
    assert!(imported(&folder).is_empty());
    set(&folder, "");
    let _ = folder.run(POLL).success();
    assert_eq!(first_name(&folder), "Ada");
}

/// Given a partition of which a file is written to as long as `meanwhile` goes on, with one file before it and one behind.
fn while_written_to(folder: &Folder, meanwhile: impl FnOnce()) {
    for name in ["1.csv.gz", "2.csv.gz", "3.csv.gz"] {
        put(folder, "20210228", name, &named(name));
    }
    mark(folder, "users_import", "20210228");
    let lease = folder.busy_with("managed/px_user");
    let (look, _) = held_up(folder, 1);
    let is_over = AtomicBool::new(false);
    scope(|scope| {
        let path = folder.path(&at("current/dt=20210228/2.csv.gz"));
        let (is_over, more) = (&is_over, gzip("1,Grace\n"));
        scope.spawn(move || {
            while !is_over.load(Ordering::Relaxed) {
                File::options().append(true).open(&path).unwrap().write_all(&more).unwrap();
                sleep(Duration::from_millis(5));
            }
        });
        drop(lease);
        assert_eq!(look.ended(), Some(2));
        meanwhile();
        is_over.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_later_date_does_not_overtake() {
    let folder = users("");
    set_settling(&folder, "");
    while_written_to(&folder, || {
        dropped(&folder, "20210301", &named("Joan"));
        let troubles = troubles(&folder);
        assert_eq!(message(&folder, &troubles), "the file 'current/dt=20210228/2.csv.gz' is still being written");
        assert_eq!(troubles[0]["blocked"], false);
        assert_eq!(imported(&folder), ["20210228/1.csv.gz"], "and neither does a later file");
    });
    let _ = folder.run(POLL).success();
    let order = ["20210228/1.csv.gz", "20210228/2.csv.gz", "20210228/3.csv.gz", "20210301/users.csv.gz"];
    assert_eq!(imported(&folder), order);
    assert_eq!(first_name(&folder), "Joan");
}

#[test]
fn a_file_that_cannot_be_read_is_given_up_in_the_end() {
    let folder = users("");
    set_settling(&folder, "give_up_after = '0s'");
    while_written_to(&folder, || {
        let _ = folder.run(POLL).refused();
        insta::assert_snapshot!(status(&folder, "20210228"), @r"
        ERROR
        2 records were uploaded
        1.csv.gz: SUCCESS, 1 records were uploaded
        2.csv.gz: ERROR, The file 'current/dt=20210228/2.csv.gz' is still being written
        3.csv.gz: SUCCESS, 1 records were uploaded
        ");
        assert!(!folder.path(&at("processed/20210228/2.csv.gz")).exists());
        assert_eq!(notices(&folder), "late file '2.csv.gz' in partition 20210228: it needs a new _SUCCESS");
    });
    mark(&folder, "users_import", "20210228");
    let _ = folder.run(POLL).success();
    assert_eq!(first_name(&folder), "Grace");
}

/// Is to stop as soon as a file comes in.
struct Interrupted {
    spool: PathBuf,
    is_stopping: Cell<bool>,
}

impl Imports for Interrupted {
    fn wait(&self, _: ImportId) -> Result<()> {
        Ok(())
    }

    fn is_stopping(&self) -> bool {
        let mut spooled = fs::read_dir(&self.spool).unwrap().map(|file| file.unwrap().path());
        let comes_in = spooled.any(|path| path.extension().is_some_and(|extension| extension == "incoming"));
        self.is_stopping.set(self.is_stopping.get() || comes_in);
        self.is_stopping.get()
    }
}

#[test]
fn a_file_whose_reading_was_interrupted_is_not_given_up() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    set_settling(&folder, "give_up_after = '0s'");
    let settings = folder.read("rollbook-data/rollbook.toml");
    fs::write(folder.path("rollbook-data/rollbook.toml"), settings.replace("px_user", "nobody")).unwrap();
    let _ = folder.run(POLL).failed();
    fs::write(folder.path("rollbook-data/rollbook.toml"), settings).unwrap();
    let config = folder.config();
    let name = config.drop_folders.all().unwrap()[0].name.clone();
    let place = config.drop_folders.all().unwrap()[0].place();
    let app = Arc::new(App::open(config).unwrap());
    let run = app.repository.open_runs(&place).unwrap().remove(0);
    let failed = FailedReading { file: "users.csv.gz".to_owned(), at: clock::now() };
    let trouble = Trouble { reading: Some(failed), ..run.trouble.unwrap() };
    app.repository.note_trouble(run.id, Some(&trouble)).unwrap();
    let folders = DropFolders::new(app).unwrap();
    let interrupted = Interrupted { spool: folder.path("rollbook-data/spool"), is_stopping: Cell::new(false) };
    let polled = folders.poll(&name, &interrupted).unwrap();
    assert!(interrupted.is_stopping.get(), "the file was read");
    assert_eq!(polled.runs[0].files[0].outcome, None);
    let _ = folder.run(POLL).success();
    assert_eq!(first_name(&folder), "Ada");
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let folder = users("");
    let many: String = (0..30_000).map(|n| format!("{n},Ada {n}\n")).collect();
    dropped(&folder, "20210228", &format!("id,firstName\n{many}"));
    let service = Service::within(1500, folder);
    until("a service without room is in trouble", || {
        service.curl("/openidm/dropFolder/px-users").json()["state"] == "retrying"
    });
    let standing = service.curl("/openidm/dropFolder/px-users").json();
    assert!(standing["problem"].as_str().unwrap().contains("disk"), "{standing}");
    let folder = service.into_folder();
    let _ = folder.run(POLL).success();
    assert_eq!(status(&folder, "20210228"), "SUCCESS\n30000 records were uploaded\n");
    assert_eq!(imported(&folder).len(), 1);
}
