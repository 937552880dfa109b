//! The types that properties have.
//!
//! Definitions name them, properties read cells by them, and sentences call them by name. How a value of a type is
//! read and written is not known here.

use serde_json::Value as Json;

use crate::schema::value::{integer_from_json, json_type_name};

/// The types of properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PropertyKind {
    /// Any text.
    String,
    /// Any number.
    Number,
    /// An integral number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A string with `"format": "date"`, stored as `2021-12-25`.
    Date,
    /// A string with `"format": "date-time"` or `"datetime"`, stored as RFC 3339 in UTC.
    DateTime,
    /// A JSON array.
    Array,
    /// A JSON object without properties of its own.
    Object,
    /// A link to other objects.
    Relationship,
    /// Nothing but null.
    Null,
}

impl PropertyKind {
    /// The name of the type in a definition, which a date shares with other strings.
    pub fn name(self) -> &'static str {
        match self {
            PropertyKind::String | PropertyKind::Date | PropertyKind::DateTime => "string",
            PropertyKind::Number => "number",
            PropertyKind::Integer => "integer",
            PropertyKind::Boolean => "boolean",
            PropertyKind::Array => "array",
            PropertyKind::Object => "object",
            PropertyKind::Relationship => "relationship",
            PropertyKind::Null => "null",
        }
    }

    /// What the type is called in sentences: dates by their format.
    pub fn called(self) -> &'static str {
        match self {
            PropertyKind::Date => "date",
            PropertyKind::DateTime => "date-time",
            other => other.name(),
        }
    }

    /// The type of that name, without regard to formats.
    pub(in crate::schema) fn named(name: &str) -> Option<PropertyKind> {
        Some(match name {
            "string" => PropertyKind::String,
            "number" => PropertyKind::Number,
            "integer" => PropertyKind::Integer,
            "boolean" => PropertyKind::Boolean,
            "array" => PropertyKind::Array,
            "object" => PropertyKind::Object,
            "relationship" => PropertyKind::Relationship,
            "null" => PropertyKind::Null,
            _ => return None,
        })
    }

    pub(super) fn takes(self, json: &Json) -> bool {
        match self {
            PropertyKind::Integer => json.as_number().is_some_and(|number| integer_from_json(number).is_some()),
            PropertyKind::Relationship => json.is_object(),
            other => other.name() == json_type_name(json),
        }
    }

    /// The names of types, each once.
    pub(super) fn names(kinds: &[PropertyKind]) -> Vec<&'static str> {
        let mut names: Vec<&str> = Vec::with_capacity(kinds.len());
        for kind in kinds {
            if !names.contains(&kind.name()) {
                names.push(kind.name());
            }
        }
        names
    }
}
