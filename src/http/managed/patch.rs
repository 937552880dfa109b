//! `PATCH /openidm/managed/{type}/{id}`, and the actions that do the same.

use axum::extract::State;
use serde_json::Value;
use utoipa::ToSchema;

use super::shown;
use crate::access::{Principal, Role};
use crate::error::Error;
use crate::http::Door;
use crate::http::addressing::{Addressed, TypeParameter};
use crate::http::answer::Answer;
use crate::http::conditions::{ConditionRefusals, Conditions};
use crate::http::fields::{Fields, FieldsParameter};
use crate::http::json_body::JsonBody;
use crate::http::params::Params;
use crate::http::problem::{Problem, ProblemBody};
use crate::http::query::parse_filter;
use crate::object::Patch;

/// One operation of a patch.
#[derive(ToSchema)]
#[schema(as = PatchOperation)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "stands for the JSON in the description of the routes")]
pub(in crate::http) struct OperationBody {
    /// What is done, in any case: `add`, `remove`, `replace`, `increment`, `move` or `copy`.
    operation: String,
    /// A pointer to what is changed, such as `/preferences/updates`.
    field: String,
    /// Any JSON. `add`, `replace` and `increment` need it; `remove` removes only what equals it.
    #[schema(required = false)]
    value: Value,
    /// A pointer to what `move` and `copy` take.
    from: Option<String>,
}

/// Changes members of an object.
#[utoipa::path(
    patch, path = "/openidm/managed/{type}/{id}", tag = "objects", operation_id = "patchObject",
    params(
        TypeParameter,
        ("id" = String, Path, description = "The object"),
        FieldsParameter,
        ("If-Match" = Option<String>, Header, description = "The revision that is changed, or * for any"),
    ),
    request_body(content = Vec<OperationBody>, description = "Operations, in order"),
    responses(
        (status = 200, description = "The object as it is now", body = Object, headers(("ETag" = String))),
        (status = 400, description = "The body or a parameter is wrong", body = ProblemBody),
        (status = 403, description = "The object would not meet its policies, or the role does not allow this", body = ProblemBody),
        (status = 404, description = "There is no such object", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(in crate::http) async fn patch(
    State(door): State<Door>,
    principal: Principal,
    addressed: Addressed,
    params: Params,
    conditions: Conditions,
    body: JsonBody,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Importer)?;
    patch_one(door, principal, addressed, &params, &conditions, body).await
}

/// Changes members of the object that is addressed.
pub(super) async fn patch_one(
    door: Door,
    principal: Principal,
    addressed: Addressed,
    params: &Params,
    conditions: &Conditions,
    body: JsonBody,
) -> Result<Answer, Problem> {
    let patch = Patch::parse(&body.0)?;
    let (condition, fields) = (conditions.of_change()?, Fields::of(params)?);
    door.run(move |door| {
        let mut stored = principal.object_type(&door.app, &addressed.object_type)?;
        let object = door.app.patch_object(&mut stored, &addressed.id, &patch, &condition)?;
        Ok(Answer::resource(shown(&object, &stored, &fields)))
    })
    .await
}

/// Changes members of the object that a filter chooses.
pub(super) async fn patch_match(
    door: Door,
    principal: Principal,
    addressed: Addressed,
    params: &Params,
    body: JsonBody,
) -> Result<Answer, Problem> {
    let missing = || Error::request("the parameter '_queryFilter' is required: it chooses the object to patch");
    let text = params.one("_queryFilter")?.ok_or_else(missing)?;
    let (filter, fields) = (parse_filter(text)?, Fields::of(params)?);
    let patch = Patch::parse(&body.0)?;
    door.run(move |door| {
        let mut stored = principal.object_type(&door.app, &addressed.object_type)?;
        let object = door.app.patch_match(&mut stored, &filter, &patch)?;
        Ok(Answer::resource(shown(&object, &stored, &fields)))
    })
    .await
}
