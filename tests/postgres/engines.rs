//! What is done otherwise on other engines, shown on a PostgreSQL that says it is another one.

use std::fmt::Write as _;

use serde_json::Value;

use super::folder;
use crate::crash::account::documents;
use crate::harness::Folder;

const IMPORT: &str = "--into managed/user --unique userName --json";

/// Users of a version, every tenth of whom is refused. Together they have more bytes than one statement takes.
fn users(numbers: std::ops::Range<usize>, version: usize) -> String {
    let long = "long ".repeat(400);
    numbers.fold("userName,givenName,sn,mail\n".to_owned(), |mut text, number| {
        let mail = if number % 10 == 7 { "none".to_owned() } else { format!("u{number}@example.com") };
        writeln!(text, "u{number},{long}{},Näme {number},{mail}", if number % 3 == 0 { version } else { 0 }).unwrap();
        text
    })
}

/// What becomes of two imports, the second of which changes a part of what the first one brought.
fn imported(folder: Folder, options: &str) -> (Folder, Vec<Value>, Vec<(String, u64)>) {
    let folder = folder.file("first.csv", users(0..4000, 1)).file("second.csv", users(2000..5000, 2));
    let counts = ["first.csv", "second.csv"].map(|file| {
        let import = folder.run(&format!("import {file} {IMPORT} {options}")).json().remove(0);
        ["total", "created", "updated", "unchanged", "failure"].map(|count| import[count].clone())
    });
    let documents = documents(&folder, "managed/user");
    (folder, counts.concat(), documents)
}

/// CockroachDB takes no COPY in a prepared statement.
#[test]
fn rows_are_inserted_where_they_cannot_be_copied() {
    let (_, counts, stored) = imported(folder(""), "");
    let claims = folder("");
    let name = claims.look().rows("SELECT current_database()").remove(0).remove(0).unwrap();
    claims.look().run(&format!(
        "CREATE FUNCTION version() RETURNS text LANGUAGE sql AS $$ SELECT 'CockroachDB CCL v24.1.0' $$; \
         ALTER DATABASE {name} SET search_path = public, pg_catalog"
    ));
    drop(claims.installation());
    // Rules see what is inserted, and not what is copied.
    for table in ["object", "key_pair", "staged_object", "failure"] {
        claims.look().run(&format!(
            "CREATE TABLE told_{table} (told int); \
             CREATE RULE tells AS ON INSERT TO {table} DO ALSO INSERT INTO told_{table} VALUES (1)"
        ));
    }
    let (claims, counts_there, stored_there) = imported(claims, "");
    assert_eq!(counts_there, counts);
    assert!(stored_there == stored, "the users are others");
    let mut look = claims.look();
    for table in ["object", "failure"] {
        let number = look.number(&format!("SELECT count(*) FROM {table}"));
        assert!(number > 0);
        assert_eq!(look.number(&format!("SELECT count(*) FROM told_{table}")), number, "{table}");
    }
    for table in ["key_pair", "staged_object"] {
        assert!(look.number(&format!("SELECT count(*) FROM told_{table}")) > 0, "{table}");
    }
}
