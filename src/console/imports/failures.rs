//! The failures of an import: a table in which the offending cells are marked, and the file to correct.

use std::io::Write as _;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::IMPORTS;
use super::groups::{Group, groups};
use super::words::Remedy;
use crate::access::Role;
use crate::console::page::{Chrome, Section, filters, written};
use crate::console::visitor::Visitor;
use crate::error::{Error, Result, shown};
use crate::failure::{Failure, column_of};
use crate::figures::grouped;
use crate::http::params::Params;
use crate::http::streaming::{BodyWriter, not_sent};
use crate::http::{Door, Problem};
use crate::import::Import;
use crate::report::FailureFilter;
use crate::schema::path;

/// Failures on a page.
const ON_A_PAGE: usize = 50;

/// A search that has found too few by then ends and says how far it got.
const DEADLINE: Duration = Duration::from_secs(3);

/// How much of a cell, and of a reason, is shown.
const CELL: usize = 200;
const REASON: usize = 400;

/// Columns that are shown beside those that matter.
const COLUMNS: usize = 8;

/// Where the rows go that are written while the page is sent. No text of others can look like this.
const ROWS: &str = "<!--rows-->";

#[derive(Template)]
#[template(path = "imports/failures.html")]
struct FailuresPage {
    chrome: Chrome,
    id: String,
    remedy: Remedy,
    filename: String,
    count: u64,
    were_removed: bool,
    is_over: bool,
    may_import: bool,
    groups: Vec<Group>,
    more_groups: usize,
    asked: Asked,
    columns: Vec<Column>,
    hidden: usize,
    rows: Placeholder,
}

/// What stands where the rows go.
struct Placeholder;

impl std::fmt::Display for Placeholder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(ROWS)
    }
}

impl askama::filters::HtmlSafe for Placeholder {}

/// A column that is shown.
#[derive(Clone, Debug)]
struct Column {
    at: usize,
    name: String,
}

/// One failure.
#[derive(Template)]
#[template(path = "imports/failure.html")]
struct FailureRow {
    row: String,
    reasons: Vec<Reason>,
    cells: Vec<Cell>,
    surplus: Vec<String>,
}

struct Reason {
    /// The property or column it is about.
    about: Option<String>,
    message: String,
}

struct Cell {
    text: String,
    is_wrong: bool,
}

/// What comes behind the rows.
#[derive(Template)]
#[template(path = "imports/failures_end.html")]
struct End {
    columns: usize,
    found: usize,
    /// How far a search got that took too long.
    searched: Option<String>,
    next: Option<String>,
    first: Option<String>,
    all: String,
    is_narrowed: bool,
}

/// Which failures are looked for.
#[derive(Clone, Debug)]
struct Asked {
    id: String,
    requirement: Option<String>,
    property: Option<String>,
    q: String,
    after: u64,
    all_columns: bool,
}

pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    Path(id): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    let (import, page) = door
        .run(move |door| {
            let import = visitor.principal.import(&door.app, &id)?;
            let asked = Asked::of(&params, &import)?;
            let page = FailuresPage::of(door, &visitor, &import, asked)?;
            Ok((import, page))
        })
        .await?;
    door.stream("text/html; charset=utf-8", move |door, out| write(door, &import, &page, out)).await
}

/// The failed records as CSV.
pub(super) async fn download(
    state: State<Door>,
    visitor: Visitor,
    id: Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    crate::http::failures::csv(state, visitor.principal, id, params).await
}

/// Writes the page, its rows as they are found.
fn write(door: &Door, import: &Import, page: &FailuresPage, out: &mut BodyWriter) -> Result<()> {
    let text = written(page)?;
    let Some((head, foot)) = text.split_once(ROWS) else {
        return out.write_all(text.as_bytes()).map_err(not_sent);
    };
    out.write_all(head.as_bytes()).map_err(not_sent)?;
    if page.asked.is_search() {
        out.send_now()?;
    }
    let audience = out.audience();
    let (deadline, asked) = (Instant::now() + DEADLINE, &page.asked);
    let filter = asked.filter();
    let (mut found, mut next) = (0, Some(asked.after));
    while let Some(after) = next.filter(|_| found < ON_A_PAGE && Instant::now() < deadline) {
        audience.is_there()?;
        let page_of = door.app.repository.failures_of(import.id, &filter, after, ON_A_PAGE - found)?;
        for failure in &page_of.failures {
            let row = FailureRow::of(failure, import, &page.columns);
            out.write_all(written(&row)?.as_bytes()).map_err(not_sent)?;
        }
        found += page_of.failures.len();
        next = page_of.next;
    }
    let end = End {
        columns: page.columns.len() + 2,
        found,
        searched: next.filter(|_| found < ON_A_PAGE).map(grouped),
        next: next.map(|next| asked.address(next)),
        first: (asked.after > 0).then(|| asked.address(0)),
        all: format!("{IMPORTS}/{}/failures", asked.id),
        is_narrowed: asked.is_narrowed(),
    };
    out.write_all(written(&end)?.as_bytes()).map_err(not_sent)?;
    out.write_all(foot.as_bytes()).map_err(not_sent)
}

