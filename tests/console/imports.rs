//! The pages about imports: the list, one import, its failures, and what is done with it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use fancy_regex::Regex;
use rollbook::import::{Import, ImportId};
use rollbook::plan::{Dropped, OnFailure, Origin, Plan};

use crate::harness::{Folder, plan};
use crate::service::Service;
use crate::visitor::{Page, Visitor};

/// The first is right; the second has no last name and no address that is one, the third is too short.
const USERS: &str =
    "userName,givenName,sn,mail\nbjensen,Barbara,Jensen,bjensen@example.com\njdoe,Jo,,jo at example\nx,y\n";

const INTO_USERS: &str = "--into managed/user --unique userName";

/// A service on an installation into which this file of users was imported. Gives the id of the import.
fn imported(users: impl AsRef<[u8]>) -> (Service, String) {
    let folder = Folder::new().file("users.csv", users);
    let _ = folder.run(&format!("import users.csv {INTO_USERS}"));
    let id = folder.last_import();
    (Service::on(folder), id)
}

/// Users of whom the first so many are wrong.
fn users(records: usize, wrong: usize) -> String {
    let mut users = "userName,givenName,sn,mail\n".to_owned();
    for n in 0..records {
        let at = if n < wrong { " at " } else { "@" };
        writeln!(users, "user{n},Jo,Doe,user{n}{at}example.com").unwrap();
    }
    users
}

/// A service that imports in small steps.
fn slow(users: String) -> Service {
    let settings = "[import]\nround = 50\ncommit_every = '10ms'\n";
    Service::on(Folder::new().file("rollbook-data/rollbook.toml", settings).file("users.csv", users))
}

/// The names of the files in a list.
fn listed(page: &Page) -> Vec<String> {
    let cells = page.elements("th").into_iter().filter(|cell| cell.has("scope", "row"));
    cells.map(|cell| cell.text).collect()
}

/// A text without what differs from run to run.
fn calm(text: &str) -> String {
    let ago = Regex::new(r"just now|\d+ s ago").unwrap().replace_all(text, "just now").into_owned();
    Regex::new(r"\d+\.\d s").unwrap().replace_all(&ago, "0.0 s").into_owned()
}

/// How the counts stand on the page.
fn tally(page: &Page) -> String {
    page.text_of("class", "tally")
}

