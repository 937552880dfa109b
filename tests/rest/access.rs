//! Who may come in, and what they see.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use serde_json::json;

use crate::harness::Folder;
use crate::service::Service;

const TEMPLATE: &str = "'/openidm/csv/template?resourceCollection=managed/user'";

const DENIED: &str = r#"{"code":401,"reason":"Unauthorized","message":"Access Denied"}"#;

#[test]
fn whoever_is_known_comes_in() {
    let service = Service::new();
    let secret = service.token("--name 'Zoë' --role viewer");
    for credentials in [
        format!("--header 'Authorization: Bearer {secret}'"),
        format!("--header 'authorization: bearer {secret}'"),
        format!("--header 'X-OpenIDM-Username: Zoë' --header 'X-OpenIDM-Password: {secret}'"),
        format!("--user 'Zoë:{secret}'"),
        format!("--user 'Zoë:{secret}' --header 'X-OpenIDM-NoSession: true'"),
        format!("--user 'Zoë:{secret}' --header 'X-OpenIDM-Username: Zoë' --header 'X-OpenIDM-Password: {secret}'"),
    ] {
        let reply = service.curl(&format!("{credentials} /openidm/info/login"));
        assert_eq!((reply.status, &reply.json()["authenticationId"]), (200, &json!("Zoë")), "{credentials}");
        assert_eq!(reply.header("set-cookie"), None);
    }
}

#[test]
fn whoever_is_not_known_is_told_nothing() {
    let service = Service::new();
    let secret = service.token("--name viewer --role viewer");
    let other = service.token("--name other --role viewer");
    for credentials in [
        "--header 'Authorization: Bearer wrong'".to_owned(),
        "--header 'Authorization: Bearer '".to_owned(),
        format!("--header 'Authorization: {secret}'"),
        format!("--header 'Authorization: Digest {secret}'"),
        format!("--header 'Authorization: Bearer {secret}x'"),
        format!("--header 'X-OpenIDM-Username: admin' --header 'X-OpenIDM-Password: {secret}'"),
        format!("--header 'X-OpenIDM-Username: Viewer' --header 'X-OpenIDM-Password: {secret}'"),
        "--header 'X-OpenIDM-Username: viewer' --header 'X-OpenIDM-Password: viewer'".to_owned(),
        "--header 'X-OpenIDM-Username: viewer'".to_owned(),
        format!("--user 'openidm-admin:{secret}'"),
        "--user openidm-admin:openidm-admin".to_owned(),
        // Of several credentials none may be wrong, and all must be of the same.
        format!(
            "--header 'Authorization: Bearer {secret}' --header 'X-OpenIDM-Username: viewer' --header 'X-OpenIDM-Password: x'"
        ),
        format!("--header 'Authorization: Bearer {secret}' --header 'Authorization: Bearer {other}'"),
    ] {
        for path in [TEMPLATE, "/openidm/info/ping", "/somewhere/else"] {
            let reply = service.curl(&format!("{credentials} {path}"));
            assert_eq!((reply.status, reply.body.as_str()), (401, DENIED), "{credentials} {path}");
            assert_eq!(reply.header("www-authenticate"), None);
            assert_eq!(reply.header("content-type"), Some("application/json; charset=UTF-8"));
        }
    }
}

/// A file that nobody sends: a request that waits to be asked for its body is answered without it.
#[test]
fn a_stranger_is_not_asked_for_a_body() {
    let service = Service::on(Folder::new().file("users.csv", "userName\n"));
    let reply = service.curl(
        "--header 'Authorization: Bearer wrong' --header 'Expect: 100-continue' --header 'Content-Length: 2000000000' \
         --expect100-timeout 30 --request POST --data-binary @users.csv /upload/csv/managed/user",
    );
    assert_eq!((reply.status, reply.body.as_str()), (401, DENIED));
}

