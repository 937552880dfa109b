//! Uploads with an Idempotency-Key, sent again.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use rollbook::app::{App, Receiving, Request};
use rollbook::error::Kind;

use super::upload::{TO_USERS, USERS, service, spooled};
use super::upload_cut::Cut;
use crate::harness::{Folder, plan};
use crate::service::{Reply, Service};

const AGAIN: &str = "--header Idempotency-Key:monday --form upload=@users.csv";

fn send(service: &Service, typed: &str) -> Reply {
    service.curl(&format!("{typed} '/upload/csv/{TO_USERS}'"))
}

#[track_caller]
fn imports(service: &Service) -> usize {
    let imports = service.curl("/openidm/csv/metadata?_queryFilter=true").json();
    imports["result"].as_array().unwrap().len()
}

#[track_caller]
fn is_refused(reply: &Reply, message: &str) {
    assert_eq!((reply.status, reply.message()), (409, message.to_owned()));
}

const OTHER: &str = "the Idempotency-Key 'monday' was used for another request: choose a new one";

#[test]
fn the_same_request_has_the_same_answer() {
    let mut service = service();
    fs::write(service.folder.path("more.csv"), USERS.replace("Sam", "Samantha")).unwrap();
    let first = send(&service, AGAIN);
    assert_eq!(first.status, 200, "{}", first.body);
    let id = first.json()["importUUIDs"][0].as_str().unwrap().to_owned();
    let second = send(&service, AGAIN);
    assert_eq!((second.status, &second.body), (200, &first.body));
    let _ = service.finished(&id);
    assert_eq!(send(&service, AGAIN).body, first.body);
    service.kill();
    service.restart();
    assert_eq!(send(&service, AGAIN).body, first.body);
    assert_eq!(imports(&service), 1);
    assert_eq!(spooled(&service), Vec::<String>::new());
    for other in [
        "--header Idempotency-Key:monday --form upload=@more.csv",
        "--header Idempotency-Key:monday --form 'upload=@users.csv;filename=others.csv'",
        "--header Idempotency-Key:monday --form upload=@users.csv --form upload=@users.csv",
    ] {
        is_refused(&send(&service, other), OTHER);
    }
    is_refused(&service.curl(&format!("{AGAIN} '/upload/csv/{TO_USERS}&dryRun=true'")), OTHER);
    assert_eq!(send(&service, "--header Idempotency-Key:monday --form a=b").status, 400);
    assert_eq!(imports(&service), 1);
    let tuesday = send(&service, "--header Idempotency-Key:tuesday --form upload=@users.csv");
    assert_ne!(tuesday.body, first.body);
    assert_eq!(imports(&service), 2);
}

/// What was refused left nothing, not even its key.
#[test]
fn a_key_of_a_refused_request_is_free() {
    let service = service();
    fs::write(service.folder.path("wrong.csv"), "userName,nonsense\na,b\n").unwrap();
    let wrong = send(&service, "--header Idempotency-Key:monday --form upload=@wrong.csv");
    assert_eq!(wrong.status, 400);
    assert_eq!(send(&service, AGAIN).status, 200);
}

#[test]
fn a_key_is_free_again_when_its_imports_are_deleted() {
    let service = service();
    let first = send(&service, AGAIN);
    let id = first.json()["importUUIDs"][0].as_str().unwrap().to_owned();
    let _ = service.finished(&id);
    let _ = service.folder.run(&format!("imports delete {id}")).success();
    let second = send(&service, AGAIN);
    assert_eq!(second.status, 200);
    assert_ne!(second.body, first.body);
}

#[test]
fn a_request_that_is_under_way_is_not_begun_again() {
    let service = service();
    let slow = Cut::begin(&service, "Idempotency-Key: monday\r\n");
    is_refused(&send(&service, AGAIN), "the request with the Idempotency-Key 'monday' is still in progress");
    slow.end();
    assert_eq!(send(&service, AGAIN).status, 200);
}

/// A request whose file is here.
fn begun(process: &Arc<App>, file: &str) -> Receiving {
    let request = Request { key: "monday".to_owned(), asked: "users".to_owned() };
    let mut receiving = process.receive(plan("managed/user", "userName"), Some(request)).unwrap();
    receiving.begin_file("users.csv".to_owned()).unwrap();
    receiving.write(Bytes::from(file.to_owned())).unwrap();
    receiving
}

/// Processes know of each other's requests when they are queued.
#[test]
fn of_two_processes_one_gives_the_answer_of_the_other() {
    let folder = Folder::new();
    let processes = [(); 3].map(|()| Arc::new(folder.installation()));
    let slow = begun(&processes[0], USERS);
    let different = begun(&processes[1], &USERS.replace("Sam", "Samantha"));
    let ids = begun(&processes[2], USERS).queue().unwrap();
    assert_eq!(slow.queue().unwrap(), ids);
    let refused = different.queue().unwrap_err();
    assert_eq!((refused.kind(), refused.to_string()), (Kind::Conflict, OTHER.to_owned()));
    assert_eq!(processes[0].repository.imports().unwrap().len(), 1);
    assert_eq!(folder.spooled(), [format!("{}.csv", ids[0])], "what was not queued is gone");
}
