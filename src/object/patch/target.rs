//! Where in an object an operation changes something.
//!
//! The way to it is made where it is missing. An element of an array is no target, since its place says nothing of which
//! one it is; behind the last one, written `-`, is.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use crate::filter::Pointer;
use crate::schema::property::shown;

/// Sentences, without the number of the operation.
pub(super) type Result<T> = std::result::Result<T, String>;

/// How deep objects may be nested by a patch. What is stored must be read again, and readers have limits.
const MAX_DEPTH: usize = 100;

/// A member of an object, or the place behind the last element of an array.
pub(super) struct Target<'p> {
    pointer: &'p Pointer,
    /// The names on the way.
    way: &'p [String],
    last: &'p str,
}

impl<'p> Target<'p> {
    pub(super) fn new(pointer: &'p Pointer) -> Result<Target<'p>> {
        match pointer.segments() {
            [] => Err("the whole object can only be replaced or removed".to_owned()),
            segments if segments.len() > MAX_DEPTH => Err(format!("its pointer has more than {MAX_DEPTH} names")),
            [way @ .., last] => Ok(Target { pointer, way, last }),
        }
    }

    /// What is there.
    pub(super) fn find<'j>(&self, object: &'j mut Json) -> Result<Option<&'j mut Json>> {
        let mut at = object;
        for name in self.way {
            self.refuse_array(at)?;
            match at.get_mut(name) {
                Some(inner) => at = inner,
                None => return Ok(None),
            }
        }
        if self.last != "-" {
            self.refuse_array(at)?;
        }
        Ok(at.get_mut(self.last).filter(|value| !value.is_null()))
    }

    /// Puts a value there, in the place of another one.
    pub(super) fn set(&self, object: &mut Json, value: Json) -> Result<()> {
        let (_, depth) = measure(&value);
        if self.way.len() + depth > MAX_DEPTH {
            return Err(format!("'{}' would be nested more than {MAX_DEPTH} deep", self.pointer));
        }
        match self.parent(object)? {
            Json::Array(elements) if self.last == "-" => elements.push(value),
            Json::Array(_) => return Err(self.positional()),
            Json::Object(members) => drop(members.insert(self.last.to_owned(), value)),
            other => return Err(format!("'{}' lies in '{}', which is no object", self.pointer, shown(other))),
        }
        Ok(())
    }

    /// Makes sure that the value is there: joins those of arrays, replaces everything else.
    pub(super) fn add(&self, object: &mut Json, value: Json) -> Result<()> {
        match (self.find_to_join(object)?, value) {
            (Some(elements), Json::Array(values)) => join(elements, &values),
            (Some(elements), value) => join(elements, &[value]),
            (None, value) => return self.set(object, value),
        }
        Ok(())
    }

    /// Makes sure that there is no value, or not this one.
    pub(super) fn remove(&self, object: &mut Json, value: Option<&Json>) -> Result<()> {
        let Some(found) = self.find(object)? else { return Ok(()) };
        match (found, value) {
            (Json::Array(elements), Some(value)) => {
                let unwanted: HashSet<&Json> = match value {
                    Json::Array(values) => values.iter().collect(),
                    value => HashSet::from([value]),
                };
                elements.retain(|element| !unwanted.contains(element));
            }
            (found, Some(value)) if found != value => {}
            _ => {
                if let Json::Object(members) = self.parent(object)? {
                    members.shift_remove(self.last);
                }
            }
        }
        Ok(())
    }

    fn find_to_join<'j>(&self, object: &'j mut Json) -> Result<Option<&'j mut Vec<Json>>> {
        if self.last == "-" {
            return Ok(None);
        }
        Ok(self.find(object)?.and_then(Json::as_array_mut))
    }

    /// What it lies in, which is made if need be.
    fn parent<'j>(&self, object: &'j mut Json) -> Result<&'j mut Json> {
        let mut at = object;
        for (name, depth) in self.way.iter().zip(1..) {
            self.refuse_array(at)?;
            let is_array = depth == self.way.len() && self.last == "-";
            let Json::Object(members) = at else {
                return Err(format!("'{}' lies in '{}', which is no object", self.pointer, shown(at)));
            };
            let inner = members.entry(name.as_str()).or_insert(Json::Null);
            if inner.is_null() {
                *inner = if is_array { Json::Array(Vec::new()) } else { Json::Object(Map::new()) };
            }
            at = inner;
        }
        Ok(at)
    }

    /// No name leads into an array.
    fn refuse_array(&self, at: &Json) -> Result<()> {
        if at.is_array() { Err(self.positional()) } else { Ok(()) }
    }

    fn positional(&self) -> String {
        format!("Position-based operation is not allowed: {}", self.pointer)
    }
}

/// Adds the values that are not among the elements yet.
fn join(elements: &mut Vec<Json>, values: &[Json]) {
    let mut known: HashSet<&Json> = elements.iter().collect();
    let new: Vec<Json> = values.iter().filter(|value| known.insert(value)).cloned().collect();
    elements.extend(new);
}

/// About how many bytes a value takes, and how deep it is.
pub(super) fn measure(value: &Json) -> (usize, usize) {
    let sum = |(size, depth): (usize, usize), (inner, deep): (usize, usize)| (size + inner, depth.max(deep));
    match value {
        Json::Array(elements) => {
            let (size, depth) = elements.iter().map(measure).fold((2, 0), sum);
            (size, depth + 1)
        }
        Json::Object(members) => {
            let named = members.iter().map(|(name, value)| {
                let (size, depth) = measure(value);
                (size + name.len() + 4, depth)
            });
            let (size, depth) = named.fold((2, 0), sum);
            (size, depth + 1)
        }
        Json::String(text) => (text.len() + 2, 0),
        _ => (8, 0),
    }
}
