//! Patches, in PingIDM's words.

use serde_json::{Value, json};

use super::{barbara, get, patched, send};
use crate::harness::Folder;
use crate::service::Service;

/// Each row: what the object is but for its id, the operations, and what it is then.
#[test]
fn operations_do_what_they_say() {
    let service = Service::new();
    let cases = [
        (json!({"a": 1}), json!([]), json!({"a": 1})),
        (
            json!({"a": 1}),
            json!([{"operation": "ADD", "field": "b/c/d", "value": 2}]),
            json!({"a": 1, "b": {"c": {"d": 2}}}),
        ),
        (
            json!({"a": {"b": 1, "c": 2}}),
            json!([{"operation": "add", "field": "/a", "value": {"d": 3}}]),
            json!({"a": {"d": 3}}),
        ),
        (
            json!({"a": ["x"]}),
            json!([{"operation": "add", "field": "/a", "value": ["y", "x", "y"]}]),
            json!({"a": ["x", "y"]}),
        ),
        (json!({"a": ["x"]}), json!([{"operation": "add", "field": "/a", "value": "x"}]), json!({"a": ["x"]})),
        (json!({"a": ["x"]}), json!([{"operation": "add", "field": "/a/-", "value": "x"}]), json!({"a": ["x", "x"]})),
        (
            json!({"a": ["x"]}),
            json!([{"operation": "add", "field": "/a/-", "value": ["x"]}]),
            json!({"a": ["x", ["x"]]}),
        ),
        (json!({}), json!([{"operation": "add", "field": "/a/-", "value": 1}]), json!({"a": [1]})),
        (json!({"a": [1]}), json!([{"operation": "replace", "field": "/a", "value": [2, 2]}]), json!({"a": [2, 2]})),
        (json!({"a": [1]}), json!([{"operation": "replace", "field": "/a", "value": null}]), json!({})),
        (json!({"a": 1, "b": 2}), json!([{"operation": "remove", "field": "/a"}]), json!({"b": 2})),
        (json!({"a": 1}), json!([{"operation": "remove", "field": "/b/c"}]), json!({"a": 1})),
        (json!({"a": [1, 2, 1]}), json!([{"operation": "remove", "field": "/a", "value": 1}]), json!({"a": [2]})),
        (
            json!({"a": [1, 2, 3]}),
            json!([{"operation": "remove", "field": "/a", "value": [1, 3, 4]}]),
            json!({"a": [2]}),
        ),
        (
            json!({"a": 1, "b": 2}),
            json!([{"operation": "remove", "field": "/a", "value": 2}, {"operation": "remove", "field": "/b", "value": 2}]),
            json!({"a": 1}),
        ),
        (json!({"a": 1}), json!([{"operation": "increment", "field": "/a", "value": -3}]), json!({"a": -2})),
        (json!({"a": 1}), json!([{"operation": "increment", "field": "/a", "value": 0.5}]), json!({"a": 1.5})),
        (json!({"a": [1, 2]}), json!([{"operation": "increment", "field": "/a", "value": 1}]), json!({"a": [2, 3]})),
        (json!({"a": 1, "b": 2}), json!([{"operation": "move", "from": "/a", "field": "/b"}]), json!({"b": 1})),
        (
            json!({"a": {"b": 1}}),
            json!([{"operation": "copy", "from": "/a/b", "field": "/c/d"}]),
            json!({"a": {"b": 1}, "c": {"d": 1}}),
        ),
        (
            json!({"a": {"b": 1}}),
            json!([{"operation": "copy", "from": "/a", "field": "/a/c"}]),
            json!({"a": {"b": 1, "c": {"b": 1}}}),
        ),
        (json!({"a": [1], "b": 2}), json!([{"operation": "move", "from": "b", "field": "/a/-"}]), json!({"a": [1, 2]})),
        (json!({"a": 1}), json!([{"operation": "replace", "field": "/", "value": {"b": 2}}]), json!({"b": 2})),
        (
            json!({"a": 1}),
            json!([{"operation": "replace", "field": "", "value": {"_rev": "x", "b": 2}}]),
            json!({"b": 2}),
        ),
        (json!({"a": 1}), json!([{"operation": "remove", "field": "/"}]), json!({})),
        (
            json!({"a b": {"c/d": 1}}),
            json!([{"operation": "increment", "field": "/a%20b/c%2Fd", "value": 1}]),
            json!({"a b": {"c/d": 2}}),
        ),
        (
            json!({"1": {"2": 3}}),
            json!([{"operation": "replace", "field": "/1/2", "value": 4}]),
            json!({"1": {"2": 4}}),
        ),
        (json!({"a": 1}), json!([{"operation": "copy", "from": "/_id", "field": "/b"}]), json!({"a": 1, "b": "ID"})),
    ];
    super::declare(&service, "thing", &json!({"name": {"type": "string"}}));
    for (at, (before, operations, after)) in cases.into_iter().enumerate() {
        let address = format!("/openidm/managed/thing/{at}");
        assert_eq!(send(&service, &format!("PUT {address}"), &before.to_string()).status, 201);
        let reply = send(&service, &format!("PATCH {address}"), &operations.to_string());
        assert_eq!(reply.status, 200, "{operations}: {}", reply.body);
        let mut object = reply.json();
        let changed = before != after;
        assert_eq!(object["_rev"], if changed { "0000000000000002" } else { "0000000000000001" }, "{operations}");
        object.as_object_mut().unwrap().retain(|name, _| !name.starts_with('_'));
        assert_eq!(object.to_string(), after.to_string().replace("ID", &at.to_string()), "{operations}");
        assert_eq!(service.curl(&address).body, reply.body);
    }
}

