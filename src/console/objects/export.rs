//! All objects of a type as a file, as of one moment.

use std::io::Write;

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;

use crate::console::visitor::Visitor;
use crate::error::Result;
use crate::http::addressing::Addressed;
use crate::http::streaming::not_sent;
use crate::http::{Door, Problem};
use crate::object::{Export, Visible};
use crate::repository::StoredType;

pub(super) async fn csv(
    State(door): State<Door>,
    visitor: Visitor,
    Addressed { object_type, .. }: Addressed,
) -> Result<Response, Problem> {
    let name = format!("{}.csv", object_type.short());
    let response = door
        .stream("text/csv; charset=utf-8", move |door, out| {
            let stored = visitor.principal.object_type(&door.app, &object_type)?;
            let mut ahead = out.ahead();
            write(door, &stored, Export::csv(&stored.object_type, &mut ahead).map_err(not_sent)?)?;
            ahead.deliver()
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
            let mut ahead = out.ahead();
            write(door, &stored, Export::json_lines(&stored.object_type, Visible::Public, &mut ahead))?;
            ahead.deliver()
        })
        .await?;
    Ok(as_file(response, &name))
}

fn write(door: &Door, stored: &StoredType, mut export: Export<impl Write>) -> Result<()> {
    door.app.repository.each_object(stored, |object| export.object(&object).map_err(not_sent))?;
    export.finish().map_err(not_sent)
}

/// Names of types have nothing in them that would have to be quoted.
fn as_file(mut response: Response, name: &str) -> Response {
    if let Ok(disposition) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(CONTENT_DISPOSITION, disposition);
    }
    response
}
