//! Failed records: as CSV, to be corrected and imported again, and as JSON for programs.
//!
//! Both are read a piece at a time, so that a slow client holds up nothing in the repository. While an import runs,
//! failures are only added behind those that were read; if they are taken away instead, the answer breaks off.

use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_DISPOSITION;
use axum::response::Response;

use super::Door;
use super::answer::JSON;
use super::metadata::record::FailureRecords;
use super::paging::{Candidate, Chunk, in_chunks, write_answer};
use super::params::Params;
use super::problem::{Problem, ProblemBody};
use super::query::{Query, QueryParameters};
use super::streaming::{BodyWriter, not_sent};
use crate::access::Principal;
use crate::app::App;
use crate::error::{Error, Result};
use crate::failure::{Escape, Failure, FailuresWriter};
use crate::import::Import;

/// Failures that are read at once.
const AT_ONCE: usize = 128;

/// The failed records of an import as CSV: the columns of the file, then `_importError`. While the import runs, those
/// so far.
#[utoipa::path(
    get, path = "/export/csvImportFailures/{id}", tag = "imports", operation_id = "exportFailures",
    params(
        ("id" = String, Path, description = "The import"),
        ("escape" = Option<String>, Query, description =
            "`spreadsheet` (the default) guards cells that look like formulas, `none` leaves them, for programs"),
    ),
    responses(
        (status = 200, description = "The failed records", content_type = "text/csv", body = String),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such import, or it has no failures", body = ProblemBody),
    ),
)]
pub(crate) async fn csv(
    State(door): State<Door>,
    principal: Principal,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    let escape = params.one("escape")?.map_or(Ok(Escape::default()), str::parse)?;
    let import = door.run(move |door| principal.import(&door.app, &id)).await?;
    let name = format!("attachment; filename=\"csvImportFailures-{}.csv\"", import.id);
    let write = move |door: &Door, out: &mut BodyWriter| write_csv(&door.app, &import, escape, out);
    let mut response = door.stream("text/csv; charset=UTF-8", write).await?;
    response.headers_mut().extend(HeaderValue::try_from(name).map(|name| (CONTENT_DISPOSITION, name)));
    Ok(response)
}

fn write_csv(app: &App, import: &Import, escape: Escape, out: &mut BodyWriter) -> Result<()> {
    let mut failures = failures_behind(app, import, 0)?;
    if failures.is_empty() {
        return Err(Error::not_found(format!("import {} has no failures", import.id)));
    }
    let mut writer = FailuresWriter::new(out, &import.header, escape).map_err(not_sent)?;
    while let Some(last) = failures.last().map(|failure| failure.row) {
        for failure in &failures {
            writer.write(&failure.cells, &failure.plain_problem()).map_err(not_sent)?;
        }
        failures = failures_behind(app, import, last)?;
    }
    writer.finish().map(drop).map_err(not_sent)
}

/// The failed records of an import as JSON, with what is wrong with each.
#[utoipa::path(
    get, path = "/openidm/csv/metadata/{id}/failures", tag = "imports", operation_id = "queryFailures",
    params(("id" = String, Path, description = "The import"), QueryParameters),
    responses(
        (status = 200, description = "A page of failures, in the order of the file", body = FailureRecords),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such import", body = ProblemBody),
    ),
)]
pub(super) async fn query(
    State(door): State<Door>,
    principal: Principal,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    let query = Query::or_all(&params)?;
    let import = door.run(move |door| principal.import(&door.app, &id)).await?;
    door.stream(JSON, move |door, out| {
        let audience = out.audience();
        let failures = in_chunks(query.needed_behind().unwrap_or(0), |behind| {
            audience.is_there()?;
            chunk(&door.app, &import, behind)
        });
        write_answer(&query, failures, out)
    })
    .await
}

fn chunk(app: &App, import: &Import, behind: i64) -> Result<Chunk> {
    let failures = failures_behind(app, import, behind.unsigned_abs())?;
    let candidate =
        |failure: &Failure| Candidate { position: failure.row.cast_signed(), object: failure.to_json(&import.header) };
    let candidates: Vec<Candidate> = failures.iter().map(candidate).collect();
    Ok(Chunk { next: candidates.last().map(|last| last.position), candidates })
}

/// The next failures, of the attempt at the import that the answer has begun with.
fn failures_behind(app: &App, import: &Import, row: u64) -> Result<Vec<Failure>> {
    let failures = app.repository.failures(import.id, row, AT_ONCE)?;
    // Asked after reading: what has been read before anything was removed is whole.
    let now = app.import(import.id)?;
    if now.failures_purged || (import.started.is_some() && now.started != import.started) {
        return Err(Error::not_found(format!("the failures of import {} were removed", import.id)));
    }
    Ok(failures)
}
