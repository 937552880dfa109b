//! What did not go in the first time: corrected, cancelled, expired, and sent again.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Barrier;
use std::thread;

use super::{USERS, id_of, notice, sent, settled};
use crate::service::Service;
use crate::visitor::Visitor;

#[test]
fn failures_are_corrected_and_sent_again() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let users = format!("{USERS}eve,Eve,,=eve\n\"\",Nobody,X,x@example.com\n");
    let form = "/console/new/user?unique=userName&blank=keep";
    let report = sent(&mut zoe, form, "users.csv", users);
    insta::assert_snapshot!(report.text(), @"
    # Dry run: users.csv
    Into User (managed/user), objects found by userName. Checked 28 Feb 2026, 17:05:00 UTC.
    [Start over](/console/new/user?unique=userName&blank=keep&zone=UTC&after=00000000-0000-0000-0000-000000000000)
    2 records of 4 would fail and stay out. The others can be imported now, those that fail once they are corrected.
    ## What would happen
    2 created, 2 failed
    Created
      2
    Updated
      0
    Unchanged
      0
    Failed
      2
    Records
      4
    [Import the 2 good records]
    2 records stay out. Exactly the file that was checked is imported.
    ## Why 2 records would fail
    [Download them](/console/imports/00000000-0000-0000-0000-000000000000/failures.csv) [See them all](/console/imports/00000000-0000-0000-0000-000000000000/failures)
    Download the failed records, correct them, and [send that file](/console/new/user?unique=userName&blank=keep&zone=UTC&after=00000000-0000-0000-0000-000000000000) as it is.
    What is wrong | How many | For example
    [Invalid e-mail address in mail](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=VALID%5FEMAIL%5FADDRESS%5FFORMAT&property=mail) | 1 record | row 4: '=eve' is not an e-mail address
    [Missing value in sn](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=REQUIRED&property=sn) | 1 record | row 4: a value is required
    [Missing value in userName](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=REQUIRED&property=userName) | 1 record | row 5: a value is required
    Some of the new objects
    Row | Property | Value
    2 | userName | ann
    2 | givenName | Ann
    2 | sn | Lee
    2 | mail | ann@example.com
    2 | accountStatus | active
    3 | userName | bob
    3 | givenName | Bob
    3 | sn | Ray
    3 | mail | bob@example.com
    3 | accountStatus | active
    4 of 4 columns matched
    No. | Column | Fills
    1 | userName | userName Username
    2 | givenName | givenName First Name
    3 | sn | sn Last Name
    4 | mail | mail Email Address
    ");

    let good = report.form("Import the 2 good records");
    let import = zoe.press(&good, "Import the 2 good records");
    let metadata = service.finished(&id_of(&import));
    assert_eq!((&metadata["created"], &metadata["failure"]), (&2.into(), &2.into()));

    let failures = zoe.click(&report, "Download them");
    let corrected =
        failures.html.replace("Eve,,'=eve", "Eve,Adams,eve@example.com").replace("\"\",Nobody", "nob,Nobody");
    let corrected = corrected.replace("\r\n,Nobody", "\r\nnob,Nobody");
    assert!(
        corrected.contains("_importError") && corrected.contains("Adams") && corrected.contains("nob,"),
        "{corrected}"
    );
    let page = zoe.click(&report, "send that file");
    let mut form = page.form("Check the file");
    assert!(form.fields.iter().any(|field| field.name == "blank" && field.value == "keep" && field.is_on));
    form.attach("file", "failures.csv", corrected);
    let page = zoe.press(&form, "Check the file");
    let report = settled(&mut zoe, page);
    assert!(report.text().contains("4 of 5 columns matched"), "{}", report.text());
    let form = report.form("Import 2 records");
    let import = zoe.press(&form, "Import 2 records");
    let metadata = service.finished(&id_of(&import));
    assert_eq!((&metadata["created"], &metadata["failure"]), (&2.into(), &0.into()));
    assert_eq!(service.folder.objects("managed/user").lines().count(), 4);
}

