//! Adding a property, so that an unknown column can be added where it was noticed.
//!
//! What somebody chooses becomes a property as PingIDM's managed objects define it, and the whole definition is put as any
//! other: what the library says about it, it says here too.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::address_of;
use super::definition::status;
use crate::access::Role;
use crate::app::Condition;
use crate::console::form::Form;
use crate::console::page::{Chrome, Section, html};
use crate::console::refusal::shown;
use crate::console::visitor::Visitor;
use crate::error::{Error, Kind, Result};
use crate::http::addressing::Addressed;
use crate::http::params::Params;
use crate::http::{Door, Problem};
use crate::repository::StoredType;
use crate::schema::policy::Pattern;
use crate::schema::{ObjectType, property};

/// The types that can be chosen: the word of the form, and what it is called.
const KINDS: [(&str, &str); 8] = [
    ("string", "text"),
    ("number", "number"),
    ("integer", "whole number"),
    ("boolean", "true or false"),
    ("date", "date"),
    ("date-time", "date and time"),
    ("array", "list of texts"),
    ("object", "JSON object"),
];

/// What a text can be required to look like: the word of the form, which is the policy's, and what it is called.
const FORMATS: [(&str, &str); 4] = [
    ("", "anything"),
    ("valid-email-address-format", "an e-mail address"),
    ("valid-name-format", "a name of a person"),
    ("valid-phone-format", "a telephone number"),
];

/// Characters of a name at most.
const LONGEST: usize = 255;

/// What is written in the form.
#[derive(Clone, Debug, Default)]
struct Wanted {
    name: String,
    title: String,
    kind: String,
    required: bool,
    unique: bool,
    format: String,
    pattern: String,
    minimum_length: String,
    maximum_length: String,
    minimum: String,
    maximum: String,
    allowed: String,
}

/// What is wrong, by the name of the field.
type Faults = BTreeMap<&'static str, String>;

#[derive(Template)]
#[template(path = "types/property.html")]
struct PropertyPage {
    chrome: Chrome,
    name: String,
    address: String,
    back: String,
    rev: String,
    is_open: bool,
    wanted: Wanted,
    faults: Faults,
    /// What the library says of the whole definition.
    said: Vec<String>,
    kinds: &'static [(&'static str, &'static str)],
    formats: &'static [(&'static str, &'static str)],
}

pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    Addressed { object_type, .. }: Addressed,
    params: Params,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let name = params.one("name")?.unwrap_or_default().trim().to_owned();
    let back = own(params.one("back")?).unwrap_or_default().to_owned();
    let wanted = Wanted { name, kind: "string".to_owned(), ..Wanted::default() };
    let page = door
        .run(move |door| {
            let stored = visitor.principal.object_type(&door.app, &object_type)?;
            Ok(PropertyPage::new(&visitor, &stored, back, wanted, Faults::new(), Vec::new()))
        })
        .await?;
    Ok(html(&page)?)
}

pub(super) async fn add(
    State(door): State<Door>,
    visitor: Visitor,
    Addressed { object_type, .. }: Addressed,
    form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let wanted = Wanted::of(&form)?;
    let back = own(form.text("back")?).unwrap_or_default().to_owned();
    let rev = form.text("rev")?.unwrap_or_default().to_owned();
    let path = property::path(&wanted.name).to_owned();
    let target = match back.as_str() {
        "" => {
            let name = utf8_percent_encode(&path, NON_ALPHANUMERIC);
            format!("{}?done=added&name={name}", address_of(&object_type))
        }
        back => back.to_owned(),
    };
    let refused = door
        .run(move |door| {
            let stored = visitor.principal.object_type(&door.app, &object_type)?;
            let definition = match wanted.added_to(&stored.object_type) {
                Ok(definition) => definition,
                Err(faults) => {
                    let page = PropertyPage::new(&visitor, &stored, back, wanted, faults, Vec::new());
                    return Ok(Some((StatusCode::BAD_REQUEST, page)));
                }
            };
            let Err(error) = door.app.put_type(&definition, &Condition::Revision(rev)) else { return Ok(None) };
            if !matches!(error.kind(), Kind::Request | Kind::Conflict | Kind::Outdated | Kind::Busy) {
                return Err(error);
            }
            // As it is now: it may have changed meanwhile.
            let stored = visitor.principal.object_type(&door.app, &object_type)?;
            let page = PropertyPage::new(&visitor, &stored, back, wanted, Faults::new(), sentences(&error));
            Ok(Some((status(&error), page)))
        })
        .await?;
    match refused {
        None => Ok(Redirect::to(&target).into_response()),
        Some((status, page)) => Ok(shown(status, html(&page)?)),
    }
}

