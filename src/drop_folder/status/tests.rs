use serde_json::{Value, json};

use super::{json as status_json, message, outcome, refused, text};
use crate::error::Error;
use crate::failure::{Failure, wrong_width};
use crate::fault::Fault;
use crate::import::{Counts, Import, ImportId, State};
use crate::plan::{BlankCells, Caller, ColumnRules, DuplicateKeys, OnFailure, Origin, Plan, UTC};
use crate::run::{FileOutcome, Run, RunFile, RunId, Step, Version};
use crate::schema::Violation;

const END: &str = "2021-02-28T04:00:01.000Z";

/// The record of an import of this file that ended like this.
fn import(filename: &str, state: State, counts: Counts) -> Import {
    let plan = Plan {
        object_type: "managed/px_user".parse().expect("a name"),
        correlation: vec!["id".to_owned()],
        on_failure: OnFailure::RejectFile,
        blank_cells: BlankCells::Keep,
        duplicate_keys: DuplicateKeys::LastWins,
        date_formats: Vec::new(),
        time_zone: UTC.to_owned(),
        max_records: 350_000,
        columns: ColumnRules::default(),
        null_token: None,
        create_missing: true,
        encoding: None,
        gzip_only: true,
        dropped: None,
        origin: Origin::DropFolder,
        caller: Caller { auth_id: "px-users".to_owned(), authz_component: "dropFolder".to_owned() },
        dry_run: false,
    };
    let header = ["id", "email", "score", "signUpDate"].map(str::to_owned).to_vec();
    let import = Import::queued(ImportId::random(), plan, filename.to_owned(), header, END.to_owned());
    Import { state, counts, ..import }
}

fn uploaded(filename: &str, created: u64) -> FileOutcome {
    let counts = Counts { total: created, created, ..Counts::default() };
    outcome(&import(filename, State::Finished { end: END.to_owned() }, counts), &[])
}

/// A file that was refused for these faults and failures.
fn rejected(filename: &str, faults: &[Fault], failures: &[Failure], failure: u64) -> FileOutcome {
    let error = match faults {
        [] => Error::file(format!("{failure} records are wrong, so nothing of the file was imported")),
        faults => Fault::errors("the header does not fit managed/px_user", faults),
    };
    let problem = error.in_file(filename).problem();
    let counts = Counts { total: 20, failure, ..Counts::default() };
    outcome(&import(filename, State::Failed { end: END.to_owned(), problem }, counts), failures)
}

fn failure(row: u64, violations: &[Violation]) -> Failure {
    let problem = json!({ "violations": violations.iter().map(Violation::report).collect::<Vec<Value>>() });
    Failure { row, cells: vec![String::new(); 4], problem }
}

fn unknown(column: &str, suggestion: Option<&str>) -> Fault {
    Fault::UnknownColumn { column: column.to_owned(), number: 2, suggestion: suggestion.map(str::to_owned) }
}

fn missing(property: &str) -> Fault {
    Fault::MissingColumn { property: property.to_owned(), suggestion: None }
}

fn unread() -> FileOutcome {
    refused(&Error::file("the file could not be read for 6 hours"))
}

/// A run of these files: those without an outcome were ignored.
fn run(files: Vec<(&str, Option<FileOutcome>)>) -> Run {
    let version = Version { size: 0, tag: String::new(), modified: END.to_owned() };
    let file = |(name, outcome): (&str, Option<FileOutcome>)| RunFile {
        name: name.to_owned(),
        version: version.clone(),
        ignored: outcome.is_none().then(|| "only *.csv.gz files are imported".to_owned()),
        import: None,
        digest: None,
        outcome,
    };
    Run {
        id: RunId::new(),
        drop_folder: "px-users".to_owned(),
        place: "file:/drop/users_import".to_owned(),
        partition: "20210228".to_owned(),
        marker: version.clone(),
        files: files.into_iter().map(file).collect(),
        step: Step::Copied,
        aside: None,
        begin: "2021-02-28T04:00:00.000Z".to_owned(),
        end: None,
        trouble: None,
    }
}

/// The text about a run of this file alone.
fn alone(outcome: FileOutcome) -> String {
    text(&run(vec![("users.csv.gz", Some(outcome))]))
}

