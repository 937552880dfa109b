//! Failures: exported, corrected, imported. Nothing that was in a cell gets lost on the way.

use std::fmt::Write as _;

use crate::harness::Folder;

const IMPORT: &str = "--into managed/user --unique userName";

/// Strings that programs have stumbled over.
fn naughty() -> Vec<String> {
    serde_json::from_str(include_str!("naughty.json")).unwrap()
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// The `escape`d failures of the import that was queued last, as a file.
fn export(folder: Folder, name: &str, escape: &str) -> Folder {
    let id = folder.last_import();
    folder.after(&format!("imports failures {id} --escape {escape} --out {name}"))
}

/// The cells of a failures file of four columns, without the reasons.
fn cells(file: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(file.as_bytes());
    let cells = |record: csv::StringRecord| {
        let cells = record.iter().zip(0..).filter(|(_, column)| *column != 4);
        cells.map(|(cell, _)| cell.to_owned()).collect()
    };
    reader.records().map(|record| cells(record.unwrap())).collect()
}

#[test]
fn what_failed_is_corrected_and_the_counts_add_up() {
    let file = "userName,givenName,sn,mail\n\
                ann,Ann,Lee,ann@example.com\n\
                bob,Bob,Bow,nowhere\n\
                cid,,Cox,cid@example.com\n\
                dan,Dan,Day\n\
                ann,Anna,Lee,ann@example.com\n\
                ,Eve,Eck,eve@example.com\n";
    let folder = Folder::new().file("users.csv", file);
    insta::assert_snapshot!(folder.account(&format!("import users.csv {IMPORT} --failures failed.csv")), @"
    exit 1, created 1, failure 5, total 6
    row 3, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 4, givenName: a value is required (REQUIRED)
    row 5: the record has 3 cells, the header has 4 columns
    row 6, userName: 'ann' is taken: an earlier record of this file has it (UNIQUE)
    row 7, userName: a value is required (REQUIRED)
    ");
    let failed = folder.read("failed.csv");
    let rows: Vec<&str> = failed.lines().map(|line| line.split(",\"{").next().unwrap()).collect();
    insta::assert_snapshot!(rows.join("\n"), @"
    userName,givenName,sn,mail,_importError
    bob,Bob,Bow,nowhere
    cid,,Cox,cid@example.com
    dan,Dan,Day,
    ann,Anna,Lee,ann@example.com
    ,Eve,Eck,eve@example.com
    ");

    // Corrected in part: what is still wrong fails again, the rest is in. Alone in its file, Anna is a change of Ann.
    let corrected = failed.replace("nowhere", "bob@example.com").replace("cid,,", "cid,Cid,");
    let folder = folder.file("failed.csv", corrected);
    insta::assert_snapshot!(folder.account(&format!("import failed.csv {IMPORT} --failures again.csv")), @"
    exit 1, created 2, updated 1, failure 2, total 5
    row 4: the record has 3 cells, the header has 4 columns; fill in what is missing, or empty its _importError cell
    row 6, userName: a value is required (REQUIRED)
    ");

    // A failures file of a failures file has its columns once.
    let again = folder.read("again.csv");
    assert!(again.starts_with("userName,givenName,sn,mail,_importError\r\n"), "{again}");
    let corrected = again.replace("dan,Dan,Day,,", "dan,Dan,Day,dan@example.com,").replace("\r\n,Eve", "\r\neve,Eve");
    let folder = folder.file("again.csv", corrected);
    insta::assert_snapshot!(folder.account(&format!("import again.csv {IMPORT}")), @"exit 0, created 2, total 2");
    assert_eq!(folder.objects("managed/user").lines().count(), 5);
}

#[test]
fn a_failures_file_fails_alike_uncorrected() {
    let file = "userName,givenName,sn,mail\nbob,Bob,Bow,nowhere\ndan,Dan\neve,Eve,Eck,eve@example.com,and,more,\n";
    let folder = Folder::new().file("users.csv", file);
    let mut told = folder.account(&format!("import users.csv {IMPORT}"));
    for escape in ["spreadsheet", "none"] {
        let folder = export(Folder::new().file("users.csv", file).after_refusal(IMPORT), "failed.csv", escape);
        write!(told, "\n--escape {escape}: {}", folder.account(&format!("import failed.csv {IMPORT}"))).unwrap();
        let folder = export(folder, "again.csv", escape);
        assert_eq!(cells(&folder.read("again.csv")), cells(&folder.read("failed.csv")));
    }
    insta::assert_snapshot!(told, @"
    exit 1, failure 3, total 3
    row 2, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 3: the record has 2 cells, the header has 4 columns
    row 4: the record has 7 cells, the header has 4 columns
    --escape spreadsheet: exit 1, failure 3, total 3
    row 2, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 3: the record has 2 cells, the header has 4 columns; fill in what is missing, or empty its _importError cell
    row 4: the record has 8 cells, the header has 5 columns
    --escape none: exit 1, failure 3, total 3
    row 2, mail: 'nowhere' is not an e-mail address (VALID_EMAIL_ADDRESS_FORMAT)
    row 3: the record has 2 cells, the header has 4 columns; fill in what is missing, or empty its _importError cell
    row 4: the record has 9 cells, the header has 6 columns
    ");
}

/// C30: every cell of the file is safe to open, and every value comes back as it was.
#[test]
fn formulas_come_back_byte_for_byte() {
    let mut file = "userName,givenName,sn,mail,description\n".to_owned();
    for (text, number) in naughty().iter().zip(1..) {
        writeln!(file, "user{number},A,B,nowhere,{}", quoted(text)).unwrap();
    }
    for escape in ["spreadsheet", "none"] {
        let folder = export(Folder::new().file("users.csv", &file).after_refusal(IMPORT), "failed.csv", escape);
        let failed = folder.read("failed.csv");
        let mut reader = csv::Reader::from_reader(failed.as_bytes());
        for (record, text) in reader.records().zip(naughty()) {
            let (record, is_guarded) = (record.unwrap(), escape == "spreadsheet");
            assert!(!is_guarded || record.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])));
            assert!(is_guarded || record[4] == text, "{text:?} is {:?}", &record[4]);
        }
        let folder = folder.file("failed.csv", failed.replace("nowhere", "a@example.com"));
        let folder = folder.after(&format!("import failed.csv {IMPORT}"));
        let objects = folder.run("objects list managed/user --json").json();
        assert_eq!(objects.len(), naughty().len());
        for (object, text) in objects.iter().zip(naughty()) {
            assert_eq!(object["description"].as_str().unwrap_or_default(), text, "--escape {escape}");
        }
    }
}

/// C29.
#[test]
fn naughty_strings_are_stored_as_they_are() {
    let texts = naughty();
    let keys: Vec<&String> = texts.iter().filter(|text| text.trim() == **text && !text.is_empty()).collect();
    let mut file = "id,firstName\n".to_owned();
    keys.iter().for_each(|text| writeln!(file, "{0},{0}", quoted(text)).unwrap());
    let import = "import users.csv --into managed/px_user --unique id";
    let folder = Folder::new().file("users.csv", file).after(import);
    let objects = folder.run("objects list managed/px_user --json").json();
    for (object, text) in objects.iter().zip(&keys) {
        assert_eq!((object["id"].as_str(), object["firstName"].as_str()), (Some(text.as_str()), Some(text.as_str())));
    }
    assert_eq!(folder.account(import), format!("exit 0, unchanged {0}, total {0}", keys.len()));
    // An export is a file like any other.
    let folder = folder.after("objects export managed/px_user --out users.csv");
    assert_eq!(folder.account(import), format!("exit 0, unchanged {0}, total {0}", keys.len()));
}

#[test]
fn apostrophes_are_data_where_nobody_guarded() {
    let cells = ["'=1", "''=1", "'x", "O'=x"];
    let file = |header: &str, more: &str| {
        let mut file = format!("id,firstName{header}\n");
        cells.iter().zip(1..).for_each(|(cell, number)| writeln!(file, "{number},{cell}{more}").unwrap());
        file
    };
    let stored = |file: String| {
        let folder = Folder::new().file("users.csv", file).after("import users.csv --into managed/px_user --unique id");
        folder.objects("managed/px_user")
    };
    insta::assert_snapshot!(stored(file("", "")), @r#"
    {"id":"1","firstName":"'=1"}
    {"id":"2","firstName":"''=1"}
    {"id":"3","firstName":"'x"}
    {"id":"4","firstName":"O'=x"}
    "#);
    insta::assert_snapshot!(stored(file(",_importError", ",")), @r#"
    {"id":"1","firstName":"=1"}
    {"id":"2","firstName":"'=1"}
    {"id":"3","firstName":"'x"}
    {"id":"4","firstName":"O'=x"}
    "#);
    // The column says so record by record.
    let file = file(",_importError,_escape", ",,none").replace("4,O'=x,,none", "4,'=4,,");
    insta::assert_snapshot!(stored(file), @r#"
    {"id":"1","firstName":"'=1"}
    {"id":"2","firstName":"''=1"}
    {"id":"3","firstName":"'x"}
    {"id":"4","firstName":"=4"}
    "#);
}

#[test]
fn dates_arrays_and_objects_come_back() {
    let definition = r#"{"name": "thing", "schema": {"properties": {
        "id": {"type": "string", "policies": [{"policyId": "unique"}]},
        "day": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "more": {"type": "object"},
        "size": {"type": "integer"}}}}"#;
    let file = "id,day,tags,more,size\n\
                1,25.12.2021,\"[\"\"a\"\", \"\"b,c\"\"]\",\"{\"\"x\"\": [1, 2.50]}\",-7\n\
                2,24/12/2021,[],{},-8.5\n\
                3,31.4.2021,\"[\"\"a\"\", 1]\",\"{\"\"x\"\": 1, \"\"x\"\": 2}\",9\n\
                4,,\"a, b\",\"[]\",\n";
    let import = "--into managed/thing --unique id --date-format d.M.yyyy --date-format dd/MM/yyyy";
    let folder = Folder::new().file("thing.json", definition).after("types apply thing.json").file("things.csv", file);
    insta::assert_snapshot!(folder.account(&format!("import things.csv {import} --failures failed.csv")), @r#"
    exit 1, created 1, failure 3, total 4
    row 3, size: '-8.5' is not an integer: digits only, without a fraction or an exponent (VALID_TYPE)
    row 4, day: '31.4.2021' is not a date in d.M.yyyy or dd/MM/yyyy (April 2021 has 30 days) (VALID_DATE)
    row 4, tags[1]: '1' is not a string (VALID_TYPE)
    row 4, more: '{"x": 1, "x": 2}' is not a JSON object: the name 'x' comes twice at line 1 column 16 (VALID_TYPE)
    row 5, tags: 'a, b' is not a JSON array: expected value at line 1 column 1 (VALID_TYPE)
    row 5, more: '[]' is not a JSON object (VALID_TYPE)
    "#);
    let corrected = folder.read("failed.csv").replace("'-8.5", "'-8").replace("31.4.", "30.4.").replace(", 1]", "]");
    let corrected = corrected.replace(", \"\"x\"\": 2}", "}").replace("\"a, b\",[],", "[],{},");
    let folder = folder.file("failed.csv", corrected);
    insta::assert_snapshot!(folder.account(&format!("import failed.csv {import}")), @"exit 0, created 3, total 3");
    insta::assert_snapshot!(folder.objects("managed/thing"), @r#"
    {"id":"1","day":"2021-12-25","tags":["a","b,c"],"more":{"x":[1,2.5]},"size":-7}
    {"id":"2","day":"2021-12-24","tags":[],"more":{},"size":-8}
    {"id":"3","day":"2021-04-30","tags":["a"],"more":{"x":1},"size":9}
    {"id":"4","tags":[],"more":{}}
    "#);
}

#[test]
fn px_users_with_dates_as_java_writes_them() {
    let file = "id,email,signUpDate,score,gender\n\
                1,ann@example.com,2021-06-25 13:55:42+0530,1.5,female\n\
                2,bob@example.com,2021-06-25 13:55:42Z,7,MALE\n\
                3,cid@example.com,2021-06-31 13:55:42Z,8,\n\
                4,dan@example.com,25.06.2021,,none\n";
    let import = "--into managed/px_user --unique id --date-format 'yyyy-MM-dd HH:mm:ssX' --date-format dd.MM.yyyy";
    let folder = Folder::new().file("users.csv", file);
    insta::assert_snapshot!(folder.account(&format!("import users.csv {import} --failures failed.csv")), @"
    exit 1, created 2, failure 2, total 4
    row 4, signUpDate: '2021-06-31 13:55:42Z' is not a date in yyyy-MM-dd HH:mm:ssX or dd.MM.yyyy (June 2021 has 30 days) (VALID_DATETIME)
    row 5, gender: 'none' is none of 'MALE', 'FEMALE', 'OTHER', 'EMPTY_GENDER' (VALID_ENUM_VALUE)
    ");
    let corrected = folder.read("failed.csv").replace("06-31", "06-30").replace("none", "");
    let folder = folder.file("failed.csv", corrected);
    insta::assert_snapshot!(folder.account(&format!("import failed.csv {import}")), @"exit 0, created 2, total 2");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"1","email":"ann@example.com","gender":"FEMALE","score":1.5,"signUpDate":"2021-06-25T08:25:42Z"}
    {"id":"2","email":"bob@example.com","gender":"MALE","score":7,"signUpDate":"2021-06-25T13:55:42Z"}
    {"id":"3","email":"cid@example.com","score":8,"signUpDate":"2021-06-30T13:55:42Z"}
    {"id":"4","email":"dan@example.com","signUpDate":"2021-06-25T00:00:00Z"}
    "#);
}

/// A name of a column can look like a formula too, where any column is taken.
#[test]
fn columns_are_guarded_like_cells() {
    let folder = Folder::new()
        .file("anything.json", r#"{"name": "anything"}"#)
        .after("types apply anything.json")
        .file("things.csv", "id,+phone,-x\n1,+1 555,=1\n1,+1 555,=2\n");
    let import = "--into managed/anything --unique id --failures failed.csv";
    let _ = folder.run(&format!("import things.csv {import}")).refused();
    let failed = folder.read("failed.csv");
    assert!(failed.starts_with("id,'+phone,'-x,_importError\r\n1,'+1 555,'=2,"), "{failed}");
    insta::assert_snapshot!(folder.account("import failed.csv --into managed/anything --unique id"), @"exit 0, updated 1, total 1");
    insta::assert_snapshot!(folder.objects("managed/anything"), @r#"{"id":"1","+phone":"+1 555","-x":"=2"}"#);
}

#[test]
fn a_record_that_was_too_short_clears_nothing_until_it_is_filled_in() {
    let before =
        Folder::new().file("before.csv", "userName,givenName,sn,mail,city\nann,Ann,Lee,ann@example.com,Oslo\n");
    let folder = before.file("users.csv", "userName,givenName,sn,mail,city\nann,Anna,Lee,ann@example.com\n");
    folder.account(&format!("import before.csv {IMPORT}"));
    let short = folder.account(&format!("import users.csv {IMPORT} --failures failed.csv"));
    let uncorrected = folder.account(&format!("import failed.csv {IMPORT}"));
    let filled = folder.read("failed.csv").replace("ann@example.com,,", "ann@example.com,Bergen,");
    let folder = folder.file("filled.csv", filled);
    let filled_in = folder.account(&format!("import filled.csv {IMPORT}"));
    let folder =
        folder.file("empty.csv", "userName,givenName,sn,mail,city,_importError\nann,Anna,Lee,ann@example.com,,\n");
    let emptied = folder.account(&format!("import empty.csv {IMPORT}"));
    insta::assert_snapshot!([short, uncorrected, filled_in, emptied].join("\n"), @"
    exit 1, failure 1, total 1
    row 2: the record has 4 cells, the header has 5 columns
    exit 1, failure 1, total 1
    row 2: the record has 4 cells, the header has 5 columns; fill in what is missing, or empty its _importError cell
    exit 0, updated 1, total 1
    exit 0, updated 1, total 1
    ");
}
