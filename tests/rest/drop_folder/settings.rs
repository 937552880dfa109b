//! `/openidm/config/dropFolder`.

use std::fs;

use serde_json::{Value, json};

use super::ids;
use crate::dropping::{USERS, drop_csv, drop_folder, mark};
use crate::harness::{Folder, steady};
use crate::service::{Reply, Service};

const CONFIG: &str = "/openidm/config/dropFolder";

/// Nobody may ever be shown these.
const CANARIES: [&str; 4] = ["canary-secret", "canary-session", "canary-api-key", "canary-new-key"];

/// A drop folder on S3 with every secret that there is.
const S3: &str = r#"{"objectType":"managed/px_user","bucket":"ABC123/export","baseFolder":"users_import",
    "accessKey":{"id":"AKIA1","secret":"canary-secret","sessionToken":"canary-session"},"s3":{"region":"eu-central-1"},
    "callback":{"url":"https://example.com/told","apiKey":"canary-api-key"},"paused":true}"#;

const LOCAL: &str =
    r#"{"objectType":"managed/px_user","bucket":"file:drop","baseFolder":"a","settleTime":"0s","paused":true}"#;

/// When this JSON is sent like that.
fn send(service: &Service, typed: &str, json: &str) -> Reply {
    service.curl(&format!("-H 'Content-Type: application/json' --data '{}' {typed}", json.replace('\'', "")))
}

fn put(service: &Service, name: &str, json: &str) -> Reply {
    send(service, &format!("-X PUT {CONFIG}/{name}"), json)
}

/// A drop folder that is set like this, but for one member.
fn with(json: &str, member: &str, value: Value) -> String {
    let mut changed: Value = serde_json::from_str(json).unwrap();
    changed[member] = value;
    changed.to_string()
}

