//! `/openidm/csv/template`: the header of a CSV file for an object type.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Door;
use super::answer::Answer;
use super::fields::Fields;
use super::params::Params;
use super::problem::{Problem, ProblemBody};
use crate::access::Principal;
use crate::error::{Error, Result};
use crate::schema::{ObjectType, TypeName};

const CSV: &str = "text/csv; charset=UTF-8";

/// The CSV template of an object type, as JSON or as the header line itself.
#[utoipa::path(
    get, path = "/openidm/csv/template", tag = "imports", operation_id = "readTemplate",
    params(
        ("resourceCollection" = String, Query, description = "The object type, such as managed/user"),
        ("_fields" = Option<String>, Query, description = "`header` for the header alone"),
        ("_mimeType" = Option<String>, Query, description =
            "With one field: `text/csv` or `text/plain` for its bare text, anything else for JSON"),
    ),
    responses(
        (status = 200, description = "The template, or its header line as text", content(
            (Object = "application/json"), (String = "text/csv"), (String = "text/plain"),
        )),
        (status = 400, description = "A parameter is missing or wrong", body = ProblemBody),
        (status = 404, description = "There is no such object type", body = ProblemBody),
    ),
)]
pub(super) async fn template(
    State(door): State<Door>,
    principal: Principal,
    params: Params,
) -> Result<Response, Problem> {
    let fields = Fields::of(&params)?;
    let bare = bare_text(&params, &fields)?;
    let missing = || Error::request("the parameter 'resourceCollection' is required, such as managed/user");
    let object_type: TypeName = params.one("resourceCollection")?.ok_or_else(missing)?.parse()?;
    let stored = door.run(move |door| principal.object_type(&door.app, &object_type)).await?;
    let template = json!({ "_id": "template", "header": stored.object_type.template_header() });
    match bare {
        None => Ok(Answer::json(fields.project(template)).into_response()),
        Some(content_type) => {
            let found = fields.pointers().first().and_then(|pointer| pointer.find(&template));
            let line = found.and_then(Value::as_str).unwrap_or_default();
            Ok(file("template.csv", content_type, line))
        }
    }
}

/// The template of an object type as a file.
pub(crate) fn template_file(object_type: &ObjectType) -> Response {
    file(&format!("{}-template.csv", object_type.name().short()), CSV, &object_type.template_header())
}

/// A file of one line. Its name consists of letters, digits and what is harmless among them.
fn file(name: &str, content_type: &'static str, line: &str) -> Response {
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(CONTENT_TYPE, content_type), (CONTENT_DISPOSITION, disposition.as_str()), (CACHE_CONTROL, "no-cache")];
    (headers, format!("{line}\r\n")).into_response()
}

/// The content type, if the client wants the field's text and nothing around it. A type in quotes is none that we
/// know, so the article's `_mimeType='text/plain'` is answered with JSON, as the article shows.
fn bare_text(params: &Params, fields: &Fields) -> Result<Option<&'static str>> {
    let mut types = params.all("_mimeType");
    let Some(mime_type) = types.next() else { return Ok(None) };
    if types.next().is_some() || mime_type.contains(',') {
        return Err(Error::request("Only one mime type value allowed"));
    }
    if fields.pointers().len() != 1 {
        return Err(Error::request("The mime type parameter requires only 1 field to be specified"));
    }
    let (name, parameters) = mime_type.split_once(';').unwrap_or((mime_type, "charset="));
    if !parameters.trim().to_ascii_lowercase().starts_with("charset=") {
        return Ok(None);
    }
    Ok(match name.trim().to_ascii_lowercase().as_str() {
        "text/csv" => Some(CSV),
        "text/plain" => Some("text/plain; charset=UTF-8"),
        _ => None,
    })
}
