use std::path::PathBuf;

use serde_json::{Value, json};

use super::read;
use crate::config::drop_folder::limits::{DropFolderLimits, Surroundings};
use crate::config::drop_folder::written::WrittenDropFolder;
use crate::config::{Environment, SetBy};

/// What is wrong with these settings of an administrator, besides what is not.
fn said(settings: Value, allow_private: bool) -> String {
    let data = tempfile::tempdir().expect("a directory");
    let inside = data.path().join("drop");
    std::fs::create_dir(&inside).expect("a directory");
    std::os::unix::fs::symlink("/", inside.join("out")).expect("a link");
    std::os::unix::fs::symlink("drop", data.path().join("also")).expect("a link");
    let limits = DropFolderLimits { local_roots: vec![PathBuf::from("drop")], allow_private };
    let environment = Environment::new([("KEY".to_owned(), "sesame".to_owned())]);
    let around = Surroundings { data: data.path(), environment: &environment, limits: &limits, time_zone: "UTC" };
    let mut all = json!({ "name": "a", "objectType": "managed/px_user", "bucket": "file:drop" });
    let (Value::Object(members), Value::Object(settings)) = (&mut all, settings) else { panic!("no objects") };
    members.extend(settings);
    let written = WrittenDropFolder::from_json(all).expect("known settings");
    let read = read(written, "the drop folder", SetBy::Administrator, &around);
    assert_eq!(read.folder.is_some(), read.mistakes.is_empty());
    assert_eq!(read.lacks, Vec::<String>::new());
    read.mistakes.join("\n")
}

#[test]
fn administrators_have_their_directories() {
    for bucket in ["file:drop", "file:drop/a/b", "file:also/x", "FILE:./drop"] {
        assert_eq!(said(json!({ "bucket": bucket }), false), "", "{bucket}");
    }
    for bucket in ["file:other", "file:dropped", "file:drop/out/etc", "file:///etc", "file:drop/../other", "file:spool"]
    {
        assert_ne!(said(json!({ "bucket": bucket }), false), "", "{bucket}");
    }
    insta::assert_snapshot!(said(json!({ "bucket": "file:///etc" }), true), @"drop folder 'a': bucket = 'file:///etc' lies outside of the directories that drop_folders.local_roots of rollbook.toml allows: 'drop'");
}

#[test]
fn administrators_reach_what_the_operator_allows() {
    let key = json!({ "id": "A", "secret": "b" });
    let s3 = |s3: Value| json!({ "bucket": "ABC123", "accessKey": key, "s3": s3 });
    let callback = |url: &str, allow: bool| json!({ "callback": { "url": url, "apiKey": "b", "allowPrivate": allow } });
    for settings in [
        s3(json!({ "endpoint": "http://127.0.0.1:9000" })),
        s3(json!({ "endpoint": "https://minio.local" })),
        s3(json!({ "stsEndpoint": "https://169.254.169.254" })),
        callback("https://10.0.0.1/", true),
        callback("http://www.example.com/", true),
    ] {
        assert_ne!(said(settings.clone(), false), "", "{settings}");
        assert_eq!(said(settings.clone(), true), "", "{settings}");
    }
    let public = s3(json!({ "endpoint": "https://minio.example.com" }));
    assert_eq!(said(public, false), "");
    insta::assert_snapshot!(
        said(json!({
            "bucket": "ABC123",
            "accessKey": { "id": "A", "secret": { "env": "KEY" } },
            "s3": { "endpoint": "http://127.0.0.1:9000", "stsEndpoint": "x" },
            "callback": { "url": "https://10.0.0.1/", "apiKey": { "file": "/etc/passwd" }, "allowPrivate": true },
            "settleTime": "soon",
        }), false),
        @"
    drop folder 'a': s3.endpoint: 'http://127.0.0.1:9000' is not encrypted: write 'https://HOST/PATH', or allow private addresses (drop_folders.allow_private = true in rollbook.toml allows private addresses)
    drop folder 'a': s3.stsEndpoint: 'x' is not an address that can be called: write 'https://HOST/PATH'
    drop folder 'a': accessKey.secret is to be the secret itself: { env } and { file } are for rollbook.toml
    drop folder 'a': callback.allowPrivate = true is not allowed (drop_folders.allow_private = true in rollbook.toml allows private addresses)
    drop folder 'a': callback.apiKey is to be the secret itself: { env } and { file } are for rollbook.toml
    drop folder 'a': settleTime = 'soon' is not a length of time: write for example '500ms' or '2s'
    "
    );
    insta::assert_snapshot!(said(callback("https://10.0.0.1/", false), true), @"drop folder 'a': callback.url: 'https://10.0.0.1/' leads to 10.0.0.1, a private address: name a public host (callback.allowPrivate = true allows it)");
}
