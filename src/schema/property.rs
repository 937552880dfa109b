//! Properties: what one column, or one member of an object, may hold.
//!
//! A property knows how its values are written in a cell and in a JSON body, and which policies they must meet. It is
//! asked once per cell: [`Property::read`] makes a typed value of a text, [`Property::check`] asks the policies. It
//! does not know whether an empty cell clears or keeps, nor what other objects hold.

mod elements;
mod kind;

use std::borrow::Cow;
use std::fmt;
use std::sync::OnceLock;

use serde_json::Value as Json;

use crate::schema::policy::{Enumeration, Policy, Violation};
use crate::schema::value::{
    Fault, Value, integer_from_json, json_type_name, number_from_json, parse_json, read_integer, read_number,
};
use crate::schema::{DateFormats, TypeName};

pub(super) use elements::Elements;
pub use kind::PropertyKind;

/// The path of a property as somebody wrote it, as a column or an option: without outer blanks and without the slash
/// that a JSON pointer begins with. Every name that comes from outside goes through here, once.
pub fn path(written: &str) -> &str {
    let path = written.trim();
    path.strip_prefix('/').unwrap_or(path)
}

/// A name as lenient comparison has it: without case, blanks, hyphens and underscores.
pub fn folded(written: &str) -> String {
    let is_letter = |c: &char| !c.is_whitespace() && !matches!(c, '-' | '_');
    path(written).chars().filter(is_letter).flat_map(char::to_lowercase).collect()
}

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
    /// Whether it is shown to whoever does not ask for it: not if it is a relationship, or virtual, unless the
    /// definition says so with `returnByDefault`.
    pub returned_by_default: bool,
    /// What a new object gets where it has no value.
    pub default: Option<Value<'static>>,
    /// Whether no two objects may have the same value.
    pub unique: bool,
    /// The name for people, PX's "View Name".
    pub title: Option<String>,
    /// The type of the objects whose `id` the values are. They need not exist.
    pub references: Option<TypeName>,
    /// All types that a JSON body may bring, in the order of the definition.
    pub(super) types: Vec<PropertyKind>,
    /// Whether a CSV template has a column for it.
    pub(super) in_template: bool,
    pub(super) policies: Vec<Policy>,
    /// What the elements of an array have to be like.
    pub(super) elements: Option<Elements>,
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

impl Property {
    /// Whether a column may be imported into the property.
    pub fn importable(&self) -> Result<(), Refusal> {
        match self {
            Property { state: State::Disabled, .. } => Err(Refusal::Disabled),
            Property { read_only: true, .. } => Err(Refusal::ReadOnly),
            Property { scope: Scope::Private, .. } => Err(Refusal::Private),
            _ if self.is_relationship() => Err(Refusal::Relationship),
            _ => Ok(()),
        }
    }

    /// All types that a JSON body may bring, in the order of the definition.
    pub(crate) fn types(&self) -> &[PropertyKind] {
        &self.types
    }

    /// What the policies ask for, in words.
    pub fn policy_words(&self) -> Vec<String> {
        let elements = self.elements.iter().flat_map(|elements| &elements.policies);
        let of_elements = elements.map(|policy| format!("each element {}", policy.words()));
        self.policies.iter().map(Policy::words).chain(of_elements).collect()
    }

    /// What the values are called in sentences: `string or null`, `array of strings`.
    pub fn types_called(&self) -> String {
        let names = |kinds: &[PropertyKind], end: &str| {
            let mut names: Vec<String> = kinds.iter().map(|kind| format!("{}{end}", kind.called())).collect();
            names.dedup();
            names.join(" or ")
        };
        match &self.elements {
            Some(elements) if !elements.types.is_empty() && self.kind == PropertyKind::Array => {
                format!("array of {}", names(&elements.types, "s"))
            }
            _ => names(&self.types, ""),
        }
    }

    /// Whether every value is a text.
    pub fn holds_text_only(&self) -> bool {
        self.types.iter().all(|kind| matches!(kind.name(), "string" | "null"))
    }

