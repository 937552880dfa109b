//! `/openidm/config/managed` and `/openidm/schema/managed`: object types.

use std::fs;

use rollbook::repository::Attempt;
use serde_json::{Value, json};

use crate::harness::{Folder, plan};
use crate::service::{Reply, Service};

const THING: &str =
    r#"{"schema":{"properties":{"id":{"type":"string","policies":[{"policyId":"unique"}]},"size":{"type":"string"}}}}"#;

fn put(service: &Service, place: &str, body: &str, options: &str) -> Reply {
    fs::write(service.folder.path("body.json"), body).unwrap();
    service.curl(&format!(
        "-X PUT {options} --header 'Content-Type: application/json' --data-binary @body.json '/openidm/config/managed{place}'"
    ))
}

#[test]
fn a_type_is_made_read_and_changed() {
    let service = Service::new();
    let reply = put(&service, "/thing", THING, "");
    insta::assert_snapshot!(reply.shown(), @r#"
    201
    {"_id":"thing","_rev":"0000000000000001","name":"thing","schema":{"properties":{"id":{"type":"string","policies":[{"policyId":"unique"}]},"size":{"type":"string"}}}}
    "#);
    assert_eq!(reply.header("location"), Some("/openidm/config/managed/thing"));
    assert_eq!(reply.header("etag"), Some("\"0000000000000001\""));
    let read = service.curl("/openidm/config/managed/thing");
    assert_eq!((read.status, &read.body), (200, &reply.body));
    assert_eq!(
        service.curl("--header 'If-None-Match: \"0000000000000001\"' /openidm/config/managed/thing").status,
        304
    );
    // What was read can be put back, and changes nothing.
    let again = put(&service, "/thing", &read.body, "");
    assert_eq!((again.status, &again.body), (200, &read.body));
    let warned = put(&service, "/thing", &THING.replace("\"unique\"", "\"unique\"},{\"policyId\":\"is-new\""), "");
    assert_eq!((warned.status, &warned.json()["_rev"]), (200, &json!("0000000000000002")));
    assert_eq!(warned.json()["_warnings"], json!(["policy 'is-new' on 'id' is not known here and not checked"]));
    let schema = service.curl("/openidm/schema/managed/thing");
    insta::assert_snapshot!(schema.shown(), @r#"
    200
    {"_id":"managed/thing","_rev":"0000000000000002","properties":{"id":{"type":"string","policies":[{"policyId":"unique"},{"policyId":"is-new"}]},"size":{"type":"string"}}}
    "#);
}

#[test]
fn conditions_hold_or_are_told() {
    let service = Service::new();
    for (options, status) in [
        ("--header 'If-Match: *'", 404),
        ("--header 'If-Match: \"0000000000000001\"'", 404),
        ("--header 'If-None-Match: *'", 201),
        ("--header 'If-None-Match: *'", 412),
        ("--header 'If-Match: \"0000000000000002\"'", 412),
        ("--header 'If-Match: 0000000000000001'", 200),
        ("--header 'If-Match: *' --header 'If-None-Match: *'", 412),
        ("--header 'If-None-Match: \"0000000000000001\"'", 400),
    ] {
        let reply = put(&service, "/thing", THING, options);
        assert_eq!(reply.status, status, "{options}: {}", reply.body);
    }
}

/// A condition that is not looked at would be one that holds.
#[test]
fn no_condition_is_passed_over() {
    let service = Service::new();
    for (typed, status) in [
        ("-H 'If-Match: *' /openidm/config/managed", 412),
        ("-H 'If-Match: *' /openidm/schema/managed/user", 412),
        ("-H 'If-None-Match: 0000000000000001' /openidm/schema/managed/user", 304),
        ("-H 'If-None-Match: 0000000000000002' /openidm/schema/managed/user", 200),
        ("-H 'If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT' /openidm/config/managed", 409),
        ("-H 'If-Match: *' --json '{\"objects\":[]}' -X PUT /openidm/config/managed", 200),
        ("-H 'If-Match: \"0000000000000001\"' --json '{\"objects\":[]}' -X PUT /openidm/config/managed", 412),
        ("-H 'If-None-Match: *' --json '{\"objects\":[]}' -X PUT /openidm/config/managed", 412),
    ] {
        let reply = service.curl(typed);
        assert_eq!(reply.status, status, "{typed}: {}", reply.body);
    }
}

#[test]
fn fields_choose_what_is_shown() {
    let service = Service::new();
    assert_eq!(put(&service, "/thing", THING, "").status, 201);
    for (address, shown) in [
        ("config/managed/thing?_fields=name", r#"{"_id":"thing","_rev":"0000000000000001","name":"thing"}"#),
        ("config/managed?_fields=_id", r#"{"_id":"managed"}"#),
        (
            "schema/managed/thing?_fields=properties/size",
            r#"{"_id":"managed/thing","_rev":"0000000000000001","properties":{"size":{"type":"string"}}}"#,
        ),
    ] {
        let reply = service.curl(&format!("'/openidm/{address}'"));
        assert_eq!((reply.status, reply.body.as_str()), (200, shown), "{address}");
    }
}

/// Who has secrets kept safe elsewhere has to know that they are not here.
#[test]
fn what_is_not_encrypted_is_told() {
    let service = Service::new();
    let properties = json!({
        "pin": {"type": "string", "secureHash": {"algorithm": "SHA-256"}},
        "code": {"type": "string", "encryption": {"purpose": "idm.password.encryption"}},
        "password": {"type": "string", "scope": "private", "encryption": {"purpose": "idm.password.encryption"}},
    });
    let reply = put(&service, "/thing", &json!({"schema": {"properties": properties}}).to_string(), "");
    let warning = "values of 'pin', 'code' are kept and shown as they come: none is encrypted or hashed";
    assert_eq!((reply.status, &reply.json()["_warnings"]), (201, &json!([warning])));
}

#[test]
fn a_whole_configuration_comes_and_goes() {
    let service = Service::new();
    let all = service.curl("/openidm/config/managed").json();
    let names = |all: &Value| {
        let objects = all["objects"].as_array().unwrap().clone();
        objects.iter().map(|object| object["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        (all["_id"].as_str(), names(&all)),
        (Some("managed"), "assignment px_account px_user role user".to_owned())
    );
    let two = json!({"_id": "managed", "objects": [{"name": "open"}, {"name": "thing", "schema": {"properties": {"a": {}}}}]});
    let reply = put(&service, "", &two.to_string(), "");
    assert_eq!(
        (reply.status, names(&reply.json())),
        (200, "assignment open px_account px_user role thing user".to_owned())
    );
    // All or none.
    let bad = json!({"objects": [{"name": "more"}, {"name": "bad", "schema": {"properties": {"a": {"type": "text"}, "b": 7}}}]});
    let reply = put(&service, "", &bad.to_string(), "");
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["detail"]["faults"].as_array().unwrap().len(), 2, "{}", reply.body);
    assert_eq!(service.curl("/openidm/config/managed/more").status, 404);
    // What the whole answers can be put back and changes no version.
    let whole = service.curl("/openidm/config/managed");
    assert_eq!(put(&service, "", &whole.body, "").status, 200);
    assert_eq!(service.curl("/openidm/config/managed/user").json()["_rev"], "0000000000000001");
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = Folder::new()
        .file("things.csv", "id,size\na,1\nb,1\n")
        .file("thing.json", THING.replacen('{', "{\"name\":\"thing\",", 1));
    let folder = folder.after("types apply thing.json").after("import things.csv --into managed/thing --unique id");
    let service = Service::on(folder);
    let number = THING.replace(r#""size":{"type":"string""#, r#""size":{"type":"number""#);
    let unique =
        THING.replace(r#""size":{"type":"string""#, r#""size":{"type":"string","policies":[{"policyId":"unique"}]"#);
    for (place, body, status, said) in [
        (
            "/thing",
            number.as_str(),
            409,
            "'size' of managed/thing is string and objects have values of it, so it cannot become number",
        ),
        (
            "/thing",
            &unique,
            409,
            "'size' of managed/thing cannot become unique: 1 of its values are shared by several objects",
        ),
        ("/thing", r#"{"name":"other"}"#, 400, "the definition is named \"other\", and not 'thing' as in the address"),
        (
            "/th%20ing",
            "{}",
            400,
            "'managed/th ing' is no name of an object type: after managed/ come letters, digits, '_' and '-'",
        ),
        ("/thing", "[]", 400, "the body must be a JSON object"),
        ("", r#"{"objects":{}}"#, 400, "'objects' is not a list of object types"),
        ("", r#"{"objects":[{"name":"x"},{"name":"x"}]}"#, 400, "the object type 'x' is defined twice"),
    ] {
        let reply = put(&service, place, body, "");
        assert_eq!((reply.status, reply.message()), (status, said.to_owned()), "{place} {body}");
    }
    assert_eq!(service.curl("/openidm/config/managed/thing").json()["_rev"], "0000000000000001");
    assert_eq!(service.curl("-X DELETE /openidm/config/managed/thing").status, 405);
}

#[test]
fn a_type_stays_while_it_is_imported() {
    let service = Service::new();
    let lease = service.folder.busy();
    fs::write(service.folder.path("users.csv"), "userName,givenName,sn,mail\nann,Ann,Lee,ann@example.com\n").unwrap();
    let id = service.folder.submit("users.csv", plan("managed/user", "userName"));
    assert!(service.folder.installation().repository.start(id, Attempt::Anew).unwrap());
    let definition = service.curl("/openidm/config/managed/user").body.replace("\"title\"", "\"oldTitle\"");
    let reply = put(&service, "/user", &definition, "");
    assert_eq!((reply.status, reply.header("retry-after").is_some()), (503, true), "{}", reply.body);
    assert_eq!(reply.message(), "an import of managed/user is running; its definition can change afterwards");
    drop(lease);
    let _ = service.finished(&id.to_string());
    assert_eq!(put(&service, "/user", &definition, "").status, 200);
}

#[test]
fn roles_and_scopes_count() {
    let service = Service::new();
    let token = |options: &str| format!("--header 'Authorization: Bearer {}'", service.token(options));
    let (viewer, importer) = (token("--name v --role viewer"), token("--name i --role importer"));
    assert_eq!(put(&service, "/thing", THING, "").status, 201);
    let scoped = token("--name s --role admin --types managed/thing,managed/user");
    for who in [&viewer, &importer] {
        assert_eq!(service.curl(&format!("{who} /openidm/config/managed/user")).status, 200);
        assert_eq!(put(&service, "/thing", THING, who).status, 403);
        assert_eq!(put(&service, "", "{}", who).status, 403);
    }
    let seen = service.curl(&format!("{scoped} /openidm/config/managed")).json();
    assert_eq!(seen["objects"].as_array().unwrap().len(), 2);
    for place in ["/openidm/config/managed/role", "/openidm/schema/managed/role"] {
        assert_eq!(service.curl(&format!("{scoped} {place}")).status, 404);
    }
    assert_eq!(put(&service, "/thing", THING, &scoped).status, 200);
    assert_eq!(put(&service, "/role", THING, &scoped).status, 404);
    assert_eq!(put(&service, "", r#"{"objects":[{"name":"thing"},{"name":"new"}]}"#, &scoped).status, 404);
    assert_eq!(service.curl("/openidm/config/managed/new").status, 404);
}

/// Nothing remembers a type as it was.
#[test]
fn the_command_line_and_the_service_see_each_others_types() {
    let service = Service::new();
    assert_eq!(put(&service, "/thing", THING, "").status, 201);
    let shown = service.folder.run("types show managed/thing --json").success();
    assert!(shown.contains("\"size\""), "{shown}");
    let changed = THING.replacen('{', "{\"name\":\"thing\",", 1).replace("\"size\"", "\"weight\"");
    fs::write(service.folder.path("changed.json"), changed).unwrap();
    let _ = service.folder.run("types apply changed.json").success();
    let header = service.curl("'/openidm/csv/template?resourceCollection=managed/thing'").json()["header"].clone();
    assert_eq!(header, json!("\"id\",\"weight\""));
    assert_eq!(service.curl("/openidm/config/managed/thing").json()["_rev"], "0000000000000002");
}

/// A file that was read under another definition may mean something else.
#[test]
fn a_file_is_read_anew_when_its_type_has_changed() {
    let service = Service::on(Folder::new().file("things.csv", "id,size\na,1\nb,22\n"));
    assert_eq!(put(&service, "/thing", THING, "").status, 201);
    let upload = || {
        let id = service.upload("managed/thing?uniqueProperty=id", "things.csv").remove(0);
        let metadata = service.finished(&id);
        ["created", "unchanged", "failure"].map(|count| metadata[count].as_u64().unwrap())
    };
    assert_eq!(upload(), [2, 0, 0]);
    assert_eq!(upload(), [0, 2, 0]);
    let shorter = THING.replace(r#""size":{"type":"string""#, r#""size":{"type":"string","maxLength":1"#);
    assert_eq!(put(&service, "/thing", &shorter, "").status, 200);
    assert_eq!(upload(), [0, 1, 1]);
}

/// What was written without being declared was never judged.
#[test]
fn what_objects_hold_undeclared_does_not_become_a_property() {
    let service = Service::new();
    assert_eq!(put(&service, "/thing", THING, "").status, 201);
    fs::write(service.folder.path("object.json"), r#"{"id":"a","weight":7}"#).unwrap();
    let sent = "--header 'Content-Type: application/json' --data-binary @object.json";
    assert_eq!(service.curl(&format!("-X PUT {sent} /openidm/managed/thing/a")).status, 201);
    let declared = THING.replace("\"size\"", "\"weight\"");
    let reply = put(&service, "/thing", &declared, "");
    assert_eq!(
        (reply.status, reply.message().as_str()),
        (
            409,
            "objects of managed/thing have values that were never declared of what is to be a property, so remove these \
             first: 'weight' (1 of them)"
        )
    );
    fs::write(service.folder.path("object.json"), r#"{"id":"a"}"#).unwrap();
    assert_eq!(service.curl(&format!("-X PUT {sent} /openidm/managed/thing/a")).status, 200);
    assert_eq!(put(&service, "/thing", &declared, "").status, 200);
}
