//! Whether the service lives, and whether it can do its work.

use axum::extract::State;
use serde_json::json;

use super::Door;
use super::answer::Answer;
use super::problem::Problem;

/// The process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, description = "The service lives")))]
pub(super) async fn healthz() -> Answer {
    Answer::json(json!({ "status": "OK" }))
}

/// The repository can be read.
#[utoipa::path(get, path = "/readyz", responses((status = 200, description = "The service can do its work")))]
pub(super) async fn readyz(State(door): State<Door>) -> Result<Answer, Problem> {
    door.run(|door| door.app.repository.waiting_types().map(drop)).await?;
    Ok(Answer::json(json!({ "status": "OK" })))
}
