//! `_sortKeys`: the order in which objects are shown.
//!
//! Pure. An order is total: objects that the keys do not tell apart keep the order in which they are stored.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::params::Params;
use crate::error::{Error, Result};
use crate::filter::{Pointer, fold};

/// Strings are told apart by so many characters. Their keys are kept while an answer is sorted and go into cookies,
/// which are part of an address.
const CHARACTERS: usize = 128;

/// Sort keys in one request.
const MOST: usize = 8;

/// The order that a client asked for; without keys, as stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Order(Vec<SortKey>);

#[derive(Clone, Debug, PartialEq)]
struct SortKey {
    pointer: Pointer,
    direction: Direction,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Direction {
    Ascending,
    Descending,
}

/// What places an object in an [`Order`]: a value for each key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place(Vec<Key>);

/// One value, by which objects are compared. Values of different kinds come in the order of the kinds.
#[derive(Clone, Debug, PartialEq)]
enum Key {
    Boolean(bool),
    Number(f64),
    /// Without its case.
    Text(String),
    /// Nothing that could be compared; last in both directions.
    Missing,
}

impl Order {
    /// Reads every `_sortKeys` of a request. A plus sign that was not encoded has arrived as a blank and is one.
    ///
    /// # Errors
    /// `Request`, in PingIDM's words, if one is no comma-separated list of sort keys.
    pub(super) fn of(params: &Params) -> Result<Order> {
        let mut keys = Vec::new();
        for list in params.all("_sortKeys") {
            let malformed = || {
                Error::request(format!(
                    "The value '{list}' for parameter '_sortKeys' could not be parsed as a comma separated list of sort \
                     keys"
                ))
            };
            let words = list.split(',').filter(|word| !word.trim().is_empty());
            keys.extend(words.map(SortKey::parse).collect::<Option<Vec<_>>>().ok_or_else(malformed)?);
        }
        if keys.len() > MOST {
            return Err(Error::request(format!("the parameter '_sortKeys' takes up to {MOST} keys")));
        }
        Ok(Order(keys))
    }

    /// Whether objects stay as they are stored.
    pub(super) fn is_as_stored(&self) -> bool {
        self.0.is_empty()
    }

    /// What objects are sorted by.
    pub(super) fn pointers(&self) -> impl Iterator<Item = &Pointer> {
        self.0.iter().map(|key| &key.pointer)
    }

    /// Where an object belongs.
    pub(super) fn place(&self, object: &Value) -> Place {
        Place(self.0.iter().map(|key| Key::of(key.pointer.find(object))).collect())
    }

    /// Compares two places.
    pub(super) fn compare(&self, left: &Place, right: &Place) -> Ordering {
        let keys = self.0.iter().zip(left.0.iter().zip(&right.0));
        keys.fold(Ordering::Equal, |order, (key, (left, right))| order.then_with(|| key.direction.compare(left, right)))
    }

    /// The place that [`Place::to_json`] wrote; nothing if it is not one of this order.
    pub(super) fn read_place(&self, json: &[Value]) -> Option<Place> {
        (json.len() == self.0.len()).then(|| Place(json.iter().map(|value| Key::of(Some(value))).collect()))
    }
}

impl Place {
    /// The values, for a cookie.
    pub(super) fn to_json(&self) -> Vec<Value> {
        let value = |key: &Key| match key {
            Key::Boolean(boolean) => json!(boolean),
            Key::Number(number) => json!(number),
            Key::Text(text) => json!(text),
            Key::Missing => Value::Null,
        };
        self.0.iter().map(value).collect()
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let text = |key: &Key| if let Key::Text(text) = key { text.len() } else { 0 };
        self.0.iter().map(|key| size_of::<Key>() + text(key)).sum()
    }
}

impl SortKey {
    fn parse(word: &str) -> Option<SortKey> {
        let (direction, name) = match word.strip_prefix('-') {
            Some(name) => (Direction::Descending, name),
            None => (Direction::Ascending, word.strip_prefix(['+', ' ']).unwrap_or(word)),
        };
        let pointer = Pointer::parse(name.trim()).filter(|pointer| !pointer.segments().is_empty())?;
        Some(SortKey { pointer, direction })
    }
}

impl Direction {
    fn compare(self, left: &Key, right: &Key) -> Ordering {
        match (left, right) {
            (Key::Missing, Key::Missing) => Ordering::Equal,
            (Key::Missing, _) => Ordering::Greater,
            (_, Key::Missing) => Ordering::Less,
            _ if self == Direction::Ascending => left.compare(right),
            _ => right.compare(left),
        }
    }
}

impl Key {
    /// Of an array, the first element counts.
    fn of(value: Option<&Value>) -> Key {
        match value {
            Some(Value::Bool(boolean)) => Key::Boolean(*boolean),
            // Plus zero makes one zero of the two.
            Some(Value::Number(number)) => number.as_f64().map_or(Key::Missing, |number| Key::Number(number + 0.0)),
            Some(Value::String(text)) => Key::Text(match text.char_indices().nth(CHARACTERS) {
                Some((end, _)) => fold(&text[..end]),
                None => fold(text),
            }),
            Some(Value::Array(elements)) => match elements.first() {
                Some(Value::Array(_)) | None => Key::Missing,
                first => Key::of(first),
            },
            Some(Value::Null | Value::Object(_)) | None => Key::Missing,
        }
    }

