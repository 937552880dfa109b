//! What the import of a dropped file finds and does: how it is read, what is wrong with it, what its objects get.
//!
//! The files are queued as a drop folder queues them, with a plan of their own; what lies in a bucket plays no part here.

use std::fmt::Write as _;
use std::sync::Arc;

use rollbook::app::App;
use rollbook::clock;
use rollbook::import::{Import, ImportId, State};
use rollbook::plan::{BlankCells, Destination, Dropped, DuplicateKeys, OnFailure, Origin, Plan};
use rollbook::worker::Worker;
use serde_json::Value;

use crate::dropping::gzip;
use crate::harness::{Folder, plan};

/// The plan of a dropped file of users.
fn users() -> Plan {
    dropped("managed/px_user")
}

fn dropped(object_type: &str) -> Plan {
    let dropped = Dropped { drop_folder: "px".to_owned(), partition: "20210228".to_owned(), destination: None };
    Plan {
        on_failure: OnFailure::RejectFile,
        blank_cells: BlankCells::Keep,
        duplicate_keys: DuplicateKeys::LastWins,
        max_records: 350_000,
        gzip_only: true,
        dropped: Some(dropped),
        origin: Origin::DropFolder,
        ..plan(object_type, "id")
    }
}

/// When these bytes are dropped as `users.csv.gz`, then: the record of the import.
fn import(folder: &Folder, plan: Plan, bytes: &[u8]) -> Import {
    let app = Arc::new(folder.installation());
    let id = queue(&app, plan, bytes);
    Worker::new(Arc::clone(&app)).run_waiting().unwrap();
    app.import(id).unwrap()
}

fn queue(app: &App, plan: Plan, bytes: &[u8]) -> ImportId {
    let id = ImportId::random();
    let incoming = app.spool.accept(id, &mut &bytes[..]).unwrap();
    // As long as nobody has looked at the file, its columns are not known.
    let import = Import::queued(id, plan, "users.csv.gz".to_owned(), Vec::new(), clock::now());
    app.repository.queue(&[Import { size: incoming.size(), ..import }]).unwrap();
    incoming.keep();
    id
}

/// When this CSV is dropped, then: what became of it, and everything that is said about it.
fn drop_users(folder: &Folder, plan: Plan, csv: impl AsRef<[u8]>) -> String {
    told(folder, &import(folder, plan, &gzip(csv)))
}

fn told(folder: &Folder, import: &Import) -> String {
    let counts = &import.counts;
    let mut told = format!("{}:", import.state.name());
    for (name, count) in [
        ("created", counts.created),
        ("updated", counts.updated),
        ("unchanged", counts.unchanged),
        ("failure", counts.failure),
        ("total", counts.total),
    ] {
        if count > 0 || name == "total" {
            write!(told, " {name} {count}").unwrap();
        }
    }
    if let State::Failed { problem, .. } = &import.state {
        write!(told, "\n{}", problem["message"].as_str().unwrap()).unwrap();
        let faults = problem["detail"]["faults"].as_array().into_iter().flatten();
        faults.for_each(|fault| write!(told, "\n{fault}").unwrap());
    }
    for failure in folder.installation().repository.failures(import.id, 0, 100).unwrap() {
        let failure = failure.to_json(&import.header);
        let violations = failure["violations"].as_array().unwrap();
        match violations.as_slice() {
            [] => write!(told, "\nrow {}: {}", failure["row"], failure["problem"]["message"]).unwrap(),
            violations => {
                violations.iter().for_each(|violation| write!(told, "\nrow {}: {violation}", failure["row"]).unwrap())
            }
        }
    }
    import.warnings.iter().for_each(|warning| write!(told, "\nwarning: {warning}").unwrap());
    told
}

/// An object as JSON, without what the server adds.
fn object(folder: &Folder, object_type: &str, id: &str) -> Value {
    let query = format!("objects list {object_type} --filter 'id eq \"{id}\"' --json");
    let mut object = folder.run(&query).json().remove(0);
    object.as_object_mut().unwrap().retain(|name, _| !name.starts_with('_'));
    object
}

