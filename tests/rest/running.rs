//! Imports while they run: what is seen of them, and what becomes of them when they are cancelled or the service dies.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Folder, SHORT_LEASE};
use crate::service::{ADMIN, Service};

const COUNTS: [&str; 7] = ["success", "failure", "created", "updated", "unchanged", "unprocessed", "total"];

/// A service that imports in small steps, with a file of users of whom one in a hundred is wrong.
fn service(records: usize) -> Service {
    let mut users = "userName,givenName,sn,mail\n".to_owned();
    for n in 0..records {
        let at = if n % 100 == 57 { " at " } else { "@" };
        writeln!(users, "user{n},Jo,Doe,user{n}{at}example.com").unwrap();
    }
    let settings = format!("[import]\nround = 250\ncommit_every = '10ms'\n{SHORT_LEASE}");
    Service::on(Folder::new().file("rollbook-data/rollbook.toml", settings).file("users.csv", users))
}

/// Then the sums hold; gives the counts.
#[track_caller]
fn counts(record: &Value) -> [u64; 7] {
    let counts = COUNTS.map(|name| record[name].as_u64().unwrap());
    let [success, failure, created, updated, unchanged, unprocessed, total] = counts;
    assert_eq!((success, total), (created + updated + unchanged, success + failure + unprocessed), "{record}");
    let is_over = ["finished", "failed", "cancelled"].contains(&record["state"].as_str().unwrap());
    assert_eq!(record.get("end").is_some(), is_over, "{record}");
    counts
}

/// Watches an import to its end, and kills the service so long after each start. Then nothing is ever taken back. Gives
/// the record, and how often the service was killed.
fn watch(service: &mut Service, id: &str, kills: &[Duration]) -> (Value, usize) {
    let mut killed = 0;
    let mut begun = Instant::now();
    let mut seen = [0; 7];
    let mut failures = Vec::new();
    loop {
        let record = service.curl(&format!("/openidm/csv/metadata/{id}")).json();
        let now = counts(&record);
        let has_grown = |name: usize| now[name] >= seen[name];
        assert!([0, 1, 2, 3, 4, 6].into_iter().all(has_grown), "{seen:?} became {record}");
        seen = now;
        let reply = service.curl(&format!("/export/csvImportFailures/{id}"));
        assert!([200, 404].contains(&reply.status), "{}", reply.body);
        failures.extend((reply.status == 200).then_some(reply.body));
        if record.get("end").is_some() {
            let last = service.curl(&format!("/export/csvImportFailures/{id}"));
            assert!(failures.iter().all(|earlier| last.body.starts_with(earlier.as_str())));
            return (record, killed);
        }
        if kills.get(killed).is_some_and(|moment| begun.elapsed() >= *moment) {
            service.kill();
            service.restart();
            (killed, begun) = (killed + 1, Instant::now());
        }
    }
}

#[test]
fn what_is_seen_only_grows() {
    let mut service = service(10_000);
    let mut killed = 0;
    let user = "managed/user?uniqueProperty=userName";
    for (options, expected, state) in [
        ("&dryRun=true", [9_900, 100, 9_900, 0, 0, 0, 10_000], "finished"),
        ("&atomic=true", [0, 100, 0, 0, 0, 9_900, 10_000], "failed"),
        ("", [9_900, 100, 9_900, 0, 0, 0, 10_000], "finished"),
        ("", [9_900, 100, 0, 0, 9_900, 0, 10_000], "finished"),
    ] {
        let id = service.upload(&format!("{user}{options}"), "users.csv").remove(0);
        let (record, times) = watch(&mut service, &id, &[20, 40, 60].map(Duration::from_millis));
        killed += times;
        assert_eq!((counts(&record), record["state"].as_str().unwrap()), (expected, state), "{options}");
    }
    assert!(killed > 0);
}

#[test]
fn an_import_can_be_cancelled_at_any_moment() {
    let service = service(10_000);
    let mut cancelled = 0;
    for n in 0..12 {
        let id = service.upload("managed/user?uniqueProperty=userName", "users.csv").remove(0);
        sleep(Duration::from_millis(n * 15));
        for _ in 0..2 {
            let reply = service.curl(&format!("--request POST '/openidm/csv/metadata/{id}?_action=cancel'"));
            assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"status":"OK"}"#));
        }
        let record = service.finished(&id);
        let is_cancelled = record["cancelled"] == true;
        let [.., unprocessed, total] = counts(&record);
        assert_eq!((is_cancelled, unprocessed > 0), (record["state"] == "cancelled", is_cancelled), "{record}");
        let by = if is_cancelled { json!("openidm-admin") } else { Value::Null };
        assert_eq!(record["cancelledBy"], by, "{record}");
        assert_eq!(total, 10_000);
        cancelled += u32::from(is_cancelled);
        let reply = service.curl(&format!("--request POST '/openidm/csv/metadata/{id}?_action=cancel'"));
        assert_eq!((reply.status, service.finished(&id)), (200, record), "nothing changes after the end");
    }
    assert!(cancelled > 0);
}

