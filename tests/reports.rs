//! What an import tells besides its counts: failures that are alike, what a dry run would change, how far it was when.

use std::fmt::Write as _;

use crate::harness::Folder;
use rollbook::import::ImportId;

const IMPORT: &str = "--into managed/user --unique userName";

fn last(folder: &Folder) -> ImportId {
    folder.last_import().parse().unwrap()
}

/// The groups of the failures of the last import, as `REQUIREMENT of PROPERTY in COLUMN: COUNT, first ROW: EXAMPLE`.
fn groups(folder: &Folder) -> String {
    let groups = folder.installation().repository.failure_groups(last(folder)).unwrap();
    let mut told = String::new();
    for group in groups {
        let [property, column] = [group.property, group.column].map(|name| name.unwrap_or_else(|| "-".to_owned()));
        let (requirement, failures, row, example) = (group.requirement, group.failures, group.first_row, group.example);
        writeln!(told, "{requirement} of {property} in {column}: {failures}, first {row}: {example}").unwrap();
    }
    told
}

/// The samples of the last import, a line for each.
fn samples(folder: &Folder) -> String {
    let mut told = String::new();
    for sample in folder.installation().repository.samples(last(folder)).unwrap() {
        write!(told, "row {}, {}:", sample.row, if sample.object.is_some() { "changed" } else { "new" }).unwrap();
        for change in sample.changes {
            let [old, new] =
                [change.old, change.new].map(|value| value.map_or("-".to_owned(), |value| value.to_string()));
            write!(told, " {} {old} > {new}", change.property).unwrap();
        }
        told.push('\n');
    }
    told
}

#[test]
fn failures_that_are_alike_are_counted_together() {
    let file = "userName,givenName,sn,mail\n\
                ann,Ann,Lee,ann@example.com\n\
                bob,Bob,Bow,nowhere\n\
                cid,,Cox,neither\n\
                dan,Dan,Day\n\
                eve,Eve,Eck,eve@example.com,more\n\
                ann,Anna,Lee,ann@example.com\n\
                \"f\0x\",Fox,Fix,fox@example.com\n\
                ,Guy,Gap,guy@example.com\n";
    let folder = Folder::new().file("users.csv", file).after_refusal(IMPORT);
    let expected = groups(&folder);
    insta::assert_snapshot!(expected, @"
    VALID_EMAIL_ADDRESS_FORMAT of mail in mail: 2, first 3: 'nowhere' is not an e-mail address
    CELL_COUNT of - in -: 2, first 5: the record has 3 cells, the header has 4 columns
    REQUIRED of givenName in givenName: 1, first 4: a value is required
    UNIQUE of userName in userName: 1, first 7: 'ann' is taken: an earlier record of this file has it
    NO_NUL_CHARACTER of - in -: 1, first 8: cell 1 holds a NUL character, which no property can
    REQUIRED of userName in userName: 1, first 9: a value is required
    ");
    for way in ["--atomic", "--dry-run"] {
        let _ = folder.run(&format!("import users.csv {IMPORT} {way}")).refused();
        assert_eq!(groups(&folder), expected, "{way}");
    }
    folder.installation().repository.purge_failures(last(&folder)).unwrap();
    assert_eq!(groups(&folder), "");
}

#[test]
fn a_dry_run_shows_some_of_what_would_change() {
    let object_type = r#"{"name": "guest", "schema": {"properties": {
        "id": {"type": "string"}, "name": {"type": "string"}, "pin": {"type": "string", "scope": "private", "default": "0000"},
        "visits": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}}}}"#;
    let row = |n: usize, name: &str| format!("{n},{name}{n},{n}\n");
    let before: String = (0..50).map(|n| row(n, "Ann")).collect();
    let after: String = (0..100).map(|n| row(n, if n % 2 == 0 { "Bo" } else { "Ann" })).collect();
    let header = "id,name,visits\n";
    let folder = Folder::new()
        .file("guest.json", object_type)
        .file("before.csv", format!("{header}{before}"))
        .file("after.csv", format!("{header}{}", after.replace("Ann9,9", "Ann9,")))
        .after("types apply guest.json")
        .after("import before.csv --into managed/guest --unique id");
    assert_eq!(samples(&folder), "", "not of an import");
    let folder = folder.after("import after.csv --into managed/guest --unique id --dry-run");
    let told = samples(&folder);
    assert!(!told.contains("pin") && !told.contains("0000"), "what is private is shown: {told}");
    insta::assert_snapshot!(told, @r#"
    row 2, changed: name "Ann0" > "Bo0"
    row 4, changed: name "Ann2" > "Bo2"
    row 6, changed: name "Ann4" > "Bo4"
    row 8, changed: name "Ann6" > "Bo6"
    row 11, changed: visits 9 > -
    row 12, changed: name "Ann10" > "Bo10"
    row 14, changed: name "Ann12" > "Bo12"
    row 18, changed: name "Ann16" > "Bo16"
    row 20, changed: name "Ann18" > "Bo18"
    row 22, changed: name "Ann20" > "Bo20"
    row 26, changed: name "Ann24" > "Bo24"
    row 28, changed: name "Ann26" > "Bo26"
    row 30, changed: name "Ann28" > "Bo28"
    row 32, changed: name "Ann30" > "Bo30"
    row 36, changed: name "Ann34" > "Bo34"
    row 38, changed: name "Ann36" > "Bo36"
    row 40, changed: name "Ann38" > "Bo38"
    row 44, changed: name "Ann42" > "Bo42"
    row 46, changed: name "Ann44" > "Bo44"
    row 48, changed: name "Ann46" > "Bo46"
    row 52, new: id - > "50" name - > "Bo50" visits - > 50
    row 60, new: id - > "58" name - > "Bo58" visits - > 58
    row 68, new: id - > "66" name - > "Bo66" visits - > 66
    row 84, new: id - > "82" name - > "Bo82" visits - > 82
    row 92, new: id - > "90" name - > "Bo90" visits - > 90
    "#);
    let app = folder.installation();
    let stored = app.object_type(&"managed/guest".parse().unwrap()).unwrap();
    let samples = app.repository.samples(last(&folder)).unwrap();
    let objects = samples.iter().filter_map(|sample| sample.object.as_deref());
    let found = objects.filter(|id| app.repository.object(&stored, id).unwrap().is_some());
    assert_eq!(found.count(), 20);
}

#[test]
fn an_import_tells_how_far_it_was() {
    let users: String = (0..3000).map(|n| format!("user{n},Ann,Other,{n}@example.com\n")).collect();
    let folder = Folder::new().file("users.csv", format!("userName,givenName,sn,mail\n{users}"));
    for way in ["--dry-run", "", "--atomic"] {
        let _ = folder.run(&format!("import users.csv {IMPORT} {way}")).success();
        let milestones = folder.installation().repository.milestones(last(&folder)).unwrap();
        assert!(milestones.len() > 1 && milestones.len() <= 200, "{milestones:?}");
        assert!(milestones.is_sorted_by_key(|milestone| milestone.millis), "{milestones:?}");
        assert!(milestones.is_sorted_by_key(|milestone| milestone.records), "{milestones:?}");
        assert_eq!((milestones[0].records, milestones[milestones.len() - 1].records), (0, 3000), "{way}");
    }
}
