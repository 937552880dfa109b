//! Objects, as somebody browses and searches them, looks at one of them and takes all of them with him.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Folder, steady};
use crate::service::Service;
use crate::visitor::Visitor;

const PEOPLE: &str = "\
userName,givenName,sn,mail,city,preferences/updates
bjensen,Barbara,Jensen,bjensen@example.com,Oslo,true
BJORN,Bjørn,Ås,bjorn@example.com,Oslo,false
scarter,Sam,Carter,scarter@example.com,Paris,
";

const IMPORT: &str = "import --into managed/user --unique userName people.csv";

fn with_people() -> Service {
    Service::on(Folder::new().file("people.csv", PEOPLE).after(IMPORT))
}

/// The names in the first column.
fn names(page: &crate::visitor::Page) -> Vec<String> {
    page.elements("th").into_iter().filter(|cell| cell.has("scope", "row")).map(|cell| cell.text).collect()
}

#[test]
fn somebody_browses() {
    let service = with_people();
    let mut zoe = Visitor::of(&service, "viewer");
    let page = zoe.go("/console/objects");
    insta::assert_snapshot!(page.text(), @"
    # Objects
    Object types and how many objects each has
    Object type | Objects | What you can do
    [assignment](/console/objects/assignment) | none yet | [Its properties](/console/types/assignment)
    [px_account](/console/objects/px_account) | none yet | [Its properties](/console/types/px_account)
    [px_user](/console/objects/px_user) | none yet | [Its properties](/console/types/px_user)
    [role](/console/objects/role) | none yet | [Its properties](/console/types/role)
    [user](/console/objects/user) | 3 objects | [Its properties](/console/types/user)
    ");
    let page = zoe.click(&page, "user");
    insta::assert_snapshot!(page.text(), @"
    - [Objects](/console/objects)
    # user objects
    [Export CSV](/console/objects/user/export.csv) [Export JSON lines](/console/objects/user/export.jsonl) [Properties](/console/types/user)
    Property {property: Username (userName) / _id / First Name (givenName) / Last Name (sn) / Email Address (mail) / Description (description) / Status (accountStatus) / Telephone Number (telephoneNumber) / Street Address (postalAddress) / City (city) / Postal Code (postalCode) / Country (country) / State or Province (stateProvince) / News and Updates (preferences/updates) / Special Offers (preferences/marketing)}
    Match {match: is / begins with}
    Value {value: }
    [Search]
    user objects
    Username | First Name | Last Name | Email Address | Description
    [bjensen](/console/objects/user/00000000-0000-0000-0000-000000000000) | Barbara | Jensen | bjensen@example.com
    [BJORN](/console/objects/user/00000000-0000-0000-0000-000000000000) | Bjørn | Ås | bjorn@example.com
    [scarter](/console/objects/user/00000000-0000-0000-0000-000000000000) | Sam | Carter | scarter@example.com
    ");
    let page = zoe.click(&page, "bjensen");
    insta::assert_snapshot!(page.text(), @r#"
    - [Objects](/console/objects)
    - [user](/console/objects/user)
    # bjensen
    Object type
      [user](/console/types/user)
    _id
      00000000-0000-0000-0000-000000000000
    Revision
      1 (0000000000000001)
    Last written by
      [the import of people.csv](/console/imports/00000000-0000-0000-0000-000000000000), which began 28 Feb 2026, 17:05:00 UTC
    ## Values
    Values of bjensen
    Property | Value | Type
    Username userName | bjensen | string
    First Name givenName | Barbara | string
    Last Name sn | Jensen | string
    Email Address mail | bjensen@example.com | string
    Status accountStatus | active | string
    City city | Oslo | string
    News and Updates preferences/updates | true | boolean
    Without a value: Description, Telephone Number, Street Address, Postal Code, Country, State or Province, Special Offers.
    As JSON
    [Copy]
    {
      "_id": "00000000-0000-0000-0000-000000000000",
      "_rev": "0000000000000001",
      "userName": "bjensen",
      "givenName": "Barbara",
      "sn": "Jensen",
      "mail": "bjensen@example.com",
      "accountStatus": "active",
      "city": "Oslo",
      "preferences": {
        "updates": true
      }
    }
    "#);
    assert!(!page.has_form("Delete bjensen"), "that is for administrators");
    let page = zoe.go("/console/objects/role");
    insta::assert_snapshot!(page.text_of("class", "empty"), @"
    There are no role objects yet.
    They come with the first import; ask somebody who may import files.
    ");
}

#[test]
fn somebody_searches() {
    let service = with_people();
    let mut zoe = Visitor::admin(&service);
    let page = zoe.go("/console/objects/user");
    let mut form = page.form("Search");
    for (property, how, value, found) in [
        ("userName", "is", "BJensen", vec!["bjensen"]),
        ("userName", "is", "bjen", vec![]),
        ("userName", "begins", "BJ", vec!["bjensen", "BJORN"]),
        ("city", "is", "oslo", vec!["bjensen", "BJORN"]),
        ("city", "begins", "p", vec!["scarter"]),
        ("sn", "begins", "å", vec!["BJORN"]),
        ("preferences/updates", "is", "TRUE", vec!["bjensen"]),
        ("_id", "is", "nobody", vec![]),
    ] {
        form.choose("Property", property);
        form.choose("Match", how);
        form.fill("Value", &format!(" {value} "));
        let page = zoe.press(&form, "Search");
        assert_eq!(
            (page.status, names(&page)),
            (200, found.into_iter().map(str::to_owned).collect()),
            "{property} {value}"
        );
    }
    form.choose("Property", "preferences/updates");
    form.choose("Match", "is");
    form.fill("Value", "often");
    let page = zoe.press(&form, "Search");
    assert_eq!(page.status, 400);
    assert_eq!(page.text_of("id", "value-problem"), "News and Updates is either true or false.");
    let page = zoe.go("/console/objects/user?property=city&match=is&value=Rome");
    insta::assert_snapshot!(page.text_of("class", "empty"), @"
    No object of user whose City is 'Rome'.
    Case does not matter, but the whole value has to be the same; try “begins with”. [Show all](/console/objects/user)
    ");
}

/// As soon as somebody has searched for how a text begins, an index answers that, in the order of the text.
#[test]
fn beginnings_get_an_index() {
    let lines: String = (0..300)
        .map(|n| format!("{}{:03},{n},x,{n}@b.cc\n", if n % 2 == 0 { "user" } else { "USER" }, (n * 7) % 300))
        .collect();
    let folder = Folder::new().file("people.csv", format!("userName,givenName,sn,mail\n{lines}")).after(IMPORT);
    let service = Service::on(folder);
    let mut zoe = Visitor::of(&service, "viewer");
    let address = "/console/objects/user?property=userName&match=begins&value=User0";
    let page = zoe.go(address);
    assert!(page.text().contains("The index is being made now"), "{}", page.text());
    assert_eq!(names(&page).len(), 50);
    let begun = Instant::now();
    let mut page = zoe.go(address);
    while page.text().contains("The index is being made now") {
        assert!(begun.elapsed() < Duration::from_secs(60), "it is never made");
        page = zoe.go(address);
    }
    let mut found = names(&page);
    let page = zoe.click(&page, "Next page");
    found.extend(names(&page));
    assert!(!page.text().contains("Next page"), "the last page");
    let expected: Vec<String> = (0..100).map(|n| format!("user{n:03}")).collect();
    assert_eq!(found.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>(), expected);
}

#[test]
fn pages_follow_one_another() {
    let lines: String = (0..120).map(|n| format!("user{n},a,b,{n}@b.cc\n")).collect();
    let folder = Folder::new().file("people.csv", format!("userName,givenName,sn,mail\n{lines}")).after(IMPORT);
    let service = Service::on(folder);
    let mut zoe = Visitor::of(&service, "viewer");
    for address in ["/console/objects/user", "/console/objects/user?property=givenName&match=is&value=A"] {
        let mut page = zoe.go(address);
        let mut found = names(&page);
        for _ in 0..2 {
            page = zoe.click(&page, "Next page");
            found.extend(names(&page));
        }
        assert_eq!(found, (0..120).map(|n| format!("user{n}")).collect::<Vec<_>>());
        page = zoe.click(&page, "First page");
        assert_eq!(names(&page)[0], "user0");
    }
    assert_eq!(zoe.go("/console/objects/user?after=somewhere").status, 400);
}

/// A search that has to look at many objects sends its page as it goes.
#[test]
fn the_head_of_a_page_waits_for_nobody() {
    let lines: String = (0..60_000).map(|n| format!("user{n},a,b,{n}@b.cc\n")).collect();
    let folder = Folder::new().file("people.csv", format!("userName,givenName,sn,mail\n{lines}")).after(IMPORT);
    let service = Service::on(folder);
    let mut zoe = Visitor::of(&service, "viewer");
    let address = "/console/objects/user?property=givenName&match=is&value=nobody";
    let begun = Instant::now();
    zoe.listen(address, "role=\"search\"");
    assert!(begun.elapsed() < Duration::from_secs(2), "the head came after {:?}", begun.elapsed());
    let page = zoe.go(address);
    assert!(page.text().contains("No object of user whose First Name is 'nobody'."), "{}", page.text());
    assert!(page.elements("table").is_empty(), "a table of nothing: {}", page.text());
    let page = zoe.go("/console/objects/user?property=sn&match=is&value=B&after=59990");
    assert_eq!(names(&page).len(), 10);
    let page = zoe.go("/console/objects");
    assert!(page.text().contains("more than 10,000"), "{}", page.text());
}

#[test]
fn one_object_shows_all_that_is_public() {
    let service = Service::new();
    let _ = service.curl("-X PUT /openidm/config/managed/gadget -H 'If-None-Match: *' -H 'Content-Type: application/json' -d '{\"schema\": {\"properties\": {\
        \"id\": {\"type\": \"string\", \"title\": \"Serial\", \"policies\": [{\"policyId\": \"unique\"}]}, \
        \"secret\": {\"type\": \"string\", \"scope\": \"private\"}, \
        \"owner\": {\"type\": \"string\", \"references\": \"managed/user\"}, \
        \"size\": {\"type\": \"object\", \"properties\": {\"width\": {\"type\": \"number\"}}}, \
        \"tags\": {\"type\": \"array\"}, \"more\": {\"type\": \"object\"}}}}'");
    let gadget = json!({
        "id": "7 & 8", "owner": "b jensen", "size": {"width": 1.5}, "tags": ["a", "<b>"], "more": {"x": [1, {"y": null}]},
        "undeclared": {"z": "two\nlines"},
    });
    let reply = service
        .curl(&format!("-X PUT /openidm/managed/gadget/export.csv -H 'Content-Type: application/json' -d '{gadget}'"));
    assert_eq!(reply.status, 201, "{}", reply.body);
    let mut zoe = Visitor::admin(&service);
    let page = zoe.go("/console/objects/gadget");
    let page = zoe.click(&page, "7 & 8");
    insta::assert_snapshot!(page.text(), @r#"
    - [Objects](/console/objects)
    - [gadget](/console/objects/gadget)
    # 7 & 8
    Object type
      [gadget](/console/types/gadget)
    _id
      export.csv
    Revision
      1 (0000000000000001)
    Last written by
      somebody over REST, not by an import
    ## Values
    Values of 7 & 8
    Property | Value | Type
    Serial id | 7 & 8 | string
    owner | [b jensen](/console/objects/user?property=id&match=is&value=b%20jensen) | string
    size/width | 1.5 | number
    tags
    a
    <b>
     | array
    more
    {
      "x": [
        1,
        {
          "y": null
        }
      ]
    }
     | object
    undeclared
    {
      "z": "two\nlines"
    }
     | not declared
    As JSON
    [Copy]
    {
      "_id": "export.csv",
      "_rev": "0000000000000001",
      "id": "7 & 8",
      "owner": "b jensen",
      "size": {
        "width": 1.5
      },
      "tags": [
        "a",
        "<b>"
      ],
      "more": {
        "x": [
          1,
          {
            "y": null
          }
        ]
      },
      "undeclared": {
        "z": "two\nlines"
      }
    }
    Delete this object
    It is gone for good then. An import of a file that has it creates it anew, with another _id.
    [Delete 7 & 8]
    "#);
    for page in ["/console/objects/gadget?property=secret&match=is&value=x", "/console/objects/gadget/nobody"] {
        assert!(zoe.go(page).status >= 400, "{page}");
    }
    let page = zoe.go("/console/objects/gadget/export%2Ecsv");
    assert!(!page.text().contains("secret"));
    let form = page.form("Delete 7 & 8");
    let _ = service.curl("-X PATCH /openidm/managed/gadget/export.csv -H 'Content-Type: application/json' -d '[{\"operation\": \"replace\", \"field\": \"owner\", \"value\": \"z\"}]'");
    assert_eq!(zoe.press(&form, "Delete 7 & 8").status, 412, "it has changed since");
    let page = zoe.go("/console/objects/gadget/export%2Ecsv");
    let page = zoe.press(&page.form("Delete 7 & 8"), "Delete 7 & 8");
    assert_eq!(page.address, "/console/objects/gadget?done=deleted");
    insta::assert_snapshot!(page.text_of("class", "notice good"), @"The object was deleted.");
    insta::assert_snapshot!(page.text_of("class", "empty"), @"
    There are no gadget objects yet.
    [Import a file](/console/new/gadget)
    ");
}

#[test]
fn an_export_is_imported_without_a_change() {
    let service = with_people();
    let mut zoe = Visitor::of(&service, "viewer");
    let export = zoe.ask("/console/objects/user/export.csv");
    assert_eq!(export.header("content-disposition"), Some("attachment; filename=\"user.csv\""));
    let typed = service.folder.run("objects export managed/user").success();
    assert_eq!(steady(&String::from_utf8_lossy(export.bytes())), typed);
    let lines = zoe.ask("/console/objects/user/export.jsonl");
    let lines = String::from_utf8_lossy(lines.bytes()).into_owned();
    let objects: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        objects.iter().map(|object| object["userName"].as_str().unwrap()).collect::<Vec<_>>(),
        ["bjensen", "BJORN", "scarter"]
    );
}

/// What somebody may not see is nowhere.
#[test]
fn some_types_exist_for_some_only() {
    let service = with_people();
    let token = service.token("--name Role --role admin --types managed/role");
    let mut role = Visitor::with(&service, &token);
    let page = role.go("/console/objects");
    assert_eq!(names(&page), ["role"]);
    for page in [
        "/console/objects/user",
        "/console/objects/user/x",
        "/console/objects/user/export.csv",
        "/console/objects/no type",
    ] {
        assert!([400, 404].contains(&role.go(page).status), "{page}");
    }
    let mut zoe = Visitor::of(&service, "importer");
    let page = zoe.go("/console/objects/user");
    let page = zoe.click(&page, "bjensen");
    assert!(!page.has_form("Delete bjensen"));
    let csrf = page.form("Sign out").value("csrf").to_owned();
    let deleted = zoe.post(&format!("{}/delete", page.address), &[("csrf", &csrf), ("rev", "0000000000000001")]);
    assert_eq!(deleted.status, 403);
    assert_eq!(zoe.post(&format!("{}/delete", page.address), &[("rev", "0000000000000001")]).status, 403);
}

#[test]
fn whatever_a_value_is_it_is_inert() {
    let naughty: Vec<String> = serde_json::from_str(include_str!("../naughty.json")).unwrap();
    let mut file = String::from("userName,givenName,sn,mail\n");
    for (number, text) in naughty.iter().enumerate() {
        file.push_str(&format!("u{number},\"{}\",\"{}\",{number}@b.cc\n", text.replace('"', "\"\""), "<script>"));
    }
    let service = Service::on(Folder::new().file("people.csv", file));
    let _ = service.folder.run(IMPORT);
    let mut zoe = Visitor::admin(&service);
    let mut page = zoe.go("/console/objects/user");
    let plain = zoe.go("/console/objects/role").elements("script").len();
    let mut seen = 0;
    loop {
        assert_eq!(page.elements("script").len(), plain);
        seen += names(&page).len();
        if !page.text().contains("[Next page]") {
            break;
        }
        page = zoe.click(&page, "Next page");
    }
    assert!(seen > 50, "{seen}");
    for text in naughty.iter().filter(|text| !text.contains('\0')) {
        let value: String = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        for how in ["is", "begins"] {
            let page = zoe.go(&format!("/console/objects/user?property=userName&match={how}&value={value}"));
            assert_eq!((page.status, page.elements("script").len()), (200, plain), "{text}");
        }
    }
}
