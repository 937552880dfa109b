//! Drop folders as they are set: in `rollbook.toml`, and with `drop-folder set`.
//!
//! * `commands`: the other commands.
//! * `mistakes`: what makes no sense, and who is held up by it.
//! * `secrets`: where they may be, and where they are not.

mod commands;
mod mistakes;
mod secrets;

use std::fs;
use std::process::Output;

use crate::dropping::{USERS, drop_folder};
use crate::harness::{Folder, steady};

const SETTINGS: &str = "rollbook-data/rollbook.toml";

/// A drop folder with a setting that is wrong, or several.
fn wrong(name: &str, settings: &str) -> String {
    let mut text = format!("[[drop_folder]]\nname = '{name}'\n");
    for (key, default) in
        [("object_type", "'managed/px_user'"), ("bucket", "'file:drop'"), ("base_folder", &format!("'{name}'"))]
    {
        if !settings.lines().any(|line| line.starts_with(&format!("{key} =")))
            && !settings.contains(&format!("# no {key}"))
        {
            text += &format!("{key} = {default}\n");
        }
    }
    text + settings + "\n"
}

/// When this is typed with these variables in the environment.
fn run_with(folder: &Folder, variables: &[(&str, &str)], command: &str) -> Output {
    folder.command(command).envs(variables.iter().copied()).output().unwrap()
}

fn text_of(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8(text.clone()).unwrap());
    steady(&texts.join(""))
}

/// The article's dialog, and everything besides, as it is set and shown.
const ALL: &str = r#"
name = "px-accounts"
object_type = "managed/px_account"
bucket = "ABC123/export"
base_folder = "accounts_import"
date_format = ["yyyy-MM-dd'T'HH:mm:ssX", "yyyyMMdd"]
time_zone = "Europe/Berlin"
cron = "30 2 * * MON-FRI"
paused = true
settle_time = "10s"
max_records = 1000
max_file_size = "200MB"
destination = { product = "Rollbook", channel = "Web", environment = "production" }
access_key = { id = "AKIAIOSFODNN7EXAMPLE", secret = "sesame-secret", session_token = "sesame-token" }
s3 = { region = "eu-central-1", endpoint = "http://127.0.0.1:9000", path_style = true }
callback = { url = "https://www.example.com/prd/data-export", api_key = "sesame-key" }
blank_cells = "clear"
null_token = "__NULL__"
columns = "lenient"
disabled_columns = "ignore"
read_only_columns = "ignore"
create_missing = false
strict_duplicates = true
encoding = "windows-1252"
on_identical = "skip"
stop_on_error = true
give_up_after = "90m"
stale_after = "36h"
keep_processed = "90d"
"#;

