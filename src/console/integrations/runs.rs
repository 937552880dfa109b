//! The runs of a drop folder: those of a page, and one.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::address;
use super::shown::{CallbackLine, RunLine, date, state};
use crate::access::{Principal, Role};
use crate::console::form::Form;
use crate::console::page::{Chrome, Section, filters, html};
use crate::console::visitor::Visitor;
use crate::drop_folder::DropFolders;
use crate::error::Result;
use crate::figures;
use crate::http::drop_folder::find;
use crate::http::drop_folder::runs::{find_run, sees};
use crate::http::params::Params;
use crate::http::{Door, Problem};
use crate::run::{Run, RunFile, Step};

/// Runs on a page.
const ON_A_PAGE: usize = 20;

/// The latest runs of a drop folder, or those behind a page of them.
pub(super) struct Page {
    pub(super) lines: Vec<RunLine>,
    /// The address of those behind them, if there are more.
    pub(super) older: Option<String>,
    /// Whether these are the latest ones.
    pub(super) is_first: bool,
}

impl Page {
    pub(super) fn of(door: &Door, principal: &Principal, name: &str, params: &Params) -> Result<Page> {
        // A text that is no position shows the first page.
        let behind = params.one("behind")?.and_then(|text| text.parse().ok()).unwrap_or(0);
        let mut runs = door.app.repository.runs_behind(name, behind, ON_A_PAGE + 1)?;
        let more = runs.len() > ON_A_PAGE;
        runs.truncate(ON_A_PAGE);
        let last = runs.last().filter(|_| more).map(|(position, _)| *position);
        let seen = runs.iter().filter(|(_, run)| sees(principal, run));
        Ok(Page {
            lines: seen.map(|(_, run)| RunLine::of(door, run)).collect::<Result<_>>()?,
            older: last.map(|position| format!("{}?behind={position}#runs", address(name))),
            is_first: behind == 0,
        })
    }
}

/// One run.
#[derive(Template)]
#[template(path = "integrations/run.html")]
struct RunPage {
    chrome: Chrome,
    folder: String,
    folder_address: String,
    address: String,
    done: Option<&'static str>,
    date: String,
    state: (&'static str, &'static str),
    begin: String,
    end: Option<String>,
    took: Option<String>,
    trouble: Option<(String, String)>,
    steps: Vec<StepLine>,
    files: Vec<FileLine>,
    status: Option<String>,
    callback: Option<CallbackShown>,
}

/// A step on the way of a run.
struct StepLine {
    name: &'static str,
    is_done: bool,
    is_next: bool,
}

/// A file of a run.
struct FileLine {
    name: String,
    size: u64,
    modified: String,
    ignored: Option<String>,
    import: Option<String>,
    /// The class of its state, and the word for it.
    state: Option<(&'static str, &'static str)>,
    records: u64,
    errors: Vec<String>,
    more_errors: u64,
    warnings: Vec<String>,
}

/// The callback about a run.
struct CallbackShown {
    line: CallbackLine,
    /// Whether no callback of the drop folder is made.
    are_off: bool,
    webhook: String,
    body: String,
    attempts: Vec<Attempt>,
}

/// An attempt at a callback.
struct Attempt {
    at: String,
    status: Option<u16>,
    problem: Option<String>,
}

const STEPS: [(Step, &str); 6] = [
    (Step::Claimed, "Claimed: the files of the partition are ours"),
    (Step::Imported, "Imported, or refused, file by file"),
    (Step::RoomMade, "Room made under processed"),
    (Step::Copied, "Copied to processed"),
    (Step::Reported, "status.txt written"),
    (Step::Cleared, "Cleared from current"),
];

impl RunPage {
    fn of(door: &Door, visitor: &Visitor, run: &Run, done: Option<&'static str>) -> Result<RunPage> {
        let repository = &door.app.repository;
        let callback = match repository.callback(run.id)? {
            None => None,
            Some(callback) => Some(CallbackShown {
                line: CallbackLine::of(&callback.state),
                are_off: door.drop_folders.standing(&find(door, &visitor.principal, &run.drop_folder)?)?.callback_off,
                webhook: run.id.webhook(),
                body: callback.body,
                attempts: repository
                    .callback_attempts(run.id)?
                    .into_iter()
                    .map(|attempt| Attempt { at: attempt.at, status: attempt.status, problem: attempt.problem })
                    .collect(),
            }),
        };
        let date = date(&run.partition);
        let next = STEPS.iter().find(|(step, _)| *step > run.step).map(|(step, _)| *step);
        Ok(RunPage {
            chrome: Chrome::new(format!("{date} of {}", run.drop_folder), Section::Integrations, visitor),
            folder: run.drop_folder.clone(),
            folder_address: address(&run.drop_folder),
            address: format!("{}/runs/{}", address(&run.drop_folder), run.id),
            done,
            date,
            state: state(run),
            begin: run.begin.clone(),
            end: run.end.clone(),
            took: run.end.as_ref().map(|end| figures::duration(figures::between(&run.begin, end))),
            trouble: run.trouble.as_ref().map(|trouble| (trouble.message.clone(), trouble.since.clone())),
            steps: STEPS
                .iter()
                .map(|(step, name)| StepLine { name, is_done: *step <= run.step, is_next: next == Some(*step) })
                .collect(),
            files: run.files.iter().map(FileLine::of).collect(),
            status: DropFolders::status_text(run),
            callback,
        })
    }
}

impl FileLine {
    fn of(file: &RunFile) -> FileLine {
        let outcome = file.outcome.as_ref();
        FileLine {
            name: file.name.clone(),
            size: file.version.size,
            modified: file.version.modified.clone(),
            ignored: file.ignored.clone(),
            import: file.import.map(|import| import.to_string()),
            state: outcome.map(|outcome| if outcome.success { ("finished", "success") } else { ("failed", "error") }),
            records: outcome.map_or(0, |outcome| outcome.records),
            errors: outcome.map(|outcome| outcome.errors.clone()).unwrap_or_default(),
            more_errors: outcome.map_or(0, |outcome| outcome.more_errors),
            warnings: outcome.map(|outcome| outcome.warnings.clone()).unwrap_or_default(),
        }
    }
}

pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    Path((name, id)): Path<(String, String)>,
    params: Params,
) -> Result<Response, Problem> {
    let done = match params.one("done")? {
        Some("sent") => Some(
            "The callback is sent as soon as can be, with the same webhook-id. Callbacks of this drop folder are on.",
        ),
        _ => None,
    };
    let page = door
        .run(move |door| {
            let run = find_run(door, &visitor.principal, &name, &id)?;
            RunPage::of(door, &visitor, &run, done)
        })
        .await?;
    Ok(html(&page)?)
}

/// Has the callback about a run sent again.
pub(super) async fn send_callback(
    State(door): State<Door>,
    visitor: Visitor,
    Path((name, id)): Path<(String, String)>,
    _form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    let to = door
        .run(move |door| {
            let run = find_run(door, &visitor.principal, &name, &id)?;
            door.drop_folders.send_callback_again(&run)?;
            Ok(format!("{}/runs/{}?done=sent", address(&run.drop_folder), run.id))
        })
        .await?;
    Ok(Redirect::to(&to).into_response())
}
