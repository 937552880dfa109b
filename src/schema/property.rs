//! Properties: what one column, or one member of an object, may hold.
//!
//! A property knows how its values are written in a cell and in a JSON body, and which policies they must meet. It is
//! asked once per cell: [`Property::read`] makes a typed value of a text, [`Property::check`] asks the policies. It
//! does not know whether an empty cell clears or keeps, nor what other objects hold.

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::schema::DateFormats;
use crate::schema::policy::{Enumeration, Policy, Violation};
use crate::schema::value::{
    Fault, Value, integer_from_json, json_type_name, number_from_json, parse_json, read_integer, read_number,
};

/// One property of an object type, with its path. Properties of nested objects are properties of their own.
#[derive(Clone, Debug)]
pub struct Property {
    /// Where the property stands in an object: `preferences/updates`.
    pub path: String,
    /// Its permanent place in stored documents, at least 1.
    pub position: u32,
    /// How cells are read: the last of the property's types that is not `null`.
    pub kind: PropertyKind,
    /// Whether every object must have a value; see [`ObjectType`](crate::schema::ObjectType).
    pub required: bool,
    /// Who may see the property.
    pub scope: Scope,
    /// Whether the value is computed, so that nobody writes it: `readOnly` or `isVirtual`.
    pub read_only: bool,
    /// Whether the property is in use.
    pub state: State,
    /// What a new object gets where it has no value.
    pub default: Option<Value<'static>>,
    /// Whether no two objects may have the same value.
    pub unique: bool,
    /// The name for people, PX's "View Name".
    pub title: Option<String>,
    /// All types that a JSON body may bring, in the order of the definition.
    pub(super) types: Vec<PropertyKind>,
    /// Whether a CSV template has a column for it.
    pub(super) in_template: bool,
    pub(super) policies: Vec<Policy>,
    /// What the elements of an array have to be like.
    pub(super) elements: Option<Elements>,
}

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

/// Who may see a property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Everybody who may see the object.
    #[default]
    Public,
    /// Nobody outside the server.
    Private,
}

/// Whether a property is in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// It is.
    #[default]
    Enabled,
    /// It was switched off, for privacy perhaps, and must not be filled.
    Disabled,
}

/// Why a column may not be imported into a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The property is switched off.
    Disabled,
    /// The property is computed.
    ReadOnly,
    /// The property is of private scope.
    Private,
    /// The property is a relationship.
    Relationship,
}

/// What the elements of an array have to be like.
#[derive(Clone, Debug, Default)]
pub(super) struct Elements {
    /// None means any.
    pub(super) types: Vec<PropertyKind>,
    pub(super) policies: Vec<Policy>,
}

impl Property {
    /// Whether a column may be imported into the property.
    pub fn importable(&self) -> Result<(), Refusal> {
        match self {
            Property { state: State::Disabled, .. } => Err(Refusal::Disabled),
            Property { read_only: true, .. } => Err(Refusal::ReadOnly),
            Property { scope: Scope::Private, .. } => Err(Refusal::Private),
            Property { kind: PropertyKind::Relationship, .. } => Err(Refusal::Relationship),
            _ if self.elements.as_ref().is_some_and(Elements::are_relationships) => Err(Refusal::Relationship),
            _ => Ok(()),
        }
    }

    /// Whether the property has policies, or whether [`check`](Property::check) would find nothing anyway.
    pub fn has_policies(&self) -> bool {
        !self.policies.is_empty() || self.elements.as_ref().is_some_and(|elements| !elements.policies.is_empty())
    }

