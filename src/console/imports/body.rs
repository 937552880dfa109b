//! All that is told about one import. It is the content of its page, and what takes the place of the live content when the
//! import is over.

use askama::Template;
use askama::filters::HtmlSafe;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::counts::{Share, shares};
use super::groups::{Group, groups};
use super::list::{integration, took};
use super::progress::{LEAST, Pace, Position};
use super::words::{Remedy, Wrong, origin, outcome, plan, problem};
use crate::access::Role;
use crate::clock;
use crate::console::chart::{Chart, Sparkline};
use crate::console::new_import::again;
use crate::console::page::filters;
use crate::console::visitor::Visitor;
use crate::error::Result;
use crate::figures::{ago, between, counted, grouped, size};
use crate::http::Door;
use crate::import::{Import, ImportId, State};
use crate::plan::{Caller, Dropped};
use crate::report::Milestone;

/// The content.
#[derive(Template)]
#[template(path = "imports/body.html")]
pub(super) struct Body {
    csrf: String,
    may_change: bool,
    is_admin: bool,
    id: String,
    filename: String,
    /// Where the file, corrected, is imported again in the same way.
    again: String,
    /// Of a dry run: the import of the same bytes.
    applied: Option<ImportId>,
    live: Live,
    is_over: bool,
    problem: Option<(String, Vec<Wrong>)>,
    failures: Failures,
    warnings: Vec<String>,
    warnings_title: String,
    chart: Option<Chart>,
    facts: Facts,
    keeps: Keeps,
}

impl HtmlSafe for Body {}

/// The part that changes while the import goes on.
#[derive(Template)]
#[template(path = "imports/live.html")]
pub(super) struct Live {
    state: &'static str,
    /// Whether somebody has asked it to stop.
    is_stopping: bool,
    is_dry: bool,
    position: Position,
    percent: String,
    /// What a screen reader says, when it changes: in steps, so that it does not talk without end.
    said: String,
    outcome: Option<String>,
    rate: Option<String>,
    left: Option<String>,
    took: Option<String>,
    bar: super::CountBar,
    shares: Vec<Share>,
    sparkline: Option<Sparkline>,
}

impl HtmlSafe for Live {}

/// The part about failures.
#[derive(Template)]
#[template(path = "imports/groups.html")]
pub(super) struct Failures {
    id: String,
    remedy: Remedy,
    count: u64,
    groups: Vec<Group>,
    more: usize,
    were_removed: bool,
    is_over: bool,
    may_change: bool,
}

impl HtmlSafe for Failures {}

