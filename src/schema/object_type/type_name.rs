//! Names of object types, as they are typed, stored and shown.
//!
//! Whoever has one has a well-formed one; whether there is such a type is for the repository to know.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::error::Error;

/// The name of an object type, `managed/NAME`: letters, digits, `_` and `-` after the slash.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TypeName(String);

/// Where all object types live.
const COLLECTION: &str = "managed/";

impl TypeName {
    /// The name that a definition gives its type.
    pub fn of(definition: &Json) -> Result<TypeName, Error> {
        match definition["name"].as_str() {
            Some(name) => format!("{COLLECTION}{name}").parse(),
            None => Err(Error::request("the definition of an object type has no 'name'")),
        }
    }

    /// The whole name: `managed/user`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as definitions and addresses have it: `user`.
    pub fn short(&self) -> &str {
        &self.0[COLLECTION.len()..]
    }

    /// The error about a name that none of the `known` object types has.
    pub fn unknown<'n>(&self, known: impl IntoIterator<Item = &'n TypeName>) -> Error {
        let known: Vec<&str> = known.into_iter().map(TypeName::as_str).collect();
        Error::not_found(format!("there is no object type '{self}'; there are {}", known.join(", ")))
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TypeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<TypeName, Error> {
        TypeName::try_from(text.to_owned())
    }
}

impl TryFrom<String> for TypeName {
    type Error = Error;

    fn try_from(text: String) -> Result<TypeName, Error> {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        match text.strip_prefix(COLLECTION) {
            Some(name) if !name.is_empty() && name.bytes().all(is_letter) => Ok(TypeName(text)),
            Some(_) => Err(Error::request(format!(
                "'{text}' is no name of an object type: after managed/ come letters, digits, '_' and '-'"
            ))),
            None => Err(Error::request(format!(
                "'{text}' is no name of an object type: object types are named managed/NAME"
            ))),
        }
    }
}

impl From<TypeName> for String {
    fn from(name: TypeName) -> String {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::TypeName;

    #[test]
    fn names_are_managed() {
        for text in ["managed/user", "managed/alpha_user", "managed/realm-name_user", "managed/7"] {
            let name: TypeName = text.parse().expect(text);
            assert_eq!(name.to_string(), text);
        }
        for text in [
            "user",
            "managed/",
            "managed/a/b",
            "managed/ü",
            "managed/a b",
            "Managed/user",
            "/managed/user",
            "system/user",
        ] {
            assert!(text.parse::<TypeName>().is_err(), "{text}");
        }
    }
}
