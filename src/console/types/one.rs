//! One object type: its properties in order, what is asked of them, and its definition.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::{Refused, address_of};
use crate::console::page::{Chrome, Section, html};
use crate::console::visitor::Visitor;
use crate::error::{Error, Result};
use crate::http::addressing::Addressed;
use crate::http::params::Params;
use crate::http::{Door, Problem};
use crate::repository::StoredType;
use crate::schema::property::{Scope, State as PropertyState};
use crate::schema::{ObjectType, Property};

#[derive(Template)]
#[template(path = "types/one.html")]
pub(super) struct TypePage {
    chrome: Chrome,
    name: String,
    title: String,
    description: String,
    address: String,
    is_open: bool,
    properties: Vec<Row>,
    /// What the definition says and is not done.
    warnings: Vec<String>,
    /// Properties each of which finds an object, and lists of them that imports have asked for.
    unique: Vec<String>,
    asked: Vec<String>,
    template: String,
    /// The revision that a definition is a change of.
    pub(super) rev: String,
    version: u64,
    definition: String,
    notice: Option<String>,
    refused: Option<Refused>,
}

struct Row {
    path: String,
    title: String,
    called: String,
    is_required: bool,
    is_unique: bool,
    rules: Vec<String>,
    notes: Vec<String>,
    references: Option<String>,
}

pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    Addressed { object_type, .. }: Addressed,
    params: Params,
) -> Result<Response, Problem> {
    let (done, name) = (params.one("done")?.map(str::to_owned), params.one("name")?.map(str::to_owned));
    let page = door
        .run(move |door| {
            let stored = visitor.principal.object_type(&door.app, &object_type)?;
            let has = |name: &&str| stored.object_type.property(name).is_some();
            let notice = match (done.as_deref(), name.as_deref().filter(has)) {
                (Some("added"), Some(name)) => Some(format!("The property '{name}' was added.")),
                (Some("created"), _) => Some("The object type was created.".to_owned()),
                (Some("changed"), _) => Some("The definition was changed.".to_owned()),
                _ => None,
            };
            TypePage::new(&visitor, &stored, notice, None)
        })
        .await?;
    Ok(html(&page)?)
}

impl TypePage {
    pub(super) fn new(
        visitor: &Visitor,
        stored: &StoredType,
        notice: Option<String>,
        refused: Option<Refused>,
    ) -> Result<TypePage> {
        let object_type = &stored.object_type;
        let name = object_type.name().short();
        let definition = object_type.definition();
        let (_, warnings) = ObjectType::parse(definition, object_type.positions())?;
        let text = |name: &str| definition["schema"][name].as_str().unwrap_or_default().trim().to_owned();
        let unique: Vec<String> = object_type.unique_properties().map(|property| property.path.clone()).collect();
        let asked = stored.indexes.iter().map(|index| index.properties.join(" + "));
        let template = object_type.template_columns();
        Ok(TypePage {
            chrome: Chrome::new(format!("{name} (object type)"), Section::Types, visitor),
            name: name.to_owned(),
            title: text("title"),
            description: text("description"),
            address: address_of(object_type.name()),
            is_open: object_type.is_open(),
            properties: object_type.properties().iter().map(|property| Row::of(property, &template)).collect(),
            warnings,
            asked: asked.filter(|asked| !unique.contains(asked)).collect(),
            unique,
            template: format!("/console/new/{name}/template.csv"),
            rev: stored.rev(),
            version: stored.version,
            definition: serde_json::to_string_pretty(definition)
                .map_err(|error| Error::storage("a definition could not be written", error))?,
            notice,
            refused,
        })
    }
}

impl Row {
    fn of(property: &Property, template: &[&str]) -> Row {
        let mut notes = Vec::new();
        if property.scope == Scope::Private {
            notes.push("private: never shown, never imported".to_owned());
        }
        if property.state == PropertyState::Disabled {
            notes.push("disabled: must not be filled".to_owned());
        }
        if property.read_only {
            notes.push("read-only: its value is computed".to_owned());
        }
        if property.is_relationship() {
            notes.push("a relationship: not imported".to_owned());
        }
        if let Some(default) = &property.default {
            notes.push(format!("a new object gets '{}' where it has no value", default.to_text()));
        }
        if property.importable().is_ok() && !template.contains(&property.path.as_str()) {
            notes.push("no column of the template, but can be imported".to_owned());
        }
        let title = property.title.clone().unwrap_or_default();
        Row {
            path: property.path.clone(),
            title: if title == property.path { String::new() } else { title },
            called: property.types_called(),
            is_required: property.required,
            is_unique: property.unique,
            rules: property.policy_words(),
            notes,
            references: property.references.as_ref().map(|name| name.short().to_owned()),
        }
    }

    fn has_no_rules(&self) -> bool {
        !self.is_required && !self.is_unique && self.rules.is_empty() && self.notes.is_empty()
    }
}
