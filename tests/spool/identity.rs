//! Whose spool it is.

use super::{IDENTITY, IMPORT, are_there, installation, settings};
use crate::harness::Folder;
use crate::s3::S3Server;

/// Two installations would take each other's files for lost ones.
#[test]
fn two_installations_do_not_share_a_bucket() {
    let s3 = S3Server::new();
    let _first = installation(&settings(&s3)).after(IMPORT);
    let second = installation(&settings(&s3));
    insta::assert_snapshot!(second.run(IMPORT).failed(), @"
    --- stderr ---
    rollbook: the spool 's3://exports/spool' is that of another installation: set [spool] url to a place of this one's own
    ");
    let elsewhere = second.file("rollbook-data/rollbook.toml", settings(&s3).replace("/spool'", "/second'"));
    let _ = elsewhere.run(IMPORT).success();
    are_there(&elsewhere);
}

#[test]
fn two_installations_do_not_share_a_directory() {
    let place = Folder::new();
    let settings = format!("[spool]\nurl = 'file://{}'\n", place.path("").canonicalize().unwrap().display());
    let _first = installation(&settings).after(IMPORT);
    let said = installation(&settings).run(IMPORT).failed();
    assert!(said.contains("is that of another installation: set [spool] url to a place of this one's own"), "{said}");
}

/// Files of imports that wait would be missed.
#[test]
fn a_spool_that_was_exchanged_is_refused() {
    let s3 = S3Server::new();
    let folder = installation(&settings(&s3)).after(IMPORT);
    let identity = s3.text(IDENTITY);
    s3.remove(IDENTITY);
    let missing = folder.run(IMPORT).failed();
    insta::assert_snapshot!(missing.replace(identity.trim(), "00000000-0000-0000-0000-000000000000"), @"
    --- stderr ---
    rollbook: the spool 's3://exports/spool' has no file 'rollbook.spool', so it is not the one that the other processes of this installation use: set [spool] url to theirs; if all of it was moved here, move its file 'rollbook.spool', which says '00000000-0000-0000-0000-000000000000', too
    ");
    s3.plant(IDENTITY, "somebody-else\n");
    let other = folder.run(IMPORT).failed();
    assert!(other.contains("is that of another installation, so it is not the one"), "{other}");
    assert_eq!(folder.command("serve --listen 127.0.0.1:0").output().unwrap().status.code(), Some(2));
    s3.plant(IDENTITY, identity);
    let _ = folder.run(IMPORT).success();
}