impl FailuresPage {
    fn of(door: &Door, visitor: &Visitor, import: &Import, asked: Asked) -> Result<FailuresPage> {
        let (groups, more_groups) = match import.failures_purged {
            true => (Vec::new(), 0),
            false => groups(&door.app, import)?,
        };
        let columns = columns(import, &groups, &asked);
        Ok(FailuresPage {
            chrome: Chrome::new(format!("Failures of {}", import.filename), Section::Imports, visitor),
            id: import.id.to_string(),
            remedy: Remedy::of(import),
            filename: import.filename.clone(),
            count: import.counts.failure,
            were_removed: import.failures_purged,
            is_over: import.state.end().is_some(),
            may_import: visitor.may_be(Role::Importer),
            hidden: import.header.len() - columns.len(),
            groups,
            more_groups,
            asked,
            columns,
            rows: Placeholder,
        })
    }

    fn is_chosen(&self, group: &Group) -> bool {
        self.asked.requirement.as_ref() == Some(&group.requirement) && self.asked.property == group.property
    }
}

/// The columns that are shown: those of the key, those that are wrong somewhere, and as many others as there is room for.
fn columns(import: &Import, groups: &[Group], asked: &Asked) -> Vec<Column> {
    let is_about = |name: &str, property: &str| path(name) == property;
    let matters = |name: &str| {
        let in_key = import.plan.correlation.iter().any(|property| is_about(name, property));
        let mut offending = groups.iter().filter_map(|group| group.property.as_deref());
        let offends = match &asked.property {
            Some(property) => is_about(name, property),
            None => offending.any(|property| is_about(name, property)),
        };
        in_key || offends
    };
    let mut room = COLUMNS;
    let mut columns = Vec::new();
    for (at, name) in import.header.iter().enumerate() {
        let is_shown = matters(name) || room > 0;
        room = room.saturating_sub(1);
        if is_shown || asked.all_columns {
            columns.push(Column { at, name: name.clone() });
        }
    }
    columns
}

impl FailureRow {
    fn of(failure: &Failure, import: &Import, columns: &[Column]) -> FailureRow {
        let header = &import.header;
        let about = |violation: &serde_json::Value| column_of(violation, header);
        let mut wrong: Vec<usize> = failure.violations().iter().filter_map(about).collect();
        wrong.extend((0..failure.cells.len()).filter(|at| failure.cells[*at].contains('\0')));
        let reason = |violation: &serde_json::Value| Reason {
            about: about(violation)
                .map(|at| header[at].as_str())
                .or(violation["property"].as_str())
                .map(|name| shown(name, CELL).into_owned()),
            message: shown(violation["message"].as_str().unwrap_or_default(), REASON).into_owned(),
        };
        let mut reasons: Vec<Reason> = failure.violations().iter().map(reason).collect();
        if reasons.is_empty() {
            let message = failure.problem["message"].as_str().unwrap_or_default();
            let message = message.strip_prefix(&format!("row {}: ", failure.row)).unwrap_or(message);
            reasons.push(Reason { about: None, message: shown(message, REASON).into_owned() });
        }
        let cell = |column: &Column| {
            let text = failure.cells.get(column.at).map_or("", String::as_str);
            // A cell that the record does not have is wrong too.
            let is_wrong = wrong.contains(&column.at) || column.at >= failure.cells.len();
            Cell { text: shown(text, CELL).into_owned(), is_wrong }
        };
        FailureRow {
            row: grouped(failure.row),
            reasons,
            cells: columns.iter().map(cell).collect(),
            surplus: failure.cells.iter().skip(header.len()).map(|cell| shown(cell, CELL).into_owned()).collect(),
        }
    }
}

impl Asked {
    fn of(params: &Params, import: &Import) -> Result<Asked> {
        let given = |name: &'static str| {
            Ok::<_, Error>(params.one(name)?.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned))
        };
        let after = given("after")?.map(|row| row.parse()).transpose();
        Ok(Asked {
            id: import.id.to_string(),
            requirement: given("requirement")?,
            property: given("property")?,
            q: given("q")?.unwrap_or_default(),
            after: after.map_err(|_| Error::request("'after' is a row, a number"))?.unwrap_or(0),
            all_columns: given("columns")?.as_deref() == Some("all"),
        })
    }

    /// Whether it may take long to find enough.
    fn is_search(&self) -> bool {
        !self.q.is_empty()
    }

    fn is_narrowed(&self) -> bool {
        self.is_search() || self.requirement.is_some()
    }

    fn filter(&self) -> FailureFilter {
        FailureFilter {
            requirement: self.requirement.clone(),
            property: self.property.clone(),
            text: Some(self.q.clone()).filter(|q| !q.is_empty()),
        }
    }

    /// Where these failures are, behind a row.
    fn address(&self, after: u64) -> String {
        let after = (after > 0).then(|| after.to_string());
        let parts = [
            ("requirement", self.requirement.as_deref()),
            ("property", self.property.as_deref()),
            ("q", Some(self.q.as_str()).filter(|q| !q.is_empty())),
            ("columns", self.all_columns.then_some("all")),
            ("after", after.as_deref()),
        ];
        let said = parts.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let said: Vec<String> =
            said.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))).collect();
        let mark = if said.is_empty() { "" } else { "?" };
        format!("{IMPORTS}/{}/failures{mark}{}", self.id, said.join("&"))
    }

    /// The same of all kinds.
    fn of_any_group(&self) -> String {
        Asked { requirement: None, property: None, ..self.clone() }.address(0)
    }

    /// The same with every column.
    fn with_all_columns(&self) -> String {
        Asked { all_columns: true, ..self.clone() }.address(self.after)
    }
}
