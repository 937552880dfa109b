//! Settings.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::page::{Chrome, Section, html};
use super::visitor::Visitor;
use crate::access::Role;
use crate::http::{Door, Problem};

pub(super) fn routes() -> Router<Door> {
    Router::new().route("/console/settings", get(show))
}

#[derive(Template)]
#[template(path = "settings/list.html")]
struct SettingsPage {
    chrome: Chrome,
}

async fn show(visitor: Visitor) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let chrome = Chrome::new("Settings", Section::Settings, &visitor);
    Ok(html(&SettingsPage { chrome })?)
}
