//! Queries as clients ask them: a filter, an order, a page, and what to show of each object.
//!
//! Read once from the parameters that all collections share; [`paging`](super::paging) answers them.

use std::num::NonZero;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::fields::Fields;
use super::params::Params;
use super::sorting::{Order, Place};
use crate::error::{Error, Result};
use crate::filter::Filter;

/// A question about a collection.
#[derive(Clone, Debug)]
pub(super) struct Query {
    /// Which objects are meant.
    pub(super) filter: Filter,
    /// In which order they come.
    pub(super) order: Order,
    /// Which part of the answer is asked for.
    pub(super) page: Page,
    /// What is shown of each.
    pub(super) fields: Fields,
    /// How the answer is written.
    pub(super) layout: Layout,
}

/// The parameters of a query, for the description of the routes; [`Query::of`] reads them.
#[expect(dead_code, reason = "only described, never made")]
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct QueryParameters {
    /// Which objects are meant, such as `true` or `/resourcePath eq "managed/user"`. This or `_queryId` is required.
    #[param(rename = "_queryFilter", min_length = 1)]
    query_filter: Option<String>,
    /// `query-all`, or `query-all-ids` for ids and revisions only.
    #[param(rename = "_queryId", pattern = "^query-all(-ids)?$")]
    query_id: Option<String>,
    /// Pointers to what is shown of each object, with commas between them.
    #[param(rename = "_fields")]
    fields: Option<String>,
    /// Pointers to what objects are sorted by, with commas between them; `-` in front of one turns its order around.
    #[param(rename = "_sortKeys")]
    sort_keys: Option<String>,
    /// At most so many objects are answered; 0 or nothing for all.
    #[param(rename = "_pageSize", minimum = 0)]
    page_size: Option<i64>,
    /// `pagedResultsCookie` of the answer that this page follows.
    #[param(rename = "_pagedResultsCookie")]
    paged_results_cookie: Option<String>,
    /// So many objects are left out. Not with a cookie, and only with `_pageSize`.
    #[param(rename = "_pagedResultsOffset", minimum = 0)]
    paged_results_offset: Option<i64>,
    /// `NONE`, `ESTIMATE` or `EXACT`: whether `totalPagedResults` is counted.
    #[param(rename = "_totalPagedResultsPolicy", pattern = "^(NONE|ESTIMATE|EXACT)$")]
    total_paged_results_policy: Option<String>,
    /// No objects, only `resultCount`.
    #[param(rename = "_countOnly")]
    count_only: Option<bool>,
    /// The answer is indented.
    #[param(rename = "_prettyPrint")]
    pretty_print: Option<bool>,
}

/// How JSON is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Without blanks.
    Compact,
    /// For people: `_prettyPrint=true`.
    Indented,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Page {
    /// All of it.
    Whole,
    /// No objects, but how many there are.
    Count,
    /// Some of them.
    Part {
        /// How many at most.
        size: NonZero<usize>,
        /// From where on.
        start: Start,
        /// Whether all matching objects are to be counted, those beyond the page too.
        total: Total,
    },
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Start {
    /// Behind so many.
    Offset(u64),
    /// Behind the last object of another page.
    Behind(Cursor),
}

/// An object's place in the answer: what a cookie says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cursor {
    /// Its place in the order that was asked for.
    pub(super) place: Place,
    /// Its position in the collection as stored.
    pub(super) position: i64,
}

/// `_totalPagedResultsPolicy`. An estimate is as dear as the number itself, so there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Total {
    /// Not asked for.
    None,
    /// The number.
    Exact,
}

impl Query {
    /// Reads a query of `collection`, which is its path below `/openidm`.
    ///
    /// # Errors
    /// `Request`, in PingIDM's words where it has some.
    pub(super) fn of(params: &Params, collection: &str) -> Result<Query> {
        let refused = || Error::request(format!("The resource collection {collection} cannot be read"));
        chosen(params)?.ok_or_else(refused).and_then(|chosen| Query::with(chosen, params))
    }

    /// The same where a query without a filter is one of everything.
    ///
    /// # Errors
    /// As of [`Query::of`].
    pub(super) fn or_all(params: &Params) -> Result<Query> {
        let everything = || Ok((Filter::Literal(true), Fields::of(params)?));
        Query::with(chosen(params)?.map_or_else(everything, Ok)?, params)
    }

    /// Whether every matching object has to be looked at, and not only those through the end of the page.
    pub(super) fn needs_all(&self) -> bool {
        match &self.page {
            Page::Part { total: Total::None, .. } => !self.order.is_as_stored(),
            Page::Part { total: Total::Exact, .. } | Page::Whole | Page::Count => true,
        }
    }

    fn with((filter, fields): (Filter, Fields), params: &Params) -> Result<Query> {
        let order = Order::of(params)?;
        let page = Page::of(params, &order)?;
        Ok(Query { filter, order, page, fields, layout: Layout::of(params)? })
    }

