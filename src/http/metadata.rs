//! `/openidm/csv/metadata`: what became of files, earlier and now.
//!
//! Here records are found, read and deleted; what is done with an import is in [`actions`]. A record is the import as it
//! is stored, and while this process runs it, how far it is.

pub(super) mod actions;
pub(super) mod record;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use self::record::{MetadataRecord, MetadataRecords};
use super::Door;
use super::answer::{Answer, JSON};
use super::conditions::{ConditionRefusals, Conditions};
use super::fields::{Fields, FieldsParameter};
use super::paging::{Candidate, Chunk, in_chunks, write_answer};
use super::params::Params;
use super::problem::{Problem, ProblemBody};
use super::query::{Query, QueryParameters};
use crate::access::{Principal, Role};
use crate::error::Result;
use crate::import::Import;

/// Where the records are, in refusals.
const COLLECTION: &str = "csv/metadata";

/// Imports that are read at once.
const AT_ONCE: usize = 256;

/// The imports that a filter chooses, oldest first unless they are sorted.
#[utoipa::path(
    get, path = "/openidm/csv/metadata", tag = "imports", operation_id = "queryImports", params(QueryParameters),
    responses(
        (status = 200, description = "A page of metadata records", body = MetadataRecords),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(super) async fn query(
    State(door): State<Door>,
    principal: Principal,
    conditions: Conditions,
    params: Params,
) -> Result<Response, Problem> {
    conditions.refuse_if_match()?;
    let query = Query::of(&params, COLLECTION)?;
    door.stream(JSON, move |door, out| {
        let audience = out.audience();
        let imports = in_chunks(query.needed_behind().unwrap_or(0), |behind| {
            audience.is_there()?;
            chunk(door, &principal, behind)
        });
        write_answer(&query, imports, out)
    })
    .await
}

fn chunk(door: &Door, principal: &Principal, behind: i64) -> Result<Chunk> {
    let imports = door.app.repository.imports_behind(behind, AT_ONCE)?;
    let next = imports.last().map(|(position, _)| *position);
    let seen = imports.into_iter().filter(|(_, import)| principal.sees(&import.plan.object_type));
    let candidates = seen.map(|(position, import)| Candidate { position, object: shown(door, &import) }).collect();
    Ok(Chunk { candidates, next })
}

/// An import as it is shown: its record, and while this process runs it, how far it is.
pub(super) fn shown(door: &Door, import: &Import) -> Value {
    let mut record = import.to_json();
    if import.state.end().is_none()
        && let Some(progress) = door.worker.progress(import.id)
    {
        record["progress"] = json!({ "total": progress.total(), "applied": progress.applied() });
    }
    record
}

/// One import.
#[utoipa::path(
    get, path = "/openidm/csv/metadata/{id}", tag = "imports", operation_id = "readImport",
    params(
        ("id" = String, Path, description = "The import"),
        FieldsParameter,
        ("If-None-Match" = Option<String>, Header, description = "A revision that the client has"),
    ),
    responses(
        (status = 200, description = "The metadata record", body = MetadataRecord),
        (status = 304, description = "The client has it"),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such import", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(super) async fn read(
    State(door): State<Door>,
    principal: Principal,
    Path(id): Path<String>,
    conditions: Conditions,
    params: Params,
) -> Result<Response, Problem> {
    conditions.refuse_if_match()?;
    let fields = Fields::of(&params)?;
    let (rev, record) = door
        .run(move |door| {
            let import = principal.import(&door.app, &id)?;
            Ok((import.rev(), shown(door, &import)))
        })
        .await?;
    Ok(conditions.unless_known(&rev, Answer::resource(fields.project(record))))
}

/// Deletes the record of an import that is over, with its failures. The objects that it wrote stay.
#[utoipa::path(
    delete, path = "/openidm/csv/metadata/{id}", tag = "imports", operation_id = "deleteImport",
    params(
        ("id" = String, Path, description = "The import"),
        FieldsParameter,
        ("If-Match" = Option<String>, Header, description = "The revision that is deleted, or * for any"),
    ),
    responses(
        (status = 200, description = "The metadata record, as it was", body = MetadataRecord),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such import", body = ProblemBody),
        (status = 409, description = "The import is not over: cancel it first", body = ProblemBody),
        (status = 412, description = "A condition does not hold", body = ProblemBody),
    ),
)]
pub(super) async fn delete(
    State(door): State<Door>,
    principal: Principal,
    Path(id): Path<String>,
    conditions: Conditions,
    params: Params,
) -> Result<Answer, Problem> {
    principal.must_be(Role::Importer)?;
    let (condition, fields) = (conditions.of_change()?, Fields::of(&params)?);
    let deleted = door
        .run(move |door| {
            let import = principal.import(&door.app, &id)?;
            door.app.delete_import(import.id, &condition)
        })
        .await?;
    Ok(Answer::resource(fields.project(deleted.to_json())))
}

/// Refused: records of imports are written by imports.
#[utoipa::path(
    method(put, patch), path = "/openidm/csv/metadata/{id}", tag = "imports", operation_id = "writeImport",
    params(("id" = String, Path, description = "The import")),
    responses((status = 403, description = "Not offered", body = ProblemBody)),
)]
pub(super) async fn write(_principal: Principal, Path(id): Path<String>) -> Problem {
    not_offered(&format!("{COLLECTION}/{id}"))
}

/// Refused: records of imports are written by imports.
#[utoipa::path(
    method(put, patch, delete), path = "/openidm/csv/metadata", tag = "imports", operation_id = "writeImports",
    responses((status = 403, description = "Not offered", body = ProblemBody)),
)]
pub(super) async fn write_collection(_principal: Principal) -> Problem {
    not_offered(COLLECTION)
}

fn not_offered(resource: &str) -> Problem {
    let message = format!("{resource} is written by imports: upload a file to /upload/csv");
    Problem::new(StatusCode::FORBIDDEN, message)
}
