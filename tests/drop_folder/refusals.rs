//! What is wrong with a file, in the words of `status.txt`; and that nothing of such a file is in.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::dropping::{USERS, drop_csv, drop_file, drop_folder, gzip, mark, tree};
use crate::harness::{Folder, steady};

const BASE: &str = "users_import";
const DATE: &str = "20210228";

/// When this file is dropped, by these further settings, then: what is said of it. Of what is refused nothing is in.
fn said(settings: &str, name: &str, content: impl AsRef<[u8]>) -> String {
    let folder = drop_folder(&format!("{USERS}{settings}"));
    drop_file(&folder, BASE, DATE, name, content);
    let status = looked_at(&folder);
    if !status.starts_with("SUCCESS") {
        assert_eq!(folder.objects("managed/px_user"), "", "{status}");
    }
    status
}

/// The same for a file that is compressed.
fn said_of(settings: &str, csv: impl AsRef<[u8]>) -> String {
    said(settings, "users.csv.gz", gzip(csv))
}

/// When the partition is marked and looked at, then: the text of `status.txt`. The exit code agrees with it.
fn looked_at(folder: &Folder) -> String {
    mark(folder, BASE, DATE);
    let polled = folder.run("drop-folder poll px-users");
    let status = filed(folder, "status.txt");
    let code = if status.starts_with("SUCCESS\n") { 0 } else { 1 };
    assert_eq!(polled.code(), Some(code), "{polled:?}\n{status}");
    status
}

fn filed(folder: &Folder, name: &str) -> String {
    folder.read(&format!("rollbook-data/drop/{BASE}/processed/{DATE}/{name}"))
}

fn status_json(folder: &Folder) -> Value {
    serde_json::from_str(&filed(folder, "status.json")).unwrap()
}

