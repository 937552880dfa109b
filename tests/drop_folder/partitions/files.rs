//! What becomes of the files of a partition.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::{POLL, at, dropped, first_name, imported, imports, lying, named, notices, put, status, users};
use crate::dropping::{drop_file, mark};

#[test]
fn each_file_stands_alone() {
    let folder = users("");
    put(&folder, "20210228", "bad.csv.gz", "id,firstName,score\n2,Grace,many\n");
    put(&folder, "20210228", "good.csv.gz", &named("Ada"));
    mark(&folder, "users_import", "20210228");
    let _ = folder.run(POLL).refused();
    insta::assert_snapshot!(status(&folder, "20210228"), @r"
    ERROR
    1 records were uploaded
    bad.csv.gz: ERROR
    Parsing Errors:[
           Invalid Number value 'many' for Column 'score' at row 2
    ]
    good.csv.gz: SUCCESS, 1 records were uploaded
    ");
    insta::assert_snapshot!(lying(&folder), @r"
    processed/20210228/_SUCCESS
    processed/20210228/bad.csv.gz
    processed/20210228/bad.csv.gz.errors.csv
    processed/20210228/good.csv.gz
    processed/20210228/status.json
    processed/20210228/status.txt
    ");
    insta::assert_snapshot!(folder.read(&at("processed/20210228/bad.csv.gz.errors.csv")), @r#"
    id,firstName,score,_importError
    2,Grace,many,"{code=403, reason=Forbidden, message=Policy validation failed, detail={result=false, failedPolicyRequirements=[{policyRequirements=[{policyRequirement=VALID_TYPE, params={invalidType=string, validTypes=[number]}}], property=score}]}}"
    "#);
    assert_eq!(first_name(&folder), "Ada");
    // Corrected, the failed records come in as they are.
    let corrected = folder.read(&at("processed/20210228/bad.csv.gz.errors.csv")).replace("many", "7");
    put(&folder, "20210301", "corrected.csv.gz", &corrected);
    mark(&folder, "users_import", "20210301");
    let _ = folder.run(POLL).success();
    assert_eq!(status(&folder, "20210301"), "SUCCESS\n1 records were uploaded\n");
}

#[test]
fn a_refused_file_stops_the_others_where_that_is_wished() {
    let folder = users("stop_on_error = true");
    for (name, csv) in [("1.csv.gz", named("Ada")), ("2.csv.gz", "id,nmae\n".to_owned()), ("3.csv.gz", named("Grace"))]
    {
        put(&folder, "20210228", name, &csv);
    }
    mark(&folder, "users_import", "20210228");
    let _ = folder.run(POLL).refused();
    insta::assert_snapshot!(status(&folder, "20210228"), @r"
    ERROR
    1 records were uploaded
    1.csv.gz: SUCCESS, 1 records were uploaded
    2.csv.gz: ERROR
    Parsing Errors:[
           Unknown PX Column: 'nmae'
    ]
    3.csv.gz: ERROR, Not imported, because '2.csv.gz' was refused
    ");
    assert_eq!(imported(&folder), ["20210228/1.csv.gz", "20210228/2.csv.gz"]);
    insta::assert_snapshot!(lying(&folder), @r"
    processed/20210228/1.csv.gz
    processed/20210228/2.csv.gz
    processed/20210228/3.csv.gz
    processed/20210228/_SUCCESS
    processed/20210228/status.json
    processed/20210228/status.txt
    ");
    assert_eq!(first_name(&folder), "Ada");
    dropped(&folder, "20210301", &named("Joan"));
    let _ = folder.run(POLL).success();
    assert_eq!(first_name(&folder), "Joan", "another date is another matter");
}

#[test]
fn what_is_no_data_is_never_taken_for_data() {
    let folder = users("");
    for name in ["_users.csv.gz", ".users.csv.gz.crc", ".DS_Store", "_temporary/0/part.csv.gz", "_committed_1"] {
        fs::create_dir_all(folder.path(&at(&format!("current/dt=20210228/{name}"))).parent().unwrap()).unwrap();
        fs::write(folder.path(&at(&format!("current/dt=20210228/{name}"))), "junk").unwrap();
    }
    dropped(&folder, "20210228", &named("Ada"));
    let _ = folder.run(POLL).success();
    assert_eq!(status(&folder, "20210228"), "SUCCESS\n1 records were uploaded\n");
    insta::assert_snapshot!(lying(&folder), @r"
    current/dt=20210228/.DS_Store
    current/dt=20210228/.users.csv.gz.crc
    current/dt=20210228/_committed_1
    current/dt=20210228/_temporary/0/part.csv.gz
    current/dt=20210228/_users.csv.gz
    processed/20210228/_SUCCESS
    processed/20210228/status.json
    processed/20210228/status.txt
    processed/20210228/users.csv.gz
    ");
    assert_eq!(notices(&folder), "");
}

#[test]
fn what_is_left_alone_is_shown_with_the_drop_folder() {
    let folder = users("");
    for name in ["dt=20210231", "dt=2021-02-28"] {
        fs::create_dir_all(folder.path(&at(&format!("current/{name}")))).unwrap();
    }
    let shown = || {
        let shown = folder.run("drop-folder show px-users").success();
        shown.lines().filter_map(|line| line.strip_prefix("notice").map(str::trim)).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(shown(), "");
    let _ = folder.run(POLL).success();
    insta::assert_snapshot!(shown(), @r"
    'dt=2021-02-28' in 'current' is left alone: a partition is called dt=YYYYMMDD
    'dt=20210231' in 'current' is left alone: there is no such date
    ");
    fs::remove_dir_all(folder.path(&at("current"))).unwrap();
    let _ = folder.run(POLL).success();
    assert_eq!(shown(), "");
}

#[test]
fn other_files_are_moved_along() {
    let folder = users("");
    for name in ["users.csv", "users.zip", "READ ME", "users.gz"] {
        drop_file(&folder, "users_import", "20210228", name, name);
    }
    dropped(&folder, "20210228", &named("Ada"));
    let _ = folder.run(POLL).success();
    insta::assert_snapshot!(status(&folder, "20210228"), @r"
    SUCCESS
    1 records were uploaded
    Ignored: READ ME (only *.csv.gz files are imported)
    Ignored: users.csv (only *.csv.gz files are imported)
    Ignored: users.gz (only *.csv.gz files are imported)
    Ignored: users.zip (only *.csv.gz files are imported)
    ");
    insta::assert_snapshot!(lying(&folder), @r"
    processed/20210228/READ ME
    processed/20210228/_SUCCESS
    processed/20210228/status.json
    processed/20210228/status.txt
    processed/20210228/users.csv
    processed/20210228/users.csv.gz
    processed/20210228/users.gz
    processed/20210228/users.zip
    ");
    assert_eq!(folder.read(&at("processed/20210228/READ ME")), "READ ME");
}

#[test]
fn files_with_our_own_names_are_left_alone() {
    let folder = users("");
    for name in ["status.txt", "status.json", "users.csv.gz.errors.csv"] {
        drop_file(&folder, "users_import", "20210228", name, "theirs");
    }
    dropped(&folder, "20210228", &named("Ada"));
    let _ = folder.run(POLL).success();
    assert_eq!(status(&folder, "20210228"), "SUCCESS\n1 records were uploaded\n");
    assert_eq!(folder.read(&at("current/dt=20210228/status.txt")), "theirs");
    insta::assert_snapshot!(notices(&folder), @r"
    partition 20210228: 'status.json' is left alone: a file of this name is written to 'processed'
    partition 20210228: 'status.txt' is left alone: a file of this name is written to 'processed'
    partition 20210228: 'users.csv.gz.errors.csv' is left alone: a file of this name is written to 'processed'
    ");
}

#[test]
fn what_is_no_file_is_left_alone() {
    let folder = users("");
    dropped(&folder, "20210228", &named("Ada"));
    let partition = folder.path(&at("current/dt=20210228"));
    let secret = folder.path("secret.csv.gz");
    fs::write(&secret, crate::dropping::gzip("id,firstName\n2,secret\n")).unwrap();
    symlink(&secret, partition.join("link.csv.gz")).unwrap();
    fs::create_dir(partition.join("folder.csv.gz")).unwrap();
    assert!(Command::new("mkfifo").arg(partition.join("pipe.csv.gz")).status().unwrap().success());
    insta::assert_snapshot!(notices(&folder), @r"
    partition 20210228: 'link.csv.gz' is a symbolic link, which is not followed, and is left alone
    partition 20210228: 'pipe.csv.gz' is neither a file nor a directory, and is left alone
    partition 20210228: 'folder.csv.gz' is a folder, and is left alone
    ");
    let _ = folder.run(POLL).success();
    assert_eq!(imported(&folder), ["20210228/users.csv.gz"]);
    assert!(secret.exists() && partition.join("link.csv.gz").is_symlink() && partition.join("pipe.csv.gz").exists());
}

#[test]
fn names_may_be_in_any_language() {
    let folder = users("");
    let odd =
        ["two\nlines.csv.gz".to_owned(), format!("{}.csv.gz", "long".repeat(50)), "back\\slash.csv.gz".to_owned()];
    for name in odd.iter().map(String::as_str).chain(["Ünïcode ☃ %41 +.csv.gz", "UPPER.CSV.GZ", "upper.csv.gz"]) {
        put(&folder, "20210228", name, &named("Ada"));
    }
    mark(&folder, "users_import", "20210228");
    insta::assert_snapshot!(notices(&folder), @r"
    partition 20210228: 'back\slash.csv.gz' has a name that cannot be used, and is left alone
    partition 20210228: 'two\nlines.csv.gz' has a name that cannot be used, and is left alone
    partition 20210228: 'longlonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglonglong...' is left alone: its name is longer than 200 bytes
    ");
    let _ = folder.run(POLL).success();
    insta::assert_snapshot!(status(&folder, "20210228"), @r"
    SUCCESS
    3 records were uploaded
    UPPER.CSV.GZ: SUCCESS, 1 records were uploaded
    upper.csv.gz: SUCCESS, 1 records were uploaded
    Ünïcode ☃ %41 +.csv.gz: SUCCESS, 1 records were uploaded
    ");
    for name in odd {
        assert!(folder.path(&at(&format!("current/dt=20210228/{name}"))).exists(), "{name}");
    }
    for name in ["Ünïcode ☃ %41 +.csv.gz", "UPPER.CSV.GZ", "upper.csv.gz"] {
        assert!(folder.path(&at(&format!("processed/20210228/{name}"))).exists(), "{name}");
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = users("max_file_size = '100'");
    put(&folder, "20210228", "small.csv.gz", &named("Ada"));
    drop_file(&folder, "users_import", "20210228", "large.csv.gz", [0; 101]);
    mark(&folder, "users_import", "20210228");
    let _ = folder.run(POLL).refused();
    insta::assert_snapshot!(status(&folder, "20210228"), @r"
    ERROR
    1 records were uploaded
    large.csv.gz: ERROR, File is too large: 101 bytes (maximum 100)
    small.csv.gz: SUCCESS, 1 records were uploaded
    ");
    assert_eq!(imported(&folder), ["20210228/small.csv.gz"]);
    assert_eq!(fs::read(folder.path(&at("processed/20210228/large.csv.gz"))).unwrap(), [0; 101]);
    assert_eq!(first_name(&folder), "Ada");
}

#[test]
fn the_very_same_bytes_are_imported_again_and_it_is_said() {
    let folder = users("");
    for partition in ["20210228", "20210301"] {
        dropped(&folder, partition, &named("Ada"));
    }
    let _ = folder.run(POLL).success();
    let imports = imports(&folder);
    let (first, second) = (&imports[0], &imports[1]);
    assert_eq!(first["warnings"], serde_json::Value::Null);
    let [id, begin] = ["_id", "begin"].map(|member| first[member].as_str().unwrap());
    assert_eq!(second["warnings"][0], format!("identical to import {id} of {begin}"));
    assert_eq!((&second["unchanged"], &second["total"]), (&1.into(), &1.into()));
    assert_eq!(status(&folder, "20210301"), "SUCCESS\n1 records were uploaded\n");
    assert!(folder.read(&at("processed/20210301/status.json")).contains(&format!("identical to import {id} of")));
}

#[test]
fn the_very_same_bytes_are_passed_over_where_that_is_wished() {
    let folder = users("on_identical = 'skip'");
    dropped(&folder, "20210227", "id,nmae\n1,Ada\n");
    let _ = folder.run(POLL).refused();
    dropped(&folder, "20210228", "id,nmae\n1,Ada\n");
    let _ = folder.run(POLL).refused();
    assert_eq!(imports(&folder).len(), 2, "what was refused may have become good");
    for partition in ["20210301", "20210302", "20210303"] {
        dropped(&folder, partition, &named("Ada"));
        let _ = folder.run(POLL).success();
    }
    let imports = imports(&folder);
    assert_eq!(imports.len(), 3);
    let [id, begin] = ["_id", "begin"].map(|member| imports[2][member].as_str().unwrap());
    let said = format!("Not imported: identical to import {id} of {begin}");
    for partition in ["20210302", "20210303"] {
        assert!(folder.read(&at(&format!("processed/{partition}/status.json"))).contains(&said), "{partition}");
        assert!(folder.path(&at(&format!("processed/{partition}/users.csv.gz"))).exists());
    }
    assert_eq!(status(&folder, "20210303"), format!("SUCCESS\n0 records were uploaded\n{said}\n"));
}
