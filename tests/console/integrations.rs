//! Integrations: drop folders are set up, looked at, followed and removed in a browser.

use std::fs;
use std::time::{Duration, Instant};

use crate::drop_folder::receiver::{Answer, Receiver};
use crate::dropping::{drop_csv, drop_file, drop_folder, gzip, mark, tree};
use crate::s3::moto::Moto;
use crate::service::Service;
use crate::visitor::{Form, Page, Visitor};

const LIST: &str = "/console/integrations";
const USERS: &str = "/console/integrations/px-users";
const SETTINGS: &str = "/console/integrations/px-users/settings";

const GOOD: &str = "id,email\n1,a@example.com\n2,b@example.com\n";

/// What no page may show.
const SECRETS: [&str; 4] = ["open-sesame", "top-secret-key", "session-secret", "AKIA/secret/in/the/wrong/place"];

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Given an installation whose administrators may use the directory `drop`, and private addresses.
fn service() -> Service {
    let service = Service::on(drop_folder("[drop_folders]\nallow_private = true\n"));
    fs::create_dir_all(service.folder.path("rollbook-data/drop")).unwrap();
    service
}

/// The dialog of a new "S3 User Import", filled in for a directory.
fn directory(visitor: &mut Visitor) -> Form {
    let mut form = visitor.go("/console/integrations/new?kind=user").form("Apply");
    form.choose("Authorization Method", "directory");
    form.fill("S3 Bucket Name", "file:drop");
    form.fill("Path to base import folder", "users_import");
    form.fill("Settle time", "0s");
    form.tick("Paused: look only when somebody asks");
    form
}

/// Given an "S3 User Import" from a directory.
fn set_up(visitor: &mut Visitor) -> Page {
    let form = directory(visitor);
    let page = visitor.press(&form, "Apply");
    assert_eq!((page.status, page.address.as_str()), (200, "/console/integrations/px-users?done=created"));
    page
}

/// Given a partition of users that is ready, with one file.
fn dropped(service: &Service, date: &str, csv: &str) {
    drop_csv(&service.folder, "users_import", date, "users.csv.gz", csv);
    mark(&service.folder, "users_import", date);
}

/// When the drop folder is looked at.
fn poll(visitor: &mut Visitor) -> Page {
    let form = visitor.go(USERS).form("Poll now");
    visitor.press(&form, "Poll now")
}

/// The page of the latest run.
fn latest_run(visitor: &mut Visitor) -> Page {
    let links = visitor.go(USERS).links();
    let run = links.iter().find(|link| link.contains("/runs/")).expect("a run").clone();
    visitor.go(&run)
}

fn no_secrets(page: &Page) {
    for secret in SECRETS {
        assert!(!page.html.contains(secret), "{secret}: {}", page.html);
        assert!(!page.address.contains(secret), "{secret}: {}", page.address);
    }
}

