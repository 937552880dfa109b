//! `rollbook objects`.

use super::{IMPORT_USERS, USERS};
use crate::harness::Folder;

fn with_users() -> Folder {
    Folder::new().file("users.csv", USERS).after(IMPORT_USERS)
}

#[test]
fn objects_are_listed() {
    let folder = with_users();
    insta::assert_snapshot!(folder.run("objects list managed/user").success(), @"
    _id                                   userName  givenName  sn      mail                 description
    00000000-0000-0000-0000-000000000000  bjensen   Barbara    Jensen  bjensen@example.com
    00000000-0000-0000-0000-000000000000  scarter   Sam        Carter  scarter@example.com
    00000000-0000-0000-0000-000000000000  jdoe      Jürgen     Doe     jdoe@example.com
    00000000-0000-0000-0000-000000000000  awhite    Alan       White   awhite@example.com

    4 objects
    ");
    insta::assert_snapshot!(folder.run("objects list managed/user --limit 1").success(), @"
    _id                                   userName  givenName  sn      mail                 description
    00000000-0000-0000-0000-000000000000  bjensen   Barbara    Jensen  bjensen@example.com

    1 of 4 objects; --limit 0 shows all
    ");
    insta::assert_snapshot!(folder.run("objects list managed/role").success(), @"0 objects");
}

#[test]
fn a_filter_chooses() {
    let folder = with_users();
    let list = |filter: &str| folder.run(&format!("objects list managed/user --filter '{filter}'"));
    insta::assert_snapshot!(list("sn eq \"White\"").success(), @"
    _id                                   userName  givenName  sn     mail                description
    00000000-0000-0000-0000-000000000000  awhite    Alan       White  awhite@example.com

    1 object match
    ");
    insta::assert_snapshot!(list("sn eq \"Nobody\"").success(), @"0 objects match");
    insta::assert_snapshot!(list("sn eq").failed(), @"
    --- stderr ---
    error: invalid value 'sn eq' for '--filter <FILTER>': the filter is wrong at character 6: the filter ends where a string in quotes, a number of 64 bits, true, false or null belongs

    For more information, try '--help'.
    ");
    let found = folder.run("objects list managed/user --json --filter 'preferences/updates eq true'").json();
    let names: Vec<&str> = found.iter().map(|object| object["userName"].as_str().unwrap()).collect();
    assert_eq!(names, ["bjensen", "awhite"]);
    let limited = folder.run("objects list managed/user --json --limit 1 --filter 'preferences/updates pr'");
    assert_eq!(limited.json().len(), 1);
}

#[test]
fn one_object_is_shown() {
    let folder = with_users();
    let listed = folder.run("objects list managed/user --json --limit 1").json();
    let id = listed[0]["_id"].as_str().unwrap();
    insta::assert_snapshot!(folder.run(&format!("objects show managed/user {id}")).success(), @r#"
    {
      "_id": "00000000-0000-0000-0000-000000000000",
      "_rev": "0000000000000001",
      "userName": "bjensen",
      "givenName": "Barbara",
      "sn": "Jensen",
      "mail": "bjensen@example.com",
      "accountStatus": "active",
      "preferences": {
        "updates": true
      }
    }
    "#);
    assert_eq!(folder.run(&format!("objects show managed/user {id} --json")).json(), listed);
    insta::assert_snapshot!(folder.run("objects show managed/user nobody").failed(), @"
    --- stderr ---
    rollbook: there is no managed/user with the _id 'nobody'
    ");
}

#[test]
fn an_export_imported_again_changes_nothing() {
    let employee = r#"{"name": "employee", "schema": {"required": ["number"], "properties": {
        "number": {"type": "integer"}, "name": {"type": "string"}, "since": {"type": "string", "format": "date"},
        "seen": {"type": "string", "format": "date-time"}, "factor": {"type": "number"}, "tags": {"type": "array"}}}}"#;
    let staff = "number,name,since,seen,factor,tags\n\
                 1,\"Zoë, \"\"Z\"\"\",2024-02-29,2024-02-29T10:00:00+02:00,1e3,\"[\"\"a\"\",1]\"\n\
                 2,=SUM(A1),,,-0.5,\n3,'=x,,,,[]\n4,\" two\nlines \",,,,\n5,,,,,\n";
    let folder = Folder::new()
        .file("employee.json", employee)
        .file("staff.csv", staff)
        .after("types apply employee.json")
        .after("import staff.csv --into managed/employee --unique number")
        .after("objects export managed/employee --out export.csv");
    insta::assert_snapshot!(folder.run("objects export managed/employee").success(), @r#"
    _id,number,name,since,seen,factor,tags
    00000000-0000-0000-0000-000000000000,1,"Zoë, ""Z""",2024-02-29,2026-02-28T17:05:00Z,1000,"[""a"",1]"
    00000000-0000-0000-0000-000000000000,2,=SUM(A1),,,-0.5,
    00000000-0000-0000-0000-000000000000,3,'=x,,,,[]
    00000000-0000-0000-0000-000000000000,4," two
    lines ",,,,
    00000000-0000-0000-0000-000000000000,5,,,,,
    "#);
    assert_eq!(folder.run("objects export managed/employee").stdout(), folder.read("export.csv"));
    let imported = folder.run("import export.csv --into managed/employee --unique number --json").json();
    assert_eq!(imported[0]["unchanged"], 5, "{imported:?}");
}

#[test]
fn users_are_exported_too() {
    let folder = with_users().after("objects export managed/user --out export.csv");
    let imported = folder.run("import export.csv --into managed/user --unique userName --json").json();
    assert_eq!(imported[0]["unchanged"], 4, "{imported:?}");
    assert_eq!(folder.run("objects export managed/user --json").json().len(), 4);
}

#[test]
fn nobody_needs_to_read_to_the_end() {
    let folder = with_users();
    assert_eq!(folder.run_unread("objects export managed/user"), Some(0));
    assert_eq!(folder.run_unread("objects list managed/user --json"), Some(0));
}
