//! The page of settings.

use crate::harness::Folder;
use crate::service::Service;
use crate::visitor::{Page, Visitor};

/// What is shown of a setting: value, source.
fn shown(page: &Page, setting: &str) -> String {
    let row = page.text_of("id", setting);
    let cells: Vec<_> = row.split(" | ").collect();
    format!("{} | {}", cells[1], cells[2])
}

#[test]
fn every_setting_has_a_value_and_a_source() {
    let settings = "[server]\nrequest_timeout = '45s'\n[upload]\nmax_records = 7\n[oidc]\nissuer = 'https://login.example.com'\n\
                    audience = 'rollbook'\nclient_id = 'console'\nclient_secret = { file = 'sesame' }\n";
    let folder = Folder::new().file("rollbook-data/rollbook.toml", settings).file("rollbook-data/sesame", "open\n");
    let service = Service::on(folder);
    let page = Visitor::admin(&service).go("/console/settings");
    assert_eq!(page.status, 200);
    assert_eq!(shown(&page, "server.listen"), "127.0.0.1:0 | command line: --listen");
    assert_eq!(shown(&page, "server.request_timeout"), "45 s | rollbook.toml");
    assert_eq!(shown(&page, "server.body_timeout"), "30 s | default");
    assert_eq!(shown(&page, "server.tls.key"), "not set | default");
    assert_eq!(shown(&page, "upload.max_records"), "7 | rollbook.toml");
    assert_eq!(shown(&page, "import.memory"), "380 MB | default");
    assert_eq!(shown(&page, "oidc.client_secret"), "set | rollbook.toml: file sesame");
    assert!(!page.html.contains("open\n") && !page.html.contains(">open<"));
    if service.folder.backend() == crate::database::Backend::Sqlite {
        assert_eq!(shown(&page, "repository.url"), "sqlite:rollbook.db | default");
    } else {
        let shown = shown(&page, "repository.url");
        assert!(shown.ends_with("environment variable ROLLBOOK_REPOSITORY_URL") && !shown.contains('@'), "{shown}");
    }
    let facts = page.text_of("class", "facts");
    for fact in ["Version", "Address", "Data directory", "Repository", "Spool", "Settings file"] {
        assert!(facts.contains(fact), "{facts}");
    }
    // Every link within the page leads somewhere.
    let ids: Vec<_> = page.all().iter().filter_map(|element| element.attribute("id")).collect();
    for link in page.links().iter().filter_map(|link| link.strip_prefix('#')) {
        assert!(ids.iter().any(|id| id == link), "{link}");
    }
}

#[test]
fn settings_are_for_administrators() {
    let service = Service::new();
    for role in ["viewer", "importer"] {
        let mut visitor = Visitor::of(&service, role);
        for path in ["/console/settings", "/console/tokens"] {
            let page = visitor.go(path);
            assert_eq!((page.status, page.heading().as_str()), (403, "You may not do this"), "{role} {path}");
        }
        assert!(!visitor.go("/console/imports").links().iter().any(|link| link == "/console/settings"));
    }
    // They are of all object types.
    let mut hr = Visitor::with(&service, &service.token("--name hr --role admin --types managed/user"));
    let page = hr.go("/console/settings");
    assert_eq!(page.status, 403);
    assert!(page.text().contains("you see only some"), "{}", page.text());
    assert!(!hr.go("/console/tokens").links().iter().any(|link| link == "/console/settings"));
}
