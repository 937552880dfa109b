//! Gainsight PX's article "S3 Account and User Import": each of its promises and examples, in its order and under its
//! headings, in a directory instead of S3.

use std::fmt::Write as _;

use serde_json::json;

use super::receiver::{Answer, Receiver};
use crate::dropping::{ACCOUNTS, USERS, drop_csv, drop_file, drop_folder, gzip, mark, tree};
use crate::harness::Folder;

const BASE: &str = "users_import";
const DATE: &str = "20210228";

/// When this file is dropped and looked at, then: the text of `status.txt`.
fn status_of(folder: &Folder, csv: &str) -> String {
    drop_csv(folder, BASE, DATE, "users.csv.gz", csv);
    mark(folder, BASE, DATE);
    let _ = poll(folder, "px-users");
    status(folder, BASE, DATE)
}

/// When a drop folder is looked at, then: the exit code.
fn poll(folder: &Folder, name: &str) -> Option<i32> {
    folder.run(&format!("drop-folder poll {name}")).code()
}

fn status(folder: &Folder, base: &str, partition: &str) -> String {
    folder.read(&format!("rollbook-data/drop/{base}/processed/{partition}/status.txt"))
}

/// So many users.
fn users(count: usize) -> String {
    (1..=count).fold("id\n".to_owned(), |mut csv, id| {
        writeln!(csv, "u{id}").unwrap();
        csv
    })
}

// Overview

#[test]
fn daily_updates_to_user_data_are_imported() {
    let folder = drop_folder(USERS);
    for (date, csv) in [
        ("20210227", "id,email,city\nu1,old@example.com,Bonn\nu2,b@example.com,Rome\n"),
        ("20210228", "id,email,city\nu1,new@example.com,\nu3,c@example.com,Oslo\n"),
    ] {
        drop_csv(&folder, BASE, date, "users.csv.gz", csv);
        mark(&folder, BASE, date);
    }
    assert_eq!(poll(&folder, "px-users"), Some(0));
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u1","email":"new@example.com","city":"Bonn"}
    {"id":"u2","email":"b@example.com","city":"Rome"}
    {"id":"u3","email":"c@example.com","city":"Oslo"}
    "#);
}

// Configure Account Import, Configure User Import

