//! Looking for texts that begin with a text, in their order.
//!
//! What "begins with" means is said by [`Filter::matches`], and nothing else decides here either. An index over the *heads*
//! of a property's values (their first characters, ASCII letters in lower case, ordered by their bytes) only says among
//! which objects the matches are. A backend has its database make the index when somebody searches so for the first time,
//! and keep it from then on; whoever never searches never pays for it.

use std::iter;

use super::{KeyIndex, ObjectNumber, StoredType};
use crate::filter::{Filter, Operand, Operator, Pointer, fold, letters_alike};
use crate::object::{Excerpt, Object, Visible};
use crate::schema::property::Scope;

/// Characters of a head.
pub(super) const HEAD: usize = 64;

/// Candidates that are asked for at a time at least.
const FEWEST: usize = 20;

/// Ranges of heads that a search goes through at most.
const MOST_RANGES: usize = 64;

/// A search for the objects of which a property begins with a text.
#[derive(Clone, Debug)]
pub struct Prefix {
    pub(super) position: u32,
    filter: Filter,
    excerpt: Excerpt,
    ranges: Vec<Range>,
}

/// A place in the order of heads, and of objects with the same head.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrefixPlace {
    /// The head.
    pub head: String,
    /// The object.
    pub number: ObjectNumber,
}

/// What one step of such a search has found.
#[derive(Debug, Default)]
pub struct PrefixPage {
    /// At most as many as asked for, in the order of their heads.
    pub found: Vec<Object>,
    /// Where the search goes on, if it is not over.
    pub next: Option<PrefixPlace>,
    /// How many objects were looked at.
    pub looked_at: u64,
}

/// Heads from the first on, up to the end, which is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    first: String,
    end: String,
}

/// Heads that are asked for: those behind a place, up to an end.
#[derive(Clone, Debug)]
pub(super) struct Behind<'p> {
    pub(super) head: &'p str,
    pub(super) number: ObjectNumber,
    pub(super) end: &'p str,
}

/// An object that may match.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) place: PrefixPlace,
    /// Nothing if it has another head by now, or is gone.
    pub(super) object: Option<Object>,
}

impl Prefix {
    /// Such a search, if an index may serve it: over a property that holds nothing but texts and is visible, that objects
    /// are found by already (it is part of a key index), of a type that says which properties there are.
    pub fn new(stored: &StoredType, path: &str, text: &str, visible: Visible) -> Option<Prefix> {
        let object_type = &stored.object_type;
        let property = object_type.property(path).filter(|property| property.path == path)?;
        let is_seen = visible == Visible::Everything || property.scope == Scope::Public;
        let is_part = |index: &KeyIndex| index.properties.contains(&property.path);
        // A type without a schema may have undeclared values of what became a property later.
        let is_served = is_seen && property.holds_text_only() && !object_type.is_open() && !text.is_empty();
        if !is_served || !stored.indexes.iter().any(is_part) {
            return None;
        }
        let pointer = Pointer::new(path.split('/'));
        let excerpt = Excerpt::of(object_type, visible, pointer.segments().first().map(String::as_str));
        let value = Operand::Text(text.to_owned());
        let filter = Filter::Comparison { pointer, operator: Operator::StartsWith, value };
        Some(Prefix { position: property.position, filter, excerpt, ranges: ranges(text) })
    }

    /// The property's place in documents.
    pub fn position(&self) -> u32 {
        self.position
    }

    fn matches(&self, object: &Object) -> bool {
        self.filter.matches(&self.excerpt.json(object))
    }

    /// One step: looks at candidates behind a place, of which a backend finds some more in an order that it knows, until
    /// `limit` of them match or about `enough` were looked at.
    pub(super) fn step<E>(
        &self,
        after: Option<&PrefixPlace>,
        limit: usize,
        enough: usize,
        mut candidates: impl FnMut(&Behind<'_>, usize) -> Result<Vec<Candidate>, E>,
    ) -> Result<PrefixPage, E> {
        let mut page = PrefixPage::default();
        let left = self.ranges.iter().filter(|range| after.is_none_or(|after| after.head < range.end));
        for range in left {
            let place = after.filter(|after| after.head >= range.first);
            let mut behind = place.cloned().unwrap_or_else(|| PrefixPlace { head: range.first.clone(), number: 0 });
            loop {
                // Of a full page it is only asked whether anything is behind it.
                let wanted = if page.found.len() < limit { limit.max(FEWEST) } else { 1 };
                let asked = Behind { head: &behind.head, number: behind.number, end: &range.end };
                let found = candidates(&asked, wanted)?;
                let is_last = found.len() < wanted;
                for Candidate { place, object } in found {
                    // Something is behind a full page.
                    if page.found.len() >= limit {
                        page.next = Some(behind);
                        return Ok(page);
                    }
                    page.looked_at += 1;
                    behind = place;
                    page.found.extend(object.filter(|object| self.matches(object)));
                }
                if is_last {
                    break;
                }
                if page.looked_at >= enough as u64 {
                    page.next = Some(behind);
                    return Ok(page);
                }
            }
        }
        Ok(page)
    }
}

/// The heads of all texts that begin with this one, and perhaps of some others, in order.
///
/// Filters take case away from all letters, heads from those of ASCII: so of a letter that others equal, all of them are
/// looked for. That they are not too many, a long text is looked for by its beginning.
fn ranges(text: &str) -> Vec<Range> {
    // What a backend has in the place of a NUL, and of what is written like one, is its own affair.
    let text = fold(text);
    let firm = text.chars().take_while(|c| !matches!(c, '\0' | '\\')).take(HEAD);
    let mut firsts = vec![String::new()];
    for c in firm {
        let alike = alike(c);
        if firsts.len() * alike.len() > MOST_RANGES {
            break;
        }
        firsts = firsts
            .iter()
            .flat_map(|first| alike.iter().map(move |c| first.chars().chain(iter::once(*c)).collect()))
            .collect();
    }
    firsts.sort_unstable();
    firsts.into_iter().map(|first| Range { end: behind_all(&first), first }).collect()
}

/// The letters that filters take for this one, which has no case, as heads have them.
fn alike(letter: char) -> Vec<char> {
    letters_alike(letter).into_iter().filter(|c| !c.is_ascii_uppercase()).collect()
}

/// A text behind all heads that begin with this one: they are not longer than [`HEAD`].
fn behind_all(first: &str) -> String {
    let last = iter::repeat_n(char::MAX, HEAD + 1);
    first.chars().chain(last).collect()
}

#[cfg(test)]
mod tests {
    use super::{HEAD, ranges};

    fn firsts(text: &str) -> Vec<String> {
        ranges(text).into_iter().map(|range| range.first).collect()
    }

    #[test]
    fn all_texts_that_begin_alike_are_in_a_range() {
        assert_eq!(firsts("Bo"), ["bo"]);
        assert_eq!(firsts("KO"), ["ko", "\u{212A}o"]);
        assert_eq!(firsts("É7"), ["É7", "é7"]);
        assert_eq!(firsts("a\\u0"), ["a"]);
        assert_eq!(firsts("a\0b"), ["a"]);
        assert_eq!(firsts(&"x".repeat(HEAD + 9)), ["x".repeat(HEAD)]);
        let many = ranges("mississippi");
        assert_eq!(many.len(), 64);
        assert!(many.windows(2).all(|two| two[0].end < two[1].first), "in order, and none in two");
        assert!(many.iter().all(|range| range.first.chars().count() == 7));
    }
}
