//! Whether the service lives, and whether it can do its work.

use axum::extract::State;
use serde_json::json;

use super::Door;
use super::answer::Answer;
use super::problem::{Problem, ProblemBody};

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "service", security(()), responses(
    (status = 200, description = "The service lives", body = Object),
))]
pub(super) async fn healthz() -> Answer {
    Answer::json(json!({ "status": "OK" }))
}

/// The repository can be read.
#[utoipa::path(get, path = "/readyz", tag = "service", security(()), responses(
    (status = 200, description = "The service can do its work", body = Object),
    (status = 500, description = "The repository cannot be read", body = ProblemBody),
    (status = 503, description = "The repository is busy", body = ProblemBody),
))]
pub(super) async fn readyz(State(door): State<Door>) -> Result<Answer, Problem> {
    door.run(|door| door.app.repository.waiting_types().map(drop)).await?;
    Ok(Answer::json(json!({ "status": "OK" })))
}
