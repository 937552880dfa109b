//! `?_action=`: what is done with drop folders and their runs.
//!
//! The bodies of these requests say nothing, so nothing is asked of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::record::ActedOnDropFolder;
use super::runs::{all_shown, find_run};
use super::{find, standing};
use crate::access::{Principal, Role};
use crate::drop_folder::{Asked, Polled, Registered};
use crate::error::{Error, Result};
use crate::http::Door;
use crate::http::answer::Answer;
use crate::http::conditions::Conditions;
use crate::http::metadata::record::Done;
use crate::http::params::{Params, unsupported_action};
use crate::http::problem::{Problem, ProblemBody};

/// How long one question lasts whether a look is over: so long we go on for a client that has gone, or when we are to stop.
const SLICE: Duration = Duration::from_millis(500);

/// What can be done with a drop folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// Look at it now.
    Poll {
        /// Answer when that is over.
        wait: bool,
    },
    /// Try each right that it needs.
    Test,
    /// Look at it only when somebody asks, or as it is scheduled again.
    Pause(bool),
}

impl Action {
    fn of(params: &Params) -> Result<Action> {
        const KNOWN: &str = "'poll', 'test', 'pause' and 'resume'";
        let wait = params.flag("waitForCompletion")?;
        match params.one("_action")? {
            Some("poll") => Ok(Action::Poll { wait }),
            Some("test") => Ok(Action::Test),
            Some("pause") => Ok(Action::Pause(true)),
            Some("resume") => Ok(Action::Pause(false)),
            Some(other) => Err(unsupported_action(other, KNOWN)),
            None => Err(Error::request(format!("the parameter '_action' is required: it is one of {KNOWN}"))),
        }
    }

    fn role(self) -> Role {
        match self {
            Action::Poll { .. } => Role::Importer,
            Action::Test | Action::Pause(_) => Role::Admin,
        }
    }
}

/// Looks at a drop folder now, tries whether it can be worked with, or pauses it.
///
/// A paused drop folder can be looked at too. With `waitForCompletion` the answer waits for the end of a look that began
/// behind the request; if that takes nearly as long as a request may, it says that the look goes on.
#[utoipa::path(
    post, path = "/openidm/dropFolder/{name}", tag = "drop folders", operation_id = "actOnDropFolder",
    params(
        ("name" = String, Path, description = "The drop folder"),
        ("_action" = String, Query, pattern = "^(poll|test|pause|resume)$", description =
            "`poll`: look at it now. `test`: try each right that it needs. `pause`: look at it only when somebody asks. \
             `resume`: look at it by its schedule again"),
        ("waitForCompletion" = Option<bool>, Query, description = "`poll` is answered when the look is over"),
    ),
    responses(
        (status = 200, description = "What came of it", body = ActedOnDropFolder),
        (status = 400, description = "There is no such action, or the drop folder is set up wrongly", body = ProblemBody),
        (status = 403, description = "The role does not allow this, or the drop folder is set in rollbook.toml", body = ProblemBody),
        (status = 404, description = "There is no such drop folder", body = ProblemBody),
        (status = 409, description = "The drop folder cannot be worked with", body = ProblemBody),
        (status = 412, description = "If-Match is set", body = ProblemBody),
    ),
)]
pub(in crate::http) async fn act(
    State(door): State<Door>,
    principal: Principal,
    Path(name): Path<String>,
    conditions: Conditions,
    params: Params,
) -> Result<Answer, Problem> {
    let action = Action::of(&params)?;
    principal.must_be(action.role())?;
    conditions.refuse_if_match()?;
    let answer = match action {
        Action::Poll { wait } => poll(&door, principal, name, wait).await?,
        Action::Test => {
            door.run(move |door| {
                let name = find(door, &principal, &name)?.name;
                Ok(door.drop_folders.test(&name)?.to_json(&name))
            })
            .await?
        }
        Action::Pause(paused) => door.run(move |door| standing(door, &pause(door, &principal, &name, paused)?)).await?,
    };
    Ok(Answer::json(answer))
}

async fn poll(door: &Door, principal: Principal, name: String, wait: bool) -> Result<Value, Problem> {
    let (principal, name, asked) = ask(door, principal, name).await?;
    let polled = if wait { come(door, &name, asked).await? } else { None };
    match polled {
        Some(polled) => door.run(move |door| what_came(door, &principal, &name, &polled)).await,
        None => Ok(json!({ "_id": name, "state": "ACTIVE" })),
    }
}

