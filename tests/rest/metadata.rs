//! `/openidm/csv/metadata`.

use rollbook::plan::{Destination, Dropped, Origin, Plan};
use serde_json::{Value, json};

use crate::harness::{Folder, plan, steady};
use crate::service::Service;

const USERS: &str = "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,bjensen@example.com\n";

const ROLES: &str = "name,description\nadmin,Everything\n";

const FAULTY: &str = "userName,givenName,sn,mail\nscarter,Sam,Carter,nowhere\n";

/// A service after three imports: of users, of roles, and of users of whom one is wrong. With their ids.
fn after_imports() -> (Service, [String; 3]) {
    let folder = Folder::new().file("users.csv", USERS).file("roles.csv", ROLES).file("faulty.csv", FAULTY);
    let ids = ["users.csv --into managed/user --unique userName", "roles.csv --into managed/role --unique name"]
        .map(|options| folder.run(&format!("import {options} --json")).json()[0]["_id"].as_str().unwrap().to_owned());
    let _ = folder.run("import faulty.csv --into managed/user --unique userName").refused();
    let [users, roles] = ids;
    let faulty = folder.last_import();
    (Service::on(folder), [users, roles, faulty])
}

/// A service on which an import waits for as long as the lease is held; with the import's id.
fn waiting() -> (Service, String, rollbook::repository::Lease) {
    let folder = Folder::new().file("users.csv", USERS);
    let lease = folder.busy();
    let id = folder.leave_running("users.csv");
    (Service::on(folder), id, lease)
}

/// The value of a member in every record of a page.
fn each<'r>(page: &'r Value, name: &str) -> Vec<&'r str> {
    page["result"].as_array().unwrap().iter().map(|record| record[name].as_str().unwrap()).collect()
}