#[test]
fn all_or_nothing_is_nothing_if_a_record_fails() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let report = sent(&mut zoe, "/console/new/user?atomic=true", "users.csv", format!("{USERS}eve,Eve,Adams,eve\n"));
    assert!(!report.html.contains("/apply"), "{}", report.html);
    insta::assert_snapshot!(report.text_of("id", "report"), @"
    # Dry run: users.csv
    Into User (managed/user), objects found by userName. Checked 28 Feb 2026, 17:05:00 UTC.
    [Start over](/console/new/user?unique=userName&atomic=true&zone=UTC&after=00000000-0000-0000-0000-000000000000)
    1 record of 3 would fail. You chose all or nothing, so nothing of the file can be imported. Correct the record in the file and [send it again](/console/new/user?unique=userName&atomic=true&zone=UTC&after=00000000-0000-0000-0000-000000000000), or [send it without all or nothing](/console/new/user?unique=userName&zone=UTC&after=00000000-0000-0000-0000-000000000000) to have the good records imported.
    ## What would happen
    1 failed, 2 without an outcome
    Created
      0
    Updated
      0
    Unchanged
      0
    Failed
      1
    Good, but left out
      2
    Records
      3
    ## Why 1 record would fail
    [Download them](/console/imports/00000000-0000-0000-0000-000000000000/failures.csv) [See them all](/console/imports/00000000-0000-0000-0000-000000000000/failures)
    Correct these records in the file itself, and [send all of it](/console/new/user?unique=userName&atomic=true&zone=UTC&after=00000000-0000-0000-0000-000000000000). What you download is a list of what is wrong.
    What is wrong | How many | For example
    [Invalid e-mail address in mail](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=VALID%5FEMAIL%5FADDRESS%5FFORMAT&property=mail) | 1 record | row 4: 'eve' is not an e-mail address
    Some of the new objects
    Row | Property | Value
    2 | userName | ann
    2 | givenName | Ann
    2 | sn | Lee
    2 | mail | ann@example.com
    2 | accountStatus | active
    3 | userName | bob
    3 | givenName | Bob
    3 | sn | Ray
    3 | mail | bob@example.com
    3 | accountStatus | active
    4 of 4 columns matched
    No. | Column | Fills
    1 | userName | userName Username
    2 | givenName | givenName First Name
    3 | sn | sn Last Name
    4 | mail | mail Email Address
    ");
    let page = zoe.click(&report, "send it without all or nothing");
    assert!(!page.html.contains("name=\"atomic\" value=\"true\" checked"), "{}", page.html);
    let page = zoe.click(&report, "send it again");
    assert!(page.html.contains("name=\"atomic\" value=\"true\" checked"), "{}", page.html);
}

#[test]
fn a_dry_run_that_cannot_be_imported_says_why() {
    let service = Service::new();
    let mut ann = Visitor::admin(&service);
    let report = sent(&mut ann, "/console/new/user", "users.csv", USERS);
    let form = report.form("Import 2 records");
    let id = id_of(&report);
    let cleaned = service.curl(&format!("--request POST '/openidm/csv/metadata/{id}?_action=cleanup'"));
    assert_eq!(cleaned.status, 200);
    insta::assert_snapshot!(notice(&ann.go(&report.address)), @"The file was kept for 24 hours after the dry run and is gone. [Send it again](/console/new/user?unique=userName&zone=UTC&after=00000000-0000-0000-0000-000000000000) to import it.");
    // Who has the old page before him is told too.
    let page = ann.press(&form, "Import 2 records");
    assert_eq!(page.status, 409);
    insta::assert_snapshot!(page.text(), @"
    # Something has changed meanwhile
    Import 00000000-0000-0000-0000-000000000000 cannot be applied: its bytes are kept for 24 hours and are gone; import the file again.
    Go back, reload the page and look again.
    [Go to the imports](/console/imports)
    ");
}

#[test]
fn a_dry_run_whose_bytes_were_lost_says_so() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let report = sent(&mut zoe, "/console/new/user", "users.csv", USERS);
    let form = report.form("Import 2 records");
    let id = id_of(&report);
    fs::remove_file(service.folder.path(&format!("rollbook-data/spool/{id}.csv"))).unwrap();
    let page = zoe.press(&form, "Import 2 records");
    assert_eq!(page.status, 409);
    insta::assert_snapshot!(page.text(), @"
    # Something has changed meanwhile
    Import 00000000-0000-0000-0000-000000000000 cannot be applied: its bytes are gone; import the file again.
    Go back, reload the page and look again.
    [Go to the imports](/console/imports)
    ");
    service.folder.look().age_end(&id);
    insta::assert_snapshot!(notice(&zoe.go(&report.address)), @"The file was kept for 24 hours after the dry run and is gone. [Send it again](/console/new/user?unique=userName&zone=UTC&after=00000000-0000-0000-0000-000000000000) to import it.");
}

#[test]
fn what_was_cancelled_can_be_imported_again() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let report = sent(&mut zoe, "/console/new/user", "users.csv", USERS);
    let form = report.form("Import 2 records");
    let lease = service.folder.busy();
    let import = zoe.press(&form, "Import 2 records");
    insta::assert_snapshot!(notice(&zoe.go(&report.address)), @"This file is being imported. [Watch the import](/console/imports/00000000-0000-0000-0000-000000000000).");
    let id = id_of(&import);
    assert_eq!(service.curl(&format!("--request POST '/openidm/csv/metadata/{id}?_action=cancel'")).status, 200);
    assert_eq!(service.finished(&id)["state"], "cancelled");
    drop(lease);
    let report = zoe.go(&report.address);
    insta::assert_snapshot!(notice(&report), @"The import of this file was cancelled. [See the import](/console/imports/00000000-0000-0000-0000-000000000000).");
    let form = report.form("Import again");
    let again = zoe.press(&form, "Import again");
    assert_ne!(again.address, import.address);
    assert_eq!(service.finished(&id_of(&again))["created"], 2);
    assert_eq!(zoe.press(&form, "Import again").address, again.address);
    insta::assert_snapshot!(notice(&zoe.go(&report.address)), @"This file was imported. [See the import](/console/imports/00000000-0000-0000-0000-000000000000).");
}

