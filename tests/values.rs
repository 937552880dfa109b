//! What becomes of cells: which values each type of property takes, how they are stored, and what is said of the rest.

use std::fmt::Write as _;

use crate::harness::Folder;

const IMPORT: &str = "import users.csv --into managed/px_user --unique id";

/// Cells of one column, each in a file of its own, and what they are stored as.
fn cells(column: &str, import: &str, cells: &[&str]) -> String {
    let mut file = format!("id,{column}\n");
    for (cell, number) in cells.iter().zip(1..) {
        writeln!(file, "{number},\"{}\"", cell.replace('"', "\"\"")).unwrap();
    }
    let folder = Folder::new().file("users.csv", file);
    let account = folder.account(import);
    let objects = folder.run("objects list managed/px_user --json").json();
    let mut table = String::new();
    for (cell, number) in cells.iter().zip(1..) {
        let id = number.to_string();
        let object = objects.iter().find(|object| object["id"] == id.as_str());
        let row = format!("row {}, {column}: ", number + 1);
        let failed = account.lines().find_map(|line| line.strip_prefix(&row));
        let became = match (object, failed) {
            (Some(object), None) => object[column].to_string(),
            (None, Some(failed)) => format!("fails: {failed}"),
            both => panic!("{cell} is {both:?}"),
        };
        writeln!(table, "{cell}: {became}").unwrap();
    }
    table
}