#[test]
fn a_drop_folder_is_set_read_and_set_again() {
    let service = Service::new();
    let made = put(&service, "px-users", S3);
    assert_eq!(
        (made.status, made.header("location")),
        (201, Some("/openidm/config/dropFolder/px-users")),
        "{}",
        made.body
    );
    let read = service.curl(&format!("{CONFIG}/px-users"));
    assert_eq!(read.body, made.body);
    assert_eq!(read.header("etag").unwrap(), format!("\"{}\"", read.json()["_rev"].as_str().unwrap()));
    insta::assert_snapshot!(steady(&format!("{:#}", read.json())), @r#"
    {
      "_id": "px-users",
      "_rev": "0000000000000001",
      "_setBy": "administrator",
      "_externalId": "00000000-0000-0000-0000-000000000000",
      "_place": "s3:aws/ABC123/export/users_import",
      "name": "px-users",
      "objectType": "managed/px_user",
      "bucket": "ABC123/export",
      "baseFolder": "users_import",
      "accessKey": {
        "id": "AKIA1",
        "secretSet": true,
        "sessionTokenSet": true
      },
      "s3": {
        "region": "eu-central-1"
      },
      "timeZone": "UTC",
      "pollInterval": "15m",
      "paused": true,
      "settleTime": "2s",
      "maxRecords": 350000,
      "maxFileSize": "2GB",
      "blankCells": "keep",
      "columns": "exact",
      "disabledColumns": "refuse",
      "readOnlyColumns": "refuse",
      "createMissing": true,
      "strictDuplicates": false,
      "onIdentical": "process",
      "stopOnError": false,
      "giveUpAfter": "6h",
      "staleAfter": "1d",
      "keepProcessed": "never",
      "callback": {
        "url": "https://example.com/told",
        "apiKeySet": true,
        "allowPrivate": false
      }
    }
    "#);
    // What was read can be put back: nothing changes, and the secrets are those that were there.
    let again = put(&service, "px-users", &read.body);
    assert_eq!(again.status, 200, "{}", again.body);
    let settings = |reply: &Reply| {
        let mut json = reply.json();
        json["_rev"].take();
        json
    };
    assert_eq!(settings(&again), settings(&read));
    let found = service.curl(&format!("'{CONFIG}?_queryFilter=objectType+eq+%22managed/px_user%22&_fields=bucket'"));
    insta::assert_snapshot!(found.shown(), @r#"
    200
    {"result":[{"_id":"px-users","_rev":"0000000000000002","bucket":"ABC123/export"}],"resultCount":1,"pagedResultsCookie":null,"totalPagedResultsPolicy":"NONE","totalPagedResults":-1,"remainingPagedResults":-1}
    "#);
}

#[test]
fn single_settings_are_changed() {
    let service = Service::new();
    assert_eq!(put(&service, "px-users", S3).status, 201);
    let patch = |operations: &str| {
        send(&service, &format!("-X PATCH '{CONFIG}/px-users?_fields=maxRecords,accessKey'"), operations)
    };
    let patched = patch(r#"[{"operation":"replace","field":"/maxRecords","value":10}]"#);
    insta::assert_snapshot!(patched.shown(), @r#"
    200
    {"_id":"px-users","_rev":"0000000000000002","maxRecords":10,"accessKey":{"id":"AKIA1","secretSet":true,"sessionTokenSet":true}}
    "#);
    let refused = patch(r#"[{"operation":"replace","field":"/maxRecords","value":"many"}]"#);
    insta::assert_snapshot!(refused.shown(), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"invalid type: string 'many', expected u64"}
    "#);
    // The key is meant for the endpoint that it was given for.
    let refused =
        patch(r#"[{"operation":"replace","field":"/callback/url","value":"https://elsewhere.example.com/"}]"#);
    insta::assert_snapshot!(refused.shown(), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"the drop folder is not set right: drop folder 'px-users': callback.apiKey is missing: it stays only where the host of the address does"}
    "#);
}

#[test]
fn conditions_hold() {
    let service = Service::new();
    let condition = |condition: &str, method: &str| {
        let body = if method == "DELETE" {
            String::new()
        } else {
            format!("-H 'Content-Type: application/json' --data '{}'", LOCAL)
        };
        service.curl(&format!("-X {method} -H '{condition}' {body} {CONFIG}/a"))
    };
    insta::assert_snapshot!(condition("If-Match: *", "PUT").shown(), @r#"
    404
    {"code":404,"reason":"Not Found","message":"there is no drop folder 'a'; there are none"}
    "#);
    let made = condition("If-None-Match: *", "PUT");
    assert_eq!(made.status, 201, "{}", made.body);
    insta::assert_snapshot!(condition("If-None-Match: *", "PUT").shown(), @r#"
    412
    {"code":412,"reason":"Precondition Failed","message":"there is a drop folder 'a' already"}
    "#);
    let rev = made.json()["_rev"].as_str().unwrap().to_owned();
    assert_eq!(condition(&format!("If-None-Match: {rev}"), "GET").status, 304);
    assert_eq!(condition(&format!("If-Match: {rev}"), "PUT").status, 200);
    insta::assert_snapshot!(condition(&format!("If-Match: {rev}"), "PUT").shown(), @r#"
    412
    {"code":412,"reason":"Precondition Failed","message":"the current revision of drop folder 'a' is '0000000000000002' and not '0000000000000001': it has changed since it was read"}
    "#);
    assert_eq!(condition(&format!("If-Match: {rev}"), "DELETE").status, 412);
    assert_eq!(condition("If-Match: *", "DELETE").status, 200);
    assert_eq!(service.curl(&format!("{CONFIG}/a")).status, 404);
}

#[test]
fn what_is_removed_leaves_the_ledger() {
    let service = Service::new();
    assert_eq!(put(&service, "a", LOCAL).status, 201);
    let external_id = service.curl(&format!("{CONFIG}/a")).json()["_externalId"].clone();
    drop_csv(&service.folder, "a", "20210228", "users.csv.gz", "id\n1\n");
    mark(&service.folder, "a", "20210228");
    let poll = |name: &str| {
        service.curl(&format!("-X POST '/openidm/dropFolder/{name}?_action=poll&waitForCompletion=true'")).json()
    };
    assert_eq!(poll("a")["runs"].as_array().unwrap().len(), 1);
    let removed = service.curl(&format!("-X DELETE {CONFIG}/a"));
    assert_eq!((removed.status, &removed.json()["_externalId"]), (200, &external_id));
    assert_eq!(service.curl(&format!("-X DELETE {CONFIG}/a")).status, 404);
    // The figures remember that there was one.
    let metrics = service.curl("/metrics").body;
    assert!(metrics.contains(r#"rollbook_drop_folder_runs_total{drop_folder="",result="success"} 1"#), "{metrics}");
    // It comes back under another name, with another ExternalId: what was taken is known.
    assert_eq!(put(&service, "b", LOCAL).status, 201);
    assert_ne!(service.curl(&format!("{CONFIG}/b")).json()["_externalId"], external_id);
    let again = poll("b");
    assert_eq!((&again["state"], &again["runs"]), (&json!("SUCCESS"), &json!([])), "{again}");
}

#[test]
fn a_drop_folder_is_paused_and_resumed() {
    let folder = Folder::new();
    let log = fs::File::create(folder.path("log")).unwrap();
    let service = Service::logging(folder, log);
    // By its schedule it is not looked at before the test is over.
    let settings = with(&with(LOCAL, "paused", false.into()), "cron", "0 0 1 1 *".into());
    assert_eq!(put(&service, "a", &settings).status, 201);
    let act = |action: &str| service.curl(&format!("-X POST '/openidm/dropFolder/a?_action={action}'")).json();
    let paused = act("pause");
    assert_eq!((&paused["state"], paused.get("nextPoll")), (&json!("paused"), None), "{paused}");
    assert_eq!(service.curl(&format!("{CONFIG}/a")).json()["paused"], true);
    let resumed = act("resume");
    assert_eq!((&resumed["state"], resumed["nextPoll"].is_string()), (&json!("ok"), true), "{resumed}");
    let log = service.folder.read("log");
    for done in ["a drop folder was paused", "a drop folder was resumed"] {
        let line = log.lines().find(|line| line.contains(done)).unwrap_or_else(|| panic!("{done}: {log}"));
        assert!(line.contains("\"a\"") && line.contains("admin"), "{line}");
    }
}

/// What stands in `rollbook.toml` can only be changed there.
#[test]
fn the_operators_drop_folders_are_shown_and_stay() {
    let service = Service::on(drop_folder(&format!("{USERS}paused = true\n")));
    let read = service.curl(&format!("{CONFIG}/px-users")).json();
    assert_eq!([&read["_setBy"], &read["bucket"]], ["file", "file:drop"]);
    let refused = [
        put(&service, "px-users", LOCAL),
        send(&service, &format!("-X PATCH {CONFIG}/px-users"), r#"[{"operation":"remove","field":"/paused"}]"#),
        service.curl(&format!("-X DELETE {CONFIG}/px-users")),
        service.curl("-X POST '/openidm/dropFolder/px-users?_action=resume'"),
    ];
    insta::assert_snapshot!(refused.map(|reply| reply.shown()).join("\n"), @r#"
    409
    {"code":409,"reason":"Conflict","message":"drop folder 'px-users' is set in rollbook.toml: change it there"}
    409
    {"code":409,"reason":"Conflict","message":"drop folder 'px-users' is set in rollbook.toml: change it there"}
    409
    {"code":409,"reason":"Conflict","message":"drop folder 'px-users' is set in rollbook.toml: remove it there"}
    409
    {"code":409,"reason":"Conflict","message":"drop folder 'px-users' is set in rollbook.toml: write paused = false there"}
    "#);
    assert_eq!(service.curl(&format!("{CONFIG}/px-users")).json(), read);
    // It may be tried all the same.
    let tried = service.curl("-X POST '/openidm/dropFolder/px-users?_action=test'");
    insta::assert_snapshot!(steady(&tried.body.replace(service.folder.path("").to_str().unwrap(), "/")), @r#"{"_id":"px-users","place":"/rollbook-data/drop/users_import","ok":false,"rights":[{"right":"list","ok":false,"problem":"there is no directory '/rollbook-data/drop': make it, and in it the folder 'users_import/current'"},{"right":"read","ok":false,"problem":"not tried, because of the first problem"},{"right":"write","ok":false,"problem":"not tried, because of the first problem"},{"right":"delete","ok":false,"problem":"not tried, because of the first problem"}]}"#);
    insta::assert_snapshot!(service.curl("/openidm/dropFolder/px-users/policy").shown(), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"the files of the drop folder 'px-users' lie in a directory: policies are for buckets in S3"}
    "#);
}

/// Over REST nobody reaches files of the machine, its network or its secrets, unless the operator allows it.
#[test]
fn an_administrator_may_not_do_what_the_operator_may() {
    let service = Service::new();
    let mut said = String::new();
    for json in [
        with(LOCAL, "bucket", "file:///etc".into()),
        with(LOCAL, "bucket", "file:../drop".into()),
        with(S3, "s3", json!({ "region": "x", "endpoint": "http://s3.example.com" })),
        with(S3, "s3", json!({ "region": "x", "endpoint": "https://169.254.169.254" })),
        with(S3, "callback", json!({ "url": "https://10.0.0.1/", "apiKey": "canary-api-key" })),
        with(S3, "callback", json!({ "url": "https://localhost/", "apiKey": "canary-api-key", "allowPrivate": true })),
        with(S3, "accessKey", json!({ "id": "AKIA1", "secret": { "env": "HOME" } })),
        with(S3, "accessKey", json!({ "id": "AKIA1", "secret": { "file": "/etc/passwd" } })),
        with(S3, "accessKey", "canary-secret".into()),
        with(S3, "accessKey", json!({ "id": "AKIA1" })),
        with(LOCAL, "objectType", "managed/nothing".into()),
        with(LOCAL, "colour", "red".into()),
        with(LOCAL, "name", "b".into()),
        "[]".to_owned(),
    ] {
        let reply = put(&service, "a", &json);
        said.push_str(&format!("{} {}\n", reply.status, reply.message()));
    }
    insta::assert_snapshot!(said.replace(service.folder.path("").to_str().unwrap(), "/"), @"
    400 the drop folder is not set right: drop folder 'a': bucket = 'file:///etc' lies outside of the directories that drop_folders.local_roots of rollbook.toml allows: 'drop'
    400 the drop folder is not set right: drop folder 'a': bucket = 'file:../drop' has '..' in it: write the path without
    400 the drop folder is not set right: drop folder 'a': s3.endpoint: 'http://s3.example.com' is not encrypted: write 'https://HOST/PATH', or allow private addresses (drop_folders.allow_private = true in rollbook.toml allows private addresses)
    400 the drop folder is not set right: drop folder 'a': s3.endpoint: 'https://169.254.169.254' leads to 169.254.169.254, a private address: name a public host (drop_folders.allow_private = true in rollbook.toml allows private addresses)
    400 the drop folder is not set right: drop folder 'a': callback.url: 'https://10.0.0.1/' leads to 10.0.0.1, a private address: name a public host
    400 the drop folder is not set right: drop folder 'a': callback.allowPrivate = true is not allowed (drop_folders.allow_private = true in rollbook.toml allows private addresses)
    400 the drop folder is not set right: drop folder 'a': accessKey.secret is to be the secret itself: { env } and { file } are for rollbook.toml
    400 the drop folder is not set right: drop folder 'a': accessKey.secret is to be the secret itself: { env } and { file } are for rollbook.toml
    400 this is to be a table: { ... }
    400 the drop folder is not set right: drop folder 'a': accessKey.secret is missing: it stays only where id and endpoint do
    400 the drop folder is not set right: drop folder 'a': object_type: there is no object type 'managed/nothing'; there are managed/assignment, managed/px_account, managed/px_user, managed/role, managed/user
    400 unknown field 'colour', expected one of 'name', 'objectType', 'bucket', 'baseFolder', 'dateFormat', 'timeZone', 'pollInterval', 'cron', 'paused', 'settleTime', 'maxRecords', 'maxFileSize', 'destination', 'accessKey', 'role', 's3', 'callback', 'blankCells', 'nullToken', 'columns', 'disabledColumns', 'readOnlyColumns', 'createMissing', 'strictDuplicates', 'encoding', 'onIdentical', 'stopOnError', 'giveUpAfter', 'staleAfter', 'keepProcessed'
    400 the drop folder is named 'b' in the body, and 'a' in the address
    400 the body must be a JSON object
    ");
    assert!(ids(&service.curl(CONFIG).json()).is_empty());
    let allowed = Folder::new()
        .file("rollbook-data/rollbook.toml", "[drop_folders]\nlocal_roots = [\"elsewhere\"]\nallow_private = true\n");
    let service = Service::on(allowed);
    for (name, json) in [
        ("a", with(LOCAL, "bucket", "file:elsewhere/deeper".into())),
        ("b", with(S3, "s3", json!({ "endpoint": "http://127.0.0.1:9", "region": "x" }))),
        (
            "c",
            with(
                &with(S3, "baseFolder", "c".into()),
                "callback",
                json!({ "url": "http://127.0.0.1:9/", "apiKey": "canary-api-key", "allowPrivate": true }),
            ),
        ),
    ] {
        assert_eq!(put(&service, name, &json).status, 201, "{name}");
    }
    assert_eq!(put(&service, "d", LOCAL).status, 400, "file:drop is not among the roots");
}

/// Two drop folders that would take the same files are refused.
#[test]
fn no_two_work_in_one_place() {
    let service = Service::new();
    assert_eq!(put(&service, "a", LOCAL).status, 201);
    insta::assert_snapshot!(put(&service, "b", LOCAL).shown(), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"the drop folder is not set right: drop folder 'b' would take the files of drop folder 'a': give each a folder of its own"}
    "#);
    insta::assert_snapshot!(put(&service, "b", &with(LOCAL, "baseFolder", "a/current".into())).shown(), @r#"
    400
    {"code":400,"reason":"Bad Request","message":"the drop folder is not set right: drop folder 'b': baseFolder = 'a/current' has 'current' in it: name the folder that 'current' and 'processed' lie in"}
    "#);
    assert_eq!(put(&service, "b", &with(LOCAL, "baseFolder", "b".into())).status, 201);
}

/// Only administrators change settings, and those for whom only some object types exist only theirs.
#[test]
fn roles_and_scopes() {
    let service = Service::new();
    assert_eq!(put(&service, "a", LOCAL).status, 201);
    let token = |name: &str, options: &str| service.token(&format!("--name {name} {options}"));
    let lower = ["viewer", "importer"].map(|role| token(role, &format!("--role {role}")));
    let stranger = token("stranger", "--role admin --types managed/px_account");
    let typed = |method: &str, name: &str, json: &str| {
        format!("-X {method} -H 'Content-Type: application/json' --data '{json}' {CONFIG}/{name}")
    };
    let patch = r#"[{"operation":"remove","field":"/paused"}]"#;
    for asked in [
        typed("PUT", "a", LOCAL),
        typed("PATCH", "a", patch),
        format!("-X DELETE {CONFIG}/a"),
        typed("PUT", "b", LOCAL),
    ] {
        for token in &lower {
            assert_eq!(service.ask(token, &asked).status, 403, "{asked}");
        }
    }
    for asked in [typed("PUT", "a", LOCAL), typed("PATCH", "a", patch), format!("-X DELETE {CONFIG}/a")] {
        let reply = service.ask(&stranger, &asked);
        assert_eq!(
            (reply.status, reply.message().as_str()),
            (404, "there is no drop folder 'a'; there are none"),
            "{asked}"
        );
    }
    let accounts = with(&with(LOCAL, "objectType", "managed/px_account".into()), "baseFolder", "b".into());
    let users = with(&accounts, "objectType", "managed/px_user".into());
    let alias = users.replace("objectType", "object_type");
    for json in [&users, &alias] {
        let reply = service.ask(&stranger, &typed("PUT", "b", json));
        assert_eq!(
            (reply.status, reply.message().as_str()),
            (404, "there is no object type 'managed/px_user'; there are managed/px_account")
        );
    }
    assert_eq!(service.ask(&stranger, &typed("PUT", "b", &accounts)).status, 201);
    assert_eq!(service.ask(&stranger, &typed("PUT", "b", &users)).status, 404);
    assert_eq!(ids(&service.ask(&stranger, CONFIG).json()), ["b"]);
}

/// Secrets go in, and never come out: not in an answer, not in a refusal, not in the log, not in the database.
#[test]
fn secrets_are_never_shown() {
    let folder = Folder::new();
    let log = folder.path("log");
    let stderr = fs::File::create(&log).unwrap();
    let service = Service::logging(folder, stderr);
    let mut answers = Vec::new();
    answers.push(put(&service, "px-users", S3));
    let changed = with(S3, "accessKey", json!({ "id": "AKIA1", "secret": "canary-new-key" }));
    answers.push(put(&service, "px-users", &changed));
    // Wrong in every way that has a secret in it.
    for wrong in [
        with(S3, "accessKey", json!({ "id": "canary-secret/with-slash", "secret": "canary-secret" })),
        with(S3, "accessKey", json!({ "id": "AKIA1", "secret": ["canary-secret"] })),
        with(S3, "accessKey", json!({ "id": "AKIA1", "secret": { "canary-secret": "canary-secret" } })),
        with(S3, "accessKey", json!(["canary-secret"])),
        with(S3, "callback", json!({ "url": "https://user:canary-secret@example.com/", "apiKey": "canary-api-key" })),
        with(S3, "callback", json!("canary-api-key")),
        with(S3, "maxRecords", "many".into()),
    ] {
        let reply = put(&service, "px-users", &wrong);
        assert_eq!(reply.status, 400, "{}", reply.body);
        answers.push(reply);
    }
    answers.push(service.curl("-X POST '/openidm/dropFolder/px-users?_action=pause'"));
    for typed in [
        CONFIG,
        "/openidm/config/dropFolder/px-users",
        "'/openidm/config/dropFolder/px-users?_fields=accessKey/secret,callback/apiKey,*'",
        "'/openidm/config/dropFolder?_queryFilter=accessKey/secret+pr'",
        "/openidm/dropFolder",
        "/openidm/dropFolder/px-users",
        "/openidm/dropFolder/px-users/run",
        "/metrics",
        "-X DELETE /openidm/config/dropFolder/px-users",
    ] {
        answers.push(service.curl(typed));
    }
    assert_eq!(put(&service, "px-users", S3).status, 201);
    let stored = service.folder.look().everything();
    let shown = service.folder.run("drop-folder list --json").stdout();
    let log = fs::read(log).unwrap();
    assert!(!log.is_empty() && !stored.is_empty() && shown.contains("px-users"));
    let answered: String = answers.iter().map(|reply| reply.body.as_str()).collect();
    for canary in CANARIES {
        for (place, bytes) in [
            ("an answer", answered.as_bytes()),
            ("the log", &log),
            ("the repository", &stored),
            ("the command line", shown.as_bytes()),
        ] {
            let is_there = bytes.windows(canary.len()).any(|part| part == canary.as_bytes());
            assert!(!is_there, "{canary} in {place}\n{answered}\n{}", String::from_utf8_lossy(&log));
        }
    }
}
