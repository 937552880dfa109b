//! New import: a file, what it would do, and then the import of the very same bytes.
//!
//! An object type is chosen, then a file with what it takes to read it ([`choices`]). The file always makes a dry run
//! first, whose [`report`] shows what would happen to every record; only from there it is imported. A file that is
//! refused as a whole comes back with everything that is wrong with it ([`refused`]), on the form that it was sent from.
//! Whoever corrects the file of an earlier import finds its choices there, and what cannot be chosen ([`beyond`]).

mod beyond;
mod choices;
mod described;
mod refused;
mod report;

use std::time::Duration;

use askama::Template;
use axum::Router;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use tokio::time::{Instant, sleep};

use self::beyond::Beyond;
use self::choices::Choices;
use self::described::Described;
use self::refused::Refused;
use super::form::{CSRF, check_csrf};
use super::page::{Chrome, Section, filters, html};
use super::refusal::shown;
use super::visitor::Visitor;
use crate::access::Role;
use crate::error::{Error, Result};
use crate::figures::grouped;
use crate::http::params::Params;
use crate::http::patience::LastStep;
use crate::http::template::template_file;
use crate::http::upload::Uploading;
use crate::http::{Door, Problem};
use crate::import::ImportId;
use crate::repository::StoredType;
use crate::schema::TypeName;

pub(super) use self::choices::again;

/// How long a file that was sent is waited for: what is small is looked through by the time its report is asked for.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(25);

pub(super) fn routes() -> Router<Door> {
    Router::new()
        .route("/console/new", get(types))
        .route("/console/new/{type}", get(form).post(upload))
        .route("/console/new/{type}/template.csv", get(template))
        // An object type may be called so.
        .route("/console/new/report/template.csv", get(template_of_report))
        .route("/console/new/report/{id}", get(report::show))
        .route("/console/new/report/{id}/apply", post(report::apply))
}

/// The page on which an object type is chosen.
#[derive(Template)]
#[template(path = "new_import/types.html")]
struct TypesPage {
    chrome: Chrome,
    types: Vec<Described>,
}

async fn types(State(door): State<Door>, visitor: Visitor) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Importer)?;
    let principal = visitor.principal.clone();
    let types = door.run(move |door| principal.object_types(&door.app)).await?;
    let types = types.iter().map(|stored| Described::new(&stored.object_type)).collect();
    Ok(html(&TypesPage { chrome: Chrome::new("New import", Section::NewImport, &visitor), types })?)
}

/// The page from which a file is sent.
#[derive(Template)]
#[template(path = "new_import/form.html")]
struct FormPage {
    chrome: Chrome,
    object_type: Described,
    choices: Choices,
    /// What the import whose choices these are was run with besides.
    beyond: Option<Beyond>,
    /// What came of the file that was sent.
    refused: Option<Refused>,
    max_size: u64,
}

impl FormPage {
    fn new(door: &Door, visitor: &Visitor, stored: &StoredType, choices: Choices, params: &Params) -> Result<FormPage> {
        let object_type = Described::with_examples(&stored.object_type);
        let chrome = Chrome::new(format!("New import: {}", object_type.title), Section::NewImport, visitor);
        let beyond = Beyond::of(params, door, &visitor.principal, &stored.object_type)?;
        let max_size = door.app.config.upload.max_size;
        Ok(FormPage { chrome, object_type, choices, beyond, refused: None, max_size })
    }

    /// Whether objects are found by something else than a property that is unique.
    fn is_found_otherwise(&self) -> bool {
        let others = self.object_type.finding(false);
        self.object_type.finding(true).is_empty() || others.iter().any(|other| self.choices.is_unique(&other.path))
    }

    /// The most that may be sent, as people say it.
    fn most(&self) -> String {
        match self.max_size {
            size if size.is_multiple_of(1 << 20) => format!("{} MB", size >> 20),
            size => format!("{} bytes", grouped(size)),
        }
    }
}

async fn form(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    let stored = importable_type(&door, &visitor, &name).await?;
    let choices = Choices::asked(&params, &stored.object_type, &door.app.config)?;
    door.run(move |door| html(&FormPage::new(door, &visitor, &stored, choices, &params)?)).await
}

