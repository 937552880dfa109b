//! Tokens.

use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

use super::page::{Chrome, Section, html};
use super::visitor::Visitor;
use crate::access::Role;
use crate::http::{Door, Problem};

pub(super) fn routes() -> Router<Door> {
    Router::new().route("/console/tokens", get(show))
}

#[derive(Template)]
#[template(path = "tokens/list.html")]
struct TokensPage {
    chrome: Chrome,
}

async fn show(visitor: Visitor) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let chrome = Chrome::new("Tokens", Section::Tokens, &visitor);
    Ok(html(&TokensPage { chrome })?)
}
