//! A bucket that fails, and processes that are killed while they speak with it.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use rollbook::error::{Error, Kind};
use rollbook::worker::Worker;

use super::{GO_ON, IDENTITY, IMPORT, USERS, are_there, forget, installation, settings, spooled, state, waiting};
use crate::crash::{Dice, start, until};
use crate::harness::{Folder, plan};
use crate::s3::{Fate, KEY, S3Server, SECRET};
use crate::service::Service;

/// Every way of failing there is, now and then.
fn fate(dice: &mut Dice) -> Fate {
    match dice.below(25) {
        0 => Fate::Refused(503),
        1 => Fate::Refused(500),
        2 => Fate::DoneButRefused(500),
        3 => Fate::DoneButDropped,
        4 => Fate::Cut,
        _ => Fate::Done,
    }
}

#[test]
fn one_request_in_five_fails() {
    let s3 = S3Server::new();
    let dice = Mutex::new(Dice::new());
    s3.decide(move |_| fate(&mut dice.lock().unwrap()));
    for round in 0..3 {
        let folder = installation(&settings(&s3).replace("/spool'", &format!("/spool/{round}'")));
        folder.submit("users.csv", plan("managed/user", "userName"));
        forget(&folder);
        let _ = folder.run(GO_ON).success();
        are_there(&folder);
    }
    assert_eq!(spooled(&s3), Vec::<String>::new());
}

/// When the imports that wait are run, then: what keeps them from it.
fn run_waiting(folder: &Folder) -> Error {
    Worker::new(Arc::new(folder.installation())).run_waiting().unwrap_err()
}

/// It is not the file's fault, so the import has not failed.
#[test]
fn an_import_waits_for_a_bucket_that_does_not_answer() {
    let s3 = S3Server::new();
    let folder = waiting(&settings(&s3));
    s3.decide(|_| Fate::Refused(503));
    let error = run_waiting(&folder);
    assert_eq!(error.kind(), Kind::Busy);
    assert!(error.to_string().starts_with("the spool 's3://exports/spool': "), "{error}");
    assert_eq!(state(&folder, "users.csv"), "queued");
    s3.decide(|request| match request.action == "GetObject" && request.key.ends_with(".csv") {
        true => Fate::Refused(503),
        false => Fate::Done,
    });
    assert_eq!(run_waiting(&folder).kind(), Kind::Busy);
    assert_eq!(state(&folder, "users.csv"), "running");
    s3.behave();
    let _ = folder.run(GO_ON).success();
    are_there(&folder);
}

/// Who needs no bytes needs no bucket, and a service waits for it.
#[test]
fn a_service_outlives_its_bucket() {
    let s3 = S3Server::new();
    let folder = waiting(&settings(&s3));
    s3.forbid("s3:ListBucket", "spool/");
    let service = Service::on(folder);
    let reply = service.curl("--form upload=@users.csv '/upload/csv/managed/user?uniqueProperty=userName'");
    assert_eq!(reply.status, 500, "{}", reply.body);
    assert!(reply.message().contains("allow s3:ListBucket"), "{}", reply.body);
    s3.allow_all();
    let imports = service.folder.run("imports list --json").json();
    assert_eq!(imports.len(), 1, "{imports:?}");
    service.finished(imports[0]["_id"].as_str().unwrap());
    are_there(&service.folder);
}

/// What a right that is missing keeps from being done waits for the right.
#[test]
fn rights_that_are_missing_are_told_and_waited_for() {
    let s3 = S3Server::new();
    let folder = waiting(&settings(&s3));
    s3.forbid("s3:PutObject", "spool/");
    let said = folder.run(GO_ON).failed();
    assert!(said.contains("the spool 's3://exports/spool': ") && said.contains("allow s3:PutObject"), "{said}");
    s3.allow_all();
    for right in ["s3:ListBucket", "s3:GetObject"] {
        s3.forbid(right, "spool/");
        let error = run_waiting(&folder);
        assert_eq!(error.kind(), Kind::Storage, "{error}");
        assert!(error.to_string().contains(&format!("allow {right}")), "{error}");
        s3.allow_all();
    }
    let _ = folder.run(GO_ON).success();
    are_there(&folder);
}

/// The import is over, and what it leaves is cleared away later.
#[test]
fn bytes_that_cannot_be_removed_hold_nothing_up() {
    let s3 = S3Server::new();
    let folder = installation(&settings(&s3));
    s3.forbid("s3:DeleteObject", "spool/");
    let _ = folder.run(IMPORT).success();
    are_there(&folder);
    assert_eq!(spooled(&s3).len(), 1);
    s3.allow_all();
    age(&s3, &spooled(&s3)[0]);
    folder.installation().sweep().unwrap();
    assert_eq!(spooled(&s3), Vec::<String>::new());
}

#[test]
fn keys_that_expire_are_told() {
    let s3 = S3Server::new();
    let temporary = settings(&s3).replace(KEY, "ASIA1") + "session_token = { env = 'TOKEN' }\n";
    s3.let_in("ASIA1", SECRET, "sesame", Duration::from_secs(2));
    let folder = installation(&temporary);
    let run = || folder.command(IMPORT).env("TOKEN", "sesame").output().unwrap();
    assert!(run().status.success());
    sleep(Duration::from_secs(2));
    let output = run();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the session of the access key for the bucket 'exports' is over: set new keys"), "{said}");
}

/// Bytes are compared with those that were accepted, whatever the store says of them.
#[test]
fn other_bytes_are_not_imported() {
    let s3 = S3Server::new();
    let folder = waiting(&settings(&s3));
    let key = spooled(&s3).remove(0);
    s3.plant(&key, USERS.replace("Carter", "Cartez"));
    let error = run_waiting(&folder);
    assert!(error.to_string().contains("came in with other bytes than were put there"), "{error}");
    s3.plant(&key, USERS);
    let _ = folder.run(GO_ON).success();
    are_there(&folder);
}

/// A process that dies between putting the bytes and queueing their import leaves nothing that is imported, and nothing
/// that stays for good.
#[test]
fn a_process_is_killed_before_it_queues() {
    let s3 = S3Server::new();
    let folder = installation(&settings(&s3)).after(GO_ON);
    let (asked, killed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (shown, awaited) = (Arc::clone(&asked), Arc::clone(&killed));
    s3.decide(move |request| {
        if request.action == "PutObject" && request.key.ends_with(".csv") {
            shown.store(true, Ordering::Relaxed);
            until(|| awaited.load(Ordering::Relaxed));
        }
        Fate::Done
    });
    let mut process = start(&folder, IMPORT);
    until(|| asked.load(Ordering::Relaxed));
    process.kill().unwrap();
    process.wait().unwrap();
    killed.store(true, Ordering::Relaxed);
    until(|| !spooled(&s3).is_empty());
    s3.behave();
    assert_eq!(folder.run("imports list --json").json().len(), 1);
    folder.installation().sweep().unwrap();
    assert_eq!(spooled(&s3).len(), 1, "it may still come in");
    age(&s3, &spooled(&s3)[0]);
    let _ = folder.run(IMPORT).success();
    assert_eq!(s3.keys(), [IDENTITY, "spool/rollbook.time"]);
    are_there(&folder);
}

/// Given an object that was written more than a day ago.
fn age(s3: &S3Server, key: &str) {
    let file = File::options().append(true).open(s3.path(key)).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_hours(25)).unwrap();
}
