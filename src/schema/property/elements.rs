//! The elements of arrays: their types and policies.
//!
//! A property of an array asks for its elements what it asks for itself of other values. Elements are looked at one level
//! deep; what lies inside them is taken as it is.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::PropertyKind;
use crate::schema::policy::{Policy, Violation};
use crate::schema::value::{Value, number_from_json};

/// What the elements of an array have to be like.
#[derive(Clone, Debug, Default)]
pub(in crate::schema) struct Elements {
    /// None means any.
    pub(in crate::schema) types: Vec<PropertyKind>,
    pub(in crate::schema) policies: Vec<Policy>,
}

impl Elements {
    pub(super) fn are_relationships(&self) -> bool {
        self.types.contains(&PropertyKind::Relationship)
    }

    /// Asks the policies of the elements about each of them.
    pub(super) fn check<'s>(
        &self,
        path: &str,
        array: &Json,
        siblings: &dyn Fn(&str) -> Option<&'s str>,
        out: &mut Vec<Violation>,
    ) {
        if self.policies.is_empty() {
            return;
        }
        for (at, element) in array.as_array().into_iter().flatten().enumerate() {
            let path = format!("{path}[{at}]");
            let value = match element {
                Json::String(text) => Value::Text(Cow::Borrowed(text)),
                Json::Bool(value) => Value::Boolean(*value),
                Json::Number(number) => number_from_json(number),
                other => Value::Json(Box::new(other.clone())),
            };
            self.policies.iter().for_each(|policy| policy.check(&path, &value, siblings, out));
        }
    }
}
