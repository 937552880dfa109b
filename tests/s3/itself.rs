//! That the servers are as strict as those they stand for: asked with curl, which signs by itself.

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use super::sts::{CALLER, ROLE};
use super::{BUCKET, Fate, KEY, Moto, S3Server, SECRET, Sts};
use crate::harness::arguments;

/// The status of the answer and, behind it, the answer: `200 ...`; `000` without an answer.
fn signed(endpoint: &str, service: &str, id: &str, secret: &str, typed: &str) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--globoff", "--max-time", "60", "--write-out", "%{stderr}%{http_code}"])
        .args(["--aws-sigv4", &format!("aws:amz:us-east-1:{service}"), "--user", &format!("{id}:{secret}")])
        .args(if service == "s3" { &["--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD"][..] } else { &[] })
        .args(arguments(&typed.replace("URL", endpoint)))
        .output()
        .unwrap();
    format!("{} {}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}

fn ask(s3: &S3Server, typed: &str) -> String {
    signed(&format!("{}/{BUCKET}", s3.endpoint), "s3", KEY, SECRET, typed)
}

#[track_caller]
fn must_say(answer: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(answer.contains(part), "'{part}' in {answer}"));
}

#[test]
fn objects_come_and_go_and_are_files() {
    let s3 = S3Server::new();
    must_say(&ask(&s3, "--request PUT --data-binary abc URL/a/dt=1/x"), &["200"]);
    assert_eq!(s3.text("a/dt=1/x"), "abc");
    s3.plant("a/dt=1/y", "def");
    must_say(&ask(&s3, "URL/a/dt=1/y"), &["200 def"]);
    let copy = format!("--header 'x-amz-copy-source: /{BUCKET}/a/dt%3D1/y' --request PUT URL/b/y");
    must_say(&ask(&s3, &copy), &["200", "4ed9407630eb1000c0f6b63842defa7d"]);
    assert_eq!(s3.keys(), ["a/dt=1/x", "a/dt=1/y", "b/y"]);
    must_say(&ask(&s3, "--request DELETE URL/a/dt=1/x"), &["204"]);
    s3.remove("a/dt=1/y");
    assert_eq!(s3.keys(), ["b/y"]);
    must_say(&ask(&s3, "URL/a/dt=1/x"), &["404", "NoSuchKey"]);
    let log: Vec<_> = s3.log().into_iter().map(|request| (request.action, request.key)).collect();
    assert_eq!(log[2], ("CopyObject", "b/y".to_owned()));
    assert_eq!(s3.log()[2].source.as_deref(), Some("a/dt=1/y"));
}

#[test]
fn only_who_has_the_key_is_let_in() {
    let s3 = S3Server::new();
    let url = format!("{}/{BUCKET}", s3.endpoint);
    must_say(&signed(&url, "s3", KEY, "another", "URL?list-type=2"), &["403", "SignatureDoesNotMatch"]);
    must_say(&signed(&url, "s3", "AKIANOBODY", SECRET, "URL?list-type=2"), &["403", "InvalidAccessKeyId"]);
    let nobody = Command::new("curl").args(["--silent", &url]).output().unwrap();
    must_say(&String::from_utf8_lossy(&nobody.stdout), &["AccessDenied"]);
}

/// A listing knows the same entity tag and the same second as the object itself, also after it was replaced on disk.
#[test]
fn listings_agree_with_objects() {
    let s3 = S3Server::new();
    must_say(&ask(&s3, "--request PUT --data-binary abc URL/a/x"), &["200"]);
    for (content, tag) in [("def", "4ed9407630eb1000c0f6b63842defa7d"), ("ghi", "826bbc5d0522f5f20a1da4b60fa8c871")] {
        s3.plant("a/x", content);
        must_say(&ask(&s3, "URL?list-type=2"), &["<Key>a/x</Key>", tag, ".000Z</LastModified>"]);
        must_say(&ask(&s3, "--head URL/a/x"), &["200", tag, " GMT"]);
    }
    must_say(&ask(&s3, "--request DELETE URL/a/x"), &["204"]);
    s3.plant("a/x", "abc");
    must_say(&ask(&s3, "URL?list-type=2"), &["900150983cd24fb0d6963f7d28e17f72"]);
}

