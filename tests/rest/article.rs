//! The commands by which PingOne Advanced Identity Cloud explains bulk import, as they are typed there and in that order.
//! Only the host (which has its scheme with it), the token, the ids and the folder of the files are replaced.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Folder, steady};
use crate::service::{ADMIN, Service};

const TEMPLATE: &str = r#"curl \
--header "Authorization: Bearer <token>" \
--header "Accept-API-Version: resource=1.0" \
--request GET \
"https://<tenant-env-fqdn>/openidm/csv/template?resourceCollection=managed/realm-name_user&_fields=header&_mimeType='text/plain'""#;

const UPLOAD: &str = r#"curl \
--header "Authorization: Bearer <token>" \
--header "Accept-API-Version: resource=1.0" \
--form upload=@/path/to/example-users.csv \
--request POST \
"http://<tenant-env-fqdn>/upload/csv/managed/realm-name_user?uniqueProperty=userName""#;

const UPLOAD_TWO: &str = r#"curl \
--header "Authorization: Bearer <token>" \
--header "Accept-API-Version: resource=1.0" \
--form upload=@/path/to/example-users-a-j.csv \
--form upload=@/path/to/example-users-k-z.csv \
--request POST \
"http://<tenant-env-fqdn>/upload/csv/managed/realm-name_user?uniqueProperty=userName""#;

const QUERY: &str = r#"curl \
--header "Authorization: Bearer <token>" \
--header "Accept-API-Version: resource=1.0" \
--request GET \
"https://<tenant-env-fqdn>/openidm/csv/metadata/?_queryFilter=true""#;

const QUERY_BY_TYPE: &str = r#"curl \
--header "Authorization: Bearer <token>" \
--header "Accept-API-Version: resource=1.0" \
--request GET \
'https://<tenant-env-fqdn>/openidm/csv/metadata/?_queryFilter=/resourcePath+eq+"managed/realm-name_user"'"#;

const FAILURES: &str = r#"curl \
--header "Authorization: Bearer <token>" \
--request GET \
--header "Accept-API-Version: resource=1.0" \
"http://<tenant-env-fqdn>/export/csvImportFailures/82d9a643-8b03-4cec-86fc-3e09c4c2f01c""#;

const CANCEL: &str = r#"curl \
--header "Authorization: Bearer <token>" \
--header "Accept-API-Version: resource=1.0" \
--request POST \
"https://<tenant-env-fqdn>/openidm/csv/metadata/92971c92-67bb-4ae7-b41b-96d249b0b2aa/?_action=cancel""#;

const HEADER: &str = "userName,givenName,sn,mail,description,accountStatus,country";

/// What the answer to a command was, which is the body alone: the article shows no headers.
fn typed(service: &Service, command: &str) -> String {
    let command = command
        .replace("https://<tenant-env-fqdn>", &service.address)
        .replace("http://<tenant-env-fqdn>", &service.address)
        .replace("<token>", ADMIN)
        .replace("/path/to", &service.folder.path("").display().to_string());
    let output = Command::new("bash").args(["-c", &command.replacen("curl", "curl --silent --show-error", 1)]).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{command}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn answered(service: &Service, command: &str) -> Value {
    let body = typed(service, command);
    serde_json::from_str(&body).expect(&body)
}

/// A thousand users as in the article's examples, from this number on.
fn users(numbers: std::ops::Range<u32>) -> String {
    let mut file = format!("{HEADER}\n");
    for n in numbers {
        writeln!(file, "user{n},Given{n},Sn{n},user{n}@example.com,,active,US").unwrap();
    }
    file
}

/// A service with the article's object type, which has the properties of `managed/user`.
fn service(folder: Folder) -> Service {
    let mut definition = folder.run("types show managed/user --json").json().remove(0);
    definition["name"] = "realm-name_user".into();
    Service::on(folder.file("realm.json", definition.to_string()).after("types apply realm.json"))
}

fn import_ids(answer: &Value) -> Vec<String> {
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["importUUIDs"]);
    let ids = answer["importUUIDs"].as_array().unwrap().iter();
    ids.map(|id| id.as_str().unwrap().to_owned()).collect()
}

/// The members that the article shows, and nothing of ours.
const SHOWN: [&str; 21] = [
    "_id",
    "_rev",
    "header",
    "reconId",
    "filename",
    "resourcePath",
    "total",
    "success",
    "failure",
    "created",
    "updated",
    "unchanged",
    "begin",
    "end",
    "cancelled",
    "importDeleted",
    "tempRecords",
    "purgedTempRecords",
    "purgedErrorRecords",
    "authId",
    "authzComponent",
];

