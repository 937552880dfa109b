//! `rollbook token`.

use serde_json::Value;

use crate::harness::{Folder, steady};

/// The text without ids and secrets of tokens.
fn shown(text: &str) -> String {
    let hide = |text: &str, pattern: &str, with: &str| {
        fancy_regex::Regex::new(pattern).unwrap().replace_all(text, with).into_owned()
    };
    let text = hide(text, r"rb_[0-9a-f]{12}_[\w-]{43}", "rb_ID_SECRET");
    steady(&hide(&text, r"\b[0-9a-f]{12}\b", "000000000000"))
}

/// Given a token that was made like this. Gives its id.
fn created(folder: &Folder, options: &str) -> String {
    let created = folder.run(&format!("token create {options} --json")).json().remove(0);
    created["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_is_made_and_shown_once() {
    let folder = Folder::new();
    let printed = folder.run("token create --name hr-import --role importer --types managed/user").success();
    insta::assert_snapshot!(shown(&printed), @"
    The token of 'hr-import' (importer, id 000000000000), shown this once:
    rb_ID_SECRET
    ");
    let secret = printed.lines().last().unwrap().to_owned();
    let mut json = folder.run("token create --name dashboard --role viewer --json").json();
    let json = json.remove(0);
    assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), ["id", "token"]);
    let prefix = format!("rb_{}_", json["id"].as_str().unwrap());
    assert!(json["token"].as_str().unwrap().starts_with(&prefix), "{json}");
    // Only the digest is kept.
    let stored = folder.look().everything();
    for secret in [secret.as_str(), json["token"].as_str().unwrap()] {
        // Behind the second underscore: it may have more of them itself.
        let random = secret.splitn(3, '_').nth(2).unwrap().as_bytes();
        assert!(!stored.windows(random.len()).any(|window| window == random));
    }
}

#[test]
fn tokens_are_listed() {
    let folder = Folder::new();
    insta::assert_snapshot!(folder.run("token list").success(), @"
    --- stderr ---
    rollbook: there are no tokens
    ");
    assert!(folder.names().is_empty(), "looking makes no installation");
    created(&folder, "--name admin --role admin");
    created(&folder, "--name 'Zoë: laptop' --role importer --types managed/user,managed/role --expires 90d");
    insta::assert_snapshot!(shown(&folder.run("token list").success()), @"
    id            name         role      types                       created (UTC)        expires (UTC)
    000000000000  admin        admin     all                         2026-02-28 17:05:00  never
    000000000000  Zoë: laptop  importer  managed/role, managed/user  2026-02-28 17:05:00  2026-02-28 17:05:00
    ");
    let listed = folder.run("token list --json").json();
    let scoped: &Value = &listed[1];
    assert_eq!(
        scoped.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["id", "name", "role", "types", "created", "expires"]
    );
    assert_eq!(scoped["types"], serde_json::json!(["managed/role", "managed/user"]));
    assert_eq!((&listed[0]["types"], &listed[0]["expires"]), (&Value::Null, &Value::Null));
    assert!(scoped["expires"].as_str() > scoped["created"].as_str());
}

#[test]
fn a_token_is_revoked_once() {
    let folder = Folder::new();
    let id = created(&folder, "--name ci --role admin");
    insta::assert_snapshot!(folder.run(&format!("token revoke {id}")).success(), @"the token of 'ci' is revoked");
    insta::assert_snapshot!(shown(&folder.run(&format!("token revoke {id}")).failed()), @"
    --- stderr ---
    rollbook: there is no token with the id '000000000000'
    ");
    insta::assert_snapshot!(folder.run("token revoke ci").failed(), @"
    --- stderr ---
    rollbook: there is no token with the id 'ci'
    ");
    // The name is free again.
    let id = created(&folder, "--name ci --role viewer");
    let revoked = folder.run(&format!("token revoke {id} --json")).json().remove(0);
    assert_eq!((&revoked["id"], &revoked["role"]), (&id.into(), &"viewer".into()));
}

#[test]
fn what_makes_no_token_is_refused() {
    let folder = Folder::new();
    let id = created(&folder, "--name ci --role viewer");
    for (options, sentence) in [
        ("--name ci --role admin", "rollbook: there is a token named 'ci' already, with the id '000000000000'"),
        (
            "--name x --role viewer --types managed/user,managed/usr",
            "rollbook: there is no object type 'managed/usr'; there are managed/assignment, managed/px_account, \
             managed/px_user, managed/role, managed/user",
        ),
        ("--name x --role viewer --types user", "object types are named managed/NAME"),
        ("--name x --role root", "'root' is no role: it is 'admin', 'importer' or 'viewer'"),
        ("--name '' --role viewer", "a token needs a name"),
        ("--name ' x' --role viewer", "the name of a token has no blanks around it"),
        ("--name 'a\u{1b}[2J' --role viewer", "the name of a token has no control characters"),
        ("--name x --role viewer --expires 90", "'90' is not a length of time: write for example '90d' or '12h'"),
        ("--name x --role viewer --expires 0s", "'0s' is not a length of time"),
        ("--name x --role viewer --expires 9999999d", "a token cannot be good for so long: leave out when it expires"),
        ("--name x", "--role"),
    ] {
        let printed = shown(&folder.run(&format!("token create {options}")).failed());
        assert!(printed.contains(sentence), "{options}\n{printed}");
    }
    let left = folder.run("token list --json").json();
    assert_eq!(left.iter().map(|token| &token["id"]).collect::<Vec<_>>(), [&Value::from(id)]);
}
