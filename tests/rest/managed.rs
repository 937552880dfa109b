//! `/openidm/managed/{type}/{id}`: objects one by one and as queries choose them.

mod beside_imports;
mod conditions;
mod patch;
mod policies;
mod query;
mod write;

use serde_json::{Value, json};

use crate::service::{Reply, Service};

const BARBARA: &str =
    r#"{"userName":"bjensen","givenName":"Barbara","sn":"Jensen","mail":"bjensen@example.com","city":"Ytterby"}"#;

/// When this body is sent.
fn send(service: &Service, request: &str, body: &str) -> Reply {
    service.curl(&format!("--json '{body}' -X {request}"))
}

/// Given Barbara under this id.
fn barbara(service: &Service, id: &str) -> Value {
    let reply = send(service, &format!("PUT /openidm/managed/user/{id}"), BARBARA);
    assert_eq!(reply.status, 201, "{}", reply.body);
    reply.json()
}

/// When she is patched by these operations.
fn patched(service: &Service, id: &str, operations: &str) -> Reply {
    send(service, &format!("PATCH /openidm/managed/user/{id}"), operations)
}

fn get(service: &Service, id: &str) -> Value {
    let reply = service.curl(&format!("'/openidm/managed/user/{id}'"));
    assert_eq!(reply.status, 200, "{}", reply.body);
    reply.json()
}

/// Given an object type of these properties, declared by hand while the service runs.
fn declare(service: &Service, name: &str, properties: &Value) {
    let definition = json!({"name": name, "schema": {"properties": properties}});
    std::fs::write(service.folder.path("type.json"), definition.to_string()).unwrap();
    let _ = service.folder.run("types apply type.json").success();
}
