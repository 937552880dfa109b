//! The report of a dry run: what would happen to every record, and the way from there to the import.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::utf8_percent_encode;
use serde_json::Value;

use super::again;
use super::choices::IN_ADDRESSES;
use super::described::title_of;
use super::refused::ColumnRow;
use crate::access::Role;
use crate::app::{columns_of, has_expired};
use crate::console::form::Form;
use crate::console::imports::CountBar;
use crate::console::imports::groups::{Group, groups};
use crate::console::page::{Chrome, Section, filters, html};
use crate::console::refusal::sentence;
use crate::console::visitor::{Visitor, is_of_htmx};
use crate::error::{Result, shown};
use crate::figures::counted;
use crate::http::patience::LastStep;
use crate::http::{Door, Problem};
use crate::import::{Counts, Import, ImportId, State as Stage};
use crate::plan::{OnFailure, Plan};
use crate::report::Sample;

/// How much of a value is shown.
const VALUE: usize = 200;

/// Where the report of a dry run is.
pub(super) fn address(id: ImportId) -> String {
    format!("/console/new/report/{id}")
}

/// Where an import is.
fn import_address(id: ImportId) -> String {
    format!("/console/imports/{id}")
}

#[derive(Template)]
#[template(path = "new_import/report.html")]
struct ReportPage {
    chrome: Chrome,
    report: Report,
}

/// The report without the page around it.
#[derive(Template)]
#[template(path = "new_import/report_part.html")]
struct ReportPart {
    chrome: Chrome,
    report: Report,
}

/// What is told of a dry run.
struct Report {
    import: Import,
    title: String,
    columns: Vec<ColumnRow>,
    /// Properties that new objects must have and no column fills.
    absent: Vec<String>,
    samples: Vec<ShownSample>,
    groups: Vec<Group>,
    more_groups: usize,
    bar: CountBar,
    /// How many records were looked at, and of how many.
    position: (u64, u64),
    /// What it became when it was applied.
    applied: Option<Import>,
    /// Where a file can be sent with the same choices.
    again: String,
    /// The same, without all or nothing.
    again_by_record: String,
}

/// A record that would change an object, or make one.
struct ShownSample {
    row: u64,
    /// The id of the object, and where it is.
    object: Option<(String, String)>,
    changes: Vec<ShownChange>,
}

struct ShownChange {
    property: String,
    old: Option<String>,
    new: Option<String>,
}

pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let principal = visitor.principal.clone();
    let found = door.run(move |door| {
        let import = principal.import(&door.app, &id)?;
        if import.plan.dry_run { Report::of(door, import).map(Ok) } else { Ok(Err(import.id)) }
    });
    match found.await? {
        Ok(report) => page(&visitor, report, &headers),
        Err(id) => Ok(Redirect::to(&import_address(id)).into_response()),
    }
}

fn page(visitor: &Visitor, report: Report, headers: &HeaderMap) -> Result<Response, Problem> {
    let chrome = Chrome::new(format!("Dry run: {}", report.import.filename), Section::NewImport, visitor);
    let page = match is_of_htmx(headers) {
        true => html(&ReportPart { chrome, report }),
        false => html(&ReportPage { chrome, report }),
    };
    Ok(page?)
}

/// Imports exactly the bytes that the dry run looked at, once.
pub(super) async fn apply(
    State(door): State<Door>,
    visitor: Visitor,
    Path(id): Path<String>,
    Extension(last_step): Extension<LastStep>,
    _form: Form,
) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Importer)?;
    let principal = visitor.principal.clone();
    last_step.begin();
    let applied = door.run(move |door| {
        let id = principal.import(&door.app, &id)?.id;
        door.app.apply_dry_run_once(id, principal.caller())
    });
    Ok(Redirect::to(&import_address(applied.await?)).into_response())
}

/// Where a dry run stands, and what can be done from there.
enum Verdict {
    /// It is not over.
    UnderWay,
    /// Its records would be imported.
    Importable,
    /// Nothing would be different.
    NothingToDo,
    /// A record fails, and it is all or nothing.
    AllOrNothing,
    /// The file is refused.
    Refused(String),
    Cancelled,
    /// Its bytes are gone.
    Expired,
    /// It is being imported, or was.
    Applied(ImportId, Became),
}

/// What became of the import that a dry run became.
enum Became {
    /// It is not over.
    UnderWay,
    Done,
    /// It was cancelled or has failed, and the file is there still or not.
    Nothing {
        word: &'static str,
        is_kept: bool,
    },
}

