//! The list of imports, the latest first.

use std::collections::BTreeSet;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::ToSpan;
use jiff::civil::Date;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::IMPORTS;
use super::counts::{CountBar, percent};
use super::progress::Position;
use super::words::{ORIGINS, STATES, origin};
use crate::clock;
use crate::console::page::{Chrome, Section, filters, html};
use crate::console::visitor::{Visitor, is_of_htmx};
use crate::error::{Error, Result};
use crate::figures::{ago, between, counted, duration, grouped};
use crate::http::params::Params;
use crate::http::{Door, Problem};
use crate::import::{Import, State as Stand};
use crate::plan::{Dropped, OnFailure};
use crate::report::ImportFilter;
use crate::schema::TypeName;

/// Imports on a page.
const ON_A_PAGE: usize = 25;

#[derive(Template)]
#[template(path = "imports/list.html")]
struct ListPage {
    chrome: Chrome,
    notice: Option<&'static str>,
    types: Vec<TypeName>,
    origins: [(&'static str, &'static str); 3],
    states: [&'static str; 5],
    asked: Asked,
    quick: Vec<Quick>,
    rows: Rows,
}

/// The part of the page that is live.
#[derive(Template)]
#[template(path = "imports/rows.html")]
struct Rows {
    rows: Vec<Row>,
    /// Where earlier imports are, if there may be some.
    older: Option<String>,
    /// Where the latest are, if these are others.
    latest: Option<String>,
    is_filtered: bool,
    may_import: bool,
}

impl HtmlSafe for Rows {}

/// A choice of time that takes one click.
struct Quick {
    name: &'static str,
    address: String,
    is_chosen: bool,
}

/// One import.
struct Row {
    id: String,
    filename: String,
    into: TypeName,
    state: &'static str,
    is_dry: bool,
    is_atomic: bool,
    origin: &'static str,
    dropped: Option<Dropped>,
    /// Where its drop folder is.
    folder: String,
    who: String,
    begin: String,
    ago: String,
    took: Option<String>,
    bar: CountBar,
    said: String,
}

/// What was asked for, as it was typed.
#[derive(Clone, Debug, Default)]
struct Asked {
    object_type: Option<TypeName>,
    state: Option<String>,
    origin: Option<String>,
    from: String,
    until: String,
    /// What is wrong with the dates.
    mistake: Option<String>,
    filter: ImportFilter,
}

pub(super) async fn show(
    State(door): State<Door>,
    visitor: Visitor,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, Problem> {
    let wants_part = is_of_htmx(&headers);
    let page = door
        .run(move |door| {
            let types = visitor.principal.object_types(&door.app)?;
            let types: Vec<TypeName> = types.iter().map(|stored| stored.object_type.name().clone()).collect();
            let asked = Asked::of(&params, visitor.principal.object_types.as_ref(), &types)?;
            let rows = rows(door, &visitor, &asked, before(&params)?)?;
            if wants_part {
                return html(&rows);
            }
            let chrome = Chrome::new("Imports", Section::Imports, &visitor);
            let origins = ORIGINS.map(|(_, word, name)| (word, name));
            let quick = asked.quick(&clock::now());
            let notice = notice(params.one("done")?);
            html(&ListPage { chrome, notice, types, origins, states: STATES, asked, quick, rows })
        })
        .await?;
    Ok(page)
}

fn notice(done: Option<&str>) -> Option<&'static str> {
    match done? {
        "deleted" => Some("The record of the import was deleted. The objects that it wrote are still there."),
        _ => None,
    }
}

fn before(params: &Params) -> Result<Option<i64>> {
    let Some(text) = params.one("before")?.filter(|text| !text.is_empty()) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| Error::request("'before' is the position of an import, a number"))
}

fn rows(door: &Door, visitor: &Visitor, asked: &Asked, before: Option<i64>) -> Result<Rows> {
    let page = door.app.repository.imports_before(&asked.filter, before, ON_A_PAGE)?;
    Ok(Rows {
        rows: page.imports.iter().map(|(_, import)| Row::of(door, import)).collect(),
        older: page.next.map(|next| asked.address(Some(next))),
        latest: before.map(|_| asked.address(None)),
        is_filtered: asked.is_filtered(),
        may_import: visitor.may_be(crate::access::Role::Importer),
    })
}

impl Row {
    fn of(door: &Door, import: &Import) -> Row {
        let plan = &import.plan;
        let now = clock::now();
        Row {
            id: import.id.to_string(),
            filename: import.filename.clone(),
            into: plan.object_type.clone(),
            state: import.state.name(),
            is_dry: plan.dry_run,
            is_atomic: plan.on_failure == OnFailure::RejectFile,
            origin: origin(plan.origin),
            dropped: plan.dropped.clone(),
            folder: plan.dropped.as_ref().map(integration).unwrap_or_default(),
            who: plan.caller.auth_id.clone(),
            begin: import.begin.clone(),
            ago: ago(clock::since(&import.begin)),
            took: took(import, &now),
            bar: CountBar::new(&import.counts),
            said: said(door, import),
        }
    }
}

/// Where the drop folder of a file is shown.
pub(super) fn integration(dropped: &Dropped) -> String {
    format!("/console/integrations/{}", utf8_percent_encode(&dropped.drop_folder, NON_ALPHANUMERIC))
}

