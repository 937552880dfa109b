//! `/openidm/dropFolder/{name}/run`: the journeys of partitions, as the ledger has them.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::Value;

use super::find;
use super::record::{RunRecord, RunRecords};
use crate::access::Principal;
use crate::error::Result;
use crate::http::Door;
use crate::http::answer::{Answer, JSON};
use crate::http::conditions::{ConditionRefusals, Conditions};
use crate::http::fields::{Fields, FieldsParameter};
use crate::http::paging::{Candidate, Chunk, in_chunks, write_answer};
use crate::http::params::Params;
use crate::http::problem::{Problem, ProblemBody};
use crate::http::query::{Query, QueryParameters};
use crate::run::{Run, no_run};

/// Runs that are read at once.
const AT_ONCE: usize = 32;

/// The runs of a drop folder that a filter chooses, the latest first unless they are sorted; without a filter all.
#[utoipa::path(
    get, path = "/openidm/dropFolder/{name}/run", tag = "drop folders", operation_id = "queryRuns",
    params(("name" = String, Path, description = "The drop folder"), QueryParameters),
    responses(
        (status = 200, description = "A page of runs", body = RunRecords),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such drop folder", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(in crate::http) async fn query(
    State(door): State<Door>,
    principal: Principal,
    Path(name): Path<String>,
    conditions: Conditions,
    params: Params,
) -> Result<Response, Problem> {
    conditions.refuse_if_match()?;
    let query = Query::or_all(&params)?;
    door.stream(JSON, move |door, out| {
        let name = find(door, &principal, &name)?.name;
        let audience = out.audience();
        let runs = in_chunks(query.needed_behind().unwrap_or(0), |behind| {
            audience.is_there()?;
            chunk(door, &principal, &name, behind)
        });
        write_answer(&query, runs, out)
    })
    .await
}

fn chunk(door: &Door, principal: &Principal, name: &str, behind: i64) -> Result<Chunk> {
    let runs = door.app.repository.runs_behind(name, behind, AT_ONCE)?;
    let next = runs.last().map(|(position, _)| *position);
    let seen = runs.into_iter().filter(|(_, run)| sees(principal, run));
    let candidate =
        |(position, run): (i64, Run)| Ok(Candidate { position, object: door.drop_folders.shown_run(&run)? });
    Ok(Chunk { candidates: seen.map(candidate).collect::<Result<_>>()?, next })
}

/// One run.
#[utoipa::path(
    get, path = "/openidm/dropFolder/{name}/run/{id}", tag = "drop folders", operation_id = "readRun",
    params(
        ("name" = String, Path, description = "The drop folder"),
        ("id" = String, Path, description = "The run"),
        FieldsParameter,
    ),
    responses(
        (status = 200, description = "The run", body = RunRecord),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such drop folder, or no such run of it", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(in crate::http) async fn read(
    State(door): State<Door>,
    principal: Principal,
    Path((name, id)): Path<(String, String)>,
    conditions: Conditions,
    params: Params,
) -> Result<Answer, Problem> {
    conditions.refuse_if_match()?;
    let fields = Fields::of(&params)?;
    let run = door.run(move |door| door.drop_folders.shown_run(&find_run(door, &principal, &name, &id)?)).await?;
    Ok(Answer::resource(fields.project(run)))
}

/// The run of this id, if it is one of this drop folder, and the principal may see both.
///
/// # Errors
/// `NotFound`. A text that is no id is that of no run.
pub(crate) fn find_run(door: &Door, principal: &Principal, name: &str, id: &str) -> Result<Run> {
    let name = find(door, principal, name)?.name;
    let run = door.app.repository.partition_run(id.parse()?)?;
    run.filter(|run| run.drop_folder == name && sees(principal, run)).ok_or_else(|| no_run(id))
}

/// Whether the principal may see the object types that the files of a run were imported into, which may be others than
/// the drop folder has now.
pub(crate) fn sees(principal: &Principal, run: &Run) -> bool {
    let outcomes = run.files.iter().filter_map(|file| file.outcome.as_ref());
    let types = outcomes.filter_map(|outcome| outcome.metadata["resourcePath"].as_str()?.parse().ok());
    types.into_iter().all(|object_type| principal.sees(&object_type))
}

/// Those of these runs that the principal may see, as they are shown.
pub(super) fn all_shown(door: &Door, principal: &Principal, runs: &[Run]) -> Result<Vec<Value>> {
    runs.iter().filter(|run| sees(principal, run)).map(|run| door.drop_folders.shown_run(run)).collect()
}