fn sentences(error: &Error) -> Vec<String> {
    let mut said = error.parts().map_or_else(|| vec![error.to_string()], |(_, parts)| parts.to_vec());
    if error.kind() == Kind::Outdated {
        said.push("look at it as it is now, and save again if the property is still wanted".to_owned());
    }
    said
}

/// Only a page of ours: nobody is sent from here to where others want to have him.
fn own(back: Option<&str>) -> Option<&str> {
    let is_plain = |back: &&str| back.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    back.filter(|back| back.starts_with("/console/")).filter(is_plain)
}

impl PropertyPage {
    fn new(
        visitor: &Visitor,
        stored: &StoredType,
        back: String,
        wanted: Wanted,
        faults: Faults,
        said: Vec<String>,
    ) -> PropertyPage {
        let name = stored.object_type.name();
        PropertyPage {
            chrome: Chrome::new(format!("Add a property to {}", name.short()), Section::Types, visitor),
            name: name.short().to_owned(),
            address: address_of(name),
            back,
            rev: stored.rev(),
            is_open: stored.object_type.is_open(),
            wanted,
            faults,
            said,
            kinds: &KINDS,
            formats: &FORMATS,
        }
    }

    fn fault(&self, field: &str) -> Option<&str> {
        self.faults.get(field).map(String::as_str)
    }

    /// What ties a field to what is wrong with it.
    fn described(&self, field: &str) -> &'static str {
        if self.faults.contains_key(field) { "true" } else { "false" }
    }
}

impl Wanted {
    fn of(form: &Form) -> Result<Wanted> {
        let text = |name: &str| Ok::<_, Error>(form.text(name)?.unwrap_or_default().to_owned());
        Ok(Wanted {
            name: text("name")?,
            title: text("title")?,
            kind: text("type")?,
            required: form.is_ticked("required"),
            unique: form.is_ticked("unique"),
            format: text("format")?,
            pattern: text("pattern")?,
            minimum_length: text("minimum_length")?,
            maximum_length: text("maximum_length")?,
            minimum: text("minimum")?,
            maximum: text("maximum")?,
            allowed: text("allowed")?,
        })
    }

    /// The definition of the type with the property, or all that is wrong with it.
    fn added_to(&self, object_type: &ObjectType) -> Result<Value, Faults> {
        let mut faults = Faults::new();
        if let Some(fault) = self.fault_of_name(object_type) {
            faults.insert("name", fault);
        }
        let property = self.definition(&mut faults);
        let mut definition = object_type.definition().clone();
        let path: Vec<&str> = property::path(&self.name).split('/').collect();
        if faults.is_empty()
            && let Some(fault) = insert(&mut definition["schema"], &path, property, self.required)
        {
            faults.insert("required", fault);
        }
        if faults.is_empty() { Ok(definition) } else { Err(faults) }
    }

    fn fault_of_name(&self, object_type: &ObjectType) -> Option<String> {
        let path = property::path(&self.name);
        if path.is_empty() {
            return Some("Write a name: that of the column, for example.".to_owned());
        }
        if path.split('/').any(str::is_empty) {
            return Some("Something is missing beside a slash: write a path such as address/city.".to_owned());
        }
        if path.split('/').any(|name| name.starts_with('_')) {
            return Some("Names that begin with an underscore belong to the server: choose another.".to_owned());
        }
        if path.contains(char::is_control) || path.chars().count() > LONGEST {
            return Some(format!("Write at most {LONGEST} characters, on one line."));
        }
        if object_type.is_open() {
            return Some("This type takes any column as it is: there is nothing to add.".to_owned());
        }
        if object_type.property(path).is_some() {
            return Some(format!("There is a property '{path}' already."));
        }
        let lies_in = |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        let other = object_type.properties().iter().map(|property| property.path.as_str());
        let other = other.filter(|other| lies_in(path, other) || lies_in(other, path)).min()?;
        Some(format!("'{path}' and '{other}' lie inside one another: an object cannot hold both."))
    }

    /// The property as definitions have it.
    fn definition(&self, faults: &mut Faults) -> Value {
        let mut definition = Map::new();
        let (name, format) = match self.kind.as_str() {
            date @ ("date" | "date-time") => ("string", Some(date)),
            kind if KINDS.iter().any(|(known, _)| *known == kind) => (kind, None),
            _ => {
                faults.insert("type", "Choose one of these types.".to_owned());
                ("string", None)
            }
        };
        definition.insert("type".to_owned(), name.into());
        definition.extend(format.map(|format| ("format".to_owned(), format.into())));
        if name == "array" {
            definition.insert("items".to_owned(), json!({ "type": "string" }));
        }
        if !self.title.is_empty() {
            definition.insert("title".to_owned(), self.title.as_str().into());
        }
        self.insert_allowed(&mut definition, faults);
        let policies = self.policies(faults);
        if !policies.is_empty() {
            definition.insert("policies".to_owned(), policies.into());
        }
        Value::Object(definition)
    }

