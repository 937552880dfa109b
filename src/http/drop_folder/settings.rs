//! `/openidm/config/dropFolder`: what drop folders are set to.
//!
//! Settings go in and come out as they are written in `rollbook.toml`, with names in camel case. Secrets only go in. What
//! the server says of a drop folder has a name with an underscore in front, and is no part of what is put: so what was
//! read can be put back.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value};

use super::record::{SettingsRecord, SettingsRecords};
use super::{candidates, find, seen};
use crate::access::{Principal, Role};
use crate::app::Condition;
use crate::config::{SetBy, WrittenDropFolder};
use crate::drop_folder::FolderPut;
use crate::error::{Error, Kind, Result};
use crate::http::Door;
use crate::http::answer::{Answer, JSON};
use crate::http::conditions::{ConditionRefusals, Conditions};
use crate::http::fields::{Fields, FieldsParameter};
use crate::http::json_body::JsonBody;
use crate::http::managed::patch::OperationBody;
use crate::http::paging::write_answer;
use crate::http::params::Params;
use crate::http::problem::{Problem, ProblemBody};
use crate::http::query::{Query, QueryParameters};
use crate::object::Patch;

/// The drop folders that a filter chooses, as they are set, by name unless they are sorted; without a filter all.
#[utoipa::path(
    get, path = "/openidm/config/dropFolder", tag = "drop folders", operation_id = "querySettings",
    params(QueryParameters),
    responses(
        (status = 200, description = "A page of drop folders", body = SettingsRecords),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(in crate::http) async fn query(
    State(door): State<Door>,
    principal: Principal,
    conditions: Conditions,
    params: Params,
) -> Result<Response, Problem> {
    conditions.refuse_if_match()?;
    let query = Query::or_all(&params)?;
    door.stream(JSON, move |door, out| {
        let seen = seen(door, &principal)?;
        write_answer(&query, candidates(&seen, |registered| door.drop_folders.shown(registered)), out)
    })
    .await
}

/// What a drop folder is set to, without its secrets.
#[utoipa::path(
    get, path = "/openidm/config/dropFolder/{name}", tag = "drop folders", operation_id = "readSettings",
    params(
        ("name" = String, Path, description = "The drop folder"),
        FieldsParameter,
        ("If-None-Match" = Option<String>, Header, description = "A revision that the client has"),
    ),
    responses(
        (status = 200, description = "The settings", body = SettingsRecord, headers(("ETag" = String))),
        (status = 304, description = "The client has them"),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such drop folder", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(in crate::http) async fn read(
    State(door): State<Door>,
    principal: Principal,
    Path(name): Path<String>,
    params: Params,
    conditions: Conditions,
) -> Result<Response, Problem> {
    conditions.refuse_if_match()?;
    let fields = Fields::of(&params)?;
    let (rev, shown) = door
        .run(move |door| {
            let registered = find(door, &principal, &name)?;
            Ok((registered.rev(), door.drop_folders.shown(&registered)?))
        })
        .await?;
    Ok(conditions.unless_known(&rev, Answer::resource(fields.project(shown))))
}

/// Sets a drop folder. Secrets that are not among the settings are those that it had, as long as they go where they went.
#[utoipa::path(
    put, path = "/openidm/config/dropFolder/{name}", tag = "drop folders", operation_id = "putSettings",
    params(
        ("name" = String, Path, description = "The drop folder"),
        ("If-Match" = Option<String>, Header, description = "The revision that is changed, or * for any"),
        ("If-None-Match" = Option<String>, Header, description = "* if there must be no such drop folder yet"),
    ),
    request_body(content = Object, description = "The settings; what is left out has its default. `name` is that of the \
        address or left out"),
    responses(
        (status = 200, description = "The settings as they are now", body = SettingsRecord, headers(("ETag" = String))),
        (status = 201, description = "The drop folder is new", body = SettingsRecord,
         headers(("ETag" = String), ("Location" = String))),
        (status = 400, description = "The settings are wrong", body = ProblemBody),
        (status = 404, description = "There is no such drop folder, or the caller may not see it", body = ProblemBody),
        (status = 409, description = "It is set in rollbook.toml", body = ProblemBody),
        (status = 412, description = "A condition does not hold", body = ProblemBody),
    ),
)]
pub(in crate::http) async fn put(
    State(door): State<Door>,
    principal: Principal,
    Path(name): Path<String>,
    conditions: Conditions,
    body: JsonBody,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Admin)?;
    let (members, condition) = (body.into_members()?, conditions.of_put()?);
    let (is_new, shown) = door
        .run(move |door| {
            refuse_unseen(door, &principal, &name)?;
            match store(door, &principal, &name, members, &condition)? {
                FolderPut::Created(created) => Ok((true, door.drop_folders.shown(&created)?)),
                FolderPut::Stored(stored) => Ok((false, door.drop_folders.shown(&stored)?)),
            }
        })
        .await?;
    let location = format!("/openidm/config/dropFolder/{}", shown["_id"].as_str().unwrap_or_default());
    let answer = Answer::resource(shown);
    Ok(match is_new {
        true => answer.with_status(StatusCode::CREATED).with_header("location", &location),
        false => answer,
    })
}

