//! Stores that fail, rights that are missing, files that change while we work, and company: in the end all is as if
//! nothing had happened.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::stage::{Ending, Kind, Stage, users};
use crate::crash::{Dice, start, until};
use crate::dropping::gzip;
use crate::s3::{Fate, Request, S3Server};
use crate::service::Service;

const POLL: &str = "drop-folder poll --all";

const CURRENT: &str = "users_import/current/dt=20210228";

const PROCESSED: &str = "users_import/processed/20210228";

/// What becomes of a request if it goes wrong: as often as not it was done all the same.
fn mishap(dice: &mut Dice) -> Fate {
    match dice.below(6) {
        0 => Fate::Refused(503),
        1 => Fate::Refused(500),
        2 => Fate::Dropped,
        3 => Fate::DoneButRefused(500),
        4 => Fate::DoneButDropped,
        _ => Fate::Cut,
    }
}

/// Has so many of a hundred requests go wrong.
fn fail(s3: &S3Server, percent: u32) {
    let dice = Mutex::new(Dice::new());
    s3.decide(move |_| {
        let mut dice = dice.lock().unwrap();
        if dice.below(100) < percent { mishap(&mut dice) } else { Fate::Done }
    });
}

/// A stage on which one file is ready.
fn one_file(kind: Kind) -> Stage {
    let mut stage = Stage::new(kind);
    stage.drop_csv("users_import", "20210228", "users.csv.gz", &users(0..30, 1));
    stage.mark("users_import", "20210228");
    stage
}

fn undisturbed(stage: &Stage) -> Ending {
    let _ = stage.folder.run(POLL);
    stage.ending("undisturbed")
}

/// Runs something once, at the first request that is as described, before that is done.
fn when(
    s3: &S3Server,
    is_it: impl Fn(&Request) -> bool + Send + Sync + 'static,
    happens: impl Fn() + Send + Sync + 'static,
) {
    let happened = AtomicBool::new(false);
    s3.decide(move |request| {
        if is_it(request) && !happened.swap(true, Ordering::Relaxed) {
            happens();
        }
        Fate::Done
    });
}

/// Every import of a file that was dropped.
fn imports(stage: &Stage) -> Vec<Value> {
    let mut imports = stage.folder.run("imports list --json").json();
    imports.retain(|import| import["origin"] == "drop-folder");
    imports
}

fn status(stage: &Stage, folder: &str) -> String {
    String::from_utf8(stage.read(&format!("{folder}/status.txt"))).unwrap()
}

/// Asking again helps against one request in five that fails; against two in five it takes a few looks.
#[test]
fn a_store_that_fails() {
    let stages: [(u32, fn() -> Stage); 2] = [(20, || Stage::new(Kind::S3).drop_all()), (40, || one_file(Kind::S3))];
    for (percent, stage) in stages {
        let undisturbed = undisturbed(&stage());
        let stage = stage();
        fail(stage.s3.as_ref().unwrap(), percent);
        let mut looks = 0;
        while stage.folder.run(POLL).code() == Some(2) {
            looks += 1;
            stage.look(&format!("{percent} %, look {looks}"));
            assert!(looks < 100, "{percent} %: it does not come to an end: {:#?}", stage.keys());
        }
        stage.s3.as_ref().unwrap().behave();
        stage.ending(&format!("{percent} %")).must_equal(&undisturbed, &format!("{percent} %"));
    }
}

/// What is imported once is imported for ever, and somebody has to be told that the rest cannot be done.
#[test]
fn deleting_is_forbidden() {
    let undisturbed = undisturbed(&one_file(Kind::S3));
    let stage = one_file(Kind::S3);
    let s3 = stage.s3.as_ref().unwrap();
    s3.forbid("s3:DeleteObject", "users_import/current/");
    for _ in 0..3 {
        let _ = stage.folder.run(POLL).failed();
        stage.look("deleting is forbidden");
        assert_eq!(imports(&stage).len(), 1);
        assert_eq!(status(&stage, PROCESSED), "SUCCESS\n30 records were uploaded\n");
        assert_eq!(stage.receiver.count(), 0);
    }
    for command in ["drop-folder list", "drop-folder show px-users"] {
        let shown = stage.folder.run(command).success();
        assert!(shown.contains("s3:DeleteObject"), "{command}: {shown}");
    }
    let stage = alarms(stage);
    assert_eq!(imports(&stage).len(), 1);
    stage.s3.as_ref().unwrap().allow_all();
    let _ = stage.folder.run(POLL).success();
    stage.ending("allowed again").must_equal(&undisturbed, "allowed again");
    let _ = stage.folder.run(POLL).success();
    stage.ending("looked at again").must_equal(&undisturbed, "looked at again");
}

