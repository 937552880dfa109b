//! What becomes of settings that are opened in the dialog and applied.

use std::fs;

use super::{SETTINGS, directory, no_secrets, problems, service, set_up};
use crate::visitor::Visitor;

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
    assert_eq!(page.address, "/console/integrations/px-users?done=unchanged", "{}", page.text());
    no_secrets(&page);
    assert_eq!(before, service.curl("/openidm/config/dropFolder/px-users").json());
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
fn what_is_not_touched_stays_to_the_letter() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    // Blanks around texts, ends of lines where a field has one line, and what a browser makes of them.
    let settings = serde_json::json!({
        "objectType": "managed/px_user", "bucket": "ABC123/export ", "baseFolder": " users\u{a0}",
        "destination": { "product": " P", "channel": "C ", "environment": "\u{2003}E\u{2003}" },
        "accessKey": { "id": "AKIA1", "secret": "top-secret-key", "sessionToken": "session-secret" },
        "dateFormat": [" yyyyMMdd ", "yyyy-MM-dd "], "paused": true, "nullToken": " N\r\nU\rL\nL ",
        "encoding": " shift_jis ",
        "callback": { "url": "https://www.example.com/x", "apiKey": "open-sesame" },
    });
    fs::write(service.folder.path("all.json"), settings.to_string()).unwrap();
    let put = "-X PUT -H 'Content-Type: application/json' --data @all.json /openidm/config/dropFolder/px-users";
    let reply = service.curl(put);
    assert_eq!(reply.status, 201, "{}", reply.body);
    let set = || service.curl("/openidm/config/dropFolder/px-users").json();
    let before = set();
    for (name, value) in settings.as_object().unwrap() {
        assert!(before[name] == *value || value.is_object(), "{name}: {}", before[name]);
    }
    assert_eq!(before["destination"], settings["destination"]);
    let form = admin.go(SETTINGS).form("Apply");
    let page = admin.press(&form, "Apply");
    assert_eq!(page.address, "/console/integrations/px-users?done=unchanged", "{}", page.text());
    assert!(page.text().contains("Nothing was to be applied"), "{}", page.text());
    assert_eq!(set(), before);

    // What was refused is still there when it comes back corrected.
    let mut form = admin.go(SETTINGS).form("Apply");
    form.fill("Settle time", "soon");
    let page = admin.press(&form, "Apply");
    insta::assert_snapshot!(problems(&page), @"Settle time = 'soon' is not a length of time: write for example '500ms' or '2s'");
    let mut form = page.form("Apply");
    form.fill("Settle time", " 1s ");
    let page = admin.press(&form, "Apply");
    assert_eq!(page.address, "/console/integrations/px-users?done=changed", "{}", page.text());
    let mut wanted = before.clone();
    wanted["settleTime"] = "1s".into();
    wanted["_rev"] = set()["_rev"].clone();
    assert_ne!(before["_rev"], wanted["_rev"]);
    assert_eq!(set(), wanted);

    // What is typed is trimmed where blanks say nothing.
    let mut form = admin.go(SETTINGS).form("Apply");
    form.fill("Product", " Q ");
    form.fill("Null token", " - ");
    form.fill("Date Format", " yyyy-MM-dd ");
    assert_eq!(admin.press(&form, "Apply").address, "/console/integrations/px-users?done=changed");
    assert_eq!(
        set()["destination"],
        serde_json::json!({ "product": "Q", "channel": "C ", "environment": "\u{2003}E\u{2003}" })
    );
    assert_eq!((set()["nullToken"].as_str(), set()["dateFormat"][0].as_str()), (Some(" - "), Some("yyyy-MM-dd")));
}

#[test]
fn what_an_operator_has_set_stays_his_until_it_is_changed() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let toml = "name = 'px-users'\nobject_type = 'managed/px_user'\nbucket = 'file:elsewhere'\npaused = true\n";
    fs::write(service.folder.path("px-users.toml"), toml).unwrap();
    let _ = service.folder.run("drop-folder set px-users.toml").success();
    let set = || service.curl("/openidm/config/dropFolder/px-users").json();
    let before = set();
    assert_eq!(before["_setBy"], "operator");
    let form = admin.go(SETTINGS).form("Apply");
    assert_eq!(admin.press(&form, "Apply").address, "/console/integrations/px-users?done=unchanged");
    assert_eq!(set(), before);
    // As if an administrator had set it, it may lie only where those of administrators may.
    let mut form = admin.go(SETTINGS).form("Apply");
    form.fill("Max records", "9");
    let page = admin.press(&form, "Apply");
    insta::assert_snapshot!(problems(&page), @"S3 Bucket Name = 'file:elsewhere' lies outside of the directories that drop_folders.local_roots of rollbook.toml allows: 'drop'");
    assert_eq!(set(), before);
    // Of what somebody else has changed meanwhile, leaving it is no wish.
    let form = admin.go(SETTINGS).form("Apply");
    fs::write(service.folder.path("px-users.toml"), format!("{toml}max_records = 7\n")).unwrap();
    let _ = service.folder.run("drop-folder set px-users.toml").success();
    assert_eq!(admin.press(&form, "Apply").status, 400);
    assert_eq!(set()["maxRecords"], 7);
}

#[test]
fn nobody_replaces_settings_that_he_has_not_seen() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let _ = set_up(&mut admin);
    let set = || service.curl("/openidm/config/dropFolder/px-users").json();
    let mut mine = admin.go(SETTINGS).form("Apply");
    let mut theirs = mine.clone();
    theirs.fill("Max records", "9");
    assert_eq!(admin.press(&theirs, "Apply").status, 200);
    // Neither a look at dates nor a mistake makes what was opened before a change of what is there now.
    let page = admin.press(&mine, "Show how dates are read");
    assert_eq!(admin.press(&page.form("Apply"), "Apply").status, 412);
    mine.fill("Settle time", "soon");
    let page = admin.press(&mine, "Apply");
    assert_eq!(page.status, 400);
    let mut mine = page.form("Apply");
    mine.fill("Settle time", "1s");
    let page = admin.press(&mine, "Apply");
    assert_eq!((page.status, set()["maxRecords"].as_u64()), (412, Some(9)));
    assert!(page.text_of("role", "alert").contains("Max records: ~~9~~ would become ++350000++"), "{}", page.text());
}
