//! Drop folders in S3, and in what speaks its protocol.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rollbook::app::App;
use rollbook::drop_folder::{DropFolders, Policies};

use crate::dropping::{drop_csv, drop_folder, gzip, tree};
use crate::harness::{Folder, steady};
use crate::s3::{BUCKET, Fate, KEY, Moto, S3Server, SECRET, Sts};

const PARTITION: &str = "export/users_import/current/dt=20210228";

const CSV: &str = "id,email\n1,a@example.com\n2,b@example.com\n";

/// Settings of a drop folder for users, with what more there is to be said.
fn users(bucket: &str, more: &str) -> String {
    format!(
        "[[drop_folder]]\nname = 'px-users'\nobject_type = 'managed/px_user'\nbucket = '{bucket}/export'\n\
         base_folder = 'users_import'\nsettle_time = '0s'\n{more}"
    )
}

/// How a server is reached, and with which keys.
fn keys(endpoint: &str, id: &str, secret: &str) -> String {
    format!("s3 = {{ endpoint = '{endpoint}' }}\naccess_key = {{ id = '{id}', secret = '{secret}' }}\n")
}

/// Given an installation with a drop folder in the bucket of a server.
fn with_keys(s3: &S3Server) -> Folder {
    drop_folder(&users(BUCKET, &s3.settings()))
}

/// Given the same with a role, and what lets it be assumed. The ExternalId is the one that was made up for it.
fn with_role(s3: &S3Server) -> (Folder, Sts) {
    let sts = Sts::new(s3, "not known yet");
    let role = format!(
        "s3 = {{ endpoint = '{}', sts_endpoint = '{}' }}\nrole = {{ arn = '{ROLE}' }}\n",
        s3.endpoint, sts.endpoint
    );
    let folder = drop_folder(&users(BUCKET, &role));
    sts.trust(Some(&policies(&folder).external_id));
    (folder, sts)
}

const ROLE: &str = "arn:aws:iam::210987654321:role/rollbook-import";

/// Given a partition with one file, and its marker.
fn plant(s3: &S3Server, csv: &str) {
    s3.plant(&format!("{PARTITION}/users.csv.gz"), gzip(csv));
    s3.plant(&format!("{PARTITION}/_SUCCESS"), "");
}

/// The drop folders of an installation whose process has our own AWS identity.
fn drop_folders(folder: &Folder) -> DropFolders {
    let app = Arc::new(App::open(folder.config_with(&Sts::environment())).unwrap());
    let folders = DropFolders::new(app).unwrap();
    folders.make_up_all().unwrap();
    folders
}

fn policies(folder: &Folder) -> Policies {
    drop_folders(folder).policies("px-users").unwrap()
}

/// When each right is tried, then: what is wrong with which.
fn tried(folder: &Folder) -> String {
    let probe = drop_folders(folder).test("px-users").unwrap();
    let mut text = format!("{}\n", probe.place);
    for tried in probe.rights {
        writeln!(text, "{:?}: {}", tried.right, tried.problem.as_deref().unwrap_or("fine")).unwrap();
    }
    steady(&text)
}

/// When the drop folder is looked at, then: what is said about it, and the exit code.
fn poll(folder: &Folder) -> String {
    poll_as(folder, &[])
}

