//! `/openidm/managed/{type}` and `/openidm/managed/{type}/{id}`: objects, one by one and as queries choose them.
//!
//! What the routes share: where an object is, and how it is shown.

mod patch;
mod query;
mod read;
mod validate;
mod view;
mod write;

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use self::view::View;
use super::fields::Fields;
use super::problem::Problem;
use crate::error::{Error, Result};
use crate::object::Object;
use crate::repository::StoredType;
use crate::schema::TypeName;

pub(super) use self::patch::{__path_patch, patch};
pub(super) use self::query::{__path_query, query};
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

/// An object as it is shown.
fn shown(object: &Object, stored: &StoredType, fields: &Fields) -> Value {
    View::new(&stored.object_type, fields, &[]).show(object)
}
