//! Objects.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::page::{Chrome, Section, html};
use super::visitor::Visitor;
use crate::http::{Door, Problem};

pub(super) fn routes() -> Router<Door> {
    Router::new().route("/console/objects", get(show))
}

#[derive(Template)]
#[template(path = "objects/list.html")]
struct ObjectsPage {
    chrome: Chrome,
}

async fn show(visitor: Visitor) -> Result<Response, Problem> {
    let chrome = Chrome::new("Objects", Section::Objects, &visitor);
    Ok(html(&ObjectsPage { chrome })?)
}
