//! What is needed of JSON in many places. Pure.

use serde_json::Value;

/// An object without its members that are null; anything else as it is.
pub(crate) fn without_nulls(mut json: Value) -> Value {
    if let Value::Object(members) = &mut json {
        members.retain(|_, value| !value.is_null());
    }
    json
}