    fn is_text(&self) -> bool {
        self.kind == "string"
    }

    fn is_number(&self) -> bool {
        matches!(self.kind.as_str(), "number" | "integer")
    }

    fn insert_allowed(&self, definition: &mut Map<String, Value>, faults: &mut Faults) {
        let lines: Vec<&str> = self.allowed.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() {
            return;
        }
        let allowed: Option<Vec<Value>> = match () {
            () if self.is_text() => Some(lines.iter().map(|line| Value::from(*line)).collect()),
            () if self.is_number() => lines.iter().map(|line| number(line)).collect(),
            () => {
                faults.insert("allowed", "Only of texts and numbers the allowed ones can be listed.".to_owned());
                return;
            }
        };
        match allowed {
            Some(allowed) => drop(definition.insert("enum".to_owned(), allowed.into())),
            None => drop(faults.insert("allowed", "The property is a number: write a number in each line.".to_owned())),
        }
    }

    fn policies(&self, faults: &mut Faults) -> Vec<Value> {
        let mut policies = Vec::new();
        if self.unique {
            match self.is_text() || self.is_number() {
                true => policies.push(json!({ "policyId": "unique" })),
                false => drop(faults.insert("unique", "Only texts and numbers can be unique.".to_owned())),
            }
        }
        if !self.format.is_empty() {
            match FORMATS.iter().any(|(known, _)| *known == self.format) {
                true if self.is_text() => policies.push(json!({ "policyId": self.format })),
                true => drop(faults.insert("format", "Only a text can be asked to look like this.".to_owned())),
                false => drop(faults.insert("format", "Choose one of these.".to_owned())),
            }
        }
        if !self.pattern.is_empty() {
            match Pattern::new(&self.pattern, None) {
                _ if !self.is_text() => drop(faults.insert("pattern", "Only a text can match a pattern.".to_owned())),
                Ok(_) => policies.push(json!({ "policyId": "regexpMatches", "params": { "regexp": self.pattern } })),
                Err(fault) => drop(faults.insert("pattern", format!("This is no {fault}."))),
            }
        }
        let texts = "Only texts have a length: leave this empty.";
        let is_text = self.is_text();
        let least = length("minimum_length", &self.minimum_length, is_text, texts, faults);
        let most = length("maximum_length", &self.maximum_length, is_text, texts, faults);
        if least.zip(most).is_some_and(|(least, most)| least > most) {
            faults.insert("maximum_length", "This is less than the least length: no text could be right.".to_owned());
        }
        policies.extend(least.map(|it| json!({ "policyId": "minimum-length", "params": { "minLength": it } })));
        policies.extend(most.map(|it| json!({ "policyId": "maximum-length", "params": { "maxLength": it } })));
        let least = bound("minimum", &self.minimum, self.is_number(), faults);
        let most = bound("maximum", &self.maximum, self.is_number(), faults);
        let float = |number: &Option<Value>| number.as_ref().and_then(Value::as_f64);
        if float(&least).zip(float(&most)).is_some_and(|(least, most)| least > most) {
            faults.insert("maximum", "This is less than the least number: none could be right.".to_owned());
        }
        policies.extend(least.map(|it| json!({ "policyId": "minimumNumber", "params": { "minimum": it } })));
        policies.extend(most.map(|it| json!({ "policyId": "maximumNumber", "params": { "maximum": it } })));
        policies
    }
}

fn length(field: &'static str, text: &str, has_one: bool, otherwise: &str, faults: &mut Faults) -> Option<u32> {
    match (text, text.parse()) {
        ("", _) => None,
        _ if !has_one => {
            faults.insert(field, otherwise.to_owned());
            None
        }
        (_, Ok(length)) => Some(length),
        (_, Err(_)) => {
            faults.insert(field, "Write a whole number, such as 8.".to_owned());
            None
        }
    }
}

fn bound(field: &'static str, text: &str, has_one: bool, faults: &mut Faults) -> Option<Value> {
    let said = match (text, number(text)) {
        ("", _) => return None,
        (_, Some(number)) if has_one => return Some(number),
        (_, Some(_)) => "Only numbers have a bound: leave this empty.",
        (_, None) => "Write a number, such as 12.5.",
    };
    faults.insert(field, said.to_owned());
    None
}

fn number(text: &str) -> Option<Value> {
    serde_json::from_str(text.trim()).ok().filter(Value::is_number)
}

