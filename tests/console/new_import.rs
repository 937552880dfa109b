//! Sending files.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::Folder;
use crate::service::Service;
use crate::visitor::{Page, Visitor};

/// Longer than any of these files takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

const USERS: &str = "userName,givenName,sn,mail\nann,Ann,Lee,ann@example.com\nbob,Bob,Ray,bob@example.com\n";

/// When somebody sends a file from the form at this address, and waits for its report.
fn sent(visitor: &mut Visitor, form: &str, name: &str, content: impl AsRef<[u8]>) -> Page {
    let mut form = visitor.go(form).form("Check the file");
    form.attach("file", name, content);
    let page = visitor.press(&form, "Check the file");
    settled(visitor, page)
}

/// The report once the dry run is over; any other page as it is.
fn settled(visitor: &mut Visitor, mut page: Page) -> Page {
    let deadline = Instant::now() + PATIENCE;
    while page.html.contains("http-equiv=\"refresh\"") {
        assert!(Instant::now() < deadline, "the dry run is not over:\n{}", page.text());
        sleep(Duration::from_millis(20));
        page = visitor.go(&page.address);
    }
    page
}

/// The id at the end of an address.
fn id_of(page: &Page) -> String {
    page.address.rsplit('/').next().unwrap().to_owned()
}

/// What the report says in its notice.
fn notice(page: &Page) -> String {
    page.text_of("class", "notice")
}