/// A service that looks too says the same to whoever asks it.
fn alarms(mut stage: Stage) -> Stage {
    let asked = stage.s3.as_ref().unwrap().log().len();
    let mut service = Service::on(stage.folder);
    until(|| stage.s3.as_ref().unwrap().log()[asked..].iter().any(|request| request.action == "DeleteObject"));
    let standing = service.curl("/openidm/dropFolder/px-users").json();
    assert_eq!((&standing["state"], &standing["openRuns"]), (&"blocked".into(), &1.into()), "{standing}");
    assert!(standing["problem"].as_str().unwrap().contains("s3:DeleteObject"), "{standing}");
    let metrics = service.curl("/metrics").body;
    assert!(metrics.contains("rollbook_drop_folders{state=\"blocked\"} 1"), "{metrics}");
    service.stop();
    stage.folder = service.into_folder();
    stage
}

/// Nothing is taken from the customer before it lies where it belongs.
#[test]
fn writing_is_forbidden() {
    let undisturbed = undisturbed(&one_file(Kind::S3));
    let stage = one_file(Kind::S3);
    let s3 = stage.s3.as_ref().unwrap();
    s3.forbid("s3:PutObject", "users_import/processed/");
    for _ in 0..2 {
        let _ = stage.folder.run(POLL).failed();
        stage.look("writing is forbidden");
        assert_eq!(imports(&stage).len(), 1);
        assert_eq!(stage.keys(), [format!("{CURRENT}/_SUCCESS"), format!("{CURRENT}/users.csv.gz")]);
    }
    let shown = stage.folder.run("drop-folder show px-users").success();
    assert!(shown.contains("s3:PutObject"), "{shown}");
    s3.allow_all();
    let _ = stage.folder.run(POLL).success();
    stage.ending("allowed again").must_equal(&undisturbed, "allowed again");
}

/// A listing of which a page fails, or is cut, is none: no file is missed because of it.
#[test]
fn a_listing_is_cut() {
    let several = || {
        let mut stage = Stage::new(Kind::S3);
        for name in ["1.csv.gz", "2.csv.gz", "3.csv.gz", "4.csv.gz", "5.csv.gz"] {
            stage.drop_csv("users_import", "20210228", name, &users(0..9, name.len()));
        }
        stage.mark("users_import", "20210228");
        stage.s3.as_ref().unwrap().page(2);
        stage
    };
    let undisturbed = undisturbed(&several());
    for fate in [|| Fate::Cut, (|| Fate::Refused(503)) as fn() -> Fate, || Fate::Dropped] {
        let stage = several();
        let s3 = stage.s3.as_ref().unwrap();
        let pages = Mutex::new(0);
        s3.decide(move |request| {
            let mut pages = pages.lock().unwrap();
            *pages += usize::from(request.action == "ListObjects" && request.key.contains("dt="));
            if request.action == "ListObjects" && *pages >= 2 { fate() } else { Fate::Done }
        });
        let _ = stage.folder.run(POLL).failed();
        assert!(imports(&stage).is_empty());
        assert!(stage.keys().iter().all(|key| key.starts_with("users_import/current/")), "{:?}", stage.keys());
        s3.behave();
        let _ = stage.folder.run(POLL).success();
        stage.ending("listed").must_equal(&undisturbed, "listed");
    }
}

/// What is imported and filed is what was read.
#[test]
fn a_file_is_replaced_before_it_is_read() {
    let stage = Arc::new(one_file(Kind::S3));
    let (s3, ours) = (stage.s3.as_ref().unwrap(), Arc::downgrade(&stage));
    let newer = gzip(users(0..20, 2));
    let planted = newer.clone();
    let is_read = |request: &Request| request.action == "GetObject" && request.key.ends_with("users.csv.gz");
    when(s3, is_read, move || ours.upgrade().unwrap().put(&format!("{CURRENT}/users.csv.gz"), &planted));
    let _ = stage.folder.run(POLL).success();
    let imports = imports(&stage);
    assert_eq!(imports.len(), 1);
    assert_eq!(imports[0]["created"], 20);
    assert_eq!(stage.read(&format!("{PROCESSED}/users.csv.gz")), newer);
    assert!(stage.keys().iter().all(|key| key.starts_with("users_import/processed/")), "{:?}", stage.keys());
}

/// What comes after the reading stays, and is told of; it is imported when it is marked.
#[test]
fn a_file_is_replaced_before_it_is_removed() {
    for action in ["CopyObject", "PutObject", "DeleteObject"] {
        let stage = Arc::new(one_file(Kind::S3));
        let (s3, ours) = (stage.s3.as_ref().unwrap(), Arc::downgrade(&stage));
        let (earlier, newer) = (stage.read(&format!("{CURRENT}/users.csv.gz")), gzip(users(0..20, 2)));
        let planted = newer.clone();
        let is_it = move |request: &Request| request.action == action && request.key.contains("users_import");
        when(s3, is_it, move || ours.upgrade().unwrap().put(&format!("{CURRENT}/users.csv.gz"), &planted));
        let _ = stage.folder.run(POLL).success();
        stage.look(action);
        assert_eq!(imports(&stage).len(), 1, "{action}");
        assert_eq!(stage.read(&format!("{PROCESSED}/users.csv.gz")), earlier, "{action}");
        assert_eq!(stage.read(&format!("{CURRENT}/users.csv.gz")), newer, "{action}");
        s3.behave();
        let said = stage.folder.run(POLL).success();
        assert!(said.contains("late file 'users.csv.gz'"), "{action}: {said}");
        assert_eq!(imports(&stage).len(), 1, "{action}");
        stage.mark("users_import", "20210228");
        let _ = stage.folder.run(POLL).success();
        assert_eq!(imports(&stage).len(), 2, "{action}");
        assert_eq!(stage.read(&format!("{PROCESSED}/users.csv.gz")), newer, "{action}");
        assert_eq!(stage.read(&format!("{PROCESSED}/_runs/1/users.csv.gz")), earlier, "{action}");
        assert!(stage.keys().iter().all(|key| key.starts_with("users_import/processed/")), "{action}");
    }
}

