//! Creating, replacing and removing objects.

use axum::extract::State;
use axum::http::StatusCode;

use super::patch::{patch_match, patch_one};
use super::{location, shown};
use crate::access::{Principal, Role};
use crate::app::Put;
use crate::error::{Error, Result};
use crate::http::Door;
use crate::http::addressing::{Addressed, TypeParameter};
use crate::http::answer::Answer;
use crate::http::conditions::{ConditionRefusals, Conditions};
use crate::http::fields::{Fields, FieldsParameter};
use crate::http::json_body::JsonBody;
use crate::http::params::{Params, unsupported_action};
use crate::http::problem::{Problem, ProblemBody};
use crate::object::Object;
use crate::repository::StoredType;

/// Creates an object, or patches the one that a filter chooses.
#[utoipa::path(
    post, path = "/openidm/managed/{type}", tag = "objects", operation_id = "createObject",
    params(
        TypeParameter,
        ("_action" = Option<String>, Query, pattern = "^(create|patch)$", description = "`create`, which it is without, or `patch`"),
        ("_queryFilter" = Option<String>, Query, description = "Chooses the one object to patch"),
        FieldsParameter,
    ),
    request_body(content = Value, description = "The object, or the operations of the patch"),
    responses(
        (status = 200, description = "The patched object", body = Object),
        (status = 201, description = "The new object", body = Object, headers(("ETag" = String), ("Location" = String))),
        (status = 400, description = "The body or a parameter is wrong", body = ProblemBody),
        (status = 403, description = "The object does not meet its policies, or the role does not allow this", body = ProblemBody),
        (status = 404, description = "There is no such object type, or no object matches", body = ProblemBody),
        (status = 409, description = "A condition on a date is set", body = ProblemBody),
        (status = 412, description = "There is an object of this id, or a condition is set", body = ProblemBody),
        (status = 500, description = "Several objects match", body = ProblemBody),
    ),
)]
pub(in crate::http) async fn create(
    State(door): State<Door>,
    principal: Principal,
    addressed: Addressed,
    params: Params,
    conditions: Conditions,
    body: JsonBody,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Importer)?;
    conditions.refuse_any()?;
    match params.one("_action")? {
        None => {}
        Some(action) if action.eq_ignore_ascii_case("create") => {}
        Some(action) if action.eq_ignore_ascii_case("patch") => {
            return patch_match(door, principal, addressed, &params, body).await;
        }
        Some(action) => return Err(unsupported_action(action, "'create' and 'patch'").into()),
    }
    let fields = Fields::of(&params)?;
    let members = body.into_members()?;
    door.run(move |door| {
        let mut stored = principal.object_type(&door.app, &addressed.object_type)?;
        let object = door.app.create_object(&mut stored, &members)?;
        Ok(created(&addressed, &object, &stored, &fields))
    })
    .await
}

/// Creates an object of an id, or replaces all of it.
#[utoipa::path(
    put, path = "/openidm/managed/{type}/{id}", tag = "objects", operation_id = "putObject",
    params(
        TypeParameter,
        ("id" = String, Path, description = "The object"),
        FieldsParameter,
        ("If-Match" = Option<String>, Header, description = "The revision that is replaced, or * for any"),
        ("If-None-Match" = Option<String>, Header, description = "* if it must be new"),
    ),
    request_body(content = Object, description = "The object"),
    responses(
        (status = 200, description = "The object as it is now", body = Object, headers(("ETag" = String))),
        (status = 201, description = "The new object", body = Object, headers(("ETag" = String), ("Location" = String))),
        (status = 400, description = "The body or a parameter is wrong", body = ProblemBody),
        (status = 403, description = "The object does not meet its policies, or the role does not allow this", body = ProblemBody),
        (status = 404, description = "There is no such object", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(in crate::http) async fn put(
    State(door): State<Door>,
    principal: Principal,
    addressed: Addressed,
    params: Params,
    conditions: Conditions,
    body: JsonBody,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Importer)?;
    let members = body.into_members()?;
    let (condition, fields) = (conditions.of_put()?, Fields::of(&params)?);
    door.run(move |door| {
        let mut stored = principal.object_type(&door.app, &addressed.object_type)?;
        Ok(match door.app.put_object(&mut stored, &addressed.id, &members, &condition)? {
            Put::Created(object) => created(&addressed, &object, &stored, &fields),
            Put::Replaced(object) => Answer::resource(shown(&object, &stored, &fields)),
        })
    })
    .await
}

/// Removes an object.
#[utoipa::path(
    delete, path = "/openidm/managed/{type}/{id}", tag = "objects", operation_id = "deleteObject",
    params(
        TypeParameter,
        ("id" = String, Path, description = "The object"),
        FieldsParameter,
        ("If-Match" = Option<String>, Header, description = "The revision that is removed, or * for any"),
    ),
    responses(
        (status = 200, description = "The object as it was", body = Object, headers(("ETag" = String))),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such object", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(in crate::http) async fn delete(
    State(door): State<Door>,
    principal: Principal,
    addressed: Addressed,
    params: Params,
    conditions: Conditions,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Admin)?;
    let (condition, fields) = (conditions.of_change()?, Fields::of(&params)?);
    door.run(move |door| {
        let mut stored = principal.object_type(&door.app, &addressed.object_type)?;
        let object = door.app.delete_object(&mut stored, &addressed.id, &condition)?;
        Ok(Answer::resource(shown(&object, &stored, &fields)))
    })
    .await
}

/// Patches an object, as older clients of PingIDM do.
#[utoipa::path(
    post, path = "/openidm/managed/{type}/{id}", tag = "objects", operation_id = "patchObjectByAction",
    params(
        TypeParameter,
        ("id" = String, Path, description = "The object"),
        ("_action" = String, Query, pattern = "^patch$", description = "`patch`"),
        FieldsParameter,
    ),
    request_body(content = Value, description = "The operations of the patch"),
    responses(
        (status = 200, description = "The object as it is now", body = Object, headers(("ETag" = String))),
        (status = 400, description = "The body or a parameter is wrong", body = ProblemBody),
        (status = 403, description = "The object would not meet its policies, or the role does not allow this", body = ProblemBody),
        (status = 404, description = "There is no such object", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(in crate::http) async fn post_to_object(
    State(door): State<Door>,
    principal: Principal,
    addressed: Addressed,
    params: Params,
    conditions: Conditions,
    body: JsonBody,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Importer)?;
    conditions.refuse_any()?;
    match params.one("_action")? {
        Some(action) if action.eq_ignore_ascii_case("patch") => {
            patch_one(door, principal, addressed, &params, &conditions, body).await
        }
        Some(action) => Err(unsupported_action(action, "'patch'").into()),
        None => Err(Error::request("the parameter '_action' is required: 'patch'").into()),
    }
}

fn created(addressed: &Addressed, object: &Object, stored: &StoredType, fields: &Fields) -> Answer {
    Answer::resource(shown(object, stored, fields))
        .with_status(StatusCode::CREATED)
        .with_header("location", &location(&addressed.object_type, object))
}
