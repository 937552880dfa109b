//! Imports.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::page::{Chrome, Section, html};
use super::visitor::Visitor;
use crate::http::{Door, Problem};

pub(super) fn routes() -> Router<Door> {
    Router::new().route("/console/imports", get(show))
}

#[derive(Template)]
#[template(path = "imports/list.html")]
struct ImportsPage {
    chrome: Chrome,
}

async fn show(visitor: Visitor) -> Result<Response, Problem> {
    let chrome = Chrome::new("Imports", Section::Imports, &visitor);
    Ok(html(&ImportsPage { chrome })?)
}