#[test]
fn who_has_nothing_yet_is_told_what_to_do() {
    let service = Service::new();
    let page = Visitor::of(&service, "importer").go("/console/imports");
    insta::assert_snapshot!(page.text_of("class", "empty"), @"
    ## Nothing has been imported yet
    Choose an object type, drop a CSV file and see what would happen before anything does.
    [New import](/console/new)
    ");
    let page = Visitor::of(&service, "viewer").go("/console/imports");
    insta::assert_snapshot!(page.text_of("class", "empty"), @"
    ## Nothing has been imported yet
    As soon as somebody imports a file, or a drop folder brings one, it is shown here. Your role lets you look on.
    ");
    assert!(!page.links().contains(&"/console/new".to_owned()));
}

#[test]
fn imports_are_listed_with_what_became_of_them() {
    let folder = Folder::new().file("users.csv", USERS).file("good.csv", users(3, 0));
    let _ = folder.run(&format!("import users.csv {INTO_USERS}"));
    let _ = folder.run(&format!("import good.csv {INTO_USERS} --dry-run"));
    let _ = folder.run(&format!("import users.csv {INTO_USERS} --atomic"));
    let service = Service::on(folder);
    let page = Visitor::of(&service, "viewer").go("/console/imports");
    insta::assert_snapshot!(calm(&page.text_of("id", "imports")), @"
    File | Into | State | Records | Origin | Queued | Took
    [users.csv](/console/imports/00000000-0000-0000-0000-000000000000) all or nothing | managed/user | failed
    2 failed, 1 without an outcome
    3 records, 2 failed | Command line barbara | 28 Feb 2026, 17:05:00 UTC just now | 0.0 s
    [good.csv](/console/imports/00000000-0000-0000-0000-000000000000) dry run | managed/user | finished
    3 created
    3 records | Command line barbara | 28 Feb 2026, 17:05:00 UTC just now | 0.0 s
    [users.csv](/console/imports/00000000-0000-0000-0000-000000000000) | managed/user | finished
    1 created, 2 failed
    3 records, 2 failed | Command line barbara | 28 Feb 2026, 17:05:00 UTC just now | 0.0 s
    ");
}

#[test]
fn the_list_is_narrowed_by_what_one_looks_for() {
    let folder = Folder::new().file("users.csv", users(1, 0)).file("roles.csv", "name\nadmin\n");
    let _ = folder.run(&format!("import users.csv {INTO_USERS}"));
    let _ = folder.run("import roles.csv --into managed/role --unique name");
    let waiting = Import::queued(
        ImportId::random(),
        plan("managed/user", "userName"),
        "old.csv".to_owned(),
        Vec::new(),
        "2021-02-28T12:00:00.000Z".to_owned(),
    );
    folder.installation().repository.queue(&[waiting]).unwrap();
    let _lease = folder.busy();
    let service = Service::on(folder);
    let mut zoe = Visitor::of(&service, "importer");
    for (query, files) in [
        ("", &["old.csv", "roles.csv", "users.csv"][..]),
        ("?type=role", &["roles.csv"]),
        ("?type=managed/role", &["roles.csv"]),
        ("?state=queued", &["old.csv"]),
        ("?state=finished&type=user", &["users.csv"]),
        ("?origin=cli&state=", &["old.csv", "roles.csv", "users.csv"]),
        ("?origin=upload", &[]),
        ("?from=2021-02-28&until=2021-02-28", &["old.csv"]),
        ("?until=2021-02-27", &[]),
        ("?from=2021-03-01", &["roles.csv", "users.csv"]),
    ] {
        assert_eq!(listed(&zoe.go(&format!("/console/imports{query}"))), files, "{query}");
    }
    let mut form = zoe.go("/console/imports").form("Show");
    form.choose("Object type", "managed/role");
    form.choose("Origin", "Command line");
    let page = zoe.press(&form, "Show");
    assert_eq!(listed(&page), ["roles.csv"]);
    assert_eq!(page.form("Show").value("Object type"), "role");
    assert_eq!(listed(&zoe.click(&page, "Clear")).len(), 3);
    let page = zoe.go("/console/imports?type=role");
    let page = zoe.click(&page, "Last 7 days");
    assert_eq!(listed(&page), ["roles.csv"], "what is chosen stays chosen");

    let page = zoe.go("/console/imports?origin=upload");
    insta::assert_snapshot!(page.text_of("class", "empty"), @"
    ## No imports with this filter
    Choose other values, or look at all of them.
    [Clear the filter](/console/imports)
    ");
    let page = zoe.go("/console/imports?from=28.02.2021");
    insta::assert_snapshot!(page.text_of("class", "problem"), @"'28.02.2021' is not a date: write one as 2026-02-28.");
    for wrong in ["?state=done", "?origin=mail", "?before=x", "?type=nothing"] {
        assert!([400, 404].contains(&zoe.go(&format!("/console/imports{wrong}")).status), "{wrong}");
    }
}

#[test]
fn older_imports_are_on_further_pages() {
    let folder = Folder::new();
    let imports = (0..60).map(|n| {
        let name = format!("{n:02}.csv");
        Import::queued(ImportId::random(), plan("managed/user", "userName"), name, Vec::new(), rollbook::clock::now())
    });
    folder.installation().repository.queue(&imports.collect::<Vec<_>>()).unwrap();
    let _lease = folder.busy();
    let service = Service::on(folder);
    let mut zoe = Visitor::of(&service, "viewer");
    let mut page = zoe.go("/console/imports?state=queued");
    let mut seen = listed(&page);
    while page.links().iter().any(|link| link.contains("before=")) {
        page = zoe.click(&page, "Older");
        seen.extend(listed(&page));
    }
    seen.reverse();
    assert_eq!(seen, (0..60).map(|n| format!("{n:02}.csv")).collect::<Vec<_>>());
    assert_eq!(listed(&zoe.click(&page, "Latest"))[0], "59.csv");
}

#[test]
fn the_list_refreshes_itself_while_it_shows_the_latest() {
    let (service, _) = imported(users(1, 0));
    let mut zoe = Visitor::of(&service, "viewer");
    let page = zoe.go("/console/imports?state=finished");
    let live = page.all().into_iter().find(|element| element.attribute("hx-trigger").is_some()).unwrap();
    assert_eq!(live.attribute("hx-trigger").as_deref(), Some("every 2s"));
    let part = zoe.ask_with(&live.attribute("hx-get").unwrap(), &[("HX-Request", "true")]);
    assert_eq!((listed(&part), part.elements("main").len()), (vec!["users.csv".to_owned()], 0));
}

#[test]
fn what_may_not_be_seen_is_nowhere() {
    let (service, id) = imported(USERS);
    let token = service.token("--name roles --role importer --types managed/role");
    let mut stranger = Visitor::with(&service, &token);
    assert_eq!(listed(&stranger.go("/console/imports")), Vec::<String>::new());
    assert_eq!(stranger.go("/console/imports?type=user").status, 404);
    for page in ["", "/live", "/failures", "/failures.csv"] {
        let page = stranger.go(&format!("/console/imports/{id}{page}"));
        assert_eq!(page.status, 404, "{}", page.text());
    }
    let csrf = stranger.go("/console/imports").form("Sign out").value("csrf").to_owned();
    for action in ["cancel", "cleanup", "delete"] {
        let fields = [("csrf", csrf.as_str()), ("what", "bytes")];
        assert_eq!(stranger.post(&format!("/console/imports/{id}/{action}"), &fields).status, 404, "{action}");
    }
    assert_eq!(Visitor::admin(&service).go("/console/imports/nothing").status, 404);
}

#[test]
fn who_only_looks_on_changes_nothing() {
    let (service, id) = imported(USERS);
    let mut viewer = Visitor::of(&service, "viewer");
    let page = viewer.go(&format!("/console/imports/{id}"));
    assert_eq!(page.forms().len(), 1, "to sign out: {}", page.text());
    let csrf = page.form("Sign out").value("csrf").to_owned();
    for action in ["cancel", "cleanup", "delete"] {
        let path = format!("/console/imports/{id}/{action}");
        assert_eq!(viewer.post(&path, &[("csrf", &csrf), ("what", "bytes")]).status, 403, "{action}");
        // Nor does anybody else without a page of ours.
        assert_eq!(Visitor::admin(&service).post(&path, &[("what", "bytes")]).status, 403, "{action}");
        assert_eq!(viewer.ask(&path).status, 405, "{action}");
    }
    assert_eq!(tally(&viewer.go(&format!("/console/imports/{id}"))), tally(&page));
}

#[test]
fn an_import_tells_what_became_of_its_records() {
    let (service, id) = imported(USERS);
    let page = Visitor::of(&service, "importer").go(&format!("/console/imports/{id}"));
    insta::assert_snapshot!(page.text_of("class", "standing"), @"finished 1 record is in, 2 failed.");
    insta::assert_snapshot!(tally(&page), @"
    created
      1
      33 %
    updated
      0
      0 %
    unchanged
      0
      0 %
    failed
      2
      66 %
    ");
    insta::assert_snapshot!(page.text_of("id", "failures"), @"
    ## 2 failures
    - [Invalid e-mail address in mail](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=VALID%5FEMAIL%5FADDRESS%5FFORMAT&property=mail): 1 record, e.g. row 3: 'jo at example' is not an e-mail address
    - [Missing value in sn](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=REQUIRED&property=sn): 1 record, e.g. row 3: a value is required
    - [More or fewer cells than columns](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=CELL%5FCOUNT): 1 record, e.g. row 4: the record has 2 cells, the header has 4 columns
    All others are in: correct these records, and upload only them again.
    [Look through the failures](/console/imports/00000000-0000-0000-0000-000000000000/failures) [Download them as CSV](/console/imports/00000000-0000-0000-0000-000000000000/failures.csv) [Correct and upload again](/console/new/user?unique=userName&zone=UTC&after=00000000-0000-0000-0000-000000000000)
    How do I correct them?
    The download has the columns of your file and a column _importError that says what is wrong. Correct the cells in a spreadsheet, save it as CSV and upload it again as it is: the last column is passed over, and only these records are imported.
    Cells that look like formulas are guarded with an apostrophe for spreadsheets; the upload removes the guard again. For programs there is [the same without guards](/console/imports/00000000-0000-0000-0000-000000000000/failures.csv?escape=none).
    ");
    insta::assert_snapshot!(calm(&page.text_of("class", "cards")), @"
    ## Who and whence
    Imported into
      [managed/user](/console/objects/user)
    Asked for by
      barbara cli
    Origin
      Command line
    Queued
      28 Feb 2026, 17:05:00 UTC just now
    Started
      28 Feb 2026, 17:05:00 UTC
    Ended
      28 Feb 2026, 17:05:00 UTC
    Id
      00000000-0000-0000-0000-000000000000
    ## The file
    Name
      users.csv
    Size
      97 bytes
    Records
      3
    Kept
      its bytes are no longer kept
    4 columns
    - userName
    - givenName
    - sn
    - mail
    ## What was asked for
    Objects are found by
      userName
    If a record fails
      the others are imported all the same
    An empty cell
      removes the value of its property
    If a key comes twice
      the first record counts, later ones fail
    Dates are written as
      ISO 8601, such as 2021-12-25
    ");
    insta::assert_snapshot!(page.text_of("class", "manage"), @"
    ## Clean up
    None of these touches the objects that the import wrote.
    Remove the failures
    The failed records are gone for good then; download them first if you still need them.
    [Remove the failed records]
    Delete the record
    This page and the failures are gone for good then.
    [Delete the record of this import]
    ");
}

#[test]
fn a_file_that_was_refused_tells_why_and_where() {
    let folder = Folder::new().file("users.csv", "userName,givenName,sn,mail\na,b,c,a@example.com\nb,\"c,d,e\n");
    let _ = folder.run(&format!("import users.csv {INTO_USERS}"));
    let id = folder.last_import();
    let service = Service::on(folder);
    let page = Visitor::of(&service, "importer").go(&format!("/console/imports/{id}"));
    insta::assert_snapshot!(page.text_of("role", "alert"), @"
    users.csv, row 3, column 'givenName': the quote that opens column 2, in line 3 of the file, is never closed
    Correct the file and [import it again](/console/new/user?unique=userName&zone=UTC&after=00000000-0000-0000-0000-000000000000).
    ");
    insta::assert_snapshot!(page.text_of("class", "standing"), @"failed The file was refused, and nothing of it was imported.");
}

#[test]
fn who_has_to_correct_the_whole_file_is_told_so() {
    let dropped = Dropped { drop_folder: "px".to_owned(), partition: "20210228".to_owned(), destination: None };
    let atomic = Plan { on_failure: OnFailure::RejectFile, ..plan("managed/user", "userName") };
    let from_folder = Plan { origin: Origin::DropFolder, dropped: Some(dropped), ..atomic.clone() };
    let folder = Folder::new().file("users.csv", USERS);
    let (whole, partition) = (folder.submit("users.csv", atomic), folder.submit("users.csv", from_folder));
    let service = Service::on(folder);
    let mut zoe = Visitor::of(&service, "importer");
    for (id, advice, action) in [
        (whole, "import all of it again", "/console/new/user?"),
        (partition, "current/dt=20210228 once more, with a new _SUCCESS", "/console/integrations/px"),
    ] {
        let _ = service.finished(&id.to_string());
        for page in ["", "/failures"] {
            let page = zoe.go(&format!("/console/imports/{id}{page}"));
            assert!(page.text().contains(advice), "{}", page.text());
            assert!(page.links().iter().any(|link| link.starts_with(action)));
            assert!(!page.text().contains("only them") && !page.text().contains("Correct and upload again"));
        }
    }
    assert!(!zoe.go(&format!("/console/imports/{partition}")).links().iter().any(|to| to.starts_with("/console/new/")));
}

#[test]
fn failures_show_the_offending_cells() {
    let (service, id) = imported(USERS);
    let mut zoe = Visitor::of(&service, "importer");
    let page = zoe.go(&format!("/console/imports/{id}"));
    let all = zoe.click(&page, "Look through the failures");
    insta::assert_snapshot!(all.text_of("id", "content"), @"
    - [Imports](/console/imports)
    - [users.csv](/console/imports/00000000-0000-0000-0000-000000000000)
    # 2 failures
    [Download as CSV](/console/imports/00000000-0000-0000-0000-000000000000/failures.csv) [Correct and upload again](/console/new/user?unique=userName&zone=UTC&after=00000000-0000-0000-0000-000000000000)
    All others are in: correct these records, and upload only them again.
    - [All](/console/imports/00000000-0000-0000-0000-000000000000/failures)
    - [Invalid e-mail address in mail 1 record](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=VALID%5FEMAIL%5FADDRESS%5FFORMAT&property=mail)
    - [Missing value in sn 1 record](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=REQUIRED&property=sn)
    - [More or fewer cells than columns 1 record](/console/imports/00000000-0000-0000-0000-000000000000/failures?requirement=CELL%5FCOUNT)
    Search in cells and reasons {q: }
    [Search]
    Row | What is wrong | userName | givenName | sn | mail
    3
    mail: 'jo at example' is not an e-mail address
    sn: a value is required
     | jdoe | Jo | **empty** | **jo at example**
    4
    the record has 2 cells, the header has 4 columns
     | x | y | **empty** | **empty**
    ");
    let marked: Vec<String> = all.elements("mark").into_iter().map(|mark| mark.text).collect();
    assert_eq!(marked, ["empty", "jo at example", "empty", "empty"]);
    let group = zoe.click(&page, "Invalid e-mail address in mail");
    assert_eq!(listed(&group), ["3"]);
    for (q, rows) in [("AT EXAMPLE", &["3"][..]), ("required", &["3"]), ("4", &["4"]), ("cells", &["4"]), ("none", &[])]
    {
        let mut form = all.form("Search");
        form.fill("q", q);
        assert_eq!(listed(&zoe.press(&form, "Search")), rows, "{q}");
    }
    let mut form = group.form("Search");
    form.fill("q", "x");
    let page = zoe.press(&form, "Search");
    insta::assert_snapshot!(page.text_of("class", "failures"), @"
    Row | What is wrong | userName | givenName | sn | mail
    3
    mail: 'jo at example' is not an e-mail address
    sn: a value is required
     | jdoe | Jo | **empty** | **jo at example**
    ");
}

#[test]
fn failures_are_downloaded_to_be_corrected() {
    let (service, id) = imported("userName,givenName,sn,mail\n=1+1,Jo,Doe,no\n");
    let mut zoe = Visitor::of(&service, "viewer");
    let page = zoe.go(&format!("/console/imports/{id}/failures.csv"));
    assert_eq!(page.header("content-type"), Some("text/csv; charset=UTF-8"));
    assert!(page.header("content-disposition").unwrap().starts_with("attachment; "));
    assert!(page.html.starts_with("userName,givenName,sn,mail,_importError\r\n'=1+1,Jo,Doe,no,"), "{}", page.html);
    let page = zoe.go(&format!("/console/imports/{id}/failures.csv?escape=none"));
    assert!(page.html.starts_with("userName,givenName,sn,mail,_importError,_escape\r\n=1+1,"), "{}", page.html);
    let (service, id) = imported(users(1, 0));
    let mut zoe = Visitor::of(&service, "viewer");
    assert_eq!(zoe.go(&format!("/console/imports/{id}/failures.csv")).status, 404);
    let page = zoe.go(&format!("/console/imports/{id}/failures"));
    insta::assert_snapshot!(page.text_of("class", "empty"), @"
    ## No record has failed
    There is nothing to correct.
    [The import](/console/imports/00000000-0000-0000-0000-000000000000)
    ");
}

#[test]
fn what_an_import_keeps_is_cleaned_up() {
    let (service, id) = imported(USERS);
    let mut zoe = Visitor::of(&service, "importer");
    let path = format!("/console/imports/{id}");
    let page = zoe.go(&path);
    let page = zoe.press(&page.form("Remove the failed records"), "Remove the failed records");
    insta::assert_snapshot!(page.text_of("role", "status"), @"The failures were removed, and the bytes of the file are no longer kept.");
    insta::assert_snapshot!(page.text_of("id", "failures"), @"
    ## 2 failures
    The failed records were removed and can no longer be looked at.
    ");
    assert!(!page.has_form("Remove the failed records"));
    insta::assert_snapshot!(zoe.go(&format!("{path}/failures")).text_of("class", "empty"), @"
    ## The failures were removed
    Somebody has cleaned up behind this import. Its counts are still on its page.
    [The import](/console/imports/00000000-0000-0000-0000-000000000000)
    ");
    let page = zoe.press(&page.form("Delete the record of this import"), "Delete the record of this import");
    assert_eq!(page.address, "/console/imports?done=deleted");
    insta::assert_snapshot!(page.text_of("role", "status"), @"The record of the import was deleted. The objects that it wrote are still there.");
    assert_eq!(zoe.go(&path).status, 404);
}

#[test]
fn a_running_import_is_cancelled() {
    let service = slow(users(30_000, 0));
    let id = service.upload("managed/user?uniqueProperty=userName", "users.csv").remove(0);
    let mut zoe = Visitor::of(&service, "importer");
    let page = zoe.go(&format!("/console/imports/{id}"));
    assert!(!page.has_form("Delete the record of this import"), "it is not over");
    let page = zoe.press(&page.form("Cancel this import"), "Cancel this import");
    assert!(page.address.ends_with("?done=cancelled"));
    assert_eq!(service.finished(&id)["cancelledBy"], "importer");
    let page = zoe.go(&format!("/console/imports/{id}"));
    assert!(page.text_of("class", "standing").contains("Cancelled by importer"), "{}", page.text());
    assert!(!page.has_form("Cancel this import"));
    assert_eq!(listed(&zoe.go("/console/imports?state=cancelled")), ["users.csv"]);
}

#[test]
fn an_import_is_followed_to_its_end() {
    let service = slow(users(20_000, 30));
    let id = service.upload("managed/user?uniqueProperty=userName", "users.csv").remove(0);
    let mut zoe = Visitor::of(&service, "importer");
    let page = zoe.go(&format!("/console/imports/{id}"));
    let live = page.all().into_iter().find_map(|element| element.attribute("hx-sse:connect")).unwrap();
    let told = zoe.listen(&live, "event: end");
    assert!(told.contains(r##"<hx-partial hx-target="#live" hx-swap="innerMorph">"##), "{told}");
    assert!(told.contains("<progress max=\"20000\""), "{told}");
    assert!(told.contains("records/s"));
    // With the end comes the whole page.
    let last = told.rsplit("\n\n").find(|event| event.contains("<h1>")).unwrap();
    assert!(last.contains("19,970 records are in, 30 failed.") && last.contains("Delete the record"), "{last}");
    let page = zoe.go(&format!("/console/imports/{id}"));
    assert!(page.all().iter().all(|element| element.attribute("hx-sse:connect").is_none()));
    assert!(page.elements("figcaption")[0].text.starts_with("20,000 records in "), "{}", page.text());
}

#[test]
fn who_has_signed_out_is_told_nothing_more() {
    let folder = Folder::new().file("users.csv", users(1, 0));
    let id = folder.submit("users.csv", plan("managed/user", "userName"));
    let _lease = folder.busy();
    let service = Service::on(folder);
    let mut zoe = Visitor::of(&service, "viewer");
    let (path, page) = (format!("/console/imports/{id}/live"), zoe.go("/console/imports"));
    let told = std::thread::scope(|scope| {
        let mut same = Visitor::new(&service);
        same.cookies.clone_from(&zoe.cookies);
        // The stream ends, or this would not.
        let told = scope.spawn(move || same.ask(&path));
        std::thread::sleep(Duration::from_millis(500));
        let _ = zoe.press(&page.form("Sign out"), "Sign out");
        told.join().unwrap().html
    });
    assert!(told.contains("It waits for its turn"), "{told}");
    let last = told.split("It waits for its turn").last().unwrap();
    assert!(last.contains("You are no longer signed in") && last.contains("event: end"), "{told}");
}

#[test]
fn hostile_names_and_cells_do_nothing() {
    let cells: Vec<String> = serde_json::from_str(include_str!("../naughty.json")).unwrap();
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "<!--rows-->",
        "{{ 7 * 7 }}",
        "</td></table><form action=/console/sign-out>",
        "data: x\r\n\r\nevent: end",
    ];
    let mut users = "userName,givenName,sn,mail\n".to_owned();
    for (n, cell) in cells.iter().map(String::as_str).chain(hostile).enumerate() {
        let quoted = cell.replace('"', "\"\"");
        writeln!(users, "user{n},\"{quoted}\",Doe,\"{quoted} at\"").unwrap();
    }
    let service = Service::on(Folder::new().file("users.csv", users));
    let name = "<script>alert(1)<&#47;script>\" onload=x '&amp;{{ 1 }}.csv";
    let form = format!("upload=@users.csv;filename=\"{}\"", name.replace('"', "\\\""));
    let mut upload = service.command();
    upload.args(["--header", &format!("Authorization: Bearer {}", crate::service::ADMIN), "--form", &form]);
    upload.arg(format!("{}/upload/csv/managed/user?uniqueProperty=userName", service.address));
    let answer = String::from_utf8(upload.output().unwrap().stdout).unwrap();
    let id = answer.split('"').find(|part| part.len() == 36).expect(&answer).to_owned();
    let _ = service.finished(&id);
    let mut zoe = Visitor::admin(&service);
    let page = format!("/console/imports/{id}");
    for path in
        ["/console/imports", &page, &format!("{page}/failures"), &format!("{page}/failures?q=alert&columns=all")]
    {
        let page = zoe.go(path);
        let scripts = page.elements("script");
        assert!(scripts.iter().all(|script| script.attribute("src").is_some() && script.text.is_empty()), "{path}");
        assert_eq!((page.elements("img").len(), page.elements("table").len() <= 1), (0, true), "{path}");
        let is_harmless = |name: &str| !name.starts_with("on") && name != "style";
        assert!(page.all().iter().all(|found| found.attributes.iter().all(|(name, _)| is_harmless(name))), "{path}");
        assert!(page.header("content-security-policy").unwrap().contains("script-src 'self'"), "{path}");
    }
    let failures = zoe.go(&format!("{page}/failures?q=<script>alert"));
    assert!(failures.elements("mark").iter().any(|mark| mark.text.contains("<script>alert(1)</script>")));
    let told = zoe.listen(&format!("{page}/live"), "event: end");
    assert!(!told.contains("<script>") && told.contains("&#60;script&#62;"), "{told}");
}

#[test]
fn a_hundred_thousand_failures_do_not_slow_a_page() {
    let mut records = "userName,givenName,sn,mail\n".to_owned();
    for n in 0..100_000 {
        writeln!(records, "user{n},Jo").unwrap();
    }
    let (service, id) = imported(records);
    let mut zoe = Visitor::of(&service, "viewer");
    let path = format!("/console/imports/{id}");
    let _ = zoe.go(&path);
    let mut timed = |path: &str| {
        let begun = Instant::now();
        let page = zoe.go(path);
        assert_eq!(page.status, 200);
        (page, begun.elapsed())
    };
    for (path, rows) in [
        (path.clone(), 0),
        (format!("{path}/failures"), 50),
        (format!("{path}/failures?after=99990"), 11),
        (format!("{path}/failures?requirement=CELL_COUNT&after=50000"), 50),
    ] {
        let (page, took) = timed(&path);
        assert_eq!(listed(&page).len(), rows, "{path}");
        // Much longer than it takes, and much less than reading them all does.
        assert!(took < Duration::from_millis(1000), "{path} took {took:?}");
    }
    let (page, _) = timed(&format!("{path}/failures?q=user99999"));
    // It is found, or the search says how far it has got.
    let found = listed(&page);
    assert!(found == ["100,001"] || page.text().contains("[Search further]"), "{}", page.text());
}