#[test]
fn set_show_and_remove() {
    let folder = Folder::new().file("accounts.toml", ALL);
    insta::assert_snapshot!(folder.run("drop-folder set accounts.toml").success(), @"drop folder 'px-accounts' is set");
    insta::assert_snapshot!(folder.run("drop-folder show px-accounts").success(), @"
    name                          px-accounts
    object_type                   managed/px_account
    bucket                        ABC123/export
    base_folder                   accounts_import
    access_key.id                 AKIAIOSFODNN7EXAMPLE
    access_key.secret_set         true
    access_key.session_token_set  true
    s3.region                     eu-central-1
    s3.endpoint                   http://127.0.0.1:9000
    s3.path_style                 true
    destination.product           Rollbook
    destination.channel           Web
    destination.environment       production
    date_format                   yyyy-MM-dd'T'HH:mm:ssX, yyyyMMdd
    time_zone                     Europe/Berlin
    cron                          30 2 * * MON-FRI
    paused                        true
    settle_time                   10s
    max_records                   1000
    max_file_size                 200MB
    blank_cells                   clear
    null_token                    __NULL__
    columns                       lenient
    disabled_columns              ignore
    read_only_columns             ignore
    create_missing                false
    strict_duplicates             true
    encoding                      windows-1252
    on_identical                  skip
    stop_on_error                 true
    give_up_after                 90m
    stale_after                   36h
    keep_processed                90d
    callback.url                  https://www.example.com/prd/data-export
    callback.api_key_set          true
    callback.allow_private        false
    set by                        rollbook drop-folder set
    ExternalId                    00000000-0000-0000-0000-000000000000
    state                         paused
    ");
    insta::assert_snapshot!(folder.run("drop-folder list").success(), @"
    name         into                files                          schedule  last look (UTC)  next look (UTC)  state
    px-accounts  managed/px_account  ABC123/export/accounts_import  paused    -                -                paused
    ");
    insta::assert_snapshot!(folder.run("drop-folder set accounts.toml").success(), @"drop folder 'px-accounts' is changed");
    insta::assert_snapshot!(folder.run("drop-folder resume px-accounts").success(), @"drop folder 'px-accounts' is looked at by its schedule");
    insta::assert_snapshot!(folder.run("drop-folder pause px-accounts").success(), @"drop folder 'px-accounts' is paused: it is looked at when somebody asks");
    insta::assert_snapshot!(folder.run("drop-folder remove px-accounts").success(), @"drop folder 'px-accounts' is removed; the ledger of its runs stays");
    insta::assert_snapshot!(folder.run("drop-folder list").success(), @"
    --- stderr ---
    rollbook: there are no drop folders
    ");
    insta::assert_snapshot!(folder.run("drop-folder remove px-accounts").failed(), @"
    --- stderr ---
    rollbook: there is no drop folder 'px-accounts'; there are none
    ");
}

/// All defaults are shown, and setting what is shown changes nothing.
#[test]
fn what_is_not_set_has_its_default() {
    let folder =
        Folder::new().file("users.toml", USERS.replace("settle_time = \"0s\"\npoll_interval = \"100ms\"\n", ""));
    let _ = folder.run("drop-folder set users.toml").success();
    let shown = folder.run("drop-folder show px-users --json").success();
    let place = fs::canonicalize(folder.path("rollbook-data")).unwrap();
    insta::assert_snapshot!(shown.replace(place.to_str().unwrap(), "DATA"), @r#"{"_id":"px-users","_rev":"0000000000000001","_setBy":"operator","_externalId":"00000000-0000-0000-0000-000000000000","_place":"file:DATA/drop/users_import","name":"px-users","objectType":"managed/px_user","bucket":"file:drop","baseFolder":"users_import","timeZone":"UTC","pollInterval":"15m","paused":false,"settleTime":"2s","maxRecords":350000,"maxFileSize":"2GB","blankCells":"keep","columns":"exact","disabledColumns":"refuse","readOnlyColumns":"refuse","createMissing":true,"strictDuplicates":false,"onIdentical":"process","stopOnError":false,"giveUpAfter":"6h","staleAfter":"1d","keepProcessed":"never"}"#);
}

/// Several are set, or none.
#[test]
fn all_or_none_are_set() {
    let folder = Folder::new().file(
        "both.toml",
        wrong("a", "") + &wrong("b", "max_records = 0") + &wrong("c", "object_type = 'managed/user'"),
    );
    insta::assert_snapshot!(folder.run("drop-folder set both.toml").failed(), @"
    --- stderr ---
    rollbook: both.toml: the drop folder is not set right:
      drop folder 'b': max_records = 0 refuses every file: write for example 350000
      drop folder 'c': object_type: managed/user has no property 'id', by which objects are found
    ");
    let folder = folder.file("same.toml", wrong("a", "") + &wrong("b", "base_folder = 'a'"));
    insta::assert_snapshot!(folder.run("drop-folder set same.toml").failed(), @"
    --- stderr ---
    rollbook: same.toml: the drop folder is not set right:
      drop folder 'b' would take the files of drop folder 'a': give each a folder of its own
    ");
    insta::assert_snapshot!(folder.run("drop-folder set nowhere.toml").failed(), @"
    --- stderr ---
    rollbook: nowhere.toml: there is no such file
    ");
    insta::assert_snapshot!(folder.run("drop-folder list").success(), @"
    --- stderr ---
    rollbook: there are no drop folders
    ");
    let folder = folder.file("both.toml", wrong("a", "") + &wrong("b", ""));
    insta::assert_snapshot!(folder.run("drop-folder set both.toml").success(), @"
    drop folder 'a' is set
    drop folder 'b' is set
    ");
    // What is set must go with what is there; two that are changed together may change places.
    let folder = folder.file("c.toml", wrong("c", "base_folder = 'a'"));
    insta::assert_snapshot!(folder.run("drop-folder set c.toml").failed(), @"
    --- stderr ---
    rollbook: c.toml: the drop folder is not set right:
      drop folder 'c' would take the files of drop folder 'a': give each a folder of its own
    ");
    let folder = folder.file("both.toml", wrong("a", "base_folder = 'b'") + &wrong("b", "base_folder = 'a'"));
    let _ = folder.run("drop-folder set both.toml").success();
}

/// What is in the file is changed there.
#[test]
fn those_of_the_file_are_changed_there() {
    let folder = drop_folder(USERS).file("users.toml", USERS);
    for (command, help) in [
        ("set users.toml", "change it there"),
        ("pause px-users", "write paused = true there"),
        ("resume px-users", "write paused = false there"),
        ("remove px-users", "remove it there"),
    ] {
        let said = folder.run(&format!("drop-folder {command}")).failed();
        let sentence = format!("drop folder 'px-users' is set in rollbook.toml: {help}\n");
        assert!(said.ends_with(&sentence), "{command}: {said}");
    }
    // One that was set, and then is written into the file too.
    let folder = Folder::new().file("users.toml", USERS).after("drop-folder set users.toml").file(SETTINGS, USERS);
    insta::assert_snapshot!(folder.run("drop-folder list --json").success(), @r#"
    {"_id":"px-users","objectType":"managed/px_user","state":"ok","nextPoll":"2026-02-28T17:05:00.000Z","callbackOff":false,"openRuns":0,"notices":[]}
    {"_id":"px-users","objectType":"managed/px_user","state":"blocked","problem":"drop folder 'px-users': there is another one of this name","callbackOff":false,"openRuns":0,"notices":[]}
    "#);
    let external_id = || folder.run("drop-folder show px-users --json").json()[0]["_externalId"].clone();
    let known = external_id();
    assert!(folder.run("drop-folder pause px-users").failed().contains("write paused = true there"));
    let _ = folder.run("drop-folder remove px-users").success();
    assert_eq!(external_id(), known, "roles trust it still");
}