/// C21 and C22.
#[test]
fn numbers() {
    let numbers = [
        "0",
        "-0",
        "+7",
        "01060",
        " 5 ",
        "0.1",
        "1.50",
        ".5",
        "5.",
        "1e3",
        "-1.5E-7",
        "1e-400",
        "9007199254740993",
        "9223372036854775807",
        "18446744073709551615",
        "18446744073709551616",
        "1e308",
        "1e400",
        "-1e400",
        "NaN",
        "Infinity",
        "-inf",
        "0x10",
        "1_000",
        "1,000",
        "1,5",
        "1 000",
        "١٢",
        "１２",
        "12€",
        "--1",
        "+",
        "1e",
        "null",
        "true",
    ];
    insta::assert_snapshot!(cells("score", IMPORT, &numbers), @"
    0: 0
    -0: 0
    +7: 7
    01060: 1060
     5 : 5
    0.1: 0.1
    1.50: 1.5
    .5: fails: '.5' is not a number (VALID_TYPE)
    5.: fails: '5.' is not a number (VALID_TYPE)
    1e3: 1000
    -1.5E-7: -1.5e-7
    1e-400: 0
    9007199254740993: 9007199254740993
    9223372036854775807: 9223372036854775807
    18446744073709551615: 18446744073709551615
    18446744073709551616: fails: '18446744073709551616' is an integer beyond 64 bits, which cannot be kept exactly (VALID_TYPE)
    1e308: 1e+308
    1e400: fails: '1e400' is too large for a number (VALID_TYPE)
    -1e400: fails: '-1e400' is too large for a number (VALID_TYPE)
    NaN: fails: 'NaN' is not a number (VALID_TYPE)
    Infinity: fails: 'Infinity' is not a number (VALID_TYPE)
    -inf: fails: '-inf' is not a number (VALID_TYPE)
    0x10: fails: '0x10' is not a number (VALID_TYPE)
    1_000: fails: '1_000' is not a number (VALID_TYPE)
    1,000: fails: '1,000' is not a number (VALID_TYPE)
    1,5: fails: '1,5' is not a number (VALID_TYPE)
    1 000: fails: '1 000' is not a number (VALID_TYPE)
    ١٢: fails: '١٢' is not a number (VALID_TYPE)
    １２: fails: '１２' is not a number (VALID_TYPE)
    12€: fails: '12€' is not a number (VALID_TYPE)
    --1: fails: '--1' is not a number (VALID_TYPE)
    +: fails: '+' is not a number (VALID_TYPE)
    1e: fails: '1e' is not a number (VALID_TYPE)
    null: fails: 'null' is not a number (VALID_TYPE)
    true: fails: 'true' is not a number (VALID_TYPE)
    ");
}

#[test]
fn strings_are_not_touched() {
    let texts =
        ["01060", "1e3", "TRUE", "null", " blank ", "=1+1", "O'Neil", "\"quoted\"", "a\nb", "a\r\nb", "\t", "{}"];
    insta::assert_snapshot!(cells("postalCode", IMPORT, &texts), @r#"
    01060: "01060"
    1e3: "1e3"
    TRUE: "TRUE"
    null: "null"
     blank : " blank "
    =1+1: "=1+1"
    O'Neil: "O'Neil"
    "quoted": "\"quoted\""
    a
    b: "a\nb"
    a
    b: "a\r\nb"
    	: "\t"
    {}: "{}"
    "#);
}

/// C23.
#[test]
fn booleans() {
    let words = ["true", "false", "TRUE", "tRuE", " False ", "yes", "no", "1", "0", "on", "Y", "t", "wahr", "null"];
    insta::assert_snapshot!(cells("surveys", IMPORT, &words), @"
    true: true
    false: false
    TRUE: true
    tRuE: true
     False : false
    yes: fails: 'yes' is not true or false (VALID_TYPE)
    no: fails: 'no' is not true or false (VALID_TYPE)
    1: fails: '1' is not true or false (VALID_TYPE)
    0: fails: '0' is not true or false (VALID_TYPE)
    on: fails: 'on' is not true or false (VALID_TYPE)
    Y: fails: 'Y' is not true or false (VALID_TYPE)
    t: fails: 't' is not true or false (VALID_TYPE)
    wahr: fails: 'wahr' is not true or false (VALID_TYPE)
    null: fails: 'null' is not true or false (VALID_TYPE)
    ");
}

/// C24.
#[test]
fn dates() {
    let dates = [
        "2021-12-25",
        "2021-06-25T13:55:42Z",
        "2021-06-25T13:55:42.123+05:30",
        "2021-06-25 13:55:42Z",
        "2020-02-29",
        "2021-02-30",
        "1900-02-29",
        "2100-02-29",
        "2000-02-29",
        "2021-13-01",
        "2021-00-10",
        "2021-04-31",
        "2021-06-25T24:00:00Z",
        "2021-06-25T23:60:00Z",
        "2021-06-30T23:59:60Z",
        "0000-01-01",
        "+12345-01-01",
        "২০২১-১২-২৫",
        "21-12-25",
        "25.12.2021",
        "tomorrow",
        "1640390400",
    ];
    insta::assert_snapshot!(cells("signUpDate", IMPORT, &dates), @r#"
    2021-12-25: "2021-12-25T00:00:00Z"
    2021-06-25T13:55:42Z: "2021-06-25T13:55:42Z"
    2021-06-25T13:55:42.123+05:30: "2021-06-25T08:25:42.123Z"
    2021-06-25 13:55:42Z: "2021-06-25T13:55:42Z"
    2020-02-29: "2020-02-29T00:00:00Z"
    2021-02-30: fails: '2021-02-30' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (February 2021 has 28 days) (VALID_DATETIME)
    1900-02-29: fails: '1900-02-29' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (February 1900 has 28 days) (VALID_DATETIME)
    2100-02-29: fails: '2100-02-29' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (February 2100 has 28 days) (VALID_DATETIME)
    2000-02-29: "2000-02-29T00:00:00Z"
    2021-13-01: fails: '2021-13-01' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (month 13 is not between 1 and 12) (VALID_DATETIME)
    2021-00-10: fails: '2021-00-10' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (month 0 is not between 1 and 12) (VALID_DATETIME)
    2021-04-31: fails: '2021-04-31' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (April 2021 has 30 days) (VALID_DATETIME)
    2021-06-25T24:00:00Z: fails: '2021-06-25T24:00:00Z' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (a day ends at 23:59:59; 24:00 is 00:00 of the next day) (VALID_DATETIME)
    2021-06-25T23:60:00Z: fails: '2021-06-25T23:60:00Z' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (minute 60 is not between 0 and 59) (VALID_DATETIME)
    2021-06-30T23:59:60Z: fails: '2021-06-30T23:59:60Z' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (leap seconds cannot be stored; the last second of a minute is 59) (VALID_DATETIME)
    0000-01-01: fails: '0000-01-01' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (years go from 0001 to 9999, in UTC) (VALID_DATETIME)
    +12345-01-01: fails: '+12345-01-01' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (a year with four digits expected, '+12345-01-01' found) (VALID_DATETIME)
    ২০২১-১২-২৫: fails: '২০২১-১২-২৫' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (a year with four digits expected, '২০২১-১২-২৫' found; only the digits 0-9 are read) (VALID_DATETIME)
    21-12-25: fails: '21-12-25' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (a year with four digits expected, '21-12-25' found) (VALID_DATETIME)
    25.12.2021: fails: '25.12.2021' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (a year with four digits expected, '25.12.2021' found) (VALID_DATETIME)
    tomorrow: fails: 'tomorrow' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (a year with four digits expected, 'tomorrow' found) (VALID_DATETIME)
    1640390400: fails: '1640390400' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z ('-' expected, '390400' found) (VALID_DATETIME)
    "#);
    let german = ["25.12.2021 13:55", "31.04.2021 10:00", "5.1.2021 1:00", "2021-12-25"];
    insta::assert_snapshot!(cells("signUpDate", &format!("{IMPORT} --date-format 'dd.MM.yyyy HH:mm'"), &german), @r#"
    25.12.2021 13:55: "2021-12-25T13:55:00Z"
    31.04.2021 10:00: fails: '31.04.2021 10:00' is not a date in dd.MM.yyyy HH:mm (April 2021 has 30 days) (VALID_DATETIME)
    5.1.2021 1:00: "2021-01-05T01:00:00Z"
    2021-12-25: fails: '2021-12-25' is not a date in dd.MM.yyyy HH:mm ('.' expected, '21-12-25' found) (VALID_DATETIME)
    "#);
}

/// C25.
#[test]
fn local_times_in_gaps_and_overlaps() {
    let times = [
        "2021-03-28 01:59 Europe/Berlin",
        "2021-03-28 02:30 Europe/Berlin",
        "2021-10-31 02:30 Europe/Berlin",
        "2021-06-01 00:00 Mars/Olympus",
    ];
    insta::assert_snapshot!(cells("signUpDate", &format!("{IMPORT} --date-format 'yyyy-MM-dd HH:mm VV'"), &times), @r#"
    2021-03-28 01:59 Europe/Berlin: "2021-03-28T00:59:00Z"
    2021-03-28 02:30 Europe/Berlin: fails: '2021-03-28 02:30 Europe/Berlin' is not a date in yyyy-MM-dd HH:mm VV (clocks were put forward then, this local time does not exist) (VALID_DATETIME)
    2021-10-31 02:30 Europe/Berlin: "2021-10-31T00:30:00Z"
    2021-06-01 00:00 Mars/Olympus: fails: '2021-06-01 00:00 Mars/Olympus' is not a date in yyyy-MM-dd HH:mm VV (there is no such time zone) (VALID_DATETIME)
    "#);
}

#[test]
fn words_of_a_list() {
    let words = ["MALE", "male", "Female", "unknown", " male"];
    insta::assert_snapshot!(cells("gender", IMPORT, &words), @r#"
    MALE: "MALE"
    male: "MALE"
    Female: "FEMALE"
    unknown: fails: 'unknown' is none of 'MALE', 'FEMALE', 'OTHER', 'EMPTY_GENDER' (VALID_ENUM_VALUE)
     male: fails: ' male' is none of 'MALE', 'FEMALE', 'OTHER', 'EMPTY_GENDER' (VALID_ENUM_VALUE)
    "#);
}

/// C26.
#[test]
fn addresses() {
    let mut file = "userName,givenName,sn,mail\n".to_owned();
    let addresses = [
        "a@b.cc",
        "first.last+tag@sub.example.com",
        "\"much.more unusual\"@example.com",
        "jürgen@münchen.de",
        "用户@例子.广告",
        "a@[192.168.0.1]",
        "nowhere",
        "@example.com",
        "a@",
        "a@b",
        "a@@b.cc",
        "a b@c.dd",
        "a@b..cc",
        ".a@b.cc",
    ];
    for (address, number) in addresses.iter().zip(1..) {
        writeln!(file, "user{number},A,B,\"{}\"", address.replace('"', "\"\"")).unwrap();
    }
    let folder = Folder::new().file("users.csv", &file);
    let account = folder.account("import users.csv --into managed/user --unique userName");
    insta::assert_snapshot!(account, @"
    exit 1, created 5, failure 9, total 14
    row 7, mail: 'a@[192.168.0.1]' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 8, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 9, mail: '@example.com' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 10, mail: 'a@' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 11, mail: 'a@b' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 12, mail: 'a@@b.cc' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 13, mail: 'a b@c.dd' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 14, mail: 'a@b..cc' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 15, mail: '.a@b.cc' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    ");
    let long = format!("userName,givenName,sn,mail\nlong,A,B,{}@example.com\n", "a.".repeat(50_000));
    let account = folder.file("long.csv", long).account("import long.csv --into managed/user --unique userName");
    assert!(account.starts_with("exit 1, failure 1, total 1\nrow 2, mail: 'a.a.a."), "{account}");
}

#[test]
fn dates_without_a_zone_are_of_the_zone_in_the_settings() {
    let folder = Folder::new()
        .file("berlin.toml", "[import]\ntime_zone = 'Europe/Berlin'\n")
        .file("users.csv", "id,signUpDate\n1,2026-07-01 12:00\n2,2026-07-01T12:00Z\n3,2026-03-29 02:30\n");
    let import = "import users.csv --into managed/px_user --unique id --config berlin.toml";
    insta::assert_snapshot!(folder.account(import), @"
    exit 1, created 2, failure 1, total 3
    row 4, signUpDate: '2026-03-29 02:30' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (clocks were put forward then, this local time does not exist) (VALID_DATETIME)
    ");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"1","signUpDate":"2026-07-01T10:00:00Z"}
    {"id":"2","signUpDate":"2026-07-01T12:00:00Z"}
    "#);
    // In another zone the same file says something else.
    insta::assert_snapshot!(folder.account("import users.csv --into managed/px_user --unique id"), @"exit 0, created 1, updated 1, unchanged 1, total 3");
}
