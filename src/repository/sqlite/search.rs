//! Looking for the objects that a filter chooses.
//!
//! What a filter means is defined by [`Filter::matches`], and here too nothing else decides: indexes only say among
//! which objects the matches must be. An id leads to its object, and an index answers `eq` and `in`: its hashes put values
//! side by side that differ in nothing but case, as strings are compared here. Every other filter looks at all objects,
//! window by window.

use std::collections::BTreeSet;

use rusqlite::Connection;
use uuid::Uuid;

use super::ids::number_in;
use super::keys::KeyTable;
use super::objects::{COLUMNS, read as read_object};
use super::{Sqlite, sql, transaction_to_read};
use crate::error::Result;
use crate::filter::{Filter, Operand, Operator, Pointer};
use crate::object::{Excerpt, Object, Visible, write_key_value};
use crate::repository::{Found, FoundPage, Hashes, Mode, ObjectNumber, StoredType};
use crate::schema::value::write_json_string;

/// Objects that one step looks at: some ten milliseconds.
const WINDOW: ObjectNumber = 10_000;

/// Bytes of documents that one step finds, about.
const HEAVY: usize = 4 << 20;

/// The longest `_id` that is looked up; SQLite refuses very long patterns.
const LONGEST_ID: usize = 1000;

/// A filter, and where its matches must be.
#[derive(Clone, Debug)]
pub struct Search {
    filter: Filter,
    excerpt: Excerpt,
    /// The last object when the search began: what is created meanwhile is not waited for.
    last: ObjectNumber,
    /// In order; nothing if any object may match.
    candidates: Option<Vec<ObjectNumber>>,
}

impl Search {
    /// Whether the filter chooses this object.
    pub fn matches(&self, object: &Object) -> bool {
        match &self.filter {
            Filter::Literal(answer) => *answer,
            filter => filter.matches(&self.excerpt.json(object)),
        }
    }

    /// Whether an index says where the matches are.
    pub fn is_indexed(&self) -> bool {
        self.candidates.is_some()
    }
}

impl Sqlite {
    pub(in crate::repository) fn search(
        &self,
        stored: &StoredType,
        filter: &Filter,
        visible: Visible,
    ) -> Result<Search> {
        let mut conn = self.conn()?;
        let names = filter.pointers().into_iter().filter_map(|pointer| pointer.segments().first());
        let excerpt = Excerpt::of(&stored.object_type, visible, names.map(String::as_str));
        transaction_to_read(&mut conn, |conn| {
            let last = format!("SELECT coalesce(max(number), 0) FROM object_{}", stored.number);
            let last = sql::first(conn, &last, [], |row| sql::get(row, 0))?.unwrap_or(0);
            let indexes = Indexes { conn, stored, hashes: self.hashes };
            let candidates = indexes.candidates(filter)?.map(|found| found.into_iter().collect());
            Ok(Search { filter: filter.clone(), excerpt, last, candidates })
        })
    }

    pub(in crate::repository) fn step(
        &self,
        stored: &StoredType,
        search: &Search,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<FoundPage> {
        let mut step = Step { search, limit, bytes: 0, page: FoundPage::default() };
        let mut conn = self.conn()?;
        match &search.candidates {
            None => scan(&conn, stored, after, &mut step)?,
            Some(candidates) => {
                let rest = &candidates[candidates.partition_point(|number| *number <= after)..];
                transaction_to_read(&mut conn, |conn| look_up(conn, stored, rest, &mut step))?;
            }
        }
        Ok(step.page)
    }
}

/// A step that is being made.
struct Step<'s> {
    search: &'s Search,
    limit: usize,
    bytes: usize,
    page: FoundPage,
}

impl Step<'_> {
    /// Takes an object if it matches. Says whether there is room for another one.
    fn take(&mut self, number: ObjectNumber, object: Object) -> bool {
        if self.search.matches(&object) {
            self.bytes += object.document.len();
            self.page.found.push(Found { number, object });
        }
        self.page.found.len() < self.limit && self.bytes < HEAVY
    }
}

/// Looks at the next window of all objects.
fn scan(conn: &Connection, stored: &StoredType, after: ObjectNumber, step: &mut Step<'_>) -> Result<()> {
    let (last, through) = (step.search.last, step.search.last.min(after.saturating_add(WINDOW)));
    let sql = format!("{} WHERE o.number > ?1 AND o.number <= ?2 ORDER BY o.number", select(stored));
    let mut statement = sql::prepare(conn, &sql)?;
    let mut rows = sql::query(&mut statement, [after, through])?;
    let mut seen = through;
    while let Some(row) = sql::next(&mut rows)? {
        let (number, object) = read_object(row)?;
        if !step.take(number, object) {
            seen = number;
            break;
        }
    }
    step.page.next = (seen < last).then_some(seen);
    Ok(())
}

