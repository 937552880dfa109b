//! Objects: those of a type page by page and as a search chooses them, one of them, all of them as a file.
//!
//! Private properties do not exist here, neither in what is shown nor in what can be searched for.

mod browse;
mod columns;
mod export;
mod kinds;
mod looking;
mod one;
mod question;

use axum::Router;
use axum::routing::{get, post};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::http::Door;
use crate::object::{elements, plain_text};
use crate::schema::TypeName;

/// What of an id or a value stands in an address as it is. A point does not, so that no id is taken for the name of a file
/// that lies beside the objects.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

pub(super) fn routes() -> Router<Door> {
    Router::new()
        .route("/console/objects", get(kinds::show))
        .route("/console/objects/{type}", get(browse::show))
        .route("/console/objects/{type}/export.csv", get(export::csv))
        .route("/console/objects/{type}/export.jsonl", get(export::json_lines))
        .route("/console/objects/{type}/{id}", get(one::show))
        .route("/console/objects/{type}/{id}/delete", post(one::delete))
}

/// The address of the objects of a type.
fn address_of(object_type: &TypeName) -> String {
    format!("/console/objects/{}", object_type.short())
}

/// The address of an object.
fn address_of_object(object_type: &TypeName, id: &str) -> String {
    format!("/console/objects/{}/{}", object_type.short(), encoded(id))
}

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// The texts of a document at these places, as cells would hold them.
fn texts(document: &str, positions: &[usize]) -> Vec<String> {
    let mut parts = Vec::with_capacity(32);
    elements(document, &mut parts);
    positions.iter().map(|at| parts.get(*at).map(|json| plain_text(json)).unwrap_or_default()).collect()
}
