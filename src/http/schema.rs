//! `/openidm/schema/managed/{type}`: what the objects of a type are like.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Map, Value};

use super::Door;
use super::addressing::{Addressed, TypeParameter};
use super::answer::Answer;
use super::conditions::{ConditionRefusals, Conditions};
use super::fields::{Fields, FieldsParameter};
use super::params::Params;
use super::problem::{Problem, ProblemBody};
use crate::access::Principal;

/// The schema of an object type, as its definition has it.
#[utoipa::path(
    get, path = "/openidm/schema/managed/{type}", tag = "object types", operation_id = "readSchema",
    params(
        TypeParameter,
        FieldsParameter,
        ("If-None-Match" = Option<String>, Header, description = "A revision that the client has"),
    ),
    responses(
        (status = 200, description = "The schema", body = Object, headers(("ETag" = String))),
        (status = 304, description = "The client has it"),
        (status = 400, description = "This is no name of an object type, or a parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such object type", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(super) async fn read(
    State(door): State<Door>,
    principal: Principal,
    Addressed { object_type, .. }: Addressed,
    params: Params,
    conditions: Conditions,
) -> Result<Response, Problem> {
    conditions.refuse_if_match()?;
    let fields = Fields::of(&params)?;
    let stored = door.run(move |door| principal.object_type(&door.app, &object_type)).await?;
    let mut schema = Map::new();
    schema.insert("_id".to_owned(), stored.object_type.name().as_str().into());
    schema.insert("_rev".to_owned(), stored.rev().into());
    let declared = stored.object_type.definition().get("schema").and_then(Value::as_object);
    schema.extend(declared.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    Ok(conditions.unless_known(&stored.rev(), Answer::resource(fields.project(Value::Object(schema)))))
}
