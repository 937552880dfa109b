//! Some of what a dry run would change, for a person to look at: from all over the file, and small.

use serde_json::Value;

use crate::error::{Result, beginning};
use crate::object::elements;
use crate::report::{Change, Sample};
use crate::repository::{ObjectNumber, Session};
use crate::schema::ObjectType;
use crate::schema::property::Scope;

/// Records that would change an object, and those that would make one.
const MOST_UPDATED: usize = 20;
const MOST_CREATED: usize = 5;

/// Properties of one of them.
const MOST_CHANGES: usize = 40;

/// How much of a text is kept.
const KEPT: usize = 500;

/// See the module's head.
pub(super) struct Samples {
    /// Places and paths of what everybody may see.
    properties: Vec<(usize, String)>,
    updated: Spread<Taken>,
    created: Spread<Taken>,
}

/// A record that was taken, with the object that it would change.
struct Taken {
    row: u64,
    object: Option<ObjectNumber>,
    changes: Vec<Change>,
}

impl Samples {
    pub(super) fn new(object_type: &ObjectType) -> Samples {
        let public = object_type.properties().iter().filter(|property| property.scope == Scope::Public);
        Samples {
            properties: public.map(|property| (property.position as usize, property.path.clone())).collect(),
            updated: Spread::new(MOST_UPDATED),
            created: Spread::new(MOST_CREATED),
        }
    }

    /// A record would change an object from one document to another, or make one of it.
    pub(super) fn see(&mut self, row: u64, object: Option<ObjectNumber>, old: Option<&str>, new: &str) {
        let spread = if object.is_some() { &mut self.updated } else { &mut self.created };
        if spread.is_next() {
            spread.keep(Taken { row, object, changes: changes(&self.properties, old, new) });
        }
    }

    /// What was taken, in the order of the file.
    pub(super) fn all(&self, session: &mut Session) -> Result<Vec<Sample>> {
        let mut taken: Vec<&Taken> = self.updated.few().into_iter().chain(self.created.few()).collect();
        taken.sort_unstable_by_key(|taken| taken.row);
        let numbers: Vec<ObjectNumber> = taken.iter().filter_map(|taken| taken.object).collect();
        let ids = session.ids(&numbers)?;
        let sample = |Taken { row, object, changes }: &Taken| {
            let id = |number| ids.iter().find(|(known, _)| *known == number).map(|(_, id)| id.clone());
            Sample { row: *row, object: object.and_then(id), changes: changes.clone() }
        };
        Ok(taken.into_iter().map(sample).collect())
    }
}

/// What is different in two documents.
fn changes(properties: &[(usize, String)], old: Option<&str>, new: &str) -> Vec<Change> {
    let [mut before, mut after] = [Vec::new(), Vec::new()];
    old.into_iter().for_each(|old| elements(old, &mut before));
    elements(new, &mut after);
    let value =
        |elements: &[&str], place: usize| elements.get(place).filter(|json| **json != "null").map(|json| short(json));
    let changed = properties.iter().filter(|(place, _)| {
        let [before, after] = [&before, &after].map(|elements| elements.get(*place).copied().unwrap_or("null"));
        before != after
    });
    let change = |(place, path): &(usize, String)| Change {
        property: path.clone(),
        old: value(&before, *place),
        new: value(&after, *place),
    };
    changed.take(MOST_CHANGES).map(change).collect()
}

/// A value, of which only the beginning is kept if it is long.
fn short(json: &str) -> Value {
    match serde_json::from_str(json) {
        Ok(Value::String(text)) if text.len() > KEPT => beginning(&text, KEPT).into_owned().into(),
        Ok(Value::String(text)) => text.into(),
        Ok(value) if json.len() <= KEPT => value,
        _ => beginning(json, KEPT).into_owned().into(),
    }
}

/// A few of many, from everywhere among them, although nobody knows beforehand how many there are: the first, and then one
/// of so many.
struct Spread<T> {
    most: usize,
    seen: u64,
    /// One of so many is kept.
    every: u64,
    kept: Vec<T>,
}

impl<T> Spread<T> {
    fn new(most: usize) -> Spread<T> {
        Spread { most, seen: 0, every: 1, kept: Vec::new() }
    }

    /// Counts one more, and says whether it is to be kept.
    fn is_next(&mut self) -> bool {
        let is_next = self.seen.is_multiple_of(self.every);
        self.seen += 1;
        is_next
    }

    fn keep(&mut self, one: T) {
        self.kept.push(one);
        if self.kept.len() >= 2 * self.most {
            self.every *= 2;
            let mut place = 0;
            self.kept.retain(|_| {
                place += 1;
                place % 2 == 1
            });
        }
    }

    fn few(&self) -> Vec<&T> {
        let few = self.kept.len().min(self.most);
        (0..few).map(|at| &self.kept[at * self.kept.len() / few]).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{KEPT, Spread, changes};

    #[test]
    fn a_few_come_from_everywhere() {
        for many in [0, 1, 4, 5, 9, 10, 11, 1000, 54321_u64] {
            let mut spread = Spread::new(5);
            for n in 0..many {
                if spread.is_next() {
                    spread.keep(n);
                }
            }
            let few = spread.few();
            assert_eq!(few.len() as u64, many.min(5), "{few:?}");
            let far = |pair: &[&u64]| (many / 10..=many / 2).contains(&(pair[1] - pair[0]));
            assert!(few.windows(2).all(|pair| many < 10 || far(pair)), "{few:?} of {many}");
        }
    }

    #[test]
    fn what_is_different_is_told_and_no_more() {
        let properties = [(1, "id"), (3, "name"), (4, "tags")].map(|(place, path)| (place, path.to_owned()));
        let told = |old: Option<&str>, new: &str| {
            let told = changes(&properties, old, new).into_iter();
            told.map(|change| json!([change.property, change.old, change.new])).collect::<Vec<_>>()
        };
        let old = r#"[0,"a","secret","Ann",["x"]]"#;
        assert_eq!(
            told(Some(old), r#"[0,"a","other","Bo"]"#),
            [json!(["name", "Ann", "Bo"]), json!(["tags", ["x"], null])]
        );
        assert_eq!(told(None, r#"[0,"a","other"]"#), [json!(["id", null, "a"])]);
        let long = format!(r#"[0,"{}"]"#, "ü".repeat(2000));
        let [change] = told(None, &long).try_into().expect("one");
        assert!(change[2].as_str().is_some_and(|text| text.ends_with("...") && text.len() < 3 * KEPT), "{change}");
    }
}