/// A record of the metadata as the article shows it: its members are there, in its order, and ours come behind.
fn as_shown(record: &Value) -> String {
    let record = record.as_object().unwrap();
    assert_eq!(record.keys().take(SHOWN.len()).collect::<Vec<_>>(), SHOWN);
    let mut shown = String::new();
    for (name, value) in record.iter().take(SHOWN.len()) {
        match name.as_str() {
            "_rev" => assert!(is_hexadecimal(value.as_str().unwrap(), 16), "{value}"),
            "reconId" => {
                let (id, number) = value.as_str().unwrap().rsplit_once('-').unwrap();
                assert!(id.len() == 36 && number.parse::<u64>().is_ok(), "{value}");
            }
            _ => writeln!(shown, "{name}: {}", steady(&value.to_string())).unwrap(),
        }
    }
    shown
}

fn is_hexadecimal(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[test]
fn the_commands_do_what_the_article_says() {
    let folder = Folder::new()
        .file("example-users.csv", users(0..1000))
        .file("example-users-a-j.csv", users(1000..1100))
        .file("example-users-k-z.csv", users(1100..1300));
    let service = service(folder);
    insta::assert_snapshot!(typed(&service, TEMPLATE), @r#"{"_id":"template","header":"\"userName\",\"givenName\",\"sn\",\"mail\",\"description\",\"accountStatus\",\"telephoneNumber\",\"postalAddress\",\"city\",\"postalCode\",\"country\",\"stateProvince\",\"preferences/updates\",\"preferences/marketing\""}"#);

    let first = import_ids(&answered(&service, UPLOAD)).remove(0);
    assert!(is_hexadecimal(&first.replace('-', ""), 32), "{first}");
    service.finished(&first);
    let listed = answered(&service, QUERY);
    insta::assert_snapshot!(as_shown(&listed["result"][0]), @r#"
    _id: "00000000-0000-0000-0000-000000000000"
    header: ["userName","givenName","sn","mail","description","accountStatus","country"]
    filename: "example-users.csv"
    resourcePath: "managed/realm-name_user"
    total: 1000
    success: 1000
    failure: 0
    created: 1000
    updated: 0
    unchanged: 0
    begin: "2026-02-28T17:05:00.000Z"
    end: "2026-02-28T17:05:00.000Z"
    cancelled: false
    importDeleted: false
    tempRecords: 0
    purgedTempRecords: true
    purgedErrorRecords: false
    authId: "openidm-admin"
    authzComponent: "internal/user"
    "#);

    let two = import_ids(&answered(&service, UPLOAD_TWO));
    let totals: Vec<Value> = two.iter().map(|id| service.finished(id)["created"].clone()).collect();
    assert_eq!(totals, [100, 200]);
    assert_eq!(answered(&service, QUERY)["resultCount"], 3);

    // The same file again with one record more, whose e-mail address is none.
    let again = users(0..1000) + "emacheke,Edward,Macheke,emacheke,,active,ZW\n";
    std::fs::write(service.folder.path("example-users.csv"), again).unwrap();
    let second = import_ids(&answered(&service, UPLOAD)).remove(0);
    service.finished(&second);
    let listed = answered(&service, QUERY_BY_TYPE);
    let record = listed["result"].as_array().unwrap().iter().find(|record| record["_id"] == second).unwrap();
    insta::assert_snapshot!(as_shown(record), @r#"
    _id: "00000000-0000-0000-0000-000000000000"
    header: ["userName","givenName","sn","mail","description","accountStatus","country"]
    filename: "example-users.csv"
    resourcePath: "managed/realm-name_user"
    total: 1001
    success: 1000
    failure: 1
    created: 0
    updated: 0
    unchanged: 1000
    begin: "2026-02-28T17:05:00.000Z"
    end: "2026-02-28T17:05:00.000Z"
    cancelled: false
    importDeleted: false
    tempRecords: 0
    purgedTempRecords: true
    purgedErrorRecords: false
    authId: "openidm-admin"
    authzComponent: "internal/user"
    "#);
    let envelope: Vec<&String> = listed.as_object().unwrap().keys().collect();
    assert_eq!(
        envelope,
        [
            "result",
            "resultCount",
            "pagedResultsCookie",
            "totalPagedResultsPolicy",
            "totalPagedResults",
            "remainingPagedResults"
        ]
    );

    insta::assert_snapshot!(typed(&service, &FAILURES.replace("82d9a643-8b03-4cec-86fc-3e09c4c2f01c", &second)), @r#"
    userName,givenName,sn,mail,description,accountStatus,country,_importError
    emacheke,Edward,Macheke,emacheke,,active,ZW,"{code=403, reason=Forbidden, message=Policy validation failed, detail={result=false, failedPolicyRequirements=[{policyRequirements=[{policyRequirement=VALID_EMAIL_ADDRESS_FORMAT}], property=mail}]}}"
    "#);

    let cancelled = answered(&service, &CANCEL.replace("92971c92-67bb-4ae7-b41b-96d249b0b2aa", &second));
    assert_eq!(cancelled, json!({ "status": "OK" }));
}
