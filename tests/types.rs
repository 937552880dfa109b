//! Object types as they change: what is refused, what objects keep, and what is said once.

use serde_json::{Value, json};

use crate::harness::{Folder, steady};

const THINGS: &str = "id,code,size,note\n1,a,10,x\n2,a,20,y\n3,,30,\n";
const IMPORT: &str = "import things.csv --into managed/thing --unique id";

/// The definition of things with these properties besides their id.
fn thing(properties: Value) -> String {
    let mut definition = json!({"name": "thing", "schema": {"properties": {
        "id": {"type": "string", "policies": [{"policyId": "unique"}]}}}});
    if let Value::Object(properties) = properties {
        definition["schema"]["properties"].as_object_mut().unwrap().extend(properties);
    }
    definition.to_string()
}

fn strings() -> Value {
    json!({"code": {"type": "string"}, "size": {"type": "string"}, "note": {"type": "string"}})
}

/// Given three things whose properties are strings.
fn things() -> Folder {
    apply(Folder::new(), strings()).file("things.csv", THINGS).after(IMPORT)
}

/// Given this change of their definition.
fn apply(folder: Folder, properties: Value) -> Folder {
    folder.file("thing.json", thing(properties)).after("types apply thing.json")
}

/// When their definition is to change, then it is refused.
fn refuse(folder: Folder, properties: Value) -> String {
    folder.file("thing.json", thing(properties)).run("types apply thing.json").failed()
}

#[test]
fn a_definition_applied_again_changes_no_object() {
    let folder = things();
    let before = folder.run("objects list managed/thing --json").stdout();
    let folder = apply(folder, strings());
    // What was known of the records' fingerprints is void now; the objects themselves are compared.
    insta::assert_snapshot!(folder.account(IMPORT), @"exit 0, unchanged 3, total 3");
    assert_eq!(folder.run("objects list managed/thing --json").stdout(), before);
}