/// Inserts a property into a schema, with the objects around it that are not there yet. Says why it cannot be required, if
/// it is to be and cannot.
fn insert(schema: &mut Value, path: &[&str], property: Value, is_required: bool) -> Option<String> {
    let (name, rest) = path.split_first()?;
    let is_new = schema["properties"].get(name).is_none();
    if is_new {
        if let Some(order) = schema["order"].as_array_mut()
            && !order.iter().any(|known| known == name)
        {
            order.push((*name).into());
        }
        schema["properties"][name] = match rest {
            [] => return finish(schema, name, property, is_required),
            _ => json!({ "type": "object", "properties": {} }),
        };
    }
    let is_demanded = |schema: &Value| schema["required"].as_array().is_some_and(|known| known.contains(&json!(name)));
    if is_required && is_new {
        require(schema, name);
    } else if is_required && !is_demanded(schema) && schema["properties"][name]["required"] != json!(true) {
        return Some(format!("An object may be without '{name}', so nothing in it can be required."));
    }
    insert(&mut schema["properties"][name], rest, property, is_required)
}

fn finish(schema: &mut Value, name: &str, property: Value, is_required: bool) -> Option<String> {
    schema["properties"][name] = property;
    if is_required {
        require(schema, name);
    }
    None
}

fn require(schema: &mut Value, name: &str) {
    match schema["required"].as_array_mut() {
        Some(required) => {
            if !required.iter().any(|known| known == name) {
                required.push(name.into());
            }
        }
        None => schema["required"] = json!([name]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Wanted, own};
    use crate::schema::{ObjectType, Positions};

    fn user() -> ObjectType {
        let definition = json!({"name": "user", "schema": {
            "order": ["userName", "address"],
            "required": ["userName"],
            "properties": {
                "userName": {"type": "string"},
                "address": {"type": "object", "properties": {"city": {"type": "string"}}},
            },
        }});
        ObjectType::parse(&definition, &Positions::default()).expect("a good definition").0
    }

    fn wanted(name: &str, kind: &str) -> Wanted {
        Wanted { name: name.to_owned(), kind: kind.to_owned(), ..Wanted::default() }
    }

    #[test]
    fn a_property_comes_where_its_path_says() {
        let text = |text: &str| text.to_owned();
        let nickname = Wanted {
            title: text("Nick"),
            required: true,
            unique: true,
            format: text("valid-name-format"),
            minimum_length: text("2"),
            ..wanted("nick", "string")
        };
        let definition = nickname.added_to(&user()).expect("a good property");
        assert_eq!(definition["schema"]["order"], json!(["userName", "address", "nick"]));
        assert_eq!(definition["schema"]["required"], json!(["userName", "nick"]));
        assert_eq!(
            definition["schema"]["properties"]["nick"],
            json!({"type": "string", "title": "Nick", "policies": [
                {"policyId": "unique"},
                {"policyId": "valid-name-format"},
                {"policyId": "minimum-length", "params": {"minLength": 2}},
            ]})
        );
        let inner = wanted("/address/geo/since", "date").added_to(&user()).expect("a good property");
        let (parsed, _) = ObjectType::parse(&inner, user().positions()).expect("a good definition");
        let paths: Vec<&str> = parsed.properties().iter().map(|property| property.path.as_str()).collect();
        assert_eq!(paths, ["userName", "address/city", "address/geo/since"]);
        let new = Wanted { required: true, ..wanted("work/city", "string") };
        let (parsed, _) =
            ObjectType::parse(&new.added_to(&user()).expect("a good property"), user().positions()).expect("good");
        assert!(parsed.property("work/city").is_some_and(|property| property.required));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = |text: &str| text.to_owned();
        let mistaken = Wanted {
            unique: true,
            format: text("valid-name-format"),
            pattern: text("("),
            minimum_length: text("9"),
            minimum: text("much"),
            allowed: text("a\nb"),
            ..wanted("userName/x", "boolean")
        };
        let faults = mistaken.added_to(&user()).expect_err("many faults");
        let fields: Vec<&str> = faults.into_keys().collect();
        assert_eq!(fields, ["allowed", "format", "minimum", "minimum_length", "name", "pattern", "unique"]);
        for name in ["", "a//b", "_id", "address", "userName", "a\nb"] {
            assert!(wanted(name, "string").added_to(&user()).is_err_and(|it| it.contains_key("name")), "{name}");
        }
        let inner = Wanted { required: true, ..wanted("address/zip", "string") };
        assert!(inner.added_to(&user()).is_err_and(|faults| faults.contains_key("required")));
        let reversed = Wanted { minimum: text("9"), maximum: text("-1.5"), ..wanted("n", "number") };
        assert!(reversed.added_to(&user()).is_err_and(|faults| faults.contains_key("maximum")));
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        assert_eq!(own(Some("/console/new/user?a=b")), Some("/console/new/user?a=b"));
        for other in ["https://a.b/", "//a.b/console/", "/console/\\a", "/console/a b", "/openidm/", ""] {
            assert_eq!(own(Some(other)), None, "{other}");
        }
    }
}
