//! Objects that are written by imports and over REST.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::{BARBARA, barbara, get, patched, send};
use crate::harness::Folder;
use crate::service::{ADMIN, Service};

/// Given a service beside a file of these records.
fn beside(records: &str) -> Service {
    let file = format!("userName,givenName,sn,mail\n{records}");
    Service::on(Folder::new().file("users.csv", file))
}

/// When the file is imported, then: how many were created, updated, unchanged and failed.
fn import(service: &Service) -> [u64; 4] {
    let done = service.folder.run("import users.csv --into managed/user --unique userName --json").json().remove(0);
    ["created", "updated", "unchanged", "failure"].map(|count| done[count].as_u64().unwrap())
}

fn listed(service: &Service) -> Vec<Value> {
    service.folder.run("objects list managed/user --json").json()
}

#[test]
fn an_import_finds_what_was_put() {
    let service = beside("bjensen,Babs,Jensen,bjensen@example.com\n");
    barbara(&service, "b");
    let more = r#"[{"operation":"add","field":"/nick","value":{"names":["Babs"]}}]"#;
    assert_eq!(patched(&service, "b", more).status, 200);
    assert_eq!(import(&service), [0, 1, 0, 0]);
    assert_eq!(import(&service), [0, 0, 1, 0]);
    let object = get(&service, "b");
    assert_eq!(
        (&object["givenName"], &object["nick"], &object["city"]),
        (&json!("Babs"), &json!({"names": ["Babs"]}), &json!("Ytterby"))
    );
    // Now it equals the file, until somebody writes it.
    let replaced = r#"[{"operation":"replace","field":"/givenName","value":"Barbara"}]"#;
    assert_eq!(patched(&service, "b", replaced).status, 200);
    assert_eq!(import(&service), [0, 1, 0, 0]);
    assert_eq!(get(&service, "b")["givenName"], "Babs");
    // What the file does not say is not its concern.
    assert_eq!(patched(&service, "b", r#"[{"operation":"remove","field":"/city"}]"#).status, 200);
    assert_eq!(import(&service), [0, 0, 1, 0]);
    assert_eq!(get(&service, "b").get("city"), None);
}

#[test]
fn what_was_removed_is_created_again() {
    let service = beside("a,A,A,a@example.com\nb,B,B,b@example.com\nc,C,C,c@example.com\n");
    assert_eq!(import(&service), [3, 0, 0, 0]);
    let ids = |service: &Service| -> Vec<String> {
        listed(service).iter().map(|object| object["_id"].as_str().unwrap().to_owned()).collect()
    };
    let before = ids(&service);
    assert_eq!(service.curl(&format!("-X DELETE /openidm/managed/user/{}", before[1])).status, 200);
    assert_eq!(service.curl(&format!("/openidm/managed/user/{}", before[1])).status, 404);
    assert_eq!(import(&service), [1, 0, 2, 0]);
    let after = ids(&service);
    assert_eq!((&after[0], &after[1]), (&before[0], &before[2]));
    assert!(!before.contains(&after[2]));
    // All of them, until there are none; and all again.
    for id in after {
        assert_eq!(service.curl(&format!("-X DELETE /openidm/managed/user/{id}")).status, 200);
    }
    assert_eq!(listed(&service), [] as [Value; 0]);
    assert_eq!(import(&service), [3, 0, 0, 0]);
    assert_eq!(import(&service), [0, 0, 3, 0]);
}

#[test]
fn a_unique_value_is_one_objects_whoever_wrote_it() {
    let service = beside("bjensen,Babs,Jensen,bjensen@example.com\n");
    assert_eq!(import(&service), [1, 0, 0, 0]);
    let taken = send(&service, "POST /openidm/managed/user", BARBARA);
    let requirement =
        &taken.json()["detail"]["failedPolicyRequirements"][0]["policyRequirements"][0]["policyRequirement"];
    assert_eq!((taken.status, requirement), (403, &json!("UNIQUE")));
    let other = BARBARA.replace("\"bjensen\"", "\"other\"");
    assert_eq!(send(&service, "PUT /openidm/managed/user/o", &other).status, 201);
    let taken = patched(&service, "o", r#"[{"operation":"replace","field":"/userName","value":" bjensen "}]"#);
    assert_eq!(taken.status, 403);
    assert_eq!(patched(&service, "o", r#"[{"operation":"replace","field":"/userName","value":"third"}]"#).status, 200);
    // The name that was given up is free, the new one is found.
    std::fs::write(
        service.folder.path("users.csv"),
        "userName,givenName,sn,mail\nother,O,O,o@example.com\nthird,T,T,t@example.com\n",
    )
    .unwrap();
    assert_eq!(import(&service), [1, 1, 0, 0]);
    assert_eq!(get(&service, "o")["givenName"], "T");
    // An import by another key may not take it either.
    std::fs::write(service.folder.path("users.csv"), "userName,givenName,sn,mail\nbjensen,O,O,o@example.com\n")
        .unwrap();
    let by_mail = service.folder.run("import users.csv --into managed/user --unique mail --json").json().remove(0);
    assert_eq!((&by_mail["failure"], &by_mail["updated"]), (&json!(1), &json!(0)), "{by_mail}");
    // The key by which nobody had asked before is kept up by REST too.
    assert_eq!(
        patched(&service, "o", r#"[{"operation":"replace","field":"/mail","value":"n@example.com"}]"#).status,
        200
    );
    std::fs::write(service.folder.path("users.csv"), "mail,sn\nn@example.com,N\nt@example.com,T\n").unwrap();
    let by_mail = service.folder.run("import users.csv --into managed/user --unique mail --json").json().remove(0);
    assert_eq!((&by_mail["updated"], &by_mail["failure"]), (&json!(1), &json!(1)), "{by_mail}");
    assert_eq!(get(&service, "o")["sn"], "N");
}

#[test]
fn a_type_without_a_schema_takes_what_is_put() {
    let service = Service::on(Folder::new().file("type.json", r#"{"name":"misc"}"#));
    let _ = service.folder.run("types apply type.json").success();
    let body = r#"{"mail":"a@example.com","address":{"city":"Oslo","floor":3},"n":1,"list":["x"]}"#;
    let put = send(&service, "PUT /openidm/managed/misc/m", body);
    insta::assert_snapshot!(put.shown(), @r#"
    201
    {"_id":"m","_rev":"0000000000000001","mail":"a@example.com","address":{"city":"Oslo","floor":3},"n":1,"list":["x"]}
    "#);
    std::fs::write(service.folder.path("misc.csv"), "mail,address/city,new\na@example.com,Rome,x\n").unwrap();
    let done = service.folder.run("import misc.csv --into managed/misc --unique mail --json").json().remove(0);
    assert_eq!((&done["updated"], &done["failure"]), (&json!(1), &json!(0)), "{done}");
    insta::assert_snapshot!(service.curl("/openidm/managed/misc/m").shown(), @r#"
    200
    {"_id":"m","_rev":"0000000000000002","mail":"a@example.com","address":{"city":"Rome","floor":3},"new":"x","n":1,"list":["x"]}
    "#);
    // What was undeclared when it came, and would be a column now, is no fault of what changes something else.
    std::fs::write(service.folder.path("misc.csv"), "mail,n\nb@example.com,x\n").unwrap();
    let _ = service.folder.run("import misc.csv --into managed/misc --unique mail").success();
    let patch = r#"[{"operation":"add","field":"/list/-","value":"y"}]"#;
    let patched = send(&service, "PATCH /openidm/managed/misc/m", patch);
    assert_eq!((patched.status, &patched.json()["n"]), (200, &json!(1)), "{}", patched.body);
    let patch = r#"[{"operation":"add","field":"/colour","value":"red"}]"#;
    let patched = send(&service, "PATCH /openidm/managed/misc/m", patch);
    assert_eq!(patched.body, service.curl("/openidm/managed/misc/m").body);
    assert_eq!(patched.json()["colour"], "red");
    // What cannot be a column is kept all the same.
    let odd = r#"{"mail":{"home":"b@example.com"},"":"empty","a/b":"slash"," c ":"blank"}"#;
    let put = send(&service, "PUT /openidm/managed/misc/odd", odd);
    assert_eq!(put.status, 201, "{}", put.body);
    insta::assert_snapshot!(put.shown(), @r#"
    201
    {"_id":"odd","_rev":"0000000000000001","mail":{"home":"b@example.com"},"":"empty","a/b":"slash"," c ":"blank"}
    "#);
}

/// Who writes an object while an import runs waits for its turn. Nothing is lost, by neither of them.
#[test]
fn writing_while_an_import_runs_loses_nothing() {
    let records: String = (0..60_000).map(|n| format!("user{n},G,S,user{n}@example.com\n")).collect();
    let service = beside(&records);
    let written = std::thread::scope(|scope| {
        let import = scope.spawn(|| import(&service));
        let mut written = Vec::new();
        for n in 0.. {
            let id = format!("put{n}");
            let body = BARBARA.replace("bjensen", &id);
            let reply = send(&service, &format!("PUT /openidm/managed/user/{id}"), &body);
            assert_eq!(reply.status, 201, "{}", reply.body);
            written.push(id);
            if import.is_finished() {
                break;
            }
        }
        assert_eq!(import.join().unwrap(), [60_000, 0, 0, 0]);
        written
    });
    for id in &written {
        assert_eq!(get(&service, id)["userName"], **id);
        let again = send(&service, "POST /openidm/managed/user", &BARBARA.replace("bjensen", id));
        assert_eq!(again.status, 403, "its keys are known");
    }
    assert_eq!(listed(&service).len(), 60_000 + written.len());
    assert_eq!(import(&service), [0, 0, 60_000, 0]);
}

/// Users of whom all live in this city. Together they are more than a connection holds.
fn all_in(city: &str) -> String {
    let mut file = "userName,givenName,sn,mail,city,description\n".to_owned();
    for number in 0..12_000 {
        let _ = writeln!(file, "u{number},A,B,u{number}@example.com,{city},{:0>1500}", number);
    }
    file
}

/// A client that asks, waits, and goes on reading when an atomic import is over.
#[test]
fn nobody_sees_half_of_an_atomic_import() {
    let folder = Folder::new().file("before.csv", all_in("Before")).file("after.csv", all_in("After"));
    let service = Service::on(folder.after("import before.csv --into managed/user --unique userName"));
    let host = service.address.strip_prefix("http://").unwrap();
    // As stored, sorted, by a filter, and a part with the number of all.
    let queries = [
        "_queryFilter=true",
        "_queryFilter=true&_sortKeys=sn",
        "_queryFilter=city+eq+%22Before%22",
        "_queryFilter=true&_pageSize=11000&_totalPagedResultsPolicy=EXACT",
    ];
    let asked = queries.map(|query| {
        let mut client = TcpStream::connect(host).unwrap();
        let request = format!("GET /openidm/managed/user?{query} HTTP/1.0\r\nAuthorization: Bearer {ADMIN}\r\n\r\n");
        client.write_all(request.as_bytes()).unwrap();
        let mut begun = [0; 1];
        client.read_exact(&mut begun).unwrap();
        client
    });
    let upload = "--form upload=@after.csv '/upload/csv/managed/user?uniqueProperty=userName&atomic=true'";
    let ids = service.curl(upload).json()["importUUIDs"].clone();
    assert_eq!(service.finished(ids[0].as_str().unwrap())["updated"], 12_000);
    for (query, mut client) in queries.into_iter().zip(asked) {
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let [before, after] = ["Before", "After"].map(|city| answer.matches(&format!("\"city\":\"{city}\"")).count());
        let expected = if query.contains("11000") { 11_000 } else { 12_000 };
        assert_eq!((before, after), (expected, 0), "{query}");
    }
}
