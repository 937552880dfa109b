//! The places of properties in stored documents.
//!
//! A type's definition comes and goes, its documents stay: the repository keeps the places with the type and hands them
//! to whoever compiles its next definition. What lies in the places is not known here.

use serde::{Deserialize, Serialize};

/// Which place each property of a type has in stored documents.
///
/// Places start at 1 and are given away for ever: a property that leaves the definition keeps its place, so that old
/// documents still read, and has it again when it comes back. Serialised as the list of paths in order of their places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Positions(Vec<String>);

impl Positions {
    /// The place of a property.
    pub fn get(&self, path: &str) -> Option<u32> {
        self.0.iter().position(|known| known == path).map(|index| index as u32 + 1)
    }

    /// How many places are given away, which is also the last of them.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no place is given away.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All paths with their places, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0.iter().zip(1..).map(|(path, position)| (path.as_str(), position))
    }

    /// The place of a property, which is given the next one if it has none yet.
    pub(super) fn place(&mut self, path: &str) -> u32 {
        self.get(path).unwrap_or_else(|| {
            self.0.push(path.to_owned());
            self.0.len() as u32
        })
    }

    /// A path with a place that lies inside this one or around it, so that no object can hold both.
    pub(super) fn overlapping(&self, path: &str) -> Option<&str> {
        let lies_inside =
            |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
        self.0.iter().map(String::as_str).find(|known| lies_inside(known, path) || lies_inside(path, known))
    }
}

#[cfg(test)]
mod tests {
    use super::Positions;

    #[test]
    fn places_are_never_given_twice() {
        let mut positions = Positions::default();
        assert_eq!((positions.place("a"), positions.place("b/c"), positions.place("a")), (1, 2, 1));
        let json = serde_json::to_string(&positions).expect("a list of strings");
        assert_eq!(json, r#"["a","b/c"]"#);
        assert_eq!(serde_json::from_str::<Positions>(&json).expect("what was written"), positions);
    }

    #[test]
    fn paths_that_overlap_are_found() {
        let mut positions = Positions::default();
        for path in ["a/b", "a-b", "ab"] {
            positions.place(path);
        }
        for (path, found) in [
            ("a", Some("a/b")),
            ("a/b/c", Some("a/b")),
            ("ab/c", Some("ab")),
            ("a/c", None),
            ("a/bc", None),
            ("b", None),
        ] {
            assert_eq!(positions.overlapping(path), found, "{path}");
        }
    }
}