#[test]
fn a_record_tells_what_became_of_a_file() {
    let (service, [users, _, faulty]) = after_imports();
    let reply = service.curl(&format!("'/openidm/csv/metadata/{users}?_prettyPrint=true'"));
    insta::assert_snapshot!(reply.shown(), @r#"
    200
    {
      "_id": "00000000-0000-0000-0000-000000000000",
      "_rev": "0000000000000004",
      "header": [
        "userName",
        "givenName",
        "sn",
        "mail"
      ],
      "reconId": "00000000-0000-0000-0000-000000000000-1",
      "filename": "users.csv",
      "resourcePath": "managed/user",
      "total": 1,
      "success": 1,
      "failure": 0,
      "created": 1,
      "updated": 0,
      "unchanged": 0,
      "begin": "2026-02-28T17:05:00.000Z",
      "end": "2026-02-28T17:05:00.000Z",
      "cancelled": false,
      "importDeleted": false,
      "tempRecords": 0,
      "purgedTempRecords": true,
      "purgedErrorRecords": false,
      "authId": "barbara",
      "authzComponent": "cli",
      "state": "finished",
      "unprocessed": 0,
      "origin": "cli",
      "dryRun": false
    }
    "#);
    let record = service.curl(&format!("/openidm/csv/metadata/{faulty}")).json();
    assert_eq!([&record["total"], &record["success"], &record["failure"]], [1, 0, 1]);
}

#[test]
fn a_record_is_read_under_conditions() {
    let (service, [id, ..]) = after_imports();
    let path = format!("/openidm/csv/metadata/{id}");
    let reply = service.curl(&path);
    let tag = reply.header("etag").unwrap().to_owned();
    assert_eq!(tag, format!("\"{}\"", reply.json()["_rev"].as_str().unwrap()));
    for known in [tag.clone(), tag.replace('"', "")] {
        let reply = service.curl(&format!("--header 'If-None-Match: {known}' {path}"));
        assert_eq!((reply.status, reply.body.as_str(), reply.header("etag")), (304, "", Some(tag.as_str())));
    }
    assert_eq!(service.curl(&format!("--header 'If-None-Match: \"0\"' {path}")).status, 200);
    for path in [&path, "'/openidm/csv/metadata?_queryFilter=true'"] {
        let reply = service.curl(&format!("--header 'If-Match: {tag}' {path}"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(reply.shown(), @r#"
            412
            {"code":412,"reason":"Precondition Failed","message":"If-Match not supported for GET requests"}
            "#);
        }
    }
    let reply = service.curl(&format!("'{path}?_fields=filename,header'"));
    assert_eq!(
        steady(&reply.body),
        r#"{"_id":"00000000-0000-0000-0000-000000000000","_rev":"0000000000000004","filename":"users.csv","header":["userName","givenName","sn","mail"]}"#
    );
}

#[test]
fn what_is_not_there_is_not_found() {
    let service = Service::new();
    for id in ["3ebd514f-bdd7-491f-928f-21b72f44e381", "nothing"] {
        let message = format!("there is no import '{id}'");
        for typed in [
            format!("/openidm/csv/metadata/{id}"),
            format!("--request DELETE /openidm/csv/metadata/{id}"),
            format!("--request POST '/openidm/csv/metadata/{id}?_action=cancel'"),
            format!("--request POST '/openidm/csv/metadata/{id}?_action=cleanup'"),
            format!("/openidm/csv/metadata/{id}/failures"),
            format!("/openidm/csv/metadata/{id}/events"),
            format!("/export/csvImportFailures/{id}"),
        ] {
            let reply = service.curl(&typed);
            assert_eq!(reply.json(), json!({ "code": 404, "reason": "Not Found", "message": message }), "{typed}");
        }
    }
}

#[test]
fn imports_are_found_by_what_is_shown_of_them() {
    let (service, [users, roles, faulty]) = after_imports();
    for (filter, found) in [
        ("true", vec![&users, &roles, &faulty]),
        ("false", vec![]),
        ("/resourcePath+eq+%22managed/role%22", vec![&roles]),
        ("failure+gt+0+or+filename+sw+%22ROLES%22", vec![&roles, &faulty]),
        ("header+eq+%22mail%22+and+!(failure+eq+0)", vec![&faulty]),
        ("end+pr+and+purgedTempRecords+eq+true", vec![&users, &roles, &faulty]),
        ("problem+pr", vec![]),
    ] {
        let page = service.curl(&format!("'/openidm/csv/metadata?_queryFilter={filter}'")).json();
        assert_eq!(each(&page, "_id"), found, "{filter}");
        let counted = service.curl(&format!("'/openidm/csv/metadata?_queryFilter={filter}&_countOnly=true'")).json();
        assert_eq!((&counted["result"], &counted["resultCount"]), (&json!([]), &json!(found.len())));
    }
    let reply = service.curl("'/openidm/csv/metadata?_queryFilter=total+eq+1&_fields=filename&_sortKeys=-begin'");
    insta::assert_snapshot!(reply.shown(), @r#"
    200
    {"result":[{"_id":"00000000-0000-0000-0000-000000000000","_rev":"0000000000000004","filename":"faulty.csv"},{"_id":"00000000-0000-0000-0000-000000000000","_rev":"0000000000000004","filename":"roles.csv"},{"_id":"00000000-0000-0000-0000-000000000000","_rev":"0000000000000004","filename":"users.csv"}],"resultCount":3,"pagedResultsCookie":null,"totalPagedResultsPolicy":"NONE","totalPagedResults":-1,"remainingPagedResults":-1}
    "#);
    assert_eq!(reply.header("content-type"), Some("application/json; charset=UTF-8"));
    assert_eq!(reply.header("cache-control"), Some("no-cache"));
}

/// Slashes before the query, and quotes that nobody has encoded.
#[test]
fn the_articles_ways_of_asking_are_understood() {
    let (service, [users, roles, faulty]) = after_imports();
    let page = service.curl("'/openidm/csv/metadata/?_queryFilter=true'").json();
    assert_eq!(each(&page, "_id"), [&users, &roles, &faulty]);
    let filter = r#"/resourcePath+eq+"managed/role""#;
    let page = service.curl(&format!("'/openidm/csv/metadata/?_queryFilter={filter}'")).json();
    assert_eq!(each(&page, "_id"), [&roles]);
    let reply = service.curl(&format!("--request POST '/openidm/csv/metadata/{users}/?_action=cancel'"));
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"status":"OK"}"#));
}

#[test]
fn imports_come_page_by_page() {
    let (service, [users, roles, faulty]) = after_imports();
    for (order, expected) in [
        ("", [&users, &roles, &faulty]),
        ("&_sortKeys=-begin", [&faulty, &roles, &users]),
        ("&_sortKeys=+filename", [&faulty, &roles, &users]),
    ] {
        let asked =
            format!("/openidm/csv/metadata?_queryFilter=true&_pageSize=2{order}&_totalPagedResultsPolicy=exact");
        let first = service.curl(&format!("'{asked}'")).json();
        assert_eq!(each(&first, "_id"), expected[..2]);
        assert_eq!((&first["totalPagedResultsPolicy"], &first["totalPagedResults"]), (&json!("EXACT"), &json!(3)));
        let cookie = first["pagedResultsCookie"].as_str().unwrap();
        let by_cookie = service.curl(&format!("'{asked}&_pagedResultsCookie={cookie}'")).json();
        let by_offset = service.curl(&format!("'{asked}&_pagedResultsOffset=2'")).json();
        assert_eq!(
            (each(&by_cookie, "_id"), &by_cookie["pagedResultsCookie"]),
            (vec![expected[2].as_str()], &Value::Null)
        );
        assert_eq!(by_offset, by_cookie);
    }
}

#[test]
fn a_query_that_makes_no_sense_is_refused() {
    let service = Service::new();
    insta::assert_snapshot!(service.curl("/openidm/csv/metadata").shown(), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"The resource collection csv/metadata cannot be read"}
    "#);
    insta::assert_snapshot!(service.curl("'/openidm/csv/metadata?_queryFilter=foo+eq'").shown(), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"The value 'foo eq' for parameter '_queryFilter' could not be parsed as a valid query filter","detail":{"message":"the filter is wrong at character 7: the filter ends where a string in quotes, a number of 64 bits, true, false or null belongs"}}
    "#);
    insta::assert_snapshot!(service.curl("'/openidm/csv/metadata?_queryFilter=true&_pageSize=two'").shown(), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"The value 'two' for parameter '_pageSize' could not be parsed as a valid integer"}
    "#);
}

#[test]
fn a_deleted_record_is_answered_once_more() {
    let (service, [id, ..]) = after_imports();
    let path = format!("/openidm/csv/metadata/{id}");
    let record = service.curl(&path);
    let reply = service.curl(&format!("--request DELETE --header 'If-Match: \"00000000000000ff\"' {path}"));
    insta::assert_snapshot!(reply.shown(), @r#"
    412
    {"code":412,"reason":"Precondition Failed","message":"the current revision of import 00000000-0000-0000-0000-000000000000 is '0000000000000004' and not '00000000000000ff': it has changed since it was read"}
    "#);
    let tag = record.header("etag").unwrap().to_owned();
    let reply = service.curl(&format!("--request DELETE --header 'If-Match: {tag}' {path}"));
    assert_eq!((reply.status, reply.header("etag"), &reply.body), (200, Some(tag.as_str()), &record.body));
    assert_eq!(service.curl(&path).status, 404);
    assert_eq!(service.curl(&format!("--request DELETE {path}")).status, 404);
    let rest = service.curl("'/openidm/csv/metadata?_queryFilter=true'").json();
    assert_eq!(rest["resultCount"], 2);
    assert!(service.folder.objects("managed/user").contains("bjensen"), "objects stay");
}

#[test]
fn an_import_that_is_not_over_can_only_be_cancelled() {
    let (service, id, lease) = waiting();
    let path = format!("/openidm/csv/metadata/{id}");
    let record = service.curl(&path).json();
    assert_eq!((record.get("end"), &record["cancelled"], &record["state"]), (None, &json!(false), &json!("running")));
    for typed in [format!("--request DELETE {path}"), format!("--request POST '{path}?_action=cleanup'")] {
        let reply = service.curl(&typed);
        assert_eq!(reply.status, 409, "{}", reply.body);
        assert!(reply.body.contains("cancel it first"), "{}", reply.body);
    }
    for _ in 0..2 {
        let reply = service.curl(&format!("--request POST '{path}?_action=cancel'"));
        assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"status":"OK"}"#));
    }
    drop(lease);
    let record = service.finished(&id);
    assert_eq!((&record["cancelled"], &record["unprocessed"]), (&json!(true), &record["total"]));
    let reply = service.curl(&format!("--request POST '{path}?_action=cancel'"));
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"status":"OK"}"#));
    assert_eq!(service.curl(&path).json(), record, "nothing changes after the end");
    assert_eq!(service.folder.objects("managed/user"), "");
}

#[test]
fn a_finished_import_cannot_be_cancelled() {
    let (service, [id, ..]) = after_imports();
    let path = format!("/openidm/csv/metadata/{id}");
    let record = service.curl(&path).body;
    let reply = service.curl(&format!("--request POST --data '' '{path}?_action=cancel'"));
    assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"status":"OK"}"#));
    assert_eq!(service.curl(&path).body, record);
}

#[test]
fn what_is_kept_is_listed_and_removed() {
    let (service, [users, roles, faulty]) = after_imports();
    let kept = || {
        let reply = service.curl("--request POST '/openidm/csv/metadata?_action=cleanupList'");
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.json()["importUUIDs"].clone()
    };
    assert_eq!(kept(), json!([faulty]));
    let dry = service.folder.run("import roles.csv --into managed/role --unique name --dry-run --json").json();
    let dry = dry[0]["_id"].as_str().unwrap();
    let record = service.curl(&format!("/openidm/csv/metadata/{dry}")).json();
    assert_eq!((&record["tempRecords"], &record["purgedTempRecords"]), (&json!(1), &json!(false)));
    assert_eq!(kept(), json!([faulty, dry]));
    for (id, parameters, purged) in [
        (&users, "", [true, false]),
        (&roles, "&deleteErrorRecords=false", [true, false]),
        (&faulty, "", [true, false]),
        (&faulty, "&deleteErrorRecords=true", [true, true]),
        (&faulty, "&deleteErrorRecords=true", [true, true]),
        (&dry.to_owned(), "", [true, false]),
    ] {
        let reply = service.curl(&format!("--request POST '/openidm/csv/metadata/{id}?_action=cleanup{parameters}'"));
        assert_eq!((reply.status, reply.body.as_str()), (200, r#"{"status":"OK"}"#));
        let record = service.curl(&format!("/openidm/csv/metadata/{id}")).json();
        assert_eq!((&record["purgedTempRecords"], &record["tempRecords"]), (&json!(purged[0]), &json!(0)));
        assert_eq!(record["purgedErrorRecords"], json!(purged[1]));
    }
    assert_eq!(kept(), json!([]));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let (service, [id, ..]) = after_imports();
    for (typed, status, message) in [
        (
            format!("--request POST '/openidm/csv/metadata/{id}?_action=explode'"),
            400,
            "Action explode is not supported. There is 'cancel', 'cleanup' and 'apply'".to_owned(),
        ),
        (
            format!("--request POST '/openidm/csv/metadata/{id}?_action=cleanup&deleteErrorRecords=yes'"),
            400,
            "the parameter 'deleteErrorRecords' is 'true' or 'false', not 'yes'".to_owned(),
        ),
        (
            "--request POST '/openidm/csv/metadata?_action=cancel'".to_owned(),
            400,
            "Action cancel is not supported. There is 'cleanupList'".to_owned(),
        ),
        (
            format!("--request POST --header 'If-Match: *' '/openidm/csv/metadata/{id}?_action=cancel'"),
            412,
            "If-Match not supported for POST requests".to_owned(),
        ),
        (
            format!("--request POST /openidm/csv/metadata/{id}"),
            403,
            format!("csv/metadata/{id} is written by imports: upload a file to /upload/csv"),
        ),
        (
            format!("--request PUT --data '{{}}' /openidm/csv/metadata/{id}"),
            403,
            format!("csv/metadata/{id} is written by imports: upload a file to /upload/csv"),
        ),
        (
            format!("--request PATCH --data '[]' /openidm/csv/metadata/{id}"),
            403,
            format!("csv/metadata/{id} is written by imports: upload a file to /upload/csv"),
        ),
        (
            "--request POST --data '{}' '/openidm/csv/metadata?_action=create'".to_owned(),
            403,
            "csv/metadata is written by imports: upload a file to /upload/csv".to_owned(),
        ),
        (
            "--request DELETE /openidm/csv/metadata".to_owned(),
            403,
            "csv/metadata is written by imports: upload a file to /upload/csv".to_owned(),
        ),
    ] {
        let reply = service.curl(&typed);
        assert_eq!((reply.status, reply.message()), (status, message), "{typed}");
    }
}

#[test]
fn a_token_sees_the_imports_of_its_types() {
    let (service, [users, roles, faulty]) = after_imports();
    let scoped = service.token("--name roles --role importer --types managed/role");
    let page =
        service.ask(&scoped, "'/openidm/csv/metadata?_queryFilter=true&_pageSize=1&_totalPagedResultsPolicy=EXACT'");
    assert_eq!(each(&page.json(), "_id"), [&roles]);
    assert_eq!((&page.json()["totalPagedResults"], &page.json()["pagedResultsCookie"]), (&json!(1), &Value::Null));
    let list = service.ask(&scoped, "--request POST '/openidm/csv/metadata?_action=cleanupList'");
    assert_eq!(list.json()["importUUIDs"], json!([]));
    for typed in [
        format!("/openidm/csv/metadata/{faulty}"),
        format!("/openidm/csv/metadata/{faulty}/failures"),
        format!("/openidm/csv/metadata/{faulty}/events"),
        format!("/export/csvImportFailures/{faulty}"),
        format!("--request DELETE /openidm/csv/metadata/{users}"),
        format!("--request POST '/openidm/csv/metadata/{users}?_action=cancel'"),
    ] {
        assert_eq!(service.ask(&scoped, &typed).status, 404, "{typed}");
    }
    assert_eq!(service.ask(&scoped, &format!("--request DELETE /openidm/csv/metadata/{roles}")).status, 200);
    let viewer = service.token("--name viewer --role viewer");
    assert_eq!(service.ask(&viewer, &format!("/openidm/csv/metadata/{faulty}/failures")).status, 200);
    for typed in [
        format!("--request DELETE /openidm/csv/metadata/{faulty}"),
        format!("--request POST '/openidm/csv/metadata/{faulty}?_action=cleanup&deleteErrorRecords=true'"),
    ] {
        assert_eq!(service.ask(&viewer, &typed).status, 403, "{typed}");
    }
}

/// Files of drop folders are imports like all others, and found by where they came from.
#[test]
fn a_record_tells_where_a_file_was_dropped() {
    let folder = Folder::new().file("users.csv", USERS);
    let destination = |product: &str| Destination {
        product: product.to_owned(),
        channel: "web".to_owned(),
        environment: "production".to_owned(),
    };
    let drop = |drop_folder: &str, partition: &str, destination| {
        let (drop_folder, partition) = (drop_folder.to_owned(), partition.to_owned());
        let dropped = Some(Dropped { drop_folder, partition, destination });
        let plan = Plan { dropped, origin: Origin::DropFolder, ..plan("managed/user", "userName") };
        folder.submit("users.csv", plan).to_string()
    };
    let shop = drop("px-users", "20210228", Some(destination("shop")));
    let desk = drop("px-users", "20210301", Some(destination("desk")));
    let other = drop("others", "20210301", None);
    let service = Service::on(folder);
    for id in [&shop, &desk, &other] {
        let _ = service.finished(id);
    }
    let reply =
        service.curl(&format!("'/openidm/csv/metadata/{shop}?_fields=origin,dropFolder,partition,destination'"));
    insta::assert_snapshot!(reply.shown(), @r#"
    200
    {"_id":"00000000-0000-0000-0000-000000000000","_rev":"0000000000000004","origin":"drop-folder","dropFolder":"px-users","partition":"20210228","destination":{"product":"shop","channel":"web","environment":"production"}}
    "#);
    let record = service.curl(&format!("/openidm/csv/metadata/{other}")).body;
    let ours = &record[record.find(r#""state""#).unwrap()..];
    insta::assert_snapshot!(ours, @r#""state":"finished","unprocessed":0,"origin":"drop-folder","dropFolder":"others","partition":"20210301","dryRun":false}"#);
    for (filter, found) in [
        (r#"origin eq "drop-folder""#, vec![&shop, &desk, &other]),
        (r#"dropFolder eq "px-users""#, vec![&shop, &desk]),
        (r#"dropFolder eq "px-users" and partition ge "20210301""#, vec![&desk]),
        (r#"partition eq "20210301""#, vec![&desk, &other]),
        (r#"destination/product eq "shop""#, vec![&shop]),
        ("destination pr", vec![&shop, &desk]),
        ("cancelledBy pr", vec![]),
    ] {
        let page =
            service.curl(&format!("--get --data-urlencode '_queryFilter={filter}' /openidm/csv/metadata")).json();
        assert_eq!(each(&page, "_id"), found, "{filter}");
    }
    let shown = service.folder.run(&format!("imports show {shop}")).success();
    insta::assert_snapshot!(shown, @"
    id           00000000-0000-0000-0000-000000000000
    file         users.csv
    into         managed/user
    unique       userName
    state        finished
    dropped      in px-users, partition 20210228
    destination  shop/web/production
    begin        2026-02-28T17:05:00.000Z
    end          2026-02-28T17:05:00.000Z, after 0.0 s
    by           barbara
    columns      userName, givenName, sn, mail
    created      1
    updated      0
    unchanged    0
    failed       0
    unprocessed  0
    total        1
    ");
}