/// What is said next to the fields.
fn problems(page: &Page) -> String {
    let all = page.all().into_iter().filter(|element| element.has("class", "problem"));
    all.map(|element| element.text).collect::<Vec<_>>().join("\n")
}

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
fn the_dialog_has_the_fields_of_the_article_in_its_order() {
    let service = service();
    let page = Visitor::admin(&service).go("/console/integrations/new?kind=account");
    assert_eq!(page.heading(), "AWS S3 Import Settings");
    let dialog = page.elements("dialog").remove(0);
    assert!(dialog.attribute("open").is_some());
    let labels: Vec<String> = page.elements("label").into_iter().map(|label| label.text).collect();
    insta::assert_snapshot!(labels.join("\n"), @"
    Product
    Channel
    Environment
    Authorization Method
    S3 Bucket Name
    AWS Access Key
    AWS Security Token
    User Role ARN
    Path to base import folder
    Date Format
    Cells to try
    Status callback endpoint
    API Key for the status callback endpoint
    Name
    Object type
    Session token
    Region
    Endpoint
    Bucket in the path
    STS endpoint
    The callback may go to a private address
    Time zone
    Poll interval
    Schedule
    Paused: look only when somebody asks
    Settle time
    Max records
    Max file size
    Empty cells
    Null token
    Columns
    Columns of disabled properties
    Columns of read-only properties
    Make objects that are not there yet
    An id that comes twice in a file is an error
    Encoding
    A file that was imported before, byte for byte
    Leave the files behind one that is refused unread
    Give up after
    Stale after
    Keep processed
    ");
    let form = page.form("Apply");
    assert_eq!([form.value("name"), form.value("objectType")], ["px-accounts", "managed/px_account"]);
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
fn everything_that_is_wrong_is_said_at_once_next_to_its_field() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let mut form = admin.go("/console/integrations/new?kind=user").form("Apply");
    for (field, value) in [
        ("Name", "-a'b"),
        ("Product", "Rollbook/"),
        ("S3 Bucket Name", "A"),
        ("AWS Access Key", SECRETS[3]),
        ("AWS Security Token", "top-secret-key"),
        ("Path to base import folder", "x/current"),
        ("Date Format", "yyyy-mm-dd"),
        ("Status callback endpoint", "ftp://example.com"),
        ("API Key for the status callback endpoint", "open-sesame"),
        ("Session token", "session-secret"),
        ("Region", "eu central"),
        ("Endpoint", "https://s3.example.com/path"),
        ("Time zone", "Mars"),
        ("Schedule", "every day"),
        ("Max records", "many"),
        ("Max file size", "9GB"),
        ("Null token", "x"),
        ("Encoding", "klingon"),
        ("Give up after", "soon"),
        ("Keep processed", "0s"),
    ] {
        form.fill(field, value);
    }
    let page = admin.press(&form, "Apply");
    assert_eq!((page.status, page.address.as_str()), (400, "/console/integrations/new?kind=user"));
    insta::assert_snapshot!(problems(&page), @"
    Product = 'Rollbook/' has a slash or control characters: objects are given 'product/channel/environment'
    Channel is empty
    Environment is empty
    S3 Bucket Name = 'A' has no name of a bucket, which is 3 to 63 letters, digits, '-', '.' and '_'
    AWS Access Key is not an id: it has neither blanks nor slashes
    Type AWS Security Token again: what was typed is not sent back into the page
    Path to base import folder = 'x/current' has 'current' in it: name the folder that 'current' and 'processed' lie in
    Date Format: 'yyyy-mm-dd' is not a date format: month is MM, mm is minutes
    Status callback endpoint: 'ftp://example.com' is not an address that can be called: write 'https://HOST/PATH'
    Type API Key for the status callback endpoint again: what was typed is not sent back into the page
    Name = '-a'b' is not one: a name has up to 100 letters, digits, '-', '_' and '.', a letter or digit first
    Type Session token again: what was typed is not sent back into the page
    Region = 'eu central' is not a region: write for example 'eu-central-1'
    Endpoint = 'https://s3.example.com/path' has more than a host and a port: write 'https://HOST:PORT'
    Time zone: 'Mars' is not a time zone; names look like UTC, Europe/Berlin or Asia/Seoul
    Schedule: 'every day' is not a cron expression: write minute, hour, day of month, month and day of week, as in '*/15 * * * *' or '30 2 * * MON-FRI'
    'many' is not a whole number: write for example 350000
    Max file size is at most '5GB': S3 copies no more in one step
    Encoding = 'klingon' is not an encoding: write for example 'windows-1252', 'iso-8859-15' or 'shift_jis'
    Give up after = 'soon' is not a length of time: write for example '500ms' or '2s'
    Keep processed = '0s' would remove what was just filed: write for example '90d', or 'never'
    ");
    no_secrets(&page);
    let again = page.form("Apply");
    assert_eq!(
        [again.value("Date Format"), again.value("Max records"), again.value("Name")],
        ["yyyy-mm-dd", "many", "-a'b"]
    );
    let details = page.elements("details").into_iter().find(|details| details.has("class", "more")).unwrap();
    assert!(details.attribute("open").is_some(), "what is wrong can be seen");
    assert!(!admin.go(LIST).text().contains("-a'b"));
}

#[test]
fn a_number_that_is_none_keeps_the_rest_from_being_applied() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let mut form = directory(&mut admin);
    form.fill("Max records", "lots");
    let page = admin.press(&form, "Apply");
    insta::assert_snapshot!(problems(&page), @"'lots' is not a whole number: write for example 350000");
    assert!(admin.go(LIST).has_form("Sign out") && !admin.go(LIST).text().contains("px-users"));
    form.fill("Max records", "1,000");
    assert_eq!(admin.press(&form, "Apply").status, 200);
    assert_eq!(service.curl("/openidm/config/dropFolder/px-users").json()["maxRecords"], 1000);
}

#[test]
fn every_setting_comes_through_the_dialog() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let settings = serde_json::json!({
        "objectType": "managed/px_user", "bucket": "ABC123/export", "baseFolder": "users",
        "destination": { "product": "P", "channel": "C", "environment": "E" },
        "accessKey": { "id": "AKIA1", "secret": "top-secret-key", "sessionToken": "session-secret" },
        "s3": { "region": "eu-central-1", "endpoint": "http://127.0.0.1:9", "pathStyle": false },
        "dateFormat": ["yyyyMMdd", "yyyy-MM-dd'T'HH:mm:ssX"], "timeZone": "Asia/Seoul", "cron": "30 2 * * *", "paused": true,
        "settleTime": "1s", "maxRecords": 7, "maxFileSize": "3MB", "blankCells": "clear", "nullToken": "\\N",
        "columns": "lenient", "disabledColumns": "ignore", "readOnlyColumns": "ignore", "createMissing": false,
        "strictDuplicates": true, "encoding": "shift_jis", "onIdentical": "skip", "stopOnError": true,
        "giveUpAfter": "1h", "staleAfter": "2h", "keepProcessed": "90d",
        "callback": { "url": "http://127.0.0.1:9/x", "apiKey": "open-sesame", "allowPrivate": true },
    });
    let file = service.folder.path("all.json");
    fs::write(&file, settings.to_string()).unwrap();
    let put = "-X PUT -H 'Content-Type: application/json' --data @all.json /openidm/config/dropFolder/px-users";
    assert_eq!(service.curl(put).status, 201);
    let before = service.curl("/openidm/config/dropFolder/px-users").json();
    let page = admin.go(SETTINGS);
    no_secrets(&page);
    let page = admin.press(&page.form("Apply"), "Apply");
    assert_eq!(page.address, "/console/integrations/px-users?done=changed", "{}", page.text());
    no_secrets(&page);
    let mut after = service.curl("/openidm/config/dropFolder/px-users").json();
    assert_ne!(before["_rev"], after["_rev"]);
    after["_rev"] = before["_rev"].clone();
    assert_eq!(before, after);
    let mut form = admin.go(SETTINGS).form("Apply");
    form.choose("Authorization Method", "IAM User Roles");
    form.fill("User Role ARN", "arn:aws:iam::123456789012:role/rollbook");
    form.fill("STS endpoint", "http://127.0.0.1:9");
    form.fill("Status callback endpoint", "");
    form.untick("The callback may go to a private address");
    let page = admin.press(&form, "Apply");
    assert_eq!(page.address, "/console/integrations/px-users?done=changed", "{}", page.text());
    let role = service.curl("/openidm/config/dropFolder/px-users").json();
    assert_eq!((role.get("accessKey"), role.get("callback")), (None, None));
    assert_eq!(role["role"]["arn"], "arn:aws:iam::123456789012:role/rollbook");
    // In the page the ExternalId stands at once; the rest, for which AWS is asked, comes behind it.
    assert!(page.text().contains(role["_externalId"].as_str().map(|_| "ExternalId").unwrap()));
    assert!(page.html.contains(role["_externalId"].as_str().unwrap()));
    let policies = admin.go("/console/integrations/px-users/policies");
    insta::assert_snapshot!(policies.text(), @r#"
    # Policies of px-users
    [Back](/console/integrations/px-users)
    ExternalId: 00000000-0000-0000-0000-000000000000 [Copy]
    ### Trust policy of the role
    Who may assume the role: we, with the ExternalId.
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "RollbookWithItsExternalId",
          "Effect": "Allow",
          "Principal": {
            "AWS": "ARN OF THE AWS USER OR ROLE THAT ROLLBOOK RUNS AS"
          },
          "Action": "sts:AssumeRole",
          "Condition": {
            "StringEquals": {
              "sts:ExternalId": "00000000-0000-0000-0000-000000000000"
            }
          }
        }
      ]
    }
    [Copy]
    ### Permissions policy of the role
    What is needed, and no more.
    {
      "Version": "2012-10-17",
      "Statement": [
        {
          "Sid": "Locate",
          "Effect": "Allow",
          "Action": "s3:GetBucketLocation",
          "Resource": "arn:aws:s3:::ABC123"
        },
        {
          "Sid": "List",
          "Effect": "Allow",
          "Action": "s3:ListBucket",
          "Resource": "arn:aws:s3:::ABC123",
          "Condition": {
            "StringLike": {
              "s3:prefix": [
                "export/users/*"
              ]
            }
          }
        },
        {
          "Sid": "Read",
          "Effect": "Allow",
          "Action": "s3:GetObject",
          "Resource": "arn:aws:s3:::ABC123/export/users/*"
        },
        {
          "Sid": "Write",
          "Effect": "Allow",
          "Action": "s3:PutObject",
          "Resource": "arn:aws:s3:::ABC123/export/users/processed/*"
        },
        {
          "Sid": "Delete",
          "Effect": "Allow",
          "Action": "s3:DeleteObject",
          "Resource": [
            "arn:aws:s3:::ABC123/export/users/current/*",
            "arn:aws:s3:::ABC123/export/users/processed/*"
          ]
        }
      ]
    }
    [Copy]
    "#);
    let part = admin.ask_with("/console/integrations/px-users/policies", &[("HX-Request", "true")]);
    assert!(!part.html.contains("<html") && part.html.contains("sts:ExternalId"));
}