/// How long it took, or takes.
pub(super) fn took(import: &Import, now: &str) -> Option<String> {
    let started = import.started.as_deref()?;
    Some(duration(between(started, import.state.end().unwrap_or(now))))
}

/// The counts in few words.
fn said(door: &Door, import: &Import) -> String {
    let counts = &import.counts;
    let records = |number| counted(number, "record");
    match &import.state {
        Stand::Queued => "waits for its turn".to_owned(),
        Stand::Running => {
            let Position { done, total, is_looking } = Position::of(door, import);
            match total {
                0 => format!("{} so far", records(done)),
                _ if is_looking => format!("{} of {} looked at", percent(done, total), records(total)),
                _ => format!("{} of {}", percent(done, total), records(total)),
            }
        }
        _ if counts.failure > 0 => {
            format!("{}, {} failed", records(counts.total), grouped(counts.failure))
        }
        _ => records(counts.total),
    }
}

impl Asked {
    fn of(params: &Params, seen: Option<&BTreeSet<TypeName>>, types: &[TypeName]) -> Result<Asked> {
        let given =
            |name: &'static str| Ok::<_, Error>(params.one(name)?.map(str::trim).filter(|text| !text.is_empty()));
        let object_type = given("type")?.map(|name| chosen_type(name, types)).transpose()?;
        let state = given("state")?.map(|word| one_of(word, &STATES, "state")).transpose()?;
        let words = ORIGINS.map(|(_, word, _)| word);
        let origin = given("origin")?.map(|word| one_of(word, &words, "origin")).transpose()?;
        let (from, until) = (given("from")?.unwrap_or_default(), given("until")?.unwrap_or_default());
        let (first, last) = (date(from), date(until));
        let mistake = [(from, &first), (until, &last)]
            .into_iter()
            .find(|(_, read)| read.is_err())
            .map(|(typed, _)| format!("'{typed}' is not a date: write one as 2026-02-28."));
        let (first, last) = (first.unwrap_or(None), last.unwrap_or(None));
        let filter = ImportFilter {
            object_types: object_type.clone().map(|chosen| BTreeSet::from([chosen])).or_else(|| seen.cloned()),
            state: state.clone(),
            origin: ORIGINS.iter().find(|(_, word, _)| origin.as_deref() == Some(word)).map(|(origin, ..)| *origin),
            from: first.map(midnight),
            until: last.and_then(|last| last.tomorrow().ok()).map(midnight),
        };
        let (from, until) = (from.to_owned(), until.to_owned());
        Ok(Asked { object_type, state, origin, from, until, mistake, filter })
    }

    fn is_filtered(&self) -> bool {
        let Asked { object_type, state, origin, from, until, .. } = self;
        object_type.is_some() || state.is_some() || origin.is_some() || !from.is_empty() || !until.is_empty()
    }

    /// Whether this object type is chosen, for templates.
    fn is_type(&self, name: &TypeName) -> bool {
        self.object_type.as_ref() == Some(name)
    }

    fn is_state(&self, word: &str) -> bool {
        self.state.as_deref() == Some(word)
    }

    fn is_origin(&self, word: &str) -> bool {
        self.origin.as_deref() == Some(word)
    }

    /// Where the imports are that were asked for.
    fn address(&self, before: Option<i64>) -> String {
        let before = before.map(|before| before.to_string());
        let parts = [
            ("type", self.object_type.as_ref().map(TypeName::short)),
            ("state", self.state.as_deref()),
            ("origin", self.origin.as_deref()),
            ("from", Some(self.from.as_str())),
            ("until", Some(self.until.as_str())),
            ("before", before.as_deref()),
        ];
        let said = parts.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)));
        let said: Vec<String> =
            said.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))).collect();
        if said.is_empty() { IMPORTS.to_owned() } else { format!("{IMPORTS}?{}", said.join("&")) }
    }

    /// The times that are asked for most, counted from this moment.
    fn quick(&self, now: &str) -> Vec<Quick> {
        let today = now.get(..10).and_then(|today| today.parse::<Date>().ok());
        let since = |days: i64| today.and_then(|today| today.checked_sub(days.days()).ok());
        let choices = [("Any time", None), ("Today", since(0)), ("Last 7 days", since(6)), ("Last 30 days", since(29))];
        let quick = |(name, from): (&'static str, Option<Date>)| {
            let from = from.map(|from| from.to_string()).unwrap_or_default();
            let is_chosen = self.from == from && self.until.is_empty();
            Quick { name, is_chosen, address: Asked { from, until: String::new(), ..self.clone() }.address(None) }
        };
        choices.into_iter().map(quick).collect()
    }
}

fn chosen_type(name: &str, types: &[TypeName]) -> Result<TypeName> {
    let name: TypeName = if name.contains('/') { name.parse()? } else { format!("managed/{name}").parse()? };
    if types.contains(&name) { Ok(name) } else { Err(name.unknown(types)) }
}

fn one_of(word: &str, known: &[&str], what: &str) -> Result<String> {
    match known.contains(&word) {
        true => Ok(word.to_owned()),
        false => Err(Error::request(format!("'{word}' is no {what}: there are {}", known.join(", ")))),
    }
}

fn date(typed: &str) -> Result<Option<Date>, jiff::Error> {
    if typed.is_empty() { Ok(None) } else { typed.parse().map(Some) }
}

fn midnight(date: Date) -> String {
    format!("{date}T00:00:00.000Z")
}
