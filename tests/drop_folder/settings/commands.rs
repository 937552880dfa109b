//! What is done with drop folders by hand.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::Arc;

use rollbook::drop_folder::DropFolders;

use super::wrong;
use crate::database::Backend;
use crate::drop_folder::receiver::{Answer, Receiver};
use crate::dropping::{USERS, drop_csv, drop_folder, mark};
use crate::harness::Folder;

/// A look by hand: what is printed, and the exit code.
#[test]
fn a_look_says_what_became_of_what_was_dropped() {
    let folder = drop_folder(USERS);
    insta::assert_snapshot!(folder.run("drop-folder poll nobody").failed(), @"
    --- stderr ---
    rollbook: there is no drop folder 'nobody'; there are px-users
    ");
    fs::create_dir_all(folder.path("rollbook-data/drop/users_import")).unwrap();
    insta::assert_snapshot!(folder.run("drop-folder poll px-users").success(), @"px-users: nothing is ready");
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id,email\n1,a@example.com\n2,b@example.com\n");
    mark(&folder, "users_import", "20210228");
    insta::assert_snapshot!(folder.run("drop-folder poll px-users").success(), @"
    px-users:

      partition  run                                   file          result   created  updated  unchanged  failed  total  problem
      20210228   00000000-0000-0000-0000-000000000000  users.csv.gz  SUCCESS        2        0          0       0      2
    ");
    drop_csv(&folder, "users_import", "20210301", "a.csv.gz", "id,email\n1,a@example.com\n");
    drop_csv(&folder, "users_import", "20210301", "b.csv.gz", "id,flantana_carteret\n1,x\n");
    mark(&folder, "users_import", "20210301");
    insta::assert_snapshot!(folder.run("drop-folder poll --all").refused(), @"
    px-users:

      partition  run                                   file      result   created  updated  unchanged  failed  total  problem
      20210301   00000000-0000-0000-0000-000000000000  a.csv.gz  SUCCESS        0        0          1       0      1
      20210301   00000000-0000-0000-0000-000000000000  b.csv.gz  ERROR          0        0          0       0      1  Unknown PX Column: 'flantana_carteret'
    ");
    insta::assert_snapshot!(folder.run("drop-folder runs px-users").success(), @"
    partition  run                                   file          result   created  updated  unchanged  failed  total  problem
    20210301   00000000-0000-0000-0000-000000000000  a.csv.gz      SUCCESS        0        0          1       0      1
    20210301   00000000-0000-0000-0000-000000000000  b.csv.gz      ERROR          0        0          0       0      1  Unknown PX Column: 'flantana_carteret'
    20210228   00000000-0000-0000-0000-000000000000  users.csv.gz  SUCCESS        2        0          0       0      2
    ");
    insta::assert_snapshot!(folder.run("drop-folder list").success(), @"
    name      into             files                   schedule     last look (UTC)      next look (UTC)      state
    px-users  managed/px_user  file:drop/users_import  every 100ms  2026-02-28 17:05:00  2026-02-28 17:05:00  ok
    ");
    let runs = folder.run("drop-folder runs px-users --json --limit 1").json();
    assert_eq!((runs.len(), &runs[0]["partition"]), (1, &"20210301".into()));
    insta::assert_snapshot!(folder.run("drop-folder send-callback 00000000-0000-0000-0000-000000000000").failed(), @"
    --- stderr ---
    rollbook: there is no run '00000000-0000-0000-0000-000000000000'
    ");
    // Trouble is neither a success nor a refusal.
    fs::remove_dir_all(folder.path("rollbook-data/drop")).unwrap();
    let said = folder.run("drop-folder poll px-users").failed();
    assert!(said.starts_with("--- stderr ---\nrollbook: px-users: there is no directory '"), "{said}");
}

/// Who finds another process at work waits for it.
#[test]
fn a_look_waits_for_another_one() {
    let folder = drop_folder(USERS);
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id\n1\n");
    mark(&folder, "users_import", "20210228");
    let app = Arc::new(folder.installation());
    let place = DropFolders::new(Arc::clone(&app)).unwrap().get("px-users").unwrap().place();
    let lease = app.repository.lease_place(&place).unwrap().unwrap();
    let mut poll =
        folder.command("drop-folder poll px-users").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(poll.stderr.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "rollbook: waiting: another process looks at 'px-users'");
    drop(lease);
    assert!(poll.wait_with_output().unwrap().status.success());
    assert!(folder.path("rollbook-data/drop/users_import/processed/20210228/status.txt").exists());
}

/// A drop folder that is paused is looked at when it is named.
#[test]
fn paused_is_not_switched_off() {
    let folder = drop_folder(&format!("{USERS}paused = true\n"));
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id\n1\n");
    mark(&folder, "users_import", "20210228");
    insta::assert_snapshot!(folder.run("drop-folder poll --all").success(), @"
    --- stderr ---
    rollbook: there are no drop folders to be looked at
    ");
    assert_eq!(folder.run("drop-folder poll px-users --json").json()[0]["runs"][0]["success"], true);
}

/// Looking at drop folders makes no installation.
#[test]
fn looking_makes_no_installation() {
    let folder = Folder::new();
    for command in ["list", "show a", "runs a", "test a", "policy a", "pause a", "remove a"] {
        let said = folder.run(&format!("drop-folder {command}")).failed();
        let expected = format!("there is no installation in {} yet", Backend::chosen().place("rollbook-data"));
        assert!(said.contains(&expected), "{said}");
    }
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

/// A callback that was not heard, and is sent again.
#[test]
fn a_callback_is_sent_again_by_hand() {
    let receiver = Receiver::new(&[Answer::Status(500, ""), Answer::Status(410, ""), Answer::Status(200, "")]);
    let callback = format!("callback = {{ url = '{}', api_key = 'sesame', allow_private = true }}\n", receiver.url);
    let folder = drop_folder(&format!("{USERS}{callback}"));
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", "id\n1\n");
    mark(&folder, "users_import", "20210228");
    let run = folder.run("drop-folder poll px-users --json").json()[0]["runs"][0]["_id"].as_str().unwrap().to_owned();
    let told = |folder: &Folder| folder.run("drop-folder show px-users").success().lines().last().unwrap().to_owned();
    assert_eq!(
        told(&folder),
        "callback about 20210228: waiting until 2026-02-28 17:05:00: the answer is 500 Internal Server Error"
    );
    let sent = folder.run(&format!("drop-folder send-callback {run}")).failed();
    assert_eq!(sent, "given up: the answer is 410 Gone\n");
    assert!(folder.run("drop-folder show px-users").success().contains("  off: their receiver answered 410\n"));
    let sent = folder.run(&format!("drop-folder send-callback {run} --json")).json().remove(0);
    assert_eq!(sent["callback"]["state"], "delivered");
    assert_eq!(sent["callback"]["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(told(&folder), "callback about 20210228: delivered");
}

/// Each right of a directory, and who has none.
#[test]
fn rights_are_tried_one_by_one() {
    let folder = drop_folder(USERS);
    fs::create_dir_all(folder.path("rollbook-data/drop/users_import/current")).unwrap();
    let place = fs::canonicalize(folder.path("rollbook-data")).unwrap();
    let tried = folder.run("drop-folder test px-users").success();
    insta::assert_snapshot!(tried.replace(place.to_str().unwrap(), "DATA"), @"
    px-users at DATA/drop/users_import:

      files can be listed                     ok
      files can be read                       ok
      files can be written under 'processed'  ok
      files can be deleted                    ok
    ");
    insta::assert_snapshot!(folder.run("drop-folder policy px-users").failed(), @"
    --- stderr ---
    rollbook: the files of the drop folder 'px-users' lie in a directory: policies are for buckets in S3
    ");
    fs::remove_dir_all(folder.path("rollbook-data/drop")).unwrap();
    let refused = folder.run("drop-folder test px-users --json").json().remove(0);
    assert_eq!(refused["ok"], false);
    let _ = folder.run("drop-folder test px-users").refused();
}

/// What is to be put into AWS.
#[test]
fn policies_are_filled_in() {
    let settings = "bucket = 'ABC123/export'\ns3 = { region = 'eu-central-1' }\n\
                    role = { arn = 'arn:aws:iam::123456789012:role/rollbook' }";
    let folder = Folder::new().file("role.toml", wrong("role", settings));
    insta::assert_snapshot!(folder.run("drop-folder set role.toml").success(), @"
    drop folder 'role' is set
    Next: rollbook drop-folder policy role
          The role needs the policies that it prints.
    ");
    insta::assert_snapshot!(folder.run("drop-folder policy role").success(), @r#"
    ExternalId: 00000000-0000-0000-0000-000000000000

    Trust policy of the role:
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "RollbookWithItsExternalId",
          "Effect": "Allow",
          "Principal": {
            "AWS": "ARN OF THE AWS USER OR ROLE THAT ROLLBOOK RUNS AS"
          },
          "Action": "sts:AssumeRole",
          "Condition": {
            "StringEquals": {
              "sts:ExternalId": "00000000-0000-0000-0000-000000000000"
            }
          }
        }
      ]
    }

    Permissions of the role:
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "Locate",
          "Effect": "Allow",
          "Action": "s3:GetBucketLocation",
          "Resource": "arn:aws:s3:::ABC123"
        },
        {
          "Sid": "List",
          "Effect": "Allow",
          "Action": "s3:ListBucket",
          "Resource": "arn:aws:s3:::ABC123",
          "Condition": {
            "StringLike": {
              "s3:prefix": [
                "export/role/*"
              ]
            }
          }
        },
        {
          "Sid": "Read",
          "Effect": "Allow",
          "Action": "s3:GetObject",
          "Resource": "arn:aws:s3:::ABC123/export/role/*"
        },
        {
          "Sid": "Write",
          "Effect": "Allow",
          "Action": "s3:PutObject",
          "Resource": "arn:aws:s3:::ABC123/export/role/processed/*"
        },
        {
          "Sid": "Delete",
          "Effect": "Allow",
          "Action": "s3:DeleteObject",
          "Resource": [
            "arn:aws:s3:::ABC123/export/role/current/*",
            "arn:aws:s3:::ABC123/export/role/processed/*"
          ]
        }
      ]
    }
    "#);
    let [json, again] = [(); 2].map(|()| folder.run("drop-folder policy role --json").json().remove(0));
    assert_eq!(json, again);
    let external_id = &json["trust"]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"];
    assert_eq!(*external_id, json["externalId"]);
    assert_eq!(*external_id, folder.run("drop-folder show role --json").json()[0]["_externalId"]);
}