#[test]
fn secrets_stay_where_they_went() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let mut form = admin.go("/console/integrations/new?kind=user").form("Apply");
    form.fill("S3 Bucket Name", "ABC123/export");
    form.fill("AWS Access Key", "AKIA1");
    form.fill("AWS Security Token", "top-secret-key");
    form.fill("Status callback endpoint", "https://www.example.com/status");
    form.fill("API Key for the status callback endpoint", "open-sesame");
    form.tick("Paused: look only when somebody asks");
    let page = admin.press(&form, "Apply");
    assert_eq!(page.status, 200, "{}", page.text());
    no_secrets(&page);
    let page = admin.go(SETTINGS);
    no_secrets(&page);
    assert!(page.text().contains("Set; leave empty to keep it."));
    let mut form = page.form("Apply");
    form.fill("Status callback endpoint", "https://evil.example.com/status");
    form.fill("AWS Access Key", "AKIA2");
    let page = admin.press(&form, "Apply");
    insta::assert_snapshot!(problems(&page), @"
    AWS Security Token is missing: it stays only where id and endpoint do
    API Key for the status callback endpoint is missing: it stays only where the host of the address does
    ");
}

#[test]
fn somebody_elses_change_meanwhile_is_told() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let _ = set_up(&mut admin);
    let (mut mine, mut theirs) = (admin.go(SETTINGS).form("Apply"), admin.go(SETTINGS).form("Apply"));
    theirs.fill("Date Format", "yyyyMMdd");
    theirs.fill("Max records", "9");
    assert_eq!(admin.press(&theirs, "Apply").status, 200);
    mine.fill("Max records", "8");
    let page = admin.press(&mine, "Apply");
    assert_eq!(page.status, 412);
    insta::assert_snapshot!(page.text_of("role", "alert"), @"
    Somebody else has changed these settings since you opened them. Nothing of yours is applied yet. Apply again to set everything as it stands below (secrets have to be typed again), or [open them as they are now](/console/integrations/px-users/settings).
    - Date Format: ~~yyyyMMdd~~ would become ++not set++
    - Max records: ~~9~~ would become ++8++
    ");
    assert_eq!(service.curl("/openidm/config/dropFolder/px-users").json()["maxRecords"], 9);
    let page = admin.press(&page.form("Apply"), "Apply");
    assert_eq!(page.address, "/console/integrations/px-users?done=changed");
    assert_eq!(service.curl("/openidm/config/dropFolder/px-users").json()["maxRecords"], 8);
    // A name is taken once.
    let mut form = directory(&mut admin);
    form.fill("Name", "px-users");
    form.fill("Path to base import folder", "elsewhere/");
    form.fill("Settle time", "soon");
    let page = admin.press(&form, "Apply");
    assert_eq!(page.status, 400);
    insta::assert_snapshot!(problems(&page), @"
    Name: there is a drop folder 'px-users' already
    Settle time = 'soon' is not a length of time: write for example '500ms' or '2s'
    ");
}

#[test]
fn how_dates_are_read_is_seen_before_it_is_applied() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let mut form = directory(&mut admin);
    form.fill("Date Format", "YYYYMMDD\nyyyy-MM-dd HH:mm");
    form.fill("Time zone", "Europe/Berlin");
    form.fill("API Key for the status callback endpoint", "open-sesame");
    form.fill("Cells to try", "20211225\n2021-12-25 12:00\n31.12.2021\n<i>20210231</i>\n20210231");
    let page = admin.press(&form, "Show how dates are read");
    assert_eq!((page.status, page.address.as_str()), (200, "/console/integrations/new?kind=user"));
    no_secrets(&page);
    let rows: Vec<String> =
        page.elements("tr").into_iter().map(|row| row.text).filter(|row| !row.contains("(now)")).collect();
    insta::assert_snapshot!(rows.join("\n"), @"
        Written asRead as
        YYYYMMDD understood as yyyyMMdd
        202112252021-12-24T23:00:00Z
        202106252021-06-24T22:00:00Z
        202402292024-02-28T23:00:00Z
        yyyy-MM-dd HH:mm
        2021-12-25 00:002021-12-24T23:00:00Z
        2021-06-25 13:552021-06-25T11:55:00Z
        2024-02-29 08:252024-02-29T07:25:00Z
        Cells of yours
        202112252021-12-24T23:00:00Z
        2021-12-25 12:002021-12-25T11:00:00Z
        31.12.2021refused '31.12.2021' is not a date in YYYYMMDD or yyyy-MM-dd HH:mm (a year with four digits expected, '31.12.2021' found)
        <i>20210231</i>refused '<i>20210231</i>' is not a date in YYYYMMDD or yyyy-MM-dd HH:mm (a year with four digits expected, '<i>20210231</i>' found)
        20210231refused '20210231' is not a date in YYYYMMDD or yyyy-MM-dd HH:mm (February 2021 has 28 days)
        ");
    assert!(!admin.go(LIST).text().contains("px-users"));
    let csrf = page.form("Apply").value("csrf").to_owned();
    for (formats, said) in [
        ("yyyy-mm-dd", "month is MM, mm is minutes"),
        ("dd/MM/yyyy\nMM/dd/yyyy", "contradict each other"),
        ("yyyy-MM-dd hh:mm", "HH"),
        ("yyyyMMDD", "yyyyMMdd"),
        ("", "iso8601"),
    ] {
        let part = admin.post("/console/integrations/-/dates", &[("csrf", &csrf), ("dateFormat", formats)]);
        assert!(part.html.contains(said) && !part.html.contains("<html"), "{formats}: {}", part.html);
    }
    assert_eq!(admin.post("/console/integrations/-/dates", &[("dateFormat", "yyyy")]).status, 403);
}

#[test]
fn what_rollbook_toml_says_is_read_only() {
    let service = Service::on(drop_folder(crate::dropping::USERS));
    let mut admin = Visitor::admin(&service);
    let page = admin.go(USERS);
    assert!(page.has_form("Poll now") && page.has_form("Test connection"));
    assert!(!page.has_form("Pause") && !page.has_form("Remove px-users"));
    assert!(page.text().contains("rollbook.toml, where alone it can be changed"));
    let page = admin.go(SETTINGS);
    assert!(!page.has_form("Apply"));
    assert!(page.text().contains("is set in rollbook.toml, where alone it can be changed"), "{}", page.text());
    let csrf = page.forms()[0].value("csrf").to_owned();
    let settings =
        [("csrf", csrf.as_str()), ("method", "directory"), ("bucket", "file:drop"), ("objectType", "managed/px_user")];
    assert_eq!(admin.post(SETTINGS, &settings).status, 409);
    assert_eq!(admin.post("/console/integrations/px-users/remove", &[("csrf", &csrf)]).status, 409);
    assert_eq!(admin.post("/console/integrations/px-users/pause", &[("csrf", &csrf)]).status, 409);
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
fn roles_and_object_types_are_respected() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let _ = set_up(&mut admin);
    dropped(&service, "20210228", GOOD);
    let _ = poll(&mut admin);
    let run = latest_run(&mut admin).address;
    let mut importer = Visitor::of(&service, "importer");
    let page = importer.go(USERS);
    assert!(page.has_form("Poll now") && !page.has_form("Test connection") && !page.has_form("Resume"));
    assert_eq!(importer.press(&page.form("Poll now"), "Poll now").status, 200);
    let mut viewer = Visitor::of(&service, "viewer");
    let page = viewer.go(USERS);
    assert_eq!(page.forms().len(), 1, "only to sign out");
    assert_eq!(viewer.go(&run).status, 200);
    let csrf = page.forms()[0].value("csrf").to_owned();
    for action in ["poll", "test", "pause", "resume", "remove", "callback", "settings"] {
        let page = viewer.post(&format!("{USERS}/{action}"), &[("csrf", &csrf)]);
        assert_eq!(page.status, 403, "{action}");
    }
    assert_eq!(viewer.post(&format!("{run}/callback"), &[("csrf", &csrf)]).status, 403);
    assert_eq!(viewer.go(SETTINGS).status, 403);
    assert_eq!(viewer.go("/console/integrations/new?kind=user").status, 403);
    assert_eq!(viewer.post("/console/integrations/new", &[("csrf", &csrf)]).status, 403);
    // Without what its forms carry nothing is done.
    assert_eq!(admin.post(&format!("{USERS}/pause"), &[]).status, 403);
    for action in ["pause", "remove", "callback"] {
        assert_eq!(admin.ask(&format!("{USERS}/{action}")).status, 405, "{action}");
    }

    let token = service.token("--name accounts --role admin --types managed/px_account");
    let mut other = Visitor::with(&service, &token);
    let page = other.go(LIST);
    assert!(page.text().contains("S3 Account Import") && !page.text().contains("S3 User Import"));
    for address in [USERS, SETTINGS, &run, "/console/integrations/px-users/policies"] {
        assert_eq!(other.go(address).status, 404, "{address}");
    }
    let mut form = other.go("/console/integrations/new?kind=account").form("Apply");
    form.choose("Authorization Method", "directory");
    form.fill("S3 Bucket Name", "file:drop");
    form.fill("Name", "px-users");
    let page = other.press(&form, "Apply");
    assert_eq!(page.status, 400, "{}", page.text());
}

#[test]
fn hostile_names_and_cells_are_inert() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let _ = set_up(&mut admin);
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let csv = format!("id,score,\"{}\"\n1,\"{0}\",2\n", evil.replace('"', "\"\""));
    drop_csv(&service.folder, "users_import", "20210228", "\"><img src=x onerror=alert(1)>.csv.gz", &csv);
    let csv = format!("id,score\n1,\"{}\"\n", evil.replace('"', "\"\""));
    drop_csv(&service.folder, "users_import", "20210228", "{{ 7*7 }}.csv.gz", &csv);
    drop_file(&service.folder, "users_import", "20210228", "'onclick='alert(1).txt", "");
    drop_file(&service.folder, "users_import", "<script>alert(2)<", "x", "");
    mark(&service.folder, "users_import", "20210228");
    let mut form = admin.go(SETTINGS).form("Apply");
    form.fill("Date Format", evil);
    form.fill("Product", evil);
    form.fill("Cells to try", evil);
    let pages = [
        poll(&mut admin),
        latest_run(&mut admin),
        admin.go(LIST),
        admin.press(&form, "Apply"),
        admin.press(&form, "Show how dates are read"),
        admin.go(&format!("/console/integrations/new?kind={}", "%22%3E%3Cscript%3E")),
        admin.go(&format!("{USERS}?done=%3Cscript%3E&behind=x")),
    ];
    for page in pages {
        for script in page.elements("script") {
            assert!(script.attribute("src").is_some_and(|src| src.starts_with("/console/assets/")), "{}", page.html);
        }
        assert!(page.elements("img").is_empty(), "{}", page.html);
        assert!(!page.all().iter().any(|element| element.attribute("onclick").is_some()), "{}", page.html);
    }
    let run = latest_run(&mut admin).text();
    assert!(run.contains("<script>alert(1)</script>") && run.contains("{{ 7*7 }}"), "{run}");
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
