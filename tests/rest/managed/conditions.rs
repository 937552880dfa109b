//! What a client may know of the object that it writes.

use serde_json::json;

use super::{BARBARA, barbara, send};
use crate::service::Service;

#[test]
fn every_condition_has_its_answer() {
    let service = Service::new();
    barbara(&service, "b");
    let put = format!("-X PUT --json '{BARBARA}'");
    let patch = r#"-X PATCH --json '[{"operation":"add","field":"/city","value":"Ytterby"}]'"#;
    let patch_action = patch.replace("-X PATCH", "");
    let found: Vec<String> = [
        ("b", String::new(), "If-None-Match: \"0000000000000001\""),
        ("b", String::new(), "If-None-Match: 0000000000000001"),
        ("b", String::new(), "If-None-Match: \"0000000000000002\""),
        ("b", String::new(), "If-Match: *"),
        ("b", String::new(), "If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT"),
        ("b", put.clone(), "If-None-Match: *"),
        ("b", put.clone(), "If-None-Match: \"x\""),
        ("b", put.clone(), "If-Match: \"0000000000000001\""),
        ("b", put.clone(), "If-Match: 0000000000000001"),
        ("b", put.clone(), "If-Match: *"),
        ("b", put.clone(), "If-Match: \"0000000000000002\""),
        ("b", format!("--header 'If-None-Match: *' {put}"), "If-Match: *"),
        ("b", put.clone(), "If-Unmodified-Since: Sat, 29 Oct 1994 19:43:31 GMT"),
        ("nobody", put.clone(), "If-Match: *"),
        ("nobody", put.clone(), "If-Match: \"0000000000000001\""),
        ("b", patch.to_owned(), "If-Match: \"0000000000000001\""),
        ("b", patch.to_owned(), "If-Match: \"7\""),
        ("b", patch.to_owned(), "If-None-Match: *"),
        ("nobody", patch.to_owned(), "If-Match: *"),
        ("b?_action=patch", patch_action, "If-Match: *"),
        ("b", "-X DELETE".to_owned(), "If-None-Match: *"),
        ("b", "-X DELETE".to_owned(), "If-Match: \"7\""),
        ("b", "-X DELETE".to_owned(), "If-Match: \"0000000000000001\""),
        ("b", put, "If-None-Match: *"),
    ]
    .iter()
    .map(|(id, typed, header)| {
        let reply = service.curl(&format!("{typed} --header '{header}' '/openidm/managed/user/{id}'"));
        let message = if reply.status < 400 { String::new() } else { reply.message() };
        let method = typed.split(' ').find(|word| ["PUT", "PATCH", "DELETE"].contains(word)).unwrap_or("-");
        format!("{method} {header}: {} {message}", reply.status).trim_end().to_owned()
    })
    .collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    - If-None-Match: "0000000000000001": 304
    - If-None-Match: 0000000000000001: 304
    - If-None-Match: "0000000000000002": 200
    - If-Match: *: 412 If-Match not supported for GET requests
    - If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT: 409 Header If-Modified-Since not supported
    PUT If-None-Match: *: 412 there is an object 'b' already
    PUT If-None-Match: "x": 400 "x" is not a supported value for If-None-Match on PUT
    PUT If-Match: "0000000000000001": 200
    PUT If-Match: 0000000000000001: 200
    PUT If-Match: *: 200
    PUT If-Match: "0000000000000002": 412 the current revision of object 'b' is '0000000000000001' and not '0000000000000002': it has changed since it was read
    PUT If-Match: *: 412 Simultaneous use of If-Match and If-None-Match not supported for PUT requests
    PUT If-Unmodified-Since: Sat, 29 Oct 1994 19:43:31 GMT: 409 Header If-Unmodified-Since not supported
    PUT If-Match: *: 404 Object nobody not found in managed/user
    PUT If-Match: "0000000000000001": 404 Object nobody not found in managed/user
    PATCH If-Match: "0000000000000001": 200
    PATCH If-Match: "7": 412 the current revision of object 'b' is '0000000000000001' and not '7': it has changed since it was read
    PATCH If-None-Match: *: 412 If-None-Match not supported for PATCH requests
    PATCH If-Match: *: 404 Object nobody not found in managed/user
    - If-Match: *: 412 If-Match not supported for POST requests
    DELETE If-None-Match: *: 412 If-None-Match not supported for DELETE requests
    DELETE If-Match: "7": 412 the current revision of object 'b' is '0000000000000001' and not '7': it has changed since it was read
    DELETE If-Match: "0000000000000001": 200
    PUT If-None-Match: *: 201
    "#);
    for header in ["If-Match: *", "If-None-Match: *"] {
        let reply = service.curl(&format!("--header '{header}' --json {{}} /openidm/managed/user"));
        assert_eq!(reply.status, 412, "{header}");
    }
}

/// Without a condition nobody has to be told that somebody else was faster, and nothing is lost.
#[test]
fn many_who_change_one_object_do_not_lose_a_change() {
    let service = Service::new();
    let created = send(&service, "PUT /openidm/managed/role/r", r#"{"name":"clerk","hits":0}"#);
    assert_eq!(created.status, 201, "{}", created.body);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let patch = r#"[{"operation":"increment","field":"/hits","value":1}]"#;
                    let reply = send(&service, "PATCH /openidm/managed/role/r", patch);
                    assert_eq!(reply.status, 200, "{}", reply.body);
                }
            });
        }
    });
    let role = service.curl("/openidm/managed/role/r").json();
    assert_eq!((&role["hits"], &role["_rev"]), (&json!(40), &json!("0000000000000029")));
}
