//! Which object a record is about: the properties that find it, whatever they are, and values that only one may have.

use std::fmt::Write as _;

use crate::harness::Folder;

const THING: &str = r#"{"name": "thing", "schema": {"properties": {
    "id": {"type": "string", "policies": [{"policyId": "unique"}]},
    "code": {"type": "string", "policies": [{"policyId": "unique"}]},
    "number": {"type": "number"},
    "day": {"type": "string", "format": "date"},
    "flag": {"type": "boolean"},
    "place": {"type": "object", "properties": {"city": {"type": "string"}, "street": {"type": "string"}}},
    "note": {"type": "string"}}}}"#;

/// Given these things.
fn things(file: &str) -> Folder {
    let folder = Folder::new().file("thing.json", THING).after("types apply thing.json");
    folder.file("things.csv", file).after("import things.csv --into managed/thing --unique id")
}

/// What becomes of a file, and what is stored then.
fn told(folder: Folder, unique: &str, file: &str) -> String {
    let folder = folder.file("things.csv", file);
    let account = folder.account(&format!("import things.csv --into managed/thing --unique {unique}"));
    format!("{account}\n{}", folder.objects("managed/thing"))
}

#[test]
fn any_property_finds_objects() {
    let folder =
        || things("id,code,number,day,flag,place/city\n1,a,1.5,2021-12-25,true,Rome\n2,b,2,2021-12-26,false,Oslo\n");
    let file = |column: &str, first: &str, new: &str| format!("{column},note\n{first},found\n{new},new\n");
    for (column, first, new) in [
        ("code", "a", "c"),
        ("number", " 1.50", "-2"),
        ("day", "2021-12-25", "2021-12-27"),
        ("flag", "TRUE", "x"),
        ("place/city", "Rome", "rome"),
    ] {
        let folder = folder().file("things.csv", file(column, first, new));
        let account = folder.account(&format!("import things.csv --into managed/thing --unique {column}"));
        let expected = if column == "flag" { "exit 1, updated 1, failure 1" } else { "exit 0, created 1, updated 1" };
        assert!(account.starts_with(expected), "{column}: {account}");
        let objects = folder.objects("managed/thing");
        assert!(objects.lines().next().unwrap().ends_with(r#""note":"found"}"#), "{column}: {objects}");
    }
}

#[test]
fn dates_find_objects_in_any_format() {
    let folder = things("id,day\n1,2021-12-25\n").file("things.csv", "day,note\n25.12.2021,found\n");
    let account = folder.account("import things.csv --into managed/thing --unique day --date-format dd.MM.yyyy");
    insta::assert_snapshot!(account, @"exit 0, updated 1, total 1");
}

#[test]
fn several_properties_find_an_object_together() {
    let folder = || things("id,place/city,place/street\n1,Rome,Via\n2,Rome,Corso\n3,Oslo,Gate\n4,Oslo,\n");
    let file = "place/street,place/city,note\nCorso,Rome,found\nVia,Oslo,new\n,Oslo,no street\n,,nothing\n";
    insta::assert_snapshot!(told(folder(), "place/city,place/street", file), @r#"
    exit 1, created 1, updated 1, failure 2, total 4
    row 4, place/street: a value is required (REQUIRED)
    row 5, place/city: a value is required (REQUIRED)
    row 5, place/street: a value is required (REQUIRED)
    {"id":"1","place":{"city":"Rome","street":"Via"}}
    {"id":"2","place":{"city":"Rome","street":"Corso"},"note":"found"}
    {"id":"3","place":{"city":"Oslo","street":"Gate"}}
    {"id":"4","place":{"city":"Oslo"}}
    {"place":{"city":"Oslo","street":"Via"},"note":"new"}
    "#);
    insta::assert_snapshot!(told(folder(), "'place/street, /place/city'", "place/street,place/city\nCorso,Rome\n"), @r#"
    exit 0, unchanged 1, total 1
    {"id":"1","place":{"city":"Rome","street":"Via"}}
    {"id":"2","place":{"city":"Rome","street":"Corso"}}
    {"id":"3","place":{"city":"Oslo","street":"Gate"}}
    {"id":"4","place":{"city":"Oslo"}}
    "#);
}

#[test]
fn an_object_is_found_by_what_it_was_changed_to() {
    let folder = things("id,note\n1,old\n").file("things.csv", "note\nold\n");
    // The index over notes is made here, and kept from now on.
    insta::assert_snapshot!(folder.account("import things.csv --into managed/thing --unique note"), @"exit 0, unchanged 1, total 1");
    let folder =
        folder.file("things.csv", "id,note\n1,new\n").after("import things.csv --into managed/thing --unique id");
    insta::assert_snapshot!(told(folder, "note", "note,number\nold,1\nnew,2\n"), @r#"
    exit 0, created 1, updated 1, total 2
    {"id":"1","number":2,"note":"new"}
    {"number":1,"note":"old"}
    "#);
}

#[test]
fn a_cell_means_something_else_in_a_key() {
    let folder = Folder::new().file("thing.json", THING).after("types apply thing.json");
    let file = "id,note\n1, x \n";
    insta::assert_snapshot!(told(folder, "note", file), @r#"
    exit 0, created 1, total 1
    {"id":"1","note":"x"}
    "#);
    let folder = Folder::new().file("thing.json", THING).after("types apply thing.json");
    let folder = folder.file("things.csv", file).after("import things.csv --into managed/thing --unique note");
    insta::assert_snapshot!(told(folder, "id", file), @r#"
    exit 0, updated 1, total 1
    {"id":"1","note":" x "}
    "#);
}

#[test]
fn several_objects_are_a_failure() {
    let folder = things("id,number,place/city\n1,7,Rome\n2,7,Rome\n3,8,Rome\n");
    insta::assert_snapshot!(told(folder, "number,place/city", "number,place/city,note\n7.0,Rome,x\n8,Rome,found\n7,Rome,y\n"), @r#"
    exit 1, updated 1, failure 2, total 3
    row 2: 2 objects have the same number '7.0' and place/city 'Rome'
    row 4: 2 objects have the same number '7' and place/city 'Rome'
    {"id":"1","number":7,"place":{"city":"Rome"}}
    {"id":"2","number":7,"place":{"city":"Rome"}}
    {"id":"3","number":8,"place":{"city":"Rome"},"note":"found"}
    "#);
}

#[test]
fn a_record_without_its_key_fails() {
    insta::assert_snapshot!(told(things("id\n1\n"), "id", "id,note\n,x\n  ,y\n\"\",z\n1,found\n"), @r#"
    exit 1, updated 1, failure 3, total 4
    row 2, id: a value is required (REQUIRED)
    row 3, id: a value is required (REQUIRED)
    row 4, id: a value is required (REQUIRED)
    {"id":"1","note":"found"}
    "#);
    insta::assert_snapshot!(told(things("id\n1\n"), "id,number", "id,number\n1,\n,7\n1,seven\n"), @r#"
    exit 1, failure 3, total 3
    row 2, number: a value is required (REQUIRED)
    row 3, id: a value is required (REQUIRED)
    row 4, number: 'seven' is not a number (VALID_TYPE)
    {"id":"1"}
    "#);
    let blank =
        Folder::new().file("thing.json", THING).after("types apply thing.json").file("things.csv", "id,number\n1,\n");
    insta::assert_snapshot!(blank.account("import things.csv --into managed/thing --unique id,number --blank keep"), @"
    exit 1, failure 1, total 1
    row 2, number: a value is required (REQUIRED)
    ");
}

#[test]
fn the_key_needs_its_column() {
    let folder = things("id\n1\n").file("things.csv", "ID,note\n1,x\n");
    insta::assert_snapshot!(folder.account("import things.csv --into managed/thing --unique id"), @"
    exit 1
    things.csv, row 1: the header does not fit managed/thing:
      unknown column 'ID' (column 1) (did you mean 'id'?)
      missing column 'id' (is it 'ID'?)
    ");
    insta::assert_snapshot!(folder.account("import things.csv --into managed/thing --unique id,colour"), @"
    exit 2
    things.csv: managed/thing has no property 'colour'
    ");
}

/// C28: keys are compared byte for byte after trimming.
#[test]
fn keys_are_opaque() {
    let keys = [
        "a",
        "A",
        "é",
        "e\u{301}",
        "strasse",
        "straße",
        "I",
        "i",
        "ı",
        "İ",
        "a\u{200b}",
        "\u{feff}a",
        "ａ",
        "1",
        "01",
        "1.0",
        "null",
        "a b",
        "a  b",
        "a\u{a0}b",
        "µ",
        "μ",
        "K",
        "\u{212a}",
    ];
    let mut file = "id\n".to_owned();
    keys.iter().for_each(|key| writeln!(file, "\"{key}\"").unwrap());
    let folder = things(&file);
    assert_eq!(folder.objects("managed/thing").lines().count(), keys.len());
    let again = folder.account("import things.csv --into managed/thing --unique id");
    assert_eq!(again, format!("exit 0, unchanged {0}, total {0}", keys.len()));
    let trimmed = ["\" a\"", "a ", "\"\ta\"", "\u{a0}a\u{3000}", "\"a\n\""];
    for key in trimmed {
        let folder = things("id\na\n").file("things.csv", format!("id,note\n{key},found\n"));
        let account = folder.account("import things.csv --into managed/thing --unique id");
        assert_eq!(account, "exit 0, updated 1, total 1", "{key:?}");
    }
}

#[test]
fn unique_values_are_trimmed_and_nothing_else() {
    insta::assert_snapshot!(told(things("id\n1\n"), "id", "id,code,note\n 2 , b , x \n3,b ,y\n"), @r#"
    exit 1, created 1, failure 1, total 2
    row 3, code: 'b' is taken: another object has this value (UNIQUE)
    {"id":"1"}
    {"id":"2","code":"b","note":" x "}
    "#);
    // What was stored as it came, before it was a key, is found without its blanks too.
    insta::assert_snapshot!(told(things("id,note\n1, x \n"), "note", "note\n x \n"), @r#"
    exit 0, updated 1, total 1
    {"id":"1","note":"x"}
    "#);
}

#[test]
fn what_another_object_has_is_taken() {
    let folder = || things("id,code\n1,a\n2,b\n");
    insta::assert_snapshot!(told(folder(), "id", "id,code,number\n1,b,one\n3,a,3\n"), @r#"
    exit 1, failure 2, total 2
    row 2, number: 'one' is not a number (VALID_TYPE)
    row 2, code: 'b' is taken: another object has this value (UNIQUE)
    row 3, code: 'a' is taken: another object has this value (UNIQUE)
    {"id":"1","code":"a"}
    {"id":"2","code":"b"}
    "#);
    insta::assert_snapshot!(told(folder(), "id", "id,code\n1,a\n3,c\n4,c\n"), @r#"
    exit 1, created 1, unchanged 1, failure 1, total 3
    row 4, code: 'c' is taken: another object has this value (UNIQUE)
    {"id":"1","code":"a"}
    {"id":"2","code":"b"}
    {"id":"3","code":"c"}
    "#);
    // Found by the code, its id is another's.
    insta::assert_snapshot!(told(folder(), "code", "code,id\na,2\nc,1\nd,\n"), @r#"
    exit 1, created 1, failure 2, total 3
    row 2, id: '2' is taken: another object has this value (UNIQUE)
    row 3, id: '1' is taken: another object has this value (UNIQUE)
    {"id":"1","code":"a"}
    {"id":"2","code":"b"}
    {"code":"d"}
    "#);
    insta::assert_snapshot!(told(folder(), "id,code", "id,code\n1,b\n1,a\n"), @r#"
    exit 1, unchanged 1, failure 1, total 2
    row 2, id: '1' is taken: another object has this value (UNIQUE)
    row 2, code: 'b' is taken: another object has this value (UNIQUE)
    {"id":"1","code":"a"}
    {"id":"2","code":"b"}
    "#);
}

/// Each record is settled before the next: what it lets go of can be taken by those behind it, not by those before.
#[test]
fn values_are_released_and_taken_in_the_order_of_the_file() {
    let folder = || things("id,code\n1,a\n2,b\n3,c\n");
    // A swap needs a third value.
    insta::assert_snapshot!(told(folder(), "id", "id,code\n1,b\n2,a\n"), @r#"
    exit 1, failure 2, total 2
    row 2, code: 'b' is taken: another object has this value (UNIQUE)
    row 3, code: 'a' is taken: another object has this value (UNIQUE)
    {"id":"1","code":"a"}
    {"id":"2","code":"b"}
    {"id":"3","code":"c"}
    "#);
    // A chain, from the end that is free.
    insta::assert_snapshot!(told(folder(), "id", "id,code\n3,d\n2,c\n1,b\n"), @r#"
    exit 0, updated 3, total 3
    {"id":"1","code":"b"}
    {"id":"2","code":"c"}
    {"id":"3","code":"d"}
    "#);
    // The same from the other end.
    insta::assert_snapshot!(told(folder(), "id", "id,code\n1,b\n2,c\n3,d\n"), @r#"
    exit 1, updated 1, failure 2, total 3
    row 2, code: 'b' is taken: another object has this value (UNIQUE)
    row 3, code: 'c' is taken: another object has this value (UNIQUE)
    {"id":"1","code":"a"}
    {"id":"2","code":"b"}
    {"id":"3","code":"d"}
    "#);
    // Released by clearing, taken by a new object.
    insta::assert_snapshot!(told(folder(), "id", "id,code\n1,\n4,a\n5,a\n"), @r#"
    exit 1, created 1, updated 1, failure 1, total 3
    row 4, code: 'a' is taken: another object has this value (UNIQUE)
    {"id":"1"}
    {"id":"2","code":"b"}
    {"id":"3","code":"c"}
    {"id":"4","code":"a"}
    "#);
    // The same again changes nothing more.
    let folder = folder().file("things.csv", "id,code\n3,d\n2,c\n1,b\n");
    let _ = folder.run("import things.csv --into managed/thing --unique id").success();
    assert_eq!(folder.account("import things.csv --into managed/thing --unique id"), "exit 0, unchanged 3, total 3");
}

#[test]
fn a_unique_value_can_change_and_the_old_one_is_free() {
    let folder = things("id,code\n1,a\n").file("things.csv", "id,code\n1,z\n");
    let folder = folder.after("import things.csv --into managed/thing --unique id");
    insta::assert_snapshot!(told(folder, "id", "id,code\n2,a\n3,z\n"), @r#"
    exit 1, created 1, failure 1, total 2
    row 3, code: 'z' is taken: another object has this value (UNIQUE)
    {"id":"1","code":"z"}
    {"id":"2","code":"a"}
    "#);
    // Also the id itself, where another property finds the object.
    insta::assert_snapshot!(told(things("id,code\n1,a\n"), "code", "code,id\na,9\nb,1\n"), @r#"
    exit 0, created 1, updated 1, total 2
    {"id":"9","code":"a"}
    {"id":"1","code":"b"}
    "#);
}

#[test]
fn a_default_is_taken_too() {
    let definition = THING.replace(r#""code": {"#, r#""code": {"default": "a", "#);
    let folder = Folder::new().file("thing.json", definition).after("types apply thing.json");
    insta::assert_snapshot!(told(folder, "id", "id,note\n1,x\n2,y\n"), @r#"
    exit 1, created 1, failure 1, total 2
    row 3, code: 'a' is taken: another object has this value (UNIQUE)
    {"id":"1","code":"a","note":"x"}
    "#);
}

#[test]
fn rows_that_failed_leave_no_trace() {
    let file = "id,code,number\n1,a,wrong\n1,a,1\n2,b,wrong\n3,b,3\n";
    insta::assert_snapshot!(told(things("id\n"), "id", file), @r#"
    exit 1, created 2, failure 2, total 4
    row 2, number: 'wrong' is not a number (VALID_TYPE)
    row 4, number: 'wrong' is not a number (VALID_TYPE)
    {"id":"1","code":"a","number":1}
    {"id":"3","code":"b","number":3}
    "#);
}