async fn template(State(door): State<Door>, visitor: Visitor, Path(name): Path<String>) -> Result<Response, Problem> {
    let stored = importable_type(&door, &visitor, &name).await?;
    Ok(template_file(&stored.object_type))
}

async fn template_of_report(state: State<Door>, visitor: Visitor) -> Result<Response, Problem> {
    template(state, visitor, Path("report".to_owned())).await
}

/// The object type of this name behind `managed/`, if the visitor may import objects of it.
async fn importable_type(door: &Door, visitor: &Visitor, name: &str) -> Result<StoredType, Problem> {
    visitor.principal.must_be(Role::Importer)?;
    let name: TypeName = format!("managed/{name}").parse()?;
    let principal = visitor.principal.clone();
    door.run(move |door| principal.object_type(&door.app, &name)).await
}

/// Takes a file and has it looked through.
async fn upload(
    State(door): State<Door>,
    visitor: Visitor,
    Path(name): Path<String>,
    params: Params,
    Extension(last_step): Extension<LastStep>,
    request: Request,
) -> Result<Response, Problem> {
    let stored = importable_type(&door, &visitor, &name).await?;
    let choices = Choices::preset(&stored.object_type, &door.app.config);
    let mut sent = Sent { params, filename: None, choices };
    match dry_run(&door, &visitor, &stored, request, &mut sent, &last_step).await {
        Ok(id) => {
            await_end(&door, id).await?;
            Ok(Redirect::to(&report::address(id)).into_response())
        }
        Err(problem) => refuse(&door, visitor, stored, sent, problem).await,
    }
}

/// What is known of what was sent.
struct Sent {
    /// Of the address.
    params: Params,
    filename: Option<String>,
    choices: Choices,
}

/// Queues a dry run of the file that a request brings.
async fn dry_run(
    door: &Door,
    visitor: &Visitor,
    stored: &StoredType,
    request: Request,
    sent: &mut Sent,
    last_step: &LastStep,
) -> Result<ImportId, Problem> {
    let (head, body) = request.into_parts();
    let mut uploading = match Uploading::new(&head.headers, body, door.app.config.upload.max_size) {
        Err(problem) if problem.status() == StatusCode::BAD_REQUEST => {
            // What is no form with files is not from a page of ours.
            check_csrf(None, None)?;
            return Err(problem);
        }
        uploading => uploading?,
    };
    let fields = uploading.fields().await?;
    check_csrf(fields.one(CSRF)?, Some(&visitor.csrf))?;
    sent.choices = Choices::sent(&fields, &stored.object_type, &door.app.config)?;
    sent.filename = uploading.file_name().map(str::to_owned);
    let plan = sent.choices.plan(&stored.object_type, &visitor.principal, &door.app.config);
    let receiving = door.run(move |door| Ok(door.app.receive(plan, None)?.thorough())).await?;
    let receiving = uploading.receive(door, receiving).await?;
    last_step.begin();
    let queue = move |_: &Door| match receiving.files() {
        0 => Err(Error::request("no file was chosen: drop one, or choose one")),
        1 => receiving.queue()?.first().copied().ok_or_else(|| Error::internal("a file became no import")),
        _ => Err(Error::request("there is more than one file: send one at a time")),
    };
    door.run(queue).await
}

/// The form again, with what is wrong with the file; any other problem is for other pages to tell.
async fn refuse(
    door: &Door,
    visitor: Visitor,
    stored: StoredType,
    sent: Sent,
    problem: Problem,
) -> Result<Response, Problem> {
    let status = problem.status();
    if !matches!(status, StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE) {
        return Err(problem);
    }
    let Sent { params, filename, choices } = sent;
    let page = door.run(move |door| {
        let plan = choices.plan(&stored.object_type, &visitor.principal, &door.app.config);
        let refused = Refused::new(filename, problem.body(), &stored.object_type, &plan);
        html(&FormPage { refused: Some(refused), ..FormPage::new(door, &visitor, &stored, choices, &params)? })
    });
    Ok(shown(status, page.await?))
}

/// Waits a little for an import to be over.
async fn await_end(door: &Door, id: ImportId) -> Result<(), Problem> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let import = door.run(move |door| door.app.import(id)).await?;
        if import.state.end().is_some() {
            break;
        }
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
