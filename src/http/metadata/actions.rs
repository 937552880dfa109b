//! `?_action=`: what is done with imports.
//!
//! The bodies of these requests say nothing, so nothing is asked of them.

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::record::{Acted, ImportIds};
use super::{COLLECTION, not_offered};
use crate::access::{Principal, Role};
use crate::app::{App, Leftovers};
use crate::error::Result;
use crate::http::Door;
use crate::http::answer::Answer;
use crate::http::conditions::{ConditionRefusals, Conditions};
use crate::http::params::{Params, unsupported_action};
use crate::http::problem::{Problem, ProblemBody};
use crate::import::ImportId;
use crate::plan::Caller;

/// What can be done with one import.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// Stop it; what is in stays in.
    Cancel,
    /// Remove what it still keeps.
    CleanUp(Leftovers),
    /// Import exactly the bytes of a dry run.
    Apply,
}

impl Action {
    fn of(name: &str, params: &Params) -> Result<Action> {
        let leftovers = match params.flag("deleteErrorRecords")? {
            true => Leftovers::BytesAndFailures,
            false => Leftovers::Bytes,
        };
        match name {
            "cancel" => Ok(Action::Cancel),
            "cleanup" => Ok(Action::CleanUp(leftovers)),
            "apply" => Ok(Action::Apply),
            _ => Err(unsupported_action(name, "'cancel', 'cleanup' and 'apply'")),
        }
    }

    fn run(self, app: &App, id: ImportId, caller: Caller) -> Result<Value> {
        match self {
            Action::Cancel => app.cancel(id, &caller)?,
            Action::CleanUp(leftovers) => app.clean_up(id, leftovers)?,
            Action::Apply => {
                let applied = app.apply_dry_run(id, caller)?;
                return Ok(json!({ "importUUIDs": [applied.to_string()] }));
            }
        }
        Ok(json!({ "status": "OK" }))
    }
}

/// Cancels an import, removes what one that is over still keeps, or applies a dry run.
#[utoipa::path(
    post, path = "/openidm/csv/metadata/{id}", tag = "imports", operation_id = "actOnImport",
    params(
        ("id" = String, Path, description = "The import"),
        ("_action" = String, Query, pattern = "^(cancel|cleanup|apply)$", description =
            "`cancel`: stop it, what is in stays in. `cleanup`: remove the bytes that it still keeps. \
             `apply`: import exactly the bytes of this dry run, for 24 hours after its end"),
        ("deleteErrorRecords" = Option<bool>, Query, description = "`cleanup` removes the failures too, for good"),
    ),
    responses(
        (status = 200, description = "It is done, or will be after the current records", body = Acted),
        (status = 400, description = "There is no such action", body = ProblemBody),
        (status = 403, description = "The role does not allow this, or there is no action: records are written by imports", body = ProblemBody),
        (status = 404, description = "There is no such import", body = ProblemBody),
        (status = 409, description = "The import is in a state that does not allow this", body = ProblemBody),
        (status = 412, description = "If-Match is set", body = ProblemBody),
    ),
)]
pub(in crate::http) async fn act(
    State(door): State<Door>,
    principal: Principal,
    Path(id): Path<String>,
    conditions: Conditions,
    params: Params,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Importer)?;
    conditions.refuse_if_match()?;
    let Some(name) = params.one("_action")? else { return Err(not_offered(&format!("{COLLECTION}/{id}"))) };
    let action = Action::of(name, &params)?;
    let done =
        door.run(move |door| action.run(&door.app, principal.import(&door.app, &id)?.id, principal.caller())).await?;
    Ok(Answer::json(done))
}

/// Lists the imports that are over and still keep bytes or failures.
#[utoipa::path(
    post, path = "/openidm/csv/metadata", tag = "imports", operation_id = "actOnImports",
    params(("_action" = String, Query, pattern = "^cleanupList$", description = "`cleanupList`")),
    responses(
        (status = 200, description = "The imports", body = ImportIds),
        (status = 400, description = "There is no such action", body = ProblemBody),
        ConditionRefusals,
        (status = 403, description = "Without an action: records are written by imports", body = ProblemBody),
    ),
)]
pub(in crate::http) async fn act_on_all(
    State(door): State<Door>,
    principal: Principal,
    conditions: Conditions,
    params: Params,
) -> Result<Answer, Problem> {
    conditions.refuse_if_match()?;
    match params.one("_action")? {
        Some("cleanupList") => {}
        None | Some("create") => return Err(not_offered(COLLECTION)),
        Some(other) => return Err(unsupported_action(other, "'cleanupList'").into()),
    }
    let kept = door.run(|door| door.app.repository.imports_to_clean_up()).await?;
    let seen = kept.into_iter().filter(|(_, object_type)| principal.sees(object_type));
    let ids: Vec<String> = seen.map(|(id, _)| id.to_string()).collect();
    Ok(Answer::json(json!({ "importUUIDs": ids })))
}
