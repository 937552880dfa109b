//! Answers to queries, written as they are found.
//!
//! Whoever has objects offers them one by one, in the order in which they are stored; what matches is written into
//! PingIDM's envelope at once, unless it has to be sorted first. So memory is bounded by one page of sorted objects, and
//! a million objects in stored order go through in no memory at all.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::io::Write;
use std::iter::from_fn;

use serde_json::{Value, json};

use super::query::{Cursor, Layout, Page, Query, Start, Total};
use super::sorting::Order;
use super::streaming::not_sent;
use crate::error::{Error, Result};

/// An object that may match.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    /// Where it is in its collection: rises from one candidate to the next, and stays with the object.
    pub(super) position: i64,
    /// As it is shown.
    pub(super) object: Value,
}

/// Candidates that were read at once.
#[derive(Debug)]
pub(super) struct Chunk {
    /// In stored order; there may be none although more follow.
    pub(super) candidates: Vec<Candidate>,
    /// Behind which position the next chunk begins, if there is one.
    pub(super) next: Option<i64>,
}

/// The candidates behind a position, of which `read` gives a chunk behind a position. So no read lasts as long as the
/// slowest client, and nothing in the repository has to wait for it.
pub(super) fn in_chunks(
    behind: i64,
    mut read: impl FnMut(i64) -> Result<Chunk>,
) -> impl Iterator<Item = Result<Candidate>> {
    let mut next = Some(behind);
    let mut waiting = Vec::new().into_iter();
    from_fn(move || {
        loop {
            if let Some(candidate) = waiting.next() {
                return Some(Ok(candidate));
            }
            match read(next.take()?) {
                Ok(chunk) => (waiting, next) = (chunk.candidates.into_iter(), chunk.next),
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

/// Bytes of objects that are held while they are sorted.
const SORTED_AT_ONCE: usize = 64 << 20;

/// Writes the answer to a query of `candidates`, which come in stored order, those behind
/// [`Query::needed_behind`] at least. They are taken only as far as the answer needs them.
///
/// # Errors
/// Those of the candidates and of `out`; `Request` if more would have to be sorted than is held in memory.
pub(super) fn write_answer(
    query: &Query,
    candidates: impl Iterator<Item = Result<Candidate>>,
    out: &mut impl Write,
) -> Result<()> {
    let mut envelope = Envelope { out, layout: query.layout, count: 0 };
    envelope.begin()?;
    let mut matched = 0u64;
    let mut matching = candidates.filter_map(|candidate| match candidate {
        Ok(candidate) if !query.filter.matches(&candidate.object) => None,
        other => {
            matched += 1;
            Some(other)
        }
    });
    let cookie = match &query.page {
        Page::Count => {
            for candidate in matching {
                candidate?;
            }
            return envelope.end(matched, None, None);
        }
        _ if query.order.is_as_stored() => write_stored(query, &mut matching, &mut envelope)?,
        _ => write_sorted(query, &mut matching, &mut envelope)?,
    };
    let count = envelope.count;
    envelope.end(count, cookie, query.page.is_counted().then_some(matched))
}

impl Page {
    fn is_counted(&self) -> bool {
        matches!(self, Page::Part { total: Total::Exact, .. })
    }

    fn size(&self) -> usize {
        if let Page::Part { size, .. } = self { size.get() } else { usize::MAX }
    }

    fn offset(&self) -> u64 {
        if let Page::Part { start: Start::Offset(offset), .. } = self { *offset } else { 0 }
    }

    fn cursor(&self) -> Option<&Cursor> {
        if let Page::Part { start: Start::Behind(cursor), .. } = self { Some(cursor) } else { None }
    }
}

/// Writes the page of matching objects in stored order. Gives the cookie if there are more.
fn write_stored(
    query: &Query,
    matching: &mut impl Iterator<Item = Result<Candidate>>,
    envelope: &mut Envelope<'_, impl Write>,
) -> Result<Option<String>> {
    let mut ahead = query.page.offset();
    let mut last = None;
    while let Some(Candidate { position, object }) = matching.next().transpose()? {
        if query.page.cursor().is_some_and(|cursor| position <= cursor.position) {
            continue;
        }
        if ahead > 0 {
            ahead -= 1;
            continue;
        }
        if envelope.count as usize == query.page.size() {
            if query.page.is_counted() {
                matching.try_for_each(|rest| rest.map(drop))?;
            }
            return Ok(last.map(|last: Cursor| last.write()));
        }
        last = Some(Cursor { place: query.order.place(&object), position });
        envelope.write(&query.layout.text(&query.fields.project(object)))?;
    }
    Ok(None)
}

/// Writes the page of matching objects in the order that was asked for. Gives the cookie if there are more.
///
/// Only what may still be on the page is kept, and one more, which tells whether there are more.
fn write_sorted(
    query: &Query,
    matching: &mut impl Iterator<Item = Result<Candidate>>,
    envelope: &mut Envelope<'_, impl Write>,
) -> Result<Option<String>> {
    let size = query.page.size();
    let offset = usize::try_from(query.page.offset()).unwrap_or(usize::MAX);
    let wanted = offset.saturating_add(size).saturating_add(1);
    let mut kept = BinaryHeap::new();
    let mut held = 0;
    for candidate in matching {
        let Candidate { position, object } = candidate?;
        let cursor = Cursor { place: query.order.place(&object), position };
        if query.page.cursor().is_some_and(|start| query.order.compare_cursors(&cursor, start).is_le()) {
            continue;
        }
        // Most objects of a large collection are not on the page, and need not be written to know that.
        let is_beyond = |last: &Sorted<'_>| query.order.compare_cursors(&cursor, &last.cursor).is_gt();
        if kept.len() == wanted && kept.peek().is_some_and(is_beyond) {
            continue;
        }
        let sorted = Sorted { order: &query.order, cursor, text: query.layout.text(&query.fields.project(object)) };
        held += sorted.size();
        kept.push(sorted);
        if kept.len() > wanted
            && let Some(last) = kept.pop()
        {
            held -= last.size();
        }
        if held > SORTED_AT_ONCE {
            return Err(Error::request(format!(
                "more than {} MB would have to be sorted: ask for pages with '_pageSize', or for less with '_fields'",
                SORTED_AT_ONCE >> 20
            )));
        }
    }
    let mut sorted = kept.into_sorted_vec();
    let more = sorted.len() - offset.min(sorted.len()) > size;
    sorted.truncate(offset.saturating_add(size));
    let page = sorted.get(offset..).unwrap_or_default();
    page.iter().try_for_each(|sorted| envelope.write(&sorted.text))?;
    Ok(page.last().filter(|_| more).map(|sorted| sorted.cursor.write()))
}

/// An object on its way through the heap; the last of the page is the greatest.
struct Sorted<'q> {
    order: &'q Order,
    cursor: Cursor,
    text: String,
}

impl Sorted<'_> {
    fn size(&self) -> usize {
        size_of::<Self>() + self.text.len() + self.cursor.place.size()
    }
}

impl Order {
    /// Compares two objects: those that the keys do not tell apart stay as they are stored.
    fn compare_cursors(&self, left: &Cursor, right: &Cursor) -> Ordering {
        self.compare(&left.place, &right.place).then(left.position.cmp(&right.position))
    }
}

impl Ord for Sorted<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order.compare_cursors(&self.cursor, &other.cursor)
    }
}

impl PartialOrd for Sorted<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sorted<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Sorted<'_> {}

impl Layout {
    /// A value as an element of `result`.
    fn text(self, value: &Value) -> String {
        match self {
            Layout::Compact => value.to_string(),
            // A string has no line break of its own in JSON.
            Layout::Indented => format!("{value:#}").replace('\n', "\n    "),
        }
    }
}

/// `{"result":[...],"resultCount":n,...}`, in PingIDM's order.
struct Envelope<'w, W> {
    out: &'w mut W,
    layout: Layout,
    count: u64,
}

