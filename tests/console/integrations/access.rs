//! Who may do what with drop folders, and names that have broken others.

use super::{GOOD, LIST, SETTINGS, USERS, dropped, latest_run, poll, service, set_up};
use crate::dropping::{drop_csv, drop_file, mark};
use crate::visitor::Visitor;

#[test]
fn roles_and_object_types_are_respected() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let _ = set_up(&mut admin);
    dropped(&service, "20210228", GOOD);
    let _ = poll(&mut admin);
    let run = latest_run(&mut admin).address;
    let mut importer = Visitor::of(&service, "importer");
    let page = importer.go(USERS);
    assert!(page.has_form("Poll now") && !page.has_form("Test connection") && !page.has_form("Resume"));
    assert_eq!(importer.press(&page.form("Poll now"), "Poll now").status, 200);
    let mut viewer = Visitor::of(&service, "viewer");
    let page = viewer.go(USERS);
    assert_eq!(page.forms().len(), 1, "only to sign out");
    assert_eq!(viewer.go(&run).status, 200);
    let csrf = page.forms()[0].value("csrf").to_owned();
    for action in ["poll", "test", "pause", "resume", "remove", "callback", "settings"] {
        let page = viewer.post(&format!("{USERS}/{action}"), &[("csrf", &csrf)]);
        assert_eq!(page.status, 403, "{action}");
    }
    assert_eq!(viewer.post(&format!("{run}/callback"), &[("csrf", &csrf)]).status, 403);
    assert_eq!(viewer.go(SETTINGS).status, 403);
    assert_eq!(viewer.go("/console/integrations/new?kind=user").status, 403);
    assert_eq!(viewer.post("/console/integrations/new", &[("csrf", &csrf)]).status, 403);
    // Without what its forms carry nothing is done.
    assert_eq!(admin.post(&format!("{USERS}/pause"), &[]).status, 403);
    for action in ["pause", "remove", "callback"] {
        assert_eq!(admin.ask(&format!("{USERS}/{action}")).status, 405, "{action}");
    }

    let token = service.token("--name accounts --role admin --types managed/px_account");
    let mut other = Visitor::with(&service, &token);
    let page = other.go(LIST);
    assert!(page.text().contains("S3 Account Import") && !page.text().contains("S3 User Import"));
    for address in [USERS, SETTINGS, &run, "/console/integrations/px-users/policies"] {
        assert_eq!(other.go(address).status, 404, "{address}");
    }
    let mut form = other.go("/console/integrations/new?kind=account").form("Apply");
    form.choose("Authorization Method", "directory");
    form.fill("S3 Bucket Name", "file:drop");
    form.fill("Name", "px-users");
    let page = other.press(&form, "Apply");
    assert_eq!(page.status, 400, "{}", page.text());
}

#[test]
fn hostile_names_and_cells_are_inert() {
    let service = service();
    let mut admin = Visitor::admin(&service);
    let _ = set_up(&mut admin);
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let csv = format!("id,score,\"{}\"\n1,\"{0}\",2\n", evil.replace('"', "\"\""));
    drop_csv(&service.folder, "users_import", "20210228", "\"><img src=x onerror=alert(1)>.csv.gz", &csv);
    let csv = format!("id,score\n1,\"{}\"\n", evil.replace('"', "\"\""));
    drop_csv(&service.folder, "users_import", "20210228", "{{ 7*7 }}.csv.gz", &csv);
    drop_file(&service.folder, "users_import", "20210228", "'onclick='alert(1).txt", "");
    drop_file(&service.folder, "users_import", "<script>alert(2)<", "x", "");
    mark(&service.folder, "users_import", "20210228");
    let mut form = admin.go(SETTINGS).form("Apply");
    form.fill("Date Format", evil);
    form.fill("Product", evil);
    form.fill("Cells to try", evil);
    let pages = [
        poll(&mut admin),
        latest_run(&mut admin),
        admin.go(LIST),
        admin.press(&form, "Apply"),
        admin.press(&form, "Show how dates are read"),
        admin.go(&format!("/console/integrations/new?kind={}", "%22%3E%3Cscript%3E")),
        admin.go(&format!("{USERS}?done=%3Cscript%3E&behind=x")),
    ];
    for page in pages {
        for script in page.elements("script") {
            assert!(script.attribute("src").is_some_and(|src| src.starts_with("/console/assets/")), "{}", page.html);
        }
        assert!(page.elements("img").is_empty(), "{}", page.html);
        assert!(!page.all().iter().any(|element| element.attribute("onclick").is_some()), "{}", page.html);
    }
    let run = latest_run(&mut admin).text();
    assert!(run.contains("<script>alert(1)</script>") && run.contains("{{ 7*7 }}"), "{run}");
}
