//! The page about one import.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::body::Body;
use crate::console::page::{Chrome, Section, html};
use crate::console::visitor::Visitor;
use crate::http::params::Params;
use crate::http::{Door, Problem};

#[derive(Template)]
#[template(path = "imports/detail.html")]
struct DetailPage {
    chrome: Chrome,
    id: String,
    notice: Option<&'static str>,
    is_over: bool,
    body: Body,
}

pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    let page = door
        .run(move |door| {
            let import = visitor.principal.import(&door.app, &id)?;
            let chrome = Chrome::new(import.filename.clone(), Section::Imports, &visitor);
            let is_over = import.state.end().is_some();
            let notice = notice(params.one("done")?, is_over);
            let body = Body::of(door, &visitor, &import)?;
            html(&DetailPage { chrome, id: import.id.to_string(), notice, is_over, body })
        })
        .await?;
    Ok(page)
}

fn notice(done: Option<&str>, is_over: bool) -> Option<&'static str> {
    match (done?, is_over) {
        ("queued", _) => Some("The file was accepted and its import is queued."),
        ("cancelled", false) => Some("The import is being cancelled: it stops after its current records."),
        ("cancelled", true) => Some("You have asked for the import to be cancelled."),
        ("cleaned", _) => Some("The bytes of the file are no longer kept."),
        ("failures-removed", _) => Some("The failures were removed, and the bytes of the file are no longer kept."),
        _ => None,
    }
}
