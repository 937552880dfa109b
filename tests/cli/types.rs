//! `rollbook types`.

use serde_json::Value;

use super::{IMPORT_USERS, USERS};
use crate::harness::Folder;

const BADGE: &str = r#"{"name": "badge", "schema": {"properties": {
    "number": {"type": "string", "policies": [{"policyId": "unique"}, {"policyId": "is-new"}]},
    "colour": {"type": "string"}}}}"#;

#[test]
fn types_are_listed() {
    let folder = Folder::new().file("users.csv", USERS);
    insta::assert_snapshot!(folder.run("types list").success(), @"
    type                version  properties  objects  unique
    managed/assignment        1           5        0
    managed/px_account        1          27        0  id
    managed/px_user           1          38        0  id
    managed/role              1           4        0  name
    managed/user              1          15        0  userName
    ");
    let folder = folder.after(IMPORT_USERS);
    insta::assert_snapshot!(folder.run("types list").success(), @"
    type                version  properties  objects  unique
    managed/assignment        1           5        0
    managed/px_account        1          27        0  id
    managed/px_user           1          38        0  id
    managed/role              1           4        0  name
    managed/user              1          15        4  userName
    ");
    let listed = folder.run("types list --json").json();
    let user = listed.iter().find(|listed| listed["name"] == "managed/user").unwrap();
    insta::assert_snapshot!(user, @r#"{"name":"managed/user","version":1,"properties":15,"objects":4,"unique":["userName"]}"#);
}

#[test]
fn a_definition_comes_out_as_it_went_in() {
    let folder = Folder::new().file("badge.json", BADGE);
    insta::assert_snapshot!(folder.run("types apply badge.json").success(), @"
    type           version  properties
    managed/badge        1           2
    --- stderr ---
    rollbook: warning: managed/badge: policy 'is-new' on 'number' is not known here and not checked
    ");
    let shown = folder.run("types show managed/badge").stdout();
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), serde_json::from_str::<Value>(BADGE).unwrap());
    let folder = folder.file("badge.json", shown);
    let applied = folder.run("types apply badge.json --json").json();
    assert_eq!(applied[0]["version"], 2);
    assert_eq!(applied[0]["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_folder_is_all_the_files_in_it() {
    let folder = Folder::new()
        .file("definitions/b.json", BADGE)
        .file("definitions/a.json", r#"{"objects": [{"name": "anything"}]}"#)
        .file("definitions/README", "not a definition");
    insta::assert_snapshot!(folder.run("types apply definitions").success(), @"
    type              version  properties
    managed/anything        1           0
    managed/badge           1           2
    --- stderr ---
    rollbook: warning: managed/badge: policy 'is-new' on 'number' is not known here and not checked
    ");
}

#[test]
fn nothing_is_applied_if_anything_is_wrong() {
    let folder = Folder::new()
        .file("badge.json", BADGE)
        .file(
            "wrong.json",
            r#"{"name": "x", "schema": {"properties": {"a": {"type": "text"}, "b": {"pattern": "("}}}}"#,
        )
        .file("broken.json", "{\"name\": \"x\",\n")
        .file("empty/notes.txt", "");
    insta::assert_snapshot!(folder.run("types apply badge.json wrong.json").failed(), @"
    --- stderr ---
    rollbook: wrong.json: object type managed/x:
      property 'a': the type 'text' is none of 'string', 'boolean', 'number', 'integer', 'object', 'array', 'relationship', 'null'
      property 'b': pattern '(': opening parenthesis without closing parenthesis
    ");
    insta::assert_snapshot!(folder.run("types apply badge.json broken.json").failed(), @"
    --- stderr ---
    rollbook: broken.json: the file is not JSON: EOF while parsing a value at line 2 column 0
    ");
    insta::assert_snapshot!(folder.run("types apply badge.json badge.json").failed(), @"
    --- stderr ---
    rollbook: badge.json: managed/badge is defined here and in badge.json
    ");
    insta::assert_snapshot!(folder.run("types apply badge.json missing.json").failed(), @"
    --- stderr ---
    rollbook: missing.json: there is no such file
    ");
    insta::assert_snapshot!(folder.run("types apply empty").failed(), @"
    --- stderr ---
    rollbook: empty: there are no .json files in this folder
    ");
    insta::assert_snapshot!(folder.run("types show managed/badge").failed(), @"
    --- stderr ---
    rollbook: there is no object type 'managed/badge'; there are managed/user, managed/role, managed/assignment, managed/px_user, managed/px_account
    ");
}

#[test]
fn a_change_that_values_forbid_is_refused() {
    let folder = Folder::new().file("users.csv", USERS).after(IMPORT_USERS);
    let definition = folder.run("types show managed/user").stdout();
    let mut definition: Value = serde_json::from_str(&definition).unwrap();
    definition["schema"]["properties"]["sn"]["type"] = "number".into();
    let folder = folder.file("user.json", definition.to_string());
    insta::assert_snapshot!(folder.run("types apply user.json").failed(), @"
    --- stderr ---
    rollbook: 'sn' of managed/user is string and objects have values of it, so it cannot become number
    ");
}