/// Looks at the next window of the objects that an index found.
fn look_up(conn: &Connection, stored: &StoredType, rest: &[ObjectNumber], step: &mut Step<'_>) -> Result<()> {
    let sql = one(stored);
    let window = &rest[..rest.len().min(WINDOW as usize)];
    let mut seen = window.last();
    for number in window {
        if let Some((_, object)) = sql::first(conn, &sql, [number], read_object)?
            && !step.take(*number, object)
        {
            seen = Some(number);
            break;
        }
    }
    step.page.next = seen.filter(|seen| rest.last() > Some(seen)).copied();
    Ok(())
}

/// What the indexes of a type know.
struct Indexes<'a> {
    conn: &'a Connection,
    stored: &'a StoredType,
    hashes: Hashes,
}

impl Indexes<'_> {
    /// The objects among which all matches are, if an index knows.
    fn candidates(&self, filter: &Filter) -> Result<Option<BTreeSet<ObjectNumber>>> {
        match filter {
            Filter::Literal(false) => Ok(Some(BTreeSet::new())),
            Filter::And(parts) => {
                let known = parts.iter().map(|part| self.candidates(part)).filter_map(Result::transpose);
                let known: Vec<BTreeSet<ObjectNumber>> = known.collect::<Result<_>>()?;
                Ok(known.into_iter().min_by_key(BTreeSet::len))
            }
            Filter::Or(parts) => {
                let mut all = BTreeSet::new();
                for part in parts {
                    let Some(known) = self.candidates(part)? else { return Ok(None) };
                    all.extend(known);
                }
                Ok(Some(all))
            }
            Filter::Comparison { pointer, operator: Operator::Equal, value } => {
                self.equal(pointer, std::slice::from_ref(value))
            }
            Filter::In { pointer, values } => self.equal(pointer, values),
            _ => Ok(None),
        }
    }

    /// The objects of which this property may equal one of the values.
    fn equal(&self, pointer: &Pointer, values: &[Operand]) -> Result<Option<BTreeSet<ObjectNumber>>> {
        let text = |value: &'_ Operand| match value {
            Operand::Text(text) => Some(text.clone()),
            _ => None,
        };
        let Some(texts) = values.iter().map(text).collect::<Option<Vec<String>>>() else { return Ok(None) };
        if pointer.segments() == ["_id"] {
            return self.with_id(&texts);
        }
        // A type without a schema may have undeclared values of what became a property with a later file.
        if self.stored.object_type.is_open() || pointer.segments().iter().any(|segment| segment.contains('/')) {
            return Ok(None);
        }
        let path = pointer.segments().join("/");
        let property = self.stored.object_type.property(&path);
        let property = property.filter(|property| property.path == path && property.holds_text_only());
        let index = property.and_then(|property| self.stored.index(std::slice::from_ref(&property.path)));
        let Some(index) = index else { return Ok(None) };
        let mut table = KeyTable::new(index, Mode::Write, 0);
        table.reset(self.conn)?;
        let mut found = BTreeSet::new();
        for text in &texts {
            // As in keys, which are compared without outer blanks, and which an empty text is none of.
            let text = text.trim();
            if text.is_empty() {
                return Ok(None);
            }
            let mut key = String::new();
            write_key_value(&mut key, |key| write_json_string(key, text));
            found.extend(table.alike(self.conn, self.hashes.alike(&key))?);
        }
        Ok(Some(found))
    }

    /// The objects with one of these ids, which clients may have chosen.
    fn with_id(&self, ids: &[String]) -> Result<Option<BTreeSet<ObjectNumber>>> {
        if ids.iter().any(|id| id.len() > LONGEST_ID) {
            return Ok(None);
        }
        let mut found = BTreeSet::new();
        let chosen = "SELECT object FROM chosen_id WHERE object_type = ?1 AND id LIKE ?2 ESCAPE '\\'";
        for id in ids {
            found.extend(Uuid::parse_str(id).ok().and_then(number_in));
            let chosen = sql::all(self.conn, chosen, (self.stored.number, pattern(id)), |row| sql::get(row, 0))?;
            found.extend::<Vec<ObjectNumber>>(chosen);
        }
        Ok(Some(found))
    }
}

/// A pattern that finds at least the texts that equal this one but for their case. SQLite knows the case of ASCII
/// letters only, and some of these have other letters for their equals.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            'i' | 'I' | 'k' | 'K' | 's' | 'S' => pattern.push('_'),
            '%' | '_' | '\\' => pattern.extend(['\\', c]),
            c if c.is_ascii() => pattern.push(c),
            _ => pattern.push('_'),
        }
    }
    pattern
}

fn one(stored: &StoredType) -> String {
    format!("{} WHERE o.number = ?1", select(stored))
}

fn select(stored: &StoredType) -> String {
    let number = stored.number;
    format!("SELECT {COLUMNS} FROM current_{number} AS o LEFT JOIN import AS i ON i.number = o.import")
}