#[test]
fn listings_have_pages_and_folders() {
    let s3 = S3Server::new();
    ["a/1", "a/2", "a/3", "b/1"].iter().for_each(|key| s3.plant(key, ""));
    s3.plant_folder("a/");
    s3.plant_folder("c/");
    must_say(
        &ask(&s3, "URL?delimiter=%2F&list-type=2"),
        &["<Prefix>a/</Prefix>", "<Prefix>b/</Prefix>", "<Prefix>c/</Prefix>"],
    );
    must_say(&ask(&s3, "URL?list-type=2&prefix=a%2F"), &["<Key>a/</Key>", "<Key>a/1</Key>", "<IsTruncated>false"]);
    s3.page(2);
    let page = ask(&s3, "URL?list-type=2");
    must_say(&page, &["<Key>a/2</Key>", "<IsTruncated>true", "<NextContinuationToken>a/2<"]);
    assert!(!page.contains("<Key>a/3</Key>"), "{page}");
    must_say(&ask(&s3, "URL?continuation-token=a%2F2&list-type=2"), &["<Key>a/3</Key>", "<Key>b/1</Key>"]);
}

#[test]
fn conditions_hold_unless_they_are_ignored() {
    let s3 = S3Server::new();
    s3.plant("a", "abc");
    let tag = "900150983cd24fb0d6963f7d28e17f72";
    let conditional = |tag: &str, typed: &str| ask(&s3, &format!("--header 'If-Match: \"{tag}\"' {typed}"));
    must_say(&conditional(tag, "URL/a"), &["200 abc"]);
    must_say(&conditional("other", "URL/a"), &["412"]);
    must_say(&conditional("other", "--head URL/a"), &["412"]);
    must_say(&conditional("other", "--request DELETE URL/a"), &["412"]);
    s3.ignore_conditions();
    must_say(&conditional("other", "--request DELETE URL/a"), &["204"]);
    assert_eq!(s3.keys(), Vec::<String>::new());
}

#[test]
fn what_is_forbidden_is_denied() {
    let s3 = S3Server::new();
    s3.plant("a/x", "abc");
    s3.forbid("s3:DeleteObject", "a/");
    must_say(&ask(&s3, "--request DELETE URL/a/x"), &["403", "AccessDenied"]);
    must_say(&ask(&s3, "URL/a/nothing"), &["404"]);
    s3.forbid("s3:ListBucket", "");
    must_say(&ask(&s3, "URL?list-type=2"), &["403", "AccessDenied"]);
    must_say(&ask(&s3, "URL/a/nothing"), &["403", "AccessDenied"]);
    must_say(&ask(&s3, "URL/a/x"), &["200 abc"]);
    s3.allow_all();
    must_say(&ask(&s3, "--request DELETE URL/a/x"), &["204"]);
}

#[test]
fn a_request_meets_its_fate() {
    let s3 = S3Server::new();
    s3.plant("a", "abcdef");
    let write = "--request PUT --data-binary new URL/b";
    for (fate, status, is_done) in [
        ((|| Fate::Refused(503)) as fn() -> Fate, "503", false),
        (|| Fate::Dropped, "000", false),
        (|| Fate::DoneButRefused(500), "500", true),
        (|| Fate::DoneButDropped, "000", true),
        (|| Fate::Done, "200", true),
    ] {
        s3.decide(move |request| if request.number == 1 { fate() } else { Fate::Done });
        must_say(&ask(&s3, write), &[status]);
        assert_eq!(s3.keys().contains(&"b".to_owned()), is_done, "{status}");
        if is_done {
            s3.remove("b");
        }
        must_say(&ask(&s3, "URL/a"), &["200 abcdef"]);
    }
    s3.decide(|request| if request.writes() { Fate::Done } else { Fate::Cut });
    assert_eq!(ask(&s3, "URL/a"), "200 abc");
    let (told, hears) = std::sync::mpsc::channel();
    s3.decide(move |_| {
        let told = told.clone();
        Fate::DoneThen(Box::new(move || told.send("now").unwrap()))
    });
    must_say(&ask(&s3, write), &["200"]);
    assert_eq!(hears.try_recv(), Ok("now"));
    s3.behave();
    assert_eq!(s3.log().len(), 12);
}

