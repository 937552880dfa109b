//! `rollbook serve`: how it starts, what it listens to, and how it ends.

use std::fmt::Write as _;
use std::process::Stdio;
use std::thread::{self, sleep};
use std::time::Duration;

use serde_json::Value;

use crate::harness::Folder;
use crate::service::Service;

const SETTINGS: &str = "rollbook-data/rollbook.toml";
const TEMPLATE: &str = "/openidm/csv/template?resourceCollection=managed/role&_fields=header";

/// A service that does not come to serve. Gives what it says.
fn refused(folder: &Folder, listen: &str) -> String {
    let output = folder.command(&format!("serve --listen {listen}")).stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(output.stdout.is_empty());
    stderr
}

/// An import as `imports show` has it.
fn shown(folder: &Folder, id: &str) -> Value {
    folder.run(&format!("imports show {id} --json")).json().remove(0)
}

fn users(count: usize) -> String {
    let mut users = "userName,givenName,sn,mail\n".to_owned();
    for number in 0..count {
        writeln!(users, "user{number},Given,Family,user{number}@example.com").unwrap();
    }
    users
}

/// Waits until it is so.
fn until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..6000 {
        if is_so() {
            return;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("it does not come to be so");
}

#[test]
fn addresses_are_read_as_pingidm_reads_them() {
    let service = Service::new();
    let template = service.curl(TEMPLATE);
    for address in ["/openidm/csv/template/", "//openidm/csv/template"] {
        let (_, query) = TEMPLATE.split_once('?').unwrap();
        assert_eq!(service.curl(&format!("--path-as-is {address}?{query}")).body, template.body);
    }
    for (arguments, status) in [
        ("--head /openidm/csv/template", 400),
        ("--head /healthz", 200),
        ("--request OPTIONS /openidm/csv/template", 405),
        ("--request DELETE /openidm/csv/template", 405),
        ("--request POST /openidm/csv/template", 405),
        ("--request POST --header 'X-HTTP-Method-Override: GET' /openidm/csv/template", 400),
        ("--request GET --header 'X-HTTP-Method-Override: DELETE' /healthz", 200),
        ("--request POST --header 'X-HTTP-Method-Override: (' /openidm/csv/template", 400),
        ("/openidm/csv//template", 404),
        ("/nowhere", 404),
        ("--header 'Accept-API-Version: resource=1.0' /healthz", 200),
        ("--header 'Accept-API-Version: newest' /healthz", 400),
    ] {
        assert_eq!(service.curl(arguments).status, status, "{arguments}");
    }
    let reply = service.curl("--request DELETE /openidm/csv/template");
    assert_eq!(reply.header("allow"), Some("GET,HEAD"));
    insta::assert_snapshot!(reply.shown(), @r#"
    405
    {"code":405,"reason":"Method Not Allowed","message":"'/openidm/csv/template' does not take DELETE"}
    "#);
}

#[test]
fn answers_say_what_they_answer() {
    let service = Service::new();
    let reply = service.curl(&format!("--header 'X-Request-Id: my-request.1' {TEMPLATE}"));
    assert_eq!(reply.header("x-request-id"), Some("my-request.1"));
    assert_eq!(reply.header("content-api-version"), Some("protocol=2.1,resource=1.0"));
    let long = "a".repeat(129);
    for insane in ["a b", "<script>", &long] {
        let reply = service.curl(&format!("--header 'X-Request-Id: {insane}' /healthz"));
        assert_eq!(reply.header("x-request-id").map(str::len), Some(36));
        assert_eq!(reply.header("content-api-version"), None);
    }
}

#[test]
fn an_answer_that_takes_too_long_is_a_503() {
    let settings = "[server]\nrequest_timeout = '200ms'\n";
    let service = Service::on(Folder::new().file(SETTINGS, settings));
    let held = service.folder.look().hold_writers();
    let create = |name: &str| {
        let object = format!("--header 'Content-Type: application/json' --data {{\"name\":\"{name}\"}}");
        service.curl(&format!("{object} /openidm/managed/role?_action=create"))
    };
    let reply = create("first");
    assert!(reply.header("retry-after").is_some());
    insta::assert_snapshot!(reply.shown(), @r#"
    503
    {"code":503,"reason":"Service Unavailable","message":"the request took too long to be answered; try again later"}
    "#);
    drop(held);
    until(|| create("second").status != 503);
    assert_eq!(create("third").status, 201);
}

/// Else nobody would know whether it is imported.
#[test]
fn an_upload_that_is_here_is_answered_however_long_that_takes() {
    let settings = "[server]\nrequest_timeout = '50ms'\n";
    let service = Service::on(Folder::new().file(SETTINGS, settings).file("users.csv", users(1)));
    let held = service.folder.look().hold_writers();
    let ids = thread::scope(|scope| {
        let upload = scope.spawn(|| service.upload("managed/user?uniqueProperty=userName", "users.csv"));
        sleep(Duration::from_millis(500));
        drop(held);
        upload.join().unwrap()
    });
    assert_eq!(service.finished(&ids[0])["created"], 1);
}

#[test]
fn there_is_one_service_to_an_installation() {
    let mut service = Service::new();
    insta::assert_snapshot!(refused(&service.folder, "127.0.0.1:0"), @"rollbook: another 'rollbook serve' works with 'rollbook-data' already");
    let taken = service.address.strip_prefix("http://").unwrap().to_owned();
    let said = refused(&Folder::new(), &taken);
    assert!(said.contains(&format!("cannot listen on {taken}: Address already in use")), "{said}");
    service.kill();
    service.restart();
    assert_eq!(service.curl("/healthz").status, 200);
}

#[test]
fn commands_work_beside_a_service() {
    let folder = Folder::new().file("users.csv", users(10)).file("more.csv", users(30));
    let service = Service::on(folder);
    let counts = |file: &str| service.folder.account(&format!("import {file} --into managed/user --unique userName"));
    assert_eq!(counts("users.csv"), "exit 0, created 10, total 10");
    assert_eq!(counts("more.csv"), "exit 0, created 20, unchanged 10, total 30");
    // Left behind by a process that was killed: the service takes it up.
    let left = service.folder.leave_running("more.csv");
    until(|| shown(&service.folder, &left).get("end").is_some());
    assert_eq!(shown(&service.folder, &left)["unchanged"], 30);
}

#[test]
fn imports_stop_with_the_service_and_go_on_with_it() {
    let total = 60_000;
    let settings = "[import]\nround = 500\ncommit_every = '1ms'\n";
    let folder = Folder::new().file("users.csv", users(total)).file(SETTINGS, settings);
    let mut service = Service::on(folder);
    let id = service.folder.leave_running("users.csv");
    until(|| shown(&service.folder, &id)["success"].as_u64() > Some(0));
    assert_eq!(service.stop(), Some(0));
    let stopped = shown(&service.folder, &id);
    assert_eq!(stopped["state"], "running", "{stopped}");
    assert!(stopped["success"].as_u64() < Some(total as u64), "{stopped}");
    service.restart();
    until(|| shown(&service.folder, &id).get("end").is_some());
    let finished = shown(&service.folder, &id);
    assert_eq!(
        [&finished["state"], &finished["created"], &finished["total"]],
        [&Value::from("finished"), &Value::from(total), &Value::from(total)]
    );
    assert_eq!(service.stop(), Some(0));
}

#[test]
fn names_are_listened_on_and_settings_are_heeded() {
    let service = Service::on(Folder::new().file(SETTINGS, "[server]\nlisten = '127.0.0.1:1'\n"));
    assert_eq!(service.curl("/healthz").status, 200);
    let folder = Folder::new();
    let said = refused(&folder, "localhost");
    assert!(said.contains("cannot listen on localhost: "), "{said}");
    let mut serve = folder.command("serve --listen localhost:0").stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(serve.stdout.as_mut().unwrap()), &mut first).unwrap();
    serve.kill().unwrap();
    serve.wait().unwrap();
    assert!(first.starts_with("listening on http://127.0.0.1:") || first.starts_with("listening on http://[::1]:"));
}

#[test]
fn tokens_are_not_sent_in_the_open() {
    insta::assert_snapshot!(refused(&Folder::new(), "0.0.0.0:0"), @"rollbook: server.listen = '0.0.0.0:0' would send tokens unencrypted over the network: set server.tls, or server.behind_proxy = true if a proxy speaks HTTPS in front of this service");
    let settings = "[server]\ntls = { certificate = 'none.pem', key = 'no-key.pem' }\n";
    let said = refused(&Folder::new().file(SETTINGS, settings), "nowhere.invalid:0");
    for mistake in ["the certificate 'rollbook-data/none.pem' could not be read", "the key 'rollbook-data/no-key.pem'"]
    {
        assert!(said.contains(mistake), "{said}");
    }
    assert!(said.contains("cannot listen on nowhere.invalid:0"), "{said}");
    let settings = "[server]\nlisten = '8080'\nrequest_timeout = 'soon'\nheader_timeout = '0s'\nmax_connections = 0\n\
                    [import]\nmemory = 'lots'\n";
    insta::assert_snapshot!(refused(&Folder::new().file(SETTINGS, settings), "127.0.0.1:0"), @"rollbook: rollbook-data/rollbook.toml: server.listen = '8080' is not an address: write for example '127.0.0.1:8080'; server.max_connections = 0 lets nobody in: write at least 1; server.header_timeout = '0s' lets nobody in: write for example '30s'; server.request_timeout = 'soon' is not a length of time: write for example '500ms' or '2s'; import.memory = 'lots' is not a size: write for example '256MB'");
}

/// Makes a certificate for this machine, as people do for a try.
fn certify(folder: &Folder) {
    let subject = "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1";
    let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
    let files = "-keyout rollbook-data/key.pem -out rollbook-data/certificate.pem";
    let mut openssl = std::process::Command::new("openssl");
    openssl.args(format!("{request} {subject} {files}").split(' ')).current_dir(folder.path(""));
    assert!(openssl.output().unwrap().status.success());
}

#[test]
fn https_is_spoken_with_a_certificate() {
    let settings = "[server]\ntls = { certificate = 'certificate.pem', key = 'key.pem' }\n";
    let folder = Folder::new().file(SETTINGS, settings);
    certify(&folder);
    let service = Service::on(folder);
    assert!(service.address.starts_with("https://127.0.0.1:"), "{}", service.address);
    let trusting = "--cacert rollbook-data/certificate.pem";
    assert_eq!(service.curl(&format!("{trusting} --http2 {TEMPLATE}&x=\"")).status, 200);
    assert_eq!(service.curl(&format!("{trusting} '{TEMPLATE}'")).status, 200);
    // A renewed certificate is used without a restart.
    certify(&service.folder);
    let mut curl = service.command();
    curl.args(trusting.split(' ')).arg(format!("{}/healthz", service.address));
    until(|| curl.output().unwrap().status.success());
    // Half a renewal does no harm.
    std::fs::write(service.folder.path("rollbook-data/key.pem"), "no key").unwrap();
    assert_eq!(service.curl(&format!("{trusting} /healthz")).status, 200);
}
