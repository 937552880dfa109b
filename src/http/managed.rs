//! `/openidm/managed/{type}` and `/openidm/managed/{type}/{id}`: objects, one by one.
//!
//! What the routes share: where an object is, the conditions that a client sets, and how an object is shown.

mod patch;
mod read;
mod validate;
mod write;

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::fields::Fields;
use super::params::Params;
use super::problem::Problem;
use crate::app::Condition;
use crate::error::{Error, Kind, Result};
use crate::object::{Excerpt, Object, Visible};
use crate::schema::{ObjectType, TypeName};

pub(super) use self::patch::{__path_patch, patch};
pub(super) use self::read::{__path_read, read};
pub(super) use self::validate::{__path_validate, validate};
pub(super) use self::write::{
    __path_create, __path_delete, __path_post_to_object, __path_put, create, delete, post_to_object, put,
};

/// Characters of an id that an address has as they are.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');

/// Where a request is addressed to: an object type, and an object of it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) object_type: TypeName,
    /// Empty for the collection.
    pub(super) id: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Place {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Place, Problem> {
        let segments = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let Path(mut segments) = segments.map_err(|error| Error::request(error.body_text()))?;
        let object_type = segments.remove("type").unwrap_or_default();
        let object_type = format!("managed/{object_type}").parse()?;
        Ok(Place { object_type, id: segments.remove("id").unwrap_or_default() })
    }
}

impl Place {
    /// The address of an object of this type.
    fn location(&self, object: &Object) -> String {
        format!("/openidm/{}/{}", self.object_type, utf8_percent_encode(&object.id, PLAIN))
    }
}

/// What is shown of objects.
#[derive(Clone, Debug)]
struct View(Fields);

impl View {
    fn of(params: &Params) -> Result<View> {
        Fields::of(params).map(View)
    }

    fn show(&self, object: &Object, object_type: &ObjectType) -> Value {
        self.0.project(Excerpt::whole(object_type, Visible::Public).json(object))
    }
}

/// Reads `If-Match` and `If-None-Match` of a request that may have both.
fn condition(headers: &HeaderMap) -> Result<Condition, Problem> {
    refuse_dates(headers)?;
    match (tags(headers, "if-match"), tags(headers, "if-none-match")) {
        (Some(_), Some(_)) => {
            let both = "Simultaneous use of If-Match and If-None-Match not supported for PUT requests";
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, both))
        }
        (Some(tag), None) if tag == "*" => Ok(Condition::Present),
        (Some(tag), None) => Ok(Condition::Revision(tag)),
        (None, Some(tag)) if tag == "*" => Ok(Condition::Absent),
        (None, Some(tag)) => {
            Err(Error::request(format!("\"{tag}\" is not a supported value for If-None-Match on PUT")).into())
        }
        (None, None) => Ok(Condition::None),
    }
}

/// Reads `If-Match` of a request that can have no other condition.
fn if_match(headers: &HeaderMap, method: &str) -> Result<Condition, Problem> {
    refuse(headers, "If-None-Match", method)?;
    condition(headers)
}

/// Refuses a condition that requests of this method cannot have.
fn refuse(headers: &HeaderMap, name: &str, method: &str) -> Result<(), Problem> {
    refuse_dates(headers)?;
    match headers.contains_key(name) {
        true => Err(Error::new(Kind::Outdated, format!("{name} not supported for {method} requests")).into()),
        false => Ok(()),
    }
}

fn refuse_dates(headers: &HeaderMap) -> Result<()> {
    let found = ["If-Modified-Since", "If-Unmodified-Since"].into_iter().find(|name| headers.contains_key(*name));
    found.map_or(Ok(()), |name| Err(Error::conflict(format!("Header {name} not supported"))))
}

/// The value of a header with entity tags, without quotes.
fn tags(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(name)?.as_bytes()).trim().to_owned();
    let strong = text.strip_prefix("W/").unwrap_or(&text);
    Some(strong.trim_matches('"').to_owned())
}
