//! `rollbook check` and `rollbook template`.

use super::{FAULTY_USERS, USERS};
use crate::harness::Folder;

const EMPLOYEE: &str = r#"{"name": "employee", "schema": {"required": ["number"], "properties": {
    "number": {"type": "integer"}, "name": {"type": "string"}, "since": {"type": "string", "format": "date"}}}}"#;

#[test]
fn a_good_file_needs_nothing() {
    let folder = Folder::new().file("users.csv", USERS);
    insta::assert_snapshot!(folder.run("check users.csv --against managed/user").success(), @"
    Checked as if nothing of managed/user were stored yet. The records would be:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        4        0          0       0            0      4  0.0 s          -
    ");
    assert_eq!(folder.names(), ["users.csv"], "nothing is left behind");
}

#[test]
fn everything_wrong_is_told_at_once() {
    let folder = Folder::new().file("users.csv", FAULTY_USERS);
    insta::assert_snapshot!(folder.run("check users.csv --against managed/user").refused(), @"
    Checked as if nothing of managed/user were stored yet. The records would be:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        2        0          0       2            0      4  0.0 s          -

    2 records of users.csv would fail:
      requirement                 property             records  example
      VALID_EMAIL_ADDRESS_FORMAT  mail                       1  row 3: 'nowhere' is not an e-mail address
      VALID_TYPE                  preferences/updates        1  row 5: 'maybe' is not true or false
      REQUIRED                    sn                         1  row 5: a value is required

    Next: correct the records. With --failures OUT.csv they are written to a file of their own.
    ");
    insta::assert_snapshot!(folder.run("check users.csv --against managed/user --failures wrong.csv").refused(), @"
    Checked as if nothing of managed/user were stored yet. The records would be:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        2        0          0       2            0      4  0.0 s          -

    2 records of users.csv would fail:
      requirement                 property             records  example
      VALID_EMAIL_ADDRESS_FORMAT  mail                       1  row 3: 'nowhere' is not an e-mail address
      VALID_TYPE                  preferences/updates        1  row 5: 'maybe' is not true or false
      REQUIRED                    sn                         1  row 5: a value is required

    Next: correct wrong.csv, which has the 2 failed records of users.csv and the reasons, and import it.
    ");
    assert!(folder.read("wrong.csv").contains("scarter,Sam,Carter,nowhere,false,"));
}

#[test]
fn objects_that_exist_do_not_matter() {
    let folder = Folder::new()
        .file("users.csv", USERS)
        .after("import users.csv --into managed/user --unique userName")
        .file("names.csv", "userName,sn\nbjensen,Jensen\n");
    let checked = folder.run("check names.csv --against managed/user --json").json();
    assert_eq!(checked[0]["failure"], 1, "a new object would need more");
    assert_eq!(checked[0]["dryRun"], true);
}

#[test]
fn a_definition_can_be_a_file() {
    let all = format!(r#"{{"objects": [{EMPLOYEE}, {{"name": "other", "schema": {{}}}}]}}"#);
    let folder = Folder::new()
        .file("employee.json", EMPLOYEE)
        .file("managed.json", all)
        .file("staff.csv", "number,name,since\n1,Zoë,01/02/2024\n1.5,Al,02/02/2024\n1,Bo,03/02/2024\n");
    let command = "check staff.csv --date-format dd/MM/yyyy --against";
    insta::assert_snapshot!(folder.run(&format!("{command} employee.json")).refused(), @"
    Checked as if nothing of managed/employee were stored yet. The records would be:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    staff.csv        1        0          0       2            0      3  0.0 s          -

    2 records of staff.csv would fail:
      requirement  property  records  example
      VALID_TYPE   number          1  row 3: '1.5' is not an integer: digits only, without a fraction or an exponent
      UNIQUE       number          1  row 4: '1' is taken: an earlier record of this file has it

    Next: correct the records. With --failures OUT.csv they are written to a file of their own.
    ");
    let _ = folder.run(&format!("{command} managed.json#employee")).refused();
    insta::assert_snapshot!(folder.run(&format!("{command} managed.json")).failed(), @"
    --- stderr ---
    rollbook: managed.json: choose one of its object types, as in --against managed.json#NAME: employee, other
    ");
    insta::assert_snapshot!(folder.run(&format!("{command} managed.json#emploee")).failed(), @"
    --- stderr ---
    rollbook: managed.json: there is no object type 'emploee' in it; there are: employee, other
    ");
    insta::assert_snapshot!(folder.run(&format!("{command} managed.json#other")).failed(), @"
    --- stderr ---
    rollbook: managed/other has no properties of its own: say with --unique which column tells objects apart
    ");
    insta::assert_snapshot!(folder.run(&format!("{command} employe")).failed(), @"
    --- stderr ---
    rollbook: 'employe' is neither a name of an object type, managed/NAME, nor a file with a definition
    ");
    let _ = folder.run(&format!("{command} managed.json#other --unique number")).refused();
}

#[test]
fn types_of_the_installation_are_used() {
    let folder = Folder::new()
        .file("employee.json", EMPLOYEE)
        .file("staff.csv", "number\n1\n")
        .after("types apply employee.json");
    let _ = folder.run("check staff.csv --against managed/employee").success();
    insta::assert_snapshot!(folder.run("check staff.csv --against managed/stranger").failed(), @"
    --- stderr ---
    rollbook: there is no object type 'managed/stranger'; there are managed/assignment, managed/employee, managed/px_account, managed/px_user, managed/role, managed/user
    ");
}

#[test]
fn other_separators_and_encodings_are_told() {
    let folder = Folder::new()
        .file("semicolons.csv", "userName;givenName;sn\nbjensen;Barbara;Jensen\n")
        .file("latin1.csv", b"userName,givenName,sn,mail\nbjensen,J\xfcrgen,Jensen,b@example.com\n");
    insta::assert_snapshot!(folder.run("check semicolons.csv --against managed/user").refused(), @"
    --- stderr ---
    rollbook: semicolons.csv, row 1: the header does not fit managed/user:
      the header 'userName;givenName;sn' seems to be separated by ';': columns are separated by commas
    ");
    insta::assert_snapshot!(folder.run("check latin1.csv --against managed/user").refused(), @"
    Checked as if nothing of managed/user were stored yet. The records would be:

    file        created  updated  unchanged  failed  unprocessed  total   time  records/s
    latin1.csv        0        0          0       0            0      0  0.0 s          -
    --- stderr ---
    rollbook: latin1.csv, row 2, column 'givenName': byte 0xFC at offset 36 of the file is not UTF-8: looks like Windows-1252 ('ü'); save the file as CSV UTF-8
    ");
}

#[test]
fn a_template_is_a_file_to_fill_in() {
    let folder = Folder::new();
    insta::assert_snapshot!(folder.run("template managed/user").success(), @r#""userName","givenName","sn","mail","description","accountStatus","telephoneNumber","postalAddress","city","postalCode","country","stateProvince","preferences/updates","preferences/marketing""#);
    insta::assert_snapshot!(folder.run("template managed/user --json").success(), @r#"{"_id":"template","header":"\"userName\",\"givenName\",\"sn\",\"mail\",\"description\",\"accountStatus\",\"telephoneNumber\",\"postalAddress\",\"city\",\"postalCode\",\"country\",\"stateProvince\",\"preferences/updates\",\"preferences/marketing\""}"#);
    insta::assert_snapshot!(folder.run("template managed/people").failed(), @"
    --- stderr ---
    rollbook: there is no object type 'managed/people'; there are managed/user, managed/role, managed/assignment, managed/px_user, managed/px_account
    ");
}
