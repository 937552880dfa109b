//! Integrations: drop folders are set up, looked at, followed and removed in a browser.
//!
//! * `access`: who may do what, and names that have broken others.
//! * `dialog`: its fields, and what is said next to them.
//! * `folder`: the page of a drop folder, and its runs.
//! * `settings`: what becomes of them when they are applied.

mod access;
mod dialog;
mod folder;
mod settings;

use std::fs;
use std::time::Duration;

use crate::dropping::{drop_csv, drop_folder, mark};
use crate::service::Service;
use crate::visitor::{Form, Page, Visitor};

const LIST: &str = "/console/integrations";
const USERS: &str = "/console/integrations/px-users";
const SETTINGS: &str = "/console/integrations/px-users/settings";

const GOOD: &str = "id,email\n1,a@example.com\n2,b@example.com\n";

/// What no page may show.
const SECRETS: [&str; 4] = ["open-sesame", "top-secret-key", "session-secret", "AKIA/secret/in/the/wrong/place"];

/// Longer than anything here takes, on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Given an installation whose administrators may use the directory `drop`, and private addresses.
fn service() -> Service {
    let service = Service::on(drop_folder("[drop_folders]\nallow_private = true\n"));
    fs::create_dir_all(service.folder.path("rollbook-data/drop")).unwrap();
    service
}

/// The dialog of a new "S3 User Import", filled in for a directory.
fn directory(visitor: &mut Visitor) -> Form {
    let mut form = visitor.go("/console/integrations/new?kind=user").form("Apply");
    form.choose("Authorization Method", "directory");
    form.fill("S3 Bucket Name", "file:drop");
    form.fill("Path to base import folder", "users_import");
    form.fill("Settle time", "0s");
    form.tick("Paused: look only when somebody asks");
    form
}

/// Given an "S3 User Import" from a directory.
fn set_up(visitor: &mut Visitor) -> Page {
    let form = directory(visitor);
    let page = visitor.press(&form, "Apply");
    assert_eq!((page.status, page.address.as_str()), (200, "/console/integrations/px-users?done=created"));
    page
}

/// Given a partition of users that is ready, with one file.
fn dropped(service: &Service, date: &str, csv: &str) {
    drop_csv(&service.folder, "users_import", date, "users.csv.gz", csv);
    mark(&service.folder, "users_import", date);
}

/// When the drop folder is looked at.
fn poll(visitor: &mut Visitor) -> Page {
    let form = visitor.go(USERS).form("Poll now");
    visitor.press(&form, "Poll now")
}

/// The page of the latest run.
fn latest_run(visitor: &mut Visitor) -> Page {
    let links = visitor.go(USERS).links();
    let run = links.iter().find(|link| link.contains("/runs/")).expect("a run").clone();
    visitor.go(&run)
}

fn no_secrets(page: &Page) {
    for secret in SECRETS {
        assert!(!page.html.contains(secret), "{secret}: {}", page.html);
        assert!(!page.address.contains(secret), "{secret}: {}", page.address);
    }
}

/// What is said next to the fields.
fn problems(page: &Page) -> String {
    let all = page.all().into_iter().filter(|element| element.has("class", "problem"));
    all.map(|element| element.text).collect::<Vec<_>>().join("\n")
}