/// Changes single settings of a drop folder. Its secrets stay, as long as they go where they went.
#[utoipa::path(
    patch, path = "/openidm/config/dropFolder/{name}", tag = "drop folders", operation_id = "patchSettings",
    params(
        ("name" = String, Path, description = "The drop folder"),
        FieldsParameter,
        ("If-Match" = Option<String>, Header, description = "The revision that is changed, or * for any"),
    ),
    request_body(content = Vec<OperationBody>, description = "Operations, in order"),
    responses(
        (status = 200, description = "The settings as they are now", body = SettingsRecord, headers(("ETag" = String))),
        (status = 400, description = "The body or a parameter is wrong, or the settings would be", body = ProblemBody),
        (status = 404, description = "There is no such drop folder", body = ProblemBody),
        (status = 409, description = "It is set in rollbook.toml, or a condition on a date is set", body = ProblemBody),
        (status = 412, description = "A condition does not hold, or makes no sense here", body = ProblemBody),
    ),
)]
pub(in crate::http) async fn patch(
    State(door): State<Door>,
    principal: Principal,
    Path(name): Path<String>,
    params: Params,
    conditions: Conditions,
    body: JsonBody,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Admin)?;
    let patch = Patch::parse(&body.0)?;
    let (condition, fields) = (conditions.of_change()?, Fields::of(&params)?);
    let patched = door.run(move |door| patched(door, &principal, &name, &patch, &condition)).await?;
    Ok(Answer::resource(fields.project(patched)))
}

fn patched(door: &Door, principal: &Principal, name: &str, patch: &Patch, condition: &Condition) -> Result<Value> {
    loop {
        let seen = find(door, principal, name)?;
        let Value::Object(settings) = seen.settings.clone() else {
            return Err(Error::internal("the settings of a drop folder are no object"));
        };
        // What the client knows is looked at first; then nobody else may have changed it meanwhile.
        let known = match condition {
            Condition::None | Condition::Present => Condition::Revision(seen.rev()),
            other => other.clone(),
        };
        match store(door, principal, name, patch.apply(settings)?, &known) {
            Ok(FolderPut::Created(stored) | FolderPut::Stored(stored)) => return door.drop_folders.shown(&stored),
            Err(error) if error.kind() == Kind::Outdated && known != *condition => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes a drop folder, with its ExternalId. What was imported stays, and is not imported again should it come back.
#[utoipa::path(
    delete, path = "/openidm/config/dropFolder/{name}", tag = "drop folders", operation_id = "deleteSettings",
    params(
        ("name" = String, Path, description = "The drop folder"),
        FieldsParameter,
        ("If-Match" = Option<String>, Header, description = "The revision that is removed, or * for any"),
    ),
    responses(
        (status = 200, description = "The settings, as they were", body = SettingsRecord),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such drop folder", body = ProblemBody),
        (status = 409, description = "It is set in rollbook.toml, or a condition on a date is set", body = ProblemBody),
        (status = 412, description = "A condition does not hold, or makes no sense here", body = ProblemBody),
    ),
)]
pub(in crate::http) async fn delete(
    State(door): State<Door>,
    principal: Principal,
    Path(name): Path<String>,
    params: Params,
    conditions: Conditions,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Admin)?;
    let (condition, fields) = (conditions.of_change()?, Fields::of(&params)?);
    let removed = door
        .run(move |door| {
            let was = door.drop_folders.shown(&find(door, &principal, &name)?)?;
            remove(door, &principal, &name, &condition)?;
            Ok(was)
        })
        .await?;
    Ok(Answer::resource(fields.project(removed)))
}

/// For whom only the drop folders of some object types exist, one of another is nowhere, and none of another can be made.
pub(crate) fn refuse_unseen(door: &Door, principal: &Principal, name: &str) -> Result<()> {
    let is_known = door.drop_folders.registered()?.iter().any(|registered| registered.name == name);
    if is_known { find(door, principal, name).map(drop) } else { Ok(()) }
}

/// Sets a drop folder, as an administrator may.
fn store(
    door: &Door,
    principal: &Principal,
    name: &str,
    settings: Map<String, Value>,
    condition: &Condition,
) -> Result<FolderPut> {
    put_written(door, principal, written(door, principal, name, settings)?, condition)
}

/// What an administrator has written.
pub(crate) fn written(
    door: &Door,
    principal: &Principal,
    name: &str,
    settings: Map<String, Value>,
) -> Result<WrittenDropFolder> {
    for object_type in ["objectType", "object_type"].iter().filter_map(|key| settings.get(*key)?.as_str()?.parse().ok())
    {
        if !principal.sees(&object_type) {
            principal.object_type(&door.app, &object_type)?;
        }
    }
    WrittenDropFolder::from_json(Value::Object(settings))?.named(name)
}

/// Sets a drop folder as an administrator has written it.
pub(crate) fn put_written(
    door: &Door,
    principal: &Principal,
    written: WrittenDropFolder,
    condition: &Condition,
) -> Result<FolderPut> {
    let name = written.name().unwrap_or_default().to_owned();
    let put = door.drop_folders.put(written, SetBy::Administrator, condition)?;
    tracing::info!(drop_folder = name, by = principal.name, "a drop folder was set");
    Ok(put)
}

/// Removes a drop folder, as an administrator may.
pub(crate) fn remove(door: &Door, principal: &Principal, name: &str, condition: &Condition) -> Result<()> {
    door.drop_folders.remove(name, condition)?;
    tracing::info!(drop_folder = name, by = principal.name, "a drop folder was removed");
    Ok(())
}