#[test]
fn an_object_type_is_chosen_first() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let page = zoe.go("/console/new");
    insta::assert_snapshot!(page.text(), @"
    # New import
    What are the records of your file? First you see what would happen to each of them; nothing is changed before you say so.
    ## [Assignment](/console/new/assignment)
    managed/assignment
    Attributes that a role brings in another system
    5 properties
    ## [PX account](/console/new/px_account)
    managed/px_account
    A customer of a product, with Gainsight PX's default attributes
    21 properties
    ## [PX user](/console/new/px_user)
    managed/px_user
    A user of a product, with Gainsight PX's default attributes
    32 properties
    ## [Role](/console/new/role)
    managed/role
    A set of rights that people are given
    4 properties
    ## [User](/console/new/user)
    managed/user
    A person with an account
    14 properties
    ");
    let page = zoe.click(&page, "Role");
    assert_eq!(page.address, "/console/new/role");
    insta::assert_snapshot!(page.text(), @"
    # New import: Role
    [Download the template](/console/new/role/template.csv) [Another object type](/console/new)
    Unique properties
    A record updates the object that has the same value here, and makes a new object if none has. Of several, all have to be the same.
    [x] name Name
    Other properties
    [ ] description Description [ ] condition Condition
    Options
    An empty cell
    [x] removes the value that is there [ ] keeps the value that is there
    Records that fail
    [ ] All or nothing: import none of the file if a record fails
    Columns
    [ ] Take other spellings and titles: First Name for firstName [ ] Pass over columns that are read-only or disabled
    Drop a CSV file here or choose one from your computer {file: }
    CSV with the names of the properties in its first row, plain or compressed with gzip, up to 50 MB. A file of failed records can be sent as it is once it is corrected. The file is checked at once.
    [Check the file] Nothing is changed yet: you see first what would happen.
    ## Columns
    A file need not have all of them. A property without a column stays as it is; a new object needs those that are required.
    Column | Title | Holds | Required | Example
    name | Name | text, unique | yes | Example
    description | Description | text | no | Example
    condition | Condition | text | no | Example
    temporalConstraints | Temporal Constraints | list, as JSON | no | []
    ");
    let template = zoe.click(&page, "Download the template");
    assert_eq!(template.html, "\"name\",\"description\",\"condition\"\r\n");
    assert_eq!(template.header("content-type"), Some("text/csv; charset=UTF-8"));
    assert_eq!(template.header("content-disposition"), Some("attachment; filename=\"role-template.csv\""));
}

#[test]
fn a_file_is_looked_through_and_then_imported() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let report = sent(&mut zoe, "/console/new/user", "users.csv", USERS);
    assert!(report.address.starts_with("/console/new/report/"), "{}", report.address);
    insta::assert_snapshot!(report.text(), @"
    # Dry run: users.csv
    Into User (managed/user), objects found by userName. Checked 28 Feb 2026, 17:05:00 UTC.
    [Start over](/console/new/user?unique=userName&zone=UTC)
    All 2 records are good.
    ## What would happen
    2 created
    Created
      2
    Updated
      0
    Unchanged
      0
    Failed
      0
    Records
      2
    [Import 2 records]
    Exactly the file that was checked is imported.
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
    assert_eq!(service.folder.objects("managed/user"), "");

    let form = report.form("Import 2 records");
    let import = zoe.press(&form, "Import 2 records");
    assert!(import.address.starts_with("/console/imports/"), "{}", import.address);
    let metadata = service.finished(&id_of(&import));
    let counts = ["total", "created", "updated", "unchanged", "failure"].map(|name| metadata[name].as_u64().unwrap());
    assert_eq!(counts, [2, 2, 0, 0, 0]);
    assert_eq!((&metadata["dryRun"], &metadata["authId"]), (&false.into(), &"importer".into()));

    // Who presses twice has one import.
    let again = zoe.press(&form, "Import 2 records");
    assert_eq!(again.address, import.address);
    let report = zoe.go(&report.address);
    assert!(!report.has_form("Import 2 records"));
    insta::assert_snapshot!(notice(&report), @"This file was imported. [See the import](/console/imports/00000000-0000-0000-0000-000000000000).");
    assert_eq!(zoe.click(&report, "See the import").address, import.address);

    // The same file again.
    let report = sent(&mut zoe, "/console/new/user", "users.csv", USERS);
    insta::assert_snapshot!(notice(&report), @"There is nothing to import: all 2 records equal what is there already.");
    assert!(!report.html.contains("<button class=\"primary\">"));
}

#[test]
fn the_report_of_an_import_is_its_page() {
    let service = Service::new();
    std::fs::write(service.folder.path("users.csv"), USERS).unwrap();
    let id = service.upload("managed/user?uniqueProperty=userName", "users.csv").remove(0);
    let page = Visitor::admin(&service).go(&format!("/console/new/report/{id}"));
    assert_eq!(page.address, format!("/console/imports/{id}"));
}

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
    [Start over](/console/new/user?unique=userName&blank=keep&zone=UTC)
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
    Download the failed records, correct them, and [send that file](/console/new/user?unique=userName&blank=keep&zone=UTC) as it is.
    What is wrong | How many | For example
    [Invalid e-mail address in mail](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=VALID_EMAIL_ADDRESS_FORMAT&property=mail) | 1 record | row 4: '=eve' is not an e-mail address
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
fn all_that_is_wrong_with_a_file_is_told_at_once() {
    let service = Service::new();
    let mut ann = Visitor::admin(&service);
    let file = "userNmae,First Name,userName,,zoo & co,password,zoo & co\na,\"b\n";
    let page = sent(&mut ann, "/console/new/user?unique=userName&unique=mail", "users.csv", file);
    assert_eq!((page.status, page.address.as_str()), (400, "/console/new/user"));
    insta::assert_snapshot!(page.text_of("class", "bad"), @"
    ## users.csv cannot be imported
    - Unknown column 'userNmae' (column 1) (did you mean 'userName'?). Call the column userName, or remove it. Or [add userNmae as a property](/console/types/user/properties?name=userNmae).
    - Unknown column 'First Name' (column 2) (did you mean 'givenName'?). Call the column givenName, or remove it. Or [add First Name as a property](/console/types/user/properties?name=First%20Name).
    - Column 4 has no name. Give it a name, or remove it.
    - Unknown column 'zoo & co' (column 5). No property of User is like it: correct its name, or remove it. Or [add zoo & co as a property](/console/types/user/properties?name=zoo%20%26%20co).
    - Column 'password' (column 6) is private and cannot be imported. Remove the column.
    - Column 'zoo & co' stands twice (columns 5 and 7). Remove one of the two, or give it another name.
    - Missing column 'mail'. Objects are found by it: add a column mail, or choose other unique properties below.
    - Row 2, column 'First Name': the quote that opens column 2, in line 2 of the file, is never closed.
    Some columns are only spelled otherwise: have other spellings taken (under Options) and send the file again.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ");
    insta::assert_snapshot!(page.text_of("class", "table-wrap"), @"
    No. | Column | Fills
    1 | **userNmae** | unknown did you mean userName?
    2 | **First Name** | unknown did you mean givenName?
    3 | userName | userName Username
    4 | **** | has no name
    5 | **zoo & co** | unknown
    6 | **password** | private
    7 | **zoo & co** | stands twice
    ");
    // The same choices are there to try again with.
    let form = page.form("Check the file");
    let ticked: Vec<&str> =
        form.fields.iter().filter(|field| field.name == "unique" && field.is_on).map(|field| &*field.value).collect();
    assert_eq!(ticked, ["userName", "mail"]);

    // Whoever may not change object types is not sent to where they are changed.
    let mut zoe = Visitor::of(&service, "importer");
    let page = sent(&mut zoe, "/console/new/user", "users.csv", file);
    assert!(!page.html.contains("/console/types/user/properties"));
    // What he may do he is told.
    let file = "User Name,First Name,sn,MAIL\nann,Ann,Lee,ann@example.com\n";
    let page = sent(&mut zoe, "/console/new/user", "users.csv", file);
    assert!(page.text().contains("have other spellings taken"), "{}", page.text());
    let mut form = page.form("Check the file");
    form.tick("lenient=true");
    form.attach("file", "users.csv", file);
    let page = zoe.press(&form, "Check the file");
    let report = settled(&mut zoe, page);
    assert!(report.has_form("Import 1 record"), "{}", report.text());
    insta::assert_snapshot!(report.text_of("aria-labelledby", "header"), @"
    No. | Column | Fills
    1 | User Name | userName Username
    2 | First Name | givenName First Name
    3 | sn | sn Last Name
    4 | MAIL | mail Email Address
    ");
}

#[test]
fn what_is_no_csv_is_refused_with_what_would_be_right() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let mut told = String::new();
    let files: [(&str, &[u8]); 9] = [
        ("empty.csv", b""),
        ("semicolons.csv", b"userName;mail\na;b\n"),
        ("title.csv", b"All our users\nuserName,mail\n"),
        ("sheet.xlsx", b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
        ("latin1.csv", b"userName,mail\nZo\xeb,z@example.com\n"),
        ("utf16.csv", b"\xff\xfeu\x00s\x00e\x00r\x00"),
        ("cut.csv.gz", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"),
        ("open.csv", b"userName,mail\n\"a,b\n"),
    ];
    for (name, content) in files {
        let page = sent(&mut zoe, "/console/new/user", name, content);
        assert_eq!(page.status, 400, "{name}: {}", page.text());
        told += &page.text_of("class", "bad").lines().take(3).collect::<Vec<_>>().join("\n");
        told += "\n";
    }
    insta::assert_snapshot!(told, @"
    ## empty.csv cannot be imported
    - The file is empty. The first row has the names of the columns, each further row a record.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## semicolons.csv cannot be imported
    - The header 'userName;mail' seems to be separated by ';': columns are separated by commas. Save the file again with commas: in Excel that is 'CSV UTF-8 (comma delimited)', in LibreOffice the field delimiter ','.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## title.csv cannot be imported
    - The first row is the single cell 'All our users': it must be the header, without a title above. The first row has the names of the columns: remove what stands above it.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## sheet.xlsx cannot be imported
    - The file is a ZIP archive; a CSV file, plain or compressed with gzip, is needed.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## picture.csv cannot be imported
    - Row 1: byte 0x89 at offset 0 of the file is not UTF-8: looks like Windows-1252 ('‰'); save the file as CSV UTF-8.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## latin1.csv cannot be imported
    - Row 2, column 'userName': byte 0xEB at offset 16 of the file is not UTF-8: looks like Windows-1252 ('ë'); save the file as CSV UTF-8.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## utf16.csv cannot be imported
    - The file is UTF-16 (little-endian) text; save it as CSV UTF-8.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## cut.csv.gz cannot be imported
    - The gzip data ends too early, after 0 bytes of text: the file is not complete. Compress it again, or send the CSV file as it is.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## open.csv cannot be imported
    - Row 2, column 'userName': the quote that opens column 1, in line 2 of the file, is never closed.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ");
    assert_eq!(service.folder.spooled(), Vec::<String>::new());
    assert!(zoe.go("/console/imports").html.contains("class=\"empty\""));
}

#[test]
fn choices_that_do_not_go_are_told_on_the_form() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let mut told = String::new();
    for (form, file) in [
        ("/console/new/px_user?dates=mm%2Fdd%2Fyyyy", true),
        ("/console/new/px_user?zone=Mars%2FBase", true),
        ("/console/new/px_user?unique=nope", true),
        ("/console/new/px_user", false),
    ] {
        let mut form = zoe.go(form).form("Check the file");
        if file {
            form.attach("file", "users.csv", "id\n1\n");
        }
        let page = zoe.press(&form, "Check the file");
        assert_eq!(page.status, 400);
        told += &page.text_of("class", "bad");
        told += "\n";
    }
    insta::assert_snapshot!(told, @"
    ## That did not work
    - 'mm/dd/yyyy' is not a date format: month is MM, mm is minutes.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## That did not work
    - 'Mars/Base' is not a time zone; names look like UTC, Europe/Berlin or Asia/Seoul.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## That did not work
    - At least one unique property is needed to find existing objects.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ## That did not work
    - No file was chosen: drop one, or choose one.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ");
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
    [Start over](/console/new/user?unique=userName&atomic=true&zone=UTC)
    1 record of 3 would fail. You chose all or nothing, so nothing of the file can be imported. Correct the record in the file and [send it again](/console/new/user?unique=userName&atomic=true&zone=UTC), or [send it without all or nothing](/console/new/user?unique=userName&zone=UTC) to have the good records imported.
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
    Correct these records in the file itself, and [send all of it](/console/new/user?unique=userName&atomic=true&zone=UTC). What you download is a list of what is wrong.
    What is wrong | How many | For example
    [Invalid e-mail address in mail](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=VALID_EMAIL_ADDRESS_FORMAT&property=mail) | 1 record | row 4: 'eve' is not an e-mail address
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
    insta::assert_snapshot!(notice(&ann.go(&report.address)), @"The file was kept for 24 hours after the dry run and is gone. [Send it again](/console/new/user?unique=userName&zone=UTC) to import it.");
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
fn names_of_any_length_are_told_briefly() {
    let service = Service::new();
    let mut ann = Visitor::admin(&service);
    let header =
        format!("{},{}", "x".repeat(500_000), (0..300).map(|n| format!("col{n}")).collect::<Vec<_>>().join(","));
    let page = sent(&mut ann, "/console/new/user", "users.csv", header + "\n");
    assert_eq!(page.status, 400);
    assert!(page.html.len() < 200_000, "{}", page.html.len());
    assert!(page.text().contains("And 202 more of the kind."), "{}", page.text());
}

#[test]
fn a_report_shows_itself_while_its_turn_has_not_come() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let lease = service.folder.busy();
    let mut form = zoe.go("/console/new/user").form("Check the file");
    form.attach("file", "users.csv", USERS);
    let page = zoe.press(&form, "Check the file");
    insta::assert_snapshot!(page.text(), @"
    # Dry run: users.csv
    Into User (managed/user), objects found by userName. Checked 28 Feb 2026, 17:05:00 UTC.
    [Start over](/console/new/user?unique=userName&zone=UTC)
    The file waits for its turn. Nothing is changed.
    This page looks again by itself.
    ");
    assert!(page.html.contains("<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>"));
    let part = zoe.ask_with(&page.address, &[("HX-Request", "true")]);
    assert!(part.html.trim_start().starts_with("<div id=\"report\">") && part.html.contains("hx-get"), "{}", part.html);
    drop(lease);
    let page = settled(&mut zoe, page);
    assert!(page.has_form("Import 2 records"));
    let part = zoe.ask_with(&page.address, &[("HX-Request", "true")]);
    assert!(part.html.contains("Import 2 records") && !part.html.contains("hx-get"), "{}", part.html);
}

#[test]
fn only_pages_of_ours_send_files() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let report = sent(&mut zoe, "/console/new/user", "users.csv", USERS);
    let mut apply = report.form("Import 2 records");
    apply.fill("csrf", "0123");
    assert_eq!(zoe.press(&apply, "Import 2 records").status, 403);

    let mut form = zoe.go("/console/new/user").form("Check the file");
    form.fill("csrf", "0123");
    form.attach("file", "users.csv", USERS);
    let page = zoe.press(&form, "Check the file");
    assert_eq!(page.status, 403);
    insta::assert_snapshot!(page.text(), @"
    # This page is too old
    This form was not sent from a page of yours, or you have signed in anew since you opened the page; nothing was done.
    Go back, reload the page and try again.
    [Go to the imports](/console/imports)
    ");
    // Behind the file it is too late.
    let mut form = zoe.go("/console/new/user").form("Check the file");
    form.attach("file", "users.csv", USERS);
    form.fields.rotate_left(1);
    assert_eq!(form.fields.last().map(|field| field.name.as_str()), Some("csrf"));
    assert_eq!(zoe.press(&form, "Check the file").status, 403);
    assert_eq!(service.folder.spooled().len(), 1);
    // Somebody else's is no better.
    let mut yan = Visitor::with(&service, &service.token("--name yan --role importer"));
    let mut form = yan.go("/console/new/user").form("Check the file");
    form.attach("file", "users.csv", USERS);
    assert_eq!(zoe.press(&form, "Check the file").status, 403);
}

#[test]
fn who_may_only_look_sends_nothing() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let report = sent(&mut zoe, "/console/new/user", "users.csv", USERS);
    let (mut apply, mut form) = (report.form("Import 2 records"), zoe.go("/console/new/user").form("Check the file"));
    form.attach("file", "users.csv", USERS);

    let mut vic = Visitor::of(&service, "viewer");
    for path in ["/console/new", "/console/new/user", "/console/new/user/template.csv"] {
        assert_eq!(vic.go(path).status, 403, "{path}");
    }
    let csrf = vic.go("/console/imports").form("Sign out").value("csrf").to_owned();
    apply.fill("csrf", &csrf);
    form.fill("csrf", &csrf);
    assert_eq!(vic.press(&apply, "Import 2 records").status, 403);
    assert_eq!(vic.press(&form, "Check the file").status, 403);
    // The report of others he may read.
    let page = vic.go(&report.address);
    assert_eq!((page.status, page.forms().len()), (200, 1));
}

#[test]
fn what_somebody_may_not_see_does_not_exist() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let report = sent(&mut zoe, "/console/new/user", "users.csv", USERS);
    let (mut apply, mut form) = (report.form("Import 2 records"), zoe.go("/console/new/user").form("Check the file"));

    let mut rob = Visitor::with(&service, &service.token("--name rob --role importer --types managed/role"));
    let page = rob.go("/console/new");
    assert_eq!(page.elements("h2").into_iter().map(|heading| heading.text).collect::<Vec<_>>(), ["Role"]);
    for path in ["/console/new/user", "/console/new/user/template.csv", "/console/new/nothing", &report.address] {
        assert_eq!(rob.go(path).status, 404, "{path}");
    }
    let csrf = page.form("Sign out").value("csrf").to_owned();
    apply.fill("csrf", &csrf);
    form.fill("csrf", &csrf);
    form.attach("file", "users.csv", USERS);
    assert_eq!(rob.press(&apply, "Import 2 records").status, 404);
    assert_eq!(rob.press(&form, "Check the file").status, 404);
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let folder = Folder::new().file("rollbook-data/rollbook.toml", "[upload]\nmax_size = '100'\n");
    let service = Service::on(folder);
    let mut zoe = Visitor::of(&service, "importer");
    let page = zoe.go("/console/new/user");
    assert!(page.text().contains("up to 100 bytes"), "{}", page.text());
    assert_eq!(sent(&mut zoe, "/console/new/user", "users.csv", USERS).status, 200);
    let page = sent(&mut zoe, "/console/new/user", "users.csv", format!("{USERS}eve,Eve,Adams,eve@example.com\n"));
    assert_eq!(page.status, 413);
    insta::assert_snapshot!(page.text_of("class", "bad"), @"
    ## users.csv is too large
    - The files of the request have more than 100 bytes, the most that is allowed.
    Nothing was changed. Correct the file, or your choices, and send it again below.
    ");
    assert_eq!(service.folder.spooled().len(), 1);
}

#[test]
fn nothing_in_a_file_does_anything() {
    let service = Service::new();
    let mut ann = Visitor::admin(&service);
    let texts: Vec<String> = serde_json::from_str(include_str!("../naughty.json")).unwrap();
    let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
    // As names of columns.
    let header = texts.iter().map(quoted).collect::<Vec<_>>().join(",");
    let evil = "<img src=x onerror=alert(1)>\".csv";
    let page = sent(&mut ann, "/console/new/user", evil, format!("{header}\n"));
    assert_eq!(page.status, 400);
    assert!(inert(&page), "{}", page.html);
    assert!(page.text().contains("<script>alert(1)</script>"), "{}", page.text());
    assert!(page.text().contains("<img src=x onerror=alert(1)>"), "{}", page.text());
    // As cells that fail, and as cells that change something.
    let records: Vec<String> = texts.iter().map(|text| format!("{0},{0},{0},{0}\n", quoted(text))).collect();
    let report = sent(&mut ann, "/console/new/user", evil, format!("userName,givenName,sn,mail\n{}", records.concat()));
    assert_eq!(report.status, 200, "{}", report.text());
    assert!(inert(&report), "{}", report.html);
    let roles = |description: &str| format!("name,description\nr,{}\n", quoted(&description.to_owned()));
    let report = sent(&mut ann, "/console/new/role", "roles.csv", roles("plain"));
    let form = report.form("Import 1 record");
    let import = ann.press(&form, "Import 1 record");
    service.finished(&id_of(&import));
    for text in texts.iter().filter(|text| !text.contains('\0')) {
        let report = sent(&mut ann, "/console/new/role", "roles.csv", roles(text));
        assert!(inert(&report), "{}", report.html);
    }
}

/// Whether a page has no element that only a file can have brought, and no text that steers how others are shown.
fn inert(page: &Page) -> bool {
    let is_ours = |src: Option<String>| src.is_none_or(|src| src.starts_with("/console/assets/"));
    page.elements("img").is_empty()
        && page.elements("script").iter().all(|script| script.text.is_empty() && is_ours(script.attribute("src")))
        && page
            .all()
            .iter()
            .all(|element| element.attributes.iter().all(|(name, _)| !name.starts_with("on") && name != "style"))
}

#[test]
fn an_object_type_may_have_any_name() {
    let definition = r#"{"name": "report", "schema": {"properties": {"id": {"type": "string", "policies": [{"policyId": "unique"}]}}}}"#;
    let folder = Folder::new().file("types.json", definition).after("types apply types.json");
    let open = r#"{"name": "misc"}"#;
    let folder = folder.file("open.json", open).after("types apply open.json");
    let service = Service::on(folder);
    let mut zoe = Visitor::of(&service, "importer");
    assert_eq!(zoe.go("/console/new/report/template.csv").html, "\"id\"\r\n");
    let report = sent(&mut zoe, "/console/new/report", "reports.csv", "id\n1\n2\n");
    assert!(report.has_form("Import 2 records"), "{}", report.text());
    // One without properties takes all.
    let mut form = zoe.go("/console/new/misc").form("Check the file");
    form.fill("Columns, separated by commas", "a, b");
    form.attach("file", "misc.csv", "a,b,c\n1,2,3\n");
    let page = zoe.press(&form, "Check the file");
    let report = settled(&mut zoe, page);
    assert!(report.has_form("Import 1 record"), "{}", report.text());
}

#[test]
fn differences_are_shown_before_anything_is_changed() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let report = sent(&mut zoe, "/console/new/user", "users.csv", USERS);
    insta::assert_snapshot!(report.text_of("aria-labelledby", "made"), @"
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
    ");
    let form = report.form("Import 2 records");
    let import = zoe.press(&form, "Import 2 records");
    service.finished(&id_of(&import));
    let users = "userName,givenName,sn,mail,city\nann,Ann,Leeds,ann@example.com,Bonn\nbob,Bob,Ray,bob@example.com,\n";
    let report = sent(&mut zoe, "/console/new/user", "users.csv", users);
    insta::assert_snapshot!(report.text_of("aria-labelledby", "samples"), @"
    ## Some of the differences
    Row | Object | Property | From | To
    2 | [00000000-0000-0000-0000-000000000000](/console/objects/user/00000000-0000-0000-0000-000000000000) | sn | ~~Lee~~ | ++Leeds++
    2 | [00000000-0000-0000-0000-000000000000](/console/objects/user/00000000-0000-0000-0000-000000000000) | city | nothing | ++Bonn++
    ");
    assert!(report.html.contains("<del>Lee</del>") && report.html.contains("<ins>Leeds</ins>"), "{}", report.html);
    let form = report.form("Import 1 record");
    let import = zoe.press(&form, "Import 1 record");
    let metadata = service.finished(&id_of(&import));
    assert_eq!((&metadata["updated"], &metadata["unchanged"]), (&1.into(), &1.into()));
}
