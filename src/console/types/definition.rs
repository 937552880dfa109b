//! Definitions of object types as JSON: of new ones, and of those that change.

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};
use multer::{Constraints, Multipart, SizeLimit, parse_boundary};
use serde_json::Value;

use super::one::TypePage;
use super::{Refused, address_of, page};
use crate::access::Role;
use crate::app::{Condition, TypePut};
use crate::console::form::{CSRF, Form, check_csrf, fields};
use crate::console::page::html;
use crate::console::refusal::shown;
use crate::console::visitor::Visitor;
use crate::error::{Error, Kind, Result};
use crate::http::addressing::Addressed;
use crate::http::config::{refuse_unseen, without_ours};
use crate::http::{Door, Problem};
use crate::schema::value::parse_json;
use crate::schema::{TypeName, parse_definitions};

/// More than any definition.
const LARGEST: u64 = 2 << 20;

/// Makes object types of what was pasted, or of a file.
pub(super) async fn create(State(door): State<Door>, visitor: Visitor, request: Request) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let text = written(&visitor, request).await?;
    let made = door
        .run(move |door| match make(door, &visitor, &text) {
            Ok(names) => Ok(Ok(names)),
            Err(error) => Ok(Err((status(&error), page(door, &visitor, Some(Refused::new(text, &error)))?))),
        })
        .await?;
    match made {
        Ok(names) => match names.as_slice() {
            [name] => Ok(Redirect::to(&format!("{}?done=created", address_of(name))).into_response()),
            _ => Ok(Redirect::to("/console/types").into_response()),
        },
        Err((status, page)) => Ok(shown(status, html(&page)?)),
    }
}

/// Changes the definition of an object type.
pub(super) async fn change(
    State(door): State<Door>,
    visitor: Visitor,
    Addressed { object_type, .. }: Addressed,
    form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let text = form.text("definition")?.unwrap_or_default().to_owned();
    let rev = form.text("rev")?.unwrap_or_default().to_owned();
    let changed = format!("{}?done=changed", address_of(&object_type));
    let refused = door
        .run(move |door| {
            visitor.principal.object_type(&door.app, &object_type)?;
            let error = match replace(door, &object_type, &text, rev.clone()) {
                Ok(_) => return Ok(None),
                Err(error) => error,
            };
            let stored = visitor.principal.object_type(&door.app, &object_type)?;
            let mut page = TypePage::new(&visitor, &stored, None, Some(Refused::new(text, &error)))?;
            if error.kind() != Kind::Outdated {
                // Nothing was said of what somebody else has changed meanwhile, so that is not to be replaced.
                page.rev = rev;
            }
            Ok(Some((status(&error), page)))
        })
        .await?;
    match refused {
        None => Ok(Redirect::to(&changed).into_response()),
        Some((status, page)) => Ok(shown(status, html(&page)?)),
    }
}

fn make(door: &Door, visitor: &Visitor, text: &str) -> Result<Vec<TypeName>> {
    let definitions: Vec<Value> = parse_definitions(&parse(text)?)?.into_iter().map(without_ours).collect();
    let names: Vec<TypeName> = definitions.iter().map(TypeName::of).collect::<Result<_>>()?;
    for name in &names {
        refuse_unseen(&door.app, &visitor.principal, name)?;
        if door.app.repository.object_type(name)?.is_some() {
            let short = name.short();
            return Err(Error::conflict(format!(
                "there is an object type '{short}' already: open it to change its definition, or choose another name"
            )));
        }
    }
    match definitions.as_slice() {
        [] => return Err(Error::request("there is no object type in this definition")),
        // Nobody may have been faster.
        [definition] => door.app.put_type(definition, &Condition::Absent).map(drop)?,
        definitions => door.app.put_types(definitions).map(drop)?,
    }
    Ok(names)
}

fn replace(door: &Door, name: &TypeName, text: &str, rev: String) -> Result<TypePut> {
    let definition = without_ours(parse(text)?);
    if TypeName::of(&definition)? != *name {
        return Err(Error::request(format!("the definition is not that of '{}': its 'name' must stay", name.short())));
    }
    door.app.put_type(&definition, &Condition::Revision(rev))
}

fn parse(text: &str) -> Result<Value> {
    if text.trim().is_empty() {
        return Err(Error::request("paste a definition, or choose a file with one"));
    }
    parse_json(text).map_err(|fault| Error::request(format!("this is not JSON: {fault}")))
}

/// What was pasted, or what is in the file that was chosen.
async fn written(visitor: &Visitor, request: Request) -> Result<String, Problem> {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Ok(boundary) = parse_boundary(kind) else {
        let form = fields(request).await?;
        check_csrf(form.one(CSRF)?, Some(&visitor.csrf))?;
        return Ok(form.one("definition")?.unwrap_or_default().to_owned());
    };
    let constraints = Constraints::new().size_limit(SizeLimit::new().whole_stream(LARGEST));
    let mut parts = Multipart::with_constraints(request.into_body().into_data_stream(), boundary, constraints);
    let unread = |_| Error::request("the form was cut off, is not UTF-8, or is larger than 2 MB");
    let (mut csrf, mut pasted, mut file) = (None, String::new(), String::new());
    while let Some(part) = parts.next_field().await.map_err(unread)? {
        let name = part.name().map(str::to_owned);
        let bytes = part.bytes().await.map_err(unread)?;
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| Error::request("the definition is not UTF-8"))?;
        match name.as_deref() {
            Some(CSRF) => csrf = Some(text),
            Some("definition") => pasted = text,
            Some("file") => file = text,
            _ => {}
        }
    }
    check_csrf(csrf.as_deref(), Some(&visitor.csrf))?;
    let file = file.strip_prefix('\u{feff}').unwrap_or(&file);
    Ok(if file.trim().is_empty() { pasted } else { file.to_owned() })
}

/// The status of a page that says what is wrong.
pub(super) fn status(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.kind().code()).unwrap_or(StatusCode::BAD_REQUEST)
}

impl Refused {
    pub(super) fn new(text: String, error: &Error) -> Refused {
        let (said, faults) = match error.parts() {
            Some((head, parts)) => (head, parts.to_vec()),
            None => (error.to_string(), Vec::new()),
        };
        let said = match error.kind() {
            Kind::Outdated => format!(
                "{said}. Above, as JSON, is the definition as it is now: saving again replaces it with yours, below."
            ),
            _ => said,
        };
        Refused { text, said, faults }
    }
}
