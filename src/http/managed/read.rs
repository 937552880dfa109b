//! `GET /openidm/managed/{type}/{id}`.

use axum::extract::State;
use axum::response::Response;

use super::shown;
use crate::access::Principal;
use crate::http::Door;
use crate::http::addressing::{Addressed, TypeParameter};
use crate::http::answer::Answer;
use crate::http::conditions::{ConditionRefusals, Conditions};
use crate::http::fields::{Fields, FieldsParameter};
use crate::http::params::Params;
use crate::http::problem::{Problem, ProblemBody};
use crate::object::no_object;

/// One object.
#[utoipa::path(
    get, path = "/openidm/managed/{type}/{id}", tag = "objects", operation_id = "readObject",
    params(
        TypeParameter,
        ("id" = String, Path, description = "The object"),
        FieldsParameter,
        ("If-None-Match" = Option<String>, Header, description = "A revision that the client has"),
    ),
    responses(
        (status = 200, description = "The object", body = Object, headers(("ETag" = String))),
        (status = 304, description = "The client has it"),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such object", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(in crate::http) async fn read(
    State(door): State<Door>,
    principal: Principal,
    addressed: Addressed,
    params: Params,
    conditions: Conditions,
) -> Result<Response, Problem> {
    conditions.refuse_if_match()?;
    let fields = Fields::of(&params)?;
    let (rev, shown) = door
        .run(move |door| {
            let stored = principal.object_type(&door.app, &addressed.object_type)?;
            let found = door.app.repository.object(&stored, &addressed.id)?;
            let object = found.ok_or_else(|| no_object(&addressed.object_type, &addressed.id))?;
            Ok((object.rev(), shown(&object, &stored, &fields)))
        })
        .await?;
    Ok(conditions.unless_known(&rev, Answer::resource(shown)))
}