#[test]
fn whatever_is_wrong_with_the_bytes_the_import_says_it() {
    let folder = Folder::new();
    let whole = gzip("id,email\nu1,a@example.com\n");
    let mut told = Vec::new();
    for (bytes, header) in [
        (b"id,email\nu1,a@example.com\n".to_vec(), &[][..]),
        (Vec::new(), &[]),
        (gzip(""), &[]),
        (gzip("\n \n"), &[]),
        (whole[..whole.len() - 6].to_vec(), &["id", "email"]),
        ([whole.as_slice(), b"rubbish"].concat(), &["id", "email"]),
        (gzip("id,email\nu1,\"a@example.com\n"), &["id", "email"]),
        (gzip(b"id,email\nu1,Jos\xe9\n"), &["id", "email"]),
        (gzip(gzip("id\n")), &[]),
    ] {
        let import = import(&folder, users(), &bytes);
        assert_eq!(import.header, header);
        told.push(self::told(&folder, &import));
    }
    insta::assert_snapshot!(told.join("\n"), @r#"
    failed: total 0
    users.csv.gz: the file is not compressed with gzip, as it must be
    {"fault":"notGzip"}
    failed: total 0
    users.csv.gz: the file is empty
    {"fault":"empty"}
    failed: total 0
    users.csv.gz: the file is empty
    {"fault":"empty"}
    failed: total 0
    users.csv.gz: the file is empty
    {"fault":"empty"}
    failed: total 0
    users.csv.gz: the gzip data ends too early, after 26 bytes of text: the file is not complete
    {"fault":"damagedGzip","message":"the gzip data ends too early, after 26 bytes of text: the file is not complete"}
    failed: total 0
    users.csv.gz: something that is not gzip follows the gzip data, where only zero bytes may come
    {"fault":"damagedGzip","message":"something that is not gzip follows the gzip data, where only zero bytes may come"}
    failed: total 0
    users.csv.gz, row 2, column 'email': the quote that opens column 2, in line 2 of the file, is never closed
    {"fault":"unreadable","message":"row 2, column 'email': the quote that opens column 2, in line 2 of the file, is never closed"}
    failed: total 0
    users.csv.gz, row 2, column 'email': byte 0xE9 at offset 15 of the file is not UTF-8: looks like Windows-1252 ('é'); save the file as CSV UTF-8
    {"fault":"unreadable","message":"row 2, column 'email': byte 0xE9 at offset 15 of the file is not UTF-8: looks like Windows-1252 ('é'); save the file as CSV UTF-8"}
    failed: total 0
    users.csv.gz: the file is gzip within gzip; a CSV file, plain or compressed with gzip, is needed
    {"fault":"unreadable","message":"the file is gzip within gzip; a CSV file, plain or compressed with gzip, is needed"}
    "#);
    assert_eq!(folder.objects("managed/px_user"), "");
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let folder = Folder::new();
    let csv = "flantana_carteret,email,numberOfVisits,score,surveys,signUpDate,score,,gender\n\
               x,a@example.com,1,abc,true,2021-02-28,7,,MALE\n\
               x,b@example.com,1,8,yes,2021-02-31,7,,either\n\
               x,short\n";
    let plan = Plan { date_formats: vec!["yyyy-MM-dd".to_owned(), "yyyyMMdd".to_owned()], ..users() };
    insta::assert_snapshot!(drop_users(&folder, plan, csv), @r#"
    failed: failure 2 total 3
    users.csv.gz, row 1: the header does not fit managed/px_user: unknown column 'flantana_carteret' (column 1); column 'numberOfVisits' (column 3) is read-only: its value is computed; column 'score' stands twice (columns 4 and 7); column 8 has no name; missing column 'id'
    {"fault":"unknownColumn","column":"flantana_carteret","number":1,"suggestion":null}
    {"fault":"readOnlyColumn","column":"numberOfVisits","number":3}
    {"fault":"duplicateColumn","column":"score","numbers":[4,7]}
    {"fault":"blankColumn","number":8}
    {"fault":"missingColumn","property":"id","suggestion":null}
    row 3: {"column":"gender","property":"gender","requirement":"VALID_ENUM_VALUE","params":{"validValues":["MALE","FEMALE","OTHER","EMPTY_GENDER"]},"value":"either","message":"'either' is none of 'MALE', 'FEMALE', 'OTHER', 'EMPTY_GENDER'"}
    row 3: {"column":"signUpDate","property":"signUpDate","requirement":"VALID_DATETIME","value":"2021-02-31","type":"date-time","formats":["yyyy-MM-dd","yyyyMMdd"],"message":"'2021-02-31' is not a date in yyyy-MM-dd or yyyyMMdd (February 2021 has 28 days)"}
    row 3: {"column":"surveys","property":"surveys","requirement":"VALID_TYPE","params":{"invalidType":"string","validTypes":["boolean"]},"value":"yes","type":"boolean","message":"'yes' is not true or false"}
    row 4: "the record has 2 cells, the header has 9 columns"
    "#);
}

/// The two words of the article's example, also if the file has nothing else.
#[test]
fn a_single_unknown_column_is_one() {
    insta::assert_snapshot!(drop_users(&Folder::new(), users(), "flantana_carteret\nx\n"), @r#"
    failed: total 1
    users.csv.gz, row 1: the header does not fit managed/px_user: unknown column 'flantana_carteret' (column 1); missing column 'id'
    {"fault":"unknownColumn","column":"flantana_carteret","number":1,"suggestion":null}
    {"fault":"missingColumn","property":"id","suggestion":null}
    "#);
    insta::assert_snapshot!(drop_users(&Folder::new(), users(), "id;email\nx;y\n"), @r#"
    failed: total 1
    users.csv.gz, row 1: the header does not fit managed/px_user: the header 'id;email' seems to be separated by ';': columns are separated by commas
    {"fault":"notSeparated","cell":"id;email","separator":";"}
    "#);
}

/// The failures of a file with a wrong column are those that it has without the column.
#[test]
fn a_faulty_header_hides_no_failure_and_makes_none() {
    let records = [
        "u1,3,true,MALE,2021-02-28",
        "u2,many,maybe,BOTH,28.02.2021",
        ",3,,,",
        ",much,,,",
        " ,3,true",
        "u3,4,true,FEMALE,2021-02-28,more",
        "u4,5,true,\0,2021-02-28",
        "u5,,,,",
    ];
    let file = |name: &str, cell: &str| {
        let records: String = records.iter().map(|record| format!("{cell}{record}\n")).collect();
        format!("{name}id,score,surveys,gender,signUpDate\n{records}")
    };
    let failures = |csv: String| {
        let folder = Folder::new();
        let import = import(&folder, users(), &gzip(csv));
        assert_eq!((import.counts.failure, import.counts.total, import.counts.success()), (6, 8, 0));
        let failures = folder.installation().repository.failures(import.id, 0, 100).unwrap();
        failures.iter().map(|failure| (failure.row, failure.problem["violations"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(failures(file("nonsense,", "x,")), failures(file("role,", "x,")));
}

#[test]
fn a_file_with_too_many_records_is_not_looked_at_further() {
    let plan = || Plan { max_records: 3, ..users() };
    let folder = Folder::new();
    // Records count, not lines.
    let lines = "id,street\nu1,\"a\n\nb\"\nu2,\"c\r\nd\"\n\nu3,e\n";
    insta::assert_snapshot!(drop_users(&folder, plan(), lines), @"finished: created 3 total 3");
    insta::assert_snapshot!(drop_users(&folder, plan(), format!("{lines}u4,f\n")), @r#"
    failed: total 4
    users.csv.gz: the file has 4 records, and 3 are allowed
    {"fault":"tooManyRecords","records":4,"maximum":3}
    "#);
    insta::assert_snapshot!(drop_users(&folder, plan(), "id,scoer\nu1,x\nu2,x\nu3,x\nu4,x\n"), @r#"
    failed: total 4
    users.csv.gz: the file does not fit managed/px_user: unknown column 'scoer' (column 2) (did you mean 'score'?); the file has 4 records, and 3 are allowed
    {"fault":"unknownColumn","column":"scoer","number":2,"suggestion":"score"}
    {"fault":"tooManyRecords","records":4,"maximum":3}
    "#);
    let strict = Plan { duplicate_keys: DuplicateKeys::FailLater, ..plan() };
    insta::assert_snapshot!(drop_users(&folder, strict, "id,score\nu1,x\nu2,x\nu3,x\nu4,x\n"), @r#"
    failed: total 4
    users.csv.gz: the file has 4 records, and 3 are allowed
    {"fault":"tooManyRecords","records":4,"maximum":3}
    "#);
}

#[test]
fn lenient_columns_are_found_by_what_people_call_them() {
    let lenient = || {
        let mut plan = users();
        plan.columns.lenient = true;
        plan
    };
    let folder = Folder::new();
    let csv = "ID,First Name,last_name,SIGN-UP date\nu1,Ann,Lee,2021-02-28\n";
    let import = import(&folder, lenient(), &gzip(csv));
    assert_eq!(import.header, ["ID", "First Name", "last_name", "SIGN-UP date"]);
    insta::assert_snapshot!(object(&folder, "managed/px_user", "u1"), @r#"{"id":"u1","firstName":"Ann","lastName":"Lee","signUpDate":"2021-02-28T00:00:00Z"}"#);
    insta::assert_snapshot!(drop_users(&folder, lenient(), "Id,Job Title,jobtitle,Number of Visits,shoe-size\nu1,a,b,1,2\n"), @r#"
    failed: total 1
    users.csv.gz, row 1: the header does not fit managed/px_user: column 'jobtitle' stands twice (columns 2 and 3); column 'Number of Visits' (column 4) is read-only: its value is computed; unknown column 'shoe-size' (column 5)
    {"fault":"duplicateColumn","column":"jobtitle","numbers":[2,3]}
    {"fault":"readOnlyColumn","column":"Number of Visits","number":4}
    {"fault":"unknownColumn","column":"shoe-size","number":5,"suggestion":null}
    "#);
    // The columns are named as the file has them.
    insta::assert_snapshot!(drop_users(&folder, lenient(), "Id,SCORE\nu1,x\n"), @r#"
    failed: failure 1 total 1
    users.csv.gz: 1 record is wrong, so nothing of the file was imported
    row 2: {"column":"SCORE","property":"score","requirement":"VALID_TYPE","params":{"invalidType":"string","validTypes":["number"]},"value":"x","type":"number","message":"'x' is not a number"}
    "#);
    insta::assert_snapshot!(drop_users(&folder, users(), "Id,SCORE\nu1,x\n"), @r#"
    failed: total 1
    users.csv.gz, row 1: the header does not fit managed/px_user: unknown column 'Id' (column 1) (did you mean 'id'?); unknown column 'SCORE' (column 2) (did you mean 'score'?); missing column 'id' (is it 'Id'?)
    {"fault":"unknownColumn","column":"Id","number":1,"suggestion":"id"}
    {"fault":"unknownColumn","column":"SCORE","number":2,"suggestion":"score"}
    {"fault":"missingColumn","property":"id","suggestion":"Id"}
    "#);
}

#[test]
fn columns_may_be_passed_over() {
    let ignoring = || {
        let mut plan = users();
        (plan.columns.ignore_disabled, plan.columns.ignore_read_only) = (true, true);
        plan
    };
    let folder = Folder::new();
    let mut definition: Value = serde_json::from_str(&folder.run("types show managed/px_user").success()).unwrap();
    definition["schema"]["properties"]["phone"]["state"] = "DISABLED".into();
    let folder = folder.file("type.json", definition.to_string()).after("types apply type.json");
    let csv = "id,phone,numberOfVisits,email\nu1,555,7,a@example.com\n";
    insta::assert_snapshot!(drop_users(&folder, ignoring(), csv), @"
    finished: created 1 total 1
    warning: column 'phone' (column 2) is disabled and was passed over
    warning: column 'numberOfVisits' (column 3) is read-only and was passed over
    ");
    insta::assert_snapshot!(object(&folder, "managed/px_user", "u1"), @r#"{"id":"u1","email":"a@example.com"}"#);
    insta::assert_snapshot!(drop_users(&folder, users(), csv), @r#"
    failed: total 1
    users.csv.gz, row 1: the header does not fit managed/px_user: column 'phone' (column 2) is disabled; column 'numberOfVisits' (column 3) is read-only: its value is computed
    {"fault":"disabledColumn","column":"phone","number":2}
    {"fault":"readOnlyColumn","column":"numberOfVisits","number":3}
    "#);
    // Columns of the server are not the customer's.
    insta::assert_snapshot!(drop_users(&folder, ignoring(), "id,_rev,_importError\nu1,1,\n"), @r#"
    failed: total 1
    users.csv.gz, row 1: the header does not fit managed/px_user: unknown column '_rev' (column 2)
    {"fault":"unknownColumn","column":"_rev","number":2,"suggestion":null}
    "#);
}

#[test]
fn a_token_removes_what_an_empty_cell_keeps() {
    let plan = || Plan { null_token: Some("\\N".to_owned()), ..users() };
    let folder = Folder::new();
    let first = "id,email,score,city\nu1,a@example.com,7,Paris\nu2,b@example.com,8,\\N\n";
    insta::assert_snapshot!(drop_users(&folder, plan(), first), @"finished: created 2 total 2");
    let second = "id,email,score,city\nu1,\\N,\\N,\nu2,,x\\N,\\N\n";
    insta::assert_snapshot!(drop_users(&folder, plan(), second), @r#"
    failed: failure 1 total 2
    users.csv.gz: 1 record is wrong, so nothing of the file was imported
    row 3: {"column":"score","property":"score","requirement":"VALID_TYPE","params":{"invalidType":"string","validTypes":["number"]},"value":"x\\N","type":"number","message":"'x\\N' is not a number"}
    "#);
    insta::assert_snapshot!(drop_users(&folder, plan(), second.replace("x\\N", "")), @"finished: updated 1 unchanged 1 total 2");
    insta::assert_snapshot!(drop_users(&folder, plan(), second.replace("x\\N", "")), @"finished: unchanged 2 total 2");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u1","city":"Paris"}
    {"id":"u2","email":"b@example.com","score":8}
    "#);
    insta::assert_snapshot!(drop_users(&folder, plan(), "id,email\n\\N,a@example.com\n"), @r#"
    failed: failure 1 total 1
    users.csv.gz: 1 record is wrong, so nothing of the file was imported
    row 2: {"column":"id","property":"id","requirement":"REQUIRED","message":"a value is required"}
    "#);
    // Of several records of a key, too.
    insta::assert_snapshot!(drop_users(&folder, plan(), "id,score\nu3,5\nu3,\\N\nu3,\n"), @"
    finished: created 1 unchanged 2 total 3
    warning: rows 2 and 3 have the same id 'u3': the last one counts
    warning: rows 3 and 4 have the same id 'u3': the last one counts
    ");
    insta::assert_snapshot!(object(&folder, "managed/px_user", "u3"), @r#"{"id":"u3"}"#);
    // Without the setting it is a text like any other.
    insta::assert_snapshot!(drop_users(&folder, users(), "id,email\nu1,\\N\n"), @"finished: updated 1 total 1");
}

#[test]
fn a_token_also_removes_a_default_and_clears_where_empty_cells_do() {
    let folder = Folder::new();
    let plan = || Plan { null_token: Some("-".to_owned()), blank_cells: BlankCells::Clear, ..dropped("managed/user") };
    let plan = || Plan { correlation: vec!["userName".to_owned()], ..plan() };
    let file = "userName,givenName,sn,mail,accountStatus,city\n\
                ann,Ann,Lee,ann@example.com,-,-\nbob,Bob,Bow,bob@example.com,,\n";
    insta::assert_snapshot!(drop_users(&folder, plan(), file), @"finished: created 2 total 2");
    insta::assert_snapshot!(drop_users(&folder, plan(), file), @"finished: unchanged 2 total 2");
    insta::assert_snapshot!(folder.objects("managed/user"), @r#"
    {"userName":"ann","givenName":"Ann","sn":"Lee","mail":"ann@example.com"}
    {"userName":"bob","givenName":"Bob","sn":"Bow","mail":"bob@example.com","accountStatus":"active"}
    "#);
    insta::assert_snapshot!(drop_users(&folder, plan(), "userName,sn\nann,-\n"), @r#"
    failed: failure 1 total 1
    users.csv.gz: 1 record is wrong, so nothing of the file was imported
    row 2: {"column":"sn","property":"sn","requirement":"REQUIRED","message":"a value is required"}
    "#);
}

#[test]
fn records_without_an_object_may_be_left_out() {
    let folder = Folder::new();
    let update_only = || Plan { create_missing: false, ..users() };
    insta::assert_snapshot!(drop_users(&folder, users(), "id,score\nu1,1\n"), @"finished: created 1 total 1");
    insta::assert_snapshot!(drop_users(&folder, update_only(), "id,score\nu2,2\nu1,3\nu3,4\nu2,5\n"), @"
    finished: updated 1 unchanged 3 total 4
    warning: 3 records have no object and were left out: rows 2, 4 and 5
    ");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"{"id":"u1","score":3}"#);
    // They must be sound all the same.
    insta::assert_snapshot!(drop_users(&folder, update_only(), "id,score\nu1,4\nu3,x\n"), @r#"
    failed: failure 1 total 2
    users.csv.gz: 1 record is wrong, so nothing of the file was imported
    row 3: {"column":"score","property":"score","requirement":"VALID_TYPE","params":{"invalidType":"string","validTypes":["number"]},"value":"x","type":"number","message":"'x' is not a number"}
    "#);
    // Of two with one key the later one is wrong, where that is an error, as it is of others.
    let strict = || Plan { duplicate_keys: DuplicateKeys::FailLater, ..update_only() };
    insta::assert_snapshot!(drop_users(&folder, strict(), "id,score\nu3,1\nu3,x\nu4,1\nu3,2\n"), @r#"
    failed: failure 2 total 4
    users.csv.gz: 2 records are wrong, so nothing of the file was imported
    row 3: {"column":"score","property":"score","requirement":"VALID_TYPE","params":{"invalidType":"string","validTypes":["number"]},"value":"x","type":"number","message":"'x' is not a number"}
    row 3: {"column":"id","property":"id","requirement":"UNIQUE","value":"u3","message":"'u3' is taken: an earlier record of this file has it"}
    row 5: {"column":"id","property":"id","requirement":"UNIQUE","value":"u3","message":"'u3' is taken: an earlier record of this file has it"}
    warning: 2 records have no object and were left out: rows 2 and 4
    "#);
    let many: String = (0..1000).map(|i| format!("v{i},1\n")).collect();
    insta::assert_snapshot!(drop_users(&folder, update_only(), format!("id,score\n{many}")), @"
    finished: unchanged 1000 total 1000
    warning: 1000 records have no object and were left out: rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 990 more
    ");
}

#[test]
fn a_file_may_be_of_another_encoding() {
    let folder = Folder::new();
    let encoded = |name: &str| Plan { encoding: Some(name.to_owned()), ..users() };
    let utf_16: Vec<u8> = "\u{feff}id,city\nu1,Łódź\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
    insta::assert_snapshot!(drop_users(&folder, encoded("utf-16"), utf_16), @"finished: created 1 total 1");
    insta::assert_snapshot!(drop_users(&folder, encoded("windows-1252"), b"id,city\nu2,M\xe1laga\n"), @"finished: created 1 total 1");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u1","city":"Łódź"}
    {"id":"u2","city":"Málaga"}
    "#);
    insta::assert_snapshot!(drop_users(&folder, encoded("shift_jis"), b"id,city\nu3,\x93\x8c\nu4,\x81\xff\n"), @r#"
    failed: total 0
    users.csv.gz, row 3: 2 bytes at offset 17 of the file are not Shift_JIS: is it another encoding?
    {"fault":"unreadable","message":"row 3: 2 bytes at offset 17 of the file are not Shift_JIS: is it another encoding?"}
    "#);
    insta::assert_snapshot!(drop_users(&folder, users(), b"id,city\nu2,M\xe1laga\n"), @r#"
    failed: total 0
    users.csv.gz, row 2, column 'city': byte 0xE1 at offset 12 of the file is not UTF-8: looks like Windows-1252 ('á'); save the file as CSV UTF-8
    {"fault":"unreadable","message":"row 2, column 'city': byte 0xE1 at offset 12 of the file is not UTF-8: looks like Windows-1252 ('á'); save the file as CSV UTF-8"}
    "#);
}

#[test]
fn equal_keys_are_the_last_one_or_an_error() {
    let folder = Folder::new();
    let csv = "id,score\nu1,1\nu2,2\nu1,3\nu1,4\n";
    insta::assert_snapshot!(drop_users(&folder, users(), csv), @"
    finished: created 2 unchanged 2 total 4
    warning: rows 2 and 4 have the same id 'u1': the last one counts
    warning: rows 4 and 5 have the same id 'u1': the last one counts
    ");
    let strict = Plan { duplicate_keys: DuplicateKeys::FailLater, ..users() };
    insta::assert_snapshot!(drop_users(&folder, strict, csv), @r#"
    failed: failure 2 total 4
    users.csv.gz: 2 records are wrong, so nothing of the file was imported
    row 4: {"column":"id","property":"id","requirement":"UNIQUE","value":"u1","message":"'u1' is taken: an earlier record of this file has it"}
    row 5: {"column":"id","property":"id","requirement":"UNIQUE","value":"u1","message":"'u1' is taken: an earlier record of this file has it"}
    "#);
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u2","score":2}
    {"id":"u1","score":4}
    "#);
}

#[test]
fn objects_know_what_they_are_for() {
    let for_product = |product: &str| {
        let [product, channel, environment] = [product, "Web", "Production"].map(str::to_owned);
        let mut plan = users();
        plan.dropped.as_mut().unwrap().destination = Some(Destination { product, channel, environment });
        plan
    };
    let folder = Folder::new();
    let csv = "id,score\nu1,1\n";
    insta::assert_snapshot!(drop_users(&folder, users(), "id,score\nu0,1\n"), @"finished: created 1 total 1");
    insta::assert_snapshot!(drop_users(&folder, for_product("Shop \"A\""), csv), @"finished: created 1 total 1");
    insta::assert_snapshot!(drop_users(&folder, for_product("Shop \"A\""), csv), @"finished: unchanged 1 total 1");
    insta::assert_snapshot!(drop_users(&folder, for_product("Blog"), csv), @"finished: updated 1 total 1");
    insta::assert_snapshot!(drop_users(&folder, for_product("Shop \"A\""), csv), @"finished: unchanged 1 total 1");
    // A file for nothing takes nothing away.
    insta::assert_snapshot!(drop_users(&folder, users(), csv), @"finished: unchanged 1 total 1");
    insta::assert_snapshot!(drop_users(&folder, for_product("Blog"), "id,score\nu0,1\nu1,2\nu1,3\n"), @"
    finished: updated 2 unchanged 1 total 3
    warning: rows 3 and 4 have the same id 'u1': the last one counts
    ");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u0","score":1,"propertyKeys":["Blog/Web/Production"]}
    {"id":"u1","score":3,"propertyKeys":["Shop \"A\"/Web/Production","Blog/Web/Production"]}
    "#);
    insta::assert_snapshot!(drop_users(&folder, users(), "id,propertyKeys\nu1,[]\n"), @r#"
    failed: total 1
    users.csv.gz, row 1: the header does not fit managed/px_user: column 'propertyKeys' (column 2) is read-only: its value is computed
    {"fault":"readOnlyColumn","column":"propertyKeys","number":2}
    "#);
}

#[test]
fn users_may_come_before_their_accounts() {
    let folder = Folder::new();
    let csv = "id,accountId\nu1,acme\nu2,\nu3, bolt \nu4,acme\n\nu5,Acme\n";
    insta::assert_snapshot!(drop_users(&folder, users(), csv), @"
    finished: created 5 total 5
    warning: 4 records refer with 'accountId' to a managed/px_account that does not exist, the first in row 2: 'acme'
    ");
    insta::assert_snapshot!(drop_users(&folder, dropped("managed/px_account"), "id,name\nacme,Acme\nbolt,Bolt\n"), @"finished: created 2 total 2");
    insta::assert_snapshot!(drop_users(&folder, users(), csv), @"
    finished: unchanged 5 total 5
    warning: 1 record refers with 'accountId' to a managed/px_account that does not exist, the first in row 7: 'Acme'
    ");
    // A file that is rejected has other cares.
    insta::assert_snapshot!(drop_users(&folder, users(), "id,accountId,score\nu1,none,x\n"), @r#"
    failed: failure 1 total 1
    users.csv.gz: 1 record is wrong, so nothing of the file was imported
    row 2: {"column":"score","property":"score","requirement":"VALID_TYPE","params":{"invalidType":"string","validTypes":["number"]},"value":"x","type":"number","message":"'x' is not a number"}
    "#);
    // So has one that was not dropped.
    let folder = folder.file("users.csv", "id,accountId\nu6,none\n");
    insta::assert_snapshot!(folder.account("import users.csv --into managed/px_user --unique id --atomic"), @"exit 0, created 1, total 1");
}

/// "Limited to 350,000 rows per file": records, whatever lines they take.
#[test]
fn a_file_has_at_most_350_000_records() {
    let folder = Folder::new();
    // Without objects to make, so that the file is only looked at.
    let plan = || Plan { create_missing: false, ..users() };
    let mut csv = "id,street\r\n".to_owned();
    (0..350_000)
        .for_each(|i| write!(csv, "{i},\"{}\"\r\n", if i % 100 == 0 { "a\r\n\"\"b\"\",\n" } else { "" }).unwrap());
    let record = import(&folder, plan(), &gzip(&csv));
    assert_eq!((record.state.name(), record.counts.success(), record.counts.total), ("finished", 350_000, 350_000));
    insta::assert_snapshot!(drop_users(&folder, plan(), format!("{csv}350000,x")), @r#"
    failed: total 350001
    users.csv.gz: the file has 350001 records, and 350000 are allowed
    {"fault":"tooManyRecords","records":350001,"maximum":350000}
    "#);
}