#[test]
fn what_the_form_cannot_ask_for_is_said() {
    let service = Service::new();
    let mut ann = Visitor::of(&service, "importer");
    let file = "userName,givenName,sn,mail,city\nann,Ann,Lee,a@example.com,X\nann,Ann,Ray,no,X\n";
    std::fs::write(service.folder.path("users.csv"), file).unwrap();
    let import = "import users.csv --into managed/user --unique userName,city --atomic --duplicates last-wins \
                  --max-records 1000 --blank keep --date-format dd.MM.yyyy";
    let _ = service.folder.run(import).refused();
    let id = service.folder.last_import();
    let page = ann.go(&format!("/console/imports/{id}"));
    let page = ann.click(&page, "Import the corrected file");
    insta::assert_snapshot!(notice(&page), @"
    The import of [users.csv](/console/imports/00000000-0000-0000-0000-000000000000) was run in a way that cannot be chosen here:
    - Of records with the same key the last counted; from here the first counts, and the others fail.
    - A file with more than 1,000 records was refused; from here it may have any number.
    All else is chosen below as it was. To have a file imported in that very way, send it the way that one was sent.
    ");
    let form = page.form("Check the file");
    assert_eq!((form.value("dates"), form.value("zone")), ("dd.MM.yyyy", "UTC"));
    for (name, value) in [("unique", "userName"), ("unique", "city"), ("atomic", "true"), ("blank", "keep")] {
        assert!(form.fields.iter().any(|field| field.name == name && field.value == value && field.is_on), "{name}");
    }
    // It is still said when the file is refused.
    let page = sent(&mut ann, &page.address, "users.csv", "userName,shoe\nann,1\n");
    assert_eq!(page.status, 400);
    assert!(page.text().contains("was run in a way that cannot be chosen here"), "{}", page.text());
    // Of another type, and of one that is gone, nothing is said.
    for address in [format!("/console/new/role?after={id}"), "/console/new/user?after=x".to_owned()] {
        let page = ann.go(&address);
        assert_eq!(page.status, 200);
        assert!(!page.text().contains("cannot be chosen here"), "{}", page.text());
    }
    // What somebody may not see is not told.
    let mut other = Visitor::with(&service, &service.token("--name roles --role importer --types managed/role"));
    assert!(!other.go(&format!("/console/new/role?after={id}")).text().contains("cannot be chosen here"));
}

/// However often a button is pressed before the page is there that it leads to.
#[test]
fn what_is_imported_by_several_presses_is_imported_once() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    for round in 0..4 {
        let report = sent(&mut zoe, "/console/new/user", "users.csv", USERS.replace("Lee", &format!("Lee {round}")));
        let button = if round == 0 { "Import 2 records" } else { "Import 1 record" };
        let form = report.form(button);
        let together = Barrier::new(6);
        let press = || {
            let mut zoe = zoe.clone();
            together.wait();
            zoe.press(&form, button).address
        };
        let addresses: BTreeSet<String> = thread::scope(|scope| {
            let pressing: Vec<_> = (0..6).map(|_| scope.spawn(press)).collect();
            pressing.into_iter().map(|pressing| pressing.join().unwrap()).collect()
        });
        assert_eq!(addresses.len(), 1, "{addresses:?}");
        let _ = service.finished(addresses.first().unwrap().rsplit('/').next().unwrap());
    }
    let metadata = service.curl("/openidm/csv/metadata?_queryFilter=true").json();
    assert_eq!(metadata["result"].as_array().unwrap().len(), 8, "{metadata}");
}
