//! What is done with an import: cancel it, clean up behind it, delete its record.

use axum::extract::{Path, State};
use axum::response::Redirect;

use super::IMPORTS;
use crate::access::Role;
use crate::app::{Condition, Leftovers};
use crate::console::form::Form;
use crate::console::visitor::Visitor;
use crate::error::Error;
use crate::http::{Door, Problem};

pub(super) async fn cancel(
    State(door): State<Door>,
    visitor: Visitor,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Redirect, Problem> {
    visitor.principal.must_be(Role::Importer)?;
    let id = door
        .run(move |door| {
            let import = visitor.principal.import(&door.app, &id)?;
            door.app.cancel(import.id, &visitor.principal.caller()).map(|()| import.id)
        })
        .await?;
    Ok(Redirect::to(&format!("{IMPORTS}/{id}?done=cancelled")))
}

pub(super) async fn clean_up(
    State(door): State<Door>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Result<Redirect, Problem> {
    visitor.principal.must_be(Role::Importer)?;
    let (leftovers, done) = match form.text("what")? {
        Some("bytes") => (Leftovers::Bytes, "cleaned"),
        Some("failures") => (Leftovers::BytesAndFailures, "failures-removed"),
        _ => return Err(Error::request("say what is to be removed: 'bytes' or 'failures'").into()),
    };
    let id = door
        .run(move |door| {
            let import = visitor.principal.import(&door.app, &id)?;
            door.app.clean_up(import.id, leftovers).map(|()| import.id)
        })
        .await?;
    Ok(Redirect::to(&format!("{IMPORTS}/{id}?done={done}")))
}

pub(super) async fn delete(
    State(door): State<Door>,
    visitor: Visitor,
    Path(id): Path<String>,
    _form: Form,
) -> Result<Redirect, Problem> {
    visitor.principal.must_be(Role::Importer)?;
    door.run(move |door| {
        let import = visitor.principal.import(&door.app, &id)?;
        door.app.delete_import(import.id, &Condition::None)
    })
    .await?;
    Ok(Redirect::to(&format!("{IMPORTS}?done=deleted")))
}