#[test]
fn columns() {
    let csv = "Email,flantana_carteret,email,email,numberOfVisits,propertyKeys,,\"a',\n\"\nx,x,x,x,1,x,x,x\n";
    insta::assert_snapshot!(said_of("", csv), @r"
    ERROR
    Parsing Errors:[
           Unknown PX Column: 'Email' (did you mean 'email'?),
           Unknown PX Column: 'flantana_carteret',
           Unknown PX Column: 'a',',
           Missing required Column: 'id',
           Duplicate Column: 'email',
           Read-only Column: 'numberOfVisits',
           Read-only Column: 'propertyKeys',
           Column 7 has no name
    ]
    ");
}

#[test]
fn columns_of_disabled_properties() {
    let definition = r#"{"name": "px_user", "schema": {"properties": {
        "id": {"type": "string", "policies": [{"policyId": "unique"}]}, "phone": {"type": "string", "state": "DISABLED"},
        "visits": {"type": "number", "readOnly": true}}, "required": ["id"]}}"#;
    let of = |settings: &str| {
        let folder = drop_folder(&format!("{USERS}{settings}")).file("type.json", definition);
        let folder = folder.after("types apply type.json");
        drop_csv(&folder, BASE, DATE, "users.csv.gz", "id,phone,visits\nu1,555,7\n");
        format!("{}{}", looked_at(&folder), folder.objects("managed/px_user"))
    };
    insta::assert_snapshot!(of(""), @r"
    ERROR
    Parsing Errors:[
           Disabled Column: 'phone',
           Read-only Column: 'visits'
    ]
    ");
    insta::assert_snapshot!(of("disabled_columns = \"ignore\"\nread_only_columns = \"ignore\"\n"), @r#"
    SUCCESS
    1 records were uploaded
    {"id":"u1"}
    "#);
}

#[test]
fn columns_may_be_named_with_less_care() {
    insta::assert_snapshot!(said_of("columns = \"lenient\"\n", "ID,First Name,E-MAIL\nu1,Zoe,z@example.com\n"), @r"
    SUCCESS
    1 records were uploaded
    ");
}

#[test]
fn headers_that_are_none() {
    insta::assert_snapshot!(said_of("", "id;email\nu1;a@example.com\n"), @r"
    ERROR
    Parsing Errors:[
           Unknown PX Column: 'id;email' (columns are separated by ',', not by ';'),
           Missing required Column: 'id'
    ]
    ");
    insta::assert_snapshot!(said_of("", "u1\nu2\n"), @r"
    ERROR
    Parsing Errors:[
           Unknown PX Column: 'u1',
           Missing required Column: 'id'
    ]
    ");
}

#[test]
fn values() {
    let csv = "id,score,surveys,signUpDate,gender,email\n\
               u1,abc,yes,2021-02-31,other,a@example.com\n\
               ,\"1,5\",1,soon,someone,b@example.com\n\
               \" \",1e999,,,,\n\
               u4,,,\n\
               u5,,,,,,\n\
               u6,\"1',\n]\nSUCCESS\",,,,\n";
    insta::assert_snapshot!(said_of("date_format = \"yyyy-MM-dd\"\n", csv), @r"
    ERROR
    Parsing Errors:[
           Invalid Number value 'abc' for Column 'score' at row 2,
           Invalid Boolean value 'yes' for Column 'surveys' at row 2,
           Invalid Date value '2021-02-31' for Column 'signUpDate' at row 2 (format yyyy-MM-dd),
           Missing value for required Column 'id' at row 3,
           Invalid Number value '1,5' for Column 'score' at row 3,
           Invalid Boolean value '1' for Column 'surveys' at row 3,
           Invalid Date value 'soon' for Column 'signUpDate' at row 3 (format yyyy-MM-dd),
           Invalid value for Column 'gender' at row 3: 'someone' is none of 'MALE', 'FEMALE', 'OTHER', 'EMPTY_GENDER',
           Missing value for required Column 'id' at row 4,
           Invalid Number value '1e999' for Column 'score' at row 4 (is too large for a number),
           Row 5 has 4 fields, header has 6,
           Row 6 has 7 fields, header has 6,
           Invalid Number value '1',\n]\nSUCCESS' for Column 'score' at row 7
    ]
    ");
}

#[test]
fn dates_name_the_formats_there_are() {
    let csv = "id,signUpDate\nu1,31.12.2021\n";
    insta::assert_snapshot!(said_of("", csv), @r"
    ERROR
    Parsing Errors:[
           Invalid Date value '31.12.2021' for Column 'signUpDate' at row 2 (format ISO 8601)
    ]
    ");
    insta::assert_snapshot!(said_of("date_format = [\"yyyyMMdd\", \"yyyy-MM-dd'T'HH:mm:ssX\"]\n", csv), @r"
    ERROR
    Parsing Errors:[
           Invalid Date value '31.12.2021' for Column 'signUpDate' at row 2 (formats yyyyMMdd or yyyy-MM-dd'T'HH:mm:ssX)
    ]
    ");
}

#[test]
fn files_without_records() {
    insta::assert_snapshot!(said("", "users.csv.gz", ""), @r"
    ERROR
    File is empty
    ");
    insta::assert_snapshot!(said_of("", ""), @r"
    ERROR
    File is empty
    ");
    insta::assert_snapshot!(said_of("", "\n\n"), @r"
    ERROR
    File is empty
    ");
    let folder = drop_folder(USERS);
    drop_csv(&folder, BASE, DATE, "users.csv.gz", "id,email\n");
    insta::assert_snapshot!(looked_at(&folder), @r"
    SUCCESS
    0 records were uploaded
    ");
    assert_eq!(status_json(&folder)["files"][0]["warnings"][0], "the file has a header and no records");
}

#[test]
fn files_that_are_no_gzip() {
    let good = gzip("id\nu1\nu2\n");
    let mut damaged = good.clone();
    let middle = damaged.len() - 6;
    damaged[middle] ^= 1;
    insta::assert_snapshot!(said("", "users.csv.gz", "id\nu1\n"), @r"
    ERROR
    Parsing Errors:[
           Not a valid gzip file: users.csv.gz
    ]
    ");
    insta::assert_snapshot!(said("", "users.csv.gz", &good[..good.len() - 5]), @r"
    ERROR
    Parsing Errors:[
           Not a valid gzip file: users.csv.gz (the gzip data ends too early, after 9 bytes of text: the file is not complete)
    ]
    ");
    insta::assert_snapshot!(said("", "users.csv.gz", damaged), @r"
    ERROR
    Parsing Errors:[
           Not a valid gzip file: users.csv.gz (the gzip data is damaged behind 9 bytes of text (corrupt gzip stream does not have a matching checksum))
    ]
    ");
    insta::assert_snapshot!(said("", "users.csv.gz", [good.as_slice(), b"more"].concat()), @r"
    ERROR
    Parsing Errors:[
           Not a valid gzip file: users.csv.gz (something that is not gzip follows the gzip data, where only zero bytes may come)
    ]
    ");
    assert_eq!(said("", "users.csv.gz", [good, gzip("u3\n")].concat()), "SUCCESS\n3 records were uploaded\n");
}

#[test]
fn files_that_are_no_csv() {
    insta::assert_snapshot!(said_of("", b"id,city\nu1,Bonn\nu2,K\xf6ln\n"), @r"
    ERROR
    Parsing Errors:[
           Row 3, column 'city': byte 0xF6 at offset 20 of the file is not UTF-8: looks like Windows-1252 ('ö'); save the file as CSV UTF-8
    ]
    ");
    insta::assert_snapshot!(said_of("", "id,city\nu1,\"Bonn\nu2,Rome\n"), @r"
    ERROR
    Parsing Errors:[
           Row 2, column 'city': the quote that opens column 2, in line 2 of the file, is never closed
    ]
    ");
    insta::assert_snapshot!(said_of("", "id,city\nu1,\"Bonn\"x\nu2,Rome\n"), @r"
    ERROR
    Parsing Errors:[
           Row 2, column 'city': 'x' follows the closing quote of column 2, in line 2 of the file, where only a comma or the end of the record may come: a quote within a quoted cell is written twice
    ]
    ");
    assert_eq!(
        said_of("encoding = \"windows-1252\"\n", b"id,city\nu2,K\xf6ln\n"),
        "SUCCESS\n1 records were uploaded\n"
    );
}

#[test]
fn files_over_a_limit() {
    insta::assert_snapshot!(said_of("max_records = 2\n", "id\nu1\n\nu2\nu3\n"), @r"
    ERROR
    Parsing Errors:[
           Too many rows: 3 (maximum 2)
    ]
    ");
    assert_eq!(said_of("max_records = 2\n", "id\nu1\n\nu2\n"), "SUCCESS\n2 records were uploaded\n");
    insta::assert_snapshot!(said("max_file_size = \"1KB\"\n", "users.csv.gz", vec![b'x'; 1025]), @r"
    ERROR
    File is too large: 1025 bytes (maximum 1024)
    ");
    let csv = format!("id\n{}", "u1\n".repeat(1_000_000));
    insta::assert_snapshot!(said_of("[import]\nmax_decompressed_size = \"1MB\"\n", csv), @r"
    ERROR
    Parsing Errors:[
           The file decompresses to more than 1048576 bytes, the most that is allowed
    ]
    ");
    insta::assert_snapshot!(said_of("", format!("id,city\nu1,{}\n", "x".repeat(20_000_000))), @r"
    ERROR
    Parsing Errors:[
           Row 2: the record is larger than 1048576 bytes, the most that is allowed
    ]
    ");
}

#[test]
fn a_partition_without_data_files() {
    let folder = drop_folder(USERS);
    insta::assert_snapshot!(looked_at(&folder), @r"
    ERROR
    No data files found (*.csv.gz)
    ");
    let folder = drop_folder(USERS);
    for name in ["users.csv", "users.zip", "notes.txt", "users.gz", "_hidden.csv.gz", ".hidden.csv.gz"] {
        drop_csv(&folder, BASE, DATE, name, "id\nu1\n");
    }
    insta::assert_snapshot!(looked_at(&folder), @r"
    ERROR
    No data files found (*.csv.gz)
    Ignored: notes.txt (only *.csv.gz files are imported)
    Ignored: users.csv (only *.csv.gz files are imported)
    Ignored: users.gz (only *.csv.gz files are imported)
    Ignored: users.zip (only *.csv.gz files are imported)
    ");
    assert_eq!(folder.objects("managed/px_user"), "");
    insta::assert_snapshot!(tree(&folder).join("\n"), @r"
    users_import/current/dt=20210228/.hidden.csv.gz
    users_import/current/dt=20210228/_hidden.csv.gz
    users_import/processed/20210228/_SUCCESS
    users_import/processed/20210228/notes.txt
    users_import/processed/20210228/status.json
    users_import/processed/20210228/status.txt
    users_import/processed/20210228/users.csv
    users_import/processed/20210228/users.gz
    users_import/processed/20210228/users.zip
    ");
}

#[test]
fn ignored_files_beside_a_data_file() {
    let folder = drop_folder(USERS);
    drop_csv(&folder, BASE, DATE, "users.csv.gz", "id\nu1\n");
    drop_file(&folder, BASE, DATE, "notes.txt", "");
    insta::assert_snapshot!(looked_at(&folder), @r"
    SUCCESS
    1 records were uploaded
    Ignored: notes.txt (only *.csv.gz files are imported)
    ");
}

#[test]
fn a_key_that_comes_twice() {
    let csv = "id,city\nu1,Bonn\nu2,Oslo\nu1,Rome\n";
    let folder = drop_folder(USERS);
    drop_csv(&folder, BASE, DATE, "users.csv.gz", csv);
    assert_eq!(looked_at(&folder), "SUCCESS\n3 records were uploaded\n");
    let warnings = &status_json(&folder)["files"][0]["warnings"];
    insta::assert_snapshot!(warnings, @r#"["rows 2 and 4 have the same id 'u1': the last one counts"]"#);
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u2","city":"Oslo"}
    {"id":"u1","city":"Rome"}
    "#);
    insta::assert_snapshot!(said_of("strict_duplicates = true\n", csv), @r"
    ERROR
    Parsing Errors:[
           Invalid value for Column 'id' at row 4: 'u1' is taken: an earlier record of this file has it
    ]
    ");
}

#[test]
fn keys_that_nobody_has_may_be_left_out() {
    let folder = drop_folder(&format!("{USERS}create_missing = false\n"));
    drop_csv(&folder, BASE, DATE, "users.csv.gz", "id,city\nu1,Bonn\n");
    assert_eq!(looked_at(&folder), "SUCCESS\n1 records were uploaded\n");
    insta::assert_snapshot!(status_json(&folder)["files"][0]["warnings"], @r#"["1 record has no object and was left out: row 2"]"#);
    assert_eq!(folder.objects("managed/px_user"), "");
}

#[test]
fn an_import_that_somebody_stops() {
    let folder = drop_folder(USERS);
    drop_csv(&folder, BASE, DATE, "users.csv.gz", "id\nu1\n");
    mark(&folder, BASE, DATE);
    // Nobody runs imports of this type for now.
    let lease = folder.installation().repository.lease(&"managed/px_user".parse().unwrap()).unwrap().unwrap();
    let mut poll = folder.command("drop-folder poll px-users");
    let mut poll = poll.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while folder.run("imports list --json").stdout().is_empty() {
        assert!(Instant::now() < deadline, "nothing is imported");
        sleep(Duration::from_millis(50));
    }
    let _ = folder.run(&format!("imports cancel {}", folder.last_import())).success();
    drop(lease);
    assert_eq!(poll.wait().unwrap().code(), Some(1));
    assert_eq!(filed(&folder, "status.txt"), "ERROR\ncancelled by barbara\n");
    assert_eq!(folder.objects("managed/px_user"), "");
    assert!(tree(&folder).contains(&"users_import/processed/20210228/users.csv.gz".to_owned()));
}

#[test]
fn a_hundred_errors_are_listed_and_all_are_in_the_errors_file() {
    let folder = drop_folder(USERS);
    let rows: String = (1..=150).map(|id| format!("u{id},x\n")).collect();
    drop_csv(&folder, BASE, DATE, "users.csv.gz", &format!("id,score\n{rows}u151,1\n"));
    let status = looked_at(&folder);
    assert_eq!(status.matches("\n       Invalid Number value 'x' for Column 'score' at row ").count(), 100);
    assert!(status.ends_with(" at row 101,\n       ... and 50 more, see users.csv.gz.errors.csv\n]\n"), "{status}");
    let errors = filed(&folder, "users.csv.gz.errors.csv");
    assert_eq!(errors.lines().count(), 151);

    // Corrected, it is dropped as it is.
    drop_csv(&folder, BASE, "20210301", "users.csv.gz", &errors.replace(",x,", ",1,"));
    mark(&folder, BASE, "20210301");
    let _ = folder.run("drop-folder poll px-users").success();
    let status = folder.read("rollbook-data/drop/users_import/processed/20210301/status.txt");
    assert_eq!(status, "SUCCESS\n150 records were uploaded\n");
}

#[test]
fn a_file_that_was_imported_before() {
    for (setting, text) in [("process", "SUCCESS\n2 records were uploaded\n"), ("skip", "")] {
        let folder = drop_folder(&format!("{USERS}on_identical = \"{setting}\"\n"));
        drop_csv(&folder, BASE, "20210227", "users.csv.gz", "id\nu1\nu2\n");
        mark(&folder, BASE, "20210227");
        let _ = folder.run("drop-folder poll px-users").success();
        drop_csv(&folder, BASE, DATE, "users.csv.gz", "id\nu1\nu2\n");
        let status = steady(&looked_at(&folder));
        match text {
            "" => insta::assert_snapshot!(status, @r"
            SUCCESS
            0 records were uploaded
            Not imported: identical to import 00000000-0000-0000-0000-000000000000 of 2026-02-28T17:05:00.000Z
            "),
            text => assert_eq!(status, text),
        }
        let warnings = status_json(&folder)["files"][0]["warnings"].to_string();
        assert!(warnings.contains("identical to import "), "{warnings}");
    }
}

#[test]
fn files_behind_one_that_is_refused() {
    let folder = drop_folder(&format!("{USERS}stop_on_error = true\n"));
    for (name, csv) in [("a.csv.gz", "id\nu1\n"), ("b.csv.gz", "ID\nu2\n"), ("c.csv.gz", "id\nu3\n")] {
        drop_csv(&folder, BASE, DATE, name, csv);
    }
    insta::assert_snapshot!(looked_at(&folder), @r"
    ERROR
    1 records were uploaded
    a.csv.gz: SUCCESS, 1 records were uploaded
    b.csv.gz: ERROR
    Parsing Errors:[
           Unknown PX Column: 'ID' (did you mean 'id'?),
           Missing required Column: 'id'
    ]
    c.csv.gz: ERROR, Not imported, because 'b.csv.gz' was refused
    ");
}

#[test]
fn for_programs() {
    let folder = drop_folder(USERS);
    drop_csv(&folder, BASE, DATE, "a.csv.gz", "id\nu1\nu2\n");
    drop_csv(&folder, BASE, DATE, "b.csv.gz", "id,score\nu3,three\nu4,4\n");
    drop_file(&folder, BASE, DATE, "c.txt", "");
    let _ = looked_at(&folder);
    insta::assert_snapshot!(steady(&filed(&folder, "status.json")), @r#"
    {
      "dropFolder": "px-users",
      "partition": "20210228",
      "runId": "00000000-0000-0000-0000-000000000000",
      "begin": "2026-02-28T17:05:00.000Z",
      "end": "2026-02-28T17:05:00.000Z",
      "success": false,
      "records": 2,
      "files": [
        {
          "name": "a.csv.gz",
          "success": true,
          "records": 2,
          "importId": "00000000-0000-0000-0000-000000000000",
          "total": 2,
          "created": 2,
          "updated": 0,
          "unchanged": 0,
          "failure": 0,
          "errors": [],
          "moreErrors": 0,
          "warnings": []
        },
        {
          "name": "b.csv.gz",
          "success": false,
          "records": 0,
          "importId": "00000000-0000-0000-0000-000000000000",
          "total": 2,
          "created": 0,
          "updated": 0,
          "unchanged": 0,
          "failure": 1,
          "errors": [
            "Invalid Number value 'three' for Column 'score' at row 2"
          ],
          "moreErrors": 0,
          "warnings": []
        },
        {
          "name": "c.txt",
          "ignored": "only *.csv.gz files are imported"
        }
      ],
      "webhookId": "msg_00000000-0000-0000-0000-000000000000"
    }
    "#);
}