    /// Whether the values are links to other objects.
    pub fn is_relationship(&self) -> bool {
        self.kind == PropertyKind::Relationship || self.elements.as_ref().is_some_and(Elements::are_relationships)
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
    pub fn check<'s>(&self, value: &Value<'_>, siblings: &dyn Fn(&str) -> Option<&'s str>, out: &mut Vec<Violation>) {
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
        let written = dates.parse(cell).and_then(|instant| {
            if is_date {
                return instant.write_date(&mut text);
            }
            instant.write_date_time(&mut text);
            Ok(())
        });
        let requirement = if is_date { "VALID_DATE" } else { "VALID_DATETIME" };
        match written {
            Ok(()) => Ok(Value::Text(Cow::Owned(text))),
            Err(error) => {
                let violation = Violation::new(&self.path, requirement, cell, format_args!("is not a date"));
                let formats = dates.formats().iter().map(|format| format.pattern().to_owned()).collect();
                Err(violation.saying(error.to_string()).wanting(self.kind.called(), formats))
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
            return Err(Violation::wrong_type(
                &path,
                json_type_name(element),
                &PropertyKind::names(wanted),
                &shown(element),
            ));
        }
        Ok(Value::Json(Box::new(array)))
    }

    fn wrong_type(&self, found: &str, value: &str) -> Violation {
        let violation = Violation::wrong_type(&self.path, found, &PropertyKind::names(&self.types), value);
        violation.wanting(self.kind.called(), Vec::new())
    }

    fn bad_number(&self, cell: &str, fault: Fault) -> Violation {
        let violation = self.wrong_type("string", cell);
        let said = match fault {
            Fault::Syntax => return violation,
            Fault::NotIntegral => "is not an integer: digits only, without a fraction or an exponent",
            Fault::Beyond64Bits => "is an integer beyond 64 bits, which cannot be kept exactly",
            Fault::TooLarge => "is too large for a number",
        };
        violation.being(said)
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

/// A JSON value as it is shown to people: a string without its quotes.
pub(crate) fn shown(json: &Json) -> Cow<'_, str> {
    json.as_str().map_or_else(|| Cow::Owned(json.to_string()), Cow::Borrowed)
}

/// How JSON bodies write dates.
fn iso8601() -> &'static DateFormats {
    static FORMATS: OnceLock<DateFormats> = OnceLock::new();
    FORMATS.get_or_init(DateFormats::iso8601)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use crate::schema::{DateFormats, ObjectType, Positions, Property, Refusal, Violation};

    /// The property of that definition.
    fn property(definition: Json) -> Property {
        let definition = json!({ "name": "t", "schema": { "properties": { "p": definition } } });
        let (object_type, _) = ObjectType::parse(&definition, &Positions::default()).expect("a good definition");
        object_type.property("p").expect("its only property").clone()
    }

    fn read(definition: &Json, cell: &str) -> Result<String, Violation> {
        let mut json = String::new();
        property(definition.clone()).read(cell, &DateFormats::iso8601())?.write_json(&mut json);
        Ok(json)
    }

    fn read_json(definition: &Json, member: &Json) -> Result<String, Violation> {
        let mut json = String::new();
        property(definition.clone()).read_json(member)?.write_json(&mut json);
        Ok(json)
    }

    #[test]
    fn cells_become_values() {
        for (definition, cell, stored) in [
            (json!({"type": "string"}), " 01060 ", "\" 01060 \""),
            (json!({}), "=1+1", "\"=1+1\""),
            (json!({"type": ["null", "string"]}), "null", "\"null\""),
            (json!({"type": ["string", "null"]}), "x", "\"x\""),
            (json!({"type": "boolean"}), " tRuE ", "true"),
            (json!({"type": "boolean"}), "FALSE", "false"),
            (json!({"type": "number"}), " 1.50", "1.5"),
            (json!({"type": "number"}), "9007199254740993", "9007199254740993"),
            (json!({"type": "integer"}), "+007", "7"),
            (json!({"type": "string", "format": "date"}), "2021-12-25", "\"2021-12-25\""),
            (json!({"type": "string", "format": "date-time"}), "2021-12-25T01:00:00+01:00", "\"2021-12-25T00:00:00Z\""),
            (json!({"type": "string", "format": "datetime"}), "2021-12-25", "\"2021-12-25T00:00:00Z\""),
            (json!({"type": "string", "format": "uri"}), "x", "\"x\""),
            (json!({"type": "array"}), " [1, \"a\"] ", "[1,\"a\"]"),
            (json!({"type": "array", "items": {"type": "string"}}), "[\"a\"]", "[\"a\"]"),
            (json!({"type": "object"}), "{\"b\": 1, \"a\": 2}", "{\"b\":1,\"a\":2}"),
            (json!({"type": "string", "enum": ["Male", "Female"], "enumIgnoreCase": true}), "MALE", "\"Male\""),
        ] {
            assert_eq!(read(&definition, cell).map_err(|violation| violation.message), Ok(stored.to_owned()), "{cell}");
        }
    }

    #[test]
    fn cells_of_another_type_say_what_would_be_right() {
        let found: Vec<String> = [
            (json!({"type": "boolean"}), "yes"),
            (json!({"type": "number"}), "1,5"),
            (json!({"type": "number"}), "18446744073709551616"),
            (json!({"type": "number"}), "1e999"),
            (json!({"type": "integer"}), "1.0"),
            (json!({"type": "string", "format": "date"}), "2021-02-30"),
            (json!({"type": "string", "format": "date-time"}), "soon"),
            (json!({"type": "array"}), "a;b"),
            (json!({"type": "array"}), "{}"),
            (json!({"type": "array", "items": {"type": "string"}}), "[\"a\",1]"),
            (json!({"type": "object"}), "{\"a\":1,\"a\":2}"),
            (json!({"type": "null"}), "x"),
        ]
        .iter()
        .map(|(definition, cell)| {
            let violation = read(definition, cell).expect_err(cell);
            let params = violation.params.map(|params| format!(" {params}")).unwrap_or_default();
            format!("{} {}{params}: {}", violation.property, violation.requirement, violation.message)
        })
        .collect();
        insta::assert_snapshot!(found.join("\n"), @r#"
        p VALID_TYPE {"invalidType":"string","validTypes":["boolean"]}: 'yes' is not true or false
        p VALID_TYPE {"invalidType":"string","validTypes":["number"]}: '1,5' is not a number
        p VALID_TYPE {"invalidType":"string","validTypes":["number"]}: '18446744073709551616' is an integer beyond 64 bits, which cannot be kept exactly
        p VALID_TYPE {"invalidType":"string","validTypes":["number"]}: '1e999' is too large for a number
        p VALID_TYPE {"invalidType":"string","validTypes":["integer"]}: '1.0' is not an integer: digits only, without a fraction or an exponent
        p VALID_DATE: '2021-02-30' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (February 2021 has 28 days)
        p VALID_DATETIME: 'soon' is not a date in ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z (a year with four digits expected, 'soon' found)
        p VALID_TYPE {"invalidType":"string","validTypes":["array"]}: 'a;b' is not a JSON array: expected value at line 1 column 1
        p VALID_TYPE {"invalidType":"object","validTypes":["array"]}: '{}' is not a JSON array
        p[1] VALID_TYPE {"invalidType":"number","validTypes":["string"]}: '1' is not a string
        p VALID_TYPE {"invalidType":"string","validTypes":["object"]}: '{"a":1,"a":2}' is not a JSON object: the name 'a' comes twice at line 1 column 13
        p VALID_TYPE {"invalidType":"string","validTypes":["null"]}: 'x' is not null
        "#);
    }

    #[test]
    fn members_of_json_bodies_become_values() {
        for (definition, member, stored) in [
            (json!({"type": "string"}), json!(""), "\"\""),
            (json!({"type": "boolean"}), json!(true), "true"),
            (json!({"type": "number"}), json!(1.0), "1"),
            (json!({"type": "integer"}), json!(1.0), "1"),
            (json!({"type": ["string", "null"]}), json!(null), "null"),
            (json!({"type": "string", "nullable": true}), json!(null), "null"),
            (json!({"type": ["string", "number"]}), json!(1.5), "1.5"),
            (
                json!({"type": "string", "format": "date-time"}),
                json!("2021-12-25T01:00:00+01:00"),
                "\"2021-12-25T00:00:00Z\"",
            ),
            (json!({"type": "relationship"}), json!({"_ref": "managed/user/1"}), "{\"_ref\":\"managed/user/1\"}"),
            (json!({"type": "array", "items": {"type": "relationship"}}), json!([{"_ref": "x"}]), "[{\"_ref\":\"x\"}]"),
            (json!({"type": "string", "enum": ["A"], "enumIgnoreCase": true}), json!("a"), "\"A\""),
        ] {
            assert_eq!(read_json(&definition, &member).map_err(|violation| violation.message), Ok(stored.to_owned()));
        }
        for (definition, member, found, wanted) in [
            (json!({"type": "string"}), json!(1), "number", json!(["string"])),
            (json!({"type": "boolean"}), json!("true"), "string", json!(["boolean"])),
            (json!({"type": ["number", "string"]}), json!(null), "null", json!(["number", "string"])),
            (json!({"type": "integer"}), json!(1.5), "number", json!(["integer"])),
            (json!({"type": "array"}), json!({}), "object", json!(["array"])),
            (json!({"type": "object"}), json!([]), "array", json!(["object"])),
        ] {
            let violation = read_json(&definition, &member).expect_err("another type");
            let params = json!({"invalidType": found, "validTypes": wanted});
            assert_eq!((&*violation.requirement, violation.params.as_deref()), ("VALID_TYPE", Some(&params)));
        }
    }

    #[test]
    fn all_policies_are_asked() {
        let property = property(json!({
            "type": "string",
            "minLength": 9,
            "pattern": "^[a-z]+$",
            "enum": ["abcdefghi"],
            "policies": [
                {"policyId": "minimum-length", "params": {"minLength": 9}},
                {"policyId": "valid-email-address-format"},
                {"policyId": "cannot-contain-characters", "params": {"forbiddenChars": ["/"]}},
            ],
        }));
        let mut violations = Vec::new();
        let value = property.read("A/1", &DateFormats::iso8601()).expect("any text is a string");
        property.check(&value, &|_| None, &mut violations);
        let requirements: Vec<&str> = violations.iter().map(|violation| &*violation.requirement).collect();
        let expected = [
            "MIN_LENGTH",
            "MATCH_REGEXP",
            "VALID_ENUM_VALUE",
            "VALID_EMAIL_ADDRESS_FORMAT",
            "CANNOT_CONTAIN_CHARACTERS",
        ];
        assert_eq!(requirements, expected);
    }

    #[test]
    fn elements_have_policies_of_their_own() {
        let property = property(json!({
            "type": "array",
            "items": {"type": "string", "policies": [{"policyId": "valid-email-address-format"}]},
        }));
        let mut violations = Vec::new();
        let value = property.read("[\"a@b.cc\",\"x\"]", &DateFormats::iso8601()).expect("an array of strings");
        property.check(&value, &|_| None, &mut violations);
        let found: Vec<_> =
            violations.iter().map(|violation| (&*violation.property, &*violation.requirement)).collect();
        assert_eq!(found, [("p[1]", "VALID_EMAIL_ADDRESS_FORMAT")]);
    }

    #[test]
    fn not_every_property_can_be_imported() {
        for (definition, importable) in [
            (json!({"type": "string"}), Ok(())),
            (json!({"type": "array"}), Ok(())),
            (json!({"type": "string", "readOnly": true}), Err(Refusal::ReadOnly)),
            (json!({"type": "string", "isVirtual": true, "scope": "private"}), Err(Refusal::ReadOnly)),
            (json!({"type": "string", "scope": "private"}), Err(Refusal::Private)),
            (json!({"type": "string", "state": "DISABLED", "readOnly": true}), Err(Refusal::Disabled)),
            (json!({"type": "relationship"}), Err(Refusal::Relationship)),
            (json!({"type": "array", "items": {"type": "relationship"}}), Err(Refusal::Relationship)),
        ] {
            assert_eq!(property(definition.clone()).importable(), importable, "{definition}");
        }
    }
}
