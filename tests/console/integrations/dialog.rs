//! The dialog: its fields, what is said next to them, how dates are read, and what is only read.

use super::{LIST, SECRETS, SETTINGS, USERS, directory, no_secrets, problems, service};
use crate::dropping::drop_folder;
use crate::service::Service;
use crate::visitor::Visitor;

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
