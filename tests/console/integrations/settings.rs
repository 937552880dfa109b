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