#[test]
fn a_new_property_leaves_objects_as_they_are() {
    let mut properties = strings();
    properties["colour"] = json!({"type": "string", "default": "red"});
    properties["weight"] = json!({"type": "number"});
    let folder = apply(things(), properties);
    insta::assert_snapshot!(folder.account(IMPORT), @"exit 0, unchanged 3, total 3");
    let folder = folder.file("things.csv", "id,weight,colour\n1,1.5,\n4,,\n");
    insta::assert_snapshot!(folder.account(IMPORT), @"exit 0, created 1, updated 1, total 2");
    insta::assert_snapshot!(folder.objects("managed/thing"), @r#"
    {"id":"1","code":"a","size":"10","note":"x","weight":1.5}
    {"id":"2","code":"a","size":"20","note":"y"}
    {"id":"3","size":"30"}
    {"id":"4","colour":"red"}
    "#);
}

#[test]
fn a_new_requirement_is_for_what_comes_from_now_on() {
    let folder = Folder::new().file("thing.json", thing(strings())).after("types apply thing.json");
    let folder = folder.file("things.csv", THINGS).after(IMPORT);
    let mut definition: Value = serde_json::from_str(&thing(strings())).unwrap();
    definition["schema"]["required"] = json!(["note"]);
    let folder = folder.file("thing.json", definition.to_string()).after("types apply thing.json");
    let folder = folder.file("things.csv", "id,size\n3,31\n4,40\n");
    insta::assert_snapshot!(folder.account(IMPORT), @"
    exit 1, updated 1, failure 1, total 2
    row 3, note: a value is required (REQUIRED)
    ");
}

#[test]
fn a_property_that_goes_takes_its_values_out_of_sight_only() {
    let folder = apply(things(), json!({"code": {"type": "string"}, "note": {"type": "string"}}));
    insta::assert_snapshot!(folder.objects("managed/thing"), @r#"
    {"id":"1","code":"a","note":"x"}
    {"id":"2","code":"a","note":"y"}
    {"id":"3"}
    "#);
    let folder = folder.file("things.csv", THINGS);
    insta::assert_snapshot!(folder.account(IMPORT), @"
    exit 1
    things.csv, row 1: the header does not fit managed/thing:
      unknown column 'size' (column 3)
    ");
    let folder = folder.file("things.csv", "id,note\n1,z\n").after(IMPORT);
    let folder = apply(folder, strings());
    insta::assert_snapshot!(folder.objects("managed/thing"), @r#"
    {"id":"1","code":"a","size":"10","note":"z"}
    {"id":"2","code":"a","size":"20","note":"y"}
    {"id":"3","size":"30"}
    "#);
}

#[test]
fn values_forbid_another_type() {
    let with_size = |size: Value| {
        let mut properties = strings();
        properties["size"] = size;
        properties
    };
    insta::assert_snapshot!(refuse(things(), with_size(json!({"type": "integer"}))), @"
    --- stderr ---
    rollbook: 'size' of managed/thing is string and objects have values of it, so it cannot become integer
    ");
    insta::assert_snapshot!(refuse(things(), with_size(json!({"type": "string", "format": "date"}))), @"
    --- stderr ---
    rollbook: 'size' of managed/thing is string and objects have values of it, so it cannot become date
    ");
    // Also when the property was gone for a while.
    let without = apply(things(), json!({"code": {"type": "string"}, "note": {"type": "string"}}));
    insta::assert_snapshot!(refuse(without, with_size(json!({"type": "integer"}))), @"
    --- stderr ---
    rollbook: 'size' of managed/thing was of another type once and objects have values of it, so it cannot become integer
    ");
    // Without values there is nothing in the way.
    let folder = apply(Folder::new(), strings());
    let folder = apply(folder, with_size(json!({"type": "integer"}))).file("things.csv", THINGS);
    insta::assert_snapshot!(folder.account(IMPORT), @"exit 0, created 3, total 3");
}

#[test]
fn a_type_with_objects_keeps_a_schema() {
    let bare = r#"{"name": "thing"}"#;
    insta::assert_snapshot!(things().file("bare.json", bare).run("types apply bare.json").failed(), @"
    --- stderr ---
    rollbook: managed/thing has objects, so it cannot lose its properties: send them in 'schema'
    ");
    // Without objects there is nothing to lose.
    let _ = apply(Folder::new(), strings()).file("bare.json", bare).after("types apply bare.json");
}

#[test]
fn shared_values_forbid_a_unique_property() {
    let unique = |name: &str| {
        let mut properties = strings();
        properties[name]["policies"] = json!([{"policyId": "unique"}]);
        properties
    };
    insta::assert_snapshot!(refuse(things(), unique("code")), @"
    --- stderr ---
    rollbook: 'code' of managed/thing cannot become unique: 1 of its values are shared by several objects
    ");
    // What was not applied has no effect.
    let folder = things().file("thing.json", thing(unique("code")));
    let _ = folder.run("types apply thing.json").failed();
    assert_eq!(folder.account(IMPORT), "exit 0, unchanged 3, total 3");
    // Values that differ, or are missing, are guarded from now on.
    let folder = apply(things(), unique("note")).file("things.csv", "id,note\n4,x\n5,w\n6,w\n7,\n8,\n");
    insta::assert_snapshot!(folder.account(IMPORT), @"
    exit 1, created 3, failure 2, total 5
    row 2, note: 'x' is taken: another object has this value (UNIQUE)
    row 4, note: 'w' is taken: another object has this value (UNIQUE)
    ");
    // A guard can be lifted.
    let folder = apply(folder, strings());
    insta::assert_snapshot!(folder.account(IMPORT), @"exit 0, created 2, unchanged 3, total 5");
}

#[test]
fn stricter_policies_are_for_what_comes_from_now_on() {
    let mut properties = strings();
    properties["note"]["policies"] = json!([{"policyId": "minimum-length", "params": {"minLength": 2}}]);
    let folder = apply(things(), properties).file("things.csv", "id,note,size\n1,x,11\n2,yy,\n3,,\n");
    insta::assert_snapshot!(folder.account(IMPORT), @"
    exit 1, updated 2, failure 1, total 3
    row 2, note: 'x' is too short: at least 2 characters (MIN_LENGTH)
    ");
    insta::assert_snapshot!(folder.objects("managed/thing"), @r#"
    {"id":"1","code":"a","size":"10","note":"x"}
    {"id":"2","code":"a","note":"yy"}
    {"id":"3"}
    "#);
}

#[test]
fn a_whole_configuration_is_applied() {
    let managed = json!({"objects": [
        {"name": "person", "schema": {"properties": {
            "name": {"type": "string", "policies": [{"policyId": "is-known"}, {"policyId": "unique"}]},
            "boss": {"type": "relationship"},
            "code": {"type": "string", "policies": [{"policyId": "is-known"}]}}},
            "onCreate": {"type": "text/javascript", "source": ""}},
        {"name": "team", "schema": {"order": ["title", "_id"], "properties": {
            "_id": {"type": "string"}, "title": {"type": "string"}, "members": {"type": "array", "items": {"type": "relationship"}}}}},
        {"name": "anything"}]});
    let folder = Folder::new().file("managed.json", managed.to_string());
    insta::assert_snapshot!(folder.run("types apply managed.json").success(), @"
    type              version  properties
    managed/person          1           3
    managed/team            1           2
    managed/anything        1           0
    --- stderr ---
    rollbook: warning: managed/person: policy 'is-known' on 'name', 'code' is not known here and not checked
    ");
    insta::assert_snapshot!(folder.run("types list").success(), @"
    type                version  properties  objects  unique
    managed/anything          1           0        0
    managed/assignment        1           5        0
    managed/person            1           3        0  name
    managed/px_account        1          27        0  id
    managed/px_user           1          38        0  id
    managed/role              1           4        0  name
    managed/team              1           2        0
    managed/user              1          15        0  userName
    ");
    // What is not checked was said once; an import does not repeat it.
    let folder = folder.file("people.csv", "name,code\nAnn,1\n");
    insta::assert_snapshot!(folder.account("import people.csv --into managed/person --unique name"), @"exit 0, created 1, total 1");
    let folder = folder.file("people.csv", "name,boss\nAnn,Bob\n");
    insta::assert_snapshot!(folder.account("import people.csv --into managed/person --unique name"), @"
    exit 1
    people.csv, row 1: the header does not fit managed/person:
      column 'boss' (column 2) is a relationship and cannot be imported
    ");
}

#[test]
fn an_open_type_takes_any_column() {
    let folder = Folder::new()
        .file("anything.json", r#"{"name": "anything"}"#)
        .after("types apply anything.json")
        .file("a.csv", "id,b,c/d\n1,x,007\n2,,\n")
        .file("b.csv", "c/e,id,_note\ntrue,1,ignored\n1.50,3,ignored\n")
        .file("c.csv", "id,c\n1,x\n")
        .file("d.csv", "id,f/\n1,x\n");
    let import = |file: &str| format!("import {file} --into managed/anything --unique id");
    insta::assert_snapshot!(folder.account(&import("a.csv")), @"exit 0, created 2, total 2");
    insta::assert_snapshot!(folder.account(&import("b.csv")), @"exit 0, created 1, updated 1, total 2");
    insta::assert_snapshot!(folder.objects("managed/anything"), @r#"
    {"id":"1","b":"x","c":{"d":"007","e":"true"}}
    {"id":"2"}
    {"id":"3","c":{"e":"1.50"}}
    "#);
    insta::assert_snapshot!(folder.account(&import("c.csv")), @"
    exit 1
    c.csv, row 1, column 'c': 'c' and 'c/d' lie inside one another: an object cannot hold both
    ");
    insta::assert_snapshot!(folder.account(&import("d.csv")), @"
    exit 1
    d.csv, row 1, column 'f/': 'f/' is no name for a property
    ");
    assert_eq!(folder.account(&import("a.csv")), "exit 0, unchanged 2, total 2");
    // With a schema, what is in stays and what is not declared is hidden.
    let definition =
        r#"{"name": "anything", "schema": {"properties": {"id": {"type": "string"}, "b": {"type": "string"}}}}"#;
    let folder = folder.file("anything.json", definition).after("types apply anything.json");
    insta::assert_snapshot!(folder.objects("managed/anything"), @r#"
    {"id":"1","b":"x"}
    {"id":"2"}
    {"id":"3"}
    "#);
    insta::assert_snapshot!(folder.account(&import("a.csv")), @"
    exit 1
    a.csv, row 1: the header does not fit managed/anything:
      unknown column 'c/d' (column 3)
    ");
}

#[test]
fn a_template_has_what_can_be_imported_as_text() {
    let properties = json!({
        "count": {"type": "integer"},
        "score": {"type": "number"},
        "since": {"type": "string", "format": "date"},
        "flag": {"type": "boolean"},
        "tags": {"type": "array"},
        "secret": {"type": "string", "scope": "private"},
        "made": {"type": "string", "readOnly": true},
        "gone": {"type": "string", "state": "DISABLED"},
        "boss": {"type": "relationship"},
        "quote\"d": {"type": "string"},
        "place": {"type": "object", "properties": {"city": {"type": "string"}, "secret": {"type": "string", "scope": "private"}}},
    });
    let folder = apply(Folder::new(), properties);
    let template = folder.run("template managed/thing").success();
    insta::assert_snapshot!(template, @r#""id","score","since","flag","quote""d","place/city""#);
    // It is a file that can be imported as it is.
    let folder = folder.file("things.csv", template);
    insta::assert_snapshot!(folder.account(IMPORT), @"
    exit 0, total 0
    warning: the file has a header and no records
    ");
    let folder = folder.file("things.csv", "id,secret,made,gone,boss,tags,place/secret,place\n1,,,,,[],,\n");
    insta::assert_snapshot!(folder.account(IMPORT), @"
    exit 1
    things.csv, row 1: the header does not fit managed/thing:
      column 'secret' (column 2) is private and cannot be imported
      column 'made' (column 3) is read-only: its value is computed
      column 'gone' (column 4) is disabled
      column 'boss' (column 5) is a relationship and cannot be imported
      column 'place/secret' (column 7) is private and cannot be imported
      unknown column 'place' (column 8) (did you mean 'place/city'?)
    ");
}

/// What a name has of blanks and of characters that nobody sees is the name.
#[test]
fn a_template_and_an_export_have_names_as_they_are() {
    let text = || json!({"type": "string"});
    let folder = apply(Folder::new(), json!({" lead": text(), "trail ": text(), "a\u{1}b": text()}));
    let template = folder.command("template managed/thing").output().unwrap().stdout;
    let template = String::from_utf8(template).unwrap();
    assert_eq!(template, "\"id\",\" lead\",\"trail \",\"a\u{1}b\"\n");
    let folder = folder.file("things.csv", format!("{template}1,l,t,c\n"));
    insta::assert_snapshot!(folder.account(IMPORT), @"exit 0, created 1, total 1");
    insta::assert_snapshot!(folder.objects("managed/thing"), @r#"{"id":"1"," lead":"l","trail ":"t","a\u0001b":"c"}"#);
    let export = folder.command("objects export managed/thing").output().unwrap().stdout;
    let folder = folder.file("things.csv", export);
    insta::assert_snapshot!(folder.account(IMPORT), @"exit 0, unchanged 1, total 1");
    // In a header, blanks around a name do not count.
    let folder = folder.file("things.csv", " id,lead ,trail\n1,v,w\n");
    insta::assert_snapshot!(folder.account(IMPORT), @"exit 0, updated 1, total 1");
}

/// When somebody asks this with an SQL tool, then that is the answer: the names of the columns, and the rows.
fn ask(folder: &Folder, select: &str) -> String {
    let conn = rusqlite::Connection::open(folder.path("rollbook-data/rollbook.db")).unwrap();
    let mut statement = conn.prepare(select).unwrap();
    let mut lines = vec![statement.column_names().collect::<Vec<_>>().join(" | ")];
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let value = |at| match row.get_unwrap::<_, rusqlite::types::Value>(at) {
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        };
        lines.push((0..columns).map(value).collect::<Vec<_>>().join(" | "));
    }
    lines.join("\n")
}

#[test]
fn sql_tools_see_objects_with_their_properties() {
    let properties = json!({
        "code": {"type": "string"},
        "CODE": {"type": "string"},
        "size": {"type": "number"},
        "flag": {"type": "boolean"},
        "it's \"quoted\"; --": {"type": "string"},
        "place": {"type": "object", "properties": {"city": {"type": "string"}}},
    });
    let records = "1,ä,b,1.5,true,q,Oslo\n2,,,,,,\n";
    let folder = apply(Folder::new(), properties)
        .file("things.csv", format!("id,code,CODE,size,flag,\"it's \"\"quoted\"\"; --\",place/city\n{records}"))
        .after(IMPORT)
        .file("things.csv", "id,code,size\n2,x,-3\n")
        .after(IMPORT);
    let things = ask(&folder, "SELECT * FROM \"managed/thing\"");
    insta::assert_snapshot!(steady(&things), @r#"
    _id | _rev | id | code | CODE:1 | size | flag | it's "quoted"; -- | place/city
    00000000-0000-0000-0000-000000000000 | 0000000000000001 | 1 | ä | b | Real(1.5) | Integer(1) | q | Oslo
    00000000-0000-0000-0000-000000000000 | 0000000000000002 | 2 | x | Null | Integer(-3) | Null | Null | Null
    "#);
    let ids = folder.run("objects list managed/thing --json").json();
    let ids: Vec<&str> = ids.iter().map(|object| object["_id"].as_str().unwrap()).collect();
    assert_eq!(ask(&folder, "SELECT _id FROM \"managed/thing\""), format!("_id\n{}", ids.join("\n")));
    // What leaves the definition leaves the view.
    let folder = apply(folder, json!({"code": {"type": "string"}}));
    insta::assert_snapshot!(steady(&ask(&folder, "SELECT * FROM \"managed/thing\"")), @"
    _id | _rev | id | code
    00000000-0000-0000-0000-000000000000 | 0000000000000001 | 1 | ä
    00000000-0000-0000-0000-000000000000 | 0000000000000002 | 2 | x
    ");
    // What a file brings to a type without a schema comes in. To SQL, the two types have one name.
    let folder = folder
        .file("open.json", r#"[{"name": "open"}, {"name": "OPEN"}]"#)
        .after("types apply open.json")
        .file("open.csv", "id,b\n1,x\n")
        .after("import open.csv --into managed/open --unique id")
        .after("import things.csv --into managed/OPEN --unique id");
    insta::assert_snapshot!(steady(&ask(&folder, "SELECT * FROM \"managed/open\"")), @"
    _id | _rev | id | b
    00000000-0000-0000-0000-000000000000 | 0000000000000001 | 1 | x
    ");
}
