//! Files and choices that cannot be: everything that is wrong is told, on the form.

use super::{USERS, sent, settled};
use crate::harness::Folder;
use crate::service::Service;
use crate::visitor::Visitor;

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
