//! `rollbook import`.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::{FAULTY_USERS, IMPORT_USERS, USERS};
use crate::harness::Folder;

#[test]
fn people_are_created() {
    let folder = Folder::new().file("users.csv", USERS);
    insta::assert_snapshot!(folder.run(IMPORT_USERS).success(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        4        0          0       0            0      4  0.0 s          -
    ");
}

#[test]
fn the_same_file_again_changes_nothing() {
    let folder = Folder::new().file("users.csv", USERS).after(IMPORT_USERS);
    insta::assert_snapshot!(folder.run(IMPORT_USERS).success(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        0        0          4       0            0      4  0.0 s          -
    ");
    let folder = folder.file("users.csv", USERS.replace("Sam,", "Samantha,"));
    insta::assert_snapshot!(folder.run(IMPORT_USERS).success(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        0        1          3       0            0      4  0.0 s          -
    ");
}

#[test]
fn what_is_wrong_is_told_and_the_rest_goes_in() {
    let folder = Folder::new().file("users.csv", FAULTY_USERS);
    insta::assert_snapshot!(folder.run(IMPORT_USERS).refused(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        2        0          0       2            0      4  0.0 s          -

    2 records of users.csv failed:
      requirement                 property             records  example
      VALID_EMAIL_ADDRESS_FORMAT  mail                       1  row 3: 'nowhere' is not an e-mail address
      VALID_TYPE                  preferences/updates        1  row 5: 'maybe' is not true or false
      REQUIRED                    sn                         1  row 5: a value is required

    Next: rollbook imports failures 00000000-0000-0000-0000-000000000000 --out failed.csv
          Correct the records in that file and import it.
    ");
}

#[test]
fn failures_are_written_corrected_and_imported() {
    let folder = Folder::new().file("users.csv", FAULTY_USERS);
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --failures failed.csv")).refused(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        2        0          0       2            0      4  0.0 s          -

    2 records of users.csv failed:
      requirement                 property             records  example
      VALID_EMAIL_ADDRESS_FORMAT  mail                       1  row 3: 'nowhere' is not an e-mail address
      VALID_TYPE                  preferences/updates        1  row 5: 'maybe' is not true or false
      REQUIRED                    sn                         1  row 5: a value is required

    Next: correct failed.csv, which has the 2 failed records of users.csv and the reasons, and import it.
    ");
    let failed = folder.read("failed.csv");
    insta::assert_snapshot!(failed, @r#"
    userName,givenName,sn,mail,preferences/updates,_importError
    scarter,Sam,Carter,nowhere,false,"{code=403, reason=Forbidden, message=Policy validation failed, detail={result=false, failedPolicyRequirements=[{policyRequirements=[{policyRequirement=VALID_EMAIL_ADDRESS_FORMAT}], property=mail}]}}"
    awhite,Alan,,awhite@example.com,maybe,"{code=403, reason=Forbidden, message=Policy validation failed, detail={result=false, failedPolicyRequirements=[{policyRequirements=[{policyRequirement=VALID_TYPE, params={invalidType=string, validTypes=[boolean]}}], property=preferences/updates}, {policyRequirements=[{policyRequirement=REQUIRED}], property=sn}]}}"
    "#);
    let corrected =
        failed.replace("nowhere", "scarter@example.com").replace("Alan,,", "Alan,White,").replace("maybe", "true");
    let folder = folder.file("failed.csv", corrected);
    insta::assert_snapshot!(folder.run("import failed.csv --into managed/user --unique userName").success(), @"
    Import into managed/user:

    file        created  updated  unchanged  failed  unprocessed  total   time  records/s
    failed.csv        2        0          0       0            0      2  0.0 s          -
    ");
}

#[test]
fn no_failures_no_file() {
    let folder = Folder::new().file("users.csv", USERS);
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --failures failed.csv")).success(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        4        0          0       0            0      4  0.0 s          -

    No record failed, so 'failed.csv' was not written.
    ");
    assert_eq!(folder.names(), ["rollbook-data", "users.csv"]);
}

#[test]
fn a_failures_file_has_a_place_or_nothing_is_imported() {
    let folder = Folder::new().file("users.csv", FAULTY_USERS);
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --failures out/failed.csv")).failed(), @"
    --- stderr ---
    rollbook: 'out/failed.csv' cannot be written: there is no such folder
    ");
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --failures users.csv")).failed(), @"
    --- stderr ---
    rollbook: 'users.csv' is itself imported: write its failures to another file
    ");
    assert_eq!(folder.names(), ["users.csv"]);
}

#[test]
fn formulas_are_guarded_on_the_way_out_and_unguarded_on_the_way_in() {
    let users = "userName,givenName,sn,mail,telephoneNumber\nbjensen,=Barbara,Jensen,none,+1 555\n";
    let folder = Folder::new().file("users.csv", users);
    let _ = folder.run(&format!("{IMPORT_USERS} --failures failed.csv")).refused();
    let failed = folder.read("failed.csv");
    assert!(failed.contains("bjensen,'=Barbara,Jensen,none,'+1 555,"), "{failed}");
    let folder = folder
        .file("failed.csv", failed.replace("none", "b@example.com"))
        .after("import failed.csv --into managed/user --unique userName");
    let objects = folder.run("objects list managed/user --json").json();
    assert_eq!(objects[0]["givenName"], "=Barbara");
    assert_eq!(objects[0]["telephoneNumber"], "+1 555");
}

#[test]
fn several_files_are_imported_in_order() {
    let folder = Folder::new()
        .file("users.csv", USERS)
        .file("changes.csv", "userName,mail\nbjensen,barbara@example.com\nscarter,nowhere\n")
        .file("more.csv", "userName,mail\njdoe,\n");
    let command = "import users.csv changes.csv more.csv --into managed/user --unique userName --failures failed.csv";
    insta::assert_snapshot!(folder.run(command).refused(), @"
    Import into managed/user:

    file         created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv          4        0          0       0            0      4  0.0 s          -
    changes.csv        0        1          0       1            0      2  0.0 s          -
    more.csv           0        0          0       1            0      1  0.0 s          -

    1 record of changes.csv failed:
      requirement                 property  records  example
      VALID_EMAIL_ADDRESS_FORMAT  mail            1  row 3: 'nowhere' is not an e-mail address

    Next: correct failed-2.csv, which has the 1 failed record of changes.csv and the reasons, and import it.

    1 record of more.csv failed:
      requirement  property  records  example
      REQUIRED     mail            1  row 2: a value is required

    Next: correct failed-3.csv, which has the 1 failed record of more.csv and the reasons, and import it.
    ");
    assert_eq!(
        folder.names(),
        ["changes.csv", "failed-2.csv", "failed-3.csv", "more.csv", "rollbook-data", "users.csv"]
    );
    assert!(folder.read("failed-2.csv").starts_with("userName,mail,_importError\r\nscarter,nowhere,"));
}

#[test]
fn one_bad_header_and_no_file_is_imported() {
    let folder = Folder::new()
        .file("users.csv", USERS)
        .file("others.csv", "userNmae,givenName,sn,mial,password,,sn\nx,X,X,x@example.com,secret,,\n");
    let command = "import users.csv others.csv --into managed/user --unique userName";
    insta::assert_snapshot!(folder.run(command).refused(), @"
    --- stderr ---
    rollbook: others.csv, row 1: the header does not fit managed/user:
      unknown column 'userNmae' (column 1) (did you mean 'userName'?)
      unknown column 'mial' (column 4) (did you mean 'mail'?)
      column 'password' (column 5) is private and cannot be imported
      column 6 has no name
      column 'sn' stands twice (columns 3 and 7)
      missing column 'userName' (is it 'userNmae'?)
    ");
    assert!(folder.run("imports list --json").json().is_empty());
}

#[test]
fn a_damaged_file_is_refused_as_a_whole() {
    let folder = Folder::new().file("users.csv", format!("{USERS}mscott,\"Michael,Scott,m@example.com,\n"));
    insta::assert_snapshot!(folder.run(IMPORT_USERS).refused(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        0        0          0       0            0      0  0.0 s          -
    --- stderr ---
    rollbook: users.csv, row 6, column 'givenName': the quote that opens column 2, in line 6 of the file, is never closed
    rollbook: nothing of users.csv was imported
    ");
    assert!(folder.run("objects list managed/user --json").json().is_empty());
}

#[test]
fn what_is_not_there_is_the_operators_mistake() {
    let folder = Folder::new().file("users.csv", USERS);
    insta::assert_snapshot!(folder.run("import missing.csv --into managed/user --unique userName").failed(), @"
    --- stderr ---
    rollbook: missing.csv: there is no such file
    ");
    insta::assert_snapshot!(folder.run("import users.csv --into managed/people --unique userName").failed(), @"
    --- stderr ---
    rollbook: users.csv: there is no object type 'managed/people'; there are managed/assignment, managed/px_account, managed/px_user, managed/role, managed/user
    ");
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --date-format dd.mm.yyyy")).failed(), @"
    --- stderr ---
    rollbook: 'dd.mm.yyyy' is not a date format: month is MM, mm is minutes
    ");
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --duplicates last-wins")).failed(), @"
    --- stderr ---
    rollbook: 'last wins' for duplicate keys goes with atomic imports only
    ");
    insta::assert_snapshot!(folder.run("import - - --into managed/user --unique userName").failed(), @"
    --- stderr ---
    rollbook: standard input, '-', can be read once only
    ");
    assert!(folder.run("imports list --json").json().is_empty());
}

#[test]
fn a_dry_run_changes_nothing_and_predicts_the_run() {
    let folder = Folder::new().file("users.csv", FAULTY_USERS);
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --dry-run")).refused(), @"
    Dry run: nothing was changed. The records would be:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        2        0          0       2            0      4  0.0 s          -

    2 records of users.csv would fail:
      requirement                 property             records  example
      VALID_EMAIL_ADDRESS_FORMAT  mail                       1  row 3: 'nowhere' is not an e-mail address
      VALID_TYPE                  preferences/updates        1  row 5: 'maybe' is not true or false
      REQUIRED                    sn                         1  row 5: a value is required

    Next: rollbook imports failures 00000000-0000-0000-0000-000000000000 --out failed.csv
          Correct the records in that file and import it.
    ");
    assert!(folder.run("objects list managed/user --json").json().is_empty());
    let counts = |command: &str| {
        let import = folder.run(&format!("{command} --json")).json().remove(0);
        ["total", "created", "updated", "unchanged", "failure", "unprocessed"].map(|name| import[name].clone())
    };
    let predicted = counts(&format!("{IMPORT_USERS} --dry-run"));
    assert_eq!(counts(IMPORT_USERS), predicted);
    let predicted = counts(&format!("{IMPORT_USERS} --dry-run"));
    assert_eq!(counts(IMPORT_USERS), predicted);
}

#[test]
fn a_good_dry_run_can_be_applied() {
    let folder = Folder::new().file("users.csv", USERS);
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --dry-run")).success(), @"
    Dry run: nothing was changed. The records would be:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        4        0          0       0            0      4  0.0 s          -

    Next: rollbook imports apply 00000000-0000-0000-0000-000000000000
          It imports exactly what was looked at, for 24 hours from now.
    ");
    let id = folder.last_import();
    // What becomes of the file does not matter any more.
    let folder = folder.file("users.csv", "");
    insta::assert_snapshot!(folder.run(&format!("imports apply {id}")).success(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        4        0          0       0            0      4  0.0 s          -
    ");
    insta::assert_snapshot!(folder.run(&format!("imports apply {}", folder.last_import())).failed(), @"
    --- stderr ---
    rollbook: import 00000000-0000-0000-0000-000000000000 cannot be applied: it was not a dry run
    ");
}

#[test]
fn a_dry_run_whose_bytes_are_gone_cannot_be_applied() {
    let folder = Folder::new().file("users.csv", USERS).after(&format!("{IMPORT_USERS} --dry-run"));
    let id = folder.last_import();
    let (spooled, apply) = (folder.path(&format!("rollbook-data/spool/{id}.csv")), format!("imports apply {id}"));
    fs::write(&spooled, &USERS[..40]).unwrap();
    let cut = folder.run(&apply).failed();
    fs::remove_file(&spooled).unwrap();
    let removed = folder.run(&apply).failed();
    assert_eq!(cut, removed);
    insta::assert_snapshot!(removed, @"
    --- stderr ---
    rollbook: import 00000000-0000-0000-0000-000000000000 cannot be applied: its bytes are gone; import the file again
    ");
    // That nobody asked for them in time is not noted of those that are lost.
    folder.look().age_end(&id);
    insta::assert_snapshot!(folder.run(&apply).failed(), @"
    --- stderr ---
    rollbook: import 00000000-0000-0000-0000-000000000000 cannot be applied: its bytes are kept for 24 hours and are gone; import the file again
    ");
    // Nor before those that are there are swept away.
    fs::write(&spooled, USERS).unwrap();
    insta::assert_snapshot!(folder.run(&apply).failed(), @"
    --- stderr ---
    rollbook: import 00000000-0000-0000-0000-000000000000 cannot be applied: its bytes are kept for 24 hours and are gone; import the file again
    ");
}

#[test]
fn atomic_means_all_or_nothing() {
    let folder = Folder::new().file("users.csv", FAULTY_USERS);
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --atomic")).refused(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        0        0          0       2            2      4  0.0 s          -

    2 records of users.csv failed:
      requirement                 property             records  example
      VALID_EMAIL_ADDRESS_FORMAT  mail                       1  row 3: 'nowhere' is not an e-mail address
      VALID_TYPE                  preferences/updates        1  row 5: 'maybe' is not true or false
      REQUIRED                    sn                         1  row 5: a value is required

    Next: rollbook imports failures 00000000-0000-0000-0000-000000000000 --out failed.csv
          Correct the records in that file and import it.
    --- stderr ---
    rollbook: users.csv: 2 records are wrong, so nothing of the file was imported
    ");
    assert!(folder.run("objects list managed/user --json").json().is_empty());
    let folder = folder.file("users.csv", USERS);
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --atomic")).success(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        4        0          0       0            0      4  0.0 s          -
    ");
}

#[test]
fn the_last_of_equal_keys_can_win() {
    let folder = Folder::new().file("users.csv", format!("{USERS}bjensen,Babs,Jensen,babs@example.com,\n"));
    let printed = folder.run(&format!("{IMPORT_USERS} --atomic --duplicates last-wins")).success();
    assert!(printed.contains("have the same userName 'bjensen': the last one counts"), "{printed}");
    let objects = folder.run("objects list managed/user --json").json();
    assert!(objects.iter().any(|object| object["givenName"] == "Babs"), "{objects:?}");
}

#[test]
fn equal_keys_fail_otherwise() {
    let folder = Folder::new().file("users.csv", format!("{USERS}bjensen,Babs,Jensen,babs@example.com,\n"));
    insta::assert_snapshot!(folder.run(IMPORT_USERS).refused(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        4        0          0       1            0      5  0.0 s          -

    1 record of users.csv failed:
      requirement  property  records  example
      UNIQUE       userName        1  row 6: 'bjensen' is taken: an earlier record of this file has it

    Next: rollbook imports failures 00000000-0000-0000-0000-000000000000 --out failed.csv
          Correct the records in that file and import it.
    ");
}

#[test]
fn an_empty_cell_clears_or_keeps() {
    let blank = USERS.replace("bjensen@example.com,true", "bjensen@example.com,");
    let folder = Folder::new().file("users.csv", USERS).after(IMPORT_USERS).file("users.csv", blank);
    let updates = || folder.run("objects list managed/user --json").json()[0]["preferences"]["updates"].clone();
    let _ = folder.run(&format!("{IMPORT_USERS} --blank keep")).success();
    assert_eq!(updates(), json!(true));
    let _ = folder.run(&format!("{IMPORT_USERS} --blank clear")).success();
    assert_eq!(updates(), json!(null));
}

#[test]
fn dates_come_in_the_formats_that_are_named() {
    let folder = Folder::new().file("px.csv", "id,signUpDate\n1,24.12.2025\n2,2025-12-25\n3,Christmas\n");
    let command = "import px.csv --into managed/px_user --unique id --date-format dd.MM.yyyy --date-format yyyy-MM-dd";
    insta::assert_snapshot!(folder.run(command).refused(), @"
    Import into managed/px_user:

    file    created  updated  unchanged  failed  unprocessed  total   time  records/s
    px.csv        2        0          0       1            0      3  0.0 s          -

    1 record of px.csv failed:
      requirement     property    records  example
      VALID_DATETIME  signUpDate        1  row 4: 'Christmas' is not a date in dd.MM.yyyy or yyyy-MM-dd (day expected, 'Christmas' found)

    Next: rollbook imports failures 00000000-0000-0000-0000-000000000000 --out failed.csv
          Correct the records in that file and import it.
    ");
    let objects = folder.run("objects list managed/px_user --json").json();
    assert_eq!(objects[0]["signUpDate"], "2025-12-24T00:00:00Z");
    assert_eq!(objects[1]["signUpDate"], "2025-12-25T00:00:00Z");
}

#[test]
fn too_many_records_are_refused() {
    let folder = Folder::new().file("users.csv", USERS);
    insta::assert_snapshot!(folder.run(&format!("{IMPORT_USERS} --max-records 3")).refused(), @"
    Import into managed/user:

    file       created  updated  unchanged  failed  unprocessed  total   time  records/s
    users.csv        0        0          0       0            4      4  0.0 s          -
    --- stderr ---
    rollbook: users.csv: the file has 4 records, and 3 are allowed
    rollbook: nothing of users.csv was imported
    ");
    let _ = folder.run(&format!("{IMPORT_USERS} --max-records 4")).success();
}

#[test]
fn standard_input_is_a_file_too() {
    let folder = Folder::new().stdin(USERS);
    insta::assert_snapshot!(folder.run("import - --into managed/user --unique userName").success(), @"
    Import into managed/user:

    file            created  updated  unchanged  failed  unprocessed  total   time  records/s
    standard input        4        0          0       0            0      4  0.0 s          -
    ");
}

#[test]
fn several_properties_find_an_object() {
    let folder = Folder::new().file("users.csv", USERS).after("import users.csv --into managed/user --unique mail,sn");
    let imported = folder.run("import users.csv --into managed/user --unique /sn,mail --json").json();
    assert_eq!(imported[0]["unchanged"], 4);
}

#[test]
fn programs_get_the_metadata_record() {
    let folder = Folder::new().file("users.csv", USERS).file("more.csv", "userName\n\"\"\n");
    let imports = folder.run("import users.csv more.csv --into managed/user --unique userName --json").json();
    assert_eq!(imports.len(), 2);
    let mut first = imports[0].clone();
    for (name, steady) in [("_id", "ID"), ("_rev", "REV"), ("reconId", "RECON"), ("begin", "BEGIN"), ("end", "END")] {
        assert!(first[name].is_string(), "{first}");
        first[name] = steady.into();
    }
    insta::assert_snapshot!(format!("{first:#}"), @r#"
    {
      "_id": "ID",
      "_rev": "REV",
      "header": [
        "userName",
        "givenName",
        "sn",
        "mail",
        "preferences/updates"
      ],
      "reconId": "RECON",
      "filename": "users.csv",
      "resourcePath": "managed/user",
      "total": 4,
      "success": 4,
      "failure": 0,
      "created": 4,
      "updated": 0,
      "unchanged": 0,
      "begin": "BEGIN",
      "end": "END",
      "cancelled": false,
      "importDeleted": false,
      "tempRecords": 0,
      "purgedTempRecords": true,
      "purgedErrorRecords": false,
      "authId": "barbara",
      "authzComponent": "cli",
      "state": "finished",
      "unprocessed": 0,
      "origin": "cli",
      "dryRun": false
    }
    "#);
    assert_eq!(imports[1]["filename"], "more.csv");
    assert_eq!(imports[1]["failure"], 1);
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let folder = Folder::new().file("users.csv", "userName,givenName,sn,mail\nx,X,X,\x1b[2Jnone\n");
    let printed = folder.run(IMPORT_USERS).refused();
    assert!(!printed.contains('\x1b') && printed.contains("'\\u{1b}[2Jnone'"), "{printed}");
}

#[test]
fn what_was_left_behind_is_taken_up_first() {
    let folder = Folder::new().file("users.csv", USERS);
    let _ = folder.leave_running("users.csv");
    let folder = folder.file("more.csv", "userName,givenName,sn,mail\nmscott,Michael,Scott,m@example.com\n");
    insta::assert_snapshot!(folder.run("import more.csv --into managed/user --unique userName").success(), @"
    Import into managed/user:

    file      created  updated  unchanged  failed  unprocessed  total   time  records/s
    more.csv        1        0          0       0            0      1  0.0 s          -
    --- stderr ---
    rollbook: continuing import 00000000-0000-0000-0000-000000000000 of users.csv first
    rollbook: import 00000000-0000-0000-0000-000000000000 of users.csv is finished: 4 records in, 0 failed
    ");
}

#[test]
fn two_processes_take_turns() {
    let folder = Folder::new().file("users.csv", USERS).after(IMPORT_USERS);
    let busy = folder.busy();
    let imports = thread::scope(|scope| {
        let waiting = scope.spawn(|| folder.run(&format!("{IMPORT_USERS} --json")));
        wait_until_queued(&folder);
        drop(busy);
        waiting.join().unwrap().json()
    });
    assert_eq!(imports[0]["unchanged"], 4);
}

#[test]
fn an_import_can_be_cancelled_by_somebody_else() {
    let folder = Folder::new().file("users.csv", USERS);
    let busy = folder.busy();
    let printed = thread::scope(|scope| {
        let waiting = scope.spawn(|| folder.run(IMPORT_USERS));
        wait_until_queued(&folder);
        let cancelled = folder.run(&format!("imports cancel {}", folder.last_import())).success();
        insta::assert_snapshot!(cancelled, @"import 00000000-0000-0000-0000-000000000000 is cancelled");
        drop(busy);
        waiting.join().unwrap().failed()
    });
    assert!(printed.contains("rollbook: users.csv: the import was cancelled"), "{printed}");
    assert!(folder.run("objects list managed/user --json").json().is_empty());
}

fn wait_until_queued(folder: &Folder) {
    let is_queued =
        || folder.run("imports list --json").json().last().is_some_and(|import| import["state"] == "queued");
    let waited = (0..1000).any(|_| {
        thread::sleep(Duration::from_millis(10));
        is_queued()
    });
    assert!(waited, "nothing was queued");
}

#[test]
fn what_to_do_next_can_be_typed_as_it_stands() {
    let folder = Folder::new().file("users.csv", FAULTY_USERS);
    let printed = folder.run(&format!("{IMPORT_USERS} --data elsewhere")).refused();
    let next = printed.lines().find_map(|line| line.strip_prefix("Next: rollbook ")).unwrap();
    let id = folder.run("imports list --data elsewhere --json").json()[0]["_id"].as_str().unwrap().to_owned();
    let _ = folder.run(&next.replace("00000000-0000-0000-0000-000000000000", &id)).success();
    assert!(folder.read("failed.csv").starts_with("userName,"));
}
