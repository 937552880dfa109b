//! New import.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::page::{Chrome, Section, html};
use super::visitor::Visitor;
use crate::access::Role;
use crate::http::{Door, Problem};

pub(super) fn routes() -> Router<Door> {
    Router::new().route("/console/new", get(show))
}

#[derive(Template)]
#[template(path = "new_import/list.html")]
struct NewImportPage {
    chrome: Chrome,
}

async fn show(visitor: Visitor) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Importer)?;
    let chrome = Chrome::new("New import", Section::NewImport, &visitor);
    Ok(html(&NewImportPage { chrome })?)
}
