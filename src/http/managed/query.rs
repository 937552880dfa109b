//! `GET /openidm/managed/{type}`: the objects that a filter chooses.
//!
//! An answer is of one moment of the repository, so nobody sees half of an atomic import. What one step of the search finds
//! mostly is enough; where it is not, the search begins again in a moment that is kept until the last step, and the
//! answer is written ahead of the client: so the slowest client holds up nobody. One that goes away ends the search.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use serde_json::Value;

use super::view::View;
use crate::access::Principal;
use crate::app::App;
use crate::error::{Error, Result};
use crate::filter::Filter;
use crate::http::Door;
use crate::http::addressing::{Addressed, TypeParameter};
use crate::http::answer::JSON;
use crate::http::conditions::{ConditionRefusals, Conditions};
use crate::http::paging::{Candidate, Chunk, in_chunks, write_answer};
use crate::http::params::Params;
use crate::http::problem::{Problem, ProblemBody};
use crate::http::query::{Page, Query, QueryParameters, Start};
use crate::object::Visible;
use crate::repository::{Found, FoundPage, Moment, ObjectNumber, Search, StoredType};

/// Objects that one step finds; the first step of a page up to as many as the page has, if these are not more.
const AT_ONCE: usize = 256;
const MOST_AT_ONCE: usize = 10_000;

/// A search may take so long, the time not counted in which the client takes what was found.
const LONGEST: Duration = Duration::from_mins(5);

/// The objects that a filter chooses, in the order in which they were created unless sorted. Private properties do not
/// exist here, neither for the filter nor in the answer.
#[utoipa::path(
    get, path = "/openidm/managed/{type}", tag = "objects", operation_id = "queryObjects",
    params(TypeParameter, QueryParameters),
    responses(
        (status = 200, description = "A page of objects", body = Object),
        (status = 400, description = "A parameter is wrong", body = ProblemBody),
        (status = 404, description = "There is no such object type", body = ProblemBody),
        ConditionRefusals,
    ),
)]
pub(in crate::http) async fn query(
    State(door): State<Door>,
    principal: Principal,
    Addressed { object_type, .. }: Addressed,
    conditions: Conditions,
    params: Params,
) -> Result<Response, Problem> {
    conditions.refuse_if_match()?;
    let query = Query::of(&params, object_type.as_str())?;
    door.stream(JSON, move |door, out| {
        let stored = principal.object_type(&door.app, &object_type)?;
        let view = View::new(&stored.object_type, &query.fields, &query.order.pointers().collect::<Vec<_>>());
        let behind = query.needed_behind().unwrap_or(0);
        let mut searching = Searching::begin(&door.app, &stored, &query, &view, behind)?;
        let audience = out.audience();
        let objects = in_chunks(behind, move |behind| {
            audience.is_there()?;
            searching.step(behind)
        });
        // What the search finds matches.
        let found = Query { filter: Filter::Literal(true), fields: view.fields().clone(), ..query.clone() };
        let mut ahead = out.ahead();
        write_answer(&found, objects, &mut ahead)?;
        ahead.deliver()
    })
    .await
}

/// A search on its way.
struct Searching<'a> {
    stored: &'a StoredType,
    search: Search,
    /// What the first step found, until it is taken.
    first: Option<FoundPage>,
    /// In which it goes on, if that may be needed.
    moment: Option<Moment<'a>>,
    /// What of the objects is needed.
    view: &'a View,
    /// Where the page begins, if it says so.
    start: ObjectNumber,
    /// How many objects from there on are needed as they are; the others are only counted.
    room: usize,
    spent: Duration,
}

impl<'a> Searching<'a> {
    fn begin(
        app: &'a App,
        stored: &'a StoredType,
        query: &Query,
        view: &'a View,
        behind: ObjectNumber,
    ) -> Result<Searching<'a>> {
        let begun = Instant::now();
        let (start, room) = match &query.page {
            Page::Count => (0, 0),
            Page::Part { size, start: Start::Offset(offset), .. } if query.order.is_as_stored() => {
                (0, usize::try_from(*offset).unwrap_or(usize::MAX).saturating_add(size.get()))
            }
            Page::Part { size, start: Start::Behind(cursor), .. } if query.order.is_as_stored() => {
                (cursor.position, size.get())
            }
            Page::Part { .. } | Page::Whole => (0, usize::MAX),
        };
        let repository = &app.repository;
        // A page has enough with one more than it shows.
        let enough = if query.needs_all() { usize::MAX } else { room.saturating_add(1) };
        let limit = if enough <= MOST_AT_ONCE { enough.max(AT_ONCE) } else { AT_ONCE };
        let (mut search, mut first) =
            repository.search_at_once(stored, &query.filter, Visible::Public, behind, limit)?;
        let mut moment = None;
        if first.next.is_some() && first.found.len() < enough {
            let mut now = repository.moment()?;
            search = now.search(stored, &query.filter, Visible::Public)?;
            first = now.step(stored, &search, behind, AT_ONCE)?;
            moment = Some(now);
        }
        Ok(Searching { stored, search, first: Some(first), moment, view, start, room, spent: begun.elapsed() })
    }

    fn step(&mut self, behind: ObjectNumber) -> Result<Chunk> {
        let begun = Instant::now();
        let FoundPage { found, next, .. } = match (self.first.take(), &mut self.moment) {
            (Some(first), _) => first,
            (None, Some(moment)) => moment.step(self.stored, &self.search, behind, AT_ONCE)?,
            (None, None) => return Err(Error::internal("a search goes on that was to be over")),
        };
        let candidates = found.iter().map(|found| self.candidate(found)).collect();
        self.spent += begun.elapsed();
        if self.spent > LONGEST {
            let minutes = LONGEST.as_secs() / 60;
            return Err(Error::request(format!(
                "the search takes more than {minutes} minutes: ask for pages with '_pageSize', or with a filter that an \
                 index serves, such as equality with an '_id'"
            )));
        }
        Ok(Chunk { candidates, next })
    }

    fn candidate(&mut self, found: &Found) -> Candidate {
        let position = found.number;
        if position <= self.start || self.room == 0 {
            return Candidate { position, object: Value::Null };
        }
        self.room -= 1;
        Candidate { position, object: self.view.read(&found.object) }
    }
}
