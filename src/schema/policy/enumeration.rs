//! The values that an `enum` allows.
//!
//! The policy asks whether a value is among them, the property for the spelling that is to be stored. The types of the
//! allowed values are not looked at: a value of another type equals none of them.

use serde_json::{Value as Json, json};

use super::Violation;
use crate::schema::value::{Value, number_from_json};

/// The allowed values, in the order of the definition.
///
/// Texts are compared exactly, or, where the definition has our own keyword `"enumIgnoreCase": true`, in any ASCII
/// case; what is stored is then the spelling of the definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Enumeration {
    texts: Vec<String>,
    others: Vec<Json>,
    ignore_case: bool,
}

impl Enumeration {
    pub(crate) fn new(allowed: &[Json], ignore_case: bool) -> Enumeration {
        let texts = allowed.iter().filter_map(Json::as_str).map(str::to_owned).collect();
        let others = allowed.iter().filter(|value| !value.is_string()).cloned().collect();
        Enumeration { texts, others, ignore_case }
    }

    /// The spelling to store instead of `text`, if it is one of the allowed ones in another case.
    pub(crate) fn canonical(&self, text: &str) -> Option<&str> {
        if !self.ignore_case {
            return None;
        }
        self.texts.iter().find(|allowed| allowed.eq_ignore_ascii_case(text)).map(String::as_str)
    }

    pub(super) fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// What is allowed, in quotes.
    pub(super) fn names(&self) -> Vec<String> {
        let plain = |value: Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.allowed().map(|value| format!("'{}'", plain(value))).collect()
    }

    fn allowed(&self) -> impl Iterator<Item = Json> {
        self.texts.iter().cloned().map(Json::String).chain(self.others.iter().cloned())
    }

    pub(super) fn holds_text(&self, text: &str) -> bool {
        self.texts.iter().any(|allowed| allowed == text || (self.ignore_case && allowed.eq_ignore_ascii_case(text)))
    }

    pub(super) fn holds_number(&self, value: &Value<'_>) -> bool {
        self.others.iter().filter_map(Json::as_number).any(|allowed| number_from_json(allowed) == *value)
    }

    pub(super) fn violation(&self, path: &str, text: &str) -> Violation {
        let allowed: Vec<Json> = self.allowed().collect();
        Violation::new(path, "VALID_ENUM_VALUE", text, format_args!("is none of {}", self.names().join(", ")))
            .with_params(json!({ "validValues": allowed }))
    }
}