    /// The position behind which objects matter. Those at or before it need not be offered to
    /// [`write_answer`](super::paging::write_answer).
    pub(super) fn needed_behind(&self) -> Option<i64> {
        match &self.page {
            Page::Part { start: Start::Behind(cursor), total: Total::None, .. } if self.order.is_as_stored() => {
                Some(cursor.position)
            }
            _ => None,
        }
    }
}

/// Which objects are meant, and what is shown of them, if that is said: `_queryId` decides both.
fn chosen(params: &Params) -> Result<Option<(Filter, Fields)>> {
    const WAYS: [&str; 3] = ["_queryId", "_queryFilter", "_queryExpression"];
    let mut found = Vec::with_capacity(1);
    for name in WAYS {
        found.extend(params.one(name)?.map(|value| (name, value)));
    }
    match found.as_slice() {
        [] => Ok(None),
        [("_queryFilter", text)] => Ok(Some((parse_filter(text)?, Fields::of(params)?))),
        [("_queryId", "query-all")] => Ok(Some((Filter::Literal(true), Fields::of(params)?))),
        [("_queryId", "query-all-ids")] => Ok(Some((Filter::Literal(true), Fields::only(["_id"])))),
        [("_queryId", other)] => {
            Err(Error::request(format!("there is no query '{other}': it is 'query-all' or 'query-all-ids'")))
        }
        [(name, _)] => Err(Error::request(format!("the parameter '{name}' is not supported: use '_queryFilter'"))),
        [(first, _), (second, _), ..] => {
            Err(Error::request(format!("The parameters {first} and {second} are mutually exclusive")))
        }
    }
}

/// Reads the value of a `_queryFilter`.
///
/// # Errors
/// `Request`, in PingIDM's words, with what is wrong in the detail.
pub(super) fn parse_filter(text: &str) -> Result<Filter> {
    Filter::parse(text).map_err(|error| {
        let message =
            format!("The value '{text}' for parameter '_queryFilter' could not be parsed as a valid query filter");
        Error::request(message).with_detail(json!({ "message": error.to_string() }))
    })
}

impl Layout {
    fn of(params: &Params) -> Result<Layout> {
        Ok(if params.flag("_prettyPrint")? { Layout::Indented } else { Layout::Compact })
    }
}

impl Page {
    fn of(params: &Params, order: &Order) -> Result<Page> {
        let size = whole_number(params, "_pageSize")?;
        let offset = whole_number(params, "_pagedResultsOffset")?;
        let cookie = params.one("_pagedResultsCookie")?.filter(|cookie| !cookie.is_empty());
        let total = Total::of(params)?;
        if params.flag("_countOnly")? {
            return Ok(Page::Count);
        }
        let start = match cookie {
            Some(_) if offset > 0 => {
                let message = "The parameters _pagedResultsOffset and _pagedResultsCookie are mutually exclusive";
                return Err(Error::request(message));
            }
            Some(cookie) => Start::Behind(Cursor::read(cookie, order)?),
            None => Start::Offset(offset),
        };
        match (NonZero::new(usize::try_from(size).unwrap_or(usize::MAX)), &start) {
            (Some(size), _) => Ok(Page::Part { size, start, total }),
            (None, Start::Offset(0)) => Ok(Page::Whole),
            (None, Start::Offset(_)) => Err(Error::request("the parameter '_pagedResultsOffset' needs '_pageSize'")),
            (None, Start::Behind(_)) => Err(Error::request("the parameter '_pagedResultsCookie' needs '_pageSize'")),
        }
    }
}

fn whole_number(params: &Params, name: &str) -> Result<u64> {
    let Some(text) = params.one(name)? else { return Ok(0) };
    let malformed =
        |_| Error::request(format!("The value '{text}' for parameter '{name}' could not be parsed as a valid integer"));
    let number: i64 = text.parse().map_err(malformed)?;
    u64::try_from(number).map_err(|_| Error::request(format!("the parameter '{name}' is 0 or more, not '{text}'")))
}

impl Total {
    fn of(params: &Params) -> Result<Total> {
        const NAME: &str = "_totalPagedResultsPolicy";
        let Some(text) = params.one(NAME)? else { return Ok(Total::None) };
        match text.to_ascii_uppercase().as_str() {
            "NONE" => Ok(Total::None),
            "ESTIMATE" | "EXACT" => Ok(Total::Exact),
            _ => {
                let message = "could not be parsed as a valid count policy";
                Err(Error::request(format!("The value '{text}' for parameter '{NAME}' {message}")))
            }
        }
    }
}

