//! `/openidm/managed/{type}` and `/openidm/managed/{type}/{id}`: objects, one by one and as queries choose them.
//!
//! What the routes share: how an object is shown, and its address.

pub(super) mod patch;
mod query;
mod read;
mod validate;
mod view;
mod write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use self::view::View;
use super::fields::Fields;
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

/// The address of an object.
fn location(object_type: &TypeName, object: &Object) -> String {
    format!("/openidm/{object_type}/{}", utf8_percent_encode(&object.id, PLAIN))
}

/// An object as it is shown.
fn shown(object: &Object, stored: &StoredType, fields: &Fields) -> Value {
    View::new(&stored.object_type, fields, &[]).show(object)
}
