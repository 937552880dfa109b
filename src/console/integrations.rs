//! Integrations: drop folders, as Gainsight PX's "S3 User Import" and "S3 Account Import" and beyond.
//!
//! Whoever may see an object type sees its drop folders, how they stand and what became of their runs; administrators set
//! them. What is shown is in [`shown`], the page of one drop folder and what is done with it in [`folder`], its runs in
//! [`runs`], the dialog in [`dialog`] with its [`settings`] as [`fields`] and as they come back ([`typed`]), and how dates
//! are read in [`dates`].

mod dates;
mod dialog;
mod fields;
mod folder;
mod runs;
mod settings;
mod shown;
mod typed;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};

use self::shown::{Card, Kind, NextPoll};
use super::page::{Chrome, Section, filters, html};
use super::visitor::Visitor;
use crate::error::Result;
use crate::http::drop_folder::seen;
use crate::http::params::Params;
use crate::http::{Door, Problem};

const LIST: &str = "/console/integrations";

pub(super) fn routes() -> Router<Door> {
    Router::new()
        .route(LIST, get(list))
        // No drop folder is called so.
        .route("/console/integrations/-/dates", post(dates::preview))
        .route("/console/integrations/new", get(dialog::new).post(dialog::create))
        .route("/console/integrations/{name}", get(folder::show))
        .route("/console/integrations/{name}/settings", get(dialog::show).post(dialog::change))
        .route("/console/integrations/{name}/policies", get(folder::policies))
        .route("/console/integrations/{name}/poll", get(folder::back).post(folder::poll))
        .route("/console/integrations/{name}/test", get(folder::back).post(folder::test))
        .route("/console/integrations/{name}/pause", post(folder::pause))
        .route("/console/integrations/{name}/resume", post(folder::resume))
        .route("/console/integrations/{name}/callback", post(folder::switch_callback))
        .route("/console/integrations/{name}/remove", post(folder::remove))
        .route("/console/integrations/{name}/runs/{id}", get(runs::show))
        .route("/console/integrations/{name}/runs/{id}/callback", post(runs::send_callback))
}

/// The address of the page of a drop folder. Names need no encoding.
fn address(name: &str) -> String {
    format!("{LIST}/{name}")
}

/// The drop folders.
#[derive(Template)]
#[template(path = "integrations/list.html")]
struct ListPage {
    chrome: Chrome,
    done: Option<&'static str>,
    widgets: Vec<Widget>,
    others: Vec<Card>,
}

/// One of the imports that Gainsight PX knows.
struct Widget {
    kind: Kind,
    /// The drop folder, if it is set up.
    card: Option<Card>,
}

async fn list(State(door): State<Door>, visitor: Visitor, params: Params) -> Result<Response, Problem> {
    let done = match params.one("done")? {
        Some("removed") => Some("The drop folder is removed. What it has imported stays."),
        _ => None,
    };
    let page = door
        .run(move |door| {
            let mut cards = seen(door, &visitor.principal)?
                .iter()
                .map(|registered| Card::of(door, &visitor.principal, registered))
                .collect::<Result<Vec<Card>>>()?;
            let known = [Kind::Users, Kind::Accounts].into_iter();
            let widgets = known
                .filter(|kind| kind.object_type().is_some_and(|name| visitor.principal.sees(&name)))
                .map(|kind| {
                    let at = cards.iter().position(|card| card.kind == kind);
                    Widget { kind, card: at.map(|at| cards.remove(at)) }
                })
                .collect();
            let chrome = Chrome::new("Integrations", Section::Integrations, &visitor);
            Ok(ListPage { chrome, done, widgets, others: cards })
        })
        .await?;
    Ok(html(&page)?)
}
