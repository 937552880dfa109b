//! What a plan promises: what empty cells mean, all or nothing, the last of equal keys, and that a dry run is the run.

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use serde_json::Value;

use crate::harness::Folder;

const IMPORT: &str = "import users.csv --into managed/user --unique userName";

/// Ann has every optional property that these tests look at; her status is not the default.
const ANN: &str = "userName,givenName,sn,mail,city,accountStatus,preferences/updates\n\
                   ann,Ann,Lee,ann@example.com,Paris,inactive,true\n";

/// The import of a second file, and what is stored then.
fn second(folder: Folder, file: &str, options: &str) -> String {
    let folder = folder.file("users.csv", file);
    let account = folder.account(&format!("{IMPORT} {options}"));
    format!("{account}\n{}", folder.objects("managed/user"))
}

#[test]
fn an_empty_cell_of_a_new_object_gives_the_default() {
    let file = "userName,givenName,sn,mail,city,accountStatus,preferences/updates\nann,Ann,Lee,ann@example.com,,,\n";
    for blank in ["clear", "keep"] {
        let told = second(Folder::new(), file, &format!("--blank {blank}"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(told, @r#"
            exit 0, created 1, total 1
            {"userName":"ann","givenName":"Ann","sn":"Lee","mail":"ann@example.com","accountStatus":"active"}
            "#);
        }
    }
}

#[test]
fn an_empty_cell_clears() {
    let folder = || Folder::new().file("users.csv", ANN).after(IMPORT);
    insta::assert_snapshot!(second(folder(), "userName,city,accountStatus,preferences/updates\nann,,,  \n", ""), @r#"
    exit 0, updated 1, total 1
    {"userName":"ann","givenName":"Ann","sn":"Lee","mail":"ann@example.com"}
    "#);
    insta::assert_snapshot!(second(folder(), "userName,sn,city\nann,,\n", ""), @r#"
    exit 1, failure 1, total 1
    row 2, sn: a value is required (REQUIRED)
    {"userName":"ann","givenName":"Ann","sn":"Lee","mail":"ann@example.com","accountStatus":"inactive","city":"Paris","preferences":{"updates":true}}
    "#);
}

#[test]
fn an_empty_cell_keeps() {
    let folder = || Folder::new().file("users.csv", ANN).after(IMPORT);
    let file = "userName,sn,city,accountStatus,preferences/updates\nann,,,,\n";
    insta::assert_snapshot!(second(folder(), file, "--blank keep"), @r#"
    exit 0, unchanged 1, total 1
    {"userName":"ann","givenName":"Ann","sn":"Lee","mail":"ann@example.com","accountStatus":"inactive","city":"Paris","preferences":{"updates":true}}
    "#);
    insta::assert_snapshot!(second(folder(), "userName,sn,city\nann,,Rome\nbob,,Rome\n", "--blank keep"), @r#"
    exit 1, updated 1, failure 1, total 2
    row 3, givenName: a value is required (REQUIRED)
    row 3, sn: a value is required (REQUIRED)
    row 3, mail: a value is required (REQUIRED)
    {"userName":"ann","givenName":"Ann","sn":"Lee","mail":"ann@example.com","accountStatus":"inactive","city":"Rome","preferences":{"updates":true}}
    "#);
}

#[test]
fn a_property_without_a_column_is_left_alone() {
    let folder = Folder::new().file("users.csv", ANN).after(IMPORT);
    insta::assert_snapshot!(second(folder, "userName,city\nann,Rome\n", ""), @r#"
    exit 0, updated 1, total 1
    {"userName":"ann","givenName":"Ann","sn":"Lee","mail":"ann@example.com","accountStatus":"inactive","city":"Rome","preferences":{"updates":true}}
    "#);
}

/// A default that an empty cell gave is not taken away when the same file comes again, whatever came between.
#[test]
fn an_empty_cell_leaves_the_default_it_gave() {
    let file = "userName,givenName,sn,mail,accountStatus\nann,Ann,Lee,ann@example.com,\n";
    let folder = Folder::new().file("users.csv", file).after(IMPORT);
    let definition = folder.run("types show managed/user").success();
    let folder = folder.file("user.json", definition).after("types apply user.json");
    insta::assert_snapshot!(folder.account(IMPORT), @"exit 0, unchanged 1, total 1");
    let twice = format!("{file}ann,Ann,Lee,ann@example.com,\n");
    let last_wins = "--atomic --duplicates last-wins";
    let folder = Folder::new().file("users.csv", twice).after(&format!("{IMPORT} {last_wins}"));
    insta::assert_snapshot!(folder.account(&format!("{IMPORT} {last_wins}")).lines().next().unwrap(), @"exit 0, unchanged 2, total 2");
}

#[test]
fn atomic_is_all_or_nothing() {
    let good = "userName,givenName,sn,mail,preferences/updates\n\
                ann,Annie,Lee,ann@example.com,false\n\
                bob,Bob,Bow,bob@example.com,true\n";
    let bad =
        format!("{good}cid,,Cox,nowhere,maybe\ndan,Dan,Day\neve,Eve,Eck,eve@example.com,\nbob,B,B,b@example.com,\n");
    let folder = Folder::new().file("users.csv", ANN).after(IMPORT);
    let before = folder.run("objects list managed/user --json").stdout();
    let folder = folder.file("users.csv", bad);
    insta::assert_snapshot!(folder.account(&format!("{IMPORT} --atomic")), @"
    exit 1, failure 3, unprocessed 3, total 6
    users.csv: 3 records are wrong, so nothing of the file was imported
    row 4, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 4, preferences/updates: 'maybe' is not true or false (VALID_TYPE)
    row 4, givenName: a value is required (REQUIRED)
    row 5: the record has 3 cells, the header has 5 columns
    row 7, userName: 'bob' is taken: an earlier record of this file has it (UNIQUE)
    ");
    assert_eq!(folder.run("objects list managed/user --json").stdout(), before);
    insta::assert_snapshot!(second(folder, good, "--atomic"), @r#"
    exit 0, created 1, updated 1, total 2
    {"userName":"ann","givenName":"Annie","sn":"Lee","mail":"ann@example.com","accountStatus":"inactive","city":"Paris","preferences":{"updates":false}}
    {"userName":"bob","givenName":"Bob","sn":"Bow","mail":"bob@example.com","accountStatus":"active","preferences":{"updates":true}}
    "#);
}

#[test]
fn an_atomic_failures_file_can_be_corrected_into_the_whole() {
    let file = "userName,givenName,sn,mail\nann,Ann,Lee,ann@example.com\nbob,Bob,Bow,nowhere\n";
    let folder = Folder::new().file("users.csv", file);
    let _ = folder.run(&format!("{IMPORT} --atomic --failures failed.csv")).refused();
    assert!(folder.read("failed.csv").starts_with("userName,givenName,sn,mail,_importError\r\nbob,Bob,Bow,nowhere,"));
}

#[test]
fn the_last_of_equal_keys_wins() {
    let told = |folder: Folder, file: &str, blank: &str| {
        let file = format!("userName,givenName,sn,mail,city\n{file}");
        second(folder, &file, &format!("--atomic --duplicates last-wins --blank {blank}"))
    };
    let ann = || Folder::new().file("users.csv", ANN).after(IMPORT);
    // Created: three records, told of one by one.
    let file = "ann,Ann,Lee,ann@example.com,Paris\n\
                bob,Bob,Bow,bob@example.com,\n\
                ann,Anna,Lee,ann@example.com,\n\
                ann,Annie,Lee,ann@example.com,Rome\n";
    insta::assert_snapshot!(told(Folder::new(), file, "clear"), @r#"
    exit 0, created 2, unchanged 2, total 4
    warning: rows 2 and 4 have the same userName 'ann': the last one counts
    warning: rows 4 and 5 have the same userName 'ann': the last one counts
    {"userName":"bob","givenName":"Bob","sn":"Bow","mail":"bob@example.com","accountStatus":"active"}
    {"userName":"ann","givenName":"Annie","sn":"Lee","mail":"ann@example.com","accountStatus":"active","city":"Rome"}
    "#);
    // Updated, the city as the first record has it: the second says nothing.
    let file = "ann,Ann,Lee,ann@example.com,Rome\nann,Annie,,,\n";
    insta::assert_snapshot!(told(ann(), file, "keep"), @r#"
    exit 0, updated 1, unchanged 1, total 2
    warning: rows 2 and 3 have the same userName 'ann': the last one counts
    {"userName":"ann","givenName":"Annie","sn":"Lee","mail":"ann@example.com","accountStatus":"inactive","city":"Rome","preferences":{"updates":true}}
    "#);
    // What is said last counts, also that there is no city.
    let file = "ann,Ann,Lee,ann@example.com,Rome\nann,Ann,Lee,ann@example.com,\n";
    insta::assert_snapshot!(told(ann(), file, "clear"), @r#"
    exit 0, updated 1, unchanged 1, total 2
    warning: rows 2 and 3 have the same userName 'ann': the last one counts
    {"userName":"ann","givenName":"Ann","sn":"Lee","mail":"ann@example.com","accountStatus":"inactive","preferences":{"updates":true}}
    "#);
    // Unchanged: there and back again.
    let file = "ann,Ann,Lee,ann@example.com,Rome\nann,Ann,Lee,ann@example.com,Paris\n";
    insta::assert_snapshot!(told(ann(), file, "keep"), @r#"
    exit 0, unchanged 2, total 2
    warning: rows 2 and 3 have the same userName 'ann': the last one counts
    {"userName":"ann","givenName":"Ann","sn":"Lee","mail":"ann@example.com","accountStatus":"inactive","city":"Paris","preferences":{"updates":true}}
    "#);
    // One of them is wrong: nothing.
    let file = "ann,Ann,Lee,nowhere,Rome\nann,Ann,Lee,ann@example.com,Paris\n";
    insta::assert_snapshot!(told(ann(), file, "keep"), @r#"
    exit 1, failure 1, unprocessed 1, total 2
    users.csv: 1 record is wrong, so nothing of the file was imported
    row 2, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    {"userName":"ann","givenName":"Ann","sn":"Lee","mail":"ann@example.com","accountStatus":"inactive","city":"Paris","preferences":{"updates":true}}
    "#);
}

/// The first record of a key is settled long before the last: what it says must be unique is looked up all the same.
#[test]
fn equal_keys_may_lie_far_apart() {
    let definition = r#"{"name": "thing", "schema": {"properties": {
        "id": {"type": "string", "policies": [{"policyId": "unique"}]},
        "code": {"type": "string", "policies": [{"policyId": "unique"}]},
        "text": {"type": "string"}}}}"#;
    let folder = Folder::new()
        .file("rollbook-data/rollbook.toml", "[import]\nround = 2\n")
        .file("thing.json", definition)
        .after("types apply thing.json")
        .file("things.csv", "id,code\nother,taken\n")
        .after("import things.csv --into managed/thing --unique id")
        .file("things.csv", "id,code,text\n1,taken,\n2,,\n3,,\n4,,\n1,,last\n");
    let import = "import things.csv --into managed/thing --unique id --atomic --duplicates last-wins --blank keep";
    insta::assert_snapshot!(folder.account(import), @"
    exit 1, failure 1, unprocessed 4, total 5
    things.csv: 1 record is wrong, so nothing of the file was imported
    row 6, code: 'taken' is taken: another object has this value (UNIQUE)
    warning: rows 2 and 6 have the same id '1': the last one counts
    ");
}

#[test]
fn equal_keys_otherwise_belong_to_the_first_valid_record() {
    let file = "userName,givenName,sn,mail\n\
                ann,Ann,Lee,nowhere\n\
                ann,Anna,Lee,ann@example.com\n\
                ann,Annie,Lee,ann@example.com\n\
                ann,Anna,Lee,ann@example.com\n";
    insta::assert_snapshot!(second(Folder::new(), file, ""), @r#"
    exit 1, created 1, failure 3, total 4
    row 2, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 4, userName: 'ann' is taken: an earlier record of this file has it (UNIQUE)
    row 5, userName: 'ann' is taken: an earlier record of this file has it (UNIQUE)
    {"userName":"ann","givenName":"Anna","sn":"Lee","mail":"ann@example.com","accountStatus":"active"}
    "#);
    insta::assert_snapshot!(second(Folder::new(), file, "--atomic"), @"
    exit 1, failure 3, unprocessed 1, total 4
    users.csv: 3 records are wrong, so nothing of the file was imported
    row 2, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 4, userName: 'ann' is taken: an earlier record of this file has it (UNIQUE)
    row 5, userName: 'ann' is taken: an earlier record of this file has it (UNIQUE)
    ");
}

#[test]
fn a_dry_run_says_what_the_run_will_do() {
    let file = "userName,givenName,sn,mail,city\n\
                ann,Ann,Lee,ann@example.com,Paris\n\
                bob,Bob,Bow,nowhere,\n\
                cid,Cid,Cox,cid@example.com,\n\
                cid,Cid,Cox,cid@example.com,\n";
    let folder = Folder::new().file("users.csv", ANN).after(IMPORT).file("users.csv", file);
    let before = folder.run("objects list managed/user --json").stdout();
    let predicted = folder.account(&format!("{IMPORT} --dry-run"));
    insta::assert_snapshot!(predicted, @"
    exit 1, created 1, unchanged 1, failure 2, total 4
    row 3, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 5, userName: 'cid' is taken: an earlier record of this file has it (UNIQUE)
    ");
    assert_eq!(folder.run("objects list managed/user --json").stdout(), before);
    assert_eq!(folder.account(IMPORT), predicted);
}

const THING: &str = r#"{"name": "thing", "schema": {"required": ["a"], "properties": {
    "a": {"type": "string", "policies": [{"policyId": "unique"}]},
    "b": {"type": "string", "policies": [{"policyId": "unique"}]},
    "n": {"type": "number"},
    "s": {"type": "string"},
    "d": {"type": "string", "default": "x"}}}}"#;

/// Records of things; keys and unique values collide often. None is a blank line.
fn records() -> impl Strategy<Value = Vec<Option<String>>> {
    let cell = |values: &'static [&'static str]| select(values);
    let cells = (
        cell(&["a1", "a1", "a2", "a3", "a4", ""]),
        cell(&["b1", "b2", "b3", ""]),
        cell(&["1", "2", "1.0", "", "many"]),
        cell(&["s1", "s2", ""]),
        cell(&["x", "y", ""]),
    );
    let well_formed = cells.prop_map(|(a, b, n, s, d)| Some(format!("{a},{b},{n},{s},{d}")));
    vec(prop_oneof![20 => well_formed, 1 => Just(None), 1 => Just(Some("a1,b1".to_owned()))], 0..8)
}

fn file_of(records: &[Option<String>]) -> String {
    let lines = records.iter().map(|record| record.as_deref().unwrap_or_default());
    ["a,b,n,s,d"].into_iter().chain(lines).map(|line| format!("{line}\n")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// A dry run predicts the run: counts and failures. Every record has one outcome, those that failed are in the
    /// failures file as they were, and the others, imported again, change nothing.
    #[test]
    fn every_record_is_accounted_for(
        base in records(),
        records in records(),
        unique in select(&["a", "b", "a,b", "s", "n,s"][..]),
        mode in select(&["", "--atomic", "--atomic --duplicates last-wins"][..]),
        blank in select(&["keep", "clear"][..]),
        round in select(&[1, 2, 100][..]),
    ) {
        let folder = Folder::new()
            .file("rollbook-data/rollbook.toml", format!("[import]\nround = {round}\ncommit_every = '0s'\n"))
            .file("thing.json", THING)
            .after("types apply thing.json")
            .file("things.csv", file_of(&base));
        let _ = folder.run("import things.csv --into managed/thing --unique a");
        let folder = folder.file("things.csv", file_of(&records));
        let before = folder.run("objects list managed/thing --json").stdout();

        let import = format!("import things.csv --into managed/thing --unique {unique} {mode} --blank {blank}");
        let predicted = folder.account(&format!("{import} --dry-run"));
        prop_assert_eq!(&folder.run("objects list managed/thing --json").stdout(), &before);
        prop_assert_eq!(&folder.account(&import), &predicted);

        let id = folder.last_import();
        let record = folder.run(&format!("imports show {id} --json")).json().remove(0);
        let count = |name: &str| record[name].as_u64().unwrap() as usize;
        prop_assert_eq!(count("total"), records.iter().flatten().count());
        prop_assert_eq!(count("total"), count("success") + count("failure") + count("unprocessed"));
        prop_assert_eq!(count("success"), count("created") + count("updated") + count("unchanged"));

        let failures = folder.run(&format!("imports failures {id} --json")).json();
        prop_assert_eq!(failures.len(), count("failure"));
        let rest = without(&records, &failures);
        if !mode.is_empty() && count("failure") > 0 {
            prop_assert_eq!(&folder.run("objects list managed/thing --json").stdout(), &before);
            return Ok(());
        }
        let folder = folder.file("things.csv", file_of(&rest));
        let again = folder.account(&import);
        let all = rest.iter().flatten().count();
        let expected = if all == 0 { "exit 0, total 0".to_owned() } else { format!("exit 0, unchanged {all}, total {all}") };
        prop_assert_eq!(again.lines().next().unwrap(), expected);
    }
}

/// The records that did not fail, and a blank line for each that did. The cells of a failure are those of its record.
fn without(records: &[Option<String>], failures: &[Value]) -> Vec<Option<String>> {
    let mut rest = records.to_vec();
    for failure in failures {
        let row = failure["row"].as_u64().unwrap() as usize;
        let cells: Vec<&str> = failure["record"].as_object().unwrap().values().filter_map(Value::as_str).collect();
        assert_eq!(rest[row - 2].take().unwrap(), cells.join(","));
    }
    rest
}

/// What is not applied leaves no trace in a type that takes any column either.
#[test]
fn columns_of_a_file_that_is_not_applied_are_forgotten() {
    let folder = Folder::new()
        .file("anything.json", r#"{"name":"anything"}"#)
        .file("dry.csv", "id,address\n1,Here\n")
        .file("damaged.csv", "id,address\n1,\"Here\n")
        .file("users.csv", "id,address/city\n1,Oslo\n")
        .after("types apply anything.json");
    let import = "--into managed/anything --unique id";
    folder.account(&format!("import dry.csv {import} --dry-run"));
    folder.account(&format!("import damaged.csv {import}"));
    insta::assert_snapshot!(folder.account(&format!("import users.csv {import}")), @"exit 0, created 1, total 1");
}