impl Report {
    fn of(door: &Door, import: Import) -> Result<Report> {
        let app = &door.app;
        let stored = app.object_type(&import.plan.object_type)?;
        let object_type = &stored.object_type;
        let is_over = import.state.end().is_some();
        let has_failures = is_over && import.counts.failure > 0;
        let (groups, more_groups) = if has_failures { groups(app, &import)? } else { Default::default() };
        let samples = if is_over { app.repository.samples(import.id)? } else { Vec::new() };
        let (columns, _) = columns_of(&import.header, object_type, &import.plan);
        let columns: Vec<ColumnRow> = columns.iter().map(|column| ColumnRow::new(column, object_type)).collect();
        let filled: BTreeSet<&str> = columns.iter().filter_map(ColumnRow::path).collect();
        let required = object_type.required_properties().filter(|property| property.default.is_none());
        let absent = required.filter(|property| !filled.contains(property.path.as_str()));
        let absent = absent.map(|property| property.path.clone()).collect();
        let by_record = Plan { on_failure: OnFailure::SkipRecord, ..import.plan.clone() };
        Ok(Report {
            title: title_of(object_type),
            absent,
            samples: samples.iter().map(|sample| ShownSample::new(sample, &import)).collect(),
            more_groups,
            bar: CountBar::new(&import.counts),
            position: position(door, &import),
            groups,
            applied: app.applied(import.id)?.map(|applied| app.import(applied)).transpose()?,
            again: again(&import.plan, import.id),
            again_by_record: again(&by_record, import.id),
            columns,
            import,
        })
    }

    fn verdict(&self) -> Verdict {
        let Counts { created, updated, failure, .. } = self.import.counts;
        let is_atomic = self.import.plan.on_failure == OnFailure::RejectFile;
        match &self.import.state {
            Stage::Queued | Stage::Running => Verdict::UnderWay,
            Stage::Cancelled { .. } => Verdict::Cancelled,
            Stage::Failed { .. } if is_atomic && failure > 0 => Verdict::AllOrNothing,
            Stage::Failed { problem, .. } => {
                Verdict::Refused(sentence(problem["message"].as_str().unwrap_or("the file was refused")))
            }
            Stage::Finished { .. } => match &self.applied {
                Some(applied) => Verdict::Applied(applied.id, self.became(applied)),
                None if created + updated == 0 => Verdict::NothingToDo,
                None if has_expired(&self.import) => Verdict::Expired,
                None => Verdict::Importable,
            },
        }
    }

    fn became(&self, applied: &Import) -> Became {
        let nothing = |word| Became::Nothing { word, is_kept: !has_expired(&self.import) };
        match applied.state {
            Stage::Queued | Stage::Running => Became::UnderWay,
            Stage::Finished { .. } => Became::Done,
            Stage::Cancelled { .. } => nothing("was cancelled"),
            Stage::Failed { .. } => nothing("has failed"),
        }
    }

    fn is_under_way(&self) -> bool {
        matches!(self.verdict(), Verdict::UnderWay)
    }

    fn is_importable(&self) -> bool {
        matches!(self.verdict(), Verdict::Importable)
    }

    fn is_all_or_nothing(&self) -> bool {
        matches!(self.verdict(), Verdict::AllOrNothing)
    }

    /// How many columns the file has.
    fn size(&self) -> u64 {
        self.columns.len() as u64
    }

    /// The records that would change an object, or those that would make one.
    fn samples(&self, of_changes: bool) -> Vec<&ShownSample> {
        self.samples.iter().filter(|sample| sample.object.is_some() == of_changes).collect()
    }

    /// What records without an outcome are.
    fn left_over(&self) -> &'static str {
        match self.verdict() {
            Verdict::AllOrNothing => "Good, but left out",
            _ => "Not looked at",
        }
    }

    /// The records that would make or change an object.
    fn changing(&self) -> u64 {
        self.import.counts.created + self.import.counts.updated
    }

    /// The same in words, where others fail.
    fn good(&self) -> String {
        if self.changing() == 1 { "good record".to_owned() } else { counted(self.changing(), "good record") }
    }

    /// How many columns fill a property.
    fn matched(&self) -> u64 {
        self.columns.iter().filter(|column| column.property.is_some()).count() as u64
    }

    /// Whether all columns fill a property or are ours.
    fn is_plain(&self) -> bool {
        self.columns.iter().all(|column| column.property.is_some() && column.is_same())
    }
}

impl ShownSample {
    fn new(sample: &Sample, import: &Import) -> ShownSample {
        let changes = sample.changes.iter().map(|change| ShownChange {
            property: change.property.clone(),
            old: change.old.as_ref().map(text),
            new: change.new.as_ref().map(text),
        });
        let object = sample.object.as_ref().map(|id| {
            let encoded = utf8_percent_encode(id, IN_ADDRESSES);
            (id.clone(), format!("/console/objects/{}/{encoded}", import.plan.object_type.short()))
        });
        ShownSample { row: sample.row, object, changes: changes.collect() }
    }
}

/// A value as people read it.
fn text(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    shown(&text, VALUE).into_owned()
}

/// How many records were looked at, and of how many: what this process knows if it does it, else what is stored.
fn position(door: &Door, import: &Import) -> (u64, u64) {
    let stored = (import.counts.success() + import.counts.failure, import.counts.total);
    door.worker.progress(import.id).map_or(stored, |progress| {
        let total = progress.total().max(stored.1);
        (progress.applied().max(stored.0).min(total), total)
    })
}