#[test]
fn a_role_is_assumed_with_its_external_id_only() {
    let s3 = S3Server::new();
    let sts = Sts::new(&s3, "rollbook-1");
    let [(_, id), (_, secret), _] = Sts::environment();
    let assume = |more: &str| {
        let form = format!("Action=AssumeRole&Version=2011-06-15&RoleSessionName=us&RoleArn={ROLE}{more}");
        signed(&sts.endpoint, "sts", id, secret, &format!("--data '{form}' URL/"))
    };
    let denied = format!("User: {CALLER} is not authorized to perform: sts:AssumeRole on resource: {ROLE}");
    must_say(&assume(""), &["403", "AccessDenied", &denied]);
    must_say(&assume("&ExternalId=rollbook-2"), &["403", &denied]);
    must_say(&assume("&ExternalId=rollbook-1"), &["200", "<SessionToken>"]);
    sts.trust(None);
    must_say(&assume(""), &["200", "<SessionToken>"]);
    must_say(&signed(&sts.endpoint, "sts", id, "another", "--data Action=AssumeRole URL/"), &["SignatureDoesNotMatch"]);
    must_say(&signed(&sts.endpoint, "sts", KEY, SECRET, "--data Action=AssumeRole URL/"), &["InvalidClientTokenId"]);
    must_say(&signed(&sts.endpoint, "s3", id, secret, "--data Action=AssumeRole URL/"), &["SignatureDoesNotMatch"]);
    must_say(&signed(&sts.endpoint, "sts", id, secret, "--data Action=GetCallerIdentity URL/"), &["200", CALLER]);
    let seen = [None, Some("rollbook-2"), Some("rollbook-1"), None];
    assert_eq!(sts.seen(), seen.map(|id| id.map(str::to_owned)));
    assert_eq!(sts.issued(), 2);
}

#[test]
fn temporary_keys_expire() {
    let s3 = S3Server::new();
    s3.plant("a", "abc");
    let sts = Sts::new(&s3, "rollbook-1");
    sts.lifetime(Duration::from_secs(3));
    let [(_, id), (_, secret), _] = Sts::environment();
    let form = format!("Action=AssumeRole&Version=2011-06-15&RoleSessionName=us&RoleArn={ROLE}&ExternalId=rollbook-1");
    let answer = signed(&sts.endpoint, "sts", id, secret, &format!("--data '{form}' URL/"));
    let part = |name: &str| answer.split(&format!("<{name}>")).nth(1).unwrap().split('<').next().unwrap().to_owned();
    let [id, secret, token] = ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(part);
    let get = |header: &str| {
        let url = format!("{}/{BUCKET}", s3.endpoint);
        signed(&url, "s3", &id, &secret, &format!("--header '{header}' URL/a"))
    };
    must_say(&get(&format!("x-amz-security-token: {token}")), &["200 abc"]);
    must_say(&get("x-amz-security-token: another"), &["400", "InvalidToken"]);
    must_say(&get("x-nothing: really"), &["400", "InvalidToken"]);
    sleep(Duration::from_millis(3100));
    must_say(&get(&format!("x-amz-security-token: {token}")), &["400", "ExpiredToken"]);
}

#[test]
fn moto_is_there() {
    let moto = Moto::new();
    moto.plant("a/x", b"abc");
    assert_eq!(moto.keys(), ["a/x"]);
    assert_eq!(moto.text("a/x"), "abc");
}