/// What is stored can always be put back in one body.
#[test]
fn an_object_does_not_grow_without_end() {
    let settings = "[server]\nmax_body_size = \"1KB\"\n";
    let service = Service::on(Folder::new().file("rollbook-data/rollbook.toml", settings));
    barbara(&service, "b");
    let half = |name: &str| format!(r#"[{{"operation":"add","field":"/{name}","value":"{}"}}]"#, "x".repeat(600));
    assert_eq!(patched(&service, "b", &half("one")).status, 200);
    let reply = patched(&service, "b", &half("two"));
    let message = "patched, the object would be larger than 1024 bytes";
    assert_eq!((reply.status, &reply.json()["message"]), (413, &json!(message)));
    assert_eq!(patched(&service, "b", r#"[{"operation":"remove","field":"/one"}]"#).status, 200);
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let service = Service::new();
    barbara(&service, "b");
    let add = json!({"operation": "add", "field": "/list", "value": [1, {"a": 1}]});
    assert_eq!(patched(&service, "b", &json!([add]).to_string()).status, 200);
    let found: Vec<String> = [
        json!({}),
        json!([1]),
        json!([{"field": "/a", "value": 1}]),
        json!([{"operation": "test", "field": "/a", "value": 1}]),
        json!([{"operation": "transform", "field": "/a", "value": {"script": {}}}]),
        json!([{"op": "add", "path": "/a", "value": 1}]),
        json!([{"operation": "add", "value": 1}]),
        json!([{"operation": "add", "field": 7, "value": 1}]),
        json!([{"operation": "add", "field": "/%zz", "value": 1}]),
        json!([{"operation": "add", "field": "/a"}]),
        json!([{"operation": "replace", "field": "/a"}]),
        json!([{"operation": "increment", "field": "/a"}]),
        json!([{"operation": "add", "field": "/a", "value": 1, "from": "/b"}]),
        json!([{"operation": "move", "field": "/a"}]),
        json!([{"operation": "copy", "field": "/a", "from": "/b", "value": 1}]),
        json!([{"operation": "copy", "field": "/a", "from": "/nothing"}]),
        json!([{"operation": "move", "field": "/list/0", "from": "/city"}]),
        json!([{"operation": "replace", "field": "/list/0", "value": 1}]),
        json!([{"operation": "replace", "field": "/list/1/a", "value": 1}]),
        json!([{"operation": "remove", "field": "/list/0"}]),
        json!([{"operation": "remove", "field": "/list/-"}]),
        json!([{"operation": "add", "field": "/city/x", "value": 1}]),
        json!([{"operation": "add", "field": "/", "value": {}}]),
        json!([{"operation": "copy", "from": "/", "field": "/x"}]),
        json!([{"operation": "replace", "field": "/", "value": 1}]),
        json!([{"operation": "increment", "field": "/city", "value": 1}]),
        json!([{"operation": "increment", "field": "/nothing", "value": 1}]),
        json!([{"operation": "increment", "field": "/list", "value": "1"}]),
        json!([{"operation": "replace", "field": "/_id", "value": "c"}]),
        json!([{"operation": "replace", "field": "/city", "value": "Oslo"}, {"operation": "replace", "field": "/list/0", "value": 1}]),
    ]
    .iter()
    .map(|operations| {
        let reply = patched(&service, "b", &operations.to_string());
        format!("{} {}", reply.status, reply.json()["message"].as_str().unwrap())
    })
    .collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    400 a patch is a JSON array of operations, such as [{"operation": "replace", "field": "/mail", "value": "bjensen@example.com"}]
    400 an operation is a JSON object with 'operation', 'field' and 'value' (operation 1)
    400 its 'operation' is missing, such as "replace" (operation 1)
    400 'test' is none of the operations 'add', 'remove', 'replace', 'increment', 'move', 'copy' (operation 1)
    400 'transform' needs a script, and scripts are not run here (operation 1)
    400 'op' is none of 'operation', 'field', 'value', 'from' (operation 1)
    400 its 'field' is missing, such as "/mail" (operation 1)
    400 its 'field' is '7' and not a pointer, such as "/mail" (operation 1)
    400 its 'field' '/%zz' is no pointer, such as /preferences/updates (operation 1)
    400 'add' needs a 'value' (operation 1)
    400 'replace' needs a 'value' (operation 1)
    400 'increment' needs a 'value' (operation 1)
    400 'add' takes no 'from', only 'move' and 'copy' do (operation 1)
    400 its 'from' is missing, such as "/mail" (operation 1)
    400 'copy' takes no 'value' (operation 1)
    400 there is nothing at '/nothing' (operation 1)
    400 Position-based operation is not allowed: /list/0 (operation 1)
    400 Position-based operation is not allowed: /list/0 (operation 1)
    400 Position-based operation is not allowed: /list/1/a (operation 1)
    400 Position-based operation is not allowed: /list/0 (operation 1)
    400 '/list/-' is behind the last element: only 'add', 'move' and 'copy' put something there (operation 1)
    400 '/city/x' lies in 'Ytterby', which is no object (operation 1)
    400 the whole object can only be replaced or removed (operation 1)
    400 the whole object can only be replaced or removed (operation 1)
    400 the whole object cannot become '1': give a JSON object (operation 1)
    400 '/city' is 'Ytterby' and no number to increment (operation 1)
    400 there is nothing at '/nothing' to increment (operation 1)
    400 'increment' takes a number, not '1' (operation 1)
    400 the '_id' of object 'b' cannot become 'c': an id is kept for ever
    400 Position-based operation is not allowed: /list/0 (operation 2)
    "#);
    assert_eq!(
        (&get(&service, "b")["_rev"], &get(&service, "b")["city"]),
        (&json!("0000000000000002"), &json!("Ytterby"))
    );
}

/// A few operations could make an object of any size or depth, which could not be stored or not be read again.
#[test]
fn a_patch_does_not_explode() {
    let service = Service::new();
    let operation =
        |count: usize, one: &dyn Fn(usize) -> Value| Value::Array((0..count).map(one).collect()).to_string();
    let doubling = operation(60, &|n| json!({"operation": "copy", "from": "/a", "field": format!("/a/{n}x")}));
    let deep = operation(300, &|_| json!({"operation": "copy", "from": "/a", "field": "/a/b"}));
    let way = json!([{"operation": "add", "field": "/a".repeat(5000), "value": 1}]).to_string();
    let many = operation(1001, &|_| json!({"operation": "remove", "field": "/x"}));
    barbara(&service, "b");
    assert_eq!(
        patched(&service, "b", r#"[{"operation":"add","field":"/a","value":{"text":"0123456789"}}]"#).status,
        200
    );
    for patch in [doubling, deep, way, many] {
        std::fs::write(service.folder.path("patch.json"), patch).unwrap();
        let reply = service.curl("-X PATCH --json @patch.json /openidm/managed/user/b");
        assert_eq!(reply.status, 400, "{}", reply.body);
    }
    assert_eq!(get(&service, "b")["_rev"], "0000000000000002");
}

#[test]
fn there_are_other_ways_to_patch() {
    let service = Service::new();
    barbara(&service, "b");
    let city = |city: &str| format!(r#"[{{"operation":"replace","field":"/city","value":"{city}"}}]"#);
    let on_id = send(&service, "POST '/openidm/managed/user/b?_action=patch&_fields=city'", &city("Oslo"));
    assert_eq!((on_id.status, on_id.json()), (200, json!({"_id": "b", "_rev": "0000000000000002", "city": "Oslo"})));
    let by = |filter: &str| {
        send(&service, &format!("POST '/openidm/managed/user?_action=patch&_queryFilter={filter}'"), &city("Rome"))
    };
    let found = by("userName+eq+%22bjensen%22+and+city+eq+%22Oslo%22");
    assert_eq!((found.status, &found.json()["city"]), (200, &json!("Rome")));
    assert_eq!(by("userName+eq+%22nobody%22").status, 404);
    assert_eq!(by("userName").status, 400);
    let other = super::BARBARA.replace("bjensen", "other");
    assert_eq!(send(&service, "PUT /openidm/managed/user/o", &other).status, 201);
    let several = by("true");
    assert_eq!(
        (several.status, &several.json()["message"]),
        (500, &json!("Query result must yield one matching object"))
    );
    let missing = send(&service, "POST '/openidm/managed/user?_action=patch'", &city("Rome"));
    assert_eq!((missing.status, get(&service, "o")["city"].as_str()), (400, Some("Ytterby")));
}
