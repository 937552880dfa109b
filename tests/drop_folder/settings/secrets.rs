//! Secrets: where they may be written, and that they are found nowhere else.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{ALL, SETTINGS, run_with, text_of, wrong};
use crate::dropping::USERS;
use crate::harness::Folder;

/// Secrets that are elsewhere: in the environment and in files.
#[test]
fn secrets_can_be_elsewhere() {
    let settings = "bucket = 'ABC123'\naccess_key = { id = 'A', secret = { env = 'PX_SECRET' }, session_token = { file = 'token' } }\n\
                    callback = { url = 'https://www.example.com/', api_key = { file = '/nowhere/key' } }";
    let folder = Folder::new().file(SETTINGS, wrong("away", settings) + USERS);
    // Who does not need them is not held up.
    fs::create_dir_all(folder.path("rollbook-data/drop/users_import")).unwrap();
    assert!(folder.run("drop-folder list").success().contains("away"));
    let _ = folder.run("drop-folder poll px-users").success();
    insta::assert_snapshot!(folder.run("drop-folder poll away").failed(), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'away': access_key.secret: the environment variable 'PX_SECRET' is not set
      drop folder 'away': access_key.session_token: the file 'token' could not be read: No such file or directory (os error 2)
      drop folder 'away': callback.api_key: the file '/nowhere/key' could not be read: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(folder.run("serve --listen 127.0.0.1:0").failed(), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'away': access_key.secret: the environment variable 'PX_SECRET' is not set
      drop folder 'away': access_key.session_token: the file 'token' could not be read: No such file or directory (os error 2)
      drop folder 'away': callback.api_key: the file '/nowhere/key' could not be read: No such file or directory (os error 2)
    ");
    let here = settings.replace("/nowhere/key", "key");
    let folder = folder
        .file(SETTINGS, wrong("away", &here))
        .file("rollbook-data/token", "sesame-token\r\n")
        .file("rollbook-data/key", "sesame-key\n");
    let shown = run_with(&folder, &[("PX_SECRET", "sesame")], "drop-folder show away --json");
    let json: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(json["accessKey"].to_string(), r#"{"id":"A","secretSet":true,"sessionTokenSet":true}"#);
    assert_eq!(json.get("_problem"), None, "{json}");
    assert!(!text_of(&shown).contains("sesame"), "{}", text_of(&shown));
    let empty = folder.file("rollbook-data/key", "\n");
    insta::assert_snapshot!(text_of(&run_with(&empty, &[("PX_SECRET", "sesame")], "drop-folder list")), @"
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'away': callback.api_key is empty
    ");
}

/// A role is assumed in a region, which may be named anywhere.
#[test]
fn roles_need_a_region() {
    let settings = wrong("role", "bucket = 'ABC123'\nrole = { arn = 'arn:aws:iam::123456789012:role/team/x' }");
    let folder = Folder::new().file(SETTINGS, &settings);
    let _ = folder.run("drop-folder list").success();
    insta::assert_snapshot!(folder.run("drop-folder poll role").failed(), @r#"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'role': role needs a region to be assumed in: set s3.region, or the variable AWS_REGION of the service
    "#);
    let named = |variables: &[(&str, &str)]| text_of(&run_with(&folder, variables, "drop-folder show role --json"));
    assert!(named(&[]).contains("_problem"));
    assert!(!named(&[("AWS_REGION", "eu-central-1")]).contains("_problem"));
    let folder = Folder::new().file(SETTINGS, settings + "s3 = { region = 'eu-central-1' }\n");
    assert!(!folder.run("drop-folder show role --json").success().contains("_problem"));
}

/// Secrets that are left out stay, where they are those of the same key and of the same receiver.
#[test]
fn secrets_that_are_left_out_stay() {
    let folder = Folder::new().file("all.toml", ALL).after("drop-folder set all.toml");
    let without = ALL
        .replace(", secret = \"sesame-secret\", session_token = \"sesame-token\"", "")
        .replace(", api_key = \"sesame-key\"", "");
    let folder = folder.file("without.toml", &without).after("drop-folder set without.toml");
    let json = &folder.run("drop-folder show px-accounts --json").json()[0];
    assert_eq!(
        json["accessKey"].to_string(),
        r#"{"id":"AKIAIOSFODNN7EXAMPLE","secretSet":true,"sessionTokenSet":true}"#
    );
    let elsewhere = without
        .replace("AKIAIOSFODNN7EXAMPLE", "AKIAOTHER")
        .replace("https://www.example.com/", "https://www.example.org/");
    let folder = folder.file("elsewhere.toml", elsewhere);
    insta::assert_snapshot!(folder.run("drop-folder set elsewhere.toml").failed(), @"
    --- stderr ---
    rollbook: elsewhere.toml: the drop folder is not set right:
      drop folder 'px-accounts': access_key.secret is missing: it stays only where id and endpoint do
      drop folder 'px-accounts': callback.api_key is missing: it stays only where the host of the address does
    ");
    let folder = folder.file("endpoint.toml", without.replace("127.0.0.1:9000", "127.0.0.1:9001"));
    insta::assert_snapshot!(folder.run("drop-folder set endpoint.toml").failed(), @"
    --- stderr ---
    rollbook: endpoint.toml: the drop folder is not set right:
      drop folder 'px-accounts': access_key.secret is missing: it stays only where id and endpoint do
    ");
}

/// Nothing that is secret is found anywhere but in what the operator wrote.
#[test]
fn secrets_are_sealed_and_not_shown() {
    let folder = Folder::new().file("all.toml", ALL);
    for command in [
        "set all.toml",
        "set all.toml --json",
        "show px-accounts",
        "show px-accounts --json",
        "list",
        "list --json",
        "pause px-accounts --json",
        "test px-accounts",
        "poll px-accounts",
        "poll px-accounts --json",
        "remove px-accounts --json",
    ] {
        let outcome = folder.run(&format!("drop-folder {command}"));
        assert!(!format!("{outcome:?}").contains("sesame"), "{command}: {outcome:?}");
    }
    let _ = folder.run("drop-folder set all.toml").success();
    let stored = folder.look().everything();
    for secret in ["sesame", "whsec_"] {
        assert!(!stored.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
    }
}

/// Unless the settings say where it is.
#[test]
fn the_key_lies_in_a_file_of_its_own() {
    let folder = Folder::new().file("all.toml", ALL).after("drop-folder set all.toml");
    let mode = fs::metadata(folder.path("rollbook-data/secret.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let key = folder.read("rollbook-data/secret.key");
    for file in fs::read_dir(folder.path("rollbook-data")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
            assert_eq!(has(key.trim()), path.ends_with("secret.key"), "{}", path.display());
        }
    }
    // With another key nothing can be read; with the right one everything.
    fs::rename(folder.path("rollbook-data/secret.key"), folder.path("kept.key")).unwrap();
    insta::assert_snapshot!(folder.run("drop-folder poll px-accounts").failed(), @"
    --- stderr ---
    rollbook: the set of secrets of drop folder 'px-accounts' was sealed with another key than this installation has now: bring the key back, or set the secret again
    ");
    fs::copy(folder.path("kept.key"), folder.path("rollbook-data/secret.key")).unwrap();
    assert!(!folder.run("drop-folder show px-accounts --json").success().contains("_problem"));
}

/// The key may be elsewhere too.
#[test]
fn the_key_can_be_elsewhere() {
    let folder = Folder::new().file(SETTINGS, "[secrets]\nkey = { env = 'ROLLBOOK_KEY' }\n").file("all.toml", ALL);
    let _ = folder.run("types list").success();
    insta::assert_snapshot!(folder.run("drop-folder set all.toml").failed(), @"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: secrets.key: the environment variable 'ROLLBOOK_KEY' is not set
    ");
    insta::assert_snapshot!(text_of(&run_with(&folder, &[("ROLLBOOK_KEY", "short")], "drop-folder set all.toml")), @"rollbook: rollbook-data/rollbook.toml: secrets.key is not a key: it is 32 bytes in base64 or hexadecimal digits, or any text of at least 32 characters");
    let keys = [
        "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "3031323334353637383930313233343536373839303132333435363738393031",
        "correct horse battery staple, and so on",
    ];
    for key in keys {
        let set = run_with(&folder, &[("ROLLBOOK_KEY", key)], "drop-folder set all.toml");
        assert!(set.status.success(), "{key}: {}", text_of(&set));
        let problem = |key: &str| {
            text_of(&run_with(&folder, &[("ROLLBOOK_KEY", key)], "drop-folder show px-accounts --json"))
                .contains("_problem")
        };
        // The first two are one key, written in two ways.
        let same: Vec<bool> = keys.iter().map(|other| !problem(other)).collect();
        assert_eq!(same, if key == keys[2] { [false, false, true] } else { [true, true, false] }, "{key}");
    }
    assert!(!folder.path("rollbook-data/secret.key").exists());
    let folder = Folder::new()
        .file(SETTINGS, "[secrets]\nkey = 'correct horse battery staple, and so on'\n")
        .file("all.toml", ALL);
    insta::assert_snapshot!(folder.run("drop-folder set all.toml").failed(), @r#"
    --- stderr ---
    rollbook: rollbook-data/rollbook.toml: secrets.key is written itself: write { env = "NAME" } or { file = "PATH" }
    "#);
}
