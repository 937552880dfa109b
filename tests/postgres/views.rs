//! The views of object types for people with SQL tools.

use rollbook::repository::{Repository, StoredType, Written};
use serde_json::{Value, json};

use super::folder;
use crate::database::Row;

fn apply(repository: &Repository, properties: &Value) -> StoredType {
    let definition = json!({"name": "thing", "schema": {"properties": properties}});
    repository.apply_types(&[definition]).unwrap().remove(0).0
}

fn create(repository: &Repository, stored: &StoredType, id: &str, document: &str) {
    let written = repository.create_object(stored, Some(id), document).unwrap();
    assert!(matches!(written, Written::Done(_)), "{written:?}");
}

fn row(values: &[Option<&str>]) -> Row {
    values.iter().map(|value| value.map(str::to_owned)).collect()
}

#[test]
fn a_view_has_a_column_for_each_property() {
    let folder = folder("");
    let (repository, mut look) = (folder.installation().repository, folder.look());
    assert_eq!(look.rows("SELECT count(*) FROM \"managed/user\""), [row(&[Some("0")])]);
    let long = "ö".repeat(40);
    let stored = apply(
        &repository,
        &json!({"id": {}, "\"b\"": {}, "tags": {"type": "array"}, "on": {"type": "boolean"}, "\0": {}, &long: {}}),
    );
    create(&repository, &stored, "1", r#"[{"more":1},"x","y \"z\"",["p","q"],true,"n","long"]"#);
    create(&repository, &stored, "2", r#"[0,"a\u0000b","c",[],null,null,"a\u0000b"]"#);
    create(&repository, &stored, "3", "[0]");
    let cut = format!("{}~6", "ö".repeat(30));
    let select =
        format!("SELECT _id, _rev, id, \"\"\"b\"\"\", tags, \"on\", \"{cut}\" FROM \"managed/thing\" ORDER BY _id");
    let first = row(&[
        Some("1"),
        Some("0000000000000001"),
        Some("x"),
        Some("y \"z\""),
        Some("[\"p\",\"q\"]"),
        Some("true"),
        Some("long"),
    ]);
    // In the place of a NUL is the character for what cannot be shown.
    let nul = Some("a\u{FFFD}b");
    let second = row(&[Some("2"), Some("0000000000000001"), nul, Some("c"), Some("[]"), None, nul]);
    let third = row(&[Some("3"), Some("0000000000000001"), None, None, None, None, None]);
    assert_eq!(look.rows(&select), [first, second, third]);
    let ours = look.rows("SELECT _id FROM \"managed/thing\"").len();
    assert_eq!(ours, 3);
}

/// A view that gets more columns is the same one to whoever may read it; with other columns it is a new one.
#[test]
fn a_view_follows_its_type() {
    let folder = folder("");
    let (repository, mut look) = (folder.installation().repository, folder.look());
    let columns = |look: &mut crate::database::Look| {
        let select = "SELECT column_name FROM information_schema.columns WHERE table_name = 'managed/thing' \
                      ORDER BY ordinal_position";
        look.rows(select).into_iter().map(|row| row[0].clone().unwrap()).collect::<Vec<String>>()
    };
    apply(&repository, &json!({"id": {}, "code": {}}));
    assert_eq!(columns(&mut look), ["_id", "_rev", "id", "code"]);
    look.run("CREATE VIEW codes AS SELECT code FROM \"managed/thing\"");
    let stored = apply(&repository, &json!({"id": {}, "code": {}, "more": {}}));
    assert_eq!(columns(&mut look), ["_id", "_rev", "id", "code", "more"]);
    create(&repository, &stored, "1", r#"[0,"a","b","c"]"#);
    assert_eq!(look.rows("SELECT code FROM codes"), [row(&[Some("b")])]);
    // Somebody has made a view of it that needs the column: the type changes, and the view stays.
    apply(&repository, &json!({"id": {}, "more": {}}));
    assert_eq!(columns(&mut look), ["_id", "_rev", "id", "code", "more"]);
    look.run("DROP VIEW codes");
    apply(&repository, &json!({"more": {}, "id": {}}));
    assert_eq!(columns(&mut look), ["_id", "_rev", "more", "id"]);
    assert_eq!(look.rows("SELECT more, id FROM \"managed/thing\""), [row(&[Some("c"), Some("a")])]);
}

/// Who reads a view for long keeps nobody from changing the type or writing objects.
#[test]
fn a_view_that_is_read_holds_up_nobody() {
    let folder = folder("");
    let (repository, mut look) = (folder.installation().repository, folder.look());
    apply(&repository, &json!({"id": {}, "code": {}}));
    look.run("BEGIN; SELECT count(*) FROM \"managed/thing\"");
    let stored = apply(&repository, &json!({"code": {}, "id": {}}));
    create(&repository, &stored, "1", r#"[0,"a","b"]"#);
    look.run("COMMIT");
    assert_eq!(look.rows("SELECT code, id FROM \"managed/thing\""), [row(&[Some("b"), Some("a")])]);
    apply(&repository, &json!({"code": {}, "id": {}, "more": {}}));
    assert_eq!(look.rows("SELECT code, id, more FROM \"managed/thing\""), [row(&[Some("b"), Some("a"), None])]);
}

/// A type without a schema has what was ever brought to it.
#[test]
fn the_view_of_a_type_without_a_schema_grows() {
    let folder = folder("").file("things.csv", "id,code\n1,a\n");
    let (app, mut look) = (folder.installation(), folder.look());
    app.repository.apply_types(&[json!({"name": "thing"})]).unwrap();
    let account = folder.account("import things.csv --into managed/thing --unique id");
    assert_eq!(account, "exit 0, created 1, total 1");
    assert_eq!(look.rows("SELECT id, code FROM \"managed/thing\""), [row(&[Some("1"), Some("a")])]);
    let stored = app.repository.object_type(&"managed/thing".parse().unwrap()).unwrap().unwrap();
    let object_type = stored.object_type.with_columns(&["more".to_owned()]).unwrap();
    create(&app.repository, &StoredType { object_type, ..stored }, "2", r#"[0,"2",null,"m"]"#);
    let rows = look.rows("SELECT id, more FROM \"managed/thing\" ORDER BY id");
    assert_eq!(rows, [row(&[Some("1"), None]), row(&[Some("2"), Some("m")])]);
}
