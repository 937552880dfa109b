//! Looking for the objects that a filter chooses.
//!
//! What a filter means is defined by [`Filter::matches`], and here too nothing else decides: indexes only say among
//! which objects the matches must be. An id leads to its object, and an index answers `eq` and `in`: its hashes put values
//! side by side that differ in nothing but case, as strings are compared here. Every other filter looks at all objects,
//! window by window. How a backend finds the objects is its own affair: it answers a few look-ups ([`Lookups`]) and hands
//! over the objects of each window ([`Step::take`]).

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use uuid::Uuid;

use super::ids::number_in;
use super::{Found, FoundPage, Hashes, KeyIndex, ObjectNumber, StoredType};
use crate::error::Result;
use crate::filter::{Filter, Operand, Operator, Pointer};
use crate::object::{Excerpt, Object, Visible, write_key_value};
use crate::schema::value::write_json_string;

/// Objects that one step looks at: some ten milliseconds.
pub(super) const WINDOW: usize = 10_000;

/// Bytes of documents that one step finds, about.
const HEAVY: usize = 4 << 20;

/// The longest `_id` that is looked up; nothing longer can be chosen, and SQLite refuses very long patterns.
const LONGEST_ID: usize = 1000;

/// A filter, and where its matches must be.
#[derive(Clone, Debug)]
pub struct Search {
    filter: Filter,
    excerpt: Excerpt,
    pub(super) among: Among,
}

/// Among which objects all matches are.
#[derive(Clone, Debug)]
pub(super) enum Among {
    /// Those through this one, the last when the search began: what is created meanwhile is not waited for.
    Through(ObjectNumber),
    /// These, in order.
    Candidates(Vec<ObjectNumber>),
}

/// What a backend looks up when a search begins, all of one moment.
pub(super) trait Lookups {
    /// The last object.
    fn last(&mut self) -> Result<ObjectNumber>;

    /// The objects with a key whose hash has one of these upper halves, see [`Hashes::alike`].
    fn alike(&mut self, index: &KeyIndex, upper: &[u64]) -> Result<Vec<ObjectNumber>>;

    /// At least the objects whose ids clients chose and that equal one of these but for their case.
    fn chosen(&mut self, ids: &[String]) -> Result<Vec<ObjectNumber>>;
}

impl Search {
    pub(super) fn begin(
        stored: &StoredType,
        hashes: Hashes,
        filter: &Filter,
        visible: Visible,
        lookups: &mut impl Lookups,
    ) -> Result<Search> {
        let names = filter.pointers().into_iter().filter_map(|pointer| pointer.segments().first());
        let excerpt = Excerpt::of(&stored.object_type, visible, names.map(String::as_str));
        let mut indexes = Indexes { lookups, stored, hashes };
        let among = match indexes.candidates(filter)? {
            Some(found) => Among::Candidates(found.into_iter().collect()),
            None => Among::Through(lookups.last()?),
        };
        Ok(Search { filter: filter.clone(), excerpt, among })
    }

    /// Whether the filter chooses this object.
    pub fn matches(&self, object: &Object) -> bool {
        match &self.filter {
            Filter::Literal(answer) => *answer,
            filter => filter.matches(&self.excerpt.json(object)),
        }
    }

    /// Whether an index says where the matches are.
    pub fn is_indexed(&self) -> bool {
        matches!(self.among, Among::Candidates(_))
    }
}

/// A step that is being made.
pub(super) struct Step<'s> {
    search: &'s Search,
    limit: usize,
    bytes: usize,
    looked_at: u64,
    /// The last object that was looked at, if the step ended with it.
    full: Option<ObjectNumber>,
    found: Vec<Found>,
}

impl<'s> Step<'s> {
    pub(super) fn new(search: &'s Search, limit: usize) -> Step<'s> {
        Step { search, limit, bytes: 0, looked_at: 0, full: None, found: Vec::new() }
    }

    /// Takes an object if it matches. Breaks off when there is no room for another one.
    pub(super) fn take(&mut self, number: ObjectNumber, object: Object) -> ControlFlow<()> {
        self.looked_at += 1;
        if self.search.matches(&object) {
            self.bytes += object.document.len();
            self.found.push(Found { number, object });
        }
        if self.found.len() < self.limit && self.bytes < HEAVY {
            return ControlFlow::Continue(());
        }
        self.full = Some(number);
        ControlFlow::Break(())
    }

    /// What was found, when all was looked at `through` this object, unless there was no room, and the search is over with
    /// the object `last`.
    pub(super) fn page(self, through: ObjectNumber, last: ObjectNumber) -> FoundPage {
        let seen = self.full.unwrap_or(through);
        FoundPage { found: self.found, next: (seen < last).then_some(seen), looked_at: self.looked_at }
    }
}

/// The candidates behind `after` that one step looks at, and the last of all.
pub(super) fn window(candidates: &[ObjectNumber], after: ObjectNumber) -> (&[ObjectNumber], ObjectNumber) {
    let rest = &candidates[candidates.partition_point(|number| *number <= after)..];
    (&rest[..rest.len().min(WINDOW)], rest.last().copied().unwrap_or(after))
}

/// What the indexes of a type know.
struct Indexes<'a, L> {
    lookups: &'a mut L,
    stored: &'a StoredType,
    hashes: Hashes,
}

impl<L: Lookups> Indexes<'_, L> {
    /// The objects among which all matches are, if an index knows.
    fn candidates(&mut self, filter: &Filter) -> Result<Option<BTreeSet<ObjectNumber>>> {
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
    fn equal(&mut self, pointer: &Pointer, values: &[Operand]) -> Result<Option<BTreeSet<ObjectNumber>>> {
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
        let mut uppers = Vec::with_capacity(texts.len());
        for text in &texts {
            // As in keys, which are compared without outer blanks, and which an empty text is none of.
            let text = text.trim();
            if text.is_empty() {
                return Ok(None);
            }
            let mut key = String::new();
            write_key_value(&mut key, |key| write_json_string(key, text));
            uppers.push(self.hashes.alike(&key));
        }
        Ok(Some(self.lookups.alike(index, &uppers)?.into_iter().collect()))
    }

    /// The objects with one of these ids, which clients may have chosen.
    fn with_id(&mut self, ids: &[String]) -> Result<Option<BTreeSet<ObjectNumber>>> {
        if ids.iter().any(|id| id.len() > LONGEST_ID) {
            return Ok(None);
        }
        let ours = ids.iter().filter_map(|id| Uuid::parse_str(id).ok().and_then(number_in));
        let mut found: BTreeSet<ObjectNumber> = ours.collect();
        found.extend(self.lookups.chosen(ids)?);
        Ok(Some(found))
    }
}
