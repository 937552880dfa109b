//! Object types: which there are, what their objects are like, and how they are defined and changed.

mod definition;
mod one;
mod property;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};

use super::page::{Chrome, Section, html};
use super::visitor::Visitor;
use crate::error::Result;
use crate::http::{Door, Problem};
use crate::repository::StoredType;
use crate::schema::TypeName;

pub(super) fn routes() -> Router<Door> {
    Router::new()
        .route("/console/types", get(show).post(definition::create))
        .route("/console/types/{type}", get(one::show))
        .route("/console/types/{type}/definition", post(definition::change))
        .route("/console/types/{type}/properties", get(property::show).post(property::add))
}

#[derive(Template)]
#[template(path = "types/list.html")]
struct TypesPage {
    chrome: Chrome,
    kinds: Vec<Kind>,
    /// A definition that was refused, and why.
    refused: Option<Refused>,
}

/// What somebody has written and what is wrong with it.
struct Refused {
    text: String,
    said: String,
    faults: Vec<String>,
}

struct Kind {
    name: String,
    address: String,
    title: String,
    description: String,
    properties: String,
    keys: String,
}

async fn show(State(door): State<Door>, visitor: Visitor) -> Result<Response, Problem> {
    let page = door.run(move |door| page(door, &visitor, None)).await?;
    Ok(html(&page)?)
}

fn page(door: &Door, visitor: &Visitor, refused: Option<Refused>) -> Result<TypesPage> {
    let chrome = Chrome::new("Object types", Section::Types, visitor);
    let kinds = visitor.principal.object_types(&door.app)?.iter().map(Kind::of).collect();
    Ok(TypesPage { chrome, kinds, refused })
}

impl Kind {
    fn of(stored: &StoredType) -> Kind {
        let object_type = &stored.object_type;
        let text = |name: &str| {
            let schema = &object_type.definition()["schema"];
            schema[name].as_str().unwrap_or_default().trim().to_owned()
        };
        let unique: Vec<&str> = object_type.unique_properties().map(|property| property.path.as_str()).collect();
        Kind {
            name: object_type.name().short().to_owned(),
            address: address_of(object_type.name()),
            title: text("title"),
            description: text("description"),
            properties: match object_type.is_open() {
                true => "any column".to_owned(),
                false => object_type.properties().len().to_string(),
            },
            keys: unique.join(", "),
        }
    }
}

fn address_of(object_type: &TypeName) -> String {
    format!("/console/types/{}", object_type.short())
}
