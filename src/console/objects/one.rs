//! One object: what it holds, who wrote it last.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Map, Value};

use super::columns::{is_visible, telling, title};
use super::{address_of, address_of_object, encoded, texts};
use crate::access::Role;
use crate::app::Condition;
use crate::console::form::Form;
use crate::console::page::{Chrome, Section, filters, html};
use crate::console::visitor::Visitor;
use crate::error::{Error, Result, shown};
use crate::http::addressing::Addressed;
use crate::http::{Door, Problem};
use crate::import::Import;
use crate::object::{Excerpt, Object, Visible, elements, no_object, plain_text};
use crate::repository::{LastWriter, StoredType};
use crate::schema::{ObjectType, Property};

/// Characters of what an object is known by, in a heading.
const NAME: usize = 80;

#[derive(Template)]
#[template(path = "objects/one.html")]
struct ObjectPage {
    chrome: Chrome,
    kind: String,
    kind_address: String,
    address: String,
    name: String,
    id: String,
    revision: u64,
    rev: String,
    writer: Writer,
    values: Vec<Shown>,
    /// Titles of what has no value.
    absent: Vec<String>,
    json: String,
}

/// Who wrote the object last.
enum Writer {
    Import(Box<Import>),
    ForgottenImport,
    Somebody,
}

/// A property with its value.
struct Shown {
    title: String,
    path: String,
    called: String,
    value: ValueForm,
}

/// How a value is shown.
enum ValueForm {
    Text(String),
    /// Several lines, or what has an inner form.
    Block(String),
    /// A text that names an object of another type.
    Link(String, String),
}

pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    Addressed { object_type, id }: Addressed,
) -> Result<Response, Problem> {
    let page = door
        .run(move |door| {
            let stored = visitor.principal.object_type(&door.app, &object_type)?;
            let object = door.app.repository.object(&stored, &id)?.ok_or_else(|| no_object(&object_type, &id))?;
            let writer = match door.app.repository.last_writer(&stored, &id)? {
                Some(LastWriter::Import(id)) => match visitor.principal.import(&door.app, &id) {
                    Ok(import) => Writer::Import(Box::new(import)),
                    Err(_) => Writer::ForgottenImport,
                },
                Some(LastWriter::ForgottenImport) => Writer::ForgottenImport,
                Some(LastWriter::Somebody) | None => Writer::Somebody,
            };
            ObjectPage::new(&visitor, &stored, object, writer)
        })
        .await?;
    Ok(html(&page)?)
}

pub(super) async fn delete(
    State(door): State<Door>,
    visitor: Visitor,
    Addressed { object_type, id }: Addressed,
    form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let rev = form.text("rev")?.ok_or_else(|| Error::request("the form does not say which revision it is about"))?;
    let condition = Condition::Revision(rev.to_owned());
    let list = format!("{}?done=deleted", address_of(&object_type));
    door.run(move |door| {
        let mut stored = visitor.principal.object_type(&door.app, &object_type)?;
        door.app.delete_object(&mut stored, &id, &condition).map(drop)
    })
    .await?;
    Ok(Redirect::to(&list).into_response())
}

impl ObjectPage {
    fn new(visitor: &Visitor, stored: &StoredType, object: Object, writer: Writer) -> Result<ObjectPage> {
        let object_type = &stored.object_type;
        let name = telling(object_type).first().map(|property| property.position as usize);
        let name = name.and_then(|position| texts(&object.document, &[position]).pop());
        let name = name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| object.id.clone());
        let name = shown(&name, NAME).into_owned();
        let json = Excerpt::whole(object_type, Visible::Public).json(&object);
        let (mut values, absent) = values(object_type, &object);
        values.extend(undeclared(&json, object_type));
        let json = serde_json::to_string_pretty(&json);
        Ok(ObjectPage {
            chrome: Chrome::new(format!("{name} ({})", object_type.name().short()), Section::Objects, visitor),
            kind: object_type.name().short().to_owned(),
            kind_address: address_of(object_type.name()),
            address: address_of_object(object_type.name(), &object.id),
            name,
            revision: object.revision,
            rev: object.rev(),
            writer,
            values,
            absent,
            json: json.map_err(|error| Error::storage("an object could not be written as JSON", error))?,
            id: object.id,
        })
    }
}

/// What is shown of the properties, and those without a value.
fn values(object_type: &ObjectType, object: &Object) -> (Vec<Shown>, Vec<String>) {
    let (mut shown, mut absent) = (Vec::new(), Vec::new());
    let mut parts = Vec::with_capacity(32);
    elements(&object.document, &mut parts);
    for property in object_type.properties().iter().filter(|property| is_visible(property)) {
        let title = title(property).to_owned();
        match parts.get(property.position as usize).filter(|part| **part != "null") {
            None => absent.push(title),
            Some(part) => shown.push(Shown {
                title,
                path: property.path.clone(),
                called: property.kind.called().to_owned(),
                value: value(part, property),
            }),
        }
    }
    (shown, absent)
}

fn value(json: &str, property: &Property) -> ValueForm {
    let text = plain_text(json);
    if let Some(kind) = &property.references {
        let address = format!("{}?property=id&match=is&value={}", address_of(kind), encoded(&text));
        return ValueForm::Link(text, address);
    }
    form(json.starts_with(['[', '{']).then(|| serde_json::from_str(json).ok()).flatten().unwrap_or(Value::String(text)))
}

/// What was written without being declared.
fn undeclared(json: &Value, object_type: &ObjectType) -> Vec<Shown> {
    let mut rest = json.as_object().cloned().unwrap_or_default();
    rest.retain(|name, _| name != "_id" && name != "_rev");
    for property in object_type.properties() {
        remove_at(&mut rest, &property.path);
    }
    let shown = |(name, value): (String, Value)| Shown {
        title: name.clone(),
        path: name,
        called: "not declared".to_owned(),
        value: form(value),
    };
    rest.into_iter().map(shown).collect()
}

/// Removes a member, and the objects around it in which nothing else is.
fn remove_at(object: &mut Map<String, Value>, path: &str) {
    match path.split_once('/') {
        None => drop(object.shift_remove(path)),
        Some((outer, rest)) => {
            if let Some(Value::Object(nested)) = object.get_mut(outer) {
                remove_at(nested, rest);
                if nested.is_empty() {
                    object.shift_remove(outer);
                }
            }
        }
    }
}

fn form(value: Value) -> ValueForm {
    match value {
        Value::String(text) if text.contains('\n') => ValueForm::Block(text),
        Value::String(text) => ValueForm::Text(text),
        Value::Array(elements) if elements.iter().all(|element| !element.is_object() && !element.is_array()) => {
            let text = |element: &Value| element.as_str().map_or_else(|| element.to_string(), str::to_owned);
            ValueForm::Block(elements.iter().map(text).collect::<Vec<_>>().join("\n"))
        }
        value @ (Value::Array(_) | Value::Object(_)) => {
            ValueForm::Block(serde_json::to_string_pretty(&value).unwrap_or_else(|_| value.to_string()))
        }
        value => ValueForm::Text(value.to_string()),
    }
}
