//! Failed records, as CSV and as JSON.

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::service::Service;

const IMPORT: &str = "import users.csv --into managed/user --unique userName";

/// A service after an import of these records, and its id.
fn after(records: &str) -> (Service, String) {
    let folder = Folder::new().file("users.csv", format!("userName,/givenName,sn,mail,preferences/updates\n{records}"));
    let id = folder.run(&format!("{IMPORT} --json")).json()[0]["_id"].as_str().unwrap().to_owned();
    (Service::on(folder), id)
}

const FAULTY: &str = "=1+1,Barbara,Jensen,nowhere,\nscarter,Sam,Carter,scarter@example.com,true\n\
                      awhite,Alan,,awhite@example.com,maybe\nshort,x\nlong,a,b,l@example.com,,\"more, and\",more\n";

#[test]
fn failures_are_csv_with_the_reason() {
    let (service, id) = after(FAULTY);
    let reply = service.curl(&format!("/export/csvImportFailures/{id}"));
    insta::assert_snapshot!(reply.body, @r#"
    userName,/givenName,sn,mail,preferences/updates,_importError
    '=1+1,Barbara,Jensen,nowhere,,"{code=403, reason=Forbidden, message=Policy validation failed, detail={result=false, failedPolicyRequirements=[{policyRequirements=[{policyRequirement=VALID_EMAIL_ADDRESS_FORMAT}], property=mail}]}}"
    awhite,Alan,,awhite@example.com,maybe,"{code=403, reason=Forbidden, message=Policy validation failed, detail={result=false, failedPolicyRequirements=[{policyRequirements=[{policyRequirement=VALID_TYPE, params={invalidType=string, validTypes=[boolean]}}], property=preferences/updates}, {policyRequirements=[{policyRequirement=REQUIRED}], property=sn}]}}"
    short,x,,,,"{code=400, reason=Bad Request, message=the record has 2 cells, the header has 5 columns}"
    long,a,b,l@example.com,,"{code=400, reason=Bad Request, message=the record has 7 cells, the header has 5 columns}","more, and",more
    "#);
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=UTF-8"));
    let disposition = format!("attachment; filename=\"csvImportFailures-{id}.csv\"");
    assert_eq!(reply.header("content-disposition"), Some(disposition.as_str()));
    assert_eq!(reply.body, service.folder.run(&format!("imports failures {id}")).stdout());
    let for_programs = service.curl(&format!("'/export/csvImportFailures/{id}?escape=none'"));
    assert_eq!(for_programs.body, service.folder.run(&format!("imports failures {id} --escape none")).stdout());
    let reply = service.curl(&format!("'/export/csvImportFailures/{id}?escape=all'"));
    assert_eq!(reply.status, 400);
    assert_eq!(reply.message(), "'all' is not a way to escape cells: it is 'spreadsheet' or 'none'");
}

#[test]
fn corrected_failures_go_in() {
    let (service, id) = after("bjensen,Barbara,Jensen,nowhere,\n");
    let csv = service.curl(&format!("/export/csvImportFailures/{id}")).body;
    std::fs::write(service.folder.path("users.csv"), csv.replacen("nowhere", "bjensen@example.com", 1)).unwrap();
    let _ = service.folder.run(IMPORT).success();
    insta::assert_snapshot!(service.folder.objects("managed/user"), @r#"{"userName":"bjensen","givenName":"Barbara","sn":"Jensen","mail":"bjensen@example.com","accountStatus":"active"}"#);
}

#[test]
fn without_failures_there_is_no_file() {
    let (service, id) = after("bjensen,Barbara,Jensen,bjensen@example.com,\n");
    let reply = service.curl(&format!("/export/csvImportFailures/{id}"));
    insta::assert_snapshot!(reply.shown(), @r#"
    404
    {"code":404,"reason":"Not Found","message":"import 00000000-0000-0000-0000-000000000000 has no failures"}
    "#);
    assert_eq!(reply.header("content-type"), Some("application/json; charset=UTF-8"));
    assert_eq!(service.curl(&format!("/openidm/csv/metadata/{id}/failures")).json()["result"], json!([]));
}

#[test]
fn removed_failures_are_gone_for_good() {
    let (service, id) = after("bjensen,Barbara,Jensen,nowhere,\n");
    assert_eq!(service.curl(&format!("--head /export/csvImportFailures/{id}")).status, 200);
    let clean_up = format!("'/openidm/csv/metadata/{id}?_action=cleanup&deleteErrorRecords=true'");
    assert_eq!(service.curl(&format!("--request POST {clean_up}")).status, 200);
    for path in [format!("/export/csvImportFailures/{id}"), format!("/openidm/csv/metadata/{id}/failures")] {
        let reply = service.curl(&path);
        insta::allow_duplicates! {
            insta::assert_snapshot!(reply.shown(), @r#"
            404
            {"code":404,"reason":"Not Found","message":"the failures of import 00000000-0000-0000-0000-000000000000 were removed"}
            "#);
        }
    }
}

#[test]
fn failures_are_json_for_programs() {
    let (service, id) = after(FAULTY);
    let path = format!("/openidm/csv/metadata/{id}/failures");
    let page = service.curl(&path).json();
    assert_eq!((page["result"].as_array().unwrap().len(), &page["resultCount"]), (4, &json!(4)));
    let printed = service.folder.run(&format!("imports failures {id} --json")).json();
    assert_eq!(page["result"].as_array().unwrap(), &printed);
    let columns: Vec<&String> = page["result"][1]["record"].as_object().unwrap().keys().collect();
    assert_eq!(columns, ["userName", "/givenName", "sn", "mail", "preferences/updates"]);
    assert_eq!(page["result"][3]["surplus"], json!(["more, and", "more"]));
    assert_eq!(page["result"][2]["violations"], json!([]));
    let rows = |page: &Value| {
        page["result"].as_array().unwrap().iter().map(|failure| failure["row"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    for (filter, found) in [
        ("true", vec![2, 4, 5, 6]),
        ("row+gt+4", vec![5, 6]),
        ("problem/code+eq+403", vec![2, 4]),
        ("record/userName+eq+%22awhite%22", vec![4]),
    ] {
        assert_eq!(rows(&service.curl(&format!("'{path}?_queryFilter={filter}'")).json()), found, "{filter}");
    }
    let first = service.curl(&format!("'{path}?_pageSize=3&_fields=row'")).json();
    assert_eq!(first["result"], json!([{ "row": 2 }, { "row": 4 }, { "row": 5 }]));
    let cookie = first["pagedResultsCookie"].as_str().unwrap();
    assert_eq!(rows(&service.curl(&format!("'{path}?_pageSize=3&_pagedResultsCookie={cookie}'")).json()), [6]);
}

/// More than fits into what is sent and read at once.
#[test]
fn many_failures_are_all_there() {
    let records: String = (0..5_000).map(|n| format!("user{n},{},,nowhere,\n", "x".repeat(100))).collect();
    let (service, id) = after(&records);
    let csv = service.curl(&format!("/export/csvImportFailures/{id}")).body;
    assert_eq!(csv, service.folder.run(&format!("imports failures {id}")).stdout());
    let page = service.curl(&format!("/openidm/csv/metadata/{id}/failures")).json();
    assert_eq!(page["resultCount"], 5_000);
    let printed = service.folder.run(&format!("imports failures {id} --json")).json();
    assert_eq!(page["result"].as_array().unwrap(), &printed);
}