fn poll_as(folder: &Folder, environment: &[(&str, &str)]) -> String {
    let mut command: Command = folder.command("drop-folder poll px-users");
    let output = command.envs(environment.iter().copied()).output().unwrap();
    let text = |bytes: &[u8]| steady(&String::from_utf8_lossy(bytes));
    format!("{}{}exit {}", text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
}

#[test]
fn a_partition_is_imported_and_moved() {
    let s3 = S3Server::new();
    let folder = with_keys(&s3);
    plant(&s3, CSV);
    s3.plant_folder(&format!("{PARTITION}/"));
    s3.plant(&format!("{PARTITION}/notes.txt"), "from the export job");
    insta::assert_snapshot!(poll(&folder), @"
    px-users:

      partition  run                                   file          result   created  updated  unchanged  failed  total  problem
      20210228   00000000-0000-0000-0000-000000000000  users.csv.gz  SUCCESS        2        0          0       0      2
    exit 0
    ");
    insta::assert_snapshot!(folder.objects("managed/px_user"), @r#"
    {"id":"1","email":"a@example.com"}
    {"id":"2","email":"b@example.com"}
    "#);
    insta::assert_snapshot!(s3.keys().join("\n"), @"
    export/users_import/processed/20210228/_SUCCESS
    export/users_import/processed/20210228/notes.txt
    export/users_import/processed/20210228/status.json
    export/users_import/processed/20210228/status.txt
    export/users_import/processed/20210228/users.csv.gz
    ");
    insta::assert_snapshot!(s3.text("export/users_import/processed/20210228/status.txt"), @"
    SUCCESS
    2 records were uploaded
    Ignored: notes.txt (only *.csv.gz files are imported)
    ");
    insta::assert_snapshot!(poll(&folder), @"
    px-users: nothing is ready
    exit 0
    ");
}

/// What stands in an address is written otherwise there, and differently in each place.
const ODD: [&str; 3] = ["Kunden (1) + 50% & mehr.csv.gz", "%2e%2e.csv.gz", "naïve=\u{1F600};x'.csv.gz"];

#[test]
fn odd_names_come_through() {
    let s3 = S3Server::new();
    let folder = with_keys(&s3);
    ODD.iter().for_each(|name| s3.plant(&format!("{PARTITION}/{name}"), gzip(CSV)));
    s3.plant(&format!("{PARTITION}/_SUCCESS"), "");
    assert!(poll(&folder).ends_with("exit 0"));
    let keys = s3.keys();
    ODD.iter().for_each(|name| {
        assert!(keys.contains(&format!("export/users_import/processed/20210228/{name}")), "{name}: {keys:?}");
    });
    assert_eq!(keys.len(), ODD.len() + 3, "{keys:?}");
}

#[test]
fn wrong_keys_are_told_from_wrong_names() {
    let s3 = S3Server::new();
    plant(&s3, CSV);
    let said = |bucket: &str, settings: &str| poll(&drop_folder(&users(bucket, settings)));
    insta::assert_snapshot!(said(BUCKET, &keys(&s3.endpoint, KEY, "another secret")), @"
    rollbook: px-users: the bucket 'exports' does not accept the access key: check its id and its secret (S3 says SignatureDoesNotMatch)
    exit 2
    ");
    insta::assert_snapshot!(said(BUCKET, &keys(&s3.endpoint, "AKIANOBODY", SECRET)), @"
    rollbook: px-users: the bucket 'exports' does not accept the access key: check its id and its secret (S3 says InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.)
    exit 2
    ");
    insta::assert_snapshot!(said("nowhere", &keys(&s3.endpoint, KEY, SECRET)), @"
    rollbook: px-users: there is no bucket 'nowhere': make it, or write its name as it is
    exit 2
    ");
    insta::assert_snapshot!(said(BUCKET, &keys("http://127.0.0.1:1", KEY, SECRET)), @"
    rollbook: px-users: 'export/users_import/current/' in the bucket 'exports' could not be listed (Connection refused (os error 111))
    exit 2
    ");
    insta::assert_snapshot!(tried(&drop_folder(&users("nowhere", &s3.settings()))), @"
    s3://nowhere/export/users_import
    List: there is no bucket 'nowhere': make it, or write its name as it is
    Read: not tried, because of the first problem
    Write: not tried, because of the first problem
    Delete: not tried, because of the first problem
    ");
    assert_eq!(s3.keys().len(), 2);
}

#[test]
fn nobody_but_who_is_named_is_let_in() {
    let s3 = S3Server::new();
    plant(&s3, CSV);
    // What is in the environment would do.
    let mine = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_REGION", "us-east-1")];
    let said = |settings: &str| poll_as(&drop_folder(&users(BUCKET, settings)), &mine);
    let endpoint = format!("s3 = {{ endpoint = '{}' }}\n", s3.endpoint);
    insta::assert_snapshot!(said(&keys(&s3.endpoint, "", "")), @"
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'px-users': access_key.id is missing: without keys of its own a drop folder is not let in
      drop folder 'px-users': access_key.secret is empty
    exit 2
    ");
    insta::assert_snapshot!(said(&endpoint), @"
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'px-users': access_key or role is missing: one of them lets us in
    exit 2
    ");
    insta::assert_snapshot!(said(&keys(&s3.endpoint, KEY, "")), @"
    rollbook: rollbook-data/rollbook.toml: the drop folders are not set right:
      drop folder 'px-users': access_key.secret is empty
    exit 2
    ");
    assert_eq!(s3.log(), []);
    // Nor is anything of it sent along.
    assert!(said(&keys(&s3.endpoint, KEY, "another secret")).contains("SignatureDoesNotMatch"));
}

#[test]
fn a_missing_right_is_named_and_nothing_is_imported_twice() {
    for (action, prefix) in [
        ("s3:ListBucket", "export/users_import/current/"),
        ("s3:GetObject", "export/users_import/current/"),
        ("s3:PutObject", "export/users_import/processed/"),
        ("s3:DeleteObject", "export/users_import/current/"),
    ] {
        let s3 = S3Server::new();
        let folder = with_keys(&s3);
        plant(&s3, CSV);
        s3.forbid(action, prefix);
        let said = poll(&folder);
        assert!(said.contains(&format!("allow {action}")) && said.ends_with("exit 2"), "{action}: {said}");
        assert!(s3.keys().contains(&format!("{PARTITION}/users.csv.gz")), "{action}: {:?}", s3.keys());
        s3.allow_all();
        assert!(poll(&folder).ends_with("exit 0"), "{action}");
        let imports = folder.run("imports list --json").json();
        assert_eq!(imports.len(), 1, "{action}");
        assert!(!s3.keys().iter().any(|key| key.contains("/current/")), "{action}: {:?}", s3.keys());
    }
}

#[test]
fn each_right_is_tried_on_its_own() {
    let s3 = S3Server::new();
    let folder = with_keys(&s3);
    plant(&s3, CSV);
    let keys = s3.keys();
    let without = |action: &str, prefix: &str| {
        s3.forbid(action, prefix);
        let told = tried(&folder);
        s3.allow_all();
        told
    };
    insta::assert_snapshot!(tried(&folder), @"
    s3://exports/export/users_import
    List: fine
    Read: fine
    Write: fine
    Delete: fine
    ");
    assert_eq!(s3.keys(), keys);
    insta::assert_snapshot!(without("s3:ListBucket", "export/users_import/processed/"), @"
    s3://exports/export/users_import
    List: 'export/users_import/processed/' in the bucket 'exports' could not be listed: allow s3:ListBucket (S3 says AccessDenied: Access Denied)
    Read: fine
    Write: fine
    Delete: fine
    ");
    insta::assert_snapshot!(without("s3:GetObject", "export/users_import/current/"), @"
    s3://exports/export/users_import
    List: fine
    Read: 'export/users_import/current/dt=20210228/_SUCCESS' in the bucket 'exports' could not be read: allow s3:GetObject (S3 says AccessDenied: Access Denied)
    Write: fine
    Delete: fine
    ");
    insta::assert_snapshot!(without("s3:PutObject", ""), @"
    s3://exports/export/users_import
    List: fine
    Read: fine
    Write: 'export/users_import/processed/.rollbook-probe-00000000-0000-0000-0000-000000000000' in the bucket 'exports' could not be written: allow s3:PutObject (S3 says AccessDenied: Access Denied)
    Delete: fine
    ");
    assert_eq!(s3.keys(), keys);
    insta::assert_snapshot!(without("s3:DeleteObject", "export/users_import/current/"), @"
    s3://exports/export/users_import
    List: fine
    Read: fine
    Write: fine
    Delete: 'export/users_import/current/.rollbook-probe-00000000-0000-0000-0000-000000000000' in the bucket 'exports' could not be deleted: allow s3:DeleteObject (S3 says AccessDenied: Access Denied)
    ");
    assert_eq!(s3.keys(), keys);
}

#[test]
fn a_role_is_assumed_with_the_external_id_of_the_drop_folder() {
    let s3 = S3Server::new();
    let (folder, sts) = with_role(&s3);
    plant(&s3, CSV);
    insta::assert_snapshot!(poll_as(&folder, &Sts::environment()), @"
    px-users:

      partition  run                                   file          result   created  updated  unchanged  failed  total  problem
      20210228   00000000-0000-0000-0000-000000000000  users.csv.gz  SUCCESS        2        0          0       0      2
    exit 0
    ");
    insta::assert_snapshot!(s3.text("export/users_import/processed/20210228/status.txt"), @"
    SUCCESS
    2 records were uploaded
    ");
    let external_id = policies(&folder).external_id;
    assert!(sts.seen().iter().all(|seen| seen.as_ref() == Some(&external_id)), "{:?}", sts.seen());
    insta::assert_snapshot!(tried(&folder), @"
    s3://exports/export/users_import
    Assume: fine
    Guard: fine
    List: fine
    Read: fine
    Write: fine
    Delete: fine
    ");
}

#[test]
fn a_role_does_not_let_in_who_is_not_trusted() {
    let s3 = S3Server::new();
    let (folder, sts) = with_role(&s3);
    plant(&s3, CSV);
    insta::assert_snapshot!(poll(&folder), @"
    rollbook: px-users: roles are assumed with an AWS identity of Rollbook's own, and it has none: set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION in its environment
    exit 2
    ");
    sts.trust(Some("another"));
    insta::assert_snapshot!(poll_as(&folder, &Sts::environment()), @"
    rollbook: px-users: the role 'arn:aws:iam::210987654321:role/rollbook-import' could not be assumed: its trust policy must allow sts:AssumeRole to our identity under the condition of the drop folder's ExternalId, as the policies of the drop folder have it, and a policy of our identity must allow it too (STS says AccessDenied: User: arn:aws:iam::123456789012:user/rollbook is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/rollbook-import)
    exit 2
    ");
    insta::assert_snapshot!(tried(&folder), @"
    s3://exports/export/users_import
    Assume: the role 'arn:aws:iam::210987654321:role/rollbook-import' could not be assumed: its trust policy must allow sts:AssumeRole to our identity under the condition of the drop folder's ExternalId, as the policies of the drop folder have it, and a policy of our identity must allow it too (STS says AccessDenied: User: arn:aws:iam::123456789012:user/rollbook is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::210987654321:role/rollbook-import)
    Guard: not tried, because of the first problem
    List: not tried, because of the first problem
    Read: not tried, because of the first problem
    Write: not tried, because of the first problem
    Delete: not tried, because of the first problem
    ");
    assert_eq!((sts.issued(), s3.log()), (0, vec![]));
}

#[test]
fn a_role_that_lets_in_anybody_is_found_out() {
    let s3 = S3Server::new();
    let (folder, sts) = with_role(&s3);
    sts.trust(None);
    insta::assert_snapshot!(tried(&folder), @"
    s3://exports/export/users_import
    Assume: fine
    Guard: the role can be assumed without an ExternalId: give its trust policy the condition StringEquals sts:ExternalId '00000000-0000-0000-0000-000000000000', as the policies of the drop folder have it
    List: fine
    Read: fine
    Write: fine
    Delete: fine
    ");
}

#[test]
fn the_role_of_a_drop_folder_trusts_our_identity() {
    let s3 = S3Server::new();
    let (folder, _sts) = with_role(&s3);
    let trust = policies(&folder).trust.unwrap();
    assert_eq!(trust["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::123456789012:user/rollbook");
    let keys = policies(&with_keys(&s3));
    assert_eq!(keys.trust, None);
    assert_eq!(keys.role["Statement"][0]["Resource"], format!("arn:aws:s3:::{BUCKET}"));
}

#[test]
fn credentials_are_had_anew_before_they_expire() {
    let s3 = S3Server::new();
    let (folder, sts) = with_role(&s3);
    plant(&s3, CSV);
    sts.lifetime(Duration::from_mins(1));
    assert!(poll_as(&folder, &Sts::environment()).ends_with("exit 0"));
    // Less than two minutes are left of what was issued just now.
    assert_eq!(sts.issued(), s3.log().len());
    assert_eq!(s3.text("export/users_import/processed/20210228/status.txt"), "SUCCESS\n2 records were uploaded\n");
}

#[test]
fn a_listing_is_read_to_its_end() {
    let s3 = S3Server::new();
    let folder = with_keys(&s3);
    // These are nobody's business, and come before the data file.
    (0..1100).for_each(|number| s3.plant(&format!("{PARTITION}/_part-{number:05}"), ""));
    plant(&s3, CSV);
    assert!(poll(&folder).ends_with("exit 0"));
    assert_eq!(s3.text("export/users_import/processed/20210228/status.txt"), "SUCCESS\n2 records were uploaded\n");
    assert_eq!(s3.keys().iter().filter(|key| key.starts_with(PARTITION)).count(), 1100);
}

#[test]
fn a_listing_that_breaks_off_is_not_taken_for_a_listing() {
    let s3 = S3Server::new();
    let folder = with_keys(&s3);
    plant(&s3, CSV);
    s3.page(1);
    s3.decide(|request| match request.action {
        "ListObjects" if request.number % 2 == 0 => Fate::Refused(503),
        _ => Fate::Done,
    });
    assert!(poll(&folder).ends_with("exit 0"), "what may pass is asked for again");
    assert_eq!(s3.text("export/users_import/processed/20210228/status.txt"), "SUCCESS\n2 records were uploaded\n");
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_is_read_again() {
    for has_conditions in [true, false] {
        let s3 = Arc::new(S3Server::new());
        if !has_conditions {
            s3.ignore_conditions();
        }
        let folder = with_keys(&s3);
        plant(&s3, CSV);
        let server = Arc::downgrade(&s3);
        s3.decide(move |request| match (request.action, server.upgrade()) {
            ("GetObject", Some(s3)) if s3.log().iter().filter(|before| before.action == "GetObject").count() == 1 => {
                Fate::DoneThen(Box::new(move || {
                    s3.plant(&format!("{PARTITION}/users.csv.gz"), gzip("id,email\n1,a@example.com\n"));
                }))
            }
            _ => Fate::Done,
        });
        poll(&folder);
        s3.behave();
        poll(&folder);
        assert_eq!(s3.text("export/users_import/processed/20210228/status.txt"), "SUCCESS\n1 records were uploaded\n");
    }
}

/// moto knows other keys, other listings and other answers than the server in the test.
#[test]
fn another_server_will_do() {
    let moto = Moto::new();
    let folder = drop_folder(&users(&moto.bucket, &keys(&moto.endpoint, "any", "any")));
    moto.plant(&format!("{PARTITION}/users.csv.gz"), &gzip(CSV));
    moto.plant(&format!("{PARTITION}/_SUCCESS"), b"");
    insta::assert_snapshot!(poll(&folder), @"
    px-users:

      partition  run                                   file          result   created  updated  unchanged  failed  total  problem
      20210228   00000000-0000-0000-0000-000000000000  users.csv.gz  SUCCESS        2        0          0       0      2
    exit 0
    ");
    insta::assert_snapshot!(moto.keys().join("\n"), @"
    export/users_import/processed/20210228/_SUCCESS
    export/users_import/processed/20210228/status.json
    export/users_import/processed/20210228/status.txt
    export/users_import/processed/20210228/users.csv.gz
    ");
    assert_eq!(moto.text("export/users_import/processed/20210228/status.txt"), "SUCCESS\n2 records were uploaded\n");
    insta::assert_snapshot!(tried(&folder).replace(&moto.bucket, "BUCKET"), @"
    s3://exports-00000000-0000-0000-0000-000000000000/export/users_import
    List: fine
    Read: fine
    Write: fine
    Delete: fine
    ");
}

#[test]
fn a_role_of_another_server_will_do() {
    let moto = Moto::new();
    let settings =
        format!("s3 = {{ endpoint = '{0}', sts_endpoint = '{0}' }}\nrole = {{ arn = '{ROLE}' }}\n", moto.endpoint);
    let folder = drop_folder(&users(&moto.bucket, &settings));
    moto.plant(&format!("{PARTITION}/users.csv.gz"), &gzip(CSV));
    moto.plant(&format!("{PARTITION}/_SUCCESS"), b"");
    assert!(poll_as(&folder, &Sts::environment()).ends_with("exit 0"));
    assert_eq!(moto.text("export/users_import/processed/20210228/status.txt"), "SUCCESS\n2 records were uploaded\n");
}

#[test]
fn a_large_file_is_copied_in_parts() {
    let s3 = S3Server::new();
    let folder = with_keys(&s3);
    plant(&s3, CSV);
    s3.plant(&format!("{PARTITION}/large.bin"), vec![7; (64 << 20) + 1]);
    assert!(poll(&folder).ends_with("exit 0"));
    assert!(s3.read("export/users_import/processed/20210228/large.bin") == vec![7; (64 << 20) + 1]);
}

/// What is tried in a directory are the folders themselves: that of a partition may belong to whoever drops into it.
#[test]
fn the_rights_of_a_directory_are_tried_too() {
    let folder = drop_folder(crate::dropping::USERS);
    fs::create_dir_all(folder.path("rollbook-data/drop")).unwrap();
    insta::assert_snapshot!(tried_in(&folder), @"
    DATA/drop/users_import
    List: fine
    Read: fine
    Write: fine
    Delete: fine
    ");
    assert_eq!(tree(&folder), [""; 0]);
    drop_csv(&folder, "users_import", "20210228", "users.csv.gz", CSV);
    let (dropped, partition) = (tree(&folder), folder.path("rollbook-data/drop/users_import/current/dt=20210228"));
    insta::assert_snapshot!(tried_in(&folder), @"
    DATA/drop/users_import
    List: fine
    Read: fine
    Write: fine
    Delete: fine
    ");
    assert_eq!(tree(&folder), dropped);
    let permit = |mode| fs::set_permissions(&partition, fs::Permissions::from_mode(mode)).unwrap();
    permit(0o555);
    // Root may do everything.
    if fs::create_dir(partition.join("inner")).is_err() {
        let told = tried_in(&folder);
        assert!(told.contains("Delete: 'DATA/drop/users_import/current/dt=20210228/.rollbook-"), "{told}");
        assert!(told.contains("give the user that Rollbook runs as the right to write to its folder"), "{told}");
    }
    permit(0o755);
    fs::remove_dir_all(folder.path("rollbook-data/drop")).unwrap();
    insta::assert_snapshot!(tried_in(&folder), @"
    DATA/drop/users_import
    List: there is no directory 'DATA/drop': make it, and in it the folder 'users_import/current'
    Read: not tried, because of the first problem
    Write: not tried, because of the first problem
    Delete: not tried, because of the first problem
    ");
}

/// The same as [`tried`], with the path of the installation left out.
fn tried_in(folder: &Folder) -> String {
    tried(folder).replace(folder.path("rollbook-data").to_str().unwrap(), "DATA")
}
