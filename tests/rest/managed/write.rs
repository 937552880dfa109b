//! Creating, reading, replacing and removing.

use serde_json::json;

use super::{BARBARA, barbara, declare, get, send};
use crate::service::Service;

#[test]
fn an_object_is_created_read_and_removed() {
    let service = Service::new();
    for request in ["POST '/openidm/managed/user?_action=create'", "POST /openidm/managed/role"] {
        let body = if request.contains("role") { r#"{"name":"clerk"}"# } else { BARBARA };
        let created = send(&service, request, body);
        assert_eq!(created.status, 201, "{}", created.body);
        let id = created.json()["_id"].as_str().unwrap().to_owned();
        let location = created.header("location").unwrap().to_owned();
        assert!(location.ends_with(&id), "{location}");
        assert_eq!(created.header("etag"), Some("\"0000000000000001\""));
        let read = service.curl(&location);
        assert_eq!((read.status, &read.body), (200, &created.body));
        assert_eq!(read.header("content-type"), Some("application/json; charset=UTF-8"));
        let removed = service.curl(&format!("-X DELETE {location}"));
        assert_eq!((removed.status, &removed.body), (200, &created.body));
        for method in ["GET", "DELETE"] {
            let gone = service.curl(&format!("-X {method} {location}"));
            let message =
                format!("Object {id} not found in {}", &location["/openidm/".len()..location.len() - id.len() - 1]);
            assert_eq!((gone.status, gone.message()), (404, message));
        }
    }
}

#[test]
fn what_is_created_is_shown() {
    let service = Service::new();
    let reply = send(&service, "PUT '/openidm/managed/user/b%20jensen@example.com?_prettyPrint=true'", BARBARA);
    assert_eq!(reply.header("location"), Some("/openidm/managed/user/b%20jensen@example.com"));
    insta::assert_snapshot!(reply.shown(), @r#"
    201
    {
      "_id": "b jensen@example.com",
      "_rev": "0000000000000001",
      "userName": "bjensen",
      "givenName": "Barbara",
      "sn": "Jensen",
      "mail": "bjensen@example.com",
      "accountStatus": "active",
      "city": "Ytterby"
    }
    "#);
    let fields = service.curl("'/openidm/managed/user/b%20jensen@example.com?_fields=mail,sn'");
    assert_eq!(
        fields.json(),
        json!({"_id": "b jensen@example.com", "_rev": "0000000000000001", "mail": "bjensen@example.com", "sn": "Jensen"})
    );
}

#[test]
fn ids_may_be_chosen() {
    let service = Service::new();
    barbara(&service, "bjensen");
    let body = BARBARA.replace('{', r#"{"_id":"second","#).replace("bjensen", "second");
    let second = send(&service, "POST '/openidm/managed/user?_action=create'", &body);
    assert_eq!((second.status, second.header("location")), (201, Some("/openidm/managed/user/second")));
    let again = send(
        &service,
        "POST '/openidm/managed/user?_action=create'",
        &body.replace("userName\":\"second", "userName\":\"third"),
    );
    assert_eq!((again.status, again.message().as_str()), (412, "there is an object 'second' already"));
    let other = send(&service, "PUT /openidm/managed/user/other", &body);
    assert_eq!(
        (other.status, &other.json()["message"]),
        (400, &json!("the '_id' of object 'other' cannot become 'second': an id is kept for ever"))
    );
    for (id, fault) in
        [("a%2Fb", "contains a '/'"), ("a%0Ab", "contains a control character"), (&"x".repeat(256), "is longer")]
    {
        let reply = send(&service, &format!("PUT '/openidm/managed/user/{id}'"), BARBARA);
        assert_eq!(reply.status, 400, "{}", reply.body);
        assert!(reply.message().contains(fault), "{}", reply.body);
    }
    // An id is free again once its object is gone.
    assert_eq!(service.curl("-X DELETE /openidm/managed/user/bjensen").status, 200);
    assert_eq!(barbara(&service, "bjensen")["_rev"], "0000000000000001");
}

/// Otherwise there could be two objects that only a reader with good eyes tells apart.
#[test]
fn an_id_that_the_service_made_is_the_same_in_either_case() {
    let service = Service::new();
    let created = send(&service, "POST /openidm/managed/user", BARBARA).json();
    let id = created["_id"].as_str().unwrap().to_owned();
    let upper = id.to_uppercase();
    assert_eq!(get(&service, &upper), created);
    let replaced = send(&service, &format!("PUT /openidm/managed/user/{upper}"), BARBARA);
    assert_eq!((replaced.status, replaced.json()), (200, created));
    let patch = r#"[{"operation":"replace","field":"/city","value":"Bern"}]"#;
    let patched = send(&service, &format!("PATCH /openidm/managed/user/{upper}"), patch);
    assert_eq!((patched.status, &patched.json()["_id"]), (200, &json!(id)), "{}", patched.body);
    let body = BARBARA.replace('{', &format!(r#"{{"_id":"{upper}","#)).replace("bjensen", "second");
    assert_eq!(send(&service, "POST /openidm/managed/user", &body).status, 412);
    assert_eq!(service.curl(&format!("-X DELETE /openidm/managed/user/{upper}")).status, 200);
    assert_eq!(service.curl(&format!("/openidm/managed/user/{id}")).status, 404);
}

#[test]
fn a_replacement_is_the_whole_object() {
    let service = Service::new();
    barbara(&service, "b");
    let same = send(&service, "PUT /openidm/managed/user/b", BARBARA);
    assert_eq!((same.status, same.header("etag")), (200, Some("\"0000000000000001\"")), "nothing has changed");
    let mut whole = get(&service, "b");
    whole["nested"] = json!({"b": [1, 2.5, null], "a": {}});
    whole["preferences"] = json!({"updates": true, "colour": "red"});
    let replaced = send(&service, "PUT /openidm/managed/user/b", &whole.to_string());
    whole["_rev"] = json!("0000000000000002");
    assert_eq!((replaced.status, replaced.json()), (200, whole.clone()));
    whole["nested"] = json!({"a": {}, "b": [1, 2.5, null]});
    let same = send(&service, "PUT /openidm/managed/user/b", &whole.to_string());
    assert_eq!(same.header("etag"), Some("\"0000000000000002\""), "the order of members is no change");
    let without = send(&service, "PUT /openidm/managed/user/b", &BARBARA.replace(",\"city\":\"Ytterby\"", ""));
    insta::assert_snapshot!(without.shown(), @r#"
    200
    {"_id":"b","_rev":"0000000000000003","userName":"bjensen","givenName":"Barbara","sn":"Jensen","mail":"bjensen@example.com","accountStatus":"active"}
    "#);
}

#[test]
fn bodies_that_are_none_are_refused() {
    let service = Service::new();
    let refused = |typed: &str| {
        let reply = service.curl(&format!("-X PUT {typed} /openidm/managed/user/b"));
        let problem = reply.json();
        format!("{} {} {}", reply.status, problem["message"].as_str().unwrap(), problem["detail"])
    };
    let found: Vec<String> = [
        r#"--json '{"a":'"#,
        r#"--json '{"a":1,"a":2}'"#,
        r#"--json '{"a":18446744073709551616}'"#,
        "--json '[1]'",
        "--json ''",
        "--data a=b",
        "--header 'Content-Type: text/csv' --data a,b",
    ]
    .iter()
    .map(|typed| refused(typed))
    .collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    400 The request could not be processed because the provided content is not valid JSON {"message":"EOF while parsing a value at line 1 column 5"}
    400 The request could not be processed because the provided content is not valid JSON {"message":"the name 'a' comes twice at line 1 column 13"}
    400 The request could not be processed because the provided content is not valid JSON {"message":"the integer '18446744073709551616' does not fit into 64 bits"}
    400 the body must be a JSON object null
    400 The request could not be processed because it did not contain any JSON content null
    400 The request could not be processed because it specified the content-type 'application/x-www-form-urlencoded' when only the content-type 'application/json' is supported null
    400 The request could not be processed because it specified the content-type 'text/csv' when only the content-type 'application/json' is supported null
    "#);
    std::fs::write(service.folder.path("deep.json"), "[".repeat(100_000)).unwrap();
    assert_eq!(service.curl("-X PUT --json @deep.json /openidm/managed/user/b").status, 400);
    std::fs::write(service.folder.path("large.json"), format!("{{\"a\":\"{}\"}}", "x".repeat(5 << 20))).unwrap();
    let large = service.curl("-X PUT --json @large.json /openidm/managed/user/b");
    assert_eq!((large.status, &large.json()["reason"]), (413, &json!("Request Entity Too Large")));
    assert_eq!(service.curl("/openidm/managed/user/b").status, 404);
}

#[test]
fn what_is_nowhere_is_not_found() {
    let service = Service::new();
    for (typed, status) in [
        ("/openidm/managed/nothing/b", 404),
        ("-X DELETE /openidm/managed/nothing/b", 404),
        ("--json {} -X PUT /openidm/managed/nothing/b", 404),
        ("--json {} /openidm/managed/nothing", 404),
        ("--json [] -X PATCH /openidm/managed/user/nobody", 404),
        ("/openidm/managed/user/%FF", 400),
        ("/openidm/managed/no%20name/b", 400),
        ("--json {} '/openidm/managed/user?_action=reset'", 400),
        ("--json {} '/openidm/managed/user/b?_action=reset'", 400),
        ("--json {} '/openidm/managed/user/b'", 400),
    ] {
        let reply = service.curl(typed);
        assert_eq!(reply.status, status, "{typed}: {}", reply.body);
        assert_eq!(reply.json()["code"], status, "{typed}");
    }
}

#[test]
fn private_properties_never_leave_and_never_come() {
    let service = Service::new();
    barbara(&service, "b");
    let secret = BARBARA.replace('{', r#"{"password":"Passw0rd","#);
    for request in ["PUT /openidm/managed/user/b", "PUT /openidm/managed/user/c", "POST /openidm/managed/user"] {
        let reply = send(&service, request, &secret);
        assert_eq!(reply.status, 400, "{request}");
        insta::allow_duplicates! {
            insta::assert_snapshot!(reply.message(), @"the object cannot be written as it was sent: 'password' is private and cannot be written: no secrets are kept here, leave it out");
        }
    }
    for operations in [
        r#"[{"operation":"replace","field":"/password","value":"Passw0rd"}]"#,
        r#"[{"operation":"remove","field":"/password"}]"#,
    ] {
        assert_eq!(super::patched(&service, "b", operations).status, 400);
    }
    // What was stored while it was public is kept, and not shown.
    declare(&service, "account", &json!({"id": {"type": "string"}, "pin": {"type": "string"}}));
    let created = send(&service, "PUT /openidm/managed/account/1", r#"{"id":"1","pin":"4711"}"#);
    assert_eq!(created.json()["pin"], "4711");
    declare(&service, "account", &json!({"id": {"type": "string"}, "pin": {"type": "string", "scope": "private"}}));
    let replaced = send(&service, "PUT /openidm/managed/account/1", r#"{"id":"2"}"#);
    assert_eq!(replaced.json(), json!({"_id": "1", "_rev": "0000000000000002", "id": "2"}));
    let fields = service.curl("'/openidm/managed/account/1?_fields=pin,*'");
    assert_eq!(fields.json(), replaced.json());
    let copied =
        send(&service, "PATCH /openidm/managed/account/1", r#"[{"operation":"copy","from":"/pin","field":"/id"}]"#);
    assert_eq!((copied.status, copied.message().as_str()), (400, "there is nothing at '/pin' (operation 1)"));
    let stored = service.folder.run("objects list managed/account --json").json();
    assert_eq!(stored[0]["pin"], "4711");
}

/// An object is private with all that is in it, also what nobody has declared.
#[test]
fn nothing_in_a_private_object_leaves_or_comes() {
    let service = Service::new();
    let vault = |scope: &str| {
        let vault = json!({"type": "object", "scope": scope, "properties": {"pin": {"type": "string"}}});
        declare(&service, "account", &json!({"id": {"type": "string"}, "vault": vault}));
    };
    vault("public");
    let object = r#"{"id":"1","vault":{"pin":"4711","puk":"12345678"}}"#;
    assert_eq!(send(&service, "PUT /openidm/managed/account/1", object).json()["vault"]["puk"], "12345678");
    vault("private");
    let shown = service.curl("/openidm/managed/account/1");
    assert_eq!(shown.json(), json!({"_id": "1", "_rev": "0000000000000001", "id": "1"}));
    let found = service.curl("'/openidm/managed/account?_queryFilter=vault/puk+pr'");
    assert_eq!(found.json()["resultCount"], 0);
    let refused = send(&service, "PUT /openidm/managed/account/2", r#"{"id":"2","vault":{"puk":"12345678"}}"#);
    insta::assert_snapshot!(refused.shown(), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"the object cannot be written as it was sent: 'vault/puk' is private and cannot be written: no secrets are kept here, leave it out"}
    "#);
}

#[test]
fn who_may_write_what() {
    let service = Service::new();
    barbara(&service, "b");
    let [viewer, importer] = ["viewer", "importer"].map(|role| service.token(&format!("--name {role} --role {role}")));
    let stranger = service.token("--name stranger --role admin --types managed/role");
    let role = r#"[{"operation":"replace","field":"/city","value":"Oslo"}]"#;
    for (typed, expected) in [
        ("/openidm/managed/user/b".to_owned(), [200, 200, 404]),
        (format!("--json '{role}' -X PATCH /openidm/managed/user/b"), [403, 200, 404]),
        (format!("--json '{BARBARA}' -X PUT /openidm/managed/user/b"), [403, 200, 404]),
        ("--json {} /openidm/managed/user".to_owned(), [403, 403, 404]),
        ("-X DELETE /openidm/managed/user/b".to_owned(), [403, 403, 404]),
    ] {
        let found = [&viewer, &importer, &stranger].map(|token| service.ask(token, &typed).status);
        assert_eq!(found, expected, "{typed}");
    }
}

#[test]
fn what_is_shown_only_when_asked_for() {
    let service = Service::new();
    declare(
        &service,
        "thing",
        &json!({
            "a": {"type": "string"}, "big": {"type": "string", "returnByDefault": false},
            "boss": {"type": "relationship"}, "team": {"type": "array", "items": {"type": "relationship"}},
            "home": {"type": "relationship", "returnByDefault": true},
            "deep": {"type": "object", "properties": {"x": {"type": "string", "returnByDefault": false}}},
        }),
    );
    let link = |to: &str| json!({"_ref": format!("managed/thing/{to}"), "_refProperties": {"since": 2020}});
    let whole = json!({
        "a": "1", "big": "2", "boss": link("b"), "team": [link("c")], "home": link("d"), "deep": {"x": "3"},
    });
    let put = send(&service, "PUT '/openidm/managed/thing/1?_fields=*,big,*_ref,deep/x'", &whole.to_string());
    let mut shown = put.json();
    shown.as_object_mut().unwrap().retain(|name, _| !name.starts_with('_'));
    assert_eq!((put.status, shown), (201, whole.clone()));
    for (fields, names) in [
        ("", "_id _rev a home"),
        ("*", "_id _rev a home"),
        ("*,boss", "_id _rev a boss home"),
        ("*_ref", "_id _rev boss team home"),
        ("*_ref/*,a", "_id _rev boss team home a"),
        ("*,*_ref", "_id _rev a boss team home"),
        ("deep", "_id _rev deep"),
        ("big,team/*", "_id _rev big team"),
    ] {
        let read = service.curl(&format!("'/openidm/managed/thing/1?_fields={fields}'")).json();
        let found: Vec<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found.join(" "), names, "{fields}");
        let query =
            service.curl(&format!("'/openidm/managed/thing?_queryFilter=boss+pr&_sortKeys=big&_fields={fields}'"));
        assert_eq!(query.json()["result"], json!([read]), "{fields}");
    }
    // A type without relationships has none to show.
    let none = send(&service, "PUT '/openidm/managed/px_account/1?_fields=*_ref'", r#"{"id":"1","name":"One"}"#);
    assert_eq!(none.json(), json!({"_id": "1", "_rev": "0000000000000001"}));
    // Sent back as it was shown, it is as it was.
    let shown = service.curl("/openidm/managed/thing/1").body;
    let same = send(&service, "PUT /openidm/managed/thing/1", &shown);
    assert_eq!((same.status, same.body), (200, shown));
    let cleared = send(&service, "PUT '/openidm/managed/thing/1?_fields=*,*_ref'", r#"{"a":"1","boss":null}"#);
    let found: Vec<String> = cleared.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(found.join(" "), "_id _rev a team");
}
