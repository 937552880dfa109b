//! `/openidm/config/managed`: the object types, as PingIDM keeps them in `managed.json`.
//!
//! Definitions go in and come out as they are written there. What the server says of one has a name with an underscore in
//! front (`_id`, `_rev`, `_warnings`), and is no part of what is put: so what was read can be put back.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::Door;
use super::addressing::{Addressed, TypeParameter};
use super::answer::Answer;
use super::conditions::{ConditionRefusals, Conditions};
use super::fields::{Fields, FieldsParameter};
use super::json_body::JsonBody;
use super::params::Params;
use super::problem::{Problem, ProblemBody};
use crate::access::{Principal, Role};
use crate::app::{App, Condition, TypePut};
use crate::error::{Error, Kind, Result};
use crate::repository::StoredType;
use crate::schema::{TypeName, parse_definitions};

/// All object types.
#[utoipa::path(
    get, path = "/openidm/config/managed", tag = "object types", operation_id = "readTypes",
    params(FieldsParameter),
    responses(
        (status = 200, description = "`_id` and `objects`, the definitions", body = Object),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(super) async fn read_all(
    State(door): State<Door>,
    principal: Principal,
    params: Params,
    conditions: Conditions,
) -> Result<Answer, Problem> {
    conditions.refuse_if_match()?;
    let fields = Fields::of(&params)?;
    let all = door.run(move |door| whole(&door.app, &principal)).await?;
    Ok(Answer::json(fields.project(all)))
}

/// Stores the definitions of object types, all or none. Types that are not among them stay as they are.
#[utoipa::path(
    put, path = "/openidm/config/managed", tag = "object types", operation_id = "putTypes",
    params(("If-Match" = Option<String>, Header, description = "* or nothing: all of them have no revision")),
    request_body(content = Value, description = "`objects`, the definitions, a list of them, or one alone"),
    responses(
        (status = 200, description = "All object types as they are now, with `_warnings` if there are any", body = Object),
        (status = 400, description = "A definition is wrong", body = ProblemBody),
        (status = 404, description = "The caller may not see one of the types", body = ProblemBody),
        (status = 409, description = "Objects that there are do not allow the change", body = ProblemBody),
        (status = 412, description = "A condition does not hold", body = ProblemBody),
        (status = 503, description = "An import of one of the types runs", body = ProblemBody),
    ),
)]
pub(super) async fn put_all(
    State(door): State<Door>,
    principal: Principal,
    conditions: Conditions,
    body: JsonBody,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Admin)?;
    if !matches!(conditions.of_put()?, Condition::None | Condition::Present) {
        let message = "the object types together are always there and have no revision: put one alone";
        return Err(Error::new(Kind::Outdated, message).into());
    }
    let definitions: Vec<Value> = parse_definitions(&body.0)?.into_iter().map(without_ours).collect();
    let all = door
        .run(move |door| {
            for definition in &definitions {
                refuse_unseen(&door.app, &principal, &TypeName::of(definition)?)?;
            }
            let warnings = door.app.put_types(&definitions)?;
            Ok(with_warnings(whole(&door.app, &principal)?, warnings))
        })
        .await?;
    Ok(Answer::json(all))
}

/// One object type.
#[utoipa::path(
    get, path = "/openidm/config/managed/{type}", tag = "object types", operation_id = "readType",
    params(
        TypeParameter,
        FieldsParameter,
        ("If-None-Match" = Option<String>, Header, description = "A revision that the client has"),
    ),
    responses(
        (status = 200, description = "The definition", body = Object, headers(("ETag" = String))),
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
    Ok(conditions.unless_known(&stored.rev(), Answer::resource(fields.project(shown(&stored)))))
}

/// Creates an object type, or changes its definition. Objects keep their values of properties that it no longer has.
#[utoipa::path(
    put, path = "/openidm/config/managed/{type}", tag = "object types", operation_id = "putType",
    params(
        TypeParameter,
        ("If-Match" = Option<String>, Header, description = "The revision that is changed, or * for any"),
        ("If-None-Match" = Option<String>, Header, description = "* if there must be no such object type yet"),
    ),
    request_body(content = Object, description = "The definition; its `name` is that of the address or left out"),
    responses(
        (status = 200, description = "The definition as it is now, with `_warnings` if there are any", body = Object,
         headers(("ETag" = String))),
        (status = 201, description = "The object type is new", body = Object,
         headers(("ETag" = String), ("Location" = String))),
        (status = 400, description = "The definition is wrong", body = ProblemBody),
        (status = 404, description = "There is no such object type, or the caller may not see it", body = ProblemBody),
        (status = 409, description = "Objects that there are do not allow the change", body = ProblemBody),
        (status = 412, description = "A condition does not hold", body = ProblemBody),
        (status = 503, description = "An import of the type runs", body = ProblemBody),
    ),
)]
pub(super) async fn put(
    State(door): State<Door>,
    principal: Principal,
    Addressed { object_type, .. }: Addressed,
    conditions: Conditions,
    body: JsonBody,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Admin)?;
    let definition = named(body.into_members()?, object_type.short())?;
    let condition = conditions.of_put()?;
    let put = door
        .run(move |door| {
            refuse_unseen(&door.app, &principal, &object_type)?;
            door.app.put_type(&definition, &condition)
        })
        .await?;
    Ok(match put {
        TypePut::Stored(stored, warnings) => Answer::resource(with_warnings(shown(&stored), warnings)),
        TypePut::Created(stored, warnings) => Answer::resource(with_warnings(shown(&stored), warnings))
            .with_status(StatusCode::CREATED)
            .with_header("location", &format!("/openidm/config/{}", stored.object_type.name())),
    })
}

/// The definition with the name that the address gives it.
fn named(mut members: Map<String, Value>, name: &str) -> Result<Value> {
    match members.get("name") {
        None => drop(members.shift_insert(0, "name".to_owned(), name.into())),
        Some(given) if given == name => {}
        Some(given) => {
            return Err(Error::request(format!("the definition is named {given}, and not '{name}' as in the address")));
        }
    }
    Ok(without_ours(Value::Object(members)))
}

pub(crate) fn without_ours(mut definition: Value) -> Value {
    if let Value::Object(members) = &mut definition {
        members.retain(|name, _| !name.starts_with('_'));
    }
    definition
}

/// For whom only some types exist, no other can be made either.
pub(crate) fn refuse_unseen(app: &App, principal: &Principal, name: &TypeName) -> Result<()> {
    match principal.sees(name) {
        true => Ok(()),
        false => principal.object_type(app, name).map(drop),
    }
}

fn whole(app: &App, principal: &Principal) -> Result<Value> {
    let types = principal.object_types(app)?;
    let objects: Vec<&Value> = types.iter().map(|stored| stored.object_type.definition()).collect();
    Ok(json!({ "_id": "managed", "objects": objects }))
}

/// The definition, and which it is.
fn shown(stored: &StoredType) -> Value {
    let mut shown = Map::new();
    shown.insert("_id".to_owned(), stored.object_type.name().short().into());
    shown.insert("_rev".to_owned(), stored.rev().into());
    if let Value::Object(definition) = without_ours(stored.object_type.definition().clone()) {
        shown.extend(definition);
    }
    Value::Object(shown)
}

fn with_warnings(mut shown: Value, warnings: Vec<String>) -> Value {
    if !warnings.is_empty() {
        shown["_warnings"] = warnings.into();
    }
    shown
}
