//! `/openidm/csv/template`: the header of a CSV file for an object type.

use axum::extract::State;
use serde_json::json;

use super::Door;
use super::answer::Answer;
use super::params::Params;
use super::problem::Problem;
use crate::access::Principal;
use crate::error::Error;
use crate::schema::TypeName;

/// The CSV template of an object type.
#[utoipa::path(get, path = "/openidm/csv/template", responses((status = 200, description = "The template")))]
pub(super) async fn template(
    State(door): State<Door>,
    principal: Principal,
    params: Params,
) -> Result<Answer, Problem> {
    let missing = || Error::request("the parameter 'resourceCollection' is required, such as managed/user");
    let object_type: TypeName = params.one("resourceCollection")?.ok_or_else(missing)?.parse()?;
    let stored = door.run(move |door| principal.object_type(&door.app, &object_type)).await?;
    Ok(Answer::json(json!({ "_id": "template", "header": stored.object_type.template_header() })))
}
