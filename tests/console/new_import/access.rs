//! Who may send files, from which pages, and what is in them.

use super::{USERS, id_of, sent, settled};
use crate::harness::Folder;
use crate::service::Service;
use crate::visitor::{Page, Visitor};

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
fn nothing_in_a_file_does_anything() {
    let service = Service::new();
    let mut ann = Visitor::admin(&service);
    let texts: Vec<String> = serde_json::from_str(include_str!("../../naughty.json")).unwrap();
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
