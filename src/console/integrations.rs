//! Integrations.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::page::{Chrome, Section, html};
use super::visitor::Visitor;
use crate::http::{Door, Problem};

pub(super) fn routes() -> Router<Door> {
    Router::new().route("/console/integrations", get(show))
}

#[derive(Template)]
#[template(path = "integrations/list.html")]
struct IntegrationsPage {
    chrome: Chrome,
}

async fn show(visitor: Visitor) -> Result<Response, Problem> {
    let chrome = Chrome::new("Integrations", Section::Integrations, &visitor);
    Ok(html(&IntegrationsPage { chrome })?)
}