/// Who, whence, what.
struct Facts {
    into: String,
    into_short: String,
    caller: Caller,
    origin: &'static str,
    dropped: Option<Dropped>,
    folder: String,
    begin: String,
    ago: String,
    started: Option<String>,
    end: Option<String>,
    size: String,
    records: Option<String>,
    oddities: Vec<String>,
    header: Vec<String>,
    columns: String,
    plan: Vec<(&'static str, String)>,
}

/// What the import still keeps.
struct Keeps {
    bytes: bool,
    failures: bool,
}

impl Body {
    pub(super) fn of(door: &Door, visitor: &Visitor, import: &Import) -> Result<Body> {
        let milestones = door.app.repository.milestones(import.id)?;
        let is_over = import.state.end().is_some();
        Ok(Body {
            csrf: visitor.csrf.clone(),
            may_change: visitor.may_be(Role::Importer),
            is_admin: visitor.may_be(Role::Admin),
            id: import.id.to_string(),
            filename: import.filename.clone(),
            again: again(&import.plan, import.id),
            applied: if import.plan.dry_run { door.app.applied(import.id)? } else { None },
            live: Live::of(door, import, overall(door, import), &milestones),
            is_over,
            problem: problem(import),
            failures: Failures::of(door, visitor, import)?,
            warnings: import.warnings.clone(),
            warnings_title: counted(import.warnings.len() as u64, "warning"),
            chart: Chart::new(&milestones).filter(|_| is_over),
            facts: Facts::of(import),
            keeps: Keeps {
                bytes: !import.spool_purged,
                failures: import.counts.failure > 0 && !import.failures_purged,
            },
        })
    }
}

/// How fast the import was from its start.
fn overall(door: &Door, import: &Import) -> Option<Pace> {
    let started = import.started.as_deref()?;
    let counts = &import.counts;
    let records = match import.state.end() {
        Some(_) => counts.success() + counts.failure,
        None => Position::of(door, import).done,
    };
    let elapsed = between(started, import.state.end().unwrap_or(&clock::now()));
    (records > 0 && elapsed >= LEAST).then_some(Pace { records, elapsed })
}

impl Live {
    pub(super) fn of(door: &Door, import: &Import, pace: Option<Pace>, milestones: &[Milestone]) -> Live {
        let position = Position::of(door, import);
        let is_over = import.state.end().is_some();
        let state = import.state.name();
        let outcome = outcome(import);
        let tenth = position.done * 10 / position.total.max(1) * 10;
        let said = match (&import.state, &outcome) {
            (State::Running, _) if position.total > 0 && position.is_looking => format!("{tenth} % looked at"),
            (State::Running, _) if position.total > 0 => format!("{tenth} % done"),
            (_, Some(outcome)) => format!("The import is {state}. {outcome}"),
            _ => format!("The import is {state}."),
        };
        Live {
            state,
            is_stopping: !is_over && door.app.repository.is_cancelled(import.id),
            is_dry: import.plan.dry_run,
            position,
            percent: super::counts::percent(position.done, position.total),
            said,
            outcome,
            rate: pace.map(Pace::rate),
            left: pace.filter(|_| !is_over).and_then(|pace| pace.left(position)),
            took: took(import, &clock::now()),
            bar: super::CountBar::large(&import.counts),
            shares: shares(&import.counts),
            sparkline: Sparkline::new(milestones).filter(|_| !is_over),
        }
    }
}

impl Failures {
    pub(super) fn of(door: &Door, visitor: &Visitor, import: &Import) -> Result<Failures> {
        let count = import.counts.failure;
        let (groups, more) = match count > 0 && !import.failures_purged {
            true => groups(&door.app, import)?,
            false => (Vec::new(), 0),
        };
        Ok(Failures {
            id: import.id.to_string(),
            remedy: Remedy::of(import),
            count,
            groups,
            more,
            were_removed: import.failures_purged,
            is_over: import.state.end().is_some(),
            may_change: visitor.may_be(Role::Importer),
        })
    }
}

impl Facts {
    /// Where a property of this name is added.
    fn add_property(&self, column: Option<&str>) -> String {
        let name = utf8_percent_encode(column.unwrap_or_default(), NON_ALPHANUMERIC);
        format!("/console/types/{}/properties?name={name}", self.into_short)
    }

    fn of(import: &Import) -> Facts {
        let structure = import.structure.as_ref();
        let oddity = |count: Option<u64>, said: &str| {
            count.filter(|count| *count > 0).map(|count| format!("{} {said}", counted(count, "record")))
        };
        let oddities = [
            oddity(structure.map(|found| found.ragged), "with more or fewer cells than there are columns"),
            oddity(structure.map(|found| found.with_nul), "with a NUL character"),
            oddity(structure.map(|found| found.stray_quotes), "with a quote inside an unquoted cell"),
        ];
        let unpacked = structure.map(|found| found.size).filter(|unpacked| *unpacked != import.size);
        let unpacked = unpacked.map(|unpacked| format!(", {} unpacked", size(unpacked))).unwrap_or_default();
        Facts {
            into: import.plan.object_type.to_string(),
            into_short: import.plan.object_type.short().to_owned(),
            caller: import.plan.caller.clone(),
            origin: origin(import.plan.origin),
            dropped: import.plan.dropped.clone(),
            folder: import.plan.dropped.as_ref().map(integration).unwrap_or_default(),
            begin: import.begin.clone(),
            ago: ago(clock::since(&import.begin)),
            started: import.started.clone(),
            end: import.state.end().map(str::to_owned),
            size: format!("{}{unpacked}", size(import.size)),
            records: (import.counts.total > 0).then(|| grouped(import.counts.total)),
            oddities: oddities.into_iter().flatten().collect(),
            header: import.header.clone(),
            columns: counted(import.header.len() as u64, "column"),
            plan: plan(&import.plan),
        }
    }
}
