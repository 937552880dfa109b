//! A drop folder's page: looked at, followed, paused, repaired and removed.

use std::time::{Duration, Instant};

use super::{GOOD, LIST, PATIENCE, SETTINGS, USERS, directory, dropped, latest_run, no_secrets, poll, service, set_up};
use crate::drop_folder::receiver::{Answer, Receiver};
use crate::dropping::{drop_csv, drop_file, gzip, mark, tree};
use crate::s3::moto::Moto;
use crate::visitor::{Page, Visitor};

#[test]
fn two_imports_wait_to_be_authorized() {
    let service = service();
    let page = Visitor::admin(&service).go(LIST);
    insta::assert_snapshot!(page.text(), @"
    # Integrations
    [Add another drop folder](/console/integrations/new?kind=other)
    ## Data Integrations
    ### S3 User Import
    not set up
    Files of users that are put into an S3 bucket are imported: it is looked at every 15 minutes.
    [Authorize](/console/integrations/new?kind=user)
    ### S3 Account Import
    not set up
    Files of accounts that are put into an S3 bucket are imported: it is looked at every 15 minutes.
    [Authorize](/console/integrations/new?kind=account)
    ");
    let page = Visitor::of(&service, "viewer").go(LIST);
    insta::assert_snapshot!(page.text(), @"
    # Integrations
    ## Data Integrations
    ### S3 User Import
    not set up
    Files of users that are put into an S3 bucket are imported: it is looked at every 15 minutes.
    An administrator can authorize it.
    ### S3 Account Import
    not set up
    Files of accounts that are put into an S3 bucket are imported: it is looked at every 15 minutes.
    An administrator can authorize it.
    ");
}

#[test]
fn a_drop_folder_is_set_up_looked_at_and_followed() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let page = set_up(&mut admin);
    insta::assert_snapshot!(page.text(), @"
    - [Integrations](/console/integrations)
    # px-users paused
    S3 User Import: managed/px_user from file:drop/users_import
    [Poll now]
    [Test connection]
    [Resume]
    [Settings](/console/integrations/px-users/settings)
    The drop folder is set up. Test the connection, then put the first files there.
    ## Standing
    State
      paused It is looked at only when somebody asks.
    Last poll
      never
    Next poll
      when somebody asks
    Open runs
      0
    Set by
      an administrator
    ## Last runs
    There is no run yet.
    Put gzipped CSV files into file:drop/users_import/current/dt=YYYYMMDD/, then an empty file _SUCCESS. What became of them is then in processed/YYYYMMDD/status.txt and here.
    [All imports from drop folders](/console/imports?origin=drop-folder)
    ## Settings
    Object type
      managed/px_user
    Authorization Method
      None (a directory of the server)
    S3 Bucket Name
      file:drop
    Path to base import folder
      users_import
    Time zone
      UTC
    Poll interval
      15m
    Paused: look only when somebody asks
      yes
    Settle time
      0s
    Max records
      350000
    Max file size
      2GB
    Empty cells
      keep what is there
    Columns
      named exactly like properties
    Columns of disabled properties
      refuse the file
    Columns of read-only properties
      refuse the file
    Make objects that are not there yet
      yes
    An id that comes twice in a file is an error
      no
    A file that was imported before, byte for byte
      is imported again
    Leave the files behind one that is refused unread
      no
    Give up after
      6h
    Stale after
      1d
    Keep processed
      never
    ## Remove
    Remove this drop folder
    Its settings, secrets and ExternalId are removed. What was imported stays, and is not imported again should the drop folder come back.
    [Remove px-users]
    ");
    let page = admin.press(&page.form("Test connection"), "Test connection");
    insta::assert_snapshot!(page.text_of("aria-labelledby", "came").replace(service.folder.path("").to_str().unwrap(), "FOLDER/"), @"
    ## Test connection
    It can be worked with: every right is there. FOLDER/rollbook-data/drop/users_import
    Right | Result | What is wrong and what would help
    List what lies in current and processed | ok
    Read files | ok
    Write under processed | ok
    Delete in current and processed | ok
    ");
    assert!(poll(&mut admin).text().contains("There was nothing to import."));

    dropped(&service, "20210228", GOOD);
    drop_csv(&service.folder, "users_import", "20210301", "bad.csv.gz", "id,scor\n1,<b>x</b>\n");
    drop_file(&service.folder, "users_import", "20210301", "notes.txt", "ours");
    mark(&service.folder, "users_import", "20210301");
    let page = poll(&mut admin);
    insta::assert_snapshot!(page.text_of("aria-labelledby", "came"), @"
    ## What came of the look
    2 runs went on.
    Date | State | Begun | Files | Records | What is wrong | Callback
    [2021-02-28](/console/integrations/px-users/runs/00000000-0000-0000-0000-000000000000) | success | 28 Feb 2026, 17:05:00 UTC | 1 | 2
    [2021-03-01](/console/integrations/px-users/runs/00000000-0000-0000-0000-000000000000) | error | 28 Feb 2026, 17:05:00 UTC | 1 | 0 | Unknown PX Column: 'scor' (did you mean 'score'?)
    ");
    let page = latest_run(&mut admin);
    // How long it took differs.
    let lines: Vec<String> = page.text().lines().map(|line| line.split(" after ").next().unwrap().to_owned()).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    - [Integrations](/console/integrations)
    - [px-users](/console/integrations/px-users)
    # Run of 2021-03-01 error
    ## Journey
    Begun
      28 Feb 2026, 17:05:00 UTC
    Ended
      28 Feb 2026, 17:05:00 UTC
    - Claimed: the files of the partition are ours done
    - Imported, or refused, file by file done
    - Room made under processed done
    - Copied to processed done
    - status.txt written done
    - Cleared from current done
    ## Files
    File | State | Bytes | Records | What was said | Import
    bad.csv.gz of 28 Feb 2026, 17:05:00 UTC | error | 39 | 0
    - Unknown PX Column: 'scor' (did you mean 'score'?)
     | [Import](/console/imports/00000000-0000-0000-0000-000000000000)
    notes.txt of 28 Feb 2026, 17:05:00 UTC | ignored | 4 | 0 | only *.csv.gz files are imported
    ## status.txt
    ERROR
    Parsing Errors:[
           Unknown PX Column: 'scor' (did you mean 'score'?)
    ]
    Ignored: notes.txt (only *.csv.gz files are imported)
    [Copy]
    ");
    let import = page.links().into_iter().find(|link| link.starts_with("/console/imports/")).expect("an import");
    assert_eq!(admin.go(&import).status, 200);
    let card = admin.go(LIST).text_of("aria-labelledby", "widget-user");
    insta::assert_snapshot!(card, @"
    ### S3 User Import
    paused
    [px-users](/console/integrations/px-users)
    Imports
      managed/px_user
    From
      file:drop/users_import
    Last poll
      28 Feb 2026, 17:05:00 UTC
    Next poll
      when somebody asks
    #### Last runs
    - [2021-03-01](/console/integrations/px-users/runs/00000000-0000-0000-0000-000000000000) error 0 records
    - [2021-02-28](/console/integrations/px-users/runs/00000000-0000-0000-0000-000000000000) success 2 records
    [Settings](/console/integrations/px-users/settings) [Details](/console/integrations/px-users)
    ");
}

#[test]
fn one_that_cannot_be_worked_with_is_shown_and_repaired() {
    let mut service = service();
    let mut admin = Visitor::admin(&service);
    let _ = set_up(&mut admin);
    service.folder = std::mem::replace(&mut service.folder, crate::harness::Folder::new())
        .file("rollbook-data/rollbook.toml", "[drop_folders]\nlocal_roots = [\"other\"]\n");
    let _ = service.stop();
    service.restart();
    let mut admin = Visitor::admin(&service);
    let page = admin.go(USERS);
    assert!(!page.has_form("Poll now"));
    insta::assert_snapshot!(page.text_of("aria-labelledby", "standing"), @"
    ## Standing
    the drop folder is not set right: drop folder 'px-users': bucket = 'file:drop' lies outside of the directories that drop_folders.local_roots of rollbook.toml allows: 'other'
    [Repair the settings](/console/integrations/px-users/settings); secrets have to be typed again.
    State
      blocked Somebody has to do something.
    Last poll
      never
    Next poll
      when somebody asks
    Open runs
      0
    Set by
      an administrator
    ");
    assert!(admin.go(LIST).text().contains("Repair the settings"));
    let mut form = admin.go(SETTINGS).form("Apply");
    form.fill("S3 Bucket Name", "file:other");
    let page = admin.press(&form, "Apply");
    assert_eq!(page.address, "/console/integrations/px-users?done=changed", "{}", page.text());
    assert!(page.has_form("Poll now"));
}

#[test]
fn paused_resumed_and_removed() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let page = set_up(&mut admin);
    let page = admin.press(&page.form("Resume"), "Resume");
    assert_eq!(page.address, "/console/integrations/px-users?done=resumed");
    let page = admin.press(&page.form("Pause"), "Pause");
    assert_eq!(page.address, "/console/integrations/px-users?done=paused");
    let details = page.elements("details").into_iter().find(|details| details.has("class", "confirm")).unwrap();
    assert!(details.attribute("open").is_none(), "it is asked for before it is done");
    // As somebody else has changed it.
    let form = page.form("Remove px-users");
    let page = admin.press(&page.form("Resume"), "Resume");
    assert_eq!(admin.press(&form, "Remove px-users").status, 412);
    let page = admin.press(&page.form("Remove px-users"), "Remove px-users");
    assert_eq!((page.status, page.address.as_str()), (200, "/console/integrations?done=removed"));
    assert_eq!(admin.go(USERS).status, 404);
}

#[test]
fn callbacks_are_seen_sent_again_and_switched_off() {
    let service = service();
    let endpoint = Receiver::new(&[Answer::Status(410, ""), Answer::Status(200, "")]);
    let mut admin = Visitor::admin(&service);
    let mut form = directory(&mut admin);
    form.fill("Status callback endpoint", &endpoint.url);
    form.fill("API Key for the status callback endpoint", "open-sesame");
    form.tick("The callback may go to a private address");
    assert_eq!(admin.press(&form, "Apply").status, 200);
    dropped(&service, "20210228", GOOD);
    let _ = poll(&mut admin);
    let until = |admin: &mut Visitor, word: &str| {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = latest_run(admin);
            if page.text_of("aria-labelledby", "callback").contains(word) {
                return page;
            }
            assert!(Instant::now() < deadline, "{}", page.text());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let page = until(&mut admin, "given up");
    insta::assert_snapshot!(page.text_of("aria-labelledby", "callback").replace(&endpoint.url, "URL"), @r#"
    ## Callback
    given up
    webhook-id
      msg_00000000-0000-0000-0000-000000000000
    Body
      {"folder_path":"users_import/processed/20210228","success":true,"message":"2 records were uploaded"}
    Attempts at the callback
    When | Status | Problem
    28 Feb 2026, 17:05:00 UTC | 410 | the answer is 410 Gone
    Callbacks of this drop folder are off. Sending this one again switches them on.
    [Send again]
    "#);
    assert!(admin.go(USERS).text().contains("Callbacks are off"));
    assert!(admin.go(LIST).text().contains("Callbacks are off"));
    let page = admin.press(&page.form("Send again"), "Send again");
    assert!(page.text().contains("is sent as soon as can be"), "{}", page.text());
    let page = until(&mut admin, "delivered\n");
    no_secrets(&page);
    assert_eq!(endpoint.received(2)[1].header("x-api-key"), "open-sesame");
    let page = admin.go(USERS);
    let page = admin.press(&page.form("Switch callbacks off"), "Switch callbacks off");
    let page = admin.press(&page.form("Switch callbacks on"), "Switch callbacks on");
    assert!(page.has_form("Switch callbacks off"));
}

#[test]
fn runs_are_paged() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let _ = set_up(&mut admin);
    for day in 1..=22 {
        dropped(&service, &format!("202103{day:02}"), GOOD);
    }
    let _ = poll(&mut admin);
    let dates = |page: &Page| -> Vec<String> {
        page.elements("th").into_iter().map(|th| th.text).filter(|text| text.starts_with("2021-")).collect()
    };
    let first = admin.go(USERS);
    assert_eq!((dates(&first).len(), dates(&first)[0].as_str()), (20, "2021-03-22"));
    let older = admin.click(&first, "Older runs");
    assert_eq!(dates(&older), ["2021-03-02", "2021-03-01"]);
    assert_eq!(dates(&admin.click(&older, "Latest runs")), dates(&first));
    assert!(tree(&service.folder).iter().any(|path| path.ends_with("processed/20210322/status.txt")));
}

#[test]
fn a_bucket_in_s3_is_set_up_tested_and_looked_at() {
    let (service, moto) = (service(), Moto::new());
    let mut admin = Visitor::admin(&service);
    let mut form = admin.go("/console/integrations/new?kind=user").form("Apply");
    form.choose("Authorization Method", "User Access Keys");
    form.fill("S3 Bucket Name", &format!("{}-not/export", moto.bucket));
    form.fill("AWS Access Key", "anybody");
    form.fill("AWS Security Token", "top-secret-key");
    form.fill("Path to base import folder", "users_import");
    form.fill("Endpoint", &moto.endpoint);
    form.tick("Paused: look only when somebody asks");
    let page = admin.press(&form, "Apply");
    assert_eq!(page.status, 200, "{}", page.text());
    let page = admin.press(&page.form("Test connection"), "Test connection");
    assert!(page.text().contains("It cannot be worked with yet"), "{}", page.text());
    let mut form = admin.go(SETTINGS).form("Apply");
    form.fill("S3 Bucket Name", &format!("{}/export", moto.bucket));
    let page = admin.press(&form, "Apply");
    let page = admin.press(&page.form("Test connection"), "Test connection");
    insta::assert_snapshot!(page.text_of("aria-labelledby", "came"), @"
    ## Test connection
    It can be worked with: every right is there. s3://exports-00000000-0000-0000-0000-000000000000/export/users_import
    Right | Result | What is wrong and what would help
    List what lies in current and processed | ok
    Read files | ok
    Write under processed | ok
    Delete in current and processed | ok
    ");
    let policy = page.text_of("id", "role-policy");
    assert!(policy.contains("/export/users_import/processed/*"), "{policy}");
    moto.plant("export/users_import/current/dt=20210228/users.csv.gz", &gzip(GOOD));
    moto.plant("export/users_import/current/dt=20210228/_SUCCESS", b"");
    let page = poll(&mut admin);
    insta::assert_snapshot!(page.text_of("aria-labelledby", "came"), @"
    ## What came of the look
    1 run went on.
    Date | State | Begun | Files | Records | What is wrong | Callback
    [2021-02-28](/console/integrations/px-users/runs/00000000-0000-0000-0000-000000000000) | success | 28 Feb 2026, 17:05:00 UTC | 1 | 2
    ");
    no_secrets(&page);
    assert_eq!(moto.text("export/users_import/processed/20210228/status.txt"), "SUCCESS\n2 records were uploaded\n");
}