    fn kind(&self) -> u8 {
        match self {
            Key::Boolean(_) => 0,
            Key::Number(_) => 1,
            Key::Text(_) => 2,
            Key::Missing => 3,
        }
    }

    fn compare(&self, other: &Key) -> Ordering {
        match (self, other) {
            (Key::Boolean(left), Key::Boolean(right)) => left.cmp(right),
            (Key::Number(left), Key::Number(right)) => left.total_cmp(right),
            (Key::Text(left), Key::Text(right)) => left.cmp(right),
            _ => self.kind().cmp(&other.kind()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;
    use serde_json::{Value, json};

    use super::Order;
    use crate::http::params::Params;

    fn order(query: &str) -> Result<Order, String> {
        let uri: Uri = format!("/?{query}").parse().expect("an address");
        Order::of(&Params::of(&uri).expect("UTF-8")).map_err(|error| error.to_string())
    }

    #[test]
    fn objects_are_put_in_order() {
        let objects = [
            json!({ "n": 1, "a": "b" }),
            json!({ "n": 2, "a": "A", "deep": { "er": 1 } }),
            json!({ "n": 3, "a": 10 }),
            json!({ "n": 4, "a": 9.5 }),
            json!({ "n": 5 }),
            json!({ "n": 6, "a": null, "deep": { "er": 2 } }),
            json!({ "n": 7, "a": ["Az", "0"] }),
            json!({ "n": 8, "a": true }),
            json!({ "n": 9, "a": [] }),
        ];
        for (query, expected) in [
            ("", vec![1, 2, 3, 4, 5, 6, 7, 8, 9]),
            ("_sortKeys=a", vec![8, 4, 3, 2, 7, 1, 5, 6, 9]),
            ("_sortKeys=%2Ba", vec![8, 4, 3, 2, 7, 1, 5, 6, 9]),
            ("_sortKeys=+a", vec![8, 4, 3, 2, 7, 1, 5, 6, 9]),
            ("_sortKeys=-/a", vec![1, 7, 2, 3, 4, 8, 5, 6, 9]),
            ("_sortkeys=-a,-n", vec![1, 7, 2, 3, 4, 8, 9, 6, 5]),
            ("_sortKeys=-deep/er&_sortKeys=-n", vec![6, 2, 9, 8, 7, 5, 4, 3, 1]),
        ] {
            let order = order(query).expect(query);
            let mut sorted: Vec<&Value> = objects.iter().collect();
            sorted.sort_by(|left, right| order.compare(&order.place(left), &order.place(right)));
            let found: Vec<u64> = sorted.iter().filter_map(|object| object["n"].as_u64()).collect();
            assert_eq!(found, expected, "{query}");
            for object in objects.iter() {
                let place = order.place(object);
                assert_eq!(order.read_place(&place.to_json()), Some(place));
            }
        }
    }

    #[test]
    fn malformed_keys_are_refused() {
        for list in ["-", "a,%25z", "/"] {
            let decoded = list.replace("%25", "%");
            let message = "could not be parsed as a comma separated list of sort keys";
            let refused = format!("The value '{decoded}' for parameter '_sortKeys' {message}");
            assert_eq!(order(&format!("_sortKeys={list}")), Err(refused));
        }
        assert!(order("_sortKeys=a,b,c,d,e,f,g,h,i").is_err());
    }
}