/// Has a drop folder looked at, and waits for that: gives what came of it, or nothing if the look goes on.
pub(crate) async fn look(door: &Door, principal: Principal, name: String) -> Result<Option<Arc<Polled>>, Problem> {
    let (_, name, asked) = ask(door, principal, name).await?;
    come(door, &name, asked).await
}

async fn ask(door: &Door, principal: Principal, name: String) -> Result<(Principal, String, Asked), Problem> {
    let asked = door
        .run(move |door| {
            let name = find(door, &principal, &name)?.name;
            let asked = door.drop_folders.ask(&name)?;
            Ok((principal, name, asked))
        })
        .await?;
    tracing::info!(drop_folder = asked.1, by = asked.0.name, "a look was asked for");
    Ok(asked)
}

/// Waits for a look that was asked for: in slices, so that a client that has gone and a service that is to stop are not
/// waited for.
async fn come(door: &Door, name: &str, asked: Asked) -> Result<Option<Arc<Polled>>, Problem> {
    let deadline = door.app.config.server.request_timeout.map(|allowed| Instant::now() + allowed.mul_f32(0.8));
    while !door.worker.is_stopping() && deadline.is_none_or(|deadline| Instant::now() < deadline) {
        let name = name.to_owned();
        let polled = door.run(move |door| Ok(door.drop_folders.polls.wait(&name, asked, SLICE))).await?;
        if polled.is_some() {
            return Ok(polled);
        }
    }
    Ok(None)
}

/// Has a drop folder looked at only when somebody asks, or by its schedule again.
pub(crate) fn pause(door: &Door, principal: &Principal, name: &str, paused: bool) -> Result<Registered> {
    let name = find(door, principal, name)?.name;
    let registered = door.drop_folders.pause(&name, paused)?;
    let done = if paused { "paused" } else { "resumed" };
    tracing::info!(drop_folder = name, by = principal.name, "a drop folder was {done}");
    Ok(registered)
}

/// What a look came to.
fn what_came(door: &Door, principal: &Principal, name: &str, polled: &Polled) -> Result<Value> {
    let state = if polled.troubles().next().is_some() { "FAILED" } else { "SUCCESS" };
    let mut answer = json!({ "_id": name, "state": state });
    if let Some(trouble) = &polled.trouble {
        answer["trouble"] = json!(trouble);
    }
    answer["runs"] = all_shown(door, principal, &polled.runs)?.into();
    answer["notices"] = polled.notices.clone().into();
    Ok(answer)
}

/// Has the callback about a run that is over sent again, as if it had never been tried.
#[utoipa::path(
    post, path = "/openidm/dropFolder/{name}/run/{id}", tag = "drop folders", operation_id = "actOnRun",
    params(
        ("name" = String, Path, description = "The drop folder"),
        ("id" = String, Path, description = "The run"),
        ("_action" = String, Query, pattern = "^sendCallback$", description =
            "`sendCallback`: send it as soon as can be, with the same `webhook-id`; a callback that is off is on again"),
    ),
    responses(
        (status = 200, description = "It is sent soon", body = Done),
        (status = 400, description = "There is no such action", body = ProblemBody),
        (status = 404, description = "There is no such drop folder or run, or nobody was to be told of it", body = ProblemBody),
        (status = 409, description = "The drop folder has no callback", body = ProblemBody),
        (status = 412, description = "If-Match is set", body = ProblemBody),
    ),
)]
pub(in crate::http) async fn act_on_run(
    State(door): State<Door>,
    principal: Principal,
    Path((name, id)): Path<(String, String)>,
    conditions: Conditions,
    params: Params,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Admin)?;
    conditions.refuse_if_match()?;
    match params.one("_action")? {
        Some("sendCallback") => {}
        Some(other) => return Err(unsupported_action(other, "'sendCallback'").into()),
        None => return Err(Error::request("the parameter '_action' is required: it is 'sendCallback'").into()),
    }
    door.run(move |door| {
        let run = find_run(door, &principal, &name, &id)?;
        door.drop_folders.send_callback_again(&run)
    })
    .await?;
    Ok(Answer::json(json!({ "status": "OK" })))
}