/// A date that is dropped anew while it is worked on is a run of its own.
#[test]
fn a_partition_is_dropped_anew_meanwhile() {
    for (action, name) in [
        ("GetObject", "users.csv.gz"),
        ("CopyObject", "users.csv.gz"),
        ("PutObject", "status.txt"),
        ("DeleteObject", "users.csv.gz"),
    ] {
        let what = format!("{action} {name}");
        let stage = Arc::new(one_file(Kind::S3));
        let (s3, ours) = (stage.s3.as_ref().unwrap(), Arc::downgrade(&stage));
        let earlier = stage.read(&format!("{CURRENT}/users.csv.gz"));
        let newer = gzip(users(0..20, 2));
        let planted = newer.clone();
        let is_it = move |request: &Request| request.action == action && request.key.ends_with(name);
        when(s3, is_it, move || {
            let stage = ours.upgrade().unwrap();
            stage.put(&format!("{CURRENT}/users.csv.gz"), &planted);
            stage.mark("users_import", "20210228");
        });
        let _ = stage.folder.run(POLL).success();
        let _ = stage.folder.run(POLL).success();
        assert_eq!(stage.read(&format!("{PROCESSED}/users.csv.gz")), newer, "{what}");
        assert_eq!(status(&stage, PROCESSED), "SUCCESS\n20 records were uploaded\n", "{what}");
        assert!(
            stage.keys().iter().all(|key| key.starts_with("users_import/processed/")),
            "{what}: {:?}",
            stage.keys()
        );
        assert_eq!((stage.receiver.count(), imports(&stage).len()), (2, 2), "{what}");
        // Whether the first run still had its bytes to read, or only those that came later.
        let aside = stage.read(&format!("{PROCESSED}/_runs/1/users.csv.gz"));
        assert!(aside == earlier || action == "GetObject" && aside == newer, "{what}");
    }
}

/// All empty files have one entity tag, and S3 takes no other condition for a removal. So a marker that comes just when the
/// earlier one goes may go with it; the files stay, and wait for another one.
#[test]
fn a_marker_comes_just_when_the_earlier_one_goes() {
    let stage = Arc::new(one_file(Kind::S3));
    let (s3, ours) = (stage.s3.as_ref().unwrap(), Arc::downgrade(&stage));
    let newer = gzip(users(0..20, 2));
    let planted = newer.clone();
    let is_it = |request: &Request| request.action == "DeleteObject" && request.key.ends_with("_SUCCESS");
    when(s3, is_it, move || {
        let stage = ours.upgrade().unwrap();
        stage.put(&format!("{CURRENT}/users.csv.gz"), &planted);
        stage.mark("users_import", "20210228");
    });
    let _ = stage.folder.run(POLL).success();
    stage.look("the marker went");
    assert_eq!(stage.read(&format!("{CURRENT}/users.csv.gz")), newer);
    let said = stage.folder.run(POLL).success();
    assert!(said.contains("partition 20210228 waits for its marker '_SUCCESS'"), "{said}");
    stage.mark("users_import", "20210228");
    let _ = stage.folder.run(POLL).success();
    assert_eq!(stage.read(&format!("{PROCESSED}/users.csv.gz")), newer);
    assert_eq!((stage.receiver.count(), imports(&stage).len()), (2, 2));
}

/// Two looks and a service at once, on one installation.
#[test]
fn company() {
    for kind in [Kind::Directory, Kind::S3] {
        let many = || {
            let mut stage = Stage::new(kind);
            for n in 0..20 {
                let partition = format!("202102{:02}", n / 5 + 1);
                stage.drop_csv("users_import", &partition, &format!("{n:02}.csv.gz"), &users(n..n + 30, n));
            }
            (1..=4).for_each(|day| stage.mark("users_import", &format!("202102{day:02}")));
            stage
        };
        let undisturbed = undisturbed(&many());
        let mut stage = many();
        let mut looks = [POLL, POLL].map(|command| start(&stage.folder, command));
        let mut service = Service::on(stage.folder);
        for look in &mut looks {
            assert_eq!(look.wait().unwrap().code(), Some(0), "{kind:?}");
        }
        service.stop();
        stage.folder = service.into_folder();
        let _ = stage.folder.run(POLL).success();
        stage.ending("in company").must_equal(&undisturbed, &format!("{kind:?}"));
    }
}