#[test]
fn everybody_learns_who_they_are() {
    let service = Service::new();
    insta::assert_snapshot!(service.curl("/openidm/info/login").shown(), @r#"
    200
    {"_id":"login","authenticationId":"openidm-admin","authorization":{"id":"openidm-admin","component":"internal/user","roles":["internal/role/openidm-admin","internal/role/openidm-authorized"],"role":"admin","objectTypes":null}}
    "#);
    let secret = service.token("--name hr --role importer --types managed/user");
    insta::assert_snapshot!(service.ask(&secret, "/openidm/info/login").shown(), @r#"
    200
    {"_id":"login","authenticationId":"hr","authorization":{"id":"hr","component":"internal/user","roles":["internal/role/openidm-authorized"],"role":"importer","objectTypes":["managed/user"]}}
    "#);
    insta::assert_snapshot!(service.ask(&secret, "/openidm/info/ping").shown(), @r#"
    200
    {"_id":"","_rev":"","shortDesc":"OpenIDM ready","state":"ACTIVE_READY"}
    "#);
}

#[test]
fn a_token_counts_from_when_it_is_made_until_it_is_revoked() {
    let service = Service::new();
    let secret = service.token("--name ci --role viewer");
    // A secret that is found somewhere says what to revoke.
    let id = secret.split('_').nth(1).unwrap();
    assert_eq!(service.ask(&secret, TEMPLATE).status, 200);
    let _ = service.folder.run(&format!("token revoke {id}")).success();
    assert_eq!(service.ask(&secret, TEMPLATE).body, DENIED);
    // Somebody else of the same name is somebody else.
    let new = service.token("--name ci --role viewer");
    assert_eq!(service.ask(&new, TEMPLATE).status, 200);
    assert_eq!(service.ask(&secret, TEMPLATE).status, 401);
}

#[test]
fn a_token_expires() {
    let service = Service::new();
    let secret = service.token("--name brief --role viewer --expires 1s");
    let lasting = service.token("--name lasting --role viewer --expires 1d");
    assert!((0..1000).any(|_| service.ask(&secret, TEMPLATE).status == 401));
    assert_eq!(service.ask(&lasting, TEMPLATE).status, 200);
    let listed = service.folder.run("token list").success();
    assert!(listed.lines().any(|line| line.contains("brief") && line.contains("(expired)")), "{listed}");
}

#[test]
fn what_a_token_may_not_see_is_nowhere() {
    let service = Service::new();
    let secret = service.token("--name roles --role admin --types managed/role,managed/assignment");
    assert_eq!(service.ask(&secret, "'/openidm/csv/template?resourceCollection=managed/role'").status, 200);
    let reply = service.ask(&secret, TEMPLATE);
    insta::assert_snapshot!(reply.shown(), @r#"
    404
    {"code":404,"reason":"Not Found","message":"there is no object type 'managed/user'; there are managed/assignment, managed/role"}
    "#);
}

/// A service as it is started by hand, without a token of the operator's.
struct Started {
    process: Child,
    lines: Vec<String>,
}

/// When `serve` is typed, with this in ROLLBOOK_ADMIN_TOKEN. Gives the first lines that are printed.
fn start(folder: &Folder, chosen: Option<&str>, lines: usize) -> Started {
    let mut serve = folder.command("serve --listen 127.0.0.1:0");
    chosen.map(|token| serve.env("ROLLBOOK_ADMIN_TOKEN", token));
    let mut process = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let printed = BufReader::new(process.stdout.take().unwrap()).lines();
    let lines = printed.take(lines).map(Result::unwrap).collect();
    Started { process, lines }
}

impl Started {
    /// The status of an answer to this token.
    fn status(&self, token: &str) -> String {
        let address = self.lines[0].strip_prefix("listening on ").expect("an address");
        let mut curl = std::process::Command::new("curl");
        curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"]);
        curl.args(["--header", &format!("Authorization: Bearer {token}"), &format!("{address}/openidm/info/ping")]);
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    }

    /// Ends the process.
    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn the_first_start_shows_the_administrators_token() {
    let folder = Folder::new();
    let mut first = start(&folder, None, 2);
    let made = first.lines[1].strip_prefix("admin token (shown once): ").expect(&first.lines[1]).to_owned();
    assert!(made.starts_with("rb_"), "{made}");
    assert_eq!(first.status(&made), "200");
    first.stop();
    // Shown once.
    let mut second = start(&folder, None, 1);
    assert_eq!(second.status(&made), "200");
    second.stop();
    let listed = folder.run("token list --json").json();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!((&listed[0]["name"], &listed[0]["role"]), (&json!("openidm-admin"), &json!("admin")));
    // One that is lost is revoked, and the next start makes another.
    let _ = folder.run(&format!("token revoke {}", listed[0]["id"].as_str().unwrap())).success();
    let third = start(&folder, None, 2);
    let again = third.lines[1].strip_prefix("admin token (shown once): ").expect(&third.lines[1]);
    assert_eq!((third.status(again), third.status(&made)), ("200".to_owned(), "401".to_owned()));
}

#[test]
fn the_operator_chooses_the_administrators_token() {
    let folder = Folder::new();
    let tokens = ["chosen-by-the-operator", "chosen.by.another", "chosen-by-the-operator"];
    for token in tokens {
        let mut started = start(&folder, Some(token), 1);
        for other in tokens {
            let expected = if other == token { "200" } else { "401" };
            assert_eq!(started.status(other), expected, "{other} while {token} is chosen");
        }
        started.stop();
    }
    // It stays when nobody chooses.
    let started = start(&folder, None, 1);
    assert_eq!(started.status(tokens[2]), "200");
    assert_eq!(folder.run("token list --json").json().len(), 1);
}

#[test]
fn a_token_that_cannot_be_sent_is_refused() {
    let folder = Folder::new();
    let taken = folder.run("token create --name other --role viewer --json").json().remove(0);
    for (chosen, sentence) in [
        ("", "ROLLBOOK_ADMIN_TOKEN is empty or has blanks or line breaks"),
        ("secret\n", "ROLLBOOK_ADMIN_TOKEN is empty or has blanks or line breaks"),
        (taken["token"].as_str().unwrap(), "this is the token named 'other' already"),
    ] {
        let mut serve = folder.command("serve --listen 127.0.0.1:0");
        let output = serve.env("ROLLBOOK_ADMIN_TOKEN", chosen).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(output.stdout.is_empty() && stderr.contains(sentence), "{stderr}");
    }
}

/// Several processes start at once on an empty installation: one of them is the service, and the token it shows is good.
#[test]
fn one_of_many_makes_the_administrator() {
    let folder = Folder::new();
    let mut started: Vec<Child> = Vec::new();
    for _ in 0..4 {
        let mut serve = folder.command("serve --listen 127.0.0.1:0");
        started.push(serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    }
    let mut shown = Vec::new();
    for process in &mut started {
        let mut printed = BufReader::new(process.stdout.take().unwrap()).lines();
        let Some(first) = printed.next() else {
            assert_eq!(process.wait().unwrap().code(), Some(2));
            continue;
        };
        assert!(first.unwrap().starts_with("listening on "));
        process.kill().unwrap();
        process.wait().unwrap();
        shown.extend(printed.map(Result::unwrap));
    }
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert_eq!(folder.run("token list --json").json().len(), 1);
    let secret = shown[0].strip_prefix("admin token (shown once): ").expect("the token");
    assert_eq!(start(&folder, None, 1).status(secret), "200");
}
