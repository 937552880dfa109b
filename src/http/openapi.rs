//! `/openapi.json`: the description of all routes, made from what stands beside each handler.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Extension;
use serde_json::{Value, json};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Components, Content, Info, License, OpenApi, PathItem, Ref, RefOr, Response, Schema};

use super::answer::Answer;
use super::fields::ALWAYS;

/// The document as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Document(Arc<Value>);

impl Document {
    /// Completes what was collected from the handlers by what holds for all of them.
    pub(super) fn new(mut collected: OpenApi) -> Document {
        let mut info = Info::new("Rollbook", env!("CARGO_PKG_VERSION"));
        info.description = Some(env!("CARGO_PKG_DESCRIPTION").to_owned());
        let mut license = License::new(env!("CARGO_PKG_LICENSE"));
        license.identifier = Some(env!("CARGO_PKG_LICENSE").to_owned());
        info.license = Some(license);
        collected.info = info;
        for item in collected.paths.paths.values_mut() {
            tell_apart(item);
            let closed =
                operations(item).map(|(_, operation)| operation).filter(|operation| operation.security.is_none());
            closed.for_each(refusals_of_all);
        }
        let components = collected.components.get_or_insert_with(Components::new);
        for name in PROJECTED {
            components.schemas.get_mut(name).into_iter().for_each(require_what_is_always_shown);
        }
        let http = |scheme| SecurityScheme::Http(HttpBuilder::new().scheme(scheme).build());
        let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
        components.add_security_scheme("bearer", http(HttpAuthScheme::Bearer));
        components.add_security_scheme("basic", http(HttpAuthScheme::Basic));
        components.add_security_scheme("username", header("X-OpenIDM-Username"));
        components.add_security_scheme("password", header("X-OpenIDM-Password"));
        let none: [&str; 0] = [];
        collected.security = Some(vec![
            SecurityRequirement::new("bearer", none),
            SecurityRequirement::new("basic", none),
            SecurityRequirement::new("username", none).add("password", none),
        ]);
        let written = serde_json::to_value(collected);
        Document(Arc::new(written.unwrap_or_else(|error| json!({ "error": error.to_string() }))))
    }
}

/// What is answered with the members only that `_fields` names.
const PROJECTED: [&str; 6] = ["MetadataRecord", "FailureRecord", "DropFolder", "DropFolderStanding", "Policies", "Run"];

fn require_what_is_always_shown(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema {
        object.required.retain(|name| ALWAYS.contains(&name.as_str()));
    }
}

/// The operations at an address, with their methods as ids have them.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [("Get", get), ("Put", put), ("Post", post), ("Delete", delete), ("Patch", patch)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// A handler of several methods has one id, but each operation must have its own.
fn tell_apart(item: &mut PathItem) {
    let mut seen = HashSet::new();
    for (method, operation) in operations(item) {
        if let Some(id) = &mut operation.operation_id
            && !seen.insert(id.clone())
        {
            id.push_str(method);
        }
    }
}

/// What any request for which somebody has to sign in may be answered, beside what its handler says.
fn refusals_of_all(operation: &mut Operation) {
    refusals(
        operation,
        &[
            ("401", "Nobody known sends this"),
            ("403", "The role does not allow this"),
            ("503", "The repository is busy with an import, or the request took too long; try again"),
        ],
    );
    if operation.request_body.is_some() {
        refusals(operation, &[("408", "The body came too slowly"), ("413", "The body is larger than is allowed")]);
    }
}

fn refusals(operation: &mut Operation, known: &[(&str, &str)]) {
    for (status, description) in known {
        let problem = Content::new(Some(Ref::from_schema_name("Problem")));
        let refusal = Response::builder().description(*description).content("application/json", problem).build();
        operation.responses.responses.entry((*status).to_owned()).or_insert(RefOr::T(refusal));
    }
}

/// The description of all routes.
#[utoipa::path(get, path = "/openapi.json", tag = "service", security(()), responses(
    (status = 200, description = "This document", body = Object),
))]
pub(super) async fn openapi(Extension(document): Extension<Document>) -> Answer {
    Answer::json(Value::clone(&document.0))
}
