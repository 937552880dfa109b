//! `POST /openidm/policy/managed/{type}/{id}?_action=validateObject`: what would be wrong with an object.

use axum::extract::State;
use serde_json::{Map, Value};

use crate::access::Principal;
use crate::error::{Error, Result};
use crate::http::Door;
use crate::http::addressing::{Addressed, TypeParameter};
use crate::http::answer::Answer;
use crate::http::json_body::JsonBody;
use crate::http::params::{Params, unsupported_action};
use crate::http::problem::{Problem, ProblemBody};
use crate::schema::{Violation, policy_detail};

/// Judges an object, or some of its properties, and writes nothing.
#[utoipa::path(
    post, path = "/openidm/policy/managed/{type}/{id}", tag = "objects", operation_id = "validateObject",
    params(
        TypeParameter,
        ("id" = String, Path, description = "The object that it is to become, or * for a new one"),
        ("_action" = String, Query, pattern = "^validate(Object|Property)$", description = "`validateObject`, or `validateProperty`"),
    ),
    request_body(content = Object, description = "The whole object, or the properties to judge"),
    responses(
        (status = 200, description = "Whether it meets its policies, and those that it does not meet", body = Object),
        (status = 400, description = "The body or a parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such object type", body = ProblemBody),
    ),
)]
pub(in crate::http) async fn validate(
    State(door): State<Door>,
    principal: Principal,
    addressed: Addressed,
    params: Params,
    body: JsonBody,
) -> Result<Answer, Problem> {
    let judged = match params.one("_action")? {
        Some("validateObject") => Judged::Everything,
        Some("validateProperty") => Judged::Given,
        Some(action) => return Err(unsupported_action(action, "'validateObject' and 'validateProperty'").into()),
        None => {
            return Err(
                Error::request("the parameter '_action' is required: 'validateObject' or 'validateProperty'").into()
            );
        }
    };
    let members = body.into_members()?;
    let violations = door
        .run(move |door| {
            let stored = principal.object_type(&door.app, &addressed.object_type)?;
            let mut violations = door.app.judge_object(stored, &addressed.id, &members)?;
            violations.retain(|violation| judged.concerns(violation, &members));
            Ok(violations)
        })
        .await?;
    Ok(Answer::json(policy_detail(&violations)))
}

/// What is looked at.
#[derive(Clone, Copy, Debug)]
enum Judged {
    Everything,
    /// The properties that were sent, whatever else is required.
    Given,
}

impl Judged {
    fn concerns(self, violation: &Violation, members: &Map<String, Value>) -> bool {
        let end = violation.property.find(['/', '[']).unwrap_or(violation.property.len());
        match self {
            Judged::Everything => true,
            Judged::Given => members.contains_key(&violation.property[..end]),
        }
    }
}