    /// Makes a typed value of a cell. The cell is not empty: what an empty one means is the plan's matter.
    ///
    /// Strings are taken as they are. Numbers, booleans, dates and JSON may have blanks around them.
    pub fn read<'a>(&self, cell: &'a str, dates: &DateFormats) -> Result<Value<'a>, Violation> {
        match self.kind {
            PropertyKind::String => Ok(self.spelled(Cow::Borrowed(cell))),
            PropertyKind::Boolean => {
                read_boolean(cell).map(Value::Boolean).ok_or_else(|| self.wrong_type("string", cell))
            }
            PropertyKind::Number => read_number(cell).map_err(|fault| self.bad_number(cell, fault)),
            PropertyKind::Integer => read_integer(cell).map_err(|fault| self.bad_number(cell, fault)),
            PropertyKind::Date | PropertyKind::DateTime => self.read_date(cell, dates),
            PropertyKind::Array | PropertyKind::Object => self.read_literal(cell),
            PropertyKind::Relationship | PropertyKind::Null => Err(self.wrong_type("string", cell)),
        }
    }

    /// Makes a typed value of a member of a JSON body, which must be of one of the property's types. The elements of
    /// an array must be of their types too, but no further.
    pub fn read_json(&self, json: &Json) -> Result<Value<'static>, Violation> {
        let mut violation = None;
        for kind in &self.types {
            match self.read_json_as(*kind, json) {
                Some(Ok(value)) => return Ok(value),
                Some(Err(found)) => violation = Some(found),
                None => {}
            }
        }
        Err(violation.unwrap_or_else(|| self.wrong_type(json_type_name(json), &shown(json))))
    }

    /// Asks all policies about a value, adding a violation for each requirement not met. `siblings` gives the texts of
    /// other properties of the same object.
    pub fn check<'s>(
        &self,
        value: &Value<'_>,
        siblings: &dyn Fn(&str) -> Option<&'s str>,
        out: &mut Vec<Violation>,
    ) {
        for policy in &self.policies {
            policy.check(&self.path, value, siblings, out);
        }
        if let (Some(elements), Value::Json(json)) = (&self.elements, value) {
            elements.check(&self.path, json, siblings, out);
        }
    }

    fn read_json_as(&self, kind: PropertyKind, json: &Json) -> Option<Result<Value<'static>, Violation>> {
        match (kind, json) {
            (PropertyKind::String, Json::String(text)) => Some(Ok(self.spelled(Cow::Owned(text.clone())))),
            (PropertyKind::Date | PropertyKind::DateTime, Json::String(text)) => {
                Some(self.read_date(text, iso8601()).map(Value::into_owned))
            }
            (PropertyKind::Boolean, Json::Bool(value)) => Some(Ok(Value::Boolean(*value))),
            (PropertyKind::Number, Json::Number(number)) => Some(Ok(number_from_json(number))),
            (PropertyKind::Integer, Json::Number(number)) => integer_from_json(number).map(Ok),
            (PropertyKind::Array, Json::Array(_)) => Some(self.with_elements(json.clone())),
            (PropertyKind::Object | PropertyKind::Relationship, Json::Object(_)) | (PropertyKind::Null, Json::Null) => {
                Some(Ok(Value::Json(Box::new(json.clone()))))
            }
            _ => None,
        }
    }

    /// The text in the spelling of the definition, where the property has one for it.
    fn spelled<'a>(&self, text: Cow<'a, str>) -> Value<'a> {
        match self.enumeration().and_then(|enumeration| enumeration.canonical(&text)) {
            Some(canonical) if canonical != text => Value::Text(Cow::Owned(canonical.to_owned())),
            _ => Value::Text(text),
        }
    }

    fn enumeration(&self) -> Option<&Enumeration> {
        self.policies.iter().find_map(|policy| match policy {
            Policy::OneOf(enumeration) => Some(enumeration),
            _ => None,
        })
    }

    fn read_date<'a>(&self, cell: &'a str, dates: &DateFormats) -> Result<Value<'a>, Violation> {
        let is_date = self.kind == PropertyKind::Date;
        let mut text = String::with_capacity("2021-12-25T08:30:06Z".len());
        let written = dates.parse(cell).and_then(|instant| match is_date {
            true => instant.write_date(&mut text),
            false => Ok(instant.write_date_time(&mut text)),
        });
        let requirement = if is_date { "VALID_DATE" } else { "VALID_DATETIME" };
        match written {
            Ok(()) => Ok(Value::Text(Cow::Owned(text))),
            Err(error) => {
                let violation = Violation::new(&self.path, requirement, cell, format_args!("is not a date"));
                Err(violation.saying(error.to_string()))
            }
        }
    }

    fn read_literal(&self, cell: &str) -> Result<Value<'static>, Violation> {
        let json = parse_json(cell).map_err(|fault| {
            let violation = self.wrong_type("string", cell);
            let message = format!("{}: {fault}", violation.message);
            violation.saying(message)
        })?;
        match (self.kind, &json) {
            (PropertyKind::Array, Json::Array(_)) => self.with_elements(json),
            (PropertyKind::Object, Json::Object(_)) => Ok(Value::Json(Box::new(json))),
            _ => Err(self.wrong_type(json_type_name(&json), cell)),
        }
    }

    /// An array, if its elements are of the types that the definition has for them.
    fn with_elements(&self, array: Json) -> Result<Value<'static>, Violation> {
        let wanted = self.elements.as_ref().map_or(&[][..], |elements| &elements.types);
        let is_wrong = |element: &&Json| !wanted.is_empty() && !wanted.iter().any(|kind| kind.takes(element));
        let wrong = array.as_array().into_iter().flatten().enumerate().find(|(_, element)| is_wrong(element));
        if let Some((at, element)) = wrong {
            let path = format!("{}[{at}]", self.path);
            return Err(Violation::wrong_type(&path, json_type_name(element), &names(wanted), &shown(element)));
        }
        Ok(Value::Json(Box::new(array)))
    }

    fn wrong_type(&self, found: &str, value: &str) -> Violation {
        Violation::wrong_type(&self.path, found, &names(&self.types), value)
    }

    fn bad_number(&self, cell: &str, fault: Fault) -> Violation {
        let violation = self.wrong_type("string", cell);
        let said = match fault {
            Fault::Syntax => return violation,
            Fault::NotIntegral => "is not an integer: digits only, without a fraction or an exponent",
            Fault::Beyond64Bits => "is an integer beyond 64 bits, which cannot be kept exactly",
            Fault::TooLarge => "is too large for a number",
        };
        let message = format!("'{}' {said}", violation.value.as_deref().unwrap_or_default());
        violation.saying(message)
    }
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

    /// The type of that name, without regard to formats.
    pub(super) fn named(name: &str) -> Option<PropertyKind> {
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

    fn takes(self, json: &Json) -> bool {
        match self {
            PropertyKind::Integer => json.as_number().is_some_and(|number| integer_from_json(number).is_some()),
            PropertyKind::Relationship => json.is_object(),
            other => other.name() == json_type_name(json),
        }
    }
}

