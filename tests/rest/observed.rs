//! `/metrics`, `/openapi.json` and the health checks: open to anybody, and telling nothing of the data.

use crate::harness::Folder;
use crate::service::Service;

const USERS: &str = "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,b@example.com\nscarter,Sam,Carter,nowhere\n";

#[test]
fn health_is_told_to_anybody() {
    let service = Service::new();
    for path in ["/healthz", "/readyz"] {
        let reply = service.curl(&format!("-H 'Authorization: Bearer wrong' {path}"));
        insta::allow_duplicates! { insta::assert_snapshot!(reply.shown(), @r#"
        200
        {"status":"OK"}
        "#) };
    }
}

#[test]
fn metrics_count_requests_and_records() {
    let folder = Folder::new().file("users.csv", USERS).after_refusal("--into managed/user --unique userName");
    let service = Service::on(folder);
    let _ = service.curl("/openidm/csv/template");
    let _ = service.curl("/somewhere/private");
    let reply = service.curl("-H 'Authorization: Bearer wrong' /metrics");
    assert_eq!(reply.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    for line in [
        r#"rollbook_http_requests_total{method="GET",route="/openidm/csv/template",status="400"} 1"#,
        r#"rollbook_http_requests_total{method="GET",route="none",status="404"} 1"#,
        r#"rollbook_imports{state="finished"} 1"#,
        r#"rollbook_import_records{outcome="created"} 1"#,
        r#"rollbook_import_records{outcome="failed"} 1"#,
        "# EOF",
    ] {
        assert!(reply.body.lines().any(|found| found == line), "{line}\n{}", reply.body);
    }
    assert!(!reply.body.contains("private") && !reply.body.contains("managed/user"), "{}", reply.body);
}

#[test]
fn the_description_names_every_route_and_how_to_sign_in() {
    let service = Service::new();
    let document = service.curl("-H 'Authorization: Bearer wrong' /openapi.json").json();
    assert_eq!(document["openapi"].as_str().unwrap().get(..3), Some("3.1"));
    assert_eq!(document["info"]["title"], "Rollbook");
    let schemes: Vec<&String> = document["components"]["securitySchemes"].as_object().unwrap().keys().collect();
    assert_eq!(schemes, ["basic", "bearer", "password", "username"]);
    for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/openidm/csv/template"] {
        assert!(document["paths"][path]["get"].is_object(), "{path}");
    }
}

#[test]
fn every_operation_is_described_under_a_name_of_its_own() {
    let service = Service::new();
    let document = service.curl("/openapi.json").json();
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let mut names: Vec<&str> = operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}
