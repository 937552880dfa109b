//! `/openidm/csv/metadata/{id}/events`: an import as it goes on, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use serde_json::Value;
use tokio::time::sleep;
use utoipa::ToSchema;

use super::Door;
use super::metadata::shown;
use super::problem::{Problem, ProblemBody};
use crate::access::Principal;
use crate::import::ImportId;

/// How often an import is looked at: often enough for a progress bar, and cheap, as it is one row of a table.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How often something is sent at least, so that nobody in between takes the connection for a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// One event of the stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only described, never made")]
pub(super) struct ImportEvent {
    /// `progress` or `end`.
    event: String,
    /// The revision of the record.
    id: String,
    /// The metadata record, as JSON.
    data: String,
}

/// The progress of an import: an event `progress` with its metadata record now and whenever that changes, and an event
/// `end` with the last one, which ends the stream.
#[utoipa::path(
    get, path = "/openidm/csv/metadata/{id}/events", tag = "imports", operation_id = "followImport",
    params(("id" = String, Path, description = "The import")),
    responses(
        (status = 200, description = "Server-sent events", content_type = "text/event-stream", body = ImportEvent),
        (status = 404, description = "There is no such import", body = ProblemBody),
    ),
)]
pub(super) async fn events(
    State(door): State<Door>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = door.run(move |door| Ok(principal.import(&door.app, &id)?.id)).await?;
    let watched = Watched { door, id, last: None, is_over: false };
    let events = unfold(watched, |mut watched| async move {
        let event = watched.next().await?;
        Some((Ok::<Event, Infallible>(event), watched))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

/// An import that somebody watches.
struct Watched {
    door: Door,
    id: ImportId,
    /// What was sent last.
    last: Option<Value>,
    is_over: bool,
}

impl Watched {
    /// The next event; none after the last, if the record was deleted, or when the service stops.
    async fn next(&mut self) -> Option<Event> {
        while !self.is_over && !self.door.worker.is_stopping() {
            let id = self.id;
            let look = self.door.run(move |door| Ok(shown(door, &door.app.import(id)?)));
            // Whoever still wants to know connects again, and is told then what is wrong.
            let record = look.await.ok()?;
            if self.last.as_ref() != Some(&record) {
                self.is_over = record.get("end").is_some();
                let event = Event::default().event(if self.is_over { "end" } else { "progress" });
                let event = event.id(record["_rev"].as_str().unwrap_or_default()).data(record.to_string());
                self.last = Some(record);
                return Some(event);
            }
            sleep(LOOK_AGAIN).await;
        }
        None
    }
}