impl<W: Write> Envelope<'_, W> {
    fn begin(&mut self) -> Result<()> {
        self.put(match self.layout {
            Layout::Compact => "{\"result\":[",
            Layout::Indented => "{\n  \"result\": [",
        })
    }

    fn write(&mut self, text: &str) -> Result<()> {
        self.put(match (self.layout, self.count) {
            (Layout::Compact, 0) => "",
            (Layout::Compact, _) => ",",
            (Layout::Indented, 0) => "\n    ",
            (Layout::Indented, _) => ",\n    ",
        })?;
        self.count += 1;
        self.put(text)
    }

    fn end(&mut self, count: u64, cookie: Option<String>, total: Option<u64>) -> Result<()> {
        let rest = json!({
            "resultCount": count,
            "pagedResultsCookie": cookie,
            "totalPagedResultsPolicy": if total.is_some() { "EXACT" } else { "NONE" },
            "totalPagedResults": total.map_or(json!(-1), Value::from),
            // PingIDM does not say it either.
            "remainingPagedResults": -1,
        });
        let (close, rest) = match self.layout {
            Layout::Compact => ("],", rest.to_string()),
            Layout::Indented if self.count == 0 => ("],", format!("{rest:#}")),
            Layout::Indented => ("\n  ],", format!("{rest:#}")),
        };
        self.put(close)?;
        self.put(rest.strip_prefix('{').unwrap_or(&rest))
    }

    fn put(&mut self, text: &str) -> Result<()> {
        self.out.write_all(text.as_bytes()).map_err(not_sent)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;
    use serde_json::{Value, json};

    use super::{Candidate, write_answer};
    use crate::error::Result;
    use crate::http::params::Params;
    use crate::http::query::Query;

    /// Twenty objects: `{"_id":"1","n":1,"third":1}`.
    fn candidates() -> impl Iterator<Item = Result<Candidate>> {
        (1..=20).map(|n| {
            Ok(Candidate { position: n * 10, object: json!({ "_id": n.to_string(), "n": n, "third": n % 3 }) })
        })
    }

    fn answer(parameters: &str) -> String {
        let uri: Uri = format!("/?{parameters}").parse().expect("an address");
        let query = Query::of(&Params::of(&uri).expect("UTF-8"), "things").expect(parameters);
        let needed = candidates().filter(|candidate| match (candidate, query.needed_behind()) {
            (Ok(candidate), Some(position)) => candidate.position > position,
            _ => true,
        });
        let mut out = Vec::new();
        write_answer(&query, needed, &mut out).expect("an answer");
        String::from_utf8(out).expect("UTF-8")
    }

    fn read(parameters: &str) -> (Vec<u64>, Value) {
        let mut answer: Value = serde_json::from_str(&answer(parameters)).expect("JSON");
        let result = answer["result"].take();
        (result.as_array().expect("a list").iter().filter_map(|object| object["n"].as_u64()).collect(), answer)
    }

    #[test]
    fn the_envelope_has_its_members_in_order() {
        let rest = r#""pagedResultsCookie":null,"totalPagedResultsPolicy":"NONE","totalPagedResults":-1,"remainingPagedResults":-1}"#;
        assert_eq!(answer("_queryFilter=false"), format!(r#"{{"result":[],"resultCount":0,{rest}"#));
        assert_eq!(
            answer("_queryFilter=n+le+2&_fields=n"),
            format!(r#"{{"result":[{{"_id":"1","n":1}},{{"_id":"2","n":2}}],"resultCount":2,{rest}"#)
        );
        assert_eq!(
            answer("_queryFilter=third+eq+1&_countOnly=true"),
            format!(r#"{{"result":[],"resultCount":7,{rest}"#)
        );
    }

    #[test]
    fn an_indented_answer_is_what_a_whole_one_would_be() {
        for parameters in ["_queryFilter=false", "_queryFilter=n+lt+3&_pageSize=1"] {
            let whole: Value = serde_json::from_str(&answer(parameters)).expect("JSON");
            assert_eq!(answer(&format!("{parameters}&_prettyPrint=true")), format!("{whole:#}"));
        }
    }

    #[test]
    fn every_way_through_the_pages_meets_every_object_once() {
        for order in ["", "&_sortKeys=-third", "&_sortKeys=third,-n", "&_sortKeys=missing"] {
            for size in [1, 2, 5, 19, 20, 21] {
                let asked = format!("_queryFilter=true{order}");
                let (all, _) = read(&asked);
                assert_eq!(all.len(), 20);
                let (mut by_cookie, mut by_offset, mut next) = (Vec::new(), Vec::new(), String::new());
                loop {
                    let (page, rest) = read(&format!("{asked}&_pageSize={size}{next}&_totalPagedResultsPolicy=EXACT"));
                    by_cookie.extend(page);
                    assert_eq!(
                        (&rest["totalPagedResultsPolicy"], &rest["totalPagedResults"]),
                        (&json!("EXACT"), &json!(20))
                    );
                    let Some(cookie) = rest["pagedResultsCookie"].as_str() else { break };
                    next = format!("&_pagedResultsCookie={cookie}");
                }
                loop {
                    let (page, rest) =
                        read(&format!("{asked}&_pageSize={size}&_pagedResultsOffset={}", by_offset.len()));
                    by_offset.extend(page);
                    if rest["pagedResultsCookie"].is_null() {
                        break;
                    }
                }
                assert_eq!((&by_cookie, &by_offset), (&all, &all), "{order} by {size}");
            }
        }
        assert_eq!(read("_queryFilter=true&_pageSize=5&_pagedResultsOffset=30").0, Vec::<u64>::new());
    }

    #[test]
    fn a_page_takes_no_more_than_it_needs() {
        let uri: Uri = "/?_queryFilter=true&_pageSize=3".parse().expect("an address");
        let query = Query::of(&Params::of(&uri).expect("UTF-8"), "things").expect("a query");
        let mut taken = 0;
        let counted = candidates().inspect(|_| taken += 1);
        write_answer(&query, counted, &mut Vec::new()).expect("an answer");
        assert_eq!(taken, 4);
    }
}
