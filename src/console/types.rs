//! Object types.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::page::{Chrome, Section, html};
use super::visitor::Visitor;
use crate::http::{Door, Problem};

pub(super) fn routes() -> Router<Door> {
    Router::new().route("/console/types", get(show))
}

#[derive(Template)]
#[template(path = "types/list.html")]
struct TypesPage {
    chrome: Chrome,
}

async fn show(visitor: Visitor) -> Result<Response, Problem> {
    let chrome = Chrome::new("Object types", Section::Types, &visitor);
    Ok(html(&TypesPage { chrome })?)
}