impl Elements {
    fn are_relationships(&self) -> bool {
        self.types.contains(&PropertyKind::Relationship)
    }

    fn check<'s>(
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

/// What is wrong, for a sentence that begins with the column: `column 'score' is read-only`.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Disabled => "is disabled",
            Refusal::ReadOnly => "is read-only: its value is computed",
            Refusal::Private => "is private and cannot be imported",
            Refusal::Relationship => "is a relationship and cannot be imported",
        })
    }
}

fn read_boolean(cell: &str) -> Option<bool> {
    match cell.trim_ascii() {
        word if word.eq_ignore_ascii_case("true") => Some(true),
        word if word.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// The names of types, each once.
fn names(kinds: &[PropertyKind]) -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::with_capacity(kinds.len());
    for kind in kinds {
        if !names.contains(&kind.name()) {
            names.push(kind.name());
        }
    }
    names
}

/// A JSON value as it is shown to people: a string without its quotes.
fn shown(json: &Json) -> Cow<'_, str> {
    json.as_str().map_or_else(|| Cow::Owned(json.to_string()), Cow::Borrowed)
}

/// How JSON bodies write dates.
fn iso8601() -> &'static DateFormats {
    static FORMATS: OnceLock<DateFormats> = OnceLock::new();
    FORMATS.get_or_init(DateFormats::iso8601)
}
