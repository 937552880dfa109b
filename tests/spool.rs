//! Where accepted bytes wait, if that is not the data directory.
//!
//! A test reads: given an installation whose spool is a bucket, when the bucket fails like this while that is imported, then
//! all is as if it had not failed. [`Spooling`] is such an installation; `bucket` holds what is particular to buckets,
//! `directory` to directories, `identity` whose spool it is.

mod bucket;
mod directory;
mod faults;
mod identity;
mod processes;

use std::fs;

use crate::harness::{Folder, plan};
use crate::s3::{BUCKET, KEY, S3Server, SECRET};

const USERS: &str =
    "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,b@example.com\nscarter,Sam,Carter,s@example.com\n";

const IMPORT: &str = "import users.csv --into managed/user --unique userName";

/// A command that goes on with what waits, and imports something else of its own.
const GO_ON: &str = "import roles.csv --into managed/role --unique name";

const IDENTITY: &str = "spool/rollbook.spool";

/// The settings of a spool in the bucket of a server.
fn settings(s3: &S3Server) -> String {
    format!(
        "[spool]\nurl = 's3://{BUCKET}/spool'\nendpoint = '{}'\naccess_key_id = '{KEY}'\nsecret_access_key = '{SECRET}'\n",
        s3.endpoint
    )
}

/// Given an installation with these settings and two files to be imported.
fn installation(settings: &str) -> Folder {
    Folder::new()
        .file("rollbook-data/rollbook.toml", settings)
        .file("users.csv", USERS)
        .file("roles.csv", "name\nadmin\n")
}

/// Given the same with an import that waits, and of which this machine has no bytes left.
fn waiting(settings: &str) -> Folder {
    let folder = installation(settings);
    folder.submit("users.csv", plan("managed/user", "userName"));
    forget(&folder);
    folder
}

/// Given that nothing of a spool is on this machine, as on another one.
fn forget(folder: &Folder) {
    for file in fs::read_dir(folder.path("rollbook-data/spool")).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
}

/// The keys in the bucket that belong to imports.
fn spooled(s3: &S3Server) -> Vec<String> {
    s3.keys().into_iter().filter(|key| key.ends_with(".csv")).collect()
}

/// The state of the first import of a file, and what is wrong with it.
fn state(folder: &Folder, file: &str) -> String {
    let imports = folder.run("imports list --json").json();
    let import = imports.iter().find(|import| import["filename"] == file).unwrap();
    let problem = import["problem"]["message"].as_str().map(|message| format!(": {message}"));
    format!("{}{}", import["state"].as_str().unwrap(), problem.unwrap_or_default())
}

/// Then both users are there.
#[track_caller]
fn are_there(folder: &Folder) {
    let users = folder.objects("managed/user");
    assert_eq!(users.lines().count(), 2, "{users}");
    assert!(users.contains("bjensen") && users.contains("scarter"), "{users}");
}