#[test]
fn accounts_and_users_are_imported_side_by_side() {
    let folder = drop_folder(&format!("{USERS}{ACCOUNTS}"));
    drop_csv(&folder, "users_import", DATE, "users.csv.gz", "id,accountId\nu1,a1\n");
    drop_csv(&folder, "accounts_import", DATE, "accounts.csv.gz", "id,name,numberOfEmployees\na1,Example Inc.,12\n");
    mark(&folder, "users_import", DATE);
    mark(&folder, "accounts_import", DATE);
    let _ = folder.run("drop-folder poll --all").success();
    for base in ["users_import", "accounts_import"] {
        assert_eq!(status(&folder, base, DATE), "SUCCESS\n1 records were uploaded\n");
    }
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"{"id":"u1","accountId":"a1"}"#);
    insta::assert_snapshot!(folder.objects("managed/px_account"), @r#"{"id":"a1","name":"Example Inc.","numberOfEmployees":12}"#);
}

#[test]
fn the_import_destination_is_kept_with_the_import_and_the_objects() {
    let destination = "destination = { product = \"Shop\", channel = \"Web\", environment = \"Production\" }\n";
    let folder = drop_folder(&format!("{USERS}{destination}"));
    assert_eq!(status_of(&folder, "id\nu1\n"), "SUCCESS\n1 records were uploaded\n");
    let import = folder.run("imports list --json").json().remove(0);
    assert_eq!(import["destination"], json!({ "product": "Shop", "channel": "Web", "environment": "Production" }));
    assert_eq!((&import["dropFolder"], &import["partition"]), (&json!("px-users"), &json!(DATE)));
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"{"id":"u1","propertyKeys":["Shop/Web/Production"]}"#);
}

// Process/Data Flow

#[test]
fn nothing_is_touched_before_the_marker_is_there() {
    let folder = drop_folder(USERS);
    drop_csv(&folder, BASE, DATE, "users.csv.gz", "id\nu1\n");
    assert_eq!(poll(&folder, "px-users"), Some(0));
    assert_eq!(tree(&folder), ["users_import/current/dt=20210228/users.csv.gz"]);
    assert_eq!(folder.objects("managed/px_user"), "");
    mark(&folder, BASE, DATE);
    assert_eq!(poll(&folder, "px-users"), Some(0));
    assert_eq!(status(&folder, BASE, DATE), "SUCCESS\n1 records were uploaded\n");
}

#[test]
fn the_input_queue_becomes_the_processed_files() {
    let folder = drop_folder(USERS);
    let bytes = gzip("id\nu1\n");
    drop_file(&folder, BASE, DATE, "users.csv.gz", &bytes);
    mark(&folder, BASE, DATE);
    assert_eq!(
        tree(&folder),
        ["users_import/current/dt=20210228/_SUCCESS", "users_import/current/dt=20210228/users.csv.gz"]
    );
    assert_eq!(poll(&folder, "px-users"), Some(0));
    assert_eq!(
        tree(&folder),
        [
            "users_import/processed/20210228/_SUCCESS",
            "users_import/processed/20210228/status.json",
            "users_import/processed/20210228/status.txt",
            "users_import/processed/20210228/users.csv.gz",
        ]
    );
    let filed = folder.path("rollbook-data/drop/users_import/processed/20210228/users.csv.gz");
    assert_eq!(std::fs::read(filed).unwrap(), bytes);
}

#[test]
fn several_files_are_imported_serially() {
    let folder = drop_folder(USERS);
    for (name, city) in [("b.csv.gz", "Rome"), ("a.csv.gz", "Bonn"), ("c.csv.gz", "Oslo")] {
        drop_csv(&folder, BASE, DATE, name, &format!("id,city\nu1,{city}\n"));
    }
    mark(&folder, BASE, DATE);
    assert_eq!(poll(&folder, "px-users"), Some(0));
    insta::assert_snapshot!(status(&folder, BASE, DATE), @r"
    SUCCESS
    3 records were uploaded
    a.csv.gz: SUCCESS, 1 records were uploaded
    b.csv.gz: SUCCESS, 1 records were uploaded
    c.csv.gz: SUCCESS, 1 records were uploaded
    ");
    // The last one has the last word.
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"{"id":"u1","city":"Oslo"}"#);
    let imports = folder.run("imports list --json").json();
    let moments: Vec<&str> =
        imports.iter().flat_map(|import| [&import["begin"], &import["end"]]).map(|at| at.as_str().unwrap()).collect();
    assert!(moments.is_sorted(), "{moments:?}");
}

// CSV Structure

#[test]
fn files_are_standard_csv() {
    let folder = drop_folder(USERS);
    let csv = "\u{feff}id,firstName,lastName\r\nu1,\"Smith, Zoë\",\"\"\"Z\"\"\"\r\nu2,\"two\r\nlines\",x";
    assert_eq!(status_of(&folder, csv), "SUCCESS\n2 records were uploaded\n");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u1","firstName":"Smith, Zoë","lastName":"\"Z\""}
    {"id":"u2","firstName":"two\r\nlines","lastName":"x"}
    "#);
}

#[test]
fn files_are_gzipped() {
    let folder = drop_folder(USERS);
    drop_file(&folder, BASE, DATE, "users.csv.gz", "id\nu1\n");
    mark(&folder, BASE, DATE);
    assert_eq!(poll(&folder, "px-users"), Some(1));
    insta::assert_snapshot!(status(&folder, BASE, DATE), @r"
    ERROR
    Parsing Errors:[
           Not a valid gzip file: users.csv.gz
    ]
    ");
    assert_eq!(folder.objects("managed/px_user"), "");
}

#[test]
fn the_prefix_of_the_name_is_not_significant() {
    let folder = drop_folder(USERS);
    for (name, id) in [("users.csv.gz", 1), ("export of 2021.Q1.csv.gz", 2), ("Ü.csv.gz", 3), ("B.CSV.GZ", 4)] {
        drop_csv(&folder, BASE, DATE, name, &format!("id\nu{id}\n"));
    }
    mark(&folder, BASE, DATE);
    assert_eq!(poll(&folder, "px-users"), Some(0));
    insta::assert_snapshot!(status(&folder, BASE, DATE), @r"
    SUCCESS
    4 records were uploaded
    B.CSV.GZ: SUCCESS, 1 records were uploaded
    export of 2021.Q1.csv.gz: SUCCESS, 1 records were uploaded
    users.csv.gz: SUCCESS, 1 records were uploaded
    Ü.csv.gz: SUCCESS, 1 records were uploaded
    ");
}

#[test]
fn column_headers_are_api_names_and_not_view_names() {
    let folder = drop_folder(USERS);
    insta::assert_snapshot!(status_of(&folder, "id,First Name,Email\nu1,Zoe,z@example.com\n"), @r"
    ERROR
    Parsing Errors:[
           Unknown PX Column: 'First Name' (did you mean 'firstName'?),
           Unknown PX Column: 'Email' (did you mean 'email'?)
    ]
    ");
    assert_eq!(folder.objects("managed/px_user"), "");
}

#[test]
fn a_file_has_up_to_350_000_rows() {
    let folder = drop_folder(USERS);
    assert_eq!(status_of(&folder, &users(350_000)), "SUCCESS\n350000 records were uploaded\n");
}

#[test]
fn a_file_has_no_more_than_350_000_rows() {
    let folder = drop_folder(USERS);
    insta::assert_snapshot!(status_of(&folder, &users(350_001)), @r"
    ERROR
    Parsing Errors:[
           Too many rows: 350001 (maximum 350000)
    ]
    ");
    assert_eq!(folder.objects("managed/px_user"), "");
}

#[test]
fn the_id_column_is_mandatory() {
    let folder = drop_folder(USERS);
    insta::assert_snapshot!(status_of(&folder, "email,city\na@example.com,Bonn\n"), @r"
    ERROR
    Parsing Errors:[
           Missing required Column: 'id'
    ]
    ");
}

// Data Types

#[test]
fn strings_with_line_breaks_quotes_and_commas_are_quoted() {
    let folder = drop_folder(USERS);
    let csv = "id,street\r\nu1,\"first\r\nsecond\"\r\nu2,\"the \"\"old\"\" road\"\r\nu3,\"1, Main Street\"\r\n";
    assert_eq!(status_of(&folder, csv), "SUCCESS\n3 records were uploaded\n");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u1","street":"first\r\nsecond"}
    {"id":"u2","street":"the \"old\" road"}
    {"id":"u3","street":"1, Main Street"}
    "#);
}

#[test]
fn numbers_are_integer_or_floating_point() {
    let folder = drop_folder(USERS);
    let csv = "id,score\nu1,42\nu2,-7\nu3,2.5\nu4,1.5e3\nu5,9007199254740993\n";
    assert_eq!(status_of(&folder, csv), "SUCCESS\n5 records were uploaded\n");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u1","score":42}
    {"id":"u2","score":-7}
    {"id":"u3","score":2.5}
    {"id":"u4","score":1500}
    {"id":"u5","score":9007199254740993}
    "#);
}

#[test]
fn booleans_are_true_or_false_in_any_case() {
    let folder = drop_folder(USERS);
    let csv = "id,surveys\nu1,true\nu2,FALSE\nu3,True\nu4,fAlSe\n";
    assert_eq!(status_of(&folder, csv), "SUCCESS\n4 records were uploaded\n");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u1","surveys":true}
    {"id":"u2","surveys":false}
    {"id":"u3","surveys":true}
    {"id":"u4","surveys":false}
    "#);
}

#[test]
fn dates_are_in_the_date_format_of_the_settings() {
    for (format, dates, stored) in [
        ("YYYYMMDD", &["20211225"][..], &["2021-12-25T00:00:00Z"][..]),
        (
            "yyyy-MM-dd'T'HH:mm:ssX",
            &[
                "2021-06-25T13:55:42Z",
                "2021-06-25T13:55:42+01",
                "2021-06-25T13:55:42+0530",
                "2021-06-25T13:55:42+05:30",
            ],
            &["2021-06-25T13:55:42Z", "2021-06-25T12:55:42Z", "2021-06-25T08:25:42Z", "2021-06-25T08:25:42Z"],
        ),
    ] {
        let folder = drop_folder(&format!("{USERS}date_format = \"{format}\"\n"));
        let rows: String = dates.iter().enumerate().map(|(id, date)| format!("u{id},{date}\n")).collect();
        let expected = format!("SUCCESS\n{} records were uploaded\n", dates.len());
        assert_eq!(status_of(&folder, &format!("id,signUpDate\n{rows}")), expected);
        let objects = folder.run("objects list managed/px_user --json").json();
        let found: Vec<&str> = objects.iter().map(|user| user["signUpDate"].as_str().unwrap()).collect();
        assert_eq!(found, stored, "{format}");
    }
}

#[test]
fn a_date_that_is_none_refuses_the_file() {
    let folder = drop_folder(&format!("{USERS}date_format = \"yyyyMMdd\"\n"));
    insta::assert_snapshot!(status_of(&folder, "id,signUpDate\nu1,20211225\nu2,20210231\n"), @r"
    ERROR
    Parsing Errors:[
           Invalid Date value '20210231' for Column 'signUpDate' at row 3 (format yyyyMMdd)
    ]
    ");
}

#[test]
fn months_are_mm_in_capitals() {
    let folder = drop_folder(&format!("{USERS}date_format = \"yyyy-mm-dd\"\n"));
    insta::assert_snapshot!(folder.run("drop-folder poll px-users").failed(), @r"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'px-users': date_format: 'yyyy-mm-dd' is not a date format: month is MM, mm is minutes
    ");
}

// Validate Import Using Status File

#[test]
fn success_example() {
    let folder = drop_folder(USERS);
    assert_eq!(status_of(&folder, &users(4155)), "SUCCESS\n4155 records were uploaded\n");
}

#[test]
fn error_example() {
    let expected = "\
ERROR
Parsing Errors:[
       Unknown PX Column: 'flantana_carteret',
       Missing required Column: 'id'
]
";
    for csv in [
        "email,flantana_carteret\na@example.com,x\n",
        "flantana_carteret,email\nx,a@example.com\n",
        "flantana_carteret\nx\n",
    ] {
        assert_eq!(status_of(&drop_folder(USERS), csv), expected, "{csv}");
    }
}

// Validate Import Using Status Endpoint

#[test]
fn the_endpoint_is_told_of_success_and_of_errors() {
    let endpoint = Receiver::new(&[Answer::Status(200, "")]);
    let callback =
        format!("callback = {{ url = \"{}\", api_key = \"open-sesame\", allow_private = true }}\n", endpoint.url);
    let folder = drop_folder(&format!("{USERS}{callback}"));
    drop_csv(&folder, BASE, "20210227", "users.csv.gz", &users(3));
    drop_csv(&folder, BASE, "20210228", "users.csv.gz", "email\na@example.com\n");
    mark(&folder, BASE, "20210227");
    mark(&folder, BASE, "20210228");
    assert_eq!(poll(&folder, "px-users"), Some(1));
    let received = endpoint.received(2);
    for told in &received {
        assert_eq!(told.first_line, "POST /prd/data-export HTTP/1.1");
        assert_eq!(told.header("x-api-key"), "open-sesame");
        assert_eq!(told.header("content-type"), "application/json");
    }
    let success = json!({
        "folder_path": "users_import/processed/20210227", "success": true, "message": "3 records were uploaded",
    });
    let error = json!({
        "folder_path": "users_import/processed/20210228", "success": false,
        "message": "Parsing Errors:[\n       Missing required Column: 'id'\n]",
    });
    assert_eq!(received.iter().map(|told| told.json()).collect::<Vec<_>>(), [success, error]);
}

// Data Validation, Error Handling

#[test]
fn a_file_that_is_not_valid_is_skipped_and_all_its_errors_are_listed() {
    let folder = drop_folder(&format!("{USERS}date_format = \"yyyyMMdd\"\n"));
    let csv = "id,score,surveys,signUpDate,flantana_carteret\n\
               u1,1,true,20211225,x\nu2,one,yes,2021-12-25,x\n,2,false,20211225,x\nu4,3\n";
    insta::assert_snapshot!(status_of(&folder, csv), @r"
    ERROR
    Parsing Errors:[
           Unknown PX Column: 'flantana_carteret',
           Invalid Number value 'one' for Column 'score' at row 3,
           Invalid Boolean value 'yes' for Column 'surveys' at row 3,
           Invalid Date value '2021-12-25' for Column 'signUpDate' at row 3 (format yyyyMMdd),
           Missing value for required Column 'id' at row 4,
           Row 5 has 2 fields, header has 5
    ]
    ");
    assert_eq!(folder.objects("managed/px_user"), "");
}

#[test]
fn a_bad_file_does_not_keep_a_good_one_out() {
    let folder = drop_folder(USERS);
    drop_csv(&folder, BASE, DATE, "users_1.csv.gz", "id\nu1\nu2\n");
    drop_csv(&folder, BASE, DATE, "users_2.csv.gz", "id,score\nu3,three\n");
    mark(&folder, BASE, DATE);
    assert_eq!(poll(&folder, "px-users"), Some(1));
    insta::assert_snapshot!(status(&folder, BASE, DATE), @r"
    ERROR
    2 records were uploaded
    users_1.csv.gz: SUCCESS, 2 records were uploaded
    users_2.csv.gz: ERROR
    Parsing Errors:[
           Invalid Number value 'three' for Column 'score' at row 2
    ]
    ");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"u1"}
    {"id":"u2"}
    "#);
}
