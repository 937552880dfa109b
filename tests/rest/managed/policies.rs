//! The REST door judges as imports do, and says it in PingIDM's form.

use serde_json::{Value, json};

use super::{BARBARA, barbara, declare, patched, send};
use crate::service::Service;

fn violations(problem: &Value) -> Vec<String> {
    let failed = problem["failedPolicyRequirements"].as_array().unwrap();
    let one = |failure: &Value| {
        let requirement = &failure["policyRequirements"][0];
        format!("{} {}", failure["property"].as_str().unwrap(), requirement["policyRequirement"].as_str().unwrap())
    };
    failed.iter().map(one).collect()
}

#[test]
fn all_violations_are_told_at_once() {
    let service = Service::new();
    barbara(&service, "b");
    let wrong =
        r#"{"userName":" bjensen ","sn":7,"mail":"nowhere","telephoneNumber":"x","preferences":{"updates":"yes"}}"#;
    let reply = send(&service, "POST '/openidm/managed/user?_action=create'", wrong);
    insta::assert_snapshot!(reply.shown(), @r#"
    403
    {"code":403,"reason":"Forbidden","message":"Policy validation failed","detail":{"result":false,"failedPolicyRequirements":[{"policyRequirements":[{"policyRequirement":"VALID_TYPE","params":{"invalidType":"number","validTypes":["string"]}}],"property":"sn"},{"policyRequirements":[{"policyRequirement":"VALID_EMAIL_ADDRESS_FORMAT"}],"property":"mail"},{"policyRequirements":[{"policyRequirement":"MATCH_REGEXP","regexp":"^\\+?([0-9\\- \\(\\)])*$","params":{"regexp":"^\\+?([0-9\\- \\(\\)])*$"}}],"property":"telephoneNumber"},{"policyRequirements":[{"policyRequirement":"VALID_TYPE","params":{"invalidType":"string","validTypes":["boolean"]}}],"property":"preferences/updates"},{"policyRequirements":[{"policyRequirement":"REQUIRED"}],"property":"givenName"},{"policyRequirements":[{"policyRequirement":"UNIQUE"}],"property":"userName"}]}}
    "#);
    let patch = patched(
        &service,
        "b",
        r#"[{"operation":"replace","field":"/mail","value":"nowhere"},{"operation":"remove","field":"/sn"}]"#,
    );
    insta::assert_snapshot!(patch.shown(), @r#"
    403
    {"code":403,"reason":"Forbidden","message":"Failed policy validation","detail":{"result":false,"failedPolicyRequirements":[{"policyRequirements":[{"policyRequirement":"VALID_EMAIL_ADDRESS_FORMAT"}],"property":"mail"},{"policyRequirements":[{"policyRequirement":"REQUIRED"}],"property":"sn"}]}}
    "#);
}

#[test]
fn values_are_of_their_types() {
    let service = Service::new();
    declare(
        &service,
        "thing",
        &json!({
            "text": {"type": "string"}, "day": {"type": "string", "format": "date"},
            "at": {"type": "string", "format": "date-time"}, "count": {"type": "integer"}, "size": {"type": "number"},
            "list": {"type": "array", "items": {"type": "string"}}, "free": {"type": "object"},
            "manager": {"type": "relationship"}, "reports": {"type": "array", "items": {"type": "relationship"}},
            "one": {"type": "object", "properties": {"two": {"type": "object", "properties": {"three": {"type": "boolean"}}}}},
            "computed": {"type": "string", "readOnly": true}, "off": {"type": "string", "state": "DISABLED"},
        }),
    );
    for (given, kept) in [
        (json!({"text": " a "}), json!({"text": " a "})),
        (json!({"text": "", "size": null}), json!({"text": ""})),
        (json!({"day": "2021-12-25"}), json!({"day": "2021-12-25"})),
        (json!({"at": "2021-12-25T01:00:00+01:00"}), json!({"at": "2021-12-25T00:00:00Z"})),
        (json!({"count": 7.0, "size": 1.50}), json!({"count": 7, "size": 1.5})),
        (json!({"list": [], "free": {"b": 1, "a": [null]}}), json!({"list": [], "free": {"b": 1, "a": [null]}})),
        (json!({"one": {"two": {"three": true}}}), json!({"one": {"two": {"three": true}}})),
        (json!({"one": {"x": 1, "two": {"y": 2}}}), json!({"one": {"x": 1, "two": {"y": 2}}})),
        (json!({"one": {"two": null}, "a/b": 1}), json!({"a/b": 1})),
        (json!({"_rev": "x", "_meta": {"a": 1}, "text": "t"}), json!({"text": "t"})),
    ] {
        let reply = send(&service, "POST /openidm/managed/thing", &given.to_string());
        assert_eq!(reply.status, 201, "{given}: {}", reply.body);
        let mut object = reply.json();
        object.as_object_mut().unwrap().retain(|name, _| !name.starts_with('_'));
        assert_eq!(object, kept, "{given}");
    }
    for (given, found) in [
        (json!({"text": 1, "count": 1.5, "size": "1"}), vec!["text VALID_TYPE", "count VALID_TYPE", "size VALID_TYPE"]),
        (json!({"day": "25.12.2021", "at": "soon"}), vec!["day VALID_DATE", "at VALID_DATETIME"]),
        (json!({"list": ["a", 1], "free": []}), vec!["list[1] VALID_TYPE", "free VALID_TYPE"]),
        (json!({"manager": "x"}), vec!["manager VALID_TYPE"]),
        (json!({"one": 1}), vec!["one VALID_TYPE"]),
        (json!({"one": {"two": []}}), vec!["one/two VALID_TYPE"]),
    ] {
        let reply = send(&service, "POST /openidm/managed/thing", &given.to_string());
        assert_eq!(
            (reply.status, violations(&reply.json()["detail"])),
            (403, found.into_iter().map(str::to_owned).collect()),
            "{given}"
        );
    }
    let refused = send(&service, "POST /openidm/managed/thing", r#"{"computed":"x","off":"y","text":"z"}"#);
    insta::assert_snapshot!(refused.shown(), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"the object cannot be written as it was sent: 'computed' is read-only: its value is computed; 'off' is disabled"}
    "#);
}

/// What was right once is not asked for again when something else changes.
#[test]
fn a_patch_answers_for_what_it_changes() {
    let service = Service::new();
    declare(&service, "thing", &json!({"a": {"type": "string"}, "b": {"type": "string"}}));
    let reply = send(&service, "PUT /openidm/managed/thing/1", r#"{"a":"long"}"#);
    assert_eq!(reply.status, 201);
    let definition = json!({"a": {"type": "string", "maxLength": 2}, "b": {"type": "string", "required": true}});
    declare(&service, "thing", &definition);
    let patch = |operations: &str| send(&service, "PATCH /openidm/managed/thing/1", operations).status;
    assert_eq!(patch(r#"[{"operation":"add","field":"/c","value":"new"}]"#), 200);
    assert_eq!(patch(r#"[{"operation":"add","field":"/a","value":"other"}]"#), 403);
    assert_eq!(send(&service, "PUT /openidm/managed/thing/1", r#"{"a":"long"}"#).status, 403);
    assert_eq!(patch(r#"[{"operation":"add","field":"/b","value":"b"}]"#), 200);
    assert_eq!(patch(r#"[{"operation":"remove","field":"/b"}]"#), 403);
}

#[test]
fn an_object_can_be_judged_only() {
    let service = Service::new();
    barbara(&service, "b");
    let judge = |id: &str, action: &str, body: &str| {
        let reply = send(&service, &format!("POST '/openidm/policy/managed/user/{id}?_action={action}'"), body);
        assert_eq!(reply.status, 200, "{}", reply.body);
        violations(&reply.json())
    };
    assert_eq!(judge("b", "validateObject", BARBARA), [""; 0]);
    assert_eq!(judge("*", "validateObject", BARBARA), ["userName UNIQUE"]);
    assert_eq!(judge("*", "validateProperty", r#"{"mail":"nowhere"}"#), ["mail VALID_EMAIL_ADDRESS_FORMAT"]);
    assert_eq!(judge("*", "validateProperty", r#"{"preferences":{"updates":1}}"#), ["preferences/updates VALID_TYPE"]);
    assert_eq!(judge("b", "validateObject", r#"{"userName":"x","sn":"x","mail":"a@b.cc"}"#), ["givenName REQUIRED"]);
    assert_eq!(super::get(&service, "b")["_rev"], "0000000000000001");
}
