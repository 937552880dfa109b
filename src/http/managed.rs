//! `/openidm/managed/{type}` and `/openidm/managed/{type}/{id}`: objects, one by one.
//!
//! What the routes share: where an object is, and the conditions that a client sets.

mod patch;
mod read;
mod validate;
mod write;

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::conditions::Conditions;
use super::fields::Fields;
use super::problem::Problem;
use super::view::View;
use crate::app::Condition;
use crate::error::{Error, Result};
use crate::object::Object;
use crate::repository::StoredType;
use crate::schema::TypeName;

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

/// What the client of a PUT knows of the object.
fn condition(conditions: &Conditions) -> Result<Condition, Problem> {
    match (conditions.if_match.as_deref(), conditions.if_none_match.as_deref()) {
        (Some(_), Some(_)) => {
            let both = "Simultaneous use of If-Match and If-None-Match not supported for PUT requests";
            Err(Problem::new(StatusCode::PRECONDITION_FAILED, both))
        }
        (Some("*"), None) => Ok(Condition::Present),
        (Some(revision), None) => Ok(Condition::Revision(revision.to_owned())),
        (None, Some("*")) => Ok(Condition::Absent),
        (None, Some(tag)) => {
            Err(Error::request(format!("\"{tag}\" is not a supported value for If-None-Match on PUT")).into())
        }
        (None, None) => Ok(Condition::None),
    }
}

/// What the client of a request that makes nothing new knows of the object.
fn revision(conditions: &Conditions) -> Result<Condition, Problem> {
    conditions.refuse_if_none_match()?;
    condition(conditions)
}

/// Refuses conditions where no object is addressed.
fn refuse_conditions(conditions: &Conditions) -> Result<()> {
    conditions.refuse_if_match()?;
    conditions.refuse_if_none_match()
}

/// An object as it is shown.
fn shown(object: &Object, stored: &StoredType, fields: &Fields) -> Value {
    View::new(&stored.object_type, fields, &[]).show(object)
}
