//! `rollbook imports`.

use super::{FAULTY_USERS, IMPORT_USERS, USERS};
use crate::harness::Folder;

/// After one import with failures.
fn after_failures() -> (Folder, String) {
    let folder = Folder::new().file("users.csv", FAULTY_USERS);
    let _ = folder.run(IMPORT_USERS).refused();
    let id = folder.last_import();
    (folder, id)
}

#[test]
fn imports_are_listed_the_newest_last() {
    let (folder, _) = after_failures();
    let folder = folder.file("users.csv", USERS).after(&format!("{IMPORT_USERS} --dry-run"));
    insta::assert_snapshot!(folder.run("imports list").success(), @"
    begin (UTC)          id                                    file       into          state               total  created  updated  unchanged  failed
    2026-02-28 17:05:00  00000000-0000-0000-0000-000000000000  users.csv  managed/user  finished                4        2        0          0       2
    2026-02-28 17:05:00  00000000-0000-0000-0000-000000000000  users.csv  managed/user  finished (dry run)      4        2        0          2       0
    ");
}

#[test]
fn an_import_shows_everything() {
    let (folder, id) = after_failures();
    insta::assert_snapshot!(folder.run(&format!("imports show {id}")).success(), @"
    id           00000000-0000-0000-0000-000000000000
    file         users.csv
    into         managed/user
    unique       userName
    state        finished
    begin        2026-02-28T17:05:00.000Z
    end          2026-02-28T17:05:00.000Z, after 0.0 s
    by           barbara
    columns      userName, givenName, sn, mail, preferences/updates
    created      2
    updated      0
    unchanged    0
    failed       2
    unprocessed  0
    total        4

    2 records of users.csv failed:
      requirement                 property             records  example
      VALID_EMAIL_ADDRESS_FORMAT  mail                       1  row 3: 'nowhere' is not an e-mail address
      VALID_TYPE                  preferences/updates        1  row 5: 'maybe' is not true or false
      REQUIRED                    sn                         1  row 5: a value is required
    ");
    let shown = folder.run(&format!("imports show {id} --json")).json();
    assert_eq!(shown, folder.run("imports list --json").json());
}

#[test]
fn a_refused_import_shows_why() {
    let folder = Folder::new().file("users.csv", FAULTY_USERS);
    let _ = folder.run(&format!("{IMPORT_USERS} --atomic")).refused();
    insta::assert_snapshot!(folder.run(&format!("imports show {}", folder.last_import())).success(), @"
    id           00000000-0000-0000-0000-000000000000
    file         users.csv
    into         managed/user
    unique       userName
    state        failed
    problem      users.csv: 2 records are wrong, so nothing of the file was imported
    begin        2026-02-28T17:05:00.000Z
    end          2026-02-28T17:05:00.000Z, after 0.0 s
    by           barbara
    columns      userName, givenName, sn, mail, preferences/updates
    created      0
    updated      0
    unchanged    0
    failed       2
    unprocessed  2
    total        4

    2 records of users.csv failed:
      requirement                 property             records  example
      VALID_EMAIL_ADDRESS_FORMAT  mail                       1  row 3: 'nowhere' is not an e-mail address
      VALID_TYPE                  preferences/updates        1  row 5: 'maybe' is not true or false
      REQUIRED                    sn                         1  row 5: a value is required
    ");
}

#[test]
fn failures_are_csv_with_the_reason() {
    let (folder, id) = after_failures();
    let failures = folder.run(&format!("imports failures {id}")).stdout();
    insta::assert_snapshot!(failures, @r#"
    userName,givenName,sn,mail,preferences/updates,_importError
    scarter,Sam,Carter,nowhere,false,"{code=403, reason=Forbidden, message=Policy validation failed, detail={result=false, failedPolicyRequirements=[{policyRequirements=[{policyRequirement=VALID_EMAIL_ADDRESS_FORMAT}], property=mail}]}}"
    awhite,Alan,,awhite@example.com,maybe,"{code=403, reason=Forbidden, message=Policy validation failed, detail={result=false, failedPolicyRequirements=[{policyRequirements=[{policyRequirement=VALID_TYPE, params={invalidType=string, validTypes=[boolean]}}], property=preferences/updates}, {policyRequirements=[{policyRequirement=REQUIRED}], property=sn}]}}"
    "#);
    let _ = folder.run(&format!("imports failures {id} --out failed.csv")).success();
    assert_eq!(folder.read("failed.csv"), failures);
    let unescaped = folder.run(&format!("imports failures {id} --escape none")).stdout();
    assert!(unescaped.starts_with("userName,givenName,sn,mail,preferences/updates,_importError,_escape\r\n"));
    insta::assert_snapshot!(folder.run(&format!("imports failures {id} --escape all")).failed(), @"
    --- stderr ---
    error: invalid value 'all' for '--escape <FOR>': 'all' is not a way to escape cells: it is 'spreadsheet' or 'none'

    For more information, try '--help'.
    ");
}

#[test]
fn cells_behind_the_last_column_are_not_lost() {
    let folder = Folder::new().file("users.csv", "userName,givenName,sn,mail\nx,X,X,x@example.com,more,and more\n");
    let _ = folder.run("import users.csv --into managed/user --unique userName").refused();
    let id = folder.run("imports list --json").json()[0]["_id"].clone();
    let failures = folder.run(&format!("imports failures {} --json", id.as_str().unwrap())).json();
    assert_eq!(failures[0]["record"]["mail"], "x@example.com");
    assert_eq!(failures[0]["surplus"], serde_json::json!(["more", "and more"]));
}

#[test]
fn failures_are_json_for_programs() {
    let (folder, id) = after_failures();
    let failures = folder.run(&format!("imports failures {id} --json")).json();
    assert_eq!(failures.len(), 2);
    insta::assert_snapshot!(format!("{:#}", failures[1]), @r#"
    {
      "row": 5,
      "record": {
        "userName": "awhite",
        "givenName": "Alan",
        "sn": "",
        "mail": "awhite@example.com",
        "preferences/updates": "maybe"
      },
      "problem": {
        "code": 403,
        "reason": "Forbidden",
        "message": "Policy validation failed",
        "detail": {
          "result": false,
          "failedPolicyRequirements": [
            {
              "policyRequirements": [
                {
                  "policyRequirement": "VALID_TYPE",
                  "params": {
                    "invalidType": "string",
                    "validTypes": [
                      "boolean"
                    ]
                  }
                }
              ],
              "property": "preferences/updates"
            },
            {
              "policyRequirements": [
                {
                  "policyRequirement": "REQUIRED"
                }
              ],
              "property": "sn"
            }
          ]
        }
      },
      "violations": [
        {
          "column": "preferences/updates",
          "property": "preferences/updates",
          "requirement": "VALID_TYPE",
          "params": {
            "invalidType": "string",
            "validTypes": [
              "boolean"
            ]
          },
          "value": "maybe",
          "type": "boolean",
          "message": "'maybe' is not true or false"
        },
        {
          "column": "sn",
          "property": "sn",
          "requirement": "REQUIRED",
          "message": "a value is required"
        }
      ]
    }
    "#);
}

#[test]
fn without_failures_nothing_is_written() {
    let folder = Folder::new().file("users.csv", USERS).after(IMPORT_USERS);
    let command = format!("imports failures {} --out failed.csv", folder.last_import());
    insta::assert_snapshot!(folder.run(&command).success(), @"
    --- stderr ---
    rollbook: import 00000000-0000-0000-0000-000000000000 has no failures
    ");
    assert_eq!(folder.names(), ["rollbook-data", "users.csv"]);
}

#[test]
fn clean_up_removes_failures_for_good() {
    let (folder, id) = after_failures();
    insta::assert_snapshot!(folder.run(&format!("imports cleanup {id}")).success(), @"import 00000000-0000-0000-0000-000000000000 is cleaned up");
    assert_eq!(folder.run(&format!("imports failures {id} --json")).json().len(), 2);
    let _ = folder.run(&format!("imports cleanup {id} --errors")).success();
    insta::assert_snapshot!(folder.run(&format!("imports failures {id}")).failed(), @"
    --- stderr ---
    rollbook: the failures of import 00000000-0000-0000-0000-000000000000 were removed
    ");
    let shown = folder.run(&format!("imports show {id} --json")).json();
    assert_eq!((&shown[0]["purgedErrorRecords"], &shown[0]["failure"]), (&true.into(), &2.into()));
}

#[test]
fn a_deleted_import_leaves_its_objects() {
    let (folder, id) = after_failures();
    insta::assert_snapshot!(folder.run(&format!("imports delete {id}")).success(), @"the record of import 00000000-0000-0000-0000-000000000000 is deleted; the objects it wrote stay");
    insta::assert_snapshot!(folder.run(&format!("imports show {id}")).failed(), @"
    --- stderr ---
    rollbook: there is no import '00000000-0000-0000-0000-000000000000'
    ");
    insta::assert_snapshot!(folder.run("imports list").success(), @"
    --- stderr ---
    rollbook: there are no imports
    ");
    assert_eq!(folder.run("objects list managed/user --json").json().len(), 2);
}

#[test]
fn what_is_over_cannot_be_cancelled() {
    let (folder, id) = after_failures();
    insta::assert_snapshot!(folder.run(&format!("imports cancel {id}")).success(), @"import 00000000-0000-0000-0000-000000000000 is over already: finished");
}

#[test]
fn what_nobody_runs_is_cancelled_at_once() {
    let folder = Folder::new().file("users.csv", USERS);
    let id = folder.leave_running("users.csv");
    insta::assert_snapshot!(folder.run(&format!("imports delete {id}")).failed(), @"
    --- stderr ---
    rollbook: import 00000000-0000-0000-0000-000000000000 is not over and cannot be deleted: cancel it first
    ");
    insta::assert_snapshot!(folder.run(&format!("imports cancel {id}")).success(), @"import 00000000-0000-0000-0000-000000000000 is cancelled");
    let shown = folder.run(&format!("imports show {id} --json")).json().remove(0);
    assert_eq!((&shown["cancelled"], &shown["cancelledBy"]), (&true.into(), &"barbara".into()));
    insta::assert_snapshot!(folder.run(&format!("imports show {id}")).success(), @"
    id            00000000-0000-0000-0000-000000000000
    file          users.csv
    into          managed/user
    unique        userName
    state         cancelled
    cancelled by  barbara
    begin         2026-02-28T17:05:00.000Z
    end           2026-02-28T17:05:00.000Z, after 0.0 s
    by            barbara
    columns       userName, givenName, sn, mail, preferences/updates
    created       0
    updated       0
    unchanged     0
    failed        0
    unprocessed   0
    total         0
    ");
}
