//! `/openidm/dropFolder`: how drop folders stand, what became of their runs, and what is done with them.
//!
//! What they are set to is at `/openidm/config/dropFolder`, see [`settings`]. Whoever may see some object types only finds
//! the drop folders of these; others are answered as those that are nowhere.

pub(crate) mod actions;
pub(super) mod record;
pub(crate) mod runs;
pub(crate) mod settings;

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::Value;

use self::record::{PoliciesRecord, StandingRecord, StandingRecords};
use super::Door;
use super::answer::{Answer, JSON};
use super::conditions::{ConditionRefusals, Conditions};
use super::fields::{Fields, FieldsParameter};
use super::paging::{Candidate, write_answer};
use super::params::Params;
use super::problem::{Problem, ProblemBody};
use super::query::{Query, QueryParameters};
use crate::access::Principal;
use crate::drop_folder::{Registered, no_drop_folder};
use crate::error::Result;

/// The drop folders that a filter chooses, and how they stand, by name unless they are sorted; without a filter all.
#[utoipa::path(
    get, path = "/openidm/dropFolder", tag = "drop folders", operation_id = "queryDropFolders", params(QueryParameters),
    responses(
        (status = 200, description = "A page of drop folders", body = StandingRecords),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(super) async fn query(
    State(door): State<Door>,
    principal: Principal,
    conditions: Conditions,
    params: Params,
) -> Result<Response, Problem> {
    conditions.refuse_if_match()?;
    let query = Query::or_all(&params)?;
    door.stream(JSON, move |door, out| {
        let seen = seen(door, &principal)?;
        write_answer(&query, candidates(&seen, |registered| standing(door, registered)), out)
    })
    .await
}

/// How a drop folder stands.
#[utoipa::path(
    get, path = "/openidm/dropFolder/{name}", tag = "drop folders", operation_id = "readDropFolder",
    params(("name" = String, Path, description = "The drop folder"), FieldsParameter),
    responses(
        (status = 200, description = "How it stands", body = StandingRecord),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such drop folder", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(super) async fn read(
    State(door): State<Door>,
    principal: Principal,
    Path(name): Path<String>,
    conditions: Conditions,
    params: Params,
) -> Result<Answer, Problem> {
    conditions.refuse_if_match()?;
    let fields = Fields::of(&params)?;
    let shown = door.run(move |door| standing(door, &find(door, &principal, &name)?)).await?;
    Ok(Answer::resource(fields.project(shown)))
}

/// The policies for the role, or the user, of a drop folder, filled in, to be put into AWS.
#[utoipa::path(
    get, path = "/openidm/dropFolder/{name}/policy", tag = "drop folders", operation_id = "readPolicies",
    params(("name" = String, Path, description = "The drop folder"), FieldsParameter),
    responses(
        (status = 200, description = "The policies", body = PoliciesRecord),
        (status = 400, description = "A parameter is wrong, or the drop folder has no use for policies", body = ProblemBody),
        (status = 404, description = "There is no such drop folder", body = ProblemBody),
        (status = 409, description = "The drop folder cannot be worked with", body = ProblemBody),
    ),
)]
pub(super) async fn policy(
    State(door): State<Door>,
    principal: Principal,
    Path(name): Path<String>,
    params: Params,
) -> Result<Answer, Problem> {
    let fields = Fields::of(&params)?;
    let policies = door
        .run(move |door| {
            let name = find(door, &principal, &name)?.name;
            Ok(door.drop_folders.policies(&name)?.to_json(&name))
        })
        .await?;
    Ok(Answer::resource(fields.project(policies)))
}

/// The drop folders that the principal may see, by name.
pub(crate) fn seen(door: &Door, principal: &Principal) -> Result<Vec<Registered>> {
    let mut all = door.drop_folders.registered()?;
    all.retain(|registered| sees(principal, &registered.settings));
    Ok(all)
}

/// The drop folder of this name, if the principal may see it.
///
/// # Errors
/// `NotFound`, with the names that it may see.
pub(crate) fn find(door: &Door, principal: &Principal, name: &str) -> Result<Registered> {
    let mut seen = seen(door, principal)?;
    match seen.iter().position(|registered| registered.name == name) {
        Some(at) => Ok(seen.swap_remove(at)),
        None => Err(no_drop_folder(name, seen.iter().map(|registered| registered.name.as_str()))),
    }
}

/// Whether it may see what a drop folder of these settings makes.
fn sees(principal: &Principal, settings: &Value) -> bool {
    let object_type = settings["objectType"].as_str().and_then(|name| name.parse().ok());
    object_type.map_or(principal.object_types.is_none(), |object_type| principal.sees(&object_type))
}

/// What is shown of drop folders, for a query.
fn candidates<'r>(
    all: &'r [Registered],
    show: impl Fn(&Registered) -> Result<Value> + 'r,
) -> impl Iterator<Item = Result<Candidate>> + 'r {
    all.iter().zip(1..).map(move |(registered, position)| Ok(Candidate { position, object: show(registered)? }))
}

fn standing(door: &Door, registered: &Registered) -> Result<Value> {
    Ok(door.drop_folders.standing(registered)?.to_json(registered))
}
