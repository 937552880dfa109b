//! All objects of a type as a file.
//!
//! They are read page by page, so that whoever reads slowly keeps no moment of the repository alive; what is written
//! meanwhile may be in the file or not.

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;

use crate::console::visitor::Visitor;
use crate::error::Result;
use crate::http::addressing::Addressed;
use crate::http::streaming::{BodyWriter, not_sent};
use crate::http::{Door, Problem};
use crate::object::{Export, Visible};
use crate::repository::StoredType;

/// Objects that are read at a time.
const AT_ONCE: usize = 1000;

pub(super) async fn csv(
    State(door): State<Door>,
    visitor: Visitor,
    Addressed { object_type, .. }: Addressed,
) -> Result<Response, Problem> {
    let name = format!("{}.csv", object_type.short());
    let response = door
        .stream("text/csv; charset=utf-8", move |door, out| {
            let stored = visitor.principal.object_type(&door.app, &object_type)?;
            let export = Export::csv(&stored.object_type, out).map_err(not_sent)?;
            write(door, &stored, export)
        })
        .await?;
    Ok(as_file(response, &name))
}

pub(super) async fn json_lines(
    State(door): State<Door>,
    visitor: Visitor,
    Addressed { object_type, .. }: Addressed,
) -> Result<Response, Problem> {
    let name = format!("{}.jsonl", object_type.short());
    let response = door
        .stream("application/x-ndjson", move |door, out| {
            let stored = visitor.principal.object_type(&door.app, &object_type)?;
            write(door, &stored, Export::json_lines(&stored.object_type, Visible::Public, out))
        })
        .await?;
    Ok(as_file(response, &name))
}

fn write(door: &Door, stored: &StoredType, mut export: Export<&mut BodyWriter>) -> Result<()> {
    let mut after = Some(0);
    while let Some(start) = after {
        let page = door.app.repository.objects(stored, start, AT_ONCE)?;
        page.objects.iter().try_for_each(|object| export.object(object)).map_err(not_sent)?;
        after = page.next;
    }
    export.finish().map_err(not_sent)
}

/// Names of types have nothing in them that would have to be quoted.
fn as_file(mut response: Response, name: &str) -> Response {
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    }
    response
}