impl Cursor {
    /// The cookie of this place.
    pub(super) fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(json!([self.position, self.place.to_json()]).to_string())
    }

    /// Reads a cookie that a query with the same order was answered with.
    fn read(cookie: &str, order: &Order) -> Result<Cursor> {
        let read = || {
            let json = URL_SAFE_NO_PAD.decode(cookie.trim_end_matches('=')).ok()?;
            let (position, place): (i64, Vec<Value>) = serde_json::from_slice(&json).ok()?;
            Some(Cursor { place: order.read_place(&place)?, position })
        };
        read().ok_or_else(|| {
            Error::request(format!(
                "the value '{cookie}' for parameter '_pagedResultsCookie' is not one that a query with these sort keys \
                 was answered with"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use axum::http::Uri;

    use super::{Cursor, Layout, Page, Query, Start, Total};
    use crate::http::params::Params;

    fn query(query: &str) -> Result<Query, String> {
        let uri: Uri = format!("/?{query}").parse().expect("an address");
        Query::of(&Params::of(&uri).expect("UTF-8"), "csv/metadata").map_err(|error| error.to_string())
    }

    fn part(size: usize, start: Start, total: Total) -> Page {
        Page::Part { size: NonZero::new(size).expect("a size"), start, total }
    }

    #[test]
    fn pages_are_read() {
        for (parameters, page) in [
            ("", Page::Whole),
            ("_pageSize=0", Page::Whole),
            ("_pagedResultsOffset=0&_pagedResultsCookie=", Page::Whole),
            ("_pageSize=2", part(2, Start::Offset(0), Total::None)),
            ("_pagesize=2&_PAGEDRESULTSOFFSET=5", part(2, Start::Offset(5), Total::None)),
            ("_pageSize=2&_totalPagedResultsPolicy=exact", part(2, Start::Offset(0), Total::Exact)),
            ("_pageSize=2&_totalPagedResultsPolicy=Estimate", part(2, Start::Offset(0), Total::Exact)),
            ("_pageSize=2&_totalPagedResultsPolicy=NONE", part(2, Start::Offset(0), Total::None)),
            ("_pageSize=2&_countOnly=true", Page::Count),
        ] {
            let read = query(&format!("_queryFilter=true&{parameters}")).map(|query| query.page);
            assert_eq!(read, Ok(page), "{parameters}");
        }
        assert_eq!(query("_queryId=query-all&_prettyPrint=true").map(|query| query.layout), Ok(Layout::Indented));
    }

    #[test]
    fn cookies_are_read_again() {
        for (order, object) in [("", "{}"), ("&_sortKeys=a,-b,c", r#"{"a":"Ä? ","b":1.5}"#)] {
            let asked = query(&format!("_queryFilter=true{order}")).expect("a query");
            let place = asked.order.place(&serde_json::from_str(object).expect("JSON"));
            let cursor = Cursor { place, position: 7 };
            let cookie = cursor.write();
            let next = query(&format!("_queryFilter=true{order}&_pageSize=1&_pagedResultsCookie={cookie}"));
            let next = next.expect("the next page");
            assert_eq!(next.needed_behind(), order.is_empty().then_some(7));
            assert_eq!(next.page, part(1, Start::Behind(cursor), Total::None));
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (parameters, message) in [
            ("", "The resource collection csv/metadata cannot be read"),
            ("_queryFilter=true&_queryId=query-all", "The parameters _queryId and _queryFilter are mutually exclusive"),
            (
                "_queryFilter=true&_queryExpression=x",
                "The parameters _queryFilter and _queryExpression are mutually exclusive",
            ),
            ("_queryExpression=x", "the parameter '_queryExpression' is not supported: use '_queryFilter'"),
            ("_queryId=x", "there is no query 'x': it is 'query-all' or 'query-all-ids'"),
            (
                "_queryFilter=true&_queryFilter=true",
                "Multiple values provided for the single-valued request parameter '_queryFilter'",
            ),
            (
                "_queryFilter=xxx",
                "The value 'xxx' for parameter '_queryFilter' could not be parsed as a valid query filter",
            ),
            (
                "_queryFilter=true&_pageSize=x",
                "The value 'x' for parameter '_pageSize' could not be parsed as a valid integer",
            ),
            ("_queryFilter=true&_pageSize=-1", "the parameter '_pageSize' is 0 or more, not '-1'"),
            (
                "_queryFilter=true&_pagedResultsOffset=1.5",
                "The value '1.5' for parameter '_pagedResultsOffset' could not be parsed as a valid integer",
            ),
            ("_queryFilter=true&_pagedResultsOffset=1", "the parameter '_pagedResultsOffset' needs '_pageSize'"),
            (
                "_queryFilter=true&_totalPagedResultsPolicy=all",
                "The value 'all' for parameter '_totalPagedResultsPolicy' could not be parsed as a valid count policy",
            ),
            (
                "_queryFilter=true&_pageSize=1&_pagedResultsCookie=x&_pagedResultsOffset=1",
                "The parameters _pagedResultsOffset and _pagedResultsCookie are mutually exclusive",
            ),
            (
                "_queryFilter=true&_pageSize=1&_pagedResultsCookie=x",
                "the value 'x' for parameter '_pagedResultsCookie' is not one that a query with these sort keys was \
                 answered with",
            ),
            ("_queryFilter=true&_pagedResultsCookie=WzcsW11d", "the parameter '_pagedResultsCookie' needs '_pageSize'"),
        ] {
            assert_eq!(query(parameters).map(|query| query.page), Err(message.to_owned()), "{parameters}");
        }
    }
}
