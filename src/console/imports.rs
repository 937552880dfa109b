//! Imports: what came in, and what became of it.
//!
//! Here is what the pages about imports share: which words and bars their figures have, and how far one is that runs. The
//! list, the page about one import, its live part, its failures and what can be done with it have a file each.

mod actions;
mod body;
mod counts;
mod detail;
mod failures;
pub(super) mod groups;
mod list;
mod live;
pub(super) mod progress;
pub(super) mod requirements;
mod words;

use axum::Router;
use axum::routing::{get, post};

pub(super) use self::counts::CountBar;
use crate::http::Door;

/// Where the list is; the pages about single imports lie below it.
const IMPORTS: &str = "/console/imports";

pub(super) fn routes() -> Router<Door> {
    Router::new()
        .route(IMPORTS, get(list::show))
        .route("/console/imports/{id}", get(detail::show))
        .route("/console/imports/{id}/live", get(live::follow))
        .route("/console/imports/{id}/failures", get(failures::show))
        .route("/console/imports/{id}/failures.csv", get(failures::download))
        .route("/console/imports/{id}/cancel", post(actions::cancel))
        .route("/console/imports/{id}/cleanup", post(actions::clean_up))
        .route("/console/imports/{id}/delete", post(actions::delete))
}
