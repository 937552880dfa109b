//! `/openidm/csv/metadata`: what became of files, earlier and now.

use axum::extract::{Path, State};
use axum::response::Response;

use super::Door;
use super::answer::Answer;
use super::fields::Fields;
use super::paging::{Candidate, Chunk, in_chunks, write_answer};
use super::params::Params;
use super::problem::{Problem, ProblemBody};
use super::query::{Query, QueryParameters};
use super::streaming::JSON;
use crate::access::Principal;
use crate::app::App;
use crate::error::Result;

/// Where the records are, in refusals.
const COLLECTION: &str = "csv/metadata";

/// Imports that are read at once.
const AT_ONCE: usize = 256;

/// The imports that a filter chooses, oldest first unless sorted.
#[utoipa::path(
    get, path = "/openidm/csv/metadata", tag = "imports", params(QueryParameters),
    responses(
        (status = 200, description = "A page of metadata records", body = Object),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
    ),
)]
pub(super) async fn query(State(door): State<Door>, principal: Principal, params: Params) -> Result<Response, Problem> {
    let query = Query::of(&params, COLLECTION)?;
    door.stream(JSON, move |door, out| {
        let audience = out.audience();
        let imports = in_chunks(query.needed_behind().unwrap_or(0), |behind| {
            audience.is_there()?;
            chunk(&door.app, &principal, behind)
        });
        write_answer(&query, imports, out)
    })
    .await
}

fn chunk(app: &App, principal: &Principal, behind: i64) -> Result<Chunk> {
    let imports = app.repository.imports_behind(behind, AT_ONCE)?;
    let next = imports.last().map(|(position, _)| *position);
    let seen = imports.into_iter().filter(|(_, import)| principal.sees(&import.plan.object_type));
    let candidates = seen.map(|(position, import)| Candidate { position, object: import.to_json() }).collect();
    Ok(Chunk { candidates, next })
}

/// One import.
#[utoipa::path(
    get, path = "/openidm/csv/metadata/{id}", tag = "imports",
    params(
        ("id" = String, Path, description = "The import"),
        ("_fields" = Option<String>, Query, description = "Pointers to what is shown, with commas between them"),
    ),
    responses(
        (status = 200, description = "The metadata record", body = Object),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such import", body = ProblemBody),
    ),
)]
pub(super) async fn read(
    State(door): State<Door>,
    principal: Principal,
    Path(id): Path<String>,
    params: Params,
) -> Result<Answer, Problem> {
    let fields = Fields::of(&params)?;
    let import = door.run(move |door| principal.import(&door.app, &id)).await?;
    Ok(Answer::resource(fields.project(import.to_json())))
}
