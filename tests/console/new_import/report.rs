//! What would happen to every record, and then the import of the very same file.

use super::{USERS, id_of, notice, sent, settled};
use crate::harness::Folder;
use crate::service::Service;
use crate::visitor::{Page, Visitor};

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
    [Start over](/console/new/user?unique=userName&zone=UTC&after=00000000-0000-0000-0000-000000000000)
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
    [Start over](/console/new/user?unique=userName&zone=UTC&after=00000000-0000-0000-0000-000000000000)
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
fn groups_of_failures_are_called_by_what_is_wrong_with_each() {
    let service = Service::new();
    let mut zoe = Visitor::of(&service, "importer");
    let file = "id,score,surveys\n1,much,maybe\n2,more,true\n";
    let report = sent(&mut zoe, "/console/new/px_user", "users.csv", file);
    let import = zoe.go(&format!("/console/imports/{}", id_of(&report)));
    for page in [&report, &import] {
        for called in ["Invalid number in score", "Neither true nor false in surveys"] {
            assert!(page.text().contains(called), "{called}: {}", page.text());
        }
    }
    // Who may import nothing is led to no form.
    let leads = |page: &Page| page.links().iter().any(|link| link.starts_with("/console/new/px_user"));
    assert!(leads(&report));
    let report = Visitor::of(&service, "viewer").go(&report.address);
    assert!(report.text().contains("Download the failed records") && !leads(&report), "{}", report.text());
}

#[test]
fn a_property_with_a_comma_in_its_name_finds_objects() {
    let definition = r#"{"name": "team", "schema": {"properties": {
        "lead, full name": {"type": "string", "policies": [{"policyId": "unique"}]}, "site": {"type": "string"}}}}"#;
    let service = Service::on(Folder::new().file("team.json", definition).after("types apply team.json"));
    let mut zoe = Visitor::of(&service, "importer");
    let file = "\"lead, full name\",site\n\"Lee, Ann\",Utrecht\n";
    let report = sent(&mut zoe, "/console/new/team", "teams.csv", file);
    assert!(report.has_form("Import 1 record"), "{}", report.text());
    let form = zoe.click(&report, "Start over").form("Check the file");
    let unique: Vec<&str> =
        form.fields.iter().filter(|field| field.name == "unique" && field.is_on).map(|field| &*field.value).collect();
    assert_eq!(unique, ["lead, full name"]);
}
