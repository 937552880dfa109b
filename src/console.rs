//! The console: pages on which people do the whole job in a browser.
//!
//! Pages are rendered here and work without JavaScript; with it, lists and progress are live and files can be dropped.
//! Each group of pages has a file with its routes, its handlers and what its templates (`templates/GROUP/`) show. The
//! manners that all pages share stand once: who visits ([`visitor`]), what forms send ([`form`]), how a page is laid out
//! ([`page`]), what is said when something is refused ([`refusal`]), which files go with the pages ([`assets`]).
//!
//! The console decides nothing about data and has no way of its own to it: it asks the same library as the
//! [`http`](crate::http) door does. Nothing is changed by GET, and everything that is sent to be changed carries a token
//! of the visitor's against forged requests.

mod assets;
mod chart;
mod form;
mod imports;
mod integrations;
mod new_import;
mod objects;
mod origin;
mod page;
mod refusal;
mod settings;
mod sign_in;
mod tokens;
mod types;
mod visitor;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::{any, get};

use crate::http::{Door, Manners};

/// The first page that somebody sees who has signed in.
const HOME: &str = "/console/imports";

/// All pages. What is asked for elsewhere is for others to answer.
pub fn pages(door: &Door, manners: &Manners) -> Router {
    let for_visitors = Router::new()
        .merge(imports::routes())
        .merge(new_import::routes())
        .merge(integrations::routes())
        .merge(objects::routes())
        .merge(types::routes())
        .merge(tokens::routes())
        .merge(settings::routes())
        .merge(sign_in::way_out())
        .route("/console", get(async || Redirect::to(HOME)))
        .route("/console/{*nowhere}", any(refusal::no_such_page))
        .layer(from_fn_with_state(door.clone(), visitor::admit));
    let pages = for_visitors
        .merge(sign_in::routes())
        .merge(assets::routes())
        .route("/", get(async || Redirect::to(HOME)))
        .route("/console/", get(async || Redirect::to(HOME)))
        .method_not_allowed_fallback(refusal::no_such_method)
        .layer(DefaultBodyLimit::disable())
        .with_state(door.clone());
    let pages = manners.patient(pages).layer(from_fn(refusal::render)).layer(from_fn(page::guard));
    manners.observed(pages)
}
