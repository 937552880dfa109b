//! Progress as server-sent events.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use serde_json::Value;

use crate::harness::Folder;
use crate::service::{ADMIN, Service};

const USERS: &str = "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,bjensen@example.com\n";

/// The events of a stream: their names, and their data.
fn events(body: &str) -> Vec<(String, Value)> {
    let field = |event: &str, name: &str| {
        let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        line.unwrap_or_else(|| panic!("no {name} in {event}")).to_owned()
    };
    let events = body.split("\n\n").filter(|event| !event.trim().is_empty() && !event.starts_with(':'));
    events
        .map(|event| {
            let data: Value = serde_json::from_str(&field(event, "data")).unwrap();
            assert_eq!(field(event, "id"), data["_rev"].as_str().unwrap());
            (field(event, "event"), data)
        })
        .collect()
}

#[test]
fn of_an_import_that_is_over_there_is_the_end() {
    let folder = Folder::new().file("users.csv", USERS);
    let _ = folder.run("import users.csv --into managed/user --unique userName").success();
    let id = folder.last_import();
    let service = Service::on(folder);
    let reply = service.curl(&format!("/openidm/csv/metadata/{id}/events"));
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream")));
    let record = service.curl(&format!("/openidm/csv/metadata/{id}")).json();
    assert_eq!(events(&reply.body), [("end".to_owned(), record)]);
}

#[test]
fn an_import_is_watched_to_its_end() {
    let folder = Folder::new().file("users.csv", USERS);
    let lease = folder.busy();
    let id = folder.leave_running("users.csv");
    let service = Service::on(folder);
    let mut curl = service.command();
    curl.args(["--no-buffer", "--header", &format!("Authorization: Bearer {ADMIN}")]);
    curl.arg(format!("{}/openidm/csv/metadata/{id}/events", service.address)).stdout(Stdio::piped());
    let mut watching = curl.spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap());
    let mut text = String::new();
    while !text.ends_with("event: progress\n") {
        assert!(lines.read_line(&mut text).unwrap() > 0, "{text}");
    }
    drop(lease);
    lines.read_to_string(&mut text).unwrap();
    assert!(watching.wait().unwrap().success());
    let events = events(text.split_once("\r\n\r\n").unwrap().1);
    let (last, before) = events.split_last().unwrap();
    assert!(!before.is_empty());
    assert_eq!((last.0.as_str(), &last.1), ("end", &service.finished(&id)));
    assert!(before.iter().all(|(name, record)| name == "progress" && record.get("end").is_none()));
    let created: Vec<u64> = events.iter().map(|(_, record)| record["created"].as_u64().unwrap()).collect();
    assert!(created.is_sorted());
}