#[test]
fn an_import_that_waits_is_cancelled_at_once() {
    let service = service(100);
    // Somebody else runs imports of the type, for however long.
    let _lease = service.folder.busy();
    let ids: Vec<String> =
        (0..2).map(|_| service.upload("managed/user?uniqueProperty=userName", "users.csv").remove(0)).collect();
    let cancel = format!("--request POST '/openidm/csv/metadata/{}?_action=cancel'", ids[1]);
    let zoe = service.token("--name zoe --role importer");
    for token in [zoe.as_str(), ADMIN] {
        assert_eq!(service.ask(token, &cancel).status, 200);
        let record = service.curl(&format!("/openidm/csv/metadata/{}", ids[1])).json();
        assert_eq!(counts(&record), [0, 0, 0, 0, 0, 100, 100]);
        assert_eq!((&record["cancelled"], &record["tempRecords"]), (&json!(true), &json!(0)), "{record}");
        assert_eq!(record["cancelledBy"], "zoe", "the first who asked");
    }
    assert_eq!(service.folder.spooled(), [format!("{}.csv", ids[0])]);
    assert_eq!(service.curl(&format!("--request DELETE '/openidm/csv/metadata/{}'", ids[1])).status, 200);
}

#[test]
fn a_cancelled_import_stays_cancelled() {
    let mut service = service(100);
    let lease = service.folder.busy();
    let ids: Vec<String> =
        (0..2).map(|_| service.upload("managed/user?uniqueProperty=userName", "users.csv").remove(0)).collect();
    let record = service.curl(&format!("/openidm/csv/metadata/{}", ids[0])).json();
    assert_eq!((&record["state"], record.get("reconId"), record.get("end")), (&json!("queued"), None, None));
    let reply = service.curl(&format!("--request POST '/openidm/csv/metadata/{}?_action=cancel'", ids[0]));
    assert_eq!(reply.status, 200);
    service.kill();
    drop(lease);
    service.restart();
    let record = service.finished(&ids[0]);
    assert_eq!((&record["state"], &record["unprocessed"]), (&json!("cancelled"), &json!(100)));
    assert_eq!(record["cancelledBy"], "openidm-admin", "whoever ends it knows who wanted that");
    assert_eq!(record.get("reconId"), None, "it has never begun");
    let record = service.finished(&ids[1]);
    assert_eq!((&record["state"], &record["created"]), (&json!("finished"), &json!(99)));
    assert_eq!(record["reconId"], format!("{}-1", ids[1]));
}

#[test]
fn a_dry_run_is_applied() {
    let service = service(100);
    let dry = service.upload("managed/user?uniqueProperty=userName&dryRun=true", "users.csv").remove(0);
    let _ = service.finished(&dry);
    std::fs::write(service.folder.path("users.csv"), "").unwrap();
    let apply = format!("--request POST '/openidm/csv/metadata/{dry}?_action=apply'");
    let reply = service.curl(&apply);
    assert_eq!(reply.status, 200, "{}", reply.body);
    let applied = reply.json()["importUUIDs"][0].as_str().unwrap().to_owned();
    let record = service.finished(&applied);
    assert_eq!([&record["created"], &record["failure"]], [99, 1]);
    assert_eq!((&record["dryRun"], &record["authId"]), (&json!(false), &json!("openidm-admin")));
    let refused = service.curl(&format!("--request POST '/openidm/csv/metadata/{applied}?_action=apply'"));
    insta::assert_snapshot!(refused.shown(), @r#"
    409
    {"code":409,"reason":"Conflict","message":"import 00000000-0000-0000-0000-000000000000 cannot be applied: it was not a dry run"}
    "#);
    let clean_up = format!("--request POST '/openidm/csv/metadata/{dry}?_action=cleanup'");
    assert_eq!(service.curl(&clean_up).status, 200);
    assert_eq!(service.curl(&apply).status, 409);
}