#[test]
fn the_examples_of_the_article() {
    assert_eq!(alone(uploaded("users.csv.gz", 4155)), "SUCCESS\n4155 records were uploaded\n");
    let refused = rejected("users.csv.gz", &[missing("id"), unknown("flantana_carteret", None)], &[], 0);
    let expected = "ERROR\nParsing Errors:[\n       Unknown PX Column: 'flantana_carteret',\n       \
                    Missing required Column: 'id'\n]\n";
    assert_eq!(alone(refused), expected);
}

#[test]
fn columns() {
    let column = || ("email".to_owned(), 3);
    let faults = [
        missing("id"),
        {
            let (column, number) = column();
            Fault::ReadOnlyColumn { column, number }
        },
        {
            let (column, number) = column();
            Fault::DisabledColumn { column, number }
        },
        {
            let (column, number) = column();
            Fault::PrivateColumn { column, number }
        },
        {
            let (column, number) = column();
            Fault::RelationshipColumn { column, number }
        },
        Fault::DuplicateColumn { column: "email".to_owned(), numbers: (1, 3) },
        Fault::BlankColumn { number: 4 },
        unknown("Email", Some("email")),
        unknown("a',\n       Missing required Column: 'b\u{1b}[2J", None),
    ];
    insta::assert_snapshot!(alone(rejected("users.csv.gz", &faults, &[], 0)), @r"
    ERROR
    Parsing Errors:[
           Unknown PX Column: 'Email' (did you mean 'email'?),
           Unknown PX Column: 'a',\n       Missing required Column: 'b\u{1b}[2J',
           Missing required Column: 'id',
           Duplicate Column: 'email',
           Disabled Column: 'email',
           Read-only Column: 'email',
           Private Column: 'email',
           Relationship Column: 'email',
           Column 4 has no name
    ]
    ");
}

#[test]
fn values() {
    let violation = |property: &str, value: &str, said: &str| {
        Violation::new(property, "VALID_ENUM_VALUE", value, format_args!("{said}"))
    };
    let number =
        |value: &str| Violation::wrong_type("score", "string", &["number"], value).wanting("number", Vec::new());
    let date = |formats: &[&str]| {
        let formats = formats.iter().map(|format| (*format).to_owned()).collect();
        violation("signUpDate", "2021-02-31", "is not a date").wanting("date-time", formats)
    };
    let boolean = Violation::wrong_type("surveys", "string", &["boolean"], "yes").wanting("boolean", Vec::new());
    let short = Failure { row: 19, cells: vec![String::new()], problem: Error::record(wrong_width(1, 4)).problem() };
    let other = Failure { problem: Error::record("cell 2 holds a NUL character").problem(), ..failure(20, &[]) };
    let failures = [
        failure(17, &[number("abc"), boolean, Violation::required("id")]),
        failure(18, &[date(&["yyyy-MM-dd"]), date(&["iso8601"]), date(&["yyyyMMdd", "yyyy-MM-dd"])]),
        short,
        other,
        failure(21, &[number("a',\n]\nSUCCESS"), number("1e999").being("is too large for a number")]),
        failure(22, &[violation("email", "x", "is not an e-mail address"), Violation::unique("id", "7")]),
    ];
    insta::assert_snapshot!(alone(rejected("users.csv.gz", &[], &failures, 6)), @r"
    ERROR
    Parsing Errors:[
           Missing value for required Column 'id' at row 17,
           Invalid Number value 'abc' for Column 'score' at row 17,
           Invalid Boolean value 'yes' for Column 'surveys' at row 17,
           Invalid Date value '2021-02-31' for Column 'signUpDate' at row 18 (format yyyy-MM-dd),
           Invalid Date value '2021-02-31' for Column 'signUpDate' at row 18 (format ISO 8601),
           Invalid Date value '2021-02-31' for Column 'signUpDate' at row 18 (formats yyyyMMdd or yyyy-MM-dd),
           Row 19 has 1 field, header has 4,
           Row 20: cell 2 holds a NUL character,
           Invalid Number value 'a',\n]\nSUCCESS' for Column 'score' at row 21,
           Invalid Number value '1e999' for Column 'score' at row 21 (is too large for a number),
           Invalid value for Column 'id' at row 22: '7' is taken: another object has this value,
           Invalid value for Column 'email' at row 22: 'x' is not an e-mail address
    ]
    ");
}

#[test]
fn files_that_are_none() {
    let said = |fault: Fault| alone(rejected("users.csv.gz", &[fault], &[], 0)).replace('\n', "|");
    let texts = [
        said(Fault::Empty),
        said(Fault::NotGzip),
        said(Fault::DamagedGzip { message: "the file ends in the middle".to_owned() }),
        said(Fault::TooManyRecords { records: 350_001, maximum: 350_000 }),
        said(Fault::Unreadable { message: "row 2, column 'b': not UTF-8 at byte 17".to_owned() }),
        said(Fault::NotSeparated { cell: "flantana_carteret".to_owned(), separator: None }),
        said(Fault::NotSeparated { cell: "id;email".to_owned(), separator: Some(';') }),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r"
    ERROR|File is empty|
    ERROR|Parsing Errors:[|       Not a valid gzip file: users.csv.gz|]|
    ERROR|Parsing Errors:[|       Not a valid gzip file: users.csv.gz (the file ends in the middle)|]|
    ERROR|Parsing Errors:[|       Too many rows: 350001 (maximum 350000)|]|
    ERROR|Parsing Errors:[|       Row 2, column 'b': not UTF-8 at byte 17|]|
    ERROR|Parsing Errors:[|       Unknown PX Column: 'flantana_carteret',|       Missing required Column: 'id'|]|
    ERROR|Parsing Errors:[|       Unknown PX Column: 'id;email' (columns are separated by ',', not by ';'),|       Missing required Column: 'id'|]|
    ");
}

#[test]
fn imports_that_did_not_come_to_their_end() {
    let cancelled = |by: Option<&str>| {
        let state = State::Cancelled { end: END.to_owned(), by: by.map(str::to_owned) };
        let counts = Counts { total: 20, failure: 3, ..Counts::default() };
        alone(outcome(&import("users.csv.gz", state, counts), &[failure(2, &[Violation::required("id")])]))
    };
    assert_eq!(cancelled(Some("bjensen")), "ERROR\ncancelled by bjensen\n");
    assert_eq!(cancelled(None), "ERROR\ncancelled\n");
    let problem = Error::not_found("there is no object type 'managed/px_user'").in_file("users.csv.gz").problem();
    let gone = import("users.csv.gz", State::Failed { end: END.to_owned(), problem }, Counts::default());
    assert_eq!(alone(outcome(&gone, &[])), "ERROR\nThere is no object type 'managed/px_user'\n");
    assert_eq!(alone(unread()), "ERROR\nThe file could not be read for 6 hours\n");
}

#[test]
fn several_files() {
    let good = || ("users_1.csv.gz", Some(uploaded("users_1.csv.gz", 4155)));
    let notes = || ("notes.txt", None);
    insta::assert_snapshot!(text(&run(vec![notes(), good(), ("users_2.csv.gz", Some(uploaded("users_2.csv.gz", 45)))])), @r"
    SUCCESS
    4200 records were uploaded
    users_1.csv.gz: SUCCESS, 4155 records were uploaded
    users_2.csv.gz: SUCCESS, 45 records were uploaded
    Ignored: notes.txt (only *.csv.gz files are imported)
    ");
    let bad =
        rejected("users_2.csv.gz", &[unknown("mial", Some("email"))], &[failure(2, &[Violation::required("id")])], 1);
    let empty = rejected("users_3.csv.gz", &[Fault::Empty], &[], 0);
    let mixed = run(vec![good(), ("users_2.csv.gz", Some(bad)), ("users_3.csv.gz", Some(empty)), ("z\n\u{7}", None)]);
    insta::assert_snapshot!(text(&mixed), @r"
    ERROR
    4155 records were uploaded
    users_1.csv.gz: SUCCESS, 4155 records were uploaded
    users_2.csv.gz: ERROR
    Parsing Errors:[
           Unknown PX Column: 'mial' (did you mean 'email'?),
           Missing value for required Column 'id' at row 2
    ]
    users_3.csv.gz: ERROR, File is empty
    Ignored: z\n\u{7} (only *.csv.gz files are imported)
    ");
    assert!(!mixed.is_success());
    assert_eq!(message(&mixed), text(&mixed).strip_prefix("ERROR\n").expect("an error").trim_end());
}

#[test]
fn a_run_without_data_files_is_no_success() {
    assert_eq!(text(&run(Vec::new())), "ERROR\nNo data files found (*.csv.gz)\n");
    insta::assert_snapshot!(text(&run(vec![("users.csv", None)])), @r"
    ERROR
    No data files found (*.csv.gz)
    Ignored: users.csv (only *.csv.gz files are imported)
    ");
}

#[test]
fn a_file_without_records_is_a_success_with_a_warning() {
    let empty = uploaded("users.csv.gz", 0);
    assert_eq!(empty.warnings, ["the file has a header and no records"]);
    assert_eq!(alone(empty), "SUCCESS\n0 records were uploaded\n");
}

#[test]
fn a_file_that_was_imported_before_may_be_passed_over() {
    let warnings = vec!["Not imported: identical to import 7 of yesterday".to_owned()];
    let passed_over = || FileOutcome { success: true, errors: Vec::new(), warnings: warnings.clone(), ..unread() };
    let expected = "SUCCESS\n0 records were uploaded\nNot imported: identical to import 7 of yesterday\n";
    assert_eq!(alone(passed_over()), expected);
    let run = run(vec![("a.csv.gz", Some(passed_over())), ("b.csv.gz", Some(uploaded("b.csv.gz", 7)))]);
    insta::assert_snapshot!(text(&run), @r"
    SUCCESS
    7 records were uploaded
    a.csv.gz: SUCCESS, 0 records were uploaded, Not imported: identical to import 7 of yesterday
    b.csv.gz: SUCCESS, 7 records were uploaded
    ");
}

#[test]
fn a_hundred_entries_and_how_many_more() {
    let failures: Vec<Failure> =
        (2..102).map(|row| failure(row, &[Violation::required("id"), Violation::required("email")])).collect();
    let many = rejected("users.csv.gz", &[unknown("x", None)], &failures, 4210);
    assert_eq!((many.errors.len(), many.more_errors), (100, 101 + 4110));
    let text = alone(many);
    assert_eq!(text.matches("\n       ").count(), 101);
    let end = ",\n       ... and 4211 more, see users.csv.gz.errors.csv\n]\n";
    assert!(text.ends_with(end), "{text}");
    let columns: Vec<Fault> = (0..120).map(|number| unknown(&format!("c{number}"), None)).collect();
    let text = alone(rejected("users.csv.gz", &columns, &[], 0));
    assert!(text.ends_with("'c99',\n       ... and 20 more\n]\n"), "{text}");
}

#[test]
fn the_message_of_a_callback_is_bounded() {
    let columns: Vec<Fault> = (0..100).map(|_| unknown(&"ß".repeat(200), None)).collect();
    let long = run(vec![("users.csv.gz", Some(rejected("users.csv.gz", &columns, &[], 0)))]);
    assert_eq!(message(&long).chars().count(), 10_003);
}

#[test]
fn for_programs() {
    let bad = rejected("b.csv.gz", &[unknown("mial", None)], &[], 0);
    let mut run = run(vec![("a.csv.gz", Some(uploaded("a.csv.gz", 7))), ("b.csv.gz", Some(bad)), ("c.txt", None)]);
    run.id = "01890a5d-ac96-774b-bcce-b302099a8057".parse().expect("an id");
    run.files[0].import = "3fa85f64-5717-4562-b3fc-2c963f66afa6".parse().ok();
    let json = serde_json::to_string_pretty(&status_json(&run)).expect("JSON");
    insta::assert_snapshot!(json, @r#"
    {
      "dropFolder": "px-users",
      "partition": "20210228",
      "runId": "01890a5d-ac96-774b-bcce-b302099a8057",
      "begin": "2021-02-28T04:00:00.000Z",
      "end": "2021-02-28T04:00:01.000Z",
      "success": false,
      "records": 7,
      "files": [
        {
          "name": "a.csv.gz",
          "success": true,
          "records": 7,
          "importId": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
          "total": 7,
          "created": 7,
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
          "total": 20,
          "created": 0,
          "updated": 0,
          "unchanged": 0,
          "failure": 0,
          "errors": [
            "Unknown PX Column: 'mial'"
          ],
          "moreErrors": 0,
          "warnings": []
        },
        {
          "name": "c.txt",
          "ignored": "only *.csv.gz files are imported"
        }
      ],
      "webhookId": "msg_01890a5d-ac96-774b-bcce-b302099a8057"
    }
    "#);
}
